//! `Debug` never shows a secret.

use base::Rng;
use crypto::{
    AeadAlgorithm, CertificateParams, CtrAlgorithm, EcdsaCurve, HashAlgorithm, HmacAlgorithm,
    NamedGroup, Provider,
};
use rstest::rstest;

#[rstest]
fn debug_shows_kinds_and_lengths_alone(
    #[values(crypto::aws_lc_rs(), crypto::rust_crypto())] provider: Provider,
) {
    let key = [0xab; 32];
    let rng = &mut Rng::from_seed([1; 32]);
    let hmac = provider.hmac_key(HmacAlgorithm::Sha1, &key);
    let offer = provider.key_exchange(NamedGroup::X25519, rng);
    let (_, secret) = provider.answer_key_exchange(NamedGroup::X25519, offer.share(), rng).unwrap();
    let signing = provider.signing_key(EcdsaCurve::P256, rng);
    let params = CertificateParams {
        common_name: "a",
        curve: EcdsaCurve::P256,
        not_before: base::WallTime::UNIX_EPOCH,
        not_after: base::WallTime::UNIX_EPOCH,
    };
    let identity = provider.self_signed(&params, rng).unwrap();
    let shown = [
        (format!("{hmac:?}"), "HmacKey { algorithm: Sha1, .. }"),
        (format!("{:?}", hmac.sign(&[])), "Tag(20 bytes)"),
        (format!("{:?}", provider.hash(HashAlgorithm::Md5, &[&key])), "Digest(16 bytes)"),
        (
            format!("{:?}", provider.aead_key(AeadAlgorithm::Aes256Gcm, &key).unwrap()),
            "AeadKey { algorithm: Aes256Gcm, .. }",
        ),
        (
            format!("{:?}", provider.ctr_key(CtrAlgorithm::Aes256Ctr, &key).unwrap()),
            "CtrKey { algorithm: Aes256Ctr, .. }",
        ),
        (
            format!("{:?}", provider.record_number_key(AeadAlgorithm::Aes256Gcm, &key).unwrap()),
            "RecordNumberKey { algorithm: Aes256Gcm, .. }",
        ),
        (
            format!("{:?}", provider.hkdf_extract(HmacAlgorithm::Sha256, &[], &key)),
            "Prk { algorithm: Sha256, .. }",
        ),
        (format!("{offer:?}"), "KeyExchange { group: X25519, .. }"),
        (format!("{secret:?}"), "SharedSecret(32 bytes)"),
        (format!("{signing:?}"), "SigningKey { kind: EcdsaP256, .. }"),
    ];
    for (shown, expected) in shown {
        assert_eq!(shown, expected);
    }
    assert!(format!("{identity:?}").contains("key: SigningKey { kind: EcdsaP256, .. }"));
}

#[cfg(debug_assertions)]
#[rstest]
fn a_nonce_that_seals_two_messages_is_a_panic(
    #[values(crypto::aws_lc_rs(), crypto::rust_crypto())] provider: Provider,
) {
    let key = || provider.aead_key(AeadAlgorithm::Aes128Gcm, &[9; 16]).unwrap();
    let (one, same) = (key(), key());
    let seal = |key: &crypto::AeadKey, nonce: u8, aad: &[u8], message: &[u8]| {
        let attempt = || key.seal(&[nonce; 12], aad, &mut message.to_vec());
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(attempt)).is_ok()
    };
    assert!(seal(&one, 1, b"", b"message"));
    assert!(seal(&one, 1, b"", b"message"), "the same once more gives nothing away");
    assert!(seal(&one, 2, b"", b"another"));
    assert!(!seal(&one, 1, b"", b"another"));
    assert!(!seal(&one, 1, b"data", b"message"));
    assert!(!seal(&same, 1, b"", b"another"), "another key of the same bytes");
    drop((one, same));
    assert!(seal(&key(), 1, b"", b"another"), "keys that are gone are forgotten");
}
