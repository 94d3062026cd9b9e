//! KeyUpdate, the sender changes its keys: [RFC 8446 §4.6.3](https://www.rfc-editor.org/rfc/rfc8446#section-4.6.3).
//!
//! ```text
//! +---------+
//! | request |   1: change yours too
//! +---------+
//! ```

use std::fmt;

use base::{Malformed, Reader, Writer};

use super::{HandshakeType, Message};

/// Says that the sender changes its keys once this is acknowledged (RFC 9147 §8).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct KeyUpdate {
    /// Whether the receiver is to change its keys as well.
    pub update_requested: bool,
}

impl KeyUpdate {
    /// What `Malformed` says of a request other than 0 and 1, for which there is an alert of its own
    /// (RFC 8446 §4.6.3).
    pub const UNKNOWN_REQUEST: &'static str = "key update neither requested nor not";
}

impl Message<'_> for KeyUpdate {
    const KIND: HandshakeType = HandshakeType::KEY_UPDATE;

    fn parse(body: &[u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(body);
        let update_requested = match reader.u8()? {
            0 => false,
            1 => true,
            _ => return Err(Reader::new(body).malformed(Self::UNKNOWN_REQUEST)),
        };
        reader.finish().map(|()| Self { update_requested })
    }

    fn write(&self, writer: &mut Writer<'_>) {
        writer.u8(u8::from(self.update_requested));
    }
}

impl fmt::Display for KeyUpdate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.update_requested { "KeyUpdate requested" } else { "KeyUpdate" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::testing::message_laws;

    #[test]
    fn reads_capture_round_trips_and_rejects_truncated() {
        assert_eq!(message_laws::<KeyUpdate>(&[0], &[]).to_string(), "KeyUpdate");
        assert_eq!(message_laws::<KeyUpdate>(&[1], &[]).to_string(), "KeyUpdate requested");
        assert!(KeyUpdate::parse(&[1, 0]).is_err());
    }

    #[test]
    fn a_request_is_0_or_1() {
        assert_eq!(KeyUpdate::parse(&[2]).unwrap_err().what, KeyUpdate::UNKNOWN_REQUEST);
    }
}
