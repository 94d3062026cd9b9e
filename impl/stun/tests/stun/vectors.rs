//! The vectors of RFC 5769 and RFC 8489 §B.1, with both providers.

use rstest::rstest;
use stun::{
    Key, Message,
    wire::{
        Algorithm, AttributeType, Check, Class, Encode as _, IceControlled, Nonce,
        PasswordAlgorithm, Priority, Realm, Software, TransactionId, Userhash, Username,
        XorMappedAddress,
    },
};

use crate::support::message_of;

const PASSWORD: &str = "VOkJxbRl1RmTxUk/WvJxBt";
const KATAKANA: &str = "\u{30de}\u{30c8}\u{30ea}\u{30c3}\u{30af}\u{30b9}";

/// RFC 5769 §2.1.
const REQUEST: &str = "
    00010058 2112a442 b7e7a701bc34d686fa87dfae
    80220010 5354554e207465737420636c69656e74
    00240004 6e0001ff
    80290008 932ff9b151263b36
    00060009 6576746a3a68367659202020
    00080014 9aeaa70cbfd8cb56781ef2b5b2d3f249c1b571a2
    80280004 e57a3bcf";
/// RFC 5769 §2.2.
const RESPONSE_V4: &str = "
    0101003c 2112a442 b7e7a701bc34d686fa87dfae
    8022000b 7465737420766563746f7220
    00200008 0001a147e112a643
    00080014 2b91f599fd9e90c38c7489f92af9ba53f06be7d7
    80280004 c07d4c96";
/// RFC 5769 §2.3.
const RESPONSE_V6: &str = "
    01010048 2112a442 b7e7a701bc34d686fa87dfae
    8022000b 7465737420766563746f7220
    00200014 0002a1470113a9faa5d3f179bc25f4b5bed2b9d9
    00080014 a382954e4be67bf11784c97c8292c275bfe3ed41
    80280004 c8fb0b4c";
/// RFC 5769 §2.4.
const LONG_TERM: &str = "
    00010060 2112a442 78ad3433c6ad72c029da412e
    00060012 e3839ee38388e383aae38383e382afe382b90000
    0015001c 662f2f3439396b39353464364f4c33346f4c39465354767936347341
    0014000b 6578616d706c652e6f726700
    00080014 f67024656dd64a3e02b8e0712e85c9a28ca89666";
/// RFC 8489 §B.1 as it is printed, with a length field of 0x9c that counts the header as well. The
/// HMAC was computed with it.
const SHA256: &str = "
    0001009c 2112a442 78ad3433c6ad72c029da412e
    001e0020 4a3cf38fef6992bda952c678 0417da0f24819415569e60b205c46e41407f1704
    00150029 6f624d61744a6f733241414143662f2f3439396b39353464364f4c33346f4c39465354767936347341000000
    0014000b 6578616d706c652e6f726700
    001c0020 e4686c8f0edeb59013e0709001 0a93efccbccc544c0a45d9f830aa6d6f735a01";

fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> = hex.bytes().filter(u8::is_ascii_hexdigit).collect();
    let pairs = digits.chunks(2).map(|pair| std::str::from_utf8(pair).unwrap());
    pairs.map(|pair| u8::from_str_radix(pair, 16).unwrap()).collect()
}

