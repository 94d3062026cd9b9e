//! Acknowledgements at once: RFC 7053, whose text RFC 9260 took over.

use super::script::*;

case! {
    id: "sctp.immediate.answered",
    title: "A chunk with the I bit is acknowledged at once",
    reqs: [req::SACKIM_ANSWERED_AT_ONCE, req::SCTP_I_BIT_ACKED_AT_ONCE],
    kind: SubjectKind::Sctp,
    variants: product! { flag: ["first", "last", "middle"] },
    run: answered,
}

fn answered(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut s = SctpStage::connected(t)?;
    // An even number of packets, so that the next one would be acknowledged late.
    for _ in 0..2 {
        let ready = s.data_passes(t);
        t.precondition(ready, "data")?;
    }
    s.serve(t, SECOND);
    let mut chunks: Vec<Data> = (0..3).map(|byte| s.peer.data(1, &[byte])).collect();
    let place = match v.text("flag") {
        "first" => 0,
        "middle" => 1,
        _ => 2,
    };
    if let Some(one) = chunks.get_mut(place) {
        one.flags |= data::I;
    }
    let mark = s.mark();
    s.say(t, chunks.into_iter().map(Chunk::from), "data with the I bit");
    s.listen(t, 12 * MILLISECOND);
    let acked = s.chunks_since(mark).iter().filter_map(Sack::read).next_back();
    let right = acked.as_ref().is_some_and(|sack| sack.cumulative == before(s.peer.next_tsn, 1));
    let got = format!("{acked:?}");
    t.should(req::SACKIM_ANSWERED_AT_ONCE, right, "a SACK at once", &got)?;
    t.should(req::SCTP_I_BIT_ACKED_AT_ONCE, right, "a SACK at once", got)
}

case! {
    id: "sctp.immediate.asked",
    title: "A sender with nothing more to send asks for an acknowledgement at once",
    reqs: [req::SACKIM_MAY_SET, req::SCTP_I_BIT_SET_BY_SENDER],
    kind: SubjectKind::Sctp,
    run: asked,
}

fn asked(t: &mut Ctl<'_>, _v: &Variant) -> Outcome {
    let mut s = SctpStage::connected(t)?;
    t.stimulus("a message of three chunks, and nothing after it");
    s.tell(t, SctpMessage::new(1, pattern(3_000)))?;
    s.serve(t, SECOND);
    let data = s.peer.log.data();
    t.precondition(!data.is_empty(), "data")?;
    let set = data.last().is_some_and(|last| last.flags & data::I != 0);
    t.may(req::SACKIM_MAY_SET, set, "the I bit on the last chunk", set)?;
    t.may(req::SCTP_I_BIT_SET_BY_SENDER, set, "the I bit on the last chunk", set)
}
