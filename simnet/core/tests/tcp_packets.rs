//! TCP segments as packets among others: closed ports, narrow links, corruption, what observers show.

use std::{net::SocketAddr, time::Duration};

use rstest::rstest;
use simnet::{
    Body, DropReason, Host, Icmp, IcmpError, Link, Network, NodeId, Observer, Packet, Protocol,
    Tcp, TcpFlags,
    observe::{JsonLines, Ladder},
};

fn at(address: &str) -> SocketAddr {
    address.parse().expect("an address and port")
}

fn world<O: Observer>(server: Host, link: Link, observer: O) -> (Network<O>, NodeId) {
    let mut net = Network::builder(1)
        .wan("wan", "11.0.0.0/8 2001:db8::/32")
        .host("alice", Host::on("wan").address("11.0.0.2").address("2001:db8::a"))
        .host("server", server)
        .link("server", "wan", link)
        .build_observed(observer)
        .expect("the description fits together");
    let alice = net.node("alice");
    net.tap(alice);
    (net, alice)
}

fn server() -> Host {
    Host::on("wan").address("11.0.0.3").address("2001:db8::3")
}

fn answer<O: Observer>(net: &mut Network<O>, alice: NodeId) -> Option<Tcp> {
    net.run_for(Duration::from_secs(1));
    match net.poll_tap(alice)?.1.body {
        Body::Tcp(tcp) => Some(*tcp),
        other => panic!("{other:?}"),
    }
}

#[rstest]
#[case::syn(Tcp::new(TcpFlags::SYN).sequence(100), (0, 101, TcpFlags::RST | TcpFlags::ACK))]
#[case::data(Tcp::new(TcpFlags::PSH).sequence(100).payload(&b"hello"[..]), (0, 105, TcpFlags::RST | TcpFlags::ACK))]
#[case::fin(Tcp::new(TcpFlags::FIN).sequence(7).acknowledging(55), (55, 0, TcpFlags::RST))]
fn a_closed_port_resets(
    #[case] segment: Tcp,
    #[case] expected: (u32, u32, TcpFlags),
    #[values(("11.0.0.2:1", "11.0.0.3:2"), ("[2001:db8::a]:1", "[2001:db8::3]:2"))] ends: (
        &str,
        &str,
    ),
) {
    let (mut net, alice) = world(server(), Link::perfect(), ());
    net.inject(alice, Packet::tcp(at(ends.0), at(ends.1), segment));
    let got = answer(&mut net, alice).expect("an answer");
    assert_eq!((got.source_port, got.destination_port), (2, 1));
    assert_eq!((got.sequence, got.acknowledgment, got.flags), expected);
    assert_eq!(net.tally().dropped(DropReason::TcpNoSocket), 1);
    assert!(net.tally().is_conserved());
}

#[rstest]
#[case::to_a_reset(server(), TcpFlags::RST, "11.0.0.2:1", "11.0.0.3:2", DropReason::TcpNoSocket)]
#[case::by_a_silent_host(server().silent(), TcpFlags::SYN, "11.0.0.2:1", "11.0.0.3:2", DropReason::TcpNoSocket)]
fn there_is_no_answer(
    #[case] host: Host,
    #[case] flags: TcpFlags,
    #[case] from: &str,
    #[case] to: &str,
    #[case] reason: DropReason,
) {
    let (mut net, alice) = world(host, Link::perfect(), ());
    net.inject(alice, Packet::tcp(at(from), at(to), Tcp::new(flags)));
    assert_eq!(answer(&mut net, alice), None);
    assert_eq!(net.tally().dropped(reason), 1);
}

#[rstest]
#[case::forbidden(true)]
#[case::allowed(false)]
fn a_segment_is_never_fragmented(#[case] dont_fragment: bool) {
    let (mut net, alice) = world(server(), Link::perfect().mtu(600), ());
    let segment = Tcp::new(TcpFlags::ACK).sequence(9).payload(vec![0; 1_000]);
    let mut packet = Packet::tcp(at("11.0.0.2:1"), at("11.0.0.3:2"), segment);
    packet.dont_fragment = dont_fragment;
    net.inject(alice, packet);
    net.run_for(Duration::from_secs(1));
    let Body::Icmp(Icmp::Error { kind, quote }) = net.poll_tap(alice).unwrap().1.body else {
        panic!("no ICMP error")
    };
    assert_eq!(kind, IcmpError::TooBig { mtu: 600 });
    assert_eq!((quote.protocol, quote.sequence), (Protocol::Tcp, 9));
    assert_eq!(net.tally().dropped(DropReason::TooBig), 1);
}

#[rstest]
#[case::with_payload(b"payload")]
#[case::without(b"")]
fn a_corrupted_segment_is_dropped_for_its_checksum(#[case] payload: &'static [u8]) {
    let (mut net, alice) = world(server(), Link::perfect().corrupting(1.0), ());
    let segment = Tcp::new(TcpFlags::ACK).payload(payload);
    net.inject(alice, Packet::tcp(at("11.0.0.2:1"), at("11.0.0.3:2"), segment));
    net.run_for(Duration::from_secs(1));
    assert_eq!(net.tally().dropped(DropReason::Checksum), 1);
}

#[test]
fn observers_show_segments() {
    let (mut net, alice) = world(server(), Link::perfect(), (Ladder::new(), JsonLines::new()));
    let segment = Tcp::new(TcpFlags::SYN).sequence(1_000);
    net.inject(alice, Packet::tcp(at("11.0.0.2:1"), at("11.0.0.3:2"), segment));
    let segment = Tcp::new(TcpFlags::PSH).sequence(1_001).acknowledging(5).payload(&b"abc"[..]);
    net.inject(alice, Packet::tcp(at("11.0.0.2:1"), at("11.0.0.3:2"), segment));
    net.run_for(Duration::from_secs(1));
    let lines = String::from_utf8(net.observer().1.as_bytes().to_vec()).unwrap();
    let first = lines.lines().nth(1).unwrap();
    insta::assert_snapshot!(format!("{}\n{first}", net.observer().0.render()));
}
