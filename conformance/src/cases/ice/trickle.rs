//! Candidates that come one by one: RFC 8838.

use super::script::*;

case! {
    id: "ice.trickle.late-candidate",
    title: "A candidate that comes late is checked, though all before it have failed",
    reqs: [req::TRICKLE_CHECKLIST_STAYS_RUNNING, req::TRICKLE_NEW_PAIR_STATE],
    kind: SubjectKind::IceAgent,
    variants: product! { role: ["controlling", "controlled"], after: [3, 20] },
    run: late_candidate,
}

fn late_candidate(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut stage = IceStage::with(t, role(v), |setup| (setup.peers, setup.told) = (2, 1))?;
    let until = t.now() + Duration::from_secs(v.number("after"));
    while let Some(heard) = stage.hear_request(t, until - t.now()) {
        let refusal = stage.me.error(&heard.message, 400, "Bad Request");
        stage.reply(t, &heard, &refusal);
    }
    stage.tell(t, 1)?;
    let told = t.now();
    t.stimulus("a late candidate");
    let asked = stage.serve_if(t, 2 * SECOND, |heard| heard.socket == 1);
    let first = asked.iter().find(|heard| heard.socket == 1).map(|heard| heard.at);
    let text = format!("{first:?}, told at {told}");
    let soon = first.is_some_and(|at| at <= told + SOON);
    t.must(req::TRICKLE_NEW_PAIR_STATE, soon, "a check within 500 ms", &text)?;
    t.must(req::TRICKLE_CHECKLIST_STAYS_RUNNING, first.is_some(), "a check", text)
}

case! {
    id: "ice.trickle.after-end",
    title: "Candidates that are told after the end of candidates are ignored",
    reqs: [req::TRICKLE_IGNORES_CANDIDATES_AFTER_END],
    kind: SubjectKind::IceAgent,
    needs: [Cap::IceEndOfCandidates],
    no_reference: "no other stack at hand is told the end of candidates",
    run: after_end,
}

fn after_end(t: &mut Ctl<'_>, _v: &Variant) -> Outcome {
    let mut stage = IceStage::with(t, IceRole::Controlled, |setup| {
        (setup.peers, setup.told) = (2, 1);
    })?;
    needed(stage.command(t, |agent, now| agent.end_of_candidates(now)))?;
    let line = host_line(1, stage.peer(1));
    let outcome = stage.tell_line(t, &line);
    t.stimulus("a candidate after the end");
    let asked = stage.ignore(t, 20 * SECOND);
    let checks = asked.iter().filter(|heard| heard.socket == 1).count();
    let text = format!("{checks} checks, {outcome:?}");
    t.must(req::TRICKLE_IGNORES_CANDIDATES_AFTER_END, checks == 0, "no checks", text)
}

case! {
    id: "ice.trickle.without-end",
    title: "ICE concludes though nobody said that no candidates follow",
    reqs: [
        req::TRICKLE_MAY_CONCLUDE_WITHOUT_END,
        req::TRICKLE_CONTROLLING_MAY_CONCLUDE_EARLY,
    ],
    kind: SubjectKind::IceAgent,
    variants: product! { role: ["controlling", "controlled"] },
    run: without_end,
}

fn without_end(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut stage = IceStage::open(t, role(v))?;
    t.stimulus("a candidate without end");
    stage.connect(t)?;
    let _ = stage.serve(t, 10 * SECOND);
    let selected = stage.selected(t).is_some();
    let req = req::TRICKLE_MAY_CONCLUDE_WITHOUT_END;
    t.may(req, selected, "a selected pair", selected)?;
    if role(v) == IceRole::Controlling {
        let req = req::TRICKLE_CONTROLLING_MAY_CONCLUDE_EARLY;
        t.may(req, selected, "a selected pair", selected)?;
    }
    Ok(())
}

case! {
    id: "ice.trickle.known-prflx",
    title: "A candidate that turns out to be a peer-reflexive one that is known is not checked a second time",
    reqs: [req::TRICKLE_PRFLX_SUPERSEDED_KEEPS_PRIORITY],
    kind: SubjectKind::IceAgent,
    variants: product! { role: ["controlling", "controlled"] },
    run: known_prflx,
}

fn known_prflx(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut stage = IceStage::with(t, role(v), |setup| setup.told = 0)?;
    let check = stage.check(t);
    stage.send(t, 0, &check);
    let first = stage.expect_request(t, 2 * SECOND)?;
    stage.tell(t, 0)?;
    let asked = stage.ignore(t, 400 * MILLISECOND);
    let others = asked.iter().filter(|heard| heard.id() != first.id()).count();
    let req = req::TRICKLE_PRFLX_SUPERSEDED_KEEPS_PRIORITY;
    t.should(req, others == 0, "a single transaction", format_args!("{others} more"))
}

case! {
    id: "ice.trickle.full-list",
    title: "On a full checklist failed pairs and lesser pairs make room for a better one",
    reqs: [req::TRICKLE_FAILED_PAIRS_MAKE_ROOM, req::TRICKLE_LOWER_PAIRS_MAKE_ROOM],
    kind: SubjectKind::IceAgent,
    variants: product! { before: ["failed", "lower"] },
    run: full_list,
}

fn full_list(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut stage = IceStage::with(t, IceRole::Controlled, |setup| {
        (setup.peers, setup.told, setup.config.pair_limit) = (4, 0, Some(3));
    })?;
    let failed = v.text("before") == "failed";
    // Numbers further back have lower priorities.
    let order = if failed { [0, 1, 2, 3] } else { [1, 2, 3, 0] };
    let (late, early) = (order[3], &order[..3]);
    for n in early {
        stage.tell(t, *n)?;
    }
    let until = t.now() + SECOND;
    while let Some(heard) = stage.hear_request(t, until - t.now()) {
        if failed {
            let refusal = stage.me.error(&heard.message, 400, "Bad Request");
            stage.reply(t, &heard, &refusal);
        }
    }
    stage.tell(t, late)?;
    t.stimulus("one candidate too many");
    let asked = stage.ignore(t, 2 * SECOND);
    let checked = asked.iter().any(|heard| heard.socket == late);
    let req = match failed {
        true => req::TRICKLE_FAILED_PAIRS_MAKE_ROOM,
        false => req::TRICKLE_LOWER_PAIRS_MAKE_ROOM,
    };
    t.should(req, checked, "a check of the new one", checked)
}
