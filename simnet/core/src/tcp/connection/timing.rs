//! When a connection has to be looked at.

use std::time::Duration;

use base::Instant;
use smoltcp::socket::tcp::State;

use super::{Connection, moment};

/// If smoltcp wants to be looked at again at once after it was, it has to wait for so long.
const PATIENCE: Duration = Duration::from_millis(1);
/// smoltcp's retransmission timer is never shorter than a second; its other timers are much shorter.
const LEAST_TIMEOUT: Duration = Duration::from_millis(900);

impl Connection {
    /// If smoltcp's retransmission timer is about to fire, shows it a window of one segment first: it
    /// would send the whole window again.
    pub(super) fn expect_timeout(&mut self, now: Instant) {
        let synchronized = !matches!(
            self.socket().state(),
            State::SynSent | State::SynReceived | State::Listen | State::Closed
        );
        let quiet = now.saturating_duration_since(self.progress) >= LEAST_TIMEOUT;
        if !(synchronized && quiet && self.socket().send_queue() > 0 && self.numbers.flight() > 0) {
            return;
        }
        let due = self.interface.poll_at(moment(now), &self.sockets);
        if due.is_none_or(|at| at > moment(now)) || self.owes_acknowledgment {
            return;
        }
        self.sender.time_out(now, &self.numbers);
        let window = self.sender.show(&self.numbers, false);
        if self.sender.shown != Some(window) {
            self.put_acknowledgment(window);
            self.take_in(now);
        }
    }

    /// Keeps time of what waits for an answer.
    pub(super) fn watch(&mut self, now: Instant) {
        let owed = self.socket().send_queue() > 0
            || matches!(
                self.socket().state(),
                State::SynSent
                    | State::SynReceived
                    | State::FinWait1
                    | State::Closing
                    | State::LastAck
            );
        self.waiting_since = if owed { self.waiting_since.or(Some(now)) } else { None };
    }

    pub(super) fn waiting_deadline(&self) -> Option<Instant> {
        let state = self.socket().state();
        let limit = match state {
            State::SynSent | State::SynReceived => self.config.connect_timeout,
            _ => self.config.user_timeout,
        };
        let waiting = self.waiting_since.map(|since| since + limit);
        let quiet = self.config.keep_alive.filter(|_| state == State::Established).map(|pause| {
            self.heard + pause.saturating_mul(self.config.keep_alive_probes.saturating_add(1))
        });
        waiting.or(quiet)
    }

    /// When [`poll`](Connection::poll) should be called.
    pub(in crate::tcp) fn deadline(&mut self, now: Instant) -> Option<Instant> {
        let at = self.interface.poll_at(moment(now), &self.sockets).map(|at| {
            let nanos = u64::try_from(at.total_micros()).unwrap_or(0).saturating_mul(1_000);
            let at = Instant::from_nanos(nanos);
            if at <= now { now + PATIENCE } else { at }
        });
        [at, self.waiting_deadline()].into_iter().flatten().min()
    }
}
