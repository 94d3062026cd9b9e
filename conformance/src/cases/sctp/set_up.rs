//! Associations set up from either side: RFC 9260 §3.3.2, §3.3.3, §5.1.

use super::script::*;

case! {
    id: "sctp.set-up.answered",
    title: "An INIT is answered with an INIT ACK of the right form, and the cookie that comes back with a COOKIE ACK",
    reqs: [
        req::SCTP_INIT_ACK_TAGS,
        req::SCTP_INIT_ACK_TAG_NOT_ZERO,
        req::SCTP_INIT_ACK_WINDOW_AT_LEAST_1500,
        req::SCTP_INIT_ACK_STREAMS_BOUNDED,
        req::SCTP_INIT_ACK_INBOUND_NOT_ZERO,
        req::SCTP_INIT_ACK_HAS_COOKIE,
        req::SCTP_INIT_ACK_SMALL,
        req::SCTP_NO_HOST_NAME_SENT,
        req::SCTP_NO_BUNDLING_OF_SETUP,
        req::SCTP_PARAMETERS_AFTER_FIXED,
        req::SCTP_COOKIE_ACK_FIRST,
        req::SCTP_COOKIE_SMALL,
        req::SCTP_OOTB_INIT_PROCESSED,
        req::SCTP_INIT_STREAMS_STATED,
        req::SCTP_NETWORK_BYTE_ORDER,
        req::SCTP_CRC_SENT,
        req::SCTP_TAG_OF_PEER,
    ],
    kind: SubjectKind::Sctp,
    variants: product! { streams: ["many", "few"] },
    run: answered,
}

fn answered(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut s = SctpStage::with(t, |setup| {
        if v.text("streams") == "few" {
            setup.profile.streams = (3, 7);
        }
    })?;
    let allowed = s.peer.profile.streams.1;
    let init = s.peer.init();
    s.send_stimulus(t, &init, "an INIT");
    let (packet, answers) = s.until(t, chunk::INIT_ACK)?;
    let body =
        t.expect(packet.find(chunk::INIT_ACK).and_then(Init::read), "a readable INIT ACK")?;
    t.should(req::SCTP_OOTB_INIT_PROCESSED, true, "an INIT ACK", "one")?;
    let tag = packet.tag == s.peer.profile.tag;
    t.must(req::SCTP_INIT_ACK_TAGS, tag, "the initiate tag of the INIT", "another")?;
    t.must(req::SCTP_INIT_ACK_TAG_NOT_ZERO, body.tag != 0, "a tag", "zero")?;
    t.must(req::SCTP_INIT_ACK_WINDOW_AT_LEAST_1500, body.a_rwnd >= 1_500, "1500", body.a_rwnd)?;
    let bounded = body.outgoing >= 1 && body.outgoing <= allowed;
    t.must(req::SCTP_INIT_ACK_STREAMS_BOUNDED, bounded, "as many as allowed", body.outgoing)?;
    t.must(req::SCTP_INIT_ACK_INBOUND_NOT_ZERO, body.incoming >= 1, "one", body.incoming)?;
    t.must(req::SCTP_INIT_STREAMS_STATED, bounded, "both numbers", body.outgoing)?;
    let cookie = body.find(parameter::STATE_COOKIE).map_or(0, <[u8]>::len);
    t.must(req::SCTP_INIT_ACK_HAS_COOKIE, cookie > 0, "a cookie", "none")?;
    t.should(req::SCTP_COOKIE_SMALL, cookie <= 512, "512 bytes at most", cookie)?;
    t.should(req::SCTP_INIT_ACK_SMALL, packet.encode().len() <= 1_200, "1200 bytes", "more")?;
    t.must(req::SCTP_NO_HOST_NAME_SENT, !body.has(parameter::HOST_NAME), "no host name", "one")?;
    t.must(req::SCTP_PARAMETERS_AFTER_FIXED, true, "parameters that can be read", "others")?;
    let alone = packet.chunks.len();
    t.must(req::SCTP_NO_BUNDLING_OF_SETUP, alone == 1, "one chunk", alone)?;
    for answer in answers {
        s.send(t, &answer);
    }
    let (packet, _) = s.until(t, chunk::COOKIE_ACK)?;
    let first = packet.kinds().first() == Some(&chunk::COOKIE_ACK);
    t.must(req::SCTP_COOKIE_ACK_FIRST, first, "COOKIE ACK first", s.since(0).join("; "))?;
    t.must(req::SCTP_TAG_OF_PEER, packet.tag == s.peer.profile.tag, "the peer's tag", "another")?;
    s.finish(t)?;
    let fine = s.data_passes_on(t, 1) && s.peer.log.faults.is_empty();
    let got = s.state(t);
    t.must(req::SCTP_NETWORK_BYTE_ORDER, fine, "packets of the right form", &got)?;
    t.must(req::SCTP_CRC_SENT, fine, "checksums", got)
}

