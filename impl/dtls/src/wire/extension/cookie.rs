//! cookie of version 1.3: [RFC 8446 §4.2.2](https://www.rfc-editor.org/rfc/rfc8446#section-4.2.2).
//!
//! ```text
//! +-----+========+
//! |  n  | cookie |
//! +-----+========+
//! ```

use std::fmt;

use base::{Malformed, Reader, Writer};

use crate::wire::{Extension, ExtensionType};

/// What the client comes back with after a HelloRetryRequest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cookie<'a> {
    /// 1 to 65,535 bytes.
    pub cookie: &'a [u8],
}

impl<'a> Extension<'a> for Cookie<'a> {
    const TYPE: ExtensionType = ExtensionType::COOKIE;

    fn read(mut value: Reader<'a>) -> Result<Self, Malformed> {
        let length = usize::from(value.u16()?);
        if length == 0 {
            return Err(value.malformed("empty cookie"));
        }
        let cookie = value.bytes(length)?;
        value.finish().map(|()| Self { cookie })
    }

    fn write(&self, writer: &mut Writer<'_>) {
        writer.u16_length().writer().bytes(self.cookie);
    }
}

impl fmt::Display for Cookie<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cookie [{}]", self.cookie.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::testing::{extension_laws, with_trailing};

    #[test]
    fn reads_capture_round_trips_and_rejects_truncated() {
        let bytes = [0, 3, 7, 8, 9];
        let cookie: Cookie<'_> = extension_laws(&bytes);
        assert_eq!(cookie.to_string(), "cookie [3]");
        assert!(Cookie::read(Reader::new(&with_trailing(&bytes))).is_err());
        assert!(Cookie::read(Reader::new(&[0, 0])).is_err(), "an empty cookie");
    }
}
