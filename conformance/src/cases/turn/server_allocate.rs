//! Allocations as servers make them: RFC 8656 §7.2.

use super::script::*;

case! {
    id: "turn.server.allocate.challenge",
    title: "A request without credentials gets a challenge and nothing else",
    reqs: [
        req::TURN_LONG_TERM_IMPLEMENTED,
        req::TURN_SERVER_REQUIRES_AUTHENTICATION,
        req::TURN_SERVER_NEW_NONCE_PER_ALLOCATE,
        req::TURN_SERVER_UDP,
        req::TURN_METHOD_NUMBERS,
    ],
    kind: SubjectKind::TurnServer,
    needs: [Cap::LongTerm],
    variants: product! { method: ["allocate", "refresh", "permission", "channel"] },
    run: challenge,
}

fn challenge(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut stage = RelayStage::plain(t)?;
    let peer = Attribute::xor_peer_address(stage.peer(0));
    let request = match v.text("method") {
        "allocate" => {
            Message::asking(method::ALLOCATE, fresh(t)).with(Attribute::requested_transport(UDP))
        }
        "refresh" => Message::asking(method::REFRESH, fresh(t)).with(Attribute::lifetime(600)),
        "permission" => Message::asking(method::CREATE_PERMISSION, fresh(t)).with(peer),
        _ => Message::asking(method::CHANNEL_BIND, fresh(t))
            .with(Attribute::channel_number(0x4000))
            .with(peer),
    };
    let reply = stage.ask(t, 0, &request)?;
    let shape = Shape::challenge(&request, 401);
    shape.holds(t, req::TURN_SERVER_REQUIRES_AUTHENTICATION, reply.as_ref())?;
    let reply = t.expect(reply, "a challenge")?;
    t.must(req::TURN_SERVER_UDP, true, "an answer over UDP", &reply)?;
    t.must(req::TURN_LONG_TERM_IMPLEMENTED, true, "a challenge", &reply)?;
    t.must(req::TURN_METHOD_NUMBERS, true, "the method of the request", &reply)?;
    if v.text("method") != "allocate" {
        return Ok(());
    }
    // Another client gets another nonce, and the first one another for its next attempt.
    let other = Session::begin(t, &mut stage, 2, "alice")?;
    let nonce = reply.value(attribute::NONCE).unwrap_or_default();
    let differs = other.nonce != nonce;
    t.should(req::TURN_SERVER_NEW_NONCE_PER_ALLOCATE, differs, "a nonce of its own", "the same")
}

case! {
    id: "turn.server.allocate.success",
    title: "An authenticated request gets an allocation and a whole response",
    reqs: [
        req::TURN_LONG_TERM_IMPLEMENTED,
        req::TURN_SERVER_AUTHENTICATES_BY_LONG_TERM,
        req::TURN_SERVER_ALLOCATE_RESPONSE,
        req::TURN_SERVER_IPV4_BY_DEFAULT,
        req::TURN_DEFAULT_LIFETIME,
        req::TURN_ATTRIBUTE_NUMBERS,
        req::TURN_SERVER_DYNAMIC_PORTS,
        req::TURN_SERVER_NO_WELL_KNOWN_PORTS,
    ],
    kind: SubjectKind::TurnServer,
    needs: [Cap::LongTerm],
    variants: product! {
        client: ["v4", "v6"],
        algorithm: ["none", "md5", "sha256"],
        user: ["name", "hash"],
    },
    run: success,
}

