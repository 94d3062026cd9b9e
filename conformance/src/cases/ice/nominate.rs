//! Nomination: RFC 8445 §7.2.5.3.4, §7.3.1.5, §8.1.

use super::script::*;

case! {
    id: "ice.nominate.one",
    title: "The controlling agent nominates exactly one pair, also when several work",
    reqs: [
        req::ICE_CONTROLLING_NOMINATES_WITH_USE_CANDIDATE,
        req::ICE_NOMINATES_ONE_PAIR,
        req::ICE_NOMINATES_NO_SECOND_PAIR,
        req::ICE_SDP_ONE_NOMINATION,
    ],
    kind: SubjectKind::IceAgent,
    variants: product! { peers: [1, 3], locals: [1, 2] },
    run: one,
}

fn one(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let count = |name| u8::try_from(v.number(name)).unwrap_or(1);
    let mut stage = IceStage::with(t, IceRole::Controlling, |setup| {
        (setup.peers, setup.told, setup.locals) = (count("peers"), count("peers"), count("locals"));
    })?;
    t.stimulus("candidates that answer");
    let asked = stage.serve(t, 30 * SECOND);
    let mut pairs: Vec<(SocketAddr, usize)> = Vec::new();
    for heard in asked.iter().filter(|heard| heard.message.nominates()) {
        let pair = (heard.from, heard.socket);
        if !pairs.contains(&pair) {
            pairs.push(pair);
        }
    }
    let text = format!("{pairs:?}");
    let req = req::ICE_CONTROLLING_NOMINATES_WITH_USE_CANDIDATE;
    t.must(req, !pairs.is_empty(), "a nomination", &text)?;
    for req in [
        req::ICE_NOMINATES_ONE_PAIR,
        req::ICE_NOMINATES_NO_SECOND_PAIR,
        req::ICE_SDP_ONE_NOMINATION,
    ] {
        t.must(req, pairs.len() == 1, "one pair", &text)?;
    }
    let selected = stage.selected(t);
    let wanted = pairs.first().map(|(from, socket)| (*from, stage.peer(*socket)));
    let req = req::ICE_NOMINATES_ONE_PAIR;
    t.must(req, selected == wanted, format_args!("{wanted:?}"), format_args!("{selected:?}"))
}

case! {
    id: "ice.nominate.answered",
    title: "A nomination counts once its check is answered, and not before",
    reqs: [req::ICE_NOMINATION_SUCCEEDS_AFTER_RESPONSE],
    kind: SubjectKind::IceAgent,
    run: answered,
}

fn answered(t: &mut Ctl<'_>, _v: &Variant) -> Outcome {
    let mut stage = IceStage::open(t, IceRole::Controlling)?;
    let asked = stage.serve_if(t, 5 * SECOND, |heard| !heard.message.nominates());
    t.stimulus("answers to all but nominations");
    let nomination = asked.iter().rev().find(|heard| heard.message.nominates()).cloned();
    let nomination = t.expect(nomination, "a nomination")?;
    let completed = stage.reported(t, IceState::Completed);
    let req = req::ICE_NOMINATION_SUCCEEDS_AFTER_RESPONSE;
    t.must(req, !completed, "not completed", "completed without an answer")?;
    stage.answer(t, &nomination);
    let _ = stage.serve(t, 10 * SECOND);
    let selected = stage.selected(t);
    t.must(req, selected.is_some(), "a selected pair", format_args!("{selected:?}"))
}

case! {
    id: "ice.nominate.refused",
    title: "If the nominating check fails, the pair is given up, and with the only pair the agent fails",
    reqs: [req::ICE_FAILED_NOMINATION_CONTROLLING, req::ICE_FAILED_STREAM_TOLD],
    kind: SubjectKind::IceAgent,
    needs: [Cap::IceFailure],
    variants: product! { how: ["error", "silence"] },
    no_reference: "no other stack at hand passes yet",
    run: refused,
}

fn refused(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut stage = IceStage::open(t, IceRole::Controlling)?;
    let _ = stage.command(t, |agent, now| agent.end_of_candidates(now));
    let until = t.now() + 150 * SECOND;
    let mut nominated = false;
    while let Some(heard) = stage.hear_request(t, until - t.now()) {
        nominated |= heard.message.nominates();
        if !heard.message.nominates() {
            stage.answer(t, &heard);
        } else if v.text("how") == "error" {
            let refusal = stage.me.error(&heard.message, 400, "Bad Request");
            stage.reply(t, &heard, &refusal);
        }
    }
    t.precondition(nominated, "a nomination")?;
    let failed = stage.reported(t, IceState::Failed);
    t.must(req::ICE_FAILED_NOMINATION_CONTROLLING, failed, "failed", "not failed in 150 s")?;
    t.must(req::ICE_FAILED_STREAM_TOLD, failed, "failed", "not failed in 150 s")
}

case! {
    id: "ice.nominate.controlled",
    title: "The controlled agent uses what was nominated, whenever the nomination came, once its own check succeeded",
    reqs: [req::ICE_CONTROLLED_TAKES_NOMINATION, req::ICE_EARLY_CHECK_USED],
    kind: SubjectKind::IceAgent,
    variants: product! {
        when: ["after its check", "before its check", "from an unknown address", "before the parameters"],
    },
    run: controlled,
}

