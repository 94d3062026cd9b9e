//! Cookies that are spoiled, strange or old: RFC 9260 §4, §5.1.3–§5.1.5, §5.2.6.

use super::script::*;

case! {
    id: "sctp.cookies.spoiled",
    title: "A COOKIE ECHO whose cookie is not the one that was given sets up nothing and is not answered",
    reqs: [
        req::SCTP_COOKIE_MAC,
        req::SCTP_COOKIE_INVALID_DISCARDED,
        req::SCTP_COOKIE_TAG_CHECKED,
    ],
    kind: SubjectKind::Sctp,
    variants: product! { what: ["first", "middle", "last", "short", "long", "empty", "tag", "ports"] },
    run: spoiled,
}

fn spoiled(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let what = v.text("what");
    let mut s = SctpStage::open(t)?;
    let init = s.peer.init();
    s.send(t, &init);
    let (_, answers) = s.until(t, chunk::INIT_ACK)?;
    let echo = t.expect(answers.into_iter().next(), "a COOKIE ECHO of the suite")?;
    let mut packet = echo.clone();
    if let Some(chunk) = packet.chunks.first_mut() {
        let length = chunk.value.len();
        let flip = |place: usize, value: &mut Vec<u8>| {
            if let Some(byte) = value.get_mut(place) {
                *byte ^= 0x10;
            }
        };
        match what {
            "first" => flip(0, &mut chunk.value),
            "middle" => flip(length / 2, &mut chunk.value),
            "last" => flip(length.saturating_sub(1), &mut chunk.value),
            "short" => chunk.value.truncate(length.saturating_sub(4)),
            "long" => chunk.value.extend([0; 4]),
            "empty" => chunk.value.clear(),
            "tag" => packet.tag ^= 0x0001_0000,
            _ => packet.source ^= 1,
        }
    }
    let data = s.peer.data(1, DATA);
    let mark = s.mark();
    s.send_stimulus(t, &packet.with(data), "a spoiled COOKIE ECHO, with DATA");
    s.listen(t, SOON);
    let got = format!("{}; {}", s.since(mark).join("; "), s.state(t));
    let idle = !s.is_connected(t) && s.delivered(t).is_empty();
    if what == "ports" {
        // A packet between other ports is of another association; whatever it is, it is not set up here.
        return t.must(req::SCTP_COOKIE_TAG_CHECKED, idle, "no association", got);
    }
    let requirement = if what == "tag" {
        req::SCTP_COOKIE_TAG_CHECKED
    } else {
        req::SCTP_COOKIE_INVALID_DISCARDED
    };
    t.must(requirement, idle && s.since(mark).is_empty(), "silence and no association", &got)?;
    t.must(req::SCTP_COOKIE_MAC, idle, "no association", got)?;
    // The right one still counts.
    s.send(t, &echo);
    let up = s.completes(t, LONG);
    t.must(requirement, up, "an association with the right cookie", "none")
}

case! {
    id: "sctp.cookies.old",
    title: "An old cookie is answered with a Stale Cookie error, and nothing is set up",
    reqs: [
        req::SCTP_COOKIE_EXPIRED_REPORTED,
        req::SCTP_COOKIE_STALE_ERROR,
        req::SCTP_COOKIE_STALE_DISCARDED,
        req::SCTP_COOKIE_TIMESTAMP,
        req::SCTP_STALENESS_MAY_BE_TOLD,
        req::SCTP_STALENESS_ELSE_ZERO,
    ],
    kind: SubjectKind::Sctp,
    no_reference: "cookies of the two independent stacks do not grow old",
    run: old,
}

fn old(t: &mut Ctl<'_>, _: &Variant) -> Outcome {
    let mut s = SctpStage::open(t)?;
    let init = s.peer.init();
    s.send(t, &init);
    let (_, answers) = s.until(t, chunk::INIT_ACK)?;
    let echo = t.expect(answers.into_iter().next(), "a COOKIE ECHO of the suite")?;
    t.run_for(400 * SECOND);
    let data = s.peer.data(1, DATA);
    let mark = s.mark();
    s.send_stimulus(t, &echo.with(data), "a COOKIE ECHO after minutes, with DATA");
    s.listen(t, SOON);
    let new = s.chunks_since(mark);
    let got = format!("{}; {}", s.since(mark).join("; "), s.state(t));
    let idle = !s.is_connected(t) && s.delivered(t).is_empty();
    let stale: Option<Tlv> = new
        .iter()
        .filter(|one| one.kind == chunk::ERROR)
        .filter_map(causes)
        .flatten()
        .find(|one| one.kind == cause::STALE_COOKIE);
    t.must(req::SCTP_COOKIE_EXPIRED_REPORTED, stale.is_some(), "an ERROR", &got)?;
    t.must(req::SCTP_COOKIE_STALE_ERROR, stale.is_some(), "Stale Cookie", &got)?;
    t.should(req::SCTP_COOKIE_STALE_DISCARDED, idle, "no association, no delivery", &got)?;
    t.should(req::SCTP_COOKIE_TIMESTAMP, idle, "a cookie that grows old", got)?;
    let told = stale.and_then(|one| one.value.first_chunk().map(|it| u32::from_be_bytes(*it)));
    let shown = format!("{told:?}");
    t.may(req::SCTP_STALENESS_MAY_BE_TOLD, told.is_some_and(|it| it > 0), "how stale", &shown)?;
    t.should(req::SCTP_STALENESS_ELSE_ZERO, told.is_some(), "a measure or zero", shown)
}

