//! Channels: RFC 8656 §12.

use super::{script::*, server_permission::wait_alive};

case! {
    id: "turn.server.channel.bound",
    title: "A channel carries data both ways and comes with a permission",
    reqs: [
        req::TURN_SERVER_CHANNEL_MAKES_PERMISSION,
        req::TURN_SERVER_USES_CHANNEL,
        req::TURN_SERVER_RELAYS_CHANNEL_DATA,
        req::TURN_CHANNEL_DATA_FORMAT,
        req::TURN_CHANNEL_DATA_PADDING_ON_DATAGRAMS,
        req::TURN_CHANNEL_NUMBER_RFFU_IGNORED,
        req::TURN_PERMISSION_BY_ADDRESS,
    ],
    kind: SubjectKind::TurnServer,
    needs: [Cap::LongTerm],
    variants: product! {
        family: ["v4", "v6"],
        size: [0, 1, 3, 4, 1_000],
        padding: [0, 1, 3],
        channel: [0x4000, 0x4fff],
    },
    run: bound,
}

fn bound(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut stage = RelayStage::plain(t)?;
    let (number, peer) = if v.text("family") == "v4" { (1, 0) } else { (2, 3) };
    let channel = u16::try_from(v.number("channel")).unwrap_or(0);
    let session = stage.login(t, 0, "alice")?;
    let family = Attribute::requested_address_family(number);
    let allocation = Allocation::by(t, &mut stage, session, [family])?;
    let [high, low] = channel.to_be_bytes();
    let attributes = [
        Attribute::bytes(attribute::CHANNEL_NUMBER, &[high, low, 0xff, 1]),
        Attribute::xor_peer_address(stage.peer(peer)),
    ];
    let (request, reply) = allocation.ask(t, &mut stage, method::CHANNEL_BIND, attributes)?;
    let shape = Shape::success(&request).signed(allocation.session.key());
    shape.holds(t, req::TURN_CHANNEL_NUMBER_RFFU_IGNORED, reply.as_ref())?;
    let mut payload = vec![0; usize::try_from(v.number("size")).unwrap_or(0)];
    t.rng().fill_public(&mut payload);
    let mut message = ChannelData::new(channel, &payload);
    message.padding = vec![0; usize::try_from(v.number("padding")).unwrap_or(0)];
    let arrived = allocation.relay_out(t, &stage, peer, &message.encode())?;
    let wanted = vec![(allocation.relay(), payload.clone())];
    let fits = arrived == wanted;
    let told = format!("{arrived:x?}");
    t.must(
        req::TURN_SERVER_RELAYS_CHANNEL_DATA,
        fits,
        "the bytes from the relayed address",
        &told,
    )?;
    let req = req::TURN_CHANNEL_DATA_PADDING_ON_DATAGRAMS;
    t.may(req, fits, "the bytes without padding", told)?;
    let pieces = allocation.relay_in(t, &mut stage, peer, &payload);
    let told = shown_all(&pieces);
    let fits = matches!(pieces.as_slice(), [Piece::Channel(data)] if data.channel == channel);
    t.must(req::TURN_SERVER_USES_CHANNEL, fits, "one ChannelData message", &told)?;
    let fits = matches!(pieces.as_slice(), [Piece::Channel(data)] if data.data == payload);
    t.must(req::TURN_CHANNEL_DATA_FORMAT, fits, "the bytes of the peer", &told)?;
    let reached = allocation.reaches(t, &stage, peer)?;
    let req = req::TURN_SERVER_CHANNEL_MAKES_PERMISSION;
    t.must(req, reached, "data in a Send indication too", "none")?;
    if number == 2 {
        return Ok(());
    }
    // The other port of the peer has the permission and not the channel.
    let pieces = allocation.relay_in(t, &mut stage, 1, b"other port");
    let fits = matches!(pieces.as_slice(), [Piece::Stun(data)] if data.method() == method::DATA);
    t.must(req::TURN_PERMISSION_BY_ADDRESS, fits, "a Data indication", shown_all(&pieces))
}

case! {
    id: "turn.server.channel.refused",
    title: "A request without number or peer, or with a number out of range, gets 400",
    reqs: [
        req::TURN_SERVER_400_CHANNEL,
        req::TURN_SERVER_443_CHANNEL,
        req::TURN_CHANNEL_RANGE,
    ],
    kind: SubjectKind::TurnServer,
    needs: [Cap::LongTerm],
    variants: product! {
        fault: [
            "no number", "no peer", "nothing", "short number", "number 0000", "number 3fff",
            "number 5000", "number 7fff", "number ffff", "short peer", "other family",
        ],
    },
    run: refused,
}

