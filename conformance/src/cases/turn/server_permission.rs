//! Permissions: RFC 8656 §9, §10.

use super::script::*;

/// Waits in steps and keeps the allocation alive.
pub(super) fn wait_alive(
    t: &mut Ctl<'_>,
    stage: &mut RelayStage,
    allocation: &Allocation,
    seconds: u64,
) -> Outcome {
    stage.wait(t, Duration::from_secs(seconds));
    let (_, reply) = allocation.refresh(t, stage, 600)?;
    let there = reply.as_ref().is_some_and(|reply| reply.class() == Class::Success);
    t.precondition(there, format_args!("the allocation lives: {}", shown(reply.as_ref())))
}

case! {
    id: "turn.server.permission.granted",
    title: "A permission lets an address send and be sent to, whatever the port, and nobody else",
    reqs: [
        req::TURN_PERMISSION_BY_ADDRESS,
        req::TURN_SERVER_PERMISSION_RESPONSE,
        req::TURN_SERVER_SEND_NEEDS_PERMISSION,
        req::TURN_PERMISSION_PER_ALLOCATION,
    ],
    kind: SubjectKind::TurnServer,
    needs: [Cap::LongTerm],
    variants: product! { family: ["v4", "v6"] },
    run: granted,
}

fn granted(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut stage = RelayStage::plain(t)?;
    let (number, peers, strangers) = match v.text("family") {
        "v4" => (1, vec![0, 1], 2),
        _ => (2, vec![3], 4),
    };
    let session = stage.login(t, 0, "alice")?;
    let family = Attribute::requested_address_family(number);
    let allocation = Allocation::by(t, &mut stage, session, [family.clone()])?;
    let session = stage.login(t, 1, "alice")?;
    let other = Allocation::by(t, &mut stage, session, [family])?;
    let first = peers.first().copied().unwrap_or(0);
    let heard = allocation.hears(t, &mut stage, first);
    t.must(req::TURN_PERMISSION_BY_ADDRESS, !heard, "nothing before the permission", "data")?;
    let reached = allocation.reaches(t, &stage, first)?;
    t.must(req::TURN_SERVER_SEND_NEEDS_PERMISSION, !reached, "nothing before it", "data")?;
    // The indication made no permission either.
    let heard = allocation.hears(t, &mut stage, first);
    t.must(req::TURN_SERVER_SEND_NEEDS_PERMISSION, !heard, "still no permission", "data")?;
    let peer = Attribute::xor_peer_address(SocketAddr::new(stage.peer(first).ip(), 1));
    let (request, reply) = allocation.ask(t, &mut stage, method::CREATE_PERMISSION, [peer])?;
    let shape = Shape::success(&request).signed(allocation.session.key());
    shape.holds(t, req::TURN_SERVER_PERMISSION_RESPONSE, reply.as_ref())?;
    for &peer in &peers {
        let both = allocation.hears(t, &mut stage, peer) && allocation.reaches(t, &stage, peer)?;
        t.must(req::TURN_PERMISSION_BY_ADDRESS, both, "data both ways on any port", "none")?;
    }
    let heard = allocation.hears(t, &mut stage, strangers);
    t.must(req::TURN_PERMISSION_BY_ADDRESS, !heard, "nothing of another address", "data")?;
    let heard = other.hears(t, &mut stage, first) || other.reaches(t, &stage, first)?;
    t.must(req::TURN_PERMISSION_PER_ALLOCATION, !heard, "no permission elsewhere", "data")
}

case! {
    id: "turn.server.permission.lifetime",
    title: "A permission lasts 300 seconds from the last request for it, whatever data passes",
    reqs: [
        req::TURN_PERMISSION_300,
        req::TURN_SEND_DOES_NOT_REFRESH,
        req::TURN_CHANNEL_DATA_DOES_NOT_REFRESH,
    ],
    kind: SubjectKind::TurnServer,
    needs: [Cap::LongTerm],
    variants: product! {
        made: ["permission", "channel"],
        refreshed: ["never", "permission", "channel"],
        traffic: ["none", "send", "channel data", "inbound"],
    },
    run: lifetime,
}

