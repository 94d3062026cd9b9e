//! The long-term mechanism at the server, as far as all goes well: RFC 8489 §9.2, §9.2.4.

use super::script::*;

case! {
    id: "stun.server.long-term.challenge",
    title: "A request without integrity is challenged with realm, nonce and what else belongs there",
    reqs: [
        req::STUN_LONG_TERM_CHALLENGE_401,
        req::STUN_LONG_TERM_CHALLENGE_REALM,
        req::STUN_LONG_TERM_CHALLENGE_NONCE,
        req::STUN_LONG_TERM_CHALLENGE_BARE,
        req::STUN_LONG_TERM_OFFERS_ALGORITHMS,
        req::STUN_REALM_UNQUOTED,
        req::STUN_NONCE_LENGTH,
        req::STUN_NONCE_CHARACTERS,
        req::STUN_PASSWORD_ALGORITHMS_FORMAT,
        req::STUN_MD5_ONLY_FOR_LEGACY,
    ],
    kind: SubjectKind::StunServer,
    needs: [Cap::LongTerm],
    variants: product! { username: [false, true] },
    run: challenge,
}

fn challenge(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let stage = ServerStage::open(t, long_term_server())?;
    let mut request = stage.request(t);
    if v.flag("username") {
        request = request.with(Attribute::username(&long_term().username));
    }
    let reply = stage.exchange(t, &request);
    let reply = answered(t, req::STUN_LONG_TERM_CHALLENGE_401, reply)?;
    challenge_model(&request).holds(t, req::STUN_LONG_TERM_CHALLENGE_401, &reply)?;
    let realm = reply.text(attribute::REALM);
    t.must(req::STUN_LONG_TERM_CHALLENGE_REALM, realm == Some(REALM), REALM, &reply)?;
    let quoted = realm.is_some_and(|realm| realm.contains('"'));
    t.must(req::STUN_REALM_UNQUOTED, !quoted, "no quotes", &reply)?;
    let nonce = reply.text(attribute::NONCE);
    t.must(req::STUN_LONG_TERM_CHALLENGE_NONCE, nonce.is_some(), "NONCE", &reply)?;
    let nonce = nonce.unwrap_or_default();
    t.must(
        req::STUN_NONCE_LENGTH,
        nonce.chars().count() < 128,
        "fewer than 128 characters",
        nonce,
    )?;
    let quotable = nonce.chars().all(|c| c != '"' && c != '\\' && !c.is_control());
    t.must(req::STUN_NONCE_CHARACTERS, quotable, "characters of a quoted string", nonce)?;
    let bare = [attribute::USERNAME, attribute::USERHASH].iter().all(|kind| !reply.has(*kind))
        && protection(&reply, &long_term_key()) == Check::Absent;
    t.should(req::STUN_LONG_TERM_CHALLENGE_BARE, bare, "no user, no integrity", &reply)?;
    let listed = reply.algorithms(attribute::PASSWORD_ALGORITHMS);
    t.may(req::STUN_LONG_TERM_OFFERS_ALGORITHMS, listed.is_some(), "PASSWORD-ALGORITHMS", &reply)?;
    if let Some(listed) = listed {
        let found = format!("{listed:?}");
        let known = !listed.is_empty() && listed.iter().all(|number| matches!(number, 1 | 2));
        t.must(req::STUN_PASSWORD_ALGORITHMS_FORMAT, known, "MD5 is 1, SHA-256 is 2", &found)?;
        let best = !listed.contains(&2) || listed.first() == Some(&2);
        t.must(req::STUN_MD5_ONLY_FOR_LEGACY, best, "SHA-256 before MD5", &found)?;
    }
    Ok(())
}

