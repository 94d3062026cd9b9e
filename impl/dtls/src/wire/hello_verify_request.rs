//! HelloVerifyRequest, a cookie to come back with: [RFC 6347 §4.2.1](https://www.rfc-editor.org/rfc/rfc6347#section-4.2.1).
//!
//! ```text
//! +---------+---+========+
//! | version | n | cookie |
//! +---------+---+========+
//! ```

use std::fmt;

use base::{Malformed, Reader, Writer};

use super::{HandshakeType, Message, ProtocolVersion};

/// A cookie of version 1.2 to come back with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HelloVerifyRequest<'a> {
    /// DTLS 1.0 by recommendation; it says nothing about the version to come.
    pub version: ProtocolVersion,
    /// At most 255 bytes.
    pub cookie: &'a [u8],
}

impl<'a> Message<'a> for HelloVerifyRequest<'a> {
    const KIND: HandshakeType = HandshakeType::HELLO_VERIFY_REQUEST;

    fn parse(body: &'a [u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(body);
        let version = ProtocolVersion::new(reader.u16()?);
        let length = usize::from(reader.u8()?);
        let cookie = reader.bytes(length)?;
        reader.finish().map(|()| Self { version, cookie })
    }

    fn write(&self, writer: &mut Writer<'_>) {
        writer.u16(self.version.number());
        writer.u8_length().writer().bytes(self.cookie);
    }
}

impl fmt::Display for HelloVerifyRequest<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HelloVerifyRequest {} cookie={}", self.version, self.cookie.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::testing::{message_laws, with_trailing};

    const BODY: &[u8] = &[0xfe, 0xff, 3, 7, 8, 9];

    #[test]
    fn reads_capture() {
        let request = HelloVerifyRequest::parse(BODY).unwrap();
        assert_eq!(request.to_string(), "HelloVerifyRequest DTLS 1.0 cookie=3");
        assert_eq!(request.cookie, [7, 8, 9]);
    }

    #[test]
    fn round_trips_and_rejects_truncated() {
        let _: HelloVerifyRequest<'_> = message_laws(BODY, &[]);
        assert!(HelloVerifyRequest::parse(&with_trailing(BODY)).is_err());
    }

    #[test]
    fn a_cookie_ends_within_the_message() {
        assert!(HelloVerifyRequest::parse(&[0xfe, 0xff, 255, 7, 8, 9]).is_err());
    }
}
