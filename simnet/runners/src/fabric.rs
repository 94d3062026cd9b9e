//! What runners need of a network, whoever observes it.

use std::net::{IpAddr, SocketAddr};

use base::{Instant, Interface, SocketError, Transmit};
use simnet::{
    BindError, Network, NodeId, Observer, Received, SocketId, SocketOption, Stream, Topology,
};

/// A [`Network`] without its type parameter.
pub(crate) trait Fabric {
    fn now(&self) -> Instant;
    fn next_event(&self) -> Option<Instant>;
    fn run_until(&mut self, limit: Instant);
    fn topology(&self) -> &Topology;
    fn interfaces(&self, host: NodeId) -> Vec<Interface>;
    fn stream(&self, path: &str) -> Stream;
    fn is_crashed(&self, host: NodeId) -> bool;
    fn install(&mut self, host: NodeId, endpoint: crate::agent::Agent);
    fn bind(&mut self, host: NodeId, local: SocketAddr) -> Result<SocketId, BindError>;
    fn close(&mut self, socket: SocketId);
    fn local_address(&self, socket: SocketId) -> SocketAddr;
    fn transmit(&mut self, socket: SocketId, transmit: &Transmit, payload: &[u8]);
    fn receive(&mut self, socket: SocketId) -> Option<Received>;
    fn socket_error(&mut self, socket: SocketId) -> Option<SocketError>;
    fn set_option(&mut self, socket: SocketId, option: SocketOption);
    fn source_for(&self, host: NodeId, destination: IpAddr) -> Option<IpAddr>;
    fn order_destinations(&self, host: NodeId, destinations: &[IpAddr]) -> Vec<IpAddr>;
}

impl<O: Observer> Fabric for Network<O> {
    fn now(&self) -> Instant {
        self.now()
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

    fn install(&mut self, host: NodeId, endpoint: crate::agent::Agent) {
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

    fn source_for(&self, host: NodeId, destination: IpAddr) -> Option<IpAddr> {
        self.source_for(host, destination)
    }

    fn order_destinations(&self, host: NodeId, destinations: &[IpAddr]) -> Vec<IpAddr> {
        self.order_destinations(host, destinations)
    }
}
