//! Signatures, made and verified: ECDSA and RSA.

use std::fmt;

use base::Rng;
use zeroize::Zeroizing;

use crate::{
    BadPrivateKey, Provider, aws_lc,
    private_key_info::{PrivateKeyInfo, RsaParts},
    provider::Backend,
    public_key_info::{PublicKeyInfo, encode_ec, encode_ed25519, encode_rsa},
    rust_crypto,
};

/// The curve of an ECDSA key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EcdsaCurve {
    /// P-256, signing with SHA-256: what every WebRTC endpoint must support (RFC 8827 §6.5).
    P256,
    /// P-384, signing with SHA-384.
    P384,
}

impl EcdsaCurve {
    /// Length in bytes of a private key.
    #[must_use]
    pub const fn scalar_len(self) -> usize {
        match self {
            Self::P256 => 32,
            Self::P384 => 48,
        }
    }

    /// The algorithm that keys of the curve sign with, unless they are told another.
    #[must_use]
    pub const fn signature_algorithm(self) -> SignatureAlgorithm {
        match self {
            Self::P256 => SignatureAlgorithm::EcdsaP256Sha256,
            Self::P384 => SignatureAlgorithm::EcdsaP384Sha384,
        }
    }

    /// The kind of the keys on the curve.
    #[must_use]
    pub const fn key_kind(self) -> KeyKind {
        match self {
            Self::P256 => KeyKind::EcdsaP256,
            Self::P384 => KeyKind::EcdsaP384,
        }
    }
}

/// How a signature is made: the kind of key, the padding, the hash.
///
/// ECDSA signatures are DER (RFC 5480 §A). The salt of PSS is as long as the hash, and its mask comes
/// from the same hash (RFC 8446 §4.2.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SignatureAlgorithm {
    /// ECDSA on P-256 with SHA-256.
    EcdsaP256Sha256,
    /// ECDSA on P-256 with SHA-384, which TLS 1.2 allows.
    EcdsaP256Sha384,
    /// ECDSA on P-384 with SHA-256, which TLS 1.2 allows.
    EcdsaP384Sha256,
    /// ECDSA on P-384 with SHA-384.
    EcdsaP384Sha384,
    /// RSASSA-PKCS1-v1_5 with SHA-256 (RFC 8017 §8.2).
    RsaPkcs1Sha256,
    /// RSASSA-PKCS1-v1_5 with SHA-384.
    RsaPkcs1Sha384,
    /// RSASSA-PKCS1-v1_5 with SHA-512.
    RsaPkcs1Sha512,
    /// RSASSA-PSS with SHA-256 (RFC 8017 §8.1).
    RsaPssSha256,
    /// RSASSA-PSS with SHA-384.
    RsaPssSha384,
    /// RSASSA-PSS with SHA-512.
    RsaPssSha512,
    /// EdDSA on Curve25519 over the message itself.
    Ed25519,
}

/// The kind of a public key, and what it verifies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum KeyKind {
    /// ECDSA on P-256.
    EcdsaP256,
    /// ECDSA on P-384.
    EcdsaP384,
    /// RSA with a modulus of 2,048 to 8,192 bits.
    Rsa,
    /// EdDSA on Curve25519.
    Ed25519,
}

impl SignatureAlgorithm {
    /// The kind of key that the algorithm works with.
    #[must_use]
    pub const fn key_kind(self) -> KeyKind {
        match self {
            Self::EcdsaP256Sha256 | Self::EcdsaP256Sha384 => KeyKind::EcdsaP256,
            Self::EcdsaP384Sha256 | Self::EcdsaP384Sha384 => KeyKind::EcdsaP384,
            Self::RsaPkcs1Sha256
            | Self::RsaPkcs1Sha384
            | Self::RsaPkcs1Sha512
            | Self::RsaPssSha256
            | Self::RsaPssSha384
            | Self::RsaPssSha512 => KeyKind::Rsa,
            Self::Ed25519 => KeyKind::Ed25519,
        }
    }
}

/// A private key that signs: ECDSA, Ed25519 or RSA. Wiped when dropped.
pub struct SigningKey {
    kind: KeyKind,
    public_key_info: Vec<u8>,
    private: Private,
}

