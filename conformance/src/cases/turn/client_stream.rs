//! Clients over TCP, and relayed TCP: RFC 8656 §12.5, RFC 6062 §4.

use super::script::*;

case! {
    id: "turn.client.stream.session",
    title: "Over TCP a client does what it does over UDP, however its bytes are cut",
    reqs: [
        req::TURN_CHANNEL_DATA_PADDED_ON_STREAMS,
        req::TURN_CHANNEL_DATA_FORMAT,
        req::TURN_CLIENT_DELIVERS_DATA,
        req::TURN_CLIENT_DEMULTIPLEXES,
    ],
    kind: SubjectKind::TurnClient,
    needs: [Cap::TurnTcp],
    variants: product! { size: [0, 1, 2, 3, 4, 1_000], pieces: [1, 7, 10_000] },
    run: session,
}

fn session(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut stage = HostStage::allocated(t, |config| config.transport = Transport::Tcp)?;
    let to = peer(1);
    let number = stage.bind(t, to)?;
    let _ = stage.events(t);
    stage.forget();
    let mut payload = vec![0; usize::try_from(v.number("size")).unwrap_or(0)];
    t.rng().fill_public(&mut payload);
    for _ in 0..3 {
        stage.command(t, "the command to send", |c, now| c.send(now, to, &payload))?;
    }
    stage.serve(t, SECOND)?;
    let sent: Vec<_> = stage
        .log
        .iter()
        .map(|sent| match &sent.piece {
            Piece::Channel(data) => (data.channel, data.data.clone(), data.padding.len()),
            _ => (0, Vec::new(), 99),
        })
        .collect();
    let pad = payload.len().wrapping_neg() % 4;
    let wanted = vec![(number, payload.clone(), pad); 3];
    let told = format!("{sent:x?}");
    let fits = sent == wanted;
    t.must(req::TURN_CHANNEL_DATA_PADDED_ON_STREAMS, fits, format_args!("{wanted:x?}"), &told)?;
    t.must(req::TURN_CHANNEL_DATA_FORMAT, fits, "three messages", told)?;
    let mut bytes = on_channel(number, &payload);
    bytes.extend(HostStage::data(t, to, &payload).encode());
    bytes.extend(on_channel(number, &payload));
    let size = usize::try_from(v.number("pieces")).unwrap_or(1);
    for piece in bytes.chunks(size.max(bytes.len().div_ceil(40))) {
        stage.give(t, piece)?;
    }
    let got = stage.delivered(t);
    let wanted = vec![(to, payload); 3];
    let fits = got == wanted;
    let told = format!("{got:x?}");
    t.must(req::TURN_CLIENT_DELIVERS_DATA, fits, format_args!("{wanted:x?}"), &told)?;
    t.must(req::TURN_CLIENT_DEMULTIPLEXES, fits, "three deliveries", told)
}

case! {
    id: "turn.client.tcp.allocate",
    title: "A TCP allocation is asked for over a connection, without what belongs to UDP",
    reqs: [
        req::TURN_TCP_CLIENT_OWN_CONNECTION,
        req::TURN_TCP_CLIENT_PROTOCOL_6,
        req::TURN_TCP_CLIENT_NO_UDP_ATTRIBUTES,
        req::TURN_TCP_CLIENT_REFRESH_ON_CONTROL,
        req::TURN_TCP_CLIENT_KEEPS_ALLOCATION,
    ],
    kind: SubjectKind::TurnClient,
    needs: [Cap::TurnTcp, Cap::TurnTcpRelay],
    no_reference: "the independent stack's relay of TCP is not behind its adapter",
    run: allocate,
}

/// A client with a TCP allocation.
fn relay(t: &mut Ctl<'_>) -> Result<HostStage, Stop> {
    HostStage::allocated(t, |config| {
        config.transport = Transport::Tcp;
        config.wish.tcp = true;
    })
}

