//! What version 1.2 does on the wire: flights, their repeats, and what fragments do to hellos.

use std::{fmt::Write as _, sync::Arc, time::Duration};

use base::{Instant, Reader, Rng, Writer};
use dtls::{
    Association, CloseReason, Config, Misdeed, SendError, Side, Version,
    wire::{
        Alert, Certificate12, CertificateRequest12, CertificateVerify, ClientHello,
        ClientKeyExchange, ContentType, HandshakeHeader, HandshakeType, Message, ServerHello,
        ServerHelloDone, ServerKeyExchange,
    },
};
use rstest::rstest;

use crate::support::{Packet, Pair, configs};

/// A record without protection, or what its header says of one with it.
struct Record<'a> {
    kind: ContentType,
    epoch: u16,
    sequence: u64,
    payload: &'a [u8],
}

/// The records of a datagram of version 1.2; `id_len` is that of the connection id, where there is one.
fn records(datagram: &[u8], id_len: usize) -> Vec<Record<'_>> {
    let mut reader = Reader::new(datagram);
    let mut records = Vec::new();
    while !reader.is_empty() {
        let kind = ContentType::new(reader.u8().unwrap());
        assert!([0xfeff, 0xfefd].contains(&reader.u16().unwrap()));
        let number = reader.u64().unwrap();
        if kind == ContentType::TLS12_CID {
            let _id = reader.bytes(id_len).unwrap();
        }
        let length = usize::from(reader.u16().unwrap());
        let payload = reader.bytes(length).unwrap();
        let epoch = u16::try_from(number >> 48).unwrap();
        records.push(Record { kind, epoch, sequence: number & 0xffff_ffff_ffff, payload });
    }
    records
}

/// A line for each record that was sent, with what can be read of it.
fn ladder(pair: &Pair) -> String {
    let mut text = String::new();
    for packet in &pair.sent {
        let arrow = if packet.from == Side::Client { '>' } else { '<' };
        let at = Instant::ZERO + (packet.due - (Instant::ZERO + crate::support::DELAY));
        writeln!(text, "{at} client {arrow} server [{}]", packet.bytes.len()).unwrap();
        for record in records(&packet.bytes, 0) {
            for said in describe(&record) {
                writeln!(text, "    {}:{} {said}", record.epoch, record.sequence).unwrap();
            }
        }
    }
    text
}

/// A line for each thing in a record.
fn describe(record: &Record<'_>) -> Vec<String> {
    match record.kind {
        kind if record.epoch > 0 => vec![format!("{kind} [{}]", record.payload.len())],
        ContentType::HANDSHAKE => {
            let mut reader = Reader::new(record.payload);
            let mut lines = Vec::new();
            while !reader.is_empty() {
                let header = HandshakeHeader::read(&mut reader).unwrap();
                let length = usize::try_from(header.fragment_length).unwrap();
                let body = reader.bytes(length).unwrap();
                lines.push(if header.is_whole() {
                    format!("{} {}", header.message_seq, name(header.kind, body))
                } else {
                    header.to_string()
                });
            }
            lines
        }
        ContentType::ALERT => vec![Alert::parse(record.payload).unwrap().to_string()],
        kind => vec![kind.to_string()],
    }
}

fn name(kind: HandshakeType, body: &[u8]) -> String {
    match kind {
        HandshakeType::CLIENT_HELLO => ClientHello::parse(body).unwrap().to_string(),
        HandshakeType::SERVER_HELLO => ServerHello::parse(body).unwrap().to_string(),
        HandshakeType::CERTIFICATE => Certificate12::parse(body).unwrap().to_string(),
        HandshakeType::SERVER_KEY_EXCHANGE => ServerKeyExchange::parse(body).unwrap().to_string(),
        HandshakeType::CERTIFICATE_REQUEST => {
            let request = CertificateRequest12::parse(body).unwrap();
            format!("CertificateRequest, {} schemes", request.schemes.len())
        }
        HandshakeType::SERVER_HELLO_DONE => ServerHelloDone::parse(body).unwrap().to_string(),
        HandshakeType::CLIENT_KEY_EXCHANGE => ClientKeyExchange::parse(body).unwrap().to_string(),
        HandshakeType::CERTIFICATE_VERIFY => CertificateVerify::parse(body).unwrap().to_string(),
        other => other.to_string(),
    }
}

#[test]
fn a_handshake_takes_two_round_trips() {
    let pair = Pair::connected(Version::Dtls12);
    insta::assert_snapshot!(ladder(&pair));
}

/// A path that loses the first `count` packets of a server that begin with a ChangeCipherSpec.
fn losing_last_flights(mut count: usize) -> impl FnMut(usize, &Packet) -> Vec<Packet> {
    move |_, packet| {
        let is_last = packet.from == Side::Server && packet.bytes.first() == Some(&20);
        if is_last && count > 0 {
            count -= 1;
            return Vec::new();
        }
        vec![packet.clone()]
    }
}

