//! Mapping, filtering, port assignment, hairpinning, refresh and timers of the NAT: RFC 4787 §4-§8.

use std::time::Duration;

use rstest::rstest;
use simnet::{
    DropReason, NatEvent, Packet, Side,
    nat::{
        Collision, Config, Deviation, Filtering, Hairpin, Ipv6, Limits, Mapping, OverTime, Pooling,
        PortAssignment, Ports, Refresh, Timers, Trigger, Unsolicited,
    },
};

use crate::bench::{Bench, EXTERNAL, Fate, at};

const ALICE: &str = "10.0.0.2:5000";
const BOB: &str = "10.0.0.3:5000";
/// A server's address and port, another port of it, and another server.
const SERVER: &str = "12.0.0.9:3478";
const OTHER_PORT: &str = "12.0.0.9:3479";
const OTHER_IP: &str = "12.0.1.9:3478";

fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

/// RFC 4787 §4.1, REQ-1, and the other behaviours it names.
#[rstest]
#[case::endpoint_independent(Mapping::EndpointIndependent, true, true)]
#[case::address_dependent(Mapping::AddressDependent, true, false)]
#[case::address_and_port_dependent(Mapping::AddressAndPortDependent, false, false)]
#[case::linux(Mapping::EndpointIndependentIfPossible, true, true)]
fn reuses_a_mapping_as_configured(
    #[case] mapping: Mapping,
    #[case] for_port: bool,
    #[case] for_address: bool,
) {
    let mut bench = Bench::new(Config { mapping, ..Config::rfc4787_ideal() });
    let first = bench.send(ALICE, SERVER);
    assert_eq!(bench.send(ALICE, SERVER), first);
    assert_eq!(bench.send(ALICE, OTHER_PORT) == first, for_port);
    assert_eq!(bench.send(ALICE, OTHER_IP) == first, for_address);
}

/// RFC 4787 §5, REQ-8.
#[rstest]
#[case::endpoint_independent(Filtering::EndpointIndependent, true, true)]
#[case::address_dependent(Filtering::AddressDependent, true, false)]
#[case::address_and_port_dependent(Filtering::AddressAndPortDependent, false, false)]
fn filters_as_configured_whatever_the_mapping(
    #[case] filtering: Filtering,
    #[case] other_port: bool,
    #[case] other_ip: bool,
    #[values(
        Mapping::EndpointIndependent,
        Mapping::AddressDependent,
        Mapping::AddressAndPortDependent,
        Mapping::EndpointIndependentIfPossible
    )]
    mapping: Mapping,
) {
    let mut bench = Bench::new(Config { mapping, filtering, ..Config::rfc4787_ideal() });
    let external = bench.send(ALICE, SERVER);
    assert_eq!(bench.arrive(SERVER, external), Ok(at(ALICE)));
    assert_eq!(bench.arrive(OTHER_PORT, external).is_ok(), other_port);
    assert_eq!(bench.arrive(OTHER_IP, external).is_ok(), other_ip);
    let elsewhere = format!("{EXTERNAL}:{}", external.port() ^ 1);
    assert_eq!(bench.arrive(SERVER, at(&elsewhere)), Err(DropReason::NatNoMapping));
}

#[test]
fn a_drop_says_why_and_cites_the_section() {
    let mut bench = Bench::new(Config::port_restricted_cone());
    let external = bench.send(ALICE, SERVER);
    let fate = bench.put(Side::OUTSIDE, Packet::udp(at(OTHER_IP), external, &b""[..]));
    let note = "address-and-port-dependent filtering, 11.0.0.1:5000 never sent to 12.0.1.9:3478: \
                RFC 4787 §5";
    assert_eq!(fate, Fate::Dropped(DropReason::NatFiltered, note.to_owned()));
}

/// RFC 4787 §4.2.1, REQ-3: no port is overloaded.
#[test]
fn preserves_a_port_and_falls_back_to_random() {
    let mut bench = Bench::new(Config::port_restricted_cone());
    assert_eq!(bench.send(ALICE, SERVER).port(), 5_000);
    let bob = bench.send(BOB, SERVER);
    assert_ne!(bob.port(), 5_000);
    assert_eq!(bench.send(BOB, OTHER_IP), bob);
    let clash = NatEvent::Clash { internal: at(BOB), wanted: at("11.0.0.1:5000") };
    assert!(bench.events.contains(&clash));
}

