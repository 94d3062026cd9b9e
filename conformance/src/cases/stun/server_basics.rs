//! What every Binding server does: RFC 8489 §5, §6.3.1, §12, §14.

use super::script::*;

case! {
    id: "stun.server.binding",
    title: "A bare Binding request gets the source address back, and nothing that was not asked for",
    reqs: [
        req::STUN_SERVER_SUPPORTS_BINDING,
        req::STUN_SERVER_SUPPORTS_UDP,
        req::STUN_BINDING_REPORTS_SOURCE,
        req::STUN_RESPONSE_METHOD_AND_CLASS,
        req::STUN_SERVER_NEEDS_NO_CREDENTIALS,
        req::STUN_SERVER_DOES_NOT_REDIRECT,
        req::STUN_SERVER_DOES_NOT_REQUIRE_FINGERPRINT,
        req::STUN_UNKNOWN_ATTRIBUTES_ONLY_IN_420,
    ],
    kind: SubjectKind::StunServer,
    needs: [Cap::Ipv6],
    variants: product! { family: ["v4", "v6"] },
    run: binding,
}

fn binding(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let stage = ServerStage::on(t, Family::of(v), plain())?;
    let request = stage.request(t);
    let reply = stage.exchange(t, &request);
    let reply = answered(t, req::STUN_SERVER_SUPPORTS_BINDING, reply)?;
    let model = Model::success(&request, stage.peer());
    model.holds(t, req::STUN_SERVER_SUPPORTS_UDP, &reply)?;
    model.holds(t, req::STUN_RESPONSE_METHOD_AND_CLASS, &reply)?;
    t.must(
        req::STUN_BINDING_REPORTS_SOURCE,
        reply.xor_mapped_address() == Some(stage.peer()),
        format_args!("XOR-MAPPED-ADDRESS {}", stage.peer()),
        &reply,
    )?;
    let fine = reply.class() == Class::Success;
    t.should(req::STUN_SERVER_NEEDS_NO_CREDENTIALS, fine, "success without credentials", &reply)?;
    let redirects = reply.has(attribute::ALTERNATE_SERVER);
    t.should(req::STUN_SERVER_DOES_NOT_REDIRECT, !redirects, "no ALTERNATE-SERVER", &reply)?;
    t.must(req::STUN_SERVER_DOES_NOT_REQUIRE_FINGERPRINT, fine, "success", &reply)?;
    let lists = reply.has(attribute::UNKNOWN_ATTRIBUTES);
    t.must(req::STUN_UNKNOWN_ATTRIBUTES_ONLY_IN_420, !lists, "no UNKNOWN-ATTRIBUTES", &reply)
}

case! {
    id: "stun.server.header",
    title: "The header of every response obeys the format, bit by bit",
    reqs: [
        req::STUN_HEADER_ZERO_BITS,
        req::STUN_MESSAGE_TYPE_LAYOUT,
        req::STUN_MAGIC_COOKIE,
        req::STUN_RESPONSE_ECHOES_TRANSACTION_ID,
        req::STUN_LENGTH_EXCLUDES_HEADER,
        req::STUN_LENGTH_MULTIPLE_OF_FOUR,
        req::STUN_MESSAGE_WITHIN_DEFAULT_MTU,
    ],
    kind: SubjectKind::StunServer,
    variants: product! { tid: ["zeros", "ones", "random"], outcome: ["success", "error"] },
    run: header,
}

