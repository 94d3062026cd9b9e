//! ChangeCipherSpec, a record of its own type: [RFC 5246 §7.1](https://www.rfc-editor.org/rfc/rfc5246#section-7.1).
//!
//! ```text
//! +---+
//! | 1 |
//! +---+
//! ```

use std::fmt;

use base::{Malformed, Reader, Writer};

/// What follows is protected by the new keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ChangeCipherSpec;

impl ChangeCipherSpec {
    /// Reads the payload of a record.
    ///
    /// # Errors
    ///
    /// `Malformed` if it is not the one byte 1.
    pub fn parse(payload: &[u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(payload);
        if reader.u8()? != 1 {
            return Err(Reader::new(payload).malformed("change_cipher_spec other than 1"));
        }
        reader.finish().map(|()| Self)
    }

    /// Appends the payload.
    pub fn write(self, writer: &mut Writer<'_>) {
        writer.u8(1);
    }
}

impl fmt::Display for ChangeCipherSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ChangeCipherSpec")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_capture_and_round_trips() {
        let mut bytes = Vec::new();
        ChangeCipherSpec.write(&mut Writer::new(&mut bytes));
        assert_eq!(ChangeCipherSpec::parse(&bytes), Ok(ChangeCipherSpec));
        assert_eq!(ChangeCipherSpec.to_string(), "ChangeCipherSpec");
    }

    #[test]
    fn rejects_truncated_and_all_other_bytes() {
        for payload in [&[][..], &[0], &[2], &[1, 1]] {
            assert!(ChangeCipherSpec::parse(payload).is_err(), "{payload:?}");
        }
    }
}
