//! UDP sockets as the world keeps them.

use std::{
    collections::VecDeque,
    io,
    net::{IpAddr, SocketAddr},
    task::{Context, Poll},
};

use base::{Dscp, Ecn, SocketError, SocketErrorKind, Transmit};
use simnet::{BindError, DEFAULT_HOP_LIMIT, HopId, NodeId, Received, SocketId, SocketOption};

use crate::{
    fabric::Fabric,
    wakers::Wakers,
    world::{World, gone},
};

/// Reports of the network that a socket keeps; older ones are lost.
const ERROR_QUEUE: usize = 16;

/// What a socket of a system has and a socket of the network has not.
#[derive(Debug)]
pub(crate) struct Udp {
    pub(crate) host: NodeId,
    /// Where it is connected to, and hears from alone.
    pub(crate) peer: Option<SocketAddr>,
    /// What it answers for its address once it is connected.
    pub(crate) local: Option<SocketAddr>,
    pub(crate) may_fragment: bool,
    pub(crate) hop_limit: u8,
    /// Marks of datagrams that are sent without any of their own.
    pub(crate) ecn: Ecn,
    pub(crate) dscp: Dscp,
    /// Groups it joined: on one interface, or on all.
    groups: Vec<(IpAddr, Option<HopId>)>,
    /// The next datagram that is for this socket.
    head: Option<Received>,
    errors: VecDeque<SocketError>,
    /// Those who wait for a datagram or a report.
    pub(crate) readers: Wakers,
}

impl Udp {
    const fn new(host: NodeId) -> Self {
        Self {
            host,
            peer: None,
            local: None,
            may_fragment: true,
            hop_limit: DEFAULT_HOP_LIMIT,
            ecn: Ecn::NotEct,
            dscp: Dscp::DEFAULT,
            groups: Vec::new(),
            head: None,
            errors: VecDeque::new(),
            readers: Wakers::new(),
        }
    }

    /// Whether the datagram is for this socket, as a kernel would decide before queueing it.
    fn wants(&self, datagram: &Received) -> bool {
        self.peer.is_none_or(|peer| peer == datagram.source)
    }

    fn keep(&mut self, error: SocketError) {
        if self.errors.len() == ERROR_QUEUE {
            self.errors.pop_front();
        }
        self.errors.push_back(error);
    }
}

impl<N: Fabric + ?Sized> World<N> {
    pub(crate) fn bind_udp(
        &mut self,
        host: NodeId,
        address: SocketAddr,
        interface: Option<HopId>,
    ) -> io::Result<SocketId> {
        if self.net.is_crashed(host) {
            return Err(gone());
        }
        let id = self.net.bind(host, address).map_err(bind_error)?;
        if interface.is_some() {
            self.net.set_option(id, SocketOption::Device(interface));
        }
        self.sockets.insert(id, Udp::new(host));
        Ok(id)
    }

    pub(crate) fn close_udp(&mut self, id: SocketId) {
        // Sockets of a crashed host were closed by the crash.
        if self.sockets.remove(&id).is_some() {
            self.net.close(id);
        }
    }

    pub(crate) fn udp(&mut self, id: SocketId) -> io::Result<&mut Udp> {
        self.sockets.get_mut(&id).ok_or_else(gone)
    }

    /// Fetches the next datagram for the socket, and everything that was reported about it.
    fn pull(&mut self, id: SocketId) -> io::Result<&mut Udp> {
        let udp = self.sockets.get_mut(&id).ok_or_else(gone)?;
        while let Some(error) = self.net.socket_error(id) {
            udp.keep(error);
        }
        while udp.head.is_none()
            && let Some(datagram) = self.net.receive(id)
        {
            udp.head = Some(datagram).filter(|datagram| udp.wants(datagram));
        }
        Ok(udp)
    }

    /// Takes the next datagram. A connected socket is first told of reports about its peer.
    pub(crate) fn try_receive(&mut self, id: SocketId) -> io::Result<Received> {
        let udp = self.pull(id)?;
        match udp.take_report() {
            Some(error) => Err(error),
            None => udp.head.take().ok_or_else(|| io::ErrorKind::WouldBlock.into()),
        }
    }

    /// The next datagram, left where it is.
    pub(crate) fn try_peek(&mut self, id: SocketId) -> io::Result<Received> {
        let udp = self.pull(id)?;
        match udp.take_report() {
            Some(error) => Err(error),
            None => udp.head.clone().ok_or_else(|| io::ErrorKind::WouldBlock.into()),
        }
    }

    /// Takes the next datagram, and leaves reports to [`poll_report`](World::poll_report).
    pub(crate) fn try_receive_only(&mut self, id: SocketId) -> io::Result<Received> {
        self.pull(id)?.head.take().ok_or_else(|| io::ErrorKind::WouldBlock.into())
    }

    /// Ready once the socket has a datagram, or a report that concerns a connected socket.
    pub(crate) fn poll_readable(&mut self, id: SocketId, cx: &Context<'_>) -> Poll<io::Result<()>> {
        let udp = self.pull(id)?;
        if udp.head.is_some() || udp.report().is_some() {
            return Poll::Ready(Ok(()));
        }
        udp.readers.add(cx);
        Poll::Pending
    }