fn header(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let stage = ServerStage::plain(t)?;
    let mut request = stage.request(t);
    match v.text("tid") {
        "zeros" => request.transaction = TransactionId([0; 12]),
        "ones" => request.transaction = TransactionId([0xff; 12]),
        _ => {}
    }
    let mut kind = 0x0101;
    if v.text("outcome") == "error" {
        request = request.with(Attribute::bytes(0x7ffe, b"??"));
        kind = 0x0111;
    }
    let sent = stage.exchange_raw(t, &request.encode());
    let bytes = t.expect(sent.first(), "a response")?.payload.clone();
    let [type_1, type_2, length_1, length_2, c1, c2, c3, c4, rest @ ..] = bytes.as_slice() else {
        return t.must(req::STUN_LENGTH_EXCLUDES_HEADER, false, "20 bytes or more", bytes.len());
    };
    let length = u16::from_be_bytes([*length_1, *length_2]);
    let found = u16::from_be_bytes([*type_1, *type_2]);
    t.must(req::STUN_HEADER_ZERO_BITS, type_1 >> 6 == 0, "two zero bits", hex(&bytes))?;
    t.must(req::STUN_MESSAGE_TYPE_LAYOUT, found == kind, hex16(kind), hex16(found))?;
    let cookie = [*c1, *c2, *c3, *c4] == [0x21, 0x12, 0xa4, 0x42];
    t.must(req::STUN_MAGIC_COOKIE, cookie, "2112a442", hex(&bytes))?;
    let echoed = rest.starts_with(&request.transaction.0);
    t.must(
        req::STUN_RESPONSE_ECHOES_TRANSACTION_ID,
        echoed,
        hex(&request.transaction.0),
        hex(rest),
    )?;
    let counted = usize::from(length) + HEADER == bytes.len();
    t.must(req::STUN_LENGTH_EXCLUDES_HEADER, counted, bytes.len() - HEADER, length)?;
    t.must(req::STUN_LENGTH_MULTIPLE_OF_FOUR, length.is_multiple_of(4), "a multiple of 4", length)?;
    let small = bytes.len() <= 548;
    t.should(req::STUN_MESSAGE_WITHIN_DEFAULT_MTU, small, "at most 548 bytes", bytes.len())
}

case! {
    id: "stun.server.attributes-format",
    title: "The attributes of responses are well-formed",
    reqs: [
        req::STUN_ATTRIBUTE_TLV,
        req::STUN_ATTRIBUTE_ALIGNMENT,
        req::STUN_ATTRIBUTE_LENGTH_UNPADDED,
        req::STUN_PADDING_ZERO,
        req::STUN_ATTRIBUTE_NUMBERS,
        req::STUN_ERROR_RESERVED_ZERO,
        req::STUN_ERROR_REASON_PHRASE,
        req::STUN_ERROR_CODES,
        req::STUN_SOFTWARE_LENGTH,
        req::STUN_SOFTWARE_CONTENT,
        req::STUN_RESPONSE_SOFTWARE,
    ],
    kind: SubjectKind::StunServer,
    variants: product! { unknown: [1, 2, 3], software: ["P 1.0", "Peerlab 1.0"] },
    run: attributes_format,
}

/// An odd number of unknown attributes and an odd length of SOFTWARE call for padding.
fn attributes_format(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let software = Some(v.text("software"));
    let stage = ServerStage::open(t, StunServerConfig { software, ..plain() })?;
    let unknown = (0..v.number("unknown")).filter_map(|n| u16::try_from(0x7ff0 + n).ok());
    let request =
        stage.request(t).with_all(unknown.map(|kind| Attribute::bytes(kind, b"something")));
    let reply = stage.exchange(t, &request);
    let reply = answered(t, req::STUN_ATTRIBUTE_TLV, reply)?;
    let faults = reply.faults();
    t.must(req::STUN_ATTRIBUTE_TLV, reply.code() == Some(420), "a readable 420", &reply)?;
    t.must(req::STUN_ERROR_CODES, reply.code() == Some(420), "420", &reply)?;
    let aligned = reply.attributes.iter().all(|found| found.at % 4 == 0);
    t.must(req::STUN_ATTRIBUTE_ALIGNMENT, aligned && faults.is_empty(), "32-bit steps", &reply)?;
    let listed = reply.value(attribute::UNKNOWN_ATTRIBUTES).map_or(0, <[u8]>::len);
    let wanted = usize::try_from(2 * v.number("unknown")).unwrap_or(0);
    t.must(req::STUN_ATTRIBUTE_LENGTH_UNPADDED, listed == wanted, wanted, listed)?;
    let zero = reply.attributes.iter().all(|found| found.padding.iter().all(|byte| *byte == 0));
    t.must(req::STUN_PADDING_ZERO, zero, "zeros", format_args!("{faults:?}"))?;
    let known = reply.has(attribute::ERROR_CODE) && reply.has(attribute::UNKNOWN_ATTRIBUTES);
    t.must(req::STUN_ATTRIBUTE_NUMBERS, known, "0x0009 and 0x000a", &reply)?;
    let error = t.expect(reply.error(), "an ERROR-CODE")?;
    t.should(req::STUN_ERROR_RESERVED_ZERO, error.reserved == 0, 0, error.reserved)?;
    let reason = String::from_utf8(error.reason).unwrap_or_default();
    t.should(req::STUN_ERROR_REASON_PHRASE, !reason.is_empty(), "a text", &reason)?;
    let software = reply.text(attribute::SOFTWARE);
    t.should(req::STUN_RESPONSE_SOFTWARE, software.is_some(), "SOFTWARE in an error", &reply)?;
    let named = software.is_some_and(|text| text.contains(|c: char| c.is_ascii_digit()));
    t.should(req::STUN_SOFTWARE_CONTENT, named, "a name with a version", &reply)?;
    let long = software.is_some_and(|text| text.chars().count() >= 128);
    t.must(req::STUN_SOFTWARE_LENGTH, !long, "fewer than 128 characters", &reply)
}

