//! Packets that a test chooses to lose.

use std::{fmt, sync::Arc};

use base::Instant;

use crate::packet::Packet;

/// Chooses packets to lose.
#[derive(Clone)]
pub(crate) struct Predicate(Arc<Choice>);

type Choice = dyn Fn(Instant, &Packet) -> bool + Send + Sync;

impl Predicate {
    pub(super) fn new(choose: impl Fn(Instant, &Packet) -> bool + Send + Sync + 'static) -> Self {
        Self(Arc::new(choose))
    }

    pub(super) fn holds(&self, now: Instant, packet: &Packet) -> bool {
        (self.0)(now, packet)
    }
}

impl PartialEq for Predicate {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl fmt::Debug for Predicate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Predicate")
    }
}
