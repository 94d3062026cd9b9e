//! Making a world that fails small.

use std::collections::BTreeSet;

use crate::{Record, World, run_one};

/// The smallest world found that fails in the same way.
#[derive(Clone, Debug)]
pub struct Shrunk {
    /// What was left out.
    pub cuts: Vec<String>,
    /// What came of the rest.
    pub record: Record,
    /// How many worlds were tried.
    pub tried: usize,
}

/// Most worlds that are tried for one failure.
const MAX_TRIED: usize = 60;

/// Leaves one thing after the other out of the world of a seed, as long as a promise that `failed` broke
/// is still broken. Nothing is left to chance: the same failure shrinks to the same world.
#[must_use]
pub fn shrink(world: &dyn World, failed: &Record) -> Shrunk {
    let wanted: BTreeSet<_> = failed.broken.iter().map(|broken| broken.promise).collect();
    let fails = |record: &Record| record.broken.iter().any(|it| wanted.contains(it.promise));
    let mut best = Shrunk { cuts: Vec::new(), record: failed.clone(), tried: 0 };
    let mut helped = true;
    while helped {
        helped = false;
        for cut in world.cuts(failed.seed, &best.cuts) {
            if best.tried == MAX_TRIED {
                return best;
            }
            // What went with something else is no longer there.
            if best.cuts.contains(&cut) || !world.cuts(failed.seed, &best.cuts).contains(&cut) {
                continue;
            }
            let mut cuts = best.cuts.clone();
            cuts.push(cut);
            let record = run_one(world, failed.seed, &cuts);
            best.tried += 1;
            if fails(&record) {
                (best.cuts, best.record, helped) = (cuts, record, true);
            }
        }
    }
    best
}
