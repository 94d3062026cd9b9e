//! Multicast, broadcast, shared ports, and LANs that keep their hosts apart.

use base::SocketErrorKind;
use bytes::Bytes;
use rstest::rstest;
use simnet::{
    Attach, BindError, Builder, DropReason, Host, Icmp, Network, NodeId, Packet, SocketId,
    SocketOption, Tcp, TcpFlags,
};

use crate::support::{addr, arrived, hop, ip, ms, reaches, socket};

const MDNS_V4: &str = "224.0.0.251";
const MDNS_V6: &str = "ff02::fb";

fn lan() -> Builder {
    Network::builder(1)
        .wan("wan", "11.0.0.0/8")
        .lan("lan", "10.0.0.0/24 fd00::/64")
        .router("edge", Attach::to("lan").and_to("wan"))
        .host("alice", Host::on("lan"))
        .host("bob", Host::on("lan"))
        .host("server", Host::on("wan"))
}

/// A responder as RFC 6762 §11 and §15.1 want it: a shared port, the group, a hop limit of 255.
fn responder(net: &mut Network, host: NodeId, group: &str) -> SocketId {
    let any = if ip(group).is_ipv4() { "0.0.0.0:5353" } else { "[::]:5353" };
    let socket = net.bind_shared(host, addr(any)).expect("the port may be shared");
    net.join(socket, ip(group));
    net.set_option(socket, SocketOption::MulticastHopLimit(255));
    socket
}

#[rstest]
#[case::ipv4(MDNS_V4)]
#[case::ipv6(MDNS_V6)]
fn a_query_reaches_every_responder_of_the_lan_and_those_beside_the_sender(#[case] group: &str) {
    let mut net = lan().build().expect("the world fits together");
    let (alice, bob) = (net.node("alice"), net.node("bob"));
    let asking = responder(&mut net, alice, group);
    let beside = responder(&mut net, alice, group);
    let others = [responder(&mut net, bob, group), responder(&mut net, bob, group)];
    net.send(asking, (ip(group), 5_353).into(), b"who is printer.local?");
    net.run_for(ms(1));
    for socket in [asking, beside, others[0], others[1]] {
        let got = arrived(&mut net, socket);
        assert_eq!(got.len(), 1);
        assert_eq!((got[0].ttl, got[0].destination.ip()), (255, ip(group)));
    }
    assert!(net.tally().is_conserved());
    // The router took no part: the group is the LAN's.
    assert_eq!(net.tally().dropped(DropReason::NotForwarded), 1);
}

#[test]
fn loopback_of_multicasts_can_be_switched_off() {
    let mut net = lan().build().expect("the world fits together");
    let (alice, bob) = (net.node("alice"), net.node("bob"));
    let (one, other) = (responder(&mut net, alice, MDNS_V4), responder(&mut net, alice, MDNS_V4));
    let far = responder(&mut net, bob, MDNS_V4);
    net.set_option(one, SocketOption::MulticastLoop(false));
    net.send(one, addr("224.0.0.251:5353"), b"quietly");
    net.run_for(ms(1));
    let counts = [one, other, far].map(|socket| arrived(&mut net, socket).len());
    assert_eq!(counts, [0, 0, 1]);
}

#[test]
fn multicasts_go_one_hop_unless_told_otherwise() {
    let mut net = lan().build().expect("the world fits together");
    let alice = socket(&mut net, "alice", "0.0.0.0:9");
    let bob = socket(&mut net, "bob", "0.0.0.0:9");
    net.join(bob, ip(MDNS_V4));
    net.send(alice, addr("224.0.0.251:9"), b"near");
    net.run_for(ms(1));
    assert_eq!(arrived(&mut net, bob)[0].ttl, 1);
}

#[test]
fn a_group_joined_on_one_interface_is_not_heard_on_the_other() {
    let mut net = Network::builder(1)
        .lan("one", "10.1.0.0/24")
        .lan("two", "10.2.0.0/24")
        .host("alice", Host::on("one").and_on("two"))
        .host("bob", Host::on("one"))
        .host("carol", Host::on("two"))
        .build()
        .expect("the world fits together");
    let alice = socket(&mut net, "alice", "0.0.0.0:5353");
    let (bob, carol) =
        (socket(&mut net, "bob", "0.0.0.0:1"), socket(&mut net, "carol", "0.0.0.0:1"));
    let (eth0, eth1) = (hop(&net, "alice.eth0"), hop(&net, "alice.eth1"));
    net.set_option(alice, SocketOption::Join(ip(MDNS_V4), Some(eth1)));
    assert!(!reaches(&mut net, bob, "224.0.0.251:5353", alice));
    assert!(reaches(&mut net, carol, "224.0.0.251:5353", alice));
    net.set_option(alice, SocketOption::Leave(ip(MDNS_V4), Some(eth1)));
    assert!(!reaches(&mut net, carol, "224.0.0.251:5353", alice));
    // Sending, too, picks its interface.
    net.join(bob, ip(MDNS_V4));
    net.join(carol, ip(MDNS_V4));
    assert!(reaches(&mut net, alice, "224.0.0.251:1", bob), "the first, if nobody says");
    net.set_option(alice, SocketOption::MulticastInterface(Some(eth1)));
    assert!(reaches(&mut net, alice, "224.0.0.251:1", carol));
    net.set_interface(eth1, false);
    net.send(alice, addr("224.0.0.251:1"), b"lost");
    assert_eq!(
        net.socket_error(alice).map(|error| error.kind),
        Some(SocketErrorKind::NetworkUnreachable)
    );
    let _ = eth0;
}

