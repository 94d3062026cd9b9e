//! Dialogues: what hosts, segments, routers and ICMP do.

use std::{net::SocketAddr, time::Duration};

use base::{Dscp, Ecn, Instant, InterfaceKind, SocketErrorKind, Transmit};
use rstest::rstest;
use simnet::{
    Attach, BindError, BuildError, Builder, Change, DropReason, EphemeralPorts, Host, Link,
    Network, NodeId, Packet, Received, SocketId,
};

fn addr(text: &str) -> SocketAddr {
    text.parse().expect("an address")
}

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

const fn at(millis: u64) -> Instant {
    Instant::from_nanos(millis * 1_000_000)
}

/// Two hosts on one LAN.
fn lan() -> Builder {
    Network::builder(1)
        .lan("lan", "192.168.1.0/24 fd00:1::/64")
        .host("alice", Host::on("lan"))
        .host("bob", Host::on("lan"))
}

/// Two LANs with a router between them, and a wide-area network behind.
fn routed() -> Builder {
    Network::builder(1)
        .wan("wan", "11.0.0.0/8 2001:db8::/32")
        .lan("lan-a", "10.1.0.0/16 fd00:a::/64")
        .lan("lan-b", "10.2.0.0/16 fd00:b::/64")
        .router("edge", Attach::to("lan-a").and_to("wan"))
        .router("inner", Attach::to("lan-a").and_to("lan-b"))
        .host("alice", Host::on("lan-a"))
        .host("bob", Host::on("lan-b"))
        .host("server", Host::on("wan").address("11.0.0.3").address("2001:db8::3"))
}

fn socket<O: simnet::Observer>(net: &mut Network<O>, host: &str, local: &str) -> SocketId {
    let host = net.node(host);
    net.bind(host, addr(local)).expect("the port is free")
}

fn arrived<O: simnet::Observer>(net: &mut Network<O>, socket: SocketId) -> Vec<Received> {
    std::iter::from_fn(|| net.receive(socket)).collect()
}

#[rstest]
#[case::same_lan("alice", "0.0.0.0:5000", "10.1.0.11:7", "carol")]
#[case::across_a_router("alice", "0.0.0.0:5000", "10.2.0.10:7", "bob")]
#[case::across_two_routers("bob", "0.0.0.0:5000", "11.0.0.3:7", "server")]
#[case::inwards("server", "0.0.0.0:5000", "10.2.0.10:7", "bob")]
#[case::to_itself("alice", "0.0.0.0:5000", "10.1.0.10:7", "alice")]
#[case::loopback("alice", "0.0.0.0:5000", "127.0.0.1:7", "alice")]
#[case::ipv6_same_lan("alice", "[::]:5000", "[fd00:a::11]:7", "carol")]
#[case::ipv6_across("server", "[::]:5000", "[fd00:b::10]:7", "bob")]
#[case::ipv6_outwards("bob", "[::]:5000", "[2001:db8::3]:7", "server")]
#[case::ipv6_loopback("alice", "[::]:5000", "[::1]:7", "alice")]
fn reaches(#[case] from: &str, #[case] local: &str, #[case] to: &str, #[case] host: &str) {
    let mut net = routed().host("carol", Host::on("lan-a")).build().unwrap();
    let sender = socket(&mut net, from, local);
    let wildcard = if local.starts_with('[') { "[::]:7" } else { "0.0.0.0:7" };
    let receiver = socket(&mut net, host, wildcard);
    net.send(sender, addr(to), b"hello");
    net.run_for(ms(1));
    let got = arrived(&mut net, receiver);
    assert_eq!(got.len(), 1, "{}", net.tally());
    assert_eq!((got[0].destination, &got[0].payload[..]), (addr(to), &b"hello"[..]));
    // The answer finds its way back to the address seen.
    net.send(receiver, got[0].source, b"you too");
    net.run_for(ms(1));
    let answer = arrived(&mut net, sender);
    assert_eq!((answer[0].source, &answer[0].payload[..]), (addr(to), &b"you too"[..]));
    assert!(net.tally().is_conserved());
}

