//! What a message is to the application, and how the wire says so: RFC 8831 §6.6, §8.

use bytes::Bytes;
use sctp::Ppid;

/// Payload protocol identifiers of data channels (RFC 8831 §8, RFC 8832 §8.1).
pub mod ppid {
    use sctp::Ppid;

    /// The protocol that opens channels.
    pub const DCEP: Ppid = Ppid::new(50);
    /// Text, or the last part of it.
    pub const STRING: Ppid = Ppid::new(51);
    /// A part of bytes that is not the last. Deprecated: understood, never sent.
    pub const BINARY_PARTIAL: Ppid = Ppid::new(52);
    /// Bytes, or the last part of them.
    pub const BINARY: Ppid = Ppid::new(53);
    /// A part of text that is not the last. Deprecated: understood, never sent.
    pub const STRING_PARTIAL: Ppid = Ppid::new(54);
    /// Text that is empty.
    pub const STRING_EMPTY: Ppid = Ppid::new(56);
    /// No bytes.
    pub const BINARY_EMPTY: Ppid = Ppid::new(57);
}

/// A message of a channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Data {
    /// Text in UTF-8. What arrives is checked to be; what is not closes the channel.
    Text(Bytes),
    /// Any bytes.
    Binary(Bytes),
}

impl Data {
    /// Text, copied.
    #[must_use]
    pub fn text(text: &str) -> Self {
        Self::Text(Bytes::copy_from_slice(text.as_bytes()))
    }

    /// Bytes, copied.
    #[must_use]
    pub fn binary(bytes: &[u8]) -> Self {
        Self::Binary(Bytes::copy_from_slice(bytes))
    }

    /// Its bytes.
    #[must_use]
    pub const fn bytes(&self) -> &Bytes {
        match self {
            Self::Text(bytes) | Self::Binary(bytes) => bytes,
        }
    }

    /// The text, if it is one.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(bytes) => std::str::from_utf8(bytes).ok(),
            Self::Binary(_) => None,
        }
    }

    /// Its length in bytes.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.bytes().len()
    }

    /// Whether it is empty.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.bytes().is_empty()
    }

    /// What it is on the wire. RFC 8831 §6.6: SCTP has no empty messages, so that one zero byte stands for
    /// none, and the identifier says so.
    pub(crate) fn into_wire(self) -> (Ppid, Bytes) {
        let is_long = base::mutant::active("datachannel-empty-sent-long");
        let nothing = Bytes::from_static(if is_long { &[0; 4] } else { &[0] });
        match self {
            Self::Text(bytes) if bytes.is_empty() => (ppid::STRING_EMPTY, nothing),
            Self::Binary(bytes) if bytes.is_empty() => (ppid::BINARY_EMPTY, nothing),
            Self::Text(bytes) => (ppid::STRING, bytes),
            Self::Binary(bytes) => (ppid::BINARY, bytes),
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::text(Data::text("é"), 51, &[0xc3, 0xa9])]
    #[case::bytes(Data::binary(&[9]), 53, &[9])]
    #[case::empty_text(Data::text(""), 56, &[0])]
    #[case::no_bytes(Data::binary(&[]), 57, &[0])]
    fn the_identifier_tells_kinds_apart(
        #[case] data: Data,
        #[case] ppid: u32,
        #[case] wire: &[u8],
    ) {
        let (named, bytes) = data.into_wire();
        assert_eq!((named.get(), &*bytes), (ppid, wire));
    }

    #[test]
    fn only_text_is_text() {
        assert_eq!(Data::text("a").as_text(), Some("a"));
        assert_eq!(Data::binary(b"a").as_text(), None);
        assert_eq!((Data::text("é").len(), Data::text("").is_empty()), (2, true));
    }
}
