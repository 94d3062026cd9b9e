//! Permissions, channels and data as clients have them: RFC 8656 §9 to §12.

use super::script::*;

case! {
    id: "turn.client.permission.request",
    title: "A CreatePermission request names the peer, of a family that the allocation has",
    reqs: [req::TURN_CLIENT_PERMISSION_NAMES_PEER, req::TURN_CLIENT_PERMISSION_FAMILY],
    kind: SubjectKind::TurnClient,
    variants: product! { allocated: ["v4", "v6"], peer: ["v4", "v6"] },
    run: permission,
}

fn permission(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let relayed = if v.text("allocated") == "v4" { Relayed::V4 } else { Relayed::V6 };
    let mut stage = HostStage::allocated(t, |config| config.wish.relayed = relayed)?;
    stage.forget();
    let to = if v.text("peer") == "v4" { peer(1) } else { peer_v6(1) };
    let taken = stage.try_command(t, "the command to permit", |c, now| c.permit(now, to.ip()))?;
    stage.serve(t, 2 * SECOND)?;
    let sent = stage.requests(method::CREATE_PERMISSION);
    if v.text("allocated") != v.text("peer") {
        let req = req::TURN_CLIENT_PERMISSION_FAMILY;
        return t.must(req, sent.is_empty(), "no request", format_args!("taken: {taken}"));
    }
    let peers: Vec<_> = sent
        .iter()
        .filter_map(|sent| sent.stun())
        .flat_map(|message| message.xor_addresses(attribute::XOR_PEER_ADDRESS))
        .collect();
    let named = !peers.is_empty() && peers.iter().all(|peer| peer.map(|p| p.ip()) == Some(to.ip()));
    let told = format!("{peers:?}");
    t.must(req::TURN_CLIENT_PERMISSION_NAMES_PEER, named, to.ip(), &told)?;
    t.must(req::TURN_CLIENT_PERMISSION_FAMILY, named, to.ip(), told)?;
    let events = stage.events(t);
    let made = events.contains(&TurnClientEvent::Permitted { peer: to.ip() });
    let req = req::TURN_CLIENT_PERMISSION_NAMES_PEER;
    t.must(req, made, "the permission reported", format_args!("{events:?}"))
}

case! {
    id: "turn.client.permission.kept",
    title: "Permissions and channels that are in use are refreshed before they lapse",
    reqs: [req::TURN_CLIENT_PERMISSION_BEFORE_SEND, req::TURN_CLIENT_SAME_CHANNEL_AGAIN],
    kind: SubjectKind::TurnClient,
    variants: product! { with: ["permission", "channel"], traffic: [false, true] },
    run: kept,
}

fn kept(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut stage = HostStage::allocated(t, |_| {})?;
    let to = peer(1);
    let channel = v.text("with") == "channel";
    let mut granted = t.now();
    let number = match channel {
        true => Some(stage.bind(t, to)?),
        false => {
            stage.permit(t, to)?;
            None
        }
    };
    stage.forget();
    let mut bound = granted;
    for _ in 0..40 {
        if v.flag("traffic") {
            let _ = stage.try_command(t, "the command to send", |c, now| c.send(now, to, b"x"))?;
        }
        stage.serve(t, 30 * SECOND)?;
    }
    let end = t.now();
    for sent in &stage.log {
        let about = sent.stun().and_then(Parsed::peer_address).map(|peer| peer.ip());
        if about != Some(to.ip()) {
            continue;
        }
        if sent.is_request(method::CREATE_PERMISSION) || sent.is_request(method::CHANNEL_BIND) {
            let gap = sent.at - granted;
            let req = req::TURN_CLIENT_PERMISSION_BEFORE_SEND;
            t.must(req, gap < 300 * SECOND, "within 300 s", format_args!("{gap:?}"))?;
            granted = sent.at;
        }
        if sent.is_request(method::CHANNEL_BIND) {
            let gap = sent.at - bound;
            let same = sent.stun().and_then(Parsed::channel_number) == number;
            let req = req::TURN_CLIENT_SAME_CHANNEL_AGAIN;
            t.must(req, same, format_args!("{number:x?}"), shown(sent.stun()))?;
            t.must(req, gap < 600 * SECOND, "within 600 s", format_args!("{gap:?}"))?;
            bound = sent.at;
        }
    }
    let gap = end - granted;
    let req = req::TURN_CLIENT_PERMISSION_BEFORE_SEND;
    t.must(req, gap < 300 * SECOND, "kept to the end", format_args!("{gap:?}"))?;
    let gap = end - bound;
    let req = req::TURN_CLIENT_SAME_CHANNEL_AGAIN;
    t.must(req, !channel || gap < 600 * SECOND, "kept to the end", format_args!("{gap:?}"))
}

