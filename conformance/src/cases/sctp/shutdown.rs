//! The end in good order: RFC 9260 §8.5.1, §9.2.

use super::script::*;

case! {
    id: "sctp.shutdown.by-endpoint",
    title: "The endpoint shuts down: what waits is sent and acknowledged first, and the association ends well",
    reqs: [
        req::SCTP_SHUTDOWN_BEGINS_CLOSE,
        req::SCTP_SHUTDOWN_WAITS_FOR_DATA,
        req::SCTP_SHUTDOWN_NEW_SENDS_REJECTED,
        req::SCTP_SHUTDOWN_NO_NEW_SENDS,
        req::SCTP_SHUTDOWN_COMPLETE_ANSWERS,
        req::SCTP_SHUTDOWN_COMPLETES,
        req::SCTP_SHUTDOWN_COMPLETE_TAG,
        req::SCTP_SHUTDOWN_AFTER_DATA,
        req::SCTP_NO_BUNDLING_OF_SETUP,
    ],
    kind: SubjectKind::Sctp,
    variants: product! { waiting: [0, 1, 40] },
    run: by_endpoint,
}

fn by_endpoint(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut s = SctpStage::connected(t)?;
    let count = usize::try_from(v.number("waiting")).unwrap_or(0);
    for _ in 0..count {
        s.tell(t, SctpMessage::new(1, pattern(1_000)))?;
    }
    t.stimulus("the wish to shut down");
    s.command(t, |endpoint, now| endpoint.shutdown(now));
    let late = s.command(t, |endpoint, now| endpoint.send(now, SctpMessage::new(1, b"late")));
    t.should(req::SCTP_SHUTDOWN_NEW_SENDS_REJECTED, late.is_err(), "a refusal", "none")?;
    t.must(req::SCTP_SHUTDOWN_NO_NEW_SENDS, late.is_err(), "a refusal", "none")?;
    if count > 0 {
        s.peer.profile.answers.data = false;
        s.listen(t, SOON);
        let early = s.peer.log.count(chunk::SHUTDOWN);
        t.must(req::SCTP_SHUTDOWN_WAITS_FOR_DATA, early == 0, "no SHUTDOWN yet", early)?;
        s.peer.profile.answers.data = true;
        let sack = s.peer.sack();
        let packet = s.peer.one(sack);
        s.send(t, &packet);
    }
    s.serve(t, 5 * SECOND);
    let messages = s.peer.log.messages().len();
    let got = format!("{messages} messages; {}", s.state(t));
    t.should(req::SCTP_SHUTDOWN_AFTER_DATA, messages == count, "all messages", &got)?;
    let begun = s.peer.log.count(chunk::SHUTDOWN) >= 1;
    t.must(req::SCTP_SHUTDOWN_BEGINS_CLOSE, begun, "SHUTDOWN", &got)?;
    let complete = s.peer.log.packets.iter().find(|packet| packet.has(chunk::SHUTDOWN_COMPLETE));
    let complete = complete.cloned();
    let there = complete.is_some();
    t.must(req::SCTP_SHUTDOWN_COMPLETE_ANSWERS, there, "SHUTDOWN COMPLETE", &got)?;
    let closed = s.count(t, |event| *event == SctpEvent::Closed) == 1;
    t.must(req::SCTP_SHUTDOWN_COMPLETES, closed, "one end", &got)?;
    let complete = t.expect(complete, "a SHUTDOWN COMPLETE")?;
    let flags = complete.find(chunk::SHUTDOWN_COMPLETE).map_or(0, |chunk| chunk.flags);
    let right = complete.tag == s.peer.profile.tag && flags & code::T == 0;
    t.must(req::SCTP_SHUTDOWN_COMPLETE_TAG, right, "the peer's tag without T", flags)?;
    t.must(req::SCTP_NO_BUNDLING_OF_SETUP, complete.chunks.len() == 1, "alone", got)
}

