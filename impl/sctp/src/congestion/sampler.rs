//! How fast the path delivers, measured from acknowledgements.

use std::time::Duration;

use base::Instant;

use super::RateSample;

/// What was known about the path when a packet left: kept with each of its chunks until it is
/// acknowledged or lost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Snapshot {
    /// Bytes delivered in the association's life.
    delivered: u64,
    /// When the newest of them was.
    delivered_at: Instant,
    /// When the flight began that this packet belongs to: the span over which it and what came before it
    /// left.
    flight_began: Instant,
    /// Bytes lost in the association's life.
    lost: u64,
    /// Bytes in flight with this packet.
    in_flight: u64,
    /// Whether the application was what limited the sender.
    app_limited: bool,
}

/// Measures the delivery rate over one flight at a time.
///
/// A sample spans the time from the acknowledgement that was newest when a packet left to the packet's own
/// acknowledgement. Acknowledgements may come in bunches, and packets may leave in bunches, so the longer
/// of the two spans counts: a bunch never looks faster than it was sent.
#[derive(Debug, Default)]
pub(super) struct Sampler {
    delivered: u64,
    delivered_at: Instant,
    flight_began: Instant,
    lost: u64,
    /// While `delivered` is below this, samples show the application's rate.
    app_limited_until: u64,
    /// When `delivered` at sending reaches this, a round trip has passed.
    round_ends: u64,
    newest: Option<Newest>,
    pending_delivered: u64,
    pending_lost: u64,
}

/// The newest packet that the acknowledgement at hand covers.
#[derive(Clone, Copy, Debug)]
struct Newest {
    snapshot: Snapshot,
    sent_at: Instant,
}

/// What an acknowledgement showed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shown {
    pub(super) newly_acked: u64,
    pub(super) newly_lost: u64,
    pub(super) rate: Option<RateSample>,
    pub(super) round_start: bool,
}

impl Sampler {
    pub(super) fn on_sent(&mut self, now: Instant, bytes: u64, in_flight: u64) -> Snapshot {
        if in_flight <= bytes {
            // Nothing was in flight: a new flight begins here.
            self.flight_began = now;
            self.delivered_at = now;
        }
        Snapshot {
            delivered: self.delivered,
            delivered_at: self.delivered_at,
            flight_began: self.flight_began,
            lost: self.lost,
            in_flight,
            app_limited: self.app_limited_until > self.delivered,
        }
    }

    pub(super) fn on_delivered(
        &mut self,
        now: Instant,
        snapshot: &Snapshot,
        sent_at: Instant,
        bytes: u64,
    ) {
        self.delivered = self.delivered.saturating_add(bytes);
        self.delivered_at = self.delivered_at.max(now);
        self.pending_delivered = self.pending_delivered.saturating_add(bytes);
        let newer = |newest: Newest| {
            (snapshot.delivered, sent_at) > (newest.snapshot.delivered, newest.sent_at)
        };
        if self.newest.is_none_or(newer) {
            self.newest = Some(Newest { snapshot: *snapshot, sent_at });
        }
    }

    pub(super) fn on_lost(&mut self, bytes: u64) {
        self.lost = self.lost.saturating_add(bytes);
        self.pending_lost = self.pending_lost.saturating_add(bytes);
    }

    pub(super) fn on_app_limited(&mut self, in_flight: u64) {
        self.app_limited_until = self.delivered.saturating_add(in_flight).max(1);
    }

    /// Ends an acknowledgement and says what it showed.
    pub(super) fn finish(&mut self, min_rtt: Duration) -> Shown {
        let newest = self.newest.take();
        let round_start = newest.is_some_and(|newest| newest.snapshot.delivered >= self.round_ends);
        if round_start {
            self.round_ends = self.delivered;
        }
        let shown = Shown {
            newly_acked: std::mem::take(&mut self.pending_delivered),
            newly_lost: std::mem::take(&mut self.pending_lost),
            rate: newest.and_then(|newest| self.rate(newest, min_rtt)),
            round_start,
        };
        if let Some(newest) = newest {
            self.flight_began = self.flight_began.max(newest.sent_at);
        }
        shown
    }

    fn rate(&self, newest: Newest, min_rtt: Duration) -> Option<RateSample> {
        let Newest { snapshot, sent_at } = newest;
        let send = sent_at.saturating_duration_since(snapshot.flight_began);
        let acked = self.delivered_at.saturating_duration_since(snapshot.delivered_at);
        let interval = send.max(acked);
        // Shorter than any round trip: acknowledgements of a retransmission's first copy say nothing.
        if interval.is_zero() || interval < min_rtt {
            return None;
        }
        Some(RateSample {
            delivered: self.delivered.saturating_sub(snapshot.delivered),
            interval,
            lost: self.lost.saturating_sub(snapshot.lost),
            in_flight_at_send: snapshot.in_flight,
            app_limited: snapshot.app_limited,
        })
    }
}

#[cfg(test)]
mod tests;
