//! What arrives in the wrong epoch, and acknowledgements across directions.

use std::{sync::Arc, time::Duration};

use base::{Rng, WallTime};
use crypto::{CertificateParams, EcdsaCurve};
use rstest::rstest;

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
    config.connection_id = Some(4);
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
    let (mut client, _) = connected();
    // The last number there is, for two flights.
    client.records.set_next_sequence(0, (1 << 48) - 1);
    for _ in 0..2 {
        client.outbox.begin_flight();
        let _message_seq = client.outbox.push(0, HandshakeType::FINISHED, &[0]);
        client.outbox.end_flight(Instant::ZERO, Expect::Acknowledgement);
    }
    let before = client.stats().datagrams_sent;
    let mut packet = Vec::new();
    let size = client.poll_packet(Instant::ZERO, &mut packet);
    assert!(!packet.is_empty() && size == Some(packet.len()));
    assert_eq!(client.stats().datagrams_sent, before + 1);
    assert_eq!(client.poll_packet(Instant::ZERO, &mut packet), None);
    assert_eq!(size, Some(packet.len()));
}

/// A message of `from`, whole, in a record of `epoch`.
fn sealed(from: &mut Association, epoch: u64, kind: HandshakeType, message_seq: u16) -> Vec<u8> {
    let body: &[u8] = match kind {
        HandshakeType::REQUEST_CONNECTION_ID => &[1],
        // One id, to be kept for later.
        HandshakeType::NEW_CONNECTION_ID => &[0, 5, 4, 9, 9, 9, 9, 1],
        // The peer is not asked for new keys.
        HandshakeType::KEY_UPDATE => &[0],
        // A ticket of one byte, with neither nonce nor extensions.
        _ => &[0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 1, 7, 0, 0],
    };
    let mut payload = Vec::new();
    let length = u32::try_from(body.len()).unwrap();
    let header = crate::wire::HandshakeHeader::whole(kind, message_seq, length);
    header.write(&mut base::Writer::new(&mut payload));
    payload.extend_from_slice(body);
    let mut packet = Vec::new();
    let _number = from.records.seal(epoch, ContentType::HANDSHAKE, &payload, &mut packet).unwrap();
    packet
}

/// Delivers what was sealed in the order in which it is given, and says what ended the association.
fn told(end: &mut Association, packets: &[Vec<u8>]) -> Option<Misdeed> {
    packets.iter().for_each(|packet| end.receive(Instant::ZERO, packet));
    std::iter::from_fn(|| end.poll_event()).find_map(|event| match event {
        Event::Closed(CloseReason::Misdeed(misdeed)) => Some(misdeed),
        _ => None,
    })
}

#[rstest]
fn what_a_peer_says_of_connection_ids_beside_an_update_is_taken_whenever_it_comes(
    #[values(HandshakeType::REQUEST_CONNECTION_ID, HandshakeType::NEW_CONNECTION_ID)]
    kind: HandshakeType,
    #[values("before the update", "after it", "after the new keys")] comes: &str,
) {
    let (mut client, mut server) = connected();
    let next = client.outbox.next_message_seq().unwrap();
    let other = [sealed(&mut client, 3, kind, next + 1)];
    if comes == "before the update" {
        assert_eq!(told(&mut server, &other), None);
    }
    client.update_keys(Instant::ZERO, false).unwrap();
    deliver(&mut client, &mut server);
    if comes == "after the new keys" {
        let deadline = server.poll_timeout().unwrap();
        server.handle_timeout(deadline);
        deliver(&mut server, &mut client);
        let mut data = Vec::new();
        client.send(Instant::ZERO, b"new", &mut data).unwrap();
        server.receive(Instant::ZERO, &data);
        assert_eq!(server.poll_data(), Some(&b"new"[..]));
    }
    if comes != "before the update" {
        assert_eq!(told(&mut server, &other), None);
    }
    assert_eq!((server.is_connected(), server.records.read_epoch()), (true, 4));
    let epoch = client.records.write_epoch();
    let expected = sealed(&mut client, epoch, UPDATE, next + 2);
    let is_new = comes == "after the new keys";
    assert_eq!(told(&mut server, &[expected]).is_none(), is_new, "an update needs the new keys");
}

#[rstest]
#[case::a_second_update(UPDATE, false)]
#[case::a_second_update_first(UPDATE, true)]
#[case::a_ticket(HandshakeType::NEW_SESSION_TICKET, false)]
#[case::a_ticket_first(HandshakeType::NEW_SESSION_TICKET, true)]
fn what_may_not_follow_an_update_in_its_epoch_ends_the_association(
    #[case] kind: HandshakeType,
    #[case] is_first: bool,
) {
    let (mut client, mut server) = connected();
    let next = server.outbox.next_message_seq().unwrap();
    let update = sealed(&mut server, 3, UPDATE, next);
    let other = sealed(&mut server, 3, kind, next + 1);
    let packets = if is_first { [other, update] } else { [update, other] };
    assert_eq!(told(&mut client, &packets), Some(Misdeed::DataAcrossKeyChange));
}

#[test]
fn nothing_new_comes_in_the_old_epoch_after_a_message_of_the_new_one() {
    let (mut client, mut server) = connected();
    let next = client.outbox.next_message_seq().unwrap();
    let request = HandshakeType::REQUEST_CONNECTION_ID;
    let late = [sealed(&mut client, 3, request, next + 2)];
    client.update_keys(Instant::ZERO, false).unwrap();
    deliver(&mut client, &mut server);
    let deadline = server.poll_timeout().unwrap();
    server.handle_timeout(deadline);
    deliver(&mut server, &mut client);
    let given = [sealed(&mut client, 4, request, next + 1)];
    assert_eq!(told(&mut server, &given), None);
    assert_eq!(told(&mut server, &late), Some(Misdeed::DataAcrossKeyChange));
}

#[test]
fn a_record_without_our_connection_id_shows_nobody_s_address() {
    let (mut client, mut server) = connected();
    let data = |client: &mut Association| {
        let mut packet = Vec::new();
        client.send(Instant::ZERO, b"data", &mut packet).unwrap();
        packet
    };
    let first = data(&mut client);
    assert!(server.receive_elsewhere(Instant::ZERO, &first));
    // Behind one with the id that is not new.
    client.records.use_connection_id(&[]);
    let both = [first, data(&mut client)].concat();
    assert!(!server.receive_elsewhere(Instant::ZERO, &both));
    assert_eq!(server.stats().dropped.count(DropReason::UnknownConnectionId), 1);
}

const UPDATE: HandshakeType = HandshakeType::KEY_UPDATE;
