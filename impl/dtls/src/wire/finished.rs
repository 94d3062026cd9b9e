//! Finished, the proof that both saw the same handshake:
//! [RFC 8446 §4.4.4](https://www.rfc-editor.org/rfc/rfc8446#section-4.4.4),
//! [RFC 5246 §7.4.9](https://www.rfc-editor.org/rfc/rfc5246#section-7.4.9).
//!
//! ```text
//! +=============+
//! | verify data |   12 bytes in version 1.2, as long as the hash in version 1.3
//! +=============+
//! ```

use std::fmt;

use base::{Malformed, Writer};

use super::{HandshakeType, Message};

/// The proof that both saw the same handshake. Its receiver knows the length and compares it with the
/// rest in constant time.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Finished<'a> {
    /// The whole body.
    pub verify_data: &'a [u8],
}

impl<'a> Message<'a> for Finished<'a> {
    const KIND: HandshakeType = HandshakeType::FINISHED;

    fn parse(body: &'a [u8]) -> Result<Self, Malformed> {
        Ok(Self { verify_data: body })
    }

    fn write(&self, writer: &mut Writer<'_>) {
        writer.bytes(self.verify_data);
    }
}

impl fmt::Display for Finished<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Finished [{}]", self.verify_data.len())
    }
}

impl fmt::Debug for Finished<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::testing::message_laws;

    #[test]
    fn reads_capture_and_round_trips_at_every_length() {
        let body = [7; 12];
        let lengths: Vec<usize> = (0..12).collect();
        assert_eq!(message_laws::<Finished<'_>>(&body, &lengths).to_string(), "Finished [12]");
    }
}
