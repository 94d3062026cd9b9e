//! Key exchange as TLS uses it: shares cross, and both sides hold one secret.

use std::fmt;

use base::Rng;
use zeroize::Zeroizing;

use crate::{aws_lc, provider::Backend, rust_crypto};

/// A group of the TLS registry that keys are exchanged in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NamedGroup {
    /// ECDH on P-256 (RFC 8446 §4.2.8.2); shares are uncompressed points of 65 bytes.
    Secp256r1,
    /// ECDH on P-384; shares are uncompressed points of 97 bytes.
    Secp384r1,
    /// ECDH on Curve25519 (RFC 7748 §6.1); shares have 32 bytes.
    X25519,
    /// ML-KEM-768 (FIPS 203) and X25519 together, as draft-ietf-tls-ecdhe-mlkem defines them: the
    /// secret is safe as long as one of them is. ML-KEM comes first in shares and secret.
    X25519MlKem768,
}

impl NamedGroup {
    /// The code point of the TLS Supported Groups registry.
    #[must_use]
    pub const fn code_point(self) -> u16 {
        match self {
            Self::Secp256r1 => 0x0017,
            Self::Secp384r1 => 0x0018,
            Self::X25519 => 0x001d,
            Self::X25519MlKem768 => 0x11ec,
        }
    }

    /// Length in bytes of the share of the side that begins, the TLS 1.3 client.
    #[must_use]
    pub const fn initiator_share_len(self) -> usize {
        match self {
            Self::X25519MlKem768 => ENCAPSULATION_KEY_LEN + X25519_LEN,
            _ => self.responder_share_len(),
        }
    }

    /// Length in bytes of the share of the side that answers.
    #[must_use]
    pub const fn responder_share_len(self) -> usize {
        match self {
            Self::Secp256r1 => 65,
            Self::Secp384r1 => 97,
            Self::X25519 => X25519_LEN,
            Self::X25519MlKem768 => CIPHERTEXT_LEN + X25519_LEN,
        }
    }
}

/// The secret half of the side that begins; it is used once and wiped.
pub struct KeyExchange {
    group: NamedGroup,
    share: Vec<u8>,
    private: Private,
}

enum Private {
    Ecdh(Ecdh),
    Hybrid(Decapsulator, Ecdh),
}

impl KeyExchange {
    pub(crate) fn new(backend: Backend, group: NamedGroup, rng: &mut Rng) -> Self {
        if group != NamedGroup::X25519MlKem768 {
            let (private, share) = Ecdh::generate(backend, group, rng);
            return Self { group, share, private: Private::Ecdh(private) };
        }
        let (decapsulator, mut share) = Decapsulator::generate(backend, rng);
        let (private, x25519_share) = Ecdh::generate(backend, NamedGroup::X25519, rng);
        share.extend_from_slice(&x25519_share);
        Self { group, share, private: Private::Hybrid(decapsulator, private) }
    }

    pub(crate) fn from_private(
        backend: Backend,
        group: NamedGroup,
        private: &[u8],
    ) -> Result<Self, BadPrivateKey> {
        let (private, share) = Ecdh::from_private(backend, group, private).ok_or(BadPrivateKey)?;
        Ok(Self { group, share, private: Private::Ecdh(private) })
    }

    /// The group the keys are of.
    #[must_use]
    pub const fn group(&self) -> NamedGroup {
        self.group
    }

    /// What the peer gets to see.
    #[must_use]
    pub fn share(&self) -> &[u8] {
        &self.share
    }

    /// Combines this side's secret half with the answer of the peer.
    ///
    /// # Errors
    ///
    /// `BadShare` if the answer is not a share of the group, or leads to a secret that an eavesdropper
    /// knows (RFC 8446 §7.4.2).
    pub fn finish(self, peer_share: &[u8]) -> Result<SharedSecret, BadShare> {
        if peer_share.len() != self.group.responder_share_len() {
            return Err(BadShare);
        }
        match self.private {
            Private::Ecdh(private) => private.agree(peer_share),
            Private::Hybrid(decapsulator, private) => {
                let (ciphertext, x25519) =
                    peer_share.split_at_checked(CIPHERTEXT_LEN).ok_or(BadShare)?;
                let secret = decapsulator.decapsulate(ciphertext)?;
                Ok(secret.followed_by(&private.agree(x25519)?))
            }
        }
    }

    /// Answers the share of a peer that began: returns this side's share and the secret.
    pub(crate) fn answer(
        backend: Backend,
        group: NamedGroup,
        peer_share: &[u8],
        rng: &mut Rng,
    ) -> Result<(Vec<u8>, SharedSecret), BadShare> {
        if peer_share.len() != group.initiator_share_len() {
            return Err(BadShare);
        }
        if group != NamedGroup::X25519MlKem768 {
            let (private, share) = Ecdh::generate(backend, group, rng);
            return Ok((share, private.agree(peer_share)?));
        }
        let (encapsulation_key, x25519) =
            peer_share.split_at_checked(ENCAPSULATION_KEY_LEN).ok_or(BadShare)?;
        let (mut share, secret) = encapsulate(backend, encapsulation_key, rng)?;
        let (private, x25519_share) = Ecdh::generate(backend, NamedGroup::X25519, rng);
        share.extend_from_slice(&x25519_share);
        Ok((share, secret.followed_by(&private.agree(x25519)?)))
    }
}

