//! NAT64 and CLAT: what becomes of headers, addresses and errors.

use std::time::Duration;

use rstest::rstest;
use simnet::{
    Body, DropReason, Icmp, IcmpError, NatEvent, Packet, Side, TcpFlags,
    nat::{self, Filtering, Hairpin, Limits},
    nat64::{Clat, ClatConfig, ClatSource, Config, Nat64},
};

use crate::bench::{Bench, Fate, at, error, fragments, kind, ping, pong, side, tcp, udp};

const SECOND: Duration = Duration::from_secs(1);
const HOST: &str = "[2001:db8:1::7]:4000";
const SERVER: &str = "11.0.0.3:3478";
const SERVER6: &str = "[64:ff9b::11.0.0.3]:3478";

fn translator(config: Config) -> Bench<Nat64> {
    let sides = [side(&["2001:db8:1::1"]), side(&["11.0.0.1"])];
    Bench::new(Nat64::new(config), sides, Nat64::audit)
}

fn customer(config: ClatConfig) -> Bench<Clat> {
    let sides = [side(&["192.0.0.1"]), side(&["2001:db8:1::c"])];
    Bench::new(Clat::new(config), sides, |_| Ok(()))
}

impl<M: simnet::Middlebox> Bench<M> {
    /// What comes out on the other side.
    fn through(&mut self, from: Side, packet: Packet) -> Packet {
        let to = if from == Side::INSIDE { Side::OUTSIDE } else { Side::INSIDE };
        match self.put(from, packet) {
            Fate::Forwarded(side, packet) if side == to => packet,
            other => panic!("{other:?}"),
        }
    }
}

fn quote(packet: &Packet) -> (String, String) {
    match &packet.body {
        Body::Icmp(Icmp::Error { quote, .. }) => {
            (quote.source.to_string(), quote.destination.to_string())
        }
        _ => panic!("{packet}"),
    }
}

#[test]
fn a_host_without_ipv4_talks_to_one_without_ipv6() {
    let mut bench = translator(Config::default());
    let mut question = udp(HOST, SERVER6);
    question.ecn = base::Ecn::Ect1;
    question.dscp = base::Dscp::EF;
    let seen = bench.through(Side::INSIDE, question);
    assert_eq!(seen.destination(), at(SERVER));
    assert_eq!(seen.source_ip, at("11.0.0.1:0").ip());
    assert_eq!((seen.hop_limit, seen.ecn, seen.dscp), (63, base::Ecn::Ect1, base::Dscp::EF));
    let external = seen.source().to_string();
    let answer = bench.through(Side::OUTSIDE, udp(SERVER, &external));
    assert_eq!((answer.source(), answer.destination()), (at(SERVER6), at(HOST)));
    let mapped = bench.events.iter().any(|event| {
        matches!(event, NatEvent::Mapped { internal, remote, .. }
            if *internal == at(HOST) && *remote == at(SERVER))
    });
    assert!(mapped, "{:?}", bench.events);
}

#[test]
fn a_mapping_serves_all_destinations() {
    let mut bench = translator(Config::default());
    let one = bench.through(Side::INSIDE, udp(HOST, SERVER6)).source();
    let other = bench.through(Side::INSIDE, udp(HOST, "[64:ff9b::11.0.0.9]:9")).source();
    assert_eq!(one, other, "RFC 6146 §3.5.1: endpoint-independent");
    let elsewhere = bench.through(Side::INSIDE, udp("[2001:db8:1::8]:4000", SERVER6)).source();
    assert_ne!(one, elsewhere);
}

#[rstest]
#[case::open(Config::default(), true)]
#[case::strict(Config::address_dependent(), false)]
fn filters_are_open_or_ask_for_the_address(#[case] config: Config, #[case] stranger: bool) {
    let mut bench = translator(config);
    let external = bench.through(Side::INSIDE, udp(HOST, SERVER6)).source().to_string();
    assert!(bench.udp_in("11.0.0.3:1", &external), "another port of a known address");
    assert_eq!(bench.udp_in("11.0.0.9:9", &external), stranger);
    assert!(!bench.udp_in(SERVER, "11.0.0.1:9"), "no mapping");
}

