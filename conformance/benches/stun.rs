//! A Binding request of 92 bytes, as ICE sends it, through this crate and two others.
//!
//! The work is made equal within each group:
//!
//! * `parse`: the structure of the message, and nothing computed over it. `stun-types` cannot leave
//!   the fingerprint out, so it gets a message without one there (84 bytes, one attribute less).
//! * `parse+fingerprint`: the same and the CRC.
//! * `parse+fingerprint+integrity`: the same and HMAC-SHA1, with whatever state each crate lets its
//!   user keep between messages.
//! * `build`: the whole message into a buffer that is used again.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use rtc_stun::{fingerprint::FINGERPRINT, integrity::MessageIntegrity, message::Setter as _};
use stun::{
    Builder, Key, Message,
    wire::{Check, Class, IceControlling, Method, Priority, TransactionId, Username},
};
use stun_types::{attribute as other, message as types, prelude::*};

const PASSWORD: &str = "VOkJxbRl1RmTxUk/WvJxBt";
const USERNAME: &str = "evtj:h6vYabcdefg";

fn key() -> Key {
    Key::short_term(crypto::Provider::default(), PASSWORD).expect("the password is ASCII")
}

fn build(buffer: &mut Vec<u8>, key: &Key, with_fingerprint: bool) {
    buffer.clear();
    let id = TransactionId::new([7; 12]);
    let mut builder = Builder::new(buffer, Method::BINDING, Class::Request, id);
    builder
        .put(&Username::new(USERNAME).expect("short"))
        .put(&Priority(0x6e00_01ff))
        .put(&IceControlling(0x932f_f9b1_5126_3b36))
        .integrity(key);
    if with_fingerprint {
        builder.fingerprint();
    }
    builder.finish().expect("it fits");
}

fn request(with_fingerprint: bool) -> Vec<u8> {
    let mut buffer = Vec::new();
    build(&mut buffer, &key(), with_fingerprint);
    assert_eq!(buffer.len(), if with_fingerprint { 92 } else { 84 });
    buffer
}

fn parse(criterion: &mut Criterion) {
    let (whole, bare) = (request(true), request(false));
    let mut group = criterion.benchmark_group("parse");
    group.bench_function("peerlab", |bencher| {
        bencher.iter(|| Message::parse(black_box(&whole)).is_ok());
    });
    group.bench_function("peerlab, 84 bytes", |bencher| {
        bencher.iter(|| Message::parse(black_box(&bare)).is_ok());
    });
    group.bench_function("stun-types, 84 bytes", |bencher| {
        bencher.iter(|| types::Message::from_bytes(black_box(&bare)).is_ok());
    });
    group.bench_function("rtc-stun", |bencher| {
        let mut message = rtc_stun::message::Message::new();
        bencher.iter(|| message.unmarshal_binary(black_box(&whole)).is_ok());
    });
    group.finish();
}

fn fingerprint(criterion: &mut Criterion) {
    let whole = request(true);
    let mut group = criterion.benchmark_group("parse+fingerprint");
    group.bench_function("peerlab", |bencher| {
        bencher.iter(|| {
            let message = Message::parse(black_box(&whole)).expect("it was built so");
            assert_eq!(message.check_fingerprint(), Check::Passed);
        });
    });
    group.bench_function("stun-types", |bencher| {
        bencher.iter(|| types::Message::from_bytes(black_box(&whole)).is_ok());
    });
    group.bench_function("rtc-stun", |bencher| {
        let mut message = rtc_stun::message::Message::new();
        bencher.iter(|| {
            message.unmarshal_binary(black_box(&whole)).expect("it was built so");
            FINGERPRINT.check(&message).expect("it was built so");
        });
    });
    group.finish();
}

