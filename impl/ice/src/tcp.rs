//! The TCP connections of an agent: RFC 6544.
//!
//! To plug it into an agent: hold one [`Connections`]. For each address of the host, ask
//! [`tcp_bases`] which candidates it gives; [`listen`](Connections::listen) for the passive and
//! simultaneous-open ones and tell the peer of them at [`TcpEvent::Listening`]; active ones need
//! nothing. A check of a pair [`connect`](Connections::connect)s first and goes out at
//! [`TcpEvent::Opened`], built into the buffer of `poll_stream` by [`write`](Connections::write).
//! Hand every [`StreamInput`] to [`handle_stream`](Connections::handle_stream); for bytes, take
//! frames with [`next_frame`](Connections::next_frame) until there are none.
//! [`validate`](Connections::validate) a connection when a check over it has passed integrity. A
//! pair whose connection is [`TcpEvent::Closed`] fails. Close the connections that were not chosen
//! (RFC 6544 §8), but none because of a restart (RFC 6544 §9.2).

mod connection;
mod event;
mod framing;

use std::{collections::VecDeque, net::SocketAddr};

use base::{Instant, StreamCommand, StreamEnd, StreamId, StreamInput, StreamSecurity};

pub use event::{Frame, TcpConfig, TcpEnd, TcpError, TcpEvent, TcpStats, WriteError, tcp_bases};
pub use framing::{FRAME_HEADER, FrameError, MAX_FRAME, write_frame};

use crate::candidate::TcpType;
use connection::{Connection, Progress};
use framing::Deframed;

/// Listeners and connections, with the framing of RFC 4571 on them.
///
/// ```
/// use base::{Instant, StreamCommand, StreamInput};
/// use ice::{Connections, Frame, TcpConfig, TcpEvent, TcpType};
///
/// let now = Instant::ZERO;
/// let mut tcp = Connections::new(TcpConfig::default(), now);
/// let (here, there) = ("10.0.0.2:9".parse()?, "192.0.2.1:50000".parse()?);
/// let id = tcp.connect(now, here, there, TcpType::Active)?;
/// assert!(matches!(tcp.poll_stream(), Some(StreamCommand::Connect { .. })));
///
/// let local = "10.0.0.2:40000".parse()?;
/// tcp.handle_stream(now, StreamInput::Connected { id, local, remote: there });
/// assert!(matches!(tcp.poll_event(), Some(TcpEvent::Opened { .. })));
/// let mut buffer = Vec::new();
/// let command = tcp.write(id, &mut buffer, |buffer| buffer.extend(b"check"))?;
/// assert_eq!((command, &buffer[..]), (StreamCommand::Send { id, size: 7 }, &b"\0\x05check"[..]));
///
/// tcp.validate(id);
/// let (mut bytes, mut scratch) = (&b"\0\x04data\0"[..], Vec::new());
/// let first = tcp.next_frame(now, id, &mut bytes, &mut scratch);
/// assert_eq!(first, Some(Frame::Here(&b"data"[..])));
/// assert_eq!(tcp.next_frame(now, id, &mut bytes, &mut scratch), None);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Connections {
    config: TcpConfig,
    now: Instant,
    next_id: u64,
    listeners: Vec<Listener>,
    connections: Vec<Connection>,
    commands: VecDeque<StreamCommand>,
    events: VecDeque<TcpEvent>,
    stats: TcpStats,
}

#[derive(Debug)]
struct Listener {
    id: StreamId,
    asked: SocketAddr,
    local: Option<SocketAddr>,
    tcp_type: TcpType,
}

/// Listeners: two types on 16 addresses.
pub const MAX_LISTENERS: usize = 32;
/// Connections in all states. A pair needs one, and of 100 pairs some go over UDP.
pub const MAX_CONNECTIONS: usize = 64;
/// Connections accepted that no check has passed over. More are a flood: the oldest makes room,
/// which a peer that checks at once does not mind.
pub const MAX_UNVALIDATED: usize = 16;
/// The longest frame read before a check has passed. Checks take some 100 bytes.
pub const MAX_UNVALIDATED_FRAME: usize = 1_500;
/// Bytes the driver may hold unsent before data is dropped: a second of video at 2 Mbit/s.
/// Real-time data that waits longer is of no use.
pub const MAX_UNSENT: usize = 256 * 1_024;

