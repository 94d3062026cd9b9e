//! Realms: segments between which nothing translates. In a realm, an address belongs to one interface,
//! and every way out leads out.

use std::{collections::BTreeMap, net::IpAddr};

use simnet::Prefix;

use super::Finding;
use crate::scenario::{Interface, Scenario};

pub(super) fn check(scenario: &Scenario) -> Vec<Finding> {
    let realms = Realms::of(scenario);
    let mut found = addresses(scenario, &realms);
    found.extend(prefixes(scenario, &realms));
    found.extend(loops(scenario));
    found
}

/// Which realm a segment belongs to, as the name of one of its segments.
struct Realms<'a>(BTreeMap<&'a str, &'a str>);

impl<'a> Realms<'a> {
    fn of(scenario: &'a Scenario) -> Self {
        let own = scenario.segments().map(|segment| (segment.name.as_str(), segment.name.as_str()));
        let mut realms = Self(own.collect());
        for router in &scenario.routers {
            let mut points = router.attach.iter().map(|point| point.0.attach.as_str());
            let Some(first) = points.next() else { continue };
            for other in points {
                realms.join(first, other);
            }
        }
        for firewall in &scenario.firewalls {
            realms.join(&firewall.inside, &firewall.outside);
        }
        realms
    }

    fn join(&mut self, one: &str, other: &str) {
        let (Some(&one), Some(&other)) = (self.0.get(one), self.0.get(other)) else { return };
        for realm in self.0.values_mut().filter(|realm| **realm == other) {
            *realm = one;
        }
    }

    fn get(&self, segment: &str) -> &'a str {
        self.0.get(segment).copied().unwrap_or_default()
    }
}

/// An address that was asked for.
struct Wanted<'a> {
    path: String,
    part: String,
    segment: &'a str,
    ip: &'a str,
}

fn wanted(scenario: &Scenario) -> Vec<Wanted<'_>> {
    let mut all = Vec::new();
    for (index, host) in scenario.hosts.iter().enumerate() {
        for (number, interface) in host.interfaces.iter().enumerate() {
            let own = format!("host[{index}].interfaces[{number}].addrs");
            let path = match host.interfaces.len() {
                1 => format!("host[{index}].addrs"),
                _ => own,
            };
            all.extend(of_interface(&path, &format!("host `{}`", host.name), interface));
        }
    }
    for (index, router) in scenario.routers.iter().enumerate() {
        for (number, point) in router.attach.iter().enumerate() {
            let path = format!("router[{index}].attach[{number}].addrs");
            all.extend(of_interface(&path, &format!("router `{}`", router.name), &point.0));
        }
    }
    for (kind, index, it) in scenario.boxes() {
        let inside = ("inside-addrs", &it.inside, &it.inside_addrs);
        let outside = ("outside-addrs", &it.outside, &it.outside_addrs);
        for (key, segment, ips) in [inside, outside] {
            for (number, ip) in ips.iter().enumerate() {
                let path = format!("{kind}[{index}].{key}[{number}]");
                all.push(Wanted { path, part: format!("{kind} `{}`", it.name), segment, ip });
            }
        }
    }
    all
}

fn of_interface<'a>(path: &str, part: &str, interface: &'a Interface) -> Vec<Wanted<'a>> {
    let one = |(number, ip): (usize, &'a String)| Wanted {
        path: format!("{path}[{number}]"),
        part: part.to_owned(),
        segment: &interface.attach,
        ip,
    };
    interface.addrs.iter().enumerate().map(one).collect()
}

fn addresses(scenario: &Scenario, realms: &Realms<'_>) -> Vec<Finding> {
    let mut taken: BTreeMap<(&str, IpAddr), String> = BTreeMap::new();
    let mut found = Vec::new();
    for Wanted { path, part, segment, ip } in wanted(scenario) {
        let Ok(ip) = ip.parse() else { continue };
        let realm = realms.get(segment);
        if let Some(other) = taken.get(&(realm, ip)) {
            let message = format!("{ip} is taken by {other} in the same realm");
            let suggestion = "give one of them another address, or none: the network then chooses";
            let finding = Finding::new(path, message).suggesting(suggestion);
            found.push(Finding { part, ..finding });
        } else {
            taken.insert((realm, ip), part);
        }
    }
    found
}

/// Blocks that overlap in a realm leave routers without a way to tell where a packet goes.
fn prefixes(scenario: &Scenario, realms: &Realms<'_>) -> Vec<Finding> {
    let mut seen: Vec<(&str, Prefix, &str)> = Vec::new();
    let mut found = Vec::new();
    for (kind, index, segment) in scenario.numbered_segments() {
        let realm = realms.get(&segment.name);
        for (number, text) in segment.prefixes.iter().enumerate() {
            let Ok(prefix) = text.parse::<Prefix>() else { continue };
            let meet = |other: Prefix| other.contains(prefix.ip()) || prefix.contains(other.ip());
            if let Some((_, other, name)) =
                seen.iter().find(|(of, other, _)| *of == realm && meet(*other))
            {
                let path = format!("{kind}[{index}].prefixes[{number}]");
                let message =
                    format!("{prefix} overlaps with {other} of `{name}` in the same realm");
                let finding = Finding::new(path, message)
                    .about(kind, &segment.name)
                    .suggesting("segments joined by routers need blocks of their own");
                found.push(finding);
            }
            seen.push((realm, prefix, &segment.name));
        }
    }
    found
}

/// Boxes send what they do not know from their inside to their outside. Where that comes back to a
/// segment it left, it goes round until its hops run out.
fn loops(scenario: &Scenario) -> Option<Finding> {
    let all: Vec<_> = scenario.boxes().collect();
    for (kind, index, nat) in &all {
        let mut way = vec![nat.inside.as_str(), nat.outside.as_str()];
        let mut boxes = vec![nat.name.as_str()];
        while boxes.len() <= all.len() {
            let here = way.last().copied().unwrap_or_default();
            let Some((_, _, next)) = all.iter().find(|(_, _, next)| next.inside == here) else {
                break;
            };
            way.push(&next.outside);
            boxes.push(&next.name);
            if next.outside == nat.inside {
                let message = format!(
                    "a route loop: what leaves `{}` comes back to it, by way of {}",
                    nat.inside,
                    way.join(" → ")
                );
                let suggestion = format!("turn one of {} round", boxes.join(", "));
                let finding = Finding::new(format!("{kind}[{index}].outside"), message)
                    .about(kind, &nat.name)
                    .suggesting(suggestion);
                return Some(finding);
            }
        }
    }
    None
}
