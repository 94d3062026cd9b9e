//! A small cut of the goodput table: what CI sees of it.

use std::time::Duration;

use conformance::goodput::{Algorithm, Plan, Stack, run};

/// Ours is exact, whatever the machine: the same figures to the last byte.
#[test]
fn ours_fills_a_short_path_with_and_without_loss() {
    let plan = Plan {
        stacks: vec![Stack::Ours(Algorithm::ModelBased), Stack::Ours(Algorithm::Cubic)],
        rtts: vec![10],
        losses: vec![0, 1_000],
        span: Duration::from_millis(1_500),
        ..Plan::whole()
    };
    let sheet = run(&plan, &|_, _, _| ());
    insta::assert_snapshot!("ours", sheet.table());
    assert!(sheet.figures.iter().filter(|it| it.stack == "ours").all(|it| it.percent > 70.0));
}
