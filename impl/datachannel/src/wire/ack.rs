//! DATA_CHANNEL_ACK, consent to a channel: [RFC 8832 §5.2](https://www.rfc-editor.org/rfc/rfc8832#section-5.2).
//!
//! ```text
//!  0
//!  0 1 2 3 4 5 6 7
//! +-+-+-+-+-+-+-+-+
//! |  0x02         |
//! +-+-+-+-+-+-+-+-+
//! ```

use std::fmt;

use base::{Malformed, Reader, Writer};

use super::MessageType;

/// Consent to an [`Open`](super::Open): nothing but its type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ack;

impl Ack {
    /// Reads what follows the type: nothing.
    pub(super) fn read(reader: Reader<'_>) -> Result<Self, Malformed> {
        reader.finish().map(|()| Self)
    }

    /// Writes the message, its type first.
    pub fn write(self, writer: &mut Writer<'_>) {
        writer.u8(MessageType::ACK.number());
    }
}

impl fmt::Display for Ack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ACK")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::Dcep;

    #[test]
    fn reads_capture() {
        assert_eq!(Dcep::parse(&[2]), Ok(Dcep::Ack(Ack)));
        assert_eq!(Dcep::Ack(Ack).to_string(), "ACK");
    }

    #[test]
    fn round_trips() {
        let mut written = Vec::new();
        Ack.write(&mut Writer::new(&mut written));
        assert_eq!(written, [2]);
    }

    #[test]
    fn nothing_follows_the_type() {
        assert!(Dcep::parse(&[2, 0]).is_err());
    }
}
