//! What a step of the handshake may touch.

use base::{Instant, Rng, Writer};
use crypto::{Certificate, PublicKey};
use smallvec::SmallVec;

use crate::{
    Config, Misdeed, PeerCheck, Session, Side,
    flight::{Incoming, Outbox, Transcript},
    record::Records,
    wire::{Alert, Message},
};

/// Longest chain of certificates that is taken. WebRTC's have one.
const MAX_CHAIN: usize = 10;

/// What a step of the handshake may touch.
pub(crate) struct Context<'a> {
    pub(crate) now: Instant,
    pub(crate) config: &'a Config,
    pub(crate) side: Side,
    pub(crate) rng: &'a mut Rng,
    pub(crate) records: &'a mut Records,
    pub(crate) outbox: &'a mut Outbox,
    pub(crate) transcript: &'a mut Transcript,
    pub(crate) session: &'a mut Session,
    /// Alerts that are to be sent and end nothing.
    pub(crate) alerts: &'a mut SmallVec<[Alert; 2]>,
}

impl Context<'_> {
    /// Adds `message` to the flight in the making, to be sent in `epoch`, and to the transcript.
    pub(crate) fn send<'m, M: Message<'m>>(&mut self, epoch: u64, message: &M) {
        let mut body = Vec::new();
        message.write(&mut Writer::new(&mut body));
        let message_seq = self.outbox.push(epoch, M::KIND, &body);
        self.transcript.add(M::KIND, message_seq, &body);
    }

    /// Adds a message of the peer to the transcript.
    pub(crate) fn hear(&mut self, message: &Incoming<'_>) {
        self.transcript.add(message.kind, message.message_seq, message.body);
    }

    /// Judges the peer's chain of certificates, its own first, and returns the key of that.
    ///
    /// The chain is in the session from then on. Whether it is the right one is decided here, before
    /// the peer has proved that it holds the key; [`PeerCheck::Later`] decides after the handshake.
    pub(crate) fn judge_peer(&mut self, chain: &[&[u8]]) -> Result<PublicKey, Misdeed> {
        let [own, ..] = chain else { return Err(Misdeed::BadCertificate) };
        if chain.len() > MAX_CHAIN {
            return Err(Misdeed::BadCertificate);
        }
        let certificate = Certificate::parse(own).map_err(|_| Misdeed::BadCertificate)?;
        let provider = self.config.provider;
        let key = provider
            .public_key(certificate.public_key_info())
            .map_err(|_| Misdeed::UnsupportedCertificate)?;
        self.session.peer_chain = chain.iter().map(|der| der.to_vec()).collect();
        self.session.peer_verified = match &self.config.peer_check {
            PeerCheck::Fingerprints(list) => {
                let matches = list.iter().any(|fingerprint| fingerprint.matches(provider, own));
                if !matches && !base::mutant::active("dtls-fingerprint-ignored") {
                    return Err(Misdeed::FingerprintMismatch);
                }
                true
            }
            PeerCheck::Verifier(verifier) => {
                verifier.verify(&self.session.peer_chain).map_err(Misdeed::CertificateRefused)?;
                true
            }
            PeerCheck::Later => false,
            PeerCheck::NoCertificate => true,
        };
        Ok(key)
    }

    /// Whether a server asks its client for a certificate.
    pub(crate) const fn requests_certificate(&self) -> bool {
        !matches!(self.config.peer_check, PeerCheck::NoCertificate)
    }

    /// Judges a client that has no certificate (RFC 8446 §4.4.2.4, RFC 5246 §7.4.6).
    pub(crate) fn judge_missing_certificate(&mut self) -> Result<(), Misdeed> {
        let version = self.session.version.ok_or(Misdeed::Internal)?;
        // Nothing could ever match a fingerprint that is still to come.
        let demanded = self.config.requires_client_certificate
            || matches!(self.config.peer_check, PeerCheck::Later | PeerCheck::Fingerprints(_));
        let is_lenient = base::mutant::active("dtls-empty-certificate-accepted");
        if demanded && self.requests_certificate() && !is_lenient {
            return Err(Misdeed::NoCertificate(version));
        }
        self.session.peer_verified = true;
        Ok(())
    }

    /// Notes a line of the key log, if there is one. `line` is given the client's random.
    pub(crate) fn log_key(&mut self, line: impl FnOnce(&[u8; 32]) -> String) {
        if self.config.key_log {
            let line = line(&self.session.client_random);
            self.session.key_log.push(line);
        }
    }
}
