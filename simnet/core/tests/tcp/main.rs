//! TCP between simulated hosts.

mod bulk;
mod data;
mod life;

use std::{net::SocketAddr, time::Duration};

use simnet::{Host, Link, Network, NodeId, Observer, TcpConfig, TcpId, TcpRead};

/// Where the server listens.
const SERVER: &str = "11.0.0.3:80";

fn at(address: &str) -> SocketAddr {
    address.parse().expect("an address and port")
}

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// Alice and a server on two wires of one router; `link` is the server's.
fn world<O: Observer>(seed: u64, link: Link, config: TcpConfig, observer: O) -> Network<O> {
    Network::builder(seed)
        .wan("wan", "11.0.0.0/8 2001:db8::/32")
        .host("alice", Host::on("wan").address("11.0.0.2").address("2001:db8::2").tcp(config))
        .host("server", Host::on("wan").address("11.0.0.3").address("2001:db8::3").tcp(config))
        .link("server", "wan", link)
        .build_observed(observer)
        .expect("the description fits together")
}

fn nodes<O: Observer>(net: &Network<O>) -> (NodeId, NodeId) {
    (net.node("alice"), net.node("server"))
}

/// A connection from Alice to the server: both ends.
fn connected<O: Observer>(net: &mut Network<O>) -> (TcpId, TcpId) {
    let (alice, server) = nodes(net);
    let listener = net.tcp_listen(server, at(SERVER)).expect("the port is free");
    let client = net.tcp_connect(alice, None, at(SERVER)).expect("it begins");
    net.run_for(ms(2_000));
    let accepted = net.tcp_accept(listener).expect("it is made");
    net.tcp_stop_listening(listener);
    (client, accepted)
}

/// Everything that can be read now, and how the reading ended.
fn read_all<O: Observer>(net: &mut Network<O>, id: TcpId) -> (Vec<u8>, TcpRead) {
    let mut all = Vec::new();
    let mut buffer = [0; 4_096];
    loop {
        match net.tcp_receive(id, &mut buffer) {
            TcpRead::Data(count) => all.extend(buffer.iter().take(count)),
            end => return (all, end),
        }
    }
}
