//! Which port, and which address: RFC 4787 §4.2, RFC 6888 §3, §5, RFC 7422 §2, RFC 7857 §3, §4.

use std::{collections::BTreeSet, time::Duration};

use rstest::rstest;
use simnet::{
    DropReason, Packet, Side,
    nat::{Collision, Config, Layout, Limits, Pooling, PortAssignment, Ports},
};

use crate::bench::{Bench, Fate, at};

const SERVER: &str = "12.0.0.9:3478";

fn with(ports: Ports) -> Config {
    Config { ports, ..Config::rfc4787_ideal() }
}

fn host(number: u16, port: u16) -> String {
    format!("10.0.0.{number}:{port}")
}

/// The reason why a packet of the host does not pass.
fn refused(bench: &mut Bench, internal: &str) -> Option<DropReason> {
    match bench.put(Side::INSIDE, Packet::udp(at(internal), at(SERVER), &b""[..])) {
        Fate::Dropped(reason, _) => Some(reason),
        Fate::Forwarded(..) | Fate::Held => None,
    }
}

#[rstest]
#[case::next(Collision::Next, &[5_001])]
#[case::same(Collision::Overload, &[5_000])]
#[case::taken_over(Collision::Override, &[5_000])]
fn a_collision_ends_as_configured(#[case] on_collision: Collision, #[case] expected: &[u16]) {
    let ports = Ports { on_collision, ..Ports::new(PortAssignment::Preserve) };
    let mut bench = Bench::new(with(ports));
    assert_eq!(bench.send(&host(2, 5_000), SERVER).port(), 5_000);
    assert!(expected.contains(&bench.send(&host(3, 5_000), SERVER).port()));
}

#[test]
fn a_collision_may_be_the_end() {
    let ports = Ports { on_collision: Collision::Drop, ..Ports::new(PortAssignment::Preserve) };
    let mut bench = Bench::new(with(ports));
    bench.send(&host(2, 5_000), SERVER);
    assert_eq!(refused(&mut bench, &host(3, 5_000)), Some(DropReason::NatNoPort));
    bench.send(&host(3, 5_001), SERVER);
}

#[test]
fn a_collision_may_lead_to_another_address() {
    let on_collision = Collision::OtherAddress;
    let ports = Ports { on_collision, ..Ports::new(PortAssignment::Preserve) };
    let mut bench = Bench::with_pool(with(ports), &["11.0.0.1", "11.0.0.2"]);
    for number in 2..=3 {
        bench.send(&host(number, 1), SERVER);
    }
    // Hosts take turns with the two addresses, so that the third shares with the first.
    let seen = [2, 3].map(|number| bench.send(&host(number, 5_000), SERVER));
    assert_eq!(seen.map(|seen| seen.port()), [5_000; 2]);
    let third = bench.send(&host(4, 6_000), SERVER);
    let fourth = bench.send(&host(5, 6_000), SERVER);
    assert_eq!((third.port(), fourth.port()), (6_000, 6_000));
    assert_ne!(third.ip(), fourth.ip());
    assert_ne!(bench.send(&host(6, 6_000), SERVER).port(), 6_000);
}

#[test]
fn a_hash_gives_the_same_port_after_a_loss_of_state() {
    let mut bench = Bench::new(with(Ports::new(PortAssignment::Hash)));
    let before: Vec<_> = (1..200).map(|port| bench.send(&host(2, port), SERVER)).collect();
    let different: BTreeSet<_> = before.iter().collect();
    assert!(different.len() == before.len());
    bench.nat.reboot();
    let again: Vec<_> = (1..200).map(|port| bench.send(&host(2, port), SERVER)).collect();
    let same = before.iter().zip(&again).filter(|(before, again)| before == again).count();
    assert!(same > 190, "{same} of 199: all but those that had collided");
}

