//! The life of allocations: RFC 8656 §8, and the ports of RFC 8656 §7.2.

use super::script::*;

/// Whether the allocation is still there.
fn is_there(
    t: &mut Ctl<'_>,
    stage: &mut RelayStage,
    allocation: &Allocation,
) -> Result<bool, Stop> {
    let peer = Attribute::xor_peer_address(stage.peer(0));
    let (_, reply) = allocation.ask(t, stage, method::CREATE_PERMISSION, [peer])?;
    Ok(reply.is_some_and(|reply| reply.class() == Class::Success))
}

case! {
    id: "turn.server.refresh.lifetime",
    title: "A Refresh request sets the time anew, or deletes with zero",
    reqs: [req::TURN_SERVER_REFRESH_LIFETIME],
    kind: SubjectKind::TurnServer,
    needs: [Cap::LongTerm],
    variants: product! { asked: [0, 1, 599, 600, 601, 3_600, 3_601, 4_294_967_295, 5_000_000_000] },
    run: lifetime,
}

fn lifetime(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut stage = RelayStage::plain(t)?;
    let mut allocation = Allocation::make(t, &mut stage)?;
    let asked = u32::try_from(v.number("asked")).ok();
    let wish = asked.map(Attribute::lifetime);
    let (request, reply) = allocation.ask(t, &mut stage, method::REFRESH, wish)?;
    let req = req::TURN_SERVER_REFRESH_LIFETIME;
    let shape = Shape::success(&request).with(attribute::LIFETIME).signed(allocation.session.key());
    shape.holds(t, req, reply.as_ref())?;
    let granted = reply.as_ref().and_then(Parsed::lifetime);
    let wanted = match asked {
        Some(0) => 0,
        None => 600,
        Some(asked) => asked.clamp(600, 3600),
    };
    t.must(req, granted == Some(wanted), wanted, format_args!("{granted:?}"))?;
    if wanted > 0 {
        stage.wait(t, Duration::from_secs(u64::from(wanted) - 5));
        // An old nonce would say nothing about the allocation.
        allocation.session = stage.login(t, 0, "alice")?;
        let there = is_there(t, &mut stage, &allocation)?;
        t.must(req, there, "the allocation before its time is up", "it is gone")?;
        stage.wait(t, 10 * SECOND);
    }
    allocation.session = stage.login(t, 0, "alice")?;
    let there = is_there(t, &mut stage, &allocation)?;
    t.must(req, !there, "no allocation after its time", "it is there")
}

case! {
    id: "turn.server.refresh.expiry",
    title: "When its time is up an allocation is gone with all it had, and data does not prolong it",
    reqs: [
        req::TURN_SERVER_EXPIRES_ALLOCATION,
        req::TURN_DATA_DOES_NOT_REFRESH,
        req::TURN_DEFAULT_LIFETIME,
    ],
    kind: SubjectKind::TurnServer,
    needs: [Cap::LongTerm],
    run: expiry,
}

fn expiry(t: &mut Ctl<'_>, _v: &Variant) -> Outcome {
    let mut stage = RelayStage::plain(t)?;
    let allocation = Allocation::make(t, &mut stage)?;
    for _ in 0..5 {
        stage.wait(t, 118 * SECOND);
        allocation.bind(t, &mut stage, 0x4000, 0)?;
        let sent = allocation.channel_reaches(t, &stage, 0, 0x4000)?;
        let heard = allocation.hears(t, &mut stage, 0);
        let req = req::TURN_DEFAULT_LIFETIME;
        t.must(req, sent && heard, "data both ways for 600 s", "none")?;
    }
    stage.wait(t, 12 * SECOND);
    let heard = allocation.hears(t, &mut stage, 0);
    t.must(req::TURN_DATA_DOES_NOT_REFRESH, !heard, "nothing relayed", "data of the peer")?;
    let sent = allocation.channel_reaches(t, &stage, 0, 0x4000)?;
    t.must(req::TURN_DATA_DOES_NOT_REFRESH, !sent, "nothing relayed", "data to the peer")?;
    let session = stage.login(t, 0, "alice")?;
    let anew = Allocation::by(t, &mut stage, session, [])?;
    let heard = anew.hears(t, &mut stage, 0);
    t.must(req::TURN_SERVER_EXPIRES_ALLOCATION, !heard, "no old permission", "data relayed")?;
    let sent = anew.channel_reaches(t, &stage, 0, 0x4000)?;
    t.must(req::TURN_SERVER_EXPIRES_ALLOCATION, !sent, "no old channel", "data relayed")
}

