//! Whether packets above the base size still pass: the black holes of RFC 8899 §4.3.
//!
//! Chunks fit the base size, so that what a large packet lost may pass again in smaller ones, and no timer
//! ever fires. One large packet at a time is therefore followed: if its first chunk had to be sent again, it
//! was lost.

use crate::Tsn;

/// Large packets lost in a row that make a black hole: random loss of 3 % does that once in a million
/// round trips.
const STRIKES: u32 = 4;

/// Follows one large packet at a time.
#[derive(Debug, Default)]
pub(super) struct Watch {
    /// The first chunk of the one that is followed, and the packet's size.
    followed: Option<(Tsn, usize)>,
    strikes: u32,
}

/// What came of a large packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Passed {
    /// It arrived, with this size.
    Yes(usize),
    /// So many in a row did not that the path must have shrunk.
    NoMore(usize),
}

impl Watch {
    /// A packet of `size` bytes left whose first new chunk is `first`.
    pub(super) const fn on_sent(&mut self, first: Tsn, size: usize) {
        if self.followed.is_none() {
            self.followed = Some((first, size));
        }
    }

    /// The chunk whose fate is waited for.
    pub(super) const fn followed(&self) -> Option<(Tsn, usize)> {
        self.followed
    }

    /// The chunk arrived; `was_repeated` says whether it had to be sent again.
    pub(super) const fn on_acked(&mut self, was_repeated: bool) -> Option<Passed> {
        let Some((_, size)) = self.followed.take() else { return None };
        if !was_repeated {
            self.strikes = 0;
            return Some(Passed::Yes(size));
        }
        self.strikes += 1;
        if self.strikes < STRIKES {
            return None;
        }
        self.strikes = 0;
        Some(Passed::NoMore(size))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn four_large_packets_lost_in_a_row_make_a_black_hole() {
        let mut watch = Watch::default();
        let mut sent = |was_repeated| {
            watch.on_sent(Tsn::new(u32::MAX), 1_400);
            watch.on_sent(Tsn::new(7), 1_300);
            assert_eq!(watch.followed(), Some((Tsn::new(u32::MAX), 1_400)));
            watch.on_acked(was_repeated)
        };
        assert_eq!([sent(true), sent(true), sent(true)], [None; 3]);
        assert_eq!(sent(false), Some(Passed::Yes(1_400)));
        assert_eq!([sent(true), sent(true), sent(true)], [None; 3]);
        assert_eq!(sent(true), Some(Passed::NoMore(1_400)));
        assert_eq!(watch.on_acked(true), None);
    }
}