#[rstest]
#[case::by_one(1, [1_024, 1_025, 1_026])]
#[case::by_two(2, [1_024, 1_026, 1_028])]
#[case::by_nothing_counts_as_one(0, [1_024, 1_025, 1_026])]
fn assigns_in_steps(#[case] step: u16, #[case] expected: [u16; 3]) {
    let mut bench = Bench::new(Config::symmetric_sequential(step));
    let got = [SERVER, OTHER_PORT, OTHER_IP].map(|remote| bench.send(ALICE, remote).port());
    assert_eq!(got, expected);
}

#[rstest]
#[case::low(300, 1..=511)]
#[case::middle(700, 512..=1_023)]
#[case::high(7_000, 1_024..=65_535)]
fn keeps_the_class_of_a_port_that_is_taken(
    #[case] port: u16,
    #[case] class: std::ops::RangeInclusive<u16>,
) {
    let ports = Ports::new(PortAssignment::PreserveInClass);
    let mut bench = Bench::new(Config { ports, ..Config::rfc4787_ideal() });
    assert_eq!(bench.send(&format!("10.0.0.2:{port}"), SERVER).port(), port);
    let second = bench.send(&format!("10.0.0.3:{port}"), SERVER).port();
    assert!(second != port && class.contains(&second), "{second}");
}

/// RFC 4787 §4.2.1, REQ-3a, and RFC 4787 §4.2.2, REQ-4.
#[test]
fn the_ideal_keeps_range_and_parity() {
    let mut bench = Bench::new(Config::rfc4787_ideal());
    for port in [700, 701, 5_000, 5_001, 50_000, 65_535] {
        for host in 2..12 {
            let got = bench.send(&format!("10.0.0.{host}:{port}"), SERVER).port();
            assert_eq!(got % 2, port % 2, "{port} > {got}");
            assert_eq!(got < 1_024, port < 1_024, "{port} > {got}");
        }
    }
}

#[rstest]
#[case::even_first(["10.0.0.2:6000", "10.0.0.2:6001"])]
#[case::odd_first(["10.0.0.2:6001", "10.0.0.2:6000"])]
fn keeps_neighbours_together(#[case] order: [&str; 2]) {
    let ports =
        Ports { keep_parity: true, keep_contiguity: true, ..Ports::new(PortAssignment::Random) };
    let mut bench = Bench::new(Config { ports, ..Config::rfc4787_ideal() });
    for host in 3..40 {
        bench.send(&format!("10.0.0.{host}:6000"), SERVER);
    }
    let mut ports = order.map(|internal| bench.send(internal, SERVER).port());
    ports.sort_unstable();
    assert_eq!(ports[1], ports[0] + 1);
    assert_eq!(ports[0] % 2, 0);
}

#[test]
fn stays_in_the_range_it_was_given() {
    let ports = Ports {
        range: 49_152..=49_161,
        preserve_outside_range: false,
        ..Ports::new(PortAssignment::Preserve)
    };
    let mut bench = Bench::new(Config { ports, ..Config::rfc4787_ideal() });
    for host in 2..12 {
        let got = bench.send(&format!("10.0.0.{host}:5000"), SERVER).port();
        assert!((49_152..=49_161).contains(&got), "{got}");
    }
    let packet = Packet::udp(at("10.0.0.99:5000"), at(SERVER), &b""[..]);
    let fate = bench.put(Side::INSIDE, packet);
    assert!(matches!(fate, Fate::Dropped(DropReason::NatNoPort, _)), "{fate:?}");
    // RFC 5508 §6: the sender is told.
    assert!(bench.sent.iter().any(|(side, packet)| {
        *side == Side::INSIDE && packet.to_string().contains("administratively prohibited")
    }));
}

