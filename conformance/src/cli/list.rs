//! `list`: cases and requirements, one per line.

use std::{collections::BTreeSet, io::Write};

use reports::model::Requirement;

use super::closed;
use crate::{
    execute::Job,
    exit::{Exit, Refusal},
    glob, select,
    suite::Suite,
};

/// What to list.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Only what this pattern names.
    pattern: Option<String>,
    /// List requirements instead of cases.
    #[arg(long)]
    requirements: bool,
    /// With --requirements: only those that could be tested and that no case sets out to assert.
    #[arg(long, requires = "requirements")]
    untested: bool,
    /// List every variant of every case.
    #[arg(long, conflicts_with = "requirements")]
    variants: bool,
}

pub(super) fn list(suite: &Suite, args: &Args, out: &mut dyn Write) -> Result<Exit, Refusal> {
    let lines = if args.requirements { requirements(suite, args) } else { cases(suite, args)? };
    for line in lines {
        writeln!(out, "{line}").map_err(closed)?;
    }
    Ok(Exit::Equal)
}

/// The jobs of a run, which `run --list` prints instead of running them.
pub(super) fn jobs(jobs: &[Job<'_>], out: &mut dyn Write) -> Result<Exit, Refusal> {
    for job in jobs {
        writeln!(out, "{}  {}", job.address(), job.subject.name()).map_err(closed)?;
    }
    Ok(Exit::Equal)
}

fn cases(suite: &Suite, args: &Args) -> Result<Vec<String>, Refusal> {
    if let Some(pattern) = &args.pattern {
        select::check_filter(pattern, &suite.cases)?;
    }
    let mut lines = Vec::new();
    for case in &suite.cases {
        let variants = (case.variants)();
        let selected: Vec<String> = variants
            .iter()
            .map(|variant| case.address(variant))
            .filter(|address| {
                args.pattern.as_ref().is_none_or(|pattern| glob::selects(pattern, case.id, address))
            })
            .collect();
        if args.variants {
            lines.extend(selected);
        } else if !selected.is_empty() {
            lines.push(format!(
                "{:<44} {:<12} {:<4} {:>4}  {}",
                case.id,
                case.kind.word(),
                case.tier.word(),
                variants.len(),
                case.title
            ));
        }
    }
    Ok(lines)
}

fn requirements(suite: &Suite, args: &Args) -> Vec<String> {
    let asserted: BTreeSet<&str> =
        suite.cases.iter().flat_map(|case| case.reqs).map(|req| req.id()).collect();
    let wanted = |requirement: &&Requirement| {
        let named =
            args.pattern.as_ref().is_none_or(|pattern| glob::matches(pattern, &requirement.id));
        let untested = requirement.is_testable() && !asserted.contains(requirement.id.as_str());
        named && (untested || !args.untested)
    };
    let line = |r: &Requirement| {
        let state = match (asserted.contains(r.id.as_str()), r.why) {
            (true, _) => "cases".to_owned(),
            (false, Some(why)) => why.to_string(),
            (false, None) => "untested".to_owned(),
        };
        format!("{:<44} {:<18} {:<8} {:<13} {}", r.id, r.place(), r.level, state, r.says)
    };
    suite.registry.requirements().iter().filter(wanted).map(line).collect()
}
