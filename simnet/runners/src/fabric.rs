//! What runners need of a network, whoever observes it.

use std::net::{IpAddr, SocketAddr};

use base::{Instant, Interface, SocketError, Transmit};
use simnet::{
    BindError, ListenerId, Network, NodeId, Observer, Received, SocketId, SocketOption, Stream,
    TcpConfig, TcpConnectError, TcpId, TcpRead, TcpState, Topology,
};

use crate::agent::Agent;

/// A [`Network`] without its type parameter.
pub(crate) trait Fabric {
    fn now(&self) -> Instant;
    fn local_time(&self, host: NodeId) -> Instant;
    fn time_when(&self, host: NodeId, local: Instant) -> Instant;
    fn next_event(&self) -> Option<Instant>;
    fn run_until(&mut self, limit: Instant);
    fn topology(&self) -> &Topology;
    fn interfaces(&self, host: NodeId) -> Vec<Interface>;
    fn stream(&self, path: &str) -> Stream;
    fn is_crashed(&self, host: NodeId) -> bool;
    fn install(&mut self, host: NodeId, endpoint: Agent);
    fn bind(&mut self, host: NodeId, local: SocketAddr) -> Result<SocketId, BindError>;
    fn close(&mut self, socket: SocketId);
    fn local_address(&self, socket: SocketId) -> SocketAddr;
    fn transmit(&mut self, socket: SocketId, transmit: &Transmit, payload: &[u8]);
    fn receive(&mut self, socket: SocketId) -> Option<Received>;
    fn socket_error(&mut self, socket: SocketId) -> Option<SocketError>;
    fn set_option(&mut self, socket: SocketId, option: SocketOption);
    fn tcp_config(&mut self, host: NodeId) -> TcpConfig;
    /// `None` if the runner has no ear on the host.
    fn tcp_listen(
        &mut self,
        host: NodeId,
        local: SocketAddr,
    ) -> Option<Result<ListenerId, BindError>>;
    fn tcp_stop_listening(&mut self, listener: ListenerId);
    fn tcp_listener_address(&mut self, listener: ListenerId) -> SocketAddr;
    /// `None` if the runner has no ear on the host.
    fn tcp_connect(
        &mut self,
        host: NodeId,
        local: Option<SocketAddr>,
        remote: SocketAddr,
    ) -> Option<Result<TcpId, TcpConnectError>>;
    fn tcp_configure(&mut self, id: TcpId, config: TcpConfig);
    fn tcp_send(&mut self, id: TcpId, bytes: &[u8]) -> usize;
    fn tcp_receive(&mut self, id: TcpId, out: &mut [u8]) -> TcpRead;
    fn tcp_shutdown(&mut self, id: TcpId);
    fn tcp_abort(&mut self, id: TcpId);
    fn tcp_state(&mut self, id: TcpId) -> TcpState;
    fn tcp_addresses(&mut self, id: TcpId) -> (SocketAddr, SocketAddr);
    fn source_for(&self, host: NodeId, destination: IpAddr) -> Option<IpAddr>;
    fn order_destinations(&self, host: NodeId, destinations: &[IpAddr]) -> Vec<IpAddr>;
}

impl<O: Observer> Fabric for Network<O> {
    fn now(&self) -> Instant {
        self.now()
    }

    fn local_time(&self, host: NodeId) -> Instant {
        self.local_time(host)
    }

    fn time_when(&self, host: NodeId, local: Instant) -> Instant {
        self.time_when(host, local)
    }

    fn next_event(&self) -> Option<Instant> {
        self.next_event()
    }

    fn run_until(&mut self, limit: Instant) {
        self.run_until(limit);
    }

    fn topology(&self) -> &Topology {
        self.topology()
    }

    fn interfaces(&self, host: NodeId) -> Vec<Interface> {
        self.interfaces(host)
    }

    fn stream(&self, path: &str) -> Stream {
        self.stream(path)
    }

    fn is_crashed(&self, host: NodeId) -> bool {
        self.is_crashed(host)
    }

    fn install(&mut self, host: NodeId, endpoint: Agent) {
        self.install(host, endpoint);
    }

    fn bind(&mut self, host: NodeId, local: SocketAddr) -> Result<SocketId, BindError> {
        self.bind(host, local)
    }

    fn close(&mut self, socket: SocketId) {
        self.close(socket);
    }

    fn local_address(&self, socket: SocketId) -> SocketAddr {
        self.local_address(socket)
    }

    fn transmit(&mut self, socket: SocketId, transmit: &Transmit, payload: &[u8]) {
        self.transmit_from(socket, transmit, payload);
    }

    fn receive(&mut self, socket: SocketId) -> Option<Received> {
        self.receive(socket)
    }

    fn socket_error(&mut self, socket: SocketId) -> Option<SocketError> {
        self.socket_error(socket)
    }

    fn set_option(&mut self, socket: SocketId, option: SocketOption) {
        self.set_option(socket, option);
    }

    fn tcp_config(&mut self, host: NodeId) -> TcpConfig {
        self.tcp_config(host)
    }

    fn tcp_listen(
        &mut self,
        host: NodeId,
        local: SocketAddr,
    ) -> Option<Result<ListenerId, BindError>> {
        self.with_endpoint(host, |_: &mut Agent, cx| cx.tcp_listen(local))
    }

    fn tcp_stop_listening(&mut self, listener: ListenerId) {
        self.tcp_stop_listening(listener);
    }

    fn tcp_listener_address(&mut self, listener: ListenerId) -> SocketAddr {
        self.tcp_listener_address(listener)
    }

    fn tcp_connect(
        &mut self,
        host: NodeId,
        local: Option<SocketAddr>,
        remote: SocketAddr,
    ) -> Option<Result<TcpId, TcpConnectError>> {
        self.with_endpoint(host, |_: &mut Agent, cx| cx.tcp_connect(local, remote))
    }

    fn tcp_configure(&mut self, id: TcpId, config: TcpConfig) {
        self.tcp_configure(id, config);
    }

    fn tcp_send(&mut self, id: TcpId, bytes: &[u8]) -> usize {
        self.tcp_send(id, bytes)
    }

    fn tcp_receive(&mut self, id: TcpId, out: &mut [u8]) -> TcpRead {
        self.tcp_receive(id, out)
    }

    fn tcp_shutdown(&mut self, id: TcpId) {
        self.tcp_shutdown(id);
    }

    fn tcp_abort(&mut self, id: TcpId) {
        self.tcp_abort(id);
    }

    fn tcp_state(&mut self, id: TcpId) -> TcpState {
        self.tcp_state(id)
    }

    fn tcp_addresses(&mut self, id: TcpId) -> (SocketAddr, SocketAddr) {
        self.tcp_addresses(id)
    }

    fn source_for(&self, host: NodeId, destination: IpAddr) -> Option<IpAddr> {
        self.source_for(host, destination)
    }

    fn order_destinations(&self, host: NodeId, destinations: &[IpAddr]) -> Vec<IpAddr> {
        self.order_destinations(host, destinations)
    }
}
