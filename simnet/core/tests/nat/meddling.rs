//! What some boxes do besides, and their ways with ICMP, fragments and numbers of both sides.

use std::time::Duration;

use base::{Dscp, Ecn};
use rstest::rstest;
use simnet::{
    Body, DropReason, Icmp, IcmpError, Packet, Side,
    nat::{
        Config, Conflicting, Filtering, Fixed, Fragments, Hairpin, IcmpPolicy, Limits, Meddling,
        OneToOne, Reporter, TooBig,
    },
};

use crate::bench::{Bench, Fate, at, error, fragments};

const ALICE: &str = "10.0.0.2:5000";
const SERVER: &str = "12.0.0.9:3478";

fn meddles(meddling: Meddling) -> Bench {
    Bench::new(Config { meddling, ..Config::port_restricted_cone() })
}

fn passed(fate: Fate) -> Packet {
    match fate {
        Fate::Forwarded(_, packet) => packet,
        other => panic!("{other:?}"),
    }
}

/// RFC 8489 §14.2: why an address in a payload is hidden.
#[rstest]
#[case::meddles(true)]
#[case::leaves_it(false)]
fn a_stun_address_in_the_clear_comes_back_wrong(#[case] binary_addresses: bool) {
    let mut bench = meddles(Meddling { binary_addresses, ..Meddling::default() });
    let external = bench.send(ALICE, SERVER);
    let std::net::IpAddr::V4(ip) = external.ip() else { panic!() };
    let mapped_address = [&[0, 1, 0x13, 0x88][..], &ip.octets()].concat();
    let answer = Packet::udp(at(SERVER), external, mapped_address);
    let packet = passed(bench.put(Side::OUTSIDE, answer));
    let shown: &[u8] = if binary_addresses { &[10, 0, 0, 2] } else { &[11, 0, 0, 1] };
    assert_eq!(&packet.payload()[4..], shown);
}

#[test]
fn addresses_in_words_are_translated_at_some_ports() {
    let mut bench = meddles(Meddling { text_addresses: vec![5_060], ..Meddling::default() });
    for (remote, shown) in [("12.0.0.9:5060", "11.0.0.1"), ("12.0.0.9:5061", "10.0.0.2")] {
        let text = b"Via: SIP/2.0/UDP 10.0.0.2:5000";
        let packet = Packet::udp(at(ALICE), at(remote), &text[..]);
        let packet = passed(bench.put(Side::INSIDE, packet));
        let expected = format!("Via: SIP/2.0/UDP {shown}:5000");
        assert_eq!(packet.payload(), expected.as_bytes());
    }
}

#[test]
fn heads_are_made_uniform() {
    let mut bench = meddles(Meddling {
        zero_checksum: true,
        hop_limit: Some(33),
        bleach_dscp: true,
        bleach_ecn: true,
        ..Meddling::default()
    });
    let mut packet = Packet::udp(at(ALICE), at(SERVER), &b"x"[..]);
    (packet.ecn, packet.dscp) = (Ecn::Ect1, Dscp::EF);
    let Body::Udp(udp) = &mut packet.body else { panic!() };
    udp.checksum_ok = false;
    let packet = passed(bench.put(Side::INSIDE, packet));
    assert_eq!((packet.ecn, packet.dscp), (Ecn::NotEct, Dscp::default()));
    assert_eq!(packet.hop_limit, 33);
    assert!(matches!(packet.body, Body::Udp(udp) if udp.checksum_ok));
}

fn icmp(icmp: IcmpPolicy) -> Bench {
    Bench::new(Config { icmp, ..Config::rfc4787_ideal() })
}

fn echo(source: &str, destination: &str) -> Packet {
    let payload = Default::default();
    let message = Icmp::EchoRequest { identifier: 7, sequence: 1, payload };
    Packet::icmp(source.parse().unwrap(), destination.parse().unwrap(), message)
}

/// RFC 5508 §3.1, REQ-1.
#[rstest]
#[case::pass(true)]
#[case::end(false)]
fn queries_pass_or_end(#[case] queries: bool) {
    let mut bench = icmp(IcmpPolicy { queries, ..IcmpPolicy::default() });
    let fate = bench.put(Side::INSIDE, echo("10.0.0.2", "12.0.0.9"));
    assert_eq!(matches!(fate, Fate::Forwarded(..)), queries, "{fate:?}");
}

