//! Keys and certificates of the worlds: made once, since what they are does not matter to a handshake.

use std::sync::OnceLock;

use base::{Rng, WallTime};
use crypto::{CertificateParams, EcdsaCurve, HashAlgorithm, Identity, SigningKey};
use dtls::{Credential, Fingerprint};

use super::plan::Key;

/// A key of 2,048 bits, made for these worlds and good for nothing else.
const RSA_KEY: &[u8] = include_bytes!("rsa.key.der");
/// Its certificate, signed by itself.
const RSA_CERTIFICATE: &[u8] = include_bytes!("rsa.certificate.der");

/// What a side with this kind of key proves itself with.
pub(crate) fn credential(key: Key) -> &'static Credential {
    static ALL: OnceLock<[Credential; 3]> = OnceLock::new();
    let [p256, p384, rsa] = ALL.get_or_init(|| {
        [
            Credential::new(curve(EcdsaCurve::P256)),
            Credential::new(curve(EcdsaCurve::P384)),
            Credential::new(rsa()),
        ]
    });
    match key {
        Key::P256 => p256,
        Key::P384 => p384,
        Key::Rsa => rsa,
    }
}

/// What the other side knows it by.
pub(crate) fn fingerprint(key: Key) -> Fingerprint {
    credential(key)
        .fingerprint(crypto::rust_crypto(), HashAlgorithm::Sha256)
        .expect("a credential has a certificate")
}

fn curve(curve: EcdsaCurve) -> Identity {
    let params = CertificateParams {
        common_name: "swarm",
        not_before: WallTime::from_unix(std::time::Duration::ZERO),
        not_after: WallTime::from_unix(std::time::Duration::from_secs(4_000_000_000)),
        curve,
    };
    let mut rng = Rng::from_seed([7; 32]);
    crypto::rust_crypto().self_signed(&params, &mut rng).expect("name and dates are fine")
}

fn rsa() -> Identity {
    let key = SigningKey::from_pkcs8(crypto::rust_crypto(), RSA_KEY).expect("it is a key");
    Identity::from_parts(RSA_CERTIFICATE.to_vec(), key).expect("it is the key's certificate")
}