#[test]
fn udp_lives_five_minutes_and_any_packet_starts_them_again() {
    let mut bench = translator(Config::default());
    let external = bench.through(Side::INSIDE, udp(HOST, SERVER6)).source().to_string();
    for _ in 0..2 {
        bench.wait(299 * SECOND);
        assert!(bench.udp_in(SERVER, &external));
    }
    bench.wait(300 * SECOND);
    assert!(!bench.udp_in(SERVER, &external));
}

#[test]
fn pings_cross_with_their_identifier_mapped() {
    let mut bench = translator(Config::default());
    let request = bench.through(Side::INSIDE, ping("2001:db8:1::7", "64:ff9b::b00:3"));
    let identifier = request.source().port();
    let mut reply = pong("11.0.0.3", "11.0.0.1");
    reply.set_destination(request.source());
    let reply = bench.through(Side::OUTSIDE, reply);
    assert_eq!(reply.destination(), at("[2001:db8:1::7]:9"), "{identifier}");
    assert_eq!(reply.source_ip, at(SERVER6).ip());
}

#[test]
fn tcp_crosses_too() {
    let mut bench = translator(Config::default());
    let syn = bench.through(Side::INSIDE, tcp(HOST, SERVER6, TcpFlags::SYN));
    let back = tcp(SERVER, &syn.source().to_string(), TcpFlags::from_bits(0x12));
    assert_eq!(bench.through(Side::OUTSIDE, back).destination(), at(HOST));
}

#[test]
fn hairpins_turn_around_with_the_external_source() {
    let mut bench = translator(Config::default());
    let first = bench.through(Side::INSIDE, udp(HOST, SERVER6)).source();
    let to_first = format!("[64:ff9b::11.0.0.1]:{}", first.port());
    match bench.put(Side::INSIDE, udp("[2001:db8:1::8]:5000", &to_first)) {
        Fate::Forwarded(Side::INSIDE, packet) => {
            assert_eq!(packet.destination(), at(HOST));
            let source = packet.source_ip;
            assert_eq!(source, at("[64:ff9b::11.0.0.1]:0").ip(), "RFC 6146 §3.8");
        }
        other => panic!("{other:?}"),
    }
    let nat = nat::Config { hairpin: Hairpin::None, ..Config::nat_default() };
    let mut bench = translator(Config { nat, ..Config::default() });
    let first = bench.through(Side::INSIDE, udp(HOST, SERVER6)).source();
    let to_first = format!("[64:ff9b::11.0.0.1]:{}", first.port());
    let refused = bench.refusal(Side::INSIDE, udp("[2001:db8:1::8]:5000", &to_first));
    assert_eq!(refused, DropReason::NatNoHairpin);
}

#[test]
fn addresses_that_could_loop_or_lie_are_dropped() {
    let mut bench = translator(Config::default());
    let looping = udp("[64:ff9b::11.0.0.1]:500", SERVER6);
    assert_eq!(bench.refusal(Side::INSIDE, looping), DropReason::NatUntranslatable);
    let private = udp(HOST, "[64:ff9b::192.168.1.1]:80");
    assert_eq!(bench.refusal(Side::INSIDE, private.clone()), DropReason::NatUntranslatable);
    let mut lax = translator(Config { strict_well_known: false, ..Config::default() });
    assert!(lax.passes(Side::INSIDE, private));
}

