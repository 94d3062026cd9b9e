//! Allocations as clients ask for them: RFC 8656 §7.1, §7.3, §7.4.

use super::script::*;

case! {
    id: "turn.client.allocate.request",
    title: "An Allocate request has what its wish needs, once each, and nothing that contradicts it",
    reqs: [
        req::TURN_CLIENT_REQUESTED_TRANSPORT,
        req::TURN_CLIENT_ONE_ADDRESS_FAMILY,
        req::TURN_CLIENT_ADDITIONAL_FAMILY_IPV6,
        req::TURN_CLIENT_NOT_BOTH_FAMILIES,
        req::TURN_CLIENT_NO_FAMILY_WITH_TOKEN,
        req::TURN_CLIENT_NO_ADDITIONAL_FAMILY_WITH_TOKEN,
        req::TURN_CLIENT_NO_ADDITIONAL_FAMILY_WITH_RESERVE,
        req::TURN_CLIENT_NO_EVEN_PORT_WITH_TOKEN,
        req::TURN_CLIENT_MAY_SEND_TOKEN,
        req::TURN_CLIENT_MAY_ASK_LIFETIME,
        req::TURN_TRANSPORT_RFFU_ZERO,
        req::TURN_FAMILY_RESERVED_ZERO,
        req::TURN_EVEN_PORT_FORMAT,
        req::TURN_LONG_TERM_IMPLEMENTED,
        req::TURN_CLIENT_PREFERS_SHA256,
        req::TURN_METHOD_NUMBERS,
        req::TURN_ATTRIBUTE_NUMBERS,
    ],
    kind: SubjectKind::TurnClient,
    variants: product! {
        wish: [
            "plain", "v4", "v6", "both", "even", "reserve", "token", "lifetime", "both and even",
        ],
    },
    run: request,
}

fn request(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let wish = wish_of(v.text("wish"));
    let mut stage = HostStage::open(t, |config| config.wish = wish)?;
    stage.start(t)?;
    stage.serve(t, 2 * SECOND)?;
    let sent: Vec<Parsed> = stage.log.iter().filter_map(Sent::stun).cloned().collect();
    let allocates: Vec<&Parsed> =
        sent.iter().filter(|message| message.method() == method::ALLOCATE).collect();
    let told = shown(allocates.last().copied());
    t.must(req::TURN_METHOD_NUMBERS, !allocates.is_empty(), "an Allocate request", &told)?;
    for message in &allocates {
        check_wish(t, message, &wish)?;
    }
    let last = t.expect(allocates.last().copied(), "an Allocate request")?;
    let good = stage.check(last);
    let fine = good == Check::Good;
    t.must(
        req::TURN_LONG_TERM_IMPLEMENTED,
        fine,
        "the challenge answered",
        format_args!("{last}"),
    )?;
    let algorithm = last.algorithms(attribute::PASSWORD_ALGORITHM);
    let best = algorithm.as_deref() == Some(&[2]);
    t.must(req::TURN_CLIENT_PREFERS_SHA256, best, "SHA-256", format_args!("{algorithm:?}"))?;
    let events = stage.events(t);
    let made = events.iter().any(|event| matches!(event, TurnClientEvent::Allocated { .. }));
    t.must(req::TURN_ATTRIBUTE_NUMBERS, made, "the allocation reported", format_args!("{events:?}"))
}

fn wish_of(name: &str) -> Wish {
    let plain = Wish::default();
    match name {
        "v4" => Wish { relayed: Relayed::V4, ..plain },
        "v6" => Wish { relayed: Relayed::V6, ..plain },
        "both" => Wish { relayed: Relayed::Both, ..plain },
        "even" => Wish { even_port: Some(false), ..plain },
        "reserve" => Wish { even_port: Some(true), ..plain },
        "token" => Wish { token: Some(*b"reserved"), ..plain },
        "lifetime" => Wish { lifetime: Some(Duration::from_secs(1_800)), ..plain },
        "both and even" => Wish { relayed: Relayed::Both, even_port: Some(false), ..plain },
        _ => plain,
    }
}

fn count(message: &Parsed, kind: u16) -> usize {
    message.kinds().iter().filter(|found| **found == kind).count()
}

