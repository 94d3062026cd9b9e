//! The client: an allocation, what is done with it, and what keeps it.

mod allocating;
mod channels;
mod config;
mod connections;
mod event;
mod permissions;
mod relaying;
mod requests;
mod stats;
mod streams;

use std::{
    collections::VecDeque,
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use base::{
    Datagram, Instant, Machine, Rng, SocketError, StreamCommand, StreamId, StreamInput, Transmit,
};
use stun::{Credential, FailReason};

pub use channels::MAX_CHANNELS;
pub use config::{Allocate, AllocateError, ClientConfig, Families, PortWish, Relay, Transport};
pub use connections::{ConnectionId, MAX_CONNECTING, MAX_CONNECTIONS};
pub use event::{Advice, AllocateFailure, Allocation, ClientEvent, DisconnectReason, LostReason};
pub use permissions::MAX_PERMISSIONS;
pub use relaying::{Outgoing, Received, SendError};
pub use stats::{ClientDrop, ClientDrops, ClientStats};
pub use streams::MAX_UNSENT;

use self::{
    allocating::{Ending, Live},
    permissions::Standing,
    requests::{Asked, Purpose},
    streams::Control,
};
use crate::Channel;

/// Most events that wait to be asked for; a caller that asks after everything it tells the client
/// never sees it reached. What peers send is dropped first.
pub const MAX_EVENTS: usize = 4_096;

/// A client of one TURN server.
///
/// One client is one 5-tuple: one local address, one server, one transport. It has one allocation at a
/// time, of one relayed address or of one for each family.
///
/// Permissions are asked for again after 3.5 minutes of the 5 they hold, channels after 8 minutes of 10,
/// the allocation 2 minutes before it ends, or when half its time is over if that is less. What the layer
/// above named is kept until it says otherwise; what the client asked for by itself, because something
/// was to be sent, is kept as long as it is used.
///
/// ```
/// use base::{Instant, Machine, Rng};
/// use turn::{Allocate, Client, ClientConfig, Transport};
///
/// let server = "192.0.2.1:3478".parse().unwrap();
/// let config = ClientConfig::new(crypto::Provider::default(), server, Transport::Udp)
///     .with_credential(stun::Credential::long_term("user", "password").unwrap());
/// let mut client = Client::new(config, Rng::from_seed([1; 32]), Instant::ZERO);
/// client.allocate(Instant::ZERO, Allocate::default()).unwrap();
/// let transmit = client.poll_transmit(Instant::ZERO, &mut Vec::new()).unwrap();
/// assert_eq!(transmit.destination, server);
/// ```
#[derive(Debug)]
pub struct Client {
    config: ClientConfig,
    stun: stun::Client,
    rng: Rng,
    now: Instant,
    /// Where the client is now; another than the configured one after a redirection.
    server: SocketAddr,
    transport: Transport,
    state: State,
    /// The connection to the server, over TCP and TLS.
    control: Option<Control>,
    asked: Vec<Asked>,
    /// Servers that were asked for the allocation, and when: RFC 8489 §10.
    visited: Vec<(SocketAddr, Instant)>,
    commands: VecDeque<StreamCommand>,
    events: VecDeque<ClientEvent>,
    next_stream: u64,
    /// When the server was last sent something, for the keep-alive.
    sent_at: Instant,
    stats: ClientStats,
}

/// What there is of an allocation.
#[derive(Debug)]
enum State {
    /// Nothing.
    Idle,
    /// The connection to the server is being opened.
    Connecting { wish: Allocate, deadline: Instant, connections: u8 },
    /// The server was asked.
    Allocating { wish: Allocate, is_unwanted: bool, connections: u8 },
    /// There is one.
    Live(Box<Live>),
    /// It is being deleted.
    Releasing { ending: Ending },
}

/// Why the client does not talk to a peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PeerError {
    /// There is no allocation, or it relays something else.
    #[error("no allocation for this")]
    NoAllocation,
    /// The allocation has no address of the peer's family: RFC 8656 §10.1, §12.1.
    #[error("no relayed address of the peer's family")]
    Family,
    /// There are as many permissions, channels or connections as may be.
    #[error("too many peers")]
    TooMany,
    /// There is a connection to the peer, or one is being made: RFC 6062 §4.3.
    #[error("there is a connection to this peer")]
    Connected,
    /// The last attempt failed less than ten seconds ago: RFC 6062 §4.3.
    #[error("too soon after the last attempt")]
    TooSoon,
    /// No such attempt or connection.
    #[error("no such connection")]
    Unknown,
}

