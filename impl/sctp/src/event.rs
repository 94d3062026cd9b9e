//! What an association reports.

use bytes::Bytes;

use crate::{Message, Misdeed, Ppid, StreamId, wire::CauseCode};

/// What an association reports.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// The association stands.
    Connected,
    /// The peer began anew and the association stands again, with nothing of what was before: messages that
    /// waited or were not acknowledged, either way, are lost, and streams number from the start
    /// (RFC 9260 §5.2.4).
    Restarted,
    /// A message came whole. Only from machines with addresses; [`Association::poll_message`] has it
    /// otherwise.
    ///
    /// [`Association::poll_message`]: crate::Association::poll_message
    Message(Message),
    /// No more bytes than the threshold wait on a stream.
    BufferedLow(StreamId),
    /// A send was refused since the buffer was full, and now it is at most half full.
    Writable,
    /// A message was given up, by its own limits or since its stream does not exist.
    Abandoned {
        /// Its stream.
        stream: StreamId,
        /// What it was to the application.
        ppid: Ppid,
        /// Whether anything of it was sent: the peer may have got it whole.
        sent: bool,
    },
    /// The peer began streams anew on which it sends (RFC 6525 §5.2.2).
    StreamsReset {
        /// Which; all if none is named.
        incoming: Vec<StreamId>,
    },
    /// The peer agreed to begin streams anew on which this end sends (RFC 6525 §5.2.7).
    ResetDone {
        /// Which; all if none is named.
        outgoing: Vec<StreamId>,
    },
    /// The peer refused to begin streams anew on which this end sends (RFC 6525 §5.2.7).
    ResetDenied {
        /// Which; all if none is named.
        outgoing: Vec<StreamId>,
    },
    /// The peer refused to begin streams anew on which it sends, or to add streams (RFC 6525 §5.2.7).
    RequestDenied,
    /// Both directions began anew, numbers included (RFC 6525 §5.2.4).
    AssociationReset,
    /// There are more streams (RFC 6525 §5.2.5, §5.2.6).
    StreamsAdded {
        /// More to send on.
        outgoing: u16,
        /// More that the peer may send on.
        incoming: u16,
    },
    /// The peer shuts the association down: nothing more can be sent, and what waits still goes
    /// (RFC 9260 §9.2).
    PeerShutdown,
    /// The path answers or answers no more (RFC 9260 §8.2).
    PathActive(bool),
    /// The peer reported an error that does not end the association (RFC 9260 §11.2.6).
    PeerError(CauseCode),
    /// The association has ended.
    Closed(CloseReason),
}

/// Why an association ended.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CloseReason {
    /// Either end shut it down, and all was delivered (RFC 9260 §9.2).
    #[error("shut down")]
    Shutdown,
    /// This end aborted it.
    #[error("aborted")]
    Aborted,
    /// The peer aborted it.
    #[error("aborted by the peer: {cause:?}")]
    AbortedByPeer {
        /// The first cause that it named.
        cause: Option<CauseCode>,
        /// What its application had to say (RFC 9260 §3.3.10.12).
        reason: Bytes,
    },
    /// The peer broke the protocol and was told so.
    #[error("{0}")]
    Misdeed(Misdeed),
    /// The peer did not answer during set-up.
    #[error("set-up timed out")]
    SetupTimeout,
    /// The peer answers no more (RFC 9260 §8.1).
    #[error("the peer is unreachable")]
    Unreachable,
    /// Shutting down took too long (RFC 9260 §9.2).
    #[error("shutting down timed out")]
    ShutdownTimeout,
}
