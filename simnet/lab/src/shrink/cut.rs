//! Scenarios with less in them.

use std::collections::BTreeSet;

use crate::{
    roles::Role,
    scenario::{Boxed, Do, Scenario},
};

/// Keeps the elements whose flag is set.
pub(super) fn retain<T>(all: &mut Vec<T>, keep: &[bool]) {
    let mut keep = keep.iter().copied();
    all.retain(|_| keep.next().unwrap_or(true));
}

/// The scenario without the parts of these names, and without everything that makes no sense without
/// them.
pub(super) fn without(scenario: &Scenario, mut gone: BTreeSet<String>) -> Scenario {
    let mut rest = scenario.clone();
    loop {
        let before = gone.len();
        orphans(&rest, &mut gone);
        if gone.len() == before {
            break;
        }
    }
    let is_gone = |name: &str| gone.contains(name);
    rest.wans.retain(|it| !is_gone(&it.name));
    rest.lans.retain(|it| !is_gone(&it.name));
    rest.routers.retain(|it| !is_gone(&it.name));
    for router in &mut rest.routers {
        router.attach.retain(|point| !is_gone(&point.0.attach));
    }
    for boxes in [&mut rest.nats, &mut rest.firewalls, &mut rest.nat64s, &mut rest.clats] {
        boxes.retain(|it| !is_gone(&it.name));
    }
    rest.hosts.retain(|it| !is_gone(&it.name));
    for host in &mut rest.hosts {
        host.interfaces.retain(|interface| !is_gone(&interface.attach));
        if host.role.speaks_of().is_some_and(&is_gone) {
            host.role = Role::Idle;
        }
    }
    rest.links.retain(|link| {
        let (one, other) = (&link.between.0, &link.between.1);
        ![one, other].into_iter().any(|end| is_gone(owner(end)))
    });
    rest.events.retain(|event| !about(&event.action).into_iter().any(|name| is_gone(owner(name))));
    rest.expects.retain(|expect| !expect.host.as_deref().is_some_and(is_gone));
    let directions = std::mem::take(&mut rest.signalling.directions);
    rest.signalling.directions = directions
        .into_iter()
        .filter(|(way, _)| {
            let ends = way.split_once("-to-");
            !ends.is_some_and(|(from, to)| is_gone(from) || is_gone(to))
        })
        .collect();
    rest
}

/// Adds the parts that cannot be without those that are gone.
fn orphans(scenario: &Scenario, gone: &mut BTreeSet<String>) {
    let mut new = Vec::new();
    for (_, _, it) in scenario.boxes() {
        if gone.contains(&it.inside) || gone.contains(&it.outside) {
            new.push(it.name.clone());
        }
    }
    for router in &scenario.routers {
        let left = router.attach.iter().filter(|point| !gone.contains(&point.0.attach)).count();
        if left < 2 {
            new.push(router.name.clone());
        }
    }
    for host in &scenario.hosts {
        if host.interfaces.iter().all(|interface| gone.contains(&interface.attach)) {
            new.push(host.name.clone());
        }
    }
    gone.extend(new);
}

/// `alice` of `alice.eth0`.
fn owner(name: &str) -> &str {
    name.split('.').next().unwrap_or(name)
}

/// The parts that an event is about.
fn about(action: &Do) -> Vec<&str> {
    match action {
        Do::LinkDown(name)
        | Do::LinkUp(name)
        | Do::Crash(name)
        | Do::Restart(name)
        | Do::NatReboot(name) => vec![name],
        Do::Link(link) => vec![&link.between.0, &link.between.1],
        Do::AddressAdd(it) | Do::AddressRemove(it) => vec![&it.interface],
        Do::RouteAdd(it) | Do::RouteRemove(it) => vec![&it.interface],
        Do::NatAddress(it) => vec![&it.nat],
        Do::Partition(sides) | Do::Heal(sides) => {
            sides.one.iter().chain(&sides.other).map(String::as_str).collect()
        }
        Do::Signalling(_) => Vec::new(),
    }
}

/// The scenario without a box: what was attached inside is attached outside, without the addresses that
/// it had there.
pub(super) fn joined(scenario: &Scenario, name: &str) -> Scenario {
    let Some((_, _, it)) = scenario.boxes().find(|(_, _, it)| it.name == name) else {
        return scenario.clone();
    };
    let Boxed { inside, outside, .. } = it.clone();
    let mut rest = scenario.clone();
    for host in &mut rest.hosts {
        for interface in host.interfaces.iter_mut().filter(|it| it.attach == inside) {
            interface.attach.clone_from(&outside);
            interface.addrs.clear();
        }
        host.gateway = None;
    }
    for boxes in [&mut rest.nats, &mut rest.firewalls, &mut rest.nat64s, &mut rest.clats] {
        for other in boxes.iter_mut().filter(|other| other.outside == inside) {
            other.outside.clone_from(&outside);
            other.outside_addrs.clear();
        }
    }
    for router in &mut rest.routers {
        for point in router.attach.iter_mut().filter(|point| point.0.attach == inside) {
            point.0.attach.clone_from(&outside);
            point.0.addrs.clear();
        }
    }
    for link in &mut rest.links {
        for end in [&mut link.between.0, &mut link.between.1] {
            if *end == inside {
                end.clone_from(&outside);
            }
        }
    }
    without(&rest, [name.to_owned(), inside].into_iter().collect())
}
