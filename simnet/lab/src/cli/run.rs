//! Running scenarios.

use std::{fmt::Write as _, fs, path::Path};

use indicatif::{ProgressBar, ProgressStyle};
use lab::{
    Outcome, Scenario,
    artefacts::{self, Trouble},
    render::Recording,
};

use super::{
    Done,
    arguments::{Check, Replay, Run},
    failure::Failure,
};

/// Runs a scenario.
pub(crate) fn run(arguments: &Run) -> Result<Done, Failure> {
    let path = &arguments.scenario;
    let mut scenario = read(path)?;
    if let Some(seed) = arguments.seed {
        scenario.seed = seed;
    }
    if let Some(count) = arguments.seeds {
        return seeds(path, &scenario, count);
    }
    let recording = if arguments.out.is_some() {
        Recording::whole(&scenario)
    } else {
        Recording::of(&scenario)
    };
    let recording = recording.map_err(|problem| Failure::problem(path, &problem))?;
    if arguments.repeat {
        same_again(path, &scenario, &recording.outcome)?;
    }
    let mut text = if arguments.json {
        artefacts::outcome_json(&scenario, &recording.outcome)
    } else {
        tell(arguments, &recording)
    };
    if let Some(folder) = &arguments.out {
        let names = artefacts::write(folder, &recording, &arguments.only)?;
        if !arguments.json {
            let _ = writeln!(text, "\nleft in {}: {}", folder.display(), names.join(", "));
        }
    }
    Ok(Done { text, as_expected: recording.outcome.held() })
}

fn tell(arguments: &Run, recording: &Recording) -> String {
    let mut text = String::new();
    if arguments.ladder {
        let _ = writeln!(text, "{}", recording.ladder.render());
    }
    if arguments.bindings {
        let _ = writeln!(text, "{}", recording.bindings.table());
    }
    let _ = writeln!(text, "{}", recording.outcome);
    if arguments.repeat {
        text.push_str("  a second run was the same\n");
    }
    text
}

/// Runs again, without looking, which must change nothing.
fn same_again(path: &Path, scenario: &Scenario, first: &Outcome) -> Result<(), Failure> {
    let world = scenario.build(());
    let second = world.map_err(|problem| Failure::problem(path, &problem))?.run();
    if second.hash == first.hash {
        return Ok(());
    }
    Err(Failure::fault(format!(
        "two runs with seed {} differ: {} and {}; please report the scenario",
        scenario.seed,
        first.hash_hex(),
        second.hash_hex()
    )))
}

/// Runs with several seeds, a line each.
fn seeds(path: &Path, scenario: &Scenario, count: u64) -> Result<Done, Failure> {
    let bar = bar(count, "seeds");
    let (mut text, mut held) = (String::new(), 0);
    for seed in (0..count).map(|nth| scenario.seed.wrapping_add(nth)) {
        let scenario = Scenario { seed, ..scenario.clone() };
        let world = scenario.build(());
        let outcome = world.map_err(|problem| Failure::problem(path, &problem))?.run();
        let broken: Vec<_> = outcome.verdicts.iter().filter(|it| !it.held).collect();
        if broken.is_empty() {
            held += 1;
            let _ = writeln!(text, "seed {seed}: held");
        } else {
            let words: Vec<_> =
                broken.iter().map(|it| format!("{}: {}", it.name, it.got)).collect();
            let _ = writeln!(text, "seed {seed}: FAILED {}", words.join("; "));
        }
        bar.inc(1);
    }
    bar.finish_and_clear();
    let _ = writeln!(text, "{held} of {count} seeds hold");
    Ok(Done { text, as_expected: held == count })
}

/// Runs again what a folder holds.
pub(crate) fn replay(arguments: &Replay) -> Result<Done, Failure> {
    match artefacts::replay(&arguments.folder) {
        Ok(outcome) => Ok(Done::well(format!("{outcome}\n  the run was the same, to the bit\n"))),
        Err(Trouble::Another { wanted, outcome }) => {
            let text = format!(
                "{outcome}\n  THE RUN WAS ANOTHER: the hash was {wanted}\n  Either the laboratory has \
                 changed since, or it is not deterministic; `run --repeat` tells.\n"
            );
            Ok(Done { text, as_expected: false })
        }
        Err(trouble) => Err(trouble.into()),
    }
}

/// Reads scenarios and makes their worlds, without running them.
pub(crate) fn check(arguments: &Check) -> Result<Done, Failure> {
    let mut text = String::new();
    for path in &arguments.scenarios {
        let scenario = read(path)?;
        scenario.build(()).map_err(|problem| Failure::problem(path, &problem))?;
        let _ = writeln!(
            text,
            "{}: right. {} hosts, {} NATs, {} expectations",
            path.display(),
            scenario.hosts.len(),
            scenario.nats.len(),
            scenario.expects.len()
        );
    }
    Ok(Done::well(text))
}

/// Reads a scenario.
pub(crate) fn read(path: &Path) -> Result<Scenario, Failure> {
    let text = fs::read_to_string(path).map_err(|error| Failure::unreadable(path, &error))?;
    Scenario::parse(&text).map_err(|problems| Failure::problems(path, &problems))
}

/// A bar on standard error for work that takes a while; nothing if that is no terminal.
pub(crate) fn bar(count: u64, what: &'static str) -> ProgressBar {
    let bar = ProgressBar::new(count);
    // The template is a constant and right.
    if let Ok(style) = ProgressStyle::with_template("{bar:40} {pos} of {len} {msg}, {eta} left") {
        bar.set_style(style);
    }
    bar.set_message(what);
    bar
}
