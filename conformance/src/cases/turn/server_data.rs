//! Data in indications, and what the network says of it: RFC 8656 §11.

use super::script::*;

case! {
    id: "turn.server.data.both-ways",
    title: "Send becomes a datagram and a datagram becomes Data, with the same bytes",
    reqs: [
        req::TURN_SERVER_RELAYS_SEND,
        req::TURN_SERVER_SEND_EMPTY,
        req::TURN_SERVER_DATA_ATTRIBUTES,
        req::TURN_ATTRIBUTE_PADDING,
    ],
    kind: SubjectKind::TurnServer,
    needs: [Cap::LongTerm],
    variants: product! { family: ["v4", "v6"], size: [0, 1, 2, 3, 4, 1_000, 1_200] },
    run: both_ways,
}

fn both_ways(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut stage = RelayStage::plain(t)?;
    let (number, peer) = if v.text("family") == "v4" { (1, 0) } else { (2, 3) };
    let session = stage.login(t, 0, "alice")?;
    let family = Attribute::requested_address_family(number);
    let allocation = Allocation::by(t, &mut stage, session, [family])?;
    allocation.permit(t, &mut stage, peer)?;
    let mut payload = vec![0; usize::try_from(v.number("size")).unwrap_or(0)];
    t.rng().fill_public(&mut payload);
    let arrived = allocation.send(t, &stage, peer, &payload)?;
    let req =
        if payload.is_empty() { req::TURN_SERVER_SEND_EMPTY } else { req::TURN_SERVER_RELAYS_SEND };
    let wanted = vec![(allocation.relay(), payload.clone())];
    t.must(
        req,
        arrived == wanted,
        "the bytes from the relayed address",
        format_args!("{arrived:x?}"),
    )?;
    let pieces = allocation.relay_in(t, &mut stage, peer, &payload);
    let told = shown_all(&pieces);
    let fits = matches!(pieces.as_slice(), [Piece::Stun(data)]
        if data.class() == Class::Indication
            && data.method() == method::DATA
            && data.peer_address() == Some(stage.peer(peer))
            && data.value(attribute::DATA) == Some(payload.as_slice()));
    let req = req::TURN_SERVER_DATA_ATTRIBUTES;
    t.must(req, fits, "one Data indication with peer and bytes", &told)?;
    let sound = pieces.iter().all(|piece| match piece {
        Piece::Stun(data) => data.faults().is_empty(),
        _ => false,
    });
    t.must(req::TURN_ATTRIBUTE_PADDING, sound, "a sound message", told)
}

case! {
    id: "turn.server.data.faulty-send",
    title: "A Send indication that lacks something, or names no address, is passed over",
    reqs: [req::TURN_SERVER_SEND_NEEDS_BOTH],
    kind: SubjectKind::TurnServer,
    needs: [Cap::LongTerm],
    variants: product! {
        fault: ["no peer", "no data", "nothing", "short peer", "family 3", "other family", "unknown attribute"],
    },
    run: faulty_send,
}

fn faulty_send(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut stage = RelayStage::plain(t)?;
    let allocation = Allocation::make(t, &mut stage)?;
    allocation.permit(t, &mut stage, 0)?;
    let peer = Attribute::xor_peer_address(stage.peer(0));
    let raw = |bytes: &[u8]| Attribute::bytes(attribute::XOR_PEER_ADDRESS, bytes);
    let data = Attribute::data(b"data");
    let attributes = match v.text("fault") {
        "no peer" => vec![data],
        "no data" => vec![peer],
        "nothing" => vec![],
        "short peer" => vec![raw(&[0, 1, 9]), data],
        "family 3" => vec![raw(&[0, 3, 1, 2, 3, 4, 5, 6]), data],
        "other family" => vec![Attribute::xor_peer_address(stage.peer(3)), data],
        _ => vec![peer, data, Attribute::bytes(0x7ffe, b"?")],
    };
    let message =
        Message::of(Class::Indication, method::SEND, fresh(t)).with_all(attributes).encode();
    let req = req::TURN_SERVER_SEND_NEEDS_BOTH;
    stage.ignores(t, req, 0, &message)?;
    for peer in [0, 3] {
        let arrived = stage.peer_takes(t, peer);
        t.must(req, arrived.is_empty(), "nothing relayed", format_args!("{arrived:x?}"))?;
    }
    let reached = allocation.reaches(t, &stage, 0)?;
    t.must(req, reached, "a good one relayed afterwards", "nothing")
}

