//! Worlds drawn from bytes: every one fits together, whatever the bytes are.
//!
//! A world has a wide-area network with a STUN server, up to four sites behind boxes of all kinds, some
//! of them behind a carrier's NAT, hosts with all roles, links that lose, delay and queue, and events.

use std::time::Duration;

use arbitrary::{Arbitrary, Result, Unstructured};

use crate::{
    presets,
    roles::Stun,
    scenario::{Boxed, Expect, Host, Interface, Link, Router, Scenario, Segment, Signalling},
};

mod events;
mod inhabitants;
mod ways;

/// Most sites of a world.
const MAX_SITES: usize = 4;
/// Most hosts of a site.
const MAX_HOSTS: usize = 3;
/// Longest time a world lasts, in milliseconds.
const MAX_DURATION: u32 = 5_000;

impl<'a> Arbitrary<'a> for Scenario {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        let mut scenario = Self::new("drawn");
        scenario.seed = u.arbitrary()?;
        scenario.duration = Duration::from_millis(u.int_in_range(100..=MAX_DURATION)?.into());
        let both = u.ratio(1, 3)?;
        let mut wan = Segment::new("wan", "11.0.0.0/8");
        if both {
            wan.prefixes.push("2001:db8::/32".to_owned());
        }
        scenario.wans.push(wan);
        let stun = Host::new("stun", "wan", Stun::default());
        scenario.hosts.push(stun.address("11.0.0.3").address("11.0.1.3"));
        let carrier = u.ratio(1, 4)?;
        if carrier {
            scenario.lans.push(Segment::new("carrier", "100.64.0.0/10"));
            scenario.nats.push(nat(u, "cgn", "carrier", "wan")?);
        }
        for number in 0..u.int_in_range(1..=MAX_SITES)? {
            let uplink = if carrier && u.arbitrary()? { "carrier" } else { "wan" };
            site(u, &mut scenario, number, uplink)?;
        }
        inhabitants::settle(u, &mut scenario)?;
        ways::lay(u, &mut scenario)?;
        events::plan(u, &mut scenario)?;
        if u.ratio(1, 2)? {
            scenario.signalling = Signalling::delayed(millis(u, 0, 500)?);
        }
        if u.ratio(1, 2)? {
            scenario.expects.push(expectation(u)?);
        }
        Ok(scenario)
    }
}

/// A LAN with hosts, and what lies between it and its uplink.
fn site(
    u: &mut Unstructured<'_>,
    scenario: &mut Scenario,
    number: usize,
    uplink: &str,
) -> Result<()> {
    let lan = format!("lan{number}");
    let prefix =
        *u.choose(&["192.168.1.0/24", "192.168.0.0/24", "10.0.0.0/24", "172.16.5.0/24"])?;
    let mut segment = Segment::new(&lan, prefix);
    if u.ratio(1, 4)? {
        segment.prefixes.push(format!("fd00:{number}::/64"));
    }
    scenario.lans.push(segment);
    let mut uplink = uplink.to_owned();
    if u.ratio(1, 5)? {
        // A firewall before the NAT needs a network between the two.
        let between = format!("dmz{number}");
        scenario.lans.push(Segment::new(&between, &format!("10.{}.0.0/24", 100 + number)));
        let mut guard = Boxed::new(&format!("guard{number}"), &lan, &between);
        guard.preset = preset(u, "firewall")?;
        scenario.firewalls.push(guard);
        let name = format!("box{number}");
        scenario.nats.push(nat(u, &name, &between, &uplink)?);
    } else {
        if u.ratio(1, 6)? {
            // Two NATs in a row, as a home router behind that of the provider.
            let between = format!("mid{number}");
            scenario.lans.push(Segment::new(&between, &format!("10.{}.0.0/24", 150 + number)));
            scenario.nats.push(nat(u, &format!("outer{number}"), &between, &uplink)?);
            uplink = between;
        }
        scenario.nats.push(nat(u, &format!("box{number}"), &lan, &uplink)?);
    }
    if u.ratio(1, 6)? {
        let annex = format!("annex{number}");
        scenario.lans.push(Segment::new(&annex, &format!("10.{}.0.0/24", 200 + number)));
        scenario.routers.push(Router::new(&format!("router{number}"), &[&lan, &annex]));
    }
    for nth in 0..u.int_in_range(1..=MAX_HOSTS)? {
        let mut host = Host::new(&format!("h{number}{nth}"), &lan, crate::roles::Role::Idle);
        if u.ratio(1, 8)? {
            host = host.interface(Interface::on("wan"));
        }
        host.silent = u.ratio(1, 8)?;
        scenario.hosts.push(host);
    }
    Ok(())
}

/// A NAT of any kind.
fn nat(u: &mut Unstructured<'_>, name: &str, inside: &str, outside: &str) -> Result<Boxed> {
    let mut nat = Boxed::new(name, inside, outside);
    nat.preset = preset(u, "nat")?;
    if u.ratio(1, 3)? {
        let hairpin = *u.choose(&["none", "internal-source", "external-source"])?;
        nat = nat.with("hairpin", hairpin);
    }
    if u.ratio(1, 3)? {
        let dependence =
            ["endpoint-independent", "address-dependent", "address-and-port-dependent"];
        nat = nat.with("filtering", *u.choose(&dependence)?);
    }
    if u.ratio(1, 4)? {
        nat = nat.with("timers.udp", format!("{}ms", u.int_in_range(100..=3_000)?));
    }
    Ok(nat)
}

fn preset(u: &mut Unstructured<'_>, kind: &str) -> Result<Option<String>> {
    let names: Vec<_> = presets::names(kind).collect();
    if names.is_empty() || u.ratio(1, 6)? {
        return Ok(None);
    }
    Ok(Some((*u.choose(&names)?).to_owned()))
}

fn millis(u: &mut Unstructured<'_>, least: u32, most: u32) -> Result<Duration> {
    Ok(Duration::from_millis(u.int_in_range(least..=most)?.into()))
}

/// What may or may not come: random worlds are not about that, but files have it.
fn expectation(u: &mut Unstructured<'_>) -> Result<Expect> {
    let mut expect = Expect::default();
    if u.arbitrary()? {
        expect.connected_within = Some(millis(u, 1, MAX_DURATION)?);
    }
    if u.arbitrary()? {
        expect.selected = Some(("srflx".to_owned(), "prflx".to_owned()));
    }
    if u.arbitrary()? {
        expect.loss_at_most = Some(f64::from(u.int_in_range(0..=100_u8)?) / 100.0);
    }
    if u.arbitrary()? {
        expect.goodput_at_least = Some(u.int_in_range(1..=10_000_000)?);
    }
    if u.arbitrary()? {
        expect.drops.insert("nat.filtered".to_owned(), ">0".to_owned());
    }
    Ok(expect)
}

/// The ends of a link between a box and its outside.
fn uplinks(scenario: &Scenario) -> Vec<(String, String)> {
    scenario.boxes().map(|(_, _, it)| (it.name.clone(), it.outside.clone())).collect()
}

/// The ends of a link between a host and its first segment.
fn access(scenario: &Scenario) -> Vec<(String, String)> {
    let first = |host: &Host| {
        host.interfaces.first().map(|interface| (host.name.clone(), interface.attach.clone()))
    };
    scenario.hosts.iter().filter_map(first).collect()
}

/// A link with anything that links can do.
fn link(u: &mut Unstructured<'_>, (one, other): &(String, String)) -> Result<Link> {
    let mut link = Link::between(one, other);
    link.preset = if u.ratio(1, 4)? { preset(u, "link")? } else { None };
    ways::impair(u, link)
}
