//! What a server has done, and what it dropped.

use std::fmt;

/// Why something that came was not acted upon, or was not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum DropReason {
    /// Neither a STUN message nor ChannelData, or one with a wrong length or fingerprint.
    Malformed,
    /// A message of a class or method that is nothing to a server.
    Unexpected,
    /// An unauthenticated request beyond the rate of its source.
    RateLimited,
    /// Data or an indication of a client without an allocation: RFC 8656 §5.
    NoAllocation,
    /// Data on a channel that is not bound: RFC 8656 §12.6.
    NoChannel,
    /// Data to or from a peer without permission: RFC 8656 §11.2, §11.3.
    NoPermission,
    /// Data to a peer that the policy refuses.
    Forbidden,
    /// An indication without what it must have, or with what the server does not understand.
    BadIndication,
    /// Data beyond the bandwidth of the user or of the server.
    Bandwidth,
    /// More waits to be sent than there is room for.
    QueueFull,
    /// A datagram at an address that relays for nobody.
    NoRelay,
    /// A request repeated while the first one is being served.
    Repeated,
    /// A datagram to a client on a stream that takes no more.
    StreamFull,
    /// An event that nobody took in time.
    EventLost,
    /// Bytes of a stream that carries no frames.
    BrokenStream,
    /// A datagram that is longer than what can be wrapped for the client.
    TooLong,
}

impl DropReason {
    /// All reasons, in order.
    pub const ALL: [Self; 16] = [
        Self::Malformed,
        Self::Unexpected,
        Self::RateLimited,
        Self::NoAllocation,
        Self::NoChannel,
        Self::NoPermission,
        Self::Forbidden,
        Self::BadIndication,
        Self::Bandwidth,
        Self::QueueFull,
        Self::NoRelay,
        Self::Repeated,
        Self::StreamFull,
        Self::EventLost,
        Self::BrokenStream,
        Self::TooLong,
    ];
}

/// How much was dropped for each reason.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct Drops {
    counts: [u64; DropReason::ALL.len()],
}

impl Drops {
    /// What was dropped for `reason`.
    #[must_use]
    pub fn get(&self, reason: DropReason) -> u64 {
        self.counts.get(reason as usize).copied().unwrap_or(0)
    }

    /// What was dropped in all.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// The reasons there were, with their counts.
    pub fn iter(&self) -> impl Iterator<Item = (DropReason, u64)> {
        DropReason::ALL.into_iter().zip(self.counts).filter(|(_, count)| *count > 0)
    }

    pub(super) fn count(&mut self, reason: DropReason) {
        tracing::trace!(?reason, "dropped");
        if let Some(count) = self.counts.get_mut(reason as usize) {
            *count += 1;
        }
    }
}

impl fmt::Debug for Drops {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

/// What was relayed in one direction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Datagrams; 0 for TCP.
    pub packets: u64,
    /// Bytes of application data.
    pub bytes: u64,
}

impl Traffic {
    pub(super) fn add(&mut self, bytes: usize) {
        self.packets += 1;
        self.bytes += u64::try_from(bytes).unwrap_or(u64::MAX);
    }
}

/// What a server has done so far, and what it holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ServerStats {
    /// STUN messages that came.
    pub messages: u64,
    /// Success responses sent.
    pub successes: u64,
    /// Error responses sent to clients that showed a credential.
    pub errors: u64,
    /// Error responses sent to anybody else: challenges, mostly.
    pub challenges: u64,
    /// Allocations there are.
    pub allocations: usize,
    /// Relayed addresses in use or in reserve.
    pub relays: usize,
    /// Connections of clients and of peers there are.
    pub streams: usize,
    /// Allocations made since the beginning.
    pub allocated: u64,
    /// Application data from clients to peers.
    pub to_peers: Traffic,
    /// Application data from peers to clients.
    pub to_clients: Traffic,
    /// What was dropped.
    pub dropped: Drops,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_each_reason_apart() {
        let mut drops = Drops::default();
        for (number, reason) in DropReason::ALL.into_iter().enumerate() {
            assert_eq!(reason as usize, number);
            drops.count(reason);
            assert_eq!(drops.get(reason), 1);
        }
        drops.count(DropReason::Forbidden);
        assert_eq!((drops.get(DropReason::Forbidden), drops.total()), (2, 17));
    }
}
