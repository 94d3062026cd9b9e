//! Hash functions in pure Rust.

use md5::Md5;
use sha1::Sha1;
use sha2::{Digest as _, Sha256, Sha384, Sha512};

use crate::{Digest, HashAlgorithm, hash::md5};

pub(crate) fn hash(algorithm: HashAlgorithm, parts: &[&[u8]]) -> Digest {
    match algorithm {
        HashAlgorithm::Md5 => md5(parts),
        HashAlgorithm::Sha1 => hash_with::<Sha1>(parts),
        HashAlgorithm::Sha256 => hash_with::<Sha256>(parts),
        HashAlgorithm::Sha384 => hash_with::<Sha384>(parts),
        HashAlgorithm::Sha512 => hash_with::<Sha512>(parts),
    }
}

fn hash_with<H: sha2::Digest>(parts: &[&[u8]]) -> Digest {
    let mut hasher = H::new();
    parts.iter().for_each(|part| hasher.update(part));
    Digest::new(&hasher.finalize())
}

/// A hash that is still being fed.
#[derive(Clone)]
pub(crate) enum Hasher {
    Md5(Md5),
    Sha1(Sha1),
    Sha256(Sha256),
    Sha384(Sha384),
    Sha512(Sha512),
}

impl Hasher {
    pub(crate) fn new(algorithm: HashAlgorithm) -> Self {
        match algorithm {
            HashAlgorithm::Md5 => Self::Md5(Md5::new()),
            HashAlgorithm::Sha1 => Self::Sha1(Sha1::new()),
            HashAlgorithm::Sha256 => Self::Sha256(Sha256::new()),
            HashAlgorithm::Sha384 => Self::Sha384(Sha384::new()),
            HashAlgorithm::Sha512 => Self::Sha512(Sha512::new()),
        }
    }

    pub(crate) fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Md5(hasher) => hasher.update(bytes),
            Self::Sha1(hasher) => hasher.update(bytes),
            Self::Sha256(hasher) => hasher.update(bytes),
            Self::Sha384(hasher) => hasher.update(bytes),
            Self::Sha512(hasher) => hasher.update(bytes),
        }
    }

    pub(crate) fn digest(&self) -> Digest {
        match self.clone() {
            Self::Md5(hasher) => Digest::new(&hasher.finalize()),
            Self::Sha1(hasher) => Digest::new(&hasher.finalize()),
            Self::Sha256(hasher) => Digest::new(&hasher.finalize()),
            Self::Sha384(hasher) => Digest::new(&hasher.finalize()),
            Self::Sha512(hasher) => Digest::new(&hasher.finalize()),
        }
    }
}
