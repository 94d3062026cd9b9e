//! ICMP (RFC 792) and ICMPv6 (RFC 4443) messages, as far as UDP and TCP endpoints and NATs meet them.

use std::{fmt, net::SocketAddr};

use base::SocketErrorKind;
use bytes::Bytes;

use super::{Body, Packet, Protocol};
use crate::id::PacketId;

/// Bytes of an ICMP header.
const ICMP_HEADER: usize = 8;
/// Bytes quoted behind the IP header (RFC 1122 §3.2.2): a UDP header, or the head of one of TCP.
const QUOTED: usize = 8;

static NOTHING: Bytes = Bytes::new();

/// An ICMP message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Icmp {
    /// A ping.
    EchoRequest {
        /// Tells apart the pings of several programs; a NAT translates it as it does a port.
        identifier: u16,
        /// Counts the pings of one program.
        sequence: u16,
        /// Data to be sent back.
        payload: Bytes,
    },
    /// The answer to a ping.
    EchoReply {
        /// As in the request.
        identifier: u16,
        /// As in the request.
        sequence: u16,
        /// As in the request.
        payload: Bytes,
    },
    /// A report about a packet that could not be delivered.
    Error {
        /// What was wrong.
        kind: IcmpError,
        /// The head of the packet in question.
        quote: Box<Quote>,
    },
}

/// What an ICMP error reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum IcmpError {
    /// No route to the network (type 3 code 0; ICMPv6 type 1 code 0).
    NetworkUnreachable,
    /// Nobody has that address (type 3 code 1; ICMPv6 type 1 code 3).
    HostUnreachable,
    /// Nobody listens on the port (type 3 code 3; ICMPv6 type 1 code 4).
    PortUnreachable,
    /// Forbidden by policy (type 3 code 13; ICMPv6 type 1 code 1).
    Prohibited,
    /// Too long for the next link (type 3 code 4; ICMPv6 type 2).
    TooBig {
        /// IP packet size in bytes that would fit.
        mtu: u32,
    },
    /// The hop limit ran out on the way (type 11 code 0; ICMPv6 type 3 code 0).
    TimeExceeded,
    /// Fragments went missing for too long (type 11 code 1; ICMPv6 type 3 code 1).
    ReassemblyTimeExceeded,
}

impl IcmpError {
    /// ICMP type and code, in the numbering of IPv6 if `ipv6`.
    #[must_use]
    pub const fn type_and_code(self, ipv6: bool) -> (u8, u8) {
        match (self, ipv6) {
            (Self::NetworkUnreachable, false) => (3, 0),
            (Self::HostUnreachable, false) => (3, 1),
            (Self::PortUnreachable, false) => (3, 3),
            (Self::TooBig { .. }, false) => (3, 4),
            (Self::Prohibited, false) => (3, 13),
            (Self::TimeExceeded, false) => (11, 0),
            (Self::ReassemblyTimeExceeded, false) => (11, 1),
            (Self::NetworkUnreachable, true) => (1, 0),
            (Self::Prohibited, true) => (1, 1),
            (Self::HostUnreachable, true) => (1, 3),
            (Self::PortUnreachable, true) => (1, 4),
            (Self::TooBig { .. }, true) => (2, 0),
            (Self::TimeExceeded, true) => (3, 0),
            (Self::ReassemblyTimeExceeded, true) => (3, 1),
        }
    }

    /// What the socket that sent the packet learns.
    #[must_use]
    pub const fn socket_error(self) -> SocketErrorKind {
        match self {
            Self::NetworkUnreachable => SocketErrorKind::NetworkUnreachable,
            Self::HostUnreachable => SocketErrorKind::HostUnreachable,
            Self::PortUnreachable => SocketErrorKind::PortUnreachable,
            Self::Prohibited => SocketErrorKind::Prohibited,
            Self::TooBig { mtu } => SocketErrorKind::TooBig { mtu },
            Self::TimeExceeded | Self::ReassemblyTimeExceeded => SocketErrorKind::TimeExceeded,
        }
    }
}

