//! The drawing in letters.

use std::fmt::Write as _;

use super::Ladder;

/// Columns between two lifelines, at least.
const MIN_WIDTH: usize = 14;
/// Room for the time, in milliseconds with three decimals.
const TIME_WIDTH: usize = 11;

pub(super) fn render(ladder: &Ladder) -> String {
    let names = &ladder.names;
    let width = names.iter().map(|name| name.chars().count() + 2).max().unwrap_or(0);
    let width = width.max(MIN_WIDTH);
    let mut out = String::new();
    let _ = write!(out, "{:TIME_WIDTH$}", "");
    for name in names {
        let _ = write!(out, "{name:^width$}");
    }
    out.truncate(out.trim_end().len());
    out.push('\n');
    let mut order: Vec<_> = ladder.steps.iter().filter(|step| !step.text.is_empty()).collect();
    order.sort_by_key(|step| step.at);
    for step in order {
        let nanos = step.at.as_nanos();
        let time = format!("{}.{:03}", nanos / 1_000_000, nanos / 1_000 % 1_000);
        let row = step.mark.draw(names.len(), width);
        let _ = writeln!(out, "{time:>TIME_WIDTH$}{row}  {}", step.text);
    }
    if ladder.omitted > 0 {
        let _ = writeln!(out, "{:TIME_WIDTH$}… and {} more", "", ladder.omitted);
    }
    out
}
