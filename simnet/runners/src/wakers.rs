//! Tasks that wait for the same thing.

use std::task::{Context, Waker};

/// Those who wait, in the order in which they came.
#[derive(Debug, Default)]
pub(crate) struct Wakers(Vec<Waker>);

impl Wakers {
    pub(crate) const fn new() -> Self {
        Self(Vec::new())
    }

    /// Remembers the task, once.
    pub(crate) fn add(&mut self, cx: &Context<'_>) {
        if !self.0.iter().any(|waker| waker.will_wake(cx.waker())) {
            self.0.push(cx.waker().clone());
        }
    }

    /// Moves all of them to `woken`.
    pub(crate) fn wake(&mut self, woken: &mut Vec<Waker>) {
        woken.append(&mut self.0);
    }
}
