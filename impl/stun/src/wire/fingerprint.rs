//! FINGERPRINT, by which STUN is told from its neighbours on a port:
//! [RFC 8489 §14.7](https://www.rfc-editor.org/rfc/rfc8489#section-14.7).
//!
//! ```text
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |             CRC-32 of what comes before, XOR 0x5354554e       |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! ```

use super::{Check, Message};

/// Keeps a fingerprint from being taken for the CRC-32 of another protocol.
const MASK: u32 = 0x5354_554e;

/// The fingerprint of a message whose bytes up to the attribute are `covered`.
pub(super) fn fingerprint(covered: &[u8]) -> u32 {
    crc32fast::hash(covered) ^ MASK
}

impl Message<'_> {
    /// Whether FINGERPRINT is there.
    #[must_use]
    pub fn has_fingerprint(&self) -> bool {
        self.fingerprint_at().is_some()
    }

    /// Checks FINGERPRINT.
    #[must_use]
    pub fn check_fingerprint(&self) -> Check {
        let Some(at) = self.fingerprint_at() else {
            return Check::Absent;
        };
        if base::mutant::active("stun-skips-fingerprint") {
            return Check::Passed;
        }
        let covered = self.as_bytes().get(..at).unwrap_or_default();
        let right = self.value_at(at) == fingerprint(covered).to_be_bytes();
        if right { Check::Passed } else { Check::Failed }
    }
}
