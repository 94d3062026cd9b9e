//! A controller that asks a model of the path what a loss means.

use std::time::Duration;

use base::Instant;

use super::{
    Acked, Congestion, Controller, Sent,
    cubic::{floor, initial_window},
    curve::{Curve, scale},
    idle::Idle,
};

mod bandwidth;
mod losses;
mod queue;

use bandwidth::Bandwidth;
use losses::Losses;
use queue::QueueMeter;

/// What remains of the window when the path is congested.
const BETA: (u64, u64) = (7, 10);
/// The queue that makes a loss a sign of congestion: this share of the round trip, within bounds.
const QUEUE_SHARE: u32 = 16;
const MIN_QUEUE: Duration = Duration::from_millis(2);
const MAX_QUEUE: Duration = Duration::from_millis(4);

/// See the module.
#[derive(Debug)]
pub(super) struct ModelBased {
    packet: u64,
    window: u64,
    phase: Phase,
    curve: Curve,
    bandwidth: Bandwidth,
    queue: QueueMeter,
    losses: Losses,
    idle: Idle,
    reduced_at: Option<Instant>,
    before: Option<(u64, Curve)>,
}

/// What the controller is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Doubling, to find the bandwidth.
    Startup,
    /// Doubling back to what was known before a timeout.
    Refill {
        /// The window at which it ends.
        until: u64,
    },
    /// On the curve.
    Cruise,
}

impl ModelBased {
    pub(super) fn new(packet: u64) -> Self {
        let packet = packet.max(1);
        Self {
            packet,
            window: initial_window(packet),
            phase: Phase::Startup,
            curve: Curve::default(),
            bandwidth: Bandwidth::default(),
            queue: QueueMeter::default(),
            losses: Losses::default(),
            idle: Idle::default(),
            reduced_at: None,
            before: None,
        }
    }

    /// Bytes that fill the path and no queue, by what is known.
    fn product(&self, min_rtt: Duration) -> u64 {
        let bytes = u128::from(self.bandwidth.max()) * min_rtt.as_nanos() / 1_000_000_000;
        u64::try_from(bytes).unwrap_or(u64::MAX)
    }

    fn threshold(&self, min_rtt: Duration) -> Duration {
        (min_rtt / QUEUE_SHARE).clamp(MIN_QUEUE, MAX_QUEUE)
    }

    fn is_congested(&self, acked: &Acked) -> bool {
        if acked.newly_lost == 0 {
            return false;
        }
        self.queue.delay(acked.min_rtt) >= self.threshold(acked.min_rtt)
            || self.losses.are_heavy(self.packet)
    }

    fn reduce(&mut self, now: Instant) {
        self.before = Some((self.window, self.curve));
        self.window = self.curve.reduce(self.window, BETA).max(floor(self.packet));
        self.reduced_at = Some(now);
        self.phase = Phase::Cruise;
    }

    fn leave_startup(&mut self, acked: &Acked) {
        let product = self.product(acked.min_rtt).max(floor(self.packet));
        self.window = product.clamp(self.window / 2, self.window);
        self.curve.settle(self.window);
        self.reduced_at = Some(acked.now);
        self.phase = Phase::Cruise;
    }

    fn may_reduce(&self, acked: &Acked) -> bool {
        self.reduced_at
            .is_none_or(|at| acked.now.saturating_duration_since(at) >= acked.smoothed_rtt)
    }
}

impl Controller for ModelBased {
    fn name(&self) -> &'static str {
        "model"
    }

    fn window(&self) -> u64 {
        self.window
    }

    fn pacing_rate(&self) -> Option<u64> {
        None
    }

    fn in_slow_start(&self) -> bool {
        self.phase != Phase::Cruise
    }

    fn on_sent(&mut self, sent: &Sent) {
        if let Some(periods) = self.idle.on_sent(sent) {
            self.window = Idle::decayed(self.window, initial_window(self.packet), periods);
            self.curve.rest();
        }
    }

    fn on_ack(&mut self, acked: &Acked) {
        self.queue.on_ack(acked);
        self.bandwidth.on_ack(acked);
        self.losses.on_ack(acked);
        let congested = self.is_congested(acked);
        match self.phase {
            Phase::Startup => {
                if congested || self.queue.rose_in_round(acked.min_rtt) || self.bandwidth.is_full() {
                    self.leave_startup(acked);
                } else if !acked.app_limited {
                    self.window = self.window.saturating_add(acked.newly_acked);
                }
            }
            Phase::Refill { until } => {
                self.window = self.window.saturating_add(acked.newly_acked).min(until);
                if self.window >= until {
                    self.phase = Phase::Cruise;
                }
            }
            Phase::Cruise if congested && self.may_reduce(acked) => self.reduce(acked.now),
            Phase::Cruise if acked.app_limited => self.curve.stand_still(acked.now),
            Phase::Cruise => self.window = self.curve.grow(acked, self.window, self.packet),
        }
    }

    fn on_congestion(&mut self, now: Instant, sign: Congestion) {
        match sign {
            // What a loss means is decided with the acknowledgement that shows it.
            Congestion::Loss { .. } => {}
            Congestion::Mark => self.reduce(now),
            Congestion::Timeout => {
                if self.window > self.packet {
                    self.reduce(now);
                }
                let until = match self.phase {
                    Phase::Refill { until } => until,
                    Phase::Startup | Phase::Cruise => self.window,
                };
                self.phase = Phase::Refill { until };
                self.window = self.packet;
            }
            Congestion::Spurious => {
                if let Some((window, curve)) = self.before.take() {
                    self.window = self.window.max(window);
                    self.curve = curve;
                    self.phase = Phase::Cruise;
                }
            }
        }
    }

    fn set_packet_size(&mut self, bytes: u64) {
        self.packet = bytes.max(1);
    }
}
