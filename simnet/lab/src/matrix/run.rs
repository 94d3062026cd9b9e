//! Running the pairs.

use std::{
    num::NonZeroUsize,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use base::Instant;
use ice::Kind;
use simnet::{NodeId, units};

use super::{
    Cell, Connected, Contender, Entry, Family, Help, Matrix, Plan, Sheet,
    plan::{LINK, SIGNALLING},
    rules,
};
use crate::{
    Boxed, Host, Link, Scenario, Segment, Signalling, World,
    roles::{
        Ice, Role, Stun, Turn,
        ice::{Choice, IceHost},
    },
};

/// Told after every cell how many are done.
pub type Progress<'a> = &'a (dyn Fn(usize) + Sync);

/// How long peers may try. A pair that is not in use by then does not count, although an agent may wait
/// longer for its last checks to be answered.
const LIMIT: Duration = Duration::from_secs(20);
/// How often it is looked whether they are done.
const LOOK: Duration = Duration::from_millis(250);
/// For how long a pair that both have selected is watched: a better one may take its place.
const SETTLE: Duration = Duration::from_secs(2);
/// How long a payload may take from one to the other.
const CROSSING: Duration = Duration::from_millis(500);

/// Runs every pair of the plan with the project's own ICE. The result is the same for any number of
/// threads: each pair is a world of its own, whose seed is that of the plan.
#[must_use]
pub fn run(plan: &Plan, progress: Progress<'_>) -> Matrix {
    run_with(plan, &Contender::default(), progress)
}

/// As [`run`], with the endpoints of somebody else in both homes.
#[must_use]
pub fn run_with(plan: &Plan, contender: &Contender, progress: Progress<'_>) -> Matrix {
    let ways: Vec<(Family, Help)> = plan
        .families
        .iter()
        .flat_map(|&family| plan.helps.iter().map(move |&help| (family, help)))
        .collect();
    let side = plan.nats.len();
    let per_sheet = side * side;
    let count = ways.len() * per_sheet;
    let work = |index: usize| {
        let place = index % per_sheet;
        let way = ways.get(index / per_sheet)?;
        let (row, column) = (plan.nats.get(place / side)?, plan.nats.get(place % side)?);
        Some(cell(row, column, *way, plan.seed, contender))
    };
    let mut cells = each(count, plan.threads, progress, work).into_iter();
    let sheets = ways.iter().map(|&(family, help)| Sheet {
        nats: plan.nats.clone(),
        family,
        help,
        cells: cells.by_ref().take(per_sheet).collect(),
    });
    Matrix { sheets: sheets.collect(), endpoint: contender.name.clone(), seed: plan.seed }
}

/// Does `count` things on several threads; the results are in their order.
fn each<T: Send>(
    count: usize,
    threads: NonZeroUsize,
    progress: Progress<'_>,
    work: impl Fn(usize) -> Option<T> + Sync,
) -> Vec<T> {
    let places: Vec<Mutex<Option<T>>> = (0..count).map(|_| Mutex::new(None)).collect();
    let (next, done) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let labour = || {
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(place) = places.get(index) else { return };
            *place.lock().unwrap_or_else(PoisonError::into_inner) = work(index);
            progress(done.fetch_add(1, Ordering::Relaxed) + 1);
        }
    };
    thread::scope(|scope| {
        for _ in 1..threads.get() {
            scope.spawn(labour);
        }
        labour();
    });
    let taken = places.into_iter();
    taken.filter_map(|it| it.into_inner().unwrap_or_else(PoisonError::into_inner)).collect()
}

fn cell(
    row: &Entry,
    column: &Entry,
    (family, help): (Family, Help),
    seed: u64,
    contender: &Contender,
) -> Cell {
    let predicted = rules::predict(&row.config, &column.config, family, help);
    let mut cell = Cell { connected: None, checks: 0, packets: 0, predicted };
    // The names were looked up, and a world of two presets fits together: one that does not is a mistake
    // here, and no answer of ICE.
    let built = scenario(row, column, (family, help), seed).build(());
    let mut world = built.unwrap_or_else(|problem| panic!("the world does not fit: {problem}"));
    for host in ["alice", "bob"] {
        if let Some(factory) = &contender.factory {
            world.seat(host, factory.clone());
        }
    }
    let peers = ["alice", "bob"].map(|name| world.network().node(name));
    let mut now = Instant::ZERO;
    while now < Instant::ZERO + LIMIT && selected(&world, peers).is_none() {
        now += LOOK;
        world.run_until(now);
    }
    cell.packets = world.network().tally().originated;
    if selected(&world, peers).is_some() {
        world.run_until(now + SETTLE);
        let heard = peers.map(|peer| host(&world, peer).map_or(0, IceHost::received));
        for peer in peers {
            world.network_mut().with_endpoint(peer, |it: &mut IceHost, cx| it.say(cx));
        }
        world.run_until(now + SETTLE + CROSSING);
        let hears = |(peer, before)| host(&world, peer).is_some_and(|it| it.received() > before);
        let crossed = peers.into_iter().zip(heard).all(hears);
        cell.connected = selected(&world, peers).filter(|_| crossed && mirrored(&world, peers));
    }
    let checks = peers.map(|peer| host(&world, peer).map_or(0, IceHost::checks));
    cell.checks = checks.iter().sum();
    cell
}

