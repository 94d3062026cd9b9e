//! Time: the timers of set-up and shutdown, and those of the rooms below.

use base::Instant;

use super::{Association, link::Health, state::State};
use crate::{CloseReason, Event};

/// The timers that set an association up and shut it down. Data, acknowledgements, heartbeats and the
/// search of the path have theirs in their rooms.
#[derive(Clone, Copy, Debug)]
pub(super) enum Timer {
    /// When INIT or COOKIE ECHO has waited too long: T1-init, T1-cookie (RFC 9260 §5.1).
    Setup,
    /// When SHUTDOWN or SHUTDOWN ACK has waited too long: T2-shutdown (RFC 9260 §9.2).
    Shutdown,
    /// When shutting down has taken too long altogether: T5-shutdown-guard (RFC 9260 §9.2).
    Guard,
    /// When what a poll did to messages is told: at once, but after the deadline that is being kept, and
    /// not in that poll.
    News,
}

impl Timer {
    pub(super) const COUNT: usize = 4;
}

impl Association {
    /// The deadline of [`Association::poll_timeout`] has come. An early call does nothing.
    pub fn handle_timeout(&mut self, now: Instant) {
        let now = self.advance(now);
        if self.timers.expire(Timer::Setup as usize, now) {
            self.on_setup_timeout();
        }
        if self.timers.expire(Timer::Guard as usize, now) {
            self.on_guard_timeout();
        }
        if self.timers.expire(Timer::Shutdown as usize, now) {
            self.on_shutdown_timeout();
        }
        if self.state.standing().is_some_and(|link| link.deadline().is_some_and(|at| at <= now)) {
            let health = self.state.standing().map(|link| link.handle_timeout(now));
            self.on_health(health.unwrap_or(Health::Fine));
            self.advance_shutdown();
            self.collect();
        }
        if self.timers.expire(Timer::News as usize, now) {
            self.collect();
        }
    }

    /// When [`Association::handle_timeout`] is to be called, if nothing arrives before.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        let link = match &self.state {
            // What was sent with the cookie is sent again with the cookie.
            State::CookieEchoed(_) => None,
            other => other.link().and_then(|link| link.deadline()),
        };
        self.timers.next().into_iter().chain(link).min()
    }

    /// Tells of what deadlines or answers said of the path.
    pub(super) fn on_health(&mut self, health: Health) {
        match health {
            Health::Fine => {}
            Health::Changed(is_active) => self.tell(Event::PathActive(is_active)),
            Health::Failed => self.end(CloseReason::Unreachable),
        }
    }

    /// Time never goes back: an earlier `now` counts as the latest one seen.
    pub(super) fn advance(&mut self, now: Instant) -> Instant {
        self.now = self.now.max(now);
        self.now
    }
}
