//! TCP connections to peers through the relay: RFC 6062 §4.
//!
//! Each of them is a connection of its own to the server, which belongs to the peer once ConnectionBind
//! has tied the two together.

use std::{net::SocketAddr, time::Duration};

use base::{Instant, StreamCommand, StreamEnd, StreamId};
use stun::{
    ChannelData, Deframer, FailReason, Frame,
    wire::{Code, ConnectionId as ConnectionNumber, Method, XorPeerAddress},
};

use super::{
    Client, ClientDrop, ClientEvent, DisconnectReason, MAX_UNSENT, Outgoing, PeerError, Relay,
    SendError, State,
    requests::{Answer, Purpose},
};

/// Most connections to peers, attempts included.
pub const MAX_CONNECTIONS: usize = 64;
/// Most connections that the server was asked for and has not answered about: it takes its time, and
/// other requests need room below [`stun::MAX_OUTSTANDING_PER_SERVER`].
pub const MAX_CONNECTING: usize = 4;
/// Within this time an attempt of a peer is accepted or forgotten: what RFC 6062 §5.3 has the server
/// wait.
const ATTEMPT_LIFETIME: Duration = Duration::from_secs(30);
/// For how long a peer that was not reached is left alone: RFC 6062 §4.3.
const RETRY_WAIT: Duration = Duration::from_secs(10);
/// Most peers that were not reached and are remembered; the oldest is forgotten first.
const MAX_UNREACHED: usize = 64;
/// How long a Connect may take. RFC 6062 §5.2: the server tries for 30 s or longer.
const CONNECT_PATIENCE: Duration = Duration::from_secs(60);
/// Most bytes of one peer that wait for the layer above, which can [pause](Client::pause) it.
const MAX_WAITING: usize = 4 * 1_024 * 1_024;

/// Names a connection to a peer, for good.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnectionId(u64);

/// The connections of an allocation.
#[derive(Debug, Default)]
pub(super) struct Connections {
    all: Vec<Connection>,
    next: u64,
    unreached: Vec<(SocketAddr, Instant)>,
}

#[derive(Debug)]
struct Connection {
    id: ConnectionId,
    peer: SocketAddr,
    state: ConnectionState,
}

#[derive(Debug)]
enum ConnectionState {
    /// The server was asked to connect.
    Asked,
    /// The server offers it until then.
    Offered { number: u32, until: Instant },
    /// The connection to the server is being opened, until then.
    Opening { number: u32, stream: StreamId, until: Instant },
    /// The server was asked to tie the two together.
    Binding { stream: StreamId, local: SocketAddr, deframer: Deframer },
    /// It carries what peer and client send.
    Open { stream: StreamId, unsent: usize },
}

impl Connection {
    const fn stream(&self) -> Option<StreamId> {
        match self.state {
            ConnectionState::Asked | ConnectionState::Offered { .. } => None,
            ConnectionState::Opening { stream, .. }
            | ConnectionState::Binding { stream, .. }
            | ConnectionState::Open { stream, .. } => Some(stream),
        }
    }

    const fn deadline(&self) -> Option<Instant> {
        match self.state {
            ConnectionState::Offered { until, .. } | ConnectionState::Opening { until, .. } => {
                Some(until)
            }
            ConnectionState::Asked
            | ConnectionState::Binding { .. }
            | ConnectionState::Open { .. } => None,
        }
    }
}

impl Connections {
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.all.iter().filter_map(Connection::deadline).min()
    }

    fn get(&mut self, id: ConnectionId) -> Option<&mut Connection> {
        self.all.iter_mut().find(|connection| connection.id == id)
    }

    fn on(&mut self, stream: StreamId) -> Option<&mut Connection> {
        self.all.iter_mut().find(|connection| connection.stream() == Some(stream))
    }

    fn add(&mut self, peer: SocketAddr, state: ConnectionState) -> ConnectionId {
        let id = ConnectionId(self.next);
        self.next += 1;
        self.all.push(Connection { id, peer, state });
        id
    }

    fn take(&mut self, id: ConnectionId) -> Option<Connection> {
        let position = self.all.iter().position(|connection| connection.id == id)?;
        Some(self.all.remove(position))
    }

    fn is_too_soon(&mut self, now: Instant, peer: SocketAddr) -> bool {
        self.unreached.retain(|(_, at)| now < *at + RETRY_WAIT);
        self.unreached.iter().any(|(other, _)| *other == peer)
    }

    fn note_unreached(&mut self, now: Instant, peer: SocketAddr) {
        if self.unreached.len() >= MAX_UNREACHED {
            self.unreached.remove(0);
        }
        self.unreached.push((peer, now));
    }
}

