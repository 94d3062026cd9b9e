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

mod aws_lc;
mod constant_time;
mod hash;
mod hmac;
mod provider;
mod rust_crypto;

pub use constant_time::constant_time_eq;
pub use hash::{Digest, HashAlgorithm};
pub use hmac::{BadTag, HmacAlgorithm, HmacKey, Tag};
pub use provider::{Provider, aws_lc_rs, rust_crypto};
