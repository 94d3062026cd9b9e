//! Keys in use: nonces, updates, endings.

use dtls::{CloseReason, DropReason, Event, Side, UpdateKeysError, Version};
use rstest::rstest;

use crate::support::{Pair, configs};

/// The explicit nonces and the numbers of the protected records of version 1.2 in a datagram.
fn nonces(datagram: &[u8]) -> Vec<(u64, u64)> {
    let mut rest = datagram;
    let mut found = Vec::new();
    while rest.len() > 13 {
        let length = usize::from(u16::from_be_bytes([rest[11], rest[12]]));
        let number = u64::from_be_bytes(rest[3..11].try_into().unwrap());
        if rest[4] > 0 {
            found.push((number, u64::from_be_bytes(rest[13..21].try_into().unwrap())));
        }
        rest = &rest[13 + length..];
    }
    found
}

#[test]
fn explicit_nonces_are_the_numbers_of_records_and_only_rise() {
    // The server's last datagram is lost, so that both repeat what they sent.
    let mut pair = Pair::new(configs(Version::Dtls12)).on(|index, packet| {
        if packet.from == Side::Server && index < 12 && nonces(&packet.bytes).len() == 1 {
            return Vec::new();
        }
        vec![packet.clone()]
    });
    while !pair.client.is_connected() {
        assert!(pair.step());
    }
    for _ in 0..2_000 {
        for side in [Side::Client, Side::Server] {
            let now = pair.now;
            let mut packet = Vec::new();
            pair.end(side).send(now, b"data", &mut packet).unwrap();
            pair.launch(side, packet);
        }
    }
    for side in [Side::Client, Side::Server] {
        let sent = pair.sent.iter().filter(|packet| packet.from == side);
        let all: Vec<_> = sent.flat_map(|packet| nonces(&packet.bytes)).collect();
        assert!(all.len() > 2_001, "repetitions too");
        assert!(all.iter().all(|(number, nonce)| number == nonce));
        assert!(all.windows(2).all(|pair| pair[0].1 < pair[1].1));
    }
}

#[rstest]
fn either_end_updates_keys_and_data_flows_on(
    #[values(Side::Client, Side::Server)] side: Side,
    #[values(false, true)] request_peer: bool,
) {
    let mut pair = Pair::connected(Version::Dtls13);
    for round in 0..5 {
        let now = pair.now;
        pair.end(side).update_keys(now, request_peer).unwrap();
        assert_eq!(pair.end(side).update_keys(now, false), Err(UpdateKeysError::UnderWay));
        pair.settle();
        assert!(pair.events.contains(&(side, Event::KeysUpdated { sending: 4 + round })));
        let other = Event::PeerKeysUpdated { receiving: 4 + round };
        assert!(pair.events.contains(&(side.peer(), other)));
        let answered =
            pair.events.contains(&(side.peer(), Event::KeysUpdated { sending: 4 + round }));
        assert_eq!(answered, request_peer);
        pair.assert_alive();
    }
}

#[rstest]
fn an_update_of_keys_survives_the_loss_of_any_datagram(#[values(0, 1, 2, 3)] lost: usize) {
    let mut pair = Pair::connected(Version::Dtls13);
    let base = pair.sent.len();
    pair = pair.on(
        move |index, packet| {
            if index == base + lost { Vec::new() } else { vec![packet.clone()] }
        },
    );
    let now = pair.now;
    pair.client.update_keys(now, true).unwrap();
    pair.settle();
    assert!(pair.events.contains(&(Side::Client, Event::KeysUpdated { sending: 4 })));
    assert!(pair.events.contains(&(Side::Server, Event::KeysUpdated { sending: 4 })));
    pair.assert_alive();
}

#[test]
fn version_1_2_has_no_update_of_keys() {
    let mut pair = Pair::connected(Version::Dtls12);
    let now = pair.now;
    assert_eq!(pair.client.update_keys(now, false), Err(UpdateKeysError::Version));
}

