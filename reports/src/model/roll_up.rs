//! From results to requirements: what all results of a subject say about one requirement.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};

use super::{CaseResult, Run, Verdict, registry::words};

words! {
    /// What the results of a subject add up to for one requirement.
    Standing {
        /// It was asserted, and held every time.
        Pass = "pass",
        /// It is a SHOULD or a MAY, and the subject deviated at least once.
        Note = "note",
        /// It is binding, and was broken at least once.
        Fail = "fail",
        /// The subject declares a mandatory capability absent.
        Missing = "missing",
        /// The subject declares an optional capability absent.
        Unsupported = "unsupported",
        /// Cases ran or were skipped, but none of them proved anything either way.
        Unproven = "unproven",
    }
}

impl Standing {
    /// One character that tells the standing apart without colour.
    #[must_use]
    pub const fn glyph(self) -> char {
        match self {
            Self::Pass => Verdict::Pass.glyph(),
            Self::Note => Verdict::Note.glyph(),
            Self::Fail => Verdict::Fail.glyph(),
            Self::Missing => Verdict::Missing.glyph(),
            Self::Unsupported => Verdict::Unsupported.glyph(),
            Self::Unproven => Verdict::Inconclusive.glyph(),
        }
    }

    /// Whether at least one executed assertion decided it: only this counts as tested.
    #[must_use]
    pub const fn is_tested(self) -> bool {
        matches!(self, Self::Pass | Self::Note | Self::Fail)
    }
}

/// What the results of a subject say about one requirement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RollUp {
    /// The sum.
    pub standing: Standing,
    /// How many assertions held.
    pub held: u32,
    /// How many assertions did not hold.
    pub broken: u32,
    /// The cases that asserted it or set out to, in alphabetical order.
    pub cases: Vec<String>,
}

#[derive(Default)]
struct Tally {
    held: u32,
    broken: u32,
    binding_broken: bool,
    missing: bool,
    unsupported: bool,
    doubted: bool,
    cases: BTreeSet<String>,
}

impl Tally {
    fn standing(&self) -> Standing {
        if self.binding_broken {
            Standing::Fail
        } else if self.broken > 0 {
            Standing::Note
        } else if self.doubted {
            Standing::Unproven
        } else if self.held > 0 {
            Standing::Pass
        } else if self.missing {
            Standing::Missing
        } else if self.unsupported {
            Standing::Unsupported
        } else {
            Standing::Unproven
        }
    }

    fn finish(self) -> RollUp {
        let standing = self.standing();
        RollUp {
            standing,
            held: self.held,
            broken: self.broken,
            cases: self.cases.into_iter().collect(),
        }
    }
}

impl Run {
    /// Brings a run into its final form once all results are in: cases by id; results by case,
    /// variant and the order of the subjects; the roll-up filled. The form does not depend on the
    /// order in which results arrived, nor on sharding.
    pub fn finish(&mut self) {
        self.cases.sort_by(|a, b| a.id.cmp(&b.id));
        let columns: BTreeMap<&str, usize> =
            self.subjects.iter().enumerate().map(|(at, subject)| (&*subject.name, at)).collect();
        self.results.sort_by(|a, b| {
            let column = |result: &CaseResult| columns.get(result.subject.as_str()).copied();
            (&a.case, &a.variant, column(a)).cmp(&(&b.case, &b.variant, column(b)))
        });
        self.roll_up();
    }

    /// Fills [`Run::rollup`] from the results. [`Run::finish`] calls it.
    ///
    /// Only executed assertions of conclusive results count as evidence. A broken assertion in a
    /// result that proves nothing (flaky, inconclusive, the suite's own error) casts doubt: the
    /// requirement is then not shown as held.
    pub fn roll_up(&mut self) {
        self.rollup = self.compute_rollup();
    }

    pub(super) fn compute_rollup(&self) -> BTreeMap<String, BTreeMap<String, RollUp>> {
        let claims: BTreeMap<&str, &[String]> = self
            .cases
            .iter()
            .map(|case| (case.id.as_str(), case.requirements.as_slice()))
            .collect();
        let mut tallies: BTreeMap<String, BTreeMap<String, Tally>> = BTreeMap::new();
        for subject in &self.subjects {
            tallies.entry(subject.name.clone()).or_default();
        }
        for result in &self.results {
            let tally = tallies.entry(result.subject.clone()).or_default();
            let claimed = claims.get(result.case.as_str()).copied().unwrap_or_default();
            count(tally, result, claimed);
        }
        let finish = |tally: BTreeMap<String, Tally>| {
            tally.into_iter().map(|(id, tally)| (id, tally.finish())).collect()
        };
        tallies.into_iter().map(|(subject, tally)| (subject, finish(tally))).collect()
    }
}

fn count(tallies: &mut BTreeMap<String, Tally>, result: &CaseResult, claimed: &[String]) {
    for id in claimed {
        let tally = tallies.entry(id.clone()).or_default();
        tally.cases.insert(result.case.clone());
        tally.missing |= result.verdict == Verdict::Missing;
        tally.unsupported |= result.verdict == Verdict::Unsupported;
    }
    for assertion in &result.assertions {
        let tally = tallies.entry(assertion.requirement.clone()).or_default();
        tally.cases.insert(result.case.clone());
        if !result.verdict.is_evidence() {
            tally.doubted |= !assertion.held;
        } else if assertion.held {
            tally.held = tally.held.saturating_add(1);
        } else {
            tally.broken = tally.broken.saturating_add(1);
            tally.binding_broken |= assertion.level.is_binding();
        }
    }
}
