//! TCP through a firewall.

use std::time::Duration;

use rstest::rstest;
use simnet::{
    DropReason, IcmpError, Side, TcpFlags,
    firewall::{Action, Config, Firewall, NotTls},
};

use crate::{
    bench::{Bench, Fate, data, flags, kind, tcp},
    firewall::guarded,
};

const SECOND: Duration = Duration::from_secs(1);
const HOST: &str = "10.0.0.7:4000";
const SERVER: &str = "11.0.0.3:443";
const SYN_ACK: TcpFlags = TcpFlags::from_bits(0x12);
const HELLO: &[u8] = &[22, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3];

/// Opens a connection from inside.
fn open(bench: &mut Bench<Firewall>) {
    assert!(bench.passes(Side::INSIDE, tcp(HOST, SERVER, TcpFlags::SYN)));
    assert!(bench.passes(Side::OUTSIDE, tcp(SERVER, HOST, SYN_ACK)));
    assert!(bench.passes(Side::INSIDE, tcp(HOST, SERVER, TcpFlags::ACK)));
}

fn lives(bench: &mut Bench<Firewall>) -> bool {
    bench.passes(Side::OUTSIDE, tcp(SERVER, HOST, TcpFlags::ACK))
}

#[test]
fn an_established_connection_lives_two_hours_and_four_minutes() {
    let mut bench = guarded(Config::stateful());
    open(&mut bench);
    bench.wait(7_439 * SECOND);
    assert!(lives(&mut bench));
    bench.wait(7_440 * SECOND);
    assert!(!lives(&mut bench));
}

#[rstest]
#[case::half_open(&[(Side::INSIDE, TcpFlags::SYN)])]
#[case::reset(&[(Side::INSIDE, TcpFlags::SYN), (Side::OUTSIDE, SYN_ACK), (Side::INSIDE, TcpFlags::RST)])]
#[case::closed(&[
    (Side::INSIDE, TcpFlags::SYN), (Side::OUTSIDE, SYN_ACK), (Side::INSIDE, TcpFlags::FIN),
    (Side::OUTSIDE, TcpFlags::FIN),
])]
fn other_connections_live_four_minutes(#[case] segments: &[(Side, TcpFlags)]) {
    for (wait, alive) in [(239, true), (240, false)] {
        let mut bench = guarded(Config::stateful());
        for &(side, flags) in segments {
            let (from, to) = if side == Side::INSIDE { (HOST, SERVER) } else { (SERVER, HOST) };
            assert!(bench.passes(side, tcp(from, to, flags)));
        }
        bench.wait(wait * SECOND);
        assert_eq!(lives(&mut bench), alive, "after {wait} s");
    }
}

#[test]
fn a_flow_cannot_be_taken_up_midway_unless_configured() {
    let mut bench = guarded(Config::stateful());
    let midway = tcp(HOST, SERVER, TcpFlags::ACK);
    assert_eq!(bench.refusal(Side::INSIDE, midway.clone()), DropReason::FirewallNoState);
    let mut bench = guarded(Config { tcp_pickup: true, ..Config::default() });
    assert!(bench.passes(Side::INSIDE, midway));
    assert!(lives(&mut bench));
}

#[test]
fn the_ports_of_a_dead_connection_open_the_next() {
    let mut bench = guarded(Config::stateful());
    open(&mut bench);
    assert!(bench.passes(Side::OUTSIDE, tcp(SERVER, HOST, TcpFlags::RST)));
    let unasked = tcp(SERVER, HOST, TcpFlags::SYN);
    assert!(!bench.passes(Side::OUTSIDE, unasked), "judged as a new one");
    open(&mut bench);
    bench.wait(7_000 * SECOND);
    assert!(lives(&mut bench));
}

#[test]
fn an_unsolicited_syn_is_refused_after_six_seconds() {
    let mut bench = guarded(Config::simple_security());
    assert_eq!(bench.put(Side::OUTSIDE, tcp(SERVER, HOST, TcpFlags::SYN)), Fate::Held);
    bench.wait(6 * SECOND - Duration::from_nanos(1));
    assert!(bench.said().is_empty());
    bench.wait(Duration::from_nanos(1));
    let said = bench.said();
    assert_eq!((said.len(), said[0].0), (1, Side::OUTSIDE));
    assert_eq!(kind(&said[0].1), Some(IcmpError::Prohibited));
    assert_eq!(bench.inside, 0);
}