/// Regression: numbers that an older TURN allowed collide with other protocols (coturn#2006, libjuice#343).
fn refused(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut stage = RelayStage::plain(t)?;
    let allocation = Allocation::make(t, &mut stage)?;
    let peer = Attribute::xor_peer_address(stage.peer(0));
    let number = Attribute::channel_number;
    let (attributes, code) = match v.text("fault") {
        "no number" => (vec![peer], 400),
        "no peer" => (vec![number(0x4000)], 400),
        "nothing" => (vec![], 400),
        "short number" => {
            (vec![Attribute::bytes(attribute::CHANNEL_NUMBER, &[0x40, 0]), peer], 400)
        }
        "number 0000" => (vec![number(0), peer], 400),
        "number 3fff" => (vec![number(0x3fff), peer], 400),
        "number 5000" => (vec![number(0x5000), peer], 400),
        "number 7fff" => (vec![number(0x7fff), peer], 400),
        "number ffff" => (vec![number(0xffff), peer], 400),
        "short peer" => {
            let peer = Attribute::bytes(attribute::XOR_PEER_ADDRESS, &[0, 1, 1]);
            (vec![number(0x4000), peer], 400)
        }
        _ => (vec![number(0x4000), Attribute::xor_peer_address(stage.peer(3))], 443),
    };
    let req = match v.text("fault") {
        "other family" => req::TURN_SERVER_443_CHANNEL,
        fault if fault.starts_with("number") => req::TURN_CHANNEL_RANGE,
        _ => req::TURN_SERVER_400_CHANNEL,
    };
    let (request, reply) = allocation.ask(t, &mut stage, method::CHANNEL_BIND, attributes)?;
    Shape::error(&request, code).signed(allocation.session.key()).holds(t, req, reply.as_ref())?;
    let heard = allocation.hears(t, &mut stage, 0);
    t.must(req, !heard, "no permission", "data of the peer")
}

case! {
    id: "turn.server.channel.conflict",
    title: "Neither a number nor a peer is bound twice; binding the same again is fine",
    reqs: [req::TURN_SERVER_400_CHANNEL],
    kind: SubjectKind::TurnServer,
    needs: [Cap::LongTerm],
    variants: product! { conflict: ["number", "peer", "port", "none"] },
    run: conflict,
}

fn conflict(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut stage = RelayStage::plain(t)?;
    let allocation = Allocation::make(t, &mut stage)?;
    allocation.bind(t, &mut stage, 0x4000, 0)?;
    let (channel, peer, fine) = match v.text("conflict") {
        "number" => (0x4000, stage.peer(2), false),
        "peer" => (0x4001, stage.peer(0), false),
        // Another port is another peer.
        "port" => (0x4001, stage.peer(1), true),
        _ => (0x4000, stage.peer(0), true),
    };
    let (request, reply) = allocation.try_bind(t, &mut stage, channel, peer)?;
    let shape = if fine { Shape::success(&request) } else { Shape::error(&request, 400) };
    let req = req::TURN_SERVER_400_CHANNEL;
    shape.signed(allocation.session.key()).holds(t, req, reply.as_ref())?;
    let works = allocation.channel_reaches(t, &stage, 0, 0x4000)?;
    t.must(req, works, "the first channel still bound", "no data")
}

case! {
    id: "turn.server.channel.lifetime",
    title: "A channel lasts 600 seconds from the last request for it, whatever data passes",
    reqs: [req::TURN_CHANNEL_600, req::TURN_CHANNEL_DATA_DOES_NOT_REFRESH],
    kind: SubjectKind::TurnServer,
    needs: [Cap::LongTerm],
    variants: product! { refreshed: [false, true], traffic: [false, true] },
    run: lifetime,
}

fn lifetime(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut stage = RelayStage::plain(t)?;
    let allocation = Allocation::make(t, &mut stage)?;
    allocation.bind(t, &mut stage, 0x4000, 0)?;
    if v.flag("refreshed") {
        wait_alive(t, &mut stage, &allocation, 400)?;
        allocation.bind(t, &mut stage, 0x4000, 0)?;
    }
    let begun = t.now();
    let req = match v.flag("traffic") {
        true => req::TURN_CHANNEL_DATA_DOES_NOT_REFRESH,
        false => req::TURN_CHANNEL_600,
    };
    for _ in 0..2 {
        wait_alive(t, &mut stage, &allocation, 250)?;
        allocation.permit(t, &mut stage, 0)?;
        if v.flag("traffic") {
            let works = allocation.channel_reaches(t, &stage, 0, 0x4000)?;
            t.must(req, works, "data over the channel", "none")?;
        }
    }
    t.run_until(begun + Duration::from_millis(599_000));
    let works = allocation.channel_reaches(t, &stage, 0, 0x4000)?;
    t.must(req::TURN_CHANNEL_600, works, "data after 599 s", "none")?;
    t.run_until(begun + Duration::from_millis(600_100));
    let works = allocation.channel_reaches(t, &stage, 0, 0x4000)?;
    t.must(req, !works, "no data over the channel after 600 s", "some")?;
    let pieces = allocation.relay_in(t, &mut stage, 0, b"x");
    let fits = matches!(pieces.as_slice(), [Piece::Stun(_)]);
    t.must(req, fits, "a Data indication after 600 s", shown_all(&pieces))?;
    allocation.bind(t, &mut stage, 0x4000, 0)
}

