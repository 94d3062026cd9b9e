//! The committed names and exceptions.

use std::{collections::BTreeMap, fs};

use regex::Regex;
use serde::Deserialize;

use crate::process;

/// The names of the tests that a WebRTC endpoint has a use for.
const SUBSET: &str = "conformance/bogo/subset.txt";
/// What the runner reads too: exceptions with reasons, names of errors.
pub(super) const CONFIG: &str = "conformance/bogo/config.json";

/// What is committed.
pub(super) struct Expectations {
    /// Names, in the order of the file.
    pub(super) subset: Vec<String>,
    exceptions: Vec<Exception>,
}

/// Tests that are not run, and why.
struct Exception {
    pattern: Regex,
    reason: String,
}

#[derive(Deserialize)]
struct Config {
    #[serde(rename = "DisabledTests", default)]
    disabled_tests: BTreeMap<String, String>,
}

impl Expectations {
    pub(super) fn read() -> Result<Self, String> {
        let read = |path: &str| {
            fs::read_to_string(process::root().join(path))
                .map_err(|error| format!("{path}: {error}"))
        };
        Self::parse(&read(SUBSET)?, &read(CONFIG)?)
    }

    pub(super) fn parse(subset: &str, config: &str) -> Result<Self, String> {
        let lines = subset.lines().map(str::trim);
        let subset: Vec<String> = lines
            .filter(|line| !line.is_empty() && !line.starts_with('#'))
            .map(str::to_owned)
            .collect();
        let config: Config =
            serde_json::from_str(config).map_err(|error| format!("{CONFIG}: {error}"))?;
        let exceptions = config.disabled_tests.into_iter().map(|(pattern, reason)| {
            if !reason.contains("RFC ") {
                return Err(format!("{CONFIG}: the reason of `{pattern}` names no RFC"));
            }
            let pattern = glob(&pattern).map_err(|_| format!("{CONFIG}: pattern `{pattern}`"))?;
            Ok(Exception { pattern, reason })
        });
        Ok(Self { subset, exceptions: exceptions.collect::<Result<_, _>>()? })
    }

    /// Why the test is an exception, if it is one.
    pub(super) fn reason(&self, name: &str) -> Option<&str> {
        let exception = self.exceptions.iter().find(|it| it.pattern.is_match(name))?;
        Some(&exception.reason)
    }

    /// Whether the test is in the subset.
    pub(super) fn in_subset(&self, name: &str) -> bool {
        self.subset.iter().any(|it| it == name)
    }
}

/// A pattern of the runner: `*` stands for any characters, `?` for one.
pub(super) fn glob(pattern: &str) -> Result<Regex, regex::Error> {
    let pattern = regex::escape(pattern).replace(r"\*", ".*").replace(r"\?", ".");
    Regex::new(&format!("^{pattern}$"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exception_needs_an_rfc() {
        let with = |reason: &str| {
            Expectations::parse("A\n", &format!(r#"{{"DisabledTests": {{"A*": "{reason}"}}}}"#))
        };
        let error = with("we do not like it").err();
        assert!(error.is_some_and(|it| it.contains("names no RFC")));
        let expectations = with("RFC 8827 §6.5").unwrap();
        assert_eq!(expectations.reason("Any"), Some("RFC 8827 §6.5"));
        assert_eq!(expectations.reason("Other"), None);
    }

    #[test]
    fn what_is_committed_holds_together() {
        let expectations = Expectations::read().unwrap();
        let mut names = expectations.subset.clone();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), 493, "no name twice, none lost");
    }
}
