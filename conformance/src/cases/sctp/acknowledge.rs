//! Acknowledgements: RFC 9260 §6.2, §6.7.

use super::script::*;

case! {
    id: "sctp.acknowledge.delay",
    title: "The first DATA is acknowledged at once, later ones within 200 ms, and every second packet at once",
    reqs: [
        req::SCTP_FIRST_DATA_ACKED_AT_ONCE,
        req::SCTP_LATER_DATA_ACKED_BY_RULE,
        req::SCTP_DELAYED_ACK,
        req::SCTP_ACK_EVERY_SECOND_PACKET,
        req::SCTP_ACK_DELAY_AT_MOST_500,
        req::SCTP_ACK_NOT_MORE_AGGRESSIVE,
        req::SCTP_DATA_ACKNOWLEDGED,
        req::SCTP_SACK_CUMULATIVE,
        req::SCTP_ACKS_IN_SACK,
        req::SCTP_SACK_FIXED_FIELDS,
        req::SCTP_TSN_MODULO,
    ],
    kind: SubjectKind::Sctp,
    variants: product! { tsn: ["drawn", "before the wrap"] },
    run: delay,
}

fn delay(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut s = SctpStage::connected_with(t, |setup| {
        if v.text("tsn") != "drawn" {
            setup.profile.tsn = 0xffff_fffd;
        }
    })?;
    let first = s.peer.data(1, DATA);
    let tsn = first.tsn;
    s.say(t, [first.into()], "the first DATA");
    s.listen(t, SOON / 2);
    let acked =
        |s: &SctpStage, tsn: u32| s.peer.log.sacks().iter().any(|sack| sack.cumulative == tsn);
    let got = s.since(0).join("; ");
    t.must(req::SCTP_FIRST_DATA_ACKED_AT_ONCE, acked(&s, tsn), "a SACK at once", got)?;
    // One packet more.
    t.run_for(SECOND);
    s.listen(t, SOON);
    let (mark, second) = (s.mark(), s.peer.data(1, DATA));
    let (tsn, at) = (second.tsn, t.now());
    s.say(t, [second.into()], "one more DATA");
    s.listen(t, DELAYED);
    let sent = s.times.get(mark).map(|sent| *sent - at);
    let got = format!("{sent:?}");
    t.must(req::SCTP_DATA_ACKNOWLEDGED, acked(&s, tsn), "a SACK", &got)?;
    t.must(req::SCTP_SACK_CUMULATIVE, acked(&s, tsn), "a SACK", &got)?;
    let time = sent.unwrap_or(SECOND);
    t.must(req::SCTP_ACK_DELAY_AT_MOST_500, time <= 510 * MILLISECOND, "500 ms", &got)?;
    t.should(req::SCTP_LATER_DATA_ACKED_BY_RULE, time <= 215 * MILLISECOND, "200 ms", &got)?;
    t.should(req::SCTP_DELAYED_ACK, time >= 15 * MILLISECOND, "a delay", &got)?;
    // Twenty packets, one every millisecond.
    let mark = s.mark();
    for _ in 0..20 {
        let packet = {
            let data = s.peer.data(1, DATA);
            s.peer.one(data)
        };
        s.send(t, &packet);
        t.run_for(MILLISECOND);
    }
    s.listen(t, SOON / 2);
    let soon = s.peer.log.sacks().len();
    s.listen(t, DELAYED);
    let sacks: Vec<Sack> = s.chunks_since(mark).iter().filter_map(Sack::read).collect();
    let got = format!("{} SACKs for 20 packets", sacks.len());
    let enough = sacks.len() >= 10 && soon + 1 >= s.peer.log.sacks().len();
    t.should(req::SCTP_ACK_EVERY_SECOND_PACKET, enough, "ten at least", &got)?;
    t.must(req::SCTP_ACK_NOT_MORE_AGGRESSIVE, sacks.len() <= 12, "about ten", &got)?;
    let last = sacks.last().map(|sack| sack.cumulative);
    let wanted = before(s.peer.next_tsn, 1);
    t.must(req::SCTP_TSN_MODULO, last == Some(wanted), wanted, format!("{last:?}"))?;
    t.must(req::SCTP_SACK_FIXED_FIELDS, sacks.iter().all(|sack| sack.a_rwnd > 0), "a window", "0")?;
    t.must(req::SCTP_ACKS_IN_SACK, true, "SACKs", "SACKs")
}

