//! Losses noticed and repaired: RFC 9260 §6.2.1, §6.3, §6.7, §7.2.4.

use super::script::*;

case! {
    id: "sctp.repair.timer",
    title: "Data without acknowledgement is repeated at doubling distances until the endpoint gives up",
    reqs: [
        req::SCTP_T3_STARTED,
        req::SCTP_T3_VALUE,
        req::SCTP_T3_BACKOFF,
        req::SCTP_T3_ONE_PACKET,
        req::SCTP_RTO_MINIMUM,
        req::SCTP_UNREACHABLE_STOPS,
        req::SCTP_UNREACHABLE_CLOSES,
        req::SCTP_UNREACHABLE_REPORTED,
        req::SCTP_ERROR_COUNTER,
        req::SCTP_RTO_MAXIMUM,
        req::SCTP_RTO_DOUBLING_BOUNDED,
    ],
    kind: SubjectKind::Sctp,
    needs: [Cap::SctpTimeouts],
    variants: product! { chunks: [1, 30] },
    run: timer,
}

fn timer(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut s = SctpStage::connected_with(t, |setup| {
        setup.config.rto = Some((SECOND, SECOND, 4 * SECOND));
        setup.config.max_retransmits = Some(5);
    })?;
    let passes = s.data_passes(t);
    t.precondition(passes, "data")?;
    s.serve(t, SECOND);
    let first = s.peer.received.cumulative().wrapping_add(1);
    for _ in 0..v.number("chunks") {
        s.tell(t, SctpMessage::new(1, pattern(1_000)))?;
    }
    t.stimulus("data that is never acknowledged");
    let mark = s.mark();
    s.listen(t, 300 * SECOND);
    // The earliest chunk tells the timer.
    let has_first =
        |packet: &Packet| packet.chunks.iter().filter_map(Data::read).any(|data| data.tsn == first);
    let times: Vec<_> = (mark..s.mark())
        .filter(|place| s.peer.log.packets.get(*place).is_some_and(has_first))
        .filter_map(|place| s.times.get(place).copied())
        .collect();
    let gaps: Vec<Duration> =
        times.iter().zip(times.iter().skip(1)).map(|(one, next)| *next - *one).collect();
    let got = format!("{gaps:?}");
    t.must(req::SCTP_T3_STARTED, !gaps.is_empty(), "repetitions", &got)?;
    // A probe may come before the timer does.
    let timed: Vec<Duration> =
        gaps.iter().copied().filter(|gap| *gap >= 500 * MILLISECOND).collect();
    let first_wait: Duration =
        times.iter().zip(times.iter().skip(1)).map(|(a, b)| *b - *a).take(2).sum();
    t.should(req::SCTP_T3_VALUE, first_wait >= 900 * MILLISECOND, "a second at first", &got)?;
    let least = timed.iter().all(|gap| *gap >= 900 * MILLISECOND);
    t.must(req::SCTP_RTO_MINIMUM, least, "a second at least", &got)?;
    let grows = timed
        .iter()
        .zip(timed.iter().skip(1))
        .skip(1)
        .all(|(one, next)| *next >= one.mul_f64(1.8).min(4 * SECOND).mul_f64(0.9));
    t.must(req::SCTP_T3_BACKOFF, grows && timed.len() >= 3, "doubling distances", &got)?;
    let bounded = timed.iter().all(|gap| *gap <= 4_500 * MILLISECOND);
    t.may(req::SCTP_RTO_MAXIMUM, bounded, "four seconds at most", &got)?;
    t.may(req::SCTP_RTO_DOUBLING_BOUNDED, bounded, "four seconds at most", &got)?;
    // What goes out with a late repetition is one packet of data.
    let late = t.expect(times.last().copied(), "a repetition")?;
    let has_data =
        |place: usize| s.peer.log.packets.get(place).is_some_and(|it| it.has(chunk::DATA));
    let there = s.times.iter().enumerate();
    let burst =
        there.filter(|(place, at)| **at >= late && **at <= late + SOON && has_data(*place)).count();
    t.must(req::SCTP_T3_ONE_PACKET, burst == 1, "one packet", burst)?;
    let over = s.is_over(t);
    let ended = format!("{} repetitions, over: {over}", times.len() - 1);
    t.should(req::SCTP_UNREACHABLE_CLOSES, over, "the end", &ended)?;
    t.should(req::SCTP_UNREACHABLE_REPORTED, over, "the end", &ended)?;
    let few = timed.len() <= 7;
    t.should(req::SCTP_ERROR_COUNTER, few, "five repetitions or so", &ended)?;
    t.must(req::SCTP_UNREACHABLE_STOPS, few, "silence then", ended)
}

