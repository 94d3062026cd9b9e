//! Fragments: RFC 6347 §4.2.3, RFC 9147 §5.5.

use wire::dtls::{Fragment, cut};

use super::script::*;

case! {
    id: "dtls.refragment",
    title: "Messages are put together from fragments of any size, overlapping, repeated, in any order",
    reqs: [
        req::DTLS12_FRAGMENTS_REASSEMBLED,
        req::DTLS12_FRAGMENTS_OVERLAP_ACCEPTED,
        req::DTLS13_FRAGMENTS_REASSEMBLED,
        req::DTLS13_FRAGMENTS_OVERLAP_ACCEPTED,
    ],
    kind: SubjectKind::Dtls,
    variants: product! {
        role: ["client", "server"],
        version: ["1.2", "1.3"],
        how: ["tiny", "overlapping", "reversed", "twice", "nested", "recut"],
    },
    run: refragment,
}

fn refragment(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let (version, how) = (version(v), v.text("how"));
    let mut s = DtlsStage::open(t, role(v), version)?;
    t.stimulus(format_args!("fragments: {how}"));
    let done = completes_so(t, &mut s, how) && s.data_passes(t);
    let overlaps = matches!(how, "overlapping" | "nested" | "recut");
    let requirement = match (version, overlaps) {
        (Version::Dtls12, false) => req::DTLS12_FRAGMENTS_REASSEMBLED,
        (Version::Dtls12, true) => req::DTLS12_FRAGMENTS_OVERLAP_ACCEPTED,
        (Version::Dtls13, false) => req::DTLS13_FRAGMENTS_REASSEMBLED,
        (Version::Dtls13, true) => req::DTLS13_FRAGMENTS_OVERLAP_ACCEPTED,
    };
    let got = s.state(t);
    t.must(requirement, done, "a handshake that ends well", got)
}

/// Lets the handshake run with every flight of the suite cut so.
fn completes_so(t: &mut Ctl<'_>, s: &mut DtlsStage, how: &str) -> bool {
    let until = t.now() + LONG;
    let mut flights = Vec::new();
    if s.peer.side() == Side::Client {
        flights.push(s.peer.start());
    }
    loop {
        for flight in flights.drain(..) {
            for datagram in datagrams(&mut s.peer, &flight, how) {
                s.send(t, &datagram);
            }
        }
        if (s.peer.is_connected() && s.is_connected(t)) || t.now() >= until {
            break;
        }
        flights.extend(s.hear(t, SOON).unwrap_or_default());
    }
    s.serve(t, SOON);
    s.peer.is_connected() && s.is_connected(t)
}

fn datagrams(peer: &mut Peer, flight: &Flight, how: &str) -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    for item in &flight.items {
        match item {
            Item::Message(message) => {
                for piece in pieces(message, how) {
                    all.push(peer.piece(message.epoch, &piece));
                }
            }
            Item::Record { epoch, content, payload } => {
                all.push(peer.record(*epoch, *content, payload));
            }
        }
    }
    all
}

fn pieces(message: &Message, how: &str) -> Vec<Fragment> {
    let whole = message.body.len();
    match how {
        // Not of one byte: two dozen of a datagram's fragments are as much as anybody has to keep.
        "tiny" => cut(message, whole.div_ceil(24)),
        "overlapping" => {
            let step = whole.div_ceil(12).max(1);
            (0..whole.max(1)).step_by(step).map(|at| message.fragment(at, 2 * step)).collect()
        }
        "reversed" => cut(message, whole.div_ceil(10)).into_iter().rev().collect(),
        "twice" => {
            cut(message, whole.div_ceil(6)).into_iter().flat_map(|p| [p.clone(), p]).collect()
        }
        "nested" => {
            vec![
                message.fragment(whole / 3, whole / 3),
                message.fragment(whole / 4, whole / 2),
                message.whole(),
            ]
        }
        // The first half in small pieces, lost from there on; then all of it again in larger ones.
        _ => {
            let mut first = cut(message, whole.div_ceil(9));
            first.truncate(5);
            first.extend(cut(message, whole.div_ceil(2)));
            first
        }
    }
}

