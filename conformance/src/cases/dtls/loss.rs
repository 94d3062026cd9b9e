//! Datagrams that are lost, late or doubled: RFC 6347 §4.2.4, RFC 9147 §5.8.

use wire::dtls::{Fragment, Heard};

use super::{judge::*, script::*};

/// Plays a handshake in which datagrams number `lost_here` of the endpoint's and `lost_there` of the
/// peer's do not arrive. The peer repeats itself when the endpoint does, and after a second of silence.
/// Says whether both are connected.
fn with_losses(
    t: &mut Ctl<'_>,
    s: &mut DtlsStage,
    lost_here: &[usize],
    lost_there: &[usize],
) -> bool {
    let (mut came, mut went) = (0, 0);
    let mut last = Flight::default();
    let mut say = |t: &mut Ctl<'_>, s: &mut DtlsStage, flight: &Flight| {
        for datagram in s.peer.pack(flight) {
            if !lost_there.contains(&went) {
                s.send(t, &datagram);
            }
            went += 1;
        }
    };
    if s.peer.side() == Side::Client {
        last = s.peer.start();
        say(t, s, &last);
    }
    let until = t.now() + 30 * SECOND;
    while !(s.peer.is_connected() && s.is_connected(t)) && t.now() < until {
        if lost_here.contains(&came) {
            came += usize::from(s.lose(t, SECOND));
            continue;
        }
        let Some(flights) = s.hear(t, SECOND) else {
            if !last.items.is_empty() {
                say(t, s, &last);
            }
            continue;
        };
        came += 1;
        let answers = flights.iter().any(|flight| flight.messages().next().is_some());
        let repeats = !answers && is_repeat(s);
        for flight in flights {
            say(t, s, &flight);
            if flight.messages().next().is_some() {
                last = flight;
            }
        }
        if repeats && !last.items.is_empty() {
            say(t, s, &last);
        }
    }
    s.serve(t, SOON);
    s.peer.is_connected() && s.is_connected(t)
}

/// Whether the last record heard is the end of a flight that was heard before.
fn is_repeat(s: &DtlsStage) -> bool {
    let Some(last) = s.peer.log.records.last() else { return false };
    let Some(key) = piece_of(last) else { return false };
    let earlier = s.peer.log.records.iter().rev().skip(1);
    let seen = earlier.filter_map(piece_of).any(|it| it == key);
    let is_end = matches!(
        key.0,
        handshake::CLIENT_HELLO | handshake::SERVER_HELLO_DONE | handshake::FINISHED
    );
    seen && is_end
}

/// Type and message_seq of the last piece in a record.
fn piece_of(heard: &Heard) -> Option<(u8, u16)> {
    let is_handshake = heard.content == content::HANDSHAKE;
    let fragments = Fragment::read_all(&heard.payload).filter(|_| is_handshake)?;
    fragments.last().map(|fragment| (fragment.kind, fragment.seq))
}

case! {
    id: "dtls.loss.one",
    title: "Whichever datagram of a handshake is lost, the handshake completes",
    reqs: [
        req::DTLS12_EVERY_LOSS_MENDED,
        req::DTLS12_RETRANSMISSION_ON_TIMEOUT,
        req::DTLS12_RETRANSMISSION_ON_REPEAT,
        req::DTLS12_CCS_WITH_FINISHED,
        req::DTLS12_LAST_FLIGHT_REPEATED,
        req::DTLS13_RETRANSMISSION_ON_TIMEOUT,
        req::DTLS13_RETRANSMISSION_ON_REPEAT,
    ],
    kind: SubjectKind::Dtls,
    variants: product! {
        version: ["1.2", "1.3"],
        role: ["client", "server"],
        from: ["subject", "suite"],
        lost: [0, 1, 2],
    },
    run: one,
}

