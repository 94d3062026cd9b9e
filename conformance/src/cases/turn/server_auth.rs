//! Who may do what: RFC 8656 §5, with the long-term mechanism of RFC 8489 §9.2.

use super::script::*;

/// The methods that need an allocation.
const METHODS: [u16; 3] = [method::REFRESH, method::CREATE_PERMISSION, method::CHANNEL_BIND];

/// The method that the parameter `method` names.
fn named(v: &Variant) -> u16 {
    match v.text("method") {
        "allocate" => method::ALLOCATE,
        "refresh" => method::REFRESH,
        "permission" => method::CREATE_PERMISSION,
        _ => method::CHANNEL_BIND,
    }
}

/// What a good request of this method says.
fn content(stage: &RelayStage, kind: u16) -> Vec<Attribute> {
    let peer = Attribute::xor_peer_address(stage.peer(0));
    match kind {
        method::ALLOCATE => vec![Attribute::requested_transport(UDP)],
        method::REFRESH => vec![Attribute::lifetime(600)],
        method::CREATE_PERMISSION => vec![peer],
        _ => vec![Attribute::channel_number(0x4001), peer],
    }
}

case! {
    id: "turn.server.auth.stale-nonce",
    title: "An old nonce gets 438 and a new one, with which the request is served",
    reqs: [req::TURN_SERVER_AUTHENTICATES_BY_LONG_TERM, req::TURN_SERVER_NONCE_HOURLY],
    kind: SubjectKind::TurnServer,
    needs: [Cap::LongTerm],
    variants: product! { method: ["allocate", "refresh", "permission", "channel"] },
    run: stale_nonce,
}

fn stale_nonce(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut stage = RelayStage::open(t, |config| config.nonce_lifetime = Duration::from_secs(60))?;
    let kind = named(v);
    let mut session = match kind {
        method::ALLOCATE => stage.login(t, 0, "alice")?,
        _ => Allocation::make(t, &mut stage)?.session,
    };
    stage.wait(t, 61 * SECOND);
    let attributes = content(&stage, kind);
    let (request, reply) = session.ask(t, &mut stage, kind, attributes.clone())?;
    let req = req::TURN_SERVER_AUTHENTICATES_BY_LONG_TERM;
    Shape::challenge(&request, 438).holds(t, req, reply.as_ref())?;
    let reply = t.expect(reply, "a response")?;
    let nonce = reply.value(attribute::NONCE).unwrap_or_default().to_vec();
    t.should(req::TURN_SERVER_NONCE_HOURLY, nonce != session.nonce, "a new nonce", "the old one")?;
    session.nonce = nonce;
    let (request, reply) = session.ask(t, &mut stage, kind, attributes)?;
    let served = reply.as_ref().is_some_and(|reply| reply.class() == Class::Success);
    t.must(req, served, format_args!("success for {request}"), shown(reply.as_ref()))
}

case! {
    id: "turn.server.auth.hourly-nonce",
    title: "With the server's own setting a nonce does not outlive an hour",
    reqs: [req::TURN_SERVER_NONCE_HOURLY],
    kind: SubjectKind::TurnServer,
    needs: [Cap::LongTerm],
    run: hourly_nonce,
}

fn hourly_nonce(t: &mut Ctl<'_>, _v: &Variant) -> Outcome {
    let mut stage = RelayStage::plain(t)?;
    let allocation = Allocation::make(t, &mut stage)?;
    let (_, reply) = allocation.refresh(t, &mut stage, 3600)?;
    t.precondition(reply.and_then(|reply| reply.lifetime()) == Some(3600), "an hour granted")?;
    stage.wait(t, 3590 * SECOND);
    let (_, reply) = allocation.refresh(t, &mut stage, 3600)?;
    let early = reply.as_ref().and_then(Parsed::code);
    t.sometimes("the nonce is old before an hour is over", early == Some(438));
    let mut session = allocation.session.clone();
    if let Some(nonce) = reply.as_ref().and_then(|reply| reply.value(attribute::NONCE)) {
        session.nonce = nonce.to_vec();
        let _ = session.ask(t, &mut stage, method::REFRESH, [Attribute::lifetime(3600)])?;
    }
    stage.wait(t, 20 * SECOND);
    let (_, reply) = allocation.refresh(t, &mut stage, 3600)?;
    let stale = reply.as_ref().and_then(Parsed::code) == Some(438);
    t.should(req::TURN_SERVER_NONCE_HOURLY, stale, "438", shown(reply.as_ref()))
}

