//! Which way packets of a node's own take, and which address they come from.

use std::net::IpAddr;

use base::{Instant, InterfaceKind};

use crate::{
    id::{HopId, NodeId},
    node::{Hop, Host, HostModel, Node, Role},
    packet::is_group,
    route::Route,
    selection::{Candidate, Policy, order_destinations, select_source},
    table::Table,
};

/// The parts of a world that decide it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Paths<'a> {
    pub(crate) nodes: &'a Table<NodeId, Node>,
    pub(crate) hops: &'a Table<HopId, Hop>,
    pub(crate) now: Instant,
}

/// What the sender of a packet asks of its way.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Ask {
    /// The address it comes from.
    pub(crate) source: Option<IpAddr>,
    /// The interface it must leave by.
    pub(crate) through: Option<HopId>,
}

impl Paths<'_> {
    /// Whether one of the node's interfaces that are up has the address.
    pub(crate) fn owns(self, node: NodeId, ip: IpAddr) -> bool {
        let owned = |&hop: &HopId| self.hops.at(hop).up && self.hops.at(hop).has(ip);
        self.nodes.at(node).hops.iter().any(owned) || ip.is_loopback()
    }

    /// Whether the node has the address, be the interface up or down.
    pub(crate) fn has(self, node: NodeId, ip: IpAddr) -> bool {
        let has = |&hop: &HopId| self.hops.at(hop).has(ip);
        self.nodes.at(node).hops.iter().any(has) || ip.is_loopback()
    }

    /// The interface of the node with this number, which scope ids mean.
    pub(crate) fn numbered(self, node: NodeId, index: u32) -> Option<HopId> {
        let hops = &self.nodes.at(node).hops;
        hops.iter().copied().find(|&hop| self.hops.at(hop).index() == index)
    }

    /// The way to `destination`.
    ///
    /// A host that routes by source prefers the interface that has the source address, as long as any
    /// route leads out of it: a program that binds to one of several addresses means that network. One
    /// of the strong model takes no other. Otherwise the longest prefix decides among the interfaces
    /// that are up.
    pub(crate) fn route(self, node: NodeId, ask: Ask, destination: IpAddr) -> Option<Route> {
        let at = self.nodes.at(node);
        let host = at.host();
        if let Some(host) = host
            && self.owns(node, destination)
        {
            return Some(Route { hop: host.loopback, gateway: None, metric: 0 });
        }
        let usable = |route: &Route| {
            self.hops.at(route.hop).up && ask.through.is_none_or(|hop| hop == route.hop)
        };
        if is_group(destination) {
            return self.route_to_group(at, ask, destination);
        }
        let from_source = |source: IpAddr| {
            at.routes
                .find(destination, |route| usable(route) && self.hops.at(route.hop).has(source))
        };
        let (strong, by_source) = host
            .map_or((false, true), |host| (host.model == HostModel::Strong, host.routes_by_source));
        match ask.source {
            Some(source) if strong && !source.is_loopback() => from_source(source),
            Some(source) if by_source => {
                from_source(source).or_else(|| at.routes.find(destination, usable))
            }
            _ => at.routes.find(destination, usable),
        }
    }

    /// Groups are on the segment of the interface asked for, else of the one that has the source, else of
    /// the first that has an address of the family.
    fn route_to_group(self, node: &Node, ask: Ask, destination: IpAddr) -> Option<Route> {
        let suits = |hop: HopId| match (ask.through, ask.source) {
            (Some(wanted), _) => wanted == hop,
            (None, Some(ip)) => self.hops.at(hop).has(ip),
            (None, None) => self.hops.at(hop).address(destination.is_ipv6(), self.now).is_some(),
        };
        let hop = node.hops.iter().copied().find(|&hop| self.hops.at(hop).up && suits(hop))?;
        Some(Route { hop, gateway: None, metric: 0 })
    }

    /// The address that a packet to `destination` by `route` comes from: RFC 6724 §5 among those of the
    /// interface, as §4 recommends; a host of the weak model makes do with those of others.
    pub(crate) fn source(self, node: NodeId, route: Route, destination: IpAddr) -> Option<IpAddr> {
        let hop = self.hops.at(route.hop);
        if hop.kind == InterfaceKind::Loopback {
            return Some(destination); // The host talks to itself.
        }
        let ipv6 = destination.is_ipv6();
        let mut own = hop.addresses.iter().filter(|address| address.ip.is_ipv6() == ipv6);
        match (own.next(), own.next()) {
            (Some(only), None) => return Some(only.ip),
            (None, _) if self.model(node) == HostModel::Strong => return None,
            _ => {}
        }
        self.candidate(node, route.hop, destination).map(|candidate| candidate.ip)
    }

    fn candidate(self, node: NodeId, out: HopId, destination: IpAddr) -> Option<Candidate> {
        let default = Policy::standard();
        let policy = self.host(node).and_then(|host| host.policy.as_deref()).unwrap_or(default);
        let number = self.hops.at(out).index();
        let of = |hop: HopId| {
            let interface = self.hops.at(hop).index();
            self.hops.at(hop).addresses.iter().map(move |address| Candidate {
                interface,
                deprecated: address.deprecated_at.is_some_and(|end| end <= self.now),
                temporary: address.temporary,
                ..Candidate::new(address.ip, address.prefix)
            })
        };
        let own: Vec<Candidate> = of(out).collect();
        let found = select_source(destination, Some(number), &own, policy).copied();
        if found.is_some() || self.model(node) == HostModel::Strong {
            return found;
        }
        let up = self.nodes.at(node).hops.iter().copied().filter(|&hop| self.hops.at(hop).up);
        let all: Vec<Candidate> = up.flat_map(of).collect();
        select_source(destination, Some(number), &all, policy).copied()
    }

    /// What a socket bound to no address would send from.
    pub(crate) fn source_for(self, node: NodeId, destination: IpAddr) -> Option<IpAddr> {
        let route = self.route(node, Ask::default(), destination)?;
        self.source(node, route, destination)
    }

    /// The addresses of a name with the best first, as the resolver of the host gives them.
    pub(crate) fn order(self, node: NodeId, destinations: &[IpAddr]) -> Vec<IpAddr> {
        let default = Policy::standard();
        let policy = self.host(node).and_then(|host| host.policy.as_deref()).unwrap_or(default);
        let source = |destination: IpAddr| {
            let route = self.route(node, Ask::default(), destination)?;
            if self.hops.at(route.hop).kind == InterfaceKind::Loopback {
                return Some(Candidate::new(destination, 128));
            }
            self.candidate(node, route.hop, destination)
        };
        order_destinations(destinations, source, policy)
    }

    /// The largest packet to `destination` that the host believes in; 0 if no way leads there.
    pub(crate) fn path_mtu(self, node: NodeId, destination: IpAddr) -> u32 {
        let Some(route) = self.route(node, Ask::default(), destination) else { return 0 };
        self.mtu(node, route.hop, destination)
    }

    /// As [`Paths::path_mtu`], for packets that leave by `hop`.
    #[inline]
    pub(crate) fn mtu(self, node: NodeId, hop: HopId, destination: IpAddr) -> u32 {
        let first = self.hops.at(hop).mtu;
        let known = self.host(node).and_then(|host| host.path_mtus.as_deref());
        known.map_or(first, |known| first.min(known.get(destination, self.now).unwrap_or(first)))
    }

    fn host(&self, node: NodeId) -> Option<&Host> {
        match &self.nodes.at(node).role {
            Role::Host(host) => Some(host),
            Role::Switch(_) | Role::Router | Role::Middlebox(_) => None,
        }
    }

    fn model(self, node: NodeId) -> HostModel {
        self.host(node).map_or(HostModel::Weak, |host| host.model)
    }
}
