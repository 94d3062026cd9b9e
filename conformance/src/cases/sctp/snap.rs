//! Associations set up by INIT chunks that signalling carries (draft-hancke-tsvwg-snap), which RFC 9260
//! §5.1 has to be read for.

use super::script::*;

case! {
    id: "sctp.snap.both",
    title: "With both INIT chunks known the association stands at once, without a packet, and data passes",
    reqs: [
        req::SCTP_INIT_CARRIES_TAG,
        req::SCTP_INIT_STREAMS_NOT_ZERO,
        req::SCTP_INIT_WINDOW_AT_LEAST_1500,
        req::SCTP_TAG_OF_PEER,
        req::SCTP_FIRST_DATA_ACKED_AT_ONCE,
    ],
    kind: SubjectKind::Sctp,
    needs: [Cap::SctpSnap],
    variants: product! { first: ["endpoint", "suite"] },
    run: both,
}

fn both(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut s = SctpStage::open(t)?;
    let bytes = needed(s.command(t, |endpoint, now| endpoint.init_chunk(now)))?;
    let again = needed(s.command(t, |endpoint, now| endpoint.init_chunk(now)))?;
    let chunk = Chunk::read(&again);
    let init = t.expect(chunk.as_ref().and_then(Init::read), "an INIT chunk and nothing else")?;
    t.must(req::SCTP_INIT_CARRIES_TAG, init.tag != 0, "a tag", "0")?;
    let streams = init.outgoing.min(init.incoming);
    t.must(req::SCTP_INIT_STREAMS_NOT_ZERO, streams > 0, "streams", streams)?;
    t.must(req::SCTP_INIT_WINDOW_AT_LEAST_1500, init.a_rwnd >= 1_500, "1500", init.a_rwnd)?;
    s.listen(t, 2 * SECOND);
    t.precondition(s.mark() == 0 && !bytes.is_empty(), "no packet of its own")?;
    let own = Chunk::from(s.peer.init_body()).encode();
    t.stimulus("the INIT chunk of the suite");
    needed(s.command(t, |endpoint, now| endpoint.connect_with(now, &own)))?;
    s.peer.meet(init);
    let up = s.is_connected(t);
    t.must(
        req::SCTP_TAG_OF_PEER,
        up && s.mark() == 0,
        "an association at once",
        s.since(0).join("; "),
    )?;
    if v.text("first") == "suite" {
        let packet = {
            let data = s.peer.data(1, DATA);
            s.peer.one(data)
        };
        s.send(t, &packet);
        s.listen(t, SOON);
        let acked = s.peer.log.count(chunk::SACK) == 1;
        t.must(req::SCTP_FIRST_DATA_ACKED_AT_ONCE, acked, "a SACK", s.since(0).join("; "))?;
    }
    s.unharmed(t, req::SCTP_TAG_OF_PEER)
}

case! {
    id: "sctp.snap.refused",
    title: "An INIT chunk that makes no sense is refused, and the endpoint can still begin in the ordinary way",
    reqs: [
        req::SCTP_INIT_TAG_ZERO_DISCARDED,
        req::SCTP_INIT_ZERO_STREAMS_DISCARDED,
        req::SCTP_INIT_SMALL_WINDOW_DISCARDED,
    ],
    kind: SubjectKind::Sctp,
    needs: [Cap::SctpSnap],
    variants: product! { what: ["tag", "outgoing", "incoming", "window", "short", "trailing", "INIT_ACK"] },
    run: refused,
}

fn refused(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let what = v.text("what");
    let mut s = SctpStage::open(t)?;
    let _ = needed(s.command(t, |endpoint, now| endpoint.init_chunk(now)))?;
    let mut body = s.peer.init_body();
    match what {
        "tag" => body.tag = 0,
        "outgoing" => body.outgoing = 0,
        "incoming" => body.incoming = 0,
        "window" => body.a_rwnd = 1_499,
        _ => {}
    }
    body.is_ack = what == "INIT_ACK";
    let mut bytes = Chunk::from(body).encode();
    match what {
        "short" => bytes.truncate(16),
        "trailing" => bytes.extend([11, 0, 0, 4]),
        _ => {}
    }
    t.stimulus(format_args!("an INIT chunk that makes no sense: {what}"));
    let taken = s.command(t, |endpoint, now| endpoint.connect_with(now, &bytes)).is_ok();
    let up = s.is_connected(t);
    let requirement = match what {
        "outgoing" | "incoming" => req::SCTP_INIT_ZERO_STREAMS_DISCARDED,
        "window" => req::SCTP_INIT_SMALL_WINDOW_DISCARDED,
        _ => req::SCTP_INIT_TAG_ZERO_DISCARDED,
    };
    t.must(requirement, !taken && !up, "a refusal", format_args!("taken: {taken}, up: {up}"))?;
    s.connect(t);
    let up = s.completes(t, LONG);
    t.must(requirement, up, "an association in the ordinary way", "none")
}
