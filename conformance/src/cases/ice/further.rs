//! What remains: relays, link-local addresses, keepalives without consent, two components.

use super::script::*;
use crate::subjects::stun::Refusal;

case! {
    id: "ice.further.relayed",
    title: "A relayed address that is a host's own makes no candidate; those of two servers have priorities of their own",
    reqs: [
        req::ICE_RELAYED_EQUAL_TO_HOST_DISCARDED,
        req::ICE_LOCAL_PREFERENCE_PER_TURN_SERVER,
        req::ICE_TYPE_PREFERENCES_RECOMMENDED,
        req::ICE_CANDIDATE_RELATED_ADDRESS_PRESENT,
    ],
    kind: SubjectKind::IceAgent,
    needs: [Cap::IceRelayed],
    run: relayed,
}

fn relayed(t: &mut Ctl<'_>, _v: &Variant) -> Outcome {
    let stage = IceStage::open(t, IceRole::Controlled)?;
    let base = stage.base();
    let addresses: [SocketAddr; 3] =
        [base, ([203, 0, 113, 1], 50_000).into(), ([203, 0, 113, 2], 50_000).into()];
    for relayed in addresses {
        let added = stage.command(t, |agent, now| agent.add_relayed(now, relayed, base));
        if added == Err(Refusal::Unsupported) {
            return needed(added);
        }
    }
    t.stimulus("relayed addresses");
    let lines: Vec<Line> = stage
        .events(t)
        .into_iter()
        .filter_map(|(_, event)| match event {
            IceEvent::Candidate(text) => Line::read(&text).ok(),
            _ => None,
        })
        .filter(|line| line.kind == "relay")
        .collect();
    let text = lines.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
    let own = lines.iter().any(|line| line.address == base.ip().to_string());
    t.must(req::ICE_RELAYED_EQUAL_TO_HOST_DISCARDED, !own, "no such candidate", &text)?;
    t.precondition(lines.len() == 2, "two relayed candidates")?;
    let mut priorities: Vec<&str> = lines.iter().map(|line| line.priority.as_str()).collect();
    priorities.dedup();
    let unique = priorities.len() == 2;
    t.must(req::ICE_LOCAL_PREFERENCE_PER_TURN_SERVER, unique, "two priorities", &text)?;
    for line in &lines {
        let (kind, _, _) = split_priority(line.priority.parse().unwrap_or_default());
        let req = req::ICE_TYPE_PREFERENCES_RECOMMENDED;
        t.should(req, kind == preference::RELAYED, "0 for relayed", &text)?;
        let related = line.value("raddr").is_some() && line.value("rport").is_some();
        t.must(req::ICE_CANDIDATE_RELATED_ADDRESS_PRESENT, related, "raddr and rport", &text)?;
    }
    Ok(())
}

case! {
    id: "ice.further.roles-anew",
    title: "If the peer claims another role after a restart, the agent goes along with the larger tie-breaker",
    reqs: [req::ICE_ACCEPTS_ROLE_REDETERMINATION],
    kind: SubjectKind::IceAgent,
    needs: [Cap::IceRestart],
    run: roles_anew,
}

fn roles_anew(t: &mut Ctl<'_>, _v: &Variant) -> Outcome {
    let mut stage = IceStage::open(t, IceRole::Controlling)?;
    stage.connect(t)?;
    needed(stage.command(t, |agent, now| agent.restart(now)))?;
    stage.restarted(t)?;
    stage.role = Role::Controlling;
    stage.tie_breaker = u64::MAX;
    let check = stage.check(t);
    let heard = stage.ask(t, 0, &check);
    let success = heard.is_some_and(|heard| heard.message.class() == Class::Success);
    let role = stage.command(t, |agent, _| agent.role());
    let fine = success && role == IceRole::Controlled;
    let req = req::ICE_ACCEPTS_ROLE_REDETERMINATION;
    t.must(req, fine, "controlled", format_args!("{role:?}, success: {success}"))
}

case! {
    id: "ice.further.link-local",
    title: "A link-local address is checked from link-local addresses only, and the other way round",
    reqs: [req::ICE_LINK_LOCAL_PAIRS_WITH_LINK_LOCAL, req::ICE_PAIRS_SAME_COMPONENT_AND_FAMILY],
    kind: SubjectKind::IceAgent,
    no_reference: "no other stack at hand passes yet",
    run: link_local,
}

/// The link-local candidate is told first and has the higher priority.
fn link_local(t: &mut Ctl<'_>, _v: &Variant) -> Outcome {
    let mut stage = IceStage::with(t, IceRole::Controlled, |setup| {
        (setup.v6, setup.told) = (true, 0);
    })?;
    let line = "candidate:7 1 udp 2130706431 fe80::77 5000 typ host";
    let _ = stage.tell_line(t, line);
    stage.tell(t, 0)?;
    t.stimulus("a link-local candidate and a global one");
    let begun = t.now();
    let asked = stage.ignore(t, 400 * MILLISECOND);
    let first = asked.first().map(|heard| heard.at);
    // A pair with the link-local candidate would be the better one and take the first turn.
    let soon = first.is_some_and(|at| at < begun + 40 * MILLISECOND);
    let text = format!("{first:?}, told at {begun}");
    let req = req::ICE_LINK_LOCAL_PAIRS_WITH_LINK_LOCAL;
    t.must(req, soon, "the global candidate at once", &text)?;
    t.must(req::ICE_PAIRS_SAME_COMPONENT_AND_FAMILY, soon, "the global candidate at once", text)
}

