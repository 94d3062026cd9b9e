//! How much more may come: RFC 9260 §6.2.

use std::time::Duration;

use base::Instant;

/// The window at first, in bytes: what it costs is nothing until it is used, and 8 Mbit/s over a second or
/// 100 Mbit/s over 80 ms fit.
const INITIAL_WINDOW: usize = 1 << 20;

/// The smallest that the largest window may be: two chunks of full packets.
const SMALLEST_WINDOW: usize = 4_096;

/// The round trip that is assumed before it was measured.
const ASSUMED_RTT: Duration = Duration::from_millis(100);

/// How often what arrives in a round trip the window should hold: once for what is under way, once for
/// what waits while a loss is repaired, and both again so that a sender can double its rate.
const ROUNDS_HELD: usize = 4;

/// A window smaller than this, or than a quarter of a small one, is told as none, so that nobody sends
/// slivers (RFC 9260 §6.2).
const SILLY: usize = 1_200;

/// The window.
#[derive(Debug)]
pub(super) struct Window {
    /// Most that may be held, in bytes of cost.
    limit: usize,
    /// What `limit` may grow to.
    largest: usize,
    rtt: Duration,
    /// When the present count of a round trip began.
    round_start: Option<Instant>,
    /// Bytes of user data since then.
    in_round: usize,
    /// What the peer thinks it may send: what it was told last, less what arrived since.
    offered: usize,
}

impl Window {
    pub(super) fn new(largest: usize) -> Self {
        let largest = largest.max(SMALLEST_WINDOW);
        let limit = INITIAL_WINDOW.min(largest);
        let rtt = ASSUMED_RTT;
        Self { limit, largest, rtt, round_start: None, in_round: 0, offered: limit }
    }

    // Told.

    /// The round trip takes `rtt`.
    pub(super) const fn set_rtt(&mut self, rtt: Duration) {
        self.rtt = rtt;
    }

    /// User data arrived and is held or delivered.
    pub(super) const fn on_data(&mut self, bytes: usize) {
        self.in_round += bytes;
        self.offered = self.offered.saturating_sub(bytes);
    }

    /// A packet ends: the window grows if the peer shows that it can fill it.
    pub(super) fn on_packet(&mut self, now: Instant) {
        let start = *self.round_start.get_or_insert(now);
        if now - start < self.rtt {
            return;
        }
        let wanted = self.in_round.saturating_mul(ROUNDS_HELD);
        self.limit = wanted.clamp(self.limit, self.largest);
        self.round_start = Some(now);
        self.in_round = 0;
    }

    /// What is held cannot be read before more arrives, and most of the window is taken: it doubles, as far
    /// as it may. False if it may not.
    pub(super) fn widen(&mut self) -> bool {
        let before = self.limit;
        self.limit = before.saturating_mul(2).min(self.largest);
        self.limit > before
    }

    /// The peer is told that `offer` bytes may come.
    pub(super) const fn on_offer(&mut self, offer: usize) {
        self.offered = offer;
    }

    // Asked.

    /// Most that may be held.
    pub(super) const fn limit(&self) -> usize {
        self.limit
    }

    /// What to tell the peer while what is held costs `cost`.
    pub(super) const fn offer(&self, cost: usize) -> usize {
        let room = self.limit.saturating_sub(cost);
        let silly = if self.limit / 4 < SILLY { self.limit / 4 } else { SILLY };
        if room < silly && cost > 0 { 0 } else { room }
    }

    /// Whether the peer should hear that the application made room: RFC 9260 §6.2 wants at least a quarter
    /// of the window. A peer with half of it left hears of the rest in time.
    pub(super) const fn is_update_due(&self, cost: usize) -> bool {
        self.offered < self.limit / 2 && self.offer(cost) >= self.offered + self.limit / 4
    }

    /// Whether three quarters of the window are taken.
    pub(super) const fn is_tight(&self, cost: usize) -> bool {
        cost > self.limit / 4 * 3
    }
}
