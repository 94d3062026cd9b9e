//! Messages that the peer gives up: RFC 3758 §3.3, §3.6.

use super::{lossy::without, script::*};

/// The numbers of the messages that were delivered on stream 1, by their single byte.
fn bytes_delivered(s: &mut SctpStage, t: &mut Ctl<'_>) -> Vec<u8> {
    let delivered = s.delivered(t);
    delivered
        .iter()
        .filter_map(|(stream, data)| (*stream == 1).then(|| data.first())?)
        .copied()
        .collect()
}

/// The last SACK that came since `mark`.
fn last_sack(s: &SctpStage, mark: usize) -> Option<Sack> {
    s.chunks_since(mark).iter().filter_map(Sack::read).next_back()
}

case! {
    id: "sctp.pr.forward-tsn.advances",
    title: "A FORWARD TSN moves the cumulative number on, and what waited behind it is delivered",
    reqs: [
        req::PRSCTP_MISSING_CONSIDERED_RECEIVED,
        req::PRSCTP_RECEIVER_AS_EVER,
        req::PRSCTP_FORWARD_TSN_ADVANCES,
        req::PRSCTP_FORWARD_TSN_SACKED_AS_DATA,
        req::PRSCTP_LISTED_STREAMS_DELIVERED,
        req::PRSCTP_STRANDED_DELIVERED,
    ],
    kind: SubjectKind::Sctp,
    needs: [Cap::SctpPartialReliability],
    variants: product! { tsn: ["any", "near-wrap"], skipped: [1, 3] },
    run: advances,
}

fn advances(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let skipped = usize::try_from(v.number("skipped")).unwrap_or(1);
    let mut s = SctpStage::connected_with(t, |setup| {
        if v.text("tsn") == "near-wrap" {
            setup.profile.tsn = 0xffff_fffe;
        }
    })?;
    let messages: Vec<Data> = (0..6).map(|byte| s.peer.data(1, &[byte])).collect();
    let last_skipped = t.expect(messages.get(skipped), "a message")?.clone();
    let mark = s.mark();
    // The first arrives, those after it do not, the rest does.
    let sent = messages.iter().take(1).chain(messages.iter().skip(skipped + 1));
    for data in sent {
        let packet = s.peer.one(data.clone());
        s.send(t, &packet);
    }
    s.listen(t, SOON);
    let gaps = last_sack(&s, mark).is_some_and(|sack| !sack.gaps.is_empty());
    t.must(
        req::PRSCTP_RECEIVER_AS_EVER,
        gaps,
        "a SACK that reports the gap",
        s.since(mark).join("; "),
    )?;
    let ready = bytes_delivered(&mut s, t) == [0];
    t.precondition(ready, "one message delivered")?;
    let mark = s.mark();
    let forward = ForwardTsn { cumulative: last_skipped.tsn, streams: vec![(1, last_skipped.ssn)] };
    s.say(t, [forward.into()], "FORWARD TSN");
    s.listen(t, DELAYED);
    let sack = last_sack(&s, mark);
    let got = format!("{sack:?}");
    t.must(req::PRSCTP_FORWARD_TSN_SACKED_AS_DATA, sack.is_some(), "a SACK in time", &got)?;
    let sack = sack.unwrap_or_default();
    let last = before(s.peer.next_tsn, 1);
    t.must(req::PRSCTP_FORWARD_TSN_ADVANCES, sack.cumulative == last, last, &got)?;
    t.must(req::PRSCTP_MISSING_CONSIDERED_RECEIVED, sack.gaps.is_empty(), "no gaps", &got)?;
    let rest: Vec<u8> = std::iter::once(0).chain((0..6).skip(skipped + 1)).collect();
    let bytes = bytes_delivered(&mut s, t);
    let right = bytes == rest;
    let (wanted, got) = (format!("{rest:?}"), format!("{bytes:?}"));
    t.must(req::PRSCTP_LISTED_STREAMS_DELIVERED, right, &wanted, &got)?;
    t.should(req::PRSCTP_STRANDED_DELIVERED, right, wanted, got)
}

