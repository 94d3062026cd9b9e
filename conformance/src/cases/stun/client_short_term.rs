//! The short-term mechanism at the client: RFC 8489 §9.1.2, §9.1.4, §9.1.5.

use super::script::*;

case! {
    id: "stun.client.short-term.request",
    title: "A request carries the user name and right tags: both, or the one that is known to do",
    reqs: [
        req::STUN_SHORT_TERM_ATTRIBUTES,
        req::STUN_SHORT_TERM_KNOWN_ALGORITHM,
        req::STUN_SHORT_TERM_KEY,
        req::STUN_INTEGRITY_VALUE,
        req::STUN_INTEGRITY_SHA256_VALUE,
        req::STUN_ATTRIBUTE_NUMBERS,
        req::STUN_INTEGRITY_PRECEDES_SHA256,
    ],
    kind: SubjectKind::StunClient,
    needs: [Cap::ShortTerm, Cap::IntegritySha256],
    variants: product! { known: ["no", "sha1", "sha256"] },
    run: request,
}

fn request(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut stage = ClientStage::open(t, |config| {
        config.authentication = Authentication::ShortTerm(short_term());
        config.integrity = known(v);
    })?;
    stage.start(t)?;
    let sent = stage.expect(t, SECOND, "a request")?.message;
    let (sha1, sha256) =
        (sent.integrity(&short_term_key()), sent.integrity_sha256(&short_term_key()));
    let (req, wanted) = match v.text("known") {
        "no" => (req::STUN_SHORT_TERM_ATTRIBUTES, (true, true)),
        "sha1" => (req::STUN_SHORT_TERM_KNOWN_ALGORITHM, (true, false)),
        _ => (req::STUN_SHORT_TERM_KNOWN_ALGORITHM, (false, true)),
    };
    let found = (sha1 != Check::Absent, sha256 != Check::Absent);
    let named = sent.text(attribute::USERNAME) == Some(short_term().username.as_str());
    t.must(req, named && found == wanted, format_args!("USERNAME and {wanted:?}"), &sent)?;
    let faults = sent.faults();
    t.must(req::STUN_ATTRIBUTE_NUMBERS, faults.is_empty(), "no fault", format_args!("{faults:?}"))?;
    let good = sha1 != Check::Bad && sha256 != Check::Bad;
    t.must(req::STUN_SHORT_TERM_KEY, good, "the password as key", &sent)?;
    if wanted == (true, true) {
        let place = |kind| sent.kinds().iter().position(|found| *found == kind);
        let (one, other) =
            (place(attribute::MESSAGE_INTEGRITY), place(attribute::MESSAGE_INTEGRITY_SHA256));
        t.must(req::STUN_INTEGRITY_PRECEDES_SHA256, one < other, "SHA-1 before SHA-256", &sent)?;
    }
    if wanted.0 {
        t.must(req::STUN_INTEGRITY_VALUE, sha1 == Check::Good, "a right tag", &sent)?;
    }
    if wanted.1 {
        t.must(req::STUN_INTEGRITY_SHA256_VALUE, sha256 == Check::Good, "a right tag", &sent)?;
    }
    Ok(())
}

case! {
    id: "stun.client.short-term.response",
    title: "Only a response with the right tag of the right kind counts; until it comes, requests go on",
    reqs: [
        req::STUN_SHORT_TERM_RESPONSE_VERIFIED,
        req::STUN_SHORT_TERM_BAD_RESPONSE_IGNORED,
        req::STUN_SHORT_TERM_RESPONSE_ALGORITHM_MATCHES,
        req::STUN_INTEGRITY_SHA256_LENGTH,
        req::STUN_INTEGRITY_SHA256_FULL,
    ],
    kind: SubjectKind::StunClient,
    needs: [Cap::ShortTerm, Cap::IntegritySha256],
    variants: product! {
        known: ["no", "sha1", "sha256"],
        fault: ["no tag", "wrong tag", "wrong password", "other kind", "cut to 16", "cut to 12", "cut to 0"],
    },
    run: response,
}

