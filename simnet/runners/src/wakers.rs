//! Tasks that wait for the same thing.

use std::task::{Context, Waker};

/// Tasks that may be waiting for one thing: more than any program has, so that waking them for nothing is
/// rare.
const MAX_WAITING: usize = 256;

/// Those who wait, in the order in which they came.
#[derive(Debug, Default)]
pub(crate) struct Wakers(Vec<Waker>);

impl Wakers {
    pub(crate) const fn new() -> Self {
        Self(Vec::new())
    }

    /// Remembers the task, once. When there are too many, they are woken for nothing: those who still
    /// wait come back, and those who gave up do not.
    pub(crate) fn add(&mut self, cx: &Context<'_>) {
        if self.0.len() >= MAX_WAITING {
            self.0.drain(..).for_each(Waker::wake);
        }
        if !self.0.iter().any(|waker| waker.will_wake(cx.waker())) {
            self.0.push(cx.waker().clone());
        }
    }

    /// Moves all of them to `woken`.
    pub(crate) fn wake(&mut self, woken: &mut Vec<Waker>) {
        woken.append(&mut self.0);
    }
}
