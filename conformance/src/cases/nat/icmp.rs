//! ICMP errors about mapped packets: RFC 4787 §9.

use simnet::{Icmp, IcmpError, Packet, Quote};

use super::{Far, Lab, NO_REFERENCE, PATIENCE, PORT, arrival, nothing};
use crate::{Ctl, Outcome, SubjectKind, Variant, case, product, req, subjects::nat::NatConfig};

fn kind(word: &str) -> IcmpError {
    match word {
        "network-unreachable" => IcmpError::NetworkUnreachable,
        "host-unreachable" => IcmpError::HostUnreachable,
        "port-unreachable" => IcmpError::PortUnreachable,
        "prohibited" => IcmpError::Prohibited,
        "too-big" => IcmpError::TooBig { mtu: 1_280 },
        _ => IcmpError::TimeExceeded,
    }
}

case! {
    id: "nat.icmp.errors",
    title: "ICMP errors reach the host that sent the packet, and leave its mapping alone",
    reqs: [
        req::NAT_ICMP_NOT_FILTERED_BY_SOURCE,
        req::NAT_ICMP_TRANSLATED,
        req::NAT_ICMP_KEEPS_MAPPING,
    ],
    kind: SubjectKind::Nat,
    variants: product! {
        reporter: ["destination", "router"],
        error: [
            "network-unreachable",
            "host-unreachable",
            "port-unreachable",
            "prohibited",
            "too-big",
            "time-exceeded",
        ],
        filtering: ["endpoint-independent", "address-and-port-dependent"],
    },
    no_reference: NO_REFERENCE,
    run: errors,
}

fn errors(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let filtering = super::mapping::filtering(v.text("filtering"));
    let lab = Lab::build(t, &NatConfig { filtering, ..NatConfig::rfc4787_strict() })?;
    let socket = Lab::inside(t, 2, PORT)?;
    let external = lab.seen(t, socket, Far::Server)?;
    let by_router = v.text("reporter") == "router";
    let (host, reporter) =
        if by_router { ("stranger", Far::Stranger) } else { ("server", Far::Server) };
    let kind = kind(v.text("error"));
    let about = Packet::udp(external, Far::Server.address(), &b""[..]);
    let quote = Box::new(Quote::of(&about));
    let message = Icmp::Error { kind, quote };
    let error = Packet::icmp(reporter.address().ip(), external.ip(), message);
    let net = t.net();
    let node = net.node(host);
    net.inject(node, error);
    t.run_for(PATIENCE);

    // The host can only attribute the error to the socket if both addresses were translated back.
    let got = t.net().socket_error(socket);
    let seen = got
        .map_or_else(nothing, |got| format!("{:?} about {} > {}", got.kind, got.local, got.remote));
    let wanted = format!("{kind} about 192.168.1.2:{PORT} > {}", Far::Server.address());
    let held = got.is_some_and(|got| {
        got.kind == kind.socket_error()
            && got.local == ([192, 168, 1, 2], PORT).into()
            && got.remote == Far::Server.address()
    });
    if by_router {
        t.should(req::NAT_ICMP_NOT_FILTERED_BY_SOURCE, held, &wanted, &seen)?;
    }
    t.should(req::NAT_ICMP_TRANSLATED, held, wanted, seen)?;
    let open = lab.reaches(t, Far::Server, external, socket)?;
    let wanted = "what the server sends afterwards arrives";
    t.must(req::NAT_ICMP_KEEPS_MAPPING, open, wanted, arrival(open))?;
    let again = lab.seen(t, socket, Far::Server)?;
    t.must(req::NAT_ICMP_KEEPS_MAPPING, again == external, format!("{external} as before"), again)
}

case! {
    id: "nat.icmp.forged",
    title: "ICMP errors that fit no packet end no mapping either",
    reqs: [req::NAT_ICMP_KEEPS_MAPPING],
    kind: SubjectKind::Nat,
    variants: product! { error: ["host-unreachable", "port-unreachable", "time-exceeded"] },
    no_reference: NO_REFERENCE,
    run: forged,
}

fn forged(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let lab = Lab::build(t, &NatConfig::rfc4787_strict())?;
    let socket = Lab::inside(t, 2, PORT)?;
    let external = lab.seen(t, socket, Far::Server)?;
    // The mapping exists, but it never sent to the stranger.
    let about = Packet::udp(external, Far::Stranger.address(), &b""[..]);
    let quote = Box::new(Quote::of(&about));
    let message = Icmp::Error { kind: kind(v.text("error")), quote };
    let error = Packet::icmp(Far::Stranger.address().ip(), external.ip(), message);
    let net = t.net();
    let node = net.node("stranger");
    net.inject(node, error);
    t.run_for(PATIENCE);
    let open = lab.reaches(t, Far::Server, external, socket)?;
    let wanted = "what the server sends afterwards arrives";
    t.must(req::NAT_ICMP_KEEPS_MAPPING, open, wanted, arrival(open))
}
