//! The provider: where every operation starts.

use base::Rng;

use crate::{
    AeadAlgorithm, AeadKey, BadCertificateParams, BadKeyLength, BadPrivateKey, BadPublicKey,
    BadShare, CertificateParams, CtrAlgorithm, CtrKey, Digest, EcdsaCurve, HashAlgorithm, Hasher,
    HmacAlgorithm, HmacKey, Identity, KeyExchange, NamedGroup, PrfAlgorithm, Prk, PublicKey,
    RecordNumberKey, SharedSecret, SigningKey, aws_lc, rust_crypto as pure,
};

/// A set of implementations of every primitive: a plain value, copied into each machine's config.
///
/// Both back-ends compute the same functions; what differs is speed and determinism. Keys made by a
/// provider remember their back-end, so only the place that makes a key names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Provider(pub(crate) Backend);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Backend {
    AwsLc,
    RustCrypto,
}

/// The default provider, on AWS-LC.
#[must_use]
pub const fn aws_lc_rs() -> Provider {
    Provider(Backend::AwsLc)
}

/// The deterministic provider, in pure Rust.
#[must_use]
pub const fn rust_crypto() -> Provider {
    Provider(Backend::RustCrypto)
}

impl Default for Provider {
    fn default() -> Self {
        aws_lc_rs()
    }
}

impl Provider {
    /// Hashes the concatenation of `parts`.
    #[must_use]
    pub fn hash(self, algorithm: HashAlgorithm, parts: &[&[u8]]) -> Digest {
        match self.0 {
            Backend::AwsLc => aws_lc::hash::hash(algorithm, parts),
            Backend::RustCrypto => pure::hash::hash(algorithm, parts),
        }
    }

    /// Begins to hash a message that arrives in parts.
    #[must_use]
    pub fn hasher(self, algorithm: HashAlgorithm) -> Hasher {
        Hasher::new(self.0, algorithm)
    }

    /// Prepares `key`, of any length, for any number of messages.
    #[must_use]
    pub fn hmac_key(self, algorithm: HmacAlgorithm, key: &[u8]) -> HmacKey {
        HmacKey::new(self.0, algorithm, key)
    }

    /// Prepares a key for authenticated encryption.
    ///
    /// # Errors
    ///
    /// `BadKeyLength` if `key` is not as long as the algorithm's keys.
    pub fn aead_key(self, algorithm: AeadAlgorithm, key: &[u8]) -> Result<AeadKey, BadKeyLength> {
        AeadKey::new(self.0, algorithm, key)
    }

    /// Prepares a key for encryption in counter mode.
    ///
    /// # Errors
    ///
    /// As [`Provider::aead_key`].
    pub fn ctr_key(self, algorithm: CtrAlgorithm, key: &[u8]) -> Result<CtrKey, BadKeyLength> {
        CtrKey::new(self.0, algorithm, key)
    }

    /// Prepares a key for masking the record numbers of DTLS 1.3, beside the AEAD of its records
    /// (RFC 9147 §4.2.3).
    ///
    /// # Errors
    ///
    /// As [`Provider::aead_key`].
    pub fn record_number_key(
        self,
        algorithm: AeadAlgorithm,
        key: &[u8],
    ) -> Result<RecordNumberKey, BadKeyLength> {
        RecordNumberKey::new(self.0, algorithm, key)
    }

    /// Condenses `secret` into a pseudorandom key (RFC 5869 §2.2). An empty `salt` counts as a block
    /// of zeros.
    #[must_use]
    pub fn hkdf_extract(self, algorithm: HmacAlgorithm, salt: &[u8], secret: &[u8]) -> Prk {
        Prk::extract(self.0, algorithm, salt, secret)
    }

    /// Takes a secret that is pseudorandom already, such as those of the TLS 1.3 key schedule
    /// (RFC 8446 §7.1).
    ///
    /// # Errors
    ///
    /// `BadKeyLength` if it is not as long as the hash.
    pub fn hkdf_prk(self, algorithm: HmacAlgorithm, prk: &[u8]) -> Result<Prk, BadKeyLength> {
        Prk::from_bytes(self.0, algorithm, prk)
    }