fn success(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut stage = RelayStage::plain(t)?;
    let line = if v.text("client") == "v4" { 0 } else { 3 };
    let mut session = stage.login(t, line, "alice")?;
    let wanted = match v.text("algorithm") {
        "none" => None,
        "md5" => Some(1),
        _ => Some(2),
    };
    let offered = session.list.clone().unwrap_or_default();
    if wanted.is_some_and(|wanted| !offered.contains(&wanted)) {
        return Err(Stop::Unsupported("the server does not list the algorithm".to_owned()));
    }
    session.algorithm = wanted;
    session.hash = v.text("user") == "hash";
    if session.hash && t.subject().supports(Cap::UserHash) == Support::No {
        return Err(Stop::Unsupported("no USERHASH".to_owned()));
    }
    let (request, reply) = session.try_allocate(t, &mut stage, [])?;
    let shape = Shape::success(&request)
        .with(attribute::XOR_RELAYED_ADDRESS)
        .with(attribute::LIFETIME)
        .with(attribute::XOR_MAPPED_ADDRESS)
        .signed(session.key());
    shape.holds(t, req::TURN_SERVER_AUTHENTICATES_BY_LONG_TERM, reply.as_ref())?;
    shape.holds(t, req::TURN_SERVER_ALLOCATE_RESPONSE, reply.as_ref())?;
    let reply = t.expect(reply, "a response")?;
    t.must(req::TURN_LONG_TERM_IMPLEMENTED, true, "the credential taken", &reply)?;
    t.must(req::TURN_ATTRIBUTE_NUMBERS, true, "the numbers of the table", &reply)?;
    let mapped = reply.xor_mapped_address();
    let client = stage.client(line);
    let fits = mapped == Some(client);
    t.must(req::TURN_SERVER_ALLOCATE_RESPONSE, fits, client, format_args!("{mapped:?}"))?;
    t.must(req::TURN_DEFAULT_LIFETIME, reply.lifetime() == Some(600), "600 s", &reply)?;
    let relayed = reply.relayed_addresses();
    let ours = stage.config.relays.first().copied();
    let fits = matches!(relayed.as_slice(), [one] if Some(one.ip()) == ours);
    let shown = format!("{relayed:?}");
    t.must(req::TURN_SERVER_IPV4_BY_DEFAULT, fits, format_args!("{ours:?}"), &shown)?;
    let port = relayed.first().map_or(0, SocketAddr::port);
    t.should(req::TURN_SERVER_DYNAMIC_PORTS, port >= 49_152, "49152 to 65535", port)?;
    t.should(req::TURN_SERVER_NO_WELL_KNOWN_PORTS, port >= 1024, "1024 or above", port)
}

case! {
    id: "turn.server.allocate.software",
    title: "A server that has a name says it in its responses",
    reqs: [req::TURN_SERVER_SOFTWARE],
    kind: SubjectKind::TurnServer,
    needs: [Cap::LongTerm],
    run: software,
}

fn software(t: &mut Ctl<'_>, _v: &Variant) -> Outcome {
    let mut stage = RelayStage::open(t, |config| config.software = Some("relay of the suite"))?;
    let allocation = Allocation::make(t, &mut stage)?;
    let req = req::TURN_SERVER_SOFTWARE;
    let named = allocation.response.has(attribute::SOFTWARE);
    t.should(req, named, "SOFTWARE", &allocation.response)?;
    let (_, reply) = allocation.refresh(t, &mut stage, 600)?;
    let named = reply.as_ref().is_some_and(|reply| reply.has(attribute::SOFTWARE));
    t.should(req, named, "SOFTWARE", shown(reply.as_ref()))
}

case! {
    id: "turn.server.allocate.refuses",
    title: "Requests that contradict themselves, or ask for what there is not, get their error",
    reqs: [
        req::TURN_SERVER_400_NO_TRANSPORT,
        req::TURN_SERVER_442_OTHER_TRANSPORT,
        req::TURN_SERVER_400_TOKEN_CONFLICT,
        req::TURN_SERVER_508_BAD_TOKEN,
        req::TURN_SERVER_400_BOTH_FAMILIES,
        req::TURN_SERVER_400_RESERVE_DUAL,
        req::TURN_SERVER_400_ADDITIONAL_IPV4,
        req::TURN_TCP_OFF_UNLESS_WANTED,
    ],
    kind: SubjectKind::TurnServer,
    needs: [Cap::LongTerm],
    variants: product! {
        request: [
            "no transport", "short transport", "long transport", "transport 0", "transport 1",
            "transport 255", "transport tcp", "token and even port", "token and family",
            "token and both families", "unknown token", "both family attributes",
            "reserved port and both families", "additional ipv4",
        ],
    },
    run: refuses,
}

