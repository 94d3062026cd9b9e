//! A smaller window reached over a round trip instead of at once: proportional rate reduction.

/// Spreads the step from one window to a smaller one over the acknowledgements of a round trip, so that
/// the sender neither falls silent nor bursts: RFC 6937.
#[derive(Debug)]
pub(super) struct Reduction {
    /// Bytes in flight when the window shrank.
    in_flight_before: u64,
    /// The smaller window.
    target: u64,
    delivered: u64,
    sent: u64,
    allowance: u64,
}

impl Reduction {
    /// Begins with one packet: what was lost is sent again at once, whatever the window says
    /// (RFC 9260 §7.2.4).
    pub(super) fn new(in_flight: u64, target: u64, packet: u64) -> Self {
        Self {
            in_flight_before: in_flight.max(1),
            target,
            delivered: 0,
            sent: 0,
            allowance: packet,
        }
    }

    /// Bytes that may leave before the next acknowledgement.
    pub(super) fn allowance(&self) -> u64 {
        self.allowance
    }

    pub(super) fn on_sent(&mut self, bytes: u64) {
        self.sent = self.sent.saturating_add(bytes);
        self.allowance = self.allowance.saturating_sub(bytes);
    }

    /// `progress` says whether the path seems to have room: the cumulative acknowledgement advanced and
    /// nothing more was lost.
    pub(super) fn on_ack(&mut self, newly_acked: u64, in_flight: u64, packet: u64, progress: bool) {
        self.delivered = self.delivered.saturating_add(newly_acked);
        let allowance = if in_flight > self.target {
            let share = u128::from(self.delivered) * u128::from(self.target);
            let share = share.div_ceil(u128::from(self.in_flight_before));
            u64::try_from(share).unwrap_or(u64::MAX).saturating_sub(self.sent)
        } else {
            let kept = self.delivered.saturating_sub(self.sent).max(newly_acked);
            let growth = if progress { packet } else { 0 };
            kept.saturating_add(growth).min(self.target.saturating_sub(in_flight))
        };
        let first = if self.sent == 0 { packet } else { 0 };
        self.allowance = allowance.max(first);
    }

    /// Whether a round trip's worth was delivered since it began.
    pub(super) fn is_round_over(&self) -> bool {
        self.delivered >= self.in_flight_before
    }
}

#[cfg(test)]
mod tests;
