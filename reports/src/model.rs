//! The document that a conformance run leaves behind: `run.json`.
//!
//! Two identical runs write identical bytes, apart from the [`Wall`] block, which alone holds what
//! the clock and the host decide. There is therefore no float, no hash map and no absolute time
//! outside it. Maps are ordered by key, lists keep the order in which the runner filled them.

mod about;
mod check;
mod file;
mod registry;
mod result;
mod roll_up;
mod totals;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use about::{About, Capability, Clock, Killer, Mutant, Mutants, Seed, Subject, Wall};
pub use file::{LoadError, SaveError};
pub(crate) use registry::doc_label;
pub use registry::{Case, Level, Requirement, Section, Side, Spec, Test, Why};
pub use result::{Assertion, Capture, CaseResult, Known, Verdict};
pub use roll_up::{RollUp, Standing};
pub use totals::{LevelTotals, Totals, VerdictCounts, percent};

/// The version of the document that this build writes and reads.
pub const SCHEMA: u32 = 1;

/// One conformance run: what was asked, of whom, and what came of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Run {
    /// The version of this document; always [`SCHEMA`] in a run that this build has read.
    pub schema: u32,
    /// What was asked for.
    pub run: About,
    /// The implementations under test, in the order of the report's columns.
    pub subjects: Vec<Subject>,
    /// The specifications of the registry, in the order of the report.
    pub specs: Vec<Spec>,
    /// Every requirement of the registry, tested or not.
    pub requirements: Vec<Requirement>,
    /// Every case that the filter let through.
    pub cases: Vec<Case>,
    /// One entry per case, variant and subject.
    pub results: Vec<CaseResult>,
    /// Per subject and requirement, what the results add up to. [`Run::roll_up`] fills it. A
    /// requirement that no result touches is absent.
    pub rollup: BTreeMap<String, BTreeMap<String, RollUp>>,
    /// What the clock and the host decided. The only part that differs between identical runs.
    pub wall: Wall,
}

impl Run {
    /// A run in which nothing has happened yet.
    #[must_use]
    pub fn new(run: About) -> Self {
        Self {
            schema: SCHEMA,
            run,
            subjects: Vec::new(),
            specs: Vec::new(),
            requirements: Vec::new(),
            cases: Vec::new(),
            results: Vec::new(),
            rollup: BTreeMap::new(),
            wall: Wall::default(),
        }
    }

    /// The requirement with this id.
    #[must_use]
    pub fn requirement(&self, id: &str) -> Option<&Requirement> {
        self.requirements.iter().find(|requirement| requirement.id == id)
    }

    /// The case with this id.
    #[must_use]
    pub fn case(&self, id: &str) -> Option<&Case> {
        self.cases.iter().find(|case| case.id == id)
    }

    /// The specification with this document name, such as `rfc8489`.
    #[must_use]
    pub fn spec(&self, doc: &str) -> Option<&Spec> {
        self.specs.iter().find(|spec| spec.doc == doc)
    }

    /// What the results of one subject say about one requirement, if any of them touches it.
    #[must_use]
    pub fn standing(&self, subject: &str, requirement: &str) -> Option<Standing> {
        Some(self.rollup.get(subject)?.get(requirement)?.standing)
    }
}
