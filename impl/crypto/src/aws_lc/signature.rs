//! Signatures on AWS-LC.
#![expect(clippy::expect_used, reason = "AWS-LC fails here only if memory or the kernel does")]

use aws_lc_rs::{
    agreement::{ECDH_P256, ECDH_P384, PrivateKey},
    encoding::AsBigEndian,
    rand::SystemRandom,
    signature::{
        self, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, ParsedPublicKey, RsaEncoding, RsaKeyPair,
        UnparsedPublicKey, VerificationAlgorithm,
    },
};

use crate::{EcdsaCurve, SignatureAlgorithm, public_key_info::PublicKeyInfo, rust_crypto};

pub(crate) enum SigningKey {
    Ecdsa(EcdsaCurve, EcdsaKeyPair),
    Rsa(RsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

impl SigningKey {
    /// The key with its public point, or `None` if it is out of range.
    pub(crate) fn new(curve: EcdsaCurve, scalar: &[u8]) -> Option<(Self, Vec<u8>)> {
        let (ecdh, ecdsa) = match curve {
            EcdsaCurve::P256 => (&ECDH_P256, &signature::ECDSA_P256_SHA256_ASN1_SIGNING),
            EcdsaCurve::P384 => (&ECDH_P384, &signature::ECDSA_P384_SHA384_ASN1_SIGNING),
        };
        // The ECDSA interface wants the public half, which only the ECDH interface computes.
        let point = PrivateKey::from_private_key(ecdh, scalar).ok()?.compute_public_key().ok()?;
        let key = EcdsaKeyPair::from_private_key_and_public_key(ecdsa, scalar, point.as_ref());
        Some((Self::Ecdsa(curve, key.ok()?), point.as_ref().to_vec()))
    }

    /// The key of an RSAPrivateKey, or `None` if it is not sound.
    pub(crate) fn from_rsa(encoded: &[u8]) -> Option<Self> {
        RsaKeyPair::from_der(encoded).ok().map(Self::Rsa)
    }

    /// The key of a seed, with its public half.
    pub(crate) fn from_seed(seed: &[u8; 32]) -> Option<(Self, [u8; 32])> {
        let key = Ed25519KeyPair::from_seed_unchecked(seed).ok()?;
        let public = key.public_key().as_ref().try_into().ok()?;
        Some((Self::Ed25519(key), public))
    }

    /// Signs; `None` if the algorithm is for another kind of key. AWS-LC ignores the source of chance
    /// that its interface asks for.
    pub(crate) fn sign(&self, algorithm: SignatureAlgorithm, message: &[u8]) -> Option<Vec<u8>> {
        match self {
            Self::Ecdsa(curve, key) if algorithm == curve.signature_algorithm() => {
                let signature = key.sign(&SystemRandom::new(), message);
                Some(signature.expect("the system has randomness").as_ref().to_vec())
            }
            Self::Ecdsa(curve, key) => sign_with_other_hash(*curve, key, algorithm, message),
            Self::Rsa(key) => {
                let mut signature = vec![0; key.public_modulus_len()];
                key.sign(rsa_encoding(algorithm)?, &SystemRandom::new(), message, &mut signature)
                    .expect("every key of 2,048 bits or more has room for every padding");
                Some(signature)
            }
            Self::Ed25519(key) => Some(key.sign(message).as_ref().to_vec()),
        }
    }
}

/// Signs with a hash that is not the curve's own. The Rust interface of AWS-LC knows no such pair, so
/// the other back-end does it.
fn sign_with_other_hash(
    curve: EcdsaCurve,
    key: &EcdsaKeyPair,
    algorithm: SignatureAlgorithm,
    message: &[u8],
) -> Option<Vec<u8>> {
    let scalar = key.private_key().as_be_bytes().expect("the key was made from such bytes");
    let (key, _) = rust_crypto::signature::SigningKey::new(curve, scalar.as_ref())?;
    key.sign_ecdsa(algorithm, message)
}

fn rsa_encoding(algorithm: SignatureAlgorithm) -> Option<&'static dyn RsaEncoding> {
    match algorithm {
        SignatureAlgorithm::RsaPkcs1Sha256 => Some(&signature::RSA_PKCS1_SHA256),
        SignatureAlgorithm::RsaPkcs1Sha384 => Some(&signature::RSA_PKCS1_SHA384),
        SignatureAlgorithm::RsaPkcs1Sha512 => Some(&signature::RSA_PKCS1_SHA512),
        SignatureAlgorithm::RsaPssSha256 => Some(&signature::RSA_PSS_SHA256),
        SignatureAlgorithm::RsaPssSha384 => Some(&signature::RSA_PSS_SHA384),
        SignatureAlgorithm::RsaPssSha512 => Some(&signature::RSA_PSS_SHA512),
        SignatureAlgorithm::EcdsaP256Sha256
        | SignatureAlgorithm::EcdsaP256Sha384
        | SignatureAlgorithm::EcdsaP384Sha256
        | SignatureAlgorithm::EcdsaP384Sha384
        | SignatureAlgorithm::Ed25519 => None,
    }
}

/// A key that AWS-LC has read, ready for the algorithm that most of its kind sign with, and the bytes it
/// was read from for the others: a point, or an RSAPublicKey.
#[derive(Clone)]
pub(crate) struct PublicKey {
    usual: SignatureAlgorithm,
    parsed: ParsedPublicKey,
    bytes: Vec<u8>,
}

impl PublicKey {
    /// The key, if it is sound.
    pub(crate) fn new(info: &PublicKeyInfo<'_>) -> Option<Self> {
        let (usual, bytes): (_, &[u8]) = match *info {
            PublicKeyInfo::Ec(curve, point) => (curve.signature_algorithm(), point),
            PublicKeyInfo::Rsa { encoded, .. } => (SignatureAlgorithm::RsaPssSha256, encoded),
            PublicKeyInfo::Ed25519(point) => (SignatureAlgorithm::Ed25519, point),
        };
        let parsed = ParsedPublicKey::new(verification(usual), bytes).ok()?;
        Some(Self { usual, parsed, bytes: bytes.to_vec() })
    }

