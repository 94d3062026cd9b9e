//! Acknowledgements: RFC 9147 §7.

use super::script::*;

/// Longer than two repetitions of a flight wait, whatever the endpoint's first timer is.
const REPETITIONS: Duration = Duration::from_secs(8);

case! {
    id: "dtls.13.ack.last-flight",
    title: "A server of 1.3 acknowledges the client's last flight, and does so again when it is repeated",
    reqs: [
        req::DTLS13_FLIGHT_WITHOUT_ANSWER_ACKNOWLEDGED,
        req::DTLS13_ACK_FORM,
        req::DTLS13_ACK_ONLY_PROCESSED,
        req::DTLS13_ACK_HANDSHAKE_ONLY,
        req::DTLS13_ACK_ALL_OTHER_FLIGHTS,
        req::DTLS13_ACK_HIGHEST_EPOCH,
        req::DTLS13_FINAL_ACK_REPEATED,
    ],
    kind: SubjectKind::Dtls,
    variants: product! { repeats: [1, 3] },
    run: last_flight,
}

fn last_flight(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut s = DtlsStage::open(t, DtlsRole::Server, Version::Dtls13)?;
    s.begin(t);
    let flight = s.hold(t, handshake::FINISHED)?;
    s.say(t, &flight);
    t.stimulus("the client's last flight");
    s.finish(t)?;
    let sent: Vec<(u64, u64)> = s
        .peer
        .log
        .sent
        .iter()
        .filter(|sent| sent.epoch == 2 && sent.content == content::HANDSHAKE)
        .map(|sent| (sent.epoch, sent.sequence))
        .collect();
    let named = s.peer.log.acknowledged();
    let got = format!("{named:?} of {sent:?}");
    let all = sent.iter().all(|number| named.contains(number));
    t.must(req::DTLS13_FLIGHT_WITHOUT_ANSWER_ACKNOWLEDGED, all, "all of the flight", &got)?;
    t.must(req::DTLS13_ACK_ALL_OTHER_FLIGHTS, all, "all of the flight", &got)?;
    let only = named.iter().all(|number| sent.contains(number) || number.0 == 0);
    t.must(req::DTLS13_ACK_ONLY_PROCESSED, only, "nothing else", &got)?;
    t.must(req::DTLS13_ACK_HANDSHAKE_ONLY, only, "handshake records alone", &got)?;
    let sorted = s.peer.log.acks.iter().all(|(_, numbers)| numbers.is_sorted());
    t.must(req::DTLS13_ACK_FORM, sorted, "increasing order", &got)?;
    let epochs: Vec<u64> = s.peer.log.acks.iter().map(|(epoch, _)| *epoch).collect();
    let highest = epochs.last() == Some(&3);
    t.should(req::DTLS13_ACK_HIGHEST_EPOCH, highest, "epoch 3", format!("{epochs:?}"))?;
    for _ in 0..v.number("repeats") {
        let before = s.peer.log.acks.len();
        let first = s.peer.records.next_sequence(2);
        for datagram in s.peer.pack(&flight) {
            s.send_stimulus(t, &datagram, "the last flight again");
        }
        s.serve(t, SECOND);
        let fresh: Vec<(u64, u64)> =
            s.peer.log.acks.iter().skip(before).flat_map(|(_, numbers)| numbers.clone()).collect();
        let again = fresh.iter().any(|number| number.0 == 2 && number.1 >= first);
        t.must(req::DTLS13_FINAL_ACK_REPEATED, again, "an ACK of it", format!("{fresh:?}"))?;
    }
    Ok(())
}

/// A client whose last flight was heard and not acknowledged, every message in a record of its own: the
/// numbers of the records with Certificate, CertificateVerify and Finished.
fn unacknowledged(t: &mut Ctl<'_>) -> Result<(DtlsStage, Vec<(u64, u64)>), Stop> {
    let mut s = DtlsStage::with(t, DtlsRole::Client, Version::Dtls13, |setup| {
        setup.profile.acknowledges = false;
        setup.config.mtu = Some(420);
    })?;
    let until = t.now() + LONG;
    while !s.peer.is_connected() && t.now() < until {
        for flight in s.hear(t, SOON).unwrap_or_default() {
            s.say(t, &flight);
        }
    }
    t.precondition(s.peer.is_connected(), "the client's last flight")?;
    let numbers = handshake_numbers(&s);
    t.precondition(numbers.len() > 1, "a flight of several records")?;
    Ok((s, numbers))
}

