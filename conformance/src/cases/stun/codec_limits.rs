//! What may be sent and what must be read: RFC 8489 §14.

use super::script::*;

case! {
    id: "stun.codec.text-limits",
    title: "Texts longer than the specification allows are not sent",
    reqs: [
        req::STUN_USERNAME_LENGTH,
        req::STUN_REALM_LENGTH,
        req::STUN_NONCE_LENGTH,
        req::STUN_SOFTWARE_LENGTH,
        req::STUN_ERROR_REASON_LENGTH,
        req::STUN_ALTERNATE_DOMAIN_FORMAT,
    ],
    kind: SubjectKind::StunCodec,
    variants: product! {
        field: ["USERNAME", "REALM", "NONCE", "SOFTWARE", "reason", "ALTERNATE-DOMAIN"],
        content: ["longest ascii", "too long ascii", "longest wide", "too long wide"],
    },
    run: text_limits,
}

/// USERNAME is bounded in bytes, the others in characters, a domain name in ASCII characters.
fn text_limits(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let codec = codec(t)?;
    let (name, content) = (v.text("field"), v.text("content"));
    let wide = content.ends_with("wide");
    let fits = content.starts_with("longest");
    let letter = if wide { "\u{20ac}" } else { "a" };
    let longest = match name {
        "USERNAME" => 508 / letter.len(),
        "ALTERNATE-DOMAIN" => return domain(t, codec.as_ref(), content),
        _ => 127,
    };
    let text = letter.repeat(longest + usize::from(!fits));
    let (field, req) = match name {
        "USERNAME" => (Field::Username(text), req::STUN_USERNAME_LENGTH),
        "REALM" => (Field::Realm(text), req::STUN_REALM_LENGTH),
        "NONCE" => (Field::Nonce(text), req::STUN_NONCE_LENGTH),
        "SOFTWARE" => (Field::Software(text), req::STUN_SOFTWARE_LENGTH),
        _ => (Field::ErrorCode(400, text), req::STUN_ERROR_REASON_LENGTH),
    };
    let built = codec.encode(0, [7; 12], &[field]);
    t.stimulus(content);
    supported(&built)?;
    let sent = built
        .as_ref()
        .is_ok_and(|bytes| Parsed::read(bytes).is_ok_and(|read| read.faults().is_empty()));
    let wanted = if fits { "a sound message" } else { "no message with it" };
    let got = built.map_or_else(|refusal| refusal.to_string(), |bytes| hex(&bytes));
    t.must(req, sent == fits, wanted, got)
}

fn domain(t: &mut Ctl<'_>, codec: &dyn StunCodec, content: &str) -> Outcome {
    let label = "a".repeat(62);
    let (name, fits) = match content {
        "longest ascii" => ([label.as_str(); 4].join("."), true),
        "too long ascii" => ([label.as_str(); 5].join("."), false),
        "longest wide" => ("xn--bcher-kva.example".to_owned(), true),
        _ => ("b\u{fc}cher.example".to_owned(), false),
    };
    let built = codec.encode(3, [7; 12], &[Field::AlternateDomain(name)]);
    t.stimulus(content);
    supported(&built)?;
    let sound = built.as_ref().is_ok_and(|bytes| {
        Parsed::read(bytes).is_ok_and(|read| {
            let name = read.text(attribute::ALTERNATE_DOMAIN).unwrap_or_default();
            name.is_ascii() && name.len() <= 255
        })
    });
    let fine = if fits { sound } else { built.is_err() || sound };
    let got = built.map_or_else(|refusal| refusal.to_string(), |bytes| hex(&bytes));
    t.must(req::STUN_ALTERNATE_DOMAIN_FORMAT, fine, "an ASCII name of 255 characters or fewer", got)
}

case! {
    id: "stun.codec.long-texts",
    title: "Texts of up to 763 bytes are read",
    reqs: [
        req::STUN_USERNAME_PARSES_763,
        req::STUN_REALM_PARSES_763,
        req::STUN_NONCE_PARSES_763,
        req::STUN_SOFTWARE_PARSES_763,
        req::STUN_ERROR_REASON_PARSES_763,
    ],
    kind: SubjectKind::StunCodec,
    variants: product! {
        field: ["USERNAME", "REALM", "NONCE", "SOFTWARE", "reason"],
        length: [0, 1, 508, 509, 510, 762, 763],
    },
    run: long_texts,
}