#[rstest]
#[case::aws_lc_rs(crypto::aws_lc_rs())]
#[case::rust_crypto(crypto::rust_crypto())]
fn sample_request(#[case] provider: crypto::Provider) {
    let bytes = bytes(REQUEST);
    let message = Message::parse(&bytes).unwrap();
    let key = Key::short_term(provider, PASSWORD).unwrap();
    assert_eq!(message.check_integrity(&key), Check::Passed);
    assert_eq!(message.check_integrity_sha256(&key, 32), Check::Absent);
    assert_eq!(message.check_fingerprint(), Check::Passed);
    assert_eq!(message.get::<Software<'_>>().unwrap().as_str(), "STUN test client");
    assert_eq!(message.get::<Username<'_>>().unwrap().as_str(), "evtj:h6vY");
    assert_eq!(message.get(), Some(Priority(0x6e00_01ff)));
    assert_eq!(message.get(), Some(IceControlled(0x932f_f9b1_5126_3b36)));
    let other = Key::short_term(provider, "VOkJxbRl1RmTxUk/WvJxBT").unwrap();
    assert_eq!(message.check_integrity(&other), Check::Failed);
}

#[rstest]
#[case::v4_aws_lc_rs(RESPONSE_V4, "192.0.2.1:32853", crypto::aws_lc_rs())]
#[case::v4_rust_crypto(RESPONSE_V4, "192.0.2.1:32853", crypto::rust_crypto())]
#[case::v6_aws_lc_rs(
    RESPONSE_V6,
    "[2001:db8:1234:5678:11:2233:4455:6677]:32853",
    crypto::aws_lc_rs()
)]
#[case::v6_rust_crypto(
    RESPONSE_V6,
    "[2001:db8:1234:5678:11:2233:4455:6677]:32853",
    crypto::rust_crypto()
)]
fn sample_response(#[case] hex: &str, #[case] mapped: &str, #[case] provider: crypto::Provider) {
    let bytes = bytes(hex);
    let message = Message::parse(&bytes).unwrap();
    let key = Key::short_term(provider, PASSWORD).unwrap();
    assert_eq!(message.class(), Class::Success);
    assert_eq!(message.check_integrity(&key), Check::Passed);
    assert_eq!(message.check_fingerprint(), Check::Passed);
    let address = message.get::<XorMappedAddress>().unwrap();
    assert_eq!(address.to_string(), mapped);

    // Written again it is the same, but for the padding, which the text fills with spaces and this
    // crate with zeros, and what is computed over it.
    let again = message_of(Class::Success, message.transaction_id(), |builder| {
        builder.put(&Software::new("test vector").unwrap()).put(&address);
        builder.integrity(&key).fingerprint();
    });
    let covered = again.len() - 32;
    let differing: Vec<_> = (0..covered).filter(|at| bytes[*at] != again[*at]).collect();
    assert_eq!((again.len(), differing), (bytes.len(), vec![35]));
    assert_eq!((bytes[35], again[35]), (b' ', 0));
}

#[rstest]
#[case::aws_lc_rs(crypto::aws_lc_rs())]
#[case::rust_crypto(crypto::rust_crypto())]
fn sample_request_with_long_term_authentication(#[case] provider: crypto::Provider) {
    let bytes = bytes(LONG_TERM);
    let message = Message::parse(&bytes).unwrap();
    let key = Key::long_term(provider, Algorithm::MD5, KATAKANA, "example.org", "TheMatrIX");
    let key = key.unwrap();
    assert_eq!(message.check_integrity(&key), Check::Passed);
    assert_eq!(message.check_fingerprint(), Check::Absent);
    let username = Username::new(KATAKANA).unwrap();
    let nonce = Nonce::new("f//499k954d6OL34oL9FSTvy64sA").unwrap();
    let realm = Realm::new("example.org").unwrap();
    assert_eq!(message.get(), Some(username));
    let again = message_of(Class::Request, message.transaction_id(), |builder| {
        builder.put(&username).put(&nonce).put(&realm).integrity(&key);
    });
    assert_eq!(again, bytes);
}