case! {
    id: "turn.server.auth.wrong",
    title: "Wrong credentials get 401 and change nothing",
    reqs: [
        req::TURN_SERVER_AUTHENTICATES_BY_LONG_TERM,
        req::TURN_SERVER_REFUSES_FOREIGN_CREDENTIALS,
    ],
    kind: SubjectKind::TurnServer,
    needs: [Cap::LongTerm],
    variants: product! {
        method: ["allocate", "refresh", "permission", "channel"],
        fault: ["password", "user", "no integrity", "spoilt integrity"],
    },
    run: wrong,
}

fn wrong(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut stage = RelayStage::plain(t)?;
    let kind = named(v);
    let allocation = match kind {
        method::ALLOCATE => None,
        _ => Some(Allocation::make(t, &mut stage)?),
    };
    let good = match &allocation {
        Some(allocation) => allocation.session.clone(),
        None => stage.login(t, 0, "alice")?,
    };
    let mut session = good.clone();
    match v.text("fault") {
        "password" => session.password.push('!'),
        "user" => session.username = "nobody".to_owned(),
        _ => {}
    }
    let attributes = match kind {
        // A lifetime of zero would show.
        method::REFRESH => vec![Attribute::lifetime(0)],
        _ => content(&stage, kind),
    };
    let mut request = session.sign(Message::asking(kind, fresh(t)).with_all(attributes));
    match v.text("fault") {
        "no integrity" => drop(request.attributes.pop()),
        "spoilt integrity" => {
            let tag = request.attributes.pop();
            request = request.with_all(tag.map(|tag| tag.with_octets(F::Xor(vec![0, 0, 1]))));
        }
        _ => {}
    }
    let reply = stage.ask(t, 0, &request)?;
    let req = req::TURN_SERVER_AUTHENTICATES_BY_LONG_TERM;
    Shape::challenge(&request, 401).holds(t, req, reply.as_ref())?;
    let req = req::TURN_SERVER_REFUSES_FOREIGN_CREDENTIALS;
    match allocation {
        None => {
            let reply = stage.login(t, 0, "alice")?.try_allocate(t, &mut stage, [])?.1;
            let free = reply.as_ref().is_some_and(|reply| reply.class() == Class::Success);
            t.must(req, free, "the 5-tuple still free", shown(reply.as_ref()))
        }
        Some(allocation) => {
            let heard = allocation.hears(t, &mut stage, 0);
            t.must(req, !heard, "no permission", "data of the peer relayed")?;
            let (_, reply) = allocation.refresh(t, &mut stage, 600)?;
            let there = reply.as_ref().is_some_and(|reply| reply.class() == Class::Success);
            t.must(req, there, "the allocation still there", shown(reply.as_ref()))
        }
    }
}

case! {
    id: "turn.server.auth.other-user",
    title: "Another user's request on an allocation gets 441 and changes nothing",
    reqs: [
        req::TURN_SERVER_441_OTHER_USERNAME,
        req::TURN_SERVER_REFUSES_FOREIGN_CREDENTIALS,
    ],
    kind: SubjectKind::TurnServer,
    needs: [Cap::LongTerm],
    variants: product! {
        method: ["refresh", "permission", "channel"],
        algorithm: ["none", "best"],
    },
    run: other_user,
}