#[test]
fn hop_limit_shrinks_by_one_at_each_router() {
    let mut net = routed().build().unwrap();
    let sender = socket(&mut net, "bob", "0.0.0.0:1");
    let receiver = socket(&mut net, "server", "0.0.0.0:7");
    net.set_hop_limit(sender, 9);
    net.send(sender, addr("11.0.0.3:7"), b"x");
    net.run_for(ms(1));
    // The two routers, and the one in the middle of the wide-area network.
    assert_eq!(net.receive(receiver).unwrap().ttl, 6);
}

#[test]
fn marks_and_traffic_class_travel_along() {
    let mut net = routed().build().unwrap();
    let sender = socket(&mut net, "alice", "0.0.0.0:1");
    let receiver = socket(&mut net, "server", "0.0.0.0:7");
    let transmit =
        Transmit { ecn: Ecn::Ect1, dscp: Dscp::EF, ..Transmit::new(addr("11.0.0.3:7"), 1) };
    net.transmit_from(sender, &transmit, b"x");
    net.run_for(ms(1));
    let got = net.receive(receiver).unwrap();
    assert_eq!((got.ecn, got.dscp), (Ecn::Ect1, Dscp::EF));
}

#[test]
fn a_batch_becomes_datagrams() {
    let mut net = lan().build().unwrap();
    let sender = socket(&mut net, "alice", "0.0.0.0:1");
    let receiver = socket(&mut net, "bob", "0.0.0.0:7");
    let transmit = Transmit { segment_size: Some(4), ..Transmit::new(addr("192.168.1.11:7"), 10) };
    net.transmit_from(sender, &transmit, b"aaaabbbbcc");
    net.run_for(ms(1));
    let got: Vec<_> = arrived(&mut net, receiver).into_iter().map(|r| r.payload).collect();
    assert_eq!(got, [&b"aaaa"[..], b"bbbb", b"cc"]);
}

#[test]
fn a_datagram_longer_than_ip_allows_is_refused_at_once() {
    let mut net = lan().build().unwrap();
    let sender = socket(&mut net, "alice", "0.0.0.0:1");
    let receiver = socket(&mut net, "bob", "0.0.0.0:7");
    net.send(sender, addr("192.168.1.11:7"), &[0; 65_508]);
    assert_eq!(net.socket_error(sender).unwrap().kind, SocketErrorKind::TooBig { mtu: 1_500 });
    net.send(sender, addr("192.168.1.11:7"), &[0; 65_507]);
    net.run_for(ms(1));
    assert_eq!(net.receive(receiver).unwrap().payload.len(), 65_507);
    assert!(net.tally().is_conserved());
}

#[test]
fn an_empty_datagram_is_a_datagram() {
    let mut net = lan().build().unwrap();
    let sender = socket(&mut net, "alice", "0.0.0.0:1");
    let receiver = socket(&mut net, "bob", "0.0.0.0:7");
    net.send(sender, addr("192.168.1.11:7"), b"");
    net.run_for(ms(1));
    assert_eq!(net.receive(receiver).unwrap().payload.len(), 0);
}

