//! Firewalls, NAT64 and CLAT with a network around them, alone and one behind the other.

#![expect(clippy::unwrap_used, reason = "what a test sets up itself is there, or the test fails")]

use std::{net::SocketAddr, time::Duration};

use base::SocketErrorKind;
use rstest::rstest;
use simnet::{
    Attach, Builder, DropReason, Host, Link, Network, SocketId, TcpClosed, TcpRead, TcpState,
    firewall::{Config as FirewallConfig, Firewall},
    nat::{Config as NatConfig, Nat},
    nat64::{Clat, ClatConfig, ClatSource, Config, Nat64},
    observe::{Capture, JsonLines},
    portcontrol::{self, pcp},
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

/// Connects, and sends `first` to the server; says what the server read and what became of it.
fn talk(net: &mut Network, client: &str, to: &str, first: &[u8]) -> (Vec<u8>, TcpState) {
    let remote = at(to);
    let server = net.node("server");
    let listener = net.tcp_listen(server, SocketAddr::from(([0; 4], remote.port()))).unwrap();
    let id = net.tcp_connect(net.node(client), None, remote).unwrap();
    net.run_for(SECOND);
    assert_eq!(net.tcp_send(id, first), first.len(), "{:?}", net.tcp_state(id));
    net.run_for(10 * SECOND);
    let mut read = vec![0; 65_536];
    let mut heard = Vec::new();
    let accepted = net.tcp_accept(listener).expect("the handshake passes");
    while let TcpRead::Data(count) = net.tcp_receive(accepted, &mut read) {
        heard.extend_from_slice(read.get(..count).unwrap());
    }
    assert!(net.tally().is_conserved(), "{}", net.tally());
    (heard, net.tcp_state(id))
}

const HELLO: &[u8] = &[22, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3];

#[rstest]
#[case::tls(HELLO, true)]
#[case::stun(&[0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42], false)]
fn a_real_connection_meets_the_deep_look(#[case] first: &[u8], #[case] passes: bool) {
    let mut net = world()
        .lan("office", "12.1.0.0/24")
        .nat("guard", "office", "wan", Firewall::new(FirewallConfig::tls_only()))
        .host("alice", Host::on("office"))
        .build()
        .unwrap();
    let (heard, state) = talk(&mut net, "alice", "11.0.0.3:443", first);
    if passes {
        assert_eq!((heard.as_slice(), state), (first, TcpState::Established));
    } else {
        assert!(heard.is_empty());
        assert_eq!(state, TcpState::Closed(TcpClosed::Reset));
        assert!(net.tally().dropped(DropReason::FirewallNotTls) > 0);
    }
}

#[test]
fn tcp_crosses_two_translators() {
    let mut net = with_clat().build().unwrap();
    let bytes = vec![7; 20_000];
    let (heard, state) = talk(&mut net, "app", "11.0.0.3:80", &bytes);
    assert_eq!((heard.len(), state), (20_000, TcpState::Established));
}

#[test]
fn a_rejected_connection_fails_at_once() {
    let config =
        FirewallConfig { outbound: simnet::firewall::Action::Reject, ..FirewallConfig::default() };
    let mut net = world()
        .lan("office", "12.1.0.0/24")
        .nat("guard", "office", "wan", Firewall::new(config))
        .host("alice", Host::on("office"))
        .build()
        .unwrap();
    let id = net.tcp_connect(net.node("alice"), None, at("11.0.0.3:443")).unwrap();
    net.run_for(SECOND);
    assert_eq!(net.tcp_state(id), TcpState::Closed(TcpClosed::Refused));
}

#[test]
fn a_host_asks_its_nat_for_a_port_and_hears_of_its_reboot() {
    let nat = NatConfig {
        port_control: Some(portcontrol::Config::default()),
        ..NatConfig::port_restricted_cone()
    };
    let mut net = world()
        .lan("home", "192.168.1.0/24")
        .nat("box", "home", "wan", Nat::new(nat))
        .host("alice", Host::on("home").address("192.168.1.10"))
        .host("stranger", Host::on("wan"))
        .build()
        .unwrap();
    let alice = bind(&mut net, "alice", "0.0.0.0:4000");
    let ears = bind(&mut net, "alice", "0.0.0.0:5350");
    net.join(ears, "224.0.0.1".parse().unwrap());
    let map = pcp::Map {
        nonce: [1; 12],
        protocol: portcontrol::UDP,
        internal_port: 4_000,
        external: pcp::ANY,
    };
    let request = pcp::Request {
        lifetime: 3_600,
        client: "192.168.1.10".parse().unwrap(),
        operation: pcp::Operation::Map(map),
        options: Vec::new(),
    };
    net.send(alice, at("192.168.1.1:5351"), &request.to_bytes());
    net.run_for(SECOND);
    let answer = pcp::Response::parse(&net.receive(alice).unwrap().payload).unwrap();
    let Some(pcp::Operation::Map(granted)) = answer.operation else { panic!("{answer:?}") };
    let stranger = bind(&mut net, "stranger", "0.0.0.0:9");
    net.send(stranger, granted.external, b"knock");
    net.run_for(SECOND);
    assert_eq!(&net.receive(alice).unwrap().payload[..], b"knock");
    // The announcements of the first minutes are over.
    net.run_for(600 * SECOND);
    while net.receive(ears).is_some() {}
    net.with_middlebox(net.node("box"), |nat: &mut Nat, _| nat.reboot());
    net.send(alice, at("11.0.0.3:9"), b"anything that wakes the box");
    net.run_for(SECOND);
    let heard = net.receive(ears).expect("the box tells that it forgot");
    assert_eq!(pcp::Response::parse(&heard.payload).unwrap().epoch, 0);
    assert!(net.tally().is_conserved(), "{}", net.tally());
}

#[test]
fn observers_see_packets_of_one_family_alone() {
    // Captures have to write bytes for every packet, dropped ones too.
    let mut net = with_clat()
        .host("phone-b", Host::on("cell"))
        .build_observed((Capture::new(), JsonLines::new()))
        .unwrap();
    let app = net.bind(net.node("app"), at("0.0.0.0:4000")).unwrap();
    let phone = net.bind(net.node("phone-b"), at("[::]:4000")).unwrap();
    let server = net.bind(net.node("server"), at("0.0.0.0:3478")).unwrap();
    for to in ["11.0.0.3:3478", "11.0.0.3:9", "11.0.0.99:1"] {
        net.send(app, at(to), &[0; 3_000]);
    }
    for to in ["[64:ff9b::11.0.0.3]:3478", "[64:ff9b::192.168.1.1]:1", "[64:ff9b::11.0.0.99]:1"] {
        net.send(phone, at(to), &[0; 3_000]);
    }
    net.run_for(10 * SECOND);
    assert!(net.receive(server).is_some());
    assert!(net.tally().is_conserved(), "{}", net.tally());
    let (capture, lines) = net.into_observer();
    assert!(capture.finish().unwrap().len() > 10_000);
    let text = String::from_utf8(lines.into_bytes()).unwrap();
    assert!(text.contains("nat.untranslatable"));
}
