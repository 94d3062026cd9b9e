//! One message of the peer, as far as its fragments have come.

use std::ops::Range;

use crate::{DropReason, wire::HandshakeType};

/// What a separate piece costs beside its bytes, as the limits count it: two words of its own and its
/// share of the allocator.
pub(super) const ISLAND_COST: usize = 48;
/// Pieces of one message that may lie apart. A message that is cut into pieces of 2 bytes and shuffled
/// leaves a quarter as many islands as it has pieces halfway through, so this takes 1,000 of them.
pub(super) const MAX_ISLANDS: usize = 256;

/// A message in pieces. Memory is taken for the bytes that came, never for the length that a header
/// claims.
#[derive(Clone, Debug)]
pub(super) struct Reassembly {
    pub(super) kind: HandshakeType,
    pub(super) length: usize,
    /// The epoch of the records that brought it.
    pub(super) epoch: u64,
    /// In order, none touching another.
    islands: Vec<Island>,
}

#[derive(Clone, Debug)]
struct Island {
    start: usize,
    bytes: Vec<u8>,
}

impl Island {
    const fn end(&self) -> usize {
        self.start + self.bytes.len()
    }
}

impl Reassembly {
    /// Nothing of a message yet.
    pub(super) const fn new(kind: HandshakeType, length: usize, epoch: u64) -> Self {
        Self { kind, length, epoch, islands: Vec::new() }
    }

    /// Bytes held, as the limits count them.
    pub(super) fn held(&self) -> usize {
        self.islands.iter().map(|island| island.bytes.len() + ISLAND_COST).sum()
    }

    /// Whether every byte is there.
    pub(super) fn is_complete(&self) -> bool {
        self.prefix() == self.length
    }

    /// Bytes from the start that are there without a gap.
    pub(super) fn prefix(&self) -> usize {
        self.islands.first().filter(|first| first.start == 0).map_or(0, Island::end)
    }

    /// The message, if it is complete.
    pub(super) fn into_body(self) -> Vec<u8> {
        self.islands.into_iter().next().map(|island| island.bytes).unwrap_or_default()
    }

    /// Adds the bytes of `range`, and says whether any was new. What was there stays as it was.
    ///
    /// # Errors
    ///
    /// If a byte differs from what came before, or if more pieces lie apart than are kept.
    pub(super) fn add(&mut self, range: Range<usize>, bytes: &[u8]) -> Result<bool, DropReason> {
        let from = self.islands.partition_point(|island| island.end() < range.start);
        let to = self.islands.partition_point(|island| island.start <= range.end);
        let touched = self.islands.get(from..to).unwrap_or_default();
        let is_strict = !touched.is_empty()
            && base::mutant::active("dtls-overlap-refused")
            && touched.iter().any(|it| range.start < it.end() && it.start < range.end);
        if is_strict || !touched.iter().all(|island| agrees(island, range.start, bytes)) {
            return Err(DropReason::ContradictoryFragment);
        }
        if touched.iter().any(|held| held.start <= range.start && range.end <= held.end()) {
            return Ok(false);
        }
        if range.is_empty() {
            return Ok(false);
        }
        if touched.is_empty() && self.islands.len() >= MAX_ISLANDS {
            return Err(DropReason::TooManyFragments);
        }
        self.join(from..to, range, bytes);
        Ok(true)
    }

    /// Puts one island in the place of `touched` and of the new bytes.
    fn join(&mut self, touched: Range<usize>, range: Range<usize>, bytes: &[u8]) {
        let at = touched.start;
        let mut old =
            self.islands.splice(touched, std::iter::empty()).collect::<Vec<_>>().into_iter();
        let mut joined = match old.next() {
            // The usual case, in order: the bytes go to the end of what is there.
            Some(first) if first.start <= range.start => first,
            first => {
                let mut joined = Island { start: range.start, bytes: bytes.to_vec() };
                append(&mut joined, first.as_ref());
                joined
            }
        };
        append(&mut joined, Some(&Island { start: range.start, bytes: bytes.to_vec() }));
        old.for_each(|island| append(&mut joined, Some(&island)));
        self.islands.insert(at, joined);
    }
}