#[rstest]
#[case::closed_port("alice", "11.0.0.3:9", SocketErrorKind::PortUnreachable)]
#[case::nobody_on_the_lan("alice", "10.1.7.7:9", SocketErrorKind::HostUnreachable)]
#[case::nobody_on_the_far_lan("alice", "10.2.7.7:9", SocketErrorKind::HostUnreachable)]
#[case::nobody_on_the_wan("alice", "11.7.7.7:9", SocketErrorKind::HostUnreachable)]
#[case::no_such_network("alice", "203.0.113.1:9", SocketErrorKind::NetworkUnreachable)]
#[case::ipv6_closed_port("bob", "[2001:db8::3]:9", SocketErrorKind::PortUnreachable)]
#[case::ipv6_nobody("bob", "[fd00:a::77]:9", SocketErrorKind::HostUnreachable)]
#[case::own_closed_port("alice", "127.0.0.1:9", SocketErrorKind::PortUnreachable)]
fn errors_come_back_to_the_socket_that_sent(
    #[case] host: &str,
    #[case] to: &str,
    #[case] kind: SocketErrorKind,
) {
    let mut net = routed().build().unwrap();
    let wildcard = if to.starts_with('[') { "[::]" } else { "0.0.0.0" };
    let other = socket(&mut net, host, &format!("{wildcard}:6000"));
    let sender = socket(&mut net, host, &format!("{wildcard}:5000"));
    net.send(sender, addr(to), b"x");
    net.run_for(ms(1));
    let error = net.socket_error(sender).expect("the error is reported");
    assert_eq!((error.remote, error.kind), (addr(to), kind));
    assert_eq!(error.local.port(), 5000);
    assert_eq!(net.socket_error(sender), None);
    assert_eq!(net.socket_error(other), None);
    assert!(net.tally().is_conserved());
}

#[test]
fn a_silent_host_says_nothing_about_closed_ports() {
    let mut net = Network::builder(1)
        .lan("lan", "192.168.1.0/24")
        .host("alice", Host::on("lan"))
        .host("bob", Host::on("lan").silent())
        .build()
        .unwrap();
    let sender = socket(&mut net, "alice", "0.0.0.0:1");
    net.send(sender, addr("192.168.1.11:9"), b"x");
    net.run_for(ms(1));
    assert_eq!(net.socket_error(sender), None);
    assert_eq!(net.tally().dropped(DropReason::NoSocket), 1);
}

#[test]
fn a_hop_limit_that_runs_out_is_reported_by_that_router() {
    let mut net = routed().build().unwrap();
    let sender = socket(&mut net, "bob", "0.0.0.0:1");
    for hops in 1..=3 {
        net.set_hop_limit(sender, hops);
        net.send(sender, addr("11.0.0.3:7"), b"x");
        net.run_for(ms(1));
        let error = net.socket_error(sender).expect("the error is reported");
        assert_eq!(error.kind, SocketErrorKind::TimeExceeded);
    }
    assert_eq!(net.tally().dropped(DropReason::HopLimit), 3);
    net.set_hop_limit(sender, 4);
    net.send(sender, addr("11.0.0.3:7"), b"x");
    net.run_for(ms(1));
    assert_eq!(net.socket_error(sender).unwrap().kind, SocketErrorKind::PortUnreachable);
}

#[test]
fn pings_are_answered() {
    let mut net = routed().build().unwrap();
    let (alice, server) = (net.node("alice"), net.node("server"));
    net.tap(alice);
    let ping = simnet::Icmp::EchoRequest {
        identifier: 7,
        sequence: 1,
        payload: bytes::Bytes::from_static(b"ping"),
    };
    net.inject(alice, Packet::icmp(net.address(alice), net.address(server), ping));
    net.run_for(ms(1));
    let (_, answer) = net.poll_tap(alice).expect("the answer arrives");
    assert_eq!(answer.source_ip, net.address(server));
    let reply = simnet::Icmp::EchoReply {
        identifier: 7,
        sequence: 1,
        payload: bytes::Bytes::from_static(b"ping"),
    };
    assert_eq!(answer.body, simnet::Body::Icmp(reply));
}

#[test]
fn a_broadcast_reaches_everyone_on_the_segment_but_its_sender() {
    let mut net = lan().host("carol", Host::on("lan")).build().unwrap();
    let sockets = ["alice", "bob", "carol"].map(|host| socket(&mut net, host, "0.0.0.0:7"));
    for destination in ["192.168.1.255:7", "255.255.255.255:7"] {
        net.send(sockets[0], addr(destination), b"all");
        net.run_for(ms(1));
        assert_eq!(net.receive(sockets[0]), None);
        for &socket in &sockets[1..] {
            assert_eq!(arrived(&mut net, socket).len(), 1, "{destination}");
        }
    }
    assert!(net.tally().is_conserved());
}

