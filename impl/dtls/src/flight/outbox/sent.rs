//! Which record carried what.

use std::{collections::VecDeque, ops::Range};

use smallvec::SmallVec;

use crate::RecordNumber;

/// Records whose contents are remembered: several transmissions of a usual flight. Were an older one
/// acknowledged, its contents would merely be sent once more.
const MAX_SENT: usize = 128;

/// A piece of a message that was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Piece {
    pub(super) message_seq: u16,
    pub(super) range: Range<usize>,
}

/// The pieces of one record.
pub(super) type Pieces = SmallVec<[Piece; 2]>;

/// What was in the records sent last, so that an acknowledgement can be understood (RFC 9147 §7.2).
#[derive(Clone, Debug, Default)]
pub(super) struct Sent(VecDeque<(RecordNumber, Pieces)>);

impl Sent {
    /// A record was sent.
    pub(super) fn add(&mut self, number: RecordNumber, pieces: Pieces) {
        if self.0.len() >= MAX_SENT {
            self.0.pop_front();
        }
        self.0.push_back((number, pieces));
    }

    /// What was in the record; nothing if it is not known, or was asked for before.
    pub(super) fn take(&mut self, number: RecordNumber) -> Pieces {
        let at = self.0.iter().position(|(sent, _)| *sent == number);
        at.and_then(|at| self.0.remove(at)).map(|(_, pieces)| pieces).unwrap_or_default()
    }

    /// Bytes held.
    pub(super) fn held(&self) -> usize {
        self.0.capacity() * size_of::<(RecordNumber, Pieces)>()
    }
}
