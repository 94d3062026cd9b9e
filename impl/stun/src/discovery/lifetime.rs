//! How long a mapping lasts without traffic: a binary search, RFC 5780 §4.6.

use std::time::Duration;

use super::{Lifetime, LifetimeSearch};

/// The bounds found so far. The first trial is the longest, which most NATs fail at and some pass.
#[derive(Clone, Copy, Debug)]
pub(super) struct Search {
    config: LifetimeSearch,
    survived: Duration,
    expired: Option<Duration>,
    is_done: bool,
}

impl Search {
    pub(super) const fn new(config: LifetimeSearch) -> Self {
        Self { config, survived: Duration::ZERO, expired: None, is_done: false }
    }

    /// How long to wait in the next trial; `None` when the bounds are close enough.
    pub(super) fn next_wait(&self) -> Option<Duration> {
        if self.is_done {
            return None;
        }
        let Some(expired) = self.expired else {
            return Some(self.config.longest);
        };
        let gap = expired.saturating_sub(self.survived);
        let fine = self.config.precision.max(Duration::from_millis(1));
        (gap > fine).then(|| self.survived + gap / 2)
    }

    /// Takes the outcome of a trial in: whether the mapping was there after `idle`.
    pub(super) fn learn(&mut self, idle: Duration, is_alive: bool) {
        if is_alive {
            self.survived = self.survived.max(idle);
            self.is_done = self.expired.is_none();
        } else {
            // Trials that take nearly as long as what they halve bring nothing more.
            let gain = self.expired.map(|expired| expired.saturating_sub(idle));
            self.is_done = gain.is_some_and(|gain| gain <= self.config.precision / 4);
            self.expired = Some(self.expired.map_or(idle, |expired| expired.min(idle)));
        }
    }

    pub(super) const fn found(&self) -> Lifetime {
        Lifetime { at_least: self.survived, at_most: self.expired }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::thirty_seconds(30)]
    #[case::two_minutes(120)]
    #[case::five_minutes(300)]
    #[case::shorter_than_the_precision(2)]
    fn closes_in_on_the_lifetime(#[case] lifetime: u64) {
        let lifetime = Duration::from_secs(lifetime);
        let config = LifetimeSearch::default();
        let mut search = Search::new(config);
        let mut trials = 0;
        while let Some(wait) = search.next_wait() {
            search.learn(wait, wait < lifetime);
            trials += 1;
        }
        let Lifetime { at_least, at_most } = search.found();
        let at_most = at_most.unwrap();
        assert!(at_least <= lifetime && lifetime <= at_most);
        assert!(at_most - at_least <= config.precision && trials <= 9);
    }

    #[test]
    fn ends_at_once_if_the_longest_is_survived() {
        let mut search = Search::new(LifetimeSearch::default());
        let longest = search.next_wait().unwrap();
        search.learn(longest, true);
        assert_eq!(search.next_wait(), None);
        assert_eq!(search.found(), Lifetime { at_least: longest, at_most: None });
    }

    #[test]
    fn ends_when_trials_are_too_coarse() {
        let mut search = Search::new(LifetimeSearch::default());
        let mut trials = 0;
        while let Some(wait) = search.next_wait() {
            search.learn(wait + Duration::from_secs(60), false);
            trials += 1;
        }
        assert!(trials < 20);
    }

    #[test]
    fn a_precision_of_zero_ends_all_the_same() {
        let zero = LifetimeSearch { longest: Duration::from_secs(9), precision: Duration::ZERO };
        let mut search = Search::new(zero);
        let mut trials = 0;
        while let Some(wait) = search.next_wait() {
            search.learn(wait, false);
            trials += 1;
        }
        assert!(trials < 20);
    }
}
