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
