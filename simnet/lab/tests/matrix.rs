//! Every kind of NAT against every kind of NAT.

use std::num::NonZeroUsize;

use lab::{
    matrix::{self, Class, Matrix, entries, heat_map},
    presets,
};

/// One preset of every class there is, and those with a way of their own.
fn representatives() -> Vec<matrix::Entry> {
    let all =
        entries(presets::all("nat").iter().map(|preset| preset.name)).expect("they are listed");
    let mut seen: Vec<Class> = Vec::new();
    let own =
        ["linux-masquerade", "linux-masquerade-bare", "azure-nat-gateway", "non-deterministic"];
    all.into_iter()
        .filter(|entry| {
            let new = !seen.contains(&entry.class);
            seen.push(entry.class);
            new || own.contains(&entry.name.as_str())
        })
        .collect()
}

fn run(threads: usize) -> Matrix {
    let threads = NonZeroUsize::new(threads).expect("not 0");
    matrix::run(representatives(), 1, threads, &|_| {})
}

#[test]
fn the_rules_predict_every_pair_of_kinds() {
    let matrix = run(2);
    let wrong: Vec<_> =
        matrix.disagreements().map(|(row, column, _)| (&row.name, &column.name)).collect();
    assert!(wrong.is_empty(), "{wrong:?}\n{}", matrix.to_text());
    insta::assert_snapshot!(matrix.to_text());
}

#[test]
fn threads_change_nothing() {
    let (one, three) = (run(1), run(3));
    assert_eq!(one.to_json(), three.to_json());
    assert_eq!(heat_map(&one), heat_map(&three));
}

#[test]
fn a_cell_that_the_rules_did_not_predict_is_marked_everywhere() {
    let mut matrix = run(2);
    assert!(!matrix.to_text().contains("not what the rules say:"));
    matrix.cells[0].connected = None;
    assert_eq!(matrix.disagreements().count(), 1);
    assert!(matrix.to_text().contains("1 pairs are not what the rules say:\n"));
    assert!(matrix.to_json().contains("\"agrees\": false"));
    let circles = heat_map(&matrix).matches("<circle").count();
    assert_eq!(circles, 4, "two for the cell and two for the legend");
}
