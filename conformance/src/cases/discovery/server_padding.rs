//! PADDING: RFC 5780 §6.1, §7.6.

use super::props::{Flags, MTU, discovery_server, only, success};
use crate::{cases::stun::script::*, subjects::stun::DiscoveryOffer};

case! {
    id: "stun.discovery.server.padding",
    title: "A request with PADDING gets PADDING back, as long as the server's MTU",
    reqs: [req::DISCOVERY_PADDING_ECHOED, req::DISCOVERY_PADDING_SERVER_SIZE],
    kind: SubjectKind::StunServer,
    needs: [Cap::Padding, Cap::OtherAddress],
    variants: product! {
        length: [0, 1, 4, 1_473, 1_500, 9_000],
        mtu: [1_280, 1_499, 1_500, 1_501],
    },
    no_reference: "no other stack at hand heeds PADDING",
    run: padding,
}

/// The length of the request's PADDING has no part in it.
fn padding(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mtu = u16::try_from(v.number("mtu")).unwrap_or(MTU);
    let discovery = Some(DiscoveryOffer { response_port: true, padding: Some(mtu) });
    let config = StunServerConfig { discovery, ..discovery_server(Family::V4) };
    let stage = ServerStage::open(t, config)?;
    let length = usize::try_from(v.number("length")).unwrap_or(0);
    let request = stage.request(t).with(Attribute::padding(length));
    let replies = stage.exchange_raw(t, &request.encode());
    let (_, reply) = only(t, req::DISCOVERY_PADDING_ECHOED, &replies)?;
    success(&request, stage.peer()).with(attribute::PADDING).holds(
        t,
        req::DISCOVERY_PADDING_ECHOED,
        &reply,
    )?;
    let found = reply.value(attribute::PADDING).map_or(0, <[u8]>::len);
    let wanted = usize::from(mtu).next_multiple_of(4);
    t.should(req::DISCOVERY_PADDING_SERVER_SIZE, found == wanted, wanted, found)?;
    let request = stage.request(t);
    let replies = stage.exchange_raw(t, &request.encode());
    let (_, reply) = only(t, req::DISCOVERY_PADDING_ECHOED, &replies)?;
    success(&request, stage.peer()).holds(t, req::DISCOVERY_PADDING_ECHOED, &reply)
}

case! {
    id: "stun.discovery.server.padding-content",
    title: "What PADDING holds has no effect",
    reqs: [req::DISCOVERY_PADDING_CONTENT_IGNORED],
    kind: SubjectKind::StunServer,
    needs: [Cap::Padding, Cap::OtherAddress],
    variants: product! { content: ["zeros", "ones", "text", "attributes", "random"] },
    no_reference: "no other stack at hand heeds PADDING",
    run: padding_content,
}

/// Bytes that look like a RESPONSE-PORT inside of it must not be taken for one.
fn padding_content(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let stage = ServerStage::open(t, discovery_server(Family::V4))?;
    let content = match v.text("content") {
        "zeros" => vec![0; 200],
        "ones" => vec![0xff; 200],
        "text" => "p\u{e4}dding".repeat(20).into_bytes(),
        "attributes" => [0, 0x27, 0, 2, 0xc3, 0x51, 0, 0].repeat(25),
        _ => t.rng().public_array::<200>().to_vec(),
    };
    let padding = Attribute::bytes(attribute::PADDING, &content);
    let request = stage.request(t).with(padding).with(Flags { ip: true, port: true }.attribute());
    let replies = stage.exchange_raw(t, &request.encode());
    let req = req::DISCOVERY_PADDING_CONTENT_IGNORED;
    let (arrival, reply) = only(t, req, &replies)?;
    success(&request, stage.peer()).with(attribute::PADDING).holds(t, req, &reply)?;
    let from = Flags { ip: true, port: true }.source(stage.server());
    let right = arrival.source == from && arrival.destination == stage.peer();
    let got = format!("{} to {}", arrival.source, arrival.destination);
    t.must(req, right, format_args!("{from} to {}", stage.peer()), got)
}
