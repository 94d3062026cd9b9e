//! TCP at the NAT: RFC 5382, RFC 7857 §2.

use std::time::Duration;

use bytes::Bytes;
use rstest::rstest;
use simnet::{
    Body, DropReason, IcmpError, Packet, Side, Tcp, TcpFlags,
    nat::{
        Config, Filtering, Hairpin, Mapping, MssClamp, SimultaneousOpen, Strays, TcpPolicy,
        UnsolicitedSyn,
    },
};

use crate::bench::{Bench, Fate, at, error};

const ALICE: &str = "10.0.0.2:5000";
const BOB: &str = "10.0.0.3:5000";
const SERVER: &str = "12.0.0.9:80";
const OTHER_PORT: &str = "12.0.0.9:81";
const OTHER_IP: &str = "12.0.1.9:80";

const SYN: TcpFlags = TcpFlags::SYN;
const ACK: TcpFlags = TcpFlags::ACK;
const FIN: TcpFlags = TcpFlags::FIN;
const RST: TcpFlags = TcpFlags::RST;

fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

fn with(tcp: TcpPolicy) -> Config {
    Config { tcp, ..Config::rfc4787_ideal() }
}

/// Sends a segment from inside; says by which external endpoint it was seen.
fn send(bench: &mut Bench, internal: &str, remote: &str, flags: TcpFlags) -> Fate {
    bench.put(Side::INSIDE, Packet::tcp(at(internal), at(remote), Tcp::new(flags)))
}

fn external(fate: Fate) -> std::net::SocketAddr {
    match fate {
        Fate::Forwarded(Side::OUTSIDE, packet) => packet.source(),
        other => panic!("{other:?}"),
    }
}

/// Sends a segment from outside; says who got it, or why nobody did.
fn arrive(
    bench: &mut Bench,
    remote: &str,
    external: std::net::SocketAddr,
    flags: TcpFlags,
) -> Result<std::net::SocketAddr, Option<DropReason>> {
    let packet = Packet::tcp(at(remote), external, Tcp::new(flags));
    match bench.put(Side::OUTSIDE, packet) {
        Fate::Forwarded(Side::INSIDE, packet) => Ok(packet.destination()),
        Fate::Dropped(reason, _) => Err(Some(reason)),
        Fate::Held => Err(None),
        other @ Fate::Forwarded(..) => panic!("{other:?}"),
    }
}

/// Opens a connection from Alice to the server.
fn connect(bench: &mut Bench) -> std::net::SocketAddr {
    let seen = external(send(bench, ALICE, SERVER, SYN));
    assert_eq!(arrive(bench, SERVER, seen, SYN | ACK), Ok(at(ALICE)));
    assert_eq!(external(send(bench, ALICE, SERVER, ACK)), seen);
    seen
}

/// The first segment of the box's own making, towards `side`.
fn own(bench: &Bench, side: Side) -> Option<&Packet> {
    bench.sent.iter().find(|(to, _)| *to == side).map(|(_, packet)| packet)
}

fn is_reset(packet: Option<&Packet>) -> bool {
    packet.is_some_and(|packet| matches!(&packet.body, Body::Tcp(tcp) if tcp.flags.contains(RST)))
}

/// RFC 5382 §4.1, REQ-1, and what a NAT may do against it.
#[rstest]
#[case::endpoint_independent(Mapping::EndpointIndependent, true, true)]
#[case::address_dependent(Mapping::AddressDependent, true, false)]
#[case::address_and_port_dependent(Mapping::AddressAndPortDependent, false, false)]
fn maps_tcp_apart_from_udp(
    #[case] mapping: Mapping,
    #[case] for_port: bool,
    #[case] for_address: bool,
) {
    let mut bench = Bench::new(with(TcpPolicy { mapping: Some(mapping), ..TcpPolicy::default() }));
    let seen = external(send(&mut bench, ALICE, SERVER, SYN));
    assert_eq!(external(send(&mut bench, ALICE, OTHER_PORT, SYN)) == seen, for_port);
    assert_eq!(external(send(&mut bench, ALICE, OTHER_IP, SYN)) == seen, for_address);
    let udp = bench.send(ALICE, SERVER);
    assert_eq!(bench.send(ALICE, OTHER_IP), udp);
    assert_eq!(bench.arrive(SERVER, udp), Ok(at(ALICE)));
}

