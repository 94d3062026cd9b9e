//! Which records of an epoch came before (RFC 9147 §4.5.1, RFC 6347 §4.1.2.6).

/// A window that slides with the highest number, and a bit for each of the numbers in it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Window {
    /// One more than the highest number that came.
    next: u64,
    /// Bit `n` says whether the number `next - 1 - n` came.
    came: u128,
}

impl Window {
    /// One more than the highest number so far.
    pub(super) const fn next(&self) -> u64 {
        self.next
    }

    /// Notes that `sequence` came, once its record was found genuine. Returns whether it is new; what
    /// is too old to say counts as a repetition.
    #[must_use]
    pub(super) fn note(&mut self, sequence: u64) -> bool {
        if sequence >= self.next {
            let ahead = u32::try_from(sequence - self.next).ok().and_then(|gap| gap.checked_add(1));
            self.came = ahead.and_then(|by| self.came.checked_shl(by)).unwrap_or(0) | 1;
            self.next = sequence.saturating_add(1);
            return true;
        }
        let behind = u32::try_from(self.next - 1 - sequence).ok();
        let Some(bit) = behind.and_then(|behind| 1_u128.checked_shl(behind)) else {
            return false;
        };
        let is_new = self.came & bit == 0;
        self.came |= bit;
        is_new
    }
}

/// How many numbers behind the highest are told apart. Twice what RFC 4303 prefers: a burst of packets
/// that take two paths is easily as long.
#[cfg(test)]
pub(super) const WINDOW: u64 = 128;

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use base::Rng;

    use super::*;

    #[test]
    fn a_number_is_new_once() {
        let mut window = Window::default();
        for sequence in [0, 5, 3, 4, 200, 199, 90] {
            assert!(window.note(sequence), "{sequence} is new");
            assert!(!window.note(sequence), "{sequence} came");
        }
        assert_eq!(window.next(), 201);
        assert!(!window.note(200 - WINDOW), "too old to say");
        assert!(window.note(201 - WINDOW), "the oldest in the window");
    }

    #[test]
    fn a_leap_forgets_everything_behind() {
        let mut window = Window::default();
        assert!(window.note(7));
        assert!(window.note(u64::MAX - 1));
        assert!(!window.note(7));
        assert!(window.note(u64::MAX - 2));
        assert!(!window.note(1 << 40), "too old to say");
    }

    #[test]
    fn agrees_with_a_list_of_all_numbers() {
        let mut rng = Rng::from_seed([4; 32]);
        for _ in 0..50 {
            let (mut window, mut came, mut base) = (Window::default(), BTreeSet::new(), 0);
            for _ in 0..500 {
                base += rng.public_below(4);
                if rng.public_below(40) == 0 {
                    base += rng.public_below(300);
                }
                let sequence = base + rng.public_below(160);
                let highest = came.last().copied().unwrap_or(0);
                let in_window = came.is_empty() || sequence + WINDOW > highest;
                let expected = in_window && !came.contains(&sequence);
                assert_eq!(window.note(sequence), expected, "{sequence} with {highest}");
                if in_window {
                    came.insert(sequence);
                }
            }
        }
    }
}