fn lifetime(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut stage = RelayStage::plain(t)?;
    let allocation = Allocation::make(t, &mut stage)?;
    let over_channel = v.text("traffic") == "channel data";
    if over_channel && v.text("made") != "channel" {
        return Err(Stop::Unsupported("no channel to send on".to_owned()));
    }
    let request = |t: &mut Ctl<'_>, stage: &mut RelayStage, kind: &str| match kind {
        "permission" => allocation.permit(t, stage, 0),
        _ => allocation.bind(t, stage, 0x4000, 0),
    };
    request(t, &mut stage, v.text("made"))?;
    if v.text("refreshed") != "never" {
        wait_alive(t, &mut stage, &allocation, 200)?;
        request(t, &mut stage, v.text("refreshed"))?;
    }
    let begun = t.now();
    wait_alive(t, &mut stage, &allocation, 290)?;
    let req = match v.text("traffic") {
        "send" => req::TURN_SEND_DOES_NOT_REFRESH,
        "channel data" => req::TURN_CHANNEL_DATA_DOES_NOT_REFRESH,
        _ => req::TURN_PERMISSION_300,
    };
    let works = match v.text("traffic") {
        "send" => allocation.reaches(t, &stage, 0)?,
        "channel data" => allocation.channel_reaches(t, &stage, 0, 0x4000)?,
        "inbound" => allocation.hears(t, &mut stage, 0),
        _ => true,
    };
    t.must(req, works, "data after 290 s", "none")?;
    t.run_until(begun + Duration::from_millis(299_000));
    let works = allocation.hears(t, &mut stage, 0);
    t.must(req::TURN_PERMISSION_300, works, "data after 299 s", "none")?;
    t.run_until(begun + Duration::from_millis(300_100));
    let works = allocation.hears(t, &mut stage, 0);
    t.must(req, !works, "no data of the peer after 300 s", "some")?;
    let works = allocation.reaches(t, &stage, 0)?;
    t.must(req, !works, "no data to the peer after 300 s", "some")
}

case! {
    id: "turn.server.permission.many",
    title: "One request makes permissions for several addresses, in any order and of both families",
    reqs: [
        req::TURN_SERVER_PERMISSION_MANY,
        req::TURN_PERMISSION_ANY_ORDER,
        req::TURN_DUAL_PERMISSION_BOTH,
    ],
    kind: SubjectKind::TurnServer,
    needs: [Cap::LongTerm],
    variants: product! { families: ["one", "two"], order: ["up", "down"] },
    run: many,
}

fn many(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut stage = RelayStage::plain(t)?;
    let dual = v.text("families") == "two";
    if dual && t.subject().supports(Cap::TurnDual) == Support::No {
        return Err(Stop::Unsupported("no allocation with both families".to_owned()));
    }
    let session = stage.login(t, 0, "alice")?;
    let both = dual.then(|| Attribute::additional_address_family(2));
    let allocation = Allocation::by(t, &mut stage, session, both)?;
    let mut peers = if dual { vec![0, 2, 3, 4] } else { vec![0, 2] };
    if v.text("order") == "down" {
        peers.reverse();
    }
    let attributes: Vec<Attribute> =
        peers.iter().map(|peer| Attribute::xor_peer_address(stage.peer(*peer))).collect();
    let (_, reply) = allocation.ask(t, &mut stage, method::CREATE_PERMISSION, attributes)?;
    let granted = reply.as_ref().is_some_and(|reply| reply.class() == Class::Success);
    let mut all = granted;
    for &peer in &peers {
        all =
            all && allocation.hears(t, &mut stage, peer) && allocation.reaches(t, &stage, peer)?;
    }
    let told = shown(reply.as_ref());
    t.may(req::TURN_SERVER_PERMISSION_MANY, all, "a permission for each", &told)?;
    t.may(req::TURN_PERMISSION_ANY_ORDER, all, "a permission for each", &told)?;
    t.may(req::TURN_DUAL_PERMISSION_BOTH, all, "a permission for each", &told)
}

