//! The end at once: RFC 9260 §3.3.7, §8.5.1, §9.1.

use super::script::*;

case! {
    id: "sctp.abort.by-endpoint",
    title: "The endpoint ends the association with an ABORT of the right form",
    reqs: [
        req::SCTP_ABORT_SENT,
        req::SCTP_ABORT_TAG_AND_NO_DATA,
        req::SCTP_ABORT_WITHOUT_DATA,
        req::SCTP_ABORT_LAST,
        req::SCTP_ABORT_TAG_OF_PEER,
        req::SCTP_USER_ABORT_CAUSE,
        req::SCTP_USER_ABORT_CAUSE_MAY,
        req::SCTP_ABORT_CAUSES,
        req::SCTP_CAUSE_IN_ABORT,
    ],
    kind: SubjectKind::Sctp,
    variants: product! { waiting: [0, 10] },
    run: by_endpoint,
}

fn by_endpoint(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut s = SctpStage::connected_with(t, |setup| setup.profile.answers.data = false)?;
    for _ in 0..v.number("waiting") {
        s.tell(t, SctpMessage::new(1, pattern(1_000)))?;
    }
    t.stimulus("the wish to abort");
    let mark = s.mark();
    s.command(t, |endpoint, now| endpoint.abort(now));
    s.listen(t, SECOND);
    let new = s.packets_since(mark);
    let got = s.since(mark).join("; ");
    let packet = new.iter().find(|packet| packet.has(chunk::ABORT));
    t.must(req::SCTP_ABORT_SENT, packet.is_some(), "ABORT", &got)?;
    let packet = t.expect(packet, "an ABORT")?;
    let abort = t.expect(packet.find(chunk::ABORT), "an ABORT")?;
    let right = packet.tag == s.peer.profile.tag && abort.flags & code::T == 0;
    t.must(req::SCTP_ABORT_TAG_OF_PEER, right, "the peer's tag without T", abort.flags)?;
    let no_data = !packet.has(chunk::DATA);
    t.must(req::SCTP_ABORT_TAG_AND_NO_DATA, right && no_data, "no DATA beside", &got)?;
    t.must(req::SCTP_ABORT_WITHOUT_DATA, no_data, "no DATA beside", &got)?;
    let last = packet.kinds().last() == Some(&chunk::ABORT);
    t.must(req::SCTP_ABORT_LAST, last, "ABORT last", &got)?;
    let list = causes(abort).unwrap_or_default();
    let user = list.iter().any(|one| one.kind == cause::USER_ABORT);
    t.should(req::SCTP_USER_ABORT_CAUSE, user, "User-Initiated Abort", format!("{list:?}"))?;
    t.may(req::SCTP_USER_ABORT_CAUSE_MAY, user, "User-Initiated Abort", "another")?;
    t.may(req::SCTP_ABORT_CAUSES, !list.is_empty(), "a cause", "none")?;
    t.may(req::SCTP_CAUSE_IN_ABORT, !list.is_empty(), "a cause", "none")
}

case! {
    id: "sctp.abort.by-peer",
    title: "A valid ABORT ends the association, is reported and never answered; what makes no sense in it does not hinder that",
    reqs: [
        req::SCTP_ABORT_REMOVES,
        req::SCTP_ABORT_REPORTED,
        req::SCTP_ABORT_NEVER_ANSWERED,
        req::SCTP_ABORT_TAGS_ACCEPTED,
        req::SCTP_USER_ABORT_REASON,
    ],
    kind: SubjectKind::Sctp,
    variants: product! {
        state: ["COOKIE-WAIT", "COOKIE-ECHOED", "ESTABLISHED", "SHUTDOWN-SENT"],
        what: ["plain", "cause", "unknown cause"],
    },
    run: by_peer,
}

fn by_peer(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut s = SctpStage::with(t, |setup| setup.profile.answers.shutdown = false)?;
    match v.text("state") {
        "COOKIE-WAIT" | "COOKIE-ECHOED" => {
            s.connect(t);
            let (_, answers) = s.until(t, chunk::INIT)?;
            if v.text("state") == "COOKIE-ECHOED" {
                for answer in answers {
                    s.send(t, &answer);
                }
                let _ = s.until(t, chunk::COOKIE_ECHO)?;
            }
        }
        "SHUTDOWN-SENT" => {
            s.meet(t)?;
            s.command(t, |endpoint, now| endpoint.shutdown(now));
            s.listen(t, SOON);
        }
        _ => s.meet(t)?,
    }
    let list = match v.text("what") {
        "plain" => vec![],
        "cause" => vec![Tlv::new(cause::USER_ABORT, *b"a reason of the suite")],
        _ => vec![Tlv::new(0x1234, *b"what?"), Tlv::new(cause::USER_ABORT, *b"x")],
    };
    let mark = s.mark();
    let packet = s.peer.abort(&list);
    s.send_stimulus(t, &packet, "ABORT");
    s.listen(t, 5 * SECOND);
    let over = s.is_over(t);
    t.must(req::SCTP_ABORT_REMOVES, over, "the end", "none")?;
    t.must(req::SCTP_ABORT_TAGS_ACCEPTED, over, "the end", "none")?;
    t.should(req::SCTP_ABORT_REPORTED, over, "the end", "none")?;
    if v.text("what") == "cause" && over {
        let told = s.count(t, |event| format!("{event:?}").contains("reason of the suite"));
        t.should(req::SCTP_USER_ABORT_REASON, told > 0, "the reason", "none")?;
    }
    s.silent(t, req::SCTP_ABORT_NEVER_ANSWERED, mark)
}
