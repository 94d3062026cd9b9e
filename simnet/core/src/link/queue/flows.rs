//! A queue for each flow: RFC 8290.

use std::collections::VecDeque;

use base::Instant;

use super::{
    Fq, FqCodel,
    codel::{Control, Settings},
    discipline::{Admission, Refuse},
    fifo::{Fifo, Item},
};
use crate::{event::DropReason, slab::Slot};

/// RFC 8290 §4.1: at most so many packets are dropped at once when there is no room.
const MAX_DROPS: usize = 64;

/// Queues that are served in turn, those that were empty first.
#[derive(Debug)]
pub(crate) struct FlowQueues {
    /// Without it nothing but the limit drops.
    settings: Option<Settings>,
    quantum: i64,
    limit: usize,
    flows: usize,
    /// Mixed into the hash of flows (RFC 8290 §4.1).
    salt: u64,
    /// Made when the first packet comes.
    queues: Vec<FlowQueue>,
    /// Queues that have not had packets for a while, in order.
    new: VecDeque<usize>,
    /// Queues with a backlog, in order.
    old: VecDeque<usize>,
    packets: usize,
    bytes: u64,
}

#[derive(Debug, Default)]
struct FlowQueue {
    fifo: Fifo,
    control: Control,
    /// Bytes it may still send in this turn.
    credits: i64,
    /// Whether it is in one of the lists.
    active: bool,
}

impl FlowQueues {
    pub(super) fn controlled(fq: &FqCodel, salt: u64) -> Self {
        let FqCodel { target, interval, limit, quantum, flows, mtu, ecn, ce_threshold } = *fq;
        let settings = Settings { target, interval, mtu, ecn, ce_threshold };
        Self::new(Some(settings), &Fq { limit, quantum, flows }, salt)
    }

    pub(super) fn plain(fq: &Fq, salt: u64) -> Self {
        Self::new(None, fq, salt)
    }

    fn new(settings: Option<Settings>, fq: &Fq, salt: u64) -> Self {
        Self {
            settings,
            quantum: i64::try_from(fq.quantum).unwrap_or(i64::MAX),
            limit: fq.limit as usize,
            flows: fq.flows as usize,
            salt,
            queues: Vec::new(),
            new: VecDeque::new(),
            old: VecDeque::new(),
            packets: 0,
            bytes: 0,
        }
    }

    /// RFC 8290 §4.1.
    pub(super) fn enqueue(&mut self, item: Item, refused: &mut Refuse) -> Admission {
        if self.queues.is_empty() {
            self.queues.resize_with(self.flows, FlowQueue::default);
        }
        let at = self.class(item.flow);
        let Some(queue) = self.queues.get_mut(at) else {
            return Admission::Refused(DropReason::QueueFull);
        };
        self.packets += 1;
        self.bytes += u64::from(item.bytes);
        queue.fifo.push(item);
        if !queue.active {
            queue.active = true;
            queue.credits = self.quantum;
            self.new.push_back(at);
        }
        if self.packets > self.limit {
            self.relieve(refused);
        }
        // The packet itself may be among those that had to go.
        match refused.iter().position(|(slot, _)| *slot == item.slot) {
            Some(at) => Admission::Refused(refused.swap_remove(at).1),
            None => Admission::Queued,
        }
    }

    fn class(&self, flow: u64) -> usize {
        let mixed = (flow ^ self.salt).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let share = u128::from(mixed) * self.flows as u128;
        usize::try_from(share >> 64).unwrap_or(0)
    }

    /// RFC 8290 §4.1: the longest queue loses half of its packets, the oldest.
    fn relieve(&mut self, refused: &mut Refuse) {
        let longest = self.queues.iter_mut().max_by_key(|queue| queue.fifo.bytes());
        let Some(queue) = longest else { return };
        let count = queue.fifo.len().div_ceil(2).min(MAX_DROPS);
        for _ in 0..count {
            let Some(item) = queue.fifo.pop() else { return };
            self.packets -= 1;
            self.bytes -= u64::from(item.bytes);
            refused.push((item.slot, DropReason::QueueFull));
        }
    }

