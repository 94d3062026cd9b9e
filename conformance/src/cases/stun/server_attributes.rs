//! Unknown, unexpected, repeated and oddly padded attributes in requests: RFC 8489 §6.3, §14.

use super::script::*;

case! {
    id: "stun.server.420",
    title: "Unknown comprehension-required attributes are refused and listed, all of them and no other",
    reqs: [
        req::STUN_UNKNOWN_REQUIRED_420,
        req::STUN_420_LISTS_UNKNOWN,
        req::STUN_ERROR_HAS_ERROR_CODE,
        req::STUN_UNKNOWN_ATTRIBUTES_FORMAT,
    ],
    kind: SubjectKind::StunServer,
    variants: product! { count: [1, 2, 3, 7], optional: [false, true] },
    run: refuses_unknown,
}

fn refuses_unknown(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let stage = ServerStage::plain(t)?;
    let kinds: Vec<u16> =
        (0..v.number("count")).filter_map(|n| u16::try_from(0x7ff1 - 3 * n).ok()).collect();
    let mut request =
        stage.request(t).with_all(kinds.iter().map(|kind| Attribute::bytes(*kind, b"value")));
    if v.flag("optional") {
        request = request.with(Attribute::bytes(0xfff1, b"may be passed over"));
    }
    let reply = stage.exchange(t, &request);
    let reply = answered(t, req::STUN_UNKNOWN_REQUIRED_420, reply)?;
    let model = Model::error(&request, 420).with(attribute::UNKNOWN_ATTRIBUTES);
    model.holds(t, req::STUN_UNKNOWN_REQUIRED_420, &reply)?;
    t.must(req::STUN_ERROR_HAS_ERROR_CODE, reply.code() == Some(420), "ERROR-CODE 420", &reply)?;
    let listed = reply.unknown_attributes();
    let found = format!("{:04x?}", listed.clone().unwrap_or_default());
    t.must(
        req::STUN_UNKNOWN_ATTRIBUTES_FORMAT,
        listed.is_some(),
        "a list of 16-bit types",
        &found,
    )?;
    let mut sorted = listed.unwrap_or_default();
    sorted.sort_unstable_by(|one, other| other.cmp(one));
    t.must(req::STUN_420_LISTS_UNKNOWN, sorted == kinds, format_args!("{kinds:04x?}"), found)
}

case! {
    id: "stun.server.attribute-ranges",
    title: "The border between required and optional lies at 0x8000",
    reqs: [
        req::STUN_ATTRIBUTE_RANGES,
        req::STUN_UNKNOWN_OPTIONAL_IGNORED,
        req::STUN_UNKNOWN_REQUIRED_420,
    ],
    kind: SubjectKind::StunServer,
    variants: product! { kind: [0x0000, 0x0002, 0x0028, 0x3fff, 0x4000, 0x7fff, 0x8000, 0x8001, 0xbfff, 0xc000, 0xffff] },
    run: attribute_ranges,
}

fn attribute_ranges(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let stage = ServerStage::plain(t)?;
    let kind = u16::try_from(v.number("kind")).unwrap_or(0);
    let request = stage.request(t).with(Attribute::bytes(kind, b"value"));
    let reply = stage.exchange(t, &request);
    let reply = answered(t, req::STUN_ATTRIBUTE_RANGES, reply)?;
    let (model, req) = if kind < 0x8000 {
        let model = Model::error(&request, 420).with(attribute::UNKNOWN_ATTRIBUTES);
        (model, req::STUN_UNKNOWN_REQUIRED_420)
    } else {
        (Model::success(&request, stage.peer()), req::STUN_UNKNOWN_OPTIONAL_IGNORED)
    };
    model.holds(t, req::STUN_ATTRIBUTE_RANGES, &reply)?;
    model.holds(t, req, &reply)
}

case! {
    id: "stun.server.known-unexpected",
    title: "Attributes that belong elsewhere do not disturb a Binding request",
    reqs: [req::STUN_KNOWN_UNEXPECTED_IGNORED],
    kind: SubjectKind::StunServer,
    variants: product! {
        attribute: ["XOR-MAPPED-ADDRESS", "ERROR-CODE", "REALM", "NONCE", "ALTERNATE-SERVER", "USERNAME"],
    },
    run: known_unexpected,
}