#[rstest]
#[case::small(1_240, false)]
#[case::large(1_241, true)]
fn large_packets_must_not_be_fragmented_in_ipv4(#[case] payload: usize, #[case] forbidden: bool) {
    // RFC 7915 §5.1: 1260 bytes is the border; 28 of them are headers, less than in IPv6.
    let mut bench = translator(Config::default());
    let packet = Packet::udp(at(HOST), at(SERVER6), vec![0; payload - 8]);
    assert_eq!(packet.ip_length(), payload + 40);
    assert_eq!(bench.through(Side::INSIDE, packet).dont_fragment, forbidden);
}

#[test]
fn the_host_learns_of_a_narrow_ipv4_link() {
    let mut bench = translator(Config::default());
    bench.set_mtu(Side::OUTSIDE, 1_400);
    let packet = |length: usize| Packet::udp(at(HOST), at(SERVER6), vec![0; length - 48]);
    assert!(bench.passes(Side::INSIDE, packet(1_420)));
    assert_eq!(bench.refusal(Side::INSIDE, packet(1_421)), DropReason::TooBig);
    let (side, report) = bench.said().remove(0);
    assert_eq!((side, kind(&report)), (Side::INSIDE, Some(IcmpError::TooBig { mtu: 1_420 })));
    assert_eq!(report.destination_ip, at(HOST).ip());
    let wanted = (HOST.to_owned(), at(SERVER6).to_string());
    assert_eq!(quote(&report), wanted, "as the host knows it");
}

#[test]
fn the_server_learns_of_a_narrow_ipv6_link() {
    let mut bench = translator(Config::default());
    bench.set_mtu(Side::INSIDE, 1_400);
    let external = bench.through(Side::INSIDE, udp(HOST, SERVER6)).source();
    let packet = |length: usize| {
        let mut packet = Packet::udp(at(SERVER), external, vec![0; length - 28]);
        packet.dont_fragment = true;
        packet
    };
    assert!(bench.passes(Side::OUTSIDE, packet(1_380)));
    assert_eq!(bench.refusal(Side::OUTSIDE, packet(1_381)), DropReason::TooBig);
    let (side, report) = bench.said().remove(0);
    assert_eq!((side, kind(&report)), (Side::OUTSIDE, Some(IcmpError::TooBig { mtu: 1_380 })));
    assert_eq!(quote(&report), (SERVER.to_owned(), external.to_string()));
}

#[test]
fn errors_from_ipv4_speak_of_the_packet_the_host_sent() {
    let mut bench = translator(Config::default());
    let seen = bench.through(Side::INSIDE, udp(HOST, SERVER6));
    let report = error("11.0.7.7", IcmpError::TooBig { mtu: 1_300 }, &seen);
    let report = bench.through(Side::OUTSIDE, report);
    assert_eq!(report.source_ip, at("[64:ff9b::11.0.7.7]:0").ip(), "a router on the way");
    assert_eq!(kind(&report), Some(IcmpError::TooBig { mtu: 1_320 }));
    assert_eq!(quote(&report), (HOST.to_owned(), at(SERVER6).to_string()));
}

#[test]
fn errors_from_ipv6_speak_of_the_packet_the_server_sent() {
    let mut bench = translator(Config::default());
    let external = bench.through(Side::INSIDE, udp(HOST, SERVER6)).source().to_string();
    let answer = bench.through(Side::OUTSIDE, udp(SERVER, &external));
    let closed = error("2001:db8:1::7", IcmpError::PortUnreachable, &answer);
    let report = bench.through(Side::INSIDE, closed);
    assert_eq!(report.source_ip, at(&external).ip());
    assert_eq!(kind(&report), Some(IcmpError::PortUnreachable));
    assert_eq!(quote(&report), (SERVER.to_owned(), external));
    let stray = error("2001:db8:1::7", IcmpError::PortUnreachable, &udp(HOST, HOST));
    let mut stray = stray;
    stray.destination_ip = at(SERVER6).ip();
    assert_eq!(bench.refusal(Side::INSIDE, stray), DropReason::NatUntranslatable);
}

