//! A link at work: what waits, what is being sent, what is on its way.

use std::collections::VecDeque;

use super::{Impairments, Link, Queue, QueueLimit, Rate, Shaping, queue::Room};
use crate::{agenda::Order, slab::Slot};

/// One direction of a link in a running network.
#[derive(Debug)]
pub(crate) struct LinkState {
    pub(crate) spec: Link,
    /// Name of the direction, such as `alice.eth0→lan-a`.
    pub(crate) path: String,
    /// Present if the link does more than carry.
    pub(crate) impairments: Option<Box<Impairments>>,
    /// Present if more than a fixed rate and a drop-tail queue decides when packets leave.
    pub(crate) shaping: Option<Box<Shaping>>,
    pub(crate) pass: Pass,
    /// What fits behind the packet being sent.
    room: Room,
    /// The packet whose bits are being sent.
    pub(crate) sending: Option<Slot>,
    /// Those that wait behind it, if there is no shaping.
    pub(crate) waiting: VecDeque<Slot>,
    pub(crate) waiting_bytes: u64,
    /// Packets on their way that keep their order; only the first has an entry in the agenda.
    pub(crate) flying: VecDeque<(Order, Slot)>,
}

/// What packets have to pass before they leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pass {
    /// Nothing, and no time passes on the way either.
    Perfect,
    /// Nothing.
    Free,
    /// A drop-tail queue before a fixed rate.
    Fixed,
    /// [`Shaping`].
    Shaped,
}

impl LinkState {
    pub(crate) fn new(spec: Link, path: String, seed: u64) -> Self {
        let impairments = spec.impairs().then(|| Box::new(Impairments::new(seed, &path)));
        let shaping = spec.is_shaped().then(|| Box::new(Shaping::new(&spec, seed, &path)));
        let pass = match spec.rate {
            _ if shaping.is_some() => Pass::Shaped,
            Rate::Fixed(_) => Pass::Fixed,
            _ if impairments.is_none() && spec.delay.is_zero() => Pass::Perfect,
            _ => Pass::Free,
        };
        let limit = match spec.queue {
            Queue::DropTail(limit) => limit,
            _ => QueueLimit::Unlimited,
        };
        Self {
            room: Room::new(limit, spec.rate.nominal()),
            spec,
            path,
            impairments,
            shaping,
            pass,
            sending: None,
            waiting: VecDeque::new(),
            waiting_bytes: 0,
            flying: VecDeque::new(),
        }
    }

    /// Whether the drop-tail queue takes a packet of `bytes`.
    pub(crate) fn has_room(&self, bytes: usize) -> bool {
        self.room.takes(self.waiting.len(), self.waiting_bytes, bytes as u64)
    }

    /// Takes what is on the wire, and hands it over. Its entries in the agenda find nothing.
    pub(crate) fn clear_flying(&mut self) -> Vec<Slot> {
        let held = self.impairments.as_mut().and_then(|impairments| impairments.held.take());
        let flying = self.flying.drain(..).map(|(_, slot)| slot);
        flying.chain(held.map(|(slot, _)| slot)).collect()
    }

    /// Packets that wait, and their bytes.
    pub(crate) fn queued(&self) -> (usize, u64) {
        match &self.shaping {
            Some(shaping) => shaping.discipline.waiting(),
            None => (self.waiting.len(), self.waiting_bytes),
        }
    }

    /// Takes out what waits.
    pub(crate) fn clear_waiting(&mut self) -> Vec<Slot> {
        self.waiting_bytes = 0;
        let mut slots: Vec<Slot> = self.waiting.drain(..).collect();
        if let Some(shaping) = &mut self.shaping {
            slots.extend(std::iter::from_fn(|| shaping.discipline.drain()));
        }
        slots
    }

    /// Goes on where `old` was, as far as that makes sense: what is being sent and what flies, the dice,
    /// and every part whose parameters are the same.
    pub(crate) fn inherit(&mut self, old: &mut Self) {
        self.sending = old.sending.take();
        self.flying = std::mem::take(&mut old.flying);
        if self.impairments.is_some() && old.impairments.is_some() {
            self.impairments = old.impairments.take();
        }
        if let (Some(new), Some(before)) = (&mut self.shaping, &mut old.shaping) {
            new.inherit(before, &self.spec, &old.spec);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every interface has one: what is rare has a box of its own.
    #[test]
    fn a_link_without_shaping_stays_small() {
        assert!(size_of::<LinkState>() <= 512, "{}", size_of::<LinkState>());
        assert!(size_of::<Link>() <= 304, "{}", size_of::<Link>());
    }
}
