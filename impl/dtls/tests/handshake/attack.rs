//! What those who are not the peer can send, and what a peer that misbehaves gets.

use std::sync::Arc;

use base::{Instant, Rng};
use dtls::{
    Association, CloseReason, DropReason, Event, ExportError, Misdeed, PeerCheck, SendError, Side,
    Version,
};
use rstest::rstest;

use crate::support::{Pair, configs, fingerprint};

/// A record without protection.
fn plain(kind: u8, sequence: u64, payload: &[u8]) -> Vec<u8> {
    let mut record = vec![kind, 0xfe, 0xfd, 0, 0];
    record.extend(&sequence.to_be_bytes()[2..]);
    record.extend(u16::try_from(payload.len()).unwrap().to_be_bytes());
    record.extend(payload);
    record
}

/// The first ClientHello of a stranger.
fn strange_hello(version: Version) -> Vec<u8> {
    let [config, _] = configs(version);
    let rng = Rng::from_seed([99; 32]);
    let mut stranger = Association::client(Arc::new(config), rng, Instant::ZERO);
    let mut bytes = Vec::new();
    stranger.poll_packet(Instant::ZERO, &mut bytes).unwrap();
    bytes
}

#[rstest]
fn data_without_keys_is_never_delivered(
    #[values(Version::Dtls12, Version::Dtls13)] version: Version,
    #[values(Side::Client, Side::Server)] victim: Side,
) {
    let mut pair = Pair::new(configs(version));
    let mut injected = 0;
    loop {
        let now = pair.now;
        pair.end(victim).receive(now, &plain(23, 1_000 + injected, b"forged"));
        injected += 1;
        if !pair.step() || injected > 200 {
            break;
        }
    }
    assert!(pair.client.is_connected() && pair.server.is_connected());
    assert_eq!(pair.data, []);
    assert_eq!(pair.end(victim).stats().dropped.count(DropReason::UnprotectedData), injected);
    pair.assert_alive();
}

#[rstest]
fn nothing_without_keys_harms_an_association(
    #[values(Version::Dtls12, Version::Dtls13)] version: Version,
    #[values(Side::Client, Side::Server)] victim: Side,
) {
    let mut pair = Pair::connected(version);
    let now = pair.now;
    let sent = pair.sent.len();
    let fatal = plain(21, 70, &[2, 40]);
    let close = plain(21, 71, &[1, 0]);
    let change = plain(20, 72, &[1]);
    let hello_request = plain(22, 73, &[0; 12]);
    let malformed = [&[][..], &[2], &[1, 1]].map(|payload| plain(20, 74, payload));
    let others = [fatal, close, change, hello_request, strange_hello(version)];
    for forged in malformed.iter().chain(&others) {
        pair.end(victim).receive(now, forged);
        pair.settle();
    }
    assert_eq!(pair.sent.len(), sent, "no answer to any of it");
    assert_eq!(pair.closed(victim), None);
    pair.assert_alive();
}

#[rstest]
fn forged_records_of_coming_epochs_move_nothing(
    #[values(Version::Dtls12, Version::Dtls13)] version: Version,
) {
    let mut pair = Pair::connected(version);
    let now = pair.now;
    for epoch in 1..=3_u8 {
        for sequence in [0, 1 << 20, (1 << 47) | 5, (1 << 48) - 1] {
            let mut forged = plain(23, sequence, &[7; 64]);
            forged[4] = epoch;
            pair.server.receive(now, &forged);
            pair.server.receive(now, &[&[0x2c | epoch, 0xff, 0xff, 0, 64][..], &[7; 64]].concat());
        }
    }
    pair.assert_alive();
    assert_eq!(pair.closed(Side::Server), None);
}

#[rstest]
fn records_before_their_keys_are_kept_in_small_number(
    #[values(Version::Dtls12, Version::Dtls13)] version: Version,
) {
    let mut pair = Pair::new(configs(version));
    let now = pair.now;
    let mut held = 0;
    for sequence in 0..10_000 {
        let mut forged = plain(22, sequence, &[7; 100]);
        forged[4] = 1;
        pair.client.receive(now, &forged);
        if sequence == 20 {
            held = pair.client.held();
        }
    }
    assert_eq!(pair.client.held(), held, "no more than after the first few");
    assert!(held < 16 * 1024, "{held}");
    let dropped = &pair.client.stats().dropped;
    assert_eq!(dropped.count(DropReason::EarlyEpoch), 8);
    assert_eq!(dropped.count(DropReason::TooManyEarlyRecords), 9_992);
    pair.run_until_connected();
    pair.assert_alive();
}

