//! AEAD ciphers in pure Rust.
#![expect(clippy::expect_used, reason = "only lengths can fail, and they are checked or absurd")]

use aes_gcm::{
    Aes128Gcm, Aes256Gcm, KeyInit,
    aead::{AeadCore, AeadInOut, Nonce, Tag, inout::InOutBuf},
};
use chacha20poly1305::ChaCha20Poly1305;

use crate::{
    AeadAlgorithm, BadTag,
    aead::{AEAD_NONCE_LEN, AEAD_TAG_LEN},
};

pub(crate) enum Key {
    Aes128Gcm(Aes128Gcm),
    Aes256Gcm(Aes256Gcm),
    ChaCha20Poly1305(ChaCha20Poly1305),
}

impl Key {
    /// Prepares a key whose length the caller has checked.
    pub(crate) fn new(algorithm: AeadAlgorithm, key: &[u8]) -> Self {
        match algorithm {
            AeadAlgorithm::Aes128Gcm => Self::Aes128Gcm(keyed(key)),
            AeadAlgorithm::Aes256Gcm => Self::Aes256Gcm(keyed(key)),
            AeadAlgorithm::ChaCha20Poly1305 => Self::ChaCha20Poly1305(keyed(key)),
        }
    }

    pub(crate) fn seal(
        &self,
        nonce: &[u8; AEAD_NONCE_LEN],
        aad: &[u8],
        in_out: &mut [u8],
    ) -> [u8; AEAD_TAG_LEN] {
        match self {
            Self::Aes128Gcm(key) => seal_with(key, nonce, aad, in_out),
            Self::Aes256Gcm(key) => seal_with(key, nonce, aad, in_out),
            Self::ChaCha20Poly1305(key) => seal_with(key, nonce, aad, in_out),
        }
    }

    pub(crate) fn open(
        &self,
        nonce: &[u8; AEAD_NONCE_LEN],
        aad: &[u8],
        in_out: &mut [u8],
        tag: &[u8; AEAD_TAG_LEN],
    ) -> Result<(), BadTag> {
        match self {
            Self::Aes128Gcm(key) => open_with(key, nonce, aad, in_out, tag),
            Self::Aes256Gcm(key) => open_with(key, nonce, aad, in_out, tag),
            Self::ChaCha20Poly1305(key) => open_with(key, nonce, aad, in_out, tag),
        }
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
        out.copy_from_slice(ciphertext);
        self.open(nonce, aad, out, tag)
    }
}

fn keyed<C: KeyInit>(key: &[u8]) -> C {
    C::new_from_slice(key).expect("the length was checked")
}

fn seal_with<C: AeadInOut>(
    cipher: &C,
    nonce: &[u8; AEAD_NONCE_LEN],
    aad: &[u8],
    in_out: &mut [u8],
) -> [u8; AEAD_TAG_LEN] {
    let nonce = nonce_of::<C>(nonce);
    let tag = cipher.encrypt_inout_detached(nonce, aad, InOutBuf::from(in_out));
    let tag = tag.expect("no packet reaches 64 GiB");
    *tag.first_chunk().expect("every tag has 16 bytes")
}

fn open_with<C: AeadInOut>(
    cipher: &C,
    nonce: &[u8; AEAD_NONCE_LEN],
    aad: &[u8],
    in_out: &mut [u8],
    tag: &[u8; AEAD_TAG_LEN],
) -> Result<(), BadTag> {
    let nonce = nonce_of::<C>(nonce);
    let tag: &Tag<C> = tag.as_slice().try_into().expect("every tag has 16 bytes");
    cipher.decrypt_inout_detached(nonce, aad, InOutBuf::from(in_out), tag).map_err(|_| BadTag)
}

fn nonce_of<C: AeadCore>(nonce: &[u8; AEAD_NONCE_LEN]) -> &Nonce<C> {
    nonce.as_slice().try_into().expect("every nonce has 12 bytes")
}
