//! The integrity attributes and FINGERPRINT: RFC 8489 §14.5, §14.6, §14.7.

use super::sweep;
use crate::{cases::stun::script::*, subjects::stun::Refusal};

/// A message that fills so many bytes before it is protected.
fn body(length: u64) -> Message {
    let filler = vec![0x5a; usize::try_from(length).unwrap_or(0)];
    Message::request(TransactionId([0x5a; 12])).with(Attribute::bytes(0xc001, &filler))
}

case! {
    id: "stun.codec.cut-tags",
    title: "A SHA-256 tag verifies only in the lengths that the usage and the format allow",
    reqs: [req::STUN_INTEGRITY_SHA256_LENGTH, req::STUN_INTEGRITY_SHA256_FULL],
    kind: SubjectKind::StunCodec,
    needs: [Cap::IntegritySha256],
    variants: product! { shortest: [16, 20, 24, 28, 32], fingerprint: [false, true] },
    no_reference: "no other stack at hand passes yet",
    run: cut_tags,
}

/// Every length from nothing to more than a whole tag, cut from the right one.
fn cut_tags(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let codec = codec(t)?;
    let shortest = usize::try_from(v.number("shortest")).unwrap_or(32);
    let (credential, key) = (short_term(), short_term_key());
    let cut = |keep: usize| {
        let tag = Attribute::integrity_sha256_cut(&key, keep);
        let last = v.flag("fingerprint").then(Attribute::fingerprint);
        body(9).with(tag).with_all(last).encode()
    };
    let whole = |keep| codec.verify(&cut(keep), Integrity::Sha256, &credential, Integrity::Sha1);
    let some = |keep| codec.verify_cut(&cut(keep), &credential, Integrity::Sha1, shortest);
    let first = whole(32);
    t.stimulus("tags of every length");
    supported(&first)?;
    let wrong = (0..=48).find(|keep| whole(*keep).is_ok() != (*keep == 32));
    let wrong = wrong.map(|keep| format!("{keep} bytes: {:?}", whole(keep)));
    sweep(t, req::STUN_INTEGRITY_SHA256_FULL, "32 bytes and no other length", wrong)?;
    supported(&some(32))?;
    let allowed = |keep: usize| keep.is_multiple_of(4) && (shortest..=32).contains(&keep);
    let wrong = (0..=48).find(|keep| some(*keep).is_ok() != allowed(*keep));
    let wrong = wrong.map(|keep| format!("{keep} bytes: {:?}", some(keep)));
    let wanted = format!("{shortest} to 32 bytes in steps of four");
    sweep(t, req::STUN_INTEGRITY_SHA256_LENGTH, &wanted, wrong)
}

case! {
    id: "stun.codec.tags",
    title: "Tags are those of the message up to them, whatever follows, in messages of any size",
    reqs: [
        req::STUN_INTEGRITY_VALUE,
        req::STUN_INTEGRITY_SHA256_VALUE,
        req::STUN_INTEGRITY_VERIFIED_WITH_ADJUSTED_LENGTH,
        req::STUN_INTEGRITY_SHA256_VERIFIED_WITH_ADJUSTED_LENGTH,
        req::STUN_FINGERPRINT_CRC,
        req::STUN_FINGERPRINT_COVERS_LENGTH,
    ],
    kind: SubjectKind::StunCodec,
    needs: [Cap::IntegritySha256, Cap::Fingerprint],
    variants: product! {
        size: [0, 1, 35, 64, 236, 1_400],
        tags: ["sha1", "sha256", "both"],
        fingerprint: [false, true],
    },
    run: all_tags,
}

/// The subject's message is the suite's byte for byte, and the subject verifies the suite's.
fn all_tags(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let codec = codec(t)?;
    let (kinds, size) = (v.text("tags"), v.number("size"));
    let last = v.flag("fingerprint").then(Attribute::fingerprint);
    let wanted = body(size).with_all(tags(kinds, &short_term_key())).with_all(last).encode();
    let tag = |kind| Field::Integrity(kind, short_term(), Integrity::Sha1);
    let filler = vec![0x5a; usize::try_from(size).unwrap_or(0)];
    let mut fields = vec![Field::Other(0xc001, filler)];
    let mut checks = vec![];
    if kinds != "sha256" {
        fields.push(tag(Integrity::Sha1));
        let right = req::STUN_INTEGRITY_VERIFIED_WITH_ADJUSTED_LENGTH;
        checks.push((Integrity::Sha1, req::STUN_INTEGRITY_VALUE, right));
    }
    if kinds != "sha1" {
        fields.push(tag(Integrity::Sha256));
        let right = req::STUN_INTEGRITY_SHA256_VERIFIED_WITH_ADJUSTED_LENGTH;
        checks.push((Integrity::Sha256, req::STUN_INTEGRITY_SHA256_VALUE, right));
    }
    if v.flag("fingerprint") {
        fields.push(Field::Fingerprint);
    }
    let built = codec.encode(0, [0x5a; 12], &fields);
    t.stimulus(format_args!("{size} bytes"));
    supported(&built)?;
    let built = built.unwrap_or_default();
    for (kind, value, right) in checks {
        t.must(value, built == wanted, hex(&wanted), hex(&built))?;
        let verdict = codec.verify(&wanted, kind, &short_term(), Integrity::Sha1);
        if verdict == Err(Refusal::Unsupported) {
            continue;
        }
        t.must(right, verdict.is_ok(), "a right tag", format_args!("{verdict:?}"))?;
    }
    if v.flag("fingerprint") {
        t.must(req::STUN_FINGERPRINT_COVERS_LENGTH, built == wanted, hex(&wanted), hex(&built))?;
        let verdict = codec.verify_fingerprint(&wanted);
        let got = format!("{verdict:?}");
        t.must(req::STUN_FINGERPRINT_CRC, verdict.is_ok(), "a right fingerprint", got)?;
    }
    Ok(())
}

