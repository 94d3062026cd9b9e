//! What the runner wrote, held against what is committed.

use std::collections::BTreeMap;

use comfy_table::{CellAlignment, Table, presets};
use owo_colors::OwoColorize as _;

use super::{
    Selection,
    expectations::Expectations,
    runner::{Outcome, Verdict},
    theme,
};

/// The verdict of a whole run.
pub(super) struct Judged {
    themes: BTreeMap<&'static str, Counts>,
    total: Counts,
    /// Tests of the subset that should pass and do not, and failures of any other test.
    regressions: Vec<(String, String)>,
    /// Exceptions that pass.
    stale: Vec<String>,
    /// Exceptions, by their reason.
    exceptions: BTreeMap<String, Vec<String>>,
    /// Tests of DTLS that were started; only of interest with `--all`.
    started: Option<usize>,
    /// What the shim did not know, and where it went wrong, with the number of tests.
    unknown: Vec<(String, usize)>,
    broken: Vec<(String, usize)>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Counts {
    passed: usize,
    failed: usize,
    unimplemented: usize,
    excepted: usize,
}

impl Counts {
    fn add(&mut self, verdict: Option<Verdict>) {
        let counter = match verdict {
            Some(Verdict::Passed) => &mut self.passed,
            Some(Verdict::Failed) => &mut self.failed,
            Some(Verdict::Unimplemented) => &mut self.unimplemented,
            None => &mut self.excepted,
        };
        *counter = counter.saturating_add(1);
    }

    const fn total(self) -> usize {
        self.passed
            .saturating_add(self.failed)
            .saturating_add(self.unimplemented)
            .saturating_add(self.excepted)
    }
}

/// Holds a run against the committed names and exceptions.
pub(super) fn judge(
    outcome: &Outcome,
    expectations: &Expectations,
    selection: &Selection,
) -> Judged {
    let mut judged = Judged {
        themes: BTreeMap::new(),
        total: Counts::default(),
        regressions: Vec::new(),
        stale: Vec::new(),
        exceptions: BTreeMap::new(),
        started: selection.all.then_some(outcome.shim.started),
        unknown: by_count(&outcome.shim.unknown),
        broken: by_count(&outcome.shim.broken),
    };
    for (name, &verdict) in &outcome.verdicts {
        // Most of what the runner has is about streams, which nobody here implements.
        if selection.all && verdict == Verdict::Unimplemented && !expectations.in_subset(name) {
            continue;
        }
        judged.count(name, Some(verdict));
        let excepted = expectations.reason(name).is_some();
        match verdict {
            Verdict::Passed if excepted => judged.stale.push(name.clone()),
            Verdict::Failed | Verdict::Unimplemented if !excepted => {
                let said = outcome.failures.get(name).map_or("unimplemented", String::as_str);
                judged.regressions.push((name.clone(), said.to_owned()));
            }
            Verdict::Passed | Verdict::Failed | Verdict::Unimplemented => {}
        }
    }
    for name in expectations.subset.iter().filter(|name| selection.takes(name)) {
        if let Some(reason) = expectations.reason(name) {
            judged.exceptions.entry(reason.to_owned()).or_default().push(name.clone());
            if !outcome.verdicts.contains_key(name) {
                judged.count(name, None);
            }
        } else if !outcome.verdicts.contains_key(name) {
            judged.regressions.push((name.clone(), "the runner has no such test".to_owned()));
        }
    }
    judged
}

/// The most frequent first.
fn by_count(counts: &BTreeMap<String, usize>) -> Vec<(String, usize)> {
    let mut counts: Vec<_> = counts.iter().map(|(what, &count)| (what.clone(), count)).collect();
    counts.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    counts
}

impl Judged {
    fn count(&mut self, name: &str, verdict: Option<Verdict>) {
        self.total.add(verdict);
        self.themes.entry(theme::of(name)).or_default().add(verdict);
    }

    /// 0 as committed, 1 worse, 2 better.
    pub(super) const fn exit_code(&self) -> u8 {
        if !self.regressions.is_empty() {
            1
        } else if !self.stale.is_empty() {
            2
        } else {
            0
        }
    }

