//! Heartbeats: [RFC 9260 §3.3.5](https://www.rfc-editor.org/rfc/rfc9260#section-3.3.5),
//! [§3.3.6](https://www.rfc-editor.org/rfc/rfc9260#section-3.3.6).
//!
//! ```text
//!  0                   1                   2                   3
//!  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! | Type = 4 or 5 |  Chunk Flags  |       Heartbeat Length        |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |    Heartbeat Info Type = 1    |        HB Info Length         |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! \              Sender-Specific Heartbeat Info                   \
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! ```

use std::fmt;

use base::{Malformed, Reader, Writer};

use super::{ChunkType, Parameter, chunk, tlv};

/// Asks whether a path works, or says that it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Heartbeat<'a> {
    /// What the one who asked understands; the answer brings it back as it is.
    pub info: &'a [u8],
    /// What else the chunk carries after that; the answer brings it back as well (RFC 9260 §8.3).
    pub rest: &'a [u8],
}

impl<'a> Heartbeat<'a> {
    pub(super) fn parse(mut value: Reader<'a>) -> Result<Self, Malformed> {
        let at = value.position();
        match Parameter::read(&mut value)? {
            Parameter::HeartbeatInfo(info) => Ok(Self { info, rest: value.rest() }),
            _ => Err(Malformed { what: "heartbeat without its information", at }),
        }
    }

    /// Appends the chunk, which is of type `kind`: HEARTBEAT or HEARTBEAT ACK.
    pub fn write(&self, kind: ChunkType, writer: &mut Writer<'_>) {
        chunk::write(writer, kind, 0, |writer| {
            let start = writer.len();
            Parameter::HeartbeatInfo(self.info).write(writer);
            if self.rest.is_empty() {
                tlv::unpad(writer, start);
            }
            writer.bytes(self.rest);
        });
    }
}

impl fmt::Display for Heartbeat<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "len={}", self.info.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{
        Chunk,
        testing::{chunk_laws, hex},
    };

    #[test]
    fn reads_capture() {
        let text = chunk_laws("0400 000c 0001 0008 0102 0304", 12, |chunk| {
            assert_eq!(chunk, Chunk::Heartbeat(Heartbeat { info: &[1, 2, 3, 4], rest: &[] }));
        });
        assert_eq!(text, "HEARTBEAT len=4");
        assert_eq!(chunk_laws("0500 0008 0001 0004", 8, |_| ()), "HEARTBEAT ACK len=0");
    }

    #[test]
    fn what_follows_comes_back_as_well() {
        chunk_laws("0500 0011 0001 0005 0100 0000 8123 0005 0900 0000", 9, |chunk| {
            let Chunk::HeartbeatAck(heartbeat) = chunk else { panic!("{chunk}") };
            assert_eq!(heartbeat.rest, [0x81, 0x23, 0, 5, 9]);
        });
    }

    #[test]
    fn the_length_counts_no_padding_at_the_end() {
        chunk_laws("0500 0009 0001 0005 0100 0000", 9, |_| ());
        let mut bytes = Vec::new();
        let heartbeat = Heartbeat { info: &[1], rest: &[] };
        heartbeat.write(ChunkType::HEARTBEAT, &mut Writer::new(&mut bytes));
        assert_eq!(bytes, hex("0400 0009 0001 0005 0100 0000"));
    }

    #[test]
    fn another_parameter_in_its_place_is_refused() {
        let bytes = hex("0400 0008 0002 0004");
        assert!(Chunk::read(&mut Reader::new(&bytes)).is_err());
    }
}