case! {
    id: "stun.codec.tag-order",
    title: "What has a last place gets it: tags behind the rest, SHA-1 first, FINGERPRINT last",
    reqs: [req::STUN_INTEGRITY_PRECEDES_SHA256, req::STUN_FINGERPRINT_LAST],
    kind: SubjectKind::StunCodec,
    needs: [Cap::IntegritySha256, Cap::Fingerprint],
    variants: product! { asked: ["sha256 sha1", "fp sha1", "fp sha256", "fp text", "fp fp"] },
    run: tag_order,
}

/// A message in another order is refused or put right, never sent.
fn tag_order(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let codec = codec(t)?;
    let tag = |kind| Field::Integrity(kind, short_term(), Integrity::Sha1);
    let fields = v.text("asked").split(' ').map(|word| match word {
        "sha1" => tag(Integrity::Sha1),
        "sha256" => tag(Integrity::Sha256),
        "fp" => Field::Fingerprint,
        _ => Field::Software("late".to_owned()),
    });
    let built = codec.encode(0, [0x5a; 12], &fields.collect::<Vec<_>>());
    t.stimulus(v.text("asked"));
    supported(&built)?;
    let fine = match &built {
        Ok(bytes) => Parsed::read(bytes).is_ok_and(|read| {
            let kinds = read.kinds();
            let place = |kind| kinds.iter().position(|found| *found == kind);
            let (sha1, sha256) =
                (place(attribute::MESSAGE_INTEGRITY), place(attribute::MESSAGE_INTEGRITY_SHA256));
            let ordered = sha1.zip(sha256).is_none_or(|(sha1, sha256)| sha1 < sha256);
            ordered && read.faults().is_empty()
        }),
        Err(_) => true,
    };
    let req = match v.text("asked") {
        "sha256 sha1" => req::STUN_INTEGRITY_PRECEDES_SHA256,
        _ => req::STUN_FINGERPRINT_LAST,
    };
    let got = built.map_or_else(|refusal| refusal.to_string(), |bytes| hex(&bytes));
    t.must(req, fine, "a refusal or the right order", got)
}

case! {
    id: "stun.codec.fingerprint",
    title: "FINGERPRINT is right in messages of every class, and wrong after any change",
    reqs: [req::STUN_FINGERPRINT_CRC, req::STUN_FINGERPRINT_ANY_MESSAGE],
    kind: SubjectKind::StunCodec,
    needs: [Cap::Fingerprint],
    variants: product! { class: [0, 1, 2, 3] },
    run: fingerprint,
}

fn fingerprint(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let codec = codec(t)?;
    let class = u8::try_from(v.number("class")).unwrap_or(0);
    let fields = [Field::Software("Peerlab 1".to_owned()), Field::Fingerprint];
    let built = codec.encode(class, [0x5a; 12], &fields);
    t.stimulus(format_args!("class {class}"));
    supported(&built)?;
    t.may(
        req::STUN_FINGERPRINT_ANY_MESSAGE,
        built.is_ok(),
        "a message",
        format_args!("{built:?}"),
    )?;
    let built = built.unwrap_or_default();
    let right = Parsed::read(&built).is_ok_and(|read| read.fingerprint() == Check::Good);
    t.must(req::STUN_FINGERPRINT_CRC, right, "the CRC of what is before it", hex(&built))?;
    // With another length field it is another message, which may be none.
    let mut bits = (0..8 * built.len()).filter(|bit| !(16..32).contains(bit));
    let wrong = bits.find(|bit| codec.verify_fingerprint(&flip(&built, *bit)).is_ok());
    let wrong = wrong.map(|bit| format!("bit {bit} unnoticed"));
    sweep(t, req::STUN_FINGERPRINT_CRC, "every flipped bit noticed", wrong)
}
