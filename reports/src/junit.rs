//! JUnit XML, for the test views of CI systems.
//!
//! One suite per subject, one test per case and variant. The class name is the place of the first
//! requirement that the case sets out to assert, such as `RFC 8489/14.7`; properties carry the
//! ids of all of them.

use std::time::Duration;

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use crate::model::{Assertion, Case, CaseResult, Clock, Run, Subject, Verdict};

/// The run as a JUnit XML document.
#[must_use]
pub fn xml(run: &Run) -> String {
    let mut report = Report::new("peerlab conformance");
    for subject in &run.subjects {
        report.add_test_suite(suite(run, subject));
    }
    report.to_string().expect("the document is written to memory")
}

fn suite(run: &Run, subject: &Subject) -> TestSuite {
    let mut suite = TestSuite::new(&subject.name);
    suite.add_property(("version", subject.version.as_str()));
    suite.add_property(("clock", subject.clock.as_str()));
    suite.add_property(("seed", run.run.seed.to_string().as_str()));
    let mut total = 0_u64;
    for result in run.results.iter().filter(|result| result.subject == subject.name) {
        let micros = run.wall.durations_us.get(&result.key()).copied().unwrap_or_default();
        total = total.saturating_add(micros);
        let mut test = TestCase::new(result.name(), status(result, subject.clock));
        test.set_time(Duration::from_micros(micros));
        test.set_assertions(result.assertions.len());
        describe(run, result, &mut test);
        suite.add_test_case(test);
    }
    suite.set_time(Duration::from_micros(total));
    suite
}

fn describe(run: &Run, result: &CaseResult, test: &mut TestCase) {
    if let Some(case) = run.case(&result.case) {
        test.set_classname(class(run, case));
        for id in &case.requirements {
            test.add_property(("requirement", id.as_str()));
        }
    }
    test.add_property(("verdict", result.verdict.as_str()));
    test.add_property(("seed", result.seed.to_string().as_str()));
    test.add_property(("replay", result.replay.as_str()));
    if result.verdict == Verdict::Note {
        test.set_system_out(explain(result));
    }
}

fn class(run: &Run, case: &Case) -> String {
    match case.requirements.first().and_then(|id| run.requirement(id)) {
        Some(first) => {
            format!("{}/{}", crate::model::doc_label(&first.spec), first.section)
        }
        None => case.layer.clone(),
    }
}

/// What a CI system shows. A deviation that the baseline knows is skipped with its reason, as the
/// exit code treats it. What proved nothing is an error in simulated time, where it cannot
/// happen by chance, and skipped on a real clock, where it can.
fn status(result: &CaseResult, clock: Clock) -> TestCaseStatus {
    let known = result.known.as_ref().filter(|known| known.verdict == result.verdict);
    let kind = match (result.verdict, clock) {
        (Verdict::Pass | Verdict::Note, _) => return TestCaseStatus::success(),
        (Verdict::Harness, _) => Some(NonSuccessKind::Error),
        (Verdict::Fail, _) => Some(NonSuccessKind::Failure),
        (Verdict::Inconclusive, Clock::Virtual) => Some(NonSuccessKind::Error),
        (
            Verdict::Inconclusive
            | Verdict::Missing
            | Verdict::Unsupported
            | Verdict::Skipped
            | Verdict::Flaky,
            _,
        ) => None,
    };
    let reason = result.reason.as_deref().unwrap_or("no reason given");
    let mut status = match (kind, known) {
        (Some(kind), None) => TestCaseStatus::non_success(kind),
        _ => TestCaseStatus::skipped(),
    };
    status.set_type(result.verdict.as_str());
    match known {
        Some(known) => {
            status.set_message(format!("known {}: {}", known.verdict, known.reason));
        }
        None => {
            status.set_message(format!("{}: {reason}", result.verdict));
        }
    }
    if kind.is_some() {
        status.set_description(explain(result));
    }
    status
}

/// The assertions that did not hold, the replay command and the ladder, as lines of text.
fn explain(result: &CaseResult) -> String {
    let broken = result.assertions.iter().filter(|assertion| !assertion.held);
    let mut lines: Vec<String> = broken.map(broken_assertion).collect();
    lines.push(format!("replay  {}", result.replay));
    if !result.ladder.is_empty() {
        lines.push(result.ladder.clone());
    }
    lines.join("\n")
}

fn broken_assertion(assertion: &Assertion) -> String {
    let Assertion { requirement, level, wanted, got, at_ns, .. } = assertion;
    let at = crate::time::seconds(*at_ns);
    format!("{level} {requirement} at {at}\nwanted  {wanted}\ngot     {got}")
}