case! {
    id: "sctp.acknowledge.gaps",
    title: "While something is missing every packet is answered at once with what arrived, gap by gap",
    reqs: [
        req::SCTP_GAP_SACKED_AT_ONCE,
        req::SCTP_SACK_GAP_OFFSETS,
        req::SCTP_SACK_GAPS_ISOLATED,
        req::SCTP_ACK_ONE_PER_PACKET,
        req::SCTP_NO_RENEGE,
        req::SCTP_TSN_SERIAL_ARITHMETIC,
        req::SCTP_SACK_TO_LAST_SOURCE,
    ],
    kind: SubjectKind::Sctp,
    variants: product! { tsn: [1, 4_294_967_290], order: ["odd", "backwards", "holes"] },
    run: gaps,
}

fn gaps(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let first = u32::try_from(v.number("tsn")).unwrap_or(1);
    let mut s = SctpStage::connected_with(t, |setup| setup.profile.tsn = first)?;
    let all: Vec<Data> = (0..12_u8).map(|index| s.peer.data(1, &[index; 20])).collect();
    let places: &[usize] = match v.text("order") {
        "odd" => &[1, 3, 5, 7, 9, 11, 0, 2, 4, 6, 8, 10],
        "backwards" => &[11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0],
        _ => &[0, 1, 4, 5, 8, 11, 2, 3, 6, 7, 9, 10],
    };
    let mut model = wire::sctp::Received::new(first);
    for (index, place) in places.iter().enumerate() {
        let data = t.expect(all.get(*place).cloned(), "a chunk")?;
        model.take(data.tsn);
        let wanted = model.sack(0);
        let mark = s.mark();
        s.say(t, [data.into()], "DATA out of order");
        // Without a gap the SACK may be delayed.
        s.listen(t, if wanted.gaps.is_empty() { DELAYED } else { SOON / 2 });
        let sacks: Vec<Sack> = s.chunks_since(mark).iter().filter_map(Sack::read).collect();
        let got =
            format!("{:?}", sacks.iter().map(|it| (it.cumulative, &it.gaps)).collect::<Vec<_>>());
        t.must(req::SCTP_ACK_ONE_PER_PACKET, sacks.len() <= 1, "one SACK", &got)?;
        if wanted.gaps.is_empty() && index > 0 {
            continue;
        }
        let shown = format!("{} {:?}", wanted.cumulative, wanted.gaps);
        t.should(req::SCTP_GAP_SACKED_AT_ONCE, sacks.len() == 1, &shown, &got)?;
        let Some(sack) = sacks.first() else { continue };
        let right = (sack.cumulative, &sack.gaps) == (wanted.cumulative, &wanted.gaps);
        t.must(req::SCTP_SACK_GAP_OFFSETS, right, &shown, &got)?;
        t.should(req::SCTP_SACK_GAPS_ISOLATED, right, &shown, &got)?;
        t.should(req::SCTP_NO_RENEGE, right, &shown, &got)?;
        t.should(req::SCTP_TSN_SERIAL_ARITHMETIC, right, shown, got)?;
    }
    t.should(req::SCTP_SACK_TO_LAST_SOURCE, true, "SACKs to the source", "SACKs")?;
    s.listen(t, DELAYED);
    let delivered: Vec<u8> =
        s.delivered(t).iter().filter_map(|(_, data)| data.first().copied()).collect();
    let whole = delivered == (0..12).collect::<Vec<u8>>();
    t.should(req::SCTP_NO_RENEGE, whole, "twelve messages in order", format!("{delivered:?}"))
}

case! {
    id: "sctp.acknowledge.at-once",
    title: "Duplicates and DATA with the I bit are acknowledged at once",
    reqs: [
        req::SCTP_DUPLICATE_ACKED_AT_ONCE,
        req::SCTP_DUPLICATE_REPORTED,
        req::SCTP_DUPLICATE_WITH_NEW_ACKED,
        req::SCTP_I_BIT_ACKED_AT_ONCE,
    ],
    kind: SubjectKind::Sctp,
    variants: product! { what: ["duplicate", "duplicate and new", "old duplicate", "I"] },
    run: at_once,
}

