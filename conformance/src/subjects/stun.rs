//! What the suite asks of a STUN implementation, kind by kind.
//!
//! Servers and clients are machines: the network carries their datagrams, virtual time is told to them.
//! Everything that crosses this border is bytes, addresses and plain words; no type of any
//! implementation does.

use std::{fmt, net::SocketAddr, time::Duration};

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
    /// The local address that it looks at, and sends from first.
    pub local: SocketAddr,
    /// More local addresses, for the tests that need them: hairpinning, port assignment, lifetime.
    pub others: Vec<SocketAddr>,
    /// The server's primary address and port.
    pub server: SocketAddr,
    /// What it presents.
    pub authentication: Authentication,
    /// Whether it shares its flows with other protocols, so that it sends FINGERPRINT
    /// (RFC 5780 §5).
    pub fingerprint: bool,
    /// MTU in bytes of the interface it sends from, if it tests fragments with PADDING
    /// (RFC 5780 §7.6).
    pub padding: Option<u16>,
    /// The longest lifetime it tries and how close it comes, if it looks for the lifetime of mappings
    /// (RFC 5780 §4.6).
    pub lifetime: Option<(Duration, Duration)>,
}

impl DiscoveryConfig {
    /// A client of `server` that sends from `local` and tests mapping and filtering.
    #[must_use]
    pub const fn new(local: SocketAddr, server: SocketAddr) -> Self {
        Self {
            local,
            others: Vec::new(),
            server,
            authentication: Authentication::None,
            fingerprint: false,
            padding: None,
            lifetime: None,
        }
    }
}

/// A client of NAT behaviour discovery as a machine. It begins by itself.
pub trait Discovery: Machine<Event = DiscoveryEvent> {}

/// What a discovery client reports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DiscoveryEvent {
    /// It found out one property. A property that could not be seen is not reported.
    Found {
        /// The property: `translated`, `mapping`, `filtering`, `hairpinning`, `ports`, `fragments`.
        property: &'static str,
        /// Its value: `yes` or `no`, or in the words of RFC 4787 (`endpoint-independent`,
        /// `address-dependent`, `address- and port-dependent`; of hairpinning `none`,
        /// `internal-source`, `external-source`).
        value: String,
    },
    /// It found out how long a mapping lasts without traffic.
    Lifetime {
        /// It lasted this long.
        at_least: Duration,
        /// It did not last this long; none if it outlasted the search.
        at_most: Option<Duration>,
    },
    /// It found out nothing and never will. The last event.
    Failed {
        /// The code of the error that the server sent; none if there was no word from it.
        code: Option<u16>,
    },
    /// It is done. The last event.
    Done,
}