impl Client {
    /// A client that has nothing yet.
    #[must_use]
    pub fn new(config: ClientConfig, rng: Rng, now: Instant) -> Self {
        let stun = stun::Client::new(requests::stun_config(&config), rng.fork("stun"), now);
        Self {
            stun,
            rng: rng.fork("indications"),
            now,
            server: config.server,
            transport: config.transport.clone(),
            config,
            state: State::Idle,
            control: None,
            asked: Vec::new(),
            visited: Vec::new(),
            commands: VecDeque::new(),
            events: VecDeque::new(),
            next_stream: 0,
            sent_at: now,
            stats: ClientStats::default(),
        }
    }

    /// Asks for an allocation. [`ClientEvent::Allocated`] or [`ClientEvent::Failed`] will tell what came
    /// of it, or [`ClientEvent::Released`] if it is released before.
    ///
    /// # Errors
    ///
    /// `AllocateError` if there is one, or the wish makes no sense.
    pub fn allocate(&mut self, now: Instant, wish: Allocate) -> Result<(), AllocateError> {
        let now = self.advance(now);
        if !matches!(self.state, State::Idle) {
            return Err(AllocateError::Busy);
        }
        if !wish.is_possible(&self.transport) {
            return Err(AllocateError::Contradiction);
        }
        self.begin_allocating(now, wish)
    }

    /// Lets datagrams to and from an address through, from any port, and keeps the permission. Reported
    /// by [`ClientEvent::Permitted`] or [`ClientEvent::PermissionFailed`], unless it is there already.
    ///
    /// # Errors
    ///
    /// `PeerError` if there is no allocation for this peer, or there are too many permissions.
    pub fn permit(&mut self, now: Instant, peer: IpAddr) -> Result<(), PeerError> {
        let now = self.advance(now);
        let live = self.live_for(peer)?;
        if !live.permissions.want(now, peer, true) {
            return Err(PeerError::TooMany);
        }
        self.pump(now);
        Ok(())
    }

    /// Lets the permission for an address lapse: it is over within five minutes.
    pub fn forbid(&mut self, now: Instant, peer: IpAddr) {
        self.advance(now);
        if let State::Live(live) = &mut self.state {
            live.permissions.unwant(peer);
        }
    }

    /// Binds a channel to a peer, and keeps it and the permission. Reported by
    /// [`ClientEvent::ChannelBound`] or [`ClientEvent::ChannelFailed`], unless it is there already.
    ///
    /// # Errors
    ///
    /// `PeerError` if there is no allocation of datagrams for this peer, or there are too many channels.
    pub fn bind_channel(&mut self, now: Instant, peer: SocketAddr) -> Result<(), PeerError> {
        let now = self.advance(now);
        let live = self.live_for(peer.ip())?;
        if live.wish.relay == Relay::Tcp {
            return Err(PeerError::NoAllocation);
        }
        if !live.permissions.want(now, peer.ip(), true) || !live.channels.want(now, peer, true) {
            return Err(PeerError::TooMany);
        }
        self.pump(now);
        Ok(())
    }

    /// Lets the channel to a peer lapse: it is over within ten minutes.
    pub fn unbind_channel(&mut self, now: Instant, peer: SocketAddr) {
        self.advance(now);
        if let State::Live(live) = &mut self.state {
            live.channels.unwant(peer);
        }
    }

    /// Gives the allocation back. [`ClientEvent::Released`] tells when that is done; there is none if
    /// there is nothing to give back.
    pub fn release(&mut self, now: Instant) {
        let now = self.advance(now);
        self.begin_releasing(now);
    }

    /// Is somebody else from now on: a new access token, a new time-limited credential. The allocation
    /// is refreshed with it at once (RFC 7635 §9).
    pub fn set_credential(&mut self, now: Instant, credential: Credential) {
        let now = self.advance(now);
        self.stun.set_credential(now, Some(credential.clone()));
        self.config.credential = Some(credential);
        if let State::Live(live) = &mut self.state {
            live.permissions.forgive(now);
            if !self.asked.iter().any(|asked| asked.purpose == Purpose::Refresh) {
                live.refresh_at = Some(now);
            }
        }
        self.tick(now);
    }

    /// Asks the server whether the allocation is still there, because the layer above has reason to doubt
    /// it: peers fell silent, say, or the network changed. Not more than once in a few seconds. Over TCP
    /// and TLS the allocation is taken for lost as well if no answer comes within
    /// [`ClientConfig::connect_patience`].
    pub fn verify(&mut self, now: Instant) {
        let now = self.advance(now);
        self.expect_answer(now);
        self.doubt(now);
    }

    /// The allocation, if there is one.
    #[must_use]
    pub fn allocation(&self) -> Option<&Allocation> {
        match &self.state {
            State::Live(live) => Some(&live.allocation),
            State::Idle
            | State::Connecting { .. }
            | State::Allocating { .. }
            | State::Releasing { .. } => None,
        }
    }

