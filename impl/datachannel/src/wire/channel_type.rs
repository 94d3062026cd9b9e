//! Types of channels: [RFC 8832 §8.2.2](https://www.rfc-editor.org/rfc/rfc8832#section-8.2.2).

use std::fmt;

/// What a channel promises: the high bit gives up order, the others say how long the sender keeps trying.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ChannelType(u8);

impl ChannelType {
    /// DATA_CHANNEL_RELIABLE.
    pub const RELIABLE: Self = Self(0x00);
    /// DATA_CHANNEL_PARTIAL_RELIABLE_REXMIT.
    pub const REXMIT: Self = Self(0x01);
    /// DATA_CHANNEL_PARTIAL_RELIABLE_TIMED.
    pub const TIMED: Self = Self(0x02);
    /// DATA_CHANNEL_RELIABLE_UNORDERED.
    pub const RELIABLE_UNORDERED: Self = Self(0x80);
    /// DATA_CHANNEL_PARTIAL_RELIABLE_REXMIT_UNORDERED.
    pub const REXMIT_UNORDERED: Self = Self(0x81);
    /// DATA_CHANNEL_PARTIAL_RELIABLE_TIMED_UNORDERED.
    pub const TIMED_UNORDERED: Self = Self(0x82);

    /// The bit that gives up order.
    const UNORDERED: u8 = 0x80;

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

    /// Whether messages may arrive in another order than they were sent in.
    #[must_use]
    pub const fn is_unordered(self) -> bool {
        self.0 & Self::UNORDERED != 0
    }

    /// The same without order.
    #[must_use]
    pub const fn unordered(self) -> Self {
        Self(self.0 | Self::UNORDERED)
    }

    /// The same with order: what is left says how reliable the channel is.
    #[must_use]
    pub const fn ordered(self) -> Self {
        Self(self.0 & !Self::UNORDERED)
    }
}

impl fmt::Display for ChannelType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.ordered() {
            Self::RELIABLE => "reliable",
            Self::REXMIT => "rexmit",
            Self::TIMED => "timed",
            _ => return write!(f, "channel type {:#04x}", self.0),
        })?;
        if self.is_unordered() { f.write_str(" unordered") } else { Ok(()) }
    }
}

impl fmt::Debug for ChannelType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_high_bit_is_order_and_nothing_else() {
        for number in 0..=u8::MAX {
            let kind = ChannelType::new(number);
            assert_eq!(kind.is_unordered(), number >= 0x80);
            let back = if number >= 0x80 { kind.ordered().unordered() } else { kind.ordered() };
            assert_eq!(back, kind);
        }
    }

    #[test]
    fn types_have_names() {
        let named = [0x00, 0x01, 0x02, 0x80, 0x81, 0x82, 0x7f, 0xff].map(ChannelType::new);
        let words = named.map(|kind| kind.to_string()).join(", ");
        assert_eq!(
            words,
            "reliable, rexmit, timed, reliable unordered, rexmit unordered, timed unordered, \
             channel type 0x7f, channel type 0xff",
        );
    }
}
