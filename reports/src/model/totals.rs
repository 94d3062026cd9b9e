//! Totals: how much is required, tested and held; how many results of each verdict.

use std::collections::BTreeMap;

use super::{Level, Requirement, Run, Standing, Verdict};

/// A share in whole percent, rounded down, so that 100 means all. Nothing of nothing is 100.
#[must_use]
pub const fn percent(part: usize, whole: usize) -> usize {
    match part.saturating_mul(100).checked_div(whole) {
        Some(share) => share,
        None => 100,
    }
}

/// How many requirements of one level are required, testable, tested and held.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LevelTotals {
    /// All of them.
    pub all: usize,
    /// Those without a lasting reason for no test.
    pub testable: usize,
    /// Those that an executed assertion decided.
    pub tested: usize,
    /// Those that held every time.
    pub pass: usize,
    /// Those from which the subject deviated, though it may.
    pub note: usize,
    /// Those that were broken.
    pub fail: usize,
}

impl LevelTotals {
    fn add(&mut self, requirement: &Requirement, standing: Option<Standing>) {
        let tested = standing.is_some_and(Standing::is_tested);
        self.all += 1;
        // A tested requirement is testable, whatever the registry says.
        self.testable += usize::from(requirement.is_testable() || tested);
        self.tested += usize::from(tested);
        self.pass += usize::from(standing == Some(Standing::Pass));
        self.note += usize::from(standing == Some(Standing::Note));
        self.fail += usize::from(standing == Some(Standing::Fail));
    }

    /// The tested share of the testable ones, in whole percent.
    #[must_use]
    pub const fn tested_percent(&self) -> usize {
        percent(self.tested, self.testable)
    }

    /// The held share of the tested ones, in whole percent.
    #[must_use]
    pub const fn pass_percent(&self) -> usize {
        percent(self.pass, self.tested)
    }
}

/// Totals per level.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// MUST, MUST NOT, SHALL, REQUIRED.
    pub must: LevelTotals,
    /// SHOULD, SHOULD NOT, RECOMMENDED.
    pub should: LevelTotals,
    /// MAY, OPTIONAL.
    pub may: LevelTotals,
    /// No keyword, but needed.
    pub implicit: LevelTotals,
}

impl Totals {
    /// The totals of one level.
    #[must_use]
    pub const fn level(&self, level: Level) -> &LevelTotals {
        match level {
            Level::Must => &self.must,
            Level::Should => &self.should,
            Level::May => &self.may,
            Level::Implicit => &self.implicit,
        }
    }

    const fn level_mut(&mut self, level: Level) -> &mut LevelTotals {
        match level {
            Level::Must => &mut self.must,
            Level::Should => &mut self.should,
            Level::May => &mut self.may,
            Level::Implicit => &mut self.implicit,
        }
    }
}

/// How many results have each verdict, in the order of [`Verdict::ALL`]; zeros are left out.
pub type VerdictCounts = BTreeMap<Verdict, usize>;

impl Run {
    /// Requirement totals of one subject, over the requirements that `keep` lets through.
    #[must_use]
    pub fn totals(&self, subject: &str, keep: impl Fn(&Requirement) -> bool) -> Totals {
        let mut totals = Totals::default();
        for requirement in self.requirements.iter().filter(|requirement| keep(requirement)) {
            let standing = self.standing(subject, &requirement.id);
            totals.level_mut(requirement.level).add(requirement, standing);
        }
        totals
    }

    /// How many results of one subject have each verdict.
    #[must_use]
    pub fn verdicts(&self, subject: &str) -> VerdictCounts {
        let mut counts = VerdictCounts::new();
        for result in self.results.iter().filter(|result| result.subject == subject) {
            *counts.entry(result.verdict).or_default() += 1;
        }
        counts
    }

    /// The states that cases hoped to see, and that no variant on any subject has seen, as pairs
    /// of case and state.
    #[must_use]
    pub fn never_reached(&self) -> Vec<(&str, &str)> {
        let mut seen: BTreeMap<(&str, &str), bool> = BTreeMap::new();
        for result in &self.results {
            for (state, reached) in &result.sometimes {
                *seen.entry((&result.case, state)).or_default() |= reached;
            }
        }
        seen.into_iter().filter(|(_, reached)| !reached).map(|(pair, _)| pair).collect()
    }
}
