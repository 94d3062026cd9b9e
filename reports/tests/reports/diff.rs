//! Comparing runs and subjects.

use reports::diff::Diff;
use reports::model::{Run, Verdict};

use crate::fixture;

/// A later run: one regression, one fix, one new failing case, one case gone.
fn later() -> Run {
    let mut run = fixture::run();
    run.run.suite = "0.2.0".into();
    run.results[1].verdict = Verdict::Fail;
    run.results[1].reason = Some("the timeout no longer doubles".into());
    run.results[1].assertions[1].held = false;
    run.results[1].trace = "0000000000000000".into();
    run.results[0].virtual_ns += 1_250;
    run.results[2].verdict = Verdict::Pass;
    run.results[2].assertions[1].held = true;
    run.results.remove(5);
    run.cases.remove(2);
    let mut fresh = run.cases[2].clone();
    fresh.id = "nat.timer.inbound".into();
    run.cases.push(fresh);
    run.results.push(fixture::result("nat.timer.inbound", "", "ours", Verdict::Harness));
    *run.wall.durations_us.get_mut("ours/nat.timer").unwrap() = 2_000_000;
    run.wall.total_us = 3_500_000;
    run.finish();
    run
}

#[test]
fn nothing_differs_between_a_run_and_itself() {
    let run = fixture::run();
    let diff = Diff::between(&run, &run);
    assert!(!diff.has_regressions());
    insta::assert_snapshot!(diff.to_text());
}

#[test]
fn text_of_a_comparison() {
    let diff = Diff::between(&fixture::run(), &later());
    assert!(diff.has_regressions());
    insta::assert_snapshot!(diff.to_text());
}

#[test]
fn markdown_of_a_comparison() {
    insta::assert_snapshot!(Diff::between(&fixture::run(), &later()).to_markdown());
}

#[test]
fn going_back_in_time_turns_regressions_into_fixes() {
    let (old, new) = (fixture::run(), later());
    let (forth, back) = (Diff::between(&old, &new), Diff::between(&new, &old));
    for (forth, back) in forth.subjects.iter().zip(&back.subjects) {
        let names = |list: &[reports::diff::Change]| {
            list.iter().map(|change| change.name.clone()).collect::<Vec<_>>()
        };
        assert_eq!(names(&forth.regressions), names(&back.fixes));
        assert_eq!(names(&forth.fixes), names(&back.regressions));
    }
    assert_eq!(forth.added_cases, back.removed_cases);
}

#[test]
fn compares_two_subjects_of_one_run() {
    let run = fixture::run();
    let diff = Diff::of_subjects((&run, "ours"), (&run, "other"));
    assert!(diff.has_regressions());
    insta::assert_snapshot!(diff.to_text());
}

#[test]
fn compares_runs_of_different_subjects() {
    let (mut ours, mut other) = (fixture::run(), fixture::run());
    ours.subjects.retain(|subject| subject.name == "ours");
    ours.results.retain(|result| result.subject == "ours");
    other.subjects.retain(|subject| subject.name == "other");
    other.results.retain(|result| result.subject == "other");
    ours.roll_up();
    other.roll_up();
    let run = fixture::run();
    let apart = Diff::between(&ours, &other);
    let together = Diff::of_subjects((&run, "ours"), (&run, "other"));
    assert_eq!(apart.subjects, together.subjects);
    assert_eq!(apart.subjects[0].label(), "ours → other");
}