case! {
    id: "turn.server.data.duplicate-peer",
    title: "Of two peer addresses in one indication, no unpermitted one is sent to",
    reqs: [req::TURN_SERVER_SEND_NEEDS_PERMISSION],
    kind: SubjectKind::TurnServer,
    needs: [Cap::LongTerm],
    variants: product! { permitted: ["first", "second"] },
    run: duplicate_peer,
}

/// Regression: one address was checked and another used (T08).
fn duplicate_peer(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut stage = RelayStage::plain(t)?;
    let allocation = Allocation::make(t, &mut stage)?;
    allocation.permit(t, &mut stage, 0)?;
    let permitted = Attribute::xor_peer_address(stage.peer(0));
    let other = Attribute::xor_peer_address(stage.peer(2));
    let peers =
        if v.text("permitted") == "first" { [permitted, other] } else { [other, permitted] };
    let message = Message::of(Class::Indication, method::SEND, fresh(t))
        .with_all(peers)
        .with(Attribute::data(b"whose?"));
    stage.give(t, 0, &message.encode())?;
    stage.settle(t);
    let arrived = stage.peer_takes(t, 2);
    let req = req::TURN_SERVER_SEND_NEEDS_PERMISSION;
    t.must(req, arrived.is_empty(), "nothing at the other peer", format_args!("{arrived:x?}"))
}

case! {
    id: "turn.server.data.unexpected-classes",
    title: "Methods in classes that they do not have leave the server silent or refusing, and alive",
    reqs: [req::TURN_SERVER_SEND_NEEDS_BOTH, req::TURN_METHOD_NUMBERS],
    kind: SubjectKind::TurnServer,
    needs: [Cap::LongTerm],
    run: unexpected_classes,
}

fn unexpected_classes(t: &mut Ctl<'_>, _v: &Variant) -> Outcome {
    let mut stage = RelayStage::plain(t)?;
    let allocation = Allocation::make(t, &mut stage)?;
    for kind in 0..0x10 {
        for class in Class::ALL {
            let message = Message::of(class, kind, fresh(t))
                .with(Attribute::xor_peer_address(stage.peer(0)))
                .with(Attribute::data(b"x"))
                .with(Attribute::lifetime(0));
            let back = stage.exchange(t, 0, &message.encode())?;
            let succeeded = back.iter().any(|piece| match piece {
                Piece::Stun(reply) => reply.class() == Class::Success && kind != 1,
                _ => false,
            });
            t.must(req::TURN_METHOD_NUMBERS, !succeeded, "no success", shown_all(&back))?;
        }
    }
    let arrived = stage.peer_takes(t, 0);
    let req = req::TURN_SERVER_SEND_NEEDS_BOTH;
    t.must(req, arrived.is_empty(), "nothing relayed", format_args!("{arrived:x?}"))?;
    allocation.permit(t, &mut stage, 0)
}

case! {
    id: "turn.server.data.oversize",
    title: "Datagrams of every size, and lengths that lie, leave the server alive",
    reqs: [req::TURN_SERVER_RELAYS_SEND, req::TURN_CHANNEL_DATA_TRUNCATED],
    kind: SubjectKind::TurnServer,
    needs: [Cap::LongTerm],
    run: oversize,
}

/// Regression: a datagram of the greatest size brought a server down (T18).
fn oversize(t: &mut Ctl<'_>, _v: &Variant) -> Outcome {
    let mut stage = RelayStage::plain(t)?;
    let allocation = Allocation::make(t, &mut stage)?;
    allocation.bind(t, &mut stage, 0x4000, 0)?;
    for size in [1_500, 9_000, 65_000, 65_503] {
        let message = ChannelData::new(0x4000, &vec![7; size]);
        stage.throw(t, 0, &message.encode());
        let message = Allocation::send_indication(t, stage.peer(0), &vec![7; size - 60]);
        stage.throw(t, 0, &message.encode());
        stage.peer_sends(t, 0, allocation.relay(), &vec![9; size]);
        stage.settle(t);
    }
    for length in [1, 4, 0x4000, 0xffff] {
        let message = ChannelData::new(0x4000, b"").with_length(F::Set(length));
        stage.throw(t, 0, &message.encode());
    }
    stage.settle(t);
    let _ = (stage.take(t, 0), stage.peer_takes(t, 0));
    stage.alive(t, req::TURN_CHANNEL_DATA_TRUNCATED)?;
    let reached = allocation.reaches(t, &stage, 0)?;
    t.must(req::TURN_SERVER_RELAYS_SEND, reached, "data relayed afterwards", "none")
}

