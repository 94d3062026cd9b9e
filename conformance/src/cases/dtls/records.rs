//! Records that are not what they should be: RFC 6347 §4.1, RFC 9147 §4.

use wire::dtls::Seal;

use super::{judge::*, script::*};

/// A stage that is connected.
fn connected(t: &mut Ctl<'_>, v: &Variant) -> Result<DtlsStage, Stop> {
    let mut s = DtlsStage::open(t, role(v), version(v))?;
    s.connect(t)?;
    Ok(s)
}

/// Asserts that the endpoint has said nothing since `before` datagrams were heard.
fn must_be_silent(t: &mut Ctl<'_>, s: &mut DtlsStage, req: Req, before: usize) -> Outcome {
    s.listen(t, SOON);
    let said = s.heard.len() - before;
    t.should(req, said == 0, "silence", format_args!("{said} datagrams"))
}

case! {
    id: "dtls.records.forged",
    title: "Any number of forged records changes nothing and is answered by nothing",
    reqs: [
        req::DTLS12_BAD_MAC_DISCARDED,
        req::DTLS12_INVALID_SILENT,
        req::DTLS12_INVALID_RECORDS_SILENT,
        req::DTLS12_NO_TERMINATION_ON_INVALID,
        req::DTLS12_ALERT_FOR_INVALID_NOT_OVER_UDP,
        req::DTLS12_FAILED_MAC_DISCARDED,
        req::DTLS12_REPLAY_WINDOW_AFTER_AUTHENTICATION,
        req::DTLS13_INVALID_RECORDS_SILENT,
        req::DTLS13_NO_TERMINATION_ON_INVALID,
        req::DTLS13_ALERT_FOR_INVALID_NOT_OVER_UDP,
        req::DTLS13_REPLAY_WINDOW_AFTER_AUTHENTICATION,
    ],
    kind: SubjectKind::Dtls,
    variants: product! {
        version: ["1.2", "1.3"],
        role: ["client", "server"],
        what: ["tag", "content", "number far ahead", "next epoch"],
    },
    run: forged,
}

/// Regression: alerts for rubbish (FreeSWITCH), and a window moved by it (CVE-2016-2181 in OpenSSL,
/// dimpl#198).
fn forged(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut s = connected(t, v)?;
    let before = s.heard.len();
    let epoch = data_epoch(version(v));
    let what = v.text("what");
    let mut records = Vec::new();
    for index in 0..500_u64 {
        let sequence = match what {
            "number far ahead" => (1 << 40) + 1_000 * index,
            _ => s.peer.records.next_sequence(epoch) + index,
        };
        let content = content::APPLICATION_DATA;
        let seal = Seal { epoch, sequence, content, version: 0xfefd, padding: 0 };
        let mut record = s.peer.records.seal_as(&seal, b"forged");
        let at = match what {
            "content" => record.len() - 20,
            _ => record.len() - 1,
        };
        if let Some(byte) = record.get_mut(at) {
            *byte ^= 1;
        }
        if what == "next epoch" {
            let place = if version(v) == Version::Dtls12 { 4 } else { 0 };
            if let Some(byte) = record.get_mut(place) {
                *byte ^= 3;
            }
        }
        records.push(record);
    }
    s.send_many(t, &records);
    t.stimulus("500 forged records");
    let silent = by_version(v, req::DTLS12_INVALID_SILENT, req::DTLS13_INVALID_RECORDS_SILENT);
    must_be_silent(t, &mut s, silent, before)?;
    let alerts = s.peer.log.alerts.len();
    if version(v) == Version::Dtls12 {
        let none = alerts == 0;
        t.should(req::DTLS12_ALERT_FOR_INVALID_NOT_OVER_UDP, none, "no alert", alerts)?;
        t.should(req::DTLS12_INVALID_RECORDS_SILENT, none, "no alert", alerts)?;
        let over = s.is_over(t);
        t.should(req::DTLS12_NO_TERMINATION_ON_INVALID, !over, "no end", over)?;
        t.may(req::DTLS12_BAD_MAC_DISCARDED, !over, "no end", over)?;
        must_live(t, &mut s, req::DTLS12_FAILED_MAC_DISCARDED)?;
        must_live(t, &mut s, req::DTLS12_REPLAY_WINDOW_AFTER_AUTHENTICATION)
    } else {
        let req = req::DTLS13_ALERT_FOR_INVALID_NOT_OVER_UDP;
        t.should(req, alerts == 0, "no alert", alerts)?;
        let over = s.is_over(t);
        t.should(req::DTLS13_NO_TERMINATION_ON_INVALID, !over, "no end", over)?;
        must_live(t, &mut s, req::DTLS13_REPLAY_WINDOW_AFTER_AUTHENTICATION)
    }
}

