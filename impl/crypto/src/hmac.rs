//! Keyed hashing for message authentication: RFC 2104.

use std::fmt;

use crate::{BadTag, aws_lc, constant_time_eq, hash::MAX_OUTPUT, provider::Backend, rust_crypto};

/// The hash function under an HMAC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum HmacAlgorithm {
    /// HMAC-SHA1: STUN MESSAGE-INTEGRITY and SRTP. HMAC does not need the collision resistance that
    /// SHA-1 lost.
    Sha1,
    /// HMAC-SHA256.
    Sha256,
    /// HMAC-SHA384.
    Sha384,
    /// HMAC-SHA512.
    Sha512,
}

impl HmacAlgorithm {
    /// Length of the full tag in bytes.
    #[must_use]
    pub const fn tag_len(self) -> usize {
        match self {
            Self::Sha1 => 20,
            Self::Sha256 => 32,
            Self::Sha384 => 48,
            Self::Sha512 => 64,
        }
    }
}

/// A key with the hash states it leads to, so that a message costs its own blocks and one more.
///
/// Signing and verifying do not allocate. The states are wiped when the key is dropped.
#[derive(Clone)]
pub struct HmacKey {
    algorithm: HmacAlgorithm,
    state: State,
}

#[derive(Clone)]
#[expect(clippy::large_enum_variant, reason = "a box would cost every message a pointer chase")]
enum State {
    AwsLc(aws_lc::hmac::Key),
    RustCrypto(rust_crypto::hmac::Key),
}

impl HmacKey {
    pub(crate) fn new(backend: Backend, algorithm: HmacAlgorithm, key: &[u8]) -> Self {
        let state = match backend {
            Backend::AwsLc => State::AwsLc(aws_lc::hmac::Key::new(algorithm, key)),
            Backend::RustCrypto => State::RustCrypto(rust_crypto::hmac::Key::new(algorithm, key)),
        };
        Self { algorithm, state }
    }

    /// The algorithm the key is for.
    #[must_use]
    pub const fn algorithm(&self) -> HmacAlgorithm {
        self.algorithm
    }

    /// The tag of the concatenation of `parts`.
    #[must_use]
    pub fn sign(&self, parts: &[&[u8]]) -> Tag {
        match &self.state {
            State::AwsLc(key) => key.sign(parts),
            State::RustCrypto(key) => key.sign(parts),
        }
    }

    /// Accepts the full `tag` of the concatenation of `parts`, compared in constant time.
    ///
    /// # Errors
    ///
    /// `BadTag` if it is another tag, or not the full length.
    pub fn verify(&self, parts: &[&[u8]], tag: &[u8]) -> Result<(), BadTag> {
        if constant_time_eq(self.sign(parts).as_ref(), tag) { Ok(()) } else { Err(BadTag) }
    }

    /// Accepts the leftmost bytes of the tag of the concatenation of `parts`, compared in constant
    /// time. The caller sees to it that `tag` is as long as its protocol demands.
    ///
    /// # Errors
    ///
    /// `BadTag` if it is another tag, empty, or longer than the full one.
    pub fn verify_truncated(&self, parts: &[&[u8]], tag: &[u8]) -> Result<(), BadTag> {
        let full = self.sign(parts);
        match full.as_ref().get(..tag.len()) {
            Some(leftmost) if !tag.is_empty() && constant_time_eq(leftmost, tag) => Ok(()),
            _ => Err(BadTag),
        }
    }
}

impl fmt::Debug for HmacKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HmacKey").field("algorithm", &self.algorithm).finish_non_exhaustive()
    }
}

/// An authentication tag, to be sent.
#[derive(Clone, Copy)]
pub struct Tag {
    bytes: [u8; MAX_OUTPUT],
    length: usize,
}

impl Tag {
    /// The first 64 bytes of `bytes`; no HMAC returns more.
    pub(crate) fn new(bytes: &[u8]) -> Self {
        let mut tag = Self { bytes: [0; MAX_OUTPUT], length: bytes.len().min(MAX_OUTPUT) };
        tag.bytes.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
        tag
    }
}

impl AsRef<[u8]> for Tag {
    fn as_ref(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }
}

impl fmt::Debug for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tag({} bytes)", self.length)
    }
}