/// The head of a packet, as quoted in an ICMP error: what a NAT needs to find the mapping and a host
/// to find the socket.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Quote {
    /// The packet in question.
    pub id: PacketId,
    /// Its protocol.
    pub protocol: Protocol,
    /// Its source address and port (or echo identifier).
    pub source: SocketAddr,
    /// Its destination address and port (or echo identifier).
    pub destination: SocketAddr,
    /// Its hop limit where it was dropped.
    pub hop_limit: u8,
    /// The sequence number of a TCP segment, by which its sender tells a true report from a guess;
    /// else 0.
    pub sequence: u32,
}

/// As derived, but that the sequence number shows where it means something: trace hashes of worlds
/// without TCP depend on this text.
impl fmt::Debug for Quote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = f.debug_struct("Quote");
        out.field("id", &self.id)
            .field("protocol", &self.protocol)
            .field("source", &self.source)
            .field("destination", &self.destination)
            .field("hop_limit", &self.hop_limit);
        if self.protocol == Protocol::Tcp {
            out.field("sequence", &self.sequence);
        }
        out.finish()
    }
}

impl Quote {
    /// Quotes `packet`.
    #[must_use]
    pub fn of(packet: &Packet) -> Self {
        Self {
            id: packet.id,
            protocol: packet.protocol(),
            source: packet.source(),
            destination: packet.destination(),
            hop_limit: packet.hop_limit,
            sequence: match &packet.body {
                Body::Tcp(tcp) => tcp.sequence,
                Body::Udp(_) | Body::Icmp(_) | Body::Trailing(_) => 0,
            },
        }
    }
}

impl Icmp {
    /// The query identifier of an echo; `None` for errors.
    #[must_use]
    pub const fn identifier(&self) -> Option<u16> {
        match self {
            Self::EchoRequest { identifier, .. } | Self::EchoReply { identifier, .. } => {
                Some(*identifier)
            }
            Self::Error { .. } => None,
        }
    }

    /// Rewrites the query identifier of an echo; errors have none.
    pub const fn set_identifier(&mut self, value: u16) {
        match self {
            Self::EchoRequest { identifier, .. } | Self::EchoReply { identifier, .. } => {
                *identifier = value;
            }
            Self::Error { .. } => {}
        }
    }

    /// Whether it reports an error.
    #[must_use]
    pub const fn is_error(&self) -> bool {
        matches!(self, Self::Error { .. })
    }

    /// The data of an echo.
    #[must_use]
    pub fn payload(&self) -> &Bytes {
        match self {
            Self::EchoRequest { payload, .. } | Self::EchoReply { payload, .. } => payload,
            Self::Error { .. } => &NOTHING,
        }
    }

    /// Bytes of the message. An error quotes the IP header and eight bytes behind it (RFC 1122 §3.2.2):
    /// all of a UDP header, or ports and sequence number of TCP.
    #[must_use]
    pub fn length(&self, ipv6: bool) -> usize {
        let header = if ipv6 { super::IPV6_HEADER } else { super::IPV4_HEADER };
        match self {
            Self::EchoRequest { payload, .. } | Self::EchoReply { payload, .. } => {
                ICMP_HEADER + payload.len()
            }
            Self::Error { .. } => ICMP_HEADER + header + QUOTED,
        }
    }
}

impl fmt::Display for Icmp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::EchoRequest { identifier, sequence, .. } => {
                write!(f, "echo request id={identifier} seq={sequence}")
            }
            Self::EchoReply { identifier, sequence, .. } => {
                write!(f, "echo reply id={identifier} seq={sequence}")
            }
            Self::Error { kind, quote } => {
                write!(f, "{kind} ({} > {})", quote.source, quote.destination)
            }
        }
    }
}

impl fmt::Display for IcmpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NetworkUnreachable => f.write_str("network unreachable"),
            Self::HostUnreachable => f.write_str("host unreachable"),
            Self::PortUnreachable => f.write_str("port unreachable"),
            Self::Prohibited => f.write_str("administratively prohibited"),
            Self::TooBig { mtu } => write!(f, "packet too big, mtu {mtu}"),
            Self::TimeExceeded => f.write_str("time exceeded"),
            Self::ReassemblyTimeExceeded => f.write_str("reassembly time exceeded"),
        }
    }
}