case! {
    id: "sctp.pr.forward-tsn.old",
    title: "A FORWARD TSN that is behind moves nothing and is answered with a SACK",
    reqs: [req::PRSCTP_OLD_FORWARD_TSN_IGNORED, req::PRSCTP_OLD_FORWARD_TSN_SACKED],
    kind: SubjectKind::Sctp,
    needs: [Cap::SctpPartialReliability],
    variants: product! { behind: [0, 1, 1000, 2_000_000_000] },
    run: old,
}

fn old(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let behind = u32::try_from(v.number("behind")).unwrap_or_default();
    let mut s = SctpStage::connected(t)?;
    let ready = s.data_passes_on(t, 1);
    t.precondition(ready, "data")?;
    let last = before(s.peer.next_tsn, 1);
    let mark = s.mark();
    let forward = ForwardTsn { cumulative: before(last, behind), streams: vec![(1, 100)] };
    s.say(t, [forward.into()], "an old FORWARD TSN");
    s.listen(t, DELAYED);
    let sack = last_sack(&s, mark);
    let got = format!("{sack:?}");
    t.should(req::PRSCTP_OLD_FORWARD_TSN_SACKED, sack.is_some(), "a SACK", &got)?;
    let kept = sack.is_none_or(|sack| sack.cumulative == last);
    t.must(req::PRSCTP_OLD_FORWARD_TSN_IGNORED, kept, last, got)?;
    let passes = s.data_passes_on(t, 1);
    let got = s.state(t);
    t.must(req::PRSCTP_OLD_FORWARD_TSN_IGNORED, passes, "a stream as it was", got)
}

case! {
    id: "sctp.pr.forward-tsn.fragments",
    title: "A message of which a fragment was skipped is dropped, and the next one is delivered",
    reqs: [req::PRSCTP_PARTIAL_MESSAGES_REMOVED, req::PRSCTP_MISSING_CONSIDERED_RECEIVED],
    kind: SubjectKind::Sctp,
    needs: [Cap::SctpPartialReliability],
    variants: product! { missing: [0, 1, 2], order: ["ordered", "unordered"] },
    run: fragments,
}

fn fragments(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let missing = usize::try_from(v.number("missing")).unwrap_or_default();
    let unordered = v.text("order") == "unordered";
    let mut s = SctpStage::connected(t)?;
    let mut pieces = s.peer.fragments(1, &pattern(300), 100);
    if unordered {
        for piece in &mut pieces {
            piece.flags |= data::U;
        }
    }
    for (index, piece) in pieces.iter().enumerate() {
        if index != missing {
            let packet = s.peer.one(piece.clone());
            s.send(t, &packet);
        }
    }
    s.listen(t, SOON);
    let last = t.expect(pieces.last(), "a fragment")?;
    let streams = if unordered { Vec::new() } else { vec![(1, last.ssn)] };
    let forward = ForwardTsn { cumulative: last.tsn, streams };
    s.say(t, [forward.into()], "FORWARD TSN past the message");
    s.listen(t, SOON);
    // What is left of the message must never come together with anything.
    let next = if unordered { s.peer.unordered(1, DATA) } else { s.peer.data(1, DATA) };
    let packet = s.peer.one(next);
    s.send(t, &packet);
    s.serve(t, DELAYED);
    let delivered = s.delivered(t);
    let right = delivered == [(1, DATA.to_vec())];
    let got = format!("{} messages", delivered.len());
    t.must(req::PRSCTP_PARTIAL_MESSAGES_REMOVED, right, "the next message alone", got)?;
    let sack = s.peer.log.sacks().last().cloned().unwrap_or_default();
    let all = sack.cumulative == before(s.peer.next_tsn, 1) && sack.gaps.is_empty();
    t.must(req::PRSCTP_MISSING_CONSIDERED_RECEIVED, all, "no gaps", format!("{sack:?}"))
}

