//! What an association has counted.

use std::{fmt, time::Duration};

/// Why something that arrived was dropped. None of it ends the association.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum DropReason {
    /// A packet too short for its header, or longer than any.
    MalformedPacket,
    /// A packet whose checksum is wrong, or zero where that was not agreed on.
    BadChecksum,
    /// A datagram from another address. Only machines with addresses know.
    UnknownPeer,
    /// A packet from or to another port.
    WrongPort,
    /// A packet with a verification tag that is not ours (RFC 9260 §8.5).
    WrongTag,
    /// A chunk that must be alone in its packet and is not (RFC 9260 §6.10, §8.5.1).
    NotAlone,
    /// A packet of no association of ours (RFC 9260 §8.4).
    OutOfTheBlue,
    /// A chunk that is cut short or does not have the form it claims, in a packet that anybody may have sent.
    MalformedChunk,
    /// An INIT that no end may send.
    BadInit,
    /// A chunk that has no place in the present state.
    UnexpectedChunk,
    /// A chunk of a type that is not known (RFC 9260 §3.2).
    UnknownChunk,
    /// A state cookie that was not made here (RFC 9260 §5.1.5).
    BadCookie,
    /// A state cookie that is no longer good (RFC 9260 §5.1.5).
    StaleCookie,
    /// A state cookie of a set-up that has been overtaken (RFC 9260 §5.2.4).
    OvertakenCookie,
    /// A heartbeat's answer that answers none of ours.
    StrayHeartbeatAck,
    /// An acknowledgement older than one that came before (RFC 9260 §6.2.1).
    OldSack,
    /// User data that came before (RFC 9260 §6.2).
    Duplicate,
    /// User data on a stream that does not exist (RFC 9260 §6.5).
    NoSuchStream,
    /// User data for which there was no room (RFC 9260 §6.2).
    WindowFull,
    /// User data too far ahead, or in more pieces out of order than are kept.
    TooManyHeld,
    /// User data where there is to be none any more (RFC 9260 §9.2).
    AfterShutdown,
    /// What would have been answered, had not so many answers waited already.
    TooManyAnswers,
    /// What would have been reported, or begun anew, had the application not left so many reports or messages
    /// unread already.
    Unread,
    /// A request to change streams that came before, or out of turn (RFC 6525 §5.2.1).
    StrayReconfig,
}

impl DropReason {
    /// Every reason.
    pub const ALL: &'static [Self] = &[
        Self::MalformedPacket,
        Self::BadChecksum,
        Self::UnknownPeer,
        Self::WrongPort,
        Self::WrongTag,
        Self::NotAlone,
        Self::OutOfTheBlue,
        Self::MalformedChunk,
        Self::BadInit,
        Self::UnexpectedChunk,
        Self::UnknownChunk,
        Self::BadCookie,
        Self::StaleCookie,
        Self::OvertakenCookie,
        Self::StrayHeartbeatAck,
        Self::OldSack,
        Self::Duplicate,
        Self::NoSuchStream,
        Self::WindowFull,
        Self::TooManyHeld,
        Self::AfterShutdown,
        Self::TooManyAnswers,
        Self::Unread,
        Self::StrayReconfig,
    ];
}

/// How often something was dropped for which reason.
#[derive(Clone, PartialEq, Eq)]
pub struct Drops([u64; DropReason::ALL.len()]);

impl Default for Drops {
    fn default() -> Self {
        Self([0; DropReason::ALL.len()])
    }
}

impl Drops {
    /// How often `reason` was one.
    #[must_use]
    pub fn count(&self, reason: DropReason) -> u64 {
        self.0.get(reason as usize).copied().unwrap_or(0)
    }

    /// How much was dropped for any reason.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.0.iter().sum()
    }

    /// Counts one more.
    pub(crate) fn add(&mut self, reason: DropReason) {
        if let Some(count) = self.0.get_mut(reason as usize) {
            *count += 1;
        }
    }

    /// Counts all that `other` counted too.
    pub(crate) fn add_all(&mut self, other: &Self) {
        self.0.iter_mut().zip(&other.0).for_each(|(count, more)| *count += more);
    }
}

impl fmt::Debug for Drops {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counted = DropReason::ALL.iter().zip(&self.0).filter(|(_, count)| **count > 0);
        f.debug_map().entries(counted).finish()
    }
}

/// What an association has counted, and what it measures.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Packets told to it.
    pub packets_received: u64,
    /// Bytes of those.
    pub bytes_received: u64,
    /// Packets it made.
    pub packets_sent: u64,
    /// Bytes of those.
    pub bytes_sent: u64,
    /// Messages taken to be sent.
    pub messages_sent: u64,
    /// Messages delivered.
    pub messages_received: u64,
    /// Chunks of user data sent, repetitions included.
    pub data_chunks_sent: u64,
    /// Chunks of user data sent again.
    pub data_chunks_repeated: u64,
    /// Chunks of user data taken.
    pub data_chunks_received: u64,
    /// Messages given up.
    pub messages_abandoned: u64,
    /// Times that the retransmission timer fired.
    pub timeouts: u64,
    /// Bytes in flight.
    pub in_flight: u64,
    /// Bytes that may be in flight.
    pub congestion_window: u64,
    /// The peer's window, as it last said.
    pub peer_window: u32,
    /// Bytes that wait to be delivered or put together, overhead included.
    pub receive_held: usize,
    /// Bytes that may, at present.
    pub receive_window: usize,
    /// Which controller decides how much may be in flight; empty while there is none.
    pub controller: &'static str,
    /// The smoothed round-trip time, once measured.
    pub rtt: Option<Duration>,
    /// The last measurement of it.
    pub rtt_latest: Option<Duration>,
    /// How much it varies.
    pub rtt_variance: Duration,
    /// The smallest measurement of the last minutes; zero before the first.
    pub rtt_min: Duration,
    /// The retransmission timeout.
    pub rto: Duration,
    /// Longest packet that the path is known to carry, in bytes of SCTP packet.
    pub packet_size: usize,
    /// Timeouts and unanswered heartbeats in a row.
    pub path_errors: u32,
    /// What was dropped.
    pub dropped: Drops,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_is_counted_apart() {
        let mut drops = Drops::default();
        for (place, &reason) in DropReason::ALL.iter().enumerate() {
            assert_eq!(reason as usize, place, "the table is in the order of the enum");
            drops.add(reason);
            assert_eq!(drops.count(reason), 1);
        }
        drops.add(DropReason::WrongTag);
        let mut sum = drops.clone();
        sum.add_all(&drops);
        assert_eq!(sum.count(DropReason::WrongTag), 4);
        assert_eq!(drops.total(), u64::try_from(DropReason::ALL.len()).unwrap() + 1);
        assert!(!format!("{:?}", Drops::default()).contains("WrongTag"));
    }
}
