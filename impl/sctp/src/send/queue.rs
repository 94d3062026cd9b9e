//! Messages that wait, are being cut or may yet be given up.
//!
//! They live in one slab; each stream threads its waiting ones in order. A message that is reliable
//! leaves the slab when its last chunk is cut, any other when the last of its chunks is done with.

use base::Instant;
use bytes::Bytes;

use crate::{Ppid, Reliability, StreamId};

/// The index of no message.
pub(super) const NO_MESSAGE: u32 = u32::MAX;

/// What a message costs beside its bytes, charged against the send buffer: without it a buffer of
/// one-byte messages would hold a hundred times its limit.
pub(super) const MESSAGE_OVERHEAD: usize = 64;

/// Slabs shrink to this when they run empty.
const KEPT_ENTRIES: usize = 256;

/// A message.
#[derive(Debug)]
pub(super) struct Message {
    /// What was not cut yet.
    pub(super) payload: Bytes,
    /// Its bytes, cut or not.
    pub(super) length: usize,
    pub(super) stream: StreamId,
    pub(super) ppid: Ppid,
    pub(super) unordered: bool,
    pub(super) immediate: bool,
    pub(super) reliability: Reliability,
    /// When it is to be given up.
    pub(super) deadline: Option<Instant>,
    /// Its turn among all messages.
    pub(super) arrival: u64,
    /// Its number on the stream, once cutting began.
    pub(super) number: u32,
    /// The number of the next fragment.
    pub(super) fragment: u32,
    /// The place of its newest chunk; 0 before cutting began.
    pub(super) newest: u64,
    /// Its chunks in the ring.
    pub(super) chunks: u32,
    /// Whether it was given up.
    pub(super) abandoned: bool,
    next: u32,
    previous: u32,
}

impl Message {
    pub(super) fn new(stream: StreamId, ppid: Ppid, payload: Bytes) -> Self {
        Self {
            length: payload.len(),
            payload,
            stream,
            ppid,
            unordered: false,
            immediate: false,
            reliability: Reliability::Reliable,
            deadline: None,
            arrival: 0,
            number: 0,
            fragment: 0,
            newest: 0,
            chunks: 0,
            abandoned: false,
            next: NO_MESSAGE,
            previous: NO_MESSAGE,
        }
    }

    /// Whether a chunk of it has a number.
    pub(super) const fn is_begun(&self) -> bool {
        self.newest != 0
    }

    pub(super) const fn is_reliable(&self) -> bool {
        matches!(self.reliability, Reliability::Reliable)
    }
}

/// The waiting messages of one stream, first to last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) head: u32,
    pub(super) tail: u32,
}

impl Default for Line {
    fn default() -> Self {
        Self { head: NO_MESSAGE, tail: NO_MESSAGE }
    }
}

impl Line {
    pub(super) const fn is_empty(self) -> bool {
        self.head == NO_MESSAGE
    }
}

/// The slab.
#[derive(Debug, Default)]
pub(super) struct Messages {
    entries: Vec<Option<Message>>,
    free: Vec<u32>,
}

impl Messages {
    pub(super) fn get(&self, index: u32) -> Option<&Message> {
        self.entries.get(usize::try_from(index).ok()?)?.as_ref()
    }

    pub(super) fn get_mut(&mut self, index: u32) -> Option<&mut Message> {
        self.entries.get_mut(usize::try_from(index).ok()?)?.as_mut()
    }

    /// How many there are.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.entries.len() - self.free.len()
    }

    pub(super) fn insert(&mut self, message: Message) -> u32 {
        if let Some(index) = self.free.pop()
            && let Some(entry) = self.entries.get_mut(usize::try_from(index).unwrap_or(usize::MAX))
        {
            *entry = Some(message);
            return index;
        }
        // The send buffer holds fewer than 2^32 messages: each is charged its overhead.
        let index = u32::try_from(self.entries.len()).unwrap_or(NO_MESSAGE - 1);
        self.entries.push(Some(message));
        // So that nothing is allocated when messages leave.
        self.free.reserve(self.entries.len() - self.free.len());
        index
    }

    pub(super) fn remove(&mut self, index: u32) -> Option<Message> {
        let message = self.entries.get_mut(usize::try_from(index).ok()?)?.take()?;
        self.free.push(index);
        if self.free.len() == self.entries.len() && self.entries.len() > KEPT_ENTRIES {
            self.entries = Vec::new();
            self.free = Vec::new();
        }
        Some(message)
    }

    /// Puts `index` at the end of `line`.
    pub(super) fn append(&mut self, line: &mut Line, index: u32) {
        let tail = line.tail;
        if let Some(message) = self.get_mut(index) {
            message.previous = tail;
            message.next = NO_MESSAGE;
        }
        match self.get_mut(tail) {
            Some(last) => last.next = index,
            None => line.head = index,
        }
        line.tail = index;
    }

    /// Takes `index` out of `line`, in which it must be.
    pub(super) fn unlink(&mut self, line: &mut Line, index: u32) {
        let Some(message) = self.get(index) else { return };
        let (previous, next) = (message.previous, message.next);
        match self.get_mut(previous) {
            Some(message) => message.next = next,
            None => line.head = next,
        }
        match self.get_mut(next) {
            Some(message) => message.previous = previous,
            None => line.tail = previous,
        }
    }

    /// The message after `index` in its line.
    pub(super) fn after(&self, index: u32) -> u32 {
        self.get(index).map_or(NO_MESSAGE, |message| message.next)
    }
}
