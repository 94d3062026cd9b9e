//! One attribute to send.

use std::net::{IpAddr, SocketAddr};

use super::{COOKIE, Key, TransactionId, attribute, clamp, fingerprint_of, with_length};
use crate::F;

/// What an attribute's value is made from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// These bytes.
    Bytes(Vec<u8>),
    /// A transport address, combined with cookie and transaction id (RFC 8489 §14.2).
    XorAddress(SocketAddr),
    /// HMAC-SHA1 over everything before (RFC 8489 §14.5).
    Integrity(Key),
    /// HMAC-SHA256 over everything before, cut to this many bytes (RFC 8489 §14.6).
    IntegritySha256(Key, usize),
    /// The CRC over everything before (RFC 8489 §14.7).
    Fingerprint,
}

/// An attribute to send. The automatic parts are what the specification asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attribute {
    /// The type.
    pub kind: u16,
    /// The length field.
    pub length: F<u16>,
    /// What the value is made from.
    pub value: Value,
    /// The value's bytes; automatic ones are made from `value`.
    pub octets: F<Vec<u8>>,
    /// The padding; automatic padding is zero bytes up to a multiple of four.
    pub padding: F<Vec<u8>>,
}

/// Where an attribute came to lie in the message.
pub(super) struct Span {
    pub(super) start: usize,
    pub(super) value: usize,
    pub(super) end: usize,
}

impl Attribute {
    /// An attribute of type `kind` with this value.
    #[must_use]
    pub const fn new(kind: u16, value: Value) -> Self {
        Self { kind, length: F::Auto, value, octets: F::Auto, padding: F::Auto }
    }

    /// An attribute of type `kind` with these bytes.
    #[must_use]
    pub fn bytes(kind: u16, bytes: &[u8]) -> Self {
        Self::new(kind, Value::Bytes(bytes.to_vec()))
    }

    /// The same with another length field.
    #[must_use]
    pub fn with_length(mut self, length: F<u16>) -> Self {
        self.length = length;
        self
    }

    /// The same with a spoiled value.
    #[must_use]
    pub fn with_octets(mut self, octets: F<Vec<u8>>) -> Self {
        self.octets = octets;
        self
    }

    /// The same with other padding.
    #[must_use]
    pub fn with_padding(mut self, padding: F<Vec<u8>>) -> Self {
        self.padding = padding;
        self
    }

    /// MAPPED-ADDRESS (RFC 8489 §14.1).
    #[must_use]
    pub fn mapped_address(address: SocketAddr) -> Self {
        Self::bytes(attribute::MAPPED_ADDRESS, &address_value(address))
    }

    /// XOR-MAPPED-ADDRESS (RFC 8489 §14.2).
    #[must_use]
    pub const fn xor_mapped_address(address: SocketAddr) -> Self {
        Self::new(attribute::XOR_MAPPED_ADDRESS, Value::XorAddress(address))
    }

    /// USERNAME (RFC 8489 §14.3).
    #[must_use]
    pub fn username(name: &str) -> Self {
        Self::bytes(attribute::USERNAME, name.as_bytes())
    }

    /// USERHASH (RFC 8489 §14.4).
    #[must_use]
    pub fn userhash(hash: &[u8; 32]) -> Self {
        Self::bytes(attribute::USERHASH, hash)
    }

    /// MESSAGE-INTEGRITY (RFC 8489 §14.5).
    #[must_use]
    pub fn integrity(key: &Key) -> Self {
        Self::new(attribute::MESSAGE_INTEGRITY, Value::Integrity(key.clone()))
    }

    /// MESSAGE-INTEGRITY-SHA256 with the whole tag (RFC 8489 §14.6).
    #[must_use]
    pub fn integrity_sha256(key: &Key) -> Self {
        Self::integrity_sha256_cut(key, 32)
    }

    /// MESSAGE-INTEGRITY-SHA256 with the first `keep` bytes of the tag.
    #[must_use]
    pub fn integrity_sha256_cut(key: &Key, keep: usize) -> Self {
        Self::new(attribute::MESSAGE_INTEGRITY_SHA256, Value::IntegritySha256(key.clone(), keep))
    }