/// What an impossible request says, the code it deserves, and the rule.
fn impossible(name: &str) -> (Vec<Attribute>, u16, Req) {
    let udp = || Attribute::requested_transport(UDP);
    let token = || Attribute::reservation_token(b"no token");
    let transport = |bytes: &[u8]| Attribute::bytes(attribute::REQUESTED_TRANSPORT, bytes);
    match name {
        "no transport" => (vec![], 400, req::TURN_SERVER_400_NO_TRANSPORT),
        "short transport" => (vec![transport(&[17])], 400, req::TURN_SERVER_400_NO_TRANSPORT),
        "long transport" => {
            (vec![transport(&[17, 0, 0, 0, 0, 0, 0, 0])], 400, req::TURN_SERVER_400_NO_TRANSPORT)
        }
        "transport 0" => (vec![transport(&[0; 4])], 442, req::TURN_SERVER_442_OTHER_TRANSPORT),
        "transport 1" => {
            (vec![Attribute::requested_transport(1)], 442, req::TURN_SERVER_442_OTHER_TRANSPORT)
        }
        "transport 255" => {
            (vec![Attribute::requested_transport(255)], 442, req::TURN_SERVER_442_OTHER_TRANSPORT)
        }
        "transport tcp" => {
            (vec![Attribute::requested_transport(TCP)], 442, req::TURN_TCP_OFF_UNLESS_WANTED)
        }
        "token and even port" => (
            vec![udp(), token(), Attribute::even_port(false)],
            400,
            req::TURN_SERVER_400_TOKEN_CONFLICT,
        ),
        "token and family" => (
            vec![udp(), token(), Attribute::requested_address_family(1)],
            400,
            req::TURN_SERVER_400_TOKEN_CONFLICT,
        ),
        "token and both families" => (
            vec![udp(), token(), Attribute::additional_address_family(2)],
            400,
            req::TURN_SERVER_400_TOKEN_CONFLICT,
        ),
        "unknown token" => (vec![udp(), token()], 508, req::TURN_SERVER_508_BAD_TOKEN),
        "both family attributes" => (
            vec![
                udp(),
                Attribute::requested_address_family(1),
                Attribute::additional_address_family(2),
            ],
            400,
            req::TURN_SERVER_400_BOTH_FAMILIES,
        ),
        "reserved port and both families" => (
            vec![udp(), Attribute::even_port(true), Attribute::additional_address_family(2)],
            400,
            req::TURN_SERVER_400_RESERVE_DUAL,
        ),
        _ => (
            vec![udp(), Attribute::additional_address_family(1)],
            400,
            req::TURN_SERVER_400_ADDITIONAL_IPV4,
        ),
    }
}

fn refuses(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let (attributes, code, req) = impossible(v.text("request"));
    let mut stage = RelayStage::plain(t)?;
    let session = stage.login(t, 0, "alice")?;
    let (request, reply) = session.ask(t, &mut stage, method::ALLOCATE, attributes)?;
    // A server that relays TCP and cannot be told not to refuses it over UDP with 400.
    let code = match (v.text("request"), reply.as_ref().and_then(Parsed::code)) {
        ("transport tcp", Some(400)) => 400,
        _ => code,
    };
    Shape::error(&request, code).signed(session.key()).holds(t, req, reply.as_ref())?;
    // Nothing was made: the 5-tuple is still free.
    let (request, reply) = session.try_allocate(t, &mut stage, [])?;
    let shape = Shape::success(&request)
        .with(attribute::XOR_RELAYED_ADDRESS)
        .with(attribute::LIFETIME)
        .with(attribute::XOR_MAPPED_ADDRESS);
    shape.holds(t, req, reply.as_ref())
}

