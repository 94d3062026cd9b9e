//! application_layer_protocol_negotiation: [RFC 7301 §3.1](https://www.rfc-editor.org/rfc/rfc7301#section-3.1).
//!
//! ```text
//! +-----+---+======+---+======+
//! |  n  | n | name | n | name | …
//! +-----+---+======+---+======+
//! ```

use std::fmt;

use base::{Malformed, Reader, Writer};

use crate::wire::{Extension, ExtensionType};

/// The names of the protocols that the client offers, the best first, or of the one that the server
/// chose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProtocolNames<'a> {
    list: &'a [u8],
}

impl<'a> ProtocolNames<'a> {
    /// An extension of names that were appended with [`ProtocolNames::append`].
    ///
    /// # Errors
    ///
    /// `Malformed` if `list` has no name, or is not names of 1 to 255 bytes with their lengths.
    pub fn from_list(list: &'a [u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(list);
        let _first = read_name(&mut reader)?;
        while !reader.is_empty() {
            let _name = read_name(&mut reader)?;
        }
        Ok(Self { list })
    }

    /// Appends a name of 1 to 255 bytes to a list.
    pub fn append(list: &mut Vec<u8>, name: &[u8]) {
        Writer::new(list).u8_length().writer().bytes(name);
    }

    /// The names, 1 to 255 bytes each; at least one.
    pub fn names(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        let mut reader = Reader::new(self.list);
        std::iter::from_fn(move || read_name(&mut reader).ok())
    }

    /// The name, if there is exactly one, as a server must send it (RFC 7301 §3.1).
    #[must_use]
    pub fn single(&self) -> Option<&'a [u8]> {
        let mut names = self.names();
        let name = names.next()?;
        names.next().is_none().then_some(name)
    }
}

fn read_name<'a>(reader: &mut Reader<'a>) -> Result<&'a [u8], Malformed> {
    let length = usize::from(reader.u8()?);
    if length == 0 {
        return Err(reader.malformed("empty protocol name"));
    }
    reader.bytes(length)
}

impl<'a> Extension<'a> for ProtocolNames<'a> {
    const TYPE: ExtensionType = ExtensionType::APPLICATION_LAYER_PROTOCOL_NEGOTIATION;

    fn read(mut value: Reader<'a>) -> Result<Self, Malformed> {
        let length = usize::from(value.u16()?);
        let list = value.bytes(length)?;
        value.finish()?;
        Self::from_list(list)
    }

    fn write(&self, writer: &mut Writer<'_>) {
        writer.u16_length().writer().bytes(self.list);
    }
}

impl fmt::Display for ProtocolNames<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("alpn")?;
        self.names().try_for_each(|name| write!(f, " {}", name.escape_ascii()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::testing::{extension_laws, with_trailing};

    const BYTES: &[u8] = b"\x00\x10\x06webrtc\x08c-webrtc";

    #[test]
    fn reads_capture_round_trips_and_rejects_truncated() {
        let names: ProtocolNames<'_> = extension_laws(BYTES);
        assert_eq!(names.to_string(), "alpn webrtc c-webrtc");
        assert_eq!(names.single(), None);
        let one: ProtocolNames<'_> = extension_laws(b"\x00\x02\x01\n");
        assert_eq!((one.single(), one.to_string()), (Some(&b"\n"[..]), "alpn \\n".to_owned()));
    }

    #[test]
    fn a_list_is_made_as_it_is_read() {
        let mut list = Vec::new();
        ProtocolNames::append(&mut list, b"webrtc");
        ProtocolNames::append(&mut list, b"c-webrtc");
        assert_eq!(list, BYTES[2..]);
        assert!(ProtocolNames::from_list(&list).is_ok());
    }

    #[test]
    fn rejects_an_empty_list_and_an_empty_name() {
        for value in [&[0, 0][..], &[0, 1, 0], &[0, 3, 1, 7, 0], &with_trailing(BYTES)] {
            assert!(ProtocolNames::read(Reader::new(value)).is_err(), "{value:?}");
        }
    }
}
