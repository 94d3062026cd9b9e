//! Patience: RFC 8863.

use super::script::*;

/// 500 ms doubled six times, and sixteen times 500 ms at the end (RFC 8489 §6.2.1).
const TRANSACTION: Duration = Duration::from_millis(39_500);

case! {
    id: "ice.pac.failure",
    title: "Without a pair that works the agent fails after the time of a transaction, and not before",
    reqs: [
        req::PAC_TIMER_SET,
        req::PAC_TIMER_DURATION,
        req::PAC_NO_FAILURE_BEFORE_TIMER,
        req::PAC_FAILURE_AFTER_TIMER,
        req::PAC_WITH_TRICKLE,
        req::TRICKLE_CHECKLIST_STAYS_RUNNING,
        req::ICE_FAILED_STREAM_TOLD,
    ],
    kind: SubjectKind::IceAgent,
    needs: [Cap::IceFailure, Cap::IceEndOfCandidates],
    variants: product! {
        role: ["controlling", "controlled"],
        candidates: ["none", "refusing", "unreachable"],
    },
    no_reference: "no other stack at hand passes yet",
    run: failure,
}

fn failure(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let kind = v.text("candidates");
    let mut stage = IceStage::with(t, role(v), |setup| setup.told = u8::from(kind != "none"))?;
    needed(stage.command(t, |agent, now| agent.end_of_candidates(now)))?;
    t.stimulus("the end of candidates");
    let begun = t.now();
    let until = begun + 120 * SECOND;
    while let Some(heard) = stage.hear_request(t, until - t.now()) {
        if kind == "refusing" {
            let refusal = stage.me.error(&heard.message, 400, "Bad Request");
            stage.reply(t, &heard, &refusal);
        }
    }
    let failed = |(_, event): &(Instant, IceEvent)| *event == IceEvent::State(IceState::Failed);
    let failed = stage.events(t).into_iter().find(failed).map(|(at, _)| at - begun);
    let text = failed.map_or_else(|| "never".to_owned(), |after| format!("after {after:?}"));
    let patient = failed.is_none_or(|after| after + MILLISECOND >= TRANSACTION);
    for req in [
        req::PAC_TIMER_SET,
        req::PAC_NO_FAILURE_BEFORE_TIMER,
        req::PAC_WITH_TRICKLE,
        req::TRICKLE_CHECKLIST_STAYS_RUNNING,
    ] {
        t.must(req, patient, "not before 39.5 s", &text)?;
    }
    t.must(req::PAC_FAILURE_AFTER_TIMER, failed.is_some(), "failed at last", &text)?;
    t.must(req::ICE_FAILED_STREAM_TOLD, failed.is_some(), "failed at last", &text)?;
    let near = failed.is_some_and(|after| after <= TRANSACTION + 2 * SECOND);
    t.should(req::PAC_TIMER_DURATION, near, "about 39.5 s", text)
}

case! {
    id: "ice.pac.late-peer",
    title: "A peer that nobody named and that comes late is still met",
    reqs: [req::PAC_NO_FAILURE_BEFORE_TIMER, req::PAC_WITH_TRICKLE, req::ICE_PRFLX_REMOTE_LEARNT],
    kind: SubjectKind::IceAgent,
    variants: product! { role: ["controlling", "controlled"], after: [5, 35] },
    run: late_peer,
}

fn late_peer(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut stage = IceStage::with(t, role(v), |setup| setup.told = 0)?;
    // An agent that knows no such thing waits all the more.
    let _ = stage.command(t, |agent, now| agent.end_of_candidates(now));
    let _ = stage.ignore(t, Duration::from_secs(v.number("after")));
    stage.connect(t)?;
    let selected = stage.selected(t).map(|(_, remote)| remote);
    let (wanted, text) = (stage.peer(0), format!("{selected:?}"));
    for req in
        [req::PAC_NO_FAILURE_BEFORE_TIMER, req::PAC_WITH_TRICKLE, req::ICE_PRFLX_REMOTE_LEARNT]
    {
        t.must(req, selected == Some(wanted), wanted, &text)?;
    }
    Ok(())
}

case! {
    id: "ice.pac.without-end",
    title: "Without a word about the end of candidates the agent still comes to an end",
    reqs: [req::PAC_FALLBACK_WITHOUT_END, req::PAC_MAY_BE_END_FALLBACK],
    kind: SubjectKind::IceAgent,
    needs: [Cap::IceFailure],
    run: without_end,
}

fn without_end(t: &mut Ctl<'_>, _v: &Variant) -> Outcome {
    let mut stage = IceStage::open(t, IceRole::Controlled)?;
    let begun = t.now();
    t.stimulus("a candidate that does not answer");
    let _ = stage.ignore(t, 300 * SECOND);
    let failed = |(_, event): &(Instant, IceEvent)| *event == IceEvent::State(IceState::Failed);
    let failed = stage.events(t).into_iter().find(failed).map(|(at, _)| at - begun);
    let text = format!("{failed:?}");
    t.should(req::PAC_FALLBACK_WITHOUT_END, failed.is_some(), "failed within 300 s", &text)?;
    let near = failed.is_some_and(|after| after <= TRANSACTION + 2 * SECOND);
    t.may(req::PAC_MAY_BE_END_FALLBACK, near, "after about 39.5 s", text)
}