#[test]
fn a_lost_last_flight_is_sent_again_when_the_client_repeats_its_own() {
    let mut pair = Pair::new(configs(Version::Dtls12)).on(losing_last_flights(1));
    pair.run_until_connected();
    insta::assert_snapshot!(ladder(&pair));
    pair.assert_alive();
}

#[test]
fn a_server_sends_its_last_flight_only_when_asked() {
    let mut pair = Pair::new(configs(Version::Dtls12)).on(losing_last_flights(usize::MAX));
    while !pair.server.is_connected() {
        assert!(pair.step());
    }
    assert_eq!(pair.server.poll_timeout(), None, "it waits for nothing");
    for _ in 0..3 {
        let of_server = |pair: &Pair| pair.sent.iter().filter(|it| it.from == Side::Server).count();
        let before = of_server(&pair);
        let timeout = pair.client.poll_timeout().unwrap();
        while pair.now < timeout + crate::support::DELAY {
            assert!(pair.step());
        }
        assert_eq!(of_server(&pair), before + 1, "once for each time");
    }
    assert!(!pair.client.is_connected());
}

#[test]
fn numbers_of_records_never_repeat_however_often_flights_do() {
    let mut pair = Pair::new(configs(Version::Dtls12)).on(losing_last_flights(4));
    pair.run_until_connected();
    pair.assert_alive();
    for side in [Side::Client, Side::Server] {
        let mut numbers = Vec::new();
        for packet in pair.sent.iter().filter(|packet| packet.from == side) {
            numbers.extend(records(&packet.bytes, 0).iter().map(|it| (it.epoch, it.sequence)));
        }
        let mut unique = numbers.clone();
        unique.sort_unstable();
        unique.dedup();
        assert_eq!(unique.len(), numbers.len());
    }
}

/// The first packet of a client.
fn first_packet(config: Config) -> Vec<u8> {
    let rng = Rng::from_seed([7; 32]);
    let mut client = Association::client(Arc::new(config), rng, Instant::ZERO);
    let mut bytes = Vec::new();
    client.poll_packet(Instant::ZERO, &mut bytes).unwrap();
    assert_eq!(client.poll_packet(Instant::ZERO, &mut Vec::new()), None, "one packet");
    bytes
}

/// A record of a piece of the message in `packet`, which is whole there.
fn piece(packet: &[u8], range: std::ops::Range<usize>, sequence: u64) -> Vec<u8> {
    let mut reader = Reader::new(packet.get(13..).unwrap());
    let header = HandshakeHeader::read(&mut reader).unwrap();
    let body = reader.rest();
    assert!(header.is_whole() && u32::try_from(body.len()) == Ok(header.length));
    let mut out = Vec::new();
    let mut writer = Writer::new(&mut out);
    writer.u8(22);
    writer.u16(0xfefd);
    writer.u64(sequence);
    let mut record = writer.u16_length();
    let fragment = HandshakeHeader {
        fragment_offset: u32::try_from(range.start).unwrap(),
        fragment_length: u32::try_from(range.len()).unwrap(),
        ..header
    };
    fragment.write(record.writer());
    record.writer().bytes(body.get(range).unwrap());
    drop(record);
    out
}

/// What a new server speaks after it was told `packets`, if it has chosen.
fn chosen(config: &Arc<Config>, packets: &[Vec<u8>]) -> Option<Version> {
    let rng = Rng::from_seed([8; 32]);
    let mut server = Association::server(Arc::clone(config), rng, Instant::ZERO);
    for packet in packets {
        server.receive(Instant::ZERO, packet);
    }
    assert!(!server.is_closed());
    server.session().version()
}

#[rstest]
#[case::old_client(Version::Dtls12, Version::Dtls13)]
#[case::old_server(Version::Dtls13, Version::Dtls12)]
#[case::both_new(Version::Dtls13, Version::Dtls13)]
fn a_client_hello_cut_anywhere_chooses_the_same_version(
    #[case] of_client: Version,
    #[case] of_server: Version,
) {
    let [mut client, mut server] = configs(Version::Dtls12);
    client.max_version = of_client;
    server.max_version = of_server;
    let packet = first_packet(client);
    let server = Arc::new(server);
    let wanted = Some(of_client.min(of_server));
    assert_eq!(chosen(&server, std::slice::from_ref(&packet)), wanted);
    let length = packet.len() - 13 - 12;
    for cut in 0..=length {
        let mut pieces = vec![piece(&packet, 0..cut, 0), piece(&packet, cut..length, 1)];
        assert_eq!(chosen(&server, &pieces), wanted, "cut at {cut}");
        pieces.reverse();
        assert_eq!(chosen(&server, &pieces), wanted, "cut at {cut}, reversed");
    }
}

