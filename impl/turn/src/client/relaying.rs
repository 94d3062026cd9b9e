//! Data to and from peers: RFC 8656 §11, §12. Nothing here allocates memory for a datagram.

use std::{net::SocketAddr, ops::Range};

use base::{Datagram, Instant, Machine, StreamId, Transmit};
use stun::{
    Builder, Message, Request,
    wire::{
        AttributeType, Class, ConnectionId as ConnectionNumber, Data, DontFragment, Icmp, Method,
        TransactionId, XorPeerAddress,
    },
};

use super::{
    Client, ClientDrop, ClientEvent, Relay, State, allocating::Live, permissions::Standing,
    streams::MAX_UNSENT,
};
use crate::ChannelMessage;

/// Most bytes of a datagram to the server: what IPv4 leaves of the 65 535 of a packet. Whatever a
/// stream could carry beyond, no datagram to a peer could.
const MAX_DATAGRAM: usize = 65_507;

/// Bytes that [`Client::send`] put at the end of the buffer, and where they go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outgoing {
    /// A datagram.
    Datagram(Transmit),
    /// The end of the buffer goes over a stream, as with [`base::StreamCommand::Send`].
    Stream {
        /// The stream.
        id: StreamId,
        /// Bytes of the buffer that belong to it.
        size: usize,
    },
}

/// What a datagram was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Received {
    /// The client's, and it is dealt with: ask for events and datagrams.
    Handled,
    /// Data from a peer.
    Data {
        /// The relayed address it came to.
        relayed: SocketAddr,
        /// The peer.
        peer: SocketAddr,
        /// Where it lies in the datagram.
        range: Range<usize>,
    },
    /// Not the client's: neither data of an allocation, nor the answer to one of its requests.
    NotMine,
}

/// Why nothing was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SendError {
    /// There is no allocation, or it relays connections.
    #[error("no allocation for datagrams")]
    NoAllocation,
    /// The allocation has no address of the peer's family.
    #[error("no relayed address of the peer's family")]
    Family,
    /// The server is being asked for the permission; RFC 8656 §11.1 has the client wait for it.
    #[error("the permission is on its way")]
    PermissionPending,
    /// The server gives no permission for this peer.
    #[error("the server forbids this peer")]
    Forbidden,
    /// There are as many permissions as may be.
    #[error("too many peers")]
    TooMany,
    /// The payload does not fit a datagram.
    #[error("payload too long")]
    TooLong,
    /// More than [`MAX_UNSENT`] bytes wait in the stream.
    #[error("the stream is full")]
    Congested,
}

/// Data from a peer.
pub(super) struct FromPeer<'a> {
    pub(super) relayed: SocketAddr,
    pub(super) peer: SocketAddr,
    pub(super) payload: &'a [u8],
}

impl Client {
    /// Puts a datagram for `peer` at the end of `buffer`: as ChannelData if a channel is bound, else as a
    /// Send indication. Asks for the permission if there is none, and for a channel if the payload is not
    /// STUN and the configuration says so.
    ///
    /// In an allocation that was made with `dont_fragment`, indications carry DONT-FRAGMENT.
    ///
    /// # Errors
    ///
    /// `SendError`; the buffer is then as it was.
    pub fn send(
        &mut self,
        now: Instant,
        peer: SocketAddr,
        payload: &[u8],
        buffer: &mut Vec<u8>,
    ) -> Result<Outgoing, SendError> {
        let now = self.advance(now);
        let stream = match &self.control {
            Some(control) if control.unsent > MAX_UNSENT => return Err(SendError::Congested),
            control => control.as_ref().map(|control| control.stream),
        };
        self.check_permission(now, peer)?;
        let State::Live(live) = &mut self.state else {
            return Err(SendError::NoAllocation);
        };
        let start = buffer.len();
        let channel = live.channels.through(now, peer);
        let size = match channel {
            Some(channel) => {
                let message = ChannelMessage { channel, data: payload };
                message.write(stream.is_some(), buffer)
            }
            None => {
                let id = TransactionId::random(&mut self.rng);
                let flag = live.allocation.dont_fragment.then_some(&DontFragment);
                write_indication(id, peer, payload, flag, buffer)
            }
        };
        let Some(size) = size.filter(|size| *size <= MAX_DATAGRAM) else {
            buffer.truncate(start);
            return Err(SendError::TooLong);
        };
        self.count_sent(now, channel.is_some(), payload.len());
        if channel.is_none() && self.config.auto_channels && !Message::is_likely(payload) {
            self.want_channel(now, peer);
        }
        Ok(match stream {
            Some(id) => Outgoing::Stream { id, size },
            None => {
                let source = self.config.local;
                Outgoing::Datagram(Transmit { source, ..Transmit::new(self.server, size) })
            }
        })
    }

