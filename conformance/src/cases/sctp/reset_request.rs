//! Changes of streams that the endpoint asks for: RFC 6525 §5.1, §5.2.7.

use super::{
    lossy::{data_on, serve_losing, without},
    reset_answer::requests,
    script::*,
};

/// The outgoing resets among requests: number, last number of data and streams.
fn resets(list: &[Change]) -> Vec<(u32, u32, Vec<u16>)> {
    let read = |change: &Change| match change {
        Change::Outgoing { request, last_tsn, streams, .. } => {
            Some((*request, *last_tsn, streams.clone()))
        }
        _ => None,
    };
    list.iter().filter_map(read).collect()
}

fn reset(s: &SctpStage, t: &mut Ctl<'_>, streams: &[u16]) -> Outcome {
    needed(s.command(t, |endpoint, now| endpoint.reset_streams(now, streams)))
}

case! {
    id: "sctp.reset.requested",
    title: "A reset names the last number and its streams, holds back what follows, and begins again at 0",
    reqs: [
        req::RECONFIG_OUTGOING_LENGTH,
        req::RECONFIG_LAST_ASSIGNED_TSN,
        req::RECONFIG_REQUEST_NUMBERS,
        req::RECONFIG_REQUESTS_IN_RECONFIG,
        req::RECONFIG_STREAMS_LISTED,
        req::RECONFIG_NEW_DATA_WAITS,
        req::RECONFIG_RESET_DONE_CONTINUES,
        req::RECONFIG_ANSWERED_REQUEST_MARKED,
        req::RECONFIG_ANSWERED_TIMER_STOPS,
        req::RECONFIG_ANNOUNCED,
        req::DC_EXTENSIONS_LISTED,
    ],
    kind: SubjectKind::Sctp,
    needs: [Cap::SctpReset],
    variants: product! { first: ["subject", "suite"] },
    run: requested,
}

fn requested(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut s = SctpStage::open(t)?;
    if v.text("first") == "subject" {
        s.connect(t);
        s.finish(t)?;
    } else {
        s.meet(t)?;
    }
    let listed = s.peer.log.inits().iter().all(|init| init.extends(chunk::RECONFIG));
    t.must(req::RECONFIG_ANNOUNCED, listed, "RE-CONFIG in the list", listed)?;
    t.must(req::DC_EXTENSIONS_LISTED, listed, "RE-CONFIG in the list", listed)?;
    let passes = s.data_passes_on(t, 1) && s.data_passes_on(t, 1);
    t.precondition(passes, "data")?;
    s.peer.profile.answers.reconfig = false;
    t.stimulus("a reset of stream 1");
    let last = s.peer.received.cumulative();
    reset(&s, t, &[1])?;
    let mark = s.mark();
    let (packet, answers) = s.until(t, chunk::RECONFIG)?;
    let list = resets(&requests(&s, mark));
    let got = format!("{list:?}");
    t.must(req::RECONFIG_REQUESTS_IN_RECONFIG, list.len() == 1, "one request", &got)?;
    let (number, last_tsn, streams) = list.first().cloned().unwrap_or_default();
    let first = s.peer.theirs.as_ref().map_or(0, |theirs| theirs.init.tsn);
    t.must(req::RECONFIG_REQUEST_NUMBERS, number == first, first, &got)?;
    t.must(req::RECONFIG_LAST_ASSIGNED_TSN, last_tsn == last, last, &got)?;
    t.must(req::RECONFIG_STREAMS_LISTED, streams == [1], "stream 1", &got)?;
    let size = packet.find(chunk::RECONFIG).map_or(0, |one| one.value.len());
    t.must(req::RECONFIG_OUTGOING_LENGTH, size == 18, "18 bytes", size)?;
    drop(answers);
    // What comes now belongs to the new life of the stream: some do not take it before.
    let message = SctpMessage::new(1, b"new".to_vec());
    let taken = s.command(t, |endpoint, now| endpoint.send(now, message)).is_ok();
    let came = serve_losing(&mut s, t, SOON, |_| false);
    let early = data_on(&came, 1).len();
    t.must(req::RECONFIG_NEW_DATA_WAITS, early == 0, "nothing yet", early)?;
    s.peer.profile.answers.reconfig = true;
    s.serve(t, LONG);
    let done = s.count(t, |event| matches!(event, SctpEvent::ResetDone(list) if list == &[1]));
    t.must(req::RECONFIG_ANSWERED_REQUEST_MARKED, done == 1, "one report", done)?;
    let mark = s.mark();
    if !taken {
        s.tell(t, SctpMessage::new(1, b"new".to_vec()))?;
    }
    s.serve(t, LONG);
    let later = requests(&s, mark).len();
    t.must(req::RECONFIG_ANSWERED_TIMER_STOPS, later == 0, "no repetition", later)?;
    let new = s.peer.log.data().into_iter().find(|data| data.payload == b"new");
    let ssn = new.map(|data| data.ssn);
    t.must(req::RECONFIG_RESET_DONE_CONTINUES, ssn == Some(0), "number 0", format!("{ssn:?}"))?;
    // The next one has the next number.
    reset(&s, t, &[1, 2])?;
    let mark = s.mark();
    s.serve(t, SECOND);
    let mut list = resets(&requests(&s, mark));
    list.iter_mut().for_each(|request| request.2.sort_unstable());
    let next = list.first().map(|one| one.0);
    let right = next == Some(first.wrapping_add(1));
    t.must(req::RECONFIG_REQUEST_NUMBERS, right, "the next number", format!("{list:?}"))
}

