//! What channels report.

use crate::{ChannelConfig, ChannelId, Data, Fault};

/// What channels report, in the order in which it happened.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// The association stands: what was opened can send.
    Connected,
    /// The peer opened a channel. It can be used at once.
    Opened {
        /// Its number.
        id: ChannelId,
        /// What the peer made it to be.
        config: ChannelConfig,
    },
    /// The peer knows of a channel that this end opened, or a negotiated one can be used. This end could
    /// send on it since [`Event::Connected`].
    Open(ChannelId),
    /// A message arrived.
    Message {
        /// Its channel.
        id: ChannelId,
        /// What it says.
        data: Data,
    },
    /// No more bytes than the threshold wait on a channel ([`Channels::set_buffered_low`]).
    ///
    /// [`Channels::set_buffered_low`]: crate::Channels::set_buffered_low
    BufferedLow(ChannelId),
    /// A message was refused since the buffer was full, and now there is room.
    Writable,
    /// The peer closes a channel. All it had to send has arrived; what waits here still goes.
    Closing(ChannelId),
    /// A channel is closed, and its number free.
    Closed {
        /// Its number.
        id: ChannelId,
        /// Why.
        reason: CloseReason,
    },
    /// The association has ended, and every channel with it; nothing follows.
    Ended(sctp::CloseReason),
}

/// Why a channel was closed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CloseReason {
    /// This end closed it.
    #[error("closed")]
    Local,
    /// The peer closed it.
    #[error("closed by the peer")]
    Peer,
    /// The peer closed it instead of agreeing to it (RFC 8832 §6).
    #[error("refused by the peer")]
    Refused,
    /// The peer misused it.
    #[error("{0}")]
    Fault(Fault),
    /// The streams that it needs could not be added (RFC 8831 §6.2).
    #[error("the peer adds no stream")]
    NoStream,
    /// The peer began the association anew, without its channels.
    #[error("the peer began anew")]
    Restarted,
    /// The association ended, in this way.
    #[error("the association ended: {0}")]
    Ended(sctp::CloseReason),
}
