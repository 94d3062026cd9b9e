//! What checks look like: RFC 8445 §7.1, §7.2.

use super::script::*;

case! {
    id: "ice.checks.form",
    title: "A check is authenticated, has its fingerprint, its role and the priority of a peer-reflexive candidate",
    reqs: [
        req::ICE_REQUEST_PRIORITY,
        req::ICE_PEER_REFLEXIVE_PREFERRED_TO_SERVER_REFLEXIVE,
        req::ICE_CONTROLLING_ATTRIBUTE,
        req::ICE_CONTROLLED_ATTRIBUTE,
        req::ICE_CHECK_SHORT_TERM_CREDENTIAL,
        req::ICE_CHECK_IS_NO_RFC3489,
        req::ICE_CHECK_FINGERPRINT,
        req::ICE_COMPLIES_WITH_STUN,
        req::ICE_CONTROLLED_SENDS_NO_USE_CANDIDATE,
    ],
    kind: SubjectKind::IceAgent,
    variants: product! { role: ["controlling", "controlled"], family: ["ipv4", "ipv6"] },
    run: form,
}

fn form(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut stage = IceStage::with(t, role(v), |setup| setup.v6 = v.text("family") == "ipv6")?;
    t.stimulus("a candidate to check");
    let heard = stage.expect_request(t, 2 * SECOND)?;
    let check = &heard.message;
    let faults = check.faults();
    t.must(
        req::ICE_COMPLIES_WITH_STUN,
        faults.is_empty(),
        "no faults",
        format_args!("{faults:?}"),
    )?;
    t.must(req::ICE_CHECK_IS_NO_RFC3489, check.cookie == wire::stun::COOKIE, "the cookie", check)?;
    let fingerprint = check.fingerprint() == Check::Good;
    t.must(req::ICE_CHECK_FINGERPRINT, fingerprint, "FINGERPRINT", check)?;
    let name = username(&stage.me, &stage.agent);
    let named = check.text(attribute::USERNAME) == Some(&name);
    t.must(req::ICE_CHECK_SHORT_TERM_CREDENTIAL, named, name, check)?;
    let tag = check.integrity(&stage.me.key());
    let good = tag == Check::Good;
    t.must(req::ICE_CHECK_SHORT_TERM_CREDENTIAL, good, "the peer's password as key", check)?;
    let (claimed, req) = match role(v) {
        IceRole::Controlling => (Role::Controlling, req::ICE_CONTROLLING_ATTRIBUTE),
        IceRole::Controlled => (Role::Controlled, req::ICE_CONTROLLED_ATTRIBUTE),
    };
    let found = Role::of(check).map(|(role, _)| role);
    t.must(req, found == Some(claimed), format_args!("{claimed:?}"), check)?;
    let found = check.priority();
    let text = format!("{found:?}");
    t.must(req::ICE_REQUEST_PRIORITY, found.is_some(), "PRIORITY", &text)?;
    let (kind, _, component) = split_priority(found.unwrap_or_default());
    let fine = kind != preference::HOST && component == 1;
    t.must(req::ICE_REQUEST_PRIORITY, fine, "the type preference of peer-reflexive ones", &text)?;
    let req = req::ICE_PEER_REFLEXIVE_PREFERRED_TO_SERVER_REFLEXIVE;
    t.must(req, kind > preference::SERVER_REFLEXIVE, "more than 100", &text)?;
    if claimed == Role::Controlled {
        let req = req::ICE_CONTROLLED_SENDS_NO_USE_CANDIDATE;
        t.must(req, !check.nominates(), "no USE-CANDIDATE", check)?;
    }
    Ok(())
}

case! {
    id: "ice.checks.tie-breaker",
    title: "All checks of a session carry the same tie-breaker, and no two agents the same",
    reqs: [req::ICE_TIEBREAKER_CONSTANT, req::ICE_CONTROLLED_SENDS_NO_USE_CANDIDATE],
    kind: SubjectKind::IceAgent,
    variants: product! { role: ["controlling", "controlled"] },
    run: tie_breaker,
}

