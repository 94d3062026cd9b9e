//! When a flow is there.

use std::time::Duration;

use base::Instant;

/// From when to when a flow is active, counted from when its endpoint starts; always, by default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Schedule {
    start: Duration,
    stop: Option<Duration>,
}

impl Schedule {
    /// Active from `start` on.
    #[must_use]
    pub const fn from(start: Duration) -> Self {
        Self { start, stop: None }
    }

    /// The same, until `stop`.
    #[must_use]
    pub const fn until(mut self, stop: Duration) -> Self {
        self.stop = Some(stop);
        self
    }

    /// The times themselves, for an endpoint that starts at `origin`.
    pub(super) fn times(self, origin: Instant) -> (Instant, Option<Instant>) {
        (origin + self.start, self.stop.map(|stop| origin + stop))
    }
}
