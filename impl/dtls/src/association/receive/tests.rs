//! What arrives in the wrong epoch, and acknowledgements across directions.

use std::{sync::Arc, time::Duration};

use base::{Rng, WallTime};
use crypto::{CertificateParams, EcdsaCurve};

use super::*;
use crate::{Config, Credential, PeerCheck, flight::Expect};

/// Two ends whose handshake of version 1.3 is over.
fn connected() -> (Association, Association) {
    let provider = crypto::aws_lc_rs();
    let params = CertificateParams {
        common_name: "peer",
        curve: EcdsaCurve::P256,
        not_before: WallTime::from_unix(Duration::ZERO),
        not_after: WallTime::from_unix(Duration::from_secs(2_000_000_000)),
    };
    let mut rng = Rng::from_seed([7; 32]);
    let identity = provider.self_signed(&params, &mut rng).unwrap();
    let mut config = Config::new(provider, Credential::new(identity));
    config.min_version = Version::Dtls13;
    config.peer_check = PeerCheck::NoCertificate;
    let config = Arc::new(config);
    let now = Instant::ZERO;
    let mut client = Association::client(Arc::clone(&config), rng.fork("client"), now);
    let mut server = Association::server(config, rng.fork("server"), now);
    for _ in 0..4 {
        deliver(&mut client, &mut server);
        deliver(&mut server, &mut client);
    }
    assert!(client.is_connected() && server.is_connected());
    (client, server)
}

fn deliver(from: &mut Association, to: &mut Association) {
    let mut packet = Vec::new();
    while from.poll_packet(Instant::ZERO, &mut packet).is_some() {
        to.receive(Instant::ZERO, &std::mem::take(&mut packet));
    }
}

#[test]
fn data_under_the_keys_of_the_handshake_ends_an_association_that_is_over_them() {
    for payload in [&b"data"[..], b""] {
        let (mut client, mut server) = connected();
        let mut packet = Vec::new();
        let kind = ContentType::APPLICATION_DATA;
        let _number = client.records.seal(2, kind, payload, &mut packet).unwrap();
        server.receive(Instant::ZERO, &packet);
        assert_eq!(server.poll_data(), None);
        assert!(server.is_closed());
    }
}

#[test]
fn a_new_message_under_the_keys_of_the_handshake_ends_an_association_that_is_over_them() {
    let (mut client, mut server) = connected();
    let message_seq = client.outbox.next_message_seq().unwrap();
    let mut payload = Vec::new();
    let header = crate::wire::HandshakeHeader::whole(HandshakeType::FINISHED, message_seq, 0);
    header.write(&mut base::Writer::new(&mut payload));
    let mut packet = Vec::new();
    let kind = ContentType::HANDSHAKE;
    let _number = client.records.seal(2, kind, &payload, &mut packet).unwrap();
    server.receive(Instant::ZERO, &packet);
    let closed = CloseReason::Misdeed(Misdeed::DataAcrossKeyChange);
    let mut events = std::iter::from_fn(|| server.poll_event());
    assert!(events.any(|event| event == Event::Closed(closed)));
}

#[test]
fn keys_are_updated_twice_though_only_one_direction_changes() {
    let (mut client, mut server) = connected();
    for sending in [4, 5] {
        client.update_keys(Instant::ZERO, false).unwrap();
        deliver(&mut client, &mut server);
        // Acknowledgements may wait for a timer.
        if let Some(deadline) = server.poll_timeout() {
            server.handle_timeout(deadline);
        }
        deliver(&mut server, &mut client);
        let mut events = std::iter::from_fn(|| client.poll_event());
        assert!(events.any(|event| event == Event::KeysUpdated { sending }), "{sending}");
    }
}

#[test]
fn what_was_sealed_before_a_record_that_cannot_be_is_sent_and_counted() {
    let (mut client, mut server) = connected();
    client.outbox.begin_flight();
    let update = [0];
    for epoch in [3, 9] {
        let _message_seq = client.outbox.push(epoch, HandshakeType::KEY_UPDATE, &update);
    }
    client.outbox.end_flight(Instant::ZERO, Expect::Acknowledgement);
    let before = client.stats().datagrams_sent;
    let mut packet = Vec::new();
    assert_eq!(client.poll_packet(Instant::ZERO, &mut packet), Some(packet.len()));
    assert_eq!(client.stats().datagrams_sent, before + 1);
    server.receive(Instant::ZERO, &packet);
    assert_eq!(server.records.read_epoch(), 4, "the first of the two arrived");
    assert_eq!(client.poll_packet(Instant::ZERO, &mut packet), None);
}