#[rstest]
#[case::mdns("0.0.0.0:5353", "224.0.0.251:5353")]
#[case::mdns_ipv6("[::]:5353", "[ff02::fb]:5353")]
fn a_multicast_reaches_those_who_joined(#[case] local: &str, #[case] group: &str) {
    let mut net = lan().host("carol", Host::on("lan")).build().unwrap();
    let sockets = ["alice", "bob", "carol"].map(|host| socket(&mut net, host, local));
    net.join(sockets[1], addr(group).ip());
    net.send(sockets[0], addr(group), b"who is x.local?");
    net.run_for(ms(1));
    assert_eq!(arrived(&mut net, sockets[1]).len(), 1);
    assert_eq!(arrived(&mut net, sockets[2]).len(), 0);
    assert_eq!(net.tally().dropped(DropReason::NotJoined), 1);
    assert!(net.tally().is_conserved());
}

#[test]
fn groups_end_at_the_segment() {
    let mut net = routed().build().unwrap();
    let sender = socket(&mut net, "server", "0.0.0.0:7");
    net.send(sender, addr("224.0.0.251:5353"), b"x");
    net.run_for(ms(1));
    assert_eq!(net.tally().dropped(DropReason::NotForwarded), 1);
}

#[test]
fn private_realms_overlap() {
    let mut net = Network::builder(1)
        .lan("lan-a", "192.168.1.0/24")
        .lan("lan-b", "192.168.1.0/24")
        .host("alice", Host::on("lan-a"))
        .host("anna", Host::on("lan-a"))
        .host("bob", Host::on("lan-b"))
        .host("ben", Host::on("lan-b"))
        .build()
        .unwrap();
    let sockets: Vec<_> = ["alice", "bob", "anna", "ben"]
        .map(|host| socket(&mut net, host, "0.0.0.0:7"))
        .into_iter()
        .collect();
    assert_eq!(net.address(net.node("anna")), net.address(net.node("ben")));
    net.send(sockets[0], addr("192.168.1.11:7"), b"from alice");
    net.send(sockets[1], addr("192.168.1.11:7"), b"from bob");
    net.run_for(ms(1));
    assert_eq!(&arrived(&mut net, sockets[2])[0].payload[..], b"from alice");
    assert_eq!(&arrived(&mut net, sockets[3])[0].payload[..], b"from bob");
}

#[test]
fn a_socket_bound_to_an_address_sends_from_that_interface() {
    let mut net = Network::builder(1)
        .wan("dsl", "11.0.0.0/8")
        .wan("lte", "12.0.0.0/8")
        .host("alice", Host::on("dsl").named("eth0").and_on("lte").named("wwan0"))
        .host("dora", Host::on("dsl").address("11.0.0.3"))
        .host("lea", Host::on("lte").address("12.0.0.3").and_on("dsl").address("11.0.0.4"))
        .build()
        .unwrap();
    let any = socket(&mut net, "alice", "0.0.0.0:5000");
    let bound = socket(&mut net, "alice", "12.0.0.10:6000");
    let lea = socket(&mut net, "lea", "0.0.0.0:7");
    // The longest prefix decides for a wildcard, the address for the other.
    net.send(any, addr("11.0.0.4:7"), b"any");
    net.send(any, addr("12.0.0.3:7"), b"any");
    net.send(bound, addr("12.0.0.3:7"), b"bound");
    net.run_for(ms(1));
    let sources: Vec<_> = arrived(&mut net, lea).into_iter().map(|r| r.source).collect();
    assert_eq!(sources, ["11.0.0.10:5000", "12.0.0.10:5000", "12.0.0.10:6000"].map(addr));
    // What does not exist on the other network is not found there either.
    net.send(bound, addr("11.0.0.3:7"), b"bound");
    net.run_for(ms(1));
    let error = net.socket_error(bound).unwrap();
    assert_eq!(error.kind, SocketErrorKind::NetworkUnreachable);
}

