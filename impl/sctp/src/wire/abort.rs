//! The end at once: [RFC 9260 §3.3.7](https://www.rfc-editor.org/rfc/rfc9260#section-3.3.7).
//!
//! ```text
//!  0                   1                   2                   3
//!  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |   Type = 6    |  Reserved   |T|            Length             |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! \                   zero or more Error Causes                   \
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! ```

use std::fmt;

use base::{Reader, Writer};

use super::{Causes, ChunkType, chunk};

/// Ends the association at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Abort<'a> {
    /// Whether the packet carries the receiver's own tag, since its sender knows no association
    /// (RFC 9260 §8.4).
    pub is_reflected: bool,
    /// Why.
    pub causes: Causes<'a>,
}

impl<'a> Abort<'a> {
    pub(super) const fn parse(flags: u8, value: Reader<'a>) -> Self {
        Self { is_reflected: flags & 1 != 0, causes: Causes::read(value) }
    }

    /// Appends the chunk.
    pub fn write(&self, writer: &mut Writer<'_>) {
        let flags = u8::from(self.is_reflected);
        chunk::write(writer, ChunkType::ABORT, flags, |writer| self.causes.write(writer));
    }
}

impl fmt::Display for Abort<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ABORT{}{}", if self.is_reflected { " T" } else { "" }, self.causes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{Cause, Chunk, testing::chunk_laws};

    #[test]
    fn reads_capture() {
        let text = chunk_laws("0601 000b 000c 0007 6279 6500", 4, |chunk| {
            let causes = [Cause::UserAbort(b"bye")];
            let wanted = Abort { is_reflected: true, causes: Causes::from(&causes[..]) };
            assert_eq!(chunk, Chunk::Abort(wanted));
        });
        assert_eq!(text, "ABORT T (user-initiated abort \"bye\")");
    }

    #[test]
    fn needs_no_reason() {
        assert_eq!(chunk_laws("0600 0004", 4, |_| ()), "ABORT");
    }
}
