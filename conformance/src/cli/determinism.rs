//! `run --check-determinism`: everything three times, every byte compared.

use std::io::Write;

use super::{closed, run::Session};
use crate::{
    execute::Keep,
    exit::{Exit, Refusal},
    runner::Done,
};

/// Differences named before the rest is only counted.
const NAMED: usize = 20;

/// Runs the jobs twice alike and once on another number of threads, with full recordings, and compares
/// document, ladders, traces and captures.
pub(super) fn check(mut session: Session<'_>, out: &mut dyn Write) -> Result<Exit, Refusal> {
    session.plan.keep = Keep::Always;
    let threads = session.plan.threads;
    let other = if threads == 1 { 3 } else { 1 };
    let first = session.outcomes(None)?;
    let document = wall_free(&session, &first);
    let mut differences = Vec::new();
    for (label, threads) in [("again", threads), ("on other threads", other)] {
        session.plan.threads = threads;
        let outcomes = session.outcomes(None)?;
        for (job, (one, two)) in session.jobs.iter().zip(first.iter().zip(&outcomes)) {
            let own_dice = !job.subject.is_deterministic();
            if let Some(what) = difference(one.as_ref(), two.as_ref(), own_dice) {
                differences.push(format!("{} differs in its {what} when run {label}", job.key()));
            }
        }
        if differences.is_empty() && wall_free(&session, &outcomes) != document {
            differences.push(format!("run.json differs when run {label}"));
        }
    }
    for line in differences.iter().take(NAMED) {
        writeln!(out, "{line}").map_err(closed)?;
    }
    let results = session.jobs.len();
    if differences.is_empty() {
        writeln!(
            out,
            "{results} results, three runs on {threads} and {other} thread(s): equal in every byte"
        )
        .map_err(closed)?;
        return Ok(Exit::Equal);
    }
    writeln!(out, "{} difference(s) in {results} results", differences.len()).map_err(closed)?;
    Ok(Exit::Regression)
}

fn wall_free(session: &Session<'_>, outcomes: &[Option<Done>]) -> String {
    let mut run = session.document(outcomes);
    run.wall = reports::model::Wall::default();
    run.to_json()
}

/// What differs between two outcomes of a job; recordings do not count if the subject throws dice of its
/// own.
fn difference(one: Option<&Done>, two: Option<&Done>, own_dice: bool) -> Option<&'static str> {
    let (Some(one), Some(two)) = (one, two) else { return Some("existence") };
    let (a, b) = (&one.executed, &two.executed);
    if a.result.trace != b.result.trace {
        return Some("trace hash");
    }
    if a.result != b.result {
        return Some("result");
    }
    if own_dice {
        return None;
    }
    match (&a.files, &b.files) {
        (Some(a), Some(b)) if a.ladder != b.ladder => Some("ladder"),
        (Some(a), Some(b)) if a.log != b.log => Some("trace"),
        (Some(a), Some(b)) if a.capture != b.capture => Some("capture"),
        _ => None,
    }
}