case! {
    id: "sctp.repair.fast",
    title: "What SACKs report missing is repeated before the timer expires, and nothing else is",
    reqs: [
        req::SCTP_FAST_RETRANSMIT,
        req::SCTP_FAST_RETRANSMIT_AT_ONCE,
        req::SCTP_MISSING_BELOW_HIGHEST,
        req::SCTP_ACKED_REMOVED,
        req::SCTP_RETRANSMISSIONS_FIRST,
        req::SCTP_OLD_SACK_DROPPED,
    ],
    kind: SubjectKind::Sctp,
    needs: [Cap::SctpTimeouts],
    variants: product! { lost: ["first", "second", "two"], old_sacks: ["none", "between"] },
    run: fast,
}

fn fast(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut s = SctpStage::connected_with(t, |setup| {
        setup.config.rto = Some((3 * SECOND, 3 * SECOND, 60 * SECOND));
    })?;
    // The window is opened by data before.
    for _ in 0..20 {
        s.tell(t, SctpMessage::new(1, pattern(1_000)))?;
    }
    s.serve(t, SECOND);
    s.peer.profile.answers.data = false;
    let old = s.peer.received.cumulative();
    let first = old.wrapping_add(1);
    let mark = s.mark();
    for _ in 0..8 {
        s.tell(t, SctpMessage::new(2, pattern(1_000)))?;
    }
    s.listen(t, SOON);
    let flight: Vec<u32> =
        s.chunks_since(mark).iter().filter_map(Data::read).map(|data| data.tsn).collect();
    t.precondition(flight.len() >= 7, format_args!("seven chunks in flight: {flight:?}"))?;
    let offsets: &[u32] = match v.text("lost") {
        "first" => &[0],
        "second" => &[1],
        _ => &[1, 3],
    };
    let lost: Vec<u32> = offsets.iter().map(|offset| first.wrapping_add(*offset)).collect();
    let mut model = wire::sctp::Received::new(first);
    let mark = s.mark();
    for tsn in flight.iter().filter(|tsn| !lost.contains(tsn)) {
        model.take(*tsn);
        let sack = model.sack(1 << 20);
        s.say(t, [sack.into()], "a SACK with a gap");
        if v.text("old_sacks") == "between" {
            let sack = Sack { cumulative: before(old, 3), a_rwnd: 0, ..Sack::default() };
            let packet = s.peer.one(sack);
            s.send(t, &packet);
        }
        s.listen(t, 5 * MILLISECOND);
    }
    s.listen(t, 200 * MILLISECOND);
    let again: Vec<u32> =
        s.chunks_since(mark).iter().filter_map(Data::read).map(|data| data.tsn).collect();
    let known: Vec<u32> = again.iter().copied().filter(|tsn| flight.contains(tsn)).collect();
    let got = format!("{again:?} of {flight:?}");
    let repeated = lost.iter().all(|tsn| known.contains(tsn));
    t.must(req::SCTP_FAST_RETRANSMIT, repeated, format_args!("{lost:?}"), &got)?;
    t.must(req::SCTP_MISSING_BELOW_HIGHEST, repeated, format_args!("{lost:?}"), &got)?;
    t.must(req::SCTP_OLD_SACK_DROPPED, repeated, format_args!("{lost:?}"), &got)?;
    t.should(req::SCTP_FAST_RETRANSMIT_AT_ONCE, repeated, format_args!("{lost:?}"), &got)?;
    t.must(req::SCTP_RETRANSMISSIONS_FIRST, repeated, format_args!("{lost:?}"), &got)?;
    let below = known.iter().all(|tsn| lost.contains(tsn) || !model_has(&model, *tsn, first));
    t.must(req::SCTP_ACKED_REMOVED, below, "nothing that was acknowledged", got)?;
    // All of it is acknowledged: nothing comes any more.
    s.peer.profile.answers.data = true;
    s.serve(t, 10 * SECOND);
    let done = s.peer.log.messages().iter().filter(|(stream, _)| *stream == 2).count();
    t.must(req::SCTP_MISSING_BELOW_HIGHEST, done == 8, "eight messages", done)?;
    let mark = s.mark();
    s.serve(t, 10 * SECOND);
    let more = s.chunks_since(mark).iter().filter_map(Data::read).count();
    t.must(req::SCTP_ACKED_REMOVED, more == 0, "nothing more", more)
}

