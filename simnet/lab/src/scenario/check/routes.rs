//! Whether the routes that a scenario adds lead anywhere, and not in a circle.

use std::net::IpAddr;

use simnet::{Prefix, Topology};

use super::Finding;
use crate::scenario::{Route, Scenario};

/// A route that was written down, and where.
struct Written<'a> {
    path: String,
    kind: &'static str,
    owner: &'a str,
    to: Prefix,
    via: IpAddr,
}

pub(super) fn check(scenario: &Scenario, topology: &Topology) -> Vec<Finding> {
    let routes = written(scenario);
    let mut found = Vec::new();
    for route in &routes {
        if next(topology, route).is_none() {
            let message = format!("nobody next to `{}` has the address {}", route.owner, route.via);
            let finding = Finding::new(format!("{}.via", route.path), message)
                .about(route.kind, route.owner)
                .suggesting("`via` is an address of a router or box on one of its segments");
            found.push(finding);
        }
    }
    for route in &routes {
        if let Some(way) = circle(topology, &routes, route) {
            let message = format!("a route loop: packets to {} go {}", route.to, way.join(" → "));
            let finding = Finding::new(format!("{}.via", route.path), message)
                .about(route.kind, route.owner)
                .suggesting(format!("let one of them send {} elsewhere", route.to));
            found.push(finding);
            // The others of the circle would say the same.
            break;
        }
    }
    found
}

fn written(scenario: &Scenario) -> Vec<Written<'_>> {
    let routers = scenario.routers.iter().enumerate();
    let routers = routers.map(|(index, it)| ("router", index, it.name.as_str(), &it.routes));
    let hosts = scenario.hosts.iter().enumerate();
    let hosts = hosts.map(|(index, it)| ("host", index, it.name.as_str(), &it.routes));
    let all = routers.chain(hosts).flat_map(|(kind, index, owner, routes)| {
        let one = move |(number, route): (usize, &Route)| {
            let (to, via) = (route.to.parse().ok()?, route.via.parse().ok()?);
            let path = format!("{kind}[{index}].routes[{number}]");
            Some(Written { path, kind, owner, to, via })
        };
        routes.iter().enumerate().filter_map(one)
    });
    all.collect()
}

/// Who has the address that a route hands packets to, on a segment of its owner.
fn next<'t>(topology: &'t Topology, route: &Written<'_>) -> Option<&'t str> {
    let segment_of = |hop: &simnet::HopInfo| topology.hop(hop.peer).map(|peer| peer.node);
    let own = topology.hops.iter().filter(|hop| topology.node_name(hop.node) == route.owner);
    let segments: Vec<_> = own.filter_map(segment_of).collect();
    let has = |hop: &&simnet::HopInfo| hop.addresses.iter().any(|it| it.ip == route.via);
    let neighbour = topology.hops.iter().filter(has).find(|hop| {
        // It is attached to the segment, or it is the wide-area network itself.
        segments.contains(&hop.node) || segment_of(hop).is_some_and(|it| segments.contains(&it))
    });
    neighbour.map(|hop| topology.node_name(hop.node))
}

/// The way round from a route back to its owner, if there is one.
fn circle<'t>(
    topology: &'t Topology,
    routes: &[Written<'t>],
    first: &Written<'t>,
) -> Option<Vec<&'t str>> {
    let mut way = vec![first.owner];
    let mut route = first;
    for _ in 0..=routes.len() {
        let here = next(topology, route)?;
        way.push(here);
        if here == first.owner {
            return Some(way);
        }
        let on = |other: &&Written<'_>| other.owner == here && other.to.contains(first.to.ip());
        route = routes.iter().filter(on).max_by_key(|other| other.to.length())?;
    }
    None
}