fn long_texts(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let codec = codec(t)?;
    let text = "t".repeat(usize::try_from(v.number("length")).unwrap_or(0));
    let (kind, wanted, req) = match v.text("field") {
        "USERNAME" => (attribute::USERNAME, Wanted::Username, req::STUN_USERNAME_PARSES_763),
        "REALM" => (attribute::REALM, Wanted::Realm, req::STUN_REALM_PARSES_763),
        "NONCE" => (attribute::NONCE, Wanted::Nonce, req::STUN_NONCE_PARSES_763),
        "SOFTWARE" => (attribute::SOFTWARE, Wanted::Software, req::STUN_SOFTWARE_PARSES_763),
        _ => (attribute::ERROR_CODE, Wanted::ErrorCode, req::STUN_ERROR_REASON_PARSES_763),
    };
    let value = match kind {
        attribute::ERROR_CODE => error_value(438, text.as_bytes()),
        _ => text.clone().into_bytes(),
    };
    let message = Message::request(fresh(t)).with(Attribute::bytes(kind, &value)).encode();
    let read = codec.read(&message, wanted);
    t.stimulus(format_args!("{} bytes", text.len()));
    supported(&read)?;
    let found = match &read {
        Ok(
            Field::Username(found)
            | Field::Realm(found)
            | Field::Nonce(found)
            | Field::Software(found)
            | Field::ErrorCode(438, found),
        ) => *found == text,
        _ => false,
    };
    t.must(req, found, format_args!("{} bytes", text.len()), format_args!("{read:?}"))
}

case! {
    id: "stun.codec.error-range",
    title: "Error codes outside 300 to 699 are neither sent nor read",
    reqs: [
        req::STUN_ERROR_CLASS_RANGE,
        req::STUN_ERROR_NUMBER_RANGE,
        req::STUN_ERROR_CODE_RANGE_CHECKED,
    ],
    kind: SubjectKind::StunCodec,
    variants: product! { code: [0, 99, 299, 300, 438, 699, 700, 799, 999] },
    run: error_range,
}

fn error_range(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let codec = codec(t)?;
    let code = u16::try_from(v.number("code")).unwrap_or(0);
    let valid = (300..700).contains(&code);
    let built = codec.encode(3, [7; 12], &[Field::ErrorCode(code, "Reason".to_owned())]);
    t.stimulus(code);
    supported(&built)?;
    let got = built.as_ref().map_or_else(ToString::to_string, |bytes| hex(bytes));
    let wanted = if valid { "a message" } else { "no message" };
    t.must(req::STUN_ERROR_CLASS_RANGE, built.is_ok() == valid, wanted, got)?;
    if let Ok(built) = &built {
        let error = Parsed::read(built).ok().and_then(|read| read.error());
        let number = error.map(|error| u16::from(error.number));
        let got = format!("{number:?}");
        t.must(req::STUN_ERROR_NUMBER_RANGE, number == Some(code % 100), code % 100, got)?;
    }
    let class = u8::try_from(code / 100).unwrap_or(0) & 7;
    for number in [0, 38, 99, 100, 128, 255] {
        let value = [0, 0, class, number, b'o', b'k'];
        let odd = Attribute::bytes(attribute::ERROR_CODE, &value);
        let message = Message::new(Class::Error, fresh(t)).with(odd).encode();
        let read = codec.read(&message, Wanted::ErrorCode);
        let whole = u16::from(class) * 100 + u16::from(number);
        let in_class = (3..=6).contains(&class);
        let fine = if in_class && number < 100 {
            matches!(&read, Ok(Field::ErrorCode(found, _)) if *found == whole)
        } else {
            read.is_err()
        };
        let req = req::STUN_ERROR_CODE_RANGE_CHECKED;
        let wanted = if in_class && number < 100 { "a code" } else { "no code" };
        t.must(req, fine, format_args!("{wanted} in {value:?}"), format_args!("{read:?}"))?;
    }
    Ok(())
}

case! {
    id: "stun.codec.opaque-string",
    title: "Names, realms and passwords are prepared before use",
    reqs: [
        req::STUN_USERNAME_OPAQUE_STRING,
        req::STUN_REALM_OPAQUE_STRING,
        req::STUN_USERHASH_OPAQUE_STRINGS,
        req::STUN_SHORT_TERM_KEY,
    ],
    kind: SubjectKind::StunCodec,
    variants: product! { text: ["other space", "decomposed"] },
    no_reference: "no other stack at hand passes yet",
    run: opaque_string,
}

/// OpaqueString turns spaces of all kinds into U+0020 and composes characters: RFC 8265 §4.2.1.
fn opaque_string(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let codec = codec(t)?;
    let (typed, prepared) = match v.text("text") {
        "other space" => ("two\u{a0}words", "two words"),
        _ => ("cafe\u{301}", "caf\u{e9}"),
    };
    let own = |text: &str| text.to_owned();
    let credential = Credential::short_term("user", typed);
    let fields = [
        Field::Username(own(typed)),
        Field::Realm(own(typed)),
        Field::UserHash(own(typed), own(typed)),
        Field::Integrity(Integrity::Sha1, credential, Integrity::Sha1),
    ];
    let built = codec.encode(0, [7; 12], &fields);
    t.stimulus(typed);
    supported(&built)?;
    let built = built.unwrap_or_default();
    let read = t.expect(Parsed::read(&built).ok(), "a message")?;
    let (name, realm) = (read.text(attribute::USERNAME), read.text(attribute::REALM));
    t.must(
        req::STUN_USERNAME_OPAQUE_STRING,
        name == Some(prepared),
        prepared,
        format_args!("{name:?}"),
    )?;
    t.must(
        req::STUN_REALM_OPAQUE_STRING,
        realm == Some(prepared),
        prepared,
        format_args!("{realm:?}"),
    )?;
    let hash = userhash(prepared, prepared);
    let found = read.value(attribute::USERHASH).unwrap_or_default();
    t.must(req::STUN_USERHASH_OPAQUE_STRINGS, found == hash, hex(&hash), hex(found))?;
    let good = read.integrity(&Key::short_term(prepared)) == Check::Good;
    t.must(req::STUN_SHORT_TERM_KEY, good, "the prepared password as key", &read)
}

