//! IP packets as the simulated network carries them: fields, not bytes.

use std::{
    fmt,
    net::{IpAddr, SocketAddr},
    num::NonZeroU16,
};

use base::{Dscp, Ecn};
use bytes::Bytes;

use crate::id::{HopId, NodeId, PacketId};

mod icmp;
mod tcp;

pub use icmp::{Icmp, IcmpError, Quote};
pub use tcp::{TCP_HEADER, Tcp, TcpFlags};

/// Bytes of an IPv4 header without options.
pub const IPV4_HEADER: usize = 20;
/// Bytes of an IPv6 header.
pub const IPV6_HEADER: usize = 40;
/// Bytes of the fragment header that an IPv6 fragment carries besides (RFC 8200 §4.5).
pub const IPV6_FRAGMENT_HEADER: usize = 8;
/// Bytes of a UDP header.
pub const UDP_HEADER: usize = 8;
/// Hop limit of packets that hosts and boxes originate.
pub const DEFAULT_HOP_LIMIT: u8 = 64;

/// The origin of packets that have not been sent.
const NOBODY: NodeId = NodeId(u32::MAX);

/// An IP packet.
///
/// Addresses and ports are fields, so that a NAT rewrites them without touching bytes; observers that
/// need bytes (captures) build them. Header sizes count as on the wire: [`Packet::ip_length`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packet {
    /// Who it is, in traces and captures; constant from origin to end.
    pub id: PacketId,
    /// Source address.
    pub source_ip: IpAddr,
    /// Destination address, of the same family.
    pub destination_ip: IpAddr,
    /// Routers it may still cross.
    pub hop_limit: u8,
    /// Congestion mark.
    pub ecn: Ecn,
    /// Traffic class.
    pub dscp: Dscp,
    /// Whether routers must not fragment it. IPv6 routers never do.
    pub dont_fragment: bool,
    /// Which part of a fragmented packet this is; `None` for a whole one.
    pub fragment: Option<Fragment>,
    /// What it carries.
    pub body: Body,
    /// Whether a later fragment was changed on its way, so that the checksum of the whole is wrong.
    pub(crate) damaged: bool,
    /// The size in bytes of the fragments that a box may split it into, though it is IPv6: the box made it
    /// of an IPv4 packet that could be fragmented.
    pub(crate) split_at: Option<NonZeroU16>,
    /// The node that made it, for partitions.
    pub(crate) origin: NodeId,
    /// Where the next switch hands it out: resolved by the sender, as ARP would.
    pub(crate) next_hop: NextHop,
}

/// What an IP packet carries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body {
    /// A UDP datagram, or the first fragment of one.
    Udp(Udp),
    /// An ICMP message.
    Icmp(Icmp),
    /// A TCP segment; boxed, so that worlds without TCP do not carry room for one in every packet.
    Tcp(Box<Tcp>),
    /// A later fragment: bytes that belong behind those of the fragments before it.
    Trailing(Bytes),
}

/// A UDP datagram.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Udp {
    /// Port of the sender.
    pub source_port: u16,
    /// Port of the receiver.
    pub destination_port: u16,
    /// Whether the checksum fits the bytes. A receiving host drops the datagram otherwise.
    pub checksum_ok: bool,
    /// The bytes after the UDP header.
    pub payload: Bytes,
}

/// Place of a fragment in the packet it came from: RFC 791 §3.2, RFC 8200 §4.5.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Fragment {
    /// The same for all fragments of one packet between two addresses.
    pub identification: u32,
    /// Bytes of the IP payload that come before this part; a multiple of eight.
    pub offset: u16,
    /// Whether other fragments follow.
    pub more: bool,
}

/// The protocol above IP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Protocol {
    /// UDP.
    Udp,
    /// ICMP or ICMPv6.
    Icmp,
    /// TCP.
    Tcp,
}

impl Protocol {
    /// The name in traces and tables.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Udp => "udp",
            Self::Icmp => "icmp",
            Self::Tcp => "tcp",
        }
    }
}

/// Who takes the packet off the segment it is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NextHop {
    /// The other end of the wire.
    Peer,
    /// Who is behind this port of the switch.
    Port(HopId),
    /// Every port of the switch but the one it came from.
    Flood,
}

