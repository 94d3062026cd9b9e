//! Headers, lengths, padding, order: RFC 8489 §5, §14.

use super::{request, sweep};
use crate::cases::stun::script::*;

case! {
    id: "stun.codec.type-field",
    title: "Every type field is read as method and class, and every class is written as one",
    reqs: [
        req::STUN_MESSAGE_TYPE_LAYOUT,
        req::STUN_HEADER_ZERO_BITS,
        req::STUN_MAGIC_COOKIE,
        req::STUN_RECEIVE_CHECKS_ZERO_BITS,
    ],
    kind: SubjectKind::StunCodec,
    run: type_field,
}

/// Bits 8 and 4 are the class; the other twelve, joined, are the method.
fn type_field(t: &mut Ctl<'_>, _v: &Variant) -> Outcome {
    let codec = codec(t)?;
    let bare = request([]);
    let with_kind = |kind: u16| {
        let mut bytes = bare.clone();
        bytes.splice(..2, kind.to_be_bytes());
        codec.decode(&bytes)
    };
    t.stimulus("a header with every type field");
    let wrong = (0..0x4000_u16).find_map(|kind| {
        let class = u8::from(kind & 0x0100 != 0) << 1 | u8::from(kind & 0x0010 != 0);
        let method = kind & 0xf | kind >> 1 & 0x70 | kind >> 2 & 0xf80;
        let read = with_kind(kind);
        let fine = matches!(&read, Ok(read) if read.class == class && read.method == method);
        (!fine).then(|| format!("{kind:#06x} as {read:?}"))
    });
    sweep(t, req::STUN_MESSAGE_TYPE_LAYOUT, "method and class", wrong)?;
    let read = |kind: &u16| with_kind(*kind).is_ok();
    let wrong = (0x4000..=u16::MAX).find(read).map(|kind| format!("{kind:#06x} read"));
    sweep(t, req::STUN_RECEIVE_CHECKS_ZERO_BITS, "refused", wrong)?;
    for (class, kind) in (0..).zip([0x0001_u16, 0x0011, 0x0101, 0x0111]) {
        let built = codec.encode(class, [0x5a; 12], &[]);
        supported(&built)?;
        let built = built.unwrap_or_default();
        let wanted = [kind.to_be_bytes().as_slice(), bare.get(2..).unwrap_or_default()].concat();
        t.must(req::STUN_MESSAGE_TYPE_LAYOUT, built == wanted, hex(&wanted), hex(&built))?;
        let high = built.first().is_some_and(|first| first >> 6 == 0);
        t.must(req::STUN_HEADER_ZERO_BITS, high, "two zero bits", hex(&built))?;
        let cookie = built.get(4..8) == Some(&[0x21, 0x12, 0xa4, 0x42]);
        t.must(req::STUN_MAGIC_COOKIE, cookie, "2112a442", hex(&built))?;
    }
    Ok(())
}

case! {
    id: "stun.codec.lengths",
    title: "A message that is cut, lengthened or miscounted anywhere is refused",
    reqs: [req::STUN_RECEIVE_CHECKS_LENGTH],
    kind: SubjectKind::StunCodec,
    variants: product! { fault: ["cut", "more", "length field", "attribute length"] },
    run: lengths,
}

/// One attribute of each kind and remainder, so that every sort of boundary is cut through.
fn lengths(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let codec = codec(t)?;
    let whole = request([
        Attribute::xor_mapped_address(OTHER),
        Attribute::username("a"),
        Attribute::error_code(420, "no"),
        Attribute::unknown_attributes(&[1, 2, 3]),
        Attribute::bytes(0xc001, b"abc"),
        Attribute::integrity(&short_term_key()),
        Attribute::fingerprint(),
    ]);
    t.stimulus("spoilt messages");
    t.precondition(codec.decode(&whole).is_ok(), "the whole message is read")?;
    let spoilt: Vec<Vec<u8>> = match v.text("fault") {
        "cut" => (0..whole.len()).map(|end| whole.iter().copied().take(end).collect()).collect(),
        "more" => (1..=8).map(|more| [whole.as_slice(), &vec![0; more]].concat()).collect(),
        "length field" => {
            let right = u16::try_from(whole.len() - HEADER).unwrap_or(0);
            let others = (0..=right + 64).chain([0x7fff, 0xfffc, 0xffff]);
            others
                .filter(|length| *length != right)
                .map(|length| patched(&whole, 2, length))
                .collect()
        }
        // The first attribute: from one byte too many for the message on.
        _ => {
            let room = u16::try_from(whole.len() - HEADER - 4).unwrap_or(0);
            (room + 1..=room + 64)
                .chain([0x7fff, 0xfffc, 0xffff])
                .map(|length| patched(&whole, HEADER + 2, length))
                .collect()
        }
    };
    let read = |bytes: &&Vec<u8>| codec.decode(bytes).is_ok();
    let wrong = spoilt.iter().find(read).map(|bytes| hex(bytes));
    sweep(t, req::STUN_RECEIVE_CHECKS_LENGTH, "refused", wrong)
}

