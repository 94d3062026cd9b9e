//! Messages in byte streams, and the URIs of servers: RFC 8489 §6.2.2, §8.1.

use super::script::*;

case! {
    id: "stun.codec.stream",
    title: "Messages are cut out of a stream by their lengths, however it arrives",
    reqs: [req::STUN_STREAM_CUT_BY_LENGTH],
    kind: SubjectKind::StunCodec,
    needs: [Cap::Stream],
    variants: product! { step: [1, 3, 19, 20, 21, 64, 4096] },
    no_reference: "the other stacks leave framing to their users",
    run: stream,
}

fn stream(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let codec = codec(t)?;
    let messages = [
        vectors::REQUEST.to_vec(),
        Message::request(fresh(t)).encode(),
        vectors::RESPONSE_V6.to_vec(),
        vectors::LONG_TERM.to_vec(),
    ];
    let whole = messages.concat();
    let step = usize::try_from(v.number("step")).unwrap_or(1);
    let pieces: Vec<&[u8]> = whole.chunks(step).collect();
    let cut = codec.cut_stream(&pieces);
    t.stimulus(format_args!("{} pieces", pieces.len()));
    supported(&cut)?;
    let fine = cut.as_ref().is_ok_and(|cut| *cut == messages);
    let lengths = cut.map(|cut| cut.iter().map(Vec::len).collect::<Vec<_>>());
    t.must(req::STUN_STREAM_CUT_BY_LENGTH, fine, "four messages", format_args!("{lengths:?}"))
}

case! {
    id: "stun.codec.uri",
    title: "URIs name scheme, host and port",
    reqs: [
        req::STUN_URI_IP_USED_DIRECTLY,
        req::STUN_URI_DEFAULT_PORTS,
        req::STUN_URI_STUNS_IP_REJECTED,
    ],
    kind: SubjectKind::StunCodec,
    variants: product! {
        uri: [
            "stun:192.0.2.1", "stun:192.0.2.1:8000", "stun:[2001:db8::1]", "stun:[2001:db8::1]:8000",
            "stun:example.org", "stuns:example.org", "stuns:example.org:8000", "stuns:192.0.2.1",
            "stuns:[2001:db8::1]:5349",
        ],
    },
    run: uri,
}

fn uri(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let codec = codec(t)?;
    let text = v.text("uri");
    let read = codec.read_uri(text);
    t.stimulus(text);
    supported(&read)?;
    let secure = text.starts_with("stuns:");
    let numeric = text.contains("192.0.2.1") || text.contains('[');
    let got = format!("{read:?}");
    if secure && numeric {
        return t.must(req::STUN_URI_STUNS_IP_REJECTED, read.is_err(), "a refusal", got);
    }
    let read = match read {
        Ok(read) => read,
        Err(refusal) => return t.must(req::STUN_URI_DEFAULT_PORTS, false, "a URI", refusal),
    };
    let port = match (text.contains(":8000"), secure) {
        (true, _) => 8000,
        (false, false) => 3478,
        (false, true) => 5349,
    };
    t.must(req::STUN_URI_DEFAULT_PORTS, read.port == port && read.secure == secure, port, &got)?;
    let direct = matches!(read.host, HostName::Address(_));
    t.must(req::STUN_URI_IP_USED_DIRECTLY, direct == numeric, "an address if it is one", got)
}
