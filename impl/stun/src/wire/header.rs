//! The first twenty bytes of every message: [RFC 8489 §5](https://www.rfc-editor.org/rfc/rfc8489#section-5).
//!
//! ```text
//!  0                   1                   2                   3
//!  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |0 0|     STUN Message Type     |         Message Length        |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |                         Magic Cookie                          |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |                     Transaction ID (96 bits)                  |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! ```

use std::fmt;

use base::Rng;

/// Bytes of the header.
pub const HEADER_LENGTH: usize = 20;

/// The value that tells STUN from its predecessor and from other protocols.
pub const MAGIC_COOKIE: u32 = 0x2112_a442;

/// What a message is to its transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Class {
    /// Asks for a response.
    Request,
    /// Asks for nothing.
    Indication,
    /// The request was carried out.
    Success,
    /// The request was not carried out.
    Error,
}

impl Class {
    /// All four, in the order of their numbers.
    pub const ALL: [Self; 4] = [Self::Request, Self::Indication, Self::Success, Self::Error];

    const fn bits(self) -> u16 {
        match self {
            Self::Request => 0x0000,
            Self::Indication => 0x0010,
            Self::Success => 0x0100,
            Self::Error => 0x0110,
        }
    }

    /// Whether it answers a request.
    #[must_use]
    pub const fn is_response(self) -> bool {
        matches!(self, Self::Success | Self::Error)
    }
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Request => "request",
            Self::Indication => "indication",
            Self::Success => "success",
            Self::Error => "error",
        })
    }
}

/// What a message is about: twelve bits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Method(u16);

impl Method {
    /// Binding: RFC 8489 §2.
    pub const BINDING: Self = Self(0x001);
    /// SharedSecret, which left the protocol with RFC 3489.
    pub const SHARED_SECRET: Self = Self(0x002);
    /// Allocate: RFC 8656 §7.
    pub const ALLOCATE: Self = Self(0x003);
    /// Refresh: RFC 8656 §8.
    pub const REFRESH: Self = Self(0x004);
    /// Send: RFC 8656 §11, an indication.
    pub const SEND: Self = Self(0x006);
    /// Data: RFC 8656 §11, an indication.
    pub const DATA: Self = Self(0x007);
    /// CreatePermission: RFC 8656 §10.
    pub const CREATE_PERMISSION: Self = Self(0x008);
    /// ChannelBind: RFC 8656 §12.
    pub const CHANNEL_BIND: Self = Self(0x009);
    /// Connect: RFC 6062 §4.3.
    pub const CONNECT: Self = Self(0x00a);
    /// ConnectionBind: RFC 6062 §4.3.
    pub const CONNECTION_BIND: Self = Self(0x00b);
    /// ConnectionAttempt: RFC 6062 §4.4, an indication.
    pub const CONNECTION_ATTEMPT: Self = Self(0x00c);

    /// The method with the twelve low bits of `number`.
    #[must_use]
    pub const fn new(number: u16) -> Self {
        Self(number & 0x0fff)
    }

    /// The number, at most 0xfff.
    #[must_use]
    pub const fn number(self) -> u16 {
        self.0
    }

    const fn name(self) -> Option<&'static str> {
        Some(match self {
            Self::BINDING => "Binding",
            Self::SHARED_SECRET => "SharedSecret",
            Self::ALLOCATE => "Allocate",
            Self::REFRESH => "Refresh",
            Self::SEND => "Send",
            Self::DATA => "Data",
            Self::CREATE_PERMISSION => "CreatePermission",
            Self::CHANNEL_BIND => "ChannelBind",
            Self::CONNECT => "Connect",
            Self::CONNECTION_BIND => "ConnectionBind",
            Self::CONNECTION_ATTEMPT => "ConnectionAttempt",
            _ => return None,
        })
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.pad(name),
            None => f.pad(&format!("Method({:#05x})", self.0)),
        }
    }
}

impl fmt::Debug for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Method and class, woven into fourteen bits.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct MessageType(u16);

impl MessageType {
    /// The type of a message of `class` about `method`.
    #[must_use]
    pub const fn new(method: Method, class: Class) -> Self {
        let bits = method.0;
        let spread = (bits & 0x000f) | (bits & 0x0070) << 1 | (bits & 0x0f80) << 2;
        Self(spread | class.bits())
    }

    /// The type whose encoding is `number`; `None` if one of the two highest bits is set, which no
    /// STUN message has.
    #[must_use]
    pub const fn from_number(number: u16) -> Option<Self> {
        if number & 0xc000 == 0 { Some(Self(number)) } else { None }
    }

    /// The encoding.
    #[must_use]
    pub const fn number(self) -> u16 {
        self.0
    }

    /// What the message is about.
    #[must_use]
    pub const fn method(self) -> Method {
        let bits = self.0;
        Method((bits & 0x000f) | (bits & 0x00e0) >> 1 | (bits & 0x3e00) >> 2)
    }

    /// What the message is to its transaction.
    #[must_use]
    pub const fn class(self) -> Class {
        match (self.0 & 0x0100 != 0, self.0 & 0x0010 != 0) {
            (false, false) => Class::Request,
            (false, true) => Class::Indication,
            (true, false) => Class::Success,
            (true, true) => Class::Error,
        }
    }
}

impl fmt::Display for MessageType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method(), self.class())
    }
}

impl fmt::Debug for MessageType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Ninety-six bits that tie a response to its request.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TransactionId([u8; 12]);

impl TransactionId {
    /// The id with these bytes.
    #[must_use]
    pub const fn new(bytes: [u8; 12]) -> Self {
        Self(bytes)
    }

    /// A fresh id. RFC 8489 §5: uniform and cryptographically random; it goes over the wire, so it
    /// is a public draw.
    #[must_use]
    pub fn random(rng: &mut Rng) -> Self {
        Self(rng.public_array())
    }

    /// The bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 12] {
        &self.0
    }
}

impl fmt::Display for TransactionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for TransactionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::binding_request(Method::BINDING, Class::Request, 0x0001)]
    #[case::binding_indication(Method::BINDING, Class::Indication, 0x0011)]
    #[case::binding_success(Method::BINDING, Class::Success, 0x0101)]
    #[case::binding_error(Method::BINDING, Class::Error, 0x0111)]
    #[case::all_method_bits(Method::new(0xfff), Class::Request, 0x3eef)]
    #[case::all_bits(Method::new(0xfff), Class::Error, 0x3fff)]
    fn weaves_class_into_method(#[case] method: Method, #[case] class: Class, #[case] number: u16) {
        let message_type = MessageType::new(method, class);
        assert_eq!(message_type.number(), number);
        assert_eq!((message_type.method(), message_type.class()), (method, class));
    }

    #[test]
    fn every_type_round_trips() {
        for number in 0..=u16::MAX {
            let Some(message_type) = MessageType::from_number(number) else {
                assert!(number >= 0x4000);
                continue;
            };
            let again = MessageType::new(message_type.method(), message_type.class());
            assert_eq!(again.number(), number);
        }
    }

    #[test]
    fn prints_names() {
        let known = MessageType::new(Method::BINDING, Class::Success);
        assert_eq!(known.to_string(), "Binding success");
        assert_eq!(Method::new(0x7ff).to_string(), "Method(0x7ff)");
        assert_eq!(TransactionId::new([0xab; 12]).to_string(), "ab".repeat(12));
    }
}
