//! Round-trip time and retransmission timeout: RFC 9260 §6.3.

use std::time::Duration;

use base::Instant;

/// The smallest round-trip time is that of this long: a route may change for the longer.
const MIN_HOLDS: Duration = Duration::from_mins(5);
/// No measurement above this is believed; it is what RFC 9260 lets no timeout exceed by much, and it keeps
/// every sum far from its end.
const LONGEST: Duration = Duration::from_mins(10);
/// The clock's granularity, `G` of RFC 9260 §6.3.1.
const GRANULARITY: Duration = Duration::from_micros(1);

/// Bounds of the retransmission timeout: RFC 9260 §16.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RttConfig {
    /// Before anything was measured.
    pub(crate) initial: Duration,
    /// Never shorter.
    pub(crate) min: Duration,
    /// Never longer.
    pub(crate) max: Duration,
}

/// What is known about the round trip.
#[derive(Clone, Debug)]
pub(crate) struct Rtt {
    config: RttConfig,
    latest: Option<Duration>,
    smoothed: Option<Duration>,
    variance: Duration,
    smoothed_at: Instant,
    min: Minimum,
    /// Doublings of the timeout since the last measurement.
    doublings: u32,
}

impl Rtt {
    pub(crate) fn new(config: RttConfig) -> Self {
        Self {
            config,
            latest: None,
            smoothed: None,
            variance: Duration::ZERO,
            smoothed_at: Instant::ZERO,
            min: Minimum::default(),
            doublings: 0,
        }
    }

    /// A round trip was measured, from something that was sent once only (RFC 9260 §6.3.1 C5).
    ///
    /// Every measurement counts for the minimum; the smoothed values move once a round trip, which is the
    /// pace that their weights are made for (RFC 9260 §6.3.1 C4).
    pub(crate) fn on_measured(&mut self, now: Instant, rtt: Duration) {
        let rtt = rtt.min(LONGEST);
        self.latest = Some(rtt);
        self.min.add(now, rtt);
        self.doublings = 0;
        let Some(smoothed) = self.smoothed else {
            self.smoothed = Some(rtt);
            self.variance = (rtt / 2).max(GRANULARITY);
            self.smoothed_at = now;
            return;
        };
        if now.saturating_duration_since(self.smoothed_at) < smoothed {
            return;
        }
        self.smoothed_at = now;
        let error = smoothed.abs_diff(rtt);
        self.variance = (self.variance * 3 / 4 + error / 4).max(GRANULARITY);
        self.smoothed = Some(smoothed * 7 / 8 + rtt / 8);
    }

    /// The retransmission timer fired: the timeout doubles (RFC 9260 §6.3.3 E2).
    pub(crate) fn back_off(&mut self) {
        self.doublings = self.doublings.saturating_add(1);
    }

    /// The newest measurement.
    pub(crate) fn latest(&self) -> Option<Duration> {
        self.latest
    }

    /// The smoothed round-trip time.
    pub(crate) fn smoothed(&self) -> Option<Duration> {
        self.smoothed
    }

    /// Its variation.
    pub(crate) fn variance(&self) -> Duration {
        self.variance
    }

    /// The smallest measurement of the last minutes; zero before the first.
    pub(crate) fn min(&self) -> Duration {
        self.min.get().unwrap_or_default()
    }

    /// The retransmission timeout, doublings included.
    pub(crate) fn rto(&self) -> Duration {
        let measured = match self.smoothed {
            Some(smoothed) => smoothed + self.variance * 4,
            None => self.config.initial,
        };
        let factor = 1_u32.checked_shl(self.doublings).unwrap_or(u32::MAX);
        let max = self.config.max.max(self.config.min);
        measured.clamp(self.config.min, max).saturating_mul(factor).min(max)
    }
}

/// The smallest of the last while, in two halves: exact to half the while, in constant room.
#[derive(Clone, Debug, Default)]
struct Minimum {
    current: Option<Duration>,
    former: Option<Duration>,
    began: Instant,
}

impl Minimum {
    fn add(&mut self, now: Instant, value: Duration) {
        if now.saturating_duration_since(self.began) >= MIN_HOLDS / 2 {
            self.former = self.current.take();
            self.began = now;
        }
        self.current = Some(self.current.map_or(value, |current| current.min(value)));
    }

    fn get(&self) -> Option<Duration> {
        match (self.current, self.former) {
            (Some(current), Some(former)) => Some(current.min(former)),
            (current, former) => current.or(former),
        }
    }
}

#[cfg(test)]
mod tests;
