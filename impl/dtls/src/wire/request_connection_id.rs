//! RequestConnectionId: [RFC 9147 §9](https://www.rfc-editor.org/rfc/rfc9147#section-9).
//!
//! ```text
//! +-------+
//! | count |
//! +-------+
//! ```

use std::fmt;

use base::{Malformed, Reader, Writer};

use super::{HandshakeType, Message};

/// Asks the peer for connection ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RequestConnectionId {
    /// How many are wanted.
    pub count: u8,
}

impl Message<'_> for RequestConnectionId {
    const KIND: HandshakeType = HandshakeType::REQUEST_CONNECTION_ID;

    fn parse(body: &[u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(body);
        let count = reader.u8()?;
        reader.finish().map(|()| Self { count })
    }

    fn write(&self, writer: &mut Writer<'_>) {
        writer.u8(self.count);
    }
}

impl fmt::Display for RequestConnectionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RequestConnectionId {}", self.count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::testing::message_laws;

    #[test]
    fn reads_capture_round_trips_and_rejects_truncated() {
        let request: RequestConnectionId = message_laws(&[3], &[]);
        assert_eq!(request.to_string(), "RequestConnectionId 3");
        assert!(RequestConnectionId::parse(&[3, 0]).is_err());
    }
}
