//! Making failures small.

use std::collections::BTreeSet;

use indicatif::ProgressBar;
use lab::{
    Outcome, artefacts,
    render::Recording,
    shrink::{self, parts},
};

use super::{Done, arguments::Shrink, failure::Failure, run::read};

/// Shrinks a scenario that fails. What it is at goes to standard error, the scenario to the answer, so
/// that it can be put into a file.
pub(crate) fn shrink(arguments: &Shrink) -> Result<Done, Failure> {
    let path = &arguments.scenario;
    let mut scenario = read(path)?;
    if let Some(seed) = arguments.seed {
        scenario.seed = seed;
    }
    let seed = scenario.seed;
    let world = scenario.build(());
    let first = world.map_err(|problem| Failure::problem(path, &problem))?.run();
    let wanted = broken(&first);
    if wanted.is_empty() {
        let says = format!(
            "{}: every expectation holds with seed {seed}; there is nothing to shrink. `run --seeds \
             100` looks for a seed that fails",
            path.display()
        );
        return Err(Failure::usage(says));
    }
    let fails = |outcome: &Outcome| wanted.is_subset(&broken(outcome));
    let spinner = ProgressBar::new_spinner();
    let shrunk = shrink::shrink(&scenario, seed, &fails, &mut |progress| {
        spinner.set_message(format!("{} tried, {} parts left", progress.tried, progress.parts));
        spinner.tick();
    });
    spinner.finish_and_clear();
    let Some(shrunk) = shrunk else {
        let says = format!("{}: nothing fails with seed {seed}", path.display());
        return Err(Failure::usage(says));
    };
    eprintln!(
        "{} of {} parts are left after {} runs",
        parts(&shrunk.scenario),
        parts(&scenario),
        shrunk.progress.tried
    );
    if let Some(folder) = &arguments.out {
        let recording = Recording::whole(&shrunk.scenario);
        let recording = recording.map_err(|problem| Failure::problem(path, &problem))?;
        artefacts::write(folder, &recording, &[])?;
        eprintln!("left in {}: run.html and others", folder.display());
    }
    Ok(Done::well(shrunk.scenario.to_toml()))
}

/// The expectations that do not hold.
fn broken(outcome: &Outcome) -> BTreeSet<String> {
    let broken = outcome.verdicts.iter().filter(|verdict| !verdict.held);
    broken.map(|verdict| verdict.name.clone()).collect()
}
