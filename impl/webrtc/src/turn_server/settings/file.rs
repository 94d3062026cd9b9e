//! The form of the configuration file, before it is known whether it makes sense.

use std::{
    fmt,
    net::{IpAddr, SocketAddr},
    str::FromStr,
};

use crypto::Provider;
use serde::{Deserialize, Deserializer, de::Error as _};
use toml::Spanned;
use turn::server::{Cidr, TokenKey, Tokens};

use super::Problem;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    pub(super) listen: Listen,
    pub(super) relay: Relay,
    pub(super) access: Access,
    #[serde(default)]
    pub(super) policy: Policy,
    #[serde(default)]
    pub(super) quotas: Quotas,
    #[serde(default)]
    pub(super) lifetimes: Lifetimes,
    #[serde(default)]
    pub(super) log: Log,
    #[serde(default)]
    pub(super) shutdown: Shutdown,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Listen {
    pub(super) udp: Vec<SocketAddr>,
    #[serde(default)]
    pub(super) tcp: Vec<SocketAddr>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Relay {
    pub(super) ipv4: Option<IpAddr>,
    pub(super) ipv4_seen: Option<IpAddr>,
    pub(super) ipv6: Option<IpAddr>,
    pub(super) ipv6_seen: Option<IpAddr>,
    pub(super) ports: Option<[u16; 2]>,
    #[serde(default)]
    pub(super) tcp: bool,
    #[serde(default)]
    pub(super) channels_of_old: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Access {
    pub(super) realm: Spanned<String>,
    #[serde(default)]
    pub(super) users: Vec<Spanned<User>>,
    #[serde(default)]
    pub(super) secrets: Vec<String>,
    pub(super) tokens: Option<TokenAccess>,
    pub(super) nonce_lifetime: Option<u64>,
    #[serde(default)]
    pub(super) hides_usernames: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct User {
    pub(super) name: String,
    pub(super) password: Option<String>,
    pub(super) md5: Option<Hex<16>>,
    pub(super) sha256: Option<Hex<32>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TokenAccess {
    server_name: String,
    keys: Vec<Spanned<NamedKey>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NamedKey {
    id: String,
    key: String,
}

impl TokenAccess {
    pub(super) fn read(self, provider: Provider) -> Result<Tokens, Problem> {
        let mut tokens = Tokens::new(&self.server_name);
        for named in self.keys {
            let at = named.span().start;
            let NamedKey { id, key } = named.into_inner();
            let key = base64(&key).and_then(|key| TokenKey::new(provider, &key).ok());
            let what = "the key of tokens is not 16 or 32 bytes in base64";
            tokens = tokens.with_key(&id, key.ok_or_else(|| Problem::at(at, what))?);
        }
        Ok(tokens)
    }
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Policy {
    pub(super) allow: Vec<Network>,
    pub(super) deny: Vec<Network>,
    pub(super) only_allowed: bool,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Quotas {
    pub(super) allocations_per_user: Option<usize>,
    pub(super) allocations: Option<usize>,
    pub(super) permissions: Option<usize>,
    pub(super) channels: Option<usize>,
    pub(super) connections: Option<usize>,
    pub(super) streams: Option<usize>,
    pub(super) user_bandwidth: Option<u64>,
    pub(super) total_bandwidth: Option<u64>,
    pub(super) challenges_per_second: Option<u32>,
    pub(super) bindings_per_second: Option<u32>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Lifetimes {
    pub(super) default: Option<u64>,
    pub(super) longest: Option<u64>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Log {
    pub(super) level: Option<String>,
    pub(super) format: Format,
}

#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub(super) enum Format {
    #[default]
    Text,
    Json,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Shutdown {
    pub(super) drain: Option<u64>,
}

/// A network as text.
pub(super) struct Network(pub(super) Cidr);

impl<'de> Deserialize<'de> for Network {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let shown = |error: &dyn fmt::Display| format!("{text:?}: {error}");
        Cidr::from_str(&text).map(Self).map_err(|error| D::Error::custom(shown(&error)))
    }
}

/// `N` bytes in hexadecimal.
pub(super) struct Hex<const N: usize>(pub(super) [u8; N]);

impl<'de, const N: usize> Deserialize<'de> for Hex<N> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let wrong = || D::Error::custom(format!("not {} hexadecimal digits", 2 * N));
        if text.len() != 2 * N || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(wrong());
        }
        let mut bytes = [0; N];
        for (byte, digits) in bytes.iter_mut().zip(text.as_bytes().chunks(2)) {
            let digits = str::from_utf8(digits).map_err(|_| wrong())?;
            *byte = u8::from_str_radix(digits, 16).map_err(|_| wrong())?;
        }
        Ok(Self(bytes))
    }
}

/// The bytes that base64 `text` stands for, padded or not.
fn base64(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let (mut bits, mut count) = (0_u32, 0_u32);
    for character in text.trim_end_matches('=').bytes() {
        let value = match character {
            b'A'..=b'Z' => character - b'A',
            b'a'..=b'z' => character - b'a' + 26,
            b'0'..=b'9' => character - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            _ => return None,
        };
        bits = bits << 6 | u32::from(value);
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push(u8::try_from(bits >> count & 0xff).ok()?);
        }
    }
    Some(bytes)
}
