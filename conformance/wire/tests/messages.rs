//! Round trips, spoiled fields, and a third opinion.

use std::net::SocketAddr;

use rstest::rstest;
use stun_types::{
    attribute::{Fingerprint, XorMappedAddress},
    message::{IntegrityAlgorithm, Message as Third, MessageIntegrityCredentials},
};
use wire::{
    F,
    stun::{Attribute, Check, Class, Fault, Key, Message, Parsed, TransactionId, attribute},
};

const TID: TransactionId = TransactionId([0x5a; 12]);

fn key() -> Key {
    Key::short_term("swordfish")
}

fn full() -> Message {
    Message::request(TID)
        .with(Attribute::username("alice"))
        .with(Attribute::change_request(true, false))
        .with(Attribute::response_port(3478))
        .with(Attribute::error_code(438, "Stale Nonce"))
        .with(Attribute::unknown_attributes(&[0x7fff, 0x0002, 0x0003]))
        .with(Attribute::password_algorithms(&[2, 1]))
        .with(Attribute::integrity(&key()))
        .with(Attribute::integrity_sha256(&key()))
        .with(Attribute::fingerprint())
}

#[test]
fn reads_back_what_it_wrote() {
    let parsed = Parsed::read(&full().encode()).unwrap();
    assert_eq!((parsed.class(), parsed.method(), parsed.transaction), (Class::Request, 1, TID));
    assert_eq!(parsed.text(attribute::USERNAME), Some("alice"));
    assert_eq!(parsed.code(), Some(438));
    assert_eq!(parsed.unknown_attributes(), Some(vec![0x7fff, 0x0002, 0x0003]));
    assert_eq!(parsed.algorithms(attribute::PASSWORD_ALGORITHMS), Some(vec![2, 1]));
    assert_eq!(parsed.integrity(&key()), Check::Good);
    assert_eq!(parsed.integrity_sha256(&key()), Check::Good);
    assert_eq!(parsed.fingerprint(), Check::Good);
    assert_eq!(parsed.faults(), []);
}

#[rstest]
#[case::v4("192.0.2.7:3478")]
#[case::v6("[2001:db8::1]:65535")]
fn addresses_survive_in_clear_and_masked(#[case] text: &str) {
    let address: SocketAddr = text.parse().unwrap();
    let message = Message::success(TID)
        .with(Attribute::mapped_address(address))
        .with(Attribute::xor_mapped_address(address));
    let parsed = Parsed::read(&message.encode()).unwrap();
    assert_eq!(parsed.address(attribute::MAPPED_ADDRESS), Some(address));
    assert_eq!(parsed.xor_mapped_address(), Some(address));
}

#[test]
fn rejects_truncated() {
    let bytes = full().encode();
    for cut in 0..bytes.len() {
        assert!(Parsed::read(&bytes[..cut]).is_err(), "cut at {cut}");
    }
}

#[test]
fn a_spoiled_value_can_be_covered_or_not() {
    let spoiled = Attribute::username("alice").with_octets(F::Xor(vec![1]));
    let message = Message::request(TID).with(spoiled).with(Attribute::integrity(&key()));
    let parsed = Parsed::read(&message.encode()).unwrap();
    assert_eq!(parsed.integrity(&key()), Check::Good, "the tag covers the spoiled value");

    let tag = Attribute::integrity(&key()).with_octets(F::Xor(vec![1]));
    let message = Message::request(TID).with(tag).with(Attribute::fingerprint());
    let parsed = Parsed::read(&message.encode()).unwrap();
    assert_eq!(parsed.integrity(&key()), Check::Bad);
    assert_eq!(parsed.fingerprint(), Check::Good, "the fingerprint covers the spoiled tag");
}

#[rstest]
#[case::high_bits(Message { kind: F::Xor(0x8000), ..full() }, Fault::HighBits)]
#[case::cookie(Message { cookie: F::Xor(1), ..full() }, Fault::Cookie)]
#[case::trailing(Message { trailing: vec![0], ..full() }, Fault::Length)]
#[case::after_fingerprint(full().with(Attribute::software("x")), Fault::AfterFingerprint(0x8022))]
#[case::padding(
    Message::request(TID).with(Attribute::software("x").with_padding(F::Raw(vec![0, 0, 1]))),
    Fault::Padding(0x8022)
)]
#[case::after_integrity(
    Message::request(TID).with(Attribute::integrity(&key())).with(Attribute::priority(1)),
    Fault::AfterIntegrity(0x0024)
)]
#[case::fingerprint(
    Message::request(TID).with(Attribute::fingerprint().with_octets(F::Xor(vec![0, 1]))),
    Fault::Fingerprint
)]
#[case::value(
    Message::request(TID).with(Attribute::bytes(attribute::USERHASH, &[0; 31])),
    Fault::Value(0x001e)
)]
#[case::error_class(Message::error(TID, 299, "too low"), Fault::Value(0x0009))]
fn names_the_fault(#[case] message: Message, #[case] fault: Fault) {
    let faults = Parsed::read(&message.encode()).unwrap().faults();
    assert!(faults.contains(&fault), "{faults:?}");
}

#[rstest]
#[case::sha1(Attribute::integrity(&key()), IntegrityAlgorithm::Sha1)]
#[case::sha256(Attribute::integrity_sha256(&key()), IntegrityAlgorithm::Sha256)]
fn a_third_codec_agrees(#[case] tag: Attribute, #[case] algorithm: IntegrityAlgorithm) {
    let address: SocketAddr = "[2001:db8::9]:1234".parse().unwrap();
    let bytes = Message::success(TID)
        .with(Attribute::xor_mapped_address(address))
        .with(tag)
        .with(Attribute::fingerprint())
        .encode();
    let third = Third::from_bytes(&bytes).unwrap();
    let credentials = stun_types::message::ShortTermCredentials::new("swordfish".to_owned());
    let credentials = MessageIntegrityCredentials::from(credentials);
    assert_eq!(third.validate_integrity(&credentials).unwrap(), algorithm);
    let mapped = third.attribute::<XorMappedAddress>().unwrap();
    assert_eq!(mapped.addr(third.transaction_id()), address);
    assert!(third.attribute::<Fingerprint>().is_ok());
}

/// A generator of bytes that needs no crate: xorshift, 64 bits.
fn noise(state: &mut u64) -> u8 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    let [.., low] = state.to_be_bytes();
    low
}

#[test]
fn any_bytes_are_read_or_refused() {
    let mut state = 0x5eed;
    let (mut read, mut refused) = (0, 0);
    for round in 0..20_000_usize {
        let mut bytes: Vec<u8> = (0..round % 120).map(|_| noise(&mut state)).collect();
        // Every other round has a fair length field and short attributes, so that many can be read.
        if round % 2 == 0 && bytes.len() >= 24 {
            let length = u16::try_from(bytes.len() - 20).unwrap();
            bytes[2..4].copy_from_slice(&length.to_be_bytes());
            bytes[22] = 0;
            bytes[23] &= 0x3f;
        }
        match Parsed::read(&bytes) {
            Ok(parsed) => {
                read += 1;
                let _ = (parsed.faults(), parsed.to_string(), parsed.xor_mapped_address());
                let _ = (parsed.error(), parsed.unknown_attributes(), parsed.algorithms(0x8002));
                let _ = (parsed.integrity(&key()), parsed.integrity_sha256(&key()));
            }
            Err(_) => refused += 1,
        }
    }
    assert!(read > 100 && refused > 100, "{read} read, {refused} refused");
}
