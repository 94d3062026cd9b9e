//! What an association reports.

use std::net::SocketAddr;

use crate::{Misdeed, wire::AlertDescription};

/// What an association reports.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// The peer's certificate came, and proves that the peer holds its key; what it has to match comes
    /// later ([`PeerCheck::Later`](crate::PeerCheck::Later)).
    PeerCertificate,
    /// The handshake is over and the peer is who it should be: data can be sent and keys exported.
    Connected,
    /// The peer took note of new keys of ours, which are in use now (version 1.3).
    KeysUpdated {
        /// The epoch in which this end sends now.
        sending: u64,
    },
    /// The peer will use new keys (version 1.3).
    PeerKeysUpdated {
        /// The epoch in which it will send.
        receiving: u64,
    },
    /// The peer is at another address, to which everything goes from now on. Only from machines with
    /// addresses, where connection ids were agreed on; several moves that nobody asked about are told as
    /// one, and none if the peer is back.
    ///
    /// A record of the peer's came from there that was newer than all before (RFC 9146 §6). That shows who
    /// sealed it, not who sent it from there, nor that anything arrives there: nothing is tested and nothing
    /// is held back. The layer above decides whether to ask the peer for a sign of life before it sends
    /// much.
    PeerMoved {
        /// Where it was when that was last told.
        from: SocketAddr,
        /// Where it is.
        to: SocketAddr,
    },
    /// Application data came. Only from machines with addresses; [`Association::poll_data`] has it
    /// otherwise.
    ///
    /// [`Association::poll_data`]: crate::Association::poll_data
    Data(Vec<u8>),
    /// A secret, as a line of the key log that capture tools read. Only with
    /// [`Config::key_log`](crate::Config::key_log).
    KeyLog(String),
    /// The association has ended; nothing more is sent but what tells the peer.
    Closed(CloseReason),
}

/// Why an association ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CloseReason {
    /// This end closed it.
    #[error("closed")]
    Local,
    /// The peer closed it.
    #[error("closed by the peer")]
    Peer,
    /// The client at the same address began anew (RFC 9147 §5.11).
    #[error("the client began anew")]
    Abandoned,
    /// The peer sent an alert.
    #[error("the peer sent the alert {0:?}")]
    Alert(AlertDescription),
    /// The peer broke the protocol and was told so.
    #[error("{0}")]
    Misdeed(Misdeed),
    /// The handshake took too long, or a flight was repeated as often as may be.
    #[error("timed out")]
    Timeout,
    /// The keys have done as much as they may (RFC 9147 §4.5.3).
    #[error("the keys are used up")]
    KeysUsedUp,
}
