//! Packets that reach an interface.

use std::net::{IpAddr, SocketAddr};

use base::{InterfaceKind, SocketError};

use crate::{
    event::{Changed, DropReason, Event},
    id::{HopId, NodeId, SocketId},
    network::Network,
    node::{Host, HostModel, Role},
    observer::Observer,
    packet::{Body, Icmp, IcmpError, NextHop, Packet, Protocol, is_group},
    path_mtu::judge,
    prefix::Prefix,
    reassembly::{Progress, join},
    slab::Slot,
    socket::{Received, RecvMeta},
};

impl<O: Observer> Network<O> {
    pub(crate) fn arrive(&mut self, hop: HopId, slot: Slot) {
        let receiver = &self.hops.at(hop);
        if !receiver.up {
            return self.drop_on(hop, slot, DropReason::ReceiverDown);
        }
        self.tally.carried += 1;
        self.watch.on(self.now, &Event::Received { hop, packet: self.packets.get(slot) });
        let node = receiver.node;
        match &self.nodes.at(node).role {
            Role::Switch(_) => self.arrive_at_switch(hop, slot),
            Role::Router => self.arrive_at_router(node, hop, slot),
            Role::Host(_) => self.arrive_at_host(node, hop, slot),
            Role::Middlebox(_) => self.arrive_at_box(node, hop, slot),
        }
    }

    fn arrive_at_switch(&mut self, hop: HopId, slot: Slot) {
        match self.packets.get(slot).next_hop {
            // It was on its way out when its sender moved here.
            NextHop::Port(port) if self.hops.at(port).node != self.hops.at(hop).node => {
                self.drop_on(hop, slot, DropReason::Unplugged);
            }
            NextHop::Port(port) if self.keeps_apart(hop, port) => {
                self.drop_on(hop, slot, DropReason::Isolated);
            }
            NextHop::Port(port) => self.transmit(port, slot),
            NextHop::Flood => self.flood(hop, slot),
            NextHop::Peer => self.drop_on(hop, slot, DropReason::NoNeighbour),
        }
    }

    /// Whether the switch keeps who is behind one port from who is behind the other.
    fn keeps_apart(&self, one: HopId, other: HopId) -> bool {
        let at = self.nodes.at(self.hops.at(one).node);
        let isolating = matches!(&at.role, Role::Switch(switch) if switch.isolating);
        let host = |port: HopId| self.nodes.at(self.hops.at(self.hops.at(port).peer).node).host();
        isolating && host(one).is_some() && host(other).is_some()
    }

    /// A packet for a group goes out of every port but the one it came in by.
    fn flood(&mut self, hop: HopId, slot: Slot) {
        let node = self.hops.at(hop).node;
        let mut ports = self.nodes.at(node).hops.clone();
        ports.retain(|&port| port != hop);
        let alone = ports.is_empty();
        ports.retain(|&port| !self.keeps_apart(hop, port));
        let Some(last) = ports.pop() else {
            let reason = if alone { DropReason::NoNeighbour } else { DropReason::Isolated };
            return self.drop_on(hop, slot, reason);
        };
        for port in ports {
            self.tally.copied += 1;
            let copy = self.packets.get(slot).clone();
            let copy = self.packets.insert(copy);
            self.transmit(port, copy);
        }
        self.transmit(last, slot);
    }

    fn arrive_at_router(&mut self, node: NodeId, hop: HopId, slot: Slot) {
        let packet = self.packets.get_mut(slot);
        let destination = packet.destination_ip;
        let at = self.nodes.at(node);
        // The middle of a wide-area network has the same addresses towards everybody.
        let count = if at.is_wan() { 1 } else { at.hops.len() };
        if at.hops.iter().take(count).any(|&own| self.hops.at(own).has(destination)) {
            return self.arrive_for_node(node, hop, slot);
        }
        if is_group(destination) || is_link_local(destination) || is_link_local(packet.source_ip) {
            return self.drop_in(node, slot, DropReason::NotForwarded);
        }
        if !packet.decrement_hop_limit() {
            self.complain(hop, slot, IcmpError::TimeExceeded);
            return self.drop_in(node, slot, DropReason::HopLimit);
        }
        let Some(route) = self.nodes.at(node).routes.find(destination, |_| true) else {
            let ours = self.hops.at(hop).addresses.iter().any(|address| {
                let prefix = Prefix::new(address.ip, address.prefix);
                prefix.is_some_and(|prefix| prefix.contains(destination))
            });
            let kind =
                if ours { IcmpError::HostUnreachable } else { IcmpError::NetworkUnreachable };
            self.complain(hop, slot, kind);
            return self.drop_in(node, slot, DropReason::NoRoute);
        };
        if !self.hops.at(route.hop).up {
            self.complain(hop, slot, IcmpError::NetworkUnreachable);
            return self.drop_on(route.hop, slot, DropReason::InterfaceDown);
        }
        let Some(next_hop) = self.resolve(route.hop, route.gateway.unwrap_or(destination)) else {
            self.complain(hop, slot, IcmpError::HostUnreachable);
            return self.drop_on(route.hop, slot, DropReason::NoNeighbour);
        };
        let packet = self.packets.get_mut(slot);
        packet.next_hop = next_hop;
        let mtu = self.hops.at(route.hop).mtu;
        if packet.ip_length() <= mtu as usize {
            return self.transmit(route.hop, slot);
        }
        // RFC 791 §2.3, RFC 8200 §5: a router fragments IPv4 unless told not to, and never IPv6.
        if packet.is_ipv6() || packet.dont_fragment || !self.fragment(route.hop, slot) {
            self.complain(hop, slot, IcmpError::TooBig { mtu });
            self.drop_on(route.hop, slot, DropReason::TooBig);
        }
    }

