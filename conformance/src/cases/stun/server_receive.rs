//! What a server passes over in silence: RFC 8489 §6.3. Each case ends with a request that must still
//! be answered, so that silence is known to be a choice.

use super::script::*;

case! {
    id: "stun.server.ignores-header",
    title: "A message with a faulty header is passed over",
    reqs: [
        req::STUN_RECEIVE_CHECKS_ZERO_BITS,
        req::STUN_RECEIVE_CHECKS_COOKIE,
        req::STUN_RECEIVE_CHECKS_LENGTH,
        req::STUN_RECEIVE_CHECKS_METHOD,
    ],
    kind: SubjectKind::StunServer,
    variants: product! {
        fault: [
            "bit 0", "bit 1", "both bits", "cookie", "cookie absent", "length plus 1",
            "length plus 2", "length plus 4", "length too small", "trailing bytes", "method 0",
            "method 2", "method 3", "method fff",
        ],
    },
    run: ignores_header,
}

fn ignores_header(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let stage = ServerStage::plain(t)?;
    let mut message = stage.request(t).with(Attribute::software("stimulus"));
    let length = 12;
    let req = match v.text("fault") {
        "bit 0" => spoil(&mut message.kind, F::Xor(0x8000), req::STUN_RECEIVE_CHECKS_ZERO_BITS),
        "bit 1" => spoil(&mut message.kind, F::Xor(0x4000), req::STUN_RECEIVE_CHECKS_ZERO_BITS),
        "both bits" => spoil(&mut message.kind, F::Xor(0xc000), req::STUN_RECEIVE_CHECKS_ZERO_BITS),
        "cookie" => {
            spoil(&mut message.cookie, F::Xor(0x0000_0100), req::STUN_RECEIVE_CHECKS_COOKIE)
        }
        "cookie absent" => spoil(&mut message.cookie, F::Set(0), req::STUN_RECEIVE_CHECKS_COOKIE),
        "length plus 1" => {
            spoil(&mut message.length, F::Set(length + 1), req::STUN_RECEIVE_CHECKS_LENGTH)
        }
        "length plus 2" => {
            spoil(&mut message.length, F::Set(length + 2), req::STUN_RECEIVE_CHECKS_LENGTH)
        }
        "length plus 4" => {
            spoil(&mut message.length, F::Set(length + 4), req::STUN_RECEIVE_CHECKS_LENGTH)
        }
        "length too small" => {
            spoil(&mut message.length, F::Set(length - 4), req::STUN_RECEIVE_CHECKS_LENGTH)
        }
        "trailing bytes" => {
            message.trailing = vec![0; 4];
            req::STUN_RECEIVE_CHECKS_LENGTH
        }
        method => {
            message.method = match method {
                "method 0" => 0,
                "method 2" => 2,
                "method 3" => 3,
                _ => 0xfff,
            };
            req::STUN_RECEIVE_CHECKS_METHOD
        }
    };
    stage.ignores(t, req, &message.encode())
}

/// Sets a field of the stimulus and names the requirement that this is about.
fn spoil<T>(field: &mut F<T>, value: F<T>, req: Req) -> Req {
    *field = value;
    req
}

case! {
    id: "stun.server.ignores-attribute-lengths",
    title: "A message whose attributes do not add up is passed over",
    reqs: [req::STUN_RECEIVE_CHECKS_LENGTH],
    kind: SubjectKind::StunServer,
    variants: product! { fault: ["overrun", "overrun by one", "huge", "half a header"] },
    run: ignores_attribute_lengths,
}

fn ignores_attribute_lengths(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let stage = ServerStage::plain(t)?;
    let software = Attribute::software("eightchr");
    let software = match v.text("fault") {
        "overrun" => software.with_length(F::Set(12)),
        "overrun by one" => software.with_length(F::Set(9)),
        "huge" => software.with_length(F::Set(0xffff)),
        _ => software.with_padding(F::Raw(vec![0x80, 0x22])),
    };
    let mut message = stage.request(t).with(software);
    if v.text("fault") == "half a header" {
        message.length = F::Set(14);
    }
    stage.ignores(t, req::STUN_RECEIVE_CHECKS_LENGTH, &message.encode())
}

