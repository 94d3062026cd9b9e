//! Signatures in pure Rust.

use std::convert::Infallible;

use base::Rng;
use ed25519_dalek::Signer as _;
use p256::ecdsa::signature::hazmat::{PrehashSigner, PrehashVerifier};
use rsa::{
    BoxedUint, Pkcs1v15Sign, Pss, RsaPrivateKey, RsaPublicKey,
    rand_core::{TryCryptoRng, TryRng},
};
use sha2::{Digest, Sha256, Sha384, Sha512};

use crate::{
    EcdsaCurve, SignatureAlgorithm, private_key_info::RsaParts, public_key_info::PublicKeyInfo,
};

pub(crate) enum SigningKey {
    P256(p256::ecdsa::SigningKey),
    P384(p384::ecdsa::SigningKey),
    Rsa(Box<RsaPrivateKey>),
    Ed25519(ed25519_dalek::SigningKey),
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

    /// The key, or `None` if its numbers do not fit each other.
    pub(crate) fn from_rsa(parts: &RsaParts<'_>) -> Option<Self> {
        let primes = parts.primes.map(number);
        let [Some(p), Some(q)] = primes else {
            return None;
        };
        let (modulus, exponent) = (number(parts.modulus)?, number(parts.public_exponent)?);
        let private_exponent = number(parts.private_exponent)?;
        let key =
            RsaPrivateKey::from_components(modulus, exponent, private_exponent, vec![p, q]).ok()?;
        Some(Self::Rsa(Box::new(key)))
    }

    /// The key of a seed, with its public half.
    pub(crate) fn from_seed(seed: &[u8; 32]) -> (Self, [u8; 32]) {
        let key = ed25519_dalek::SigningKey::from_bytes(seed);
        let public = key.verifying_key().to_bytes();
        (Self::Ed25519(key), public)
    }

    /// Signs; `None` if the algorithm is for another kind of key.
    pub(crate) fn sign(
        &self,
        algorithm: SignatureAlgorithm,
        message: &[u8],
        rng: &mut Rng,
    ) -> Option<Vec<u8>> {
        match self {
            Self::P256(_) | Self::P384(_) => self.sign_ecdsa(algorithm, message),
            Self::Rsa(key) => sign_rsa(key, algorithm, &digest(algorithm, message)?, rng),
            Self::Ed25519(key) => Some(key.sign(message).to_bytes().to_vec()),
        }
    }

    /// Signs with the nonce of RFC 6979 §3.2; `None` if this is no ECDSA key.
    pub(crate) fn sign_ecdsa(
        &self,
        algorithm: SignatureAlgorithm,
        message: &[u8],
    ) -> Option<Vec<u8>> {
        let digest = digest(algorithm, message)?;
        match self {
            Self::P256(key) => {
                let signature: p256::ecdsa::DerSignature = key.sign_prehash(&digest).ok()?;
                Some(signature.as_bytes().to_vec())
            }
            Self::P384(key) => {
                let signature: p384::ecdsa::DerSignature = key.sign_prehash(&digest).ok()?;
                Some(signature.as_bytes().to_vec())
            }
            Self::Rsa(_) | Self::Ed25519(_) => None,
        }
    }
}

fn sign_rsa(
    key: &RsaPrivateKey,
    algorithm: SignatureAlgorithm,
    digest: &[u8],
    rng: &mut Rng,
) -> Option<Vec<u8>> {
    let dice = &mut Dice(rng);
    match algorithm {
        SignatureAlgorithm::RsaPkcs1Sha256 => {
            key.sign_with_rng(dice, Pkcs1v15Sign::new::<Sha256>(), digest)
        }
        SignatureAlgorithm::RsaPkcs1Sha384 => {
            key.sign_with_rng(dice, Pkcs1v15Sign::new::<Sha384>(), digest)
        }
        SignatureAlgorithm::RsaPkcs1Sha512 => {
            key.sign_with_rng(dice, Pkcs1v15Sign::new::<Sha512>(), digest)
        }
        SignatureAlgorithm::RsaPssSha256 => key.sign_with_rng(dice, Pss::<Sha256>::new(), digest),
        SignatureAlgorithm::RsaPssSha384 => key.sign_with_rng(dice, Pss::<Sha384>::new(), digest),
        SignatureAlgorithm::RsaPssSha512 => key.sign_with_rng(dice, Pss::<Sha512>::new(), digest),
        SignatureAlgorithm::EcdsaP256Sha256
        | SignatureAlgorithm::EcdsaP256Sha384
        | SignatureAlgorithm::EcdsaP384Sha256
        | SignatureAlgorithm::EcdsaP384Sha384
        | SignatureAlgorithm::Ed25519 => return None,
    }
    .ok()
}

/// Secret draws, as this library's interface wants them.
struct Dice<'a>(&'a mut Rng);

impl TryRng for Dice<'_> {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(u32::from_be_bytes(self.0.secret_array()))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(u64::from_be_bytes(self.0.secret_array()))
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Infallible> {
        self.0.fill_secret(out);
        Ok(())
    }
}

impl TryCryptoRng for Dice<'_> {}

#[derive(Clone)]
pub(crate) enum PublicKey {
    P256(p256::ecdsa::VerifyingKey),
    P384(p384::ecdsa::VerifyingKey),
    Rsa(RsaPublicKey),
    Ed25519(ed25519_dalek::VerifyingKey),
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
            PublicKeyInfo::Ed25519(point) => {
                ed25519_dalek::VerifyingKey::from_bytes(point).ok().map(Self::Ed25519)
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
        if let Self::Ed25519(key) = self {
            // Strictly: two verifiers never differ about a signature (RFC 8032 §5.1.7).
            let signature = ed25519_dalek::Signature::from_slice(signature);
            return signature.is_ok_and(|it| key.verify_strict(message, &it).is_ok());
        }
        let Some(digest) = digest(algorithm, message) else { return false };
        match self {
            Self::Ed25519(_) => false,
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

/// What is signed in place of `message`; `None` if it is signed as it is.
fn digest(algorithm: SignatureAlgorithm, message: &[u8]) -> Option<Vec<u8>> {
    Some(match algorithm {
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
        SignatureAlgorithm::Ed25519 => return None,
    })
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
        | SignatureAlgorithm::EcdsaP384Sha384
        | SignatureAlgorithm::Ed25519 => return false,
    }
    .is_ok()
}

/// The big-endian number, as wide as its bytes.
fn number(bytes: &[u8]) -> Option<BoxedUint> {
    let bits = u32::try_from(8 * bytes.len()).ok()?;
    BoxedUint::from_be_slice(bytes, bits).ok()
}
