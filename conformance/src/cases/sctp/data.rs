//! Messages on streams: RFC 9260 §3.3.1, §6.5, §6.6, §6.9, §6.10.

use super::script::*;

case! {
    id: "sctp.data.order",
    title: "Ordered messages wait for those before them, each stream by itself; unordered ones wait for nothing",
    reqs: [
        req::SCTP_ORDERED_DELIVERY,
        req::SCTP_ORDERED_HELD,
        req::SCTP_UNORDERED_DELIVERED_AT_ONCE,
        req::SCTP_UNORDERED_SSN_IGNORED,
        req::SCTP_BUNDLES_AND_FRAGMENTS_RECEIVED,
        req::SCTP_REASSEMBLY,
        req::SCTP_FRAGMENTS_RECOGNISED,
    ],
    kind: SubjectKind::Sctp,
    variants: product! { size: [10, 2_500] },
    run: order,
}

fn order(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let size = usize::try_from(v.number("size")).unwrap_or(10);
    let mut s = SctpStage::connected(t)?;
    let text = |letter: u8| vec![letter; size];
    let a0 = s.peer.fragments(1, &text(b'a'), 1_000);
    let a1 = s.peer.fragments(1, &text(b'b'), 1_000);
    let b0 = s.peer.fragments(2, &text(b'c'), 1_000);
    let mut loose = s.peer.fragments(1, &text(b'd'), 1_000);
    for data in &mut loose {
        data.flags |= data::U;
        data.ssn = 7;
    }
    let mut deliveries = Vec::new();
    for batch in [&a1, &b0, &loose, &a0] {
        // Fragments of one message come backwards.
        for data in batch.iter().rev() {
            s.say(t, [data.clone().into()], "a piece of a message");
            s.serve(t, MILLISECOND);
        }
        s.serve(t, SOON);
        let letters: String = s
            .delivered(t)
            .iter()
            .filter_map(|(_, data)| data.first().filter(|_| data.len() == size))
            .map(|byte| char::from(*byte))
            .collect();
        deliveries.push(letters);
    }
    let got = deliveries.join(" ");
    let is = |place: usize, wanted: &str| deliveries.get(place).is_some_and(|it| it == wanted);
    t.must(req::SCTP_ORDERED_HELD, is(0, "") && is(1, "c"), "the second waits", &got)?;
    t.must(req::SCTP_UNORDERED_DELIVERED_AT_ONCE, is(2, "cd"), "d at once", &got)?;
    t.must(req::SCTP_UNORDERED_SSN_IGNORED, is(2, "cd") && is(3, "cdab"), "d at once", &got)?;
    t.must(req::SCTP_ORDERED_DELIVERY, is(3, "cdab"), "a before b", &got)?;
    t.must(req::SCTP_BUNDLES_AND_FRAGMENTS_RECEIVED, is(3, "cdab"), "all messages", &got)?;
    t.must(req::SCTP_REASSEMBLY, is(3, "cdab"), "all messages", &got)?;
    t.must(req::SCTP_FRAGMENTS_RECOGNISED, is(3, "cdab"), "all messages", got)
}

case! {
    id: "sctp.data.fragments",
    title: "Messages are cut to what the path carries, marked and numbered in a row",
    reqs: [
        req::SCTP_LARGE_MESSAGES_FRAGMENTED,
        req::SCTP_FRAGMENTS_WHEN_TOO_LARGE,
        req::SCTP_FRAGMENTS_WITHIN_AMDCS,
        req::SCTP_FRAGMENT_SIZE_COUNTS_HEADERS,
        req::SCTP_FRAGMENT_SIZE_COUNTS_SACK,
        req::SCTP_PACKET_WITHIN_PMTU,
        req::SCTP_FRAGMENTS_MARKED,
        req::SCTP_FRAGMENTS_SHARE_SSN,
        req::SCTP_FRAGMENTS_CARRY_PPID,
        req::SCTP_FRAGMENTS_SEQUENTIAL_TSN,
        req::SCTP_UNORDERED_FRAGMENTS_FLAGGED,
        req::SCTP_UNFRAGMENTED_BOTH_BITS,
        req::SCTP_DATA_FORMAT,
        req::SCTP_DATA_NEVER_EMPTY,
        req::SCTP_DATA_IN_TSN_ORDER,
        req::SCTP_NO_PARTIAL_CHUNK_SENT,
        req::SCTP_CONTROL_BEFORE_DATA,
        req::SCTP_DATA_SEQUENTIAL_TSN,
        req::SCTP_AMDCS_USED,
    ],
    kind: SubjectKind::Sctp,
    variants: product! { size: [1, 1_100, 1_200, 20_000], order: ["ordered", "unordered"] },
    run: fragments,
}

