//! Keys of the message integrity, with their hash state kept.

use crypto::{HashAlgorithm, HmacAlgorithm, HmacKey, Provider};

use crate::{
    opaque::{Unprepared, prepare},
    wire::{Algorithm, Userhash},
};

/// The key of MESSAGE-INTEGRITY and MESSAGE-INTEGRITY-SHA256.
///
/// Making one costs several hashes; checking and signing with it starts from the state they left, so
/// keep it as long as the credential holds. It prints nothing of the secret.
#[derive(Clone, Debug)]
pub struct Key {
    sha1: HmacKey,
    sha256: HmacKey,
}

impl Key {
    /// The key of a short-term credential, which is the prepared password: RFC 8489 §9.1.1.
    ///
    /// # Errors
    ///
    /// `Unprepared` if the password has characters no password may have.
    pub fn short_term(provider: Provider, password: &str) -> Result<Self, Unprepared> {
        Ok(Self::from_bytes(provider, prepare(password)?.as_bytes()))
    }

    /// The key of a long-term credential: RFC 8489 §9.2.2, §18.5.1. With an algorithm other than MD5
    /// and SHA-256, the key is made with SHA-256.
    ///
    /// # Errors
    ///
    /// `Unprepared` if one of the texts has characters it may not have.
    pub fn long_term(
        provider: Provider,
        algorithm: Algorithm,
        username: &str,
        realm: &str,
        password: &str,
    ) -> Result<Self, Unprepared> {
        let username = prepare(username)?;
        let realm = prepare(realm)?;
        let password = prepare(password)?;
        let hash = match algorithm {
            Algorithm::MD5 => HashAlgorithm::Md5,
            _ => HashAlgorithm::Sha256,
        };
        // RFC 8489 §9.2.2: quotes and trailing zeros are no part of the texts that are hashed.
        let username = unquoted(username.trim_end_matches('\0'));
        let realm = unquoted(realm.trim_end_matches('\0'));
        let password = password.trim_end_matches('\0');
        let parts = [username, ":", realm, ":", password].map(str::as_bytes);
        Ok(Self::from_bytes(provider, provider.hash(hash, &parts).as_ref()))
    }

    /// A key out of somebody else's hands: an H(A1) of a password database, the session key of an
    /// access token (RFC 7635 §6.2).
    #[must_use]
    pub fn from_bytes(provider: Provider, key: &[u8]) -> Self {
        Self {
            sha1: provider.hmac_key(HmacAlgorithm::Sha1, key),
            sha256: provider.hmac_key(HmacAlgorithm::Sha256, key),
        }
    }

    pub(crate) const fn sha1(&self) -> &HmacKey {
        &self.sha1
    }

    pub(crate) const fn sha256(&self) -> &HmacKey {
        &self.sha256
    }
}

impl Userhash {
    /// The hash that stands for `username` in `realm`: RFC 8489 §14.4.
    ///
    /// # Errors
    ///
    /// `Unprepared` if one of the texts has characters it may not have.
    pub fn of(provider: Provider, username: &str, realm: &str) -> Result<Self, Unprepared> {
        let (username, realm) = (prepare(username)?, prepare(realm)?);
        let parts = [username.as_bytes(), b":", realm.as_bytes()];
        let digest = provider.hash(HashAlgorithm::Sha256, &parts);
        let mut hash = [0; 32];
        for (to, from) in hash.iter_mut().zip(digest.as_ref()) {
            *to = *from;
        }
        Ok(Self(hash))
    }
}

fn unquoted(text: &str) -> &str {
    text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn makes_the_key_of_the_example_in_the_text() {
        // RFC 8489 §9.2.2 gives the MD5 of `user:realm:pass`.
        let provider = Provider::default();
        let key = [
            0x84, 0x93, 0xfb, 0xc5, 0x3b, 0xa5, 0x82, 0xfb, 0x4c, 0x04, 0x4c, 0x45, 0x6b, 0xdc,
            0x40, 0xeb,
        ];
        let made = Key::long_term(provider, Algorithm::MD5, "user", "\"realm\"", "pass").unwrap();
        let given = Key::from_bytes(provider, &key);
        assert_eq!(made.sha1().sign(&[b"x"]).as_ref(), given.sha1().sign(&[b"x"]).as_ref());
    }

    #[test]
    fn prints_no_secret() {
        let key = Key::short_term(Provider::default(), "VOkJxbRl1RmTxUk").unwrap();
        assert!(!format!("{key:?}").contains("VOkJ"));
    }
}