    /// FINGERPRINT (RFC 8489 §14.7).
    #[must_use]
    pub const fn fingerprint() -> Self {
        Self::new(attribute::FINGERPRINT, Value::Fingerprint)
    }

    /// ERROR-CODE (RFC 8489 §14.8).
    #[must_use]
    pub fn error_code(code: u16, reason: &str) -> Self {
        Self::bytes(attribute::ERROR_CODE, &error_value(code, reason.as_bytes()))
    }

    /// REALM (RFC 8489 §14.9).
    #[must_use]
    pub fn realm(realm: &str) -> Self {
        Self::bytes(attribute::REALM, realm.as_bytes())
    }

    /// NONCE (RFC 8489 §14.10).
    #[must_use]
    pub fn nonce(nonce: &[u8]) -> Self {
        Self::bytes(attribute::NONCE, nonce)
    }

    /// PASSWORD-ALGORITHMS without parameters (RFC 8489 §14.11).
    #[must_use]
    pub fn password_algorithms(algorithms: &[u16]) -> Self {
        Self::bytes(attribute::PASSWORD_ALGORITHMS, &password_algorithms(algorithms))
    }

    /// PASSWORD-ALGORITHM without parameters (RFC 8489 §14.12).
    #[must_use]
    pub fn password_algorithm(algorithm: u16) -> Self {
        Self::bytes(attribute::PASSWORD_ALGORITHM, &password_algorithms(&[algorithm]))
    }

    /// UNKNOWN-ATTRIBUTES (RFC 8489 §14.13).
    #[must_use]
    pub fn unknown_attributes(kinds: &[u16]) -> Self {
        let bytes: Vec<u8> = kinds.iter().flat_map(|kind| kind.to_be_bytes()).collect();
        Self::bytes(attribute::UNKNOWN_ATTRIBUTES, &bytes)
    }

    /// SOFTWARE (RFC 8489 §14.14).
    #[must_use]
    pub fn software(text: &str) -> Self {
        Self::bytes(attribute::SOFTWARE, text.as_bytes())
    }

    /// ALTERNATE-SERVER (RFC 8489 §14.15).
    #[must_use]
    pub fn alternate_server(address: SocketAddr) -> Self {
        Self::bytes(attribute::ALTERNATE_SERVER, &address_value(address))
    }

    /// ALTERNATE-DOMAIN (RFC 8489 §14.16).
    #[must_use]
    pub fn alternate_domain(name: &str) -> Self {
        Self::bytes(attribute::ALTERNATE_DOMAIN, name.as_bytes())
    }

    /// CHANGE-REQUEST (RFC 5780 §7.2).
    #[must_use]
    pub fn change_request(ip: bool, port: bool) -> Self {
        let flags = u32::from(ip) << 2 | u32::from(port) << 1;
        Self::bytes(attribute::CHANGE_REQUEST, &flags.to_be_bytes())
    }

    /// RESPONSE-ORIGIN (RFC 5780 §7.3).
    #[must_use]
    pub fn response_origin(address: SocketAddr) -> Self {
        Self::bytes(attribute::RESPONSE_ORIGIN, &address_value(address))
    }

    /// OTHER-ADDRESS (RFC 5780 §7.4).
    #[must_use]
    pub fn other_address(address: SocketAddr) -> Self {
        Self::bytes(attribute::OTHER_ADDRESS, &address_value(address))
    }

    /// RESPONSE-PORT: the port and two bytes of padding (RFC 5780 §7.5).
    #[must_use]
    pub fn response_port(port: u16) -> Self {
        Self::bytes(attribute::RESPONSE_PORT, &(u32::from(port) << 16).to_be_bytes())
            .with_length(F::Set(2))
    }

    /// PADDING of `length` bytes (RFC 5780 §7.6).
    #[must_use]
    pub fn padding(length: usize) -> Self {
        Self::bytes(attribute::PADDING, &vec![b'p'; length])
    }

    /// PRIORITY (RFC 8445 §7.1.1).
    #[must_use]
    pub fn priority(priority: u32) -> Self {
        Self::bytes(attribute::PRIORITY, &priority.to_be_bytes())
    }

    /// USE-CANDIDATE (RFC 8445 §7.1.2).
    #[must_use]
    pub fn use_candidate() -> Self {
        Self::bytes(attribute::USE_CANDIDATE, &[])
    }

