//! Numbers with names, and lists of them.

use std::{fmt, marker::PhantomData};

use base::{Malformed, Reader, Writer};

/// Declares a number of the wire: named constants, any other value kept, names when printed.
macro_rules! number {
    (
        $(#[$meta:meta])* $name:ident: $repr:ident
        { $($(#[$doc:meta])* $constant:ident = $value:literal $label:literal,)* }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name($repr);

        impl $name {
            $($(#[$doc])* pub const $constant: Self = Self($value);)*

            /// The one with this number.
            #[must_use]
            pub const fn new(number: $repr) -> Self {
                Self(number)
            }

            /// The number.
            #[must_use]
            pub const fn number(self) -> $repr {
                self.0
            }
        }

        impl From<$repr> for $name {
            fn from(number: $repr) -> Self {
                Self(number)
            }
        }

        impl From<$name> for $repr {
            fn from(named: $name) -> Self {
                named.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                match self.0 {
                    $($value => f.pad($label),)*
                    other => f.pad(&format!("{other:#x}")),
                }
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                std::fmt::Display::fmt(self, f)
            }
        }
    };
}

pub(super) use number;

/// A list of 16-bit numbers, in the bytes of a message or made by this side.
#[derive(Clone, Copy)]
pub struct Numbers<'a, T> {
    source: Source<'a, T>,
}

#[derive(Clone, Copy)]
enum Source<'a, T> {
    /// An even number of bytes.
    Wire(&'a [u8], PhantomData<T>),
    Slice(&'a [T]),
}

impl<'a, T: Copy + PartialEq + From<u16> + Into<u16>> Numbers<'a, T> {
    /// Takes all of `reader`.
    pub(super) fn read(mut reader: Reader<'a>) -> Result<Self, Malformed> {
        if !reader.remaining().is_multiple_of(2) {
            return Err(reader.malformed("odd length of a list of numbers"));
        }
        Ok(Self { source: Source::Wire(reader.rest(), PhantomData) })
    }

    /// The same for a list that must not be empty.
    pub(super) fn read_some(reader: Reader<'a>) -> Result<Self, Malformed> {
        if reader.is_empty() {
            return Err(reader.malformed("empty list of numbers"));
        }
        Self::read(reader)
    }

    pub(super) fn write(&self, writer: &mut Writer<'_>) {
        self.iter().for_each(|number| writer.u16(number.into()));
    }

    /// The numbers in order.
    pub fn iter(&self) -> impl Iterator<Item = T> + 'a {
        let source = self.source;
        (0..self.len()).filter_map(move |index| match source {
            Source::Wire(bytes, _) => {
                let number = bytes.get(2 * index..)?.first_chunk::<2>()?;
                Some(T::from(u16::from_be_bytes(*number)))
            }
            Source::Slice(slice) => slice.get(index).copied(),
        })
    }

    /// How many there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        match self.source {
            Source::Wire(bytes, _) => bytes.len() / 2,
            Source::Slice(slice) => slice.len(),
        }
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether `wanted` is among them.
    #[must_use]
    pub fn contains(&self, wanted: T) -> bool {
        self.iter().any(|number| number == wanted)
    }
}

impl<'a, T> From<&'a [T]> for Numbers<'a, T> {
    fn from(slice: &'a [T]) -> Self {
        Self { source: Source::Slice(slice) }
    }
}

impl<T: Copy + PartialEq + From<u16> + Into<u16>> PartialEq for Numbers<'_, T> {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl<T: Copy + PartialEq + From<u16> + Into<u16>> Eq for Numbers<'_, T> {}

impl<T: Copy + PartialEq + From<u16> + Into<u16> + fmt::Debug> fmt::Debug for Numbers<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_and_numbers_are_the_same_list() {
        let read = Numbers::<u16>::read(Reader::new(&[0, 1, 0xff, 2])).unwrap();
        assert_eq!(read, Numbers::from(&[1, 0xff02][..]));
        assert!(read.contains(0xff02) && !read.contains(2) && read.len() == 2);
        assert_eq!(format!("{read:?}"), "[1, 65282]");
    }

    #[test]
    fn half_a_number_is_refused() {
        let odd = Numbers::<u16>::read(Reader::new(&[0, 1, 2]));
        assert_eq!(odd.unwrap_err().what, "odd length of a list of numbers");
        assert!(Numbers::<u16>::read_some(Reader::new(&[])).is_err());
    }
}
