//! What the suite asks of a STUN implementation, kind by kind.
//!
//! Servers and clients are machines: the network carries their datagrams, virtual time is told to them.
//! Everything that crosses this border is bytes, addresses and plain words; no type of any
//! implementation does.

use std::{net::SocketAddr, time::Duration};

use base::{Instant, Machine};

/// A user name, a realm and a password, as both sides know them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credential {
    /// The user name.
    pub username: String,
    /// The realm of a long-term credential; `None` for a short-term one.
    pub realm: Option<String>,
    /// The password.
    pub password: String,
}

/// What a server asks of its clients.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Authentication {
    /// Nothing.
    #[default]
    None,
    /// The short-term mechanism (RFC 8489 §9.1).
    ShortTerm(Credential),
    /// The long-term mechanism (RFC 8489 §9.2).
    LongTerm(Credential),
}

/// How a server is to behave.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StunServerConfig {
    /// Where it listens: one address, or the four of RFC 5780 §6 in the order primary address with
    /// primary port, primary with alternate, alternate with primary, alternate with alternate.
    pub addresses: Vec<SocketAddr>,
    /// What it asks of its clients.
    pub authentication: Authentication,
    /// Where it sends everyone, if it only redirects.
    pub alternate_server: Option<SocketAddr>,
    /// The SOFTWARE it announces, if any.
    pub software: Option<&'static str>,
}

/// A STUN server as a machine.
pub trait StunServer: Machine<Event = ()> {}

/// How a client is to behave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StunClientConfig {
    /// The local address it sends from.
    pub local: SocketAddr,
    /// The server.
    pub server: SocketAddr,
    /// What it presents.
    pub authentication: Authentication,
    /// The initial retransmission timeout, if not the default of 500 ms.
    pub rto: Option<Duration>,
}

/// A STUN client as a machine. It sends one Binding request at a time.
pub trait StunClient: Machine<Event = ClientEvent> {
    /// Starts a Binding transaction, or says why it cannot.
    fn start_binding(&mut self, now: Instant) -> Result<(), String>;
}

/// What a client reports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClientEvent {
    /// The transaction succeeded.
    Success {
        /// The reflexive address it learnt.
        mapped: Option<SocketAddr>,
    },
    /// The server answered with an error that the client does not handle itself.
    Error {
        /// The code, 300 to 699.
        code: u16,
    },
    /// No answer came in time.
    TimedOut,
    /// The transaction ended for another reason.
    Failed {
        /// The reason, for people.
        reason: String,
    },
}

/// A reader and writer of STUN messages.
pub trait StunCodec {
    /// Reads one message. An error is the subject's way to say that this is not a STUN message or not a
    /// sound one; its text is for people only.
    fn decode(&self, bytes: &[u8]) -> Result<Decoded, String>;
}

/// A message as a codec reads it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Decoded {
    /// The class: 0 request, 1 indication, 2 success, 3 error.
    pub class: u8,
    /// The method.
    pub method: u16,
    /// The transaction id.
    pub transaction: [u8; 12],
    /// Type and value of each attribute, in order, without padding.
    pub attributes: Vec<(u16, Vec<u8>)>,
}

/// How a discovery client is to behave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DiscoveryConfig {
    /// The local address it sends from.
    pub local: SocketAddr,
    /// The server's primary address and port.
    pub server: SocketAddr,
}

/// A client of NAT behaviour discovery as a machine.
pub trait Discovery: Machine<Event = DiscoveryEvent> {}

/// What a discovery client reports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DiscoveryEvent {
    /// It found out one property.
    Found {
        /// The property: `mapping`, `filtering`, `hairpinning`, `lifetime`.
        property: &'static str,
        /// Its value in the words of RFC 4787.
        value: String,
    },
    /// It is done.
    Done,
}
