//! `show`: one case or one requirement, explained.

use std::{fmt::Write as _, io::Write};

use reports::model::Requirement;

use super::closed;
use crate::{
    case::Case,
    exit::{Exit, Refusal},
    glob,
    suite::Suite,
};

/// Variants named before the rest is only counted.
const VARIANTS: usize = 12;

pub(super) fn show(suite: &Suite, id: &str, out: &mut dyn Write) -> Result<Exit, Refusal> {
    let bare = id.split('[').next().unwrap_or(id);
    let text = if let Some(case) = suite.cases.iter().find(|case| case.id == bare) {
        describe_case(suite, case)
    } else if let Some(requirement) = suite.registry.find(id) {
        describe_requirement(suite, requirement)
    } else {
        return Err(unknown(suite, id));
    };
    write!(out, "{text}").map_err(closed)?;
    Ok(Exit::Equal)
}

fn unknown(suite: &Suite, id: &str) -> Refusal {
    let cases = suite.cases.iter().map(|case| case.id);
    let requirements = suite.registry.requirements().iter().map(|r| r.id.as_str());
    let meant = glob::nearest(id, cases.chain(requirements))
        .map_or_else(String::new, |near| format!("did you mean {near}? "));
    Refusal::usage(format!(
        "no case and no requirement is called {id}; {meant}`list` shows the cases, `list --requirements` the requirements"
    ))
}

fn describe_case(suite: &Suite, case: &Case) -> String {
    let mut text = format!("{}\n  {}\n\n", case.id, case.title);
    let _ = writeln!(text, "  subject   {}", case.kind);
    let _ = writeln!(text, "  tier      {}", case.tier);
    let needs: Vec<&str> = case.needs.iter().map(|cap| cap.id()).collect();
    if !needs.is_empty() {
        let _ = writeln!(text, "  needs     {}", needs.join(", "));
    }
    if let Some(reason) = case.no_reference {
        let _ = writeln!(text, "  reference none: {reason}");
    }
    for req in case.reqs {
        match suite.registry.find(req.id()) {
            Some(requirement) => text.push_str(&statement(requirement)),
            None => _ = writeln!(text, "\n  {req}: not in the registry"),
        }
    }
    let variants = (case.variants)();
    let _ = writeln!(text, "\n  {} variant(s)", variants.len());
    for variant in variants.iter().take(VARIANTS).filter(|variant| !variant.is_none()) {
        let _ = writeln!(text, "    {}", case.address(variant));
    }
    if variants.len() > VARIANTS {
        let _ = writeln!(
            text,
            "    and {} more: `list --variants {}`",
            variants.len() - VARIANTS,
            case.id
        );
    }
    text
}

fn describe_requirement(suite: &Suite, requirement: &Requirement) -> String {
    let mut text = statement(requirement).trim_start().to_owned();
    let _ = writeln!(text, "    actor {}, side {}", requirement.actor, requirement.side);
    if let Some(why) = requirement.why {
        let reason =
            requirement.reason.as_deref().or(requirement.by.as_deref()).unwrap_or_default();
        let _ = writeln!(text, "    not tested: {why} {reason}");
    }
    for seen in &requirement.seen {
        let _ = writeln!(text, "    seen broken: {seen}");
    }
    let asserts = |case: &&&Case| case.reqs.iter().any(|req| req.id() == requirement.id);
    for case in suite.cases.iter().filter(asserts) {
        let _ = writeln!(text, "    case {}: {}", case.id, case.title);
    }
    text
}

fn statement(r: &Requirement) -> String {
    format!("\n  {} {}   {}\n    {}\n", r.level, r.id, r.place(), r.says)
}
