//! Hosts that do not hear each other.

use crate::{
    event::{Changed, Event},
    id::NodeId,
    network::Network,
    node::Role,
    observer::Observer,
    packet::Packet,
};

/// Two sides that are cut off from each other.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Partition {
    /// Hosts of each side, in the order of their ids.
    one: Vec<NodeId>,
    other: Vec<NodeId>,
}

impl<O: Observer> Network<O> {
    pub(crate) fn partition(&mut self, one: &[NodeId], other: &[NodeId]) {
        let cut = self.sides(one, other);
        if cut.one.is_empty() || cut.other.is_empty() || self.partitions.contains(&cut) {
            return;
        }
        self.tell_sides(&cut, |others| Changed::Partitioned { others });
        self.partitions.push(cut);
    }

    pub(crate) fn heal(&mut self, one: &[NodeId], other: &[NodeId]) {
        let cut = self.sides(one, other);
        let Some(at) = self.partitions.iter().position(|known| *known == cut) else { return };
        self.partitions.swap_remove(at);
        self.tell_sides(&cut, |others| Changed::Healed { others });
    }

    /// Whether the packet comes from a host that `node` cannot hear.
    pub(crate) fn is_cut_off(&self, packet: &Packet, node: NodeId) -> bool {
        let within = |side: &[NodeId], node: NodeId| side.binary_search(&node).is_ok();
        self.partitions.iter().any(|cut| {
            let origin = packet.origin;
            (within(&cut.one, origin) && within(&cut.other, node))
                || (within(&cut.other, origin) && within(&cut.one, node))
        })
    }

    fn sides(&self, one: &[NodeId], other: &[NodeId]) -> Partition {
        let (one, other) = (self.hosts_of(one), self.hosts_of(other));
        if one <= other { Partition { one, other } } else { Partition { one: other, other: one } }
    }

    /// The hosts among the nodes, and those attached to segments among them.
    fn hosts_of(&self, nodes: &[NodeId]) -> Vec<NodeId> {
        let mut hosts = Vec::new();
        for &node in nodes {
            let at = self.nodes.at(node);
            match &at.role {
                Role::Host(_) => hosts.push(node),
                Role::Switch(_) => hosts.extend(self.attached_hosts(node)),
                Role::Router if at.is_wan() => hosts.extend(self.attached_hosts(node)),
                Role::Router | Role::Middlebox(_) => {}
            }
        }
        hosts.sort_unstable();
        hosts.dedup();
        hosts
    }

    fn attached_hosts(&self, segment: NodeId) -> impl Iterator<Item = NodeId> + '_ {
        let far = |&port| self.hops.at(self.hops.at(port).peer).node;
        let nodes = self.nodes.at(segment).hops.iter().map(far);
        nodes.filter(|&node| self.nodes.at(node).host().is_some())
    }

    fn tell_sides(&mut self, cut: &Partition, changed: impl Fn(Vec<NodeId>) -> Changed) {
        for &node in &cut.one {
            let changed = changed(cut.other.clone());
            self.watch.on(self.now, &Event::Changed { node, changed: &changed });
        }
    }
}
