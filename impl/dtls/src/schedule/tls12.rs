//! The key schedule of version 1.2: one master secret under the pseudorandom function of the suite.

use std::fmt;

use crypto::{AeadAlgorithm, Digest, Provider};
use zeroize::Zeroizing;

use super::{ExportTooLong, TrafficKeys, key_log_line};
use crate::{CipherSuite, Side};

/// The master secret (RFC 5246 §8.1, RFC 7627 §4). Wiped when dropped.
pub(crate) struct MasterSecret {
    provider: Provider,
    suite: CipherSuite,
    secret: Zeroizing<[u8; MASTER_SECRET_LEN]>,
}

/// The keys of both directions.
#[derive(Debug)]
pub(crate) struct KeyBlock {
    /// What the client seals with.
    pub(crate) client: TrafficKeys,
    /// What the server seals with.
    pub(crate) server: TrafficKeys,
}

impl MasterSecret {
    /// The secret that is bound to the handshake up to the ClientKeyExchange, by the hash of its
    /// messages (RFC 7627 §4).
    pub(crate) fn extended(
        provider: Provider,
        suite: CipherSuite,
        pre_master: impl AsRef<[u8]>,
        session_hash: &Digest,
    ) -> Self {
        let seed = &[session_hash.as_ref()];
        Self::derive(provider, suite, pre_master.as_ref(), b"extended master secret", seed)
    }

    /// The secret that is bound to the two random values alone (RFC 5246 §8.1).
    pub(crate) fn legacy(
        provider: Provider,
        suite: CipherSuite,
        pre_master: impl AsRef<[u8]>,
        client_random: &[u8; 32],
        server_random: &[u8; 32],
    ) -> Self {
        let seed = &[&client_random[..], server_random];
        Self::derive(provider, suite, pre_master.as_ref(), b"master secret", seed)
    }

    fn derive(
        provider: Provider,
        suite: CipherSuite,
        pre_master: &[u8],
        label: &[u8],
        seed: &[&[u8]],
    ) -> Self {
        let mut secret = Zeroizing::new([0; MASTER_SECRET_LEN]);
        provider.tls12_prf(suite.prf(), pre_master, label, seed, &mut *secret);
        Self { provider, suite, secret }
    }

    /// The keys of both directions (RFC 5246 §6.3). AEAD ciphers have no keys for a MAC.
    pub(crate) fn key_block(&self, client_random: &[u8; 32], server_random: &[u8; 32]) -> KeyBlock {
        let key_len = self.suite.aead().key_len();
        let iv_len = fixed_iv_len(self.suite.aead());
        let mut block = Zeroizing::new([0; MAX_KEY_BLOCK_LEN]);
        let (block, _) = block.split_at_mut(2 * (key_len + iv_len));
        // The server's value comes first here, unlike everywhere else.
        self.prf(b"key expansion", &[&server_random[..], client_random], block);
        let (keys, ivs) = block.split_at(2 * key_len);
        let (client_key, server_key) = keys.split_at(key_len);
        let (client_iv, server_iv) = ivs.split_at(iv_len);
        let keys = |key, iv| TrafficKeys::new(self.provider, self.suite, key, iv);
        KeyBlock { client: keys(client_key, client_iv), server: keys(server_key, server_iv) }
    }

    /// What the Finished of `side` must hold, given the hash of the handshake before it
    /// (RFC 5246 §7.4.9).
    pub(crate) fn verify_data(&self, side: Side, handshake_hash: &Digest) -> [u8; 12] {
        let label: &[u8] = match side {
            Side::Client => b"client finished",
            Side::Server => b"server finished",
        };
        let mut out = [0; 12];
        self.prf(label, &[handshake_hash.as_ref()], &mut out);
        out
    }

    /// Fills `out` with keying material for an application, bound to `label`, to `context` if there
    /// is one, and to the random values of client and server (RFC 5705 §4).
    ///
    /// # Errors
    ///
    /// `ExportTooLong` if `context` is longer than 65,535 bytes.
    pub(crate) fn export(
        &self,
        label: &[u8],
        context: Option<&[u8]>,
        [client_random, server_random]: [&[u8; 32]; 2],
        out: &mut [u8],
    ) -> Result<(), ExportTooLong> {
        let randoms = [&client_random[..], server_random];
        let [client_random, server_random] = randoms;
        match context {
            None => self.prf(label, &randoms, out),
            Some(context) => {
                let length = u16::try_from(context.len()).map_err(|_| ExportTooLong)?;
                let length = length.to_be_bytes();
                self.prf(label, &[client_random, server_random, &length, context], out);
            }
        }
        Ok(())
    }

    /// The line of a key log.
    pub(crate) fn key_log_line(&self, client_random: &[u8; 32]) -> String {
        key_log_line("CLIENT_RANDOM", client_random, &*self.secret)
    }

    fn prf(&self, label: &[u8], seed: &[&[u8]], out: &mut [u8]) {
        self.provider.tls12_prf(self.suite.prf(), &*self.secret, label, seed, out);
    }
}

impl fmt::Debug for MasterSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MasterSecret").field("suite", &self.suite).finish_non_exhaustive()
    }
}

/// Length in bytes of a master secret (RFC 5246 §8.1).
const MASTER_SECRET_LEN: usize = 48;

/// Two keys and two initialisation vectors of the longest kind.
const MAX_KEY_BLOCK_LEN: usize = 2 * (32 + 12);

/// How much of a nonce comes from the key block: the rest of AES-GCM's is sent with each record
/// (RFC 5288 §3), that of ChaCha20-Poly1305 is the record's number (RFC 7905 §2).
pub(crate) const fn fixed_iv_len(algorithm: AeadAlgorithm) -> usize {
    match algorithm {
        AeadAlgorithm::Aes128Gcm | AeadAlgorithm::Aes256Gcm => 4,
        AeadAlgorithm::ChaCha20Poly1305 => 12,
    }
}

#[cfg(test)]
mod tests;
