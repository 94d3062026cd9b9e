//! Cookies: what a server has a client prove its address with, while keeping nothing itself
//! (RFC 6347 §4.2.1, RFC 9147 §5.1).
//!
//! A cookie is what the server would have kept, and a code over that, the client's address and what its
//! ClientHello says before the extensions:
//!
//! ```text
//! +------+---------+ - - - - - - - - - - - - - - - - - - - - - - - +---------+
//! | kind | seconds |  suite, group, digest 16, hash of the hello  | code 16 |
//! +------+---------+ - - - - - - - - - - - - - - - - - - - - - - - +---------+
//! ```
//!
//! The part in the middle is there in version 1.3 alone: the transcript goes on with the hash (RFC 8446
//! §4.4.1), and the digest is of the extensions that stay the same. Where no more than the beginning of the
//! ClientHello was seen, the suite is all that there is of it. What the code covers stands in the first
//! fragment of any ClientHello that is answered, however it is cut.

use base::{Instant, Reader, Rng, Writer};
use crypto::{HashAlgorithm, HmacAlgorithm, HmacKey, NamedGroup, Provider, constant_time_eq};
use zeroize::Zeroizing;

use crate::{
    CipherSuite,
    wire::{ClientHello, ExtensionType, NamedGroupId},
};

/// For how many seconds a cookie is good: a client answers within a round trip, or repeats itself with
/// timeouts that have grown long by then.
const LIFE: u64 = 60;

/// Bytes of the code at the end.
const CODE_LEN: usize = 16;

/// Bytes of a digest of extensions: a client that finds two sets of the same one fools nobody else.
const DIGEST_LEN: usize = 16;

/// The kinds of cookies.
const VERIFY: u8 = 1;
const RETRY: u8 = 2;
const BEGINNING: u8 = 3;

/// The padding extension (RFC 7685 §3), which may come and go between two hellos.
const PADDING: ExtensionType = ExtensionType::new(21);

/// Makes cookies and knows them again.
pub(crate) struct Cookies {
    key: HmacKey,
}

/// What a cookie remembers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Memory {
    /// That a HelloVerifyRequest was sent.
    Verify,
    /// What a HelloRetryRequest asked for, and of the ClientHello that it answered [`extensions_digest`]
    /// and the hash.
    Retry { suite: CipherSuite, group: Option<NamedGroup>, digest: [u8; DIGEST_LEN], hash: Vec<u8> },
    /// That a HelloRetryRequest answered the beginning of a ClientHello, and asked for nothing but the
    /// cookie.
    Beginning { suite: CipherSuite },
}

impl Cookies {
    /// Draws a key.
    pub(crate) fn new(provider: Provider, rng: &mut Rng) -> Self {
        let key: Zeroizing<[u8; 32]> = Zeroizing::new(rng.secret_array());
        Self { key: provider.hmac_key(HmacAlgorithm::Sha256, &*key) }
    }

    /// The cookie for a client at `address` that said `hello`.
    pub(crate) fn make(
        &self,
        now: Instant,
        address: &[u8],
        hello: &ClientHello<'_>,
        memory: &Memory,
    ) -> Vec<u8> {
        let mut cookie = Vec::new();
        let mut writer = Writer::new(&mut cookie);
        writer.u8(memory.kind());
        writer.u64(seconds(now));
        match memory {
            Memory::Verify => {}
            Memory::Retry { suite, group, digest, hash } => {
                writer.u16(suite.code_point());
                writer.u16(group.map_or(0, NamedGroup::code_point));
                writer.bytes(digest);
                writer.bytes(hash);
            }
            Memory::Beginning { suite } => writer.u16(suite.code_point()),
        }
        let code = self.code(&cookie, address, hello);
        cookie.extend_from_slice(&code);
        cookie
    }

    /// What a cookie of ours remembers, if it was made not long ago, for a client at `address` that said
    /// the same as `hello`.
    pub(crate) fn open(
        &self,
        now: Instant,
        address: &[u8],
        hello: &ClientHello<'_>,
        cookie: &[u8],
    ) -> Option<Memory> {
        let (content, code) = cookie.split_last_chunk::<CODE_LEN>()?;
        if !constant_time_eq(&self.code(content, address, hello), code) {
            return None;
        }
        let mut reader = Reader::new(content);
        let kind = reader.u8().ok()?;
        let age = seconds(now).checked_sub(reader.u64().ok()?)?;
        if age > LIFE {
            return None;
        }
        if kind == VERIFY {
            return Some(Memory::Verify);
        }
        let suite = CipherSuite::from_code_point(reader.u16().ok()?)?;
        if kind == BEGINNING {
            return Some(Memory::Beginning { suite });
        }
        let group = NamedGroupId::new(reader.u16().ok()?).known();
        let digest = reader.array().ok()?;
        Some(Memory::Retry { suite, group, digest, hash: reader.rest().to_vec() })
    }

