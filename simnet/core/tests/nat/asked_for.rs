//! Mappings that are asked for by name, and limits: RFC 6887 §11, RFC 6888 §3.

use std::{net::SocketAddr, time::Duration};

use rstest::rstest;
use simnet::{
    DropReason, IcmpError, NatEvent, Packet, Protocol, Side, Tcp, TcpFlags,
    nat::{
        Config, Exempt, Exhaustion, Explicit, ExplicitError, ExplicitRequest, Fixed, Forward,
        Forwarded, Limits, Timers,
    },
};

use crate::bench::{Bench, Fate, at};

const ALICE: &str = "10.0.0.2:5000";
const BOB: &str = "10.0.0.3:5000";
const SERVER: &str = "12.0.0.9:3478";
const STRANGER: &str = "12.0.1.9:9";

fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

fn request(internal: &str, external: Option<&str>, lifetime: u64) -> ExplicitRequest {
    ExplicitRequest {
        protocol: Protocol::Udp,
        internal: at(internal),
        external: external.map(at),
        exact: false,
        lifetime: seconds(lifetime),
    }
}

fn ask(bench: &mut Bench, request: ExplicitRequest) -> Result<Explicit, ExplicitError> {
    bench.tell(|nat, out| nat.map_explicit(&request, out))
}

/// The mapping serves every direction, on a NAT that would do none of it by itself.
#[test]
fn an_explicit_mapping_lets_everybody_in_and_fixes_the_source_port() {
    let mut bench = Bench::new(Config::symmetric());
    let external = ask(&mut bench, request(ALICE, Some("0.0.0.0:7777"), 600)).unwrap().external;
    assert_eq!(external, at("11.0.0.1:7777"));
    assert_eq!(bench.arrive(STRANGER, external), Ok(at(ALICE)));
    assert_eq!(bench.send(ALICE, SERVER), external);
    assert_eq!(bench.send(ALICE, STRANGER), external);
    let remote = at("0.0.0.0:0");
    let mapped =
        NatEvent::Mapped { protocol: Protocol::Udp, internal: at(ALICE), external, remote };
    assert!(bench.events.contains(&mapped));
}

#[test]
fn an_explicit_mapping_lives_as_long_as_promised() {
    let mut bench = Bench::new(Config::symmetric());
    let external = ask(&mut bench, request(ALICE, None, 600)).unwrap().external;
    bench.wait(seconds(500));
    assert_eq!(ask(&mut bench, request(ALICE, None, 600)).unwrap().external, external);
    bench.wait(seconds(599));
    assert_eq!(bench.arrive(STRANGER, external), Ok(at(ALICE)));
    bench.wait(seconds(1));
    assert_eq!(bench.arrive(STRANGER, external), Err(DropReason::NatNoMapping));
}

#[test]
fn an_explicit_mapping_ends_at_once_when_told_to() {
    let mut bench = Bench::new(Config::symmetric());
    let external = ask(&mut bench, request(ALICE, None, 600)).unwrap().external;
    bench.send(ALICE, SERVER);
    assert_eq!(bench.nat.explicit(Protocol::Udp, at(ALICE)).unwrap().external, external);
    ask(&mut bench, request(ALICE, None, 0)).unwrap();
    assert_eq!(bench.nat.explicit(Protocol::Udp, at(ALICE)), None);
    assert_eq!(bench.arrive(SERVER, external), Err(DropReason::NatNoMapping));
}

#[test]
fn an_implicit_mapping_becomes_explicit_in_its_place() {
    let mut bench = Bench::new(Config::rfc4787_strict());
    let external = bench.send(ALICE, SERVER);
    assert_eq!(bench.arrive(STRANGER, external), Err(DropReason::NatFiltered));
    assert_eq!(ask(&mut bench, request(ALICE, None, 600)).unwrap().external, external);
    bench.wait(seconds(599));
    assert_eq!(bench.arrive(STRANGER, external), Ok(at(ALICE)));
}

#[rstest]
#[case::taken(Some("11.0.0.1:7777"), true, Err(ExplicitError::CannotProvide))]
#[case::not_ours(Some("11.9.9.9:7"), true, Err(ExplicitError::CannotProvide))]
#[case::taken_but_content(Some("11.0.0.1:7777"), false, Ok(()))]
fn what_cannot_be_had(
    #[case] external: Option<&str>,
    #[case] exact: bool,
    #[case] expected: Result<(), ExplicitError>,
) {
    let mut bench = Bench::new(Config::rfc4787_ideal());
    let first = ask(&mut bench, request(BOB, Some("11.0.0.1:7777"), 600)).unwrap();
    let wish = ExplicitRequest { exact, ..request(ALICE, external, 600) };
    let got = ask(&mut bench, wish);
    assert_ne!(got.map(|got| got.external), Ok(first.external));
    assert_eq!(got.map(|_| ()), expected);
}