case! {
    id: "sctp.set-up.begun",
    title: "An INIT has the right form, and the INIT ACK is answered at once with the cookie as it came",
    reqs: [
        req::SCTP_INIT_TAG_ZERO,
        req::SCTP_INIT_CARRIES_TAG,
        req::SCTP_INIT_ALONE_AND_UNTAGGED,
        req::SCTP_TAG_ZERO_ONLY_INIT,
        req::SCTP_INIT_WINDOW_AT_LEAST_1500,
        req::SCTP_INIT_STREAMS_NOT_ZERO,
        req::SCTP_INIT_PARAMETER_ONCE,
        req::SCTP_INIT_FLAGS_ZERO,
        req::SCTP_NO_HOST_NAME_SENT,
        req::SCTP_PORT_NOT_ZERO,
        req::SCTP_COOKIE_ECHO_AT_ONCE,
        req::SCTP_COOKIE_ECHOED_EXACTLY,
        req::SCTP_COOKIE_ECHO_FIRST,
        req::SCTP_COOKIE_ECHO_TAG,
        req::SCTP_COOKIE_ECHO_BEFORE_DATA,
        req::SCTP_SET_UP_BEFORE_DATA,
        req::SCTP_NOTHING_BEFORE_COOKIE_ACK,
        req::SCTP_INIT_ACK_LARGE,
    ],
    kind: SubjectKind::Sctp,
    variants: product! { cookie: [4, 999, 4000], data: ["none", "queued"] },
    run: begun,
}

