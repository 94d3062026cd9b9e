//! One allocation at a TURN server: how it comes about, is lost, and is made again.

use std::{
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use base::{Instant, Machine as _, Rng, StreamId};
use crypto::Provider;
use stun::wire::Code;
use turn::{Advice, AllocateFailure, Allocation, Client, ClientConfig, ClientEvent, Families};

use super::config::TurnServer;

/// Time until the first attempt after one that failed; each later one waits twice as long.
const FIRST_RETRY: Duration = Duration::from_secs(1);
/// Longest time between two attempts, so that a server that came back is noticed soon.
const LAST_RETRY: Duration = Duration::from_secs(5);
/// Attempts in a row that fail before the server is left alone, until the transport restarts or the
/// network changes.
const MAX_ATTEMPTS: u32 = 10;
/// For how long an allocation must have been there for its loss to be nothing but bad luck.
const STEADY: Duration = Duration::from_secs(10);
/// Local addresses that are tried when the server takes the first for somebody else's: RFC 8656 §7.4.
const MAX_MOVES: u8 = 2;
/// For how long to wait for a TCP connection to the server. The system sends SYNs 1, 3 and 7 s after the
/// first; another attempt is worth more than waiting on.
const CONNECT_PATIENCE: Duration = Duration::from_secs(5);

/// Most checks that wait for permissions, each for another address: as many as an agent paces out in four
/// tenths of a second. A check that is sent again takes the place of the last one.
const MAX_HELD: usize = 8;

/// An allocation for one socket at one server, with the client that has it made.
#[derive(Debug)]
pub(super) struct Relay {
    /// Names it, for good: the space of its stream numbers.
    pub(super) id: u32,
    pub(super) server: TurnServer,
    pub(super) component: u8,
    /// The socket that it is for.
    pub(super) base: SocketAddr,
    /// The local address it speaks from; the port means nothing over TCP.
    pub(super) local: SocketAddr,
    pub(super) client: Client,
    pub(super) phase: Phase,
    /// Whether its first attempt is over, so that gathering need not wait for it.
    pub(super) is_settled: bool,
    pub(super) failure: Option<AllocateFailure>,
    wish: turn::Allocate,
    /// Checks that wait for the permission to send to their peer.
    held: Vec<(SocketAddr, Vec<u8>)>,
    /// Connections of the client that were begun and not ended, as it numbers them.
    pub(super) streams: Vec<StreamId>,
    attempts: u32,
    moves: u8,
    /// Since when the allocation is there.
    live_since: Instant,
    /// The server is not to be asked before, whatever happens: RFC 8656 §7.4.
    not_before: Instant,
    provider: Provider,
    rng: Rng,
}

/// Where an allocation stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// It is asked for at this time.
    Waiting { at: Instant },
    /// The server was asked.
    Asking,
    /// It is there.
    Live(Allocation),
    /// It waits for a socket of its own.
    Moving,
    /// The server will not have us.
    GivenUp,
    /// It is being given back.
    Leaving,
    /// It was given back, or need not be.
    Gone,
}

/// What follows from an event of the client.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Consequence {
    Nothing,
    /// These relayed addresses are there.
    Gained(Allocation),
    /// These are no more.
    Lost(Allocation),
    /// It needs a socket of its own.
    NeedsSocket,
    /// This peer may be sent to.
    Permitted(IpAddr),
    /// A peer sent something by way of a stream to the server.
    Data {
        relayed: SocketAddr,
        peer: SocketAddr,
        payload: Vec<u8>,
    },
}

impl Relay {
    pub(super) fn new(
        id: u32,
        server: TurnServer,
        (component, base): (u8, SocketAddr),
        families: Families,
        (provider, rng): (Provider, Rng),
        at: Instant,
    ) -> Self {
        let client = client(&server, base, (provider, &rng), at);
        Self {
            id,
            server,
            component,
            base,
            local: base,
            client,
            phase: Phase::Waiting { at },
            is_settled: false,
            failure: None,
            wish: turn::Allocate { families, ..turn::Allocate::default() },
            held: Vec::new(),
            streams: Vec::new(),
            attempts: 0,
            moves: 0,
            live_since: at,
            not_before: at,
            provider,
            rng,
        }
    }

