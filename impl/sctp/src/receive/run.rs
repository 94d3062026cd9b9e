//! Fragments that came in a row, and the message they become.

use std::collections::VecDeque;

use bytes::Bytes;

use super::ledger::Ledger;
use crate::{Message, Misdeed, Ppid, StreamId};

/// What all fragments of a message have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Title {
    pub(super) stream: StreamId,
    pub(super) unordered: bool,
    /// The number of the message as it is on the wire; zero where it has none.
    pub(super) number: u32,
}

/// A message, or a fragment of one, as it arrives.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fragment<'a> {
    pub(super) title: Title,
    pub(super) begins: bool,
    pub(super) ends: bool,
    /// What the first fragment says, and of no meaning with the others.
    pub(super) ppid: Ppid,
    pub(super) payload: &'a [u8],
}

impl Fragment<'_> {
    pub(super) const fn is_whole(&self) -> bool {
        self.begins && self.ends
    }

    /// The message that it is.
    pub(super) fn to_message(self) -> Message {
        let Title { stream, unordered, .. } = self.title;
        Message {
            stream,
            ppid: self.ppid,
            unordered,
            payload: Bytes::copy_from_slice(self.payload),
        }
    }
}

/// Fragments of one message whose indices have no gap.
///
/// They lie in as few buffers as the order of their arrival allows: what follows is appended to the last
/// buffer, what precedes gets one of its own. Nothing is moved before the message is whole.
#[derive(Debug)]
pub(super) struct Run {
    title: Title,
    ppid: Ppid,
    first: u64,
    last: u64,
    begins: bool,
    ends: bool,
    bytes: usize,
    /// The buffer with the first bytes.
    head: Vec<u8>,
    /// The other buffers.
    more: VecDeque<Vec<u8>>,
}

impl Run {
    /// A run of one fragment, with room for `expected` bytes.
    pub(super) fn new(index: u64, fragment: &Fragment<'_>, expected: usize) -> Self {
        let bytes = fragment.payload.len();
        let mut head = Vec::with_capacity(expected.max(bytes));
        head.extend_from_slice(fragment.payload);
        Self {
            title: fragment.title,
            ppid: fragment.ppid,
            first: index,
            last: index,
            begins: fragment.begins,
            ends: fragment.ends,
            bytes,
            head,
            more: VecDeque::new(),
        }
    }

    // Told.

    /// Takes the fragment after the last.
    pub(super) fn append(&mut self, fragment: &Fragment<'_>) {
        self.more.back_mut().unwrap_or(&mut self.head).extend_from_slice(fragment.payload);
        self.bytes += fragment.payload.len();
        self.last += 1;
        self.ends = fragment.ends;
    }

    /// Takes the run after the last fragment. The shorter list of buffers moves.
    pub(super) fn join(&mut self, right: Self) {
        if self.more.len() >= right.more.len() {
            self.more.push_back(right.head);
            self.more.extend(right.more);
        } else {
            let mut more = right.more;
            more.push_front(right.head);
            while let Some(piece) = self.more.pop_back() {
                more.push_front(piece);
            }
            self.more = more;
        }
        self.bytes += right.bytes;
        self.last = right.last;
        self.ends = right.ends;
    }

    /// The message, once it has both ends.
    pub(super) fn into_message(self, ledger: &mut Ledger) -> Message {
        ledger.merge(self.more.len());
        let Title { stream, unordered, .. } = self.title;
        let payload = if self.more.is_empty() {
            let mut bytes = self.head;
            // Whoever keeps the message does not keep a buffer much larger than it.
            if bytes.capacity() - bytes.len() > bytes.len() / 4 {
                bytes.shrink_to_fit();
            }
            bytes
        } else {
            let mut bytes = Vec::with_capacity(self.bytes);
            bytes.extend_from_slice(&self.head);
            self.more.iter().for_each(|piece| bytes.extend_from_slice(piece));
            bytes
        };
        Message { stream, ppid: self.ppid, unordered, payload: Bytes::from(payload) }
    }

    // Asked.

    pub(super) const fn title(&self) -> Title {
        self.title
    }

    pub(super) const fn first(&self) -> u64 {
        self.first
    }

    pub(super) const fn last(&self) -> u64 {
        self.last
    }

    pub(super) const fn begins(&self) -> bool {
        self.begins
    }

    pub(super) const fn ends(&self) -> bool {
        self.ends
    }

    pub(super) const fn is_whole(&self) -> bool {
        self.begins && self.ends
    }

    pub(super) const fn bytes(&self) -> usize {
        self.bytes
    }

    pub(super) fn pieces(&self) -> usize {
        1 + self.more.len()
    }

    /// Whether a fragment or run right after this one goes on with its message, rather than beginning the
    /// next: RFC 9260 §6.9.
    pub(super) fn is_followed_by(&self, title: Title, begins: bool) -> Result<bool, Misdeed> {
        let stream = self.title.stream;
        match (self.ends, begins) {
            (true, true) => Ok(false),
            (true, false) => Err(Misdeed::FragmentAfterLast(stream)),
            (false, true) => Err(Misdeed::ContradictoryFragments(stream)),
            (false, false) if title != self.title => Err(Misdeed::ContradictoryFragments(stream)),
            (false, false) => Ok(true),
        }
    }
}
