//! What the dialogues share.

use std::{net::SocketAddr, time::Duration};

use base::{Instant, InterfaceAddress};
use simnet::{Cx, Endpoint, HopId, Network, NetworkChange, Observer, Received, RecvMeta, SocketId};

pub(crate) fn addr(text: &str) -> SocketAddr {
    text.parse().expect("an address")
}

pub(crate) fn ip(text: &str) -> std::net::IpAddr {
    text.parse().expect("an address")
}

/// An address such as `10.0.0.7/24`.
pub(crate) fn address(text: &str) -> InterfaceAddress {
    let (ip, length) = text.split_once('/').expect("an address and a length");
    InterfaceAddress::new(ip.parse().expect("an address"), length.parse().expect("a length"))
}

pub(crate) const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

pub(crate) const fn at(millis: u64) -> Instant {
    Instant::from_nanos(millis * 1_000_000)
}

pub(crate) fn socket<O: Observer>(net: &mut Network<O>, host: &str, local: &str) -> SocketId {
    let host = net.node(host);
    net.bind(host, addr(local)).expect("the port is free")
}

pub(crate) fn hop<O: Observer>(net: &Network<O>, name: &str) -> HopId {
    net.hop(name).expect("the interface exists")
}

pub(crate) fn arrived<O: Observer>(net: &mut Network<O>, socket: SocketId) -> Vec<Received> {
    std::iter::from_fn(|| net.receive(socket)).collect()
}

/// Whether a datagram from `from` to `to` arrives in `socket` within a second.
pub(crate) fn reaches<O: Observer>(
    net: &mut Network<O>,
    from: SocketId,
    to: &str,
    socket: SocketId,
) -> bool {
    net.send(from, addr(to), b"hello");
    net.run_for(Duration::from_secs(1));
    !arrived(net, socket).is_empty()
}

/// Counts what it hears on port 7, and sends to a peer every 100 ms of its clock.
#[derive(Default)]
pub(crate) struct Beacon {
    pub(crate) peer: Option<SocketAddr>,
    pub(crate) next: Option<Instant>,
    pub(crate) fired: Vec<Instant>,
    pub(crate) heard: u64,
    pub(crate) news: Vec<NetworkChange>,
    socket: Option<SocketId>,
}

impl Beacon {
    pub(crate) fn to(peer: &str) -> Self {
        Self { peer: Some(addr(peer)), ..Self::default() }
    }
}

impl Endpoint for Beacon {
    fn start(&mut self, cx: &mut Cx<'_>) {
        self.socket = cx.bind(addr("0.0.0.0:7")).ok();
        self.next = self.peer.map(|_| cx.now() + ms(100));
    }

    fn handle_datagram(&mut self, _: &mut Cx<'_>, _: SocketId, _: &RecvMeta, _: &[u8]) {
        self.heard += 1;
    }

    fn handle_network_change(&mut self, _: &mut Cx<'_>, change: NetworkChange) {
        self.news.push(change);
    }

    fn handle_timeout(&mut self, cx: &mut Cx<'_>) {
        self.fired.push(cx.now());
        self.next = Some(cx.now() + ms(100));
        if let (Some(socket), Some(peer)) = (self.socket, self.peer) {
            cx.send(socket, peer, b"beacon");
        }
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.next
    }
}
