//! Certificate of version 1.3: [RFC 8446 §4.4.2](https://www.rfc-editor.org/rfc/rfc8446#section-4.4.2).
//!
//! ```text
//! +---+=========+--------+--------+=============+-----+============+
//! | n | context |   n    |   n    | certificate |  n  | extensions | …
//! +---+=========+--------+--------+=============+-----+============+
//!                3 bytes  3 bytes
//! ```

use std::fmt;

use base::{Malformed, Reader, Writer};

use super::{Extensions, HandshakeType, Message, certificate12::read_one};

/// A chain of certificates, the sender's own first. A client without one sends none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Certificate13<'a> {
    /// What the CertificateRequest said, at most 255 bytes; empty within the handshake.
    pub context: &'a [u8],
    list: &'a [u8],
}

/// A certificate of the chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CertificateEntry<'a> {
    /// The certificate in DER.
    pub der: &'a [u8],
    /// What is said of it.
    pub extensions: Extensions<'a>,
}

impl<'a> Certificate13<'a> {
    /// A message of a list that was made with [`Certificate13::append`].
    ///
    /// # Errors
    ///
    /// `Malformed` if `list` is not certificates with lengths and extensions, or one of them is empty.
    pub fn from_list(context: &'a [u8], list: &'a [u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(list);
        while !reader.is_empty() {
            let _entry = read_entry(&mut reader)?;
        }
        Ok(Self { context, list })
    }

    /// Appends a certificate in DER, without extensions, to a list.
    pub fn append(list: &mut Vec<u8>, der: &[u8]) {
        let mut writer = Writer::new(list);
        writer.u24_length().writer().bytes(der);
        Extensions::EMPTY.write(&mut writer);
    }

    /// The certificates with what is said of them.
    pub fn entries(&self) -> impl Iterator<Item = CertificateEntry<'a>> + use<'a> {
        let mut reader = Reader::new(self.list);
        std::iter::from_fn(move || read_entry(&mut reader).ok())
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.list.is_empty()
    }
}

fn read_entry<'a>(reader: &mut Reader<'a>) -> Result<CertificateEntry<'a>, Malformed> {
    let der = read_one(reader)?;
    Ok(CertificateEntry { der, extensions: Extensions::read(reader)? })
}

impl<'a> Message<'a> for Certificate13<'a> {
    const KIND: HandshakeType = HandshakeType::CERTIFICATE;

    fn parse(body: &'a [u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(body);
        let context_length = usize::from(reader.u8()?);
        let context = reader.bytes(context_length)?;
        let length = usize::try_from(reader.u24()?).unwrap_or(usize::MAX);
        let list = reader.bytes(length)?;
        reader.finish()?;
        Self::from_list(context, list)
    }

    fn write(&self, writer: &mut Writer<'_>) {
        writer.u8_length().writer().bytes(self.context);
        writer.u24_length().writer().bytes(self.list);
    }
}

impl fmt::Display for Certificate13<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Certificate")?;
        self.entries().try_for_each(|entry| write!(f, " [{}]", entry.der.len()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::testing::{message_laws, with_trailing};

    const BODY: &[u8] = &[1, 9, 0, 0, 17, 0, 0, 2, 5, 6, 0, 0, 0, 0, 1, 7, 0, 4, 0, 5, 0, 0];

    #[test]
    fn reads_capture() {
        let message = Certificate13::parse(BODY).unwrap();
        assert_eq!(message.to_string(), "Certificate [2] [1]");
        let extensions: Vec<_> = message.entries().map(|it| it.extensions.to_string()).collect();
        assert_eq!(extensions, ["", "0x5[0]"]);
        assert_eq!(message.context, [9]);
    }

    #[test]
    fn round_trips_and_rejects_truncated() {
        let _: Certificate13<'_> = message_laws(BODY, &[]);
        assert!(Certificate13::parse(&with_trailing(BODY)).is_err());
        let mut list = Vec::new();
        Certificate13::append(&mut list, &[5, 6]);
        let made = Certificate13::from_list(&[], &list).unwrap();
        assert_eq!(made.entries().map(|entry| entry.der).collect::<Vec<_>>(), [[5, 6]]);
    }

    #[test]
    fn a_certificate_has_bytes_and_extensions() {
        assert!(Certificate13::parse(&[0, 0, 0, 5, 0, 0, 0, 0, 0]).is_err());
        assert!(Certificate13::parse(&[0, 0, 0, 4, 0, 0, 1, 7]).is_err());
    }
}