fn host(world: &World, peer: NodeId) -> Option<&IceHost> {
    world.network().endpoint(peer)
}

/// The pair that both use, and since when both used one.
fn selected(world: &World, [row, column]: [NodeId; 2]) -> Option<Connected> {
    let choice = |peer| host(world, peer).and_then(IceHost::choice);
    let (row, column): (Choice, Choice) = (choice(row)?, choice(column)?);
    Some(Connected {
        first: row.local.name(),
        second: row.remote.name(),
        after: row.first.max(column.first).elapsed(),
    })
}

/// Whether both mean the same pair. Who has heard of an address by a check alone calls its candidate
/// peer-reflexive, and the base of a candidate is not seen from afar; but each side knows where a relay is.
fn mirrored(world: &World, [row, column]: [NodeId; 2]) -> bool {
    let choice = |peer| host(world, peer).and_then(IceHost::choice);
    let (Some(row), Some(column)) = (choice(row), choice(column)) else { return false };
    let same = |own: Kind, seen: Kind| {
        let relayed = own == Kind::Relayed;
        relayed == (seen == Kind::Relayed) || relayed && seen == Kind::PeerReflexive
    };
    same(row.local, column.remote) && same(column.local, row.remote)
}

/// Two homes, a server between them, and letters that take as long as packets. In IPv4 both homes have the
/// same private addresses; in IPv6 each has a public network of its own.
fn scenario(row: &Entry, column: &Entry, (family, help): (Family, Help), seed: u64) -> Scenario {
    let mut scenario = Scenario::new(&format!("{} and {}", row.name, column.name));
    scenario.seed = seed;
    scenario.duration = LIMIT + SETTLE + CROSSING;
    let segment = |name: &str, v4: &str, v6: &str| {
        let own = [(family.has_ipv4(), v4), (family.has_ipv6(), v6)];
        let own = own.into_iter().filter(|(has, _)| *has);
        let prefixes = own.map(|(_, prefix)| prefix.to_owned()).collect();
        Segment { prefixes, ..Segment::new(name, v4) }
    };
    scenario.wans.push(segment("wan", "11.0.0.0/8", "2001:db8:ffff::/48"));
    let homes = [("home-a", "lan-a", &row.name, 'a'), ("home-b", "lan-b", &column.name, 'b')];
    for (home, lan, preset, letter) in homes {
        scenario.lans.push(segment(lan, "192.168.1.0/24", &format!("2001:db8:{letter}::/64")));
        scenario.nats.push(Boxed::new(home, lan, "wan").preset(preset));
        scenario.links.push(Link::between(home, "wan").with("delay", units::print_duration(LINK)));
    }
    let peer = |with: &str, controlling| {
        let mut ice = Ice::with(with);
        (ice.controlling, ice.data, ice.restarts) = (Some(controlling), Duration::ZERO, false);
        match help.transport() {
            Some(transport) => ice.turn_over = vec![transport],
            None => ice.turn = Some(Vec::new()),
        }
        Role::Ice(ice)
    };
    scenario.hosts.push(Host::new("alice", "lan-a", peer("bob", true)));
    scenario.hosts.push(Host::new("bob", "lan-b", peer("alice", false)));
    let server: Role = match help {
        Help::Stun | Help::TurnTcp => Stun::default().into(),
        Help::TurnUdp => Turn { tcp: false, ..Turn::default() }.into(),
    };
    scenario.hosts.push(at(Host::new("server", "wan", server), family, 3));
    if help == Help::TurnTcp {
        let relay = Turn { udp: false, ..Turn::default() };
        scenario.hosts.push(at(Host::new("relay", "wan", relay), family, 4));
    }
    scenario.signalling = Signalling::delayed(SIGNALLING);
    scenario
}

fn at(mut host: Host, family: Family, number: u8) -> Host {
    if family.has_ipv4() {
        host = host.address(&format!("11.0.0.{number}"));
    }
    if family.has_ipv6() {
        host = host.address(&format!("2001:db8:ffff::{number}"));
    }
    host
}