impl Client {
    /// Has the server connect to a peer. [`ClientEvent::Connected`] or [`ClientEvent::Disconnected`]
    /// tells what came of it.
    ///
    /// # Errors
    ///
    /// `PeerError` if there is no TCP allocation for this peer, if there is a connection to it, if the
    /// last attempt failed less than ten seconds ago, if there are too many.
    pub fn connect_peer(
        &mut self,
        now: Instant,
        peer: SocketAddr,
    ) -> Result<ConnectionId, PeerError> {
        let now = self.advance(now);
        let live = self.live_for(peer.ip())?;
        if live.wish.relay != Relay::Tcp {
            return Err(PeerError::NoAllocation);
        }
        let connections = &mut live.connections;
        // RFC 6062 §4.3, §5.2: one connection to a peer at a time.
        if connections.all.iter().any(|connection| connection.peer == peer) {
            return Err(PeerError::Connected);
        }
        if connections.is_too_soon(now, peer) {
            return Err(PeerError::TooSoon);
        }
        let is_asked = |it: &&Connection| matches!(it.state, ConnectionState::Asked);
        let asked = connections.all.iter().filter(is_asked).count();
        if connections.all.len() >= MAX_CONNECTIONS || asked >= MAX_CONNECTING {
            return Err(PeerError::TooMany);
        }
        let id = connections.add(peer, ConnectionState::Asked);
        let timing = stun::Timing { ti: CONNECT_PATIENCE, ..self.config.timing };
        let request = self.request(Method::CONNECT).with(&XorPeerAddress(peer)).timed(timing);
        if self.ask(now, request, Purpose::Connect(id)) {
            return Ok(id);
        }
        if let State::Live(live) = &mut self.state {
            live.connections.take(id);
        }
        Err(PeerError::TooMany)
    }

    /// Accepts the attempt of a peer.
    ///
    /// # Errors
    ///
    /// `PeerError::Unknown` if it is over.
    pub fn accept(&mut self, now: Instant, connection: ConnectionId) -> Result<(), PeerError> {
        let now = self.advance(now);
        let State::Live(live) = &mut self.state else {
            return Err(PeerError::NoAllocation);
        };
        match live.connections.get(connection) {
            Some(Connection { state: ConnectionState::Offered { number, .. }, .. }) => {
                let number = *number;
                self.open_connection(now, connection, number);
                Ok(())
            }
            _ => Err(PeerError::Unknown),
        }
    }

    /// Puts bytes for a peer at the end of `buffer`.
    ///
    /// # Errors
    ///
    /// `SendError::NoAllocation` if there is no such connection, or it is not open;
    /// `SendError::Congested` if too much waits in it. The buffer is then as it was.
    pub fn write(
        &mut self,
        now: Instant,
        connection: ConnectionId,
        bytes: &[u8],
        buffer: &mut Vec<u8>,
    ) -> Result<Outgoing, SendError> {
        self.advance(now);
        let State::Live(live) = &mut self.state else {
            return Err(SendError::NoAllocation);
        };
        match live.connections.get(connection).map(|connection| &connection.state) {
            Some(ConnectionState::Open { unsent, .. }) if *unsent > MAX_UNSENT => {
                Err(SendError::Congested)
            }
            Some(ConnectionState::Open { stream, .. }) => {
                buffer.extend_from_slice(bytes);
                Ok(Outgoing::Stream { id: *stream, size: bytes.len() })
            }
            _ => Err(SendError::NoAllocation),
        }
    }

    /// Reads nothing more from a peer until [`Client::resume`], so that it has to wait.
    pub fn pause(&mut self, now: Instant, connection: ConnectionId) {
        self.advance(now);
        if let Some(id) = self.stream_of(connection) {
            self.commands.push_back(StreamCommand::Pause { id });
        }
    }

    /// Reads again.
    pub fn resume(&mut self, now: Instant, connection: ConnectionId) {
        self.advance(now);
        if let Some(id) = self.stream_of(connection) {
            self.commands.push_back(StreamCommand::Resume { id });
        }
    }

    /// Ends a connection after what was written so far, or does not accept it. No event follows.
    pub fn disconnect(&mut self, now: Instant, connection: ConnectionId) {
        let now = self.advance(now);
        let State::Live(live) = &mut self.state else {
            return;
        };
        let Some(gone) = live.connections.take(connection) else {
            return;
        };
        self.cancel_connection(now, connection);
        if let Some(id) = gone.stream() {
            self.commands.push_back(StreamCommand::Close { id });
        }
    }

