//! Writing messages: [RFC 8489 §6.1](https://www.rfc-editor.org/rfc/rfc8489#section-6.1).

use base::Writer;

use super::{
    AttributeType, Class, Encode, HEADER_LENGTH, MAGIC_COOKIE, MessageType, Method, TransactionId,
    attribute::ATTRIBUTE_HEADER_LENGTH, fingerprint::fingerprint, integrity::covered_parts,
};
use crate::Key;

/// Most bytes of a message with PADDING: what UDP over IPv4 leaves of the 65 535 of a datagram
/// (RFC 5780 §7.6).
const MAX_PADDED: usize = 65_507;

/// Why a message could not be built.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// The attributes do not fit the 16-bit length field, or those of a message with PADDING do not
    /// fit a datagram.
    #[error("message longer than its length field can say, or padded beyond a datagram")]
    TooLong,
    /// An attribute was put behind the integrity or the fingerprint, where nobody would heed it.
    #[error("{0} put behind the integrity or the fingerprint")]
    Misplaced(AttributeType),
}

/// Appends a message to the caller's buffer.
///
/// The buffer holds a valid message after every step: the length field is kept right, padding is
/// zero. An attribute that cannot be put is left out and [`Builder::finish`] says so.
#[derive(Debug)]
pub struct Builder<'a> {
    writer: Writer<'a>,
    id: TransactionId,
    /// What may still follow.
    stage: Stage,
    /// Whether there is PADDING, so that the message has to fit a datagram.
    is_padded: bool,
    failed: Option<BuildError>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    Attributes,
    Sha256,
    Fingerprint,
    Nothing,
}

impl<'a> Builder<'a> {
    /// Begins a message behind what `buffer` holds.
    pub fn new(buffer: &'a mut Vec<u8>, method: Method, class: Class, id: TransactionId) -> Self {
        Self::with_cookie(buffer, MessageType::new(method, class), MAGIC_COOKIE, id)
    }

    /// Begins a message with another value than the magic cookie in its place: the answer to a
    /// client of RFC 3489 repeats what the client had there (RFC 8489 §11).
    pub fn with_cookie(
        buffer: &'a mut Vec<u8>,
        message_type: MessageType,
        cookie: u32,
        id: TransactionId,
    ) -> Self {
        let mut writer = Writer::new(buffer);
        writer.u16(message_type.number());
        writer.u16(0);
        writer.u32(cookie);
        writer.bytes(id.as_bytes());
        Self { writer, id, stage: Stage::Attributes, is_padded: false, failed: None }
    }

    /// Appends an attribute.
    pub fn put(&mut self, attribute: &impl Encode) -> &mut Self {
        let id = self.id;
        self.append(kind_of(attribute), Stage::Attributes, |writer| attribute.write(writer, &id))
    }

    /// Appends an attribute if there is one.
    pub fn put_some(&mut self, attribute: Option<&impl Encode>) -> &mut Self {
        match attribute {
            Some(attribute) => self.put(attribute),
            None => self,
        }
    }

    /// Appends a value as it stands.
    pub fn put_raw(&mut self, kind: AttributeType, value: &[u8]) -> &mut Self {
        self.append(kind, Stage::Attributes, |writer| writer.bytes(value))
    }

    /// Appends MESSAGE-INTEGRITY: RFC 8489 §14.5. Of attributes, only those of
    /// [`Builder::integrity_sha256`] and [`Builder::fingerprint`] may follow.
    pub fn integrity(&mut self, key: &Key) -> &mut Self {
        let end = self.writer.len() + ATTRIBUTE_HEADER_LENGTH + 20;
        let (head, tail) = covered_parts(self.writer.written(), end);
        let tag = key.sha1().sign(&[&head, tail]);
        let kind = AttributeType::MESSAGE_INTEGRITY;
        self.append(kind, Stage::Attributes, |writer| writer.bytes(tag.as_ref()));
        self.reach(Stage::Sha256)
    }

    /// Appends MESSAGE-INTEGRITY-SHA256 in full: RFC 8489 §14.6.
    pub fn integrity_sha256(&mut self, key: &Key) -> &mut Self {
        self.integrity_sha256_cut(key, 32)
    }

