//! Every NAT against every NAT.

use std::fs;

use lab::{
    matrix::{self, entries, heat_map},
    presets,
};

use super::{Done, arguments::Matrix, failure::Failure, run::bar};

/// Runs the matrix.
pub(crate) fn matrix(arguments: &Matrix) -> Result<Done, Failure> {
    let known = presets::all("nat");
    let nats = if arguments.presets.is_empty() {
        entries(known.iter().map(|preset| preset.name))?
    } else {
        entries(arguments.presets.iter().map(String::as_str))?
    };
    let bar = bar((nats.len() * nats.len()) as u64, "pairs");
    let done = matrix::run(nats, arguments.seed, arguments.threads, &|count| {
        bar.set_position(count as u64);
    });
    bar.finish_and_clear();
    if let Some(path) = &arguments.svg {
        fs::write(path, heat_map(&done)).map_err(|error| Failure::unwritable(path, &error))?;
    }
    let as_expected = !arguments.strict || done.disagreements().next().is_none();
    let text = if arguments.json { done.to_json() } else { done.to_text() };
    Ok(Done { text, as_expected })
}