case! {
    id: "turn.client.send.indication",
    title: "Data goes to a peer in a Send indication, once there is a permission",
    reqs: [
        req::TURN_CLIENT_PERMISSION_BEFORE_SEND,
        req::TURN_CLIENT_SEND_ATTRIBUTES,
        req::TURN_ATTRIBUTE_PADDING,
    ],
    kind: SubjectKind::TurnClient,
    variants: product! { size: [0, 1, 5, 1_000] },
    run: send_indication,
}

fn send_indication(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut stage = HostStage::allocated(t, |_| {})?;
    stage.forget();
    let to = peer(1);
    let mut payload = vec![0; usize::try_from(v.number("size")).unwrap_or(0)];
    t.rng().fill_public(&mut payload);
    let _ = stage.try_command(t, "the command to send", |c, now| c.send(now, to, &payload))?;
    stage.serve_with(t, SECOND, |sent| match sent.is_request(method::CREATE_PERMISSION) {
        true => Deed::Silence,
        false => Deed::Good,
    })?;
    let data = |stage: &HostStage| {
        stage
            .log
            .iter()
            .filter(|sent| match &sent.piece {
                Piece::Stun(message) => message.method() == method::SEND,
                _ => true,
            })
            .count()
    };
    let early = data(&stage);
    t.must(req::TURN_CLIENT_PERMISSION_BEFORE_SEND, early == 0, "no data yet", early)?;
    stage.permit(t, to)?;
    stage.serve(t, 5 * SECOND)?;
    stage.forget();
    stage.command(t, "the command to send", |c, now| c.send(now, to, &payload))?;
    stage.serve(t, SECOND)?;
    let sent = stage.log.iter().filter_map(Sent::stun).find(|m| m.method() == method::SEND);
    let fits = sent.is_some_and(|message| {
        message.class() == Class::Indication
            && message.peer_address() == Some(to)
            && message.value(attribute::DATA) == Some(&payload[..])
    });
    let told = shown(sent);
    t.must(req::TURN_CLIENT_SEND_ATTRIBUTES, fits, "peer and data", &told)?;
    let sound = sent.is_some_and(|message| message.faults().is_empty());
    t.must(req::TURN_ATTRIBUTE_PADDING, sound, "a sound message", told)
}

case! {
    id: "turn.client.data.indication",
    title: "Data comes from peers with a permission only, whatever it is",
    reqs: [
        req::TURN_CLIENT_DELIVERS_DATA,
        req::TURN_CLIENT_DATA_NEEDS_PERMISSION,
        req::TURN_CLIENT_DATA_NEEDS_ATTRIBUTES,
    ],
    kind: SubjectKind::TurnClient,
    variants: product! {
        content: [
            "data", "empty", "other port", "stranger", "no peer", "no data", "short peer",
            "unknown required",
        ],
    },
    run: data_indication,
}