fn allocate(t: &mut Ctl<'_>, _v: &Variant) -> Outcome {
    let mut stage = relay(t)?;
    let allocates: Vec<Parsed> = stage
        .log
        .iter()
        .filter_map(|sent| sent.stun())
        .filter(|message| message.method() == method::ALLOCATE)
        .cloned()
        .collect();
    let one = stage.connections().len() == 1;
    t.must(req::TURN_TCP_CLIENT_OWN_CONNECTION, one, "one connection", stage.connections().len())?;
    for message in &allocates {
        let fits = message.value(attribute::REQUESTED_TRANSPORT) == Some(&[TCP, 0, 0, 0]);
        t.must(req::TURN_TCP_CLIENT_PROTOCOL_6, fits, "6", message)?;
        let bare = [attribute::DONT_FRAGMENT, attribute::RESERVATION_TOKEN, attribute::EVEN_PORT]
            .iter()
            .all(|kind| !message.has(*kind));
        t.must(req::TURN_TCP_CLIENT_NO_UDP_ATTRIBUTES, bare, "none of the three", message)?;
    }
    stage.serve(t, 700 * SECOND)?;
    let control = stage.connections().first().copied();
    let refreshes = stage.requests(method::REFRESH);
    let req = req::TURN_TCP_CLIENT_KEEPS_ALLOCATION;
    t.must(req, !refreshes.is_empty(), "a Refresh request", "none")?;
    let fits = refreshes.iter().all(|sent| Some(sent.from) == control);
    t.must(req::TURN_TCP_CLIENT_REFRESH_ON_CONTROL, fits, "on the control connection", "elsewhere")
}

case! {
    id: "turn.client.tcp.connect",
    title: "A connection to a peer is asked for, and taken over a connection of its own",
    reqs: [
        req::TURN_TCP_CLIENT_CONNECT_ON_CONTROL,
        req::TURN_TCP_CLIENT_CONNECT_NAMES_PEER,
        req::TURN_TCP_CLIENT_DATA_CONNECTION,
        req::TURN_TCP_CLIENT_DATA_CONNECTION_OTHER_PORT,
        req::TURN_TCP_CLIENT_SAME_CREDENTIALS,
        req::TURN_TCP_CLIENT_BINDS,
        req::TURN_TCP_CLIENT_ECHOES_ID,
        req::TURN_TCP_DATA_AS_IS,
        req::TURN_TCP_CLIENT_ONE_CONNECT_PER_PEER,
        req::TURN_TCP_CLIENT_ACCEPTS_ATTEMPT,
        req::TURN_TCP_CLIENT_ATTEMPT_OTHER_PORT,
        req::TURN_TCP_CLIENT_ATTEMPT_SAME_CREDENTIALS,
        req::TURN_TCP_CLIENT_ATTEMPT_BINDS,
        req::TURN_TCP_CLIENT_ATTEMPT_ECHOES_ID,
        req::TURN_TCP_METHOD_NUMBERS,
        req::TURN_TCP_CONNECTION_ID_FORMAT,
    ],
    kind: SubjectKind::TurnClient,
    needs: [Cap::TurnTcp, Cap::TurnTcpRelay],
    variants: product! { by: ["client", "peer"] },
    no_reference: "the independent stack's relay of TCP is not behind its adapter",
    run: connect,
}

fn connect(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut stage = relay(t)?;
    let to = peer(1);
    stage.permit(t, to)?;
    let _ = stage.events(t);
    let control = stage.connections().first().copied();
    stage.forget();
    let attempt = v.text("by") == "peer";
    if attempt {
        stage.connection = 0x1234_5678;
        let told = Message::of(Class::Indication, method::CONNECTION_ATTEMPT, fresh(t))
            .with(Attribute::xor_peer_address(to))
            .with(Attribute::connection_id(stage.connection));
        stage.give(t, &told.encode())?;
    } else {
        stage.command(t, "the command to connect", |c, now| c.connect_peer(now, to))?;
        let again = |c: &mut dyn crate::subjects::turn::TurnClient, now| c.connect_peer(now, to);
        let _ = stage.try_command(t, "the same once more", again)?;
    }
    stage.serve(t, 2 * SECOND)?;
    if !attempt {
        asked(t, &stage, control, to)?;
    }
    let reqs = if attempt {
        [
            req::TURN_TCP_CLIENT_ACCEPTS_ATTEMPT,
            req::TURN_TCP_CLIENT_ATTEMPT_OTHER_PORT,
            req::TURN_TCP_CLIENT_ATTEMPT_BINDS,
            req::TURN_TCP_CLIENT_ATTEMPT_ECHOES_ID,
            req::TURN_TCP_CLIENT_ATTEMPT_SAME_CREDENTIALS,
        ]
    } else {
        [
            req::TURN_TCP_CLIENT_DATA_CONNECTION,
            req::TURN_TCP_CLIENT_DATA_CONNECTION_OTHER_PORT,
            req::TURN_TCP_CLIENT_BINDS,
            req::TURN_TCP_CLIENT_ECHOES_ID,
            req::TURN_TCP_CLIENT_SAME_CREDENTIALS,
        ]
    };
    taken(t, &stage, reqs)?;
    let events = stage.events(t);
    let there = events.contains(&TurnClientEvent::PeerConnected { peer: to });
    t.must(
        req::TURN_TCP_METHOD_NUMBERS,
        there,
        "the connection reported",
        format_args!("{events:?}"),
    )?;
    stage.forget();
    let payload = b"\x00\x01\x40\x00 as it is";
    stage.command(t, "the command to send", |c, now| c.send(now, to, payload))?;
    stage.serve(t, SECOND)?;
    let raw: Vec<u8> = stage
        .log
        .iter()
        .flat_map(|sent| match &sent.piece {
            Piece::Junk(bytes) => bytes.clone(),
            _ => b"something else".to_vec(),
        })
        .collect();
    t.must(req::TURN_TCP_DATA_AS_IS, raw == payload, "the bytes", format_args!("{raw:x?}"))
}