case! {
    id: "turn.server.allocate.family",
    title: "A family that the server does not relay gets 440, any other an address of that family",
    reqs: [
        req::TURN_SERVER_440_UNSUPPORTED_FAMILY,
        req::TURN_SERVER_440_NO_IPV4,
        req::TURN_SERVER_IPV4_BY_DEFAULT,
    ],
    kind: SubjectKind::TurnServer,
    needs: [Cap::LongTerm],
    variants: product! {
        relays: ["v4", "v6", "both"],
        asked: ["none", "v4", "v6"],
        client: ["v4", "v6"],
    },
    run: address_family,
}

fn address_family(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut stage = RelayStage::open(t, |config| match v.text("relays") {
        "v4" => config.relays.retain(IpAddr::is_ipv4),
        "v6" => config.relays.retain(IpAddr::is_ipv6),
        _ => {}
    })?;
    let line = if v.text("client") == "v4" { 0 } else { 3 };
    let session = stage.login(t, line, "alice")?;
    let (number, is_v4) = match v.text("asked") {
        "none" => (None, true),
        "v4" => (Some(1), true),
        _ => (Some(2), false),
    };
    let attribute = number.map(Attribute::requested_address_family);
    let (request, reply) = session.try_allocate(t, &mut stage, attribute)?;
    let req = match number {
        None if v.text("relays") == "v6" => req::TURN_SERVER_440_NO_IPV4,
        None => req::TURN_SERVER_IPV4_BY_DEFAULT,
        Some(_) => req::TURN_SERVER_440_UNSUPPORTED_FAMILY,
    };
    let relays = stage.config.relays.clone();
    let there = relays.iter().find(|ip| ip.is_ipv4() == is_v4);
    let Some(there) = there else {
        return Shape::error(&request, 440).signed(session.key()).holds(t, req, reply.as_ref());
    };
    let relayed = reply.as_ref().map(Parsed::relayed_addresses).unwrap_or_default();
    let fits = matches!(relayed.as_slice(), [one] if one.ip() == *there);
    t.must(req, fits, format_args!("an address of {there}"), shown(reply.as_ref()))
}

case! {
    id: "turn.server.allocate.dual",
    title: "ADDITIONAL-ADDRESS-FAMILY gets an address of each family, or the one and the reason",
    reqs: [
        req::TURN_SERVER_DUAL_ALLOCATION,
        req::TURN_SERVER_PARTIAL_DUAL,
        req::TURN_ADDRESS_ERROR_RESERVED_ZERO,
        req::TURN_ADDRESS_ERROR_REASON,
        req::TURN_ADDITIONAL_FAMILY_IN_ALLOCATE,
        req::TURN_ATTRIBUTE_NUMBERS,
    ],
    kind: SubjectKind::TurnServer,
    needs: [Cap::LongTerm, Cap::TurnDual],
    variants: product! { relays: ["both", "v4", "v6"] },
    run: dual,
}

