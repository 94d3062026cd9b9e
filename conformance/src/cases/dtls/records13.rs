//! Records of 1.3: what is dropped in silence, the forms they may have, the window: RFC 9147 §4.

use wire::dtls::{Seal, Shape};

use super::script::*;

case! {
    id: "dtls.13.record.dropped",
    title: "A record of 1.3 that is not what it should be is dropped in silence, and the connection lives",
    reqs: [
        req::DTLS13_INVALID_RECORDS_SILENT,
        req::DTLS13_NO_TERMINATION_ON_INVALID,
        req::DTLS13_ALERT_FOR_INVALID_NOT_OVER_UDP,
        req::DTLS13_UNKNOWN_EPOCH_DROPPED,
        req::DTLS13_SHORT_CIPHERTEXT_REJECTED,
        req::DTLS13_DEMUX_REJECT,
        req::DTLS13_CID_NOT_NEGOTIATED_REJECTED,
        req::DTLS13_COMPATIBILITY_MODE_IGNORED,
        req::DTLS13_AAD_IS_HEADER,
        req::TLS13_NO_PLAINTEXT_DATA,
        req::TLS13_KEY_UPDATE_ENFORCED,
    ],
    kind: SubjectKind::Dtls,
    variants: product! {
        role: ["client", "server"],
        what: [
            "tag", "header", "clear-data", "clear-alert", "clear-close", "clear-finished",
            "clear-ack", "other-epoch", "next-epoch", "short", "zero", "rubbish", "cid",
            "change-cipher-spec", "empty",
        ],
    },
    run: dropped,
}

fn dropped(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let what = v.text("what");
    let mut s = DtlsStage::open(t, role(v), Version::Dtls13)?;
    s.connect(t)?;
    let (heard, delivered) = (s.heard.len(), s.delivered(t).len());
    let datagram = forged(&mut s, what);
    s.send_stimulus(t, &datagram, what);
    s.listen(t, SECOND);
    let silent = s.heard.len() == heard;
    let fresh = s.delivered(t).len() - delivered;
    let lives = s.data_passes(t) && !s.is_over(t);
    let got = format!("silent: {silent}, delivered {fresh}, lives: {lives}");
    let holds = silent && fresh == 0 && lives;
    let requirement = match what {
        "short" => req::DTLS13_SHORT_CIPHERTEXT_REJECTED,
        "zero" | "rubbish" => req::DTLS13_DEMUX_REJECT,
        "cid" => req::DTLS13_CID_NOT_NEGOTIATED_REJECTED,
        "change-cipher-spec" => req::DTLS13_COMPATIBILITY_MODE_IGNORED,
        "header" => req::DTLS13_AAD_IS_HEADER,
        "clear-data" => req::TLS13_NO_PLAINTEXT_DATA,
        "next-epoch" => req::TLS13_KEY_UPDATE_ENFORCED,
        "other-epoch" => {
            return t.should(req::DTLS13_UNKNOWN_EPOCH_DROPPED, holds, "silence", got);
        }
        _ => {
            t.should(req::DTLS13_INVALID_RECORDS_SILENT, silent && fresh == 0, "silence", &got)?;
            t.should(req::DTLS13_ALERT_FOR_INVALID_NOT_OVER_UDP, silent, "no alert", &got)?;
            return t.should(req::DTLS13_NO_TERMINATION_ON_INVALID, lives, "life", got);
        }
    };
    t.must(requirement, holds, "silence, and life", got)
}

fn forged(s: &mut DtlsStage, what: &str) -> Vec<u8> {
    let good = |s: &mut DtlsStage| s.peer.data(b"forged");
    let clear = |content: u8, payload: &[u8], s: &DtlsStage| {
        let sequence = s.peer.records.next_sequence(0);
        let seal = Seal { epoch: 0, sequence, content, version: 0xfefd, padding: 0 };
        s.peer.records.seal_as(&seal, payload)
    };
    match what {
        "tag" => flipped(good(s), usize::MAX),
        // The length bit and the two bytes of length go: the record reaches to the end all the same.
        "header" => {
            let mut record = good(s);
            record.drain(3..5);
            if let Some(first) = record.first_mut() {
                *first ^= 4;
            }
            record
        }
        "clear-data" => clear(content::APPLICATION_DATA, b"forged", s),
        "clear-alert" => clear(content::ALERT, &[2, alert::HANDSHAKE_FAILURE], s),
        "clear-close" => clear(content::ALERT, &[1, alert::CLOSE_NOTIFY], s),
        "clear-finished" => {
            let seq = s.peer.next_message_seq();
            let payload = body::framed(handshake::FINISHED, seq, &[0; 32]);
            clear(content::HANDSHAKE, &payload, s)
        }
        "clear-ack" => clear(content::ACK, &[0, 0], s),
        "other-epoch" => {
            let mut record = good(s);
            if let Some(first) = record.first_mut() {
                *first = *first & !3 | 1;
            }
            record
        }
        "next-epoch" => {
            s.peer.advance_write();
            let record = good(s);
            s.peer.retreat_write();
            record
        }
        "short" => [&[0x2f, 0, 0, 0, 15][..], &[7; 15]].concat(),
        "zero" => vec![0; 40],
        "rubbish" => vec![0x55; 300],
        "cid" => {
            let before = s.peer.records.write_cid.replace(vec![1, 2, 3, 4]);
            let record = good(s);
            s.peer.records.write_cid = before;
            record
        }
        "change-cipher-spec" => clear(content::CHANGE_CIPHER_SPEC, &[1], s),
        _ => vec![0x2f],
    }
}

