//! What changed between two runs, or between two subjects.

mod markdown;
mod text;

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{CaseResult, Level, Run, Standing, Verdict};

/// A duration is reported as changed if it moved by this share of the former one, in percent …
const NOTABLE_PERCENT: u64 = 50;
/// … and by at least this much, in microseconds: less is noise of the host.
const NOTABLE_US: u64 = 100_000;

/// What changed from one run to another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diff {
    /// What the run before was.
    pub before: String,
    /// What the run after was.
    pub after: String,
    /// Per pair of subjects.
    pub subjects: Vec<SubjectDiff>,
    /// Cases that only the run after has.
    pub added_cases: Vec<String>,
    /// Cases that only the run before has.
    pub removed_cases: Vec<String>,
    /// How long the whole runs took, in microseconds of real time.
    pub total_us: (u64, u64),
}

/// What changed for one subject, or from one subject to another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubjectDiff {
    /// The subject in the run before.
    pub before: String,
    /// The subject in the run after.
    pub after: String,
    /// Verdicts that became bad.
    pub regressions: Vec<Change>,
    /// Verdicts that were bad and are good.
    pub fixes: Vec<Change>,
    /// Verdicts that changed otherwise, such as from `pass` to `note`.
    pub changes: Vec<Change>,
    /// New results that are bad from the start.
    pub new_failures: Vec<Change>,
    /// Requirements that are tested now and were not.
    pub newly_tested: Vec<(Level, String, Standing)>,
    /// Requirements that were tested and are not any more.
    pub no_longer_tested: Vec<(Level, String)>,
    /// Results whose simulated duration changed, in nanoseconds: exact, so each is a fact.
    pub virtual_ns: Vec<(String, u64, u64)>,
    /// Results whose real duration changed notably, in microseconds.
    pub wall_us: Vec<(String, u64, u64)>,
    /// How many results happened differently on the network though the seed is the same, and how
    /// many could be compared.
    pub traces: (usize, usize),
}

/// A verdict that changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The case and its variant.
    pub name: String,
    /// The verdict before; none if the result is new.
    pub before: Option<Verdict>,
    /// The verdict after.
    pub after: Verdict,
    /// Why it is so now.
    pub reason: Option<String>,
    /// The requirements that are broken now.
    pub broken: Vec<String>,
    /// The command that plays the result after again.
    pub replay: String,
}

impl Diff {
    /// Compares two runs. Subjects of the same name are compared; if the runs have none in
    /// common, the first of one is compared with the first of the other.
    #[must_use]
    pub fn between(before: &Run, after: &Run) -> Self {
        let names = |run: &Run| run.subjects.iter().map(|s| s.name.clone()).collect::<Vec<_>>();
        let (ours, theirs) = (names(before), names(after));
        let mut pairs: Vec<(String, String)> = ours
            .iter()
            .filter(|name| theirs.contains(name))
            .map(|name| (name.clone(), name.clone()))
            .collect();
        if pairs.is_empty() {
            pairs.extend(ours.into_iter().zip(theirs).take(1));
        }
        Self::of(before, after, &pairs)
    }

    /// Compares one subject of a run with another subject of the same or another run.
    #[must_use]
    pub fn of_subjects(before: (&Run, &str), after: (&Run, &str)) -> Self {
        Self::of(before.0, after.0, &[(before.1.to_owned(), after.1.to_owned())])
    }

    fn of(before: &Run, after: &Run, pairs: &[(String, String)]) -> Self {
        let cases = |run: &Run| run.cases.iter().map(|c| c.id.clone()).collect::<BTreeSet<_>>();
        let (old, new) = (cases(before), cases(after));
        Self {
            before: describe(before),
            after: describe(after),
            subjects: pairs.iter().map(|pair| compare(before, after, pair)).collect(),
            added_cases: new.difference(&old).cloned().collect(),
            removed_cases: old.difference(&new).cloned().collect(),
            total_us: (before.wall.total_us, after.wall.total_us),
        }
    }

    /// Whether any verdict became bad. A new case that fails from the start is no regression.
    #[must_use]
    pub fn has_regressions(&self) -> bool {
        self.subjects.iter().any(|subject| !subject.regressions.is_empty())
    }

    /// The comparison as lines of text for a terminal.
    #[must_use]
    pub fn to_text(&self) -> String {
        text::render(self)
    }

    /// The comparison as Markdown for a pull request.
    #[must_use]
    pub fn to_markdown(&self) -> String {
        markdown::render(self)
    }
}

