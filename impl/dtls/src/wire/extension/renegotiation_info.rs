//! renegotiation_info: [RFC 5746 §3.2](https://www.rfc-editor.org/rfc/rfc5746#section-3.2).
//!
//! ```text
//! +---+======================+
//! | n | renegotiated session |
//! +---+======================+
//! ```

use std::fmt;

use base::{Malformed, Reader, Writer};

use crate::wire::{Extension, ExtensionType};

/// Binds a renegotiation to what it renegotiates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RenegotiationInfo<'a> {
    /// At most 255 bytes; empty in a first handshake, and there is no other here.
    pub renegotiated: &'a [u8],
}

impl RenegotiationInfo<'static> {
    /// What a first handshake says.
    pub const INITIAL: Self = Self { renegotiated: &[] };
}

impl<'a> Extension<'a> for RenegotiationInfo<'a> {
    const TYPE: ExtensionType = ExtensionType::RENEGOTIATION_INFO;

    fn read(mut value: Reader<'a>) -> Result<Self, Malformed> {
        let length = usize::from(value.u8()?);
        let renegotiated = value.bytes(length)?;
        value.finish().map(|()| Self { renegotiated })
    }

    fn write(&self, writer: &mut Writer<'_>) {
        writer.u8_length().writer().bytes(self.renegotiated);
    }
}

impl fmt::Display for RenegotiationInfo<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "renegotiation_info [{}]", self.renegotiated.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::testing::{extension_laws, with_trailing};

    #[test]
    fn reads_capture_round_trips_and_rejects_truncated() {
        let initial: RenegotiationInfo<'_> = extension_laws(&[0]);
        assert_eq!(initial, RenegotiationInfo::INITIAL);
        let later: RenegotiationInfo<'_> = extension_laws(&[2, 7, 8]);
        assert_eq!(later.to_string(), "renegotiation_info [2]");
        assert!(RenegotiationInfo::read(Reader::new(&with_trailing(&[0]))).is_err());
    }
}
