//! The matrix as text, as JSON and as a table of values.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::{Cell, Matrix, Sheet, Spread};

pub(super) fn text(matrix: &Matrix) -> String {
    let mut out = String::new();
    for sheet in &matrix.sheets {
        let _ = writeln!(out, "{}\n", sheet.title());
        grid(sheet, &mut out);
        out.push('\n');
    }
    let _ = write!(out, "{LEGEND}\n\n{}", summary(matrix));
    wrong(matrix, &mut out);
    out
}

fn grid(sheet: &Sheet, out: &mut String) {
    let width = sheet.nats.iter().map(|nat| nat.name.chars().count()).max().unwrap_or(0);
    let numbers: Vec<String> = (1..=sheet.nats.len()).map(|number| number.to_string()).collect();
    let digits = numbers.last().map_or(1, String::len);
    for place in 0..digits {
        let _ = write!(out, "{:width$} {:digits$} ", "", "");
        for number in &numbers {
            let padded = format!("{number:>digits$}");
            let _ = write!(out, " {}", padded.chars().nth(place).unwrap_or(' '));
        }
        out.push('\n');
    }
    for (row, (nat, number)) in sheet.nats.iter().zip(&numbers).enumerate() {
        let _ = write!(out, "{:width$} {number:>digits$} ", nat.name);
        let mut reaches = 0;
        for column in 0..sheet.nats.len() {
            let Some(cell) = sheet.cell(row, column) else { continue };
            reaches += usize::from(cell.connected.is_some());
            let _ = write!(out, " {}", sign(cell));
        }
        let _ = writeln!(out, "   {reaches:>digits$}  {}", nat.class);
    }
}

const LEGEND: &str = "\
Rows decide, columns follow.
H  both by host candidates                  S  both by server-reflexive candidates
<  the row's is peer-reflexive              >  the column's is: its NAT gave a new port
P  both by peer-reflexive candidates        R  by a relay
.  no way                                   !  not what the rules say, see below";

fn sign(cell: &Cell) -> char {
    if !cell.agrees() {
        return '!';
    }
    match &cell.connected {
        None => '.',
        Some(seen) if seen.is_relayed() => 'R',
        Some(seen) => match (seen.first, seen.second) {
            ("host", "host") => 'H',
            ("prflx", "prflx") => 'P',
            ("prflx", _) => '<',
            (_, "prflx") => '>',
            _ => 'S',
        },
    }
}

/// A line for each sheet.
pub(super) fn summary(matrix: &Matrix) -> String {
    let mut out = format!(
        "ICE of {}, seed {}, links of {} ms. Times are from the beginning of gathering until both\n\
         have selected a pair, in milliseconds and in round trips between the peers of {} ms.\n\n",
        matrix.endpoint,
        matrix.seed,
        super::LINK.as_millis(),
        super::ROUND_TRIP.as_millis()
    );
    let _ = writeln!(
        out,
        "{:4} {:8} {:>6} {:>6} {:>5} {:>5} {:>5}  {:>9} {:>9} {:>11} {:>9}",
        "",
        "",
        "pairs",
        "direct",
        "relay",
        "short",
        "wrong",
        "median ms",
        "p95 ms",
        "round trips",
        "packets"
    );
    for sheet in &matrix.sheets {
        let figures = sheet.figures();
        let millis = |pick: fn(&Spread) -> u64| {
            figures.micros.as_ref().map_or_else(dash, |it| (pick(it) / 1_000).to_string())
        };
        let trips = figures.micros.map_or_else(dash, |it| {
            let (median, p95) = (Spread::round_trips(it.median), Spread::round_trips(it.p95));
            format!("{median:.1} / {p95:.1}")
        });
        let packets = figures.packets.map_or_else(dash, |it| format!("{} / {}", it.median, it.p95));
        let _ = writeln!(
            out,
            "{:4} {:8} {:>6} {:>6} {:>5} {:>5} {:>5}  {:>9} {:>9} {:>11} {:>9}",
            sheet.family,
            sheet.help,
            figures.pairs,
            figures.direct,
            figures.relayed,
            figures.fall_short,
            figures.disagree,
            millis(|it| it.median),
            millis(|it| it.p95),
            trips,
            packets
        );
    }
    out
}

fn dash() -> String {
    "–".to_owned()
}

fn wrong(matrix: &Matrix, out: &mut String) {
    let count = matrix.disagreements().count();
    if count == 0 {
        out.push_str("\nThe rules predict every pair.\n");
        return;
    }
    let _ = writeln!(out, "\n{count} pairs are not what the rules say:");
    for (sheet, row, column, cell) in matrix.disagreements() {
        let _ = writeln!(
            out,
            "  {}: {} with {}: predicted {}, came {}",
            sheet.title(),
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
    let sheets: Vec<Value> = matrix.sheets.iter().map(sheet_json).collect();
    let whole = json!({
        "matrix": 2,
        "endpoint": matrix.endpoint,
        "seed": matrix.seed,
        "link_ms": super::LINK.as_secs_f64() * 1_000.0,
        "round_trip_ms": super::ROUND_TRIP.as_secs_f64() * 1_000.0,
        "sheets": sheets,
    });
    format!("{whole:#}\n")
}

fn sheet_json(sheet: &Sheet) -> Value {
    let nats: Vec<Value> = sheet
        .nats
        .iter()
        .map(|nat| json!({ "name": nat.name, "class": nat.class.to_string() }))
        .collect();
    let cells: Vec<Value> = sheet
        .iter()
        .map(|(row, column, cell)| {
            let seen = cell.connected.as_ref();
            json!({
                "row": row.name,
                "column": column.name,
                "connected": seen.is_some(),
                "candidates": seen.map(|seen| [seen.first, seen.second]),
                "after_ms": seen.map(|seen| seen.after.as_secs_f64() * 1_000.0),
                "checks": cell.checks,
                "packets": cell.packets,
                "predicted": cell.predicted.to_string(),
                "agrees": cell.agrees(),
            })
        })
        .collect();
    json!({
        "family": sheet.family,
        "help": sheet.help,
        "figures": sheet.figures(),
        "nats": nats,
        "cells": cells,
    })
}

pub(super) fn csv(matrix: &Matrix) -> String {
    let mut out = String::from(
        "endpoint,family,help,row,column,predicted,agrees,first,second,after_ms,round_trips,checks,packets\n",
    );
    for sheet in &matrix.sheets {
        for (row, column, cell) in sheet.iter() {
            let seen = cell.connected.as_ref();
            let _ = writeln!(
                out,
                "{},{},{},{},{},{},{},{},{},{},{},{},{}",
                matrix.endpoint,
                sheet.family,
                sheet.help,
                row.name,
                column.name,
                cell.predicted,
                cell.agrees(),
                seen.map_or("", |seen| seen.first),
                seen.map_or("", |seen| seen.second),
                seen.map(|seen| seen.after.as_millis().to_string()).unwrap_or_default(),
                seen.map(|seen| format!("{:.2}", seen.round_trips())).unwrap_or_default(),
                cell.checks,
                cell.packets,
            );
        }
    }
    out
}
