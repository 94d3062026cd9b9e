//! Moving past messages that were given up: [RFC 3758 §3.2](https://www.rfc-editor.org/rfc/rfc3758#section-3.2).
//!
//! ```text
//!  0                   1                   2                   3
//!  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |  Type = 192   |  Flags = 0x00 |        Length = Variable      |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |                      New Cumulative TSN                       |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |           Stream-1            |       Stream Sequence-1       |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! \                                                               \
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! ```

use std::fmt;

use base::{Malformed, Reader, Writer};

use super::{CHUNK_HEADER, ChunkType, Entry, List, chunk};
use crate::{Ssn, StreamId, Tsn};

/// A stream whose messages up to one are not to be waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SkippedStream {
    /// The stream.
    pub stream: StreamId,
    /// The last ordered message on it that was given up.
    pub ssn: Ssn,
}

impl Entry for SkippedStream {
    type Bytes = [u8; 4];

    fn split(bytes: &[u8]) -> (&[Self::Bytes], &[u8]) {
        bytes.as_chunks()
    }

    fn read([a, b, c, d]: Self::Bytes) -> Self {
        let (stream, ssn) = (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]));
        Self { stream: StreamId::new(stream), ssn: Ssn::new(ssn) }
    }

    fn write(self, writer: &mut Writer<'_>) {
        writer.u16(self.stream.get());
        writer.u16(self.ssn.get());
    }
}

impl fmt::Display for SkippedStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.stream, self.ssn)
    }
}

/// Moves past messages that were given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ForwardTsn<'a> {
    /// The number up to which nothing is to be waited for.
    pub new_cumulative: Tsn,
    /// The streams whose ordered messages were given up.
    pub skipped: List<'a, SkippedStream>,
}

impl<'a> ForwardTsn<'a> {
    /// Bytes before the first entry.
    pub const HEADER: usize = CHUNK_HEADER + 4;

    /// Bytes of an entry.
    pub const ENTRY: usize = 4;

    pub(super) fn parse(mut value: Reader<'a>) -> Result<Self, Malformed> {
        Ok(Self { new_cumulative: Tsn::new(value.u32()?), skipped: List::read(value)? })
    }

    /// Appends the chunk. Callers bound the list to what a packet holds.
    pub fn write(&self, writer: &mut Writer<'_>) {
        chunk::write(writer, ChunkType::FORWARD_TSN, 0, |writer| {
            writer.u32(self.new_cumulative.get());
            self.skipped.write(writer);
        });
    }
}

impl fmt::Display for ForwardTsn<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FORWARD TSN cum={}", self.new_cumulative)?;
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
        let text = chunk_laws("c000 0008 ffff ffff", 8, |_| ());
        assert_eq!(text, "FORWARD TSN cum=4294967295");
        let bytes = hex("c000 000c 0000 0001 0002 fffe");
        let chunk = Chunk::read(&mut Reader::new(&bytes)).unwrap();
        let skipped = [SkippedStream { stream: StreamId::new(2), ssn: Ssn::new(0xfffe) }];
        let wanted = ForwardTsn { new_cumulative: Tsn::new(1), skipped: List::from(&skipped[..]) };
        assert_eq!(chunk, Chunk::ForwardTsn(wanted));
        assert_eq!(chunk.to_string(), "FORWARD TSN cum=1 skipped=2:65534");
        let mut again = Vec::new();
        wanted.write(&mut Writer::new(&mut again));
        assert_eq!(again, bytes);
    }

    #[test]
    fn half_an_entry_is_refused() {
        let bytes = hex("c000 000a 0000 0001 0002 0000");
        assert!(Chunk::read(&mut Reader::new(&bytes)).is_err());
    }
}
