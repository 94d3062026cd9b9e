//! How connections are set up, and what is said of them.

use std::{
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use base::{StreamEnd, StreamId};

use crate::candidate::{DISCARD_PORT, TcpType};

/// How an agent uses TCP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TcpConfig {
    /// Whether it opens connections to passive candidates. Default: yes.
    pub active: bool,
    /// Whether it accepts connections. Default: no, as in browsers; a host that is reached from
    /// outside wants it.
    pub passive: bool,
    /// Whether it offers to open connections at the same moment as the peer. Default: no; few NATs
    /// and hosts can do it.
    pub simultaneous_open: bool,
    /// For how long a connection may take to open: 10 s.
    pub connect_timeout: Duration,
    /// For how long a connection may be open without a check that passed: 10 s.
    pub validation_timeout: Duration,
    /// The first of the numbers of streams that are its own.
    pub first_stream: u64,
}

impl Default for TcpConfig {
    fn default() -> Self {
        Self {
            active: true,
            passive: false,
            simultaneous_open: false,
            connect_timeout: Duration::from_secs(10),
            validation_timeout: Duration::from_secs(10),
            first_stream: 0,
        }
    }
}

/// What became of a listener or a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TcpEvent {
    /// A candidate of this type can be told.
    Listening {
        /// The address that was asked for.
        asked: SocketAddr,
        /// The address there is.
        local: SocketAddr,
        /// Passive or simultaneous-open.
        tcp_type: TcpType,
    },
    /// A candidate cannot be had, or no longer.
    NotListening {
        /// The address that was asked for.
        asked: SocketAddr,
        /// Passive or simultaneous-open.
        tcp_type: TcpType,
        /// Why.
        reason: StreamEnd,
    },
    /// A connection is open.
    Opened {
        /// The connection.
        id: StreamId,
        /// Our address.
        local: SocketAddr,
        /// The peer's address.
        remote: SocketAddr,
        /// Which candidate of ours it belongs to.
        tcp_type: TcpType,
    },
    /// A connection is gone, or never came to be.
    Closed {
        /// The connection.
        id: StreamId,
        /// Why.
        reason: TcpEnd,
    },
}

/// Why a connection is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TcpEnd {
    /// The network or the peer ended it.
    Stream(StreamEnd),
    /// It carried something else than STUN before a check had passed: RFC 6544 §7.1.
    NotStun,
    /// It carried a frame longer than is read.
    FrameTooLong,
    /// No check passed in time.
    NotValidated,
    /// Another took its place: too many were open without a check that passed.
    CrowdedOut,
}

/// Why there is no connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TcpError {
    /// There are [`MAX_LISTENERS`](crate::MAX_LISTENERS) or
    /// [`MAX_CONNECTIONS`](crate::MAX_CONNECTIONS).
    #[error("too many listeners or connections")]
    TooMany,
    /// Passive candidates wait for the peer.
    #[error("a passive candidate does not connect")]
    Passive,
}

/// Why nothing was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WriteError {
    /// The connection is not open.
    #[error("not open")]
    NotOpen,
    /// The driver still holds [`MAX_UNSENT`](crate::MAX_UNSENT) bytes; a datagram would be lost on
    /// such a path too.
    #[error("too much is still unsent")]
    Full,
    /// A frame has at most [`MAX_FRAME`](crate::MAX_FRAME) bytes.
    #[error("longer than a frame")]
    TooLong,
}

/// A frame that [`next_frame`](super::Connections::next_frame) found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Frame<'a> {
    /// It lies in the bytes that arrived.
    Here(&'a [u8]),
    /// It came in pieces, and is in the scratch buffer now.
    Scratch,
}

/// What the connections did, counted since they began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TcpStats {
    /// Connections that opened.
    pub opened: u64,
    /// Connections that ended for another reason than ours.
    pub closed: u64,
    /// Connections refused or ended because there were too many.
    pub crowded_out: u64,
    /// Datagrams not sent because too much was unsent.
    pub unsent: u64,
}

/// The candidates that an address of the host gives: their types, and where to listen. Port 0 lets
/// the system choose; active candidates have the discard port and nobody listens (RFC 6544 §4.5,
/// §5.1).
pub fn tcp_bases(
    config: &TcpConfig,
    ip: IpAddr,
) -> impl Iterator<Item = (TcpType, SocketAddr)> + use<> {
    let wanted = [
        (config.active, TcpType::Active, DISCARD_PORT),
        (config.passive, TcpType::Passive, 0),
        (config.simultaneous_open, TcpType::So, 0),
    ];
    let wanted = wanted.into_iter().filter(|&(is_wanted, ..)| is_wanted);
    wanted.map(move |(_, tcp_type, port)| (tcp_type, SocketAddr::new(ip, port)))
}