case! {
    id: "stun.server.ignores-truncated",
    title: "A request cut short anywhere is passed over",
    reqs: [req::STUN_RECEIVE_CHECKS_LENGTH],
    kind: SubjectKind::StunServer,
    run: ignores_truncated,
}

fn ignores_truncated(t: &mut Ctl<'_>, _v: &Variant) -> Outcome {
    let stage = ServerStage::plain(t)?;
    let key = Key::short_term("irrelevant");
    let whole = stage
        .request(t)
        .with(Attribute::username("name"))
        .with(Attribute::software("a truncated request"))
        .with(Attribute::integrity(&key))
        .with(Attribute::fingerprint())
        .encode();
    for cut in 0..whole.len() {
        stage.send(t, whole.get(..cut).unwrap_or_default());
    }
    stage.ignores(t, req::STUN_RECEIVE_CHECKS_LENGTH, whole.get(..19).unwrap_or_default())
}

case! {
    id: "stun.server.ignores-classes",
    title: "Only requests are answered: not indications, not stray responses",
    reqs: [
        req::STUN_INDICATION_UNANSWERED,
        req::STUN_INDICATION_UNKNOWN_REQUIRED_DISCARDED,
        req::STUN_RESPONSE_MATCHES_TRANSACTION,
    ],
    kind: SubjectKind::StunServer,
    variants: product! {
        class: ["indication", "success", "error"],
        content: ["bare", "unknown attribute", "bad fingerprint", "good"],
    },
    run: ignores_classes,
}

fn ignores_classes(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let stage = ServerStage::plain(t)?;
    let (class, req) = match v.text("class") {
        "indication" if v.text("content") == "unknown attribute" => {
            (Class::Indication, req::STUN_INDICATION_UNKNOWN_REQUIRED_DISCARDED)
        }
        "indication" => (Class::Indication, req::STUN_INDICATION_UNANSWERED),
        "success" => (Class::Success, req::STUN_RESPONSE_MATCHES_TRANSACTION),
        _ => (Class::Error, req::STUN_RESPONSE_MATCHES_TRANSACTION),
    };
    let message = Message::new(class, fresh(t));
    let message = match v.text("content") {
        "bare" => message,
        "unknown attribute" => message.with(Attribute::bytes(0x7ffe, b"what?")),
        "bad fingerprint" => message.with(Attribute::fingerprint().with_octets(F::Xor(vec![1]))),
        _ => message
            .with(Attribute::xor_mapped_address(stage.peer()))
            .with(Attribute::error_code(400, "Bad Request")),
    };
    stage.ignores(t, req, &message.encode())
}

case! {
    id: "stun.server.method-and-class-grid",
    title: "Every class with many methods: no crash, and answers to Binding requests only",
    reqs: [
        req::STUN_RECEIVE_CHECKS_METHOD,
        req::STUN_RECEIVE_CHECKS_CLASS,
        req::STUN_RESPONSE_METHOD_AND_CLASS,
    ],
    kind: SubjectKind::StunServer,
    run: method_and_class_grid,
}

/// Regression: a Binding indication once crashed a stack (I03).
fn method_and_class_grid(t: &mut Ctl<'_>, _v: &Variant) -> Outcome {
    let stage = ServerStage::plain(t)?;
    for method in (0..0x1000).step_by(0x111).chain(0..16) {
        for class in Class::ALL {
            let mut message = Message::new(class, fresh(t));
            message.method = method;
            let replies = stage.exchange_raw(t, &message.encode());
            let wanted = usize::from(class == Class::Request && method == BINDING);
            let req = if method == BINDING {
                req::STUN_RECEIVE_CHECKS_CLASS
            } else {
                req::STUN_RECEIVE_CHECKS_METHOD
            };
            t.must(
                req,
                replies.len() == wanted,
                format_args!("{wanted} responses to {message}"),
                show(&replies),
            )?;
        }
    }
    let request = stage.request(t);
    let reply = stage.exchange(t, &request);
    let reply = answered(t, req::STUN_RESPONSE_METHOD_AND_CLASS, reply)?;
    Model::success(&request, stage.peer()).holds(t, req::STUN_RESPONSE_METHOD_AND_CLASS, &reply)
}

