//! What NATs remembered, and for how long.

mod gantt;
mod table;

use std::{collections::BTreeMap, net::SocketAddr};

use base::Instant;

use crate::{
    event::{Event, NatEvent, Place},
    id::NodeId,
    observer::{Observer, Topology},
    packet::{Packet, Protocol},
};

/// Mappings that are kept; whoever makes more does not read them one by one.
const MAX_BINDINGS: usize = 4_096;
/// Moments of one kind that are kept for one mapping.
const MAX_MOMENTS: usize = 512;

/// Follows the mappings of every NAT: when they began, whom they let in, what they turned away, how long
/// they lived. Leaves a [table](Bindings::table) and a [drawing](Bindings::gantt) with a row each.
#[derive(Clone, Debug, Default)]
pub struct Bindings {
    topology: Topology,
    bindings: Vec<Binding>,
    /// Where the living ones are, and how many sessions each stands for.
    live: BTreeMap<(NodeId, SocketAddr, SocketAddr), (usize, u32)>,
    reboots: Vec<(NodeId, Instant)>,
    /// Mappings that were not kept.
    omitted: usize,
    /// The time of the last event.
    end: Instant,
}

/// The life of one mapping.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Binding {
    /// The box that made it.
    pub node: NodeId,
    /// Its protocol.
    pub protocol: Protocol,
    /// Inside address and port.
    pub internal: SocketAddr,
    /// Outside address and port.
    pub external: SocketAddr,
    /// The destination that caused it.
    pub remote: SocketAddr,
    /// When it began.
    pub since: Instant,
    /// Who was let in, and from when on.
    pub permits: Vec<(Instant, SocketAddr)>,
    /// When its timer started again; the first few hundred times.
    pub refreshes: Vec<Instant>,
    /// When it will end, or would have ended, if nothing more happens.
    pub expires: Option<Instant>,
    /// Packets from outside that were turned away at it: when, and from whom.
    pub refused: Vec<(Instant, SocketAddr)>,
    /// When and how it ended.
    pub ended: Option<(Instant, Ending)>,
}

/// How a mapping ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Ending {
    /// Its timer ran out, or its place was needed.
    Expired,
    /// The box lost its state.
    Rebooted,
}

impl Bindings {
    /// Nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Every mapping in the order in which they began.
    #[must_use]
    pub fn all(&self) -> &[Binding] {
        &self.bindings
    }

    /// A text with a table for each NAT: mappings, times in milliseconds, who was let in, what was
    /// turned away.
    #[must_use]
    pub fn table(&self) -> String {
        table::render(self)
    }

    /// A drawing over time: a bar for each mapping, whom it let in, its refreshes, what it turned away,
    /// its end. Empty if there was no mapping.
    #[must_use]
    pub fn gantt(&self) -> String {
        gantt::render(self)
    }

    /// The boxes that made mappings, in the order of their ids, with their mappings.
    fn boxes(&self) -> impl Iterator<Item = (NodeId, Vec<&Binding>)> {
        let of = |node: NodeId| self.bindings.iter().filter(move |binding| binding.node == node);
        let boxes = self.topology.nodes.iter().map(move |node| (node.id, of(node.id).collect()));
        boxes.filter(|(_, bindings): &(_, Vec<_>)| !bindings.is_empty())
    }

    fn nat(&mut self, at: Instant, node: NodeId, event: &NatEvent) {
        match *event {
            NatEvent::Mapped { protocol, internal, external, remote, .. } => {
                // NATs that follow sessions make one for each, with the same endpoints.
                if let Some((_, uses)) = self.live.get_mut(&(node, external, internal)) {
                    *uses += 1;
                    return;
                }
                if self.bindings.len() >= MAX_BINDINGS {
                    self.omitted += 1;
                    return;
                }
                self.live.insert((node, external, internal), (self.bindings.len(), 1));
                self.bindings.push(Binding {
                    node,
                    protocol,
                    internal,
                    external,
                    remote,
                    since: at,
                    permits: Vec::new(),
                    refreshes: Vec::new(),
                    expires: None,
                    refused: Vec::new(),
                    ended: None,
                });
            }
            NatEvent::Permitted { external, remote, .. } => {
                if let Some(binding) = self.at_external(node, external) {
                    note(&mut binding.permits, (at, remote));
                }
            }
            NatEvent::Refreshed { internal, external, expires, .. } => {
                if let Some(binding) = self.living(node, external, internal) {
                    note(&mut binding.refreshes, at);
                    binding.expires = Some(expires);
                }
            }
            NatEvent::Expired { internal, external, .. } => {
                let key = (node, external, internal);
                let Some((index, uses)) = self.live.get_mut(&key) else { return };
                *uses -= 1;
                if *uses == 0 {
                    let index = *index;
                    self.live.remove(&key);
                    self.end(index, at, Ending::Expired);
                }
            }
            NatEvent::Rebooted => {
                note(&mut self.reboots, (node, at));
                let own: Vec<_> = self.live.extract_if(.., |key, _| key.0 == node).collect();
                for (_, (index, _)) in own {
                    self.end(index, at, Ending::Rebooted);
                }
            }
            _ => {}
        }
    }

    fn end(&mut self, index: usize, at: Instant, how: Ending) {
        if let Some(binding) = self.bindings.get_mut(index) {
            binding.ended = Some((at, how));
        }
    }

    fn living(
        &mut self,
        node: NodeId,
        external: SocketAddr,
        internal: SocketAddr,
    ) -> Option<&mut Binding> {
        let (index, _) = *self.live.get(&(node, external, internal))?;
        self.bindings.get_mut(index)
    }

    /// The youngest living mapping with this external endpoint.
    fn at_external(&mut self, node: NodeId, external: SocketAddr) -> Option<&mut Binding> {
        let same = self.live.range((node, external, LOWEST)..);
        let same = same.take_while(|(key, _)| (key.0, key.1) == (node, external));
        let index = same.map(|(_, (index, _))| *index).max()?;
        self.bindings.get_mut(index)
    }

    fn refused(&mut self, at: Instant, node: NodeId, packet: &Packet) {
        if let Some(binding) = self.at_external(node, packet.destination()) {
            note(&mut binding.refused, (at, packet.source()));
        }
    }
}

/// Before every other endpoint.
const LOWEST: SocketAddr =
    SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::UNSPECIFIED), 0);

fn note<T>(moments: &mut Vec<T>, moment: T) {
    if moments.len() < MAX_MOMENTS {
        moments.push(moment);
    }
}

impl Observer for Bindings {
    fn start(&mut self, topology: &Topology) {
        self.topology = topology.clone();
    }

    fn rewired(&mut self, topology: &Topology) {
        self.topology = topology.clone();
    }

    fn on(&mut self, at: Instant, event: &Event<'_>) {
        self.end = at;
        match *event {
            Event::Nat { node, event } => self.nat(at, node, event),
            Event::Dropped { place: Place::Node(node), packet, .. } => {
                self.refused(at, node, packet);
            }
            _ => {}
        }
    }
}
