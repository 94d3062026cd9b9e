//! Participants that live on a host and are called by the network.

use std::{
    any::Any,
    net::{IpAddr, SocketAddr},
};

use base::{Instant, Interface, SocketError, Transmit};
use bytes::Bytes;

use crate::{
    id::{HopId, NodeId, SocketId},
    network::Scope,
    random::Stream,
    socket::{BindError, Kind, RecvMeta, SocketOption},
    tcp::TcpEvent,
};

/// A participant without I/O on one host: told what arrives, it acts through its [`Cx`].
pub trait Endpoint: Any {
    /// Time begins: bind sockets, send the first packets.
    fn start(&mut self, cx: &mut Cx<'_>) {
        let _ = cx;
    }

    /// A datagram arrived on a socket that this endpoint bound.
    fn handle_datagram(
        &mut self,
        cx: &mut Cx<'_>,
        socket: SocketId,
        meta: &RecvMeta,
        payload: &[u8],
    );

    /// The network reported an error about a datagram that was sent from `socket`.
    fn handle_socket_error(&mut self, cx: &mut Cx<'_>, socket: SocketId, error: SocketError) {
        let _ = (cx, socket, error);
    }

    /// Something happened to a TCP connection or listener of this endpoint.
    fn handle_tcp(&mut self, cx: &mut Cx<'_>, event: TcpEvent) {
        let _ = (cx, event);
    }

    /// A datagram or an error waits in a socket that the caller bound on this host, and polls. Runners put
    /// an endpoint on a host to hear of this.
    fn handle_ready(&mut self, cx: &mut Cx<'_>, socket: SocketId) {
        let _ = (cx, socket);
    }

    /// The interfaces, addresses or routes of the host changed.
    fn handle_network_change(&mut self, cx: &mut Cx<'_>, change: NetworkChange) {
        let _ = (cx, change);
    }

    /// The deadline has come; an early call does nothing.
    fn handle_timeout(&mut self, cx: &mut Cx<'_>) {
        let _ = cx;
    }

    /// When to call [`handle_timeout`](Endpoint::handle_timeout) at the latest, by the host's clock.
    fn poll_timeout(&self) -> Option<Instant> {
        None
    }
}

/// What changed on a host, as the system would tell a driver, one thing at a time. The new state shows in
/// [`Cx::interfaces`] already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NetworkChange {
    /// An interface came up, with its addresses.
    Up {
        /// Which.
        hop: HopId,
    },
    /// An interface went down. Its addresses are not listed while it is.
    Down {
        /// Which.
        hop: HopId,
    },
    /// An interface got an address, or one it had is preferred again.
    AddressAdded {
        /// Which interface.
        hop: HopId,
        /// Which address.
        ip: IpAddr,
    },
    /// An interface lost an address. Sockets bound to it can send no more.
    AddressRemoved {
        /// Which interface.
        hop: HopId,
        /// Which address.
        ip: IpAddr,
    },
    /// An address should not be used for new conversations any more.
    AddressDeprecated {
        /// Which interface.
        hop: HopId,
        /// Which address.
        ip: IpAddr,
    },
    /// The routes changed, and nothing else.
    Routes,
}

/// What an endpoint sees of its host, and how it acts.
#[derive(Debug)]
pub struct Cx<'a> {
    pub(crate) now: Instant,
    pub(crate) true_now: Instant,
    pub(crate) node: NodeId,
    pub(crate) scope: Scope<'a>,
}

/// A datagram on its way from a socket to the network.
#[derive(Clone, Debug)]
pub(crate) struct Outgoing {
    pub(crate) socket: SocketId,
    pub(crate) transmit: Transmit,
    pub(crate) payload: Bytes,
}

