//! Which peers are relayed to, on every way that leads to one: RFC 8656 §21.2.2, §21.4.

use rstest::rstest;
use stun::{
    Builder,
    wire::{
        ChannelNumber, Class, Data, Family, Method, RequestedAddressFamily, RequestedTransport,
        TransactionId, XorPeerAddress,
    },
};
use turn::server::{Cidr, DropReason, Policy};

use crate::rig::{Rig, User, at, config, listening, peer, udp};

/// Addresses that no server on the Internet should relay to.
const FORBIDDEN: [&str; 26] = [
    "0.0.0.0:80",
    "10.1.2.3:80",
    "100.64.0.1:80",
    "127.0.0.1:80",
    "169.254.169.254:80",
    "172.16.0.1:80",
    "192.0.0.1:80",
    "192.0.2.9:80",
    "192.88.99.1:80",
    "192.168.1.1:80",
    "198.18.0.1:80",
    "198.51.100.1:80",
    "203.0.113.1:80",
    "224.0.0.1:80",
    "240.0.0.1:80",
    "255.255.255.255:80",
    "[::]:80",
    "[::1]:80",
    "[::ffff:127.0.0.1]:80",
    "[::127.0.0.1]:80",
    "[64:ff9b::a9fe:a9fe]:80",
    "[2002:7f00:1::1]:80",
    "[2001:0:808:808::1]:80",
    "[2a00::5efe:127.0.0.1]:80",
    "[fd00::1]:80",
    "[fe80::1]:80",
];

fn tcp(builder: &mut Builder<'_>) {
    builder.put(&RequestedTransport(6));
}