    /// Takes the oldest report.
    pub(crate) fn poll_report(
        &mut self,
        id: SocketId,
        cx: &Context<'_>,
    ) -> Poll<io::Result<SocketError>> {
        let udp = self.pull(id)?;
        if let Some(error) = udp.errors.pop_front() {
            return Poll::Ready(Ok(error));
        }
        udp.readers.add(cx);
        Poll::Pending
    }

    /// Connects the socket: it sends from one address, hears from `peer` alone, and of what becomes of its
    /// datagrams.
    pub(crate) fn connect_udp(&mut self, id: SocketId, peer: SocketAddr) -> io::Result<()> {
        let local = self.net.local_address(id);
        if local.is_ipv4() != peer.is_ipv4() {
            let says = "the socket and its peer are of different address families";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, says));
        }
        let host = self.udp(id)?.host;
        let source = match local.ip() {
            any if any.is_unspecified() => self.net.source_for(host, peer.ip()),
            bound => Some(bound),
        };
        let source = source.ok_or_else(|| io::Error::from(io::ErrorKind::NetworkUnreachable))?;
        let udp = self.udp(id)?;
        udp.peer = Some(peer);
        udp.local = Some(SocketAddr::new(source, local.port()));
        udp.head = None;
        Ok(())
    }

    /// Where the socket is bound; the address it sends from, once it is connected.
    pub(crate) fn local_udp(&mut self, id: SocketId) -> io::Result<SocketAddr> {
        let local = self.udp(id)?.local;
        Ok(local.unwrap_or_else(|| self.net.local_address(id)))
    }

    /// Sends as `transmit` says, which is answered for at once as far as the host itself can tell.
    pub(crate) fn send_udp(
        &mut self,
        id: SocketId,
        transmit: &Transmit,
        payload: &[u8],
    ) -> io::Result<()> {
        let udp = self.pull(id)?;
        if let Some(error) = udp.take_report() {
            return Err(error);
        }
        let source = udp.local;
        let transmit = Transmit { source: transmit.source.or(source), ..*transmit };
        self.net.transmit(id, &transmit, payload);
        // What is reported before any time has passed is the host's own refusal.
        let mut refusal = None;
        while let Some(error) = self.net.socket_error(id) {
            refusal = Some(error.kind);
        }
        refusal.map_or(Ok(()), |kind| Err(report(kind)))
    }

    /// Hears what is sent to the group, on one interface or on all.
    pub(crate) fn join(
        &mut self,
        id: SocketId,
        group: IpAddr,
        interface: Option<HopId>,
    ) -> io::Result<()> {
        let same_family = self.net.local_address(id).is_ipv4() == group.is_ipv4();
        let udp = self.udp(id)?;
        if !(group.is_multicast() && same_family) {
            let says = "not a multicast address of the socket's family";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, says));
        }
        if !udp.groups.contains(&(group, interface)) {
            udp.groups.push((group, interface));
        }
        self.net.set_option(id, SocketOption::Join(group, interface));
        Ok(())
    }

    /// Undoes a [`join`](World::join).
    pub(crate) fn leave(
        &mut self,
        id: SocketId,
        group: IpAddr,
        interface: Option<HopId>,
    ) -> io::Result<()> {
        let groups = &mut self.udp(id)?.groups;
        let joined = groups.iter().position(|&entry| entry == (group, interface));
        groups.swap_remove(joined.ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))?);
        self.net.set_option(id, SocketOption::Leave(group, interface));
        Ok(())
    }
}

impl Udp {
    /// The place of a report that concerns a connected socket.
    fn report(&self) -> Option<usize> {
        let peer = self.peer?;
        self.errors.iter().position(|error| error.remote == peer)
    }

    fn take_report(&mut self) -> Option<io::Error> {
        let at = self.report()?;
        self.errors.remove(at).map(|error| report(error.kind))
    }
}

pub(crate) fn bind_error(error: BindError) -> io::Error {
    let kind = match error {
        BindError::NoSuchAddress(_) => io::ErrorKind::AddrNotAvailable,
        BindError::InUse(_) | BindError::NoFreePort => io::ErrorKind::AddrInUse,
        _ => io::ErrorKind::Unsupported,
    };
    io::Error::new(kind, error)
}

/// What the network said, as a system says it.
pub(crate) fn report(kind: SocketErrorKind) -> io::Error {
    match kind {
        SocketErrorKind::PortUnreachable => io::ErrorKind::ConnectionRefused.into(),
        SocketErrorKind::HostUnreachable | SocketErrorKind::TimeExceeded => {
            io::ErrorKind::HostUnreachable.into()
        }
        SocketErrorKind::NetworkUnreachable => io::ErrorKind::NetworkUnreachable.into(),
        SocketErrorKind::Prohibited => io::ErrorKind::PermissionDenied.into(),
        SocketErrorKind::TooBig { .. } => {
            io::Error::new(io::ErrorKind::InvalidInput, "the datagram is too long")
        }
        _ => io::Error::other("the network reported an error"),
    }
}
