//! Servers with one address: RFC 5780 §6.

use super::props::{Flags, discovery_server, single_server};
use crate::{cases::stun::script::*, subjects::stun::DiscoveryOffer};

case! {
    id: "stun.discovery.server.single",
    title: "A server with one address names no other and refuses to change where it answers from",
    reqs: [
        req::DISCOVERY_SINGLE_ADDRESS_NO_OTHER_ADDRESS,
        req::DISCOVERY_SINGLE_ADDRESS_CHANGE_REQUEST_420,
    ],
    kind: SubjectKind::StunServer,
    variants: product! { server: ["plain", "single"], flags: ["none", "ip", "port", "ip+port"] },
    run: single,
}

/// A server that knows nothing of this usage does the same, by the rules for unknown attributes.
fn single(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let config = if v.text("server") == "single" { single_server() } else { plain() };
    let stage = ServerStage::open(t, config)?;
    let request = stage.request(t);
    let bare = stage.exchange(t, &request);
    let bare = answered(t, req::DISCOVERY_SINGLE_ADDRESS_NO_OTHER_ADDRESS, bare)?;
    let names = bare.has(attribute::OTHER_ADDRESS);
    t.must(req::DISCOVERY_SINGLE_ADDRESS_NO_OTHER_ADDRESS, !names, "no OTHER-ADDRESS", &bare)?;
    let request = stage.request(t).with(Flags::of(v).attribute());
    let replies = stage.exchange_raw(t, &request.encode());
    let refused = req::DISCOVERY_SINGLE_ADDRESS_CHANGE_REQUEST_420;
    unknown(t, refused, &stage, &request, attribute::CHANGE_REQUEST, &replies)?;
    let other = req::DISCOVERY_SINGLE_ADDRESS_NO_OTHER_ADDRESS;
    let none = replies.iter().all(|reply| {
        Parsed::read(&reply.payload).is_ok_and(|reply| !reply.has(attribute::OTHER_ADDRESS))
    });
    t.must(other, none, "no OTHER-ADDRESS in the error either", show(&replies))?;
    stage.alive(t, refused)
}

case! {
    id: "stun.discovery.server.no-response-port",
    title: "A server that does not support RESPONSE-PORT answers with 420, to the sender",
    reqs: [req::DISCOVERY_RESPONSE_PORT_UNSUPPORTED_420],
    kind: SubjectKind::StunServer,
    variants: product! { server: ["plain", "single", "four"] },
    run: no_response_port,
}

fn no_response_port(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let deaf = Some(DiscoveryOffer { response_port: false, padding: None });
    let config = match v.text("server") {
        "plain" => plain(),
        "single" => StunServerConfig { discovery: deaf, ..single_server() },
        _ => StunServerConfig { discovery: deaf, ..discovery_server(Family::V4) },
    };
    let stage = ServerStage::open(t, config)?;
    let request = stage.request(t).with(Attribute::response_port(stage.peer_at(1).port()));
    let replies = stage.exchange_raw(t, &request.encode());
    let req = req::DISCOVERY_RESPONSE_PORT_UNSUPPORTED_420;
    unknown(t, req, &stage, &request, attribute::RESPONSE_PORT, &replies)?;
    stage.alive(t, req)
}

/// Asserts that `replies` is one 420 that names `kind` and goes straight back.
#[track_caller]
fn unknown(
    t: &mut Ctl<'_>,
    req: Req,
    stage: &ServerStage,
    request: &Message,
    kind: u16,
    replies: &[Arrival],
) -> Outcome {
    let (arrival, reply) = super::props::only(t, req, replies)?;
    Model::error(request, 420).with(attribute::UNKNOWN_ATTRIBUTES).holds(t, req, &reply)?;
    let listed = reply.unknown_attributes();
    t.must(req, listed == Some(vec![kind]), attribute_name(kind), format_args!("{listed:04x?}"))?;
    let straight = arrival.source == stage.server() && arrival.destination == stage.peer();
    let got = format!("{} to {}", arrival.source, arrival.destination);
    t.must(req, straight, format_args!("{} to {}", stage.server(), stage.peer()), got)
}
