//! The few elements of DER (ITU-T X.690) that certificates are made of, read strictly.

use base::{Malformed, Reader};

pub(crate) const INTEGER: u8 = 0x02;
pub(crate) const BIT_STRING: u8 = 0x03;
pub(crate) const OCTET_STRING: u8 = 0x04;
pub(crate) const NULL: u8 = 0x05;
pub(crate) const OBJECT_IDENTIFIER: u8 = 0x06;
pub(crate) const UTF8_STRING: u8 = 0x0c;
pub(crate) const UTC_TIME: u8 = 0x17;
pub(crate) const GENERALIZED_TIME: u8 = 0x18;
pub(crate) const SEQUENCE: u8 = 0x30;
pub(crate) const SET: u8 = 0x31;
/// The constructed context-specific tag 0: `[0] EXPLICIT`.
pub(crate) const CONTEXT_0: u8 = 0xa0;

/// An element: `tag`, length, and the concatenation of `parts`.
pub(crate) fn element(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    let mut out = vec![tag];
    match u8::try_from(length) {
        Ok(short) if short < 0x80 => out.push(short),
        _ => {
            let bytes = length.to_be_bytes();
            let leading = bytes.iter().take_while(|byte| **byte == 0).count();
            let significant = bytes.get(leading..).unwrap_or_default();
            out.push(0x80 | u8::try_from(significant.len()).unwrap_or(0));
            out.extend_from_slice(significant);
        }
    }
    parts.iter().for_each(|part| out.extend_from_slice(part));
    out
}

/// The element of a non-negative number given by its big-endian bytes.
pub(crate) fn unsigned(bytes: &[u8]) -> Vec<u8> {
    let leading = bytes.iter().take_while(|byte| **byte == 0).count();
    let significant = bytes.get(leading..).unwrap_or_default();
    match significant.first() {
        Some(first) if *first < 0x80 => element(INTEGER, &[significant]),
        _ => element(INTEGER, &[&[0], significant]),
    }
}

/// Elements in, checked.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DerReader<'a>(Reader<'a>);

impl<'a> DerReader<'a> {
    /// Reads `input` from the start.
    pub(crate) const fn new(input: &'a [u8]) -> Self {
        Self(Reader::new(input))
    }

    /// Enters the next element, which must have `tag`.
    pub(crate) fn enter(&mut self, tag: u8) -> Result<Self, Malformed> {
        if !self.is_next(tag) {
            return Err(self.0.malformed("unexpected element"));
        }
        let _ = self.0.u8()?;
        let length = self.length()?;
        self.0.sub(length).map(Self)
    }

    /// The contents of the next element, which must have `tag`.
    pub(crate) fn contents(&mut self, tag: u8) -> Result<&'a [u8], Malformed> {
        self.enter(tag).map(|mut element| element.0.rest())
    }

    /// The next element whole, with tag and length; it must have `tag`.
    pub(crate) fn whole(&mut self, tag: u8) -> Result<&'a [u8], Malformed> {
        let mut before = self.0;
        let _ = self.enter(tag)?;
        before.bytes(self.0.position() - before.position())
    }

    /// Whether the next element has `tag`.
    pub(crate) fn is_next(&self, tag: u8) -> bool {
        let mut ahead = self.0;
        ahead.u8() == Ok(tag)
    }

    /// The big-endian bytes of the next element, a positive number without leading zeros.
    pub(crate) fn positive(&mut self) -> Result<&'a [u8], Malformed> {
        let at = self.0;
        match self.contents(INTEGER)? {
            // X.690 §8.3.2: a zero byte leads only where the next byte has its high bit set.
            [0, number @ ..] if number.first().is_some_and(|byte| *byte >= 0x80) => Ok(number),
            number @ [0x01..=0x7f, ..] => Ok(number),
            _ => Err(at.malformed("number not positive or not minimal")),
        }
    }

    /// The bytes of the next element, a bit string of whole bytes.
    pub(crate) fn bit_string(&mut self) -> Result<&'a [u8], Malformed> {
        let at = self.0;
        match self.contents(BIT_STRING)? {
            [0, bytes @ ..] => Ok(bytes),
            _ => Err(at.malformed("bit string not of whole bytes")),
        }
    }

    /// Everything that is left.
    pub(crate) fn rest(&mut self) -> &'a [u8] {
        self.0.rest()
    }

    /// Ends the reading; nothing may be left over.
    pub(crate) fn finish(self) -> Result<(), Malformed> {
        self.0.finish()
    }

    /// A definite length in its shortest form (X.690 §10.1), of at most four bytes.
    fn length(&mut self) -> Result<usize, Malformed> {
        let at = self.0;
        let first = self.0.u8()?;
        let (length, least) = match first {
            0..=0x7f => return Ok(usize::from(first)),
            0x81 => (u32::from(self.0.u8()?), 0x80),
            0x82 => (u32::from(self.0.u16()?), 0x100),
            0x83 => (self.0.u24()?, 0x1_0000),
            0x84 => (self.0.u32()?, 0x100_0000),
            _ => return Err(at.malformed("length not definite")),
        };
        if length < least {
            return Err(at.malformed("length not minimal"));
        }
        usize::try_from(length).map_err(|_| at.malformed("length not definite"))
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::short(3)]
    #[case::longest_short(127)]
    #[case::one_byte(128)]
    #[case::two_bytes(300)]
    #[case::three_bytes(70_000)]
    fn reads_what_it_writes(#[case] length: usize) {
        let contents = vec![7; length];
        let bytes = element(SEQUENCE, &[&contents]);
        let mut reader = DerReader::new(&bytes);
        assert_eq!(reader.whole(SEQUENCE), Ok(bytes.as_slice()));
        assert_eq!(reader.finish(), Ok(()));
        assert_eq!(DerReader::new(&bytes).contents(SEQUENCE), Ok(contents.as_slice()));
    }

    #[rstest]
    #[case::long_form_of_a_short_length(&[0x30, 0x81, 0x01, 0x00], "length not minimal at byte 1")]
    #[case::indefinite(&[0x30, 0x80, 0x00, 0x00], "length not definite at byte 1")]
    #[case::truncated(&[0x30, 0x02, 0x00], "truncated at byte 2")]
    #[case::other_tag(&[0x31, 0x00], "unexpected element at byte 0")]
    #[case::empty(&[], "unexpected element at byte 0")]
    fn rejects(#[case] bytes: &[u8], #[case] reason: &str) {
        assert_eq!(DerReader::new(bytes).enter(SEQUENCE).unwrap_err().to_string(), reason);
    }

    #[rstest]
    #[case::small(&[0x02, 0x01, 0x03], Some(&[3][..]))]
    #[case::high_bit(&[0x02, 0x02, 0x00, 0x80], Some(&[0x80][..]))]
    #[case::zero(&[0x02, 0x01, 0x00], None)]
    #[case::negative(&[0x02, 0x01, 0x80], None)]
    #[case::needless_zero(&[0x02, 0x02, 0x00, 0x7f], None)]
    #[case::empty(&[0x02, 0x00], None)]
    fn numbers_are_positive_and_minimal(#[case] bytes: &[u8], #[case] number: Option<&[u8]>) {
        assert_eq!(DerReader::new(bytes).positive().ok(), number);
        if let Some(number) = number {
            assert_eq!(unsigned(number), bytes);
        }
    }
}
