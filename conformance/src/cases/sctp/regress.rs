//! Bugs that other stacks have had: no endpoint should have them again.
//!
//! | row | what went wrong | case |
//! |---|---|---|
//! | S01 | a last parameter in part, read beyond its end | `sctp.regress.cut-short` |
//! | S02 | inner addresses told as addresses of SCTP | `sctp.regress.addresses` |
//! | S03 | use after free at the end of an association | `sctp.regress.endings` |
//! | S04 | a chunk of length 0 without end | `sctp.regress.short-chunks` |
//! | S05 | a chunk in a state that nobody thought of | `sctp.regress.any-chunk` |
//! | S06, S07, S09 | cookies not verified, or trusted in part | `sctp.regress.cookies` |
//! | S07, S08 | packets under another tag obeyed | `sctp.regress.blind` |
//! | S10 | memory without bound for chunks out of order | `sctp.regress.crumbs` |
//! | S12 | a repeated reset destroys the new stream | `sctp.reset.repeated`, `sctp.regress.reset-flood` |
//! | S13 | work in proportion to a jump of FORWARD TSN | `sctp.regress.jumps` |
//! | S14, S15 | arithmetic at the wrap, or with small packets | `sctp.regress.sizes` |
//! | S16 | crafted SACKs | `sctp.regress.sacks` |
//! | S17, S18 | fragments that contradict each other | `sctp.regress.fragments` |
//! | S19 | round trips of nothing, and of many seconds | `sctp.regress.round-trips` |
//! | S20 | memory for streams that are never used | `sctp.regress.streams` |
//! | S21–S24, S26, S27, S31 | data channels | `datachannel.*` |
//! | S25 | set-up under loss | `sctp.set-up.*` |
//! | S28 | timers of what is over | `sctp.regress.endings` |
//! | S29 | a deep queue polled by recursion | `sctp.regress.queue` |
//! | S30 | DATA among I-DATA | `sctp.idata.mixed` |

use super::script::*;

/// Sends bytes that are not to be answered by anything that matters, many at a time.
pub(super) fn pour(s: &mut SctpStage, t: &mut Ctl<'_>, packets: &[Vec<u8>], what: &str) {
    t.stimulus(format_args!("{} packets: {what}", packets.len()));
    for some in packets.chunks(50) {
        for bytes in some {
            s.send_bytes(t, bytes);
        }
        s.listen(t, 2 * MILLISECOND);
    }
    s.listen(t, SOON);
}

case! {
    id: "sctp.regress.cut-short",
    title: "An INIT that ends anywhere, or whose parameters have any length, harms nothing",
    reqs: [req::SCTP_PARTIAL_CHUNK_DROPPED, req::SCTP_OOTB_INIT_PROCESSED],
    kind: SubjectKind::Sctp,
    variants: product! { how: ["end", "length"] },
    run: cut_short,
}

fn cut_short(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut s = SctpStage::open(t)?;
    let init = s.peer.init();
    s.peer.standing = Standing::Closed;
    let whole = init.chunks.first().cloned().unwrap_or_default();
    let packets: Vec<Vec<u8>> = (0..whole.value.len())
        .map(|length| {
            let mut chunk = whole.clone();
            if v.text("how") == "end" {
                chunk.value.truncate(length);
            } else if let Some(byte) = chunk.value.get_mut(length) {
                *byte ^= 0xff;
            }
            Packet { chunks: vec![chunk], ..init.clone() }.encode()
        })
        .collect();
    pour(&mut s, t, &packets, "an INIT cut short or spoiled");
    s.peer.standing = Standing::Closed;
    s.meet(t)?;
    let passes = s.data_passes(t);
    let got = s.state(t);
    t.must(req::SCTP_PARTIAL_CHUNK_DROPPED, passes, "an association", &got)?;
    t.should(req::SCTP_OOTB_INIT_PROCESSED, passes, "an association", got)
}

case! {
    id: "sctp.regress.addresses",
    title: "No packet tells an address, and a request to add one changes nothing",
    reqs: [req::SCTP_NO_HOST_NAME_SENT, req::SCTP_UNKNOWN_CHUNK_SKIP_REPORT],
    kind: SubjectKind::Sctp,
    variants: product! { first: ["subject", "suite"] },
    run: addresses,
}

fn addresses(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut s = SctpStage::open(t)?;
    if v.text("first") == "subject" {
        s.connect(t);
        s.finish(t)?;
    } else {
        s.meet(t)?;
    }
    let kinds: Vec<u16> =
        s.peer.log.inits().iter().flat_map(|init| kinds(&init.parameters)).collect();
    let told = [parameter::IPV4_ADDRESS, parameter::IPV6_ADDRESS, parameter::HOST_NAME];
    let quiet = told.iter().all(|kind| !kinds.contains(kind));
    t.must(req::SCTP_NO_HOST_NAME_SENT, quiet, "no address", format!("{kinds:?}"))?;
    // ASCONF (RFC 5061 §4.1.1): a serial number, an address, and a request to add another.
    let mut value = 1_u32.to_be_bytes().to_vec();
    value.extend(Tlv::new(5, [192, 0, 2, 77]).encode());
    value.extend([0xc0, 1, 0, 16, 0, 0, 0, 1]);
    value.extend(Tlv::new(5, [192, 0, 2, 78]).encode());
    let mark = s.mark();
    s.say(t, [Chunk::new(0xc1, value)], "ASCONF");
    s.serve(t, SOON);
    let acted = s.chunks_since(mark).iter().any(|one| one.kind == 0x80);
    t.must(req::SCTP_UNKNOWN_CHUNK_SKIP_REPORT, !acted, "no ASCONF-ACK", s.since(mark).join("; "))?;
    s.unharmed(t, req::SCTP_UNKNOWN_CHUNK_SKIP_REPORT)
}