case! {
    id: "dtls.refragment.one-byte",
    title: "A Finished in fragments of one byte is put together",
    reqs: [req::DTLS12_FRAGMENTS_REASSEMBLED, req::DTLS13_FRAGMENTS_REASSEMBLED],
    kind: SubjectKind::Dtls,
    variants: product! { role: ["client", "server"], version: ["1.2", "1.3"] },
    run: one_byte,
}

fn one_byte(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let version = version(v);
    let mut s = DtlsStage::open(t, role(v), version)?;
    s.begin(t);
    let flight = s.hold(t, handshake::FINISHED)?;
    let mut datagrams = Vec::new();
    for item in &flight.items {
        let part = Flight { items: vec![item.clone()] };
        let is_finished = part.has(handshake::FINISHED);
        let packing = if is_finished { Packing::single(1) } else { Packing::of_mtu(1_200) };
        datagrams.extend(s.peer.pack_with(&part, packing));
    }
    s.say_datagrams(t, &datagrams, "a Finished in single bytes");
    s.tolerates(
        t,
        match version {
            Version::Dtls12 => req::DTLS12_FRAGMENTS_REASSEMBLED,
            Version::Dtls13 => req::DTLS13_FRAGMENTS_REASSEMBLED,
        },
    )
}

case! {
    id: "dtls.13.fragments.contradict",
    title: "Fragments that contradict what came before are not joined, and proven ones end the handshake",
    reqs: [req::DTLS13_FRAGMENT_LENGTH_DISAGREES, req::DTLS13_FRAGMENTS_DIFFER_ABORT],
    kind: SubjectKind::Dtls,
    variants: product! { role: ["client", "server"], what: ["length", "bytes"] },
    run: contradict,
}

fn contradict(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut s = DtlsStage::open(t, role(v), Version::Dtls13)?;
    s.begin(t);
    let flight = s.hold(t, handshake::CERTIFICATE)?;
    let certificate = t.expect(flight.message(handshake::CERTIFICATE).cloned(), "Certificate")?;
    let half = certificate.body.len() / 2;
    let mut first = certificate.fragment(0, half);
    let says_length = v.text("what") == "length";
    if says_length {
        first.total += 1;
    } else if let Some(byte) = first.data.last_mut() {
        *byte ^= 1;
    }
    let before: Vec<Item> =
        flight.items.iter().take_while(|item| !is_certificate(item)).cloned().collect();
    let after: Vec<Item> = flight.items.iter().skip(before.len()).cloned().collect();
    let mut datagrams = s.peer.pack(&Flight { items: before });
    datagrams.push(s.peer.piece(certificate.epoch, &first));
    datagrams.push(s.peer.piece(certificate.epoch, &certificate.fragment(half / 2, half)));
    datagrams.extend(s.peer.pack(&Flight { items: after }));
    s.say_datagrams(t, &datagrams, "fragments that contradict each other");
    s.serve(t, SECOND);
    let (connected, fatal) = (s.is_connected(t), s.peer.log.fatal());
    let got = format!("connected: {connected}, alert {fatal:?}");
    if says_length {
        // A message of both would not parse, or not be what was signed.
        let joined = [alert::DECODE_ERROR, alert::DECRYPT_ERROR];
        let sound = !fatal.is_some_and(|fatal| joined.contains(&fatal));
        return t.must(req::DTLS13_FRAGMENT_LENGTH_DISAGREES, sound, "no message of both", got);
    }
    let right = fatal == Some(alert::ILLEGAL_PARAMETER);
    t.should(req::DTLS13_FRAGMENTS_DIFFER_ABORT, right, "illegal_parameter", got)
}

fn is_certificate(item: &Item) -> bool {
    matches!(item, Item::Message(message) if message.kind == handshake::CERTIFICATE)
}