#[test]
fn an_interface_that_goes_down_takes_its_addresses_along() {
    let mut net = lan().build().unwrap();
    let sender = socket(&mut net, "alice", "0.0.0.0:1");
    let receiver = socket(&mut net, "bob", "0.0.0.0:7");
    let hop = net.hop("bob.eth0").unwrap();
    net.schedule(at(10), Change::Down(hop));
    net.schedule(at(20), Change::Up(hop));
    for time in [5, 15, 25] {
        net.run_until(at(time));
        net.send(sender, addr("192.168.1.11:7"), b"x");
        let addresses = net.interfaces(net.node("bob"))[0].addresses.len();
        assert_eq!(addresses, if time == 15 { 0 } else { 2 });
    }
    net.run_for(ms(1));
    let times: Vec<_> = arrived(&mut net, receiver).into_iter().map(|r| r.at).collect();
    assert_eq!(times, [at(5), at(25)]);
    assert_eq!(net.tally().dropped(DropReason::ReceiverDown), 1);
}

#[test]
fn interfaces_are_enumerated_as_a_driver_would() {
    let mut net = Network::builder(1)
        .lan("lan", "192.168.1.0/24 fd00:1::/64")
        .host("alice", Host::on("lan").named("wlan0").kind(InterfaceKind::Wifi).mtu(1_400))
        .build()
        .unwrap();
    let interfaces = net.interfaces(net.node("alice"));
    insta::assert_debug_snapshot!(interfaces);
    let alice: NodeId = net.node("alice");
    assert_eq!(
        net.bind(alice, addr("10.0.0.1:1")),
        Err(BindError::NoSuchAddress("10.0.0.1".parse().unwrap()))
    );
}

#[test]
fn ports_are_taken_once_and_free_again_when_closed() {
    let mut net = lan().build().unwrap();
    let alice = net.node("alice");
    let first = net.bind(alice, addr("0.0.0.0:7")).unwrap();
    let taken = addr("192.168.1.10:7");
    assert_eq!(net.bind(alice, taken), Err(BindError::InUse(taken)));
    net.bind(alice, addr("[::]:7")).expect("the families do not meet");
    net.close(first);
    net.bind(alice, taken).expect("the port is free");
    assert_eq!(net.bind(net.find("lan").unwrap(), addr("0.0.0.0:1")), Err(BindError::NotAHost));
}

#[test]
fn a_specific_socket_comes_before_a_wildcard() {
    let mut net = Network::builder(1)
        .lan("lan", "192.168.1.0/24")
        .host("alice", Host::on("lan").address("192.168.1.2").address("192.168.1.3"))
        .host("bob", Host::on("lan"))
        .build()
        .unwrap();
    let one = socket(&mut net, "alice", "192.168.1.2:7");
    let two = socket(&mut net, "alice", "192.168.1.3:7");
    let sender = socket(&mut net, "bob", "0.0.0.0:1");
    net.send(sender, addr("192.168.1.3:7"), b"x");
    net.run_for(ms(1));
    assert_eq!((arrived(&mut net, one).len(), arrived(&mut net, two).len()), (0, 1));
}

#[test]
fn ephemeral_ports_come_in_order_or_from_the_hosts_own_dice() {
    let world = |seed| {
        Network::builder(seed)
            .lan("lan", "192.168.1.0/24")
            .host("alice", Host::on("lan"))
            .host("bob", Host::on("lan").ephemeral_ports(EphemeralPorts::Sequential(40_000)))
            .build()
            .unwrap()
    };
    let ports = |net: &mut Network, host: &str| {
        [0; 3].map(|_| {
            let socket = socket(net, host, "0.0.0.0:0");
            net.local_address(socket).port()
        })
    };
    let (mut one, mut two) = (world(1), world(2));
    assert_eq!(ports(&mut one, "bob"), [40_000, 40_001, 40_002]);
    let alice = ports(&mut one, "alice");
    assert_eq!(alice, ports(&mut world(1), "alice"));
    assert_ne!(alice, ports(&mut two, "alice"));
    assert!(alice.iter().all(|&port| port >= 49_152));
}

