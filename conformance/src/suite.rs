//! What the commands work on: requirements, cases, subjects.

use std::{collections::BTreeMap, path::PathBuf};

use crate::{
    Subject,
    baseline::Baseline,
    case::{self, Case},
    exit::Refusal,
    glob,
    registry::{Registry, Req},
    subjects,
};

/// The parts of a suite, built in or made up by a test.
pub struct Suite {
    /// The requirements.
    pub registry: Registry,
    /// The cases, sorted by id.
    pub cases: Vec<&'static Case>,
    /// The subjects, in the order of the report.
    pub subjects: Vec<&'static dyn Subject>,
    /// Where baselines are, if not in the binary.
    pub baseline_dir: Option<PathBuf>,
}

impl Suite {
    /// The suite of this build.
    ///
    /// # Errors
    ///
    /// If the registry or the cases contradict themselves.
    pub fn built_in(registry: Registry) -> Result<Self, Refusal> {
        let suite =
            Self { registry, cases: case::all(), subjects: subjects::all(), baseline_dir: None };
        suite.check()?;
        Ok(suite)
    }

    /// Checks what the compiler cannot: that case ids are unique, that every case has a variant and
    /// that no two of them share a name, and that its requirements are in the registry.
    ///
    /// # Errors
    ///
    /// One line about the first fault.
    pub fn check(&self) -> Result<(), Refusal> {
        for (case, next) in self.cases.iter().zip(self.cases.iter().skip(1)) {
            if case.id == next.id {
                return Err(Refusal::data(format!(
                    "two cases are called {}; ids are permanent: rename the newer one",
                    case.id
                )));
            }
        }
        for case in &self.cases {
            self.check_case(case)?;
        }
        Ok(())
    }

    fn check_case(&self, case: &Case) -> Result<(), Refusal> {
        let mut addresses = BTreeMap::new();
        for variant in (case.variants)() {
            if addresses.insert(case.address(&variant), ()).is_some() {
                return Err(Refusal::data(format!(
                    "case {} has the variant [{variant}] twice; give its parameters distinct values",
                    case.id
                )));
            }
        }
        if addresses.is_empty() {
            return Err(Refusal::data(format!(
                "case {} has no variant and would never run; give its parameters values",
                case.id
            )));
        }
        let unknown = |req: &&Req| self.registry.find(req.id()).is_none();
        match case.reqs.iter().find(unknown) {
            Some(req) => Err(Refusal::data(format!(
                "case {} asserts {req}, which no spec file holds; add it under conformance/spec",
                case.id
            ))),
            None => Ok(()),
        }
    }

    /// The subjects called `names`, in the order of the report; all of them if there are no names.
    ///
    /// # Errors
    ///
    /// If a name is unknown.
    pub fn subjects(&self, names: &[String]) -> Result<Vec<&'static dyn Subject>, Refusal> {
        let known: Vec<&str> = self.subjects.iter().map(|subject| subject.name()).collect();
        if let Some(name) = names.iter().find(|name| !known.contains(&name.as_str())) {
            let meant = glob::nearest(name, known.iter().copied())
                .map_or_else(String::new, |near| format!("did you mean {near}? "));
            return Err(Refusal::usage(format!(
                "no subject is called {name}; {meant}there are {}",
                known.join(", ")
            )));
        }
        let wanted =
            |subject: &&&dyn Subject| names.is_empty() || names.iter().any(|n| n == subject.name());
        Ok(self.subjects.iter().filter(wanted).copied().collect())
    }

    /// The baseline of `subject`, checked against the cases.
    ///
    /// # Errors
    ///
    /// If the file is broken.
    pub fn baseline(&self, subject: &dyn Subject) -> Result<Baseline, Refusal> {
        Baseline::load(subject.name(), self.baseline_dir.as_deref())
    }
}