#[rstest]
fn closing_tells_the_peer_and_data_before_it_arrives(
    #[values(Version::Dtls12, Version::Dtls13)] version: Version,
    #[values(Side::Client, Side::Server)] side: Side,
) {
    let mut pair = Pair::connected(version);
    let now = pair.now;
    let mut last = Vec::new();
    pair.end(side).send(now, b"last words", &mut last).unwrap();
    pair.launch(side, last);
    pair.end(side).close(now);
    pair.end(side).close(now);
    pair.settle();
    assert_eq!(pair.closed(side), Some(CloseReason::Local));
    assert_eq!(pair.closed(side.peer()), Some(CloseReason::Peer));
    assert_eq!(pair.data, [(side.peer(), b"last words".to_vec())]);
    assert_eq!(pair.end(side).poll_timeout(), None);
    assert_eq!(pair.end(side.peer()).poll_timeout(), None);
}

#[rstest]
fn a_certificate_that_does_not_match_is_found_whatever_the_path_does(
    #[values(Version::Dtls12, Version::Dtls13)] version: Version,
    #[values(Side::Client, Side::Server)] careful: Side,
    #[values(0, 1, 2, 3, 4, 5)] lost: usize,
    #[values(false, true)] twice: bool,
) {
    let [mut client, mut server] = configs(version);
    let ours = if careful == Side::Client { &mut client } else { &mut server };
    ours.peer_check = dtls::PeerCheck::Fingerprints(vec![crate::support::fingerprint(ours)]);
    let mut pair =
        Pair::new([client, server]).on(move |index, packet| match (index == lost, twice) {
            (true, false) => Vec::new(),
            (true, true) => vec![packet.clone(), packet.clone()],
            (false, _) => vec![packet.clone()],
        });
    while pair.closed(careful).is_none() {
        assert!(pair.step());
        let end = pair.end(careful);
        assert!(!end.is_connected() && end.srtp_keys().is_none());
    }
}

#[test]
fn data_that_overtakes_the_finished_is_not_delivered_before_it() {
    let mut pair = Pair::new(configs(Version::Dtls12));
    while !pair.server.is_connected() {
        assert!(pair.step());
    }
    // The server has finished; the client has not heard of it.
    let now = pair.now;
    let mut early = Vec::new();
    pair.server.send(now, b"early", &mut early).unwrap();
    pair.client.receive(now, &early);
    assert_eq!(pair.client.poll_data(), None);
    assert_eq!(pair.client.stats().dropped.count(DropReason::EarlyEpoch), 1);
    pair.run_until_connected();
    assert_eq!(pair.data, [(Side::Client, b"early".to_vec())]);
    pair.assert_alive();
}

#[test]
fn connection_ids_are_asked_for_given_and_changed() {
    let ids = configs(Version::Dtls13).map(|mut config| {
        config.connection_id = Some(4);
        config
    });
    let mut pair = Pair::new(ids);
    pair.run_until_connected();
    let now = pair.now;
    let first = pair.client.session().peer_connection_id().to_vec();
    assert!(!pair.client.change_connection_id(now), "none was given yet");
    assert!(pair.client.request_connection_ids(now, 2));
    pair.settle();
    for _ in 0..2 {
        assert!(pair.client.change_connection_id(now));
        assert_ne!(pair.client.session().peer_connection_id(), first);
        pair.assert_alive();
    }
    assert!(!pair.client.change_connection_id(now), "both are used");
    assert!(pair.server.give_connection_ids(now, 1, true));
    let before = pair.client.session().peer_connection_id().to_vec();
    pair.settle();
    assert_ne!(pair.client.session().peer_connection_id(), before, "at once");
    pair.assert_alive();
}

#[rstest]
fn padding_hides_the_length_of_data(#[values(1, 64)] unit: u16) {
    let padded = configs(Version::Dtls13).map(|mut config| {
        config.record_padding = unit;
        config
    });
    let mut pair = Pair::new(padded);
    pair.run_until_connected();
    let now = pair.now;
    let size = |pair: &mut Pair, data: &[u8]| pair.client.send(now, data, &mut Vec::new()).unwrap();
    assert_eq!(size(&mut pair, b"x") == size(&mut pair, b"longer"), unit > 1);
    pair.assert_alive();
}