#[test]
fn overloading_gives_the_answers_to_the_last_who_sent() {
    let ports = Ports { on_collision: Collision::Overload, ..Ports::new(PortAssignment::Preserve) };
    let mut bench = Bench::new(Config { ports, ..Config::symmetric() });
    let external = bench.send(ALICE, SERVER);
    assert_eq!(bench.send(BOB, SERVER), external);
    assert_eq!(bench.arrive(SERVER, external), Ok(at(BOB)));
    bench.send(ALICE, SERVER);
    assert_eq!(bench.arrive(SERVER, external), Ok(at(ALICE)));
}

#[test]
fn overriding_takes_the_port_from_whoever_had_it() {
    let ports = Ports { on_collision: Collision::Override, ..Ports::new(PortAssignment::Preserve) };
    let mut bench = Bench::new(Config { ports, ..Config::full_cone() });
    let external = bench.send(ALICE, SERVER);
    assert_eq!(bench.send(BOB, OTHER_IP), external);
    assert_eq!(bench.arrive(SERVER, external), Ok(at(BOB)));
    let expired =
        NatEvent::Expired { protocol: simnet::Protocol::Udp, internal: at(ALICE), external };
    assert!(bench.events.contains(&expired));
    assert_eq!(bench.send(ALICE, SERVER), external);
    assert_eq!(bench.arrive(SERVER, external), Ok(at(ALICE)));
}

#[test]
fn shares_ports_between_destinations_where_allowed() {
    let ports = Ports {
        overlap_by_destination: true,
        range: 2_000..=2_000,
        ..Ports::new(PortAssignment::Random)
    };
    let mut bench = Bench::new(Config { ports, ..Config::symmetric() });
    let external = bench.send(ALICE, SERVER);
    assert_eq!(bench.send(BOB, OTHER_IP), external);
    assert_eq!(bench.arrive(SERVER, external), Ok(at(ALICE)));
    assert_eq!(bench.arrive(OTHER_IP, external), Ok(at(BOB)));
    let fate = bench.put(Side::INSIDE, Packet::udp(at(BOB), at(SERVER), &b""[..]));
    assert!(matches!(fate, Fate::Dropped(DropReason::NatNoPort, _)));
}

/// RFC 4787 §4.1, REQ-2.
#[test]
fn paired_pooling_keeps_one_address_for_a_host() {
    let pool = ["11.0.0.1", "11.0.0.2", "11.0.0.3"];
    let mut bench = Bench::with_pool(Config::rfc4787_ideal(), &pool);
    for host in 2..8 {
        let ips: Vec<_> = (5_000..5_008)
            .map(|port| bench.send(&format!("10.0.0.{host}:{port}"), SERVER).ip())
            .collect();
        assert!(ips.iter().all(|ip| *ip == ips[0]), "{ips:?}");
    }
    let used: std::collections::BTreeSet<_> =
        bench.nat.mappings().iter().map(|mapping| mapping.external.ip()).collect();
    assert_eq!(used.len(), 3);
}

#[test]
fn arbitrary_pooling_scatters_a_host_and_resolves_conflicts_by_address() {
    let pool = ["11.0.0.1", "11.0.0.2", "11.0.0.3"];
    let config = Config { pooling: Pooling::Arbitrary, ..Config::full_cone() };
    let mut bench = Bench::with_pool(config, &pool);
    let used: std::collections::BTreeSet<_> =
        (5_000..5_032).map(|port| bench.send(&format!("10.0.0.2:{port}"), SERVER).ip()).collect();
    assert_eq!(used.len(), 3);
    // Three hosts keep their port by getting an address each; the fourth cannot.
    let ports: Vec<_> =
        (3..7).map(|host| bench.send(&format!("10.0.0.{host}:7000"), SERVER).port()).collect();
    assert_eq!(ports[..3], [7_000; 3]);
    assert_ne!(ports[3], 7_000);
}

