//! Requests to change streams that the endpoint answers: RFC 6525 §5.2.

use super::script::*;

/// The number of the request, the result, and the next numbers of data of its sender and its receiver.
type Response = (u32, u32, Option<(u32, u32)>);

/// The responses that came since `mark`.
pub(super) fn responses(s: &SctpStage, mark: usize) -> Vec<Response> {
    let changes =
        s.chunks_since(mark).iter().filter_map(Change::read_all).flatten().collect::<Vec<_>>();
    let read = |change: &Change| match change {
        Change::Response { request, result, next } => Some((*request, *result, *next)),
        _ => None,
    };
    changes.iter().filter_map(read).collect()
}

/// The requests that came since `mark`.
pub(super) fn requests(s: &SctpStage, mark: usize) -> Vec<Change> {
    let chunks = s.chunks_since(mark);
    let all = chunks.iter().filter_map(Change::read_all).flatten();
    all.filter(Change::is_request).collect()
}

/// How often the endpoint has reported that the peer reset a stream.
fn resets_reported(s: &mut SctpStage, t: &mut Ctl<'_>, stream: u16) -> usize {
    s.count(t, |event| match event {
        SctpEvent::IncomingReset(streams) => streams.is_empty() || streams.contains(&stream),
        _ => false,
    })
}

/// The data of these streams' first messages, sent one after the other.
fn greet(s: &mut SctpStage, t: &mut Ctl<'_>, streams: &[u16]) {
    for stream in streams {
        let data = s.peer.data(*stream, DATA);
        let packet = s.peer.one(data);
        s.send(t, &packet);
    }
    s.serve(t, SOON);
}

case! {
    id: "sctp.reset.answered",
    title: "A reset of the peer's streams is done, answered once and reported; other streams go on",
    reqs: [
        req::RECONFIG_RESPONSE_NUMBER,
        req::RECONFIG_RESPONSE_RESULT,
        req::RECONFIG_RESPONSE_LENGTH,
        req::RECONFIG_RESPONSE_WITHOUT_TSNS,
        req::RECONFIG_RESPONSE_WITHOUT_TIMER,
        req::RECONFIG_RESET_ALL_STREAMS,
        req::RECONFIG_RESET_LISTED_STREAMS,
        req::RECONFIG_RESET_ANSWERED,
        req::RECONFIG_ANSWER_AFTER_PROCESSING,
        req::RECONFIG_PARAMETERS_ONLY_IN_RECONFIG,
        req::RECONFIG_REQUEST_SACKED,
        req::DC_RECONFIG_SUPPORTED,
    ],
    kind: SubjectKind::Sctp,
    needs: [Cap::SctpReset],
    variants: product! { streams: ["one", "two", "all"], tsn: ["any", "near-wrap"] },
    run: answered,
}