case! {
    id: "turn.server.refresh.repeated",
    title: "Repeated requests are answered as the first time",
    reqs: [req::TURN_SERVER_IDEMPOTENT],
    kind: SubjectKind::TurnServer,
    needs: [Cap::LongTerm],
    variants: product! { method: ["refresh", "permission", "channel"] },
    run: repeated,
}

fn repeated(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut stage = RelayStage::plain(t)?;
    let allocation = Allocation::make(t, &mut stage)?;
    let peer = Attribute::xor_peer_address(stage.peer(0));
    let (kind, attributes) = match v.text("method") {
        "refresh" => (method::REFRESH, vec![Attribute::lifetime(1_200)]),
        "permission" => (method::CREATE_PERMISSION, vec![peer]),
        _ => (method::CHANNEL_BIND, vec![Attribute::channel_number(0x4abc), peer]),
    };
    let (request, first) = allocation.ask(t, &mut stage, kind, attributes)?;
    let first = t.expect(first, "a response")?;
    for _ in 0..3 {
        let again = stage.ask(t, 0, &request)?;
        let req = req::TURN_SERVER_IDEMPOTENT;
        let same = again.as_ref().is_some_and(|again| {
            again.class() == Class::Success && again.lifetime() == first.lifetime()
        });
        t.must(req, same, &first, shown(again.as_ref()))?;
    }
    Ok(())
}

case! {
    id: "turn.server.refresh.family",
    title: "A Refresh request for a family that the allocation has not gets 443",
    reqs: [req::TURN_SERVER_443_REFRESH],
    kind: SubjectKind::TurnServer,
    needs: [Cap::LongTerm],
    variants: product! { allocated: ["v4", "v6"], asked: ["v4", "v6"], lifetime: [0, 600] },
    run: refresh_family,
}

fn refresh_family(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let number = |name: &str| if v.text(name) == "v4" { 1 } else { 2 };
    let mut stage = RelayStage::plain(t)?;
    let session = stage.login(t, 0, "alice")?;
    let family = Attribute::requested_address_family(number("allocated"));
    let allocation = Allocation::by(t, &mut stage, session, [family])?;
    let seconds = u32::try_from(v.number("lifetime")).unwrap_or(0);
    let attributes =
        [Attribute::lifetime(seconds), Attribute::requested_address_family(number("asked"))];
    let (request, reply) = allocation.ask(t, &mut stage, method::REFRESH, attributes)?;
    let req = req::TURN_SERVER_443_REFRESH;
    if v.text("allocated") == v.text("asked") {
        let fits = reply.as_ref().is_some_and(|reply| reply.lifetime() == Some(seconds));
        return t.must(req, fits, "success", shown(reply.as_ref()));
    }
    Shape::error(&request, 443).signed(allocation.session.key()).holds(t, req, reply.as_ref())?;
    let (_, reply) = allocation.refresh(t, &mut stage, 600)?;
    let there = reply.as_ref().is_some_and(|reply| reply.class() == Class::Success);
    t.must(req, there, "the allocation still there", shown(reply.as_ref()))
}

