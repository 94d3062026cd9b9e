//! The matrix as text and as JSON.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::{Cell, Matrix};

pub(super) fn text(matrix: &Matrix) -> String {
    let mut out = String::new();
    let width = matrix.nats.iter().map(|nat| nat.name.chars().count()).max().unwrap_or(0);
    let numbers: Vec<String> = (1..=matrix.nats.len()).map(|number| number.to_string()).collect();
    let digits = numbers.last().map_or(1, String::len);
    for place in 0..digits {
        let _ = write!(out, "{:width$} {:digits$} ", "", "");
        for number in &numbers {
            let padded = format!("{number:>digits$}");
            let _ = write!(out, " {}", padded.chars().nth(place).unwrap_or(' '));
        }
        out.push('\n');
    }
    for (row, (nat, number)) in matrix.nats.iter().zip(&numbers).enumerate() {
        let _ = write!(out, "{:width$} {number:>digits$} ", nat.name);
        let mut reaches = 0;
        for column in 0..matrix.nats.len() {
            let Some(cell) = matrix.cell(row, column) else { continue };
            reaches += usize::from(cell.connected.is_some());
            let _ = write!(out, " {}", sign(cell));
        }
        let _ = writeln!(out, "   {reaches:>digits$}  {}", nat.class);
    }
    let _ = write!(out, "\n{LEGEND}\n");
    summary(matrix, &mut out);
    out
}

const LEGEND: &str = "\
Rows decide, columns follow; both have a STUN server and no relay.
S  both by server-reflexive candidates      <  the row's is peer-reflexive, its NAT gave a new port
P  both by peer-reflexive candidates        >  the column's is
.  no way without a relay                   !  not what the rules say, see below";

fn sign(cell: &Cell) -> char {
    if !cell.agrees() {
        return '!';
    }
    match &cell.connected {
        None => '.',
        Some(seen) => match (seen.first.as_str(), seen.second.as_str()) {
            ("prflx", "prflx") => 'P',
            ("prflx", _) => '<',
            (_, "prflx") => '>',
            _ => 'S',
        },
    }
}

fn summary(matrix: &Matrix, out: &mut String) {
    let connected = matrix.cells.iter().filter(|cell| cell.connected.is_some()).count();
    let all = matrix.cells.len().max(1);
    let _ = writeln!(
        out,
        "\n{connected} of {} pairs connect without a relay ({} %).",
        matrix.cells.len(),
        connected * 100 / all
    );
    let mut times: Vec<_> =
        matrix.cells.iter().filter_map(|cell| Some(cell.connected.as_ref()?.after)).collect();
    times.sort();
    if let (Some(median), Some(last)) = (times.get(times.len() / 2), times.last()) {
        let _ = writeln!(
            out,
            "Time to connect: {} ms in the middle, {} ms at most. Checks: {} on average.",
            median.as_millis(),
            last.as_millis(),
            matrix.cells.iter().map(|cell| cell.checks).sum::<u64>() / all as u64
        );
    }
    let wrong = matrix.disagreements().count();
    if wrong == 0 {
        out.push_str("The rules predict every pair.\n");
        return;
    }
    let _ = writeln!(out, "\n{wrong} pairs are not what the rules say:");
    for (row, column, cell) in matrix.disagreements() {
        let _ = writeln!(
            out,
            "  {} with {}: predicted {}, came {}",
            row.name,
            column.name,
            cell.predicted,
            came(cell)
        );
    }
}

fn came(cell: &Cell) -> String {
    match &cell.connected {
        Some(seen) => format!("{}–{} after {} ms", seen.first, seen.second, seen.after.as_millis()),
        None => "no way".to_owned(),
    }
}

pub(super) fn json(matrix: &Matrix) -> String {
    let nats: Vec<Value> = matrix
        .nats
        .iter()
        .map(|nat| json!({ "name": nat.name, "class": nat.class.to_string() }))
        .collect();
    let cells: Vec<Value> = matrix
        .iter()
        .map(|(row, column, cell)| {
            let seen = cell.connected.as_ref();
            json!({
                "row": row.name,
                "column": column.name,
                "connected": seen.is_some(),
                "candidates": seen.map(|seen| [&seen.first, &seen.second]),
                "after_ms": seen.map(|seen| seen.after.as_secs_f64() * 1_000.0),
                "checks": cell.checks,
                "predicted": cell.predicted.to_string(),
                "agrees": cell.agrees(),
            })
        })
        .collect();
    let whole = json!({ "matrix": 1, "seed": matrix.seed, "nats": nats, "cells": cells });
    format!("{whole:#}\n")
}
