//! Interleaved messages: RFC 8260 §2.

use super::{lossy::serve_losing, reset_answer::responses, script::*};

/// An association in which both interleave.
fn interleaving(t: &mut Ctl<'_>) -> Result<SctpStage, Stop> {
    SctpStage::connected_with(t, |setup| {
        setup.config.interleaving = true;
        setup.profile = setup.profile.clone().interleaving();
    })
}

/// Sends these fragments of the peer's in a packet each, with numbers in this order.
fn send_all(s: &mut SctpStage, t: &mut Ctl<'_>, fragments: Vec<IData>) {
    for fragment in fragments {
        let fragment = s.peer.number(fragment);
        let packet = s.peer.one(fragment);
        s.send(t, &packet);
    }
}

/// The I-DATA chunks of a stream that came, in order.
fn of_stream(s: &SctpStage, stream: u16) -> Vec<IData> {
    s.peer.log.i_data().into_iter().filter(|data| data.stream == stream).collect()
}

case! {
    id: "sctp.idata.matrix",
    title: "Messages are interleaved where both ends said so, and nowhere else",
    reqs: [
        req::IDATA_BOTH_KINDS_COEXIST,
        req::IDATA_NEGOTIATED_BY_BOTH,
        req::IDATA_ONLY_IDATA_WHEN_NEGOTIATED,
        req::IDATA_ONLY_DATA_ELSE,
        req::IDATA_USER_ASKS_FOR_INTERLEAVING,
        req::DC_INTERLEAVING_USED,
    ],
    kind: SubjectKind::Sctp,
    needs: [Cap::SctpInterleaving],
    variants: product! {
        first: ["subject", "suite"],
        subject: ["without", "with"],
        suite: ["without", "with"],
    },
    run: matrix,
}

fn matrix(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let (here, there) = (v.text("subject") == "with", v.text("suite") == "with");
    let mut s = SctpStage::with(t, |setup| {
        setup.config.interleaving = here;
        if there {
            setup.profile = setup.profile.clone().interleaving();
        }
    })?;
    if v.text("first") == "subject" {
        s.connect(t);
        s.finish(t)?;
    } else {
        s.meet(t)?;
    }
    if v.text("first") == "subject" || !here {
        let said = s.peer.log.inits().iter().any(|init| init.extends(chunk::I_DATA));
        t.must(req::IDATA_USER_ASKS_FOR_INTERLEAVING, said == here, here, said)?;
    }
    t.stimulus("messages");
    s.tell(t, SctpMessage::new(1, pattern(3_000)))?;
    s.tell(t, SctpMessage::new(2, DATA).unordered())?;
    s.serve(t, SECOND);
    let (data, interleaved) = (s.peer.log.count(chunk::DATA), s.peer.log.count(chunk::I_DATA));
    let got = format!("{data} DATA, {interleaved} I-DATA");
    let right =
        if here && there { data == 0 && interleaved > 0 } else { data > 0 && interleaved == 0 };
    t.must(req::IDATA_NEGOTIATED_BY_BOTH, right, here && there, &got)?;
    t.must(req::IDATA_BOTH_KINDS_COEXIST, right, here && there, &got)?;
    if here && there {
        t.should(req::DC_INTERLEAVING_USED, right, "I-DATA", &got)?;
        t.must(req::IDATA_ONLY_IDATA_WHEN_NEGOTIATED, right, "I-DATA alone", &got)
    } else {
        t.must(req::IDATA_ONLY_DATA_ELSE, right, "DATA alone", &got)
    }
}

case! {
    id: "sctp.idata.form",
    title: "Interleaved chunks count messages and fragments from 0 and have the right bits",
    reqs: [
        req::IDATA_RESERVED_BITS_ZERO,
        req::IDATA_LAST_FRAGMENT_E,
        req::IDATA_FRAGMENT_BITS,
        req::IDATA_FSN_FROM_ZERO,
        req::IDATA_PPID_ON_FIRST_FRAGMENT,
        req::IDATA_MID_PER_STREAM_AND_KIND,
        req::IDATA_TSN_LETS_RECEIVER_PROGRESS,
        req::IDATA_ONE_MESSAGE_PER_STREAM,
    ],
    kind: SubjectKind::Sctp,
    needs: [Cap::SctpInterleaving],
    run: form,
}

