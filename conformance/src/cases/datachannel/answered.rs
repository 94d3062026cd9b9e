//! Channels that the peer opens: RFC 8832 §5, §6.

use super::script::*;

case! {
    id: "datachannel.opened.types",
    title: "Every type of channel is understood, reported and acknowledged",
    reqs: [
        req::DCEP_OPEN_ANSWERED,
        req::DCEP_ACK_LAYOUT,
        req::DCEP_CHANNEL_TYPES,
        req::DCEP_RELIABILITY_IGNORED,
        req::DCEP_DCEP_SAME_STREAM,
        req::DCEP_DCEP_PPID_ONLY,
        req::DC_PRIORITY_VALUES,
    ],
    kind: SubjectKind::DataChannel,
    variants: product! {
        role: ["client", "server"],
        kind: [0, 1, 2, 128, 129, 130],
        label: ["", "chat", "a label of more than sixty-four bytes, which is still quite all right"],
    },
    no_reference: NO_OTHER,
    run: types,
}

fn types(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut s = ChannelStage::connected(t, v.text("role") == "client")?;
    let kind = u8::try_from(v.number("kind")).unwrap_or_default();
    let stream = s.theirs() + 10;
    let mut open = Open { kind, reliability: 77, priority: 1024, ..Open::new(v.text("label")) };
    open.protocol = b"proto".to_vec();
    s.open(t, stream, &open);
    let spec = s.opened(stream);
    let got = s.state();
    t.must(req::DCEP_OPEN_ANSWERED, s.acks(stream) == 1, "one ACK", &got)?;
    t.must(req::DCEP_DCEP_SAME_STREAM, s.acks(stream) == 1, "on the same stream", &got)?;
    let ack = s.heard(stream, ppid::DCEP).pop().unwrap_or_default();
    let right = ack.payload == ACK && ack.flags & data::U == 0;
    t.must(req::DCEP_ACK_LAYOUT, right, "the byte 2, in order", format!("{ack:?}"))?;
    let spec = spec.unwrap_or_else(|| ChannelSpec::new("none was opened"));
    let reliability = match kind & 0x7f {
        0 => SctpReliability::Reliable,
        1 => SctpReliability::Retransmits(77),
        _ => SctpReliability::Lifetime(Duration::from_millis(77)),
    };
    let got = format!("{spec:?}");
    let same = spec.reliability == reliability && spec.ordered == (kind & 0x80 == 0);
    t.must(req::DCEP_CHANNEL_TYPES, same, "the type of the OPEN", &got)?;
    t.must(req::DCEP_RELIABILITY_IGNORED, kind & 0x7f != 0 || same, "a reliable channel", &got)?;
    let texts = spec.label == v.text("label") && spec.protocol == "proto";
    t.must(req::DCEP_OPEN_ANSWERED, texts, "label and protocol", &got)?;
    t.should(req::DC_PRIORITY_VALUES, spec.priority == 1024, 1024, &got)?;
    s.tell(t, stream, text("hello"))?;
    let with_50 = s.heard(stream, ppid::DCEP).len();
    t.must(req::DCEP_DCEP_PPID_ONLY, with_50 == 1, "the ACK alone", with_50)?;
    let back = s.heard(stream, ppid::STRING).pop().unwrap_or_default();
    let unordered = back.flags & data::U != 0;
    t.must(
        req::DCEP_CHANNEL_TYPES,
        unordered == (kind & 0x80 != 0),
        "the order of the channel",
        unordered,
    )
}

case! {
    id: "datachannel.opened.data-before-ack",
    title: "Messages that come right behind the OPEN, or before it, are not lost",
    reqs: [req::DCEP_OPEN_ANSWERED, req::DCEP_DATA_BEFORE_ACK, req::DC_ONE_MESSAGE_PER_MESSAGE],
    kind: SubjectKind::DataChannel,
    variants: product! { role: ["client", "server"], kind: [0, 128] },
    no_reference: NO_OTHER,
    run: data_before_ack,
}

fn data_before_ack(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut s = ChannelStage::connected(t, v.text("role") == "client")?;
    let kind = u8::try_from(v.number("kind")).unwrap_or_default();
    let stream = s.theirs();
    let open = Open { kind, ..Open::new("a") }.encode();
    let chunks = [(ppid::DCEP, &open[..]), (ppid::STRING, b"one"), (ppid::STRING, b"two")];
    let chunks: Vec<Chunk> = chunks
        .into_iter()
        .map(|(ppid, bytes)| Data { ppid, ..s.peer.data(stream, bytes) }.into())
        .collect();
    t.stimulus("an OPEN and two messages in one packet");
    let packet = s.peer.packet(chunks);
    s.send(t, &packet);
    s.serve(t, SOON);
    let got = s.state();
    t.must(req::DCEP_OPEN_ANSWERED, s.acks(stream) == 1, "one ACK", &got)?;
    let delivered = s.delivered(stream);
    let both = delivered == [text("one"), text("two")];
    t.may(req::DCEP_DATA_BEFORE_ACK, both, "both messages", &got)?;
    t.must(req::DC_ONE_MESSAGE_PER_MESSAGE, both, "both messages", got)
}

case! {
    id: "datachannel.opened.at-once",
    title: "Both ends open channels at the same time",
    reqs: [req::DCEP_PARITY, req::DCEP_OPEN_ANSWERED],
    kind: SubjectKind::DataChannel,
    variants: product! { role: ["client", "server"] },
    no_reference: NO_OTHER,
    run: at_once,
}

fn at_once(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut s = ChannelStage::connected(t, v.text("role") == "client")?;
    let spec = ChannelSpec::new("here");
    let own = t.channels(s.seat, |channels, now| channels.open(now, &spec));
    let own = own.map_err(|refusal| Stop::Inconclusive(refusal.to_string()))?;
    let theirs = s.theirs();
    s.open(t, theirs, &Open::new("there"));
    s.say(t, own, ppid::DCEP, ACK);
    let got = s.state();
    t.must(req::DCEP_PARITY, own != theirs && own == s.own(), "numbers apart", &got)?;
    let open = s.count(|event| *event == DataChannelEvent::Open(own)) == 1;
    let both = open && s.opened(theirs).is_some() && s.acks(theirs) == 1;
    t.must(req::DCEP_OPEN_ANSWERED, both, "both channels", got)
}
