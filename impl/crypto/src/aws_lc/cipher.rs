//! Bare ciphers on AWS-LC.
#![expect(clippy::expect_used, reason = "only key lengths can fail, and they are checked")]

use aws_lc_rs::{
    aead::quic::{self, HeaderProtectionKey},
    cipher::{AES_128, AES_256, EncryptingKey, EncryptionContext, UnboundCipherKey},
    iv::FixedLength,
};

use crate::{AeadAlgorithm, CtrAlgorithm};

pub(crate) struct CtrKey(EncryptingKey);

impl CtrKey {
    /// Prepares a key whose length the caller has checked.
    pub(crate) fn new(algorithm: CtrAlgorithm, key: &[u8]) -> Self {
        let algorithm = match algorithm {
            CtrAlgorithm::Aes128Ctr => &AES_128,
            CtrAlgorithm::Aes256Ctr => &AES_256,
        };
        let key = UnboundCipherKey::new(algorithm, key).expect("the length was checked");
        Self(EncryptingKey::ctr(key).expect("AES has a counter mode"))
    }

    pub(crate) fn apply(&self, counter: &[u8; 16], in_out: &mut [u8]) {
        let context = EncryptionContext::Iv128(FixedLength::from(counter));
        let _ = self.0.less_safe_encrypt(in_out, context).expect("the counter has 16 bytes");
    }
}

/// QUIC masks packet numbers with the very construction that DTLS masks record numbers with.
pub(crate) struct RecordNumberKey(HeaderProtectionKey);

impl RecordNumberKey {
    /// Prepares a key whose length the caller has checked.
    pub(crate) fn new(algorithm: AeadAlgorithm, key: &[u8]) -> Self {
        let algorithm = match algorithm {
            AeadAlgorithm::Aes128Gcm => &quic::AES_128,
            AeadAlgorithm::Aes256Gcm => &quic::AES_256,
            AeadAlgorithm::ChaCha20Poly1305 => &quic::CHACHA20,
        };
        Self(HeaderProtectionKey::new(algorithm, key).expect("the length was checked"))
    }

    pub(crate) fn mask(&self, ciphertext: &[u8; 16]) -> [u8; 2] {
        let [first, second, ..] = self.0.new_mask(ciphertext).expect("the sample has 16 bytes");
        [first, second]
    }
}
