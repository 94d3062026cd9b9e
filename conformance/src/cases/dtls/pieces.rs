//! Handshake messages in pieces: RFC 6347 §4.2.3, RFC 9147 §5.5.

use wire::dtls::{Fragment, Heard};

use super::{judge::*, script::*};

/// Answers everything with datagrams made by `pack` until both sides are connected; says whether they
/// are.
fn converse(
    t: &mut Ctl<'_>,
    s: &mut DtlsStage,
    mut pack: impl FnMut(&mut Peer, &Flight) -> Vec<Vec<u8>>,
) -> bool {
    let mut flights = match s.peer.side() {
        Side::Client => vec![s.peer.start()],
        Side::Server => Vec::new(),
    };
    let mut last = Flight::default();
    let until = t.now() + LONG;
    while !(s.peer.is_connected() && s.is_connected(t)) && t.now() < until {
        for flight in flights {
            let datagrams = pack(&mut s.peer, &flight);
            s.send_many(t, &datagrams);
            if flight.messages().next().is_some() {
                last = flight;
            }
        }
        // Whoever may discard what comes out of order gets it again.
        flights = s.hear(t, SECOND).unwrap_or_else(|| vec![last.clone()]);
    }
    t.stimulus("flights in pieces");
    for flight in flights {
        s.say(t, &flight);
    }
    s.completes(t, SOON)
}

/// Asserts that what `converse` did has connected both sides.
fn must_have_connected(t: &mut Ctl<'_>, s: &mut DtlsStage, req: Req) -> Outcome {
    let done = s.peer.is_connected() && s.is_connected(t);
    let got = format!("faults {:?}, alerts {:?}", s.peer.log.faults, s.peer.log.alerts);
    t.must(req, done, "a handshake that ends well", &got)?;
    must_live(t, s, req)
}

/// Records with pieces of a flight's messages as `cut` makes them, each in a datagram of its own, and
/// everything else in between.
fn pieces(
    peer: &mut Peer,
    flight: &Flight,
    mut cut: impl FnMut(&Message) -> Vec<Fragment>,
) -> Vec<Vec<u8>> {
    let mut datagrams = Vec::new();
    for item in &flight.items {
        match item {
            Item::Message(message) => {
                for fragment in cut(message) {
                    datagrams.push(peer.piece(message.epoch, &fragment));
                }
            }
            Item::Record { epoch, content, payload } => {
                datagrams.push(peer.record(*epoch, *content, payload));
            }
        }
    }
    datagrams
}

case! {
    id: "dtls.pieces.sizes",
    title: "Messages are put together from pieces of any size",
    reqs: [req::DTLS12_FRAGMENTS_REASSEMBLED, req::DTLS13_FRAGMENTS_REASSEMBLED],
    kind: SubjectKind::Dtls,
    variants: product! {
        version: ["1.2", "1.3"],
        role: ["client", "server"],
        size: [16, 64, 200],
    },
    run: sizes,
}

fn sizes(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut s = DtlsStage::open(t, role(v), version(v))?;
    let size = usize::try_from(v.number("size")).unwrap_or(64);
    converse(t, &mut s, |peer, flight| peer.pack_with(flight, Packing::single(size)));
    let req = by_version(v, req::DTLS12_FRAGMENTS_REASSEMBLED, req::DTLS13_FRAGMENTS_REASSEMBLED);
    must_have_connected(t, &mut s, req)
}

case! {
    id: "dtls.pieces.order",
    title: "Messages are put together from pieces in any order, and from pieces of several messages",
    reqs: [
        req::DTLS12_FRAGMENTS_REASSEMBLED,
        req::DTLS12_FUTURE_MESSAGE_QUEUED,
        req::DTLS12_FRAGMENTS_BY_MESSAGE,
        req::DTLS13_FRAGMENTS_REASSEMBLED,
    ],
    kind: SubjectKind::Dtls,
    variants: product! {
        version: ["1.2", "1.3"],
        role: ["client", "server"],
        order: ["reversed in a message", "reversed", "halves"],
    },
    run: order,
}