#[test]
fn the_last_ephemeral_port_is_found() {
    let mut net = lan().build().unwrap();
    let alice = net.node("alice");
    let mut bound = std::collections::BTreeSet::new();
    for _ in 0..16_384 {
        let socket = net.bind(alice, addr("0.0.0.0:0")).unwrap();
        bound.insert(net.local_address(socket).port());
    }
    assert_eq!(bound.len(), 16_384);
    assert_eq!(net.bind(alice, addr("0.0.0.0:0")), Err(BindError::NoFreePort));
}

#[test]
fn the_receive_queue_is_bounded() {
    let mut net = Network::builder(1)
        .lan("lan", "192.168.1.0/24")
        .host("alice", Host::on("lan"))
        .host("bob", Host::on("lan").receive_queue(3))
        .build()
        .unwrap();
    let sender = socket(&mut net, "alice", "0.0.0.0:1");
    let receiver = socket(&mut net, "bob", "0.0.0.0:7");
    for _ in 0..5 {
        net.send(sender, addr("192.168.1.11:7"), b"x");
    }
    net.run_for(ms(1));
    assert_eq!(arrived(&mut net, receiver).len(), 3);
    assert_eq!(net.tally().dropped(DropReason::ReceiveQueueFull), 2);
}

#[test]
fn time_moves_only_when_told() {
    let mut net = lan().link("alice", "lan", Link::delayed(ms(7))).build().unwrap();
    let sender = socket(&mut net, "alice", "0.0.0.0:1");
    let receiver = socket(&mut net, "bob", "0.0.0.0:7");
    assert_eq!((net.now(), net.next_event()), (Instant::ZERO, None));
    net.send(sender, addr("192.168.1.11:7"), b"x");
    assert_eq!(net.next_event(), Some(at(7)));
    net.run_until(at(6));
    assert_eq!((net.now(), net.receive(receiver)), (at(6), None));
    while net.step().is_some() {}
    assert_eq!(net.now(), at(7));
    assert_eq!(net.receive(receiver).unwrap().at, at(7));
    assert!(!net.run_until_or(at(9), |_| false));
    assert_eq!(net.now(), at(9));
}

