//! ServerHello, the server's choice, and HelloRetryRequest, which has its form:
//! [RFC 9147 §5.4](https://www.rfc-editor.org/rfc/rfc9147#section-5.4),
//! [RFC 8446 §4.1.3](https://www.rfc-editor.org/rfc/rfc8446#section-4.1.3).
//!
//! ```text
//! +---------+--------------+---+============+-------+---+-----+============+
//! | version |  random 32   | n | session id | suite | c |  n  | extensions |
//! +---------+--------------+---+============+-------+---+-----+============+
//! ```

use std::fmt;

use base::{Malformed, Reader, Writer};

use super::{
    Extensions, HandshakeType, Message, ProtocolVersion, SuiteId, client_hello::read_session_id,
};
use crate::Version;

/// The random bytes that make a ServerHello a HelloRetryRequest (RFC 8446 §4.1.3).
pub const RETRY_RANDOM: [u8; 32] = [
    0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91,
    0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
];

/// The last bytes of the random of a server that speaks version 1.3 and chose 1.2 (RFC 8446 §4.1.3).
pub const DOWNGRADE_TO_1_2: [u8; 8] = *b"DOWNGRD\x01";

/// The last bytes of the random of a server that speaks more and chose an older version.
pub const DOWNGRADE_BELOW_1_2: [u8; 8] = *b"DOWNGRD\x00";

/// The server's choice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServerHello<'a> {
    /// The version, unless supported_versions says otherwise.
    pub legacy_version: ProtocolVersion,
    /// The server's random bytes, or [`RETRY_RANDOM`].
    pub random: [u8; 32],
    /// At most 32 bytes; empty from a server of version 1.3 (RFC 9147 §5).
    pub session_id: &'a [u8],
    /// The suite.
    pub suite: SuiteId,
    /// The method of compression; nobody compresses, method 0.
    pub compression: u8,
    /// The extensions.
    pub extensions: Extensions<'a>,
}

impl ServerHello<'_> {
    /// Whether it asks for another ClientHello.
    #[must_use]
    pub fn is_retry(&self) -> bool {
        self.random == RETRY_RANDOM
    }

    /// The version below which the server says, in its random bytes, that it was brought.
    ///
    /// `Some(Dtls13)`: it chose 1.2 and speaks 1.3. `Some(Dtls12)`: it chose something older.
    #[must_use]
    pub fn downgraded_from(&self) -> Option<Version> {
        match self.random.last_chunk::<8>() {
            Some(&DOWNGRADE_TO_1_2) => Some(Version::Dtls13),
            Some(&DOWNGRADE_BELOW_1_2) => Some(Version::Dtls12),
            _ => None,
        }
    }
}

impl<'a> Message<'a> for ServerHello<'a> {
    const KIND: HandshakeType = HandshakeType::SERVER_HELLO;

    fn parse(body: &'a [u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(body);
        let hello = Self {
            legacy_version: ProtocolVersion::new(reader.u16()?),
            random: reader.array()?,
            session_id: read_session_id(&mut reader)?,
            suite: SuiteId::new(reader.u16()?),
            compression: reader.u8()?,
            extensions: Extensions::read_if_any(&mut reader)?,
        };
        reader.finish().map(|()| hello)
    }

    fn write(&self, writer: &mut Writer<'_>) {
        writer.u16(self.legacy_version.number());
        writer.bytes(&self.random);
        writer.u8_length().writer().bytes(self.session_id);
        writer.u16(self.suite.number());
        writer.u8(self.compression);
        self.extensions.write_if_any(writer);
    }
}

impl fmt::Display for ServerHello<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = if self.is_retry() { "HelloRetryRequest" } else { "ServerHello" };
        write!(f, "{name} {} {} {}", self.legacy_version, self.suite, self.extensions)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::testing::{message_laws, with_trailing};

    fn body(random: [u8; 32]) -> Vec<u8> {
        let mut body = vec![0xfe, 0xfd];
        body.extend(random);
        body.extend([0, 0x13, 0x01, 0, 0, 6, 0, 43, 0, 2, 0xfe, 0xfc]);
        body
    }

    #[test]
    fn reads_capture() {
        let bytes = body([1; 32]);
        let hello = ServerHello::parse(&bytes).unwrap();
        assert_eq!(
            hello.to_string(),
            "ServerHello DTLS 1.2 TLS_AES_128_GCM_SHA256 supported_versions[2]"
        );
        assert!(ServerHello::parse(&body(RETRY_RANDOM)).unwrap().is_retry());
    }

    #[test]
    fn round_trips_and_rejects_truncated() {
        let bytes = body([1; 32]);
        let _: ServerHello<'_> = message_laws(&bytes, &[bytes.len() - 8]);
        assert!(ServerHello::parse(&with_trailing(&bytes)).is_err());
    }

    #[test]
    fn the_last_bytes_of_the_random_tell_of_a_downgrade() {
        let mut random = [1; 32];
        let downgraded = |random| ServerHello::parse(&body(random)).unwrap().downgraded_from();
        assert_eq!(downgraded(random), None);
        random[24..].copy_from_slice(&DOWNGRADE_TO_1_2);
        assert_eq!(downgraded(random), Some(Version::Dtls13));
        random[31] = 0;
        assert_eq!(downgraded(random), Some(Version::Dtls12));
    }
}
