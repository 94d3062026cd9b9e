//! Keys from PKCS#8, and RSA signatures.

use base::Rng;
use crypto::{
    BadIdentity, BadPrivateKeyInfo, EcdsaCurve, Identity, KeyKind, OtherKind, Provider,
    SignatureAlgorithm, SigningKey,
};
use rstest::rstest;

use crate::PROVIDERS;

// Made with `openssl genpkey` and `openssl pkcs8 -topk8`, for these tests alone.
const RSA_2048: &[u8] = include_bytes!("keys/rsa_2048.pk8");
const RSA_1024: &[u8] = include_bytes!("keys/rsa_1024.pk8");
const P256: &[u8] = include_bytes!("keys/p256.pk8");
const P384: &[u8] = include_bytes!("keys/p384.pk8");
const ED25519: &[u8] = include_bytes!("keys/ed25519.pk8");

/// A self-signed certificate of `RSA_2048`.
const RSA_CERTIFICATE: &[u8] = include_bytes!("keys/rsa_2048.crt");

#[rstest]
#[case::ecdsa_p256_sha256(P256, SignatureAlgorithm::EcdsaP256Sha256)]
#[case::ecdsa_p256_sha384(P256, SignatureAlgorithm::EcdsaP256Sha384)]
#[case::ecdsa_p384_sha256(P384, SignatureAlgorithm::EcdsaP384Sha256)]
#[case::ecdsa_p384_sha384(P384, SignatureAlgorithm::EcdsaP384Sha384)]
#[case::rsa_pkcs1_sha256(RSA_2048, SignatureAlgorithm::RsaPkcs1Sha256)]
#[case::rsa_pkcs1_sha384(RSA_2048, SignatureAlgorithm::RsaPkcs1Sha384)]
#[case::rsa_pkcs1_sha512(RSA_2048, SignatureAlgorithm::RsaPkcs1Sha512)]
#[case::rsa_pss_sha256(RSA_2048, SignatureAlgorithm::RsaPssSha256)]
#[case::rsa_pss_sha384(RSA_2048, SignatureAlgorithm::RsaPssSha384)]
#[case::rsa_pss_sha512(RSA_2048, SignatureAlgorithm::RsaPssSha512)]
#[case::ed25519(ED25519, SignatureAlgorithm::Ed25519)]
fn each_verifies_what_the_other_signs_with_a_key_from_a_file(
    #[case] pkcs8: &[u8],
    #[case] algorithm: SignatureAlgorithm,
) {
    let rng = &mut Rng::from_seed([31; 32]);
    for (signer, verifier) in [(PROVIDERS[0], PROVIDERS[1]), (PROVIDERS[1], PROVIDERS[0])] {
        let key = SigningKey::from_pkcs8(signer, pkcs8).unwrap();
        assert_eq!(key.key_kind(), algorithm.key_kind());
        let signature = key.sign_with(algorithm, b"message", rng).unwrap();
        let public = verifier.public_key(key.public_key_info()).unwrap();
        assert_eq!(public.verify(algorithm, b"message", &signature), Ok(()));
        assert!(public.verify(algorithm, b"another", &signature).is_err());
    }
}

#[rstest]
#[case::rsa(RSA_2048)]
#[case::p256(P256)]
#[case::p384(P384)]
#[case::ed25519(ED25519)]
fn both_read_the_same_public_key(#[case] pkcs8: &[u8]) {
    let [a, b] = PROVIDERS.map(|provider| SigningKey::from_pkcs8(provider, pkcs8).unwrap());
    assert_eq!(a.public_key_info(), b.public_key_info());
}

#[rstest]
#[case::pkcs1(SignatureAlgorithm::RsaPkcs1Sha256)]
#[case::pss(SignatureAlgorithm::RsaPssSha256)]
fn rust_crypto_signs_alike_with_the_same_dice(#[case] algorithm: SignatureAlgorithm) {
    let key = SigningKey::from_pkcs8(crypto::rust_crypto(), RSA_2048).unwrap();
    let sign = |seed| key.sign_with(algorithm, b"message", &mut Rng::from_seed([seed; 32]));
    assert_eq!(sign(1), sign(1));
    let salted = algorithm == SignatureAlgorithm::RsaPssSha256;
    assert_eq!(sign(1) != sign(2), salted, "the salt is all that comes from the dice");
}