fn data_indication(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut stage = HostStage::allocated(t, |_| {})?;
    let from = peer(1);
    stage.permit(t, from)?;
    let _ = stage.events(t);
    let bare = Message::of(Class::Indication, method::DATA, fresh(t));
    let named = Attribute::xor_peer_address(from);
    let data = Attribute::data(b"payload");
    let other_port = SocketAddr::new(from.ip(), 9);
    let (message, wanted, req) = match v.text("content") {
        "data" => (
            bare.with(named).with(data),
            Some((from, b"payload".to_vec())),
            req::TURN_CLIENT_DELIVERS_DATA,
        ),
        "empty" => (
            bare.with(named).with(Attribute::data(b"")),
            Some((from, vec![])),
            req::TURN_CLIENT_DELIVERS_DATA,
        ),
        "other port" => (
            bare.with(Attribute::xor_peer_address(other_port)).with(data),
            Some((other_port, b"payload".to_vec())),
            req::TURN_CLIENT_DELIVERS_DATA,
        ),
        "stranger" => (
            bare.with(Attribute::xor_peer_address(peer(2))).with(data),
            None,
            req::TURN_CLIENT_DATA_NEEDS_PERMISSION,
        ),
        "no peer" => (bare.with(data), None, req::TURN_CLIENT_DATA_NEEDS_ATTRIBUTES),
        "no data" => (bare.with(named), None, req::TURN_CLIENT_DATA_NEEDS_ATTRIBUTES),
        "short peer" => {
            let short = Attribute::bytes(attribute::XOR_PEER_ADDRESS, &[0, 1, 2]);
            (bare.with(short).with(data), None, req::TURN_CLIENT_DATA_NEEDS_ATTRIBUTES)
        }
        _ => (
            bare.with(named).with(data).with(Attribute::bytes(0x7ffe, b"?")),
            None,
            req::TURN_CLIENT_DATA_NEEDS_ATTRIBUTES,
        ),
    };
    stage.give(t, &message.encode())?;
    let got = stage.delivered(t);
    let fits = got == wanted.clone().into_iter().collect::<Vec<_>>();
    let told = format!("{got:x?}");
    if v.text("content") == "stranger" {
        t.should(req, fits, "nothing", told)?;
    } else {
        t.must(req, fits, format_args!("{wanted:x?}"), told)?;
    }
    let good = HostStage::data(t, from, b"afterwards").encode();
    stage.give(t, &good)?;
    let got = stage.delivered(t);
    let fits = got == [(from, b"afterwards".to_vec())];
    t.must(req::TURN_CLIENT_DELIVERS_DATA, fits, "good data afterwards", format_args!("{got:x?}"))
}

case! {
    id: "turn.client.data.icmp",
    title: "An ICMP report about a permitted peer is passed on, any other not",
    reqs: [
        req::TURN_CLIENT_REPORTS_ICMP,
        req::TURN_CLIENT_ICMP_NEEDS_PERMISSION,
        req::TURN_ICMP_RESERVED_IGNORED,
    ],
    kind: SubjectKind::TurnClient,
    needs: [Cap::TurnIcmp],
    variants: product! { report: ["plain", "reserved bits", "stranger", "no peer", "short"] },
    run: icmp,
}

fn icmp(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut stage = HostStage::allocated(t, |_| {})?;
    let about = peer(1);
    stage.permit(t, about)?;
    let _ = stage.events(t);
    let bare = Message::of(Class::Indication, method::DATA, fresh(t));
    let named = Attribute::xor_peer_address(about);
    let icmp = Attribute::icmp(3, 3, 0);
    let (message, wanted, req) = match v.text("report") {
        "plain" => (bare.with(named).with(icmp), true, req::TURN_CLIENT_REPORTS_ICMP),
        "reserved bits" => {
            let odd = icmp.with_octets(F::Xor(vec![0xff, 0xff]));
            (bare.with(named).with(odd), true, req::TURN_ICMP_RESERVED_IGNORED)
        }
        "stranger" => {
            let other = Attribute::xor_peer_address(peer(2));
            (bare.with(other).with(icmp), false, req::TURN_CLIENT_ICMP_NEEDS_PERMISSION)
        }
        "no peer" => (bare.with(icmp), false, req::TURN_CLIENT_REPORTS_ICMP),
        _ => {
            let short = Attribute::bytes(attribute::ICMP, &[0, 0, 3]);
            (bare.with(named).with(short), false, req::TURN_CLIENT_REPORTS_ICMP)
        }
    };
    stage.give(t, &message.encode())?;
    let events = stage.events(t);
    let told = events.contains(&TurnClientEvent::Icmp { peer: about, kind: 3, code: 3 });
    let any = events.iter().any(|event| matches!(event, TurnClientEvent::Icmp { .. }));
    let fits = if wanted { told } else { !any };
    let wanted = if wanted { "the report" } else { "nothing" };
    match v.text("report") {
        "stranger" => t.should(req, fits, wanted, format_args!("{events:?}")),
        _ => t.must(req, fits, wanted, format_args!("{events:?}")),
    }
}

