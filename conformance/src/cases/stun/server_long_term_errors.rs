//! The long-term mechanism at the server, when something is wrong: RFC 8489 §9.2.4.

use super::script::*;

case! {
    id: "stun.server.long-term.incomplete",
    title: "A request with integrity but without what belongs to it is a bad request",
    reqs: [
        req::STUN_LONG_TERM_INCOMPLETE_400,
        req::STUN_LONG_TERM_INCOMPLETE_400_BARE,
        req::STUN_LONG_TERM_INCOMPLETE_400_UNPROTECTED,
    ],
    kind: SubjectKind::StunServer,
    needs: [Cap::LongTerm],
    variants: product! { missing: ["user", "realm", "nonce", "all"] },
    run: incomplete,
}

fn incomplete(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let stage = ServerStage::open(t, long_term_server())?;
    let login = Challenge::get(t, &stage)?.login();
    let dropped: &[u16] = match v.text("missing") {
        "user" => &[attribute::USERNAME],
        "realm" => &[attribute::REALM],
        "nonce" => &[attribute::NONCE],
        _ => &[attribute::USERNAME, attribute::REALM, attribute::NONCE],
    };
    let mut request = login.sign(stage.request(t));
    request.attributes.retain(|kept| !dropped.contains(&kept.kind));
    let reply = stage.exchange(t, &request);
    let reply = answered(t, req::STUN_LONG_TERM_INCOMPLETE_400, reply)?;
    let extra = [attribute::USERNAME, attribute::USERHASH, attribute::NONCE, attribute::REALM];
    let model = extra.iter().fold(Model::error(&request, 400), |model, kind| model.allowing(*kind));
    model.holds(t, req::STUN_LONG_TERM_INCOMPLETE_400, &reply)?;
    let bare = extra.iter().all(|kind| !reply.has(*kind));
    t.should(req::STUN_LONG_TERM_INCOMPLETE_400_BARE, bare, "no user, realm or nonce", &reply)?;
    let unprotected = protection(&reply, &login.key()) == Check::Absent;
    t.must(req::STUN_LONG_TERM_INCOMPLETE_400_UNPROTECTED, unprotected, "no integrity", &reply)
}

case! {
    id: "stun.server.long-term.algorithm-mismatch",
    title: "Algorithm attributes that do not fit the challenge are a bad request",
    reqs: [req::STUN_LONG_TERM_ALGORITHM_MISMATCH_400],
    kind: SubjectKind::StunServer,
    needs: [Cap::LongTerm, Cap::PasswordAlgorithms],
    variants: product! {
        fault: ["choice only", "list only", "list shortened", "list reversed", "list extended", "choice outside"],
    },
    run: algorithm_mismatch,
}

fn algorithm_mismatch(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let stage = ServerStage::open(t, long_term_server())?;
    let challenge = Challenge::get(t, &stage)?;
    let mut list = challenge.algorithms.clone();
    t.precondition(list.len() > 1, "a challenge with two algorithms")?;
    let mut login = challenge.login();
    let fault = v.text("fault");
    match fault {
        "list shortened" => {
            list.pop();
        }
        "list reversed" => list.reverse(),
        "list extended" => list.push(9),
        _ => {}
    }
    login.list = (fault != "choice only").then_some(list);
    login.choice = match fault {
        "list only" => None,
        "choice outside" => Some(9),
        "list shortened" => challenge.algorithms.first().copied(),
        _ => login.algorithm,
    };
    let request = login.sign(stage.request(t));
    let reply = stage.exchange(t, &request);
    let reply = answered(t, req::STUN_LONG_TERM_ALGORITHM_MISMATCH_400, reply)?;
    let model = Model::error(&request, 400).allowing(attribute::REALM).allowing(attribute::NONCE);
    model.holds(t, req::STUN_LONG_TERM_ALGORITHM_MISMATCH_400, &reply)
}

case! {
    id: "stun.server.long-term.unknown-user",
    title: "An unknown user is challenged again",
    reqs: [
        req::STUN_LONG_TERM_UNKNOWN_USER_401,
        req::STUN_LONG_TERM_UNKNOWN_USER_401_REALM,
        req::STUN_LONG_TERM_UNKNOWN_USER_401_NONCE,
        req::STUN_LONG_TERM_UNKNOWN_USER_401_ALGORITHMS,
        req::STUN_LONG_TERM_UNKNOWN_USER_401_BARE,
        req::STUN_LONG_TERM_UNKNOWN_USER_401_INTEGRITY,
    ],
    kind: SubjectKind::StunServer,
    needs: [Cap::LongTerm, Cap::UserHash],
    variants: product! { user: ["name", "hash"] },
    run: unknown_user,
}

