//! Connections to peers: RFC 6062 §5.2 to §5.5.

use std::{net::SocketAddr, time::Duration};

use base::{Instant, StreamCommand, StreamEnd, StreamId, StreamSecurity};
use stun::{
    Builder, Message,
    wire::{Class, Code, ConnectionId, Method, TransactionId, XorPeerAddress},
};

use super::{
    Due, Server,
    allocation::{AllocationId, Side},
    auth::Authentic,
    event::ServerEvent,
    respond::Reply,
    stats::DropReason,
    streams::{Role, Stream},
};

/// How long a peer may take to answer, and how long a client to come for a connection: RFC 6062 §5.2
/// and §5.3 want 30 s.
const PATIENCE: Duration = Duration::from_secs(30);

/// Bytes waiting for one side at which the other is no longer read, and at which it is again.
const HIGH_WATER: usize = 256 * 1_024;
const LOW_WATER: usize = 64 * 1_024;

/// Bytes of a peer that are held until its client comes. It is not read meanwhile; these were on the
/// way.
const MAX_EARLY: usize = 64 * 1_024;

/// A connection to a peer.
#[derive(Debug)]
pub(super) struct Connection {
    allocation: AllocationId,
    peer: SocketAddr,
    stream: StreamId,
    state: State,
    deadline: Instant,
}

#[derive(Debug)]
enum State {
    /// It is being opened for this request.
    Connecting(Box<(Reply, Authentic)>),
    /// It is open, and nobody has come for it.
    Waiting { early: Vec<u8> },
    /// Its bytes go to and come from this stream.
    Bound(StreamId),
}

impl Server {
    /// RFC 6062 §5.2.
    pub(super) fn connect(
        &mut self,
        now: Instant,
        id: AllocationId,
        (reply, from): (Reply, Authentic),
        request: &Message<'_>,
    ) {
        let (peer, bound) = match self.peer_to_connect(id, request) {
            Ok(pair) => pair,
            Err(code) => return self.refuse(&reply, &from, code),
        };
        let stream = self.next_stream();
        let state = State::Connecting(Box::new((reply, from)));
        let number = self.add_connection(now, (id, peer), (stream, bound), state);
        debug_assert!(self.connections.contains_key(&number), "it was added above");
        self.stream_outbox.push(StreamCommand::Connect {
            id: stream,
            local: Some(bound),
            remote: peer,
            security: StreamSecurity::Plain,
        });
    }

    fn peer_to_connect(
        &self,
        id: AllocationId,
        request: &Message<'_>,
    ) -> Result<(SocketAddr, SocketAddr), Code> {
        let allocation = self.table.get(id).ok_or(Code::ALLOCATION_MISMATCH)?;
        let XorPeerAddress(peer) = request.get().ok_or(Code::BAD_REQUEST)?;
        if !allocation.is_tcp || peer.port() == 0 {
            return Err(Code::BAD_REQUEST);
        }
        let side = Side::of(peer.ip());
        let relay = allocation.relay(side).ok_or(Code::PEER_ADDRESS_FAMILY_MISMATCH)?;
        if !self.permits_peer(peer, true) {
            return Err(Code::FORBIDDEN);
        }
        let mut own = self.connections.values().filter(|it| it.allocation == id);
        if own.any(|it| it.peer == peer) {
            return Err(Code::CONNECTION_ALREADY_EXISTS);
        }
        if !self.has_room_for_connection(id) {
            return Err(Code::INSUFFICIENT_CAPACITY);
        }
        Ok((peer, relay.bound))
    }

    fn has_room_for_connection(&self, id: AllocationId) -> bool {
        let quotas = self.config.quotas;
        let count = self.connections.values().filter(|it| it.allocation == id).count();
        count < quotas.connections && self.streams.len() < quotas.streams
    }

    fn add_connection(
        &mut self,
        now: Instant,
        (allocation, peer): (AllocationId, SocketAddr),
        (stream, local): (StreamId, SocketAddr),
        state: State,
    ) -> u32 {
        let mut number = self.rng.public_u32();
        while self.connections.contains_key(&number) {
            number = number.wrapping_add(1);
        }
        let deadline = now + PATIENCE;
        self.connections.insert(number, Connection { allocation, peer, stream, state, deadline });
        self.streams.insert(stream, Stream::of_peer(local, peer, number));
        self.timers.insert((deadline, Due::Connection(number)));
        number
    }