/// Regression: a first ClientHello that was lost was never repeated (dimpl#160).
fn one(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut s = DtlsStage::open(t, role(v), version(v))?;
    let lost = usize::try_from(v.number("lost")).unwrap_or_default();
    let subject = v.text("from") == "subject";
    let (here, there) = if subject { (vec![lost], vec![]) } else { (vec![], vec![lost]) };
    t.stimulus(format_args!("a datagram that is lost: {lost} of the {}", v.text("from")));
    let done = with_losses(t, &mut s, &here, &there);
    let got = format!("faults {:?}, alerts {:?}", s.peer.log.faults, s.peer.log.alerts);
    let (of12, of13) =
        (req::DTLS12_RETRANSMISSION_ON_TIMEOUT, req::DTLS13_RETRANSMISSION_ON_TIMEOUT);
    t.must(by_version(v, of12, of13), done, "a handshake that ends well", &got)?;
    let (of12, of13) = (req::DTLS12_RETRANSMISSION_ON_REPEAT, req::DTLS13_RETRANSMISSION_ON_REPEAT);
    t.must(by_version(v, of12, of13), done, "a handshake that ends well", &got)?;
    if version(v) == Version::Dtls12 {
        for req in [
            req::DTLS12_EVERY_LOSS_MENDED,
            req::DTLS12_CCS_WITH_FINISHED,
            req::DTLS12_LAST_FLIGHT_REPEATED,
        ] {
            t.must(req, done, "a handshake that ends well", &got)?;
        }
        return must_live(t, &mut s, req::DTLS12_EVERY_LOSS_MENDED);
    }
    must_live(t, &mut s, req::DTLS13_RETRANSMISSION_ON_TIMEOUT)
}

case! {
    id: "dtls.loss.timers",
    title: "A flight that is not answered is repeated, later and later, in new records",
    reqs: [
        req::DTLS12_RETRANSMISSION_ON_TIMEOUT,
        req::DTLS12_TIMER_DOUBLES,
        req::DTLS12_MESSAGE_SEQ_KEPT,
        req::DTLS12_SEQUENCE_PER_EPOCH,
        req::DTLS12_TIMEOUTS_NOT_HOT,
        req::DTLS13_RETRANSMISSION_ON_TIMEOUT,
        req::DTLS13_TIMER_DOUBLES,
        req::DTLS13_TIMER_SRTP,
        req::DTLS13_MESSAGE_SEQ_KEPT_ON_RETRANSMISSION,
        req::DTLS13_RETRANSMISSION_BYTES_UNCHANGED,
        req::DTLS13_RETRANSMIT_SAME_EPOCH,
    ],
    kind: SubjectKind::Dtls,
    variants: product! { version: ["1.2", "1.3"], role: ["client", "server"] },
    run: timers,
}