/// `bytes` with another 16-bit number at `at`.
fn patched(bytes: &[u8], at: usize, number: u16) -> Vec<u8> {
    let mut patched = bytes.to_vec();
    patched.splice(at..at + 2, number.to_be_bytes());
    patched
}

case! {
    id: "stun.codec.every-attribute",
    title: "An attribute of any type and any length is taken off the list whole",
    reqs: [
        req::STUN_ATTRIBUTE_TLV,
        req::STUN_ATTRIBUTE_ALIGNMENT,
        req::STUN_ATTRIBUTE_LENGTH_UNPADDED,
        req::STUN_PADDING_IGNORED,
    ],
    kind: SubjectKind::StunCodec,
    variants: product! {
        kind: [
            0x0001, 0x0003, 0x0006, 0x0009, 0x000a, 0x0014, 0x0015, 0x001d, 0x001e, 0x0020, 0x0024,
            0x0025, 0x0026, 0x0027, 0x7fff, 0x8002, 0x8003, 0x8022, 0x8023, 0x8029, 0x802a, 0x802b,
            0x802c, 0xffff,
        ],
        padding: [0x00, 0x20, 0xff],
    },
    run: every_attribute,
}

/// Whether the value makes sense is another matter. Reading it in every sense must not do harm.
fn every_attribute(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let codec = codec(t)?;
    let kind = u16::try_from(v.number("kind")).unwrap_or(0);
    let filler = u8::try_from(v.number("padding")).unwrap_or(0);
    let tail = (0x8022, b"behind it".to_vec());
    t.stimulus(format_args!("{} of every length", attribute_name(kind)));
    let wrong = (0..=68).chain([255, 256, 508, 509, 763, 764, 4_000]).find_map(|length: usize| {
        let value: Vec<u8> = (1..=251).cycle().take(length).collect();
        let padding = vec![filler; length.wrapping_neg() % 4];
        let attribute = Attribute::bytes(kind, &value).with_padding(F::Raw(padding));
        let bytes = request([attribute, Attribute::bytes(tail.0, &tail.1)]);
        for wanted in ALL_WANTED {
            let _ = codec.read(&bytes, wanted);
        }
        let read = codec.decode(&bytes);
        let fine = matches!(&read, Ok(read) if read.attributes == [(kind, value), tail.clone()]);
        (!fine).then(|| format!("{length} bytes: {read:?}"))
    });
    let text = "type, value, and the next attribute";
    let req = if filler == 0 { req::STUN_ATTRIBUTE_TLV } else { req::STUN_PADDING_IGNORED };
    sweep(t, req, text, wrong.clone())?;
    sweep(t, req::STUN_ATTRIBUTE_ALIGNMENT, text, wrong.clone())?;
    sweep(t, req::STUN_ATTRIBUTE_LENGTH_UNPADDED, text, wrong)
}

/// Everything a codec can be asked for.
const ALL_WANTED: [Wanted; 18] = [
    Wanted::XorMappedAddress,
    Wanted::MappedAddress,
    Wanted::Username,
    Wanted::Realm,
    Wanted::Nonce,
    Wanted::Software,
    Wanted::ErrorCode,
    Wanted::UnknownAttributes,
    Wanted::PasswordAlgorithms,
    Wanted::AlternateDomain,
    Wanted::AlternateServer,
    Wanted::UserHash,
    Wanted::PasswordAlgorithm,
    Wanted::ChangeRequest,
    Wanted::ResponseOrigin,
    Wanted::OtherAddress,
    Wanted::ResponsePort,
    Wanted::Padding,
];

