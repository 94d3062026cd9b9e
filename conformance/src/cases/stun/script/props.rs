//! Names, addresses, keys and small helpers that many cases share.

use std::{
    fmt::Write as _,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    time::Duration,
};

use wire::stun::{Attribute, Key, Parsed, TransactionId};

use crate::{
    Ctl, Outcome, Stop, Variant,
    subjects::stun::{
        Authentication, Credential, LongTermOffer, Refusal, StunCodec, StunServerConfig,
    },
};

/// A second.
pub(in crate::cases) const SECOND: Duration = Duration::from_secs(1);
/// A millisecond.
pub(in crate::cases) const MILLISECOND: Duration = Duration::from_millis(1);
/// How long the nonces of the subject's server last.
pub(in crate::cases) const NONCE_LIFETIME: Duration = Duration::from_secs(60);
/// The realm of long-term credentials.
pub(in crate::cases) const REALM: &str = "example.org";
/// An address that nobody on the stage has.
pub(in crate::cases) const OTHER: SocketAddr =
    SocketAddr::new(IpAddr::V4(Ipv4Addr::new(203, 0, 113, 9)), 999);
/// The same in IPv6.
pub(in crate::cases) const OTHER_V6: SocketAddr =
    SocketAddr::new(IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 9, 9, 0, 0, 0, 9)), 999);
/// Where a redirecting server sends IPv4 clients.
pub(in crate::cases) const ALTERNATE_V4: SocketAddr =
    SocketAddr::new(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 200)), 3479);
/// Where a redirecting server sends IPv6 clients.
pub(in crate::cases) const ALTERNATE_V6: SocketAddr =
    SocketAddr::new(IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0x200)), 3479);

/// An address family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::cases) enum Family {
    /// IPv4.
    V4,
    /// IPv6.
    V6,
}

impl Family {
    /// The family that the parameter `family` names.
    pub(in crate::cases) fn of(v: &Variant) -> Self {
        if v.text("family") == "v6" { Self::V6 } else { Self::V4 }
    }
}

/// The short-term credential of both sides.
pub(in crate::cases) fn short_term() -> Credential {
    Credential::short_term("alice:bob", "swordfish-and-salt")
}

/// Its key.
pub(in crate::cases) fn short_term_key() -> Key {
    Key::short_term(&short_term().password)
}

/// The long-term credential of both sides.
pub(in crate::cases) fn long_term() -> Credential {
    Credential::long_term("alice", REALM, "swordfish-and-salt")
}

/// Its MD5 key.
pub(in crate::cases) fn long_term_key() -> Key {
    Key::long_term_md5(&long_term().username, REALM, &long_term().password)
}

/// Its SHA-256 key.
pub(in crate::cases) fn long_term_key_sha256() -> Key {
    Key::long_term_sha256(&long_term().username, REALM, &long_term().password)
}

/// A plain server; the stage fills in the addresses.
pub(in crate::cases) fn plain() -> StunServerConfig {
    StunServerConfig::default()
}

/// A server that asks for the short-term credential.
pub(in crate::cases) fn short_term_server() -> StunServerConfig {
    StunServerConfig { authentication: Authentication::ShortTerm(short_term()), ..plain() }
}

/// A server that asks for the long-term credential and offers all there is.
pub(in crate::cases) fn long_term_server() -> StunServerConfig {
    StunServerConfig {
        authentication: Authentication::LongTerm(long_term()),
        long_term: LongTermOffer { nonce_lifetime: NONCE_LIFETIME, ..LongTermOffer::default() },
        ..plain()
    }
}

/// The integrity attributes that `kinds` names: `sha1`, `sha256` or `both`.
pub(in crate::cases) fn tags(kinds: &str, key: &Key) -> Vec<Attribute> {
    match kinds {
        "sha1" => vec![Attribute::integrity(key)],
        "sha256" => vec![Attribute::integrity_sha256(key)],
        _ => vec![Attribute::integrity(key), Attribute::integrity_sha256(key)],
    }
}

/// A new transaction id.
pub(in crate::cases) fn fresh(t: &mut Ctl<'_>) -> TransactionId {
    TransactionId(t.rng().public_array())
}

/// The subject's codec.
pub(in crate::cases) fn codec(t: &Ctl<'_>) -> Result<Box<dyn StunCodec>, Stop> {
    let codec = t.subject().stun_codec();
    codec.ok_or_else(|| Stop::Unsupported("the subject has no STUN codec".to_owned()))
}

/// Ends the case as unsupported if the subject has no such operation.
pub(in crate::cases) fn supported<T>(outcome: &Result<T, Refusal>) -> Outcome {
    match outcome {
        Err(Refusal::Unsupported) => Err(Stop::Unsupported("no such operation".to_owned())),
        _ => Ok(()),
    }
}

/// `bytes` with one bit flipped, counted from the most significant of the first byte.
pub(in crate::cases) fn flip(bytes: &[u8], bit: usize) -> Vec<u8> {
    let mut flipped = bytes.to_vec();
    if let Some(byte) = flipped.get_mut(bit / 8) {
        *byte ^= 0x80 >> (bit % 8);
    }
    flipped
}

/// Whole milliseconds, rounded to the nearest.
pub(in crate::cases) fn millis(duration: Duration) -> u64 {
    u64::try_from((duration.as_micros() + 500) / 1_000).unwrap_or(u64::MAX)
}

/// Hexadecimal digits.
pub(in crate::cases) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Four hexadecimal digits.
pub(in crate::cases) fn hex16(number: u16) -> String {
    format!("{number:#06x}")
}

/// A message, or the word for none.
pub(in crate::cases) fn shown(message: Option<&Parsed>) -> String {
    message.map_or_else(|| "nothing".to_owned(), ToString::to_string)
}

/// The bytes of an address.
pub(in crate::cases) fn ip_octets(ip: IpAddr) -> Vec<u8> {
    match ip {
        IpAddr::V4(ip) => ip.octets().to_vec(),
        IpAddr::V6(ip) => ip.octets().to_vec(),
    }
}
