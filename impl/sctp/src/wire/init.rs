//! INIT and INIT ACK: [RFC 9260 §3.3.2](https://www.rfc-editor.org/rfc/rfc9260#section-3.3.2),
//! [§3.3.3](https://www.rfc-editor.org/rfc/rfc9260#section-3.3.3).
//!
//! ```text
//!  0                   1                   2                   3
//!  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! | Type = 1 or 2 |  Chunk Flags  |         Chunk Length          |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |                         Initiate Tag                          |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |          Advertised Receiver Window Credit (a_rwnd)           |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |  Number of Outbound Streams   |   Number of Inbound Streams   |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |                          Initial TSN                          |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! \              Optional/Variable-Length Parameters              \
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! ```

use std::fmt;

use base::{Malformed, Reader, Writer};

use super::{ChunkType, Parameters, chunk};
use crate::Tsn;

/// What one end brings to an association.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Init<'a> {
    /// The tag that all packets to its sender are to carry. 0 is not allowed, which is for the receiver
    /// to say.
    pub initiate_tag: u32,
    /// Bytes that its sender has room for.
    pub a_rwnd: u32,
    /// Streams that its sender wants to send on.
    pub outbound_streams: u16,
    /// Streams that its sender is ready to receive on.
    pub inbound_streams: u16,
    /// The first number that its sender will use.
    pub initial_tsn: Tsn,
    /// What else it says.
    pub parameters: Parameters<'a>,
}

impl<'a> Init<'a> {
    pub(super) fn parse(mut value: Reader<'a>) -> Result<Self, Malformed> {
        Ok(Self {
            initiate_tag: value.u32()?,
            a_rwnd: value.u32()?,
            outbound_streams: value.u16()?,
            inbound_streams: value.u16()?,
            initial_tsn: Tsn::new(value.u32()?),
            parameters: Parameters::read(value),
        })
    }

    /// Appends the chunk, which is of type `kind`: INIT or INIT ACK.
    pub fn write(&self, kind: ChunkType, writer: &mut Writer<'_>) {
        chunk::write(writer, kind, 0, |writer| {
            writer.u32(self.initiate_tag);
            writer.u32(self.a_rwnd);
            writer.u16(self.outbound_streams);
            writer.u16(self.inbound_streams);
            writer.u32(self.initial_tsn.get());
            self.parameters.write(writer);
        });
    }
}

impl fmt::Display for Init<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { initiate_tag, a_rwnd, outbound_streams, inbound_streams, initial_tsn, .. } =
            self;
        write!(f, "tag={initiate_tag:#010x} a_rwnd={a_rwnd} os={outbound_streams} ")?;
        write!(f, "is={inbound_streams} tsn={initial_tsn}{}", self.parameters)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{Chunk, List, Parameter, testing::chunk_laws};

    const CAPTURE: &str = "0100 0028 0102 0304 0010 0000 ffff ffff ffff fff0
        c000 0004 8008 0007 82c0 4000 8001 0008 0000 0001";

    #[test]
    fn reads_capture() {
        let text = chunk_laws(CAPTURE, 20, |chunk| {
            let Chunk::Init(init) = chunk else { panic!("{chunk}") };
            let extensions = [ChunkType::RE_CONFIG, ChunkType::FORWARD_TSN, ChunkType::I_DATA];
            let wanted = [
                Parameter::ForwardTsnSupported,
                Parameter::SupportedExtensions(List::from(&extensions[..])),
                Parameter::ZeroChecksum(1),
            ];
            assert_eq!(init.parameters, Parameters::from(&wanted[..]));
        });
        assert_eq!(
            text,
            "INIT tag=0x01020304 a_rwnd=1048576 os=65535 is=65535 tsn=4294967280 \
             (forward TSN) (extensions RE-CONFIG,FORWARD TSN,I-DATA) (zero checksum 1)"
        );
    }

    #[test]
    fn what_is_made_is_what_is_read() {
        let parameters = [Parameter::EcnCapable, Parameter::StateCookie(b"cookie")];
        let made = Init {
            initiate_tag: 1,
            a_rwnd: 2,
            outbound_streams: 3,
            inbound_streams: 4,
            initial_tsn: Tsn::new(u32::MAX),
            parameters: Parameters::from(&parameters[..]),
        };
        let mut bytes = Vec::new();
        made.write(ChunkType::INIT_ACK, &mut Writer::new(&mut bytes));
        assert_eq!(Chunk::read(&mut Reader::new(&bytes)), Ok(Chunk::InitAck(made)));
    }
}
