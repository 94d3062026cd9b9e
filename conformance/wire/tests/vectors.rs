//! The codec against the bytes that the specifications print.

use rstest::rstest;
use wire::{
    F,
    stun::{
        Attribute, Check, Key, Message, Parsed, TransactionId, attribute, userhash, vectors::*,
    },
};

const ICE_TID: TransactionId = TransactionId(*b"\xb7\xe7\xa7\x01\xbc\x34\xd6\x86\xfa\x87\xdf\xae");
const TID: TransactionId = TransactionId(*b"\x78\xad\x34\x33\xc6\xad\x72\xc0\x29\xda\x41\x2e");

#[test]
fn builds_the_short_term_request() {
    let spaces = |count: usize| F::Raw(vec![b' '; count]);
    let message = Message::request(ICE_TID)
        .with(Attribute::software("STUN test client"))
        .with(Attribute::priority(0x6e00_01ff))
        .with(Attribute::ice_controlled(0x932f_f9b1_5126_3b36))
        .with(Attribute::username(USERNAME).with_padding(spaces(3)))
        .with(Attribute::integrity(&Key::short_term(PASSWORD)))
        .with(Attribute::fingerprint());
    assert_eq!(message.encode(), REQUEST);
}

#[rstest]
#[case::v4("192.0.2.1:32853", &RESPONSE_V4)]
#[case::v6("[2001:db8:1234:5678:11:2233:4455:6677]:32853", &RESPONSE_V6)]
fn builds_the_responses(#[case] mapped: &str, #[case] expected: &[u8]) {
    let software = Attribute::software("test vector").with_padding(F::Raw(vec![b' ']));
    let message = Message::success(ICE_TID)
        .with(software)
        .with(Attribute::xor_mapped_address(mapped.parse().unwrap()))
        .with(Attribute::integrity(&Key::short_term(PASSWORD)))
        .with(Attribute::fingerprint());
    assert_eq!(message.encode(), expected);
    let parsed = Parsed::read(expected).unwrap();
    assert_eq!(parsed.xor_mapped_address(), Some(mapped.parse().unwrap()));
}

#[test]
fn builds_the_long_term_request() {
    let key = Key::long_term_md5(LONG_TERM_USERNAME, REALM, LONG_TERM_PASSWORD);
    let message = Message::request(TID)
        .with(Attribute::username(LONG_TERM_USERNAME))
        .with(Attribute::nonce(b"f//499k954d6OL34oL9FSTvy64sA"))
        .with(Attribute::realm(REALM))
        .with(Attribute::integrity(&key));
    assert_eq!(message.encode(), LONG_TERM);
}

#[test]
fn builds_the_userhash_request() {
    let key = Key::long_term_sha256(LONG_TERM_USERNAME, REALM, LONG_TERM_PASSWORD);
    let message = Message::request(TID)
        .with(Attribute::userhash(&userhash(LONG_TERM_USERNAME, REALM)))
        .with(Attribute::nonce(b"obMatJos2AAACf//499k954d6OL34oL9FSTvy64sA"))
        .with(Attribute::realm(REALM))
        .with(Attribute::password_algorithm(2))
        .with(Attribute::integrity_sha256(&key));
    assert_eq!(message.encode(), USERHASH_SHA256);
}

#[rstest]
#[case::request(&REQUEST)]
#[case::response_v4(&RESPONSE_V4)]
#[case::response_v6(&RESPONSE_V6)]
fn verifies_the_short_term_vectors(#[case] bytes: &[u8]) {
    let parsed = Parsed::read(bytes).unwrap();
    assert_eq!(parsed.integrity(&Key::short_term(PASSWORD)), Check::Good);
    assert_eq!(parsed.integrity(&Key::short_term("other")), Check::Bad);
    assert_eq!(parsed.fingerprint(), Check::Good);
    assert_eq!(parsed.integrity_sha256(&Key::short_term(PASSWORD)), Check::Absent);
}

#[test]
fn verifies_the_sha256_vector() {
    let parsed = Parsed::read(&USERHASH_SHA256).unwrap();
    let key = Key::long_term_sha256(LONG_TERM_USERNAME, REALM, LONG_TERM_PASSWORD);
    assert_eq!(parsed.integrity_sha256(&key), Check::Good);
    assert!(parsed.faults().is_empty(), "{:?}", parsed.faults());
    assert_eq!(parsed.value(attribute::USERHASH), Some(&userhash(LONG_TERM_USERNAME, REALM)[..]));
}

#[test]
fn a_ladder_line_names_what_matters() {
    let line = Parsed::read(&RESPONSE_V4).unwrap().to_string();
    assert_eq!(
        line,
        "STUN Binding success tid=b7e7a701 SOFTWARE XOR-MAPPED-ADDRESS=192.0.2.1:32853 MI FP"
    );
}
