//! The block of extensions: [RFC 8446 §4.2](https://www.rfc-editor.org/rfc/rfc8446#section-4.2).
//!
//! ```text
//! +--------+--------+=====================================+
//! |     length      | extension, extension, …             |
//! +--------+--------+=====================================+
//!                    +--------+--------+--------+--------+========+
//!          extension |      type       |     length      | value  |
//!                    +--------+--------+--------+--------+========+
//! ```

use std::fmt;

use base::{Malformed, Reader, Writer};
use smallvec::SmallVec;

use super::ExtensionType;

/// A value that stands in an extension.
pub trait Extension<'a>: Sized {
    /// Its type.
    const TYPE: ExtensionType;

    /// Reads the value out of all of `value`.
    ///
    /// # Errors
    ///
    /// `Malformed` if the bytes are not of the extension's form.
    fn read(value: Reader<'a>) -> Result<Self, Malformed>;

    /// Appends the value.
    fn write(&self, writer: &mut Writer<'_>);
}

/// The extensions of a message in order: each within bounds, no type twice (RFC 8446 §4.2).
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct Extensions<'a> {
    block: &'a [u8],
}

impl<'a> Extensions<'a> {
    /// What `Malformed` says of a block in which a type stands twice.
    pub const DUPLICATE: &'static str = "duplicate extension";

    /// No extensions.
    pub const EMPTY: Self = Self { block: &[] };

    /// Takes a block with its length off `reader`.
    pub(super) fn read(reader: &mut Reader<'a>) -> Result<Self, Malformed> {
        let length = usize::from(reader.u16()?);
        let mut block = reader.sub(length)?;
        let mut check = block;
        let mut types = Types::new();
        while !check.is_empty() {
            types.push(read_one(&mut check)?);
        }
        refuse_duplicates(types, &block)?;
        Ok(Self { block: block.rest() })
    }

    /// Takes what the beginning of a message holds of its block: all of `reader`, of which the extensions
    /// that are whole are kept. `after` is how many bytes of the message follow.
    pub(super) fn read_begun(reader: &mut Reader<'a>, after: usize) -> Result<Self, Malformed> {
        let length = usize::from(reader.u16()?);
        if length != reader.remaining() + after {
            return Err(reader.malformed("extensions that do not end with the message"));
        }
        let (mut block, mut check) = (*reader, *reader);
        let mut types = Types::new();
        let mut whole = 0;
        while let Ok(kind) = read_one(&mut check) {
            types.push(kind);
            whole = block.remaining() - check.remaining();
        }
        let _rest = reader.rest();
        refuse_duplicates(types, &block)?;
        Ok(Self { block: block.bytes(whole)? })
    }

    /// The same for a message that may end where its extensions would begin (RFC 5246 §7.4.1.2).
    pub(super) fn read_if_any(reader: &mut Reader<'a>) -> Result<Self, Malformed> {
        if reader.is_empty() { Ok(Self::EMPTY) } else { Self::read(reader) }
    }

    /// Appends the block with its length.
    pub(super) fn write(&self, writer: &mut Writer<'_>) {
        writer.u16_length().writer().bytes(self.block);
    }

    /// The same, but nothing if there are none.
    pub(super) fn write_if_any(&self, writer: &mut Writer<'_>) {
        if !self.is_empty() {
            self.write(writer);
        }
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.block.is_empty()
    }

    /// Types and values in order.
    pub fn iter(&self) -> impl Iterator<Item = (ExtensionType, &'a [u8])> + use<'a> {
        let mut reader = Reader::new(self.block);
        std::iter::from_fn(move || {
            let kind = ExtensionType::new(reader.u16().ok()?);
            let length = usize::from(reader.u16().ok()?);
            Some((kind, reader.bytes(length).ok()?))
        })
    }

    /// The value of the extension of a type.
    #[must_use]
    pub fn raw(&self, wanted: ExtensionType) -> Option<&'a [u8]> {
        self.iter().find(|(kind, _)| *kind == wanted).map(|(_, value)| value)
    }

    /// Whether there is an extension of a type.
    #[must_use]
    pub fn has(&self, wanted: ExtensionType) -> bool {
        self.raw(wanted).is_some()
    }

