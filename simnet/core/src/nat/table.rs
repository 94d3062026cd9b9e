//! What a NAT remembers: mappings, the sessions under them, and when each ends.
//!
//! This file keeps the books and knows no policy. Every lookup a packet needs is one step in a hash
//! table; ends are found through a heap of deadlines whose entries are corrected when they come up, so
//! that refreshing a session touches the session alone.

use std::{
    cmp::Reverse,
    collections::BinaryHeap,
    hash::{Hash, Hasher},
    net::{IpAddr, SocketAddr},
};

use base::Instant;
use smallvec::SmallVec;

use super::{
    hash::Map,
    slab::{Id, Slab},
};
use crate::packet::Protocol;

/// A conversation as seen from one side of the box: an endpoint there, and the one beyond the box.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Flow {
    pub(super) protocol: Protocol,
    /// The translated endpoint: internal as seen from inside, external as seen from outside.
    pub(super) near: SocketAddr,
    /// The endpoint on the other side. ICMP queries have no port there: 0.
    pub(super) far: SocketAddr,
}

/// Which remote endpoints a mapping serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Scope {
    Any,
    Address(IpAddr),
    Endpoint(SocketAddr),
}

/// An internal endpoint and the external one that stands for it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mapping {
    pub(super) protocol: Protocol,
    pub(super) internal: SocketAddr,
    pub(super) external: SocketAddr,
    pub(super) scope: Scope,
    pub(super) deadline: Instant,
}

/// One remote endpoint that a mapping has sent to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Session {
    pub(super) mapping: Id,
    /// The flow as seen from inside.
    pub(super) inside: Flow,
    /// The flow as seen from outside.
    pub(super) outside: Flow,
    pub(super) born: Instant,
    pub(super) replied: bool,
    pub(super) deadline: Instant,
}

/// A conversation of a remote endpoint with the box itself.
#[derive(Clone, Copy, Debug)]
struct Remembered {
    flow: Flow,
    deadline: Instant,
}

/// What is known of an internal address.
#[derive(Clone, Copy, Debug)]
pub(super) struct Host {
    /// Index of its external address in the pool.
    pub(super) address: usize,
    /// How many mappings it has.
    pub(super) mappings: usize,
}

/// Something that ended.
#[derive(Clone, Copy, Debug)]
pub(super) enum Ended {
    Session,
    Remembered,
    Mapping(Mapping),
}

/// An entry of the heap. At one instant sessions end before their mapping.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Timed {
    Session(Id),
    Remembered(Id),
    Mapping(Id),
}

/// Mappings in a list that is nearly always one long.
type Ids = SmallVec<[Id; 1]>;

/// The books.
#[derive(Default)]
pub(super) struct Table {
    mappings: Slab<Mapping>,
    sessions: Slab<Session>,
    remembered: Slab<Remembered>,
    by_inside: Map<Flow, Id>,
    by_outside: Map<Flow, Id>,
    by_scope: Map<(Protocol, SocketAddr, Scope), Id>,
    by_internal: Map<(Protocol, SocketAddr), Ids>,
    by_external: Map<(Protocol, SocketAddr), Ids>,
    by_external_scope: Map<(Protocol, SocketAddr, Scope), Id>,
    remembered_by_flow: Map<Flow, Id>,
    /// How many sessions a mapping has with an address.
    peers: Map<(Id, IpAddr), u32>,
    hosts: Map<IpAddr, Host>,
    heap: BinaryHeap<Reverse<(Instant, Timed)>>,
}

impl Table {
    pub(super) const fn mapping_count(&self) -> usize {
        self.mappings.len()
    }

    pub(super) const fn session_count(&self) -> usize {
        self.sessions.len()
    }

    pub(super) const fn remembered_count(&self) -> usize {
        self.remembered.len()
    }

    pub(super) fn mapping(&self, id: Id) -> Option<&Mapping> {
        self.mappings.get(id)
    }

    pub(super) fn mapping_mut(&mut self, id: Id) -> Option<&mut Mapping> {
        self.mappings.get_mut(id)
    }

    pub(super) fn session(&self, id: Id) -> Option<&Session> {
        self.sessions.get(id)
    }

    pub(super) fn session_mut(&mut self, id: Id) -> Option<&mut Session> {
        self.sessions.get_mut(id)
    }

