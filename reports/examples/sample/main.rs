//! Writes a large, realistic run with all its views, to look at while working on the page:
//! `cargo run -p peerlab-reports --example sample -- target/sample [results]`.
//!
//! Nothing in it was measured: it is a shape to look at, not a statement about any software.

mod dice;
mod registry;
mod results;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::{env, error, fs};

use reports::model::{About, Capability, Clock, Level, Run, Seed, Subject, Wall};
use reports::{badge, html, junit, markdown};

use crate::dice::Dice;
use crate::registry::{SPECS, cases, mutants, requirements, specs};
use crate::results::result;

fn run(results: usize) -> Run {
    let mut dice = Dice(0x5eed);
    let requirements = requirements(&mut dice);
    let cases = cases(&requirements, 150);
    let levels: BTreeMap<String, Level> =
        requirements.iter().map(|r| (r.id.clone(), r.level)).collect();
    let subject = |name: &str, version: &str, about: &str| Subject {
        name: name.into(),
        version: version.into(),
        about: about.into(),
        capabilities: BTreeMap::from([
            ("stun-client".into(), Capability::Yes),
            ("stun-tcp".into(), if name == "ours" { Capability::Yes } else { Capability::No }),
            ("long-term-credentials".into(), Capability::Unknown),
        ]),
        clock: Clock::Virtual,
    };
    let mut run = Run::new(About {
        command: "cargo xtask conformance --tier fast --seed 0".into(),
        seed: Seed(0),
        tier: "fast".into(),
        filter: None,
        shard: None,
        suite: "0.1.0".into(),
        registry: SPECS.iter().map(|spec| (spec.0.into(), "b3:51c0a95e77d1f2aa".into())).collect(),
        mutants: Some(mutants(&cases)),
    });
    run.subjects = vec![
        subject("ours", "0.1.0", "Peerlab's own stack, in process"),
        subject("other-stun", "2.0.4", "An independent stack, in process"),
    ];
    run.specs = specs();
    run.requirements = requirements;
    let each = results.div_ceil(cases.len() * 2).max(1);
    for case in &cases {
        let variants: Vec<String> = if each == 1 {
            vec![String::new()]
        } else {
            (0..each)
                .map(|at| {
                    format!(
                        "transport={},rto={}ms",
                        ["udp", "tcp", "dtls"].get(at % 3).copied().unwrap_or_default(),
                        100 * (at + 1)
                    )
                })
                .collect()
        };
        for variant in &variants {
            for subject in ["ours", "other-stun"] {
                run.results.push(result(&mut dice, case, &levels, (variant, subject)));
            }
        }
    }
    run.cases = cases;
    run.wall = Wall {
        started: "2026-11-22T07:37:17Z".into(),
        host: "linux x86_64, 2 cores".into(),
        total_us: 41_730_000,
        durations_us: run.results.iter().map(|r| (r.key(), 900 + dice.roll(60_000))).collect(),
    };
    run.finish();
    run
}

fn main() -> Result<(), Box<dyn error::Error>> {
    let mut arguments = env::args().skip(1);
    let folder = PathBuf::from(arguments.next().unwrap_or_else(|| "target/sample".into()));
    let results = arguments.next().map_or(Ok(600), |count| count.parse())?;
    let run = run(results);
    run.save(folder.join("run.json"))?;
    fs::write(folder.join("index.html"), html::page(&run))?;
    fs::write(folder.join("junit.xml"), junit::xml(&run))?;
    fs::write(folder.join("report.md"), markdown::report(&run))?;
    fs::write(folder.join("badge.svg"), badge::svg(&run, None))?;
    Ok(())
}
