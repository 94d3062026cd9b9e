//! CertificateRequest of version 1.2: [RFC 5246 §7.4.4](https://www.rfc-editor.org/rfc/rfc5246#section-7.4.4).
//!
//! ```text
//! +---+=======+-----+=========+-----+=============+
//! | n | types |  n  | schemes |  n  | authorities |
//! +---+=======+-----+=========+-----+=============+
//! ```

use std::fmt;

use base::{Malformed, Reader, Writer};

use super::{ClientCertificateType, HandshakeType, Message, Numbers, SignatureScheme};

/// Asks the client for a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CertificateRequest12<'a> {
    /// The kinds of certificate that will do, as bytes; at least one.
    types: &'a [u8],
    /// How the client may sign, at least one way.
    pub schemes: Numbers<'a, SignatureScheme>,
    /// Names of those who may have issued the certificate, each with its length; empty asks for none
    /// in particular.
    authorities: &'a [u8],
}

impl<'a> CertificateRequest12<'a> {
    /// A request that names no authority, as WebRTC has none. `types` and `schemes` are not empty.
    #[must_use]
    pub const fn new(types: &'a [u8], schemes: Numbers<'a, SignatureScheme>) -> Self {
        Self { types, schemes, authorities: &[] }
    }

    /// The kinds of certificate that will do.
    pub fn types(&self) -> impl Iterator<Item = ClientCertificateType> + use<'a> {
        self.types.iter().copied().map(ClientCertificateType::new)
    }

    /// Distinguished names in DER.
    pub fn authorities(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        let mut reader = Reader::new(self.authorities);
        std::iter::from_fn(move || read_name(&mut reader).ok())
    }
}

fn read_name<'a>(reader: &mut Reader<'a>) -> Result<&'a [u8], Malformed> {
    let length = usize::from(reader.u16()?);
    if length == 0 {
        return Err(reader.malformed("empty name of an authority"));
    }
    reader.bytes(length)
}

impl<'a> Message<'a> for CertificateRequest12<'a> {
    const KIND: HandshakeType = HandshakeType::CERTIFICATE_REQUEST;

    fn parse(body: &'a [u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(body);
        let types_length = usize::from(reader.u8()?);
        if types_length == 0 {
            return Err(reader.malformed("no type of certificate"));
        }
        let types = reader.bytes(types_length)?;
        let schemes_length = usize::from(reader.u16()?);
        let schemes = Numbers::read_some(reader.sub(schemes_length)?)?;
        let authorities_length = usize::from(reader.u16()?);
        let mut names = reader.sub(authorities_length)?;
        reader.finish()?;
        let authorities = names.rest();
        let mut check = Reader::new(authorities);
        while !check.is_empty() {
            let _name = read_name(&mut check)?;
        }
        Ok(Self { types, schemes, authorities })
    }

    fn write(&self, writer: &mut Writer<'_>) {
        writer.u8_length().writer().bytes(self.types);
        self.schemes.write(writer.u16_length().writer());
        writer.u16_length().writer().bytes(self.authorities);
    }
}

impl fmt::Display for CertificateRequest12<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CertificateRequest")?;
        self.types().try_for_each(|kind| write!(f, " {kind}"))?;
        self.schemes.iter().try_for_each(|scheme| write!(f, " {scheme}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::testing::{message_laws, with_trailing, written};

    const BODY: &[u8] = &[2, 64, 1, 0, 4, 4, 3, 8, 4, 0, 3, 0, 1, 7];

    #[test]
    fn reads_capture() {
        let request = CertificateRequest12::parse(BODY).unwrap();
        assert_eq!(
            request.to_string(),
            "CertificateRequest ecdsa_sign rsa_sign ecdsa_secp256r1_sha256 rsa_pss_rsae_sha256"
        );
        assert_eq!(request.authorities().collect::<Vec<_>>(), [[7]]);
    }

    #[test]
    fn round_trips_and_rejects_truncated() {
        let _: CertificateRequest12<'_> = message_laws(BODY, &[]);
        assert!(CertificateRequest12::parse(&with_trailing(BODY)).is_err());
        let schemes = [SignatureScheme::ECDSA_SECP256R1_SHA256];
        let made = CertificateRequest12::new(&[64], schemes[..].into());
        assert_eq!(written(&made), [1, 64, 0, 2, 4, 3, 0, 0]);
    }

    #[test]
    fn lists_must_not_be_empty_but_that_of_the_authorities() {
        assert!(CertificateRequest12::parse(&[0, 0, 2, 4, 3, 0, 0]).is_err());
        assert!(CertificateRequest12::parse(&[1, 64, 0, 0, 0, 0]).is_err());
        assert!(CertificateRequest12::parse(&[1, 64, 0, 2, 4, 3, 0, 2, 0, 0]).is_err());
    }
}
