//! Repetitions and their times: RFC 6347 §4.2.4, RFC 9147 §5.8.

use base::Instant;

use super::script::*;

/// Far beyond any end of patience.
const HOURS: Duration = Duration::from_secs(600);

case! {
    id: "dtls.timers.first-flight",
    title: "A ClientHello without an answer is repeated at doubling distances, until the client gives up",
    reqs: [
        req::DTLS12_RETRANSMISSION_ON_TIMEOUT,
        req::DTLS12_TIMER_DOUBLES,
        req::DTLS12_MESSAGE_SEQ_KEPT,
        req::DTLS13_RETRANSMISSION_ON_TIMEOUT,
        req::DTLS13_TIMER_DOUBLES,
        req::DTLS13_TIMER_SRTP,
        req::DTLS13_MESSAGE_SEQ_KEPT_ON_RETRANSMISSION,
        req::DTLS13_RETRANSMISSION_BYTES_UNCHANGED,
        req::DTLS13_SEQUENCE_PER_EPOCH,
    ],
    kind: SubjectKind::Dtls,
    variants: product! { version: ["1.2", "1.3"] },
    run: first_flight,
}

fn first_flight(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let version = version(v);
    let mut s = DtlsStage::open(t, DtlsRole::Client, version)?;
    t.stimulus("silence");
    s.listen(t, HOURS);
    let times: Vec<Instant> = s.heard.iter().map(|(at, _)| *at).collect();
    let gaps: Vec<Duration> =
        times.iter().zip(times.iter().skip(1)).map(|(one, next)| *next - *one).collect();
    let got = format!("{gaps:?}");
    let again = gaps.len() >= 3;
    // What doubles may be given some jitter.
    let doubles = gaps.iter().zip(gaps.iter().skip(1)).all(|(one, next)| {
        let least = one.mul_f64(1.2).min(Duration::from_secs(45));
        *next >= least && *next <= one.mul_f64(3.4)
    });
    let records = &s.peer.log.records;
    let rising = records.iter().zip(records.iter().skip(1)).all(|(a, b)| a.sequence < b.sequence);
    let first = records.first().map(|record| record.payload.clone());
    let same = records.iter().all(|record| Some(&record.payload) == first.as_ref());
    match version {
        Version::Dtls12 => {
            t.must(req::DTLS12_RETRANSMISSION_ON_TIMEOUT, again, "repetitions", &got)?;
            t.must(req::DTLS12_MESSAGE_SEQ_KEPT, same, "the same message", "another")?;
            t.should(req::DTLS12_TIMER_DOUBLES, doubles, "doubling distances", got)
        }
        Version::Dtls13 => {
            t.must(req::DTLS13_RETRANSMISSION_ON_TIMEOUT, again, "repetitions", &got)?;
            let kept = req::DTLS13_MESSAGE_SEQ_KEPT_ON_RETRANSMISSION;
            t.must(kept, same && rising, "the same message in new records", "another")?;
            t.must(req::DTLS13_RETRANSMISSION_BYTES_UNCHANGED, same, "the same bytes", "others")?;
            t.must(req::DTLS13_SEQUENCE_PER_EPOCH, rising, "new numbers", "old ones")?;
            t.should(req::DTLS13_TIMER_DOUBLES, doubles, "doubling distances", &got)?;
            let early = gaps.first().is_some_and(|gap| *gap <= Duration::from_millis(500));
            t.should(req::DTLS13_TIMER_SRTP, early, "400 ms at first", got)
        }
    }
}

case! {
    id: "dtls.timers.give-up",
    title: "An endpoint whose flight is never answered gives up and says so",
    reqs: [req::DTLS13_ALERTS_NOT_RELIED_ON, req::DTLS12_TIMEOUTS_NOT_HOT],
    kind: SubjectKind::Dtls,
    variants: product! { role: ["client", "server"], version: ["1.2", "1.3"] },
    run: give_up,
}

