//! A UDP socket in the shape of tokio's.

use std::{
    fmt,
    future::poll_fn,
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    task::{Context, Poll, ready},
};

use base::{Dscp, Ecn, Interface, Transmit};
use bytes::BufMut;
use runtime::InterfaceIndex;
use simnet::{HopId, NodeId, Received, SocketId, SocketOption};
use tokio::io::ReadBuf;

use crate::{
    home,
    names::{ToSocketAddrs, addresses},
    udp::Udp,
    world::World,
};

/// A UDP socket of a simulated host, with the methods of `tokio::net::UdpSocket`.
///
/// What a system does, it does too: a [connected](UdpSocket::connect) socket hears from its peer alone,
/// and of the ICMP errors that its datagrams meet; an unconnected one does not. A datagram longer than
/// the buffer loses its end. The socket never refuses to send for want of room, because the queues of the
/// simulated network lie behind it. Beyond tokio's methods there are those for marks, batches and
/// reports: they are the trait [`runtime::UdpSocket`].
pub struct UdpSocket {
    pub(crate) world: u64,
    pub(crate) id: SocketId,
}

impl UdpSocket {
    /// Binds a socket on the running host.
    ///
    /// # Errors
    ///
    /// If no simulated host is running here, or none of the addresses can be bound.
    pub async fn bind(address: impl ToSocketAddrs) -> io::Result<Self> {
        let home = home::current()?;
        let mut last = None;
        for address in addresses(&address)? {
            match Self::bind_on(home.world, home.host, address) {
                Ok(socket) => return Ok(socket),
                Err(error) => last = Some(error),
            }
        }
        Err(last.unwrap_or_else(no_address))
    }

    pub(crate) fn bind_on(world: u64, host: NodeId, address: SocketAddr) -> io::Result<Self> {
        let id = home::with_world(world, |world| world.bind_udp(host, address, None))??;
        Ok(Self { world, id })
    }

    /// Connects to the first of the addresses that is possible.
    ///
    /// # Errors
    ///
    /// If the socket is bound to an address of another family.
    pub async fn connect(&self, peer: impl ToSocketAddrs) -> io::Result<()> {
        let mut last = None;
        for peer in addresses(&peer)? {
            match self.with(|world| world.connect_udp(self.id, peer)) {
                Ok(()) => return Ok(()),
                Err(error) => last = Some(error),
            }
        }
        Err(last.unwrap_or_else(no_address))
    }

