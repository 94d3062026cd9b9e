//! Both ends begin at once, and what comes late: RFC 9260 §5.2.

use super::script::*;

/// What the suite has to say in a collision.
#[derive(Default)]
struct Hand {
    init_ack: Option<Packet>,
    cookie_echo: Option<Packet>,
    cookie_ack: Option<Packet>,
}

impl Hand {
    /// Hears everything for a while, and keeps what would answer it.
    fn draw(&mut self, s: &mut SctpStage, t: &mut Ctl<'_>) {
        for packet in s.listen(t, SOON) {
            match packet.kinds().first() {
                Some(&chunk::INIT_ACK) => self.init_ack = Some(packet),
                Some(&chunk::COOKIE_ECHO) => self.cookie_echo = Some(packet),
                Some(&chunk::COOKIE_ACK) => self.cookie_ack = Some(packet),
                _ => {}
            }
        }
    }
}

case! {
    id: "sctp.collision.orders",
    title: "Two ends that begin at once meet in one association, in whatever order their packets come, one of them lost or not",
    reqs: [
        req::SCTP_ONE_ASSOCIATION_PER_PAIR,
        req::SCTP_COLLISION_SAME_PARAMETERS,
        req::SCTP_COLLISION_ECHOED_SAME_PARAMETERS,
        req::SCTP_COLLISION_NEW_COOKIE,
        req::SCTP_COLLISION_KEEPS_STATE,
        req::SCTP_COLLISION_SOURCE_ADDRESS,
        req::SCTP_COOKIE_CASE_D_ACK,
        req::SCTP_COOKIE_CASE_D_ESTABLISHED,
        req::SCTP_COOKIE_ECHO_EXISTING,
        req::SCTP_COOKIE_ACK_UNEXPECTED,
    ],
    kind: SubjectKind::Sctp,
    variants: product! {
        // I, A, E and K are INIT, INIT ACK, COOKIE ECHO and COOKIE ACK of the suite.
        order: ["IEAK", "IAEK", "IAKE", "AKIE", "AIKE", "AIEK"],
        lost: ["none", "I", "A", "E", "K"],
    },
    run: orders,
}

fn orders(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let (order, lost) = (v.text("order"), v.text("lost"));
    let mut s = SctpStage::open(t)?;
    s.connect(t);
    t.stimulus(format_args!("{order} of the suite, of which {lost} is lost"));
    let mut hand = Hand::default();
    hand.draw(&mut s, t);
    for letter in order.chars() {
        let packet = match letter {
            'I' => Some(s.peer.init()),
            'A' => hand.init_ack.take(),
            'E' => hand.cookie_echo.take(),
            _ => hand.cookie_ack.take(),
        };
        if let Some(packet) = packet.filter(|_| !lost.contains(letter)) {
            s.send(t, &packet);
        }
        hand.draw(&mut s, t);
    }
    settle(t, &mut s);
    let done = s.is_up(t) && s.data_passes(t);
    let connects = s.count(t, |event| *event == SctpEvent::Connected);
    let restarts = s.count(t, |event| *event == SctpEvent::Restarted);
    let got = format!("{}; connected {connects}, restarted {restarts}", s.state(t));
    let one = done && connects == 1 && restarts == 0;
    t.must(req::SCTP_ONE_ASSOCIATION_PER_PAIR, one, "one association, and data", &got)?;
    t.must(req::SCTP_COLLISION_KEEPS_STATE, one, "one association, and data", &got)?;
    t.should(req::SCTP_COOKIE_CASE_D_ACK, one, "one association, and data", &got)?;
    t.should(req::SCTP_COOKIE_CASE_D_ESTABLISHED, one, "one association, and data", &got)?;
    t.should(req::SCTP_COOKIE_ECHO_EXISTING, one, "one association, and data", &got)?;
    t.should(req::SCTP_COOKIE_ACK_UNEXPECTED, one, "one association, and data", &got)?;
    // An INIT that comes before the association stands is answered with the values of the own one.
    if !order.starts_with("AK") && lost == "none" {
        let inits = s.peer.log.inits();
        let own = inits.iter().find(|init| !init.is_ack);
        let answer = inits.iter().find(|init| init.is_ack);
        let (Some(own), Some(answer)) = (own, answer) else {
            return Err(Stop::Inconclusive("no INIT or no INIT ACK".to_owned()));
        };
        let same = (own.tag, own.tsn) == (answer.tag, answer.tsn)
            && (own.outgoing, own.incoming) == (answer.outgoing, answer.incoming);
        let got = format!("tag {:08x} and {:08x}", own.tag, answer.tag);
        let requirement = if order.starts_with('I') {
            req::SCTP_COLLISION_SAME_PARAMETERS
        } else {
            req::SCTP_COLLISION_ECHOED_SAME_PARAMETERS
        };
        t.must(requirement, same, "the same values", got)?;
        let cookie = answer.has(parameter::STATE_COOKIE);
        t.must(req::SCTP_COLLISION_NEW_COOKIE, cookie, "a cookie", "none")?;
        t.should(req::SCTP_COLLISION_SOURCE_ADDRESS, true, "an answer to the source", "one")?;
    }
    Ok(())
}