impl fmt::Debug for KeyExchange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyExchange").field("group", &self.group).finish_non_exhaustive()
    }
}

/// The private key of an elliptic curve.
enum Ecdh {
    AwsLc(aws_lc::ecdh::PrivateKey),
    RustCrypto(rust_crypto::ecdh::PrivateKey),
}

impl Ecdh {
    /// Draws keys until one lies in the range of the group: for P-256 all but one in 2³² do, for the
    /// others practically all.
    fn generate(backend: Backend, group: NamedGroup, rng: &mut Rng) -> (Self, Vec<u8>) {
        let mut bytes = Zeroizing::new([0; 48]);
        let length = if group == NamedGroup::Secp384r1 { 48 } else { 32 };
        let (bytes, _) = bytes.split_at_mut(length);
        loop {
            rng.fill_secret(bytes);
            if let Some(pair) = Self::from_private(backend, group, bytes) {
                return pair;
            }
        }
    }

    fn from_private(
        backend: Backend,
        group: NamedGroup,
        private: &[u8],
    ) -> Option<(Self, Vec<u8>)> {
        match backend {
            Backend::AwsLc => {
                let (key, share) = aws_lc::ecdh::PrivateKey::new(group, private)?;
                Some((Self::AwsLc(key), share))
            }
            Backend::RustCrypto => {
                let (key, share) = rust_crypto::ecdh::PrivateKey::new(group, private)?;
                Some((Self::RustCrypto(key), share))
            }
        }
    }

    fn agree(self, peer_share: &[u8]) -> Result<SharedSecret, BadShare> {
        match self {
            Self::AwsLc(key) => key.agree(peer_share),
            Self::RustCrypto(key) => key.agree(peer_share),
        }
        .ok_or(BadShare)
    }
}

/// The private key of ML-KEM-768.
enum Decapsulator {
    AwsLc(aws_lc::kem::PrivateKey),
    RustCrypto(rust_crypto::kem::PrivateKey),
}

impl Decapsulator {
    fn generate(backend: Backend, rng: &mut Rng) -> (Self, Vec<u8>) {
        match backend {
            Backend::AwsLc => {
                let (key, share) = aws_lc::kem::PrivateKey::generate();
                (Self::AwsLc(key), share)
            }
            Backend::RustCrypto => {
                let seed = Zeroizing::new(rng.secret_array());
                let (key, share) = rust_crypto::kem::PrivateKey::from_seed(&seed);
                (Self::RustCrypto(key), share)
            }
        }
    }

    fn decapsulate(&self, ciphertext: &[u8]) -> Result<SharedSecret, BadShare> {
        match self {
            Self::AwsLc(key) => key.decapsulate(ciphertext),
            Self::RustCrypto(key) => key.decapsulate(ciphertext),
        }
        .ok_or(BadShare)
    }
}

fn encapsulate(
    backend: Backend,
    encapsulation_key: &[u8],
    rng: &mut Rng,
) -> Result<(Vec<u8>, SharedSecret), BadShare> {
    match backend {
        Backend::AwsLc => aws_lc::kem::encapsulate(encapsulation_key),
        Backend::RustCrypto => {
            let message = Zeroizing::new(rng.secret_array());
            rust_crypto::kem::encapsulate(encapsulation_key, &message)
        }
    }
    .ok_or(BadShare)
}

/// What both sides of a key exchange know and nobody else. Wiped when dropped.
pub struct SharedSecret(Zeroizing<Vec<u8>>);

impl SharedSecret {
    pub(crate) fn new(bytes: &[u8]) -> Self {
        Self(Zeroizing::new(bytes.to_vec()))
    }

    fn followed_by(&self, other: &Self) -> Self {
        Self(Zeroizing::new([self.as_ref(), other.as_ref()].concat()))
    }
}

impl AsRef<[u8]> for SharedSecret {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for SharedSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SharedSecret({} bytes)", self.0.len())
    }
}

/// The peer's share is not one of the group, or makes a secret that is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("key share does not belong to the group")]
pub struct BadShare;

/// The bytes are not a private key of the group or curve.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("private key out of range")]
pub struct BadPrivateKey;

/// Length of an X25519 share.
const X25519_LEN: usize = 32;

/// Length of an ML-KEM-768 encapsulation key (FIPS 203 table 3).
const ENCAPSULATION_KEY_LEN: usize = 1_184;

/// Length of an ML-KEM-768 ciphertext (FIPS 203 table 3).
const CIPHERTEXT_LEN: usize = 1_088;
