//! The sender's one door to congestion control.

use std::time::Duration;

use base::{Instant, Rng};

use super::{
    Acked, Algorithm, Congestion, Controller, Sent, pacer::Pacer, reduction::Reduction,
    sampler::Sampler, sampler::Snapshot,
};
use crate::path::Rtt;

/// A controller, joined with what every controller needs: delivery-rate samples, reductions spread over a
/// round trip, and pacing.
#[derive(Debug)]
pub(crate) struct Control {
    controller: Box<dyn Controller>,
    sampler: Sampler,
    pacer: Pacer,
    reduction: Option<Reduction>,
    in_recovery: bool,
    packet: u64,
    rounds: u64,
    /// The round in which the window was last filled; growth without that would be growth on paper.
    filled_in_round: Option<u64>,
    marked_in_round: Option<u64>,
    timeout: Duration,
    smoothed: Option<Duration>,
}

/// What the sender knows when it has worked through an acknowledgement.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Summary {
    /// When the acknowledgement arrived.
    pub(crate) now: Instant,
    /// Bytes in flight before it.
    pub(crate) prior_in_flight: u64,
    /// Bytes in flight after it; what is held to be lost is not in flight.
    pub(crate) in_flight: u64,
    /// The round-trip time it shows, if it shows one.
    pub(crate) rtt: Option<Duration>,
    /// Whether it acknowledged everything up to a later number than before.
    pub(crate) cumulative_advanced: bool,
}

impl Control {
    /// For packets of at most `packet_size` bytes of chunks.
    pub(crate) fn new(algorithm: Algorithm, packet_size: u64, rng: &Rng) -> Self {
        let packet = packet_size.max(1);
        Self {
            controller: algorithm.controller(packet, rng),
            sampler: Sampler::default(),
            pacer: Pacer::new(packet),
            reduction: None,
            in_recovery: false,
            packet,
            rounds: 0,
            filled_in_round: None,
            marked_in_round: None,
            timeout: Duration::MAX,
            smoothed: None,
        }
    }

    /// The window in bytes.
    pub(crate) fn window(&self) -> u64 {
        self.controller.window()
    }

    /// The rate at which packets leave, in bytes a second; `None` as long as nothing is paced.
    pub(crate) fn pacing_rate(&self) -> Option<u64> {
        match self.controller.pacing_rate() {
            Some(rate) => Some(rate.max(1)),
            None => self.smoothed.map(|smoothed| {
                // The window spread over the round trip, a little faster so that the window and not the
                // pacer decides; twice as fast while the window doubles (RFC 9002 §7.7).
                let (num, den) = if self.controller.in_slow_start() { (2, 1) } else { (5, 4) };
                let nanos = smoothed.as_nanos().max(1);
                let rate =
                    u128::from(self.controller.window()) * 1_000_000_000 * num / (den * nanos);
                u64::try_from(rate).unwrap_or(u64::MAX).max(1)
            }),
        }
    }

