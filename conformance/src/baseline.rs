//! What is known to deviate: `conformance/baselines/<subject>.toml`.
//!
//! A baseline holds both ways. A result worse than it says is a regression, a result better than it
//! says makes the line stale, and so does a line that fits no case: all three end the run with an error.

use std::{collections::BTreeSet, fmt::Write as _, path::Path};

use reports::model::{CaseResult, Known, Verdict};
use serde::Deserialize;
use toml::Spanned;

use crate::{
    case::Case,
    exit::Refusal,
    glob,
    registry::source::{SpecError, line_at, toml_error},
};

/// The known deviations of one subject.
#[derive(Clone, Debug, Default)]
pub struct Baseline {
    /// The file, for errors.
    pub file: String,
    /// Its lines; the first that fits a result counts.
    pub entries: Vec<Entry>,
}

/// One known deviation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Pattern of case addresses.
    pub case: String,
    /// The verdict they are known to get.
    pub verdict: Verdict,
    /// Why.
    pub reason: String,
    /// The issue that follows it.
    pub issue: Option<String>,
    /// Version or date at which it was first seen.
    pub since: String,
    /// Line in the file, counted from 1.
    pub line: usize,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    #[serde(default)]
    known: Vec<RawEntry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawEntry {
    case: Spanned<String>,
    verdict: Spanned<Verdict>,
    reason: Spanned<String>,
    #[serde(default)]
    issue: Option<String>,
    since: String,
}

impl Baseline {
    /// Reads a baseline. `file` names it in errors.
    pub fn parse(file: &str, text: &str) -> Result<Self, SpecError> {
        let raw: Raw = toml::from_str(text).map_err(|error| toml_error(file, text, &error))?;
        let mut entries = Vec::new();
        for entry in raw.known {
            let line = line_at(text, entry.case.span().start);
            if entry.reason.as_ref().trim().is_empty() {
                return Err(SpecError {
                    file: file.to_owned(),
                    line: line_at(text, entry.reason.span().start),
                    problem: "a known deviation without a reason".to_owned(),
                    remedy: "say why it is as it is".to_owned(),
                });
            }
            if !is_deviation(*entry.verdict.as_ref()) {
                return Err(SpecError {
                    file: file.to_owned(),
                    line: line_at(text, entry.verdict.span().start),
                    problem: format!("`{}` is not a deviation", entry.verdict.as_ref()),
                    remedy: "name fail, inconclusive or flaky; anything better needs no entry"
                        .to_owned(),
                });
            }
            entries.push(Entry {
                case: entry.case.into_inner(),
                verdict: entry.verdict.into_inner(),
                reason: entry.reason.into_inner(),
                issue: entry.issue,
                since: entry.since,
                line,
            });
        }
        Ok(Self { file: file.to_owned(), entries })
    }

    /// The baseline of `subject`: from `dir` if given, else as this binary was built; empty if there is
    /// none.
    pub fn load(subject: &str, dir: Option<&Path>) -> Result<Self, Refusal> {
        let Some(dir) = dir else {
            let name = format!("conformance/baselines/{subject}.toml");
            let text = crate::BASELINE_FILES.iter().find(|(file, _)| *file == name);
            return text
                .map_or_else(|| Ok(Self::default()), |(file, text)| Self::parse(file, text))
                .map_err(Refusal::data);
        };
        let path = dir.join(format!("{subject}.toml"));
        match std::fs::read_to_string(&path) {
            Ok(text) => Self::parse(&path.display().to_string(), &text).map_err(Refusal::data),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && dir.is_dir() => {
                Ok(Self::default())
            }
            Err(error) => Err(Refusal::data(format!(
                "{}: cannot be read ({error}); name a directory of baselines",
                path.display()
            ))),
        }
    }

    /// What is known about the case at `address`.
    #[must_use]
    pub fn find(&self, case: &str, address: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| glob::selects(&entry.case, case, address))
    }

    /// Entries that fit none of `cases`, whether these were selected or not.
    #[must_use]
    pub fn unmatched(&self, cases: &[&Case]) -> Vec<&Entry> {
        let addresses: Vec<(&str, String)> = cases
            .iter()
            .flat_map(|case| (case.variants)().into_iter().map(|v| (case.id, case.address(&v))))
            .collect();
        self.entries
            .iter()
            .filter(|entry| {
                !addresses.iter().any(|(id, address)| glob::selects(&entry.case, id, address))
            })
            .collect()
    }

    /// Writes the baseline that `results` ask for: known entries that still hold or that the run did not
    /// look at are kept, new deviations get `reason`, all others go.
    ///
    /// # Errors
    ///
    /// If there are new deviations and no `reason`.
    pub fn update(
        &self,
        results: &[&CaseResult],
        reason: Option<&str>,
        since: &str,
    ) -> Result<String, Refusal> {
        let mut kept = BTreeSet::new();
        let mut new: Vec<(String, Verdict)> = Vec::new();
        for result in results.iter().filter(|result| is_deviation(result.verdict)) {
            let address = result.name();
            let known = self.entries.iter().position(|entry| {
                entry.verdict == result.verdict
                    && glob::selects(&entry.case, &result.case, &address)
            });
            match known {
                Some(index) => _ = kept.insert(index),
                None => new.push((address, result.verdict)),
            }
        }
        for (index, entry) in self.entries.iter().enumerate() {
            // What this run did not look at stays as it is.
            let touched =
                |result: &&&CaseResult| glob::selects(&entry.case, &result.case, &result.name());
            if results.iter().find(touched).is_none() {
                kept.insert(index);
            }
        }
        let mut text = String::from(
            "# Known deviations. `peerlab-conformance baseline update` rewrites this file.\n",
        );
        for (_, entry) in self.entries.iter().enumerate().filter(|(index, _)| kept.contains(index))
        {
            write_entry(&mut text, entry);
        }
        if let (Some((address, _)), None) = (new.first(), reason) {
            return Err(Refusal::usage(format!(
                "{} new deviation(s), the first is {address}; say why with --reason \"…\"",
                new.len()
            )));
        }
        for (case, verdict) in new {
            let reason = reason.unwrap_or_default().to_owned();
            let since = since.to_owned();
            write_entry(&mut text, &Entry { case, verdict, reason, issue: None, since, line: 0 });
        }
        Ok(text)
    }
}