case! {
    id: "dtls.records.replay",
    title: "A record is delivered once, and late ones within the window as well",
    reqs: [
        req::DTLS12_REPLAY_WINDOW,
        req::DTLS12_REPLAY_REJECTED,
        req::DTLS12_REPLAY_COUNTER_ZERO,
        req::DTLS12_REPLAY_WINDOW_32,
        req::DTLS12_REPLAY_WINDOW_64,
        req::DTLS13_REPLAY_WINDOW,
        req::DTLS13_REPLAY_REJECTED,
        req::DTLS13_REPLAY_COUNTER_ZERO,
        req::DTLS13_REPLAY_WINDOW_SIZE,
        req::DTLSSRTP_ALERT_REPLAYS,
    ],
    kind: SubjectKind::Dtls,
    variants: product! { version: ["1.2", "1.3"], role: ["client", "server"] },
    run: replay,
}

fn replay(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut s = connected(t, v)?;
    let records: Vec<Vec<u8>> = (0..70_u8).map(|index| s.peer.data(&[index; 4])).collect();
    let (Some(late32), Some(late64)) = (records.get(69 - 31), records.get(69 - 63)) else {
        return Err(Stop::Harness("70 records".to_owned()));
    };
    let newest = records.last().cloned().unwrap_or_default();
    let first = records.first().cloned().unwrap_or_default();
    for record in [&first, &newest, late32, late64, &first, &newest, late32, late64, &newest] {
        s.send(t, record);
    }
    t.stimulus("records late and replayed");
    s.listen(t, SOON);
    let delivered = s.delivered(t);
    let times = |index: u8| delivered.iter().filter(|data| **data == [index; 4]).count();
    let (zero, last, late, later) = (times(0), times(69), times(69 - 31), times(69 - 63));
    let got = format!("{zero}, {last}, {late}, {later} times");
    let once = [zero, last, late, later].iter().all(|count| *count <= 1);
    let first = zero == 1 && last == 1;
    if version(v) == Version::Dtls12 {
        t.should(req::DTLS12_REPLAY_WINDOW, once, "each once", &got)?;
        t.must(req::DTLS12_REPLAY_REJECTED, once, "each once", &got)?;
        t.must(req::DTLS12_REPLAY_COUNTER_ZERO, first, "the first and the newest", &got)?;
        t.must(req::DTLS12_REPLAY_WINDOW_32, late == 1, "31 behind", &got)?;
        t.should(req::DTLS12_REPLAY_WINDOW_64, later == 1, "63 behind", &got)?;
    } else {
        t.should(req::DTLS13_REPLAY_WINDOW, once, "each once", &got)?;
        t.must(req::DTLS13_REPLAY_REJECTED, once, "each once", &got)?;
        t.must(req::DTLS13_REPLAY_COUNTER_ZERO, first, "the first and the newest", &got)?;
        t.should(req::DTLS13_REPLAY_WINDOW_SIZE, later == 1, "63 behind", &got)?;
    }
    let alert = s.peer.alert(1, alert::NO_RENEGOTIATION);
    for _ in 0..10 {
        s.send(t, &alert);
    }
    s.listen(t, SOON);
    let over =
        s.events(t).iter().filter(|(_, event)| matches!(event, DtlsEvent::Failed(_))).count();
    t.must(req::DTLSSRTP_ALERT_REPLAYS, over <= 1, "one alert at most", over)
}