fn answered(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut s = SctpStage::connected_with(t, |setup| {
        if v.text("tsn") == "near-wrap" {
            setup.profile.tsn = 0xffff_fffe;
        }
    })?;
    greet(&mut s, t, &[1, 2, 3, 1, 2, 3]);
    let streams: &[u16] = match v.text("streams") {
        "one" => &[1],
        "two" => &[1, 3],
        _ => &[],
    };
    let mark = s.mark();
    let reset = s.peer.reset(streams);
    let number = reset.number();
    s.say(t, [Change::chunk(&[reset])], "a reset");
    s.serve(t, 3 * SECOND);
    let answers = responses(&s, mark);
    let got = format!("{answers:?}");
    let one = answers.first().copied();
    t.must(req::RECONFIG_RESET_ANSWERED, one.is_some(), "a response", &got)?;
    t.must(req::RECONFIG_RESPONSE_WITHOUT_TIMER, answers.len() == 1, "one response", &got)?;
    let right = one.map(|one| one.0) == number;
    t.must(req::RECONFIG_RESPONSE_NUMBER, right, "the request's number", &got)?;
    let performed = one.is_some_and(|one| one.1 == result::PERFORMED);
    t.must(req::RECONFIG_RESPONSE_RESULT, performed, "performed", &got)?;
    t.must(req::RECONFIG_ANSWER_AFTER_PROCESSING, performed, "performed", &got)?;
    t.must(req::DC_RECONFIG_SUPPORTED, performed, "performed", &got)?;
    let plain = one.is_some_and(|one| one.2.is_none());
    t.must(req::RECONFIG_RESPONSE_WITHOUT_TSNS, plain, "no numbers of data", &got)?;
    let answers = s.peer.log.of(chunk::RECONFIG).filter(|one| one.value.starts_with(&[0, 16]));
    let lengths: Vec<usize> = answers.map(|one| one.value.len()).collect();
    let right = lengths.iter().all(|length| *length == 12);
    t.must(req::RECONFIG_RESPONSE_LENGTH, right, "12 bytes", format!("{lengths:?}"))?;
    let elsewhere = s
        .peer
        .log
        .inits()
        .iter()
        .any(|init| init.parameters.iter().any(|one| (13..=18).contains(&one.kind)));
    t.must(req::RECONFIG_PARAMETERS_ONLY_IN_RECONFIG, !elsewhere, "RE-CONFIG alone", "others")?;
    let sacked = s.chunks_since(mark).iter().any(|one| one.kind == chunk::SACK);
    t.should(req::RECONFIG_REQUEST_SACKED, sacked, "a SACK", s.since(mark).join("; "))?;
    s.peer.forget_sequences(streams);
    let before = s.delivered(t).len();
    greet(&mut s, t, &[1, 2, 3]);
    let after = s.delivered(t).len() - before;
    let requirement = if streams.is_empty() {
        req::RECONFIG_RESET_ALL_STREAMS
    } else {
        req::RECONFIG_RESET_LISTED_STREAMS
    };
    t.must(requirement, after == 3, "three messages", after)?;
    let reported = resets_reported(&mut s, t, 1);
    t.must(requirement, reported == 1, "one report", reported)
}

case! {
    id: "sctp.reset.repeated",
    title: "A reset that comes again is answered as before and resets nothing",
    reqs: [req::RECONFIG_REPEATED_REQUEST_SAME_ANSWER],
    kind: SubjectKind::Sctp,
    needs: [Cap::SctpReset],
    variants: product! { times: [1, 20], between: ["nothing", "data"] },
    run: repeated,
}

fn repeated(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut s = SctpStage::connected(t)?;
    greet(&mut s, t, &[1, 1]);
    let reset = s.peer.reset(&[1]);
    let again = Change::chunk(&[reset]);
    s.say(t, [again.clone()], "a reset");
    s.serve(t, SOON);
    let mark = s.mark();
    s.peer.forget_sequences(&[1]);
    if v.text("between") == "data" {
        greet(&mut s, t, &[1, 1]);
    }
    for _ in 0..v.number("times") {
        s.say(t, [again.clone()], "the same reset");
        s.serve(t, SOON);
    }
    let answers = responses(&s, mark);
    let same = !answers.is_empty() && answers.iter().all(|one| one.1 == result::PERFORMED);
    t.must(req::RECONFIG_REPEATED_REQUEST_SAME_ANSWER, same, "performed", format!("{answers:?}"))?;
    let reported = resets_reported(&mut s, t, 1);
    t.must(req::RECONFIG_REPEATED_REQUEST_SAME_ANSWER, reported == 1, "one reset", reported)?;
    let before = s.delivered(t).len();
    greet(&mut s, t, &[1]);
    let after = s.delivered(t).len() - before;
    t.must(req::RECONFIG_REPEATED_REQUEST_SAME_ANSWER, after == 1, "the next message", after)
}

case! {
    id: "sctp.reset.deferred",
    title: "A reset that overtakes data waits for it, and so does what was sent after it",
    reqs: [
        req::RECONFIG_DEFERRED,
        req::RECONFIG_DEFERRED_DATA_HELD,
        req::RECONFIG_DEFERRED_IN_PROGRESS,
        req::RECONFIG_DEFERRED_DATA_RELEASED,
    ],
    kind: SubjectKind::Sctp,
    needs: [Cap::SctpReset],
    variants: product! { tsn: ["any", "near-wrap"] },
    run: deferred,
}

