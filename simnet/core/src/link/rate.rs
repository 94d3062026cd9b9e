//! How fast a link sends.

use std::time::Duration;

use base::Instant;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

mod airtime;
mod bearer;
mod bucket;
mod media;
mod pacer;
mod trace;

pub use airtime::Airtime;
pub use bearer::{Bearer, Fading};
pub(crate) use bucket::Bucket;
pub use bucket::TokenBucket;
pub(crate) use media::Media;
pub(crate) use pacer::{Pace, Pacer, serial};
pub use trace::{DeliveryTrace, TraceError};

use super::{
    brief::{self, Brief},
    timeline::{SHORTEST_PERIOD, TOO_SHORT, locate},
};
use crate::units;

/// The rate of a link over time.
///
/// In files: `"5Mbps"`, `"unlimited"`, or a table such as
/// `{ piecewise = { steps = [{ at = "0s", rate = "1Mbps" }, { at = "40s", rate = "2500kbps" }] } }`,
/// `{ token-bucket = { rate = "5Mbps", burst = "32KiB" } }`, `{ trace = "1\n3\n3\n8\n" }`,
/// `{ airtime = { medium = "wlan", rate = "52Mbps", per-packet = "100us" } }`,
/// `{ bearer = { cell = "cell-1-down", rate = "30Mbps" } }`.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Rate {
    /// Packets leave as soon as they come.
    #[default]
    Unlimited,
    /// Bits of IP packets per second, one packet at a time.
    Fixed(u64),
    /// A rate that changes at given times (RFC 8867 §5.1 has such tables).
    Piecewise(Box<Piecewise>),
    /// A shaper: packets leave when the bucket holds enough tokens for them.
    TokenBucket(Box<TokenBucket>),
    /// Moments at which up to 1,500 bytes may leave.
    Trace(DeliveryTrace),
    /// A share of a medium that several links use in turn. An approximation of a WLAN.
    Airtime(Box<Airtime>),
    /// A share of a cell whose scheduler is proportionally fair. An approximation of a cellular network.
    Bearer(Box<Bearer>),
}

/// The long forms.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Table {
    Piecewise(Box<Piecewise>),
    TokenBucket(Box<TokenBucket>),
    Trace(DeliveryTrace),
    Airtime(Box<Airtime>),
    Bearer(Box<Bearer>),
}

impl Rate {
    /// The rate that buffers are measured by: the highest of a table, the sustained one of a bucket, the
    /// mean one of a trace. `None` if there is no limit.
    #[must_use]
    pub fn nominal(&self) -> Option<u64> {
        match self {
            Self::Unlimited => None,
            Self::Fixed(rate) => Some(*rate),
            Self::Piecewise(table) => table.steps.iter().map(|step| step.rate).max(),
            Self::TokenBucket(bucket) => Some(bucket.rate),
            Self::Trace(trace) => Some(trace.mean_rate()),
            Self::Airtime(airtime) => Some(airtime.rate),
            Self::Bearer(bearer) => Some(bearer.rate),
        }
    }

    pub(super) fn complaint(&self) -> Option<&'static str> {
        match self {
            Self::Unlimited => None,
            Self::Fixed(rate) => {
                (*rate == 0).then_some("a rate is more than 0; leave it out for no limit")
            }
            Self::Piecewise(table) => table.complaint(),
            Self::TokenBucket(bucket) => bucket.complaint(),
            Self::Trace(_) => None,
            Self::Airtime(airtime) => airtime.complaint(),
            Self::Bearer(bearer) => bearer.complaint(),
        }
    }
}

impl Brief for Rate {
    type Long = Table;

    const ALLOWED: &'static str = "a rate is text such as \"5Mbps\" or \"unlimited\", or a table of \
                                   one of piecewise, token-bucket, trace, airtime, bearer";

    fn from_text(text: &str) -> Result<Self, String> {
        if text == "unlimited" {
            return Ok(Self::Unlimited);
        }
        units::parse_rate(text).map(Self::Fixed).map_err(|error| error.to_string())
    }

    fn from_long(long: Table) -> Self {
        match long {
            Table::Piecewise(table) => Self::Piecewise(table),
            Table::TokenBucket(bucket) => Self::TokenBucket(bucket),
            Table::Trace(trace) => Self::Trace(trace),
            Table::Airtime(airtime) => Self::Airtime(airtime),
            Table::Bearer(bearer) => Self::Bearer(bearer),
        }
    }
}

impl<'de> Deserialize<'de> for Rate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        brief::read(deserializer)
    }
}

impl Serialize for Rate {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let table = match self.clone() {
            Self::Unlimited => return to.serialize_str("unlimited"),
            Self::Fixed(rate) => return to.serialize_str(&units::print_rate(rate)),
            Self::Piecewise(table) => Table::Piecewise(table),
            Self::TokenBucket(bucket) => Table::TokenBucket(bucket),
            Self::Trace(trace) => Table::Trace(trace),
            Self::Airtime(airtime) => Table::Airtime(airtime),
            Self::Bearer(bearer) => Table::Bearer(bearer),
        };
        table.serialize(to)
    }
}

