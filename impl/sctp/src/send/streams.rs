//! What is kept of each stream: allocated when it is first used, so that 65,535 of them cost nothing.

use super::queue::Line;
use crate::StreamId;

/// Streams in a page.
const PAGE: usize = 16;

/// The weight and rank of a stream of which nothing was said: "normal" of RFC 8831 §6.4.
pub(super) const NORMAL_PRIORITY: u16 = 256;

/// One stream of ours.
#[derive(Clone, Debug)]
pub(super) struct Stream {
    /// Its waiting messages.
    pub(super) line: Line,
    /// Bytes of them that were not cut.
    pub(super) buffered: usize,
    /// When `buffered` falls to this, the application wants to know.
    pub(super) low_threshold: usize,
    /// The number of its next ordered message.
    pub(super) next_ordered: u32,
    /// The number of its next unordered message, where messages are interleaved.
    pub(super) next_unordered: u32,
    pub(super) priority: u16,
    /// Whether no message may begin.
    pub(super) paused: bool,
    /// Whether the scheduler knows that it has something.
    pub(super) scheduled: bool,
    /// Where it stands in fair queueing: bytes served, divided by its weight.
    pub(super) served: u64,
    /// When it was last put at the end of the round.
    pub(super) turn: u64,
}

impl Default for Stream {
    fn default() -> Self {
        Self {
            line: Line::default(),
            buffered: 0,
            low_threshold: 0,
            next_ordered: 0,
            next_unordered: 0,
            priority: NORMAL_PRIORITY,
            paused: false,
            scheduled: false,
            served: 0,
            turn: 0,
        }
    }
}

/// All of them.
#[derive(Debug, Default)]
pub(super) struct Streams {
    pages: Vec<Option<Box<[Stream; PAGE]>>>,
}

impl Streams {
    pub(super) fn get(&self, id: StreamId) -> Option<&Stream> {
        self.pages.get(id.index() / PAGE)?.as_ref()?.get(id.index() % PAGE)
    }

    pub(super) fn get_mut(&mut self, id: StreamId) -> Option<&mut Stream> {
        self.pages.get_mut(id.index() / PAGE)?.as_mut()?.get_mut(id.index() % PAGE)
    }

    /// The stream, made if need be.
    #[expect(clippy::expect_used, reason = "the page was made the line before")]
    pub(super) fn entry(&mut self, id: StreamId) -> &mut Stream {
        let page = id.index() / PAGE;
        if self.pages.len() <= page {
            self.pages.resize_with(page + 1, || None);
        }
        if let Some(entry) = self.pages.get_mut(page) {
            entry.get_or_insert_with(Box::default);
        }
        self.get_mut(id).expect("its page exists")
    }

    /// All that were ever used, in order.
    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = (StreamId, &mut Stream)> {
        self.pages.iter_mut().enumerate().flat_map(|(page, streams)| {
            streams.iter_mut().flat_map(move |streams| {
                streams.iter_mut().enumerate().map(move |(place, stream)| {
                    let id = u16::try_from(page * PAGE + place).unwrap_or(u16::MAX);
                    (StreamId::new(id), stream)
                })
            })
        })
    }
}
