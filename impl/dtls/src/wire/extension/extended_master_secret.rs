//! extended_master_secret: [RFC 7627 §5.1](https://www.rfc-editor.org/rfc/rfc7627#section-5.1).
//!
//! ```text
//! ++
//! ++
//! ```

use std::fmt;

use base::{Malformed, Reader, Writer};

use crate::wire::{Extension, ExtensionType};

/// The master secret covers the handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ExtendedMasterSecret;

impl Extension<'_> for ExtendedMasterSecret {
    const TYPE: ExtensionType = ExtensionType::EXTENDED_MASTER_SECRET;

    fn read(value: Reader<'_>) -> Result<Self, Malformed> {
        value.finish().map(|()| Self)
    }

    fn write(&self, _: &mut Writer<'_>) {}
}

impl fmt::Display for ExtendedMasterSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("extended_master_secret")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::testing::extension_laws;

    #[test]
    fn nothing_is_all_it_holds() {
        let extension: ExtendedMasterSecret = extension_laws(&[]);
        assert_eq!(extension.to_string(), "extended_master_secret");
        assert!(ExtendedMasterSecret::read(Reader::new(&[0])).is_err());
    }
}