case! {
    id: "turn.server.refresh.one-of-two",
    title: "Deleting the address of one family leaves the other as it was",
    reqs: [req::TURN_SERVER_DELETES_ONE_FAMILY],
    kind: SubjectKind::TurnServer,
    needs: [Cap::LongTerm, Cap::TurnDual],
    variants: product! { deleted: ["v4", "v6"] },
    run: one_of_two,
}

fn one_of_two(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut stage = RelayStage::plain(t)?;
    let session = stage.login(t, 0, "alice")?;
    let both = Attribute::additional_address_family(2);
    let allocation = Allocation::by(t, &mut stage, session, [both])?;
    t.precondition(allocation.relayed.len() == 2, "an address of each family")?;
    for (channel, peer) in [(0x4004, 0), (0x4006, 3)] {
        allocation.bind(t, &mut stage, channel, peer)?;
        let both_ways = allocation.channel_reaches(t, &stage, peer, channel)?
            && allocation.hears(t, &mut stage, peer);
        t.precondition(both_ways, "data on both addresses")?;
    }
    let (number, gone, kept) = match v.text("deleted") {
        "v4" => (1, (0x4004, 0), (0x4006, 3)),
        _ => (2, (0x4006, 3), (0x4004, 0)),
    };
    let attributes = [Attribute::lifetime(0), Attribute::requested_address_family(number)];
    let (_, reply) = allocation.ask(t, &mut stage, method::REFRESH, attributes)?;
    let deleted = reply.as_ref().is_some_and(|reply| reply.class() == Class::Success);
    let req = req::TURN_SERVER_DELETES_ONE_FAMILY;
    t.must(req, deleted, "success", shown(reply.as_ref()))?;
    let works = allocation.channel_reaches(t, &stage, kept.1, kept.0)?
        && allocation.hears(t, &mut stage, kept.1);
    t.must(req, works, "data of the other family both ways", "none")?;
    let works = allocation.channel_reaches(t, &stage, gone.1, gone.0)?
        || allocation.hears(t, &mut stage, gone.1);
    t.must(req, !works, "no data of the deleted family", "some")
}

case! {
    id: "turn.server.port.even",
    title: "EVEN-PORT gets an even port, whatever its unused bits say",
    reqs: [req::TURN_SERVER_EVEN_PORT, req::TURN_EVEN_PORT_FORMAT],
    kind: SubjectKind::TurnServer,
    needs: [Cap::LongTerm, Cap::TurnEvenPort],
    variants: product! { bits: [0, 0x7f], family: ["v4", "v6"] },
    no_reference: "no independent stack in process has even ports",
    run: even_port,
}

fn even_port(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut stage = RelayStage::plain(t)?;
    let bits = u8::try_from(v.number("bits")).unwrap_or(0);
    let number = if v.text("family") == "v4" { 1 } else { 2 };
    for _ in 0..4 {
        let line = stage.join(t)?;
        let session = stage.login(t, line, "alice")?;
        let attributes = [
            Attribute::bytes(attribute::EVEN_PORT, &[bits]),
            Attribute::requested_address_family(number),
        ];
        let (_, reply) = session.try_allocate(t, &mut stage, attributes)?;
        let relayed = reply.as_ref().map(Parsed::relayed_addresses).unwrap_or_default();
        let even = relayed.first().is_some_and(|relay| relay.port() % 2 == 0);
        t.must(req::TURN_SERVER_EVEN_PORT, even, "an even port", shown(reply.as_ref()))?;
        let token = reply.as_ref().is_some_and(|reply| reply.has(attribute::RESERVATION_TOKEN));
        t.must(req::TURN_EVEN_PORT_FORMAT, !token, "no reservation", shown(reply.as_ref()))?;
    }
    Ok(())
}

