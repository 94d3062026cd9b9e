//! Goodput: what an SCTP association carries over a bottleneck, with distance and with loss.
//!
//! Stacks stand side by side in the same simulated network: a bottleneck of [`RATE`] with a queue of one
//! bandwidth-delay product that drops at its tail, loss at random on the way of the data, reliable and
//! ordered messages of 16 KiB on one stream, as many as the stack takes, for [`Plan::span`] from the moment
//! the association stands. Times are virtual and chance comes from the seed: where the stack is
//! deterministic, the figures are exact.
//!
//! | file | holds |
//! |---|---|
//! | `stack.rs` | [`Stack`]: whose association |
//! | `ours.rs` | ours, with any of its congestion controllers |
//! | `bulk.rs` | an endpoint that sends all it can, or counts what comes |
//! | `course.rs` | the network, and one run through it |
//! | `sheet.rs` | [`Sheet`]: the figures as a table, as CSV and as JSON |
//! | `plot.rs` | the figures as a drawing |

mod bulk;
mod course;
mod ours;
mod plot;
mod sheet;
mod stack;

use std::{
    num::NonZeroUsize,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

pub use sheet::{Figure, Sheet};
pub use stack::{Algorithm, Stack};

/// Bits a second of the bottleneck.
pub const RATE: u64 = 100_000_000;
/// Bytes of a message.
pub const MESSAGE: usize = 16 * 1_024;
/// Bytes of an SCTP packet at most, for everybody.
pub const PACKET: usize = 1_200;

/// What to run.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Whose associations.
    pub stacks: Vec<Stack>,
    /// Round trips in milliseconds.
    pub rtts: Vec<u64>,
    /// Losses in thousandths of a percent.
    pub losses: Vec<u32>,
    /// The seeds of each cell.
    pub seeds: Vec<u64>,
    /// How long data flows.
    pub span: Duration,
    /// The receive window of everybody in bytes; as each stack has it by itself if `None`.
    pub window: Option<u32>,
    /// On how many threads; the figures do not depend on it.
    pub threads: NonZeroUsize,
}

impl Plan {
    /// The whole table, of one seed.
    #[must_use]
    pub fn whole() -> Self {
        Self {
            stacks: Stack::all(),
            rtts: vec![10, 50, 100, 200],
            losses: vec![0, 100, 1_000, 3_000],
            seeds: vec![1],
            span: Duration::from_secs(30),
            window: None,
            threads: NonZeroUsize::MIN,
        }
    }

    fn cells(&self) -> Vec<Cell> {
        let mut cells = Vec::new();
        for &rtt in &self.rtts {
            for &loss in &self.losses {
                for &stack in &self.stacks {
                    let seeds = self.seeds.iter();
                    cells.extend(seeds.map(|&seed| Cell { stack, rtt, loss, seed }));
                }
            }
        }
        cells
    }
}

/// One run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cell {
    /// Whose association.
    pub stack: Stack,
    /// The round trip in milliseconds.
    pub rtt: u64,
    /// The loss in thousandths of a percent.
    pub loss: u32,
    /// The seed.
    pub seed: u64,
}

/// What came of one run.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// Bytes of messages that were delivered.
    pub delivered: u64,
    /// Packets that the queue of the bottleneck had no room for.
    pub overflowed: u64,
    /// How long the queue of the bottleneck was, in the median and in 95 of 100 looks.
    pub queue: (Duration, Duration),
    /// Why it ended early, if it did.
    pub ended: Option<String>,
}

/// Runs all cells of a plan; `told` hears of each that is done, with how many are.
pub fn run(plan: &Plan, told: &(dyn Fn(usize, &Cell, &Outcome) + Sync)) -> Sheet {
    let cells = plan.cells();
    let outcomes: Mutex<Vec<Option<Outcome>>> = Mutex::new(vec![None; cells.len()]);
    let (next, done) = (AtomicUsize::new(0), AtomicUsize::new(0));
    thread::scope(|scope| {
        for _ in 0..plan.threads.get() {
            scope.spawn(|| {
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let Some(cell) = cells.get(index) else { break };
                    let outcome = course::run(plan, cell);
                    told(done.fetch_add(1, Ordering::Relaxed) + 1, cell, &outcome);
                    if let Ok(mut outcomes) = outcomes.lock()
                        && let Some(slot) = outcomes.get_mut(index)
                    {
                        *slot = Some(outcome);
                    }
                }
            });
        }
    });
    let outcomes = outcomes.into_inner().unwrap_or_default();
    let done = cells.into_iter().zip(outcomes).filter_map(|(cell, it)| Some((cell, it?)));
    Sheet::new(plan, done)
}
