//! Cipher suites.

use crypto::{AeadAlgorithm, HashAlgorithm, HmacAlgorithm, KeyKind, PrfAlgorithm};

use crate::Version;

/// A cipher suite. All of them agree on keys that nobody can derive later, and encrypt with an AEAD; no
/// other suite is spoken (RFC 8827 §6.5, RFC 9325 §4.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CipherSuite {
    /// TLS_AES_128_GCM_SHA256 of version 1.3 (RFC 8446 §B.4).
    Aes128GcmSha256,
    /// TLS_AES_256_GCM_SHA384 of version 1.3.
    Aes256GcmSha384,
    /// TLS_CHACHA20_POLY1305_SHA256 of version 1.3.
    ChaCha20Poly1305Sha256,
    /// TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256 of version 1.2 (RFC 5289 §3.2).
    EcdheEcdsaAes128GcmSha256,
    /// TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384 of version 1.2.
    EcdheEcdsaAes256GcmSha384,
    /// TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256 of version 1.2 (RFC 7905 §2).
    EcdheEcdsaChaCha20Poly1305Sha256,
    /// TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256 of version 1.2 (RFC 5289 §3.2).
    EcdheRsaAes128GcmSha256,
    /// TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384 of version 1.2.
    EcdheRsaAes256GcmSha384,
    /// TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256 of version 1.2 (RFC 7905 §2).
    EcdheRsaChaCha20Poly1305Sha256,
}

/// The kind of key that a server of version 1.2 signs with; version 1.3 takes it out of the suite.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Authentication {
    /// ECDSA.
    Ecdsa,
    /// RSA.
    Rsa,
}

impl Authentication {
    /// The kind of a key.
    #[must_use]
    pub const fn of(key: KeyKind) -> Self {
        match key {
            // RFC 8422 §5.10: keys of Edwards curves go with the suites of ECDSA.
            KeyKind::EcdsaP256 | KeyKind::EcdsaP384 | KeyKind::Ed25519 => Self::Ecdsa,
            KeyKind::Rsa => Self::Rsa,
        }
    }
}

impl CipherSuite {
    /// Every suite in the order in which they are offered and chosen unless the configuration says
    /// otherwise: AES-128 first, which every WebRTC endpoint has (RFC 8827 §6.5).
    pub const ALL: &'static [Self] = &[
        Self::Aes128GcmSha256,
        Self::Aes256GcmSha384,
        Self::ChaCha20Poly1305Sha256,
        Self::EcdheEcdsaAes128GcmSha256,
        Self::EcdheRsaAes128GcmSha256,
        Self::EcdheEcdsaAes256GcmSha384,
        Self::EcdheRsaAes256GcmSha384,
        Self::EcdheEcdsaChaCha20Poly1305Sha256,
        Self::EcdheRsaChaCha20Poly1305Sha256,
    ];

    /// The number on the wire.
    #[must_use]
    pub const fn code_point(self) -> u16 {
        match self {
            Self::Aes128GcmSha256 => 0x1301,
            Self::Aes256GcmSha384 => 0x1302,
            Self::ChaCha20Poly1305Sha256 => 0x1303,
            Self::EcdheEcdsaAes128GcmSha256 => 0xc02b,
            Self::EcdheEcdsaAes256GcmSha384 => 0xc02c,
            Self::EcdheRsaAes128GcmSha256 => 0xc02f,
            Self::EcdheRsaAes256GcmSha384 => 0xc030,
            Self::EcdheRsaChaCha20Poly1305Sha256 => 0xcca8,
            Self::EcdheEcdsaChaCha20Poly1305Sha256 => 0xcca9,
        }
    }

    /// The suite of a number on the wire, if it is one of these.
    #[must_use]
    pub fn from_code_point(code_point: u16) -> Option<Self> {
        Self::ALL.iter().copied().find(|suite| suite.code_point() == code_point)
    }

    /// The version that the suite belongs to.
    #[must_use]
    pub const fn version(self) -> Version {
        match self.authentication() {
            None => Version::Dtls13,
            Some(_) => Version::Dtls12,
        }
    }

    /// The key that the server signs with, where the suite says so.
    #[must_use]
    pub const fn authentication(self) -> Option<Authentication> {
        match self {
            Self::Aes128GcmSha256 | Self::Aes256GcmSha384 | Self::ChaCha20Poly1305Sha256 => None,
            Self::EcdheEcdsaAes128GcmSha256
            | Self::EcdheEcdsaAes256GcmSha384
            | Self::EcdheEcdsaChaCha20Poly1305Sha256 => Some(Authentication::Ecdsa),
            Self::EcdheRsaAes128GcmSha256
            | Self::EcdheRsaAes256GcmSha384
            | Self::EcdheRsaChaCha20Poly1305Sha256 => Some(Authentication::Rsa),
        }
    }

    /// The cipher of its records.
    #[must_use]
    pub const fn aead(self) -> AeadAlgorithm {
        match self {
            Self::Aes128GcmSha256
            | Self::EcdheEcdsaAes128GcmSha256
            | Self::EcdheRsaAes128GcmSha256 => AeadAlgorithm::Aes128Gcm,
            Self::Aes256GcmSha384
            | Self::EcdheEcdsaAes256GcmSha384
            | Self::EcdheRsaAes256GcmSha384 => AeadAlgorithm::Aes256Gcm,
            Self::ChaCha20Poly1305Sha256
            | Self::EcdheEcdsaChaCha20Poly1305Sha256
            | Self::EcdheRsaChaCha20Poly1305Sha256 => AeadAlgorithm::ChaCha20Poly1305,
        }
    }

    /// The hash of its transcript and of its key schedule.
    #[must_use]
    pub const fn hash(self) -> HashAlgorithm {
        match self.aead() {
            AeadAlgorithm::Aes256Gcm => HashAlgorithm::Sha384,
            AeadAlgorithm::Aes128Gcm | AeadAlgorithm::ChaCha20Poly1305 => HashAlgorithm::Sha256,
        }
    }

    /// The same hash, under HKDF.
    #[must_use]
    pub const fn hmac(self) -> HmacAlgorithm {
        match self.aead() {
            AeadAlgorithm::Aes256Gcm => HmacAlgorithm::Sha384,
            AeadAlgorithm::Aes128Gcm | AeadAlgorithm::ChaCha20Poly1305 => HmacAlgorithm::Sha256,
        }
    }

    /// The same hash, under the pseudorandom function of version 1.2.
    #[must_use]
    pub const fn prf(self) -> PrfAlgorithm {
        match self.aead() {
            AeadAlgorithm::Aes256Gcm => PrfAlgorithm::Sha384,
            AeadAlgorithm::Aes128Gcm | AeadAlgorithm::ChaCha20Poly1305 => PrfAlgorithm::Sha256,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_suite_is_found_by_its_number() {
        for &suite in CipherSuite::ALL {
            assert_eq!(CipherSuite::from_code_point(suite.code_point()), Some(suite));
        }
        assert_eq!(CipherSuite::from_code_point(0), None, "TLS_NULL_WITH_NULL_NULL");
    }
}
