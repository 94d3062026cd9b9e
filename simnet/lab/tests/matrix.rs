//! Every kind of NAT against every kind of NAT, over every family, with every help.

use std::{num::NonZeroUsize, sync::Arc};

use lab::{
    matrix::{self, Class, Colours, Contender, Family, Help, Matrix, Plan, entries, heat_map},
    presets,
    roles::ice::Ours,
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

fn few() -> Vec<matrix::Entry> {
    entries(["classic-full-cone", "classic-restricted-cone", "classic-symmetric"])
        .expect("they are listed")
}

fn plan(nats: Vec<matrix::Entry>, families: &[Family], helps: &[Help], threads: usize) -> Plan {
    let threads = NonZeroUsize::new(threads).expect("not 0");
    Plan { nats, families: families.to_vec(), helps: helps.to_vec(), seed: 1, threads }
}

fn run(plan: &Plan) -> Matrix {
    matrix::run(plan, &|_| {})
}

#[test]
fn the_rules_predict_every_pair_of_kinds_with_a_stun_server() {
    let matrix = run(&plan(representatives(), &[Family::Ipv4], &[Help::Stun], 2));
    assert_eq!(matrix.disagreements().count(), 0, "{}", matrix.to_text());
    insta::assert_snapshot!(matrix.to_text());
}

#[test]
fn the_rules_predict_every_family_and_every_server() {
    let matrix = run(&plan(few(), &Family::ALL, &Help::ALL, 2));
    assert_eq!(matrix.disagreements().count(), 0, "{}", matrix.to_text());
    for sheet in &matrix.sheets {
        let figures = sheet.figures();
        assert_eq!(figures.fall_short, 0, "{}", sheet.title());
        let helped = sheet.help != Help::Stun;
        assert!(!helped || figures.direct + figures.relayed == figures.pairs, "{}", sheet.title());
    }
    insta::assert_snapshot!(matrix.to_text());
}

#[test]
fn threads_change_nothing() {
    let (one, three) = (
        run(&plan(few(), &[Family::Dual], &[Help::TurnUdp], 1)),
        run(&plan(few(), &[Family::Dual], &[Help::TurnUdp], 3)),
    );
    assert_eq!(one.to_json(), three.to_json());
    assert_eq!(one.to_html(), three.to_html());
}

#[test]
fn a_cell_that_the_rules_did_not_predict_is_marked_everywhere() {
    let mut matrix = run(&plan(few(), &[Family::Ipv4], &[Help::Stun], 2));
    assert!(!matrix.to_text().contains("not what the rules say:"));
    matrix.sheets[0].cells[0].connected = None;
    assert_eq!(matrix.disagreements().count(), 1);
    assert_eq!(matrix.sheets[0].figures().fall_short, 1);
    assert!(matrix.to_text().contains("1 pairs are not what the rules say:\n"));
    assert!(matrix.to_json().contains("\"agrees\": false"));
    assert!(matrix.to_csv().contains(",false,"));
    let circles = heat_map(&matrix.sheets[0], Colours::Outcome).matches("<circle").count();
    assert_eq!(circles, 4, "two for the cell and two for the legend");
}

#[test]
fn somebody_elses_ice_goes_through_the_same_matrix() {
    let contender = Contender {
        name: "another".to_owned(),
        factory: Some(Arc::new(|setup, now| Box::new(Ours::new(setup, now)))),
    };
    let plan = plan(few(), &[Family::Ipv4], &[Help::Stun], 2);
    let theirs = matrix::run_with(&plan, &contender, &|_| {});
    let ours = run(&plan);
    assert_eq!(theirs.endpoint, "another");
    assert_eq!(theirs.sheets[0].cells, ours.sheets[0].cells);
    assert!(theirs.to_csv().contains("\nanother,ipv4,stun,classic-full-cone,"));
}
