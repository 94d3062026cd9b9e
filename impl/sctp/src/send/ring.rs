//! What was sent and is not acknowledged up to: a ring of chunks in the order of their numbers.
//!
//! Inside the sender a chunk is known by its *place*: its number counted from the first of the
//! association without ever wrapping. Places start at 1, so that 0 says "none".

use std::collections::VecDeque;

use base::Instant;
use bytes::Bytes;

use super::queue::NO_MESSAGE;
use crate::{Tsn, congestion::Snapshot, wire::DataFlags};

/// Most chunks between the oldest that is not acknowledged and the newest. Gap blocks count from the
/// cumulative number in 16 bits (RFC 9260 §3.3.4), so nothing beyond 65,535 could be acknowledged, and a
/// stream may not have more messages under way (RFC 9260 §6.1). Half of that keeps the 16 bits of message
/// numbers comparable as well.
pub(super) const MAX_SPAN: usize = 32_767;

/// Where a chunk stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// In flight, and in the list of what is, by the order of sending.
    Flying,
    /// Held to be lost, and in the list of what is to be sent again.
    Lost,
    /// Acknowledged by a gap block; the peer may take it back.
    Acked,
    /// Given up and not in flight: it waits until the peer's cumulative number has passed it.
    Gone,
}

/// A chunk that has a number.
#[derive(Debug)]
pub(super) struct Slot {
    pub(super) payload: Bytes,
    pub(super) snapshot: Snapshot,
    /// When it last left.
    pub(super) sent_at: Instant,
    /// Its message's number on the stream: 16 bits of it count in DATA.
    pub(super) number: u32,
    pub(super) ppid_or_fsn: u32,
    /// Its message in the slab, if that has to be found again.
    pub(super) message: u32,
    older: u32,
    newer: u32,
    pub(super) stream: u16,
    /// Steps back to the chunk before it of the same message; 0 if there is none.
    pub(super) earlier: u16,
    /// How often it was sent.
    pub(super) transmissions: u16,
    pub(super) flags: DataFlags,
    pub(super) state: State,
    /// Acknowledgements that passed it over (RFC 9260 §7.2.4).
    pub(super) misses: u8,
    /// Whether its message was given up.
    pub(super) abandoned: bool,
    /// Whether it may not be sent again by fast retransmission once more (RFC 9260 §7.2.4).
    pub(super) repeated_fast: bool,
}

impl Slot {
    pub(super) fn new(payload: Bytes, flags: DataFlags) -> Self {
        Self {
            payload,
            snapshot: Snapshot::default(),
            sent_at: Instant::ZERO,
            number: 0,
            ppid_or_fsn: 0,
            message: NO_MESSAGE,
            older: 0,
            newer: 0,
            stream: 0,
            earlier: 0,
            transmissions: 0,
            flags,
            state: State::Gone,
            misses: 0,
            abandoned: false,
            repeated_fast: false,
        }
    }
}

/// The two ends of a list that runs through the slots; 0 where it is empty.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct List {
    pub(super) head: u64,
    pub(super) tail: u64,
}

impl List {
    pub(super) const fn is_empty(self) -> bool {
        self.head == 0
    }
}

/// The chunks, oldest first.
#[derive(Debug)]
pub(super) struct Ring {
    slots: VecDeque<Slot>,
    /// The place of the oldest, or of the next if there is none.
    base: u64,
    /// The number of place 0.
    zero: Tsn,
}

impl Ring {
    pub(super) const fn new(initial: Tsn) -> Self {
        let zero = Tsn::new(initial.get().wrapping_sub(1));
        Self { slots: VecDeque::new(), base: 1, zero }
    }

    pub(super) fn len(&self) -> usize {
        self.slots.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// The place of the oldest chunk.
    pub(super) const fn base(&self) -> u64 {
        self.base
    }

    /// The place that the next chunk gets.
    pub(super) fn next(&self) -> u64 {
        self.base + self.slots.len() as u64
    }

    pub(super) const fn tsn(&self, place: u64) -> Tsn {
        self.zero.add(low(place))
    }

    /// The place of `tsn`, if it is the one before the base or later: at most half the numbers ahead.
    pub(super) fn place(&self, tsn: Tsn) -> Option<u64> {
        let acknowledged = self.tsn(self.base - 1);
        let ahead = acknowledged.distance_to(tsn);
        (ahead <= u32::MAX / 2).then(|| self.base - 1 + u64::from(ahead))
    }

    pub(super) fn get(&self, place: u64) -> Option<&Slot> {
        self.slots.get(index(place.checked_sub(self.base)?))
    }

    pub(super) fn get_mut(&mut self, place: u64) -> Option<&mut Slot> {
        self.slots.get_mut(index(place.checked_sub(self.base)?))
    }

    pub(super) fn push(&mut self, slot: Slot) -> u64 {
        let place = self.next();
        self.slots.push_back(slot);
        place
    }

    /// Takes the oldest, which must be in no list.
    pub(super) fn pop(&mut self) -> Option<Slot> {
        let slot = self.slots.pop_front()?;
        self.base += 1;
        Some(slot)
    }

    /// The place after `place` in its list; what the last one has after it means nothing.
    pub(super) fn newer(&self, place: u64) -> u64 {
        self.get(place).map_or(0, |slot| self.widen(slot.newer))
    }

    /// The place before `place` in its list; what the first one has before it means nothing.
    pub(super) fn older(&self, place: u64) -> u64 {
        self.get(place).map_or(0, |slot| self.widen(slot.older))
    }

    /// Puts `place` at the end of `list`. It must be in no list.
    pub(super) fn append(&mut self, list: &mut List, place: u64) {
        if list.is_empty() {
            list.head = place;
        } else {
            let tail = list.tail;
            if let Some(slot) = self.get_mut(tail) {
                slot.newer = low(place);
            }
            if let Some(slot) = self.get_mut(place) {
                slot.older = low(tail);
            }
        }
        list.tail = place;
    }

    /// Takes `place` out of `list`, in which it must be.
    pub(super) fn unlink(&mut self, list: &mut List, place: u64) {
        let Some(slot) = self.get(place) else { return };
        let (older, newer) = (self.widen(slot.older), self.widen(slot.newer));
        match (place == list.head, place == list.tail) {
            (true, true) => *list = List::default(),
            (true, false) => list.head = newer,
            (false, true) => list.tail = older,
            (false, false) => {
                if let Some(slot) = self.get_mut(older) {
                    slot.newer = low(newer);
                }
                if let Some(slot) = self.get_mut(newer) {
                    slot.older = low(older);
                }
            }
        }
    }

    /// The place at or after the base of which `low` are the low bits.
    fn widen(&self, bits: u32) -> u64 {
        self.base + u64::from(bits.wrapping_sub(low(self.base)))
    }
}

/// The low 32 bits.
const fn low(place: u64) -> u32 {
    let [_, _, _, _, a, b, c, d] = place.to_be_bytes();
    u32::from_be_bytes([a, b, c, d])
}

fn index(distance: u64) -> usize {
    usize::try_from(distance).unwrap_or(usize::MAX)
}
