//! The key schedules: from the secret of the key exchange to the keys of an epoch.
//!
//! | file | holds |
//! |---|---|
//! | `schedule/tls12.rs` | the master secret of version 1.2 and what is derived from it |
//! | `schedule/tls13.rs` | the chain of secrets of version 1.3 |

pub(crate) mod tls12;
pub(crate) mod tls13;

use std::fmt::{self, Write as _};

use crypto::{AEAD_NONCE_LEN, AeadAlgorithm, AeadKey, Provider};
use zeroize::Zeroizing;

use crate::CipherSuite;

/// What seals and opens the records of one direction in one epoch.
pub(crate) struct TrafficKeys {
    /// The key of the cipher.
    pub(crate) aead: AeadKey,
    /// What nonces are made from. Version 1.2 has four bytes for AES-GCM and twelve for
    /// ChaCha20-Poly1305, followed by zeros here; version 1.3 always has twelve.
    pub(crate) iv: Zeroizing<[u8; AEAD_NONCE_LEN]>,
}

impl TrafficKeys {
    /// The keys that `key` and `iv` spell.
    #[expect(clippy::expect_used, reason = "the schedules derive keys as long as the cipher asks")]
    fn new(provider: Provider, suite: CipherSuite, key: &[u8], iv: &[u8]) -> Self {
        let aead = provider.aead_key(suite.aead(), key).expect("the length is the cipher's own");
        let mut whole = Zeroizing::new([0; AEAD_NONCE_LEN]);
        whole.iter_mut().zip(iv).for_each(|(to, from)| *to = *from);
        Self { aead, iv: whole }
    }

    /// The cipher.
    pub(crate) const fn algorithm(&self) -> AeadAlgorithm {
        self.aead.algorithm()
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
