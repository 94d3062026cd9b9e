//! Hash functions on AWS-LC.

use aws_lc_rs::digest::{self, Context};

use md5::{Digest as _, Md5};

use crate::{Digest, HashAlgorithm, hash::md5};

pub(crate) fn hash(algorithm: HashAlgorithm, parts: &[&[u8]]) -> Digest {
    let Some(algorithm) = native(algorithm) else {
        return md5(parts);
    };
    if let [only] = parts {
        return Digest::new(digest::digest(algorithm, only).as_ref());
    }
    let mut context = Context::new(algorithm);
    parts.iter().for_each(|part| context.update(part));
    Digest::new(context.finish().as_ref())
}

/// A hash that is still being fed.
#[derive(Clone)]
pub(crate) enum Hasher {
    Md5(Md5),
    Native(Context),
}

impl Hasher {
    pub(crate) fn new(algorithm: HashAlgorithm) -> Self {
        match native(algorithm) {
            None => Self::Md5(Md5::new()),
            Some(algorithm) => Self::Native(Context::new(algorithm)),
        }
    }

    pub(crate) fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Md5(hasher) => hasher.update(bytes),
            Self::Native(context) => context.update(bytes),
        }
    }

    pub(crate) fn digest(&self) -> Digest {
        match self {
            Self::Md5(hasher) => Digest::new(&hasher.clone().finalize()),
            Self::Native(context) => Digest::new(context.clone().finish().as_ref()),
        }
    }
}

/// The functions that AWS-LC offers through its Rust interface: all but MD5.
fn native(algorithm: HashAlgorithm) -> Option<&'static digest::Algorithm> {
    match algorithm {
        HashAlgorithm::Md5 => None,
        HashAlgorithm::Sha1 => Some(&digest::SHA1_FOR_LEGACY_USE_ONLY),
        HashAlgorithm::Sha256 => Some(&digest::SHA256),
        HashAlgorithm::Sha384 => Some(&digest::SHA384),
        HashAlgorithm::Sha512 => Some(&digest::SHA512),
    }
}
