//! HMAC on AWS-LC, which keeps the hash states of the padded key in its key.

use aws_lc_rs::hmac::{self, Context};

use crate::{HmacAlgorithm, Tag, rust_crypto};

#[derive(Clone)]
#[expect(clippy::large_enum_variant, reason = "a box would cost every message a pointer chase")]
pub(crate) enum Key {
    Native(hmac::Key),
    /// The states of the other back-end, for the hashes with 64-byte blocks.
    ///
    /// AWS-LC copies and wipes the three hash contexts of its key for every message, which on a STUN
    /// message of 92 bytes takes longer than hashing it (300 ns against 190 ns in all). Where the
    /// processor hashes by itself, both libraries use the same instructions for the rest.
    Lean(rust_crypto::hmac::Key),
}

impl Key {
    pub(crate) fn new(algorithm: HmacAlgorithm, key: &[u8]) -> Self {
        match algorithm {
            HmacAlgorithm::Sha1 | HmacAlgorithm::Sha256 if has_hash_instructions() => {
                Self::Lean(rust_crypto::hmac::Key::new(algorithm, key))
            }
            _ => Self::native(algorithm, key),
        }
    }

    fn native(algorithm: HmacAlgorithm, key: &[u8]) -> Self {
        let algorithm = match algorithm {
            HmacAlgorithm::Sha1 => hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
            HmacAlgorithm::Sha256 => hmac::HMAC_SHA256,
            HmacAlgorithm::Sha384 => hmac::HMAC_SHA384,
            HmacAlgorithm::Sha512 => hmac::HMAC_SHA512,
        };
        Self::Native(hmac::Key::new(algorithm, key))
    }

    pub(crate) fn sign(&self, parts: &[&[u8]]) -> Tag {
        match self {
            Self::Native(key) => {
                let mut context = Context::with_key(key);
                parts.iter().for_each(|part| context.update(part));
                Tag::new(context.sign().as_ref())
            }
            Self::Lean(key) => key.sign(parts),
        }
    }
}

/// Whether the processor has instructions for SHA-1 and SHA-256.
#[cfg(target_arch = "x86_64")]
fn has_hash_instructions() -> bool {
    std::arch::is_x86_feature_detected!("sha")
}

/// Whether the processor has instructions for SHA-1 and SHA-256.
#[cfg(target_arch = "aarch64")]
fn has_hash_instructions() -> bool {
    std::arch::is_aarch64_feature_detected!("sha2")
}

/// Whether the processor has instructions for SHA-1 and SHA-256: not that we know.
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
const fn has_hash_instructions() -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_native_key_and_the_lean_one_sign_alike() {
        let bytes: Vec<u8> = (0..=255).cycle().take(400).collect();
        for algorithm in [HmacAlgorithm::Sha1, HmacAlgorithm::Sha256] {
            for length in 0..bytes.len() {
                let (key, message) = bytes.split_at(length);
                let native = Key::native(algorithm, key).sign(&[message]);
                let lean = rust_crypto::hmac::Key::new(algorithm, key).sign(&[message]);
                assert_eq!(native.as_ref(), lean.as_ref());
            }
        }
    }
}
