//! ML-KEM-768 in pure Rust, with its randomness given.

use ml_kem::{
    B32, Decapsulate, EncapsulationKey768, KeyExport, Seed, ml_kem_768::DecapsulationKey,
};
use zeroize::Zeroize;

use crate::SharedSecret;

pub(crate) struct PrivateKey(DecapsulationKey);

impl PrivateKey {
    /// The private key grown from `seed`, and its encapsulation key.
    pub(crate) fn from_seed(seed: &[u8; 64]) -> (Self, Vec<u8>) {
        let mut seed = Seed::from(*seed);
        let key = DecapsulationKey::from_seed(seed);
        seed.zeroize();
        let public = key.encapsulation_key().to_bytes().to_vec();
        (Self(key), public)
    }

    pub(crate) fn decapsulate(&self, ciphertext: &[u8]) -> Option<SharedSecret> {
        let mut secret = self.0.decapsulate(ciphertext.try_into().ok()?);
        let shared = SharedSecret::new(&secret);
        secret.zeroize();
        Some(shared)
    }
}

/// The secret that `message` leads to and the ciphertext that carries it, or `None` if the key is not
/// one.
pub(crate) fn encapsulate(
    encapsulation_key: &[u8],
    message: &[u8; 32],
) -> Option<(Vec<u8>, SharedSecret)> {
    let key = EncapsulationKey768::new(encapsulation_key.try_into().ok()?).ok()?;
    let mut message = B32::from(*message);
    let (ciphertext, mut secret) = key.encapsulate_deterministic(&message);
    message.zeroize();
    let shared = SharedSecret::new(&secret);
    secret.zeroize();
    Some((ciphertext.to_vec(), shared))
}
