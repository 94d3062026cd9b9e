//! Key derivation in pure Rust.
#![expect(clippy::expect_used, reason = "only lengths can fail, and they are checked")]

use hkdf::Hkdf;
use hmac::{Mac, digest::block_api::EagerHash};
use sha1::Sha1;
use sha2::{Sha256, Sha384, Sha512};
use zeroize::Zeroizing;

use super::hmac::keyed;
use crate::{HmacAlgorithm, PrfAlgorithm};

pub(crate) enum Prk {
    Sha1(Hkdf<Sha1>),
    Sha256(Hkdf<Sha256>),
    Sha384(Hkdf<Sha384>),
    Sha512(Hkdf<Sha512>),
}

impl Prk {
    pub(crate) fn extract(algorithm: HmacAlgorithm, salt: &[u8], secret: &[u8]) -> Self {
        match algorithm {
            HmacAlgorithm::Sha1 => Self::Sha1(Hkdf::new(Some(salt), secret)),
            HmacAlgorithm::Sha256 => Self::Sha256(Hkdf::new(Some(salt), secret)),
            HmacAlgorithm::Sha384 => Self::Sha384(Hkdf::new(Some(salt), secret)),
            HmacAlgorithm::Sha512 => Self::Sha512(Hkdf::new(Some(salt), secret)),
        }
    }

    /// Takes a key whose length the caller has checked.
    pub(crate) fn from_bytes(algorithm: HmacAlgorithm, prk: &[u8]) -> Self {
        match algorithm {
            HmacAlgorithm::Sha1 => Self::Sha1(Hkdf::from_prk(prk).expect(LENGTH)),
            HmacAlgorithm::Sha256 => Self::Sha256(Hkdf::from_prk(prk).expect(LENGTH)),
            HmacAlgorithm::Sha384 => Self::Sha384(Hkdf::from_prk(prk).expect(LENGTH)),
            HmacAlgorithm::Sha512 => Self::Sha512(Hkdf::from_prk(prk).expect(LENGTH)),
        }
    }

    /// Fills `out`, whose length the caller has checked.
    pub(crate) fn expand(&self, info: &[&[u8]], out: &mut [u8]) {
        let expanded = match self {
            Self::Sha1(prk) => prk.expand_multi_info(info, out),
            Self::Sha256(prk) => prk.expand_multi_info(info, out),
            Self::Sha384(prk) => prk.expand_multi_info(info, out),
            Self::Sha512(prk) => prk.expand_multi_info(info, out),
        };
        expanded.expect(LENGTH);
    }
}

/// P_hash of RFC 5246 §5: a chain A(1), A(2), … of the seed, each hashed with the seed once more.
pub(crate) fn tls12_prf(
    algorithm: PrfAlgorithm,
    secret: &[u8],
    label: &[u8],
    seed: &[&[u8]],
    out: &mut [u8],
) {
    match algorithm {
        PrfAlgorithm::Sha256 => p_hash::<Sha256>(secret, label, seed, out),
        PrfAlgorithm::Sha384 => p_hash::<Sha384>(secret, label, seed, out),
    }
}

fn p_hash<H: EagerHash>(secret: &[u8], label: &[u8], seed: &[&[u8]], out: &mut [u8]) {
    let key = keyed::<H>(secret);
    let digest = |a: &[u8], with_seed: bool| {
        let mut mac = key.clone();
        mac.update(a);
        if with_seed {
            mac.update(label);
            seed.iter().for_each(|part| mac.update(part));
        }
        Zeroizing::new(mac.finalize().into_bytes().to_vec())
    };
    let mut a = digest(&[], true);
    let block = a.len();
    for chunk in out.chunks_mut(block) {
        let output = digest(&a, true);
        chunk.iter_mut().zip(output.iter()).for_each(|(to, from)| *to = *from);
        a = digest(&a, false);
    }
}

const LENGTH: &str = "the length was checked";
