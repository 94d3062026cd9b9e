//! What is let in and what is not: RFC 9260 §3.2, §6.8, §6.10, §8.4, §8.5.

use super::script::*;

case! {
    id: "sctp.guard.checksum",
    title: "A packet whose checksum is wrong changes nothing and is not answered",
    reqs: [req::SCTP_CRC_CHECKED],
    kind: SubjectKind::Sctp,
    variants: product! { what: ["bit", "zero", "adler", "swapped"] },
    run: checksum,
}

fn checksum(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut s = SctpStage::connected(t)?;
    let data = s.peer.data(1, b"spoiled");
    let right = s.peer.one(data).encode();
    let field: [u8; 4] =
        t.expect(right.get(8..12).and_then(|it| it.try_into().ok()), "a header")?;
    let right = u32::from_le_bytes(field);
    let spoiled = match v.text("what") {
        "bit" => F::Xor(1 << 17),
        "zero" => F::Set(0),
        "adler" => F::Set(0x1c1e_0a3b),
        _ => F::Set(right.swap_bytes()),
    };
    let chunk = s.peer.data(1, b"spoiled");
    s.peer.next_tsn = before(s.peer.next_tsn, 2);
    let packet = s.peer.one(Data { tsn: s.peer.next_tsn, ..chunk }).checksum(spoiled);
    let mark = s.mark();
    s.send_stimulus(t, &packet, "a packet with a wrong checksum");
    s.serve(t, DELAYED);
    let delivered = s.delivered(t);
    t.must(req::SCTP_CRC_CHECKED, delivered.is_empty(), "nothing delivered", delivered.len())?;
    s.silent(t, req::SCTP_CRC_CHECKED, mark)?;
    s.peer.forget_sequences(&[]);
    s.unharmed(t, req::SCTP_CRC_CHECKED)
}

case! {
    id: "sctp.guard.tag",
    title: "A packet under another tag changes nothing and is not answered, whatever it holds",
    reqs: [
        req::SCTP_TAG_CHECKED,
        req::SCTP_TAG_ZERO_ELSE_DISCARDED,
        req::SCTP_ABORT_TAGS_ACCEPTED,
        req::SCTP_ABORT_OTHER_TAG_DISCARDED,
        req::SCTP_ABORT_TAG_RULES,
        req::SCTP_SHUTDOWN_COMPLETE_OTHER_TAG,
    ],
    kind: SubjectKind::Sctp,
    variants: product! {
        what: ["DATA", "SACK", "HEARTBEAT", "SHUTDOWN", "SHUTDOWN_COMPLETE", "ABORT", "ABORT+T"],
        tag: ["zero", "another", "own"],
    },
    run: tag,
}

fn tag(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut s = SctpStage::connected(t)?;
    let (what, which) = (v.text("what"), v.text("tag"));
    let chunk: Chunk = match what {
        "DATA" => {
            Data { tsn: s.peer.next_tsn, flags: 3, payload: DATA.into(), ..Data::default() }.into()
        }
        "SACK" => s.peer.sack(),
        "HEARTBEAT" => s.peer.heartbeat(b"who").chunks.remove(0),
        "SHUTDOWN" => Chunk::new(chunk::SHUTDOWN, s.peer.received.cumulative().to_be_bytes()),
        "SHUTDOWN_COMPLETE" => bare(chunk::SHUTDOWN_COMPLETE),
        "ABORT" => bare(chunk::ABORT),
        _ => bare(chunk::ABORT).flags(code::T),
    };
    let tag = match which {
        "zero" => 0,
        "another" => s.peer.tag() ^ 0x0100,
        // The tag of the sender: an ABORT with the T bit counts then.
        _ => s.peer.profile.tag,
    };
    let mark = s.mark();
    let packet = s.peer.one(chunk).tag(tag);
    s.send_stimulus(t, &packet, "a packet under another tag");
    s.serve(t, DELAYED);
    if what == "ABORT+T" && which == "own" {
        let over = s.is_over(t);
        return t.must(req::SCTP_ABORT_TAGS_ACCEPTED, over, "the end", "none");
    }
    let requirement = match (what, which) {
        ("ABORT" | "ABORT+T", _) => req::SCTP_ABORT_OTHER_TAG_DISCARDED,
        ("SHUTDOWN_COMPLETE", _) => req::SCTP_SHUTDOWN_COMPLETE_OTHER_TAG,
        (_, "zero") => req::SCTP_TAG_ZERO_ELSE_DISCARDED,
        _ => req::SCTP_TAG_CHECKED,
    };
    s.silent(t, requirement, mark)?;
    s.unharmed(t, requirement)?;
    if what.starts_with("ABORT") {
        t.must(req::SCTP_ABORT_TAG_RULES, true, "no end", "none")?;
    }
    Ok(())
}

