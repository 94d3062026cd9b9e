//! INITs and INIT ACKs that make no sense: RFC 9260 §3.3.2, §3.3.3, §5.1.

use super::script::*;
use crate::registry::Req;

/// Changes the body of an INIT or INIT ACK as the variant says.
fn spoil(mut body: Init, what: &str) -> Init {
    match what {
        "tag" => body.tag = 0,
        "window" => body.a_rwnd = 1_499,
        "outgoing" => body.outgoing = 0,
        "incoming" => body.incoming = 0,
        "host name" => body.parameters.push(Tlv::new(parameter::HOST_NAME, *b"example.org\0")),
        _ => body = body.without(parameter::STATE_COOKIE),
    }
    body
}

case! {
    id: "sctp.refused.init",
    title: "An INIT that makes no sense begins nothing, and most are told so with an ABORT under their initiate tag",
    reqs: [
        req::SCTP_INIT_TAG_ZERO_DISCARDED,
        req::SCTP_INIT_SMALL_WINDOW_DISCARDED,
        req::SCTP_INIT_SMALL_WINDOW_ABORTS,
        req::SCTP_INIT_ZERO_STREAMS_DISCARDED,
        req::SCTP_INIT_ZERO_STREAMS_ABORTS,
        req::SCTP_HOST_NAME_ABORTS,
        req::SCTP_HOST_NAME_ABORT_TO_SOURCE,
        req::SCTP_REFUSED_SET_UP_ABORTS,
        req::SCTP_REFUSED_SET_UP_CAUSE,
        req::SCTP_REFUSED_SET_UP_TAG,
        req::SCTP_OOTB_INIT_ABORT_TAG,
        req::SCTP_ABORT_TAG_OF_PEER,
    ],
    kind: SubjectKind::Sctp,
    variants: product! {
        what: ["tag", "window", "outgoing", "incoming", "host name"],
        association: ["none", "established"],
    },
    run: init,
}

fn init(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let what = v.text("what");
    let established = v.text("association") == "established";
    let mut s = SctpStage::open(t)?;
    if established {
        s.meet(t)?;
    }
    let mark = s.mark();
    let mut body = spoil(s.peer.init_body(), what);
    if body.tag != 0 {
        body.tag = 0x0a0b_0c0d;
    }
    let packet = s.peer.one(body).tag(0);
    s.send_stimulus(t, &packet, "an INIT that makes no sense");
    s.listen(t, SOON);
    let new = s.packets_since(mark);
    let got = s.since(mark).join("; ");
    let answered = new.iter().any(|packet| packet.has(chunk::INIT_ACK));
    let abort = new.iter().find(|packet| packet.has(chunk::ABORT));
    let discarded = match what {
        "tag" => req::SCTP_INIT_TAG_ZERO_DISCARDED,
        "window" => req::SCTP_INIT_SMALL_WINDOW_DISCARDED,
        "host name" => req::SCTP_HOST_NAME_ABORTS,
        _ => req::SCTP_INIT_ZERO_STREAMS_DISCARDED,
    };
    t.must(discarded, !answered, "no INIT ACK", &got)?;
    if what == "tag" {
        t.must(discarded, new.is_empty(), "silence", &got)?;
    } else {
        aborted(t, what, abort, &got)?;
    }
    if established {
        s.unharmed(t, discarded)
    } else {
        let up = s.meet(t).is_ok();
        t.must(discarded, up, "an association afterwards", "none")
    }
}

fn aborted(t: &mut Ctl<'_>, what: &str, abort: Option<&Packet>, got: &str) -> Outcome {
    let is_there = abort.is_some();
    match what {
        "window" => t.should(req::SCTP_INIT_SMALL_WINDOW_ABORTS, is_there, "ABORT", got)?,
        "host name" => {
            t.must(req::SCTP_HOST_NAME_ABORTS, is_there, "ABORT", got)?;
            t.should(req::SCTP_HOST_NAME_ABORT_TO_SOURCE, is_there, "ABORT", got)?;
        }
        _ => t.should(req::SCTP_INIT_ZERO_STREAMS_ABORTS, is_there, "ABORT", got)?,
    }
    t.should(req::SCTP_REFUSED_SET_UP_ABORTS, is_there, "ABORT", got)?;
    let Some(packet) = abort else { return Ok(()) };
    let bit = packet.find(chunk::ABORT).is_some_and(|abort| abort.flags & code::T != 0);
    let right = packet.tag == 0x0a0b_0c0d && !bit;
    let shown = format!("tag {:08x}, T: {bit}", packet.tag);
    t.must(req::SCTP_REFUSED_SET_UP_TAG, right, "the initiate tag", &shown)?;
    t.must(req::SCTP_OOTB_INIT_ABORT_TAG, right, "the initiate tag without T", &shown)?;
    t.must(req::SCTP_ABORT_TAG_OF_PEER, right, "the initiate tag", shown)?;
    let named = packet.find(chunk::ABORT).and_then(causes).is_some_and(|list| !list.is_empty());
    t.should(req::SCTP_REFUSED_SET_UP_CAUSE, named, "a cause", "none")
}

