//! Worlds of DTLS, drawn from seeds.

use std::time::Duration;

use crypto::NamedGroup;
use dtls::{Authentication, CipherSuite, SrtpProfile, Version};
use simnet::Stream;

use super::plan::{Key, Loss, Plan, Side, Update, Way};

/// Every group.
const GROUPS: [NamedGroup; 4] =
    [NamedGroup::X25519MlKem768, NamedGroup::X25519, NamedGroup::Secp256r1, NamedGroup::Secp384r1];

/// The world of a seed.
pub(crate) fn draw(seed: u64) -> Plan {
    let mut dice = Stream::new(seed, "dtls world");
    let dice = &mut dice;
    let cookies = dice.chance(0.35);
    let mutual = dice.chance(0.7);
    let mut ways = [way(dice), way(dice)];
    if cookies {
        // A cookie lives for a minute, and a client that comes with it later is turned away.
        for way in &mut ways {
            let percent = match way.loss {
                Loss::None => 0,
                Loss::Single(percent) | Loss::Bursts(percent, _) => percent.min(10),
            };
            way.loss = if percent > 0 { Loss::Single(percent) } else { Loss::None };
        }
    }
    let mtu = match dice.below(10) {
        0..=2 => 1_500,
        3 => 300,
        _ => 300 + number(dice, 1_201),
    };
    // A server that keeps nothing of strangers cannot answer a ClientHello in pieces.
    let mtu = if cookies { mtu.max(900) } else { mtu };
    let mut sides = [side(dice, mtu), side(dice, mtu)];
    if cookies {
        for side in &mut sides {
            side.groups.retain(|group| *group != NamedGroup::X25519MlKem768);
        }
    }
    fit(dice, &mut sides);
    let connected = settled(&sides);
    let rebinding = (connected.1 && dice.chance(0.5)).then(|| millis(dice, 200, 3_000));
    let updates =
        if connected.0 == Version::Dtls13 && dice.chance(0.5) { updates(dice) } else { Vec::new() };
    let storm = millis(dice, 1_500, 6_000);
    Plan { seed, sides, ways, mtu, cookies, mutual, rebinding, updates, storm }
}

/// The version that the two will speak, and whether records of the client carry a connection id.
fn settled(sides: &[Side; 2]) -> (Version, bool) {
    let [client, server] = sides;
    let version = client.versions[1].min(server.versions[1]);
    let wanted = server.connection_id.is_some_and(|length| length > 0);
    (version, client.connection_id.is_some() && wanted)
}

fn way(dice: &mut Stream) -> Way {
    let loss = match dice.below(10) {
        0..=2 => Loss::None,
        3 => Loss::Single(40),
        4..=7 => Loss::Single(1 + number(dice, 40)),
        _ => Loss::Bursts(1 + number(dice, 40), 2 + number(dice, 5)),
    };
    let mut percent = |p: f64, most: u64| {
        let drawn = 1 + number(dice, most);
        if dice.chance(p) { drawn } else { 0 }
    };
    let (reorder, duplicate, corrupt) = (percent(0.4, 40), percent(0.3, 30), percent(0.3, 10));
    let jitter = percent(0.4, 60);
    let delay = match dice.below(4) {
        0 => number(dice, 10),
        1 | 2 => number(dice, 100),
        _ => number(dice, 501),
    };
    Way { loss, reorder, duplicate, corrupt, delay, jitter }
}

fn side(dice: &mut Stream, mtu: u32) -> Side {
    let versions = match dice.below(5) {
        0 => [Version::Dtls12, Version::Dtls12],
        1 | 2 => [Version::Dtls13, Version::Dtls13],
        _ => [Version::Dtls12, Version::Dtls13],
    };
    let groups = shuffled(dice, &GROUPS);
    let shares = usize::try_from(dice.below(3)).unwrap_or(0);
    let connection_id = dice.chance(0.5).then(|| *pick(dice, &[0, 1, 4, 8, 20]));
    Side {
        start: millis(dice, 0, 800),
        versions,
        suites: shuffled(dice, CipherSuite::ALL),
        groups,
        shares,
        profiles: shuffled(dice, SrtpProfile::ALL),
        key: *pick(dice, &[Key::P256, Key::P256, Key::P384, Key::Rsa]),
        connection_id,
        record_limit: dice.chance(0.15).then(|| *pick(dice, &[64, 200, 512, 4_096])),
        knows_mtu: dice.chance(0.5),
        knows_rtt: dice.chance(0.4),
        learns_late: dice.chance(0.2),
        pace: millis(dice, 20, 300),
        longest: u64::from(mtu).saturating_sub(150).min(1_000),
    }
}

