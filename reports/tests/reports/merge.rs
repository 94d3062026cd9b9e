//! Joining shards.

use reports::merge::{MergeError, merge};
use reports::model::{Run, Verdict};
use rstest::rstest;

use crate::fixture;

/// The fixture in two shards: each has every other result.
fn shards() -> Vec<Run> {
    let shard = |index: usize| {
        let mut run = fixture::run();
        run.run.shard = Some(format!("{}/2", index + 1));
        run.run.command = format!("cargo xtask conformance --shard {}/2", index + 1);
        let mut at = 0;
        run.results.retain(|_| {
            at += 1;
            at % 2 == index
        });
        let names: Vec<String> = run.results.iter().map(|r| r.key()).collect();
        run.cases.retain(|case| run.results.iter().any(|result| result.case == case.id));
        run.wall.durations_us.retain(|key, _| names.contains(key));
        run.finish();
        run
    };
    vec![shard(0), shard(1)]
}

#[test]
fn joins_shards_into_the_run_of_one_process() {
    let mut whole = fixture::run();
    whole.run.command = "cargo xtask conformance".into();
    whole.wall.total_us *= 2;
    whole.finish();
    assert_eq!(merge(shards()).unwrap(), whole);
    let mut reversed = shards();
    reversed.reverse();
    assert_eq!(merge(reversed).unwrap(), whole);
}

#[test]
fn accepts_the_same_result_twice() {
    let run = fixture::run();
    let mut finished = run.clone();
    finished.finish();
    let merged = merge(vec![run.clone(), run]).unwrap();
    assert_eq!(merged.results, finished.results);
    assert_eq!(merged.rollup, finished.rollup);
}

#[test]
fn a_planted_bug_is_noticed_if_any_shard_noticed_it() {
    let mut shards = shards();
    for mutant in &mut shards[0].run.mutants.as_mut().unwrap().mutants {
        mutant.killer = None;
    }
    let merged = merge(shards).unwrap();
    assert_eq!(merged.run.mutants, fixture::run().run.mutants);
}

#[rstest]
#[case::seed(|run: &mut Run| run.run.seed = 9.into(), "the runs differ in seed")]
#[case::suite(|run: &mut Run| run.run.suite = "9".into(), "the runs differ in suite version")]
#[case::registry(|run: &mut Run| run.run.registry.clear(), "the runs differ in registry")]
#[case::verdict(
    |run: &mut Run| run.results[0].verdict = Verdict::Harness,
    "the runs disagree about result `ours/stun.rtx.schedule[rto=500ms]`"
)]
#[case::requirement(
    |run: &mut Run| run.requirements[0].says.clear(),
    "the runs disagree about requirement `stun-rto-at-least-500ms`"
)]
fn refuses_runs_that_do_not_belong_together(#[case] spoil: fn(&mut Run), #[case] says: &str) {
    let mut other = fixture::run();
    spoil(&mut other);
    let error = merge(vec![fixture::run(), other]).unwrap_err().to_string();
    assert!(error.starts_with(says) && !error.contains('\n'), "{error}");
}

#[test]
fn misses_an_absent_shard() {
    let mut shards = shards();
    shards.pop();
    assert_eq!(merge(shards), Err(MergeError::Absent { index: 2, count: 2 }));
    assert_eq!(merge(Vec::new()), Err(MergeError::Nothing));
}
