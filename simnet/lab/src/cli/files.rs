//! The files of a run.

use std::{fs, path::Path};

use lab::{Outcome, Scenario, render::Recording};
use serde_json::{Map, Value, json};

use super::{arguments::Kind, failure::Failure};

/// The scenario with its seed: what a replay needs.
pub(crate) const SCENARIO: &str = "scenario.toml";
/// The hash over everything that happened.
pub(crate) const HASH: &str = "hash";

/// Writes the files of `recording` into `folder`: those of the kinds in `only`, or all; and always the
/// scenario and the hash. Returns their names.
pub(crate) fn write(
    folder: &Path,
    recording: &Recording,
    only: &[Kind],
) -> Result<Vec<&'static str>, Failure> {
    fs::create_dir_all(folder).map_err(|error| Failure::unwritable(folder, &error))?;
    let mut written = Vec::new();
    let mut put = |name: &'static str, bytes: &[u8]| {
        let path = folder.join(name);
        fs::write(&path, bytes).map_err(|error| Failure::unwritable(&path, &error))?;
        written.push(name);
        Ok::<_, Failure>(())
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
        put("outcome.json", json(scenario, outcome).as_bytes())?;
    }
    Ok(written)
}

/// The outcome for programs.
pub(crate) fn json(scenario: &Scenario, outcome: &Outcome) -> String {
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
