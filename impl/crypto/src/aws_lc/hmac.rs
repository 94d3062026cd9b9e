//! HMAC on AWS-LC, which keeps the hash states of the padded key in its key.

use aws_lc_rs::hmac::{self, Context};

use crate::{HmacAlgorithm, Tag};

#[derive(Clone)]
pub(crate) struct Key(hmac::Key);

impl Key {
    pub(crate) fn new(algorithm: HmacAlgorithm, key: &[u8]) -> Self {
        let algorithm = match algorithm {
            HmacAlgorithm::Sha1 => hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
            HmacAlgorithm::Sha256 => hmac::HMAC_SHA256,
            HmacAlgorithm::Sha384 => hmac::HMAC_SHA384,
            HmacAlgorithm::Sha512 => hmac::HMAC_SHA512,
        };
        Self(hmac::Key::new(algorithm, key))
    }

    pub(crate) fn sign(&self, parts: &[&[u8]]) -> Tag {
        let mut context = Context::with_key(&self.0);
        parts.iter().for_each(|part| context.update(part));
        Tag::new(context.sign().as_ref())
    }
}
