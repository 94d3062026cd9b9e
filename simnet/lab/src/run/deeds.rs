//! What happens to a world.

use base::InterfaceAddress;
use simnet::{
    Change, HopId, Network, NodeId, NodeKind, Observer, Prefix, StaticRoute, nat::Nat, nat64::Nat64,
};

use super::{Deed, Directory, Life, Participant, World};
use crate::{
    presets,
    scenario::{At, Do, Link, NatAddress, NodeRoute, Route, Sides},
};

impl Deed {
    /// Whether the laboratory does it, rather than (or besides) the network.
    pub(super) const fn is_ours(&self) -> bool {
        matches!(
            self,
            Self::Begin(_)
                | Self::Do(Do::NatReboot(_) | Do::Signalling(_) | Do::Crash(_) | Do::Restart(_))
        )
    }
}

/// The changes of the network that something comes down to.
pub(super) fn changes<O: Observer>(
    net: &Network<O>,
    directory: &Directory,
    events: &[At],
    action: &Do,
) -> Vec<Change> {
    let hop = |name: &String| net.hop(name);
    match action {
        Do::LinkDown(name) => hop(name).map(Change::Down).into_iter().collect(),
        Do::LinkUp(name) => hop(name).map(Change::Up).into_iter().collect(),
        Do::Link(link) => directions(directory, link),
        Do::AddressAdd(it) => {
            let hop = hop(&it.interface);
            let added =
                hop.and_then(|hop| Some(Change::AddAddress(hop, address(net, hop, &it.address)?)));
            added.into_iter().collect()
        }
        Do::AddressRemove(it) => {
            let ip = it.address.parse().ok();
            let removed = hop(&it.interface).zip(ip);
            removed.map(|(hop, ip)| Change::RemoveAddress(hop, ip)).into_iter().collect()
        }
        Do::RouteAdd(it) => {
            let added = route(net, it).map(|(node, route)| Change::AddRoute(node, route));
            added.into_iter().collect()
        }
        Do::RouteRemove(it) => {
            let removed = route(net, it);
            let removed = removed.map(|(node, it)| Change::RemoveRoute(node, it.prefix, it.hop));
            removed.into_iter().collect()
        }
        Do::Crash(name) => net.find(name).map(Change::Crash).into_iter().collect(),
        Do::Restart(name) => net.find(name).map(Change::Restart).into_iter().collect(),
        Do::NatAddress(it) => nat_address(net, events, it),
        Do::Partition(sides) => {
            let (one, other) = both(net, sides);
            vec![Change::Partition(one, other)]
        }
        Do::Heal(sides) => {
            let (one, other) = both(net, sides);
            vec![Change::Heal(one, other)]
        }
        Do::NatReboot(_) | Do::Signalling(_) => Vec::new(),
    }
}

/// The two directions of a link.
fn directions(directory: &Directory, link: &Link) -> Vec<Change> {
    let (one, other) = (&link.between.0, &link.between.1);
    let ends = [("up", one, other), ("down", other, one)];
    let changes = ends.into_iter().filter_map(|(direction, from, to)| {
        let hop = directory.between(from, to)?;
        Some(Change::Link(hop, Box::new(presets::link(link, direction).ok()?)))
    });
    changes.collect()
}

/// An address with the prefix of the interface, or else of its own.
fn address<O: Observer>(net: &Network<O>, hop: HopId, text: &str) -> Option<InterfaceAddress> {
    let ip = text.parse().ok()?;
    let known = net.topology().hop(hop).map(|hop| hop.addresses.as_slice()).unwrap_or_default();
    let same = known
        .iter()
        .find(|it| Prefix::new(it.ip, it.prefix).is_some_and(|prefix| prefix.contains(ip)));
    let prefix = same.map_or_else(|| Prefix::host(ip).length(), |it| it.prefix);
    Some(InterfaceAddress::new(ip, prefix))
}

fn route<O: Observer>(net: &Network<O>, it: &NodeRoute) -> Option<(NodeId, StaticRoute)> {
    let hop = net.hop(&it.interface)?;
    let via = it.via.as_ref().and_then(|via| via.parse().ok());
    let node = net.topology().hop(hop)?.node;
    Some((node, StaticRoute::new(it.to.parse().ok()?, hop, via)))
}

