//! The end of slow start before the queue is full: the rules known as HyStart++.

use std::time::Duration;

/// Round trips of a round that have to be known.
const SAMPLES: u32 = 8;
/// The growth of the round trip that counts is an eighth, within these bounds.
const LEAST: Duration = Duration::from_millis(4);
const MOST: Duration = Duration::from_millis(16);
/// In the cautious phase the window grows by so much less, for so many rounds.
const CAUTION: u64 = 4;
const ROUNDS: u32 = 5;

/// What is known of the round trips of a window's first growth.
#[derive(Clone, Copy, Debug)]
pub(super) struct SlowStart {
    /// The number that ends the round; `None` before the first, and after the end of it all.
    until: Option<u32>,
    last: Duration,
    least: Duration,
    samples: u32,
    /// The round trip at which caution began, and the rounds since.
    caution: Option<(Duration, u32)>,
    over: bool,
}

impl SlowStart {
    pub(super) const fn new() -> Self {
        Self {
            until: None,
            last: Duration::MAX,
            least: Duration::MAX,
            samples: 0,
            caution: None,
            over: false,
        }
    }

    /// A loss came first; later slow starts have a threshold to end at.
    pub(super) const fn end(&mut self) {
        self.over = true;
    }

    /// By how much the window grows for so many acknowledged bytes.
    pub(super) const fn growth(&self, bytes: u64) -> u64 {
        if self.caution.is_some() && !self.over { bytes / CAUTION } else { bytes }
    }

    /// Hears a round trip; `ends` says whether a number is acknowledged by now, and `next` is the next
    /// to be sent. True if slow start is over.
    pub(super) fn hear(&mut self, sample: Duration, ends: impl Fn(u32) -> bool, next: u32) -> bool {
        if self.over {
            return false;
        }
        if self.until.is_none_or(ends) {
            self.until = Some(next);
            (self.last, self.least, self.samples) = (self.least, Duration::MAX, 0);
            if let Some((_, rounds)) = &mut self.caution {
                *rounds += 1;
            }
        }
        self.least = self.least.min(sample);
        self.samples += 1;
        if self.samples < SAMPLES {
            return false;
        }
        match self.caution {
            None if self.last != Duration::MAX => {
                let grown = (self.last / 8).clamp(LEAST, MOST);
                if self.least >= self.last + grown {
                    self.caution = Some((self.least, 0));
                }
            }
            None => {}
            Some((baseline, _)) if self.least < baseline => self.caution = None,
            Some((_, rounds)) => self.over = rounds >= ROUNDS,
        }
        self.over
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rounds of ten acknowledgments each, with these round trips in milliseconds.
    fn play(start: &mut SlowStart, rounds: &[u64]) -> Option<usize> {
        let mut ended = None;
        for (number, &millis) in rounds.iter().enumerate() {
            for step in 0..10 {
                let sample = Duration::from_millis(millis);
                if start.hear(sample, |_| step == 0, 0) && ended.is_none() {
                    ended = Some(number);
                }
            }
        }
        ended
    }

    #[test]
    fn steady_round_trips_do_not_end_it() {
        let mut start = SlowStart::new();
        assert_eq!(play(&mut start, &[50; 20]), None);
        assert_eq!(start.growth(1_000), 1_000);
    }

    #[test]
    fn growing_round_trips_slow_it_down_and_end_it() {
        let mut start = SlowStart::new();
        assert_eq!(play(&mut start, &[50, 50, 60]), None);
        assert_eq!(start.growth(1_000), 250);
        assert_eq!(play(&mut start, &[60; 10]), Some(4));
    }

    #[test]
    fn a_false_alarm_is_taken_back() {
        let mut start = SlowStart::new();
        play(&mut start, &[50, 60, 50]);
        assert_eq!(start.growth(1_000), 1_000);
    }
}
