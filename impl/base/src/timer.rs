//! All deadlines of a machine on one screen.

use crate::Instant;

/// A deadline for each timer of a machine.
///
/// A machine names its timers in one fieldless enum, each variant documented "When …", and keeps one
/// table indexed by it:
///
/// ```
/// use base::{Instant, TimerTable};
///
/// #[derive(Clone, Copy)]
/// enum Timer {
///     /// When the next check is due.
///     Pace,
///     /// When consent runs out.
///     Consent,
/// }
///
/// let mut timers: TimerTable<2> = TimerTable::default();
/// timers.set(Timer::Consent as usize, Instant::from_nanos(30));
/// timers.set(Timer::Pace as usize, Instant::from_nanos(5));
/// assert_eq!(timers.next(), Some(Instant::from_nanos(5)));
/// assert!(timers.expire(Timer::Pace as usize, Instant::from_nanos(5)));
/// assert_eq!(timers.next(), Some(Instant::from_nanos(30)));
/// ```
#[derive(Clone, Debug)]
pub struct TimerTable<const N: usize> {
    deadlines: [Option<Instant>; N],
}

impl<const N: usize> Default for TimerTable<N> {
    fn default() -> Self {
        Self { deadlines: [None; N] }
    }
}

impl<const N: usize> TimerTable<N> {
    /// Arms `timer`, replacing its former deadline.
    ///
    /// # Panics
    ///
    /// If `timer` is not below `N`, which is a fault of the machine that owns the table.
    pub fn set(&mut self, timer: usize, deadline: Instant) {
        *self.slot(timer) = Some(deadline);
    }

    /// Disarms `timer`.
    ///
    /// # Panics
    ///
    /// As [`TimerTable::set`].
    pub fn stop(&mut self, timer: usize) {
        *self.slot(timer) = None;
    }

    /// The deadline of `timer`, if it is armed.
    #[must_use]
    pub fn get(&self, timer: usize) -> Option<Instant> {
        self.deadlines.get(timer).copied().flatten()
    }

    /// The earliest deadline.
    #[must_use]
    pub fn next(&self) -> Option<Instant> {
        self.deadlines.iter().flatten().min().copied()
    }

    /// Disarms `timer` and says true if it is due at `now`.
    ///
    /// # Panics
    ///
    /// As [`TimerTable::set`].
    pub fn expire(&mut self, timer: usize, now: Instant) -> bool {
        let slot = self.slot(timer);
        let due = slot.is_some_and(|deadline| deadline <= now);
        if due {
            *slot = None;
        }
        due
    }

    #[expect(clippy::expect_used, reason = "an index outside the timer enum is our own bug")]
    fn slot(&mut self, timer: usize) -> &mut Option<Instant> {
        self.deadlines.get_mut(timer).expect("the timer is a variant of the machine's enum")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expires_only_what_is_due_and_only_once() {
        let mut timers: TimerTable<2> = TimerTable::default();
        timers.set(0, Instant::from_nanos(10));
        timers.set(1, Instant::from_nanos(20));
        assert!(!timers.expire(1, Instant::from_nanos(19)));
        assert!(timers.expire(0, Instant::from_nanos(19)));
        assert!(!timers.expire(0, Instant::from_nanos(19)));
        timers.stop(1);
        assert_eq!(timers.next(), None);
    }
}
