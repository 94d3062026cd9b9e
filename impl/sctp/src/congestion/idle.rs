//! What an idle path does to a window.

use base::Instant;

use super::Sent;

/// Notices that nothing was sent for a retransmission timeout or longer.
#[derive(Debug, Default)]
pub(super) struct Idle {
    last_sent: Option<Instant>,
}

impl Idle {
    /// Whole retransmission timeouts for which nothing was in flight before this packet, if any.
    pub(super) fn on_sent(&mut self, sent: &Sent) -> Option<u32> {
        let last = self.last_sent.replace(sent.now)?;
        if sent.in_flight > sent.bytes {
            return None;
        }
        let idle = sent.now.saturating_duration_since(last).as_nanos();
        let periods = u32::try_from(idle / sent.timeout.as_nanos().max(1)).unwrap_or(u32::MAX);
        (periods > 0).then_some(periods)
    }

    /// The window after so many idle timeouts: half for each, down to `floor` (RFC 9260 §7.2.1).
    pub(super) fn decayed(window: u64, floor: u64, periods: u32) -> u64 {
        window.checked_shr(periods).unwrap_or(0).max(floor.min(window))
    }
}
