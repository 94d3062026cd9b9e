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
