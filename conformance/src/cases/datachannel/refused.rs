//! What closes a channel: RFC 8832 §6, RFC 8831 §6.6.

use super::script::*;

/// Asserts that a channel was closed by a reset of the endpoint's stream, and never acknowledged.
fn is_refused(t: &mut Ctl<'_>, s: &ChannelStage, stream: u16, acks: usize) -> Outcome {
    let got = format!("{} resets, {} ACKs, {}", s.resets(stream), s.acks(stream), s.state());
    t.must(req::DCEP_OPEN_CONDITIONS, s.resets(stream) == 1, "a reset of the stream", &got)?;
    t.must(req::DCEP_OPEN_REFUSED_NO_ACK, s.acks(stream) == acks, "no ACK", got)
}

case! {
    id: "datachannel.refused.open",
    title: "An OPEN on a stream of the wrong parity or in use, or of an unknown type, closes the channel unanswered",
    reqs: [req::DCEP_OPEN_CONDITIONS, req::DCEP_OPEN_REFUSED_NO_ACK],
    kind: SubjectKind::DataChannel,
    variants: product! {
        role: ["client", "server"],
        what: ["parity", "in-use", "type", "type-unordered"],
    },
    no_reference: NO_OTHER,
    run: open,
}

fn open(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut s = ChannelStage::connected(t, v.text("role") == "client")?;
    let (stream, kind) = match v.text("what") {
        "parity" => (s.own() + 6, 0),
        "in-use" => (s.theirs(), 0),
        "type" => (s.theirs(), 3),
        _ => (s.theirs(), 0xff),
    };
    let mut acks = 0;
    if v.text("what") == "in-use" {
        s.open(t, stream, &Open::new("first"));
        acks = 1;
        t.precondition(s.acks(stream) == 1, "a channel")?;
    }
    s.open(t, stream, &Open { kind, ..Open::new("refused") });
    s.serve(t, SECOND);
    is_refused(t, &s, stream, acks)?;
    // Others are none the worse for it.
    let other = s.theirs() + 20;
    s.open(t, other, &Open::new("fine"));
    t.must(req::DCEP_OPEN_CONDITIONS, s.acks(other) == 1, "another channel", s.state())
}

case! {
    id: "datachannel.refused.dcep",
    title: "DCEP messages whose lengths do not fit, or that nobody knows, close the channel",
    reqs: [
        req::DCEP_BAD_DCEP_CLOSES,
        req::DCEP_OPEN_LENGTHS_CHECKED,
        req::DCEP_OPEN_CONDITIONS,
        req::DCEP_OPEN_REFUSED_NO_ACK,
    ],
    kind: SubjectKind::DataChannel,
    variants: product! {
        role: ["client", "server"],
        what: [
            "short", "label-too-long", "protocol-too-long", "both-65535", "trailing", "unknown",
            "type-only", "not-utf8",
        ],
    },
    no_reference: NO_OTHER,
    run: dcep,
}

fn dcep(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut s = ChannelStage::connected(t, v.text("role") == "client")?;
    let stream = s.theirs();
    let mut bytes = Open::new("label").encode();
    let mut set = |at: usize, value: [u8; 2]| {
        for (byte, new) in bytes.iter_mut().skip(at).zip(value) {
            *byte = new;
        }
    };
    match v.text("what") {
        "short" => bytes.truncate(11),
        "label-too-long" => set(8, [0, 6]),
        "protocol-too-long" => set(10, [0, 1]),
        "both-65535" => {
            set(8, [0xff, 0xff]);
            set(10, [0xff, 0xff]);
        }
        "trailing" => bytes.push(0),
        "unknown" => bytes = vec![0x77, 1, 2, 3],
        "type-only" => bytes.truncate(1),
        _ => set(12, [0xff, 0xfe]),
    }
    s.say(t, stream, ppid::DCEP, &bytes);
    s.serve(t, SECOND);
    let got = format!("{} resets, {}", s.resets(stream), s.state());
    let opened = s.opened(stream).is_some();
    t.must(req::DCEP_OPEN_LENGTHS_CHECKED, !opened, "no channel", &got)?;
    t.must(req::DCEP_BAD_DCEP_CLOSES, s.resets(stream) == 1, "a reset of the stream", &got)?;
    is_refused(t, &s, stream, 0)
}

case! {
    id: "datachannel.refused.message",
    title: "A message of an unknown kind, or that is wrong, closes its channel and no other",
    reqs: [req::DC_UNKNOWN_PPID_CLOSES],
    kind: SubjectKind::DataChannel,
    variants: product! {
        role: ["client", "server"],
        what: ["unknown", "unordered", "not-utf8", "no-channel"],
    },
    no_reference: NO_OTHER,
    run: message,
}

fn message(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut s = ChannelStage::connected(t, v.text("role") == "client")?;
    let (stream, other) = (s.theirs(), s.theirs() + 2);
    if v.text("what") != "no-channel" {
        s.open(t, stream, &Open::new("a"));
    }
    s.open(t, other, &Open::new("b"));
    let data = match v.text("what") {
        "unknown" => Data { ppid: 99, ..s.peer.data(stream, b"?") },
        "unordered" => Data { ppid: ppid::STRING, ..s.peer.unordered(stream, b"?") },
        "not-utf8" => Data { ppid: ppid::STRING, ..s.peer.data(stream, &[0xff, 0xfe]) },
        _ => Data { ppid: ppid::STRING, ..s.peer.data(stream, b"?") },
    };
    let packet = s.peer.one(data);
    t.stimulus("a message that is wrong");
    s.send(t, &packet);
    s.serve(t, SECOND);
    let got = s.state();
    let closed = s.resets(stream) == 1 && s.delivered(stream).is_empty();
    t.should(req::DC_UNKNOWN_PPID_CLOSES, closed, "a reset of the stream", &got)?;
    s.say(t, other, ppid::STRING, b"still here");
    let fine = s.delivered(other) == [text("still here")] && s.resets(other) == 0;
    t.should(req::DC_UNKNOWN_PPID_CLOSES, fine, "the other channel", s.state())
}

case! {
    id: "datachannel.refused.here",
    title: "A channel that the peer closes instead of acknowledging it is closed",
    reqs: [req::DC_CLOSE_ANSWERED, req::DC_CLOSE_FREES_STREAM],
    kind: SubjectKind::DataChannel,
    variants: product! { role: ["client", "server"] },
    no_reference: NO_OTHER,
    run: here,
}

fn here(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut s = ChannelStage::connected(t, v.text("role") == "client")?;
    let id = s.opens(t, &ChannelSpec::new("unwanted"))?;
    s.reset(t, id);
    s.serve(t, SECOND);
    let closed = s.count(|event| event.closes(id));
    t.must(req::DC_CLOSE_ANSWERED, closed == 1 && s.resets(id) == 1, "closed once", s.state())?;
    let again = s.opens(t, &ChannelSpec::new("wanted"))?;
    t.must(req::DC_CLOSE_FREES_STREAM, again == id, id, again)?;
    let heard = s.heard(id, ppid::DCEP).pop().unwrap_or_default();
    t.must(req::DC_CLOSE_FREES_STREAM, heard.ssn == 0, "number 0", heard.ssn)
}