fn form(t: &mut Ctl<'_>, _v: &Variant) -> Outcome {
    let mut s = interleaving(t)?;
    t.stimulus("ordered and unordered messages on one stream");
    for size in [5, 4_000, 2_500] {
        s.tell(t, SctpMessage::new(1, pattern(size)).ppid(51))?;
        s.tell(t, SctpMessage::new(1, pattern(size)).ppid(53).unordered())?;
    }
    s.serve(t, SECOND);
    let all = of_stream(&s, 1);
    t.precondition(!all.is_empty(), "I-DATA")?;
    let reserved = all.iter().all(|data| data.reserved == 0 && data.flags & 0xf0 == 0);
    t.must(req::IDATA_RESERVED_BITS_ZERO, reserved, "zero", "other bits")?;
    for (unordered, ppid) in [(false, 51), (true, 53)] {
        let kind: Vec<&IData> =
            all.iter().filter(|data| (data.flags & data::U != 0) == unordered).collect();
        let mut mids: Vec<u32> = kind.iter().map(|data| data.mid).collect();
        let ordered = mids.is_sorted();
        t.must(
            req::IDATA_ONE_MESSAGE_PER_STREAM,
            ordered,
            "one after the other",
            format!("{mids:?}"),
        )?;
        mids.dedup();
        let right = mids == [0, 1, 2];
        t.must(req::IDATA_MID_PER_STREAM_AND_KIND, right, "0, 1, 2", format!("{mids:?}"))?;
        for mid in 0..3 {
            let pieces: Vec<&&IData> = kind.iter().filter(|data| data.mid == mid).collect();
            let last = pieces.len().saturating_sub(1);
            for (place, piece) in pieces.into_iter().enumerate() {
                let got = format!("{place} of {last}: {:x} {}", piece.flags, piece.ppid_or_fsn);
                let (begins, ends) = (piece.flags & data::B != 0, piece.flags & data::E != 0);
                t.must(req::IDATA_FRAGMENT_BITS, begins == (place == 0), "B on the first", &got)?;
                t.must(req::IDATA_LAST_FRAGMENT_E, ends == (place == last), "E on the last", &got)?;
                if place == 0 {
                    let right = piece.ppid_or_fsn == ppid;
                    t.must(req::IDATA_PPID_ON_FIRST_FRAGMENT, right, ppid, &got)?;
                } else {
                    let right = usize::try_from(piece.ppid_or_fsn) == Ok(place);
                    t.must(req::IDATA_FSN_FROM_ZERO, right, place, &got)?;
                }
            }
        }
    }
    let rises = all.iter().zip(all.iter().skip(1));
    let rises = rises.into_iter().all(|(one, next)| next.tsn.wrapping_sub(one.tsn) < 1 << 31);
    t.must(req::IDATA_TSN_LETS_RECEIVER_PROGRESS, rises, "rising numbers", "others")
}

case! {
    id: "sctp.idata.large-does-not-block",
    title: "A small message overtakes a large one on another stream, and windows bound both",
    reqs: [req::IDATA_MESSAGES_INTERLEAVED, req::IDATA_WINDOWS_OBSERVED],
    kind: SubjectKind::Sctp,
    needs: [Cap::SctpInterleaving],
    run: large,
}