/// Regression: a deadline that lay in the past was asked for again and again (str0m#1017, str0m#863).
fn timers(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut s = DtlsStage::open(t, role(v), version(v))?;
    s.begin(t);
    t.stimulus("a peer that falls silent");
    s.listen(t, 25 * SECOND);
    let mut times: Vec<base::Instant> = s.heard.iter().map(|(at, _)| *at).collect();
    times.dedup_by(|later, earlier| *later - *earlier < 50 * MILLISECOND);
    let gaps: Vec<Duration> =
        times.iter().zip(times.iter().skip(1)).map(|(one, two)| *two - *one).collect();
    let shown = format!("{gaps:?}");
    let (of12, of13) =
        (req::DTLS12_RETRANSMISSION_ON_TIMEOUT, req::DTLS13_RETRANSMISSION_ON_TIMEOUT);
    t.must(by_version(v, of12, of13), gaps.len() >= 3, "three repetitions", &shown)?;
    let doubles = gaps.iter().zip(gaps.iter().skip(1)).all(|(one, two)| {
        let factor = two.as_secs_f64() / one.as_secs_f64();
        (1.8..=2.2).contains(&factor) || *two >= 60 * SECOND
    });
    let (of12, of13) = (req::DTLS12_TIMER_DOUBLES, req::DTLS13_TIMER_DOUBLES);
    t.should(by_version(v, of12, of13), doubles, "each twice the one before", &shown)?;
    let records: Vec<Heard> = s.peer.log.records.clone();
    let mut numbers = std::collections::BTreeSet::new();
    let fresh = records.iter().all(|heard| numbers.insert((heard.epoch, heard.sequence)));
    let pieces: Vec<Fragment> = records
        .iter()
        .filter(|heard| heard.content == content::HANDSHAKE)
        .filter_map(|heard| Fragment::read_all(&heard.payload))
        .flatten()
        .collect();
    let first = s.peer.log.messages.clone();
    let same = pieces.iter().all(|piece| {
        let message = first.iter().find(|message| message.seq == piece.seq);
        message.is_none_or(|message| {
            let place = message.body.get(piece.offset..piece.end());
            message.kind == piece.kind && place == Some(&piece.data[..])
        })
    });
    match version(v) {
        Version::Dtls12 => {
            t.must(req::DTLS12_SEQUENCE_PER_EPOCH, fresh, "new numbers", "a number twice")?;
            t.must(req::DTLS12_MESSAGE_SEQ_KEPT, same, "the same messages", "others")?;
            let calm = gaps.iter().all(|gap| *gap > 50 * MILLISECOND);
            t.must(req::DTLS12_TIMEOUTS_NOT_HOT, calm, "time between them", &shown)
        }
        Version::Dtls13 => {
            let first = gaps.first().copied().unwrap_or_default();
            let right = (350 * MILLISECOND..=450 * MILLISECOND).contains(&first);
            t.should(req::DTLS13_TIMER_SRTP, right, "400 ms", &shown)?;
            let req = req::DTLS13_MESSAGE_SEQ_KEPT_ON_RETRANSMISSION;
            t.must(req, fresh && same, "the same messages in new records", "others")?;
            let req = req::DTLS13_RETRANSMISSION_BYTES_UNCHANGED;
            t.must(req, same, "the same bytes", "others")?;
            let epochs = records.iter().all(|heard| {
                let hello = piece_of(heard).is_some_and(|(kind, _)| {
                    matches!(kind, handshake::CLIENT_HELLO | handshake::SERVER_HELLO)
                });
                heard.content != content::HANDSHAKE || hello == (heard.epoch == 0)
            });
            t.must(req::DTLS13_RETRANSMIT_SAME_EPOCH, epochs, "the same epochs", "others")
        }
    }
}

case! {
    id: "dtls.loss.smaller",
    title: "A large flight that is never answered is repeated in smaller pieces",
    reqs: [req::DTLS12_RETRANSMIT_SMALLER, req::DTLS13_RETRANSMIT_SMALLER],
    kind: SubjectKind::Dtls,
    variants: product! { version: ["1.2", "1.3"] },
    run: smaller,
}

fn smaller(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut s = DtlsStage::open(t, DtlsRole::Server, version(v))?;
    s.begin(t);
    t.stimulus("a peer that falls silent");
    s.listen(t, 25 * SECOND);
    let lengths: Vec<usize> = s.heard.iter().map(|(_, datagram)| datagram.len()).collect();
    let longest = lengths.iter().max().copied().unwrap_or_default();
    let last = lengths.iter().rev().take(2).max().copied().unwrap_or_default();
    let req = by_version(v, req::DTLS12_RETRANSMIT_SMALLER, req::DTLS13_RETRANSMIT_SMALLER);
    // In bytes less than the longest: how long that is depends on the length of a signature.
    let less: Vec<usize> = lengths.iter().map(|length| longest - length).collect();
    t.should(req, last < longest, "shorter ones in the end", format!("shorter by {less:?}"))
}

case! {
    id: "dtls.12.loss.last-flight",
    title: "A server repeats its last flight for each repetition of the client's, and no more",
    reqs: [
        req::DTLS12_LAST_FLIGHT_REPEATED,
        req::DTLS12_CCS_WITH_FINISHED,
        req::DTLS12_RETRANSMISSION_ON_REPEAT,
    ],
    kind: SubjectKind::Dtls,
    variants: product! { later: [0, 60, 200] },
    no_reference: "no other stack at hand passes yet",
    run: last_flight,
}

