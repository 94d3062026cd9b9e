//! The NAT in a network, and what observers make of it.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "what a test sets up itself is there, or the test fails"
)]

use std::{net::SocketAddr, time::Duration};

use base::InterfaceAddress;
use pcap_file::pcapng::{Block, PcapNgReader, blocks::enhanced_packet::EnhancedPacketOption};
use rstest::rstest;
use simnet::{
    Attach, Change, DropReason, Host, Link, Loss, Network, Observer, TcpId, TcpRead, TcpState,
    nat::{Config, Ipv6, MssClamp, Nat, PortAssignment, Ports, SimultaneousOpen, TcpPolicy},
    observe::{Capture, JsonLines, Ladder},
    traffic::{TcpSink, TcpSource},
};

type Watchers = (Ladder, (JsonLines, Capture));

fn at(address: &str) -> SocketAddr {
    address.parse().unwrap()
}

/// Two hosts behind a NAT, two servers outside, ten milliseconds to the wide-area network.
fn world<O: Observer>(config: Config, observer: O) -> Network<O> {
    Network::builder(7)
        .wan("wan", "11.0.0.0/8 2001:db8::/32")
        .lan("lan", "192.168.1.0/24 fd00:1::/64")
        .middlebox(
            "home",
            Attach::to("lan").and_to("wan").address("11.0.0.5").address("2001:db8::1:1"),
            Nat::new(config),
        )
        .host("alice", Host::on("lan").address("192.168.1.2").address("fd00:1::2"))
        .host("bob", Host::on("lan").address("192.168.1.3"))
        .host("stun", Host::on("wan").address("11.0.0.9").address("2001:db8::9"))
        .host("mallory", Host::on("wan").address("11.0.6.6"))
        .link("home", "wan", Link::delayed(Duration::from_millis(10)))
        .link_from("wan", "mallory", Link::perfect().losing([1]))
        .build_observed(observer)
        .unwrap()
}

/// A few packets of every kind of fate.
fn play<O: Observer>(net: &mut Network<O>) {
    let socket = |net: &mut Network<O>, host: &str, local: &str| {
        let node = net.node(host);
        net.bind(node, at(local)).unwrap()
    };
    let alice = socket(net, "alice", "192.168.1.2:5000");
    let bob = socket(net, "bob", "192.168.1.3:5000");
    let stun = socket(net, "stun", "11.0.0.9:3478");
    let mallory = socket(net, "mallory", "11.0.6.6:666");
    net.send(alice, at("11.0.0.9:3478"), b"hello");
    net.send(bob, at("11.0.0.9:3478"), b"hello too");
    net.run_for(Duration::from_millis(50));
    let seen: Vec<_> = std::iter::from_fn(|| net.receive(stun)).map(|got| got.source).collect();
    assert_eq!(seen.len(), 2);
    net.send(stun, seen[0], b"answer");
    net.send(mallory, seen[0], b"let me in");
    net.send(bob, seen[0], b"around");
    net.run_for(Duration::from_millis(50));
    net.send(alice, at("11.0.6.6:667"), b"anyone?");
    net.run_for(Duration::from_millis(50));
    let got: Vec<_> = std::iter::from_fn(|| net.receive(alice)).map(|got| got.source).collect();
    assert_eq!(got, [seen[1], at("11.0.0.9:3478")]);
    net.run_for(Duration::from_secs(400));
    assert!(net.tally().is_conserved());
}

fn watched() -> Network<Watchers> {
    let observer = (Ladder::with_summary(words), (JsonLines::new(), Capture::new()));
    let mut net = world(Config::rfc4787_strict(), observer);
    play(&mut net);
    net
}

fn words(payload: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(payload).ok()?;
    Some(format!("“{text}”"))
}

#[test]
fn the_ladder_shows_translations_and_drops() {
    insta::assert_snapshot!(watched().observer().0.render());
}

#[test]
fn the_trace_has_a_line_for_every_event() {
    let net = watched();
    let text = String::from_utf8(net.into_observer().1.0.into_bytes()).unwrap();
    for line in text.lines() {
        let _: serde_json::Value = serde_json::from_str(line).unwrap();
    }
    insta::assert_snapshot!(text);
}

#[test]
fn the_capture_has_an_interface_a_hop_and_a_comment_a_drop() {
    let bytes = watched().into_observer().1.1.finish().unwrap();
    let mut reader = PcapNgReader::new(&bytes[..]).unwrap();
    let mut names = Vec::new();
    let mut packets = Vec::new();
    while let Some(block) = reader.next_block() {
        match block.unwrap() {
            Block::InterfaceDescription(block) => names.push(format!("{:?}", block.options)),
            Block::EnhancedPacket(block) => {
                let mut text = format!("{:>12?} if={}", block.timestamp, block.interface_id);
                for option in &block.options {
                    match option {
                        EnhancedPacketOption::Comment(comment) => {
                            text.push_str(&format!("\n    {comment}"));
                        }
                        EnhancedPacketOption::Flags(flags) => {
                            text.push_str(&format!(" flags={flags}"));
                        }
                        EnhancedPacketOption::Unknown(option) => {
                            assert_eq!((option.code, option.length), (5, 8));
                            text.push_str(&format!(" id={}", option.value[7]));
                        }
                        other => panic!("{other:?}"),
                    }
                }
                etherparse::SlicedPacket::from_ip(&block.data).unwrap();
                packets.push(text);
            }
            other => panic!("{other:?}"),
        }
    }
    insta::assert_snapshot!(format!("{}\n\n{}", names.join("\n"), packets.join("\n")));
}

