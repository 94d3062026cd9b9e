//! Attributes of the credential mechanisms besides texts: USERHASH, PASSWORD-ALGORITHM and
//! PASSWORD-ALGORITHMS: [RFC 8489 §14.11](https://www.rfc-editor.org/rfc/rfc8489#section-14.11).
//!
//! ```text
//!  0                   1                   2                   3
//!  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |         Algorithm             |      Parameters Length        |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |              Parameters (variable, padded)                  ...
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! ```

use std::fmt;

use base::{Malformed, Reader, Writer};

use super::{AttributeType, Decode, Encode, TransactionId};

/// USERHASH, a name nobody can read off the wire: RFC 8489 §14.4.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Userhash(pub [u8; 32]);

impl Encode for Userhash {
    const TYPE: AttributeType = AttributeType::USERHASH;

    fn write(&self, writer: &mut Writer<'_>, _: &TransactionId) {
        writer.bytes(&self.0);
    }
}

impl<'a> Decode<'a> for Userhash {
    fn read(mut value: Reader<'a>, _: &TransactionId) -> Result<Self, Malformed> {
        let hash = value.array()?;
        value.finish()?;
        Ok(Self(hash))
    }
}

/// How a key is made of a long-term password: RFC 8489 §18.5.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Algorithm(u16);

impl Algorithm {
    /// MD5, for servers and clients of old: RFC 8489 §18.5.1.1.
    pub const MD5: Self = Self(1);
    /// SHA-256: RFC 8489 §18.5.1.2.
    pub const SHA256: Self = Self(2);

    /// The algorithm with this number.
    #[must_use]
    pub const fn new(number: u16) -> Self {
        Self(number)
    }

    /// The number.
    #[must_use]
    pub const fn number(self) -> u16 {
        self.0
    }

    /// Whether this crate can make keys with it.
    #[must_use]
    pub const fn is_supported(self) -> bool {
        matches!(self, Self::MD5 | Self::SHA256)
    }
}

impl fmt::Debug for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::MD5 => f.pad("MD5"),
            Self::SHA256 => f.pad("SHA-256"),
            Self(other) => f.pad(&format!("Algorithm({other:#06x})")),
        }
    }
}

/// PASSWORD-ALGORITHM, an algorithm with its parameters: RFC 8489 §14.12.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PasswordAlgorithm<'a> {
    /// How the key is made.
    pub algorithm: Algorithm,
    /// What the algorithm needs besides; nothing for MD5 and SHA-256.
    pub parameters: &'a [u8],
}

impl<'a> PasswordAlgorithm<'a> {
    /// The algorithm without parameters.
    #[must_use]
    pub const fn plain(algorithm: Algorithm) -> Self {
        Self { algorithm, parameters: &[] }
    }

    /// Whether this crate can make keys with it: it knows none that has parameters.
    #[must_use]
    pub const fn is_supported(self) -> bool {
        self.algorithm.is_supported() && self.parameters.is_empty()
    }

    /// Reads one entry. RFC 8489 §14.11: the padding of the last one may be left to the attribute,
    /// which is padded the same way, so its absence is no fault.
    fn read_entry(reader: &mut Reader<'a>) -> Result<Self, Malformed> {
        let algorithm = Algorithm(reader.u16()?);
        let length = usize::from(reader.u16()?);
        let parameters = reader.bytes(length)?;
        let padding = length.next_multiple_of(4) - length;
        reader.bytes(padding.min(reader.remaining()))?;
        Ok(Self { algorithm, parameters })
    }

    fn write_entry(&self, writer: &mut Writer<'_>) {
        writer.u16(self.algorithm.0);
        writer.u16_length().writer().bytes(self.parameters);
        let padding = self.parameters.len().next_multiple_of(4) - self.parameters.len();
        writer.zeros(padding);
    }
}

impl Encode for PasswordAlgorithm<'_> {
    const TYPE: AttributeType = AttributeType::PASSWORD_ALGORITHM;

    fn write(&self, writer: &mut Writer<'_>, _: &TransactionId) {
        self.write_entry(writer);
    }
}

impl<'a> Decode<'a> for PasswordAlgorithm<'a> {
    fn read(mut value: Reader<'a>, _: &TransactionId) -> Result<Self, Malformed> {
        let entry = Self::read_entry(&mut value)?;
        value.finish()?;
        Ok(entry)
    }
}

/// PASSWORD-ALGORITHMS, what the server takes, best first: RFC 8489 §14.11.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PasswordAlgorithms<'a> {
    /// Entries, known to be well formed.
    value: &'a [u8],
}

impl<'a> PasswordAlgorithms<'a> {
    /// The entries in order.
    pub fn entries(self) -> impl Iterator<Item = PasswordAlgorithm<'a>> {
        let mut reader = Reader::new(self.value);
        std::iter::from_fn(move || PasswordAlgorithm::read_entry(&mut reader).ok())
    }

    /// The value as it stands in the message, to be sent back as it came: RFC 8489 §9.2.5.
    #[must_use]
    pub const fn as_bytes(self) -> &'a [u8] {
        self.value
    }
}

impl Encode for PasswordAlgorithms<'_> {
    const TYPE: AttributeType = AttributeType::PASSWORD_ALGORITHMS;

    fn write(&self, writer: &mut Writer<'_>, _: &TransactionId) {
        writer.bytes(self.value);
    }
}

impl<'a> Decode<'a> for PasswordAlgorithms<'a> {
    fn read(mut value: Reader<'a>, _: &TransactionId) -> Result<Self, Malformed> {
        let mut check = value;
        while !check.is_empty() {
            PasswordAlgorithm::read_entry(&mut check)?;
        }
        Ok(Self { value: value.rest() })
    }
}

/// The PASSWORD-ALGORITHMS of a server that takes `algorithms`, best first.
#[derive(Clone, Copy, Debug)]
pub struct OfferedAlgorithms<'a>(pub &'a [Algorithm]);

impl Encode for OfferedAlgorithms<'_> {
    const TYPE: AttributeType = AttributeType::PASSWORD_ALGORITHMS;

    fn write(&self, writer: &mut Writer<'_>, _: &TransactionId) {
        for algorithm in self.0 {
            PasswordAlgorithm::plain(*algorithm).write_entry(writer);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::testing::{read, truncations, written};

    const ID: TransactionId = TransactionId::new([0; 12]);

    #[test]
    fn reads_capture() {
        let value = [0, 2, 0, 0, 0, 9, 0, 3, b'a', b'b', b'c', 0xff, 0, 1, 0, 0];
        let algorithms: PasswordAlgorithms<'_> = read(&value, &ID).unwrap();
        let entries: Vec<_> = algorithms.entries().collect();
        assert_eq!(entries.len(), 3);
        assert_eq!(entries[0], PasswordAlgorithm::plain(Algorithm::SHA256));
        assert_eq!(entries[1].parameters, b"abc");
        assert!(!entries[1].is_supported() && entries[2].is_supported());
        assert_eq!(algorithms.as_bytes(), value);
    }

    #[test]
    fn round_trips() {
        let one = PasswordAlgorithm { algorithm: Algorithm::new(9), parameters: b"abcde" };
        assert_eq!(written(&one, &ID), *b"\0\x09\0\x05abcde\0\0\0");
        assert_eq!(read(&written(&one, &ID), &ID), Ok(one));
        let hash = Userhash([7; 32]);
        assert_eq!(read(&written(&hash, &ID), &ID), Ok(hash));
        let offered = written(&OfferedAlgorithms(&[Algorithm::SHA256, Algorithm::MD5]), &ID);
        assert_eq!(offered, [0, 2, 0, 0, 0, 1, 0, 0]);
    }

    #[test]
    fn rejects_truncated() {
        for (length, bytes) in truncations(&written(&Userhash([7; 32]), &ID)) {
            assert!(read::<Userhash>(&bytes, &ID).is_err(), "{length}");
        }
        let entry = PasswordAlgorithm { algorithm: Algorithm::new(9), parameters: b"abcd" };
        for (length, bytes) in truncations(&written(&entry, &ID)) {
            assert!(read::<PasswordAlgorithm<'_>>(&bytes, &ID).is_err(), "{length}");
            let list = read::<PasswordAlgorithms<'_>>(&bytes, &ID);
            assert_eq!(list.is_ok(), length == 0, "{length}");
        }
    }
}
