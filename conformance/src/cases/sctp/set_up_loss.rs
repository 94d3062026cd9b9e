//! Associations set up with packets lost: RFC 9260 §4, §5.1.

use super::script::*;

/// Far beyond any end of patience.
const HOURS: Duration = Duration::from_secs(1_800);

case! {
    id: "sctp.set-up.lost",
    title: "The association is set up whichever of the four packets is lost, once or twice",
    reqs: [
        req::SCTP_INIT_RETRANSMITTED,
        req::SCTP_COOKIE_ECHO_RETRANSMITTED,
        req::SCTP_COOKIE_ECHO_STARTS_TIMER,
        req::SCTP_COOKIE_CASE_D_ACK,
        req::SCTP_COOKIE_CASE_D_ESTABLISHED,
    ],
    kind: SubjectKind::Sctp,
    variants: product! {
        begins: ["suite", "endpoint"],
        lost: ["INIT_ACK", "COOKIE_ACK", "INIT", "COOKIE_ECHO"],
        times: [1, 2],
    },
    run: lost,
}

fn lost(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let kind = t.expect(chunk::by_name(v.text("lost")), "the name of a chunk")?;
    let mut left = v.number("times");
    let mut s = SctpStage::open(t)?;
    let suite_begins = v.text("begins") == "suite";
    if suite_begins {
        let init = s.peer.init();
        send_unless(t, &s, &init, kind, &mut left);
    } else {
        s.connect(t);
    }
    t.stimulus(format_args!("{} is lost", v.text("lost")));
    let until = t.now() + 6 * LONG;
    let mut last = None;
    while !(s.is_up(t)) && t.now() < until {
        let before = s.mark();
        match s.hear(t, 3 * SECOND) {
            // What comes from the endpoint may be lost as well.
            Some(answers) => {
                let has = s.packets_since(before).iter().any(|packet| packet.has(kind));
                if has && left > 0 {
                    left -= 1;
                    s.peer.standing = Standing::Waiting;
                    continue;
                }
                for answer in answers {
                    send_unless(t, &s, &answer, kind, &mut left);
                    last = Some(answer);
                }
            }
            // Nothing comes: the timer of the suite, if it is the one that begins.
            None if suite_begins => {
                let again = last.clone().unwrap_or_else(|| s.peer.init());
                send_unless(t, &s, &again, kind, &mut left);
            }
            None => {}
        }
    }
    s.serve(t, SOON);
    let done = s.is_up(t) && s.data_passes(t);
    let got = s.state(t);
    t.must(req::SCTP_INIT_RETRANSMITTED, done, "an association that stands, and data", &got)?;
    t.must(req::SCTP_COOKIE_ECHO_RETRANSMITTED, done, "an association that stands", &got)?;
    t.must(req::SCTP_COOKIE_ECHO_STARTS_TIMER, done, "an association that stands", &got)?;
    t.should(req::SCTP_COOKIE_CASE_D_ACK, done, "an association that stands", &got)?;
    t.should(req::SCTP_COOKIE_CASE_D_ESTABLISHED, done, "an association that stands", got)
}

fn send_unless(t: &mut Ctl<'_>, s: &SctpStage, packet: &Packet, kind: u8, left: &mut u64) {
    if packet.has(kind) && *left > 0 {
        *left -= 1;
    } else {
        s.send(t, packet);
    }
}

case! {
    id: "sctp.set-up.unanswered",
    title: "INIT and COOKIE ECHO are repeated at doubling distances, with the same content, until the endpoint gives up",
    reqs: [
        req::SCTP_INIT_RETRANSMITTED,
        req::SCTP_INIT_RETRANSMISSION_LIMIT,
        req::SCTP_INIT_GIVES_UP,
        req::SCTP_INIT_TIMER_RULES,
        req::SCTP_T1_TIMERS_AS_T3,
        req::SCTP_COOKIE_ECHO_RETRANSMITTED,
        req::SCTP_COOKIE_ECHO_RETRANSMISSION_LIMIT,
        req::SCTP_COOKIE_ECHO_GIVES_UP,
        req::SCTP_RTO_INITIAL,
    ],
    kind: SubjectKind::Sctp,
    needs: [Cap::SctpTimeouts],
    variants: product! { what: ["INIT", "COOKIE_ECHO"] },
    run: unanswered,
}

fn unanswered(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let kind = t.expect(chunk::by_name(v.text("what")), "the name of a chunk")?;
    let mut s = SctpStage::with(t, |setup| {
        setup.config.rto = Some((SECOND, SECOND, 60 * SECOND));
        setup.config.max_init_retransmits = Some(4);
    })?;
    s.connect(t);
    if kind == chunk::COOKIE_ECHO {
        let (_, answers) = s.until(t, chunk::INIT)?;
        for answer in answers {
            s.send(t, &answer);
        }
    }
    t.stimulus("silence");
    s.listen(t, HOURS);
    let those: Vec<usize> = (0..s.mark())
        .filter(|place| s.peer.log.packets.get(*place).is_some_and(|packet| packet.has(kind)))
        .collect();
    let times: Vec<_> = those.iter().filter_map(|place| s.times.get(*place).copied()).collect();
    let gaps: Vec<Duration> =
        times.iter().zip(times.iter().skip(1)).map(|(one, next)| *next - *one).collect();
    let first = those.first().and_then(|place| s.peer.log.bytes.get(*place).cloned());
    let same = those.iter().all(|place| s.peer.log.bytes.get(*place).cloned() == first);
    let doubles = gaps.iter().zip(gaps.iter().skip(1)).all(|(one, next)| {
        let least = one.mul_f64(1.8);
        *next >= least && *next <= one.mul_f64(2.4)
    });
    let got = format!("{gaps:?}, the same: {same}");
    let over = s.is_over(t);
    let early = gaps.first().is_some_and(|gap| *gap >= SECOND * 9 / 10 && *gap <= 2 * SECOND);
    t.must(req::SCTP_RTO_INITIAL, early, "a second at first", &got)?;
    t.should(req::SCTP_T1_TIMERS_AS_T3, doubles, "doubling distances", &got)?;
    if kind == chunk::INIT {
        t.must(req::SCTP_INIT_RETRANSMITTED, !gaps.is_empty() && same, "repetitions", &got)?;
        t.must(req::SCTP_INIT_TIMER_RULES, doubles, "doubling distances", &got)?;
        t.must(req::SCTP_INIT_RETRANSMISSION_LIMIT, gaps.len() == 4, "four repetitions", &got)?;
        t.must(req::SCTP_INIT_GIVES_UP, over, "an end that is reported", "none")
    } else {
        t.must(req::SCTP_COOKIE_ECHO_RETRANSMITTED, !gaps.is_empty() && same, "repetitions", &got)?;
        let limit = req::SCTP_COOKIE_ECHO_RETRANSMISSION_LIMIT;
        t.must(limit, gaps.len() == 4, "four repetitions", &got)?;
        t.must(req::SCTP_COOKIE_ECHO_GIVES_UP, over, "an end that is reported", "none")
    }
}
