//! Packets that nodes make: datagrams of sockets, ICMP messages, fragments.

use std::net::{IpAddr, SocketAddr};

use base::{SocketError, SocketErrorKind, Transmit};
use bytes::Bytes;

use crate::{
    endpoint::Outgoing,
    event::{DropReason, Event},
    id::{HopId, NodeId, SocketId},
    network::{Ask, Network},
    node::Role,
    observer::Observer,
    packet::{NextHop, Packet, is_group},
    reassembly::split,
    route::Route,
    slab::Slot,
};

/// Bytes that fit a UDP datagram over IPv4: its length field counts the headers too. Over IPv6 twenty
/// more would fit, which nobody uses.
const MAX_PAYLOAD: usize = 65_507;

impl<O: Observer> Network<O> {
    /// Sends what a socket was given: one datagram, or a batch of segments.
    pub(crate) fn dispatch(&mut self, outgoing: Outgoing) {
        let Outgoing { socket, transmit, mut payload } = outgoing;
        if let Some(segment) = transmit.segment_size.filter(|&size| size > 0) {
            while payload.len() > segment {
                let first = payload.split_to(segment);
                self.dispatch_one(socket, &transmit, first);
            }
        }
        self.dispatch_one(socket, &transmit, payload);
    }

    fn dispatch_one(&mut self, id: SocketId, transmit: &Transmit, payload: Bytes) {
        let socket = self.sockets.at(id);
        let (node, bound) = (socket.host, socket.local);
        let destination = transmit.destination;
        let group = destination.ip().is_multicast();
        let settled = |ip: &IpAddr| !ip.is_unspecified() && !ip.is_multicast();
        let source = transmit.source_ip().filter(settled);
        let source = source.or_else(|| Some(bound.ip()).filter(settled));
        let scope = scope_of(destination).or_else(|| transmit.source.and_then(scope_of));
        let scope = scope.or_else(|| scope_of(bound));
        let paths = self.paths();
        let named = scope.map(|index| paths.numbered(node, index));
        let through = socket.through(group).or_else(|| named.flatten());
        let route = paths
            .route(node, Ask { source, through }, destination.ip())
            .filter(|_| named != Some(None)); // No interface has that number.
        let chosen = source.or_else(|| paths.source(node, route?, destination.ip()));
        let present = source.is_none_or(|ip| paths.has(node, ip));
        // A packet that cannot even get a source is still a packet to be accounted for.
        let from = SocketAddr::new(chosen.unwrap_or_else(|| bound.ip()), bound.port());
        let mut packet = Packet::udp(from, destination, payload);
        packet.ecn = transmit.ecn;
        packet.dscp = transmit.dscp;
        packet.dont_fragment = socket.dont_fragment;
        packet.hop_limit = if group { socket.multicast_hop_limit() } else { socket.hop_limit };
        let looped = group && socket.loops();
        let slot = self.admit(node, packet);
        let usable = chosen.is_some() && from.is_ipv4() == destination.is_ipv4();
        let route = route.filter(|_| usable);
        let sent = if present {
            self.loop_back(node, route.filter(|_| looped), slot);
            self.leave(route, slot)
        } else {
            Err((DropReason::NoSourceAddress, SocketErrorKind::AddressNotAvailable))
        };
        if let Err((reason, kind)) = sent {
            self.drop_in(node, slot, reason);
            let error = SocketError { local: from, remote: destination, kind };
            self.errors.push_back((id, error));
        }
    }

    /// Gives a copy of a packet for a group to the sender's own sockets, as if it had come in by the
    /// interface it leaves by.
    fn loop_back(&mut self, node: NodeId, route: Option<Route>, slot: Slot) {
        let Some(route) = route else { return };
        if self.listeners(node, route.hop, self.packets.get(slot).destination()).next().is_none() {
            return;
        }
        self.tally.copied += 1;
        let copy = self.packets.get(slot).clone();
        let copy = self.packets.insert(copy);
        self.agenda.arrive_now(self.now, route.hop, copy);
    }

    /// Sends a packet of the node's own making, if there is a way.
    pub(crate) fn originate_from(&mut self, node: NodeId, packet: Packet) {
        if self.is_crashed(node) {
            return;
        }
        let route = self.paths().route(node, Ask::default(), packet.destination_ip);
        let slot = self.admit(node, packet);
        if let Err((reason, _)) = self.leave(route, slot) {
            self.drop_in(node, slot, reason);
        }
    }