/// The numbers of the endpoint's protected handshake records so far.
fn handshake_numbers(s: &DtlsStage) -> Vec<(u64, u64)> {
    let records = s.peer.log.records.iter();
    let those = records.filter(|record| record.epoch == 2 && record.content == content::HANDSHAKE);
    those.map(|record| (record.epoch, record.sequence)).collect()
}

/// The types of the messages that the endpoint's records after the first `known` carry.
fn repeated_kinds(s: &DtlsStage, known: usize) -> Vec<u8> {
    let records = s.peer.log.records.iter();
    let those = records.filter(|record| record.epoch == 2 && record.content == content::HANDSHAKE);
    those.skip(known).filter_map(|record| record.payload.first().copied()).collect()
}

/// The numbers of those of `numbers` whose records carry a message of this type.
fn numbers_of(s: &DtlsStage, kind: u8) -> Vec<(u64, u64)> {
    let records = s.peer.log.records.iter();
    let those = records.filter(|record| record.epoch == 2 && record.payload.first() == Some(&kind));
    those.map(|record| (record.epoch, record.sequence)).collect()
}

case! {
    id: "dtls.13.ack.received",
    title: "A client of 1.3 repeats what was not acknowledged, and nothing else",
    reqs: [
        req::DTLS13_RETRANSMISSION_ON_TIMEOUT,
        req::DTLS13_ACK_CANCELS_RETRANSMISSION,
        req::DTLS13_ACKED_OMITTED,
        req::DTLS13_PARTIAL_ACK_RETRANSMITS,
        req::DTLS13_ACK_ANY_COUNTS,
        req::DTLS13_ACK_UNKNOWN_RECORD,
        req::DTLS13_ACK_MALFORMED,
        req::DTLS13_RETRANSMIT_SAME_EPOCH,
    ],
    kind: SubjectKind::Dtls,
    variants: product! {
        what: ["none", "all", "in-parts", "certificate", "unknown", "malformed", "reordered"],
    },
    run: received,
}

fn received(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let what = v.text("what");
    let (mut s, numbers) = unacknowledged(t)?;
    let acks: Vec<Vec<(u64, u64)>> = match what {
        "all" => vec![numbers.clone()],
        "in-parts" => numbers.iter().map(|number| vec![*number]).collect(),
        "reordered" => numbers.iter().rev().map(|number| vec![*number, *number]).collect(),
        "certificate" => vec![numbers_of(&s, handshake::CERTIFICATE)],
        "unknown" => vec![vec![(2, 40_000), (3, 7), (u64::MAX, u64::MAX)]],
        _ => Vec::new(),
    };
    t.stimulus(format_args!("acknowledgements: {what}"));
    for ack in acks {
        let flight = s.peer.ack(&ack);
        s.say(t, &flight);
    }
    if what == "malformed" {
        let payload = vec![0, 15, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0];
        let record = s.peer.record(3, content::ACK, &payload);
        s.send_stimulus(t, &record, "an ACK of half a number");
    }
    s.listen(t, REPETITIONS);
    let kinds = repeated_kinds(&s, numbers.len());
    let got = format!("{kinds:?}");
    let (some, finished) = (!kinds.is_empty(), kinds.contains(&handshake::FINISHED));
    let certificate = kinds.contains(&handshake::CERTIFICATE);
    match what {
        "none" => {
            let whole = certificate && finished;
            t.must(req::DTLS13_RETRANSMISSION_ON_TIMEOUT, whole, "the flight again", &got)?;
            t.must(req::DTLS13_RETRANSMIT_SAME_EPOCH, some, "in epoch 2", got)
        }
        "all" => t.must(req::DTLS13_ACK_CANCELS_RETRANSMISSION, !some, "nothing again", got),
        "in-parts" | "reordered" => t.must(req::DTLS13_ACK_ANY_COUNTS, !some, "nothing again", got),
        "certificate" => {
            t.should(req::DTLS13_PARTIAL_ACK_RETRANSMITS, finished, "the rest again", &got)?;
            t.should(req::DTLS13_ACKED_OMITTED, !certificate, "no Certificate again", got)
        }
        "unknown" => {
            t.must(req::DTLS13_ACK_UNKNOWN_RECORD, certificate && finished, "all again", got)
        }
        _ => t.must(req::DTLS13_ACK_MALFORMED, certificate && finished, "all again", got),
    }
}

case! {
    id: "dtls.13.ack.implicit",
    title: "The first record of the client's last flight ends the repetition of the server's flight",
    reqs: [req::DTLS13_IMPLICIT_ACK],
    kind: SubjectKind::Dtls,
    run: implicit,
}

