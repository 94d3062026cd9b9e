//! The long-term mechanism at the client: RFC 8489 §9.2.3, §9.2.5.

use super::script::*;

/// A nonce with the cookie and these four characters of feature bits.
pub(super) fn nonce(features: &str) -> String {
    format!("obMatJos2{features}f//499k954d6OL34oL9FSTvy64sA")
}

/// A client with long-term credentials.
pub(super) fn client(t: &mut Ctl<'_>) -> Result<ClientStage, Stop> {
    ClientStage::open(t, |config| config.authentication = Authentication::LongTerm(long_term()))
}

/// A challenge to `sent` with the given nonce and list of algorithms.
pub(super) fn challenge(sent: &Sent, code: u16, nonce: &str, algorithms: &[u16]) -> Message {
    let list = (!algorithms.is_empty()).then(|| Attribute::password_algorithms(algorithms));
    Message::error(sent.message.transaction, code, "Again")
        .with(Attribute::realm(REALM))
        .with(Attribute::nonce(nonce.as_bytes()))
        .with_all(list)
}

/// Starts a transaction and answers its first request with a challenge.
pub(super) fn challenged(
    t: &mut Ctl<'_>,
    stage: &mut ClientStage,
    nonce: &str,
    algorithms: &[u16],
) -> Result<Sent, Stop> {
    stage.start(t)?;
    let first = stage.expect(t, SECOND, "a first request")?;
    stage.reply(t, &challenge(&first, 401, nonce, algorithms));
    Ok(first)
}

case! {
    id: "stun.client.long-term.first-request",
    title: "The first request is bare, and so is every one until a transaction has succeeded",
    reqs: [req::STUN_LONG_TERM_FIRST_REQUEST_BARE],
    kind: SubjectKind::StunClient,
    needs: [Cap::LongTerm],
    run: first_request,
}

fn first_request(t: &mut Ctl<'_>, _v: &Variant) -> Outcome {
    const NONE_OF: [u16; 8] = [
        attribute::USERNAME,
        attribute::USERHASH,
        attribute::MESSAGE_INTEGRITY,
        attribute::MESSAGE_INTEGRITY_SHA256,
        attribute::REALM,
        attribute::NONCE,
        attribute::PASSWORD_ALGORITHM,
        attribute::PASSWORD_ALGORITHMS,
    ];
    let mut stage = client(t)?;
    for _ in 0..2 {
        stage.start(t)?;
        let sent = stage.expect(t, SECOND, "a request")?;
        let bare = NONE_OF.iter().all(|kind| !sent.message.has(*kind));
        t.must(req::STUN_LONG_TERM_FIRST_REQUEST_BARE, bare, "no credentials", &sent.message)?;
        stage.reply(t, &Message::error(sent.message.transaction, 600, "Not now"));
        let _ = stage.event(t, SECOND);
    }
    Ok(())
}

case! {
    id: "stun.client.long-term.retry",
    title: "A challenge is answered in a new transaction, with all that belongs to it",
    reqs: [
        req::STUN_CLIENT_RETRIES_401,
        req::STUN_CLIENT_401_RETRY_USER,
        req::STUN_CLIENT_401_RETRY_USERHASH,
        req::STUN_CLIENT_401_RETRY_REALM,
        req::STUN_CLIENT_401_RETRY_NONCE,
        req::STUN_CLIENT_401_RETRY_ALGORITHMS,
        req::STUN_CLIENT_401_RETRY_ALGORITHM,
        req::STUN_TRANSACTION_ID_NEW_PER_TRANSACTION,
        req::STUN_MD5_ONLY_FOR_LEGACY,
        req::STUN_PASSWORD_ALGORITHM_FORMAT,
        req::STUN_PASSWORD_ALGORITHMS_FORMAT,
        req::STUN_PASSWORD_ALGORITHM_PADDING_ZERO,
        req::STUN_LONG_TERM_KEY_MD5,
        req::STUN_LONG_TERM_KEY_SHA256,
        req::STUN_USERHASH_VALUE,
    ],
    kind: SubjectKind::StunClient,
    needs: [Cap::LongTerm, Cap::PasswordAlgorithms, Cap::UserHash],
    variants: product! {
        features: ["none", "AAAA", "QAAA", "gAAA", "wAAA"],
        algorithms: ["2 1", "1 2", "2", "1", "9 2 1"],
    },
    run: retry,
}

