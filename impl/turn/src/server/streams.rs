//! Connections of clients: RFC 8656 §5, RFC 8489 §6.2.2.

use std::{net::SocketAddr, time::Duration};

use base::{Ecn, Instant, StreamCommand, StreamEnd, StreamId, StreamInput};
use stun::{ChannelData, Deframer, Frame};

use super::{
    Due, Server,
    allocation::Path,
    event::{ClientTransport, ReleaseReason},
    sockets::Listener,
    stats::DropReason,
};

/// How long a client's connection may be there without an allocation: long enough for a challenge and
/// its answer over any path, short enough that open connections cost whoever opens them.
const IDLE: Duration = Duration::from_secs(30);

/// Bytes that may wait for a slow client before data for it is dropped, as UDP is on a slow path.
const MAX_UNSENT: usize = 256 * 1_024;

/// Bytes that may wait for a client that takes none at all: beyond, the connection is reset.
const MAX_UNSENT_EVER: usize = 1_024 * 1_024;

/// A connection of a client or to a peer.
#[derive(Debug)]
pub(super) struct Stream {
    local: SocketAddr,
    pub(super) remote: SocketAddr,
    pub(super) role: Role,
    /// Bytes that the driver holds.
    pub(super) unsent: usize,
    /// When it is closed for having no allocation.
    idle_until: Option<Instant>,
    pub(super) is_paused: bool,
}

/// What a connection is for.
#[derive(Debug)]
pub(super) enum Role {
    /// A client and its messages.
    Client { deframer: Deframer, has_allocation: bool },
    /// A client, for the bytes of the connection with this number: RFC 6062.
    Data(u32),
    /// The peer of the connection with this number: RFC 6062.
    Peer(u32),
}

impl Stream {
    pub(super) const fn of_peer(local: SocketAddr, remote: SocketAddr, number: u32) -> Self {
        let role = Role::Peer(number);
        Self { local, remote, role, unsent: 0, idle_until: None, is_paused: false }
    }
}

impl Server {
    /// A number for a stream of our own.
    pub(super) const fn next_stream(&mut self) -> StreamId {
        let id = StreamId::own(self.next_stream);
        self.next_stream += 1;
        id
    }

    /// Something happened on a stream.
    pub(super) fn stream_input(&mut self, now: Instant, input: StreamInput<'_>) {
        match input {
            StreamInput::Listening { id, local } => match self.listeners.get(&id) {
                Some(Listener::Clients(_)) => self.listening(local, ClientTransport::Tcp),
                Some(Listener::Peers(bound)) => self.opened(now, *bound),
                None => {}
            },
            StreamInput::Accepted { listener, id, local, remote } => {
                self.accepted(now, listener, id, (local, remote));
            }
            StreamInput::Connected { id, .. } => self.peer_connected(now, id),
            StreamInput::Received { id, bytes } => self.stream_received(now, id, bytes),
            StreamInput::Unsent { id, bytes } => self.stream_unsent(id, bytes),
            StreamInput::Closed { id, reason } => self.stream_closed(now, id, reason),
        }
    }

    fn accepted(
        &mut self,
        now: Instant,
        listener: StreamId,
        id: StreamId,
        (local, remote): (SocketAddr, SocketAddr),
    ) {
        let is_full = self.streams.len() >= self.config.quotas.streams;
        match self.listeners.get(&listener) {
            Some(Listener::Clients(_)) if !is_full => {
                let deframer = Deframer::new(self.channel_data_kind());
                let role = Role::Client { deframer, has_allocation: false };
                let stream =
                    Stream { local, remote, role, unsent: 0, idle_until: None, is_paused: false };
                self.streams.insert(id, stream);
                self.watch_idle(now, Some(id));
            }
            Some(Listener::Peers(bound)) if !is_full => {
                let bound = *bound;
                self.peer_accepted(now, bound, id, remote);
            }
            _ => self.stream_outbox.push(StreamCommand::Abort { id }),
        }
    }

    const fn channel_data_kind(&self) -> ChannelData {
        match self.config.channels_of_old {
            true => ChannelData::AllowedOfOld,
            false => ChannelData::Allowed,
        }
    }

    fn stream_received(&mut self, now: Instant, id: StreamId, bytes: &[u8]) {
        let Some(stream) = self.streams.get_mut(&id) else { return };
        let path = Path { client: stream.remote, local: stream.local, stream: Some(id) };
        match &mut stream.role {
            Role::Data(number) | Role::Peer(number) => {
                let number = *number;
                self.relay_bytes(id, number, bytes);
            }
            Role::Client { deframer, .. } => {
                let deframer = std::mem::replace(deframer, Deframer::new(ChannelData::Refused));
                self.read_frames(now, &path, id, deframer, bytes);
            }
        }
    }

