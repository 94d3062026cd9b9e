//! A message as it came: [RFC 8489 §5](https://www.rfc-editor.org/rfc/rfc8489#section-5).
//!
//! [`Message::parse`] walks the attributes once, checks that they fit, and notes where integrity and
//! fingerprint stand. Nothing is copied but the transaction id, nothing is allocated, and nothing
//! that is asked of a parsed message can fail.

use std::fmt;

use base::{Malformed, Reader};
use smallvec::SmallVec;

use super::{
    AttributeType, Attributes, Class, Decode, HEADER_LENGTH, MAGIC_COOKIE, MessageType, Method,
    RawAttribute, TransactionId, attribute::next_attribute,
};

/// Most types that [`Message::not_understood`] names, so that a message full of them costs no more
/// than its length.
pub const MAX_NOT_UNDERSTOOD: usize = 64;

/// A message whose structure was checked.
#[derive(Clone, Copy)]
pub struct Message<'a> {
    bytes: &'a [u8],
    message_type: MessageType,
    cookie: u32,
    id: TransactionId,
    places: Places,
}

/// Where the attributes stand that are computed over the message: offsets of their headers, 0 for
/// none (the header of the message is there).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Places {
    integrity: usize,
    integrity_sha256: usize,
    fingerprint: usize,
    /// Where the attributes begin that no integrity covers and nobody may heed.
    uncovered: usize,
}

impl<'a> Message<'a> {
    /// Checks `bytes`, which must be one message and nothing else.
    ///
    /// # Errors
    ///
    /// `Malformed` if the bytes are not a message: the checks of RFC 8489 §6.3 that need no knowledge
    /// of the usage, attributes that do not fit, an integrity or fingerprint attribute of impossible
    /// length, an attribute behind FINGERPRINT (§14.7).
    #[inline]
    pub fn parse(bytes: &'a [u8]) -> Result<Self, Malformed> {
        let message = Self::parse_any_cookie(bytes)?;
        if message.cookie != MAGIC_COOKIE {
            return Err(Malformed { what: "no magic cookie", at: 4 });
        }
        Ok(message)
    }

    /// Like [`Message::parse`], but takes messages of RFC 3489 as well, which have 128 bits of
    /// transaction id and no cookie: RFC 8489 §11.
    ///
    /// # Errors
    ///
    /// As [`Message::parse`], but for the cookie.
    #[inline]
    pub fn parse_any_cookie(bytes: &'a [u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(bytes);
        let message_type = MessageType::from_number(reader.u16()?)
            .ok_or(Malformed { what: "first two bits not zero", at: 0 })?;
        let length = usize::from(reader.u16()?);
        let cookie = reader.u32()?;
        let id = TransactionId::new(reader.array()?);
        if length != reader.remaining() || !length.is_multiple_of(4) {
            return Err(Malformed { what: "length does not match", at: 2 });
        }
        let places = Places::find(reader)?;
        Ok(Self { bytes, message_type, cookie, id, places })
    }

    /// Whether `bytes` begin as a message does: the first two bits, the cookie and a length that is a
    /// multiple of four. Enough to tell STUN from its neighbours on a port (RFC 7983 §7).
    #[must_use]
    pub fn is_likely(bytes: &[u8]) -> bool {
        let mut reader = Reader::new(bytes);
        let (Ok(kind), Ok(length), Ok(cookie)) = (reader.u16(), reader.u16(), reader.u32()) else {
            return false;
        };
        kind & 0xc000 == 0 && length.is_multiple_of(4) && cookie == MAGIC_COOKIE
    }

    /// The bytes of the whole message.
    #[must_use]
    pub const fn as_bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// Method and class.
    #[must_use]
    pub const fn message_type(&self) -> MessageType {
        self.message_type
    }

    /// What the message is about.
    #[must_use]
    pub const fn method(&self) -> Method {
        self.message_type.method()
    }

    /// What the message is to its transaction.
    #[must_use]
    pub const fn class(&self) -> Class {
        self.message_type.class()
    }

    /// The transaction it belongs to.
    #[must_use]
    pub const fn transaction_id(&self) -> TransactionId {
        self.id
    }

    /// What stands in the place of the cookie; [`MAGIC_COOKIE`] unless the message
    /// [is classic](Message::is_classic).
    #[must_use]
    pub const fn cookie(&self) -> u32 {
        self.cookie
    }

    /// Whether it is a message of RFC 3489.
    #[must_use]
    pub const fn is_classic(&self) -> bool {
        self.cookie != MAGIC_COOKIE
    }

    /// The attributes that count, in order. RFC 8489 §9: what follows MESSAGE-INTEGRITY is passed
    /// over, bar MESSAGE-INTEGRITY-SHA256 and FINGERPRINT; so is what follows
    /// MESSAGE-INTEGRITY-SHA256, bar FINGERPRINT.
    pub fn attributes(&self) -> impl Iterator<Item = RawAttribute<'a>> + use<'a> {
        self.located().map(|(_, attribute)| attribute)
    }

    /// The attributes that count, each with the offset of its header.
    fn located(&self) -> impl Iterator<Item = (usize, RawAttribute<'a>)> + use<'a> {
        let places = self.places;
        let mut all = self.all_attributes();
        let everything = base::mutant::active("stun-accepts-after-integrity");
        std::iter::from_fn(move || all.next_at())
            .filter(move |(at, _)| everything || places.counts(*at))
    }

    /// Every attribute in order, also those that nobody may heed.
    #[must_use]
    pub fn all_attributes(&self) -> Attributes<'a> {
        let mut reader = Reader::new(self.bytes);
        let _header = reader.bytes(HEADER_LENGTH);
        Attributes { reader }
    }