fn large(t: &mut Ctl<'_>, _v: &Variant) -> Outcome {
    let mut s = SctpStage::connected_with(t, |setup| {
        setup.config.interleaving = true;
        setup.profile = setup.profile.clone().interleaving();
        setup.profile.a_rwnd = 20_000;
    })?;
    s.peer.profile.answers.data = false;
    t.stimulus("a large message, then a small one on another stream");
    s.tell(t, SctpMessage::new(1, pattern(200_000)))?;
    s.tell(t, SctpMessage::new(2, DATA))?;
    serve_losing(&mut s, t, SOON, |_| false);
    let flight: usize = s.peer.log.i_data().iter().map(|data| data.payload.len()).sum();
    t.must(req::IDATA_WINDOWS_OBSERVED, flight <= 20_000, "20000 bytes at most", flight)?;
    s.peer.profile.answers.data = true;
    let sack = s.peer.sack();
    let packet = s.peer.one(sack);
    s.send(t, &packet);
    s.serve(t, LONG);
    let all = s.peer.log.i_data();
    let small = all.iter().position(|data| data.stream == 2);
    let end = all.iter().position(|data| data.stream == 1 && data.flags & data::E != 0);
    let got = format!("small at {small:?}, end of the large one at {end:?}");
    t.precondition(small.is_some() && end.is_some(), &got)?;
    t.may(req::IDATA_MESSAGES_INTERLEAVED, small < end, "the small one before the end", got)
}

case! {
    id: "sctp.idata.reassembly",
    title: "Fragments are put together by message and place, whatever their order and numbers",
    reqs: [
        req::IDATA_REASSEMBLED_BY_MID_AND_FSN,
        req::IDATA_TSN_NOT_ASSUMED,
        req::IDATA_RESERVED_BITS_ZERO,
        req::IDATA_I_BIT_SACKED_AT_ONCE,
    ],
    kind: SubjectKind::Sctp,
    needs: [Cap::SctpInterleaving],
    variants: product! {
        order: ["in-turn", "backwards", "one-stream-twice"],
        kind: ["ordered", "unordered"],
    },
    run: reassembly,
}

fn reassembly(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let unordered = v.text("kind") == "unordered";
    let mut s = interleaving(t)?;
    let (first, second) = (pattern(500), pattern(333));
    let one = s.peer.interleaved(1, &first, 100, unordered);
    let other = if v.text("order") == "one-stream-twice" { 1 } else { 2 };
    let two = s.peer.interleaved(other, &second, 100, unordered);
    let mut mixed: Vec<IData> = Vec::new();
    for place in 0..one.len().max(two.len()) {
        mixed.extend(two.get(place).cloned());
        mixed.extend(one.get(place).cloned());
    }
    if v.text("order") == "backwards" {
        mixed.reverse();
    }
    for fragment in &mut mixed {
        // What is reserved means nothing.
        fragment.reserved = 0xffff;
        fragment.flags |= 0xf0;
    }
    t.stimulus("fragments of two messages in one stream of packets");
    send_all(&mut s, t, mixed);
    s.serve(t, SECOND);
    let mut delivered = s.delivered(t);
    let mut wanted = vec![(1, first), (other, second)];
    if other == 1 && !unordered {
        // Order within the stream is the order of the messages.
    } else {
        delivered.sort();
        wanted.sort();
    }
    let sizes: Vec<usize> = delivered.iter().map(|(_, data)| data.len()).collect();
    let right = delivered == wanted;
    let got = format!("{sizes:?}");
    t.must(req::IDATA_REASSEMBLED_BY_MID_AND_FSN, right, "both messages", &got)?;
    t.must(req::IDATA_TSN_NOT_ASSUMED, right, "both messages", &got)?;
    t.must(req::IDATA_RESERVED_BITS_ZERO, right, "both messages", &got)?;
    s.serve(t, SECOND);
    let mut urgent = s.peer.interleaved(3, DATA, 100, unordered);
    for fragment in &mut urgent {
        fragment.flags |= data::I;
    }
    let mark = s.mark();
    send_all(&mut s, t, urgent);
    s.listen(t, 22 * MILLISECOND);
    let acked = s.chunks_since(mark).iter().any(|one| one.kind == chunk::SACK);
    t.should(req::IDATA_I_BIT_SACKED_AT_ONCE, acked, "a SACK", s.since(mark).join("; "))
}

