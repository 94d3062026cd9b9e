//! Every kind of queue behind one face.

use base::Instant;
use smallvec::SmallVec;

use super::{
    Queue,
    codel::CodelQueue,
    dualpi2::DualQueue,
    fifo::{Fifo, Item},
    flows::FlowQueues,
    limit::Room,
    pie::PieQueue,
    priority::PriorityQueue,
    red::RedQueue,
};
use crate::{event::DropReason, random::Stream, slab::Slot};

/// Packets that a queue has dropped, and why.
pub(crate) type Refuse = SmallVec<[(Slot, DropReason); 4]>;

/// What a queue does with a packet that comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Admission {
    /// It waits.
    Queued,
    /// It does not enter.
    Refused(DropReason),
}

/// A queue at work.
#[derive(Debug)]
pub(crate) enum Discipline {
    Tail(Room, Fifo),
    Head(Room, Fifo),
    Codel(CodelQueue),
    Flows(FlowQueues),
    Pie(PieQueue),
    Dual(DualQueue),
    Red(RedQueue),
    Priority(PriorityQueue),
}

impl Discipline {
    /// The queue that `queue` describes, before a link of this rate. Its dice grow from `seed` and `path`.
    pub(crate) fn new(queue: &Queue, rate: Option<u64>, seed: u64, path: &str) -> Self {
        let dice = || Stream::new(seed, &format!("{path}/queue"));
        match queue {
            Queue::DropTail(limit) => Self::Tail(Room::new(*limit, rate), Fifo::default()),
            Queue::DropHead(limit) => Self::Head(Room::new(*limit, rate), Fifo::default()),
            Queue::Codel(codel) => Self::Codel(CodelQueue::new(codel, rate)),
            Queue::FqCodel(fq) => Self::Flows(FlowQueues::controlled(fq, dice().u64())),
            Queue::Fq(fq) => Self::Flows(FlowQueues::plain(fq, dice().u64())),
            Queue::Pie(pie) => Self::Pie(PieQueue::new(pie, rate, dice())),
            Queue::DualPi2(dual) => Self::Dual(DualQueue::new(dual, rate)),
            Queue::Red(red) => Self::Red(RedQueue::new(red, rate, dice())),
            Queue::Priority(priority) => Self::Priority(PriorityQueue::new(priority, rate)),
        }
    }

    /// Whether a packet that finds the link idle need not pass through the queue.
    pub(crate) const fn is_plain(&self) -> bool {
        matches!(self, Self::Tail(..) | Self::Head(..) | Self::Priority(_))
    }

    /// Whether it needs to know which flow packets belong to.
    pub(crate) const fn knows_flows(&self) -> bool {
        matches!(self, Self::Flows(_))
    }

    /// A packet comes. Others that make room for it are added to `refused`.
    pub(crate) fn enqueue(&mut self, now: Instant, item: Item, refused: &mut Refuse) -> Admission {
        match self {
            Self::Tail(room, fifo) => {
                if !room.takes(fifo.len(), fifo.bytes(), item.bytes.into()) {
                    return Admission::Refused(DropReason::QueueFull);
                }
                fifo.push(item);
                Admission::Queued
            }
            Self::Head(room, fifo) => {
                if !room.ever_takes(item.bytes.into()) {
                    return Admission::Refused(DropReason::QueueFull);
                }
                while !room.takes(fifo.len(), fifo.bytes(), item.bytes.into()) {
                    let Some(oldest) = fifo.pop() else { break };
                    refused.push((oldest.slot, DropReason::QueueFull));
                }
                fifo.push(item);
                Admission::Queued
            }
            Self::Codel(queue) => queue.enqueue(item),
            Self::Flows(queue) => queue.enqueue(item, refused),
            Self::Pie(queue) => queue.enqueue(now, item),
            Self::Dual(queue) => queue.enqueue(now, item),
            Self::Red(queue) => queue.enqueue(now, item),
            Self::Priority(queue) => queue.enqueue(item),
        }
    }

    /// The packet whose turn it is. Those that had to go are added to `refused`.
    pub(crate) fn dequeue(&mut self, now: Instant, refused: &mut Refuse) -> Option<Item> {
        match self {
            Self::Tail(_, fifo) | Self::Head(_, fifo) => fifo.pop(),
            Self::Codel(queue) => queue.dequeue(now, refused),
            Self::Flows(queue) => queue.dequeue(now, refused),
            Self::Pie(queue) => queue.dequeue(now),
            Self::Dual(queue) => queue.dequeue(now, refused),
            Self::Red(queue) => queue.dequeue(now),
            Self::Priority(queue) => queue.dequeue(),
        }
    }

    /// Packets that wait, and their bytes.
    pub(crate) fn waiting(&self) -> (usize, u64) {
        match self {
            Self::Tail(_, fifo) | Self::Head(_, fifo) => (fifo.len(), fifo.bytes()),
            Self::Codel(queue) => queue.waiting(),
            Self::Flows(queue) => queue.waiting(),
            Self::Pie(queue) => queue.waiting(),
            Self::Dual(queue) => queue.waiting(),
            Self::Red(queue) => queue.waiting(),
            Self::Priority(queue) => queue.waiting(),
        }
    }

    /// Takes a packet out, whatever the queue thinks of it.
    pub(crate) fn drain(&mut self) -> Option<Slot> {
        match self {
            Self::Tail(_, fifo) | Self::Head(_, fifo) => fifo.pop().map(|item| item.slot),
            Self::Codel(queue) => queue.drain(),
            Self::Flows(queue) => queue.drain(),
            Self::Pie(queue) => queue.drain(),
            Self::Dual(queue) => queue.drain(),
            Self::Red(queue) => queue.drain(),
            Self::Priority(queue) => queue.drain(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{super::QueueLimit, *};

    #[test]
    fn drop_head_keeps_the_youngest() {
        let queue = Queue::DropHead(QueueLimit::Bytes(3_000));
        let mut queue = Discipline::new(&queue, None, 1, "a→b");
        let mut refused = Refuse::default();
        for number in 0..5 {
            let item = Item::new(Slot::numbered(number), 1_000, Instant::ZERO);
            assert_eq!(queue.enqueue(Instant::ZERO, item, &mut refused), Admission::Queued);
        }
        let gone: Vec<_> = refused.iter().map(|entry| entry.0).collect();
        assert_eq!(gone, [0, 1].map(Slot::numbered));
        let huge = Item::new(Slot::numbered(9), 3_001, Instant::ZERO);
        let admission = queue.enqueue(Instant::ZERO, huge, &mut refused);
        assert_eq!(admission, Admission::Refused(DropReason::QueueFull));
        assert_eq!(queue.waiting(), (3, 3_000), "nothing made room in vain");
    }
}