/// Makes the two fit together: a world whose ends have nothing in common proves nothing.
fn fit(dice: &mut Stream, sides: &mut [Side; 2]) {
    let [client, server] = sides;
    if client.versions[0].max(server.versions[0]) > client.versions[1].min(server.versions[1]) {
        server.versions = [Version::Dtls12, Version::Dtls13];
    }
    // One group in common that version 1.2 has too, and one suite for each version and kind of key.
    for side in [&mut *client, &mut *server] {
        let keep = usize::try_from(2 + dice.below(3)).unwrap_or(0);
        side.groups.truncate(keep);
    }
    let is_common =
        |it: &&NamedGroup| **it != NamedGroup::X25519MlKem768 && server.groups.contains(it);
    if !client.groups.iter().any(|group| is_common(&group)) {
        for groups in [&mut client.groups, &mut server.groups] {
            groups.retain(|group| *group != NamedGroup::X25519);
            groups.push(NamedGroup::X25519);
        }
    }
    let wanted = if server.key == Key::Rsa { Authentication::Rsa } else { Authentication::Ecdsa };
    let fits = |suite: &CipherSuite| suite.authentication().is_none_or(|it| it == wanted);
    let least: Vec<_> = shuffled(dice, CipherSuite::ALL).into_iter().filter(fits).collect();
    for side in [client, server] {
        let keep = usize::try_from(1 + dice.below(9)).unwrap_or(0);
        side.suites.truncate(keep);
        for version in [Version::Dtls12, Version::Dtls13] {
            let common = least.iter().find(|suite| suite.version() == version);
            side.suites.extend(common.filter(|common| !side.suites.contains(common)));
        }
    }
}

fn updates(dice: &mut Stream) -> Vec<Update> {
    let count = 1 + dice.below(4);
    let mut updates: Vec<_> = (0..count)
        .map(|_| Update {
            after: millis(dice, 50, 5_000),
            side: usize::from(dice.chance(0.5)),
            asks: dice.chance(0.5),
        })
        .collect();
    updates.sort_by_key(|update| update.after);
    updates
}

fn number(dice: &mut Stream, below: u64) -> u32 {
    u32::try_from(dice.below(below)).unwrap_or(0)
}

fn millis(dice: &mut Stream, least: u64, most: u64) -> Duration {
    Duration::from_millis(least + dice.below(most - least + 1))
}

fn shuffled<T: Copy>(dice: &mut Stream, all: &[T]) -> Vec<T> {
    let mut rest = all.to_vec();
    let mut order = Vec::new();
    while !rest.is_empty() {
        let at = usize::try_from(dice.below(rest.len() as u64)).unwrap_or(0);
        order.push(rest.remove(at));
    }
    order
}

fn pick<'a, T>(dice: &mut Stream, all: &'a [T]) -> &'a T {
    let at = usize::try_from(dice.below(all.len() as u64)).unwrap_or(0);
    all.get(at).or_else(|| all.first()).expect("there is something to choose from")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_world() {
        assert_eq!(draw(7), draw(7));
        assert_ne!(draw(7), draw(8));
    }

    #[test]
    fn the_worlds_have_everything_in_them() {
        let plans: Vec<_> = (0..300).map(draw).collect();
        let some = |of: &dyn Fn(&Plan) -> bool| plans.iter().filter(|plan| of(plan)).count();
        assert!(some(&|plan| plan.mtu == 300) > 5);
        assert!(some(&|plan| plan.ways.iter().all(|way| way.loss == Loss::Single(40))) > 0);
        assert!(some(&|plan| plan.rebinding.is_some()) > 5);
        assert!(some(&|plan| !plan.updates.is_empty()) > 30);
        assert!(some(&|plan| plan.cookies && plan.mutual) > 30);
        let hybrid = |plan: &Plan| {
            let [client, _] = &plan.sides;
            client.shares > 0 && client.groups.first() == Some(&NamedGroup::X25519MlKem768)
        };
        assert!(some(&hybrid) > 30);
    }

    #[test]
    fn whatever_is_left_out_changes_the_world() {
        for seed in 0..100 {
            let plan = draw(seed);
            for cut in plan.cuts() {
                assert_ne!(plan.clone().without(cut), plan, "seed {seed}: {cut}");
            }
        }
    }
}
