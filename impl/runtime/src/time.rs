//! Timers.

use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll},
};

use base::Instant;

/// A timer that can be set again without being made anew.
pub trait Timer: fmt::Debug + Send + Sync + 'static {
    /// Sets the timer to `deadline`, which may be earlier or later than the one before. The task that
    /// waits must poll again.
    fn reset(self: Pin<&mut Self>, deadline: Instant);

    /// Ready once the deadline has come, and from then on until the timer is set anew. How late it may
    /// be depends on the clock behind it: timers of tokio have steps of one millisecond.
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()>;
}
