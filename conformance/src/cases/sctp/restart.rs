//! A peer that begins anew: RFC 9260 §5.2.2, §5.2.4.

use super::script::*;

case! {
    id: "sctp.restart.peer",
    title: "A peer that begins anew is taken for what it is: the association stands again, and the user hears of it",
    reqs: [
        req::SCTP_RESTART_RECOGNISED,
        req::SCTP_RESTART_NOTIFIED,
        req::SCTP_TIE_TAGS_COPIED,
        req::SCTP_UNEXPECTED_INIT_NO_CHANGE,
        req::SCTP_UNEXPECTED_INIT_NEW_TAG,
        req::SCTP_SSN_FROM_ZERO,
    ],
    kind: SubjectKind::Sctp,
    variants: product! { begins: ["suite", "endpoint"], before: ["nothing", "data", "unacknowledged"] },
    run: peer,
}

fn peer(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut s = SctpStage::open(t)?;
    if v.text("begins") == "endpoint" {
        s.connect(t);
        s.finish(t)?;
    } else {
        s.meet(t)?;
    }
    match v.text("before") {
        "data" => {
            let passes = s.data_passes(t);
            t.precondition(passes, "data")?;
        }
        "unacknowledged" => {
            for _ in 0..5 {
                s.tell(t, SctpMessage::new(1, pattern(3_000)))?;
            }
        }
        _ => {}
    }
    s.listen(t, SOON);
    let old = s.peer.tag();
    let tag = s.peer.profile.tag ^ 0x0f00_0f00;
    s.peer.restart(tag.max(1), 77);
    let init = s.peer.init();
    s.send_stimulus(t, &init, "an INIT of a peer that has begun anew");
    let (_, answers) = s.until(t, chunk::INIT_ACK)?;
    let over = s.is_over(t);
    t.must(req::SCTP_UNEXPECTED_INIT_NO_CHANGE, !over, "no change yet", "an end")?;
    let fresh = s.peer.tag() != old;
    t.must(req::SCTP_UNEXPECTED_INIT_NEW_TAG, fresh, "a new tag", "the old one")?;
    let mark = s.mark();
    for answer in answers {
        s.send(t, &answer);
    }
    s.serve(t, SECOND);
    let acked = s.chunks_since(mark).iter().any(|chunk| chunk.kind == chunk::COOKIE_ACK);
    let got = format!("{}; {}", s.since(mark).join("; "), s.state(t));
    t.must(req::SCTP_RESTART_RECOGNISED, acked, "COOKIE ACK", &got)?;
    t.must(req::SCTP_TIE_TAGS_COPIED, acked, "COOKIE ACK", &got)?;
    let restarts = s.count(t, |event| *event == SctpEvent::Restarted);
    let told = restarts == 1 && !s.is_over(t);
    t.should(req::SCTP_RESTART_NOTIFIED, told, "one restart", &got)?;
    let passes = s.data_passes_on(t, 31);
    t.must(req::SCTP_RESTART_RECOGNISED, passes, "data afterwards", &got)?;
    let ssn = s.peer.log.data().iter().rev().find(|data| data.stream == 31).map(|data| data.ssn);
    t.must(req::SCTP_SSN_FROM_ZERO, ssn == Some(0), "0", format!("{ssn:?}"))
}

case! {
    id: "sctp.restart.forged",
    title: "Without the cookie that was made for it no INIT restarts anything",
    reqs: [req::SCTP_UNEXPECTED_INIT_NO_CHANGE, req::SCTP_COOKIE_INVALID_DISCARDED],
    kind: SubjectKind::Sctp,
    variants: product! { inits: [1, 200], cookie: ["none", "forged"] },
    run: forged,
}

fn forged(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut s = SctpStage::connected(t)?;
    for round in 0..v.number("inits") {
        let mut body = s.peer.init_body();
        body.tag = 0x4000_0000 | u32::try_from(round).unwrap_or(0);
        let packet = s.peer.one(body).tag(0);
        s.send_stimulus(t, &packet, "an INIT of somebody");
    }
    // The answers are for the other tag: the peer of the association does not hear them.
    t.run_for(SOON);
    while s.lose(t, MILLISECOND).is_some() {}
    if v.text("cookie") == "forged" {
        let echo = s.peer.one(Chunk::new(chunk::COOKIE_ECHO, pattern(200)));
        s.send_stimulus(t, &echo, "a forged cookie");
        let mark = s.mark();
        s.listen(t, SOON);
        s.silent(t, req::SCTP_COOKIE_INVALID_DISCARDED, mark)?;
    }
    s.unharmed(t, req::SCTP_UNEXPECTED_INIT_NO_CHANGE)
}

case! {
    id: "sctp.restart.while-shutting-down",
    title: "A peer that begins anew while the endpoint waits for SHUTDOWN COMPLETE hears of the shutdown first",
    reqs: [req::SCTP_RESTART_IN_SHUTDOWN_ACK_SENT, req::SCTP_INIT_IN_SHUTDOWN_ACK_SENT],
    kind: SubjectKind::Sctp,
    variants: product! { what: ["INIT", "COOKIE_ECHO"] },
    run: while_shutting_down,
}

fn while_shutting_down(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut s = SctpStage::connected(t)?;
    s.peer.profile.answers.shutdown = false;
    let shutdown = s.peer.shutdown();
    let mut body = s.peer.init_body();
    body.tag ^= 0x0033_0000;
    let init = s.peer.one(body).tag(0);
    let mut echo = None;
    if v.text("what") == "COOKIE_ECHO" {
        // The cookie is made while the association stands.
        s.send(t, &init);
        let packet = s.lose(t, SECOND);
        let body =
            packet.as_ref().and_then(|packet| packet.find(chunk::INIT_ACK)).and_then(Init::read);
        let body = t.expect(body, "an INIT ACK")?;
        let cookie = body.find(parameter::STATE_COOKIE).unwrap_or_default().to_vec();
        echo = Some(s.peer.one(Chunk::new(chunk::COOKIE_ECHO, cookie)).tag(body.tag));
    }
    s.send(t, &shutdown);
    s.listen(t, SOON);
    t.precondition(s.peer.log.count(chunk::SHUTDOWN_ACK) == 1, "a SHUTDOWN ACK")?;
    let mark = s.mark();
    s.send_stimulus(t, &echo.clone().unwrap_or(init), "a new beginning");
    s.listen(t, SOON);
    let new = s.chunks_since(mark);
    let got = s.since(mark).join("; ");
    let again = new.iter().any(|chunk| chunk.kind == chunk::SHUTDOWN_ACK);
    let sets_up = new.iter().any(|one| matches!(one.kind, chunk::INIT_ACK | chunk::COOKIE_ACK));
    if echo.is_none() {
        let requirement = req::SCTP_INIT_IN_SHUTDOWN_ACK_SENT;
        return t.should(requirement, again && !sets_up, "SHUTDOWN ACK again", got);
    }
    let told = new.iter().filter_map(causes).flatten();
    let told = told.into_iter().any(|one| one.kind == cause::COOKIE_WHILE_SHUTTING_DOWN);
    let requirement = req::SCTP_RESTART_IN_SHUTDOWN_ACK_SENT;
    t.must(requirement, again && told && !sets_up, "SHUTDOWN ACK and the error", got)
}
