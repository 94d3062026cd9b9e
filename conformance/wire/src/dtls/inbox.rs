//! Messages from fragments.

use std::collections::BTreeMap;

use super::{Fragment, Message};

/// Puts messages together, and gives them in their order.
#[derive(Clone, Debug, Default)]
pub struct Inbox {
    next: u16,
    parts: BTreeMap<u16, Part>,
}

#[derive(Clone, Debug)]
struct Part {
    epoch: u64,
    kind: u8,
    body: Vec<Option<u8>>,
}

impl Inbox {
    /// Takes a piece. A piece of a message that has been given already, or that contradicts what is here,
    /// is not taken.
    pub fn insert(&mut self, epoch: u64, fragment: &Fragment) -> bool {
        if fragment.seq < self.next {
            return false;
        }
        let part = self.parts.entry(fragment.seq).or_insert_with(|| Part {
            epoch,
            kind: fragment.kind,
            body: vec![None; fragment.total],
        });
        if part.kind != fragment.kind || part.body.len() != fragment.total {
            return false;
        }
        let places = part.body.iter_mut().skip(fragment.offset);
        for (place, byte) in places.zip(&fragment.data) {
            *place = Some(*byte);
        }
        true
    }

    /// The next message in order, if it is whole.
    pub fn take(&mut self) -> Option<Message> {
        let part = self.parts.get(&self.next)?;
        let body: Option<Vec<u8>> = part.body.iter().copied().collect();
        let (epoch, kind, body) = (part.epoch, part.kind, body?);
        let seq = self.next;
        self.parts.remove(&seq);
        self.next = seq.wrapping_add(1);
        Some(Message { epoch, kind, seq, body, omitted: false })
    }

    /// Begins to expect another number.
    pub fn expect(&mut self, next: u16) {
        self.next = next;
        self.parts.retain(|seq, _| *seq >= next);
    }

    /// The number expected next.
    #[must_use]
    pub const fn next(&self) -> u16 {
        self.next
    }
}