    /// Puts a new packet on its way, unless the node's own firewall forbids it.
    pub(crate) fn leave(
        &mut self,
        route: Option<Route>,
        slot: Slot,
    ) -> Result<(), (DropReason, SocketErrorKind)> {
        if let Some(Route { hop, .. }) = route {
            let node = self.hops.at(hop).node;
            let guarded = self.nodes.at(node).host().is_some_and(|host| host.firewall.is_some());
            if guarded && let Some(reason) = self.forbids(node, hop, slot) {
                return Err((reason, SocketErrorKind::Prohibited));
            }
        }
        self.leave_freely(route, slot)
    }

    /// Puts a new packet on its way.
    pub(crate) fn leave_freely(
        &mut self,
        route: Option<Route>,
        slot: Slot,
    ) -> Result<(), (DropReason, SocketErrorKind)> {
        let route = route.ok_or((DropReason::NoRoute, SocketErrorKind::NetworkUnreachable))?;
        let packet = self.packets.get(slot);
        let target = route.gateway.unwrap_or(packet.destination_ip);
        let next_hop = self
            .resolve(route.hop, target)
            .ok_or((DropReason::NoNeighbour, SocketErrorKind::HostUnreachable))?;
        let node = self.hops.at(route.hop).node;
        let mtu = self.paths().mtu(node, route.hop, packet.destination_ip);
        if packet.payload().len() > MAX_PAYLOAD {
            return Err((DropReason::TooBig, SocketErrorKind::TooBig { mtu }));
        }
        let fits = packet.ip_length() <= mtu as usize;
        let keep_whole = packet.dont_fragment;
        self.packets.get_mut(slot).next_hop = next_hop;
        if fits {
            self.transmit(route.hop, slot);
            return Ok(());
        }
        if keep_whole || !self.fragment_to(mtu, route.hop, slot) {
            return Err((DropReason::TooBig, SocketErrorKind::TooBig { mtu }));
        }
        Ok(())
    }

    /// Who on the segment of `hop` takes packets for `target`; `None` if nobody does.
    #[inline]
    pub(crate) fn resolve(&self, hop: HopId, target: IpAddr) -> Option<NextHop> {
        let own = &self.hops.at(hop);
        let peer = &self.hops.at(own.peer);
        let Role::Switch(switch) = &self.nodes.at(peer.node).role else {
            return Some(NextHop::Peer);
        };
        if let Some(port) = switch.find(target) {
            return Some(NextHop::Port(port));
        }
        (is_group(target) || own.broadcasts(target)).then_some(NextHop::Flood)
    }

    /// Sends the packet in fragments that fit the interface; false, with the packet left, if that cannot
    /// be done.
    pub(crate) fn fragment(&mut self, hop: HopId, slot: Slot) -> bool {
        self.fragment_to(self.hops.at(hop).mtu, hop, slot)
    }

    /// As [`fragment`](Network::fragment), in fragments of up to `mtu` bytes.
    pub(crate) fn fragment_to(&mut self, mtu: u32, hop: HopId, slot: Slot) -> bool {
        let node = self.hops.at(hop).node;
        let identification = self.next_identification(node);
        let packet = self.packets.get(slot);
        let Some(fragments) = split(packet, mtu as usize, identification) else { return false };
        let count = u32::try_from(fragments.len()).unwrap_or(u32::MAX);
        self.watch.on(self.now, &Event::Fragmented { hop, packet, fragments: count });
        self.packets.take(slot);
        self.tally.split += fragments.len() as u64 - 1;
        for fragment in fragments {
            let slot = self.packets.insert(fragment);
            self.transmit(hop, slot);
        }
        true
    }

    /// A number for the fragments of one packet. Routers and boxes that fragment count for themselves;
    /// nobody compares numbers of different makers, because the addresses differ.
    fn next_identification(&mut self, node: NodeId) -> u32 {
        match &mut self.nodes.at_mut(node).role {
            Role::Host(host) => {
                host.next_identification = host.next_identification.wrapping_add(1);
                host.next_identification
            }
            Role::Middlebox(middle) => {
                middle.next_identification = middle.next_identification.wrapping_add(1);
                middle.next_identification
            }
            Role::Router | Role::Switch(_) => {
                self.next_router_identification = self.next_router_identification.wrapping_add(1);
                self.next_router_identification
            }
        }
    }
}

/// The number of the interface that a link-local address is on, if it says so.
fn scope_of(address: SocketAddr) -> Option<u32> {
    match address {
        SocketAddr::V6(v6) if v6.scope_id() != 0 => Some(v6.scope_id()),
        SocketAddr::V4(_) | SocketAddr::V6(_) => None,
    }
}
