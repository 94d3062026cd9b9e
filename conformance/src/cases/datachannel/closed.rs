//! Channels that are closed: RFC 8831 §6.7.

use super::script::*;

case! {
    id: "datachannel.close.here",
    title: "A channel is closed by a reset of its stream, after what was sent, and gone when the peer's is reset too",
    reqs: [
        req::DC_CLOSE_RESETS,
        req::DC_CLOSE_AFTER_SENDING,
        req::DC_CLOSE_FREES_STREAM,
        req::DC_RECONFIG_SUPPORTED,
    ],
    kind: SubjectKind::DataChannel,
    variants: product! { role: ["client", "server"], waiting: ["nothing", "data"], kind: ["in-band", "negotiated"] },
    no_reference: NO_OTHER,
    run: here,
}

fn here(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut s = ChannelStage::connected(t, v.text("role") == "client")?;
    let id = if v.text("kind") == "in-band" {
        s.opens_wholly(t, &ChannelSpec::new("a"))?
    } else {
        let own = s.own();
        s.opens(t, &ChannelSpec::new("a").negotiated(own))?
    };
    let waits = v.text("waiting") == "data";
    if waits {
        let data = ChannelData::Binary(vec![7; 50_000]);
        let taken = t.channels(s.seat, |channels, now| channels.send(now, id, data));
        t.precondition(taken.is_ok(), "a message that waits")?;
    }
    s.closes(t, id)?;
    s.serve(t, 2 * LONG);
    let got = format!("{} resets, {}", s.resets(id), s.events.len());
    t.must(req::DC_CLOSE_RESETS, s.resets(id) == 1, "one reset", &got)?;
    t.must(req::DC_RECONFIG_SUPPORTED, s.resets(id) == 1, "one reset", &got)?;
    if waits {
        let bytes: usize = s.heard(id, ppid::BINARY).iter().map(|data| data.payload.len()).sum();
        let last = s
            .heard(id, ppid::BINARY)
            .iter()
            .map(|data| data.tsn)
            .max_by_key(|tsn| tsn.wrapping_add(1 << 30));
        let named = s.peer.log.changes().iter().find_map(|change| match change {
            Change::Outgoing { last_tsn, .. } => Some(*last_tsn),
            _ => None,
        });
        let got = format!("{bytes} bytes, last {last:?}, named {named:?}");
        t.must(req::DC_CLOSE_AFTER_SENDING, bytes >= 50_000 && last == named, "all of it", got)?;
    } else {
        t.must(req::DC_CLOSE_AFTER_SENDING, true, "nothing to send", "nothing")?;
    }
    let early = s.count(|event| event.closes(id));
    t.must(req::DC_CLOSE_FREES_STREAM, early == 0, "not closed yet", early)?;
    s.reset(t, id);
    let closed = s.count(|event| event.closes(id));
    t.must(req::DC_CLOSE_FREES_STREAM, closed == 1, "closed", s.state())?;
    let count = t.channels(s.seat, |channels, _| channels.count());
    t.must(req::DC_CLOSE_FREES_STREAM, count == 0, "no channel", count)?;
    let again = s.opens(t, &ChannelSpec::new("b"))?;
    let ssn = s.heard(again, ppid::DCEP).pop().map(|data| data.ssn);
    let right = again == id && ssn == Some(0);
    t.must(req::DC_CLOSE_FREES_STREAM, right, "the number again", format!("{again}, {ssn:?}"))
}

case! {
    id: "datachannel.close.there",
    title: "A channel whose incoming stream is reset is closed on this side too, and told",
    reqs: [req::DC_CLOSE_ANSWERED, req::DC_CLOSE_FREES_STREAM, req::DC_CLOSE_RESETS],
    kind: SubjectKind::DataChannel,
    variants: product! { role: ["client", "server"], opened: ["here", "there"] },
    no_reference: NO_OTHER,
    run: there,
}

