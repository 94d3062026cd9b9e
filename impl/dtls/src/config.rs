//! How an association is set up.

use std::{fmt, sync::Arc, time::Duration};

use crypto::{NamedGroup, Provider};

use crate::{
    CipherSuite, Credential, Fingerprint, SrtpProfile, Version,
    wire::{AlertDescription, SignatureScheme},
};

/// The default of [`Config::mtu`]: fits every path of IPv6 (RFC 9147 §4.4) with room for what wraps it.
pub const DEFAULT_MTU: usize = 1_200;
/// No datagram is made to be shorter than this, whatever is asked for: fragments of a handshake message
/// would be all header.
pub const MIN_MTU: usize = 200;
/// The default of [`Config::initial_timeout`]: what RFC 9147 §5.8.2 recommends for DTLS-SRTP.
pub const DEFAULT_INITIAL_TIMEOUT: Duration = Duration::from_millis(400);
/// The default of [`Config::handshake_timeout`].
pub const DEFAULT_HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(30);
/// The default of [`Config::max_timeouts`].
pub const DEFAULT_MAX_TIMEOUTS: u32 = 12;
/// Longest connection id that can be asked for. RFC 9146 §3 allows 255; these keep records short.
pub const MAX_CONNECTION_ID: usize = 20;

/// How an association is set up. [`Config::new`] is what a WebRTC endpoint wants, but for
/// [`peer_check`](Config::peer_check), which refuses everybody until it is set.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Config {
    /// The cryptography.
    pub provider: Provider,
    /// What this end proves itself with. A client without one answers a request with no certificate; a
    /// server needs one.
    pub credential: Option<Credential>,
    /// The oldest version that is spoken. Default: 1.2.
    pub min_version: Version,
    /// The newest version that is spoken. Default: 1.3.
    pub max_version: Version,
    /// Cipher suites in order of preference. Default: all.
    pub suites: Vec<CipherSuite>,
    /// Whether a server chooses by its own order of suites instead of the client's. Default: no.
    pub prefers_own_suites: bool,
    /// Groups for the key exchange in order of preference. Default: X25519MLKEM768, X25519, P-256, P-384.
    pub groups: Vec<NamedGroup>,
    /// Groups that a client sends key shares of in its first ClientHello of version 1.3. Default: X25519
    /// alone, so that the message stays in one datagram.
    pub key_shares: Vec<NamedGroup>,
    /// Schemes for signatures in order of preference, for those that are made and those that are
    /// taken. Default: [`SignatureScheme::ALL`] of those that are spoken.
    pub signature_schemes: Vec<SignatureScheme>,
    /// Schemes that this end signs with, where they are not [`Config::signature_schemes`].
    pub signing_schemes: Option<Vec<SignatureScheme>>,
    /// Profiles of SRTP in order of preference; none leaves use_srtp out. Default: all.
    pub srtp_profiles: Vec<SrtpProfile>,
    /// Application protocols in order of preference, such as `webrtc` (RFC 8833 §3); none leaves ALPN
    /// out. Default: none.
    pub alpn: Vec<Vec<u8>>,
    /// How the peer's certificate is checked. Default: nobody passes.
    pub peer_check: PeerCheck,
    /// Whether a server goes on only with a client that has a certificate. Default: yes.
    pub requires_client_certificate: bool,
    /// Whether a server has a client prove its address with a cookie first (RFC 6347 §4.2.1, RFC 9147
    /// §5.1). Default: no, since ICE has proved it. A [`Listener`](crate::Listener) has one prove it all the
    /// same that begins anew from the address of an association.
    pub cookies: bool,
    /// Whether to use connection ids, and how long the peer is to make those of its records: 0 to
    /// [`MAX_CONNECTION_ID`] bytes. Default: not.
    pub connection_id: Option<usize>,
    /// The longest record that this end takes, 64 to 16,385 bytes with the content type (RFC 8449 §4).
    /// Default: not said.
    pub record_size_limit: Option<u16>,
    /// Records that have a place for padding are padded to multiples of so many bytes (RFC 8446 §5.4): those
    /// of version 1.3, and those of 1.2 with a connection id. Default: 1, no padding.
    pub record_padding: u16,
    /// Longest datagram to send during the handshake, in bytes of UDP payload. Default 1,200; never
    /// below [`MIN_MTU`].
    pub mtu: usize,
    /// First timeout of retransmission. Default 400 ms; `Association::set_rtt` does better.
    pub initial_timeout: Duration,
    /// For how long a handshake may take. Default 30 s.
    pub handshake_timeout: Duration,
    /// How often a flight is sent again because nothing came, before the association ends, after the
    /// handshake too. Default 12: five minutes and a half with a first timeout of 400 ms.
    pub max_timeouts: u32,
    /// Whether to go on with a peer of version 1.2 without the extended master secret. Default: no
    /// (RFC 7627 §5.2, §5.3).
    pub allows_legacy_master_secret: bool,
    /// Whether a client shows that it knows session tickets. Servers that find that give some, which are
    /// acknowledged and forgotten: no session is resumed. Default: no.
    pub shows_ticket_modes: bool,
    /// Whether secrets are reported as [`Event::KeyLog`], so that captures can be read. Default: no.
    ///
    /// [`Event::KeyLog`]: crate::Event::KeyLog
    pub key_log: bool,
}