    /// Takes a datagram. Over TCP and TLS none is the client's.
    pub fn receive(&mut self, now: Instant, datagram: Datagram<'_>) -> Received {
        let now = self.advance(now);
        let Datagram { source, destination, payload, .. } = datagram;
        let is_elsewhere = self.config.local.is_some_and(|local| local != destination);
        if self.transport.is_stream() || source != self.server || is_elsewhere {
            return Received::NotMine;
        }
        if ChannelMessage::is_likely(payload) {
            return match self.hear_channel_data(now, payload) {
                Ok(data) => locate(payload, &data),
                Err(ClientDrop::UnboundChannel | ClientDrop::Unexpected) => Received::NotMine,
                Err(_) => Received::Handled,
            };
        }
        // What does not parse is nobody's in particular.
        let Ok(message) = Message::parse(payload) else {
            return Received::NotMine;
        };
        match (message.class(), message.method()) {
            (Class::Success | Class::Error, _) if self.stun.awaits(message.transaction_id()) => {
                self.stun.handle_datagram(now, datagram);
                self.digest(now);
                Received::Handled
            }
            (Class::Indication, Method::DATA | Method::CONNECTION_ATTEMPT) => {
                match self.hear_indication(now, &message) {
                    Some(data) => locate(payload, &data),
                    None => Received::Handled,
                }
            }
            _ => Received::NotMine,
        }
    }

    /// RFC 8656 §12.6.
    pub(super) fn hear_channel_data<'a>(
        &mut self,
        now: Instant,
        bytes: &'a [u8],
    ) -> Result<FromPeer<'a>, ClientDrop> {
        let data = self.read_channel_data(now, bytes);
        match &data {
            Ok(data) => self.count_received(data.payload.len()),
            Err(reason) => self.stats.dropped.count(*reason),
        }
        data
    }

    fn read_channel_data<'a>(
        &self,
        now: Instant,
        bytes: &'a [u8],
    ) -> Result<FromPeer<'a>, ClientDrop> {
        let State::Live(live) = &self.state else {
            return Err(ClientDrop::Unexpected);
        };
        let message = ChannelMessage::parse(bytes).map_err(|_| ClientDrop::Malformed)?;
        let peer = live.channels.peer(now, message.channel).ok_or(ClientDrop::UnboundChannel)?;
        live.admit(now, peer, message.data)
    }

    /// Takes an indication; data is left to the caller.
    pub(super) fn hear_indication<'a>(
        &mut self,
        now: Instant,
        message: &Message<'a>,
    ) -> Option<FromPeer<'a>> {
        let heard = self.read_indication(now, message);
        match heard {
            Ok(Heard::Data(data)) => {
                self.count_received(data.payload.len());
                return Some(data);
            }
            Ok(Heard::Icmp(peer, icmp)) => {
                self.report_if_room(ClientEvent::Icmp { peer, icmp });
            }
            Ok(Heard::Attempt(peer, number)) => self.hear_attempt(now, peer, number),
            Err(reason) => self.stats.dropped.count(reason),
        }
        None
    }

    /// RFC 8656 §11.4, §11.6; RFC 6062 §4.4.
    fn read_indication<'a>(
        &self,
        now: Instant,
        message: &Message<'a>,
    ) -> Result<Heard<'a>, ClientDrop> {
        let State::Live(live) = &self.state else {
            return Err(ClientDrop::Unexpected);
        };
        if message.has_not_understood(AttributeType::is_known) {
            return Err(ClientDrop::UnknownAttribute);
        }
        let peer = message.get::<XorPeerAddress>().ok_or(ClientDrop::IncompleteIndication)?.0;
        match (message.method(), live.wish.relay) {
            (Method::CONNECTION_ATTEMPT, Relay::Tcp) => {
                let number = message.get::<ConnectionNumber>();
                let number = number.ok_or(ClientDrop::IncompleteIndication)?;
                live.check(now, peer)?;
                Ok(Heard::Attempt(peer, number.0))
            }
            (Method::DATA, Relay::Udp) => {
                if let Some(icmp) = message.get::<Icmp>() {
                    live.check(now, peer)?;
                    return Ok(Heard::Icmp(peer, icmp));
                }
                let data = message.get::<Data<'a>>().ok_or(ClientDrop::IncompleteIndication)?;
                live.admit(now, peer, data.0).map(Heard::Data)
            }
            _ => Err(ClientDrop::Unexpected),
        }
    }

    fn check_permission(&mut self, now: Instant, peer: SocketAddr) -> Result<(), SendError> {
        let State::Live(live) = &mut self.state else {
            return Err(SendError::NoAllocation);
        };
        if live.wish.relay != Relay::Udp {
            return Err(SendError::NoAllocation);
        }
        if live.allocation.relayed_for(peer.ip()).is_none() {
            return Err(SendError::Family);
        }
        let standing = match base::mutant::active("turn-client-sends-without-permission") {
            true => Standing::Granted,
            false => live.permissions.standing(now, peer.ip()),
        };
        match standing {
            Standing::Granted => {
                live.permissions.used(peer.ip());
                Ok(())
            }
            Standing::Refused(_) => Err(SendError::Forbidden),
            Standing::Pending => Err(SendError::PermissionPending),
            Standing::Unknown => {
                if !live.permissions.want(now, peer.ip(), false) {
                    return Err(SendError::TooMany);
                }
                self.pump(now);
                Err(SendError::PermissionPending)
            }
        }
    }

    /// A channel that cannot be had is no reason not to send.
    fn want_channel(&mut self, now: Instant, peer: SocketAddr) {
        if let State::Live(live) = &mut self.state {
            live.channels.want(now, peer, false);
            self.pump(now);
        }
    }

    fn count_sent(&mut self, now: Instant, is_channel: bool, length: usize) {
        self.sent_at = now;
        self.stats.sent_bytes += u64::try_from(length).unwrap_or(0);
        match is_channel {
            true => self.stats.sent_channel_data += 1,
            false => self.stats.sent_indications += 1,
        }
    }

    fn count_received(&mut self, length: usize) {
        self.stats.received += 1;
        self.stats.received_bytes += u64::try_from(length).unwrap_or(0);
    }

    /// Ends a silence that NATs on the way could take for the end.
    pub(super) fn keep_alive(&mut self, now: Instant) {
        let Some(interval) = self.config.keepalive() else {
            return;
        };
        if now < self.sent_at + interval {
            return;
        }
        self.sent_at = now;
        let indication: Request = self.request(Method::BINDING);
        if self.stun.indicate(now, &indication).is_ok() {
            self.stats.keepalives += 1;
        }
    }
}

