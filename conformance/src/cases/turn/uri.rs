//! The names of servers: RFC 7064, RFC 7065.

use super::script::*;
use crate::{
    cases::stun::script::{codec, supported},
    subjects::stun::{HostName, ServerUri},
};

/// What a URI of the case means.
fn meaning(text: &str) -> ServerUri {
    let name = HostName::Name("example.org".to_owned());
    let v4 = HostName::Address(IpAddr::from([192, 0, 2, 1]));
    let v6 = HostName::Address(IpAddr::from([0x2001, 0xdb8, 0, 0, 0, 0, 0, 1]));
    let lower = text.to_ascii_lowercase();
    let secure = lower.starts_with("stuns:") || lower.starts_with("turns:");
    let port = match (lower.contains(":8000"), secure) {
        (true, _) => 8000,
        (false, true) => 5349,
        (false, false) => 3478,
    };
    let host = match text {
        _ if text.contains("192.0.2.1") => v4,
        _ if text.contains('[') => v6,
        _ => name,
    };
    let transport = text.split_once("?transport=").map(|(_, transport)| transport.to_owned());
    ServerUri { relay: lower.starts_with("turn"), secure, host, port, transport }
}

case! {
    id: "turn.uri.good",
    title: "A URI says scheme, host, port and transport, with defaults where it says nothing",
    reqs: [
        req::STUN_URI_SYNTAX,
        req::STUN_URI_HOST,
        req::STUN_URI_SCHEME_TELLS_SECURITY,
        req::STUN_URI_DEFAULT_PORT,
        req::TURN_URI_SYNTAX,
        req::TURN_URI_HOST,
        req::TURN_URI_TRANSPORT,
        req::TURN_URI_SCHEME_TELLS_SECURITY,
        req::TURN_URI_DEFAULT_PORT,
        req::TURN_TURNS_SCHEME_FOR_TLS,
        req::TURN_DEFAULT_PORTS,
    ],
    kind: SubjectKind::StunCodec,
    variants: product! {
        uri: [
            "stun:example.org", "STUN:example.org", "stuns:example.org", "stun:example.org:8000",
            "stun:192.0.2.1:8000", "stun:[2001:db8::1]", "stun:[2001:db8::1]:8000",
            "turn:example.org", "Turn:example.org", "turns:example.org", "turn:example.org:8000",
            "turn:192.0.2.1", "turn:[2001:db8::1]:8000", "turns:192.0.2.1:8000",
            "turn:example.org?transport=udp", "turn:example.org:8000?transport=tcp",
            "turns:example.org?transport=tcp", "turn:[2001:db8::1]?transport=sctp",
        ],
    },
    run: good,
}

fn good(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let text = v.text("uri");
    let read = codec(t)?.read_uri(text);
    t.stimulus(text);
    supported(&read)?;
    let wanted = meaning(text);
    let got = format!("{read:?}");
    let (syntax, host, security, port) = match wanted.relay {
        false => (
            req::STUN_URI_SYNTAX,
            req::STUN_URI_HOST,
            req::STUN_URI_SCHEME_TELLS_SECURITY,
            req::STUN_URI_DEFAULT_PORT,
        ),
        true => (
            req::TURN_URI_SYNTAX,
            req::TURN_URI_HOST,
            req::TURN_URI_SCHEME_TELLS_SECURITY,
            req::TURN_URI_DEFAULT_PORT,
        ),
    };
    t.must(syntax, read.is_ok(), "a URI", &got)?;
    let read = read.map_err(|_| Stop::Failed)?;
    t.must(syntax, read.relay == wanted.relay, "the scheme", &got)?;
    t.must(host, read.host == wanted.host, format_args!("{:?}", wanted.host), &got)?;
    t.must(security, read.secure == wanted.secure, wanted.secure, &got)?;
    t.must(port, read.port == wanted.port, wanted.port, &got)?;
    if wanted.relay {
        let fits = read.transport == wanted.transport;
        t.must(req::TURN_URI_TRANSPORT, fits, format_args!("{:?}", wanted.transport), &got)?;
        t.must(req::TURN_TURNS_SCHEME_FOR_TLS, read.secure == wanted.secure, wanted.secure, &got)?;
        t.must(req::TURN_DEFAULT_PORTS, read.port == wanted.port, wanted.port, got)?;
    }
    Ok(())
}

case! {
    id: "turn.uri.bad",
    title: "What only looks like such a URI, to a reader of other URIs, is refused",
    reqs: [
        req::STUN_URI_NOT_HIERARCHICAL,
        req::STUN_URI_NO_TRANSPORT,
        req::STUN_URI_SYNTAX,
        req::TURN_URI_NOT_HIERARCHICAL,
        req::TURN_URI_SYNTAX,
    ],
    kind: SubjectKind::StunCodec,
    variants: product! {
        uri: [
            "stun://example.org", "stun:user@example.org", "stun:example.org/path",
            "stun:example.org#fragment", "stun:example.org?transport=udp", "stun:",
            "stun:example.org:99999", "stun:[2001:db8::1", "http:example.org", "example.org",
            "turn://example.org", "turn:user:password@example.org", "turn:example.org/",
            "turn:example.org#fragment", "turn:example.org?transport=", "turn:example.org?x=y",
            "turn:example.org?transport=udp&x=y", "turn:", "turn:example.org:99999",
        ],
    },
    run: bad,
}

fn bad(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let text = v.text("uri");
    let read = codec(t)?.read_uri(text);
    t.stimulus(text);
    supported(&read)?;
    let relay = text.starts_with("turn");
    let hierarchical = text.contains("//")
        || text.contains('@')
        || text.contains('#')
        || text.ends_with('/')
        || text.ends_with("path")
        || text.contains("x=y");
    let req = match (relay, hierarchical) {
        (false, _) if text.contains('?') => req::STUN_URI_NO_TRANSPORT,
        (false, true) => req::STUN_URI_NOT_HIERARCHICAL,
        (false, false) => req::STUN_URI_SYNTAX,
        (true, true) => req::TURN_URI_NOT_HIERARCHICAL,
        (true, false) => req::TURN_URI_SYNTAX,
    };
    t.must(req, read.is_err(), "a refusal", format_args!("{read:?}"))
}
