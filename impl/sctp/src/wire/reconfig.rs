//! Changes of streams: [RFC 6525 §3.1](https://www.rfc-editor.org/rfc/rfc6525#section-3.1).
//!
//! ```text
//!  0                   1                   2                   3
//!  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |  Type = 130   |  Chunk Flags  |         Chunk Length          |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! \                  Re-configuration Parameter                   \
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! \             Re-configuration Parameter (optional)             \
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! ```
//!
//! Which two may stand together is for the receiver to say.

mod add_streams;
mod association_reset;
mod incoming_reset;
mod outgoing_reset;
mod response;

use std::fmt;

use base::{Reader, Writer};

use super::{ChunkType, Parameters, chunk};

pub use add_streams::AddStreams;
pub use association_reset::AssociationReset;
pub use incoming_reset::IncomingReset;
pub use outgoing_reset::OutgoingReset;
pub use response::{NextTsns, ReconfigResponse, ReconfigResult};

/// Asks to change streams, or answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reconfig<'a> {
    /// One or two requests or answers.
    pub parameters: Parameters<'a>,
}

impl<'a> Reconfig<'a> {
    pub(super) const fn parse(value: Reader<'a>) -> Self {
        Self { parameters: Parameters::read(value) }
    }

    /// Appends the chunk.
    pub fn write(&self, writer: &mut Writer<'_>) {
        chunk::write(writer, ChunkType::RE_CONFIG, 0, |writer| self.parameters.write(writer));
    }
}

impl fmt::Display for Reconfig<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RE-CONFIG{}", self.parameters)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        RequestNumber, StreamId,
        wire::{Chunk, List, Parameter, testing::chunk_laws},
    };

    #[test]
    fn reads_capture() {
        const CAPTURE: &str = "8200 0020 0010 000c 0000 0007 0000 0001
            000d 0010 ffff ffff 0000 0007 ffff fff0";
        let text = chunk_laws(CAPTURE, 4, |chunk| {
            let Chunk::Reconfig(reconfig) = chunk else { panic!("{chunk}") };
            assert_eq!(reconfig.parameters.iter().count(), 2);
        });
        assert_eq!(
            text,
            "RE-CONFIG (response 7 performed) \
             (reset outgoing req=4294967295 resp=7 last=4294967280 all)"
        );
    }

    #[test]
    fn what_is_made_is_what_is_read() {
        let streams = [StreamId::new(1), StreamId::new(0xfffe), StreamId::new(3)];
        let number = RequestNumber::new(u32::MAX);
        let parameters =
            [Parameter::IncomingReset(IncomingReset { number, streams: List::from(&streams[..]) })];
        let made = Reconfig { parameters: Parameters::from(&parameters[..]) };
        let mut bytes = Vec::new();
        made.write(&mut Writer::new(&mut bytes));
        assert_eq!(bytes.len(), 20, "padded");
        assert_eq!(Chunk::read(&mut Reader::new(&bytes)), Ok(Chunk::Reconfig(made)));
        assert_eq!(made.to_string(), "RE-CONFIG (reset incoming req=4294967295 sids=1,65534,3)");
    }
}
