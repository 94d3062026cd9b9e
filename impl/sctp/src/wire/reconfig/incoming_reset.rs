//! Resetting streams that the receiver sends on: [RFC 6525 §4.2](https://www.rfc-editor.org/rfc/rfc6525#section-4.2).
//!
//! ```text
//!  0                   1                   2                   3
//!  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |     Parameter Type = 14       |  Parameter Length = 8 + 2 * N |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |          Re-configuration Request Sequence Number             |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |  Stream Number 1 (optional)   |    Stream Number 2 (optional) |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! ```

use std::fmt;

use base::{Malformed, Reader, Writer};

use super::super::List;
use crate::{RequestNumber, StreamId};

/// Asks to reset streams that the receiver sends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IncomingReset<'a> {
    /// The number of this request.
    pub number: RequestNumber,
    /// The streams; none means all.
    pub streams: List<'a, StreamId>,
}

impl<'a> IncomingReset<'a> {
    /// Bytes of the parameter before the first stream.
    pub const HEADER: usize = 8;

    pub(in crate::wire) fn parse(mut value: Reader<'a>) -> Result<Self, Malformed> {
        Ok(Self { number: RequestNumber::new(value.u32()?), streams: List::read(value)? })
    }

    pub(in crate::wire) fn write(&self, writer: &mut Writer<'_>) {
        writer.u32(self.number.get());
        self.streams.write(writer);
    }
}

impl fmt::Display for IncomingReset<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { number, streams } = self;
        write!(f, "reset incoming req={number}")?;
        if streams.is_empty() { f.write_str(" all") } else { write!(f, " sids={streams}") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::testing::parameter_laws;

    #[test]
    fn reads_capture() {
        assert_eq!(parameter_laws("000e 0008 0000 0007"), "reset incoming req=7 all");
        let text = parameter_laws("000e 000a 0000 0007 0001 0000");
        assert_eq!(text, "reset incoming req=7 sids=1");
    }

    #[test]
    fn half_a_stream_is_refused() {
        assert!(IncomingReset::parse(Reader::new(&[0; 5])).is_err());
        assert!(IncomingReset::parse(Reader::new(&[0; 3])).is_err());
    }
}
