//! Classes by DSCP.

use super::{
    Priority,
    discipline::Admission,
    fifo::{Fifo, Item},
    limit::Room,
};
use crate::{event::DropReason, slab::Slot};

/// A queue for each class; one is served only if those before it are empty.
#[derive(Debug)]
pub(crate) struct PriorityQueue {
    /// Code points of each class but the last.
    bands: Vec<Vec<u8>>,
    classes: Vec<Fifo>,
    room: Room,
}

impl PriorityQueue {
    pub(super) fn new(priority: &Priority, rate: Option<u64>) -> Self {
        let mut classes = Vec::new();
        classes.resize_with(priority.bands.len() + 1, Fifo::default);
        Self { bands: priority.bands.clone(), classes, room: Room::new(priority.limit, rate) }
    }

    pub(super) fn enqueue(&mut self, item: Item) -> Admission {
        let dscp = item.dscp.bits();
        let class = self.bands.iter().position(|band| band.contains(&dscp));
        let class = class.unwrap_or(self.bands.len());
        match self.classes.get_mut(class) {
            Some(fifo) if self.room.takes(fifo.len(), fifo.bytes(), item.bytes.into()) => {
                fifo.push(item);
                Admission::Queued
            }
            _ => Admission::Refused(DropReason::QueueFull),
        }
    }

    pub(super) fn dequeue(&mut self) -> Option<Item> {
        self.classes.iter_mut().find_map(Fifo::pop)
    }

    pub(super) fn waiting(&self) -> (usize, u64) {
        let count = |sum: (usize, u64), fifo: &Fifo| (sum.0 + fifo.len(), sum.1 + fifo.bytes());
        self.classes.iter().fold((0, 0), count)
    }

    pub(super) fn drain(&mut self) -> Option<Slot> {
        self.dequeue().map(|item| item.slot)
    }
}

#[cfg(test)]
mod tests {
    use base::{Dscp, Instant};

    use super::{super::QueueLimit, *};

    #[test]
    fn important_classes_go_first_and_have_room_of_their_own() {
        let priority =
            Priority { bands: vec![vec![46], vec![34, 36]], limit: QueueLimit::Packets(2) };
        let mut queue = PriorityQueue::new(&priority, None);
        let mut refused = Vec::new();
        for (number, dscp) in [0, 0, 34, 0, 46, 36, 34, 46].into_iter().enumerate() {
            let slot = Slot::numbered(u32::try_from(number).unwrap());
            let mut item = Item::new(slot, 100, Instant::ZERO);
            item.dscp = Dscp::new(dscp);
            if queue.enqueue(item) != Admission::Queued {
                refused.push(number);
            }
        }
        assert_eq!(refused, [3, 6], "the third of a class finds no room");
        let order: Vec<_> = std::iter::from_fn(|| queue.drain()).collect();
        assert_eq!(order, [4, 7, 2, 5, 0, 1].map(Slot::numbered));
    }
}
