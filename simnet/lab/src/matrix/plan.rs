//! What is run: which NATs, over which families, with which help, by which endpoint.

use std::{fmt, num::NonZeroUsize, time::Duration};

use serde::Serialize;

use super::Entry;
use crate::roles::ice::{Factory, TurnTransport};

/// One-way delay of the link between each home and the rest of the world.
pub const LINK: Duration = Duration::from_millis(50);
/// A round trip between the peers: two links, there and back.
pub const ROUND_TRIP: Duration = Duration::from_millis(200);
/// How long a letter takes: as long as a packet from peer to peer, for the server that carries letters is
/// as far away as everything else.
pub const SIGNALLING: Duration = Duration::from_millis(100);

/// The families of addresses that both homes and everything outside have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Family {
    /// IPv4 alone, translated by the NATs.
    Ipv4,
    /// IPv6 alone, which the NATs treat as their configuration says.
    Ipv6,
    /// Both.
    Dual,
}

/// The server that helps both peers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Help {
    /// A STUN server.
    Stun,
    /// A TURN server, which is a STUN server as well, spoken to over UDP.
    TurnUdp,
    /// A STUN server, and a TURN server spoken to over TCP.
    TurnTcp,
}

/// An implementation of ICE to run the matrix with.
#[derive(Clone)]
pub struct Contender {
    /// What it is called in reports.
    pub name: String,
    /// Makes its endpoints; `None` for the project's own.
    pub factory: Option<Factory>,
}

impl fmt::Debug for Contender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Contender").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Default for Contender {
    fn default() -> Self {
        Self { name: "peerlab".to_owned(), factory: None }
    }
}

/// What is run.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The NATs, in the order of rows and columns.
    pub nats: Vec<Entry>,
    /// The families, each with each help: a sheet.
    pub families: Vec<Family>,
    /// The help.
    pub helps: Vec<Help>,
    /// From which all chance grows.
    pub seed: u64,
    /// How many threads work; the result does not depend on it.
    pub threads: NonZeroUsize,
}

impl Family {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Ipv4, Self::Ipv6, Self::Dual];

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ipv4 => "ipv4",
            Self::Ipv6 => "ipv6",
            Self::Dual => "dual",
        }
    }

    /// Whether there is IPv4.
    #[must_use]
    pub const fn has_ipv4(self) -> bool {
        matches!(self, Self::Ipv4 | Self::Dual)
    }

    /// Whether there is IPv6.
    #[must_use]
    pub const fn has_ipv6(self) -> bool {
        matches!(self, Self::Ipv6 | Self::Dual)
    }
}

impl Help {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Stun, Self::TurnUdp, Self::TurnTcp];

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Stun => "stun",
            Self::TurnUdp => "turn-udp",
            Self::TurnTcp => "turn-tcp",
        }
    }

    /// How the TURN server is spoken to, if there is one.
    #[must_use]
    pub const fn transport(self) -> Option<TurnTransport> {
        match self {
            Self::Stun => None,
            Self::TurnUdp => Some(TurnTransport::Udp),
            Self::TurnTcp => Some(TurnTransport::Tcp),
        }
    }
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl fmt::Display for Help {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
