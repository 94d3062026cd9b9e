//! Moving past interleaved messages that were given up:
//! [RFC 8260 §2.3.1](https://www.rfc-editor.org/rfc/rfc8260#section-2.3.1).
//!
//! ```text
//!  0                   1                   2                   3
//!  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |   Type = 194  | Flags = 0x00  |       Length = Variable       |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |                       New Cumulative TSN                      |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |       Stream Identifier       |          Reserved           |U|
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |                       Message Identifier                      |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! \                                                               \
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! ```

use std::fmt;

use base::{Malformed, Reader, Writer};

use super::{CHUNK_HEADER, ChunkType, Entry, List, chunk};
use crate::{Mid, StreamId, Tsn};

/// A stream whose messages of one kind up to one are not to be waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SkippedMessage {
    /// The stream.
    pub stream: StreamId,
    /// Whether it is about the unordered messages of the stream.
    pub unordered: bool,
    /// The last such message that was given up.
    pub mid: Mid,
}

impl Entry for SkippedMessage {
    type Bytes = [u8; 8];

    fn split(bytes: &[u8]) -> (&[Self::Bytes], &[u8]) {
        bytes.as_chunks()
    }

    fn read([a, b, _, flags, mid @ ..]: Self::Bytes) -> Self {
        Self {
            stream: StreamId::new(u16::from_be_bytes([a, b])),
            unordered: flags & 1 != 0,
            mid: Mid::new(u32::from_be_bytes(mid)),
        }
    }

    fn write(self, writer: &mut Writer<'_>) {
        writer.u16(self.stream.get());
        writer.u16(u16::from(self.unordered));
        writer.u32(self.mid.get());
    }
}

impl fmt::Display for SkippedMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}:{}", self.stream, if self.unordered { "U" } else { "" }, self.mid)
    }
}

/// Moves past interleaved messages that were given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IForwardTsn<'a> {
    /// The number up to which nothing is to be waited for.
    pub new_cumulative: Tsn,
    /// The streams whose messages were given up, at most two entries for each.
    pub skipped: List<'a, SkippedMessage>,
}

impl<'a> IForwardTsn<'a> {
    /// Bytes before the first entry.
    pub const HEADER: usize = CHUNK_HEADER + 4;

    /// Bytes of an entry.
    pub const ENTRY: usize = 8;

    pub(super) fn parse(mut value: Reader<'a>) -> Result<Self, Malformed> {
        Ok(Self { new_cumulative: Tsn::new(value.u32()?), skipped: List::read(value)? })
    }

    /// Appends the chunk. Callers bound the list to what a packet holds.
    pub fn write(&self, writer: &mut Writer<'_>) {
        chunk::write(writer, ChunkType::I_FORWARD_TSN, 0, |writer| {
            writer.u32(self.new_cumulative.get());
            self.skipped.write(writer);
        });
    }
}

impl fmt::Display for IForwardTsn<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "I-FORWARD TSN cum={}", self.new_cumulative)?;
        if self.skipped.is_empty() { Ok(()) } else { write!(f, " skipped={}", self.skipped) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{
        Chunk,
        testing::{chunk_laws, hex},
    };

    #[test]
    fn reads_capture() {
        let text = chunk_laws("c200 0008 ffff ffff", 8, |_| ());
        assert_eq!(text, "I-FORWARD TSN cum=4294967295");
        let bytes = hex("c200 0018 0000 0001 0002 0001 ffff ffff 0003 0000 0000 0000");
        let chunk = Chunk::read(&mut Reader::new(&bytes)).unwrap();
        let first =
            SkippedMessage { stream: StreamId::new(2), unordered: true, mid: Mid::new(u32::MAX) };
        let second =
            SkippedMessage { stream: StreamId::new(3), unordered: false, mid: Mid::new(0) };
        let skipped = [first, second];
        let wanted = IForwardTsn { new_cumulative: Tsn::new(1), skipped: List::from(&skipped[..]) };
        assert_eq!(chunk, Chunk::IForwardTsn(wanted));
        assert_eq!(chunk.to_string(), "I-FORWARD TSN cum=1 skipped=2U:4294967295,3:0");
        let mut again = Vec::new();
        wanted.write(&mut Writer::new(&mut again));
        assert_eq!(again, bytes);
    }

    #[test]
    fn half_an_entry_is_refused() {
        let bytes = hex("c200 000c 0000 0001 0002 0000");
        assert!(Chunk::read(&mut Reader::new(&bytes)).is_err());
    }
}