fn other_user(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut stage = RelayStage::plain(t)?;
    let allocation = Allocation::make(t, &mut stage)?;
    let mut session = Session { username: "bob".to_owned(), ..allocation.session.clone() };
    session.password = user("bob").password;
    if v.text("algorithm") == "none" {
        session.algorithm = None;
    }
    let kind = named(v);
    let attributes = match kind {
        method::REFRESH => vec![Attribute::lifetime(0)],
        _ => content(&stage, kind),
    };
    let (request, reply) = session.ask(t, &mut stage, kind, attributes)?;
    let shape = Shape::error(&request, 441);
    shape.holds(t, req::TURN_SERVER_441_OTHER_USERNAME, reply.as_ref())?;
    let req = req::TURN_SERVER_REFUSES_FOREIGN_CREDENTIALS;
    let heard = allocation.hears(t, &mut stage, 0);
    t.must(req, !heard, "no permission", "data of the peer relayed")?;
    let (_, reply) = allocation.refresh(t, &mut stage, 600)?;
    let there = reply.as_ref().is_some_and(|reply| reply.class() == Class::Success);
    t.must(req, there, "the allocation still there", shown(reply.as_ref()))
}

case! {
    id: "turn.server.auth.no-allocation",
    title: "Without an allocation requests get 437, everything else nothing",
    reqs: [req::TURN_SERVER_437_NO_ALLOCATION, req::TURN_SERVER_SILENT_NO_ALLOCATION],
    kind: SubjectKind::TurnServer,
    needs: [Cap::LongTerm],
    variants: product! {
        message: ["refresh", "permission", "channel", "send", "data", "channel data"],
        before: ["nothing", "deleted", "expired", "other 5-tuple"],
    },
    run: no_allocation,
}

/// Regression: a stack went on to serve what it had forgotten (coturn#2067, pion/turn#200).
fn no_allocation(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut stage = RelayStage::plain(t)?;
    let session = match v.text("before") {
        "nothing" => stage.login(t, 0, "alice")?,
        "deleted" => {
            let allocation = Allocation::make(t, &mut stage)?;
            allocation.bind(t, &mut stage, 0x4001, 0)?;
            let _ = allocation.refresh(t, &mut stage, 0)?;
            allocation.session
        }
        "expired" => {
            let allocation = Allocation::make(t, &mut stage)?;
            allocation.bind(t, &mut stage, 0x4001, 0)?;
            stage.wait(t, 601 * SECOND);
            stage.login(t, 0, "alice")?
        }
        _ => {
            let allocation = Allocation::make(t, &mut stage)?;
            allocation.bind(t, &mut stage, 0x4001, 0)?;
            stage.login(t, 1, "alice")?
        }
    };
    let line = session.line;
    let peer = stage.peer(0);
    let silent = match v.text("message") {
        "send" => Allocation::send_indication(t, peer, b"anyone?").encode(),
        "data" => Message::of(Class::Indication, method::DATA, fresh(t))
            .with(Attribute::xor_peer_address(peer))
            .with(Attribute::data(b"anyone?"))
            .encode(),
        "channel data" => ChannelData::new(0x4001, b"anyone?").padded().encode(),
        name => {
            let kind = match name {
                "refresh" => METHODS[0],
                "permission" => METHODS[1],
                _ => METHODS[2],
            };
            let attributes = content(&stage, kind);
            let (request, reply) = session.ask(t, &mut stage, kind, attributes)?;
            let shape = Shape::error(&request, 437);
            return shape.holds(t, req::TURN_SERVER_437_NO_ALLOCATION, reply.as_ref());
        }
    };
    let req = req::TURN_SERVER_SILENT_NO_ALLOCATION;
    stage.ignores(t, req, line, &silent)?;
    let arrived = stage.peer_takes(t, 0);
    t.must(req, arrived.is_empty(), "nothing relayed", format_args!("{arrived:?}"))
}

case! {
    id: "turn.server.auth.trailing",
    title: "What stands behind the integrity attribute is not obeyed",
    reqs: [
        req::TURN_SERVER_REFUSES_FOREIGN_CREDENTIALS,
        req::TURN_SERVER_LIFETIME_RULE,
        req::TURN_SERVER_REFRESH_LIFETIME,
    ],
    kind: SubjectKind::TurnServer,
    needs: [Cap::LongTerm],
    variants: product! { method: ["allocate", "refresh", "permission"], algorithm: ["none", "best"] },
    run: trailing,
}