#[test]
fn a_packet_whose_hops_ran_out_is_reported_in_its_own_family() {
    let mut bench = translator(Config::default());
    let mut old = udp(HOST, SERVER6);
    old.hop_limit = 1;
    assert_eq!(bench.refusal(Side::INSIDE, old), DropReason::HopLimit);
    let report = bench.said().remove(0).1;
    assert_eq!(report.source_ip, at("[2001:db8:1::1]:0").ip());
    assert_eq!(kind(&report), Some(IcmpError::TimeExceeded));
}

#[test]
fn a_host_that_gets_no_port_learns_of_it_in_ipv6() {
    let limits = Limits { mappings_per_host: 1, ..Limits::default() };
    let nat = nat::Config { limits, ..Config::nat_default() };
    let mut bench = translator(Config { nat, ..Config::default() });
    bench.through(Side::INSIDE, udp(HOST, SERVER6));
    let more = udp("[2001:db8:1::7]:4001", SERVER6);
    assert_eq!(bench.refusal(Side::INSIDE, more), DropReason::NatLimit);
    let said = bench.said();
    assert_eq!(said.len(), 1);
    assert_eq!(kind(&said[0].1), Some(IcmpError::HostUnreachable), "RFC 6146 §3.5.1.1");
    assert!(said[0].1.source_ip.is_ipv6());
}

#[test]
fn fragments_cross_in_any_order() {
    let mut bench = translator(Config::default());
    let [first, second, third] = fragments(HOST, SERVER6, 0x1_0009);
    assert_eq!(bench.put(Side::INSIDE, third), Fate::Held);
    let first = bench.through(Side::INSIDE, first);
    let second = bench.through(Side::INSIDE, second);
    let third = bench.released.remove(0).1;
    for fragment in [&first, &second, &third] {
        assert_eq!(fragment.source_ip, first.source_ip);
        assert_eq!(fragment.destination_ip, at(SERVER).ip());
        let place = fragment.fragment.unwrap();
        assert_eq!(place.identification, 9, "IPv4 has sixteen bits for it: RFC 7915 §5.1.1");
        assert!(!fragment.dont_fragment);
    }
    assert_eq!(bench.inside, 0);
}

#[test]
fn ipv6_to_other_destinations_is_not_translated() {
    let mut bench = translator(Config::default());
    match bench.put(Side::INSIDE, udp(HOST, "[2001:db8:9::1]:80")) {
        Fate::Forwarded(Side::OUTSIDE, packet) => assert_eq!(packet.source(), at(HOST)),
        other => panic!("{other:?}"),
    }
}

#[test]
fn one_socket_may_talk_in_both_families() {
    // As an ICE agent does: the mapping towards IPv4 is not that of the pass-through.
    let mut bench = translator(Config::default());
    let native = "[2001:db8:9::1]:80";
    for _ in 0..2 {
        let Fate::Forwarded(Side::OUTSIDE, over_ipv6) = bench.put(Side::INSIDE, udp(HOST, native))
        else {
            panic!()
        };
        assert_eq!(over_ipv6.source(), at(HOST));
        let seen = bench.through(Side::INSIDE, udp(HOST, SERVER6));
        assert_eq!(seen.source_ip, at("11.0.0.1:0").ip());
        assert!(bench.udp_in(SERVER, &seen.source().to_string()));
        assert!(bench.udp_in(native, HOST));
    }
}

#[test]
fn a_clat_gives_its_host_an_address_of_the_interface() {
    let mut bench = customer(ClatConfig::default());
    let host = "192.0.0.2:4000";
    let seen = bench.through(Side::INSIDE, udp(host, SERVER));
    assert_eq!(seen.source(), at("[2001:db8:1::c]:4000"));
    assert_eq!(seen.destination(), at(SERVER6));
    let answer = bench.through(Side::OUTSIDE, udp(SERVER6, "[2001:db8:1::c]:4000"));
    assert_eq!((answer.source(), answer.destination()), (at(SERVER), at(host)));
    let other = udp("192.0.0.3:1", SERVER);
    assert_eq!(bench.refusal(Side::INSIDE, other), DropReason::NatUntranslatable);
    let native = udp("[2001:db8:9::1]:1", "[2001:db8:1::c]:4000");
    assert_eq!(bench.refusal(Side::OUTSIDE, native), DropReason::NatUntranslatable);
    assert_eq!(bench.refusal(Side::INSIDE, udp(host, "192.0.0.1:53")), DropReason::NotForUs);
}