/// RFC 4787 §6, REQ-9.
#[rstest]
#[case::external(Hairpin::ExternalSource, true)]
#[case::internal(Hairpin::InternalSource, false)]
fn turns_packets_around(
    #[case] hairpin: Hairpin,
    #[case] shows_external: bool,
    #[values(
        Filtering::EndpointIndependent,
        Filtering::AddressDependent,
        Filtering::AddressAndPortDependent
    )]
    filtering: Filtering,
) {
    let mut bench = Bench::new(Config { hairpin, filtering, ..Config::rfc4787_ideal() });
    let alice = bench.send(ALICE, SERVER);
    let bob = bench.send(BOB, SERVER);
    let shown = if shows_external { alice } else { at(ALICE) };
    assert_eq!(bench.turn(ALICE, bob), Ok((shown, at(BOB))));
    let count =
        bench.events.iter().filter(|event| matches!(event, NatEvent::Hairpinned { .. })).count();
    assert_eq!(count, 1);
}

#[test]
fn a_filtered_hairpin_wants_permission_first() {
    let config = Config {
        filtering: Filtering::AddressAndPortDependent,
        filter_hairpin: true,
        ..Config::rfc4787_ideal()
    };
    let mut bench = Bench::new(config);
    let (alice, bob) = (bench.send(ALICE, SERVER), bench.send(BOB, SERVER));
    assert_eq!(bench.turn(ALICE, bob), Err(DropReason::NatFiltered));
    assert_eq!(bench.turn(BOB, alice), Ok((bob, at(ALICE))));
    assert_eq!(bench.turn(ALICE, bob), Ok((alice, at(BOB))));
}

#[test]
fn without_hairpinning_packets_to_external_addresses_end() {
    let mut bench = Bench::new(Config::full_cone());
    let bob = bench.send(BOB, SERVER);
    assert_eq!(bench.turn(ALICE, bob), Err(DropReason::NatNoHairpin));
    assert_eq!(bench.nat.mappings().len(), 1);
}

/// RFC 4787 §4.3, REQ-6.
#[rstest]
#[case::outbound_only(Refresh { outbound: true, inbound: false }, true, false)]
#[case::inbound_only(Refresh { outbound: false, inbound: true }, false, true)]
#[case::both(Refresh { outbound: true, inbound: true }, true, true)]
#[case::none(Refresh { outbound: false, inbound: false }, false, false)]
fn refreshes_as_configured(
    #[case] refresh: Refresh,
    #[case] by_sending: bool,
    #[case] by_receiving: bool,
) {
    let config = || Config { refresh, ..Config::rfc4787_ideal() };
    let mut sending = Bench::new(config());
    let external = sending.send(ALICE, SERVER);
    sending.wait(seconds(200));
    sending.send(ALICE, SERVER);
    sending.wait(seconds(200));
    assert_eq!(sending.is_open(SERVER, external), by_sending);

    let mut receiving = Bench::new(config());
    let external = receiving.send(ALICE, SERVER);
    receiving.wait(seconds(200));
    assert!(receiving.is_open(SERVER, external));
    receiving.wait(seconds(200));
    assert_eq!(receiving.is_open(SERVER, external), by_receiving);
}

/// RFC 7857 §7.
#[test]
fn filtered_packets_refresh_nothing() {
    let refresh = Refresh { outbound: true, inbound: true };
    let mut bench = Bench::new(Config { refresh, ..Config::rfc4787_strict() });
    let external = bench.send(ALICE, SERVER);
    bench.wait(seconds(200));
    assert!(!bench.is_open(OTHER_IP, external));
    bench.wait(seconds(100));
    assert!(!bench.is_open(SERVER, external));
}

/// RFC 4787 §4.3, REQ-5: five minutes, to the nanosecond.
#[test]
fn a_mapping_ends_at_the_instant_its_time_is_up() {
    for (wait, open) in [(Duration::from_nanos(299_999_999_999), true), (seconds(300), false)] {
        let mut bench = Bench::new(Config::rfc4787_ideal());
        let external = bench.send(ALICE, SERVER);
        // Nobody calls `handle_timeout`: the end does not depend on it.
        bench.now += wait;
        assert_eq!(bench.is_open(SERVER, external), open);
    }
}