fn integrity(criterion: &mut Criterion) {
    let whole = request(true);
    let mut group = criterion.benchmark_group("parse+fingerprint+integrity");
    for (name, provider) in
        [("peerlab", crypto::aws_lc_rs()), ("peerlab, RustCrypto", crypto::rust_crypto())]
    {
        let key = Key::short_term(provider, PASSWORD).expect("the password is ASCII");
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                let message = Message::parse(black_box(&whole)).expect("it was built so");
                assert_eq!(message.check_fingerprint(), Check::Passed);
                assert_eq!(message.check_integrity(&key), Check::Passed);
            });
        });
    }
    group.bench_function("stun-types", |bencher| {
        let key = types::ShortTermCredentials::new(PASSWORD.to_owned()).make_key();
        bencher.iter(|| {
            let message = types::Message::from_bytes(black_box(&whole)).expect("it was built so");
            message.validate_integrity_with_key(&key).expect("it was built so");
        });
    });
    group.bench_function("rtc-stun", |bencher| {
        let provider = rtc_crypto::default_provider().expect("one is built in");
        let mut message = rtc_stun::message::Message::new();
        bencher.iter(|| {
            message.unmarshal_binary(black_box(&whole)).expect("it was built so");
            FINGERPRINT.check(&message).expect("it was built so");
            MessageIntegrity::check(&mut message, PASSWORD.as_bytes(), provider.crypto())
                .expect("it was built so");
        });
    });
    group.finish();
}

fn building(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("build");
    group.bench_function("peerlab", |bencher| {
        let (key, mut buffer) = (key(), Vec::new());
        bencher.iter(|| build(black_box(&mut buffer), &key, true));
    });
    group.bench_function("stun-types", |bencher| {
        let key = types::ShortTermCredentials::new(PASSWORD.to_owned()).make_key();
        let mut buffer = [0; 128];
        bencher.iter(|| types_build(black_box(&mut buffer), &key));
    });
    group.bench_function("rtc-stun", |bencher| {
        let provider = rtc_crypto::default_provider().expect("one is built in");
        let mut message = rtc_stun::message::Message::new();
        bencher.iter(|| rtc_build(black_box(&mut message), provider.crypto()));
    });
    group.finish();
}

fn types_build(buffer: &mut [u8], key: &types::IntegrityKey) -> usize {
    let message_type =
        types::MessageType::from_class_method(types::MessageClass::Request, types::BINDING);
    let writer = types::MessageWriteMutSlice::new(buffer);
    let mut builder = types::Message::builder(message_type, 7_u128.into(), writer);
    let username = other::Username::new(USERNAME).expect("short");
    let priority = 0x6e00_01ff_u32.to_be_bytes();
    let tie_breaker = 0x932f_f9b1_5126_3b36_u64.to_be_bytes();
    builder.add_attribute(&username).expect("it fits");
    let priority = other::RawAttribute::new(0x0024.into(), &priority);
    builder.add_attribute(&priority).expect("it fits");
    let tie_breaker = other::RawAttribute::new(0x802a.into(), &tie_breaker);
    builder.add_attribute(&tie_breaker).expect("it fits");
    builder.add_message_integrity_with_key(key, types::IntegrityAlgorithm::Sha1).expect("it fits");
    builder.add_fingerprint().expect("it fits");
    builder.finish()
}

fn rtc_build(message: &mut rtc_stun::message::Message, crypto: &dyn rtc_crypto::RTCCrypto) {
    message.reset();
    message.typ = rtc_stun::message::BINDING_REQUEST;
    message.transaction_id = rtc_stun::message::TransactionId([7; 12]);
    message.write_header();
    message.add(rtc_stun::attributes::ATTR_USERNAME, USERNAME.as_bytes());
    message.add(rtc_stun::attributes::ATTR_PRIORITY, &0x6e00_01ff_u32.to_be_bytes());
    let tie_breaker = 0x932f_f9b1_5126_3b36_u64.to_be_bytes();
    message.add(rtc_stun::attributes::ATTR_ICE_CONTROLLING, &tie_breaker);
    let integrity =
        MessageIntegrity::new_short_term_integrity_with_provider(PASSWORD.to_owned(), crypto);
    integrity.add_to(message).expect("it fits");
    FINGERPRINT.add_to(message).expect("it fits");
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .sample_size(50)
        .warm_up_time(std::time::Duration::from_millis(500))
        .measurement_time(std::time::Duration::from_secs(2));
    targets = parse, fingerprint, integrity, building
}
criterion_main!(benches);
