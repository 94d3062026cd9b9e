//! Messages that can be told apart, and what is remembered of them.

use super::plan::{Flow, Sizes};

/// One direction of a flow, in one life of the association and one of its channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Key {
    /// Which flow of the plan.
    pub(crate) flow: usize,
    /// 0 from who opens it, 1 back.
    pub(crate) direction: usize,
    /// How often the association began anew before.
    pub(crate) epoch: u32,
    /// How often the channel or stream did.
    pub(crate) round: u32,
}

/// What is remembered of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Mark {
    hash: u64,
    length: usize,
    text: bool,
}

impl Mark {
    pub(crate) fn of(bytes: &[u8], text: bool) -> Self {
        let mut hash = 0xcbf2_9ce4_8422_2325_u64;
        let mut chunks = bytes.chunks_exact(8);
        let mut mix = |word: u64| {
            hash = (hash ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            hash ^= hash >> 29;
        };
        for chunk in &mut chunks {
            mix(chunk.first_chunk().map_or(0, |word| u64::from_be_bytes(*word)));
        }
        chunks.remainder().iter().for_each(|&byte| mix(u64::from(byte) | 0x100));
        Self { hash, length: bytes.len(), text }
    }
}

/// Whether a message is text.
pub(crate) const fn is_text(number: u32) -> bool {
    number.is_multiple_of(3)
}

/// The length of a message of a flow.
pub(crate) fn length(seed: u64, flow: &Flow, key: Key, number: u32) -> usize {
    let length = match flow.sizes {
        Sizes::Exactly(length) => u64::from(length),
        Sizes::UpTo(most) => start(seed, key, number) % (u64::from(most) + 1),
    };
    usize::try_from(length).unwrap_or(0)
}

/// The bytes of a message: they follow from its place in the world, and are ASCII, so that they may be text.
pub(crate) fn content(seed: u64, key: Key, number: u32, length: usize) -> Vec<u8> {
    const ASCII: u64 = 0x7f7f_7f7f_7f7f_7f7f;
    let mut data = Vec::with_capacity(length + 8);
    let mut state = start(seed, key, number);
    while data.len() < length {
        state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
        data.extend_from_slice(&((state ^ state >> 32) & ASCII).to_be_bytes());
    }
    data.truncate(length);
    data
}

fn start(seed: u64, key: Key, number: u32) -> u64 {
    let parts =
        [key.flow as u64, key.direction as u64, key.epoch.into(), key.round.into(), number.into()];
    let mut state = seed;
    for part in parts {
        state = (state ^ part).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        state ^= state >> 31;
    }
    state
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_differ_and_repeat() {
        let key = Key { flow: 1, direction: 0, epoch: 0, round: 0 };
        let other = Key { round: 1, ..key };
        let one = content(7, key, 3, 100);
        assert_eq!(one, content(7, key, 3, 100));
        assert_ne!(Mark::of(&one, false), Mark::of(&content(7, key, 4, 100), false));
        assert_ne!(Mark::of(&one, false), Mark::of(&content(7, other, 3, 100), false));
        assert_ne!(Mark::of(&one, false), Mark::of(&one, true));
        assert!(std::str::from_utf8(&one).is_ok());
    }

    #[test]
    fn a_turned_bit_shows() {
        let key = Key { flow: 0, direction: 0, epoch: 0, round: 0 };
        let mut bytes = content(7, key, 0, 61);
        let mark = Mark::of(&bytes, false);
        for bit in 0..bytes.len() * 8 {
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert_ne!(Mark::of(&bytes, false), mark, "bit {bit}");
            bytes[bit / 8] ^= 1 << (bit % 8);
        }
    }
}
