//! What changes while nobody asks for it.

use std::time::Duration;

use base::Instant;
use rstest::rstest;
use simnet::{
    DropReason, Middlebox, NatEvent, Packet, Side, Tcp, TcpFlags,
    nat::{AddressChange, Config, Filtering, OverTime, Rebind, Rebound},
};

use crate::bench::{Bench, Fate, at};

const ALICE: &str = "10.0.0.2:5000";
const SERVER: &str = "12.0.0.9:3478";

fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

fn moment(count: u64) -> Instant {
    Instant::ZERO + seconds(count)
}

fn with(over_time: OverTime) -> Config {
    let filtering = Filtering::AddressAndPortDependent;
    Config { over_time, filtering, ..Config::rfc4787_ideal() }
}

#[rstest]
#[case::port(Rebound::Port)]
#[case::address(Rebound::Address)]
fn a_rebinding_moves_the_mapping_and_keeps_its_sessions(#[case] what: Rebound) {
    let rebind = Some(Rebind { at: moment(60), period: Some(seconds(30)), what });
    let config = with(OverTime { rebind, ..OverTime::default() });
    let mut bench = Bench::with_pool(config, &["11.0.0.1", "11.0.0.2"]);
    let mut before = bench.send(ALICE, SERVER);
    bench.wait(seconds(59));
    assert_eq!(bench.arrive(SERVER, before), Ok(at(ALICE)));
    for wait in [1, 30, 30] {
        bench.wait(seconds(wait));
        // Nothing was sent since, and yet the peer that knew the old endpoint must learn the new one.
        assert_eq!(bench.arrive(SERVER, before), Err(DropReason::NatNoMapping));
        let after = bench.send(ALICE, SERVER);
        assert_ne!(after, before);
        assert_eq!(after.ip() == before.ip(), what == Rebound::Port);
        assert_eq!(after.port() == before.port(), what == Rebound::Address);
        assert_eq!(bench.arrive(SERVER, after), Ok(at(ALICE)));
        before = after;
    }
}

#[test]
fn a_connection_survives_a_rebinding() {
    let rebind = Some(Rebind { at: moment(60), period: None, what: Rebound::Port });
    let mut bench = Bench::new(with(OverTime { rebind, ..OverTime::default() }));
    let syn = Packet::tcp(at(ALICE), at(SERVER), Tcp::new(TcpFlags::SYN));
    let Fate::Forwarded(_, first) = bench.put(Side::INSIDE, syn) else { panic!() };
    bench.wait(seconds(60));
    let ack = Packet::tcp(at(ALICE), at(SERVER), Tcp::new(TcpFlags::ACK));
    let Fate::Forwarded(_, second) = bench.put(Side::INSIDE, ack) else { panic!() };
    assert_ne!(first.source(), second.source());
}

#[test]
fn a_box_reboots_when_it_should_and_loses_what_waits() {
    let reboot = vec![moment(60), moment(120)];
    let mut bench = Bench::new(with(OverTime { reboot, ..OverTime::default() }));
    for _ in 0..2 {
        let external = bench.send(ALICE, SERVER);
        bench.wait(seconds(56));
        let syn = Packet::tcp(at(SERVER), external, Tcp::new(TcpFlags::SYN));
        assert_eq!(bench.put(Side::OUTSIDE, syn), Fate::Held);
        bench.wait(seconds(4));
        assert_eq!(bench.lost.pop(), Some(DropReason::NatRebooted));
        assert_eq!(bench.arrive(SERVER, external), Err(DropReason::NatNoMapping));
    }
    let count = bench.events.iter().filter(|event| **event == NatEvent::Rebooted).count();
    assert_eq!(count, 2);
    assert_eq!(bench.nat.poll_timeout(), None);
}

#[test]
fn other_addresses_end_all_mappings() {
    let pool = vec!["11.9.0.1".parse().unwrap()];
    let addresses = vec![AddressChange { at: moment(60), pool }];
    let mut bench = Bench::new(with(OverTime { addresses, ..OverTime::default() }));
    let before = bench.send(ALICE, SERVER);
    bench.wait(seconds(60));
    assert_eq!(bench.arrive(SERVER, before), Err(DropReason::NotForUs));
    let after = bench.send(ALICE, SERVER);
    assert_eq!(after.ip(), at("11.9.0.1:1").ip());
    assert_eq!(bench.arrive(SERVER, after), Ok(at(ALICE)));
}