fn retry(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let features = v.text("features");
    let nonce = if features == "none" { "no-cookie-at-all".to_owned() } else { nonce(features) };
    let listed = matches!(features, "gAAA" | "wAAA");
    let list: Vec<u16> = match listed {
        true => v.text("algorithms").split(' ').filter_map(|word| word.parse().ok()).collect(),
        false => vec![],
    };
    let mut stage = client(t)?;
    let first = challenged(t, &mut stage, &nonce, &list)?;
    let sent = stage.next(t, SECOND);
    t.should(req::STUN_CLIENT_RETRIES_401, sent.is_some(), "a retry", sent.is_some())?;
    if list.contains(&9) {
        t.must(req::STUN_PASSWORD_ALGORITHMS_FORMAT, sent.is_some(), "9 passed over", "no retry")?;
    }
    let retry = t.expect(sent, "a retry")?.message;
    let new = retry.transaction != first.message.transaction;
    t.must(req::STUN_TRANSACTION_ID_NEW_PER_TRANSACTION, new, "a new id", &retry)?;
    let (realm, echoed) = (retry.text(attribute::REALM), retry.text(attribute::NONCE));
    t.must(req::STUN_CLIENT_401_RETRY_REALM, realm == Some(REALM), REALM, &retry)?;
    t.must(req::STUN_CLIENT_401_RETRY_NONCE, echoed == Some(nonce.as_str()), nonce, &retry)?;
    let hashed = matches!(features, "QAAA" | "wAAA");
    check_user(t, &retry, hashed)?;
    let copied = retry.value(attribute::PASSWORD_ALGORITHMS).map(<[u8]>::to_vec);
    let offered = listed.then(|| password_algorithms(&list));
    t.must(
        req::STUN_CLIENT_401_RETRY_ALGORITHMS,
        copied == offered,
        format_args!("{list:?}"),
        &retry,
    )?;
    let choice = retry.algorithms(attribute::PASSWORD_ALGORITHM);
    let wanted = list.iter().find(|number| matches!(number, 1 | 2)).copied();
    let got = format!("{choice:?}");
    let right = choice.as_deref() == wanted.as_ref().map(std::slice::from_ref);
    t.must(req::STUN_CLIENT_401_RETRY_ALGORITHM, right, format_args!("{wanted:?}"), &got)?;
    let faults = retry.faults();
    t.must(
        req::STUN_PASSWORD_ALGORITHM_FORMAT,
        faults.is_empty(),
        "no fault",
        format_args!("{faults:?}"),
    )?;
    t.must(req::STUN_PASSWORD_ALGORITHM_PADDING_ZERO, faults.is_empty(), "no fault", &retry)?;
    let legacy = wanted != Some(2) || choice.as_deref() == Some(&[2]);
    t.must(req::STUN_MD5_ONLY_FOR_LEGACY, legacy, "SHA-256 where both have it first", got)?;
    let (req, key) = match wanted {
        Some(2) => (req::STUN_LONG_TERM_KEY_SHA256, long_term_key_sha256()),
        _ => (req::STUN_LONG_TERM_KEY_MD5, long_term_key()),
    };
    t.must(req, protection(&retry, &key) == Check::Good, "a right tag", &retry)
}

