//! ChannelData: RFC 8656 §12.4.
//!
//! ```text
//!   0                   1                   2                   3
//!   0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//!  +-------------------------------+-------------------------------+
//!  |  channel number               |  length of the data           |
//!  +-------------------------------+-------------------------------+
//!  |  data, on streams padded to a multiple of four                |
//! ```

use std::fmt;

use crate::F;

/// Bytes before the data.
const HEADER: usize = 4;

/// A ChannelData message, to send or as it arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChannelData {
    /// The channel number.
    pub channel: u16,
    /// The length field.
    pub length: F<u16>,
    /// The data.
    pub data: Vec<u8>,
    /// What follows the data, not counted in the length.
    pub padding: Vec<u8>,
}

impl ChannelData {
    /// A message without padding, as datagrams carry it.
    #[must_use]
    pub fn new(channel: u16, data: &[u8]) -> Self {
        Self { channel, length: F::Auto, data: data.to_vec(), padding: Vec::new() }
    }

    /// The same, padded as streams carry it (RFC 8656 §12.5).
    #[must_use]
    pub fn padded(mut self) -> Self {
        self.padding = vec![0; self.data.len().wrapping_neg() % 4];
        self
    }

    /// The same with another length field.
    #[must_use]
    pub fn with_length(mut self, length: F<u16>) -> Self {
        self.length = length;
        self
    }

    /// The bytes on the wire.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = self.channel.to_be_bytes().to_vec();
        out.extend(self.length.resolve(u16::try_from(self.data.len()).unwrap_or(u16::MAX)));
        out.extend(&self.data);
        out.extend(&self.padding);
        out
    }

    /// Reads a message that fills `bytes`; `None` if its number is not that of a channel or its data is
    /// cut short.
    #[must_use]
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let (header, rest) = bytes.split_at_checked(HEADER)?;
        let [a, b, c, d] = *header else { return None };
        let channel = u16::from_be_bytes([a, b]);
        if !(0x4000..=0x4fff).contains(&channel) {
            return None;
        }
        let length = u16::from_be_bytes([c, d]);
        let (data, padding) = rest.split_at_checked(usize::from(length))?;
        let (data, padding) = (data.to_vec(), padding.to_vec());
        Some(Self { channel, length: F::Set(length), data, padding })
    }
}

impl fmt::Display for ChannelData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ChannelData {:#06x} {} bytes", self.channel, self.data.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn padding_is_not_in_the_length() {
        let message = ChannelData::new(0x4001, b"hello").padded();
        assert_eq!(message.encode(), b"\x40\x01\x00\x05hello\0\0\0");
        let read = ChannelData::read(&message.encode()).unwrap();
        assert_eq!((read.data.as_slice(), read.padding.len()), (&b"hello"[..], 3));
    }

    #[test]
    fn other_numbers_and_cut_data_are_refused() {
        assert_eq!(ChannelData::read(&ChannelData::new(0x5000, b"").encode()), None);
        assert_eq!(ChannelData::read(b"\x40\x00\x00\x02x"), None);
        assert!(ChannelData::read(b"\x4f\xff\x00\x00").is_some());
    }
}