    /// Appends MESSAGE-INTEGRITY-SHA256 cut to `length` bytes, for usages that allow it; from 16 to
    /// 32 in steps of four, other values are brought into range.
    pub fn integrity_sha256_cut(&mut self, key: &Key, length: usize) -> &mut Self {
        let length = length.clamp(16, 32).next_multiple_of(4);
        let end = self.writer.len() + ATTRIBUTE_HEADER_LENGTH + length;
        let (head, tail) = covered_parts(self.writer.written(), end);
        let tag = key.sha256().sign(&[&head, tail]);
        let kind = AttributeType::MESSAGE_INTEGRITY_SHA256;
        self.append(kind, Stage::Sha256, |writer| {
            writer.bytes(tag.as_ref().get(..length).unwrap_or_default());
        });
        self.reach(Stage::Fingerprint)
    }

    /// Appends FINGERPRINT, behind which nothing may follow: RFC 8489 §14.7.
    pub fn fingerprint(&mut self) -> &mut Self {
        let end = self.writer.len() + ATTRIBUTE_HEADER_LENGTH + 4;
        self.write_length(end);
        let value = fingerprint(self.writer.written());
        self.write_length(self.writer.len());
        self.append(AttributeType::FINGERPRINT, Stage::Fingerprint, |writer| writer.u32(value));
        self.reach(Stage::Nothing)
    }

    /// Bytes of the message so far.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.writer.len()
    }

    /// Never true: there is a header.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.writer.is_empty()
    }

    /// Ends the message and says how many bytes it has.
    ///
    /// # Errors
    ///
    /// `BuildError` if an attribute had to be left out.
    pub fn finish(&mut self) -> Result<usize, BuildError> {
        self.failed.map_or_else(|| Ok(self.writer.len()), Err)
    }

    fn reach(&mut self, stage: Stage) -> &mut Self {
        self.stage = self.stage.max(stage);
        self
    }

    /// Appends header, value and padding, unless the attribute is out of place or too long.
    fn append(
        &mut self,
        kind: AttributeType,
        latest: Stage,
        write: impl FnOnce(&mut Writer<'a>),
    ) -> &mut Self {
        if self.stage > latest {
            self.failed.get_or_insert(BuildError::Misplaced(kind));
            return self;
        }
        let start = self.writer.len();
        self.writer.u16(kind.number());
        self.writer.u16(0);
        write(&mut self.writer);
        let value = self.writer.len() - start - ATTRIBUTE_HEADER_LENGTH;
        self.pad();
        let whole = self.writer.len() - HEADER_LENGTH;
        let is_padded = self.is_padded || kind == AttributeType::PADDING;
        let fits = !is_padded || self.writer.len() <= MAX_PADDED;
        let (true, Ok(value), Ok(_)) = (fits, u16::try_from(value), u16::try_from(whole)) else {
            self.failed.get_or_insert(BuildError::TooLong);
            self.writer.truncate(start);
            return self;
        };
        self.is_padded = is_padded;
        let field = start + 2..start + ATTRIBUTE_HEADER_LENGTH;
        if let Some(slot) = self.writer.written_mut().get_mut(field) {
            slot.copy_from_slice(&value.to_be_bytes());
        }
        self.write_length(self.writer.len());
        self
    }

    /// RFC 8489 §14: padding is zero, so that it leaks nothing.
    fn pad(&mut self) {
        if base::mutant::active("stun-padding-not-zero") {
            while !self.writer.len().is_multiple_of(4) {
                self.writer.u8(b' ');
            }
        }
        self.writer.pad_to(4);
    }

    /// Sets the length field to what it is for a message that ends at `end`.
    fn write_length(&mut self, end: usize) {
        let length = u16::try_from(end - HEADER_LENGTH).unwrap_or(u16::MAX).to_be_bytes();
        if let Some(slot) = self.writer.written_mut().get_mut(2..4) {
            slot.copy_from_slice(&length);
        }
    }
}

const fn kind_of<A: Encode>(_: &A) -> AttributeType {
    A::TYPE
}
