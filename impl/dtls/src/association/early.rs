//! Records that came before the keys that open them.

use std::collections::VecDeque;

/// Most records that are kept until their keys come. A flight of the peer that overtakes our last step
/// is a handful of records (RFC 9147 §4.2.1, RFC 6347 §4.2.4 let them be kept).
pub(super) const MAX_EARLY_RECORDS: usize = 8;

/// Longest record that is kept; what comes early is fragments of handshake messages or the first
/// data, and those fit a datagram on any path.
const MAX_EARLY_RECORD: usize = 2_048;

/// Records that came before the keys that open them. Anybody may have sent them.
#[derive(Default)]
pub(super) struct EarlyRecords(VecDeque<Vec<u8>>);

impl EarlyRecords {
    /// Keeps a copy of a whole record; `false` if there is no room for it.
    pub(super) fn push(&mut self, record: &[u8]) -> bool {
        let fits = self.0.len() < MAX_EARLY_RECORDS && record.len() <= MAX_EARLY_RECORD;
        if fits {
            self.0.push_back(record.to_vec());
        }
        fits
    }

    /// Takes all of them out.
    pub(super) fn take(&mut self) -> VecDeque<Vec<u8>> {
        std::mem::take(&mut self.0)
    }

    /// Bytes kept.
    pub(super) fn held(&self) -> usize {
        self.0.iter().map(Vec::len).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_and_short_records_are_kept() {
        let mut early = EarlyRecords::default();
        assert!(!early.push(&[0; MAX_EARLY_RECORD + 1]), "too long");
        for _ in 0..MAX_EARLY_RECORDS {
            assert!(early.push(&[0; MAX_EARLY_RECORD]));
        }
        assert!(!early.push(b""), "too many");
        assert_eq!(early.take().len(), MAX_EARLY_RECORDS);
        assert!(early.push(b"again") && early.held() == 5);
    }
}
