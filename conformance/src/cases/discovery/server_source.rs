//! Where responses come from and what they say about it: RFC 5780 §6.1, §7.

use super::props::{Flags, discovery_server, four, only, other_of, success};
use crate::cases::stun::script::*;

case! {
    id: "stun.discovery.server.source",
    title: "The flags of CHANGE-REQUEST choose where the response comes from, and the response says so",
    reqs: [
        req::DISCOVERY_CHANGE_NONE_SOURCE,
        req::DISCOVERY_CHANGE_IP_SOURCE,
        req::DISCOVERY_CHANGE_PORT_SOURCE,
        req::DISCOVERY_CHANGE_BOTH_SOURCE,
        req::DISCOVERY_RESPONSE_ORIGIN,
        req::DISCOVERY_OTHER_ADDRESS,
        req::DISCOVERY_OTHER_ADDRESS_VALUE,
        req::DISCOVERY_RESPONSE_BOTH_MAPPED_ADDRESSES,
    ],
    kind: SubjectKind::StunServer,
    needs: [Cap::OtherAddress, Cap::Ipv6],
    variants: product! {
        family: ["v4", "v6"],
        to: [0, 1, 2, 3],
        flags: ["absent", "none", "ip", "port", "ip+port"],
    },
    no_reference: "no other stack at hand has a second address",
    run: source,
}

/// Table 1 of the specification, for each of the four addresses a request can go to.
fn source(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let family = Family::of(v);
    let stage = ServerStage::on(t, family, discovery_server(family))?;
    let to = usize::try_from(v.number("to")).ok().and_then(|to| four(family).get(to).copied());
    let (to, flags) = (t.expect(to, "an address")?, Flags::of(v));
    let mut request = stage.request(t);
    if v.text("flags") != "absent" {
        request = request.with(flags.attribute());
    }
    let req = match (flags.ip, flags.port) {
        (false, false) => req::DISCOVERY_CHANGE_NONE_SOURCE,
        (true, false) => req::DISCOVERY_CHANGE_IP_SOURCE,
        (false, true) => req::DISCOVERY_CHANGE_PORT_SOURCE,
        (true, true) => req::DISCOVERY_CHANGE_BOTH_SOURCE,
    };
    let (peer, wanted) = (stage.peer(), flags.source(to));
    let replies = stage.exchange_raw_between(t, 0, to, &request.encode());
    let (arrival, reply) = only(t, req, &replies)?;
    let (from, arrived) = (arrival.source, arrival.destination);
    t.must(req, from == wanted && arrived == peer, wanted, format_args!("{from} to {arrived}"))?;
    success(&request, peer).holds(t, req, &reply)?;
    let origin = reply.address(attribute::RESPONSE_ORIGIN);
    t.must(req::DISCOVERY_RESPONSE_ORIGIN, origin == Some(wanted), wanted, &reply)?;
    let other = reply.address(attribute::OTHER_ADDRESS);
    t.must(req::DISCOVERY_OTHER_ADDRESS, other.is_some(), "OTHER-ADDRESS", &reply)?;
    let right = other == Some(other_of(to));
    t.must(req::DISCOVERY_OTHER_ADDRESS_VALUE, right, other_of(to), &reply)?;
    let clear = reply.address(attribute::MAPPED_ADDRESS);
    let agree = clear == Some(peer) && reply.xor_mapped_address() == Some(peer);
    t.must(req::DISCOVERY_RESPONSE_BOTH_MAPPED_ADDRESSES, agree, peer, &reply)
}

case! {
    id: "stun.discovery.server.unused-bits",
    title: "The bits of CHANGE-REQUEST that have no meaning change nothing",
    reqs: [req::DISCOVERY_CHANGE_NONE_SOURCE, req::DISCOVERY_CHANGE_BOTH_SOURCE],
    kind: SubjectKind::StunServer,
    needs: [Cap::OtherAddress],
    variants: product! { bits: [0x0000_0001, 0x0000_0008, 0x8000_0000, 0xffff_fff9] },
    no_reference: "no other stack at hand has a second address",
    run: unused_bits,
}

