//! Handshakes of version 1.3 as ladders, and ClientHellos in pieces.

use std::fmt::Write as _;

use crypto::NamedGroup;
use dtls::{
    Association, CloseReason, Config, Misdeed, Side, Version,
    wire::{HANDSHAKE_HEADER_LEN, HandshakeType},
};

use crate::support::{DELAY, Packet, Pair, configs};

/// Bytes of the header of a record without protection.
const RECORD_HEADER: usize = 13;

/// What the records of a packet look like to who has no keys.
fn describe(packet: &[u8]) -> String {
    let mut text = String::new();
    let mut rest = packet;
    while let Some(first) = rest.first().copied() {
        let separator = if text.is_empty() { "" } else { " | " };
        let length = |at: usize| usize::from(u16::from_be_bytes([rest[at], rest[at + 1]]));
        let end = if first & 0xe0 == 0x20 {
            let end = 5 + length(3);
            write!(text, "{separator}epoch …{} [{}]", first & 3, end).unwrap();
            end
        } else {
            let end = RECORD_HEADER + length(11);
            let kind = HandshakeType::new(rest[RECORD_HEADER]);
            let what = if first == 22 { kind.to_string() } else { format!("type {first}") };
            write!(text, "{separator}{what} [{end}]").unwrap();
            end
        };
        rest = &rest[end..];
    }
    text
}

/// Everything that two ends say until they have nothing more to say.
fn ladder(pair: &mut Pair) -> String {
    pair.run_until_connected();
    let mut text = String::new();
    for packet in &pair.sent {
        let arrow = if packet.from == Side::Client { ">" } else { "<" };
        let sent = packet.due - (base::Instant::ZERO + DELAY);
        let (ms, what) = (sent.as_millis(), describe(&packet.bytes));
        writeln!(text, "{ms:>5} ms  C {arrow} S  {what}").unwrap();
    }
    text
}

fn with(change: impl Fn(&mut Config)) -> [Config; 2] {
    configs(Version::Dtls13).map(|mut config| {
        change(&mut config);
        config
    })
}

#[test]
fn a_handshake_takes_one_round_trip_and_half_of_another() {
    insta::assert_snapshot!(ladder(&mut Pair::new(with(|_| ()))));
}

#[test]
fn a_share_that_is_missing_costs_a_round_trip() {
    insta::assert_snapshot!(ladder(&mut Pair::new(with(|config| {
        config.groups = vec![NamedGroup::Secp256r1, NamedGroup::X25519];
        config.key_shares = Vec::new();
    }))));
}

#[test]
fn a_hybrid_share_takes_two_datagrams_each_way() {
    insta::assert_snapshot!(ladder(&mut Pair::new(with(|config| {
        config.key_shares = vec![NamedGroup::X25519MlKem768];
    }))));
}

#[test]
fn a_lost_finished_comes_again_after_one_timeout() {
    let mut pair = Pair::new(with(|_| ()))
        .on(|index, packet: &Packet| if index == 2 { Vec::new() } else { vec![packet.clone()] });
    insta::assert_snapshot!(ladder(&mut pair));
}

/// The ClientHello cut in two at every byte, the second half first: the server answers it.
#[test]
fn a_client_hello_in_pieces_is_put_together_wherever_it_is_cut() {
    let whole = Pair::new(with(|_| ()));
    let hello = first_packet(whole);
    let message = &hello[RECORD_HEADER..];
    let body = &message[HANDSHAKE_HEADER_LEN..];
    for cut in 0..=body.len() {
        let mut pair = Pair::new(with(|_| ()));
        for range in [cut..body.len(), 0..cut] {
            let bytes = record(&hello, message, body, range);
            pair.server.receive(pair.now, &bytes);
        }
        let mut answer = Vec::new();
        assert!(pair.server.poll_packet(pair.now, &mut answer).is_some(), "cut at {cut}");
        assert!(describe(&answer).starts_with("ServerHello"), "cut at {cut}");
    }
}

fn first_packet(mut pair: Pair) -> Vec<u8> {
    let mut packet = Vec::new();
    assert!(Association::poll_packet(&mut pair.client, pair.now, &mut packet).is_some());
    packet
}

/// A record with one fragment of a message.
fn record(whole: &[u8], message: &[u8], body: &[u8], range: std::ops::Range<usize>) -> Vec<u8> {
    let u24 = |number: usize| u32::try_from(number).unwrap().to_be_bytes()[1..].to_vec();
    let fragment = &body[range.clone()];
    let mut bytes = whole[..RECORD_HEADER - 2].to_vec();
    let length = u16::try_from(HANDSHAKE_HEADER_LEN + fragment.len()).unwrap();
    bytes.extend(length.to_be_bytes());
    bytes.extend(&message[..6]);
    bytes.extend(u24(range.start));
    bytes.extend(u24(fragment.len()));
    bytes.extend(fragment);
    bytes
}

/// A ServerHello that chooses a version nobody offered: the client ends with an alert, and stays ended
/// whatever it is asked or told afterwards.
#[test]
fn a_server_hello_of_an_unknown_version_ends_the_client_for_good() {
    let chosen = [0, 43, 0, 2, 0xfe, 0xfc];
    let mut pair = Pair::new(with(|_| ())).on(move |_, packet: &Packet| {
        let mut packet = packet.clone();
        let at = packet.bytes.windows(6).position(|window| window == chosen);
        if let Some(at) = at.filter(|_| packet.from == Side::Server) {
            packet.bytes[at + 5] = 0xfb;
        }
        vec![packet]
    });
    pair.settle();
    let misdeed = CloseReason::Misdeed(Misdeed::VersionNotOffered);
    assert_eq!(pair.closed(Side::Client), Some(misdeed));
    let later = pair.now + std::time::Duration::from_secs(60);
    pair.client.handle_timeout(later);
    let mut packet = Vec::new();
    assert_eq!(pair.client.poll_packet(later, &mut packet), None);
    assert_eq!(pair.client.poll_timeout(), None);
    assert!(pair.client.send(later, b"data", &mut packet).is_err());
}

/// The client need not wait for anything after its Finished: its data is there with the handshake's end,
/// one and a half round trips after the beginning, even if it overtakes the Finished.
#[test]
fn data_of_a_client_arrives_with_its_finished_or_before_it() {
    for overtakes in [false, true] {
        let mut pair = Pair::new(with(|_| ()));
        while !pair.client.is_connected() {
            let now = pair.now;
            // Up to the arrival of the server's flight, nothing of the client's answer is fetched.
            let Some(due) = pair.under_way.front().map(|packet| packet.due) else {
                pair.flush();
                continue;
            };
            pair.now = now.max(due);
            let packet = pair.under_way.pop_front().unwrap();
            let to = packet.from.peer();
            let now = pair.now;
            pair.end(to).receive(now, &packet.bytes);
            if to == Side::Server {
                pair.flush();
            }
        }
        let (now, mut data) = (pair.now, Vec::new());
        pair.client.send(now, b"first words", &mut data).unwrap();
        if overtakes {
            pair.launch(Side::Client, data);
            pair.flush();
        } else {
            pair.flush();
            pair.launch(Side::Client, data);
        }
        assert!(!pair.server.is_connected());
        assert!(pair.step());
        assert_eq!(pair.now - base::Instant::ZERO, 3 * DELAY);
        assert!(pair.server.is_connected());
        assert_eq!(pair.data, [(Side::Server, b"first words".to_vec())], "{overtakes}");
    }
}
