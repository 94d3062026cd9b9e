//! The orderly end, first step: [RFC 9260 §3.3.8](https://www.rfc-editor.org/rfc/rfc9260#section-3.3.8).
//!
//! ```text
//!  0                   1                   2                   3
//!  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |   Type = 7    |  Chunk Flags  |          Length = 8           |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |                      Cumulative TSN Ack                       |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! ```

use std::fmt;

use base::{Malformed, Reader, Writer};

use super::{ChunkType, chunk};
use crate::Tsn;

/// Asks for an orderly end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shutdown {
    /// The last number before the first that did not arrive.
    pub cumulative: Tsn,
}

impl Shutdown {
    pub(super) fn parse(mut value: Reader<'_>) -> Result<Self, Malformed> {
        Ok(Self { cumulative: Tsn::new(value.u32()?) })
    }

    /// Appends the chunk.
    pub fn write(&self, writer: &mut Writer<'_>) {
        chunk::write(writer, ChunkType::SHUTDOWN, 0, |writer| writer.u32(self.cumulative.get()));
    }
}

impl fmt::Display for Shutdown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SHUTDOWN cum={}", self.cumulative)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{Chunk, testing::chunk_laws};

    #[test]
    fn reads_capture() {
        let text = chunk_laws("0700 0008 ffff fff0", 8, |chunk| {
            assert_eq!(chunk, Chunk::Shutdown(Shutdown { cumulative: Tsn::new(0xffff_fff0) }));
        });
        assert_eq!(text, "SHUTDOWN cum=4294967280");
    }
}