fn check_wish(t: &mut Ctl<'_>, message: &Parsed, wish: &Wish) -> Outcome {
    let has = |kind: u16| message.has(kind);
    let value = |kind: u16| message.value(kind);
    let transport = value(attribute::REQUESTED_TRANSPORT);
    let once = count(message, attribute::REQUESTED_TRANSPORT) == 1
        && transport.is_some_and(|value| value.first() == Some(&UDP));
    t.must(req::TURN_CLIENT_REQUESTED_TRANSPORT, once, "UDP, once", message)?;
    let zero = transport == Some(&UDP_VALUE);
    t.must(req::TURN_TRANSPORT_RFFU_ZERO, zero, "zeros behind it", message)?;
    let families = count(message, attribute::REQUESTED_ADDRESS_FAMILY);
    t.must(req::TURN_CLIENT_ONE_ADDRESS_FAMILY, families <= 1, "at most one", families)?;
    let additional = value(attribute::ADDITIONAL_ADDRESS_FAMILY);
    let neither = families == 0 || additional.is_none();
    t.must(req::TURN_CLIENT_NOT_BOTH_FAMILIES, neither, "one of the two", message)?;
    let family = value(attribute::REQUESTED_ADDRESS_FAMILY);
    let wanted: &[Option<&[u8]>] = match wish.relayed {
        Relayed::Default => &[None, Some(&[1, 0, 0, 0])],
        Relayed::V4 => &[None, Some(&[1, 0, 0, 0])],
        Relayed::V6 => &[Some(&[2, 0, 0, 0])],
        Relayed::Both => &[None],
    };
    let fits = wanted.contains(&family);
    t.must(req::TURN_FAMILY_RESERVED_ZERO, fits, format_args!("{wanted:?}"), message)?;
    let wanted = (wish.relayed == Relayed::Both).then_some(&[2, 0, 0, 0][..]);
    let fits = additional == wanted;
    let req = req::TURN_CLIENT_ADDITIONAL_FAMILY_IPV6;
    t.must(req, fits, format_args!("{wanted:?}"), message)?;
    let even = value(attribute::EVEN_PORT);
    let wanted = wish.even_port.map(|reserve| if reserve { &[0x80_u8][..] } else { &[0][..] });
    t.must(req::TURN_EVEN_PORT_FORMAT, even == wanted, format_args!("{wanted:?}"), message)?;
    let apart = even != Some(&[0x80]) || additional.is_none();
    t.must(req::TURN_CLIENT_NO_ADDITIONAL_FAMILY_WITH_RESERVE, apart, "not both", message)?;
    let token = value(attribute::RESERVATION_TOKEN);
    let wanted = wish.token.as_ref().map(|token| &token[..]);
    let sent = token == wanted;
    t.may(req::TURN_CLIENT_MAY_SEND_TOKEN, sent, format_args!("{wanted:?}"), message)?;
    let apart = token.is_none() || families == 0;
    t.must(req::TURN_CLIENT_NO_FAMILY_WITH_TOKEN, apart, "no family beside a token", message)?;
    let apart = token.is_none() || additional.is_none();
    t.must(req::TURN_CLIENT_NO_ADDITIONAL_FAMILY_WITH_TOKEN, apart, "none beside it", message)?;
    let apart = token.is_none() || !has(attribute::EVEN_PORT);
    t.must(req::TURN_CLIENT_NO_EVEN_PORT_WITH_TOKEN, apart, "no even port beside it", message)?;
    let asked = message.lifetime().map(u64::from);
    let wanted = wish.lifetime.map(|lifetime| lifetime.as_secs());
    let fits = wanted.is_none() || asked == wanted;
    t.may(req::TURN_CLIENT_MAY_ASK_LIFETIME, fits, format_args!("{wanted:?}"), message)
}

case! {
    id: "turn.client.allocate.software",
    title: "A client that has a name says it in Allocate and Refresh requests",
    reqs: [req::TURN_CLIENT_SOFTWARE],
    kind: SubjectKind::TurnClient,
    run: software,
}

fn software(t: &mut Ctl<'_>, _v: &Variant) -> Outcome {
    let mut stage = HostStage::allocated(t, |config| config.software = Some("client"))?;
    stage.serve(t, 600 * SECOND)?;
    for kind in [method::ALLOCATE, method::REFRESH] {
        let sent = stage.requests(kind);
        let named = sent
            .iter()
            .all(|sent| sent.stun().is_some_and(|message| message.has(attribute::SOFTWARE)));
        let wanted = format!("SOFTWARE in method {kind}");
        t.should(req::TURN_CLIENT_SOFTWARE, named && !sent.is_empty(), wanted, "none")?;
    }
    Ok(())
}

