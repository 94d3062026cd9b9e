//! Bugs that other stacks have had with user data and its acknowledgements: see `regress.rs`.

use super::{lossy::without, regress::pour, script::*};

case! {
    id: "sctp.regress.crumbs",
    title: "One-byte chunks with gaps are bounded, and what was acknowledged is delivered in the end",
    reqs: [req::SCTP_NO_RENEGE, req::SCTP_ONE_SACK_ONLY, req::SCTP_PACKET_WITHIN_PMTU],
    kind: SubjectKind::Sctp,
    variants: product! { count: [400] },
    run: crumbs,
}

case! {
    id: "sctp.regress.many-crumbs",
    title: "So are more of them than may wait",
    reqs: [req::SCTP_NO_RENEGE, req::SCTP_ONE_SACK_ONLY, req::SCTP_PACKET_WITHIN_PMTU],
    kind: SubjectKind::Sctp,
    needs: [Cap::SctpSchedulers],
    variants: product! { count: [12_000] },
    no_reference: "others at hand take minutes for so many",
    run: crumbs,
}

fn crumbs(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let count = usize::try_from(v.number("count")).unwrap_or_default();
    let mut s = SctpStage::connected(t)?;
    let all: Vec<Data> = (0..count).map(|_| s.peer.unordered(1, b"x")).collect();
    let odd: Vec<Vec<u8>> =
        all.iter().skip(1).step_by(2).map(|data| s.peer.one(data.clone()).encode()).collect();
    pour(&mut s, t, &odd, "every second chunk");
    let sacks = s.peer.log.packets.iter().filter(|packet| packet.has(chunk::SACK));
    let largest = sacks.clone().map(|packet| packet.encode().len()).max().unwrap_or_default();
    t.must(req::SCTP_PACKET_WITHIN_PMTU, largest <= 1_280, "1280 bytes", largest)?;
    let twice = sacks
        .filter(|packet| packet.kinds().iter().filter(|kind| **kind == chunk::SACK).count() > 1);
    t.must(req::SCTP_ONE_SACK_ONLY, twice.count() == 0, "one SACK a packet", "more")?;
    let claimed = s.peer.log.sacks().last().cloned().unwrap_or_default();
    // Everything that was not claimed comes once more, and what was missing.
    let first = claimed.cumulative;
    let has = |tsn: u32| {
        let offset = tsn.wrapping_sub(first);
        claimed.gaps.iter().any(|(a, b)| (u32::from(*a)..=u32::from(*b)).contains(&offset))
    };
    let rest: Vec<Vec<u8>> = all
        .iter()
        .filter(|data| !has(data.tsn))
        .map(|data| s.peer.one(data.clone()).encode())
        .collect();
    pour(&mut s, t, &rest, "the rest");
    s.serve(t, SECOND);
    let delivered = s.delivered(t).len();
    // Nothing that was claimed was sent twice, so that a claim that was not kept shows.
    let sack = s.peer.log.sacks().last().cloned().unwrap_or_default();
    let reached = sack.cumulative.wrapping_sub(first);
    let got = format!("{delivered} of {count}, {reached} numbers on");
    t.should(req::SCTP_NO_RENEGE, delivered == count, count, got)
}

case! {
    id: "sctp.regress.reset-flood",
    title: "Thousands of requests change nothing, and an endpoint without the extension is silent",
    reqs: [req::RECONFIG_REPEATED_REQUEST_SAME_ANSWER],
    kind: SubjectKind::Sctp,
    needs: [Cap::SctpReset],
    variants: product! { suite: ["with", "without"] },
    run: reset_flood,
}

fn reset_flood(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut s = SctpStage::connected_with(t, |setup| {
        if v.text("suite") == "without" {
            without(&mut setup.profile, chunk::RECONFIG);
        }
    })?;
    let passes = s.data_passes_on(t, 1);
    t.precondition(passes, "data")?;
    let mut packets = Vec::new();
    for round in 0..5_000_u32 {
        let request = s.peer.next_request.wrapping_add(1 + round % 7);
        let change = match round % 3 {
            0 => Change::Outgoing { request, response: round, last_tsn: round, streams: vec![1] },
            1 => Change::Incoming { request, streams: vec![1, 1, 60_000] },
            _ => Change::Response { request, result: round % 9, next: None },
        };
        packets.push(s.peer.one(Change::chunk(&[change])).encode());
    }
    pour(&mut s, t, &packets, "requests out of turn");
    let passes = s.data_passes_on(t, 1);
    let got = s.state(t);
    t.must(req::RECONFIG_REPEATED_REQUEST_SAME_ANSWER, passes, "stream 1 as it was", got)
}

