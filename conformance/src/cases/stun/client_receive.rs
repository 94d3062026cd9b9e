//! What a client makes of responses: RFC 8489 §6.3. A response that must be ignored is followed by a
//! good one, which must then succeed: so silence is known to be a choice.

use super::script::*;

case! {
    id: "stun.client.ignores-header",
    title: "A response with a faulty header is passed over, and the transaction goes on",
    reqs: [
        req::STUN_RECEIVE_CHECKS_ZERO_BITS,
        req::STUN_RECEIVE_CHECKS_COOKIE,
        req::STUN_RECEIVE_CHECKS_LENGTH,
        req::STUN_RECEIVE_CHECKS_METHOD,
        req::STUN_RECEIVE_CHECKS_CLASS,
        req::STUN_RESPONSE_MATCHES_TRANSACTION,
    ],
    kind: SubjectKind::StunClient,
    variants: product! {
        fault: [
            "bit 0", "bit 1", "cookie", "length plus 4", "length minus 4", "length odd",
            "method", "request", "indication", "id first byte", "id last byte", "id other",
            "attribute overrun", "empty", "19 bytes",
        ],
        kind: ["success", "error"],
    },
    run: ignores_header,
}

fn ignores_header(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut stage = ClientStage::open(t, |_| {})?;
    stage.start(t)?;
    let sent = stage.expect(t, SECOND, "a request")?;
    let wrong = Attribute::xor_mapped_address(OTHER);
    let mut message = match v.text("kind") {
        "success" => Message::success(sent.message.transaction).with(wrong),
        _ => Message::error(sent.message.transaction, 600, "Busy"),
    };
    let honest = message.encode().len() - HEADER;
    let length = u16::try_from(honest).unwrap_or(0);
    let mut req = req::STUN_RECEIVE_CHECKS_LENGTH;
    match v.text("fault") {
        "length plus 4" => message.length = F::Set(length + 4),
        "length minus 4" => message.length = F::Set(length - 4),
        "length odd" => message.length = F::Set(length - 1),
        "attribute overrun" => {
            message = message.with(Attribute::software("long").with_length(F::Set(64)));
        }
        other => req = spoil_header(&mut message, other),
    }
    let mut bytes = message.encode();
    match v.text("fault") {
        "empty" => bytes.clear(),
        "19 bytes" => bytes.truncate(19),
        _ => {}
    }
    stage.ignores(t, req, &sent, &bytes)
}

/// Spoils a header field other than the length, and names what must notice.
fn spoil_header(message: &mut Message, fault: &str) -> Req {
    match fault {
        "bit 0" => message.kind = F::Xor(0x8000),
        "bit 1" => message.kind = F::Xor(0x4000),
        "cookie" => message.cookie = F::Xor(1),
        "method" => message.method = 3,
        "request" => message.class = Class::Request,
        "indication" => message.class = Class::Indication,
        "id first byte" => message.transaction.0[0] ^= 1,
        "id last byte" => message.transaction.0[11] ^= 0x80,
        "id other" => message.transaction = TransactionId([0x11; 12]),
        _ => return req::STUN_RECEIVE_CHECKS_LENGTH,
    }
    match fault {
        "bit 0" | "bit 1" => req::STUN_RECEIVE_CHECKS_ZERO_BITS,
        "cookie" => req::STUN_RECEIVE_CHECKS_COOKIE,
        "method" => req::STUN_RECEIVE_CHECKS_METHOD,
        "request" | "indication" => req::STUN_RECEIVE_CHECKS_CLASS,
        _ => req::STUN_RESPONSE_MATCHES_TRANSACTION,
    }
}

case! {
    id: "stun.client.late-responses",
    title: "Late, repeated and unasked-for responses change nothing",
    reqs: [req::STUN_RESPONSE_MATCHES_TRANSACTION],
    kind: SubjectKind::StunClient,
    variants: product! { stray: ["repeated", "contradicting", "of the last transaction", "unasked for"] },
    run: late_responses,
}

