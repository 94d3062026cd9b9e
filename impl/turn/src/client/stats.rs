//! What a client has done, and what it dropped.

use std::fmt;

/// Why something that came was not acted upon. Messages of STUN transactions have their own reasons:
/// [`stun::DropReason`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum ClientDrop {
    /// Neither a message nor ChannelData, or one that is cut short: RFC 8656 §12.6.
    Malformed,
    /// ChannelData on a channel that leads nowhere: RFC 8656 §12.6.
    UnboundChannel,
    /// Data from a peer without a permission: RFC 8656 §11.4, §12.6.
    NoPermission,
    /// A Data indication without a peer, or without data: RFC 8656 §11.4.
    IncompleteIndication,
    /// An indication with attributes that must be understood and were not: RFC 8489 §6.3.2.
    UnknownAttribute,
    /// A message that is not for a client, or not for its state.
    Unexpected,
    /// More wait to be asked for than there is room for.
    QueueFull,
}

impl ClientDrop {
    /// All reasons, in order.
    pub const ALL: [Self; 7] = [
        Self::Malformed,
        Self::UnboundChannel,
        Self::NoPermission,
        Self::IncompleteIndication,
        Self::UnknownAttribute,
        Self::Unexpected,
        Self::QueueFull,
    ];
}

/// How much was dropped for each reason.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct ClientDrops {
    counts: [u64; ClientDrop::ALL.len()],
}

impl ClientDrops {
    /// How much was dropped for `reason`.
    #[must_use]
    pub fn get(&self, reason: ClientDrop) -> u64 {
        let mut all = ClientDrop::ALL.iter().zip(self.counts);
        all.find(|(other, _)| **other == reason).map_or(0, |(_, count)| count)
    }

    /// How much was dropped in all.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// The reasons there were, with their counts.
    pub fn iter(&self) -> impl Iterator<Item = (ClientDrop, u64)> {
        ClientDrop::ALL.into_iter().zip(self.counts).filter(|(_, count)| *count > 0)
    }

    pub(crate) fn count(&mut self, reason: ClientDrop) {
        tracing::debug!(?reason, "dropped");
        for (other, count) in ClientDrop::ALL.iter().zip(&mut self.counts) {
            *count += u64::from(*other == reason);
        }
    }
}

impl fmt::Debug for ClientDrops {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

/// What a client has done so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ClientStats {
    /// Datagrams sent to peers in Send indications.
    pub sent_indications: u64,
    /// Datagrams sent to peers through channels.
    pub sent_channel_data: u64,
    /// Bytes of both, without framing.
    pub sent_bytes: u64,
    /// Datagrams from peers.
    pub received: u64,
    /// Bytes of them, without framing.
    pub received_bytes: u64,
    /// Refreshes of the allocation that succeeded.
    pub refreshes: u64,
    /// Keep-alives sent.
    pub keepalives: u64,
    /// What was dropped.
    pub dropped: ClientDrops,
    /// What the transactions were worth.
    pub stun: stun::ClientStats,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_each_reason_apart() {
        let mut drops = ClientDrops::default();
        for reason in ClientDrop::ALL {
            drops.count(reason);
            assert_eq!(drops.get(reason), 1);
        }
        drops.count(ClientDrop::NoPermission);
        assert_eq!((drops.get(ClientDrop::NoPermission), drops.total()), (2, 8));
        assert_eq!(format!("{:?}", ClientDrops::default()), "{}");
    }
}
