//! When a client repeats its request and when it gives up: RFC 8489 §6.2.1.

use super::script::*;

case! {
    id: "stun.client.schedule",
    title: "An unanswered request is repeated at doubling intervals, seven times in all, then given up",
    reqs: [
        req::STUN_RETRANSMIT_DOUBLES,
        req::STUN_RTO_INITIAL_AT_LEAST_500MS,
        req::STUN_RTO_FIXED_LINE_500MS,
        req::STUN_RC_DEFAULT_SEVEN,
        req::STUN_FINAL_WAIT,
        req::STUN_RM_DEFAULT_SIXTEEN,
        req::STUN_TRANSACTION_ID_KEPT_ON_RESEND,
    ],
    kind: SubjectKind::StunClient,
    needs: [Cap::Retransmission],
    run: schedule,
}

fn schedule(t: &mut Ctl<'_>, _v: &Variant) -> Outcome {
    let mut stage = ClientStage::open(t, |_| {})?;
    let begin = t.now();
    stage.start(t)?;
    let told = stage.event(t, 120 * SECOND);
    let end = millis(stage.told_at() - begin);
    let sent = stage.take_sent(t);
    let times: Vec<u64> = sent.iter().map(|one| millis(one.sent_at() - begin)).collect();
    let shown = format!("{times:?}");
    let first = times.get(1).copied().unwrap_or(0);
    t.should(req::STUN_RTO_INITIAL_AT_LEAST_500MS, first >= 500, "500 ms or more", first)?;
    t.should(req::STUN_RTO_FIXED_LINE_500MS, first == 500, "500 ms", first)?;
    let gaps: Vec<u64> =
        times.iter().zip(times.iter().skip(1)).map(|(one, next)| next - one).collect();
    let doubling = gaps.iter().zip(gaps.iter().skip(1)).all(|(one, next)| *next == 2 * one);
    t.should(req::STUN_RETRANSMIT_DOUBLES, doubling && gaps.len() > 1, "doubling gaps", &shown)?;
    t.should(req::STUN_RC_DEFAULT_SEVEN, times.len() == 7, "7 sendings", &shown)?;
    let same = sent.iter().all(|one| Some(&one.payload) == sent.first().map(|one| &one.payload));
    t.must(req::STUN_TRANSACTION_ID_KEPT_ON_RESEND, same, "equal bytes", &shown)?;
    let timed_out = matches!(told, Some(ClientEvent::TimedOut { .. }));
    t.should(req::STUN_FINAL_WAIT, timed_out, "timed out", format_args!("{told:?}"))?;
    let waited = end.saturating_sub(times.last().copied().unwrap_or(0));
    t.should(req::STUN_RM_DEFAULT_SIXTEEN, waited == 16 * first, 16 * first, waited)?;
    t.should(req::STUN_FINAL_WAIT, end == 39_500, "given up after 39500 ms", end)
}

case! {
    id: "stun.client.configured-schedule",
    title: "RTO, Rc and Rm can be configured",
    reqs: [req::STUN_RC_CONFIGURABLE, req::STUN_RM_CONFIGURABLE, req::STUN_RETRANSMIT_DOUBLES],
    kind: SubjectKind::StunClient,
    needs: [Cap::Retransmission],
    variants: product! { rto: [100, 500, 3000], rc: [1, 2, 5], rm: [1, 8] },
    run: configured_schedule,
}