    /// Sends an ICMP error about the packet back out of the interface it came in by. The packet itself
    /// stays.
    fn complain(&mut self, hop: HopId, slot: Slot, kind: IcmpError) {
        let packet = self.packets.get(slot);
        let Some(reporter) = self.hops.at(hop).address(packet.is_ipv6(), self.now) else { return };
        if let Some(error) = packet.icmp_error(reporter, kind) {
            let node = self.hops.at(hop).node;
            self.originate_from(node, error);
        }
    }

    fn arrive_at_host(&mut self, node: NodeId, hop: HopId, slot: Slot) {
        if let Some(host) = self.nodes.at(node).host() {
            if host.crashed {
                return self.drop_in(node, slot, DropReason::HostDown);
            }
            if !self.partitions.is_empty() && self.is_cut_off(self.packets.get(slot), node) {
                return self.drop_in(node, slot, DropReason::Partitioned);
            }
            if host.tap.is_some() {
                return self.arrive_at_tap(node, slot);
            }
        }
        let packet = self.packets.get(slot);
        let destination = packet.destination_ip;
        let weak = || {
            let strong = |host: &Host| host.model == HostModel::Strong;
            let loopback = self.hops.at(hop).kind == InterfaceKind::Loopback;
            (loopback || !self.nodes.at(node).host().is_some_and(strong))
                && self.paths().owns(node, destination)
        };
        let own = self.hops.at(hop).has(destination) || weak();
        if !own && !self.is_shared(hop, destination) {
            return self.drop_in(node, slot, DropReason::NotMine);
        }
        self.arrive_for_node(node, hop, slot);
    }

    fn arrive_at_tap(&mut self, node: NodeId, slot: Slot) {
        self.tally.delivered += 1;
        let packet = self.packets.take(slot);
        self.watch.on(self.now, &Event::Delivered { node, socket: None, packet: &packet });
        if let Some(tap) = self.nodes.at_mut(node).host_mut().and_then(|host| host.tap.as_mut()) {
            tap.push_back((self.now, packet));
        }
    }

