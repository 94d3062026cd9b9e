//! Ciphers without authentication, for the protocols that build on them.

use std::fmt;

use crate::{AeadAlgorithm, BadKeyLength, aws_lc, provider::Backend, rust_crypto};

/// AES in counter mode: the cipher of SRTP (RFC 3711 §4.1.1, RFC 6188 §2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CtrAlgorithm {
    /// With a key of 16 bytes.
    Aes128Ctr,
    /// With a key of 32 bytes.
    Aes256Ctr,
}

impl CtrAlgorithm {
    /// Length of a key in bytes.
    #[must_use]
    pub const fn key_len(self) -> usize {
        match self {
            Self::Aes128Ctr => 16,
            Self::Aes256Ctr => 32,
        }
    }
}

/// A prepared key of a counter-mode cipher. Its schedule is wiped when it is dropped.
pub struct CtrKey {
    algorithm: CtrAlgorithm,
    state: CtrState,
}

enum CtrState {
    AwsLc(aws_lc::cipher::CtrKey),
    RustCrypto(rust_crypto::cipher::CtrKey),
}

impl CtrKey {
    pub(crate) fn new(
        backend: Backend,
        algorithm: CtrAlgorithm,
        key: &[u8],
    ) -> Result<Self, BadKeyLength> {
        BadKeyLength::check(key, algorithm.key_len())?;
        let state = match backend {
            Backend::AwsLc => CtrState::AwsLc(aws_lc::cipher::CtrKey::new(algorithm, key)),
            Backend::RustCrypto => {
                CtrState::RustCrypto(rust_crypto::cipher::CtrKey::new(algorithm, key))
            }
        };
        Ok(Self { algorithm, state })
    }

    /// The algorithm the key is for.
    #[must_use]
    pub const fn algorithm(&self) -> CtrAlgorithm {
        self.algorithm
    }

    /// Adds the key stream that starts at `counter`, a big-endian number that wraps at 128 bits, to
    /// `in_out`: encrypts plaintext, decrypts ciphertext, and turns zeros into key stream.
    pub fn apply(&self, counter: &[u8; 16], in_out: &mut [u8]) {
        match &self.state {
            CtrState::AwsLc(key) => key.apply(counter, in_out),
            CtrState::RustCrypto(key) => key.apply(counter, in_out),
        }
    }
}

impl fmt::Debug for CtrKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CtrKey").field("algorithm", &self.algorithm).finish_non_exhaustive()
    }
}

/// A prepared key that masks record numbers of DTLS 1.3: RFC 9147 §4.2.3. Wiped when dropped.
pub struct RecordNumberKey {
    algorithm: AeadAlgorithm,
    state: RecordNumberState,
}

enum RecordNumberState {
    AwsLc(aws_lc::cipher::RecordNumberKey),
    RustCrypto(rust_crypto::cipher::RecordNumberKey),
}

impl RecordNumberKey {
    pub(crate) fn new(
        backend: Backend,
        algorithm: AeadAlgorithm,
        key: &[u8],
    ) -> Result<Self, BadKeyLength> {
        use RecordNumberState as State;
        BadKeyLength::check(key, algorithm.key_len())?;
        let state = match backend {
            Backend::AwsLc => State::AwsLc(aws_lc::cipher::RecordNumberKey::new(algorithm, key)),
            Backend::RustCrypto => {
                State::RustCrypto(rust_crypto::cipher::RecordNumberKey::new(algorithm, key))
            }
        };
        Ok(Self { algorithm, state })
    }

    /// The AEAD of the records whose numbers the key masks.
    #[must_use]
    pub const fn algorithm(&self) -> AeadAlgorithm {
        self.algorithm
    }

    /// The two bytes to add to the record number, from the first 16 bytes of the ciphertext. A short
    /// record number takes the first byte alone.
    #[must_use]
    pub fn mask(&self, ciphertext: &[u8; 16]) -> [u8; 2] {
        match &self.state {
            RecordNumberState::AwsLc(key) => key.mask(ciphertext),
            RecordNumberState::RustCrypto(key) => key.mask(ciphertext),
        }
    }
}

impl fmt::Debug for RecordNumberKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecordNumberKey")
            .field("algorithm", &self.algorithm)
            .finish_non_exhaustive()
    }
}
