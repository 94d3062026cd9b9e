//! What an agent offers and is offered: candidates.

mod foundation;
pub mod priority;
mod text;

use std::{
    fmt,
    net::{IpAddr, SocketAddr},
};

pub use foundation::{Foundation, Foundations, Origin};
pub(crate) use text::is_ice_char;
pub use text::{CandidateError, MAX_EXTENSIONS, MAX_LINE};

use crate::parameters::Ufrag;

/// A transport address at which an agent may be reached, with what is to be known about it.
///
/// Its text is that of the SDP attribute (RFC 8839 §5.1): `Display` writes `candidate:` and the
/// value, as it stands in `a=candidate:…` and in the W3C's `RTCIceCandidate`; `FromStr` reads it
/// with or without the prefix.
///
/// ```
/// use ice::{Candidate, Kind, TcpType, Transport};
///
/// let text = "candidate:1 1 tcp 1518280447 192.0.2.3 9 typ host tcptype active generation 0";
/// let candidate: Candidate = text.parse()?;
/// assert_eq!(candidate.kind, Kind::Host);
/// assert_eq!(candidate.transport, Transport::Tcp(TcpType::Active));
/// assert_eq!(candidate.address.ip(), Some("192.0.2.3:9".parse()?));
/// assert_eq!(candidate.to_string(), text);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Candidate {
    /// Alike for candidates that are likely to work or fail together.
    pub foundation: Foundation,
    /// The component of the stream, 1 to 256: 1 is RTP, or everything; 2 is RTCP of its own.
    pub component: u16,
    /// How it is spoken to.
    pub transport: Transport,
    /// 1 to 2³¹−1; more is better.
    pub priority: u32,
    /// Where it is.
    pub address: Address,
    /// How it came to be.
    pub kind: Kind,
    /// The base of a reflexive candidate, the mapped address of a relayed one; for diagnostics
    /// alone. `None` for a host candidate, or to hide it: the text then has the unspecified address
    /// and port 9.
    pub related: Option<SocketAddr>,
    /// Extensions this crate does not know, in their order. At most [`MAX_EXTENSIONS`].
    pub extensions: Vec<Extension>,
    /// The username fragment of the generation it belongs to, if it says so.
    pub ufrag: Option<Ufrag>,
}

/// Where a candidate is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Address {
    /// At an address.
    Ip(SocketAddr),
    /// At the address a name stands for.
    Name {
        /// The name, as it was written.
        name: String,
        /// The port.
        port: u16,
    },
}

/// How a candidate came to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// An address of the host.
    Host,
    /// An address a STUN server saw.
    ServerReflexive,
    /// An address the peer saw.
    PeerReflexive,
    /// An address at a relay.
    Relayed,
}

/// How a candidate is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Transport {
    /// Over UDP.
    Udp,
    /// Over TCP: RFC 6544.
    Tcp(TcpType),
}

/// Who opens the TCP connection: RFC 6544 §4.5.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TcpType {
    /// The one whose candidate this is.
    Active,
    /// The other one.
    Passive,
    /// Both at the same moment.
    So,
}

/// A name and a value at the end of a candidate's text.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Extension {
    name: String,
    value: String,
}

/// The port of active TCP candidates, which nobody connects to: RFC 6544 §4.5.
pub const DISCARD_PORT: u16 = 9;

impl Candidate {
    /// A candidate without related address, extensions and username fragment.
    #[must_use]
    pub const fn new(
        foundation: Foundation,
        component: u16,
        transport: Transport,
        priority: u32,
        address: Address,
        kind: Kind,
    ) -> Self {
        Self {
            foundation,
            component,
            transport,
            priority,
            address,
            kind,
            related: None,
            extensions: Vec::new(),
            ufrag: None,
        }
    }
}

impl Address {
    /// The address, unless a name stands for it.
    #[must_use]
    pub const fn ip(&self) -> Option<SocketAddr> {
        match self {
            Self::Ip(address) => Some(*address),
            Self::Name { .. } => None,
        }
    }

    /// The name, if one stands for the address.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        match self {
            Self::Ip(_) => None,
            Self::Name { name, .. } => Some(name),
        }
    }

    /// The port.
    #[must_use]
    pub const fn port(&self) -> u16 {
        match self {
            Self::Ip(address) => address.port(),
            Self::Name { port, .. } => *port,
        }
    }

    /// Whether it is a name that is looked up by multicast DNS: one label and `.local`.
    ///
    /// Any other name is a fully qualified domain name, and RFC 8839 §5.1 has candidates with such
    /// names ignored.
    #[must_use]
    pub fn is_mdns(&self) -> bool {
        self.name().and_then(strip_local).is_some_and(|label| !label.contains('.'))
    }

    /// Whether a packet may be sent there: an address that is neither unspecified nor of a group,
    /// and a port other than 0. True for names, whose address is not known yet.
    #[must_use]
    pub fn is_unicast(&self) -> bool {
        match self {
            Self::Ip(address) => address.port() != 0 && is_unicast(address.ip()),
            Self::Name { port, .. } => *port != 0,
        }
    }
}

