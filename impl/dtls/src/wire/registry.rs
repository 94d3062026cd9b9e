//! The numbers of the registries: what a record, a message, an extension is.

use crypto::NamedGroup;

use super::number::number;
use crate::{CipherSuite, Version};

number! {
    /// What a record carries (RFC 9147 §4.1, RFC 5246 §6.2.1).
    ContentType: u8 {
        /// The change to the new keys, in version 1.2.
        CHANGE_CIPHER_SPEC = 20 "change_cipher_spec",
        /// An alert.
        ALERT = 21 "alert",
        /// Fragments of handshake messages.
        HANDSHAKE = 22 "handshake",
        /// Data of the layer above.
        APPLICATION_DATA = 23 "application_data",
        /// Heartbeats, which are not spoken.
        HEARTBEAT = 24 "heartbeat",
        /// A record of version 1.2 with a connection id; the true type is inside (RFC 9146 §4).
        TLS12_CID = 25 "tls12_cid",
        /// Acknowledgements of version 1.3 (RFC 9147 §7).
        ACK = 26 "ack",
    }
}

number! {
    /// What a handshake message is (RFC 5246 §7.4, RFC 6347 §4.3.2, RFC 8446 §B.3, RFC 9147 §5.2).
    HandshakeType: u8 {
        /// Asks a client of version 1.2 for a new handshake.
        HELLO_REQUEST = 0 "HelloRequest",
        /// The client's offer.
        CLIENT_HELLO = 1 "ClientHello",
        /// The server's choice; in version 1.3 a retry as well.
        SERVER_HELLO = 2 "ServerHello",
        /// A cookie of version 1.2 to come back with.
        HELLO_VERIFY_REQUEST = 3 "HelloVerifyRequest",
        /// A ticket for a later session.
        NEW_SESSION_TICKET = 4 "NewSessionTicket",
        /// Ends early data of TLS; DTLS does not use it.
        END_OF_EARLY_DATA = 5 "EndOfEarlyData",
        /// What the server of version 1.3 says under encryption.
        ENCRYPTED_EXTENSIONS = 8 "EncryptedExtensions",
        /// Asks for connection ids.
        REQUEST_CONNECTION_ID = 9 "RequestConnectionId",
        /// Gives connection ids.
        NEW_CONNECTION_ID = 10 "NewConnectionId",
        /// The chain of certificates.
        CERTIFICATE = 11 "Certificate",
        /// The server's key share in version 1.2.
        SERVER_KEY_EXCHANGE = 12 "ServerKeyExchange",
        /// Asks the client for a certificate.
        CERTIFICATE_REQUEST = 13 "CertificateRequest",
        /// The end of the server's flight in version 1.2.
        SERVER_HELLO_DONE = 14 "ServerHelloDone",
        /// The proof that the sender holds the key of its certificate.
        CERTIFICATE_VERIFY = 15 "CertificateVerify",
        /// The client's key share in version 1.2.
        CLIENT_KEY_EXCHANGE = 16 "ClientKeyExchange",
        /// The proof that both saw the same handshake.
        FINISHED = 20 "Finished",
        /// The sender changes its keys.
        KEY_UPDATE = 24 "KeyUpdate",
        /// Stands in the transcript for a ClientHello that was answered with a retry.
        MESSAGE_HASH = 254 "message_hash",
    }
}

