//! EncryptedExtensions: [RFC 8446 §4.3.1](https://www.rfc-editor.org/rfc/rfc8446#section-4.3.1).
//!
//! ```text
//! +-----+============+
//! |  n  | extensions |
//! +-----+============+
//! ```

use std::fmt;

use base::{Malformed, Reader, Writer};

use super::{Extensions, HandshakeType, Message};

/// What the server of version 1.3 answers to the client's extensions under encryption.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EncryptedExtensions<'a> {
    /// The extensions.
    pub extensions: Extensions<'a>,
}

impl<'a> Message<'a> for EncryptedExtensions<'a> {
    const KIND: HandshakeType = HandshakeType::ENCRYPTED_EXTENSIONS;

    fn parse(body: &'a [u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(body);
        let extensions = Extensions::read(&mut reader)?;
        reader.finish().map(|()| Self { extensions })
    }

    fn write(&self, writer: &mut Writer<'_>) {
        self.extensions.write(writer);
    }
}

impl fmt::Display for EncryptedExtensions<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EncryptedExtensions {}", self.extensions)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::testing::{message_laws, with_trailing};

    const BODY: &[u8] = &[0, 9, 0, 14, 0, 5, 0, 2, 0, 7, 0];

    #[test]
    fn reads_capture() {
        let message = EncryptedExtensions::parse(BODY).unwrap();
        assert_eq!(message.to_string(), "EncryptedExtensions use_srtp[5]");
    }

    #[test]
    fn round_trips_and_rejects_truncated() {
        let _: EncryptedExtensions<'_> = message_laws(BODY, &[]);
        let _: EncryptedExtensions<'_> = message_laws(&[0, 0], &[]);
        assert!(EncryptedExtensions::parse(&with_trailing(BODY)).is_err());
    }
}