    /// A packet has reached the node it is addressed to.
    fn arrive_for_node(&mut self, node: NodeId, hop: HopId, slot: Slot) {
        let packet = self.packets.get(slot);
        if packet.fragment.is_some() {
            return self.arrive_in_part(node, hop, slot);
        }
        let guarded = self.nodes.at(node).host().is_some_and(|host| host.firewall.is_some());
        if guarded && !self.may_enter(node, hop, slot) {
            return;
        }
        let packet = self.packets.get(slot);
        match &packet.body {
            Body::Udp(udp) if !udp.checksum_ok => self.drop_in(node, slot, DropReason::Checksum),
            Body::Udp(_) => self.arrive_for_socket(node, hop, slot),
            Body::Icmp(Icmp::EchoRequest { identifier, sequence, payload }) => {
                let reply = Icmp::EchoReply {
                    identifier: *identifier,
                    sequence: *sequence,
                    payload: payload.clone(),
                };
                let group = self.is_shared(hop, packet.destination_ip);
                let reply = Packet::icmp(packet.destination_ip, packet.source_ip, reply);
                self.deliver(node, None, slot);
                // RFC 1122 §3.2.2.6: a request to a group may go unanswered.
                if !group {
                    self.originate_from(node, reply);
                }
            }
            Body::Icmp(Icmp::EchoReply { .. }) => {
                self.deliver(node, None, slot);
            }
            Body::Icmp(Icmp::Error { kind, quote }) if quote.protocol == Protocol::Tcp => {
                let (kind, quote) = (*kind, **quote);
                self.deliver(node, None, slot);
                self.report_to_tcp(node, kind, &quote);
            }
            Body::Icmp(Icmp::Error { kind, quote }) => {
                let (kind, local, remote) = (*kind, quote.source, quote.destination);
                let error = SocketError { local, remote, kind: kind.socket_error() };
                let socket = Some(local).filter(|_| quote.protocol == Protocol::Udp);
                let socket = socket.and_then(|local| self.find_socket(node, local, hop));
                self.deliver(node, socket, slot);
                // RFC 8201 §4, RFC 1122 §4.1.3.3: who did not send takes no notice.
                let Some(socket) = socket else { return };
                match kind {
                    IcmpError::TooBig { mtu } if !self.learn_path_mtu(node, remote.ip(), mtu) => {}
                    _ => self.errors.push_back((socket, error)),
                }
            }
            Body::Tcp(tcp) if !tcp.checksum_ok => self.drop_in(node, slot, DropReason::Checksum),
            // RFC 1122 §4.2.3.10: nobody opens a connection with more than one.
            Body::Tcp(_) if self.is_shared(hop, packet.destination_ip) => {
                self.drop_in(node, slot, DropReason::TcpNoSocket);
            }
            Body::Tcp(_) => self.arrive_for_tcp(node, slot),
            Body::Trailing(_) => self.drop_in(node, slot, DropReason::BadFragment),
        }
    }

    fn arrive_in_part(&mut self, node: NodeId, hop: HopId, slot: Slot) {
        let Some(host) = self.nodes.at_mut(node).host_mut() else {
            return self.drop_in(node, slot, DropReason::NotForUs);
        };
        match host.reassembly.add(self.now, self.packets.get(slot), slot) {
            Progress::Waiting => self.rearm(node),
            Progress::Duplicate => self.drop_in(node, slot, DropReason::BadFragment),
            Progress::Full => self.drop_in(node, slot, DropReason::ReassemblyFull),
            Progress::Bad(slots) => {
                for slot in slots {
                    self.drop_in(node, slot, DropReason::BadFragment);
                }
            }
            Progress::Complete(slots) => match join(&self.packets, &slots) {
                Some(whole) => {
                    for &slot in &slots {
                        self.packets.take(slot);
                    }
                    self.tally.merged += slots.len() as u64 - 1;
                    let slot = self.packets.insert(whole);
                    self.arrive_for_node(node, hop, slot);
                }
                None => {
                    for slot in slots {
                        self.drop_in(node, slot, DropReason::BadFragment);
                    }
                }
            },
        }
    }

    fn arrive_for_socket(&mut self, node: NodeId, hop: HopId, slot: Slot) {
        let packet = self.packets.get(slot);
        let destination = packet.destination();
        if self.is_shared(hop, destination.ip()) {
            return self.arrive_for_group(node, hop, slot);
        }
        let Some(socket) = self.find_socket(node, destination, hop) else {
            if self.nodes.at(node).host().is_none_or(|host| !host.silent) {
                self.complain_as(node, destination.ip(), slot, IcmpError::PortUnreachable);
            }
            return self.drop_in(node, slot, DropReason::NoSocket);
        };
        self.hand_over(node, hop, socket, slot);
    }

    /// Broadcasts go to every socket on the port, multicasts to those that joined the group. The packet
    /// counts as delivered once.
    fn arrive_for_group(&mut self, node: NodeId, hop: HopId, slot: Slot) {
        let destination = self.packets.get(slot).destination();
        let multicast = destination.ip().is_multicast();
        let mut sockets: Vec<_> = self.listeners(node, hop, destination).collect();
        let Some(last) = sockets.pop() else {
            let reason = if multicast { DropReason::NotJoined } else { DropReason::NoSocket };
            return self.drop_in(node, slot, reason);
        };
        for socket in sockets {
            self.tally.copied += 1;
            let copy = self.packets.get(slot).clone();
            let copy = self.packets.insert(copy);
            self.hand_over(node, hop, socket, copy);
        }
        self.hand_over(node, hop, last, slot);
    }