number! {
    /// What an extension is.
    ExtensionType: u16 {
        /// The name of the server (RFC 6066 §3).
        SERVER_NAME = 0 "server_name",
        /// The groups for the key exchange (RFC 8446 §4.2.7, RFC 8422 §5.1.1).
        SUPPORTED_GROUPS = 10 "supported_groups",
        /// The form of points on curves (RFC 8422 §5.1.2).
        EC_POINT_FORMATS = 11 "ec_point_formats",
        /// How the peer may sign (RFC 8446 §4.2.3, RFC 5246 §7.4.1.4.1).
        SIGNATURE_ALGORITHMS = 13 "signature_algorithms",
        /// SRTP protection profiles (RFC 5764 §4.1.1).
        USE_SRTP = 14 "use_srtp",
        /// Names of application protocols (RFC 7301 §3.1).
        APPLICATION_LAYER_PROTOCOL_NEGOTIATION = 16 "application_layer_protocol_negotiation",
        /// The master secret covers the handshake (RFC 7627 §5.1).
        EXTENDED_MASTER_SECRET = 23 "extended_master_secret",
        /// The longest record that the sender takes (RFC 8449 §4).
        RECORD_SIZE_LIMIT = 28 "record_size_limit",
        /// Tickets, which are not used.
        SESSION_TICKET = 35 "session_ticket",
        /// Keys known beforehand, which are not used (RFC 8446 §4.2.11).
        PRE_SHARED_KEY = 41 "pre_shared_key",
        /// Data in the first flight, which is not used (RFC 8446 §4.2.10).
        EARLY_DATA = 42 "early_data",
        /// The versions offered and chosen (RFC 8446 §4.2.1).
        SUPPORTED_VERSIONS = 43 "supported_versions",
        /// The cookie of version 1.3 (RFC 8446 §4.2.2).
        COOKIE = 44 "cookie",
        /// How known keys may be used (RFC 8446 §4.2.9).
        PSK_KEY_EXCHANGE_MODES = 45 "psk_key_exchange_modes",
        /// Who may have signed the certificate (RFC 8446 §4.2.4).
        CERTIFICATE_AUTHORITIES = 47 "certificate_authorities",
        /// How certificates may be signed (RFC 8446 §4.2.3).
        SIGNATURE_ALGORITHMS_CERT = 50 "signature_algorithms_cert",
        /// Key shares of version 1.3 (RFC 8446 §4.2.8).
        KEY_SHARE = 51 "key_share",
        /// The connection id that the peer is to use (RFC 9146 §3).
        CONNECTION_ID = 54 "connection_id",
        /// Binds a renegotiation to what it renegotiates (RFC 5746 §3.2).
        RENEGOTIATION_INFO = 0xff01 "renegotiation_info",
    }
}

number! {
    /// A suite by its number, spoken here or not.
    SuiteId: u16 {
        /// Not a suite: an empty renegotiation_info in the list of suites (RFC 5746 §3.3).
        EMPTY_RENEGOTIATION_INFO_SCSV = 0x00ff "TLS_EMPTY_RENEGOTIATION_INFO_SCSV",
        /// Not a suite: the client came back with a lower version (RFC 7507 §2).
        FALLBACK_SCSV = 0x5600 "TLS_FALLBACK_SCSV",
        /// See [`CipherSuite`].
        AES_128_GCM_SHA256 = 0x1301 "TLS_AES_128_GCM_SHA256",
        /// See [`CipherSuite`].
        AES_256_GCM_SHA384 = 0x1302 "TLS_AES_256_GCM_SHA384",
        /// See [`CipherSuite`].
        CHACHA20_POLY1305_SHA256 = 0x1303 "TLS_CHACHA20_POLY1305_SHA256",
        /// See [`CipherSuite`].
        ECDHE_ECDSA_AES_128_GCM = 0xc02b "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
        /// See [`CipherSuite`].
        ECDHE_ECDSA_AES_256_GCM = 0xc02c "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
        /// See [`CipherSuite`].
        ECDHE_RSA_AES_128_GCM = 0xc02f "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
        /// See [`CipherSuite`].
        ECDHE_RSA_AES_256_GCM = 0xc030 "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
        /// See [`CipherSuite`].
        ECDHE_RSA_CHACHA20 = 0xcca8 "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
        /// See [`CipherSuite`].
        ECDHE_ECDSA_CHACHA20 = 0xcca9 "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
    }
}

impl SuiteId {
    /// The suite, if it is spoken here.
    #[must_use]
    pub fn known(self) -> Option<CipherSuite> {
        CipherSuite::from_code_point(self.number())
    }
}

impl From<CipherSuite> for SuiteId {
    fn from(suite: CipherSuite) -> Self {
        Self::new(suite.code_point())
    }
}

number! {
    /// A version by its number, spoken here or not. Numbers of DTLS fall as versions rise.
    ProtocolVersion: u16 {
        /// DTLS 1.0, which HelloVerifyRequest and first records name (RFC 6347 §4.2.1).
        DTLS_1_0 = 0xfeff "DTLS 1.0",
        /// DTLS 1.2, which version 1.3 names too where old peers look.
        DTLS_1_2 = 0xfefd "DTLS 1.2",
        /// DTLS 1.3.
        DTLS_1_3 = 0xfefc "DTLS 1.3",
    }
}