case! {
    id: "stun.server.survives-attribute-lengths",
    title: "Every known attribute at every small length leaves the server alive",
    reqs: [req::STUN_SERVER_SUPPORTS_BINDING],
    kind: SubjectKind::StunServer,
    variants: product! {
        attribute: [
            0x0001, 0x0003, 0x0006, 0x0008, 0x0009, 0x000a, 0x0014, 0x0015, 0x001c, 0x001d, 0x001e,
            0x0020, 0x0024, 0x0025, 0x0026, 0x0027, 0x8002, 0x8003, 0x8022, 0x8023, 0x8028, 0x8029,
            0x802a, 0x802b, 0x802c,
        ],
        auth: ["none", "short-term", "long-term"],
    },
    run: survives_attribute_lengths,
}

/// Regressions: an empty XOR-MAPPED-ADDRESS (I01), and MESSAGE-INTEGRITY as the first attribute (I06),
/// once crashed stacks.
fn survives_attribute_lengths(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let authentication = match v.text("auth") {
        "none" => Authentication::None,
        "short-term" => Authentication::ShortTerm(short_term()),
        _ => Authentication::LongTerm(long_term()),
    };
    let stage = ServerStage::open(t, StunServerConfig { authentication, ..plain() })?;
    let kind = u16::try_from(v.number("attribute")).unwrap_or(0);
    for length in 0..48 {
        let odd = Attribute::bytes(kind, &vec![0; length]);
        for class in Class::ALL {
            let message = Message::new(class, fresh(t)).with(odd.clone());
            stage.send(t, &message.clone().with(Attribute::username("x")).encode());
            stage.send(t, &message.with(Attribute::fingerprint()).encode());
        }
    }
    stage.alive(t, req::STUN_SERVER_SUPPORTS_BINDING)
}

case! {
    id: "stun.server.survives-junk",
    title: "Random bytes, STUN-like or not, leave the server silent and alive",
    reqs: [req::STUN_RECEIVE_CHECKS_COOKIE],
    kind: SubjectKind::StunServer,
    variants: product! { round: [0, 1, 2, 3] },
    run: survives_junk,
}

fn survives_junk(t: &mut Ctl<'_>, _v: &Variant) -> Outcome {
    let stage = ServerStage::plain(t)?;
    for length in 0..160_usize {
        let mut bytes = vec![0; length];
        t.rng().fill_public(&mut bytes);
        stage.send(t, &bytes);
    }
    let silent = stage.take_replies(t);
    t.must(req::STUN_RECEIVE_CHECKS_COOKIE, silent.is_empty(), "silence", show(&silent))?;
    // A fair header before random attributes makes them worth reading.
    for length in (0..160_usize).step_by(4) {
        let mut trailing = vec![0; length];
        t.rng().fill_public(&mut trailing);
        let length = F::Set(u16::try_from(length).unwrap_or(0));
        let message = Message { length, trailing, ..stage.request(t) };
        stage.send(t, &message.encode());
    }
    let _ = stage.take_replies(t);
    stage.alive(t, req::STUN_RECEIVE_CHECKS_COOKIE)
}

case! {
    id: "stun.server.survives-bit-flips",
    title: "A request with any one bit flipped leaves the server alive",
    reqs: [req::STUN_SERVER_SUPPORTS_BINDING],
    kind: SubjectKind::StunServer,
    variants: product! { auth: ["none", "short-term", "long-term"] },
    run: survives_bit_flips,
}

fn survives_bit_flips(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let authentication = match v.text("auth") {
        "none" => Authentication::None,
        "short-term" => Authentication::ShortTerm(short_term()),
        _ => Authentication::LongTerm(long_term()),
    };
    let stage = ServerStage::open(t, StunServerConfig { authentication, ..plain() })?;
    for vector in [&vectors::REQUEST[..], &vectors::LONG_TERM, &vectors::USERHASH_SHA256] {
        for bit in 0..8 * vector.len() {
            let mut bytes = vector.to_vec();
            if let Some(byte) = bytes.get_mut(bit / 8) {
                *byte ^= 1 << (bit % 8);
            }
            stage.send(t, &bytes);
        }
    }
    let _ = stage.take_replies(t);
    stage.alive(t, req::STUN_SERVER_SUPPORTS_BINDING)
}
