//! key_share: [RFC 8446 §4.2.8](https://www.rfc-editor.org/rfc/rfc8446#section-4.2.8).
//!
//! ```text
//! ClientHello        +-----+=======+      entry  +-------+-----+=======+
//!                    |  n  | entry | …           | group |  n  | share |
//!                    +-----+=======+             +-------+-----+=======+
//! HelloRetryRequest  +-------+            ServerHello  one entry
//!                    | group |
//!                    +-------+
//! ```

use std::fmt;

use base::{Malformed, Reader, Writer};

use crate::wire::{Extension, ExtensionType, NamedGroupId};

/// A share of a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyShareEntry<'a> {
    /// The group.
    pub group: NamedGroupId,
    /// The share, 1 to 65,535 bytes.
    pub share: &'a [u8],
}

impl<'a> KeyShareEntry<'a> {
    fn read(reader: &mut Reader<'a>) -> Result<Self, Malformed> {
        let group = NamedGroupId::new(reader.u16()?);
        let length = usize::from(reader.u16()?);
        if length == 0 {
            return Err(reader.malformed("empty key share"));
        }
        Ok(Self { group, share: reader.bytes(length)? })
    }

    fn write(&self, writer: &mut Writer<'_>) {
        writer.u16(self.group.number());
        writer.u16_length().writer().bytes(self.share);
    }
}

impl fmt::Display for KeyShareEntry<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}[{}]", self.group, self.share.len())
    }
}

/// The shares that the client offers; none asks the server to choose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientKeyShares<'a> {
    list: &'a [u8],
}

impl<'a> ClientKeyShares<'a> {
    /// An extension of shares that were appended with [`ClientKeyShares::append`].
    ///
    /// # Errors
    ///
    /// `Malformed` if `list` is not shares with groups and lengths, or one of them is empty.
    pub fn from_list(list: &'a [u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(list);
        while !reader.is_empty() {
            let _entry = KeyShareEntry::read(&mut reader)?;
        }
        Ok(Self { list })
    }

    /// Appends a share to a list.
    pub fn append(list: &mut Vec<u8>, group: NamedGroupId, share: &[u8]) {
        KeyShareEntry { group, share }.write(&mut Writer::new(list));
    }

    /// The shares, what the client likes best first. A group may stand twice: a server looks for it.
    pub fn entries(&self) -> impl Iterator<Item = KeyShareEntry<'a>> + use<'a> {
        let mut reader = Reader::new(self.list);
        std::iter::from_fn(move || KeyShareEntry::read(&mut reader).ok())
    }
}

impl<'a> Extension<'a> for ClientKeyShares<'a> {
    const TYPE: ExtensionType = ExtensionType::KEY_SHARE;

    fn read(mut value: Reader<'a>) -> Result<Self, Malformed> {
        let length = usize::from(value.u16()?);
        let list = value.bytes(length)?;
        value.finish()?;
        Self::from_list(list)
    }

    fn write(&self, writer: &mut Writer<'_>) {
        writer.u16_length().writer().bytes(self.list);
    }
}

impl fmt::Display for ClientKeyShares<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("key_share")?;
        self.entries().try_for_each(|entry| write!(f, " {entry}"))
    }
}

/// The server's share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServerKeyShare<'a> {
    /// The share, in a group of which the client sent one.
    pub entry: KeyShareEntry<'a>,
}

impl<'a> Extension<'a> for ServerKeyShare<'a> {
    const TYPE: ExtensionType = ExtensionType::KEY_SHARE;

    fn read(mut value: Reader<'a>) -> Result<Self, Malformed> {
        let entry = KeyShareEntry::read(&mut value)?;
        value.finish().map(|()| Self { entry })
    }

    fn write(&self, writer: &mut Writer<'_>) {
        self.entry.write(writer);
    }
}

impl fmt::Display for ServerKeyShare<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "key_share {}", self.entry)
    }
}

/// The group in which the server wants a share.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RetryKeyShare {
    /// The group.
    pub group: NamedGroupId,
}

impl Extension<'_> for RetryKeyShare {
    const TYPE: ExtensionType = ExtensionType::KEY_SHARE;

    fn read(mut value: Reader<'_>) -> Result<Self, Malformed> {
        let group = NamedGroupId::new(value.u16()?);
        value.finish().map(|()| Self { group })
    }

    fn write(&self, writer: &mut Writer<'_>) {
        writer.u16(self.group.number());
    }
}

impl fmt::Display for RetryKeyShare {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "key_share {}", self.group)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::testing::{extension_laws, with_trailing};

    const OFFER: &[u8] = &[0, 11, 0, 29, 0, 2, 5, 6, 0, 23, 0, 1, 7];

    #[test]
    fn reads_capture() {
        let offer: ClientKeyShares<'_> = extension_laws(OFFER);
        assert_eq!(offer.to_string(), "key_share x25519[2] secp256r1[1]");
        let answer: ServerKeyShare<'_> = extension_laws(&OFFER[2..8]);
        assert_eq!(answer.to_string(), "key_share x25519[2]");
        let retry: RetryKeyShare = extension_laws(&[0, 24]);
        assert_eq!(retry.to_string(), "key_share secp384r1");
        assert_eq!(extension_laws::<ClientKeyShares<'_>>(&[0, 0]).entries().count(), 0);
    }

    #[test]
    fn round_trips() {
        let mut list = Vec::new();
        ClientKeyShares::append(&mut list, NamedGroupId::X25519, &[5, 6]);
        ClientKeyShares::append(&mut list, NamedGroupId::SECP256R1, &[7]);
        assert_eq!(list, OFFER[2..]);
        assert!(ClientKeyShares::from_list(&list).is_ok());
    }

    #[test]
    fn a_share_has_bytes_and_ends_within_the_value() {
        assert!(ClientKeyShares::read(Reader::new(&[0, 4, 0, 29, 0, 0])).is_err());
        assert!(ClientKeyShares::read(Reader::new(&[0, 5, 0, 29, 0, 2, 1])).is_err());
        assert!(ClientKeyShares::read(Reader::new(&with_trailing(OFFER))).is_err());
        assert!(ServerKeyShare::read(Reader::new(&[0, 29, 0, 0])).is_err());
        assert!(RetryKeyShare::read(Reader::new(&[0, 29, 0])).is_err());
    }
}
