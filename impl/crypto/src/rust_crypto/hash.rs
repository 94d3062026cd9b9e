//! Hash functions in pure Rust.

use sha1::Sha1;
use sha2::{Sha256, Sha384, Sha512};

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