#[test]
fn explicit_mappings_count_towards_the_limit() {
    let limits = Limits { ports_per_host: Some(2), ..Limits::default() };
    let mut bench = Bench::new(Config { limits, ..Config::rfc4787_ideal() });
    for port in [1, 2] {
        ask(&mut bench, request(&format!("10.0.0.2:{port}"), None, 600)).unwrap();
    }
    assert_eq!(ask(&mut bench, request(ALICE, None, 600)), Err(ExplicitError::Quota));
}

#[test]
fn a_reboot_loses_explicit_mappings_and_keeps_static_ones() {
    let mut bench = Bench::new(forwarding());
    let external = ask(&mut bench, request(ALICE, None, 600)).unwrap().external;
    bench.nat.reboot();
    assert_eq!(bench.arrive(STRANGER, external), Err(DropReason::NatNoMapping));
    assert_eq!(bench.arrive(STRANGER, at("11.0.0.1:8000")), Ok(at("10.0.0.7:80")));
    let failed = ExplicitRequest { internal: at("10.0.0.7:80"), ..request(BOB, None, 0) };
    assert_eq!(ask(&mut bench, failed), Err(ExplicitError::Static));
}

fn forwarding() -> Config {
    let forward = Forward {
        protocol: Forwarded::Both,
        external_port: 8_000,
        external_address: None,
        internal: at("10.0.0.7:80"),
    };
    let fixed = Fixed { forwards: vec![forward], ..Fixed::default() };
    Config { fixed, ..Config::symmetric() }
}

#[test]
fn a_forwarded_port_leads_in_and_is_where_answers_come_from() {
    let mut bench = Bench::new(forwarding());
    bench.wait(seconds(100_000));
    assert_eq!(bench.arrive(STRANGER, at("11.0.0.1:8000")), Ok(at("10.0.0.7:80")));
    assert_eq!(bench.send("10.0.0.7:80", STRANGER), at("11.0.0.1:8000"));
    let syn = Packet::tcp(at(STRANGER), at("11.0.0.1:8000"), Tcp::new(TcpFlags::SYN));
    assert!(matches!(bench.put(Side::OUTSIDE, syn), Fate::Forwarded(Side::INSIDE, _)));
    let flags = TcpFlags::SYN | TcpFlags::ACK;
    let answer = Packet::tcp(at("10.0.0.7:80"), at(STRANGER), Tcp::new(flags));
    let fate = bench.put(Side::INSIDE, answer);
    let Fate::Forwarded(Side::OUTSIDE, packet) = fate else { panic!("{fate:?}") };
    assert_eq!(packet.source(), at("11.0.0.1:8000"));
}

#[test]
fn one_host_gets_what_nobody_else_does() {
    let fixed = Fixed { dmz_host: Some("10.0.0.9".parse().unwrap()), ..Fixed::default() };
    let mut bench = Bench::new(Config { fixed, ..Config::symmetric() });
    let alice = bench.send(ALICE, SERVER);
    assert_eq!(bench.arrive(SERVER, alice), Ok(at(ALICE)));
    assert_eq!(bench.arrive(STRANGER, at("11.0.0.1:53")), Ok(at("10.0.0.9:53")));
    assert_eq!(bench.arrive(SERVER, at("11.0.0.1:53")), Ok(at("10.0.0.9:53")));
    assert_eq!(bench.send("10.0.0.9:53", STRANGER), at("11.0.0.1:53"));
    assert_eq!(bench.send("10.0.0.9:53", SERVER), at("11.0.0.1:53"));
}

/// RFC 6888 §3, REQ-6.
#[rstest]
#[case::exempt("12.0.5.9:53", true)]
#[case::another_port("12.0.5.9:54", false)]
#[case::another_address("12.0.6.9:53", false)]
fn some_destinations_are_not_translated(#[case] remote: &str, #[case] exempt: bool) {
    let destination = "12.0.5.0/24".parse().unwrap();
    let fixed = Fixed { exempt: vec![Exempt { destination, port: Some(53) }], ..Fixed::default() };
    let mut bench = Bench::new(Config { fixed, ..Config::rfc4787_ideal() });
    assert_eq!(bench.send(ALICE, remote) == at(ALICE), exempt);
    assert_eq!(bench.arrive(remote, at(ALICE)).is_ok(), exempt);
    assert_eq!(bench.nat.mappings().len(), usize::from(!exempt));
}

#[test]
fn the_pool_may_be_named() {
    let pool = vec!["11.7.0.1".parse().unwrap()];
    let fixed = Fixed { pool, ..Fixed::default() };
    let mut bench = Bench::new(Config { fixed, ..Config::rfc4787_ideal() });
    let external = bench.send(ALICE, SERVER);
    assert_eq!(external.ip(), at("11.7.0.1:1").ip());
    assert_eq!(bench.arrive(SERVER, external), Ok(at(ALICE)));
}