/// Regression: the last flight was repeated without end, or not at all (bc-java#1489, pion/dtls#424).
fn last_flight(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut s = DtlsStage::open(t, DtlsRole::Server, Version::Dtls12)?;
    s.begin(t);
    let flight = s.hold(t, handshake::FINISHED)?;
    s.say(t, &flight);
    let done = s.completes(t, LONG);
    t.precondition(done, "a handshake that ends well")?;
    s.listen(t, Duration::from_secs(v.number("later")));
    for _ in 0..3 {
        let before = s.peer.log.records.len();
        s.say(t, &flight);
        t.stimulus("the client's last flight again");
        s.listen(t, SECOND);
        let said: Vec<u8> =
            s.peer.log.records.iter().skip(before).map(|heard| heard.content).collect();
        let finished = said.iter().filter(|it| **it == content::HANDSHAKE).count();
        let changed = said.iter().filter(|it| **it == content::CHANGE_CIPHER_SPEC).count();
        let got = format!("{said:?}");
        t.must(req::DTLS12_LAST_FLIGHT_REPEATED, finished == 1, "Finished once", &got)?;
        t.must(req::DTLS12_RETRANSMISSION_ON_REPEAT, finished == 1, "Finished once", &got)?;
        let both = changed == 1;
        t.must(req::DTLS12_CCS_WITH_FINISHED, both, "ChangeCipherSpec with it", &got)?;
    }
    s.listen(t, 20 * SECOND);
    must_live(t, &mut s, req::DTLS12_LAST_FLIGHT_REPEATED)
}

case! {
    id: "dtls.12.loss.reordered",
    title: "Finished before ChangeCipherSpec, data before Finished: late things are waited for",
    reqs: [
        req::DTLS12_CCS_NOT_RELIED_ON,
        req::DTLS12_EARLY_EPOCH_RECORDS,
        req::DTLS12_EARLY_DATA_NOT_DELIVERED,
        req::DTLS12_DATA_WAITS_FOR_FINISHED,
    ],
    kind: SubjectKind::Dtls,
    variants: product! {
        role: ["client", "server"],
        first: ["Finished", "data", "data before Finished alone"],
    },
    run: reordered,
}

fn reordered(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut s = DtlsStage::open(t, role(v), Version::Dtls12)?;
    s.begin(t);
    let flight = s.hold(t, handshake::FINISHED)?;
    let mut datagrams = s.peer.pack_with(&flight, Packing::single(usize::MAX / 2));
    if v.text("first") != "Finished" {
        if v.text("first") != "data" {
            let finished = datagrams.pop().unwrap_or_default();
            s.send_many(t, &std::mem::replace(&mut datagrams, vec![finished]));
        }
        let record = s.peer.data(DATA);
        s.send(t, &record);
        s.listen(t, 50 * MILLISECOND);
        let early = s.delivered(t).len();
        t.must(req::DTLS12_EARLY_DATA_NOT_DELIVERED, early == 0, "nothing yet", early)?;
        t.must(req::DTLS12_DATA_WAITS_FOR_FINISHED, early == 0, "nothing yet", early)?;
    } else {
        datagrams.reverse();
    }
    s.say_datagrams(t, &datagrams, "the last flight");
    let done = with_patience(t, &mut s, &flight);
    let got = format!("{:?}", s.peer.log.alerts);
    t.must(req::DTLS12_CCS_NOT_RELIED_ON, done, "a handshake that ends well", got)?;
    let kept = s.delivered(t).iter().any(|data| data == DATA);
    if v.text("first") == "data" {
        t.may(req::DTLS12_EARLY_EPOCH_RECORDS, kept, "kept until Finished", "discarded")?;
    }
    must_live(t, &mut s, req::DTLS12_CCS_NOT_RELIED_ON)
}

/// Answers everything, and repeats `flight` every second until both are connected.
fn with_patience(t: &mut Ctl<'_>, s: &mut DtlsStage, flight: &Flight) -> bool {
    (0..8).any(|round| {
        if round > 0 {
            s.say(t, flight);
        }
        s.completes(t, SECOND)
    })
}
