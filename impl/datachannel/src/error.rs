//! Why a command was not taken.

/// Why a channel was not opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The number belongs to a channel that lives, or that is not wholly closed yet (RFC 8831 §6.5).
    #[error("the number is taken")]
    Taken,
    /// Label or protocol is longer than 65,535 bytes (RFC 8832 §5.1).
    #[error("label or protocol is too long")]
    TextTooLong,
    /// The message that would open it is longer than the peer takes.
    #[error("longer than the peer takes")]
    TooLong,
    /// As many channels live as may ([`Config::max_channels`](crate::Config::max_channels)).
    #[error("too many channels")]
    TooManyChannels,
    /// Every number of this end's role is in use.
    #[error("no number is left")]
    NoNumbers,
    /// The association has ended or is being shut down.
    #[error("closed")]
    Closed,
}

/// Why a message was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SendError {
    /// No channel has this number.
    #[error("no such channel")]
    NoSuchChannel,
    /// The association is not there yet, or the stream is not.
    #[error("not open yet")]
    NotOpen,
    /// The channel is being closed.
    #[error("closing")]
    Closing,
    /// Longer than the peer takes, or than can be sent at all.
    #[error("longer than {limit} bytes")]
    TooLong {
        /// The longest that is taken.
        limit: usize,
    },
    /// Text that is not UTF-8.
    #[error("text that is not UTF-8")]
    NotUtf8,
    /// As much waits as may; [`Event::Writable`](crate::Event::Writable) tells when there is room.
    #[error("the buffer is full")]
    Full,
}

/// Why a channel was not closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CloseError {
    /// No channel has this number.
    #[error("no such channel")]
    NoSuchChannel,
}
