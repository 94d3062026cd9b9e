//! record_size_limit: [RFC 8449 §4](https://www.rfc-editor.org/rfc/rfc8449#section-4).
//!
//! ```text
//! +-------+
//! | limit |
//! +-------+
//! ```

use std::fmt;

use base::{Malformed, Reader, Writer};

use crate::wire::{Extension, ExtensionType};

/// The longest record that the sender takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RecordSizeLimit {
    /// Bytes of plaintext, with the content type in version 1.3. Below 64 it is a misdeed, which the
    /// handshake names.
    pub limit: u16,
}

impl RecordSizeLimit {
    /// The least that may be asked for (RFC 8449 §4).
    pub const MIN: u16 = 64;
}

impl Extension<'_> for RecordSizeLimit {
    const TYPE: ExtensionType = ExtensionType::RECORD_SIZE_LIMIT;

    fn read(mut value: Reader<'_>) -> Result<Self, Malformed> {
        let limit = value.u16()?;
        value.finish().map(|()| Self { limit })
    }

    fn write(&self, writer: &mut Writer<'_>) {
        writer.u16(self.limit);
    }
}

impl fmt::Display for RecordSizeLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "record_size_limit {}", self.limit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::testing::extension_laws;

    #[test]
    fn reads_capture_round_trips_and_rejects_truncated() {
        let limit: RecordSizeLimit = extension_laws(&[0x40, 1]);
        assert_eq!(limit.to_string(), "record_size_limit 16385");
        assert!(RecordSizeLimit::read(Reader::new(&[0x40, 1, 0])).is_err());
    }
}
