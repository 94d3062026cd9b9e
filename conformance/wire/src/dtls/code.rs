//! Numbers of the registries.

/// Content types of records.
pub mod content {
    /// ChangeCipherSpec.
    pub const CHANGE_CIPHER_SPEC: u8 = 20;
    /// Alerts.
    pub const ALERT: u8 = 21;
    /// Handshake messages.
    pub const HANDSHAKE: u8 = 22;
    /// Application data.
    pub const APPLICATION_DATA: u8 = 23;
    /// Records with a connection id (RFC 9146 §4).
    pub const TLS12_CID: u8 = 25;
    /// Acknowledgements (RFC 9147 §7).
    pub const ACK: u8 = 26;
}

/// Types of handshake messages.
pub mod handshake {
    /// HelloRequest (RFC 5246 §7.4.1.1).
    pub const HELLO_REQUEST: u8 = 0;
    /// ClientHello.
    pub const CLIENT_HELLO: u8 = 1;
    /// ServerHello, and HelloRetryRequest.
    pub const SERVER_HELLO: u8 = 2;
    /// HelloVerifyRequest (RFC 6347 §4.2.1).
    pub const HELLO_VERIFY_REQUEST: u8 = 3;
    /// NewSessionTicket.
    pub const NEW_SESSION_TICKET: u8 = 4;
    /// EncryptedExtensions.
    pub const ENCRYPTED_EXTENSIONS: u8 = 8;
    /// RequestConnectionId (RFC 9147 §9).
    pub const REQUEST_CONNECTION_ID: u8 = 9;
    /// NewConnectionId (RFC 9147 §9).
    pub const NEW_CONNECTION_ID: u8 = 10;
    /// Certificate.
    pub const CERTIFICATE: u8 = 11;
    /// ServerKeyExchange.
    pub const SERVER_KEY_EXCHANGE: u8 = 12;
    /// CertificateRequest.
    pub const CERTIFICATE_REQUEST: u8 = 13;
    /// ServerHelloDone.
    pub const SERVER_HELLO_DONE: u8 = 14;
    /// CertificateVerify.
    pub const CERTIFICATE_VERIFY: u8 = 15;
    /// ClientKeyExchange.
    pub const CLIENT_KEY_EXCHANGE: u8 = 16;
    /// Finished.
    pub const FINISHED: u8 = 20;
    /// KeyUpdate (RFC 8446 §4.6.3).
    pub const KEY_UPDATE: u8 = 24;
    /// The hash that stands for the first ClientHello (RFC 8446 §4.4.1).
    pub const MESSAGE_HASH: u8 = 254;

    /// The name of a type.
    #[must_use]
    pub const fn name(kind: u8) -> &'static str {
        match kind {
            HELLO_REQUEST => "HelloRequest",
            CLIENT_HELLO => "ClientHello",
            SERVER_HELLO => "ServerHello",
            HELLO_VERIFY_REQUEST => "HelloVerifyRequest",
            NEW_SESSION_TICKET => "NewSessionTicket",
            ENCRYPTED_EXTENSIONS => "EncryptedExtensions",
            REQUEST_CONNECTION_ID => "RequestConnectionId",
            NEW_CONNECTION_ID => "NewConnectionId",
            CERTIFICATE => "Certificate",
            SERVER_KEY_EXCHANGE => "ServerKeyExchange",
            CERTIFICATE_REQUEST => "CertificateRequest",
            SERVER_HELLO_DONE => "ServerHelloDone",
            CERTIFICATE_VERIFY => "CertificateVerify",
            CLIENT_KEY_EXCHANGE => "ClientKeyExchange",
            FINISHED => "Finished",
            KEY_UPDATE => "KeyUpdate",
            _ => "unknown message",
        }
    }
}

/// Types of extensions.
pub mod ext {
    /// supported_groups (RFC 8446 §4.2.7).
    pub const SUPPORTED_GROUPS: u16 = 10;
    /// ec_point_formats (RFC 8422 §5.1.2).
    pub const EC_POINT_FORMATS: u16 = 11;
    /// signature_algorithms (RFC 8446 §4.2.3).
    pub const SIGNATURE_ALGORITHMS: u16 = 13;
    /// use_srtp (RFC 5764 §4.1.1).
    pub const USE_SRTP: u16 = 14;
    /// application_layer_protocol_negotiation (RFC 7301 §3.1).
    pub const ALPN: u16 = 16;
    /// extended_master_secret (RFC 7627 §5.1).
    pub const EXTENDED_MASTER_SECRET: u16 = 23;
    /// record_size_limit (RFC 8449 §4).
    pub const RECORD_SIZE_LIMIT: u16 = 28;
    /// session_ticket (RFC 5077 §3.2).
    pub const SESSION_TICKET: u16 = 35;
    /// pre_shared_key (RFC 8446 §4.2.11).
    pub const PRE_SHARED_KEY: u16 = 41;
    /// early_data (RFC 8446 §4.2.10).
    pub const EARLY_DATA: u16 = 42;
    /// supported_versions (RFC 8446 §4.2.1).
    pub const SUPPORTED_VERSIONS: u16 = 43;
    /// cookie (RFC 8446 §4.2.2).
    pub const COOKIE: u16 = 44;
    /// key_share (RFC 8446 §4.2.8).
    pub const KEY_SHARE: u16 = 51;
    /// connection_id (RFC 9146 §3).
    pub const CONNECTION_ID: u16 = 54;
    /// renegotiation_info (RFC 5746 §3.2).
    pub const RENEGOTIATION_INFO: u16 = 0xff01;
}

