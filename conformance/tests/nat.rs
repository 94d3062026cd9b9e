//! The simulator's NAT passes every NAT case, and discovery recovers how it is set.

use conformance::{
    Case, SubjectKind, Verdict, case,
    execute::{Job, Keep, execute},
    registry::Registry,
    subjects::ours::Ours,
};

/// Runs the cases that `wanted` picks against our implementation, and expects `at_least` passes.
fn all_pass(at_least: usize, wanted: fn(&Case) -> bool) {
    let registry = Registry::embedded().expect("the registry is in order");
    let mut failures = Vec::new();
    let mut count = 0;
    for case in case::all().into_iter().filter(|case| wanted(case)) {
        for variant in (case.variants)() {
            let job = Job { case, variant, subject: &Ours };
            let result = execute(&job, &registry, 7, Keep::Never).result;
            count += 1;
            if result.verdict != Verdict::Pass {
                failures.push(format!(
                    "{}: {:?} {:?}",
                    job.address(),
                    result.verdict,
                    result.reason
                ));
            }
        }
    }
    assert!(count >= at_least, "only {count} runs");
    assert!(failures.is_empty(), "{} of {count}:\n{}", failures.len(), failures.join("\n"));
}

#[test]
fn the_simulated_nat_passes_every_case() {
    all_pass(160, |case| case.kind == SubjectKind::Nat);
}

#[test]
fn discovery_recovers_every_nat() {
    all_pass(324, |case| case.id == "discovery.nat.sweep");
}

/// Every bug planted in the NAT is noticed by an assertion about what it breaks.
#[cfg(feature = "mutant")]
#[test]
fn every_bug_planted_in_the_nat_is_killed() {
    use conformance::{mutants, runner};

    let registry = Registry::embedded().unwrap();
    let cases = case::all().into_iter().filter(|case| case.kind == SubjectKind::Nat);
    let jobs: Vec<Job<'_>> = cases
        .flat_map(|case| {
            let variants = (case.variants)().into_iter();
            variants.map(move |variant| Job { case, variant, subject: &Ours })
        })
        .collect();
    let plan = runner::Plan {
        registry: &registry,
        seed: 7,
        repeat: 1,
        threads: 2,
        keep: Keep::Never,
        mutant: None,
    };
    let clean = runner::run(&jobs, &plan, |_, _| true);
    let all = mutants::parse("mutants.toml", include_str!("../mutants.toml"), &registry).unwrap();
    let ours: Vec<_> = all.into_iter().filter(|one| one.name.starts_with("nat-")).collect();
    assert!(ours.len() >= 6);
    let found = mutants::hunt(&ours, &jobs, &clean, &plan, &|_| ());
    for mutant in found.mutants {
        let killer = mutant.killer.unwrap_or_else(|| panic!("{} survives", mutant.name));
        assert_eq!(killer.requirement.as_deref(), Some(&mutant.breaks[..]), "{}", mutant.name);
    }
}
