//! Cryptographic primitives behind one value, [`Provider`], with two independent back-ends.
//!
//! * [`aws_lc_rs()`] is the default: fast, constant-time, with an AWS-LC core.
//! * [`rust_crypto()`] is pure Rust and fully deterministic from the seed.
//!
//! ```
//! use crypto::{HashAlgorithm, HmacAlgorithm};
//!
//! let provider = crypto::aws_lc_rs();
//! let key = provider.hmac_key(HmacAlgorithm::Sha1, b"password");
//! let tag = key.sign(&[b"one part, ", b"another"]);
//! assert!(key.verify(&[b"one part, another"], tag.as_ref()).is_ok());
//! assert_eq!(provider.hash(HashAlgorithm::Sha256, &[b"abc"]).as_ref().len(), 32);
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
mod provider;
mod public_key_info;
mod rust_crypto;
mod signature;

pub use aead::{AEAD_NONCE_LEN, AEAD_TAG_LEN, AeadAlgorithm, AeadKey};
pub use certificate::{BadCertificateParams, Certificate, CertificateParams, Identity};
pub use cipher::{CtrAlgorithm, CtrKey, RecordNumberKey};
pub use constant_time::constant_time_eq;
pub use error::{BadKeyLength, BadTag, OutputTooLong};
pub use hash::{Digest, HashAlgorithm};
pub use hmac::{HmacAlgorithm, HmacKey, Tag};
pub use kdf::{PrfAlgorithm, Prk};
pub use key_exchange::{BadPrivateKey, BadShare, KeyExchange, NamedGroup, SharedSecret};
pub use provider::{Provider, aws_lc_rs, rust_crypto};
pub use signature::{
    BadPublicKey, EcdsaCurve, KeyKind, PublicKey, SignatureAlgorithm, SigningKey, VerifyError,
};