/// An allocation of the family of `peer` on a server with the policy of the Internet.
fn strict(peer: std::net::SocketAddr, transport: Option<&dyn Fn(&mut Builder<'_>)>) -> (Rig, User) {
    let mut strict = config();
    strict.policy = Policy::new();
    strict.tcp_relay = true;
    let mut rig = Rig::new(strict);
    let mut alice = User::new("alice");
    if transport.is_some() {
        rig.connect(&mut alice, 1);
    }
    let family = if peer.is_ipv4() { Family::IPV4 } else { Family::IPV6 };
    let answer = rig.ask(&mut alice, Method::ALLOCATE, &move |builder| {
        transport.unwrap_or(&udp)(builder);
        builder.put(&RequestedAddressFamily(family));
    });
    assert_eq!(answer.code(), 0);
    (rig, alice)
}

#[test]
fn forbidden_peers_are_a_403_over_udp_and_tcp() {
    // T01, T02, T05, T06.
    for peer in FORBIDDEN.map(at) {
        for over_tcp in [false, true] {
            let (mut rig, mut alice) = strict(peer, over_tcp.then_some(&udp));
            assert_eq!(rig.permit(&mut alice, &[peer]), 403, "{peer}");
            assert_eq!(rig.bind(&mut alice, 0x4000, peer), 403, "{peer}");
            assert!(!rig.indicate(&alice, peer, b"x"), "{peer}");
            assert_eq!(rig.events.iter().filter(|it| is_refusal(it)).count(), 2);
        }
    }
}

const fn is_refusal(event: &turn::ServerEvent) -> bool {
    matches!(event, turn::ServerEvent::Refused { .. })
}

#[test]
fn forbidden_peers_are_a_403_for_connections() {
    // T06, T25.
    for peer in FORBIDDEN.map(at) {
        let (mut rig, mut alice) = strict(peer, Some(&tcp));
        let answer = rig.ask(&mut alice, Method::CONNECT, &|builder| {
            builder.put(&XorPeerAddress(peer));
        });
        assert_eq!(answer.code(), 403, "{peer}");
        assert!(rig.streams.is_empty());
    }
}

#[test]
fn a_policy_is_asked_for_every_packet() {
    let mut rig = Rig::new(config());
    let mut alice = User::new("alice");
    let relayed = rig.allocate(&mut alice);
    assert_eq!(rig.bind(&mut alice, 0x4000, peer()), 0);
    rig.hear(peer(), relayed, b"y");
    assert!(rig.next_to(&alice).is_some());
    assert!(rig.channel(&alice, 0x4000, peer()) && rig.indicate(&alice, peer(), b"x"));
    let deny: Vec<Cidr> = vec!["203.0.113.0/24".parse().unwrap()];
    rig.server.set_policy(rig.now, Policy { deny, ..Policy::for_laboratories() });
    assert!(!rig.channel(&alice, 0x4000, peer()) && !rig.indicate(&alice, peer(), b"x"));
    assert_eq!(rig.dropped(DropReason::Forbidden), 2);
    rig.hear(peer(), relayed, b"y");
    assert_eq!(rig.next_to(&alice), None, "nor does anything come from there");
    assert_eq!(rig.dropped(DropReason::Forbidden), 3);
}

#[test]
fn nothing_but_the_allowed_in_allow_list_mode() {
    // T25.
    let mut listed = config();
    let allow = vec!["203.0.113.9".parse().unwrap()];
    listed.policy = Policy { allow, deny: Vec::new(), only_allowed: true };
    let mut rig = Rig::new(listed);
    let mut alice = User::new("alice");
    rig.allocate(&mut alice);
    assert_eq!(rig.permit(&mut alice, &[peer()]), 0);
    assert_eq!(rig.permit(&mut alice, &[at("8.8.8.8:53")]), 403);
}

#[rstest]
#[case::where_clients_are_served("192.0.2.1:3478", 403)]
#[case::another_service("192.0.2.1:22", 403)]
#[case::an_idle_port("192.0.2.1:50000", 403)]
#[case::another_host("192.0.2.2:3478", 0)]
fn the_servers_own_addresses_are_no_peers_but_relayed_ones(#[case] peer: &str, #[case] code: u16) {
    // T05, T24.
    let mut rig = Rig::new(config());
    let mut alice = User::new("alice");
    rig.allocate(&mut alice);
    assert_eq!(rig.bind(&mut alice, 0x4000, at(peer)), code);
    // A permission is for an address; the port shows with the packet.
    assert_eq!(rig.permit(&mut alice, &[at(peer)]), 0);
    assert_eq!(rig.indicate(&alice, at(peer), b"x"), code == 0);
}

#[test]
fn addresses_of_interfaces_are_no_peers() {
    use base::Machine as _;
    let mut rig = Rig::new(config());
    let address = base::InterfaceAddress::new(at("198.51.100.200:0").ip(), 24);
    let interface = base::Interface {
        name: "eth1".to_owned(),
        index: 2,
        kind: base::InterfaceKind::Ethernet,
        mtu: 1_500,
        addresses: vec![address],
    };
    rig.server.handle_interfaces(rig.now, &[interface]);
    let mut alice = User::new("alice");
    rig.allocate(&mut alice);
    assert_eq!(rig.permit(&mut alice, &[at("198.51.100.200:5432")]), 403);
    assert_eq!(rig.permit(&mut alice, &[at("198.51.100.201:5432")]), 0);
}

#[test]
fn two_clients_of_one_server_reach_each_other_and_nothing_goes_round() {
    // T24: relays bound to one another pass a packet once, to a client.
    let mut rig = Rig::new(config());
    let (mut alice, mut bob) = (User::new("alice"), User::new("bob").on_port(41_000));
    let (first, second) = (rig.allocate(&mut alice), rig.allocate(&mut bob));
    assert_eq!(rig.bind(&mut alice, 0x4000, second), 0);
    assert_eq!(rig.bind(&mut bob, 0x4000, first), 0);
    assert!(rig.channel(&alice, 0x4000, second));
    rig.hear(first, second, b"ping");
    assert_eq!(rig.next_to(&bob).unwrap(), crate::rig::channel_data(0x4000, b"ping"));
    assert!(rig.sent.is_empty());
}

#[rstest]
#[case::six_to_four("[2002:808:808::1]:4000")]
#[case::teredo("[2001:0:808:808::1]:4000")]
fn who_comes_out_of_a_tunnel_gets_nothing(#[case] from: &str) {
    // RFC 8656 §21.4.
    let mut rig = Rig::new(config());
    let mut alice = User::new("alice").at(from);
    assert_eq!(rig.ask(&mut alice, Method::ALLOCATE, &udp).code(), 403);
}

#[test]
fn who_comes_out_of_this_server_gets_nothing() {
    // T24: an allocation whose client is another allocation would be half of a loop.
    let mut rig = Rig::new(config());
    let relayed = rig.allocate(&mut User::new("alice"));
    let mut bob = User::new("bob").at(&relayed.to_string());
    assert_eq!(rig.ask(&mut bob, Method::ALLOCATE, &udp).code(), 403);
    // A client that happens to be on the same host is no relay.
    let port = if relayed.port() == 50_000 { 50_001 } else { 50_000 };
    assert_eq!(
        rig.ask(&mut User::new("bob").at("192.0.2.1:1").on_port(port), Method::ALLOCATE, &udp)
            .code(),
        0
    );
}

#[test]
fn what_comes_back_to_a_listener_through_a_relay_is_not_sent() {
    // T24: a request for an allocation, sent through a relay to the server itself.
    let mut rig = Rig::new(config());
    let mut alice = User::new("alice");
    rig.allocate(&mut alice);
    assert_eq!(rig.permit(&mut alice, &[listening()]), 0);
    let mut request = Vec::new();
    let id = TransactionId::new([1; 12]);
    udp(&mut Builder::new(&mut request, Method::ALLOCATE, Class::Request, id));
    let mut indication = Vec::new();
    let mut builder = Builder::new(&mut indication, Method::SEND, Class::Indication, id);
    builder.put(&XorPeerAddress(listening())).put(&Data(&request));
    rig.send(&alice, &indication);
    assert_eq!((rig.sent.len(), rig.dropped(DropReason::Forbidden)), (0, 1));
}

#[test]
fn a_peer_of_the_other_family_is_a_443() {
    let mut rig = Rig::new(config());
    let mut alice = User::new("alice");
    rig.allocate(&mut alice);
    let v6 = at("[2a00::1]:5000");
    assert_eq!((rig.permit(&mut alice, &[v6]), rig.bind(&mut alice, 0x4000, v6)), (443, 443));
    let no_port = rig.ask(&mut alice, Method::CHANNEL_BIND, &|builder| {
        builder.put(&ChannelNumber(0x4000)).put(&XorPeerAddress(at("203.0.113.9:0")));
    });
    assert_eq!(no_port.code(), 400);
}