fn controlled(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let when = v.text("when");
    let known = !["from an unknown address", "before the parameters"].contains(&when);
    let mut stage = IceStage::with(t, IceRole::Controlled, |setup| {
        setup.told = u8::from(known);
        setup.introduced = when != "before the parameters";
    })?;
    if when == "after its check" {
        let heard = stage.expect_request(t, 2 * SECOND)?;
        stage.answer(t, &heard);
    }
    let nomination = stage.nomination(t);
    stage.send(t, 0, &nomination);
    if when == "before the parameters" {
        t.run_for(SECOND);
        stage.introduce(t)?;
    }
    let _ = stage.serve(t, 5 * SECOND);
    let selected = stage.selected(t);
    let wanted = Some((stage.base(), stage.peer(0)));
    let text = format!("{selected:?}");
    let req = req::ICE_CONTROLLED_TAKES_NOMINATION;
    t.must(req, selected == wanted, format_args!("{wanted:?}"), &text)?;
    t.must(req::ICE_EARLY_CHECK_USED, selected == wanted, format_args!("{wanted:?}"), text)
}

case! {
    id: "ice.nominate.unvalidated",
    title: "A nominated pair whose own check fails is not used",
    reqs: [req::ICE_FAILED_CHECK_AFTER_NOMINATION, req::ICE_FAILED_TRIGGERED_NOMINATION],
    kind: SubjectKind::IceAgent,
    variants: product! { how: ["error", "silence"] },
    run: unvalidated,
}

fn unvalidated(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut stage = IceStage::open(t, IceRole::Controlled)?;
    let nomination = stage.nomination(t);
    stage.send(t, 0, &nomination);
    let until = t.now() + 60 * SECOND;
    while let Some(heard) = stage.hear_request(t, until - t.now()) {
        if v.text("how") == "error" {
            let refusal = stage.me.error(&heard.message, 400, "Bad Request");
            stage.reply(t, &heard, &refusal);
        }
    }
    let selected = stage.selected(t);
    for req in [req::ICE_FAILED_CHECK_AFTER_NOMINATION, req::ICE_FAILED_TRIGGERED_NOMINATION] {
        t.must(req, selected.is_none(), "no pair", format_args!("{selected:?}"))?;
    }
    Ok(())
}

case! {
    id: "ice.nominate.several",
    title: "Of several nominated pairs the one with the highest priority is used",
    reqs: [req::ICE_SEVERAL_NOMINATIONS_HIGHEST_PRIORITY],
    kind: SubjectKind::IceAgent,
    variants: product! { first: ["better", "worse"] },
    no_reference: "no other stack at hand passes yet",
    run: several,
}

fn several(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut stage = IceStage::with(t, IceRole::Controlled, |setup| {
        (setup.peers, setup.told) = (2, 2);
    })?;
    let _ = stage.serve(t, SECOND);
    let order = if v.text("first") == "better" { [0, 1] } else { [1, 0] };
    for n in order {
        let nomination = stage.nomination(t);
        stage.send(t, n, &nomination);
        let _ = stage.serve(t, 300 * MILLISECOND);
    }
    let selected = stage.selected(t).map(|(_, remote)| remote);
    let wanted = stage.peer(0);
    let req = req::ICE_SEVERAL_NOMINATIONS_HIGHEST_PRIORITY;
    t.must(req, selected == Some(wanted), wanted, format_args!("{selected:?}"))
}

case! {
    id: "ice.nominate.clears",
    title: "After a nomination the other pairs are not checked any more",
    reqs: [req::ICE_NOMINATION_CLEARS_CHECKLIST],
    kind: SubjectKind::IceAgent,
    variants: product! { role: ["controlling", "controlled"] },
    run: clears,
}

fn clears(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut stage = IceStage::with(t, role(v), |setup| (setup.peers, setup.told) = (6, 6))?;
    t.stimulus("six candidates, of which one answers");
    if stage.role == Role::Controlling {
        let nomination = stage.nomination(t);
        stage.send(t, 0, &nomination);
    }
    let _ = stage.serve_if(t, 10 * SECOND, |heard| heard.socket == 0);
    let selected = stage.selected(t).map(|(_, remote)| remote);
    t.precondition(selected == Some(stage.peer(0)), "the first pair selected")?;
    let asked = stage.serve_if(t, 20 * SECOND, |heard| heard.socket == 0);
    let others = asked.iter().filter(|heard| heard.socket != 0).count();
    let req = req::ICE_NOMINATION_CLEARS_CHECKLIST;
    t.must(req, others == 0, "no checks of other pairs", format_args!("{others} checks"))
}

case! {
    id: "ice.nominate.after-integrity",
    title: "A nomination that stands behind the tag of a check is none",
    reqs: [req::STUN_AFTER_INTEGRITY_IGNORED],
    kind: SubjectKind::IceAgent,
    run: after_integrity,
}

/// Two pairs work. The worse one gets the forged nomination, then the better one a good one.
fn after_integrity(t: &mut Ctl<'_>, _v: &Variant) -> Outcome {
    let mut stage = IceStage::with(t, IceRole::Controlled, |setup| {
        (setup.peers, setup.told) = (2, 2);
    })?;
    let _ = stage.serve(t, SECOND);
    let bare = stage.bare_check(t).with(Attribute::integrity(&stage.agent.key()));
    let forged = bare.with(Attribute::use_candidate()).with(Attribute::fingerprint());
    stage.send(t, 1, &forged);
    let _ = stage.serve(t, SECOND);
    let selected = stage.selected(t).map(|(_, remote)| remote);
    let fine = selected != Some(stage.peer(1));
    let req = req::STUN_AFTER_INTEGRITY_IGNORED;
    t.must(req, fine, "not the second pair", format_args!("{selected:?}"))?;
    let completed = stage.reported(t, IceState::Completed);
    t.must(req, !completed, "nothing nominated", "completed")
}
