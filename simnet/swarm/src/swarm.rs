//! Many worlds.

use std::{
    any::Any,
    collections::BTreeMap,
    num::NonZeroUsize,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use crate::{Broken, Drawn, Outcome, Record, World};

/// Told after every world how many are done, and what came of it.
pub type Progress<'a> = &'a (dyn Fn(usize, &Record) + Sync);

/// Lets the worlds of `seeds` live on `threads` threads. The records are in the order of the seeds, and
/// the same for any number of threads: each world has its own network, time and chance.
#[must_use]
pub fn run(
    world: &dyn World,
    seeds: &[u64],
    threads: NonZeroUsize,
    progress: Progress<'_>,
) -> Vec<Record> {
    let places: Vec<Mutex<Option<Record>>> = seeds.iter().map(|_| Mutex::new(None)).collect();
    let (next, done) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let work = || {
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let (Some(seed), Some(place)) = (seeds.get(index), places.get(index)) else { return };
            let record = run_one(world, *seed, &[]);
            progress(done.fetch_add(1, Ordering::Relaxed) + 1, &record);
            *place.lock().unwrap_or_else(PoisonError::into_inner) = Some(record);
        }
    };
    thread::scope(|scope| {
        for _ in 1..threads.get() {
            scope.spawn(work);
        }
        work();
    });
    let taken =
        places.into_iter().map(|it| it.into_inner().unwrap_or_else(PoisonError::into_inner));
    taken.flatten().collect()
}

/// Lets one world live. A panic in it is a broken promise like any other.
#[must_use]
pub fn run_one(world: &dyn World, seed: u64, cuts: &[String]) -> Record {
    let life = catch_unwind(AssertUnwindSafe(|| world.live(seed, cuts)));
    life.unwrap_or_else(|panic| Record {
        seed,
        kind: "panicked".to_owned(),
        outcome: Outcome::Failed,
        detail: String::new(),
        connected_after: None,
        recovered_after: None,
        faults: Vec::new(),
        broken: vec![Broken {
            promise: "no panic",
            wanted: "a world that lives to its end".to_owned(),
            got: said(panic.as_ref()),
        }],
        figures: BTreeMap::new(),
        hash: String::new(),
    })
}

/// Lets one world live and draws it.
///
/// # Errors
///
/// The message of a panic, after which there is nothing to draw.
pub fn draw_one(world: &dyn World, seed: u64, cuts: &[String]) -> Result<Drawn, String> {
    let drawn = catch_unwind(AssertUnwindSafe(|| world.draw(seed, cuts)));
    drawn.map_err(|panic| said(panic.as_ref()))
}

/// The seeds of those records that are not the same in both runs.
#[must_use]
pub fn differing(one: &[Record], other: &[Record]) -> Vec<u64> {
    let known: BTreeMap<u64, &Record> = other.iter().map(|record| (record.seed, record)).collect();
    let differs = |record: &&Record| known.get(&record.seed).is_some_and(|it| it != record);
    one.iter().filter(differs).map(|record| record.seed).collect()
}

/// The message of a panic.
fn said(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
    format!("a panic: {}", text.unwrap_or("without a message"))
}
