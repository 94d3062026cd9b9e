//! Names of records.

use std::fmt;

/// What names a record among all that one end sends: the epoch of its keys and its number within it
/// (RFC 9147 §4, RFC 6347 §4.1).
///
/// On the wire both fields are shorter in version 1.3; these are the whole numbers. In version 1.2 an
/// epoch has 16 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecordNumber {
    /// The epoch: 0 without keys, then one higher with each set of keys.
    pub epoch: u64,
    /// The number within the epoch, below 2⁴⁸.
    pub sequence: u64,
}

impl RecordNumber {
    /// The record `sequence` of `epoch`.
    #[must_use]
    pub const fn new(epoch: u64, sequence: u64) -> Self {
        Self { epoch, sequence }
    }
}

impl fmt::Display for RecordNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.epoch, self.sequence)
    }
}