case! {
    id: "sctp.reset.one-at-a-time",
    title: "A second reset waits for the answer to the first one",
    reqs: [
        req::RECONFIG_ONE_REQUEST,
        req::RECONFIG_SECOND_REQUEST_WAITS,
        req::RECONFIG_TIMER_STARTED,
        req::RECONFIG_TIMER_VALUE,
        req::RECONFIG_REQUEST_RETRANSMITTED,
    ],
    kind: SubjectKind::Sctp,
    needs: [Cap::SctpReset],
    run: one_at_a_time,
}

fn one_at_a_time(t: &mut Ctl<'_>, _v: &Variant) -> Outcome {
    let mut s = SctpStage::connected(t)?;
    let passes = s.data_passes_on(t, 1) && s.data_passes_on(t, 2);
    t.precondition(passes, "data")?;
    s.peer.profile.answers.reconfig = false;
    t.stimulus("two resets, of which the first is not answered");
    reset(&s, t, &[1])?;
    reset(&s, t, &[2])?;
    let came = serve_losing(&mut s, t, 12 * SECOND, |_| false);
    let times: Vec<base::Instant> =
        came.iter().filter(|(_, packet)| packet.has(chunk::RECONFIG)).map(|(at, _)| *at).collect();
    let list = resets(&requests(&s, 0));
    let got = format!("{list:?}");
    let numbers: Vec<u32> = list.iter().map(|one| one.0).collect();
    let one = numbers.iter().zip(numbers.iter().skip(1)).all(|(first, second)| *first == *second);
    t.must(req::RECONFIG_ONE_REQUEST, one, "one number", &got)?;
    let waits = list.iter().zip(list.iter().skip(1)).all(|(first, second)| first.2 == second.2);
    t.must(req::RECONFIG_SECOND_REQUEST_WAITS, waits, "the same streams", &got)?;
    t.must(req::RECONFIG_TIMER_STARTED, times.len() >= 2, "repetitions", times.len())?;
    t.must(req::RECONFIG_REQUEST_RETRANSMITTED, times.len() >= 2, "repetitions", times.len())?;
    let waits: Vec<Duration> =
        times.iter().zip(times.iter().skip(1)).map(|(first, second)| *second - *first).collect();
    let grows = waits.iter().zip(waits.iter().skip(1)).all(|(first, second)| *second >= *first);
    let doubles = grows && waits.last() >= waits.first().map(|first| *first * 2).as_ref();
    t.must(req::RECONFIG_TIMER_VALUE, doubles, "waits that double", format!("{waits:?}"))?;
    s.peer.profile.answers.reconfig = true;
    s.serve(t, 3 * LONG);
    let list = resets(&requests(&s, 0));
    let both = list.iter().any(|one| one.2.contains(&2));
    t.must(req::RECONFIG_SECOND_REQUEST_WAITS, both, "the second in its turn", format!("{list:?}"))
}

