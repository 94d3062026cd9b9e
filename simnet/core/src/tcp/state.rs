//! What a connection tells those who use it.

use std::time::Duration;

use base::SocketErrorKind;

use crate::{
    id::{ListenerId, TcpId},
    socket::BindError,
};

/// Where a connection is: RFC 9293 §3.3.2.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TcpState {
    /// A SYN is out, or will be when the caller lets go.
    SynSent,
    /// A SYN came and was answered.
    SynReceived,
    /// Both may send.
    Established,
    /// We are done, and say so.
    FinWait1,
    /// The other side knows that we are done, and may go on sending.
    FinWait2,
    /// The other side is done; we may go on sending.
    CloseWait,
    /// Both were done at once.
    Closing,
    /// Both are done; our end is not acknowledged.
    LastAck,
    /// Both are done; old packets may still come.
    TimeWait,
    /// It is over.
    Closed(TcpClosed),
}

/// Why a connection is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TcpClosed {
    /// Both sides said that they were done.
    Finished,
    /// Nobody listens there: a reset answered the first packet.
    Refused,
    /// The other side gave it up.
    Reset,
    /// Nothing was heard for too long.
    TimedOut,
    /// The network says that there is no way, while the connection was being made.
    Unreachable(SocketErrorKind),
    /// This side gave it up.
    Aborted,
}

/// What [`tcp_receive`](crate::Network::tcp_receive) found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TcpRead {
    /// So many bytes.
    Data(usize),
    /// None now.
    Empty,
    /// None ever: the other side has sent everything.
    Closed,
    /// None ever: the connection broke, or was never made.
    Reset,
}

/// What happened to a connection or a listener of an [`Endpoint`](crate::Endpoint).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TcpEvent {
    /// Somebody connected.
    Accepted {
        /// To this listener.
        listener: ListenerId,
        /// The new connection.
        id: TcpId,
    },
    /// The connection is made.
    Connected(TcpId),
    /// Bytes came, or the news that there will be no more.
    Readable(TcpId),
    /// There is room again, after bytes did not fit.
    Writable(TcpId),
    /// The connection is over. What came before may still be read if it is finished.
    Closed(TcpId, TcpClosed),
}

/// Why a connection could not be begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TcpConnectError {
    /// The local address cannot be used.
    #[error(transparent)]
    Bind(#[from] BindError),
    /// Local and remote address are of two families.
    #[error("local and remote address are of two families")]
    MixedFamilies,
    /// Nobody has the remote address and port: one of them is zero, or it stands for many.
    #[error("the remote address and port name nobody")]
    BadRemote,
    /// The host has as many connections as it may.
    #[error("the host has {0} connections, as many as it may")]
    TooMany(u32),
}

/// Figures of a connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TcpStats {
    /// Segments that were sent.
    pub segments_sent: u64,
    /// Segments that came, and had a good checksum.
    pub segments_received: u64,
    /// Bytes that were sent, again or for the first time.
    pub bytes_sent: u64,
    /// Those of them that had been sent before.
    pub bytes_resent: u64,
    /// Bytes that were accepted to be sent.
    pub bytes_written: u64,
    /// Bytes that were read.
    pub bytes_read: u64,
    /// Bytes that may be in flight; `None` without congestion control, and when it is over.
    pub window: Option<u64>,
    /// The window at which slow start ends; `None` as long as nothing was lost.
    pub threshold: Option<u64>,
    /// The smoothed round trip; `None` as long as none was measured.
    pub round_trip: Option<Duration>,
    /// Losses that were noticed by repeated acknowledgments.
    pub recoveries: u64,
    /// Losses that were noticed because nothing came.
    pub timeouts: u64,
}
