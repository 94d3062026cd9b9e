//! Channels that the endpoint opens: RFC 8832 §4, §5, §6.

use super::script::*;

case! {
    id: "datachannel.open.form",
    title: "An OPEN says what the channel is, goes out in order and reliably, on a stream of the own parity",
    reqs: [
        req::DCEP_PARITY,
        req::DCEP_OPEN_LAYOUT,
        req::DCEP_CHANNEL_TYPES,
        req::DCEP_RELIABILITY_ZERO,
        req::DCEP_DCEP_ORDERED_RELIABLE,
        req::DCEP_DCEP_PPID,
        req::DC_STREAMS_65535,
        req::DC_MANY_STREAMS,
        req::DC_PPIDS,
        req::DC_OPTIONS_CHOSEN,
    ],
    kind: SubjectKind::DataChannel,
    variants: product! {
        role: ["client", "server"],
        kind: ["reliable", "retransmits", "lifetime"],
        order: ["ordered", "unordered"],
    },
    no_reference: NO_OTHER,
    run: form,
}

fn form(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut s = ChannelStage::connected(t, v.text("role") == "client")?;
    let streams = s.peer.log.inits().first().map_or(0, |init| init.outgoing.min(init.incoming));
    t.should(req::DC_STREAMS_65535, streams == u16::MAX, u16::MAX, streams)?;
    let (reliability, kind, parameter) = match v.text("kind") {
        "reliable" => (SctpReliability::Reliable, 0, 0),
        "retransmits" => (SctpReliability::Retransmits(7), 1, 7),
        _ => (SctpReliability::Lifetime(Duration::from_millis(333)), 2, 333),
    };
    let mut spec = ChannelSpec::new("a label, näturally").reliability(reliability);
    spec.protocol = "a protocol".to_owned();
    spec.priority = 512;
    spec.ordered = v.text("order") == "ordered";
    for round in 0..2 {
        let id = s.opens(t, &spec)?;
        t.must(req::DCEP_PARITY, id == s.own() + 2 * round, s.own() + 2 * round, id)?;
        t.must(req::DC_MANY_STREAMS, id == s.own() + 2 * round, "a stream of its own", id)?;
        let heard = s.heard(id, ppid::DCEP);
        let got = s.state();
        t.must(req::DCEP_DCEP_PPID, heard.len() == 1, "one message with 50", &got)?;
        t.must(req::DC_PPIDS, heard.len() == 1, "one message with 50", &got)?;
        let data = heard.first().cloned().unwrap_or_default();
        let open = Open::read(&data.payload);
        let got = format!("{open:?}");
        t.must(req::DCEP_OPEN_LAYOUT, open.is_some(), "an OPEN", &got)?;
        let open = t.expect(open, "an OPEN")?;
        let texts =
            open.label == spec.label.as_bytes() && open.protocol == spec.protocol.as_bytes();
        t.must(req::DCEP_OPEN_LAYOUT, texts && open.priority == 512, "label and protocol", &got)?;
        let wanted = if spec.ordered { kind } else { kind | 0x80 };
        t.must(req::DCEP_CHANNEL_TYPES, open.kind == wanted, wanted, &got)?;
        t.must(req::DCEP_RELIABILITY_ZERO, open.reliability == parameter, parameter, &got)?;
        t.should(req::DC_OPTIONS_CHOSEN, open.kind == wanted, wanted, &got)?;
        let ordered = data.flags & data::U == 0;
        t.must(req::DCEP_DCEP_ORDERED_RELIABLE, ordered, "in order", got)?;
    }
    Ok(())
}

case! {
    id: "datachannel.open.reliable",
    title: "An OPEN of a channel without reliability is repeated until it has arrived",
    reqs: [req::DCEP_DCEP_ORDERED_RELIABLE],
    kind: SubjectKind::DataChannel,
    variants: product! { role: ["client", "server"], lost: [1, 3] },
    no_reference: NO_OTHER,
    run: reliable,
}

fn reliable(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut s = ChannelStage::connected(t, v.text("role") == "client")?;
    let spec =
        ChannelSpec::new("unreliable").unordered().reliability(SctpReliability::Retransmits(0));
    t.stimulus("an OPEN that is lost");
    let opened = t.channels(s.seat, |channels, now| channels.open(now, &spec));
    let id = opened.map_err(|refusal| Stop::Inconclusive(refusal.to_string()))?;
    let mut lost = 0;
    while lost < v.number("lost") {
        let packet = s.take(t, 6 * LONG);
        let packet = t.expect(packet, "an OPEN")?;
        if packet.has(chunk::DATA) {
            lost += 1;
        }
    }
    s.serve(t, 6 * LONG);
    let heard = s.heard(id, ppid::DCEP).len();
    let skipped = s.peer.log.count(chunk::FORWARD_TSN);
    let got = format!("{heard} OPEN, {skipped} FORWARD-TSN");
    t.must(req::DCEP_DCEP_ORDERED_RELIABLE, heard >= 1 && skipped == 0, "the OPEN", got)
}