#[test]
fn a_permission_ends_before_the_mapping_that_others_keep_alive() {
    let mut bench = Bench::new(Config::rfc4787_strict());
    let external = bench.send(ALICE, SERVER);
    bench.wait(seconds(200));
    assert_eq!(bench.send(ALICE, OTHER_IP), external);
    bench.wait(seconds(150));
    assert_eq!(bench.arrive(SERVER, external), Err(DropReason::NatFiltered));
    assert_eq!(bench.arrive(OTHER_IP, external), Ok(at(ALICE)));
}

/// RFC 4787 §4.3, REQ-5a.
#[test]
fn well_known_destinations_may_have_their_own_timer() {
    let timers = Timers { well_known: vec![(53, seconds(10))], ..Timers::udp(seconds(300)) };
    let mut bench = Bench::new(Config { timers, ..Config::rfc4787_ideal() });
    let dns = bench.send("10.0.0.2:6000", "12.0.0.9:53");
    let other = bench.send(ALICE, SERVER);
    bench.wait(seconds(11));
    assert!(!bench.is_open("12.0.0.9:53", dns));
    assert!(bench.is_open(SERVER, other));
}

#[test]
fn a_shorter_timer_does_not_cut_a_shared_mapping_short() {
    let timers = Timers { well_known: vec![(53, seconds(10))], ..Timers::udp(seconds(300)) };
    let mut bench = Bench::new(Config { timers, ..Config::rfc4787_ideal() });
    let external = bench.send(ALICE, SERVER);
    assert_eq!(bench.send(ALICE, "12.0.0.9:53"), external);
    bench.wait(seconds(20));
    assert!(bench.is_open(SERVER, external));
}

/// The measured life of a Linux session: 30 s, 30 s after one answer, 120 s once it goes on.
#[test]
fn linux_lets_conversations_live_longer() {
    let mut bench = Bench::new(Config::linux_masquerade());
    let external = bench.send(ALICE, SERVER);
    assert!(bench.is_open(SERVER, external));
    bench.wait(seconds(31));
    assert!(!bench.is_open(SERVER, external));

    let external = bench.send(ALICE, SERVER);
    assert!(bench.is_open(SERVER, external));
    bench.wait(seconds(3));
    bench.send(ALICE, SERVER);
    bench.wait(seconds(119));
    assert!(bench.is_open(SERVER, external));
    bench.wait(seconds(121));
    assert!(!bench.is_open(SERVER, external));
}

#[test]
fn linux_gives_the_second_host_another_port_and_keeps_to_it() {
    let mut bench = Bench::new(Config::linux_masquerade());
    assert_eq!(bench.send(ALICE, SERVER).port(), 5_000);
    let bob = bench.send(BOB, SERVER);
    assert_ne!(bob.port(), 5_000);
    assert_eq!(bench.send(BOB, OTHER_IP), bob);
    assert_eq!(bench.send(BOB, OTHER_PORT), bob);
}

#[test]
fn linux_shares_a_port_between_hosts_whose_peers_differ() {
    let mut bench = Bench::new(Config::linux_masquerade());
    let external = bench.send(ALICE, SERVER);
    assert_eq!(bench.send(BOB, OTHER_IP), external);
    assert_eq!(bench.arrive(SERVER, external), Ok(at(ALICE)));
    assert_eq!(bench.arrive(OTHER_IP, external), Ok(at(BOB)));
}

#[rstest]
#[case::input_dropped(Unsolicited::Drop, true, 0)]
#[case::input_rejected(Unsolicited::Reject, true, 1)]
#[case::bare(Unsolicited::RejectAndRemember, false, 1)]
fn who_speaks_first_decides_about_the_port(
    #[case] unsolicited: Unsolicited,
    #[case] preserved: bool,
    #[case] reports: usize,
) {
    let mut bench = Bench::new(Config { unsolicited, ..Config::linux_masquerade() });
    let wanted = at("11.0.0.1:5000");
    assert!(!bench.is_open(SERVER, wanted));
    assert_eq!(bench.sent.len(), reports);
    let got = bench.send(ALICE, SERVER);
    assert_eq!(got == wanted, preserved);
    // Whoever is spoken to at the port it really has, is reached.
    assert_eq!(bench.arrive(SERVER, got), Ok(at(ALICE)));
    assert_eq!(bench.is_open(SERVER, wanted), preserved);
}

