//! Timers of flights and acknowledgements, for callers that know the path.

use std::time::Duration;

use base::Instant;

use super::Association;

impl Association {
    /// Sets the first timeout of a flight. Timers that run are stretched or shrunk to it, as if it had
    /// been so from their start; one that is overdue by that is due at once.
    pub fn set_initial_timeout(&mut self, now: Instant, timeout: Duration) {
        self.advance(now);
        self.outbox.set_first_timeout(timeout);
    }

    /// When something is sent again or acknowledged, if nothing comes before:
    /// [`poll_timeout`](Self::poll_timeout) without the end of a handshake that takes too long.
    #[must_use]
    pub fn flight_timeout(&self) -> Option<Instant> {
        if self.is_closed() {
            return None;
        }
        let acks = self.acks.deadline(self.outbox.timeout());
        [self.outbox.deadline(), acks].into_iter().flatten().min()
    }
}
