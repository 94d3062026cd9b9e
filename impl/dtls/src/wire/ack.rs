//! ACK, a record of its own type: [RFC 9147 §7](https://www.rfc-editor.org/rfc/rfc9147#section-7).
//!
//! ```text
//! +-----+-----------------+-----------------+-----------------+
//! |  n  |      epoch      |    sequence     | epoch …
//! +-----+-----------------+-----------------+-----------------+
//!  bytes      8 bytes           8 bytes
//! ```

use std::fmt;

use base::{Malformed, Reader, Writer};

use crate::RecordNumber;

/// Bytes of a record number.
const NUMBER_LEN: usize = 16;

/// The numbers of records that arrived.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Ack<'a> {
    /// A whole number of record numbers.
    list: &'a [u8],
}

impl<'a> Ack<'a> {
    /// Bytes of a payload that names `count` records.
    #[must_use]
    pub const fn length(count: usize) -> usize {
        2 + count * NUMBER_LEN
    }

    /// Reads the payload of a record of type ACK.
    ///
    /// # Errors
    ///
    /// `Malformed` if it is not a list of record numbers.
    pub fn parse(payload: &'a [u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(payload);
        let length = usize::from(reader.u16()?);
        if !length.is_multiple_of(NUMBER_LEN) {
            return Err(reader.malformed("part of a record number"));
        }
        let list = reader.bytes(length)?;
        reader.finish().map(|()| Self { list })
    }

    /// Appends a payload that names `records`; at most 4,095 of them.
    pub fn write(records: &[RecordNumber], writer: &mut Writer<'_>) {
        let mut list = writer.u16_length();
        for record in records {
            list.writer().u64(record.epoch);
            list.writer().u64(record.sequence);
        }
    }

    /// The records in order.
    pub fn records(&self) -> impl Iterator<Item = RecordNumber> + use<'a> {
        let mut reader = Reader::new(self.list);
        std::iter::from_fn(move || {
            Some(RecordNumber { epoch: reader.u64().ok()?, sequence: reader.u64().ok()? })
        })
    }
}

impl fmt::Display for Ack<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ACK")?;
        self.records().try_for_each(|record| write!(f, " {record}"))
    }
}

impl fmt::Debug for Ack<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::testing::{refuses_truncated, with_trailing};

    fn payload() -> Vec<u8> {
        let mut bytes = vec![0, 32];
        for number in [2_u64, 5, 3, 1 << 40] {
            bytes.extend(number.to_be_bytes());
        }
        bytes
    }

    #[test]
    fn reads_capture() {
        let bytes = payload();
        assert_eq!(Ack::parse(&bytes).unwrap().to_string(), "ACK 2:5 3:1099511627776");
        assert_eq!(Ack::parse(&[0, 0]).unwrap().records().count(), 0);
    }

    #[test]
    fn round_trips() {
        let mut bytes = Vec::new();
        let records = [RecordNumber::new(2, 5), RecordNumber::new(3, 1 << 40)];
        Ack::write(&records, &mut Writer::new(&mut bytes));
        assert_eq!(bytes, payload());
        assert_eq!(bytes.len(), Ack::length(records.len()));
    }

    #[test]
    fn rejects_truncated() {
        let bytes = payload();
        refuses_truncated(&bytes, &[], |cut| Ack::parse(cut).is_err());
        assert!(Ack::parse(&with_trailing(&bytes)).is_err());
        assert!(Ack::parse(&[0, 1, 9]).is_err(), "part of a number");
    }
}
