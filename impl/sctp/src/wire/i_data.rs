//! User data of interleaved messages: [RFC 8260 §2.1](https://www.rfc-editor.org/rfc/rfc8260#section-2.1).
//!
//! ```text
//!  0                   1                   2                   3
//!  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |   Type = 64   |  Res  |I|U|B|E|       Length = Variable       |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |                              TSN                              |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |        Stream Identifier      |           Reserved            |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |                      Message Identifier                       |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |    Payload Protocol Identifier / Fragment Sequence Number     |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! \                           User Data                           \
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! ```

use std::fmt;

use base::{Malformed, Reader, Writer};

use super::{ChunkType, DataFlags, tlv};
use crate::{Fsn, Mid, Ppid, StreamId, Tsn};

/// A message, or a fragment of one, that may stand between fragments of others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IData<'a> {
    /// Where it stands in its message.
    pub flags: DataFlags,
    /// Its own number.
    pub tsn: Tsn,
    /// The stream of its message.
    pub stream: StreamId,
    /// The number of its message on the stream, one sequence for ordered and one for unordered messages.
    pub mid: Mid,
    /// With the first fragment what the message is to the application, with the others their number.
    pub ppid_or_fsn: u32,
    /// Bytes of the message. To send none is a misdeed (RFC 9260 §6.2), which is for the receiver to say.
    pub payload: &'a [u8],
}

impl<'a> IData<'a> {
    /// Bytes before the payload.
    pub const HEADER: usize = 20;

    /// The number of the fragment; the first one has number 0.
    #[must_use]
    pub const fn fsn(&self) -> Fsn {
        Fsn::new(if self.flags.beginning { 0 } else { self.ppid_or_fsn })
    }

    /// What the message is to the application, if the fragment says it.
    #[must_use]
    pub fn ppid(&self) -> Option<Ppid> {
        self.flags.beginning.then(|| Ppid::new(self.ppid_or_fsn))
    }

    pub(super) fn parse(flags: u8, mut value: Reader<'a>) -> Result<Self, Malformed> {
        let tsn = Tsn::new(value.u32()?);
        let stream = StreamId::new(value.u16()?);
        let _reserved = value.u16()?;
        Ok(Self {
            flags: DataFlags::from_bits(flags),
            tsn,
            stream,
            mid: Mid::new(value.u32()?),
            ppid_or_fsn: value.u32()?,
            payload: value.rest(),
        })
    }

    /// Appends the chunk, padded. It is at most 65,535 bytes long.
    pub fn write(&self, writer: &mut Writer<'_>) {
        let length = Self::HEADER + self.payload.len();
        let [high, low] = u16::try_from(length).unwrap_or(u16::MAX).to_be_bytes();
        let [stream_high, stream_low] = self.stream.get().to_be_bytes();
        let mut header = [0; Self::HEADER];
        let fields = [
            [ChunkType::I_DATA.number(), self.flags.bits(), high, low],
            self.tsn.get().to_be_bytes(),
            [stream_high, stream_low, 0, 0],
            self.mid.get().to_be_bytes(),
            self.ppid_or_fsn.to_be_bytes(),
        ];
        header.as_chunks_mut::<4>().0.copy_from_slice(&fields);
        writer.bytes(&header);
        writer.bytes(self.payload);
        writer.zeros(tlv::padding(length));
    }
}

impl fmt::Display for IData<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { flags, tsn, stream, mid, ppid_or_fsn, payload } = self;
        let (what, length) = (if flags.beginning { "ppid" } else { "fsn" }, payload.len());
        write!(
            f,
            "I-DATA {flags} tsn={tsn} sid={stream} mid={mid} {what}={ppid_or_fsn} len={length}"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{Chunk, testing::chunk_laws};

    #[test]
    fn reads_capture() {
        let text = chunk_laws(
            "4006 0015 0000 0001 0007 0000 ffff ffff 0000 0035 7800 0000",
            20,
            |chunk| {
                let Chunk::IData(data) = chunk else { panic!("{chunk}") };
                assert_eq!((data.ppid(), data.fsn()), (Some(Ppid::new(53)), Fsn::new(0)));
            },
        );
        assert_eq!(text, "I-DATA -UB- tsn=1 sid=7 mid=4294967295 ppid=53 len=1");
    }

    #[test]
    fn a_later_fragment_has_a_number_in_place_of_a_ppid() {
        let text = chunk_laws("4001 0014 0000 0001 0007 0000 0000 0002 0000 0003", 20, |chunk| {
            let Chunk::IData(data) = chunk else { panic!("{chunk}") };
            assert_eq!((data.ppid(), data.fsn()), (None, Fsn::new(3)));
        });
        assert_eq!(text, "I-DATA ---E tsn=1 sid=7 mid=2 fsn=3 len=0");
    }
}
