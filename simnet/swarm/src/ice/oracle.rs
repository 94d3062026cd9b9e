//! Which worlds must connect: told from the plan and nothing else, without the simulator.
//!
//! What is said here is enough, not necessary: a world of which nothing is promised may connect all the
//! same. There must be a connection after the network has healed if
//!
//! * both have an address of a family, and each lets the other in or lets itself be answered: hosts
//!   without translation, NATs of which the rules of the matrix say that they meet, the same LAN; or
//! * one side has a relay, and the other can send to any port; or
//! * both have a relay.

use lab::{
    matrix::{Class, entries},
    presets,
};

use simnet::nat::{Filtering, Unsolicited};

use super::plan::{Access, Family, Meeting, Plan, Side, What};

/// What a host may send to, as far as its firewall is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Egress {
    udp: Ports,
    tcp: Ports,
}

/// Ports that packets may go to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ports {
    All,
    Only(&'static [u16]),
}

impl Ports {
    fn has(self, port: Option<u16>) -> bool {
        match (self, port) {
            (_, None) => false,
            (Self::All, Some(_)) => true,
            (Self::Only(ports), Some(port)) => ports.contains(&port),
        }
    }
}

/// What is known of the firewalls by name.
fn egress(firewall: Option<&str>) -> Egress {
    let only = |udp, tcp| Egress { udp: Ports::Only(udp), tcp };
    match firewall {
        Some("corp-udp-blocked") => only(&[], Ports::All),
        Some("corp-443-only" | "corp-prohibit") => only(&[53], Ports::Only(&[80, 443])),
        Some("corp-53-443") => only(&[53, 443], Ports::All),
        Some("corp-tls-only") => only(&[53], Ports::Only(&[])),
        _ => Egress { udp: Ports::All, tcp: Ports::All },
    }
}

/// What a host has besides, or instead of, what it began with.
#[derive(Clone, Debug)]
struct Ways {
    accesses: Vec<Access>,
}

/// The ways out that a host has once the network has healed.
fn ways(plan: &Plan, index: usize, side: &Side) -> Ways {
    let left = plan.faults.iter().any(|fault| fault.what == What::Handover(index));
    let first = (!left).then(|| side.access.clone());
    let second = side.second.map(|nat| Access { firewall: None, nats: vec![nat] });
    Ways { accesses: first.into_iter().chain(second).collect() }
}

/// How two sides may connect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Way {
    Direct,
    RelayUdp,
    RelayTcp,
    Unpromised,
}

impl Way {
    /// The kind of world, for tables.
    pub(crate) const fn words(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::RelayUdp => "relay over UDP",
            Self::RelayTcp => "relay over TCP",
            Self::Unpromised => "nothing promised",
        }
    }
}

/// Whether the world must be connected after it has healed.
pub(crate) fn must_connect(plan: &Plan) -> bool {
    way(plan) != Way::Unpromised
}

/// The best way by which the world must be connected after it has healed.
pub(crate) fn way(plan: &Plan) -> Way {
    let [one, other] = &plan.sides;
    let ways = [ways(plan, 0, one), ways(plan, 1, other)];
    let relay_only = one.relay_only || other.relay_only;
    let together =
        plan.meeting == Meeting::Together && ways.iter().all(|it| it.accesses.len() == 1);
    if !relay_only && (together || meets(plan, &ways)) {
        return Way::Direct;
    }
    let [first, second] = [0, 1].map(|index| relay(plan, ways.get(index)));
    let free = ways.map(|it| it.accesses.iter().any(sends_anywhere));
    let [one_free, other_free] = [free[0] && !one.relay_only, free[1] && !other.relay_only];
    let reached = match (first, second) {
        (Some(a), Some(b)) => Some(a.max(b)),
        (Some(way), None) if other_free => Some(way),
        (None, Some(way)) if one_free => Some(way),
        _ => None,
    };
    reached.unwrap_or(Way::Unpromised)
}

fn sends_anywhere(access: &Access) -> bool {
    egress(access.firewall).udp == Ports::All
}

/// Whether a side gets a relay, and how it speaks with it.
fn relay(plan: &Plan, ways: Option<&Ways>) -> Option<Way> {
    let (turn, ways) = (plan.turn?, ways?);
    let by = |choose: fn(Egress) -> Ports, port| {
        ways.accesses.iter().any(|it| choose(egress(it.firewall)).has(port))
    };
    if by(|it| it.udp, turn.udp) {
        return Some(Way::RelayUdp);
    }
    by(|it| it.tcp, turn.tcp).then_some(Way::RelayTcp)
}

/// Whether any way out of one side meets any of the other without a relay.
fn meets(plan: &Plan, [one, other]: &[Ways; 2]) -> bool {
    let pairs = one.accesses.iter().flat_map(|it| other.accesses.iter().map(move |to| (it, to)));
    let mut free = pairs.filter(|(it, to)| sends_anywhere(it) && sends_anywhere(to));
    if plan.family != Family::V4 {
        // Nobody translates IPv6 here, and whoever sends lets the answer in.
        return free.next().is_some();
    }
    free.any(|(it, to)| plan.meeting == Meeting::Apart && punches(plan, it, to))
}

/// Whether NATs let two sides punch a hole for IPv4.
fn punches(plan: &Plan, one: &Access, other: &Access) -> bool {
    match (one.nats.as_slice(), other.nats.as_slice()) {
        // Nothing is translated: the other answers whoever comes, and both send.
        ([], _) | (_, []) => true,
        ([nat], [beyond]) if plan.stun => {
            let classes = class(nat, one.firewall).zip(class(beyond, other.firewall));
            classes.is_some_and(|(one, other)| one.meets(other).connects())
        }
        // What two NATs in a row amount to is not said.
        _ => false,
    }
}

/// The class of a NAT, with a firewall behind it or not, whose behaviour does not change.
///
/// There is none for a NAT that holds it against a peer that it spoke first: from then on the port of the
/// socket is another one for that peer, and whether they meet depends on who comes first.
fn class(preset: &'static str, firewall: Option<&str>) -> Option<Class> {
    let steady = preset != "non-deterministic" && presets::get("nat", preset).is_ok();
    let entry = steady.then(|| entries([preset]).ok())??.pop()?;
    if entry.config.unsolicited == Unsolicited::RejectAndRemember {
        return None;
    }
    let behind = firewall.map(|_| Filtering::AddressAndPortDependent);
    let filter = behind.unwrap_or(entry.class.filter);
    Some(Class { filter, ..entry.class })
}
