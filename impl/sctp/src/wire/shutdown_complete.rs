//! The orderly end, last step: [RFC 9260 §3.3.13](https://www.rfc-editor.org/rfc/rfc9260#section-3.3.13).
//!
//! ```text
//!  0                   1                   2                   3
//!  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |   Type = 14   |  Reserved   |T|          Length = 4           |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! ```

use std::fmt;

use base::Writer;

use super::{ChunkType, chunk};

/// Ends the orderly end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShutdownComplete {
    /// Whether the packet carries the receiver's own tag, since its sender knows no association
    /// (RFC 9260 §8.4).
    pub is_reflected: bool,
}

impl ShutdownComplete {
    pub(super) const fn parse(flags: u8) -> Self {
        Self { is_reflected: flags & 1 != 0 }
    }

    /// Appends the chunk.
    pub fn write(&self, writer: &mut Writer<'_>) {
        let flags = u8::from(self.is_reflected);
        chunk::write(writer, ChunkType::SHUTDOWN_COMPLETE, flags, |_| ());
    }
}

impl fmt::Display for ShutdownComplete {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_reflected { "SHUTDOWN COMPLETE T" } else { "SHUTDOWN COMPLETE" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{Chunk, testing::chunk_laws};

    #[test]
    fn reads_capture() {
        let text = chunk_laws("0e01 0004", 4, |chunk| {
            assert_eq!(chunk, Chunk::ShutdownComplete(ShutdownComplete { is_reflected: true }));
        });
        assert_eq!(text, "SHUTDOWN COMPLETE T");
        assert_eq!(chunk_laws("0e00 0004", 4, |_| ()), "SHUTDOWN COMPLETE");
    }
}
