//! What a peer offers and asks for, and what came of it.

use crate::dtls::{Side, Version, code};

/// What a peer offers and asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile {
    /// Its side.
    pub side: Side,
    /// The versions it offers or takes, best first.
    pub versions: Vec<Version>,
    /// The groups it offers or takes, best first.
    pub groups: Vec<u16>,
    /// The groups that its first ClientHello has keys for.
    pub shares: Vec<u16>,
    /// The signature schemes it takes.
    pub schemes: Vec<u16>,
    /// The SRTP profiles it offers or takes, best first. Empty: no use_srtp.
    pub srtp: Vec<u16>,
    /// The MKI in its use_srtp.
    pub mki: Vec<u8>,
    /// The application protocols it offers or takes. Empty: no ALPN.
    pub alpn: Vec<Vec<u8>>,
    /// Whether it offers or takes the extended master secret.
    pub extended_master_secret: bool,
    /// The connection id that it wants in records to it.
    pub connection_id: Option<Vec<u8>>,
    /// The longest record it wants.
    pub record_size_limit: Option<u16>,
    /// As a server: the cookie that it asks for before anything else.
    pub cookie: Option<Vec<u8>>,
    /// As a server of 1.3: the group that it asks for if the client has sent no key for it.
    pub retry_group: Option<u16>,
    /// As a client: whether it presents its certificate.
    pub presents_certificate: bool,
    /// As a server: whether it asks for a certificate.
    pub requests_certificate: bool,
    /// Whether it acknowledges by itself.
    pub acknowledges: bool,
    /// The most bytes in a datagram.
    pub mtu: usize,
    /// What its chance comes from.
    pub seed: [u8; 32],
    /// Which of the identities of this seed it has.
    pub identity: u32,
}

impl Profile {
    /// A peer as WebRTC has them: both certificates, SRTP, no cookies.
    #[must_use]
    pub fn new(side: Side, versions: &[Version], seed: [u8; 32]) -> Self {
        Self {
            side,
            versions: versions.to_vec(),
            groups: vec![code::group::X25519, code::group::P256],
            shares: vec![code::group::X25519],
            schemes: vec![code::scheme::ECDSA_P256_SHA256],
            srtp: vec![code::srtp::AEAD_AES_128_GCM, code::srtp::AES128_CM_SHA1_80],
            mki: Vec::new(),
            alpn: Vec::new(),
            extended_master_secret: true,
            connection_id: None,
            record_size_limit: None,
            cookie: None,
            retry_group: None,
            presents_certificate: true,
            requests_certificate: true,
            acknowledges: true,
            mtu: 1_200,
            seed,
            identity: 0,
        }
    }
}

/// What was negotiated, as far as it is known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Negotiated {
    /// The version.
    pub version: Option<Version>,
    /// The cipher suite.
    pub suite: Option<u16>,
    /// The group of the key exchange.
    pub group: Option<u16>,
    /// The SRTP profile.
    pub srtp: Option<u16>,
    /// The MKI that came with it.
    pub mki: Vec<u8>,
    /// The application protocol.
    pub alpn: Option<Vec<u8>>,
    /// Whether the master secret is extended.
    pub extended_master_secret: bool,
    /// The longest record that the other side wants.
    pub record_size_limit: Option<u16>,
    /// The certificates of the other side.
    pub certificates: Vec<Vec<u8>>,
    /// Whether the other side has proved that it has the key of its certificate.
    pub is_proved: bool,
}