/// Goes on until both ends are connected: answers everything, and repeats what the suite waits for.
fn settle(t: &mut Ctl<'_>, s: &mut SctpStage) {
    let until = t.now() + 3 * LONG;
    while !s.is_up(t) && t.now() < until {
        if let Some(answers) = s.hear(t, 2 * SECOND) {
            for answer in answers {
                s.send(t, &answer);
            }
            continue;
        }
        let has_cookie = s.peer.theirs.as_ref().is_some_and(|theirs| theirs.init.is_ack);
        let again = match s.peer.standing {
            Standing::Echoed if has_cookie => s.peer.cookie_echo(),
            Standing::Established => continue,
            _ => s.peer.init(),
        };
        s.send(t, &again);
    }
    s.serve(t, SOON);
}

case! {
    id: "sctp.collision.late",
    title: "A packet of the set-up that comes again in ESTABLISHED harms nothing",
    reqs: [
        req::SCTP_UNEXPECTED_INIT_ANSWERED,
        req::SCTP_UNEXPECTED_INIT_NO_CHANGE,
        req::SCTP_UNEXPECTED_INIT_ACK_TAG,
        req::SCTP_UNEXPECTED_INIT_NEW_TAG,
        req::SCTP_UNEXPECTED_INIT_SAME_STREAMS,
        req::SCTP_INIT_ACK_UNEXPECTED_DISCARDED,
        req::SCTP_COOKIE_CASE_D_ACK,
        req::SCTP_COOKIE_ACK_UNEXPECTED,
        req::SCTP_TAG_CONSTANT,
    ],
    kind: SubjectKind::Sctp,
    variants: product! {
        begins: ["suite", "endpoint", "both"],
        what: ["INIT", "INIT_ACK", "COOKIE_ECHO", "COOKIE_ACK"],
        after: ["nothing", "data", "minutes"],
    },
    run: late,
}

