//! A comparison as Markdown.

use std::fmt::Write as _;

use super::{Change, Diff, SubjectDiff};
use crate::markdown::{code, escape};
use crate::time;

/// How many lines of one kind are listed before the rest is only counted.
const LISTED: usize = 50;

pub(super) fn render(diff: &Diff) -> String {
    let mut out = String::from(if diff.has_regressions() {
        "## ✗ Conformance: regressions\n\n"
    } else {
        "## ✓ Conformance: no regressions\n\n"
    });
    let (old, new) = diff.total_us;
    let _ = writeln!(out, "| | run | real time |\n|---|---|--:|");
    let _ = writeln!(out, "| before | {} | {} |", escape(&diff.before), time::micros(old));
    let _ = writeln!(out, "| after | {} | {} |", escape(&diff.after), time::micros(new));
    for subject in &diff.subjects {
        subject_part(subject, &mut out);
    }
    list("Cases added", diff.added_cases.iter().map(|name| code(name)), &mut out);
    list("Cases removed", diff.removed_cases.iter().map(|name| code(name)), &mut out);
    out
}

fn subject_part(subject: &SubjectDiff, out: &mut String) {
    let _ = writeln!(out, "\n### {}", escape(&subject.label()));
    table("Regressions", &subject.regressions, out);
    table("Fixes", &subject.fixes, out);
    table("Other changes", &subject.changes, out);
    table("New and failing", &subject.new_failures, out);
    let tested = subject.newly_tested.iter();
    list(
        "Newly tested",
        tested.map(|(level, id, standing)| format!("{level} {}: {standing}", code(id))),
        out,
    );
    let lost = subject.no_longer_tested.iter();
    list("No longer tested", lost.map(|(level, id)| format!("{level} {}", code(id))), out);
    let moved = |(name, old, new): &(String, u64, u64), show: fn(u64) -> String| {
        format!("{}: {} → {}", code(name), show(*old), show(*new))
    };
    let simulated = subject.virtual_ns.iter().map(|entry| moved(entry, time::seconds));
    list("Simulated time changed", simulated, out);
    list("Real time changed", subject.wall_us.iter().map(|e| moved(e, time::micros)), out);
    let (changed, compared) = subject.traces;
    if compared > 0 {
        let _ = writeln!(out, "\nTraces changed: {changed} of {compared} with the same seed.");
    }
}

fn table(title: &str, changes: &[Change], out: &mut String) {
    if changes.is_empty() {
        return;
    }
    let _ = writeln!(out, "\n**{title}: {}**\n", changes.len());
    out.push_str("| case | before | after | why |\n|---|---|---|---|\n");
    for change in changes.iter().take(LISTED) {
        let before = match change.before {
            Some(verdict) => format!("{} {verdict}", verdict.glyph()),
            None => "new".to_owned(),
        };
        let mut why = escape(change.reason.as_deref().unwrap_or_default());
        for id in &change.broken {
            let _ = write!(why, " {}", code(id));
        }
        let after = format!("{} {}", change.after.glyph(), change.after);
        let _ = writeln!(out, "| {} | {before} | {after} | {} |", code(&change.name), why.trim());
    }
    more(changes.len(), out);
}

fn list(title: &str, lines: impl ExactSizeIterator<Item = String>, out: &mut String) {
    let count = lines.len();
    if count == 0 {
        return;
    }
    let _ = writeln!(out, "\n<details><summary>{title}: {count}</summary>\n");
    for line in lines.take(LISTED) {
        let _ = writeln!(out, "* {line}");
    }
    more(count, out);
    out.push_str("\n</details>\n");
}

fn more(count: usize, out: &mut String) {
    if let Some(rest) = count.checked_sub(LISTED).filter(|&rest| rest > 0) {
        let _ = writeln!(out, "\nand {rest} more");
    }
}