case! {
    id: "sctp.regress.jumps",
    title: "A FORWARD TSN may jump far: the association goes on from there",
    reqs: [req::PRSCTP_FORWARD_TSN_ADVANCES],
    kind: SubjectKind::Sctp,
    needs: [Cap::SctpPartialReliability],
    variants: product! { by: [1, 65_536, 1_000_000_000, 2_147_400_000], held: ["nothing", "fragments"] },
    run: jumps,
}

fn jumps(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let by = u32::try_from(v.number("by")).unwrap_or(1);
    let mut s = SctpStage::connected(t)?;
    if v.text("held") == "fragments" {
        let pieces = s.peer.fragments(5, &pattern(3_000), 100);
        let packets: Vec<Vec<u8>> =
            pieces.iter().skip(1).map(|piece| s.peer.one(piece.clone()).encode()).collect();
        pour(&mut s, t, &packets, "fragments without a beginning");
    }
    s.peer.next_tsn = s.peer.next_tsn.wrapping_add(by);
    let cumulative = before(s.peer.next_tsn, 1);
    s.say(t, [ForwardTsn { cumulative, streams: Vec::new() }.into()], "a jump");
    s.serve(t, DELAYED);
    let reached = s.peer.log.sacks().last().map(|sack| sack.cumulative);
    let got = format!("{reached:?}");
    t.must(req::PRSCTP_FORWARD_TSN_ADVANCES, reached == Some(cumulative), cumulative, got)?;
    s.unharmed(t, req::PRSCTP_FORWARD_TSN_ADVANCES)
}

case! {
    id: "sctp.regress.sizes",
    title: "Numbers wrap and packets are small, and everything arrives",
    reqs: [req::SCTP_TSN_MODULO, req::SCTP_FRAGMENTS_WHEN_TOO_LARGE, req::SCTP_PACKET_WITHIN_PMTU],
    kind: SubjectKind::Sctp,
    variants: product! { size: [512, 1_200, 1_400], tsn: [4_294_967_040, 2_147_483_632, 0] },
    run: sizes,
}

fn sizes(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let size = usize::try_from(v.number("size")).unwrap_or(1_200);
    let mut s = SctpStage::connected_with(t, |setup| {
        setup.config.max_packet = Some(size);
        setup.profile.tsn = u32::try_from(v.number("tsn")).unwrap_or_default();
    })?;
    for round in 0..4_usize {
        t.stimulus("messages both ways");
        let length = 40_000 + round;
        s.tell(t, SctpMessage::new(1, pattern(length)))?;
        for piece in s.peer.fragments(1, &pattern(length), 400) {
            let packet = s.peer.one(piece);
            s.send(t, &packet);
        }
        s.serve(t, 2 * SECOND);
    }
    let there = s.delivered(t).iter().filter(|(_, data)| data.len() >= 40_000).count();
    let here = s.peer.log.messages().iter().filter(|(_, data)| data.len() >= 40_000).count();
    let got = format!("{there} there, {here} here");
    t.must(req::SCTP_TSN_MODULO, there == 4 && here == 4, "four each", &got)?;
    t.must(req::SCTP_FRAGMENTS_WHEN_TOO_LARGE, here == 4, "four", got)?;
    let largest = s.peer.log.bytes.iter().map(Vec::len).max().unwrap_or_default();
    t.must(req::SCTP_PACKET_WITHIN_PMTU, largest <= size, size, largest)
}

case! {
    id: "sctp.regress.sacks",
    title: "Crafted acknowledgements neither stop an association nor upset its accounts",
    reqs: [req::SCTP_OLD_SACK_DROPPED, req::SCTP_SACK_OF_UNSENT_ABORTS],
    kind: SubjectKind::Sctp,
    variants: product! {
        what: ["old", "far-old", "gap-backwards", "gap-overlapping", "gap-zero", "counts", "unsent", "gap-unsent"],
    },
    run: sacks,
}

