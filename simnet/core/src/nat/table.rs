//! What a NAT remembers: mappings, the sessions under them, and when each ends.
//!
//! This file keeps the books and knows no policy; `table/entries.rs` says what is in them. Every lookup a packet needs is one step in a hash
//! table; ends are found through a heap of deadlines whose entries are corrected when they come up, so
//! that refreshing a session touches the session alone.

use std::{
    cmp::Reverse,
    collections::BinaryHeap,
    hash::Hash,
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use base::Instant;
use smallvec::SmallVec;

use super::{
    hash::Map,
    slab::{Id, Slab},
};
use crate::packet::Protocol;

pub(super) use entries::{Ended, Flow, Host, Kind, Mapping, Scope, Session};
use entries::{Remembered, Timed};

mod entries;

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
    /// Sessions of each internal address, if anyone wants to know.
    host_sessions: Option<Map<IpAddr, usize>>,
    /// Mappings that were asked for by name: explicit and static ones.
    named: usize,
    /// Whether permissions to send to a UDP mapping last as long as the mapping.
    shared_timer: bool,
    heap: BinaryHeap<Reverse<(Instant, Timed)>>,
}

impl Table {
    /// Empty books. Counting sessions by host costs a look-up for each new one.
    pub(super) fn new(count_host_sessions: bool, shared_timer: bool) -> Self {
        let host_sessions = count_host_sessions.then(Map::default);
        Self { host_sessions, shared_timer, ..Self::default() }
    }

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

    /// How many sessions a host has, if they are counted.
    pub(super) fn host_sessions(&self, ip: IpAddr) -> usize {
        self.host_sessions.as_ref().and_then(|counts| counts.get(&ip)).copied().unwrap_or(0)
    }

    /// Whether any mapping was asked for by name.
    pub(super) const fn has_names(&self) -> bool {
        self.named > 0
    }

    /// The mapping of `internal` that was asked for by name.
    pub(super) fn named(&self, protocol: Protocol, internal: SocketAddr) -> Option<Id> {
        if self.named == 0 {
            return None;
        }
        let id = self.mapping_for(protocol, internal, Scope::Any)?;
        self.mappings.get(id).filter(|mapping| mapping.kind != Kind::Dynamic).map(|_| id)
    }

    /// Says how a mapping came to be, and how long it lasts at least.
    pub(super) fn set_kind(&mut self, id: Id, kind: Kind, until: Instant, linger: Duration) {
        let Some(mapping) = self.mappings.get_mut(id) else { return };
        self.named -= usize::from(mapping.kind != Kind::Dynamic);
        self.named += usize::from(kind != Kind::Dynamic);
        mapping.kind = kind;
        mapping.until = until;
        let ends = self.latest(id, linger);
        self.settle(id, ends);
    }

    /// Enters a mapping; `address` is the index of its external address in the pool.
    pub(super) fn add_mapping(&mut self, mapping: Mapping, address: usize) -> Id {
        let Mapping { protocol, internal, external, scope, deadline, .. } = mapping;
        let alone = !self.shares(&mapping);
        self.named += usize::from(mapping.kind != Kind::Dynamic);
        let id = self.mappings.insert(mapping);
        self.by_scope.insert((protocol, internal, scope), id);
        self.by_internal.entry((protocol, internal)).or_default().push(id);
        self.by_external.entry((protocol, external)).or_default().push(id);
        self.by_external_scope.insert((protocol, external, scope), id);
        let host =
            self.hosts.entry(internal.ip()).or_insert(Host { address, mappings: 0, ports: 0 });
        host.mappings += 1;
        host.ports += usize::from(alone);
        self.heap.push(Reverse((deadline, Timed::Mapping(id))));
        id
    }

    /// Takes a mapping out. Its sessions, if any are left, no longer count.
    pub(super) fn remove_mapping(&mut self, id: Id) -> Option<Mapping> {
        let mapping = self.mappings.remove(id)?;
        self.named -= usize::from(mapping.kind != Kind::Dynamic);
        let Mapping { protocol, internal, external, scope, .. } = mapping;
        forget(&mut self.by_scope, &(protocol, internal, scope), id);
        forget(&mut self.by_external_scope, &(protocol, external, scope), id);
        unlist(&mut self.by_internal, (protocol, internal), id);
        unlist(&mut self.by_external, (protocol, external), id);
        let alone = !self.shares(&mapping);
        if let Some(host) = self.hosts.get_mut(&internal.ip()) {
            host.mappings -= 1;
            host.ports -= usize::from(alone);
            if host.mappings == 0 {
                self.hosts.remove(&internal.ip());
            }
        }
        Some(mapping)
    }

