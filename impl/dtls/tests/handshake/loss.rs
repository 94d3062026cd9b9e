//! Handshakes on paths that lose, repeat and reorder.

use std::time::Duration;

use base::Rng;
use dtls::{Config, Version};
use rstest::rstest;

use crate::support::{DELAY, Packet, Pair, configs};

/// How many datagrams a handshake without loss takes.
fn datagrams(configs: [Config; 2]) -> usize {
    let mut pair = Pair::new(configs);
    pair.run_until_connected();
    pair.sent.len()
}

#[rstest]
#[case::dtls12(Version::Dtls12)]
#[case::dtls13(Version::Dtls13)]
fn whichever_datagram_is_lost_the_handshake_completes_by_its_deadlines_alone(
    #[case] version: Version,
    #[values(1_200, 300)] mtu: usize,
) {
    let configs = || {
        configs(version).map(|mut config| {
            config.mtu = mtu;
            config
        })
    };
    for lost in 0..datagrams(configs()) {
        let path = move |index, packet: &Packet| {
            if index == lost { Vec::new() } else { vec![packet.clone()] }
        };
        let mut pair = Pair::new(configs()).on(path);
        pair.run_until_connected();
        pair.assert_alive();
        assert!(
            pair.now < base::Instant::ZERO + Duration::from_secs(5),
            "lost {lost}: {}",
            pair.now
        );
    }
}

#[rstest]
#[case::dtls12(Version::Dtls12)]
#[case::dtls13(Version::Dtls13)]
fn whichever_datagram_comes_twice_the_handshake_completes(#[case] version: Version) {
    for doubled in 0..datagrams(configs(version)) {
        let path = move |index, packet: &Packet| {
            vec![packet.clone(); if index == doubled { 2 } else { 1 }]
        };
        let mut pair = Pair::new(configs(version)).on(path);
        pair.run_until_connected();
        pair.assert_alive();
    }
}

#[rstest]
#[case::dtls12(Version::Dtls12)]
#[case::dtls13(Version::Dtls13)]
fn whichever_datagram_is_late_the_handshake_completes(#[case] version: Version) {
    let small = || {
        configs(version).map(|mut config| {
            config.mtu = 300;
            config
        })
    };
    for late in 0..datagrams(small()) {
        let path = move |index, packet: &Packet| {
            let mut packet = packet.clone();
            if index == late {
                packet.due += DELAY * 3 / 2;
            }
            vec![packet]
        };
        let mut pair = Pair::new(small()).on(path);
        pair.run_until_connected();
        pair.assert_alive();
    }
}

#[rstest]
#[case::dtls12(Version::Dtls12)]
#[case::dtls13(Version::Dtls13)]
fn a_bad_path_delays_the_handshake_and_does_not_break_it(#[case] version: Version) {
    for seed in 0..40 {
        let mut dice = Rng::from_seed([seed; 32]).fork("path");
        let path = move |_, packet: &Packet| {
            let mut copies = Vec::new();
            for _ in 0..2 {
                // Each copy is lost as often as not.
                if dice.public_below(100) < 60 {
                    let mut copy = packet.clone();
                    copy.due += Duration::from_millis(dice.public_below(60));
                    copies.push(copy);
                }
                if dice.public_below(100) < 80 {
                    break;
                }
            }
            copies
        };
        let small = configs(version).map(|mut config| {
            config.mtu = 400;
            // Timeouts double, and four tries in ten fail each way.
            config.handshake_timeout = Duration::from_secs(300);
            config
        });
        let mut pair = Pair::seeded(small, seed).on(path);
        pair.run_until_connected();
        pair.path = Box::new(|_, packet| vec![packet.clone()]);
        pair.assert_alive();
    }
}
