//! supported_versions: [RFC 8446 §4.2.1](https://www.rfc-editor.org/rfc/rfc8446#section-4.2.1).
//!
//! ```text
//! ClientHello  +---+==========+     ServerHello  +---------+
//!              | n | versions |                  | version |
//!              +---+==========+                  +---------+
//! ```

use std::fmt;

use base::{Malformed, Reader, Writer};

use crate::wire::{Extension, ExtensionType, Numbers, ProtocolVersion};

/// The versions that the client speaks, the best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientVersions<'a> {
    /// One to 127 versions.
    pub versions: Numbers<'a, ProtocolVersion>,
}

impl<'a> Extension<'a> for ClientVersions<'a> {
    const TYPE: ExtensionType = ExtensionType::SUPPORTED_VERSIONS;

    fn read(mut value: Reader<'a>) -> Result<Self, Malformed> {
        let length = usize::from(value.u8()?);
        let versions = Numbers::read_some(value.sub(length)?)?;
        value.finish().map(|()| Self { versions })
    }

    fn write(&self, writer: &mut Writer<'_>) {
        self.versions.write(writer.u8_length().writer());
    }
}

impl fmt::Display for ClientVersions<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "supported_versions {:?}", self.versions)
    }
}

/// The version that the server chose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ServerVersion {
    /// The version.
    pub version: ProtocolVersion,
}

impl Extension<'_> for ServerVersion {
    const TYPE: ExtensionType = ExtensionType::SUPPORTED_VERSIONS;

    fn read(mut value: Reader<'_>) -> Result<Self, Malformed> {
        let version = ProtocolVersion::new(value.u16()?);
        value.finish().map(|()| Self { version })
    }

    fn write(&self, writer: &mut Writer<'_>) {
        writer.u16(self.version.number());
    }
}

impl fmt::Display for ServerVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "supported_versions {}", self.version)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::testing::{extension_laws, with_trailing};

    const OFFER: &[u8] = &[4, 0xfe, 0xfc, 0xfe, 0xfd];

    #[test]
    fn reads_capture() {
        let offer: ClientVersions<'_> = extension_laws(OFFER);
        assert_eq!(offer.to_string(), "supported_versions [DTLS 1.3, DTLS 1.2]");
        let answer: ServerVersion = extension_laws(&[0xfe, 0xfc]);
        assert_eq!(answer.to_string(), "supported_versions DTLS 1.3");
    }

    #[test]
    fn rejects_lists_that_are_empty_or_cut_within_a_number() {
        for value in [&[0][..], &[3, 0xfe, 0xfc, 0xfe], &with_trailing(OFFER)] {
            assert!(ClientVersions::read(Reader::new(value)).is_err(), "{value:?}");
        }
        assert!(ServerVersion::read(Reader::new(&[0xfe, 0xfc, 0])).is_err());
    }
}