    /// Whether `signature` is good. The algorithm fits the key: the caller has checked.
    pub(crate) fn verify(
        &self,
        algorithm: SignatureAlgorithm,
        message: &[u8],
        signature: &[u8],
    ) -> bool {
        if algorithm == self.usual {
            return self.parsed.verify_sig(message, signature).is_ok();
        }
        let algorithm = verification(algorithm);
        UnparsedPublicKey::new(algorithm, &self.bytes).verify(message, signature).is_ok()
    }
}

fn verification(algorithm: SignatureAlgorithm) -> &'static dyn VerificationAlgorithm {
    match algorithm {
        SignatureAlgorithm::EcdsaP256Sha256 => &signature::ECDSA_P256_SHA256_ASN1,
        SignatureAlgorithm::EcdsaP256Sha384 => &signature::ECDSA_P256_SHA384_ASN1,
        SignatureAlgorithm::EcdsaP384Sha256 => &signature::ECDSA_P384_SHA256_ASN1,
        SignatureAlgorithm::EcdsaP384Sha384 => &signature::ECDSA_P384_SHA384_ASN1,
        SignatureAlgorithm::RsaPkcs1Sha256 => &signature::RSA_PKCS1_2048_8192_SHA256,
        SignatureAlgorithm::RsaPkcs1Sha384 => &signature::RSA_PKCS1_2048_8192_SHA384,
        SignatureAlgorithm::RsaPkcs1Sha512 => &signature::RSA_PKCS1_2048_8192_SHA512,
        SignatureAlgorithm::RsaPssSha256 => &signature::RSA_PSS_2048_8192_SHA256,
        SignatureAlgorithm::RsaPssSha384 => &signature::RSA_PSS_2048_8192_SHA384,
        SignatureAlgorithm::RsaPssSha512 => &signature::RSA_PSS_2048_8192_SHA512,
        SignatureAlgorithm::Ed25519 => &signature::ED25519,
    }
}
