//! Protection of version 1.2: AEAD ciphers with the number of the record in nonce and associated data
//! (RFC 5246 §6.2.3.3, RFC 6347 §4.1.2.1).

use crypto::{AEAD_TAG_LEN, AeadAlgorithm, AeadKey, BadTag};
use smallvec::SmallVec;

use super::{
    super::{
        connection_id::ConnectionId,
        header::{LONG_HEADER_LEN, LongHeader, WIRE_VERSION},
    },
    SealContext, long_number, write_long_header,
};
use crate::{
    RecordNumber,
    schedule::{Iv, TrafficKeys},
    wire::ContentType,
};

/// The keys of one direction.
pub(crate) struct Cipher {
    aead: AeadKey,
    iv: Iv,
}

impl Cipher {
    pub(super) fn new(keys: TrafficKeys) -> Self {
        Self { aead: keys.aead, iv: keys.iv }
    }

    /// Bytes of the nonce that travel with each record (RFC 5288 §3; none in RFC 7905 §2).
    const fn explicit_len(&self) -> usize {
        match self.aead.algorithm() {
            AeadAlgorithm::Aes128Gcm | AeadAlgorithm::Aes256Gcm => 8,
            AeadAlgorithm::ChaCha20Poly1305 => 0,
        }
    }

    pub(super) fn overhead(&self, id: &ConnectionId) -> usize {
        let inner_type = if id.is_empty() { 0 } else { 1 };
        LONG_HEADER_LEN + id.len() + self.explicit_len() + inner_type + AEAD_TAG_LEN
    }

    pub(super) fn seal(&self, context: &SealContext<'_>, payload: &[u8], out: &mut Vec<u8>) {
        let reuses = base::mutant::active("dtls-12-nonce-repeats");
        let number = long_number(context.number) & if reuses { !1 } else { !0 };
        let has_id = !context.id.is_empty();
        let kind = if has_id { ContentType::TLS12_CID } else { context.kind };
        let inner = payload.len() + if has_id { 1 + context.padding } else { 0 };
        let length = self.explicit_len() + inner + AEAD_TAG_LEN;
        out.reserve(LONG_HEADER_LEN + context.id.len() + length);
        write_long_header(kind, WIRE_VERSION, context.number, context.id.as_ref(), length, out);
        if self.explicit_len() > 0 {
            // RFC 5288 §3 leaves the explicit part to us; the number never repeats under a key.
            out.extend_from_slice(&number.to_be_bytes());
        }
        let start = out.len();
        out.extend_from_slice(payload);
        if has_id {
            out.push(context.kind.number());
            out.resize(start + inner, 0);
        }
        let nonce = self.iv.nonce(number);
        let aad = Aad::new(kind, WIRE_VERSION, context.number, context.id.as_ref(), inner);
        self.aead.seal_and_append(&nonce, aad.as_ref(), out, start);
    }

    /// Opens the body behind `header` and its `id` into `out`.
    pub(in crate::record) fn open(
        &self,
        header: &LongHeader,
        id: &[u8],
        body: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), BadTag> {
        let (explicit, sealed) = body.split_at_checked(self.explicit_len()).ok_or(BadTag)?;
        let number = match explicit.first_chunk() {
            Some(explicit) => u64::from_be_bytes(*explicit),
            None => long_number(header.number),
        };
        let length = sealed.len().checked_sub(AEAD_TAG_LEN).ok_or(BadTag)?;
        let aad = Aad::new(header.kind, header.version, header.number, id, length);
        self.aead.open_into(&self.iv.nonce(number), aad.as_ref(), sealed, out)
    }
}

/// The associated data of a record.
enum Aad {
    /// RFC 5246 §6.2.3.3.
    Plain([u8; 13]),
    /// RFC 9146 §5.3.
    WithId(SmallVec<[u8; 64]>),
}

impl Aad {
    fn new(
        kind: ContentType,
        version: u16,
        number: RecordNumber,
        id: &[u8],
        length: usize,
    ) -> Self {
        let [a, b, c, d, e, f, g, h] = long_number(number).to_be_bytes();
        let (kind_byte, [major, minor]) = (kind.number(), version.to_be_bytes());
        let [high, low] = u16::try_from(length).unwrap_or(u16::MAX).to_be_bytes();
        if kind != ContentType::TLS12_CID {
            return Self::Plain([a, b, c, d, e, f, g, h, kind_byte, major, minor, high, low]);
        }
        // What stands in the place of the number tells the two kinds apart.
        let id_len = u8::try_from(id.len()).unwrap_or(u8::MAX);
        let mut aad = SmallVec::from_slice(&[0xff; 8]);
        aad.extend_from_slice(&[kind_byte, id_len, kind_byte, major, minor]);
        aad.extend_from_slice(&[a, b, c, d, e, f, g, h]);
        aad.extend_from_slice(id);
        aad.extend_from_slice(&[high, low]);
        Self::WithId(aad)
    }
}

impl AsRef<[u8]> for Aad {
    fn as_ref(&self) -> &[u8] {
        match self {
            Self::Plain(bytes) => bytes,
            Self::WithId(bytes) => bytes,
        }
    }
}