fn configured_schedule(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let (rto, rc, rm) = (v.number("rto"), v.number("rc"), v.number("rm"));
    let mut stage = ClientStage::open(t, |config| {
        config.rto = Some(Duration::from_millis(rto));
        config.rc = u32::try_from(rc).ok();
        config.rm = u32::try_from(rm).ok();
    })?;
    let begin = t.now();
    stage.start(t)?;
    let told = stage.event(t, 300 * SECOND);
    let end = millis(stage.told_at() - begin);
    let sent = stage.take_sent(t);
    let times: Vec<u64> = sent.iter().map(|one| millis(one.sent_at() - begin)).collect();
    let wanted: Vec<u64> = (0..rc).map(|n| rto * ((1 << n) - 1)).collect();
    let shown = format!("{times:?}");
    let count = u64::try_from(times.len()).unwrap_or(0);
    t.should(req::STUN_RC_CONFIGURABLE, count == rc, rc, count)?;
    t.should(req::STUN_RETRANSMIT_DOUBLES, times == wanted, format_args!("{wanted:?}"), &shown)?;
    let last = wanted.last().copied().unwrap_or(0);
    let given_up = matches!(told, Some(ClientEvent::TimedOut { .. })) && end == last + rm * rto;
    t.should(req::STUN_RM_CONFIGURABLE, given_up, last + rm * rto, end)
}

case! {
    id: "stun.client.stops-on-response",
    title: "Once the response is there, nothing is repeated",
    reqs: [req::STUN_RETRANSMIT_STOPS_ON_RESPONSE, req::STUN_FINAL_WAIT],
    kind: SubjectKind::StunClient,
    needs: [Cap::Retransmission],
    variants: product! { answered: [1, 2, 4, 7], outcome: ["success", "error"] },
    run: stops_on_response,
}

fn stops_on_response(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut stage = ClientStage::open(t, |_| {})?;
    stage.start(t)?;
    let mut sent = stage.expect(t, SECOND, "a request")?;
    for _ in 1..v.number("answered") {
        sent = stage.expect(t, 20 * SECOND, "a repetition")?;
    }
    let response = match v.text("outcome") {
        "success" => stage.success_for(&sent),
        _ => Message::error(sent.message.transaction, 600, "Unwilling"),
    };
    stage.reply(t, &response);
    let told = stage.event(t, SECOND);
    let ended = matches!(told, Some(ClientEvent::Success { .. } | ClientEvent::Error { .. }));
    t.should(
        req::STUN_FINAL_WAIT,
        ended,
        "a response counts until the end",
        format_args!("{told:?}"),
    )?;
    let again = stage.next(t, 60 * SECOND).map(|sent| sent.message);
    t.must(
        req::STUN_RETRANSMIT_STOPS_ON_RESPONSE,
        again.is_none(),
        "silence",
        shown(again.as_ref()),
    )
}

case! {
    id: "stun.client.icmp",
    title: "A hard ICMP error ends the transaction at once, a soft one does not",
    reqs: [req::STUN_HARD_ICMP_ERROR_FAILS],
    kind: SubjectKind::StunClient,
    needs: [Cap::Retransmission],
    variants: product! { error: ["port unreachable", "host unreachable"] },
    run: icmp,
}

fn icmp(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let hard = v.text("error") == "port unreachable";
    let mut stage = ClientStage::open(t, |_| {})?;
    let begin = t.now();
    stage.start(t)?;
    let sent = stage.expect(t, SECOND, "a request")?;
    let kind =
        if hard { SocketErrorKind::PortUnreachable } else { SocketErrorKind::HostUnreachable };
    stage.socket_error(t, &sent, kind)?;
    let told = stage.event(t, 300 * MILLISECOND);
    let got = format!("{told:?} after {} ms", millis(stage.told_at() - begin));
    if hard {
        let failed =
            matches!(told, Some(ClientEvent::Failed { .. } | ClientEvent::TimedOut { .. }));
        return t.must(req::STUN_HARD_ICMP_ERROR_FAILS, failed, "failure at once", got);
    }
    t.must(req::STUN_HARD_ICMP_ERROR_FAILS, told.is_none(), "no end yet", got)?;
    stage.reply(t, &stage.success_for(&sent));
    let told = stage.event(t, SECOND);
    let fine = matches!(told, Some(ClientEvent::Success { .. }));
    t.must(req::STUN_HARD_ICMP_ERROR_FAILS, fine, "success", format_args!("{told:?}"))
}