impl Cx<'_> {
    /// The time, as the [clock](crate::Clock) of the host shows it. Deadlines are times of this clock.
    #[must_use]
    pub const fn now(&self) -> Instant {
        self.now
    }

    /// The true time, which no program on the host can know: for measuring.
    #[must_use]
    pub const fn true_time(&self) -> Instant {
        self.true_now
    }

    /// The host.
    #[must_use]
    pub const fn host(&self) -> NodeId {
        self.node
    }

    /// The host's own source of chance.
    pub fn stream(&mut self) -> &mut Stream {
        self.scope.stream(self.node)
    }

    /// Binds a UDP socket; port 0 asks for an ephemeral port, the unspecified address for all addresses.
    ///
    /// # Errors
    ///
    /// As [`Network::bind`](crate::Network::bind).
    pub fn bind(&mut self, local: SocketAddr) -> Result<SocketId, BindError> {
        let kind = Kind { driven: true, shared: false };
        self.scope.bind(self.node, local, kind)
    }

    /// As [`bind`](Cx::bind), but the port may be shared, as with
    /// [`Network::bind_shared`](crate::Network::bind_shared).
    ///
    /// # Errors
    ///
    /// As [`Network::bind`](crate::Network::bind).
    pub fn bind_shared(&mut self, local: SocketAddr) -> Result<SocketId, BindError> {
        let kind = Kind { driven: true, shared: true };
        self.scope.bind(self.node, local, kind)
    }

    /// Where a socket is bound.
    #[must_use]
    pub fn local_address(&self, socket: SocketId) -> SocketAddr {
        self.scope.local_address(socket)
    }

    /// The interfaces of the host, as a driver would enumerate them.
    #[must_use]
    pub fn interfaces(&self) -> Vec<Interface> {
        self.scope.interfaces(self.node)
    }

    /// Sends a datagram.
    pub fn send(&mut self, socket: SocketId, destination: SocketAddr, payload: &[u8]) {
        self.transmit(socket, &Transmit::new(destination, payload.len()), payload);
    }

    /// Sends a datagram, or a batch of them, as `transmit` says.
    ///
    /// What a closed socket is given is lost; what was given before it was closed leaves.
    pub fn transmit(&mut self, socket: SocketId, transmit: &Transmit, payload: &[u8]) {
        if !self.scope.sockets.at(socket).open {
            return;
        }
        self.scope.outbox.push(Outgoing {
            socket,
            transmit: *transmit,
            payload: Bytes::copy_from_slice(payload),
        });
    }

    /// Closes a socket: datagrams for it find a closed port from now on.
    pub fn close(&mut self, socket: SocketId) {
        self.scope.close(socket);
    }

    /// Lets the socket hear what is sent to the multicast address `group`, on any interface.
    pub fn join(&mut self, socket: SocketId, group: IpAddr) {
        self.set_option(socket, SocketOption::Join(group, None));
    }

    /// Sets an option of a socket.
    pub fn set_option(&mut self, socket: SocketId, option: SocketOption) {
        self.scope.sockets.at_mut(socket).set(option);
    }

    /// As [`Network::source_for`](crate::Network::source_for).
    #[must_use]
    pub fn source_for(&self, destination: IpAddr) -> Option<IpAddr> {
        self.scope.paths(self.true_now).source_for(self.node, destination)
    }

    /// As [`Network::order_destinations`](crate::Network::order_destinations).
    #[must_use]
    pub fn order_destinations(&self, destinations: &[IpAddr]) -> Vec<IpAddr> {
        self.scope.paths(self.true_now).order(self.node, destinations)
    }

    /// As [`Network::path_mtu`](crate::Network::path_mtu).
    #[must_use]
    pub fn path_mtu(&self, destination: IpAddr) -> u32 {
        self.scope.paths(self.true_now).path_mtu(self.node, destination)
    }

    /// Sets the hop limit of packets that are sent from the socket, [`DEFAULT_HOP_LIMIT`] at first.
    ///
    /// [`DEFAULT_HOP_LIMIT`]: crate::DEFAULT_HOP_LIMIT
    pub fn set_hop_limit(&mut self, socket: SocketId, hops: u8) {
        self.set_option(socket, SocketOption::HopLimit(hops));
    }

    /// Forbids (or allows) to fragment packets that are sent from the socket; allowed at first.
    pub fn set_dont_fragment(&mut self, socket: SocketId, forbidden: bool) {
        self.set_option(socket, SocketOption::DontFragment(forbidden));
    }
}
