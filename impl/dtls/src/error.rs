//! Why a command was not taken.

/// Why data was not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SendError {
    /// The handshake is not over, or the peer's certificate is not checked yet.
    #[error("not connected")]
    NotConnected,
    /// Longer than a record may be.
    #[error("longer than a record")]
    TooLong,
    /// The association has ended, or this end has said that it sends no more.
    #[error("closed")]
    Closed,
    /// The keys have sealed as many records as they may, and new ones are not there yet.
    #[error("the keys are used up")]
    KeysUsedUp,
}

/// Why no key was exported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ExportError {
    /// The handshake is not over, or the peer's certificate is not checked yet.
    #[error("not connected")]
    NotConnected,
    /// A label that the handshake itself uses (RFC 5705 §4).
    #[error("a label that is taken")]
    Label,
    /// More bytes than the function can make, or a context that is too long.
    #[error("too long")]
    TooLong,
}

/// Why keys were not updated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UpdateKeysError {
    /// The handshake is not over.
    #[error("not connected")]
    NotConnected,
    /// Version 1.2 has no update of keys.
    #[error("version 1.2 cannot")]
    Version,
    /// The last update has not been acknowledged (RFC 9147 §8).
    #[error("an update is under way")]
    UnderWay,
    /// There are no epochs or message numbers left: RFC 9147 §5.2 lets neither begin anew.
    #[error("no epochs left")]
    UsedUp,
}

/// Why fingerprints were not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SetFingerprintsError {
    /// The association was not set up to get them later, or has got them.
    #[error("not awaited")]
    NotAwaited,
    /// The association has ended.
    #[error("closed")]
    Closed,
}
