//! STUN messages: RFC 8489, with the attributes of RFC 5780 and RFC 8445.
//!
//! ```text
//!   0                   1                   2                   3
//!   0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//!  +---+---------------------------+-------------------------------+
//!  |0 0|  method and class (14)    |  length of what follows       |
//!  +---+---------------------------+-------------------------------+
//!  |                 magic cookie 0x2112A442                       |
//!  +---------------------------------------------------------------+
//!  |                 transaction id (96 bits)                      |
//!  +---------------------------------------------------------------+
//!  |  attributes: type (16), length (16), value, zero padding to 4 |
//! ```
//!
//! | file | holds |
//! |---|---|
//! | `outgoing.rs` | [`Attribute`]: one attribute to send, and its constructors |
//! | `parsed.rs` | [`Parsed`]: a message as it arrived |
//! | `faults.rs` | [`Fault`]: what is wrong with it |
//! | `key.rs` | [`Key`]: keys and tags of the credential mechanisms |
//! | `names.rs` | numbers and names |
//! | `vectors.rs` | [`vectors`]: the messages that the specifications print |

mod faults;
mod key;
mod names;
mod outgoing;
mod parsed;
pub mod vectors;

use std::fmt;

pub use self::{
    faults::Fault,
    key::{Key, userhash},
    names::{
        BINDING, COOKIE, Class, attribute, attribute_name, gather_method, method_name,
        spread_method,
    },
    outgoing::{Attribute, Value, address_value, error_value, password_algorithms},
    parsed::{Check, ErrorCode, Malformed, Parsed, ParsedAttribute, read_address},
};
use crate::{F, crc32};

/// Bytes of the fixed header.
pub const HEADER: usize = 20;

/// What FINGERPRINT's CRC is combined with (RFC 8489 §14.7).
const FINGERPRINT_MASK: u32 = 0x5354_554e;

/// The 96 bits that tie a response to its request.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TransactionId(pub [u8; 12]);

impl fmt::Debug for TransactionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for TransactionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().take(4).try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// A message to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// The class, for an automatic type field.
    pub class: Class,
    /// The method, for an automatic type field.
    pub method: u16,
    /// The type field.
    pub kind: F<u16>,
    /// The length field.
    pub length: F<u16>,
    /// The magic cookie.
    pub cookie: F<u32>,
    /// The transaction id.
    pub transaction: TransactionId,
    /// The attributes in order.
    pub attributes: Vec<Attribute>,
    /// Bytes after the last attribute, which the length field does not count.
    pub trailing: Vec<u8>,
}

impl Message {
    /// A Binding message of `class` without attributes.
    #[must_use]
    pub const fn new(class: Class, transaction: TransactionId) -> Self {
        Self {
            class,
            method: BINDING,
            kind: F::Auto,
            length: F::Auto,
            cookie: F::Auto,
            transaction,
            attributes: Vec::new(),
            trailing: Vec::new(),
        }
    }

    /// A Binding request.
    #[must_use]
    pub const fn request(transaction: TransactionId) -> Self {
        Self::new(Class::Request, transaction)
    }

    /// A Binding indication.
    #[must_use]
    pub const fn indication(transaction: TransactionId) -> Self {
        Self::new(Class::Indication, transaction)
    }

    /// A success response.
    #[must_use]
    pub const fn success(transaction: TransactionId) -> Self {
        Self::new(Class::Success, transaction)
    }

    /// An error response with ERROR-CODE as its first attribute.
    #[must_use]
    pub fn error(transaction: TransactionId, code: u16, reason: &str) -> Self {
        Self::new(Class::Error, transaction).with(Attribute::error_code(code, reason))
    }

    /// The same with one more attribute at the end.
    #[must_use]
    pub fn with(mut self, attribute: Attribute) -> Self {
        self.attributes.push(attribute);
        self
    }

    /// The same with more attributes at the end.
    #[must_use]
    pub fn with_all(mut self, attributes: impl IntoIterator<Item = Attribute>) -> Self {
        self.attributes.extend(attributes);
        self
    }

    /// The bytes on the wire. Lengths come first, then integrity tags and fingerprints in the order
    /// in which they stand, each over the final bytes before it.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = self.kind.resolve(spread_method(self.method) | self.class.bits());
        let length_at = out.len();
        out.extend(self.length.resolve(0));
        out.extend(self.cookie.resolve(COOKIE));
        out.extend(self.transaction.0);
        let body_at = out.len();

        let mut spans = Vec::new();
        for attribute in &self.attributes {
            spans.push(attribute.write(&mut out, self.transaction));
        }
        let end = out.len() - body_at;
        let on_wire = self.length.resolve(clamp(end));
        splice(&mut out, length_at, &on_wire);

        for (attribute, span) in self.attributes.iter().zip(spans) {
            let before = out.get(..span.start).unwrap_or_default().to_vec();
            let upto = clamp(span.end.saturating_sub(body_at));
            if let Some(value) = attribute.seal(&before, length_at, upto) {
                splice(&mut out, span.value, &value);
            }
        }
        out.extend(&self.trailing);
        out
    }
}

impl fmt::Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match Parsed::read(&self.encode()) {
            Ok(parsed) => parsed.fmt(f),
            Err(malformed) => write!(f, "STUN malformed: {malformed}"),
        }
    }
}

/// The value of an automatic FINGERPRINT that follows `message` (RFC 8489 §14.7).
fn fingerprint_of(message: &[u8]) -> u32 {
    crc32(&[message]) ^ FINGERPRINT_MASK
}

/// `message` with its length field set to `length`, as an integrity tag covers it
/// (RFC 8489 §14.5, §14.6).
fn with_length(message: &[u8], length_at: usize, length: u16) -> Vec<u8> {
    let mut copy = message.to_vec();
    splice(&mut copy, length_at, &length.to_be_bytes());
    copy
}

/// Overwrites bytes of `out` from `at` on, as far as there are any.
fn splice(out: &mut [u8], at: usize, bytes: &[u8]) {
    for (old, new) in out.iter_mut().skip(at).zip(bytes) {
        *old = *new;
    }
}

/// A length that may be too long for its field keeps its low 16 bits, as it would on the wire.
fn clamp(length: usize) -> u16 {
    u16::try_from(length & 0xffff).unwrap_or(u16::MAX)
}