#[rstest]
#[case::twice(lan().host("alice", Host::on("lan")), "two parts are called `alice`")]
#[case::no_segment(
    lan().host("carol", Host::on("moon")),
    "`carol` is attached to `moon`, which is neither a LAN nor a wide-area network; the segments are \
     lan"
)]
#[case::prefix(lan().lan("l", "10.0.0.0/40"), "the prefix of `l` is wrong: `10.0.0.0/40` is not an address prefix such as 192.168.1.0/24 or \
     fd00::/64"
)]
#[case::address(
    lan().host("carol", Host::on("lan").address("ten")),
    "`ten`, an address of `carol`, is not an IP address"
)]
#[case::taken(
    lan().host("carol", Host::on("lan").address("192.168.1.9"))
        .host("dave", Host::on("lan").address("192.168.1.9")),
    "`dave` has the address 192.168.1.9, which `carol` has on `lan` already"
)]
#[case::router(
    lan().router("r", Attach::to("lan")),
    "`r` is attached to too few segments"
)]
#[case::link(
    lan().link("alice", "bob", Link::perfect()),
    "`alice` and `bob` are not attached to each other"
)]
#[case::probability(
    lan().link("alice", "lan", Link::perfect().duplicating(1.5)),
    "the link from `alice` to `lan` is wrong: a probability lies between 0 and 1"
)]
#[case::nobody(
    routed().link("alicia", "lan-a", Link::perfect()),
    "no part is called `alicia`; the parts are wan, lan-a, lan-b, edge, inner, alice, bob, server"
)]
#[case::outside(
    lan().host("carol", Host::on("lan").address("192.168.2.9")),
    "`carol` has the address 192.168.2.9, which lies outside `lan` (192.168.1.0/24, fd00:1::/64); \
     write 192.168.2.9/32 if that is meant"
)]
#[case::twice_in_a_realm(
    routed().lan("twin", "10.1.0.0/16").router("r", Attach::to("twin").and_to("wan"))
        .host("dave", Host::on("twin")),
    "`r` on `twin` has the address 10.1.0.1, which `edge` has on `lan-a` already, and routers join \
     the two"
)]
#[case::interface_twice(
    lan().host("carol", Host::on("lan").named("eth0").and_on("lan").named("eth0")),
    "two interfaces of `carol` are called `eth0`"
)]
#[case::gateway(
    lan().host("carol", Host::on("lan").gateway("10.0.0.1")),
    "`carol` reaches no gateway 10.0.0.1: it is on none of its segments (192.168.1.0/24, fd00:1::/64)"
)]
#[case::circle(
    routed().route("edge", "10.9.0.0/16", "10.1.0.2").route("inner", "10.9.0.0/16", "10.1.0.1"),
    "packets for 10.9.0.0/16 go round in a circle: edge → inner → edge"
)]
#[case::circle_with_a_default(
    routed().route("inner", "0.0.0.0/0", "10.1.0.1").route("edge", "10.2.0.0/16", "10.1.0.1"),
    "packets for 10.2.0.0/16 go round in a circle: edge → edge"
)]
#[case::route_of_nobody(
    lan().route("carol", "10.0.0.0/8", "192.168.1.1"),
    "no part is called `carol`; the parts are lan, alice, bob"
)]
#[case::full(
    Network::builder(1).lan("l", "10.0.0.0/31").host("a", Host::on("l")),
    "`l` has no address left for `a`"
)]
fn a_world_that_does_not_fit_together_says_why(#[case] world: Builder, #[case] says: &str) {
    let error: BuildError = world.build().unwrap_err();
    assert!(says.contains(error.part()), "it names the part");
    assert_eq!(error.to_string(), says);
}

#[test]
fn explicit_addresses_are_left_to_their_owners() {
    let net = Network::builder(1)
        .lan("lan", "192.168.1.0/24")
        .host("alice", Host::on("lan"))
        .host("bob", Host::on("lan").address("192.168.1.10"))
        .build()
        .unwrap();
    assert_eq!(net.address(net.node("alice")), "192.168.1.11".parse::<std::net::IpAddr>().unwrap());
}

#[test]
fn a_gateway_can_be_chosen() {
    let mut net = Network::builder(1)
        .wan("wan", "11.0.0.0/8")
        .lan("lan", "192.168.1.0/24")
        .router("one", Attach::to("lan").and_to("wan"))
        .router("two", Attach::to("lan").and_to("wan"))
        .host("alice", Host::on("lan").gateway("192.168.1.2"))
        .host("server", Host::on("wan").address("11.0.0.3"))
        .link("two", "wan", Link::delayed(ms(5)))
        .build()
        .unwrap();
    let sender = socket(&mut net, "alice", "0.0.0.0:1");
    let receiver = socket(&mut net, "server", "0.0.0.0:7");
    net.send(sender, addr("11.0.0.3:7"), b"x");
    net.run_for(ms(10));
    assert_eq!(net.receive(receiver).unwrap().at, at(5));
}

/// Two homes may use the same private addresses even though IPv6 passes both of their boxes as it is.
#[test]
fn boxes_that_pass_ipv6_on_do_not_join_what_they_translate() {
    let config = simnet::nat::Config::port_restricted_cone;
    let built = Network::builder(1)
        .wan("wan", "11.0.0.0/8 2001:db8::/32")
        .lan("one", "192.168.1.0/24 fd00:1::/64")
        .lan("other", "192.168.1.0/24 fd00:2::/64")
        .nat("box-one", "one", "wan", simnet::nat::Nat::new(config()))
        .nat("box-other", "other", "wan", simnet::nat::Nat::new(config()))
        .build();
    assert!(built.is_ok(), "{built:?}");
}
