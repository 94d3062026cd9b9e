//! Runs jobs on several threads, in an order that does not show.

use std::{
    num::NonZero,
    sync::{
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    thread,
};

use crate::{
    clock::Stopwatch,
    execute::{Executed, Job, Keep, execute},
    registry::Registry,
};

/// How jobs are run.
#[derive(Clone, Copy, Debug)]
pub struct Plan<'a> {
    /// The requirements.
    pub registry: &'a Registry,
    /// The seed of the run.
    pub seed: u64,
    /// With how many seeds each job runs: this one and those that follow.
    pub repeat: u64,
    /// On how many threads.
    pub threads: usize,
    /// Which recordings are kept.
    pub keep: Keep,
    /// The planted bug that is active in every subject, if any.
    pub mutant: Option<&'a str>,
}

/// A finished job with the real time it took.
#[derive(Clone, Debug)]
pub struct Done {
    /// What came of it.
    pub executed: Executed,
    /// Real time in microseconds.
    pub duration_us: u64,
}

/// As many threads as the machine runs at once.
#[must_use]
pub fn default_threads() -> usize {
    thread::available_parallelism().map_or(1, NonZero::get)
}

/// Runs `jobs` and returns the outcomes in the order of `jobs`, whatever order they finished in.
/// `on_done` hears of each as it finishes; when it returns `false`, what has not begun is left out.
pub fn run(
    jobs: &[Job<'_>],
    plan: &Plan<'_>,
    mut on_done: impl FnMut(usize, &Done) -> bool,
) -> Vec<Option<Done>> {
    let next = AtomicUsize::new(0);
    let mut outcomes: Vec<Option<Done>> = jobs.iter().map(|_| None).collect();
    let (sender, receiver) = mpsc::channel();
    thread::scope(|scope| {
        for _ in 0..plan.threads.clamp(1, jobs.len().max(1)) {
            let sender = sender.clone();
            let next = &next;
            scope.spawn(move || {
                select_mutant(plan.mutant);
                while let Some((index, job)) = take(next, jobs) {
                    if sender.send((index, repeat(job, plan))).is_err() {
                        break;
                    }
                }
            });
        }
        drop(sender);
        for (index, done) in receiver {
            if !on_done(index, &done) {
                next.store(jobs.len(), Ordering::Relaxed);
            }
            if let Some(slot) = outcomes.get_mut(index) {
                *slot = Some(done);
            }
        }
    });
    outcomes
}

/// The next job nobody has begun.
fn take<'j, 'a>(next: &AtomicUsize, jobs: &'j [Job<'a>]) -> Option<(usize, &'j Job<'a>)> {
    let index = next.fetch_add(1, Ordering::Relaxed);
    jobs.get(index).map(|job| (index, job))
}

/// Runs one job with every seed and keeps the worst outcome, the first of equals.
fn repeat(job: &Job<'_>, plan: &Plan<'_>) -> Done {
    let stopwatch = Stopwatch::start();
    let mut worst = execute(job, plan.registry, plan.seed, plan.keep);
    let mut seeds = 1_u64;
    for turn in 1..plan.repeat {
        let executed = execute(job, plan.registry, plan.seed.wrapping_add(turn), plan.keep);
        if executed.result.verdict.severity() > worst.result.verdict.severity() {
            (worst, seeds) = (executed, 1);
        } else if executed.result.verdict == worst.result.verdict {
            seeds += 1;
        }
    }
    if seeds < plan.repeat {
        let reason = worst.result.reason.get_or_insert_default();
        reason.push_str(&format!(" (with {seeds} of {} seeds)", plan.repeat));
    }
    Done { executed: worst, duration_us: stopwatch.elapsed_us() }
}

#[cfg(feature = "mutant")]
fn select_mutant(name: Option<&str>) {
    base::mutant::select(name);
}

/// In a build without planted bugs there is nothing to select; the commands refuse before it matters.
#[cfg(not(feature = "mutant"))]
const fn select_mutant(_name: Option<&str>) {}
