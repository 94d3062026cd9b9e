//! Resetting all numbers: [RFC 6525 §4.3](https://www.rfc-editor.org/rfc/rfc6525#section-4.3).
//!
//! ```text
//!  0                   1                   2                   3
//!  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |     Parameter Type = 15       |      Parameter Length = 8     |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |         Re-configuration Request Sequence Number              |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! ```

use std::fmt;

use base::{Malformed, Reader, Writer};

use crate::RequestNumber;

/// Asks to reset the numbers of chunks and of messages, both ways.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AssociationReset {
    /// The number of this request.
    pub number: RequestNumber,
}

impl AssociationReset {
    pub(in crate::wire) fn parse(mut value: Reader<'_>) -> Result<Self, Malformed> {
        Ok(Self { number: RequestNumber::new(value.u32()?) })
    }

    pub(in crate::wire) fn write(&self, writer: &mut Writer<'_>) {
        writer.u32(self.number.get());
    }
}

impl fmt::Display for AssociationReset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "reset association req={}", self.number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::testing::parameter_laws;

    #[test]
    fn reads_capture() {
        assert_eq!(parameter_laws("000f 0008 ffff ffff"), "reset association req=4294967295");
    }

    #[test]
    fn rejects_truncated() {
        assert!(AssociationReset::parse(Reader::new(&[0; 3])).is_err());
    }
}
