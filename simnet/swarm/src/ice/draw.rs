//! Drawing worlds: from a seed to a plan.

use std::time::Duration;

use lab::presets;
use simnet::Stream;

use super::plan::{
    Access, Family, Fault, Impairment, Loss, Meeting, Plan, Side, Signalling, Turn, What,
};

/// Most faults of a world.
const MAX_FAULTS: u64 = 4;
/// When faults may begin: before that, the peers have time to meet.
const FAULTS_FROM: u64 = 6_000;
/// When the last fault has ended at the latest, in milliseconds.
const FAULTS_UNTIL: u64 = 40_000;
/// From the last fault until everything is well.
const MENDING: Duration = Duration::from_secs(1);
/// How long a world is watched after it has healed: ten seconds to connect, and ten of calm.
const WATCHED: Duration = Duration::from_secs(20);
/// How long a world is watched in which nobody may connect, so that the agents say so. Pairs of one
/// foundation are checked one after the other (RFC 8445 §6.1.4.2), each for 39.5 s: three of them, after
/// the last restart.
pub(super) const PATIENCE: Duration = Duration::from_secs(150);
/// How long a world is watched whose peer is gone: longer than consent lasts.
const CONSENT: Duration = Duration::from_secs(42);

/// Firewalls of IPv4 and dual networks. A captive portal that opens by itself is no steady condition.
const FIREWALLS: [&str; 9] = [
    "office-stateful",
    "linux-conntrack",
    "short-udp",
    "icmp-blocked",
    "corp-udp-blocked",
    "corp-443-only",
    "corp-53-443",
    "corp-prohibit",
    "corp-tls-only",
];
/// Firewalls of IPv6 networks.
const FIREWALLS_V6: [&str; 4] =
    ["ipv6-simple-security", "ipv6-simple-security-open", "office-stateful", "linux-conntrack"];
/// NATs of mobile networks and carriers.
const CARRIERS: [&str; 3] = ["cgn-mobile-hard", "cgn-rfc6888", "rfc4787-ideal"];

/// The world of a seed.
pub(crate) fn draw(seed: u64) -> Plan {
    let dice = &mut Stream::new(seed, "plan");
    let family = match dice.below(20) {
        0..=9 => Family::V4,
        10..=12 => Family::V6,
        _ => Family::Dual,
    };
    let meeting = match dice.below(20) {
        0 => Meeting::Together,
        1..=2 if family != Family::V6 => Meeting::SameCarrier(choose(dice, &CARRIERS)),
        _ => Meeting::Apart,
    };
    let mut sides = [side(dice, family, meeting), side(dice, family, meeting)];
    roles(dice, &mut sides);
    let turn = dice.chance(0.7).then(|| turn(dice));
    if turn.is_none() {
        for side in &mut sides {
            side.relay_only = false;
        }
    }
    let mut plan = Plan {
        seed,
        family,
        meeting,
        sides,
        stun: dice.chance(0.9),
        turn,
        signalling: signalling(dice),
        faults: Vec::new(),
        heal: Duration::ZERO,
        end: Duration::ZERO,
        gone: None,
    };
    plan.faults = faults(dice, &plan);
    times(dice, &mut plan);
    plan
}

/// When the world heals and ends, which depends on what is left in it.
fn times(dice: &mut Stream, plan: &mut Plan) {
    let last = plan.faults.iter().map(Fault::until).max().unwrap_or_default();
    let impaired = plan.sides.iter().any(|side| side.impairment != side.impairment.healed());
    let least = Duration::from_secs(if impaired { 20 } else { 10 });
    plan.heal = (last + MENDING).max(least);
    let connects = super::oracle::must_connect(plan);
    let calm = plan.heal + if connects { WATCHED } else { PATIENCE };
    plan.gone = (connects && dice.chance(0.1)).then_some(calm);
    plan.end = if plan.gone.is_some() { calm + CONSENT } else { calm };
}

