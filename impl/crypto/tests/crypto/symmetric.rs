//! Known answers of ciphers and key derivation, for both providers.

use crypto::{
    AeadAlgorithm, BadKeyLength, BadTag, CtrAlgorithm, HmacAlgorithm, NamedGroup, OutputTooLong,
    PrfAlgorithm, Provider,
};
use rstest::rstest;

use crate::{PROVIDERS, hex};

/// NIST SP 800-38A §F.5.1 and §F.5.5.
#[rstest]
#[case::aes_128(
    CtrAlgorithm::Aes128Ctr,
    "2b7e151628aed2a6abf7158809cf4f3c",
    "874d6191b620e3261bef6864990db6ce 9806f66b7970fdff8617187bb9fffdff
     5ae4df3edbd5d35e5b4f09020db03eab 1e031dda2fbe03d1792170a0f3009cee"
)]
#[case::aes_256(
    CtrAlgorithm::Aes256Ctr,
    "603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4",
    "601ec313775789a5b7a7f504bbf3d228 f443e3ca4d62b59aca84e990cacaf5c5
     2b0930daa23de94ce87017ba2d84988d dfc9c58db67aada613c2dd08457941a6"
)]
fn encrypts_in_counter_mode_as_nist(
    #[values(crypto::aws_lc_rs(), crypto::rust_crypto())] provider: Provider,
    #[case] algorithm: CtrAlgorithm,
    #[case] key: &str,
    #[case] encrypted: &str,
) {
    let counter: [u8; 16] = hex("f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff").try_into().unwrap();
    let plain = hex("6bc1bee22e409f96e93d7e117393172a ae2d8a571e03ac9c9eb76fac45af8e51
                     30c81c46a35ce411e5fbc1191a0a52ef f69f2445df4f9b17ad2b417be66c3710");
    let key = provider.ctr_key(algorithm, &hex(key)).unwrap();
    for length in [plain.len(), 33, 1, 0] {
        let mut data = plain[..length].to_vec();
        key.apply(&counter, &mut data);
        assert_eq!(data, hex(encrypted)[..length]);
    }
}

#[rstest]
#[case::gcm_specification_case_4(
    AeadAlgorithm::Aes128Gcm,
    "feffe9928665731c6d6a8f9467308308",
    "cafebabefacedbaddecaf888",
    "feedfacedeadbeeffeedfacedeadbeefabaddad2",
    "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72
     1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",
    "42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e
     21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac973d58e091
     5bc94fbc3221a5db94fae95ae7121a47"
)]
#[case::gcm_specification_case_16(
    AeadAlgorithm::Aes256Gcm,
    "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308",
    "cafebabefacedbaddecaf888",
    "feedfacedeadbeeffeedfacedeadbeefabaddad2",
    "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72
     1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",
    "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa
     8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662
     76fc6ece0f4e1768cddf8853bb2d551b"
)]
#[case::rfc8439_2_8_2(
    AeadAlgorithm::ChaCha20Poly1305,
    "808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f",
    "070000004041424344454647",
    "50515253c0c1c2c3c4c5c6c7",
    "4c616469657320616e642047656e746c656d656e206f662074686520636c6173
     73206f66202739393a204966204920636f756c64206f6666657220796f75206f
     6e6c79206f6e652074697020666f7220746865206675747572652c2073756e73
     637265656e20776f756c642062652069742e",
    "d31a8d34648e60db7b86afbc53ef7ec2a4aded51296e08fea9e2b5a736ee62d6
     3dbea45e8ca9671282fafb69da92728b1a71de0a9e060b2905d6a5b67ecd3b36
     92ddbd7f2d778b8c9803aee328091b58fab324e4fad675945585808b4831d7bc
     3ff4def08e4b7a9de576d26586cec64b6116
     1ae10b594f09e26a7e902ecbd0600691"
)]
fn seals_and_opens_the_known_answer(
    #[values(crypto::aws_lc_rs(), crypto::rust_crypto())] provider: Provider,
    #[case] algorithm: AeadAlgorithm,
    #[case] key: &str,
    #[case] nonce: &str,
    #[case] aad: &str,
    #[case] plain: &str,
    #[case] sealed: &str,
) {
    let key = provider.aead_key(algorithm, &hex(key)).unwrap();
    let nonce: [u8; 12] = hex(nonce).try_into().unwrap();
    let (aad, plain, sealed) = (hex(aad), hex(plain), hex(sealed));
    let mut buffer = plain.clone();
    key.seal_and_append(&nonce, &aad, &mut buffer, 0);
    assert_eq!(buffer, sealed);
    assert_eq!(key.open_appended(&nonce, &aad, &mut buffer), Ok(&mut *plain.clone()));
    assert_eq!(key.open_appended(&nonce, &aad[1..], &mut sealed.clone()), Err(BadTag));
    assert_eq!(key.open_appended(&nonce, &aad, &mut sealed.clone()[..15]), Err(BadTag));
}