/// The user's name, or its hash if the server keeps users anonymous.
fn check_user(t: &mut Ctl<'_>, retry: &Parsed, hashed: bool) -> Outcome {
    let name = retry.text(attribute::USERNAME);
    let hash = retry.value(attribute::USERHASH);
    let one = name.is_some() != hash.is_some();
    t.must(req::STUN_CLIENT_401_RETRY_USER, one, "a user", retry)?;
    let right = hash.is_some() == hashed;
    let text = if hashed { "USERHASH" } else { "USERNAME" };
    t.must(req::STUN_CLIENT_401_RETRY_USERHASH, right, text, retry)?;
    if let Some(name) = name {
        let user = long_term().username;
        return t.must(req::STUN_CLIENT_401_RETRY_USER, name == user, user, name);
    }
    let wanted = userhash(&long_term().username, REALM);
    let found = hash.unwrap_or_default();
    t.must(req::STUN_USERHASH_VALUE, found == wanted, hex(&wanted), hex(found))
}

case! {
    id: "stun.client.long-term.long-nonce",
    title: "A nonce of 763 bytes from an older server is echoed whole",
    reqs: [req::STUN_NONCE_PARSES_763, req::STUN_REALM_PARSES_763],
    kind: SubjectKind::StunClient,
    needs: [Cap::LongTerm],
    variants: product! { attribute: ["NONCE", "REALM"], characters: [127, 253] },
    run: long_nonce,
}

/// 763 bytes are what 127 characters could take in the six-byte encoding of the day, plus one: here
/// three-byte characters fill them.
fn long_nonce(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut stage = client(t)?;
    let long = "\u{30de}".repeat(usize::try_from(v.number("characters")).unwrap_or(1));
    let (realm, nonce, kind, req) = match v.text("attribute") {
        "NONCE" => (REALM, long.as_str(), attribute::NONCE, req::STUN_NONCE_PARSES_763),
        _ => (long.as_str(), "nonce", attribute::REALM, req::STUN_REALM_PARSES_763),
    };
    stage.start(t)?;
    let first = stage.expect(t, SECOND, "a first request")?;
    let challenge = Message::error(first.message.transaction, 401, "Unauthenticated")
        .with(Attribute::realm(realm))
        .with(Attribute::nonce(nonce.as_bytes()));
    stage.reply(t, &challenge);
    let retry = stage.next(t, SECOND).map(|sent| sent.message);
    let whole = retry.as_ref().is_some_and(|retry| retry.value(kind) == Some(long.as_bytes()));
    t.must(req, whole, "the same value", shown(retry.as_ref()))
}

case! {
    id: "stun.client.long-term.stale-nonce",
    title: "A stale nonce is replaced and the request repeated with credentials",
    reqs: [
        req::STUN_CLIENT_438_RETRY,
        req::STUN_CLIENT_438_RETRY_ATTRIBUTES,
        req::STUN_CLIENT_ALGORITHMS_MEAN_SHA256,
    ],
    kind: SubjectKind::StunClient,
    needs: [Cap::LongTerm, Cap::PasswordAlgorithms],
    variants: product! { times: [1, 2], features: ["gAAA", "wAAA"] },
    run: stale_nonce,
}

fn stale_nonce(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut stage = client(t)?;
    let _ = challenged(t, &mut stage, &nonce(v.text("features")), &[2, 1])?;
    let mut sent = stage.expect(t, SECOND, "a retry")?;
    for round in 0..v.number("times") {
        let fresh = format!("{}{round}", nonce(v.text("features")));
        stage.reply(t, &challenge(&sent, 438, &fresh, &[2, 1]));
        let again = stage.next(t, SECOND);
        t.must(req::STUN_CLIENT_438_RETRY, again.is_some(), "a retry", again.is_some())?;
        sent = t.expect(again, "a retry")?;
        let echoed = sent.message.text(attribute::NONCE) == Some(fresh.as_str());
        t.must(req::STUN_CLIENT_438_RETRY, echoed, &fresh, &sent.message)?;
        let has = |kind| sent.message.has(kind);
        let all = (has(attribute::USERNAME) || has(attribute::USERHASH))
            && has(attribute::REALM)
            && protection(&sent.message, &long_term_key_sha256()) == Check::Good;
        t.must(
            req::STUN_CLIENT_438_RETRY_ATTRIBUTES,
            all,
            "user, realm, right tag",
            &sent.message,
        )?;
        let modern = !has(attribute::MESSAGE_INTEGRITY);
        t.must(req::STUN_CLIENT_ALGORITHMS_MEAN_SHA256, modern, "SHA-256 only", &sent.message)?;
    }
    let answer =
        stage.success_bare(&sent).with(Attribute::integrity_sha256(&long_term_key_sha256()));
    stage.reply(t, &answer);
    let told = stage.event(t, SECOND);
    let fine = matches!(told, Some(ClientEvent::Success { .. }));
    t.must(req::STUN_CLIENT_438_RETRY, fine, "success at last", format_args!("{told:?}"))
}