    /// All mappings, for inspection.
    pub(super) fn mappings(&self) -> impl Iterator<Item = (Id, &Mapping)> {
        self.mappings.iter()
    }

    /// All sessions, for inspection.
    pub(super) fn sessions(&self) -> impl Iterator<Item = (Id, &Session)> {
        self.sessions.iter()
    }

    /// The session that carries `flow` out.
    pub(super) fn session_inside(&self, flow: &Flow) -> Option<Id> {
        self.living(*self.by_inside.get(flow)?)
    }

    /// The session that carries `flow` in.
    pub(super) fn session_outside(&self, flow: &Flow) -> Option<Id> {
        self.living(*self.by_outside.get(flow)?)
    }

    /// A session outlives its mapping when that is overridden; it counts as gone then.
    fn living(&self, id: Id) -> Option<Id> {
        let mapping = self.sessions.get(id)?.mapping;
        self.mappings.get(mapping).map(|_| id)
    }

    /// The mapping of `internal` that serves `scope`.
    pub(super) fn mapping_for(
        &self,
        protocol: Protocol,
        internal: SocketAddr,
        scope: Scope,
    ) -> Option<Id> {
        self.by_scope.get(&(protocol, internal, scope)).copied()
    }

    /// The mappings of an internal endpoint, oldest first.
    pub(super) fn mappings_of(&self, protocol: Protocol, internal: SocketAddr) -> &[Id] {
        self.by_internal.get(&(protocol, internal)).map_or(&[], SmallVec::as_slice)
    }

    /// The mappings at an external endpoint, oldest first.
    pub(super) fn mappings_at(&self, protocol: Protocol, external: SocketAddr) -> &[Id] {
        self.by_external.get(&(protocol, external)).map_or(&[], SmallVec::as_slice)
    }

    /// Whether a mapping at `external` serves exactly `scope`.
    pub(super) fn is_taken(&self, protocol: Protocol, external: SocketAddr, scope: Scope) -> bool {
        self.by_external_scope.contains_key(&(protocol, external, scope))
    }

    /// Whether the mapping has a session with any port of `ip`.
    pub(super) fn has_peer(&self, mapping: Id, ip: IpAddr) -> bool {
        self.peers.contains_key(&(mapping, ip))
    }

    pub(super) fn host(&self, ip: IpAddr) -> Option<Host> {
        self.hosts.get(&ip).copied()
    }

    /// Enters a mapping; `address` is the index of its external address in the pool.
    pub(super) fn add_mapping(&mut self, mapping: Mapping, address: usize) -> Id {
        let Mapping { protocol, internal, external, scope, deadline } = mapping;
        let id = self.mappings.insert(mapping);
        self.by_scope.insert((protocol, internal, scope), id);
        self.by_internal.entry((protocol, internal)).or_default().push(id);
        self.by_external.entry((protocol, external)).or_default().push(id);
        self.by_external_scope.insert((protocol, external, scope), id);
        let host = self.hosts.entry(internal.ip()).or_insert(Host { address, mappings: 0 });
        host.mappings += 1;
        self.heap.push(Reverse((deadline, Timed::Mapping(id))));
        id
    }

    /// Takes a mapping out. Its sessions, if any are left, no longer count.
    pub(super) fn remove_mapping(&mut self, id: Id) -> Option<Mapping> {
        let mapping = self.mappings.remove(id)?;
        let Mapping { protocol, internal, external, scope, .. } = mapping;
        forget(&mut self.by_scope, &(protocol, internal, scope), id);
        forget(&mut self.by_external_scope, &(protocol, external, scope), id);
        unlist(&mut self.by_internal, (protocol, internal), id);
        unlist(&mut self.by_external, (protocol, external), id);
        if let Some(host) = self.hosts.get_mut(&internal.ip()) {
            host.mappings -= 1;
            if host.mappings == 0 {
                self.hosts.remove(&internal.ip());
            }
        }
        Some(mapping)
    }

    /// Enters a session. One of another mapping that had the same flow outside loses it.
    pub(super) fn add_session(&mut self, session: Session) -> Id {
        let id = self.sessions.insert(session);
        self.by_inside.insert(session.inside, id);
        self.by_outside.insert(session.outside, id);
        *self.peers.entry((session.mapping, session.inside.far.ip())).or_insert(0) += 1;
        self.heap.push(Reverse((session.deadline, Timed::Session(id))));
        id
    }

