//! The numbers of the data that has come.

use std::collections::BTreeSet;

use crate::sctp::Sack;

/// The numbers of the data that has come, counted from the first one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Received {
    first: u32,
    /// How many have come without a gap.
    whole: u32,
    /// What has come beyond, counted from the first.
    beyond: BTreeSet<u32>,
    duplicates: Vec<u32>,
}

impl Received {
    /// Nothing, where `first` is waited for.
    #[must_use]
    pub fn new(first: u32) -> Self {
        Self { first, ..Self::default() }
    }

    /// Takes a number; says whether it is new.
    pub fn take(&mut self, tsn: u32) -> bool {
        let place = tsn.wrapping_sub(self.first);
        if place >= 1 << 31 || place < self.whole || !self.beyond.insert(place) {
            self.duplicates.push(tsn);
            return false;
        }
        self.close();
        true
    }

    /// Waits for nothing up to `tsn` any more.
    pub fn skip_to(&mut self, tsn: u32) {
        let place = tsn.wrapping_sub(self.first).wrapping_add(1);
        if place < 1 << 31 && place > self.whole {
            self.whole = place;
            self.beyond.retain(|beyond| *beyond >= place);
            self.close();
        }
    }

    fn close(&mut self) {
        while self.beyond.remove(&self.whole) {
            self.whole += 1;
        }
    }

    /// The last number before which nothing is missing.
    #[must_use]
    pub const fn cumulative(&self) -> u32 {
        self.first.wrapping_add(self.whole).wrapping_sub(1)
    }

    /// The highest number that has come.
    #[must_use]
    pub fn highest(&self) -> u32 {
        self.beyond
            .last()
            .map_or_else(|| self.cumulative(), |place| self.first.wrapping_add(*place))
    }

    /// A SACK about it.
    pub fn sack(&mut self, a_rwnd: u32) -> Sack {
        let mut gaps: Vec<(u16, u16)> = Vec::new();
        for place in &self.beyond {
            let offset = u16::try_from(place - self.whole + 1).unwrap_or(u16::MAX);
            match gaps.last_mut() {
                Some((_, last)) if *last + 1 == offset => *last = offset,
                _ => gaps.push((offset, offset)),
            }
        }
        let duplicates = std::mem::take(&mut self.duplicates);
        Sack { cumulative: self.cumulative(), a_rwnd, gaps, duplicates, ..Sack::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_and_duplicates_are_told_across_the_wrap() {
        let mut received = Received::new(0xffff_fffe);
        assert_eq!(received.cumulative(), 0xffff_fffd);
        assert!(received.take(0xffff_fffe) && received.take(1) && received.take(2));
        assert!(!received.take(1) && received.take(4));
        let sack = received.sack(9);
        assert_eq!((sack.cumulative, sack.a_rwnd), (0xffff_fffe, 9));
        assert_eq!((sack.gaps, sack.duplicates), (vec![(3, 4), (6, 6)], vec![1]));
        assert!(received.take(0xffff_ffff) && received.take(0));
        assert_eq!((received.cumulative(), received.highest()), (2, 4));
        received.skip_to(3);
        assert_eq!(received.cumulative(), 4);
    }
}
