//! The short-term mechanism at the server: RFC 8489 §9.1.3, §14.5, §14.6.

use super::script::*;

case! {
    id: "stun.server.short-term.accepts",
    title: "A request with good credentials is served, and the response carries the same kind of integrity",
    reqs: [
        req::STUN_SHORT_TERM_RESPONSE_SHA1,
        req::STUN_SHORT_TERM_RESPONSE_SHA256,
        req::STUN_SHORT_TERM_RESPONSE_ONE_INTEGRITY,
        req::STUN_SHORT_TERM_RESPONSE_NO_USERNAME,
        req::STUN_SHORT_TERM_KEY,
        req::STUN_RESPONSE_AUTHENTICATED,
        req::STUN_INTEGRITY_VALUE,
        req::STUN_INTEGRITY_SHA256_VALUE,
    ],
    kind: SubjectKind::StunServer,
    needs: [Cap::ShortTerm, Cap::IntegritySha256],
    variants: product! { sent: ["sha1", "sha256", "both"], outcome: ["success", "420"] },
    run: accepts,
}

fn accepts(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let stage = ServerStage::open(t, short_term_server())?;
    let mut request = stage.request(t);
    if v.text("outcome") == "420" {
        request = request.with(Attribute::bytes(0x7ffe, b"?"));
    }
    let request = request
        .with(Attribute::username(&short_term().username))
        .with_all(tags(v.text("sent"), &short_term_key()));
    let reply = stage.exchange(t, &request);
    let sha1 = v.text("sent") == "sha1";
    let (integrity, value, kind) = if sha1 {
        let value = req::STUN_INTEGRITY_VALUE;
        (req::STUN_SHORT_TERM_RESPONSE_SHA1, value, attribute::MESSAGE_INTEGRITY)
    } else {
        let value = req::STUN_INTEGRITY_SHA256_VALUE;
        (req::STUN_SHORT_TERM_RESPONSE_SHA256, value, attribute::MESSAGE_INTEGRITY_SHA256)
    };
    let reply = answered(t, integrity, reply)?;
    let model = match v.text("outcome") {
        "420" => Model::error(&request, 420).with(attribute::UNKNOWN_ATTRIBUTES),
        _ => Model::success(&request, stage.peer()),
    };
    t.should(req::STUN_RESPONSE_AUTHENTICATED, reply.has(kind), attribute_name(kind), &reply)?;
    model.with(kind).holds(t, integrity, &reply)?;
    let check = protection(&reply, &short_term_key());
    t.must(req::STUN_SHORT_TERM_KEY, check == Check::Good, "the password as key", &reply)?;
    t.must(value, check == Check::Good, "the right tag", format_args!("{check:?}"))?;
    let both =
        reply.has(attribute::MESSAGE_INTEGRITY) && reply.has(attribute::MESSAGE_INTEGRITY_SHA256);
    t.must(req::STUN_SHORT_TERM_RESPONSE_ONE_INTEGRITY, !both, "one integrity attribute", &reply)?;
    let named = reply.has(attribute::USERNAME);
    t.must(req::STUN_SHORT_TERM_RESPONSE_NO_USERNAME, !named, "no USERNAME", &reply)
}

case! {
    id: "stun.server.short-term.rejects",
    title: "Each failed check has its code, and the rejection is bare",
    reqs: [
        req::STUN_SHORT_TERM_MISSING_400,
        req::STUN_SHORT_TERM_UNKNOWN_USER_401,
        req::STUN_SHORT_TERM_BAD_INTEGRITY_401,
        req::STUN_SHORT_TERM_REJECTION_BARE,
        req::STUN_SHORT_TERM_CHECKS_IN_ORDER,
        req::STUN_ERROR_HAS_ERROR_CODE,
    ],
    kind: SubjectKind::StunServer,
    needs: [Cap::ShortTerm],
    variants: product! {
        fault: [
            "nothing", "no username", "no integrity", "unknown user", "wrong password", "wrong tag",
            "unknown user without integrity", "unknown user with wrong tag",
        ],
    },
    run: rejects,
}

fn rejects(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let stage = ServerStage::open(t, short_term_server())?;
    let (name, nobody) =
        (Attribute::username(&short_term().username), Attribute::username("nobody"));
    let tag = Attribute::integrity(&short_term_key());
    let spoilt = tag.clone().with_octets(F::Xor(vec![0, 0, 0, 0, 1]));
    let (missing, user, integrity) = (
        (400, req::STUN_SHORT_TERM_MISSING_400),
        (401, req::STUN_SHORT_TERM_UNKNOWN_USER_401),
        (401, req::STUN_SHORT_TERM_BAD_INTEGRITY_401),
    );
    let (attributes, (code, req)) = match v.text("fault") {
        "nothing" => (vec![], missing),
        "no username" => (vec![tag], missing),
        "no integrity" => (vec![name], missing),
        "unknown user" => (vec![nobody, tag], user),
        "wrong password" => {
            (vec![name, Attribute::integrity(&Key::short_term("guess"))], integrity)
        }
        "wrong tag" => (vec![name, spoilt], integrity),
        "unknown user without integrity" => (vec![nobody], missing),
        _ => (vec![nobody, spoilt], user),
    };
    let request = stage.request(t).with_all(attributes);
    let reply = stage.exchange(t, &request);
    let reply = answered(t, req, reply)?;
    Model::error(&request, code).holds(t, req, &reply)?;
    t.must(req::STUN_ERROR_HAS_ERROR_CODE, reply.code().is_some(), "ERROR-CODE", &reply)?;
    t.must(req::STUN_SHORT_TERM_CHECKS_IN_ORDER, reply.code() == Some(code), code, &reply)?;
    let bare =
        protection(&reply, &short_term_key()) == Check::Absent && !reply.has(attribute::USERNAME);
    t.must(req::STUN_SHORT_TERM_REJECTION_BARE, bare, "no integrity, no USERNAME", &reply)
}