#[rstest]
#[case::aws_lc_rs(crypto::aws_lc_rs())]
#[case::rust_crypto(crypto::rust_crypto())]
fn sample_request_with_sha256_and_userhash(#[case] provider: crypto::Provider) {
    let printed = bytes(SHA256);
    assert_eq!(Message::parse(&printed).unwrap_err().at, 2);
    let (covered, value) = printed.split_at(printed.len() - 32);
    let covered = &covered[..covered.len() - 4];
    let parts = [KATAKANA, ":", "example.org", ":", "TheMatrIX"].map(str::as_bytes);
    let raw = provider.hash(crypto::HashAlgorithm::Sha256, &parts);
    let hmac = provider.hmac_key(crypto::HmacAlgorithm::Sha256, raw.as_ref());
    assert_eq!(hmac.sign(&[covered]).as_ref(), value);

    let key = Key::long_term(provider, Algorithm::SHA256, KATAKANA, "example.org", "TheMatrIX");
    let key = key.unwrap();
    let userhash = Userhash::of(provider, KATAKANA, "example.org").unwrap();
    let nonce = Nonce::new("obMatJos2AAACf//499k954d6OL34oL9FSTvy64sA").unwrap();
    let realm = Realm::new("example.org").unwrap();
    let id = TransactionId::new(*printed[8..].first_chunk().unwrap());
    let right = message_of(Class::Request, id, |builder| {
        builder.put(&userhash).put(&nonce).put(&realm).integrity_sha256(&key);
    });
    let message = Message::parse(&right).unwrap();
    assert_eq!(message.check_integrity_sha256(&key, 32), Check::Passed);
    // With the right length all is as printed but the length and what is computed over it.
    let differing = (0..printed.len() - 32).filter(|at| printed[*at] != right[*at]);
    assert!(differing.eq([3]));
    assert_eq!((right.len(), right[3]), (printed.len(), 0x88));
}

/// The same as erratum 6268 corrects it: with PASSWORD-ALGORITHM and the right length.
const SHA256_CORRECTED: &str = "
    00010090 2112a442 78ad3433c6ad72c029da412e
    001e0020 4a3cf38fef6992bda952c6780417da0f24819415569e60b205c46e41407f1704
    00150029 6f624d61744a6f733241414143662f2f3439396b39353464364f4c33346f4c39465354767936347341000000
    0014000b 6578616d706c652e6f726700
    001d0004 00020000
    001c0020 b5c7bf005b6c52a21c51c5e892f81924136296cb927c43149309278cc6518e65";

#[rstest]
#[case::aws_lc_rs(crypto::aws_lc_rs())]
#[case::rust_crypto(crypto::rust_crypto())]
fn corrected_sample_request_with_sha256(#[case] provider: crypto::Provider) {
    let bytes = bytes(SHA256_CORRECTED);
    let message = Message::parse(&bytes).unwrap();
    let key = Key::long_term(provider, Algorithm::SHA256, KATAKANA, "example.org", "TheMatrIX");
    let key = key.unwrap();
    assert_eq!(message.check_integrity_sha256(&key, 32), Check::Passed);
    let again = message_of(Class::Request, message.transaction_id(), |builder| {
        builder.put(&message.get::<Userhash>().unwrap());
        builder.put(&message.get::<Nonce<'_>>().unwrap());
        builder.put(&message.get::<Realm<'_>>().unwrap());
        builder.put(&PasswordAlgorithm::plain(Algorithm::SHA256)).integrity_sha256(&key);
    });
    assert_eq!(again, bytes);
}

#[test]
fn the_password_of_the_samples_is_given_prepared() {
    // RFC 5769 §2.4 prepares it with SASLprep. RFC 8489 §B.1 says OpaqueString comes to the same,
    // which disallows the soft hyphen.
    let raw = "The\u{ad}M\u{aa}tr\u{2168}";
    assert!(stun::prepare(raw).is_err());
}

#[test]
fn any_padding_is_read_and_zero_is_written() {
    let spaces = bytes(REQUEST);
    let message = Message::parse(&spaces).unwrap();
    let id: TransactionId = message.transaction_id();
    let again = message_of(Class::Request, id, |builder| {
        builder.put(&message.get::<Username<'_>>().unwrap());
    });
    assert_eq!(&again[20..], b"\0\x06\0\x09evtj:h6vY\0\0\0");
    assert_eq!(Username::TYPE, AttributeType::USERNAME);
}