case! {
    id: "sctp.cookies.late-data",
    title: "DATA that comes with the COOKIE ECHO is taken and acknowledged at once",
    reqs: [
        req::SCTP_COOKIE_ECHO_DATA_ACKED,
        req::SCTP_FIRST_DATA_ACKED_AT_ONCE,
        req::SCTP_OOTB_COOKIE_ECHO_PROCESSED,
        req::SCTP_COOKIE_ACK_BEFORE_DATA,
        req::SCTP_COOKIE_ACK_FIRST,
        req::SCTP_COOKIE_ACK_WITH_DATA,
    ],
    kind: SubjectKind::Sctp,
    run: late_data,
}

fn late_data(t: &mut Ctl<'_>, _: &Variant) -> Outcome {
    let mut s = SctpStage::open(t)?;
    let init = s.peer.init();
    s.send(t, &init);
    let (_, answers) = s.until(t, chunk::INIT_ACK)?;
    let echo = t.expect(answers.into_iter().next(), "a COOKIE ECHO of the suite")?;
    let data = s.peer.data(1, DATA);
    let tsn = data.tsn;
    let mark = s.mark();
    s.send_stimulus(t, &echo.with(data), "a COOKIE ECHO with DATA");
    s.listen(t, SOON);
    let got = format!("{}; {}", s.since(mark).join("; "), s.state(t));
    let up = s.is_connected(t) && s.delivered(t) == [(1, DATA.to_vec())];
    t.must(req::SCTP_OOTB_COOKIE_ECHO_PROCESSED, up, "an association and the message", &got)?;
    let acked = s.peer.log.sacks().iter().any(|sack| sack.cumulative == tsn);
    t.should(req::SCTP_COOKIE_ECHO_DATA_ACKED, acked, "a SACK at once", &got)?;
    t.must(req::SCTP_FIRST_DATA_ACKED_AT_ONCE, acked, "a SACK at once", &got)?;
    let kinds: Vec<u8> = s.chunks_since(mark).iter().map(|chunk| chunk.kind).collect();
    let first = kinds.first() == Some(&chunk::COOKIE_ACK);
    t.must(req::SCTP_COOKIE_ACK_BEFORE_DATA, first, "COOKIE ACK before SACK", &got)?;
    t.must(req::SCTP_COOKIE_ACK_FIRST, first, "COOKIE ACK first", &got)?;
    let beside = s.packets_since(mark).first().is_some_and(|packet| packet.has(chunk::SACK));
    t.may(req::SCTP_COOKIE_ACK_WITH_DATA, beside, "SACK in the same packet", got)
}

case! {
    id: "sctp.cookies.stale-error",
    title: "A Stale Cookie error in COOKIE-ECHOED leads to a new INIT or to the end; at other times it is nothing",
    reqs: [
        req::SCTP_STALE_ERROR_CHOICES,
        req::SCTP_STALE_ERROR_UNEXPECTED,
        req::SCTP_STALE_ERROR_STATE_CHECKED,
        req::SCTP_STALE_ERROR_EXTENSION,
        req::SCTP_COOKIE_PRESERVATIVE_MAY_BE_SENT,
    ],
    kind: SubjectKind::Sctp,
    variants: product! { state: ["COOKIE-WAIT", "COOKIE-ECHOED", "ESTABLISHED"] },
    run: stale_error,
}

fn stale_error(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut s = SctpStage::open(t)?;
    let state = v.text("state");
    s.connect(t);
    let (_, answers) = s.until(t, chunk::INIT)?;
    if state != "COOKIE-WAIT" {
        for answer in &answers {
            s.send(t, answer);
        }
        let (_, answers) = s.until(t, chunk::COOKIE_ECHO)?;
        if state == "ESTABLISHED" {
            for answer in answers {
                s.send(t, &answer);
            }
            s.finish(t)?;
        }
    }
    let mark = s.mark();
    let stale = Tlv::new(cause::STALE_COOKIE, 50_000_u32.to_be_bytes()).encode();
    s.say(t, [Chunk::new(chunk::ERROR, stale)], "a Stale Cookie error");
    s.listen(t, SOON);
    let got = s.since(mark).join("; ");
    match state {
        "COOKIE-ECHOED" => {
            let init = s.chunks_since(mark).iter().find_map(Init::read);
            let over = s.is_over(t);
            let done = init.is_some() || over;
            t.may(req::SCTP_STALE_ERROR_CHOICES, done, "a new INIT or the end", &got)?;
            let longer =
                init.and_then(|init| init.find(parameter::COOKIE_PRESERVATIVE).map(<[u8]>::to_vec));
            let asks = longer.is_some();
            t.may(req::SCTP_COOKIE_PRESERVATIVE_MAY_BE_SENT, asks, "a longer life", &got)?;
            let Some(longer) = longer else { return Ok(()) };
            let millis = longer.first_chunk().map_or(0, |it| u32::from_be_bytes(*it));
            t.should(req::SCTP_STALE_ERROR_EXTENSION, millis <= 1_100, "1.1 s at most", millis)
        }
        "ESTABLISHED" => {
            t.should(req::SCTP_STALE_ERROR_STATE_CHECKED, got.is_empty(), "nothing", &got)?;
            let well = s.data_passes(t);
            t.should(req::SCTP_STALE_ERROR_UNEXPECTED, well, "data", "none")
        }
        _ => {
            for answer in answers {
                s.send(t, &answer);
            }
            let up = s.completes(t, LONG);
            t.should(req::SCTP_STALE_ERROR_UNEXPECTED, up, "an association", got)
        }
    }
}