/// The new address comes before the old ones go, so that the box is never without.
/// Another address instead of the one the box began with, and of those that other events give it.
fn nat_address<O: Observer>(net: &Network<O>, events: &[At], it: &NatAddress) -> Vec<Change> {
    let Some(hop) = net.hop(&format!("{}.outside", it.nat)) else { return Vec::new() };
    let Some(new) = address(net, hop, &it.address) else { return Vec::new() };
    let old = net.topology().hop(hop).map(|hop| hop.addresses.clone()).unwrap_or_default();
    let given = events.iter().filter_map(|event| match &event.action {
        Do::NatAddress(other) if other.nat == it.nat => other.address.parse().ok(),
        _ => None,
    });
    let gone = old.into_iter().map(|old| old.ip).chain(given);
    let gone = gone.filter(|ip| *ip != new.ip && ip.is_ipv4() == new.ip.is_ipv4());
    let gone = gone.map(|ip| Change::RemoveAddress(hop, ip));
    [Change::AddAddress(hop, new)].into_iter().chain(gone).collect()
}

/// A segment among the sides stands for the hosts attached to it.
fn both<O: Observer>(net: &Network<O>, sides: &Sides) -> (Vec<NodeId>, Vec<NodeId>) {
    let nodes = |names: &[String]| names.iter().filter_map(|name| net.find(name)).collect();
    (nodes(&sides.one), nodes(&sides.other))
}

impl<O: Observer> World<O> {
    /// Gives nodes the routes that the scenario wrote down.
    pub(super) fn lay_routes(&mut self) {
        let routers = self.scenario.routers.iter().map(|it| (&it.name, &it.routes));
        let hosts = self.scenario.hosts.iter().map(|it| (&it.name, &it.routes));
        let all = routers.chain(hosts).flat_map(|(name, routes)| {
            let node = self.net.find(name);
            routes.iter().filter_map(move |route| Some((node?, route)))
        });
        let changes: Vec<_> =
            all.filter_map(|(node, route)| static_route(&self.net, node, route)).collect();
        for change in changes {
            self.net.change(change);
        }
    }

    /// Does what is the laboratory's own.
    pub(super) fn perform(&mut self, action: &Do) {
        match action {
            Do::NatReboot(name) => {
                if let Some(node) = self.net.find(name) {
                    self.net.with_middlebox(node, |nat: &mut Nat, _| nat.reboot());
                    self.net.with_middlebox(node, |nat: &mut Nat64, _| nat.reboot());
                }
            }
            Do::Crash(name) => {
                if let Some(participant) = self.participant(name) {
                    participant.life = Life::Crashed;
                }
            }
            Do::Restart(name) => {
                let crashed = |it: &&mut Participant| it.life == Life::Crashed;
                if let Some(participant) = self.participant(name).filter(crashed) {
                    participant.life = Life::Waiting;
                    let (node, acts) = (participant.node, participant.role.begins().is_some());
                    if acts {
                        self.begin(node);
                    }
                }
            }
            Do::Signalling(signalling) => self.post.change(signalling),
            Do::LinkDown(_)
            | Do::LinkUp(_)
            | Do::Link(_)
            | Do::AddressAdd(_)
            | Do::AddressRemove(_)
            | Do::RouteAdd(_)
            | Do::RouteRemove(_)
            | Do::NatAddress(_)
            | Do::Partition(_)
            | Do::Heal(_) => {}
        }
    }
}

/// A route by the interface on whose segment the next router is.
fn static_route<O: Observer>(net: &Network<O>, node: NodeId, route: &Route) -> Option<Change> {
    let (prefix, via) = (route.to.parse().ok()?, route.via.parse().ok()?);
    let reaches = |it: &InterfaceAddress| {
        Prefix::new(it.ip, it.prefix).is_some_and(|prefix| prefix.contains(via))
    };
    let topology = net.topology();
    let own = topology.hops.iter().filter(|hop| hop.node == node);
    let hop = own.into_iter().find(|hop| hop.addresses.iter().any(reaches))?;
    let segment = topology.hop(hop.peer)?;
    // A wide-area network forwards by itself: whoever is attached to it is one hop away.
    let wan = topology.node(segment.node).is_some_and(|it| it.kind == NodeKind::Router);
    Some(Change::AddRoute(node, StaticRoute::new(prefix, hop.id, (!wan).then_some(via))))
}
