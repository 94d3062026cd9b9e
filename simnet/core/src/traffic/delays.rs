//! Delays, and their quantiles in bounded memory.

use std::time::Duration;

/// Each doubling is cut into this many parts: the error of a quantile is at most one part.
const PARTS: u32 = 32;
/// Bits of [`PARTS`].
const PART_BITS: u32 = PARTS.ilog2();

/// Delays that were measured: their number, extremes, mean and quantiles.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Delays {
    count: u64,
    sum: u128,
    least: Duration,
    greatest: Duration,
    /// How many fall into each part of each doubling of a nanosecond.
    buckets: Vec<u64>,
}

impl Delays {
    /// Counts a delay.
    pub fn add(&mut self, delay: Duration) {
        self.least = if self.count == 0 { delay } else { self.least.min(delay) };
        self.greatest = self.greatest.max(delay);
        self.count += 1;
        self.sum += delay.as_nanos();
        let bucket = bucket(delay);
        if bucket >= self.buckets.len() {
            self.buckets.resize(bucket + 1, 0);
        }
        if let Some(count) = self.buckets.get_mut(bucket) {
            *count += 1;
        }
    }

    /// How many there were.
    #[must_use]
    pub const fn count(&self) -> u64 {
        self.count
    }

    /// The least and the greatest; zero if there was none.
    #[must_use]
    pub const fn range(&self) -> (Duration, Duration) {
        (self.least, self.greatest)
    }

    /// The mean; zero if there was none.
    #[must_use]
    pub fn mean(&self) -> Duration {
        let mean = self.sum.checked_div(u128::from(self.count)).unwrap_or(0);
        Duration::from_nanos(u64::try_from(mean).unwrap_or(u64::MAX))
    }

    /// The delay that a share of `percent` of a hundred does not exceed, up to 3 % too long; zero if
    /// there was none.
    #[must_use]
    pub fn percentile(&self, percent: u32) -> Duration {
        let wanted = (u128::from(self.count) * u128::from(percent)).div_ceil(100);
        let mut seen = 0;
        for (bucket, &count) in self.buckets.iter().enumerate() {
            seen += u128::from(count);
            if count > 0 && seen >= wanted {
                return upper(bucket).clamp(self.least, self.greatest);
            }
        }
        self.greatest
    }
}

/// The bucket of a delay: delays up to [`PARTS`] nanoseconds have one each.
fn bucket(delay: Duration) -> usize {
    let nanos = u64::try_from(delay.as_nanos()).unwrap_or(u64::MAX);
    let doubling = nanos.max(1).ilog2().saturating_sub(PART_BITS);
    let part = nanos >> doubling;
    let place = u64::from(doubling) * u64::from(PARTS) + part;
    usize::try_from(place).unwrap_or(usize::MAX)
}

/// The greatest delay of a bucket.
fn upper(bucket: usize) -> Duration {
    let place = u64::try_from(bucket).unwrap_or(u64::MAX);
    let parts = u64::from(PARTS);
    let doubling = (place / parts).saturating_sub(1).min(58);
    let part = place - doubling * parts;
    Duration::from_nanos(((part + 1) << doubling) - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_right_to_three_percent() {
        let mut delays = Delays::default();
        for micros in 1..=10_000 {
            delays.add(Duration::from_micros(micros));
        }
        assert_eq!(delays.count(), 10_000);
        assert_eq!(delays.mean(), Duration::from_nanos(5_000_500));
        assert_eq!(delays.range(), (Duration::from_micros(1), Duration::from_micros(10_000)));
        for percent in [1, 25, 50, 75, 95, 99] {
            let exact = Duration::from_micros(u64::from(percent) * 100);
            let got = delays.percentile(percent);
            assert!(got >= exact && got <= exact.mul_f64(1.032), "{percent} %: {got:?}");
        }
        assert_eq!(delays.percentile(100), Duration::from_micros(10_000));
    }

    #[test]
    fn small_and_huge_delays_have_buckets() {
        for nanos in [0, 1, 31, 32, 33, 63, 64, 65, 1_000_003, u64::MAX / 3] {
            let delay = Duration::from_nanos(nanos);
            let upper = upper(bucket(delay));
            assert!(upper >= delay, "{nanos}");
            assert!(upper.as_nanos() <= u128::from(nanos) * 33 / 32 + 1, "{nanos}");
        }
        assert_eq!(Delays::default().percentile(50), Duration::ZERO);
    }
}