#[test]
fn a_clat_with_a_prefix_serves_a_whole_lan() {
    let source = ClatSource::Prefix("2001:db8:c::/96".parse().unwrap());
    let mut bench = customer(ClatConfig { source, ..ClatConfig::default() });
    for host in ["192.168.1.10:1", "192.168.1.11:1"] {
        let seen = bench.through(Side::INSIDE, udp(host, SERVER));
        let back = udp(SERVER6, &seen.source().to_string());
        assert_eq!(bench.through(Side::OUTSIDE, back).destination(), at(host));
    }
}

#[test]
fn a_clat_translates_errors_both_ways() {
    let mut bench = customer(ClatConfig::default());
    let seen = bench.through(Side::INSIDE, udp("192.0.0.2:4000", SERVER));
    // A router of the IPv6 network, whose address cannot be translated.
    let report = error("2001:db8:7::7", IcmpError::TooBig { mtu: 1_400 }, &seen);
    let report = bench.through(Side::OUTSIDE, report);
    assert_eq!(report.source_ip, at("192.0.0.1:0").ip());
    assert_eq!(kind(&report), Some(IcmpError::TooBig { mtu: 1_380 }));
    assert_eq!(quote(&report), ("192.0.0.2:4000".to_owned(), SERVER.to_owned()));
    // The host complains about an answer.
    let answer = bench.through(Side::OUTSIDE, udp(SERVER6, "[2001:db8:1::c]:4000"));
    let closed =
        bench.through(Side::INSIDE, error("192.0.0.2", IcmpError::PortUnreachable, &answer));
    assert_eq!(closed.destination(), at("[64:ff9b::11.0.0.3]:0"));
    assert_eq!(quote(&closed), (at(SERVER6).to_string(), "[2001:db8:1::c]:4000".to_owned()));
}

#[test]
fn a_clat_knows_that_ipv6_headers_are_longer() {
    let mut bench = customer(ClatConfig::default());
    let mut packet = Packet::udp(at("192.0.0.2:1"), at(SERVER), vec![0; 1_453]);
    packet.dont_fragment = true;
    assert_eq!(bench.refusal(Side::INSIDE, packet.clone()), DropReason::TooBig);
    let report = bench.said().remove(0).1;
    assert_eq!(kind(&report), Some(IcmpError::TooBig { mtu: 1_480 }));
    assert_eq!(quote(&report), ("192.0.0.2:1".to_owned(), SERVER.to_owned()));
    packet.dont_fragment = false;
    assert!(bench.passes(Side::INSIDE, packet), "the network fragments it");
}

#[test]
fn configurations_survive_a_file() {
    let config = Config::address_dependent();
    let text = toml::to_string(&config).unwrap();
    assert_eq!(toml::from_str::<Config>(&text).unwrap(), config, "{text}");
    assert_eq!(config.nat.filtering, Filtering::AddressDependent);
    let clat: ClatConfig = toml::from_str("source = { prefix = '2001:db8:c::/96' }").unwrap();
    let again = toml::to_string(&clat).unwrap();
    assert_eq!(toml::from_str::<ClatConfig>(&again).unwrap(), clat);
    for wrong in ["prefix = '64:ff9b::/95'", "prefixx = '64:ff9b::/96'"] {
        assert!(toml::from_str::<Config>(wrong).is_err(), "{wrong}");
    }
}
