//! Messages without a body: HelloRequest and ServerHelloDone:
//! [RFC 5246 §7.4.1.1, §7.4.5](https://www.rfc-editor.org/rfc/rfc5246#section-7.4.1.1).
//!
//! ```text
//! ++
//! ++
//! ```

use std::fmt;

use base::{Malformed, Reader, Writer};

use super::{HandshakeType, Message};

/// Asks a client of version 1.2 for a new handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct HelloRequest;

impl Message<'_> for HelloRequest {
    const KIND: HandshakeType = HandshakeType::HELLO_REQUEST;

    fn parse(body: &[u8]) -> Result<Self, Malformed> {
        Reader::new(body).finish().map(|()| Self)
    }

    fn write(&self, _: &mut Writer<'_>) {}
}

impl fmt::Display for HelloRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HelloRequest")
    }
}

/// The end of the server's flight in version 1.2.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ServerHelloDone;

impl Message<'_> for ServerHelloDone {
    const KIND: HandshakeType = HandshakeType::SERVER_HELLO_DONE;

    fn parse(body: &[u8]) -> Result<Self, Malformed> {
        Reader::new(body).finish().map(|()| Self)
    }

    fn write(&self, _: &mut Writer<'_>) {}
}

impl fmt::Display for ServerHelloDone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ServerHelloDone")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::testing::message_laws;

    #[test]
    fn nothing_is_all_they_hold() {
        assert_eq!(message_laws::<HelloRequest>(&[], &[]).to_string(), "HelloRequest");
        assert_eq!(message_laws::<ServerHelloDone>(&[], &[]).to_string(), "ServerHelloDone");
        assert!(HelloRequest::parse(&[0]).is_err() && ServerHelloDone::parse(&[0]).is_err());
    }
}