    /// The code over a cookie, the address, and what comes before the extensions, which must be the same in
    /// the ClientHello that brings the cookie back (RFC 6347 §4.2.1, RFC 8446 §4.1.2).
    fn code(&self, content: &[u8], address: &[u8], hello: &ClientHello<'_>) -> [u8; CODE_LEN] {
        let mut covered = Vec::new();
        let mut writer = Writer::new(&mut covered);
        for part in [content, address, &hello.random, hello.session_id, hello.compression] {
            writer.u16_length().writer().bytes(part);
        }
        writer.u16(hello.legacy_version.number());
        // With its length, so that no suite can be read as what comes after.
        let mut suites = writer.u16_length();
        hello.suites.iter().for_each(|suite| suites.writer().u16(suite.number()));
        drop(suites);
        let tag = self.key.sign(&[&covered]);
        let mut code = [0; CODE_LEN];
        code.iter_mut().zip(tag.as_ref()).for_each(|(to, from)| *to = *from);
        code
    }
}

impl Memory {
    const fn kind(&self) -> u8 {
        match self {
            Self::Verify => VERIFY,
            Self::Retry { .. } => RETRY,
            Self::Beginning { .. } => BEGINNING,
        }
    }
}

/// Of the extensions that are the same in the second ClientHello (RFC 8446 §4.1.2).
pub(crate) fn extensions_digest(provider: Provider, hello: &ClientHello<'_>) -> [u8; DIGEST_LEN] {
    let mut covered = Vec::new();
    let mut writer = Writer::new(&mut covered);
    for (kind, value) in hello.extensions.iter().filter(|(kind, _)| stays(*kind)) {
        writer.u16(kind.number());
        writer.u16_length().writer().bytes(value);
    }
    let mut hasher = provider.hasher(HashAlgorithm::Sha256);
    hasher.update(&covered);
    let mut digest = [0; DIGEST_LEN];
    digest.iter_mut().zip(hasher.digest().as_ref()).for_each(|(to, from)| *to = *from);
    digest
}

/// Whether an extension is the same in the ClientHello after a HelloRetryRequest (RFC 8446 §4.1.2).
pub(crate) fn stays(kind: ExtensionType) -> bool {
    !matches!(
        kind,
        ExtensionType::KEY_SHARE
            | ExtensionType::COOKIE
            | ExtensionType::EARLY_DATA
            | ExtensionType::PRE_SHARED_KEY
            | PADDING
    )
}

/// Whole seconds since the beginning.
fn seconds(now: Instant) -> u64 {
    now.as_nanos() / 1_000_000_000
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::Message as _;

    /// A ClientHello up to its suites, and the rest.
    fn hello(suites: &[u8], rest: &[u8]) -> Vec<u8> {
        let mut body = vec![0xfe, 0xfd];
        body.extend([7; 32]);
        body.extend([0, 0, 0, u8::try_from(suites.len()).unwrap()]);
        body.extend(suites.iter().chain(rest));
        body
    }

    #[test]
    fn what_was_an_extension_cannot_come_back_as_a_suite() {
        let cookies = Cookies::new(crypto::rust_crypto(), &mut Rng::from_seed([1; 32]));
        let first = hello(&[0xc0, 0x2b], &[1, 0, 0, 4, 0, 23, 0, 0]);
        let second = hello(&[0xc0, 0x2b, 0, 23, 0, 0], &[1, 0]);
        let [first, second] = [&first, &second].map(|body| ClientHello::parse(body).unwrap());
        let now = Instant::ZERO;
        let cookie = cookies.make(now, b"here", &first, &Memory::Verify);
        assert_eq!(cookies.open(now, b"here", &first, &cookie), Some(Memory::Verify));
        assert_eq!(cookies.open(now, b"here", &second, &cookie), None);
        assert_eq!(cookies.open(now, b"there", &first, &cookie), None);
    }
}
