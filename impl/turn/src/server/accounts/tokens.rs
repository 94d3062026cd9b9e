//! Tokens that an authorization server gives to clients: RFC 7635.

use std::{collections::BTreeMap, fmt, sync::Arc, time::Duration};

use base::WallTime;
use crypto::{AEAD_NONCE_LEN, AEAD_TAG_LEN, AeadAlgorithm, AeadKey, HashAlgorithm, Provider};
use stun::{
    Key,
    wire::{AccessToken, TokenContent},
};

use super::{Account, Kind};

/// By how much the clocks of the two servers may differ: RFC 7635 §7.
const DELTA: Duration = Duration::from_secs(5);

/// Longest session key in bytes: a block of the hash, beyond which keys are hashed anyhow.
const MAX_MAC_KEY: usize = 64;

/// The tokens a server takes.
#[derive(Clone)]
pub struct Tokens {
    server_name: String,
    keys: BTreeMap<String, TokenKey>,
}

/// A key that the authorization server encrypts tokens with.
#[derive(Clone, Debug)]
pub struct TokenKey(Arc<AeadKey>);

impl TokenKey {
    /// A key for AES in Galois/counter mode (A256GCM or A128GCM in RFC 7635 §4.1): 32 or 16 bytes.
    ///
    /// # Errors
    ///
    /// `BadKeyLength` if it has another length.
    pub fn new(provider: Provider, key: &[u8]) -> Result<Self, crypto::BadKeyLength> {
        let algorithm = match key.len() {
            16 => AeadAlgorithm::Aes128Gcm,
            _ => AeadAlgorithm::Aes256Gcm,
        };
        provider.aead_key(algorithm, key).map(|key| Self(Arc::new(key)))
    }

    /// Encrypts a token: what an authorization server does. `nonce` must be another one each time.
    #[must_use]
    pub fn seal(
        &self,
        server_name: &str,
        nonce: [u8; AEAD_NONCE_LEN],
        content: TokenContent<'_>,
    ) -> Vec<u8> {
        let mut token = Vec::new();
        let mut writer = base::Writer::new(&mut token);
        writer.u16_length().writer().bytes(&nonce);
        let start = writer.len();
        writer.u16_length().writer().bytes(content.mac_key);
        writer.u64(content.timestamp);
        writer.u32(content.lifetime);
        self.0.seal_and_append(&nonce, server_name.as_bytes(), &mut token, start);
        token
    }
}

impl Tokens {
    /// Takes none yet, for the server that the authorization server calls `server_name`.
    #[must_use]
    pub fn new(server_name: &str) -> Self {
        Self { server_name: server_name.to_owned(), keys: BTreeMap::new() }
    }

    /// Takes tokens made with `key`, which both servers call `id`: the username of the client.
    #[must_use]
    pub fn with_key(mut self, id: &str, key: TokenKey) -> Self {
        self.keys.insert(id.to_owned(), key);
        self
    }

    /// What the authorization server calls this server.
    #[must_use]
    pub fn server_name(&self) -> &str {
        &self.server_name
    }

    /// The account that the bearer of `token` has: RFC 7635 §7. Its quotas are those of the token, as
    /// the key is everybody's.
    pub(in crate::server) fn open(
        &self,
        provider: Provider,
        date: WallTime,
        id: &str,
        token: AccessToken<'_>,
    ) -> Option<Account> {
        let key = self.keys.get(id)?;
        let (nonce, encrypted) = token.split().ok()?;
        let nonce: &[u8; AEAD_NONCE_LEN] = nonce.try_into().ok()?;
        if encrypted.len() < AEAD_TAG_LEN {
            return None;
        }
        let mut block = encrypted.to_vec();
        let block = key.0.open_appended(nonce, self.server_name.as_bytes(), &mut block).ok()?;
        let content = TokenContent::parse(block).ok()?;
        if content.mac_key.is_empty() || content.mac_key.len() > MAX_MAC_KEY {
            return None;
        }
        let rest = rest(content, date)?;
        let digest = provider.hash(HashAlgorithm::Sha256, &[content.mac_key]);
        let mark = digest.as_ref().first_chunk().map_or(0, |chunk| u64::from_be_bytes(*chunk));
        Some(Account {
            username: id.into(),
            owner: format!("{id}#{mark:016x}").into(),
            key: Key::from_bytes(provider, content.mac_key),
            rest: Some(rest),
            kind: Kind::Token,
        })
    }
}

