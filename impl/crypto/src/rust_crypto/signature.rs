//! Signatures in pure Rust.

use p256::ecdsa::signature::{Signer, hazmat::PrehashVerifier};
use rsa::{BoxedUint, Pkcs1v15Sign, Pss, RsaPublicKey};
use sha2::{Digest, Sha256, Sha384, Sha512};

use crate::{EcdsaCurve, SignatureAlgorithm, public_key_info::PublicKeyInfo};

pub(crate) enum SigningKey {
    P256(p256::ecdsa::SigningKey),
    P384(p384::ecdsa::SigningKey),
}

impl SigningKey {
    /// The key with its public point, or `None` if it is out of range.
    pub(crate) fn new(curve: EcdsaCurve, scalar: &[u8]) -> Option<(Self, Vec<u8>)> {
        match curve {
            EcdsaCurve::P256 => {
                let key = p256::ecdsa::SigningKey::from_bytes(scalar.try_into().ok()?).ok()?;
                let point = key.verifying_key().to_sec1_point(false).as_bytes().to_vec();
                Some((Self::P256(key), point))
            }
            EcdsaCurve::P384 => {
                let key = p384::ecdsa::SigningKey::from_bytes(scalar.try_into().ok()?).ok()?;
                let point = key.verifying_key().to_sec1_point(false).as_bytes().to_vec();
                Some((Self::P384(key), point))
            }
        }
    }

    /// Signs with the nonce of RFC 6979 §3.2.
    pub(crate) fn sign(&self, message: &[u8]) -> Vec<u8> {
        match self {
            Self::P256(key) => {
                let signature: p256::ecdsa::DerSignature = key.sign(message);
                signature.as_bytes().to_vec()
            }
            Self::P384(key) => {
                let signature: p384::ecdsa::DerSignature = key.sign(message);
                signature.as_bytes().to_vec()
            }
        }
    }
}

#[derive(Clone)]
pub(crate) enum PublicKey {
    P256(p256::ecdsa::VerifyingKey),
    P384(p384::ecdsa::VerifyingKey),
    Rsa(RsaPublicKey),
}

impl PublicKey {
    /// The key, if it is sound.
    pub(crate) fn new(info: &PublicKeyInfo<'_>) -> Option<Self> {
        match *info {
            PublicKeyInfo::Ec(EcdsaCurve::P256, point) => {
                p256::ecdsa::VerifyingKey::from_sec1_bytes(point).ok().map(Self::P256)
            }
            PublicKeyInfo::Ec(EcdsaCurve::P384, point) => {
                p384::ecdsa::VerifyingKey::from_sec1_bytes(point).ok().map(Self::P384)
            }
            PublicKeyInfo::Rsa { modulus, exponent, .. } => {
                RsaPublicKey::new(number(modulus)?, number(exponent)?).ok().map(Self::Rsa)
            }
        }
    }

    /// Whether `signature` is good.
    pub(crate) fn verify(
        &self,
        algorithm: SignatureAlgorithm,
        message: &[u8],
        signature: &[u8],
    ) -> bool {
        let digest = match algorithm {
            SignatureAlgorithm::EcdsaP256Sha256
            | SignatureAlgorithm::EcdsaP384Sha256
            | SignatureAlgorithm::RsaPkcs1Sha256
            | SignatureAlgorithm::RsaPssSha256 => Sha256::digest(message).to_vec(),
            SignatureAlgorithm::EcdsaP256Sha384
            | SignatureAlgorithm::EcdsaP384Sha384
            | SignatureAlgorithm::RsaPkcs1Sha384
            | SignatureAlgorithm::RsaPssSha384 => Sha384::digest(message).to_vec(),
            SignatureAlgorithm::RsaPkcs1Sha512 | SignatureAlgorithm::RsaPssSha512 => {
                Sha512::digest(message).to_vec()
            }
        };
        match self {
            Self::P256(key) => p256::ecdsa::DerSignature::from_bytes(signature)
                .and_then(|signature| key.verify_prehash(&digest, &signature))
                .is_ok(),
            Self::P384(key) => p384::ecdsa::DerSignature::from_bytes(signature)
                .and_then(|signature| key.verify_prehash(&digest, &signature))
                .is_ok(),
            Self::Rsa(key) => verify_rsa(key, algorithm, &digest, signature),
        }
    }
}

fn verify_rsa(
    key: &RsaPublicKey,
    algorithm: SignatureAlgorithm,
    digest: &[u8],
    signature: &[u8],
) -> bool {
    match algorithm {
        SignatureAlgorithm::RsaPkcs1Sha256 => {
            key.verify(Pkcs1v15Sign::new::<Sha256>(), digest, signature)
        }
        SignatureAlgorithm::RsaPkcs1Sha384 => {
            key.verify(Pkcs1v15Sign::new::<Sha384>(), digest, signature)
        }
        SignatureAlgorithm::RsaPkcs1Sha512 => {
            key.verify(Pkcs1v15Sign::new::<Sha512>(), digest, signature)
        }
        SignatureAlgorithm::RsaPssSha256 => key.verify(Pss::<Sha256>::new(), digest, signature),
        SignatureAlgorithm::RsaPssSha384 => key.verify(Pss::<Sha384>::new(), digest, signature),
        SignatureAlgorithm::RsaPssSha512 => key.verify(Pss::<Sha512>::new(), digest, signature),
        SignatureAlgorithm::EcdsaP256Sha256
        | SignatureAlgorithm::EcdsaP256Sha384
        | SignatureAlgorithm::EcdsaP384Sha256
        | SignatureAlgorithm::EcdsaP384Sha384 => return false,
    }
    .is_ok()
}

/// The big-endian number, as wide as its bytes.
fn number(bytes: &[u8]) -> Option<BoxedUint> {
    let bits = u32::try_from(8 * bytes.len()).ok()?;
    BoxedUint::from_be_slice(bytes, bits).ok()
}