fn begun(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let length = usize::try_from(v.number("cookie")).unwrap_or(4);
    let mut s = SctpStage::with(t, |setup| setup.profile.cookie = pattern(length))?;
    s.connect(t);
    if v.text("data") == "queued" {
        // Some take nothing before the association stands.
        let _ = s.command(t, |endpoint, now| endpoint.send(now, SctpMessage::new(1, DATA)));
    }
    let (packet, answers) = s.until(t, chunk::INIT)?;
    let body = t.expect(packet.find(chunk::INIT).and_then(Init::read), "a readable INIT")?;
    t.must(req::SCTP_INIT_TAG_ZERO, packet.tag == 0, "the tag 0", packet.tag)?;
    t.must(req::SCTP_INIT_CARRIES_TAG, body.tag != 0, "a tag", "0")?;
    let alone = packet.chunks.len() == 1 && packet.tag == 0;
    t.must(req::SCTP_INIT_ALONE_AND_UNTAGGED, alone, "INIT alone", packet.chunks.len())?;
    t.should(req::SCTP_TAG_ZERO_ONLY_INIT, alone, "INIT alone", packet.chunks.len())?;
    t.must(req::SCTP_INIT_WINDOW_AT_LEAST_1500, body.a_rwnd >= 1_500, "1500", body.a_rwnd)?;
    let streams = body.outgoing.min(body.incoming);
    t.must(req::SCTP_INIT_STREAMS_NOT_ZERO, streams > 0, "one at least", streams)?;
    let mut seen = kinds(&body.parameters);
    seen.sort_unstable();
    let count = seen.len();
    seen.dedup();
    t.must(req::SCTP_INIT_PARAMETER_ONCE, seen.len() == count, "each once", format!("{seen:x?}"))?;
    let flags = packet.find(chunk::INIT).map_or(0, |init| init.flags);
    t.should(req::SCTP_INIT_FLAGS_ZERO, flags == 0, "no flags", flags)?;
    t.must(req::SCTP_NO_HOST_NAME_SENT, !body.has(parameter::HOST_NAME), "none", "one")?;
    let ports = packet.source != 0 && packet.destination != 0;
    t.must(req::SCTP_PORT_NOT_ZERO, ports, "ports", "0")?;
    let before = s.mark();
    for answer in answers {
        s.send_stimulus(t, &answer, "the INIT ACK");
    }
    s.listen(t, SOON);
    let echo = s.packets_since(before).into_iter().next();
    let echo = echo.filter(|packet| packet.has(chunk::COOKIE_ECHO));
    t.must(
        req::SCTP_COOKIE_ECHO_AT_ONCE,
        echo.is_some(),
        "COOKIE ECHO",
        s.since(before).join("; "),
    )?;
    let echo = t.expect(echo, "a COOKIE ECHO")?;
    let cookie = echo.find(chunk::COOKIE_ECHO).map(|chunk| chunk.value.clone());
    let same = cookie.as_deref() == Some(&s.peer.profile.cookie[..]);
    t.must(req::SCTP_COOKIE_ECHOED_EXACTLY, same, "the cookie", "another")?;
    t.must(req::SCTP_INIT_ACK_LARGE, same, "a cookie of any size", "another")?;
    let first = echo.kinds().first() == Some(&chunk::COOKIE_ECHO);
    t.must(req::SCTP_COOKIE_ECHO_FIRST, first, "COOKIE ECHO first", "later")?;
    t.must(req::SCTP_COOKIE_ECHO_BEFORE_DATA, first, "before data", "later")?;
    let tag = s.peer.profile.tag;
    t.must(req::SCTP_COOKIE_ECHO_TAG, echo.tag == tag, "the tag of the INIT ACK", echo.tag)?;
    s.listen(t, 10 * SOON);
    // The COOKIE ECHO itself may be repeated.
    let others: Vec<String> =
        s.since(before).into_iter().filter(|kinds| !kinds.starts_with("COOKIE_ECHO")).collect();
    let quiet = others.is_empty();
    t.must(req::SCTP_NOTHING_BEFORE_COOKIE_ACK, quiet, "nothing more", others.join("; "))?;
    t.must(req::SCTP_SET_UP_BEFORE_DATA, quiet, "nothing more", others.join("; "))?;
    let ack = s.peer.one(bare(chunk::COOKIE_ACK));
    s.send(t, &ack);
    s.finish(t)
}

case! {
    id: "sctp.set-up.tags",
    title: "Tags and first numbers are drawn anew for every association",
    reqs: [
        req::SCTP_TAG_RANDOM,
        req::SCTP_INITIAL_TSN_RANDOM,
        req::SCTP_TAG_NEW_PER_ASSOCIATION,
        req::SCTP_TAG_CONSTANT,
    ],
    kind: SubjectKind::Sctp,
    run: tags,
}