case! {
    id: "stun.codec.too-long",
    title: "A message longer than its length field can say is not built",
    reqs: [req::STUN_LENGTH_EXCLUDES_HEADER],
    kind: SubjectKind::StunCodec,
    variants: product! { bytes: [65508, 65528, 65532, 65536, 70000] },
    run: too_long,
}

/// Regression: a length cut to 16 bits on building (I17).
fn too_long(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let codec = codec(t)?;
    let half = usize::try_from(v.number("bytes") / 2).unwrap_or(0) / 4 * 4;
    let field = |kind| Field::Other(kind, vec![7; half]);
    let built = codec.encode(0, [7; 12], &[field(0xc001), field(0xc002)]);
    t.stimulus(2 * half);
    supported(&built)?;
    let fine = built.as_ref().map_or(true, |bytes| {
        Parsed::read(bytes).is_ok_and(|read| read.trailing.is_empty() && read.attributes.len() == 2)
    });
    let got = built.map_or_else(
        |refusal| refusal.to_string(),
        |bytes| hex(bytes.get(..24).unwrap_or_default()),
    );
    t.must(req::STUN_LENGTH_EXCLUDES_HEADER, fine, "a refusal or a sound message", got)
}

case! {
    id: "stun.codec.padding",
    title: "Padding is zero for every remainder",
    reqs: [req::STUN_PADDING_ZERO, req::STUN_ATTRIBUTE_ALIGNMENT],
    kind: SubjectKind::StunCodec,
    variants: product! { length: [0, 1, 2, 3, 4, 5, 763] },
    run: padding,
}

/// Regression: padding that leaked memory (I18).
fn padding(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let codec = codec(t)?;
    let value = vec![0xff; usize::try_from(v.number("length")).unwrap_or(0)];
    let fields = [Field::Other(0xc001, value.clone()), Field::Other(0xc002, value)];
    let built = codec.encode(1, [7; 12], &fields);
    t.stimulus("two attributes");
    supported(&built)?;
    let built = built.unwrap_or_default();
    let read = t.expect(Parsed::read(&built).ok(), "a message")?;
    let zero = read.attributes.iter().all(|found| found.padding.iter().all(|byte| *byte == 0));
    t.must(req::STUN_PADDING_ZERO, zero, "zeros", hex(&built))?;
    let aligned = read.attributes.iter().all(|found| found.at % 4 == 0);
    t.must(req::STUN_ATTRIBUTE_ALIGNMENT, aligned, "32-bit steps", hex(&built))
}

case! {
    id: "stun.codec.malformed",
    title: "What is no sound message is refused, and nothing crashes",
    reqs: [
        req::STUN_RECEIVE_CHECKS_LENGTH,
        req::STUN_RECEIVE_CHECKS_ZERO_BITS,
        req::STUN_RECEIVE_CHECKS_COOKIE,
    ],
    kind: SubjectKind::StunCodec,
    variants: product! { vector: ["request", "response", "long-term", "b1"] },
    run: malformed,
}

/// Regressions: a datagram of 19 bytes (I02), any attribute cut short (I01).
fn malformed(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let codec = codec(t)?;
    let bytes: &[u8] = match v.text("vector") {
        "request" => &vectors::REQUEST,
        "response" => &vectors::RESPONSE_V6,
        "long-term" => &vectors::LONG_TERM,
        _ => &vectors::USERHASH_SHA256,
    };
    t.stimulus("spoilt vectors");
    for cut in 0..bytes.len() {
        let read = codec.decode(bytes.get(..cut).unwrap_or_default());
        t.must(
            req::STUN_RECEIVE_CHECKS_LENGTH,
            read.is_err(),
            format_args!("{cut} bytes refused"),
            "a message",
        )?;
    }
    for bit in [0, 1] {
        let read = codec.decode(&flip(bytes, bit));
        t.must(req::STUN_RECEIVE_CHECKS_ZERO_BITS, read.is_err(), "refused", "a message")?;
    }
    for bit in 32..64 {
        let read = codec.decode(&flip(bytes, bit));
        t.must(
            req::STUN_RECEIVE_CHECKS_COOKIE,
            read.is_err(),
            format_args!("bit {bit} noticed"),
            "a message",
        )?;
    }
    for bit in 0..8 * bytes.len() {
        let _ = codec.decode(&flip(bytes, bit));
    }
    Ok(())
}
