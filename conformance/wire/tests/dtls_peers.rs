//! The suite's DTLS peers, one against the other.

use std::collections::VecDeque;

use rstest::rstest;
use wire::dtls::{Packing, Peer, Profile, SRTP_LABEL, Side, Version, code::group, code::handshake};

fn pair(versions: &[Version], change: impl Fn(&mut Profile)) -> (Peer, Peer) {
    let make = |side, seed: u8| {
        let mut profile = Profile::new(side, versions, [seed; 32]);
        change(&mut profile);
        Peer::new(profile)
    };
    (make(Side::Client, 1), make(Side::Server, 2))
}

/// Lets both talk until nothing is left to say.
fn talk(client: &mut Peer, server: &mut Peer, packing: Packing) {
    let first = client.start();
    let mut wire: VecDeque<(Side, Vec<u8>)> =
        client.pack_with(&first, packing).into_iter().map(|d| (Side::Client, d)).collect();
    for _ in 0..2_000 {
        let Some((from, datagram)) = wire.pop_front() else { return };
        let peer = if from == Side::Client { &mut *server } else { &mut *client };
        for flight in peer.receive(&datagram) {
            let side = peer.side();
            wire.extend(peer.pack_with(&flight, packing).into_iter().map(|d| (side, d)));
        }
    }
    panic!("they never end");
}

fn assert_connected(client: &Peer, server: &Peer) {
    assert_eq!(client.log.faults, [""; 0]);
    assert_eq!(server.log.faults, [""; 0]);
    assert!(client.is_connected() && server.is_connected());
    let (one, two) = (client.export(SRTP_LABEL, None, 60), server.export(SRTP_LABEL, None, 60));
    assert!(one.is_some() && one == two);
    assert_eq!(client.negotiated.srtp, server.negotiated.srtp);
    assert!(client.negotiated.is_proved && server.negotiated.is_proved);
}

#[rstest]
fn a_handshake_completes(
    #[values(Version::Dtls12, Version::Dtls13)] version: Version,
    #[values(
        Packing::of_mtu(1_200),
        Packing::of_mtu(250),
        Packing::single(1),
        Packing::single(100)
    )]
    packing: Packing,
    #[values("plain", "cookie", "group", "cid", "limits")] kind: &str,
) {
    let (mut client, mut server) = pair(&[version], |profile| match kind {
        "cookie" => profile.cookie = Some(vec![9; 20]),
        "group" => {
            profile.groups = vec![group::P256, group::X25519];
            profile.retry_group = Some(group::P256);
        }
        "cid" => profile.connection_id = Some(vec![profile.side as u8; 4]),
        "limits" => profile.record_size_limit = Some(512),
        _ => {}
    });
    talk(&mut client, &mut server, packing);
    assert_connected(&client, &server);
    let datagram = client.data(b"hello");
    assert!(server.receive(&datagram).is_empty());
    assert_eq!(server.log.data.last().unwrap().1, b"hello");
}

#[rstest]
#[case(&[Version::Dtls13, Version::Dtls12], &[Version::Dtls12], Version::Dtls12)]
#[case(&[Version::Dtls13, Version::Dtls12], &[Version::Dtls13, Version::Dtls12], Version::Dtls13)]
#[case(&[Version::Dtls12], &[Version::Dtls13, Version::Dtls12], Version::Dtls12)]
fn the_best_common_version_is_taken(
    #[case] offered: &[Version],
    #[case] taken: &[Version],
    #[case] best: Version,
) {
    let mut client = Peer::new(Profile::new(Side::Client, offered, [1; 32]));
    let mut server = Peer::new(Profile::new(Side::Server, taken, [2; 32]));
    talk(&mut client, &mut server, Packing::of_mtu(1_200));
    assert_connected(&client, &server);
    assert_eq!(client.negotiated.version, Some(best));
}

#[test]
fn keys_change_when_a_key_update_is_acknowledged() {
    let (mut client, mut server) = pair(&[Version::Dtls13], |_| {});
    talk(&mut client, &mut server, Packing::of_mtu(1_200));
    let update = client.key_update(true);
    let mut answers = Vec::new();
    for datagram in client.pack(&update) {
        for flight in server.receive(&datagram) {
            answers.extend(server.pack(&flight));
        }
    }
    for datagram in answers {
        for flight in client.receive(&datagram) {
            for back in client.pack(&flight) {
                assert!(server.receive(&back).is_empty());
            }
        }
    }
    assert_eq!((client.records.write_epoch(), client.records.read_epoch()), (4, 4));
    assert_eq!((server.records.write_epoch(), server.records.read_epoch()), (4, 4));
    let datagram = server.data(b"hello");
    client.receive(&datagram);
    assert_eq!(client.log.data, [(4, b"hello".to_vec())]);
    assert_eq!(client.log.faults, [""; 0]);
}

#[rstest]
fn a_lie_that_both_sides_hash_is_seen_by_the_signature_alone(
    #[values(Version::Dtls12, Version::Dtls13)] version: Version,
) {
    let (mut client, mut server) = pair(&[version], |_| {});
    server.edit_all(move |mut message| {
        let spoiled = match version {
            Version::Dtls12 => handshake::SERVER_KEY_EXCHANGE,
            Version::Dtls13 => handshake::CERTIFICATE_VERIFY,
        };
        if message.kind == spoiled {
            *message.body.last_mut().unwrap() ^= 1;
        }
        vec![message]
    });
    talk(&mut client, &mut server, Packing::of_mtu(1_200));
    assert!(!client.negotiated.is_proved);
    assert!(!client.log.faults.is_empty());
}

#[rstest]
fn a_lie_of_a_forger_on_the_path_breaks_finished(
    #[values(Version::Dtls12, Version::Dtls13)] version: Version,
) {
    let (mut client, mut server) = pair(&[version], |_| {});
    let hello = client.start();
    let mut forged = hello.clone();
    for message in forged.messages_mut() {
        let mut hello = wire::dtls::ClientHello::read(&message.body).unwrap();
        hello.suites.push(0xc02c);
        message.body = hello.write();
    }
    let mut wire: VecDeque<(Side, Vec<u8>)> =
        client.pack(&forged).into_iter().map(|d| (Side::Client, d)).collect();
    while let Some((from, datagram)) = wire.pop_front() {
        let peer = if from == Side::Client { &mut server } else { &mut client };
        for flight in peer.receive(&datagram) {
            let side = peer.side();
            wire.extend(peer.pack(&flight).into_iter().map(|d| (side, d)));
        }
    }
    assert!(!client.is_connected() && !server.is_connected());
    // In 1.2 the client's proof does not fit, in 1.3 no key does.
    match version {
        Version::Dtls12 => assert_eq!(server.log.faults, ["CertificateVerify is wrong"]),
        Version::Dtls13 => assert_eq!(client.log.unread.first().unwrap().1, "the tag is wrong"),
    }
}
