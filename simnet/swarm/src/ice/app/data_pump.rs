//! Data: a payload at regular times, and a look at every one that comes.

use std::time::Duration;

use base::Instant;

use super::{Diary, Habits};
use crate::ice::data::{self, Stamp};

/// From one payload to the next.
const PACE: Duration = Duration::from_millis(200);

/// The sender and the receiver of data of one side.
pub(super) struct Pump {
    seed: u64,
    index: u8,
    heal: Instant,
    next: Instant,
    number: u64,
}

impl Pump {
    pub(super) const fn new(habits: &Habits, now: Instant) -> Self {
        let Habits { seed, index, heal, .. } = *habits;
        Self { seed, index, heal, next: now, number: 0 }
    }

    /// When the next payload is due.
    pub(super) const fn next(&self) -> Instant {
        self.next
    }

    /// The payload that is due, if one is.
    pub(super) fn due(&mut self, now: Instant) -> Option<Vec<u8>> {
        if now < self.next {
            return None;
        }
        self.next = now + PACE;
        self.number += 1;
        Some(data::payload(self.seed, self.index, Stamp { number: self.number, sent: now }))
    }

    /// Looks at a payload of the other side.
    pub(super) fn receive(&self, now: Instant, payload: &[u8], diary: &mut Diary) {
        match data::check(self.seed, 1 - self.index, payload) {
            None => diary.garbled += 1,
            Some(stamp) => {
                diary.received += 1;
                if stamp.sent >= self.heal && diary.healed.is_none() {
                    diary.healed = Some(now);
                }
            }
        }
    }
}
