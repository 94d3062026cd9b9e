//! supported_groups: [RFC 8446 §4.2.7](https://www.rfc-editor.org/rfc/rfc8446#section-4.2.7),
//! [RFC 8422 §5.1.1](https://www.rfc-editor.org/rfc/rfc8422#section-5.1.1).
//!
//! ```text
//! +-----+========+
//! |  n  | groups |
//! +-----+========+
//! ```

use std::fmt;

use base::{Malformed, Reader, Writer};

use crate::wire::{Extension, ExtensionType, NamedGroupId, Numbers};

/// The groups that the sender can exchange keys in, the best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SupportedGroups<'a> {
    /// At least one group.
    pub groups: Numbers<'a, NamedGroupId>,
}

impl<'a> Extension<'a> for SupportedGroups<'a> {
    const TYPE: ExtensionType = ExtensionType::SUPPORTED_GROUPS;

    fn read(mut value: Reader<'a>) -> Result<Self, Malformed> {
        let length = usize::from(value.u16()?);
        let groups = Numbers::read_some(value.sub(length)?)?;
        value.finish().map(|()| Self { groups })
    }

    fn write(&self, writer: &mut Writer<'_>) {
        self.groups.write(writer.u16_length().writer());
    }
}

impl fmt::Display for SupportedGroups<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "supported_groups {:?}", self.groups)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::testing::{extension_laws, value, with_trailing};

    const BYTES: &[u8] = &[0, 4, 0x11, 0xec, 0, 29];

    #[test]
    fn reads_capture_round_trips_and_rejects_truncated() {
        let groups: SupportedGroups<'_> = extension_laws(BYTES);
        assert_eq!(groups.to_string(), "supported_groups [X25519MLKEM768, x25519]");
        let made = [NamedGroupId::X25519_MLKEM768, NamedGroupId::X25519];
        assert_eq!(value(&SupportedGroups { groups: made[..].into() }), BYTES);
    }

    #[test]
    fn rejects_lists_that_are_empty_or_cut_within_a_number() {
        for value in [&[0, 0][..], &[0, 3, 0, 29, 0], &with_trailing(BYTES)] {
            assert!(SupportedGroups::read(Reader::new(value)).is_err(), "{value:?}");
        }
    }
}