case! {
    id: "turn.client.channel.request",
    title: "A ChannelBind request has a number of the range and the peer, a number of its own for each",
    reqs: [
        req::TURN_CLIENT_CHANNEL_ATTRIBUTES,
        req::TURN_CHANNEL_RANGE,
        req::TURN_CHANNEL_NUMBER_RFFU_ZERO,
        req::TURN_CLIENT_CHANNEL_FAMILY,
    ],
    kind: SubjectKind::TurnClient,
    variants: product! { peer: ["v4", "v6"] },
    run: channel_request,
}

/// Regression: numbers that an older TURN allowed collide with other protocols (coturn#2006).
fn channel_request(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut stage = HostStage::allocated(t, |_| {})?;
    stage.forget();
    let v4 = v.text("peer") == "v4";
    for index in 1..9 {
        let to = if v4 { peer(index) } else { peer_v6(index.into()) };
        let _ = stage.try_command(t, "the command to bind", |c, now| c.bind_channel(now, to))?;
        stage.serve(t, 2 * SECOND)?;
    }
    let sent = stage.requests(method::CHANNEL_BIND);
    if !v4 {
        return t.must(req::TURN_CLIENT_CHANNEL_FAMILY, sent.is_empty(), "no request", sent.len());
    }
    let mut numbers = Vec::new();
    let mut peers = Vec::new();
    for message in sent.iter().filter_map(|sent| sent.stun()) {
        let value = message.value(attribute::CHANNEL_NUMBER);
        let number = message.channel_number();
        let whole = number.is_some() && message.peer_address().is_some();
        t.must(req::TURN_CLIENT_CHANNEL_ATTRIBUTES, whole, "number and peer", message)?;
        let fits = number.is_some_and(|number| (0x4000..=0x4fff).contains(&number));
        t.must(req::TURN_CHANNEL_RANGE, fits, "0x4000 to 0x4fff", message)?;
        let zero = matches!(value, Some([_, _, 0, 0]));
        t.must(req::TURN_CHANNEL_NUMBER_RFFU_ZERO, zero, "zeros", message)?;
        let family = message.peer_address().is_some_and(|peer| peer.is_ipv4());
        t.must(req::TURN_CLIENT_CHANNEL_FAMILY, family, "IPv4", message)?;
        numbers.extend(number);
        peers.extend(message.peer_address());
    }
    let count = numbers.len();
    numbers.sort_unstable();
    numbers.dedup();
    peers.sort_unstable();
    peers.dedup();
    let apart = numbers.len() == 8 && peers.len() == 8;
    let told = format!("{count} requests, {} numbers, {} peers", numbers.len(), peers.len());
    t.must(req::TURN_CLIENT_CHANNEL_ATTRIBUTES, apart, "eight of each", told)
}

case! {
    id: "turn.client.channel.lost-answer",
    title: "When the answer is lost, the same peer gets the same number again",
    reqs: [req::TURN_CLIENT_SAME_CHANNEL_AGAIN],
    kind: SubjectKind::TurnClient,
    variants: product! { lost: [1, 3, 7] },
    run: lost_answer,
}

/// Regression: a second number for the same peer was refused for ever after (pion/turn#541).
fn lost_answer(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut stage = HostStage::allocated(t, |_| {})?;
    stage.forget();
    let to = peer(1);
    stage.command(t, "the command to bind", |c, now| c.bind_channel(now, to))?;
    let mut left = v.number("lost");
    let mut lose = |sent: &Sent| {
        if left > 0 && sent.is_request(method::CHANNEL_BIND) {
            left -= 1;
            return Deed::Silence;
        }
        Deed::Good
    };
    stage.serve_with(t, 45 * SECOND, &mut lose)?;
    let events = stage.events(t);
    if !events.contains(&TurnClientEvent::ChannelBound { peer: to }) {
        let _ = stage.try_command(t, "the command to bind", |c, now| c.bind_channel(now, to))?;
        stage.serve_with(t, 10 * SECOND, &mut lose)?;
    }
    let numbers: Vec<_> = stage
        .requests(method::CHANNEL_BIND)
        .iter()
        .filter_map(|sent| sent.stun().and_then(Parsed::channel_number))
        .collect();
    let same = numbers.windows(2).all(|pair| pair.first() == pair.last());
    let told = format!("{numbers:x?}");
    t.must(req::TURN_CLIENT_SAME_CHANNEL_AGAIN, same && numbers.len() > 1, "one number", told)
}

