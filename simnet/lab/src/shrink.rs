//! Making a scenario that fails small: what is left is what the failure needs.
//!
//! Parts are taken away in halves, quarters and so on, as the minimising delta debugging of Zeller and
//! Hildebrandt ("Simplifying and Isolating Failure-Inducing Input", 2002) does it, first whole parts with
//! everything that depends on them, then boxes whose two sides are joined, then the parameters of what
//! is left, which fall back to their defaults; at last times become short. A candidate stays if it still
//! fits together and still fails. Nothing is left to chance, so that the same scenario shrinks to the
//! same one.

use std::time::Duration;

use crate::{run::Outcome, scenario::Scenario};

mod cut;
mod keys;
mod minimise;

/// What shrinking is at, for those who watch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Candidates that were run.
    pub tried: u64,
    /// Candidates that were smaller and still failed.
    pub kept: u64,
    /// Parts, events, links and expectations that are left.
    pub parts: usize,
}

/// What came of shrinking.
#[derive(Clone, Debug)]
pub struct Shrunk {
    /// The smallest scenario that was found to fail, with its seed.
    pub scenario: Scenario,
    /// What comes of it.
    pub outcome: Outcome,
    /// How it was found.
    pub progress: Progress,
}

/// Makes `scenario` smaller as long as `fails` says so of what comes of it with `seed`. `None` if it
/// does not fail to begin with.
pub fn shrink(
    scenario: &Scenario,
    seed: u64,
    fails: &dyn Fn(&Outcome) -> bool,
    progress: &mut dyn FnMut(Progress),
) -> Option<Shrunk> {
    let mut whole = scenario.clone();
    whole.seed = seed;
    let outcome = run(&whole)?;
    if !fails(&outcome) {
        return None;
    }
    let mut shrinker = Shrinker { best: whole, outcome, fails, progress, tried: 1, kept: 0 };
    while shrinker.round() {}
    let progress = shrinker.progress();
    Some(Shrunk { scenario: shrinker.best, outcome: shrinker.outcome, progress })
}

fn run(scenario: &Scenario) -> Option<Outcome> {
    scenario.build(()).ok().map(|mut world| world.run())
}

/// How many parts, events, links and expectations a scenario has.
#[must_use]
pub fn parts(scenario: &Scenario) -> usize {
    scenario.names().len() + scenario.links.len() + scenario.events.len() + scenario.expects.len()
}

/// A scenario that lasts as long as this is short enough.
const SHORTEST: Duration = Duration::from_millis(100);
/// Events that come as soon as this are early enough.
const SOON: Duration = Duration::from_millis(1);

struct Shrinker<'f> {
    best: Scenario,
    outcome: Outcome,
    fails: &'f dyn Fn(&Outcome) -> bool,
    progress: &'f mut dyn FnMut(Progress),
    tried: u64,
    kept: u64,
}

impl Shrinker<'_> {
    /// Tries everything once; says whether anything helped.
    fn round(&mut self) -> bool {
        let before = self.kept;
        self.shorten();
        self.drop_elements();
        self.drop_parts();
        self.join_sides();
        self.drop_keys();
        self.hurry();
        self.kept > before
    }

    /// Keeps a candidate if it still fails.
    fn offer(&mut self, candidate: Scenario) -> bool {
        if candidate == self.best {
            return false;
        }
        let Some(outcome) = run(&candidate) else { return false };
        self.tried += 1;
        let fails = (self.fails)(&outcome);
        if fails {
            self.best = candidate;
            self.outcome = outcome;
            self.kept += 1;
        }
        let progress = self.progress();
        (self.progress)(progress);
        fails
    }

    fn progress(&self) -> Progress {
        Progress { tried: self.tried, kept: self.kept, parts: parts(&self.best) }
    }

    /// Events, links and expectations, without anything that depends on them.
    fn drop_elements(&mut self) {
        type List = (fn(&Scenario) -> usize, fn(&mut Scenario, &[bool]));
        let lists: [List; 3] = [
            (|it| it.events.len(), |it, keep| cut::retain(&mut it.events, keep)),
            (|it| it.links.len(), |it, keep| cut::retain(&mut it.links, keep)),
            (|it| it.expects.len(), |it, keep| cut::retain(&mut it.expects, keep)),
        ];
        for (count, retain) in lists {
            let base = self.best.clone();
            minimise::minimise(count(&base), &mut |keep| {
                let mut candidate = base.clone();
                retain(&mut candidate, keep);
                self.offer(candidate)
            });
        }
    }

    /// Hosts, boxes, routers and segments, with everything that depends on them.
    fn drop_parts(&mut self) {
        let base = self.best.clone();
        let names: Vec<String> =
            base.names().into_iter().rev().map(|(_, name)| name.to_owned()).collect();
        minimise::minimise(names.len(), &mut |keep| {
            let gone = names.iter().zip(keep).filter(|(_, keep)| !**keep);
            let gone = gone.map(|(name, _)| name.clone()).collect();
            self.offer(cut::without(&base, gone))
        });
    }

    /// Boxes go, and what was inside is attached to what was outside.
    fn join_sides(&mut self) {
        let boxes: Vec<String> = self.best.boxes().map(|(_, _, it)| it.name.clone()).collect();
        for name in boxes {
            let candidate = cut::joined(&self.best, &name);
            self.offer(candidate);
        }
    }

    /// Keys go one after the other, so that what they said becomes the default.
    fn drop_keys(&mut self) {
        let mut at = 0;
        while let Some(candidate) = keys::without(&self.best, at) {
            // What follows moves up to where the key was.
            let helped = candidate.is_some_and(|candidate| {
                // These have no default that is smaller.
                let (seed, duration) = (self.best.seed, self.best.duration);
                self.offer(Scenario { seed, duration, ..candidate })
            });
            at += usize::from(!helped);
        }
    }

    /// The end comes as early as it may.
    fn shorten(&mut self) {
        let mut step = self.best.duration / 2;
        while step >= SHORTEST {
            let mut candidate = self.best.clone();
            candidate.duration = candidate.duration.saturating_sub(step);
            if candidate.duration < SHORTEST || !self.offer(candidate) {
                step /= 2;
            }
        }
    }

    /// Events come as early as they may, at whole seconds if they may.
    fn hurry(&mut self) {
        for index in 0..self.best.events.len() {
            let Some(t) = self.best.events.get(index).map(|event| event.t) else { continue };
            let whole = Duration::from_secs(t.as_secs());
            for earlier in
                [Duration::ZERO, t / 2, whole].into_iter().filter(|it| t > SOON && *it < t)
            {
                let mut candidate = self.best.clone();
                if let Some(event) = candidate.events.get_mut(index) {
                    event.t = earlier;
                }
                if self.offer(candidate) {
                    break;
                }
            }
        }
    }
}