case! {
    id: "stun.codec.repeated",
    title: "Of several attributes of one type, all are taken and the first counts",
    reqs: [req::STUN_ATTRIBUTE_REPEATED, req::STUN_ATTRIBUTE_FIRST_COUNTS],
    kind: SubjectKind::StunCodec,
    variants: product! { copies: [2, 3, 100] },
    run: repeated,
}

fn repeated(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let codec = codec(t)?;
    let copies = v.number("copies");
    let bytes = request((0..copies).map(|n| Attribute::software(&format!("version {n}"))));
    let (read, first) = (codec.decode(&bytes), codec.read(&bytes, Wanted::Software));
    t.stimulus(format_args!("{copies} of SOFTWARE"));
    let count = read.map_or(0, |read| read.attributes.len());
    let all = u64::try_from(count) == Ok(copies);
    t.may(req::STUN_ATTRIBUTE_REPEATED, all, copies, count)?;
    let counts = first == Ok(Field::Software("version 0".to_owned()));
    t.may(req::STUN_ATTRIBUTE_FIRST_COUNTS, counts, "version 0", format_args!("{first:?}"))
}

case! {
    id: "stun.codec.order",
    title: "Attributes are written in order under their numbers, aligned, padded with zeros",
    reqs: [
        req::STUN_ATTRIBUTE_NUMBERS,
        req::STUN_ATTRIBUTE_TLV,
        req::STUN_ATTRIBUTE_ALIGNMENT,
        req::STUN_ATTRIBUTE_LENGTH_UNPADDED,
        req::STUN_PADDING_ZERO,
        req::STUN_LENGTH_EXCLUDES_HEADER,
        req::STUN_LENGTH_MULTIPLE_OF_FOUR,
    ],
    kind: SubjectKind::StunCodec,
    variants: product! { order: ["forwards", "backwards"] },
    run: order,
}

/// Byte for byte what the suite writes.
fn order(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let codec = codec(t)?;
    let own = |text: &str| text.to_owned();
    let mut pairs = vec![
        (Field::Username(own("alice")), Attribute::username("alice")),
        (Field::Realm(own("example.org")), Attribute::realm("example.org")),
        (Field::Nonce(own("0123456")), Attribute::nonce(b"0123456")),
        (Field::Software(own("Peerlab 1")), Attribute::software("Peerlab 1")),
        (Field::XorMappedAddress(OTHER), Attribute::xor_mapped_address(OTHER)),
        (Field::AlternateServer(OTHER_V6), Attribute::alternate_server(OTHER_V6)),
        (Field::ErrorCode(438, own("Stale")), Attribute::error_code(438, "Stale")),
        (Field::UnknownAttributes(vec![0x7fff]), Attribute::unknown_attributes(&[0x7fff])),
        (
            Field::UserHash(own("alice"), own("example.org")),
            Attribute::userhash(&userhash("alice", "example.org")),
        ),
        (Field::PasswordAlgorithms(vec![2, 1]), Attribute::password_algorithms(&[2, 1])),
        (Field::PasswordAlgorithm(2), Attribute::password_algorithm(2)),
        (Field::AlternateDomain(own("example.org")), Attribute::alternate_domain("example.org")),
        (Field::Other(0xc003, vec![1]), Attribute::bytes(0xc003, &[1])),
    ];
    if v.text("order") == "backwards" {
        pairs.reverse();
    }
    let (fields, attributes): (Vec<Field>, Vec<Attribute>) = pairs.into_iter().unzip();
    let built = codec.encode(0, [0x5a; 12], &fields);
    t.stimulus("one field of each kind");
    supported(&built)?;
    let (built, wanted) = (built.unwrap_or_default(), request(attributes));
    for req in [
        req::STUN_ATTRIBUTE_NUMBERS,
        req::STUN_ATTRIBUTE_TLV,
        req::STUN_ATTRIBUTE_ALIGNMENT,
        req::STUN_ATTRIBUTE_LENGTH_UNPADDED,
        req::STUN_PADDING_ZERO,
        req::STUN_LENGTH_EXCLUDES_HEADER,
        req::STUN_LENGTH_MULTIPLE_OF_FOUR,
    ] {
        t.must(req, built == wanted, hex(&wanted), hex(&built))?;
    }
    Ok(())
}
