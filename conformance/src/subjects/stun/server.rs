//! Servers.

use std::{net::SocketAddr, time::Duration};

use base::Machine;

use super::Authentication;

/// How a server is to behave.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StunServerConfig {
    /// Where it listens: one address, or the four of RFC 5780 §6 in the order primary address with
    /// primary port, primary with alternate, alternate with primary, alternate with alternate.
    pub addresses: Vec<SocketAddr>,
    /// What it asks of its clients.
    pub authentication: Authentication,
    /// What it offers beyond the basics of the long-term mechanism.
    pub long_term: LongTermOffer,
    /// Where it sends everyone, if it only redirects.
    pub alternate: Option<Alternate>,
    /// Whether and how it serves NAT behaviour discovery (RFC 5780 §6). With one address it is a server
    /// without an alternate; with four it can answer from each of them.
    pub discovery: Option<DiscoveryOffer>,
    /// The SOFTWARE it announces, if any.
    pub software: Option<&'static str>,
    /// Whether the usage employs FINGERPRINT (RFC 8489 §7).
    pub fingerprint: bool,
    /// Whether it serves RFC 3489 clients (RFC 8489 §12).
    pub rfc3489: bool,
}

/// What a server of the long-term mechanism offers (RFC 8489 §9.2.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LongTermOffer {
    /// Whether it lists password algorithms.
    pub algorithms: bool,
    /// Whether it accepts USERHASH.
    pub anonymity: bool,
    /// How long a nonce stays valid.
    pub nonce_lifetime: Duration,
}

impl Default for LongTermOffer {
    fn default() -> Self {
        Self { algorithms: true, anonymity: true, nonce_lifetime: Duration::from_secs(600) }
    }
}

/// What a server of NAT behaviour discovery heeds (RFC 5780 §6.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DiscoveryOffer {
    /// Whether it heeds RESPONSE-PORT.
    pub response_port: bool,
    /// The MTU in bytes of the interface it answers from, if it heeds PADDING.
    pub padding: Option<u16>,
}

/// Where a redirecting server sends its clients (RFC 8489 §10).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Alternate {
    /// The IPv4 server.
    pub v4: SocketAddr,
    /// The IPv6 server.
    pub v6: SocketAddr,
}

/// A STUN server as a machine. Datagrams it sends name the local address they leave from.
pub trait StunServer: Machine<Event = ()> {}