case! {
    id: "stun.server.long-term.nonce-cookie",
    title: "The nonce starts with the cookie and the feature bits that the server has",
    reqs: [
        req::STUN_NONCE_COOKIE,
        req::STUN_NONCE_COOKIE_BIT_ORDER,
        req::STUN_NONCE_COOKIE_NO_FEATURES,
        req::STUN_LONG_TERM_ALGORITHMS_BIT,
        req::STUN_LONG_TERM_ANONYMITY_BIT,
    ],
    kind: SubjectKind::StunServer,
    needs: [Cap::LongTerm, Cap::PasswordAlgorithms, Cap::UserHash],
    variants: product! { algorithms: [false, true], anonymity: [false, true] },
    run: nonce_cookie,
}

fn nonce_cookie(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut config = long_term_server();
    config.long_term.algorithms = v.flag("algorithms");
    config.long_term.anonymity = v.flag("anonymity");
    let stage = ServerStage::open(t, config)?;
    let request = stage.request(t);
    let reply = stage.exchange(t, &request);
    let reply = t.expect(reply, "a challenge")?;
    let nonce = t.expect(reply.text(attribute::NONCE), "a NONCE")?.to_owned();
    t.must(req::STUN_NONCE_COOKIE, nonce.starts_with("obMatJos2"), "obMatJos2…", &nonce)?;
    let features = nonce.get(9..13).unwrap_or_default();
    let wanted = match (v.flag("algorithms"), v.flag("anonymity")) {
        (false, false) => "AAAA",
        (true, false) => "gAAA",
        (false, true) => "QAAA",
        (true, true) => "wAAA",
    };
    let req = match wanted {
        "AAAA" => req::STUN_NONCE_COOKIE_NO_FEATURES,
        "gAAA" => req::STUN_LONG_TERM_ALGORITHMS_BIT,
        "QAAA" => req::STUN_LONG_TERM_ANONYMITY_BIT,
        _ => req::STUN_NONCE_COOKIE_BIT_ORDER,
    };
    t.must(req, features == wanted, wanted, features)?;
    let offered = reply.has(attribute::PASSWORD_ALGORITHMS);
    let agree = !offered || matches!(features, "gAAA" | "wAAA");
    t.must(req::STUN_LONG_TERM_ALGORITHMS_BIT, agree, "the bit beside the list", &reply)?;
    t.must(req::STUN_NONCE_COOKIE_BIT_ORDER, features == wanted, wanted, features)
}

case! {
    id: "stun.server.long-term.nonce-per-address",
    title: "No two source addresses or ports get the same nonce",
    reqs: [req::STUN_LONG_TERM_NONCE_PER_ADDRESS],
    kind: SubjectKind::StunServer,
    needs: [Cap::LongTerm],
    run: nonce_per_address,
}

fn nonce_per_address(t: &mut Ctl<'_>, _v: &Variant) -> Outcome {
    let stage = ServerStage::open(t, long_term_server())?;
    let mut seen: Vec<Vec<u8>> = Vec::new();
    for index in 0..PEERS {
        let request = stage.request(t);
        let reply = stage.exchange_from(t, index, &request);
        let reply = t.expect(reply, "a challenge")?;
        let nonce = t.expect(reply.value(attribute::NONCE), "a NONCE")?.to_vec();
        let new = !seen.contains(&nonce);
        let text = String::from_utf8_lossy(&nonce).into_owned();
        t.must(req::STUN_LONG_TERM_NONCE_PER_ADDRESS, new, "a nonce of its own", text)?;
        seen.push(nonce);
    }
    Ok(())
}

case! {
    id: "stun.server.long-term.accepts",
    title: "A request with good credentials is served, and the response protected as the request asks",
    reqs: [
        req::STUN_LONG_TERM_RESPONSE_SHA256,
        req::STUN_LONG_TERM_RESPONSE_SHA1,
        req::STUN_LONG_TERM_RESPONSE_BARE,
        req::STUN_LONG_TERM_NO_ALGORITHM_MEANS_MD5,
        req::STUN_LONG_TERM_KEY_MD5,
        req::STUN_LONG_TERM_KEY_SHA256,
        req::STUN_LONG_TERM_ANONYMOUS_USERNAME,
        req::STUN_RESPONSE_AUTHENTICATED,
    ],
    kind: SubjectKind::StunServer,
    needs: [Cap::LongTerm, Cap::PasswordAlgorithms, Cap::UserHash],
    variants: product! {
        algorithm: ["none", "md5", "sha256"],
        user: ["name", "hash"],
        outcome: ["success", "420"],
    },
    run: accepts,
}