    /// The extension `E`, if it is there.
    ///
    /// # Errors
    ///
    /// `Malformed` if it is there and not of its form; the offset counts from the start of its value.
    pub fn get<E: Extension<'a>>(&self) -> Result<Option<E>, Malformed> {
        self.raw(E::TYPE).map(|value| E::read(Reader::new(value))).transpose()
    }
}

/// The types in a block.
type Types = SmallVec<[u16; 32]>;

/// Takes one extension off `reader`: its type comes back.
fn read_one(reader: &mut Reader<'_>) -> Result<u16, Malformed> {
    let kind = reader.u16()?;
    let length = usize::from(reader.u16()?);
    reader.bytes(length).map(|_value| kind)
}

fn refuse_duplicates(mut types: Types, block: &Reader<'_>) -> Result<(), Malformed> {
    // A block may hold thousands of empty extensions, so they are not compared each with each.
    types.sort_unstable();
    if types.windows(2).any(|pair| pair.first() == pair.last()) {
        return Err(block.malformed(Extensions::DUPLICATE));
    }
    Ok(())
}

impl fmt::Debug for Extensions<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter().map(|(kind, _)| kind)).finish()
    }
}

impl fmt::Display for Extensions<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (kind, value)) in self.iter().enumerate() {
            let gap = if index == 0 { "" } else { " " };
            write!(f, "{gap}{kind}[{}]", value.len())?;
        }
        Ok(())
    }
}

/// Extensions in the making.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct ExtensionBlock {
    block: Vec<u8>,
}

impl ExtensionBlock {
    /// An empty block.
    #[must_use]
    pub const fn new() -> Self {
        Self { block: Vec::new() }
    }

    /// Appends an extension. The caller puts each type once and stays below 65,535 bytes.
    pub fn put<'a, E: Extension<'a>>(&mut self, extension: &E) -> &mut Self {
        let mut writer = Writer::new(&mut self.block);
        writer.u16(E::TYPE.number());
        extension.write(writer.u16_length().writer());
        self
    }

    /// Appends an extension as bytes.
    pub fn put_raw(&mut self, kind: ExtensionType, value: &[u8]) -> &mut Self {
        let mut writer = Writer::new(&mut self.block);
        writer.u16(kind.number());
        writer.u16_length().writer().bytes(value);
        self
    }

    /// The extensions, to be put into a message.
    #[must_use]
    pub fn as_extensions(&self) -> Extensions<'_> {
        Extensions { block: &self.block }
    }
}

impl fmt::Debug for ExtensionBlock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_extensions().fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::testing::refuses_truncated;

    fn read(bytes: &[u8]) -> Result<Extensions<'_>, Malformed> {
        let mut reader = Reader::new(bytes);
        let extensions = Extensions::read(&mut reader)?;
        reader.finish().map(|()| extensions)
    }

    const BYTES: &[u8] = &[0, 13, 0, 23, 0, 0, 0xfa, 0xfa, 0, 1, 9, 0, 44, 0, 0];

    #[test]
    fn reads_capture() {
        let extensions = read(BYTES).unwrap();
        assert_eq!(extensions.to_string(), "extended_master_secret[0] 0xfafa[1] cookie[0]");
        assert_eq!(extensions.raw(ExtensionType::new(0xfafa)), Some(&[9][..]));
        assert!(!extensions.has(ExtensionType::KEY_SHARE));
    }

    #[test]
    fn round_trips() {
        let mut block = ExtensionBlock::new();
        for (kind, value) in read(BYTES).unwrap().iter() {
            block.put_raw(kind, value);
        }
        let mut bytes = Vec::new();
        block.as_extensions().write(&mut Writer::new(&mut bytes));
        assert_eq!(bytes, BYTES);
    }

    #[test]
    fn rejects_truncated() {
        refuses_truncated(BYTES, &[], |bytes| read(bytes).is_err());
    }

    #[test]
    fn a_type_stands_once() {
        let twice = [0, 12, 0, 23, 0, 0, 0, 44, 0, 0, 0, 23, 0, 0];
        assert_eq!(read(&twice).unwrap_err().what, Extensions::DUPLICATE);
    }

    #[test]
    fn an_extension_ends_where_the_block_ends() {
        assert!(read(&[0, 4, 0, 23, 0, 1]).is_err());
        assert!(read(&[0, 5, 0, 23, 0, 0, 0]).is_err());
    }
}
