//! The address attributes: RFC 8489 §14.1, §14.2, §14.15; RFC 5780 §7.1.

use super::{request, sweep};
use crate::{cases::stun::script::*, subjects::stun::Refusal};

const ADDRESSES: [&str; 8] = [
    "192.0.2.1:32853",
    "0.0.0.0:0",
    "255.255.255.255:65535",
    "33.18.164.66:8466",
    "[2001:db8:1234:5678:11:2233:4455:6677]:32853",
    "[::]:0",
    "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535",
    "[::ffff:192.0.2.1]:3478",
];

/// An address attribute: how it is asked for, given and written.
struct Kind {
    wanted: Wanted,
    field: fn(SocketAddr) -> Field,
    attribute: fn(SocketAddr) -> Attribute,
    req: Req,
}

fn kind(v: &Variant) -> Kind {
    match v.text("attribute") {
        "XOR-MAPPED-ADDRESS" => Kind {
            wanted: Wanted::XorMappedAddress,
            field: Field::XorMappedAddress,
            attribute: Attribute::xor_mapped_address,
            req: req::STUN_XOR_PORT,
        },
        "MAPPED-ADDRESS" => Kind {
            wanted: Wanted::MappedAddress,
            field: Field::MappedAddress,
            attribute: Attribute::mapped_address,
            req: req::STUN_MAPPED_ADDRESS_FAMILY,
        },
        "ALTERNATE-SERVER" => Kind {
            wanted: Wanted::AlternateServer,
            field: Field::AlternateServer,
            attribute: Attribute::alternate_server,
            req: req::STUN_ALTERNATE_SERVER_FORMAT,
        },
        "RESPONSE-ORIGIN" => Kind {
            wanted: Wanted::ResponseOrigin,
            field: Field::ResponseOrigin,
            attribute: Attribute::response_origin,
            req: req::DISCOVERY_ADDRESS_FORMAT,
        },
        _ => Kind {
            wanted: Wanted::OtherAddress,
            field: Field::OtherAddress,
            attribute: Attribute::other_address,
            req: req::DISCOVERY_ADDRESS_FORMAT,
        },
    }
}

case! {
    id: "stun.codec.addresses",
    title: "Addresses of both families are written and read as their attribute has it",
    reqs: [
        req::STUN_XOR_PORT,
        req::STUN_XOR_IPV4,
        req::STUN_XOR_IPV6,
        req::STUN_MAPPED_ADDRESS_FAMILY,
        req::STUN_MAPPED_ADDRESS_IPV4_LENGTH,
        req::STUN_MAPPED_ADDRESS_IPV6_LENGTH,
        req::STUN_MAPPED_ADDRESS_FIRST_BYTE_ZERO,
        req::STUN_ALTERNATE_SERVER_FORMAT,
        req::DISCOVERY_ADDRESS_FORMAT,
    ],
    kind: SubjectKind::StunCodec,
    variants: product! {
        attribute: [
            "XOR-MAPPED-ADDRESS", "MAPPED-ADDRESS", "ALTERNATE-SERVER", "RESPONSE-ORIGIN",
            "OTHER-ADDRESS",
        ],
        tid: ["zeros", "ones", "random"],
    },
    run: addresses,
}

/// Writing is compared byte for byte; reading must give back what was written.
fn addresses(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let (codec, kind) = (codec(t)?, kind(v));
    let id = match v.text("tid") {
        "zeros" => [0; 12],
        "ones" => [0xff; 12],
        _ => fresh(t).0,
    };
    let masked = kind.wanted == Wanted::XorMappedAddress;
    t.stimulus("addresses");
    for text in ADDRESSES {
        let address: SocketAddr = t.expect(text.parse().ok(), "an address")?;
        let message = Message::success(TransactionId(id)).with((kind.attribute)(address)).encode();
        let built = codec.encode(2, id, &[(kind.field)(address)]);
        supported(&built)?;
        let built = built.unwrap_or_default();
        let (length, mask) = match address {
            SocketAddr::V4(_) => (req::STUN_MAPPED_ADDRESS_IPV4_LENGTH, req::STUN_XOR_IPV4),
            SocketAddr::V6(_) => (req::STUN_MAPPED_ADDRESS_IPV6_LENGTH, req::STUN_XOR_IPV6),
        };
        let family = req::STUN_MAPPED_ADDRESS_FAMILY;
        let zero = req::STUN_MAPPED_ADDRESS_FIRST_BYTE_ZERO;
        for req in [kind.req, length, if masked { mask } else { family }, zero] {
            t.must(req, built == message, hex(&message), hex(&built))?;
        }
        let read = codec.read(&message, kind.wanted);
        if read == Err(Refusal::Unsupported) {
            continue;
        }
        let same = read == Ok((kind.field)(address));
        t.must(kind.req, same, address, format_args!("{read:?}"))?;
    }
    Ok(())
}

case! {
    id: "stun.codec.address-lengths",
    title: "An address of the wrong length or of an unknown family is no address",
    reqs: [req::STUN_MAPPED_ADDRESS_LENGTH_CHECKED, req::STUN_MAPPED_ADDRESS_FIRST_BYTE_IGNORED],
    kind: SubjectKind::StunCodec,
    variants: product! {
        attribute: [
            "XOR-MAPPED-ADDRESS", "MAPPED-ADDRESS", "ALTERNATE-SERVER", "RESPONSE-ORIGIN",
            "OTHER-ADDRESS",
        ],
        family: [0, 1, 2, 3, 4, 255],
    },
    run: address_lengths,
}

/// Every length up to more than the longest, and every first byte.
fn address_lengths(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let (codec, kind) = (codec(t)?, kind(v));
    let number = (kind.attribute)(OTHER).kind;
    let family = u8::try_from(v.number("family")).unwrap_or(0);
    let right = match family {
        1 => Some(8),
        2 => Some(20),
        _ => None,
    };
    let read = |first: u8, length: usize| {
        let value: Vec<u8> = [first, family].into_iter().chain(7..).take(length).collect();
        codec.read(&request([Attribute::bytes(number, &value)]), kind.wanted)
    };
    let first = read(0, 8);
    t.stimulus("addresses of every length");
    supported(&first)?;
    let wrong = (0..=28).find_map(|length| {
        let read = read(0, length);
        (read.is_ok() != (Some(length) == right)).then(|| format!("{length} bytes: {read:?}"))
    });
    let req = req::STUN_MAPPED_ADDRESS_LENGTH_CHECKED;
    sweep(t, req, "an address of the right length alone", wrong)?;
    let Some(right) = right else { return Ok(()) };
    let plain = read(0, right);
    let wrong = (1..=255).find_map(|first| {
        let read = read(first, right);
        (read != plain).then(|| format!("{first:#04x}: {read:?}"))
    });
    sweep(t, req::STUN_MAPPED_ADDRESS_FIRST_BYTE_IGNORED, "the same address", wrong)
}