fn fragments(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let size = usize::try_from(v.number("size")).unwrap_or(1);
    let unordered = v.text("order") == "unordered";
    let mut s = SctpStage::connected_with(t, |setup| setup.config.max_packet = Some(1_200))?;
    let mut message = SctpMessage::new(6, pattern(size)).ppid(51);
    message.unordered = unordered;
    t.stimulus(format_args!("a message of {size} bytes"));
    s.tell(t, message)?;
    // Data of the suite's own makes SACKs travel beside the fragments.
    for _ in 0..30 {
        let packet = {
            let data = s.peer.data(3, DATA);
            s.peer.one(data)
        };
        s.send(t, &packet);
        s.serve(t, 5 * MILLISECOND);
    }
    s.serve(t, SECOND);
    let all: Vec<Data> = s.peer.log.data().into_iter().filter(|data| data.stream == 6).collect();
    let longest = s.peer.log.bytes.iter().map(Vec::len).max().unwrap_or(0);
    t.must(req::SCTP_PACKET_WITHIN_PMTU, longest <= 1_200, "1200 bytes", longest)?;
    t.must(req::SCTP_FRAGMENT_SIZE_COUNTS_HEADERS, longest <= 1_200, "1200 bytes", longest)?;
    t.must(req::SCTP_FRAGMENT_SIZE_COUNTS_SACK, longest <= 1_200, "1200 bytes", longest)?;
    t.should(req::SCTP_FRAGMENTS_WITHIN_AMDCS, longest <= 1_200, "1200 bytes", longest)?;
    t.should(req::SCTP_AMDCS_USED, longest <= 1_200, "1200 bytes", longest)?;
    let whole = s.peer.log.messages().into_iter().find(|(stream, _)| *stream == 6);
    let right = whole.is_some_and(|(_, data)| data == pattern(size));
    let shown: Vec<(u8, u32, usize)> =
        all.iter().map(|data| (data.flags, data.tsn, data.payload.len())).collect();
    let got = format!("{shown:?}");
    t.must(req::SCTP_DATA_FORMAT, right, "the message", &got)?;
    t.must(
        req::SCTP_NO_PARTIAL_CHUNK_SENT,
        right && s.peer.log.faults.is_empty(),
        "whole chunks",
        &got,
    )?;
    let cut = if size > 1_180 { all.len() > 1 } else { all.len() == 1 };
    t.must(req::SCTP_LARGE_MESSAGES_FRAGMENTED, cut, "pieces where needed", &got)?;
    t.must(req::SCTP_FRAGMENTS_WHEN_TOO_LARGE, cut, "pieces where needed", &got)?;
    let row = all.iter().zip(all.iter().skip(1)).all(|(a, b)| a.tsn.wrapping_add(1) == b.tsn);
    t.must(req::SCTP_FRAGMENTS_SEQUENTIAL_TSN, row, "numbers in a row", &got)?;
    t.should(req::SCTP_DATA_SEQUENTIAL_TSN, row, "numbers in a row", &got)?;
    let last = all.len().saturating_sub(1);
    let marked = all.iter().enumerate().all(|(place, data)| {
        (data.flags & data::B != 0) == (place == 0)
            && (data.flags & data::E != 0) == (place == last)
    });
    t.must(req::SCTP_FRAGMENTS_MARKED, marked, "B first, E last", &got)?;
    t.must(req::SCTP_UNFRAGMENTED_BOTH_BITS, marked, "B first, E last", &got)?;
    let ssn = all.iter().all(|data| unordered || data.ssn == 0);
    t.must(req::SCTP_FRAGMENTS_SHARE_SSN, ssn, "one sequence number", &got)?;
    let ppid = all.iter().all(|data| data.ppid == 51);
    t.must(req::SCTP_FRAGMENTS_CARRY_PPID, ppid, "the identifier on each", &got)?;
    let flagged = all.iter().all(|data| (data.flags & data::U != 0) == unordered);
    t.must(req::SCTP_UNORDERED_FRAGMENTS_FLAGGED, flagged, "U on all or none", &got)?;
    let filled = all.iter().all(|data| !data.payload.is_empty());
    t.must(req::SCTP_DATA_NEVER_EMPTY, filled, "bytes in each", &got)?;
    judge_order(t, &s, got)
}

