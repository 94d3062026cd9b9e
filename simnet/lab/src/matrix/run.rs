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

use super::{Cell, Connected, Entry, Matrix};
use crate::{
    Boxed, Figure, Host, Link, Outcome, Scenario, Segment, Signalling,
    roles::{Peer, Role, Stun},
};

/// Told after every cell how many are done.
pub type Progress<'a> = &'a (dyn Fn(usize) + Sync);

/// How long peers may try: longer than the last retransmission of a check.
const LIMIT: Duration = Duration::from_secs(12);
/// How often it is looked whether they are done.
const LOOK: Duration = Duration::from_millis(250);

/// Runs every pair of `nats` on `threads` threads. The result is the same for any number of them: each
/// pair is a world of its own, whose seed is that of the matrix and its place.
#[must_use]
pub fn run(nats: Vec<Entry>, seed: u64, threads: NonZeroUsize, progress: Progress<'_>) -> Matrix {
    let count = nats.len() * nats.len();
    let cells: Vec<Mutex<Option<Cell>>> = (0..count).map(|_| Mutex::new(None)).collect();
    let (next, done) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let work = || {
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(place) = cells.get(index) else { return };
            let pair = (nats.get(index / nats.len()), nats.get(index % nats.len()));
            if let (Some(row), Some(column)) = pair {
                let cell = cell(row, column, seed);
                *place.lock().unwrap_or_else(PoisonError::into_inner) = Some(cell);
            }
            progress(done.fetch_add(1, Ordering::Relaxed) + 1);
        }
    };
    thread::scope(|scope| {
        for _ in 1..threads.get() {
            scope.spawn(work);
        }
        work();
    });
    let taken = cells.into_iter().map(|it| it.into_inner().unwrap_or_else(PoisonError::into_inner));
    let cells = taken.flatten().collect();
    Matrix { nats, cells, seed }
}

fn cell(row: &Entry, column: &Entry, seed: u64) -> Cell {
    let scenario = scenario(&row.name, &column.name, seed);
    let predicted = row.class.meets(column.class);
    let Ok(mut world) = scenario.build(()) else {
        // The names were looked up; a world of two presets fits together.
        return Cell { connected: None, checks: 0, predicted };
    };
    let mut outcome = world.outcome();
    let mut now = Instant::ZERO;
    while now < Instant::ZERO + LIMIT && connected(&outcome).is_none() {
        now += LOOK;
        world.run_until(now);
        outcome = world.outcome();
    }
    let checks = ["alice.checks", "bob.checks"].iter().map(|name| match outcome.figure(name) {
        Some(Figure::Count(count)) => *count,
        _ => 0,
    });
    Cell { connected: connected(&outcome), checks: checks.sum(), predicted }
}

/// The pair that both selected.
fn connected(outcome: &Outcome) -> Option<Connected> {
    let time = |name| match outcome.figure(name)? {
        Figure::Time(time) => Some(*time),
        _ => None,
    };
    let after = time("alice.connected-after")?.max(time("bob.connected-after")?);
    let text = |name| outcome.figure(name).map(ToString::to_string);
    let (first, second) = (text("alice.selected-local")?, text("alice.selected-remote")?);
    Some(Connected { first, second, after })
}

/// Two homes with the same private addresses, a STUN server between them, and signalling that is slower
/// than the network, as it is in life.
fn scenario(row: &str, column: &str, seed: u64) -> Scenario {
    let mut scenario = Scenario::new(&format!("{row} and {column}"));
    scenario.seed = seed;
    scenario.duration = LIMIT;
    scenario.wans.push(Segment::new("wan", "11.0.0.0/8"));
    for (home, lan, preset) in [("home-a", "lan-a", row), ("home-b", "lan-b", column)] {
        scenario.lans.push(Segment::new(lan, "192.168.1.0/24"));
        scenario.nats.push(Boxed::new(home, lan, "wan").preset(preset));
        scenario.links.push(Link::between(home, "wan").with("delay", "20ms"));
    }
    let peer = |with: &str, controlling| {
        let controlling = Some(controlling);
        Role::Peer(Peer { controlling, data: Duration::ZERO, ..Peer::with(with) })
    };
    scenario.hosts.push(Host::new("alice", "lan-a", peer("bob", true)));
    scenario.hosts.push(Host::new("bob", "lan-b", peer("alice", false)));
    scenario.hosts.push(Host::new("stun", "wan", Stun::default()).address("11.0.0.3"));
    scenario.signalling = Signalling::delayed(Duration::from_millis(50));
    scenario
}