fn late(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let what = v.text("what");
    let mut s = SctpStage::open(t)?;
    if v.text("begins") != "suite" {
        s.connect(t);
    }
    if v.text("begins") != "endpoint" {
        let init = s.peer.init();
        s.send(t, &init);
    }
    let mut said = vec![s.peer.init_body().into()];
    let until = t.now() + LONG;
    while !s.is_up(t) && t.now() < until {
        let Some(answers) = s.hear(t, SOON) else { continue };
        for answer in answers {
            said.extend(answer.chunks.iter().cloned());
            s.send(t, &answer);
        }
    }
    s.serve(t, SOON);
    let up = s.is_up(t);
    t.precondition(up, "an association")?;
    match v.text("after") {
        "data" => {
            let passes = s.data_passes(t);
            t.precondition(passes, "data")?;
        }
        "minutes" => s.serve(t, 70 * SECOND),
        _ => {}
    }
    let kind = t.expect(chunk::by_name(what), "the name of a chunk")?;
    let old = said.into_iter().find(|chunk: &Chunk| chunk.kind == kind);
    // What the suite had no occasion to say is made up.
    let old = match (old, kind) {
        (Some(old), _) => old,
        (None, chunk::INIT_ACK) => t.expect(s.peer.init_ack().chunks.pop(), "an INIT ACK")?,
        (None, chunk::COOKIE_ACK) => bare(chunk::COOKIE_ACK),
        _ => return Err(Stop::Unsupported("nothing of this kind was said".to_owned())),
    };
    let tag = if kind == chunk::INIT { 0 } else { s.peer.tag() };
    let (mark, own) = (s.mark(), s.peer.tag());
    let packet = s.peer.one(old).tag(tag);
    s.send_stimulus(t, &packet, "the packet again");
    s.listen(t, SOON);
    judge_late(t, &mut s, kind, (mark, own))
}

/// What an association that stands makes of a `kind` that comes again, by what was said since `mark`.
fn judge_late(t: &mut Ctl<'_>, s: &mut SctpStage, kind: u8, (mark, own): (usize, u32)) -> Outcome {
    let new = s.packets_since(mark);
    let got = s.since(mark).join("; ");
    match kind {
        chunk::INIT => {
            let answer =
                new.iter().find_map(|packet| packet.find(chunk::INIT_ACK).and_then(Init::read));
            t.must(req::SCTP_UNEXPECTED_INIT_ANSWERED, answer.is_some(), "INIT ACK", &got)?;
            let body = t.expect(answer, "an INIT ACK")?;
            let tag = new.first().map_or(0, |packet| packet.tag);
            let right = tag == s.peer.profile.tag;
            t.must(req::SCTP_UNEXPECTED_INIT_ACK_TAG, right, "the initiate tag", tag)?;
            let fresh = body.tag != own;
            t.must(req::SCTP_UNEXPECTED_INIT_NEW_TAG, fresh, "a new tag", "the old one")?;
            let same = body.outgoing > 0 && body.incoming > 0;
            t.should(req::SCTP_UNEXPECTED_INIT_SAME_STREAMS, same, "streams", "none")?;
            s.unharmed(t, req::SCTP_UNEXPECTED_INIT_NO_CHANGE)?;
        }
        chunk::INIT_ACK => {
            t.should(req::SCTP_INIT_ACK_UNEXPECTED_DISCARDED, got.is_empty(), "silence", got)?;
        }
        chunk::COOKIE_ECHO => {
            let acked = new.iter().any(|packet| packet.has(chunk::COOKIE_ACK)) || got.is_empty();
            t.should(req::SCTP_COOKIE_CASE_D_ACK, acked, "COOKIE ACK", got)?;
        }
        _ => t.should(req::SCTP_COOKIE_ACK_UNEXPECTED, got.is_empty(), "silence", got)?,
    }
    s.unharmed(t, req::SCTP_TAG_CONSTANT)
}

case! {
    id: "sctp.collision.strange-cookies",
    title: "A cookie of an old attempt is discarded without a word; one that knows the peer's tag better is taken",
    reqs: [
        req::SCTP_COOKIE_CASE_C_DISCARDED,
        req::SCTP_COOKIE_CASE_C_NO_CHANGE,
        req::SCTP_COOKIE_NO_CASE_DISCARDED,
        req::SCTP_COOKIE_COLLISION_TAKES_TAG,
        req::SCTP_COOKIE_COLLISION_ESTABLISHED,
        req::SCTP_TIE_TAGS_ZERO,
    ],
    kind: SubjectKind::Sctp,
    needs: [Cap::SctpSeeded],
    variants: product! { what: ["C", "none", "B"] },
    run: strange_cookies,
}

