//! What messages are on the wire: RFC 8831 §6.6.

use super::script::*;

case! {
    id: "datachannel.message.sent",
    title: "Text and bytes, empty or not, have their identifiers, one message of SCTP each",
    reqs: [
        req::DC_PPIDS,
        req::DC_EMPTY_MESSAGE_ONE_BYTE,
        req::DC_ONE_MESSAGE_PER_MESSAGE,
        req::DC_NO_NAGLE,
        req::DCEP_DCEP_PPID_ONLY,
    ],
    kind: SubjectKind::DataChannel,
    variants: product! { role: ["client", "server"], kind: ["text", "binary"], size: [0, 1, 1_000, 40_000] },
    no_reference: NO_OTHER,
    run: sent,
}

fn sent(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut s = ChannelStage::connected(t, v.text("role") == "client")?;
    let size = usize::try_from(v.number("size")).unwrap_or_default();
    let id = s.opens_wholly(t, &ChannelSpec::new("a"))?;
    let is_text = v.text("kind") == "text";
    let (message, wanted) = match (is_text, size) {
        (true, 0) => (text(""), ppid::STRING_EMPTY),
        (false, 0) => (ChannelData::Binary(Vec::new()), ppid::BINARY_EMPTY),
        (true, _) => (text(&"x".repeat(size)), ppid::STRING),
        (false, _) => (ChannelData::Binary(vec![b'x'; size]), ppid::BINARY),
    };
    let before = s.peer.log.data().len();
    let taken = t.channels(s.seat, |channels, now| channels.send(now, id, message));
    taken.map_err(|refusal| Stop::Inconclusive(refusal.to_string()))?;
    let mut waited = 0;
    // The first packet comes after half a round trip: nothing waits for more to send.
    if let Some(packet) = s.take(t, Duration::from_millis(6)) {
        waited = packet.count_data();
        for answer in s.peer.receive(&packet.encode()) {
            s.send(t, &answer);
        }
    }
    t.should(req::DC_NO_NAGLE, waited > 0, "a packet at once", waited)?;
    s.serve(t, 2 * SECOND);
    let data: Vec<Data> = s.peer.log.data().split_off(before);
    let kinds: Vec<u32> = data.iter().map(|data| data.ppid).collect();
    let right = kinds.iter().all(|kind| *kind == wanted);
    t.must(req::DC_PPIDS, right && !kinds.is_empty(), wanted, format!("{kinds:?}"))?;
    t.must(req::DCEP_DCEP_PPID_ONLY, !kinds.contains(&ppid::DCEP), "not 50", format!("{kinds:?}"))?;
    let bytes: usize = data.iter().map(|data| data.payload.len()).sum();
    if size == 0 {
        t.must(req::DC_EMPTY_MESSAGE_ONE_BYTE, bytes == 1, "one byte", bytes)?;
    } else {
        let ends = data.iter().filter(|data| data.flags & data::E != 0).count();
        let whole = bytes == size && ends == 1;
        t.must(req::DC_ONE_MESSAGE_PER_MESSAGE, whole, size, format!("{bytes} in {ends}"))?;
    }
    Ok(())
}

/// How many DATA chunks a packet has.
trait CountData {
    fn count_data(&self) -> usize;
}

impl CountData for Packet {
    fn count_data(&self) -> usize {
        self.chunks.iter().filter(|one| one.kind == chunk::DATA).count()
    }
}

case! {
    id: "datachannel.message.received",
    title: "Identifiers tell text from bytes and empty from not, the deprecated ones included",
    reqs: [
        req::DC_PPIDS,
        req::DC_EMPTY_MESSAGE_READ,
        req::DC_DEPRECATED_PPIDS_READ,
        req::DC_BOTH_DIRECTIONS_ONE_STREAM,
    ],
    kind: SubjectKind::DataChannel,
    variants: product! {
        role: ["client", "server"],
        what: ["text", "binary", "empty-text", "no-bytes", "empty-with-content", "text-parts", "binary-parts"],
    },
    no_reference: NO_OTHER,
    run: received,
}

