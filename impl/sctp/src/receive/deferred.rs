//! User data that came ahead of a stream's reset: RFC 6525 §5.2.2.

use std::collections::BTreeMap;

use super::{ledger::Ledger, run::Fragment, tsns::Place};
use crate::StreamId;

/// A chunk that waits.
#[derive(Debug)]
pub(super) struct Held {
    title: super::run::Title,
    begins: bool,
    ends: bool,
    ppid: crate::Ppid,
    /// Its number within the message, where it has one.
    pub(super) index: u64,
    payload: Vec<u8>,
}

impl Held {
    /// The chunk again.
    pub(super) fn fragment(&self) -> Fragment<'_> {
        let Self { title, begins, ends, ppid, index: _, payload } = self;
        Fragment { title: *title, begins: *begins, ends: *ends, ppid: *ppid, payload }
    }
}

/// Streams that are to be reset once all up to a number has arrived, and what came for them beyond it.
#[derive(Debug)]
pub(super) struct Deferred {
    /// None for all.
    streams: Vec<StreamId>,
    last: Place,
    chunks: BTreeMap<Place, Held>,
}

impl Deferred {
    /// Waits for `last` with the reset of `streams`, all of them where none is named.
    pub(super) fn new(streams: &[StreamId], last: Place) -> Self {
        let mut streams = streams.to_vec();
        streams.sort_unstable();
        Self { streams, last, chunks: BTreeMap::new() }
    }

    /// Whether a chunk of `stream` at `place` has to wait.
    pub(super) fn concerns(&self, place: Place, stream: StreamId) -> bool {
        place > self.last
            && (self.streams.is_empty() || self.streams.binary_search(&stream).is_ok())
    }

    /// Keeps a chunk.
    pub(super) fn hold(
        &mut self,
        place: Place,
        index: u64,
        fragment: &Fragment<'_>,
        ledger: &mut Ledger,
    ) {
        let &Fragment { title, begins, ends, ppid, payload } = fragment;
        ledger.add_piece(payload.len());
        let held = Held { title, begins, ends, ppid, index, payload: payload.to_vec() };
        self.chunks.insert(place, held);
    }

    /// The chunks in the order of their numbers, no longer counted.
    pub(super) fn release(
        self,
        ledger: &mut Ledger,
    ) -> impl Iterator<Item = (Place, Held)> + use<> {
        for held in self.chunks.values() {
            ledger.remove(1, held.payload.len());
        }
        self.chunks.into_iter()
    }
}