    /// The controller's name.
    pub(crate) fn name(&self) -> &'static str {
        self.controller.name()
    }

    /// Bytes of chunks that may leave now. Any room at all is room for one whole packet
    /// (RFC 9260 §6.1 B).
    pub(crate) fn budget(&self, now: Instant, in_flight: u64) -> u64 {
        self.window_budget(in_flight).min(self.pacer.budget(now))
    }

    /// When the pacer opens, if the pacer is what keeps packets from leaving now.
    pub(crate) fn release(&self, now: Instant, in_flight: u64) -> Option<Instant> {
        if self.window_budget(in_flight) == 0 {
            return None;
        }
        self.pacer.release(now)
    }

    /// A packet with `bytes` of chunks of user data left; `in_flight` counts it. The snapshot is to be
    /// kept with each of its chunks.
    pub(crate) fn on_sent(&mut self, now: Instant, bytes: u64, in_flight: u64) -> Snapshot {
        let snapshot = self.sampler.on_sent(now, bytes, in_flight);
        self.controller.on_sent(&Sent { now, bytes, in_flight, timeout: self.timeout });
        self.pacer.on_sent(now, bytes);
        if let Some(reduction) = &mut self.reduction {
            reduction.on_sent(bytes);
        }
        if in_flight.saturating_add(self.packet) > self.controller.window() {
            self.filled_in_round = Some(self.rounds);
        }
        snapshot
    }

    /// A chunk of `bytes` was acknowledged for the first time; `sent_at` is when it last left.
    pub(crate) fn on_delivered(
        &mut self,
        now: Instant,
        snapshot: &Snapshot,
        sent_at: Instant,
        bytes: u64,
    ) {
        self.sampler.on_delivered(now, snapshot, sent_at, bytes);
    }

    /// A chunk of `bytes` is held to be lost.
    pub(crate) fn on_lost(&mut self, bytes: u64, snapshot: &Snapshot) {
        let _ = snapshot;
        self.sampler.on_lost(bytes);
    }

    /// The acknowledgement that the calls before told of is worked through. Recovery that it began or
    /// ended is told before this.
    pub(crate) fn on_sack_done(&mut self, summary: &Summary, rtt: &Rtt) {
        let shown = self.sampler.finish(rtt.min());
        if shown.round_start {
            self.rounds += 1;
        }
        self.timeout = rtt.rto();
        self.smoothed = rtt.smoothed();
        if let Some(reduction) = &mut self.reduction {
            let progress = summary.cumulative_advanced && shown.newly_lost == 0;
            reduction.on_ack(shown.newly_acked, summary.in_flight, self.packet, progress);
            if reduction.is_round_over() {
                self.reduction = None;
            }
        }
        let window = self.controller.window();
        let filled = self.filled_in_round.is_some_and(|round| round + 1 >= self.rounds);
        self.controller.on_ack(&Acked {
            now: summary.now,
            newly_acked: shown.newly_acked,
            newly_lost: shown.newly_lost,
            prior_in_flight: summary.prior_in_flight,
            in_flight: summary.in_flight,
            rtt: summary.rtt,
            smoothed_rtt: rtt.smoothed().unwrap_or_default(),
            min_rtt: rtt.min(),
            rate: shown.rate,
            round_start: shown.round_start,
            app_limited: !filled,
            in_recovery: self.in_recovery,
        });
        self.spread_reduction(window, summary.in_flight);
        self.set_pace(summary.now);
    }

    /// Something was lost and nothing was before it: recovery begins. `in_flight` is what was in flight
    /// when the loss was noticed, the lost part included.
    pub(crate) fn on_recovery_start(&mut self, now: Instant, in_flight: u64) {
        self.in_recovery = true;
        self.reduce(now, Congestion::Loss { in_flight }, in_flight);
    }

    /// All that was outstanding when recovery began has been acknowledged.
    pub(crate) fn on_recovery_end(&mut self) {
        self.in_recovery = false;
        self.reduction = None;
    }

    /// The peer echoed a congestion mark. Only the first of a round trip counts.
    pub(crate) fn on_mark(&mut self, now: Instant, in_flight: u64) {
        if self.in_recovery || self.marked_in_round == Some(self.rounds) {
            return;
        }
        self.marked_in_round = Some(self.rounds);
        self.reduce(now, Congestion::Mark, in_flight);
    }

    /// The retransmission timer fired.
    pub(crate) fn on_timeout(&mut self, now: Instant) {
        self.in_recovery = false;
        self.reduction = None;
        self.controller.on_congestion(now, Congestion::Timeout);
        self.set_pace(now);
    }

    /// What recovery or a timeout was about had not been lost.
    pub(crate) fn on_spurious(&mut self, now: Instant) {
        self.in_recovery = false;
        self.reduction = None;
        self.controller.on_congestion(now, Congestion::Spurious);
        self.set_pace(now);
    }

    /// There is less to send, or to send into the peer's window, than may leave.
    pub(crate) fn on_app_limited(&mut self, in_flight: u64) {
        self.sampler.on_app_limited(in_flight);
    }

    /// Largest packets from now on, in bytes of chunks.
    pub(crate) fn set_packet_size(&mut self, bytes: u64) {
        self.packet = bytes.max(1);
        self.controller.set_packet_size(self.packet);
        self.pacer.set_packet_size(self.packet);
    }

    fn window_budget(&self, in_flight: u64) -> u64 {
        let room = match &self.reduction {
            Some(reduction) => reduction.allowance(),
            None => self.controller.window().saturating_sub(in_flight),
        };
        // RFC 9260 §7.2.3: after a timeout no more than one packet is in flight until an answer comes.
        let waits = in_flight > 0 && self.controller.window() <= self.packet;
        if room == 0 || waits { 0 } else { room.max(self.packet) }
    }

    fn reduce(&mut self, now: Instant, sign: Congestion, in_flight: u64) {
        let window = self.controller.window();
        self.controller.on_congestion(now, sign);
        self.spread_reduction(window, in_flight);
        self.set_pace(now);
    }

    /// Spreads the step from window `before` to what it is now, if it is one down and packets in flight
    /// have to make room for it.
    fn spread_reduction(&mut self, before: u64, in_flight: u64) {
        let window = self.controller.window();
        if window < before {
            self.reduction =
                (window < in_flight).then(|| Reduction::new(in_flight, window, self.packet));
        }
    }

    fn set_pace(&mut self, now: Instant) {
        let rate = self.pacing_rate().unwrap_or(0);
        self.pacer.set_rate(now, rate);
    }
}
