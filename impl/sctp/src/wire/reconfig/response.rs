//! Answers to changes of streams: [RFC 6525 §4.4](https://www.rfc-editor.org/rfc/rfc6525#section-4.4).
//!
//! ```text
//!  0                   1                   2                   3
//!  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |     Parameter Type = 16       |      Parameter Length         |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |         Re-configuration Response Sequence Number             |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |                            Result                             |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |                   Sender's Next TSN (optional)                |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |                  Receiver's Next TSN (optional)               |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! ```

use std::fmt;

use base::{Malformed, Reader, Writer};

use super::super::number::number;
use crate::{RequestNumber, Tsn};

number! {
    /// What became of a request.
    ReconfigResult: u32 {
        /// There was nothing to do.
        NOTHING_TO_DO = 0 "nothing to do",
        /// It was done.
        PERFORMED = 1 "performed",
        /// It was refused.
        DENIED = 2 "denied",
        /// It named a stream that does not exist.
        WRONG_SSN = 3 "wrong SSN",
        /// Another one is going on.
        ALREADY_IN_PROGRESS = 4 "request already in progress",
        /// Its number was not the next.
        BAD_SEQUENCE_NUMBER = 5 "bad sequence number",
        /// It will be done: ask again with the same number.
        IN_PROGRESS = 6 "in progress",
    }
}

/// What both ends number chunks with after all numbers were reset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NextTsns {
    /// What the one who answers begins with.
    pub sender: Tsn,
    /// What the one who asked is to begin with.
    pub receiver: Tsn,
}

/// Answers a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReconfigResponse {
    /// The number of the request.
    pub number: RequestNumber,
    /// What became of it.
    pub result: ReconfigResult,
    /// The next numbers, if the request was to reset all of them.
    pub next: Option<NextTsns>,
}

impl ReconfigResponse {
    /// Bytes of the parameter with the optional fields.
    pub const MAX_LENGTH: usize = 20;

    pub(in crate::wire) fn parse(mut value: Reader<'_>) -> Result<Self, Malformed> {
        let number = RequestNumber::new(value.u32()?);
        let result = ReconfigResult::new(value.u32()?);
        let next = match value.remaining() {
            0 => None,
            _ => {
                Some(NextTsns { sender: Tsn::new(value.u32()?), receiver: Tsn::new(value.u32()?) })
            }
        };
        Ok(Self { number, result, next })
    }

    pub(in crate::wire) fn write(&self, writer: &mut Writer<'_>) {
        writer.u32(self.number.get());
        writer.u32(self.result.number());
        if let Some(next) = self.next {
            writer.u32(next.sender.get());
            writer.u32(next.receiver.get());
        }
    }
}

impl fmt::Display for ReconfigResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "response {} {}", self.number, self.result)?;
        self.next.map_or(Ok(()), |next| write!(f, " next={},{}", next.sender, next.receiver))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::testing::parameter_laws;

    #[test]
    fn reads_capture() {
        let text = parameter_laws("0010 000c ffff ffff 0000 0006");
        assert_eq!(text, "response 4294967295 in progress");
        let text = parameter_laws("0010 0014 0000 0007 0000 0001 ffff fff0 0000 0002");
        assert_eq!(text, "response 7 performed next=4294967280,2");
        assert_eq!(parameter_laws("0010 000c 0000 0007 0000 0009"), "response 7 0x9");
    }

    #[test]
    fn rejects_truncated() {
        for length in (0..8).chain(9..16) {
            assert!(ReconfigResponse::parse(Reader::new(&[0; 16][..length])).is_err(), "{length}");
        }
    }
}
