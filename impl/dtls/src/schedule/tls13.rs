//! The key schedule of version 1.3: a chain of secrets, from each of which others are derived
//! (RFC 8446 §7.1), under labels of its own (RFC 9147 §5.9).
//!
//! There are no pre-shared keys and no early data: the chain begins with zeros.

use std::fmt;

use crypto::{BadTag, Digest, Prk, Provider, RecordNumberKey, Tag};
use zeroize::Zeroizing;

use super::{ExportTooLong, TrafficKeys, key_log_line};
use crate::CipherSuite;

/// The secret at the present point of the chain: early, then handshake, then master.
pub(crate) struct KeySchedule {
    provider: Provider,
    suite: CipherSuite,
    secret: Prk,
}

/// Which traffic a secret is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TrafficLabel {
    /// What the client sends in epoch 2.
    ClientHandshake,
    /// What the server sends in epoch 2.
    ServerHandshake,
    /// What the client sends from epoch 3 on.
    ClientApplication,
    /// What the server sends from epoch 3 on.
    ServerApplication,
}

impl KeySchedule {
    /// The early secret.
    pub(crate) fn new(provider: Provider, suite: CipherSuite) -> Self {
        let zeros = zeros(suite);
        let secret = provider.hkdf_extract(suite.hmac(), &[], zeros);
        Self { provider, suite, secret }
    }

    /// The handshake secret, from the early secret and what the key exchange agreed on.
    pub(crate) fn into_handshake(self, shared_secret: impl AsRef<[u8]>) -> Self {
        self.extract(shared_secret.as_ref())
    }

    /// The master secret, from the handshake secret.
    pub(crate) fn into_master(self) -> Self {
        let zeros = zeros(self.suite);
        self.extract(zeros)
    }

    fn extract(self, input: &[u8]) -> Self {
        let empty = self.provider.hash(self.suite.hash(), &[]);
        let salt = self.derive(b"derived", &empty);
        let secret = self.provider.hkdf_extract(self.suite.hmac(), salt.bytes(), input);
        Self { secret, ..self }
    }

    /// The secret of one direction, bound to the messages up to the ServerHello (handshake traffic) or
    /// to the server's Finished (application traffic).
    pub(crate) fn traffic_secret(
        &self,
        label: TrafficLabel,
        transcript_hash: &Digest,
    ) -> TrafficSecret {
        let secret = self.derive(label.derivation(), transcript_hash);
        TrafficSecret { provider: self.provider, suite: self.suite, label, generation: 0, secret }
    }

    /// The secret of exporters, bound to the messages up to the server's Finished; taken from the
    /// master secret.
    pub(crate) fn exporter_secret(&self, transcript_hash: &Digest) -> ExporterSecret {
        let secret = self.derive(b"exp master", transcript_hash);
        ExporterSecret { provider: self.provider, suite: self.suite, secret }
    }

    /// RFC 8446 §7.1, Derive-Secret.
    fn derive(&self, label: &[u8], transcript_hash: &Digest) -> Secret {
        let mut secret = Secret::zero(self.suite);
        expand_label(&self.secret, label, transcript_hash.as_ref(), secret.bytes_mut());
        secret
    }
}

impl fmt::Debug for KeySchedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeySchedule").field("suite", &self.suite).finish_non_exhaustive()
    }
}

impl TrafficLabel {
    const fn derivation(self) -> &'static [u8] {
        match self {
            Self::ClientHandshake => b"c hs traffic",
            Self::ServerHandshake => b"s hs traffic",
            Self::ClientApplication => b"c ap traffic",
            Self::ServerApplication => b"s ap traffic",
        }
    }
}

/// The secret of one direction, for the keys of one epoch. Wiped when dropped.
pub(crate) struct TrafficSecret {
    provider: Provider,
    suite: CipherSuite,
    label: TrafficLabel,
    generation: u64,
    secret: Secret,
}

