//! Marks of the network: [RFC 4960 §A](https://www.rfc-editor.org/rfc/rfc4960#appendix-A).
//!
//! ```text
//!  0                   1                   2                   3
//!  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! | Type=12 or 13 |  Chunk Flags  |          Length = 8           |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |                      Lowest TSN Number                        |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! ```

use std::fmt;

use base::{Malformed, Reader, Writer};

use super::{ChunkType, chunk};
use crate::Tsn;

/// Tells of a packet that the network marked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ecne {
    /// The lowest number in that packet.
    pub lowest: Tsn,
}

impl Ecne {
    pub(super) fn parse(mut value: Reader<'_>) -> Result<Self, Malformed> {
        Ok(Self { lowest: Tsn::new(value.u32()?) })
    }

    /// Appends the chunk.
    pub fn write(&self, writer: &mut Writer<'_>) {
        chunk::write(writer, ChunkType::ECNE, 0, |writer| writer.u32(self.lowest.get()));
    }
}

impl fmt::Display for Ecne {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ECNE tsn={}", self.lowest)
    }
}

/// Says that the window was reduced for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cwr {
    /// The number that was told.
    pub lowest: Tsn,
}

impl Cwr {
    pub(super) fn parse(mut value: Reader<'_>) -> Result<Self, Malformed> {
        Ok(Self { lowest: Tsn::new(value.u32()?) })
    }

    /// Appends the chunk.
    pub fn write(&self, writer: &mut Writer<'_>) {
        chunk::write(writer, ChunkType::CWR, 0, |writer| writer.u32(self.lowest.get()));
    }
}

impl fmt::Display for Cwr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CWR tsn={}", self.lowest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{Chunk, testing::chunk_laws};

    #[test]
    fn reads_capture() {
        let text = chunk_laws("0c00 0008 0000 0007", 8, |chunk| {
            assert_eq!(chunk, Chunk::Ecne(Ecne { lowest: Tsn::new(7) }));
        });
        assert_eq!(text, "ECNE tsn=7");
        let text = chunk_laws("0d00 0008 0000 0007", 8, |chunk| {
            assert_eq!(chunk, Chunk::Cwr(Cwr { lowest: Tsn::new(7) }));
        });
        assert_eq!(text, "CWR tsn=7");
    }
}
