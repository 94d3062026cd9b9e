//! Errors that do not end the association:
//! [RFC 9260 §3.3.10](https://www.rfc-editor.org/rfc/rfc9260#section-3.3.10).
//!
//! ```text
//!  0                   1                   2                   3
//!  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |   Type = 9    |  Chunk Flags  |            Length             |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! \                   one or more Error Causes                    \
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! ```

use std::fmt;

use base::{Reader, Writer};

use super::{Causes, ChunkType, chunk};

/// Tells of an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OperationError<'a> {
    /// What was wrong.
    pub causes: Causes<'a>,
}

impl<'a> OperationError<'a> {
    pub(super) const fn parse(value: Reader<'a>) -> Self {
        Self { causes: Causes::read(value) }
    }

    /// Appends the chunk.
    pub fn write(&self, writer: &mut Writer<'_>) {
        chunk::write(writer, ChunkType::ERROR, 0, |writer| self.causes.write(writer));
    }
}

impl fmt::Display for OperationError<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ERROR{}", self.causes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{Cause, Chunk, testing::chunk_laws};

    #[test]
    fn reads_capture() {
        let text = chunk_laws("0900 0010 0004 0004 0006 0008 5500 0004", 4, |chunk| {
            let causes = [Cause::OutOfResource, Cause::UnrecognizedChunk(&[0x55, 0, 0, 4])];
            let wanted = OperationError { causes: Causes::from(&causes[..]) };
            assert_eq!(chunk, Chunk::Error(wanted));
        });
        assert_eq!(text, "ERROR (out of resource) (unrecognized chunk type len=4)");
    }
}
