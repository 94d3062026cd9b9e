//! Padding: [RFC 4820 §3](https://www.rfc-editor.org/rfc/rfc4820#section-3).
//!
//! ```text
//!  0                   1                   2                   3
//!  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |  Type = 0x84  |   Flags=0     |            Length             |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! \                         Padding Data                          \
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! ```

use std::fmt;

use base::{Reader, Writer};

use super::{ChunkType, chunk};

/// Fills a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pad {
    /// Bytes after its header.
    pub length: u16,
}

impl Pad {
    pub(super) fn parse(value: Reader<'_>) -> Self {
        Self { length: u16::try_from(value.remaining()).unwrap_or(u16::MAX) }
    }

    /// Appends the chunk.
    pub fn write(&self, writer: &mut Writer<'_>) {
        chunk::write(writer, ChunkType::PAD, 0, |writer| writer.zeros(usize::from(self.length)));
    }
}

impl fmt::Display for Pad {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PAD len={}", self.length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{Chunk, testing::chunk_laws};

    #[test]
    fn reads_capture() {
        let text = chunk_laws("8400 0008 0000 0000", 4, |chunk| {
            assert_eq!(chunk, Chunk::Pad(Pad { length: 4 }));
        });
        assert_eq!(text, "PAD len=4");
    }
}