    /// The server the client talks to; another than the configured one after a redirection.
    #[must_use]
    pub const fn server(&self) -> SocketAddr {
        self.server
    }

    /// Whether an address may be sent to.
    #[must_use]
    pub fn is_permitted(&self, now: Instant, peer: IpAddr) -> bool {
        let now = self.now.max(now);
        match &self.state {
            State::Live(live) => live.permissions.standing(now, peer) == Standing::Granted,
            _ => false,
        }
    }

    /// The channel that is bound to a peer.
    #[must_use]
    pub fn channel(&self, now: Instant, peer: SocketAddr) -> Option<Channel> {
        let now = self.now.max(now);
        match &self.state {
            State::Live(live) => live.channels.bound(now, peer),
            _ => None,
        }
    }

    /// What the client has done so far.
    #[must_use]
    pub fn stats(&self) -> ClientStats {
        ClientStats { stun: self.stun.stats(), ..self.stats }
    }

    /// Takes `now` for the present, unless it is past.
    fn advance(&mut self, now: Instant) -> Instant {
        self.now = self.now.max(now);
        self.now
    }

    /// The allocation, if it has an address of the peer's family.
    fn live_for(&mut self, peer: IpAddr) -> Result<&mut Live, PeerError> {
        match &mut self.state {
            State::Live(live) if live.allocation.relayed_for(peer).is_some() => Ok(live),
            State::Live(_) => Err(PeerError::Family),
            _ => Err(PeerError::NoAllocation),
        }
    }

    /// Reports what must be known.
    fn report(&mut self, event: ClientEvent) {
        self.events.push_back(event);
    }

    /// Reports what may be lost when nobody asks for events. False if it was.
    fn report_if_room(&mut self, event: ClientEvent) -> bool {
        if self.events.len() >= MAX_EVENTS {
            self.stats.dropped.count(ClientDrop::QueueFull);
            return false;
        }
        self.events.push_back(event);
        true
    }

    fn new_stream(&mut self) -> StreamId {
        self.next_stream += 1;
        StreamId::own(self.next_stream - 1)
    }
}

impl Machine for Client {
    type Event = ClientEvent;

    /// As [`Client::receive`]; data becomes [`ClientEvent::Data`].
    fn handle_datagram(&mut self, now: Instant, datagram: Datagram<'_>) {
        if let Received::Data { relayed, peer, range } = self.receive(now, datagram) {
            let payload = datagram.payload.get(range).unwrap_or_default().to_vec();
            self.report_if_room(ClientEvent::Data { relayed, peer, payload });
        }
    }

    fn handle_socket_error(&mut self, now: Instant, error: SocketError) {
        let now = self.advance(now);
        if error.remote != self.server || self.transport.is_stream() {
            return;
        }
        self.stun.handle_socket_error(now, error);
        self.digest(now);
        if error.kind.is_hard() {
            self.doubt(now);
        }
    }

    fn handle_stream(&mut self, now: Instant, input: StreamInput<'_>) {
        let now = self.advance(now);
        self.hear_stream(now, input);
        self.digest(now);
    }

    fn handle_timeout(&mut self, now: Instant) {
        let now = self.advance(now);
        self.stun.handle_timeout(now);
        self.digest(now);
        self.tick(now);
    }

    fn poll_transmit(&mut self, now: Instant, buffer: &mut Vec<u8>) -> Option<Transmit> {
        if self.transport.is_stream() {
            return None;
        }
        self.stun.poll_transmit(now, buffer)
    }

    fn poll_stream(&mut self, now: Instant, buffer: &mut Vec<u8>) -> Option<StreamCommand> {
        self.next_stream_command(now, buffer)
    }

    fn poll_event(&mut self) -> Option<Self::Event> {
        self.events.pop_front()
    }

    fn poll_timeout(&self) -> Option<Instant> {
        [self.stun.poll_timeout(), self.deadline()].into_iter().flatten().min()
    }
}

/// How long a failure that may pass is waited for before the next attempt.
fn retry_after(reason: FailReason) -> Duration {
    match reason {
        // Nearly 40 s are over already.
        FailReason::TimedOut => Duration::from_secs(1),
        FailReason::Rejected(_) => Duration::from_secs(30),
        _ => Duration::from_secs(5),
    }
}

/// Whether a failure says nothing about what was asked: the next attempt may succeed.
fn may_pass(reason: FailReason) -> bool {
    match reason {
        FailReason::TimedOut | FailReason::Unreachable(_) | FailReason::ConnectionLost => true,
        FailReason::Rejected(code) => code.number() >= 500 || code == stun::wire::Code::STALE_NONCE,
        _ => false,
    }
}
