//! Resetting streams that the sender sends on: [RFC 6525 §4.1](https://www.rfc-editor.org/rfc/rfc6525#section-4.1).
//!
//! ```text
//!  0                   1                   2                   3
//!  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |     Parameter Type = 13       | Parameter Length = 16 + 2 * N |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |           Re-configuration Request Sequence Number            |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |           Re-configuration Response Sequence Number           |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |                Sender's Last Assigned TSN                     |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |  Stream Number 1 (optional)   |    Stream Number 2 (optional) |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! ```

use std::fmt;

use base::{Malformed, Reader, Writer};

use super::super::List;
use crate::{RequestNumber, StreamId, Tsn};

/// Asks to reset streams that the sender sends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutgoingReset<'a> {
    /// The number of this request.
    pub number: RequestNumber,
    /// The request of the receiver that this one answers, or the last one that came from it.
    pub answers: RequestNumber,
    /// The last number that its sender gave to a chunk.
    pub last_tsn: Tsn,
    /// The streams; none means all.
    pub streams: List<'a, StreamId>,
}

impl<'a> OutgoingReset<'a> {
    /// Bytes of the parameter before the first stream.
    pub const HEADER: usize = 16;

    pub(in crate::wire) fn parse(mut value: Reader<'a>) -> Result<Self, Malformed> {
        Ok(Self {
            number: RequestNumber::new(value.u32()?),
            answers: RequestNumber::new(value.u32()?),
            last_tsn: Tsn::new(value.u32()?),
            streams: List::read(value)?,
        })
    }

    pub(in crate::wire) fn write(&self, writer: &mut Writer<'_>) {
        writer.u32(self.number.get());
        writer.u32(self.answers.get());
        writer.u32(self.last_tsn.get());
        self.streams.write(writer);
    }
}

impl fmt::Display for OutgoingReset<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { number, answers, last_tsn, streams } = self;
        write!(f, "reset outgoing req={number} resp={answers} last={last_tsn}")?;
        if streams.is_empty() { f.write_str(" all") } else { write!(f, " sids={streams}") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::testing::parameter_laws;

    #[test]
    fn reads_capture() {
        let text = parameter_laws("000d 0014 ffff ffff 0000 0007 ffff fff0 0001 fffe");
        assert_eq!(text, "reset outgoing req=4294967295 resp=7 last=4294967280 sids=1,65534");
    }

    #[test]
    fn half_a_stream_is_refused() {
        assert!(OutgoingReset::parse(Reader::new(&[0; 13])).is_err());
        assert!(OutgoingReset::parse(Reader::new(&[0; 11])).is_err());
    }
}
