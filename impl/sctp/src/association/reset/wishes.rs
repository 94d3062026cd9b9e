//! What the application wants and the peer was not asked yet.

use std::collections::BTreeSet;

use base::Instant;

use crate::{StreamId, send::Sender};

/// Streams, or all of them.
#[derive(Debug, Default)]
pub(super) struct Streams {
    all: bool,
    some: BTreeSet<StreamId>,
}

impl Streams {
    /// Adds streams; none means all.
    pub(super) fn add(&mut self, streams: &[StreamId]) {
        self.all |= streams.is_empty();
        self.some.extend(streams);
        if self.all {
            self.some.clear();
        }
    }

    pub(super) fn contains(&self, stream: StreamId) -> bool {
        self.all || self.some.contains(&stream)
    }

    pub(super) fn is_empty(&self) -> bool {
        !self.all && self.some.is_empty()
    }

    /// Takes out at most `most` of those that `is_ready`, in order; an empty list is all of them, and then
    /// `all_ready` decides.
    pub(super) fn take(
        &mut self,
        most: usize,
        is_ready: impl Fn(StreamId) -> bool,
        all_ready: impl FnOnce() -> bool,
    ) -> Option<Vec<StreamId>> {
        if self.all {
            self.all = !all_ready();
            return (!self.all).then(Vec::new);
        }
        let ready = self.some.iter().copied().filter(|&stream| is_ready(stream));
        let taken: Vec<_> = ready.take(most).collect();
        for stream in &taken {
            self.some.remove(stream);
        }
        (!taken.is_empty()).then_some(taken)
    }
}

/// Everything that is wanted. Two wishes of a kind become one, so that they need no limit of their own:
/// there are no more of them than streams.
#[derive(Debug, Default)]
pub(super) struct Wishes {
    /// Streams of ours to begin anew, once what waits on them was sent.
    pub(super) outgoing: Streams,
    /// Streams that the peer is asked to begin anew.
    pub(super) incoming: Streams,
    /// More streams to send on.
    pub(super) add_outgoing: u16,
    /// More streams that the peer is asked to have.
    pub(super) add_incoming: u16,
    /// Both directions to begin anew, not before this.
    pub(super) association: Option<Instant>,
}

impl Wishes {
    pub(super) fn is_empty(&self) -> bool {
        self.outgoing.is_empty()
            && self.incoming.is_empty()
            && self.add_outgoing == 0
            && self.add_incoming == 0
            && self.association.is_none()
    }

    /// Streams of ours on which nothing waits to be sent for the first time, of those that are to begin
    /// anew.
    pub(super) fn take_outgoing(&mut self, most: usize, sender: &Sender) -> Option<Vec<StreamId>> {
        let is_ready = |stream| sender.buffered(stream) == 0;
        self.outgoing.take(most, is_ready, || sender.total_buffered() == 0)
    }

    pub(super) fn take_incoming(&mut self, most: usize) -> Option<Vec<StreamId>> {
        self.incoming.take(most, |_| true, || true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(ids: &[u16]) -> Vec<StreamId> {
        ids.iter().copied().map(StreamId::new).collect()
    }

    #[test]
    fn wishes_for_streams_become_one() {
        let mut streams = Streams::default();
        streams.add(&ids(&[5, 1]));
        streams.add(&ids(&[1, 0xfffe]));
        assert!(streams.contains(StreamId::new(5)) && !streams.contains(StreamId::new(2)));
        assert_eq!(streams.take(2, |_| true, || true), Some(ids(&[1, 5])));
        assert_eq!(streams.take(2, |_| false, || true), None);
        assert_eq!(streams.take(2, |_| true, || true), Some(ids(&[0xfffe])));
        assert!(streams.is_empty());
    }

    #[test]
    fn all_streams_swallow_the_others_and_go_together() {
        let mut streams = Streams::default();
        streams.add(&ids(&[5]));
        streams.add(&[]);
        assert!(streams.contains(StreamId::new(9)));
        assert_eq!(streams.take(1, |_| true, || false), None);
        assert_eq!(streams.take(1, |_| true, || true), Some(Vec::new()));
        assert!(streams.is_empty());
    }
}
