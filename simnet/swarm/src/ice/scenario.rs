//! From a plan to a scenario of the laboratory.

use std::time::Duration;

use lab::{
    At, Boxed, Do, Host, Interface, InterfaceAddress, InterfaceType, Link, NatAddress, Scenario,
    Segment, Sides, roles::Role,
};

use super::plan::{Family, Impairment, Loss, Meeting, NAMES, Plan, Side, What};

/// Where the STUN server is.
pub(super) const STUN: [&str; 2] = ["11.0.0.3", "2a05:d000::3"];
/// Where the TURN server is.
pub(super) const TURN: [&str; 2] = ["11.0.0.4", "2a05:d000::4"];

/// The number of a host on its first network.
const FIRST: usize = 20;
/// The same after a move.
const MOVED: usize = 30;
/// The same of an address that it gets besides.
const ADDED: usize = 40;

/// The scenario of a plan. Nobody has a role in it: the endpoints are installed when it is built.
pub(crate) fn scenario(plan: &Plan) -> Scenario {
    let mut scenario = Scenario::new(&format!("ice-{:#x}", plan.seed));
    scenario.seed = plan.seed;
    scenario.duration = plan.end;
    scenario.wans.push(segment(plan.family, "wan", "11.0.0.0/8", "2a05:d000::/32"));
    if let Meeting::SameCarrier(preset) = plan.meeting {
        let carrier = segment(plan.family, "carrier", "100.64.0.0/10", "2a05:ec00::/48");
        scenario.lans.push(carrier);
        scenario.nats.push(Boxed::new("cgn", "carrier", "wan").preset(preset));
    }
    for (name, addresses) in [("stun", STUN), ("turn", TURN)] {
        let mut host = Host::new(name, "wan", Role::Idle);
        for ip in addresses_of(plan.family, addresses) {
            host = host.address(ip);
        }
        scenario.hosts.push(host);
    }
    for (index, side) in plan.sides.iter().enumerate() {
        settle(plan, index, side, &mut scenario);
    }
    for index in 0..plan.sides.len() {
        scenario.links.push(uplink(plan, index, None));
    }
    events(plan, &mut scenario);
    scenario
}

/// Those of two addresses whose family there is.
pub(super) fn addresses_of(family: Family, [v4, v6]: [&str; 2]) -> Vec<&str> {
    match family {
        Family::V4 => vec![v4],
        Family::V6 => vec![v6],
        Family::Dual => vec![v4, v6],
    }
}

fn segment(family: Family, name: &str, v4: &str, v6: &str) -> Segment {
    let mut segment = Segment::new(name, v4);
    segment.prefixes = addresses_of(family, [v4, v6]).into_iter().map(str::to_owned).collect();
    segment
}

/// The name of a side.
fn name(index: usize) -> &'static str {
    NAMES.get(index).copied().unwrap_or("nobody")
}

/// The LAN of a side; hosts without any box before them are on the wide-area network.
fn home(plan: &Plan, index: usize) -> String {
    let first = plan.meeting == Meeting::Together;
    let owner = if first { 0 } else { index };
    match plan.sides.get(owner) {
        Some(side) if side.access.is_open() => "wan".to_owned(),
        _ => format!("{}-lan", name(owner)),
    }
}

/// A side's part next to the wide-area network, and the segment it is attached to there.
pub(super) fn edge(plan: &Plan, index: usize) -> (String, String) {
    let Some(side) = plan.sides.get(index) else { return (String::new(), String::new()) };
    let (own, access) = (name(index), &side.access);
    let outside = match plan.meeting {
        Meeting::SameCarrier(_) => "carrier",
        _ => "wan",
    };
    if plan.meeting == Meeting::Together {
        return (own.to_owned(), home(plan, index));
    }
    let part = match (access.nats.len(), access.firewall) {
        (0, None) => own.to_owned(),
        (0, Some(_)) => format!("{own}-wall"),
        (1, _) => format!("{own}-nat"),
        _ => format!("{own}-outer"),
    };
    (part, outside.to_owned())
}

/// The NAT of a side next to the wide-area network.
pub(super) fn nat(plan: &Plan, index: usize) -> Option<String> {
    let owner = if plan.meeting == Meeting::Together { 0 } else { index };
    match plan.sides.get(owner)?.access.nats.len() {
        0 => None,
        1 => Some(format!("{}-nat", name(owner))),
        _ => Some(format!("{}-outer", name(owner))),
    }
}

