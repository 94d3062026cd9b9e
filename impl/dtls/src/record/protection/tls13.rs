//! Protection of version 1.3: the type inside, the number encrypted (RFC 9147 §4, §4.2.3).

use crypto::{AEAD_TAG_LEN, AeadAlgorithm, AeadKey, BadTag, RecordNumberKey};
use smallvec::SmallVec;

use super::{
    super::{
        connection_id::ConnectionId,
        header::{
            EPOCH_BITS, FIXED_BITS, HAS_ID, HAS_LENGTH, UNIFIED_HEADER_LEN, UnifiedHeader,
            WIDE_SEQUENCE,
        },
    },
    SealContext,
};
use crate::schedule::{Iv, TrafficKeys};

/// The keys of one direction and epoch.
pub(crate) struct Cipher {
    aead: AeadKey,
    iv: Iv,
    record_number: RecordNumberKey,
}

impl Cipher {
    pub(super) fn new(keys: TrafficKeys, record_number: RecordNumberKey) -> Self {
        Self { aead: keys.aead, iv: keys.iv, record_number }
    }

    pub(in crate::record) const fn algorithm(&self) -> AeadAlgorithm {
        self.aead.algorithm()
    }

    pub(super) fn overhead(id: &ConnectionId) -> usize {
        UNIFIED_HEADER_LEN + id.len() + 1 + AEAD_TAG_LEN
    }

    pub(super) fn seal(&self, context: &SealContext<'_>, payload: &[u8], out: &mut Vec<u8>) {
        let inner = payload.len() + 1 + context.padding;
        let length = u16::try_from(inner + AEAD_TAG_LEN).unwrap_or(u16::MAX).to_be_bytes();
        let [.., epoch] = context.number.epoch.to_be_bytes();
        let [.., high, low] = context.number.sequence.to_be_bytes();
        let flags = FIXED_BITS | WIDE_SEQUENCE | HAS_LENGTH | epoch & EPOCH_BITS;
        let before = out.len();
        out.reserve(Self::overhead(context.id) + inner);
        if context.id.is_empty() {
            out.extend_from_slice(&[flags, high, low]);
        } else {
            out.push(flags | HAS_ID);
            out.extend_from_slice(context.id.as_ref());
            out.extend_from_slice(&[high, low]);
        }
        out.extend_from_slice(&length);
        let start = out.len();
        out.extend_from_slice(payload);
        out.push(context.kind.number());
        if context.padding > 0 {
            out.resize(start + inner, 0);
        }
        let Some((header, body)) =
            out.get_mut(before..).and_then(|record| record.split_at_mut_checked(start - before))
        else {
            return;
        };
        let tag = self.aead.seal(&self.iv.nonce(context.number.sequence), header, body);
        out.extend_from_slice(&tag);
        self.mask(out, start - 4, start);
    }

    /// Encrypts the two bytes of the sequence at `at`, from the ciphertext that begins at `start`.
    fn mask(&self, out: &mut [u8], at: usize, start: usize) {
        let Some((header, body)) = out.split_at_mut_checked(start) else {
            return;
        };
        if let (Some(sequence), Some(sample)) = (header.get_mut(at..), body.first_chunk()) {
            xor(sequence, self.record_number.mask(sample));
        }
    }

    /// Opens the body of a record behind `head` into `out`, type and padding included, and returns its
    /// sequence, reconstructed near `expected`.
    pub(in crate::record) fn open(
        &self,
        header: UnifiedHeader,
        expected: u64,
        [head, body]: [&[u8]; 2],
        out: &mut Vec<u8>,
    ) -> Result<u64, BadTag> {
        // RFC 9147 §4.2.3: a shorter one counts as one that failed.
        let mask = self.record_number.mask(body.first_chunk().ok_or(BadTag)?);
        let mut head: SmallVec<[u8; 32]> = SmallVec::from_slice(head);
        let low = head.get_mut(header.sequence_at..).ok_or(BadTag)?;
        let sequence = match (header.is_wide, low) {
            (true, [high, low, ..]) => {
                let [mask_high, mask_low] = mask;
                (*high, *low) = (*high ^ mask_high, *low ^ mask_low);
                reconstruct(expected, u64::from(u16::from_be_bytes([*high, *low])), 16)
            }
            (false, [low, ..]) => {
                let [mask, _] = mask;
                *low ^= mask;
                reconstruct(expected, u64::from(*low), 8)
            }
            _ => return Err(BadTag),
        };
        self.aead.open_into(&self.iv.nonce(sequence), &head, body, out)?;
        Ok(sequence)
    }
}

fn xor(bytes: &mut [u8], mask: [u8; 2]) {
    bytes.iter_mut().zip(mask).for_each(|(byte, mask)| *byte ^= mask);
}

/// The number with the low `bits` bits of `low` that is closest to `expected` (RFC 9147 §4.2.2).
fn reconstruct(expected: u64, low: u64, bits: u32) -> u64 {
    let span = 1_u64 << bits;
    let near = expected & !(span - 1) | low;
    if base::mutant::active("dtls-13-sequence-never-wraps") {
        return near;
    }
    if near + span / 2 < expected {
        near.checked_add(span).unwrap_or(near)
    } else if near > expected.saturating_add(span / 2) {
        near.checked_sub(span).unwrap_or(near)
    } else {
        near
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::first(0, 0, 8, 0)]
    #[case::ahead(0, 200, 8, 200)]
    #[case::next_span(250, 3, 8, 259)]
    #[case::span_before(260, 250, 8, 250)]
    #[case::wide_next_span(0xfff0, 5, 16, 0x1_0005)]
    #[case::wide_span_before(0x1_0005, 0xfff0, 16, 0xfff0)]
    #[case::never_below_zero(3, 0xfff0, 16, 0xfff0)]
    #[case::far_up(0x1234_5678_9abc, 0x9abd, 16, 0x1234_5678_9abd)]
    fn the_sequence_is_the_closest(
        #[case] expected: u64,
        #[case] low: u64,
        #[case] bits: u32,
        #[case] sequence: u64,
    ) {
        assert_eq!(reconstruct(expected, low, bits), sequence);
    }
}