case! {
    id: "dtls.records.unprotected",
    title: "What comes without protection is never delivered and ends nothing that has keys",
    reqs: [
        req::DTLS12_EPOCH_0_DATA_REFUSED,
        req::DTLS12_OLD_EPOCHS_DISCARDED,
        req::DTLS12_PLAINTEXT_ALERT_AFTER_KEYS,
        req::DTLS12_HEARTBEAT_NOT_NEGOTIATED,
        req::DTLS12_UNKNOWN_TYPE_DROPPED,
        req::DTLS12_CCS_NOT_RELIED_ON,
        req::DTLS13_OLD_EPOCHS_DISCARDED,
        req::DTLS13_INVALID_RECORDS_SILENT,
        req::DTLS13_DEMUX_REJECT,
        req::DTLS13_COMPATIBILITY_MODE_IGNORED,
    ],
    kind: SubjectKind::Dtls,
    variants: product! {
        version: ["1.2", "1.3"],
        role: ["client", "server"],
        what: ["data", "fatal alert", "close_notify", "heartbeat", "unknown type", "ccs", "ack"],
    },
    run: unprotected,
}

/// Regression: data of epoch 0 was delivered after the handshake (CVE-2019-20786 in Pion).
fn unprotected(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut s = connected(t, v)?;
    let what = v.text("what");
    let (content, payload): (u8, &[u8]) = match what {
        "data" => (content::APPLICATION_DATA, b"in clear"),
        "fatal alert" => (content::ALERT, &[2, alert::HANDSHAKE_FAILURE]),
        "close_notify" => (content::ALERT, &[1, alert::CLOSE_NOTIFY]),
        "heartbeat" => (24, &[1, 0x40, 0, 1, 2, 3]),
        "unknown type" => (63 - 32, b"whatever"),
        "ccs" => (content::CHANGE_CIPHER_SPEC, &[1]),
        _ => (content::ACK, &[0, 0]),
    };
    let before = s.heard.len();
    for sequence in 50..60 {
        s.send(t, &plain(content, 0, sequence, payload));
    }
    t.stimulus(format_args!("unprotected records: {what}"));
    s.listen(t, SOON);
    let delivered = s.delivered(t).len();
    let (of12, of13) = match what {
        "data" => (req::DTLS12_EPOCH_0_DATA_REFUSED, req::DTLS13_DEMUX_REJECT),
        "heartbeat" => (req::DTLS12_HEARTBEAT_NOT_NEGOTIATED, req::DTLS13_DEMUX_REJECT),
        "ccs" => (req::DTLS12_CCS_NOT_RELIED_ON, req::DTLS13_COMPATIBILITY_MODE_IGNORED),
        "unknown type" | "ack" => (req::DTLS12_UNKNOWN_TYPE_DROPPED, req::DTLS13_DEMUX_REJECT),
        _ => (req::DTLS12_PLAINTEXT_ALERT_AFTER_KEYS, req::DTLS13_DEMUX_REJECT),
    };
    let req = by_version(v, of12, of13);
    t.must(req, delivered == 0, "nothing delivered", delivered)?;
    if what == "heartbeat" {
        let said = s.heard.len() - before;
        t.must(req, said == 0, "no answer", said)?;
    }
    let (of12, of13) = (req::DTLS12_OLD_EPOCHS_DISCARDED, req::DTLS13_OLD_EPOCHS_DISCARDED);
    t.should(by_version(v, of12, of13), delivered == 0, "nothing delivered", delivered)?;
    must_live(t, &mut s, req)
}

