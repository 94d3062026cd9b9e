//! TCP of one host.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::SocketAddr,
};

use base::Instant;

use super::config::TcpConfig;
use crate::id::{ListenerId, TcpId};

/// What a host that uses TCP knows about it.
#[derive(Debug, Default)]
pub(crate) struct HostTcp {
    pub(super) config: TcpConfig,
    pub(super) listeners: Vec<ListenerId>,
    /// Connections by local and remote address.
    pub(super) connections: BTreeMap<(SocketAddr, SocketAddr), TcpId>,
    /// Connections, begun or planned, on each local port.
    ports: BTreeMap<u16, u32>,
    deadlines: BTreeSet<(Instant, TcpId)>,
    /// Connections, begun or planned.
    pub(super) count: u32,
}

impl HostTcp {
    pub(crate) fn new(config: TcpConfig) -> Self {
        Self { config, ..Self::default() }
    }

    /// When a connection wants to be looked at.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.deadlines.first().map(|entry| entry.0)
    }

    /// A connection that wants to be looked at now.
    pub(super) fn pop_due(&mut self, now: Instant) -> Option<TcpId> {
        let &first = self.deadlines.first().filter(|entry| entry.0 <= now)?;
        self.deadlines.remove(&first);
        Some(first.1)
    }

    /// Moves the deadline of a connection.
    pub(super) fn set_deadline(&mut self, id: TcpId, old: Option<Instant>, new: Option<Instant>) {
        if old == new {
            return;
        }
        if let Some(at) = old {
            self.deadlines.remove(&(at, id));
        }
        if let Some(at) = new {
            self.deadlines.insert((at, id));
        }
    }

    /// Counts a connection on a local port.
    pub(super) fn enter(&mut self, port: u16) {
        self.count += 1;
        *self.ports.entry(port).or_default() += 1;
    }

    /// Forgets a connection.
    pub(super) fn remove(&mut self, local: SocketAddr, remote: SocketAddr, id: TcpId) {
        if self.connections.get(&(local, remote)) == Some(&id) {
            self.connections.remove(&(local, remote));
        }
        self.count = self.count.saturating_sub(1);
        if let Some(users) = self.ports.get_mut(&local.port()) {
            *users -= 1;
            if *users == 0 {
                self.ports.remove(&local.port());
            }
        }
    }

    /// Whether a connection uses the local port.
    pub(super) fn uses(&self, port: u16) -> bool {
        self.ports.contains_key(&port)
    }
}
