//! CertificateVerify, the proof that the sender holds the key of its certificate:
//! [RFC 8446 §4.4.3](https://www.rfc-editor.org/rfc/rfc8446#section-4.4.3),
//! [RFC 5246 §7.4.8](https://www.rfc-editor.org/rfc/rfc5246#section-7.4.8).
//!
//! ```text
//! +--------+-----+===========+
//! | scheme |  n  | signature |
//! +--------+-----+===========+
//! ```

use std::fmt;

use base::{Malformed, Reader, Writer};

use super::{HandshakeType, Message, SignatureScheme};

/// A signature over the handshake so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CertificateVerify<'a> {
    /// How it was made.
    pub scheme: SignatureScheme,
    /// The signature.
    pub signature: &'a [u8],
}

impl<'a> Message<'a> for CertificateVerify<'a> {
    const KIND: HandshakeType = HandshakeType::CERTIFICATE_VERIFY;

    fn parse(body: &'a [u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(body);
        let scheme = SignatureScheme::new(reader.u16()?);
        let length = usize::from(reader.u16()?);
        let signature = reader.bytes(length)?;
        reader.finish().map(|()| Self { scheme, signature })
    }

    fn write(&self, writer: &mut Writer<'_>) {
        writer.u16(self.scheme.number());
        writer.u16_length().writer().bytes(self.signature);
    }
}

impl fmt::Display for CertificateVerify<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CertificateVerify {} [{}]", self.scheme, self.signature.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::testing::{message_laws, with_trailing};

    const BODY: &[u8] = &[4, 3, 0, 3, 7, 8, 9];

    #[test]
    fn reads_capture() {
        let verify = CertificateVerify::parse(BODY).unwrap();
        assert_eq!(verify.to_string(), "CertificateVerify ecdsa_secp256r1_sha256 [3]");
        assert_eq!(verify.signature, [7, 8, 9]);
    }

    #[test]
    fn round_trips_and_rejects_truncated() {
        let _: CertificateVerify<'_> = message_laws(BODY, &[]);
        assert!(CertificateVerify::parse(&with_trailing(BODY)).is_err());
    }
}
