//! Adding streams: [RFC 6525 §4.5](https://www.rfc-editor.org/rfc/rfc6525#section-4.5),
//! [§4.6](https://www.rfc-editor.org/rfc/rfc6525#section-4.6).
//!
//! ```text
//!  0                   1                   2                   3
//!  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |  Parameter Type = 17 or 18    |     Parameter Length = 12     |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |          Re-configuration Request Sequence Number             |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |      Number of new streams    |         Reserved              |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! ```

use std::fmt;

use base::{Malformed, Reader, Writer};

use crate::RequestNumber;

/// Asks for more streams of one direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AddStreams {
    /// The number of this request.
    pub number: RequestNumber,
    /// How many more.
    pub count: u16,
}

impl AddStreams {
    pub(in crate::wire) fn parse(mut value: Reader<'_>) -> Result<Self, Malformed> {
        let (number, count) = (RequestNumber::new(value.u32()?), value.u16()?);
        let _reserved = value.u16()?;
        Ok(Self { number, count })
    }

    pub(in crate::wire) fn write(&self, writer: &mut Writer<'_>) {
        writer.u32(self.number.get());
        writer.u16(self.count);
        writer.u16(0);
    }
}

impl fmt::Display for AddStreams {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "req={} count={}", self.number, self.count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::testing::parameter_laws;

    #[test]
    fn reads_capture() {
        let text = parameter_laws("0011 000c 0000 0007 0003 0000");
        assert_eq!(text, "add outgoing streams req=7 count=3");
        let text = parameter_laws("0012 000c 0000 0007 ffff 0000");
        assert_eq!(text, "add incoming streams req=7 count=65535");
    }

    #[test]
    fn rejects_truncated() {
        assert!(AddStreams::parse(Reader::new(&[0; 7])).is_err());
    }
}