fn unknown_user(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let stage = ServerStage::open(t, long_term_server())?;
    let mut login = Challenge::get(t, &stage)?.login();
    login.username = "nobody".to_owned();
    login.hash = v.text("user") == "hash";
    let request = login.sign(stage.request(t));
    let reply = stage.exchange(t, &request);
    let reply = answered(t, req::STUN_LONG_TERM_UNKNOWN_USER_401, reply)?;
    let model = challenge_model(&request);
    model.allowing_integrity().holds(t, req::STUN_LONG_TERM_UNKNOWN_USER_401, &reply)?;
    let has = |kind| reply.has(kind);
    let (realm, nonce) = (has(attribute::REALM), has(attribute::NONCE));
    t.must(req::STUN_LONG_TERM_UNKNOWN_USER_401_REALM, realm, "REALM", &reply)?;
    t.must(req::STUN_LONG_TERM_UNKNOWN_USER_401_NONCE, nonce, "NONCE", &reply)?;
    let list = has(attribute::PASSWORD_ALGORITHMS);
    t.must(req::STUN_LONG_TERM_UNKNOWN_USER_401_ALGORITHMS, list, "PASSWORD-ALGORITHMS", &reply)?;
    let bare = !has(attribute::USERNAME) && !has(attribute::USERHASH);
    t.should(req::STUN_LONG_TERM_UNKNOWN_USER_401_BARE, bare, "no user", &reply)?;
    let protected = protection(&reply, &login.key()) != Check::Absent;
    t.may(req::STUN_LONG_TERM_UNKNOWN_USER_401_INTEGRITY, protected, "integrity", &reply)
}

case! {
    id: "stun.server.long-term.bad-integrity",
    title: "A wrong tag or password is challenged again",
    reqs: [
        req::STUN_LONG_TERM_BAD_INTEGRITY_401,
        req::STUN_LONG_TERM_BAD_INTEGRITY_401_CHALLENGE,
        req::STUN_LONG_TERM_BAD_INTEGRITY_401_BARE,
        req::STUN_LONG_TERM_SHA256_DECIDES,
    ],
    kind: SubjectKind::StunServer,
    needs: [Cap::LongTerm, Cap::PasswordAlgorithms],
    variants: product! { fault: ["password", "tag", "sha256 beside a right sha1"], algorithm: [1, 2] },
    run: bad_integrity,
}

fn bad_integrity(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let stage = ServerStage::open(t, long_term_server())?;
    let algorithm = u16::try_from(v.number("algorithm")).ok();
    let mut login = Challenge::get(t, &stage)?.login().using(algorithm);
    if v.text("fault") == "password" {
        login.password = "guess".to_owned();
    }
    let mut request = login.sign(stage.request(t));
    let mut req = req::STUN_LONG_TERM_BAD_INTEGRITY_401;
    if v.text("fault") != "password"
        && let Some(mut tag) = request.attributes.pop()
    {
        if v.text("fault") != "tag" {
            request = request.with(Attribute::integrity(&login.key()));
            req = req::STUN_LONG_TERM_SHA256_DECIDES;
        }
        tag.octets = F::Xor(vec![0, 0, 0, 0, 0, 0, 1]);
        request = request.with(tag);
    }
    let reply = stage.exchange(t, &request);
    let reply = answered(t, req, reply)?;
    challenge_model(&request).allowing_integrity().holds(t, req, &reply)?;
    let challenges = reply.has(attribute::REALM) && reply.has(attribute::NONCE);
    t.must(req::STUN_LONG_TERM_BAD_INTEGRITY_401_CHALLENGE, challenges, "realm and nonce", &reply)?;
    let bare = !reply.has(attribute::USERNAME)
        && !reply.has(attribute::USERHASH)
        && protection(&reply, &login.key()) == Check::Absent;
    t.should(req::STUN_LONG_TERM_BAD_INTEGRITY_401_BARE, bare, "no user, no integrity", &reply)
}

