//! What the suite asks of a STUN implementation, kind by kind.
//!
//! Servers and clients are machines: the network carries their datagrams, virtual time is told to them.
//! Everything that crosses this border is bytes, addresses and plain words; no type of any
//! implementation does.

use std::{fmt, net::SocketAddr};

use base::Machine;

mod client;
mod codec;
mod server;

pub use client::{ClientEvent, Integrity, StunClient, StunClientConfig, Transport};
pub use codec::{Decoded, Field, HostName, ServerUri, StunCodec, Wanted};
pub use server::{Alternate, DiscoveryOffer, LongTermOffer, StunServer, StunServerConfig};

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

impl Credential {
    /// A short-term credential.
    #[must_use]
    pub fn short_term(username: &str, password: &str) -> Self {
        Self { username: username.to_owned(), realm: None, password: password.to_owned() }
    }

    /// A long-term credential.
    #[must_use]
    pub fn long_term(username: &str, realm: &str, password: &str) -> Self {
        Self { realm: Some(realm.to_owned()), ..Self::short_term(username, password) }
    }
}

/// What a server asks of its clients, or a client presents to its server.
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

/// Why a subject did not do what the suite asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// It has no such operation: the case ends as unsupported.
    Unsupported,
    /// It has the operation and refuses it; the text is for people only.
    Refused(String),
}

impl Refusal {
    /// A refusal with its text.
    #[must_use]
    pub fn because(reason: impl fmt::Display) -> Self {
        Self::Refused(reason.to_string())
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unsupported => f.write_str("no such operation"),
            Self::Refused(reason) => write!(f, "refused: {reason}"),
        }
    }
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
