//! What a client makes of error responses: RFC 8489 §6.3.4, §14.8.

use super::script::*;

case! {
    id: "stun.client.error",
    title: "An error response fails the transaction and its code is reported",
    reqs: [
        req::STUN_ERROR_3XX_FAILS,
        req::STUN_ERROR_4XX_FAILS,
        req::STUN_ERROR_OTHER_CODE_FAILS,
        req::STUN_400_NOT_RETRIED,
        req::STUN_ERROR_RESERVED_IGNORED,
        req::STUN_ERROR_REASON_PARSES_763,
    ],
    kind: SubjectKind::StunClient,
    variants: product! {
        code: [300, 399, 400, 401, 420, 438, 499, 600, 699],
        form: ["plain", "reserved bits", "reason of 763 bytes", "reason not UTF-8", "no reason"],
    },
    run: error,
}

fn error(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut stage = ClientStage::open(t, |_| {})?;
    stage.start(t)?;
    let sent = stage.expect(t, SECOND, "a request")?;
    let code = u16::try_from(v.number("code")).unwrap_or(0);
    let value = match v.text("form") {
        "reason of 763 bytes" => error_value(code, &[b'r'; 763]),
        "reason not UTF-8" => error_value(code, &[0xff, 0xfe, 0x80]),
        "no reason" => error_value(code, b""),
        _ => error_value(code, b"Reason"),
    };
    let mut attribute = Attribute::bytes(attribute::ERROR_CODE, &value);
    if v.text("form") == "reserved bits" {
        attribute = attribute.with_octets(F::Xor(vec![0xff, 0xff, 0xf8]));
    }
    stage.reply(t, &Message::new(Class::Error, sent.message.transaction).with(attribute));
    let told = stage.event(t, 60 * SECOND);
    let got = format!("{told:?}");
    let odd = v.text("form") == "reason not UTF-8";
    let failed = match &told {
        Some(ClientEvent::Error { code: found, .. }) => *found == code,
        Some(ClientEvent::Failed { .. } | ClientEvent::TimedOut { .. }) => odd,
        _ => false,
    };
    let again = stage.take_sent(t).iter().any(|one| one.at > sent.at);
    match (v.text("form"), code) {
        ("reserved bits", _) => t.must(req::STUN_ERROR_RESERVED_IGNORED, failed, code, &got)?,
        ("reason of 763 bytes", _) => {
            t.must(req::STUN_ERROR_REASON_PARSES_763, failed, code, &got)?
        }
        _ => {}
    }
    match code {
        300..=399 => t.should(req::STUN_ERROR_3XX_FAILS, failed, code, got),
        400..=499 => {
            t.must(req::STUN_ERROR_4XX_FAILS, failed, code, got)?;
            if code == 400 && !odd {
                t.should(req::STUN_400_NOT_RETRIED, !again, "no further request", again)?;
            }
            Ok(())
        }
        _ => t.must(req::STUN_ERROR_OTHER_CODE_FAILS, failed, code, got),
    }
}

case! {
    id: "stun.client.faulty-error",
    title: "An error response without a code, or with what is not understood, fails the transaction",
    reqs: [
        req::STUN_ERROR_WITHOUT_CODE_FAILS,
        req::STUN_ERROR_UNKNOWN_REQUIRED_FAILS,
        req::STUN_ERROR_CODE_RANGE_CHECKED,
    ],
    kind: SubjectKind::StunClient,
    variants: product! {
        fault: ["no code", "unknown required", "class 0", "class 2", "class 7", "number 100", "number 255", "too short"],
    },
    run: faulty_error,
}

fn faulty_error(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut stage = ClientStage::open(t, |_| {})?;
    stage.start(t)?;
    let sent = stage.expect(t, SECOND, "a request")?;
    let bare = Message::new(Class::Error, sent.message.transaction);
    let code = |class, number| {
        Attribute::bytes(attribute::ERROR_CODE, &[0, 0, class, number, b'r', b's', b'n', b'!'])
    };
    let (response, req) = match v.text("fault") {
        "no code" => (bare, req::STUN_ERROR_WITHOUT_CODE_FAILS),
        "unknown required" => (
            bare.with(code(5, 0)).with(Attribute::bytes(0x7ffe, b"?")),
            req::STUN_ERROR_UNKNOWN_REQUIRED_FAILS,
        ),
        "class 0" => (bare.with(code(0, 0)), req::STUN_ERROR_CODE_RANGE_CHECKED),
        "class 2" => (bare.with(code(2, 0)), req::STUN_ERROR_CODE_RANGE_CHECKED),
        "class 7" => (bare.with(code(7, 0)), req::STUN_ERROR_CODE_RANGE_CHECKED),
        "number 100" => (bare.with(code(4, 100)), req::STUN_ERROR_CODE_RANGE_CHECKED),
        "number 255" => (bare.with(code(4, 255)), req::STUN_ERROR_CODE_RANGE_CHECKED),
        _ => (
            bare.with(Attribute::bytes(attribute::ERROR_CODE, &[0, 0, 4])),
            req::STUN_ERROR_CODE_RANGE_CHECKED,
        ),
    };
    stage.reply(t, &response);
    let told = stage.event(t, 60 * SECOND);
    let got = format!("{told:?}");
    let failed = match &told {
        Some(ClientEvent::Failed { .. } | ClientEvent::TimedOut { .. }) => true,
        Some(ClientEvent::Error { code, .. }) => {
            req == req::STUN_ERROR_UNKNOWN_REQUIRED_FAILS && *code == 500
        }
        _ => false,
    };
    t.must(req, failed, "failure without a code", got)?;
    let repeats = stage.take_sent(t).iter().filter(|one| one.at > sent.at).count();
    if req == req::STUN_ERROR_UNKNOWN_REQUIRED_FAILS {
        return t.must(req, repeats == 0, "no retry on a code that is not to be used", repeats);
    }
    Ok(())
}

case! {
    id: "stun.client.server-error",
    title: "A server that keeps failing is asked a limited number of times",
    reqs: [
        req::STUN_ERROR_5XX_MAY_RESEND,
        req::STUN_ERROR_5XX_RESENDS_BOUNDED,
        req::STUN_ERROR_5XX_FOUR_RESENDS,
    ],
    kind: SubjectKind::StunClient,
    variants: product! { code: [500, 508, 599] },
    run: server_error,
}

fn server_error(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    const PATIENCE: usize = 40;
    let mut stage = ClientStage::open(t, |_| {})?;
    let code = u16::try_from(v.number("code")).unwrap_or(0);
    stage.start(t)?;
    let mut requests = 0;
    while requests < PATIENCE {
        let Some(sent) = stage.next(t, 60 * SECOND) else { break };
        requests += 1;
        stage.reply(t, &Message::error(sent.message.transaction, code, "Server Error"));
    }
    let resends = requests.saturating_sub(1);
    let bounded = requests < PATIENCE;
    t.must(
        req::STUN_ERROR_5XX_RESENDS_BOUNDED,
        bounded,
        "an end",
        format_args!("{requests} requests"),
    )?;
    t.should(req::STUN_ERROR_5XX_FOUR_RESENDS, resends <= 4, "at most 4", resends)?;
    t.may(req::STUN_ERROR_5XX_MAY_RESEND, resends > 0, "another try", resends)?;
    let told = stage.take_events(t);
    let reported =
        matches!(told.first(), Some(ClientEvent::Error { code: found, .. }) if *found == code);
    t.must(req::STUN_ERROR_5XX_RESENDS_BOUNDED, reported, code, format_args!("{told:?}"))
}