fn model_has(model: &wire::sctp::Received, tsn: u32, first: u32) -> bool {
    tsn.wrapping_sub(first) <= model.cumulative().wrapping_sub(first)
        && model.cumulative().wrapping_sub(first) < 1 << 31
}

case! {
    id: "sctp.repair.karn",
    title: "A chunk that was sent twice measures no round trip",
    reqs: [req::SCTP_KARN, req::SCTP_RTT_EACH_ROUND_TRIP, req::SCTP_T3_STOPPED_WHEN_IDLE],
    kind: SubjectKind::Sctp,
    needs: [Cap::SctpTimeouts],
    run: karn,
}

fn karn(t: &mut Ctl<'_>, _: &Variant) -> Outcome {
    let mut s = SctpStage::connected_with(t, |setup| {
        setup.config.rto = Some((SECOND, SECOND, 60 * SECOND));
    })?;
    // Round trips of 20 ms bring the timeout down to its least.
    for _ in 0..10 {
        s.tell(t, SctpMessage::new(1, DATA))?;
        s.serve(t, 100 * MILLISECOND);
    }
    // One message whose first copies are lost for three seconds.
    s.peer.profile.answers.data = false;
    s.tell(t, SctpMessage::new(1, DATA))?;
    t.stimulus("a chunk that is acknowledged seconds after it was first sent");
    s.listen(t, 3_200 * MILLISECOND);
    let sack = s.peer.sack();
    let packet = s.peer.one(sack);
    s.send(t, &packet);
    s.listen(t, SECOND);
    let mark = s.mark();
    s.listen(t, 10 * SECOND);
    let idle = s.chunks_since(mark).iter().filter_map(Data::read).count();
    t.must(
        req::SCTP_T3_STOPPED_WHEN_IDLE,
        idle == 0,
        "silence while nothing is outstanding",
        idle,
    )?;
    // Fresh round trips, then the timeout is measured.
    s.peer.profile.answers.data = true;
    for _ in 0..10 {
        s.tell(t, SctpMessage::new(1, DATA))?;
        s.serve(t, 100 * MILLISECOND);
    }
    s.peer.profile.answers.data = false;
    let mark = s.mark();
    s.tell(t, SctpMessage::new(1, DATA))?;
    s.listen(t, 20 * SECOND);
    let times: Vec<_> = (mark..s.mark())
        .filter(|place| s.peer.log.packets.get(*place).is_some_and(|it| it.has(chunk::DATA)))
        .filter_map(|place| s.times.get(place).copied())
        .collect();
    let begun = times.first().copied();
    let wait = times
        .iter()
        .filter_map(|at| begun.map(|begun| *at - begun))
        .find(|wait| *wait >= 700 * MILLISECOND);
    let got = format!("{wait:?}");
    let right = wait.is_some_and(|wait| wait <= 1_300 * MILLISECOND);
    t.must(req::SCTP_KARN, right, "a second", &got)?;
    t.must(req::SCTP_RTT_EACH_ROUND_TRIP, right, "a second", got)
}

