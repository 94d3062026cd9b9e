//! Token buckets.

use std::time::Duration;

use base::Instant;
use serde::{Deserialize, Serialize};

use crate::units;

/// Bits in the bucket are counted in billionths, so that rate times nanoseconds is exact.
const SCALE: u128 = 1_000_000_000;

/// A bucket of tokens that fills at a rate and holds so much: what passes in any time `t` is at most
/// `burst + rate · t`. As a policer it drops what comes too early; as a shaper it makes it wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct TokenBucket {
    /// Bits per second that flow in.
    #[serde(with = "units::rate")]
    pub rate: u64,
    /// Bytes the bucket holds. Packets longer than that never pass.
    #[serde(with = "units::bytes")]
    pub burst: u64,
    /// Bits per second within a burst; no limit if absent.
    #[serde(default, with = "units::option_rate", skip_serializing_if = "Option::is_none")]
    pub peak: Option<u64>,
}

impl TokenBucket {
    /// A bucket of `burst` bytes that fills with `rate` bits per second.
    #[must_use]
    pub const fn new(rate: u64, burst: u64) -> Self {
        Self { rate, burst, peak: None }
    }

    pub(in crate::link) fn complaint(&self) -> Option<&'static str> {
        if self.rate == 0 || self.peak == Some(0) {
            return Some("the rate of a token bucket is more than 0");
        }
        (self.burst < 68).then_some("a token bucket holds at least 68 bytes")
    }
}

/// A bucket at work. It begins full.
#[derive(Clone, Debug)]
pub(crate) struct Bucket {
    rate: u64,
    capacity: u128,
    level: u128,
    at: Instant,
}

impl Bucket {
    pub(crate) fn new(rate: u64, burst: u64) -> Self {
        let capacity = u128::from(burst) * 8 * SCALE;
        Self { rate, capacity, level: capacity, at: Instant::ZERO }
    }

    fn fill(&mut self, now: Instant) {
        let gained = u128::from(self.rate) * (now - self.at).as_nanos();
        self.level = self.level.saturating_add(gained).min(self.capacity);
        self.at = self.at.max(now);
    }

    /// When there are tokens for `bytes`, from `now` on; `None` if there never will be.
    pub(crate) fn ready(&mut self, now: Instant, bytes: u64) -> Option<Instant> {
        self.fill(now);
        let need = u128::from(bytes) * 8 * SCALE;
        if need > self.capacity {
            return None;
        }
        let missing = need.saturating_sub(self.level);
        let wait = missing.div_ceil(u128::from(self.rate.max(1)));
        Some(now.max(self.at) + Duration::from_nanos(u64::try_from(wait).unwrap_or(u64::MAX)))
    }

    /// Takes the tokens for `bytes` at `at`, when they are ready.
    pub(crate) fn take(&mut self, at: Instant, bytes: u64) {
        self.fill(at);
        self.level = self.level.saturating_sub(u128::from(bytes) * 8 * SCALE);
    }

    /// Takes the tokens for `bytes` if they are there now.
    pub(crate) fn conforms(&mut self, now: Instant, bytes: u64) -> bool {
        let ready = self.ready(now, bytes) == Some(now);
        if ready {
            self.take(now, bytes);
        }
        ready
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Stream;

    #[test]
    fn never_gives_more_than_burst_and_rate_times_time() {
        let mut dice = Stream::new(3, "bucket");
        let (rate, burst) = (1_234_567, 9_000);
        let mut bucket = Bucket::new(rate, burst);
        let mut taken: Vec<(Instant, u64)> = Vec::new();
        let mut now = Instant::ZERO;
        for _ in 0..2_000 {
            now += Duration::from_nanos(dice.below(6_000_000));
            let bytes = 40 + dice.below(1_460);
            if bucket.conforms(now, bytes) {
                taken.push((now, bytes));
            }
        }
        assert!(taken.len() > 500, "{}", taken.len());
        for (index, &(from, _)) in taken.iter().enumerate() {
            let mut sum = 0;
            for &(until, bytes) in &taken[index..] {
                sum += u128::from(bytes) * 8 * SCALE;
                let allowed =
                    u128::from(burst) * 8 * SCALE + u128::from(rate) * (until - from).as_nanos();
                assert!(sum <= allowed, "{from} to {until}");
            }
        }
    }

    #[test]
    fn gives_all_that_flows_in_to_who_waits() {
        let mut bucket = Bucket::new(8_000, 1_000);
        let mut now = Instant::ZERO;
        for number in 0..10 {
            now = bucket.ready(now, 500).unwrap();
            bucket.take(now, 500);
            // Two at once from the full bucket, then one every half second.
            let expected = Duration::from_millis(500 * u64::from(2_u32.max(number + 1) - 2));
            assert_eq!(now, Instant::ZERO + expected, "packet {number}");
        }
        assert_eq!(bucket.ready(now, 1_001), None, "longer than the bucket");
    }
}
