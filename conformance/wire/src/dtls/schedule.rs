//! Keys: RFC 5246 §6.3, §8.1, RFC 7627 §4, RFC 8446 §7, RFC 9147 §5.9.

use super::crypto::{expand_label, mac, prf, sha256};

/// The keys that protect records of one direction in one epoch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TrafficKeys {
    /// Of DTLS 1.2.
    Tls12 {
        /// The key.
        key: [u8; 16],
        /// The implicit part of the nonce.
        salt: [u8; 4],
    },
    /// Of DTLS 1.3.
    Tls13 {
        /// The key.
        key: [u8; 16],
        /// The nonce before the sequence number goes in.
        iv: [u8; 12],
        /// The key that hides sequence numbers.
        sn: [u8; 16],
    },
}

/// An array of the first bytes.
fn array<const N: usize>(bytes: &[u8]) -> [u8; N] {
    bytes.first_chunk().copied().unwrap_or([0; N])
}

impl TrafficKeys {
    /// The keys of a traffic secret of 1.3.
    #[must_use]
    pub fn of_secret(secret: &[u8]) -> Self {
        Self::Tls13 {
            key: array(&expand_label(secret, "key", &[], 16)),
            iv: array(&expand_label(secret, "iv", &[], 12)),
            sn: array(&expand_label(secret, "sn", &[], 16)),
        }
    }
}

/// The master secret of 1.2, with the randoms.
#[derive(Clone, Debug)]
pub(super) struct Master12 {
    secret: Vec<u8>,
    client: [u8; 32],
    server: [u8; 32],
}

impl Master12 {
    /// The extended master secret (RFC 7627 §4) if there is a session hash, else that of RFC 5246 §8.1.
    pub(super) fn new(
        shared: &[u8],
        session_hash: Option<[u8; 32]>,
        client: [u8; 32],
        server: [u8; 32],
    ) -> Self {
        let secret = match session_hash {
            Some(hash) => prf(shared, "extended master secret", &hash, 48),
            None => prf(shared, "master secret", &[client, server].concat(), 48),
        };
        Self { secret, client, server }
    }

    /// The keys of client and server.
    pub(super) fn keys(&self) -> (TrafficKeys, TrafficKeys) {
        let seed = [self.server, self.client].concat();
        let block = prf(&self.secret, "key expansion", &seed, 40);
        let part = |from: usize, to: usize| block.get(from..to).unwrap_or_default();
        let keys =
            |key: &[u8], salt: &[u8]| TrafficKeys::Tls12 { key: array(key), salt: array(salt) };
        (keys(part(0, 16), part(32, 36)), keys(part(16, 32), part(36, 40)))
    }

    /// verify_data of the client or the server.
    pub(super) fn finished(&self, of_client: bool, hash: [u8; 32]) -> Vec<u8> {
        let label = if of_client { "client finished" } else { "server finished" };
        prf(&self.secret, label, &hash, 12)
    }

    /// The exporter (RFC 5705 §4).
    pub(super) fn export(&self, label: &str, context: Option<&[u8]>, length: usize) -> Vec<u8> {
        let context = context.map(super::vec16).unwrap_or_default();
        let seed = [&self.client[..], &self.server, &context].concat();
        prf(&self.secret, label, &seed, length)
    }
}

/// The secrets of 1.3 as far as they are known.
#[derive(Clone, Debug)]
pub(super) struct Schedule13 {
    handshake: Vec<u8>,
    /// The handshake traffic secrets of client and server.
    pub(super) client: Vec<u8>,
    pub(super) server: Vec<u8>,
}

/// The secrets after the handshake.
#[derive(Clone, Debug)]
pub(super) struct Application13 {
    pub(super) client: Vec<u8>,
    pub(super) server: Vec<u8>,
    exporter: Vec<u8>,
}

impl Schedule13 {
    /// After ServerHello.
    pub(super) fn new(shared: &[u8], hash: [u8; 32]) -> Self {
        let early = mac(&[0; 32], &[0; 32]);
        let handshake = mac(&derived(&early), shared).to_vec();
        let client = expand_label(&handshake, "c hs traffic", &hash, 32);
        let server = expand_label(&handshake, "s hs traffic", &hash, 32);
        Self { handshake, client, server }
    }

    /// After the server's Finished.
    pub(super) fn application(&self, hash: [u8; 32]) -> Application13 {
        let master = mac(&derived(&self.handshake), &[0; 32]);
        Application13 {
            client: expand_label(&master, "c ap traffic", &hash, 32),
            server: expand_label(&master, "s ap traffic", &hash, 32),
            exporter: expand_label(&master, "exp master", &hash, 32),
        }
    }
}

impl Application13 {
    /// The exporter (RFC 8446 §7.5).
    pub(super) fn export(&self, label: &str, context: &[u8], length: usize) -> Vec<u8> {
        let secret = expand_label(&self.exporter, label, &sha256(&[]), 32);
        expand_label(&secret, "exporter", &sha256(context), length)
    }
}

fn derived(secret: &[u8]) -> Vec<u8> {
    expand_label(secret, "derived", &sha256(&[]), 32)
}

/// verify_data under a handshake traffic secret (RFC 8446 §4.4.4).
pub(super) fn finished13(secret: &[u8], hash: [u8; 32]) -> Vec<u8> {
    mac(&expand_label(secret, "finished", &[], 32), &hash).to_vec()
}

/// The traffic secret after a KeyUpdate (RFC 8446 §7.2).
pub(super) fn next_secret(secret: &[u8]) -> Vec<u8> {
    expand_label(secret, "traffic upd", &[], 32)
}

/// What a CertificateVerify of 1.3 signs (RFC 8446 §4.4.3).
pub(super) fn signed13(by_client: bool, hash: [u8; 32]) -> Vec<u8> {
    let who: &[u8] = if by_client {
        b"TLS 1.3, client CertificateVerify"
    } else {
        b"TLS 1.3, server CertificateVerify"
    };
    [&[0x20; 64], who, &[0], &hash].concat()
}