case! {
    id: "stun.server.short-term.sha256-decides",
    title: "With both integrity attributes, the SHA-256 one decides",
    reqs: [req::STUN_SHORT_TERM_SHA256_DECIDES],
    kind: SubjectKind::StunServer,
    needs: [Cap::ShortTerm, Cap::IntegritySha256],
    variants: product! { wrong: ["sha1", "sha256"] },
    run: sha256_decides,
}

/// The SHA-1 tag is wrong in itself and the SHA-256 tag covers it, so only one of them is wrong.
fn sha256_decides(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let stage = ServerStage::open(t, short_term_server())?;
    let key = short_term_key();
    let (mut sha1, mut sha256) = (Attribute::integrity(&key), Attribute::integrity_sha256(&key));
    if v.text("wrong") == "sha1" {
        sha1 = sha1.with_octets(F::Xor(vec![1]));
    } else {
        sha256 = sha256.with_octets(F::Xor(vec![1]));
    }
    let request =
        stage.request(t).with(Attribute::username(&short_term().username)).with(sha1).with(sha256);
    let reply = stage.exchange(t, &request);
    let reply = answered(t, req::STUN_SHORT_TERM_SHA256_DECIDES, reply)?;
    let model = match v.text("wrong") {
        "sha1" => Model::success(&request, stage.peer()).with(attribute::MESSAGE_INTEGRITY_SHA256),
        _ => Model::error(&request, 401),
    };
    model.holds(t, req::STUN_SHORT_TERM_SHA256_DECIDES, &reply)
}

case! {
    id: "stun.server.short-term.indications",
    title: "Indications are never answered, whatever their credentials",
    reqs: [
        req::STUN_SHORT_TERM_MISSING_INDICATION_DROPPED,
        req::STUN_SHORT_TERM_UNKNOWN_USER_INDICATION_DROPPED,
        req::STUN_SHORT_TERM_BAD_INTEGRITY_INDICATION_DROPPED,
        req::STUN_INDICATION_UNANSWERED,
    ],
    kind: SubjectKind::StunServer,
    needs: [Cap::ShortTerm],
    variants: product! { fault: ["no credentials", "unknown user", "wrong tag", "none"] },
    run: indications,
}

fn indications(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let stage = ServerStage::open(t, short_term_server())?;
    let name = Attribute::username(&short_term().username);
    let tag = Attribute::integrity(&short_term_key());
    let (attributes, req) = match v.text("fault") {
        "no credentials" => (vec![], req::STUN_SHORT_TERM_MISSING_INDICATION_DROPPED),
        "unknown user" => (
            vec![Attribute::username("nobody"), tag],
            req::STUN_SHORT_TERM_UNKNOWN_USER_INDICATION_DROPPED,
        ),
        "wrong tag" => (
            vec![name, tag.with_octets(F::Xor(vec![1]))],
            req::STUN_SHORT_TERM_BAD_INTEGRITY_INDICATION_DROPPED,
        ),
        _ => (vec![name, tag], req::STUN_INDICATION_UNANSWERED),
    };
    let message = Message::indication(fresh(t)).with_all(attributes);
    stage.ignores(t, req, &message.encode())
}

case! {
    id: "stun.server.short-term.after-integrity",
    title: "What follows an integrity attribute has no effect",
    reqs: [req::STUN_AFTER_INTEGRITY_IGNORED, req::STUN_AFTER_INTEGRITY_SHA256_IGNORED],
    kind: SubjectKind::StunServer,
    needs: [Cap::ShortTerm, Cap::IntegritySha256],
    variants: product! {
        integrity: ["sha1", "sha256", "both"],
        appended: ["unknown required", "USERNAME", "XOR-MAPPED-ADDRESS", "CHANGE-REQUEST", "ERROR-CODE", "PRIORITY"],
        fingerprint: [false, true],
    },
    run: after_integrity,
}