fn there(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut s = ChannelStage::connected(t, v.text("role") == "client")?;
    let id = if v.text("opened") == "here" {
        s.opens_wholly(t, &ChannelSpec::new("a"))?
    } else {
        let stream = s.theirs();
        s.open(t, stream, &Open::new("a"));
        stream
    };
    s.say(t, id, ppid::STRING, b"last words");
    s.reset(t, id);
    s.serve(t, SECOND);
    let got = s.state();
    let words = s.delivered(id) == [text("last words")];
    t.must(req::DC_CLOSE_ANSWERED, words, "the last message", &got)?;
    t.must(req::DC_CLOSE_ANSWERED, s.resets(id) == 1, "one reset", &got)?;
    t.must(req::DC_CLOSE_RESETS, s.resets(id) == 1, "one reset", &got)?;
    let closed = s.count(|event| event.closes(id));
    t.must(req::DC_CLOSE_ANSWERED, closed == 1, "closed once", &got)?;
    if v.text("opened") == "there" {
        s.open(t, id, &Open::new("b"));
        t.must(req::DC_CLOSE_FREES_STREAM, s.acks(id) == 2, "a second ACK", s.state())?;
    } else {
        let again = s.opens(t, &ChannelSpec::new("b"))?;
        t.must(req::DC_CLOSE_FREES_STREAM, again == id, id, again)?;
    }
    Ok(())
}

case! {
    id: "datachannel.close.both",
    title: "Both ends close a channel at once; the end of the association closes the rest",
    reqs: [req::DC_CLOSE_FREES_STREAM, req::DC_CLOSE_RESETS, req::DC_TEARDOWN_ERROR],
    kind: SubjectKind::DataChannel,
    variants: product! { role: ["client", "server"] },
    no_reference: NO_OTHER,
    run: both,
}

fn both(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut s = ChannelStage::connected(t, v.text("role") == "client")?;
    let id = s.opens_wholly(t, &ChannelSpec::new("a"))?;
    let rest = s.opens_wholly(t, &ChannelSpec::new("b"))?;
    t.stimulus("both ends close");
    let closed = t.channels(s.seat, |channels, now| channels.close(now, id));
    t.precondition(closed.is_ok(), "a channel that is being closed")?;
    s.reset(t, id);
    s.serve(t, SECOND);
    let closed = s.count(|event| event.closes(id));
    t.must(req::DC_CLOSE_FREES_STREAM, closed == 1, "closed once", s.state())?;
    t.must(req::DC_CLOSE_RESETS, s.resets(id) == 1, "one reset", s.resets(id))?;
    let abort = s.peer.abort(&[]);
    s.send(t, &abort);
    s.serve(t, SECOND);
    let closed = s.count(|event| event.closes(rest));
    let ended = s.count(|event| matches!(event, DataChannelEvent::Ended(_)));
    let got = format!("{closed} closed, {ended} ended");
    t.should(req::DC_TEARDOWN_ERROR, closed == 1 && ended == 1, "each told once", got)
}

case! {
    id: "datachannel.close.reuse",
    title: "A number is not used again before both directions are reset, however fast channels come and go",
    reqs: [req::DC_CLOSE_FREES_STREAM, req::DC_OPEN_ON_USED_STREAM_FAILS],
    kind: SubjectKind::DataChannel,
    variants: product! { role: ["client", "server"] },
    no_reference: NO_OTHER,
    run: reuse,
}

fn reuse(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut s = ChannelStage::connected(t, v.text("role") == "client")?;
    let id = s.opens_wholly(t, &ChannelSpec::new("a"))?;
    s.closes(t, id)?;
    let next = s.opens(t, &ChannelSpec::new("b"))?;
    t.must(req::DC_CLOSE_FREES_STREAM, next != id, "another number", next)?;
    let same = ChannelSpec::new("c").negotiated(id);
    let taken = t.channels(s.seat, |channels, now| channels.open(now, &same));
    t.must(req::DC_OPEN_ON_USED_STREAM_FAILS, taken.is_err(), "an error", format!("{taken:?}"))?;
    s.reset(t, id);
    let taken = t.channels(s.seat, |channels, now| channels.open(now, &same));
    t.must(req::DC_CLOSE_FREES_STREAM, taken.is_ok(), "the number", format!("{taken:?}"))
}
