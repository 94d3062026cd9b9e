//! connection_id: [RFC 9146 §3](https://www.rfc-editor.org/rfc/rfc9146#section-3).
//!
//! ```text
//! +---+====+
//! | n | id |
//! +---+====+
//! ```

use std::fmt;

use base::{Malformed, Reader, Writer};

use crate::wire::{Extension, ExtensionType};

/// The id that the peer is to put into its records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConnectionId<'a> {
    /// At most 255 bytes; empty if the sender wants none and will use the peer's.
    pub id: &'a [u8],
}

impl<'a> Extension<'a> for ConnectionId<'a> {
    const TYPE: ExtensionType = ExtensionType::CONNECTION_ID;

    fn read(mut value: Reader<'a>) -> Result<Self, Malformed> {
        let length = usize::from(value.u8()?);
        let id = value.bytes(length)?;
        value.finish().map(|()| Self { id })
    }

    fn write(&self, writer: &mut Writer<'_>) {
        writer.u8_length().writer().bytes(self.id);
    }
}

impl fmt::Display for ConnectionId<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "connection_id [{}]", self.id.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::testing::{extension_laws, with_trailing};

    #[test]
    fn reads_capture_round_trips_and_rejects_truncated() {
        let id: ConnectionId<'_> = extension_laws(&[2, 7, 8]);
        assert_eq!(id.to_string(), "connection_id [2]");
        assert_eq!(extension_laws::<ConnectionId<'_>>(&[0]).id, []);
        assert!(ConnectionId::read(Reader::new(&with_trailing(&[2, 7, 8]))).is_err());
    }
}
