//! The messages that RFC 5769 and RFC 8489 §B.1 print.

use super::script::*;

/// What a vector holds, and which requirements it proves.
struct Sample {
    bytes: &'static [u8],
    credential: Credential,
    integrity: Option<Integrity>,
    /// Type, and value in clear.
    attributes: Vec<(u16, Vec<u8>)>,
    class: u8,
}

fn sample(name: &str) -> Sample {
    let text = |kind, text: &str| (kind, text.as_bytes().to_vec());
    let short = Credential::short_term(vectors::USERNAME, vectors::PASSWORD);
    let long = Credential::long_term(
        vectors::LONG_TERM_USERNAME,
        vectors::REALM,
        vectors::LONG_TERM_PASSWORD,
    );
    let response = |bytes| Sample {
        bytes,
        credential: short.clone(),
        integrity: Some(Integrity::Sha1),
        attributes: vec![text(attribute::SOFTWARE, "test vector")],
        class: 2,
    };
    match name {
        "ipv4" => response(&vectors::RESPONSE_V4),
        "ipv6" => response(&vectors::RESPONSE_V6),
        "request" => Sample {
            bytes: &vectors::REQUEST,
            credential: short.clone(),
            integrity: Some(Integrity::Sha1),
            attributes: vec![
                text(attribute::SOFTWARE, "STUN test client"),
                (attribute::PRIORITY, 0x6e00_01ff_u32.to_be_bytes().to_vec()),
                (attribute::ICE_CONTROLLED, 0x932f_f9b1_5126_3b36_u64.to_be_bytes().to_vec()),
                text(attribute::USERNAME, vectors::USERNAME),
            ],
            class: 0,
        },
        "long-term" => Sample {
            bytes: &vectors::LONG_TERM,
            credential: long,
            integrity: Some(Integrity::Sha1),
            attributes: vec![
                text(attribute::USERNAME, vectors::LONG_TERM_USERNAME),
                text(attribute::NONCE, "f//499k954d6OL34oL9FSTvy64sA"),
                text(attribute::REALM, vectors::REALM),
            ],
            class: 0,
        },
        b1 => Sample {
            bytes: if b1 == "b1" { &vectors::USERHASH_SHA256 } else { &B1_LENGTH_RIGHT },
            credential: long,
            integrity: Some(Integrity::Sha256),
            attributes: b1_attributes(b1 == "b1"),
            class: 0,
        },
    }
}

/// The sample of RFC 8489 §B.1 with its length field put right.
const B1_LENGTH_RIGHT: [u8; 156] = {
    let mut bytes = vectors::USERHASH_SHA256_PRINTED;
    bytes[3] = 0x88;
    bytes
};

/// Its attributes as printed, or as erratum 6268 has them.
fn b1_attributes(corrected: bool) -> Vec<(u16, Vec<u8>)> {
    let hash = userhash(vectors::LONG_TERM_USERNAME, vectors::REALM);
    let mut attributes = vec![
        (attribute::USERHASH, hash.to_vec()),
        (attribute::NONCE, b"obMatJos2AAACf//499k954d6OL34oL9FSTvy64sA".to_vec()),
        (attribute::REALM, vectors::REALM.as_bytes().to_vec()),
    ];
    if corrected {
        attributes.push((attribute::PASSWORD_ALGORITHM, vec![0, 2, 0, 0]));
    }
    attributes
}

case! {
    id: "stun.vectors.parse",
    title: "The printed messages read as the specifications say",
    reqs: [
        req::VECTOR_REQUEST_PARSES,
        req::VECTOR_RESPONSE_IPV4_PARSES,
        req::VECTOR_RESPONSE_IPV6_PARSES,
        req::VECTOR_LONG_TERM_PARSES,
        req::VECTOR_8489_B1_PARSES,
        req::VECTOR_RESPONSE_IPV4_ADDRESS,
        req::VECTOR_RESPONSE_IPV6_ADDRESS,
    ],
    kind: SubjectKind::StunCodec,
    variants: product! { vector: ["request", "ipv4", "ipv6", "long-term", "b1", "b1 as printed"] },
    run: parse,
}