enum Private {
    AwsLc(aws_lc::signature::SigningKey),
    RustCrypto(rust_crypto::signature::SigningKey),
}

impl SigningKey {
    /// Draws private keys until one is in range: all but one in 2³² are.
    pub(crate) fn generate(backend: Backend, curve: EcdsaCurve, rng: &mut Rng) -> Self {
        let mut bytes = Zeroizing::new([0; 48]);
        let (scalar, _) = bytes.split_at_mut(curve.scalar_len());
        loop {
            rng.fill_secret(scalar);
            if let Ok(key) = Self::from_scalar(backend, curve, scalar) {
                return key;
            }
        }
    }

    pub(crate) fn from_scalar(
        backend: Backend,
        curve: EcdsaCurve,
        scalar: &[u8],
    ) -> Result<Self, BadPrivateKey> {
        let (private, point) = match backend {
            Backend::AwsLc => {
                let key = aws_lc::signature::SigningKey::new(curve, scalar);
                key.map(|(key, point)| (Private::AwsLc(key), point))
            }
            Backend::RustCrypto => {
                let key = rust_crypto::signature::SigningKey::new(curve, scalar);
                key.map(|(key, point)| (Private::RustCrypto(key), point))
            }
        }
        .ok_or(BadPrivateKey)?;
        Ok(Self { kind: curve.key_kind(), public_key_info: encode_ec(curve, &point), private })
    }

    /// Reads a key from the DER of a PKCS#8 PrivateKeyInfo (RFC 5958 §2) and checks that it is sound:
    /// ECDSA on P-256 or P-384, Ed25519, or RSA of two primes with 2,048 to 8,192 bits.
    ///
    /// # Errors
    ///
    /// `BadPrivateKeyInfo` if it is malformed, of another algorithm, or not sound.
    pub fn from_pkcs8(provider: Provider, der: &[u8]) -> Result<Self, BadPrivateKeyInfo> {
        match PrivateKeyInfo::parse(der)? {
            PrivateKeyInfo::Ec(curve, scalar) => Self::from_scalar(provider.0, curve, scalar)
                .map_err(|BadPrivateKey| BadPrivateKeyInfo::Unsound),
            PrivateKeyInfo::Rsa(parts) => Self::from_rsa(provider.0, &parts),
            PrivateKeyInfo::Ed25519(seed) => Self::from_seed(provider.0, seed),
        }
    }

    fn from_seed(backend: Backend, seed: &[u8; 32]) -> Result<Self, BadPrivateKeyInfo> {
        let (private, point) = match backend {
            Backend::AwsLc => {
                let key = aws_lc::signature::SigningKey::from_seed(seed);
                let (key, point) = key.ok_or(BadPrivateKeyInfo::Unsound)?;
                (Private::AwsLc(key), point)
            }
            Backend::RustCrypto => {
                let (key, point) = rust_crypto::signature::SigningKey::from_seed(seed);
                (Private::RustCrypto(key), point)
            }
        };
        let public_key_info = encode_ed25519(&point);
        Ok(Self { kind: KeyKind::Ed25519, public_key_info, private })
    }

    fn from_rsa(backend: Backend, parts: &RsaParts<'_>) -> Result<Self, BadPrivateKeyInfo> {
        let public_key_info = encode_rsa(parts.modulus, parts.public_exponent);
        // The bounds of its public half are those of every public key.
        let sound = PublicKeyInfo::parse(&public_key_info).is_ok();
        let private = match backend {
            Backend::AwsLc => {
                aws_lc::signature::SigningKey::from_rsa(parts.encoded).map(Private::AwsLc)
            }
            Backend::RustCrypto => {
                rust_crypto::signature::SigningKey::from_rsa(parts).map(Private::RustCrypto)
            }
        };
        let private = private.filter(|_| sound).ok_or(BadPrivateKeyInfo::Unsound)?;
        Ok(Self { kind: KeyKind::Rsa, public_key_info, private })
    }

    /// What kind of key it is.
    #[must_use]
    pub const fn key_kind(&self) -> KeyKind {
        self.kind
    }

    /// The public half as the DER of a SubjectPublicKeyInfo (RFC 5480 §2, RFC 8017 §A.1.1).
    #[must_use]
    pub fn public_key_info(&self) -> &[u8] {
        &self.public_key_info
    }