    /// Whether another mapping of the same host is at the same external endpoint.
    fn shares(&self, mapping: &Mapping) -> bool {
        self.mappings_at(mapping.protocol, mapping.external).iter().any(|id| {
            self.mappings.get(*id).is_some_and(|other| other.internal.ip() == mapping.internal.ip())
        })
    }

    /// Moves a mapping to another external endpoint, and its sessions with it.
    pub(super) fn move_mapping(&mut self, id: Id, external: SocketAddr, address: usize) {
        let Some(mapping) = self.mappings.get_mut(id) else { return };
        let Mapping { protocol, internal, external: former, scope, .. } = *mapping;
        let before = *mapping;
        mapping.external = external;
        let after = *mapping;
        forget(&mut self.by_external_scope, &(protocol, former, scope), id);
        unlist(&mut self.by_external, (protocol, former), id);
        let (left, joined) = (!self.shares(&before), !self.shares(&after));
        self.by_external_scope.insert((protocol, external, scope), id);
        self.by_external.entry((protocol, external)).or_default().push(id);
        if let Some(host) = self.hosts.get_mut(&internal.ip()) {
            host.address = address;
            host.ports = host.ports + usize::from(joined) - usize::from(left);
        }
        for session in self.sessions_of(id) {
            let Some(held) = self.sessions.get_mut(session) else { continue };
            let former = held.outside;
            held.outside.near = external;
            let outside = held.outside;
            forget(&mut self.by_outside, &former, session);
            self.by_outside.insert(outside, session);
        }
    }

    /// Takes out the sessions of a mapping.
    pub(super) fn remove_sessions_of(&mut self, mapping: Id) {
        for session in self.sessions_of(mapping) {
            self.remove_session(session);
        }
    }

    /// The sessions of a mapping: a walk through all there are.
    fn sessions_of(&self, mapping: Id) -> Vec<Id> {
        let of = |(id, session): (Id, &Session)| (session.mapping == mapping).then_some(id);
        self.sessions.iter().filter_map(of).collect()
    }

    /// Enters a session. One of another mapping that had the same flow outside loses it.
    pub(super) fn add_session(&mut self, session: Session) -> Id {
        let Session { mapping, inside, outside, deadline, .. } = session;
        let id = self.sessions.insert(session);
        self.by_inside.insert(inside, id);
        self.by_outside.insert(outside, id);
        *self.peers.entry((mapping, inside.far.ip())).or_insert(0) += 1;
        if let Some(mapping) = self.mappings.get_mut(mapping) {
            mapping.sessions += 1;
        }
        if let Some(counts) = &mut self.host_sessions {
            *counts.entry(inside.near.ip()).or_insert(0) += 1;
        }
        self.heap.push(Reverse((deadline, Timed::Session(id))));
        id
    }

    /// Makes packets of `flow` from outside belong to the session `id`; says whose they were, if
    /// another's.
    pub(super) fn claim_outside(&mut self, flow: Flow, id: Id) -> Option<Id> {
        self.by_outside.insert(flow, id).filter(|&former| former != id)
    }

