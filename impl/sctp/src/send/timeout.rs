//! Timers, and what follows from them: RFC 9260 §6.3.

use base::Instant;

use super::{Sender, ring::State};
use crate::{congestion::Control, path::Rtt};

/// Deadlines of the sender.
#[derive(Clone, Copy, Debug)]
pub(super) enum Timer {
    /// When what is outstanding has waited too long for an acknowledgement: T3-rtx (RFC 9260 §6.3).
    Retransmission,
    /// When the pacer lets the next packet go.
    Pacer,
}

impl Timer {
    pub(super) const COUNT: usize = 2;
}

/// What a deadline brought.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Expired {
    /// Whether the peer was silent for a retransmission timeout, which counts against it
    /// (RFC 9260 §8.1).
    pub(crate) is_error: bool,
}

impl Sender {
    /// The deadline has come. An early call does nothing.
    pub(crate) fn handle_timeout(
        &mut self,
        now: Instant,
        control: &mut Control,
        rtt: &mut Rtt,
    ) -> Expired {
        self.timers.expire(Timer::Pacer as usize, now);
        if !self.timers.expire(Timer::Retransmission as usize, now) {
            return Expired::default();
        }
        self.counters.timeouts += 1;
        self.lose_all(control);
        // RFC 9260 §6.3.3 E1, E2.
        control.on_timeout(now);
        rtt.back_off();
        self.timers.set(Timer::Retransmission as usize, now + rtt.rto());
        Expired { is_error: true }
    }

    /// Everything in flight is held to be lost, and goes again in the order of its numbers
    /// (RFC 9260 §6.3.3 E3).
    fn lose_all(&mut self, control: &mut Control) {
        self.flight = super::List::default();
        self.lost = super::List::default();
        for place in self.ring.base()..self.ring.next() {
            let Some(slot) = self.ring.get_mut(place) else { continue };
            if !matches!(slot.state, State::Flying | State::Lost) {
                continue;
            }
            let was_flying = std::mem::replace(&mut slot.state, State::Lost) == State::Flying;
            let (payload, snapshot) = (slot.payload.len(), slot.snapshot);
            if was_flying {
                let size = self.chunk_size(payload) as u64;
                self.in_flight -= size;
                self.flight_payload -= payload as u64;
                control.on_lost(size, &snapshot);
            }
            self.ring.append(&mut self.lost, place);
        }
    }

    /// RFC 9260 §6.3.2 R1: a packet left. The timer runs, and begins anew if the oldest chunk went again.
    pub(super) fn arm_after_sending(&mut self, now: Instant, has_oldest: bool, rtt: &Rtt) {
        self.timers.stop(Timer::Pacer as usize);
        if has_oldest || self.timers.get(Timer::Retransmission as usize).is_none() {
            self.timers.set(Timer::Retransmission as usize, now + rtt.rto());
        }
    }

    /// RFC 9260 §6.3.2 R2, R3: the oldest chunk was acknowledged.
    pub(super) fn arm_after_progress(&mut self, now: Instant, rtt: &Rtt) {
        if self.ring.is_empty() {
            self.timers.stop(Timer::Retransmission as usize);
        } else {
            self.timers.set(Timer::Retransmission as usize, now + rtt.rto());
        }
    }
}
