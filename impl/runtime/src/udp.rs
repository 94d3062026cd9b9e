//! UDP at the border.

use std::{
    fmt,
    io::{self, IoSliceMut},
    net::{IpAddr, SocketAddr},
    task::{Context, Poll},
};

use base::{Dscp, Ecn, SocketError, Transmit};

use crate::InterfaceIndex;

/// A UDP socket that tells, and can be told, everything about a datagram.
pub trait UdpSocket: fmt::Debug + Send + Sync + 'static {
    /// Where the socket is bound; the address may be unspecified, the port is never 0.
    ///
    /// # Errors
    ///
    /// If the host went down.
    fn local_address(&self) -> io::Result<SocketAddr>;

    /// Receives one datagram, or one batch of them, into each buffer, and says how many buffers were
    /// used: at least one, at most the lesser length of `buffers` and `meta`. Meta `i` describes buffer
    /// `i`. A datagram longer than its buffer loses its end.
    ///
    /// Buffers of [`max_receive_segments`](UdpSocket::max_receive_segments) times the longest datagram
    /// are never too short.
    ///
    /// # Errors
    ///
    /// If the host went down. What the network reports about datagrams that were sent does not come this
    /// way: see [`poll_error`](UdpSocket::poll_error).
    fn poll_recv(
        &self,
        cx: &mut Context<'_>,
        buffers: &mut [IoSliceMut<'_>],
        meta: &mut [RecvMeta],
    ) -> Poll<io::Result<usize>>;

    /// Sends `payload`, one datagram or a batch of them, as `transmit` says; pending while the socket has
    /// no room for it. `transmit.size` must be the length of `payload`.
    ///
    /// # Errors
    ///
    /// If the datagram is longer than UDP or the interface takes (`InvalidInput`), if no route leads
    /// there (`NetworkUnreachable`, `HostUnreachable`), if the source is not an address of the host
    /// (`AddrNotAvailable`), if the host went down. None of these is final.
    fn poll_send(
        &self,
        cx: &mut Context<'_>,
        transmit: &Transmit,
        payload: &[u8],
    ) -> Poll<io::Result<()>>;

    /// As [`poll_send`](UdpSocket::poll_send), for those who would rather lose the datagram than wait.
    ///
    /// # Errors
    ///
    /// `WouldBlock` if there is no room; otherwise as [`poll_send`](UdpSocket::poll_send).
    fn try_send(&self, transmit: &Transmit, payload: &[u8]) -> io::Result<()>;

    /// The oldest report of the network about a datagram that was sent from here. Sockets keep a few of
    /// them; the oldest is lost first. A system that cannot tell is always pending.
    ///
    /// # Errors
    ///
    /// If the host went down.
    fn poll_error(&self, cx: &mut Context<'_>) -> Poll<io::Result<SocketError>>;

    /// Datagrams that one [`Transmit`] with a segment size may hold; 1 if batches must be sent one by
    /// one. May sink when the system turns out not to support batches after all.
    fn max_send_segments(&self) -> usize {
        1
    }

    /// Datagrams that one receive buffer may be given at once; 1 if they always come one by one.
    fn max_receive_segments(&self) -> usize {
        1
    }

    /// Whether datagrams longer than the path takes may be sent in fragments, by this host or by routers.
    /// While it is false, [`poll_error`](UdpSocket::poll_error) reports them
    /// ([`TooBig`](base::SocketErrorKind::TooBig)).
    fn may_fragment(&self) -> bool;

    /// Forbids or allows fragments.
    ///
    /// # Errors
    ///
    /// If the system cannot (`Unsupported`), or the host went down.
    fn set_may_fragment(&self, allowed: bool) -> io::Result<()>;

    /// Sets the hop limit of unicast and multicast datagrams that are sent from here.
    ///
    /// # Errors
    ///
    /// If the host went down.
    fn set_hop_limit(&self, hops: u8) -> io::Result<()>;

    /// Hears what is sent to the multicast address `group`, on `interface` or on the one that the system
    /// prefers.
    ///
    /// # Errors
    ///
    /// If `group` is not a multicast address of the socket's family (`InvalidInput`), if there is no such
    /// interface (`NotFound`), if the host went down.
    fn join(&self, group: IpAddr, interface: Option<InterfaceIndex>) -> io::Result<()>;

    /// Undoes a [`join`](UdpSocket::join).
    ///
    /// # Errors
    ///
    /// If the group was not joined (`NotFound`), or the host went down.
    fn leave(&self, group: IpAddr, interface: Option<InterfaceIndex>) -> io::Result<()>;
}

/// What comes with a received datagram, or batch of datagrams, besides the bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RecvMeta {
    /// Who sent it, as seen here: after every NAT on the way.
    pub source: SocketAddr,
    /// The local address and port it was sent to; the address is unspecified only if the system does not
    /// say which it was.
    pub destination: SocketAddr,
    /// The interface it came in by.
    pub interface: Option<InterfaceIndex>,
    /// Bytes that were written to the buffer.
    pub len: usize,
    /// Bytes of each datagram in the buffer; the last one may be shorter. Equal to `len` if there is only
    /// one.
    pub segment_size: usize,
    /// The congestion mark it arrived with.
    pub ecn: Ecn,
    /// The traffic class it arrived with.
    pub dscp: Option<Dscp>,
    /// The hop limit it arrived with.
    pub hop_limit: Option<u8>,
}

impl RecvMeta {
    /// A place for what is yet to be received.
    pub const EMPTY: Self = Self::new(NOWHERE, NOWHERE, 0);

    /// One unmarked datagram of `len` bytes.
    #[must_use]
    pub const fn new(source: SocketAddr, destination: SocketAddr, len: usize) -> Self {
        Self {
            source,
            destination,
            interface: None,
            len,
            segment_size: len,
            ecn: Ecn::NotEct,
            dscp: None,
            hop_limit: None,
        }
    }

    /// The datagrams of a buffer that this describes, in the order they arrived.
    ///
    /// ```
    /// let mut meta = runtime::RecvMeta::EMPTY;
    /// (meta.len, meta.segment_size) = (5, 2);
    /// let datagrams: Vec<_> = meta.datagrams(b"aabbc....").collect();
    /// assert_eq!(datagrams, [&b"aa"[..], b"bb", b"c"]);
    /// ```
    pub fn datagrams<'b>(&self, buffer: &'b [u8]) -> impl Iterator<Item = &'b [u8]> {
        let filled = buffer.get(..self.len).unwrap_or(buffer);
        // An empty datagram is one too.
        let none = filled.is_empty().then_some(filled);
        none.into_iter().chain(filled.chunks(self.segment_size.max(1)))
    }
}

const NOWHERE: SocketAddr = SocketAddr::new(IpAddr::V4(std::net::Ipv4Addr::UNSPECIFIED), 0);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_datagram_is_a_datagram() {
        assert_eq!(RecvMeta::EMPTY.datagrams(b"old bytes").collect::<Vec<_>>(), [b""]);
    }

    #[test]
    fn a_lone_datagram_is_not_split() {
        let meta = RecvMeta::new(NOWHERE, NOWHERE, 4);
        assert_eq!(meta.datagrams(b"abcdef").collect::<Vec<_>>(), [b"abcd"]);
    }
}
