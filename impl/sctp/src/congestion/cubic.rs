//! CUBIC: RFC 9438, with the slow start of RFC 9406.

use base::Instant;

use super::{Acked, Congestion, Controller, Sent, curve::Curve, idle::Idle, slow_start::SlowStart};

/// Windows that RFC 9438 lets shrink to seven tenths.
const BETA: (u64, u64) = (7, 10);

/// A window that grows along a cubic curve around the size at which it last met congestion.
#[derive(Debug)]
pub(super) struct Cubic {
    packet: u64,
    window: u64,
    threshold: u64,
    slow_start: SlowStart,
    curve: Curve,
    idle: Idle,
    /// What was before the last loss, should it turn out to be none.
    before: Option<Before>,
}

#[derive(Clone, Copy, Debug)]
struct Before {
    window: u64,
    threshold: u64,
    curve: Curve,
}

impl Cubic {
    pub(super) fn new(packet: u64) -> Self {
        let packet = packet_size(packet);
        Self {
            packet,
            window: initial_window(packet),
            threshold: u64::MAX,
            slow_start: SlowStart::default(),
            curve: Curve::default(),
            idle: Idle::default(),
            before: None,
        }
    }

    fn reduce(&mut self) {
        self.before =
            Some(Before { window: self.window, threshold: self.threshold, curve: self.curve });
        let reduced = self.curve.reduce(self.window, BETA).max(floor(self.packet));
        self.threshold = reduced;
    }
}

/// No window grows beyond this, a terabyte, nor counts more acknowledged at once: every product of sizes and
/// times fits its integers.
pub(super) const MAX_WINDOW: u64 = 1 << 40;

/// A packet size that a packet can have.
pub(super) fn packet_size(bytes: u64) -> u64 {
    bytes.clamp(1, 1 << 16)
}

/// Bytes that may leave before anything is known: ten packets, as RFC 9002 §7.2 has it.
pub(super) fn initial_window(packet: u64) -> u64 {
    packet.saturating_mul(10).min(packet.saturating_mul(2).max(14_720))
}

/// No window falls below this for a loss that a later packet told of (RFC 9260 §7.2.3).
pub(super) fn floor(packet: u64) -> u64 {
    packet.saturating_mul(4)
}

impl Controller for Cubic {
    fn name(&self) -> &'static str {
        "cubic"
    }

    fn window(&self) -> u64 {
        self.window
    }

    fn pacing_rate(&self) -> Option<u64> {
        None
    }

    fn in_slow_start(&self) -> bool {
        self.window < self.threshold
    }

    fn on_sent(&mut self, sent: &Sent) {
        if let Some(periods) = self.idle.on_sent(sent) {
            self.threshold = self.threshold.min(self.window);
            self.window = Idle::decayed(self.window, initial_window(self.packet), periods);
            self.curve.rest();
        }
    }

    fn on_ack(&mut self, acked: &Acked) {
        if acked.in_recovery || acked.app_limited {
            self.curve.stand_still(acked.now);
            return;
        }
        if self.in_slow_start() {
            self.slow_start.on_ack(acked);
            let step = self.slow_start.growth(acked.newly_acked);
            self.window = self.window.saturating_add(step).min(self.threshold).min(MAX_WINDOW);
            if self.slow_start.is_over() {
                self.threshold = self.window;
            }
            return;
        }
        self.window = self.curve.grow(acked, self.window, self.packet);
    }

    fn on_congestion(&mut self, _now: Instant, sign: Congestion) {
        match sign {
            Congestion::Loss { .. } | Congestion::Mark => {
                self.reduce();
                self.window = self.threshold;
            }
            Congestion::Timeout => {
                // A second timeout in a row finds the window at one packet: what was before the first
                // is what counts.
                if self.window > self.packet {
                    self.reduce();
                }
                self.window = self.packet;
                self.slow_start = SlowStart::default();
            }
            Congestion::Spurious => {
                if let Some(before) = self.before.take() {
                    self.window = self.window.max(before.window);
                    self.threshold = before.threshold;
                    self.curve = before.curve;
                }
            }
        }
    }

    fn set_packet_size(&mut self, bytes: u64) {
        self.packet = packet_size(bytes);
    }
}
