//! Every way a peer misuses a channel.

/// A misuse of a channel, for which it is closed (RFC 8831 §6.6, RFC 8832 §6); the association and the other
/// channels live on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// A message of the protocol that opens channels is cut short, has lengths that contradict each other,
    /// or text that is not UTF-8 (RFC 8832 §6).
    #[error("a malformed message of DCEP")]
    MalformedDcep,
    /// A message of that protocol of a type that is not known (RFC 8832 §8.2.1).
    #[error("a message of DCEP of an unknown type")]
    UnknownDcep,
    /// An OPEN that was sent without order (RFC 8832 §6).
    #[error("an OPEN without order")]
    UnorderedOpen,
    /// An OPEN for a type of channel that is not known (RFC 8832 §6).
    #[error("an unknown type of channel")]
    UnknownChannelType,
    /// An OPEN with a number that is ours to give (RFC 8832 §6).
    #[error("an OPEN with a number of the other role")]
    WrongParity,
    /// An OPEN for a channel that is there (RFC 8832 §6).
    #[error("an OPEN for a channel that is there")]
    StreamInUse,
    /// A message on a stream that belongs to no channel (RFC 8832 §6).
    #[error("a message without a channel")]
    NoChannel,
    /// More channels than this end has room for ([`Config::max_channels`](crate::Config::max_channels)).
    #[error("too many channels")]
    TooManyChannels,
    /// A message of a kind that is not known (RFC 8831 §6.6).
    #[error("a message of an unknown kind")]
    UnknownPpid,
    /// A message without order on a channel with order (RFC 8831 §6.6).
    #[error("a message without order on an ordered channel")]
    IllegalOrder,
    /// Text that is not UTF-8 (RFC 8831 §6.6).
    #[error("text that is not UTF-8")]
    NotUtf8,
    /// A part of a message on a channel that is not both ordered and reliable (RFC 8831 §6.6).
    #[error("a part of a message on a channel that may lose or reorder it")]
    PartOnUnreliable,
    /// Parts of text and bytes in one message (RFC 8831 §6.6).
    #[error("parts of different kinds in one message")]
    MixedParts,
    /// Parts that make a longer message than is taken, or more than are kept.
    #[error("parts of a message that is too long")]
    PartsTooLong,
}

impl Fault {
    /// Every fault.
    pub const ALL: &'static [Self] = &[
        Self::MalformedDcep,
        Self::UnknownDcep,
        Self::UnorderedOpen,
        Self::UnknownChannelType,
        Self::WrongParity,
        Self::StreamInUse,
        Self::NoChannel,
        Self::TooManyChannels,
        Self::UnknownPpid,
        Self::IllegalOrder,
        Self::NotUtf8,
        Self::PartOnUnreliable,
        Self::MixedParts,
        Self::PartsTooLong,
    ];
}
