//! Heartbeats: RFC 9260 §3.3.5, §3.3.6, §8.1, §8.3.

use super::script::*;

case! {
    id: "sctp.heartbeat.answered",
    title: "A HEARTBEAT is answered at once with what it carried",
    reqs: [
        req::SCTP_HEARTBEAT_ANSWERED,
        req::SCTP_HEARTBEAT_INFO_RETURNED,
        req::SCTP_HEARTBEAT_ACK_AT_ONCE,
        req::SCTP_HEARTBEAT_ANSWERED_IN_STATES,
        req::SCTP_REPLIES_TO_SOURCE,
    ],
    kind: SubjectKind::Sctp,
    variants: product! { length: [0, 1, 40, 1_000], state: ["ESTABLISHED", "COOKIE-ECHOED"] },
    run: answered,
}

fn answered(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let length = usize::try_from(v.number("length")).unwrap_or(0);
    let mut s = SctpStage::open(t)?;
    if v.text("state") == "ESTABLISHED" {
        s.meet(t)?;
    } else {
        s.connect(t);
        let (_, answers) = s.until(t, chunk::INIT)?;
        for answer in answers {
            s.send(t, &answer);
        }
        let _ = s.until(t, chunk::COOKIE_ECHO)?;
    }
    let mark = s.mark();
    let packet = s.peer.heartbeat(&pattern(length));
    s.send_stimulus(t, &packet, "HEARTBEAT");
    s.listen(t, SOON);
    if v.text("state") != "ESTABLISHED" {
        // RFC 9260 §5.1 C lets no packet out before the COOKIE ACK has come.
        let ack = s.peer.one(bare(chunk::COOKIE_ACK));
        s.send(t, &ack);
        s.listen(t, SOON);
    }
    let ack = s.chunks_since(mark).into_iter().find(|one| one.kind == chunk::HEARTBEAT_ACK);
    let got = s.since(mark).join("; ");
    t.must(req::SCTP_HEARTBEAT_ANSWERED_IN_STATES, ack.is_some(), "HEARTBEAT ACK", &got)?;
    t.must(req::SCTP_HEARTBEAT_ANSWERED, ack.is_some(), "HEARTBEAT ACK", &got)?;
    let sent = packet.chunks.first().map(|chunk| chunk.value.clone());
    let same = ack.map(|chunk| chunk.value) == sent;
    t.must(req::SCTP_HEARTBEAT_INFO_RETURNED, same, "the same information", &got)?;
    t.should(req::SCTP_HEARTBEAT_ACK_AT_ONCE, same, "at once", &got)?;
    t.should(req::SCTP_REPLIES_TO_SOURCE, true, "an answer to the source", got)
}

case! {
    id: "sctp.heartbeat.idle",
    title: "An idle path is probed about once in an interval; without answers the association ends",
    reqs: [
        req::SCTP_HEARTBEAT_PROBES,
        req::SCTP_HEARTBEAT_WHEN_IDLE,
        req::SCTP_HEARTBEAT_INTERVAL,
        req::SCTP_HEARTBEAT_ONE_AT_A_TIME,
        req::SCTP_HEARTBEAT_COUNTS_ERROR,
        req::SCTP_HEARTBEAT_ACK_CLEARS,
        req::SCTP_HEARTBEAT_ACK_CLEARS_OVERALL,
        req::SCTP_ERROR_COUNTER_RESET_BY_HEARTBEAT,
        req::SCTP_UNREACHABLE_CLOSES,
    ],
    kind: SubjectKind::Sctp,
    needs: [Cap::SctpHeartbeatInterval, Cap::SctpTimeouts],
    variants: product! { answers: ["all", "none", "every third"] },
    run: idle,
}

fn idle(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut s = SctpStage::connected_with(t, |setup| {
        setup.config.heartbeat = Some(5 * SECOND);
        setup.config.rto = Some((SECOND, SECOND, 4 * SECOND));
        setup.config.max_retransmits = Some(4);
        setup.profile.answers.heartbeats = false;
    })?;
    t.stimulus("a path without data");
    let every = match v.text("answers") {
        "all" => 1,
        "none" => usize::MAX,
        _ => 3,
    };
    let until = t.now() + 120 * SECOND;
    let mut seen = 0;
    let mut times = Vec::new();
    loop {
        let (mark, left) = (s.mark(), until - t.now());
        if s.hear(t, left).is_none() {
            break;
        }
        for beat in s.chunks_since(mark).into_iter().filter(|one| one.kind == chunk::HEARTBEAT) {
            seen += 1;
            times.extend(s.times.last().copied());
            if seen % every == 0 {
                let ack = s.peer.one(Chunk::new(chunk::HEARTBEAT_ACK, beat.value));
                s.send(t, &ack);
            }
        }
    }
    let gaps: Vec<Duration> =
        times.iter().zip(times.iter().skip(1)).map(|(one, next)| *next - *one).collect();
    let got = format!("{seen} heartbeats {gaps:?}");
    t.should(req::SCTP_HEARTBEAT_PROBES, seen > 0, "heartbeats", &got)?;
    t.should(req::SCTP_HEARTBEAT_WHEN_IDLE, seen > 0, "heartbeats", &got)?;
    let over = s.is_over(t);
    match v.text("answers") {
        "none" => {
            t.should(req::SCTP_HEARTBEAT_COUNTS_ERROR, over, "the end", &got)?;
            t.should(req::SCTP_UNREACHABLE_CLOSES, over, "the end", &got)
        }
        _ => {
            t.should(req::SCTP_HEARTBEAT_ACK_CLEARS, !over, "no end", &got)?;
            t.should(req::SCTP_HEARTBEAT_ACK_CLEARS_OVERALL, !over, "no end", &got)?;
            t.should(req::SCTP_ERROR_COUNTER_RESET_BY_HEARTBEAT, !over, "no end", &got)?;
            if every > 1 {
                return Ok(());
            }
            let right = gaps.iter().all(|gap| *gap >= 5 * SECOND && *gap <= 7 * SECOND);
            t.should(req::SCTP_HEARTBEAT_INTERVAL, right, "between 5.5 and 6.5 s", &got)?;
            t.should(req::SCTP_HEARTBEAT_ONE_AT_A_TIME, right, "one at a time", got)
        }
    }
}
