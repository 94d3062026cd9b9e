//! HMAC in pure Rust: the hash states after the padded key are computed once and copied per message.

use hmac::{Hmac, KeyInit, Mac, digest::block_api::EagerHash};
use sha1::{Digest as _, Sha1};
use sha2::{Sha256, Sha384, Sha512};
use zeroize::{Zeroize, Zeroizing};

use crate::{HmacAlgorithm, Tag};

#[derive(Clone)]
pub(crate) enum Key {
    Sha1(States<5>),
    Sha256(States<8>),
    Sha384(Hmac<Sha384>),
    Sha512(Hmac<Sha512>),
}

impl Key {
    pub(crate) fn new(algorithm: HmacAlgorithm, key: &[u8]) -> Self {
        match algorithm {
            HmacAlgorithm::Sha1 => {
                let key = at_most_a_block(key, |long| Sha1::digest(long).to_vec());
                Self::Sha1(States::new(&key, SHA1_START, sha1::block_api::compress))
            }
            HmacAlgorithm::Sha256 => {
                let key = at_most_a_block(key, |long| Sha256::digest(long).to_vec());
                Self::Sha256(States::new(&key, SHA256_START, sha2::block_api::compress256))
            }
            HmacAlgorithm::Sha384 => Self::Sha384(keyed(key)),
            HmacAlgorithm::Sha512 => Self::Sha512(keyed(key)),
        }
    }

    pub(crate) fn sign(&self, parts: &[&[u8]]) -> Tag {
        match self {
            Self::Sha1(states) => states.sign(parts),
            Self::Sha256(states) => states.sign(parts),
            Self::Sha384(state) => sign_with(state, parts),
            Self::Sha512(state) => sign_with(state, parts),
        }
    }
}

/// The two hash states of a key, for a hash with 64-byte blocks and `N` words of state.
///
/// STUN and SRTP authenticate every packet with such a hash, and packets are short: the general
/// implementation spends a third of its time on a 92-byte message in copying, counting and wiping its
/// buffers. Here only the words of the state are kept, and the message is cut into blocks in place.
#[derive(Clone)]
pub(crate) struct States<const N: usize> {
    inner: [u32; N],
    outer: [u32; N],
    compress: Compress<N>,
}

type Compress<const N: usize> = fn(&mut [u32; N], &[[u8; BLOCK]]);

impl<const N: usize> States<N> {
    /// Digests the padded key, at most a block of it (RFC 2104 §2).
    fn new(key: &[u8], start: [u32; N], compress: Compress<N>) -> Self {
        let mut padded = Zeroizing::new([0; BLOCK]);
        padded.iter_mut().zip(key).for_each(|(to, from)| *to = *from);
        let keyed = |pad: u8| {
            let mut state = start;
            let block = Zeroizing::new(padded.map(|byte| byte ^ pad));
            compress(&mut state, std::slice::from_ref(&*block));
            state
        };
        Self { inner: keyed(0x36), outer: keyed(0x5c), compress }
    }

    fn sign(&self, parts: &[&[u8]]) -> Tag {
        let mut inner = Hash::new(self.inner, self.compress);
        parts.iter().for_each(|part| inner.update(part));
        self.finish(&inner.finish())
    }

    /// The outer hash takes the inner digest, which always fills one block with its padding.
    fn finish(&self, digest: &[u32; N]) -> Tag {
        let bits = u32::try_from(8 * (BLOCK + 4 * N)).unwrap_or_default();
        let words: [[u8; 4]; BLOCK / 4] = std::array::from_fn(|i| match digest.get(i) {
            Some(word) => word.to_be_bytes(),
            None if i == N => [0x80, 0, 0, 0],
            None if i == BLOCK / 4 - 1 => bits.to_be_bytes(),
            None => [0; 4],
        });
        let mut state = self.outer;
        let (block, _) = words.as_flattened().as_chunks();
        (self.compress)(&mut state, block);
        Tag::from_words(&state)
    }
}

impl<const N: usize> Drop for States<N> {
    fn drop(&mut self) {
        self.inner.zeroize();
        self.outer.zeroize();
    }
}

/// A hash that has taken one block already.
struct Hash<const N: usize> {
    state: [u32; N],
    compress: Compress<N>,
    block: [u8; BLOCK],
    /// Bytes of `block` in use, always less than all.
    filled: usize,
    /// Bytes taken so far, the block of the key among them.
    length: usize,
}

