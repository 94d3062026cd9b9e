//! NewSessionTicket of version 1.3: [RFC 8446 §4.6.1](https://www.rfc-editor.org/rfc/rfc8446#section-4.6.1).
//!
//! ```text
//! +----------+---------+---+=======+-----+========+-----+============+
//! | lifetime | age add | n | nonce |  n  | ticket |  n  | extensions |
//! +----------+---------+---+=======+-----+========+-----+============+
//!   4 bytes    4 bytes
//! ```

use std::fmt;

use base::{Malformed, Reader, Writer};

use super::{Extensions, HandshakeType, Message};

/// A ticket for a later session. It is read, acknowledged and forgotten: sessions are not resumed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NewSessionTicket<'a> {
    /// Seconds for which it is good.
    pub lifetime: u32,
    /// What hides its age.
    pub age_add: u32,
    /// What sets it apart from others of the session.
    pub nonce: &'a [u8],
    /// The ticket, never empty.
    pub ticket: &'a [u8],
    /// What is said of it.
    pub extensions: Extensions<'a>,
}

impl<'a> Message<'a> for NewSessionTicket<'a> {
    const KIND: HandshakeType = HandshakeType::NEW_SESSION_TICKET;

    fn parse(body: &'a [u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(body);
        let (lifetime, age_add) = (reader.u32()?, reader.u32()?);
        let nonce_length = usize::from(reader.u8()?);
        let nonce = reader.bytes(nonce_length)?;
        let length = usize::from(reader.u16()?);
        if length == 0 {
            return Err(reader.malformed("empty ticket"));
        }
        let ticket = reader.bytes(length)?;
        let extensions = Extensions::read(&mut reader)?;
        reader.finish().map(|()| Self { lifetime, age_add, nonce, ticket, extensions })
    }

    fn write(&self, writer: &mut Writer<'_>) {
        writer.u32(self.lifetime);
        writer.u32(self.age_add);
        writer.u8_length().writer().bytes(self.nonce);
        writer.u16_length().writer().bytes(self.ticket);
        self.extensions.write(writer);
    }
}

impl fmt::Display for NewSessionTicket<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NewSessionTicket [{}] {} s", self.ticket.len(), self.lifetime)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::testing::{message_laws, with_trailing};

    const BODY: &[u8] = &[0, 0, 0, 60, 1, 2, 3, 4, 1, 9, 0, 2, 7, 8, 0, 0];

    #[test]
    fn reads_capture() {
        let ticket = NewSessionTicket::parse(BODY).unwrap();
        assert_eq!(ticket.to_string(), "NewSessionTicket [2] 60 s");
    }

    #[test]
    fn round_trips_and_rejects_truncated() {
        let _: NewSessionTicket<'_> = message_laws(BODY, &[]);
        assert!(NewSessionTicket::parse(&with_trailing(BODY)).is_err());
        assert!(NewSessionTicket::parse(&[0; 13]).is_err(), "an empty ticket");
    }
}