case! {
    id: "dtls.fragments.sent",
    title: "What an endpoint sends fits the MTU it is told, in fragments that do not overlap",
    reqs: [
        req::DTLS12_FRAGMENT_FIELDS,
        req::DTLS12_FRAGMENTS_DO_NOT_OVERLAP,
        req::DTLS12_TOO_BIG_FRAGMENTED,
        req::DTLS12_DATAGRAM_BEGINS_RECORD,
        req::DTLS13_FRAGMENT_FIELDS,
        req::DTLS13_FRAGMENTS_DO_NOT_OVERLAP,
        req::DTLS13_TOO_BIG_FRAGMENTED,
        req::DTLS13_DATAGRAM_BEGINS_RECORD,
        req::DTLS13_RECORD_NOT_ACROSS_DATAGRAMS,
    ],
    kind: SubjectKind::Dtls,
    variants: product! {
        role: ["client", "server"],
        version: ["1.2", "1.3"],
        mtu: [300, 576],
    },
    run: sent,
}

fn sent(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let version = version(v);
    let mtu = usize::try_from(v.number("mtu")).unwrap_or(300);
    let mut s = DtlsStage::with(t, role(v), version, |setup| setup.config.mtu = Some(mtu))?;
    t.stimulus(format_args!("a path of {mtu} bytes"));
    s.connect(t)?;
    let longest = s.heard.iter().map(|(_, datagram)| datagram.len()).max().unwrap_or(0);
    let whole = !s.peer.log.faults.iter().any(|fault| fault.contains("does not end"));
    let pieces: Vec<Fragment> = s
        .peer
        .log
        .records
        .iter()
        .filter(|record| record.content == content::HANDSHAKE)
        .flat_map(|record| Fragment::read_all(&record.payload).unwrap_or_default())
        .collect();
    let fields = pieces.iter().all(|piece| agrees(piece, &pieces));
    let apart = pieces.iter().all(|piece| stands_alone(piece, &pieces));
    let fits = longest <= mtu;
    match version {
        Version::Dtls12 => {
            t.must(req::DTLS12_DATAGRAM_BEGINS_RECORD, whole, "whole records", "rests")?;
            t.must(req::DTLS12_FRAGMENT_FIELDS, fields, "the same fields", "others")?;
            t.should(req::DTLS12_FRAGMENTS_DO_NOT_OVERLAP, apart, "no overlap", "some")?;
            t.should(
                req::DTLS12_TOO_BIG_FRAGMENTED,
                fits,
                format!("≤ {mtu}"),
                if fits { mtu } else { longest },
            )
        }
        Version::Dtls13 => {
            t.must(req::DTLS13_DATAGRAM_BEGINS_RECORD, whole, "whole records", "rests")?;
            t.must(req::DTLS13_RECORD_NOT_ACROSS_DATAGRAMS, whole, "whole records", "rests")?;
            t.must(req::DTLS13_FRAGMENT_FIELDS, fields, "the same fields", "others")?;
            t.must(req::DTLS13_FRAGMENTS_DO_NOT_OVERLAP, apart, "no overlap", "some")?;
            t.should(
                req::DTLS13_TOO_BIG_FRAGMENTED,
                fits,
                format!("≤ {mtu}"),
                if fits { mtu } else { longest },
            )
        }
    }
}

/// Whether all pieces of this message say the same about it.
fn agrees(piece: &Fragment, all: &[Fragment]) -> bool {
    let same = all.iter().filter(|other| other.seq == piece.seq);
    same.clone().all(|other| other.kind == piece.kind && other.total == piece.total)
}

/// Whether no other piece of the message has some of its bytes, unless it is the same piece again.
fn stands_alone(piece: &Fragment, all: &[Fragment]) -> bool {
    let others = all.iter().filter(|other| other.seq == piece.seq && *other != piece);
    others.clone().all(|other| other.end() <= piece.offset || other.offset >= piece.end())
}