case! {
    id: "turn.client.channel.data",
    title: "Data goes and comes over a bound channel, empty, padded and early data too",
    reqs: [
        req::TURN_CHANNEL_DATA_FORMAT,
        req::TURN_CLIENT_DEMULTIPLEXES,
        req::TURN_CLIENT_EARLY_CHANNEL_DATA,
        req::TURN_CHANNEL_DATA_PADDING_ON_DATAGRAMS,
    ],
    kind: SubjectKind::TurnClient,
    variants: product! { size: [0, 1, 4, 1_000], padding: [0, 3], answered: [false, true] },
    run: channel_data,
}

fn channel_data(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut stage = HostStage::allocated(t, |_| {})?;
    let to = peer(1);
    stage.permit(t, to)?;
    let answered = v.flag("answered");
    let number = if answered {
        stage.bind(t, to)?
    } else {
        stage.forget();
        stage.command(t, "the command to bind", |c, now| c.bind_channel(now, to))?;
        stage.serve_with(t, 100 * MILLISECOND, |_| Deed::Silence)?;
        let sent = stage.requests(method::CHANNEL_BIND);
        let number = sent.first().and_then(|sent| sent.stun().and_then(Parsed::channel_number));
        t.expect(number, "a ChannelBind request")?
    };
    let _ = stage.events(t);
    let mut payload = vec![0; usize::try_from(v.number("size")).unwrap_or(0)];
    t.rng().fill_public(&mut payload);
    let mut message = ChannelData::new(number, &payload);
    message.padding = vec![0; usize::try_from(v.number("padding")).unwrap_or(0)];
    stage.give(t, &message.encode())?;
    let got = stage.delivered(t);
    let fits = got == [(to, payload.clone())];
    let told = format!("{got:x?}");
    if !answered {
        return t.should(req::TURN_CLIENT_EARLY_CHANNEL_DATA, fits, "the data", told);
    }
    t.must(req::TURN_CLIENT_DEMULTIPLEXES, fits, "the data", &told)?;
    t.may(req::TURN_CHANNEL_DATA_PADDING_ON_DATAGRAMS, fits, "the data", told)?;
    stage.forget();
    stage.command(t, "the command to send", |c, now| c.send(now, to, &payload))?;
    stage.serve(t, SECOND)?;
    let sent: Vec<_> = stage
        .log
        .iter()
        .filter_map(|sent| match &sent.piece {
            Piece::Channel(data) => Some((data.channel, data.data.clone())),
            Piece::Stun(message) if message.method() == method::SEND => {
                Some((number, message.value(attribute::DATA)?.to_vec()))
            }
            _ => None,
        })
        .collect();
    let fits = sent == [(number, payload)];
    t.must(
        req::TURN_CHANNEL_DATA_FORMAT,
        fits,
        "the data on its channel",
        format_args!("{sent:x?}"),
    )
}

case! {
    id: "turn.client.channel.ignored",
    title: "What is not data of a bound channel is passed over",
    reqs: [
        req::TURN_CHANNEL_DATA_UNBOUND,
        req::TURN_CHANNEL_DATA_TRUNCATED,
        req::TURN_RESERVED_FIRST_BYTES_DROPPED,
    ],
    kind: SubjectKind::TurnClient,
    variants: product! {
        fault: ["other number", "cut by one", "half a header", "first byte 80", "first byte 127", "first byte 192"],
    },
    run: channel_ignored,
}

