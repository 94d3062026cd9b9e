//! AEAD ciphers on AWS-LC.
#![expect(clippy::expect_used, reason = "only lengths can fail, and they are checked or absurd")]

use aws_lc_rs::aead::{self, Aad, LessSafeKey, Nonce, UnboundKey};

use crate::{
    AeadAlgorithm, BadTag,
    aead::{AEAD_NONCE_LEN, AEAD_TAG_LEN},
};

pub(crate) struct Key(LessSafeKey);

impl Key {
    /// Prepares a key whose length the caller has checked.
    pub(crate) fn new(algorithm: AeadAlgorithm, key: &[u8]) -> Self {
        let algorithm = match algorithm {
            AeadAlgorithm::Aes128Gcm => &aead::AES_128_GCM,
            AeadAlgorithm::Aes256Gcm => &aead::AES_256_GCM,
            AeadAlgorithm::ChaCha20Poly1305 => &aead::CHACHA20_POLY1305,
        };
        let key = UnboundKey::new(algorithm, key).expect("the length was checked");
        Self(LessSafeKey::new(key))
    }

    pub(crate) fn seal(
        &self,
        nonce: &[u8; AEAD_NONCE_LEN],
        aad: &[u8],
        in_out: &mut [u8],
    ) -> [u8; AEAD_TAG_LEN] {
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let mut tag = [0; AEAD_TAG_LEN];
        self.0
            .seal_in_place_scatter(nonce, Aad::from(aad), in_out, &[], &mut tag)
            .expect("no packet reaches 64 GiB");
        tag
    }

    pub(crate) fn open(
        &self,
        nonce: &[u8; AEAD_NONCE_LEN],
        aad: &[u8],
        in_out: &mut [u8],
        tag: &[u8; AEAD_TAG_LEN],
    ) -> Result<(), BadTag> {
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let opened = self.0.open_in_place_separate_tag(nonce, Aad::from(aad), tag, in_out);
        opened.map(drop).map_err(|_| BadTag)
    }

    /// Opens `ciphertext` into `out`, which is as long.
    pub(crate) fn open_into(
        &self,
        nonce: &[u8; AEAD_NONCE_LEN],
        aad: &[u8],
        ciphertext: &[u8],
        tag: &[u8; AEAD_TAG_LEN],
        out: &mut [u8],
    ) -> Result<(), BadTag> {
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let opened = self.0.open_separate_gather(nonce, Aad::from(aad), ciphertext, tag, out);
        opened.map_err(|_| BadTag)
    }
}
