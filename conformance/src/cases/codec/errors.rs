//! ERROR-CODE and UNKNOWN-ATTRIBUTES: RFC 8489 §14.8, §14.13.

use super::{request, sweep};
use crate::cases::stun::script::*;

case! {
    id: "stun.codec.error-codes",
    title: "Every code from 300 to 699 is written as class and number, and read back",
    reqs: [
        req::STUN_ERROR_CLASS_RANGE,
        req::STUN_ERROR_NUMBER_RANGE,
        req::STUN_ERROR_RESERVED_ZERO,
    ],
    kind: SubjectKind::StunCodec,
    variants: product! { class: [3, 4, 5, 6] },
    run: error_codes,
}

fn error_codes(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let codec = codec(t)?;
    let class = u16::try_from(v.number("class")).unwrap_or(0);
    t.stimulus("codes and reasons");
    for code in 100 * class..100 * class + 100 {
        let reason = "r".repeat(usize::from(code % 5));
        let field = Field::ErrorCode(code, reason.clone());
        let built = codec.encode(3, [0x5a; 12], std::slice::from_ref(&field));
        supported(&built)?;
        let built = built.unwrap_or_default();
        let wanted = Message::error(TransactionId([0x5a; 12]), code, &reason).encode();
        let req = req::STUN_ERROR_NUMBER_RANGE;
        t.must(req, built == wanted, hex(&wanted), hex(&built))?;
        t.should(req::STUN_ERROR_RESERVED_ZERO, built == wanted, hex(&wanted), hex(&built))?;
        let read = codec.read(&wanted, Wanted::ErrorCode);
        t.must(req::STUN_ERROR_CLASS_RANGE, read == Ok(field), code, format_args!("{read:?}"))?;
    }
    Ok(())
}

case! {
    id: "stun.codec.error-form",
    title: "Reserved bits of ERROR-CODE change nothing; values that hold no code give none",
    reqs: [req::STUN_ERROR_RESERVED_IGNORED, req::STUN_ERROR_CODE_RANGE_CHECKED],
    kind: SubjectKind::StunCodec,
    run: error_form,
}

/// Each of the 21 reserved bits alone and all together; every class and number; every short length.
fn error_form(t: &mut Ctl<'_>, _v: &Variant) -> Outcome {
    let codec = codec(t)?;
    let read = |word: u32, length: usize| {
        let value: Vec<u8> = word.to_be_bytes().into_iter().chain(*b"ok").take(length).collect();
        let bytes = request([Attribute::bytes(attribute::ERROR_CODE, &value)]);
        codec.read(&bytes, Wanted::ErrorCode)
    };
    let plain = read(0x0414, 6);
    t.stimulus("odd values");
    supported(&plain)?;
    let reserved = (11..32).map(|bit| 1_u32 << bit).chain([0xffff_f800]);
    let wrong = reserved
        .map(|bits| (bits, read(bits | 0x0414, 6)))
        .find(|(_, found)| *found != Ok(Field::ErrorCode(420, "ok".to_owned())));
    let wrong = wrong.map(|(bits, found)| format!("{bits:#010x}: {found:?}"));
    sweep(t, req::STUN_ERROR_RESERVED_IGNORED, "420", wrong)?;
    let wrong = (0..0x800_u32).find_map(|word| {
        let valid = (3..=6).contains(&(word >> 8)) && word & 0xff < 100;
        let found = read(word, 6);
        (found.is_ok() != valid).then(|| format!("{word:#06x}: {found:?}"))
    });
    let req = req::STUN_ERROR_CODE_RANGE_CHECKED;
    sweep(t, req, "a code from 300 to 699 or none", wrong)?;
    let wrong = (0..4).map(|length| read(0x0414, length)).find(Result::is_ok);
    sweep(t, req, "no code in fewer than four bytes", wrong.map(|found| format!("{found:?}")))
}

case! {
    id: "stun.codec.unknown-attributes",
    title: "UNKNOWN-ATTRIBUTES lists any number of types, and pads an odd one with zeros",
    reqs: [req::STUN_UNKNOWN_ATTRIBUTES_FORMAT],
    kind: SubjectKind::StunCodec,
    variants: product! { count: [0, 1, 2, 3, 4, 5, 63, 64] },
    run: unknown_attributes,
}

fn unknown_attributes(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let codec = codec(t)?;
    let count = u16::try_from(v.number("count")).unwrap_or(0);
    let kinds: Vec<u16> = (0..count).map(|n| 0x7f00 + n).collect();
    let field = Field::UnknownAttributes(kinds.clone());
    let built = codec.encode(0, [0x5a; 12], std::slice::from_ref(&field));
    t.stimulus(format_args!("{count} types"));
    supported(&built)?;
    let (built, wanted) =
        (built.unwrap_or_default(), request([Attribute::unknown_attributes(&kinds)]));
    let req = req::STUN_UNKNOWN_ATTRIBUTES_FORMAT;
    t.must(req, built == wanted, hex(&wanted), hex(&built))?;
    let read = codec.read(&wanted, Wanted::UnknownAttributes);
    supported(&read)?;
    t.must(req, read == Ok(field), format_args!("{kinds:04x?}"), format_args!("{read:04x?}"))
}
