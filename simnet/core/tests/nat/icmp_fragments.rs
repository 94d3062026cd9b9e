//! ICMP and fragments at the NAT: RFC 4787 §9-§11, RFC 5508.

use std::time::Duration;

use rstest::rstest;
use simnet::{
    Body, DropReason, Icmp, IcmpError, Packet, Side,
    nat::{Config, Fragments, IcmpErrors, IcmpPolicy, Limits},
};

use crate::bench::{Bench, Fate, at, error, fragments};

const ALICE: &str = "10.0.0.2:5000";
const BOB: &str = "10.0.0.3:5000";
const SERVER: &str = "12.0.0.9:3478";

fn echo(source: &str, destination: &str, identifier: u16) -> Packet {
    let message = Icmp::EchoRequest { identifier, sequence: 1, payload: Default::default() };
    Packet::icmp(source.parse().unwrap(), destination.parse().unwrap(), message)
}

#[rstest]
#[case::unreachable(IcmpError::PortUnreachable)]
#[case::too_big(IcmpError::TooBig { mtu: 1_280 })]
#[case::time_exceeded(IcmpError::TimeExceeded)]
fn an_error_from_any_router_reaches_the_host_with_its_own_address_in_the_quote(
    #[case] kind: IcmpError,
) {
    let mut bench = Bench::new(Config::port_restricted_cone());
    let external = bench.send(ALICE, SERVER);
    let fate = bench.put(Side::OUTSIDE, error("13.9.9.9", kind, external, at(SERVER)));
    let Fate::Forwarded(Side::INSIDE, packet) = fate else { panic!("{fate:?}") };
    assert_eq!(packet.destination_ip, at(ALICE).ip());
    assert_eq!(packet.source_ip.to_string(), "13.9.9.9");
    let Body::Icmp(Icmp::Error { kind: got, quote }) = packet.body else { panic!() };
    assert_eq!((got, quote.source, quote.destination), (kind, at(ALICE), at(SERVER)));
}

#[test]
fn an_error_neither_ends_nor_refreshes_a_mapping() {
    let mut bench = Bench::new(Config::linux_masquerade());
    let external = bench.send(ALICE, SERVER);
    bench.wait(Duration::from_secs(29));
    for kind in [IcmpError::PortUnreachable, IcmpError::HostUnreachable] {
        bench.put(Side::OUTSIDE, error("12.0.0.9", kind, external, at(SERVER)));
    }
    let before = bench.nat.mappings();
    assert_eq!(before.len(), 1);
    bench.wait(Duration::from_secs(2));
    assert!(bench.nat.mappings().is_empty());
}

#[test]
fn an_error_about_no_mapping_ends() {
    let mut bench = Bench::new(Config::rfc4787_ideal());
    let unknown = error("12.0.0.9", IcmpError::PortUnreachable, at("11.0.0.1:999"), at(SERVER));
    let fate = bench.put(Side::OUTSIDE, unknown);
    assert!(matches!(fate, Fate::Dropped(DropReason::NatIcmp, _)), "{fate:?}");
    let inside = error("10.0.0.2", IcmpError::PortUnreachable, at(SERVER), at(ALICE));
    let fate = bench.put(Side::INSIDE, inside);
    assert!(matches!(fate, Fate::Dropped(DropReason::NatIcmp, _)), "{fate:?}");
}

#[rstest]
#[case::all(IcmpErrors::Translate, true, true)]
#[case::contacted(IcmpErrors::TranslateFromContacted, true, false)]
#[case::none(IcmpErrors::Drop, false, false)]
fn errors_pass_as_configured(
    #[case] errors: IcmpErrors,
    #[case] from_peer: bool,
    #[case] from_router: bool,
) {
    let icmp = IcmpPolicy { errors, ..IcmpPolicy::default() };
    let mut bench = Bench::new(Config { icmp, ..Config::rfc4787_ideal() });
    let external = bench.send(ALICE, SERVER);
    for (reporter, passes) in [("12.0.0.9", from_peer), ("13.9.9.9", from_router)] {
        let packet = error(reporter, IcmpError::HostUnreachable, external, at(SERVER));
        let fate = bench.put(Side::OUTSIDE, packet);
        assert_eq!(matches!(fate, Fate::Forwarded(..)), passes, "{reporter}: {fate:?}");
    }
}

