//! The controller of RFC 9260 §7.2.

use std::time::Duration;

use base::Instant;

use super::{
    Acked, Congestion, Controller, Sent,
    cubic::{MAX_WINDOW, packet_size},
};

/// Slow start and congestion avoidance as RFC 9260 §7.2.1, §7.2.2 and §7.2.3 write them.
#[derive(Debug)]
pub(super) struct Rfc9260 {
    /// The destination's largest packet, in bytes of chunks.
    packet: u64,
    window: u64,
    threshold: u64,
    /// Bytes acknowledged since the window last grew in congestion avoidance.
    partial: u64,
    last_sent: Option<Instant>,
}

impl Rfc9260 {
    pub(super) fn new(packet: u64) -> Self {
        let packet = packet_size(packet);
        // RFC 9260 §7.2.1: the smaller of the two bounds, that for IPv6, since below DTLS nobody says
        // which family the path has.
        let window = (4 * packet).min((2 * packet).max(4_344));
        Self { packet, window, threshold: u64::MAX, partial: 0, last_sent: None }
    }

    fn halved(&self) -> u64 {
        (self.window / 2).max(self.packet.saturating_mul(4))
    }

    /// RFC 9260 §7.2.1: for each retransmission timeout without data the window shrinks by half.
    fn decay(&mut self, idle: Duration, timeout: Duration) {
        let mut periods = idle.as_nanos() / timeout.as_nanos().max(1);
        if periods == 0 {
            return;
        }
        self.threshold = self.threshold.min(self.window);
        while periods > 0 && self.window > self.packet.saturating_mul(4) {
            self.window = self.halved();
            periods -= 1;
        }
    }
}

impl Controller for Rfc9260 {
    fn name(&self) -> &'static str {
        "rfc9260"
    }

    fn window(&self) -> u64 {
        self.window
    }

    fn pacing_rate(&self) -> Option<u64> {
        None
    }

    fn in_slow_start(&self) -> bool {
        self.window <= self.threshold
    }

    fn on_sent(&mut self, sent: &Sent) {
        if let Some(last) = self.last_sent
            && sent.in_flight <= sent.bytes
        {
            self.decay(sent.now.saturating_duration_since(last), sent.timeout);
        }
        self.last_sent = Some(sent.now);
    }

    fn on_ack(&mut self, acked: &Acked) {
        if acked.in_recovery {
            return;
        }
        if self.in_slow_start() {
            if !acked.app_limited {
                let step = acked.newly_acked.min(self.packet);
                self.window = self.window.saturating_add(step).min(MAX_WINDOW);
            }
            return;
        }
        self.partial = self.partial.saturating_add(acked.newly_acked);
        if self.partial >= self.window {
            if acked.app_limited {
                self.partial = self.window;
            } else {
                self.partial -= self.window;
                self.window = self.window.saturating_add(self.packet).min(MAX_WINDOW);
            }
        }
        if acked.in_flight == 0 {
            self.partial = 0;
        }
    }

    fn on_congestion(&mut self, _now: Instant, sign: Congestion) {
        match sign {
            // RFC 4960 §A: a mark is answered like a loss.
            Congestion::Loss { .. } | Congestion::Mark => {
                self.threshold = self.halved();
                self.window = self.threshold;
                self.partial = 0;
            }
            Congestion::Timeout => {
                self.threshold = self.halved();
                self.window = self.packet;
                self.partial = 0;
            }
            // RFC 9260 has no way back from a loss that was none.
            Congestion::Spurious => {}
        }
    }

    fn set_packet_size(&mut self, bytes: u64) {
        self.packet = packet_size(bytes);
    }
}

#[cfg(test)]
mod tests;
