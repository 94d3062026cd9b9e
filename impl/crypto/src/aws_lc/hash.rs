//! Hash functions on AWS-LC.

use aws_lc_rs::digest::{self, Context};

use crate::{Digest, HashAlgorithm, hash::md5};

pub(crate) fn hash(algorithm: HashAlgorithm, parts: &[&[u8]]) -> Digest {
    let algorithm = match algorithm {
        HashAlgorithm::Md5 => return md5(parts),
        HashAlgorithm::Sha1 => &digest::SHA1_FOR_LEGACY_USE_ONLY,
        HashAlgorithm::Sha256 => &digest::SHA256,
        HashAlgorithm::Sha384 => &digest::SHA384,
        HashAlgorithm::Sha512 => &digest::SHA512,
    };
    if let [only] = parts {
        return Digest::new(digest::digest(algorithm, only).as_ref());
    }
    let mut context = Context::new(algorithm);
    parts.iter().for_each(|part| context.update(part));
    Digest::new(context.finish().as_ref())
}