fn response(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut stage = ClientStage::open(t, |config| {
        config.authentication = Authentication::ShortTerm(short_term());
        config.integrity = known(v);
    })?;
    stage.start(t)?;
    let sent = stage.expect(t, SECOND, "a request")?;
    let key = short_term_key();
    let sha1 = v.text("known") == "sha1";
    let tag = if sha1 { Attribute::integrity(&key) } else { Attribute::integrity_sha256(&key) };
    let guess = Key::short_term("guess");
    let (tag, req) = match v.text("fault") {
        "no tag" => (None, req::STUN_SHORT_TERM_BAD_RESPONSE_IGNORED),
        "wrong tag" => {
            (Some(tag.with_octets(F::Xor(vec![1]))), req::STUN_SHORT_TERM_BAD_RESPONSE_IGNORED)
        }
        "wrong password" if sha1 => {
            (Some(Attribute::integrity(&guess)), req::STUN_SHORT_TERM_RESPONSE_VERIFIED)
        }
        "wrong password" => {
            (Some(Attribute::integrity_sha256(&guess)), req::STUN_SHORT_TERM_RESPONSE_VERIFIED)
        }
        "other kind" if sha1 => (
            Some(Attribute::integrity_sha256(&key)),
            req::STUN_SHORT_TERM_RESPONSE_ALGORITHM_MATCHES,
        ),
        "other kind" if v.text("known") == "sha256" => {
            (Some(Attribute::integrity(&key)), req::STUN_SHORT_TERM_RESPONSE_ALGORITHM_MATCHES)
        }
        // Both kinds were sent: either is a good answer, so spoil it.
        "other kind" => (
            Some(Attribute::integrity(&key).with_octets(F::Xor(vec![1]))),
            req::STUN_SHORT_TERM_BAD_RESPONSE_IGNORED,
        ),
        "cut to 16" => {
            (Some(Attribute::integrity_sha256_cut(&key, 16)), req::STUN_INTEGRITY_SHA256_FULL)
        }
        "cut to 12" => {
            (Some(Attribute::integrity_sha256_cut(&key, 12)), req::STUN_INTEGRITY_SHA256_LENGTH)
        }
        _ => (Some(Attribute::integrity_sha256_cut(&key, 0)), req::STUN_INTEGRITY_SHA256_LENGTH),
    };
    let wrong = Attribute::xor_mapped_address(OTHER);
    let response = Message::success(sent.message.transaction).with(wrong).with_all(tag);
    stage.ignores(t, req, &sent, &response.encode())
}

case! {
    id: "stun.client.short-term.after-integrity",
    title: "What follows the tag of a response has no effect",
    reqs: [req::STUN_AFTER_INTEGRITY_IGNORED, req::STUN_AFTER_INTEGRITY_SHA256_IGNORED],
    kind: SubjectKind::StunClient,
    needs: [Cap::ShortTerm, Cap::IntegritySha256],
    variants: product! {
        known: ["sha1", "sha256"],
        appended: ["address", "unknown required", "ERROR-CODE"],
    },
    run: after_integrity,
}

/// The good address stands before the tag, or the only address after it.
fn after_integrity(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut stage = ClientStage::open(t, |config| {
        config.authentication = Authentication::ShortTerm(short_term());
        config.integrity = known(v);
    })?;
    stage.start(t)?;
    let sent = stage.expect(t, SECOND, "a request")?;
    let appended = match v.text("appended") {
        "address" => Attribute::xor_mapped_address(OTHER),
        "unknown required" => Attribute::bytes(0x7ffe, b"?"),
        _ => Attribute::error_code(500, "Server Error"),
    };
    let req = match v.text("known") {
        "sha1" => req::STUN_AFTER_INTEGRITY_IGNORED,
        _ => req::STUN_AFTER_INTEGRITY_SHA256_IGNORED,
    };
    stage.reply(t, &stage.success_for(&sent).with(appended));
    let told = stage.event(t, SECOND);
    let mapped = stage.client();
    let fine =
        matches!(told, Some(ClientEvent::Success { mapped: Some(found), .. }) if found == mapped);
    t.must(req, fine, mapped, format_args!("{told:?}"))
}

case! {
    id: "stun.client.short-term.address-after-integrity",
    title: "An address that stands after the tag alone is no address",
    reqs: [req::STUN_AFTER_INTEGRITY_IGNORED],
    kind: SubjectKind::StunClient,
    needs: [Cap::ShortTerm],
    run: address_after_integrity,
}

