//! Whether expectations held.

mod figures;

use std::{collections::BTreeMap, fmt, str::FromStr, time::Duration};

use simnet::{DropReason, Tally, units};

use super::{Figure, Report, Verdict};
use crate::scenario::{Expect, Scenario};

/// A bound on a count, such as `>0`, `<=3`, `5`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bound {
    /// Exactly this many.
    Exactly(u64),
    /// More than this many.
    MoreThan(u64),
    /// Fewer than this many.
    FewerThan(u64),
    /// This many or more.
    AtLeast(u64),
    /// This many or fewer.
    AtMost(u64),
}

impl Bound {
    /// Whether a count is within it.
    #[must_use]
    pub const fn admits(self, count: u64) -> bool {
        match self {
            Self::Exactly(bound) => count == bound,
            Self::MoreThan(bound) => count > bound,
            Self::FewerThan(bound) => count < bound,
            Self::AtLeast(bound) => count >= bound,
            Self::AtMost(bound) => count <= bound,
        }
    }
}

impl FromStr for Bound {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let digits = text.trim_start_matches(['<', '>', '=']);
        let sign = text.get(..text.len() - digits.len()).unwrap_or_default();
        let number = digits.trim().parse().ok();
        let bound = number.and_then(|number| match sign {
            "" | "=" | "==" => Some(Self::Exactly(number)),
            ">" => Some(Self::MoreThan(number)),
            "<" => Some(Self::FewerThan(number)),
            ">=" => Some(Self::AtLeast(number)),
            "<=" => Some(Self::AtMost(number)),
            _ => None,
        });
        bound.ok_or_else(|| format!("`{text}` is not a bound such as \">0\", \"<=3\" or \"5\""))
    }
}

impl fmt::Display for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exactly(bound) => write!(f, "{bound}"),
            Self::MoreThan(bound) => write!(f, ">{bound}"),
            Self::FewerThan(bound) => write!(f, "<{bound}"),
            Self::AtLeast(bound) => write!(f, ">={bound}"),
            Self::AtMost(bound) => write!(f, "<={bound}"),
        }
    }
}

pub(super) fn judge(
    scenario: &Scenario,
    reports: &BTreeMap<String, Report>,
    tally: &Tally,
) -> Vec<Verdict> {
    let mut verdicts = Vec::new();
    for expect in &scenario.expects {
        let about = |name: &&String| expect.host.as_ref().is_none_or(|host| host == *name);
        let order = scenario.hosts.iter().map(|host| &host.name).filter(about);
        let reports = order.filter_map(|name| Some((name.as_str(), reports.get(name)?)));
        let mut judge = Judge { expect, reports: reports.collect(), tally, verdicts: Vec::new() };
        judge.peers();
        judge.discoveries();
        judge.flows();
        judge.figures();
        judge.drops();
        verdicts.append(&mut judge.verdicts);
    }
    verdicts
}

struct Judge<'a> {
    expect: &'a Expect,
    /// In the order of the scenario.
    reports: Vec<(&'a str, &'a Report)>,
    tally: &'a Tally,
    verdicts: Vec<Verdict>,
}

