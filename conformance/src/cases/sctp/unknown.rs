//! Types that nobody knows: RFC 9260 §3.2, §3.2.1, §3.2.2.

use super::script::*;

/// Types of chunks without a meaning, one for each pair of highest bits.
fn unknown_chunk(action: &str) -> u8 {
    match action {
        "stop" => 0x3d,
        "stop and report" => 0x7d,
        "skip" => 0xbd,
        _ => 0xfd,
    }
}

/// The same for parameters.
fn unknown_parameter(action: &str) -> u16 {
    match action {
        "stop" => 0x3ff1,
        "stop and report" => 0x7ff1,
        "skip" => 0xbff1,
        _ => 0xfff1,
    }
}

case! {
    id: "sctp.unknown.chunk",
    title: "The two highest bits of an unknown chunk say whether what follows counts and whether it is reported",
    reqs: [
        req::SCTP_UNKNOWN_CHUNK_STOP,
        req::SCTP_UNKNOWN_CHUNK_STOP_REPORT,
        req::SCTP_UNKNOWN_CHUNK_SKIP,
        req::SCTP_UNKNOWN_CHUNK_SKIP_REPORT,
    ],
    kind: SubjectKind::Sctp,
    variants: product! {
        action: ["stop", "stop and report", "skip", "skip and report"],
        length: [0, 5],
    },
    run: chunk_of_no_meaning,
}

fn chunk_of_no_meaning(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut s = SctpStage::connected(t)?;
    let action = v.text("action");
    let length = usize::try_from(v.number("length")).unwrap_or(0);
    let unknown = Chunk::new(unknown_chunk(action), pattern(length)).flags(0x5a);
    let (first, last) = (s.peer.data(1, b"before"), s.peer.data(1, b"behind"));
    let chunks = [first.into(), unknown.clone(), last.clone().into()];
    s.say(t, chunks, "a chunk of an unknown type between two of DATA");
    s.serve(t, DELAYED);
    let delivered: Vec<Vec<u8>> = s.delivered(t).into_iter().map(|(_, data)| data).collect();
    let (stops, reports) = (action.starts_with("stop"), action.ends_with("report"));
    let all: Vec<Tlv> = s.peer.log.of(chunk::ERROR).filter_map(causes).flatten().collect();
    let report = all.iter().find(|one| one.kind == cause::UNRECOGNIZED_CHUNK);
    let got = format!("{} messages, reported: {}", delivered.len(), report.is_some());
    let wanted: &[&[u8]] = if stops { &[b"before"] } else { &[b"before", b"behind"] };
    let right = delivered == wanted && report.is_some() == reports;
    let requirement = match (stops, reports) {
        (true, false) => req::SCTP_UNKNOWN_CHUNK_STOP,
        (true, true) => req::SCTP_UNKNOWN_CHUNK_STOP_REPORT,
        (false, false) => req::SCTP_UNKNOWN_CHUNK_SKIP,
        (false, true) => req::SCTP_UNKNOWN_CHUNK_SKIP_REPORT,
    };
    t.must(requirement, right, format_args!("{} messages", wanted.len()), got)?;
    if let Some(report) = report {
        let whole = unknown.encode();
        let bare = whole.get(..4 + length).unwrap_or(&whole);
        let same = report.value == whole || report.value == bare;
        t.must(requirement, same, "the whole chunk", format!("{:x?}", report.value))?;
    }
    if stops {
        // What followed it was not there: it comes again.
        let packet = s.peer.one(last);
        s.send(t, &packet);
        s.serve(t, SOON);
    }
    s.unharmed(t, requirement)
}

case! {
    id: "sctp.unknown.parameter",
    title: "The two highest bits of an unknown parameter say whether those behind it count and whether it is reported",
    reqs: [
        req::SCTP_UNKNOWN_PARAMETER_STOP,
        req::SCTP_UNKNOWN_PARAMETER_STOP_REPORT,
        req::SCTP_UNKNOWN_PARAMETER_SKIP,
        req::SCTP_UNKNOWN_PARAMETER_SKIP_REPORT,
        req::SCTP_UNRECOGNIZED_IN_INIT_ACK,
        req::SCTP_UNRECOGNIZED_PARAMETER_RETURNED,
        req::SCTP_INIT_WITH_UNKNOWN_ACCEPTED,
        req::SCTP_INIT_ACK_OMITS_REPORTS,
    ],
    kind: SubjectKind::Sctp,
    variants: product! {
        action: ["stop", "stop and report", "skip", "skip and report"],
        length: [0, 5],
    },
    run: parameter_of_no_meaning,
}

