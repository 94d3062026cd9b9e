//! A link at work: what waits, what is being sent, what is on its way.

use std::collections::VecDeque;

use super::{Impairments, Link, QueueLimit};
use crate::{agenda::Order, slab::Slot};

/// One direction of a link in a running network.
#[derive(Debug)]
pub(crate) struct LinkState {
    pub(crate) spec: Link,
    /// Name of the direction, such as `alice.eth0→lan-a`.
    pub(crate) path: String,
    /// Present if the link does more than carry.
    pub(crate) impairments: Option<Box<Impairments>>,
    /// Whether packets pass at once: no rate, no delay, no impairments.
    pub(crate) perfect: bool,
    /// The packet whose bits are being sent.
    pub(crate) sending: Option<Slot>,
    /// Those that wait behind it.
    pub(crate) waiting: VecDeque<Slot>,
    pub(crate) waiting_bytes: u64,
    /// Packets on their way that keep their order; only the first has an entry in the agenda.
    pub(crate) flying: VecDeque<(Order, Slot)>,
}

impl LinkState {
    pub(crate) fn new(spec: Link, path: String, seed: u64) -> Self {
        let impairments = spec.impairs().then(|| Box::new(Impairments::new(seed, &path)));
        Self {
            perfect: impairments.is_none() && spec.rate.is_none() && spec.delay.is_zero(),
            spec,
            path,
            impairments,
            sending: None,
            waiting: VecDeque::new(),
            waiting_bytes: 0,
            flying: VecDeque::new(),
        }
    }

    /// Empties the queue, and hands over what was in it.
    pub(crate) fn clear_waiting(&mut self) -> Vec<Slot> {
        self.waiting_bytes = 0;
        self.waiting.drain(..).collect()
    }

    /// Whether the queue takes a packet of `bytes`.
    pub(crate) fn has_room(&self, bytes: usize) -> bool {
        match self.spec.queue {
            QueueLimit::Unlimited => true,
            QueueLimit::Packets(limit) => self.waiting.len() < limit as usize,
            QueueLimit::Bytes(_) | QueueLimit::Time(_) => self
                .spec
                .queue_bytes()
                .is_none_or(|limit| self.waiting_bytes + bytes as u64 <= limit),
        }
    }
}