case! {
    id: "dtls.records.early",
    title: "During a handshake nothing is delivered, and what comes too early takes no place",
    reqs: [
        req::DTLS12_EPOCH_0_DATA_REFUSED,
        req::DTLS12_EARLY_DATA_NOT_DELIVERED,
        req::DTLS12_DATA_WAITS_FOR_FINISHED,
        req::DTLS12_OLD_EPOCH_DURING_HANDSHAKE,
        req::DTLS13_EARLY_DATA_NOT_DELIVERED,
        req::DTLS13_UNKNOWN_EPOCH_DROPPED,
    ],
    kind: SubjectKind::Dtls,
    variants: product! {
        version: ["1.2", "1.3"],
        role: ["client", "server"],
        what: ["plain data", "next epoch", "rubbish"],
    },
    run: early,
}

/// Regression: data of epoch 0 was delivered during the handshake (CVE-2020-24585 in wolfSSL, dimpl#90),
/// and early records were kept without limit (pion/dtls edc7ad0).
fn early(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut s = DtlsStage::open(t, role(v), version(v))?;
    let what = v.text("what");
    s.begin(t);
    let mut sequence = 5_000;
    let until = t.now() + LONG;
    while !(s.peer.is_connected() && s.is_connected(t)) && t.now() < until {
        // Before each answer, at every stage of the handshake.
        for _ in 0..50 {
            sequence += 1;
            let record = match (what, version(v)) {
                ("plain data", _) => plain(content::APPLICATION_DATA, 0, sequence, b"in clear"),
                ("rubbish", _) => plain(content::HANDSHAKE, 7, sequence, &[0x99; 60]),
                (_, Version::Dtls12) => plain(content::APPLICATION_DATA, 1, sequence, &[0x77; 40]),
                (_, Version::Dtls13) => [&[0x2f, 1, 2, 0, 40][..], &[0x77; 40]].concat(),
            };
            s.send(t, &record);
        }
        for flight in s.hear(t, SOON).unwrap_or_default() {
            s.say(t, &flight);
        }
    }
    t.stimulus("fifty records before every answer");
    s.serve(t, SOON);
    let delivered = s.delivered(t).len();
    let (of12, of13) = match what {
        "plain data" => (req::DTLS12_EPOCH_0_DATA_REFUSED, req::DTLS13_EARLY_DATA_NOT_DELIVERED),
        _ => (req::DTLS12_EARLY_DATA_NOT_DELIVERED, req::DTLS13_UNKNOWN_EPOCH_DROPPED),
    };
    if of13 == req::DTLS13_UNKNOWN_EPOCH_DROPPED && version(v) == Version::Dtls13 {
        t.should(of13, delivered == 0, "nothing delivered", delivered)?;
        return must_complete(t, &mut s, req::DTLS13_EARLY_DATA_NOT_DELIVERED);
    }
    t.must(by_version(v, of12, of13), delivered == 0, "nothing delivered", delivered)?;
    if version(v) == Version::Dtls12 {
        let req = req::DTLS12_DATA_WAITS_FOR_FINISHED;
        t.must(req, delivered == 0, "nothing delivered", delivered)?;
        must_complete(t, &mut s, req::DTLS12_OLD_EPOCH_DURING_HANDSHAKE)?;
    }
    must_complete(t, &mut s, by_version(v, of12, of13))
}

case! {
    id: "dtls.records.replayed-flights",
    title: "A recorded handshake that is played back again and again does not stop the data",
    reqs: [
        req::DTLS12_CCS_NOT_RELIED_ON,
        req::DTLS12_OLD_MESSAGE_DISCARDED,
        req::DTLS13_OLD_MESSAGE_DISCARDED,
    ],
    kind: SubjectKind::Dtls,
    variants: product! { version: ["1.2", "1.3"], role: ["client", "server"] },
    run: replayed_flights,
}

