//! CertificateRequest of version 1.3: [RFC 8446 §4.3.2](https://www.rfc-editor.org/rfc/rfc8446#section-4.3.2).
//!
//! ```text
//! +---+=========+-----+============+
//! | n | context |  n  | extensions |
//! +---+=========+-----+============+
//! ```

use std::fmt;

use base::{Malformed, Reader, Writer};

use super::{Extensions, HandshakeType, Message};

/// Asks the client for a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CertificateRequest13<'a> {
    /// What the client's Certificate repeats, at most 255 bytes; empty within the handshake.
    pub context: &'a [u8],
    /// What the certificate should be like.
    pub extensions: Extensions<'a>,
}

impl<'a> Message<'a> for CertificateRequest13<'a> {
    const KIND: HandshakeType = HandshakeType::CERTIFICATE_REQUEST;

    fn parse(body: &'a [u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(body);
        let length = usize::from(reader.u8()?);
        let context = reader.bytes(length)?;
        let extensions = Extensions::read(&mut reader)?;
        reader.finish().map(|()| Self { context, extensions })
    }

    fn write(&self, writer: &mut Writer<'_>) {
        writer.u8_length().writer().bytes(self.context);
        self.extensions.write(writer);
    }
}

impl fmt::Display for CertificateRequest13<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CertificateRequest {}", self.extensions)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::testing::{message_laws, with_trailing};

    const BODY: &[u8] = &[1, 9, 0, 8, 0, 13, 0, 4, 0, 2, 4, 3];

    #[test]
    fn reads_capture() {
        let request = CertificateRequest13::parse(BODY).unwrap();
        assert_eq!(request.to_string(), "CertificateRequest signature_algorithms[4]");
        assert_eq!(request.context, [9]);
    }

    #[test]
    fn round_trips_and_rejects_truncated() {
        let _: CertificateRequest13<'_> = message_laws(BODY, &[]);
        assert!(CertificateRequest13::parse(&with_trailing(BODY)).is_err());
    }
}