fn side(dice: &mut Stream, family: Family, meeting: Meeting) -> Side {
    let access = match meeting {
        // There is a NAT before everybody who shares a carrier, and before a LAN.
        Meeting::SameCarrier(_) | Meeting::Together => {
            Access { firewall: None, nats: vec![nat(dice)] }
        }
        Meeting::Apart => access(dice, family),
    };
    let second = meeting == Meeting::Apart && dice.chance(0.2);
    Side {
        access,
        second: second.then(|| choose(dice, &CARRIERS)),
        impairment: impairment(dice),
        delay: 1 + u32::try_from(dice.below(120)).unwrap_or(0),
        controlling: false,
        trickle: dice.chance(0.75),
        aggressive: dice.chance(0.15),
        relay_only: dice.chance(0.08),
        tcp: dice.chance(0.15),
        start: millis(dice, 0, 500),
    }
}

/// Nearly always one side is controlling; sometimes both believe they are, or neither does.
fn roles(dice: &mut Stream, sides: &mut [Side; 2]) {
    let (first, second) = match dice.below(10) {
        0 => (true, true),
        1 => (false, false),
        2..=5 => (false, true),
        _ => (true, false),
    };
    let [one, other] = sides;
    (one.controlling, other.controlling) = (first, second);
}

fn access(dice: &mut Stream, family: Family) -> Access {
    if family == Family::V6 {
        let firewall = match dice.below(10) {
            0..=1 => None,
            2..=7 => Some(choose(dice, &FIREWALLS_V6)),
            _ => Some(choose(dice, &FIREWALLS)),
        };
        return Access { firewall, nats: Vec::new() };
    }
    match dice.below(20) {
        0..=1 => Access::default(),
        2..=12 => Access { firewall: None, nats: vec![nat(dice)] },
        13..=15 => Access { firewall: None, nats: vec![nat(dice), nat(dice)] },
        _ => Access { firewall: Some(choose(dice, &FIREWALLS)), nats: vec![nat(dice)] },
    }
}

/// Any NAT that there is.
fn nat(dice: &mut Stream) -> &'static str {
    let all: Vec<_> = presets::names("nat").collect();
    choose(dice, &all)
}

fn impairment(dice: &mut Stream) -> Impairment {
    let mut percent = |p: f64, most: u64| {
        let drawn = 1 + u32::try_from(dice.below(most)).unwrap_or(0);
        if dice.chance(p) { drawn } else { 0 }
    };
    let (single, bursts) = (percent(0.4, 30), percent(0.15, 20));
    let (reorder, duplicate, jitter) = (percent(0.2, 30), percent(0.2, 20), percent(0.25, 60));
    let loss = match (single, bursts) {
        (0, 0) => Loss::None,
        (0, percent) => Loss::Bursts(percent, 2 + u32::try_from(dice.below(6)).unwrap_or(0)),
        (percent, _) => Loss::Single(percent),
    };
    let rate = dice.chance(0.2).then(|| 128 << dice.below(6));
    let mtu = dice.chance(0.15).then(|| 1_280 + u32::try_from(dice.below(200)).unwrap_or(0));
    Impairment { loss, reorder, duplicate, jitter, rate, mtu }
}

fn turn(dice: &mut Stream) -> Turn {
    let udp = *pick(dice, &[Some(3_478), Some(3_478), Some(443), None]);
    let tcp = *pick(dice, &[Some(3_478), Some(443), Some(443), None]);
    Turn { udp: udp.or_else(|| tcp.is_none().then_some(3_478)), tcp }
}

fn signalling(dice: &mut Stream) -> Signalling {
    let delay = millis(dice, 5, 500);
    let spread = if dice.chance(0.4) { millis(dice, 50, 800) } else { Duration::ZERO };
    Signalling { delay, spread }
}

