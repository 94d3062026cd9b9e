//! The attributes of NAT behaviour discovery: RFC 5780 §7.

use super::{request, sweep};
use crate::cases::stun::script::*;

case! {
    id: "stun.codec.change-request",
    title: "CHANGE-REQUEST has two flags in 32 bits, and no other length",
    reqs: [req::DISCOVERY_CHANGE_REQUEST_FORMAT, req::DISCOVERY_ATTRIBUTE_NUMBERS],
    kind: SubjectKind::StunCodec,
    needs: [Cap::OtherAddress],
    variants: product! { ip: [false, true], port: [false, true] },
    no_reference: "no other stack at hand has the attribute",
    run: change_request,
}

fn change_request(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let codec = codec(t)?;
    let (ip, port) = (v.flag("ip"), v.flag("port"));
    let field = Field::ChangeRequest { ip, port };
    let built = codec.encode(0, [0x5a; 12], std::slice::from_ref(&field));
    t.stimulus("flags");
    supported(&built)?;
    let built = built.unwrap_or_default();
    let wanted = [0, 3, 0, 4, 0, 0, 0, u8::from(ip) << 2 | u8::from(port) << 1];
    let (format, fine) =
        (req::DISCOVERY_CHANGE_REQUEST_FORMAT, built.get(HEADER..) == Some(&wanted));
    t.must(req::DISCOVERY_ATTRIBUTE_NUMBERS, fine, hex(&wanted), hex(&built))?;
    t.must(format, fine, hex(&wanted), hex(&built))?;
    let read = codec.read(&built, Wanted::ChangeRequest);
    t.must(
        format,
        read.as_ref() == Ok(&field),
        format_args!("{field:?}"),
        format_args!("{read:?}"),
    )?;
    let wrong = (0..=12).filter(|length| *length != 4).find(|length| {
        let odd = Attribute::bytes(attribute::CHANGE_REQUEST, &vec![6; *length]);
        codec.read(&request([odd]), Wanted::ChangeRequest).is_ok()
    });
    sweep(t, format, "no flags of another length", wrong.map(|length| format!("{length} bytes")))
}

case! {
    id: "stun.codec.response-port",
    title: "RESPONSE-PORT is a port with two bytes of padding",
    reqs: [req::DISCOVERY_RESPONSE_PORT_FORMAT, req::DISCOVERY_ATTRIBUTE_NUMBERS],
    kind: SubjectKind::StunCodec,
    needs: [Cap::ResponsePort],
    variants: product! { port: [0, 1, 255, 256, 3_478, 65_535] },
    no_reference: "no other stack at hand has the attribute",
    run: response_port,
}

/// The text does not say whether the length counts the padding: both forms are read.
fn response_port(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let codec = codec(t)?;
    let port = u16::try_from(v.number("port")).unwrap_or(0);
    let field = Field::ResponsePort(port);
    let built = codec.encode(0, [0x5a; 12], std::slice::from_ref(&field));
    t.stimulus(port);
    supported(&built)?;
    let built = built.unwrap_or_default();
    let [high, low] = port.to_be_bytes();
    let form = |length| [0, 0x27, 0, length, high, low, 0, 0];
    let body = built.get(HEADER..);
    let fine = body == Some(&form(2)) || body == Some(&form(4));
    t.must(req::DISCOVERY_RESPONSE_PORT_FORMAT, fine, hex(&form(4)), hex(&built))?;
    t.must(req::DISCOVERY_ATTRIBUTE_NUMBERS, fine, "0x0027", hex(&built))?;
    for length in [2, 4] {
        let sent = Attribute::response_port(port).with_length(F::Set(length));
        let read = codec.read(&request([sent]), Wanted::ResponsePort);
        let got = format!("{read:?}");
        t.must(req::DISCOVERY_RESPONSE_PORT_FORMAT, read.as_ref() == Ok(&field), port, got)?;
    }
    Ok(())
}

case! {
    id: "stun.codec.padding-attribute",
    title: "PADDING is written in any length that leaves the datagram within 64 KiB, and in no other",
    reqs: [req::DISCOVERY_PADDING_WITHIN_64K, req::DISCOVERY_ATTRIBUTE_NUMBERS],
    kind: SubjectKind::StunCodec,
    needs: [Cap::Padding],
    variants: product! {
        length: [0, 1, 4, 1_500, 9_000, 65_000, 65_480, 65_484, 65_500, 65_528, 65_535],
        behind: ["nothing", "text"],
    },
    no_reference: "no other stack at hand has the attribute",
    run: padding_attribute,
}

/// IPv4 and UDP take 28 bytes of the 65 535 that a datagram can have.
fn padding_attribute(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let codec = codec(t)?;
    let length = usize::try_from(v.number("length")).unwrap_or(0);
    let mut fields = vec![Field::Padding(length)];
    if v.text("behind") == "text" {
        fields.push(Field::Software("Peerlab 1.0".to_owned()));
    }
    let built = codec.encode(0, [0x5a; 12], &fields);
    t.stimulus(length);
    supported(&built)?;
    let within = match &built {
        Ok(bytes) => 28 + bytes.len() <= 65_535,
        Err(_) => length > 65_000,
    };
    let got = built.as_ref().map_or_else(ToString::to_string, |bytes| bytes.len().to_string());
    t.must(req::DISCOVERY_PADDING_WITHIN_64K, within, "a small enough datagram, or none", got)?;
    let Ok(built) = built else { return Ok(()) };
    let read = Parsed::read(&built).ok();
    let found = read.as_ref().and_then(|read| read.value(0x0026)).map(<[u8]>::len);
    let req = req::DISCOVERY_ATTRIBUTE_NUMBERS;
    t.must(req, found == Some(length), length, format_args!("{found:?}"))?;
    let read = codec.read(&built, Wanted::Padding);
    t.must(req, read == Ok(Field::Padding(length)), length, format_args!("{read:?}"))
}