impl ProtocolVersion {
    /// The version, if it is spoken here.
    #[must_use]
    pub const fn known(self) -> Option<Version> {
        Version::from_code_point(self.number())
    }

    /// Whether the number has the form of a version of DTLS: the first byte is the complement of 1.
    #[must_use]
    pub const fn is_dtls(self) -> bool {
        self.number() >> 8 == 0xfe
    }

    /// Whether a peer that names this as its highest version of DTLS speaks `version` as well: versions
    /// count downwards, and one to come may have another first byte (RFC 5246 §E.1).
    #[must_use]
    pub const fn reaches(self, version: Version) -> bool {
        self.number() >= 0x8000 && self.number() <= version.code_point()
    }
}

impl From<Version> for ProtocolVersion {
    fn from(version: Version) -> Self {
        Self::new(version.code_point())
    }
}

number! {
    /// A group by its number, spoken here or not (RFC 8446 §4.2.7).
    NamedGroupId: u16 {
        /// The curve P-256.
        SECP256R1 = 0x0017 "secp256r1",
        /// The curve P-384.
        SECP384R1 = 0x0018 "secp384r1",
        /// The curve P-521, which is not spoken.
        SECP521R1 = 0x0019 "secp521r1",
        /// Curve25519.
        X25519 = 0x001d "x25519",
        /// ML-KEM-768 and Curve25519 together.
        X25519_MLKEM768 = 0x11ec "X25519MLKEM768",
    }
}

impl NamedGroupId {
    /// The group, if it is spoken here.
    #[must_use]
    pub const fn known(self) -> Option<NamedGroup> {
        match self {
            Self::SECP256R1 => Some(NamedGroup::Secp256r1),
            Self::SECP384R1 => Some(NamedGroup::Secp384r1),
            Self::X25519 => Some(NamedGroup::X25519),
            Self::X25519_MLKEM768 => Some(NamedGroup::X25519MlKem768),
            _ => None,
        }
    }
}

impl From<NamedGroup> for NamedGroupId {
    fn from(group: NamedGroup) -> Self {
        Self::new(group.code_point())
    }
}

number! {
    /// The kind of certificate that a server of version 1.2 asks for (RFC 5246 §7.4.4).
    ClientCertificateType: u8 {
        /// An RSA key that signs.
        RSA_SIGN = 1 "rsa_sign",
        /// An ECDSA key (RFC 8422 §5.5).
        ECDSA_SIGN = 64 "ecdsa_sign",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_numbers_print_their_names_and_others_survive() {
        assert_eq!(HandshakeType::new(254).to_string(), "message_hash");
        assert_eq!(format!("{:?}", ExtensionType::new(0xfafa)), "0xfafa");
        assert_eq!(ContentType::new(99).number(), 99);
    }

    #[test]
    fn what_is_spoken_has_a_number_and_comes_back() {
        for &suite in CipherSuite::ALL {
            assert_eq!(SuiteId::from(suite).known(), Some(suite));
            assert!(SuiteId::from(suite).to_string().starts_with("TLS_"), "{suite:?} has a name");
        }
        for version in [Version::Dtls12, Version::Dtls13] {
            assert_eq!(ProtocolVersion::from(version).known(), Some(version));
            assert_eq!(ProtocolVersion::from(version).to_string(), version.to_string());
        }
        for group in [
            NamedGroup::Secp256r1,
            NamedGroup::Secp384r1,
            NamedGroup::X25519,
            NamedGroup::X25519MlKem768,
        ] {
            assert_eq!(NamedGroupId::from(group).known(), Some(group));
        }
        assert_eq!(NamedGroupId::SECP521R1.known(), None);
    }

    #[test]
    fn a_higher_version_of_dtls_reaches_lower_ones() {
        assert!(ProtocolVersion::DTLS_1_2.reaches(Version::Dtls12));
        assert!(!ProtocolVersion::DTLS_1_2.reaches(Version::Dtls13));
        assert!(!ProtocolVersion::DTLS_1_0.reaches(Version::Dtls12));
        assert!(ProtocolVersion::new(0xfe00).reaches(Version::Dtls13));
        assert!(!ProtocolVersion::new(0x0304).reaches(Version::Dtls12), "a version of TLS");
    }
}
