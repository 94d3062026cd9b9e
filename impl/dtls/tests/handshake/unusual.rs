//! What WebRTC does not do, but others who use the engine may.

use std::time::Duration;

use dtls::{CloseReason, PeerCheck, Side, Version, wire::AlertDescription};
use rstest::rstest;

use crate::support::{Pair, configs};

#[rstest]
#[case::dtls12(Version::Dtls12)]
#[case::dtls13(Version::Dtls13)]
fn a_server_can_do_without_the_client_s_certificate(#[case] version: Version) {
    let [mut client, mut server] = configs(version);
    client.credential = None;
    server.peer_check = PeerCheck::NoCertificate;
    let mut pair = Pair::new([client, server]);
    pair.run_until_connected();
    assert!(pair.server.session().peer_chain().is_empty());
    pair.assert_alive();
}

#[rstest]
#[case::dtls12(Version::Dtls12)]
#[case::dtls13(Version::Dtls13)]
fn the_peer_gets_the_alert_that_the_caller_chose(#[case] version: Version) {
    let mut pair = Pair::connected(version);
    let now = pair.now;
    pair.client.abort(now, AlertDescription::INTERNAL_ERROR);
    pair.settle();
    assert_eq!(pair.closed(Side::Client), Some(CloseReason::Local));
    let alert = CloseReason::Alert(AlertDescription::INTERNAL_ERROR);
    assert_eq!(pair.closed(Side::Server), Some(alert));
}

#[test]
fn a_running_timer_follows_the_first_timeout() {
    let mut pair = Pair::new(configs(Version::Dtls13)).on(|_, _| Vec::new());
    pair.flush();
    let now = pair.now;
    let left = |pair: &Pair| {
        pair.client.flight_timeout().map(|deadline| deadline.saturating_duration_since(pair.now))
    };
    assert_eq!(left(&pair), Some(Duration::from_millis(400)));
    pair.client.set_initial_timeout(now, Duration::from_millis(200));
    assert_eq!(left(&pair), Some(Duration::from_millis(200)));
    pair.client.set_initial_timeout(now, Duration::from_millis(1_000));
    assert_eq!(left(&pair), Some(Duration::from_millis(1_000)));
}

#[test]
fn the_first_hello_alone_looks_old() {
    let mut pair = Pair::connected(Version::Dtls13);
    pair.settle();
    let versions: Vec<[u8; 2]> = pair
        .sent
        .iter()
        .filter(|it| it.bytes[0] == 22)
        .map(|it| [it.bytes[1], it.bytes[2]])
        .collect();
    assert_eq!(versions[0], [0xfe, 0xff], "for servers that know nothing newer");
    assert!(versions[1..].iter().all(|version| *version == [0xfe, 0xfd]));
}

#[test]
fn several_messages_after_the_handshake_share_an_acknowledgement() {
    let mut pair = Pair::connected(Version::Dtls13);
    pair.settle();
    let (now, before) = (pair.now, pair.sent.len());
    pair.client.update_keys(now, false).unwrap();
    pair.settle();
    let [update, ack] = &pair.sent[before..] else {
        panic!("{} packets", pair.sent.len() - before)
    };
    let delay = ack.due.saturating_duration_since(update.due);
    assert_eq!(delay, Duration::from_millis(100) + crate::support::DELAY);
}