/// Regression: a stack once had other numbers for both attributes (coturn#1740).
fn dual(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut stage = RelayStage::open(t, |config| match v.text("relays") {
        "v4" => config.relays.retain(IpAddr::is_ipv4),
        "v6" => config.relays.retain(IpAddr::is_ipv6),
        _ => {}
    })?;
    let session = stage.login(t, 0, "alice")?;
    let both = Attribute::additional_address_family(2);
    let (request, reply) = session.try_allocate(t, &mut stage, [both])?;
    let shape = Shape::success(&request)
        .with(attribute::XOR_RELAYED_ADDRESS)
        .with(attribute::LIFETIME)
        .with(attribute::XOR_MAPPED_ADDRESS)
        .signed(session.key());
    let relays = stage.config.relays.clone();
    let (req, shape) = match relays.len() {
        2 => (req::TURN_SERVER_DUAL_ALLOCATION, shape),
        _ => (req::TURN_SERVER_PARTIAL_DUAL, shape.with(attribute::ADDRESS_ERROR_CODE)),
    };
    shape.holds(t, req, reply.as_ref())?;
    let reply = t.expect(reply, "a response")?;
    t.may(req::TURN_ADDITIONAL_FAMILY_IN_ALLOCATE, true, "the attribute heeded", &reply)?;
    t.must(req::TURN_ATTRIBUTE_NUMBERS, true, "the numbers of the table", &reply)?;
    let mut relayed: Vec<IpAddr> = reply.relayed_addresses().iter().map(SocketAddr::ip).collect();
    relayed.sort_unstable();
    t.must(req, relayed == relays, format_args!("{relays:?}"), &reply)?;
    if relays.len() == 2 {
        return Ok(());
    }
    let missing = if v.text("relays") == "v4" { 2 } else { 1 };
    let error = reply.address_error();
    let fits = matches!(error, Some((family, 440 | 508)) if family == missing);
    t.must(req, fits, format_args!("440 or 508 for family {missing}"), format_args!("{error:?}"))?;
    let sound = !reply.faults().iter().any(|fault| {
        matches!(fault, wire::stun::Fault::Value(kind) if *kind == attribute::ADDRESS_ERROR_CODE)
    });
    t.must(req::TURN_ADDRESS_ERROR_RESERVED_ZERO, sound, "a sound attribute", &reply)?;
    t.must(req::TURN_ADDRESS_ERROR_REASON, sound, "a short reason in UTF-8", &reply)
}

case! {
    id: "turn.server.allocate.lifetime",
    title: "The lifetime granted is the one asked for, between the default and the maximum",
    reqs: [req::TURN_SERVER_LIFETIME_RULE, req::TURN_SERVER_MAX_LIFETIME],
    kind: SubjectKind::TurnServer,
    needs: [Cap::LongTerm],
    variants: product! {
        asked: [0, 1, 599, 600, 601, 3_599, 3_600, 3_601, 86_400, 4_294_967_295],
    },
    run: lifetime,
}

fn lifetime(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut stage = RelayStage::plain(t)?;
    let session = stage.login(t, 0, "alice")?;
    let asked = u32::try_from(v.number("asked")).unwrap_or(u32::MAX);
    let wish = Attribute::lifetime(asked);
    let (_, reply) = session.try_allocate(t, &mut stage, [wish])?;
    let reply = answered(t, req::TURN_SERVER_LIFETIME_RULE, reply)?;
    let granted = reply.lifetime();
    let wanted = asked.clamp(600, 3600);
    let rule = granted.is_some_and(|seconds| seconds == wanted);
    t.must(req::TURN_SERVER_LIFETIME_RULE, rule, wanted, &reply)?;
    let limited = granted.is_some_and(|seconds| seconds <= 3600);
    t.should(req::TURN_SERVER_MAX_LIFETIME, limited, "3600 s at most", &reply)
}

case! {
    id: "turn.server.allocate.repeated",
    title: "A repeated request gets the same answer and makes nothing more",
    reqs: [req::TURN_SERVER_IDEMPOTENT_ALLOCATE, req::TURN_SERVER_437_IN_USE],
    kind: SubjectKind::TurnServer,
    needs: [Cap::LongTerm],
    variants: product! { after: [0, 500, 10_000] },
    no_reference: "no independent server in process passes",
    run: repeated,
}

fn repeated(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut stage = RelayStage::plain(t)?;
    let first = Allocation::make(t, &mut stage)?;
    stage.wait(t, Duration::from_millis(v.number("after")));
    let again = stage.ask(t, 0, &first.request)?;
    let shape = Shape::success(&first.request)
        .with(attribute::XOR_RELAYED_ADDRESS)
        .with(attribute::LIFETIME)
        .with(attribute::XOR_MAPPED_ADDRESS)
        .signed(first.session.key());
    let req = req::TURN_SERVER_IDEMPOTENT_ALLOCATE;
    shape.holds(t, req, again.as_ref())?;
    let relayed = again.as_ref().map(Parsed::relayed_addresses).unwrap_or_default();
    t.must(
        req,
        relayed == first.relayed,
        format_args!("{:?}", first.relayed),
        shown(again.as_ref()),
    )?;
    let (request, other) = first.session.try_allocate(t, &mut stage, [])?;
    let shape = Shape::error(&request, 437).signed(first.session.key());
    shape.holds(t, req::TURN_SERVER_437_IN_USE, other.as_ref())?;
    // The allocation is none the worse for it.
    let (request, reply) = first.refresh(t, &mut stage, 600)?;
    let shape = Shape::success(&request).with(attribute::LIFETIME);
    shape.holds(t, req::TURN_SERVER_437_IN_USE, reply.as_ref())
}