impl TrafficSecret {
    /// The secret after a key update (RFC 8446 §7.2).
    pub(crate) fn next(&self) -> Self {
        let mut secret = Secret::zero(self.suite);
        expand_label(&self.prk(), b"traffic upd", &[], secret.bytes_mut());
        let generation = self.generation.saturating_add(1);
        Self { provider: self.provider, suite: self.suite, label: self.label, generation, secret }
    }

    /// What the Finished of this direction must hold, given the hash of the messages before it
    /// (RFC 8446 §4.4.4).
    pub(crate) fn finished(&self, transcript_hash: &Digest) -> Tag {
        let mut key = Secret::zero(self.suite);
        expand_label(&self.prk(), b"finished", &[], key.bytes_mut());
        let key = self.provider.hmac_key(self.suite.hmac(), key.bytes());
        key.sign(&[transcript_hash.as_ref()])
    }

    /// Accepts `verify_data` if it is what [`TrafficSecret::finished`] computes.
    ///
    /// # Errors
    ///
    /// `BadTag` if it is not.
    pub(crate) fn verify_finished(
        &self,
        transcript_hash: &Digest,
        verify_data: &[u8],
    ) -> Result<(), BadTag> {
        let expected = self.finished(transcript_hash);
        let good = crypto::constant_time_eq(expected.as_ref(), verify_data);
        if good { Ok(()) } else { Err(BadTag) }
    }

    /// The keys of the epoch (RFC 8446 §7.3).
    pub(crate) fn keys(&self) -> TrafficKeys {
        let (algorithm, prk) = (self.suite.aead(), self.prk());
        let mut bytes = Zeroizing::new([0; 32]);
        let (key, _) = bytes.split_at_mut(algorithm.key_len());
        let mut iv = Zeroizing::new([0; 12]);
        expand_label(&prk, b"key", &[], key);
        expand_label(&prk, b"iv", &[], &mut *iv);
        TrafficKeys::new(self.provider, self.suite, key, &*iv)
    }

    /// The key that masks the record numbers of the epoch (RFC 9147 §4.2.3).
    #[expect(clippy::expect_used, reason = "the key is derived as long as the cipher asks")]
    pub(crate) fn record_number_key(&self) -> RecordNumberKey {
        let algorithm = self.suite.aead();
        let mut bytes = Zeroizing::new([0; 32]);
        let (key, _) = bytes.split_at_mut(algorithm.key_len());
        expand_label(&self.prk(), b"sn", &[], key);
        let key = self.provider.record_number_key(algorithm, key);
        key.expect("the length is the cipher's own")
    }

    /// The line of a key log.
    pub(crate) fn key_log_line(&self, client_random: &[u8; 32]) -> String {
        let label = match self.label {
            TrafficLabel::ClientHandshake => "CLIENT_HANDSHAKE_TRAFFIC_SECRET".to_owned(),
            TrafficLabel::ServerHandshake => "SERVER_HANDSHAKE_TRAFFIC_SECRET".to_owned(),
            TrafficLabel::ClientApplication => {
                format!("CLIENT_TRAFFIC_SECRET_{}", self.generation)
            }
            TrafficLabel::ServerApplication => {
                format!("SERVER_TRAFFIC_SECRET_{}", self.generation)
            }
        };
        key_log_line(&label, client_random, self.secret.bytes())
    }

    fn prk(&self) -> Prk {
        self.secret.prk(self.provider)
    }
}

impl fmt::Debug for TrafficSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TrafficSecret")
            .field("label", &self.label)
            .field("generation", &self.generation)
            .finish_non_exhaustive()
    }
}

/// What keying material for applications comes from. Wiped when dropped.
pub(crate) struct ExporterSecret {
    provider: Provider,
    suite: CipherSuite,
    secret: Secret,
}

