//! Which records of an epoch came before (RFC 9147 §4.5.1, RFC 6347 §4.1.2.6).

/// How many numbers behind the highest are told apart. RFC 9147 §4.5.1 wants enough for any plausible
/// reordering; a burst of packets that take two paths is easily a hundred.
pub(super) const WINDOW: u64 = 256;

/// The window in use.
fn width() -> u64 {
    if base::mutant::active("dtls-window-too-narrow") { 8 } else { WINDOW }
}

/// Numbers in a word of the window.
const WORD: u64 = 64;

/// A window that slides with the highest number, and a bit for each of the numbers in it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Window {
    /// One more than the highest number that came.
    next: u64,
    /// A ring: the number `n` has bit `n % 64` of word `n / 64 % 4`, as long as it is in the window.
    came: [u64; 4],
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
            self.slide_to(sequence);
        } else if self.next - 1 - sequence >= width() {
            return false;
        }
        let bit = 1 << (sequence % WORD);
        let word = self.word(sequence / WORD);
        let is_new = *word & bit == 0 || base::mutant::active("dtls-replay-accepted");
        *word |= bit;
        is_new
    }

    /// Makes `sequence` the highest number, and forgets what leaves the window by that.
    fn slide_to(&mut self, sequence: u64) {
        if sequence - self.next >= WINDOW {
            self.came = [0; 4];
        } else {
            for skipped in self.next..=sequence {
                *self.word(skipped / WORD) &= !(1 << (skipped % WORD));
            }
        }
        self.next = sequence.saturating_add(1);
    }

    /// The word number `index` of all there could ever be.
    const fn word(&mut self, index: u64) -> &mut u64 {
        let [a, b, c, d] = &mut self.came;
        match index % 4 {
            0 => a,
            1 => b,
            2 => c,
            _ => d,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use base::Rng;

    use super::*;

    #[test]
    fn a_number_is_new_once() {
        let mut window = Window::default();
        for sequence in [0, 5, 3, 4, 400, 399, 190] {
            assert!(window.note(sequence), "{sequence} is new");
            assert!(!window.note(sequence), "{sequence} came");
        }
        assert_eq!(window.next(), 401);
        assert!(!window.note(400 - WINDOW), "too old to say");
        assert!(window.note(401 - WINDOW), "the oldest in the window");
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
                let sequence = base + rng.public_below(320);
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