#[test]
fn a_remembered_peer_is_forgotten_in_time() {
    let mut bench = Bench::new(Config::linux_masquerade_bare());
    assert_eq!(bench.arrive(SERVER, at("11.0.0.1:5000")), Err(DropReason::NatNoMapping));
    assert_eq!(bench.arrive(SERVER, at("11.0.0.1:5000")), Err(DropReason::NotForUs));
    bench.wait(seconds(31));
    assert_eq!(bench.send(ALICE, SERVER).port(), 5_000);
}

#[test]
fn one_to_one_addresses_keep_all_ports_and_let_all_in() {
    let mut bench = Bench::new(Config::rfc4787_ideal());
    let pairs = vec![("10.0.0.2".parse().unwrap(), "11.0.0.77".parse().unwrap())];
    let nat = std::mem::replace(&mut bench.nat, simnet::nat::Nat::new(Config::full_cone()));
    bench.nat = nat.with_one_to_one(pairs);
    assert_eq!(bench.arrive(SERVER, at("11.0.0.77:99")), Ok(at("10.0.0.2:99")));
    assert_eq!(bench.send(ALICE, SERVER), at("11.0.0.77:5000"));
    assert_eq!(bench.send(BOB, SERVER).ip(), at("11.0.0.1:1").ip());
    assert_eq!(bench.turn(BOB, at("11.0.0.77:5000")).unwrap().1, at(ALICE));
}

/// RFC 4787 §4.4, REQ-7.
#[test]
fn numbers_that_are_the_same_on_both_sides_do_not_mix() {
    // The internal host has the number of the external address, and the server that of the other host.
    let mut bench = Bench::new(Config::rfc4787_ideal());
    let twin = "11.0.0.1:5000";
    let external = bench.send(twin, "10.0.0.3:3478");
    assert_eq!(bench.arrive("10.0.0.3:3478", external), Ok(at(twin)));
    assert_eq!(bench.send(BOB, "10.0.0.2:3478").ip(), external.ip());
}

/// RFC 4787 §8, REQ-11, broken in three ways.
#[rstest]
#[case::second_conflict(Trigger::Conflicts(2))]
#[case::fourth_mapping(Trigger::Mappings(4))]
#[case::after_a_minute(Trigger::At(base::Instant::from_nanos(60_000_000_000)))]
fn a_nondeterministic_nat_changes_its_ways(#[case] trigger: Trigger) {
    let deviation = Deviation {
        trigger,
        mapping: Mapping::AddressAndPortDependent,
        filtering: Filtering::AddressAndPortDependent,
        assignment: PortAssignment::Random,
    };
    let mut bench = Bench::new(Config {
        over_time: OverTime { deviation: Some(deviation), ..OverTime::default() },
        ..Config::full_cone()
    });
    let first = bench.send("10.0.0.9:5000", SERVER);
    assert_eq!(bench.send("10.0.0.9:5000", OTHER_IP), first);
    for host in 2..5 {
        bench.send(&format!("10.0.0.{host}:5000"), SERVER);
    }
    bench.wait(seconds(29));
    bench.send("10.0.0.9:5000", SERVER);
    bench.wait(seconds(29));
    bench.send("10.0.0.9:5000", SERVER);
    bench.wait(seconds(3));
    let last = bench.send("10.0.0.8:8000", SERVER);
    assert_ne!(bench.send("10.0.0.8:8000", OTHER_IP), last);
    assert_eq!(bench.arrive(OTHER_PORT, last), Err(DropReason::NatFiltered));
    assert!(bench.events.contains(&NatEvent::Deviated));
}

