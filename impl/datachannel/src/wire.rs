//! Messages of the Data Channel Establishment Protocol: RFC 8832 §5.

mod ack;
mod channel_type;
mod message_type;
mod open;

use std::fmt;

use base::{Malformed, Reader, Writer};

pub use self::{ack::Ack, channel_type::ChannelType, message_type::MessageType, open::Open};

/// A message of the protocol that opens channels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dcep<'a> {
    /// The sender wishes to open a channel.
    Open(Open<'a>),
    /// The receiver of an [`Open`] has agreed.
    Ack(Ack),
    /// A message of a type that is not known here.
    Unknown {
        /// Its type.
        kind: MessageType,
        /// What follows the type.
        body: &'a [u8],
    },
}

impl<'a> Dcep<'a> {
    /// Reads one message, which takes all of `bytes`.
    ///
    /// # Errors
    ///
    /// `Malformed` if a message of a known type is cut short, is longer than it says, or holds text that is
    /// not UTF-8.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(bytes);
        let kind = MessageType::new(reader.u8()?);
        match kind {
            MessageType::OPEN => Open::read(reader).map(Self::Open),
            MessageType::ACK => Ack::read(reader).map(Self::Ack),
            _ => Ok(Self::Unknown { kind, body: reader.rest() }),
        }
    }

    /// Writes the message, its type first.
    pub fn write(&self, writer: &mut Writer<'_>) {
        match self {
            Self::Open(open) => open.write(writer),
            Self::Ack(ack) => ack.write(writer),
            Self::Unknown { kind, body } => {
                writer.u8(kind.number());
                writer.bytes(body);
            }
        }
    }
}

impl fmt::Display for Dcep<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Open(open) => open.fmt(f),
            Self::Ack(ack) => ack.fmt(f),
            Self::Unknown { kind, body } => write!(f, "{kind}, {} bytes", body.len()),
        }
    }
}

#[cfg(test)]
mod tests {
    use arbitrary::Unstructured;
    use rstest::rstest;

    use super::*;

    /// What is read and written again reads the same; nothing panics.
    fn stable(bytes: &[u8]) {
        let Ok(read) = Dcep::parse(bytes) else { return };
        let mut written = Vec::new();
        read.write(&mut Writer::new(&mut written));
        assert_eq!(Dcep::parse(&written), Ok(read));
        assert_eq!(written, bytes, "no message has two forms");
    }

    #[test]
    fn any_bytes_are_read_or_refused_and_read_the_same_again() {
        let mut rng = base::Rng::from_seed([7; 32]);
        for _ in 0..20_000 {
            let noise: [u8; 40] = rng.public_array();
            let mut source = Unstructured::new(&noise);
            let length = source.int_in_range(0..=30).unwrap();
            let mut bytes = source.bytes(length).unwrap().to_vec();
            if let Some(first) = bytes.first_mut() {
                *first %= 6;
            }
            stable(&bytes);
        }
    }

    #[rstest]
    #[case::reserved_in_drafts(&[0x00, 1, 2], "reserved 0x00, 2 bytes")]
    #[case::unassigned(&[0x04], "message type 0x04, 0 bytes")]
    #[case::reserved_for_extensions(&[0xff, 9], "reserved 0xff, 1 bytes")]
    fn unknown_types_are_kept_and_named(#[case] bytes: &[u8], #[case] words: &str) {
        assert_eq!(Dcep::parse(bytes).unwrap().to_string(), words);
        stable(bytes);
    }

    #[test]
    fn a_message_has_at_least_its_type() {
        assert!(Dcep::parse(&[]).is_err());
    }
}