/// RFC 5508 §3.2, REQ-2.
#[test]
fn queries_live_a_minute_at_least() {
    let mut bench = Bench::new(Config::rfc4787_ideal());
    bench.put(Side::INSIDE, echo("10.0.0.2", "12.0.0.9"));
    bench.wait(Duration::from_nanos(59_999_999_999));
    assert_eq!(bench.nat.mappings().len(), 1);
    bench.wait(Duration::from_nanos(1));
    assert_eq!(bench.nat.mappings().len(), 0);
}

#[rstest]
#[case::lax(Some(Filtering::EndpointIndependent), true)]
#[case::as_udp(None, false)]
fn answers_to_queries_have_a_filter_of_their_own(
    #[case] filtering: Option<Filtering>,
    #[case] passes: bool,
) {
    let icmp = IcmpPolicy { filtering, ..IcmpPolicy::default() };
    let mut bench = Bench::new(Config { icmp, ..Config::port_restricted_cone() });
    let query = passed(bench.put(Side::INSIDE, echo("10.0.0.2", "12.0.0.9")));
    let identifier = query.source().port();
    let message = Icmp::EchoReply { identifier, sequence: 1, payload: Default::default() };
    let stranger = Packet::icmp("13.0.0.1".parse().unwrap(), query.source_ip, message);
    assert_eq!(matches!(bench.put(Side::OUTSIDE, stranger), Fate::Forwarded(..)), passes);
}

/// RFC 5508 §4.2.1, REQ-4.
#[rstest]
#[case::translated(true, ALICE)]
#[case::left(false, "11.0.0.1:5000")]
fn the_quote(#[case] translate_quote: bool, #[case] expected: &str) {
    let icmp = IcmpPolicy { translate_quote, ..IcmpPolicy::default() };
    let mut bench = Bench::new(Config { icmp, ..Config::full_cone() });
    let external = bench.send(ALICE, SERVER);
    let told = error("13.9.9.9", IcmpError::TimeExceeded, external, at(SERVER));
    let packet = passed(bench.put(Side::OUTSIDE, told));
    let Body::Icmp(Icmp::Error { quote, .. }) = packet.body else { panic!() };
    assert_eq!(quote.source, at(expected));
}

/// RFC 4787 §10, REQ-13, and two ways to break it.
#[rstest]
#[case::reported(TooBig::Report, true, false)]
#[case::black_hole(TooBig::BlackHole, false, false)]
#[case::fragmented(TooBig::Fragment, false, true)]
fn what_is_too_big(#[case] too_big: TooBig, #[case] told: bool, #[case] passes: bool) {
    let mut bench = icmp(IcmpPolicy { too_big, ..IcmpPolicy::default() });
    bench.set_mtu(Side::OUTSIDE, 1_280);
    let mut packet = Packet::udp(at(ALICE), at(SERVER), vec![0; 1_400]);
    packet.dont_fragment = true;
    let fate = bench.put(Side::INSIDE, packet);
    assert_eq!(matches!(fate, Fate::Forwarded(..)), passes, "{fate:?}");
    assert_eq!(bench.sent.iter().any(|(_, sent)| sent.to_string().contains("mtu 1280")), told);
}

#[test]
fn messages_of_its_own_come_at_a_limited_rate() {
    let mut bench = icmp(IcmpPolicy { rate_limit: Some(5), ..IcmpPolicy::default() });
    for _ in 0..1_000 {
        let mut packet = Packet::udp(at(ALICE), at(SERVER), &b""[..]);
        packet.hop_limit = 1;
        bench.put(Side::INSIDE, packet);
        bench.wait(Duration::from_millis(10));
    }
    assert!((50..=55).contains(&bench.sent.len()), "{} in ten seconds", bench.sent.len());
}

/// RFC 5508 §7.2.
#[rstest]
#[case::inside(Reporter::Inside, "10.0.0.1")]
#[case::outside(Reporter::Outside, "11.0.0.1")]
fn a_traceroute_shows_the_box(#[case] reporter: Reporter, #[case] expected: &str) {
    let mut bench = icmp(IcmpPolicy { reporter, ..IcmpPolicy::default() });
    let mut packet = Packet::udp(at(ALICE), at(SERVER), &b""[..]);
    packet.hop_limit = 1;
    bench.put(Side::INSIDE, packet);
    assert_eq!(bench.sent[0].1.source_ip.to_string(), expected);
}

