//! Changes of the world: interfaces, addresses, routes and links.

use std::net::IpAddr;

use base::{InterfaceAddress, InterfaceKind};

use crate::{
    clock::LocalClock,
    endpoint::NetworkChange,
    event::{Changed, DropReason, Event},
    id::{HopId, NodeId},
    middlebox::Side,
    network::Network,
    node::Role,
    observer::Observer,
    prefix::Prefix,
    route::{Route, StaticRoute},
    routing::{self, Wiring},
    script::Change,
};

impl<O: Observer> Network<O> {
    /// Carries out a scripted change.
    pub(crate) fn scripted(&mut self, index: u32) {
        let change = self.changes.get_mut(index as usize).and_then(Option::take);
        if let Some(change) = change {
            self.carry_out(change);
        }
    }

    pub(crate) fn carry_out(&mut self, change: Change) {
        match change {
            Change::Up(hop) => self.set_up(hop, true),
            Change::Down(hop) => self.set_up(hop, false),
            Change::Link(hop, link) => self.set_link(hop, *link),
            Change::AddAddress(hop, address) => self.add_address(hop, address),
            Change::RemoveAddress(hop, ip) => self.remove_address(hop, ip),
            Change::Deprecate(hop, ip) => self.deprecate(hop, ip),
            Change::Move(hop, segment, addresses) => self.roam(hop, segment, addresses),
            Change::AddRoute(node, route) => self.add_route(node, route),
            Change::RemoveRoute(node, prefix, hop) => self.remove_route(node, prefix, hop),
            Change::Drift(node, ppm) => self.drift(node, ppm),
            Change::Crash(node) => self.crash(node),
            Change::Restart(node) => self.restart(node),
            Change::Partition(one, other) => self.partition(&one, &other),
            Change::Heal(one, other) => self.heal(&one, &other),
        }
    }

    /// Brings an interface up or down at once. Packets that wait to leave by it are dropped when it goes
    /// down; those on the wire arrive, unless the receiver is the one that is down.
    fn set_up(&mut self, hop: HopId, up: bool) {
        let interface = &mut self.hops.at_mut(hop);
        let dangling = interface.peer == hop && interface.kind != InterfaceKind::Loopback;
        if interface.up == up || dangling {
            return; // A port that its neighbour has left stays down.
        }
        interface.up = up;
        let node = interface.node;
        let waiting = if up { Default::default() } else { interface.link.clear_waiting() };
        self.watch.on(self.now, &Event::Interface { hop, up });
        for slot in waiting {
            self.drop_on(hop, slot, DropReason::InterfaceDown);
        }
        let change = if up { NetworkChange::Up { hop } } else { NetworkChange::Down { hop } };
        self.tell(node, change);
    }

    fn add_address(&mut self, hop: HopId, address: InterfaceAddress) {
        let at = self.hops.at_mut(hop);
        at.addresses.retain(|known| known.ip != address.ip);
        at.addresses.push(address);
        let node = at.node;
        self.introduce(hop, address.ip);
        self.reroute(node);
        self.note(node, &Changed::AddressAdded { hop, address });
        self.tell(node, NetworkChange::AddressAdded { hop, ip: address.ip });
    }

    fn remove_address(&mut self, hop: HopId, ip: IpAddr) {
        let at = self.hops.at_mut(hop);
        if !at.has(ip) {
            return;
        }
        at.addresses.retain(|known| known.ip != ip);
        let node = at.node;
        self.withdraw(hop, ip);
        self.reroute(node);
        self.note(node, &Changed::AddressRemoved { hop, ip });
        self.tell(node, NetworkChange::AddressRemoved { hop, ip });
    }

    fn deprecate(&mut self, hop: HopId, ip: IpAddr) {
        let now = self.now;
        let at = self.hops.at_mut(hop);
        let Some(address) = at.addresses.iter_mut().find(|known| known.ip == ip) else { return };
        address.deprecated_at = Some(now);
        let node = at.node;
        self.reroute(node);
        self.note(node, &Changed::AddressDeprecated { hop, ip });
        self.tell(node, NetworkChange::AddressDeprecated { hop, ip });
    }

