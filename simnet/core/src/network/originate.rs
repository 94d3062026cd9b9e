//! Packets that nodes make: datagrams of sockets, ICMP messages, fragments.

use std::net::{IpAddr, SocketAddr};

use base::{InterfaceKind, SocketError, SocketErrorKind, Transmit};
use bytes::Bytes;

use crate::{
    endpoint::Outgoing,
    event::{DropReason, Event},
    id::{HopId, NodeId, SocketId},
    network::Network,
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
        if !socket.open {
            return;
        }
        let (node, bound) = (socket.host, socket.local);
        let destination = transmit.destination;
        let wanted = transmit.source_ip().filter(|ip| !ip.is_unspecified());
        let wanted = wanted.or_else(|| Some(bound.ip()).filter(|ip| !ip.is_unspecified()));
        let route = self.route_from(node, wanted, destination.ip());
        let source_ip = wanted.or_else(|| {
            let hop = self.hops.at(route?.hop);
            if hop.kind == InterfaceKind::Loopback {
                return Some(destination.ip()); // The host talks to itself.
            }
            hop.address(destination.is_ipv6(), self.now)
        });
        // A packet that cannot even get a source is still a packet to be accounted for.
        let source_ip = source_ip.unwrap_or_else(|| bound.ip());
        let source = SocketAddr::new(source_ip, bound.port());
        let mut packet = Packet::udp(source, destination, payload);
        packet.ecn = transmit.ecn;
        packet.dscp = transmit.dscp;
        packet.dont_fragment = socket.dont_fragment;
        packet.hop_limit = socket.hop_limit;
        let slot = self.admit(node, packet);
        let usable = source_ip.is_ipv4() == destination.is_ipv4();
        let sent = if wanted.is_none_or(|ip| self.has(node, ip)) {
            self.leave(route.filter(|_| usable), slot)
        } else {
            Err((DropReason::NoSourceAddress, SocketErrorKind::AddressNotAvailable))
        };
        if let Err((reason, kind)) = sent {
            self.drop_in(node, slot, reason);
            let error = SocketError { local: source, remote: destination, kind };
            self.errors.push_back((id, error));
        }
    }

    /// Sends a packet of the node's own making, if there is a way.
    pub(crate) fn originate_from(&mut self, node: NodeId, packet: Packet) {
        if self.is_crashed(node) {
            return;
        }
        let route = self.route_from(node, None, packet.destination_ip);
        let slot = self.admit(node, packet);
        if let Err((reason, _)) = self.leave(route, slot) {
            self.drop_in(node, slot, reason);
        }
    }

    /// The way to `destination` for a packet that comes from `source`, if that is given.
    ///
    /// The interface that has the source address comes first, as long as any route leads out of it: a
    /// program that binds to one of several addresses means that network. Otherwise the longest prefix
    /// decides among the interfaces that are up.
    fn route_from(
        &self,
        node: NodeId,
        source: Option<IpAddr>,
        destination: IpAddr,
    ) -> Option<Route> {
        let at = &self.nodes.at(node);
        if let Role::Host(host) = &at.role
            && self.owns(node, destination)
        {
            return Some(Route { hop: host.loopback, gateway: None, metric: 0 });
        }
        let up = |route: &Route| self.hops.at(route.hop).up;
        if is_group(destination) {
            let has_source = |hop: HopId| match source {
                Some(ip) => self.hops.at(hop).has(ip),
                None => self.hops.at(hop).address(destination.is_ipv6(), self.now).is_some(),
            };
            let hop =
                at.hops.iter().copied().find(|&hop| self.hops.at(hop).up && has_source(hop))?;
            return Some(Route { hop, gateway: None, metric: 0 });
        }
        source
            .and_then(|source| {
                at.routes
                    .find(destination, |route| up(route) && self.hops.at(route.hop).has(source))
            })
            .or_else(|| at.routes.find(destination, up))
    }

    /// Puts a new packet on its way.
    fn leave(
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
        let mtu = self.hops.at(route.hop).mtu;
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
        if keep_whole || !self.fragment(route.hop, slot) {
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
        let mtu = self.hops.at(hop).mtu as usize;
        let node = self.hops.at(hop).node;
        let identification = self.next_identification(node);
        let packet = self.packets.get(slot);
        let Some(fragments) = split(packet, mtu, identification) else { return false };
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
