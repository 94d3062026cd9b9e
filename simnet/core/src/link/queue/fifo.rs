//! Packets in a row.

use std::collections::VecDeque;

use base::{Dscp, Ecn, Instant};

use crate::slab::Slot;

/// What a queue knows about a packet.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Item {
    pub(crate) slot: Slot,
    /// Bytes of IP.
    pub(crate) bytes: u32,
    /// When it came.
    pub(crate) since: Instant,
    pub(crate) ecn: Ecn,
    pub(crate) dscp: Dscp,
    /// The same for packets of one flow.
    pub(crate) flow: u64,
    /// Whether the queue wants it marked when it leaves.
    pub(crate) marked: bool,
    /// What a discipline notes for itself when it comes.
    pub(super) note: bool,
}

impl Item {
    pub(crate) const fn new(slot: Slot, bytes: u32, since: Instant) -> Self {
        Self {
            slot,
            bytes,
            since,
            ecn: Ecn::NotEct,
            dscp: Dscp::DEFAULT,
            flow: 0,
            marked: false,
            note: false,
        }
    }

    /// Marks it, if its sender understands marks (RFC 3168 §5); says whether it does.
    pub(super) const fn mark(&mut self) -> bool {
        let capable = !matches!(self.ecn, Ecn::NotEct);
        self.marked |= capable;
        capable
    }
}

/// First in, first out.
#[derive(Debug, Default)]
pub(crate) struct Fifo {
    items: VecDeque<Item>,
    bytes: u64,
}

impl Fifo {
    pub(super) fn push(&mut self, item: Item) {
        self.bytes += u64::from(item.bytes);
        self.items.push_back(item);
    }

    pub(super) fn pop(&mut self) -> Option<Item> {
        let item = self.items.pop_front()?;
        self.bytes -= u64::from(item.bytes);
        Some(item)
    }

    pub(super) fn front(&self) -> Option<&Item> {
        self.items.front()
    }

    pub(super) fn len(&self) -> usize {
        self.items.len()
    }

    pub(super) const fn bytes(&self) -> u64 {
        self.bytes
    }

    pub(super) fn is_empty(&self) -> bool {
        self.items.is_empty()
    }
}