/// RFC 5382 §4.2, REQ-2: both ways of opening, and both ends may close.
#[test]
fn a_connection_lives_and_ends() {
    let mut bench = Bench::new(Config::rfc4787_ideal());
    let seen = connect(&mut bench);
    bench.wait(seconds(7_439));
    assert_eq!(arrive(&mut bench, SERVER, seen, ACK), Ok(at(ALICE)));
    bench.wait(seconds(7_439));
    assert_eq!(external(send(&mut bench, ALICE, SERVER, FIN | ACK)), seen);
    assert_eq!(arrive(&mut bench, SERVER, seen, FIN | ACK), Ok(at(ALICE)));
    assert_eq!(external(send(&mut bench, ALICE, SERVER, ACK)), seen);
    assert_eq!(bench.nat.mappings()[0].expires, bench.now + seconds(240));
    bench.wait(seconds(240));
    assert!(bench.nat.mappings().is_empty());
}

/// RFC 5382 §4.2, REQ-2a.
#[rstest]
#[case::passes(SimultaneousOpen::Pass, Ok(()), false)]
#[case::reset(SimultaneousOpen::Reset, Err(Some(DropReason::NatTcpState)), true)]
#[case::dropped(SimultaneousOpen::Drop, Err(Some(DropReason::NatTcpState)), false)]
fn syns_may_cross(
    #[case] simultaneous_open: SimultaneousOpen,
    #[case] expected: Result<(), Option<DropReason>>,
    #[case] reset: bool,
    #[values(Filtering::EndpointIndependent, Filtering::AddressAndPortDependent)]
    filtering: Filtering,
) {
    let policy = TcpPolicy { simultaneous_open, ..TcpPolicy::default() };
    let mut bench = Bench::new(Config { filtering, ..with(policy) });
    let seen = external(send(&mut bench, ALICE, SERVER, SYN));
    assert_eq!(arrive(&mut bench, SERVER, seen, SYN).map(|_| ()), expected);
    assert_eq!(is_reset(own(&bench, Side::OUTSIDE)), reset);
    if expected.is_ok() {
        assert_eq!(external(send(&mut bench, ALICE, SERVER, SYN | ACK)), seen);
        assert_eq!(arrive(&mut bench, SERVER, seen, SYN | ACK), Ok(at(ALICE)));
        bench.wait(seconds(7_000));
        assert_eq!(arrive(&mut bench, SERVER, seen, ACK), Ok(at(ALICE)));
    }
}

/// RFC 5382 §4.3, REQ-3.
#[rstest]
#[case::endpoint_independent(Filtering::EndpointIndependent, true, true)]
#[case::address_dependent(Filtering::AddressDependent, true, false)]
#[case::address_and_port_dependent(Filtering::AddressAndPortDependent, false, false)]
fn the_outside_may_connect_as_configured(
    #[case] filtering: Filtering,
    #[case] other_port: bool,
    #[case] other_ip: bool,
) {
    let filtering = Some(filtering);
    let mut bench = Bench::new(with(TcpPolicy { filtering, ..TcpPolicy::default() }));
    let seen = connect(&mut bench);
    assert_eq!(arrive(&mut bench, OTHER_PORT, seen, SYN).is_ok(), other_port);
    assert_eq!(arrive(&mut bench, OTHER_IP, seen, SYN).is_ok(), other_ip);
    if other_ip {
        assert_eq!(external(send(&mut bench, ALICE, OTHER_IP, SYN | ACK)), seen);
        bench.wait(seconds(7_000));
        assert_eq!(arrive(&mut bench, OTHER_IP, seen, ACK), Ok(at(ALICE)));
    }
}