case! {
    id: "turn.server.channel.ignored",
    title: "ChannelData that is cut short, unbound or reserved is passed over",
    reqs: [
        req::TURN_CHANNEL_DATA_TRUNCATED,
        req::TURN_CHANNEL_DATA_UNBOUND,
        req::TURN_RESERVED_FIRST_BYTES_DROPPED,
        req::TURN_CHANNEL_PER_ALLOCATION,
    ],
    kind: SubjectKind::TurnServer,
    needs: [Cap::LongTerm],
    variants: product! {
        fault: [
            "cut by one", "cut to the header", "half a header", "other number", "other allocation",
            "first byte 80", "first byte 127", "first byte 192", "first byte 255",
        ],
    },
    run: ignored,
}

fn ignored(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut stage = RelayStage::plain(t)?;
    let allocation = Allocation::make(t, &mut stage)?;
    allocation.bind(t, &mut stage, 0x4000, 0)?;
    let data = ChannelData::new(0x4000, b"four").encode();
    let cut = |length: usize| data.get(..length).unwrap_or_default().to_vec();
    let first = |byte: u8| {
        let mut bytes = data.clone();
        bytes.splice(..1, [byte]);
        bytes
    };
    let mut line = 0;
    let (bytes, req) = match v.text("fault") {
        "cut by one" => (cut(7), req::TURN_CHANNEL_DATA_TRUNCATED),
        "cut to the header" => (cut(4), req::TURN_CHANNEL_DATA_TRUNCATED),
        "half a header" => (cut(2), req::TURN_CHANNEL_DATA_TRUNCATED),
        "other number" => {
            (ChannelData::new(0x4001, b"four").encode(), req::TURN_CHANNEL_DATA_UNBOUND)
        }
        "other allocation" => {
            let session = stage.login(t, 1, "alice")?;
            let other = Allocation::by(t, &mut stage, session, [])?;
            other.permit(t, &mut stage, 0)?;
            line = 1;
            (data, req::TURN_CHANNEL_PER_ALLOCATION)
        }
        "first byte 80" => (first(80), req::TURN_RESERVED_FIRST_BYTES_DROPPED),
        "first byte 127" => (first(127), req::TURN_RESERVED_FIRST_BYTES_DROPPED),
        "first byte 192" => (first(192), req::TURN_RESERVED_FIRST_BYTES_DROPPED),
        _ => (first(255), req::TURN_RESERVED_FIRST_BYTES_DROPPED),
    };
    stage.ignores(t, req, line, &bytes)?;
    let arrived = stage.peer_takes(t, 0);
    t.must(req, arrived.is_empty(), "nothing relayed", format_args!("{arrived:x?}"))?;
    let works = allocation.channel_reaches(t, &stage, 0, 0x4000)?;
    t.must(req, works, "the channel still bound", "no data")
}

case! {
    id: "turn.server.channel.quota",
    title: "Channels beyond what the server keeps get 508",
    reqs: [req::TURN_SERVER_508_CHANNEL],
    kind: SubjectKind::TurnServer,
    needs: [Cap::LongTerm, Cap::TurnQuotas],
    no_reference: "no independent stack in process limits channels",
    run: quota,
}

fn quota(t: &mut Ctl<'_>, _v: &Variant) -> Outcome {
    let mut stage = RelayStage::open(t, |config| config.quotas.channels = Some(2))?;
    let allocation = Allocation::make(t, &mut stage)?;
    for (channel, peer) in [(0x4000, 0), (0x4001, 1)] {
        allocation.bind(t, &mut stage, channel, peer)?;
    }
    let peer = stage.peer(2);
    let (request, reply) = allocation.try_bind(t, &mut stage, 0x4002, peer)?;
    let shape = Shape::error(&request, 508).signed(allocation.session.key());
    shape.holds(t, req::TURN_SERVER_508_CHANNEL, reply.as_ref())?;
    allocation.bind(t, &mut stage, 0x4000, 0)
}
