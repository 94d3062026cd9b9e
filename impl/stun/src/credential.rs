//! Who a client says it is.

use std::{fmt, sync::Arc};

use crypto::Provider;
use zeroize::Zeroizing;

use crate::{Key, Unprepared, opaque::prepare};

/// The credential of a client, cheap to copy. It prints its username and nothing else.
#[derive(Clone)]
#[non_exhaustive]
pub enum Credential {
    /// Agreed upon for one occasion: RFC 8489 §9.1.
    ShortTerm(Arc<ShortTerm>),
    /// Registered with the server: RFC 8489 §9.2.
    LongTerm(Arc<LongTerm>),
}

/// A short-term credential: RFC 8489 §9.1.
#[derive(Clone)]
pub struct ShortTerm {
    pub(crate) username: String,
    pub(crate) key: Key,
    pub(crate) integrity: Integrity,
}

/// A long-term credential: RFC 8489 §9.2.
#[derive(Clone)]
pub struct LongTerm {
    pub(crate) username: String,
    pub(crate) secret: Secret,
}

/// What a long-term credential proves itself with.
#[derive(Clone)]
pub(crate) enum Secret {
    /// A password, prepared.
    Password(Zeroizing<String>),
    /// An access token and the key that goes with it: RFC 7635 §5.
    Token { token: Vec<u8>, key: Box<Key> },
}

/// Which integrity attributes go into a request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Integrity {
    /// Both, until the server has shown which one it knows: RFC 8489 §9.1.2.
    #[default]
    Both,
    /// MESSAGE-INTEGRITY alone, as ICE does.
    Sha1,
    /// MESSAGE-INTEGRITY-SHA256 alone.
    Sha256,
}

impl Integrity {
    /// Whether MESSAGE-INTEGRITY is among them.
    #[must_use]
    pub const fn has_sha1(self) -> bool {
        matches!(self, Self::Both | Self::Sha1)
    }

    /// Whether MESSAGE-INTEGRITY-SHA256 is among them.
    #[must_use]
    pub const fn has_sha256(self) -> bool {
        matches!(self, Self::Both | Self::Sha256)
    }
}

impl Credential {
    /// A short-term credential.
    ///
    /// # Errors
    ///
    /// `Unprepared` if one of the texts has characters it may not have.
    pub fn short_term(
        provider: Provider,
        username: &str,
        password: &str,
        integrity: Integrity,
    ) -> Result<Self, Unprepared> {
        let username = prepare(username)?.into_owned();
        let key = Key::short_term(provider, password)?;
        Ok(Self::ShortTerm(Arc::new(ShortTerm { username, key, integrity })))
    }

    /// A long-term credential.
    ///
    /// # Errors
    ///
    /// `Unprepared` if one of the texts has characters it may not have.
    pub fn long_term(username: &str, password: &str) -> Result<Self, Unprepared> {
        let username = prepare(username)?.into_owned();
        let secret = Secret::Password(Zeroizing::new(prepare(password)?.into_owned()));
        Ok(Self::LongTerm(Arc::new(LongTerm { username, secret })))
    }

    /// An access token of an authorization server: RFC 7635 §5. `kid` names the key that the two
    /// servers share, `token` goes to the server unread, `mac_key` came with it.
    ///
    /// It takes part in the long-term mechanism, where it stands for username and password. A server
    /// that does not ask for a token (§6.1) is not shown it.
    ///
    /// # Errors
    ///
    /// `Unprepared` if `kid` has characters it may not have.
    pub fn access_token(
        provider: Provider,
        kid: &str,
        token: &[u8],
        mac_key: &[u8],
    ) -> Result<Self, Unprepared> {
        let username = prepare(kid)?.into_owned();
        let secret = Secret::Token {
            token: token.to_vec(),
            key: Box::new(Key::from_bytes(provider, mac_key)),
        };
        Ok(Self::LongTerm(Arc::new(LongTerm { username, secret })))
    }

    /// The username.
    #[must_use]
    pub fn username(&self) -> &str {
        match self {
            Self::ShortTerm(short) => &short.username,
            Self::LongTerm(long) => &long.username,
        }
    }
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Credential({:?})", self.username())
    }
}

impl fmt::Debug for ShortTerm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ShortTerm({:?})", self.username)
    }
}

impl fmt::Debug for LongTerm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LongTerm({:?})", self.username)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_no_secret() {
        let long = Credential::long_term("user", "hunter2").unwrap();
        let provider = Provider::default();
        let short = Credential::short_term(provider, "user", "hunter2", Integrity::Both).unwrap();
        for printed in [format!("{long:?}"), format!("{short:#?}")] {
            assert!(printed.contains("user") && !printed.contains("hunter2"));
        }
    }
}
