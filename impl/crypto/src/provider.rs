//! The provider: where every operation starts.

use crate::{Digest, HashAlgorithm, HmacAlgorithm, HmacKey, aws_lc, rust_crypto as pure};

/// A set of implementations of every primitive: a plain value, copied into each machine's config.
///
/// Both back-ends compute the same functions; what differs is speed and determinism. Keys made by a
/// provider remember their back-end, so only the place that makes a key names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Provider(pub(crate) Backend);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Backend {
    AwsLc,
    RustCrypto,
}

/// The default provider, on AWS-LC.
#[must_use]
pub const fn aws_lc_rs() -> Provider {
    Provider(Backend::AwsLc)
}

/// The deterministic provider, in pure Rust.
#[must_use]
pub const fn rust_crypto() -> Provider {
    Provider(Backend::RustCrypto)
}

impl Default for Provider {
    fn default() -> Self {
        aws_lc_rs()
    }
}

impl Provider {
    /// Hashes the concatenation of `parts`.
    #[must_use]
    pub fn hash(self, algorithm: HashAlgorithm, parts: &[&[u8]]) -> Digest {
        match self.0 {
            Backend::AwsLc => aws_lc::hash::hash(algorithm, parts),
            Backend::RustCrypto => pure::hash::hash(algorithm, parts),
        }
    }

    /// Prepares `key`, of any length, for any number of messages.
    #[must_use]
    pub fn hmac_key(self, algorithm: HmacAlgorithm, key: &[u8]) -> HmacKey {
        HmacKey::new(self.0, algorithm, key)
    }
}