    /// Whether datagrams between these addresses may be its own.
    pub(super) fn speaks(&self, local: SocketAddr, remote: SocketAddr) -> bool {
        !self.server.transport.is_stream() && self.local == local && self.client.server() == remote
    }

    /// Whether it has this relayed address.
    pub(super) fn has(&self, relayed: SocketAddr) -> bool {
        match &self.phase {
            Phase::Live(allocation) => allocation.relayed().any(|address| address == relayed),
            _ => false,
        }
    }

    /// When it wants to act.
    pub(super) const fn deadline(&self) -> Option<Instant> {
        match self.phase {
            Phase::Waiting { at } => Some(at),
            _ => None,
        }
    }

    /// Asks the server, if it is time.
    pub(super) fn act(&mut self, now: Instant) {
        let Phase::Waiting { at } = self.phase else { return };
        if at > now {
            return;
        }
        self.phase = match self.client.allocate(now, self.wish) {
            Ok(()) => Phase::Asking,
            Err(_) => {
                self.is_settled = true;
                Phase::GivenUp
            }
        };
    }

    /// Tries at once what would have been tried later or not at all, and has the server say whether what
    /// there is is still there.
    pub(super) fn hurry(&mut self, now: Instant) {
        self.attempts = 0;
        match self.phase {
            Phase::Waiting { .. } | Phase::GivenUp => {
                self.phase = Phase::Waiting { at: now.max(self.not_before) };
            }
            Phase::Live(_) => self.client.verify(now),
            Phase::Asking | Phase::Moving | Phase::Leaving | Phase::Gone => {}
        }
    }

    /// Gives the allocation back.
    pub(super) fn leave(&mut self, now: Instant) {
        match self.phase {
            Phase::Live(_) | Phase::Asking => {
                self.phase = Phase::Leaving;
                self.client.release(now);
            }
            Phase::Leaving => {}
            Phase::Waiting { .. } | Phase::Moving | Phase::GivenUp | Phase::Gone => {
                self.phase = Phase::Gone;
            }
        }
    }

    /// It has got a socket of its own: begins anew as somebody whom the server does not know.
    pub(super) fn move_to(&mut self, now: Instant, local: SocketAddr) {
        self.local = local;
        self.moves += 1;
        let rng = self.rng.fork_numbered("move", u64::from(self.moves));
        self.client = client(&self.server, local, (self.provider, &rng), now);
        self.phase = Phase::Waiting { at: now };
    }

    /// Keeps a check until its peer may be sent to. False if too many wait.
    pub(super) fn hold(&mut self, peer: SocketAddr, payload: &[u8]) -> bool {
        if let Some(same) = self.held.iter_mut().find(|held| held.0 == peer) {
            same.1.clear();
            same.1.extend_from_slice(payload);
            return true;
        }
        if self.held.len() >= MAX_HELD {
            return false;
        }
        self.held.push((peer, payload.to_vec()));
        true
    }

    /// The checks that waited for this peer.
    pub(super) fn take_held(&mut self, peer: IpAddr) -> Vec<(SocketAddr, Vec<u8>)> {
        self.held.extract_if(.., |held| held.0.ip() == peer).collect()
    }

    /// There is no other socket for it.
    pub(super) fn stay(&mut self) {
        self.phase = Phase::GivenUp;
        self.is_settled = true;
    }