impl Live {
    /// RFC 8656 §11.4: data from whom the client did not let through is not its own.
    fn check(&self, now: Instant, peer: SocketAddr) -> Result<SocketAddr, ClientDrop> {
        let admitted = self.permissions.admits(now, peer.ip())
            || base::mutant::active("turn-client-takes-data-without-permission");
        let relayed = self.allocation.relayed_for(peer.ip()).filter(|_| admitted);
        relayed.ok_or(ClientDrop::NoPermission)
    }

    fn admit<'a>(
        &self,
        now: Instant,
        peer: SocketAddr,
        payload: &'a [u8],
    ) -> Result<FromPeer<'a>, ClientDrop> {
        let relayed = self.check(now, peer)?;
        Ok(FromPeer { relayed, peer, payload })
    }
}

/// What an indication says.
enum Heard<'a> {
    Data(FromPeer<'a>),
    Icmp(SocketAddr, Icmp),
    Attempt(SocketAddr, u32),
}

/// Appends a Send indication; `None` if it does not fit a message.
fn write_indication(
    id: TransactionId,
    peer: SocketAddr,
    payload: &[u8],
    dont_fragment: Option<&DontFragment>,
    buffer: &mut Vec<u8>,
) -> Option<usize> {
    let mut builder = Builder::new(buffer, Method::SEND, Class::Indication, id);
    builder.put(&XorPeerAddress(peer));
    builder.put_some(dont_fragment);
    builder.put(&Data(payload));
    builder.finish().ok()
}

/// Says where in the datagram data lies.
fn locate(datagram: &[u8], data: &FromPeer<'_>) -> Received {
    let start = data.payload.as_ptr().addr() - datagram.as_ptr().addr();
    let range = start..start + data.payload.len();
    Received::Data { relayed: data.relayed, peer: data.peer, range }
}
