//! Hash functions and their results.

use std::fmt;

use md5::{Digest as _, Md5};
use zeroize::Zeroize;

use crate::{aws_lc, provider::Backend, rust_crypto};

/// A hash function.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum HashAlgorithm {
    /// MD5 (RFC 1321). Broken; the long-term key of RFC 8489 §9.2.2 still needs it.
    Md5,
    /// SHA-1 (RFC 3174). Broken; certificate fingerprints of old peers still use it.
    Sha1,
    /// SHA-256 (RFC 6234).
    Sha256,
    /// SHA-384 (RFC 6234).
    Sha384,
    /// SHA-512 (RFC 6234).
    Sha512,
}

impl HashAlgorithm {
    /// Length of the digest in bytes.
    #[must_use]
    pub const fn output_len(self) -> usize {
        match self {
            Self::Md5 => 16,
            Self::Sha1 => 20,
            Self::Sha256 => 32,
            Self::Sha384 => 48,
            Self::Sha512 => 64,
        }
    }
}

/// The longest digest: SHA-512.
pub(crate) const MAX_OUTPUT: usize = 64;

/// What a hash function returns.
///
/// A digest may be a secret (the long-term key of STUN is one), so `Debug` does not show it and it is
/// wiped when dropped.
#[derive(Clone)]
pub struct Digest {
    bytes: [u8; MAX_OUTPUT],
    length: usize,
}

impl Digest {
    /// The first 64 bytes of `bytes`; no hash function returns more.
    pub(crate) fn new(bytes: &[u8]) -> Self {
        let mut digest = Self { bytes: [0; MAX_OUTPUT], length: bytes.len().min(MAX_OUTPUT) };
        digest.bytes.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
        digest
    }
}

impl AsRef<[u8]> for Digest {
    fn as_ref(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }
}

impl PartialEq for Digest {
    fn eq(&self, other: &Self) -> bool {
        crate::constant_time_eq(self.as_ref(), other.as_ref())
    }
}

impl Eq for Digest {}

impl Drop for Digest {
    fn drop(&mut self) {
        self.bytes.zeroize();
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digest({} bytes)", self.length)
    }
}

/// A hash that is still being fed, for a message that arrives in parts.
///
/// A clone goes on from the same point. What was fed may be a secret, so `Debug` does not show it.
#[derive(Clone)]
pub struct Hasher {
    algorithm: HashAlgorithm,
    state: State,
}

#[derive(Clone)]
enum State {
    AwsLc(aws_lc::hash::Hasher),
    RustCrypto(rust_crypto::hash::Hasher),
}

impl Hasher {
    pub(crate) fn new(backend: Backend, algorithm: HashAlgorithm) -> Self {
        let state = match backend {
            Backend::AwsLc => State::AwsLc(aws_lc::hash::Hasher::new(algorithm)),
            Backend::RustCrypto => State::RustCrypto(rust_crypto::hash::Hasher::new(algorithm)),
        };
        Self { algorithm, state }
    }

    /// The hash function.
    #[must_use]
    pub const fn algorithm(&self) -> HashAlgorithm {
        self.algorithm
    }

    /// Appends `bytes` to the message.
    pub fn update(&mut self, bytes: &[u8]) {
        match &mut self.state {
            State::AwsLc(hasher) => hasher.update(bytes),
            State::RustCrypto(hasher) => hasher.update(bytes),
        }
    }

    /// The digest of the message so far. The hasher can be fed on.
    #[must_use]
    pub fn digest(&self) -> Digest {
        match &self.state {
            State::AwsLc(hasher) => hasher.digest(),
            State::RustCrypto(hasher) => hasher.digest(),
        }
    }
}

impl fmt::Debug for Hasher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hasher").field("algorithm", &self.algorithm).finish_non_exhaustive()
    }
}

/// MD5 for both back-ends: AWS-LC does not offer it through its Rust interface.
pub(crate) fn md5(parts: &[&[u8]]) -> Digest {
    let mut hasher = Md5::new();
    parts.iter().for_each(|part| hasher.update(part));
    Digest::new(&hasher.finalize())
}