fn strange_cookies(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let what = v.text("what");
    let mut s = SctpStage::open(t)?;
    let tag = s.peer.profile.tag;
    if what == "B" {
        s.connect(t);
        let (_, answers) = s.until(t, chunk::INIT)?;
        // The INIT of the suite has another tag than its INIT ACK.
        let mut body = s.peer.init_body();
        body.tag = tag ^ 0x7700;
        let init = s.peer.one(body).tag(0);
        s.send(t, &init);
        let (packet, echo) = until_init_ack(t, &mut s)?;
        for answer in answers {
            s.send(t, &answer);
        }
        s.listen(t, SOON);
        let mark = s.mark();
        s.send_stimulus(t, &echo, "a cookie with another tag of the peer's");
        s.listen(t, SOON);
        let acks: Vec<u32> = s
            .packets_since(mark)
            .iter()
            .filter(|packet| packet.has(chunk::COOKIE_ACK))
            .map(|packet| packet.tag)
            .collect();
        let got = format!("{acks:x?}, INIT ACK to {:x}", packet.tag);
        let right = acks == [tag ^ 0x7700];
        t.must(req::SCTP_COOKIE_COLLISION_TAKES_TAG, right, "COOKIE ACK to that tag", &got)?;
        s.peer.profile.tag = tag ^ 0x7700;
        s.peer.standing = Standing::Established;
        let well = s.is_connected(t) && s.data_passes(t);
        return t.should(req::SCTP_COOKIE_COLLISION_ESTABLISHED, well, "data", got);
    }
    // A cookie of before the endpoint begins by itself.
    if what == "none" {
        s.peer.profile.tag = tag ^ 0x7700;
    }
    let init = s.peer.init();
    s.send(t, &init);
    let (_, echo) = until_init_ack(t, &mut s)?;
    s.peer.restart(tag, s.peer.profile.tsn);
    s.connect(t);
    s.finish(t)?;
    let passes = s.data_passes(t);
    t.precondition(passes, "data")?;
    let mark = s.mark();
    s.send_stimulus(t, &echo, "a cookie of an old attempt");
    s.listen(t, SOON);
    // Kinds alone: numbers and tags are dice of the subject.
    let said: Vec<_> = s.packets_since(mark).iter().map(Packet::kinds).collect();
    let got = if said.is_empty() { String::new() } else { format!("chunks {said:?}") };
    let quiet = got.is_empty();
    if what == "C" {
        t.should(req::SCTP_COOKIE_CASE_C_DISCARDED, quiet, "silence", &got)?;
    } else {
        t.should(req::SCTP_COOKIE_NO_CASE_DISCARDED, quiet, "silence", &got)?;
        let restarts = s.count(t, |event| *event == SctpEvent::Restarted);
        t.must(req::SCTP_TIE_TAGS_ZERO, restarts == 0, "no restart", restarts)?;
    }
    let well = s.data_passes(t) && !s.is_over(t);
    if what == "C" {
        t.should(req::SCTP_COOKIE_CASE_C_NO_CHANGE, well, "data", got)
    } else {
        t.must(req::SCTP_TIE_TAGS_ZERO, well, "data", got)
    }
}

/// Hears until an INIT ACK has come; gives it, and the cookie back.
fn until_init_ack(t: &mut Ctl<'_>, s: &mut SctpStage) -> Result<(Packet, Packet), Stop> {
    while s.hear(t, SECOND).is_some() {
        let Some(packet) = s.peer.log.packets.last().cloned() else { continue };
        let Some(body) = packet.find(chunk::INIT_ACK).and_then(Init::read) else { continue };
        let cookie = body.find(parameter::STATE_COOKIE).unwrap_or_default().to_vec();
        let echo = s.peer.one(Chunk::new(chunk::COOKIE_ECHO, cookie)).tag(body.tag);
        return Ok((packet, echo));
    }
    Err(Stop::Inconclusive("no INIT ACK comes".to_owned()))
}