impl Config {
    /// What a WebRTC endpoint wants, with nobody trusted yet.
    #[must_use]
    pub fn new(provider: Provider, credential: Credential) -> Self {
        Self { credential: Some(credential), ..Self::without_credential(provider) }
    }

    /// The same for a client that proves nothing about itself. Not for WebRTC.
    #[must_use]
    pub fn without_credential(provider: Provider) -> Self {
        Self {
            provider,
            credential: None,
            min_version: Version::Dtls12,
            max_version: Version::Dtls13,
            suites: CipherSuite::ALL.to_vec(),
            prefers_own_suites: false,
            groups: vec![
                NamedGroup::X25519MlKem768,
                NamedGroup::X25519,
                NamedGroup::Secp256r1,
                NamedGroup::Secp384r1,
            ],
            key_shares: vec![NamedGroup::X25519],
            signature_schemes: SignatureScheme::ALL.to_vec(),
            signing_schemes: None,
            srtp_profiles: SrtpProfile::ALL.to_vec(),
            alpn: Vec::new(),
            peer_check: PeerCheck::default(),
            requires_client_certificate: true,
            cookies: false,
            connection_id: None,
            record_size_limit: None,
            record_padding: 1,
            mtu: DEFAULT_MTU,
            initial_timeout: DEFAULT_INITIAL_TIMEOUT,
            handshake_timeout: DEFAULT_HANDSHAKE_TIMEOUT,
            max_timeouts: DEFAULT_MAX_TIMEOUTS,
            allows_legacy_master_secret: false,
            shows_ticket_modes: false,
            key_log: false,
        }
    }

    /// Whether `version` is spoken.
    #[must_use]
    pub fn speaks(&self, version: Version) -> bool {
        (self.min_version..=self.max_version).contains(&version)
    }

    /// The schemes that this end signs with, in order of preference.
    pub(crate) fn own_schemes(&self) -> &[SignatureScheme] {
        self.signing_schemes.as_deref().unwrap_or(&self.signature_schemes)
    }
}

/// How the peer's certificate is checked. Whatever it is, the peer has to prove that it holds the key.
#[derive(Clone)]
#[non_exhaustive]
pub enum PeerCheck {
    /// It has one of these fingerprints, which came with the signalling (RFC 8827 §6.5). An empty list
    /// refuses everybody.
    Fingerprints(Vec<Fingerprint>),
    /// Its fingerprint comes later, by `Association::set_remote_fingerprints`. Until then nothing is
    /// delivered, sent or exported.
    Later,
    /// A function decides.
    Verifier(Arc<dyn Verifier>),
    /// A server asks for no certificate, and a client takes every server's. Not for WebRTC.
    NoCertificate,
}

impl Default for PeerCheck {
    fn default() -> Self {
        Self::Fingerprints(Vec::new())
    }
}

impl fmt::Debug for PeerCheck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fingerprints(list) => f.debug_tuple("Fingerprints").field(list).finish(),
            Self::Later => f.write_str("Later"),
            Self::Verifier(_) => f.write_str("Verifier"),
            Self::NoCertificate => f.write_str("NoCertificate"),
        }
    }
}

/// Judges certificates.
pub trait Verifier: Send + Sync {
    /// Judges the chain of the peer, its own certificate first. The same chain gets the same answer.
    ///
    /// # Errors
    ///
    /// The alert that the peer gets.
    fn verify(&self, chain: &[Vec<u8>]) -> Result<(), AlertDescription>;
}
