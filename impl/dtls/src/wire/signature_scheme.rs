//! How signatures are made: [RFC 8446 §4.2.3](https://www.rfc-editor.org/rfc/rfc8446#section-4.2.3).

use crypto::{KeyKind, SignatureAlgorithm};

use super::number::number;
use crate::Version;

number! {
    /// A way to sign by its number, spoken here or not.
    ///
    /// In version 1.2 the number is a pair of hash and kind of key, so that an ECDSA scheme goes with any
    /// curve (RFC 5246 §7.4.1.4.1); version 1.3 reads the curve out of it too (RFC 8446 §4.2.3).
    SignatureScheme: u16 {
        /// RSA as in PKCS#1 with SHA-1, which is never accepted.
        RSA_PKCS1_SHA1 = 0x0201 "rsa_pkcs1_sha1",
        /// ECDSA with SHA-1, which is never accepted.
        ECDSA_SHA1 = 0x0203 "ecdsa_sha1",
        /// RSA as in PKCS#1 with SHA-256.
        RSA_PKCS1_SHA256 = 0x0401 "rsa_pkcs1_sha256",
        /// ECDSA with SHA-256.
        ECDSA_SECP256R1_SHA256 = 0x0403 "ecdsa_secp256r1_sha256",
        /// RSA as in PKCS#1 with SHA-384.
        RSA_PKCS1_SHA384 = 0x0501 "rsa_pkcs1_sha384",
        /// ECDSA with SHA-384.
        ECDSA_SECP384R1_SHA384 = 0x0503 "ecdsa_secp384r1_sha384",
        /// RSA as in PKCS#1 with SHA-512.
        RSA_PKCS1_SHA512 = 0x0601 "rsa_pkcs1_sha512",
        /// ECDSA with SHA-512, which is not spoken.
        ECDSA_SECP521R1_SHA512 = 0x0603 "ecdsa_secp521r1_sha512",
        /// RSA with PSS and SHA-256.
        RSA_PSS_RSAE_SHA256 = 0x0804 "rsa_pss_rsae_sha256",
        /// RSA with PSS and SHA-384.
        RSA_PSS_RSAE_SHA384 = 0x0805 "rsa_pss_rsae_sha384",
        /// RSA with PSS and SHA-512.
        RSA_PSS_RSAE_SHA512 = 0x0806 "rsa_pss_rsae_sha512",
        /// EdDSA on Curve25519.
        ED25519 = 0x0807 "ed25519",
    }
}

impl SignatureScheme {
    /// Every scheme that is spoken here, in the order in which they are offered.
    pub const ALL: &'static [Self] = &[
        Self::ECDSA_SECP256R1_SHA256,
        Self::RSA_PSS_RSAE_SHA256,
        Self::RSA_PKCS1_SHA256,
        Self::ECDSA_SECP384R1_SHA384,
        Self::RSA_PSS_RSAE_SHA384,
        Self::RSA_PKCS1_SHA384,
        Self::RSA_PSS_RSAE_SHA512,
        Self::RSA_PKCS1_SHA512,
        Self::ED25519,
    ];

    /// How a key of the kind `key` signs in `version` under this scheme; `None` if it must not.
    #[must_use]
    pub const fn algorithm(self, version: Version, key: KeyKind) -> Option<SignatureAlgorithm> {
        let algorithm = match (self, key) {
            (Self::ECDSA_SECP256R1_SHA256, KeyKind::EcdsaP256) => {
                SignatureAlgorithm::EcdsaP256Sha256
            }
            (Self::ECDSA_SECP384R1_SHA384, KeyKind::EcdsaP384) => {
                SignatureAlgorithm::EcdsaP384Sha384
            }
            (Self::ECDSA_SECP384R1_SHA384, KeyKind::EcdsaP256) => {
                SignatureAlgorithm::EcdsaP256Sha384
            }
            (Self::ECDSA_SECP256R1_SHA256, KeyKind::EcdsaP384) => {
                SignatureAlgorithm::EcdsaP384Sha256
            }
            (Self::RSA_PKCS1_SHA256, KeyKind::Rsa) => SignatureAlgorithm::RsaPkcs1Sha256,
            (Self::RSA_PKCS1_SHA384, KeyKind::Rsa) => SignatureAlgorithm::RsaPkcs1Sha384,
            (Self::RSA_PKCS1_SHA512, KeyKind::Rsa) => SignatureAlgorithm::RsaPkcs1Sha512,
            (Self::RSA_PSS_RSAE_SHA256, KeyKind::Rsa) => SignatureAlgorithm::RsaPssSha256,
            (Self::RSA_PSS_RSAE_SHA384, KeyKind::Rsa) => SignatureAlgorithm::RsaPssSha384,
            (Self::RSA_PSS_RSAE_SHA512, KeyKind::Rsa) => SignatureAlgorithm::RsaPssSha512,
            (Self::ED25519, KeyKind::Ed25519) => SignatureAlgorithm::Ed25519,
            _ => return None,
        };
        match version {
            Version::Dtls12 => Some(algorithm),
            Version::Dtls13 => in_dtls13(algorithm),
        }
    }
}

