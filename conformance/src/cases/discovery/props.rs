//! The servers of NAT behaviour discovery, and what their whole responses look like.

use std::net::{IpAddr, SocketAddr};

use crate::{
    cases::stun::script::*,
    subjects::stun::{DiscoveryOffer, StunServerConfig},
};

/// MTU in bytes of the interface the subject's server is told about.
pub(super) const MTU: u16 = 1_500;

/// The four addresses of a server, in the order of [`StunServerConfig::addresses`].
pub(super) fn four(family: Family) -> Vec<SocketAddr> {
    let ips: [IpAddr; 2] = match family {
        Family::V4 => [[192, 0, 2, 10].into(), [192, 0, 2, 11].into()],
        Family::V6 => {
            let ip = |last| [0x2001, 0xdb8, 0, 0, 0, 0, 0, last].into();
            [ip(0x10), ip(0x11)]
        }
    };
    ips.iter().flat_map(|ip| [3478, 3479].map(|port| SocketAddr::new(*ip, port))).collect()
}

/// What a server that heeds everything heeds.
pub(super) const fn everything() -> DiscoveryOffer {
    DiscoveryOffer { response_port: true, padding: Some(MTU) }
}

/// A server with two addresses and two ports that heeds everything.
pub(super) fn discovery_server(family: Family) -> StunServerConfig {
    StunServerConfig { addresses: four(family), discovery: Some(everything()), ..plain() }
}

/// A server with one address that heeds RESPONSE-PORT and PADDING; the stage fills in the address.
pub(super) fn single_server() -> StunServerConfig {
    StunServerConfig { discovery: Some(everything()), ..plain() }
}

/// What CHANGE-REQUEST asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Flags {
    /// The other address.
    pub(super) ip: bool,
    /// The other port.
    pub(super) port: bool,
}

impl Flags {
    /// The flags that the parameter `flags` names.
    pub(super) fn of(v: &Variant) -> Self {
        match v.text("flags") {
            "ip" => Self { ip: true, port: false },
            "port" => Self { ip: false, port: true },
            "ip+port" => Self { ip: true, port: true },
            _ => Self::default(),
        }
    }

    /// The attribute with these flags.
    pub(super) fn attribute(self) -> Attribute {
        Attribute::change_request(self.ip, self.port)
    }

    /// Where the response to a request to `asked` comes from: RFC 5780 §6.1, table 1.
    pub(super) fn source(self, asked: SocketAddr) -> SocketAddr {
        let other = other_of(asked);
        let ip = if self.ip { other.ip() } else { asked.ip() };
        let port = if self.port { other.port() } else { asked.port() };
        SocketAddr::new(ip, port)
    }
}

/// The one of [`four`] that shares neither address nor port with `asked`.
pub(super) fn other_of(asked: SocketAddr) -> SocketAddr {
    let family = if asked.is_ipv4() { Family::V4 } else { Family::V6 };
    let apart = |one: &SocketAddr| one.ip() != asked.ip() && one.port() != asked.port();
    four(family).into_iter().find(apart).unwrap_or(asked)
}

/// A success response with what this usage puts into it.
pub(super) fn success(request: &Message, mapped: SocketAddr) -> Model {
    Model::success(request, mapped)
        .with(attribute::MAPPED_ADDRESS)
        .with(attribute::RESPONSE_ORIGIN)
        .with(attribute::OTHER_ADDRESS)
}

/// Takes the one datagram of `replies`, which must be a readable message.
#[track_caller]
pub(super) fn only(
    t: &mut Ctl<'_>,
    req: Req,
    replies: &[Arrival],
) -> Result<(Arrival, Parsed), Stop> {
    let reply = match replies {
        [one] => Parsed::read(&one.payload).ok().map(|read| (one.clone(), read)),
        _ => None,
    };
    t.must(req, reply.is_some(), "one response", show(replies))?;
    t.expect(reply, "one response")
}