#[test]
fn two_hosts_may_open_at_the_same_time() {
    let mut bench = guarded(Config::simple_security());
    assert_eq!(bench.put(Side::OUTSIDE, tcp(SERVER, HOST, TcpFlags::SYN)), Fate::Held);
    bench.wait(SECOND);
    assert!(bench.passes(Side::INSIDE, tcp(HOST, SERVER, TcpFlags::SYN)));
    assert_eq!((bench.inside, bench.ended.len()), (0, 1), "the held one is gone");
    assert!(bench.passes(Side::OUTSIDE, tcp(SERVER, HOST, TcpFlags::SYN)), "sent again");
    assert!(bench.passes(Side::OUTSIDE, tcp(SERVER, HOST, SYN_ACK)));
    bench.wait(10 * SECOND);
    assert!(bench.said().is_empty(), "nobody was refused");
}

#[test]
fn waiting_refusals_are_bounded() {
    let mut config = Config::simple_security();
    config.limits.waiting = 1;
    let mut bench = guarded(config);
    assert_eq!(bench.put(Side::OUTSIDE, tcp(SERVER, HOST, TcpFlags::SYN)), Fate::Held);
    let other = tcp("11.0.0.4:1", HOST, TcpFlags::SYN);
    assert_eq!(bench.refusal(Side::OUTSIDE, other), DropReason::Firewall);
}

#[test]
fn tls_passes_the_deep_look() {
    let mut bench = guarded(Config::tls_only());
    open(&mut bench);
    assert!(bench.passes(Side::INSIDE, data(HOST, SERVER, 1_001, HELLO)));
    assert!(bench.passes(Side::OUTSIDE, data(SERVER, HOST, 5_001, b"anything now")));
    assert!(bench.passes(Side::INSIDE, data(HOST, SERVER, 1_012, b"anything too")));
}

#[test]
fn what_is_not_tls_is_reset_on_both_sides() {
    let mut bench = guarded(Config::tls_only());
    open(&mut bench);
    let stun = data(HOST, SERVER, 1_001, &[0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42]);
    assert_eq!(bench.refusal(Side::INSIDE, stun.clone()), DropReason::FirewallNotTls);
    let said = bench.said();
    assert_eq!(said.len(), 2);
    assert!(said.iter().all(|(_, packet)| flags(packet).unwrap().contains(TcpFlags::RST)));
    let (back, onward) = (&said[0], &said[1]);
    assert_eq!((back.0, back.1.destination().to_string()), (Side::INSIDE, HOST.to_owned()));
    assert_eq!((onward.0, onward.1.destination().to_string()), (Side::OUTSIDE, SERVER.to_owned()));
    assert_eq!(bench.refusal(Side::INSIDE, stun), DropReason::FirewallNotTls, "and stays so");
    let answer = data(SERVER, HOST, 5_001, b"late");
    assert_eq!(bench.refusal(Side::OUTSIDE, answer), DropReason::FirewallNotTls);
}

#[test]
fn what_is_not_tls_may_just_vanish() {
    let mut bench = guarded(Config { not_tls: NotTls::Drop, ..Config::tls_only() });
    open(&mut bench);
    let banner = data(SERVER, HOST, 5_001, b"220 mail.example");
    assert_eq!(bench.refusal(Side::OUTSIDE, banner), DropReason::FirewallNotTls);
    assert!(bench.said().is_empty());
}

#[test]
fn a_segment_ahead_of_the_hello_waits_for_it_at_the_sender() {
    let mut bench = guarded(Config::tls_only());
    open(&mut bench);
    let ahead = data(HOST, SERVER, 1_004, &HELLO[3..]);
    assert_eq!(bench.refusal(Side::INSIDE, ahead.clone()), DropReason::FirewallNoState);
    assert!(bench.passes(Side::INSIDE, data(HOST, SERVER, 1_001, &HELLO[..3])));
    assert!(bench.passes(Side::INSIDE, ahead), "sent again");
}

#[test]
fn a_rejected_connection_is_reset_with_fitting_numbers() {
    let mut bench = guarded(Config { outbound: Action::Reject, ..Config::default() });
    bench.refusal(Side::INSIDE, tcp(HOST, SERVER, TcpFlags::SYN));
    let (side, reset) = bench.said().remove(0);
    let simnet::Body::Tcp(segment) = &reset.body else { panic!("{reset}") };
    assert_eq!((side, reset.source().to_string()), (Side::INSIDE, SERVER.to_owned()));
    assert_eq!((segment.sequence, segment.acknowledgment), (0, 1_001));
    // Nobody answers a reset.
    bench.refusal(Side::INSIDE, tcp(HOST, SERVER, TcpFlags::RST));
    assert!(bench.said().is_empty());
}