/// Regression: late copies filled a queue that nobody emptied (dimpl#110).
fn replayed_flights(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut s = DtlsStage::open(t, role(v), version(v))?;
    let mut said: Vec<Vec<u8>> = Vec::new();
    let mut flights = match s.peer.side() {
        Side::Client => vec![s.peer.start()],
        Side::Server => Vec::new(),
    };
    let until = t.now() + LONG;
    while !(s.peer.is_connected() && s.is_connected(t)) && t.now() < until {
        for flight in flights {
            for datagram in s.peer.pack(&flight) {
                s.send(t, &datagram);
                said.push(datagram);
            }
        }
        flights = s.hear(t, SOON).unwrap_or_default();
    }
    s.serve(t, SOON);
    let done = s.peer.is_connected() && s.is_connected(t);
    t.precondition(done, "a handshake that ends well")?;
    for _ in 0..200 {
        s.send_many(t, &said);
    }
    t.stimulus("the handshake two hundred times over");
    s.listen(t, SOON);
    let (of12, of13) = (req::DTLS12_OLD_MESSAGE_DISCARDED, req::DTLS13_OLD_MESSAGE_DISCARDED);
    must_live(t, &mut s, by_version(v, of12, of13))?;
    if version(v) == Version::Dtls12 {
        must_live(t, &mut s, req::DTLS12_CCS_NOT_RELIED_ON)?;
    }
    Ok(())
}

case! {
    id: "dtls.records.sizes",
    title: "Records of every length are taken, dropped or refused, and none is delivered in part",
    reqs: [
        req::TLS12_AEAD_SHORT_RECORD,
        req::DTLS12_MAX_RECORD_SIZE_RECEIVED,
        req::DTLS12_TRAILING_RUBBISH,
        req::DTLS12_SEVERAL_RECORDS_PER_DATAGRAM,
        req::TLS12_EMPTY_DATA,
        req::TLS13_EMPTY_DATA,
        req::DTLS13_SHORT_CIPHERTEXT_REJECTED,
        req::DTLS13_MAX_RECORD_SIZE_RECEIVED,
        req::DTLS13_SEVERAL_RECORDS_PER_DATAGRAM,
    ],
    kind: SubjectKind::Dtls,
    variants: product! {
        version: ["1.2", "1.3"],
        role: ["client", "server"],
        what: [
            "short", "empty", "longest", "too long", "beyond the datagram", "several",
            "rubbish behind",
        ],
    },
    run: sizes,
}

/// Regression: a record longer than the buffer ended the process (dimpl#148), and one shorter than its
/// tag panicked (webrtc-rs#711).
fn sizes(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut s = connected(t, v)?;
    let what = v.text("what");
    t.stimulus(format_args!("records: {what}"));
    let delivered = say_sizes(t, &mut s, what, version(v));
    s.listen(t, SOON);
    let seen = s.delivered(t);
    let count = seen.iter().filter(|data| what == "empty" || !data.is_empty()).count();
    let (of12, of13) = match what {
        "short" => (req::TLS12_AEAD_SHORT_RECORD, req::DTLS13_SHORT_CIPHERTEXT_REJECTED),
        "longest" | "too long" => {
            (req::DTLS12_MAX_RECORD_SIZE_RECEIVED, req::DTLS13_MAX_RECORD_SIZE_RECEIVED)
        }
        "several" => {
            (req::DTLS12_SEVERAL_RECORDS_PER_DATAGRAM, req::DTLS13_MAX_RECORD_SIZE_RECEIVED)
        }
        "empty" => {
            let over = s.is_over(t);
            let (of12, of13) = (req::TLS12_EMPTY_DATA, req::TLS13_EMPTY_DATA);
            t.may(by_version(v, of12, of13), !over, "no end", over)?;
            (req::DTLS12_MAX_RECORD_SIZE_RECEIVED, req::DTLS13_MAX_RECORD_SIZE_RECEIVED)
        }
        _ => (req::DTLS12_TRAILING_RUBBISH, req::DTLS13_MAX_RECORD_SIZE_RECEIVED),
    };
    let req = by_version(v, of12, of13);
    let right = count == delivered || what == "empty";
    t.must(req, right, format_args!("{delivered} delivered"), count)?;
    if what == "several" {
        let both = count == 2;
        match version(v) {
            Version::Dtls12 => {
                t.must(req::DTLS12_SEVERAL_RECORDS_PER_DATAGRAM, both, "both", count)?;
            }
            Version::Dtls13 => {
                t.may(req::DTLS13_SEVERAL_RECORDS_PER_DATAGRAM, both, "both", count)?;
            }
        }
    }
    if what == "too long" && s.peer.log.fatal() == Some(alert::RECORD_OVERFLOW) {
        // Under keys it was the peer, and it may be told so (RFC 8446 §5.2).
        return Ok(());
    }
    must_live(t, &mut s, req)
}

