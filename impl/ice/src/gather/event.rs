//! What a gatherer has to say.

use std::net::SocketAddr;

/// What a [`Gatherer`](super::Gatherer) reports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GatherEvent {
    /// A server sees the base at an address nobody reported for it before: a server-reflexive
    /// candidate.
    Found {
        /// The base.
        base: SocketAddr,
        /// The server.
        server: SocketAddr,
        /// Where it sees the base.
        mapped: SocketAddr,
    },
    /// A server is of no use.
    Failed(GatherFailure),
}

impl GatherEvent {
    pub(super) const fn base(&self) -> Option<SocketAddr> {
        match self {
            Self::Found { base, .. } => Some(*base),
            Self::Failed(failure) => failure.base,
        }
    }
}

/// What the W3C's `icecandidateerror` tells; the URL is the one the server was configured by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GatherFailure {
    /// The base that asked; `None` if no base could reach the server, which is said once for a
    /// server.
    pub base: Option<SocketAddr>,
    /// The server.
    pub server: SocketAddr,
    /// The STUN error code, 300 to 699, or [`GatherFailure::UNREACHABLE`].
    pub code: u16,
    /// The same in words. The server's own, at most 128 bytes: not to be trusted with anything.
    pub text: String,
}

impl GatherFailure {
    /// The code, outside the range of STUN, for a server that does not answer.
    pub const UNREACHABLE: u16 = 701;

    pub(super) fn unreachable(server: SocketAddr) -> Self {
        let text = "STUN server does not answer".to_owned();
        Self { base: None, server, code: Self::UNREACHABLE, text }
    }
}

/// What a [`Gatherer`](super::Gatherer) did, counted since it began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GatherStats {
    /// Transactions begun.
    pub transactions: u64,
    /// Requests sent, with retransmissions.
    pub requests: u64,
    /// Responses that were good, or good errors.
    pub responses: u64,
    /// Transactions given up.
    pub timeouts: u64,
    /// Addresses not reported because another candidate says the same.
    pub redundant: u64,
    /// Responses to our transactions from elsewhere than the server, or with a wrong fingerprint.
    pub forged: u64,
    /// Datagrams that answer nothing.
    pub ignored: u64,
    /// Bases, servers, pairs of them and events beyond the limits.
    pub left_out: u64,
}

impl GatherStats {
    pub(super) const NONE: Self = Self {
        transactions: 0,
        requests: 0,
        responses: 0,
        timeouts: 0,
        redundant: 0,
        forged: 0,
        ignored: 0,
        left_out: 0,
    };
}
