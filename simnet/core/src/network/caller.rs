//! What the caller can do with a network between steps.

use std::{
    any::Any,
    net::{IpAddr, SocketAddr},
};

use base::{Instant, Interface, SocketError, Transmit};
use bytes::Bytes;

use crate::{
    agenda::Work,
    endpoint::{Cx, Endpoint, Outgoing},
    id::{HopId, NodeId, SocketId},
    link::Link,
    middlebox::Middlebox,
    network::{Network, Scope},
    node::Role,
    observer::Observer,
    packet::Packet,
    random::Stream,
    script::Change,
    socket::{BindError, Kind, Received, SocketOption},
};

/// Sockets of hosts that the caller drives.
impl<O: Observer> Network<O> {
    /// The node called `name`.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<NodeId> {
        self.nodes.iter().find(|(_, node)| node.name == name).map(|(id, _)| id)
    }

    /// The node called `name`.
    ///
    /// # Panics
    ///
    /// If there is none. Use [`find`](Network::find) where that is not a mistake of the program.
    #[must_use]
    pub fn node(&self, name: &str) -> NodeId {
        self.find(name).unwrap_or_else(|| panic!("no node is called `{name}`"))
    }

    /// The interface called `name`, such as `alice.eth0`.
    #[must_use]
    pub fn hop(&self, name: &str) -> Option<HopId> {
        self.hops.iter().find(|(_, hop)| hop.full_name == name).map(|(id, _)| id)
    }

    /// The interfaces of a node, without the loopback.
    #[must_use]
    pub fn interfaces(&self, node: NodeId) -> Vec<Interface> {
        self.nodes.at(node).hops.iter().map(|&hop| self.hops.at(hop).interface()).collect()
    }

    /// The first IPv4 address of a node, else its first IPv6 address.
    ///
    /// # Panics
    ///
    /// If it has no address, which is so for switches only.
    #[must_use]
    pub fn address(&self, node: NodeId) -> IpAddr {
        let all = || self.nodes.at(node).hops.iter().flat_map(|&hop| &self.hops.at(hop).addresses);
        let first = all().find(|address| address.ip.is_ipv4()).or_else(|| all().next());
        first.map_or_else(|| panic!("`{}` has no address", self.nodes.at(node).name), |a| a.ip)
    }

    /// The time that the [clock](crate::Clock) of a host shows; that of the network for other nodes.
    #[must_use]
    pub fn local_time(&self, host: NodeId) -> Instant {
        self.nodes.at(host).host().map_or(self.now, |host| host.local(self.now))
    }

    /// When the clock of a host will show `local`, if its drift stays as it is.
    #[must_use]
    pub fn time_when(&self, host: NodeId, local: Instant) -> Instant {
        self.nodes.at(host).host().map_or(local, |host| host.true_time(local))
    }

    /// Binds a UDP socket that the caller polls. Port 0 asks for an ephemeral port, the unspecified
    /// address for all addresses of the host in that family.
    ///
    /// # Errors
    ///
    /// If the node is not a host or does not have the address, or if another socket has the port.
    pub fn bind(&mut self, host: NodeId, local: SocketAddr) -> Result<SocketId, BindError> {
        let kind = Kind { driven: false, shared: false };
        self.scoped(|scope| scope.bind(host, local, kind))
    }

    /// As [`bind`](Network::bind), but the port may be shared with other sockets bound in this way, as
    /// responders of multicast DNS do (`SO_REUSEADDR`). All that joined hear a multicast; what is sent
    /// to the host alone goes to the socket bound last.
    ///
    /// # Errors
    ///
    /// As [`bind`](Network::bind).
    pub fn bind_shared(&mut self, host: NodeId, local: SocketAddr) -> Result<SocketId, BindError> {
        let kind = Kind { driven: false, shared: true };
        self.scoped(|scope| scope.bind(host, local, kind))
    }

    /// Closes a socket: datagrams for it find a closed port from now on.
    pub fn close(&mut self, socket: SocketId) {
        self.scoped(|scope| scope.close(socket));
    }

    /// Where a socket is bound.
    #[must_use]
    pub fn local_address(&self, socket: SocketId) -> SocketAddr {
        self.sockets.at(socket).local
    }

    /// Sends one datagram. What becomes of it shows when time passes.
    pub fn send(&mut self, socket: SocketId, destination: SocketAddr, payload: &[u8]) {
        self.transmit_from(socket, &Transmit::new(destination, payload.len()), payload);
    }

    /// Sends a datagram, or a batch of them, as `transmit` says: with marks, or from a certain address.
    pub fn transmit_from(&mut self, socket: SocketId, transmit: &Transmit, payload: &[u8]) {
        if !self.sockets.at(socket).open {
            return;
        }
        let payload = Bytes::copy_from_slice(payload);
        self.dispatch(Outgoing { socket, transmit: *transmit, payload });
        self.report_errors();
    }

    /// The oldest datagram that waits in the socket.
    pub fn receive(&mut self, socket: SocketId) -> Option<Received> {
        self.sockets.at_mut(socket).received.pop_front()
    }

    /// The oldest error that the network reported for the socket.
    pub fn socket_error(&mut self, socket: SocketId) -> Option<SocketError> {
        self.sockets.at_mut(socket).errors.pop_front()
    }

    /// Forbids (or allows) to fragment packets that are sent from the socket; allowed at first.
    pub fn set_dont_fragment(&mut self, socket: SocketId, forbidden: bool) {
        self.set_option(socket, SocketOption::DontFragment(forbidden));
    }

    /// Sets the hop limit of packets that are sent from the socket.
    pub fn set_hop_limit(&mut self, socket: SocketId, hops: u8) {
        self.set_option(socket, SocketOption::HopLimit(hops));
    }

    /// Lets the socket hear what is sent to the multicast address `group`, on any interface.
    pub fn join(&mut self, socket: SocketId, group: IpAddr) {
        self.set_option(socket, SocketOption::Join(group, None));
    }

    /// Sets an option of a socket.
    pub fn set_option(&mut self, socket: SocketId, option: SocketOption) {
        self.sockets.at_mut(socket).set(option);
    }

    /// The address that a socket bound to none would send from to `destination` (RFC 6724 §5); `None`
    /// if no way leads there.
    #[must_use]
    pub fn source_for(&self, host: NodeId, destination: IpAddr) -> Option<IpAddr> {
        self.paths().source_for(host, destination)
    }

    /// The addresses that a name stands for, with the best for the host first (RFC 6724 §6).
    #[must_use]
    pub fn order_destinations(&self, host: NodeId, destinations: &[IpAddr]) -> Vec<IpAddr> {
        self.paths().order(host, destinations)
    }

    /// The largest IP packet in bytes that the host believes to fit the path to `destination`: what its
    /// interface carries, or less if a router said so (RFC 1191, RFC 8201); 0 if no way leads there.
    #[must_use]
    pub fn path_mtu(&self, host: NodeId, destination: IpAddr) -> u32 {
        self.paths().path_mtu(host, destination)
    }

    /// Sends a packet as the node would: by its routes. It gets a new number.
    pub fn inject(&mut self, node: NodeId, packet: Packet) {
        self.originate_from(node, packet);
        self.report_errors();
    }

    /// Turns a host into an open end: packets that arrive there are handed to the caller whole, instead
    /// of to sockets.
    pub fn tap(&mut self, host: NodeId) {
        if let Some(host) = self.nodes.at_mut(host).host_mut() {
            host.tap.get_or_insert_default();
        }
    }

    /// The oldest packet that arrived at a [`tap`](Network::tap)ped host, with the time.
    pub fn poll_tap(&mut self, host: NodeId) -> Option<(Instant, Packet)> {
        self.nodes.at_mut(host).host_mut()?.tap.as_mut()?.pop_front()
    }

    pub(crate) fn scoped<R>(&mut self, act: impl FnOnce(&mut Scope<'_>) -> R) -> R {
        let mut outbox = std::mem::take(&mut self.outbox);
        let result = act(&mut Scope {
            nodes: &mut self.nodes,
            hops: &self.hops,
            sockets: &mut self.sockets,
            outbox: &mut outbox,
            tcp: &mut self.tcp,
        });
        self.outbox = outbox;
        result
    }
}

