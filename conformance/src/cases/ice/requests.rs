//! How requests are judged and answered: RFC 8445 §7.3.

use super::script::*;

case! {
    id: "ice.requests.answered",
    title: "A good check is answered from where it went, with the address it came from, protected by the password of the request",
    reqs: [
        req::ICE_RESPONSE_AUTHENTICATED,
        req::ICE_RESPONSE_FINGERPRINT,
        req::ICE_MAPPED_ADDRESS_IS_SOURCE,
        req::ICE_NO_ALTERNATE_SERVER,
        req::ICE_REQUESTS_ON_EVERY_BASE,
        req::ICE_READY_ONCE_CANDIDATES_ARE_SENT,
        req::ICE_SDP_READY_FOR_CHECKS,
    ],
    kind: SubjectKind::IceAgent,
    variants: product! {
        role: ["controlling", "controlled"],
        family: ["ipv4", "ipv6"],
        base: [0, 1],
    },
    run: answered,
}

fn answered(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut stage = IceStage::with(t, role(v), |setup| {
        setup.v6 = v.text("family") == "ipv6";
        setup.locals = 2;
    })?;
    let check = stage.check(t);
    let place = usize::try_from(v.number("base")).unwrap_or_default();
    let base = t.expect(stage.locals.get(place).copied(), "a base")?;
    stage.send_bytes(t, 0, base, &check.encode());
    let heard = stage.hear_response(t, check.transaction, SECOND);
    let text =
        heard.as_ref().map_or_else(|| "silence".to_owned(), |heard| heard.message.to_string());
    let is_success = |heard: &Heard| heard.message.class() == Class::Success;
    let fine = heard.as_ref().is_some_and(is_success);
    for req in [
        req::ICE_REQUESTS_ON_EVERY_BASE,
        req::ICE_READY_ONCE_CANDIDATES_ARE_SENT,
        req::ICE_SDP_READY_FOR_CHECKS,
    ] {
        t.must(req, fine, "a success response", &text)?;
    }
    let Some(heard) = heard else { return Ok(()) };
    let answer = &heard.message;
    let mapped = answer.xor_mapped_address();
    let wanted = stage.peer(0);
    t.must(req::ICE_MAPPED_ADDRESS_IS_SOURCE, mapped == Some(wanted), wanted, answer)?;
    let good = answer.integrity(&stage.agent.key()) == Check::Good && heard.from == base;
    t.must(req::ICE_RESPONSE_AUTHENTICATED, good, "a good tag", answer)?;
    let good = answer.fingerprint() == Check::Good && answer.faults().is_empty();
    t.must(req::ICE_RESPONSE_FINGERPRINT, good, "FINGERPRINT", answer)?;
    let plain = !answer.has(attribute::ALTERNATE_SERVER) && !answer.has(attribute::MAPPED_ADDRESS);
    t.must(
        req::ICE_NO_ALTERNATE_SERVER,
        plain,
        "neither ALTERNATE-SERVER nor MAPPED-ADDRESS",
        answer,
    )
}

case! {
    id: "ice.requests.refused",
    title: "A request that is not authenticated has no effect: no success, no triggered check",
    reqs: [req::ICE_REQUEST_AUTHENTICATED, req::ICE_USERNAME_FIRST_HALF, req::ICE_RESPONSE_FINGERPRINT],
    kind: SubjectKind::IceAgent,
    variants: product! {
        role: ["controlling", "controlled"],
        fault: [
            "no tag", "wrong tag", "wrong password", "no user", "other user", "no colon",
            "halves swapped", "peer's password", "no fingerprint", "wrong fingerprint",
        ],
    },
    run: refused,
}

fn spoiled(stage: &IceStage, t: &mut Ctl<'_>, fault: &str) -> Message {
    let key = stage.agent.key();
    let name = username(&stage.agent, &stage.me);
    let with_name = |name: Option<&str>, t: &mut Ctl<'_>| {
        Message::request(IceStage::id(t))
            .with_all(name.map(Attribute::username))
            .with(stage.role.attribute(stage.tie_breaker))
            .with(Attribute::priority(PEER_PRIORITY))
    };
    let tagged = |message: Message, key: &Key| {
        message.with(Attribute::integrity(key)).with(Attribute::fingerprint())
    };
    match fault {
        "no tag" => with_name(Some(&name), t).with(Attribute::fingerprint()),
        "wrong tag" => with_name(Some(&name), t)
            .with(Attribute::integrity(&key).with_octets(F::Xor(vec![1])))
            .with(Attribute::fingerprint()),
        "wrong password" => tagged(with_name(Some(&name), t), &Key::short_term("guess")),
        "peer's password" => tagged(with_name(Some(&name), t), &stage.me.key()),
        "no user" => tagged(with_name(None, t), &key),
        "other user" => tagged(with_name(Some("nobody:sUiT"), t), &key),
        "no colon" => tagged(with_name(Some(&stage.agent.ufrag.clone()), t), &key),
        "halves swapped" => tagged(with_name(Some(&username(&stage.me, &stage.agent)), t), &key),
        "no fingerprint" => with_name(Some(&name), t).with(Attribute::integrity(&key)),
        _ => with_name(Some(&name), t)
            .with(Attribute::integrity(&key))
            .with(Attribute::fingerprint().with_octets(F::Xor(vec![1]))),
    }
}

fn refused(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut stage = IceStage::with(t, role(v), |setup| (setup.peers, setup.told) = (2, 1))?;
    let fault = v.text("fault");
    let request = spoiled(&stage, t, fault);
    // From an address the agent does not know: a check back would betray that it was heeded.
    stage.send(t, 1, &request);
    let heard = stage.serve_with_responses(t, 2 * SECOND);
    let req = match fault {
        "other user" | "no colon" | "halves swapped" => req::ICE_USERNAME_FIRST_HALF,
        "no fingerprint" | "wrong fingerprint" => req::ICE_RESPONSE_FINGERPRINT,
        _ => req::ICE_REQUEST_AUTHENTICATED,
    };
    let heeded = heard.iter().find(|heard| {
        heard.socket == 1 && (heard.message.is_request() || heard.message.class() == Class::Success)
    });
    let text = heeded.map_or_else(|| "nothing".to_owned(), |heard| heard.message.to_string());
    t.must(req, heeded.is_none(), "no success response, and no check back", text)
}

case! {
    id: "ice.requests.error-codes",
    title: "Without user or tag the answer is 400, with a wrong one 401",
    reqs: [req::ICE_REQUEST_REFUSED_WITH_CODE],
    kind: SubjectKind::IceAgent,
    variants: product! {
        fault: ["no tag", "no user", "wrong tag", "wrong password", "other user"],
    },
    no_reference: "no other stack at hand passes yet",
    run: error_codes,
}

fn error_codes(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut stage = IceStage::open(t, IceRole::Controlled)?;
    let request = spoiled(&stage, t, v.text("fault"));
    let heard = stage.ask(t, 0, &request);
    let wanted = if v.text("fault").starts_with("no ") { 400 } else { 401 };
    let code = heard.as_ref().and_then(|heard| heard.message.code());
    let text = heard.map_or_else(|| "silence".to_owned(), |heard| heard.message.to_string());
    t.must(req::ICE_REQUEST_REFUSED_WITH_CODE, code == Some(wanted), wanted, text)
}