case! {
    id: "sctp.repair.renege",
    title: "What one SACK reports and a later one does not is outstanding again",
    reqs: [req::SCTP_RENEGE_NOTICED],
    kind: SubjectKind::Sctp,
    needs: [Cap::SctpTimeouts],
    no_reference: "the two independent stacks wait for what a receiver took back until it is asked for otherwise",
    run: renege,
}

fn renege(t: &mut Ctl<'_>, _: &Variant) -> Outcome {
    let mut s = SctpStage::connected_with(t, |setup| {
        setup.config.rto = Some((SECOND, SECOND, 60 * SECOND));
        setup.profile.answers.data = false;
    })?;
    let first = s.peer.received.cumulative().wrapping_add(1);
    for _ in 0..3 {
        s.tell(t, SctpMessage::new(1, pattern(1_000)))?;
    }
    s.listen(t, SOON);
    let cumulative = before(first, 1);
    let sack = Sack { cumulative, a_rwnd: 1 << 20, gaps: vec![(2, 3)], ..Sack::default() };
    s.say(t, [sack.into()], "a SACK for the second and third chunk");
    s.listen(t, 5 * MILLISECOND);
    let mark = s.mark();
    let sack = Sack { cumulative: first, a_rwnd: 1 << 20, ..Sack::default() };
    s.say(t, [sack.into()], "a SACK that takes them back");
    // From here on whatever comes is acknowledged as it comes.
    let mut model = wire::sctp::Received::new(first);
    model.take(first);
    let until = t.now() + 60 * SECOND;
    loop {
        let (place, left) = (s.mark(), until - t.now());
        if s.hear(t, left).is_none() {
            break;
        }
        for data in s.chunks_since(place).iter().filter_map(Data::read) {
            model.take(data.tsn);
        }
        let packet = s.peer.one(model.sack(1 << 20));
        s.send(t, &packet);
    }
    let again: Vec<u32> =
        s.chunks_since(mark).iter().filter_map(Data::read).map(|data| data.tsn).collect();
    let wanted = [first.wrapping_add(1), first.wrapping_add(2)];
    let right = wanted.iter().all(|tsn| again.contains(tsn));
    t.must(req::SCTP_RENEGE_NOTICED, right, format_args!("{wanted:?}"), format!("{again:?}"))
}

case! {
    id: "sctp.repair.sack-refused",
    title: "A SACK for what was never sent ends the association; one that makes no sense harms nothing",
    reqs: [req::SCTP_SACK_OF_UNSENT_ABORTS],
    kind: SubjectKind::Sctp,
    variants: product! { what: ["cumulative", "far", "gap"] },
    no_reference: "the two independent stacks pass over such a SACK",
    run: sack_refused,
}

fn sack_refused(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut s = SctpStage::connected_with(t, |setup| setup.profile.answers.data = false)?;
    s.tell(t, SctpMessage::new(1, DATA))?;
    s.listen(t, SOON);
    let last = s.peer.received.cumulative();
    let mut sack = Sack { cumulative: last, a_rwnd: 1 << 20, ..Sack::default() };
    match v.text("what") {
        "cumulative" => sack.cumulative = last.wrapping_add(1),
        "far" => sack.cumulative = last.wrapping_add(100_000),
        _ => {
            sack.cumulative = before(last, 1);
            sack.gaps = vec![(2, 900)];
        }
    }
    s.say(t, [sack.into()], "a SACK for what was never sent");
    s.listen(t, SOON);
    let right = s.peer.log.is_aborted() && s.is_over(t);
    let got = s.state(t);
    t.must(req::SCTP_SACK_OF_UNSENT_ABORTS, right, "ABORT and the end", got)
}
