//! A message as it arrived.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
};

use super::{
    Class, HEADER, Key, TransactionId, attribute, attribute_name, clamp, fingerprint_of,
    gather_method, method_name, outgoing::xor_address, with_length,
};

/// Where the length field stands.
const LENGTH_AT: usize = 2;

/// Bytes that are no sequence of header and attributes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what} at byte {at}")]
pub struct Malformed {
    /// What was missing.
    pub what: &'static str,
    /// Where.
    pub at: usize,
}

/// A message as it arrived, with nothing thrown away.
#[derive(Clone, PartialEq, Eq)]
pub struct Parsed {
    /// All the bytes.
    pub bytes: Vec<u8>,
    /// The type field, with its two high bits.
    pub kind: u16,
    /// The length field.
    pub length: u16,
    /// The cookie field.
    pub cookie: u32,
    /// The transaction id.
    pub transaction: TransactionId,
    /// The attributes in order.
    pub attributes: Vec<ParsedAttribute>,
    /// What follows the bytes that the length field counts.
    pub trailing: Vec<u8>,
}

/// An attribute as it arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParsedAttribute {
    /// The type.
    pub kind: u16,
    /// Where its type field starts in the message.
    pub at: usize,
    /// The value without padding.
    pub value: Vec<u8>,
    /// The padding.
    pub padding: Vec<u8>,
}

/// The verdict on a checksum or tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Check {
    /// The attribute is not there.
    Absent,
    /// It is there and right.
    Good,
    /// It is there and wrong.
    Bad,
}

/// The content of ERROR-CODE.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ErrorCode {
    /// The reserved bits, as a number.
    pub reserved: u32,
    /// The hundreds digit.
    pub class: u8,
    /// The code modulo 100.
    pub number: u8,
    /// The reason phrase.
    pub reason: Vec<u8>,
}

impl ErrorCode {
    /// The code as people write it.
    #[must_use]
    pub fn code(&self) -> u16 {
        u16::from(self.class) * 100 + u16::from(self.number)
    }
}

impl Parsed {
    /// Reads `bytes`, which must hold a header and whole attributes up to the length field's end.
    ///
    /// # Errors
    ///
    /// [`Malformed`] when the bytes run out; odd contents are no error but [`faults`](Self::faults).
    pub fn read(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut cursor = Cursor { bytes, at: 0 };
        let kind = cursor.u16("type")?;
        let length = cursor.u16("length")?;
        let cookie = u32::from_be_bytes(cursor.array("cookie")?);
        let transaction = TransactionId(cursor.array("transaction id")?);
        let end = HEADER + usize::from(length);
        if bytes.len() < end {
            return Err(Malformed {
                what: "fewer bytes than the length field says",
                at: LENGTH_AT,
            });
        }
        let mut attributes = Vec::new();
        while cursor.at < end {
            attributes.push(cursor.attribute(end)?);
        }
        Ok(Self {
            bytes: bytes.to_vec(),
            kind,
            length,
            cookie,
            transaction,
            attributes,
            trailing: bytes.get(end..).unwrap_or_default().to_vec(),
        })
    }

    /// The class.
    #[must_use]
    pub const fn class(&self) -> Class {
        Class::of(self.kind)
    }

    /// The method.
    #[must_use]
    pub const fn method(&self) -> u16 {
        gather_method(self.kind)
    }

    /// The attribute types in order: a case compares the whole list.
    #[must_use]
    pub fn kinds(&self) -> Vec<u16> {
        self.attributes.iter().map(|attribute| attribute.kind).collect()
    }

    /// The first attribute of type `kind`.
    #[must_use]
    pub fn attribute(&self, kind: u16) -> Option<&ParsedAttribute> {
        self.attributes.iter().find(|attribute| attribute.kind == kind)
    }

    /// The value of the first attribute of type `kind`.
    #[must_use]
    pub fn value(&self, kind: u16) -> Option<&[u8]> {
        self.attribute(kind).map(|attribute| attribute.value.as_slice())
    }

    /// Whether there is an attribute of type `kind`.
    #[must_use]
    pub fn has(&self, kind: u16) -> bool {
        self.attribute(kind).is_some()
    }

    /// The value of the first attribute of type `kind` as text.
    #[must_use]
    pub fn text(&self, kind: u16) -> Option<&str> {
        std::str::from_utf8(self.value(kind)?).ok()
    }

    /// The address in the first attribute of type `kind`, in clear.
    #[must_use]
    pub fn address(&self, kind: u16) -> Option<SocketAddr> {
        read_address(self.value(kind)?)
    }