fn known_unexpected(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let stage = ServerStage::plain(t)?;
    let odd = match v.text("attribute") {
        "XOR-MAPPED-ADDRESS" => Attribute::xor_mapped_address(stage.server()),
        "ERROR-CODE" => Attribute::error_code(500, "Server Error"),
        "REALM" => Attribute::realm("example.org"),
        "NONCE" => Attribute::nonce(b"nonce"),
        "ALTERNATE-SERVER" => Attribute::alternate_server(stage.server()),
        _ => Attribute::username("name"),
    };
    let request = stage.request(t).with(odd);
    let reply = stage.exchange(t, &request);
    let reply = t.expect(reply, "a response")?;
    let served = Model::success(&request, stage.peer()).deviation(&reply);
    let got = served.as_deref().unwrap_or("success");
    t.should(req::STUN_KNOWN_UNEXPECTED_IGNORED, served.is_none(), "success", got)
}

case! {
    id: "stun.server.padding-ignored",
    title: "Padding of any value is accepted",
    reqs: [req::STUN_PADDING_IGNORED],
    kind: SubjectKind::StunServer,
    variants: product! { length: [1, 2, 3], value: [0x20, 0xff] },
    run: padding_ignored,
}

fn padding_ignored(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let stage = ServerStage::plain(t)?;
    let length = usize::try_from(v.number("length")).unwrap_or(1);
    let value = u8::try_from(v.number("value")).unwrap_or(0);
    let odd = Attribute::bytes(attribute::SOFTWARE, &vec![b's'; length])
        .with_padding(F::Raw(vec![value; 4 - length]));
    let request = stage.request(t).with(odd).with(Attribute::fingerprint());
    let reply = stage.exchange(t, &request);
    let reply = answered(t, req::STUN_PADDING_IGNORED, reply)?;
    Model::success(&request, stage.peer()).allowing(attribute::FINGERPRINT).holds(
        t,
        req::STUN_PADDING_IGNORED,
        &reply,
    )
}

case! {
    id: "stun.server.repeated-attribute",
    title: "An attribute that occurs more than once is no reason to refuse",
    reqs: [req::STUN_ATTRIBUTE_REPEATED],
    kind: SubjectKind::StunServer,
    variants: product! { copies: [2, 30] },
    run: repeated_attribute,
}

fn repeated_attribute(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let stage = ServerStage::plain(t)?;
    let request = (0..v.number("copies"))
        .fold(stage.request(t), |request, _| request.with(Attribute::software("again")));
    let reply = stage.exchange(t, &request);
    let served = reply.as_ref().is_some_and(|reply| reply.class() == Class::Success);
    t.may(req::STUN_ATTRIBUTE_REPEATED, served, "success", shown(reply.as_ref()))
}

case! {
    id: "stun.server.first-of-several",
    title: "Of several USERNAMEs the first one counts",
    reqs: [req::STUN_ATTRIBUTE_FIRST_COUNTS],
    kind: SubjectKind::StunServer,
    needs: [Cap::ShortTerm],
    variants: product! { first: ["right", "wrong"] },
    run: first_of_several,
}

fn first_of_several(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let stage = ServerStage::open(t, short_term_server())?;
    let right = Attribute::username(&short_term().username);
    let wrong = Attribute::username("nobody");
    let (one, other, code) =
        if v.text("first") == "right" { (right, wrong, None) } else { (wrong, right, Some(401)) };
    let request =
        stage.request(t).with(one).with(other).with(Attribute::integrity(&short_term_key()));
    let reply = stage.exchange(t, &request);
    let reply = t.expect(reply, "a response")?;
    let wanted = code.map_or_else(|| "success".to_owned(), |code: u16| code.to_string());
    t.may(req::STUN_ATTRIBUTE_FIRST_COUNTS, reply.code() == code, wanted, &reply)
}

case! {
    id: "stun.server.long-texts",
    title: "Texts of 763 bytes from clients of the former specification do no harm",
    reqs: [req::STUN_SOFTWARE_PARSES_763, req::STUN_USERNAME_PARSES_763],
    kind: SubjectKind::StunServer,
    variants: product! { attribute: ["SOFTWARE", "USERNAME"], length: [509, 513, 763] },
    run: long_texts,
}

fn long_texts(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let stage = ServerStage::plain(t)?;
    let text = vec![b'x'; usize::try_from(v.number("length")).unwrap_or(0)];
    let (kind, req) = match v.text("attribute") {
        "SOFTWARE" => (attribute::SOFTWARE, req::STUN_SOFTWARE_PARSES_763),
        _ => (attribute::USERNAME, req::STUN_USERNAME_PARSES_763),
    };
    let request = stage.request(t).with(Attribute::bytes(kind, &text));
    let reply = stage.exchange(t, &request);
    let reply = answered(t, req, reply)?;
    Model::success(&request, stage.peer()).holds(t, req, &reply)
}