/// RFC 7422 §2: who it was follows from the port alone.
#[test]
fn deterministic_ports_tell_the_host() {
    let assignment =
        PortAssignment::Deterministic { inside: "10.0.0.0/24".parse().unwrap(), ports: 504 };
    let mut bench = Bench::with_pool(with(Ports::new(assignment)), &["11.0.0.1", "11.0.0.2"]);
    for number in [0, 2, 127, 128, 130, 255] {
        let all = if number == 255 { 504 } else { 9 };
        for port in 0..all {
            let seen = bench.send(&host(number, 4_000 + port), SERVER);
            assert_eq!(seen.ip(), at(["11.0.0.1:1", "11.0.0.2:1"][usize::from(number / 128)]).ip());
            assert_eq!((seen.port() - 1_024) / 504, number % 128);
        }
    }
    assert_eq!(refused(&mut bench, &host(255, 1)), Some(DropReason::NatNoPort));
    assert_eq!(refused(&mut bench, "10.0.1.1:1"), Some(DropReason::NatNoPort));
}

#[rstest]
#[case::contiguous(Layout::Contiguous)]
#[case::scattered(Layout::Scattered)]
fn blocks_belong_to_hosts(#[case] layout: Layout) {
    let assignment = PortAssignment::Block { size: 16, blocks: 2, layout };
    let mut bench = Bench::new(with(Ports::new(assignment)));
    let block = |port: u16| match layout {
        Layout::Contiguous => (port - 1_024) / 16,
        Layout::Scattered => (port - 1_024) % 4_032,
    };
    let mut owned = Vec::new();
    for number in 2..=20 {
        let blocks: BTreeSet<_> =
            (0..32).map(|port| block(bench.send(&host(number, port), SERVER).port())).collect();
        assert_eq!(blocks.len(), 2, "{blocks:?}");
        assert_eq!(refused(&mut bench, &host(number, 32)), Some(DropReason::NatNoPort));
        owned.extend(blocks);
    }
    let different: BTreeSet<_> = owned.iter().collect();
    assert_eq!(different.len(), owned.len(), "no block has two owners");
}

#[test]
fn a_block_is_free_again_when_its_owner_is_gone() {
    let assignment = PortAssignment::Block { size: 32, blocks: 1, layout: Layout::Contiguous };
    let ports = Ports { range: 2_000..=2_063, ..Ports::new(assignment) };
    let mut bench = Bench::new(with(ports));
    bench.send(&host(2, 1), SERVER);
    bench.send(&host(3, 1), SERVER);
    assert_eq!(refused(&mut bench, &host(4, 1)), Some(DropReason::NatNoPort));
    bench.wait(Duration::from_secs(200));
    bench.send(&host(2, 1), SERVER);
    bench.wait(Duration::from_secs(200));
    let taken = bench.send(&host(4, 1), SERVER).port();
    let kept = bench.send(&host(2, 1), SERVER).port();
    assert_ne!((taken - 2_000) / 32, (kept - 2_000) / 32);
}

/// RFC 6888 §3, REQ-8.
#[test]
fn a_port_rests_after_its_mapping() {
    let hold_down = Duration::from_secs(120);
    let ports = Ports { range: 2_000..=2_000, hold_down, ..Ports::new(PortAssignment::Random) };
    let mut bench = Bench::new(with(ports));
    bench.send(&host(2, 1), SERVER);
    bench.wait(Duration::from_secs(300));
    assert_eq!(refused(&mut bench, &host(3, 1)), Some(DropReason::NatNoPort));
    bench.wait(Duration::from_secs(119));
    assert_eq!(refused(&mut bench, &host(3, 1)), Some(DropReason::NatNoPort));
    bench.wait(Duration::from_secs(1));
    assert_eq!(bench.send(&host(3, 1), SERVER).port(), 2_000);
    bench.nat.reboot();
    assert_eq!(refused(&mut bench, &host(2, 1)), Some(DropReason::NatNoPort));
    assert_eq!(bench.send(&host(3, 1), SERVER).port(), 2_000, "but its owner may have it back");
}

