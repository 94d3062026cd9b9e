//! Timers, and what follows from them: RFC 9260 §6.3, RFC 8985 §7.

use std::time::Duration;

use base::Instant;

use super::{
    Detection, Forced, Probe, Sender,
    ring::{List, State},
};
use crate::{congestion::Control, path::Rtt};

/// A probe of the end of a burst never leaves sooner than this after it.
const MIN_PROBE: Duration = Duration::from_millis(10);

/// Doublings of the time between two probes of a shut window.
const MAX_PROBE_DOUBLINGS: u32 = 6;

/// Deadlines of the sender.
#[derive(Clone, Copy, Debug)]
pub(super) enum Timer {
    /// When what is outstanding has waited too long for an acknowledgement: T3-rtx (RFC 9260 §6.3).
    Retransmission,
    /// When what was overtaken is lost (RFC 8985 §6.2).
    Reordering,
    /// When the end of a burst is probed for (RFC 8985 §7.2).
    Probe,
    /// When a shut window is probed (RFC 9260 §6.1 A).
    Window,
    /// When the pacer lets the next packet go.
    Pacer,
    /// When the first waiting message is too old to be sent (RFC 3758 §4.1).
    Lifetime,
}

impl Timer {
    pub(super) const COUNT: usize = 6;
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
        if self.timers.expire(Timer::Lifetime as usize, now) {
            self.expire_messages(now);
        }
        if self.timers.expire(Timer::Window as usize, now) {
            self.forced = Some(Forced::Window);
            self.window_probes = self.window_probes.saturating_add(1);
        }
        if self.timers.expire(Timer::Reordering as usize, now) {
            self.detect_by_time(now, control, rtt);
        }
        if self.timers.expire(Timer::Probe as usize, now) {
            self.forced = Some(Forced::Probe);
            // RFC 8985 §7.3: the timeout waits for what the probe brings.
            self.timers.set(Timer::Retransmission as usize, now + rtt.rto());
        }
        if self.timers.expire(Timer::Retransmission as usize, now) {
            return self.on_retransmission_timer(now, control, rtt);
        }
        Expired::default()
    }

    fn on_retransmission_timer(
        &mut self,
        now: Instant,
        control: &mut Control,
        rtt: &mut Rtt,
    ) -> Expired {
        self.counters.timeouts += 1;
        self.timers.stop(Timer::Reordering as usize);
        self.timers.stop(Timer::Probe as usize);
        // RFC 9260 §6.1 A: a window that stays shut says nothing about the network or the peer, as long as
        // the peer keeps saying so.
        let is_window_probe = self.window_probes > 0 && self.heard_since_timeout;
        self.heard_since_timeout = false;
        if self.flight.is_empty() && self.lost.is_empty() {
            // All that is outstanding was acknowledged by gap blocks, or given up. Whoever does not move on
            // has thrown it away, or not got the FORWARD TSN.
            self.take_back_all();
        } else if is_window_probe {
            self.lose_all(now, control);
        } else {
            // RFC 9260 §6.3.3 E1, E3.
            self.lose_all(now, control);
            self.begin_timeout(now, control);
        }
        self.probe = None;
        self.forced = Some(Forced::Timeout);
        self.remind_of_forward();
        // RFC 9260 §6.3.3 E2.
        rtt.back_off();
        self.timers.set(Timer::Retransmission as usize, now + rtt.rto());
        Expired { is_error: !is_window_probe }
    }

    /// Everything in flight is held to be lost, and goes again in the order of its numbers. The cost is
    /// that of what is outstanding, paid once a timeout, each of which waits twice as long as the last.
    fn lose_all(&mut self, now: Instant, control: &mut Control) {
        (self.flight, self.lost) = (List::default(), List::default());
        (self.in_flight, self.flight_payload) = (0, 0);
        let mut given_up = std::mem::take(&mut self.missed);
        for place in self.ring.base()..self.ring.next() {
            let Some(slot) = self.ring.get_mut(place) else { continue };
            let state = slot.state;
            if !matches!(state, State::Flying | State::Lost) {
                continue;
            }
            slot.state = State::Lost;
            let (payload, snapshot) = (slot.payload.len(), slot.snapshot);
            if state == State::Flying {
                control.on_lost(self.chunk_size(payload) as u64, &snapshot);
            }
            self.ring.append(&mut self.lost, place);
            if self.is_to_give_up(now, place) {
                given_up.push(place);
            }
        }
        for place in given_up.drain(..) {
            self.give_up_chunk(place);
        }
        self.missed = given_up;
    }

    fn take_back_all(&mut self) {
        self.scoreboard.clear();
        for place in self.ring.base()..self.ring.next() {
            self.take_back(place);
        }
    }

    /// RFC 9260 §6.3.2 R1: a packet left. The timer runs, and begins anew if the oldest chunk went again.
    pub(super) fn arm_after_sending(&mut self, now: Instant, has_oldest: bool, rtt: &Rtt) {
        self.timers.stop(Timer::Pacer as usize);
        self.timers.stop(Timer::Window as usize);
        if has_oldest || self.timers.get(Timer::Retransmission as usize).is_none() {
            self.timers.set(Timer::Retransmission as usize, now + rtt.rto());
        }
        self.arm_probe(now, rtt);
    }

    /// RFC 9260 §6.3.2 R2, R3: the oldest chunk was acknowledged.
    pub(super) fn arm_after_progress(&mut self, now: Instant, rtt: &Rtt) {
        if self.ring.is_empty() {
            self.timers.stop(Timer::Retransmission as usize);
        } else {
            self.timers.set(Timer::Retransmission as usize, now + rtt.rto());
        }
    }

    /// RFC 8985 §7.2: if nothing else would tell that the end of what was sent is lost, a probe will.
    pub(super) fn arm_probe(&mut self, now: Instant, rtt: &Rtt) {
        self.timers.stop(Timer::Probe as usize);
        let is_tail = self.config.detection == Detection::Rack
            && !self.flight.is_empty()
            && self.lost.is_empty()
            && self.scoreboard.is_empty()
            && self.probe.is_none()
            && self.window_probes == 0
            && !self.recovery.is_repairing();
        let Some(smoothed) = rtt.smoothed() else { return };
        let due = now + smoothed.saturating_mul(2).max(MIN_PROBE);
        let timeout = self.timers.get(Timer::Retransmission as usize);
        if is_tail && timeout.is_none_or(|timeout| due < timeout) {
            self.timers.set(Timer::Probe as usize, due);
        }
    }

    /// RFC 9260 §6.1 A: something waits, nothing is outstanding and the peer has no room: it is asked
    /// after a timeout, then after twice that, and so on.
    pub(super) fn arm_window_probe(&mut self, now: Instant, rtt: &Rtt) {
        if self.timers.get(Timer::Window as usize).is_none() {
            let doublings = self.window_probes.min(MAX_PROBE_DOUBLINGS);
            let wait = rtt.rto().saturating_mul(1 << doublings);
            self.timers.set(Timer::Window as usize, now + wait);
        }
    }

    /// A probe of the end of a burst left: chunk `repeated` again, or new ones if that is 0.
    pub(super) fn note_probe(&mut self, repeated: u64) {
        self.probe = Some(Probe { end: self.ring.next() - 1, repeated });
    }

    /// The timer runs.
    pub(super) fn run_timer(&mut self, now: Instant, rtt: &Rtt) {
        if self.timers.get(Timer::Retransmission as usize).is_none() {
            self.timers.set(Timer::Retransmission as usize, now + rtt.rto());
        }
    }

    /// RFC 8985 §7.4: what came of the probe. If only the copy arrived, the original was lost, and that
    /// is congestion like any other loss.
    pub(super) fn judge_probe(&mut self, now: Instant, was_repaired: bool, control: &mut Control) {
        let Some(probe) = self.probe else { return };
        if was_repaired {
            self.probe = None;
            if !self.recovery.is_repairing() {
                control.on_recovery_start(now, self.in_flight);
                control.on_recovery_end();
            }
        } else if self.ring.base() > probe.end {
            self.probe = None;
        }
    }
}