    /// A connection to a peer is open.
    pub(super) fn peer_connected(&mut self, now: Instant, stream: StreamId) {
        let Some(Role::Peer(number)) = self.streams.get(&stream).map(|stream| &stream.role) else {
            return;
        };
        let number = *number;
        let Some(connection) = self.connections.get_mut(&number) else { return };
        let before = std::mem::replace(&mut connection.state, State::Waiting { early: Vec::new() });
        let State::Connecting(request) = before else { return };
        let peer = connection.peer;
        self.timers.remove(&(connection.deadline, Due::Connection(number)));
        connection.deadline = now + PATIENCE;
        self.timers.insert((connection.deadline, Due::Connection(number)));
        let allocation = connection.allocation;
        self.pause(stream);
        if let Some(client) = self.table.get(allocation).map(super::Allocation::client) {
            self.tell(ServerEvent::PeerConnected { client, peer });
        }
        self.succeed(&request.0, |builder| {
            builder.put(&ConnectionId(number));
        });
    }

    /// A peer opened a connection to a relayed address: RFC 6062 §5.3.
    pub(super) fn peer_accepted(
        &mut self,
        now: Instant,
        bound: SocketAddr,
        stream: StreamId,
        peer: SocketAddr,
    ) {
        let id = self.table.of_relay(&bound);
        let allocation = id.and_then(|id| Some((id, self.table.get(id)?)));
        let is_permitted = allocation.filter(|(id, allocation)| {
            allocation.permits(now, peer.ip())
                && self.permits_peer(peer, true)
                && self.has_room_for_connection(*id)
        });
        let Some((id, allocation)) = is_permitted else {
            self.drop_for(DropReason::NoPermission);
            return self.stream_outbox.push(StreamCommand::Abort { id: stream });
        };
        let (path, client) = (allocation.path, allocation.client());
        let state = State::Waiting { early: Vec::new() };
        let number = self.add_connection(now, (id, peer), (stream, bound), state);
        self.pause(stream);
        self.tell(ServerEvent::PeerConnected { client, peer });
        let transaction = TransactionId::random(&mut self.rng);
        self.send(&path, |buffer| {
            let (method, class) = (Method::CONNECTION_ATTEMPT, Class::Indication);
            let mut builder = Builder::new(buffer, method, class, transaction);
            builder.put(&XorPeerAddress(peer));
            builder.put(&ConnectionId(number));
        });
    }

    /// RFC 6062 §5.4.
    pub(super) fn connection_bind(
        &mut self,
        reply: &Reply,
        from: &Authentic,
        request: &Message<'_>,
    ) {
        let number = match self.connection_to_bind(reply, from, request) {
            Ok(number) => number,
            Err(code) => return self.refuse(reply, from, code),
        };
        let Some(client) = reply.path.stream else { return };
        self.succeed(reply, |builder| {
            builder.put(&ConnectionId(number));
        });
        let Some(connection) = self.connections.get_mut(&number) else { return };
        let before = std::mem::replace(&mut connection.state, State::Bound(client));
        self.timers.remove(&(connection.deadline, Due::Connection(number)));
        let peer = connection.stream;
        if let Some(stream) = self.streams.get_mut(&client) {
            stream.role = Role::Data(number);
        }
        if let State::Waiting { early } = before {
            self.relay_bytes(peer, number, &early);
        }
        self.resume(peer);
    }

    fn connection_to_bind(
        &self,
        reply: &Reply,
        from: &Authentic,
        request: &Message<'_>,
    ) -> Result<u32, Code> {
        let is_control = self.table.of_path(&reply.path).is_some();
        let ConnectionId(number) = request.get().ok_or(Code::BAD_REQUEST)?;
        let connection = self.connections.get(&number).ok_or(Code::BAD_REQUEST)?;
        let is_waiting = matches!(connection.state, State::Waiting { .. });
        if reply.path.stream.is_none() || is_control || !is_waiting {
            return Err(Code::BAD_REQUEST);
        }
        let allocation = self.table.get(connection.allocation).ok_or(Code::BAD_REQUEST)?;
        if !from.is_owner(&allocation.credential) {
            return Err(Code::WRONG_CREDENTIALS);
        }
        Ok(number)
    }

    /// The allocation that a waiting connection belongs to.
    pub(super) fn allocation_of_connection(&self, number: u32) -> Option<AllocationId> {
        self.connections.get(&number).map(|connection| connection.allocation)
    }