impl Connections {
    /// Without any.
    #[must_use]
    pub const fn new(config: TcpConfig, now: Instant) -> Self {
        Self {
            config,
            now,
            next_id: config.first_stream,
            listeners: Vec::new(),
            connections: Vec::new(),
            commands: VecDeque::new(),
            events: VecDeque::new(),
            stats: TcpStats { opened: 0, closed: 0, crowded_out: 0, unsent: 0 },
        }
    }

    /// Accepts connections at `local`, for a passive or simultaneous-open candidate.
    ///
    /// # Errors
    ///
    /// `TcpError::TooMany`.
    pub fn listen(
        &mut self,
        now: Instant,
        local: SocketAddr,
        tcp_type: TcpType,
    ) -> Result<StreamId, TcpError> {
        self.advance(now);
        if self.listeners.len() >= MAX_LISTENERS {
            return Err(TcpError::TooMany);
        }
        let id = self.new_id();
        self.listeners.push(Listener { id, asked: local, local: None, tcp_type });
        self.commands.push_back(StreamCommand::Listen { id, local });
        Ok(id)
    }

    /// Accepts no more at a listener's address, and closes what was accepted there.
    pub fn stop_listening(&mut self, now: Instant, local: SocketAddr) {
        self.advance(now);
        let at = |listener: &mut Listener| listener.local.unwrap_or(listener.asked) == local;
        for listener in self.listeners.extract_if(.., at) {
            self.commands.push_back(StreamCommand::Close { id: listener.id });
        }
        let accepted = self.connections.iter().filter(|one| one.local == local);
        let accepted: Vec<_> = accepted.map(|connection| connection.id).collect();
        for id in accepted {
            self.close(now, id);
        }
    }

    /// Opens a connection for a pair, unless there is one. The port of an active candidate means
    /// nothing.
    ///
    /// # Errors
    ///
    /// `TcpError`, if it is not for us to open, or too many are.
    pub fn connect(
        &mut self,
        now: Instant,
        local: SocketAddr,
        remote: SocketAddr,
        tcp_type: TcpType,
    ) -> Result<StreamId, TcpError> {
        let now = self.advance(now);
        if let Some(id) = self.find(local, remote, tcp_type) {
            return Ok(id);
        }
        // RFC 6544 §7.1: from a port that nothing else uses, unless both open at once.
        let from = match tcp_type {
            TcpType::Active => SocketAddr::new(local.ip(), 0),
            TcpType::So => local,
            TcpType::Passive => return Err(TcpError::Passive),
        };
        if self.connections.len() >= MAX_CONNECTIONS {
            return Err(TcpError::TooMany);
        }
        let id = self.new_id();
        let deadline = now + self.config.connect_timeout;
        self.connections.push(Connection::connecting(id, local, remote, tcp_type, deadline));
        let security = StreamSecurity::Plain;
        self.commands.push_back(StreamCommand::Connect { id, local: Some(from), remote, security });
        Ok(id)
    }

    /// The connection of a pair, open or opening.
    #[must_use]
    pub fn find(
        &self,
        local: SocketAddr,
        remote: SocketAddr,
        tcp_type: TcpType,
    ) -> Option<StreamId> {
        let mut all = self.connections.iter();
        all.find(|one| one.is_of(local, remote, tcp_type)).map(|one| one.id)
    }

    /// Whether the connection is open.
    #[must_use]
    pub fn is_open(&self, id: StreamId) -> bool {
        self.get(id).is_some_and(Connection::is_open)
    }

    /// Our and the peer's address of an open connection. That of an active candidate has its real
    /// port.
    #[must_use]
    pub fn endpoints(&self, id: StreamId) -> Option<(SocketAddr, SocketAddr)> {
        let open = self.get(id).filter(|connection| connection.is_open());
        open.map(|connection| (connection.local, connection.remote))
    }

    /// A check over this connection passed integrity: from now on it may carry data.
    pub fn validate(&mut self, id: StreamId) {
        if let Some(connection) = self.get_mut(id) {
            connection.validate();
        }
    }

