//! Delays that come and go, and packets that take another way.

use std::time::Duration;

use base::Instant;
use serde::{Deserialize, Serialize};

use super::timeline::{SHORTEST_PERIOD, TOO_SHORT, locate, nanos};
use crate::{random::Stream, units};

/// Times in which packets take longer.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Spikes {
    /// At the same places of every period.
    Periodic {
        /// The period.
        #[serde(with = "units::duration")]
        every: Duration,
        /// Where in it, in order, not overlapping.
        peaks: Vec<Peak>,
    },
    /// Now and then.
    Random {
        /// Mean time from the end of one to the beginning of the next, exponentially distributed.
        #[serde(with = "units::duration")]
        every: Duration,
        /// How long each lasts.
        #[serde(with = "units::duration")]
        length: Duration,
        /// How much longer packets take.
        #[serde(with = "units::duration")]
        extra: Duration,
    },
}

/// A time in which packets take longer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Peak {
    /// When it begins, since the beginning of the period.
    #[serde(with = "units::duration")]
    pub at: Duration,
    /// How long it lasts.
    #[serde(with = "units::duration")]
    pub length: Duration,
    /// How much longer packets take.
    #[serde(with = "units::duration")]
    pub extra: Duration,
}

/// Recorded delays: what a packet takes besides [`Link::delay`](super::Link::delay) when it leaves.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct DelayTrace {
    /// In the order of time, the first at zero.
    pub steps: Vec<DelayStep>,
    /// After this time the table begins again; never if absent.
    #[serde(default, with = "units::option_duration", skip_serializing_if = "Option::is_none")]
    pub repeat: Option<Duration>,
}

/// A delay from a certain time on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct DelayStep {
    /// Time since the beginning of the run, or of the repetition.
    #[serde(with = "units::duration")]
    pub at: Duration,
    /// How much longer packets take.
    #[serde(with = "units::duration")]
    pub extra: Duration,
}

/// Some packets are late and others overtake them.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Reorder {
    /// Probability that a packet is late.
    #[serde(with = "units::fraction")]
    pub p: f64,
    /// How late.
    #[serde(with = "units::duration")]
    pub by: Duration,
}

/// Some packets change places with the one behind them.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Swap {
    /// Probability that a packet waits for the next one to pass.
    #[serde(with = "units::fraction")]
    pub p: f64,
    /// How long it waits at most.
    #[serde(with = "units::duration")]
    pub wait: Duration,
}

/// A second path that some packets take.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Multipath {
    /// The share of packets on the second path.
    #[serde(with = "units::fraction")]
    pub ratio: f64,
    /// How much longer it is.
    #[serde(with = "units::duration")]
    pub delta: Duration,
}

impl Spikes {
    pub(super) fn complaint(&self) -> Option<&'static str> {
        match self {
            Self::Periodic { every, peaks } => {
                let ordered = peaks.is_sorted_by(|one, two| one.at + one.length <= two.at);
                let inside = peaks.iter().all(|peak| peak.at + peak.length <= *every);
                (every.is_zero() || !ordered || !inside)
                    .then_some("peaks lie within their period, in order")
            }
            Self::Random { every, .. } => (*every < SHORTEST_PERIOD).then_some(TOO_SHORT),
        }
    }
}

impl DelayTrace {
    /// A table of (time in the run, extra delay) that holds its last delay for ever.
    #[must_use]
    pub fn new(steps: impl IntoIterator<Item = (Duration, Duration)>) -> Self {
        let steps = steps.into_iter().map(|(at, extra)| DelayStep { at, extra }).collect();
        Self { steps, repeat: None }
    }

    pub(super) fn extra(&self, now: Instant) -> Duration {
        let (line, _) = locate(self.steps.iter().map(|step| step.at), self.repeat, now);
        self.steps.get(line).map_or(Duration::ZERO, |step| step.extra)
    }

    pub(super) fn complaint(&self) -> Option<&'static str> {
        let begins = self.steps.first().is_some_and(|step| step.at.is_zero());
        let ordered = self.steps.is_sorted_by(|one, two| one.at < two.at);
        let last = self.steps.last().map_or(Duration::ZERO, |step| step.at);
        let fits = self.repeat.is_none_or(|period| last < period);
        (!begins || !ordered || !fits)
            .then_some("a table of delays begins at 0, in order, and repeats after its last line")
    }
}

/// Random spikes at work: the latest one.
#[derive(Debug)]
pub(super) struct SpikeClock {
    dice: Stream,
    from: Instant,
    to: Instant,
}

impl SpikeClock {
    pub(super) const fn new(dice: Stream) -> Self {
        Self { dice, from: Instant::ZERO, to: Instant::ZERO }
    }

    /// How much longer a packet takes that leaves at `now`.
    pub(super) fn extra(&mut self, spikes: &Spikes, now: Instant) -> Duration {
        match spikes {
            Spikes::Periodic { every, peaks } => {
                let within = Duration::from_nanos(now.as_nanos() % nanos(*every).max(1));
                let inside = |peak: &&Peak| (peak.at..peak.at + peak.length).contains(&within);
                peaks.iter().find(inside).map_or(Duration::ZERO, |peak| peak.extra)
            }
            Spikes::Random { every, length, extra } => {
                while self.to <= now {
                    let pause = self.dice.exponential() * every.as_secs_f64();
                    let pause = Duration::try_from_secs_f64(pause).unwrap_or(Duration::MAX);
                    self.from = self.to + pause.max(Duration::from_nanos(1));
                    self.to = self.from + *length;
                }
                if now >= self.from { *extra } else { Duration::ZERO }
            }
        }
    }
}
