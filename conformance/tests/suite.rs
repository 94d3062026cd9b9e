//! The conformance cases as ordinary tests: every case and variant against our implementation, so that
//! `cargo test` and its kin list, filter and run them.

use std::{process::ExitCode, sync::Arc};

use conformance::{
    Tier, Verdict,
    baseline::{self, Standing},
    execute::{Job, Keep, execute},
    registry::Registry,
    suite::Suite,
};
use libtest_mimic::{Arguments, Completion, Failed, Trial};
use reports::model::Known;

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let registry = Registry::embedded().expect("the build has checked the registry");
    let suite = Arc::new(Suite::built_in(registry).expect("the cases fit together"));
    let trials = trials(&suite);
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn trials(suite: &Arc<Suite>) -> Vec<Trial> {
    let ours = suite.subjects.iter().find(|subject| subject.name() == "ours");
    let Some(&subject) = ours else { return Vec::new() };
    let mut trials = Vec::new();
    for &case in suite.cases.iter().filter(|case| subject.kinds().contains(&case.kind)) {
        for variant in (case.variants)() {
            let job = Job { case, variant, subject };
            let suite = Arc::clone(suite);
            let trial = Trial::ignorable_test(job.address(), move || run(&suite, &job))
                .with_ignored_flag(case.tier == Tier::Slow);
            trials.push(trial);
        }
    }
    trials
}

/// Runs one variant. What a baseline expects is no failure here either.
fn run(suite: &Suite, job: &Job<'static>) -> Result<Completion, Failed> {
    let result = execute(job, &suite.registry, 0, Keep::Failures).result;
    let baseline = suite.baseline(job.subject).map_err(|refusal| refusal.line)?;
    let known = baseline.find(job.case.id, &job.address()).map(|entry| Known {
        verdict: entry.verdict,
        reason: entry.reason.clone(),
        issue: entry.issue.clone(),
    });
    let reason = result.reason.clone().unwrap_or_default();
    match (baseline::compare(result.verdict, known.as_ref()), result.verdict) {
        (Standing::Equal, Verdict::Unsupported | Verdict::Missing | Verdict::Skipped) => {
            Ok(Completion::ignored_with(reason))
        }
        (Standing::Equal, _) => Ok(Completion::Completed),
        (_, verdict) => {
            Err(format!("{verdict}: {reason}\n{}\nreplay: {}", result.ladder, result.replay).into())
        }
    }
}
