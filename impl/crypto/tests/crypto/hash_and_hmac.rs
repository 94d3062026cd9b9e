//! Known answers of the hash functions and of HMAC, for both providers.

use crypto::{BadTag, HashAlgorithm, HmacAlgorithm, Provider};
use rstest::rstest;

use crate::hex;

#[rstest]
#[case::md5(HashAlgorithm::Md5, "900150983cd24fb0d6963f7d28e17f72")]
#[case::sha1(HashAlgorithm::Sha1, "a9993e364706816aba3e25717850c26c9cd0d89d")]
#[case::sha256(
    HashAlgorithm::Sha256,
    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
)]
#[case::sha384(
    HashAlgorithm::Sha384,
    "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed\
     8086072ba1e7cc2358baeca134c825a7"
)]
#[case::sha512(
    HashAlgorithm::Sha512,
    "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a\
     2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"
)]
fn hashes_abc_whole_and_in_parts(
    #[values(crypto::aws_lc_rs(), crypto::rust_crypto())] provider: Provider,
    #[case] algorithm: HashAlgorithm,
    #[case] digest: &str,
) {
    assert_eq!(provider.hash(algorithm, &[b"abc"]).as_ref(), hex(digest));
    assert_eq!(provider.hash(algorithm, &[b"a", b"", b"bc"]).as_ref(), hex(digest));
    assert_eq!(algorithm.output_len(), digest.len() / 2);
}

#[rstest]
#[case::rfc2202_case_1(HmacAlgorithm::Sha1, &[0x0b; 20], b"Hi There", "b617318655057264e28bc0b6fb378c8ef146be00")]
#[case::rfc2202_case_2(
    HmacAlgorithm::Sha1,
    b"Jefe",
    b"what do ya want for nothing?",
    "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"
)]
#[case::rfc2202_case_3(HmacAlgorithm::Sha1, &[0xaa; 20], &[0xdd; 50], "125d7342b9ac11cd91a39af48aa17b4f63f175d3")]
#[case::rfc2202_case_4(HmacAlgorithm::Sha1, b"\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\x10\x11\x12\x13\x14\x15\x16\x17\x18\x19", &[0xcd; 50], "4c9007f4026250c6bc8414f9bf50c86c2d7235da")]
#[case::rfc2202_case_5(HmacAlgorithm::Sha1, &[0x0c; 20], b"Test With Truncation", "4c1a03424b55e07fe7f27be1d58bb9324a9a5a04")]
#[case::rfc2202_case_6(HmacAlgorithm::Sha1, &[0xaa; 80], b"Test Using Larger Than Block-Size Key - Hash Key First", "aa4ae5e15272d00e95705637ce8a3b55ed402112")]
#[case::rfc2202_case_7(HmacAlgorithm::Sha1, &[0xaa; 80], b"Test Using Larger Than Block-Size Key and Larger Than One Block-Size Data", "e8e99d0f45237d786d6bbaa7965c7808bbff1a91")]
#[case::rfc4231_case_1_sha256(HmacAlgorithm::Sha256, &[0x0b; 20], b"Hi There", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7")]
#[case::rfc4231_case_1_sha384(HmacAlgorithm::Sha384, &[0x0b; 20], b"Hi There", "afd03944d84895626b0825f4ab46907f15f9dadbe4101ec682aa034c7cebc59c
     faea9ea9076ede7f4af152e8b2fa9cb6")]
#[case::rfc4231_case_1_sha512(HmacAlgorithm::Sha512, &[0x0b; 20], b"Hi There", "87aa7cdea5ef619d4ff0b4241a1d6cb02379f4e2ce4ec2787ad0b30545e17cde
     daa833b7d6b8a702038b274eaea3f4e4be9d914eeb61f1702e696c203a126854")]
#[case::rfc4231_case_2_sha256(
    HmacAlgorithm::Sha256,
    b"Jefe",
    b"what do ya want for nothing?",
    "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
)]
#[case::rfc4231_case_2_sha384(
    HmacAlgorithm::Sha384,
    b"Jefe",
    b"what do ya want for nothing?",
    "af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e
     8e2240ca5e69e2c78b3239ecfab21649"
)]
#[case::rfc4231_case_2_sha512(
    HmacAlgorithm::Sha512,
    b"Jefe",
    b"what do ya want for nothing?",
    "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554
     9758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737"
)]
#[case::rfc4231_case_3_sha256(HmacAlgorithm::Sha256, &[0xaa; 20], &[0xdd; 50], "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe")]
#[case::rfc4231_case_3_sha384(HmacAlgorithm::Sha384, &[0xaa; 20], &[0xdd; 50], "88062608d3e6ad8a0aa2ace014c8a86f0aa635d947ac9febe83ef4e55966144b
     2a5ab39dc13814b94e3ab6e101a34f27")]
#[case::rfc4231_case_3_sha512(HmacAlgorithm::Sha512, &[0xaa; 20], &[0xdd; 50], "fa73b0089d56a284efb0f0756c890be9b1b5dbdd8ee81a3655f83e33b2279d39
     bf3e848279a722c806b485a47e67c807b946a337bee8942674278859e13292fb")]