    /// The address in XOR-MAPPED-ADDRESS.
    #[must_use]
    pub fn xor_mapped_address(&self) -> Option<SocketAddr> {
        self.xor_address(attribute::XOR_MAPPED_ADDRESS)
    }

    /// The address in the first attribute of type `kind`, which is under the mask of RFC 8489 §14.2.
    #[must_use]
    pub fn xor_address(&self, kind: u16) -> Option<SocketAddr> {
        self.xor_addresses(kind).into_iter().next()?
    }

    /// The addresses in all attributes of type `kind`, which are under the mask of RFC 8489 §14.2.
    #[must_use]
    pub fn xor_addresses(&self, kind: u16) -> Vec<Option<SocketAddr>> {
        let found = self.attributes.iter().filter(|attribute| attribute.kind == kind);
        found.map(|attribute| self.unmask(&attribute.value)).collect()
    }

    fn unmask(&self, value: &[u8]) -> Option<SocketAddr> {
        let mut value = value.to_vec();
        xor_address(&mut value, self.transaction);
        read_address(&value)
    }

    /// The number in the first attribute of type `kind`, which is 32 bits long.
    #[must_use]
    pub fn number(&self, kind: u16) -> Option<u32> {
        Some(u32::from_be_bytes(self.value(kind)?.try_into().ok()?))
    }

    /// The content of ERROR-CODE.
    #[must_use]
    pub fn error(&self) -> Option<ErrorCode> {
        let (head, reason) = self.value(attribute::ERROR_CODE)?.split_first_chunk::<4>()?;
        let word = u32::from_be_bytes(*head);
        let [_, _, class, number] = *head;
        Some(ErrorCode {
            reserved: word >> 11,
            class: class & 0b111,
            number,
            reason: reason.to_vec(),
        })
    }

    /// The number in ERROR-CODE as people write it.
    #[must_use]
    pub fn code(&self) -> Option<u16> {
        self.error().map(|error| error.code())
    }

    /// The list in UNKNOWN-ATTRIBUTES.
    #[must_use]
    pub fn unknown_attributes(&self) -> Option<Vec<u16>> {
        let value = self.value(attribute::UNKNOWN_ATTRIBUTES)?;
        let (pairs, rest) = value.as_chunks::<2>();
        rest.is_empty().then(|| pairs.iter().map(|pair| u16::from_be_bytes(*pair)).collect())
    }

    /// The algorithm numbers in the first attribute of type `kind`, which is PASSWORD-ALGORITHMS or
    /// PASSWORD-ALGORITHM.
    #[must_use]
    pub fn algorithms(&self, kind: u16) -> Option<Vec<u16>> {
        let value = self.value(kind)?;
        let mut cursor = Cursor { bytes: value, at: 0 };
        let mut numbers = Vec::new();
        while cursor.at < value.len() {
            numbers.push(cursor.attribute(value.len()).ok()?.kind);
        }
        Some(numbers)
    }

    /// Checks MESSAGE-INTEGRITY with `key`.
    #[must_use]
    pub fn integrity(&self, key: &Key) -> Check {
        let Some(found) = self.attribute(attribute::MESSAGE_INTEGRITY) else {
            return Check::Absent;
        };
        verdict(found.value == key.hmac_sha1(&[&self.covered(found)]))
    }

    /// Checks MESSAGE-INTEGRITY-SHA256 with `key`; a truncated tag is compared as far as it goes, but
    /// must have a length that RFC 8489 §14.6 permits.
    #[must_use]
    pub fn integrity_sha256(&self, key: &Key) -> Check {
        let Some(found) = self.attribute(attribute::MESSAGE_INTEGRITY_SHA256) else {
            return Check::Absent;
        };
        let allowed = is_tag_length(found.value.len());
        verdict(allowed && key.hmac_sha256(&[&self.covered(found)]).starts_with(&found.value))
    }

    /// Checks FINGERPRINT.
    #[must_use]
    pub fn fingerprint(&self) -> Check {
        let Some(found) = self.attribute(attribute::FINGERPRINT) else {
            return Check::Absent;
        };
        let before = self.bytes.get(..found.at).unwrap_or_default();
        verdict(found.value == fingerprint_of(before).to_be_bytes())
    }

