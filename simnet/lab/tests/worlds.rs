//! Worlds drawn at random.

use arbitrary::{Arbitrary as _, Unstructured};
use lab::Scenario;

/// Worlds that are drawn.
const WORLDS: u64 = 100;

fn world(number: u64) -> Scenario {
    let mut bytes = vec![0; 1_500];
    simnet::Stream::new(number, "worlds").fill(&mut bytes);
    let drawn = Scenario::arbitrary(&mut Unstructured::new(&bytes));
    drawn.unwrap_or_else(|error| panic!("world {number}: {error}"))
}

#[test]
fn every_world_is_written_and_read_as_it_is() {
    for number in 0..2 * WORLDS {
        let scenario = world(number);
        let text = scenario.to_toml();
        match Scenario::parse(&text) {
            Ok(read) => assert_eq!(read, scenario, "world {number}:\n{text}"),
            Err(problems) => panic!("world {number}: {problems}\n{text}"),
        }
    }
}

#[test]
fn every_world_keeps_its_books_and_repeats_itself() {
    let (mut packets, mut hashes) = (0, std::collections::BTreeSet::new());
    for number in 0..WORLDS {
        let scenario = world(number);
        let run = || {
            let mut world =
                scenario.build(()).unwrap_or_else(|problem| panic!("{number}: {problem}"));
            let outcome = world.run();
            world
                .audit()
                .unwrap_or_else(|fault| panic!("{number}: {fault}\n{}", scenario.to_toml()));
            outcome
        };
        let outcome = run();
        assert_eq!(outcome.hash, run().hash, "world {number}");
        packets += outcome.tally.originated;
        hashes.insert(outcome.hash);
    }
    assert!(packets > 10_000, "the worlds are too quiet: {packets} packets");
    assert!(
        hashes.len() as u64 > WORLDS * 9 / 10,
        "the worlds are too much alike: {}",
        hashes.len()
    );
}
