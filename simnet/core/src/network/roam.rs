//! Interfaces that move from one segment to another.

use std::net::IpAddr;

use base::{InterfaceAddress, InterfaceKind};

use crate::{
    builder::first_free,
    endpoint::NetworkChange,
    event::{Changed, DropReason, Event},
    id::{HopId, NodeId},
    link::{Link, LinkState},
    network::Network,
    node::Hop,
    observer::{HopInfo, Observer},
};

impl<O: Observer> Network<O> {
    /// Attaches an interface to another segment. What is on the old wire, or waits for it, is lost.
    pub(crate) fn roam(&mut self, hop: HopId, segment: NodeId, addresses: Vec<InterfaceAddress>) {
        let at = self.hops.at(hop);
        let node = at.node;
        let fixed = self.nodes.at(node).segment.is_some() || at.kind == InterfaceKind::Loopback;
        if fixed || self.nodes.at(segment).segment.is_none() {
            return;
        }
        let old: Vec<IpAddr> = at.addresses.iter().map(|address| address.ip).collect();
        self.unplug(hop, &old);
        self.plug(hop, segment);
        let new = if addresses.is_empty() { self.free_addresses(hop) } else { addresses };
        for address in &new {
            self.introduce(hop, address.ip);
        }
        self.hops.at_mut(hop).addresses.clone_from(&new);
        self.nodes.at_mut(node).fixed.retain(|(_, route)| route.hop != hop);
        if let Some(host) = self.nodes.at_mut(node).host_mut() {
            host.path_mtus = None;
        }
        self.reroute(node);
        let changed = Changed::Moved { hop, segment };
        self.watch.on(self.now, &Event::Changed { node, changed: &changed });
        for ip in old {
            self.tell(node, NetworkChange::AddressRemoved { hop, ip });
        }
        for address in new {
            self.tell(node, NetworkChange::AddressAdded { hop, ip: address.ip });
        }
    }

    /// Takes the interface off its segment.
    fn unplug(&mut self, hop: HopId, addresses: &[IpAddr]) {
        for &ip in addresses {
            self.withdraw(hop, ip);
        }
        let own = self.hops.at_mut(hop);
        own.addresses.clear();
        let port = own.peer;
        let mut lost = own.link.clear_waiting();
        lost.extend(own.link.clear_flying());
        let far = self.hops.at_mut(port);
        let middle = far.node;
        // What flies towards the interface lands here, where nobody is.
        far.peer = port;
        far.up = false;
        let back = far.link.clear_waiting();
        self.nodes.at_mut(middle).hops.retain(|&other| other != port);
        for slot in lost {
            self.drop_on(hop, slot, DropReason::Unplugged);
        }
        for slot in back {
            self.drop_on(port, slot, DropReason::Unplugged);
        }
    }

    /// Lays a wire from the interface to the segment, or takes the one that it once had.
    fn plug(&mut self, hop: HopId, segment: NodeId) {
        let part = &self.nodes.at(self.hops.at(hop).node).name;
        let path = self.hops.at(hop).full_name.clone();
        let full_name = format!("{}.{part}({path})", self.nodes.at(segment).name);
        let known = self.hops.iter().find(|(_, far)| far.full_name == full_name);
        let port = match known.map(|(id, _)| id) {
            Some(port) => port,
            None => self.new_port(hop, segment, full_name),
        };
        self.nodes.at_mut(segment).hops.push(port);
        let far = self.hops.at_mut(port);
        (far.peer, far.up) = (hop, true);
        self.hops.at_mut(hop).peer = port;
        let index = hop.get() as usize;
        if let Some(info) = self.topology.hops.get_mut(index) {
            info.peer = port;
        }
        self.watch.rewired(&self.topology);
    }

    fn new_port(&mut self, hop: HopId, segment: NodeId, full_name: String) -> HopId {
        let (near, middle) = (self.hops.at(hop), self.nodes.at(segment));
        let path = format!("{}→{}", middle.name, near.full_name);
        let addresses = middle.segment.iter().filter(|segment| segment.wan);
        let prefixes = addresses.flat_map(|segment| &segment.prefixes);
        let own = prefixes.filter_map(|it| Some(InterfaceAddress::new(it.nth(1)?, it.length())));
        let addresses: Vec<InterfaceAddress> = own.collect();
        let far = Hop {
            node: segment,
            side: u8::try_from(middle.hops.len()).unwrap_or(u8::MAX),
            peer: hop,
            name: near.full_name.clone(),
            full_name,
            kind: near.kind,
            up: true,
            mtu: near.mtu,
            metric: None,
            addresses,
            link: LinkState::new(Link::perfect(), path, self.topology.seed),
        };
        let (name, kind, mtu) = (far.full_name.clone(), far.kind, far.mtu);
        let addresses = far.addresses.clone();
        let id = self.hops.push(far);
        let node = segment;
        self.topology.hops.push(HopInfo { id, node, peer: hop, name, kind, mtu, addresses });
        id
    }

    /// One address of each prefix of the segment, as a server there would give them out.
    fn free_addresses(&self, hop: HopId) -> Vec<InterfaceAddress> {
        let near = self.hops.at(hop);
        let middle = self.nodes.at(self.hops.at(near.peer).node);
        let kind = self.nodes.at(near.node).kind();
        let taken = |ip| {
            let has = |&port: &HopId| {
                self.hops.at(port).has(ip) || self.hops.at(self.hops.at(port).peer).has(ip)
            };
            middle.hops.iter().any(has)
        };
        let Some(segment) = &middle.segment else { return Vec::new() };
        let free = segment.prefixes.iter().filter_map(|&prefix| {
            let ip = first_free(prefix, segment.wan, kind, taken)?;
            Some(InterfaceAddress::new(ip, prefix.length()))
        });
        free.collect()
    }
}
