//! Timers of tokio.

use std::{
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use base::Instant;
use tokio::time::Sleep;

/// A timer that counts from the beginning of its [`System`](super::System).
#[derive(Debug)]
pub(super) struct Timer {
    began: tokio::time::Instant,
    sleep: Pin<Box<Sleep>>,
}

/// What stands for the end of time: tokio can wait for it, and nobody will.
const FAR: Duration = Duration::from_secs(365 * 86_400);

fn at(began: tokio::time::Instant, deadline: Instant) -> tokio::time::Instant {
    began + deadline.elapsed().min(began.elapsed() + FAR)
}

impl Timer {
    pub(super) fn new(began: tokio::time::Instant, deadline: Instant) -> Self {
        Self { began, sleep: Box::pin(tokio::time::sleep_until(at(began, deadline))) }
    }
}

impl runtime::Timer for Timer {
    fn reset(mut self: Pin<&mut Self>, deadline: Instant) {
        let deadline = at(self.began, deadline);
        self.sleep.as_mut().reset(deadline);
    }

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.sleep.as_mut().poll(cx)
    }
}
