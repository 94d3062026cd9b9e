//! The part of the network that an endpoint may touch while it is called.

use std::net::{IpAddr, SocketAddr};

use base::{Instant, Interface};

use crate::{
    endpoint::Outgoing,
    id::{HopId, NodeId, SocketId},
    network::Paths,
    node::{EphemeralPorts, Hop, Host, Node, with_port},
    random::Stream,
    socket::{BindError, Kind, Socket},
    table::Table,
    tcp::TcpStore,
};

/// First of the ephemeral ports (RFC 6335 §6); the last is 65535.
const EPHEMERAL_FIRST: u16 = 49_152;
/// How many there are.
const EPHEMERAL_COUNT: u16 = 16_384;

#[derive(Debug)]
pub(crate) struct Scope<'a> {
    pub(crate) nodes: &'a mut Table<NodeId, Node>,
    pub(crate) hops: &'a Table<HopId, Hop>,
    pub(crate) sockets: &'a mut Table<SocketId, Socket>,
    pub(crate) outbox: &'a mut Vec<Outgoing>,
    pub(crate) tcp: &'a mut TcpStore,
}

impl Scope<'_> {
    pub(crate) fn bind(
        &mut self,
        node: NodeId,
        local: SocketAddr,
        kind: Kind,
    ) -> Result<SocketId, BindError> {
        match self.nodes.at(node).host() {
            None => return Err(BindError::NotAHost),
            Some(host) if host.crashed => return Err(BindError::HostDown),
            Some(_) => {}
        }
        let ip = local.ip();
        let hops = self.hops;
        let owned = self.nodes.at(node).hops.iter().any(|&hop| hops.at(hop).has(ip));
        if !(owned || ip.is_unspecified() || ip.is_loopback() || ip.is_multicast()) {
            return Err(BindError::NoSuchAddress(ip));
        }
        let local = match local.port() {
            0 => {
                let taken = |scope: &Self, port| scope.is_taken(node, ip, port, kind.shared);
                with_port(local, self.pick_port(node, taken)?)
            }
            port if self.is_taken(node, ip, port, kind.shared) => {
                return Err(BindError::InUse(local));
            }
            _ => local,
        };
        let limit = self.nodes.at(node).host().map_or(0, |host| host.receive_queue);
        let id = self.sockets.push(Socket::new(node, local, kind, limit));
        if let Some(host) = self.nodes.at_mut(node).host_mut() {
            host.enter_port(local.port(), id);
        }
        Ok(id)
    }

    pub(crate) fn close(&mut self, socket: SocketId) {
        let it = self.sockets.at_mut(socket);
        it.open = false;
        let (node, port) = (it.host, it.local.port());
        if let Some(host) = self.nodes.at_mut(node).host_mut() {
            host.ports.retain(|&entry| entry != (port, socket));
        }
    }

    pub(crate) fn local_address(&self, socket: SocketId) -> SocketAddr {
        self.sockets.at(socket).local
    }

    pub(crate) fn interfaces(&self, node: NodeId) -> Vec<Interface> {
        let at = self.nodes.at(node);
        let mut all: Vec<_> = at.hops.iter().map(|&hop| self.hops.at(hop).interface()).collect();
        // Endpoints know the time of their host alone.
        let addresses = all.iter_mut().flat_map(|interface| &mut interface.addresses);
        for end in addresses.filter_map(|address| address.deprecated_at.as_mut()) {
            *end = at.host().map_or(*end, |host| host.local(*end));
        }
        all
    }

    pub(crate) fn stream(&mut self, node: NodeId) -> &mut Stream {
        let host = self.nodes.at_mut(node).host_mut().expect("endpoints live on hosts");
        &mut host.stream
    }

    pub(crate) const fn paths(&self, now: Instant) -> Paths<'_> {
        Paths { nodes: &*self.nodes, hops: self.hops, now }
    }

    /// Whether a socket on the port overlaps with `ip`: the same address, or one of both is a wildcard of
    /// that family. Sockets that all share do not count.
    fn is_taken(&self, node: NodeId, ip: IpAddr, port: u16, shared: bool) -> bool {
        let host: Option<&Host> = self.nodes.at(node).host();
        host.map_or(&[][..], |host| host.on_port(port)).iter().any(|&(_, id)| {
            let other = &self.sockets.at(id);
            let theirs = other.local.ip();
            let overlap = theirs == ip || theirs.is_unspecified() || ip.is_unspecified();
            let foreign = !(shared && other.shared);
            other.open && overlap && foreign && theirs.is_ipv4() == ip.is_ipv4()
        })
    }

    /// A free ephemeral port: RFC 6056 §3.3.1 starts somewhere and takes the next free one.
    pub(crate) fn pick_port(
        &mut self,
        node: NodeId,
        is_taken: impl Fn(&Self, u16) -> bool,
    ) -> Result<u16, BindError> {
        let host = self.nodes.at_mut(node).host_mut().ok_or(BindError::NotAHost)?;
        let start = match host.ephemeral {
            EphemeralPorts::Sequential(next) => next.max(1),
            EphemeralPorts::Random => {
                let offset = host.stream.below(u64::from(EPHEMERAL_COUNT));
                EPHEMERAL_FIRST + u16::try_from(offset).unwrap_or(0)
            }
        };
        let floor = start.min(EPHEMERAL_FIRST);
        let count = u16::MAX - floor;
        let nth = |step: u16| {
            let past = u32::from(start - floor) + u32::from(step);
            let wrapped = past % (u32::from(count) + 1);
            floor + u16::try_from(wrapped).unwrap_or(0)
        };
        let free = (0..=count).map(nth).find(|&port| !is_taken(self, port));
        let port = free.ok_or(BindError::NoFreePort)?;
        if let Some(host) = self.nodes.at_mut(node).host_mut()
            && let EphemeralPorts::Sequential(next) = &mut host.ephemeral
        {
            *next = port.checked_add(1).unwrap_or(EPHEMERAL_FIRST);
        }
        Ok(port)
    }
}
