//! A bucket of tokens for each source.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::{IpAddr, Ipv6Addr},
};

use base::Instant;

use super::RateLimit;

/// Most sources remembered. The one heard of longest ago is forgotten first, and with it at most one
/// burst of its debt: whoever forges that many sources spreads the harm among them.
pub const MAX_SOURCES: usize = 4_096;

/// Nanoseconds in a second, the unit in which tokens are kept: one token is so many.
const TOKEN: u64 = 1_000_000_000;

/// Counts responses by source: an IPv4 address, or an IPv6 network of 64 bits.
#[derive(Debug, Default)]
pub struct Limiter {
    buckets: BTreeMap<IpAddr, Bucket>,
    /// The same by age, so that the oldest is found at once.
    by_age: BTreeSet<(Instant, IpAddr)>,
}

#[derive(Clone, Copy, Debug)]
struct Bucket {
    tokens: u64,
    at: Instant,
}

impl Limiter {
    /// Whether `source` may have another response; takes the token for it.
    pub fn admits(&mut self, now: Instant, source: IpAddr, limit: RateLimit) -> bool {
        if limit.per_second == 0 {
            return true;
        }
        let source = network_of(source);
        let full = u64::from(limit.burst).saturating_mul(TOKEN);
        let mut bucket = match self.buckets.get(&source) {
            Some(bucket) => *bucket,
            None => {
                self.make_room();
                Bucket { tokens: full, at: now }
            }
        };
        self.by_age.remove(&(bucket.at, source));
        let nanos = u64::try_from((now - bucket.at).as_nanos()).unwrap_or(u64::MAX);
        let gained = nanos.saturating_mul(u64::from(limit.per_second));
        bucket.tokens = bucket.tokens.saturating_add(gained).min(full);
        bucket.at = now;
        let left = bucket.tokens.checked_sub(TOKEN);
        bucket.tokens = left.unwrap_or(bucket.tokens);
        self.buckets.insert(source, bucket);
        self.by_age.insert((now, source));
        left.is_some()
    }

    fn make_room(&mut self) {
        if self.buckets.len() >= MAX_SOURCES
            && let Some((_, oldest)) = self.by_age.pop_first()
        {
            self.buckets.remove(&oldest);
        }
    }
}

/// What counts as one source: the whole of an IPv4 address, the first half of an IPv6 address.
fn network_of(ip: IpAddr) -> IpAddr {
    match ip.to_canonical() {
        IpAddr::V4(ip) => IpAddr::V4(ip),
        IpAddr::V6(ip) => IpAddr::V6(Ipv6Addr::from(u128::from(ip) >> 64 << 64)),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const LIMIT: RateLimit = RateLimit { per_second: 10, burst: 3 };

    fn admitted(limiter: &mut Limiter, now: Instant, source: &str) -> usize {
        let source = source.parse().unwrap();
        (0..100).take_while(|_| limiter.admits(now, source, LIMIT)).count()
    }

    #[test]
    fn a_burst_then_the_rate() {
        let mut limiter = Limiter::default();
        assert_eq!(admitted(&mut limiter, Instant::ZERO, "192.0.2.1"), 3);
        let later = Instant::ZERO + Duration::from_millis(200);
        assert_eq!(admitted(&mut limiter, later, "192.0.2.1"), 2);
        let much_later = Instant::ZERO + Duration::from_secs(3_600);
        assert_eq!(admitted(&mut limiter, much_later, "192.0.2.1"), 3);
    }

    #[test]
    fn sources_do_not_share_unless_they_share_a_network() {
        let mut limiter = Limiter::default();
        assert_eq!(admitted(&mut limiter, Instant::ZERO, "192.0.2.1"), 3);
        assert_eq!(admitted(&mut limiter, Instant::ZERO, "192.0.2.2"), 3);
        assert_eq!(admitted(&mut limiter, Instant::ZERO, "::ffff:192.0.2.2"), 0);
        assert_eq!(admitted(&mut limiter, Instant::ZERO, "2001:db8::1"), 3);
        assert_eq!(admitted(&mut limiter, Instant::ZERO, "2001:db8::ffff:1"), 0);
        assert_eq!(admitted(&mut limiter, Instant::ZERO, "2001:db8:0:1::1"), 3);
    }

    #[test]
    fn remembers_a_bounded_number_of_sources() {
        let mut limiter = Limiter::default();
        for nth in 0..10_000_u32 {
            let source = IpAddr::from((0x0a00_0000 + nth).to_be_bytes());
            assert!(limiter.admits(Instant::from_nanos(u64::from(nth)), source, LIMIT));
        }
        assert_eq!((limiter.buckets.len(), limiter.by_age.len()), (MAX_SOURCES, MAX_SOURCES));
    }

    #[test]
    fn zero_means_no_limit() {
        let mut limiter = Limiter::default();
        let none = RateLimit { per_second: 0, burst: 0 };
        assert!((0..1_000).all(|_| limiter.admits(Instant::ZERO, [1, 2, 3, 4].into(), none)));
        assert!(limiter.buckets.is_empty());
    }
}