case! {
    id: "turn.server.permission.refused",
    title: "A request without a good address of the right family is refused whole",
    reqs: [req::TURN_SERVER_400_PERMISSION_WITHOUT_PEER, req::TURN_SERVER_443_PERMISSION],
    kind: SubjectKind::TurnServer,
    needs: [Cap::LongTerm],
    variants: product! {
        fault: [
            "none", "empty", "short", "family 0", "family 3", "good and short", "other family",
            "good and other family", "other family and good",
        ],
    },
    run: refused,
}

fn refused(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut stage = RelayStage::plain(t)?;
    let allocation = Allocation::make(t, &mut stage)?;
    let good = Attribute::xor_peer_address(stage.peer(0));
    let other = Attribute::xor_peer_address(stage.peer(3));
    let raw = |bytes: &[u8]| Attribute::bytes(attribute::XOR_PEER_ADDRESS, bytes);
    let (attributes, code, req) = match v.text("fault") {
        "none" => (vec![], 400, req::TURN_SERVER_400_PERMISSION_WITHOUT_PEER),
        "empty" => (vec![raw(&[])], 400, req::TURN_SERVER_400_PERMISSION_WITHOUT_PEER),
        "short" => (vec![raw(&[0, 1, 2, 3])], 400, req::TURN_SERVER_400_PERMISSION_WITHOUT_PEER),
        "family 0" => (
            vec![raw(&[0, 0, 1, 2, 3, 4, 5, 6])],
            400,
            req::TURN_SERVER_400_PERMISSION_WITHOUT_PEER,
        ),
        "family 3" => (
            vec![raw(&[0, 3, 1, 2, 3, 4, 5, 6])],
            400,
            req::TURN_SERVER_400_PERMISSION_WITHOUT_PEER,
        ),
        "good and short" => {
            (vec![good, raw(&[0, 1, 2])], 400, req::TURN_SERVER_400_PERMISSION_WITHOUT_PEER)
        }
        "other family" => (vec![other], 443, req::TURN_SERVER_443_PERMISSION),
        "good and other family" => (vec![good, other], 443, req::TURN_SERVER_443_PERMISSION),
        _ => (vec![other, good], 443, req::TURN_SERVER_443_PERMISSION),
    };
    let (request, reply) = allocation.ask(t, &mut stage, method::CREATE_PERMISSION, attributes)?;
    Shape::error(&request, code).signed(allocation.session.key()).holds(t, req, reply.as_ref())?;
    let heard = allocation.hears(t, &mut stage, 0);
    t.must(req, !heard, "no permission", "data of the peer")
}

case! {
    id: "turn.server.permission.quota",
    title: "Permissions beyond what the server keeps get 508, and those there are stay",
    reqs: [req::TURN_SERVER_508_PERMISSION],
    kind: SubjectKind::TurnServer,
    needs: [Cap::LongTerm, Cap::TurnQuotas],
    no_reference: "no independent stack in process limits permissions",
    run: quota,
}

/// Regression: a client could have as many as it liked (T22).
fn quota(t: &mut Ctl<'_>, _v: &Variant) -> Outcome {
    let mut stage = RelayStage::open(t, |config| config.quotas.permissions = Some(3))?;
    let allocation = Allocation::make(t, &mut stage)?;
    allocation.permit(t, &mut stage, 0)?;
    let req = req::TURN_SERVER_508_PERMISSION;
    let mut refused = 0;
    for last in 10..15 {
        let peer = Attribute::xor_peer_address(SocketAddr::from(([11, 0, 9, last], 1)));
        let (request, reply) = allocation.ask(t, &mut stage, method::CREATE_PERMISSION, [peer])?;
        if last >= 12 {
            let shape = Shape::error(&request, 508).signed(allocation.session.key());
            shape.holds(t, req, reply.as_ref())?;
            refused += 1;
        }
    }
    t.must(req, refused == 3, "three refusals", refused)?;
    let heard = allocation.hears(t, &mut stage, 0);
    t.must(req, heard, "the first permission still there", "no data")?;
    // One that is there may be refreshed all the same.
    allocation.permit(t, &mut stage, 0)
}