#[rstest]
#[case::the_host("10.0.0.2")]
#[case::a_router_inside("10.0.9.9")]
fn an_error_from_inside_shows_external_addresses_only(#[case] reporter: &str) {
    let mut bench = Bench::new(Config::rfc4787_ideal());
    let external = bench.send(ALICE, SERVER);
    let packet = error(reporter, IcmpError::PortUnreachable, at(SERVER), at(ALICE));
    let fate = bench.put(Side::INSIDE, packet);
    let Fate::Forwarded(Side::OUTSIDE, packet) = fate else { panic!("{fate:?}") };
    assert_eq!((packet.source_ip, packet.destination_ip), (external.ip(), at(SERVER).ip()));
    let Body::Icmp(Icmp::Error { quote, .. }) = packet.body else { panic!() };
    assert_eq!((quote.source, quote.destination), (at(SERVER), external));
}

#[test]
fn an_error_about_a_hairpinned_packet_comes_back_around() {
    let mut bench = Bench::new(Config::rfc4787_ideal());
    let (alice, bob) = (bench.send(ALICE, SERVER), bench.send(BOB, SERVER));
    assert_eq!(bench.turn(ALICE, bob), Ok((alice, at(BOB))));
    let packet = error("10.0.0.3", IcmpError::PortUnreachable, alice, at(BOB));
    let fate = bench.put(Side::INSIDE, packet);
    let Fate::Forwarded(Side::INSIDE, packet) = fate else { panic!("{fate:?}") };
    assert_eq!((packet.source_ip, packet.destination_ip), (bob.ip(), at(ALICE).ip()));
    let Body::Icmp(Icmp::Error { quote, .. }) = packet.body else { panic!() };
    assert_eq!((quote.source, quote.destination), (at(ALICE), bob));
}

#[test]
fn pings_of_two_hosts_with_one_identifier_are_told_apart() {
    let mut bench = Bench::new(Config::symmetric());
    let mut seen = Vec::new();
    for host in ["10.0.0.2", "10.0.0.3"] {
        let fate = bench.put(Side::INSIDE, echo(host, "12.0.0.9", 77));
        let Fate::Forwarded(Side::OUTSIDE, packet) = fate else { panic!("{fate:?}") };
        seen.push((host, packet.source().port()));
    }
    assert_ne!(seen[0].1, seen[1].1);
    for (host, identifier) in seen {
        let message = Icmp::EchoReply { identifier, sequence: 1, payload: Default::default() };
        let reply = Packet::icmp("12.0.0.9".parse().unwrap(), "11.0.0.1".parse().unwrap(), message);
        let fate = bench.put(Side::OUTSIDE, reply);
        let Fate::Forwarded(Side::INSIDE, packet) = fate else { panic!("{fate:?}") };
        assert_eq!(packet.destination(), at(&format!("{host}:77")));
    }
    // RFC 5508 §3.1: one identifier for all destinations.
    let fate = bench.put(Side::INSIDE, echo("10.0.0.2", "12.0.1.9", 77));
    let Fate::Forwarded(_, packet) = fate else { panic!("{fate:?}") };
    assert_eq!(bench.nat.mappings().len(), 2);
    assert!(bench.nat.mappings().iter().any(|mapping| mapping.external == packet.source()));
}

#[test]
fn too_big_packets_are_reported_with_the_mtu_that_fits() {
    let mut bench = Bench::new(Config::rfc4787_ideal());
    bench.set_mtu(Side::OUTSIDE, 1_000);
    let mut packet = Packet::udp(at(ALICE), at(SERVER), vec![0; 1_000]);
    packet.dont_fragment = true;
    let fate = bench.put(Side::INSIDE, packet.clone());
    assert!(matches!(fate, Fate::Dropped(DropReason::TooBig, _)), "{fate:?}");
    let (side, report) = bench.sent.pop().unwrap();
    assert_eq!((side, report.destination_ip), (Side::INSIDE, at(ALICE).ip()));
    let Body::Icmp(Icmp::Error { kind, quote }) = report.body else { panic!() };
    assert_eq!((kind, quote.source), (IcmpError::TooBig { mtu: 1_000 }, at(ALICE)));
    assert!(bench.nat.mappings().is_empty());
    // Without the mark it goes on, and the network fragments it.
    packet.dont_fragment = false;
    assert!(matches!(bench.put(Side::INSIDE, packet), Fate::Forwarded(Side::OUTSIDE, _)));
}