case! {
    id: "sctp.idata.mixed",
    title: "DATA or FORWARD TSN in an association with interleaving ends it",
    reqs: [
        req::IDATA_DATA_ABORTS,
        req::IDATA_FORWARD_TSN_ABORTS,
        req::IDATA_VIOLATION_CAUSE_MAY,
        req::IDATA_FORWARD_TSN_WITH_DATA,
    ],
    kind: SubjectKind::Sctp,
    needs: [Cap::SctpInterleaving],
    variants: product! { what: ["data", "forward-tsn"], after: ["nothing", "i-data"] },
    run: mixed,
}

fn mixed(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut s = interleaving(t)?;
    if v.text("after") == "i-data" {
        let fragments = s.peer.interleaved(1, DATA, 100, false);
        send_all(&mut s, t, fragments);
        s.serve(t, SOON);
    }
    let chunk: Chunk = if v.text("what") == "data" {
        s.peer.data(1, DATA).into()
    } else {
        ForwardTsn { cumulative: s.peer.next_tsn, streams: vec![(1, 0)] }.into()
    };
    s.say(t, [chunk], "what does not belong here");
    s.serve(t, SOON);
    let aborted = s.peer.log.is_aborted() && s.is_over(t);
    let got = s.state(t);
    if v.text("what") == "data" {
        t.must(req::IDATA_DATA_ABORTS, aborted, "an ABORT", &got)?;
    } else {
        t.must(req::IDATA_FORWARD_TSN_ABORTS, aborted, "an ABORT", &got)?;
        t.must(req::IDATA_FORWARD_TSN_WITH_DATA, aborted, "an ABORT", &got)?;
    }
    let violation = s.peer.log.causes().contains(&cause::PROTOCOL_VIOLATION);
    t.may(req::IDATA_VIOLATION_CAUSE_MAY, violation, "Protocol Violation", got)
}

case! {
    id: "sctp.idata.forward.received",
    title: "I-FORWARD-TSN skips messages of each kind, and what waited is delivered",
    reqs: [
        req::IDATA_EXTENSIONS_ADAPTED,
        req::IDATA_I_FORWARD_TSN_WITH_IDATA,
        req::IDATA_I_FORWARD_TSN_RESERVED_ZERO,
    ],
    kind: SubjectKind::Sctp,
    needs: [Cap::SctpInterleaving],
    variants: product! { kind: ["ordered", "unordered"], begun: ["no", "yes"] },
    run: forward_received,
}

fn forward_received(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let unordered = v.text("kind") == "unordered";
    let mut s = interleaving(t)?;
    let lost = s.peer.interleaved(1, &pattern(300), 100, unordered);
    let next = s.peer.interleaved(1, DATA, 100, unordered);
    let numbered: Vec<IData> = lost.into_iter().map(|one| s.peer.number(one)).collect();
    if v.text("begun") == "yes" {
        let first = numbered.first().cloned().unwrap_or_default();
        let packet = s.peer.one(first);
        s.send(t, &packet);
    }
    let last = before(s.peer.next_tsn, 1);
    send_all(&mut s, t, next);
    s.listen(t, SOON);
    let forward = IForwardTsn { cumulative: last, streams: vec![(1, unordered, 0)] };
    let mut forward: Chunk = forward.into();
    // What is reserved means nothing.
    if let Some(byte) = forward.value.get_mut(6) {
        *byte = 0xff;
    }
    forward.flags = 0xff;
    let mark = s.mark();
    s.say(t, [forward], "I-FORWARD-TSN");
    s.serve(t, DELAYED);
    let delivered = s.delivered(t);
    let right = delivered == [(1, DATA.to_vec())];
    let got = format!("{} messages", delivered.len());
    t.must(req::IDATA_I_FORWARD_TSN_WITH_IDATA, right, "the message behind", &got)?;
    t.must(req::IDATA_I_FORWARD_TSN_RESERVED_ZERO, right, "the message behind", &got)?;
    let sack = s.chunks_since(mark).iter().filter_map(Sack::read).next_back().unwrap_or_default();
    let all = sack.cumulative == before(s.peer.next_tsn, 1);
    t.must(req::IDATA_EXTENSIONS_ADAPTED, all, "everything acknowledged", format!("{sack:?}"))
}