fn parameter_of_no_meaning(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let action = v.text("action");
    let length = usize::try_from(v.number("length")).unwrap_or(0);
    let unknown = Tlv::new(unknown_parameter(action), pattern(length));
    // A second one that asks to be reported shows whether the first ended the reading.
    let witness = Tlv::new(0xffee, *b"seen");
    let mut s = SctpStage::with(t, |setup| {
        setup.profile.parameters.insert(0, unknown.clone());
        setup.profile.parameters.push(witness.clone());
    })?;
    let init = s.peer.init();
    s.send_stimulus(t, &init, "an INIT with an unknown parameter");
    let Ok((packet, answers)) = s.until(t, chunk::INIT_ACK) else {
        return t.should(req::SCTP_INIT_WITH_UNKNOWN_ACCEPTED, false, "an INIT ACK", "none");
    };
    t.should(req::SCTP_INIT_WITH_UNKNOWN_ACCEPTED, true, "an INIT ACK", "one")?;
    let body = t.expect(packet.find(chunk::INIT_ACK).and_then(Init::read), "an INIT ACK")?;
    let reported: Vec<Vec<u8>> = body
        .parameters
        .iter()
        .filter(|one| one.kind == parameter::UNRECOGNIZED)
        .map(|one| one.value.clone())
        .collect();
    let (stops, reports) = (action.starts_with("stop"), action.ends_with("report"));
    let starts = |wanted: &Tlv| {
        let wanted = wanted.encode();
        reported.iter().any(|value| value.starts_with(&wanted))
    };
    let (own, other) = (starts(&unknown), starts(&witness));
    let got = format!("reported: {own}, the one behind it: {other}");
    let right = own == reports && other != stops;
    let requirement = match (stops, reports) {
        (true, false) => req::SCTP_UNKNOWN_PARAMETER_STOP,
        (true, true) => req::SCTP_UNKNOWN_PARAMETER_STOP_REPORT,
        (false, false) => req::SCTP_UNKNOWN_PARAMETER_SKIP,
        (false, true) => req::SCTP_UNKNOWN_PARAMETER_SKIP_REPORT,
    };
    t.must(requirement, right, format_args!("reported: {reports}, read on: {}", !stops), &got)?;
    t.may(req::SCTP_INIT_ACK_OMITS_REPORTS, own || !reports, "the report", &got)?;
    if reports {
        t.must(req::SCTP_UNRECOGNIZED_IN_INIT_ACK, own, "the report", &got)?;
        t.should(req::SCTP_UNRECOGNIZED_PARAMETER_RETURNED, own, "the parameter whole", got)?;
    }
    for answer in answers {
        s.send(t, &answer);
    }
    s.finish(t)
}

case! {
    id: "sctp.unknown.parameter-of-answer",
    title: "Unknown parameters of an INIT ACK do not hinder the set-up, and are reported in an ERROR if they ask for it",
    reqs: [
        req::SCTP_INIT_ACK_WITH_UNKNOWN_ACCEPTED,
        req::SCTP_UNRECOGNIZED_IN_ERROR,
        req::SCTP_UNRECOGNIZED_ERROR_LATER,
        req::SCTP_INIT_ACK_ERROR_BESIDE_COOKIE_ECHO,
        req::SCTP_COOKIE_ECHO_FIRST,
    ],
    kind: SubjectKind::Sctp,
    variants: product! { action: ["stop", "stop and report", "skip", "skip and report"] },
    run: parameter_of_answer,
}

fn parameter_of_answer(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let action = v.text("action");
    let unknown = Tlv::new(unknown_parameter(action), pattern(6));
    let mut s = SctpStage::with(t, |setup| setup.profile.parameters.push(unknown.clone()))?;
    s.connect(t);
    t.stimulus("an INIT ACK with an unknown parameter");
    let up = s.completes(t, LONG);
    s.serve(t, DELAYED);
    let got = s.state(t);
    t.should(req::SCTP_INIT_ACK_WITH_UNKNOWN_ACCEPTED, up, "an association", &got)?;
    if !up {
        return Ok(());
    }
    let errors: Vec<Tlv> = s.peer.log.of(chunk::ERROR).filter_map(causes).flatten().collect();
    let reported = errors.iter().any(|one| one.kind == cause::UNRECOGNIZED_PARAMETERS);
    let echo = s.peer.log.packets.iter().find(|packet| packet.has(chunk::COOKIE_ECHO));
    let echo = t.expect(echo.cloned(), "a COOKIE ECHO")?;
    let first = echo.kinds().first() == Some(&chunk::COOKIE_ECHO);
    t.must(req::SCTP_COOKIE_ECHO_FIRST, first, "COOKIE ECHO first", "later")?;
    let reports = action.ends_with("report");
    t.should(req::SCTP_UNRECOGNIZED_IN_ERROR, reported == reports, reports, reported)?;
    if reports {
        let beside = echo.has(chunk::ERROR);
        t.may(req::SCTP_INIT_ACK_ERROR_BESIDE_COOKIE_ECHO, beside, "the ERROR beside it", "none")?;
        t.may(req::SCTP_UNRECOGNIZED_ERROR_LATER, reported && !beside, "the ERROR later", "none")?;
    }
    Ok(())
}
