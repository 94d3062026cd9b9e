//! Times in which a link carries nothing.

use std::time::Duration;

use base::Instant;
use serde::{Deserialize, Serialize};

use super::timeline::{SHORTEST_PERIOD, TOO_SHORT, nanos};
use crate::units;

/// Times in which nothing leaves: handovers, re-associations, a satellite that sets.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Gaps {
    /// When they are.
    pub when: When,
    /// What happens to packets in them.
    #[serde(default)]
    pub packets: InGap,
}

/// When the gaps are.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum When {
    /// Again and again.
    Periodic {
        /// From the beginning of one to that of the next.
        #[serde(with = "units::duration")]
        every: Duration,
        /// How long each lasts; less than `every`.
        #[serde(with = "units::duration")]
        length: Duration,
        /// When the first begins.
        #[serde(default, with = "units::duration")]
        offset: Duration,
    },
    /// At these times of the run, in order, not overlapping.
    Listed(Vec<Window>),
}

/// A span of time, the end excluded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Window {
    /// When it begins, since the beginning of the run.
    #[serde(with = "units::duration")]
    pub from: Duration,
    /// When it ends.
    #[serde(with = "units::duration")]
    pub to: Duration,
}

/// What happens to packets in a gap.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum InGap {
    /// They wait for its end; sending goes on where it stopped.
    #[default]
    Held,
    /// Those that would have left in it are lost.
    Lost,
}

impl Gaps {
    /// Gaps of `length` every `every`, the first after that time, that hold packets up.
    #[must_use]
    pub const fn every(every: Duration, length: Duration) -> Self {
        Self { when: When::Periodic { every, length, offset: every }, packets: InGap::Held }
    }

    /// Gaps from the first to the second time of each pair.
    #[must_use]
    pub fn listed(windows: impl IntoIterator<Item = (Duration, Duration)>) -> Self {
        let windows = windows.into_iter().map(|(from, to)| Window { from, to }).collect();
        Self { when: When::Listed(windows), packets: InGap::Held }
    }

    /// The same gaps, in which packets are lost.
    #[must_use]
    pub const fn lossy(mut self) -> Self {
        self.packets = InGap::Lost;
        self
    }

    pub(super) const fn hold(&self) -> bool {
        matches!(self.packets, InGap::Held)
    }

    /// Whether packets that leave at `now` are lost.
    pub(super) fn loses(&self, now: Instant) -> bool {
        !self.hold() && self.next(now).is_some_and(|(from, _)| from <= now)
    }

    /// The end of the gap that `now` is in, or `now`.
    pub(super) fn open(&self, mut now: Instant) -> Instant {
        while let Some((from, to)) = self.next(now)
            && from <= now
        {
            now = to;
        }
        now
    }

    /// When something that would last from `start` to `done` is done if gaps interrupt it.
    pub(super) fn stretch(&self, start: Instant, done: Instant) -> Instant {
        let (mut now, mut left) = (start, done - start);
        while let Some((from, to)) = self.next(now) {
            if now + left <= from {
                break;
            }
            left = left.saturating_sub(from - now);
            now = to;
        }
        now + left
    }

    /// The first gap that ends after `now`.
    fn next(&self, now: Instant) -> Option<(Instant, Instant)> {
        match &self.when {
            When::Periodic { every, length, offset } => {
                let since = now.as_nanos().saturating_sub(nanos(*offset));
                let period = nanos(*every).max(1);
                let from = Instant::from_nanos(nanos(*offset) + since / period * period);
                let gap = |from: Instant| (from, from + *length);
                let current = gap(from);
                (!length.is_zero())
                    .then(|| if current.1 > now { current } else { gap(from + *every) })
            }
            When::Listed(windows) => {
                let at = |time: Duration| Instant::ZERO + time;
                let next = windows.iter().find(|window| at(window.to) > now)?;
                Some((at(next.from), at(next.to)))
            }
        }
    }

    pub(super) fn complaint(&self) -> Option<&'static str> {
        match &self.when {
            When::Periodic { every, length, .. } => {
                if *every < SHORTEST_PERIOD {
                    return Some(TOO_SHORT);
                }
                (length >= every).then_some("a gap is shorter than the time to the next")
            }
            When::Listed(windows) => {
                let forward = windows.iter().all(|window| window.from < window.to);
                let ordered = windows.is_sorted_by(|one, two| one.to <= two.from);
                (!forward || !ordered).then_some("gaps end after they begin, and come in order")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    fn at(millis: u64) -> Instant {
        Instant::ZERO + ms(millis)
    }

    #[test]
    fn periodic_gaps_interrupt_and_last() {
        let gaps = Gaps::every(ms(100), ms(10));
        assert_eq!(
            [0, 99, 100, 109, 110, 205].map(|now| gaps.open(at(now))),
            [0, 99, 110, 110, 110, 210].map(at)
        );
        assert_eq!(gaps.stretch(at(0), at(100)), at(100), "it ends as the gap begins");
        assert_eq!(gaps.stretch(at(95), at(105)), at(115));
        assert_eq!(gaps.stretch(at(110), at(300)), at(320), "two of them");
        assert!(!gaps.loses(at(105)));
        assert_eq!(
            [99, 100, 109, 110].map(|now| gaps.clone().lossy().loses(at(now))),
            [false, true, true, false]
        );
    }

    #[test]
    fn listed_gaps_may_touch() {
        let gaps = Gaps::listed([(ms(10), ms(20)), (ms(20), ms(25)), (ms(50), ms(60))]);
        assert_eq!([9, 10, 24, 25, 70].map(|now| gaps.open(at(now))), [9, 25, 25, 25, 70].map(at));
        assert_eq!(gaps.stretch(at(5), at(15)), at(30));
        assert_eq!(gaps.stretch(at(5), at(50)), at(75));
        assert_eq!(gaps.complaint(), None);
        assert!(Gaps::listed([(ms(5), ms(5))]).complaint().is_some());
        assert!(Gaps::listed([(ms(5), ms(9)), (ms(8), ms(10))]).complaint().is_some());
        assert!(Gaps::every(ms(5), ms(5)).complaint().is_some());
    }
}