/// The host of a side with its LAN and the boxes before it.
fn settle(plan: &Plan, index: usize, side: &Side, scenario: &mut Scenario) {
    let own = name(index);
    let lan = home(plan, index);
    if plan.meeting != Meeting::Together || index == 0 {
        boxes(plan, index, side, scenario);
    }
    let mut host = Host::new(own, &lan, Role::Idle);
    if let Some(interface) = host.interfaces.first_mut() {
        interface.kind = if index == 0 { InterfaceType::Wifi } else { InterfaceType::Ethernet };
        interface.addrs = addresses(plan, index, FIRST).collect();
    }
    if let Some(preset) = side.second {
        let cell = format!("{own}-cell");
        let v6 = format!("2a05:e{index}02::/48");
        scenario.lans.push(segment(plan.family, &cell, &format!("10.{}.0.0/16", 80 + index), &v6));
        scenario.nats.push(Boxed::new(&format!("{own}-tower"), &cell, "wan").preset(preset));
        host = host.interface(Interface { kind: InterfaceType::Cellular, ..Interface::on(&cell) });
        let link = Link::between(&format!("{own}-tower"), "wan");
        scenario.links.push(link.with("delay", "45ms"));
    }
    scenario.hosts.push(host);
}

/// The boxes between a side's LAN and what is outside, from the inside out.
fn boxes(plan: &Plan, index: usize, side: &Side, scenario: &mut Scenario) {
    let (own, access) = (name(index), &side.access);
    if access.is_open() {
        return;
    }
    let (_, outside) = match plan.meeting {
        Meeting::Together => (String::new(), "wan".to_owned()),
        _ => edge(plan, index),
    };
    let prefix = |number: usize| format!("2a05:e{index}0{number}::/48");
    let mut inside = format!("{own}-lan");
    // Most homes have the same addresses.
    scenario.lans.push(segment(plan.family, &inside, "192.168.1.0/24", &prefix(0)));
    let mut chain: Vec<(bool, String, &str)> = Vec::new();
    if let Some(preset) = access.firewall {
        chain.push((true, format!("{own}-wall"), preset));
    }
    for (nth, preset) in access.nats.iter().enumerate() {
        let name = if nth == 0 { "nat" } else { "outer" };
        chain.push((false, format!("{own}-{name}"), preset));
    }
    let count = chain.len();
    for (nth, (is_firewall, called, preset)) in chain.into_iter().enumerate() {
        let beyond = if nth + 1 == count {
            outside.clone()
        } else {
            let middle = format!("{own}-middle");
            scenario.lans.push(segment(plan.family, &middle, "10.99.0.0/24", &prefix(1)));
            middle
        };
        let it = Boxed::new(&called, &inside, &beyond).preset(preset);
        if is_firewall {
            scenario.firewalls.push(it)
        } else {
            scenario.nats.push(it)
        }
        inside = beyond;
    }
}

/// What lies between a side's edge and the wide-area network: as planned, or as `instead` says.
fn uplink(plan: &Plan, index: usize, instead: Option<Impairment>) -> Link {
    let (part, segment) = edge(plan, index);
    let mut link = Link::between(&part, &segment);
    let Some(side) = plan.sides.get(index) else { return link };
    link = link.with("delay", format!("{}ms", side.delay));
    let Impairment { loss, reorder, duplicate, jitter, rate, mtu } =
        instead.unwrap_or(side.impairment);
    link = match loss {
        Loss::None => link,
        Loss::Single(percent) => link.with("loss", format!("{percent}%")),
        Loss::Bursts(percent, length) => link
            .with("loss.bursts.rate", format!("{percent}%"))
            .with("loss.bursts.length", i64::from(length)),
    };
    if reorder > 0 {
        link = link.with("reorder.p", format!("{reorder}%")).with("reorder.by", "40ms");
    }
    if duplicate > 0 {
        link = link.with("duplicate", format!("{duplicate}%"));
    }
    if jitter > 0 {
        link = link.with("jitter.rbpdv.std", format!("{jitter}ms"));
    }
    if let Some(rate) = rate {
        link = link.with("rate", format!("{rate}kbps"));
    }
    if let Some(mtu) = mtu {
        link = link.with("mtu", i64::from(mtu));
    }
    link
}

