//! Which transmission sequence numbers arrived.

use std::collections::VecDeque;

use crate::{Tsn, wire::GapBlock};

/// A transmission sequence number that does not wrap: the low 32 bits are the one on the wire.
pub(super) type Place = u64;

/// One turn of the numbers on the wire.
const TURN: Place = 1 << 32;

/// How far beyond the last number without a gap one may be. Half of what a gap block can say, so that the
/// 16-bit numbers of the messages in between are never half their space apart; with chunks of 512 bytes it
/// is the largest window.
pub(super) const MAX_AHEAD: Place = 32_767;

/// Most stretches of numbers that are kept apart. An acknowledgement names about three hundred; more can
/// only come of a peer that leaves out every other number.
pub(super) const MAX_RANGES: usize = 4_096;

/// Most numbers that are remembered to have come twice; more do not fit into an acknowledgement.
const MAX_DUPLICATES: usize = 256;

/// What a number is to those that arrived before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Arrival {
    /// It came before, or was given up by the sender.
    Duplicate,
    /// It is the one after the last without a gap.
    Next,
    /// It leaves a gap, but some of those that arrived are beyond it.
    Filler,
    /// It is beyond all that arrived and leaves a gap.
    Ahead,
    /// It is too far ahead, or one stretch too many, to be kept in mind.
    TooFar,
}

/// A stretch of numbers that arrived, both ends in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Range {
    first: Place,
    last: Place,
}

/// The numbers that arrived.
#[derive(Debug)]
pub(super) struct Tsns {
    /// The last before the first that did not arrive.
    cumulative: Place,
    /// What arrived beyond it: isolated, in order.
    ranges: VecDeque<Range>,
    duplicates: Vec<Tsn>,
}

impl Tsns {
    /// Nothing arrived; `initial` will be the first.
    pub(super) fn new(initial: Tsn) -> Self {
        let cumulative = TURN + Place::from(initial.get()) - 1;
        Self { cumulative, ranges: VecDeque::new(), duplicates: Vec::new() }
    }

    // Told.

    /// Notes that `place` arrived, which is no duplicate and not too far.
    pub(super) fn insert(&mut self, place: Place) {
        if place == self.cumulative + 1 {
            self.cumulative = place;
            self.join();
            return;
        }
        if let Some(back) = self.ranges.back_mut()
            && back.last + 1 == place
        {
            back.last = place;
            return;
        }
        let index = self.ranges.partition_point(|range| range.first <= place);
        let joins_left = index > 0 && self.last_of(index - 1) == Some(place - 1);
        let joins_right = self.ranges.get(index).is_some_and(|range| range.first == place + 1);
        match (joins_left, joins_right) {
            (true, true) => {
                if let Some(right) = self.ranges.remove(index)
                    && let Some(left) = self.ranges.get_mut(index - 1)
                {
                    left.last = right.last;
                }
            }
            (true, false) => {
                if let Some(left) = self.ranges.get_mut(index - 1) {
                    left.last = place;
                }
            }
            (false, true) => {
                if let Some(right) = self.ranges.get_mut(index) {
                    right.first = place;
                }
            }
            (false, false) => self.ranges.insert(index, Range { first: place, last: place }),
        }
    }

    /// Notes that `tsn` came again.
    pub(super) fn note_duplicate(&mut self, tsn: Tsn) {
        if self.duplicates.len() < MAX_DUPLICATES {
            self.duplicates.push(tsn);
        }
    }

    /// The sender gave up all up to `place` that did not arrive. Work is for what arrived, not for what is
    /// skipped.
    pub(super) fn skip_to(&mut self, place: Place) {
        self.cumulative = self.cumulative.max(place);
        while self.ranges.front().is_some_and(|range| range.last <= self.cumulative) {
            self.ranges.pop_front();
        }
        if let Some(front) = self.ranges.front_mut() {
            front.first = front.first.max(self.cumulative + 1);
        }
        self.join();
    }

    /// Forgets the duplicates, which an acknowledgement has told.
    pub(super) fn forget_duplicates(&mut self) {
        self.duplicates.clear();
    }

    // Asked.

    /// The place of `tsn`: the one nearest to what arrived without a gap.
    pub(super) fn place(&self, tsn: Tsn) -> Place {
        let here = wrapped(self.cumulative);
        let ahead = here.distance_to(tsn);
        if ahead < u32::MAX / 2 + 1 {
            self.cumulative + Place::from(ahead)
        } else {
            self.cumulative - Place::from(tsn.distance_to(here))
        }
    }

    /// What `place` is to those that arrived.
    pub(super) fn arrival(&self, place: Place) -> Arrival {
        if place <= self.cumulative {
            return Arrival::Duplicate;
        }
        let (next, highest) = (place == self.cumulative + 1, self.highest());
        if next {
            return Arrival::Next;
        }
        if place > self.cumulative + MAX_AHEAD {
            return Arrival::TooFar;
        }
        let index = self.ranges.partition_point(|range| range.first <= place);
        let left = index.checked_sub(1).and_then(|left| self.last_of(left));
        if left.is_some_and(|last| place <= last) {
            return Arrival::Duplicate;
        }
        let joins = left == Some(place - 1)
            || self.ranges.get(index).is_some_and(|range| range.first == place + 1);
        if !joins && self.ranges.len() >= MAX_RANGES {
            return Arrival::TooFar;
        }
        if place < highest { Arrival::Filler } else { Arrival::Ahead }
    }

    /// The last before the first that did not arrive.
    pub(super) const fn cumulative(&self) -> Place {
        self.cumulative
    }

    /// The same as on the wire.
    pub(super) fn cumulative_tsn(&self) -> Tsn {
        wrapped(self.cumulative)
    }

    /// The highest that arrived.
    pub(super) fn highest(&self) -> Place {
        self.ranges.back().map_or(self.cumulative, |range| range.last)
    }

    /// Whether some number did not arrive though a higher one did.
    pub(super) fn has_gap(&self) -> bool {
        !self.ranges.is_empty()
    }

    /// What arrived beyond the cumulative number, lowest first.
    pub(super) fn blocks(&self) -> impl Iterator<Item = GapBlock> + '_ {
        // Nothing is further ahead than a block can say; the cap is for the types alone.
        let offset = |place| u16::try_from(place - self.cumulative).unwrap_or(u16::MAX);
        self.ranges
            .iter()
            .map(move |range| GapBlock { start: offset(range.first), end: offset(range.last) })
    }

    /// What came again since the last acknowledgement.
    pub(super) fn duplicates(&self) -> &[Tsn] {
        &self.duplicates
    }

    fn last_of(&self, index: usize) -> Option<Place> {
        self.ranges.get(index).map(|range| range.last)
    }

    /// Moves the cumulative number over a stretch that no gap separates from it any more.
    fn join(&mut self) {
        if let Some(front) = self.ranges.front()
            && front.first == self.cumulative + 1
        {
            self.cumulative = front.last;
            self.ranges.pop_front();
        }
    }
}

/// The number on the wire.
pub(super) fn wrapped(place: Place) -> Tsn {
    #[expect(clippy::cast_possible_truncation, reason = "the low half is the number on the wire")]
    Tsn::new(place as u32)
}
