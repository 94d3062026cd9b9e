//! What an agent reports, and where it sends.

use std::{
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use base::{StreamId, Transmit};

use crate::{
    Candidate, GatherFailure, Kind, Transport,
    state::{Role, State},
    stats::DropReason,
};

/// What an agent reports.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// A candidate to be told to the peer.
    LocalCandidate(Candidate),
    /// No more local candidates will follow; the peer is to be told (RFC 8838 §13).
    GatheringFinished,
    /// A STUN server is of no use: what the W3C's `icecandidateerror` tells.
    GatheringFailed(GatherFailure),
    /// The agent moved to another state.
    State(State),
    /// The path on which a component sends changed, or was nominated.
    Selected {
        /// The component.
        component: u8,
        /// What it sends on now.
        path: Path,
    },
    /// The agent has another role now: the peer is lite, or both had claimed the same one.
    RoleChanged(Role),
    /// A new generation began because the peer's parameters are new. The answer to the peer carries the
    /// new [local parameters](crate::Agent::local_parameters), and all local candidates are told again.
    Restarted,
    /// A host candidate goes by this name, which multicast DNS is to answer for from now on.
    NameMade {
        /// The name.
        name: String,
        /// The address it stands for.
        ip: IpAddr,
    },
    /// A name is to be looked up by multicast DNS, once. Answered with
    /// [`Agent::handle_resolved`](crate::Agent::handle_resolved).
    Resolve {
        /// The name, which ends in `.local`.
        name: String,
    },
    /// Application data arrived on a path that was checked.
    Data {
        /// The component.
        component: u8,
        /// The data.
        payload: Vec<u8>,
    },
    /// The agent gave up; [`Event::State`] with [`State::Failed`] comes just before.
    Failed(FailReason),
}

/// Why an agent gave up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum FailReason {
    /// The peer told no candidate that could be checked, and none was discovered while there was
    /// patience: RFC 8863 §4.
    #[error("there was nothing to check")]
    NothingToCheck,
    /// Every check failed.
    #[error("no check was answered")]
    ChecksFailed,
    /// The peer stopped answering on the path that was used, and no other answered: RFC 7675 §5.1.
    #[error("consent expired")]
    ConsentExpired,
    /// The peer refused to receive any more: RFC 7675 §5.2.
    #[error("consent was revoked")]
    ConsentRevoked,
    /// The TCP connection of the path ended, and no other path was found in time.
    #[error("the connection was lost")]
    ConnectionLost,
    /// The local address of the path is gone, and no other path was found in time.
    #[error("the local address of the path is gone")]
    AddressLost,
}

/// What a component sends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Path {
    /// Names the pair in [`Stats`](crate::Stats).
    pub pair: PairId,
    /// The local address data is sent from: the base of the local candidate.
    pub local: SocketAddr,
    /// The address data is sent to.
    pub remote: SocketAddr,
    /// UDP, or who opened the TCP connection.
    pub transport: Transport,
    /// What the local candidate of the valid pair is: reflexive if there is a NAT on the way.
    pub local_kind: Kind,
    /// What the remote candidate is.
    pub remote_kind: Kind,
    /// The priority of the pair: RFC 8445 §6.1.2.3.
    pub priority: u64,
    /// Whether it is nominated. Before, data goes on the best valid pair there is (RFC 8445 §12.1).
    pub nominated: bool,
    /// The round-trip time last measured on it.
    pub rtt: Option<Duration>,
}

/// Names a pair of an agent, for good.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PairId(pub(crate) u32);

impl PairId {
    /// The number of the pair, in the order in which pairs were formed.
    #[must_use]
    pub const fn number(self) -> u32 {
        self.0
    }
}

/// What came of a datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Received {
    /// It was STUN, and was dealt with.
    Handled,
    /// It is application data for this component, from a path that was checked.
    Application {
        /// The component.
        component: u8,
    },
    /// It was dropped, and counted.
    Dropped(DropReason),
}

/// Where the bytes that [`Agent::send`](crate::Agent::send) appended go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outgoing {
    /// In a datagram.
    Datagram(Transmit),
    /// Onto a TCP connection, already framed (RFC 6544 §7.1).
    Stream {
        /// The connection.
        id: StreamId,
        /// Bytes of the buffer that belong to it.
        size: usize,
    },
}