/// The examples of QUIC, whose construction is that of DTLS 1.3, and of FIPS 197.
#[rstest]
#[case::rfc9001_a_2(
    AeadAlgorithm::Aes128Gcm,
    "9f50449e04a0e810283a1e9933adedd2",
    "d1b1c98dd7689fb8ec11d242b123dc9b",
    "437b"
)]
#[case::fips197_c_3(
    AeadAlgorithm::Aes256Gcm,
    "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
    "00112233445566778899aabbccddeeff",
    "8ea2"
)]
#[case::rfc9001_a_5(
    AeadAlgorithm::ChaCha20Poly1305,
    "25a282b9e82f06f21f488917a4fc8f1b73573685608597d0efcb076b0ab7a7a4",
    "5e5cd55c41f69080575d7999c25a5bfb",
    "aefe"
)]
fn masks_record_numbers(
    #[values(crypto::aws_lc_rs(), crypto::rust_crypto())] provider: Provider,
    #[case] algorithm: AeadAlgorithm,
    #[case] key: &str,
    #[case] ciphertext: &str,
    #[case] mask: &str,
) {
    let key = provider.record_number_key(algorithm, &hex(key)).unwrap();
    assert_eq!(key.mask(&hex(ciphertext).try_into().unwrap()).to_vec(), hex(mask));
}

#[test]
fn the_last_block_of_a_chacha20_stream_masks_too() {
    let masks = PROVIDERS.map(|provider| {
        let key = provider.record_number_key(AeadAlgorithm::ChaCha20Poly1305, &[7; 32]).unwrap();
        key.mask(&[0xff; 16])
    });
    assert_eq!(masks[0], masks[1]);
}

#[rstest]
fn keys_have_the_length_of_their_algorithm(
    #[values(crypto::aws_lc_rs(), crypto::rust_crypto())] provider: Provider,
) {
    let error = |expected, actual| BadKeyLength { expected, actual };
    let aead = |algorithm, length| provider.aead_key(algorithm, &vec![0; length]).unwrap_err();
    assert_eq!(aead(AeadAlgorithm::Aes128Gcm, 32), error(16, 32));
    assert_eq!(aead(AeadAlgorithm::Aes256Gcm, 16), error(32, 16));
    assert_eq!(aead(AeadAlgorithm::ChaCha20Poly1305, 0), error(32, 0));
    let ctr = provider.ctr_key(CtrAlgorithm::Aes128Ctr, &[0; 24]).unwrap_err();
    assert_eq!(ctr, error(16, 24));
    assert_eq!(ctr.to_string(), "key of 24 bytes where 16 are needed");
    let mask = provider.record_number_key(AeadAlgorithm::Aes128Gcm, &[0; 17]).unwrap_err();
    assert_eq!(mask, error(16, 17));
    assert_eq!(provider.hkdf_prk(HmacAlgorithm::Sha256, &[0; 20]).unwrap_err(), error(32, 20));
}