/// Regression: responses to transactions that are no more once crashed a stack (I10).
fn late_responses(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut stage = ClientStage::open(t, |_| {})?;
    stage.start(t)?;
    let first = stage.expect(t, SECOND, "a request")?;
    stage.reply(t, &stage.success_for(&first));
    let told = stage.event(t, SECOND);
    t.precondition(matches!(told, Some(ClientEvent::Success { .. })), "a first success")?;
    let wrong = Attribute::xor_mapped_address(OTHER);
    let stray = match v.text("stray") {
        "repeated" => stage.success_for(&first),
        "contradicting" => Message::error(first.message.transaction, 400, "Bad Request"),
        "of the last transaction" => Message::success(first.message.transaction).with(wrong),
        _ => Message::success(TransactionId([0x77; 12])).with(wrong),
    };
    stage.reply(t, &stray);
    let told = stage.event(t, SECOND);
    t.must(
        req::STUN_RESPONSE_MATCHES_TRANSACTION,
        told.is_none(),
        "nothing",
        format_args!("{told:?}"),
    )?;
    stage.start(t)?;
    let second = stage.expect(t, SECOND, "a second request")?;
    stage.ignores(t, req::STUN_RESPONSE_MATCHES_TRANSACTION, &second, &stray.encode())
}

case! {
    id: "stun.client.peer-requests",
    title: "A request that carries the id of a pending own request does not end the transaction",
    reqs: [req::STUN_PEER_TRANSACTION_ID_UNRELATED],
    kind: SubjectKind::StunClient,
    run: peer_requests,
}

fn peer_requests(t: &mut Ctl<'_>, _v: &Variant) -> Outcome {
    let mut stage = ClientStage::open(t, |_| {})?;
    stage.start(t)?;
    let sent = stage.expect(t, SECOND, "a request")?;
    let request = Message::request(sent.message.transaction);
    stage.ignores(t, req::STUN_PEER_TRANSACTION_ID_UNRELATED, &sent, &request.encode())
}

case! {
    id: "stun.client.fingerprint.checked",
    title: "Where the usage employs FINGERPRINT, responses without a right one are passed over",
    reqs: [req::STUN_RECEIVE_CHECKS_FINGERPRINT],
    kind: SubjectKind::StunClient,
    needs: [Cap::Fingerprint],
    variants: product! { fault: ["absent", "wrong", "not masked"] },
    run: fingerprint_checked,
}

fn fingerprint_checked(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut stage = ClientStage::open(t, |config| config.fingerprint = true)?;
    stage.start(t)?;
    let sent = stage.expect(t, SECOND, "a request")?;
    let wrong = Attribute::xor_mapped_address(OTHER);
    let message = Message::success(sent.message.transaction).with(wrong);
    let good = Attribute::fingerprint();
    let message = match v.text("fault") {
        "absent" => message,
        "wrong" => message.with(good.with_octets(F::Xor(vec![0, 1]))),
        _ => message.with(good.with_octets(F::Xor(vec![0x53, 0x54, 0x55, 0x4e]))),
    };
    stage.ignores(t, req::STUN_RECEIVE_CHECKS_FINGERPRINT, &sent, &message.encode())
}

case! {
    id: "stun.client.success",
    title: "A success response gives the mapped address, whatever harmless things stand beside it",
    reqs: [
        req::STUN_UNKNOWN_OPTIONAL_IGNORED,
        req::STUN_KNOWN_UNEXPECTED_IGNORED,
        req::STUN_PADDING_IGNORED,
        req::STUN_MAPPED_ADDRESS_FIRST_BYTE_IGNORED,
        req::STUN_ATTRIBUTE_FIRST_COUNTS,
        req::STUN_MAPPED_OTHER_FAMILY_ACCEPTED,
        req::STUN_SOFTWARE_PARSES_763,
    ],
    kind: SubjectKind::StunClient,
    variants: product! {
        beside: [
            "unknown optional", "ERROR-CODE", "REALM", "odd padding", "first byte", "second address",
            "other family", "SOFTWARE of 763 bytes",
        ],
    },
    run: success,
}