/// RFC 5382 §4.3, REQ-4.
#[rstest]
#[case::rejected(UnsolicitedSyn::Reject)]
#[case::dropped(UnsolicitedSyn::Drop)]
#[case::reset(UnsolicitedSyn::Reset)]
fn an_unsolicited_syn_is_answered_in_time(#[case] unsolicited: UnsolicitedSyn) {
    let mut bench = Bench::new(with(TcpPolicy { unsolicited, ..TcpPolicy::default() }));
    let fate = arrive(&mut bench, SERVER, at("11.0.0.1:5000"), SYN);
    let waits = unsolicited == UnsolicitedSyn::Reject;
    assert_eq!(fate, Err((!waits).then_some(DropReason::NatNoMapping)));
    assert_eq!(is_reset(own(&bench, Side::OUTSIDE)), unsolicited == UnsolicitedSyn::Reset);
    bench.sent.clear();
    bench.wait(Duration::from_millis(5_999));
    assert_eq!(own(&bench, Side::OUTSIDE), None);
    bench.wait(Duration::from_millis(1));
    let told = own(&bench, Side::OUTSIDE).map(ToString::to_string).unwrap_or_default();
    assert_eq!(told.contains("port unreachable"), waits, "{told}");
}

/// RFC 5382 §4.3, REQ-4: the SYN from inside takes the other one out of the game.
#[test]
fn an_early_syn_is_forgotten_when_the_inside_opens_too() {
    let ports = simnet::nat::Ports::new(simnet::nat::PortAssignment::Preserve);
    let mut bench = Bench::new(Config {
        filtering: Filtering::AddressAndPortDependent,
        ports,
        ..Config::rfc4787_ideal()
    });
    assert_eq!(arrive(&mut bench, SERVER, at("11.0.0.1:5000"), SYN), Err(None));
    bench.wait(seconds(3));
    let packet = Packet::tcp(at(ALICE), at(SERVER), Tcp::new(SYN));
    bench.put(Side::INSIDE, packet);
    bench.wait(seconds(10));
    assert_eq!(own(&bench, Side::OUTSIDE), None);
    assert_eq!(arrive(&mut bench, SERVER, at("11.0.0.1:5000"), SYN), Ok(at(ALICE)));
}

/// RFC 5382 §5, REQ-5, and RFC 7857 §2.1: each phase has its time.
#[rstest]
#[case::half_open(&[(true, SYN)], 240)]
#[case::established(&[(true, SYN), (false, SYN)], 7_440)]
#[case::half_closed(&[(true, SYN), (false, SYN), (true, FIN)], 7_440)]
#[case::closed(&[(true, SYN), (false, SYN), (true, FIN), (false, FIN)], 240)]
#[case::reset(&[(true, SYN), (false, SYN), (false, RST)], 240)]
#[case::refused(&[(true, SYN), (false, RST)], 240)]
fn each_phase_has_its_time(#[case] segments: &[(bool, TcpFlags)], #[case] life: u64) {
    let mut bench = Bench::new(Config::rfc4787_ideal());
    let mut seen = at("11.0.0.1:1");
    for (out, flags) in segments {
        if *out {
            seen = external(send(&mut bench, ALICE, SERVER, *flags));
        } else {
            arrive(&mut bench, SERVER, seen, *flags).unwrap();
        }
    }
    bench.wait(seconds(life) - Duration::from_nanos(1));
    assert_eq!(bench.nat.mappings().len(), 1);
    bench.wait(Duration::from_nanos(1));
    assert!(bench.nat.mappings().is_empty());
}

/// RFC 7857 §2.2: a reset passes, and state stays for those who do not believe it.
#[test]
fn a_reset_that_nobody_believes_ends_nothing() {
    let mut bench = Bench::new(Config::rfc4787_ideal());
    let seen = connect(&mut bench);
    assert_eq!(arrive(&mut bench, SERVER, seen, RST), Ok(at(ALICE)));
    bench.wait(seconds(239));
    assert_eq!(external(send(&mut bench, ALICE, SERVER, ACK)), seen);
    bench.wait(seconds(7_439));
    assert_eq!(arrive(&mut bench, SERVER, seen, ACK), Ok(at(ALICE)));
}

