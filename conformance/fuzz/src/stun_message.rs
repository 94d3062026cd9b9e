//! The bytes of a message, through the parser, the builder and the parser of the conformance suite.

use stun::{
    Builder, Deframer, Key, Message, Uri,
    wire::{AttributeType, Check, RawAttribute},
};
use wire::stun::{self as other, Parsed};

const FIXED: [u8; 3] = *b"key";

/// Parses any bytes; what is a message is written again, read by other code, and framed.
pub fn stun_message(data: &[u8]) {
    if let Ok(text) = std::str::from_utf8(data)
        && let Ok(uri) = text.parse::<Uri>()
    {
        assert_eq!(uri.to_string().parse::<Uri>().as_ref(), Ok(&uri), "a URI survives printing");
    }
    let classic = Message::parse_any_cookie(data);
    let strict = Message::parse(data);
    let has_cookie = classic.is_ok_and(|message| !message.is_classic());
    assert_eq!(strict.is_ok(), has_cookie, "the cookie is all that differs");
    compare(data, strict.as_ref().ok());
    if let Ok(message) = strict {
        assert!(Message::is_likely(data), "a message looks like one");
        write_again(&message);
        frame(data);
        let printed = format!("{message} {message:?}");
        assert!(!printed.contains('\n'), "a message is one line");
    }
}

/// What this parser makes of a message must be what the suite's own parser makes of it.
fn compare(data: &[u8], message: Option<&Message<'_>>) {
    let parsed = Parsed::read(data);
    let Some(message) = message else {
        // What is refused has a fault that the other parser can name, or a length that cannot be.
        if let Ok(parsed) = parsed {
            let has_odd_length = parsed.attributes.iter().any(is_odd_length);
            assert!(has_odd_length || !parsed.faults().is_empty(), "refused for no reason");
        }
        return;
    };
    let parsed = parsed.expect("what one parser takes, the other reads");
    let theirs = parsed.attributes.iter().map(|it| (it.kind, it.value.as_slice()));
    let ours = message.all_attributes().map(|it| (it.kind.number(), it.value));
    assert!(theirs.eq(ours), "the same attributes");
    assert_eq!(parsed.method(), message.method().number());
    assert_eq!(&parsed.transaction.0, message.transaction_id().as_bytes());
    assert_eq!(parsed.fingerprint(), check(message.check_fingerprint()));
    let (key, their_key) = (key(), other::Key::raw(&FIXED));
    if message.has_integrity() {
        assert_eq!(parsed.integrity(&their_key), check(message.check_integrity(&key)));
    }
    if message.has_integrity_sha256() {
        let ours = message.check_integrity_sha256(&key, 16);
        assert_eq!(parsed.integrity_sha256(&their_key), check(ours));
    }
    let address = message.get::<stun::wire::XorMappedAddress>().map(|address| address.0);
    let first_counts = message.has(AttributeType::XOR_MAPPED_ADDRESS);
    if first_counts {
        assert_eq!(parsed.xor_mapped_address(), address);
    }
}

/// The lengths that this parser insists on.
fn is_odd_length(attribute: &other::ParsedAttribute) -> bool {
    let length = attribute.value.len();
    match AttributeType::new(attribute.kind) {
        AttributeType::MESSAGE_INTEGRITY => length != 20,
        AttributeType::MESSAGE_INTEGRITY_SHA256 => {
            !(16..=32).contains(&length) || !length.is_multiple_of(4)
        }
        AttributeType::FINGERPRINT => length != 4,
        _ => false,
    }
}

fn check(ours: Check) -> other::Check {
    match ours {
        Check::Absent => other::Check::Absent,
        Check::Passed => other::Check::Good,
        Check::Failed => other::Check::Bad,
    }
}

fn key() -> Key {
    Key::from_bytes(crypto::rust_crypto(), &FIXED)
}

/// The attributes that count, written again, are read as they were.
fn write_again(message: &Message<'_>) {
    let computed = |kind| {
        matches!(
            kind,
            AttributeType::MESSAGE_INTEGRITY
                | AttributeType::MESSAGE_INTEGRITY_SHA256
                | AttributeType::FINGERPRINT
        )
    };
    let plain: Vec<RawAttribute<'_>> =
        message.attributes().filter(|attribute| !computed(attribute.kind)).collect();
    let mut bytes = Vec::new();
    let mut builder =
        Builder::new(&mut bytes, message.method(), message.class(), message.transaction_id());
    for attribute in &plain {
        builder.put_raw(attribute.kind, attribute.value);
    }
    let key = key();
    if message.has_integrity() {
        builder.integrity(&key);
    }
    if message.has_integrity_sha256() {
        builder.integrity_sha256(&key);
    }
    if message.has_fingerprint() {
        builder.fingerprint();
    }
    // Integrity and fingerprint may be longer than what they replace.
    if builder.finish().is_err() {
        return;
    }
    let again = Message::parse(&bytes).expect("what is written can be read");
    let count = plain.len();
    assert!(again.attributes().take(count).eq(plain), "the same attributes");
    assert_ne!(again.check_fingerprint(), Check::Failed);
    assert_ne!(again.check_integrity(&key), Check::Failed);
    assert_ne!(again.check_integrity_sha256(&key, 32), Check::Failed);
    let faults = Parsed::read(&bytes).map(|parsed| parsed.faults()).unwrap_or_default();
    let is_form = |fault: &other::Fault| !matches!(fault, other::Fault::Value(_));
    assert!(!faults.iter().any(is_form), "{faults:?}");
}

/// A message on a stream is found however its bytes arrive.
fn frame(data: &[u8]) {
    let mut deframer = Deframer::new(stun::ChannelData::Refused);
    let (first, second) = data.split_at(data.len() / 2);
    assert_eq!(deframer.push(first), first.len());
    assert_eq!(deframer.next_frame(), Ok(None), "half a message is none");
    assert_eq!(deframer.push(second), second.len());
    assert_eq!(deframer.next_frame(), Ok(Some(stun::Frame::Message(data))));
    assert!(deframer.push(&[]) == 0 && deframer.next_frame() == Ok(None));
}