    /// The first attribute of `A`'s type, if it is of the right form. RFC 8489 §14: of several, the
    /// first one counts.
    #[must_use]
    pub fn get<A: Decode<'a>>(&self) -> Option<A> {
        self.find(A::TYPE).and_then(|value| A::read(value, &self.id).ok())
    }

    /// Like [`Message::get`], for who must tell a bad attribute from none.
    ///
    /// # Errors
    ///
    /// `Malformed` if the attribute is there and not of the right form.
    pub fn try_get<A: Decode<'a>>(&self) -> Result<Option<A>, Malformed> {
        self.find(A::TYPE).map(|value| A::read(value, &self.id)).transpose()
    }

    /// All attributes of `A`'s type that are of the right form, in order.
    pub fn get_all<A: Decode<'a>>(&self) -> impl Iterator<Item = A> {
        let id = self.id;
        self.attributes()
            .filter(|attribute| attribute.kind == A::TYPE)
            .filter_map(move |attribute| A::read(Reader::new(attribute.value), &id).ok())
    }

    /// Whether an attribute of this type is there and counts.
    #[must_use]
    pub fn has(&self, kind: AttributeType) -> bool {
        self.find(kind).is_some()
    }

    /// The types that must be understood and of which `understands` knows nothing, each once, in
    /// order: RFC 8489 §6.3. At most [`MAX_NOT_UNDERSTOOD`] of them.
    #[must_use]
    pub fn not_understood<F>(&self, understands: F) -> SmallVec<[AttributeType; 8]>
    where
        F: Fn(AttributeType) -> bool,
    {
        let mut types = SmallVec::new();
        for RawAttribute { kind, .. } in self.attributes() {
            if types.len() == MAX_NOT_UNDERSTOOD {
                break;
            }
            if kind.is_comprehension_required() && !understands(kind) && !types.contains(&kind) {
                types.push(kind);
            }
        }
        types
    }

    /// Whether there are types that must be understood and of which `understands` knows nothing.
    #[must_use]
    pub fn has_not_understood<F>(&self, understands: F) -> bool
    where
        F: Fn(AttributeType) -> bool,
    {
        let mut kinds = self.attributes().map(|attribute| attribute.kind);
        kinds.any(|kind| kind.is_comprehension_required() && !understands(kind))
    }

    /// Offset of MESSAGE-INTEGRITY, if it is there.
    pub(super) fn integrity_at(&self) -> Option<usize> {
        some_place(self.places.integrity)
    }

    /// Offset of MESSAGE-INTEGRITY-SHA256, if it is there.
    pub(super) fn integrity_sha256_at(&self) -> Option<usize> {
        some_place(self.places.integrity_sha256)
    }

    /// Offset of FINGERPRINT, if it is there.
    pub(super) fn fingerprint_at(&self) -> Option<usize> {
        some_place(self.places.fingerprint)
    }

    /// The value of the attribute whose header stands at `at`.
    pub(super) fn value_at(&self, at: usize) -> &'a [u8] {
        let mut reader = Reader::new(self.bytes.get(at..).unwrap_or_default());
        let attribute = next_attribute(&mut reader).ok().flatten();
        attribute.map(|attribute| attribute.value).unwrap_or_default()
    }

    fn find(&self, kind: AttributeType) -> Option<Reader<'a>> {
        self.attributes()
            .find(|attribute| attribute.kind == kind)
            .map(|found| Reader::new(found.value))
    }
}

const fn some_place(at: usize) -> Option<usize> {
    if at == 0 { None } else { Some(at) }
}

impl Places {
    /// Walks the attributes in `reader`, which must all fit.
    #[inline]
    fn find(mut reader: Reader<'_>) -> Result<Self, Malformed> {
        let mut places = Self::default();
        loop {
            let at = reader.position();
            let Some(RawAttribute { kind, value }) = next_attribute(&mut reader)? else {
                return Ok(places);
            };
            match kind {
                AttributeType::MESSAGE_INTEGRITY if places.uncovered == 0 => {
                    check_length(value.len() == 20, at)?;
                    places.integrity = at;
                    places.uncovered = reader.position();
                }
                AttributeType::MESSAGE_INTEGRITY_SHA256 if places.integrity_sha256 == 0 => {
                    let length = value.len();
                    check_length((16..=32).contains(&length) && length.is_multiple_of(4), at)?;
                    places.integrity_sha256 = at;
                    if places.uncovered == 0 {
                        places.uncovered = reader.position();
                    }
                }
                AttributeType::FINGERPRINT => {
                    check_length(value.len() == 4, at)?;
                    if !reader.is_empty() {
                        return Err(reader.malformed("attribute behind FINGERPRINT"));
                    }
                    places.fingerprint = at;
                }
                _ => {}
            }
        }
    }

    /// Whether the attribute at `at` counts.
    const fn counts(&self, at: usize) -> bool {
        self.uncovered == 0
            || at < self.uncovered
            || at == self.integrity_sha256
            || at == self.fingerprint
    }
}

const fn check_length(right: bool, at: usize) -> Result<(), Malformed> {
    if right { Ok(()) } else { Err(Malformed { what: "impossible attribute length", at }) }
}

impl fmt::Display for Message<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        super::display::write_line(self, f)
    }
}

impl fmt::Debug for Message<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Message")
            .field("type", &self.message_type)
            .field("id", &self.id)
            .field("attributes", &self.all_attributes().collect::<Vec<_>>())
            .finish()
    }
}