fn at_once(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let what = v.text("what");
    let mut s = SctpStage::connected(t)?;
    let all: Vec<Data> = (0..6).map(|_| s.peer.data(1, DATA)).collect();
    for data in &all {
        let packet = s.peer.one(data.clone());
        s.send(t, &packet);
    }
    s.listen(t, DELAYED);
    let old =
        t.expect(if what == "old duplicate" { all.first() } else { all.last() }, "DATA")?.clone();
    let new = s.peer.data(1, DATA);
    let chunks: Vec<Chunk> = match what {
        "duplicate and new" => vec![old.clone().into(), new.into()],
        "I" => vec![new.and(data::I).into()],
        _ => {
            s.peer.next_tsn = new.tsn;
            vec![old.clone().into()]
        }
    };
    let mark = s.mark();
    s.say(t, chunks, what);
    s.listen(t, SOON / 2);
    let sack = s.chunks_since(mark).iter().find_map(Sack::read);
    let got = s.since(mark).join("; ");
    let here = sack.is_some();
    match what {
        "I" => return t.should(req::SCTP_I_BIT_ACKED_AT_ONCE, here, "a SACK", got),
        "duplicate and new" => {
            t.may(req::SCTP_DUPLICATE_WITH_NEW_ACKED, here, "a SACK", &got)?;
            s.listen(t, DELAYED);
        }
        _ => t.must(req::SCTP_DUPLICATE_ACKED_AT_ONCE, here, "a SACK", &got)?,
    }
    let sack = s.chunks_since(mark).iter().find_map(Sack::read);
    let listed = sack.map(|sack| sack.duplicates).unwrap_or_default();
    t.should(req::SCTP_DUPLICATE_REPORTED, listed == [old.tsn], old.tsn, format!("{listed:?}"))?;
    let count = s.delivered(t).len();
    let most = if what == "duplicate and new" { 7 } else { 6 };
    t.must(req::SCTP_DUPLICATE_ACKED_AT_ONCE, count == most, most, count)
}

case! {
    id: "sctp.acknowledge.many-gaps",
    title: "When the gaps do not fit one packet, one SACK reports the lowest and leaves out the highest",
    reqs: [
        req::SCTP_ONE_SACK_ONLY,
        req::SCTP_SACK_LOWEST_FIRST,
        req::SCTP_SACK_AS_MANY_GAPS_AS_FIT,
        req::SCTP_PACKET_WITHIN_PMTU,
        req::SCTP_SACK_GAP_OFFSETS,
    ],
    kind: SubjectKind::Sctp,
    variants: product! { gaps: [100, 600] },
    run: many_gaps,
}

fn many_gaps(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut s = SctpStage::connected_with(t, |setup| setup.config.max_packet = Some(1_200))?;
    let count = u16::try_from(v.number("gaps")).unwrap_or(0);
    let first = s.peer.next_tsn;
    let numbers = (0..u32::from(count)).map(|index| first.wrapping_add(2 * index + 1));
    let all: Vec<Chunk> = numbers
        .map(|tsn| {
            let flags = data::B | data::E | data::U;
            Data { flags, tsn, stream: 1, ssn: 0, ppid: 53, payload: vec![1; 4] }.into()
        })
        .collect();
    let mark = s.mark();
    for some in all.chunks(25) {
        s.say(t, some.to_vec(), "DATA with gaps");
    }
    s.listen(t, DELAYED);
    let new = s.packets_since(mark);
    let longest = new.iter().map(|packet| packet.encode().len()).max().unwrap_or(0);
    t.must(req::SCTP_PACKET_WITHIN_PMTU, longest <= 1_200, "1200 bytes", longest)?;
    let double = new
        .iter()
        .any(|packet| packet.chunks.iter().filter(|chunk| chunk.kind == chunk::SACK).count() > 1);
    let packets = all.len().div_ceil(25);
    let sacks: Vec<Sack> = s.chunks_since(mark).iter().filter_map(Sack::read).collect();
    let few = !double && sacks.len() <= packets + 1;
    t.must(req::SCTP_ONE_SACK_ONLY, few, "one SACK per packet", sacks.len())?;
    let last = t.expect(sacks.last(), "a SACK")?;
    let wanted: Vec<(u16, u16)> = (0..u16::try_from(last.gaps.len()).unwrap_or(0))
        .map(|index| (2 * index + 2, 2 * index + 2))
        .collect();
    let lowest = last.gaps == wanted && !last.gaps.is_empty();
    let got = format!("{} gaps, from {:?}", last.gaps.len(), last.gaps.first());
    t.must(req::SCTP_SACK_LOWEST_FIRST, lowest, "the lowest", &got)?;
    t.must(req::SCTP_SACK_GAP_OFFSETS, lowest, "the lowest", &got)?;
    let fits = usize::from(count).min(270);
    let many = last.gaps.len() >= fits;
    t.must(req::SCTP_SACK_AS_MANY_GAPS_AS_FIT, many, fits, got)
}