#[test]
fn a_box_may_hide_from_traceroutes() {
    let mut bench = icmp(IcmpPolicy { keeps_hop_limit: true, ..IcmpPolicy::default() });
    let mut packet = Packet::udp(at(ALICE), at(SERVER), &b""[..]);
    packet.hop_limit = 1;
    assert_eq!(passed(bench.put(Side::INSIDE, packet)).hop_limit, 1);
}

/// RFC 5508 §5, REQ-7: where no ports are translated, queries turn around too.
#[test]
fn basic_translation_turns_queries_around() {
    let pair = |internal: &str, external: &str| OneToOne {
        internal: internal.parse().unwrap(),
        external: external.parse().unwrap(),
    };
    let one_to_one = vec![pair("10.0.0.2", "11.0.0.2"), pair("10.0.0.3", "11.0.0.3")];
    let fixed = Fixed { one_to_one, ..Fixed::default() };
    let hairpin = Hairpin::ExternalSource;
    let mut bench = Bench::new(Config { fixed, hairpin, ..Config::rfc4787_ideal() });
    let packet = passed(bench.put(Side::INSIDE, echo("10.0.0.2", "11.0.0.3")));
    assert_eq!(packet.source().to_string(), "11.0.0.2:7");
    assert_eq!(packet.destination().to_string(), "10.0.0.3:7");
    let message = Icmp::EchoReply { identifier: 7, sequence: 1, payload: Default::default() };
    let reply = Packet::icmp(packet.destination_ip, packet.source_ip, message);
    let packet = passed(bench.put(Side::INSIDE, reply));
    assert_eq!(packet.source().to_string(), "11.0.0.3:7");
    assert_eq!(packet.destination().to_string(), "10.0.0.2:7");
}

#[rstest]
#[case::in_order([0, 1, 2])]
#[case::backwards([2, 1, 0])]
#[case::mixed([1, 0, 2])]
fn fragments_may_be_put_together(#[case] order: [usize; 3]) {
    let fragments_too = Config { fragments: Fragments::Reassemble, ..Config::rfc4787_ideal() };
    let mut bench = Bench::new(fragments_too);
    let parts = fragments(at(ALICE), at(SERVER));
    assert_eq!(bench.put(Side::INSIDE, parts[order[0]].clone()), Fate::Held);
    assert_eq!(bench.put(Side::INSIDE, parts[order[1]].clone()), Fate::Held);
    let packet = passed(bench.put(Side::INSIDE, parts[order[2]].clone()));
    assert_eq!(packet.fragment, None);
    assert_eq!(packet.payload().len(), 1_472 + 2 * 1_480);
    assert!(packet.payload()[..1_472].iter().all(|byte| *byte == 1));
    assert!(packet.payload()[1_472..].iter().all(|byte| *byte == 2));
}

#[test]
fn fragments_that_fit_nothing_end() {
    let limits = Limits { held_fragments: 2, ..Limits::default() };
    let config = Config { fragments: Fragments::Reassemble, limits, ..Config::rfc4787_ideal() };
    let mut bench = Bench::new(config);
    let [first, second, third] = fragments(at(ALICE), at(SERVER));
    bench.put(Side::INSIDE, first.clone());
    bench.put(Side::INSIDE, second);
    let fate = bench.put(Side::INSIDE, third.clone());
    assert!(matches!(fate, Fate::Dropped(DropReason::NatFragment, _)), "no room: {fate:?}");
    bench.wait(Duration::from_secs(2));
    assert_eq!(bench.lost, [DropReason::NatFragment; 2], "the rest never came");
    bench.put(Side::INSIDE, third.clone());
    let fate = bench.put(Side::INSIDE, third);
    assert!(matches!(fate, Fate::Dropped(DropReason::NatFragment, _)), "they overlap: {fate:?}");
    assert_eq!(bench.put(Side::INSIDE, first), Fate::Held);
}

/// RFC 4787 §4.4, REQ-7.
#[rstest]
#[case::translated(Conflicting::Translate, true)]
#[case::confused(Conflicting::Drop, false)]
fn numbers_of_both_sides(#[case] conflicting_addresses: Conflicting, #[case] passes: bool) {
    let mut bench = Bench::new(Config { conflicting_addresses, ..Config::rfc4787_ideal() });
    let twin = "10.0.0.77:3478";
    let fate = bench.put(Side::INSIDE, Packet::udp(at(ALICE), at(twin), &b""[..]));
    assert_eq!(matches!(fate, Fate::Forwarded(..)), passes, "{fate:?}");
    let external = bench.send(ALICE, SERVER);
    assert_eq!(bench.arrive(twin, external).is_ok(), passes);
}