fn unused_bits(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let stage = ServerStage::open(t, discovery_server(Family::V4))?;
    let noise = u32::try_from(v.number("bits")).unwrap_or(0);
    for (flags, req) in [
        (Flags::default(), req::DISCOVERY_CHANGE_NONE_SOURCE),
        (Flags { ip: true, port: true }, req::DISCOVERY_CHANGE_BOTH_SOURCE),
    ] {
        let noisy = flags.attribute().with_octets(F::Xor(noise.to_be_bytes().to_vec()));
        let request = stage.request(t).with(noisy);
        let replies = stage.exchange_raw(t, &request.encode());
        let (arrival, reply) = only(t, req, &replies)?;
        let wanted = flags.source(stage.server());
        t.must(req, arrival.source == wanted, wanted, arrival.source)?;
        success(&request, stage.peer()).holds(t, req, &reply)?;
    }
    Ok(())
}

case! {
    id: "stun.discovery.server.same-ports",
    title: "The server has the same two ports on both addresses",
    reqs: [req::DISCOVERY_SERVER_SAME_PORTS],
    kind: SubjectKind::StunServer,
    needs: [Cap::OtherAddress, Cap::Ipv6],
    variants: product! { family: ["v4", "v6"] },
    no_reference: "no other stack at hand has a second address",
    run: same_ports,
}

/// What the first response says is enough to find the other three places, and all of them answer.
fn same_ports(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let family = Family::of(v);
    let stage = ServerStage::on(t, family, discovery_server(family))?;
    let request = stage.request(t);
    let reply = stage.exchange(t, &request);
    let reply = t.expect(reply, "a response")?;
    let other = t.expect(reply.address(attribute::OTHER_ADDRESS), "OTHER-ADDRESS")?;
    let first = stage.server();
    for ip in [first.ip(), other.ip()] {
        for port in [first.port(), other.port()] {
            let (to, request) = (SocketAddr::new(ip, port), stage.request(t));
            let replies = stage.exchange_raw_between(t, 1, to, &request.encode());
            let sources: Vec<SocketAddr> = replies.iter().map(|reply| reply.source).collect();
            let fine = sources == [to];
            t.should(req::DISCOVERY_SERVER_SAME_PORTS, fine, to, format_args!("{sources:?}"))?;
        }
    }
    Ok(())
}

case! {
    id: "stun.discovery.server.format",
    title: "RESPONSE-ORIGIN and OTHER-ADDRESS are in clear, under their own numbers",
    reqs: [req::DISCOVERY_ADDRESS_FORMAT, req::DISCOVERY_ATTRIBUTE_NUMBERS],
    kind: SubjectKind::StunServer,
    needs: [Cap::OtherAddress, Cap::Ipv6],
    variants: product! { family: ["v4", "v6"] },
    no_reference: "no other stack at hand has a second address",
    run: format,
}

/// Byte for byte: zero, family, port and address, nothing of it masked.
fn format(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let family = Family::of(v);
    let stage = ServerStage::on(t, family, discovery_server(family))?;
    let request = stage.request(t).with(Attribute::padding(4));
    let reply = stage.exchange(t, &request);
    let reply = t.expect(reply, "a response")?;
    for kind in [0x0026, 0x802b, 0x802c] {
        let has = reply.has(kind);
        t.must(req::DISCOVERY_ATTRIBUTE_NUMBERS, has, hex16(kind), &reply)?;
    }
    for (kind, address) in [(0x802b, stage.server()), (0x802c, other_of(stage.server()))] {
        let number = if address.is_ipv4() { 1 } else { 2 };
        let port = address.port().to_be_bytes();
        let wanted = [&[0, number], port.as_slice(), &ip_octets(address.ip())].concat();
        let found = reply.value(kind).unwrap_or_default();
        t.must(req::DISCOVERY_ADDRESS_FORMAT, found == wanted, hex(&wanted), hex(found))?;
    }
    Ok(())
}
