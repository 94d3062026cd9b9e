//! How much a key may do.

use crypto::AeadAlgorithm;

/// Limits of an epoch's keys. The default is what the RFCs bear; a test lowers them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Limits {
    /// Records that one key of version 1.3 seals, beside the cipher's own limit.
    pub(crate) sealed: u64,
    /// Records that may fail to open under one key.
    pub(crate) failures: u64,
    /// The highest number of a record.
    pub(crate) sequence: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { sealed: u64::MAX, failures: MAX_FAILURES, sequence: MAX_SEQUENCE }
    }
}

/// How many records a key of version 1.3 may seal (RFC 8446 §5.5, RFC 9147 §4.5.3). For
/// ChaCha20-Poly1305 numbers run out first.
pub(super) const fn sealed_limit(algorithm: AeadAlgorithm) -> u64 {
    match algorithm {
        AeadAlgorithm::Aes128Gcm | AeadAlgorithm::Aes256Gcm => MAX_SEALED_BY_GCM,
        AeadAlgorithm::ChaCha20Poly1305 => u64::MAX,
    }
}

/// 2^24.5 full-sized records.
const MAX_SEALED_BY_GCM: u64 = 23_726_566;

/// RFC 9147 §4.5.3, for every cipher that is spoken here.
const MAX_FAILURES: u64 = 1 << 36;

/// What the 48 bits of a long header count to. RFC 9147 §8 has version 1.3 keep to it as well.
const MAX_SEQUENCE: u64 = (1 << 48) - 1;