fn give_up(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let version = version(v);
    let mut s = DtlsStage::open(t, role(v), version)?;
    s.begin(t);
    t.stimulus("one hello at most, then silence");
    s.listen(t, HOURS);
    let over = s.is_over(t);
    let count = s.heard.len();
    match version {
        Version::Dtls12 => {
            t.must(req::DTLS12_TIMEOUTS_NOT_HOT, over && count < 100, "an end in time", count)
        }
        Version::Dtls13 => {
            t.should(req::DTLS13_ALERTS_NOT_RELIED_ON, over, "an end that is reported", "none")
        }
    }
}

case! {
    id: "dtls.13.repeat.answered",
    title: "A server of 1.3 that hears the ClientHello again sends its flight again",
    reqs: [
        req::DTLS13_RETRANSMISSION_ON_REPEAT,
        req::DTLS13_RETRANSMISSION_BYTES_UNCHANGED,
        req::DTLS13_RETRANSMIT_SAME_EPOCH,
    ],
    kind: SubjectKind::Dtls,
    run: repeat,
}

fn repeat(t: &mut Ctl<'_>, _: &Variant) -> Outcome {
    let mut s = DtlsStage::open(t, DtlsRole::Server, Version::Dtls13)?;
    let hello = s.peer.start();
    s.say(t, &hello);
    let _ = s.hold(t, handshake::FINISHED)?;
    let payloads = |records: &[wire::dtls::Heard]| -> Vec<(u64, Vec<u8>)> {
        let those = records.iter().filter(|record| record.content == content::HANDSHAKE);
        those.map(|record| (record.epoch, record.payload.clone())).collect()
    };
    let first = payloads(&s.peer.log.records);
    // An endpoint may take a repetition that follows at once for one that crossed its answer.
    s.listen(t, SOON);
    let before = s.peer.log.records.len();
    for datagram in s.peer.pack(&hello) {
        s.send_stimulus(t, &datagram, "the ClientHello again");
    }
    s.listen(t, 100 * MILLISECOND);
    let again = payloads(s.peer.log.records.get(before..).unwrap_or_default());
    let got = format!("{} records of {}", again.len(), first.len());
    t.must(req::DTLS13_RETRANSMISSION_ON_REPEAT, !again.is_empty(), "the flight again", &got)?;
    let same = again.iter().all(|record| first.contains(record));
    t.must(req::DTLS13_RETRANSMISSION_BYTES_UNCHANGED, same, "the same bytes", &got)?;
    t.must(req::DTLS13_RETRANSMIT_SAME_EPOCH, same, "the same epochs", got)
}

case! {
    id: "dtls.13.loss.mended",
    title: "A handshake of 1.3 ends well whichever datagram of the suite is lost, once",
    reqs: [req::DTLS13_RETRANSMISSION_ON_TIMEOUT, req::DTLS13_FINAL_ACK_REPEATED],
    kind: SubjectKind::Dtls,
    variants: product! { role: ["client", "server"], lost: [0, 1, 2, 3] },
    run: loss,
}

fn loss(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut s = DtlsStage::with(t, role(v), Version::Dtls13, |setup| setup.profile.mtu = 400)?;
    let lost = v.number("lost");
    let (mut index, mut last, mut flights) = (0, Flight::default(), Vec::new());
    if s.peer.side() == Side::Client {
        flights.push(s.peer.start());
    }
    t.stimulus(format_args!("datagram {lost} is lost"));
    let until = t.now() + 6 * LONG;
    while t.now() < until {
        for flight in flights.drain(..) {
            for datagram in s.peer.pack(&flight) {
                if index != lost {
                    s.send(t, &datagram);
                }
                index += 1;
            }
            if flight.messages().next().is_some() {
                last = flight;
            }
        }
        if s.peer.is_connected() && s.is_connected(t) && index > lost {
            break;
        }
        match s.hear(t, 2 * SECOND) {
            Some(more) => flights.extend(more),
            // Nothing comes: the suite's own timer.
            None => flights.push(last.clone()),
        }
    }
    let done = s.peer.is_connected() && s.is_connected(t);
    let got = s.state(t);
    t.must(req::DTLS13_RETRANSMISSION_ON_TIMEOUT, done, "a handshake that ends well", &got)?;
    let data = s.data_passes(t);
    t.must(req::DTLS13_FINAL_ACK_REPEATED, data, "data", got)
}
