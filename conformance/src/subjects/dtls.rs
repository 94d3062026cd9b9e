//! What the suite asks of a DTLS endpoint: a client or a server that talks to one peer.
//!
//! An endpoint is a machine: the network carries its datagrams, virtual time is told to it. Certificates
//! cross this border in DER, fingerprints as SHA-256 over that, SRTP profiles and groups by their numbers.

use std::{net::SocketAddr, time::Duration};

use base::{Instant, Machine};

use super::stun::Refusal;

/// Which side begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DtlsRole {
    /// Sends the first ClientHello.
    Client,
    /// Answers it.
    Server,
}

/// A version of the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum DtlsVersion {
    /// DTLS 1.2.
    Dtls12,
    /// DTLS 1.3.
    Dtls13,
}

/// How an endpoint is to be set up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DtlsConfig {
    /// Its side.
    pub role: DtlsRole,
    /// Where it is.
    pub local: SocketAddr,
    /// Where its peer is.
    pub remote: SocketAddr,
    /// The lowest and the highest version it takes.
    pub versions: (DtlsVersion, DtlsVersion),
    /// SHA-256 over the certificate of the peer that it expects; `None` if it is told later, with
    /// [`DtlsEndpoint::expect_peer`].
    pub fingerprint: Option<[u8; 32]>,
    /// As a server: whether it asks for a certificate.
    pub requests_certificate: bool,
    /// As a server: whether it asks for a cookie first, and keeps no state until one comes.
    pub cookies: bool,
    /// The SRTP profiles it offers or takes, best first; its own default if `None`.
    pub srtp: Option<Vec<u16>>,
    /// The groups it offers or takes, best first; its own default if `None`.
    pub groups: Option<Vec<u16>>,
    /// The groups that its first ClientHello has keys for; its own default if `None`.
    pub shares: Option<Vec<u16>>,
    /// The application protocols it offers or takes, best first.
    pub alpn: Vec<Vec<u8>>,
    /// The length of the connection id that it wants in records to it.
    pub connection_id: Option<usize>,
    /// The longest record it wants.
    pub record_size_limit: Option<u16>,
    /// The most bytes in a datagram; its own default if `None`.
    pub mtu: Option<usize>,
    /// How long it waits before it repeats for the first time; its own default if `None`.
    pub initial_timeout: Option<Duration>,
}

impl DtlsConfig {
    /// An endpoint as WebRTC has them, that takes both versions.
    #[must_use]
    pub const fn new(role: DtlsRole, local: SocketAddr, remote: SocketAddr) -> Self {
        Self {
            role,
            local,
            remote,
            versions: (DtlsVersion::Dtls12, DtlsVersion::Dtls13),
            fingerprint: None,
            requests_certificate: true,
            cookies: false,
            srtp: None,
            groups: None,
            shares: None,
            alpn: Vec::new(),
            connection_id: None,
            record_size_limit: None,
            mtu: None,
            initial_timeout: None,
        }
    }
}

/// A DTLS endpoint with one peer. A client begins when it is made.
pub trait DtlsEndpoint: Machine<Event = DtlsEvent> {
    /// Seals application data and sends it.
    ///
    /// # Errors
    ///
    /// [`Refusal`] if it does not take it, as before the handshake is over.
    fn send(&mut self, now: Instant, data: &[u8]) -> Result<(), Refusal>;

    /// The version in use, once it is decided.
    fn version(&self) -> Option<DtlsVersion>;

    /// Its own certificate.
    fn certificate(&self) -> Vec<u8>;

    /// Keying material (RFC 5705 §4, RFC 8446 §7.5).
    ///
    /// # Errors
    ///
    /// [`Refusal`] if it has no exporter, or does not export yet.
    fn export(
        &self,
        label: &str,
        context: Option<&[u8]>,
        length: usize,
    ) -> Result<Vec<u8>, Refusal> {
        let _ = (label, context, length);
        Err(Refusal::Unsupported)
    }

    /// Tells it what the certificate of the peer has to be.
    ///
    /// # Errors
    ///
    /// [`Refusal`] if it cannot be told after it has begun.
    fn expect_peer(&mut self, now: Instant, fingerprint: [u8; 32]) -> Result<(), Refusal> {
        let _ = (now, fingerprint);
        Err(Refusal::Unsupported)
    }

    /// The application protocol that was chosen.
    ///
    /// # Errors
    ///
    /// [`Refusal`] if it does not say.
    fn alpn(&self) -> Result<Option<Vec<u8>>, Refusal> {
        Err(Refusal::Unsupported)
    }

    /// Changes its keys (RFC 9147 §8), and asks the peer to change its own.
    ///
    /// # Errors
    ///
    /// [`Refusal`] if it has no such command, or may not.
    fn update_keys(&mut self, now: Instant, asks_peer: bool) -> Result<(), Refusal> {
        let _ = (now, asks_peer);
        Err(Refusal::Unsupported)
    }

    /// How many peers it keeps anything about.
    ///
    /// # Errors
    ///
    /// [`Refusal`] if it does not say.
    fn peers(&self) -> Result<usize, Refusal> {
        Err(Refusal::Unsupported)
    }

    /// Ends the connection.
    ///
    /// # Errors
    ///
    /// [`Refusal`] if it cannot.
    fn close(&mut self, now: Instant) -> Result<(), Refusal>;
}

/// What an endpoint reports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DtlsEvent {
    /// The handshake is over: data can flow.
    Connected,
    /// The certificate that the peer has proved to be its own.
    PeerCertificate(Vec<u8>),
    /// Keys for SRTP: the profile, and keys and salts as the exporter gives them.
    SrtpKeys {
        /// The profile.
        profile: u16,
        /// Keys and salts (RFC 5764 §4.2).
        keys: Vec<u8>,
    },
    /// Data from the peer.
    Data(Vec<u8>),
    /// The peer has ended the connection.
    CloseNotify,
    /// The endpoint has given up or was refused; the text is for people only.
    Failed(String),
    /// Something else, for people.
    Other(String),
}
