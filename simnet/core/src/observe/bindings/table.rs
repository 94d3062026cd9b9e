//! The mappings as a text.

use std::fmt::Write as _;

use base::Instant;

use super::{Binding, Bindings, Ending};

const HEADINGS: [&str; 7] = [
    "inside",
    "outside",
    "first to",
    "from (ms)",
    "until (ms)",
    "lets in (from ms)",
    "turned away",
];

pub(super) fn render(bindings: &Bindings) -> String {
    let mut out = String::new();
    for (node, own) in bindings.boxes() {
        let _ = writeln!(out, "{}", bindings.topology.node_name(node));
        let mut rows = vec![HEADINGS.map(str::to_owned)];
        rows.extend(own.iter().map(|binding| row(binding)));
        align(&rows, &mut out);
        for (_, at) in bindings.reboots.iter().filter(|(which, _)| *which == node) {
            let _ = writeln!(out, "  lost its state at {} ms", millis(*at));
        }
        out.push('\n');
    }
    if bindings.omitted > 0 {
        let _ = writeln!(out, "… and {} more mappings", bindings.omitted);
    }
    out.truncate(out.trim_end().len());
    if !out.is_empty() {
        out.push('\n');
    }
    out
}

fn row(binding: &Binding) -> [String; 7] {
    let until = match (binding.ended, binding.expires) {
        (Some((at, Ending::Expired)), _) => millis(at),
        (Some((at, Ending::Rebooted)), _) => format!("{} (reboot)", millis(at)),
        (None, Some(at)) => format!("{} (if silent)", millis(at)),
        (None, None) => "–".to_owned(),
    };
    let permits: Vec<_> =
        binding.permits.iter().map(|(at, who)| format!("{who} ({})", millis(*at))).collect();
    let mut away: Vec<_> = binding.refused.iter().map(|(_, who)| who.to_string()).collect();
    let times = away.len();
    away.sort();
    away.dedup();
    let away = if times > away.len() {
        format!("{} ({times} packets)", away.join(", "))
    } else {
        away.join(", ")
    };
    [
        format!("{} {}", binding.protocol.name(), binding.internal),
        binding.external.to_string(),
        binding.remote.to_string(),
        millis(binding.since),
        until,
        permits.join(", "),
        away,
    ]
}

/// Writes `rows` with columns as wide as their widest entry; the last two may be of any length.
fn align(rows: &[[String; 7]], out: &mut String) {
    let mut widths = [0; 7];
    for row in rows {
        for (width, entry) in widths.iter_mut().zip(row) {
            *width = (*width).max(entry.chars().count());
        }
    }
    for row in rows {
        let mut line = String::from(" ");
        for (width, entry) in widths.iter().zip(row) {
            let _ = write!(line, " {entry:<width$} ");
        }
        let _ = writeln!(out, "{}", line.trim_end());
    }
}

fn millis(at: Instant) -> String {
    let nanos = at.as_nanos();
    format!("{}.{:03}", nanos / 1_000_000, nanos / 1_000 % 1_000)
}