case! {
    id: "turn.server.allocate.ports",
    title: "Relayed addresses are unique, and their ports do not count up",
    reqs: [req::TURN_RELAYED_ADDRESS_UNIQUE, req::TURN_SERVER_RANDOM_PORTS],
    kind: SubjectKind::TurnServer,
    needs: [Cap::LongTerm],
    run: ports,
}

/// Regression: predictable ports let a stranger guess where a client is relayed (T19).
fn ports(t: &mut Ctl<'_>, _v: &Variant) -> Outcome {
    let mut stage = RelayStage::plain(t)?;
    let mut seen: Vec<SocketAddr> = Vec::new();
    for count in 0..8 {
        let line = stage.join(t)?;
        let name = if count % 2 == 0 { "alice" } else { "bob" };
        let session = stage.login(t, line, name)?;
        let allocation = Allocation::by(t, &mut stage, session, [])?;
        let relay = allocation.relay();
        let new = !seen.contains(&relay);
        t.must(req::TURN_RELAYED_ADDRESS_UNIQUE, new, "an address of its own", relay)?;
        seen.push(relay);
    }
    let counts = seen.windows(2).all(|pair| match pair {
        [a, b] => b.port() > a.port() && b.port() - a.port() <= 4,
        _ => true,
    });
    t.should(req::TURN_SERVER_RANDOM_PORTS, !counts, "no sequence", format_args!("{seen:?}"))
}

case! {
    id: "turn.server.allocate.reserved-bits",
    title: "Bits kept for the future are not looked at",
    reqs: [
        req::TURN_TRANSPORT_RFFU_IGNORED,
        req::TURN_FAMILY_RESERVED_IGNORED,
        req::TURN_FINGERPRINT_ANYWHERE,
    ],
    kind: SubjectKind::TurnServer,
    needs: [Cap::LongTerm],
    variants: product! { bits: ["transport", "family", "fingerprint"] },
    run: reserved_bits,
}

fn reserved_bits(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut stage = RelayStage::plain(t)?;
    let session = stage.login(t, 0, "alice")?;
    let (transport, family, req) = match v.text("bits") {
        "transport" => ([17, 1, 2, 0xff], [1, 0, 0, 0], req::TURN_TRANSPORT_RFFU_IGNORED),
        "family" => ([17, 0, 0, 0], [1, 0xff, 9, 1], req::TURN_FAMILY_RESERVED_IGNORED),
        _ => ([17, 0, 0, 0], [1, 0, 0, 0], req::TURN_FINGERPRINT_ANYWHERE),
    };
    let request = Message::asking(method::ALLOCATE, fresh(t))
        .with(Attribute::bytes(attribute::REQUESTED_TRANSPORT, &transport))
        .with(Attribute::bytes(attribute::REQUESTED_ADDRESS_FAMILY, &family));
    let mut request = session.sign(request);
    let fingerprint = v.text("bits") == "fingerprint";
    if fingerprint {
        request = request.with(Attribute::fingerprint());
    }
    let reply = stage.ask(t, 0, &request)?;
    let granted = reply.as_ref().is_some_and(|reply| reply.class() == Class::Success);
    if fingerprint {
        return t.may(req, granted, "an allocation", shown(reply.as_ref()));
    }
    t.must(req, granted, "an allocation", shown(reply.as_ref()))
}

