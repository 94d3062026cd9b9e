//! Types of messages: [RFC 8832 §8.2.1](https://www.rfc-editor.org/rfc/rfc8832#section-8.2.1).

use std::fmt;

/// The type of a message, its first byte.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MessageType(u8);

impl MessageType {
    /// DATA_CHANNEL_ACK.
    pub const ACK: Self = Self(0x02);
    /// DATA_CHANNEL_OPEN.
    pub const OPEN: Self = Self(0x03);

    /// The one with this number.
    #[must_use]
    pub const fn new(number: u8) -> Self {
        Self(number)
    }

    /// The number on the wire.
    #[must_use]
    pub const fn number(self) -> u8 {
        self.0
    }
}

impl fmt::Display for MessageType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::OPEN => f.pad("OPEN"),
            Self::ACK => f.pad("ACK"),
            Self(0x00 | 0x01 | 0xff) => write!(f, "reserved {:#04x}", self.0),
            Self(other) => write!(f, "message type {other:#04x}"),
        }
    }
}

impl fmt::Debug for MessageType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_survives_and_is_named() {
        for number in 0..=u8::MAX {
            let kind = MessageType::new(number);
            assert_eq!(kind.number(), number);
            assert!(!format!("{kind:?}").is_empty());
        }
        assert_eq!(MessageType::new(3).to_string(), "OPEN");
        assert_eq!(MessageType::new(2).to_string(), "ACK");
    }
}
