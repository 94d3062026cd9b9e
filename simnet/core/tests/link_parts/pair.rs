//! Two hosts and the link between them.

use std::{net::SocketAddr, time::Duration};

use base::Instant;
use simnet::{Builder, Host, Link, Network, Observer, Received, SocketId};

pub(crate) const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

pub(crate) const fn us(micros: u64) -> Duration {
    Duration::from_micros(micros)
}

pub(crate) const fn at(millis: u64) -> Instant {
    Instant::from_nanos(millis * 1_000_000)
}

pub(crate) fn addr(text: &str) -> SocketAddr {
    text.parse().expect("an address")
}

/// Alice and Bob on one LAN, with `link` in the direction away from Alice.
pub(crate) fn world(seed: u64, link: Link) -> Builder {
    Network::builder(seed)
        .lan("lan", "10.0.0.0/24")
        .host("alice", Host::on("lan").address("10.0.0.1"))
        .host("bob", Host::on("lan").address("10.0.0.2").receive_queue(1_000_000))
        .link_from("alice", "lan", link)
}

pub(crate) struct Pair<O = ()> {
    pub(crate) net: Network<O>,
    pub(crate) alice: SocketId,
    pub(crate) bob: SocketId,
}

pub(crate) fn open<O: Observer>(mut net: Network<O>) -> Pair<O> {
    let (alice, bob) = (net.node("alice"), net.node("bob"));
    let alice = net.bind(alice, addr("0.0.0.0:1")).expect("the port is free");
    let bob = net.bind(bob, addr("0.0.0.0:2")).expect("the port is free");
    Pair { net, alice, bob }
}

pub(crate) fn pair(link: Link) -> Pair {
    open(world(1, link).without_trace_hash().build().expect("the world fits together"))
}

impl<O: Observer> Pair<O> {
    /// Sends one datagram that makes an IP packet of `size` bytes.
    pub(crate) fn send(&mut self, number: u32, size: usize) {
        let mut payload = number.to_be_bytes().to_vec();
        payload.resize(size - 28, 0);
        self.net.send(self.alice, addr("10.0.0.2:2"), &payload);
    }

    /// Sends datagrams that make IP packets of `size` bytes, each numbered, `gap` apart.
    pub(crate) fn train(&mut self, count: u32, size: usize, gap: Duration) {
        for number in 0..count {
            self.send(number, size);
            self.net.run_for(gap);
        }
    }

    pub(crate) fn arrived(&mut self) -> Vec<Received> {
        self.net.run_for(Duration::from_secs(600));
        std::iter::from_fn(|| self.net.receive(self.bob)).collect()
    }

    pub(crate) fn arrived_numbers(&mut self) -> Vec<u32> {
        self.arrived().iter().map(number_of).collect()
    }

    pub(crate) fn arrival_times(&mut self) -> Vec<Instant> {
        self.arrived().iter().map(|received| received.at).collect()
    }
}

/// The number that a datagram begins with.
pub(crate) fn number_of(received: &Received) -> u32 {
    u32::from_be_bytes(*received.payload.first_chunk().expect("four bytes"))
}

/// Bytes of the IP packet that brought it.
pub(crate) fn size_of(received: &Received) -> u64 {
    received.payload.len() as u64 + 28
}