/// Numbers rise within each packet, and control chunks come first.
fn judge_order(t: &mut Ctl<'_>, s: &SctpStage, got: String) -> Outcome {
    let sorted = s.peer.log.packets.iter().all(|packet| {
        let numbers: Vec<u32> =
            packet.chunks.iter().filter_map(Data::read).map(|it| it.tsn).collect();
        numbers.iter().zip(numbers.iter().skip(1)).all(|(a, b)| b.wrapping_sub(*a) < 1 << 31)
    });
    t.must(req::SCTP_DATA_IN_TSN_ORDER, sorted, "rising numbers", &got)?;
    let control = s.peer.log.packets.iter().all(|packet| {
        let kinds = packet.kinds();
        let first = kinds.iter().position(|kind| *kind == chunk::DATA).unwrap_or(kinds.len());
        kinds.iter().skip(first).all(|kind| *kind == chunk::DATA)
    });
    t.must(req::SCTP_CONTROL_BEFORE_DATA, control, "control chunks first", got)
}

case! {
    id: "sctp.data.sequence",
    title: "Sequence numbers rise by one on each stream from zero, and unordered messages leave them alone",
    reqs: [
        req::SCTP_SSN_FROM_ZERO,
        req::SCTP_SSN_INCREMENTS,
        req::SCTP_UNORDERED_KEEPS_SSN,
        req::SCTP_DATA_BUNDLED,
        req::SCTP_DATA_CHUNKS_BUNDLED,
        req::SCTP_BUNDLING_WITHIN_PMTU,
    ],
    kind: SubjectKind::Sctp,
    run: sequence,
}

fn sequence(t: &mut Ctl<'_>, _: &Variant) -> Outcome {
    let mut s = SctpStage::connected(t)?;
    t.stimulus("messages on two streams, some without order");
    for round in 0..12_u16 {
        let message = SctpMessage::new(round % 2, pattern(20));
        let message = if round % 5 == 4 { message.unordered() } else { message };
        s.tell(t, message)?;
    }
    s.serve(t, SECOND);
    let all = s.peer.log.data();
    for stream in 0..2 {
        let ordered = all.iter().filter(|it| it.stream == stream && it.flags & data::U == 0);
        let numbers: Vec<u16> = ordered.map(|data| data.ssn).collect();
        let got = format!("{numbers:?}");
        let first = numbers.first() == Some(&0);
        t.must(req::SCTP_SSN_FROM_ZERO, first, "0", &got)?;
        let wanted: Vec<u16> = (0..u16::try_from(numbers.len()).unwrap_or(0)).collect();
        t.must(req::SCTP_SSN_INCREMENTS, numbers == wanted, "one by one", &got)?;
        t.must(req::SCTP_UNORDERED_KEEPS_SSN, numbers == wanted, "one by one", got)?;
    }
    let several = s.peer.log.packets.iter().any(|packet| packet.chunks.len() > 1);
    t.may(req::SCTP_DATA_BUNDLED, several, "several chunks in a packet", "one each")?;
    t.may(req::SCTP_DATA_CHUNKS_BUNDLED, several, "several chunks in a packet", "one each")?;
    t.may(req::SCTP_BUNDLING_WITHIN_PMTU, several, "several chunks in a packet", "one each")
}

case! {
    id: "sctp.data.wrap",
    title: "The sequence number after 65535 is 0, and messages go on in order, either way",
    reqs: [req::SCTP_SSN_WRAPS, req::SCTP_SSN_SERIAL_ARITHMETIC, req::SCTP_ORDERED_DELIVERY],
    kind: SubjectKind::Sctp,
    tier: crate::Tier::Slow,
    variants: product! { sends: ["endpoint", "suite"] },
    run: wrap,
}

fn wrap(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut s = SctpStage::connected(t)?;
    t.stimulus("more than 65,536 messages on one stream");
    let count = 65_600_u32;
    if v.text("sends") == "endpoint" {
        for round in 0..count {
            s.tell(t, SctpMessage::new(1, round.to_be_bytes()))?;
            if round % 200 == 199 {
                s.serve(t, 50 * MILLISECOND);
            }
        }
        s.serve(t, 20 * SECOND);
        let mut all = s.peer.log.data();
        let first = all.first().map_or(0, |data| data.tsn);
        all.sort_by_key(|data| data.tsn.wrapping_sub(first));
        all.dedup_by_key(|data| data.tsn);
        let right = all.len() == usize::try_from(count).unwrap_or(0)
            && all.iter().enumerate().all(|(place, data)| usize::from(data.ssn) == place % 65_536);
        return t.must(req::SCTP_SSN_WRAPS, right, "numbers that begin again", all.len());
    }
    for round in 0..count / 50 {
        let chunks: Vec<Chunk> = (0..50)
            .map(|index| s.peer.data(1, &(round * 50 + index).to_be_bytes()).into())
            .collect();
        let packet = s.peer.packet(chunks);
        s.send(t, &packet);
        if round % 20 == 0 {
            s.serve(t, 2 * MILLISECOND);
        }
    }
    s.serve(t, SECOND);
    let delivered = s.delivered(t);
    let right = delivered.len() == usize::try_from(count).unwrap_or(0)
        && delivered.iter().zip(0_u32..).all(|((_, data), round)| data[..] == round.to_be_bytes());
    t.should(req::SCTP_SSN_SERIAL_ARITHMETIC, right, "all messages in order", delivered.len())?;
    t.must(req::SCTP_ORDERED_DELIVERY, right, "all messages in order", delivered.len())
}