/// For how long a token still holds; `None` if it does not. RFC 7635 §7, §9.
fn rest(content: TokenContent<'_>, date: WallTime) -> Option<Duration> {
    let fraction = content.timestamp & 0xffff;
    let made_at = Duration::from_secs(content.timestamp >> 16)
        .saturating_add(Duration::from_nanos(fraction * 1_000_000_000 / 64_000));
    let age = date.as_unix().abs_diff(made_at);
    let lifetime = Duration::from_secs(content.lifetime.into()).saturating_add(DELTA);
    lifetime.checked_sub(age).filter(|rest| !rest.is_zero())
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tokens")
            .field("server_name", &self.server_name)
            .field("keys", &self.keys.len())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1 << 16;

    fn at(seconds: u64) -> WallTime {
        WallTime::from_unix(Duration::from_secs(seconds))
    }

    fn tokens(key: &TokenKey) -> Tokens {
        Tokens::new("turn.example.org").with_key("kid", key.clone())
    }

    #[test]
    fn a_token_holds_for_its_lifetime_and_five_seconds() {
        let provider = Provider::default();
        let key = TokenKey::new(provider, &[7; 32]).unwrap();
        let content = TokenContent { mac_key: &[1; 20], timestamp: 1_000 * SECOND, lifetime: 600 };
        let token = key.seal("turn.example.org", [3; 12], content);
        let rest = |date| {
            let account = tokens(&key).open(provider, date, "kid", AccessToken(&token))?;
            account.rest
        };
        assert_eq!(rest(at(1_000)), Some(Duration::from_secs(605)));
        assert_eq!(rest(at(1_604)), Some(Duration::from_secs(1)));
        assert_eq!(rest(at(1_605)), None);
        assert_eq!(rest(at(390)), None, "a token from the future");
    }

    #[test]
    fn a_token_for_another_server_or_with_another_key_or_changed_is_none() {
        let provider = Provider::default();
        let key = TokenKey::new(provider, &[7; 32]).unwrap();
        let content = TokenContent { mac_key: &[1; 20], timestamp: SECOND, lifetime: 600 };
        let open = |token: &[u8], id: &str| {
            tokens(&key).open(provider, at(1), id, AccessToken(token)).is_some()
        };
        let token = key.seal("turn.example.org", [3; 12], content);
        assert!(open(&token, "kid") && !open(&token, "other"));
        assert!(!open(&key.seal("turn2.example.org", [4; 12], content), "kid"));
        let other = TokenKey::new(provider, &[8; 32]).unwrap();
        assert!(!open(&other.seal("turn.example.org", [3; 12], content), "kid"));
        for at in 0..token.len() {
            let mut changed = token.clone();
            changed[at] ^= 1;
            assert!(!open(&changed, "kid") && !open(&token[..at], "kid"), "{at}");
        }
    }

    #[test]
    fn hostile_lengths_are_no_token() {
        let provider = Provider::default();
        let key = TokenKey::new(provider, &[7; 16]).unwrap();
        for nonce_length in [0_u16, 1, 11, 12, 13, 255, 65_535] {
            for length in [0_usize, 2, 12, 14, 29, 30, 31, 64] {
                let mut token = nonce_length.to_be_bytes().to_vec();
                token.resize(2 + length, 0);
                let opened = tokens(&key).open(provider, at(1), "kid", AccessToken(&token));
                assert!(opened.is_none());
            }
        }
    }
}