#[test]
fn a_port_is_shared_only_by_those_who_all_agree_and_the_last_gets_unicasts() {
    let mut net = lan().build().expect("the world fits together");
    let (alice, port) = (net.node("alice"), addr("0.0.0.0:5353"));
    let first = net.bind_shared(alice, port).expect("the first");
    assert_eq!(net.bind(alice, port), Err(BindError::InUse(port)));
    let last = net.bind_shared(alice, port).expect("the second agrees");
    let bob = socket(&mut net, "bob", "0.0.0.0:1");
    assert!(reaches(&mut net, bob, "10.0.0.10:5353", last));
    assert!(arrived(&mut net, first).is_empty());
    net.close(last);
    assert!(reaches(&mut net, bob, "10.0.0.10:5353", first));
    assert_eq!(net.bind_shared(net.node("bob"), port).map(|_| ()), Ok(()));
}

#[rstest]
#[case::limited("255.255.255.255:7")]
#[case::directed("10.0.0.255:7")]
fn broadcasts_reach_the_lan_and_go_no_further(#[case] to: &str) {
    let mut net = lan().build().expect("the world fits together");
    let alice = socket(&mut net, "alice", "0.0.0.0:1");
    let (bob, server) =
        (socket(&mut net, "bob", "0.0.0.0:7"), socket(&mut net, "server", "0.0.0.0:7"));
    assert!(reaches(&mut net, alice, to, bob));
    assert!(arrived(&mut net, server).is_empty());
}

/// The last socket bound is tied to another interface, and so is no reason to refuse the datagram.
#[test]
fn a_port_shared_by_sockets_of_two_interfaces_serves_both() {
    let mut net = Network::builder(1)
        .lan("one", "10.1.0.0/24")
        .lan("two", "10.2.0.0/24")
        .host("alice", Host::on("one").and_on("two"))
        .host("bob", Host::on("one"))
        .host("carol", Host::on("two"))
        .build()
        .expect("the world fits together");
    let (alice, port) = (net.node("alice"), addr("0.0.0.0:5353"));
    let sockets = [0, 1].map(|_| net.bind_shared(alice, port).expect("the port may be shared"));
    for (socket, name) in sockets.into_iter().zip(["alice.eth0", "alice.eth1"]) {
        let eth = hop(&net, name);
        net.set_option(socket, SocketOption::Device(Some(eth)));
    }
    let (bob, carol) =
        (socket(&mut net, "bob", "0.0.0.0:1"), socket(&mut net, "carol", "0.0.0.0:1"));
    assert!(reaches(&mut net, bob, "10.1.0.10:5353", sockets[0]));
    assert!(reaches(&mut net, carol, "10.2.0.10:5353", sockets[1]));
}

/// Nobody may speak from a broadcast address: RFC 1122 §3.2.1.3.
#[test]
fn what_is_sent_to_a_directed_broadcast_is_not_answered_from_it() {
    let mut net = lan().build().expect("the world fits together");
    let alice = net.node("alice");
    let (from, all) = (net.address(alice), ip("10.0.0.255"));
    let ping = Icmp::EchoRequest { identifier: 1, sequence: 1, payload: Bytes::new() };
    net.inject(alice, Packet::icmp(from, all, ping));
    net.inject(alice, Packet::tcp((from, 9).into(), (all, 80).into(), Tcp::new(TcpFlags::SYN)));
    net.inject(alice, Packet::udp((from, 9).into(), (all, 7).into(), &b"who is there?"[..]));
    net.run_for(ms(10));
    let tally = net.tally();
    assert_eq!(tally.originated, 3, "nobody answers: {tally}");
}

#[test]
fn an_isolating_lan_lets_its_hosts_reach_the_router_only() {
    let mut net = Network::builder(1)
        .wan("wan", "11.0.0.0/8")
        .isolated_lan("guests", "10.0.0.0/24")
        .router("edge", Attach::to("guests").and_to("wan"))
        .host("alice", Host::on("guests"))
        .host("bob", Host::on("guests"))
        .host("server", Host::on("wan").address("11.0.0.3"))
        .build()
        .expect("the world fits together");
    let alice = socket(&mut net, "alice", "0.0.0.0:1");
    let (bob, server) =
        (socket(&mut net, "bob", "0.0.0.0:7"), socket(&mut net, "server", "0.0.0.0:7"));
    net.join(bob, ip(MDNS_V4));
    assert!(!reaches(&mut net, alice, "10.0.0.11:7", bob));
    assert_eq!(net.tally().dropped(DropReason::Isolated), 1);
    assert!(!reaches(&mut net, alice, "224.0.0.251:7", bob));
    assert!(reaches(&mut net, alice, "11.0.0.3:7", server));
    assert!(reaches(&mut net, server, "10.0.0.10:1", alice));
}
