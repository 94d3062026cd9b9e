//! Acknowledgements: [RFC 9260 §3.3.4](https://www.rfc-editor.org/rfc/rfc9260#section-3.3.4).
//!
//! ```text
//!  0                   1                   2                   3
//!  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |   Type = 3    |  Chunk Flags  |         Chunk Length          |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |                      Cumulative TSN Ack                       |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |          Advertised Receiver Window Credit (a_rwnd)           |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! | Number of Gap Ack Blocks = N  |  Number of Duplicate TSNs = M |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |    Gap Ack Block #1 Start     |     Gap Ack Block #1 End      |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! \                              ...                              \
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |                        Duplicate TSN 1                        |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! \                              ...                              \
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! ```

use std::fmt;

use base::{Malformed, Reader, Writer};

use super::{CHUNK_HEADER, ChunkType, Entry, List, chunk};
use crate::Tsn;

/// Numbers that arrived after the first one that did not, counted from the cumulative number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GapBlock {
    /// The first of them, as a distance from the cumulative number.
    pub start: u16,
    /// The last of them, likewise. A block that ends before it starts is for the sender to judge.
    pub end: u16,
}

impl Entry for GapBlock {
    type Bytes = [u8; 4];

    fn split(bytes: &[u8]) -> (&[Self::Bytes], &[u8]) {
        bytes.as_chunks()
    }

    fn read([a, b, c, d]: Self::Bytes) -> Self {
        Self { start: u16::from_be_bytes([a, b]), end: u16::from_be_bytes([c, d]) }
    }

    fn write(self, writer: &mut Writer<'_>) {
        writer.u16(self.start);
        writer.u16(self.end);
    }
}

impl fmt::Display for GapBlock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.start, self.end)
    }
}

/// What arrived, and how much more may come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sack<'a> {
    /// The last number before the first that did not arrive.
    pub cumulative: Tsn,
    /// Bytes that the receiver has room for.
    pub a_rwnd: u32,
    /// What arrived beyond, at most 65,535 blocks.
    pub gaps: List<'a, GapBlock>,
    /// Numbers that came more than once, each time they did; at most 65,535.
    pub duplicates: List<'a, Tsn>,
}

impl<'a> Sack<'a> {
    /// Bytes before the first block.
    pub const HEADER: usize = CHUNK_HEADER + 12;

    /// Bytes of a block, and of a duplicate.
    pub const ENTRY: usize = 4;

    pub(super) fn parse(mut value: Reader<'a>) -> Result<Self, Malformed> {
        let (cumulative, a_rwnd) = (Tsn::new(value.u32()?), value.u32()?);
        let gaps = Self::ENTRY * usize::from(value.u16()?);
        let duplicates = Self::ENTRY * usize::from(value.u16()?);
        let gaps = List::read(value.sub(gaps)?)?;
        let duplicates = List::read(value.sub(duplicates)?)?;
        Ok(Self { cumulative, a_rwnd, gaps, duplicates })
    }

    /// Appends the chunk. Callers bound the lists to what a packet holds.
    pub fn write(&self, writer: &mut Writer<'_>) {
        chunk::write(writer, ChunkType::SACK, 0, |writer| {
            writer.u32(self.cumulative.get());
            writer.u32(self.a_rwnd);
            writer.u16(u16::try_from(self.gaps.len()).unwrap_or(u16::MAX));
            writer.u16(u16::try_from(self.duplicates.len()).unwrap_or(u16::MAX));
            self.gaps.write(writer);
            self.duplicates.write(writer);
        });
    }
}

impl fmt::Display for Sack<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SACK cum={} a_rwnd={}", self.cumulative, self.a_rwnd)?;
        if !self.gaps.is_empty() {
            write!(f, " gaps={}", self.gaps)?;
        }
        if !self.duplicates.is_empty() {
            write!(f, " dups={}", self.duplicates)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{Chunk, testing::chunk_laws};

    const CAPTURE: &str = "0300 001c ffff ffff 0002 0000 0002 0001 0002 0003 0005 ffff ffff fff1";

    #[test]
    fn reads_capture() {
        let text = chunk_laws(CAPTURE, 28, |chunk| {
            let Chunk::Sack(sack) = chunk else { panic!("{chunk}") };
            let blocks = [GapBlock { start: 2, end: 3 }, GapBlock { start: 5, end: 0xffff }];
            assert_eq!(sack.gaps, List::from(&blocks[..]));
        });
        assert_eq!(text, "SACK cum=4294967295 a_rwnd=131072 gaps=2-3,5-65535 dups=4294967281");
    }

    #[test]
    fn what_is_made_is_what_is_read() {
        let blocks = [GapBlock { start: 2, end: 2 }];
        let twice = [Tsn::new(0xffff_fff0), Tsn::new(1)];
        let sack = Sack {
            cumulative: Tsn::new(0xffff_fffe),
            a_rwnd: 7,
            gaps: List::from(&blocks[..]),
            duplicates: List::from(&twice[..]),
        };
        let mut bytes = Vec::new();
        sack.write(&mut Writer::new(&mut bytes));
        assert_eq!(bytes.len(), Sack::HEADER + 3 * Sack::ENTRY);
        assert_eq!(Chunk::read(&mut Reader::new(&bytes)), Ok(Chunk::Sack(sack)));
    }
}
