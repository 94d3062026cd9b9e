//! A comparison as lines of text.

use std::fmt::Write as _;

use super::{Change, Diff, SubjectDiff};
use crate::time;

/// How many durations are listed before the rest is only counted.
const LISTED: usize = 20;

pub(super) fn render(diff: &Diff) -> String {
    let mut out = format!("before  {}\nafter   {}\n", diff.before, diff.after);
    for subject in &diff.subjects {
        subject_lines(subject, &mut out);
    }
    let (old, new) = diff.total_us;
    let _ = writeln!(
        out,
        "\nthe whole run\n  real time  {} → {}",
        time::micros(old),
        time::micros(new)
    );
    names("cases added", &diff.added_cases, &mut out);
    names("cases removed", &diff.removed_cases, &mut out);
    out.push_str(if diff.has_regressions() { "REGRESSIONS\n" } else { "no regressions\n" });
    out
}

fn subject_lines(subject: &SubjectDiff, out: &mut String) {
    let _ = writeln!(out, "\nsubject {}", subject.label());
    changes("regressions", &subject.regressions, out);
    changes("fixes", &subject.fixes, out);
    changes("other changes", &subject.changes, out);
    changes("new and failing", &subject.new_failures, out);
    let tested = subject.newly_tested.iter();
    let tested: Vec<String> =
        tested.map(|(level, id, standing)| format!("{level} {id}: {standing}")).collect();
    names("newly tested", &tested, out);
    let lost = subject.no_longer_tested.iter();
    let lost: Vec<String> = lost.map(|(level, id)| format!("{level} {id}")).collect();
    names("no longer tested", &lost, out);
    durations("simulated time changed", &subject.virtual_ns, time::seconds, out);
    durations("real time changed", &subject.wall_us, time::micros, out);
    let (changed, compared) = subject.traces;
    if compared > 0 {
        let _ = writeln!(out, "  traces changed: {changed} of {compared} with the same seed");
    }
}

fn changes(title: &str, changes: &[Change], out: &mut String) {
    if changes.is_empty() {
        return;
    }
    let _ = writeln!(out, "  {title}: {}", changes.len());
    for change in changes {
        let before = change.before.map_or("new", super::Verdict::as_str);
        let _ = write!(out, "    {}  {before} → {}", change.name, change.after);
        if let Some(reason) = &change.reason {
            let _ = write!(out, ": {reason}");
        }
        out.push('\n');
        if !change.broken.is_empty() {
            let _ = writeln!(out, "      broken  {}", change.broken.join(", "));
            let _ = writeln!(out, "      replay  {}", change.replay);
        }
    }
}

fn names(title: &str, names: &[String], out: &mut String) {
    if names.is_empty() {
        return;
    }
    let _ = writeln!(out, "  {title}: {}", names.len());
    for name in names {
        let _ = writeln!(out, "    {name}");
    }
}

fn durations(title: &str, list: &[(String, u64, u64)], show: fn(u64) -> String, out: &mut String) {
    if list.is_empty() {
        return;
    }
    let _ = writeln!(out, "  {title}: {}", list.len());
    for (name, old, new) in list.iter().take(LISTED) {
        let _ = writeln!(out, "    {name}  {} → {}", show(*old), show(*new));
    }
    if let Some(rest) = list.len().checked_sub(LISTED).filter(|&rest| rest > 0) {
        let _ = writeln!(out, "    and {rest} more");
    }
}