#[test]
fn two_runs_are_the_same_to_the_byte() {
    let outputs = || {
        let net = watched();
        let hash = net.trace_hash();
        let (ladder, (lines, capture)) = net.into_observer();
        (hash, ladder.render(), lines.into_bytes(), capture.finish().unwrap())
    };
    assert_eq!(outputs(), outputs());
}

#[test]
fn a_sink_that_fails_is_reported_at_the_end() {
    struct Full;
    impl std::io::Write for Full {
        fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
            Err(std::io::ErrorKind::StorageFull.into())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let mut net = world(Config::rfc4787_strict(), Capture::to(Full));
    play(&mut net);
    let error = net.into_observer().finish().err().unwrap();
    assert_eq!(error.kind(), std::io::ErrorKind::StorageFull);
}

#[rstest]
#[case::filtered(Ipv6::Filter)]
#[case::translated(Ipv6::TranslatePrefix {
    internal: "fd00:1::".parse().unwrap(),
    external: "2001:db8:77::".parse().unwrap(),
    length: 48,
})]
fn ipv6_hosts_talk_through_the_box_too(#[case] ipv6: Ipv6) {
    let mut net = world(Config { ipv6, ..Config::rfc4787_strict() }, ());
    let (alice, stun) = (net.node("alice"), net.node("stun"));
    let alice = net.bind(alice, at("[fd00:1::2]:5000")).unwrap();
    let stun = net.bind(stun, at("[2001:db8::9]:3478")).unwrap();
    net.send(alice, at("[2001:db8::9]:3478"), b"hello");
    net.run_for(Duration::from_millis(30));
    let seen = net.receive(stun).unwrap().source;
    assert_eq!(seen.ip() == at("[fd00:1::2]:1").ip(), ipv6 == Ipv6::Filter);
    net.send(stun, seen, b"answer");
    net.run_for(Duration::from_millis(30));
    assert_eq!(net.receive(alice).unwrap().source, at("[2001:db8::9]:3478"));
}

#[test]
fn large_datagrams_cross_in_fragments_both_ways() {
    let mut net = world(Config::rfc4787_strict(), ());
    let (alice, stun) = (net.node("alice"), net.node("stun"));
    let alice = net.bind(alice, at("192.168.1.2:5000")).unwrap();
    let stun = net.bind(stun, at("11.0.0.9:3478")).unwrap();
    let large: Vec<u8> = (0..5_000_u32).map(|index| index.to_le_bytes()[0]).collect();
    net.send(alice, at("11.0.0.9:3478"), &large);
    net.run_for(Duration::from_millis(30));
    let got = net.receive(stun).unwrap();
    assert_eq!(got.payload[..], large[..]);
    net.send(stun, got.source, &large);
    net.run_for(Duration::from_millis(30));
    assert_eq!(net.receive(alice).unwrap().payload[..], large[..]);
}

#[test]
fn a_port_without_a_listener_is_reported_through_the_nat() {
    let mut net = world(Config::port_restricted_cone(), ());
    let alice = net.node("alice");
    let alice = net.bind(alice, at("192.168.1.2:5000")).unwrap();
    net.send(alice, at("11.0.0.9:99"), b"anyone?");
    net.run_for(Duration::from_millis(50));
    let error = net.socket_error(alice).unwrap();
    assert_eq!(error.remote, at("11.0.0.9:99"));
    assert_eq!(error.local, at("192.168.1.2:5000"));
    assert_eq!(net.tally().dropped(DropReason::NoSocket), 1);
}

/// What the box knows of windows must fit what a real stack sends, over losses, reordering and close.
#[rstest]
#[case::clean(Link::delayed(Duration::from_millis(10)))]
#[case::lossy(Link::delayed(Duration::from_millis(10)).loss(Loss::random(0.03)))]
#[case::narrow(Link::delayed(Duration::from_millis(30)).rate(2_000_000))]
fn a_box_that_tracks_windows_lets_a_transfer_through(#[case] link: Link) {
    let tcp =
        TcpPolicy { track_windows: true, clamp_mss: MssClamp::To(1_200), ..TcpPolicy::default() };
    let config = Config { tcp, ..Config::port_restricted_cone() };
    let source = TcpSource::to(at("11.0.0.9:80")).limit(500_000);
    let mut net = Network::builder(3)
        .wan("wan", "11.0.0.0/8")
        .lan("lan", "192.168.1.0/24")
        .nat("home", "lan", "wan", Nat::new(config))
        .host("alice", Host::on("lan").endpoint(source))
        .host(
            "server",
            Host::on("wan").address("11.0.0.9").endpoint(TcpSink::at(at("11.0.0.9:80"))),
        )
        .link("home", "wan", link)
        .build()
        .unwrap();
    net.run_for(Duration::from_secs(120));
    let sink: &TcpSink = net.endpoint(net.node("server")).unwrap();
    assert_eq!((sink.bytes(), sink.finished()), (500_000, 1));
    assert_eq!(net.tally().dropped(DropReason::NatTcpState), 0);
    assert!(net.tally().is_conserved());
    // The connection was closed by both, so that little is left to wait for.
    net.run_for(Duration::from_secs(241));
    let nat: &Nat = net.middlebox(net.node("home")).unwrap();
    assert_eq!(nat.mappings(), []);
}

