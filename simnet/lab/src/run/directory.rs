//! Who is where.

use std::{
    collections::BTreeMap,
    net::{IpAddr, SocketAddr},
};

use simnet::{HopId, NodeKind, Topology};

/// The addresses of all hosts, and the interfaces of all parts.
#[derive(Clone, Debug, Default)]
pub(crate) struct Directory {
    addresses: BTreeMap<String, Vec<IpAddr>>,
    /// Name of the interface, its node, and the node at the other end.
    hops: Vec<(HopId, String, String, String)>,
}

impl Directory {
    pub(crate) fn of(topology: &Topology) -> Self {
        let mut directory = Self::default();
        for hop in &topology.hops {
            let node = topology.node_name(hop.node);
            let peer = topology.hop(hop.peer).map_or("?", |peer| topology.node_name(peer.node));
            directory.hops.push((hop.id, hop.name.clone(), node.to_owned(), peer.to_owned()));
            let is_host = topology.node(hop.node).is_some_and(|it| it.kind == NodeKind::Host);
            if is_host {
                let known = directory.addresses.entry(node.to_owned()).or_default();
                let ips = hop.addresses.iter().map(|address| address.ip);
                known.extend(ips.filter(|ip| !ip.is_loopback()));
            }
        }
        directory
    }

    /// Where `bob`, `bob:5000` or an address with a port is; IPv4 first.
    pub(crate) fn resolve(&self, target: &str, port: u16) -> Option<SocketAddr> {
        if let Ok(address) = target.parse() {
            return Some(address);
        }
        let (name, port) = match target.split_once(':') {
            Some((name, port)) => (name, port.parse().ok()?),
            None => (target, port),
        };
        let ips = self.addresses.get(name)?;
        let ip = ips.iter().find(|ip| ip.is_ipv4()).or_else(|| ips.first())?;
        Some(SocketAddr::new(*ip, port))
    }

    /// As [`resolve`](Directory::resolve), with one address of each family.
    pub(crate) fn resolve_all(&self, target: &str, port: u16) -> Vec<SocketAddr> {
        let Some(first) = self.resolve(target, port) else { return Vec::new() };
        let name = target.split(':').next().unwrap_or(target);
        let ips = self.addresses.get(name).map(Vec::as_slice).unwrap_or_default();
        let other = ips.iter().find(|ip| ip.is_ipv4() != first.is_ipv4());
        let other = other.filter(|_| target.parse::<SocketAddr>().is_err());
        std::iter::once(first).chain(other.map(|ip| SocketAddr::new(*ip, first.port()))).collect()
    }

    /// The parts that `name`, a part or an interface, is attached to.
    pub(crate) fn attached(&self, name: &str) -> Vec<&str> {
        // A loopback leads nowhere else.
        let fits = |(_, hop, node, peer): &&(HopId, String, String, String)| {
            (node == name || hop == name) && node != peer
        };
        let mut peers: Vec<_> =
            self.hops.iter().filter(fits).map(|(.., peer)| peer.as_str()).collect();
        peers.dedup();
        peers
    }

    /// The interface by which `from` (`alice`, or `alice.eth1`) leads to `to`.
    pub(crate) fn between(&self, from: &str, to: &str) -> Option<HopId> {
        let to_node = to.split('.').next().unwrap_or(to);
        let fits = |(_, name, node, peer): &&(HopId, String, String, String)| {
            (node == from || name == from) && peer == to_node
        };
        self.hops.iter().find(fits).map(|(hop, ..)| *hop)
    }
}