fn success(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut stage = ClientStage::open(t, |_| {})?;
    stage.start(t)?;
    let sent = stage.expect(t, SECOND, "a request")?;
    let mut mapped = stage.client();
    let other = Attribute::xor_mapped_address(OTHER);
    let bare = Message::success(sent.message.transaction);
    let address = Attribute::xor_mapped_address(mapped);
    let response = match v.text("beside") {
        "unknown optional" => bare.with(Attribute::bytes(0xfffe, b"?")).with(address),
        "ERROR-CODE" => bare.with(Attribute::error_code(500, "Server Error")).with(address),
        "REALM" => bare.with(Attribute::realm("example.org")).with(address),
        "odd padding" => {
            let odd = Attribute::software("odd").with_padding(F::Raw(vec![0xff]));
            bare.with(odd).with(address)
        }
        "first byte" => bare.with(address.with_octets(F::Xor(vec![0xff]))),
        "second address" => bare.with(address).with(other),
        "other family" => {
            mapped = OTHER_V6;
            bare.with(Attribute::xor_mapped_address(mapped))
        }
        _ => bare.with(Attribute::software(&"x".repeat(763))).with(address),
    };
    stage.reply(t, &response);
    let told = stage.event(t, SECOND);
    let got = format!("{told:?}");
    let fine =
        matches!(told, Some(ClientEvent::Success { mapped: Some(found), .. }) if found == mapped);
    match v.text("beside") {
        "unknown optional" => t.must(req::STUN_UNKNOWN_OPTIONAL_IGNORED, fine, mapped, got),
        "ERROR-CODE" | "REALM" => t.should(req::STUN_KNOWN_UNEXPECTED_IGNORED, fine, mapped, got),
        "odd padding" => t.must(req::STUN_PADDING_IGNORED, fine, mapped, got),
        "first byte" => t.must(req::STUN_MAPPED_ADDRESS_FIRST_BYTE_IGNORED, fine, mapped, got),
        "second address" => t.may(req::STUN_ATTRIBUTE_FIRST_COUNTS, fine, mapped, got),
        "other family" => t.may(req::STUN_MAPPED_OTHER_FAMILY_ACCEPTED, fine, mapped, got),
        _ => t.must(req::STUN_SOFTWARE_PARSES_763, fine, mapped, got),
    }
}

case! {
    id: "stun.client.mapped-address",
    title: "The mask is taken off port and address as the family asks for",
    reqs: [
        req::STUN_XOR_PORT,
        req::STUN_XOR_IPV4,
        req::STUN_XOR_IPV6,
        req::STUN_MAPPED_ADDRESS_FAMILY,
    ],
    kind: SubjectKind::StunClient,
    needs: [Cap::Ipv6],
    variants: product! { family: ["v4", "v6"], port: [1, 0x2112, 0xffff] },
    run: mapped_address,
}

/// The address reported is not the client's own, as behind a NAT.
fn mapped_address(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let family = Family::of(v);
    let mut stage = ClientStage::on(t, family, 20 * MILLISECOND, |_| {})?;
    stage.start(t)?;
    let sent = stage.expect(t, SECOND, "a request")?;
    let (mut mapped, value) = match family {
        Family::V4 => (OTHER, req::STUN_XOR_IPV4),
        Family::V6 => (OTHER_V6, req::STUN_XOR_IPV6),
    };
    mapped.set_port(u16::try_from(v.number("port")).unwrap_or(1));
    let attribute = Attribute::xor_mapped_address(mapped);
    stage.reply(t, &Message::success(sent.message.transaction).with(attribute));
    let told = stage.event(t, SECOND);
    let got = format!("{told:?}");
    let Some(ClientEvent::Success { mapped: Some(found), .. }) = told else {
        return t.must(req::STUN_MAPPED_ADDRESS_FAMILY, false, mapped, got);
    };
    t.must(req::STUN_MAPPED_ADDRESS_FAMILY, found.is_ipv4() == mapped.is_ipv4(), mapped, &got)?;
    t.must(req::STUN_XOR_PORT, found.port() == mapped.port(), mapped, &got)?;
    t.must(value, found == mapped, mapped, got)
}

case! {
    id: "stun.client.faulty-success",
    title: "A success response without a usable address is no success with one",
    reqs: [
        req::STUN_SUCCESS_NEEDS_MAPPED_ADDRESS,
        req::STUN_SUCCESS_UNKNOWN_REQUIRED_FAILS,
        req::STUN_MAPPED_UNSUPPORTED_FAMILY_IGNORED,
        req::STUN_MAPPED_ADDRESS_LENGTH_CHECKED,
    ],
    kind: SubjectKind::StunClient,
    variants: product! {
        fault: [
            "no address", "clear address only", "unknown required", "family 0", "family 3", "empty",
            "v4 short", "v4 long", "v6 short", "v6 long", "v4 as v6",
        ],
    },
    run: faulty_success,
}