impl SubjectDiff {
    /// The subject, or both if they differ.
    #[must_use]
    pub fn label(&self) -> String {
        if self.before == self.after {
            self.after.clone()
        } else {
            format!("{} → {}", self.before, self.after)
        }
    }
}

fn describe(run: &Run) -> String {
    let subjects: Vec<String> =
        run.subjects.iter().map(|s| format!("{} {}", s.name, s.version)).collect();
    format!(
        "suite {}, tier {}, seed {}, {}",
        run.run.suite,
        run.run.tier,
        run.run.seed,
        subjects.join(", ")
    )
}

/// Whether a verdict asks for someone to do something.
const fn is_bad(verdict: Verdict) -> bool {
    match verdict {
        Verdict::Fail
        | Verdict::Missing
        | Verdict::Inconclusive
        | Verdict::Flaky
        | Verdict::Harness => true,
        Verdict::Pass | Verdict::Note | Verdict::Unsupported | Verdict::Skipped => false,
    }
}

fn compare(before: &Run, after: &Run, pair: &(String, String)) -> SubjectDiff {
    let mut diff = SubjectDiff {
        before: pair.0.clone(),
        after: pair.1.clone(),
        regressions: Vec::new(),
        fixes: Vec::new(),
        changes: Vec::new(),
        new_failures: Vec::new(),
        newly_tested: Vec::new(),
        no_longer_tested: Vec::new(),
        virtual_ns: Vec::new(),
        wall_us: Vec::new(),
        traces: (0, 0),
    };
    let old: BTreeMap<String, &CaseResult> =
        before.results.iter().filter(|r| r.subject == pair.0).map(|r| (r.name(), r)).collect();
    for result in after.results.iter().filter(|r| r.subject == pair.1) {
        let name = result.name();
        match old.get(&name) {
            Some(former) => {
                diff.verdict(name.clone(), former, result);
                diff.durations(name, (before, former), (after, result));
            }
            None if is_bad(result.verdict) => diff.new_failures.push(change(name, None, result)),
            None => {}
        }
    }
    diff.coverage(before, after);
    diff
}

impl SubjectDiff {
    fn verdict(&mut self, name: String, before: &CaseResult, after: &CaseResult) {
        if before.verdict == after.verdict {
            return;
        }
        let worse = after.verdict.severity() > before.verdict.severity();
        let list = match (is_bad(before.verdict), is_bad(after.verdict)) {
            (_, true) if worse => &mut self.regressions,
            (true, false) => &mut self.fixes,
            _ => &mut self.changes,
        };
        list.push(change(name, Some(before.verdict), after));
    }

    fn durations(&mut self, name: String, before: (&Run, &CaseResult), after: (&Run, &CaseResult)) {
        let (old, new) = (before.1, after.1);
        if old.seed == new.seed && !old.trace.is_empty() && !new.trace.is_empty() {
            self.traces.0 += usize::from(old.trace != new.trace);
            self.traces.1 += 1;
        }
        if old.virtual_ns != new.virtual_ns {
            self.virtual_ns.push((name.clone(), old.virtual_ns, new.virtual_ns));
        }
        let wall =
            |(run, result): (&Run, &CaseResult)| run.wall.durations_us.get(&result.key()).copied();
        if let (Some(old), Some(new)) = (wall(before), wall(after)) {
            let moved = old.abs_diff(new);
            if moved >= NOTABLE_US
                && moved.saturating_mul(100) >= old.saturating_mul(NOTABLE_PERCENT)
            {
                self.wall_us.push((name, old, new));
            }
        }
    }

    fn coverage(&mut self, before: &Run, after: &Run) {
        let tested = |run: &Run, subject: &str, id: &str| {
            run.standing(subject, id).filter(|standing| standing.is_tested())
        };
        for requirement in &after.requirements {
            let id = &requirement.id;
            if let Some(standing) = tested(after, &self.after, id)
                && tested(before, &self.before, id).is_none()
            {
                self.newly_tested.push((requirement.level, id.clone(), standing));
            }
        }
        for requirement in &before.requirements {
            let id = &requirement.id;
            if tested(before, &self.before, id).is_some()
                && tested(after, &self.after, id).is_none()
            {
                self.no_longer_tested.push((requirement.level, id.clone()));
            }
        }
    }
}

fn change(name: String, before: Option<Verdict>, after: &CaseResult) -> Change {
    let broken: BTreeSet<String> = after
        .assertions
        .iter()
        .filter(|assertion| !assertion.held)
        .map(|assertion| assertion.requirement.clone())
        .collect();
    Change {
        name,
        before,
        after: after.verdict,
        reason: after.reason.clone(),
        broken: broken.into_iter().collect(),
        replay: after.replay.clone(),
    }
}