case! {
    id: "sctp.guard.init-company",
    title: "An INIT with company or under a tag is discarded without a word",
    reqs: [req::SCTP_INIT_NOT_ALONE_DISCARDED],
    kind: SubjectKind::Sctp,
    variants: product! { what: ["second", "first", "tag"], association: ["none", "established"] },
    run: init_company,
}

fn init_company(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut s = SctpStage::open(t)?;
    let established = v.text("association") == "established";
    if established {
        s.meet(t)?;
    }
    let mut body = s.peer.init_body();
    body.tag ^= 0x55;
    let init: Chunk = body.into();
    let other = bare(chunk::COOKIE_ACK);
    let packet = match v.text("what") {
        "second" => s.peer.packet([other, init]).tag(0),
        "first" => s.peer.packet([init, other]).tag(0),
        _ => s.peer.one(init).tag(if established { s.peer.tag() } else { 7 }),
    };
    let mark = s.mark();
    s.send_stimulus(t, &packet, "an INIT that is not alone");
    s.listen(t, SOON);
    s.silent(t, req::SCTP_INIT_NOT_ALONE_DISCARDED, mark)?;
    if established {
        return s.unharmed(t, req::SCTP_INIT_NOT_ALONE_DISCARDED);
    }
    let up = s.meet(t).is_ok();
    t.must(req::SCTP_INIT_NOT_ALONE_DISCARDED, up, "an association afterwards", "none")
}

case! {
    id: "sctp.guard.out-of-the-blue",
    title: "What belongs to no association is answered as its kind deserves, under the tag that it came with",
    reqs: [
        req::SCTP_OOTB_ABORT_DISCARDED,
        req::SCTP_ABORT_NEVER_ANSWERED,
        req::SCTP_ABORT_MALFORMED_DISCARDED,
        req::SCTP_OOTB_SHUTDOWN_ACK,
        req::SCTP_SHUTDOWN_COMPLETE_REFLECTS,
        req::SCTP_SHUTDOWN_COMPLETE_T_BIT,
        req::SCTP_OOTB_SHUTDOWN_COMPLETE_DISCARDED,
        req::SCTP_OOTB_STALE_ERROR_DISCARDED,
        req::SCTP_OOTB_ABORT_SENT,
        req::SCTP_OOTB_ABORT_REFLECTS,
        req::SCTP_ABORT_T_BIT,
        req::SCTP_ABORT_OOTB_RULE,
        req::SCTP_ABORT_MAY_REFLECT,
        req::SCTP_OOTB_DISCARDED,
        req::SCTP_DATA_IN_CLOSED_OOTB,
        req::SCTP_SACK_IN_CLOSED_OOTB,
        req::SCTP_REPLIES_TO_SOURCE,
    ],
    kind: SubjectKind::Sctp,
    variants: product! {
        what: [
            "ABORT", "ABORT+T", "SHUTDOWN_ACK", "SHUTDOWN_COMPLETE", "COOKIE_ACK", "STALE",
            "DATA", "SACK", "HEARTBEAT", "SHUTDOWN", "RECONFIG",
        ],
    },
    run: out_of_the_blue,
}

