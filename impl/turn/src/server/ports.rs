//! The ports of one address that is relayed from.

use std::{net::SocketAddr, ops::RangeInclusive};

use base::Rng;

use super::config::RelayAddress;

/// Bits of a word of the map.
const WORD: u32 = u64::BITS;
/// The bits of even ports in a word: words begin with an even port.
const EVEN: u64 = 0x5555_5555_5555_5555;

/// What a port is wanted for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Want {
    /// Any.
    Any,
    /// An even one: EVEN-PORT.
    Even,
    /// An even one with the next one free too, which is taken as well: EVEN-PORT with its bit set.
    Pair,
}

/// The free ports of one address, as a map of bits: each draw is uniform among all ports that fit
/// (RFC 8656 §7.2 wants them random), and a draw that fails does so at once.
#[derive(Debug)]
pub(super) struct Ports {
    relay: RelayAddress,
    range: RangeInclusive<u16>,
    /// Bit `n` of word `w` is port `first + 64 w + n`, set while it is free.
    free: Vec<u64>,
    /// The first port of the map, even.
    first: u16,
}

impl Ports {
    pub(super) fn new(relay: RelayAddress, range: RangeInclusive<u16>) -> Self {
        let first = range.start() & !1;
        let count = u32::from(*range.end()).saturating_sub(u32::from(first)) + 1;
        let words = usize::try_from(count.div_ceil(WORD)).unwrap_or(0);
        let mut ports = Self { relay, range: range.clone(), free: vec![0; words], first };
        range.for_each(|port| ports.give_back(port));
        ports
    }

    /// Takes a port, or two.
    pub(super) fn take(&mut self, rng: &mut Rng, want: Want) -> Option<u16> {
        let fitting = |word: u64| match want {
            Want::Any => word,
            Want::Even => word & EVEN,
            Want::Pair => word & word >> 1 & EVEN,
        };
        let count: u64 = self.free.iter().map(|word| u64::from(fitting(*word).count_ones())).sum();
        if count == 0 {
            return None;
        }
        let mut left = rng.public_below(count);
        for (number, word) in self.free.iter().enumerate() {
            let fitting = fitting(*word);
            let here = u64::from(fitting.count_ones());
            if left >= here {
                left -= here;
                continue;
            }
            let bit = nth_set_bit(fitting, left);
            let offset = u32::try_from(number).unwrap_or(0) * WORD + bit;
            let port = u16::try_from(u32::from(self.first) + offset).ok()?;
            self.mark(port, false);
            if want == Want::Pair {
                self.mark(port + 1, false);
            }
            return Some(port);
        }
        None
    }

    /// Gives a port back. One that is free already stays so.
    pub(super) fn give_back(&mut self, port: u16) {
        if self.range.contains(&port) {
            self.mark(port, true);
        }
    }

    /// Ports that are taken.
    pub(super) fn taken(&self) -> usize {
        let free: u32 = self.free.iter().map(|word| word.count_ones()).sum();
        self.range.len() - usize::try_from(free).unwrap_or(0)
    }

    /// The address with `port` as the host knows it.
    pub(super) const fn bound(&self, port: u16) -> SocketAddr {
        SocketAddr::new(self.relay.bind, port)
    }

    /// The address with `port` as peers know it.
    pub(super) const fn seen(&self, port: u16) -> SocketAddr {
        SocketAddr::new(self.relay.seen, port)
    }

    /// Whether the IP address is the one relayed from, under either of its names.
    pub(super) fn is_own(&self, ip: std::net::IpAddr) -> bool {
        let ip = ip.to_canonical();
        ip == self.relay.bind || ip == self.relay.seen
    }

    /// Whether it is an address that is relayed from, or held for that.
    pub(super) fn relays(&self, address: SocketAddr) -> bool {
        self.range.contains(&address.port())
            && self.is_own(address.ip())
            && !self.is_free(address.port())
    }

    fn is_free(&self, port: u16) -> bool {
        let (word, bit) = self.place(port);
        self.free.get(word).is_some_and(|word| word & bit != 0)
    }

    fn mark(&mut self, port: u16, is_free: bool) {
        let (word, bit) = self.place(port);
        if let Some(word) = self.free.get_mut(word) {
            *word = if is_free { *word | bit } else { *word & !bit };
        }
    }

    /// The word and the bit that stand for a port, which is not below the first one.
    fn place(&self, port: u16) -> (usize, u64) {
        let offset = u32::from(port.saturating_sub(self.first));
        (usize::try_from(offset / WORD).unwrap_or(usize::MAX), 1 << (offset % WORD))
    }
}

/// The position of the `n`-th set bit, counted from 0 at the low end.
fn nth_set_bit(mut word: u64, n: u64) -> u32 {
    for _ in 0..n {
        word &= word.wrapping_sub(1);
    }
    word.trailing_zeros()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn ports(range: RangeInclusive<u16>) -> (Ports, Rng) {
        let relay = RelayAddress::new([192, 0, 2, 1].into());
        (Ports::new(relay, range), Rng::from_seed([5; 32]))
    }

    #[test]
    fn every_port_is_given_once_and_then_none() {
        let (mut ports, mut rng) = ports(49_151..=49_300);
        let taken: BTreeSet<u16> = std::iter::from_fn(|| ports.take(&mut rng, Want::Any)).collect();
        assert_eq!(taken, (49_151..=49_300).collect());
        assert_eq!(ports.taken(), 150);
        taken.into_iter().for_each(|port| ports.give_back(port));
        assert_eq!(ports.taken(), 0);
    }

    #[test]
    fn the_last_port_of_all_is_one_too() {
        let (mut ports, mut rng) = ports(65_534..=65_535);
        assert_eq!(ports.take(&mut rng, Want::Pair), Some(65_534));
        assert_eq!(ports.take(&mut rng, Want::Any), None);
        ports.give_back(65_535);
        assert_eq!(ports.take(&mut rng, Want::Any), Some(65_535));
    }

    #[test]
    fn no_even_port_is_said_at_once() {
        // T17: nothing but odd ports is left.
        let (mut ports, mut rng) = ports(49_152..=65_535);
        while ports.take(&mut rng, Want::Even).is_some() {}
        assert_eq!(ports.taken(), 8_192);
        assert_eq!(ports.take(&mut rng, Want::Even), None);
        assert_eq!(ports.take(&mut rng, Want::Pair), None);
        assert!(ports.take(&mut rng, Want::Any).is_some_and(|port| port % 2 == 1));
    }

    #[test]
    fn a_pair_is_even_and_next() {
        let (mut ports, mut rng) = ports(50_001..=50_006);
        let mut pairs: Vec<_> = std::iter::from_fn(|| ports.take(&mut rng, Want::Pair)).collect();
        pairs.sort_unstable();
        assert_eq!(pairs, [50_002, 50_004]);
        assert_eq!(ports.taken(), 4);
    }

    #[test]
    fn draws_are_spread_over_the_range() {
        // T19: nobody guesses the next port from the last one.
        let (mut ports, mut rng) = ports(49_152..=65_535);
        let mut buckets = [0_u32; 16];
        for _ in 0..8_000 {
            let port = ports.take(&mut rng, Want::Any).unwrap();
            buckets[usize::from((port - 49_152) / 1_024)] += 1;
            ports.give_back(port);
        }
        assert!(buckets.iter().all(|count| (400..600).contains(count)), "{buckets:?}");
    }
}
