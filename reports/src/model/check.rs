//! Whether a document hangs together: ids are unique, references lead somewhere, and the roll-up
//! is the one that the results give.

use std::collections::BTreeSet;

use super::Run;

/// What is wrong, and a piece of the document's text that stands near it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) what: String,
    pub(super) near: String,
}

impl Fault {
    fn new(what: String, near: &str) -> Self {
        Self { what, near: serde_json::to_string(near).unwrap_or_default() }
    }
}

/// The ids of one kind.
struct Ids<'a> {
    kind: &'static str,
    ids: BTreeSet<&'a str>,
}

impl<'a> Ids<'a> {
    fn collect(kind: &'static str, ids: impl Iterator<Item = &'a str>) -> Result<Self, Fault> {
        let mut seen = BTreeSet::new();
        for id in ids {
            if !seen.insert(id) {
                return Err(Fault::new(format!("{kind} `{id}` stands there twice"), id));
            }
        }
        Ok(Self { kind, ids: seen })
    }

    fn require(&self, id: &str, user: &str) -> Result<(), Fault> {
        if self.ids.contains(id) {
            return Ok(());
        }
        Err(Fault::new(format!("{user} names the {} `{id}`, which is not listed", self.kind), id))
    }
}

impl Run {
    pub(super) fn check(&self) -> Result<(), Fault> {
        let subjects = Ids::collect("subject", self.subjects.iter().map(|s| s.name.as_str()))?;
        let specs = Ids::collect("specification", self.specs.iter().map(|s| s.doc.as_str()))?;
        let requirements =
            Ids::collect("requirement", self.requirements.iter().map(|r| r.id.as_str()))?;
        let cases = Ids::collect("case", self.cases.iter().map(|c| c.id.as_str()))?;
        for requirement in &self.requirements {
            specs.require(&requirement.spec, &format!("requirement `{}`", requirement.id))?;
        }
        for case in &self.cases {
            for id in &case.requirements {
                requirements.require(id, &format!("case `{}`", case.id))?;
            }
        }
        let mut keys = BTreeSet::new();
        for result in &self.results {
            let key = result.key();
            let user = format!("result `{key}`");
            subjects.require(&result.subject, &user)?;
            cases.require(&result.case, &user)?;
            for assertion in &result.assertions {
                requirements.require(&assertion.requirement, &user)?;
            }
            if !keys.insert(key) {
                return Err(Fault::new(format!("{user} stands there twice"), &result.case));
            }
        }
        if self.rollup != self.compute_rollup() {
            return Err(Fault::new(
                "the roll-up does not follow from the results".into(),
                "rollup",
            ));
        }
        Ok(())
    }
}