case! {
    id: "sctp.reset.outcomes",
    title: "A reset is refused, or takes its time: it is reported, and repeated without counting errors",
    reqs: [
        req::RECONFIG_IN_PROGRESS_NO_ERROR,
        req::RECONFIG_ANSWERED_REQUEST_MARKED,
        req::RECONFIG_RESET_DONE_CONTINUES,
    ],
    kind: SubjectKind::Sctp,
    needs: [Cap::SctpReset],
    variants: product! { result: ["denied", "in-progress"] },
    run: outcomes,
}

fn outcomes(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let in_progress = v.text("result") == "in-progress";
    let mut s = SctpStage::connected_with(t, |setup| setup.config.max_retransmits = Some(4))?;
    let passes = s.data_passes_on(t, 1);
    t.precondition(passes, "data")?;
    s.peer.profile.answers.reconfig = false;
    reset(&s, t, &[1])?;
    let mut answered = 0;
    while answered < if in_progress { 8 } else { 1 } {
        let mark = s.mark();
        s.until(t, chunk::RECONFIG)?;
        let Some(request) = requests(&s, mark).first().and_then(Change::number) else { continue };
        let result = if in_progress { result::IN_PROGRESS } else { result::DENIED };
        s.say(t, [Change::chunk(&[Change::Response { request, result, next: None }])], "an answer");
        answered += 1;
    }
    if in_progress {
        let over = s.is_over(t);
        t.must(
            req::RECONFIG_IN_PROGRESS_NO_ERROR,
            !over,
            "an association",
            s.peer.log.packets.len(),
        )?;
        s.peer.profile.answers.reconfig = true;
        s.serve(t, 6 * LONG);
        let done = s.count(t, |event| matches!(event, SctpEvent::ResetDone(_)));
        return t.must(req::RECONFIG_RESET_DONE_CONTINUES, done == 1, "one report", done);
    }
    s.serve(t, SECOND);
    let denied = s.count(t, |event| matches!(event, SctpEvent::ResetDenied(_)));
    t.must(req::RECONFIG_ANSWERED_REQUEST_MARKED, denied == 1, "one report", denied)?;
    let passes = s.data_passes_on(t, 1);
    let got = s.state(t);
    t.must(req::RECONFIG_ANSWERED_REQUEST_MARKED, passes, "data as before", got)
}

case! {
    id: "sctp.reset.unannounced",
    title: "Nothing is asked of a peer that cannot reset streams",
    reqs: [req::RECONFIG_ONLY_IF_ANNOUNCED, req::RECONFIG_UNSUPPORTED_TOLD],
    kind: SubjectKind::Sctp,
    needs: [Cap::SctpReset],
    run: unannounced,
}

fn unannounced(t: &mut Ctl<'_>, _v: &Variant) -> Outcome {
    let mut s = SctpStage::connected_with(t, |setup| without(&mut setup.profile, chunk::RECONFIG))?;
    let passes = s.data_passes_on(t, 1);
    t.precondition(passes, "data")?;
    t.stimulus("a reset of stream 1");
    let outcome = s.command(t, |endpoint, now| endpoint.reset_streams(now, &[1]));
    s.serve(t, LONG);
    let asked = s.peer.log.count(chunk::RECONFIG);
    t.must(req::RECONFIG_ONLY_IF_ANNOUNCED, asked == 0, "no RE-CONFIG", asked)?;
    let denied = s.count(t, |event| matches!(event, SctpEvent::ResetDenied(_))) > 0;
    let told = outcome.is_err() || denied;
    t.should(req::RECONFIG_UNSUPPORTED_TOLD, told, "an error", format!("{outcome:?}"))
}