    fn add_route(&mut self, node: NodeId, route: StaticRoute) {
        let entry = route.entry();
        self.nodes.at_mut(node).fixed.push(entry);
        self.nodes.at_mut(node).routes.remove(entry.0, entry.1.hop);
        self.nodes.at_mut(node).routes.add(entry.0, entry.1);
        let StaticRoute { prefix, hop, gateway, .. } = route;
        self.note(node, &Changed::RouteAdded { prefix, hop, gateway });
        self.tell(node, NetworkChange::Routes);
    }

    fn remove_route(&mut self, node: NodeId, prefix: Prefix, hop: HopId) {
        let at = self.nodes.at_mut(node);
        at.fixed.retain(|(known, route)| *known != prefix || route.hop != hop);
        if !at.routes.remove(prefix, hop) {
            return;
        }
        self.note(node, &Changed::RouteRemoved { prefix, hop });
        self.tell(node, NetworkChange::Routes);
    }

    /// Lets the segment know who has the address.
    pub(crate) fn introduce(&mut self, hop: HopId, ip: IpAddr) {
        let port = self.hops.at(hop).peer;
        let middle = self.nodes.at_mut(self.hops.at(port).node);
        let wan = middle.is_wan();
        match &mut middle.role {
            Role::Switch(switch) => switch.learn(ip, port),
            Role::Router if wan => {
                let route = Route { hop: port, gateway: None, metric: 0 };
                middle.routes.add(Prefix::host(ip), route);
            }
            Role::Router | Role::Host(_) | Role::Middlebox(_) => {}
        }
    }

    /// Lets the segment forget that the interface has the address.
    pub(crate) fn withdraw(&mut self, hop: HopId, ip: IpAddr) {
        let port = self.hops.at(hop).peer;
        let middle = self.nodes.at_mut(self.hops.at(port).node);
        let wan = middle.is_wan();
        match &mut middle.role {
            Role::Switch(switch) => switch.forget(ip, port),
            Role::Router if wan => {
                middle.routes.remove(Prefix::host(ip), port);
            }
            Role::Router | Role::Host(_) | Role::Middlebox(_) => {}
        }
    }

    /// Works out the routes of a node whose addresses changed, and of all others if it leads somewhere.
    pub(crate) fn reroute(&mut self, node: NodeId) {
        let mut wiring = Wiring { nodes: &mut self.nodes, hops: &self.hops };
        if wiring.nodes.at(node).host().is_some() {
            return routing::connect_host(&mut wiring, node);
        }
        routing::connect(&mut wiring);
        let sides = self.sides_of(node);
        let Role::Middlebox(middle) = &mut self.nodes.at_mut(node).role else { return };
        let changed = (0..=u8::MAX)
            .zip(middle.sides.iter().zip(&sides))
            .filter(|(_, (old, new))| old != new)
            .map(|(side, _)| Side(side));
        let changed: Vec<Side> = changed.collect();
        middle.sides = sides;
        for side in changed {
            self.with_box(node, |middlebox, out| middlebox.handle_addresses(side, out));
        }
    }

    fn drift(&mut self, node: NodeId, ppm: i32) {
        let now = self.now;
        let Some(host) = self.nodes.at_mut(node).host_mut() else { return };
        let right = LocalClock::right();
        let clock = host.clock.as_deref().copied().unwrap_or(right).drift(now, ppm);
        host.clock = Some(Box::new(clock));
        self.note(node, &Changed::Drift { ppm });
        self.rearm(node);
    }

    fn note(&mut self, node: NodeId, changed: &Changed) {
        self.watch.on(self.now, &Event::Changed { node, changed });
    }

    pub(crate) fn tell(&mut self, node: NodeId, change: NetworkChange) {
        self.call(node, |endpoint, cx| endpoint.handle_network_change(cx, change));
    }
}