#[test]
fn the_number_of_resting_ports_is_limited() {
    let limits = Limits { held_down: 1, ..Limits::default() };
    let hold_down = Duration::from_secs(1_000);
    let ports = Ports { range: 2_000..=2_001, hold_down, ..Ports::new(PortAssignment::Random) };
    let mut bench = Bench::new(Config { limits, ..with(ports) });
    bench.send(&host(2, 1), SERVER);
    bench.send(&host(2, 2), SERVER);
    bench.wait(Duration::from_secs(300));
    bench.send(&host(3, 1), SERVER);
    assert_eq!(refused(&mut bench, &host(3, 2)), Some(DropReason::NatNoPort));
}

/// RFC 7857 §4, and RFC 4787 §4.1, REQ-2.
#[rstest]
#[case::paired(Pooling::Paired, 4)]
#[case::soft_paired(Pooling::SoftPaired, 8)]
#[case::arbitrary(Pooling::Arbitrary, 8)]
#[case::round_robin(Pooling::RoundRobin, 8)]
fn a_host_runs_out_of_ports_where_it_is_bound_to_an_address(
    #[case] pooling: Pooling,
    #[case] expected: u16,
) {
    let ports = Ports { range: 2_000..=2_003, ..Ports::new(PortAssignment::Random) };
    let config = Config { pooling, ..with(ports) };
    let mut bench = Bench::with_pool(config, &["11.0.0.1", "11.0.0.2"]);
    let seen: Vec<_> = (0..expected).map(|port| bench.send(&host(2, port), SERVER)).collect();
    assert_eq!(refused(&mut bench, &host(2, 99)), Some(DropReason::NatNoPort));
    if pooling == Pooling::SoftPaired {
        assert!(seen[..4].iter().all(|external| external.ip() == seen[0].ip()));
    }
    if pooling == Pooling::RoundRobin {
        assert!(seen.windows(2).all(|pair| pair[0].ip() != pair[1].ip()));
    }
}

#[test]
fn the_load_is_shared_by_destination() {
    let config = Config { pooling: Pooling::ByDestination, ..Config::symmetric() };
    let mut bench = Bench::with_pool(config, &["11.0.0.1", "11.0.0.2"]);
    let mut seen = BTreeSet::new();
    for number in 1..=40 {
        let ips =
            [1, 2].map(|port| bench.send(&host(2, 5_000), &format!("12.0.0.{number}:{port}")).ip());
        assert_eq!(ips[0], ips[1]);
        seen.insert(ips[0]);
    }
    assert_eq!(seen.len(), 2);
}

/// RFC 5128 §3.5: what a peer that predicts ports has to reckon with.
#[rstest]
#[case::alone(None, 1.0..=1.0)]
#[case::among_others(Some(Duration::from_millis(100)), 10.0..=12.0)]
fn other_subscribers_take_ports_of_a_sequence(
    #[case] background: Option<Duration>,
    #[case] expected: std::ops::RangeInclusive<f64>,
) {
    let ports = Ports { background, ..Ports::new(PortAssignment::sequential(1)) };
    let mut bench = Bench::new(with(ports));
    let mut seen = Vec::new();
    for port in 0..400 {
        seen.push(bench.send(&host(2, port), SERVER).port());
        bench.wait(Duration::from_secs(1));
    }
    let leap = f64::from(seen[399] - seen[0]) / 399.0;
    assert!(expected.contains(&leap), "{leap} ports a second");
}

#[test]
fn a_sequence_starts_where_it_should() {
    let assignment = PortAssignment::Sequential { step: 2, start: Some(40_000) };
    let mut bench = Bench::new(with(Ports::new(assignment)));
    let seen = [1, 2, 3].map(|port| bench.send(&host(2, port), SERVER).port());
    assert_eq!(seen, [40_000, 40_002, 40_004]);
}