case! {
    id: "sctp.reset.gives-up",
    title: "A reset that is never answered ends the association like data that is not",
    reqs: [req::RECONFIG_REQUEST_RETRANSMITTED],
    kind: SubjectKind::Sctp,
    needs: [Cap::SctpReset],
    run: gives_up,
}

fn gives_up(t: &mut Ctl<'_>, _v: &Variant) -> Outcome {
    let mut s = SctpStage::connected_with(t, |setup| {
        setup.config.max_retransmits = Some(3);
        setup.config.heartbeat = Some(Duration::from_secs(10_000));
    })?;
    let passes = s.data_passes_on(t, 1);
    t.precondition(passes, "data")?;
    t.stimulus("a reset that nobody answers");
    reset(&s, t, &[1])?;
    // Heartbeats are not answered either: they would clear the count.
    serve_losing(&mut s, t, 200 * SECOND, |_| true);
    let over = s.is_over(t);
    t.must(req::RECONFIG_REQUEST_RETRANSMITTED, over, "the end of the association", over)
}

case! {
    id: "sctp.reset.added",
    title: "More streams are asked for, waited for and used from number 0",
    reqs: [
        req::RECONFIG_ADD_LENGTH,
        req::RECONFIG_ADD_MAY_APPEAR,
        req::RECONFIG_ADD_RESERVED_ZERO,
        req::RECONFIG_ADDED_STREAMS_WAIT,
        req::RECONFIG_NEW_STREAMS_FROM_ZERO,
        req::RECONFIG_ADDED_STREAMS_USED,
    ],
    kind: SubjectKind::Sctp,
    needs: [Cap::SctpAddStreams],
    variants: product! { answer: ["yes", "no"] },
    no_reference: "no other stack at hand adds streams",
    run: added,
}

fn added(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut s = SctpStage::connected_with(t, |setup| {
        setup.config.streams = (4, u16::MAX);
    })?;
    s.peer.profile.answers.reconfig = false;
    t.stimulus("a request for four more streams");
    needed(s.command(t, |endpoint, now| endpoint.add_streams(now, 4, 0)))?;
    let (packet, _) = s.until(t, chunk::RECONFIG)?;
    let bytes = packet.find(chunk::RECONFIG).map(|one| one.value.clone()).unwrap_or_default();
    let got = format!("{bytes:?}");
    t.must(req::RECONFIG_ADD_LENGTH, bytes.len() == 12, "12 bytes", &got)?;
    t.should(req::RECONFIG_ADD_RESERVED_ZERO, bytes.get(10..12) == Some(&[0, 0]), "0", &got)?;
    let request = requests(&s, 0).first().and_then(Change::number).unwrap_or_default();
    let adds = matches!(requests(&s, 0).first(), Some(Change::Add { count: 4, .. }));
    t.may(req::RECONFIG_ADD_MAY_APPEAR, adds, "a request for four", &got)?;
    let early = SctpMessage::new(5, DATA);
    let _ = s.command(t, |endpoint, now| endpoint.send(now, early));
    let came = serve_losing(&mut s, t, SOON, |_| false);
    let sent = data_on(&came, 5).len();
    t.must(req::RECONFIG_ADDED_STREAMS_WAIT, sent == 0, "nothing yet", sent)?;
    let yes = v.text("answer") == "yes";
    let result = if yes { result::PERFORMED } else { result::DENIED };
    s.say(t, [Change::chunk(&[Change::Response { request, result, next: None }])], "an answer");
    s.serve(t, SOON);
    let message = SctpMessage::new(5, DATA);
    let taken = s.command(t, |endpoint, now| endpoint.send(now, message)).is_ok();
    s.serve(t, SECOND);
    let first = s.peer.log.data().into_iter().find(|data| data.stream == 5).map(|data| data.ssn);
    let got = format!("taken: {taken}, first number {first:?}");
    if !yes {
        return t.must(req::RECONFIG_ADDED_STREAMS_WAIT, first.is_none(), "nothing", got);
    }
    t.must(req::RECONFIG_ADDED_STREAMS_USED, first.is_some(), "data on stream 5", &got)?;
    t.must(req::RECONFIG_NEW_STREAMS_FROM_ZERO, first == Some(0), "number 0", got)
}