case! {
    id: "stun.client.long-term.later-requests",
    title: "Later requests carry the kept credentials from the start",
    reqs: [
        req::STUN_LONG_TERM_CREDENTIALS_CACHED,
        req::STUN_LONG_TERM_LATER_REQUEST_ATTRIBUTES,
        req::STUN_LONG_TERM_LATER_REQUEST_INTEGRITY,
        req::STUN_LONG_TERM_LATER_INTEGRITY_KIND,
        req::STUN_CLIENT_ALGORITHMS_MEAN_SHA256,
    ],
    kind: SubjectKind::StunClient,
    needs: [Cap::LongTerm, Cap::PasswordAlgorithms],
    variants: product! { server: ["modern", "legacy"] },
    run: later_requests,
}

fn later_requests(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut stage = client(t)?;
    let modern = v.text("server") == "modern";
    let (nonce, list, key) = if modern {
        (nonce("gAAA"), vec![2, 1], long_term_key_sha256())
    } else {
        ("no-cookie".to_owned(), vec![], long_term_key())
    };
    let _ = challenged(t, &mut stage, &nonce, &list)?;
    let tag = |key: &Key| {
        if modern { Attribute::integrity_sha256(key) } else { Attribute::integrity(key) }
    };
    let sent = stage.expect(t, SECOND, "a retry")?;
    stage.reply(t, &stage.success_bare(&sent).with(tag(&key)));
    let told = stage.event(t, SECOND);
    t.precondition(matches!(told, Some(ClientEvent::Success { .. })), "a first success")?;
    for _ in 0..2 {
        stage.start(t)?;
        let sent = stage.expect(t, SECOND, "a later request")?;
        let has = |kind| sent.message.has(kind);
        let kept = has(attribute::USERNAME) || has(attribute::USERHASH);
        t.should(req::STUN_LONG_TERM_CREDENTIALS_CACHED, kept, "credentials", &sent.message)?;
        let all = kept
            && sent.message.text(attribute::REALM) == Some(REALM)
            && sent.message.text(attribute::NONCE) == Some(nonce.as_str())
            && has(attribute::PASSWORD_ALGORITHM) == modern;
        t.must(
            req::STUN_LONG_TERM_LATER_REQUEST_ATTRIBUTES,
            all,
            "all kept values",
            &sent.message,
        )?;
        let good = protection(&sent.message, &key) == Check::Good;
        t.must(req::STUN_LONG_TERM_LATER_REQUEST_INTEGRITY, good, "a right tag", &sent.message)?;
        let kinds = (has(attribute::MESSAGE_INTEGRITY), has(attribute::MESSAGE_INTEGRITY_SHA256));
        let right = kinds == (!modern, modern);
        t.must(
            req::STUN_LONG_TERM_LATER_INTEGRITY_KIND,
            right,
            "the kind of the response",
            &sent.message,
        )?;
        t.must(
            req::STUN_CLIENT_ALGORITHMS_MEAN_SHA256,
            right,
            "SHA-256 once listed",
            &sent.message,
        )?;
        stage.reply(t, &stage.success_bare(&sent).with(tag(&key)));
        let _ = stage.event(t, SECOND);
    }
    Ok(())
}
