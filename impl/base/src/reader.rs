//! Bytes in, checked.

use std::fmt;

/// Bytes that do not have the form they claim: what was being read, and at which offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what} at byte {at}")]
pub struct Malformed {
    /// What was wrong, such as `"truncated"`.
    pub what: &'static str,
    /// Offset in bytes from the start of the outermost input.
    pub at: usize,
}

/// Reads network-order values from a byte slice; a read past the end is an error, never a panic.
#[derive(Clone, Copy)]
pub struct Reader<'a> {
    rest: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    /// Reads `bytes` from the start.
    #[must_use]
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes, at: 0 }
    }

    /// Offset in bytes from the start of the outermost input.
    #[must_use]
    pub const fn position(&self) -> usize {
        self.at
    }

    /// Bytes left.
    #[must_use]
    pub const fn remaining(&self) -> usize {
        self.rest.len()
    }

    /// Whether everything has been read.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// An error about the present position.
    #[must_use]
    pub const fn malformed(&self, what: &'static str) -> Malformed {
        Malformed { what, at: self.at }
    }

    /// The next `N` bytes.
    ///
    /// # Errors
    ///
    /// `Malformed` if fewer than `N` are left; so do all the other reads.
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        let Some((head, rest)) = self.rest.split_first_chunk::<N>() else {
            return Err(self.malformed("truncated"));
        };
        self.rest = rest;
        self.at += N;
        Ok(*head)
    }

    /// The next byte.
    ///
    /// # Errors
    ///
    /// As [`Reader::array`].
    pub fn u8(&mut self) -> Result<u8, Malformed> {
        self.array::<1>().map(|[byte]| byte)
    }

    /// The next two bytes as a number.
    ///
    /// # Errors
    ///
    /// As [`Reader::array`].
    pub fn u16(&mut self) -> Result<u16, Malformed> {
        self.array().map(u16::from_be_bytes)
    }

    /// The next three bytes as a number.
    ///
    /// # Errors
    ///
    /// As [`Reader::array`].
    pub fn u24(&mut self) -> Result<u32, Malformed> {
        self.array::<3>().map(|[a, b, c]| u32::from_be_bytes([0, a, b, c]))
    }

    /// The next four bytes as a number.
    ///
    /// # Errors
    ///
    /// As [`Reader::array`].
    pub fn u32(&mut self) -> Result<u32, Malformed> {
        self.array().map(u32::from_be_bytes)
    }

    /// The next eight bytes as a number.
    ///
    /// # Errors
    ///
    /// As [`Reader::array`].
    pub fn u64(&mut self) -> Result<u64, Malformed> {
        self.array().map(u64::from_be_bytes)
    }

    /// The next `length` bytes.
    ///
    /// # Errors
    ///
    /// As [`Reader::array`].
    pub fn bytes(&mut self, length: usize) -> Result<&'a [u8], Malformed> {
        let Some((head, rest)) = self.rest.split_at_checked(length) else {
            return Err(self.malformed("truncated"));
        };
        self.rest = rest;
        self.at += length;
        Ok(head)
    }

    /// A reader of the next `length` bytes that reports offsets of the outermost input.
    ///
    /// # Errors
    ///
    /// As [`Reader::array`].
    pub fn sub(&mut self, length: usize) -> Result<Self, Malformed> {
        let at = self.at;
        self.bytes(length).map(|rest| Self { rest, at })
    }

    /// Everything that is left.
    pub fn rest(&mut self) -> &'a [u8] {
        let rest = std::mem::take(&mut self.rest);
        self.at += rest.len();
        rest
    }

    /// Ends the reading.
    ///
    /// # Errors
    ///
    /// `Malformed` if bytes are left over.
    pub fn finish(self) -> Result<(), Malformed> {
        if self.is_empty() { Ok(()) } else { Err(self.malformed("trailing bytes")) }
    }
}

impl fmt::Debug for Reader<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Reader({} bytes from {})", self.rest.len(), self.at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_in_network_order() {
        let mut reader = Reader::new(&[1, 0, 2, 0, 0, 3, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 5, 9]);
        assert_eq!(reader.u8(), Ok(1));
        assert_eq!(reader.u16(), Ok(2));
        assert_eq!(reader.u24(), Ok(3));
        assert_eq!(reader.u32(), Ok(4));
        assert_eq!(reader.u64(), Ok(5));
        assert_eq!(reader.finish(), Err(Malformed { what: "trailing bytes", at: 18 }));
        assert_eq!(reader.rest(), [9]);
        assert_eq!(reader.finish(), Ok(()));
    }

    #[test]
    fn a_failed_read_moves_nothing() {
        let mut reader = Reader::new(&[1, 2]);
        assert_eq!(reader.u32(), Err(Malformed { what: "truncated", at: 0 }));
        assert_eq!(reader.u16(), Ok(0x0102));
    }

    #[test]
    fn a_part_keeps_the_outer_offsets() {
        let mut reader = Reader::new(&[0, 1, 2, 3]);
        let _ = reader.u8().unwrap();
        let mut part = reader.sub(2).unwrap();
        let _ = part.u16().unwrap();
        assert_eq!(part.u8().unwrap_err().to_string(), "truncated at byte 3");
        assert_eq!(reader.u8(), Ok(3));
    }
}
