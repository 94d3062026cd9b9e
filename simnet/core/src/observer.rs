//! Those who watch.

use base::{Instant, InterfaceAddress, InterfaceKind};

use crate::{
    event::Event,
    id::{HopId, NodeId},
};

/// Watches every [`Event`] of a run.
///
/// The network is generic over its observer: with `()`, the default, nothing is built and nothing is
/// called. Two observers watch together as a pair.
pub trait Observer {
    /// Called once, before the first event.
    fn start(&mut self, topology: &Topology) {
        let _ = topology;
    }

    /// Called when an interface has moved to another segment, with what is there now. Ids stay; a new one
    /// may have come to the end of the list of interfaces.
    fn rewired(&mut self, topology: &Topology) {
        let _ = topology;
    }

    /// Called for every event, in order; `at` never goes back.
    fn on(&mut self, at: Instant, event: &Event<'_>);

    /// Whether events are wanted at all.
    fn enabled(&self) -> bool {
        true
    }
}

impl Observer for () {
    #[inline]
    fn on(&mut self, _: Instant, _: &Event<'_>) {}

    #[inline]
    fn enabled(&self) -> bool {
        false
    }
}

impl<A: Observer, B: Observer> Observer for (A, B) {
    fn start(&mut self, topology: &Topology) {
        self.0.start(topology);
        self.1.start(topology);
    }

    fn rewired(&mut self, topology: &Topology) {
        self.0.rewired(topology);
        self.1.rewired(topology);
    }

    fn on(&mut self, at: Instant, event: &Event<'_>) {
        self.0.on(at, event);
        self.1.on(at, event);
    }

    fn enabled(&self) -> bool {
        self.0.enabled() || self.1.enabled()
    }
}

impl<O: Observer> Observer for Option<O> {
    fn start(&mut self, topology: &Topology) {
        if let Some(observer) = self {
            observer.start(topology);
        }
    }

    fn rewired(&mut self, topology: &Topology) {
        if let Some(observer) = self {
            observer.rewired(topology);
        }
    }

    fn on(&mut self, at: Instant, event: &Event<'_>) {
        if let Some(observer) = self {
            observer.on(at, event);
        }
    }

    fn enabled(&self) -> bool {
        self.as_ref().is_some_and(Observer::enabled)
    }
}

impl<O: Observer + ?Sized> Observer for Box<O> {
    fn start(&mut self, topology: &Topology) {
        (**self).start(topology);
    }

    fn rewired(&mut self, topology: &Topology) {
        (**self).rewired(topology);
    }

    fn on(&mut self, at: Instant, event: &Event<'_>) {
        (**self).on(at, event);
    }

    fn enabled(&self) -> bool {
        (**self).enabled()
    }
}

impl<O: Observer + ?Sized> Observer for &mut O {
    fn start(&mut self, topology: &Topology) {
        (**self).start(topology);
    }

    fn rewired(&mut self, topology: &Topology) {
        (**self).rewired(topology);
    }

    fn on(&mut self, at: Instant, event: &Event<'_>) {
        (**self).on(at, event);
    }

    fn enabled(&self) -> bool {
        (**self).enabled()
    }
}

/// The names and addresses behind the ids of events: `nodes.at(id.get())`, `hops.at(id.get())`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Topology {
    /// Seed of the run.
    pub seed: u64,
    /// All nodes, in the order of their ids.
    pub nodes: Vec<NodeInfo>,
    /// All interfaces, in the order of their ids.
    pub hops: Vec<HopInfo>,
}

impl Topology {
    /// The name of a node, such as `alice`; `?` for one that is not here.
    #[must_use]
    pub fn node_name(&self, node: NodeId) -> &str {
        self.node(node).map_or("?", |info| &info.name)
    }

    /// The name of an interface with that of its node, such as `alice.eth0`; `?` for one that is not
    /// here.
    #[must_use]
    pub fn hop_name(&self, hop: HopId) -> &str {
        self.hop(hop).map_or("?", |info| &info.name)
    }

    /// What is known of a node.
    #[must_use]
    pub fn node(&self, node: NodeId) -> Option<&NodeInfo> {
        self.nodes.get(usize::try_from(node.get()).ok()?)
    }

    /// What is known of an interface.
    #[must_use]
    pub fn hop(&self, hop: HopId) -> Option<&HopInfo> {
        self.hops.get(usize::try_from(hop.get()).ok()?)
    }
}

/// A node, for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeInfo {
    /// Its id.
    pub id: NodeId,
    /// Its name, such as `alice`.
    pub name: String,
    /// What it is.
    pub kind: NodeKind,
}

/// What a node is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NodeKind {
    /// An end of the network, with sockets.
    Host,
    /// The middle of a LAN: forwards within the segment.
    Switch,
    /// Forwards between networks.
    Router,
    /// A NAT or a firewall.
    Middlebox,
}

/// An interface, for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HopInfo {
    /// Its id.
    pub id: HopId,
    /// The node it belongs to.
    pub node: NodeId,
    /// The interface at the other end of its wire.
    pub peer: HopId,
    /// Its name with that of the node, such as `alice.eth0`.
    pub name: String,
    /// What it is made of.
    pub kind: InterfaceKind,
    /// Largest IP packet in bytes that it carries.
    pub mtu: u32,
    /// Its addresses; a switch has none.
    pub addresses: Vec<InterfaceAddress>,
}
