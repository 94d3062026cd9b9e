//! Progress on standard error: a bar on a terminal, lines elsewhere.

use std::io::IsTerminal as _;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use reports::model::Verdict;

/// Lines that a run without a terminal prints at most, beside its failures.
const LINES: usize = 10;

/// Shows how far a run is.
#[derive(Debug)]
pub struct Progress {
    bar: Option<ProgressBar>,
    quiet: bool,
    total: usize,
    done: usize,
    deviating: usize,
}

impl Progress {
    /// Progress over `total` jobs; says nothing at all if `quiet`.
    #[must_use]
    pub fn new(total: usize, quiet: bool) -> Self {
        let bar = (!quiet && std::io::stderr().is_terminal()).then(|| {
            let bar = ProgressBar::with_draw_target(
                Some(u64::try_from(total).unwrap_or(u64::MAX)),
                ProgressDrawTarget::stderr(),
            );
            let style = ProgressStyle::with_template("{bar:30} {pos}/{len} {elapsed} {msg}");
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
            bar
        });
        Self { bar, quiet, total, done: 0, deviating: 0 }
    }

    /// One more job is done.
    pub fn done(&mut self, name: &str, verdict: Verdict) {
        self.done += 1;
        let deviates = verdict.severity() > Verdict::Missing.severity();
        self.deviating += usize::from(deviates);
        if let Some(bar) = &self.bar {
            if deviates {
                bar.println(format!("{verdict:12} {name}"));
            }
            bar.set_message(name.to_owned());
            bar.inc(1);
        } else if !self.quiet && self.is_milestone() {
            let (done, total, deviating) = (self.done, self.total, self.deviating);
            anstream::eprintln!("{done}/{total} cases run, {deviating} deviating");
        }
    }

    /// Takes the bar away.
    pub fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }

    /// Whether this job is one of the few that get a line.
    fn is_milestone(&self) -> bool {
        let tenth = |done: usize| done * LINES / self.total.max(1);
        tenth(self.done) != tenth(self.done - 1)
    }
}
