//! User data: [RFC 9260 §3.3.1](https://www.rfc-editor.org/rfc/rfc9260#section-3.3.1).
//!
//! ```text
//!  0                   1                   2                   3
//!  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |   Type = 0    |  Res  |I|U|B|E|            Length             |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |                              TSN                              |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |       Stream Identifier       |    Stream Sequence Number     |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |                  Payload Protocol Identifier                  |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! \                           User Data                           \
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! ```

use std::fmt;

use base::{Malformed, Reader, Writer};

use super::{ChunkType, tlv};
use crate::{Ppid, Ssn, StreamId, Tsn};

/// What the flags of DATA and I-DATA say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DataFlags {
    /// The first fragment of its message.
    pub beginning: bool,
    /// The last fragment of its message.
    pub ending: bool,
    /// The message has no order among the others of its stream.
    pub unordered: bool,
    /// The sender wants to hear of it at once.
    pub immediate: bool,
}

impl DataFlags {
    /// A message in one piece, in order.
    pub const WHOLE: Self =
        Self { beginning: true, ending: true, unordered: false, immediate: false };

    pub(super) const fn from_bits(bits: u8) -> Self {
        Self {
            ending: bits & 1 != 0,
            beginning: bits & 2 != 0,
            unordered: bits & 4 != 0,
            immediate: bits & 8 != 0,
        }
    }

    pub(super) const fn bits(self) -> u8 {
        self.ending as u8
            | (self.beginning as u8) << 1
            | (self.unordered as u8) << 2
            | (self.immediate as u8) << 3
    }
}

impl fmt::Display for DataFlags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (is_set, letter) in [
            (self.immediate, "I"),
            (self.unordered, "U"),
            (self.beginning, "B"),
            (self.ending, "E"),
        ] {
            f.write_str(if is_set { letter } else { "-" })?;
        }
        Ok(())
    }
}

/// A message, or a fragment of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Data<'a> {
    /// Where it stands in its message.
    pub flags: DataFlags,
    /// Its own number.
    pub tsn: Tsn,
    /// The stream of its message.
    pub stream: StreamId,
    /// The number of its message on the stream; of no meaning where it is unordered.
    pub ssn: Ssn,
    /// What the message is to the application.
    pub ppid: Ppid,
    /// Bytes of the message. To send none is a misdeed (RFC 9260 §6.2), which is for the receiver to say.
    pub payload: &'a [u8],
}

impl<'a> Data<'a> {
    /// Bytes before the payload.
    pub const HEADER: usize = 16;

    pub(super) fn parse(flags: u8, mut value: Reader<'a>) -> Result<Self, Malformed> {
        Ok(Self {
            flags: DataFlags::from_bits(flags),
            tsn: Tsn::new(value.u32()?),
            stream: StreamId::new(value.u16()?),
            ssn: Ssn::new(value.u16()?),
            ppid: Ppid::new(value.u32()?),
            payload: value.rest(),
        })
    }

    /// Appends the chunk, padded. It is at most 65,535 bytes long.
    pub fn write(&self, writer: &mut Writer<'_>) {
        let length = Self::HEADER + self.payload.len();
        let [high, low] = u16::try_from(length).unwrap_or(u16::MAX).to_be_bytes();
        let mut header = [0; Self::HEADER];
        let fields = [
            [ChunkType::DATA.number(), self.flags.bits(), high, low],
            self.tsn.get().to_be_bytes(),
            two(self.stream.get(), self.ssn.get()),
            self.ppid.get().to_be_bytes(),
        ];
        header.as_chunks_mut::<4>().0.copy_from_slice(&fields);
        writer.bytes(&header);
        writer.bytes(self.payload);
        writer.zeros(tlv::padding(length));
    }
}

impl fmt::Display for Data<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { flags, tsn, stream, ssn, ppid, payload } = self;
        let length = payload.len();
        write!(f, "DATA {flags} tsn={tsn} sid={stream} ssn={ssn} ppid={ppid} len={length}")
    }
}

/// Two numbers side by side.
const fn two(first: u16, second: u16) -> [u8; 4] {
    let ([a, b], [c, d]) = (first.to_be_bytes(), second.to_be_bytes());
    [a, b, c, d]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{Chunk, testing::chunk_laws};

    const CAPTURE: &str = "000b 0013 ffff fff0 0001 fffe 0000 0033 6162 6300";

    #[test]
    fn reads_capture() {
        let chunk = chunk_laws(CAPTURE, 16, |chunk| {
            let Chunk::Data(data) = chunk else { panic!("{chunk}") };
            assert_eq!(data.tsn, Tsn::new(0xffff_fff0));
            assert_eq!((data.stream, data.ssn), (StreamId::new(1), Ssn::new(0xfffe)));
            assert_eq!(data.payload, b"abc");
            assert!(data.flags.immediate && !data.flags.unordered);
        });
        assert_eq!(chunk, "DATA I-BE tsn=4294967280 sid=1 ssn=65534 ppid=51 len=3");
    }

    #[test]
    fn all_flags_survive_and_reserved_bits_do_not() {
        for bits in 0..=u8::MAX {
            assert_eq!(DataFlags::from_bits(bits).bits(), bits & 0x0f);
        }
    }
}
