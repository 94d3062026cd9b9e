//! Key derivation: HKDF (RFC 5869) and the pseudorandom function of TLS 1.2 (RFC 5246 §5).

use std::fmt;

use crate::{BadKeyLength, HmacAlgorithm, OutputTooLong, aws_lc, provider::Backend, rust_crypto};

/// A pseudorandom key, from which HKDF expands others. It is wiped when dropped.
pub struct Prk {
    algorithm: HmacAlgorithm,
    state: State,
}

#[expect(clippy::large_enum_variant, reason = "a handful of keys live at a time")]
enum State {
    AwsLc(aws_lc::kdf::Prk),
    RustCrypto(rust_crypto::kdf::Prk),
}

impl Prk {
    pub(crate) fn extract(
        backend: Backend,
        algorithm: HmacAlgorithm,
        salt: &[u8],
        secret: &[u8],
    ) -> Self {
        let state = match backend {
            Backend::AwsLc => State::AwsLc(aws_lc::kdf::Prk::extract(algorithm, salt, secret)),
            Backend::RustCrypto => {
                State::RustCrypto(rust_crypto::kdf::Prk::extract(algorithm, salt, secret))
            }
        };
        Self { algorithm, state }
    }

    pub(crate) fn from_bytes(
        backend: Backend,
        algorithm: HmacAlgorithm,
        prk: &[u8],
    ) -> Result<Self, BadKeyLength> {
        BadKeyLength::check(prk, algorithm.tag_len())?;
        let state = match backend {
            Backend::AwsLc => State::AwsLc(aws_lc::kdf::Prk::from_bytes(algorithm, prk)),
            Backend::RustCrypto => {
                State::RustCrypto(rust_crypto::kdf::Prk::from_bytes(algorithm, prk))
            }
        };
        Ok(Self { algorithm, state })
    }

    /// The HMAC under the derivation.
    #[must_use]
    pub const fn algorithm(&self) -> HmacAlgorithm {
        self.algorithm
    }

    /// Fills `out` with key material bound to the concatenation of `info` (RFC 5869 §2.3).
    ///
    /// # Errors
    ///
    /// `OutputTooLong` if `out` is longer than 255 times the hash.
    pub fn expand(&self, info: &[&[u8]], out: &mut [u8]) -> Result<(), OutputTooLong> {
        if out.len() > 255 * self.algorithm.tag_len() {
            return Err(OutputTooLong);
        }
        match &self.state {
            State::AwsLc(prk) => prk.expand(info, out),
            State::RustCrypto(prk) => prk.expand(info, out),
        }
        Ok(())
    }
}

impl fmt::Debug for Prk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Prk").field("algorithm", &self.algorithm).finish_non_exhaustive()
    }
}

/// The hash under the pseudorandom function of a TLS 1.2 cipher suite.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PrfAlgorithm {
    /// P_SHA256, the default (RFC 5246 §5).
    Sha256,
    /// P_SHA384, for the suites that name it (RFC 5289 §3.2).
    Sha384,
}