case! {
    id: "sctp.shutdown.by-peer",
    title: "The peer shuts down: what waits is still sent, new messages are refused, and the association ends well",
    reqs: [
        req::SCTP_SHUTDOWN_RECEIVED_SENDS_REST,
        req::SCTP_SHUTDOWN_ACK_SENT,
        req::SCTP_SHUTDOWN_ACK_ANSWERS,
        req::SCTP_SHUTDOWN_NO_NEW_SENDS,
        req::SCTP_SHUTDOWN_COMPLETE_ENDS,
        req::SCTP_SHUTDOWN_ANSWERED_AGAIN,
        req::SCTP_DATA_ONLY_IN_STATES,
    ],
    kind: SubjectKind::Sctp,
    variants: product! { waiting: [0, 1, 40] },
    run: by_peer,
}

fn by_peer(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut s = SctpStage::connected(t)?;
    let count = usize::try_from(v.number("waiting")).unwrap_or(0);
    s.peer.profile.answers = Answers { data: false, ..Answers::default() };
    for _ in 0..count {
        s.tell(t, SctpMessage::new(1, pattern(1_000)))?;
    }
    s.listen(t, SOON);
    let shutdown = {
        // Nothing that was sent is acknowledged by it.
        let tsn = s.peer.theirs.as_ref().map_or(0, |theirs| before(theirs.init.tsn, 1));
        s.peer.one(Chunk::new(chunk::SHUTDOWN, tsn.to_be_bytes()))
    };
    s.send_stimulus(t, &shutdown, "SHUTDOWN");
    s.listen(t, SOON);
    let early = s.peer.log.count(chunk::SHUTDOWN_ACK);
    if count > 0 {
        t.must(req::SCTP_SHUTDOWN_RECEIVED_SENDS_REST, early == 0, "no SHUTDOWN ACK yet", early)?;
    }
    let late = s.command(t, |endpoint, now| endpoint.send(now, SctpMessage::new(1, b"late")));
    t.must(req::SCTP_SHUTDOWN_NO_NEW_SENDS, late.is_err(), "a refusal", "none")?;
    // Each SHUTDOWN acknowledges what has come.
    for _ in 0..40 {
        let again = s.peer.shutdown();
        s.send(t, &again);
        s.listen(t, SOON);
        if s.peer.log.count(chunk::SHUTDOWN_ACK) > 0 {
            break;
        }
    }
    let messages = s.peer.log.messages().len();
    let got = format!("{messages} messages; {}", s.state(t));
    t.must(req::SCTP_SHUTDOWN_RECEIVED_SENDS_REST, messages == count, "all messages", &got)?;
    t.must(req::SCTP_DATA_ONLY_IN_STATES, messages == count, "all messages", &got)?;
    t.must(req::SCTP_SHUTDOWN_ANSWERED_AGAIN, messages == count, "all messages", &got)?;
    let acks = s.peer.log.count(chunk::SHUTDOWN_ACK);
    t.must(req::SCTP_SHUTDOWN_ACK_SENT, acks >= 1, "SHUTDOWN ACK", &got)?;
    t.must(req::SCTP_SHUTDOWN_ACK_ANSWERS, acks >= 1, "SHUTDOWN ACK", &got)?;
    let complete = s.peer.one(bare(chunk::SHUTDOWN_COMPLETE));
    s.send(t, &complete);
    s.listen(t, SOON);
    let ends = s.count(t, |event| *event == SctpEvent::Closed);
    t.should(req::SCTP_SHUTDOWN_COMPLETE_ENDS, ends == 1, "one end", got)
}