case! {
    id: "stun.server.response-software",
    title: "A success response names the software when the server is told to",
    reqs: [req::STUN_RESPONSE_SOFTWARE],
    kind: SubjectKind::StunServer,
    run: response_software,
}

fn response_software(t: &mut Ctl<'_>, _v: &Variant) -> Outcome {
    let config = StunServerConfig { software: Some("Peerlab 1.0"), ..plain() };
    let stage = ServerStage::open(t, config)?;
    let request = stage.request(t);
    let reply = stage.exchange(t, &request);
    let reply = t.expect(reply, "a response")?;
    let named = reply.text(attribute::SOFTWARE) == Some("Peerlab 1.0");
    t.should(req::STUN_RESPONSE_SOFTWARE, named, "SOFTWARE \"Peerlab 1.0\"", &reply)
}

case! {
    id: "stun.server.mirrored",
    title: "The response leaves from where the request arrived and goes back to where it came from",
    reqs: [req::STUN_RESPONSE_ADDRESSES_MIRRORED],
    kind: SubjectKind::StunServer,
    variants: product! { port: [0, 1, 2] },
    run: mirrored,
}

fn mirrored(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let stage = ServerStage::plain(t)?;
    let index = usize::try_from(v.number("port")).unwrap_or(0);
    let (request, source) = (stage.request(t), stage.peer_at(index));
    let sent = stage.exchange_raw_from(t, index, &request.encode());
    let reply = t.expect(sent.first(), "a response")?;
    t.must(
        req::STUN_RESPONSE_ADDRESSES_MIRRORED,
        reply.source == stage.server() && reply.destination == source,
        format_args!("{} to {source}", stage.server()),
        format_args!("{} to {}", reply.source, reply.destination),
    )
}

case! {
    id: "stun.server.address-format",
    title: "XOR-MAPPED-ADDRESS is masked as the family asks for",
    reqs: [
        req::STUN_MAPPED_ADDRESS_FAMILY,
        req::STUN_MAPPED_ADDRESS_IPV4_LENGTH,
        req::STUN_MAPPED_ADDRESS_IPV6_LENGTH,
        req::STUN_MAPPED_ADDRESS_FIRST_BYTE_ZERO,
        req::STUN_XOR_PORT,
        req::STUN_XOR_IPV4,
        req::STUN_XOR_IPV6,
    ],
    kind: SubjectKind::StunServer,
    needs: [Cap::Ipv6],
    variants: product! { family: ["v4", "v6"] },
    run: address_format,
}