fn faults(dice: &mut Stream, plan: &Plan) -> Vec<Fault> {
    let count = if dice.chance(0.3) { 0 } else { 1 + dice.below(MAX_FAULTS) };
    let mut faults: Vec<Fault> = Vec::new();
    for _ in 0..count {
        let at = millis(dice, FAULTS_FROM, FAULTS_UNTIL - 12_000);
        let what = what(dice, plan);
        if !faults.iter().any(|it| undoes(it.what, what)) {
            faults.push(Fault { number: 0, at, what });
        }
    }
    faults.sort_by_key(|fault| fault.at);
    for (number, fault) in faults.iter_mut().enumerate() {
        fault.number = number;
    }
    faults
}

/// Whether the end of one would undo the other: each kind happens once in a world, and one thing to each
/// first interface.
fn undoes(one: What, other: What) -> bool {
    let first = |it: What| match it {
        What::InterfaceDown(index, _) | What::Handover(index) | What::Moved(index) => Some(index),
        _ => None,
    };
    let same = std::mem::discriminant(&one) == std::mem::discriminant(&other);
    same || first(one).is_some() && first(one) == first(other)
}

fn what(dice: &mut Stream, plan: &Plan) -> What {
    let index = usize::from(dice.chance(0.5));
    let time = millis(dice, 300, 12_000);
    let side = plan.sides.get(index);
    let nat = side.is_some_and(|side| !side.access.nats.is_empty());
    let second = side.is_some_and(|side| side.second.is_some());
    let percent = 20 + u32::try_from(dice.below(60)).unwrap_or(0);
    match dice.below(16) {
        0..=1 if nat => What::Reboot(index),
        2 if nat && plan.meeting != Meeting::Together => What::Renumber(index),
        3..=4 => What::Outage(index, time),
        5 => What::InterfaceDown(index, time),
        6 if second => What::Handover(index),
        7 => What::Moved(index),
        8 => What::Added(index),
        9 => What::Partition(time),
        10 => What::Isolation(index, time),
        11 | 12 if plan.turn.is_some() => What::TurnRestart(time),
        13 => What::Restart(index),
        14 => What::Glare,
        _ => What::Storm(index, percent, time),
    }
}

fn millis(dice: &mut Stream, least: u64, most: u64) -> Duration {
    Duration::from_millis(least + dice.below(most - least + 1))
}

fn choose(dice: &mut Stream, all: &[&'static str]) -> &'static str {
    pick::<&'static str>(dice, all)
}

fn pick<'a, T>(dice: &mut Stream, all: &'a [T]) -> &'a T {
    let at = usize::try_from(dice.below(all.len() as u64)).unwrap_or(0);
    all.get(at).or_else(|| all.first()).expect("there is something to choose from")
}

#[cfg(test)]
mod tests {
    use lab::Scenario;

    use super::*;
    use crate::ice::{plan::Cut, scenario::scenario};

    #[test]
    fn every_world_fits_together_and_can_be_written_down() {
        for seed in 0..150 {
            let scenario = scenario(&draw(seed));
            if let Err(problems) = scenario.check() {
                panic!("seed {seed}: {problems}\n{}", scenario.to_toml());
            }
            let again = Scenario::parse(&scenario.to_toml());
            assert_eq!(again.as_ref(), Ok(&scenario), "seed {seed}");
        }
    }

    #[test]
    fn worlds_fit_together_whatever_is_left_out() {
        for seed in 0..40 {
            let mut plan = draw(seed);
            for cut in plan.cuts() {
                if !plan.cuts().contains(&cut) {
                    continue; // It went with something else.
                }
                let smaller = plan.clone().without(cut);
                assert_ne!(smaller, plan, "seed {seed}: {cut} changes nothing");
                plan = smaller;
                if let Err(problems) = scenario(&plan).check() {
                    panic!("seed {seed} without {cut}: {problems}");
                }
            }
            assert!(!plan.cuts().iter().any(|it| matches!(it, Cut::Fault(_))), "seed {seed}");
        }
    }

    #[test]
    fn the_same_seed_gives_the_same_world() {
        assert_eq!(draw(7), draw(7));
        assert_ne!(draw(7), draw(8));
    }
}
