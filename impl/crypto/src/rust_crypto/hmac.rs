//! HMAC in pure Rust: the hash states after the padded key are computed once and copied per message.

use hmac::{Hmac, KeyInit, Mac, digest::block_api::EagerHash};
use sha1::Sha1;
use sha2::{Sha256, Sha384, Sha512};

use crate::{HmacAlgorithm, Tag};

#[derive(Clone)]
pub(crate) enum Key {
    Sha1(Hmac<Sha1>),
    Sha256(Hmac<Sha256>),
    Sha384(Hmac<Sha384>),
    Sha512(Hmac<Sha512>),
}

impl Key {
    pub(crate) fn new(algorithm: HmacAlgorithm, key: &[u8]) -> Self {
        match algorithm {
            HmacAlgorithm::Sha1 => Self::Sha1(keyed(key)),
            HmacAlgorithm::Sha256 => Self::Sha256(keyed(key)),
            HmacAlgorithm::Sha384 => Self::Sha384(keyed(key)),
            HmacAlgorithm::Sha512 => Self::Sha512(keyed(key)),
        }
    }

    pub(crate) fn sign(&self, parts: &[&[u8]]) -> Tag {
        match self {
            Self::Sha1(state) => sign_with(state, parts),
            Self::Sha256(state) => sign_with(state, parts),
            Self::Sha384(state) => sign_with(state, parts),
            Self::Sha512(state) => sign_with(state, parts),
        }
    }
}

#[expect(clippy::expect_used, reason = "HMAC takes keys of every length (RFC 2104 §2)")]
pub(crate) fn keyed<H: EagerHash>(key: &[u8]) -> Hmac<H> {
    Hmac::new_from_slice(key).expect("every length is a key length")
}

fn sign_with<H: EagerHash>(state: &Hmac<H>, parts: &[&[u8]]) -> Tag {
    let mut state = state.clone();
    parts.iter().for_each(|part| state.update(part));
    Tag::new(&state.finalize().into_bytes())
}
