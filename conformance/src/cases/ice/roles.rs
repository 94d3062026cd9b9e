//! Role conflicts: RFC 8445 §7.2.5.1, §7.3.1.1.

use super::script::*;

case! {
    id: "ice.roles.conflict",
    title: "In a conflict the larger tie-breaker wins, and the loser is told 487 or gives way",
    reqs: [
        req::ICE_REQUEST_ROLE_EXAMINED,
        req::ICE_ROLE_CONFLICT_RESOLVED,
        req::ICE_RESPONSE_AUTHENTICATED,
    ],
    kind: SubjectKind::IceAgent,
    variants: product! {
        role: ["controlling", "controlled"],
        request: ["zero", "smaller", "equal", "larger", "largest"],
    },
    run: conflict,
}

fn conflict(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut stage = IceStage::open(t, role(v))?;
    let heard = stage.expect_request(t, 2 * SECOND)?;
    let (claimed, own) = t.expect(Role::of(&heard.message), "a role")?;
    let number = match v.text("request") {
        "zero" => 0,
        "smaller" => own.saturating_sub(1),
        "equal" => own,
        "larger" => own.saturating_add(1),
        _ => u64::MAX,
    };
    stage.role = claimed;
    stage.tie_breaker = number;
    let check = stage.check(t);
    let heard = stage.ask(t, 0, &check);
    let text =
        heard.as_ref().map_or_else(|| "silence".to_owned(), |heard| heard.message.to_string());
    t.must(req::ICE_REQUEST_ROLE_EXAMINED, heard.is_some(), "an answer", &text)?;
    let Some(heard) = heard else { return Ok(()) };
    let (code, turns) = match role(v) {
        IceRole::Controlling => (own >= number, own < number),
        IceRole::Controlled => (own < number, own >= number),
    };
    let wanted = if code { Some(487) } else { None };
    let req = req::ICE_ROLE_CONFLICT_RESOLVED;
    t.must(req, heard.message.code() == wanted, format_args!("{wanted:?}"), &text)?;
    let good = heard.message.integrity(&stage.agent.key()) == Check::Good;
    t.must(req::ICE_RESPONSE_AUTHENTICATED, good, "a tag by the request's password", &text)?;
    let now = stage.command(t, |agent, _| agent.role());
    let wanted = if turns { role(v).other() } else { role(v) };
    t.must(req, now == wanted, format_args!("{wanted:?}"), format_args!("{now:?}"))
}

case! {
    id: "ice.roles.487",
    title: "After a 487 the agent takes the other role, another tie-breaker, and checks the pair again",
    reqs: [
        req::ICE_487_CONTROLLED_BECOMES_CONTROLLING,
        req::ICE_487_CONTROLLING_BECOMES_CONTROLLED,
        req::ICE_487_PAIR_CHECKED_AGAIN,
        req::ICE_487_NEW_TIEBREAKER,
    ],
    kind: SubjectKind::IceAgent,
    variants: product! { role: ["controlling", "controlled"], times: [1, 2] },
    no_reference: "no other stack at hand passes yet",
    run: refused,
}

/// Twice means that two checks of the old role are both refused: the agent switches once.
fn refused(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let times = v.number("times");
    let peers = u8::try_from(times).unwrap_or(1);
    let mut stage = IceStage::with(t, role(v), |setup| (setup.peers, setup.told) = (peers, peers))?;
    let mut asked: Vec<Heard> = Vec::new();
    while asked.len() < usize::from(peers) {
        let heard = stage.expect_request(t, 2 * SECOND)?;
        if asked.iter().all(|known| known.socket != heard.socket) {
            asked.push(heard);
        }
    }
    let claimed = t.expect(asked.first().and_then(|heard| Role::of(&heard.message)), "a role")?;
    for heard in &asked {
        let refusal = stage.me.error(&heard.message, 487, "Role Conflict");
        stage.reply(t, heard, &refusal);
    }
    let now = stage.command(t, |agent, _| agent.role());
    let req = match role(v) {
        IceRole::Controlling => req::ICE_487_CONTROLLING_BECOMES_CONTROLLED,
        IceRole::Controlled => req::ICE_487_CONTROLLED_BECOMES_CONTROLLING,
    };
    let wanted = role(v).other();
    t.must(req, now == wanted, format_args!("{wanted:?}"), format_args!("{now:?}"))?;
    let old: Vec<TransactionId> = asked.iter().map(Heard::id).collect();
    let refused_at = t.now();
    let until = refused_at + 2 * SECOND;
    let again = loop {
        match stage.hear_request(t, until - t.now()) {
            Some(heard) if old.contains(&heard.id()) => {}
            other => break other,
        }
    };
    let text =
        again.as_ref().map_or_else(|| "silence".to_owned(), |heard| heard.message.to_string());
    let renewed = again.as_ref().and_then(|heard| Role::of(&heard.message));
    let soon = again.as_ref().is_some_and(|heard| heard.at <= refused_at + SOON);
    t.must(req::ICE_487_PAIR_CHECKED_AGAIN, soon, "a new check within 500 ms", &text)?;
    let fine = renewed.map(|(role, _)| role) == Some(claimed.0.other());
    t.must(req, fine, format_args!("{:?}", claimed.0.other()), &text)?;
    let fresh = renewed.map(|(_, number)| number) != Some(claimed.1);
    t.must(req::ICE_487_NEW_TIEBREAKER, fresh, "another tie-breaker", text)
}

case! {
    id: "ice.roles.487-forged",
    title: "A 487 that the peer did not sign changes nothing",
    reqs: [req::STUN_SHORT_TERM_BAD_RESPONSE_IGNORED],
    kind: SubjectKind::IceAgent,
    variants: product! {
        role: ["controlling", "controlled"],
        fault: ["no tag", "own password", "wrong password"],
    },
    run: forged,
}

fn forged(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut stage = IceStage::open(t, role(v))?;
    let heard = stage.expect_request(t, 2 * SECOND)?;
    let bare = Message::error(heard.id(), 487, "Role Conflict");
    let refusal = match v.text("fault") {
        "no tag" => bare.with(Attribute::fingerprint()),
        "own password" => stage.agent.protect(bare),
        _ => Side::new("x", "guess").protect(bare),
    };
    stage.reply(t, &heard, &refusal);
    let now = stage.command(t, |agent, _| agent.role());
    let req = req::STUN_SHORT_TERM_BAD_RESPONSE_IGNORED;
    t.must(req, now == role(v), format_args!("{:?}", role(v)), format_args!("{now:?}"))
}

case! {
    id: "ice.roles.full-beside-lite",
    title: "Beside a lite peer a full agent controls, whatever it was told",
    reqs: [req::ICE_FULL_CONTROLS_LITE, req::ICE_CONTROLLING_NOMINATES_WITH_USE_CANDIDATE],
    kind: SubjectKind::IceAgent,
    variants: product! { role: ["controlling", "controlled"] },
    run: beside_lite,
}

fn beside_lite(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut stage = IceStage::with(t, role(v), |setup| setup.peer_is_lite = true)?;
    t.stimulus("the parameters of a lite peer");
    let now = stage.command(t, |agent, _| agent.role());
    let fine = now == IceRole::Controlling;
    t.must(req::ICE_FULL_CONTROLS_LITE, fine, "controlling", format_args!("{now:?}"))?;
    let asked = stage.serve(t, 10 * SECOND);
    let nominates = asked.iter().any(|heard| heard.message.nominates());
    let req = req::ICE_CONTROLLING_NOMINATES_WITH_USE_CANDIDATE;
    t.must(req, nominates, "USE-CANDIDATE", format_args!("{} checks without", asked.len()))
}
