//! Who may send to a mapping: RFC 4787 §5.

use simnet::nat::{Filtering, Mapping};

use super::{Far, Lab, NO_REFERENCE, PORT, arrival, mapping};
use crate::{Ctl, Outcome, SubjectKind, Variant, case, product, req, subjects::nat::NatConfig};

/// The mapping behaviour that a variant names.
fn mapping_of(word: &str) -> Mapping {
    match word {
        "endpoint-independent" => Mapping::EndpointIndependent,
        "address-dependent" => Mapping::AddressDependent,
        "endpoint-independent-if-possible" => Mapping::EndpointIndependentIfPossible,
        _ => Mapping::AddressAndPortDependent,
    }
}

case! {
    id: "nat.filtering.behaviour",
    title: "The filter lets in whom it is set to let in, and nobody else",
    reqs: [
        req::NAT_FILTERING_ENDPOINT_INDEPENDENT,
        req::NAT_FILTERING_ADDRESS_DEPENDENT,
        req::NAT_FILTERING_ADDRESS_AND_PORT_DEPENDENT_MEANING,
        req::NAT_FILTERING_CONFIGURABLE,
    ],
    kind: SubjectKind::Nat,
    variants: product! {
        filtering: ["endpoint-independent", "address-dependent", "address-and-port-dependent"],
        mapping: [
            "endpoint-independent",
            "address-dependent",
            "address-and-port-dependent",
            "endpoint-independent-if-possible",
        ],
    },
    no_reference: NO_REFERENCE,
    run: behaviour,
}

fn behaviour(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let filtering = mapping::filtering(v.text("filtering"));
    let mapping = mapping_of(v.text("mapping"));
    let lab = Lab::build(t, &NatConfig { filtering, mapping, ..NatConfig::rfc4787_strict() })?;
    let socket = Lab::inside(t, 2, PORT)?;
    let external = lab.seen(t, socket, Far::Server)?;
    let [server, other_port, strangers] = match filtering {
        Filtering::EndpointIndependent => [true, true, true],
        Filtering::AddressDependent => [true, true, false],
        Filtering::AddressAndPortDependent => [true, false, false],
    };
    let probes = [
        (Far::Stranger, strangers),
        (Far::OtherServer, strangers),
        (Far::OtherServerOtherPort, strangers),
        (Far::ServerOtherPort, other_port),
        (Far::Server, server),
    ];
    for (far, admitted) in probes {
        let arrived = lab.reaches(t, far, external, socket)?;
        let held = arrived == admitted;
        let wanted = format!("what {} sends: {}", far.address(), arrival(admitted));
        let got = arrival(arrived);
        match filtering {
            Filtering::EndpointIndependent => {
                t.should(req::NAT_FILTERING_ENDPOINT_INDEPENDENT, held, &wanted, got)?;
            }
            Filtering::AddressDependent => {
                t.should(req::NAT_FILTERING_ADDRESS_DEPENDENT, held, &wanted, got)?;
            }
            Filtering::AddressAndPortDependent => {
                let requirement = req::NAT_FILTERING_ADDRESS_AND_PORT_DEPENDENT_MEANING;
                t.must(requirement, held, &wanted, got)?;
            }
        }
        t.may(req::NAT_FILTERING_CONFIGURABLE, held, wanted, got)?;
    }
    Ok(())
}

case! {
    id: "nat.filtering.opens",
    title: "Sending to somebody lets that one in, through the mapping that is there",
    reqs: [
        req::NAT_FILTERING_ADDRESS_DEPENDENT,
        req::NAT_FILTERING_ADDRESS_AND_PORT_DEPENDENT_MEANING,
    ],
    kind: SubjectKind::Nat,
    variants: product! { filtering: ["address-dependent", "address-and-port-dependent"] },
    no_reference: NO_REFERENCE,
    run: opens,
}

fn opens(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let filtering = mapping::filtering(v.text("filtering"));
    let by_address = filtering == Filtering::AddressDependent;
    let lab = Lab::build(t, &NatConfig { filtering, ..NatConfig::rfc4787_strict() })?;
    let socket = Lab::inside(t, 2, PORT)?;
    let external = lab.seen(t, socket, Far::Server)?;
    for far in [Far::Stranger, Far::OtherServer] {
        for (before, expected) in [(true, false), (false, true)] {
            if !before {
                lab.seen(t, socket, far)?;
            }
            let arrived = lab.reaches(t, far, external, socket)?;
            let when = if before { "before" } else { "after" };
            let wanted =
                format!("{when} a packet went to {}: {}", far.address(), arrival(expected));
            let (held, got) = (arrived == expected, arrival(arrived));
            if by_address {
                t.should(req::NAT_FILTERING_ADDRESS_DEPENDENT, held, wanted, got)?;
            } else {
                let requirement = req::NAT_FILTERING_ADDRESS_AND_PORT_DEPENDENT_MEANING;
                t.must(requirement, held, wanted, got)?;
            }
        }
    }
    Ok(())
}

case! {
    id: "nat.filtering.unmapped",
    title: "Nothing reaches the inside through a port without a mapping",
    reqs: [req::NAT_UNMAPPED_DROPPED],
    kind: SubjectKind::Nat,
    variants: product! { filtering: ["endpoint-independent", "address-dependent"] },
    no_reference: NO_REFERENCE,
    run: unmapped,
}

fn unmapped(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let filtering = mapping::filtering(v.text("filtering"));
    let lab = Lab::build(t, &NatConfig { filtering, ..NatConfig::rfc4787_strict() })?;
    let socket = Lab::inside(t, 2, PORT)?;
    let silent = Lab::inside(t, 3, PORT + 1)?;
    let external = lab.seen(t, socket, Far::Server)?;
    for port in [PORT, PORT + 1, 1, 65_535, external.port() ^ 1] {
        if port == external.port() {
            continue;
        }
        let unmapped = (external.ip(), port).into();
        for listener in [socket, silent] {
            let arrived = lab.reaches(t, Far::Server, unmapped, listener)?;
            let wanted = format!("nothing arrives through {unmapped}");
            t.must(req::NAT_UNMAPPED_DROPPED, !arrived, wanted, arrival(arrived))?;
        }
    }
    let arrived = lab.reaches(t, Far::Server, external, socket)?;
    t.precondition(arrived, "the mapped port leads inside")
}
