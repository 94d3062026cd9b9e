//! What a firewall remembers: flows, and when each ends.
//!
//! This file keeps the books and knows no policy. Nothing happens when a flow ends, so that its end
//! needs no alarm: ends that have come are found when the next packet is judged.

use std::{
    cmp::Reverse,
    collections::BinaryHeap,
    net::{IpAddr, SocketAddr},
};

use base::Instant;

use super::{config::Direction, flow::Flow};
use crate::{
    nat::{
        hash::Map,
        slab::{Id, Slab},
    },
    packet::{Packet, Protocol},
};

/// A flow as seen from the protected side. The ports of an ICMP query are its identifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Key {
    pub(super) protocol: Protocol,
    pub(super) inside: SocketAddr,
    pub(super) outside: SocketAddr,
}

impl Key {
    pub(super) fn of(direction: Direction, packet: &Packet) -> Self {
        Self::between(packet.protocol(), direction, packet.source(), packet.destination())
    }

    /// The flow of a packet from `source` to `destination`.
    pub(super) const fn between(
        protocol: Protocol,
        direction: Direction,
        source: SocketAddr,
        destination: SocketAddr,
    ) -> Self {
        match direction {
            Direction::Outbound => Self { protocol, inside: source, outside: destination },
            Direction::Inbound => Self { protocol, inside: destination, outside: source },
        }
    }
}

/// The books.
#[derive(Debug, Default)]
pub(super) struct Table {
    flows: Slab<(Key, Flow)>,
    by_key: Map<Key, Id>,
    /// How many flows an inside endpoint has.
    endpoints: Map<(Protocol, SocketAddr), u32>,
    /// How many flows an inside endpoint has with an outside address.
    peers: Map<(Protocol, SocketAddr, IpAddr), u32>,
    /// How many flows an inside address has.
    hosts: Map<IpAddr, u32>,
    /// When flows may end; corrected when the time has come.
    ends: BinaryHeap<Reverse<(Instant, Id)>>,
}

impl Table {
    pub(super) const fn len(&self) -> usize {
        self.flows.len()
    }

    pub(super) fn find(&self, key: &Key) -> Option<Id> {
        self.by_key.get(key).copied()
    }

    pub(super) fn flow_mut(&mut self, id: Id) -> Option<&mut Flow> {
        self.flows.get_mut(id).map(|(_, flow)| flow)
    }

    /// All flows, for inspection.
    pub(super) fn flows(&self) -> impl Iterator<Item = &(Key, Flow)> {
        self.flows.iter().map(|(_, entry)| entry)
    }

    /// Whether the inside endpoint has any flow.
    pub(super) fn has_flows(&self, key: &Key) -> bool {
        self.endpoints.contains_key(&(key.protocol, key.inside))
    }

    /// Whether the inside endpoint has a flow with any port of the outside address.
    pub(super) fn has_peer(&self, key: &Key) -> bool {
        self.peers.contains_key(&(key.protocol, key.inside, key.outside.ip()))
    }

    pub(super) fn flows_of(&self, host: IpAddr) -> usize {
        self.hosts.get(&host).map_or(0, |count| usize::try_from(*count).unwrap_or(usize::MAX))
    }

    pub(super) fn insert(&mut self, key: Key, flow: Flow) {
        let deadline = flow.deadline;
        let id = self.flows.insert((key, flow));
        self.by_key.insert(key, id);
        *self.endpoints.entry((key.protocol, key.inside)).or_insert(0) += 1;
        *self.peers.entry((key.protocol, key.inside, key.outside.ip())).or_insert(0) += 1;
        *self.hosts.entry(key.inside.ip()).or_insert(0) += 1;
        self.ends.push(Reverse((deadline, id)));
    }

    /// Lets a flow end at `deadline`, which may be earlier than it would have.
    pub(super) fn set_deadline(&mut self, id: Id, deadline: Instant) {
        let Some((_, flow)) = self.flows.get_mut(id) else { return };
        // A later end is found when the earlier one comes up; flows turn back at most twice in their
        // lives, so that the heap stays in proportion.
        if deadline < flow.deadline {
            self.ends.push(Reverse((deadline, id)));
        }
        flow.deadline = deadline;
    }

    pub(super) fn remove(&mut self, id: Id) {
        let Some((key, _)) = self.flows.remove(id) else { return };
        self.by_key.remove(&key);
        uncount(&mut self.endpoints, &(key.protocol, key.inside));
        uncount(&mut self.peers, &(key.protocol, key.inside, key.outside.ip()));
        uncount(&mut self.hosts, &key.inside.ip());
    }

    /// Removes the flows whose time is up.
    pub(super) fn expire(&mut self, now: Instant) {
        while let Some(&Reverse((end, id))) = self.ends.peek() {
            if end > now {
                return;
            }
            self.ends.pop();
            // The end proper; none if the flow went another way.
            let Some((_, flow)) = self.flows.get(id) else { continue };
            if flow.deadline > now {
                self.ends.push(Reverse((flow.deadline, id)));
            } else {
                self.remove(id);
            }
        }
    }

    /// Whether every flow can be found and is counted; says what is wrong.
    pub(super) fn audit(&self) -> Result<(), String> {
        let mut endpoints = std::collections::BTreeMap::new();
        for (id, (key, _)) in self.flows.iter() {
            if self.find(key) != Some(id) {
                return Err(format!("the flow {key:?} cannot be found"));
            }
            *endpoints.entry((key.protocol, key.inside)).or_insert(0_u32) += 1;
        }
        let all = [
            (self.by_key.len(), self.flows.len(), "flows by key"),
            (self.endpoints.len(), endpoints.len(), "inside endpoints"),
        ];
        for (have, want, what) in all {
            if have != want {
                return Err(format!("{have} {what} instead of {want}"));
            }
        }
        for (endpoint, count) in endpoints {
            if self.endpoints.get(&endpoint) != Some(&count) {
                return Err(format!(
                    "{endpoint:?} has {count} flows, which is not what is counted"
                ));
            }
        }
        Ok(())
    }
}

/// Counts one less, and forgets what has come to nothing.
fn uncount<K: Eq + std::hash::Hash>(counts: &mut Map<K, u32>, key: &K) {
    if let Some(count) = counts.get_mut(key) {
        *count -= 1;
        if *count == 0 {
            counts.remove(key);
        }
    }
}
