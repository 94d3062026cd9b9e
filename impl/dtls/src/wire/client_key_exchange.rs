//! ClientKeyExchange of ECDHE, the client's key share in version 1.2:
//! [RFC 8422 §5.7](https://www.rfc-editor.org/rfc/rfc8422#section-5.7).
//!
//! ```text
//! +---+=======+
//! | n | share |
//! +---+=======+
//! ```

use std::fmt;

use base::{Malformed, Reader, Writer};

use super::{HandshakeType, Message, server_key_exchange::read_share};

/// The client's key share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientKeyExchange<'a> {
    /// The share in the group that the server chose, 1 to 255 bytes.
    pub share: &'a [u8],
}

impl<'a> Message<'a> for ClientKeyExchange<'a> {
    const KIND: HandshakeType = HandshakeType::CLIENT_KEY_EXCHANGE;

    fn parse(body: &'a [u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(body);
        let share = read_share(&mut reader)?;
        reader.finish().map(|()| Self { share })
    }

    fn write(&self, writer: &mut Writer<'_>) {
        writer.u8_length().writer().bytes(self.share);
    }
}

impl fmt::Display for ClientKeyExchange<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ClientKeyExchange [{}]", self.share.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::testing::{message_laws, with_trailing};

    const BODY: &[u8] = &[2, 5, 6];

    #[test]
    fn reads_capture() {
        let exchange = ClientKeyExchange::parse(BODY).unwrap();
        assert_eq!(exchange.to_string(), "ClientKeyExchange [2]");
    }

    #[test]
    fn round_trips_and_rejects_truncated() {
        let _: ClientKeyExchange<'_> = message_laws(BODY, &[]);
        assert!(ClientKeyExchange::parse(&with_trailing(BODY)).is_err());
        assert!(ClientKeyExchange::parse(&[0]).is_err());
    }
}