    pub(super) fn print(&self) {
        for (name, said) in &self.regressions {
            anstream::println!("\n{} {name}", "FAILED".red());
            said.lines().for_each(|line| anstream::println!("    {line}"));
        }
        anstream::println!("\n{}", self.table().trim_fmt());
        for (reason, names) in &self.exceptions {
            anstream::println!("\n{} of them: {reason}", names.len());
            names.iter().for_each(|name| anstream::println!("    {name}"));
        }
        for name in &self.stale {
            anstream::println!("\n{} {name}: strike it from the exceptions", "PASSES".yellow());
        }
        for (why, count) in &self.broken {
            anstream::println!("\n{} in {count} tests: {why}", "the shim went wrong".red());
        }
        if let Some(started) = self.started {
            let refused: usize = self.unknown.iter().map(|(_, count)| count).sum();
            anstream::println!(
                "\nof {started} tests of DTLS {refused} ask for what the shim does not have:"
            );
            self.unknown.iter().for_each(|(flag, count)| anstream::println!("{count:8} {flag}"));
        }
    }

    fn table(&self) -> Table {
        let mut table = Table::new();
        table.load_style(presets::NOTHING).set_header([
            "theme",
            "passed",
            "failed",
            "unimplemented",
            "excepted",
            "of",
        ]);
        let rows = self.themes.iter().map(|(theme, counts)| (*theme, *counts));
        for (theme, counts) in rows.chain([("all", self.total)]) {
            table.add_row([
                theme.to_owned(),
                counts.passed.to_string(),
                counts.failed.to_string(),
                counts.unimplemented.to_string(),
                counts.excepted.to_string(),
                counts.total().to_string(),
            ]);
        }
        for column in table.column_iter_mut().skip(1) {
            column.set_cell_alignment(CellAlignment::Right);
        }
        table
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(verdicts: &[(&str, Verdict)]) -> Outcome {
        let verdicts = verdicts.iter().map(|&(name, verdict)| (name.to_owned(), verdict)).collect();
        Outcome { verdicts, ..Outcome::default() }
    }

    fn expectations() -> Expectations {
        let config = r#"{"DisabledTests": {"PSK-*": "RFC 8827 §6.5"}}"#;
        Expectations::parse("MTU-DTLS13\nPSK-Client\n", config).unwrap()
    }

    fn judged(verdicts: &[(&str, Verdict)], all: bool) -> Judged {
        judge(&outcome(verdicts), &expectations(), &Selection { filter: Vec::new(), all })
    }

    #[test]
    fn an_exception_that_is_not_run_counts_as_one() {
        let judged = judged(&[("MTU-DTLS13", Verdict::Passed)], false);
        assert_eq!(judged.total, Counts { passed: 1, excepted: 1, ..Counts::default() });
        assert_eq!(judged.exit_code(), 0);
    }

    #[rstest::rstest]
    #[case::fails(&[("MTU-DTLS13", Verdict::Failed)], 1)]
    #[case::unimplemented(&[("MTU-DTLS13", Verdict::Unimplemented)], 1)]
    #[case::gone(&[], 1)]
    #[case::exception_passes(&[("MTU-DTLS13", Verdict::Passed), ("PSK-Client", Verdict::Passed)], 2)]
    fn the_exit_code_says_worse_or_better(#[case] verdicts: &[(&str, Verdict)], #[case] code: u8) {
        assert_eq!(judged(verdicts, false).exit_code(), code);
    }

    #[test]
    fn of_all_tests_the_unimplemented_are_no_failures() {
        let verdicts = [
            ("MTU-DTLS13", Verdict::Passed),
            ("Basic-Client-TLS", Verdict::Unimplemented),
            ("Beyond-DTLS", Verdict::Passed),
        ];
        assert_eq!(judged(&verdicts, true).exit_code(), 0);
        let verdicts = [("MTU-DTLS13", Verdict::Passed), ("Beyond-DTLS", Verdict::Failed)];
        assert_eq!(judged(&verdicts, true).exit_code(), 1);
    }
}
