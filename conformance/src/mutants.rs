//! Planted bugs: `conformance/mutants.toml`, and the run that hunts them.

use std::{
    collections::BTreeSet,
    sync::{Mutex, PoisonError},
    thread,
};

use reports::model::{self, Killer, Verdict};
use serde::Deserialize;
use toml::Spanned;

use crate::{
    execute::{Job, Keep},
    registry::{
        Registry,
        source::{SpecError, line_at, toml_error},
    },
    runner::{self, Done, Plan},
};

/// A bug that can be planted in our implementation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mutant {
    /// Its name in the code.
    pub name: String,
    /// The requirement it breaks.
    pub breaks: String,
    /// What it does wrong, in our words.
    pub says: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    #[serde(default)]
    mutant: Vec<RawMutant>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawMutant {
    name: Spanned<String>,
    breaks: Spanned<String>,
    says: String,
}

/// Reads the list of planted bugs. `file` names it in errors.
///
/// # Errors
///
/// One line about a name that occurs twice or a requirement that does not exist.
pub fn parse(file: &str, text: &str, registry: &Registry) -> Result<Vec<Mutant>, SpecError> {
    let raw: Raw = toml::from_str(text).map_err(|error| toml_error(file, text, &error))?;
    let mut names = BTreeSet::new();
    let mut mutants = Vec::new();
    for entry in raw.mutant {
        let fault = |at: usize, problem: String, remedy: &str| SpecError {
            file: file.to_owned(),
            line: line_at(text, at),
            problem,
            remedy: remedy.to_owned(),
        };
        if !names.insert(entry.name.as_ref().clone()) {
            return Err(fault(
                entry.name.span().start,
                format!("the planted bug `{}` is listed twice", entry.name.as_ref()),
                "give each its own name",
            ));
        }
        if registry.find(entry.breaks.as_ref()).is_none() {
            return Err(fault(
                entry.breaks.span().start,
                format!("no requirement is called `{}`", entry.breaks.as_ref()),
                "name the requirement that the bug breaks; `list --requirements` shows them",
            ));
        }
        mutants.push(Mutant {
            name: entry.name.into_inner(),
            breaks: entry.breaks.into_inner(),
            says: entry.says,
        });
    }
    Ok(mutants)
}

/// Plants each bug in turn and runs `jobs` until one of them gets a worse verdict than in `clean`, the
/// outcomes without a bug. `on_done` hears of each bug as it is decided.
///
/// Bugs are hunted side by side, each on one thread from the first job to the last, so that the killer
/// is always the same.
#[must_use]
pub fn hunt(
    mutants: &[Mutant],
    jobs: &[Job<'_>],
    clean: &[Option<Done>],
    plan: &Plan<'_>,
    on_done: &(dyn Fn(&model::Mutant) + Sync),
) -> model::Mutants {
    let next = Mutex::new(mutants.iter().enumerate());
    let found = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..plan.threads.max(1) {
            scope.spawn(|| {
                loop {
                    let mutant = next.lock().unwrap_or_else(PoisonError::into_inner).next();
                    let Some((index, mutant)) = mutant else { break };
                    let outcome = model::Mutant {
                        name: mutant.name.clone(),
                        breaks: mutant.breaks.clone(),
                        says: mutant.says.clone(),
                        killer: killer(mutant, jobs, clean, plan),
                    };
                    on_done(&outcome);
                    found.lock().unwrap_or_else(PoisonError::into_inner).push((index, outcome));
                }
            });
        }
    });
    let mut found = found.into_inner().unwrap_or_else(PoisonError::into_inner);
    found.sort_by_key(|(index, _)| *index);
    model::Mutants { mutants: found.into_iter().map(|(_, mutant)| mutant).collect() }
}

/// The first job that notices `mutant`. Jobs that set out to assert what it breaks come first.
fn killer(
    mutant: &Mutant,
    jobs: &[Job<'_>],
    clean: &[Option<Done>],
    plan: &Plan<'_>,
) -> Option<Killer> {
    let aims = |job: &Job<'_>| job.case.reqs.iter().any(|req| req.id() == mutant.breaks);
    let mut order: Vec<(&Job<'_>, Option<&Done>)> =
        jobs.iter().zip(clean.iter().map(Option::as_ref)).collect();
    order.sort_by_key(|(job, _)| !aims(job));
    let (ordered, before): (Vec<Job<'_>>, Vec<Verdict>) = order
        .into_iter()
        .map(|(job, done)| {
            (job.clone(), done.map_or(Verdict::Pass, |done| done.executed.result.verdict))
        })
        .unzip();
    let plan = Plan { threads: 1, keep: Keep::Never, mutant: Some(&mutant.name), ..*plan };
    let mut assertion: Option<Killer> = None;
    let mut disturbance: Option<Killer> = None;
    let _ = runner::run(&ordered, &plan, |index, done| {
        let result = &done.executed.result;
        let worse = before.get(index).is_some_and(|b| result.verdict.severity() > b.severity());
        if !worse {
            return true;
        }
        let broken = result.assertions.iter().find(|assertion| !assertion.held);
        let killer = Killer {
            case: result.case.clone(),
            variant: result.variant.clone(),
            requirement: broken.map(|assertion| assertion.requirement.clone()),
        };
        // A case that merely could not do its work noticed something, but an assertion says what.
        if killer.requirement.is_some() {
            assertion.get_or_insert(killer);
            return false;
        }
        disturbance.get_or_insert(killer);
        true
    });
    assertion.or(disturbance)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    const GOOD: &str =
        "[[mutant]]\nname = \"a\"\nbreaks = \"sample-echo\"\nsays = \"It is wrong.\"\n";

    fn read(text: &str) -> Result<Vec<Mutant>, SpecError> {
        let spec = include_str!("../tests/spec/sample.toml");
        parse("m.toml", text, &Registry::from_texts([("s.toml", spec)]).unwrap())
    }

    #[test]
    fn reads_the_list() {
        let mutants = read(&(GOOD.to_owned() + &GOOD.replace("\"a\"", "\"b\""))).unwrap();
        assert_eq!(mutants.iter().map(|m| m.name.as_str()).collect::<Vec<_>>(), ["a", "b"]);
    }

    #[rstest]
    #[case::twice(GOOD.repeat(2), "m.toml:6: the planted bug `a` is listed twice; give each its own name")]
    #[case::breaks_nothing(GOOD.replace("echo", "ecko"), "m.toml:3: no requirement is called `sample-ecko`; name the requirement that the bug breaks; `list --requirements` shows them")]
    #[case::no_words(GOOD.replace("says", "said"), "m.toml:4: unknown key `said`, expected one of `name`, `breaks`, `says`; correct the spelling or remove the key")]
    fn refuses_in_one_line(#[case] text: String, #[case] expected: &str) {
        assert_eq!(read(&text).unwrap_err().to_string(), expected);
    }
}