fn write_entry(text: &mut String, entry: &Entry) {
    let quoted = |value: &str| toml::Value::String(value.to_owned()).to_string();
    let _ = write!(
        text,
        "\n[[known]]\ncase = {}\nverdict = \"{}\"\nreason = {}\n",
        quoted(&entry.case),
        entry.verdict,
        quoted(&entry.reason)
    );
    if let Some(issue) = &entry.issue {
        let _ = writeln!(text, "issue = {}", quoted(issue));
    }
    let _ = writeln!(text, "since = {}", quoted(&entry.since));
}

/// Whether a verdict needs an entry in the baseline to be accepted. `harness` is not here: no baseline
/// excuses a suite that went wrong.
#[must_use]
pub const fn is_deviation(verdict: Verdict) -> bool {
    matches!(verdict, Verdict::Fail | Verdict::Inconclusive | Verdict::Flaky)
}

/// How a result stands to the baseline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// As expected.
    Equal,
    /// Worse than expected.
    Regression,
    /// Better than expected, or deviating in another way.
    Stale,
    /// The suite went wrong.
    Harness,
}

/// Compares a verdict with what is known.
#[must_use]
pub fn compare(verdict: Verdict, known: Option<&Known>) -> Standing {
    match (verdict, known) {
        (Verdict::Harness, _) => Standing::Harness,
        (verdict, None) if is_deviation(verdict) => Standing::Regression,
        (_, None) => Standing::Equal,
        (verdict, Some(known)) if verdict == known.verdict => Standing::Equal,
        (verdict, Some(known)) if verdict.severity() > known.verdict.severity() => {
            Standing::Regression
        }
        (_, Some(_)) => Standing::Stale,
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    const GOOD: &str =
        "[[known]]\ncase = \"stun.a*\"\nverdict = \"fail\"\nreason = \"why\"\nsince = \"0.1.0\"\n";

    #[rstest]
    #[case::no_reason(
        "reason = \"why\"",
        "reason = \" \"",
        "b.toml:4: a known deviation without a reason; say why it is as it is"
    )]
    #[case::unknown_key(
        "since",
        "sinse",
        "b.toml:5: unknown key `sinse`, expected one of `case`, `verdict`, `reason`, `issue`, `since`; correct the spelling or remove the key"
    )]
    #[case::no_deviation(
        "\"fail\"",
        "\"pass\"",
        "b.toml:3: `pass` is not a deviation; name fail, inconclusive or flaky; anything better needs no entry"
    )]
    fn refuses_in_one_line(#[case] from: &str, #[case] to: &str, #[case] expected: &str) {
        let error = Baseline::parse("b.toml", &GOOD.replace(from, to)).unwrap_err();
        assert_eq!(error.to_string(), expected);
    }

    #[test]
    fn finds_by_glob() {
        let baseline = Baseline::parse("b.toml", GOOD).unwrap();
        assert_eq!(baseline.find("stun.abc", "stun.abc[x=1]").unwrap().line, 2);
        assert!(baseline.find("stun.b", "stun.b").is_none());
    }

    #[rstest]
    #[case::fine(Verdict::Pass, None, Standing::Equal)]
    #[case::deviating_is_fine(Verdict::Note, None, Standing::Equal)]
    #[case::newly_broken(Verdict::Fail, None, Standing::Regression)]
    #[case::known_broken(Verdict::Fail, Some(Verdict::Fail), Standing::Equal)]
    #[case::mended(Verdict::Pass, Some(Verdict::Fail), Standing::Stale)]
    #[case::got_worse(Verdict::Fail, Some(Verdict::Inconclusive), Standing::Regression)]
    #[case::no_excuse(Verdict::Harness, Some(Verdict::Fail), Standing::Harness)]
    fn compares_both_ways(
        #[case] verdict: Verdict,
        #[case] known: Option<Verdict>,
        #[case] expected: Standing,
    ) {
        let known = known.map(|verdict| Known { verdict, reason: String::new(), issue: None });
        assert_eq!(compare(verdict, known.as_ref()), expected);
    }
}