fn tie_breaker(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut stage = IceStage::with(t, role(v), |setup| (setup.peers, setup.told) = (3, 3))?;
    t.stimulus("candidates to check");
    let asked = stage.serve(t, 20 * SECOND);
    t.precondition(asked.len() > 3, "several checks")?;
    let first = asked.first().and_then(|heard| Role::of(&heard.message));
    for heard in &asked {
        let claimed = Role::of(&heard.message);
        let same = claimed == first;
        t.must(req::ICE_TIEBREAKER_CONSTANT, same, format_args!("{first:?}"), &heard.message)?;
        if role(v) == IceRole::Controlled {
            let req = req::ICE_CONTROLLED_SENDS_NO_USE_CANDIDATE;
            t.must(req, !heard.message.nominates(), "no USE-CANDIDATE", &heard.message)?;
        }
    }
    Ok(())
}

case! {
    id: "ice.checks.tie-breaker-random",
    title: "Tie-breakers do not repeat",
    reqs: [req::ICE_TIEBREAKER_RANDOM, req::ICE_CREDENTIALS_UNGUESSABLE],
    kind: SubjectKind::IceAgent,
    run: tie_breaker_random,
}

/// One agent after the other on the same host, each with a port of its own.
fn tie_breaker_random(t: &mut Ctl<'_>, _v: &Variant) -> Outcome {
    let mut stage = IceStage::open(t, IceRole::Controlling)?;
    t.stimulus("a candidate to check");
    let (mut numbers, mut names) = (Vec::new(), Vec::new());
    for port in 0..8_u16 {
        let local = SocketAddr::new(stage.base().ip(), 41_000 + port);
        let config = IceConfig::new(IceRole::Controlling);
        let subject = t.subject();
        let label = format!("agent {port}");
        let seat = t.start_ice_of(subject, &label, "agent", &config, &[(1, local)])?;
        stage.seat = seat;
        let parameters = stage.command(t, |agent, _| agent.parameters());
        let bits = |text: &str| text.len() * 6;
        let long = bits(&parameters.ufrag) >= 24 && bits(&parameters.pwd) >= 128;
        let text = format!("{parameters:?}");
        t.must(req::ICE_CREDENTIALS_UNGUESSABLE, long, "24 and 128 bits", &text)?;
        let fresh = names.iter().all(|known: &IceParameters| {
            known.ufrag != parameters.ufrag && known.pwd != parameters.pwd
        });
        t.must(req::ICE_CREDENTIALS_UNGUESSABLE, fresh, "values of its own", &text)?;
        names.push(parameters);
        stage.introduce(t)?;
        stage.tell(t, 0)?;
        let until = t.now() + 2 * SECOND;
        let heard = loop {
            let heard = stage.expect_request(t, until - t.now())?;
            if heard.from == local {
                break heard;
            }
        };
        let claimed = Role::of(&heard.message).map(|(_, number)| number);
        let number = t.expect(claimed, "a role")?;
        let fresh = number != 0 && !numbers.contains(&number);
        t.must(
            req::ICE_TIEBREAKER_RANDOM,
            fresh,
            "a number of its own",
            format_args!("{number:016x}"),
        )?;
        numbers.push(number);
    }
    let bits = |fold: fn(u64, u64) -> u64, start| numbers.iter().copied().fold(start, fold);
    let stuck = bits(|all, one| all & one, u64::MAX) | !bits(|all, one| all | one, 0);
    // With eight numbers a bit is constant with probability 1/128: all of the upper or lower half never.
    let fine = stuck >> 32 != 0xffff_ffff && stuck & 0xffff_ffff != 0xffff_ffff;
    // Which bits are constant is chance, and agents with dice of their own must tell the same twice.
    let got = if fine { "no half of them constant" } else { "a half of them constant" };
    t.must(req::ICE_TIEBREAKER_RANDOM, fine, "64 random bits", got)
}