case! {
    id: "sctp.shutdown.repeated",
    title: "SHUTDOWN and SHUTDOWN ACK without answer are repeated at doubling distances until the endpoint gives up",
    reqs: [
        req::SCTP_SHUTDOWN_STARTS_T2,
        req::SCTP_SHUTDOWN_RETRANSMITTED,
        req::SCTP_T2_RULES,
        req::SCTP_SHUTDOWN_LIMIT,
        req::SCTP_SHUTDOWN_GIVES_UP,
        req::SCTP_SHUTDOWN_ACK_RETRANSMITTED,
        req::SCTP_SHUTDOWN_ACK_LIMIT,
        req::SCTP_SHUTDOWN_ACK_GIVES_UP,
    ],
    kind: SubjectKind::Sctp,
    needs: [Cap::SctpTimeouts],
    variants: product! { begins: ["endpoint", "suite"] },
    no_reference: "the first repetition of one of them is early, and the other keeps its own count",
    run: repeated,
}

fn repeated(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut s = SctpStage::connected_with(t, |setup| {
        setup.config.rto = Some((SECOND, SECOND, 60 * SECOND));
        setup.config.max_retransmits = Some(4);
        setup.profile.answers.shutdown = false;
        setup.profile.answers.heartbeats = false;
    })?;
    let own = v.text("begins") == "endpoint";
    let kind = if own {
        t.stimulus("the wish to shut down");
        s.command(t, |endpoint, now| endpoint.shutdown(now));
        chunk::SHUTDOWN
    } else {
        let shutdown = s.peer.shutdown();
        s.send_stimulus(t, &shutdown, "SHUTDOWN");
        chunk::SHUTDOWN_ACK
    };
    s.listen(t, 1_000 * SECOND);
    let times: Vec<_> = (0..s.mark())
        .filter(|place| s.peer.log.packets.get(*place).is_some_and(|it| it.has(kind)))
        .filter_map(|place| s.times.get(place).copied())
        .collect();
    let gaps: Vec<Duration> =
        times.iter().zip(times.iter().skip(1)).map(|(one, next)| *next - *one).collect();
    let got = format!("{gaps:?}");
    let doubles = gaps
        .iter()
        .zip(gaps.iter().skip(1))
        .all(|(one, next)| *next >= one.mul_f64(1.8) && *next <= one.mul_f64(2.4));
    let over = s.is_over(t);
    let few = gaps.len() <= 5;
    t.must(req::SCTP_T2_RULES, doubles, "doubling distances", &got)?;
    if own {
        t.should(req::SCTP_SHUTDOWN_STARTS_T2, !gaps.is_empty(), "repetitions", &got)?;
        t.must(req::SCTP_SHUTDOWN_RETRANSMITTED, gaps.len() >= 3, "repetitions", &got)?;
        t.should(req::SCTP_SHUTDOWN_LIMIT, few, "four", &got)?;
        t.should(req::SCTP_SHUTDOWN_GIVES_UP, over, "an end that is reported", got)
    } else {
        t.must(req::SCTP_SHUTDOWN_ACK_RETRANSMITTED, gaps.len() >= 3, "repetitions", &got)?;
        t.should(req::SCTP_SHUTDOWN_ACK_LIMIT, few, "four", &got)?;
        t.should(req::SCTP_SHUTDOWN_ACK_GIVES_UP, over, "an end that is reported", got)
    }
}

case! {
    id: "sctp.shutdown.crossing",
    title: "Shutdowns that cross each other end well, whichever packet crosses which",
    reqs: [
        req::SCTP_SHUTDOWNS_CROSS,
        req::SCTP_SHUTDOWN_ACKS_CROSS,
        req::SCTP_SHUTDOWN_COMPLETE_STATE,
        req::SCTP_SHUTDOWN_COMPLETE_UNEXPECTED,
    ],
    kind: SubjectKind::Sctp,
    variants: product! { what: ["SHUTDOWN", "SHUTDOWN_ACK", "SHUTDOWN_COMPLETE"] },
    run: crossing,
}

