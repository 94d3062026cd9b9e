//! What an association has counted.

use std::fmt;

/// Why something that arrived was dropped. None of it is held against the peer: anybody may have sent
/// it (RFC 6347 §4.1.2.7, RFC 9147 §4.5.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum DropReason {
    /// A record whose header cannot be read, or that is cut short.
    MalformedRecord,
    /// A record of a version that is not spoken.
    UnknownVersion,
    /// A record of a type that is not spoken.
    UnknownContentType,
    /// A record with a connection id that is not ours, or without one where one was agreed.
    UnknownConnectionId,
    /// A record of an epoch whose keys are not there yet; a few are kept for later.
    EarlyEpoch,
    /// A record of an epoch whose keys are gone, or that never was.
    UnknownEpoch,
    /// A record that did not decrypt.
    BadTag,
    /// A record that came before, or too long ago to say.
    Replayed,
    /// A record longer than any may be.
    TooLong,
    /// More records failed to decrypt than the cipher bears (RFC 9147 §4.5.3).
    FailureLimit,
    /// More early records than are kept.
    TooManyEarlyRecords,
    /// A handshake record without keys where keys are in use.
    Unprotected,
    /// Application data without keys.
    UnprotectedData,
    /// Application data before the Finished that vouches for its keys, in version 1.2.
    EarlyData,
    /// An alert without keys where keys are in use, or one that cannot be read.
    UnprotectedAlert,
    /// A fragment of a handshake message that cannot be read.
    MalformedFragment,
    /// A fragment that contradicts another of its message.
    ContradictoryFragment,
    /// A fragment of a message that is longer than any is taken.
    MessageTooLong,
    /// A fragment of a message too far ahead.
    MessageTooFarAhead,
    /// More fragments of one message than are kept.
    TooManyFragments,
    /// More bytes of handshake messages than are kept.
    TooManyHandshakeBytes,
    /// A handshake message that came before.
    OldMessage,
    /// A ChangeCipherSpec that says nothing: every one of version 1.3, and a repeated one of 1.2.
    UselessChangeCipherSpec,
    /// An acknowledgement where there are none, or that cannot be read.
    BadAcknowledgement,
    /// Application data that nobody had fetched when more came.
    InboxFull,
    /// Application data after the peer said it would send no more.
    AfterClose,
    /// A ClientHello without a valid cookie that could not be answered, since it is malformed, or ends
    /// with its first fragment before it tells which version to answer in.
    BadHello,
    /// A fragment of a ClientHello that does not begin it, of a client that has shown no cookie.
    HelloFragment,
    /// The beginning of a second ClientHello that leaves its cookie to a later fragment.
    CookieOutOfSight,
    /// A cookie that was not made here, or too long ago.
    BadCookie,
    /// A datagram that no association of a listener takes.
    UnknownPeer,
    /// A ClientHello with a valid cookie when the listener has as many associations as it may.
    TooManyAssociations,
    /// What arrived after the association had ended.
    Ended,
}

impl DropReason {
    /// Every reason.
    pub const ALL: &'static [Self] = &[
        Self::MalformedRecord,
        Self::UnknownVersion,
        Self::UnknownContentType,
        Self::UnknownConnectionId,
        Self::EarlyEpoch,
        Self::UnknownEpoch,
        Self::BadTag,
        Self::Replayed,
        Self::TooLong,
        Self::FailureLimit,
        Self::TooManyEarlyRecords,
        Self::Unprotected,
        Self::UnprotectedData,
        Self::EarlyData,
        Self::UnprotectedAlert,
        Self::MalformedFragment,
        Self::ContradictoryFragment,
        Self::MessageTooLong,
        Self::MessageTooFarAhead,
        Self::TooManyFragments,
        Self::TooManyHandshakeBytes,
        Self::OldMessage,
        Self::UselessChangeCipherSpec,
        Self::BadAcknowledgement,
        Self::InboxFull,
        Self::AfterClose,
        Self::BadHello,
        Self::HelloFragment,
        Self::CookieOutOfSight,
        Self::BadCookie,
        Self::UnknownPeer,
        Self::TooManyAssociations,
        Self::Ended,
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
        let counted = DropReason::ALL.iter().zip(&self.0).find(|(known, _)| **known == reason);
        counted.map_or(0, |(_, count)| *count)
    }

    /// How much was dropped for any reason.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.0.iter().sum()
    }

    /// Counts one more.
    pub(crate) fn add(&mut self, reason: DropReason) {
        let place = DropReason::ALL.iter().zip(&mut self.0).find(|(known, _)| **known == reason);
        if let Some((_, count)) = place {
            *count += 1;
        }
    }
}

impl fmt::Debug for Drops {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counted = DropReason::ALL.iter().zip(&self.0).filter(|(_, count)| **count > 0);
        f.debug_map().entries(counted).finish()
    }
}

/// What an association has counted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Datagrams told to it.
    pub datagrams_received: u64,
    /// Bytes of those.
    pub bytes_received: u64,
    /// Datagrams it made.
    pub datagrams_sent: u64,
    /// Bytes of those.
    pub bytes_sent: u64,
    /// Records that were taken.
    pub records_received: u64,
    /// Application records sent.
    pub data_sent: u64,
    /// Application records delivered.
    pub data_received: u64,
    /// How often the timer had a flight sent again.
    pub timeouts: u64,
    /// Acknowledgements sent, in version 1.3.
    pub acknowledgements_sent: u64,
    /// How often our keys were updated.
    pub key_updates_sent: u64,
    /// How often the peer's keys were updated.
    pub key_updates_received: u64,
    /// What was dropped.
    pub dropped: Drops,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_is_counted_apart() {
        let mut drops = Drops::default();
        for &reason in DropReason::ALL {
            drops.add(reason);
            assert_eq!(drops.count(reason), 1);
        }
        drops.add(DropReason::BadTag);
        assert_eq!(drops.count(DropReason::BadTag), 2);
        assert_eq!(drops.total(), u64::try_from(DropReason::ALL.len()).unwrap() + 1);
        assert!(!format!("{:?}", Drops::default()).contains("BadTag"));
    }
}
