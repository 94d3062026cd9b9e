//! psk_key_exchange_modes: [RFC 8446 §4.2.9](https://www.rfc-editor.org/rfc/rfc8446#section-4.2.9).
//!
//! ```text
//! +---+=======+
//! | n | modes |
//! +---+=======+
//! ```

use std::fmt;

use base::{Malformed, Reader, Writer};

use crate::wire::{Extension, ExtensionType};

/// How a client would go on with a session that it resumes: without it, servers give no tickets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PskKeyExchangeModes<'a> {
    /// At least one mode.
    pub modes: &'a [u8],
}

impl PskKeyExchangeModes<'static> {
    /// With a key exchange of its own, the only mode that keeps old secrets from opening new sessions.
    pub const WITH_KEY_EXCHANGE: Self = Self { modes: &[1] };
}

impl<'a> Extension<'a> for PskKeyExchangeModes<'a> {
    const TYPE: ExtensionType = ExtensionType::PSK_KEY_EXCHANGE_MODES;

    fn read(mut value: Reader<'a>) -> Result<Self, Malformed> {
        let length = usize::from(value.u8()?);
        if length == 0 {
            return Err(value.malformed("no mode"));
        }
        let modes = value.bytes(length)?;
        value.finish().map(|()| Self { modes })
    }

    fn write(&self, writer: &mut Writer<'_>) {
        writer.u8_length().writer().bytes(self.modes);
    }
}

impl fmt::Display for PskKeyExchangeModes<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "psk_key_exchange_modes {:?}", self.modes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::testing::extension_laws;

    #[test]
    fn modes_have_their_count_before_them() {
        let extension: PskKeyExchangeModes<'_> = extension_laws(&[1, 1]);
        assert_eq!(extension, PskKeyExchangeModes::WITH_KEY_EXCHANGE);
        assert_eq!(extension.to_string(), "psk_key_exchange_modes [1]");
        assert!(PskKeyExchangeModes::read(Reader::new(&[0])).is_err(), "none at all");
        assert!(PskKeyExchangeModes::read(Reader::new(&[1, 1, 1])).is_err(), "one too many");
    }
}