fn parse(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let (codec, sample) = (codec(t)?, sample(v.text("vector")));
    let req = match v.text("vector") {
        "request" => req::VECTOR_REQUEST_PARSES,
        "ipv4" => req::VECTOR_RESPONSE_IPV4_PARSES,
        "ipv6" => req::VECTOR_RESPONSE_IPV6_PARSES,
        "long-term" => req::VECTOR_LONG_TERM_PARSES,
        _ => req::VECTOR_8489_B1_PARSES,
    };
    let read = codec.decode(sample.bytes);
    t.stimulus("the printed bytes");
    let decoded = match read {
        Ok(decoded) => decoded,
        Err(refusal) => return t.must(req, false, "a message", refusal),
    };
    let reference = t.expect(Parsed::read(sample.bytes).ok(), "a sound vector")?;
    let head = decoded.class == sample.class
        && decoded.method == 1
        && decoded.transaction == reference.transaction.0;
    t.must(req, head, &reference, format_args!("{decoded:?}"))?;
    let kinds: Vec<u16> = decoded.attributes.iter().map(|(kind, _)| *kind).collect();
    t.must(
        req,
        kinds == reference.kinds(),
        format_args!("{:04x?}", reference.kinds()),
        format_args!("{kinds:04x?}"),
    )?;
    for (kind, value) in &sample.attributes {
        let found = decoded.attributes.iter().find(|(found, _)| found == kind);
        let found = found.map(|(_, value)| value.clone()).unwrap_or_default();
        t.must(req, found == *value, hex(value), hex(&found))?;
    }
    let (req, address) = match v.text("vector") {
        "ipv4" => (req::VECTOR_RESPONSE_IPV4_ADDRESS, "192.0.2.1:32853"),
        "ipv6" => {
            let address = "[2001:db8:1234:5678:11:2233:4455:6677]:32853";
            (req::VECTOR_RESPONSE_IPV6_ADDRESS, address)
        }
        _ => return Ok(()),
    };
    let found = codec.read(sample.bytes, Wanted::XorMappedAddress);
    let right =
        matches!(&found, Ok(Field::XorMappedAddress(found)) if found.to_string() == address);
    t.must(req, right, address, format_args!("{found:?}"))
}

case! {
    id: "stun.vectors.integrity",
    title: "The printed tags verify, and no longer when any bit before them changes",
    reqs: [
        req::VECTOR_REQUEST_INTEGRITY_VERIFIES,
        req::VECTOR_RESPONSE_IPV4_INTEGRITY_VERIFIES,
        req::VECTOR_RESPONSE_IPV6_INTEGRITY_VERIFIES,
        req::VECTOR_LONG_TERM_INTEGRITY_VERIFIES,
        req::VECTOR_8489_B1_VERIFIES,
        req::STUN_LONG_TERM_KEY_MD5,
        req::STUN_LONG_TERM_KEY_SHA256,
    ],
    kind: SubjectKind::StunCodec,
    variants: product! { vector: ["request", "ipv4", "ipv6", "long-term", "b1"] },
    run: integrity,
}

fn integrity(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let (codec, sample) = (codec(t)?, sample(v.text("vector")));
    let (req, key) = match v.text("vector") {
        "request" => (req::VECTOR_REQUEST_INTEGRITY_VERIFIES, None),
        "ipv4" => (req::VECTOR_RESPONSE_IPV4_INTEGRITY_VERIFIES, None),
        "ipv6" => (req::VECTOR_RESPONSE_IPV6_INTEGRITY_VERIFIES, None),
        "long-term" => {
            (req::VECTOR_LONG_TERM_INTEGRITY_VERIFIES, Some(req::STUN_LONG_TERM_KEY_MD5))
        }
        _ => (req::VECTOR_8489_B1_VERIFIES, Some(req::STUN_LONG_TERM_KEY_SHA256)),
    };
    let kind = t.expect(sample.integrity, "a tag")?;
    let check = |bytes: &[u8], credential: &Credential| {
        without_fingerprint(bytes)
            .map(|bytes| codec.verify(&bytes, kind, credential, kind))
            .unwrap_or_else(|| codec.verify(bytes, kind, credential, kind))
    };
    let plain = codec.verify(sample.bytes, kind, &sample.credential, kind);
    t.stimulus("the printed bytes");
    supported(&plain)?;
    t.must(req, plain.is_ok(), "a right tag", format_args!("{plain:?}"))?;
    if let Some(key) = key {
        t.must(key, plain.is_ok(), "the key of the specification", format_args!("{plain:?}"))?;
    }
    let wrong = Credential { password: "guess".to_owned(), ..sample.credential.clone() };
    t.must(req, check(sample.bytes, &wrong).is_err(), "a wrong tag", "a right tag")?;
    let reference = t.expect(Parsed::read(sample.bytes).ok(), "a sound vector")?;
    let tags = [attribute::MESSAGE_INTEGRITY, attribute::MESSAGE_INTEGRITY_SHA256];
    let tag = reference.attributes.iter().find(|found| tags.contains(&found.kind));
    let end = t.expect(tag, "a tag")?.at;
    // A verifier sets the length field anew (RFC 8489 §14.5), so its bits are no part of what is covered.
    for bit in (0..8 * end).filter(|bit| !(16..32).contains(bit)) {
        let flipped = flip(sample.bytes, bit);
        let verdict = check(&flipped, &sample.credential);
        t.must(req, verdict.is_err(), format_args!("bit {bit} noticed"), "a right tag")?;
    }
    Ok(())
}