/// Regression: pieces of several messages were joined by their type (GnuTLS#1839, dimpl#151).
fn order(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut s = DtlsStage::open(t, role(v), version(v))?;
    let how = v.text("order");
    converse(t, &mut s, |peer, flight| match how {
        "reversed in a message" => pieces(peer, flight, |message| {
            let mut all = wire::dtls::cut(message, 100);
            all.reverse();
            all
        }),
        "reversed" => {
            let mut all = peer.pack_with(flight, Packing::single(400));
            all.reverse();
            all
        }
        _ => halves(peer, flight),
    });
    let req = by_version(v, req::DTLS12_FRAGMENTS_REASSEMBLED, req::DTLS13_FRAGMENTS_REASSEMBLED);
    must_have_connected(t, &mut s, req)?;
    if version(v) == Version::Dtls12 {
        t.should(req::DTLS12_FUTURE_MESSAGE_QUEUED, true, "connected", "connected")?;
        must_live(t, &mut s, req::DTLS12_FRAGMENTS_BY_MESSAGE)?;
    }
    Ok(())
}

/// The first halves of all messages, then the second halves.
fn halves(peer: &mut Peer, flight: &Flight) -> Vec<Vec<u8>> {
    let mut datagrams =
        pieces(peer, flight, |message| vec![message.fragment(0, message.body.len() / 2)]);
    let second: Vec<Message> = flight.messages().cloned().collect();
    for message in second {
        let half = message.body.len() / 2;
        let fragment = message.fragment(half, message.body.len() - half);
        datagrams.push(peer.piece(message.epoch, &fragment));
    }
    datagrams
}

case! {
    id: "dtls.pieces.overlap",
    title: "Pieces that overlap, and pieces of no bytes, do not disturb",
    reqs: [
        req::DTLS12_FRAGMENTS_OVERLAP_ACCEPTED,
        req::DTLS12_FRAGMENT_EMPTY,
        req::DTLS12_FRAGMENT_OUT_OF_BOUNDS,
        req::DTLS12_FRAGMENT_LENGTH_DISAGREES,
        req::DTLS13_FRAGMENTS_OVERLAP_ACCEPTED,
        req::DTLS13_FRAGMENT_LENGTH_DISAGREES,
    ],
    kind: SubjectKind::Dtls,
    variants: product! {
        version: ["1.2", "1.3"],
        role: ["client", "server"],
        what: ["overlap", "contained", "repeated", "empty", "out of bounds", "other length"],
    },
    run: overlap,
}

/// Regression: an empty piece went round in circles (CVE-2022-29190 in Pion) or leaked (CVE-2014-3507),
/// and other lengths wrote beyond the buffer (CVE-2014-0195 in OpenSSL).
fn overlap(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut s = DtlsStage::open(t, role(v), version(v))?;
    let what = v.text("what");
    converse(t, &mut s, |peer, flight| pieces(peer, flight, |message| odd_pieces(message, what)));
    let (of12, of13) = match what {
        "empty" => (req::DTLS12_FRAGMENT_EMPTY, req::DTLS13_FRAGMENTS_OVERLAP_ACCEPTED),
        "out of bounds" => {
            (req::DTLS12_FRAGMENT_OUT_OF_BOUNDS, req::DTLS13_FRAGMENTS_OVERLAP_ACCEPTED)
        }
        "other length" => {
            (req::DTLS12_FRAGMENT_LENGTH_DISAGREES, req::DTLS13_FRAGMENT_LENGTH_DISAGREES)
        }
        _ => (req::DTLS12_FRAGMENTS_OVERLAP_ACCEPTED, req::DTLS13_FRAGMENTS_OVERLAP_ACCEPTED),
    };
    must_have_connected(t, &mut s, by_version(v, of12, of13))
}

