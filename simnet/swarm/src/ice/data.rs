//! What the applications send each other once they can.

use base::Instant;

/// The first bytes of every payload. They are no STUN, no ChannelData, and not the beginning of either.
pub(crate) const MAGIC: [u8; 4] = [0xd7, b'P', b'L', b'S'];
/// Magic, side, three bytes of nothing, number, time.
const HEADER: usize = 24;
/// So many bytes at least tell one payload from another.
const LEAST: u64 = 8;
/// Longest payload, which fits every MTU of the worlds with all that a relay adds.
const LONGEST: u64 = 1_000;

/// A payload as its sender wrote it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stamp {
    pub(crate) number: u64,
    pub(crate) sent: Instant,
}

/// The payload with a number, of the side with an index.
pub(crate) fn payload(seed: u64, index: u8, stamp: Stamp) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(64);
    bytes.extend_from_slice(&MAGIC);
    bytes.extend_from_slice(&[index, 0, 0, 0]);
    bytes.extend_from_slice(&stamp.number.to_be_bytes());
    bytes.extend_from_slice(&stamp.sent.as_nanos().to_be_bytes());
    let mut state = seed ^ u64::from(index) << 56;
    for part in [stamp.number, stamp.sent.as_nanos()] {
        state = mix(&mut state) ^ part;
    }
    let body = mix(&mut state) % (LONGEST - HEADER as u64 - LEAST);
    // Most are short, as speech is.
    let body = LEAST + if stamp.number.is_multiple_of(16) { body } else { body % 100 };
    bytes.extend((0..body).map(|_| mix(&mut state).to_be_bytes()[0]));
    bytes
}

/// Who sent the payload and when, if it is one of `index` to the byte.
pub(crate) fn check(seed: u64, index: u8, bytes: &[u8]) -> Option<Stamp> {
    let (head, _) = bytes.split_first_chunk::<HEADER>()?;
    let (_, rest) = head.split_first_chunk::<8>()?;
    let (number, sent) = rest.split_first_chunk::<8>()?;
    let sent = sent.first_chunk::<8>()?;
    let stamp = Stamp {
        number: u64::from_be_bytes(*number),
        sent: Instant::from_nanos(u64::from_be_bytes(*sent)),
    };
    (payload(seed, index, stamp) == bytes).then_some(stamp)
}

/// A generator whose only task is to make bytes that differ.
const fn mix(state: &mut u64) -> u64 {
    *state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
    let x = *state ^ (*state >> 29);
    x.wrapping_mul(0xbf58_476d_1ce4_e5b9) ^ (x >> 32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_wrong_byte_is_found() {
        let stamp = Stamp { number: 32, sent: Instant::from_nanos(5) };
        let whole = payload(7, 1, stamp);
        assert_eq!(check(7, 1, &whole), Some(stamp));
        assert_eq!(check(7, 0, &whole), None, "it is of the other side");
        assert_eq!(check(8, 1, &whole), None, "it is of another world");
        for at in 0..whole.len() {
            let mut wrong = whole.clone();
            wrong[at] ^= 1;
            assert_eq!(check(7, 1, &wrong), None, "byte {at}");
        }
        assert_eq!(check(7, 1, &whole[..whole.len() - 1]), None);
    }

    #[test]
    fn payloads_fit_every_path() {
        let longest =
            (0..2_000).map(|number| payload(7, 0, Stamp { number, sent: Instant::ZERO }).len());
        assert!(longest.max() <= Some(1_000));
    }
}