fn out_of_the_blue(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut s = SctpStage::open(t)?;
    let what = v.text("what");
    let chunk: Chunk = match what {
        "ABORT" => bare(chunk::ABORT),
        "ABORT+T" => bare(chunk::ABORT).flags(code::T),
        "SHUTDOWN_ACK" => bare(chunk::SHUTDOWN_ACK),
        "SHUTDOWN_COMPLETE" => bare(chunk::SHUTDOWN_COMPLETE),
        "COOKIE_ACK" => bare(chunk::COOKIE_ACK),
        "STALE" => Chunk::new(chunk::ERROR, Tlv::new(cause::STALE_COOKIE, [0; 4]).encode()),
        "DATA" => Data { tsn: 3, flags: 3, payload: DATA.into(), ..Data::default() }.into(),
        "SACK" => Sack { cumulative: 3, a_rwnd: 9_000, ..Sack::default() }.into(),
        "HEARTBEAT" => s.peer.heartbeat(b"who").chunks.remove(0),
        "SHUTDOWN" => Chunk::new(chunk::SHUTDOWN, [0, 0, 0, 9]),
        _ => Change::chunk(&[Change::Tsn { request: 9 }]),
    };
    let packet = s.peer.one(chunk).tag(0x0102_0304);
    s.send_stimulus(t, &packet, "a packet out of the blue");
    s.listen(t, SOON);
    let got = s.since(0).join("; ");
    let answer = s.peer.log.packets.first().cloned();
    let none = answer.is_none();
    match what {
        "ABORT" | "ABORT+T" => {
            t.must(req::SCTP_OOTB_ABORT_DISCARDED, none, "silence", &got)?;
            t.must(req::SCTP_ABORT_NEVER_ANSWERED, none, "silence", &got)?;
            t.must(req::SCTP_ABORT_MALFORMED_DISCARDED, none, "silence", &got)?;
        }
        "SHUTDOWN_COMPLETE" => {
            t.should(req::SCTP_OOTB_SHUTDOWN_COMPLETE_DISCARDED, none, "silence", &got)?;
        }
        "COOKIE_ACK" | "STALE" => {
            t.should(req::SCTP_OOTB_STALE_ERROR_DISCARDED, none, "silence", &got)?;
        }
        _ => answered(t, what, answer.as_ref(), &got)?,
    }
    let up = s.meet(t).is_ok();
    t.must(req::SCTP_OOTB_DISCARDED, up, "an association afterwards", "none")
}

fn answered(t: &mut Ctl<'_>, what: &str, answer: Option<&Packet>, got: &str) -> Outcome {
    let (kind, wanted) = if what == "SHUTDOWN_ACK" {
        (chunk::SHUTDOWN_COMPLETE, req::SCTP_OOTB_SHUTDOWN_ACK)
    } else {
        (chunk::ABORT, req::SCTP_OOTB_ABORT_SENT)
    };
    let right = answer.filter(|answer| answer.has(kind));
    t.should(wanted, right.is_some(), chunk::name(kind), got)?;
    if what == "DATA" {
        t.should(req::SCTP_DATA_IN_CLOSED_OOTB, right.is_some(), "ABORT", got)?;
    }
    if what == "SACK" {
        t.should(req::SCTP_SACK_IN_CLOSED_OOTB, right.is_some(), "ABORT", got)?;
    }
    let Some(right) = right else { return Ok(()) };
    t.should(req::SCTP_REPLIES_TO_SOURCE, true, "an answer to the source", "one")?;
    let bit = right.find(kind).is_some_and(|chunk| chunk.flags & code::T == code::T);
    let reflects = right.tag == 0x0102_0304;
    let got = format!("tag {:08x}, T: {bit}", right.tag);
    if kind == chunk::ABORT {
        t.may(req::SCTP_ABORT_MAY_REFLECT, reflects, "the tag that came", &got)?;
        t.must(req::SCTP_OOTB_ABORT_REFLECTS, reflects && bit, "the tag that came and T", &got)?;
        t.must(req::SCTP_ABORT_T_BIT, bit == reflects, "T", &got)?;
        t.must(req::SCTP_ABORT_OOTB_RULE, reflects && bit, "the tag that came and T", &got)
    } else {
        t.must(req::SCTP_SHUTDOWN_COMPLETE_REFLECTS, reflects && bit, "the tag and T", &got)?;
        t.must(req::SCTP_SHUTDOWN_COMPLETE_T_BIT, bit, "T", &got)
    }
}

case! {
    id: "sctp.guard.lengths",
    title: "Chunks whose length makes no sense are dropped, and those before them count",
    reqs: [
        req::SCTP_PARTIAL_CHUNK_DROPPED,
        req::SCTP_CHUNK_LENGTH_AT_LEAST_FOUR,
        req::SCTP_CHUNKS_PROCESSED_IN_ORDER,
    ],
    kind: SubjectKind::Sctp,
    variants: product! { length: [0, 1, 3, 200, 65535], before: ["nothing", "DATA"] },
    run: lengths,
}

