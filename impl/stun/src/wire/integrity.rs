//! MESSAGE-INTEGRITY and MESSAGE-INTEGRITY-SHA256:
//! [RFC 8489 §14.5](https://www.rfc-editor.org/rfc/rfc8489#section-14.5).
//!
//! ```text
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |  HMAC-SHA1 (20 bytes) or HMAC-SHA256 (16 to 32 bytes)       ...
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! ```
//!
//! Both are computed over the message up to the attribute, with a length field that counts up to the
//! end of the attribute. The message stays as it is: the four bytes that change are hashed from a
//! copy of their own.

use crypto::HmacKey;

use super::{HEADER_LENGTH, Message, attribute::ATTRIBUTE_HEADER_LENGTH};
use crate::Key;

/// What came of checking something computed over a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Check {
    /// The attribute is not there.
    Absent,
    /// It is there and right.
    Passed,
    /// It is there and wrong.
    Failed,
}

impl Message<'_> {
    /// Whether MESSAGE-INTEGRITY is there.
    #[must_use]
    pub fn has_integrity(&self) -> bool {
        self.integrity_at().is_some()
    }

    /// Whether MESSAGE-INTEGRITY-SHA256 is there.
    #[must_use]
    pub fn has_integrity_sha256(&self) -> bool {
        self.integrity_sha256_at().is_some()
    }

    /// Checks MESSAGE-INTEGRITY in constant time.
    #[must_use]
    pub fn check_integrity(&self, key: &Key) -> Check {
        self.check_at(self.integrity_at(), key.sha1(), 20)
    }

    /// Checks MESSAGE-INTEGRITY-SHA256 in constant time. RFC 8489 §14.6: the value is whole unless
    /// the usage allows it to be cut; `shortest` is the least the usage takes, 32 for one that
    /// allows no cutting.
    #[must_use]
    pub fn check_integrity_sha256(&self, key: &Key, shortest: usize) -> Check {
        self.check_at(self.integrity_sha256_at(), key.sha256(), shortest)
    }

    #[inline]
    fn check_at(&self, at: Option<usize>, key: &HmacKey, shortest: usize) -> Check {
        let Some(at) = at else {
            return Check::Absent;
        };
        let tag = self.value_at(at);
        let end = at + ATTRIBUTE_HEADER_LENGTH + tag.len();
        let end = if base::mutant::active("stun-integrity-length-not-adjusted") {
            self.as_bytes().len()
        } else {
            end
        };
        let covered = self.as_bytes().get(..at).unwrap_or_default();
        let (head, tail) = covered_parts(covered, end);
        let is_long_enough = tag.len() >= shortest || base::mutant::active("stun-cut-tag-accepted");
        if is_long_enough && key.verify_truncated(&[&head, tail], tag).is_ok() {
            Check::Passed
        } else {
            Check::Failed
        }
    }
}

/// What is hashed for an attribute that ends at `end`: the first four bytes of the message with their
/// length field set right, and the rest of `covered`.
pub(super) fn covered_parts(covered: &[u8], end: usize) -> ([u8; 4], &[u8]) {
    let (&[kind_high, kind_low, ..], tail) =
        covered.split_first_chunk::<4>().unwrap_or((&[0; 4], &[]));
    let length = u16::try_from(end.saturating_sub(HEADER_LENGTH)).unwrap_or(u16::MAX);
    let [high, low] = length.to_be_bytes();
    ([kind_high, kind_low, high, low], tail)
}