case! {
    id: "turn.client.allocate.hidden-user",
    title: "A client that is to hide its user sends USERHASH to a server that takes it",
    reqs: [req::TURN_CLIENT_HIDES_USERNAME],
    kind: SubjectKind::TurnClient,
    needs: [Cap::UserHash],
    run: hidden_user,
}

fn hidden_user(t: &mut Ctl<'_>, _v: &Variant) -> Outcome {
    let stage = HostStage::allocated(t, |config| config.anonymous = true)?;
    let bare =
        stage.log.iter().filter_map(Sent::stun).all(|message| !message.has(attribute::USERNAME));
    let hashed = stage
        .requests(method::ALLOCATE)
        .iter()
        .all(|sent| sent.stun().is_some_and(|message| message.has(attribute::USERHASH)));
    let wanted = "USERHASH and no USERNAME";
    t.must(req::TURN_CLIENT_HIDES_USERNAME, bare && hashed, wanted, "the name in clear")
}

/// The requirement about an error code.
fn about(code: u64) -> Req {
    match code {
        400 => req::TURN_CLIENT_NO_RETRY_400,
        401 => req::TURN_CLIENT_NO_REQUESTS_AFTER_401,
        403 | 441 => req::TURN_CLIENT_NO_RETRY_403,
        437 => req::TURN_CLIENT_437_PAUSE,
        440 => req::TURN_CLIENT_NO_RETRY_440,
        442 => req::TURN_CLIENT_NO_RETRY_442,
        486 => req::TURN_CLIENT_486_PAUSE,
        508 => req::TURN_CLIENT_508_PAUSE,
        _ => req::TURN_CLIENT_UNKNOWN_ERROR,
    }
}

case! {
    id: "turn.client.allocate.refused",
    title: "A refused request is reported and not repeated for as long as its code says",
    reqs: [
        req::TURN_CLIENT_NO_RETRY_400,
        req::TURN_CLIENT_TELLS_401,
        req::TURN_CLIENT_NO_REQUESTS_AFTER_401,
        req::TURN_CLIENT_NO_RETRY_403,
        req::TURN_CLIENT_437_PAUSE,
        req::TURN_CLIENT_NO_RETRY_440,
        req::TURN_CLIENT_NO_RETRY_442,
        req::TURN_CLIENT_486_PAUSE,
        req::TURN_CLIENT_508_PAUSE,
        req::TURN_CLIENT_UNKNOWN_ERROR,
    ],
    kind: SubjectKind::TurnClient,
    variants: product! { code: [400, 401, 403, 437, 440, 441, 442, 486, 499, 508, 599, 699] },
    run: refused,
}

fn refused(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut stage = HostStage::open(t, |_| {})?;
    let code = u16::try_from(v.number("code")).unwrap_or(0);
    let req = about(v.number("code"));
    stage.start(t)?;
    // Codes of 500 and more say that the request may be sent again to the same server, within reason.
    let again = matches!(code, 599);
    stage.serve_with(t, 59 * SECOND, |sent| match sent.is_request(method::ALLOCATE) {
        true => Deed::Refuse(code),
        false => Deed::Good,
    })?;
    let mut asked = stage.requests(method::ALLOCATE).len();
    if code == 401 {
        // The tag of the refusal does not help: it is the credential that is refused.
        asked = asked.min(2);
    }
    t.precondition(asked > 0, "the client answers the challenge")?;
    let times = asked;
    let few = if again { times <= 7 } else { times <= if code == 401 { 2 } else { 1 } };
    let told = format!("{times} authenticated requests");
    match code {
        486 | 508 | 437 | 401 | 400 | 403 | 441 | 442 => t.should(req, few, "one", told)?,
        _ => t.must(req, few, "one", told)?,
    }
    let events = stage.events(t);
    let failed = events.iter().any(|event| matches!(event, TurnClientEvent::AllocationFailed));
    let shown = format!("{events:?}");
    let req = req::TURN_CLIENT_UNKNOWN_ERROR;
    t.must(req, failed || again, "the failure reported", &shown)?;
    if code == 401 {
        t.should(req::TURN_CLIENT_TELLS_401, failed, "the failure reported", shown)?;
    }
    Ok(())
}

