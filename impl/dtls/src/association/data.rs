//! Application data that arrived and was not fetched yet.

use std::collections::VecDeque;

/// Most records that wait to be fetched. A caller that fetches after every datagram has a handful: as
/// many as fit one.
pub(super) const MAX_RECORDS: usize = 256;

/// Most bytes that wait to be fetched: what may come in one round trip on a fast path before a caller
/// gets to it.
pub(super) const MAX_BYTES: usize = 256 * 1024;

/// The same as long as nobody knows who the peer is: with the fragments of its messages (32 KiB and more)
/// it stays below the 64 KiB that a stranger may take.
pub(super) const MAX_UNVERIFIED_BYTES: usize = 16 * 1024;

/// Buffers kept for the next records, so that a steady stream allocates nothing.
const MAX_SPARE: usize = 8;

/// Application data that arrived and was not fetched yet, record by record.
#[derive(Default)]
pub(super) struct DataQueue {
    waiting: VecDeque<Vec<u8>>,
    bytes: usize,
    /// The record that was fetched last.
    fetched: Vec<u8>,
    spare: Vec<Vec<u8>>,
}

impl DataQueue {
    /// Takes `payload`, of a peer that `is_verified` or not, and leaves a buffer for the next one in its
    /// place; `false` if there is no room for it.
    pub(super) fn push(&mut self, payload: &mut Vec<u8>, is_verified: bool) -> bool {
        let most = if is_verified { MAX_BYTES } else { MAX_UNVERIFIED_BYTES };
        if self.waiting.len() >= MAX_RECORDS || self.bytes + payload.len() > most {
            return false;
        }
        let record = std::mem::replace(payload, self.spare.pop().unwrap_or_default());
        self.bytes += record.len();
        self.waiting.push_back(record);
        true
    }

    /// The next record.
    pub(super) fn pop(&mut self) -> Option<&[u8]> {
        let record = self.waiting.pop_front()?;
        self.bytes -= record.len();
        let old = std::mem::replace(&mut self.fetched, record);
        if self.spare.len() < MAX_SPARE {
            self.spare.push(old);
        }
        Some(&self.fetched)
    }

    /// Bytes that wait.
    pub(super) const fn held(&self) -> usize {
        self.bytes
    }

    /// Forgets everything.
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_come_out_as_they_went_in() {
        let mut queue = DataQueue::default();
        let push = |queue: &mut DataQueue, payload: &[u8]| queue.push(&mut payload.to_vec(), true);
        assert!([&b"one"[..], b"", b"three"].map(|payload| push(&mut queue, payload)) == [true; 3]);
        assert_eq!(queue.pop(), Some(&b"one"[..]));
        assert_eq!(queue.pop(), Some(&b""[..]));
        assert!(push(&mut queue, b"four"));
        assert_eq!(queue.pop(), Some(&b"three"[..]));
        assert_eq!(queue.pop(), Some(&b"four"[..]));
        assert_eq!(queue.pop(), None);
    }

    #[test]
    fn a_queue_that_nobody_empties_stays_bounded() {
        let mut queue = DataQueue::default();
        assert!((0..MAX_RECORDS).all(|_| queue.push(&mut b"x".to_vec(), true)));
        assert!(!queue.push(&mut b"x".to_vec(), true), "too many records");
        queue.clear();
        let some = MAX_UNVERIFIED_BYTES / 16;
        assert!((0..16).all(|_| queue.push(&mut vec![0; some], false)));
        assert!(!queue.push(&mut b"x".to_vec(), false), "too much of a stranger");
        queue.clear();
        assert!((0..16).all(|_| queue.push(&mut vec![0; MAX_BYTES / 16], true)));
        assert!(!queue.push(&mut b"x".to_vec(), true), "too many bytes");
        let _ = queue.pop();
        assert!(queue.push(&mut b"x".to_vec(), true), "room again");
    }
}