fn accepts(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let stage = ServerStage::open(t, long_term_server())?;
    let challenge = Challenge::get(t, &stage)?;
    let algorithm = match v.text("algorithm") {
        "none" => None,
        "md5" => Some(1),
        _ => Some(2),
    };
    let mut login = challenge.login().using(algorithm);
    login.hash = v.text("user") == "hash";
    let unknown = (v.text("outcome") == "420").then(|| Attribute::bytes(0x7ffe, b"?"));
    let request = login.sign(stage.request(t).with_all(unknown));
    let reply = stage.exchange(t, &request);
    let (req, kind) = match login.algorithm {
        None => (req::STUN_LONG_TERM_RESPONSE_SHA1, attribute::MESSAGE_INTEGRITY),
        Some(_) => (req::STUN_LONG_TERM_RESPONSE_SHA256, attribute::MESSAGE_INTEGRITY_SHA256),
    };
    let reply = answered(t, req, reply)?;
    if login.hash {
        let served = reply.code() != Some(401);
        t.may(req::STUN_LONG_TERM_ANONYMOUS_USERNAME, served, "USERHASH accepted", &reply)?;
    }
    let model = match v.text("outcome") {
        "420" => Model::error(&request, 420).with(attribute::UNKNOWN_ATTRIBUTES),
        _ => Model::success(&request, stage.peer()),
    };
    model
        .with(kind)
        .allowing(attribute::REALM)
        .allowing(attribute::NONCE)
        .allowing(attribute::USERNAME)
        .allowing(attribute::USERHASH)
        .holds(t, req, &reply)?;
    t.should(req::STUN_RESPONSE_AUTHENTICATED, reply.has(kind), attribute_name(kind), &reply)?;
    let key = match login.algorithm {
        None => req::STUN_LONG_TERM_NO_ALGORITHM_MEANS_MD5,
        Some(1) => req::STUN_LONG_TERM_KEY_MD5,
        Some(_) => req::STUN_LONG_TERM_KEY_SHA256,
    };
    let check = protection(&reply, &login.key());
    t.must(
        key,
        check == Check::Good,
        "the key of the request",
        format_args!("{check:?}: {reply}"),
    )?;
    let extra = [attribute::REALM, attribute::NONCE, attribute::USERNAME, attribute::USERHASH];
    let bare = extra.iter().all(|kind| !reply.has(*kind));
    t.should(req::STUN_LONG_TERM_RESPONSE_BARE, bare, "no realm, nonce or user", &reply)
}

case! {
    id: "stun.server.long-term.replayable-nonce",
    title: "A nonce serves more than one request of its client",
    reqs: [req::STUN_LONG_TERM_RESPONSE_SHA256],
    kind: SubjectKind::StunServer,
    needs: [Cap::LongTerm, Cap::PasswordAlgorithms],
    run: replayable_nonce,
}

fn replayable_nonce(t: &mut Ctl<'_>, _v: &Variant) -> Outcome {
    let stage = ServerStage::open(t, long_term_server())?;
    let login = Challenge::get(t, &stage)?.login();
    for _ in 0..4 {
        let request = login.sign(stage.request(t));
        let reply = stage.exchange(t, &request);
        let reply = answered(t, req::STUN_LONG_TERM_RESPONSE_SHA256, reply)?;
        let served =
            reply.class() == Class::Success && protection(&reply, &login.key()) == Check::Good;
        t.must(req::STUN_LONG_TERM_RESPONSE_SHA256, served, "a protected success", &reply)?;
    }
    Ok(())
}