    /// Appends a frame, whose content `fill` appends, to the buffer of `poll_stream`, and says what
    /// to do with it. Allocates nothing but what the buffer needs.
    ///
    /// # Errors
    ///
    /// `WriteError`; the buffer is then as it was.
    pub fn write(
        &mut self,
        id: StreamId,
        buffer: &mut Vec<u8>,
        fill: impl FnOnce(&mut Vec<u8>),
    ) -> Result<StreamCommand, WriteError> {
        let open = self.get(id).filter(|connection| connection.is_open());
        if open.ok_or(WriteError::NotOpen)?.unsent >= MAX_UNSENT {
            self.stats.unsent += 1;
            return Err(WriteError::Full);
        }
        let size = write_frame(buffer, fill).map_err(|FrameError::TooLong| WriteError::TooLong)?;
        Ok(StreamCommand::Send { id, size })
    }

    /// Closes a connection. Nothing more is said about it.
    pub fn close(&mut self, now: Instant, id: StreamId) {
        self.advance(now);
        let gone = self.connections.extract_if(.., |connection| connection.id == id);
        if let Some(connection) = gone.last() {
            self.commands.push_back(match connection.is_open() {
                true => StreamCommand::Close { id },
                false => StreamCommand::Abort { id },
            });
        }
    }

    /// Closes all listeners and connections.
    pub fn close_all(&mut self, now: Instant) {
        self.advance(now);
        let listeners = self.listeners.drain(..).map(|listener| listener.id);
        let connections = self.connections.drain(..).map(|connection| connection.id);
        let close = listeners.chain(connections).map(|id| StreamCommand::Close { id });
        self.commands.extend(close);
        self.events.clear();
    }

    /// What the driver says of a stream; `false` if it is none of these. Of bytes, say so here and
    /// then take the frames with [`next_frame`](Self::next_frame).
    pub fn handle_stream(&mut self, now: Instant, input: StreamInput<'_>) -> bool {
        let now = self.advance(now);
        match input {
            StreamInput::Listening { id, local } => self.listening(id, local),
            StreamInput::Connected { id, local, remote } => self.connected(now, id, local, remote),
            StreamInput::Accepted { listener, id, local, remote } => {
                self.accepted(now, listener, id, (local, remote))
            }
            StreamInput::Received { id, .. } => self.get(id).is_some(),
            StreamInput::Unsent { id, bytes } => {
                self.get_mut(id).map(|connection| connection.unsent = bytes).is_some()
            }
            StreamInput::Closed { id, reason } => self.closed(id, reason),
        }
    }

