//! One base and one server.

use std::{
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use base::Instant;
use stun::{
    Due, Message, Retransmission,
    wire::{
        AttributeType, Check, Class, Code, ErrorCode, MappedAddress, TransactionId,
        XorMappedAddress,
    },
};

use super::GatherConfig;

/// The longest reason phrase kept, in bytes: RFC 8489 §14.8 allows fewer than 128 characters.
const MAX_TEXT: usize = 128;

/// What the gatherer knows about a base and a server.
#[derive(Debug)]
pub(super) struct Probe {
    pub(super) base: SocketAddr,
    pub(super) server: SocketAddr,
    pub(super) state: State,
    /// Whether the request is to be sent, for the first time or again.
    pub(super) is_due: bool,
    /// What the server said last in this generation.
    mapped: Option<SocketAddr>,
}

#[derive(Debug)]
pub(super) enum State {
    /// To be asked when the pace allows it, from `since` on.
    Waiting { since: Instant },
    /// Asked.
    InFlight { id: TransactionId, timer: Retransmission, give_up: Instant },
    /// Not answered, or with an error; not asked again.
    Failed,
    /// Answered, and not asked again.
    Settled,
}

/// What a response amounts to.
pub(super) enum Outcome {
    Mapped(SocketAddr),
    Failed { code: u16, text: String },
}

impl Probe {
    pub(super) const fn new(base: SocketAddr, server: SocketAddr) -> Self {
        let state = State::Waiting { since: Instant::ZERO };
        Self { base, server, state, is_due: false, mapped: None }
    }

    pub(super) const fn reset(&mut self) {
        *self = Self::new(self.base, self.server);
    }

    pub(super) const fn settle(&mut self) {
        if !matches!(self.state, State::Failed) {
            self.state = State::Settled;
        }
        self.is_due = false;
    }

    pub(super) fn start(
        &mut self,
        now: Instant,
        id: TransactionId,
        rto: Duration,
        config: &GatherConfig,
    ) {
        let timer = Retransmission::start(now, rto, &config.timing);
        self.state = State::InFlight { id, timer, give_up: now + config.patience };
        self.is_due = true;
    }

    /// Takes the answer in; whether it says something new.
    pub(super) fn answered(
        &mut self,
        now: Instant,
        mapped: SocketAddr,
        keepalive: Duration,
    ) -> bool {
        self.wait_until(now + keepalive);
        self.mapped.replace(mapped) != Some(mapped)
    }

    /// Takes a failure in; whether nothing is known of the server for this base. A server that
    /// answered before is asked again at the next turn.
    pub(super) fn failed(&mut self, now: Instant, keepalive: Duration) -> bool {
        let is_first = self.mapped.is_none() && !matches!(self.state, State::Failed);
        match self.mapped {
            Some(_) if !matches!(self.state, State::Settled) => self.wait_until(now + keepalive),
            Some(_) => {}
            None => {
                self.state = State::Failed;
                self.is_due = false;
            }
        }
        is_first
    }

    const fn wait_until(&mut self, since: Instant) {
        self.state = State::Waiting { since };
        self.is_due = false;
    }

    /// Does what is due; whether the request was given up.
    pub(super) fn expire(&mut self, now: Instant, keepalive: Duration) -> bool {
        let State::InFlight { timer, give_up, .. } = &mut self.state else {
            return false;
        };
        let is_over = now >= *give_up;
        match timer.expire(now) {
            _ if is_over => {}
            Due::GiveUp => {}
            Due::Send => {
                self.is_due = true;
                return false;
            }
            Due::Nothing => return false,
        }
        self.failed(now, keepalive);
        true
    }

    pub(super) fn deadline(&self, next_slot: Instant) -> Option<Instant> {
        match &self.state {
            State::Waiting { since } => Some((*since).max(next_slot)),
            State::InFlight { timer, give_up, .. } => Some(timer.deadline().min(*give_up)),
            State::Failed | State::Settled => None,
        }
    }

    pub(super) fn asked_with(&self, wanted: TransactionId) -> bool {
        matches!(self.state, State::InFlight { id, .. } if id == wanted)
    }

    pub(super) fn is_waiting(&self, now: Instant) -> bool {
        matches!(self.state, State::Waiting { since } if since <= now)
    }

    /// Whether its first answer is still to come.
    pub(super) const fn is_open(&self) -> bool {
        self.mapped.is_none()
            && matches!(self.state, State::Waiting { .. } | State::InFlight { .. })
    }

    pub(super) const fn is_failed(&self) -> bool {
        matches!(self.state, State::Failed)
    }

    pub(super) const fn mapped(&self) -> Option<SocketAddr> {
        self.mapped
    }
}

/// What the response says; `None` if it is damaged, and another may come.
pub(super) fn outcome(message: &Message<'_>) -> Option<Outcome> {
    if message.check_fingerprint() == Check::Failed {
        return None;
    }
    let failed = |code: Code, text: &str| {
        let (text, _) = text.split_at(text.floor_char_boundary(MAX_TEXT));
        Outcome::Failed { code: code.number(), text: text.to_owned() }
    };
    // RFC 8445 §5.1.1.2: ALTERNATE-SERVER is not followed; a response that has it is an error.
    if message.class() == Class::Error {
        let error = message.get::<ErrorCode<'_>>()?;
        return Some(failed(error.code, error.reason));
    }
    if message.has_not_understood(AttributeType::is_known) {
        return Some(failed(Code::UNKNOWN_ATTRIBUTE, "response not understood"));
    }
    let xored = message.get::<XorMappedAddress>().map(|found| found.0);
    // Servers older than the cookie send the address as it is: RFC 8489 §11.
    let mapped = xored.or_else(|| message.get::<MappedAddress>().map(|found| found.0));
    Some(match mapped.filter(is_plausible) {
        Some(mapped) => Outcome::Mapped(mapped),
        None => failed(Code::BAD_REQUEST, "response without a usable address"),
    })
}

/// Whether somebody could be seen at the address.
fn is_plausible(mapped: &SocketAddr) -> bool {
    let is_single = match mapped.ip() {
        IpAddr::V4(ip) => !(ip.is_unspecified() || ip.is_multicast() || ip.is_broadcast()),
        IpAddr::V6(ip) => !(ip.is_unspecified() || ip.is_multicast()),
    };
    is_single && mapped.port() != 0
}