/// Regression: an empty XOR-MAPPED-ADDRESS once crashed a stack (I01).
fn faulty_success(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut stage = ClientStage::open(t, |_| {})?;
    stage.start(t)?;
    let sent = stage.expect(t, SECOND, "a request")?;
    let bare = Message::success(sent.message.transaction);
    let address = |bytes: &[u8]| Attribute::bytes(attribute::XOR_MAPPED_ADDRESS, bytes);
    let length = req::STUN_MAPPED_ADDRESS_LENGTH_CHECKED;
    let (response, req) = match v.text("fault") {
        "no address" => (bare, req::STUN_SUCCESS_NEEDS_MAPPED_ADDRESS),
        "clear address only" => {
            let clear = bare.with(Attribute::bytes(0xfffe, b"?"));
            (clear, req::STUN_SUCCESS_NEEDS_MAPPED_ADDRESS)
        }
        "unknown required" => {
            let right = Attribute::xor_mapped_address(stage.client());
            let odd = Attribute::bytes(0x7ffe, b"?");
            (bare.with(right).with(odd), req::STUN_SUCCESS_UNKNOWN_REQUIRED_FAILS)
        }
        "family 0" => (bare.with(address(&[0; 8])), req::STUN_MAPPED_UNSUPPORTED_FAMILY_IGNORED),
        "family 3" => (
            bare.with(address(&[0, 3, 1, 1, 1, 1, 1, 1])),
            req::STUN_MAPPED_UNSUPPORTED_FAMILY_IGNORED,
        ),
        "empty" => (bare.with(address(&[])), length),
        "v4 short" => (bare.with(address(&[0, 1, 1, 1, 1, 1, 1])), length),
        "v4 long" => (bare.with(address(&[0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1])), length),
        "v6 short" => (bare.with(address(&[[0, 2].as_slice(), &[1; 17]].concat())), length),
        "v6 long" => (bare.with(address(&[[0, 2].as_slice(), &[1; 19]].concat())), length),
        _ => (bare.with(address(&[0, 2, 1, 1, 1, 1, 1, 1])), length),
    };
    stage.reply(t, &response);
    let told = stage.event(t, 60 * SECOND);
    let wrong = matches!(told, Some(ClientEvent::Success { mapped: Some(_), .. }));
    let text = "no success with an address";
    if req == req::STUN_MAPPED_UNSUPPORTED_FAMILY_IGNORED {
        t.must(length, !wrong, text, format_args!("{told:?}"))?;
        return t.should(req, !wrong, text, format_args!("{told:?}"));
    }
    t.must(req, !wrong, text, format_args!("{told:?}"))
}

case! {
    id: "stun.client.survives-responses",
    title: "Responses with every known attribute at every small length do no harm",
    reqs: [req::STUN_RESPONSE_MATCHES_TRANSACTION],
    kind: SubjectKind::StunClient,
    variants: product! {
        attribute: [
            0x0001, 0x0006, 0x0008, 0x0009, 0x000a, 0x0014, 0x0015, 0x001c, 0x001d, 0x001e, 0x0020,
            0x8002, 0x8003, 0x8022, 0x8023, 0x8028, 0x802b, 0x802c,
        ],
        class: ["success", "error"],
    },
    run: survives_responses,
}

/// Regressions: I01, I06, and a reason phrase that is no UTF-8 (I07).
fn survives_responses(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut stage = ClientStage::open(t, |_| {})?;
    let kind = u16::try_from(v.number("attribute")).unwrap_or(0);
    let class = if v.text("class") == "success" { Class::Success } else { Class::Error };
    for length in 0..36 {
        stage.start(t)?;
        let sent = stage.expect(t, 5 * SECOND, "a request")?;
        let odd = Attribute::bytes(kind, &vec![0xfe; length]);
        stage.reply(t, &Message::new(class, sent.message.transaction).with(odd));
        stage.reply(t, &stage.success_for(&sent));
        let _ = stage.event(t, SECOND);
        stage.wait(t, 60 * SECOND);
        let _ = (stage.take_events(t), stage.take_sent(t));
    }
    stage.start(t)?;
    let sent = stage.expect(t, 5 * SECOND, "a request")?;
    stage.ignores(t, req::STUN_RESPONSE_MATCHES_TRANSACTION, &sent, b"")
}