impl<const N: usize> Hash<N> {
    const fn new(state: [u32; N], compress: Compress<N>) -> Self {
        Self { state, compress, block: [0; BLOCK], filled: 0, length: BLOCK }
    }

    fn update(&mut self, mut part: &[u8]) {
        self.length += part.len();
        if self.filled > 0 {
            let (head, rest) = part.split_at(part.len().min(BLOCK - self.filled));
            self.keep(head);
            part = rest;
            if self.filled < BLOCK {
                return;
            }
            (self.compress)(&mut self.state, std::slice::from_ref(&self.block));
            self.filled = 0;
        }
        let (blocks, rest) = part.as_chunks::<BLOCK>();
        if !blocks.is_empty() {
            (self.compress)(&mut self.state, blocks);
        }
        self.keep(rest);
    }

    /// Copies `bytes` to the free part of the block, where they fit.
    fn keep(&mut self, bytes: &[u8]) {
        let room = self.block.get_mut(self.filled..self.filled + bytes.len());
        room.unwrap_or_default().copy_from_slice(bytes);
        self.filled += bytes.len();
    }

    /// Pads with a one bit, zeros, and the length in bits (RFC 6234 §4.1).
    fn finish(mut self) -> [u32; N] {
        let bits = u64::try_from(self.length).unwrap_or(u64::MAX).wrapping_mul(8);
        let (used, free) = self.block.split_at_mut(self.filled);
        free.fill(0);
        if let Some(first) = free.first_mut() {
            *first = 0x80;
        }
        if used.len() + 9 > BLOCK {
            (self.compress)(&mut self.state, std::slice::from_ref(&self.block));
            self.block = [0; BLOCK];
        }
        if let Some(tail) = self.block.last_chunk_mut() {
            *tail = bits.to_be_bytes();
        }
        (self.compress)(&mut self.state, std::slice::from_ref(&self.block));
        self.state
    }
}

/// A key longer than a block is replaced by its hash (RFC 2104 §2).
fn at_most_a_block(key: &[u8], digest: impl Fn(&[u8]) -> Vec<u8>) -> Zeroizing<Vec<u8>> {
    Zeroizing::new(if key.len() > BLOCK { digest(key) } else { key.to_vec() })
}

/// The general HMAC, keyed.
#[expect(clippy::expect_used, reason = "HMAC takes keys of every length (RFC 2104 §2)")]
pub(crate) fn keyed<H: EagerHash>(key: &[u8]) -> Hmac<H> {
    Hmac::new_from_slice(key).expect("every length is a key length")
}

fn sign_with<H: EagerHash>(state: &Hmac<H>, parts: &[&[u8]]) -> Tag {
    let mut state = state.clone();
    parts.iter().for_each(|part| state.update(part));
    Tag::new(&state.finalize().into_bytes())
}

/// Bytes of a block of SHA-1 and SHA-256.
const BLOCK: usize = 64;

/// RFC 3174 §6.1.
const SHA1_START: [u32; 5] = [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476, 0xc3d2_e1f0];

/// RFC 6234 §6.1.
const SHA256_START: [u32; 8] = [
    0x6a09_e667,
    0xbb67_ae85,
    0x3c6e_f372,
    0xa54f_f53a,
    0x510e_527f,
    0x9b05_688c,
    0x1f83_d9ab,
    0x5be0_cd19,
];

#[cfg(test)]
mod tests {
    use super::*;

    fn general<H: EagerHash>(key: &[u8], message: &[u8]) -> Vec<u8> {
        sign_with(&keyed::<H>(key), &[message]).as_ref().to_vec()
    }

    #[test]
    fn agrees_with_the_general_hmac_at_every_length_and_cut() {
        let bytes: Vec<u8> = (0..=255).cycle().take(300).collect();
        for key_length in [0, 1, 63, 64, 65, 200] {
            let key = &bytes[..key_length];
            let sha1 = Key::new(HmacAlgorithm::Sha1, key);
            let sha256 = Key::new(HmacAlgorithm::Sha256, key);
            for length in 0..=200 {
                let message = &bytes[7..7 + length];
                let (head, tail) = message.split_at(length / 3);
                let parts = [head, &[], tail];
                assert_eq!(sha1.sign(&parts).as_ref(), general::<Sha1>(key, message));
                assert_eq!(sha256.sign(&parts).as_ref(), general::<Sha256>(key, message));
            }
        }
    }
}