/// Rates and the times at which they begin.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Piecewise {
    /// In the order of time, the first at zero.
    pub steps: Vec<RateStep>,
    /// After this time the table begins again; never if absent.
    #[serde(default, with = "units::option_duration", skip_serializing_if = "Option::is_none")]
    pub repeat: Option<Duration>,
}

/// A rate from a certain time on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct RateStep {
    /// Time since the beginning of the run, or of the repetition.
    #[serde(with = "units::duration")]
    pub at: Duration,
    /// Bits per second; 0 pauses.
    #[serde(with = "units::rate")]
    pub rate: u64,
}

impl Piecewise {
    /// A table of (time in the run, bits per second) that holds its last rate for ever.
    #[must_use]
    pub fn new(steps: impl IntoIterator<Item = (Duration, u64)>) -> Self {
        let steps = steps.into_iter().map(|(at, rate)| RateStep { at, rate }).collect();
        Self { steps, repeat: None }
    }

    /// The rate at `now` and when it ends.
    fn at(&self, now: Instant) -> (u64, Instant) {
        let (line, until) = locate(self.steps.iter().map(|step| step.at), self.repeat, now);
        (self.steps.get(line).map_or(0, |step| step.rate), until)
    }

    /// When `bits` that begin at `start` have left, rounded up to whole nanoseconds.
    pub(super) fn finish(&self, start: Instant, bits: u64) -> Instant {
        // A billion to the bit, so that rate times nanoseconds is exact.
        let mut left = u128::from(bits) * 1_000_000_000;
        let mut now = start;
        while now < Instant::MAX {
            let (rate, until) = self.at(now);
            let carried = u128::from(rate) * (until - now).as_nanos();
            if carried >= left && rate > 0 {
                let took = left.div_ceil(u128::from(rate));
                return now + Duration::from_nanos(u64::try_from(took).unwrap_or(u64::MAX));
            }
            left -= carried;
            now = until;
        }
        now
    }

    fn complaint(&self) -> Option<&'static str> {
        if self.steps.first().is_none_or(|step| !step.at.is_zero()) {
            return Some("a table of rates begins at 0");
        }
        if !self.steps.is_sorted_by(|one, two| one.at < two.at) {
            return Some("a table of rates is in the order of time");
        }
        match self.repeat {
            Some(period) if self.steps.last().is_some_and(|step| step.at >= period) => {
                Some("a table of rates repeats after its last line")
            }
            Some(period) if period < SHORTEST_PERIOD => Some(TOO_SHORT),
            Some(_) if self.steps.iter().all(|step| step.rate == 0) => {
                Some("a table of rates has one that is more than 0")
            }
            None if self.steps.last().is_some_and(|step| step.rate == 0) => {
                Some("a table of rates that does not repeat ends with one that is more than 0")
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(millis: u64) -> Instant {
        Instant::from_nanos(millis * 1_000_000)
    }

    #[test]
    fn a_packet_may_see_several_rates_and_a_pause() {
        let steps = [(0, 1_000_000), (40, 0), (60, 500_000), (70, 2_000_000)];
        let table = Piecewise::new(steps.map(|(at, rate)| (Duration::from_millis(at), rate)));
        assert_eq!(table.finish(at(0), 8_000), at(8));
        // 2 kbit before the pause, 5 kbit in the 10 ms after it, 1 kbit at the last rate.
        assert_eq!(table.finish(at(38), 8_000), Instant::from_nanos(70_500_000));
        assert_eq!(table.finish(at(45), 0), at(60));
    }

    #[test]
    fn a_table_may_begin_again() {
        let steps = [(0, 1_000_000), (10, 0)];
        let mut table = Piecewise::new(steps.map(|(at, rate)| (Duration::from_millis(at), rate)));
        assert!(table.complaint().is_some(), "it would stop for ever");
        table.repeat = Some(Duration::from_millis(20));
        assert_eq!(table.complaint(), None);
        assert_eq!(table.finish(at(0), 25_000), at(45));
        assert_eq!(table.finish(at(1_005), 8_000), at(1_023));
    }

    #[test]
    fn impossible_tables_are_refused() {
        let table = |steps: &[(u64, u64)]| {
            let steps = steps.iter().map(|&(at, rate)| (Duration::from_secs(at), rate));
            Piecewise::new(steps).complaint()
        };
        assert_eq!(table(&[]), Some("a table of rates begins at 0"));
        assert_eq!(table(&[(1, 5)]), Some("a table of rates begins at 0"));
        let order = Some("a table of rates is in the order of time");
        assert_eq!(table(&[(0, 5), (2, 5), (2, 6)]), order);
        assert_eq!(table(&[(0, 5), (2, 6)]), None);
    }
}
