//! Records of single results, and playing them again.

use std::path::Path;

use reports::model::{CaseResult, Seed, Verdict};
use serde::{Deserialize, Serialize};

use crate::exit::Refusal;

/// The version of the record.
const SCHEMA: u32 = 1;

/// What `replay.json` holds: which result it was, and what its repetition must be equal to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recorded {
    /// The version of the record.
    pub schema: u32,
    /// The version of the suite.
    pub suite: String,
    /// The case and variant.
    pub case: String,
    /// The subject.
    pub subject: String,
    /// The seed of the run, not of the case.
    pub seed: Seed,
    /// The verdict it got.
    pub verdict: Verdict,
    /// The hash of its trace.
    pub trace: String,
}

impl Recorded {
    /// The record of `result`, got with the run seed `seed`.
    #[must_use]
    pub fn of(result: &CaseResult, seed: u64) -> Self {
        Self {
            schema: SCHEMA,
            suite: env!("CARGO_PKG_VERSION").to_owned(),
            case: result.name(),
            subject: result.subject.clone(),
            seed: Seed(seed),
            verdict: result.verdict,
            trace: result.trace.clone(),
        }
    }

    /// The record as text.
    #[must_use]
    pub fn to_json(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).unwrap_or_default();
        text.push('\n');
        text
    }

    /// Reads a record.
    ///
    /// # Errors
    ///
    /// One line that names the file, the line and the remedy.
    pub fn load(path: &Path) -> Result<Self, Refusal> {
        let text = std::fs::read_to_string(path).map_err(|error| {
            Refusal::data(format!(
                "{}: cannot be read ({error}); name a replay.json that a run has written",
                path.display()
            ))
        })?;
        Self::parse(&path.display().to_string(), &text)
    }

    /// Reads a record from its text; `file` names it in errors.
    ///
    /// # Errors
    ///
    /// One line that names the file, the line and the remedy.
    pub fn parse(file: &str, text: &str) -> Result<Self, Refusal> {
        let recorded: Self = serde_json::from_str(text).map_err(|error| {
            let what = error.to_string();
            let what = what.split(" at line ").next().unwrap_or_default();
            Refusal::data(format!(
                "{file}:{}: not a replay record: {what}; run the case again to write a new one",
                error.line().max(1)
            ))
        })?;
        if recorded.schema == SCHEMA {
            return Ok(recorded);
        }
        let line = 1 + text.lines().position(|line| line.contains("\"schema\"")).unwrap_or(0);
        Err(Refusal::data(format!(
            "{file}:{line}: replay record of version {}, this build reads {SCHEMA}; run the case again to write a new one",
            recorded.schema
        )))
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    const GOOD: &str = r#"{
  "schema": 1,
  "suite": "0.1.0",
  "case": "stun.a[x=1]",
  "subject": "ours",
  "seed": "0x0000000000000007",
  "verdict": "fail",
  "trace": "abc"
}
"#;

    #[test]
    fn round_trips() {
        assert_eq!(Recorded::parse("r.json", GOOD).unwrap().to_json(), GOOD);
    }

    #[rstest]
    #[case::truncated(
        "\"verdict\": \"fail\",",
        "",
        "r.json:9: not a replay record: missing field `verdict`; run the case again to write a new one"
    )]
    #[case::garbage(
        "\"ours\"",
        "ours",
        "r.json:5: not a replay record: expected value; run the case again to write a new one"
    )]
    #[case::seed(
        "0x0000000000000007",
        "7",
        "r.json:6: not a replay record: seed `7` is not `0x` and hexadecimal digits; run the case again to write a new one"
    )]
    #[case::version(
        "\"schema\": 1",
        "\"schema\": 9",
        "r.json:2: replay record of version 9, this build reads 1; run the case again to write a new one"
    )]
    fn refuses_in_one_line(#[case] from: &str, #[case] to: &str, #[case] expected: &str) {
        let refusal = Recorded::parse("r.json", &GOOD.replace(from, to)).unwrap_err();
        assert_eq!(refusal.to_string(), expected);
    }
}
