//! Shrinking and replay, shown on a world whose failure is known to the last part.

use std::collections::BTreeMap;

use swarm::{Broken, Drawn, Outcome, Record, World, draw_one, run_one, shrink, tell};

/// A world of four parts that breaks a promise as long as `guilty` is there, and panics without `needed`.
struct Toy;

const PARTS: [&str; 4] = ["first", "guilty", "needed", "last"];

impl Toy {
    fn parts(cuts: &[String]) -> Vec<&'static str> {
        PARTS.into_iter().filter(|part| !cuts.iter().any(|cut| cut == part)).collect()
    }
}

impl World for Toy {
    fn name(&self) -> &'static str {
        "toy"
    }

    fn about(&self) -> &'static str {
        "four parts, one of them guilty"
    }

    fn live(&self, seed: u64, cuts: &[String]) -> Record {
        let parts = Self::parts(cuts);
        assert!(parts.contains(&"needed"), "it was needed");
        let broken = parts.contains(&"guilty").then(|| Broken {
            promise: "innocent",
            wanted: "nobody guilty".to_owned(),
            got: parts.join(" "),
        });
        Record {
            seed,
            kind: "toy".to_owned(),
            outcome: if broken.is_some() { Outcome::Failed } else { Outcome::Connected },
            detail: String::new(),
            connected_after: None,
            recovered_after: None,
            faults: Vec::new(),
            broken: broken.into_iter().collect(),
            figures: BTreeMap::new(),
            hash: parts.join("-"),
        }
    }

    fn draw(&self, seed: u64, cuts: &[String]) -> Drawn {
        Drawn { record: self.live(seed, cuts), files: Vec::new() }
    }

    fn describe(&self, _seed: u64, cuts: &[String]) -> Vec<String> {
        Self::parts(cuts).into_iter().map(str::to_owned).collect()
    }

    fn cuts(&self, _seed: u64, cuts: &[String]) -> Vec<String> {
        Self::parts(cuts).into_iter().map(str::to_owned).collect()
    }
}

#[test]
fn a_failure_shrinks_to_what_it_needs_and_replays_from_its_line() {
    let failed = run_one(&Toy, 7, &[]);
    let shrunk = shrink(&Toy, &failed);
    assert_eq!(
        shrunk.cuts,
        ["first", "last"],
        "a panic is another failure, and what is guilty stays"
    );
    let told = tell::failure(&Toy, &failed, Some(&shrunk));
    let line = told.lines().find_map(|line| line.trim().strip_prefix("small:  ")).expect("a line");
    let without = line.split_whitespace().skip_while(|word| *word != "--without").nth(1);
    let cuts: Vec<String> = without.unwrap().split(',').map(str::to_owned).collect();
    assert_eq!(run_one(&Toy, 7, &cuts), shrunk.record, "{line}");
    assert_eq!(shrunk.record.broken[0].got, "guilty needed");
}

#[test]
fn a_world_that_panics_is_a_record_and_no_drawing() {
    let cuts = ["needed".to_owned()];
    assert_eq!(run_one(&Toy, 7, &cuts).broken[0].promise, "no panic");
    let drawn = draw_one(&Toy, 7, &cuts);
    assert_eq!(drawn.map(|it| it.files).unwrap_err(), "a panic: it was needed");
}