#[rstest]
fn records_that_do_not_open_are_dropped_without_a_word(
    #[values(Version::Dtls12, Version::Dtls13)] version: Version,
) {
    let mut pair = Pair::connected(version);
    let mut genuine = Vec::new();
    let now = pair.now;
    pair.client.send(now, b"genuine", &mut genuine).unwrap();
    let sent = pair.sent.len();
    for index in 0..20_000 {
        let mut bad = genuine.clone();
        let at = bad.len() - 1 - index % 16;
        bad[at] ^= 1 << (index % 8);
        pair.server.receive(now, &bad);
    }
    pair.settle();
    assert_eq!(pair.sent.len(), sent, "not a word");
    assert_eq!(pair.server.stats().dropped.count(DropReason::BadTag), 20_000);
    pair.launch(Side::Client, genuine);
    pair.settle();
    assert_eq!(pair.data, [(Side::Server, b"genuine".to_vec())]);
    pair.assert_alive();
}

#[rstest]
fn a_recorded_handshake_that_is_replayed_stops_no_data(
    #[values(Version::Dtls12, Version::Dtls13)] version: Version,
) {
    let mut pair = Pair::connected(version);
    let recorded = pair.sent.clone();
    let now = pair.now;
    let held = pair.client.held() + pair.server.held();
    for _ in 0..2_000 {
        for packet in &recorded {
            pair.end(packet.from.peer()).receive(now, &packet.bytes);
        }
    }
    pair.settle();
    assert!(pair.sent.len() < recorded.len() + 40, "{} answers", pair.sent.len() - recorded.len());
    assert!(pair.client.held() + pair.server.held() <= held + 1_024);
    pair.assert_alive();
}

#[rstest]
fn a_certificate_that_is_not_the_one_of_the_signalling_ends_it(
    #[values(Version::Dtls12, Version::Dtls13)] version: Version,
    #[values(Side::Client, Side::Server)] careful: Side,
    #[values(false, true)] other_certificate: bool,
) {
    let [mut client, mut server] = configs(version);
    let (ours, theirs) = match careful {
        Side::Client => (&mut client, &mut server),
        Side::Server => (&mut server, &mut client),
    };
    let wanted = if other_certificate {
        // A good certificate, but our own.
        fingerprint(ours)
    } else {
        // The right one but for a digit.
        let text = fingerprint(theirs).to_string();
        let last = if text.ends_with('0') { "1" } else { "0" };
        format!("{}{last}", &text[..text.len() - 1]).parse().unwrap()
    };
    ours.peer_check = PeerCheck::Fingerprints(vec![wanted]);
    let mut pair = Pair::new([client, server]);
    pair.settle();
    let reason = CloseReason::Misdeed(Misdeed::FingerprintMismatch);
    assert_eq!(pair.closed(careful), Some(reason));
    assert!(pair.closed(careful.peer()).is_some(), "the other end was told");
    assert!(!pair.events.contains(&(careful, Event::Connected)));
    assert_useless(&mut pair, careful);
}

/// Asserts that an end neither sends, nor delivers, nor exports.
fn assert_useless(pair: &mut Pair, side: Side) {
    let now = pair.now;
    let end = pair.end(side);
    let mut out = Vec::new();
    assert!(end.send(now, b"data", &mut out).is_err());
    assert_eq!(end.export(b"label", None, &mut [0; 8]), Err(ExportError::NotConnected));
    assert!(end.srtp_keys().is_none());
    assert_eq!(end.poll_data(), None);
    assert!(out.is_empty());
}

#[rstest]
fn no_fingerprint_means_nobody(#[values(Version::Dtls12, Version::Dtls13)] version: Version) {
    let [mut client, server] = configs(version);
    client.peer_check = PeerCheck::default();
    let mut pair = Pair::new([client, server]);
    pair.settle();
    let reason = CloseReason::Misdeed(Misdeed::FingerprintMismatch);
    assert_eq!(pair.closed(Side::Client), Some(reason));
}

