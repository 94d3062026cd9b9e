//! ServerKeyExchange of ECDHE, the server's key share in version 1.2:
//! [RFC 8422 §5.4](https://www.rfc-editor.org/rfc/rfc8422#section-5.4).
//!
//! ```text
//! +---+-------+---+=======+--------+-----+===========+
//! | 3 | group | n | share | scheme |  n  | signature |
//! +---+-------+---+=======+--------+-----+===========+
//!  named curve
//! ```

use std::fmt;

use base::{Malformed, Reader, Writer};

use super::{HandshakeType, Message, NamedGroupId, SignatureScheme};

/// The one form of parameters that is spoken: a curve by its number (RFC 8422 §5.4).
const NAMED_CURVE: u8 = 3;

/// The server's key share and its signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServerKeyExchange<'a> {
    /// The group.
    pub group: NamedGroupId,
    /// The server's share, 1 to 255 bytes.
    pub share: &'a [u8],
    /// How the signature was made.
    pub scheme: SignatureScheme,
    /// The signature over both randoms and the parameters.
    pub signature: &'a [u8],
}

impl ServerKeyExchange<'_> {
    /// Appends what is signed after the two randoms: everything before the scheme.
    pub fn write_params(group: NamedGroupId, share: &[u8], writer: &mut Writer<'_>) {
        writer.u8(NAMED_CURVE);
        writer.u16(group.number());
        writer.u8_length().writer().bytes(share);
    }
}

impl<'a> Message<'a> for ServerKeyExchange<'a> {
    const KIND: HandshakeType = HandshakeType::SERVER_KEY_EXCHANGE;

    fn parse(body: &'a [u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(body);
        if reader.u8()? != NAMED_CURVE {
            return Err(Reader::new(body).malformed("curve without a number"));
        }
        let group = NamedGroupId::new(reader.u16()?);
        let share = read_share(&mut reader)?;
        let scheme = SignatureScheme::new(reader.u16()?);
        let length = usize::from(reader.u16()?);
        let signature = reader.bytes(length)?;
        reader.finish().map(|()| Self { group, share, scheme, signature })
    }

    fn write(&self, writer: &mut Writer<'_>) {
        Self::write_params(self.group, self.share, writer);
        writer.u16(self.scheme.number());
        writer.u16_length().writer().bytes(self.signature);
    }
}

/// Takes a key share with its length off `reader`; it is never empty.
pub(super) fn read_share<'a>(reader: &mut Reader<'a>) -> Result<&'a [u8], Malformed> {
    let length = usize::from(reader.u8()?);
    if length == 0 {
        return Err(reader.malformed("empty key share"));
    }
    reader.bytes(length)
}

impl fmt::Display for ServerKeyExchange<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (share, signature) = (self.share.len(), self.signature.len());
        write!(f, "ServerKeyExchange {}[{share}] {}[{signature}]", self.group, self.scheme)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::testing::{message_laws, with_trailing};

    const BODY: &[u8] = &[3, 0, 29, 2, 5, 6, 4, 3, 0, 3, 7, 8, 9];

    #[test]
    fn reads_capture() {
        let exchange = ServerKeyExchange::parse(BODY).unwrap();
        assert_eq!(exchange.to_string(), "ServerKeyExchange x25519[2] ecdsa_secp256r1_sha256[3]");
        let mut params = Vec::new();
        ServerKeyExchange::write_params(
            exchange.group,
            exchange.share,
            &mut Writer::new(&mut params),
        );
        assert_eq!(params, BODY[..6]);
    }

    #[test]
    fn round_trips_and_rejects_truncated() {
        let _: ServerKeyExchange<'_> = message_laws(BODY, &[]);
        assert!(ServerKeyExchange::parse(&with_trailing(BODY)).is_err());
    }

    #[test]
    fn a_curve_has_a_number_and_a_share_has_bytes() {
        assert!(ServerKeyExchange::parse(&[1, 0, 29, 1, 5, 4, 3, 0, 0]).is_err());
        assert!(ServerKeyExchange::parse(&[3, 0, 29, 0, 4, 3, 0, 0]).is_err());
    }
}
