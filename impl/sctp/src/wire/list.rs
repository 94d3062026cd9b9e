//! Lists of entries of one length, in the bytes of a packet or made by this side.

use std::fmt;

use base::{Malformed, Reader, Writer};

use crate::{StreamId, Tsn};

/// Something of a fixed length that stands in lists.
pub trait Entry: Copy + PartialEq {
    /// Its bytes.
    type Bytes: Copy;

    /// Cuts `bytes` into entries and what is left.
    fn split(bytes: &[u8]) -> (&[Self::Bytes], &[u8]);

    /// Reads one.
    fn read(bytes: Self::Bytes) -> Self;

    /// Appends it.
    fn write(self, writer: &mut Writer<'_>);
}

/// A list that costs nothing to read and nothing to make.
#[derive(Clone, Copy)]
pub struct List<'a, T: Entry> {
    wire: &'a [T::Bytes],
    made: &'a [T],
}

impl<'a, T: Entry> List<'a, T> {
    /// A list without entries.
    pub const EMPTY: Self = Self { wire: &[], made: &[] };

    /// Takes all of `reader`.
    pub(super) fn read(mut reader: Reader<'a>) -> Result<Self, Malformed> {
        let at = reader.position();
        let (wire, rest) = T::split(reader.rest());
        if !rest.is_empty() {
            return Err(Malformed { what: "part of an entry at the end of a list", at });
        }
        Ok(Self { wire, made: &[] })
    }

    pub(super) fn write(&self, writer: &mut Writer<'_>) {
        self.iter().for_each(|entry| entry.write(writer));
    }

    /// The entries in order.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = T> + 'a + use<'a, T> {
        self.wire.iter().map(|&bytes| T::read(bytes)).chain(self.made.iter().copied())
    }

    /// How many there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.wire.len() + self.made.len()
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether `wanted` is among them.
    #[must_use]
    pub fn contains(&self, wanted: T) -> bool {
        self.iter().any(|entry| entry == wanted)
    }
}

impl<'a, T: Entry> From<&'a [T]> for List<'a, T> {
    fn from(made: &'a [T]) -> Self {
        Self { wire: &[], made }
    }
}

impl<T: Entry> Default for List<'_, T> {
    fn default() -> Self {
        Self::EMPTY
    }
}

impl<T: Entry> PartialEq for List<'_, T> {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl<T: Entry> Eq for List<'_, T> {}

impl<T: Entry + fmt::Debug> fmt::Debug for List<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

impl<T: Entry + fmt::Display> fmt::Display for List<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, entry) in self.iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            write!(f, "{comma}{entry}")?;
        }
        Ok(())
    }
}

impl Entry for Tsn {
    type Bytes = [u8; 4];

    fn split(bytes: &[u8]) -> (&[Self::Bytes], &[u8]) {
        bytes.as_chunks()
    }

    fn read(bytes: Self::Bytes) -> Self {
        Self::new(u32::from_be_bytes(bytes))
    }

    fn write(self, writer: &mut Writer<'_>) {
        writer.u32(self.get());
    }
}

impl Entry for StreamId {
    type Bytes = [u8; 2];

    fn split(bytes: &[u8]) -> (&[Self::Bytes], &[u8]) {
        bytes.as_chunks()
    }

    fn read(bytes: Self::Bytes) -> Self {
        Self::new(u16::from_be_bytes(bytes))
    }

    fn write(self, writer: &mut Writer<'_>) {
        writer.u16(self.get());
    }
}

impl Entry for u16 {
    type Bytes = [u8; 2];

    fn split(bytes: &[u8]) -> (&[Self::Bytes], &[u8]) {
        bytes.as_chunks()
    }

    fn read(bytes: Self::Bytes) -> Self {
        Self::from_be_bytes(bytes)
    }

    fn write(self, writer: &mut Writer<'_>) {
        writer.u16(self);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_and_entries_are_the_same_list() {
        let read = List::<StreamId>::read(Reader::new(&[0, 1, 0xff, 2])).unwrap();
        let made = [StreamId::new(1), StreamId::new(0xff02)];
        assert_eq!(read, List::from(&made[..]));
        assert!(read.contains(made[1]) && !read.contains(StreamId::new(2)));
        assert_eq!((read.len(), read.to_string().as_str()), (2, "1,65282"));
        assert!(List::<Tsn>::EMPTY.is_empty());
    }

    #[test]
    fn half_an_entry_is_refused() {
        let odd = List::<Tsn>::read(Reader::new(&[0, 1, 2]));
        assert_eq!(odd.unwrap_err().what, "part of an entry at the end of a list");
    }
}