case! {
    id: "sctp.data.invalid-stream",
    title: "Data on a stream that does not exist is acknowledged, reported and discarded",
    reqs: [req::SCTP_INVALID_STREAM, req::SCTP_INVALID_STREAM_BUNDLED],
    kind: SubjectKind::Sctp,
    needs: [Cap::SctpStreamCounts],
    variants: product! { stream: [4, 65535] },
    run: invalid_stream,
}

fn invalid_stream(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut s = SctpStage::connected_with(t, |setup| {
        setup.config.streams = (4, 4);
        setup.profile.streams = (4, 4);
    })?;
    let stream = u16::try_from(v.number("stream")).unwrap_or(4);
    let data = s.peer.data(stream, b"nowhere");
    let (tsn, mark) = (data.tsn, s.mark());
    s.say(t, [data.into()], "DATA on a stream that does not exist");
    s.listen(t, DELAYED);
    let new = s.packets_since(mark);
    let acked = s.peer.log.sacks().iter().any(|sack| sack.cumulative == tsn);
    let told: Option<Tlv> = new
        .iter()
        .flat_map(|packet| &packet.chunks)
        .filter(|one| one.kind == chunk::ERROR)
        .filter_map(causes)
        .flatten()
        .find(|one| one.kind == cause::INVALID_STREAM);
    let named =
        told.as_ref().and_then(|one| one.value.first_chunk().copied()).map(u16::from_be_bytes);
    let got = format!("acknowledged: {acked}, reported: {named:?}");
    let quiet = s.delivered(t).is_empty();
    let right = acked && named == Some(stream) && quiet;
    t.should(req::SCTP_INVALID_STREAM, right, "SACK and ERROR", &got)?;
    let beside = new.iter().any(|packet| packet.has(chunk::SACK) && packet.has(chunk::ERROR));
    t.may(req::SCTP_INVALID_STREAM_BUNDLED, beside, "both in one packet", got)?;
    let passes = s.data_passes_on(t, 1);
    t.should(req::SCTP_INVALID_STREAM, passes, "an association that stands", "none")
}

case! {
    id: "sctp.data.empty",
    title: "DATA without a byte of data ends the association and says why",
    reqs: [req::SCTP_EMPTY_DATA_ABORTS],
    kind: SubjectKind::Sctp,
    run: empty,
}

fn empty(t: &mut Ctl<'_>, _: &Variant) -> Outcome {
    let mut s = SctpStage::connected(t)?;
    let data = s.peer.data(1, b"");
    let tsn = data.tsn;
    s.say(t, [data.into()], "DATA without data");
    s.listen(t, SOON);
    let list: Vec<Tlv> = s.peer.log.of(chunk::ABORT).filter_map(causes).flatten().collect();
    let told =
        list.iter().any(|one| one.kind == cause::NO_USER_DATA && one.value == tsn.to_be_bytes());
    let over = s.is_over(t);
    let got = format!("{:?}, over: {over}", kinds(&list));
    t.should(req::SCTP_EMPTY_DATA_ABORTS, told && over, "ABORT with No User Data", got)
}

case! {
    id: "sctp.data.first-flight",
    title: "The first flight is no longer than the rules allow, and data waits until the association stands",
    reqs: [req::SCTP_INITIAL_CWND, req::SCTP_CONGESTION_CONTROLLED, req::SCTP_CWND_RESPECTED],
    kind: SubjectKind::Sctp,
    run: first_flight,
}

fn first_flight(t: &mut Ctl<'_>, _: &Variant) -> Outcome {
    let mut s = SctpStage::connected_with(t, |setup| {
        setup.config.classic = true;
        setup.config.max_packet = Some(1_200);
        setup.profile.answers.data = false;
    })?;
    t.stimulus("a message of 100,000 bytes");
    s.tell(t, SctpMessage::new(1, pattern(100_000)))?;
    s.listen(t, SOON / 2);
    let bytes: usize = s.peer.log.data().iter().map(|data| data.payload.len() + 16).sum();
    // The window may be exceeded by less than a packet (RFC 9260 §6.1 B).
    let most = 4_404 + 1_200;
    t.must(req::SCTP_INITIAL_CWND, bytes <= most, most, bytes)?;
    t.must(req::SCTP_CONGESTION_CONTROLLED, bytes <= most, most, bytes)?;
    t.must(req::SCTP_CWND_RESPECTED, bytes <= most, most, bytes)
}
