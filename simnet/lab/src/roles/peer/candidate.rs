//! Candidates: addresses at which a peer may be reached.

use std::{fmt, net::SocketAddr};

/// What a candidate is: RFC 8445 §5.1.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// An address of an interface.
    Host,
    /// The address from which the other peer saw a check come.
    PeerReflexive,
    /// The address from which a STUN server saw a request come.
    ServerReflexive,
}

impl Kind {
    /// Its name, as SDP has it: RFC 8839 §5.1.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Host => "host",
            Self::PeerReflexive => "prflx",
            Self::ServerReflexive => "srflx",
        }
    }

    /// RFC 8445 §5.1.2.2: the recommended preferences.
    const fn preference(self) -> u32 {
        match self {
            Self::Host => 126,
            Self::PeerReflexive => 110,
            Self::ServerReflexive => 100,
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// An address at which a peer may be reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// What it is.
    pub kind: Kind,
    /// The address.
    pub address: SocketAddr,
    /// How much it is preferred: RFC 8445 §5.1.2.
    pub priority: u32,
}

impl Candidate {
    /// A candidate that grew on the interface with this number.
    pub(super) fn new(kind: Kind, address: SocketAddr, interface: usize) -> Self {
        let local = 65_535 - u32::try_from(interface).unwrap_or(65_535).min(65_535);
        // RFC 8445 §5.1.2.1, for component 1.
        let priority = (kind.preference() << 24) + (local << 8) + 255;
        Self { kind, address, priority }
    }
}

impl fmt::Display for Candidate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind, self.address)
    }
}

/// The priority of a pair: RFC 8445 §6.1.2.3, the same for both peers.
pub(super) fn pair_priority(controlling: u32, controlled: u32) -> u64 {
    let (low, high) = (controlling.min(controlled), controlling.max(controlled));
    (u64::from(low) << 32) + 2 * u64::from(high) + u64::from(controlling > controlled)
}