    /// What follows from the next event of the client.
    pub(super) fn next(&mut self, now: Instant) -> Option<Consequence> {
        let event = self.client.poll_event()?;
        Some(match event {
            ClientEvent::Allocated(allocation) if self.phase == Phase::Asking => {
                self.phase = Phase::Live(allocation);
                (self.live_since, self.is_settled, self.failure) = (now, true, None);
                Consequence::Gained(allocation)
            }
            ClientEvent::Failed(failure) => self.failed(now, failure),
            ClientEvent::Lost(_) => match std::mem::replace(&mut self.phase, Phase::Gone) {
                Phase::Live(allocation) => {
                    self.held.clear();
                    self.begin_again(now);
                    Consequence::Lost(allocation)
                }
                _ => Consequence::Nothing,
            },
            ClientEvent::Released => {
                self.phase = Phase::Gone;
                Consequence::Nothing
            }
            ClientEvent::Permitted { peer } => Consequence::Permitted(peer),
            ClientEvent::PermissionFailed { peer, .. } => {
                self.take_held(peer);
                Consequence::Nothing
            }
            ClientEvent::Data { relayed, peer, payload } => {
                Consequence::Data { relayed, peer, payload }
            }
            _ => Consequence::Nothing,
        })
    }

    /// RFC 8656 §7.4: what may be done depends on what went wrong.
    fn failed(&mut self, now: Instant, failure: AllocateFailure) -> Consequence {
        self.failure = Some(failure);
        if self.phase == Phase::Leaving {
            self.phase = Phase::Gone;
            return Consequence::Nothing;
        }
        let advice = failure.advice(false);
        // The next connection has a port of its own in any case.
        let can_move = !self.server.transport.is_stream() && self.moves < MAX_MOVES;
        if advice == Advice::OtherLocalAddress && can_move {
            self.phase = Phase::Moving;
            return Consequence::NeedsSocket;
        }
        self.is_settled = true;
        self.attempts += 1;
        let wait = match advice {
            Advice::After(wait) => {
                self.not_before = now + wait;
                wait
            }
            _ => self.backoff(),
        };
        let is_over = advice == Advice::GiveUp || self.attempts >= MAX_ATTEMPTS;
        self.phase = if is_over { Phase::GivenUp } else { Phase::Waiting { at: now + wait } };
        Consequence::Nothing
    }

    /// Asks for another allocation in place of one that was lost: at once, unless it was lost as soon as it
    /// was there, which may go on for ever.
    fn begin_again(&mut self, now: Instant) {
        if now.saturating_duration_since(self.live_since) >= STEADY {
            self.attempts = 0;
            self.phase = Phase::Waiting { at: now };
            return;
        }
        self.attempts += 1;
        self.phase = if self.attempts >= MAX_ATTEMPTS {
            Phase::GivenUp
        } else {
            Phase::Waiting { at: now + self.backoff() }
        };
    }

    /// How long to wait before the next attempt.
    fn backoff(&self) -> Duration {
        (FIRST_RETRY * (1 << self.attempts.min(8)) / 2).min(LAST_RETRY)
    }

    /// The socket that it has for itself, beside that of the base.
    pub(super) fn own_socket(&self) -> Option<SocketAddr> {
        (self.local != self.base).then_some(self.local)
    }

    /// The error code of the last failure, if the server gave one.
    pub(super) const fn code(&self) -> Option<Code> {
        match self.failure {
            Some(AllocateFailure::Request(stun::FailReason::Rejected(code))) => Some(code),
            _ => None,
        }
    }
}

fn client(
    server: &TurnServer,
    local: SocketAddr,
    (provider, rng): (Provider, &Rng),
    now: Instant,
) -> Client {
    let transport = server.transport.clone();
    let port = if transport.is_stream() { 0 } else { local.port() };
    let mut config = ClientConfig::new(provider, server.address, transport)
        .from_local(SocketAddr::new(local.ip(), port));
    config.credential.clone_from(&server.credential);
    config.timing = server.timing;
    config.connect_patience = CONNECT_PATIENCE;
    // A channel to every address that is checked would cost a transaction each; the transport binds
    // them to those that are used.
    config.auto_channels = false;
    Client::new(config, rng.fork("client"), now)
}