    fn stream_of(&mut self, connection: ConnectionId) -> Option<StreamId> {
        match &mut self.state {
            State::Live(live) => live.connections.get(connection)?.stream(),
            _ => None,
        }
    }

    fn cancel_connection(&mut self, now: Instant, id: ConnectionId) {
        self.cancel(now, |purpose| match purpose {
            Purpose::Connect(other) | Purpose::ConnectionBind(other) => *other == id,
            _ => false,
        });
    }

    /// RFC 6062 §4.4.
    pub(super) fn hear_attempt(&mut self, now: Instant, peer: SocketAddr, number: u32) {
        let State::Live(live) = &mut self.state else {
            return;
        };
        let connections = &mut live.connections;
        if connections.all.len() >= MAX_CONNECTIONS {
            self.stats.dropped.count(ClientDrop::QueueFull);
            return;
        }
        let until = now + ATTEMPT_LIFETIME;
        let connection = connections.add(peer, ConnectionState::Offered { number, until });
        if !self.report_if_room(ClientEvent::ConnectionAttempt { connection, peer })
            && let State::Live(live) = &mut self.state
        {
            live.connections.take(connection);
        }
    }

    pub(super) fn answered_connect(&mut self, now: Instant, id: ConnectionId, answer: Answer) {
        let number = match answer {
            Ok(response) => response.message().and_then(|it| it.get::<ConnectionNumber>()),
            Err((reason, _)) => return self.connect_failed(now, id, reason),
        };
        match number {
            Some(number) => self.open_connection(now, id, number.0),
            None => self.connect_failed(now, id, FailReason::NoErrorCode),
        }
    }

    fn connect_failed(&mut self, now: Instant, id: ConnectionId, reason: FailReason) {
        if let State::Live(live) = &mut self.state
            && let Some(peer) = live.connections.get(id).map(|connection| connection.peer)
            && reason == FailReason::Rejected(Code::CONNECTION_TIMEOUT_OR_FAILURE)
        {
            live.connections.note_unreached(now, peer);
        }
        self.drop_connection(now, id, DisconnectReason::Request(reason));
    }

    /// RFC 6062 §4.3: opens the connection that is to be tied to the peer's.
    fn open_connection(&mut self, now: Instant, id: ConnectionId, number: u32) {
        let stream = self.open_stream();
        let until = now + self.config.connect_patience;
        if let State::Live(live) = &mut self.state
            && let Some(connection) = live.connections.get(id)
        {
            connection.state = ConnectionState::Opening { number, stream, until };
        }
    }

    pub(super) fn connection_opened(&mut self, now: Instant, stream: StreamId, local: SocketAddr) {
        let State::Live(live) = &mut self.state else {
            return;
        };
        let Some(connection) = live.connections.on(stream) else {
            return;
        };
        let ConnectionState::Opening { number, .. } = connection.state else {
            return;
        };
        let deframer = Deframer::new(ChannelData::Refused);
        connection.state = ConnectionState::Binding { stream, local, deframer };
        let id = connection.id;
        let request = self.request(Method::CONNECTION_BIND).from_source(local);
        let request = request.with(&ConnectionNumber(number));
        if !self.ask(now, request, Purpose::ConnectionBind(id)) {
            self.drop_connection(now, id, DisconnectReason::Request(FailReason::TooLong));
        }
    }

    pub(super) fn answered_connection_bind(
        &mut self,
        now: Instant,
        id: ConnectionId,
        answer: Answer,
    ) {
        if let Err((reason, _)) = answer {
            return self.drop_connection(now, id, DisconnectReason::Request(reason));
        }
        let State::Live(live) = &mut self.state else {
            return;
        };
        let Some(connection) = live.connections.get(id) else {
            return;
        };
        if let ConnectionState::Binding { stream, .. } = connection.state {
            let peer = connection.peer;
            connection.state = ConnectionState::Open { stream, unsent: 0 };
            self.report(ClientEvent::Connected { connection: id, peer });
        }
    }

    pub(super) fn hear_connection(&mut self, now: Instant, stream: StreamId, bytes: &[u8]) {
        let State::Live(live) = &mut self.state else {
            return;
        };
        let Some(Connection { id, state, .. }) = live.connections.on(stream) else {
            return;
        };
        let id = *id;
        match state {
            ConnectionState::Open { .. } => self.hear_peer(now, id, bytes.to_vec()),
            ConnectionState::Binding { local, deframer, .. } => {
                let local = *local;
                let mut deframer = std::mem::replace(deframer, Deframer::new(ChannelData::Refused));
                self.hear_binding(now, (id, local), &mut deframer, bytes);
            }
            _ => {}
        }
    }