    /// RFC 8290 §4.2.
    pub(super) fn dequeue(&mut self, now: Instant, refused: &mut Refuse) -> Option<Item> {
        loop {
            let fresh = !self.new.is_empty();
            let list = if fresh { &mut self.new } else { &mut self.old };
            let at = *list.front()?;
            let queue = self.queues.get_mut(at)?;
            if queue.credits <= 0 {
                queue.credits += self.quantum;
                list.pop_front();
                self.old.push_back(at);
                continue;
            }
            let before = (queue.fifo.len(), queue.fifo.bytes());
            let item = match &self.settings {
                Some(settings) => queue.control.dequeue(now, settings, &mut queue.fifo, refused),
                None => queue.fifo.pop(),
            };
            self.packets -= before.0 - queue.fifo.len();
            self.bytes -= before.1 - queue.fifo.bytes();
            if let Some(item) = item {
                queue.credits -= i64::from(item.bytes);
                return Some(item);
            }
            list.pop_front();
            if fresh {
                // It goes through the other list before it may be new again, lest it starve the rest.
                self.old.push_back(at);
            } else {
                queue.active = false;
            }
        }
    }

    pub(super) const fn waiting(&self) -> (usize, u64) {
        (self.packets, self.bytes)
    }

    pub(super) fn drain(&mut self) -> Option<Slot> {
        let queue = self.queues.iter_mut().find(|queue| !queue.fifo.is_empty())?;
        let item = queue.fifo.pop()?;
        self.packets -= 1;
        self.bytes -= u64::from(item.bytes);
        Some(item.slot)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(flow: u64, bytes: u32) -> Item {
        let mut item = Item::new(Slot::numbered(0), bytes, Instant::ZERO);
        item.flow = flow;
        item
    }

    fn fill(queues: &mut FlowQueues, flow: u64, bytes: u32, count: u32) {
        for _ in 0..count {
            queues.enqueue(item(flow, bytes), &mut Refuse::default());
        }
    }

    fn order(queues: &mut FlowQueues, count: usize) -> Vec<u64> {
        let mut refused = Refuse::default();
        let next = || queues.dequeue(Instant::ZERO, &mut refused).map(|item| item.flow);
        std::iter::from_fn(next).take(count).collect()
    }

    #[test]
    fn bytes_are_shared_and_not_packets() {
        let mut queues = FlowQueues::plain(&Fq::default(), 0);
        fill(&mut queues, 1, 1_500, 1_000);
        fill(&mut queues, 2, 300, 5_000);
        fill(&mut queues, 3, 700, 2_000);
        let mut sent = [0_u64; 4];
        let mut refused = Refuse::default();
        for _ in 0..3_000 {
            let item = queues.dequeue(Instant::ZERO, &mut refused).unwrap();
            sent[usize::try_from(item.flow).unwrap()] += u64::from(item.bytes);
        }
        let [_, one, two, three] = sent;
        for other in [two, three] {
            assert!(one.abs_diff(other) <= 2 * 1_514 + 1_500, "{sent:?}");
        }
    }

    #[test]
    fn a_sparse_flow_passes_a_backlog() {
        let mut queues = FlowQueues::plain(&Fq::default(), 0);
        fill(&mut queues, 1, 1_500, 100);
        assert_eq!(order(&mut queues, 3), [1, 1, 1]);
        fill(&mut queues, 2, 100, 1);
        assert_eq!(order(&mut queues, 2), [2, 1], "new flows come first");
    }

    /// RFC 8290 §4.2: two flows that send in turn, each when the other's packet has left, would always be
    /// new if an empty queue did not pass through the list of old ones.
    #[test]
    fn who_always_seems_new_starves_nobody() {
        let mut queues = FlowQueues::plain(&Fq::default(), 0);
        fill(&mut queues, 1, 1_500, 2_000);
        order(&mut queues, 3);
        let mut old = 0;
        for step in 0..1_000 {
            fill(&mut queues, 2 + step % 2, 1_500, 1);
            old += u64::from(order(&mut queues, 1) == [1]);
        }
        assert!((300..=370).contains(&old), "a third of 1,000: {old}");
    }

    #[test]
    fn the_longest_flow_makes_room() {
        let mut queues = FlowQueues::plain(&Fq { limit: 100, ..Fq::default() }, 0);
        fill(&mut queues, 1, 1_500, 90);
        fill(&mut queues, 2, 1_500, 10);
        assert_eq!(queues.waiting(), (100, 150_000));
        let mut refused = Refuse::default();
        let mut extra = item(2, 1_500);
        extra.slot = Slot::numbered(7);
        assert_eq!(queues.enqueue(extra, &mut refused), Admission::Queued);
        assert_eq!(refused.len(), 45, "half of the longest");
        assert_eq!(queues.waiting(), (56, 84_000));
    }
}
