//! The cookie, brought back: [RFC 9260 §3.3.11](https://www.rfc-editor.org/rfc/rfc9260#section-3.3.11).
//!
//! ```text
//!  0                   1                   2                   3
//!  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |   Type = 10   |  Chunk Flags  |            Length             |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! \                            Cookie                             \
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! ```

use std::fmt;

use base::{Reader, Writer};

use super::{ChunkType, chunk};

/// Brings a cookie back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CookieEcho<'a> {
    /// The cookie, as it came.
    pub cookie: &'a [u8],
}

impl<'a> CookieEcho<'a> {
    pub(super) fn parse(mut value: Reader<'a>) -> Self {
        Self { cookie: value.rest() }
    }

    /// Appends the chunk, padded.
    pub fn write(&self, writer: &mut Writer<'_>) {
        chunk::write(writer, ChunkType::COOKIE_ECHO, 0, |writer| writer.bytes(self.cookie));
    }
}

impl fmt::Display for CookieEcho<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "COOKIE ECHO len={}", self.cookie.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{Chunk, testing::chunk_laws};

    #[test]
    fn reads_capture() {
        let text = chunk_laws("0a00 0006 abcd 0000", 4, |chunk| {
            assert_eq!(chunk, Chunk::CookieEcho(CookieEcho { cookie: &[0xab, 0xcd] }));
        });
        assert_eq!(text, "COOKIE ECHO len=2");
    }
}
