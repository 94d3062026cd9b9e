//! The key schedules: from the secret of the key exchange to the keys of an epoch.
//!
//! | file | holds |
//! |---|---|
//! | `schedule/tls12.rs` | the master secret of version 1.2 and what is derived from it |
//! | `schedule/tls13.rs` | the chain of secrets of version 1.3 |

pub(crate) mod tls12;
pub(crate) mod tls13;

use std::fmt::{self, Write as _};

use crypto::{AEAD_NONCE_LEN, AeadKey, Provider};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::CipherSuite;

/// What seals and opens the records of one direction in one epoch.
pub(crate) struct TrafficKeys {
    /// The key of the cipher.
    pub(crate) aead: AeadKey,
    /// What nonces are made from.
    pub(crate) iv: Iv,
}

/// What the nonces of one direction and epoch are made from: twelve bytes, of which version 1.2 has only
/// four for AES-GCM, followed by zeros here. Wiped when dropped.
#[derive(Zeroize, ZeroizeOnDrop)]
pub(crate) struct Iv {
    salt: [u8; 4],
    rest: u64,
}

impl Iv {
    /// The first twelve bytes of `bytes`, filled up with zeros.
    fn new(bytes: &[u8]) -> Self {
        let mut whole = Zeroizing::new([0; AEAD_NONCE_LEN]);
        whole.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
        let [a, b, c, d, rest @ ..] = *whole;
        Self { salt: [a, b, c, d], rest: u64::from_be_bytes(rest) }
    }

    /// The exclusive or with `number` in its last bytes (RFC 8446 §5.3, RFC 7905 §2). Behind the salt of
    /// AES-GCM in version 1.2 are zeros, so that there the number follows as it is (RFC 5288 §3).
    pub(crate) const fn nonce(&self, number: u64) -> [u8; AEAD_NONCE_LEN] {
        let [a, b, c, d] = self.salt;
        let [e, f, g, h, i, j, k, l] = (self.rest ^ number).to_be_bytes();
        [a, b, c, d, e, f, g, h, i, j, k, l]
    }
}

impl TrafficKeys {
    /// The keys that `key` and `iv` spell.
    #[expect(clippy::expect_used, reason = "the schedules derive keys as long as the cipher asks")]
    fn new(provider: Provider, suite: CipherSuite, key: &[u8], iv: &[u8]) -> Self {
        let aead = provider.aead_key(suite.aead(), key).expect("the length is the cipher's own");
        Self { aead, iv: Iv::new(iv) }
    }
}

impl fmt::Debug for TrafficKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TrafficKeys").field("aead", &self.aead).finish_non_exhaustive()
    }
}

/// More was asked of an exporter than it can give: too much output, too long a label or context.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("label, context or output of the exporter too long")]
pub(crate) struct ExportTooLong;

/// A line of a key log in the format that packet analysers read: a label, the random value of the
/// ClientHello, and a secret.
fn key_log_line(label: &str, client_random: &[u8; 32], secret: &[u8]) -> String {
    let mut line = String::with_capacity(label.len() + 2 + 2 * (32 + secret.len()));
    line.push_str(label);
    for bytes in [&client_random[..], secret] {
        line.push(' ');
        for byte in bytes {
            let _ = write!(line, "{byte:02x}");
        }
    }
    line
}