/// RFC 7857 §7.1: whoever resets what comes in keeps nothing alive.
#[test]
fn resets_keep_nothing_alive() {
    let mut bench = Bench::new(Config::rfc4787_ideal());
    let seen = connect(&mut bench);
    for _ in 0..3 {
        send(&mut bench, ALICE, SERVER, RST);
        bench.wait(seconds(100));
    }
    assert_eq!(arrive(&mut bench, SERVER, seen, SYN), Err(None));
}

#[test]
fn a_shorter_end_of_one_connection_leaves_the_others_of_its_mapping() {
    let mut bench = Bench::new(Config::rfc4787_ideal());
    let seen = connect(&mut bench);
    assert_eq!(external(send(&mut bench, ALICE, OTHER_IP, SYN)), seen);
    assert_eq!(arrive(&mut bench, OTHER_IP, seen, SYN | ACK), Ok(at(ALICE)));
    arrive(&mut bench, OTHER_IP, seen, RST).unwrap();
    arrive(&mut bench, SERVER, seen, RST).unwrap();
    assert_eq!(external(send(&mut bench, ALICE, OTHER_IP, ACK)), seen);
    bench.wait(seconds(1_000));
    assert_eq!(arrive(&mut bench, OTHER_IP, seen, ACK), Ok(at(ALICE)));
}

/// RFC 5382 §5: what a NAT tells those whose connection it has forgotten.
#[rstest]
#[case::hangs(Strays::Drop, false, false)]
#[case::reset(Strays::Reset, false, true)]
#[case::adopted(Strays::Adopt, true, false)]
fn a_forgotten_connection(#[case] strays: Strays, #[case] passes: bool, #[case] reset: bool) {
    let policy = TcpPolicy { strays, ..TcpPolicy::default() };
    let filtering = Filtering::AddressAndPortDependent;
    let mut bench = Bench::new(Config { filtering, ..with(policy) });
    let seen = connect(&mut bench);
    bench.wait(seconds(7_440));
    assert_eq!(arrive(&mut bench, SERVER, seen, ACK), Err(Some(DropReason::NatNoMapping)));
    assert_eq!(is_reset(own(&bench, Side::OUTSIDE)), reset);
    let fate = send(&mut bench, ALICE, SERVER, ACK);
    assert_eq!(matches!(fate, Fate::Forwarded(..)), passes, "{fate:?}");
    assert_eq!(is_reset(own(&bench, Side::INSIDE)), reset);
    if passes {
        bench.wait(seconds(7_000));
        assert!(arrive(&mut bench, SERVER, external(fate), ACK).is_ok());
    }
}

/// RFC 5382 §7.2, REQ-8.
#[rstest]
#[case::external(Hairpin::ExternalSource, true)]
#[case::internal(Hairpin::InternalSource, false)]
fn connections_turn_around(#[case] hairpin: Hairpin, #[case] shows_external: bool) {
    let mut bench = Bench::new(Config { hairpin, ..Config::rfc4787_ideal() });
    let bob = external(send(&mut bench, BOB, SERVER, SYN));
    let fate = bench.put(Side::INSIDE, Packet::tcp(at(ALICE), bob, Tcp::new(SYN)));
    let Fate::Forwarded(Side::INSIDE, packet) = fate else { panic!("{fate:?}") };
    assert_eq!(packet.destination(), at(BOB));
    assert_eq!(packet.source() == at(ALICE), !shows_external);
    if shows_external {
        let answer = Packet::tcp(at(BOB), packet.source(), Tcp::new(SYN | ACK));
        let fate = bench.put(Side::INSIDE, answer);
        let Fate::Forwarded(Side::INSIDE, packet) = fate else { panic!("{fate:?}") };
        assert_eq!((packet.source(), packet.destination()), (bob, at(ALICE)));
    }
}