fn deferred(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut s = SctpStage::connected_with(t, |setup| {
        if v.text("tsn") == "near-wrap" {
            setup.profile.tsn = 0xffff_fffe;
        }
    })?;
    greet(&mut s, t, &[1]);
    let late = s.peer.data(1, b"late");
    let reset = s.peer.reset(&[1]);
    let mark = s.mark();
    s.say(t, [Change::chunk(std::slice::from_ref(&reset))], "a reset before its data");
    s.listen(t, SOON);
    let answers = responses(&s, mark);
    let got = format!("{answers:?}");
    let waits = answers.first().is_some_and(|one| one.1 == result::IN_PROGRESS);
    t.must(req::RECONFIG_DEFERRED_IN_PROGRESS, waits, "in progress", &got)?;
    let early = resets_reported(&mut s, t, 1);
    t.must(req::RECONFIG_DEFERRED, early == 0, "no reset yet", early)?;
    // A new life of the stream begins, whose first message overtakes the last of the old one.
    s.peer.forget_sequences(&[1]);
    let new = s.peer.data(1, b"new");
    let packet = s.peer.one(new);
    s.send(t, &packet);
    s.listen(t, SOON);
    let held = s.delivered(t).len();
    t.must(req::RECONFIG_DEFERRED_DATA_HELD, held == 1, "one message", held)?;
    let packet = s.peer.one(late);
    s.send(t, &packet);
    s.listen(t, SOON);
    // The request is sent again with a new number, or with the old one: both are in use.
    let mark = s.mark();
    s.say(t, [Change::chunk(&[reset])], "the reset again");
    s.serve(t, SECOND);
    let done = responses(&s, mark).first().is_some_and(|one| one.1 == result::PERFORMED);
    let reported = resets_reported(&mut s, t, 1);
    let got = format!("{:?}, {reported} reports", responses(&s, mark));
    t.must(req::RECONFIG_DEFERRED, done && reported == 1, "performed and reported", got)?;
    let texts: Vec<Vec<u8>> = s.delivered(t).into_iter().map(|(_, data)| data).collect();
    let right = texts == [DATA.to_vec(), b"late".to_vec(), b"new".to_vec()];
    t.must(req::RECONFIG_DEFERRED_DATA_RELEASED, right, "late, then new", texts.len())
}

case! {
    id: "sctp.reset.bad-number",
    title: "A request with a number that is not the next one is refused, and the next one is done",
    reqs: [req::RECONFIG_REFUSED_REQUEST_ANSWERED],
    kind: SubjectKind::Sctp,
    needs: [Cap::SctpReset],
    variants: product! { ahead: [1, 7, 2_147_483_648] },
    run: bad_number,
}

fn bad_number(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let ahead = u32::try_from(v.number("ahead")).unwrap_or(1);
    let mut s = SctpStage::connected(t)?;
    greet(&mut s, t, &[1]);
    let right_number = s.peer.next_request;
    s.peer.next_request = right_number.wrapping_add(ahead);
    let wrong = s.peer.reset(&[1]);
    let mark = s.mark();
    s.say(t, [Change::chunk(&[wrong])], "a reset with a wrong number");
    s.listen(t, SOON);
    let answers = responses(&s, mark);
    let refused = answers.first().is_some_and(|one| one.1 == result::BAD_SEQUENCE);
    let got = format!("{answers:?}");
    t.must(req::RECONFIG_REFUSED_REQUEST_ANSWERED, refused, "a wrong number", got)?;
    let early = resets_reported(&mut s, t, 1);
    t.must(req::RECONFIG_REFUSED_REQUEST_ANSWERED, early == 0, "no reset", early)?;
    s.peer.next_request = right_number;
    let reset = s.peer.reset(&[1]);
    let mark = s.mark();
    s.say(t, [Change::chunk(&[reset])], "a reset with the next number");
    s.listen(t, SOON);
    let done = responses(&s, mark).first().is_some_and(|one| one.1 == result::PERFORMED);
    t.must(req::RECONFIG_REFUSED_REQUEST_ANSWERED, done, "performed", s.since(mark).join("; "))
}

