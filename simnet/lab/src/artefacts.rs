//! What a failure leaves behind, so that it can be looked at and repeated.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use serde_json::{Map, Value, json};

use crate::{Outcome, Problem, Problems, Scenario, render::Recording};

/// The scenario with its seed: what a replay needs.
pub const SCENARIO: &str = "scenario.toml";
/// The hash over everything that happened.
pub const HASH: &str = "hash";

/// Why a failure could not be kept or repeated.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Trouble {
    /// A file cannot be written.
    #[error("cannot write {}: {source}", .path.display())]
    Unwritable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file cannot be read.
    #[error("{}: {source}", .path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The scenario cannot be read.
    #[error("{problems}")]
    Scenario {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problems: Problems,
    },
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

/// A kind of file that a run can leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Kind {
    /// `run.html`: verdicts, pictures and tables on one page.
    Html,
    /// `ladder.txt`: every packet as an arrow, in letters.
    Ladder,
    /// `ladder.svg`: the same as a picture.
    Svg,
    /// `ladder.mmd`: the same for Mermaid.
    Mermaid,
    /// `bindings.txt` and `bindings.svg`: what NATs remembered.
    Bindings,
    /// `all.pcapng`: every hop of every packet, for Wireshark.
    Pcap,
    /// `trace.jsonl`: every event, for programs.
    Trace,
    /// `outcome.json`: verdicts and figures.
    Outcome,
}

/// Runs a scenario and leaves all there is to see of it in `folder`.
///
/// # Errors
///
/// If the scenario does not fit, or a file cannot be written.
pub fn keep(folder: &Path, scenario: &Scenario) -> Result<Outcome, Trouble> {
    let recording = Recording::whole(scenario)?;
    write(folder, &recording, &[])?;
    Ok(recording.outcome)
}

/// Writes the files of `recording` into `folder`: those of the kinds in `only`, or all; and always the
/// scenario with its seed and the hash. Returns their names.
///
/// # Errors
///
/// If a file cannot be written.
pub fn write(
    folder: &Path,
    recording: &Recording,
    only: &[Kind],
) -> Result<Vec<&'static str>, Trouble> {
    fs::create_dir_all(folder).map_err(|source| unwritable(folder, source))?;
    let mut written = Vec::new();
    let mut put = |name: &'static str, bytes: &[u8]| {
        let path = folder.join(name);
        fs::write(&path, bytes).map_err(|source| unwritable(&path, source))?;
        written.push(name);
        Ok::<_, Trouble>(())
    };
    let Recording { scenario, outcome, ladder, bindings, trace, capture } = recording;
    put(SCENARIO, scenario.to_toml().as_bytes())?;
    put(HASH, format!("{}\n", outcome.hash_hex()).as_bytes())?;
    let wanted = |kind| only.is_empty() || only.contains(&kind);
    if wanted(Kind::Html) {
        put("run.html", recording.page().as_bytes())?;
    }
    if wanted(Kind::Ladder) {
        put("ladder.txt", ladder.render().as_bytes())?;
    }
    if wanted(Kind::Svg) {
        put("ladder.svg", ladder.svg(&scenario.name).as_bytes())?;
    }
    if wanted(Kind::Mermaid) {
        put("ladder.mmd", ladder.mermaid().as_bytes())?;
    }
    if wanted(Kind::Bindings) {
        put("bindings.txt", bindings.table().as_bytes())?;
        let gantt = bindings.gantt();
        if !gantt.is_empty() {
            put("bindings.svg", gantt.as_bytes())?;
        }
    }
    if wanted(Kind::Pcap) {
        put("all.pcapng", capture)?;
    }
    if wanted(Kind::Trace) {
        put("trace.jsonl", trace)?;
    }
    if wanted(Kind::Outcome) {
        put("outcome.json", outcome_json(scenario, outcome).as_bytes())?;
    }
    Ok(written)
}

/// The outcome for programs.
#[must_use]
pub fn outcome_json(scenario: &Scenario, outcome: &Outcome) -> String {
    let drops: Map<String, Value> = outcome
        .tally
        .drops()
        .map(|(reason, count)| (reason.name().to_owned(), count.into()))
        .collect();
    let tally = &outcome.tally;
    let whole = json!({
        "outcome": 1,
        "name": outcome.name,
        "seed": outcome.seed,
        "duration_s": scenario.duration.as_secs_f64(),
        "held": outcome.held(),
        "verdicts": outcome.verdicts,
        "reports": outcome.reports,
        "packets": {
            "originated": tally.originated,
            "delivered": tally.delivered,
            "dropped": tally.dropped_total(),
            "in_flight": tally.in_flight,
            "conserved": tally.is_conserved(),
            "drops": drops,
        },
        "hash": outcome.hash_hex(),
    });
    format!("{whole:#}\n")
}

/// Runs again what [`keep`] left in `folder`.
///
/// # Errors
///
/// If a file cannot be read, or if the run is another than it was.
pub fn replay(folder: &Path) -> Result<Outcome, Trouble> {
    let read = |name: &str| {
        let path = folder.join(name);
        let text = fs::read_to_string(&path);
        text.map_err(|source| Trouble::Unreadable { path, source })
    };
    let scenario = Scenario::parse(&read(SCENARIO)?)
        .map_err(|problems| Trouble::Scenario { path: folder.join(SCENARIO), problems })?;
    let wanted = read(HASH)?.trim().to_owned();
    let outcome = scenario.build(())?.run();
    if outcome.hash_hex() == wanted {
        Ok(outcome)
    } else {
        Err(Trouble::Another { wanted, outcome: Box::new(outcome) })
    }
}

fn unwritable(path: &Path, source: io::Error) -> Trouble {
    Trouble::Unwritable { path: path.to_owned(), source }
}