fn odd_pieces(message: &Message, what: &str) -> Vec<Fragment> {
    let length = message.body.len();
    let (third, rest) = (length / 3, length - length / 3);
    let first = message.fragment(0, rest);
    let last = message.fragment(third, length - third);
    match what {
        "overlap" => vec![first, last],
        "contained" => vec![message.fragment(third, third), first, last],
        "repeated" => vec![first.clone(), first.clone(), first, last],
        "empty" if length > 0 => {
            let mut all = vec![message.fragment(0, 0); 30];
            all.extend([message.fragment(third, 0), first, message.fragment(length, 0), last]);
            all
        }
        "out of bounds" if message.epoch == 0 => {
            let beyond = Fragment { offset: length, data: vec![0x55; 9], ..first.clone() };
            vec![first, beyond, last]
        }
        "other length" if message.epoch == 0 => {
            let longer = Fragment { total: length + 40, data: vec![0x55; 20], ..first.clone() };
            vec![first, longer, last]
        }
        _ => vec![first, last],
    }
}

case! {
    id: "dtls.pieces.storm",
    title: "Pieces of messages that never become whole take no place from those that do",
    reqs: [
        req::DTLS12_REASSEMBLY_BOUNDED,
        req::DTLS12_FUTURE_MESSAGE_QUEUED,
        req::DTLS13_FRAGMENTS_REASSEMBLED,
    ],
    kind: SubjectKind::Dtls,
    variants: product! {
        version: ["1.2", "1.3"],
        role: ["client", "server"],
        what: ["huge", "many", "far ahead", "old"],
    },
    run: storm,
}

/// Regression: memory by the length that was declared (CVE-2014-3506 in OpenSSL) and without a limit
/// (CVE-2022-29189 in Pion).
fn storm(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut s = DtlsStage::open(t, role(v), version(v))?;
    let what = v.text("what");
    let stormed = move |peer: &mut Peer| {
        (0..300_u16).map(|index| peer.piece(0, &bogus(what, index))).collect::<Vec<_>>()
    };
    let storm = |peer: &mut Peer, flight: &Flight| {
        // Without keys anybody can do this; afterwards only the peer itself.
        let first = flight.messages().next();
        let open =
            first.is_some_and(|message| message.epoch == 0 && (what != "old" || message.seq > 0));
        let mut datagrams = if open { stormed(peer) } else { Vec::new() };
        datagrams.extend(peer.pack(flight));
        datagrams
    };
    converse(t, &mut s, storm);
    let req = by_version(v, req::DTLS12_REASSEMBLY_BOUNDED, req::DTLS13_FRAGMENTS_REASSEMBLED);
    must_have_connected(t, &mut s, req)
}

/// A piece of a message that nobody sends.
fn bogus(what: &str, index: u16) -> Fragment {
    let (total, seq) = match what {
        "huge" => (0x00ff_ffff, 40 + index % 8),
        "many" => (20_000, 20),
        "far ahead" => (100, 1_000 + index),
        _ => (100, 0),
    };
    let offset = match what {
        "many" => usize::from(index) * 60,
        _ => 0,
    };
    let kind = if what == "old" { handshake::HELLO_REQUEST } else { handshake::CERTIFICATE };
    Fragment { kind, total, seq, offset, data: vec![0xaa; 60] }
}

case! {
    id: "dtls.pieces.own",
    title: "Messages that do not fit a datagram go out in pieces that do",
    reqs: [
        req::DTLS12_FRAGMENT_FIELDS,
        req::DTLS12_FRAGMENTS_WHOLE,
        req::DTLS12_FRAGMENTS_DO_NOT_OVERLAP,
        req::DTLS12_MESSAGE_IN_ONE_DATAGRAM,
        req::DTLS12_RECORD_FITS_DATAGRAM,
        req::DTLS12_RECORD_FITS_PMTU,
        req::DTLS12_TOO_BIG_FRAGMENTED,
        req::DTLS12_DATAGRAM_BEGINS_RECORD,
        req::DTLS13_FRAGMENT_FIELDS,
        req::DTLS13_FRAGMENTS_DO_NOT_OVERLAP,
        req::DTLS13_FRAGMENT_IN_ONE_DATAGRAM,
        req::DTLS13_RECORD_FITS_DATAGRAM,
        req::DTLS13_RECORD_FITS_PMTU,
        req::DTLS13_TOO_BIG_FRAGMENTED,
        req::DTLS13_DATAGRAM_BEGINS_RECORD,
    ],
    kind: SubjectKind::Dtls,
    variants: product! {
        version: ["1.2", "1.3"],
        role: ["client", "server"],
        mtu: [256, 400, 1_200],
    },
    run: own,
}