fn tags(t: &mut Ctl<'_>, _: &Variant) -> Outcome {
    let mut s = SctpStage::open(t)?;
    let mut seen = Vec::new();
    for round in 0..8 {
        let (tag, tsn) = (1 + round, 7 * round);
        s.peer.restart(tag, tsn);
        let init = s.peer.init();
        s.send_stimulus(t, &init, "an INIT of a new association");
        let _ = s.until(t, chunk::INIT_ACK)?;
        let theirs = s.peer.theirs.as_ref().map(|theirs| (theirs.init.tag, theirs.init.tsn));
        seen.extend(theirs);
    }
    let differ = |mut values: Vec<u32>| {
        values.sort_unstable();
        values.dedup();
        values.len() >= 7
    };
    let tags = differ(seen.iter().map(|(tag, _)| *tag).collect());
    let numbers = differ(seen.iter().map(|(_, tsn)| *tsn).collect());
    t.should(req::SCTP_TAG_RANDOM, tags, "tags that differ", "tags that repeat")?;
    t.must(req::SCTP_TAG_NEW_PER_ASSOCIATION, tags, "tags that differ", "tags that repeat")?;
    t.should(req::SCTP_INITIAL_TSN_RANDOM, numbers, "numbers that differ", "repetitions")?;
    // The last of them becomes an association, whose tag is kept.
    s.peer.restart(99, 5);
    s.meet(t)?;
    let tag = s.peer.tag();
    let well = s.data_passes(t) && s.data_passes_on(t, 3) && s.peer.tag() == tag;
    let got = s.state(t);
    t.must(req::SCTP_TAG_CONSTANT, well, "data under the same tag", got)
}

case! {
    id: "sctp.set-up.no-state",
    title: "An INIT leaves nothing behind: a thousand of them do not hinder the one that means it",
    reqs: [req::SCTP_NO_STATE_BEFORE_COOKIE],
    kind: SubjectKind::Sctp,
    run: no_state,
}

fn no_state(t: &mut Ctl<'_>, _: &Variant) -> Outcome {
    let mut s = SctpStage::open(t)?;
    // The cookie of the first is answered after all the others have come.
    let init = s.peer.init();
    s.send(t, &init);
    let (_, answers) = s.until(t, chunk::INIT_ACK)?;
    let theirs = s.peer.theirs.clone();
    for round in 0_u32..1_000 {
        let mut body = s.peer.init_body();
        body.tag = 1_000 + round;
        let packet = s.peer.one(body).tag(0);
        if round == 999 {
            s.send_stimulus(t, &packet, "the last of a thousand INITs");
        } else {
            s.send(t, &packet);
        }
        if round % 20 == 0 {
            t.run_for(MILLISECOND);
        }
    }
    s.listen(t, SOON);
    s.peer.theirs = theirs;
    for answer in answers {
        s.send(t, &answer);
    }
    let up = s.completes(t, LONG);
    let got = s.state(t);
    t.must(req::SCTP_NO_STATE_BEFORE_COOKIE, up, "an association that stands", got)
}

case! {
    id: "sctp.set-up.streams",
    title: "No more outgoing streams are used than the peer allows",
    reqs: [req::SCTP_STREAMS_MINIMUM, req::SCTP_DATA_VALID_STREAM, req::SCTP_STREAMS_SHORTAGE_REPORTED],
    kind: SubjectKind::Sctp,
    variants: product! { begins: ["suite", "endpoint"] },
    no_reference: "the two independent stacks leave the count of streams to the layer above",
    run: streams,
}

fn streams(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut s = SctpStage::with(t, |setup| setup.profile.streams = (4, 2))?;
    if v.text("begins") == "suite" {
        s.meet(t)?;
    } else {
        s.connect(t);
        s.finish(t)?;
    }
    t.stimulus("messages on streams 1 and 2 of two");
    let right = s.command(t, |endpoint, now| endpoint.send(now, SctpMessage::new(1, DATA)));
    let wrong = s.command(t, |endpoint, now| endpoint.send(now, SctpMessage::new(2, DATA)));
    s.serve(t, 5 * SOON);
    let seen: Vec<u16> = s.peer.log.data().iter().map(|data| data.stream).collect();
    let got = format!("{seen:?}");
    t.precondition(right.is_ok() && seen.contains(&1), "data on a stream that is allowed")?;
    t.must(req::SCTP_STREAMS_MINIMUM, !seen.contains(&2), "data on stream 1 only", &got)?;
    t.must(req::SCTP_DATA_VALID_STREAM, !seen.contains(&2), "data on stream 1 only", got)?;
    t.may(req::SCTP_STREAMS_SHORTAGE_REPORTED, wrong.is_err(), "a refusal", "none")
}