#[rstest]
#[case::case_1(
    HmacAlgorithm::Sha256,
    "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b",
    "000102030405060708090a0b0c",
    "f0f1f2f3f4f5f6f7f8f9",
    "077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5",
    "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf
     34007208d5b887185865"
)]
#[case::case_2(
    HmacAlgorithm::Sha256,
    "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f
     202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f
     404142434445464748494a4b4c4d4e4f",
    "606162636465666768696a6b6c6d6e6f707172737475767778797a7b7c7d7e7f
     808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f
     a0a1a2a3a4a5a6a7a8a9aaabacadaeaf",
    "b0b1b2b3b4b5b6b7b8b9babbbcbdbebfc0c1c2c3c4c5c6c7c8c9cacbcccdcecf
     d0d1d2d3d4d5d6d7d8d9dadbdcdddedfe0e1e2e3e4e5e6e7e8e9eaebecedeeef
     f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff",
    "06a6b88c5853361a06104c9ceb35b45cef760014904671014a193f40c15fc244",
    "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c
     59045a99cac7827271cb41c65e590e09da3275600c2f09b8367793a9aca3db71
     cc30c58179ec3e87c14c01d5c1f3434f1d87"
)]
#[case::case_3(
    HmacAlgorithm::Sha256,
    "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b",
    "",
    "",
    "19ef24a32c717b167f33a91d6f648bdf96596776afdb6377ac434c1c293ccb04",
    "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d
     9d201395faa4b61a96c8"
)]
#[case::case_4(
    HmacAlgorithm::Sha1,
    "0b0b0b0b0b0b0b0b0b0b0b",
    "000102030405060708090a0b0c",
    "f0f1f2f3f4f5f6f7f8f9",
    "9b6c18c432a7bf8f0e71c8eb88f4b30baa2ba243",
    "085a01ea1b10f36933068b56efa5ad81a4f14b822f5b091568a9cdd4f155fda2
     c22e422478d305f3f896"
)]
#[case::case_5(
    HmacAlgorithm::Sha1,
    "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f
     202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f
     404142434445464748494a4b4c4d4e4f",
    "606162636465666768696a6b6c6d6e6f707172737475767778797a7b7c7d7e7f
     808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f
     a0a1a2a3a4a5a6a7a8a9aaabacadaeaf",
    "b0b1b2b3b4b5b6b7b8b9babbbcbdbebfc0c1c2c3c4c5c6c7c8c9cacbcccdcecf
     d0d1d2d3d4d5d6d7d8d9dadbdcdddedfe0e1e2e3e4e5e6e7e8e9eaebecedeeef
     f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff",
    "8adae09a2a307059478d309b26c4115a224cfaf6",
    "0bd770a74d1160f7c9f12cd5912a06ebff6adcae899d92191fe4305673ba2ffe
     8fa3f1a4e5ad79f3f334b3b202b2173c486ea37ce3d397ed034c7f9dfeb15c5e
     927336d0441f4c4300e2cff0d0900b52d3b4"
)]
#[case::case_6(
    HmacAlgorithm::Sha1,
    "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b",
    "",
    "",
    "da8c8a73c7fa77288ec6f5e7c297786aa0d32d01",
    "0ac1af7002b3d761d1e55298da9d0506b9ae52057220a306e07b6b87e8df21d0
     ea00033de03984d34918"
)]
#[case::case_7(
    HmacAlgorithm::Sha1,
    "0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c",
    "",
    "",
    "2adccada18779e7c2077ad2eb19d3f3e731385dd",
    "2c91117204d745f3500d636a62f64f0ab3bae548aa53d423b0d1f27ebba6f5e5
     673a081d70cce7acfc48"
)]
fn expands_as_rfc_5869(
    #[values(crypto::aws_lc_rs(), crypto::rust_crypto())] provider: Provider,
    #[case] algorithm: HmacAlgorithm,
    #[case] secret: &str,
    #[case] salt: &str,
    #[case] info: &str,
    #[case] prk: &str,
    #[case] okm: &str,
) {
    let (info, okm) = (hex(info), hex(okm));
    let (head, tail) = info.split_at(info.len() / 2);
    let extracted = provider.hkdf_extract(algorithm, &hex(salt), &hex(secret));
    let given = provider.hkdf_prk(algorithm, &hex(prk)).unwrap();
    for prk in [extracted, given] {
        let mut out = vec![0; okm.len()];
        assert_eq!(prk.expand(&[head, tail], &mut out), Ok(()));
        assert_eq!(out, okm);
    }
}