fn own(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mtu = usize::try_from(v.number("mtu")).unwrap_or(1_200);
    let mut s = DtlsStage::with(t, role(v), version(v), |setup| setup.config.mtu = Some(mtu))?;
    t.stimulus(format_args!("a path of {mtu} bytes"));
    s.begin(t);
    let done = s.completes(t, LONG);
    t.precondition(done, "a handshake that ends well")?;
    let longest = s.heard.iter().map(|(_, datagram)| datagram.len()).max().unwrap_or_default();
    // How long exactly depends on the length of a signature.
    let shown = if longest <= mtu { mtu } else { longest };
    let faults = format!("{:?}", s.peer.log.faults);
    let whole = !s.peer.log.faults.iter().any(|fault| fault.contains("end with a record"));
    let (of12, of13) = (req::DTLS12_RECORD_FITS_PMTU, req::DTLS13_RECORD_FITS_PMTU);
    t.should(by_version(v, of12, of13), longest <= mtu, mtu, shown)?;
    let (of12, of13) = (req::DTLS12_TOO_BIG_FRAGMENTED, req::DTLS13_TOO_BIG_FRAGMENTED);
    t.should(by_version(v, of12, of13), longest <= mtu, mtu, shown)?;
    for (of12, of13) in [
        (req::DTLS12_DATAGRAM_BEGINS_RECORD, req::DTLS13_DATAGRAM_BEGINS_RECORD),
        (req::DTLS12_RECORD_FITS_DATAGRAM, req::DTLS13_RECORD_FITS_DATAGRAM),
        (req::DTLS12_MESSAGE_IN_ONE_DATAGRAM, req::DTLS13_FRAGMENT_IN_ONE_DATAGRAM),
    ] {
        t.must(by_version(v, of12, of13), whole, "whole records", &faults)?;
    }
    let fragments = fragments_of(&s.peer.log.records);
    for message in &s.peer.log.messages.clone() {
        own_message(t, v, message, &fragments)?;
    }
    Ok(())
}

fn own_message(t: &mut Ctl<'_>, v: &Variant, message: &Message, fragments: &[Fragment]) -> Outcome {
    let own: Vec<&Fragment> = fragments.iter().filter(|it| it.seq == message.seq).collect();
    let shown = message.name();
    let fits = own.iter().all(|it| it.total == message.body.len() && it.kind == message.kind);
    let (of12, of13) = (req::DTLS12_FRAGMENT_FIELDS, req::DTLS13_FRAGMENT_FIELDS);
    t.must(by_version(v, of12, of13), fits, "the same type and length", shown)?;
    let mut next = 0;
    let contiguous = own.iter().all(|it| {
        let follows = it.offset == next;
        next = it.end();
        follows || it.offset == 0
    });
    match version(v) {
        Version::Dtls12 => {
            t.should(req::DTLS12_FRAGMENTS_DO_NOT_OVERLAP, contiguous, "no overlap", shown)?;
            t.must(req::DTLS12_FRAGMENTS_WHOLE, next == message.body.len(), "all of it", shown)
        }
        Version::Dtls13 => {
            t.must(req::DTLS13_FRAGMENTS_DO_NOT_OVERLAP, contiguous, "no overlap", shown)
        }
    }
}

fn fragments_of(records: &[Heard]) -> Vec<Fragment> {
    let handshake = records.iter().filter(|heard| heard.content == content::HANDSHAKE);
    handshake.filter_map(|heard| Fragment::read_all(&heard.payload)).flatten().collect()
}
