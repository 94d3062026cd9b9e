//! The order of messages on their streams: RFC 9260 §6.6.

use std::collections::{BTreeMap, VecDeque};

use super::ledger::Ledger;
use crate::{Message, Misdeed, StreamId};

/// The number of a message that does not wrap: the low bits are the one on the wire.
pub(super) type Turn = u64;

/// The first message of a stream. Far enough from zero that no message can seem to come before it.
const FIRST: Turn = 1 << 33;

/// How wide the numbers of messages are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Width {
    /// 16 bits: stream sequence numbers.
    Ssn,
    /// 32 bits: message identifiers (RFC 8260 §2.1).
    Mid,
}

impl Width {
    /// One turn of the numbers.
    const fn space(self) -> Turn {
        match self {
            Self::Ssn => 1 << 16,
            Self::Mid => 1 << 32,
        }
    }
}

/// A stream on which something ordered arrived.
#[derive(Debug)]
struct Stream {
    /// The message to be delivered next.
    next: Turn,
    /// Messages beyond it.
    waiting: BTreeMap<Turn, Message>,
}

impl Default for Stream {
    fn default() -> Self {
        Self { next: FIRST, waiting: BTreeMap::new() }
    }
}

/// The order of the messages of every stream. A stream on which nothing ordered arrived costs nothing.
#[derive(Debug)]
pub(super) struct Order {
    width: Width,
    streams: BTreeMap<StreamId, Stream>,
    /// Whether the sender ever gave up a message: then a number that is behind may be what is left of it.
    has_skipped: bool,
}

impl Order {
    pub(super) const fn new(width: Width) -> Self {
        Self { width, streams: BTreeMap::new(), has_skipped: false }
    }

    // Told.

    /// A whole message arrived: it goes to `ready` if it is its turn, and what waited for it goes too.
    pub(super) fn deliver(
        &mut self,
        number: u32,
        message: Message,
        ledger: &mut Ledger,
        ready: &mut VecDeque<Message>,
    ) -> Result<(), Misdeed> {
        let (id, space) = (message.stream, self.width.space());
        let stream = self.streams.entry(id).or_default();
        let turn = nearest(stream.next, number, space);
        if turn == stream.next {
            stream.next += 1;
            ready.push_back(message);
            if !stream.waiting.is_empty() {
                stream.release(ready);
            }
            return Ok(());
        }
        if turn > stream.next && !stream.waiting.contains_key(&turn) {
            stream.waiting.insert(turn, message);
            return Ok(());
        }
        ledger.remove(1, message.payload.len());
        if turn < stream.next && self.has_skipped {
            return Ok(());
        }
        Err(Misdeed::MessageNumberReused(id))
    }

    /// The sender gave up messages of `id` up to number `number`: what waited for them does so no more
    /// (RFC 3758 §3.6).
    pub(super) fn skip_to(&mut self, id: StreamId, number: u32, ready: &mut VecDeque<Message>) {
        self.has_skipped = true;
        let stream = self.streams.entry(id).or_default();
        let turn = nearest(stream.next, number, self.width.space());
        if turn < stream.next {
            return;
        }
        while let Some(first) = stream.waiting.first_entry().filter(|first| *first.key() <= turn) {
            ready.push_back(first.remove());
        }
        stream.next = turn + 1;
        stream.release(ready);
    }

    /// The next message of `id` has number 0; what waited goes to `ready` in its order.
    pub(super) fn reset(&mut self, id: StreamId, ready: &mut VecDeque<Message>) {
        if let Some(stream) = self.streams.remove(&id) {
            ready.extend(stream.waiting.into_values());
        }
    }

    /// The same for all streams.
    pub(super) fn reset_all(&mut self, ready: &mut VecDeque<Message>) {
        for stream in std::mem::take(&mut self.streams).into_values() {
            ready.extend(stream.waiting.into_values());
        }
    }

    // Asked.

    /// Whether the message with `number` was delivered or given up.
    pub(super) fn is_past(&self, id: StreamId, number: u32) -> bool {
        let next = self.streams.get(&id).map_or(FIRST, |stream| stream.next);
        nearest(next, number, self.width.space()) < next
    }

    /// Whether a fragment that begins a new message with `number` in our books is what is left of one that
    /// was given up.
    pub(super) fn is_left_over(&self, id: StreamId, number: u32) -> Result<bool, Misdeed> {
        let Some(stream) = self.streams.get(&id) else {
            return Ok(false);
        };
        let turn = nearest(stream.next, number, self.width.space());
        if stream.waiting.contains_key(&turn) || (turn < stream.next && !self.has_skipped) {
            return Err(Misdeed::MessageNumberReused(id));
        }
        Ok(turn < stream.next)
    }

    /// Streams that cost something.
    #[cfg(test)]
    pub(super) fn streams(&self) -> usize {
        self.streams.len()
    }
}

impl Stream {
    /// Moves what has its turn.
    fn release(&mut self, ready: &mut VecDeque<Message>) {
        while let Some(first) = self.waiting.first_entry().filter(|first| *first.key() == self.next)
        {
            ready.push_back(first.remove());
            self.next += 1;
        }
    }
}

/// The turn with `number` in its low bits that is nearest to `next`.
const fn nearest(next: Turn, number: u32, space: Turn) -> Turn {
    let ahead = (number as Turn).wrapping_sub(next) & (space - 1);
    if ahead < space / 2 { next + ahead } else { next + ahead - space }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_turn_is_found_on_both_sides_of_the_wrap() {
        for space in [1 << 16, 1 << 32] {
            for next in [FIRST, FIRST + space - 1, FIRST + space, FIRST + 3 * space / 2] {
                for step in [-32_767_i64, -1, 0, 1, 32_767] {
                    let turn = next.checked_add_signed(step).unwrap();
                    let number = u32::try_from(turn & (space - 1)).unwrap();
                    assert_eq!(nearest(next, number, space), turn);
                }
            }
        }
    }
}