fn address_after_integrity(t: &mut Ctl<'_>, _v: &Variant) -> Outcome {
    let mut stage = ClientStage::open(t, |config| {
        config.authentication = Authentication::ShortTerm(short_term());
        config.integrity = Some(Integrity::Sha1);
    })?;
    stage.start(t)?;
    let sent = stage.expect(t, SECOND, "a request")?;
    let response = Message::success(sent.message.transaction)
        .with(Attribute::integrity(&short_term_key()))
        .with(Attribute::xor_mapped_address(OTHER));
    stage.reply(t, &response);
    let told = stage.event(t, 60 * SECOND);
    let used = matches!(told, Some(ClientEvent::Success { mapped: Some(_), .. }));
    t.must(req::STUN_AFTER_INTEGRITY_IGNORED, !used, "no address", format_args!("{told:?}"))
}

case! {
    id: "stun.client.short-term.violation",
    title: "A transaction that got nothing but forgeries reports a violation, not a timeout",
    reqs: [req::STUN_SHORT_TERM_TIMEOUT_REPORTS_VIOLATION],
    kind: SubjectKind::StunClient,
    needs: [Cap::ShortTerm, Cap::Retransmission],
    variants: product! { forged: ["no tag", "wrong tag"] },
    no_reference: "no other stack at hand passes yet",
    run: violation,
}

fn violation(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut stage = ClientStage::open(t, |config| {
        config.authentication = Authentication::ShortTerm(short_term());
    })?;
    stage.start(t)?;
    while let Some(sent) = stage.next(t, 20 * SECOND) {
        let forged =
            Message::success(sent.message.transaction).with(Attribute::xor_mapped_address(OTHER));
        let forged = match v.text("forged") {
            "no tag" => forged,
            _ => forged.with(Attribute::integrity(&Key::short_term("guess"))),
        };
        stage.reply(t, &forged);
    }
    let told = stage.event(t, 60 * SECOND);
    let named = matches!(told, Some(ClientEvent::IntegrityViolated { .. }));
    let text = "integrity violated";
    t.must(req::STUN_SHORT_TERM_TIMEOUT_REPORTS_VIOLATION, named, text, format_args!("{told:?}"))
}

case! {
    id: "stun.client.short-term.later-requests",
    title: "After a response with one kind of tag, later requests carry that kind alone",
    reqs: [req::STUN_SHORT_TERM_LATER_REQUESTS_ONE_INTEGRITY],
    kind: SubjectKind::StunClient,
    needs: [Cap::ShortTerm, Cap::IntegritySha256],
    variants: product! { response: ["sha1", "sha256"] },
    no_reference: "no other stack at hand passes yet",
    run: later_requests,
}

fn later_requests(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut stage = ClientStage::open(t, |config| {
        config.authentication = Authentication::ShortTerm(short_term());
    })?;
    stage.start(t)?;
    let sent = stage.expect(t, SECOND, "a request")?;
    let response = Message::success(sent.message.transaction)
        .with(Attribute::xor_mapped_address(stage.client()))
        .with_all(tags(v.text("response"), &short_term_key()));
    stage.reply(t, &response);
    let told = stage.event(t, SECOND);
    t.precondition(matches!(told, Some(ClientEvent::Success { .. })), "a first success")?;
    for _ in 0..2 {
        stage.start(t)?;
        let sent = stage.expect(t, SECOND, "a later request")?;
        let found = (
            sent.message.has(attribute::MESSAGE_INTEGRITY),
            sent.message.has(attribute::MESSAGE_INTEGRITY_SHA256),
        );
        let wanted = if v.text("response") == "sha1" { (true, false) } else { (false, true) };
        let req = req::STUN_SHORT_TERM_LATER_REQUESTS_ONE_INTEGRITY;
        t.must(req, found == wanted, format_args!("{wanted:?}"), &sent.message)?;
        let response = Message::success(sent.message.transaction)
            .with(Attribute::xor_mapped_address(stage.client()))
            .with_all(tags(v.text("response"), &short_term_key()));
        stage.reply(t, &response);
        let _ = stage.event(t, SECOND);
    }
    Ok(())
}

/// The integrity attribute that both sides are known to have.
fn known(v: &Variant) -> Option<Integrity> {
    match v.text("known") {
        "sha1" => Some(Integrity::Sha1),
        "sha256" => Some(Integrity::Sha256),
        _ => None,
    }
}