    /// Fills `out` from `secret`, `label` and the concatenation of `seed` (RFC 5246 §5).
    pub fn tls12_prf(
        self,
        algorithm: PrfAlgorithm,
        secret: &[u8],
        label: &[u8],
        seed: &[&[u8]],
        out: &mut [u8],
    ) {
        match self.0 {
            Backend::AwsLc => aws_lc::kdf::tls12_prf(algorithm, secret, label, seed, out),
            Backend::RustCrypto => pure::kdf::tls12_prf(algorithm, secret, label, seed, out),
        }
    }

    /// Begins a key exchange with a fresh key.
    ///
    /// Keys of elliptic curves come from secret draws of `rng` in both back-ends. AWS-LC draws the
    /// ML-KEM half of a hybrid key from the system; only the RustCrypto provider takes it from `rng`.
    #[must_use]
    pub fn key_exchange(self, group: NamedGroup, rng: &mut Rng) -> KeyExchange {
        KeyExchange::new(self.0, group, rng)
    }

    /// Begins a key exchange with a given private key, to replay a known answer: a big-endian scalar
    /// for P-256 and P-384, 32 bytes for X25519.
    ///
    /// # Errors
    ///
    /// `BadPrivateKey` if `private` is not a key of the group, and for the hybrid group, whose keys
    /// AWS-LC does not take.
    pub fn key_exchange_from_private(
        self,
        group: NamedGroup,
        private: &[u8],
    ) -> Result<KeyExchange, BadPrivateKey> {
        KeyExchange::from_private(self.0, group, private)
    }

    /// Answers the share of a peer that began: returns the share to send back, and the secret.
    ///
    /// `rng` is used as in [`Provider::key_exchange`].
    ///
    /// # Errors
    ///
    /// `BadShare` as [`KeyExchange::finish`].
    pub fn answer_key_exchange(
        self,
        group: NamedGroup,
        peer_share: &[u8],
        rng: &mut Rng,
    ) -> Result<(Vec<u8>, SharedSecret), BadShare> {
        KeyExchange::answer(self.0, group, peer_share, rng)
    }

    /// A fresh ECDSA key, from secret draws of `rng` in both back-ends.
    #[must_use]
    pub fn signing_key(self, curve: EcdsaCurve, rng: &mut Rng) -> SigningKey {
        SigningKey::generate(self.0, curve, rng)
    }

    /// The ECDSA key of a big-endian private scalar, for one that was kept.
    ///
    /// # Errors
    ///
    /// `BadPrivateKey` if `scalar` has the wrong length, is zero, or not below the order of the curve.
    pub fn signing_key_from_scalar(
        self,
        curve: EcdsaCurve,
        scalar: &[u8],
    ) -> Result<SigningKey, BadPrivateKey> {
        SigningKey::from_scalar(self.0, curve, scalar)
    }

    /// Reads a public key from the DER of a SubjectPublicKeyInfo and checks that it is sound: ECDSA on
    /// P-256 or P-384, or RSA with 2,048 to 8,192 bits.
    ///
    /// # Errors
    ///
    /// `BadPublicKey` if it is malformed, of another algorithm, or not sound.
    pub fn public_key(self, public_key_info: &[u8]) -> Result<PublicKey, BadPublicKey> {
        PublicKey::parse(self.0, public_key_info)
    }

    /// Makes a key and signs a certificate for it with itself.
    ///
    /// Under the RustCrypto provider the same seed and parameters make the same bytes. Under AWS-LC
    /// only key and serial number come from `rng`; its signatures take a nonce from the system.
    ///
    /// # Errors
    ///
    /// `BadCertificateParams` if name or dates cannot stand in a certificate.
    pub fn self_signed(
        self,
        params: &CertificateParams<'_>,
        rng: &mut Rng,
    ) -> Result<Identity, BadCertificateParams> {
        Identity::self_signed(self, params, rng)
    }
}