case! {
    id: "turn.client.allocate.stale-nonce",
    title: "A 438 makes the client repeat the request with the new nonce",
    reqs: [req::TURN_CLIENT_438],
    kind: SubjectKind::TurnClient,
    variants: product! {
        method: ["allocate", "refresh", "permission", "channel", "release"],
        times: [1, 2],
    },
    run: stale_nonce,
}

/// Regression: stacks knew what to do after a 438 to Allocate only (webrtc#542, pion/turn#102, aioice#28).
fn stale_nonce(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut stage = HostStage::open(t, |_| {})?;
    let mut left = v.number("times");
    let kind = match v.text("method") {
        "allocate" => method::ALLOCATE,
        "refresh" | "release" => method::REFRESH,
        "permission" => method::CREATE_PERMISSION,
        _ => method::CHANNEL_BIND,
    };
    let mut stale = |sent: &Sent| {
        if left > 0 && sent.is_request(kind) {
            left -= 1;
            return Deed::Stale;
        }
        Deed::Good
    };
    stage.start(t)?;
    stage.serve_with(t, 2 * SECOND, &mut stale)?;
    let to = peer(1);
    match v.text("method") {
        "permission" => {
            stage.command(t, "the command to permit", |c, now| c.permit(now, to.ip()))?;
        }
        "channel" => {
            stage.command(t, "the command to bind", |c, now| c.bind_channel(now, to))?;
        }
        "release" => stage.command(t, "the command to release", |c, now| c.release(now))?,
        _ => {}
    }
    let patience = if v.text("method") == "refresh" { 600 } else { 5 };
    stage.serve_with(t, patience * SECOND, &mut stale)?;
    let sent = stage.requests(kind);
    let last = sent.iter().rev().find_map(|sent| sent.stun());
    let fresh = last.is_some_and(|last| last.value(attribute::NONCE) == Some(&stage.nonce[..]));
    let sound = last.is_some_and(|last| stage.check(last) == Check::Good);
    let told = shown(last);
    t.must(req::TURN_CLIENT_438, fresh && sound, "the request with the new nonce", &told)?;
    let first = sent.first().and_then(|sent| sent.stun()).map(|first| first.transaction);
    let other = first != last.map(|last| last.transaction);
    t.must(req::TURN_CLIENT_438, other, "a transaction of its own", told)?;
    let events = stage.events(t);
    let wanted = |event: &TurnClientEvent| match v.text("method") {
        "permission" => matches!(event, TurnClientEvent::Permitted { .. }),
        "channel" => matches!(event, TurnClientEvent::ChannelBound { .. }),
        _ => true,
    };
    let lost = events
        .iter()
        .any(|event| matches!(event, TurnClientEvent::Lost | TurnClientEvent::AllocationFailed));
    let fine = events.iter().any(wanted) || matches!(v.text("method"), "refresh" | "release");
    t.must(req::TURN_CLIENT_438, fine && !lost, "success", format_args!("{events:?}"))
}

case! {
    id: "turn.client.allocate.unusable",
    title: "A client that gets an address of a family that it did not ask for gives it back",
    reqs: [
        req::TURN_CLIENT_CHECKS_FAMILIES,
        req::TURN_CLIENT_DELETES_UNUSABLE,
        req::TURN_CLIENT_NO_RETRY_UNUSABLE,
    ],
    kind: SubjectKind::TurnClient,
    variants: product! { asked: ["v4", "v6"] },
    no_reference: "no independent client in process passes",
    run: unusable,
}

fn unusable(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let (relayed, given) = match v.text("asked") {
        "v4" => (Relayed::V4, RELAY_V6),
        _ => (Relayed::V6, RELAY),
    };
    let mut stage = HostStage::open(t, |config| config.wish.relayed = relayed)?;
    stage.relayed = given.parse().into_iter().collect();
    stage.start(t)?;
    stage.serve(t, 59 * SECOND)?;
    let events = stage.events(t);
    let taken = events.iter().any(|event| matches!(event, TurnClientEvent::Allocated { .. }));
    let told = format!("{events:?}");
    t.must(req::TURN_CLIENT_CHECKS_FAMILIES, !taken, "no allocation reported", told)?;
    let refreshes = stage.requests(method::REFRESH);
    let deleted = refreshes.iter().any(|sent| sent.stun().and_then(Parsed::lifetime) == Some(0));
    t.must(req::TURN_CLIENT_DELETES_UNUSABLE, deleted, "a Refresh request with zero", "none")?;
    let asked = stage.requests(method::ALLOCATE).len();
    t.must(req::TURN_CLIENT_NO_RETRY_UNUSABLE, asked == 1, "no other Allocate request", asked)
}