#[rstest]
fn expands_to_at_most_255_hashes(
    #[values(crypto::aws_lc_rs(), crypto::rust_crypto())] provider: Provider,
) {
    let prk = provider.hkdf_extract(HmacAlgorithm::Sha256, b"salt", b"secret");
    assert_eq!(prk.expand(&[], &mut [0; 255 * 32]), Ok(()));
    assert_eq!(prk.expand(&[], &mut [0; 255 * 32 + 1]), Err(OutputTooLong));
}

/// The vectors that the TLS working group agreed on in 2011.
#[rstest]
#[case::p_sha256(
    PrfAlgorithm::Sha256,
    "9bbe436ba940f017b17652849a71db35",
    "a0ba9f936cda311827a6f796ffd5198c",
    "e3f229ba727be17b8d122620557cd453c2aab21d07c3d495329b52d4e61edb5a
     6b301791e90d35c9c9a46b4e14baf9af0fa022f7077def17abfd3797c0564bab
     4fbc91666e9def9b97fce34f796789baa48082d122ee42c5a72e5a5110fff701
     87347b66"
)]
#[case::p_sha384(
    PrfAlgorithm::Sha384,
    "b80b733d6ceefcdc71566ea48e5567df",
    "cd665cf6a8447dd6ff8b27555edb7465",
    "7b0c18e9ced410ed1804f2cfa34a336a1c14dffb4900bb5fd7942107e81c83cd
     e9ca0faa60be9fe34f82b1233c9146a0e534cb400fed2700884f9dc236f80edd
     8bfa961144c9e8d792eca722a7b32fc3d416d473ebc2c5fd4abfdad05d918425
     9b5bf8cd4d90fa0d31e2dec479e4f1a26066f2eea9a69236a3e52655c9e9aee6
     91c8f3a26854308d5eaa3be85e0990703d73e56f"
)]
fn the_prf_of_tls_1_2_gives_the_known_answer(
    #[values(crypto::aws_lc_rs(), crypto::rust_crypto())] provider: Provider,
    #[case] algorithm: PrfAlgorithm,
    #[case] secret: &str,
    #[case] seed: &str,
    #[case] expected: &str,
) {
    let (seed, expected) = (hex(seed), hex(expected));
    let (head, tail) = seed.split_at(5);
    let mut out = vec![0; expected.len()];
    provider.tls12_prf(algorithm, &hex(secret), b"test label", &[head, tail], &mut out);
    assert_eq!(out, expected);
}

#[test]
fn the_prf_takes_empty_secrets_and_gives_empty_output() {
    let outputs = PROVIDERS.map(|provider| {
        provider.tls12_prf(PrfAlgorithm::Sha256, b"secret", b"label", &[], &mut []);
        let mut out = [0; 48];
        provider.tls12_prf(PrfAlgorithm::Sha256, &[], b"label", &[b"seed"], &mut out);
        out
    });
    assert_eq!(outputs[0], outputs[1]);
}

#[rstest]
fn agrees_on_the_secret_of_rfc_7748(
    #[values(crypto::aws_lc_rs(), crypto::rust_crypto())] provider: Provider,
) {
    let key = |private: &str| {
        provider.key_exchange_from_private(NamedGroup::X25519, &hex(private)).unwrap()
    };
    let alice = key("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a");
    let bob = key("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb");
    let bob_share = hex("de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f");
    assert_eq!(bob.share(), bob_share);
    let alice_share = hex("8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a");
    assert_eq!(alice.share(), alice_share);
    let secret = hex("4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742");
    assert_eq!(alice.finish(&bob_share).unwrap().as_ref(), secret);
    assert_eq!(bob.finish(&alice_share).unwrap().as_ref(), secret);
}
