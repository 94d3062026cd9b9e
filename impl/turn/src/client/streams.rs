//! The connection to the server over TCP and TLS: RFC 8656 §3.1, RFC 8489 §6.2.2.

use std::net::SocketAddr;

use base::{Datagram, Ecn, Instant, Machine, StreamCommand, StreamEnd, StreamId, StreamInput};
use stun::{ChannelData, Deframer, Frame, Message, wire::Class};

use super::{
    AllocateFailure, Client, ClientDrop, ClientEvent, LostReason, State, allocating::Ending,
    relaying::FromPeer,
};

/// Most bytes that may wait in a stream before nothing more is put into it: about a tenth of a second of
/// 20 Mbit/s. Behind more of them, what is sent would come too late.
pub const MAX_UNSENT: usize = 256 * 1_024;

/// The connection on which an allocation lives.
#[derive(Debug)]
pub(super) struct Control {
    pub(super) stream: StreamId,
    /// Our end, once it is open.
    pub(super) local: SocketAddr,
    /// Bytes that the driver still holds.
    pub(super) unsent: usize,
    deframer: Deframer,
}

impl Client {
    pub(super) fn open_control(&mut self) {
        let stream = self.open_stream();
        let deframer = Deframer::new(ChannelData::Allowed);
        self.control = Some(Control { stream, local: self.server, unsent: 0, deframer });
    }

    /// Opens a connection to the server. RFC 6062 §4.3: all of them go to the same address.
    pub(super) fn open_stream(&mut self) -> StreamId {
        let id = self.new_stream();
        self.commands.push_back(StreamCommand::Connect {
            id,
            local: self.config.local,
            remote: self.server,
            security: self.transport.security(),
        });
        id
    }

    pub(super) fn close_control(&mut self) {
        if let Some(control) = self.control.take() {
            self.commands.push_back(StreamCommand::Close { id: control.stream });
        }
    }

    pub(super) fn abort_control(&mut self) {
        if let Some(control) = self.control.take() {
            self.commands.push_back(StreamCommand::Abort { id: control.stream });
        }
    }

    fn is_control(&self, id: StreamId) -> bool {
        self.control.as_ref().is_some_and(|control| control.stream == id)
    }

    /// The next thing to do with streams: first what was commanded, then what is to be sent.
    pub(super) fn next_stream_command(
        &mut self,
        now: Instant,
        buffer: &mut Vec<u8>,
    ) -> Option<StreamCommand> {
        if let Some(command) = self.commands.pop_front() {
            return Some(command);
        }
        if !self.transport.is_stream() {
            return None;
        }
        loop {
            let start = buffer.len();
            let transmit = self.stun.poll_transmit(now, buffer)?;
            match self.stream_at(transmit.source) {
                Some(id) => return Some(StreamCommand::Send { id, size: transmit.size }),
                // The stream is gone, and what was to go over it.
                None => buffer.truncate(start),
            }
        }
    }

    /// Which stream has this local address.
    fn stream_at(&self, local: Option<SocketAddr>) -> Option<StreamId> {
        let local = local?;
        let control = self.control.as_ref().filter(|control| control.local == local);
        control.map(|control| control.stream).or_else(|| self.connection_at(local))
    }

    pub(super) fn hear_stream(&mut self, now: Instant, input: StreamInput<'_>) {
        match input {
            StreamInput::Connected { id, local, .. } if self.is_control(id) => {
                if let Some(control) = &mut self.control {
                    control.local = local;
                }
                self.connected(now);
            }
            StreamInput::Connected { id, local, .. } => self.connection_opened(now, id, local),
            StreamInput::Received { id, bytes } if self.is_control(id) => {
                self.hear_control(now, id, bytes);
            }
            StreamInput::Received { id, bytes } => self.hear_connection(now, id, bytes),
            StreamInput::Unsent { id, bytes } => match &mut self.control {
                Some(control) if control.stream == id => control.unsent = bytes,
                _ => self.connection_unsent(id, bytes),
            },
            StreamInput::Closed { id, reason } if self.is_control(id) => {
                self.control = None;
                self.control_closed(now, reason);
            }
            StreamInput::Closed { id, reason } => self.connection_closed(now, id, reason),
            // The client listens nowhere.
            StreamInput::Listening { .. } | StreamInput::Accepted { .. } => {
                self.stats.dropped.count(ClientDrop::Unexpected);
            }
        }
    }

    /// With the connection the allocation goes.
    fn control_closed(&mut self, now: Instant, reason: StreamEnd) {
        match &self.state {
            State::Idle => {}
            State::Connecting { .. } | State::Allocating { .. } => {
                self.fail(now, AllocateFailure::Connection(reason));
            }
            State::Live(_) => self.lose(now, LostReason::Connection(reason)),
            State::Releasing { ending } => self.end(now, *ending),
        }
    }

    fn hear_control(&mut self, now: Instant, id: StreamId, mut bytes: &[u8]) {
        let Some(control) = &mut self.control else {
            return;
        };
        let local = control.local;
        let empty = Deframer::new(ChannelData::Allowed);
        let mut deframer = std::mem::replace(&mut control.deframer, empty);
        while !bytes.is_empty() {
            let taken = deframer.push(bytes);
            bytes = bytes.get(taken..).unwrap_or_default();
            loop {
                match deframer.next_frame() {
                    Ok(Some(frame)) => self.hear_frame(now, local, frame),
                    Ok(None) => break,
                    Err(_) => return self.control_broken(now),
                }
                if !self.is_control(id) {
                    return;
                }
            }
        }
        if let Some(control) = &mut self.control {
            control.deframer = deframer;
        }
    }

    /// RFC 8489 §6.2.2: nobody can find the next message in a stream that has lost its step.
    fn control_broken(&mut self, now: Instant) {
        self.stats.dropped.count(ClientDrop::Malformed);
        self.abort_control();
        match &self.state {
            State::Live(_) => self.lose(now, LostReason::BrokenStream),
            State::Releasing { ending } => self.end(now, *ending),
            State::Idle | State::Connecting { .. } | State::Allocating { .. } => {
                self.end(now, Ending::Failed(AllocateFailure::BadAnswer));
            }
        }
    }

    fn hear_frame(&mut self, now: Instant, local: SocketAddr, frame: Frame<'_>) {
        let data = match frame {
            Frame::ChannelData(bytes) => self.hear_channel_data(now, bytes).ok(),
            Frame::Message(bytes) => self.hear_message(now, local, bytes),
        };
        if let Some(FromPeer { relayed, peer, payload }) = data {
            let payload = payload.to_vec();
            self.report_if_room(ClientEvent::Data { relayed, peer, payload });
        }
    }

    fn hear_message<'a>(
        &mut self,
        now: Instant,
        local: SocketAddr,
        bytes: &'a [u8],
    ) -> Option<FromPeer<'a>> {
        let Ok(message) = Message::parse(bytes) else {
            self.stats.dropped.count(ClientDrop::Malformed);
            return None;
        };
        match message.class() {
            Class::Success | Class::Error => {
                self.hear_response(now, local, bytes);
                None
            }
            Class::Indication => self.hear_indication(now, &message),
            Class::Request => {
                self.stats.dropped.count(ClientDrop::Unexpected);
                None
            }
        }
    }

    /// Gives a response that came over a stream to the transactions.
    pub(super) fn hear_response(&mut self, now: Instant, local: SocketAddr, bytes: &[u8]) {
        let (source, destination) = (self.server, local);
        let datagram = Datagram { source, destination, ecn: Ecn::NotEct, payload: bytes };
        self.stun.handle_datagram(now, datagram);
        self.digest(now);
    }
}