case! {
    id: "sctp.pr.offered",
    title: "Partial reliability is offered, and used only where both have it",
    reqs: [
        req::PRSCTP_FORWARD_TSN_SUPPORTED_SENT,
        req::PRSCTP_FORWARD_TSN_SUPPORTED_ANSWERED,
        req::PRSCTP_PARAMETER_DESPITE_PEER,
        req::PRSCTP_FORWARD_TSN_NEVER_UNNEGOTIATED,
        req::PRSCTP_REFUSED_PARAMETER_CONTINUES,
        req::PRSCTP_FORWARD_TSN_UNNEGOTIATED_ERROR,
    ],
    kind: SubjectKind::Sctp,
    needs: [Cap::SctpPartialReliability],
    variants: product! {
        first: ["subject", "suite"],
        subject: ["with", "without"],
        suite: ["with", "without", "refuses"],
    },
    run: offered,
}

fn offered(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let (first, suite) = (v.text("first"), v.text("suite"));
    let has = v.text("subject") == "with";
    let mut s = SctpStage::with(t, |setup| {
        setup.config.partial_reliability = has;
        if suite != "with" {
            without(&mut setup.profile, chunk::FORWARD_TSN);
        }
        if suite == "refuses" && has && first == "subject" {
            let refused = Tlv::new(parameter::FORWARD_TSN, []).encode();
            setup.profile.parameters.push(Tlv::new(parameter::UNRECOGNIZED, refused));
        }
    })?;
    if first == "subject" {
        s.connect(t);
        t.stimulus("it is told to connect");
    } else {
        let init = s.peer.init();
        s.send_stimulus(t, &init, "an INIT");
    }
    let up = s.completes(t, LONG);
    let got = s.state(t);
    if suite == "refuses" {
        t.must(req::PRSCTP_REFUSED_PARAMETER_CONTINUES, up, "an association", &got)?;
    }
    t.precondition(up, got)?;
    let said = s.peer.log.inits().first().is_some_and(|init| init.has(parameter::FORWARD_TSN));
    match (has, first, suite) {
        (true, "subject", _) => {
            t.may(req::PRSCTP_FORWARD_TSN_SUPPORTED_SENT, said, "the parameter", said)?;
        }
        (true, _, "with") => {
            t.may(req::PRSCTP_FORWARD_TSN_SUPPORTED_ANSWERED, said, "the parameter", said)?;
        }
        (true, ..) => t.may(req::PRSCTP_PARAMETER_DESPITE_PEER, said, "the parameter", said)?,
        _ => {}
    }
    if suite == "with" {
        return if has { Ok(()) } else { refused(t, &mut s) };
    }
    // A message that would be given up at once, lost again and again.
    let message = SctpMessage::new(1, DATA).reliability(SctpReliability::Retransmits(0));
    let _ = s.command(t, |endpoint, now| endpoint.send(now, message));
    let lossy = 3 * SECOND;
    let came = super::lossy::serve_losing(&mut s, t, lossy, |packet| packet.has(chunk::DATA));
    s.serve(t, LONG);
    let sent = super::lossy::forwards(&came).len() + s.peer.log.count(chunk::FORWARD_TSN);
    t.must(req::PRSCTP_FORWARD_TSN_NEVER_UNNEGOTIATED, sent == 0, "no FORWARD TSN", sent)?;
    let passes = s.data_passes(t);
    let got = s.state(t);
    t.must(req::PRSCTP_REFUSED_PARAMETER_CONTINUES, passes, "an association", got)
}

/// An endpoint without partial reliability is sent a FORWARD TSN.
fn refused(t: &mut Ctl<'_>, s: &mut SctpStage) -> Outcome {
    let _ = s.peer.data(1, DATA);
    let forward = ForwardTsn { cumulative: before(s.peer.next_tsn, 1), streams: vec![(1, 0)] };
    s.say(t, [forward.into()], "FORWARD TSN that nobody agreed on");
    s.serve(t, SOON);
    let causes = s.peer.log.causes();
    let reported = s.peer.log.count(chunk::ERROR) > 0;
    let got = format!("causes {causes:?}");
    t.must(req::PRSCTP_FORWARD_TSN_UNNEGOTIATED_ERROR, reported, "an ERROR", got)
}
