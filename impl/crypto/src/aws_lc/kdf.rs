//! Key derivation on AWS-LC.
#![expect(clippy::expect_used, reason = "only lengths can fail, and they are checked")]

use aws_lc_rs::{
    hkdf::{self, KeyType, Salt},
    tls_prf,
};

use crate::{HmacAlgorithm, PrfAlgorithm};

pub(crate) struct Prk(hkdf::Prk);

impl Prk {
    pub(crate) fn extract(algorithm: HmacAlgorithm, salt: &[u8], secret: &[u8]) -> Self {
        Self(Salt::new(hkdf_algorithm(algorithm), salt).extract(secret))
    }

    pub(crate) fn from_bytes(algorithm: HmacAlgorithm, prk: &[u8]) -> Self {
        Self(hkdf::Prk::new_less_safe(hkdf_algorithm(algorithm), prk))
    }

    /// Fills `out`, whose length the caller has checked.
    pub(crate) fn expand(&self, info: &[&[u8]], out: &mut [u8]) {
        let okm = self.0.expand(info, Length(out.len())).expect("the length was checked");
        okm.fill(out).expect("the length is the one asked for");
    }
}

fn hkdf_algorithm(algorithm: HmacAlgorithm) -> hkdf::Algorithm {
    match algorithm {
        HmacAlgorithm::Sha1 => hkdf::HKDF_SHA1_FOR_LEGACY_USE_ONLY,
        HmacAlgorithm::Sha256 => hkdf::HKDF_SHA256,
        HmacAlgorithm::Sha384 => hkdf::HKDF_SHA384,
        HmacAlgorithm::Sha512 => hkdf::HKDF_SHA512,
    }
}

struct Length(usize);

impl KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}

pub(crate) fn tls12_prf(
    algorithm: PrfAlgorithm,
    secret: &[u8],
    label: &[u8],
    seed: &[&[u8]],
    out: &mut [u8],
) {
    let algorithm = match algorithm {
        PrfAlgorithm::Sha256 => &tls_prf::P_SHA256,
        PrfAlgorithm::Sha384 => &tls_prf::P_SHA384,
    };
    if out.is_empty() {
        return;
    }
    // AWS-LC refuses an empty secret. HMAC pads keys with zeros, so that a zero byte is the same key.
    let secret = if secret.is_empty() { &[0] } else { secret };
    let secret = tls_prf::Secret::new(algorithm, secret).expect("the secret is not empty");
    let derived = secret.derive(label, &seed.concat(), out.len());
    out.copy_from_slice(derived.expect("the output is an array in memory").as_ref());
}