    /// ICE-CONTROLLED (RFC 8445 §7.1.3).
    #[must_use]
    pub fn ice_controlled(tie_breaker: u64) -> Self {
        Self::bytes(attribute::ICE_CONTROLLED, &tie_breaker.to_be_bytes())
    }

    /// ICE-CONTROLLING (RFC 8445 §7.1.3).
    #[must_use]
    pub fn ice_controlling(tie_breaker: u64) -> Self {
        Self::bytes(attribute::ICE_CONTROLLING, &tie_breaker.to_be_bytes())
    }

    /// Appends the attribute; what covers earlier bytes is zero until [`seal`](Self::seal).
    pub(super) fn write(&self, out: &mut Vec<u8>, transaction: TransactionId) -> Span {
        let value = match &self.value {
            Value::Bytes(bytes) => bytes.clone(),
            Value::XorAddress(address) => xor_address_value(*address, transaction),
            Value::Integrity(_) => vec![0; 20],
            Value::IntegritySha256(_, keep) => vec![0; *keep],
            Value::Fingerprint => vec![0; 4],
        };
        let start = out.len();
        let octets = self.octets.resolve(value);
        out.extend(self.kind.to_be_bytes());
        out.extend(self.length.resolve(clamp(octets.len())));
        let value = out.len();
        out.extend(&octets);
        out.extend(self.padding.resolve(vec![0; octets.len().wrapping_neg() % 4]));
        Span { start, value, end: out.len() }
    }

    /// The final value of an attribute that covers the bytes `before` it; `upto` is the length field
    /// that makes the message end with this attribute.
    pub(super) fn seal(&self, before: &[u8], length_at: usize, upto: u16) -> Option<Vec<u8>> {
        let covered = with_length(before, length_at, upto);
        let value = match &self.value {
            Value::Bytes(_) | Value::XorAddress(_) => return None,
            Value::Integrity(key) => key.hmac_sha1(&[&covered]),
            Value::IntegritySha256(key, keep) => {
                let mut tag = key.hmac_sha256(&[&covered]);
                tag.resize(*keep, 0);
                tag
            }
            Value::Fingerprint => fingerprint_of(before).to_be_bytes().to_vec(),
        };
        Some(self.octets.resolve(value))
    }
}

/// The value of an address attribute in clear (RFC 8489 §14.1).
#[must_use]
pub fn address_value(address: SocketAddr) -> Vec<u8> {
    let family = if address.is_ipv4() { 1 } else { 2 };
    let mut value = vec![0, family];
    value.extend(address.port().to_be_bytes());
    match address.ip() {
        IpAddr::V4(ip) => value.extend(ip.octets()),
        IpAddr::V6(ip) => value.extend(ip.octets()),
    }
    value
}

/// The value of an address attribute under the mask of RFC 8489 §14.2, which is its own inverse.
pub(super) fn xor_address_value(address: SocketAddr, transaction: TransactionId) -> Vec<u8> {
    let mut value = address_value(address);
    xor_address(&mut value, transaction);
    value
}

/// Applies the mask of RFC 8489 §14.2 to the port and address of an attribute value.
pub(super) fn xor_address(value: &mut [u8], transaction: TransactionId) {
    let cookie = COOKIE.to_be_bytes();
    let port_mask = cookie.iter().take(2);
    let address_mask = cookie.iter().chain(&transaction.0);
    for (byte, mask) in value.iter_mut().skip(2).zip(port_mask.chain(address_mask)) {
        *byte ^= mask;
    }
}

/// The value of ERROR-CODE (RFC 8489 §14.8).
#[must_use]
pub fn error_value(code: u16, reason: &[u8]) -> Vec<u8> {
    let [_, class] = (code / 100).to_be_bytes();
    let [_, number] = (code % 100).to_be_bytes();
    let mut value = vec![0, 0, class, number];
    value.extend(reason);
    value
}

/// A list of password algorithms without parameters (RFC 8489 §14.11).
#[must_use]
pub fn password_algorithms(algorithms: &[u16]) -> Vec<u8> {
    algorithms.iter().flat_map(|number| (u32::from(*number) << 16).to_be_bytes()).collect()
}