    /// Bytes of one side, for the other.
    pub(super) fn relay_bytes(&mut self, from: StreamId, number: u32, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        let Some(connection) = self.connections.get_mut(&number) else { return };
        let (peer, allocation) = (connection.stream, connection.allocation);
        let to = match &mut connection.state {
            State::Bound(client) if from == peer => *client,
            State::Bound(_) => peer,
            State::Waiting { early } if early.len() + bytes.len() <= MAX_EARLY => {
                return early.extend_from_slice(bytes);
            }
            State::Waiting { .. } | State::Connecting(_) => {
                self.drop_for(DropReason::QueueFull);
                return self.end_connection(number, StreamEnd::Reset);
            }
        };
        let count = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        let to_peer = to == peer;
        let all = if to_peer { &mut self.stats.to_peers } else { &mut self.stats.to_clients };
        all.bytes += count;
        if let Some(allocation) = self.table.get_mut(allocation) {
            let its = if to_peer { &mut allocation.to_peers } else { &mut allocation.to_clients };
            its.bytes += count;
        }
        self.send_on_stream(to, |buffer| buffer.extend_from_slice(bytes));
    }

    /// Reads no more from one side while too much waits for the other.
    pub(super) fn press_back(&mut self, full: StreamId, number: u32, unsent: usize) {
        let Some(connection) = self.connections.get(&number) else { return };
        let State::Bound(client) = connection.state else { return };
        let other = if full == client { connection.stream } else { client };
        if unsent > HIGH_WATER {
            self.pause(other);
        } else if unsent < LOW_WATER {
            self.resume(other);
        }
    }

    fn pause(&mut self, id: StreamId) {
        if let Some(stream) = self.streams.get_mut(&id).filter(|stream| !stream.is_paused) {
            stream.is_paused = true;
            self.stream_outbox.push(StreamCommand::Pause { id });
        }
    }

    fn resume(&mut self, id: StreamId) {
        if let Some(stream) = self.streams.get_mut(&id).filter(|stream| stream.is_paused) {
            stream.is_paused = false;
            self.stream_outbox.push(StreamCommand::Resume { id });
        }
    }

    /// One side of a connection is gone.
    pub(super) fn connection_ended(&mut self, number: u32, gone: StreamId, reason: StreamEnd) {
        debug_assert!(!self.streams.contains_key(&gone), "the caller took it out");
        self.end_connection(number, reason);
    }

    /// The time of a connection that waits for peer or client is over.
    pub(super) fn connection_timed_out(&mut self, number: u32) {
        self.end_connection(number, StreamEnd::TimedOut);
    }

    /// Closes what is left of a connection: RFC 6062 §5.5. What was taken from one side still goes to
    /// the other.
    fn end_connection(&mut self, number: u32, reason: StreamEnd) {
        let Some(connection) = self.connections.remove(&number) else { return };
        self.timers.remove(&(connection.deadline, Due::Connection(number)));
        let client = match connection.state {
            State::Bound(client) => Some(client),
            State::Waiting { .. } | State::Connecting(_) => None,
        };
        for id in client.into_iter().chain([connection.stream]) {
            if self.streams.remove(&id).is_some() {
                self.stream_outbox.push(match reason {
                    StreamEnd::Finished => StreamCommand::Close { id },
                    _ => StreamCommand::Abort { id },
                });
            }
        }
        if let Some(client) = self.table.get(connection.allocation).map(super::Allocation::client) {
            let peer = connection.peer;
            self.tell(ServerEvent::PeerDisconnected { client, peer, reason });
        }
        if let State::Connecting(request) = connection.state {
            let (reply, from) = *request;
            self.refuse(&reply, &from, Code::CONNECTION_TIMEOUT_OR_FAILURE);
        }
    }

    /// Closes all connections of an allocation that ends.
    pub(super) fn close_connections(&mut self, id: AllocationId) {
        let of_allocation = self.connections.iter().filter(|(_, it)| it.allocation == id);
        let numbers: Vec<u32> = of_allocation.map(|(number, _)| *number).collect();
        for number in numbers {
            self.end_connection(number, StreamEnd::Finished);
        }
    }

    /// Closes the connections to peers that the policy refuses now.
    pub(super) fn close_forbidden_connections(&mut self) {
        let forbidden = self.connections.iter().filter(|(_, it)| !self.permits_peer(it.peer, true));
        let numbers: Vec<u32> = forbidden.map(|(number, _)| *number).collect();
        for number in numbers {
            self.end_connection(number, StreamEnd::Unavailable);
        }
    }
}