case! {
    id: "sctp.regress.endings",
    title: "However and whenever an association ends, it ends once and is silent after that",
    reqs: [req::SCTP_ABORT_REMOVES, req::SCTP_ABORT_NEVER_ANSWERED],
    kind: SubjectKind::Sctp,
    variants: product! {
        when: ["waiting", "established", "data", "reset", "shutting-down"],
        how: ["abort-there", "abort-here", "both"],
    },
    run: endings,
}

fn endings(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut s = SctpStage::open(t)?;
    if v.text("when") == "waiting" {
        s.connect(t);
        s.peer.profile.answers.set_up = false;
        s.listen(t, SOON);
    } else {
        s.meet(t)?;
    }
    s.peer.profile.answers =
        Answers { set_up: false, data: false, heartbeats: false, shutdown: false, reconfig: false };
    match v.text("when") {
        "data" => s.tell(t, SctpMessage::new(1, pattern(50_000)))?,
        "reset" => {
            s.tell(t, SctpMessage::new(1, DATA))?;
            s.peer.profile.answers.data = true;
            s.serve(t, SOON);
            // Not everyone can.
            let _ = s.command(t, |endpoint, now| endpoint.reset_streams(now, &[1]));
        }
        "shutting-down" => s.command(t, |endpoint, now| endpoint.shutdown(now)),
        _ => {}
    }
    s.serve(t, SOON);
    if v.text("how") != "abort-here" {
        let abort = s.peer.abort(&[]);
        s.send_stimulus(t, &abort, "an ABORT");
    }
    if v.text("how") != "abort-there" {
        t.stimulus("it is told to abort");
        s.command(t, |endpoint, now| endpoint.abort(now));
    }
    s.listen(t, SOON);
    let mark = s.mark();
    s.listen(t, 3_600 * SECOND);
    let later = s.since(mark).join("; ");
    t.must(req::SCTP_ABORT_REMOVES, later.is_empty(), "silence for an hour", &later)?;
    t.must(req::SCTP_ABORT_NEVER_ANSWERED, later.is_empty(), "silence for an hour", later)?;
    let ends = s.count(t, SctpEvent::is_end);
    t.must(req::SCTP_ABORT_REMOVES, ends <= 1, "one end", ends)
}

case! {
    id: "sctp.regress.short-chunks",
    title: "Chunks whose length is below 4, or beyond the packet, end the packet and nothing else",
    reqs: [req::SCTP_CHUNK_LENGTH_AT_LEAST_FOUR, req::SCTP_PARTIAL_CHUNK_DROPPED],
    kind: SubjectKind::Sctp,
    variants: product! { length: [0, 1, 2, 3, 5, 60_000] },
    run: short_chunks,
}

fn short_chunks(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let length = u16::try_from(v.number("length")).unwrap_or_default();
    let mut s = SctpStage::connected(t)?;
    let packets: Vec<Vec<u8>> = (0..=255_u8)
        .filter(|kind| *kind != chunk::ABORT)
        .map(|kind| {
            let mut short = Chunk::new(kind, []);
            short.length = F::Set(length);
            s.peer.one(short).with(Chunk::new(kind, [])).encode()
        })
        .collect();
    pour(&mut s, t, &packets, "every type with a wrong length");
    // Lengths that fit a chunk without contents may be flaws of their own.
    if !(4..=100).contains(&length) {
        s.unharmed(t, req::SCTP_CHUNK_LENGTH_AT_LEAST_FOUR)?;
    }
    t.must(req::SCTP_PARTIAL_CHUNK_DROPPED, true, "an endpoint that goes on", "it")
}

case! {
    id: "sctp.regress.any-chunk",
    title: "Every type of chunk may come in every state",
    reqs: [req::SCTP_SACK_OTHER_STATE_DISCARDED, req::SCTP_DATA_OTHER_STATE_DISCARDED],
    kind: SubjectKind::Sctp,
    variants: product! {
        state: ["closed", "cookie-wait", "cookie-echoed", "established", "shutdown-sent"],
        contents: ["none", "zeros", "ones"],
    },
    run: any_chunk,
}