/// Groups of the key exchange.
pub mod group {
    /// P-256.
    pub const P256: u16 = 23;
    /// P-384.
    pub const P384: u16 = 24;
    /// X25519.
    pub const X25519: u16 = 29;
    /// X25519 with ML-KEM-768.
    pub const X25519_MLKEM768: u16 = 0x11ec;
}

/// Cipher suites.
pub mod suite {
    /// TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, for 1.2.
    pub const ECDHE_ECDSA_AES_128_GCM_SHA256: u16 = 0xc02b;
    /// TLS_AES_128_GCM_SHA256, for 1.3.
    pub const AES_128_GCM_SHA256: u16 = 0x1301;
    /// TLS_RSA_WITH_AES_128_GCM_SHA256: no forward secrecy.
    pub const RSA_AES_128_GCM_SHA256: u16 = 0x009c;
    /// TLS_ECDHE_ECDSA_WITH_NULL_SHA: no secrecy.
    pub const ECDHE_ECDSA_NULL_SHA: u16 = 0xc006;
}

/// Signature schemes.
pub mod scheme {
    /// ECDSA on P-256 with SHA-256.
    pub const ECDSA_P256_SHA256: u16 = 0x0403;
    /// ECDSA with SHA-1.
    pub const ECDSA_SHA1: u16 = 0x0203;
}

/// Alerts.
pub mod alert {
    /// The sender ends the connection.
    pub const CLOSE_NOTIFY: u8 = 0;
    /// A message came where it may not.
    pub const UNEXPECTED_MESSAGE: u8 = 10;
    /// A record did not open.
    pub const BAD_RECORD_MAC: u8 = 20;
    /// A record is too long.
    pub const RECORD_OVERFLOW: u8 = 22;
    /// No acceptable set of parameters.
    pub const HANDSHAKE_FAILURE: u8 = 40;
    /// A certificate is corrupt or does not fit its signature.
    pub const BAD_CERTIFICATE: u8 = 42;
    /// A certificate is of a kind that is not supported.
    pub const UNSUPPORTED_CERTIFICATE: u8 = 43;
    /// A certificate is not acceptable for another reason.
    pub const CERTIFICATE_UNKNOWN: u8 = 46;
    /// A field is out of range or contradicts another.
    pub const ILLEGAL_PARAMETER: u8 = 47;
    /// A message does not parse.
    pub const DECODE_ERROR: u8 = 50;
    /// A signature or Finished is wrong.
    pub const DECRYPT_ERROR: u8 = 51;
    /// The version is not supported.
    pub const PROTOCOL_VERSION: u8 = 70;
    /// A stronger set of parameters is asked for.
    pub const INSUFFICIENT_SECURITY: u8 = 71;
    /// Something went wrong that is nobody's fault here.
    pub const INTERNAL_ERROR: u8 = 80;
    /// No renegotiation (RFC 5246 §7.2.2).
    pub const NO_RENEGOTIATION: u8 = 100;
    /// A mandatory extension is missing.
    pub const MISSING_EXTENSION: u8 = 109;
    /// An extension came where it may not.
    pub const UNSUPPORTED_EXTENSION: u8 = 110;
    /// A certificate is asked for, and none came.
    pub const CERTIFICATE_REQUIRED: u8 = 116;
    /// No common protocol (RFC 7301 §3.2).
    pub const NO_APPLICATION_PROTOCOL: u8 = 120;
}

/// SRTP protection profiles.
pub mod srtp {
    /// SRTP_AES128_CM_HMAC_SHA1_80.
    pub const AES128_CM_SHA1_80: u16 = 0x0001;
    /// SRTP_AES128_CM_HMAC_SHA1_32.
    pub const AES128_CM_SHA1_32: u16 = 0x0002;
    /// SRTP_AEAD_AES_128_GCM.
    pub const AEAD_AES_128_GCM: u16 = 0x0007;
    /// SRTP_AEAD_AES_256_GCM.
    pub const AEAD_AES_256_GCM: u16 = 0x0008;

    /// How many bytes of keys and salts a profile takes, both sides together (RFC 5764 §4.1.2,
    /// RFC 7714 §14.2).
    #[must_use]
    pub const fn keys_len(profile: u16) -> Option<usize> {
        match profile {
            AES128_CM_SHA1_80 | AES128_CM_SHA1_32 => Some(60),
            AEAD_AES_128_GCM => Some(56),
            AEAD_AES_256_GCM => Some(88),
            _ => None,
        }
    }
}
