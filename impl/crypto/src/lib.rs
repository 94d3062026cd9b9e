//! Cryptographic primitives behind one value, [`Provider`], with two independent back-ends.
//!
//! * A *provider* is a plain value that goes into each machine's configuration. [`aws_lc_rs()`] is the
//!   default: AWS-LC, fast and hardened. [`rust_crypto()`] is pure Rust and *deterministic*: the same
//!   seed makes the same keys, signatures and certificates, so that whole sessions replay byte for
//!   byte. Each is the other's second opinion: both pass the same vectors, and they agree under random
//!   input.
//! * A *key* is prepared once and then used for every packet, in place and without allocation:
//!   [`HmacKey`], [`AeadKey`], [`CtrKey`], [`RecordNumberKey`]. It remembers its back-end.
//! * A *key exchange* ([`KeyExchange`]) ends in a [`SharedSecret`], from which [`Prk`] and
//!   [`Provider::tls12_prf`] derive keys.
//! * An *identity* is a [`SigningKey`] with a self-signed certificate; peers see a [`Certificate`] with
//!   a [`PublicKey`] inside.
//!
//! Chance comes from the caller's [`base::Rng`], keys from its secret draws. AWS-LC takes private
//! scalars of elliptic curves from there, but draws the nonces of ECDSA and all of ML-KEM from the
//! operating system: only the RustCrypto provider is deterministic throughout.
//!
//! Secrets are wiped when dropped and never shown by `Debug`; [`constant_time_eq`] is the one way to
//! compare them. No input panics, however hostile; errors are small and belong to their operation.
//!
//! | what | where it is defined |
//! |---|---|
//! | MD5, SHA-1, SHA-256/384/512 | RFC 1321, 3174, 6234 |
//! | HMAC, whole and truncated tags | RFC 2104 |
//! | AES in counter mode, as SRTP uses it | RFC 3711, 6188 |
//! | AES-GCM, ChaCha20-Poly1305 | RFC 5116, 8439 |
//! | record-number masks of DTLS 1.3 | RFC 9147 |
//! | ECDH on P-256, P-384, X25519; X25519MLKEM768 | RFC 8446, 7748; FIPS 203 |
//! | ECDSA, deterministic ECDSA | FIPS 186-5, RFC 6979 |
//! | Ed25519 | RFC 8032 |
//! | RSA signatures, PKCS#1 v1.5 and PSS | RFC 8017 |
//! | HKDF, the TLS 1.2 pseudorandom function | RFC 5869, 5246 |
//! | self-signed certificates, public keys in DER | RFC 5280, 5480, 5758, 8122 |
//! | private keys in DER | RFC 5958, 5915 |
//!
//! | file | holds |
//! |---|---|
//! | `provider.rs` | [`Provider`]: where every operation starts |
//! | `hash.rs`, `hmac.rs` | [`Digest`], [`Hasher`], [`HmacKey`], [`Tag`] |
//! | `aead.rs`, `cipher.rs` | [`AeadKey`]; [`CtrKey`], [`RecordNumberKey`] |
//! | `nonce_ledger.rs` | the nonces that keys have sealed with, in builds with debug assertions |
//! | `kdf.rs` | [`Prk`] and the function of TLS 1.2 |
//! | `key_exchange.rs` | [`NamedGroup`], [`KeyExchange`], [`SharedSecret`] |
//! | `signature.rs`, `public_key_info.rs`, `private_key_info.rs` | [`SigningKey`], [`PublicKey`] and their encoding |
//! | `certificate.rs`, `der.rs` | [`Identity`], [`Certificate`], and the DER under them |
//! | `constant_time.rs`, `error.rs` | [`constant_time_eq`], errors that operations share |
//! | `aws_lc/`, `rust_crypto/` | the back-ends, a file per primitive |
//!
//! ```
//! use base::Rng;
//! use crypto::{AeadAlgorithm, HmacAlgorithm, NamedGroup};
//!
//! let provider = crypto::rust_crypto();
//! let mut rng = Rng::from_seed([7; 32]);
//!
//! // Two sides agree on a secret …
//! let offer = provider.key_exchange(NamedGroup::X25519, &mut rng);
//! let (share, theirs) =
//!     provider.answer_key_exchange(NamedGroup::X25519, offer.share(), &mut rng)?;
//! let ours = offer.finish(&share)?;
//! assert!(crypto::constant_time_eq(ours.as_ref(), theirs.as_ref()));
//!
//! // … derive a key from it …
//! let mut key = [0; 16];
//! let prk = provider.hkdf_extract(HmacAlgorithm::Sha256, b"salt", ours.as_ref());
//! prk.expand(&[b"packets"], &mut key)?;
//!
//! // … and seal packets with it, in place.
//! let key = provider.aead_key(AeadAlgorithm::Aes128Gcm, &key)?;
//! let mut packet = b"hello".to_vec();
//! key.seal_and_append(&[0; 12], b"header", &mut packet, 0);
//! assert_eq!(key.open_appended(&[0; 12], b"header", &mut packet)?, b"hello");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod aead;
mod aws_lc;
mod certificate;
mod cipher;
mod constant_time;
mod der;
mod error;
mod hash;
mod hmac;
mod kdf;
mod key_exchange;
#[cfg(debug_assertions)]
mod nonce_ledger;
mod private_key_info;
mod provider;
mod public_key_info;
mod rust_crypto;
mod signature;

pub use aead::{AEAD_NONCE_LEN, AEAD_TAG_LEN, AeadAlgorithm, AeadKey};
pub use certificate::{
    BadCertificateParams, BadIdentity, Certificate, CertificateParams, Identity,
};
pub use cipher::{CtrAlgorithm, CtrKey, RecordNumberKey};
pub use constant_time::constant_time_eq;
pub use error::{BadKeyLength, BadTag, OutputTooLong};
pub use hash::{Digest, HashAlgorithm, Hasher};
pub use hmac::{HmacAlgorithm, HmacKey, Tag};
pub use kdf::{PrfAlgorithm, Prk};
pub use key_exchange::{BadPrivateKey, BadShare, KeyExchange, NamedGroup, SharedSecret};
pub use provider::{Provider, aws_lc_rs, rust_crypto};
pub use signature::{
    BadPrivateKeyInfo, BadPublicKey, EcdsaCurve, KeyKind, OtherKind, PublicKey, SignatureAlgorithm,
    SigningKey, VerifyError,
};
