//! What the two ends agreed on.

use std::fmt;

use crypto::NamedGroup;

use crate::{
    CipherSuite, SrtpProfile, Version, schedule::tls12::MasterSecret, wire::SignatureScheme,
};

/// What the two ends agreed on. Each part is there as soon as it is known; all of it belongs to the
/// peer only once the association is connected.
#[derive(Default)]
pub struct Session {
    pub(crate) version: Option<Version>,
    pub(crate) suite: Option<CipherSuite>,
    pub(crate) group: Option<NamedGroup>,
    pub(crate) peer_scheme: Option<SignatureScheme>,
    pub(crate) own_scheme: Option<SignatureScheme>,
    pub(crate) srtp_profile: Option<SrtpProfile>,
    pub(crate) alpn: Option<Vec<u8>>,
    pub(crate) peer_chain: Vec<Vec<u8>>,
    pub(crate) peer_verified: bool,
    pub(crate) extended_master_secret: bool,
    pub(crate) retried: bool,
    /// The client's random: it names the session in key logs.
    pub(crate) client_random: [u8; 32],
    pub(crate) server_random: [u8; 32],
    /// Connection id that the peer writes into records for us.
    pub(crate) own_connection_id: Option<Vec<u8>>,
    /// Those that the peer may write as well, given after the handshake.
    pub(crate) more_connection_ids: Vec<Vec<u8>>,
    /// Connection id that we write into records for the peer.
    pub(crate) peer_connection_id: Option<Vec<u8>>,
    /// Longest plaintext that the peer takes, content type included in version 1.3 (RFC 8449 §4).
    pub(crate) peer_record_limit: Option<u16>,
    /// What keys for applications are derived from in version 1.2 (RFC 5705 §4).
    pub(crate) exporter: Option<MasterSecret>,
    /// Lines of the key log that are still to be reported.
    pub(crate) key_log: Vec<String>,
}

impl Session {
    /// The version.
    #[must_use]
    pub const fn version(&self) -> Option<Version> {
        self.version
    }

    /// The cipher suite.
    #[must_use]
    pub const fn suite(&self) -> Option<CipherSuite> {
        self.suite
    }

    /// The group of the key exchange.
    #[must_use]
    pub const fn group(&self) -> Option<NamedGroup> {
        self.group
    }

    /// The scheme that the peer signed with.
    #[must_use]
    pub const fn peer_scheme(&self) -> Option<SignatureScheme> {
        self.peer_scheme
    }

    /// The scheme that this end signed with.
    #[must_use]
    pub const fn own_scheme(&self) -> Option<SignatureScheme> {
        self.own_scheme
    }

    /// The random of the client; zeros as long as there is none.
    #[must_use]
    pub const fn client_random(&self) -> [u8; 32] {
        self.client_random
    }

    /// The protection profile of SRTP.
    #[must_use]
    pub const fn srtp_profile(&self) -> Option<SrtpProfile> {
        self.srtp_profile
    }

    /// The application protocol.
    #[must_use]
    pub fn alpn(&self) -> Option<&[u8]> {
        self.alpn.as_deref()
    }

    /// The certificates of the peer in DER, its own first; empty if it has none or has not sent them.
    #[must_use]
    pub fn peer_chain(&self) -> &[Vec<u8>] {
        &self.peer_chain
    }

    /// Whether the keys are bound to the whole handshake: always in version 1.3, by an extension in
    /// version 1.2 (RFC 7627 §4).
    #[must_use]
    pub const fn is_bound_to_handshake(&self) -> bool {
        matches!(self.version, Some(Version::Dtls13)) || self.extended_master_secret
    }

    /// Whether the server asked for a second ClientHello of version 1.3.
    #[must_use]
    pub const fn retried(&self) -> bool {
        self.retried
    }

    /// The connection id in records from the peer, empty if they carry none.
    #[must_use]
    pub fn own_connection_id(&self) -> &[u8] {
        self.own_connection_id.as_deref().unwrap_or_default()
    }

    /// Every connection id that records from the peer may carry: that of the hellos, and those that were
    /// given since (RFC 9147 §9).
    pub fn own_connection_ids(&self) -> impl Iterator<Item = &[u8]> {
        let first = self.own_connection_id.iter().filter(|id| !id.is_empty());
        first.chain(&self.more_connection_ids).map(Vec::as_slice)
    }

    /// The connection id in records to the peer, empty if they carry none.
    #[must_use]
    pub fn peer_connection_id(&self) -> &[u8] {
        self.peer_connection_id.as_deref().unwrap_or_default()
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("version", &self.version)
            .field("suite", &self.suite)
            .field("group", &self.group)
            .field("srtp_profile", &self.srtp_profile)
            .field("alpn", &self.alpn)
            .finish_non_exhaustive()
    }
}
