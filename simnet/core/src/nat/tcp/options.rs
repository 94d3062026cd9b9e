//! The options of a SYN that a NAT looks at: RFC 9293 §3.2.

use bytes::{Bytes, BytesMut};

const END: u8 = 0;
const NOTHING: u8 = 1;
const SEGMENT_SIZE: u8 = 2;
const WINDOW_SCALE: u8 = 3;

/// By how much the sender shifts its windows, if it offers to.
pub(super) fn window_shift(options: &[u8]) -> Option<u8> {
    match *value(options, WINDOW_SCALE)?.1 {
        [shift] => Some(shift),
        _ => None,
    }
}

/// The options with the largest segment size lowered to `most`; nothing if they need no change.
pub(in crate::nat) fn clamp_segment_size(options: &Bytes, most: u16) -> Option<Bytes> {
    let (at, &[high, low]) = value(options, SEGMENT_SIZE)? else { return None };
    if u16::from_be_bytes([high, low]) <= most {
        return None;
    }
    let mut changed = BytesMut::from(&options[..]);
    changed.get_mut(at..at + 2)?.copy_from_slice(&most.to_be_bytes());
    Some(changed.freeze())
}

/// The value of the first option of `kind`, and where it starts.
fn value(options: &[u8], kind: u8) -> Option<(usize, &[u8])> {
    let mut at = 0;
    loop {
        match *options.get(at)? {
            END => return None,
            NOTHING => at += 1,
            found => {
                let length = usize::from(*options.get(at + 1)?);
                let bytes = options.get(at + 2..at + length.max(2))?;
                if found == kind {
                    return Some((at + 2, bytes));
                }
                at += length.max(2);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_segment_size_is_lowered_and_never_raised() {
        let options = Bytes::from_static(&[1, 1, 2, 4, 5, 180, 3, 3, 7, 0]);
        let lower = clamp_segment_size(&options, 1_200).unwrap();
        assert_eq!(lower[..], [1, 1, 2, 4, 4, 176, 3, 3, 7, 0]);
        assert_eq!(clamp_segment_size(&options, 1_460), None);
        assert_eq!(window_shift(&options), Some(7));
    }

    #[test]
    fn broken_options_are_left_alone() {
        for options in [&[2][..], &[2, 4, 5], &[2, 0, 0, 0], &[0, 2, 4, 5, 180], &[2, 3, 5]] {
            assert_eq!(clamp_segment_size(&Bytes::copy_from_slice(options), 9), None);
        }
    }
}