fn received(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut s = ChannelStage::connected(t, v.text("role") == "client")?;
    let stream = s.theirs();
    s.open(t, stream, &Open::new("a"));
    let none = ChannelData::Binary(Vec::new());
    let (sent, wanted): (&[(u32, &[u8])], ChannelData) = match v.text("what") {
        "text" => (&[(ppid::STRING, b"hello")], text("hello")),
        "binary" => (&[(ppid::BINARY, &[0, 255])], ChannelData::Binary(vec![0, 255])),
        "empty-text" => (&[(ppid::STRING_EMPTY, &[0])], text("")),
        "no-bytes" => (&[(ppid::BINARY_EMPTY, &[0])], none),
        "empty-with-content" => (&[(ppid::BINARY_EMPTY, b"ignored")], none),
        "text-parts" => {
            let parts: &[(u32, &[u8])] = &[
                (ppid::STRING_PARTIAL, b"one, "),
                (ppid::STRING_PARTIAL, b"two, "),
                (ppid::STRING, b"three"),
            ];
            (parts, text("one, two, three"))
        }
        _ => {
            let parts: &[(u32, &[u8])] =
                &[(ppid::BINARY_PARTIAL, &[1]), (ppid::BINARY_PARTIAL, &[2]), (ppid::BINARY, &[3])];
            (parts, ChannelData::Binary(vec![1, 2, 3]))
        }
    };
    for (ppid, bytes) in sent {
        s.say(t, stream, *ppid, bytes);
    }
    let delivered = s.delivered(stream);
    let right = delivered == [wanted.clone()];
    let got = s.state();
    let requirement = match v.text("what") {
        "text" | "binary" => req::DC_PPIDS,
        "text-parts" | "binary-parts" => req::DC_DEPRECATED_PPIDS_READ,
        _ => req::DC_EMPTY_MESSAGE_READ,
    };
    t.must(requirement, right, format!("{wanted:?}"), &got)?;
    s.say(t, stream, ppid::STRING, b"after");
    let after = s.delivered(stream).len();
    t.must(req::DC_BOTH_DIRECTIONS_ONE_STREAM, after == 2, "the next message", s.state())
}

case! {
    id: "datachannel.message.size",
    title: "Messages up to the longest that the peer takes are sent, and longer ones refused",
    reqs: [req::DC_ONE_MESSAGE_PER_MESSAGE],
    kind: SubjectKind::DataChannel,
    variants: product! { limit: [1_000, 65_536, 0], over: ["no", "yes"] },
    no_reference: NO_OTHER,
    run: size,
}

fn size(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let limit = usize::try_from(v.number("limit")).unwrap_or_default();
    let mut s = ChannelStage::connected_with(t, true, |config, _| {
        config.peer_max_message = Some(limit);
        config.max_message = Some(262_144);
    })?;
    let id = s.opens_wholly(t, &ChannelSpec::new("a"))?;
    let longest = if limit == 0 { 200_000 } else { limit };
    let is_over = v.text("over") == "yes" && limit != 0;
    let size = if is_over { longest + 1 } else { longest };
    t.stimulus(format_args!("a message of {size} bytes"));
    let data = ChannelData::Binary(vec![7; size]);
    let taken = t.channels(s.seat, |channels, now| channels.send(now, id, data));
    s.serve(t, 3 * LONG);
    let bytes: usize = s.heard(id, ppid::BINARY).iter().map(|data| data.payload.len()).sum();
    let got = format!("{taken:?}, {bytes} bytes");
    let right = if is_over { taken.is_err() && bytes == 0 } else { taken.is_ok() && bytes == size };
    t.must(req::DC_ONE_MESSAGE_PER_MESSAGE, right, "all of it or nothing", got)
}

case! {
    id: "datachannel.message.buffered",
    title: "What waits on a channel is counted, and told when it is little",
    reqs: [req::DC_ONE_MESSAGE_PER_MESSAGE],
    kind: SubjectKind::DataChannel,
    variants: product! { threshold: [0, 10_000] },
    no_reference: NO_OTHER,
    run: buffered,
}

fn buffered(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let threshold = usize::try_from(v.number("threshold")).unwrap_or_default();
    let mut s = ChannelStage::connected(t, true)?;
    let id = s.opens_wholly(t, &ChannelSpec::new("a"))?;
    let low = t.channels(s.seat, |channels, now| channels.set_buffered_low(now, id, threshold));
    t.precondition(low.is_ok(), "a threshold")?;
    s.peer.profile.answers.data = false;
    t.stimulus("sixty kilobytes that are not acknowledged yet");
    s.tell(t, id, ChannelData::Binary(vec![7; 60_000]))?;
    let waiting = t.channels(s.seat, |channels, _| channels.buffered(id));
    let early = s.count(|event| *event == DataChannelEvent::BufferedLow(id));
    let got = format!("{waiting} bytes, {early} reports");
    let right = waiting > 10_000 && waiting <= 60_000 && early == 0;
    t.must(req::DC_ONE_MESSAGE_PER_MESSAGE, right, "bytes that wait", got)?;
    s.peer.profile.answers.data = true;
    let sack = s.peer.sack();
    let packet = s.peer.one(sack);
    s.send(t, &packet);
    s.serve(t, 3 * LONG);
    let waiting = t.channels(s.seat, |channels, _| channels.buffered(id));
    let told = s.count(|event| *event == DataChannelEvent::BufferedLow(id));
    let got = format!("{waiting} bytes, {told} reports");
    t.must(req::DC_ONE_MESSAGE_PER_MESSAGE, waiting == 0 && told == 1, "none, told once", got)
}
