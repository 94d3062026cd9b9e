//! Chunks that are only a header: [RFC 9260 §3.3.9](https://www.rfc-editor.org/rfc/rfc9260#section-3.3.9),
//! [§3.3.12](https://www.rfc-editor.org/rfc/rfc9260#section-3.3.12).
//!
//! ```text
//!  0                   1                   2                   3
//!  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! | Type = 8 or 11|  Chunk Flags  |          Length = 4           |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! ```

use std::fmt;

use base::Writer;

use super::{ChunkType, chunk};

/// Agrees to an orderly end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShutdownAck;

impl ShutdownAck {
    /// Appends the chunk.
    pub fn write(&self, writer: &mut Writer<'_>) {
        chunk::write(writer, ChunkType::SHUTDOWN_ACK, 0, |_| ());
    }
}

impl fmt::Display for ShutdownAck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        ChunkType::SHUTDOWN_ACK.fmt(f)
    }
}

/// Says that the cookie was good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CookieAck;

impl CookieAck {
    /// Appends the chunk.
    pub fn write(&self, writer: &mut Writer<'_>) {
        chunk::write(writer, ChunkType::COOKIE_ACK, 0, |_| ());
    }
}

impl fmt::Display for CookieAck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        ChunkType::COOKIE_ACK.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{Chunk, testing::chunk_laws};

    #[test]
    fn reads_capture() {
        let text = chunk_laws("0800 0004", 4, |chunk| {
            assert_eq!(chunk, Chunk::ShutdownAck(ShutdownAck));
        });
        assert_eq!(text, "SHUTDOWN ACK");
        let text =
            chunk_laws("0b00 0004", 4, |chunk| assert_eq!(chunk, Chunk::CookieAck(CookieAck)));
        assert_eq!(text, "COOKIE ACK");
    }
}
