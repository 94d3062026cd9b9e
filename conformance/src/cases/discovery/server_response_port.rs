//! RESPONSE-PORT: RFC 5780 §6.1, §7.5.

use super::props::{Flags, discovery_server, only, single_server, success};
use crate::cases::stun::script::*;

case! {
    id: "stun.discovery.server.response-port",
    title: "RESPONSE-PORT sends the response to another port of the address the request came from",
    reqs: [
        req::DISCOVERY_RESPONSE_PORT_DESTINATION,
        req::DISCOVERY_RESPONSE_ORIGIN,
        req::DISCOVERY_RESPONSE_BOTH_MAPPED_ADDRESSES,
    ],
    kind: SubjectKind::StunServer,
    needs: [Cap::ResponsePort, Cap::OtherAddress],
    variants: product! {
        length: [2, 4],
        flags: ["absent", "none", "ip", "port", "ip+port"],
        to: ["other port", "own port"],
    },
    no_reference: "no other stack at hand heeds RESPONSE-PORT",
    run: response_port,
}

/// The two bytes behind the port are padding; whether the length counts them is not said, so both
/// forms count. The response still reports where the request came from.
fn response_port(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let stage = ServerStage::open(t, discovery_server(Family::V4))?;
    let (peer, flags) = (stage.peer(), Flags::of(v));
    let to = if v.text("to") == "own port" { peer } else { stage.peer_at(1) };
    let length = u16::try_from(v.number("length")).unwrap_or(4);
    let mut request =
        stage.request(t).with(Attribute::response_port(to.port()).with_length(F::Set(length)));
    if v.text("flags") != "absent" {
        request = request.with(flags.attribute());
    }
    let replies = stage.exchange_raw(t, &request.encode());
    let req = req::DISCOVERY_RESPONSE_PORT_DESTINATION;
    let (arrival, reply) = only(t, req, &replies)?;
    t.must(req, arrival.destination == to, to, arrival.destination)?;
    success(&request, peer).holds(t, req, &reply)?;
    let from = flags.source(stage.server());
    let origin = reply.address(attribute::RESPONSE_ORIGIN);
    let said = arrival.source == from && origin == Some(from);
    t.must(
        req::DISCOVERY_RESPONSE_ORIGIN,
        said,
        from,
        format_args!("{}, {reply}", arrival.source),
    )?;
    let agree = reply.address(attribute::MAPPED_ADDRESS) == reply.xor_mapped_address();
    t.must(req::DISCOVERY_RESPONSE_BOTH_MAPPED_ADDRESSES, agree, "one address twice", &reply)
}

case! {
    id: "stun.discovery.server.response-port-single",
    title: "A server with one address heeds RESPONSE-PORT too, and forgets it afterwards",
    reqs: [req::DISCOVERY_RESPONSE_PORT_DESTINATION],
    kind: SubjectKind::StunServer,
    needs: [Cap::ResponsePort],
    no_reference: "no other stack at hand heeds RESPONSE-PORT",
    run: response_port_single,
}

fn response_port_single(t: &mut Ctl<'_>, _v: &Variant) -> Outcome {
    let stage = ServerStage::open(t, single_server())?;
    let req = req::DISCOVERY_RESPONSE_PORT_DESTINATION;
    for port in [Some(stage.peer_at(1).port()), None] {
        let request = stage.request(t).with_all(port.map(Attribute::response_port));
        let replies = stage.exchange_raw(t, &request.encode());
        let (arrival, reply) = only(t, req, &replies)?;
        let wanted = port.map_or_else(|| stage.peer(), |_| stage.peer_at(1));
        t.must(req, arrival.destination == wanted, wanted, arrival.destination)?;
        Model::success(&request, stage.peer())
            .with(attribute::MAPPED_ADDRESS)
            .with(attribute::RESPONSE_ORIGIN)
            .holds(t, req, &reply)?;
    }
    Ok(())
}

case! {
    id: "stun.discovery.server.padding-and-response-port",
    title: "A request with PADDING and RESPONSE-PORT is refused, and nothing goes to that port",
    reqs: [req::DISCOVERY_PADDING_WITH_RESPONSE_PORT_400],
    kind: SubjectKind::StunServer,
    needs: [Cap::ResponsePort, Cap::Padding],
    variants: product! { first: ["padding", "response-port"], server: ["single", "four"] },
    no_reference: "no other stack at hand heeds RESPONSE-PORT",
    run: padding_and_response_port,
}

fn padding_and_response_port(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let config = match v.text("server") {
        "single" => single_server(),
        _ => discovery_server(Family::V4),
    };
    let stage = ServerStage::open(t, config)?;
    let mut both = vec![Attribute::padding(64), Attribute::response_port(stage.peer_at(1).port())];
    if v.text("first") == "response-port" {
        both.reverse();
    }
    let request = stage.request(t).with_all(both);
    let replies = stage.exchange_raw(t, &request.encode());
    let req = req::DISCOVERY_PADDING_WITH_RESPONSE_PORT_400;
    let (arrival, reply) = only(t, req, &replies)?;
    Model::error(&request, 400).holds(t, req, &reply)?;
    t.must(req, arrival.destination == stage.peer(), stage.peer(), arrival.destination)?;
    stage.alive(t, req)
}