/// Regression: attributes behind the tag were believed, so that anyone on the way could add them (T07).
fn trailing(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut stage = RelayStage::plain(t)?;
    let kind = named(v);
    let mut session = match kind {
        method::ALLOCATE => stage.login(t, 0, "alice")?,
        _ => Allocation::make(t, &mut stage)?.session,
    };
    if v.text("algorithm") == "none" {
        session.algorithm = None;
    }
    let peer = stage.peer(2);
    let (inner, added) = match kind {
        method::ALLOCATE => (vec![Attribute::requested_transport(UDP)], Attribute::lifetime(3600)),
        method::REFRESH => (vec![], Attribute::lifetime(0)),
        _ => (content(&stage, kind), Attribute::xor_peer_address(peer)),
    };
    let request = session.sign(Message::asking(kind, fresh(t)).with_all(inner)).with(added);
    let reply = stage.ask(t, 0, &request)?;
    let served = reply.as_ref().is_some_and(|reply| reply.class() == Class::Success);
    t.precondition(served, format_args!("the request is served: {}", shown(reply.as_ref())))?;
    let granted = reply.as_ref().and_then(Parsed::lifetime);
    match kind {
        method::ALLOCATE => {
            let req = req::TURN_SERVER_LIFETIME_RULE;
            t.must(req, granted == Some(600), "600 s", format_args!("{granted:?}"))
        }
        method::REFRESH => {
            let req = req::TURN_SERVER_REFRESH_LIFETIME;
            t.must(req, granted == Some(600), "600 s", format_args!("{granted:?}"))
        }
        _ => {
            let request = Message::asking(method::REFRESH, fresh(t));
            let response = t.expect(reply, "a response")?;
            let relay = Allocation { session, request, response, relayed: Vec::new() };
            let heard = relay.reaches(t, &stage, 2)?;
            let req = req::TURN_SERVER_REFUSES_FOREIGN_CREDENTIALS;
            t.must(req, !heard, "no permission for what was added", "data relayed")
        }
    }
}

case! {
    id: "turn.server.auth.indications",
    title: "A Send indication is served without credentials",
    reqs: [req::TURN_INDICATIONS_NEVER_AUTHENTICATED],
    kind: SubjectKind::TurnServer,
    needs: [Cap::LongTerm],
    run: indications,
}

fn indications(t: &mut Ctl<'_>, _v: &Variant) -> Outcome {
    let mut stage = RelayStage::plain(t)?;
    let allocation = Allocation::make(t, &mut stage)?;
    allocation.permit(t, &mut stage, 0)?;
    let reached = allocation.reaches(t, &stage, 0)?;
    t.must(req::TURN_INDICATIONS_NEVER_AUTHENTICATED, reached, "the data at the peer", "nothing")
}

case! {
    id: "turn.server.auth.username-lengths",
    title: "User names of every length and content leave the server alive",
    reqs: [req::TURN_SERVER_AUTHENTICATES_BY_LONG_TERM],
    kind: SubjectKind::TurnServer,
    needs: [Cap::LongTerm],
    run: username_lengths,
}

/// Regression: a user name was taken for a format, and one too long for a buffer (T21).
fn username_lengths(t: &mut Ctl<'_>, _v: &Variant) -> Outcome {
    let mut stage = RelayStage::plain(t)?;
    let session = stage.login(t, 0, "alice")?;
    let long = "x".repeat(513);
    for name in ["%s%n%x", "a\r\nb", "a\0b", "'; DROP TABLE users; --", "", &long] {
        let request = Message::asking(method::ALLOCATE, fresh(t))
            .with(Attribute::requested_transport(UDP))
            .with(Attribute::username(name))
            .with(Attribute::realm(REALM))
            .with(Attribute::nonce(&session.nonce))
            .with(Attribute::integrity(&session.key()));
        let reply = stage.ask(t, 0, &request)?;
        let granted = reply.as_ref().is_some_and(|reply| reply.class() == Class::Success);
        let req = req::TURN_SERVER_AUTHENTICATES_BY_LONG_TERM;
        t.must(req, !granted, "a refusal or silence", shown(reply.as_ref()))?;
    }
    stage.alive(t, req::TURN_SERVER_AUTHENTICATES_BY_LONG_TERM)
}