    /// Where the socket is bound; once it is connected, the address and port it sends from.
    ///
    /// # Errors
    ///
    /// If the host went down.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.with(|world| world.local_udp(self.id))
    }

    /// Where the socket is connected to.
    ///
    /// # Errors
    ///
    /// If it is not (`NotConnected`).
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.of(|udp| udp.peer)?.ok_or_else(|| io::ErrorKind::NotConnected.into())
    }

    /// Waits until there is something to receive.
    ///
    /// # Errors
    ///
    /// If the host went down.
    pub async fn readable(&self) -> io::Result<()> {
        poll_fn(|cx| self.poll_recv_ready(cx)).await
    }

    /// Waits until something can be sent, which is always so.
    ///
    /// # Errors
    ///
    /// If the host went down.
    pub async fn writable(&self) -> io::Result<()> {
        self.of(|_| ())
    }

    /// Ready when there is something to receive.
    ///
    /// # Errors
    ///
    /// If the host went down.
    pub fn poll_recv_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll(|world| world.poll_readable(self.id, cx))
    }

    /// Ready at once, as long as the host is up.
    ///
    /// # Errors
    ///
    /// If the host went down.
    pub fn poll_send_ready(&self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(self.of(|_| ()))
    }

    /// Sends a datagram to the peer.
    ///
    /// # Errors
    ///
    /// If the socket is not connected, if an earlier datagram met an error, or if the host cannot send
    /// this one.
    pub async fn send(&self, bytes: &[u8]) -> io::Result<usize> {
        self.try_send(bytes)
    }

    /// As [`send`](UdpSocket::send), which never waits.
    ///
    /// # Errors
    ///
    /// As [`send`](UdpSocket::send).
    pub fn try_send(&self, bytes: &[u8]) -> io::Result<usize> {
        self.try_send_to(bytes, self.peer_addr()?)
    }

    /// Sends a datagram to the first of the addresses.
    ///
    /// # Errors
    ///
    /// If there is no address, if the host cannot send the datagram, or if the socket is connected and an
    /// earlier datagram met an error.
    pub async fn send_to(&self, bytes: &[u8], target: impl ToSocketAddrs) -> io::Result<usize> {
        let target = addresses(&target)?.into_iter().next().ok_or_else(no_address)?;
        self.try_send_to(bytes, target)
    }

    /// As [`send_to`](UdpSocket::send_to), which never waits.
    ///
    /// # Errors
    ///
    /// As [`send_to`](UdpSocket::send_to).
    pub fn try_send_to(&self, bytes: &[u8], target: SocketAddr) -> io::Result<usize> {
        self.with(|world| {
            let (ecn, dscp) = world.udp(self.id).map(|udp| (udp.ecn, udp.dscp))?;
            let transmit = Transmit { ecn, dscp, ..Transmit::new(target, bytes.len()) };
            world.send_udp(self.id, &transmit, bytes)
        })?;
        Ok(bytes.len())
    }

    /// As [`send_to`](UdpSocket::send_to), which is always ready.
    ///
    /// # Errors
    ///
    /// As [`send_to`](UdpSocket::send_to).
    pub fn poll_send_to(
        &self,
        _: &mut Context<'_>,
        bytes: &[u8],
        target: SocketAddr,
    ) -> Poll<io::Result<usize>> {
        Poll::Ready(self.try_send_to(bytes, target))
    }

    /// Receives a datagram.
    ///
    /// # Errors
    ///
    /// If the host went down, or if the socket is connected and a datagram that was sent met an error.
    pub async fn recv(&self, buffer: &mut [u8]) -> io::Result<usize> {
        Ok(self.recv_from(buffer).await?.0)
    }

    /// Receives a datagram and says who sent it.
    ///
    /// # Errors
    ///
    /// As [`recv`](UdpSocket::recv).
    pub async fn recv_from(&self, buffer: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        let datagram = poll_fn(|cx| self.poll_take(cx)).await?;
        Ok((copy(&datagram, buffer), datagram.source))
    }

    /// Receives a datagram if one waits.
    ///
    /// # Errors
    ///
    /// `WouldBlock` if none waits; otherwise as [`recv`](UdpSocket::recv).
    pub fn try_recv(&self, buffer: &mut [u8]) -> io::Result<usize> {
        Ok(self.try_recv_from(buffer)?.0)
    }

    /// Receives a datagram if one waits, and says who sent it.
    ///
    /// # Errors
    ///
    /// As [`try_recv`](UdpSocket::try_recv).
    pub fn try_recv_from(&self, buffer: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        let datagram = self.with(|world| world.try_receive(self.id))?;
        Ok((copy(&datagram, buffer), datagram.source))
    }

    /// Receives a datagram into a growing buffer and says who sent it.
    ///
    /// # Errors
    ///
    /// As [`recv`](UdpSocket::recv).
    pub async fn recv_buf_from(&self, buffer: &mut impl BufMut) -> io::Result<(usize, SocketAddr)> {
        let datagram = poll_fn(|cx| self.poll_take(cx)).await?;
        let fits = datagram.payload.len().min(buffer.remaining_mut());
        buffer.put(datagram.payload.slice(..fits));
        Ok((fits, datagram.source))
    }

    /// Receives a datagram and says who sent it.
    ///
    /// # Errors
    ///
    /// As [`recv`](UdpSocket::recv).
    pub fn poll_recv_from(
        &self,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<SocketAddr>> {
        let datagram = ready!(self.poll_take(cx))?;
        let fits = datagram.payload.len().min(buffer.remaining());
        buffer.put_slice(datagram.payload.get(..fits).unwrap_or_default());
        Poll::Ready(Ok(datagram.source))
    }

    /// Receives a datagram and leaves it where it is.
    ///
    /// # Errors
    ///
    /// As [`recv`](UdpSocket::recv).
    pub async fn peek_from(&self, buffer: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        self.readable().await?;
        let datagram = self.with(|world| world.try_peek(self.id))?;
        Ok((copy(&datagram, buffer), datagram.source))
    }

    /// The hop limit of datagrams that are sent.
    ///
    /// # Errors
    ///
    /// If the host went down.
    pub fn ttl(&self) -> io::Result<u32> {
        self.of(|udp| u32::from(udp.hop_limit))
    }

    /// Sets the hop limit of datagrams that are sent.
    ///
    /// # Errors
    ///
    /// If it is not from 1 to 255 (`InvalidInput`), or the host went down.
    pub fn set_ttl(&self, hops: u32) -> io::Result<()> {
        let hops = u8::try_from(hops).ok().filter(|&hops| hops > 0);
        let hops = hops.ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
        self.with(|world| {
            world.udp(self.id)?.hop_limit = hops;
            world.net.set_option(self.id, SocketOption::HopLimit(hops));
            Ok(())
        })
    }

    /// The traffic class and congestion mark of datagrams that are sent: the octet of the IP header.
    ///
    /// # Errors
    ///
    /// If the host went down.
    pub fn tos(&self) -> io::Result<u32> {
        self.of(|udp| u32::from((udp.dscp.bits() << 2) | udp.ecn.bits()))
    }

    /// Sets the traffic class and congestion mark of datagrams that are sent.
    ///
    /// # Errors
    ///
    /// If it is above 255 (`InvalidInput`), or the host went down.
    pub fn set_tos(&self, octet: u32) -> io::Result<()> {
        let octet =
            u8::try_from(octet).map_err(|_| io::Error::from(io::ErrorKind::InvalidInput))?;
        self.of(|udp| (udp.dscp, udp.ecn) = (Dscp::new(octet >> 2), Ecn::from_bits(octet)))
    }

    /// Hears what is sent to the group, on the interface that has the address, or on all of them.
    ///
    /// # Errors
    ///
    /// If `group` is not a multicast address (`InvalidInput`), if no interface has the address
    /// (`NotFound`), or the host went down.
    pub fn join_multicast_v4(&self, group: Ipv4Addr, interface: Ipv4Addr) -> io::Result<()> {
        let hop = self.hop_with(interface)?;
        self.with(|world| world.join(self.id, group.into(), hop))
    }

    /// Hears what is sent to the group, on the interface with this number, or on all of them if it is 0.
    ///
    /// # Errors
    ///
    /// As [`join_multicast_v4`](UdpSocket::join_multicast_v4).
    pub fn join_multicast_v6(&self, group: &Ipv6Addr, interface: u32) -> io::Result<()> {
        runtime::UdpSocket::join(self, (*group).into(), numbered(interface))
    }

    /// Undoes [`join_multicast_v4`](UdpSocket::join_multicast_v4).
    ///
    /// # Errors
    ///
    /// If the group was not joined there (`NotFound`), or the host went down.
    pub fn leave_multicast_v4(&self, group: Ipv4Addr, interface: Ipv4Addr) -> io::Result<()> {
        let hop = self.hop_with(interface)?;
        self.with(|world| world.leave(self.id, group.into(), hop))
    }

    /// Undoes [`join_multicast_v6`](UdpSocket::join_multicast_v6).
    ///
    /// # Errors
    ///
    /// If the group was not joined there (`NotFound`), or the host went down.
    pub fn leave_multicast_v6(&self, group: &Ipv6Addr, interface: u32) -> io::Result<()> {
        runtime::UdpSocket::leave(self, (*group).into(), numbered(interface))
    }

    /// Sets the hop limit of multicasts that are sent, 1 at first.
    ///
    /// # Errors
    ///
    /// If it is above 255 (`InvalidInput`), or the host went down.
    pub fn set_multicast_ttl_v4(&self, hops: u32) -> io::Result<()> {
        let hops = u8::try_from(hops).map_err(|_| io::Error::from(io::ErrorKind::InvalidInput))?;
        self.set(SocketOption::MulticastHopLimit(hops))
    }

    /// Sets whether sockets of this host that joined a group hear what is sent to it from here; they do
    /// at first.
    ///
    /// # Errors
    ///
    /// If the host went down.
    pub fn set_multicast_loop_v4(&self, on: bool) -> io::Result<()> {
        self.set(SocketOption::MulticastLoop(on))
    }

    /// As [`set_multicast_loop_v4`](UdpSocket::set_multicast_loop_v4).
    ///
    /// # Errors
    ///
    /// If the host went down.
    pub fn set_multicast_loop_v6(&self, on: bool) -> io::Result<()> {
        self.set(SocketOption::MulticastLoop(on))
    }

    /// Allows to send broadcasts, which is always allowed here.
    ///
    /// # Errors
    ///
    /// If the host went down.
    pub fn set_broadcast(&self, _: bool) -> io::Result<()> {
        self.of(|_| ())
    }

    fn set(&self, option: SocketOption) -> io::Result<()> {
        self.with(|world| {
            world.udp(self.id)?;
            world.net.set_option(self.id, option);
            Ok(())
        })
    }

    /// The interface of the socket's host that has the address; all of them if it is unspecified.
    fn hop_with(&self, address: Ipv4Addr) -> io::Result<Option<HopId>> {
        if address.is_unspecified() {
            return Ok(None);
        }
        self.with(|world| {
            let host = world.udp(self.id)?.host;
            let all = world.interfaces(host);
            let has = |interface: &Interface| {
                interface.addresses.iter().any(|entry| entry.ip == IpAddr::V4(address))
            };
            let found = all.iter().find(|(_, interface)| has(interface));
            let index = found.ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))?.0;
            world.interface(host, index).map(Some)
        })
    }

    fn poll_take(&self, cx: &Context<'_>) -> Poll<io::Result<Received>> {
        self.poll(|world| {
            ready!(world.poll_readable(self.id, cx))?;
            Poll::Ready(world.try_receive(self.id))
        })
    }

    /// Looks at or changes the socket's own part.
    pub(crate) fn of<R>(&self, act: impl FnOnce(&mut Udp) -> R) -> io::Result<R> {
        self.with(|world| world.udp(self.id).map(act))
    }

    pub(crate) fn with<R>(&self, act: impl FnOnce(&mut World) -> io::Result<R>) -> io::Result<R> {
        home::with_world(self.world, act)?
    }

    pub(crate) fn poll<R>(
        &self,
        act: impl FnOnce(&mut World) -> Poll<io::Result<R>>,
    ) -> Poll<io::Result<R>> {
        home::with_world(self.world, act)?
    }
}

impl Drop for UdpSocket {
    fn drop(&mut self) {
        // A world that has ended has nothing to close.
        let _ = home::with_world(self.world, |world| world.close_udp(self.id));
    }
}

impl fmt::Debug for UdpSocket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UdpSocket").field("id", &self.id).finish_non_exhaustive()
    }
}

/// Copies what fits.
pub(crate) fn copy(datagram: &Received, buffer: &mut [u8]) -> usize {
    let fits = datagram.payload.len().min(buffer.len());
    if let (Some(to), Some(from)) = (buffer.get_mut(..fits), datagram.payload.get(..fits)) {
        to.copy_from_slice(from);
    }
    fits
}

/// The number of an interface as the system calls have it: 0 stands for none in particular.
fn numbered(interface: u32) -> Option<InterfaceIndex> {
    (interface > 0).then_some(InterfaceIndex(interface))
}

fn no_address() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, "no address was given")
}