    /// Signs `message`.
    ///
    /// The RustCrypto provider derives the nonce of an ECDSA signature from key and message (RFC 6979
    /// §3.2), and takes the salt of PSS and the blinding of RSA from secret draws of `rng`: the same
    /// key, message and dice make the same signature. AWS-LC takes all of these from the system.
    ///
    /// # Errors
    ///
    /// `OtherKind` if the algorithm is for another kind of key.
    pub fn sign_with(
        &self,
        algorithm: SignatureAlgorithm,
        message: &[u8],
        rng: &mut Rng,
    ) -> Result<Vec<u8>, OtherKind> {
        if algorithm.key_kind() != self.kind {
            return Err(OtherKind);
        }
        match &self.private {
            Private::AwsLc(key) => key.sign(algorithm, message),
            Private::RustCrypto(key) => key.sign(algorithm, message, rng),
        }
        .ok_or(OtherKind)
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey").field("kind", &self.kind).finish_non_exhaustive()
    }
}

/// A public key that was found sound: a point of its curve, or an RSA modulus of bearable size.
#[derive(Clone)]
pub struct PublicKey {
    kind: KeyKind,
    state: State,
}

#[derive(Clone)]
enum State {
    AwsLc(aws_lc::signature::PublicKey),
    RustCrypto(rust_crypto::signature::PublicKey),
}

impl PublicKey {
    pub(crate) fn parse(backend: Backend, public_key_info: &[u8]) -> Result<Self, BadPublicKey> {
        let info = PublicKeyInfo::parse(public_key_info)?;
        let kind = info.kind();
        let state = match backend {
            Backend::AwsLc => aws_lc::signature::PublicKey::new(&info).map(State::AwsLc),
            Backend::RustCrypto => {
                rust_crypto::signature::PublicKey::new(&info).map(State::RustCrypto)
            }
        };
        Ok(Self { kind, state: state.ok_or(BadPublicKey::Unsound)? })
    }

    /// What kind of key it is.
    #[must_use]
    pub const fn kind(&self) -> KeyKind {
        self.kind
    }

    /// Accepts `signature` if the owner of the key made it over `message`.
    ///
    /// # Errors
    ///
    /// `VerifyError`: the algorithm is for another kind of key, or the signature is bad.
    pub fn verify(
        &self,
        algorithm: SignatureAlgorithm,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), VerifyError> {
        if algorithm.key_kind() != self.kind {
            return Err(VerifyError::OtherKind);
        }
        let good = match &self.state {
            State::AwsLc(key) => key.verify(algorithm, message, signature),
            State::RustCrypto(key) => key.verify(algorithm, message, signature),
        };
        if good { Ok(()) } else { Err(VerifyError::BadSignature) }
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PublicKey").field("kind", &self.kind).finish_non_exhaustive()
    }
}

/// Why a public key cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BadPublicKey {
    /// Not the DER of a SubjectPublicKeyInfo.
    #[error("public key malformed: {0}")]
    Malformed(#[from] base::Malformed),
    /// An algorithm or curve that is not supported.
    #[error("public key of an unsupported algorithm")]
    Unsupported,
    /// A point off its curve, or an RSA key of dangerous size or exponent.
    #[error("public key not sound")]
    Unsound,
}

/// Why a private key cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BadPrivateKeyInfo {
    /// Not the DER of a PrivateKeyInfo.
    #[error("private key malformed: {0}")]
    Malformed(#[from] base::Malformed),
    /// An algorithm, curve or version that is not supported.
    #[error("private key of an unsupported algorithm")]
    Unsupported,
    /// A scalar out of range, numbers that do not fit each other, or an RSA key of dangerous size.
    #[error("private key not sound")]
    Unsound,
}

/// The signature algorithm does not go with the kind of key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("signature algorithm is for another kind of key")]
pub struct OtherKind;

/// Why a signature was not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VerifyError {
    /// The algorithm does not go with the kind of key.
    #[error("signature algorithm is for another kind of key")]
    OtherKind,
    /// The key, the message and the signature do not belong together.
    #[error("signature does not verify")]
    BadSignature,
}