#[case::rfc4231_case_4_sha256(HmacAlgorithm::Sha256, b"\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\x10\x11\x12\x13\x14\x15\x16\x17\x18\x19", &[0xcd; 50], "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b")]
#[case::rfc4231_case_4_sha384(HmacAlgorithm::Sha384, b"\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\x10\x11\x12\x13\x14\x15\x16\x17\x18\x19", &[0xcd; 50], "3e8a69b7783c25851933ab6290af6ca77a9981480850009cc5577c6e1f573b4e
     6801dd23c4a7d679ccf8a386c674cffb")]
#[case::rfc4231_case_4_sha512(HmacAlgorithm::Sha512, b"\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\x10\x11\x12\x13\x14\x15\x16\x17\x18\x19", &[0xcd; 50], "b0ba465637458c6990e5a8c5f61d4af7e576d97ff94b872de76f8050361ee3db
     a91ca5c11aa25eb4d679275cc5788063a5f19741120c4f2de2adebeb10a298dd")]
#[case::rfc4231_case_6_sha256(HmacAlgorithm::Sha256, &[0xaa; 131], b"Test Using Larger Than Block-Size Key - Hash Key First", "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54")]
#[case::rfc4231_case_6_sha384(HmacAlgorithm::Sha384, &[0xaa; 131], b"Test Using Larger Than Block-Size Key - Hash Key First", "4ece084485813e9088d2c63a041bc5b44f9ef1012a2b588f3cd11f05033ac4c6
     0c2ef6ab4030fe8296248df163f44952")]
#[case::rfc4231_case_6_sha512(HmacAlgorithm::Sha512, &[0xaa; 131], b"Test Using Larger Than Block-Size Key - Hash Key First", "80b24263c7c1a3ebb71493c1dd7be8b49b46d1f41b4aeec1121b013783f8f352
     6b56d037e05f2598bd0fd2215d6a1e5295e64f73f63f0aec8b915a985d786598")]
#[case::rfc4231_case_7_sha256(HmacAlgorithm::Sha256, &[0xaa; 131], b"This is a test using a larger than block-size key and a larger than block-size \
      data. The key needs to be hashed before being used by the HMAC algorithm.", "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2")]
#[case::rfc4231_case_7_sha384(HmacAlgorithm::Sha384, &[0xaa; 131], b"This is a test using a larger than block-size key and a larger than block-size \
      data. The key needs to be hashed before being used by the HMAC algorithm.", "6617178e941f020d351e2f254e8fd32c602420feb0b8fb9adccebb82461e99c5
     a678cc31e799176d3860e6110c46523e")]
#[case::rfc4231_case_7_sha512(HmacAlgorithm::Sha512, &[0xaa; 131], b"This is a test using a larger than block-size key and a larger than block-size \
      data. The key needs to be hashed before being used by the HMAC algorithm.", "e37b6a775dc87dbaa4dfa9f96e5e3ffddebd71f8867289865df5a32d20cdc944
     b6022cac3c4982b10d5eeb55c3e4de15134676fb6de0446065c97440fa8c6a58")]
fn signs_the_known_answer(
    #[values(crypto::aws_lc_rs(), crypto::rust_crypto())] provider: Provider,
    #[case] algorithm: HmacAlgorithm,
    #[case] key: &[u8],
    #[case] message: &[u8],
    #[case] tag: &str,
) {
    let key = provider.hmac_key(algorithm, key);
    assert_eq!(key.sign(&[message]).as_ref(), hex(tag));
    let (head, tail) = message.split_at(7);
    assert_eq!(key.verify(&[head, tail], &hex(tag)), Ok(()));
    assert_eq!(key.verify(&[head], &hex(tag)), Err(BadTag));
}

/// RFC 4231 §4.6: the leftmost 128 bits.
#[rstest]
#[case::sha256(HmacAlgorithm::Sha256, "a3b6167473100ee06e0c796c2955552b")]
#[case::sha384(HmacAlgorithm::Sha384, "3abf34c3503b2a23a46efc619baef897")]
#[case::sha512(HmacAlgorithm::Sha512, "415fad6271580a531d4179bc891d87a6")]
fn verifies_the_truncated_known_answer(
    #[values(crypto::aws_lc_rs(), crypto::rust_crypto())] provider: Provider,
    #[case] algorithm: HmacAlgorithm,
    #[case] tag: &str,
) {
    let key = provider.hmac_key(algorithm, &[0x0c; 20]);
    assert_eq!(key.verify_truncated(&[b"Test With Truncation"], &hex(tag)), Ok(()));
}

#[rstest]
fn verifies_truncated_tags_only_where_asked(
    #[values(crypto::aws_lc_rs(), crypto::rust_crypto())] provider: Provider,
) {
    let key = provider.hmac_key(HmacAlgorithm::Sha256, b"key");
    let tag = key.sign(&[b"message"]);
    let tag = tag.as_ref();
    assert_eq!(key.verify_truncated(&[b"message"], &tag[..16]), Ok(()));
    assert_eq!(key.verify_truncated(&[b"message"], tag), Ok(()));
    assert_eq!(key.verify_truncated(&[b"message"], &tag[1..17]), Err(BadTag));
    assert_eq!(key.verify_truncated(&[b"message"], &[]), Err(BadTag));
    assert_eq!(key.verify_truncated(&[b"message"], &[tag, &[0]].concat()), Err(BadTag));
    assert_eq!(key.verify(&[b"message"], &tag[..16]), Err(BadTag));
}