#[rstest]
#[case::in_all(Limits { mappings: 3, ..Limits::default() }, "10.0.0.3:1")]
#[case::of_a_host(Limits { mappings_per_host: 3, ..Limits::default() }, "10.0.0.2:1")]
#[case::sessions(Limits { sessions: 3, ..Limits::default() }, "10.0.0.3:1")]
fn limits_have_a_named_drop(#[case] limits: Limits, #[case] one_more: &str) {
    let mut bench = Bench::new(Config { limits, ..Config::rfc4787_ideal() });
    for port in [5_000, 5_001, 5_002] {
        bench.send(&format!("10.0.0.2:{port}"), SERVER);
    }
    let fate = bench.put(Side::INSIDE, Packet::udp(at(one_more), at(SERVER), &b""[..]));
    assert!(matches!(fate, Fate::Dropped(DropReason::NatLimit, _)), "{fate:?}");
    bench.wait(seconds(301));
    bench.send(one_more, SERVER);
}

#[test]
fn a_reboot_loses_everything() {
    let mut bench = Bench::new(Config::rfc4787_ideal());
    let external = bench.send(ALICE, SERVER);
    bench.nat.reboot();
    assert_eq!(bench.arrive(SERVER, external), Err(DropReason::NatNoMapping));
    assert!(bench.events.contains(&NatEvent::Rebooted));
    assert_eq!(bench.send(ALICE, SERVER).ip(), external.ip());
}

#[rstest]
#[case::endpoint_independent(Filtering::EndpointIndependent, true)]
#[case::address_dependent(Filtering::AddressDependent, false)]
fn ipv6_is_not_translated_but_filtered(#[case] filtering: Filtering, #[case] open: bool) {
    let mut bench = Bench::new(Config { filtering, ..Config::rfc4787_ideal() });
    let (host, server) = ("[fd00::2]:5000", "[2001:db8:9::9]:3478");
    assert_eq!(bench.arrive(server, at(host)), Err(DropReason::NatNoMapping));
    assert_eq!(bench.send(host, server), at(host));
    assert_eq!(bench.arrive(server, at(host)), Ok(at(host)));
    assert_eq!(bench.is_open("[2001:db8:9::8]:1", at(host)), open);
}

#[test]
fn ipv6_can_be_routed_or_blocked() {
    let mut routed = Bench::new(Config { ipv6: Ipv6::Route, ..Config::symmetric() });
    let (host, server) = ("[fd00::2]:5000", "[2001:db8:9::9]:3478");
    assert_eq!(routed.arrive(server, at(host)), Ok(at(host)));
    assert_eq!(routed.send(host, server), at(host));
    let mut blocked = Bench::new(Config { ipv6: Ipv6::Drop, ..Config::symmetric() });
    let fate = blocked.put(Side::INSIDE, Packet::udp(at(host), at(server), &b""[..]));
    assert!(matches!(fate, Fate::Dropped(DropReason::NatUntranslatable, _)));
}

#[test]
fn ipv6_prefixes_can_be_translated() {
    let ipv6 = Ipv6::TranslatePrefix {
        internal: "fd00::".parse().unwrap(),
        external: "2001:db8:1::".parse().unwrap(),
        length: 48,
    };
    let mut bench = Bench::new(Config { ipv6, ..Config::rfc4787_ideal() });
    let server = "[2001:db8:9::9]:3478";
    let external = bench.send("[fd00::2]:5000", server);
    assert!(external.to_string().starts_with("[2001:db8:1:"), "{external}");
    assert_eq!(external.port(), 5_000);
    assert_eq!(bench.arrive(server, external), Ok(at("[fd00::2]:5000")));
    bench.send("[fd00::3]:5000", server);
    assert_eq!(bench.turn("[fd00::3]:5000", external).unwrap().1, at("[fd00::2]:5000"));
}

#[test]
fn groups_and_link_local_destinations_stay_on_their_side() {
    let mut bench = Bench::new(Config::rfc4787_ideal());
    for group in ["224.0.0.251:5353", "255.255.255.255:67", "169.254.1.1:9"] {
        let fate = bench.put(Side::INSIDE, Packet::udp(at(ALICE), at(group), &b""[..]));
        assert_eq!(fate, Fate::Dropped(DropReason::NotForwarded, String::new()));
    }
    assert!(bench.nat.mappings().is_empty());
}