/// The record with one bit of the byte at `place`, or of its last, turned.
fn flipped(mut record: Vec<u8>, place: usize) -> Vec<u8> {
    let last = record.len().saturating_sub(1);
    if let Some(byte) = record.get_mut(place.min(last)) {
        *byte ^= 1;
    }
    record
}

case! {
    id: "dtls.13.record.forms",
    title: "Records of 1.3 are read with short and long numbers, with and without length, with padding",
    reqs: [
        req::DTLS13_SEQUENCE_LENGTHS_MIXED,
        req::DTLS13_LENGTH_OMITTED,
        req::DTLS13_LENGTHS_MIXED,
        req::DTLS13_INNER_PADDING_REMOVED,
        req::DTLS13_SEVERAL_RECORDS_PER_DATAGRAM,
        req::DTLS13_SEQUENCE_CLOSEST,
    ],
    kind: SubjectKind::Dtls,
    variants: product! {
        role: ["client", "server"],
        what: ["short", "no-length", "mixed", "padding", "several", "jump-short", "jump-long"],
    },
    run: forms,
}

fn forms(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let what = v.text("what");
    let mut s = DtlsStage::open(t, role(v), Version::Dtls13)?;
    s.connect(t)?;
    let before = s.delivered(t).len();
    for datagram in shaped(&mut s, what) {
        s.send_stimulus(t, &datagram, what);
    }
    s.listen(t, SOON);
    let count = s.delivered(t).iter().skip(before).filter(|data| *data == DATA).count();
    let right = count == 4;
    match what {
        "short" => t.may(req::DTLS13_SEQUENCE_LENGTHS_MIXED, right, "4 records", count),
        "no-length" => t.may(req::DTLS13_LENGTH_OMITTED, right, "4 records", count),
        "mixed" => t.may(req::DTLS13_LENGTHS_MIXED, right, "4 records", count),
        "padding" => t.must(req::DTLS13_INNER_PADDING_REMOVED, right, "4 records", count),
        "several" => t.may(req::DTLS13_SEVERAL_RECORDS_PER_DATAGRAM, right, "4 records", count),
        _ => t.should(req::DTLS13_SEQUENCE_CLOSEST, right, "4 records", count),
    }
}

fn shaped(s: &mut DtlsStage, what: &str) -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    for index in 0..4_u8 {
        let odd = index % 2 == 1;
        let sequence = s.peer.records.next_sequence(3);
        s.peer.records.shape = match what {
            "short" | "jump-short" => Shape { long_sequence: false, has_length: true },
            "no-length" => Shape { long_sequence: true, has_length: false },
            "mixed" => Shape { long_sequence: odd, has_length: !odd },
            _ => Shape::default(),
        };
        let jump = match what {
            "jump-short" => 120,
            "jump-long" => 30_000,
            _ => 0,
        };
        let padding = if what == "padding" { usize::from(index) * 100 + 1 } else { 0 };
        let (epoch, content, version) = (3, content::APPLICATION_DATA, 0xfefd);
        let sequence = sequence + jump;
        all.push(
            s.peer.records.seal_as(&Seal { epoch, sequence, content, version, padding }, DATA),
        );
        s.peer.records.set_next_sequence(3, sequence + 1);
    }
    s.peer.records.shape = Shape::default();
    if what == "several" { vec![all.concat()] } else { all }
}

case! {
    id: "dtls.13.record.window",
    title: "Records of 1.3 that come late are read once, and forged numbers do not move the window",
    reqs: [
        req::DTLS13_REPLAY_REJECTED,
        req::DTLS13_REPLAY_WINDOW_SIZE,
        req::DTLS13_REPLAY_WINDOW_AFTER_AUTHENTICATION,
        req::DTLS13_REPLAY_COUNTER_ZERO,
    ],
    kind: SubjectKind::Dtls,
    variants: product! { role: ["client", "server"], behind: [0, 1, 31, 63] },
    run: window,
}

