//! A controller that asks a model of the path what a loss means.
//!
//! RFC 9260 §7.2.3 (departure): a loss need not halve the window. The rules of RFC 9260 §7.2 take every
//! loss for congestion, so that one packet in a hundred lost to a radio link holds an association of
//! 100 Mbit/s and 100 ms to one hundredth of its path. This controller keeps a model: the bandwidth that the
//! path has delivered, its bare round trip, and how long packets wait beyond that. The design is ours; what
//! is taken from elsewhere is named.
//!
//! * **A loss is congestion where there is a queue.** Queues overflow, or are managed by CoDel, only when
//!   packets wait. If the shortest round trip of the last moments is the bare one, a loss was chance, and
//!   the window stays. The threshold lies below CoDel's target of 5 ms, so that a managed queue is obeyed.
//!   Losses of more than a few percent are congestion in any case: a policer, or a queue too short to see.
//! * **A window shrinks to what fills the path**, and leaves a little free: by less than CUBIC's where the
//!   queue is short, by a bit more where it is long, so that flows with Reno's small steps live beside it.
//! * **It grows along CUBIC's curve** (RFC 9438). Whoever fills the queue then shares it as two CUBIC
//!   flows do: this, and not the model, is what keeps it fair.
//! * **Past the plateau, while no queue shows, it probes**: by a sixty-fourth more in each round, up to an
//!   eighth. Bandwidth that others left, or that slow start missed, is found in seconds.
//! * **It starts by doubling** until a queue stands (as RFC 9406 notices it), the bandwidth is flat for three
//!   rounds, or a loss is congestion. Then it holds still for a round trip: the first whole one of a full
//!   path, which shows its bandwidth. Bandwidth times bare round trip is the window it goes on with.
//!
//! A timeout and a mark (RFC 4960 §A) are answered as ever. Figures: `cargo xtask conformance goodput` and
//! `cargo xtask sim --table fairness`.

use std::time::Duration;

use base::Instant;

use super::{
    Acked, Congestion, Controller, Sent,
    cubic::{MAX_WINDOW, floor, initial_window, packet_size},
    curve::Curve,
    idle::Idle,
};

mod bandwidth;
mod losses;
mod queue;

use bandwidth::Bandwidth;
use losses::Losses;
use queue::QueueMeter;

/// The least that remains of the window when the path is congested, in thousandths. CUBIC keeps 700, Reno
/// 500: between the two both of them get their share of a queue that drops at its tail.
const LEAST_KEPT: u64 = 640;
/// What remains of a window that fills the path and no queue, in thousandths: the rest is left free, for
/// others and for the next measurement of the bare round trip. With less free a newcomer finds no room,
/// with more a path that loses packets by chance is not filled.
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

/// The controller; its design is told above.
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
        let packet = packet_size(packet);
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
        let bytes = u128::from(self.bandwidth.max()).saturating_mul(min_rtt.as_nanos());
        u64::try_from(bytes / 1_000_000_000).unwrap_or(u64::MAX)
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

    /// Shrinks the window to what empties the queue and leaves a little of the path free.
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
                let extra = acked.newly_acked.min(MAX_WINDOW) * rounds / QUIET_GROWTH;
                self.window = self.window.max((window + extra).min(MAX_WINDOW));
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
                    self.window = self.window.saturating_add(acked.newly_acked).min(MAX_WINDOW);
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
        self.packet = packet_size(bytes);
    }
}