/// RFC 6888 §3, REQ-4 and REQ-5.
#[rstest]
#[case::ports(Limits { ports_per_host: Some(3), ..Limits::default() })]
#[case::sessions(Limits { sessions_per_host: Some(3), ..Limits::default() })]
#[case::rate(Limits { mapping_rate: Some(3), ..Limits::default() })]
fn a_host_has_its_share(#[case] limits: Limits) {
    let mut bench = Bench::new(Config { limits, ..Config::rfc4787_ideal() });
    for port in 1..=3 {
        bench.send(&format!("10.0.0.2:{port}"), SERVER);
    }
    let one_more = Packet::udp(at(ALICE), at(SERVER), &b""[..]);
    let fate = bench.put(Side::INSIDE, one_more);
    assert!(matches!(fate, Fate::Dropped(DropReason::NatLimit, _)), "{fate:?}");
    bench.send(BOB, SERVER);
    // What was there goes on.
    bench.send("10.0.0.2:1", SERVER);
    bench.wait(seconds(301));
    bench.send(ALICE, SERVER);
}

/// RFC 6888 §3: the rate is that of the long run.
#[test]
fn mappings_come_at_the_configured_rate() {
    let limits = Limits { mapping_rate: Some(10), ..Limits::default() };
    let mut bench = Bench::new(Config { limits, ..Config::rfc4787_ideal() });
    let mut made = 0;
    for step in 0..10_000_u16 {
        let internal = SocketAddr::new(at(ALICE).ip(), 10_000 + step);
        let packet = Packet::udp(internal, at(SERVER), &b""[..]);
        made += usize::from(matches!(bench.put(Side::INSIDE, packet), Fate::Forwarded(..)));
        bench.wait(Duration::from_millis(1));
    }
    assert!((100..=110).contains(&made), "{made} in ten seconds");
}

/// RFC 5508 §6, REQ-8; RFC 6888 §3, REQ-11.
#[rstest]
#[case::prohibited(Exhaustion::Prohibited, Some(IcmpError::Prohibited))]
#[case::unreachable(Exhaustion::HostUnreachable, Some(IcmpError::HostUnreachable))]
#[case::silent(Exhaustion::Silent, None)]
fn who_finds_no_room_learns_of_it(
    #[case] exhaustion: Exhaustion,
    #[case] expected: Option<IcmpError>,
) {
    let limits = Limits { mappings: 0, exhaustion, ..Limits::default() };
    let mut bench = Bench::new(Config { limits, ..Config::rfc4787_ideal() });
    bench.put(Side::INSIDE, Packet::udp(at(ALICE), at(SERVER), &b""[..]));
    let told = bench.sent.first().map(|(_, packet)| packet.to_string());
    let wanted = expected.map(|kind| kind.to_string());
    assert_eq!(told.is_some(), wanted.is_some());
    if let (Some(told), Some(wanted)) = (told, wanted) {
        assert!(told.contains(&wanted), "{told}");
    }
}

#[test]
fn a_mapping_may_linger_after_its_last_session() {
    let timers = Timers { linger: seconds(30), ..Timers::udp(seconds(60)) };
    let mut bench = Bench::new(Config { timers, ..Config::port_restricted_cone() });
    let external = bench.send(ALICE, SERVER);
    bench.wait(seconds(70));
    assert_eq!(bench.arrive(SERVER, external), Err(DropReason::NatFiltered));
    assert_eq!(bench.send(ALICE, STRANGER), external);
    bench.wait(seconds(90));
    assert!(bench.nat.mappings().is_empty());
}

#[rstest]
#[case::apart(false, false)]
#[case::together(true, true)]
fn permissions_end_alone_or_with_the_mapping(#[case] per_mapping: bool, #[case] open: bool) {
    let timers = Timers { per_mapping, ..Timers::default() };
    let mut bench = Bench::new(Config { timers, ..Config::rfc4787_strict() });
    let external = bench.send(ALICE, SERVER);
    bench.wait(seconds(200));
    bench.send(ALICE, STRANGER);
    bench.wait(seconds(200));
    assert_eq!(bench.is_open(SERVER, external), open);
    bench.wait(seconds(101));
    assert!(!bench.is_open(SERVER, external));
    assert!(bench.nat.mappings().is_empty());
}

#[test]
fn sweeps_remove_at_multiples_of_their_time() {
    let timers = Timers { sweep: seconds(60), ..Timers::udp(seconds(130)) };
    let mut bench = Bench::new(Config { timers, ..Config::rfc4787_ideal() });
    bench.wait(seconds(5));
    let external = bench.send(ALICE, SERVER);
    bench.wait(seconds(174));
    assert!(bench.is_open(SERVER, external));
    bench.wait(seconds(1));
    assert!(!bench.is_open(SERVER, external));
}

#[test]
fn jitter_makes_lives_longer_by_chance() {
    let timers = Timers { jitter: seconds(20), ..Timers::udp(seconds(60)) };
    let mut bench = Bench::new(Config { timers, ..Config::rfc4787_ideal() });
    for port in 1..=100 {
        bench.send(&format!("10.0.0.2:{port}"), SERVER);
    }
    let ends: std::collections::BTreeSet<_> =
        bench.nat.mappings().iter().map(|mapping| mapping.expires.elapsed()).collect();
    assert!(ends.len() > 90);
    assert!(ends.iter().all(|end| (seconds(60)..seconds(80)).contains(end)), "{ends:?}");
}
