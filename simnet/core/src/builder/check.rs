//! What shows only when all parts are there: addresses twice in one realm, and routes that go round.

use std::{collections::BTreeMap, net::IpAddr};

use super::{BuildError, RoutePlan, assemble::Site, segment::parse_address};
use crate::{
    id::{HopId, NodeId},
    node::Role,
    prefix::Prefix,
    route::Route,
    routing,
};

impl Site {
    /// Two interfaces of one part need two names.
    pub(super) fn check_interfaces(&self) -> Result<(), BuildError> {
        for (_, node) in self.nodes.iter() {
            let mut names: Vec<&str> =
                node.hops.iter().map(|&hop| self.hops.at(hop).name.as_str()).collect();
            names.sort_unstable();
            let twice = names.iter().zip(names.iter().skip(1)).find(|(one, next)| one == next);
            if let Some((name, _)) = twice.filter(|_| !matches!(node.role, Role::Switch(_))) {
                let (part, name) = (node.name.clone(), (*name).to_owned());
                return Err(BuildError::DuplicateInterface { part, name });
            }
        }
        Ok(())
    }

    /// Enters the routes of the description.
    pub(super) fn fix_routes(&mut self, plans: &[RoutePlan]) -> Result<(), BuildError> {
        for RoutePlan { part, prefix, gateway } in plans {
            let found = self.nodes.iter().find(|(_, node)| node.name == *part);
            let Some((node, _)) = found else {
                let known = self.nodes.iter().map(|(_, node)| node.name.clone()).collect();
                return Err(BuildError::NoSuchPart { name: part.clone(), known });
            };
            let gateway = parse_address(part, gateway)?.0;
            let prefix = match prefix {
                Some(text) => text
                    .parse()
                    .map_err(|source| BuildError::BadPrefix { part: part.clone(), source })?,
                None => routing::everything(gateway.is_ipv6()),
            };
            let Some(hop) = routing::towards(&self.wiring(), node, gateway) else {
                let of = |&hop: &HopId| self.hops.at(hop).addresses.iter();
                let attached = self.nodes.at(node).hops.iter().flat_map(of);
                let prefixes =
                    attached.filter_map(|own| Prefix::new(own.ip, own.prefix)).map(Prefix::network);
                let (part, prefixes) = (part.clone(), prefixes.collect());
                return Err(BuildError::BadGateway { part, gateway, prefixes });
            };
            let route = Route { hop, gateway: Some(gateway), metric: 0 };
            self.nodes.at_mut(node).fixed.push((prefix, route));
        }
        Ok(())
    }

    /// Within segments that routers join, an address must mean one part.
    pub(super) fn check_realms(&self) -> Result<(), BuildError> {
        // Boxes pass one family on as it is and translate the other.
        let families = [self.realms(false), self.realms(true)];
        let mut known: BTreeMap<(NodeId, IpAddr), HopId> = BTreeMap::new();
        for (id, hop) in self.hops.iter() {
            let segment = self.hops.at(hop.peer).node;
            for address in &hop.addresses {
                let [v4, v6] = &families;
                let realms = if address.ip.is_ipv6() { v6 } else { v4 };
                let Some(&realm) = realms.get(&segment).filter(|_| segment != hop.node) else {
                    continue;
                };
                let Some(other) = known.insert((realm, address.ip), id) else { continue };
                let first = self.hops.at(other);
                if first.node == hop.node || is_link_local(address.ip) {
                    continue;
                }
                let name = |node: NodeId| self.nodes.at(node).name.clone();
                return Err(BuildError::AddressTwice {
                    part: name(hop.node),
                    segment: name(segment),
                    ip: address.ip,
                    by: name(first.node),
                    other: name(self.hops.at(first.peer).node),
                });
            }
        }
        Ok(())
    }

    /// The realm of every segment in a family, named after one segment in it.
    fn realms(&self, ipv6: bool) -> BTreeMap<NodeId, NodeId> {
        let segments = self.segments.values().map(|segment| segment.node);
        let mut realms: BTreeMap<NodeId, NodeId> = segments.map(|node| (node, node)).collect();
        for (_, node) in self.nodes.iter() {
            if node.segment.is_some() || !self.joins(node, ipv6) {
                continue;
            }
            let joined: Vec<NodeId> =
                node.hops.iter().map(|&hop| self.hops.at(self.hops.at(hop).peer).node).collect();
            let of = |segment: &NodeId| realms.get(segment).copied();
            let Some(realm) = joined.iter().filter_map(of).min() else { continue };
            let old: Vec<NodeId> = joined.iter().filter_map(of).collect();
            for entry in realms.values_mut().filter(|entry| old.contains(entry)) {
                *entry = realm;
            }
        }
        realms
    }

    /// Whether a node passes addresses of a family on as they are.
    fn joins(&self, node: &crate::node::Node, ipv6: bool) -> bool {
        match &node.role {
            Role::Router => true,
            Role::Middlebox(middle) => {
                let Some(&inside) = node.hops.first() else { return false };
                let own = self.hops.at(inside).addresses.iter();
                let own = own.filter(|own| own.ip.is_ipv6() == ipv6);
                let inside: Vec<Prefix> =
                    own.filter_map(|own| Prefix::new(own.ip, own.prefix)).collect();
                let announced = middle.middlebox.announces(&inside);
                announced.iter().any(|prefix| inside.contains(prefix))
            }
            Role::Host(_) | Role::Switch(_) => false,
        }
    }

    /// Routes of the description must not lead packets round in a circle.
    pub(super) fn check_loops(&self) -> Result<(), BuildError> {
        for (start, node) in self.nodes.iter() {
            for &(prefix, _) in &node.fixed {
                let samples = [prefix.nth(1), prefix.nth(200)].into_iter().flatten();
                for destination in samples {
                    if let Some(circle) = self.walk(start, destination) {
                        let name = |node: &NodeId| self.nodes.at(*node).name.clone();
                        let parts = circle.iter().map(name).collect();
                        return Err(BuildError::RouteLoop { prefix: prefix.network(), parts });
                    }
                }
            }
        }
        Ok(())
    }

    /// Where a packet comes through; `Some` if it comes to a node again.
    fn walk(&self, start: NodeId, destination: IpAddr) -> Option<Vec<NodeId>> {
        let mut path = vec![start];
        loop {
            let next = self.next_node(*path.last()?, destination, path.len() == 1)?;
            let again = path.iter().position(|&node| node == next);
            path.push(next);
            if let Some(from) = again {
                return path.get(from..).map(<[NodeId]>::to_vec);
            }
        }
    }

    /// Who gets a packet from `node` next; `None` if it ends here.
    fn next_node(&self, node: NodeId, destination: IpAddr, first: bool) -> Option<NodeId> {
        let at = self.nodes.at(node);
        let own = at.hops.iter().any(|&hop| self.hops.at(hop).has(destination));
        if own || (at.host().is_some() && !first) {
            return None;
        }
        let route = at.routes.find(destination, |_| true)?;
        let far = self.hops.at(self.hops.at(route.hop).peer);
        match &self.nodes.at(far.node).role {
            Role::Switch(switch) => {
                let port = switch.find(route.gateway.unwrap_or(destination))?;
                Some(self.hops.at(self.hops.at(port).peer).node)
            }
            Role::Host(_) | Role::Router | Role::Middlebox(_) => Some(far.node),
        }
    }
}

const fn is_link_local(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(v4) => v4.is_link_local(),
        IpAddr::V6(v6) => v6.is_unicast_link_local(),
    }
}
