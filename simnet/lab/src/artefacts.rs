//! What a failure leaves behind, so that it can be looked at and repeated.

use std::{fs, io, path::Path};

use crate::{Outcome, Problem, Problems, Scenario, render::Recording};

/// The scenario with its seed: what a replay needs.
pub const SCENARIO: &str = "scenario.toml";
/// The hash over everything that happened.
pub const HASH: &str = "hash";

/// Why a failure could not be kept or repeated.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Trouble {
    /// A file cannot be written or read.
    #[error("{path}: {source}")]
    File {
        /// The file.
        path: String,
        /// Why.
        source: io::Error,
    },
    /// The scenario cannot be read.
    #[error("{0}")]
    Scenario(#[from] Problems),
    /// The scenario cannot be built.
    #[error("{0}")]
    World(#[from] Problem),
    /// The run was another: the laboratory has changed since, or does not repeat itself.
    #[error("the hash was {wanted} and is {}", .outcome.hash_hex())]
    Another {
        /// The hash that was kept.
        wanted: String,
        /// What came now.
        outcome: Box<Outcome>,
    },
}

/// Runs a scenario and leaves all there is to see of it in `folder`: the scenario with its seed, the
/// trace, the capture, the ladder as text and pictures, the outcome, and the hash.
///
/// # Errors
///
/// If the scenario does not fit, or a file cannot be written.
pub fn keep(folder: &Path, scenario: &Scenario) -> Result<Outcome, Trouble> {
    let recording = Recording::whole(scenario)?;
    let Recording { outcome, ladder, bindings, trace, capture, .. } = &recording;
    fs::create_dir_all(folder).map_err(|source| trouble(folder, source))?;
    let files: [(&str, Vec<u8>); 9] = [
        (SCENARIO, scenario.to_toml().into_bytes()),
        (HASH, format!("{}\n", outcome.hash_hex()).into_bytes()),
        ("trace.jsonl", trace.clone()),
        ("all.pcapng", capture.clone()),
        ("ladder.txt", ladder.render().into_bytes()),
        ("ladder.svg", ladder.svg(&scenario.name).into_bytes()),
        ("ladder.mmd", ladder.mermaid().into_bytes()),
        ("bindings.txt", bindings.table().into_bytes()),
        ("outcome.txt", format!("{outcome}\n").into_bytes()),
    ];
    for (name, bytes) in files {
        let path = folder.join(name);
        fs::write(&path, bytes).map_err(|source| trouble(&path, source))?;
    }
    Ok(recording.outcome)
}

/// Runs again what [`keep`] left in `folder`.
///
/// # Errors
///
/// If a file cannot be read, or if the run is another than it was.
pub fn replay(folder: &Path) -> Result<Outcome, Trouble> {
    let read = |name: &str| {
        let path = folder.join(name);
        fs::read_to_string(&path).map_err(|source| trouble(&path, source))
    };
    let scenario = Scenario::parse(&read(SCENARIO)?)?;
    let wanted = read(HASH)?.trim().to_owned();
    let outcome = scenario.build(())?.run();
    if outcome.hash_hex() == wanted {
        Ok(outcome)
    } else {
        Err(Trouble::Another { wanted, outcome: Box::new(outcome) })
    }
}

fn trouble(path: &Path, source: io::Error) -> Trouble {
    Trouble::File { path: path.display().to_string(), source }
}