case! {
    id: "sctp.idata.forward.sent",
    title: "What is given up is told by I-FORWARD-TSN with message and kind",
    reqs: [
        req::IDATA_I_FORWARD_TSN_WITH_IDATA,
        req::IDATA_I_FORWARD_TSN_LISTS_UNORDERED,
        req::IDATA_I_FORWARD_TSN_RESERVED_ZERO,
    ],
    kind: SubjectKind::Sctp,
    needs: [Cap::SctpInterleaving],
    variants: product! { kind: ["ordered", "unordered"] },
    run: forward_sent,
}

fn forward_sent(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let unordered = v.text("kind") == "unordered";
    let mut s = interleaving(t)?;
    let message = SctpMessage::new(7, DATA).reliability(SctpReliability::Retransmits(0));
    t.stimulus("a message that is sent once and lost");
    s.tell(t, if unordered { message.unordered() } else { message })?;
    serve_losing(&mut s, t, 2 * LONG, |packet| packet.has(chunk::I_DATA));
    let plain = s.peer.log.count(chunk::FORWARD_TSN);
    let skip = s.peer.log.last(chunk::I_FORWARD_TSN).cloned().unwrap_or_default();
    let read = IForwardTsn::read(&skip);
    let got = format!("{plain} FORWARD-TSN, {read:?}");
    let right = plain == 0 && read.is_some();
    t.must(req::IDATA_I_FORWARD_TSN_WITH_IDATA, right, "I-FORWARD-TSN alone", &got)?;
    let listed = read.is_some_and(|read| read.streams == [(7, unordered, 0)]);
    t.must(req::IDATA_I_FORWARD_TSN_LISTS_UNORDERED, listed, "stream 7, message 0", &got)?;
    let zero = skip.flags == 0 && skip.value.get(6..8) == Some(&[0, u8::from(unordered)]);
    t.must(req::IDATA_I_FORWARD_TSN_RESERVED_ZERO, zero, "zero", got)
}

case! {
    id: "sctp.idata.reset",
    title: "A reset begins the numbers of ordered and unordered messages at 0 again",
    reqs: [req::IDATA_RESET_CLEARS_MIDS, req::IDATA_EXTENSIONS_ADAPTED],
    kind: SubjectKind::Sctp,
    needs: [Cap::SctpInterleaving, Cap::SctpReset],
    variants: product! { whose: ["subject", "suite"] },
    run: reset,
}

fn reset(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut s = interleaving(t)?;
    if v.text("whose") == "subject" {
        let both = |t: &mut Ctl<'_>, s: &mut SctpStage| -> Outcome {
            s.tell(t, SctpMessage::new(1, DATA))?;
            s.tell(t, SctpMessage::new(1, DATA).unordered())?;
            s.serve(t, SECOND);
            Ok(())
        };
        both(t, &mut s)?;
        t.stimulus("a reset of stream 1");
        needed(s.command(t, |endpoint, now| endpoint.reset_streams(now, &[1])))?;
        s.serve(t, LONG);
        both(t, &mut s)?;
        let mids: Vec<u32> = of_stream(&s, 1).iter().map(|data| data.mid).collect();
        let right = mids == [0, 0, 0, 0];
        return t.must(req::IDATA_RESET_CLEARS_MIDS, right, "0, 0, 0, 0", format!("{mids:?}"));
    }
    let both = |t: &mut Ctl<'_>, s: &mut SctpStage| {
        let mut fragments = s.peer.interleaved(1, DATA, 100, false);
        fragments.extend(s.peer.interleaved(1, DATA, 100, true));
        send_all(s, t, fragments);
        s.serve(t, SECOND);
    };
    both(t, &mut s);
    let reset = s.peer.reset(&[1]);
    let mark = s.mark();
    s.say(t, [Change::chunk(&[reset])], "a reset of stream 1");
    s.serve(t, SECOND);
    let done = responses(&s, mark).first().is_some_and(|one| one.1 == result::PERFORMED);
    t.must(req::IDATA_EXTENSIONS_ADAPTED, done, "performed", s.since(mark).join("; "))?;
    s.peer.forget_sequences(&[1]);
    both(t, &mut s);
    let delivered = s.delivered(t).len();
    t.must(req::IDATA_RESET_CLEARS_MIDS, delivered == 4, "four messages", delivered)
}

