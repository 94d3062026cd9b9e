//! Clients that come over TCP: RFC 8656 §3.1, §12.5.

use super::script::*;

/// A stage whose server takes connections, and the number of a client over one.
fn open(t: &mut Ctl<'_>) -> Result<(RelayStage, usize), Stop> {
    let mut stage = RelayStage::open(t, |config| config.tcp = true)?;
    let line = stage.connect(t)?;
    Ok((stage, line))
}

case! {
    id: "turn.server.stream.session",
    title: "Over TCP a client gets everything it gets over UDP",
    reqs: [
        req::TURN_SERVER_TCP,
        req::TURN_SERVER_RELAYS_SEND,
        req::TURN_SERVER_DATA_ATTRIBUTES,
        req::TURN_SERVER_USES_CHANNEL,
        req::TURN_CHANNEL_DATA_PADDED_ON_STREAMS,
        req::TURN_SERVER_RELAYS_CHANNEL_DATA,
    ],
    kind: SubjectKind::TurnServer,
    needs: [Cap::LongTerm, Cap::TurnTcp],
    variants: product! { size: [0, 1, 2, 3, 4, 1_200] },
    run: session,
}

fn session(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let (mut stage, line) = open(t)?;
    let session = stage.login(t, line, "alice")?;
    let allocation = Allocation::by(t, &mut stage, session, [])?;
    t.should(req::TURN_SERVER_TCP, true, "an allocation", &allocation.response)?;
    allocation.permit(t, &mut stage, 0)?;
    let mut payload = vec![0; usize::try_from(v.number("size")).unwrap_or(0)];
    t.rng().fill_public(&mut payload);
    let wanted = vec![(allocation.relay(), payload.clone())];
    let arrived = allocation.send(t, &stage, 0, &payload)?;
    let told = format!("{arrived:x?}");
    t.must(req::TURN_SERVER_RELAYS_SEND, arrived == wanted, "the bytes at the peer", told)?;
    let pieces = allocation.relay_in(t, &mut stage, 0, &payload);
    let fits = matches!(pieces.as_slice(), [Piece::Stun(data)]
        if data.peer_address() == Some(stage.peer(0))
            && data.value(attribute::DATA) == Some(payload.as_slice()));
    let told = shown_all(&pieces);
    t.must(req::TURN_SERVER_DATA_ATTRIBUTES, fits, "one Data indication", told)?;
    allocation.bind(t, &mut stage, 0x4001, 0)?;
    for _ in 0..3 {
        let arrived = allocation.send_channel(t, &stage, 0, 0x4001, &payload)?;
        let told = format!("{arrived:x?}");
        let req = req::TURN_SERVER_RELAYS_CHANNEL_DATA;
        t.must(req, arrived == wanted, "the bytes at the peer", told)?;
        let pieces = allocation.relay_in(t, &mut stage, 0, &payload);
        let told = shown_all(&pieces);
        let fits = matches!(pieces.as_slice(), [Piece::Channel(data)] if data.channel == 0x4001);
        t.must(req::TURN_SERVER_USES_CHANNEL, fits, "one ChannelData message", &told)?;
        let fits = matches!(pieces.as_slice(), [Piece::Channel(data)]
            if data.data == payload && data.padding.len() == payload.len().wrapping_neg() % 4);
        t.must(req::TURN_CHANNEL_DATA_PADDED_ON_STREAMS, fits, "padded to four", &told)?;
    }
    Ok(())
}

case! {
    id: "turn.server.stream.cut",
    title: "Messages on a stream may be cut anywhere, or come several at once",
    reqs: [req::TURN_SERVER_TCP, req::TURN_CHANNEL_DATA_PADDED_ON_STREAMS],
    kind: SubjectKind::TurnServer,
    needs: [Cap::LongTerm, Cap::TurnTcp],
    variants: product! { pieces: ["bytes", "threes", "all at once"], lengths: ["any", "whole words"] },
    run: cut,
}

fn cut(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let (mut stage, line) = open(t)?;
    let session = stage.login(t, line, "alice")?;
    let allocation = Allocation::by(t, &mut stage, session, [])?;
    allocation.bind(t, &mut stage, 0x4001, 0)?;
    let _ = stage.peer_takes(t, 0);
    let mut bytes = Vec::new();
    let payloads = match v.text("lengths") {
        "any" => [&b"a"[..], b"", b"four", b"seven!!"],
        _ => [&b"word"[..], b"", b"four", b"eight!!!"],
    };
    for payload in payloads {
        bytes.extend(ChannelData::new(0x4001, payload).padded().encode());
        bytes.extend(Allocation::send_indication(t, stage.peer(0), payload).encode());
    }
    let size = match v.text("pieces") {
        "bytes" => 1,
        "threes" => 3,
        _ => bytes.len(),
    };
    for piece in bytes.chunks(size) {
        stage.give(t, line, piece)?;
        stage.wait(t, 12 * MILLISECOND);
    }
    stage.settle(t);
    let arrived: Vec<Vec<u8>> =
        stage.peer_takes(t, 0).into_iter().map(|(_, bytes)| bytes).collect();
    let wanted: Vec<Vec<u8>> =
        payloads.iter().flat_map(|payload| [payload.to_vec(), payload.to_vec()]).collect();
    let fits = arrived == wanted;
    let told = format!("{arrived:x?}");
    t.must(req::TURN_CHANNEL_DATA_PADDED_ON_STREAMS, fits, format_args!("{wanted:x?}"), &told)?;
    t.should(req::TURN_SERVER_TCP, fits, "all of them", told)
}

case! {
    id: "turn.server.stream.junk",
    title: "What is neither STUN nor ChannelData on a stream harms nobody else",
    reqs: [req::TURN_RESERVED_FIRST_BYTES_DROPPED],
    kind: SubjectKind::TurnServer,
    needs: [Cap::LongTerm, Cap::TurnTcp],
    variants: product! { first: [0x80, 0xff, 0x50], after: ["connect", "allocate"] },
    run: junk,
}

fn junk(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let (mut stage, line) = open(t)?;
    let other = Allocation::make(t, &mut stage)?;
    other.permit(t, &mut stage, 0)?;
    if v.text("after") == "allocate" {
        let session = stage.login(t, line, "alice")?;
        Allocation::by(t, &mut stage, session, [])?;
    }
    let mut bytes = vec![0; 200];
    t.rng().fill_public(&mut bytes);
    bytes.splice(..1, u8::try_from(v.number("first")).ok());
    stage.give(t, line, &bytes)?;
    stage.settle(t);
    let req = req::TURN_RESERVED_FIRST_BYTES_DROPPED;
    let arrived = stage.peer_takes(t, 0);
    t.must(req, arrived.is_empty(), "nothing relayed", format_args!("{arrived:x?}"))?;
    let works = other.reaches(t, &stage, 0)? && other.hears(t, &mut stage, 0);
    t.must(req, works, "other clients served", "not served")?;
    stage.alive(t, req)
}
