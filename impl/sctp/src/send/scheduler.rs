//! Whose turn it is: RFC 8260 §3.
//!
//! Every scheduler is the same machine with another key: streams that have something wait in a heap, the
//! one with the smallest key is taken into service, and returns with a new key when its turn is over. A
//! turn is a message where messages travel whole, a chunk where they are interleaved, or a packet.

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, VecDeque},
};

use super::{
    queue::Messages,
    streams::{Stream, Streams},
};
use crate::StreamId;

/// Which stream sends next, where several have something to send: RFC 8260 §3.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Scheduler {
    /// Messages leave in the order in which they came (RFC 8260 §3.1).
    FirstComeFirstServed,
    /// Streams take turns, a message each or, interleaved, a chunk each (RFC 8260 §3.2).
    RoundRobin,
    /// Streams take turns, a packet each; no packet holds chunks of two (RFC 8260 §3.3).
    RoundRobinPerPacket,
    /// Streams of higher priority go first; those of the same take turns (RFC 8260 §3.4).
    Priority,
    /// Every stream gets the same share of the bytes (RFC 8260 §3.5).
    FairCapacity,
    /// Every stream gets a share of the bytes in proportion to its priority (RFC 8260 §3.6).
    #[default]
    WeightedFair,
}

/// What a stream waits with: the smallest is served first.
type Key = (u64, u64);

/// The streams that have something to send, by whose turn it is.
#[derive(Debug, Default)]
pub(super) struct Turns {
    scheduler: Scheduler,
    waiting: BinaryHeap<Reverse<(Key, StreamId)>>,
    in_service: Option<StreamId>,
    /// Streams whose next message may not begin yet, the first that was put here first.
    held: VecDeque<StreamId>,
    /// Where fair queueing is: nobody new begins before this.
    now_served: u64,
    last_turn: u64,
}

impl Turns {
    pub(super) const fn scheduler(&self) -> Scheduler {
        self.scheduler
    }

    /// Changes the rules; who is in service finishes its turn.
    pub(super) fn set_scheduler(
        &mut self,
        scheduler: Scheduler,
        streams: &Streams,
        messages: &Messages,
    ) {
        self.scheduler = scheduler;
        self.reorder(streams, messages);
    }

    /// Sorts anew, after priorities changed.
    pub(super) fn reorder(&mut self, streams: &Streams, messages: &Messages) {
        let waiting = std::mem::take(&mut self.waiting).into_vec();
        self.waiting = waiting
            .into_iter()
            .filter_map(|Reverse((_, id))| {
                let stream = streams.get(id)?;
                Some(Reverse((self.key(stream, messages), id)))
            })
            .collect();
    }

    /// A stream that had nothing to send has something.
    pub(super) fn activate(&mut self, id: StreamId, stream: &mut Stream, messages: &Messages) {
        if stream.scheduled {
            return;
        }
        stream.scheduled = true;
        // Who was silent has not saved up a share.
        stream.served = stream.served.max(self.now_served);
        self.last_turn += 1;
        stream.turn = self.last_turn;
        self.waiting.push(Reverse((self.key(stream, messages), id)));
    }

    /// The stream whose turn it is. The same again until [`Turns::end_turn`].
    pub(super) fn next(&mut self, streams: &mut Streams, messages: &Messages) -> Option<StreamId> {
        if let Some(id) = self.in_service {
            match streams.get_mut(id) {
                Some(stream) if can_serve(stream, messages) => return Some(id),
                Some(stream) => stream.scheduled = false,
                None => {}
            }
            self.in_service = None;
        }
        while let Some(Reverse((key, id))) = self.waiting.pop() {
            let Some(stream) = streams.get_mut(id) else { continue };
            if !can_serve(stream, messages) {
                stream.scheduled = false;
                continue;
            }
            let current = self.key(stream, messages);
            if current > key {
                // The message that it waited with was given up.
                self.waiting.push(Reverse((current, id)));
                continue;
            }
            self.now_served = self.now_served.max(stream.served);
            self.in_service = Some(id);
            return Some(id);
        }
        None
    }

    /// The stream in service sent a chunk of `bytes`.
    pub(super) fn serve(&self, stream: &mut Stream, bytes: usize) {
        let weight = match self.scheduler {
            Scheduler::WeightedFair => u64::from(stream.priority.max(1)),
            _ => 1,
        };
        stream.served = stream.served.saturating_add(bytes as u64 * WEIGHT_SCALE / weight);
    }

    /// The turn of the stream in service is over: it goes to the end, if it has more.
    pub(super) fn end_turn(&mut self, streams: &mut Streams, messages: &Messages) {
        let Some(id) = self.in_service.take() else { return };
        let Some(stream) = streams.get_mut(id) else { return };
        stream.scheduled = can_serve(stream, messages);
        if stream.scheduled {
            self.last_turn += 1;
            stream.turn = self.last_turn;
            self.waiting.push(Reverse((self.key(stream, messages), id)));
        }
    }

    /// The stream in service could not send: it waits with the key it had, so that one that becomes more
    /// urgent meanwhile goes before it.
    pub(super) fn put_back(&mut self, streams: &Streams, messages: &Messages) {
        let Some(stream) = self.in_service.and_then(|id| streams.get(id)) else { return };
        if let Some(id) = self.in_service.take() {
            self.waiting.push(Reverse((self.key(stream, messages), id)));
        }
    }

    /// The stream in service may not begin its next message before others have ended theirs.
    pub(super) fn hold(&mut self) {
        self.held.extend(self.in_service.take());
    }

    /// A message ended: some of those that are held may ask again. Says whether there were any.
    pub(super) fn release(&mut self, streams: &Streams, messages: &Messages) -> bool {
        let count = RELEASED_AT_ONCE.min(self.held.len());
        for _ in 0..count {
            let Some(id) = self.held.pop_front() else { break };
            let Some(stream) = streams.get(id) else { continue };
            self.waiting.push(Reverse((self.key(stream, messages), id)));
        }
        count > 0
    }

    /// What stream `id` was sending was given up: if it is in service, its turn is over.
    pub(super) fn interrupt(&mut self, id: StreamId, streams: &mut Streams, messages: &Messages) {
        if self.in_service == Some(id) {
            self.end_turn(streams, messages);
        }
    }

    /// Forgets all.
    pub(super) fn clear(&mut self) {
        let scheduler = self.scheduler;
        *self = Self { scheduler, ..Self::default() };
    }

    fn key(&self, stream: &Stream, messages: &Messages) -> Key {
        match self.scheduler {
            Scheduler::FirstComeFirstServed => {
                (messages.get(stream.line.head).map_or(0, |message| message.arrival), 0)
            }
            Scheduler::RoundRobin | Scheduler::RoundRobinPerPacket => (stream.turn, 0),
            Scheduler::Priority => (u64::from(u16::MAX - stream.priority), stream.turn),
            Scheduler::FairCapacity | Scheduler::WeightedFair => (stream.served, stream.turn),
        }
    }
}

/// Whether `stream` has something that may be cut: while it is paused, only the rest of a message that
/// was begun.
pub(super) fn can_serve(stream: &Stream, messages: &Messages) -> bool {
    !stream.line.is_empty()
        && (!stream.paused
            || messages.get(stream.line.head).is_some_and(super::queue::Message::is_begun))
}

/// Streams that ask again when a message ended: more than one, since several short messages may take the
/// place of a long one, and not all, since there may be thousands.
const RELEASED_AT_ONCE: usize = 4;

/// A byte of a stream of weight 1, as fair queueing counts it.
const WEIGHT_SCALE: u64 = 1 << 16;
