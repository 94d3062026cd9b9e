//! Every way in which a peer can break the protocol.

use base::Malformed;

use crate::{
    StreamId, Tsn,
    wire::{Cause, ParameterType},
};

/// What a peer did that ends the association.
///
/// Only what carries our verification tag can be a misdeed. What anybody may have sent is dropped and
/// counted as a [`DropReason`](crate::DropReason).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Misdeed {
    /// A chunk that does not have the form it claims (RFC 9260 §3.2).
    #[error("malformed: {0}")]
    Malformed(Malformed),
    /// An INIT or INIT ACK with an initiate tag of zero (RFC 9260 §3.3.2, §3.3.3).
    #[error("an initiate tag of zero")]
    ZeroTag,
    /// An INIT or INIT ACK with no streams in a direction (RFC 9260 §3.3.2, §3.3.3).
    #[error("no streams")]
    ZeroStreams,
    /// An INIT or INIT ACK with a window below 1,500 bytes (RFC 9260 §3.3.2, §3.3.3).
    #[error("a window below 1500 bytes")]
    TinyWindow,
    /// An INIT ACK without a state cookie (RFC 9260 §3.3.3).
    #[error("no state cookie")]
    NoCookie,
    /// A host name where addresses belong (RFC 9260 §5.1.2).
    #[error("a host name")]
    HostName,
    /// A chunk of user data without user data (RFC 9260 §6.2).
    #[error("no user data")]
    NoUserData(Tsn),
    /// A DATA chunk where I-DATA was agreed on (RFC 8260 §2.2.3).
    #[error("DATA where messages are interleaved")]
    DataWithInterleaving,
    /// An I-DATA chunk where it was not agreed on (RFC 8260 §2.2.3).
    #[error("I-DATA where messages are not interleaved")]
    IDataWithoutInterleaving,
    /// A FORWARD TSN where I-FORWARD-TSN was agreed on, or the other way round, or either where nothing may
    /// be given up (RFC 8260 §2.3.1, RFC 3758 §3.3).
    #[error("the wrong kind of FORWARD TSN")]
    WrongForwardTsn,
    /// Fragments of a message that do not follow one another (RFC 9260 §6.9).
    #[error("fragments that contradict each other on stream {0}")]
    ContradictoryFragments(StreamId),
    /// A fragment after the last one of its message (RFC 9260 §6.9, RFC 8260 §2.1).
    #[error("a fragment after the last on stream {0}")]
    FragmentAfterLast(StreamId),
    /// A message longer than is taken (RFC 8841 §6.1).
    #[error("a message too long on stream {0}")]
    MessageTooLong(StreamId),
    /// The sequence number or identifier of a message that has been delivered or given up, under a new
    /// transmission sequence number (RFC 9260 §6.5).
    #[error("a message number used before on stream {0}")]
    MessageNumberReused(StreamId),
    /// More messages were begun, and none of them ended, than the largest window holds (RFC 8260 §2.2.2).
    #[error("more unfinished messages than fit the window")]
    NothingFinished,
    /// An acknowledgement of what was never sent (RFC 9260 §6.2.1).
    #[error("an acknowledgement of what was not sent")]
    AckOfUnsent,
    /// Gap blocks of an acknowledgement that are empty, overlap or run backwards (RFC 9260 §3.3.4).
    #[error("gap blocks out of order")]
    BadGapBlocks,
    /// A request to change streams that was not agreed on, or that contradicts itself (RFC 6525 §5.2.1).
    #[error("a bad request to change streams")]
    BadReconfig,
}

impl From<Malformed> for Misdeed {
    fn from(malformed: Malformed) -> Self {
        Self::Malformed(malformed)
    }
}

impl Misdeed {
    /// Has `tell` tell the peer: the cause that goes into the ABORT (RFC 9260 §3.3.10).
    pub(crate) fn with_cause<R>(self, tell: impl FnOnce(Cause<'_>) -> R) -> R {
        match self {
            Self::ZeroTag | Self::ZeroStreams | Self::TinyWindow => {
                tell(Cause::InvalidMandatoryParameter)
            }
            Self::NoCookie => {
                tell(Cause::MissingParameter([ParameterType::STATE_COOKIE].as_slice().into()))
            }
            // The name itself is not repeated: RFC 9260 §3.3.10.5 has a place for it, and nobody reads it.
            Self::HostName => tell(Cause::UnresolvableAddress(&[])),
            Self::NothingFinished => tell(Cause::OutOfResource),
            Self::NoUserData(tsn) => tell(Cause::NoUserData(tsn)),
            Self::Malformed(_)
            | Self::DataWithInterleaving
            | Self::IDataWithoutInterleaving
            | Self::WrongForwardTsn
            | Self::ContradictoryFragments(_)
            | Self::FragmentAfterLast(_)
            | Self::MessageTooLong(_)
            | Self::MessageNumberReused(_)
            | Self::AckOfUnsent
            | Self::BadGapBlocks
            | Self::BadReconfig => tell(Cause::ProtocolViolation(self.to_string().as_bytes())),
        }
    }
}