case! {
    id: "turn.server.port.reserved",
    title: "A reserved port is there for whoever has the token, once, and for 30 seconds",
    reqs: [
        req::TURN_SERVER_RESERVES_NEXT_PORT,
        req::TURN_SERVER_HOLDS_RESERVATION,
        req::TURN_SERVER_508_BAD_TOKEN,
    ],
    kind: SubjectKind::TurnServer,
    needs: [Cap::LongTerm, Cap::TurnEvenPort],
    variants: product! { after: [0, 29], user: ["alice", "bob"] },
    no_reference: "no independent stack in process reserves ports",
    run: reserved_port,
}

fn reserved_port(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut stage = RelayStage::plain(t)?;
    let session = stage.login(t, 0, "alice")?;
    let first = Allocation::by(t, &mut stage, session, [Attribute::even_port(true)])?;
    let req = req::TURN_SERVER_RESERVES_NEXT_PORT;
    let relay = first.relay();
    t.must(req, relay.port() % 2 == 0, "an even port", relay)?;
    let token = first.response.value(attribute::RESERVATION_TOKEN).map(<[u8]>::to_vec);
    t.must(req, token.is_some(), "RESERVATION-TOKEN", &first.response)?;
    let token = token.unwrap_or_default();
    t.must(req, token.len() == 8, "8 bytes", token.len())?;
    stage.wait(t, Duration::from_secs(v.number("after")));
    let session = stage.login(t, 2, v.text("user"))?;
    let wish = Attribute::reservation_token(&token);
    let (_, reply) = session.try_allocate(t, &mut stage, [wish.clone()])?;
    let next = SocketAddr::new(relay.ip(), relay.port() + 1);
    let relayed = reply.as_ref().map(Parsed::relayed_addresses).unwrap_or_default();
    let req = req::TURN_SERVER_HOLDS_RESERVATION;
    t.must(req, relayed == [next], next, shown(reply.as_ref()))?;
    let session = stage.login(t, 1, "alice")?;
    let (request, reply) = session.try_allocate(t, &mut stage, [wish])?;
    Shape::error(&request, 508).holds(t, req::TURN_SERVER_508_BAD_TOKEN, reply.as_ref())
}

case! {
    id: "turn.server.port.none-left",
    title: "When no port fits, the request gets 508 at once, and ports that are given back serve again",
    reqs: [req::TURN_SERVER_508_NO_PORT],
    kind: SubjectKind::TurnServer,
    needs: [Cap::LongTerm, Cap::TurnPortRange],
    variants: product! { wish: ["any", "even", "pair"] },
    no_reference: "no independent stack in process has a range of ports",
    run: none_left,
}

/// Regressions: a search for an even port that did not end (T17), ports lost with every EVEN-PORT (T15).
fn none_left(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let ports = match v.text("wish") {
        "any" => 50_000..=50_001,
        "even" => 50_001..=50_001,
        _ => 50_001..=50_002,
    };
    let count = if v.text("wish") == "any" { 2 } else { 0 };
    let mut stage = RelayStage::open(t, |config| config.ports = ports)?;
    let wish = match v.text("wish") {
        "any" => None,
        "even" => Some(Attribute::even_port(false)),
        _ => Some(Attribute::even_port(true)),
    };
    let req = req::TURN_SERVER_508_NO_PORT;
    for round in 0..20 {
        let mut made = Vec::new();
        for _ in 0..count {
            let line = stage.join(t)?;
            let session = stage.login(t, line, "alice")?;
            let (request, reply) = session.try_allocate(t, &mut stage, wish.clone())?;
            let granted = reply.as_ref().is_some_and(|reply| reply.class() == Class::Success);
            t.must(req, granted, format_args!("a port in round {round}"), shown(reply.as_ref()))?;
            made.push(Allocation::of(t, session, request, reply)?);
        }
        let line = stage.join(t)?;
        let session = stage.login(t, line, "alice")?;
        let (request, reply) = session.try_allocate(t, &mut stage, wish.clone())?;
        Shape::error(&request, 508).holds(t, req, reply.as_ref())?;
        for allocation in made {
            let _ = allocation.refresh(t, &mut stage, 0)?;
        }
    }
    Ok(())
}
