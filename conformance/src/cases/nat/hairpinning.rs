//! Hosts inside that meet by their external addresses: RFC 4787 §6.

use super::{Far, Lab, NO_REFERENCE, PATIENCE, PORT, mapping, nothing, payload};
use crate::{Ctl, Outcome, SubjectKind, Variant, case, product, req, subjects::nat::NatConfig};

case! {
    id: "nat.hairpinning.both-ways",
    title: "Hosts behind one NAT reach each other by external addresses, and see external sources",
    reqs: [req::NAT_HAIRPINNING, req::NAT_HAIRPINNING_EXTERNAL_SOURCE],
    kind: SubjectKind::Nat,
    variants: product! {
        filtering: ["endpoint-independent", "address-dependent", "address-and-port-dependent"],
        ports: ["preserved", "sequential", "random"],
    },
    no_reference: NO_REFERENCE,
    run: both_ways,
}

fn both_ways(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let config = NatConfig {
        filtering: mapping::filtering(v.text("filtering")),
        ports: mapping::ports(v.text("ports")),
        ..NatConfig::rfc4787_strict()
    };
    let lab = Lab::build(t, &config)?;
    let alice = Lab::inside(t, 2, PORT)?;
    let bob = Lab::inside(t, 3, PORT)?;
    let alice_outside = lab.seen(t, alice, Far::Server)?;
    let bob_outside = lab.seen(t, bob, Far::Server)?;
    // The first round opens the filters, wherever they apply to these packets too.
    t.send(alice, bob_outside, b"opens");
    t.send(bob, alice_outside, b"opens");
    t.run_for(PATIENCE);
    while t.receive(alice).is_some() || t.receive(bob).is_some() {}
    let ways = [(alice, alice_outside, bob, bob_outside), (bob, bob_outside, alice, alice_outside)];
    for (from, source, to, destination) in ways {
        let probe = payload(t);
        t.send(from, destination, &probe);
        let got = t.receive_within(to, PATIENCE);
        let got = got.filter(|received| received.payload[..] == probe[..]);
        let seen = got.as_ref().map_or_else(nothing, |got| got.source.to_string());
        let wanted = format!("what {source} sends to {destination} arrives inside");
        t.must(req::NAT_HAIRPINNING, got.is_some(), wanted, &seen)?;
        let external = got.is_some_and(|got| got.source == source);
        let wanted = format!("the source {source}");
        t.must(req::NAT_HAIRPINNING_EXTERNAL_SOURCE, external, wanted, seen)?;
    }
    Ok(())
}

case! {
    id: "nat.hairpinning.itself",
    title: "A host reaches itself by its external address",
    reqs: [req::NAT_HAIRPINNING, req::NAT_HAIRPINNING_EXTERNAL_SOURCE],
    kind: SubjectKind::Nat,
    no_reference: NO_REFERENCE,
    run: itself,
}

fn itself(t: &mut Ctl<'_>, _: &Variant) -> Outcome {
    let lab = Lab::build(t, &NatConfig::rfc4787_strict())?;
    let socket = Lab::inside(t, 2, PORT)?;
    let external = lab.seen(t, socket, Far::Server)?;
    let probe = payload(t);
    t.send(socket, external, &probe);
    let got = t.receive_within(socket, PATIENCE);
    let got = got.filter(|received| received.payload[..] == probe[..]);
    let seen = got.as_ref().map_or_else(nothing, |got| got.source.to_string());
    t.must(req::NAT_HAIRPINNING, got.is_some(), "its own datagram back", &seen)?;
    let held = got.is_some_and(|got| got.source == external);
    t.must(req::NAT_HAIRPINNING_EXTERNAL_SOURCE, held, format!("the source {external}"), seen)
}