case! {
    id: "sctp.idata.schedulers",
    title: "Each scheduler shares the association between streams in its own way",
    reqs: [
        req::IDATA_FIRST_COME,
        req::IDATA_ROUND_ROBIN,
        req::IDATA_ROUND_ROBIN_PACKET,
        req::IDATA_PRIORITY,
        req::IDATA_FAIR_CAPACITY,
        req::IDATA_WEIGHTED_FAIR,
        req::IDATA_WEIGHTED_FAIR_FOR_WEBRTC,
        req::DC_PRIORITY_WEIGHTED_FAIR,
    ],
    kind: SubjectKind::Sctp,
    needs: [Cap::SctpSchedulers],
    variants: product! {
        scheduler: [
            "first-come", "round-robin", "round-robin-per-packet", "priority", "fair-capacity",
            "weighted-fair",
        ],
        kind: ["data", "i-data"],
    },
    no_reference: "no other stack at hand lets schedulers be chosen",
    run: schedulers,
}

fn schedulers(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let name = v.text("scheduler");
    let mut s =
        if v.text("kind") == "i-data" { interleaving(t)? } else { SctpStage::connected(t)? };
    needed(s.command(t, |endpoint, now| endpoint.set_scheduler(now, name)))?;
    // Stream 1 counts four times as much as stream 2, or less where the larger number goes first.
    let weights: [(u16, u16); 2] =
        if name == "priority" { [(1, 1), (2, 9)] } else { [(1, 1024), (2, 256)] };
    for (stream, weight) in weights {
        needed(s.command(t, |endpoint, now| endpoint.set_priority(now, stream, weight)))?;
    }
    s.peer.profile.answers.data = false;
    // Whatever goes first fills the window; the order of the rest is the scheduler's.
    s.tell(t, SctpMessage::new(9, pattern(100_000)))?;
    serve_losing(&mut s, t, SOON, |_| false);
    t.stimulus("forty messages on two streams");
    for _ in 0..20 {
        s.tell(t, SctpMessage::new(1, pattern(1_000)))?;
    }
    for _ in 0..20 {
        s.tell(t, SctpMessage::new(2, pattern(1_000)))?;
    }
    s.peer.profile.answers.data = true;
    let sack = s.peer.sack();
    let packet = s.peer.one(sack);
    s.send(t, &packet);
    s.serve(t, 2 * LONG);
    let order: Vec<u16> = s
        .peer
        .log
        .chunks()
        .filter_map(|one| {
            let stream = Data::read(one).map(|data| data.stream);
            stream.or_else(|| IData::read(one).map(|data| data.stream))
        })
        .filter(|stream| *stream != 9)
        .collect();
    let ones = order.iter().take(20).filter(|stream| **stream == 1).count();
    let got = format!("{ones} of the first 20 of {}", order.len());
    t.precondition(order.len() >= 40, &got)?;
    let (requirement, wanted) = match name {
        "first-come" => (req::IDATA_FIRST_COME, 20..=20),
        "round-robin" => (req::IDATA_ROUND_ROBIN, 8..=12),
        "round-robin-per-packet" => (req::IDATA_ROUND_ROBIN_PACKET, 8..=12),
        "priority" => (req::IDATA_PRIORITY, 0..=1),
        "fair-capacity" => (req::IDATA_FAIR_CAPACITY, 8..=12),
        _ => (req::IDATA_WEIGHTED_FAIR, 14..=18),
    };
    let right = wanted.contains(&ones);
    t.must(requirement, right, format!("{wanted:?}"), &got)?;
    if name == "weighted-fair" {
        t.must(req::IDATA_WEIGHTED_FAIR_FOR_WEBRTC, right, format!("{wanted:?}"), &got)?;
        t.must(req::DC_PRIORITY_WEIGHTED_FAIR, right, format!("{wanted:?}"), got)?;
    }
    Ok(())
}