    /// Takes a session out. What it kept alive is not looked at.
    pub(super) fn remove_session(&mut self, id: Id) {
        let Some(session) = self.sessions.remove(id) else { return };
        if let Some(mapping) = self.mappings.get_mut(session.mapping) {
            mapping.sessions -= 1;
        }
        let host = session.inside.near.ip();
        if let Some(counts) = &mut self.host_sessions
            && let Some(count) = counts.get_mut(&host)
        {
            *count -= 1;
            if *count == 0 {
                counts.remove(&host);
            }
        }
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

    /// Ends a session at `deadline`, which may be sooner than it was, and its mapping with the last of
    /// its sessions.
    pub(super) fn shorten(&mut self, id: Id, deadline: Instant, linger: Duration) {
        let Some(session) = self.sessions.get_mut(id) else { return };
        session.deadline = deadline;
        let mapping = session.mapping;
        if deadline < session.queued {
            session.queued = deadline;
            self.heap.push(Reverse((deadline, Timed::Session(id))));
        }
        let ends = match self.mappings.get(mapping) {
            Some(mapping) if mapping.sessions == 1 => mapping.until.max(deadline + linger),
            _ => self.latest(mapping, linger),
        };
        self.settle(mapping, ends);
    }

    /// When the last of a mapping's sessions ends, or what it was promised.
    fn latest(&self, id: Id, linger: Duration) -> Instant {
        let until = self.mappings.get(id).map_or(Instant::ZERO, |mapping| mapping.until);
        let of = |(_, session): (Id, &Session)| {
            (session.mapping == id).then_some(session.deadline + linger)
        };
        self.sessions.iter().filter_map(of).fold(until, Instant::max)
    }

    /// Lets a mapping end at `deadline`, which may be sooner than it was.
    fn settle(&mut self, id: Id, deadline: Instant) {
        let Some(mapping) = self.mappings.get_mut(id) else { return };
        mapping.deadline = deadline;
        if deadline < mapping.queued {
            mapping.queued = deadline;
            self.heap.push(Reverse((deadline, Timed::Mapping(id))));
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
        let deadline = self.heap.peek().map(|Reverse((deadline, _))| *deadline)?;
        (deadline < Instant::MAX).then_some(deadline)
    }

    /// Removes one thing whose deadline has come.
    pub(super) fn end_one(&mut self, now: Instant) -> Option<Ended> {
        while let Some(&Reverse((deadline, timed))) = self.heap.peek() {
            if deadline > now {
                return None;
            }
            self.heap.pop();
            // The deadline proper; none if the thing went another way, or comes up at another time.
            let Some(proper) = self.deadline_of(timed, deadline) else { continue };
            if proper > now {
                self.queue(timed, proper);
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

    /// When the thing ends that came up as `queued`.
    fn deadline_of(&self, timed: Timed, queued: Instant) -> Option<Instant> {
        match timed {
            Timed::Session(id) => {
                let session = self.sessions.get(id).filter(|session| session.queued == queued)?;
                let shared = self.shared_timer && session.inside.protocol == Protocol::Udp;
                match self.mappings.get(session.mapping) {
                    Some(mapping) if shared => Some(mapping.deadline.max(session.deadline)),
                    _ => Some(session.deadline),
                }
            }
            Timed::Remembered(id) => self.remembered.get(id).map(|flow| flow.deadline),
            Timed::Mapping(id) => {
                let mapping = self.mappings.get(id).filter(|mapping| mapping.queued == queued)?;
                Some(mapping.deadline)
            }
        }
    }

    /// Lets the thing come up again at `deadline`.
    fn queue(&mut self, timed: Timed, deadline: Instant) {
        match timed {
            Timed::Session(id) => {
                if let Some(session) = self.sessions.get_mut(id) {
                    session.queued = deadline;
                }
            }
            Timed::Mapping(id) => {
                if let Some(mapping) = self.mappings.get_mut(id) {
                    mapping.queued = deadline;
                }
            }
            Timed::Remembered(_) => {}
        }
        self.heap.push(Reverse((deadline, timed)));
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn asking_again_and_again_leaves_nothing_behind() {
        let mut table = Table::new(false, false);
        let at = |seconds| Instant::ZERO + Duration::from_secs(seconds);
        let internal = ([10, 0, 0, 2], 5_000).into();
        let id = table.add_mapping(
            Mapping {
                protocol: Protocol::Udp,
                kind: Kind::Explicit,
                internal,
                external: ([11, 0, 0, 1], 5_000).into(),
                scope: Scope::Any,
                deadline: at(0),
                queued: at(0),
                until: at(0),
                sessions: 0,
            },
            0,
        );
        for second in 0..1_000 {
            for lifetime in [600, 300, 600] {
                table.set_kind(id, Kind::Explicit, at(second + lifetime), Duration::ZERO);
            }
            assert!(table.end_one(at(second)).is_none());
        }
        assert!(table.heap.len() < 10, "{} entries for one mapping", table.heap.len());
        assert!(table.end_one(at(1_598)).is_none());
        assert!(matches!(table.end_one(at(1_599)), Some(Ended::Mapping(_))));
        assert!(!table.has_names());
    }
}