case! {
    id: "sctp.refused.init-ack",
    title: "An INIT ACK that makes no sense is not answered with a cookie",
    reqs: [
        req::SCTP_INIT_ACK_TAG_ZERO_DESTROYS,
        req::SCTP_INIT_ACK_TAG_ZERO_ABORTS,
        req::SCTP_INIT_ACK_SMALL_WINDOW_DISCARDED,
        req::SCTP_INIT_ACK_SMALL_WINDOW_ABORTS,
        req::SCTP_INIT_ACK_ZERO_OUTBOUND_DESTROYS,
        req::SCTP_INIT_ACK_ZERO_INBOUND_DESTROYS,
        req::SCTP_INIT_ACK_ZERO_STREAMS_ABORTS,
        req::SCTP_HOST_NAME_ABORTS,
        req::SCTP_REFUSED_SET_UP_ABORTS,
    ],
    kind: SubjectKind::Sctp,
    variants: product! {
        what: ["tag", "window", "outgoing", "incoming", "host name", "no cookie"],
    },
    run: init_ack,
}

fn init_ack(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let what = v.text("what");
    let mut s = SctpStage::open(t)?;
    s.connect(t);
    let (_, answers) = s.until(t, chunk::INIT)?;
    let answer = t.expect(answers.first(), "an INIT ACK of the suite")?;
    let body = t.expect(answer.find(chunk::INIT_ACK).and_then(Init::read), "its body")?;
    let packet = s.peer.one(spoil(body, what));
    let mark = s.mark();
    s.send_stimulus(t, &packet, "an INIT ACK that makes no sense");
    s.listen(t, SOON);
    let new = s.packets_since(mark);
    let got = s.since(mark).join("; ");
    let echoed = new.iter().any(|packet| packet.has(chunk::COOKIE_ECHO));
    let aborted = new.iter().any(|packet| packet.has(chunk::ABORT));
    let over = s.is_over(t);
    let got = format!("{got}, over: {over}");
    let (ends, aborts): (Req, Option<Req>) = match what {
        "tag" => (req::SCTP_INIT_ACK_TAG_ZERO_DESTROYS, Some(req::SCTP_INIT_ACK_TAG_ZERO_ABORTS)),
        "window" => {
            let aborts = req::SCTP_INIT_ACK_SMALL_WINDOW_ABORTS;
            (req::SCTP_INIT_ACK_SMALL_WINDOW_DISCARDED, Some(aborts))
        }
        "outgoing" => {
            let aborts = req::SCTP_INIT_ACK_ZERO_STREAMS_ABORTS;
            (req::SCTP_INIT_ACK_ZERO_OUTBOUND_DESTROYS, Some(aborts))
        }
        "incoming" => {
            let aborts = req::SCTP_INIT_ACK_ZERO_STREAMS_ABORTS;
            (req::SCTP_INIT_ACK_ZERO_INBOUND_DESTROYS, Some(aborts))
        }
        "host name" => (req::SCTP_HOST_NAME_ABORTS, None),
        _ => {
            return t.should(req::SCTP_REFUSED_SET_UP_ABORTS, aborted && !echoed, "ABORT", got);
        }
    };
    t.must(ends, !echoed, "no COOKIE ECHO", &got)?;
    if !matches!(what, "window" | "host name") {
        t.must(ends, over, "the end of the attempt", &got)?;
    }
    match aborts {
        Some(aborts) => t.should(aborts, aborted, "ABORT", &got)?,
        None => t.must(ends, aborted, "ABORT", &got)?,
    }
    t.should(req::SCTP_REFUSED_SET_UP_ABORTS, aborted, "ABORT", got)
}

case! {
    id: "sctp.refused.addresses",
    title: "Addresses in an INIT do not hinder the set-up, and without them the source counts",
    reqs: [req::SCTP_OTHER_FAMILY_NO_ERROR, req::SCTP_NO_ADDRESS_USES_SOURCE, req::SCTP_INIT_ACK_TO_SOURCE],
    kind: SubjectKind::Sctp,
    variants: product! { what: ["none", "types", "IPv6", "preservative"] },
    run: addresses,
}

fn addresses(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let what = v.text("what");
    let mut s = SctpStage::with(t, |setup| {
        let extra = match what {
            "types" => Some(Tlv::new(parameter::ADDRESS_TYPES, [0, 5, 0, 6])),
            "IPv6" => Some(Tlv::new(parameter::IPV6_ADDRESS, [0x20; 16])),
            "preservative" => Some(Tlv::new(parameter::COOKIE_PRESERVATIVE, [0, 0, 1, 0])),
            _ => None,
        };
        setup.profile.parameters.extend(extra);
    })?;
    let init = s.peer.init();
    s.send_stimulus(t, &init, "an INIT");
    let Ok((packet, answers)) = s.until(t, chunk::INIT_ACK) else {
        return t.should(req::SCTP_OTHER_FAMILY_NO_ERROR, false, "an INIT ACK", "none");
    };
    t.must(req::SCTP_INIT_ACK_TO_SOURCE, true, "an INIT ACK to the source", "one")?;
    let body = t.expect(packet.find(chunk::INIT_ACK).and_then(Init::read), "an INIT ACK")?;
    for answer in answers {
        s.send(t, &answer);
    }
    let up = s.completes(t, LONG) && s.data_passes(t);
    let reported = body.has(parameter::UNRECOGNIZED);
    let got = s.state(t);
    t.should(req::SCTP_OTHER_FAMILY_NO_ERROR, up && !reported, "no error", &got)?;
    t.must(req::SCTP_NO_ADDRESS_USES_SOURCE, up, "an association and data", got)
}