    /// The bytes before `found` with the length field that makes the message end with it.
    fn covered(&self, found: &ParsedAttribute) -> Vec<u8> {
        let before = self.bytes.get(..found.at).unwrap_or_default();
        let end = found.at + 4 + found.value.len() + found.padding.len();
        with_length(before, LENGTH_AT, clamp(end.saturating_sub(HEADER)))
    }
}

/// Whether a truncated SHA-256 tag may have this many bytes (RFC 8489 §14.6).
pub(super) fn is_tag_length(length: usize) -> bool {
    (16..=32).contains(&length) && length.is_multiple_of(4)
}

fn verdict(good: bool) -> Check {
    if good { Check::Good } else { Check::Bad }
}

/// An address in clear (RFC 8489 §14.1); the first byte is ignored, the length is not.
#[must_use]
pub fn read_address(value: &[u8]) -> Option<SocketAddr> {
    let mut cursor = Cursor { bytes: value, at: 0 };
    let [_, family] = cursor.array("family").ok()?;
    let port = cursor.u16("port").ok()?;
    let ip: IpAddr = match family {
        1 => Ipv4Addr::from(cursor.array::<4>("address").ok()?).into(),
        2 => Ipv6Addr::from(cursor.array::<16>("address").ok()?).into(),
        _ => return None,
    };
    (cursor.at == value.len()).then_some(SocketAddr::new(ip, port))
}

struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    fn take(&mut self, count: usize, what: &'static str) -> Result<&'a [u8], Malformed> {
        let taken = self.bytes.get(self.at..self.at + count);
        let taken = taken.ok_or(Malformed { what, at: self.at })?;
        self.at += count;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self, what: &'static str) -> Result<[u8; N], Malformed> {
        let at = self.at;
        self.take(N, what)?.try_into().map_err(|_| Malformed { what, at })
    }

    fn u16(&mut self, what: &'static str) -> Result<u16, Malformed> {
        self.array(what).map(u16::from_be_bytes)
    }

    /// One attribute that ends before `end`. A list that ends without the padding of its last member
    /// is read all the same.
    fn attribute(&mut self, end: usize) -> Result<ParsedAttribute, Malformed> {
        let at = self.at;
        let kind = self.u16("attribute type")?;
        let length = usize::from(self.u16("attribute length")?);
        if self.at + length > end {
            return Err(Malformed { what: "attribute longer than the message", at });
        }
        let value = self.take(length, "attribute value")?.to_vec();
        let padding = (length.wrapping_neg() % 4).min(end.saturating_sub(self.at));
        let padding = self.take(padding, "attribute padding")?.to_vec();
        Ok(ParsedAttribute { kind, at, value, padding })
    }
}

impl fmt::Debug for Parsed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for Parsed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let method = method_name(self.method());
        write!(f, "STUN {method} {} tid={}", self.class(), self.transaction)?;
        for found in &self.attributes {
            write!(f, " {}", attribute_name(found.kind))?;
            self.show_value(found, f)?;
        }
        if !self.trailing.is_empty() {
            write!(f, " +{} bytes", self.trailing.len())?;
        }
        Ok(())
    }
}

impl Parsed {
    /// The value of the attributes whose value a reader of a ladder looks for.
    fn show_value(&self, found: &ParsedAttribute, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let address = match found.kind {
            attribute::XOR_MAPPED_ADDRESS
            | attribute::XOR_PEER_ADDRESS
            | attribute::XOR_RELAYED_ADDRESS => self.unmask(&found.value),
            attribute::MAPPED_ADDRESS
            | attribute::ALTERNATE_SERVER
            | attribute::RESPONSE_ORIGIN
            | attribute::OTHER_ADDRESS => read_address(&found.value),
            _ => None,
        };
        if let Some(address) = address {
            return write!(f, "={address}");
        }
        match (found.kind, std::str::from_utf8(&found.value)) {
            (attribute::USERNAME | attribute::REALM, Ok(text)) => write!(f, "={text}"),
            (attribute::ERROR_CODE, _) => {
                self.error().map_or(Ok(()), |error| write!(f, "={}", error.code()))
            }
            (attribute::LIFETIME, _) => {
                self.number(attribute::LIFETIME).map_or(Ok(()), |number| write!(f, "={number}"))
            }
            (attribute::CHANNEL_NUMBER, _) => {
                self.channel_number().map_or(Ok(()), |number| write!(f, "={number:#06x}"))
            }
            (attribute::DATA, _) => write!(f, "={} bytes", found.value.len()),
            (attribute::FINGERPRINT, _) if self.fingerprint() == Check::Bad => f.write_str("!"),
            _ => Ok(()),
        }
    }
}