    /// The sockets that hear what comes in by `hop` for a group: all on the port for a broadcast, for a
    /// multicast those that joined.
    pub(crate) fn listeners(
        &self,
        node: NodeId,
        hop: HopId,
        destination: SocketAddr,
    ) -> impl Iterator<Item = SocketId> + '_ {
        let ip = destination.ip();
        let host = self.nodes.at(node).host();
        let on_port = host.map_or(&[][..], |host| host.on_port(destination.port()));
        on_port.iter().map(|entry| entry.1).filter(move |&id| {
            let socket = self.sockets.at(id);
            let local = socket.local.ip();
            let bound = local.is_unspecified() || local == ip;
            let joined = !ip.is_multicast() || socket.has_joined(ip, hop);
            socket.open && bound && joined && socket.hears(hop) && local.is_ipv4() == ip.is_ipv4()
        })
    }

    /// Takes a report that packets to `destination` are too long into account; false if it is not to be
    /// believed.
    pub(crate) fn learn_path_mtu(&mut self, node: NodeId, destination: IpAddr, mtu: u32) -> bool {
        let present = self.paths().path_mtu(node, destination);
        let Some(estimate) = judge(mtu, present, destination.is_ipv6()) else { return false };
        let now = self.now;
        if let Some(host) = self.nodes.at_mut(node).host_mut() {
            host.path_mtus.get_or_insert_default().set(destination, estimate, now);
        }
        let changed = Changed::PathMtu { destination, mtu: estimate };
        self.watch.on(now, &Event::Changed { node, changed: &changed });
        true
    }

    /// Sends an ICMP error from the address the packet was sent to. The packet itself stays.
    fn complain_as(&mut self, node: NodeId, reporter: IpAddr, slot: Slot, kind: IcmpError) {
        if let Some(error) = self.packets.get(slot).icmp_error(reporter, kind) {
            self.originate_from(node, error);
        }
    }

    /// Gives a datagram to a socket: to its queue, or to the endpoint that bound it.
    fn hand_over(&mut self, node: NodeId, hop: HopId, id: SocketId, slot: Slot) {
        let socket = &mut self.sockets.at_mut(id);
        if !socket.driven && socket.received.len() >= socket.limit {
            return self.drop_in(node, slot, DropReason::ReceiveQueueFull);
        }
        let driven = socket.driven;
        let packet = self.deliver(node, Some(id), slot);
        let index = self.hops.at(hop).index();
        let source = scoped(packet.source(), index);
        let destination = scoped(packet.destination(), index);
        let Packet { ecn, dscp, hop_limit: ttl, body: Body::Udp(udp), .. } = packet else { return };
        if driven {
            let meta = RecvMeta { source, destination, ecn, dscp, ttl, hop };
            return self.call(node, |endpoint, cx| {
                endpoint.handle_datagram(cx, id, &meta, &udp.payload);
            });
        }
        let at = self.now;
        let payload = udp.payload;
        let received = Received { at, source, destination, ecn, dscp, ttl, hop, payload };
        self.sockets.at_mut(id).received.push_back(received);
        self.call(node, |endpoint, cx| endpoint.handle_ready(cx, id));
    }

    pub(crate) fn deliver(&mut self, node: NodeId, socket: Option<SocketId>, slot: Slot) -> Packet {
        self.tally.delivered += 1;
        let packet = self.packets.take(slot);
        self.watch.on(self.now, &Event::Delivered { node, socket, packet: &packet });
        packet
    }

    /// Whether what comes in by `hop` for `ip` is for more than one: a multicast or a broadcast, the
    /// directed broadcast of a prefix of the interface among them.
    pub(crate) fn is_shared(&self, hop: HopId, ip: IpAddr) -> bool {
        is_group(ip) || self.hops.at(hop).broadcasts(ip)
    }

    /// The socket of the host that takes datagrams for `address` which come in by `hop`; one bound to
    /// just this address comes before one bound to all, of several the last.
    fn find_socket(&self, node: NodeId, address: SocketAddr, hop: HopId) -> Option<SocketId> {
        let host: &Host = self.nodes.at(node).host()?;
        let mut found = None;
        for &(_, id) in host.on_port(address.port()) {
            let socket = &self.sockets.at(id);
            let exact = !socket.local.ip().is_unspecified();
            // Of sockets that share a port, the last one bound.
            let takes = socket.accepts(address) && socket.hears(hop);
            if takes && (exact || !found.is_some_and(|(_, exact)| exact)) {
                found = Some((id, exact));
            }
        }
        found.map(|(id, _)| id)
    }
}

const fn is_link_local(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(v4) => v4.is_link_local(),
        IpAddr::V6(v6) => v6.is_unicast_link_local(),
    }
}

/// A link-local address says on which interface it is.
fn scoped(address: SocketAddr, index: u32) -> SocketAddr {
    match address {
        SocketAddr::V6(mut v6) if v6.ip().is_unicast_link_local() => {
            v6.set_scope_id(index);
            v6.into()
        }
        SocketAddr::V4(_) | SocketAddr::V6(_) => address,
    }
}