case! {
    id: "datachannel.open.ordered-until-answered",
    title: "Data may follow the OPEN, in order until something comes back, and then as the channel says",
    reqs: [
        req::DCEP_DATA_BEFORE_ACK,
        req::DCEP_ORDERED_UNTIL_ACK,
        req::DCEP_UNORDERED_AFTER_ACK,
        req::DCEP_DCEP_SAME_STREAM,
        req::DC_RELIABILITY_OF_CHANNEL,
    ],
    kind: SubjectKind::DataChannel,
    variants: product! {
        role: ["client", "server"],
        order: ["ordered", "unordered"],
        answer: ["ack", "message"],
    },
    no_reference: NO_OTHER,
    run: ordered_until_answered,
}

fn ordered_until_answered(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut s = ChannelStage::connected(t, v.text("role") == "client")?;
    let unordered = v.text("order") == "unordered";
    let spec = ChannelSpec::new("a");
    let id = s.opens(t, &if unordered { spec.unordered() } else { spec })?;
    let early = t.channels(s.seat, |channels, now| channels.send(now, id, text("early")));
    s.serve(t, SOON);
    let sent = s.heard(id, ppid::STRING);
    t.may(req::DCEP_DATA_BEFORE_ACK, sent.len() == 1, "the message", format!("{early:?}"))?;
    let ordered = sent.iter().all(|data| data.flags & data::U == 0);
    t.must(req::DCEP_ORDERED_UNTIL_ACK, ordered, "in order", format!("{sent:?}"))?;
    if v.text("answer") == "ack" {
        s.say(t, id, ppid::DCEP, ACK);
    } else {
        s.say(t, id, ppid::STRING, b"hello");
    }
    let open = s.count(|event| *event == DataChannelEvent::Open(id));
    t.must(req::DCEP_DCEP_SAME_STREAM, open == 1, "an open channel", s.state())?;
    s.tell(t, id, text("late"))?;
    let late = s.heard(id, ppid::STRING).pop().unwrap_or_default();
    let flagged = late.flags & data::U != 0;
    let got = format!("{late:?}");
    t.must(req::DCEP_UNORDERED_AFTER_ACK, flagged == unordered, unordered, &got)?;
    t.must(req::DC_RELIABILITY_OF_CHANNEL, flagged == unordered, unordered, got)
}

case! {
    id: "datachannel.open.ids",
    title: "A number in use cannot be taken again, and numbers that both sides know need no OPEN",
    reqs: [req::DC_OPEN_ON_USED_STREAM_FAILS, req::DCEP_PARITY, req::DC_BOTH_DIRECTIONS_ONE_STREAM],
    kind: SubjectKind::DataChannel,
    variants: product! { role: ["client", "server"] },
    no_reference: NO_OTHER,
    run: ids,
}

fn ids(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut s = ChannelStage::connected(t, v.text("role") == "client")?;
    let shared = s.own();
    let id = s.opens(t, &ChannelSpec::new("known").negotiated(shared))?;
    let silent = s.peer.log.data().is_empty();
    let got = s.state();
    t.must(req::DC_BOTH_DIRECTIONS_ONE_STREAM, id == shared && silent, "no OPEN", &got)?;
    let again = ChannelSpec::new("again").negotiated(shared);
    let taken = t.channels(s.seat, |channels, now| channels.open(now, &again));
    t.must(req::DC_OPEN_ON_USED_STREAM_FAILS, taken.is_err(), "an error", format!("{taken:?}"))?;
    let next = s.opens(t, &ChannelSpec::new("next"))?;
    t.must(req::DCEP_PARITY, next == shared + 2, shared + 2, next)?;
    s.say(t, shared, ppid::STRING, b"hello");
    let here = s.delivered(shared);
    t.must(req::DC_BOTH_DIRECTIONS_ONE_STREAM, here == [text("hello")], "hello", s.state())?;
    s.tell(t, shared, text("hello"))?;
    let there = s.heard(shared, ppid::STRING).len();
    t.must(req::DC_BOTH_DIRECTIONS_ONE_STREAM, there == 1, "one message", there)
}