#[rstest]
fn nothing_flows_before_the_fingerprint_that_comes_later(
    #[values(Version::Dtls12, Version::Dtls13)] version: Version,
    #[values(Side::Client, Side::Server)] patient: Side,
    #[values(false, true)] is_right: bool,
) {
    let [mut client, mut server] = configs(version);
    let prints = [fingerprint(&client), fingerprint(&server)];
    let (config, right, wrong) = match patient {
        Side::Client => (&mut client, &prints[1], &prints[0]),
        Side::Server => (&mut server, &prints[0], &prints[1]),
    };
    config.peer_check = PeerCheck::Later;
    let mut pair = Pair::new([client, server]);
    pair.settle();
    assert!(pair.end(patient.peer()).is_connected());
    assert!(pair.events.contains(&(patient, Event::PeerCertificate)));
    pair.say(patient.peer(), b"early");
    assert_eq!(pair.data, []);
    assert_useless(&mut pair, patient);
    let now = pair.now;
    assert_eq!(pair.end(patient).send(now, b"x", &mut Vec::new()), Err(SendError::NotConnected));
    let chosen = if is_right { right } else { wrong };
    pair.end(patient).set_remote_fingerprints(now, vec![chosen.clone()]).unwrap();
    pair.settle();
    if is_right {
        assert_eq!(pair.data, [(patient, b"early".to_vec())], "what came early is there now");
        pair.assert_alive();
    } else {
        let reason = CloseReason::Misdeed(Misdeed::FingerprintMismatch);
        assert_eq!(pair.closed(patient), Some(reason));
        assert_eq!(pair.data, []);
        assert_useless(&mut pair, patient);
    }
}

#[rstest]
fn an_application_that_fetches_nothing_costs_a_bounded_amount(
    #[values(Version::Dtls12, Version::Dtls13)] version: Version,
) {
    let mut pair = Pair::connected(version);
    let now = pair.now;
    for _ in 0..1_000 {
        let mut packet = Vec::new();
        pair.client.send(now, &[7; 1_000], &mut packet).unwrap();
        pair.server.receive(now, &packet);
    }
    assert!(pair.server.held() <= 300 * 1024);
    let dropped = pair.server.stats().dropped.count(DropReason::InboxFull);
    let mut delivered = 0;
    while pair.server.poll_data().is_some() {
        delivered += 1;
    }
    assert_eq!(delivered + dropped, 1_000);
    assert!(dropped > 0);
    pair.assert_alive();
}

#[rstest]
fn no_length_of_datagram_panics(#[values(Version::Dtls12, Version::Dtls13)] version: Version) {
    let mut pair = Pair::connected(version);
    let now = pair.now;
    let mut big = Vec::new();
    pair.client.send(now, &[1; 16_384], &mut big).unwrap();
    assert_eq!(
        pair.client.send(now, &[1; 16_385], &mut Vec::new()),
        Err(SendError::TooLong),
        "longer than a record"
    );
    pair.server.receive(now, &big);
    assert_eq!(pair.server.poll_data().map(<[u8]>::len), Some(16_384));
    for first in [20, 21, 22, 23, 24, 25, 26, 0x20, 0x2c, 0x3f, 0xff] {
        for length in (0..80).chain([65_535]) {
            let mut junk = vec![first; length];
            pair.server.receive(now, &junk);
            if length > 13 {
                junk[3..13].fill(0);
                junk[11..13].fill(0xff);
                pair.server.receive(now, &junk);
            }
        }
    }
    pair.assert_alive();
}

#[rstest]
fn randoms_differ_and_look_like_chance(
    #[values(Version::Dtls12, Version::Dtls13)] version: Version,
) {
    let mut seen = std::collections::BTreeSet::new();
    let mut counts = [0_u32; 256];
    for index in 0..300 {
        let [config, _] = configs(version);
        let rng = Rng::from_seed([7; 32]).fork_numbered("hello", index);
        let mut client = Association::client(Arc::new(config), rng, Instant::ZERO);
        let mut bytes = Vec::new();
        client.poll_packet(Instant::ZERO, &mut bytes).unwrap();
        // Behind the headers of record and message, and the version.
        let random = bytes[13 + 12 + 2..][..32].to_vec();
        random.iter().for_each(|byte| counts[usize::from(*byte)] += 1);
        assert!(seen.insert(random), "a random that came before");
    }
    assert!(counts.iter().all(|&count| (10..80).contains(&count)), "{counts:?}");
}
