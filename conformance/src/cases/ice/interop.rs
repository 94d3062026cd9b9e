//! The subject's agent and an agent of another subject, each on its side of a network.

use simnet::{Host, Link, Loss};

use super::script::*;
use crate::{subjects, world::Seat};

case! {
    id: "ice.interop.pair",
    title: "Two agents of different stacks find each other, agree on the pair, and exchange data",
    reqs: [
        req::ICE_NOMINATES_ONE_PAIR,
        req::ICE_CONTROLLED_TAKES_NOMINATION,
        req::ICE_DATA_ON_SELECTED_PAIR,
    ],
    kind: SubjectKind::IceAgent,
    variants: product! {
        with: ["ours"],
        role: ["controlling", "controlled"],
        network: ["plain", "lossy", "two addresses", "nat"],
    },
    run: pair,
}

case! {
    id: "ice.interop.same-role",
    title: "Two agents of different stacks that both begin with the same role find each other all the same",
    reqs: [
        req::ICE_ROLE_CONFLICT_RESOLVED,
        req::ICE_CONTROLLED_TAKES_NOMINATION,
        req::ICE_DATA_ON_SELECTED_PAIR,
    ],
    kind: SubjectKind::IceAgent,
    variants: product! {
        with: ["ours"],
        role: ["controlling", "controlled"],
        network: ["plain"],
    },
    run: same_role,
}

case! {
    id: "ice.interop.same-role-lossy",
    title: "Two agents that both begin with the same role find each other over a lossy network",
    reqs: [
        req::ICE_ROLE_CONFLICT_RESOLVED,
        req::ICE_CONTROLLED_TAKES_NOMINATION,
        req::ICE_DATA_ON_SELECTED_PAIR,
    ],
    kind: SubjectKind::IceAgent,
    needs: [Cap::IceTieBreaker],
    variants: product! {
        with: ["ours"],
        role: ["controlling", "controlled"],
        tie_breakers: ["equal", "mine larger", "mine smaller"],
        network: ["lossy"],
    },
    no_reference: "the dice of the other stacks at hand are their own, and with them who gives way",
    run: same_role_lossy,
}

fn same_role_lossy(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let (mine, theirs) = match v.text("tie_breakers") {
        "equal" => (7, 7),
        "mine larger" => (8, 7),
        _ => (6, 7),
    };
    let mut one = IceConfig::new(role(v));
    one.tie_breaker = Some(mine);
    let two = IceConfig { tie_breaker: Some(theirs), ..one.clone() };
    meet_as(t, v, &one, &two)
}

fn pair(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    meet(t, v, role(v).other())
}

fn same_role(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    meet(t, v, role(v))?;
    Ok(())
}

fn meet(t: &mut Ctl<'_>, v: &Variant, other: IceRole) -> Outcome {
    meet_as(t, v, &IceConfig::new(role(v)), &IceConfig::new(other))
}

fn meet_as(t: &mut Ctl<'_>, v: &Variant, mine: &IceConfig, theirs: &IceConfig) -> Outcome {
    let network = v.text("network");
    let lossy = match network {
        "lossy" => Link::delayed(10 * MILLISECOND).loss(Loss::random(0.2)),
        _ => Link::delayed(10 * MILLISECOND),
    };
    let two = network == "two addresses";
    let far = Host::on("net").address("203.0.113.2");
    let far = if two { far.address("203.0.113.3") } else { far };
    let mut builder = t.network().wan("net", "203.0.113.0/24").host("far", far);
    let mut near = vec![SocketAddr::from(([203, 0, 113, 9], 40_000))];
    if network == "nat" {
        near = vec![SocketAddr::from(([192, 168, 1, 9], 40_000))];
        let nat = simnet::nat::Nat::new(simnet::nat::Config::rfc4787_strict());
        builder = builder
            .lan("lan", "192.168.1.0/24")
            .host("near", Host::on("lan").address("192.168.1.9"))
            .nat("nat", "lan", "net", nat)
            .link("near", "lan", lossy);
    } else {
        builder =
            builder.host("near", Host::on("net").address("203.0.113.9")).link("near", "net", lossy);
    }
    t.build(builder)?;
    let mut locals = vec![(1, SocketAddr::from(([203, 0, 113, 2], 50_000)))];
    if two {
        locals.push((1, SocketAddr::from(([203, 0, 113, 3], 50_000))));
    }
    let name = v.text("with");
    let partner = subjects::all().into_iter().find(|subject| subject.name() == name);
    let partner = partner.ok_or_else(|| Stop::Harness(format!("no subject is called {name}")))?;
    let near: Vec<(u8, SocketAddr)> = near.into_iter().map(|address| (1, address)).collect();
    let one = t.start_ice("near", mine, &near)?;
    let two = t.start_ice_of(partner, "partner", "far", theirs, &locals)?;
    t.stimulus("an agent of another stack");
    introduce(t, one, two)?;
    introduce(t, two, one)?;
    t.run_for(20 * SECOND);
    let (a, b) = (selected(t, one), selected(t, two));
    let text = format!("{a:?} and {b:?}");
    let reqs: &[_] = match mine.role == theirs.role {
        true => &[req::ICE_ROLE_CONFLICT_RESOLVED, req::ICE_CONTROLLED_TAKES_NOMINATION],
        false => &[req::ICE_NOMINATES_ONE_PAIR, req::ICE_CONTROLLED_TAKES_NOMINATION],
    };
    let agree = a.zip(b).is_some_and(|((local, remote), (other, back))| {
        remote == other && (local == back || network == "nat")
    });
    for req in reqs {
        t.must(*req, agree, "the same pair on both sides", &text)?;
    }
    for (from, to) in [(one, two), (two, one)] {
        let arrived = data(t, from, to);
        t.must(req::ICE_DATA_ON_SELECTED_PAIR, arrived, "data", &text)?;
    }
    Ok(())
}

/// Tells `to` everything that `from` has told.
fn introduce(t: &mut Ctl<'_>, from: Seat, to: Seat) -> Outcome {
    t.ice(from, |agent, now| agent.finish_locals(now));
    let parameters = t.ice(from, |agent, _| agent.parameters());
    needed(t.ice(to, |agent, now| agent.set_remote(now, &parameters)))?;
    for (_, event) in t.ice_events(from) {
        if let IceEvent::Candidate(text) = event {
            needed(t.ice(to, |agent, now| agent.add_candidate(now, &text)))?;
        }
    }
    Ok(())
}

fn selected(t: &mut Ctl<'_>, seat: Seat) -> Option<(SocketAddr, SocketAddr)> {
    t.ice(seat, |agent, _| agent.selected(1))
}

/// Whether one of a few datagrams arrives.
fn data(t: &mut Ctl<'_>, from: Seat, to: Seat) -> bool {
    let _ = t.ice_events(to);
    for _ in 0..10 {
        let _ = t.ice(from, |agent, now| agent.send(now, 1, DATA));
        t.run_for(100 * MILLISECOND);
    }
    t.ice_events(to)
        .iter()
        .any(|(_, event)| matches!(event, IceEvent::Data { payload, .. } if payload == DATA))
}
