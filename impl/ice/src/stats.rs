//! What an agent has seen and done.

use std::{fmt, net::SocketAddr, time::Duration};

use base::Instant;

use crate::{
    Candidate, PairId,
    state::{Role, State},
};

/// Everything there is to say about an agent, in the terms of the W3C's `RTCTransportStats`,
/// `RTCIceCandidatePairStats` and `RTCIceCandidateStats`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Where the agent stands.
    pub state: State,
    /// Its role.
    pub role: Role,
    /// How often the path of a component changed.
    pub path_changes: u64,
    /// How often ICE was restarted.
    pub restarts: u64,
    /// All pairs, those of the former generation included as long as they carry data.
    pub pairs: Vec<PairStats>,
    /// Local candidates of this generation.
    pub local_candidates: Vec<Candidate>,
    /// Remote candidates of this generation, discovered ones included.
    pub remote_candidates: Vec<Candidate>,
    /// What was dropped.
    pub dropped: Drops,
}

/// A pair: `RTCIceCandidatePairStats`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PairStats {
    /// Names the pair.
    pub pair: PairId,
    /// The component it is for.
    pub component: u8,
    /// The base of its local candidate.
    pub local: SocketAddr,
    /// Its remote candidate.
    pub remote: SocketAddr,
    /// The local address as the peer sees it, once it is known.
    pub mapped: Option<SocketAddr>,
    /// Its priority.
    pub priority: u64,
    /// Where its check stands.
    pub state: PairState,
    /// Whether it is nominated.
    pub nominated: bool,
    /// Whether its component sends on it.
    pub selected: bool,
    /// What was counted on it.
    pub counters: PairCounters,
}

/// What is counted for a pair.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct PairCounters {
    /// The round-trip time last measured.
    pub current_rtt: Option<Duration>,
    /// The sum of all that were measured.
    pub total_rtt: Duration,
    /// How many were measured, which is how many responses came.
    pub responses_received: u64,
    /// Checks sent, retransmissions not counted.
    pub requests_sent: u64,
    /// Checks sent again.
    pub retransmissions_sent: u64,
    /// Checks that were answered to the peer.
    pub responses_sent: u64,
    /// Checks received.
    pub requests_received: u64,
    /// Checks sent to keep consent fresh.
    pub consent_requests_sent: u64,
    /// Datagrams of application data sent.
    pub packets_sent: u64,
    /// Datagrams of application data received.
    pub packets_received: u64,
    /// Bytes of application data sent.
    pub bytes_sent: u64,
    /// Bytes of application data received.
    pub bytes_received: u64,
    /// When application data was last sent.
    pub last_sent_at: Option<Instant>,
    /// When application data was last received.
    pub last_received_at: Option<Instant>,
}

/// Where the check of a pair stands: RFC 8445 §6.1.2.6.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PairState {
    /// It waits for a pair of the same foundation.
    Frozen,
    /// It is to be checked.
    Waiting,
    /// A check is on its way.
    InProgress,
    /// A check was answered.
    Succeeded,
    /// The check failed.
    Failed,
}

/// Why something that came was not acted upon.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum DropReason {
    /// It came to an address that is not one of the agent's.
    UnknownLocalAddress,
    /// It looks like STUN and is not: RFC 8489 §6.3.
    Malformed,
    /// FINGERPRINT is missing or wrong: RFC 8445 §7.2.4.
    BadFingerprint,
    /// A method other than Binding.
    UnsupportedMethod,
    /// A request without credentials, answered with 400: RFC 8489 §9.1.3.
    Unauthenticated,
    /// A request with wrong credentials, answered with 401: RFC 8489 §9.1.3.
    BadCredentials,
    /// A request that lacks what every check has, or claims what it may not: RFC 8445 §7.1.
    BadCheck,
    /// An attribute that must be understood and was not: RFC 8489 §6.3.1.
    UnknownAttribute,
    /// A response to no check in progress.
    UnknownTransaction,
    /// A response without integrity, or with a wrong one: RFC 8489 §9.1.4.
    BadIntegrity,
    /// A response from elsewhere than where the check went: RFC 8445 §7.2.5.2.1.
    NotSymmetric,
    /// An error response without a code that can be read.
    BadResponse,
    /// Application data from a sender that has not proved to be the peer.
    Unvalidated,
    /// More early checks than are kept.
    TooManyEarlyChecks,
    /// More peer-reflexive candidates, or pairs, than are kept.
    TooManyPairs,
    /// More packets wait to be sent than there is room for.
    QueueFull,
    /// More application data waits to be taken than there is room for.
    DataQueueFull,
    /// A TCP connection that carries something else than frames of the agent's peer.
    BadFrame,
    /// More TCP connections than are kept.
    TooManyStreams,
    /// The agent is closed.
    Closed,
}

impl DropReason {
    /// All reasons, in order.
    pub const ALL: [Self; 20] = [
        Self::UnknownLocalAddress,
        Self::Malformed,
        Self::BadFingerprint,
        Self::UnsupportedMethod,
        Self::Unauthenticated,
        Self::BadCredentials,
        Self::BadCheck,
        Self::UnknownAttribute,
        Self::UnknownTransaction,
        Self::BadIntegrity,
        Self::NotSymmetric,
        Self::BadResponse,
        Self::Unvalidated,
        Self::TooManyEarlyChecks,
        Self::TooManyPairs,
        Self::QueueFull,
        Self::DataQueueFull,
        Self::BadFrame,
        Self::TooManyStreams,
        Self::Closed,
    ];
}

/// How much was dropped for each reason.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct Drops {
    counts: [u64; DropReason::ALL.len()],
}

impl Drops {
    /// How much was dropped for `reason`.
    #[must_use]
    pub fn get(&self, reason: DropReason) -> u64 {
        let mut all = DropReason::ALL.iter().zip(self.counts);
        all.find(|(other, _)| **other == reason).map_or(0, |(_, count)| count)
    }

    /// How much was dropped in all.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// The reasons there were, with their counts.
    pub fn iter(&self) -> impl Iterator<Item = (DropReason, u64)> {
        DropReason::ALL.into_iter().zip(self.counts).filter(|(_, count)| *count > 0)
    }

    pub(crate) fn count(&mut self, reason: DropReason) {
        tracing::debug!(?reason, "dropped");
        for (other, count) in DropReason::ALL.iter().zip(&mut self.counts) {
            *count += u64::from(*other == reason);
        }
    }
}

impl fmt::Debug for Drops {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_each_reason_apart() {
        let mut drops = Drops::default();
        for reason in DropReason::ALL {
            drops.count(reason);
            assert_eq!(drops.get(reason), 1);
        }
        assert_eq!(drops.total(), 20);
        assert_eq!(format!("{:?}", Drops::default()), "{}");
    }
}