/// Asserts that a connection was asked for as it should be.
fn asked(
    t: &mut Ctl<'_>,
    stage: &HostStage,
    control: Option<SocketAddr>,
    to: SocketAddr,
) -> Outcome {
    let asked = stage.requests(method::CONNECT);
    let first = asked.first().copied();
    let on_control = first.is_some_and(|sent| Some(sent.from) == control);
    let req = req::TURN_TCP_CLIENT_CONNECT_ON_CONTROL;
    t.must(req, on_control, "on the control connection", asked.len())?;
    let named = first.and_then(|sent| sent.stun()).and_then(Parsed::peer_address) == Some(to);
    t.must(req::TURN_TCP_CLIENT_CONNECT_NAMES_PEER, named, to, "another")?;
    let one = asked.len() == 1;
    t.must(req::TURN_TCP_CLIENT_ONE_CONNECT_PER_PEER, one, "one request", asked.len())
}

/// Asserts that a connection was taken as it should be.
fn taken(t: &mut Ctl<'_>, stage: &HostStage, reqs: [Req; 5]) -> Outcome {
    let [opens, other_port, binds, echoes, credentials] = reqs;
    let places = stage.connections();
    t.must(opens, places.len() == 2, "a second connection", places.len())?;
    let apart = places.first() != places.last();
    t.must(other_port, apart, "another port", format_args!("{places:?}"))?;
    let second = places.last().copied();
    let on_it: Vec<&Parsed> = stage
        .log
        .iter()
        .filter(|sent| Some(sent.from) == second)
        .filter_map(|sent| sent.stun())
        .collect();
    let first = on_it.first();
    let bind = first.is_some_and(|message| message.method() == method::CONNECTION_BIND);
    t.must(binds, bind, "ConnectionBind first", shown(first.copied()))?;
    let id = first.and_then(|message| message.number(attribute::CONNECTION_ID));
    let same = id == Some(stage.connection);
    t.must(echoes, same, stage.connection, format_args!("{id:?}"))?;
    t.must(req::TURN_TCP_CONNECTION_ID_FORMAT, id.is_some(), "32 bits", format_args!("{id:?}"))?;
    let last = on_it.last().copied();
    let good = last.is_some_and(|message| stage.check(message) == Check::Good);
    t.must(credentials, good, "the credentials of the control connection", shown(last))
}

case! {
    id: "turn.client.tcp.refused",
    title: "After a 447 the same peer is left alone for ten seconds",
    reqs: [req::TURN_TCP_CLIENT_447_PAUSE],
    kind: SubjectKind::TurnClient,
    needs: [Cap::TurnTcp, Cap::TurnTcpRelay],
    no_reference: "the independent stack's relay of TCP is not behind its adapter",
    run: refused,
}

fn refused(t: &mut Ctl<'_>, _v: &Variant) -> Outcome {
    let mut stage = relay(t)?;
    let to = peer(1);
    stage.permit(t, to)?;
    stage.forget();
    stage.command(t, "the command to connect", |c, now| c.connect_peer(now, to))?;
    let refuse = |sent: &Sent| match sent.is_request(method::CONNECT) {
        true => Deed::Refuse(447),
        false => Deed::Good,
    };
    stage.serve_with(t, SECOND, refuse)?;
    let begun = t.now();
    let mut taken = 0;
    for _ in 0..40 {
        let again = |c: &mut dyn crate::subjects::turn::TurnClient, now| c.connect_peer(now, to);
        taken += u32::from(stage.try_command(t, "the command to connect", again)?);
        stage.serve_with(t, 500 * MILLISECOND, refuse)?;
    }
    let asked = stage.requests(method::CONNECT);
    let early =
        asked.iter().skip(1).filter(|sent| sent.at < begun + Duration::from_secs(9)).count();
    let req = req::TURN_TCP_CLIENT_447_PAUSE;
    t.must(req, early == 0, "no request within ten seconds", early)?;
    t.sometimes("a later attempt", taken > 0);
    Ok(())
}