/// RFC 5382 §7.3, REQ-9 and REQ-10.
#[test]
fn icmp_errors_reach_the_host_and_end_nothing() {
    let mut bench = Bench::new(Config::rfc4787_ideal());
    let seen = connect(&mut bench);
    let about = Packet::tcp(seen, at(SERVER), Tcp::new(ACK));
    let told = about.icmp_error("13.9.9.9".parse().unwrap(), IcmpError::HostUnreachable).unwrap();
    let fate = bench.put(Side::OUTSIDE, told);
    let Fate::Forwarded(Side::INSIDE, packet) = fate else { panic!("{fate:?}") };
    assert_eq!(packet.destination_ip, at(ALICE).ip());
    assert_eq!(arrive(&mut bench, SERVER, seen, ACK), Ok(at(ALICE)));
    let of_udp = error("13.9.9.9", IcmpError::HostUnreachable, seen, at(SERVER));
    assert!(matches!(bench.put(Side::OUTSIDE, of_udp), Fate::Dropped(DropReason::NatIcmp, _)));
}

/// RFC 7857 §2.2: numbers that nobody could know protect from resets by strangers.
#[rstest]
#[case::tracked(true, Err(Some(DropReason::NatTcpState)))]
#[case::untracked(false, Ok(()))]
fn a_blind_reset(#[case] track_windows: bool, #[case] expected: Result<(), Option<DropReason>>) {
    let policy = TcpPolicy { track_windows, ..TcpPolicy::default() };
    let mut bench = Bench::new(with(policy));
    let seen = external(send(&mut bench, ALICE, SERVER, SYN));
    let answer = Tcp::new(SYN).sequence(1_000_000).acknowledging(1);
    bench.put(Side::OUTSIDE, Packet::tcp(at(SERVER), seen, answer));
    let ack = Tcp::new(TcpFlags::NONE).sequence(1).acknowledging(1_000_001);
    bench.put(Side::INSIDE, Packet::tcp(at(ALICE), at(SERVER), ack));
    assert_eq!(arrive(&mut bench, SERVER, seen, RST).map(|_| ()), expected);
    let reset = Packet::tcp(at(SERVER), seen, Tcp::new(RST).sequence(1_000_001));
    assert!(matches!(bench.put(Side::OUTSIDE, reset), Fate::Forwarded(..)));
}

#[rstest]
#[case::off(MssClamp::Off, 1_460)]
#[case::to_a_number(MssClamp::To(1_200), 1_200)]
#[case::to_the_mtu(MssClamp::ToMtu, 1_240)]
fn the_segment_size_is_clamped(#[case] clamp_mss: MssClamp, #[case] expected: u16) {
    let mut bench = Bench::new(with(TcpPolicy { clamp_mss, ..TcpPolicy::default() }));
    bench.set_mtu(Side::OUTSIDE, 1_280);
    let options = Bytes::from_static(&[2, 4, 5, 180]);
    let packet = Packet::tcp(at(ALICE), at(SERVER), Tcp { options, ..Tcp::new(SYN) });
    let Fate::Forwarded(_, packet) = bench.put(Side::INSIDE, packet) else { panic!() };
    let Body::Tcp(tcp) = packet.body else { panic!() };
    assert_eq!(tcp.options[2..], expected.to_be_bytes());
}

/// RFC 7857 §5, §6: one mapping for both, if so configured.
#[rstest]
#[case::shared(true)]
#[case::apart(false)]
fn udp_and_tcp_may_share_a_mapping(#[case] share_protocols: bool) {
    let mut bench = Bench::new(Config { share_protocols, ..Config::rfc4787_ideal() });
    let seen = external(send(&mut bench, ALICE, SERVER, SYN));
    let got = bench.arrive(OTHER_IP, seen);
    assert_eq!(got.is_ok(), share_protocols);
    assert_eq!(bench.send(ALICE, SERVER) == seen, share_protocols);
    assert_eq!(bench.nat.mappings().len(), if share_protocols { 1 } else { 2 });
}
