//! Who asked for what, and for how long.

use std::{
    collections::BTreeMap,
    net::{IpAddr, SocketAddr},
};

use base::Instant;

use super::pcp::Filter;
use crate::packet::Protocol;

/// What a host asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    pub(super) internal: SocketAddr,
    pub(super) protocol: Protocol,
    /// The peer of an outbound mapping; none for one that lets others in.
    pub(super) remote: Option<SocketAddr>,
}

/// What it got.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Lease {
    /// What proves that it is the owner; none if it asked by NAT-PMP.
    pub(super) nonce: Option<[u8; 12]>,
    pub(super) external: SocketAddr,
    pub(super) expires: Instant,
    /// Who may send; everybody if empty.
    pub(super) filters: Vec<Filter>,
}

/// All leases.
#[derive(Debug, Default)]
pub(super) struct Leases {
    held: BTreeMap<Key, Lease>,
    /// How many have filters: nearly always none, and then no packet is looked at.
    filtered: usize,
}

impl Leases {
    pub(super) fn get(&self, key: &Key) -> Option<&Lease> {
        self.held.get(key)
    }

    /// How many leases there are.
    pub(super) fn len(&self) -> usize {
        self.held.len()
    }

    /// How many leases a host has.
    pub(super) fn of_host(&self, host: IpAddr) -> usize {
        self.held.keys().filter(|key| key.internal.ip() == host).count()
    }

    /// The inbound leases of a host.
    pub(super) fn inbound(&self, host: IpAddr, protocol: Protocol) -> Vec<Key> {
        let wanted = |key: &&Key| {
            key.internal.ip() == host && key.protocol == protocol && key.remote.is_none()
        };
        self.held.keys().filter(wanted).copied().collect()
    }

    /// Whose inbound lease has this external endpoint.
    pub(super) fn owner(&self, protocol: Protocol, external: SocketAddr) -> Option<&Key> {
        let owns = |(key, lease): &(&Key, &Lease)| {
            key.protocol == protocol && key.remote.is_none() && lease.external == external
        };
        self.held.iter().find(owns).map(|(key, _)| key)
    }

    pub(super) fn insert(&mut self, key: Key, lease: Lease) {
        self.remove(&key);
        self.filtered += usize::from(!lease.filters.is_empty());
        self.held.insert(key, lease);
    }

    pub(super) fn remove(&mut self, key: &Key) {
        if let Some(lease) = self.held.remove(key) {
            self.filtered -= usize::from(!lease.filters.is_empty());
        }
    }

    /// Forgets the leases that ended.
    pub(super) fn expire(&mut self, now: Instant) {
        self.held.retain(|_, lease| lease.expires > now);
        self.filtered = self.held.values().filter(|lease| !lease.filters.is_empty()).count();
    }

    /// Whether the filters of the mapping at `external`, if it has any, let `remote` in.
    pub(super) fn admit(
        &self,
        now: Instant,
        protocol: Protocol,
        external: SocketAddr,
        remote: SocketAddr,
    ) -> bool {
        if self.filtered == 0 {
            return true;
        }
        let key = self.owner(protocol, external);
        let lease = key.and_then(|key| self.held.get(key)).filter(|lease| lease.expires > now);
        lease.is_none_or(|lease| {
            lease.filters.is_empty() || lease.filters.iter().any(|filter| filter.admits(remote))
        })
    }
}