#[rstest]
#[case::of_one_byte(1)]
#[case::of_seven_bytes(7)]
#[case::of_forty_bytes(40)]
fn a_client_hello_in_many_pieces_is_put_together(#[case] size: usize) {
    let [client, server] = configs(Version::Dtls12);
    let (packet, server) = (first_packet(client), Arc::new(server));
    let length = packet.len() - 13 - 12;
    let mut sequence = 0;
    let mut pieces: Vec<Vec<u8>> = (0..length)
        .step_by(size)
        .map(|start| {
            sequence += 1;
            piece(&packet, start..length.min(start + size), sequence)
        })
        .collect();
    assert_eq!(chosen(&server, &pieces), Some(Version::Dtls12));
    assert_eq!(chosen(&server, pieces.get(1..).unwrap()), None, "a piece is missing");
    pieces.reverse();
    assert_eq!(chosen(&server, &pieces), Some(Version::Dtls12), "reversed");
}

#[rstest]
#[case::dtls_1_0(0xfeff)]
#[case::dtls_1_3_without_its_extension(0xfefc)]
#[case::dtls_of_a_later_day(0xfefb)]
#[case::tls_1_2(0x0303)]
#[case::nothing(0)]
fn a_version_that_was_not_offered_ends_it_and_nothing_comes_after(#[case] version: u16) {
    let mut pair = Pair::new(configs(Version::Dtls12)).on(move |_, packet| {
        let mut packet = packet.clone();
        if packet.from == Side::Server
            && let Some(field) = packet.bytes.get_mut(25..27)
        {
            field.copy_from_slice(&version.to_be_bytes());
        }
        vec![packet]
    });
    while pair.closed(Side::Client).is_none() {
        assert!(pair.step(), "the client goes on for ever");
    }
    let reason = pair.closed(Side::Client).unwrap();
    assert_eq!(reason, CloseReason::Misdeed(Misdeed::UnsupportedVersion));
    assert_eq!(pair.client.poll_timeout(), None);
    for seconds in 1..100 {
        let later = pair.now + Duration::from_secs(seconds);
        pair.client.handle_timeout(later);
        assert_eq!(pair.client.poll_packet(later, &mut Vec::new()), None);
        assert_eq!(pair.client.send(later, b"x", &mut Vec::new()), Err(SendError::Closed));
    }
}

#[test]
fn a_forged_change_cipher_spec_changes_nothing_at_any_time() {
    for index in 0..6 {
        let mut pair = Pair::new(configs(Version::Dtls12));
        for step in 0.. {
            if step == index {
                let forged = [20, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0x40, 0, 0, 1, 1];
                let now = pair.now;
                pair.client.receive(now, &forged);
                pair.server.receive(now, &forged);
            }
            if !pair.step() {
                break;
            }
        }
        assert!(pair.client.is_connected() && pair.server.is_connected(), "before step {index}");
        pair.assert_alive();
    }
}

#[rstest]
#[case::both(Some(5), Some(3))]
#[case::towards_the_client(Some(8), Some(0))]
#[case::towards_the_server(Some(0), Some(8))]
#[case::agreed_and_empty(Some(0), Some(0))]
#[case::not_answered(Some(5), None)]
#[case::not_offered(None, Some(5))]
fn connection_ids_stand_in_every_record_with_keys_and_in_no_other(
    #[case] of_client: Option<usize>,
    #[case] of_server: Option<usize>,
) {
    let [mut client, mut server] = configs(Version::Dtls12);
    (client.connection_id, server.connection_id) = (of_client, of_server);
    let mut pair = Pair::new([client, server]);
    pair.run_until_connected();
    pair.assert_alive();
    let is_agreed = of_client.is_some() && of_server.is_some();
    for packet in &pair.sent {
        // Each writes the id that the other asked for.
        let asked = if packet.from == Side::Client { of_server } else { of_client };
        let length = asked.filter(|_| is_agreed).unwrap_or(0);
        for record in records(&packet.bytes, length) {
            let has_id = record.kind == ContentType::TLS12_CID;
            assert_eq!(has_id, record.epoch == 1 && length > 0);
        }
    }
    let lengths = [&pair.client, &pair.server].map(|end| {
        let session = end.session();
        (session.own_connection_id().len(), session.peer_connection_id().len())
    });
    let [own, peer] = [of_client, of_server].map(|id| id.filter(|_| is_agreed).unwrap_or(0));
    assert_eq!(lengths, [(own, peer), (peer, own)]);
}

#[test]
fn records_are_as_short_as_the_peer_asks() {
    let [mut client, mut server] = configs(Version::Dtls12);
    (client.record_size_limit, server.record_size_limit) = (Some(100), Some(64));
    let mut pair = Pair::new([client, server]);
    pair.run_until_connected();
    pair.assert_alive();
    let now = pair.now;
    let mut send = |side, length| pair.end(side).send(now, &vec![0; length], &mut Vec::new());
    assert!(send(Side::Client, 64).is_ok() && send(Side::Server, 100).is_ok());
    assert_eq!(send(Side::Client, 65), Err(SendError::TooLong));
    assert_eq!(send(Side::Server, 101), Err(SendError::TooLong));
}
