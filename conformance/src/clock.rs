//! The wall clock: the only place of the suite that asks the machine for the time.
//!
//! What it says goes to the `wall` block of `run.json` and to the terminal, and decides nothing.

use std::time::Duration;

use base::WallTime;

/// Measures how long something took in real time.
#[expect(clippy::disallowed_types, reason = "durations of the wall block are real")]
pub struct Stopwatch {
    begun: std::time::Instant,
}

impl Stopwatch {
    /// Starts measuring.
    #[must_use]
    #[expect(
        clippy::disallowed_methods,
        clippy::disallowed_types,
        reason = "durations of the wall block are real"
    )]
    pub fn start() -> Self {
        Self { begun: std::time::Instant::now() }
    }

    /// Real time since the start.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.begun.elapsed()
    }

    /// The same in whole microseconds.
    #[must_use]
    pub fn elapsed_us(&self) -> u64 {
        u64::try_from(self.elapsed().as_micros()).unwrap_or(u64::MAX)
    }
}

/// The present date and time in UTC.
#[must_use]
#[expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "the wall block names the day of the run"
)]
pub fn now() -> WallTime {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    WallTime::from_unix(since.unwrap_or_default())
}

/// The clock that stacks know which take no other time than the standard library's.
#[expect(clippy::disallowed_types, reason = "other stacks take nothing else")]
type Foreign = std::time::Instant;

/// Virtual time on that clock: the wall clock's reading at the start, from which only virtual time counts.
#[derive(Clone, Copy, Debug)]
pub struct ForeignClock {
    zero: Foreign,
}

impl ForeignClock {
    /// A clock whose zero is virtual time zero.
    #[must_use]
    #[expect(
        clippy::disallowed_methods,
        reason = "an instant cannot be made otherwise; only differences to it count"
    )]
    pub fn start() -> Self {
        Self { zero: Foreign::now() }
    }

    /// A clock that shows the present of the machine at `now`.
    #[must_use]
    #[expect(
        clippy::disallowed_methods,
        reason = "an instant cannot be made otherwise; only differences to it count"
    )]
    pub fn start_at(now: base::Instant) -> Self {
        let present = Foreign::now();
        Self { zero: present.checked_sub(Duration::from_nanos(now.as_nanos())).unwrap_or(present) }
    }

    /// Their time at ours.
    #[must_use]
    pub fn at(self, now: base::Instant) -> Foreign {
        self.zero + Duration::from_nanos(now.as_nanos())
    }

    /// Our time at theirs, never before zero.
    #[must_use]
    pub fn from(self, theirs: Foreign) -> base::Instant {
        base::Instant::ZERO + theirs.saturating_duration_since(self.zero)
    }
}
