//! Keys, tags and hashes of the two credential mechanisms.

use hmac::{Hmac, KeyInit as _, Mac as _};
use md5::Md5;
use sha1::Sha1;
use sha2::{Digest as _, Sha256};

/// The key of an integrity attribute (RFC 8489 §9.1.1, §9.2.2, §18.5.1).
///
/// Strings are taken as they are: a caller whose password changes under OpaqueString passes the
/// prepared form, so that the preparation itself stays the subject's task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key(Vec<u8>);

impl Key {
    /// These bytes, whatever they mean.
    #[must_use]
    pub fn raw(bytes: &[u8]) -> Self {
        Self(bytes.to_vec())
    }

    /// The key of a short-term credential.
    #[must_use]
    pub fn short_term(password: &str) -> Self {
        Self::raw(password.as_bytes())
    }

    /// The key of a long-term credential with the MD5 password algorithm.
    #[must_use]
    pub fn long_term_md5(username: &str, realm: &str, password: &str) -> Self {
        Self(Md5::digest(format!("{username}:{realm}:{password}")).to_vec())
    }

    /// The key of a long-term credential with the SHA-256 password algorithm.
    #[must_use]
    pub fn long_term_sha256(username: &str, realm: &str, password: &str) -> Self {
        Self(Sha256::digest(format!("{username}:{realm}:{password}")).to_vec())
    }

    /// The bytes of the key.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// HMAC-SHA1 over `parts`: 20 bytes.
    #[must_use]
    pub fn hmac_sha1(&self, parts: &[&[u8]]) -> Vec<u8> {
        let mut mac = Hmac::<Sha1>::new_from_slice(&self.0).expect("HMAC takes keys of any length");
        parts.iter().for_each(|part| mac.update(part));
        mac.finalize().into_bytes().to_vec()
    }

    /// HMAC-SHA256 over `parts`: 32 bytes.
    #[must_use]
    pub fn hmac_sha256(&self, parts: &[&[u8]]) -> Vec<u8> {
        let mut mac =
            Hmac::<Sha256>::new_from_slice(&self.0).expect("HMAC takes keys of any length");
        parts.iter().for_each(|part| mac.update(part));
        mac.finalize().into_bytes().to_vec()
    }
}

/// The value of USERHASH (RFC 8489 §14.4), from prepared strings.
#[must_use]
pub fn userhash(username: &str, realm: &str) -> [u8; 32] {
    Sha256::digest(format!("{username}:{realm}")).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn derives_the_key_of_the_specification_example() {
        // RFC 8489 §9.2.2 gives this one.
        let key = Key::long_term_md5("user", "realm", "pass");
        assert_eq!(key.as_bytes(), 0x8493_fbc5_3ba5_82fb_4c04_4c45_6bdc_40eb_u128.to_be_bytes());
    }
}
