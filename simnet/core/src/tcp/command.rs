//! What endpoints and callers may do with TCP.

use std::net::{IpAddr, SocketAddr};

use super::{
    config::TcpConfig,
    connection,
    host::HostTcp,
    state::{TcpClosed, TcpConnectError, TcpRead, TcpState, TcpStats},
    store::{Ended, Entry, Listener, Stage},
};
use crate::{
    id::{ListenerId, NodeId, TcpId},
    network::Scope,
    node::with_port,
    packet::is_group,
    socket::BindError,
};

impl Scope<'_> {
    /// TCP of a host, made when it is first used.
    fn host_tcp(&mut self, node: NodeId) -> Option<&mut HostTcp> {
        let host = self.nodes.at_mut(node).host_mut()?;
        Some(host.tcp.get_or_insert_default())
    }

    pub(crate) fn tcp_config(&self, node: NodeId) -> TcpConfig {
        let host = self.nodes.at(node).host();
        host.and_then(|host| host.tcp.as_ref()).map(|tcp| tcp.config).unwrap_or_default()
    }

    pub(crate) fn tcp_set_config(&mut self, node: NodeId, config: TcpConfig) {
        if let Some(tcp) = self.host_tcp(node) {
            tcp.config = config;
        }
    }

    pub(crate) fn tcp_listen(
        &mut self,
        node: NodeId,
        local: SocketAddr,
        driven: bool,
    ) -> Result<ListenerId, BindError> {
        self.tcp_check_address(node, local.ip())?;
        let listens = |scope: &Self, port: u16| scope.tcp_listens(node, with_port(local, port));
        let local = match local.port() {
            0 => {
                let taken = |scope: &Self, port| listens(scope, port) || scope.tcp_uses(node, port);
                with_port(local, self.pick_port(node, taken)?)
            }
            port if listens(self, port) => return Err(BindError::InUse(local)),
            _ => local,
        };
        let (open, half_open, ready) = (true, 0, Default::default());
        let listener = Listener { host: node, local, driven, open, half_open, ready };
        let id = self.tcp.listeners.push(listener);
        if let Some(tcp) = self.host_tcp(node) {
            tcp.listeners.push(id);
        }
        Ok(id)
    }

    /// Whether a listener overlaps with the address.
    fn tcp_listens(&self, node: NodeId, local: SocketAddr) -> bool {
        let tcp = self.nodes.at(node).host().and_then(|host| host.tcp.as_ref());
        tcp.is_some_and(|tcp| {
            tcp.listeners.iter().any(|&id| {
                let other = self.tcp.listeners.at(id);
                let any = local.ip().is_unspecified() && local.is_ipv4() == other.local.is_ipv4();
                other.open && other.local.port() == local.port() && (any || other.accepts(local))
            })
        })
    }

    fn tcp_uses(&self, node: NodeId, port: u16) -> bool {
        let tcp = self.nodes.at(node).host().and_then(|host| host.tcp.as_ref());
        tcp.is_some_and(|tcp| tcp.uses(port))
    }

    fn tcp_check_address(&self, node: NodeId, ip: IpAddr) -> Result<(), BindError> {
        match self.nodes.at(node).host() {
            None => return Err(BindError::NotAHost),
            Some(host) if host.crashed => return Err(BindError::HostDown),
            Some(_) => {}
        }
        let owned = self.nodes.at(node).hops.iter().any(|&hop| self.hops.at(hop).has(ip));
        let allowed = owned || ip.is_unspecified() || ip.is_loopback();
        if allowed { Ok(()) } else { Err(BindError::NoSuchAddress(ip)) }
    }

    pub(crate) fn tcp_stop_listening(&mut self, listener: ListenerId) {
        let it = self.tcp.listeners.at_mut(listener);
        it.open = false;
        let (node, ready) = (it.host, std::mem::take(&mut it.ready));
        if let Some(tcp) = self.host_tcp(node) {
            tcp.listeners.retain(|&id| id != listener);
        }
        for id in ready {
            self.tcp_abort(id);
        }
    }

    pub(crate) fn tcp_accept(&mut self, listener: ListenerId) -> Option<TcpId> {
        self.tcp.listeners.at_mut(listener).ready.pop_front()
    }

    pub(crate) fn tcp_connect(
        &mut self,
        node: NodeId,
        local: Option<SocketAddr>,
        remote: SocketAddr,
        driven: bool,
    ) -> Result<TcpId, TcpConnectError> {
        let ipv6 = remote.is_ipv6();
        let any = if ipv6 { IpAddr::V6([0; 16].into()) } else { IpAddr::V4([0; 4].into()) };
        let local = local.unwrap_or_else(|| SocketAddr::new(any, 0));
        self.tcp_check_address(node, local.ip())?;
        if local.is_ipv6() != ipv6 {
            return Err(TcpConnectError::MixedFamilies);
        }
        if remote.port() == 0 || remote.ip().is_unspecified() || is_group(remote.ip()) {
            return Err(TcpConnectError::BadRemote);
        }
        let config = self.tcp_config(node);
        if self.host_tcp(node).is_some_and(|tcp| tcp.count >= config.connections) {
            return Err(TcpConnectError::TooMany(config.connections));
        }
        let local = match local.port() {
            0 => {
                let taken = |scope: &Self, port| {
                    scope.tcp_listens(node, with_port(local, port)) || scope.tcp_uses(node, port)
                };
                with_port(local, self.pick_port(node, taken)?)
            }
            _ => local,
        };
        let tcp = self.host_tcp(node).ok_or(BindError::NotAHost)?;
        if tcp.connections.contains_key(&(local, remote)) {
            return Err(BindError::InUse(local).into());
        }
        tcp.enter(local.port());
        let (host, listener, touched, stage) = (node, None, false, Stage::Planned);
        let entry = Entry { host, local, remote, driven, listener, touched, stage };
        let id = self.tcp.connections.push(entry);
        self.tcp.touch(id);
        Ok(id)
    }

    pub(crate) fn tcp_send(&mut self, id: TcpId, bytes: &[u8]) -> usize {
        let Some(connection) = self.tcp.open_mut(id) else { return 0 };
        let count = connection.send(bytes);
        self.tcp.touch(id);
        count
    }

    pub(crate) fn tcp_receive(&mut self, id: TcpId, out: &mut [u8]) -> TcpRead {
        match &mut self.tcp.connections.at_mut(id).stage {
            Stage::Planned | Stage::Away => TcpRead::Empty,
            Stage::Open(connection) => {
                let count = connection.read(out);
                if count > 0 {
                    self.tcp.touch(id); // The window may have opened.
                    return TcpRead::Data(count);
                }
                if connection.is_finished() { TcpRead::Closed } else { TcpRead::Empty }
            }
            Stage::Ended(ended) => {
                if !ended.unread.is_empty() {
                    let count = connection::take(&mut ended.unread, out);
                    ended.stats.bytes_read += count as u64;
                    return TcpRead::Data(count);
                }
                if ended.why == TcpClosed::Finished { TcpRead::Closed } else { TcpRead::Reset }
            }
        }
    }

    pub(crate) fn tcp_shutdown(&mut self, id: TcpId) {
        if let Some(connection) = self.tcp.open_mut(id) {
            connection.shutdown();
            self.tcp.touch(id);
        }
    }

    pub(crate) fn tcp_abort(&mut self, id: TcpId) {
        if let Some(connection) = self.tcp.open_mut(id) {
            connection.abort();
            self.tcp.touch(id);
        }
    }

    pub(crate) fn tcp_configure(&mut self, id: TcpId, config: TcpConfig) {
        if let Some(connection) = self.tcp.open_mut(id) {
            connection.configure(config);
            self.tcp.touch(id);
        }
    }

    pub(crate) fn tcp_state(&self, id: TcpId) -> TcpState {
        match &self.tcp.connections.at(id).stage {
            Stage::Planned | Stage::Away => TcpState::SynSent,
            Stage::Open(connection) => connection.state(),
            Stage::Ended(ended) => TcpState::Closed(ended.why),
        }
    }

    pub(crate) fn tcp_stats(&self, id: TcpId) -> TcpStats {
        match &self.tcp.connections.at(id).stage {
            Stage::Planned | Stage::Away => TcpStats::default(),
            Stage::Open(connection) => connection.stats(),
            Stage::Ended(ended) => ended.stats,
        }
    }

    pub(crate) fn tcp_addresses(&self, id: TcpId) -> (SocketAddr, SocketAddr) {
        let entry = self.tcp.connections.at(id);
        (entry.local, entry.remote)
    }

    pub(crate) fn tcp_listener_address(&self, id: ListenerId) -> SocketAddr {
        self.tcp.listeners.at(id).local
    }

    pub(crate) fn tcp_forget(&mut self, node: NodeId) {
        let Some(host) = self.nodes.at_mut(node).host_mut() else { return };
        let Some(old) = host.tcp.take() else { return };
        host.tcp = Some(Box::new(HostTcp::new(old.config)));
        for &listener in &old.listeners {
            let it = self.tcp.listeners.at_mut(listener);
            it.open = false;
            it.ready.clear();
        }
        for &id in old.connections.values() {
            let entry = self.tcp.connections.at_mut(id);
            let why = TcpClosed::Aborted;
            entry.stage =
                Stage::Ended(Ended { why, unread: Default::default(), stats: Default::default() });
        }
        self.tcp.events.retain(|event| event.0 != node);
    }

    pub(crate) fn tcp_unacknowledged(&self, id: TcpId) -> usize {
        self.tcp.open(id).map_or(0, connection::Connection::unacknowledged)
    }
}