/// Two homes, each behind a NAT that preserves ports.
fn two_homes(tcp: TcpPolicy) -> Network {
    let home = || {
        let ports = Ports::new(PortAssignment::Preserve);
        Nat::new(Config { ports, tcp: tcp.clone(), ..Config::port_restricted_cone() })
    };
    Network::builder(3)
        .wan("wan", "11.0.0.0/8")
        .lan("left", "192.168.1.0/24")
        .lan("right", "192.168.1.0/24")
        .middlebox("left-box", Attach::to("left").and_to("wan").address("11.0.0.5"), home())
        .middlebox("right-box", Attach::to("right").and_to("wan").address("11.0.0.6"), home())
        .host("alice", Host::on("left").address("192.168.1.2"))
        .host("bob", Host::on("right").address("192.168.1.2"))
        .link("left-box", "wan", Link::delayed(Duration::from_millis(20)))
        .build()
        .unwrap()
}

/// RFC 5382 §4.2, REQ-2a, and RFC 5382 §4.3, REQ-4: a hole is punched with TCP, even if one side is late.
#[rstest]
#[case::at_once(0, SimultaneousOpen::Pass, true)]
#[case::one_is_late(2_000, SimultaneousOpen::Pass, true)]
#[case::the_boxes_do_not_bear_it(0, SimultaneousOpen::Drop, false)]
fn tcp_punches_a_hole(
    #[case] late: u64,
    #[case] simultaneous_open: SimultaneousOpen,
    #[case] works: bool,
) {
    let unsolicited = simnet::nat::UnsolicitedSyn::Reject;
    let mut net = two_homes(TcpPolicy { simultaneous_open, unsolicited, ..TcpPolicy::default() });
    let local = Some(at("192.168.1.2:7000"));
    let (alice, bob) = (net.node("alice"), net.node("bob"));
    let left: TcpId = net.tcp_connect(alice, local, at("11.0.0.6:7000")).unwrap();
    net.run_for(Duration::from_millis(late));
    let right = net.tcp_connect(bob, local, at("11.0.0.5:7000")).unwrap();
    net.run_for(Duration::from_secs(20));
    let states = [left, right].map(|id| net.tcp_state(id) == TcpState::Established);
    assert_eq!(states, [works; 2]);
    if works {
        net.tcp_send(left, b"through");
        net.run_for(Duration::from_secs(1));
        let mut buffer = [0; 16];
        assert_eq!(net.tcp_receive(right, &mut buffer), TcpRead::Data(7));
    }
    assert!(net.tally().is_conserved());
}

/// A provider gives the box another address: conversations end, and new ones come from the new address.
#[test]
fn a_box_with_another_address_ends_its_mappings_and_uses_it() {
    let mut net = two_homes(TcpPolicy::default());
    let alice = net.bind(net.node("alice"), at("192.168.1.2:7000")).unwrap();
    let server = net.bind(net.node("bob"), at("192.168.1.2:7000")).unwrap();
    net.send(server, at("11.0.0.5:7000"), b"opens the way back");
    let seen = |net: &mut Network| {
        net.send(alice, at("11.0.0.6:7000"), b"who am I?");
        net.run_for(Duration::from_secs(1));
        net.receive(server).map(|received| received.source)
    };
    assert_eq!(seen(&mut net), Some(at("11.0.0.5:7000")));
    let outside = net.hop("left-box.outside").unwrap();
    let new = InterfaceAddress::new("11.0.0.7".parse().unwrap(), 8);
    net.change(Change::AddAddress(outside, new));
    assert_eq!(seen(&mut net), Some(at("11.0.0.5:7000")), "what there is goes on");
    net.change(Change::RemoveAddress(outside, "11.0.0.5".parse().unwrap()));
    let nat: &Nat = net.middlebox(net.node("left-box")).unwrap();
    assert_eq!(nat.mappings(), []);
    net.send(server, at("11.0.0.7:7000"), b"opens the way back");
    assert_eq!(seen(&mut net), Some(at("11.0.0.7:7000")));
    nat_is_in_order(&net, "left-box");
}

fn nat_is_in_order(net: &Network, name: &str) {
    let nat: &Nat = net.middlebox(net.node(name)).expect("it is a NAT");
    nat.audit().expect("the books are in order");
    assert!(net.tally().is_conserved());
}
