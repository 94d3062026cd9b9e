//! Who knows the way to what: worked out when the world is built, and again when routers or boxes change.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::{
    id::{HopId, NodeId},
    node::{Hop, Node, Role},
    prefix::Prefix,
    route::{Route, RouteTable},
    table::Table,
};

/// The parts of a world that routes are made of.
#[derive(Debug)]
pub(crate) struct Wiring<'a> {
    pub(crate) nodes: &'a mut Table<NodeId, Node>,
    pub(crate) hops: &'a Table<HopId, Hop>,
}

/// Fills all route tables anew.
pub(crate) fn connect(site: &mut Wiring<'_>) {
    for node in site.nodes.keys() {
        site.nodes.at_mut(node).routes = RouteTable::default();
        connect_node(site, node);
    }
    for node in site.nodes.keys() {
        add_defaults(site, node);
        add_fixed(site, node);
    }
    // Each round carries knowledge one router further; more rounds than nodes cannot be needed.
    for _ in 0..site.nodes.len() {
        if !spread(site) {
            break;
        }
    }
}

/// Fills the route table of one host anew.
pub(crate) fn connect_host(site: &mut Wiring<'_>, node: NodeId) {
    site.nodes.at_mut(node).routes = RouteTable::default();
    connect_node(site, node);
    add_defaults(site, node);
    add_fixed(site, node);
}

/// The interface of a node on whose segment `gateway` is.
pub(crate) fn towards(site: &Wiring<'_>, node: NodeId, gateway: IpAddr) -> Option<HopId> {
    let reaches = |hop: HopId| {
        site.hops.at(hop).addresses.iter().any(|address| {
            Prefix::new(address.ip, address.prefix).is_some_and(|prefix| prefix.contains(gateway))
        })
    };
    site.nodes.at(node).hops.iter().copied().find(|&hop| reaches(hop))
}

/// Routes that the description or the caller fixed; a low metric puts them before the automatic ones.
fn add_fixed(site: &mut Wiring<'_>, node: NodeId) {
    let at = site.nodes.at_mut(node);
    for &(prefix, route) in &at.fixed {
        // As when it was added: the last one that was given for a prefix and an interface counts.
        at.routes.remove(prefix, route.hop);
        at.routes.add(prefix, route);
    }
}

/// Routes to what is on the node's own segments.
fn connect_node(site: &mut Wiring<'_>, node: NodeId) {
    let wan = is_wan(site, node);
    for hop in site.nodes.at(node).hops.clone() {
        if wan {
            // Everything attached has a wire of its own.
            for address in site.hops.at(site.hops.at(hop).peer).addresses.clone() {
                let route = Route { hop, gateway: None, metric: 0 };
                site.nodes.at_mut(node).routes.add(Prefix::host(address.ip), route);
            }
            continue;
        }
        for address in site.hops.at(hop).addresses.clone() {
            if let Some(prefix) = Prefix::new(address.ip, address.prefix) {
                site.nodes.at_mut(node).routes.add(prefix, Route { hop, gateway: None, metric: 0 });
            }
        }
    }
}

/// Routes to everything else: the wide-area network itself, or the first router or box on a LAN.
fn add_defaults(site: &mut Wiring<'_>, node: NodeId) {
    if is_wan(site, node) || matches!(site.nodes.at(node).role, Role::Switch(_)) {
        return;
    }
    for (order, hop) in (1..).zip(site.nodes.at(node).hops.clone()) {
        let metric = site.hops.at(hop).metric.unwrap_or(order);
        for ipv6 in [false, true] {
            let of_family = |address: &base::InterfaceAddress| address.ip.is_ipv6() == ipv6;
            if !site.hops.at(hop).addresses.iter().any(of_family) {
                continue;
            }
            let middle = site.hops.at(site.hops.at(hop).peer).node;
            let route = match &site.nodes.at(middle).role {
                Role::Switch(_) => {
                    let Some(gateway) = gateway_of(site, middle, node, ipv6) else { continue };
                    Route { hop, gateway: Some(gateway), metric }
                }
                _ => Route { hop, gateway: None, metric },
            };
            site.nodes.at_mut(node).routes.add(everything(ipv6), route);
        }
    }
}