/// Appends what of `more` lies beyond the end of `island`; the two touch.
fn append(island: &mut Island, more: Option<&Island>) {
    let Some(more) = more else { return };
    let known = island.end().saturating_sub(more.start);
    island.bytes.extend_from_slice(more.bytes.get(known..).unwrap_or_default());
}

/// Whether the bytes from `start` on are those of `island` where both have some.
fn agrees(island: &Island, start: usize, bytes: &[u8]) -> bool {
    let (theirs, ours) = (start.saturating_sub(island.start), island.start.saturating_sub(start));
    let held = island.bytes.get(theirs..).unwrap_or_default();
    let new = bytes.get(ours..).unwrap_or_default();
    held.iter().zip(new).all(|(held, new)| held == new)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    const WHOLE: &[u8] = b"the quick brown fox";

    fn add(message: &mut Reassembly, range: Range<usize>) -> Result<bool, DropReason> {
        message.add(range.clone(), &WHOLE[range])
    }

    #[rstest]
    #[case::in_order(&[0..5, 5..12, 12..19])]
    #[case::backwards(&[12..19, 5..12, 0..5])]
    #[case::overlapping(&[0..8, 4..15, 10..19])]
    #[case::a_bridge(&[0..3, 16..19, 1..18])]
    #[case::around(&[4..6, 9..11, 0..19])]
    #[case::within(&[0..18, 4..6, 17..19])]
    fn fragments_join_in_any_order(#[case] ranges: &[Range<usize>]) {
        let mut message = Reassembly::new(HandshakeType::FINISHED, WHOLE.len(), 0);
        for range in ranges {
            assert!(!message.is_complete());
            add(&mut message, range.clone()).unwrap();
        }
        assert!(message.is_complete());
        assert_eq!(message.into_body(), WHOLE);
    }

    #[test]
    fn every_byte_apart_in_a_scrambled_order_joins() {
        let mut message = Reassembly::new(HandshakeType::FINISHED, WHOLE.len(), 0);
        for step in 0..WHOLE.len() {
            let at = step * 7 % WHOLE.len();
            assert_eq!(add(&mut message, at..at + 1), Ok(true));
            assert_eq!(add(&mut message, at..at + 1), Ok(false), "a repeat is nothing new");
        }
        assert_eq!(message.into_body(), WHOLE);
    }

    #[rstest]
    #[case::inside(6..8, b"XX")]
    #[case::over_the_end(9..12, b"Xbr")]
    #[case::over_the_start(3..6, b" qX")]
    #[case::around(0..12, b"the XXXXXXbr")]
    fn a_changed_byte_is_refused_and_changes_nothing(
        #[case] range: Range<usize>,
        #[case] bytes: &[u8],
    ) {
        let mut message = Reassembly::new(HandshakeType::FINISHED, WHOLE.len(), 0);
        add(&mut message, 4..10).unwrap();
        assert_eq!(message.add(range, bytes), Err(DropReason::ContradictoryFragment));
        assert_eq!(message.held(), 6 + ISLAND_COST);
        assert_eq!(add(&mut message, 0..19), Ok(true));
        assert_eq!(message.into_body(), WHOLE);
    }

    #[test]
    fn empty_fragments_hold_nothing() {
        let mut message = Reassembly::new(HandshakeType::FINISHED, WHOLE.len(), 0);
        for at in [0, 5, 19, 0] {
            assert_eq!(add(&mut message, at..at), Ok(false));
        }
        assert_eq!(message.held(), 0);
        assert!(Reassembly::new(HandshakeType::SERVER_HELLO_DONE, 0, 0).is_complete());
    }

    #[test]
    fn pieces_apart_are_limited_and_joining_them_is_not() {
        let length = 4 * MAX_ISLANDS;
        let mut message = Reassembly::new(HandshakeType::CERTIFICATE, length, 0);
        for island in 0..MAX_ISLANDS {
            assert_eq!(message.add(island * 2..island * 2 + 1, b"x"), Ok(true));
        }
        let far = length - 1;
        assert_eq!(message.add(far..far + 1, b"x"), Err(DropReason::TooManyFragments));
        assert_eq!(message.add(1..2, b"x"), Ok(true), "which joins two");
        assert_eq!(message.add(far..far + 1, b"x"), Ok(true));
    }
}