case! {
    id: "turn.server.allocate.dont-fragment",
    title: "DONT-FRAGMENT is granted, or refused as an unknown attribute",
    reqs: [req::TURN_SERVER_420_DONT_FRAGMENT],
    kind: SubjectKind::TurnServer,
    needs: [Cap::LongTerm],
    run: dont_fragment,
}

fn dont_fragment(t: &mut Ctl<'_>, _v: &Variant) -> Outcome {
    let mut stage = RelayStage::plain(t)?;
    let session = stage.login(t, 0, "alice")?;
    let (request, reply) = session.try_allocate(t, &mut stage, [Attribute::dont_fragment()])?;
    let req = req::TURN_SERVER_420_DONT_FRAGMENT;
    let granted = reply.as_ref().is_some_and(|reply| reply.class() == Class::Success);
    t.sometimes("DONT-FRAGMENT refused", !granted);
    if granted {
        return t.must(req, true, "an allocation or 420", shown(reply.as_ref()));
    }
    let shape = Shape::error(&request, 420).with(attribute::UNKNOWN_ATTRIBUTES);
    shape.holds(t, req, reply.as_ref())?;
    let listed = reply.as_ref().and_then(Parsed::unknown_attributes).unwrap_or_default();
    let named = listed == [attribute::DONT_FRAGMENT];
    t.must(req, named, "DONT-FRAGMENT listed", format_args!("{listed:x?}"))
}

case! {
    id: "turn.server.allocate.guests",
    title: "A server for guests serves requests without credentials",
    reqs: [req::TURN_SERVER_MAY_SERVE_GUESTS],
    kind: SubjectKind::TurnServer,
    needs: [Cap::TurnGuests],
    no_reference: "no independent stack in process serves guests",
    run: guests,
}

fn guests(t: &mut Ctl<'_>, _v: &Variant) -> Outcome {
    let mut stage = RelayStage::open(t, |config| config.users.clear())?;
    let request =
        Message::asking(method::ALLOCATE, fresh(t)).with(Attribute::requested_transport(UDP));
    let reply = stage.ask(t, 0, &request)?;
    let granted = reply.as_ref().is_some_and(|reply| reply.class() == Class::Success);
    t.may(req::TURN_SERVER_MAY_SERVE_GUESTS, granted, "an allocation", shown(reply.as_ref()))
}

case! {
    id: "turn.server.allocate.redirect",
    title: "A server that redirects names another server of the client's family",
    reqs: [req::TURN_SERVER_MAY_300],
    kind: SubjectKind::TurnServer,
    needs: [Cap::LongTerm, Cap::AlternateServer],
    variants: product! { client: ["v4", "v6"] },
    no_reference: "no independent stack in process redirects",
    run: redirect,
}

fn redirect(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let alternate = crate::subjects::stun::Alternate {
        v4: SocketAddr::from(([11, 0, 0, 99], 3478)),
        v6: SocketAddr::from(([0x2a00, 1, 0, 0, 0, 0, 0, 0x99], 3478)),
    };
    let mut stage = RelayStage::open(t, |config| config.alternate = Some(alternate))?;
    let line = if v.text("client") == "v4" { 0 } else { 3 };
    let request =
        Message::asking(method::ALLOCATE, fresh(t)).with(Attribute::requested_transport(UDP));
    let mut reply = stage.ask(t, line, &request)?;
    // A server may want to know first whom it redirects.
    if reply.as_ref().and_then(Parsed::code) == Some(401) {
        let session = stage.login(t, line, "alice")?;
        reply = session.try_allocate(t, &mut stage, [])?.1;
    }
    let wanted = if line == 0 { alternate.v4 } else { alternate.v6 };
    let named = reply.as_ref().is_some_and(|reply| {
        reply.code() == Some(300) && reply.address(attribute::ALTERNATE_SERVER) == Some(wanted)
    });
    let req = req::TURN_SERVER_MAY_300;
    t.may(req, named, format_args!("300 with {wanted}"), shown(reply.as_ref()))
}
