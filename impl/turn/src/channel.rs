//! ChannelData: [RFC 8656 §12.4](https://www.rfc-editor.org/rfc/rfc8656#section-12.4).
//!
//! ```text
//!  0                   1                   2                   3
//!  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |         Channel Number        |            Length             |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! /                       Application Data                        /
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! ```

use std::fmt;

use base::{Malformed, Reader, Writer};

/// Bytes in front of the data.
pub const CHANNEL_HEADER_LENGTH: usize = 4;

/// The number of a channel: 0x4000 to 0x4fff (RFC 8656 §12).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Channel(u16);

impl Channel {
    /// The lowest number.
    pub const MIN: Self = Self(0x4000);
    /// The highest number.
    pub const MAX: Self = Self(0x4fff);

    /// The channel with this number, if it is one.
    #[must_use]
    pub const fn new(number: u16) -> Option<Self> {
        if number >= Self::MIN.0 && number <= Self::MAX.0 { Some(Self(number)) } else { None }
    }

    /// The number.
    #[must_use]
    pub const fn number(self) -> u16 {
        self.0
    }

    /// The next higher channel; the lowest after the highest.
    #[must_use]
    pub const fn next(self) -> Self {
        if self.0 == Self::MAX.0 { Self::MIN } else { Self(self.0 + 1) }
    }
}

impl fmt::Display for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#06x}", self.0)
    }
}

impl fmt::Debug for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A ChannelData message, read where it lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChannelMessage<'a> {
    /// The channel.
    pub channel: Channel,
    /// The data, without padding.
    pub data: &'a [u8],
}

impl<'a> ChannelMessage<'a> {
    /// Whether `bytes` begin as ChannelData does: with a byte from 64 to 79 (RFC 7983 §7).
    #[must_use]
    pub fn is_likely(bytes: &[u8]) -> bool {
        bytes.first().is_some_and(|first| (0x40..=0x4f).contains(first))
    }

    /// Reads a datagram, or a frame of a stream. What follows the data is padding, and passed over
    /// (RFC 8656 §12.5, §12.6).
    ///
    /// # Errors
    ///
    /// `Malformed` if the number is none of a channel, or if fewer bytes came than the length says.
    #[inline]
    pub fn parse(bytes: &'a [u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(bytes);
        let bad = reader.malformed("channel number out of range");
        let channel = Channel::new(reader.u16()?).ok_or(bad)?;
        let length = usize::from(reader.u16()?);
        Ok(Self { channel, data: reader.bytes(length)? })
    }

    /// Appends the message, padded to a multiple of four bytes if it goes over a stream (RFC 8656
    /// §12.5), and says how many bytes it has; `None`, and nothing appended, if the data is longer
    /// than the length field can say.
    #[inline]
    pub fn write(&self, is_stream: bool, buffer: &mut Vec<u8>) -> Option<usize> {
        let length = u16::try_from(self.data.len()).ok()?;
        let mut writer = Writer::new(buffer);
        writer.u16(self.channel.0);
        writer.u16(length);
        writer.bytes(self.data);
        if is_stream && !base::mutant::active("turn-client-stream-unpadded") {
            writer.pad_to(4);
        }
        Some(writer.len())
    }
}

impl fmt::Display for ChannelMessage<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ChannelData {} {} bytes", self.channel, self.data.len())
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[test]
    fn reads_capture() {
        let message = ChannelMessage::parse(&[0x40, 0x01, 0, 3, b'a', b'b', b'c', 0]).unwrap();
        assert_eq!((message.channel.number(), message.data), (0x4001, &b"abc"[..]));
        assert_eq!(message.to_string(), "ChannelData 0x4001 3 bytes");
    }

    #[rstest]
    #[case::nothing(b"", 4, 4)]
    #[case::three(b"abc", 7, 8)]
    #[case::four(b"abcd", 8, 8)]
    fn round_trips(#[case] data: &[u8], #[case] datagram: usize, #[case] stream: usize) {
        for (is_stream, expected) in [(false, datagram), (true, stream)] {
            let message = ChannelMessage { channel: Channel::MAX, data };
            let mut buffer = vec![9; 3];
            assert_eq!(message.write(is_stream, &mut buffer), Some(expected));
            assert_eq!(ChannelMessage::parse(&buffer[3..]), Ok(message));
        }
    }

    #[test]
    fn rejects_truncated() {
        let whole = [0x4f, 0xff, 0, 3, 1, 2, 3];
        for length in 0..whole.len() {
            assert!(ChannelMessage::parse(&whole[..length]).is_err(), "{length}");
        }
    }

    #[rstest]
    #[case::below([0x3f, 0xff])]
    #[case::reserved([0x50, 0x00])]
    #[case::old_range([0x7f, 0xff])]
    fn rejects_numbers_out_of_range(#[case] number: [u8; 2]) {
        assert!(ChannelMessage::parse(&[number[0], number[1], 0, 0]).is_err());
    }

    #[test]
    fn writes_nothing_that_its_length_cannot_say() {
        let (data, mut buffer) = (vec![0; 65_536], Vec::new());
        let message = ChannelMessage { channel: Channel::MIN, data: &data };
        assert_eq!(message.write(false, &mut buffer), None);
        assert!(buffer.is_empty());
    }

    #[test]
    fn channels_follow_each_other_around() {
        assert_eq!(Channel::MIN.next().number(), 0x4001);
        assert_eq!(Channel::MAX.next(), Channel::MIN);
        assert_eq!(Channel::new(0x3fff), None);
    }
}