    /// Takes the next frame off `bytes`, which arrived on the connection, and moves `bytes` behind
    /// it. `None` when all were used. A frame in pieces is put together in `scratch`, at the end.
    ///
    /// Ends a connection that carries what it must not, and reports so.
    pub fn next_frame<'a>(
        &mut self,
        now: Instant,
        id: StreamId,
        bytes: &mut &'a [u8],
        scratch: &mut Vec<u8>,
    ) -> Option<Frame<'a>> {
        self.advance(now);
        let connection = self.connections.iter_mut().find(|connection| connection.id == id)?;
        let frame = match connection.deframe(bytes, scratch) {
            Deframed::Nothing => return None,
            Deframed::Here(frame) => Ok(frame),
            Deframed::Scratch => Err(()),
            Deframed::TooLong => {
                self.end(id, TcpEnd::FrameTooLong);
                return None;
            }
        };
        let content = frame.unwrap_or(scratch);
        if !connection.is_validated() && !stun::Message::is_likely(content) {
            self.end(id, TcpEnd::NotStun);
            return None;
        }
        Some(frame.map_or(Frame::Scratch, Frame::Here))
    }

    /// The deadlines have come that have.
    pub fn handle_timeout(&mut self, now: Instant) {
        let now = self.advance(now);
        while let Some(late) = self.connections.iter().find(|one| one.is_late(now)) {
            let reason = match late.is_open() {
                true => TcpEnd::NotValidated,
                false => TcpEnd::Stream(StreamEnd::TimedOut),
            };
            self.end(late.id, reason);
        }
    }

    /// The next thing to do with a stream; checks and data are [written](Self::write) besides.
    pub fn poll_stream(&mut self) -> Option<StreamCommand> {
        self.commands.pop_front()
    }

    /// The next thing the agent should know.
    pub fn poll_event(&mut self) -> Option<TcpEvent> {
        self.events.pop_front()
    }

    /// When to call `handle_timeout` at the latest.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.connections.iter().filter_map(Connection::deadline).min()
    }

    /// What the connections did.
    #[must_use]
    pub const fn stats(&self) -> &TcpStats {
        &self.stats
    }

    fn listening(&mut self, id: StreamId, local: SocketAddr) -> bool {
        let Some(listener) = self.listeners.iter_mut().find(|listener| listener.id == id) else {
            return false;
        };
        let Listener { asked, tcp_type, .. } = *listener;
        listener.local = Some(local);
        self.events.push_back(TcpEvent::Listening { asked, local, tcp_type });
        true
    }

    fn connected(
        &mut self,
        now: Instant,
        id: StreamId,
        local: SocketAddr,
        remote: SocketAddr,
    ) -> bool {
        let deadline = now + self.config.validation_timeout;
        let Some(connection) = self.get_mut(id) else {
            return false;
        };
        // Told before, or another peer than asked for: the driver's fault, and nothing to act on.
        if connection.is_open() || connection.remote != remote {
            return true;
        }
        connection.local = local;
        connection.progress = Progress::Unvalidated { deadline };
        let tcp_type = connection.tcp_type;
        self.stats.opened += 1;
        self.events.push_back(TcpEvent::Opened { id, local, remote, tcp_type });
        true
    }

    fn accepted(
        &mut self,
        now: Instant,
        listener: StreamId,
        id: StreamId,
        (local, remote): (SocketAddr, SocketAddr),
    ) -> bool {
        let Some(listener) = self.listeners.iter().find(|one| one.id == listener) else {
            return false;
        };
        let tcp_type = listener.tcp_type;
        self.make_room();
        if self.connections.len() >= MAX_CONNECTIONS {
            self.stats.crowded_out += 1;
            self.commands.push_back(StreamCommand::Abort { id });
            return true;
        }
        let deadline = now + self.config.validation_timeout;
        self.connections.push(Connection::accepted(id, local, remote, tcp_type, deadline));
        self.stats.opened += 1;
        self.events.push_back(TcpEvent::Opened { id, local, remote, tcp_type });
        true
    }

    /// Ends the oldest connection that was accepted and not validated, if there are enough of them.
    fn make_room(&mut self) {
        let mut waiting = self.connections.iter().filter(|one| one.is_stranger());
        let oldest = waiting.next().map(|connection| connection.id);
        if waiting.count() + 1 >= MAX_UNVALIDATED
            && let Some(oldest) = oldest
        {
            self.stats.crowded_out += 1;
            self.end(oldest, TcpEnd::CrowdedOut);
        }
    }

    fn closed(&mut self, id: StreamId, reason: StreamEnd) -> bool {
        if let Some(listener) = self.listeners.extract_if(.., |listener| listener.id == id).last() {
            let (asked, tcp_type) = (listener.asked, listener.tcp_type);
            self.events.push_back(TcpEvent::NotListening { asked, tcp_type, reason });
            return true;
        }
        let is_known = self.connections.extract_if(.., |one| one.id == id).last().is_some();
        if is_known {
            self.stats.closed += 1;
            let reason = TcpEnd::Stream(reason);
            self.events.push_back(TcpEvent::Closed { id, reason });
        }
        is_known
    }

    /// Resets a connection and says why.
    fn end(&mut self, id: StreamId, reason: TcpEnd) {
        self.connections.retain(|connection| connection.id != id);
        self.stats.closed += 1;
        self.commands.push_back(StreamCommand::Abort { id });
        self.events.push_back(TcpEvent::Closed { id, reason });
    }

    fn get(&self, id: StreamId) -> Option<&Connection> {
        self.connections.iter().find(|connection| connection.id == id)
    }

    fn get_mut(&mut self, id: StreamId) -> Option<&mut Connection> {
        self.connections.iter_mut().find(|connection| connection.id == id)
    }

    const fn new_id(&mut self) -> StreamId {
        let id = StreamId::own(self.next_id);
        self.next_id += 1;
        id
    }

    fn advance(&mut self, now: Instant) -> Instant {
        self.now = self.now.max(now);
        self.now
    }
}

#[cfg(test)]
mod tests;