/// Endpoints and boxes.
impl<O: Observer> Network<O> {
    /// Calls the endpoint of a host, if it is a `T`, and sends what it wants sent.
    pub fn with_endpoint<T: Endpoint, R>(
        &mut self,
        host: NodeId,
        act: impl FnOnce(&mut T, &mut Cx<'_>) -> R,
    ) -> Option<R> {
        let mut result = None;
        self.call(host, |endpoint, cx| {
            let any: &mut dyn Any = endpoint;
            result = any.downcast_mut::<T>().map(|endpoint| act(endpoint, cx));
        });
        self.report_errors();
        result
    }

    /// The endpoint of a host, if it is a `T`.
    #[must_use]
    pub fn endpoint<T: Endpoint>(&self, host: NodeId) -> Option<&T> {
        let endpoint: &dyn Any = self.nodes.at(host).host()?.endpoint.as_deref()?;
        endpoint.downcast_ref()
    }

    /// The box on a node, if it is a `T`, or one behind a `Box<dyn Middlebox>`.
    #[must_use]
    pub fn middlebox<T: Middlebox>(&self, node: NodeId) -> Option<&T> {
        let Role::Middlebox(middle) = &self.nodes.at(node).role else { return None };
        innermost(middle.middlebox.as_ref()).downcast_ref()
    }

    /// Calls the box on a node, if it is a `T`, and does what it decides.
    pub fn with_middlebox<T: Middlebox, R>(
        &mut self,
        node: NodeId,
        act: impl FnOnce(&mut T, &mut crate::middlebox::Outlet<'_>) -> R,
    ) -> Option<R> {
        let mut result = None;
        self.with_box(node, |middlebox, out| {
            let inner = innermost_mut(middlebox).downcast_mut::<T>();
            result = inner.map(|middlebox| act(middlebox, out));
        });
        self.report_errors();
        result
    }

    /// A source of chance of the caller's own, which depends on the seed of the run and `path` alone.
    #[must_use]
    pub fn stream(&self, path: &str) -> Stream {
        Stream::new(self.topology.seed, path)
    }
}

/// Changes of the world.
impl<O: Observer> Network<O> {
    /// Changes the world, now.
    pub fn change(&mut self, change: Change) {
        self.carry_out(change);
        self.report_errors();
    }

    /// Brings an interface up or down, now. Endpoints are told; its addresses come and go with it.
    pub fn set_interface(&mut self, hop: HopId, up: bool) {
        self.change(if up { Change::Up(hop) } else { Change::Down(hop) });
    }

    /// Gives the direction away from `hop` new parameters, now. What waits goes on waiting, what is on
    /// its way arrives when it would have, and the dice go on where they were.
    pub fn change_link(&mut self, hop: HopId, link: Link) {
        self.set_link(hop, link);
    }

    /// Plans a change for later; one planned for the past happens at the next step.
    pub fn schedule(&mut self, at: Instant, change: Change) {
        let index = u32::try_from(self.changes.len()).expect("fewer than 2^32 changes");
        self.changes.push(Some(change));
        self.agenda.push(at.max(self.now), Work::Change(index));
    }

    /// Packets that wait in the queue before the link that leaves `hop`, and their bytes.
    #[must_use]
    pub fn queued(&self, hop: HopId) -> (usize, u64) {
        self.hops.at(hop).link.queued()
    }
}

/// The box itself, behind all `Box<dyn Middlebox>`.
fn innermost(middlebox: &dyn Middlebox) -> &dyn Any {
    let any: &dyn Any = middlebox;
    match any.downcast_ref::<Box<dyn Middlebox>>() {
        Some(boxed) => innermost(boxed.as_ref()),
        None => any,
    }
}

/// As [`innermost`].
fn innermost_mut(middlebox: &mut dyn Middlebox) -> &mut dyn Any {
    let any: &mut dyn Any = middlebox;
    if !any.is::<Box<dyn Middlebox>>() {
        return any;
    }
    let boxed = any.downcast_mut::<Box<dyn Middlebox>>().expect("it was just asked");
    innermost_mut(boxed.as_mut())
}