case! {
    id: "sctp.reset.everything-requested",
    title: "A reset of all numbers goes out alone, holds back data, and both ends begin anew",
    reqs: [
        req::RECONFIG_TSN_RESET_LENGTH,
        req::RECONFIG_TSN_RESET_SUSPENDS,
        req::RECONFIG_TSN_RESET_ALONE,
        req::RECONFIG_TSN_RESET_DONE,
        req::RECONFIG_INCOMING_LENGTH,
        req::RECONFIG_INCOMING_WITH_OUTGOING_ONLY,
    ],
    kind: SubjectKind::Sctp,
    needs: [Cap::SctpFullReset],
    no_reference: "no other stack at hand resets an association",
    run: everything_requested,
}

fn everything_requested(t: &mut Ctl<'_>, _v: &Variant) -> Outcome {
    let mut s = SctpStage::connected(t)?;
    let passes = s.data_passes_on(t, 1);
    t.precondition(passes, "data")?;
    t.stimulus("a request that the peer reset stream 1");
    needed(s.command(t, |endpoint, now| endpoint.request_reset(now, &[1])))?;
    let (packet, answers) = s.until(t, chunk::RECONFIG)?;
    let size = packet.find(chunk::RECONFIG).map_or(0, |one| one.value.len());
    t.must(req::RECONFIG_INCOMING_LENGTH, size == 10, "10 bytes", size)?;
    let list = packet.find(chunk::RECONFIG).and_then(Change::read_all).unwrap_or_default();
    let alone = list.len() == 1;
    t.must(req::RECONFIG_INCOMING_WITH_OUTGOING_ONLY, alone, "one parameter", list.len())?;
    for answer in answers {
        s.send(t, &answer);
    }
    s.serve(t, LONG);
    s.peer.profile.answers.reconfig = false;
    t.stimulus("a reset of everything");
    needed(s.command(t, |endpoint, now| endpoint.reset_association(now)))?;
    let (packet, _) = s.until(t, chunk::RECONFIG)?;
    let list = packet.find(chunk::RECONFIG).and_then(Change::read_all).unwrap_or_default();
    let got = format!("{list:?}");
    let alone = matches!(list[..], [Change::Tsn { .. }]);
    t.must(req::RECONFIG_TSN_RESET_ALONE, alone, "one parameter", &got)?;
    let size = packet.find(chunk::RECONFIG).map_or(0, |one| one.value.len());
    t.must(req::RECONFIG_TSN_RESET_LENGTH, size == 8, "8 bytes", size)?;
    let early = SctpMessage::new(1, DATA);
    let taken = s.command(t, |endpoint, now| endpoint.send(now, early)).is_ok();
    let came = serve_losing(&mut s, t, SOON, |_| false);
    let sent = data_on(&came, 1).len();
    t.must(req::RECONFIG_TSN_RESET_SUSPENDS, sent == 0, "nothing yet", sent)?;
    let request = list.first().and_then(Change::number).unwrap_or_default();
    let start = s.peer.received.cumulative().wrapping_add(1).wrapping_add(1 << 31);
    let next = Some((s.peer.next_tsn, start));
    let answer = Change::Response { request, result: result::PERFORMED, next };
    s.say(t, [Change::chunk(&[answer])], "the reset is done");
    s.peer.received = wire::sctp::Received::new(start);
    s.peer.forget_sequences(&[]);
    if !taken {
        s.tell(t, SctpMessage::new(1, DATA))?;
    }
    let mark = s.mark();
    s.serve(t, LONG);
    let data: Vec<Data> = s.chunks_since(mark).iter().filter_map(Data::read).collect();
    let first = data.first().map(|data| (data.tsn, data.ssn));
    let got = format!("{first:?}");
    t.must(req::RECONFIG_TSN_RESET_DONE, first == Some((start, 0)), format!("({start}, 0)"), got)?;
    let passes = s.data_passes_on(t, 1);
    let got = s.state(t);
    t.must(req::RECONFIG_TSN_RESET_DONE, passes, "data both ways", got)
}
