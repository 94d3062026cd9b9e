//! Which column a host or box gets.

use crate::{
    id::NodeId,
    observer::{HopInfo, NodeInfo, NodeKind, Topology},
};

/// The hosts and boxes in the order of their columns: those behind the first box and the box itself,
/// what is in between, then the other boxes and those behind them.
pub(super) fn arrange(topology: &Topology) -> Vec<NodeId> {
    let mut seen = Vec::new();
    let mut groups = Vec::new();
    // The outermost boxes first take what is behind them; a box behind a box is not looked at again.
    for node in topology.nodes.iter().rev().filter(|node| node.kind == NodeKind::Middlebox) {
        if seen.contains(&node.id) || is_behind_a_box(topology, node.id) {
            continue;
        }
        let mut group = Vec::new();
        gather(topology, node.id, &mut seen, &mut group);
        groups.insert(0, group);
    }
    let between = |node: &&NodeInfo| node.kind == NodeKind::Host && !seen.contains(&node.id);
    let between: Vec<_> = topology.nodes.iter().filter(between).map(|node| node.id).collect();
    let mut groups = groups.into_iter();
    let mut order = groups.next().unwrap_or_default();
    order.extend(between);
    for group in groups {
        order.extend(group.into_iter().rev());
    }
    order
}

/// Puts what is behind the box `node` before it.
fn gather(topology: &Topology, node: NodeId, seen: &mut Vec<NodeId>, group: &mut Vec<NodeId>) {
    if seen.contains(&node) {
        return;
    }
    seen.push(node);
    let behind = |hop: &&HopInfo| Some(middle(topology, hop)) == inside_of(topology, node);
    for hop in topology.hops.iter().filter(behind) {
        match topology.node(hop.node).map(|info| info.kind) {
            Some(NodeKind::Middlebox) => gather(topology, hop.node, seen, group),
            Some(NodeKind::Host) if !seen.contains(&hop.node) => {
                seen.push(hop.node);
                group.push(hop.node);
            }
            _ => {}
        }
    }
    group.push(node);
}

/// Whether an interface of the box `node` is on the inside of another.
fn is_behind_a_box(topology: &Topology, node: NodeId) -> bool {
    let own: Vec<_> = topology.hops.iter().filter(|hop| hop.node == node).collect();
    own.iter().skip(1).any(|hop| {
        let middle = middle(topology, hop);
        let boxes = topology.nodes.iter().filter(|other| other.kind == NodeKind::Middlebox);
        boxes
            .filter(|other| other.id != node)
            .any(|other| inside_of(topology, other.id) == Some(middle))
    })
}

/// The node at the other end of the wire of `hop`.
fn middle(topology: &Topology, hop: &HopInfo) -> Option<NodeId> {
    topology.hop(hop.peer).map(|peer| peer.node)
}

/// The middle of the segment on the inside of the box `node`: that of its first interface.
fn inside_of(topology: &Topology, node: NodeId) -> Option<Option<NodeId>> {
    let own = topology.hops.iter().find(|hop| hop.node == node)?;
    Some(middle(topology, own))
}