fn strip_local(name: &str) -> Option<&str> {
    let at = name.len().checked_sub(".local".len()).filter(|&at| at > 0)?;
    let (label, end) = name.split_at_checked(at)?;
    end.eq_ignore_ascii_case(".local").then_some(label)
}

fn is_unicast(ip: IpAddr) -> bool {
    match ip.to_canonical() {
        IpAddr::V4(ip) => !(ip.is_unspecified() || ip.is_multicast() || ip.is_broadcast()),
        IpAddr::V6(ip) => !(ip.is_unspecified() || ip.is_multicast()),
    }
}

impl Transport {
    /// Whether it is TCP.
    #[must_use]
    pub const fn is_tcp(self) -> bool {
        matches!(self, Self::Tcp(_))
    }

    /// Whether a local candidate that is spoken to this way can be paired with a remote one that is
    /// spoken to that way: RFC 6544 §6.2.
    #[must_use]
    pub const fn pairs_with(self, remote: Self) -> bool {
        matches!(
            (self, remote),
            (Self::Udp, Self::Udp)
                | (Self::Tcp(TcpType::So), Self::Tcp(TcpType::So))
                | (Self::Tcp(TcpType::Active), Self::Tcp(TcpType::Passive))
                | (Self::Tcp(TcpType::Passive), Self::Tcp(TcpType::Active))
        )
    }
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 4] =
        [Self::Host, Self::ServerReflexive, Self::PeerReflexive, Self::Relayed];

    /// As SDP and the W3C write it: `host`, `srflx`, `prflx`, `relay`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Host => "host",
            Self::ServerReflexive => "srflx",
            Self::PeerReflexive => "prflx",
            Self::Relayed => "relay",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl TcpType {
    /// Every type.
    pub const ALL: [Self; 3] = [Self::Active, Self::Passive, Self::So];

    /// As SDP and the W3C write it: `active`, `passive`, `so`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Passive => "passive",
            Self::So => "so",
        }
    }
}

impl fmt::Display for TcpType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl Extension {
    /// An extension, if `name` is a token of RFC 3261 §25.1 and `value` is visible ASCII or
    /// nothing.
    #[must_use]
    pub fn new(name: &str, value: &str) -> Option<Self> {
        let is_value = value.bytes().all(|byte| byte.is_ascii_graphic());
        (text::is_token(name) && is_value)
            .then(|| Self { name: name.to_owned(), value: value.to_owned() })
    }

    /// The name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The value.
    #[must_use]
    pub fn value(&self) -> &str {
        &self.value
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::uuid("0f1c7ad2-5a51-4b92-9d25-4e0a3a0f7f5e.local", true)]
    #[case::capitals("a.LOCAL", true)]
    #[case::two_labels("a.b.local", false)]
    #[case::no_label(".local", false)]
    #[case::domain("example.com", false)]
    #[case::short("local", false)]
    fn only_one_label_and_local_is_multicast_dns(#[case] name: &str, #[case] expected: bool) {
        let address = Address::Name { name: name.to_owned(), port: 1 };
        assert_eq!(address.is_mdns(), expected);
    }

    #[rstest]
    #[case("192.0.2.1:1", true)]
    #[case("127.0.0.1:1", true)]
    #[case("192.0.2.1:0", false)]
    #[case("0.0.0.0:1", false)]
    #[case("255.255.255.255:1", false)]
    #[case("224.0.0.251:5353", false)]
    #[case("[ff02::fb]:5353", false)]
    #[case("[::]:1", false)]
    #[case("[::ffff:224.0.0.1]:1", false)]
    #[case("[fe80::1]:1", true)]
    fn groups_and_nowhere_are_not_unicast(#[case] address: SocketAddr, #[case] expected: bool) {
        assert_eq!(Address::Ip(address).is_unicast(), expected);
    }

    #[test]
    fn connections_have_an_opener_and_an_acceptor_or_two_openers() {
        let all = TcpType::ALL.map(Transport::Tcp);
        let pairs = all.iter().flat_map(|local| all.map(|remote| (*local, remote)));
        let pairing: Vec<_> = pairs.filter(|(local, remote)| local.pairs_with(*remote)).collect();
        assert_eq!(
            pairing,
            [
                (Transport::Tcp(TcpType::Active), Transport::Tcp(TcpType::Passive)),
                (Transport::Tcp(TcpType::Passive), Transport::Tcp(TcpType::Active)),
                (Transport::Tcp(TcpType::So), Transport::Tcp(TcpType::So)),
            ]
        );
        assert!(!Transport::Udp.pairs_with(Transport::Tcp(TcpType::So)));
    }

    #[test]
    fn extensions_are_tokens_with_visible_values() {
        assert!(Extension::new("network-cost", "").is_some());
        assert!(Extension::new("network cost", "1").is_none());
        assert!(Extension::new("", "1").is_none());
        assert!(Extension::new("generation", "0 1").is_none());
    }
}