impl ExporterSecret {
    /// Fills `out` with keying material for an application, bound to `label` and `context`
    /// (RFC 8446 §7.5). No context and an empty one are the same.
    ///
    /// # Errors
    ///
    /// `ExportTooLong` if `label` is longer than 249 bytes, or `out` longer than 255 times the hash.
    pub(crate) fn export(
        &self,
        label: &[u8],
        context: Option<&[u8]>,
        out: &mut [u8],
    ) -> Result<(), ExportTooLong> {
        let hash = |bytes| self.provider.hash(self.suite.hash(), &[bytes]);
        let mut secret = Secret::zero(self.suite);
        let prk = self.secret.prk(self.provider);
        try_expand_label(&prk, label, hash(&[]).as_ref(), secret.bytes_mut())?;
        let context = context.filter(|_| !base::mutant::active("dtls-13-export-without-context"));
        let context = hash(context.unwrap_or_default());
        try_expand_label(&secret.prk(self.provider), b"exporter", context.as_ref(), out)
    }

    /// The line of a key log.
    pub(crate) fn key_log_line(&self, client_random: &[u8; 32]) -> String {
        key_log_line("EXPORTER_SECRET", client_random, self.secret.bytes())
    }
}

impl fmt::Debug for ExporterSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExporterSecret").field("suite", &self.suite).finish_non_exhaustive()
    }
}

/// As many bytes as the hash of a suite has.
struct Secret {
    suite: CipherSuite,
    bytes: Zeroizing<[u8; MAX_HASH_LEN]>,
}

impl Secret {
    fn zero(suite: CipherSuite) -> Self {
        Self { suite, bytes: Zeroizing::new([0; MAX_HASH_LEN]) }
    }

    fn bytes(&self) -> &[u8] {
        self.bytes.get(..self.suite.hash().output_len()).unwrap_or_default()
    }

    fn bytes_mut(&mut self) -> &mut [u8] {
        self.bytes.get_mut(..self.suite.hash().output_len()).unwrap_or_default()
    }

    #[expect(clippy::expect_used, reason = "a secret is as long as its hash")]
    fn prk(&self, provider: Provider) -> Prk {
        provider.hkdf_prk(self.suite.hmac(), self.bytes()).expect("the length is the hash's own")
    }
}

/// HKDF-Expand-Label with a label and a length that fit.
#[expect(clippy::expect_used, reason = "the schedule's own labels and lengths are short")]
fn expand_label(secret: &Prk, label: &[u8], context: &[u8], out: &mut [u8]) {
    try_expand_label(secret, label, context, out).expect("label and length are the schedule's own");
}

/// HKDF-Expand-Label (RFC 8446 §7.1). RFC 9147 §5.9: labels begin with "dtls13", without a blank.
fn try_expand_label(
    secret: &Prk,
    label: &[u8],
    context: &[u8],
    out: &mut [u8],
) -> Result<(), ExportTooLong> {
    let length = u16::try_from(out.len()).map_err(|_| ExportTooLong)?;
    let label_len = u8::try_from(PREFIX.len() + label.len()).map_err(|_| ExportTooLong)?;
    let context_len = u8::try_from(context.len()).map_err(|_| ExportTooLong)?;
    let prefix = if base::mutant::active("dtls-13-labels-of-tls") { b"tls13 " } else { PREFIX };
    let info: [&[u8]; 6] =
        [&length.to_be_bytes(), &[label_len], prefix, label, &[context_len], context];
    secret.expand(&info, out).map_err(|_| ExportTooLong)
}

/// As many zeros as the hash has bytes: the input where there is no secret (RFC 8446 §7.1).
fn zeros(suite: CipherSuite) -> &'static [u8] {
    static ZEROS: [u8; MAX_HASH_LEN] = [0; MAX_HASH_LEN];
    ZEROS.get(..suite.hash().output_len()).unwrap_or_default()
}

/// What every label begins with (RFC 9147 §5.9).
const PREFIX: &[u8] = b"dtls13";

/// The longest hash of a suite: SHA-384.
const MAX_HASH_LEN: usize = 48;

#[cfg(test)]
mod tests;