fn sacks(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut s = SctpStage::connected(t)?;
    let passes = s.data_passes(t);
    t.precondition(passes, "data")?;
    s.peer.profile.answers.data = false;
    let base = s.peer.received.cumulative();
    s.tell(t, SctpMessage::new(1, pattern(9_000)))?;
    s.listen(t, SOON);
    let mut sack = Sack { cumulative: base, a_rwnd: 1 << 20, ..Sack::default() };
    match v.text("what") {
        "old" => sack.cumulative = before(base, 1),
        "far-old" => sack.cumulative = base.wrapping_add(1 << 31),
        "gap-backwards" => sack.gaps = vec![(5, 2)],
        "gap-overlapping" => sack.gaps = vec![(2, 4), (3, 5), (2, 2)],
        "gap-zero" => sack.gaps = vec![(0, 0), (0, 1)],
        "counts" => sack.gap_count = F::Set(400),
        "unsent" => sack.cumulative = base.wrapping_add(1_000),
        _ => sack.gaps = vec![(2, 60_000)],
    }
    for _ in 0..3 {
        s.say(t, [sack.clone().into()], "a crafted SACK");
    }
    s.listen(t, SOON);
    let over = s.is_over(t);
    if v.text("what") == "unsent" {
        return t.must(
            req::SCTP_SACK_OF_UNSENT_ABORTS,
            over,
            "an ABORT",
            s.peer.log.causes().len(),
        );
    }
    s.peer.profile.answers.data = true;
    if over {
        // Whoever takes it for a violation may end the association.
        return t.must(req::SCTP_OLD_SACK_DROPPED, s.peer.log.is_aborted(), "an ABORT", over);
    }
    let honest = s.peer.sack();
    s.say(t, [honest], "an honest SACK");
    s.serve(t, 2 * LONG);
    let whole = s.peer.log.messages().iter().any(|(_, data)| data.len() == 9_000);
    t.must(req::SCTP_OLD_SACK_DROPPED, whole, "the message", whole)?;
    let left = s.command(t, |endpoint, _| endpoint.buffered(1));
    t.must(req::SCTP_OLD_SACK_DROPPED, left == 0, "nothing left", left)?;
    s.unharmed(t, req::SCTP_OLD_SACK_DROPPED)
}

case! {
    id: "sctp.regress.fragments",
    title: "Fragments in every combination of bits are a violation or a message, and never more than was sent",
    reqs: [req::SCTP_REASSEMBLY],
    kind: SubjectKind::Sctp,
    variants: product! { kind: ["data"], order: [0, 4], seed: [1, 2, 3, 4] },
    run: fragments,
}

case! {
    id: "sctp.regress.interleaved-fragments",
    title: "So are interleaved fragments",
    reqs: [req::SCTP_REASSEMBLY],
    kind: SubjectKind::Sctp,
    needs: [Cap::SctpInterleaving],
    variants: product! { kind: ["i-data"], order: [0, 4], seed: [1, 2, 3, 4] },
    run: fragments,
}

fn fragments(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let interleaves = v.text("kind") == "i-data";
    let unordered = u8::try_from(v.number("order")).unwrap_or_default();
    let mut s = SctpStage::connected_with(t, |setup| {
        setup.config.interleaving = interleaves;
        if interleaves {
            setup.profile = setup.profile.clone().interleaving();
        }
    })?;
    let mut dice = t.fork(&format!("bits {}", v.number("seed")));
    let mut packets = Vec::new();
    for _ in 0..300 {
        let [bits, mid, fsn, skip, ..] = dice.public_u64().to_le_bytes();
        let flags = bits & 3 | unordered;
        let tsn = s.peer.next_tsn;
        s.peer.next_tsn = tsn.wrapping_add(1 + u32::from(skip % 3 == 0));
        let payload = vec![bits; 10];
        let chunk: Chunk = if interleaves {
            let [mid, fsn] = [mid % 4, fsn % 5].map(u32::from);
            IData { flags, tsn, stream: 1, reserved: 0, mid, ppid_or_fsn: fsn, payload }.into()
        } else {
            Data { flags, tsn, stream: 1, ssn: u16::from(mid % 3), ppid: 53, payload }.into()
        };
        packets.push(s.peer.one(chunk).encode());
    }
    pour(&mut s, t, &packets, "fragments at random");
    let bytes: usize = s.delivered(t).iter().map(|(_, data)| data.len()).sum();
    t.must(req::SCTP_REASSEMBLY, bytes <= 3_000, "3000 bytes at most", bytes)?;
    let sound = s.is_over(t) == s.peer.log.is_aborted();
    let got = s.state(t);
    t.must(req::SCTP_REASSEMBLY, sound, "an ABORT or an association", got)
}