/// RFC 8446 §4.2.3: PKCS#1 is for certificates alone, and a curve has its one hash.
const fn in_dtls13(algorithm: SignatureAlgorithm) -> Option<SignatureAlgorithm> {
    match algorithm {
        SignatureAlgorithm::EcdsaP256Sha256
        | SignatureAlgorithm::EcdsaP384Sha384
        | SignatureAlgorithm::RsaPssSha256
        | SignatureAlgorithm::RsaPssSha384
        | SignatureAlgorithm::RsaPssSha512
        | SignatureAlgorithm::Ed25519 => Some(algorithm),
        SignatureAlgorithm::EcdsaP256Sha384
        | SignatureAlgorithm::EcdsaP384Sha256
        | SignatureAlgorithm::RsaPkcs1Sha256
        | SignatureAlgorithm::RsaPkcs1Sha384
        | SignatureAlgorithm::RsaPkcs1Sha512 => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KINDS: [KeyKind; 4] =
        [KeyKind::EcdsaP256, KeyKind::EcdsaP384, KeyKind::Rsa, KeyKind::Ed25519];

    #[test]
    fn every_scheme_offered_can_be_used_in_version_1_2() {
        for scheme in SignatureScheme::ALL {
            let usable = |kind: &&KeyKind| scheme.algorithm(Version::Dtls12, **kind).is_some();
            assert!(KINDS.iter().any(|kind| usable(&kind)), "{scheme}");
        }
    }

    #[test]
    fn an_algorithm_is_of_the_key_it_was_asked_for() {
        for number in 0..=u16::MAX {
            for kind in KINDS {
                for version in [Version::Dtls12, Version::Dtls13] {
                    let algorithm = SignatureScheme::new(number).algorithm(version, kind);
                    assert!(algorithm.is_none_or(|it| it.key_kind() == kind), "{number:#x}");
                }
            }
        }
    }

    #[test]
    fn version_1_3_ties_curve_to_hash_and_drops_pkcs1() {
        let count = |version| {
            let pairs = SignatureScheme::ALL.iter().flat_map(|it| KINDS.map(|kind| (it, kind)));
            pairs.filter(|(scheme, kind)| scheme.algorithm(version, *kind).is_some()).count()
        };
        assert_eq!((count(Version::Dtls12), count(Version::Dtls13)), (11, 6));
    }

    #[test]
    fn sha1_is_no_way_to_sign() {
        for scheme in [SignatureScheme::RSA_PKCS1_SHA1, SignatureScheme::ECDSA_SHA1] {
            for kind in KINDS {
                assert_eq!(scheme.algorithm(Version::Dtls12, kind), None);
            }
        }
    }
}
