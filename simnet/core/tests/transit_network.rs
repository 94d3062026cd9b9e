//! Firewalls, NAT64 and CLAT with a network around them, alone and one behind the other.

#![expect(clippy::unwrap_used, reason = "what a test sets up itself is there, or the test fails")]

use std::{net::SocketAddr, time::Duration};

use base::SocketErrorKind;
use rstest::rstest;
use simnet::{
    Attach, Builder, DropReason, Host, Link, Network, SocketId,
    firewall::{Config as FirewallConfig, Firewall},
    nat::{Config as NatConfig, Nat},
    nat64::{Clat, ClatConfig, ClatSource, Config, Nat64},
};

const SECOND: Duration = Duration::from_secs(1);

fn at(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

/// A wide-area network with a server on it.
fn world() -> Builder {
    Network::builder(7)
        .wan("wan", "11.0.0.0/8 2001:db8::/32")
        .host("server", Host::on("wan").address("11.0.0.3").address("2001:db8:3::3"))
}

/// An IPv6-only network behind a NAT64.
fn cell() -> Builder {
    world().lan("cell", "2001:db8:1::/64").nat("plat", "cell", "wan", Nat64::new(Config::default()))
}

/// The same with a phone that has IPv4 programs on it.
fn with_clat() -> Builder {
    cell()
        .lan("phone", "192.0.0.0/29")
        .nat("clat", "phone", "cell", Clat::new(ClatConfig::default()))
        .host("app", Host::on("phone").address("192.0.0.2"))
}

fn bind(net: &mut Network, host: &str, local: &str) -> SocketId {
    net.bind(net.node(host), at(local)).unwrap()
}

/// Sends a question of `length` bytes and an answer of the same, and says who the server heard.
fn ask(net: &mut Network, from: SocketId, server: SocketId, to: &str, length: usize) -> SocketAddr {
    net.send(from, at(to), &vec![7; length]);
    net.run_for(SECOND);
    let question = net.receive(server).expect("the question arrives");
    assert_eq!(question.payload.len(), length);
    net.send(server, question.source, &vec![8; length]);
    net.run_for(SECOND);
    let answer = net.receive(from).expect("the answer arrives");
    assert_eq!((answer.source, answer.payload.len()), (at(to), length));
    assert!(net.tally().is_conserved(), "{}", net.tally());
    question.source
}

#[rstest]
#[case::small(100)]
#[case::of_several_fragments(4_000)]
fn an_ipv6_only_host_reaches_ipv4(#[case] length: usize) {
    let mut net = cell().host("phone", Host::on("cell")).build().unwrap();
    let phone = bind(&mut net, "phone", "[::]:4000");
    let server = bind(&mut net, "server", "0.0.0.0:3478");
    let seen = ask(&mut net, phone, server, "[64:ff9b::11.0.0.3]:3478", length);
    assert!(seen.is_ipv4());
}

#[rstest]
#[case::small(100)]
#[case::longer_than_ipv6_allows_without_fragments(1_465)]
#[case::of_several_fragments(4_000)]
fn an_ipv4_program_crosses_a_network_without_it(#[case] length: usize) {
    let mut net = with_clat().build().unwrap();
    let app = bind(&mut net, "app", "0.0.0.0:4000");
    let server = bind(&mut net, "server", "0.0.0.0:3478");
    ask(&mut net, app, server, "11.0.0.3:3478", length);
}

#[test]
fn a_phone_has_ipv6_of_its_own_beside_its_clat() {
    let dual = Host::attached(Attach::to("phone").address("192.0.0.2").and_to("cell"));
    let mut net = cell()
        .lan("phone", "192.0.0.0/29")
        .nat("clat", "phone", "cell", Clat::new(ClatConfig::default()))
        .host("handset", dual)
        .build()
        .unwrap();
    let over_ipv4 = bind(&mut net, "handset", "0.0.0.0:4000");
    let over_ipv6 = bind(&mut net, "handset", "[::]:4000");
    let server = bind(&mut net, "server", "0.0.0.0:3478");
    let by_clat = ask(&mut net, over_ipv4, server, "11.0.0.3:3478", 100);
    let by_nat64 = ask(&mut net, over_ipv6, server, "[64:ff9b::11.0.0.3]:3478", 100);
    assert_ne!(by_clat, by_nat64, "two IPv6 addresses, two mappings");
}

#[test]
fn path_mtus_are_found_through_both_translators() {
    let mut net = with_clat().link("server", "wan", Link::perfect().mtu(1_300)).build().unwrap();
    let app = bind(&mut net, "app", "0.0.0.0:4000");
    net.set_dont_fragment(app, true);
    net.send(app, at("11.0.0.3:3478"), &[0; 1_400]);
    net.run_for(SECOND);
    let error = net.socket_error(app).expect("a report from beyond the NAT64");
    assert_eq!(error.kind, SocketErrorKind::TooBig { mtu: 1_300 });
    assert_eq!(error.remote, at("11.0.0.3:3478"));
}

#[test]
fn a_closed_port_answers_through_both_translators() {
    let mut net = with_clat().build().unwrap();
    let app = bind(&mut net, "app", "0.0.0.0:4000");
    net.send(app, at("11.0.0.3:9"), b"anyone?");
    net.run_for(SECOND);
    let error = net.socket_error(app).expect("port unreachable");
    assert_eq!(error.kind, SocketErrorKind::PortUnreachable);
}

#[test]
fn a_lan_behind_a_clat_with_a_prefix_shares_the_nat64() {
    let source = ClatSource::Prefix("2001:db8:1:1::/96".parse().unwrap());
    let clat = Clat::new(ClatConfig { source, ..ClatConfig::default() });
    let mut net = cell()
        .lan("home", "192.168.1.0/24")
        .nat("clat", "home", "cell", clat)
        .host("alice", Host::on("home"))
        .host("bob", Host::on("home"))
        .build()
        .unwrap();
    let server = bind(&mut net, "server", "0.0.0.0:3478");
    for host in ["alice", "bob"] {
        let socket = bind(&mut net, host, "0.0.0.0:4000");
        ask(&mut net, socket, server, "11.0.0.3:3478", 1_000);
    }
}

#[test]
fn two_phones_meet_at_the_nat64() {
    let mut net =
        cell().host("alice", Host::on("cell")).host("bob", Host::on("cell")).build().unwrap();
    let alice = bind(&mut net, "alice", "[::]:4000");
    let bob = bind(&mut net, "bob", "[::]:4000");
    let server = bind(&mut net, "server", "0.0.0.0:3478");
    let of_bob = ask(&mut net, bob, server, "[64:ff9b::11.0.0.3]:3478", 10);
    // Alice knows Bob's reflexive address alone, and reaches it through the prefix.
    let to = Config::default().prefix.embed(match of_bob {
        SocketAddr::V4(v4) => *v4.ip(),
        SocketAddr::V6(_) => panic!("{of_bob}"),
    });
    net.send(alice, SocketAddr::new(to.into(), of_bob.port()), b"hello bob");
    net.run_for(SECOND);
    let hello = net.receive(bob).expect("RFC 6146 §3.8: hairpinning");
    net.send(bob, hello.source, b"hello alice");
    net.run_for(SECOND);
    assert!(net.receive(alice).is_some());
    assert!(net.tally().is_conserved());
}

/// Alice behind a home NAT behind a carrier's.
fn nat444(carrier: NatConfig) -> Builder {
    world()
        .lan("isp", "100.64.0.0/10")
        .nat("cgn", "isp", "wan", Nat::new(carrier))
        .lan("home", "192.168.1.0/24")
        .nat("router", "home", "isp", Nat::new(NatConfig::rfc4787_ideal()))
        .host("alice", Host::on("home"))
}

#[test]
fn two_nats_in_a_row_translate_twice() {
    let mut net = nat444(NatConfig::rfc4787_ideal()).build().unwrap();
    let alice = bind(&mut net, "alice", "0.0.0.0:4000");
    let server = bind(&mut net, "server", "0.0.0.0:3478");
    let seen = ask(&mut net, alice, server, "11.0.0.3:3478", 2_000);
    assert!(seen.ip().to_string().starts_with("11."), "{seen}");
    let inner = net.middlebox::<Nat>(net.node("router")).unwrap().mappings();
    let outer = net.middlebox::<Nat>(net.node("cgn")).unwrap().mappings();
    assert_eq!(inner.first().unwrap().external, outer.first().unwrap().internal);
    assert_eq!(outer.first().unwrap().external, seen);
}

#[test]
fn neighbours_behind_one_carrier_meet_at_its_nat() {
    let mut net = nat444(NatConfig::rfc4787_ideal())
        .lan("flat", "192.168.1.0/24")
        .nat("router-b", "flat", "isp", Nat::new(NatConfig::rfc4787_ideal()))
        .host("bob", Host::on("flat"))
        .build()
        .unwrap();
    let alice = bind(&mut net, "alice", "0.0.0.0:4000");
    let bob = bind(&mut net, "bob", "0.0.0.0:4000");
    let server = bind(&mut net, "server", "0.0.0.0:3478");
    let of_alice = ask(&mut net, alice, server, "11.0.0.3:3478", 10);
    let of_bob = ask(&mut net, bob, server, "11.0.0.3:3478", 10);
    net.send(alice, of_bob, b"hello bob");
    net.send(bob, of_alice, b"hello alice");
    net.run_for(SECOND);
    assert!(net.receive(bob).is_some() && net.receive(alice).is_some(), "{}", net.tally());
}

#[rstest]
#[case::before_the_nat(true)]
#[case::behind_the_nat(false)]
fn a_firewall_stands_on_either_side_of_a_nat(#[case] before: bool) {
    let firewall = || Firewall::new(FirewallConfig::stateful());
    let nat = || Nat::new(NatConfig::rfc4787_ideal());
    let builder = world().lan("home", "192.168.1.0/24").host("alice", Host::on("home"));
    let builder = if before {
        let middle = builder.lan("middle", "192.168.2.0/24");
        middle.nat("guard", "home", "middle", firewall()).nat("box", "middle", "wan", nat())
    } else {
        let middle = builder.lan("middle", "11.1.0.0/24");
        middle.nat("box", "home", "middle", nat()).nat("guard", "middle", "wan", firewall())
    };
    let mut net = builder.host("stranger", Host::on("wan")).build().unwrap();
    let alice = bind(&mut net, "alice", "0.0.0.0:4000");
    let server = bind(&mut net, "server", "0.0.0.0:3478");
    let stranger = bind(&mut net, "stranger", "0.0.0.0:9");
    let seen = ask(&mut net, alice, server, "11.0.0.3:3478", 3_000);
    // The NAT lets everybody in, the firewall does not.
    net.send(stranger, seen, b"knock");
    net.run_for(SECOND);
    assert!(net.receive(alice).is_none());
    assert_eq!(net.tally().dropped(DropReason::Firewall), 1);
}

#[test]
fn a_refused_sender_hears_of_it() {
    let config = FirewallConfig {
        outbound: simnet::firewall::Action::Prohibit,
        ..FirewallConfig::default()
    };
    let mut net = world()
        .lan("office", "12.1.0.0/24")
        .nat("guard", "office", "wan", Firewall::new(config))
        .host("alice", Host::on("office"))
        .build()
        .unwrap();
    let alice = bind(&mut net, "alice", "0.0.0.0:4000");
    net.send(alice, at("11.0.0.3:3478"), b"anyone?");
    net.run_for(SECOND);
    assert_eq!(net.socket_error(alice).unwrap().kind, SocketErrorKind::Prohibited);
}

#[test]
fn simple_security_guards_ipv6_without_translating_it() {
    let mut net = world()
        .lan("home", "2001:db8:1::/64")
        .nat("router", "home", "wan", Firewall::new(FirewallConfig::simple_security()))
        .host("alice", Host::on("home").address("2001:db8:1::a"))
        .host("stranger", Host::on("wan").address("2001:db8:9::9"))
        .build()
        .unwrap();
    let alice = bind(&mut net, "alice", "[::]:4000");
    let server = bind(&mut net, "server", "[::]:3478");
    let stranger = bind(&mut net, "stranger", "[::]:9");
    net.send(stranger, at("[2001:db8:1::a]:4000"), b"knock");
    net.run_for(SECOND);
    assert!(net.receive(alice).is_none());
    let seen = ask(&mut net, alice, server, "[2001:db8:3::3]:3478", 100);
    assert_eq!(seen, at("[2001:db8:1::a]:4000"), "no translation");
    net.send(stranger, seen, b"knock");
    net.run_for(SECOND);
    assert!(net.receive(alice).is_some(), "RFC 6092 §3.2.2: open once used");
}