case! {
    id: "sctp.reset.incoming-request",
    title: "A request that the endpoint reset its own streams is answered by such a reset, or refused",
    reqs: [
        req::RECONFIG_INCOMING_ANSWERED_BY_OUTGOING,
        req::RECONFIG_INCOMING_STREAMS_COPIED,
        req::RECONFIG_INCOMING_NUMBER_COPIED,
        req::RECONFIG_REFUSED_REQUEST_ANSWERED,
        req::RECONFIG_OUTGOING_WITH_NO_OTHER,
    ],
    kind: SubjectKind::Sctp,
    needs: [Cap::SctpReset],
    run: incoming_request,
}

fn incoming_request(t: &mut Ctl<'_>, _v: &Variant) -> Outcome {
    let mut s = SctpStage::connected(t)?;
    let passes = s.data_passes_on(t, 1);
    t.precondition(passes, "data")?;
    let request = s.peer.next_request;
    s.peer.next_request = request.wrapping_add(1);
    let mark = s.mark();
    s.say(t, [Change::chunk(&[Change::Incoming { request, streams: vec![1] }])], "a request");
    s.serve(t, SECOND);
    let (answers, own) = (responses(&s, mark), requests(&s, mark));
    let got = format!("{answers:?} {own:?}");
    let refused = answers.iter().any(|one| one.0 == request && one.1 != result::PERFORMED);
    let said = refused || !own.is_empty();
    t.must(req::RECONFIG_REFUSED_REQUEST_ANSWERED, said, "a reset or a refusal", &got)?;
    if refused && own.is_empty() {
        return Ok(());
    }
    let Some(Change::Outgoing { response, streams, .. }) = own.first() else {
        return t.must(req::RECONFIG_INCOMING_ANSWERED_BY_OUTGOING, false, "a reset", &got);
    };
    t.must(req::RECONFIG_INCOMING_ANSWERED_BY_OUTGOING, true, "a reset", &got)?;
    t.must(req::RECONFIG_INCOMING_STREAMS_COPIED, *streams == [1], "stream 1", &got)?;
    t.must(req::RECONFIG_INCOMING_NUMBER_COPIED, *response == request, request, &got)?;
    let packed = s.chunks_since(mark).iter().filter_map(Change::read_all).all(|list| {
        !list.iter().any(|one| matches!(one, Change::Outgoing { .. })) || list.len() <= 2
    });
    t.must(req::RECONFIG_OUTGOING_WITH_NO_OTHER, packed, "two parameters at most", got)
}

case! {
    id: "sctp.reset.crossing-requests",
    title: "A request for a reset that is under way already, or done, is answered",
    reqs: [req::RECONFIG_INCOMING_CROSSING_PROCESSED, req::RECONFIG_INCOMING_NOTHING_TO_DO],
    kind: SubjectKind::Sctp,
    needs: [Cap::SctpReset],
    run: crossing_requests,
}

fn crossing_requests(t: &mut Ctl<'_>, _v: &Variant) -> Outcome {
    let mut s = SctpStage::connected(t)?;
    let passes = s.data_passes_on(t, 1);
    t.precondition(passes, "data")?;
    s.peer.profile.answers.reconfig = false;
    needed(s.command(t, |endpoint, now| endpoint.reset_streams(now, &[1])))?;
    s.serve(t, SOON);
    t.precondition(!requests(&s, 0).is_empty(), "a reset under way")?;
    s.peer.profile.answers.reconfig = true;
    let request = s.peer.next_request;
    s.peer.next_request = request.wrapping_add(1);
    let mark = s.mark();
    s.say(t, [Change::chunk(&[Change::Incoming { request, streams: vec![1] }])], "a request");
    s.serve(t, LONG);
    let (answers, own) = (responses(&s, mark), requests(&s, mark));
    let got = format!("{answers:?} {own:?}");
    let answered = answers.iter().any(|one| one.0 == request)
        || own
            .iter()
            .any(|one| matches!(one, Change::Outgoing { response, .. } if *response == request));
    t.must(req::RECONFIG_INCOMING_CROSSING_PROCESSED, answered, "an answer to it", &got)?;
    let nothing = answers.contains(&(request, result::NOTHING_TO_DO, None));
    t.should(req::RECONFIG_INCOMING_NOTHING_TO_DO, nothing, "nothing to do", got)
}