case! {
    id: "turn.server.data.icmp",
    title: "An ICMP error about relayed data is told to the client, if the destination has a permission",
    reqs: [
        req::TURN_SERVER_ICMP_ATTRIBUTES,
        req::TURN_SERVER_ICMP_SOURCE_NOT_CHECKED,
        req::TURN_SERVER_ICMP_TYPES,
        req::TURN_ICMP_RESERVED_ZERO,
        req::TURN_ICMP_ERROR_DATA_ZERO,
        req::TURN_ICMP_ERROR_DATA_MTU,
    ],
    kind: SubjectKind::TurnServer,
    needs: [Cap::LongTerm, Cap::TurnIcmp],
    variants: product! {
        error: ["port unreachable", "host unreachable", "too big"],
        family: ["v4", "v6"],
        permission: ["there", "lapsed"],
        channel: [false, true],
    },
    run: icmp,
}

fn icmp(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut stage = RelayStage::plain(t)?;
    let v4 = v.text("family") == "v4";
    let session = stage.login(t, 0, "alice")?;
    let family = Attribute::requested_address_family(if v4 { 1 } else { 2 });
    let allocation = Allocation::by(t, &mut stage, session, [family])?;
    let peer = if v4 { 0 } else { 3 };
    match v.flag("channel") {
        true => allocation.bind(t, &mut stage, 0x4000, peer)?,
        false => allocation.permit(t, &mut stage, peer)?,
    }
    if v.text("permission") == "lapsed" {
        stage.wait(t, 301 * SECOND);
    }
    let _ = stage.take(t, 0);
    let (error, kind, code, data) = match (v.text("error"), v4) {
        ("port unreachable", true) => (simnet::IcmpError::PortUnreachable, 3, 3, 0),
        ("port unreachable", false) => (simnet::IcmpError::PortUnreachable, 1, 4, 0),
        ("host unreachable", true) => (simnet::IcmpError::HostUnreachable, 3, 1, 0),
        ("host unreachable", false) => (simnet::IcmpError::HostUnreachable, 1, 3, 0),
        (_, true) => (simnet::IcmpError::TooBig { mtu: 1400 }, 3, 4, 1400),
        (_, false) => (simnet::IcmpError::TooBig { mtu: 1400 }, 2, 0, 1400),
    };
    let about = simnet::Packet::udp(allocation.relay(), stage.peer(peer), b"data".to_vec());
    // The error comes from a router that nobody has heard of.
    let router: IpAddr = if v4 { [11, 0, 7, 7].into() } else { stage.peer(4).ip() };
    let packet = about.icmp_error(router, error);
    let packet = packet.ok_or_else(|| Stop::Harness("no ICMP error to send".to_owned()))?;
    let node = t.net().node("peer2");
    t.net().inject(node, packet);
    t.stimulus("an ICMP error");
    stage.settle(t);
    let pieces = stage.take(t, 0);
    let told = shown_all(&pieces);
    if v.text("permission") == "lapsed" {
        let req = req::TURN_SERVER_ICMP_SOURCE_NOT_CHECKED;
        return t.must(req, pieces.is_empty(), "silence without a permission", told);
    }
    let report = match pieces.as_slice() {
        [Piece::Stun(report)] => Some(report),
        _ => None,
    };
    let named = report.is_some_and(|report| {
        report.method() == method::DATA
            && report.class() == Class::Indication
            && report.peer_address() == Some(stage.peer(peer))
            && report.has(attribute::ICMP)
            && !report.has(attribute::DATA)
    });
    let req = req::TURN_SERVER_ICMP_ATTRIBUTES;
    t.must(req, named, "a Data indication with peer and ICMP", &told)?;
    t.must(req::TURN_SERVER_ICMP_SOURCE_NOT_CHECKED, named, "a report", &told)?;
    let value = report.and_then(|report| report.icmp());
    let fits = value.is_some_and(|(k, c, _)| (k, c) == (kind, code));
    let req = req::TURN_SERVER_ICMP_TYPES;
    t.must(req, fits, format_args!("type {kind} code {code}"), format_args!("{value:?}"))?;
    let sound = report.is_some_and(|report| report.faults().is_empty());
    t.must(req::TURN_ICMP_RESERVED_ZERO, sound, "a sound message", &told)?;
    let fits = value.is_some_and(|(.., found)| found == data);
    let req =
        if data == 0 { req::TURN_ICMP_ERROR_DATA_ZERO } else { req::TURN_ICMP_ERROR_DATA_MTU };
    t.must(req, fits, data, format_args!("{value:?}"))
}
