//! TCP for endpoints and for callers.

use std::net::SocketAddr;

use super::{
    config::TcpConfig,
    state::{TcpConnectError, TcpRead, TcpState, TcpStats},
};
use crate::{
    endpoint::Cx,
    id::{ListenerId, NodeId, TcpId},
    network::Network,
    observer::Observer,
    socket::BindError,
};

/// TCP of the endpoint's host. What happens is told to
/// [`handle_tcp`](crate::Endpoint::handle_tcp).
impl Cx<'_> {
    /// Takes TCP connections to `local`. Port 0 asks for an ephemeral port, the unspecified address for
    /// all addresses of the host in that family.
    ///
    /// # Errors
    ///
    /// As [`Network::tcp_listen`].
    pub fn tcp_listen(&mut self, local: SocketAddr) -> Result<ListenerId, BindError> {
        self.scope.tcp_listen(self.node, local, true)
    }

    /// Takes no more connections. Those that were accepted stay.
    pub fn tcp_stop_listening(&mut self, listener: ListenerId) {
        self.scope.tcp_stop_listening(listener);
    }

    /// Begins a connection; the SYN leaves when the endpoint returns. If no way leads there, the
    /// connection ends at once.
    ///
    /// # Errors
    ///
    /// As [`Network::tcp_connect`].
    pub fn tcp_connect(
        &mut self,
        local: Option<SocketAddr>,
        remote: SocketAddr,
    ) -> Result<TcpId, TcpConnectError> {
        self.scope.tcp_connect(self.node, local, remote, true)
    }

    /// Sends bytes: says how many were accepted, which is none before the connection is made. After some
    /// were not, [`TcpEvent::Writable`](crate::TcpEvent::Writable) tells when there is room.
    pub fn tcp_send(&mut self, id: TcpId, bytes: &[u8]) -> usize {
        self.scope.tcp_send(id, bytes)
    }

    /// Takes bytes that came.
    pub fn tcp_receive(&mut self, id: TcpId, out: &mut [u8]) -> TcpRead {
        self.scope.tcp_receive(id, out)
    }

    /// Says that nothing more will be sent; what was accepted still is. A connection that is not made
    /// yet ends.
    pub fn tcp_shutdown(&mut self, id: TcpId) {
        self.scope.tcp_shutdown(id);
    }

    /// Gives the connection up, with a reset.
    pub fn tcp_abort(&mut self, id: TcpId) {
        self.scope.tcp_abort(id);
    }

    /// Where the connection is.
    #[must_use]
    pub fn tcp_state(&self, id: TcpId) -> TcpState {
        self.scope.tcp_state(id)
    }

    /// The local and the remote address. The local IP address is unspecified until the SYN has left, if
    /// none was asked for.
    #[must_use]
    pub fn tcp_addresses(&self, id: TcpId) -> (SocketAddr, SocketAddr) {
        self.scope.tcp_addresses(id)
    }

    /// Where a listener listens.
    #[must_use]
    pub fn tcp_listener_address(&self, listener: ListenerId) -> SocketAddr {
        self.scope.tcp_listener_address(listener)
    }

    /// Bytes that were accepted to be sent and are not acknowledged.
    #[must_use]
    pub fn tcp_unacknowledged(&self, id: TcpId) -> usize {
        self.scope.tcp_unacknowledged(id)
    }

    /// Figures of the connection.
    #[must_use]
    pub fn tcp_stats(&self, id: TcpId) -> TcpStats {
        self.scope.tcp_stats(id)
    }

    /// TCP as it is configured on the host.
    #[must_use]
    pub fn tcp_config(&self) -> TcpConfig {
        self.scope.tcp_config(self.node)
    }

    /// Configures the connections that begin from now on.
    pub fn tcp_set_config(&mut self, config: TcpConfig) {
        self.scope.tcp_set_config(self.node, config);
    }

    /// Configures one connection; its buffers and its congestion control stay.
    pub fn tcp_configure(&mut self, id: TcpId, config: TcpConfig) {
        self.scope.tcp_configure(id, config);
    }
}

/// TCP of hosts that the caller drives: connections and listeners made here are polled, and no endpoint
/// hears of them.
impl<O: Observer> Network<O> {
    /// Takes TCP connections to `local`. Port 0 asks for an ephemeral port, the unspecified address for
    /// all addresses of the host in that family.
    ///
    /// # Errors
    ///
    /// If the node is not a host or does not have the address, or if another listener has the port.
    pub fn tcp_listen(&mut self, host: NodeId, local: SocketAddr) -> Result<ListenerId, BindError> {
        self.scoped(|scope| scope.tcp_listen(host, local, false))
    }