/// The message without its FINGERPRINT, so that a spoilt one reaches the check of the tag. The length
/// field keeps what the spoiling made of it, less the eight bytes.
fn without_fingerprint(bytes: &[u8]) -> Option<Vec<u8>> {
    let (body, last) = bytes.split_last_chunk::<8>()?;
    let [_, _, high, low, ..] = body else { return None };
    let length = u16::from_be_bytes([*high, *low]).checked_sub(8)?;
    if !last.starts_with(&[0x80, 0x28]) {
        return None;
    }
    let mut cut = body.to_vec();
    for (to, from) in cut.iter_mut().skip(2).zip(length.to_be_bytes()) {
        *to = from;
    }
    Some(cut)
}

case! {
    id: "stun.vectors.fingerprint",
    title: "The printed fingerprints verify, and no longer when any bit before them changes",
    reqs: [
        req::VECTOR_REQUEST_FINGERPRINT_VERIFIES,
        req::VECTOR_RESPONSE_IPV4_FINGERPRINT_VERIFIES,
        req::VECTOR_RESPONSE_IPV6_FINGERPRINT_VERIFIES,
    ],
    kind: SubjectKind::StunCodec,
    variants: product! { vector: ["request", "ipv4", "ipv6"] },
    run: fingerprint,
}

fn fingerprint(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let (codec, sample) = (codec(t)?, sample(v.text("vector")));
    let req = match v.text("vector") {
        "request" => req::VECTOR_REQUEST_FINGERPRINT_VERIFIES,
        "ipv4" => req::VECTOR_RESPONSE_IPV4_FINGERPRINT_VERIFIES,
        _ => req::VECTOR_RESPONSE_IPV6_FINGERPRINT_VERIFIES,
    };
    let plain = codec.verify_fingerprint(sample.bytes);
    t.stimulus("the printed bytes");
    supported(&plain)?;
    t.must(req, plain.is_ok(), "a right fingerprint", format_args!("{plain:?}"))?;
    for bit in 0..8 * (sample.bytes.len() - 8) {
        let verdict = codec.verify_fingerprint(&flip(sample.bytes, bit));
        t.must(req, verdict.is_err(), format_args!("bit {bit} noticed"), "a right fingerprint")?;
    }
    Ok(())
}

case! {
    id: "stun.vectors.serialise",
    title: "Built from the printed parameters, the messages equal the samples but for chosen padding",
    reqs: [
        req::VECTOR_REQUEST_SERIALISES,
        req::VECTOR_RESPONSE_IPV4_SERIALISES,
        req::VECTOR_RESPONSE_IPV6_SERIALISES,
        req::VECTOR_LONG_TERM_SERIALISES,
        req::VECTOR_8489_B1_SERIALISES,
        req::VECTOR_8489_B1_USERHASH,
        req::STUN_USERHASH_VALUE,
    ],
    kind: SubjectKind::StunCodec,
    variants: product! { vector: ["request", "ipv4", "ipv6", "long-term", "b1", "b1 as printed"] },
    run: serialise,
}

