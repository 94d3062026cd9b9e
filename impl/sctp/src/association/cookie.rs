//! State cookies: what this end would keep of a set-up, kept by the peer instead (RFC 9260 §5.1.3).
//!
//! ```text
//! +---------+------+-------+------------+----------+-------------------+---------+
//! | made at | life | ports | our tag,   | tie-tags | what the peer     | code 16 |
//! |       8 |    4 |     4 | number   8 |        8 | said           17 |         |
//! +---------+------+-------+------------+----------+-------------------+---------+
//! ```
//!
//! It is signed and not sealed: all of it has crossed the wire in clear anyway.

use std::{fmt, time::Duration};

use base::{Instant, Malformed, Reader, Rng, Writer};
use crypto::{HmacAlgorithm, HmacKey, Provider};
use zeroize::Zeroizing;

use super::introduction::Introduction;
use crate::{Features, Tsn};

/// Bytes of the code at the end: who guesses one guesses 128 bits.
const CODE_LEN: usize = 16;

/// For how long one key signs; RFC 9260 §5.1.3 would have it changed about hourly.
const KEY_LIFE: Duration = Duration::from_secs(3_600);

/// Makes cookies and knows them again.
pub(crate) struct Cookies {
    provider: Provider,
    rng: Rng,
    /// The key that signs, and when it was drawn: not before the first cookie.
    newest: Option<Box<(Instant, HmacKey)>>,
    /// The one before, whose cookies are still good.
    previous: Option<Box<(Instant, HmacKey)>>,
}

/// What a cookie remembers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cookie {
    /// When it was made.
    pub(crate) made: Instant,
    /// How long it is good.
    pub(crate) life: Duration,
    /// Our port and the peer's.
    pub(crate) ports: (u16, u16),
    /// The tag that we chose.
    pub(crate) local_tag: u32,
    /// The first number that we shall use.
    pub(crate) local_tsn: Tsn,
    /// The tie-tags of the association that stood when it was made, ours and the peer's; zeros if none did
    /// (RFC 9260 §5.2.2).
    pub(crate) ties: (u32, u32),
    /// What the peer's INIT said.
    pub(crate) peer: Introduction,
}

impl Cookies {
    pub(crate) fn new(provider: Provider, rng: &Rng) -> Self {
        Self { provider, rng: rng.fork("cookies"), newest: None, previous: None }
    }

    /// The bytes of `cookie`, which is made now.
    pub(crate) fn make(&mut self, cookie: &Cookie) -> Vec<u8> {
        let mut bytes = Vec::new();
        cookie.write(&mut Writer::new(&mut bytes));
        let code = self.newest_key(cookie.made).sign(&[&bytes]);
        bytes.extend_from_slice(code.as_ref().get(..CODE_LEN).unwrap_or_default());
        bytes
    }

    /// What `bytes` remember, if they are a cookie of ours, good or stale. Nothing of it is looked at before
    /// the code was found to be right.
    pub(crate) fn open(&self, bytes: &[u8]) -> Option<Cookie> {
        let (signed, code) = bytes.split_at_checked(bytes.len().checked_sub(CODE_LEN)?)?;
        let mut keys = self.newest.iter().chain(&self.previous);
        let is_gullible = base::mutant::active("sctp-cookie-unverified");
        keys.find(|key| is_gullible || key.1.verify_truncated(&[signed], code).is_ok())?;
        Cookie::read(&mut Reader::new(signed)).ok()
    }

    fn newest_key(&mut self, now: Instant) -> &HmacKey {
        if self.newest.as_ref().is_some_and(|key| key.0 + KEY_LIFE <= now) {
            self.previous = self.newest.take();
        }
        let Self { provider, rng, newest, .. } = self;
        let key = newest.get_or_insert_with(|| {
            let secret: Zeroizing<[u8; 32]> = Zeroizing::new(rng.secret_array());
            Box::new((now, provider.hmac_key(HmacAlgorithm::Sha256, &*secret)))
        });
        &key.1
    }
}

impl fmt::Debug for Cookies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cookies").finish_non_exhaustive()
    }
}

impl Cookie {
    /// By how much it is no longer good.
    pub(crate) fn staleness(&self, now: Instant) -> Option<Duration> {
        let over = now.saturating_duration_since(self.made).saturating_sub(self.life);
        (!over.is_zero() && !base::mutant::active("sctp-cookie-never-stale")).then_some(over)
    }

    fn write(&self, writer: &mut Writer<'_>) {
        writer.u64(self.made.as_nanos());
        writer.u32(u32::try_from(self.life.as_millis()).unwrap_or(u32::MAX));
        writer.u16(self.ports.0);
        writer.u16(self.ports.1);
        writer.u32(self.local_tag);
        writer.u32(self.local_tsn.get());
        writer.u32(self.ties.0);
        writer.u32(self.ties.1);
        writer.u32(self.peer.tag);
        writer.u32(self.peer.window);
        writer.u16(self.peer.outgoing);
        writer.u16(self.peer.incoming);
        writer.u32(self.peer.tsn.get());
        writer.u8(to_bits(self.peer.features));
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        Ok(Self {
            made: Instant::from_nanos(reader.u64()?),
            life: Duration::from_millis(reader.u32()?.into()),
            ports: (reader.u16()?, reader.u16()?),
            local_tag: reader.u32()?,
            local_tsn: Tsn::new(reader.u32()?),
            ties: (reader.u32()?, reader.u32()?),
            peer: Introduction {
                tag: reader.u32()?,
                window: reader.u32()?,
                outgoing: reader.u16()?,
                incoming: reader.u16()?,
                tsn: Tsn::new(reader.u32()?),
                features: from_bits(reader.u8()?),
            },
        })
    }
}

fn to_bits(features: Features) -> u8 {
    let Features { forward_tsn, interleaving, reconfig, zero_checksum, ecn } = features;
    let bits = [forward_tsn, interleaving, reconfig, zero_checksum, ecn];
    bits.iter().rev().fold(0, |byte, &bit| byte << 1 | u8::from(bit))
}

const fn from_bits(byte: u8) -> Features {
    Features {
        forward_tsn: byte & 1 != 0,
        interleaving: byte & 2 != 0,
        reconfig: byte & 4 != 0,
        zero_checksum: byte & 8 != 0,
        ecn: byte & 16 != 0,
    }
}

#[cfg(test)]
mod tests;