impl Packet {
    /// A UDP datagram from `source` to `destination`, which must be of one family. Its number is given
    /// when it is sent.
    #[must_use]
    pub fn udp(source: SocketAddr, destination: SocketAddr, payload: impl Into<Bytes>) -> Self {
        let udp = Udp {
            source_port: source.port(),
            destination_port: destination.port(),
            checksum_ok: true,
            payload: payload.into(),
        };
        Self::new(source.ip(), destination.ip(), Body::Udp(udp))
    }

    /// A TCP segment from `source` to `destination`, which must be of one family; it must not be
    /// fragmented.
    #[must_use]
    pub fn tcp(source: SocketAddr, destination: SocketAddr, segment: Tcp) -> Self {
        let segment =
            Tcp { source_port: source.port(), destination_port: destination.port(), ..segment };
        let mut packet = Self::new(source.ip(), destination.ip(), Body::Tcp(Box::new(segment)));
        packet.dont_fragment = true;
        packet
    }

    /// An ICMP message.
    #[must_use]
    pub const fn icmp(source: IpAddr, destination: IpAddr, message: Icmp) -> Self {
        Self::new(source, destination, Body::Icmp(message))
    }

    /// A packet with default header fields.
    #[must_use]
    pub const fn new(source_ip: IpAddr, destination_ip: IpAddr, body: Body) -> Self {
        Self {
            id: PacketId(0),
            source_ip,
            destination_ip,
            hop_limit: DEFAULT_HOP_LIMIT,
            ecn: Ecn::NotEct,
            dscp: Dscp::DEFAULT,
            dont_fragment: false,
            fragment: None,
            body,
            damaged: false,
            split_at: None,
            origin: NOBODY,
            next_hop: NextHop::Peer,
        }
    }

    /// The protocol it carries. Only UDP is ever fragmented here, so a later fragment is UDP.
    #[must_use]
    pub const fn protocol(&self) -> Protocol {
        match self.body {
            Body::Udp(_) | Body::Trailing(_) => Protocol::Udp,
            Body::Icmp(_) => Protocol::Icmp,
            Body::Tcp(_) => Protocol::Tcp,
        }
    }

    /// Source address and port; the port is the query identifier of an ICMP echo, else 0.
    #[must_use]
    pub fn source(&self) -> SocketAddr {
        let port = match &self.body {
            Body::Udp(udp) => udp.source_port,
            Body::Tcp(tcp) => tcp.source_port,
            Body::Icmp(icmp) => icmp.identifier().unwrap_or(0),
            Body::Trailing(_) => 0,
        };
        SocketAddr::new(self.source_ip, port)
    }

    /// Destination address and port; the port is the query identifier of an ICMP echo, else 0.
    #[must_use]
    pub fn destination(&self) -> SocketAddr {
        let port = match &self.body {
            Body::Udp(udp) => udp.destination_port,
            Body::Tcp(tcp) => tcp.destination_port,
            Body::Icmp(icmp) => icmp.identifier().unwrap_or(0),
            Body::Trailing(_) => 0,
        };
        SocketAddr::new(self.destination_ip, port)
    }

    /// Rewrites source address and port (of an ICMP echo: its identifier).
    pub fn set_source(&mut self, source: SocketAddr) {
        self.source_ip = source.ip();
        match &mut self.body {
            Body::Udp(udp) => udp.source_port = source.port(),
            Body::Tcp(tcp) => tcp.source_port = source.port(),
            Body::Icmp(icmp) => icmp.set_identifier(source.port()),
            Body::Trailing(_) => {}
        }
    }

    /// Rewrites destination address and port (of an ICMP echo: its identifier).
    pub fn set_destination(&mut self, destination: SocketAddr) {
        self.destination_ip = destination.ip();
        match &mut self.body {
            Body::Udp(udp) => udp.destination_port = destination.port(),
            Body::Tcp(tcp) => tcp.destination_port = destination.port(),
            Body::Icmp(icmp) => icmp.set_identifier(destination.port()),
            Body::Trailing(_) => {}
        }
    }

    /// Takes one hop off the hop limit, as a router does before it forwards; false (and unchanged) if
    /// none is left, in which case the packet must be dropped.
    #[must_use]
    pub const fn decrement_hop_limit(&mut self) -> bool {
        if self.hop_limit <= 1 {
            return false;
        }
        self.hop_limit -= 1;
        true
    }

