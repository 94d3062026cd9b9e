//! ec_point_formats: [RFC 8422 §5.1.2](https://www.rfc-editor.org/rfc/rfc8422#section-5.1.2).
//!
//! ```text
//! +---+=========+
//! | n | formats |
//! +---+=========+
//! ```

use std::fmt;

use base::{Malformed, Reader, Writer};

use crate::wire::{Extension, ExtensionType};

/// The forms in which the sender reads points; all but the uncompressed one are gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EcPointFormats<'a> {
    /// At least one format.
    pub formats: &'a [u8],
}

impl EcPointFormats<'static> {
    /// What every sender says.
    pub const UNCOMPRESSED: Self = Self { formats: &[0] };
}

impl EcPointFormats<'_> {
    /// Whether uncompressed points are among them, as they must be (RFC 8422 §5.1.2).
    #[must_use]
    pub fn has_uncompressed(&self) -> bool {
        self.formats.contains(&0)
    }
}

impl<'a> Extension<'a> for EcPointFormats<'a> {
    const TYPE: ExtensionType = ExtensionType::EC_POINT_FORMATS;

    fn read(mut value: Reader<'a>) -> Result<Self, Malformed> {
        let length = usize::from(value.u8()?);
        if length == 0 {
            return Err(value.malformed("no point format"));
        }
        let formats = value.bytes(length)?;
        value.finish().map(|()| Self { formats })
    }

    fn write(&self, writer: &mut Writer<'_>) {
        writer.u8_length().writer().bytes(self.formats);
    }
}

impl fmt::Display for EcPointFormats<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ec_point_formats {:?}", self.formats)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::testing::{extension_laws, with_trailing};

    #[test]
    fn reads_capture_round_trips_and_rejects_truncated() {
        let formats: EcPointFormats<'_> = extension_laws(&[2, 1, 0]);
        assert_eq!(formats.to_string(), "ec_point_formats [1, 0]");
        assert!(formats.has_uncompressed() && EcPointFormats::UNCOMPRESSED.has_uncompressed());
        assert!(!extension_laws::<EcPointFormats<'_>>(&[1, 1]).has_uncompressed());
        assert!(EcPointFormats::read(Reader::new(&with_trailing(&[1, 0]))).is_err());
        assert!(EcPointFormats::read(Reader::new(&[0])).is_err());
    }
}