case! {
    id: "sctp.reset.combinations",
    title: "Several parameters in one chunk are each answered, in one chunk; combinations that may not be are reported",
    reqs: [
        req::RECONFIG_EACH_PARAMETER_PROCESSED,
        req::RECONFIG_RESPONSES_TOGETHER,
        req::RECONFIG_BAD_COMBINATION_REPORTED,
    ],
    kind: SubjectKind::Sctp,
    needs: [Cap::SctpReset],
    variants: product! { what: ["both-resets", "reset-and-add"] },
    run: combinations,
}

fn combinations(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut s = SctpStage::connected(t)?;
    let passes = s.data_passes_on(t, 1);
    t.precondition(passes, "data")?;
    let reset = s.peer.reset(&[1]);
    let request = s.peer.next_request;
    s.peer.next_request = request.wrapping_add(1);
    let second = match v.text("what") {
        "both-resets" => Change::Incoming { request, streams: vec![1] },
        _ => Change::Add { incoming: false, request, count: 1 },
    };
    let first = reset.number();
    let mark = s.mark();
    s.say(t, [Change::chunk(&[reset, second])], "two requests in a chunk");
    s.serve(t, SECOND);
    let (answers, own) = (responses(&s, mark), requests(&s, mark));
    let got = format!("{answers:?} {own:?} {:?}", s.peer.log.causes());
    if v.text("what") == "both-resets" {
        let done = answers.iter().any(|one| Some(one.0) == first && one.1 == result::PERFORMED);
        t.should(req::RECONFIG_EACH_PARAMETER_PROCESSED, done, "the first is done", &got)?;
        let lists: Vec<Vec<Change>> =
            s.chunks_since(mark).iter().filter_map(Change::read_all).collect();
        let answered = |list: &Vec<Change>| {
            list.iter().filter(|one| matches!(one, Change::Response { .. })).count()
        };
        let together = lists.iter().filter(|list| answered(list) > 0).count() <= 1;
        return t.must(req::RECONFIG_RESPONSES_TOGETHER, together, "one chunk", got);
    }
    let reported = s.peer.log.causes().contains(&cause::PROTOCOL_VIOLATION);
    t.should(req::RECONFIG_BAD_COMBINATION_REPORTED, reported, "a Protocol Violation", got)
}

case! {
    id: "sctp.reset.add-streams",
    title: "A request for more streams is answered, and with success the streams can be used",
    reqs: [
        req::RECONFIG_ADD_OUTGOING_ANSWERED,
        req::RECONFIG_ADD_OUTGOING_ADDS,
        req::RECONFIG_ADD_LIMIT,
        req::RECONFIG_ADD_INCOMING_ANSWERED,
        req::RECONFIG_ADD_RESERVED_ZERO,
    ],
    kind: SubjectKind::Sctp,
    needs: [Cap::SctpReset],
    variants: product! { what: ["outgoing", "incoming", "too-many"] },
    run: add_streams,
}

fn add_streams(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let what = v.text("what");
    let mut s = SctpStage::connected_with(t, |setup| {
        setup.profile.streams = (4, 4);
        if what == "too-many" {
            setup.profile.streams = (u16::MAX, u16::MAX);
        }
    })?;
    let request = s.peer.next_request;
    s.peer.next_request = request.wrapping_add(1);
    let mark = s.mark();
    let add = Change::Add { incoming: what == "incoming", request, count: 4 };
    s.say(t, [Change::chunk(&[add])], "a request for more streams");
    s.serve(t, SECOND);
    let (answers, own) = (responses(&s, mark), requests(&s, mark));
    let got = format!("{answers:?} {own:?}");
    let answer = answers.iter().find(|one| one.0 == request);
    if what == "incoming" {
        let added = own.iter().any(|one| matches!(one, Change::Add { incoming: false, .. }));
        let said = answer.is_some() || added;
        t.must(req::RECONFIG_ADD_INCOMING_ANSWERED, said, "a refusal or a request", &got)?;
        let zero =
            s.chunks_since(mark).iter().filter(|one| one.kind == chunk::RECONFIG).all(|one| {
                one.value.first_chunk::<2>() != Some(&[0, 17])
                    || one.value.get(10..12) == Some(&[0, 0])
            });
        return t.should(req::RECONFIG_ADD_RESERVED_ZERO, zero, "zero", got);
    }
    t.must(req::RECONFIG_ADD_OUTGOING_ANSWERED, answer.is_some(), "an answer", &got)?;
    let done = answer.is_some_and(|one| one.1 == result::PERFORMED);
    if what == "too-many" {
        return t.should(req::RECONFIG_ADD_LIMIT, !done, "a refusal", got);
    }
    if done {
        greet(&mut s, t, &[5]);
        let here = s.delivered(t).contains(&(5, DATA.to_vec()));
        t.must(req::RECONFIG_ADD_OUTGOING_ADDS, here, "a message on stream 5", here)?;
    }
    Ok(())
}

