//! The suites of version 1.2, by our names and by those of others.

use dtls::CipherSuite;

use super::ours::Kind;

/// A suite: ours, the server's key, OpenSSL's name, GnuTLS's key exchange and cipher.
pub(crate) struct Suite {
    pub(crate) suite: CipherSuite,
    pub(crate) key: Kind,
    pub(crate) openssl: &'static str,
    pub(crate) gnutls: &'static str,
}

pub(crate) const SUITES: [Suite; 6] = [
    Suite {
        suite: CipherSuite::EcdheEcdsaAes128GcmSha256,
        key: Kind::Ecdsa,
        openssl: "ECDHE-ECDSA-AES128-GCM-SHA256",
        gnutls: "+ECDHE-ECDSA:+AES-128-GCM",
    },
    Suite {
        suite: CipherSuite::EcdheEcdsaAes256GcmSha384,
        key: Kind::Ecdsa,
        openssl: "ECDHE-ECDSA-AES256-GCM-SHA384",
        gnutls: "+ECDHE-ECDSA:+AES-256-GCM",
    },
    Suite {
        suite: CipherSuite::EcdheEcdsaChaCha20Poly1305Sha256,
        key: Kind::Ecdsa,
        openssl: "ECDHE-ECDSA-CHACHA20-POLY1305",
        gnutls: "+ECDHE-ECDSA:+CHACHA20-POLY1305",
    },
    Suite {
        suite: CipherSuite::EcdheRsaAes128GcmSha256,
        key: Kind::Rsa,
        openssl: "ECDHE-RSA-AES128-GCM-SHA256",
        gnutls: "+ECDHE-RSA:+AES-128-GCM",
    },
    Suite {
        suite: CipherSuite::EcdheRsaAes256GcmSha384,
        key: Kind::Rsa,
        openssl: "ECDHE-RSA-AES256-GCM-SHA384",
        gnutls: "+ECDHE-RSA:+AES-256-GCM",
    },
    Suite {
        suite: CipherSuite::EcdheRsaChaCha20Poly1305Sha256,
        key: Kind::Rsa,
        openssl: "ECDHE-RSA-CHACHA20-POLY1305",
        gnutls: "+ECDHE-RSA:+CHACHA20-POLY1305",
    },
];