fn window(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let behind = v.number("behind");
    let mut s = DtlsStage::open(t, role(v), Version::Dtls13)?;
    s.connect(t)?;
    let first = s.peer.records.next_sequence(3);
    let seal = |sequence: u64| {
        let content = content::APPLICATION_DATA;
        Seal { epoch: 3, sequence, content, version: 0xfefd, padding: 0 }
    };
    let old = s.peer.records.seal_as(&seal(first), b"old");
    // Any record of number 0 of the epoch counts: an ACK of the suite's may have been it.
    let newest = s.peer.records.seal_as(&seal(first + behind.max(1)), b"newest");
    let forged = flipped(s.peer.records.seal_as(&seal(first + 10_000), b"forged"), usize::MAX);
    s.peer.records.set_next_sequence(3, first + behind.max(1) + 1);
    if behind > 0 {
        s.send_stimulus(t, &newest, "a record");
    }
    s.send_stimulus(t, &forged, "a forged record far ahead");
    s.send_stimulus(t, &old, "a record that comes late");
    s.send_stimulus(t, &old, "the same again");
    s.send_stimulus(t, &old, "and again");
    s.listen(t, SOON);
    let count = s.delivered(t).iter().filter(|data| *data == b"old").count();
    t.must(req::DTLS13_REPLAY_REJECTED, count <= 1, "once at most", count)?;
    t.should(req::DTLS13_REPLAY_WINDOW_SIZE, count == 1, "once", count)?;
    let lives = s.data_passes(t);
    t.must(req::DTLS13_REPLAY_WINDOW_AFTER_AUTHENTICATION, lives && count == 1, "once", count)?;
    t.must(req::DTLS13_REPLAY_COUNTER_ZERO, first == 0 || count == 1, "number 0 taken", count)
}

case! {
    id: "dtls.13.record.sent",
    title: "Hundreds of records of an endpoint of 1.3 have the form, numbers and protection they should",
    reqs: [
        req::DTLS13_UNIFIED_HEADER_BITS,
        req::DTLS13_RECORD_NUMBER_ENCRYPTION,
        req::DTLS13_NONCE_SEQUENCE_ONLY,
        req::DTLS13_INNER_PLAINTEXT,
        req::DTLS13_SEQUENCE_PER_EPOCH,
        req::DTLS13_SHORT_PLAINTEXT_PADDED,
    ],
    kind: SubjectKind::Dtls,
    variants: product! { role: ["client", "server"] },
    run: sent,
}

fn sent(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut s = DtlsStage::open(t, role(v), Version::Dtls13)?;
    s.connect(t)?;
    let before = s.peer.log.records.len();
    t.stimulus("data to send, 300 times");
    for index in 0..300_u16 {
        let data = vec![7; usize::from(index % 5)];
        needed(s.command(t, |endpoint, now| endpoint.send(now, &data)))?;
        // A hundred at a time: what nobody fetches is not kept for ever.
        if index % 100 == 99 {
            s.listen(t, SOON);
        }
    }
    let records = s.peer.log.records.get(before..).unwrap_or_default();
    let unread = s.peer.log.unread.len();
    let got = format!("{} read, {unread} unread", records.len());
    let all = records.len() == 300 && unread == 0;
    t.must(req::DTLS13_RECORD_NUMBER_ENCRYPTION, all, "300 records", &got)?;
    t.must(req::DTLS13_NONCE_SEQUENCE_ONLY, all, "300 records", &got)?;
    let bits = |first: u8| first & 0xf3 == 0x23;
    let right = records.iter().all(|r| r.raw.head.first().copied().is_some_and(bits));
    t.must(req::DTLS13_UNIFIED_HEADER_BITS, right, "001 and epoch 3", "others")?;
    let data = records.iter().all(|record| record.content == content::APPLICATION_DATA);
    t.must(req::DTLS13_INNER_PLAINTEXT, data, "data", "other types")?;
    let numbers: Vec<u64> = records.iter().map(|record| record.sequence).collect();
    let rising = numbers.iter().zip(numbers.iter().skip(1)).all(|(one, next)| one + 1 == *next);
    t.must(req::DTLS13_SEQUENCE_PER_EPOCH, rising, "one after the other", "gaps")?;
    let long = records.iter().all(|record| record.raw.body.len() >= 16);
    t.must(req::DTLS13_SHORT_PLAINTEXT_PADDED, long, "16 bytes at least", "less")
}

case! {
    id: "dtls.13.record.early",
    title: "Data of 1.3 that comes before the peer's Finished is not delivered before it",
    reqs: [req::DTLS13_EARLY_DATA_NOT_DELIVERED, req::DTLS13_EARLY_EPOCH_RECORDS],
    kind: SubjectKind::Dtls,
    variants: product! { role: ["client", "server"] },
    run: early,
}

fn early(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut s = DtlsStage::open(t, role(v), Version::Dtls13)?;
    s.begin(t);
    let mut flight = s.hold(t, handshake::FINISHED)?;
    let finished = flight.items.pop();
    let record = s.peer.data(DATA);
    s.say(t, &flight);
    s.send_stimulus(t, &record, "data before Finished");
    s.listen(t, SOON);
    let early = s.delivered(t).len();
    t.must(req::DTLS13_EARLY_DATA_NOT_DELIVERED, early == 0, "nothing yet", early)?;
    let finished = Flight { items: finished.into_iter().collect() };
    s.say(t, &finished);
    s.finish(t)?;
    let late = s.delivered(t).len();
    t.may(req::DTLS13_EARLY_EPOCH_RECORDS, late == 1, "delivered afterwards", late)
}