    /// Makes packets of `flow` from outside belong to the session `id`; says whose they were, if
    /// another's.
    pub(super) fn claim_outside(&mut self, flow: Flow, id: Id) -> Option<Id> {
        self.by_outside.insert(flow, id).filter(|&former| former != id)
    }

    fn remove_session(&mut self, id: Id) {
        let Some(session) = self.sessions.remove(id) else { return };
        forget(&mut self.by_inside, &session.inside, id);
        forget(&mut self.by_outside, &session.outside, id);
        let key = (session.mapping, session.inside.far.ip());
        if let Some(count) = self.peers.get_mut(&key) {
            *count -= 1;
            if *count == 0 {
                self.peers.remove(&key);
            }
        }
    }

    /// Whether `flow` is a conversation with the box itself.
    pub(super) fn is_remembered(&self, flow: &Flow) -> bool {
        self.remembered_by_flow.contains_key(flow)
    }

    /// Remembers `flow` as a conversation with the box itself until `deadline`.
    pub(super) fn remember(&mut self, flow: Flow, deadline: Instant) {
        if let Some(&id) = self.remembered_by_flow.get(&flow) {
            if let Some(remembered) = self.remembered.get_mut(id) {
                remembered.deadline = deadline;
            }
            return;
        }
        let id = self.remembered.insert(Remembered { flow, deadline });
        self.remembered_by_flow.insert(flow, id);
        self.heap.push(Reverse((deadline, Timed::Remembered(id))));
    }

    /// When something may end. It may turn out to have been refreshed since.
    pub(super) fn next_deadline(&self) -> Option<Instant> {
        self.heap.peek().map(|Reverse((deadline, _))| *deadline)
    }

    /// Removes one thing whose deadline has come.
    pub(super) fn end_one(&mut self, now: Instant) -> Option<Ended> {
        while let Some(&Reverse((deadline, timed))) = self.heap.peek() {
            if deadline > now {
                return None;
            }
            self.heap.pop();
            // The deadline proper; none if the thing went another way.
            let Some(proper) = self.deadline_of(timed) else { continue };
            if proper > now {
                self.heap.push(Reverse((proper, timed)));
                continue;
            }
            match timed {
                Timed::Session(id) => {
                    self.remove_session(id);
                    return Some(Ended::Session);
                }
                Timed::Remembered(id) => {
                    let Some(remembered) = self.remembered.remove(id) else { continue };
                    self.remembered_by_flow.remove(&remembered.flow);
                    return Some(Ended::Remembered);
                }
                Timed::Mapping(id) => {
                    let Some(mapping) = self.remove_mapping(id) else { continue };
                    return Some(Ended::Mapping(mapping));
                }
            }
        }
        None
    }

    fn deadline_of(&self, timed: Timed) -> Option<Instant> {
        match timed {
            Timed::Session(id) => self.sessions.get(id).map(|session| session.deadline),
            Timed::Remembered(id) => self.remembered.get(id).map(|flow| flow.deadline),
            Timed::Mapping(id) => self.mappings.get(id).map(|mapping| mapping.deadline),
        }
    }
}

impl Hash for Flow {
    fn hash<H: Hasher>(&self, state: &mut H) {
        mix(self.near, state);
        mix(self.far, state);
        state.write_u8(matches!(self.protocol, Protocol::Icmp).into());
    }
}

/// Feeds an address in two words instead of the seven of the derived hash.
fn mix<H: Hasher>(address: SocketAddr, state: &mut H) {
    match address {
        SocketAddr::V4(v4) => {
            state.write_u64(u64::from(v4.ip().to_bits()) << 16 | u64::from(v4.port()));
        }
        SocketAddr::V6(v6) => {
            state.write_u128(v6.ip().to_bits());
            state.write_u16(v6.port());
        }
    }
}

/// Takes `id` out of a list, and the list out of the map when it was the last.
fn unlist<K: Copy + Eq + Hash>(map: &mut Map<K, Ids>, key: K, id: Id) {
    let Some(list) = map.get_mut(&key) else { return };
    list.retain(|listed| *listed != id);
    if list.is_empty() {
        map.remove(&key);
    }
}

/// Takes `key` out of a map if it still leads to `id`.
fn forget<K: Eq + Hash>(map: &mut Map<K, Id>, key: &K, id: Id) {
    if map.get(key) == Some(&id) {
        map.remove(key);
    }
}