fn crossing(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut s = SctpStage::connected_with(t, |setup| setup.profile.answers.shutdown = false)?;
    match v.text("what") {
        "SHUTDOWN" => {
            s.command(t, |endpoint, now| endpoint.shutdown(now));
            s.listen(t, SOON);
            t.precondition(s.peer.log.count(chunk::SHUTDOWN) == 1, "SHUTDOWN")?;
            let shutdown = s.peer.shutdown();
            s.send_stimulus(t, &shutdown, "a SHUTDOWN that crosses the other");
            s.listen(t, SOON);
            let acks = s.peer.log.count(chunk::SHUTDOWN_ACK);
            t.should(req::SCTP_SHUTDOWNS_CROSS, acks >= 1, "SHUTDOWN ACK at once", acks)?;
            let ack = s.peer.one(bare(chunk::SHUTDOWN_ACK));
            s.send(t, &ack);
        }
        "SHUTDOWN_ACK" => {
            let shutdown = s.peer.shutdown();
            s.send(t, &shutdown);
            s.listen(t, SOON);
            t.precondition(s.peer.log.count(chunk::SHUTDOWN_ACK) == 1, "SHUTDOWN ACK")?;
            s.say(t, [bare(chunk::SHUTDOWN_ACK)], "a SHUTDOWN ACK that crosses the other");
        }
        _ => {
            // At any other time it is nothing.
            s.say(t, [bare(chunk::SHUTDOWN_COMPLETE)], "a SHUTDOWN COMPLETE");
            s.listen(t, SOON);
            s.unharmed(t, req::SCTP_SHUTDOWN_COMPLETE_STATE)?;
            return t.should(req::SCTP_SHUTDOWN_COMPLETE_UNEXPECTED, true, "data", "data");
        }
    }
    s.listen(t, SOON);
    let complete = s.peer.log.count(chunk::SHUTDOWN_COMPLETE);
    let ended = s.count(t, |event| *event == SctpEvent::Closed) == 1;
    let got = format!("{complete} SHUTDOWN COMPLETE; {}", s.state(t));
    t.must(req::SCTP_SHUTDOWN_ACKS_CROSS, complete >= 1 && ended, "SHUTDOWN COMPLETE, the end", got)
}

case! {
    id: "sctp.shutdown.data",
    title: "While the endpoint waits for SHUTDOWN ACK the peer's data is still taken and answered at once",
    reqs: [
        req::SCTP_SHUTDOWN_SENT_ACKS_AT_ONCE,
        req::SCTP_SHUTDOWN_ANSWERS_DATA,
        req::SCTP_SHUTDOWN_SACK_FOR_GAPS,
        req::SCTP_SACK_FOR_OUT_OF_ORDER_IN_SHUTDOWN,
        req::SCTP_DATA_RECEIVED_IN_STATES,
        req::SCTP_SHUTDOWN_WITH_SACK,
    ],
    kind: SubjectKind::Sctp,
    variants: product! { order: ["in", "out"] },
    run: data_meanwhile,
}