case! {
    id: "stun.server.long-term.stale-nonce",
    title: "A nonce that is no longer valid earns a 438 with one that is",
    reqs: [
        req::STUN_LONG_TERM_STALE_NONCE_438,
        req::STUN_LONG_TERM_438_ATTRIBUTES,
        req::STUN_LONG_TERM_438_BARE,
        req::STUN_LONG_TERM_438_NONCE_VALID,
        req::STUN_LONG_TERM_438_INTEGRITY,
    ],
    kind: SubjectKind::StunServer,
    needs: [Cap::LongTerm, Cap::PasswordAlgorithms],
    variants: product! { cause: ["age", "other client"] },
    run: stale_nonce,
}

fn stale_nonce(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let stage = ServerStage::open(t, long_term_server())?;
    let mut login = Challenge::get(t, &stage)?.login();
    let mut peer = 0;
    if v.text("cause") == "age" {
        stage.wait(t, 2 * NONCE_LIFETIME);
    } else {
        peer = 1;
        let bare = stage.request(t);
        let _ = stage.exchange_from(t, peer, &bare);
    }
    let request = login.sign(stage.request(t));
    let reply = stage.exchange_from(t, peer, &request);
    let reply = answered(t, req::STUN_LONG_TERM_STALE_NONCE_438, reply)?;
    let code = reply.code();
    t.must(req::STUN_LONG_TERM_STALE_NONCE_438, code == Some(438), 438, &reply)?;
    let parts = [attribute::NONCE, attribute::REALM, attribute::PASSWORD_ALGORITHMS];
    let all = parts.iter().all(|kind| reply.has(*kind));
    t.must(req::STUN_LONG_TERM_438_ATTRIBUTES, all, "NONCE, REALM, PASSWORD-ALGORITHMS", &reply)?;
    let model = challenge_model(&request).code(438).allowing_integrity();
    model.holds(t, req::STUN_LONG_TERM_438_ATTRIBUTES, &reply)?;
    let bare = !reply.has(attribute::USERNAME) && !reply.has(attribute::USERHASH);
    t.should(req::STUN_LONG_TERM_438_BARE, bare, "no user", &reply)?;
    let protected = protection(&reply, &login.key()) != Check::Absent;
    t.may(req::STUN_LONG_TERM_438_INTEGRITY, protected, "integrity", &reply)?;
    login.nonce = t.expect(reply.value(attribute::NONCE), "a NONCE")?.to_vec();
    let again = login.sign(stage.request(t));
    let reply = stage.exchange_from(t, peer, &again);
    let served = reply.as_ref().is_some_and(|reply| reply.class() == Class::Success);
    t.must(req::STUN_LONG_TERM_438_NONCE_VALID, served, "success", shown(reply.as_ref()))
}

case! {
    id: "stun.server.long-term.order",
    title: "A request that fails several checks gets the answer of the first",
    reqs: [req::STUN_LONG_TERM_CHECKS_IN_ORDER],
    kind: SubjectKind::StunServer,
    needs: [Cap::LongTerm, Cap::PasswordAlgorithms],
    variants: product! {
        faults: [
            "no integrity, no user", "no nonce, unknown user", "bad list, unknown user",
            "unknown user, wrong tag, stale nonce", "wrong tag, stale nonce", "bad list, stale nonce",
        ],
    },
    run: order,
}

fn order(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let stage = ServerStage::open(t, long_term_server())?;
    let mut login = Challenge::get(t, &stage)?.login();
    let faults = v.text("faults");
    if faults.contains("unknown user") {
        login.username = "nobody".to_owned();
    }
    if faults.contains("bad list") {
        login.list = Some(vec![9, 1]);
    }
    if faults.contains("wrong tag") {
        login.password = "guess".to_owned();
    }
    if faults.contains("stale nonce") {
        stage.wait(t, 2 * NONCE_LIFETIME);
    }
    let mut request = login.sign(stage.request(t));
    if faults.contains("no integrity") {
        request.attributes.pop();
    }
    let drop = if faults.contains("no user") { attribute::USERNAME } else { 0 };
    request.attributes.retain(|kept| kept.kind != drop);
    if faults.contains("no nonce") {
        request.attributes.retain(|kept| kept.kind != attribute::NONCE);
    }
    let code = match faults {
        "no integrity, no user" => 401,
        "unknown user, wrong tag, stale nonce" | "wrong tag, stale nonce" => 401,
        _ => 400,
    };
    let reply = stage.exchange(t, &request);
    let reply = answered(t, req::STUN_LONG_TERM_CHECKS_IN_ORDER, reply)?;
    t.must(req::STUN_LONG_TERM_CHECKS_IN_ORDER, reply.code() == Some(code), code, &reply)
}
