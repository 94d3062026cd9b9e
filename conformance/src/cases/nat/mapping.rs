//! Mapping and pooling: RFC 4787 §4.1.

use simnet::{
    Attach,
    nat::{Collision, Filtering, Mapping, PortAssignment, Ports},
};

use super::{Far, Lab, NO_REFERENCE, PORT, list};
use crate::{Ctl, Outcome, SubjectKind, Variant, case, product, req, subjects::nat::NatConfig};

case! {
    id: "nat.mapping.endpoint-independent",
    title: "One internal endpoint is seen as one external endpoint by all destinations",
    reqs: [req::NAT_MAPPING_ENDPOINT_INDEPENDENT],
    kind: SubjectKind::Nat,
    variants: product! {
        filtering: ["endpoint-independent", "address-dependent", "address-and-port-dependent"],
        ports: ["preserved", "sequential", "random"],
    },
    no_reference: NO_REFERENCE,
    run: endpoint_independent,
}

/// The filtering that a variant names.
pub(super) fn filtering(word: &str) -> Filtering {
    match word {
        "endpoint-independent" => Filtering::EndpointIndependent,
        "address-dependent" => Filtering::AddressDependent,
        _ => Filtering::AddressAndPortDependent,
    }
}

/// The port assignment that a variant names.
pub(super) fn ports(word: &str) -> Ports {
    let preserve = Ports::new(PortAssignment::Preserve);
    match word {
        "preserved" => preserve,
        "preserved-in-class" => Ports::new(PortAssignment::PreserveInClass),
        "preserved-or-next" => Ports { on_collision: Collision::Next, ..preserve },
        "sequential" => Ports::new(PortAssignment::sequential(1)),
        _ => Ports::new(PortAssignment::Random),
    }
}

fn endpoint_independent(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let config = NatConfig {
        filtering: filtering(v.text("filtering")),
        ports: ports(v.text("ports")),
        ..NatConfig::rfc4787_strict()
    };
    let lab = Lab::build(t, &config)?;
    for number in 2..=4 {
        let socket = Lab::inside(t, number, PORT)?;
        let mut seen = Vec::new();
        for far in Far::ALL {
            seen.push(lab.seen(t, socket, far)?);
        }
        t.must(
            req::NAT_MAPPING_ENDPOINT_INDEPENDENT,
            seen.windows(2).all(|pair| pair.first() == pair.last()),
            "the same external address and port at five destinations",
            list(&seen),
        )?;
    }
    Ok(())
}

case! {
    id: "nat.mapping.dependent",
    title: "A NAT set to depend on the destination depends on what it is set to",
    reqs: [
        req::NAT_MAPPING_ADDRESS_DEPENDENT_MEANING,
        req::NAT_MAPPING_ADDRESS_AND_PORT_DEPENDENT_MEANING,
    ],
    kind: SubjectKind::Nat,
    variants: product! {
        mapping: ["address", "address-and-port"],
        filtering: ["endpoint-independent", "address-dependent", "address-and-port-dependent"],
        ports: ["preserved", "sequential", "random"],
    },
    no_reference: NO_REFERENCE,
    run: dependent,
}

fn dependent(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let by_address = v.text("mapping") == "address";
    let (mapping, requirement) = if by_address {
        (Mapping::AddressDependent, req::NAT_MAPPING_ADDRESS_DEPENDENT_MEANING)
    } else {
        let requirement = req::NAT_MAPPING_ADDRESS_AND_PORT_DEPENDENT_MEANING;
        (Mapping::AddressAndPortDependent, requirement)
    };
    let config = NatConfig {
        mapping,
        filtering: filtering(v.text("filtering")),
        ports: ports(v.text("ports")),
        ..NatConfig::rfc4787_strict()
    };
    let lab = Lab::build(t, &config)?;
    let socket = Lab::inside(t, 2, PORT)?;
    let first = lab.seen(t, socket, Far::Server)?;
    let again = lab.seen(t, socket, Far::Server)?;
    t.must(requirement, again == first, format!("{first} again"), again)?;
    let port = lab.seen(t, socket, Far::ServerOtherPort)?;
    let wanted = if by_address { "the same" } else { "another" };
    let wanted = format!("{wanted} endpoint than {first} for another port");
    t.must(requirement, (port == first) == by_address, wanted, port)?;
    for far in [Far::OtherServer, Far::OtherServerOtherPort, Far::Stranger] {
        let other = lab.seen(t, socket, far)?;
        let wanted = format!("another endpoint than {first} for another address");
        t.must(requirement, other != first, wanted, other)?;
    }
    Ok(())
}

case! {
    id: "nat.pooling.paired",
    title: "A host keeps one external address for all its sessions",
    reqs: [req::NAT_POOLING_PAIRED],
    kind: SubjectKind::Nat,
    variants: product! { ports: ["preserved", "sequential", "random"] },
    no_reference: NO_REFERENCE,
    run: paired,
}

fn paired(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let config = NatConfig { ports: ports(v.text("ports")), ..NatConfig::rfc4787_strict() };
    let attach = Attach::to("lan").and_to("wan");
    let attach = attach.address("11.0.0.5").address("11.0.0.6").address("11.0.0.7");
    let lab = Lab::build_with(t, &config, attach)?;
    for number in 2..=4 {
        let mut seen = Vec::new();
        for port in 0..6 {
            let socket = Lab::inside(t, number, PORT + port)?;
            seen.push(lab.seen(t, socket, Far::Server)?);
        }
        t.should(
            req::NAT_POOLING_PAIRED,
            seen.windows(2).all(|pair| matches!(pair, [a, b] if a.ip() == b.ip())),
            "one external address for six sockets of a host",
            list(&seen),
        )?;
    }
    Ok(())
}