fn data_meanwhile(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut s = SctpStage::connected_with(t, |setup| setup.profile.answers.shutdown = false)?;
    s.command(t, |endpoint, now| endpoint.shutdown(now));
    s.listen(t, SOON);
    t.precondition(s.peer.log.count(chunk::SHUTDOWN) == 1, "SHUTDOWN")?;
    let (first, second) = (s.peer.data(1, b"first"), s.peer.data(1, b"second"));
    let out = v.text("order") == "out";
    let (tsn, chosen) =
        if out { (before(first.tsn, 1), second) } else { (first.tsn, first.clone()) };
    let mark = s.mark();
    s.say(t, [chosen.into()], "DATA while it waits");
    s.listen(t, SOON / 2);
    let new = s.chunks_since(mark);
    let got = s.since(mark).join("; ");
    let acked = new.iter().any(|one| match one.kind {
        chunk::SHUTDOWN => one.value == tsn.to_be_bytes(),
        _ => false,
    });
    let sack = new.iter().find_map(Sack::read);
    let shown = format!("{got}, SACK {:?}", sack.as_ref().map(|it| (it.cumulative, &it.gaps)));
    t.must(req::SCTP_SHUTDOWN_ANSWERS_DATA, acked, "SHUTDOWN at once", &shown)?;
    t.must(req::SCTP_SHUTDOWN_SENT_ACKS_AT_ONCE, acked, "SHUTDOWN at once", &shown)?;
    if out {
        let gap = sack.as_ref().is_some_and(|sack| sack.gaps == [(2, 2)]);
        t.must(req::SCTP_SHUTDOWN_SACK_FOR_GAPS, gap, "a SACK with the gap", &shown)?;
        t.should(req::SCTP_SACK_FOR_OUT_OF_ORDER_IN_SHUTDOWN, gap, "a SACK", &shown)?;
        t.may(req::SCTP_SHUTDOWN_WITH_SACK, gap, "a SACK beside", shown)?;
        let packet = s.peer.one(first);
        s.send(t, &packet);
        s.listen(t, SOON);
    }
    let count = s.delivered(t).len();
    let wanted = if out { 2 } else { 1 };
    t.must(req::SCTP_DATA_RECEIVED_IN_STATES, count == wanted, wanted, count)
}

case! {
    id: "sctp.shutdown.in-set-up",
    title: "During set-up a SHUTDOWN is nothing, and a SHUTDOWN ACK of an earlier association is answered",
    reqs: [
        req::SCTP_SHUTDOWN_IN_SET_UP,
        req::SCTP_SHUTDOWN_ACK_TO_SET_UP,
        req::SCTP_SHUTDOWN_ACK_IN_SET_UP,
    ],
    kind: SubjectKind::Sctp,
    variants: product! { what: ["SHUTDOWN", "SHUTDOWN_ACK"], state: ["COOKIE-WAIT", "COOKIE-ECHOED"] },
    run: in_set_up,
}

fn in_set_up(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut s = SctpStage::open(t)?;
    s.connect(t);
    let (_, mut answers) = s.until(t, chunk::INIT)?;
    if v.text("state") == "COOKIE-ECHOED" {
        for answer in answers.drain(..) {
            s.send(t, &answer);
        }
        (_, answers) = s.until(t, chunk::COOKIE_ECHO)?;
    }
    let mark = s.mark();
    if v.text("what") == "SHUTDOWN" {
        s.say(t, [Chunk::new(chunk::SHUTDOWN, [0; 4])], "SHUTDOWN during set-up");
    } else {
        let packet = s.peer.one(bare(chunk::SHUTDOWN_ACK)).tag(0x0202_0303);
        s.send_stimulus(t, &packet, "a SHUTDOWN ACK of an earlier association");
    }
    s.listen(t, SOON);
    let new = s.packets_since(mark);
    let got = s.since(mark).join("; ");
    if v.text("what") == "SHUTDOWN" {
        let quiet = !new.iter().any(|packet| packet.has(chunk::SHUTDOWN_ACK));
        t.should(req::SCTP_SHUTDOWN_IN_SET_UP, quiet, "silence", &got)?;
    } else {
        let right = new.iter().any(|packet| {
            let complete = packet.find(chunk::SHUTDOWN_COMPLETE);
            complete.is_some_and(|it| it.flags & code::T != 0) && packet.tag == 0x0202_0303
        });
        t.should(req::SCTP_SHUTDOWN_ACK_TO_SET_UP, right, "SHUTDOWN COMPLETE, same tag", &got)?;
        t.should(req::SCTP_SHUTDOWN_ACK_IN_SET_UP, right, "SHUTDOWN COMPLETE, same tag", &got)?;
    }
    for answer in answers {
        s.send(t, &answer);
    }
    let up = s.completes(t, LONG);
    t.should(req::SCTP_SHUTDOWN_IN_SET_UP, up, "an association", got)
}