case! {
    id: "turn.client.allocate.partial",
    title: "A client that gets one of two families uses it, and does not ask for the other again",
    reqs: [
        req::TURN_CLIENT_NO_RETRY_FAMILY_440,
        req::TURN_CLIENT_WAITS_FAMILY_508,
        req::TURN_ADDRESS_ERROR_RESERVED_IGNORED,
    ],
    kind: SubjectKind::TurnClient,
    needs: [Cap::TurnDual],
    variants: product! { given: ["v4", "v6"], code: [440, 508], reserved: [false, true] },
    run: partial,
}

fn partial(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut stage = HostStage::open(t, |config| config.wish.relayed = Relayed::Both)?;
    let (given, missing) = if v.text("given") == "v4" { (RELAY, 2) } else { (RELAY_V6, 1) };
    stage.relayed = given.parse().into_iter().collect();
    let code = u16::try_from(v.number("code")).unwrap_or(0);
    let mut error = Attribute::address_error_code(missing, code, "no");
    if v.flag("reserved") {
        error = error.with_octets(F::Xor(vec![0, 0xff, 0xf8]));
    }
    let mut made = None;
    stage.start(t)?;
    for _ in 0..2 {
        stage.serve_with(t, 500 * MILLISECOND, |sent| match sent.is_request(method::ALLOCATE) {
            true => {
                made = Some(sent.clone());
                Deed::Silence
            }
            false => Deed::Good,
        })?;
        if made.is_some() {
            break;
        }
    }
    let sent = t.expect(made, "an authenticated Allocate request")?;
    let message = t.expect(sent.stun().cloned(), "a STUN message")?;
    let reply = stage.success(&sent, &message).with(error);
    let reply = stage.protect(&message, reply).encode();
    stage.give(t, &reply)?;
    stage.forget();
    stage.serve(t, 59 * SECOND)?;
    let events = stage.events(t);
    let relayed = events.iter().find_map(|event| match event {
        TurnClientEvent::Allocated { relayed } => Some(relayed.clone()),
        _ => None,
    });
    let req = match code {
        _ if v.flag("reserved") => req::TURN_ADDRESS_ERROR_RESERVED_IGNORED,
        _ => req::TURN_CLIENT_NO_RETRY_FAMILY_440,
    };
    let fits = relayed.as_ref() == Some(&stage.relayed);
    t.must(req, fits, format_args!("{:?}", stage.relayed), format_args!("{events:?}"))?;
    let asked = stage.requests(method::ALLOCATE).len();
    match code {
        440 => t.must(req::TURN_CLIENT_NO_RETRY_FAMILY_440, asked == 0, "no request", asked),
        _ => t.should(req::TURN_CLIENT_WAITS_FAMILY_508, asked == 0, "no request", asked),
    }
}

case! {
    id: "turn.client.allocate.redirect",
    title: "After a 300 that is vouched for the client asks the other server, and after no other",
    reqs: [req::TURN_CLIENT_FOLLOWS_300, req::STUN_CLIENT_FOLLOWS_ALTERNATE_SERVER],
    kind: SubjectKind::TurnClient,
    needs: [Cap::AlternateServer],
    variants: product! { when: ["first", "authenticated"] },
    no_reference: "no independent client in process follows redirections",
    run: redirect,
}

