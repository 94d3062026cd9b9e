//! Certificate of version 1.2: [RFC 5246 §7.4.2](https://www.rfc-editor.org/rfc/rfc5246#section-7.4.2).
//!
//! ```text
//! +--------+--------+=============+--------+=============+
//! |   n    |   n    | certificate |   n    | certificate | …
//! +--------+--------+=============+--------+=============+
//!  3 bytes  3 bytes
//! ```

use std::fmt;

use base::{Malformed, Reader, Writer};

use super::{HandshakeType, Message};

/// A chain of certificates, the sender's own first. A client without one sends none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Certificate12<'a> {
    list: &'a [u8],
}

impl<'a> Certificate12<'a> {
    /// A chain in the making: append with [`Certificate12::append`] and make a message of it here.
    ///
    /// # Errors
    ///
    /// `Malformed` if `list` is not certificates with their lengths, or one of them is empty.
    pub fn from_list(list: &'a [u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(list);
        while !reader.is_empty() {
            let _certificate = read_one(&mut reader)?;
        }
        Ok(Self { list })
    }

    /// Appends a certificate in DER with its length to a list.
    pub fn append(list: &mut Vec<u8>, der: &[u8]) {
        Writer::new(list).u24_length().writer().bytes(der);
    }

    /// The certificates in DER.
    pub fn certificates(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        let mut reader = Reader::new(self.list);
        std::iter::from_fn(move || read_one(&mut reader).ok())
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.list.is_empty()
    }
}

/// Takes a certificate with its length off `reader`; it is never empty.
pub(super) fn read_one<'a>(reader: &mut Reader<'a>) -> Result<&'a [u8], Malformed> {
    let length = usize::try_from(reader.u24()?).unwrap_or(usize::MAX);
    if length == 0 {
        return Err(reader.malformed("empty certificate"));
    }
    reader.bytes(length)
}

impl<'a> Message<'a> for Certificate12<'a> {
    const KIND: HandshakeType = HandshakeType::CERTIFICATE;

    fn parse(body: &'a [u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(body);
        let length = usize::try_from(reader.u24()?).unwrap_or(usize::MAX);
        let list = reader.bytes(length)?;
        reader.finish()?;
        Self::from_list(list)
    }

    fn write(&self, writer: &mut Writer<'_>) {
        writer.u24_length().writer().bytes(self.list);
    }
}

impl fmt::Display for Certificate12<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Certificate")?;
        self.certificates().try_for_each(|der| write!(f, " [{}]", der.len()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::testing::{message_laws, with_trailing};

    const BODY: &[u8] = &[0, 0, 9, 0, 0, 2, 5, 6, 0, 0, 1, 7];

    #[test]
    fn reads_capture() {
        let message = Certificate12::parse(BODY).unwrap();
        assert_eq!(message.to_string(), "Certificate [2] [1]");
        assert_eq!(message.certificates().collect::<Vec<_>>(), [&[5, 6][..], &[7]]);
        assert!(Certificate12::parse(&[0, 0, 0]).unwrap().is_empty());
    }

    #[test]
    fn round_trips_and_rejects_truncated() {
        let _: Certificate12<'_> = message_laws(BODY, &[]);
        assert!(Certificate12::parse(&with_trailing(BODY)).is_err());
        let mut list = Vec::new();
        Certificate12::append(&mut list, &[5, 6]);
        Certificate12::append(&mut list, &[7]);
        assert_eq!(Certificate12::from_list(&list), Certificate12::parse(BODY));
    }

    #[test]
    fn a_certificate_has_bytes_and_ends_within_the_list() {
        assert!(Certificate12::parse(&[0, 0, 3, 0, 0, 0]).is_err());
        assert!(Certificate12::parse(&[0, 0, 4, 0, 0, 2, 1]).is_err());
        assert!(Certificate12::parse(&[0, 0, 4, 0xff, 0xff, 0xff, 1]).is_err());
    }
}
