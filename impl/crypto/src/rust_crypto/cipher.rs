//! Bare ciphers in pure Rust.
#![expect(clippy::expect_used, reason = "only key lengths can fail, and they are checked")]

use aes::{
    Aes128, Aes256,
    cipher::{
        Block, BlockCipherEncrypt, BlockSizeUser, InnerIvInit, KeyInit, KeyIvInit, StreamCipher,
        StreamCipherCore, consts::U16,
    },
};
use chacha20::{ChaChaCore, R20, variants::Ietf};
use ctr::{Ctr128BE, CtrCore};
use zeroize::{Zeroize, Zeroizing};

use crate::{AeadAlgorithm, CtrAlgorithm};

pub(crate) enum CtrKey {
    Aes128(Aes128),
    Aes256(Aes256),
}

impl CtrKey {
    /// Prepares a key whose length the caller has checked.
    pub(crate) fn new(algorithm: CtrAlgorithm, key: &[u8]) -> Self {
        match algorithm {
            CtrAlgorithm::Aes128Ctr => Self::Aes128(keyed(key)),
            CtrAlgorithm::Aes256Ctr => Self::Aes256(keyed(key)),
        }
    }

    pub(crate) fn apply(&self, counter: &[u8; 16], in_out: &mut [u8]) {
        let counter = counter.into();
        match self {
            Self::Aes128(key) => {
                let core = CtrCore::inner_iv_init(key, counter);
                Ctr128BE::<&Aes128>::from_core(core).apply_keystream(in_out);
            }
            Self::Aes256(key) => {
                let core = CtrCore::inner_iv_init(key, counter);
                Ctr128BE::<&Aes256>::from_core(core).apply_keystream(in_out);
            }
        }
    }
}

pub(crate) enum RecordNumberKey {
    Aes128(Aes128),
    Aes256(Aes256),
    ChaCha20(Zeroizing<[u8; 32]>),
}

impl RecordNumberKey {
    /// Prepares a key whose length the caller has checked.
    pub(crate) fn new(algorithm: AeadAlgorithm, key: &[u8]) -> Self {
        match algorithm {
            AeadAlgorithm::Aes128Gcm => Self::Aes128(keyed(key)),
            AeadAlgorithm::Aes256Gcm => Self::Aes256(keyed(key)),
            AeadAlgorithm::ChaCha20Poly1305 => {
                Self::ChaCha20(Zeroizing::new(key.try_into().expect("the length was checked")))
            }
        }
    }

    pub(crate) fn mask(&self, ciphertext: &[u8; 16]) -> [u8; 2] {
        match self {
            Self::Aes128(key) => first_of_block(key, ciphertext),
            Self::Aes256(key) => first_of_block(key, ciphertext),
            Self::ChaCha20(key) => first_of_stream(key, ciphertext),
        }
    }
}

fn keyed<C: KeyInit>(key: &[u8]) -> C {
    C::new_from_slice(key).expect("the length was checked")
}

fn first_of_block<C>(key: &C, ciphertext: &[u8; 16]) -> [u8; 2]
where
    C: BlockCipherEncrypt + BlockSizeUser<BlockSize = U16>,
{
    let mut block = aes::Block::from(*ciphertext);
    key.encrypt_block(&mut block);
    let [first, second, ..] = block.0;
    [first, second]
}

/// RFC 9147 §4.2.3: the first four bytes count blocks, little end first; the rest is the nonce.
fn first_of_stream(key: &[u8; 32], ciphertext: &[u8; 16]) -> [u8; 2] {
    let [a, b, c, d, nonce @ ..] = *ciphertext;
    type Core = ChaChaCore<R20, Ietf>;
    let mut stream = Core::new(&(*key).into(), &nonce.into());
    stream.set_block_pos(u32::from_le_bytes([a, b, c, d]));
    let mut block = Block::<Core>::default();
    stream.write_keystream_block(&mut block);
    let [first, second, ..] = block.0;
    block.zeroize();
    [first, second]
}