#[test]
fn a_packet_whose_hops_run_out_is_reported_and_maps_nothing() {
    let mut bench = Bench::new(Config::rfc4787_ideal());
    let mut packet = Packet::udp(at(ALICE), at(SERVER), &b""[..]);
    packet.hop_limit = 1;
    let fate = bench.put(Side::INSIDE, packet);
    assert!(matches!(fate, Fate::Dropped(DropReason::HopLimit, _)), "{fate:?}");
    assert_eq!(bench.sent[0].1.source_ip.to_string(), "10.0.0.1");
    assert!(bench.nat.mappings().is_empty());
}

#[rstest]
#[case::in_order([0, 1, 2])]
#[case::first_last([2, 1, 0])]
#[case::first_in_the_middle([1, 0, 2])]
fn fragments_pass_in_any_order(#[case] order: [usize; 3]) {
    let mut bench = Bench::new(Config::rfc4787_ideal());
    let external = bench.send(ALICE, SERVER);
    let parts = fragments(at(SERVER), external);
    let mut offsets = Vec::new();
    for index in order {
        if let Fate::Forwarded(Side::INSIDE, packet) =
            bench.put(Side::OUTSIDE, parts[index].clone())
        {
            assert_eq!(packet.destination_ip, at(ALICE).ip());
            offsets.push(packet.fragment.unwrap().offset);
        }
        offsets.extend(bench.released.drain(..).map(|(_, packet)| packet.fragment.unwrap().offset));
    }
    offsets.sort_unstable();
    assert_eq!(offsets, [0, 1_480, 2_960]);
}

#[rstest]
#[case::in_order(Fragments::InOrder, [true, true, true], [false, false, true])]
#[case::none(Fragments::Drop, [false, false, false], [false, false, false])]
fn lesser_nats_lose_fragments(
    #[case] handling: Fragments,
    #[case] forwards: [bool; 3],
    #[case] backwards: [bool; 3],
) {
    for (order, expected) in [([0, 1, 2], forwards), ([2, 1, 0], backwards)] {
        let mut bench = Bench::new(Config { fragments: handling, ..Config::rfc4787_ideal() });
        let external = bench.send(ALICE, SERVER);
        let parts = fragments(at(SERVER), external);
        for (index, passes) in order.into_iter().zip(expected) {
            let fate = bench.put(Side::OUTSIDE, parts[index].clone());
            assert_eq!(matches!(fate, Fate::Forwarded(..)), passes, "{fate:?}");
        }
    }
}

#[test]
fn fragments_leave_by_the_mapping_of_the_first() {
    let mut bench = Bench::new(Config::symmetric());
    for part in fragments(at(ALICE), at(SERVER)) {
        let fate = bench.put(Side::INSIDE, part);
        let Fate::Forwarded(Side::OUTSIDE, packet) = fate else { panic!("{fate:?}") };
        assert_eq!(packet.source_ip.to_string(), "11.0.0.1");
    }
    assert_eq!(bench.nat.mappings().len(), 1);
}

#[test]
fn a_fragment_that_waits_too_long_ends() {
    let mut bench = Bench::new(Config::rfc4787_ideal());
    let external = bench.send(ALICE, SERVER);
    let [first, second, _] = fragments(at(SERVER), external);
    assert_eq!(bench.put(Side::OUTSIDE, second), Fate::Held);
    bench.wait(Duration::from_secs(3));
    bench.put(Side::OUTSIDE, first);
    assert!(bench.released.is_empty());
}

/// RFC 4787 §11: a flood of fragments that never become packets.
#[test]
fn a_flood_of_fragments_leaves_ordered_ones_and_whole_packets_alone() {
    let limits = Limits { held_fragments: 8, fragmented: 8, ..Limits::default() };
    let mut bench = Bench::new(Config { limits, ..Config::rfc4787_ideal() });
    let external = bench.send(ALICE, SERVER);
    for number in 0..100 {
        let [_, mut second, _] = fragments(at("14.0.0.1:1"), external);
        second.fragment.as_mut().unwrap().identification = 1_000 + number;
        bench.put(Side::OUTSIDE, second);
    }
    assert_eq!(bench.arrive(SERVER, external), Ok(at(ALICE)));
    for part in fragments(at(SERVER), external) {
        let fate = bench.put(Side::OUTSIDE, part);
        assert!(matches!(fate, Fate::Forwarded(Side::INSIDE, _)), "{fate:?}");
    }
}