fn implicit(t: &mut Ctl<'_>, _: &Variant) -> Outcome {
    let mut s = DtlsStage::open(t, DtlsRole::Server, Version::Dtls13)?;
    s.begin(t);
    let flight = s.hold(t, handshake::FINISHED)?;
    let first: Vec<Item> = flight.items.iter().take(1).cloned().collect();
    for datagram in s.peer.pack(&Flight { items: first }) {
        s.send_stimulus(t, &datagram, "the client's Certificate alone");
    }
    let before = s.peer.log.records.len();
    s.listen(t, REPETITIONS);
    let handshake_again = s
        .peer
        .log
        .records
        .iter()
        .skip(before)
        .filter(|record| record.content == content::HANDSHAKE)
        .count();
    t.must(req::DTLS13_IMPLICIT_ACK, handshake_again == 0, "nothing again", handshake_again)
}

case! {
    id: "dtls.13.ack.disruption",
    title: "A gap in a flight is told by an ACK of what came, and the missing part mends it",
    reqs: [
        req::DTLS13_ACK_ON_GAP_OR_DELAY,
        req::DTLS13_ACK_EPOCH_NOT_LOWER,
        req::DTLS13_ACK_ONLY_PROCESSED,
        req::DTLS13_FUTURE_MESSAGE_QUEUED,
        req::DTLS13_FRAGMENTS_REASSEMBLED,
    ],
    kind: SubjectKind::Dtls,
    variants: product! { role: ["client", "server"], lost: [0, 1, 2] },
    run: disruption,
}

fn disruption(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut s = DtlsStage::open(t, role(v), Version::Dtls13)?;
    s.begin(t);
    let flight = s.hold(t, handshake::FINISHED)?;
    // A server's flight begins with ServerHello, without which nothing can be read.
    let skip = usize::from(role(v) == DtlsRole::Client);
    let lost = skip + usize::try_from(v.number("lost")).unwrap_or(0);
    let mut missing = Vec::new();
    for (index, item) in flight.items.iter().enumerate() {
        if index == lost {
            missing.push(item.clone());
            continue;
        }
        for datagram in s.peer.pack(&Flight { items: vec![item.clone()] }) {
            s.send_stimulus(t, &datagram, "a flight with a gap");
        }
    }
    s.listen(t, 3 * SECOND);
    let named = s.peer.log.acknowledged();
    let sent: Vec<(u64, u64)> = s.peer.log.sent.iter().map(|r| (r.epoch, r.sequence)).collect();
    let told = named.iter().any(|(epoch, _)| *epoch == 2);
    let got = format!("{named:?}");
    let only = named.iter().all(|number| sent.contains(number));
    t.must(req::DTLS13_ACK_ONLY_PROCESSED, only, "records that were sent", &got)?;
    let fits = |(epoch, numbers): &(u64, Vec<(u64, u64)>)| numbers.iter().all(|n| n.0 <= *epoch);
    let high = s.peer.log.acks.iter().all(fits);
    t.must(req::DTLS13_ACK_EPOCH_NOT_LOWER, high, "no lower epoch", &got)?;
    t.should(req::DTLS13_ACK_ON_GAP_OR_DELAY, told, "an ACK of what came", &got)?;
    let flight = Flight { items: missing };
    s.say(t, &flight);
    let done = s.completes(t, LONG);
    t.should(req::DTLS13_FUTURE_MESSAGE_QUEUED, done, "an end without the rest again", &got)?;
    t.must(req::DTLS13_FRAGMENTS_REASSEMBLED, done, "a handshake that ends well", got)
}

case! {
    id: "dtls.13.ack.empty",
    title: "An empty ACK in the middle of a handshake does not break it",
    reqs: [req::DTLS13_EMPTY_ACK_RECEIVED],
    kind: SubjectKind::Dtls,
    run: empty,
}

fn empty(t: &mut Ctl<'_>, _: &Variant) -> Outcome {
    let mut s = DtlsStage::open(t, DtlsRole::Server, Version::Dtls13)?;
    s.begin(t);
    let flight = s.hold(t, handshake::FINISHED)?;
    let ack = s.peer.record(0, content::ACK, &[0, 0]);
    s.send_stimulus(t, &ack, "an empty ACK in clear");
    let ack = s.peer.record(2, content::ACK, &[0, 0]);
    s.send_stimulus(t, &ack, "an empty ACK");
    s.say(t, &flight);
    s.tolerates(t, req::DTLS13_EMPTY_ACK_RECEIVED)
}