/// The samples of RFC 5769 pad with spaces where a sender must use zeros today. The subject's message
/// is compared with the sample after that change, whose tag and fingerprint the suite makes itself.
fn serialise(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let (codec, sample) = (codec(t)?, sample(v.text("vector")));
    let (req, extra) = match v.text("vector") {
        "request" => (req::VECTOR_REQUEST_SERIALISES, None),
        "ipv4" => (req::VECTOR_RESPONSE_IPV4_SERIALISES, Some("192.0.2.1:32853")),
        "ipv6" => (
            req::VECTOR_RESPONSE_IPV6_SERIALISES,
            Some("[2001:db8:1234:5678:11:2233:4455:6677]:32853"),
        ),
        "long-term" => (req::VECTOR_LONG_TERM_SERIALISES, None),
        _ => (req::VECTOR_8489_B1_SERIALISES, None),
    };
    let reference = t.expect(Parsed::read(sample.bytes).ok(), "a sound vector")?;
    let mut fields: Vec<Field> = sample.attributes.iter().map(field).collect();
    fields.extend(extra.and_then(|text| text.parse().ok()).map(Field::XorMappedAddress));
    let kind = t.expect(sample.integrity, "a tag")?;
    fields.push(Field::Integrity(kind, sample.credential.clone(), kind));
    if reference.has(attribute::FINGERPRINT) {
        fields.push(Field::Fingerprint);
    }
    let built = codec.encode(sample.class, reference.transaction.0, &fields);
    t.stimulus("the printed parameters");
    supported(&built)?;
    let built = built.unwrap_or_default();
    let wanted = zero_padded(&reference, &sample);
    t.must(req, built == wanted, hex(&wanted), hex(&built))?;
    if v.text("vector").starts_with("b1") {
        let found = Parsed::read(&built).ok();
        let hash = found.and_then(|found| found.value(attribute::USERHASH).map(<[u8]>::to_vec));
        let wanted = reference.value(attribute::USERHASH).map(<[u8]>::to_vec);
        let same = hash == wanted;
        t.must(req::VECTOR_8489_B1_USERHASH, same, "the printed hash", hex(&built))?;
        t.must(req::STUN_USERHASH_VALUE, same, "the printed hash", hex(&built))?;
    }
    Ok(())
}

/// An attribute of a sample in plain words.
fn field((kind, value): &(u16, Vec<u8>)) -> Field {
    let text = String::from_utf8_lossy(value).into_owned();
    match *kind {
        attribute::SOFTWARE => Field::Software(text),
        attribute::USERNAME => Field::Username(text),
        attribute::REALM => Field::Realm(text),
        attribute::NONCE => Field::Nonce(text),
        attribute::USERHASH => {
            Field::UserHash(vectors::LONG_TERM_USERNAME.to_owned(), vectors::REALM.to_owned())
        }
        attribute::PASSWORD_ALGORITHM => Field::PasswordAlgorithm(2),
        other => Field::Other(other, value.clone()),
    }
}

/// The sample with zero padding, its tag and fingerprint made anew; the sample itself if it had zeros.
fn zero_padded(reference: &Parsed, sample: &Sample) -> Vec<u8> {
    let key = match &sample.credential.realm {
        None => Key::short_term(&sample.credential.password),
        Some(realm) if sample.integrity == Some(Integrity::Sha256) => {
            Key::long_term_sha256(&sample.credential.username, realm, &sample.credential.password)
        }
        Some(realm) => {
            Key::long_term_md5(&sample.credential.username, realm, &sample.credential.password)
        }
    };
    let mut message = Message::new(reference.class(), reference.transaction);
    for found in &reference.attributes {
        message = message.with(match found.kind {
            attribute::MESSAGE_INTEGRITY => Attribute::integrity(&key),
            attribute::MESSAGE_INTEGRITY_SHA256 => Attribute::integrity_sha256(&key),
            attribute::FINGERPRINT => Attribute::fingerprint(),
            kind => Attribute::bytes(kind, &found.value),
        });
    }
    message.encode()
}

case! {
    id: "stun.vectors.b1-as-printed",
    title: "The sample of RFC 8489 §B.1 is refused for its length, and its tag for covering that length",
    reqs: [req::VECTOR_8489_B1_LENGTH_WRONG, req::VECTOR_8489_B1_VERIFIES],
    kind: SubjectKind::StunCodec,
    run: b1_as_printed,
}

fn b1_as_printed(t: &mut Ctl<'_>, _v: &Variant) -> Outcome {
    let codec = codec(t)?;
    let read = codec.decode(&vectors::USERHASH_SHA256_PRINTED);
    t.stimulus("the printed bytes");
    t.must(req::VECTOR_8489_B1_LENGTH_WRONG, read.is_err(), "refused", format_args!("{read:?}"))?;
    let sample = sample("b1 as printed");
    let (kind, credential) = (Integrity::Sha256, &sample.credential);
    for algorithm in [Integrity::Sha1, Integrity::Sha256] {
        let verdict = codec.verify(sample.bytes, kind, credential, algorithm);
        supported(&verdict)?;
        t.must(req::VECTOR_8489_B1_VERIFIES, verdict.is_err(), "a wrong tag", "a right tag")?;
    }
    Ok(())
}
