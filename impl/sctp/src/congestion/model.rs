//! A controller that asks a model of the path what a loss means.

use std::time::Duration;

use base::Instant;

use super::{
    Acked, Congestion, Controller, Sent,
    cubic::{floor, initial_window},
    curve::Curve,
    idle::Idle,
};

mod bandwidth;
mod losses;
mod queue;

use bandwidth::Bandwidth;
use losses::Losses;
use queue::QueueMeter;

/// The least that remains of the window when the path is congested, in thousandths: what CUBIC keeps.
const LEAST_KEPT: u64 = 640;
/// What remains of a window that fills the path and no queue, in thousandths: a tenth is left free, for
/// others and for the next measurement of the bare round trip.
const KEPT: u64 = 940;
/// Rounds without a queue, past the size at which congestion was last met, after which the window grows by
/// up to one part in so many each round.
const QUIET_ROUNDS: u32 = 2;
const QUIET_GROWTH: u64 = 64;
const MOST_QUIET: u32 = 8;
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
    /// The smoothed and the smallest round trip, as the last acknowledgement had them.
    rtt: Duration,
    min_rtt: Duration,
    /// Losses before this belong to a decision that was made already.
    settled_at: Instant,
    /// Rounds without a queue in a row.
    quiet: u32,
    before: Option<(u64, Curve)>,
}

/// What the controller is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Doubling, to find the bandwidth.
    Startup,
    /// Holding still for a round trip: what arrives in it left while the path was full, and shows its
    /// bandwidth.
    Measure {
        /// When it ends.
        until: Instant,
    },
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
            rtt: Duration::ZERO,
            min_rtt: Duration::ZERO,
            settled_at: Instant::ZERO,
            quiet: 0,
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

    /// Shrinks the window to what empties the queue and leaves a tenth of the path free, and by no more than
    /// CUBIC would.
    fn reduce(&mut self, now: Instant, rtt: Duration, min_rtt: Duration) {
        self.before = Some((self.window, self.curve));
        let share = min_rtt.as_nanos() * u128::from(KEPT) / (rtt.as_nanos()).max(1);
        let kept = u64::try_from(share).unwrap_or(KEPT).clamp(LEAST_KEPT, KEPT);
        self.window = self.curve.reduce(self.window, (kept, 1_000)).max(floor(self.packet));
        self.settle(now + rtt);
    }

    fn settle(&mut self, at: Instant) {
        self.settled_at = at;
        self.quiet = 0;
        self.phase = Phase::Cruise;
    }

    fn measured(&mut self, acked: &Acked) {
        let product = self.product(acked.min_rtt).max(floor(self.packet));
        self.window = product.min(self.window);
        self.curve.settle(self.window);
        // Two round trips as long as they are now: until then, what overflowed before shows as loss, and
        // the queue drains.
        self.settle(acked.now + self.round_trip(acked) * 2);
    }

    /// The round trip of the last moments, queue included.
    fn round_trip(&self, acked: &Acked) -> Duration {
        acked.min_rtt + self.queue.delay(acked.min_rtt)
    }

    fn cruise(&mut self, acked: &Acked, congested: bool) {
        if congested && acked.now >= self.settled_at {
            self.reduce(acked.now, self.round_trip(acked), acked.min_rtt);
        } else if acked.app_limited {
            self.curve.stand_still(acked.now);
        } else {
            let window = self.window;
            self.window = self.curve.grow(acked, window, self.packet);
            if acked.round_start {
                self.listen(acked);
            }
            if self.quiet >= QUIET_ROUNDS {
                let rounds = u64::from((self.quiet - QUIET_ROUNDS + 1).min(MOST_QUIET));
                let extra = acked.newly_acked * rounds / QUIET_GROWTH;
                self.window = self.window.max(window.saturating_add(extra));
                self.curve.settle(self.window);
            }
        }
    }

    /// Counts rounds without a queue, past the size at which there was one.
    fn listen(&mut self, acked: &Acked) {
        let is_quiet = self.queue.delay(acked.min_rtt) < self.threshold(acked.min_rtt) / 2;
        self.quiet =
            if is_quiet && self.window >= self.curve.plateau() { self.quiet + 1 } else { 0 };
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
        matches!(self.phase, Phase::Startup | Phase::Refill { .. })
    }

    fn on_sent(&mut self, sent: &Sent) {
        if let Some(periods) = self.idle.on_sent(sent) {
            self.window = Idle::decayed(self.window, initial_window(self.packet), periods);
            self.curve.rest();
        }
    }

    fn on_ack(&mut self, acked: &Acked) {
        (self.rtt, self.min_rtt) = (acked.smoothed_rtt, acked.min_rtt);
        self.queue.on_ack(acked);
        self.bandwidth.on_ack(acked);
        self.losses.on_ack(acked);
        let congested = self.is_congested(acked);
        match self.phase {
            Phase::Startup => {
                if congested || self.queue.rose_in_round(acked.min_rtt) || self.bandwidth.is_full()
                {
                    self.phase = Phase::Measure { until: acked.now + acked.smoothed_rtt };
                } else if !acked.app_limited {
                    self.window = self.window.saturating_add(acked.newly_acked);
                }
            }
            Phase::Measure { until } if acked.now >= until => self.measured(acked),
            Phase::Measure { .. } => {}
            Phase::Refill { until } => {
                self.window = self.window.saturating_add(acked.newly_acked).min(until);
                if self.window >= until {
                    self.phase = Phase::Cruise;
                }
            }
            Phase::Cruise => self.cruise(acked, congested),
        }
    }

    fn on_congestion(&mut self, now: Instant, sign: Congestion) {
        match sign {
            // What a loss means is decided with the acknowledgement that shows it.
            Congestion::Loss { .. } => {}
            Congestion::Mark => self.reduce(now, self.rtt, self.min_rtt),
            Congestion::Timeout => {
                if self.window > self.packet {
                    self.reduce(now, self.rtt, self.min_rtt);
                }
                let until = match self.phase {
                    Phase::Refill { until } => until,
                    Phase::Startup | Phase::Measure { .. } | Phase::Cruise => self.window,
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
