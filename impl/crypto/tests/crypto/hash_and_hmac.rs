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
#[case::rfc2202_case_2(
    HmacAlgorithm::Sha1,
    b"Jefe",
    b"what do ya want for nothing?",
    "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"
)]
#[case::rfc2202_case_6(
    HmacAlgorithm::Sha1,
    &[0xaa; 80],
    b"Test Using Larger Than Block-Size Key - Hash Key First",
    "aa4ae5e15272d00e95705637ce8a3b55ed402112"
)]
#[case::rfc4231_case_2_sha256(
    HmacAlgorithm::Sha256,
    b"Jefe",
    b"what do ya want for nothing?",
    "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
)]
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
    assert_eq!(key.verify(&[tail, head], &hex(tag)), Err(BadTag));
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
