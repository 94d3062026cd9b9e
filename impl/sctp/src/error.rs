//! Why a command was not taken.

/// Why a message was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SendError {
    /// Set-up has not begun.
    #[error("not connected")]
    NotConnected,
    /// The association is being shut down or has ended.
    #[error("closed")]
    Closed,
    /// A message without bytes: RFC 9260 §3.3.1 has no form for it.
    #[error("an empty message")]
    Empty,
    /// Longer than the longest message.
    #[error("too long")]
    TooLong,
    /// A stream that does not exist (RFC 9260 §5.1.1).
    #[error("no such stream")]
    NoSuchStream,
    /// A stream that is being reset (RFC 6525 §5.1.2).
    #[error("the stream is being reset")]
    StreamResetting,
    /// The buffer is full; [`Event::Writable`](crate::Event::Writable) tells when it is not.
    #[error("the buffer is full")]
    QueueFull,
}

/// Why an association was not set up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// It is being set up, or stands.
    #[error("under way")]
    UnderWay,
}

/// Why an association was not set up from INITs that signalling carried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SnapError {
    /// It is being set up, or stands.
    #[error("under way")]
    UnderWay,
    /// The bytes are no INIT chunk.
    #[error("malformed: {0}")]
    Malformed(base::Malformed),
    /// The bytes are another chunk, or more than one.
    #[error("not an INIT chunk alone")]
    NotInit,
    /// An INIT chunk that no end may send.
    #[error("{0}")]
    Misdeed(crate::Misdeed),
}

/// Why streams were not reset or added.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ResetError {
    /// The association does not stand.
    #[error("not connected")]
    NotConnected,
    /// The peer cannot (RFC 6525 §5.1).
    #[error("the peer cannot")]
    NotSupported,
    /// A stream that does not exist.
    #[error("no such stream")]
    NoSuchStream,
    /// More requests wait than are kept: one at a time is under way (RFC 6525 §5.1.1).
    #[error("too many requests")]
    TooMany,
    /// More streams than there are numbers (RFC 6525 §5.1.5, §5.1.6).
    #[error("more streams than numbers")]
    TooManyStreams,
}