/// Regression: an attacker on the path appends attributes and fixes length and FINGERPRINT (I09).
fn after_integrity(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let stage = ServerStage::open(t, short_term_server())?;
    let appended = match v.text("appended") {
        "unknown required" => Attribute::bytes(0x7ffe, b"?"),
        "USERNAME" => Attribute::username("nobody"),
        "XOR-MAPPED-ADDRESS" => Attribute::xor_mapped_address(stage.server()),
        "CHANGE-REQUEST" => Attribute::change_request(true, true),
        "ERROR-CODE" => Attribute::error_code(500, "Server Error"),
        _ => Attribute::priority(1),
    };
    let (req, kind) = match v.text("integrity") {
        "sha1" => (req::STUN_AFTER_INTEGRITY_IGNORED, attribute::MESSAGE_INTEGRITY),
        "both" => (req::STUN_AFTER_INTEGRITY_IGNORED, attribute::MESSAGE_INTEGRITY_SHA256),
        _ => (req::STUN_AFTER_INTEGRITY_SHA256_IGNORED, attribute::MESSAGE_INTEGRITY_SHA256),
    };
    let mut request = stage
        .request(t)
        .with(Attribute::username(&short_term().username))
        .with_all(tags(v.text("integrity"), &short_term_key()))
        .with(appended);
    if v.flag("fingerprint") {
        request = request.with(Attribute::fingerprint());
    }
    let reply = stage.exchange(t, &request);
    let reply = answered(t, req, reply)?;
    Model::success(&request, stage.peer())
        .with(kind)
        .allowing(attribute::FINGERPRINT)
        .holds(t, req, &reply)
}

case! {
    id: "stun.server.short-term.adjusted-length",
    title: "Tags verify although FINGERPRINT or another tag follows, and only when made as specified",
    reqs: [
        req::STUN_INTEGRITY_VERIFIED_WITH_ADJUSTED_LENGTH,
        req::STUN_INTEGRITY_SHA256_VERIFIED_WITH_ADJUSTED_LENGTH,
    ],
    kind: SubjectKind::StunServer,
    needs: [Cap::ShortTerm, Cap::IntegritySha256],
    variants: product! { integrity: ["sha1", "sha256", "both"], made: ["right", "whole length"] },
    run: adjusted_length,
}

fn adjusted_length(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let stage = ServerStage::open(t, short_term_server())?;
    let key = short_term_key();
    let base = stage.request(t).with(Attribute::username(&short_term().username));
    let mut request = base.clone().with_all(tags(v.text("integrity"), &key));
    request = request.with(Attribute::fingerprint());
    let wrong = v.text("made") == "whole length";
    if wrong {
        request = over_whole_length(&base, &request, &key);
    }
    let req = if v.text("integrity") == "sha1" {
        req::STUN_INTEGRITY_VERIFIED_WITH_ADJUSTED_LENGTH
    } else {
        req::STUN_INTEGRITY_SHA256_VERIFIED_WITH_ADJUSTED_LENGTH
    };
    let reply = stage.exchange(t, &request);
    let reply = answered(t, req, reply)?;
    let wanted = if wrong { Some(401) } else { None };
    let text = if wrong { "401" } else { "success" };
    t.must(req, reply.code() == wanted, text, &reply)
}

/// `request` with its tags made over the final length field, which a receiver must not accept.
fn over_whole_length(base: &Message, request: &Message, key: &Key) -> Message {
    let bytes = request.encode();
    let mut at = base.encode().len();
    let mut wrong = request.clone();
    for found in &mut wrong.attributes {
        let covered = bytes.get(..at).unwrap_or_default();
        let tag = match found.kind {
            attribute::MESSAGE_INTEGRITY => key.hmac_sha1(&[covered]),
            attribute::MESSAGE_INTEGRITY_SHA256 => key.hmac_sha256(&[covered]),
            _ => continue,
        };
        at += 4 + tag.len();
        found.octets = F::Set(tag);
    }
    wrong
}

case! {
    id: "stun.server.short-term.truncated-sha256",
    title: "A truncated SHA-256 tag, or one of an odd length, does not verify",
    reqs: [req::STUN_INTEGRITY_SHA256_FULL, req::STUN_INTEGRITY_SHA256_LENGTH],
    kind: SubjectKind::StunServer,
    needs: [Cap::ShortTerm, Cap::IntegritySha256],
    variants: product! { length: [0, 4, 12, 15, 16, 17, 20, 24, 28, 31, 33, 36] },
    run: truncated_sha256,
}

/// Binding is no usage that allows truncation.
fn truncated_sha256(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let stage = ServerStage::open(t, short_term_server())?;
    let length = usize::try_from(v.number("length")).unwrap_or(0);
    let request = stage
        .request(t)
        .with(Attribute::username(&short_term().username))
        .with(Attribute::integrity_sha256_cut(&short_term_key(), length));
    let allowed = (16..=32).contains(&length) && length.is_multiple_of(4);
    let req =
        if allowed { req::STUN_INTEGRITY_SHA256_FULL } else { req::STUN_INTEGRITY_SHA256_LENGTH };
    let reply = stage.exchange(t, &request);
    let refused = match &reply {
        None => true,
        Some(reply) => matches!(reply.code(), Some(400 | 401)),
    };
    t.must(req, refused, "400, 401 or silence", shown(reply.as_ref()))?;
    stage.alive(t, req)
}
