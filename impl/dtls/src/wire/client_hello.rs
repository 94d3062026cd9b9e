//! ClientHello, the client's offer: [RFC 9147 §5.3](https://www.rfc-editor.org/rfc/rfc9147#section-5.3),
//! [RFC 6347 §4.2.1](https://www.rfc-editor.org/rfc/rfc6347#section-4.2.1).
//!
//! ```text
//! +---------+--------------+---+============+---+========+
//! | version |  random 32   | n | session id | n | cookie |
//! +---------+--------------+---+============+---+========+
//! +-----+========+---+==============+-----+==============+
//! |  n  | suites | n | compressions |  n  |  extensions  |
//! +-----+========+---+==============+-----+==============+
//! ```

use std::fmt;

use base::{Malformed, Reader, Writer};

use super::{Extensions, HandshakeType, Message, Numbers, ProtocolVersion, SuiteId};

/// Longest session id in bytes (RFC 5246 §7.4.1.2).
pub const MAX_SESSION_ID_LEN: usize = 32;

/// The client's offer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientHello<'a> {
    /// The highest version for peers that do not look at supported_versions.
    pub legacy_version: ProtocolVersion,
    /// The client's random bytes.
    pub random: [u8; 32],
    /// At most 32 bytes.
    pub session_id: &'a [u8],
    /// The cookie of a HelloVerifyRequest, at most 255 bytes; empty in version 1.3.
    pub cookie: &'a [u8],
    /// The suites, at least one.
    pub suites: Numbers<'a, SuiteId>,
    /// The methods of compression, at least one; nobody compresses, method 0.
    pub compression: &'a [u8],
    /// The extensions.
    pub extensions: Extensions<'a>,
}

impl<'a> Message<'a> for ClientHello<'a> {
    const KIND: HandshakeType = HandshakeType::CLIENT_HELLO;

    fn parse(body: &'a [u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(body);
        let mut hello = Self::read_fields(&mut reader)?;
        hello.extensions = Extensions::read_if_any(&mut reader)?;
        reader.finish()?;
        Ok(hello)
    }

    fn write(&self, writer: &mut Writer<'_>) {
        writer.u16(self.legacy_version.number());
        writer.bytes(&self.random);
        writer.u8_length().writer().bytes(self.session_id);
        writer.u8_length().writer().bytes(self.cookie);
        self.suites.write(writer.u16_length().writer());
        writer.u8_length().writer().bytes(self.compression);
        self.extensions.write_if_any(writer);
    }
}

impl<'a> ClientHello<'a> {
    /// Reads what the first fragment of a ClientHello of `length` bytes tells: all that stands before the
    /// extensions, and of those the ones that are whole.
    ///
    /// # Errors
    ///
    /// `Malformed` if the fragment ends before the extensions begin, or is not the beginning of a
    /// ClientHello.
    pub fn parse_beginning(fragment: &'a [u8], length: usize) -> Result<Self, Malformed> {
        let mut reader = Reader::new(fragment);
        let after = length.checked_sub(fragment.len());
        let after = after.ok_or_else(|| reader.malformed("longer than its message"))?;
        let mut hello = Self::read_fields(&mut reader)?;
        hello.extensions = Extensions::read_begun(&mut reader, after)?;
        Ok(hello)
    }

    /// Takes what stands before the extensions off `reader`.
    fn read_fields(reader: &mut Reader<'a>) -> Result<Self, Malformed> {
        let legacy_version = ProtocolVersion::new(reader.u16()?);
        let random = reader.array()?;
        let session_id = read_session_id(reader)?;
        let cookie_length = usize::from(reader.u8()?);
        let cookie = reader.bytes(cookie_length)?;
        let suites_length = usize::from(reader.u16()?);
        let suites = Numbers::read_some(reader.sub(suites_length)?)?;
        let compression_length = usize::from(reader.u8()?);
        if compression_length == 0 {
            return Err(reader.malformed("no compression method"));
        }
        let compression = reader.bytes(compression_length)?;
        let extensions = Extensions::EMPTY;
        Ok(Self { legacy_version, random, session_id, cookie, suites, compression, extensions })
    }
}