    /// The answer to ConnectionBind, and what the peer sent right behind it.
    fn hear_binding(
        &mut self,
        now: Instant,
        (id, local): (ConnectionId, SocketAddr),
        deframer: &mut Deframer,
        bytes: &[u8],
    ) {
        let taken = deframer.push(bytes);
        match deframer.next_frame() {
            Ok(Some(Frame::Message(message))) => self.hear_response(now, local, message),
            Ok(_) => {}
            Err(_) => {
                self.stats.dropped.count(ClientDrop::Malformed);
                return self.drop_connection(now, id, DisconnectReason::Stream(StreamEnd::Reset));
            }
        }
        let State::Live(live) = &mut self.state else {
            return;
        };
        match live.connections.get(id).map(|connection| &mut connection.state) {
            Some(ConnectionState::Open { .. }) => {
                let mut rest = deframer.take_rest();
                rest.extend_from_slice(bytes.get(taken..).unwrap_or_default());
                if !rest.is_empty() {
                    self.hear_peer(now, id, rest);
                }
            }
            // Another challenge, or not all of the answer.
            Some(ConnectionState::Binding { deframer: kept, .. }) => std::mem::swap(kept, deframer),
            _ => {}
        }
    }

    /// RFC 6062 §4.5: bytes of the peer, as they are.
    fn hear_peer(&mut self, now: Instant, id: ConnectionId, bytes: Vec<u8>) {
        let waiting = self.events.iter().map(|event| match event {
            ClientEvent::Received { connection, bytes } if *connection == id => bytes.len(),
            _ => 0,
        });
        if waiting.sum::<usize>() + bytes.len() > MAX_WAITING {
            return self.drop_connection(now, id, DisconnectReason::Overrun);
        }
        self.stats.received_bytes += u64::try_from(bytes.len()).unwrap_or(0);
        self.report(ClientEvent::Received { connection: id, bytes });
    }

    pub(super) fn connection_unsent(&mut self, stream: StreamId, bytes: usize) {
        if let State::Live(live) = &mut self.state
            && let Some(connection) = live.connections.on(stream)
            && let ConnectionState::Open { unsent, .. } = &mut connection.state
        {
            *unsent = bytes;
        }
    }

    pub(super) fn connection_closed(&mut self, now: Instant, stream: StreamId, reason: StreamEnd) {
        let State::Live(live) = &mut self.state else {
            return;
        };
        let Some(id) = live.connections.on(stream).map(|connection| connection.id) else {
            return;
        };
        let Some(gone) = live.connections.take(id) else {
            return;
        };
        self.cancel_connection(now, id);
        let (peer, reason) = (gone.peer, DisconnectReason::Stream(reason));
        self.report(ClientEvent::Disconnected { connection: id, peer, reason });
    }

    /// Which connection's stream has this local address.
    pub(super) fn connection_at(&self, address: SocketAddr) -> Option<StreamId> {
        let State::Live(live) = &self.state else {
            return None;
        };
        live.connections.all.iter().find_map(|connection| match &connection.state {
            ConnectionState::Binding { stream, local, .. } if *local == address => Some(*stream),
            _ => None,
        })
    }

    /// Gives up what took too long.
    pub(super) fn expire_connections(&mut self, now: Instant) {
        loop {
            let State::Live(live) = &mut self.state else {
                return;
            };
            let late =
                live.connections.all.iter().find(|connection| {
                    connection.deadline().is_some_and(|deadline| deadline <= now)
                });
            let Some(late) = late else {
                return;
            };
            let reason = match late.state {
                ConnectionState::Offered { .. } => DisconnectReason::NotAccepted,
                _ => DisconnectReason::Stream(StreamEnd::TimedOut),
            };
            let id = late.id;
            self.drop_connection(now, id, reason);
        }
    }

    fn drop_connection(&mut self, now: Instant, id: ConnectionId, reason: DisconnectReason) {
        let State::Live(live) = &mut self.state else {
            return;
        };
        let Some(gone) = live.connections.take(id) else {
            return;
        };
        self.cancel_connection(now, id);
        if let Some(id) = gone.stream() {
            self.commands.push_back(StreamCommand::Abort { id });
        }
        self.report(ClientEvent::Disconnected { connection: id, peer: gone.peer, reason });
    }

    /// All of them are gone with the allocation.
    pub(super) fn drop_connections(&mut self, now: Instant) {
        loop {
            let State::Live(live) = &mut self.state else {
                return;
            };
            let Some(id) = live.connections.all.first().map(|connection| connection.id) else {
                return;
            };
            self.drop_connection(now, id, DisconnectReason::Lost);
        }
    }
}