fn lengths(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut s = SctpStage::connected(t)?;
    let length = u16::try_from(v.number("length")).unwrap_or(0);
    let mut chunks: Vec<Chunk> = Vec::new();
    let first = v.text("before") == "DATA";
    if first {
        chunks.push(s.peer.data(1, b"first").into());
    }
    let tsn = s.peer.next_tsn;
    let bad = Data { tsn, flags: 3, stream: 1, ssn: 1, ppid: 53, payload: b"bad".into() };
    chunks.push(Chunk { length: F::Set(length), ..bad.into() });
    let what = format!("a chunk that says it has {length} bytes");
    s.say(t, chunks, &what);
    s.serve(t, DELAYED);
    let delivered = s.delivered(t);
    let bad = delivered.iter().any(|(_, data)| data == b"bad");
    let got = format!("{delivered:?}");
    let requirement = if length < 4 {
        req::SCTP_CHUNK_LENGTH_AT_LEAST_FOUR
    } else {
        req::SCTP_PARTIAL_CHUNK_DROPPED
    };
    t.must(requirement, !bad, "no delivery", &got)?;
    if s.is_over(t) {
        // An ABORT for the breach is a choice.
        return t.must(requirement, s.peer.log.is_aborted(), "an ABORT at least", got);
    }
    if first && length >= 4 {
        let came = delivered.iter().any(|(_, data)| data == b"first");
        t.must(req::SCTP_CHUNKS_PROCESSED_IN_ORDER, came, "the chunk before it", got)?;
    }
    s.unharmed(t, requirement)
}

case! {
    id: "sctp.guard.padding",
    title: "What the padding of chunks and parameters holds changes nothing, nor does its absence at the end",
    reqs: [
        req::SCTP_CHUNK_PADDING_IGNORED,
        req::SCTP_PARAMETER_PADDING_IGNORED,
        req::SCTP_CHUNK_PADDED_TO_FOUR,
        req::SCTP_CHUNK_PADDING_AT_MOST_THREE,
        req::SCTP_DATA_PADDED,
        req::SCTP_DATA_PADDING_NOT_COUNTED,
        req::SCTP_PARAMETER_PADDED_TO_FOUR,
        req::SCTP_PARAMETER_PADDING_AT_MOST_THREE,
    ],
    kind: SubjectKind::Sctp,
    variants: product! { length: [1, 2, 3, 4] },
    run: padding,
}

fn padding(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let length = usize::try_from(v.number("length")).unwrap_or(1);
    let gap = length.wrapping_neg() & 3;
    let mut s = SctpStage::with(t, |setup| {
        // A parameter that asks to be reported, so that one comes back that needs padding.
        setup.profile.parameters.insert(0, Tlv::new(0xc0f0, pattern(length)));
    })?;
    let mut init: Chunk = s.peer.init_body().into();
    // The padding of the first parameter, right behind its value.
    for place in 20 + length..20 + length + gap {
        if let Some(byte) = init.value.get_mut(place) {
            *byte = 0xa5;
        }
    }
    let packet = s.peer.one(init).tag(0);
    s.send_stimulus(t, &packet, "an INIT whose padding is not zero");
    let up = s.completes(t, LONG);
    t.must(req::SCTP_PARAMETER_PADDING_IGNORED, up, "an association", "none")?;
    let mut chunk: Chunk = s.peer.data(1, &pattern(length)).into();
    chunk.padding = F::Set(vec![0xa5; gap]);
    s.say(t, [chunk], "DATA whose padding is not zero");
    s.serve(t, SOON);
    let delivered = s.delivered(t);
    let right = delivered == [(1, pattern(length))];
    t.must(req::SCTP_CHUNK_PADDING_IGNORED, right, "the message", format!("{delivered:?}"))?;
    s.tell(t, SctpMessage::new(1, pattern(length)))?;
    s.serve(t, 5 * SOON);
    let sent = s.peer.log.messages();
    let right = sent == [(1, pattern(length))] && s.peer.log.faults.is_empty();
    let got = format!("{sent:?} {:?}", s.peer.log.faults);
    t.must(req::SCTP_DATA_PADDED, right, "padding of zeros", &got)?;
    t.must(req::SCTP_DATA_PADDING_NOT_COUNTED, right, "padding that is not counted", &got)?;
    t.must(req::SCTP_CHUNK_PADDED_TO_FOUR, right, "multiples of four", &got)?;
    t.must(req::SCTP_CHUNK_PADDING_AT_MOST_THREE, right, "three bytes at most", &got)?;
    let whole = s.peer.log.inits().len() == s.peer.log.count(chunk::INIT_ACK);
    t.must(req::SCTP_PARAMETER_PADDED_TO_FOUR, whole, "parameters that can be read", &got)?;
    t.must(req::SCTP_PARAMETER_PADDING_AT_MOST_THREE, whole, "parameters that can be read", got)
}