/// Sends records of these sizes; says how many of them carry data that is to be delivered.
fn say_sizes(t: &mut Ctl<'_>, s: &mut DtlsStage, what: &str, version: Version) -> usize {
    match what {
        "short" => {
            let records: Vec<_> = (0..64_u8).map(|length| short(s, version, length)).collect();
            s.send_many(t, &records);
            0
        }
        "empty" => {
            for _ in 0..20 {
                let record = s.peer.data(&[]);
                s.send(t, &record);
            }
            20
        }
        "longest" => {
            let record = s.peer.data(&[0x42; 16_384]);
            s.send(t, &record);
            1
        }
        "too long" => {
            for length in [16_385_usize, 17_000, 20_000, 60_000] {
                let record = s.peer.data(&vec![0x42; length]);
                s.send(t, &record);
            }
            0
        }
        "beyond the datagram" => {
            let mut record = s.peer.data(DATA);
            record.truncate(record.len() - 3);
            s.send(t, &record);
            0
        }
        _ => {
            let mut records = vec![s.peer.data(b"one"), s.peer.data(b"two")];
            if what == "rubbish behind" {
                records.push(vec![content::HANDSHAKE, 1]);
            }
            s.send(t, &records.concat());
            2
        }
    }
}

/// A record of the data epoch with `length` bytes of nothing behind its header.
fn short(s: &DtlsStage, version: Version, length: u8) -> Vec<u8> {
    let body = vec![0x31; usize::from(length)];
    match version {
        Version::Dtls12 => {
            let sequence = s.peer.records.next_sequence(1) + 500;
            plain(content::APPLICATION_DATA, 1, sequence, &body)
        }
        Version::Dtls13 => [&[0x2f, 9, 9, 0, length][..], &body].concat(),
    }
}

case! {
    id: "dtls.records.first-byte",
    title: "Datagrams of every first byte are taken for DTLS only in its range, and none does harm",
    reqs: [req::DTLSSRTP_DEMUX_FIRST_BYTE, req::DTLS13_DEMUX_REJECT],
    kind: SubjectKind::Dtls,
    variants: product! { version: ["1.2", "1.3"], role: ["client", "server"] },
    run: first_byte,
}

fn first_byte(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut s = connected(t, v)?;
    let before = s.heard.len();
    for first in 0..=255_u8 {
        let head = [first, 0xfe, 0xfd, 0, 1, 0, 0, 0, 0, 1, 0, 0, 12];
        s.send_many(t, &[vec![first], [&head[..], &[first; 12]].concat()]);
    }
    t.stimulus("every first byte");
    s.listen(t, SOON);
    let said = s.heard.len() - before;
    t.should(req::DTLSSRTP_DEMUX_FIRST_BYTE, said == 0, "silence", said)?;
    must_live(t, &mut s, req::DTLS13_DEMUX_REJECT)
}