case! {
    id: "sctp.reset.everything",
    title: "A reset of all numbers is refused, or both ends begin anew",
    reqs: [
        req::RECONFIG_REFUSED_REQUEST_ANSWERED,
        req::RECONFIG_RESPONSE_SENDERS_NEXT_TSN,
        req::RECONFIG_RESPONSE_RECEIVERS_NEXT_TSN,
        req::RECONFIG_RESPONSE_RECEIVERS_NEXT_TSN_VALUE,
        req::RECONFIG_TSN_RESET_NEXT_TSN,
        req::RECONFIG_TSN_RESET_OWN_TSN,
        req::RECONFIG_TSN_RESET_SSNS,
        req::RECONFIG_TSN_RESET_ANSWERED,
        req::RECONFIG_TSN_RESET_AS_SACK,
        req::RECONFIG_TSN_RESET_AS_FORWARD,
    ],
    kind: SubjectKind::Sctp,
    needs: [Cap::SctpReset],
    run: everything,
}

fn everything(t: &mut Ctl<'_>, _v: &Variant) -> Outcome {
    let mut s = SctpStage::connected(t)?;
    let passes = s.data_passes_on(t, 1);
    t.precondition(passes, "data")?;
    let request = s.peer.next_request;
    s.peer.next_request = request.wrapping_add(1);
    let mark = s.mark();
    let lowest = s.peer.next_tsn;
    s.say(t, [Change::chunk(&[Change::Tsn { request }])], "a reset of everything");
    s.serve(t, SECOND);
    let answers = responses(&s, mark);
    let got = format!("{answers:?}");
    let answer = answers.iter().find(|one| one.0 == request).copied();
    let said = t.must(req::RECONFIG_REFUSED_REQUEST_ANSWERED, answer.is_some(), "an answer", &got);
    said?;
    let Some((_, result::PERFORMED, next)) = answer else { return Ok(()) };
    t.must(req::RECONFIG_TSN_RESET_ANSWERED, true, "performed", &got)?;
    t.must(req::RECONFIG_RESPONSE_SENDERS_NEXT_TSN, next.is_some(), "its next number", &got)?;
    t.must(req::RECONFIG_RESPONSE_RECEIVERS_NEXT_TSN, next.is_some(), "ours", &got)?;
    let (theirs, ours) = next.unwrap_or_default();
    let far = ours == lowest.wrapping_add(1 << 31);
    t.should(req::RECONFIG_RESPONSE_RECEIVERS_NEXT_TSN_VALUE, far, "2^31 on", &got)?;
    t.should(req::RECONFIG_TSN_RESET_NEXT_TSN, far, "2^31 on", &got)?;
    let own = s.peer.received.cumulative().wrapping_add(1);
    t.should(req::RECONFIG_TSN_RESET_OWN_TSN, theirs == own, own, &got)?;
    // Both begin anew with these numbers.
    s.peer.next_tsn = ours;
    s.peer.forget_sequences(&[]);
    let passes = s.data_passes_on(t, 1);
    let state = s.state(t);
    t.must(req::RECONFIG_TSN_RESET_SSNS, passes, "data with new numbers", &state)?;
    t.must(req::RECONFIG_TSN_RESET_AS_SACK, passes, "data with new numbers", &state)?;
    t.must(req::RECONFIG_TSN_RESET_AS_FORWARD, passes, "data with new numbers", state)
}