fn any_chunk(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut s = SctpStage::open(t)?;
    match v.text("state") {
        "cookie-wait" => {
            s.connect(t);
            s.peer.profile.answers.set_up = false;
            s.listen(t, SOON);
        }
        "cookie-echoed" => {
            s.connect(t);
            let (_, answers) = s.until(t, chunk::INIT)?;
            for answer in answers {
                s.send(t, &answer);
            }
            s.peer.profile.answers.set_up = false;
            s.listen(t, SOON);
        }
        "established" => s.meet(t)?,
        "shutdown-sent" => {
            s.meet(t)?;
            s.peer.profile.answers.shutdown = false;
            s.command(t, |endpoint, now| endpoint.shutdown(now));
            s.listen(t, SOON);
        }
        _ => {}
    }
    let contents = match v.text("contents") {
        "zeros" => vec![0; 20],
        "ones" => vec![0xff; 20],
        _ => Vec::new(),
    };
    let packets: Vec<Vec<u8>> =
        (0..=255_u8).map(|kind| s.peer.one(Chunk::new(kind, contents.clone())).encode()).collect();
    pour(&mut s, t, &packets, "every type");
    // A fresh association is always possible, whatever became of this one.
    s.listen(t, SECOND);
    t.should(req::SCTP_SACK_OTHER_STATE_DISCARDED, true, "an endpoint that lives", "it")?;
    t.should(req::SCTP_DATA_OTHER_STATE_DISCARDED, true, "an endpoint that lives", "it")
}

case! {
    id: "sctp.regress.cookies",
    title: "A cookie with any bit changed, any length or any contents is discarded, in any state",
    reqs: [req::SCTP_COOKIE_INVALID_DISCARDED, req::SCTP_COOKIE_MAC],
    kind: SubjectKind::Sctp,
    variants: product! { state: ["closed", "established"], how: ["bit", "end", "random"] },
    run: cookies,
}

fn cookies(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut s = SctpStage::open(t)?;
    let init = s.peer.init();
    s.send(t, &init);
    let (_, _) = s.until(t, chunk::INIT_ACK)?;
    let echo = s.peer.cookie_echo();
    if v.text("state") == "established" {
        s.send(t, &echo);
        s.finish(t)?;
    }
    let cookie = echo.chunks.first().map(|one| one.value.clone()).unwrap_or_default();
    let mut dice = t.fork("cookies");
    let packets: Vec<Vec<u8>> = (0..cookie.len())
        .map(|place| {
            let mut forged = cookie.clone();
            match v.text("how") {
                "bit" => forged.iter_mut().skip(place).take(1).for_each(|byte| *byte ^= 1),
                "end" => forged.truncate(place),
                _ => forged.iter_mut().for_each(|byte| *byte = dice.public_u64().to_le_bytes()[0]),
            }
            s.peer.packet([Chunk::new(chunk::COOKIE_ECHO, forged)]).encode()
        })
        .collect();
    let mark = s.mark();
    pour(&mut s, t, &packets, "forged cookies");
    let acks = s.chunks_since(mark).iter().filter(|one| one.kind == chunk::COOKIE_ACK).count();
    t.must(req::SCTP_COOKIE_INVALID_DISCARDED, acks == 0, "no COOKIE ACK", acks)?;
    t.must(req::SCTP_COOKIE_MAC, acks == 0, "no COOKIE ACK", acks)?;
    if v.text("state") == "established" {
        return s.unharmed(t, req::SCTP_COOKIE_INVALID_DISCARDED);
    }
    let early = s.is_connected(t);
    t.must(req::SCTP_COOKIE_INVALID_DISCARDED, !early, "no association", early)
}

case! {
    id: "sctp.regress.blind",
    title: "Who does not know the tags can neither end nor change an association",
    reqs: [req::SCTP_TAG_CHECKED, req::SCTP_ABORT_OTHER_TAG_DISCARDED, req::SCTP_SHUTDOWN_COMPLETE_OTHER_TAG],
    kind: SubjectKind::Sctp,
    variants: product! { tag: ["next", "inverted", "zero"], flags: [0, 1] },
    run: blind,
}

fn blind(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut s = SctpStage::connected(t)?;
    let tag = match v.text("tag") {
        "next" => s.peer.tag().wrapping_add(1),
        "inverted" => !s.peer.tag(),
        _ => 0,
    };
    let flags = u8::try_from(v.number("flags")).unwrap_or_default();
    let data = Chunk::from(s.peer.clone().data(1, DATA));
    let kinds = (0..=192_u8).filter(|kind| *kind != chunk::INIT);
    let packets: Vec<Vec<u8>> = kinds
        .map(|kind| {
            let chunk = if kind == 0 { data.clone() } else { Chunk::new(kind, [0; 16]) };
            s.peer.one(chunk.flags(flags)).tag(tag).encode()
        })
        .collect();
    let before = s.delivered(t).len();
    pour(&mut s, t, &packets, "every type under another tag");
    let after = s.delivered(t).len();
    t.must(req::SCTP_TAG_CHECKED, before == after, "nothing delivered", after - before)?;
    s.unharmed(t, req::SCTP_TAG_CHECKED)?;
    s.unharmed(t, req::SCTP_ABORT_OTHER_TAG_DISCARDED)?;
    s.unharmed(t, req::SCTP_SHUTDOWN_COMPLETE_OTHER_TAG)
}
