//! What the keys of an epoch do to a record.

mod tls12;
mod tls13;

use std::fmt;

use super::{
    MAX_INNER_PLAINTEXT, MAX_PLAINTEXT, connection_id::ConnectionId, header::LONG_HEADER_LEN,
};
use crate::{
    RecordNumber,
    schedule::{TrafficKeys, tls13::TrafficSecret},
    wire::ContentType,
};

/// How records of one direction and epoch are protected.
#[expect(clippy::large_enum_variant, reason = "a box would cost every record a pointer chase")]
pub(crate) enum Protection {
    /// Not at all: epoch 0.
    None,
    /// As in version 1.2.
    Tls12(tls12::Cipher),
    /// As in version 1.3.
    Tls13(tls13::Cipher),
    /// The keys have failed as often as they may and were dropped.
    Spent,
}

/// What one record is sealed with, beside its payload.
pub(super) struct SealContext<'a> {
    pub(super) number: RecordNumber,
    pub(super) kind: ContentType,
    /// The id for the header.
    pub(super) id: &'a ConnectionId,
    /// Zeros to add where there is a place for them.
    pub(super) padding: usize,
    /// The version for the header of a record without protection.
    pub(super) plain_version: u16,
}

impl Protection {
    /// That of version 1.2.
    pub(crate) fn tls12(keys: TrafficKeys) -> Self {
        Self::Tls12(tls12::Cipher::new(keys))
    }

    /// That of version 1.3.
    pub(crate) fn tls13(secret: &TrafficSecret) -> Self {
        Self::Tls13(tls13::Cipher::new(secret.keys(), secret.record_number_key()))
    }

    /// Whether the type of a record stands inside, and padding behind it.
    pub(super) fn has_inner(&self, id: &ConnectionId) -> bool {
        match self {
            Self::None | Self::Spent => false,
            Self::Tls12(_) => !id.is_empty(),
            Self::Tls13(_) => true,
        }
    }

    /// Bytes that a record has beyond payload and padding.
    pub(super) fn overhead(&self, id: &ConnectionId) -> usize {
        match self {
            Self::None | Self::Spent => LONG_HEADER_LEN,
            Self::Tls12(cipher) => cipher.overhead(id),
            Self::Tls13(_) => tls13::Cipher::overhead(id),
        }
    }

    /// The longest payload, if the peer takes plaintexts of up to `limit` bytes.
    pub(super) fn max_payload(&self, id: &ConnectionId, limit: usize) -> usize {
        match self {
            // RFC 8449 §4: unprotected messages are not subject to the limit.
            Self::None => MAX_PLAINTEXT,
            Self::Tls12(_) if id.is_empty() => limit.min(MAX_PLAINTEXT),
            // RFC 9146 §5: here the type is within the common limit.
            Self::Tls12(_) => limit.min(MAX_PLAINTEXT).saturating_sub(1),
            Self::Tls13(_) => limit.min(MAX_INNER_PLAINTEXT).saturating_sub(1),
            Self::Spent => 0,
        }
    }

    /// Appends a record to `out`. The payload fits: the caller has checked.
    pub(super) fn seal(&self, context: &SealContext<'_>, payload: &[u8], out: &mut Vec<u8>) {
        match self {
            Self::None => {
                let version = context.plain_version;
                write_long_header(context.kind, version, context.number, &[], payload.len(), out);
                out.extend_from_slice(payload);
            }
            Self::Tls12(cipher) => cipher.seal(context, payload, out),
            Self::Tls13(cipher) => cipher.seal(context, payload, out),
            Self::Spent => {}
        }
    }
}

impl fmt::Debug for Protection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "Protection::None",
            Self::Tls12(_) => "Protection::Tls12",
            Self::Tls13(_) => "Protection::Tls13",
            Self::Spent => "Protection::Spent",
        })
    }
}

/// Cuts a plaintext down to its payload and returns its type: the last byte that is not zero
/// (RFC 8446 §5.4, RFC 9146 §4). Without such a byte the type is 0, which is none.
pub(super) fn strip(inner: &mut Vec<u8>) -> ContentType {
    let end = inner.iter().rposition(|byte| *byte != 0).unwrap_or(0);
    let kind = inner.get(end).copied().unwrap_or(0);
    inner.truncate(end);
    ContentType::new(kind)
}

fn write_long_header(
    kind: ContentType,
    version: u16,
    number: RecordNumber,
    id: &[u8],
    length: usize,
    out: &mut Vec<u8>,
) {
    let [major, minor] = version.to_be_bytes();
    let [a, b, c, d, e, f, g, h] = long_number(number).to_be_bytes();
    out.extend_from_slice(&[kind.number(), major, minor, a, b, c, d, e, f, g, h]);
    out.extend_from_slice(id);
    out.extend_from_slice(&u16::try_from(length).unwrap_or(u16::MAX).to_be_bytes());
}

/// Epoch and sequence as long headers have them, in 16 and 48 bits.
const fn long_number(number: RecordNumber) -> u64 {
    number.epoch << 48 | number.sequence & 0xffff_ffff_ffff
}
