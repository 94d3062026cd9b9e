//! Which bytes of a message have arrived.

use std::ops::Range;

/// Ranges of bytes in order, none touching another.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Ranges(Vec<Range<usize>>);

impl Ranges {
    /// Adds `range`, which may overlap what is there.
    pub(super) fn add(&mut self, range: Range<usize>) {
        if range.is_empty() {
            return;
        }
        let from = self.0.partition_point(|held| held.end < range.start);
        let to = self.0.partition_point(|held| held.start <= range.end);
        let touched = self.0.get(from..to).unwrap_or_default();
        let start = touched.first().map_or(range.start, |first| first.start.min(range.start));
        let end = touched.last().map_or(range.end, |last| last.end.max(range.end));
        self.0.splice(from..to, std::iter::once(start..end));
    }

    /// The first missing range at or after `from`, up to `length`.
    pub(super) fn gap(&self, from: usize, length: usize) -> Option<Range<usize>> {
        let mut start = from;
        for held in &self.0 {
            if held.start > start {
                break;
            }
            start = start.max(held.end);
        }
        let next = self.0.iter().map(|held| held.start).find(|&next| next > start);
        let end = next.unwrap_or(length).min(length);
        (start < end).then_some(start..end)
    }

    /// Whether every byte below `length` is there.
    pub(super) fn covers(&self, length: usize) -> bool {
        length == 0 || self.0.first().is_some_and(|held| held.start == 0 && held.end >= length)
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::apart(&[(0, 2), (4, 6)], &[(0, 2), (4, 6)])]
    #[case::touching(&[(0, 2), (4, 6), (2, 4)], &[(0, 6)])]
    #[case::overlapping(&[(0, 3), (2, 6)], &[(0, 6)])]
    #[case::within(&[(0, 9), (2, 6)], &[(0, 9)])]
    #[case::around(&[(2, 3), (5, 6), (0, 9)], &[(0, 9)])]
    #[case::empty(&[(3, 3)], &[])]
    #[case::backwards(&[(8, 9), (4, 5), (0, 1)], &[(0, 1), (4, 5), (8, 9)])]
    fn ranges_grow_together(#[case] added: &[(usize, usize)], #[case] wanted: &[(usize, usize)]) {
        let mut ranges = Ranges::default();
        added.iter().for_each(|&(start, end)| ranges.add(start..end));
        let held: Vec<_> = ranges.0.iter().map(|range| (range.start, range.end)).collect();
        assert_eq!(held, wanted);
    }

    #[test]
    fn gaps_are_what_is_missing() {
        let mut ranges = Ranges::default();
        assert_eq!(ranges.gap(0, 10), Some(0..10));
        ranges.add(2..4);
        ranges.add(6..10);
        assert_eq!(ranges.gap(0, 10), Some(0..2));
        assert_eq!(ranges.gap(1, 10), Some(1..2));
        assert_eq!(ranges.gap(2, 10), Some(4..6));
        assert_eq!(ranges.gap(6, 10), None);
        assert!(!ranges.covers(10));
        ranges.add(0..2);
        ranges.add(4..6);
        assert!(ranges.covers(10));
        assert_eq!(ranges.gap(0, 10), None);
        assert!(Ranges::default().covers(0));
    }
}