/// The address of whoever leads `node` out of the LAN `middle`: for hosts the first router or box with
/// its inside there; routers look for a box, because other routers tell them what they know.
fn gateway_of(site: &Wiring<'_>, middle: NodeId, node: NodeId, ipv6: bool) -> Option<IpAddr> {
    let for_router = matches!(site.nodes.at(node).role, Role::Router);
    site.nodes.at(middle).hops.iter().find_map(|&port| {
        let hop = &site.hops.at(site.hops.at(port).peer);
        let leads = match &site.nodes.at(hop.node).role {
            Role::Router => !for_router,
            Role::Middlebox(_) => hop.side == 0,
            Role::Host(_) | Role::Switch(_) => false,
        };
        if !leads || hop.node == node {
            return None;
        }
        hop.addresses.iter().map(|address| address.ip).find(|ip| ip.is_ipv6() == ipv6)
    })
}

/// Lets every router and box learn from the routers next to it; says whether anybody learned anything.
fn spread(site: &mut Wiring<'_>) -> bool {
    let mut learned = false;
    for node in site.nodes.keys() {
        if !matches!(site.nodes.at(node).role, Role::Router | Role::Middlebox(_)) {
            continue;
        }
        for hop in site.nodes.at(node).hops.clone() {
            for teacher in teachers(site, hop) {
                learned |= learn(site, node, hop, teacher);
            }
        }
    }
    learned
}

/// The interfaces of routers, and the outsides of boxes, on the segment of `hop`.
fn teachers(site: &Wiring<'_>, hop: HopId) -> Vec<HopId> {
    let peer = site.hops.at(hop).peer;
    let middle = site.hops.at(peer).node;
    let teaches = |hop: HopId| match &site.nodes.at(site.hops.at(hop).node).role {
        Role::Router => true,
        Role::Middlebox(_) => site.hops.at(hop).side != 0,
        Role::Host(_) | Role::Switch(_) => false,
    };
    let mut teachers = vec![peer];
    if matches!(site.nodes.at(middle).role, Role::Switch(_)) {
        let ports = site.nodes.at(middle).hops.iter().filter(|&&port| port != peer);
        teachers = ports.map(|&port| site.hops.at(port).peer).collect();
    }
    teachers.retain(|&hop| teaches(hop));
    teachers
}

fn learn(site: &mut Wiring<'_>, node: NodeId, hop: HopId, teacher: HopId) -> bool {
    let to_wan = is_wan(site, node);
    let from = site.hops.at(teacher).node;
    // What a wide-area network knows is behind the default route that everybody on it has.
    if is_wan(site, from) {
        return false;
    }
    let mut learned = false;
    for (prefix, route) in teaching(site, from) {
        let gateway = site
            .hops
            .at(teacher)
            .addresses
            .iter()
            .map(|address| address.ip)
            .find(|ip| ip.is_ipv6() == prefix.ip().is_ipv6());
        // A router does not teach the way back to where it would be taught.
        if route.hop == teacher || gateway.is_none() || (to_wan && prefix.length() == 0) {
            continue;
        }
        let gateway = if to_wan { None } else { gateway };
        let metric = route.metric + 1;
        learned |= site.nodes.at_mut(node).routes.add(prefix, Route { hop, gateway, metric });
    }
    learned
}

/// What a router knows, or what a box says about its inside.
fn teaching(site: &Wiring<'_>, node: NodeId) -> Vec<(Prefix, Route)> {
    let known = site.nodes.at(node).routes.iter();
    let Role::Middlebox(middle) = &site.nodes.at(node).role else { return known.collect() };
    let Some(&inside) = site.nodes.at(node).hops.first() else { return Vec::new() };
    let inner = known.filter(|(prefix, route)| route.hop == inside && prefix.length() > 0);
    let prefixes: Vec<_> = inner.map(|(prefix, _)| prefix).collect();
    let route = Route { hop: inside, gateway: None, metric: 0 };
    let announced = middle.middlebox.announces(&prefixes).into_iter();
    announced.map(|prefix| (prefix, route)).collect()
}

fn is_wan(site: &Wiring<'_>, node: NodeId) -> bool {
    site.nodes.at(node).is_wan()
}

pub(crate) fn everything(ipv6: bool) -> Prefix {
    let zero: IpAddr =
        if ipv6 { Ipv6Addr::UNSPECIFIED.into() } else { Ipv4Addr::UNSPECIFIED.into() };
    Prefix::new(zero, 0).expect("a length of 0 fits every address")
}