/// Takes a session id with its length off `reader`.
pub(super) fn read_session_id<'a>(reader: &mut Reader<'a>) -> Result<&'a [u8], Malformed> {
    let length = usize::from(reader.u8()?);
    if length > MAX_SESSION_ID_LEN {
        return Err(reader.malformed("session id too long"));
    }
    reader.bytes(length)
}

impl fmt::Display for ClientHello<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (version, suites) = (self.legacy_version, self.suites.len());
        write!(f, "ClientHello {version} cookie={} suites={suites}", self.cookie.len())?;
        write!(f, " {}", self.extensions)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::testing::{message_laws, with_trailing, written};

    fn body() -> Vec<u8> {
        let mut body = vec![0xfe, 0xfd];
        body.extend([7; 32]);
        body.extend([1, 5, 2, 8, 9, 0, 4, 0x13, 0x01, 0xc0, 0x2b, 1, 0]);
        body.extend([0, 4, 0, 23, 0, 0]);
        body
    }

    #[test]
    fn reads_capture() {
        let body = body();
        let hello = ClientHello::parse(&body).unwrap();
        assert_eq!(
            hello.to_string(),
            "ClientHello DTLS 1.2 cookie=2 suites=2 extended_master_secret[0]"
        );
        assert_eq!((hello.session_id, hello.cookie), (&[5][..], &[8, 9][..]));
        assert!(hello.suites.contains(SuiteId::AES_128_GCM_SHA256));
    }

    #[test]
    fn round_trips_and_rejects_truncated() {
        // The extensions, six bytes here, may be missing as a whole.
        let body = body();
        let hello: ClientHello<'_> = message_laws(&body, &[body.len() - 6]);
        assert!(ClientHello::parse(&with_trailing(&body)).is_err());
        let bare = ClientHello { extensions: Extensions::EMPTY, ..hello };
        assert_eq!(written(&bare), body[..body.len() - 6]);
    }

    #[test]
    fn a_beginning_tells_the_extensions_that_are_whole() {
        let mut body = body();
        let at = body.len() - 6;
        body.truncate(at);
        body.extend([0, 11, 0, 23, 0, 0, 0, 44, 0, 3, 7, 8, 9]);
        let seen = |end: usize| {
            let hello = ClientHello::parse_beginning(&body[..end], body.len()).ok()?;
            Some(hello.extensions.iter().count())
        };
        let whole: Vec<Option<usize>> = (0..=body.len()).map(seen).collect();
        let mut wanted = vec![None; at + 2];
        wanted.extend([Some(0); 4]);
        wanted.extend([Some(1); 7]);
        wanted.push(Some(2));
        assert_eq!(whole, wanted);
        // A length that says otherwise than the message's, and a type that stands twice.
        assert!(ClientHello::parse_beginning(&body, body.len() + 1).is_err());
        let (first, second) = (at + 3, at + 7);
        body[second] = body[first];
        assert!(ClientHello::parse_beginning(&body[..body.len()], body.len()).is_err());
    }

    #[test]
    fn rejects_what_the_vectors_forbid() {
        let at = 2 + 32;
        let refused = |patches: &[(usize, u8)]| {
            let mut body = body();
            patches.iter().for_each(|&(index, byte)| body[index] = byte);
            ClientHello::parse(&body).is_err()
        };
        assert!(refused(&[(at, 33)]), "a session id of 33 bytes");
        assert!(refused(&[(at + 2, 200)]), "a cookie beyond the end");
        assert!(refused(&[(at + 6, 3)]), "half a suite");
        assert!(refused(&[(at + 11, 0)]), "no compression method");
    }
}
