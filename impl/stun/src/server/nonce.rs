//! Nonces that need not be remembered: RFC 8489 §9.2, RFC 7616 §5.4.
//!
//! A nonce is the nonce cookie, the second it was made in, and a code over both and the address of
//! the client. Nobody else can make one, and one that is made for another address or long ago is
//! known by looking at it.

use std::{
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use base::{Instant, Reader, Rng};
use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD};
use crypto::{HmacAlgorithm, HmacKey, Provider, Tag};

use crate::cookie::COOKIE_LENGTH;

/// Bytes of the code that are kept.
const TAG_LENGTH: usize = 16;

/// Makes nonces and knows its own, keeping nothing but a key.
#[derive(Debug)]
pub struct NonceMint {
    key: HmacKey,
}

impl NonceMint {
    /// A mint with a key of its own, from the secret side of `rng`.
    #[must_use]
    pub fn new(provider: Provider, rng: &mut Rng) -> Self {
        Self { key: provider.hmac_key(HmacAlgorithm::Sha256, &rng.secret_array::<32>()) }
    }

    /// A nonce for `client` that begins with `cookie`, the nonce cookie of RFC 8489 §9.2.
    #[must_use]
    pub fn make(&self, now: Instant, client: SocketAddr, cookie: &str) -> String {
        let second = u32::try_from(now.elapsed().as_secs()).unwrap_or(u32::MAX).to_be_bytes();
        let mut payload = second.to_vec();
        let tag = self.tag(second, client, cookie);
        payload.extend_from_slice(tag.as_ref().get(..TAG_LENGTH).unwrap_or_default());
        format!("{cookie}{}", STANDARD_NO_PAD.encode(payload))
    }

    /// Whether `nonce` was made here for `client` and has not expired.
    #[must_use]
    pub fn is_valid(
        &self,
        now: Instant,
        client: SocketAddr,
        nonce: &str,
        lifetime: Duration,
    ) -> bool {
        let Some((cookie, encoded)) = nonce.split_at_checked(COOKIE_LENGTH) else {
            return false;
        };
        let payload = STANDARD_NO_PAD.decode(encoded).unwrap_or_default();
        let mut reader = Reader::new(&payload);
        let Ok(second) = reader.array::<4>() else {
            return false;
        };
        let right = self.tag(second, client, cookie);
        let right = right.as_ref().get(..TAG_LENGTH).unwrap_or_default();
        let is_ours = crypto::constant_time_eq(right, reader.rest());
        let made_at = Instant::ZERO + Duration::from_secs(u32::from_be_bytes(second).into());
        let is_fresh = made_at <= now && now - made_at < lifetime;
        is_ours && (is_fresh || base::mutant::active("stun-nonce-never-expires"))
    }

    fn tag(&self, second: [u8; 4], client: SocketAddr, cookie: &str) -> Tag {
        if base::mutant::active("stun-nonce-of-anybody") {
            return self.key.sign(&[&second, cookie.as_bytes()]);
        }
        let ip = match client.ip() {
            IpAddr::V4(ip) => ip.to_ipv6_mapped().octets(),
            IpAddr::V6(ip) => ip.octets(),
        };
        self.key.sign(&[&second, &ip, &client.port().to_be_bytes(), cookie.as_bytes()])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIFETIME: Duration = Duration::from_secs(600);

    #[test]
    fn knows_its_own_for_as_long_as_they_hold() {
        let mint = NonceMint::new(Provider::default(), &mut Rng::from_seed([3; 32]));
        let client = "192.0.2.9:1000".parse().unwrap();
        let made_at = Instant::ZERO + Duration::from_secs(100);
        let nonce = mint.make(made_at, client, "obMatJos2gAAA");
        assert!(nonce.starts_with("obMatJos2gAAA") && nonce.len() == 40);
        let is_valid = |at, client| mint.is_valid(at, client, &nonce, LIFETIME);
        assert!(is_valid(made_at, client));
        assert!(is_valid(made_at + Duration::from_millis(599_999), client));
        assert!(!is_valid(made_at + LIFETIME, client));
        assert!(!is_valid(made_at, "192.0.2.9:1001".parse().unwrap()));
        assert!(!is_valid(made_at, "192.0.2.8:1000".parse().unwrap()));
    }

    #[test]
    fn takes_no_other() {
        let mint = NonceMint::new(Provider::default(), &mut Rng::from_seed([3; 32]));
        let client = "[2001:db8::1]:1000".parse().unwrap();
        let nonce = mint.make(Instant::ZERO, client, "obMatJos2gAAA");
        for at in 0..nonce.len() {
            let mut other = nonce.clone().into_bytes();
            other[at] = if other[at] == b'A' { b'B' } else { b'A' };
            let other = String::from_utf8(other).unwrap();
            assert!(!mint.is_valid(Instant::ZERO, client, &other, LIFETIME), "{at}");
            assert!(!mint.is_valid(Instant::ZERO, client, &nonce[..at], LIFETIME), "{at}");
        }
    }
}