fn redirect(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut stage = HostStage::open(t, |config| config.alternate_server = true)?;
    let (server, second) = (stage.server(), stage.second_server());
    let late = v.text("when") == "authenticated";
    let known = Key::long_term_sha256(&user("alice").username, REALM, &user("alice").password);
    stage.start(t)?;
    stage.serve_with(t, 5 * SECOND, |sent| {
        let Some(message) = sent.stun() else { return Deed::Silence };
        if sent.to != server || (late && !sent.is_request(method::ALLOCATE)) {
            return Deed::Good;
        }
        let mut reply = Message::error(message.transaction, 300, "Try Alternate");
        reply.method = message.method();
        let reply = reply.with(Attribute::alternate_server(second));
        let reply = if late { reply.with(Attribute::integrity_sha256(&known)) } else { reply };
        Deed::Reply(Box::new(reply))
    })?;
    let asked = stage.requests(method::ALLOCATE).iter().any(|sent| sent.to == second);
    let events = stage.events(t);
    let made = events.iter().any(|event| matches!(event, TurnClientEvent::Allocated { .. }));
    let told = format!("{events:?}");
    if !late {
        // Anybody on the way could have sent it.
        let req = req::STUN_CLIENT_FOLLOWS_ALTERNATE_SERVER;
        let there = stage.log.iter().any(|sent| sent.to == second);
        return t.must(req, !there, "nothing at the other server", told);
    }
    t.should(req::TURN_CLIENT_FOLLOWS_300, asked && made, "an allocation at the other", told)
}

case! {
    id: "turn.client.allocate.answers",
    title: "Lost, late and doubled answers end in one allocation",
    reqs: [req::TURN_LONG_TERM_IMPLEMENTED],
    kind: SubjectKind::TurnClient,
    variants: product! { answers: ["first lost", "two lost", "doubled"] },
    run: answers,
}

fn answers(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut stage = HostStage::open(t, |_| {})?;
    let mut lost = match v.text("answers") {
        "first lost" => 1,
        "two lost" => 2,
        _ => 0,
    };
    stage.start(t)?;
    stage.serve_with(t, 10 * SECOND, |sent| {
        if lost > 0 && sent.is_request(method::ALLOCATE) {
            lost -= 1;
            return Deed::Silence;
        }
        Deed::Twice
    })?;
    let events = stage.events(t);
    let made =
        events.iter().filter(|event| matches!(event, TurnClientEvent::Allocated { .. })).count();
    let req = req::TURN_LONG_TERM_IMPLEMENTED;
    t.must(req, made == 1, "one allocation", format_args!("{events:?}"))?;
    let transactions: Vec<_> = stage
        .requests(method::ALLOCATE)
        .iter()
        .filter_map(|sent| sent.stun().map(|message| message.transaction))
        .collect();
    let same = transactions.windows(2).all(|pair| pair.first() == pair.last());
    t.must(req, same, "one transaction", format_args!("{transactions:?}"))
}

case! {
    id: "turn.client.allocate.forged",
    title: "A success without the right tag is not believed",
    reqs: [req::TURN_LONG_TERM_IMPLEMENTED],
    kind: SubjectKind::TurnClient,
    variants: product! { tag: ["none", "wrong"], method: ["allocate", "refresh"] },
    run: forged,
}

fn forged(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut stage = HostStage::open(t, |_| {})?;
    let kind = if v.text("method") == "allocate" { method::ALLOCATE } else { method::REFRESH };
    stage.start(t)?;
    if kind == method::REFRESH {
        stage.serve(t, 2 * SECOND)?;
        let _ = stage.events(t);
    }
    let mut found = None;
    let patience = if kind == method::REFRESH { 600 } else { 2 };
    stage.serve_with(t, patience * SECOND, |sent| {
        match sent.is_request(kind) && found.is_none() {
            true => {
                found = Some(sent.clone());
                Deed::Silence
            }
            false if found.is_some() => Deed::Silence,
            false => Deed::Good,
        }
    })?;
    let sent = t.expect(found, "an authenticated request")?;
    let message = t.expect(sent.stun().cloned(), "a STUN message")?;
    let mut reply = Message::of(Class::Success, kind, message.transaction)
        .with(Attribute::lifetime(if kind == method::REFRESH { 0 } else { 600 }))
        .with(Attribute::xor_relayed_address(SocketAddr::from(([11, 0, 9, 9], 99))))
        .with(Attribute::xor_mapped_address(stage.client()));
    if v.text("tag") == "wrong" {
        reply = reply.with(Attribute::integrity_sha256(&Key::short_term("wrong")));
    }
    let _ = stage.events(t);
    stage.give(t, &reply.encode())?;
    let events = stage.events(t);
    let silent = !events
        .iter()
        .any(|event| matches!(event, TurnClientEvent::Allocated { .. } | TurnClientEvent::Lost));
    t.must(req::TURN_LONG_TERM_IMPLEMENTED, silent, "no reaction", format_args!("{events:?}"))
}