    /// Takes no more connections. Those that were accepted stay, the others are reset.
    pub fn tcp_stop_listening(&mut self, listener: ListenerId) {
        self.scoped(|scope| scope.tcp_stop_listening(listener));
        self.report_errors();
    }

    /// The oldest connection that waits to be accepted.
    pub fn tcp_accept(&mut self, listener: ListenerId) -> Option<TcpId> {
        self.scoped(|scope| scope.tcp_accept(listener))
    }

    /// Begins a connection from `local`, or from an address and port of the host's choice. If no way
    /// leads there, the connection ends at once.
    ///
    /// # Errors
    ///
    /// If the addresses cannot be those of a connection, if there is one between them, or if the host
    /// has as many as it may.
    pub fn tcp_connect(
        &mut self,
        host: NodeId,
        local: Option<SocketAddr>,
        remote: SocketAddr,
    ) -> Result<TcpId, TcpConnectError> {
        let id = self.scoped(|scope| scope.tcp_connect(host, local, remote, false));
        self.report_errors();
        id
    }

    /// Sends bytes: says how many were accepted, which is none before the connection is made.
    pub fn tcp_send(&mut self, id: TcpId, bytes: &[u8]) -> usize {
        let count = self.scoped(|scope| scope.tcp_send(id, bytes));
        self.report_errors();
        count
    }

    /// Takes bytes that came.
    pub fn tcp_receive(&mut self, id: TcpId, out: &mut [u8]) -> TcpRead {
        let read = self.scoped(|scope| scope.tcp_receive(id, out));
        self.report_errors();
        read
    }

    /// Says that nothing more will be sent; what was accepted still is. A connection that is not made
    /// yet ends.
    pub fn tcp_shutdown(&mut self, id: TcpId) {
        self.scoped(|scope| scope.tcp_shutdown(id));
        self.report_errors();
    }

    /// Gives the connection up, with a reset.
    pub fn tcp_abort(&mut self, id: TcpId) {
        self.scoped(|scope| scope.tcp_abort(id));
        self.report_errors();
    }

    /// Where the connection is.
    #[must_use]
    pub fn tcp_state(&mut self, id: TcpId) -> TcpState {
        self.scoped(|scope| scope.tcp_state(id))
    }

    /// The local and the remote address.
    #[must_use]
    pub fn tcp_addresses(&mut self, id: TcpId) -> (SocketAddr, SocketAddr) {
        self.scoped(|scope| scope.tcp_addresses(id))
    }

    /// Where a listener listens.
    #[must_use]
    pub fn tcp_listener_address(&mut self, listener: ListenerId) -> SocketAddr {
        self.scoped(|scope| scope.tcp_listener_address(listener))
    }

    /// Bytes that were accepted to be sent and are not acknowledged.
    #[must_use]
    pub fn tcp_unacknowledged(&mut self, id: TcpId) -> usize {
        self.scoped(|scope| scope.tcp_unacknowledged(id))
    }

    /// Figures of the connection.
    #[must_use]
    pub fn tcp_stats(&mut self, id: TcpId) -> TcpStats {
        self.scoped(|scope| scope.tcp_stats(id))
    }

    /// TCP as it is configured on a host.
    #[must_use]
    pub fn tcp_config(&mut self, host: NodeId) -> TcpConfig {
        self.scoped(|scope| scope.tcp_config(host))
    }

    /// Configures the connections of a host that begin from now on.
    pub fn tcp_set_config(&mut self, host: NodeId, config: TcpConfig) {
        self.scoped(|scope| scope.tcp_set_config(host, config));
    }

    /// Configures one connection; its buffers and its congestion control stay.
    pub fn tcp_configure(&mut self, id: TcpId, config: TcpConfig) {
        self.scoped(|scope| scope.tcp_configure(id, config));
        self.report_errors();
    }

    /// Lets a host forget all its connections and listeners without a word, as it does when it crashes.
    /// Segments that still come for them are answered with resets, as soon as the host answers anything.
    pub fn tcp_forget(&mut self, host: NodeId) {
        self.scoped(|scope| scope.tcp_forget(host));
    }
}