case! {
    id: "ice.further.keepalives",
    title: "Without consent checks the path is kept alive by indications without credentials",
    reqs: [
        req::ICE_KEEPALIVE_INDICATION_BARE,
        req::ICE_KEEPALIVE_INDICATION_FINGERPRINT,
        req::ICE_KEEPALIVE_AFTER_TR,
        req::ICE_KEEPALIVES_SENT,
    ],
    kind: SubjectKind::IceAgent,
    needs: [Cap::IceIndications],
    variants: product! { role: ["controlling", "controlled"] },
    no_reference: "no other stack at hand can do without consent checks",
    run: keepalives,
}

fn keepalives(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut stage = IceStage::with(t, role(v), |setup| setup.config.consent = false)?;
    stage.connect(t)?;
    let heard = stage.serve_with_responses(t, 60 * SECOND);
    t.stimulus("a minute without data");
    let kept: Vec<&Heard> =
        heard.iter().filter(|heard| heard.message.class() == Class::Indication).collect();
    let times: Vec<Instant> = kept.iter().map(|heard| heard.at).collect();
    let most = gaps(&times).iter().max().copied().unwrap_or(Duration::MAX);
    let text = format!("{} indications, {most:?} apart at most", kept.len());
    let fine = kept.len() >= 3 && most <= 15 * SECOND + MILLISECOND;
    t.must(req::ICE_KEEPALIVES_SENT, fine, "one every 15 s", &text)?;
    t.must(req::ICE_KEEPALIVE_AFTER_TR, fine, "one every 15 s", &text)?;
    for heard in kept {
        let bare = !heard.message.has(attribute::USERNAME)
            && !heard.message.has(attribute::MESSAGE_INTEGRITY);
        t.must(req::ICE_KEEPALIVE_INDICATION_BARE, bare, "no credentials", &heard.message)?;
        let alone = heard.message.kinds() == [attribute::FINGERPRINT]
            && heard.message.fingerprint() == Check::Good;
        let req = req::ICE_KEEPALIVE_INDICATION_FINGERPRINT;
        t.should(req, alone, "FINGERPRINT alone", &heard.message)?;
    }
    Ok(())
}

case! {
    id: "ice.further.half-connected",
    title: "With one of two components connected and the other failed, no data goes over either",
    reqs: [req::ICE_NO_DATA_WITHOUT_ALL_COMPONENTS, req::ICE_FAILED_STREAM_TOLD],
    kind: SubjectKind::IceAgent,
    needs: [Cap::IceComponents],
    no_reference: "no other stack at hand has two components",
    run: half_connected,
}

fn half_connected(t: &mut Ctl<'_>, _v: &Variant) -> Outcome {
    let mut stage = IceStage::with(t, IceRole::Controlled, |setup| {
        (setup.config.components, setup.told, setup.peers) = (2, 0, 2);
    })?;
    let second = SocketAddr::new(stage.base().ip(), 40_002);
    needed(stage.command(t, |agent, now| agent.add_local(now, 2, second)))?;
    stage.tell(t, 0)?;
    let address = stage.peer(1);
    let line = Line::new("2", host_priority(1), address.ip(), address.port(), "host");
    let line = Line { component: "2".to_owned(), ..line }.to_string();
    needed(stage.tell_line(t, &line))?;
    t.stimulus("candidates for both components");
    let nomination = stage.nomination(t);
    stage.send(t, 0, &nomination);
    // Only the first component's peer answers.
    let _ = stage.serve_if(t, 100 * SECOND, |heard| heard.socket == 0);
    let failed = stage.reported(t, IceState::Failed);
    t.must(req::ICE_FAILED_STREAM_TOLD, failed, "failed", failed)?;
    let arrived = stage.data_arrives_in(t, DATA);
    let req = req::ICE_NO_DATA_WITHOUT_ALL_COMPONENTS;
    t.must(req, arrived.is_none(), "no data", format_args!("{arrived:?}"))
}

case! {
    id: "ice.further.three-seconds",
    title: "For three seconds after the nomination checks are still answered on every base",
    reqs: [req::ICE_CANDIDATES_FREED_THREE_SECONDS_LATER, req::ICE_ANSWERS_AFTER_NOMINATION],
    kind: SubjectKind::IceAgent,
    variants: product! { role: ["controlling", "controlled"] },
    run: three_seconds,
}

fn three_seconds(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut stage = IceStage::with(t, role(v), |setup| setup.locals = 2)?;
    stage.connect(t)?;
    for base in stage.locals.clone() {
        let check = stage.check(t);
        stage.send_bytes(t, 0, base, &check.encode());
        let heard = stage.hear_response(t, check.transaction, SECOND);
        let success = heard.is_some_and(|heard| heard.message.class() == Class::Success);
        let req = req::ICE_CANDIDATES_FREED_THREE_SECONDS_LATER;
        t.should(req, success, "a success response", success)?;
        t.must(req::ICE_ANSWERS_AFTER_NOMINATION, success, "a success response", success)?;
    }
    Ok(())
}
