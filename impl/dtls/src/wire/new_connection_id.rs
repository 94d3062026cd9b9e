//! NewConnectionId: [RFC 9147 §9](https://www.rfc-editor.org/rfc/rfc9147#section-9).
//!
//! ```text
//! +-----+---+=====+---+=====+-------+
//! |  n  | n | id  | n | id  | usage |
//! +-----+---+=====+---+=====+-------+
//! ```

use std::fmt;

use base::{Malformed, Reader, Writer};

use super::{HandshakeType, Message, number::number};

number! {
    /// When the ids are to be used.
    ConnectionIdUsage: u8 {
        /// From now on, and none of the older ones.
        CID_IMMEDIATE = 0 "cid_immediate",
        /// Whenever one is needed.
        CID_SPARE = 1 "cid_spare",
    }
}

/// Gives the peer connection ids for what it sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NewConnectionId<'a> {
    ids: &'a [u8],
    /// When they are to be used.
    pub usage: ConnectionIdUsage,
}

impl<'a> NewConnectionId<'a> {
    /// A message of ids that were appended with [`NewConnectionId::append`].
    ///
    /// # Errors
    ///
    /// `Malformed` if `ids` is not ids with their lengths.
    pub fn from_list(ids: &'a [u8], usage: ConnectionIdUsage) -> Result<Self, Malformed> {
        let mut reader = Reader::new(ids);
        while !reader.is_empty() {
            let _id = read_id(&mut reader)?;
        }
        Ok(Self { ids, usage })
    }

    /// Appends an id of at most 255 bytes with its length to a list.
    pub fn append(list: &mut Vec<u8>, id: &[u8]) {
        Writer::new(list).u8_length().writer().bytes(id);
    }

    /// The ids; each has at most 255 bytes and may have none.
    pub fn ids(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        let mut reader = Reader::new(self.ids);
        std::iter::from_fn(move || read_id(&mut reader).ok())
    }
}

fn read_id<'a>(reader: &mut Reader<'a>) -> Result<&'a [u8], Malformed> {
    let length = usize::from(reader.u8()?);
    reader.bytes(length)
}

impl<'a> Message<'a> for NewConnectionId<'a> {
    const KIND: HandshakeType = HandshakeType::NEW_CONNECTION_ID;

    fn parse(body: &'a [u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(body);
        let length = usize::from(reader.u16()?);
        let ids = reader.bytes(length)?;
        let usage = ConnectionIdUsage::new(reader.u8()?);
        if !matches!(usage, ConnectionIdUsage::CID_IMMEDIATE | ConnectionIdUsage::CID_SPARE) {
            return Err(reader.malformed("connection ids of no known use"));
        }
        reader.finish()?;
        Self::from_list(ids, usage)
    }

    fn write(&self, writer: &mut Writer<'_>) {
        writer.u16_length().writer().bytes(self.ids);
        writer.u8(self.usage.number());
    }
}

impl fmt::Display for NewConnectionId<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NewConnectionId {}", self.usage)?;
        self.ids().try_for_each(|id| write!(f, " [{}]", id.len()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::testing::{message_laws, with_trailing};

    const BODY: &[u8] = &[0, 5, 2, 7, 8, 1, 9, 1];

    #[test]
    fn reads_capture() {
        let message = NewConnectionId::parse(BODY).unwrap();
        assert_eq!(message.to_string(), "NewConnectionId cid_spare [2] [1]");
        assert_eq!(message.ids().collect::<Vec<_>>(), [&[7, 8][..], &[9]]);
    }

    #[test]
    fn round_trips_and_rejects_truncated() {
        let _: NewConnectionId<'_> = message_laws(BODY, &[]);
        assert!(NewConnectionId::parse(&with_trailing(BODY)).is_err());
        let mut list = Vec::new();
        NewConnectionId::append(&mut list, &[7, 8]);
        NewConnectionId::append(&mut list, &[9]);
        let made = NewConnectionId::from_list(&list, ConnectionIdUsage::CID_SPARE);
        assert_eq!(made, NewConnectionId::parse(BODY));
    }

    #[test]
    fn ids_of_no_known_use_are_refused() {
        for (usage, is_known) in [(0, true), (1, true), (2, false), (255, false)] {
            assert_eq!(NewConnectionId::parse(&[0, 2, 1, 7, usage]).is_ok(), is_known, "{usage}");
        }
    }

    #[test]
    fn an_id_ends_within_the_list() {
        assert!(NewConnectionId::parse(&[0, 2, 2, 7, 0]).is_err());
    }
}