/// What happens, and in the end the healing of links.
fn events(plan: &Plan, scenario: &mut Scenario) {
    let mut events = Vec::new();
    for fault in &plan.faults {
        let (begins, ends) = deeds(plan, fault.what);
        events.extend(begins.into_iter().map(|it| At::new(fault.at, it)));
        events.extend(ends.into_iter().map(|it| At::new(fault.until(), it)));
    }
    for (index, side) in plan.sides.iter().enumerate() {
        if side.impairment != side.impairment.healed() {
            let link = uplink(plan, index, Some(side.impairment.healed()));
            events.push(At::new(plan.heal, Do::Link(link)));
        }
    }
    if let Some(at) = plan.gone {
        events.push(At::new(at, Do::Crash(name(1).to_owned())));
    }
    events.sort_by_key(|event: &At| event.t);
    scenario.events = events;
}

/// What begins a fault and what ends it.
fn deeds(plan: &Plan, what: What) -> (Vec<Do>, Vec<Do>) {
    let eth = |index: usize| format!("{}.eth0", name(index));
    match what {
        What::Reboot(index) => (nat(plan, index).map(Do::NatReboot).into_iter().collect(), vec![]),
        What::Renumber(index) => (renumbered(plan, index), vec![]),
        What::Outage(index, _) => {
            let (part, segment) = edge(plan, index);
            let silent = |p| Do::Link(Link::between(&part, &segment).with("loss", p));
            (vec![silent("100%")], vec![Do::Link(uplink(plan, index, None))])
        }
        What::InterfaceDown(index, _) => {
            (vec![Do::LinkDown(eth(index))], vec![Do::LinkUp(eth(index))])
        }
        What::Handover(index) => (vec![Do::LinkDown(eth(index))], vec![]),
        What::Moved(index) => {
            let removed = addresses(plan, index, FIRST).map(|it| Do::AddressRemove(at(index, &it)));
            let added = addresses(plan, index, MOVED).map(|it| Do::AddressAdd(at(index, &it)));
            (added.chain(removed).collect(), vec![])
        }
        What::Added(index) => {
            let added = addresses(plan, index, ADDED).map(|it| Do::AddressAdd(at(index, &it)));
            (added.collect(), vec![])
        }
        What::Partition(_) => cut(&[name(0)], &[name(1)]),
        What::Isolation(index, _) => cut(&[name(index)], &[name(1 - index), "stun", "turn"]),
        What::TurnRestart(_) => {
            (vec![Do::Crash("turn".to_owned())], vec![Do::Restart("turn".to_owned())])
        }
        What::Storm(index, percent, _) => {
            let impairment = plan.sides.get(index).map(|it| it.impairment).unwrap_or_default();
            let storm = Impairment { loss: Loss::Single(percent), ..impairment };
            let link = uplink(plan, index, Some(storm));
            (vec![Do::Link(link)], vec![Do::Link(uplink(plan, index, None))])
        }
        What::Restart(_) | What::Glare => (vec![], vec![]),
    }
}

fn at(index: usize, address: &str) -> InterfaceAddress {
    InterfaceAddress { interface: format!("{}.eth0", name(index)), address: address.to_owned() }
}

fn cut(one: &[&str], other: &[&str]) -> (Vec<Do>, Vec<Do>) {
    let names = |side: &[&str]| side.iter().map(|&name| name.to_owned()).collect();
    let sides = Sides { one: names(one), other: names(other) };
    (vec![Do::Partition(sides.clone())], vec![Do::Heal(sides)])
}

/// Another address outside for the NAT of a side.
fn renumbered(plan: &Plan, index: usize) -> Vec<Do> {
    let outside = match plan.meeting {
        Meeting::SameCarrier(_) => "100.64.9",
        _ => "11.9.9",
    };
    let address = format!("{outside}.{}", 100 + index);
    nat(plan, index).map(|nat| Do::NatAddress(NatAddress { nat, address })).into_iter().collect()
}

/// Addresses with this number on the LAN of a side.
fn addresses(plan: &Plan, index: usize, number: usize) -> std::vec::IntoIter<String> {
    let number = number + index;
    let (v4, v6) = match home(plan, index).as_str() {
        "wan" => (format!("11.7.7.{number}"), format!("2a05:d000::7:{number}")),
        lan => {
            let owner = usize::from(!lan.starts_with(name(0)));
            (format!("192.168.1.{number}"), format!("2a05:e{owner}00::{number}"))
        }
    };
    let both = addresses_of(plan.family, [&v4, &v6]);
    both.into_iter().map(str::to_owned).collect::<Vec<_>>().into_iter()
}

/// How long after its crash a host comes back.
pub(super) fn turn_restarts(plan: &Plan) -> Vec<Duration> {
    let faults = plan.faults.iter();
    faults
        .filter(|fault| matches!(fault.what, What::TurnRestart(_)))
        .map(super::plan::Fault::until)
        .collect()
}
