//! Authenticated encryption with associated data, in place: RFC 5116.

use std::fmt;

#[cfg(debug_assertions)]
use crate::nonce_ledger::NonceLedger;
use crate::{BadKeyLength, BadTag, aws_lc, provider::Backend, rust_crypto};

/// An AEAD cipher. All of them take nonces of 12 bytes and make tags of 16.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AeadAlgorithm {
    /// AES-128 in Galois/counter mode (RFC 5116 §5.1).
    Aes128Gcm,
    /// AES-256 in Galois/counter mode (RFC 5116 §5.2).
    Aes256Gcm,
    /// ChaCha20 with Poly1305 (RFC 8439 §2.8).
    ChaCha20Poly1305,
}

impl AeadAlgorithm {
    /// Length of a key in bytes.
    #[must_use]
    pub const fn key_len(self) -> usize {
        match self {
            Self::Aes128Gcm => 16,
            Self::Aes256Gcm | Self::ChaCha20Poly1305 => 32,
        }
    }
}

/// Length in bytes of the nonce of every [`AeadAlgorithm`].
pub const AEAD_NONCE_LEN: usize = 12;

/// Length in bytes of the tag of every [`AeadAlgorithm`].
pub const AEAD_TAG_LEN: usize = 16;

/// A prepared key that seals and opens in place without allocating.
///
/// A nonce must never seal two messages under one key; that is for the protocol to see to. Builds with
/// debug assertions keep every nonce, and panic when one seals a second, different message under keys
/// of the same bytes. The key schedule is wiped when the key is dropped.
pub struct AeadKey {
    algorithm: AeadAlgorithm,
    state: State,
    #[cfg(debug_assertions)]
    ledger: NonceLedger,
}

#[expect(clippy::large_enum_variant, reason = "a box would cost every packet a pointer chase")]
enum State {
    AwsLc(aws_lc::aead::Key),
    RustCrypto(rust_crypto::aead::Key),
}

impl AeadKey {
    pub(crate) fn new(
        backend: Backend,
        algorithm: AeadAlgorithm,
        key: &[u8],
    ) -> Result<Self, BadKeyLength> {
        BadKeyLength::check(key, algorithm.key_len())?;
        let state = match backend {
            Backend::AwsLc => State::AwsLc(aws_lc::aead::Key::new(algorithm, key)),
            Backend::RustCrypto => State::RustCrypto(rust_crypto::aead::Key::new(algorithm, key)),
        };
        Ok(Self {
            algorithm,
            state,
            #[cfg(debug_assertions)]
            ledger: NonceLedger::of_key(algorithm, key),
        })
    }

    /// The algorithm the key is for.
    #[must_use]
    pub const fn algorithm(&self) -> AeadAlgorithm {
        self.algorithm
    }

    /// Encrypts `in_out` and returns the tag over it and `aad`.
    ///
    /// # Panics
    ///
    /// If `in_out` is longer than 64 GiB, the limit of AES-GCM (RFC 5116 §5.1). With debug assertions
    /// also if `nonce` sealed something else under this key.
    #[must_use]
    pub fn seal(
        &self,
        nonce: &[u8; AEAD_NONCE_LEN],
        aad: &[u8],
        in_out: &mut [u8],
    ) -> [u8; AEAD_TAG_LEN] {
        #[cfg(debug_assertions)]
        self.ledger.note(nonce, aad, in_out);
        match &self.state {
            State::AwsLc(key) => key.seal(nonce, aad, in_out),
            State::RustCrypto(key) => key.seal(nonce, aad, in_out),
        }
    }

    /// Encrypts the bytes of `buffer` from `start` on and appends the tag.
    ///
    /// # Panics
    ///
    /// As [`AeadKey::seal`].
    pub fn seal_and_append(
        &self,
        nonce: &[u8; AEAD_NONCE_LEN],
        aad: &[u8],
        buffer: &mut Vec<u8>,
        start: usize,
    ) {
        let tag = self.seal(nonce, aad, buffer.get_mut(start..).unwrap_or_default());
        buffer.extend_from_slice(&tag);
    }

    /// Checks `tag` over `in_out` and `aad`, and decrypts `in_out`.
    ///
    /// # Errors
    ///
    /// `BadTag` if key, nonce, data or tag are not the ones it was sealed with. What `in_out` holds
    /// then means nothing and must not be used.
    pub fn open(
        &self,
        nonce: &[u8; AEAD_NONCE_LEN],
        aad: &[u8],
        in_out: &mut [u8],
        tag: &[u8; AEAD_TAG_LEN],
    ) -> Result<(), BadTag> {
        match &self.state {
            State::AwsLc(key) => key.open(nonce, aad, in_out, tag),
            State::RustCrypto(key) => key.open(nonce, aad, in_out, tag),
        }
    }

    /// The same for a tag that follows the ciphertext; returns the plaintext.
    ///
    /// # Errors
    ///
    /// As [`AeadKey::open`], and if `in_out` is shorter than a tag.
    pub fn open_appended<'a>(
        &self,
        nonce: &[u8; AEAD_NONCE_LEN],
        aad: &[u8],
        in_out: &'a mut [u8],
    ) -> Result<&'a mut [u8], BadTag> {
        let (data, tag) = in_out.split_last_chunk_mut().ok_or(BadTag)?;
        self.open(nonce, aad, data, tag)?;
        Ok(data)
    }

    /// The same for a ciphertext that stays as it is: the plaintext becomes all that `out` holds.
    ///
    /// `out` allocates only if it never was that long.
    ///
    /// # Errors
    ///
    /// As [`AeadKey::open_appended`]; then what `out` holds means nothing.
    pub fn open_into(
        &self,
        nonce: &[u8; AEAD_NONCE_LEN],
        aad: &[u8],
        sealed: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), BadTag> {
        let (ciphertext, tag) = sealed.split_last_chunk().ok_or(BadTag)?;
        out.resize(ciphertext.len(), 0);
        match &self.state {
            State::AwsLc(key) => key.open_into(nonce, aad, ciphertext, tag, out),
            State::RustCrypto(key) => key.open_into(nonce, aad, ciphertext, tag, out),
        }
    }
}

impl fmt::Debug for AeadKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AeadKey").field("algorithm", &self.algorithm).finish_non_exhaustive()
    }
}