impl Judge<'_> {
    fn verdict(&mut self, name: &str, held: bool, wanted: String, got: String) {
        let name = match &self.expect.host {
            Some(host) => format!("{host}: {name}"),
            None => name.to_owned(),
        };
        self.verdicts.push(Verdict { name, held, wanted, got });
    }

    /// What `of` says of every report that has it, and in words.
    fn each<T>(
        &self,
        of: impl Fn(&Report) -> Option<T>,
        show: impl Fn(&T) -> String,
    ) -> (Vec<T>, String) {
        let mut words = Vec::new();
        let mut all = Vec::new();
        for (name, report) in &self.reports {
            if let Some(it) = of(report) {
                words.push(format!("{name} {}", show(&it)));
                all.push(it);
            }
        }
        (all, if words.is_empty() { "nobody to ask".to_owned() } else { words.join(", ") })
    }

    fn peers(&mut self) {
        let after =
            |report: &Report| report.truth("connected").map(|_| report.time("connected-after"));
        let show = |after: &Option<Duration>| match after {
            Some(after) => format!("after {}", units::print_duration(*after)),
            None => "never".to_owned(),
        };
        let (connected, words) = self.each(after, show);
        if let Some(limit) = self.expect.connected_within {
            let within = |after: &Option<Duration>| after.is_some_and(|after| after <= limit);
            let held = !connected.is_empty() && connected.iter().all(within);
            let wanted = format!("connected within {}", units::print_duration(limit));
            self.verdict("connected-within", held, wanted, words.clone());
        }
        if let Some(never) = self.expect.not_connected {
            let none = connected.iter().all(Option::is_none);
            let held = !connected.is_empty() && none == never;
            let wanted = if never { "no connection" } else { "a connection" };
            self.verdict("not-connected", held, wanted.to_owned(), words);
        }
        if let Some(still) = self.expect.still_connected {
            let (connected, words) = self.each(
                |report| report.truth("connected"),
                |connected| if *connected { "is" } else { "is not" }.to_owned(),
            );
            let held = !connected.is_empty() && connected.iter().all(|it| *it == still);
            let wanted = if still { "connected at the end" } else { "not connected at the end" };
            self.verdict("still-connected", held, wanted.to_owned(), words);
        }
        self.candidates();
    }

    fn candidates(&mut self) {
        let selected = |report: &Report| {
            let local = report.text("selected-local")?.to_owned();
            Some((local, report.text("selected-remote")?.to_owned()))
        };
        let (all, words) = self.each(selected, |(local, remote)| format!("{local} – {remote}"));
        if let Some((local, remote)) = &self.expect.selected {
            let held = all.first().is_some_and(|(l, r)| l == local && r == remote);
            self.verdict("selected", held, format!("{local} – {remote}"), words.clone());
        }
        if !self.expect.never.is_empty() {
            let hit = |kind: &String| all.iter().any(|(l, r)| l == kind || r == kind);
            let held = !self.expect.never.iter().any(hit);
            self.verdict("never", held, format!("no {}", self.expect.never.join(", ")), words);
        }
    }

    fn discoveries(&mut self) {
        let wanted = [
            ("mapping", self.expect.mapping.clone()),
            ("filtering", self.expect.filtering.clone()),
        ];
        for (name, wanted) in wanted {
            let Some(wanted) = wanted else { continue };
            let (found, words) = self.each(|it| it.text(name).map(str::to_owned), Clone::clone);
            let held = !found.is_empty() && found.iter().all(|it| *it == wanted);
            self.verdict(name, held, wanted, words);
        }
    }

    fn flows(&mut self) {
        let sum = |name: &str| {
            let counts = self.reports.iter().filter_map(|(_, report)| report.count(name));
            counts.reduce(|one, other| one + other)
        };
        let (sent, received, goodput) = (sum("sent"), sum("received"), sum("goodput"));
        let or_nothing =
            |count: Option<u64>| count.map_or_else(|| "nothing".to_owned(), |it| it.to_string());
        if let Some(least) = self.expect.delivered_at_least {
            let held = received.is_some_and(|received| received >= least);
            let got = or_nothing(received);
            self.verdict("delivered-at-least", held, format!("{least} datagrams"), got);
        }
        if let Some(most) = self.expect.loss_at_most {
            let (sent, received) = (sent.unwrap_or(0), received.unwrap_or(0));
            let lost = sent.saturating_sub(received);
            let share = share(lost, sent);
            let got = format!("{} ({lost} of {sent})", print_fraction(share));
            let wanted = format!("{} lost at most", print_fraction(most));
            self.verdict("loss-at-most", sent > 0 && share <= most, wanted, got);
        }
        if let Some(limit) = self.expect.delay_p95_at_most {
            let (delays, words) = self
                .each(|report| report.time("delay-p95"), |delay| Figure::Time(*delay).to_string());
            let held = !delays.is_empty() && delays.iter().all(|delay| *delay <= limit);
            let wanted = format!("{} at most", units::print_duration(limit));
            self.verdict("delay-p95-at-most", held, wanted, words);
        }
        if let Some(least) = self.expect.goodput_at_least {
            let held = goodput.is_some_and(|goodput| goodput >= least);
            let got = goodput.map_or_else(|| "nothing".to_owned(), units::print_rate);
            self.verdict("goodput-at-least", held, units::print_rate(least), got);
        }
    }

    fn figures(&mut self) {
        for (name, wanted) in &self.expect.figures.clone() {
            let (host, key) = name.split_once('.').unwrap_or((name, ""));
            let report = self.reports.iter().find(|(it, _)| *it == host).map(|(_, it)| *it);
            let figure = report.and_then(|report| report.figures.get(key));
            let held = figure.is_some_and(|figure| figures::is(figure, wanted));
            let got = figure.map_or_else(|| "no such figure".to_owned(), ToString::to_string);
            self.verdict(name, held, wanted.clone(), got);
        }
    }

    fn drops(&mut self) {
        for (reason, bound) in &self.expect.drops.clone() {
            let known = DropReason::ALL.iter().find(|known| known.name() == reason);
            let count = known.map_or(0, |known| self.tally.dropped(*known));
            let held = bound.parse::<Bound>().is_ok_and(|bound| bound.admits(count));
            self.verdict(&format!("drops {reason}"), held, bound.clone(), count.to_string());
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "shares are for people")]
fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

fn print_fraction(share: f64) -> String {
    format!("{:.2}%", share * 100.0)
}