    /// Reads the frames of a client's stream, until the stream becomes one of bytes.
    fn read_frames(
        &mut self,
        now: Instant,
        path: &Path,
        id: StreamId,
        mut held: Deframer,
        mut bytes: &[u8],
    ) {
        loop {
            let taken = held.push(bytes);
            bytes = bytes.get(taken..).unwrap_or_default();
            match held.next_frame() {
                Ok(Some(Frame::Message(message))) => {
                    self.message(now, path, Ecn::NotEct, message);
                }
                Ok(Some(Frame::ChannelData(data))) => {
                    self.channel_data(now, path, Ecn::NotEct, data);
                }
                Ok(None) if bytes.is_empty() => break,
                Ok(None) => {}
                Err(_) => {
                    self.drop_for(DropReason::BrokenStream);
                    return self.abort_stream(now, id, ReleaseReason::Disconnected);
                }
            }
            match self.streams.get(&id).map(|stream| &stream.role) {
                Some(Role::Client { .. }) => {}
                Some(Role::Data(number) | Role::Peer(number)) => {
                    // What follows the ConnectionBind request is for the peer: RFC 6062 §5.4.
                    let number = *number;
                    let early = held.take_rest();
                    self.relay_bytes(id, number, &early);
                    return self.relay_bytes(id, number, bytes);
                }
                None => return,
            }
        }
        if let Some(Stream { role: Role::Client { deframer, .. }, .. }) = self.streams.get_mut(&id)
        {
            *deframer = held;
        }
    }

    fn stream_unsent(&mut self, id: StreamId, bytes: usize) {
        let Some(stream) = self.streams.get_mut(&id) else { return };
        stream.unsent = bytes;
        if let Role::Data(number) | Role::Peer(number) = stream.role {
            self.press_back(id, number, bytes);
        }
    }

    fn stream_closed(&mut self, now: Instant, id: StreamId, reason: StreamEnd) {
        if let Some(listener) = self.listeners.remove(&id) {
            return self.listener_closed(now, listener, reason);
        }
        let Some(stream) = self.streams.remove(&id) else { return };
        match stream.role {
            Role::Client { .. } => {
                let path = Path { client: stream.remote, local: stream.local, stream: Some(id) };
                if let Some(allocation) = self.table.of_path(&path) {
                    self.release(now, allocation, ReleaseReason::Disconnected);
                }
            }
            Role::Data(number) | Role::Peer(number) => self.connection_ended(number, id, reason),
        }
    }

    fn listener_closed(&mut self, now: Instant, listener: Listener, reason: StreamEnd) {
        match listener {
            Listener::Clients(address) => {
                let in_use = reason == StreamEnd::Refused;
                self.not_listening(address, ClientTransport::Tcp, in_use);
            }
            Listener::Peers(bound) => match self.table.of_relay(&bound) {
                Some(id) => self.release(now, id, ReleaseReason::SocketLost),
                None => self.refused(now, bound, true),
            },
        }
    }

    /// Appends to what goes out on a stream.
    pub(super) fn send_on_stream(&mut self, id: StreamId, write: impl FnOnce(&mut Vec<u8>)) {
        let Some(stream) = self.streams.get(&id) else { return };
        let is_client = matches!(stream.role, Role::Client { .. });
        if is_client && stream.unsent > MAX_UNSENT_EVER {
            self.drop_for(DropReason::StreamFull);
            return self.abort_stream(self.now, id, ReleaseReason::Disconnected);
        }
        if !self.stream_outbox.send(id, write) {
            self.drop_for(DropReason::QueueFull);
        }
    }

    /// Whether data for the client of a stream is dropped for now.
    pub(super) fn is_stream_full(&self, id: StreamId) -> bool {
        self.streams.get(&id).is_some_and(|stream| stream.unsent > MAX_UNSENT)
    }

    /// Resets a client's connection and forgets what it had.
    fn abort_stream(&mut self, now: Instant, id: StreamId, reason: ReleaseReason) {
        let Some(stream) = self.streams.remove(&id) else { return };
        self.stream_outbox.push(StreamCommand::Abort { id });
        let path = Path { client: stream.remote, local: stream.local, stream: Some(id) };
        if let Some(allocation) = self.table.of_path(&path) {
            self.release(now, allocation, reason);
        }
    }

    /// Notes that the client of a stream has an allocation, or none any more.
    pub(super) fn note_stream_allocation(&mut self, id: Option<StreamId>, has: bool) {
        let stream = id.and_then(|id| self.streams.get_mut(&id));
        if let Some(Stream { role: Role::Client { has_allocation, .. }, .. }) = stream {
            *has_allocation = has;
        }
    }

    /// Closes a stream before long if nothing becomes of it.
    pub(super) fn watch_idle(&mut self, now: Instant, id: Option<StreamId>) {
        let Some(id) = id else { return };
        let Some(stream) = self.streams.get_mut(&id) else { return };
        let before = stream.idle_until.replace(now + IDLE);
        if let Some(before) = before {
            self.timers.remove(&(before, Due::Stream(id)));
        }
        self.timers.insert((now + IDLE, Due::Stream(id)));
    }

    /// The time of a stream without an allocation is over.
    pub(super) fn stream_idle(&mut self, id: StreamId) {
        let Some(stream) = self.streams.get_mut(&id) else { return };
        stream.idle_until = None;
        if matches!(stream.role, Role::Client { has_allocation: false, .. }) {
            self.streams.remove(&id);
            self.stream_outbox.push(StreamCommand::Close { id });
        }
    }
}