    /// Whether it is an IPv6 packet.
    #[must_use]
    pub const fn is_ipv6(&self) -> bool {
        self.destination_ip.is_ipv6()
    }

    /// Bytes of the UDP or TCP payload (of this fragment), or of the data of another body.
    #[must_use]
    pub fn payload(&self) -> &Bytes {
        match &self.body {
            Body::Udp(udp) => &udp.payload,
            Body::Tcp(tcp) => &tcp.payload,
            Body::Trailing(bytes) => bytes,
            Body::Icmp(icmp) => icmp.payload(),
        }
    }

    /// Bytes after the IP header (and after the fragment header of IPv6).
    #[must_use]
    pub fn body_length(&self) -> usize {
        match &self.body {
            Body::Udp(udp) => UDP_HEADER + udp.payload.len(),
            Body::Tcp(tcp) => tcp.length(),
            Body::Trailing(bytes) => bytes.len(),
            Body::Icmp(icmp) => icmp.length(self.is_ipv6()),
        }
    }

    /// Bytes of the whole IP packet: what rates, queues and MTUs count.
    #[must_use]
    pub fn ip_length(&self) -> usize {
        self.header_length() + self.body_length()
    }

    /// Bytes of the IP header, extension headers included.
    #[must_use]
    pub const fn header_length(&self) -> usize {
        match (self.is_ipv6(), self.fragment.is_some()) {
            (false, _) => IPV4_HEADER,
            (true, false) => IPV6_HEADER,
            (true, true) => IPV6_HEADER + IPV6_FRAGMENT_HEADER,
        }
    }

    /// The ICMP error of `kind` that `reporter` sends to the source of this packet; `None` where one
    /// must not be sent: about ICMP errors, later fragments, and packets from or to a group
    /// (RFC 1122 §3.2.2, RFC 4443 §2.4).
    #[must_use]
    pub fn icmp_error(&self, reporter: IpAddr, kind: IcmpError) -> Option<Self> {
        let about_error = matches!(&self.body, Body::Icmp(icmp) if icmp.is_error());
        let later_fragment = self.fragment.is_some_and(|fragment| fragment.offset > 0);
        let group = is_group(self.destination_ip)
            || is_group(self.source_ip)
            || self.source_ip.is_unspecified();
        // RFC 4443 §2.4: Packet Too Big is the exception that may answer a multicast; nobody here
        // discovers the MTU of a group, so that exception is not taken.
        if about_error || later_fragment || group || reporter.is_ipv6() != self.is_ipv6() {
            return None;
        }
        let quote = Box::new(Quote::of(self));
        Some(Self::icmp(reporter, self.source_ip, Icmp::Error { kind, quote }))
    }
}

impl fmt::Display for Packet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.body {
            Body::Udp(udp) => {
                write!(
                    f,
                    "UDP {} > {} len={}",
                    self.source(),
                    self.destination(),
                    udp.payload.len()
                )
            }
            Body::Tcp(tcp) => {
                write!(f, "TCP {} > {} {tcp}", self.source(), self.destination())
            }
            Body::Icmp(icmp) => {
                write!(f, "ICMP {} > {} {icmp}", self.source_ip, self.destination_ip)
            }
            Body::Trailing(bytes) => {
                write!(f, "UDP {} > {} len={}", self.source_ip, self.destination_ip, bytes.len())
            }
        }?;
        match self.fragment {
            Some(part) => {
                let more = if part.more { "+" } else { "" };
                write!(f, " frag={:x}:{}{more}", part.identification, part.offset)
            }
            None => Ok(()),
        }
    }
}

/// Whether `address` stands for many: multicast, or the limited broadcast.
pub(crate) const fn is_group(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => v4.is_multicast() || v4.is_broadcast(),
        IpAddr::V6(v6) => v6.is_multicast(),
    }
}

/// Whether packets to `address` stay on their link.
pub(crate) const fn is_link_scoped(address: IpAddr) -> bool {
    is_group(address)
        || match address {
            IpAddr::V4(v4) => v4.is_link_local(),
            IpAddr::V6(v6) => v6.is_unicast_link_local(),
        }
}
