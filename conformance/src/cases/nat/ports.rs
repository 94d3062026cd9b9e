//! Port assignment: RFC 4787 §4.2.

use super::{Far, Lab, NO_REFERENCE, PORT, arrival, list, mapping::ports};
use crate::{Ctl, Outcome, SubjectKind, Variant, case, product, req, subjects::nat::NatConfig};

case! {
    id: "nat.ports.no-overloading",
    title: "Hosts that send from equal ports to one destination are told apart",
    reqs: [req::NAT_NO_PORT_OVERLOADING],
    kind: SubjectKind::Nat,
    variants: product! {
        ports: ["preserved", "preserved-in-class", "preserved-or-next", "sequential", "random"],
    },
    no_reference: NO_REFERENCE,
    run: no_overloading,
}

fn no_overloading(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let config = NatConfig { ports: ports(v.text("ports")), ..NatConfig::rfc4787_strict() };
    let lab = Lab::build(t, &config)?;
    let mut seen = Vec::new();
    for number in 2..=4 {
        let socket = Lab::inside(t, number, PORT)?;
        let external = lab.seen(t, socket, Far::Server)?;
        t.must(
            req::NAT_NO_PORT_OVERLOADING,
            seen.iter().all(|(_, other)| *other != external),
            "an external endpoint that no other host has",
            external,
        )?;
        seen.push((socket, external));
    }
    for (socket, external) in seen {
        let arrived = lab.reaches(t, Far::Server, external, socket)?;
        let wanted = format!("the answer to {external} arrives at its host");
        t.must(req::NAT_NO_PORT_OVERLOADING, arrived, wanted, arrival(arrived))?;
    }
    Ok(())
}

case! {
    id: "nat.ports.preservation",
    title: "A NAT set to preserve ports does so until one is taken",
    reqs: [req::NAT_PORT_PRESERVATION_MEANING],
    kind: SubjectKind::Nat,
    variants: product! { ports: ["preserved", "preserved-in-class", "preserved-or-next"] },
    no_reference: NO_REFERENCE,
    run: preservation,
}

fn preservation(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let config = NatConfig { ports: ports(v.text("ports")), ..NatConfig::rfc4787_strict() };
    let lab = Lab::build(t, &config)?;
    for port in [1_024, 5_060, PORT, 65_535] {
        let first = Lab::inside(t, 2, port)?;
        let first = lab.seen(t, first, Far::Server)?;
        let requirement = req::NAT_PORT_PRESERVATION_MEANING;
        t.must(requirement, first.port() == port, format!("port {port}, which is free"), first)?;
        let second = Lab::inside(t, 3, port)?;
        let second = lab.seen(t, second, Far::Server)?;
        let wanted = format!("another port than {port}, which is taken");
        t.must(requirement, second.port() != port, wanted, second)?;
    }
    Ok(())
}

case! {
    id: "nat.ports.range",
    title: "Well-known ports stay well-known, and high ports stay high",
    reqs: [req::NAT_WELL_KNOWN_PORTS_STAY, req::NAT_HIGH_PORTS_STAY],
    kind: SubjectKind::Nat,
    variants: product! { port: [2, 137, 700, 1_023, 1_024, 32_768, 49_152, 65_535] },
    no_reference: NO_REFERENCE,
    run: range,
}

fn range(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let port = u16::try_from(v.number("port")).unwrap_or(u16::MAX);
    let lab = Lab::build(t, &NatConfig::rfc4787_strict())?;
    for number in 2..=4 {
        let socket = Lab::inside(t, number, port)?;
        let external = lab.seen(t, socket, Far::Server)?;
        if port < 1_024 {
            let low = external.port() < 1_024;
            t.should(req::NAT_WELL_KNOWN_PORTS_STAY, low, "a port below 1024", external)?;
        } else {
            let high = external.port() >= 1_024;
            t.should(req::NAT_HIGH_PORTS_STAY, high, "a port from 1024 on", external)?;
        }
    }
    Ok(())
}

case! {
    id: "nat.ports.parity",
    title: "Even ports become even ones, odd ports odd ones",
    reqs: [req::NAT_PORT_PARITY],
    kind: SubjectKind::Nat,
    no_reference: NO_REFERENCE,
    run: parity,
}

fn parity(t: &mut Ctl<'_>, _: &Variant) -> Outcome {
    let lab = Lab::build(t, &NatConfig::rfc4787_strict())?;
    for number in 2..=4 {
        let mut seen = Vec::new();
        for port in PORT..PORT + 8 {
            let socket = Lab::inside(t, number, port)?;
            seen.push(lab.seen(t, socket, Far::Server)?);
        }
        let kept = (PORT..).zip(&seen).all(|(port, seen)| seen.port() % 2 == port % 2);
        let wanted = format!("even and odd by turns, as {PORT} and the seven ports after it");
        t.should(req::NAT_PORT_PARITY, kept, wanted, list(&seen))?;
    }
    Ok(())
}