#[rstest]
fn pkcs1_signatures_of_both_are_the_same_bytes() {
    let [a, b] = PROVIDERS.map(|provider| {
        let key = SigningKey::from_pkcs8(provider, RSA_2048).unwrap();
        let rng = &mut Rng::from_seed([1; 32]);
        key.sign_with(SignatureAlgorithm::RsaPkcs1Sha256, b"message", rng).unwrap()
    });
    assert_eq!(a, b);
}

#[rstest]
fn refuses_to_sign_as_another_kind_of_key(
    #[values(crypto::aws_lc_rs(), crypto::rust_crypto())] provider: Provider,
) {
    let rng = &mut Rng::from_seed([1; 32]);
    let rsa = SigningKey::from_pkcs8(provider, RSA_2048).unwrap();
    let ecdsa = SigningKey::from_pkcs8(provider, P256).unwrap();
    assert_eq!(rsa.sign_with(SignatureAlgorithm::EcdsaP256Sha256, b"", rng), Err(OtherKind));
    assert_eq!(ecdsa.sign_with(SignatureAlgorithm::RsaPssSha256, b"", rng), Err(OtherKind));
    assert_eq!(ecdsa.sign_with(SignatureAlgorithm::EcdsaP384Sha384, b"", rng), Err(OtherKind));
}

#[rstest]
fn refuses_keys_that_cannot_be_used(
    #[values(crypto::aws_lc_rs(), crypto::rust_crypto())] provider: Provider,
) {
    let refusal = |der: &[u8]| SigningKey::from_pkcs8(provider, der).unwrap_err();
    assert_eq!(refusal(RSA_1024), BadPrivateKeyInfo::Unsound, "too short");
    let mut ed448 = ED25519.to_vec();
    // The last byte of the algorithm's number.
    ed448[11] = 0x71;
    assert_eq!(refusal(&ed448), BadPrivateKeyInfo::Unsupported);
    assert!(matches!(refusal(&RSA_2048[..900]), BadPrivateKeyInfo::Malformed(_)));
    assert!(matches!(refusal(b""), BadPrivateKeyInfo::Malformed(_)));
    let mut other_prime = RSA_2048.to_vec();
    // Inside the first prime, which follows modulus, exponents and headers.
    other_prime[600] ^= 0x10;
    assert_eq!(refusal(&other_prime), BadPrivateKeyInfo::Unsound);
}

#[rstest]
fn no_bytes_panic(#[values(RSA_2048, P256, P384)] good: &[u8]) {
    let rng = &mut Rng::from_seed([32; 32]);
    for _ in 0..60 {
        let mut bytes = good.to_vec();
        let at = usize::try_from(rng.public_below(80)).unwrap().min(bytes.len() - 1);
        bytes[at] ^= 1 << rng.public_below(8);
        for provider in PROVIDERS {
            let _ = SigningKey::from_pkcs8(provider, &bytes);
        }
    }
    for length in 0..good.len() {
        assert!(SigningKey::from_pkcs8(PROVIDERS[0], &good[..length]).is_err());
    }
}

#[rstest]
fn a_certificate_and_its_key_make_an_identity(
    #[values(crypto::aws_lc_rs(), crypto::rust_crypto())] provider: Provider,
) {
    let key = SigningKey::from_pkcs8(provider, RSA_2048).unwrap();
    let identity = Identity::from_parts(RSA_CERTIFICATE.to_vec(), key).unwrap();
    assert_eq!(identity.certificate(), RSA_CERTIFICATE);
    assert_eq!(identity.key().key_kind(), KeyKind::Rsa);
    let (certificate, key) = identity.into_parts();
    assert_eq!(certificate, RSA_CERTIFICATE);
    assert_eq!(key.key_kind(), KeyKind::Rsa);

    let other = provider.signing_key(EcdsaCurve::P256, &mut Rng::from_seed([1; 32]));
    let refused = Identity::from_parts(RSA_CERTIFICATE.to_vec(), other);
    assert_eq!(refused.unwrap_err(), BadIdentity::OtherKey);
    let key = SigningKey::from_pkcs8(provider, RSA_2048).unwrap();
    let refused = Identity::from_parts(RSA_CERTIFICATE[1..].to_vec(), key);
    assert!(matches!(refused.unwrap_err(), BadIdentity::Malformed(_)));
}