case! {
    id: "sctp.regress.round-trips",
    title: "Round trips of nothing and of ten seconds are both well",
    reqs: [req::SCTP_RTO_MINIMUM, req::SCTP_RTT_EACH_ROUND_TRIP],
    kind: SubjectKind::Sctp,
    variants: product! { milliseconds: [0, 1, 3_000, 10_000] },
    run: round_trips,
}

fn round_trips(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let rtt = Duration::from_millis(v.number("milliseconds"));
    let mut s = SctpStage::with(t, |setup| {
        setup.rtt = rtt;
        setup.config.max_init_retransmits = Some(12);
        setup.config.max_retransmits = Some(12);
    })?;
    s.connect(t);
    let up = s.completes(t, 20 * LONG);
    t.must(req::SCTP_RTO_MINIMUM, up, "an association", up)?;
    t.stimulus("twenty messages");
    for _ in 0..20 {
        s.tell(t, SctpMessage::new(1, pattern(500)))?;
    }
    s.serve(t, 20 * LONG);
    let here = s.peer.log.messages().iter().filter(|(_, data)| data.len() == 500).count();
    t.must(req::SCTP_RTT_EACH_ROUND_TRIP, here == 20, 20, here)
}

case! {
    id: "sctp.regress.streams",
    title: "A peer that asks for all streams gets them at no cost, and uses the last one",
    reqs: [req::SCTP_STREAMS_MINIMUM, req::SCTP_DATA_VALID_STREAM],
    kind: SubjectKind::Sctp,
    run: streams,
}

fn streams(t: &mut Ctl<'_>, _v: &Variant) -> Outcome {
    let mut s = SctpStage::connected(t)?;
    let granted = s.peer.theirs.as_ref().map_or(1, |theirs| theirs.init.incoming);
    let last = granted.saturating_sub(1);
    t.stimulus("data on the last stream");
    let passes = s.data_passes_on(t, last);
    let got = s.state(t);
    t.must(req::SCTP_STREAMS_MINIMUM, passes, format!("data on stream {last}"), &got)?;
    t.must(req::SCTP_DATA_VALID_STREAM, passes, format!("data on stream {last}"), got)
}

case! {
    id: "sctp.regress.queue",
    title: "A hundred thousand messages wait and are sent in order",
    reqs: [req::SCTP_SSN_INCREMENTS, req::SCTP_SSN_WRAPS, req::SCTP_SSN_WINDOW],
    kind: SubjectKind::Sctp,
    needs: [Cap::SctpSchedulers],
    no_reference: "others at hand hold no such queue",
    run: queue,
}

fn queue(t: &mut Ctl<'_>, _v: &Variant) -> Outcome {
    let mut s = SctpStage::connected(t)?;
    t.stimulus("a hundred thousand messages of a byte");
    let mut taken = 0_u32;
    for _ in 0..100_000 {
        let message = SctpMessage::new(1, *b"x");
        if s.command(t, |endpoint, now| endpoint.send(now, message)).is_err() {
            break;
        }
        taken += 1;
    }
    t.precondition(taken > 70_000, format_args!("a queue of 70000, not {taken}"))?;
    s.serve(t, 12 * LONG);
    let data = s.peer.log.data();
    let first = data.first().map_or(0, |data| data.tsn);
    // What was lost on the way came again later.
    let place = |tsn: u32| tsn.wrapping_sub(first);
    let numbered = |data: &&Data| {
        let [.., a, b] = place(data.tsn).to_be_bytes();
        data.ssn == u16::from_be_bytes([a, b])
    };
    let in_order = data.iter().filter(numbered).count();
    let got = format!("{in_order} of {taken} in order, {} chunks", data.len());
    let all = u32::try_from(in_order).is_ok_and(|count| count >= taken);
    t.must(req::SCTP_SSN_INCREMENTS, all, taken, &got)?;
    t.must(req::SCTP_SSN_WRAPS, all, taken, &got)?;
    t.must(req::SCTP_SSN_WINDOW, all, taken, got)
}