fn channel_ignored(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut stage = HostStage::allocated(t, |_| {})?;
    let to = peer(1);
    let number = stage.bind(t, to)?;
    let _ = stage.events(t);
    let good = ChannelData::new(number, b"four").encode();
    let cut = |length: usize| good.get(..length).unwrap_or_default().to_vec();
    let first = |byte: u8| {
        let mut bytes = good.clone();
        bytes.splice(..1, [byte]);
        bytes
    };
    let (bytes, req) = match v.text("fault") {
        "other number" => {
            let other = if number == 0x4fff { 0x4ffe } else { number + 1 };
            (ChannelData::new(other, b"four").encode(), req::TURN_CHANNEL_DATA_UNBOUND)
        }
        "cut by one" => (cut(7), req::TURN_CHANNEL_DATA_TRUNCATED),
        "half a header" => (cut(2), req::TURN_CHANNEL_DATA_TRUNCATED),
        "first byte 80" => (first(80), req::TURN_RESERVED_FIRST_BYTES_DROPPED),
        "first byte 127" => (first(127), req::TURN_RESERVED_FIRST_BYTES_DROPPED),
        _ => (first(192), req::TURN_RESERVED_FIRST_BYTES_DROPPED),
    };
    stage.give(t, &bytes)?;
    let got = stage.delivered(t);
    t.must(req, got.is_empty(), "nothing", format_args!("{got:x?}"))?;
    stage.give(t, &good)?;
    let got = stage.delivered(t);
    let fits = got == [(to, b"four".to_vec())];
    t.must(req, fits, "good data afterwards", format_args!("{got:x?}"))
}

case! {
    id: "turn.client.channel.out-of-sync",
    title: "A client whose channel is refused with 400 against all expectation deletes its allocation",
    reqs: [req::TURN_CLIENT_CHANNEL_OUT_OF_SYNC],
    kind: SubjectKind::TurnClient,
    run: out_of_sync,
}

fn out_of_sync(t: &mut Ctl<'_>, _v: &Variant) -> Outcome {
    let mut stage = HostStage::allocated(t, |_| {})?;
    let to = peer(1);
    stage.command(t, "the command to bind", |c, now| c.bind_channel(now, to))?;
    stage.forget();
    stage.serve_with(t, 10 * SECOND, |sent| match sent.is_request(method::CHANNEL_BIND) {
        true => Deed::Refuse(400),
        false => Deed::Good,
    })?;
    let deleted = stage
        .requests(method::REFRESH)
        .iter()
        .any(|sent| sent.stun().and_then(Parsed::lifetime) == Some(0));
    let req = req::TURN_CLIENT_CHANNEL_OUT_OF_SYNC;
    t.should(req, deleted, "a Refresh request with zero", "none")
}

case! {
    id: "turn.client.channel.rebind",
    title: "A number that was bound stays its peer's for as long as the server may remember it",
    reqs: [req::TURN_CLIENT_CHANNEL_REBIND_WAIT],
    kind: SubjectKind::TurnClient,
    run: rebind,
}

fn rebind(t: &mut Ctl<'_>, _v: &Variant) -> Outcome {
    let mut stage = HostStage::allocated(t, |_| {})?;
    let first = stage.bind(t, peer(1))?;
    stage.forget();
    // From now on the server grants nothing to the first peer, and its channel lapses.
    let refuse = |sent: &Sent| {
        let about = sent.stun().and_then(Parsed::peer_address);
        match sent.is_request(method::CHANNEL_BIND) && about == Some(peer(1)) {
            true => Deed::Refuse(508),
            false => Deed::Good,
        }
    };
    for round in 0..7 {
        stage.serve_with(t, 120 * SECOND, refuse)?;
        let to = peer(10 + round);
        let _ = stage.try_command(t, "the command to bind", |c, now| c.bind_channel(now, to))?;
    }
    stage.serve_with(t, 10 * SECOND, refuse)?;
    let sent = stage.requests(method::CHANNEL_BIND);
    let mixed = sent.iter().filter_map(|sent| sent.stun()).find(|message| {
        (message.channel_number() == Some(first)) != (message.peer_address() == Some(peer(1)))
    });
    let others = sent
        .iter()
        .filter_map(|sent| sent.stun())
        .any(|message| message.peer_address() != Some(peer(1)));
    t.precondition(others, "other peers get channels")?;
    let req = req::TURN_CLIENT_CHANNEL_REBIND_WAIT;
    t.must(req, mixed.is_none(), "the number for its peer alone", shown(mixed))
}
