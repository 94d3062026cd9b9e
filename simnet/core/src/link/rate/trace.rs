//! Recorded moments at which a link could send.

use std::{fmt, sync::Arc};

use base::Instant;
use serde::{Deserialize, Serialize};

/// Bytes that may leave at each of the moments.
const OPPORTUNITY: u64 = 1_500;
/// Nanoseconds of a millisecond.
const MILLI: u64 = 1_000_000;

/// Moments at which up to 1,500 bytes may leave, as recorded on a real link: text with one whole number
/// of milliseconds a line, in order. After the last one it begins again. What is not used at its moment is
/// lost; a packet may need several moments, and several packets may share one.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct DeliveryTrace(Arc<[u32]>);

/// Why a text is no trace.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TraceError {
    /// Nothing could ever leave.
    #[error("a delivery trace needs at least one moment after 0 ms")]
    Empty,
    /// A line that is no number.
    #[error("line {line} of the delivery trace is not a whole number of milliseconds: `{text}`")]
    NotANumber {
        /// Counted from 1.
        line: usize,
        /// What it says.
        text: String,
    },
    /// Time goes backwards.
    #[error("line {line} of the delivery trace is earlier than the line before")]
    Backwards {
        /// Counted from 1.
        line: usize,
    },
}

impl DeliveryTrace {
    /// Reads a trace. Empty lines count for nothing.
    ///
    /// # Errors
    ///
    /// If a line is no number, or less than the one before, or if there is none above 0.
    pub fn parse(text: &str) -> Result<Self, TraceError> {
        let mut moments: Vec<u32> = Vec::new();
        for (number, line) in text.lines().enumerate() {
            let (line, text) = (number + 1, line.trim());
            if text.is_empty() {
                continue;
            }
            let moment =
                text.parse().map_err(|_| TraceError::NotANumber { line, text: text.to_owned() })?;
            if moments.last().is_some_and(|&last| moment < last) {
                return Err(TraceError::Backwards { line });
            }
            moments.push(moment);
        }
        if moments.last().is_none_or(|&last| last == 0) {
            return Err(TraceError::Empty);
        }
        Ok(Self(moments.into()))
    }

    /// Bits per second if every moment is used.
    #[must_use]
    pub fn mean_rate(&self) -> u64 {
        self.0.len() as u64 * OPPORTUNITY * 8 * 1_000 / self.period().max(1)
    }

    /// Milliseconds until it begins again.
    fn period(&self) -> u64 {
        u64::from(self.0.last().copied().unwrap_or(1))
    }

    /// The time of the moment with this number, counted from 0 through all repetitions.
    fn moment(&self, number: u64) -> Instant {
        let length = self.0.len() as u64;
        let within = usize::try_from(number % length).ok().and_then(|at| self.0.get(at)).copied();
        let millis = number / length * self.period() + u64::from(within.unwrap_or(0));
        Instant::from_nanos(millis.saturating_mul(MILLI))
    }

    /// The number of the first moment that is not before `now`.
    fn first_from(&self, now: Instant) -> u64 {
        let millis = now.as_nanos().div_ceil(MILLI);
        // A moment at the very end of a round comes before one at 0 ms of the next.
        let round = millis.saturating_sub(1) / self.period();
        let within = millis - round * self.period();
        let before = self.0.partition_point(|&moment| u64::from(moment) < within);
        round * self.0.len() as u64 + before as u64
    }
}

impl TryFrom<String> for DeliveryTrace {
    type Error = TraceError;

    fn try_from(text: String) -> Result<Self, TraceError> {
        Self::parse(&text)
    }
}

impl From<DeliveryTrace> for String {
    fn from(trace: DeliveryTrace) -> Self {
        trace.to_string()
    }
}

impl fmt::Display for DeliveryTrace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|moment| writeln!(f, "{moment}"))
    }
}

/// A trace at work.
#[derive(Clone, Debug)]
pub(super) struct Playback {
    trace: DeliveryTrace,
    /// The number of the first moment that has not been touched.
    next: u64,
    /// What is left of the moment before that.
    left: u64,
}

impl Playback {
    pub(super) const fn new(trace: DeliveryTrace) -> Self {
        Self { trace, next: 0, left: 0 }
    }

    /// When `bytes` that are ready at `now` have left.
    pub(super) fn finish(&mut self, now: Instant, bytes: u64) -> Instant {
        if self.left == 0 || self.trace.moment(self.next - 1) < now {
            self.next = self.trace.first_from(now).max(self.next) + 1;
            self.left = OPPORTUNITY;
        }
        let mut missing = bytes;
        while missing > self.left {
            missing -= self.left;
            self.next += 1;
            self.left = OPPORTUNITY;
        }
        self.left -= missing;
        self.trace.moment(self.next - 1)
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    const fn at(millis: u64) -> Instant {
        Instant::from_nanos(millis * MILLI)
    }

    #[test]
    fn packets_leave_at_the_moments_and_share_them() {
        let mut playback = Playback::new(DeliveryTrace::parse("2\n5\n5\n10\n").unwrap());
        let finish = [1_500, 700, 700, 1_500, 1_500, 3_000, 100]
            .map(|bytes| playback.finish(Instant::ZERO, bytes));
        // 1,500 at 2; 700 + 700 at 5, and 100 of the next; 1,400 at the second 5, and 100 at 10; …
        assert_eq!(finish, [2, 5, 5, 5, 10, 15, 15].map(at));
    }

    #[test]
    fn unused_moments_are_lost() {
        let mut playback = Playback::new(DeliveryTrace::parse("2\n5\n10\n").unwrap());
        assert_eq!(playback.finish(at(3), 100), at(5));
        assert_eq!(playback.finish(at(5), 1_400), at(5), "what is left of it");
        assert_eq!(playback.finish(at(5), 1), at(10));
        assert_eq!(playback.finish(at(11), 1_500), at(12), "the rest of the one before is gone");
        assert_eq!(playback.finish(at(1_001), 1_500), at(1_002));
        assert_eq!(playback.finish(at(1_010), 1_500), at(1_010));
    }

    #[test]
    fn saturated_it_gives_its_mean_rate() {
        let trace = DeliveryTrace::parse("1\n1\n4\n7\n10\n").unwrap();
        assert_eq!(trace.mean_rate(), 5 * 12_000 * 100);
        let mut playback = Playback::new(trace);
        let mut now = Instant::ZERO;
        for _ in 0..5_000 {
            now = playback.finish(now, 1_500);
        }
        assert_eq!(now, at(10_000));
    }

    #[rstest]
    #[case("", TraceError::Empty)]
    #[case("0\n0\n", TraceError::Empty)]
    #[case("1\n\n-2\n", TraceError::NotANumber { line: 3, text: "-2".to_owned() })]
    #[case("5\n4\n", TraceError::Backwards { line: 2 })]
    fn says_what_is_wrong(#[case] text: &str, #[case] error: TraceError) {
        assert_eq!(DeliveryTrace::parse(text), Err(error));
    }
}
