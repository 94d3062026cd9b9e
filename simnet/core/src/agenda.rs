//! What happens next.

use std::{
    cmp::Ordering,
    collections::{BinaryHeap, VecDeque},
};

use base::Instant;

use crate::{
    id::{HopId, NodeId},
    slab::Slot,
};

/// Bits of an [`Order`] below the class.
const SEQUENCE_BITS: u32 = 56;

/// Something to do at a certain time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Work {
    /// A scripted change of the world.
    Change(u32),
    /// A packet arrives on the interface.
    Arrive(HopId, Slot),
    /// The packet that has been longest on the link of this interface arrives at its other end.
    Land(HopId),
    /// The link of this interface has put a packet on the wire and is free for the next.
    Free(HopId),
    /// The packet that waited for another to pass it has waited long enough.
    Release(HopId),
    /// A deadline of the node has come.
    Wake(NodeId),
}

impl Work {
    /// Of things at the same time, lower classes come first: the world changes, packets arrive, links
    /// become free, timers fire. A packet that arrives at a deadline is thus heard before it.
    const fn class(self) -> u64 {
        match self {
            Self::Change(_) => 0,
            Self::Arrive(..) | Self::Land(_) => 1,
            Self::Free(_) | Self::Release(_) => 2,
            Self::Wake(_) => 3,
        }
    }
}

/// The place of a piece of work among all others: time, class, order of insertion.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Order(u128);

impl Order {
    pub(crate) const fn at(self) -> Instant {
        Instant::from_nanos((self.0 >> 64) as u64)
    }
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    order: Order,
    work: Work,
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.order == other.order
    }
}

impl Eq for Entry {}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Reversed, because the heap gives out its greatest entry.
impl Ord for Entry {
    #[inline]
    fn cmp(&self, other: &Self) -> Ordering {
        other.order.cmp(&self.order)
    }
}

/// All work to come.
///
/// Links keep their packets in a queue of their own and put one entry here, so that the heap stays as
/// small as the world. What happens at this very moment bypasses the heap.
#[derive(Debug, Default)]
pub(crate) struct Agenda {
    heap: BinaryHeap<Entry>,
    /// Arrivals at the present time, in order.
    immediate: VecDeque<Entry>,
    sequence: u64,
}

impl Agenda {
    /// The order of work that is entered now, to be used once.
    #[inline]
    pub(crate) fn order(&mut self, at: Instant, work: Work) -> Order {
        self.sequence += 1;
        let low = (work.class() << SEQUENCE_BITS) | self.sequence;
        Order((u128::from(at.as_nanos()) << 64) | u128::from(low))
    }

    /// Enters work under an order given before.
    #[inline]
    pub(crate) fn enter(&mut self, order: Order, work: Work) {
        self.heap.push(Entry { order, work });
    }

    #[inline]
    pub(crate) fn push(&mut self, at: Instant, work: Work) {
        let order = self.order(at, work);
        self.enter(order, work);
    }

    /// A packet arrives at the present time.
    #[inline]
    pub(crate) fn arrive_now(&mut self, now: Instant, hop: HopId, slot: Slot) {
        let work = Work::Arrive(hop, slot);
        let order = self.order(now, work);
        self.immediate.push_back(Entry { order, work });
    }

    /// The time of the next work.
    #[inline]
    pub(crate) fn next(&self) -> Option<Instant> {
        match (self.immediate.front(), self.heap.peek()) {
            (Some(entry), _) | (None, Some(entry)) => Some(entry.order.at()),
            (None, None) => None,
        }
    }

    /// The next work due at `limit` at the latest.
    #[inline]
    pub(crate) fn pop(&mut self, limit: Instant) -> Option<(Instant, Work)> {
        let entry = match (self.immediate.front(), self.heap.peek()) {
            (Some(immediate), Some(waiting)) if waiting.order < immediate.order => self.heap.pop(),
            (Some(_), _) => self.immediate.pop_front(),
            (None, Some(waiting)) if waiting.order.at() <= limit => self.heap.pop(),
            (None, _) => None,
        }?;
        Some((entry.order.at(), entry.work))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(nanos: u64) -> Instant {
        Instant::from_nanos(nanos)
    }

    #[test]
    fn orders_by_time_then_class_then_insertion() {
        let mut agenda = Agenda::default();
        let (hop, node) = (HopId(0), NodeId(0));
        agenda.push(at(2), Work::Wake(node));
        agenda.push(at(2), Work::Free(hop));
        agenda.push(at(2), Work::Land(hop));
        agenda.push(at(2), Work::Land(HopId(1)));
        agenda.push(at(2), Work::Change(0));
        agenda.push(at(1), Work::Wake(NodeId(1)));
        assert_eq!(agenda.next(), Some(at(1)));
        let order: Vec<_> =
            std::iter::from_fn(|| agenda.pop(at(2))).map(|(_, work)| work).collect();
        assert_eq!(
            order,
            [
                Work::Wake(NodeId(1)),
                Work::Change(0),
                Work::Land(hop),
                Work::Land(HopId(1)),
                Work::Free(hop),
                Work::Wake(node),
            ]
        );
    }

    #[test]
    fn keeps_what_comes_after_the_limit() {
        let mut agenda = Agenda::default();
        agenda.push(at(5), Work::Change(0));
        assert_eq!(agenda.pop(at(4)), None);
        assert_eq!(agenda.pop(at(5)), Some((at(5), Work::Change(0))));
        assert_eq!(agenda.next(), None);
    }
}
