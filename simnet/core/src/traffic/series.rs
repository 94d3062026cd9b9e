//! Amounts over time.

use std::time::Duration;

use base::Instant;

/// Buckets of a series at most; what comes later counts for the last.
const MAX_BUCKETS: usize = 1 << 20;

/// How much came in each interval of a run. RFC 8867 §4.1 wants metrics every 200 ms or more often.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Series {
    interval: Duration,
    buckets: Vec<u64>,
}

impl Series {
    /// An empty series of intervals of this length; at least a microsecond.
    #[must_use]
    pub fn new(interval: Duration) -> Self {
        Self { interval: interval.max(Duration::from_micros(1)), buckets: Vec::new() }
    }

    /// Counts `amount` at `at`.
    pub fn add(&mut self, at: Instant, amount: u64) {
        let index = at.elapsed().as_nanos() / self.interval.as_nanos();
        let index = usize::try_from(index).unwrap_or(usize::MAX).min(MAX_BUCKETS - 1);
        if index >= self.buckets.len() {
            self.buckets.resize(index + 1, 0);
        }
        if let Some(bucket) = self.buckets.get_mut(index) {
            *bucket += amount;
        }
    }

    /// The length of an interval.
    #[must_use]
    pub const fn interval(&self) -> Duration {
        self.interval
    }

    /// The amounts of the intervals since the beginning of the run, up to the last that has any.
    #[must_use]
    pub fn amounts(&self) -> &[u64] {
        &self.buckets
    }

    /// All from `from` (included) to `to` (excluded), in whole intervals.
    #[must_use]
    pub fn between(&self, from: Instant, to: Instant) -> u64 {
        let index = |at: Instant| at.elapsed().as_nanos() / self.interval.as_nanos();
        let within = |at: &usize| {
            let at = u128::try_from(*at).unwrap_or(u128::MAX);
            index(from) <= at && at < index(to)
        };
        self.buckets.iter().enumerate().filter(|(at, _)| within(at)).map(|(_, amount)| amount).sum()
    }
}

/// Intervals of 100 ms.
impl Default for Series {
    fn default() -> Self {
        Self::new(Duration::from_millis(100))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_fall_into_their_intervals() {
        let mut series = Series::default();
        let at = |millis| Instant::ZERO + Duration::from_millis(millis);
        for (millis, amount) in [(0, 1), (99, 2), (100, 4), (350, 8)] {
            series.add(at(millis), amount);
        }
        assert_eq!(series.amounts(), [3, 4, 0, 8]);
        assert_eq!(series.between(at(100), at(300)), 4);
        assert_eq!(series.between(at(0), at(1_000)), 15);
    }

    #[test]
    fn a_series_is_bounded() {
        let mut series = Series::new(Duration::ZERO);
        series.add(Instant::ZERO + Duration::from_secs(3_600), 1);
        assert_eq!(series.amounts().len(), MAX_BUCKETS);
    }
}
