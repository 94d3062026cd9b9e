//! Whether the path is alive: heartbeats and the count of what was not answered, RFC 9260 §8.

use std::time::Duration;

use base::{Instant, Rng};

use super::Rtt;

/// How a path is watched.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HeartbeatConfig {
    /// Added to the retransmission timeout between heartbeats of an idle path; `None` sends none.
    pub(crate) interval: Option<Duration>,
    /// Errors in a row after which the path counts as unreachable.
    pub(crate) path_max_errors: u32,
    /// Errors in a row after which the association ends.
    pub(crate) association_max_errors: u32,
}

/// What a HEARTBEAT carries and its acknowledgement brings back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct HeartbeatInfo {
    /// When it left, in nanoseconds.
    pub(crate) sent_at: u64,
    /// What only the peer that got it can know.
    pub(crate) nonce: u64,
}

impl HeartbeatInfo {
    /// Bytes of the information field.
    pub(crate) const SIZE: usize = 16;

    /// The information field.
    pub(crate) fn to_bytes(self) -> [u8; Self::SIZE] {
        ((u128::from(self.sent_at) << 64) | u128::from(self.nonce)).to_be_bytes()
    }

    /// Reads an information field; `None` if it cannot be one of ours.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let all = u128::from_be_bytes(bytes.try_into().ok()?);
        let low = u64::MAX;
        let part = |value: u128| u64::try_from(value & u128::from(low)).unwrap_or(low);
        Some(Self { sent_at: part(all >> 64), nonce: part(all) })
    }
}

/// Heartbeats of an idle path, and errors in a row.
#[derive(Debug)]
pub(crate) struct Heartbeats {
    config: HeartbeatConfig,
    rng: Rng,
    running: bool,
    /// When the path has been idle for long enough.
    idle_at: Option<Instant>,
    /// When the heartbeat that is under way counts as unanswered.
    answer_by: Option<Instant>,
    under_way: Option<HeartbeatInfo>,
    due: bool,
    errors: u32,
}

impl Heartbeats {
    pub(crate) fn new(config: HeartbeatConfig, rng: Rng) -> Self {
        Self {
            config,
            rng,
            running: false,
            idle_at: None,
            answer_by: None,
            under_way: None,
            due: false,
            errors: 0,
        }
    }

    /// The association is established.
    pub(crate) fn start(&mut self, now: Instant, rtt: &Rtt) {
        self.running = true;
        self.errors = 0;
        self.rest(now, rtt);
    }

    /// The association shuts down: no more heartbeats (RFC 9260 §8.3).
    pub(crate) fn stop(&mut self) {
        self.running = false;
        self.idle_at = None;
        self.answer_by = None;
        self.under_way = None;
        self.due = false;
    }

    /// Something left whose answer measures the round trip: the path is not idle.
    pub(crate) fn on_activity(&mut self, now: Instant, rtt: &Rtt) {
        // Only what would move the deadline by a noticeable part of it costs a draw of the dice.
        let Some(idle_at) = self.idle_at else { return };
        let wait = self.config.interval.unwrap_or_default() + rtt.rto() / 2;
        if now + wait > idle_at {
            self.rest(now, rtt);
        }
    }

    /// When to call [`handle_timeout`](Self::handle_timeout).
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.idle_at.into_iter().chain(self.answer_by).min()
    }

    /// The deadline has come: an unanswered heartbeat counts as an error, an idle path gets one.
    pub(crate) fn handle_timeout(&mut self, now: Instant, rtt: &mut Rtt) {
        if self.answer_by.is_some_and(|at| at <= now) {
            self.answer_by = None;
            self.under_way = None;
            self.on_error();
            rtt.back_off();
        }
        if self.idle_at.is_some_and(|at| at <= now) {
            self.due = true;
            self.rest(now, rtt);
        }
    }

    /// Asks for a heartbeat now, whatever the interval says.
    pub(crate) fn request(&mut self) {
        self.due = self.running;
    }

    /// Whether a heartbeat waits to leave.
    pub(crate) fn is_due(&self) -> bool {
        self.due
    }

    /// The heartbeat to send now, if one is due.
    pub(crate) fn poll(&mut self, now: Instant, rtt: &Rtt) -> Option<HeartbeatInfo> {
        if !std::mem::take(&mut self.due) {
            return None;
        }
        let info = HeartbeatInfo { sent_at: now.as_nanos(), nonce: self.rng.public_u64() };
        self.under_way = Some(info);
        self.answer_by = Some(now + rtt.rto());
        Some(info)
    }

    /// A heartbeat was acknowledged; the round trip it shows. One that is not ours, or comes again, shows
    /// nothing.
    pub(crate) fn on_ack(&mut self, now: Instant, info: HeartbeatInfo) -> Option<Duration> {
        if self.under_way != Some(info) {
            return None;
        }
        self.under_way = None;
        self.answer_by = None;
        self.on_alive();
        Some(now.saturating_duration_since(Instant::from_nanos(info.sent_at)))
    }

    /// Something was not answered in time: a heartbeat, or data when the retransmission timer fired
    /// (RFC 9260 §8.1, §8.2).
    pub(crate) fn on_error(&mut self) {
        self.errors = self.errors.saturating_add(1);
    }

    /// The peer acknowledged something: the count begins anew.
    pub(crate) fn on_alive(&mut self) {
        self.errors = 0;
    }

    /// Errors in a row.
    pub(crate) fn errors(&self) -> u32 {
        self.errors
    }

    /// Whether the path counts as reachable (RFC 9260 §8.2).
    pub(crate) fn is_reachable(&self) -> bool {
        self.errors <= self.config.path_max_errors
    }

    /// Whether the peer counts as gone (RFC 9260 §8.1).
    pub(crate) fn is_failed(&self) -> bool {
        self.errors > self.config.association_max_errors
    }

    /// Begins an idle period, jittered by half the timeout to both sides (RFC 9260 §8.3).
    fn rest(&mut self, now: Instant, rtt: &Rtt) {
        let Some(interval) = self.config.interval.filter(|_| self.running) else {
            self.idle_at = None;
            return;
        };
        let rto = rtt.rto();
        let nanos = u64::try_from(rto.as_nanos()).unwrap_or(u64::MAX);
        let jitter = Duration::from_nanos(self.rng.public_below(nanos));
        self.idle_at = Some(now + interval + rto / 2 + jitter);
    }
}

#[cfg(test)]
mod tests;