fn address_format(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let stage = ServerStage::on(t, Family::of(v), plain())?;
    let request = stage.request(t);
    let reply = stage.exchange(t, &request);
    let reply = t.expect(reply, "a response")?;
    let value = t.expect(reply.value(attribute::XOR_MAPPED_ADDRESS), "XOR-MAPPED-ADDRESS")?;
    let [zero, family, port_1, port_2, address @ ..] = value else {
        return t.must(req::STUN_MAPPED_ADDRESS_FAMILY, false, "4 bytes or more", hex(value));
    };
    let v6 = stage.peer().is_ipv6();
    t.must(req::STUN_MAPPED_ADDRESS_FAMILY, *family == 1 + u8::from(v6), 1 + u8::from(v6), family)?;
    t.must(req::STUN_MAPPED_ADDRESS_FIRST_BYTE_ZERO, *zero == 0, 0, zero)?;
    let port = u16::from_be_bytes([*port_1, *port_2]) ^ 0x2112;
    t.must(req::STUN_XOR_PORT, port == stage.peer().port(), stage.peer().port(), port)?;
    let mask = [0x21, 0x12, 0xa4, 0x42].into_iter().chain(request.transaction.0);
    let bare: Vec<u8> = address.iter().zip(mask).map(|(byte, mask)| byte ^ mask).collect();
    let (length, value) = match stage.peer().ip() {
        IpAddr::V4(_) => (req::STUN_MAPPED_ADDRESS_IPV4_LENGTH, req::STUN_XOR_IPV4),
        IpAddr::V6(_) => (req::STUN_MAPPED_ADDRESS_IPV6_LENGTH, req::STUN_XOR_IPV6),
    };
    let wanted = ip_octets(stage.peer().ip());
    t.must(length, address.len() == wanted.len(), wanted.len(), address.len())?;
    t.must(value, bare == wanted, hex(&wanted), hex(&bare))
}

case! {
    id: "stun.server.repeat",
    title: "Every copy of a request is answered, each time alike",
    reqs: [req::STUN_RETRANSMISSION_ANSWERED_ALIKE],
    kind: SubjectKind::StunServer,
    variants: product! { copies: [2, 7] },
    run: repeat,
}

fn repeat(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let stage = ServerStage::plain(t)?;
    let request = stage.request(t).encode();
    let first = stage.exchange_raw(t, &request);
    for _ in 1..v.number("copies") {
        let again = stage.exchange_raw(t, &request);
        let alike = again.len() == 1
            && again.first().map(|reply| &reply.payload)
                == first.first().map(|reply| &reply.payload);
        t.must(req::STUN_RETRANSMISSION_ANSWERED_ALIKE, alike, show(&first), show(&again))?;
    }
    Ok(())
}

case! {
    id: "stun.server.amplification",
    title: "A response is at most 2.2 times as long as its request",
    reqs: [req::STUN_BINDING_REPORTS_SOURCE],
    kind: SubjectKind::StunServer,
    needs: [Cap::Ipv6],
    variants: product! { family: ["v4", "v6"] },
    run: amplification,
}

/// Without SOFTWARE and what else nobody asked for, 20 bytes in make 32 bytes out, or 44 over IPv6.
fn amplification(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let stage = ServerStage::on(t, Family::of(v), plain())?;
    let request = stage.request(t).encode();
    let sent = stage.exchange_raw(t, &request);
    let reply = t.expect(sent.first(), "a response")?;
    let limit = if v.text("family") == "v4" { 32 } else { 44 };
    let small = sent.len() == 1 && reply.payload.len() <= limit;
    t.must(req::STUN_BINDING_REPORTS_SOURCE, small, limit, show(&sent))
}

case! {
    id: "stun.server.within-mtu",
    title: "No request within the default MTU earns a response beyond it",
    reqs: [req::STUN_MTU_EXCEEDED_ONLY_TO_PROBE, req::STUN_MESSAGE_WITHIN_DEFAULT_MTU],
    kind: SubjectKind::StunServer,
    variants: product! { request: ["bare", "many unknown attributes", "long texts"] },
    run: within_mtu,
}

fn within_mtu(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let stage =
        ServerStage::open(t, StunServerConfig { software: Some("Peerlab 1.0"), ..plain() })?;
    let request = match v.text("request") {
        "bare" => stage.request(t),
        "many unknown attributes" => {
            let unknown = (0x7e00..0x7e80).map(|kind| Attribute::bytes(kind, b""));
            stage.request(t).with_all(unknown)
        }
        _ => stage.request(t).with(Attribute::username(&"u".repeat(508))),
    };
    let replies = stage.exchange_raw(t, &request.encode());
    let longest = replies.iter().map(|reply| reply.payload.len()).max();
    let longest = t.expect(longest, "a response")?;
    t.must(req::STUN_MTU_EXCEEDED_ONLY_TO_PROBE, longest <= 548, "at most 548 bytes", longest)?;
    t.should(req::STUN_MESSAGE_WITHIN_DEFAULT_MTU, longest <= 548, "at most 548 bytes", longest)
}
