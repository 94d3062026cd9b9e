//! What a host remembers of how much its paths carry: RFC 1191, RFC 8201.

use std::{net::IpAddr, time::Duration};

use base::Instant;

/// Destinations remembered at most; the one heard of longest ago makes room. A host of an experiment
/// talks to fewer.
const MAX_PATHS: usize = 64;
/// How long an estimate holds before a larger one is tried: RFC 1191 §6.3, RFC 8201 §4.
const LIFETIME: Duration = Duration::from_secs(600);
/// Reports below this are taken for forged: RFC 1191 §3 asks for 68 at least, but hosts must take 576
/// (RFC 1122 §3.3.2), and links with less do not exist.
const IPV4_LEAST: u32 = 576;
/// RFC 8201 §4: IPv6 links carry this much, and an estimate never goes below.
const IPV6_LEAST: u32 = 1_280;
/// Sizes that occur, for routers that do not say theirs: RFC 1191 §7.1.
const PLATEAUS: [u32; 8] = [65_535, 32_000, 17_914, 8_166, 4_352, 2_002, 1_492, 1_006];

/// Estimates of one host by destination.
#[derive(Debug, Default)]
pub(crate) struct PathMtus {
    entries: Vec<Entry>,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    destination: IpAddr,
    mtu: u32,
    expires: Instant,
}

/// What a report of a router comes to, when packets of up to `present` bytes were sent: the new estimate,
/// or `None` if the report is to be ignored.
pub(crate) fn judge(reported: u32, present: u32, ipv6: bool) -> Option<u32> {
    let least = if ipv6 { IPV6_LEAST } else { IPV4_LEAST };
    let estimate = match reported {
        // RFC 1191 §5: a router that does not say leaves the host to try the next size that occurs.
        0 if !ipv6 => PLATEAUS.into_iter().find(|&size| size < present).unwrap_or(least),
        _ => reported,
    };
    // RFC 1191 §3, RFC 8201 §4: an estimate never grows because of a report.
    (estimate >= least && estimate < present).then_some(estimate)
}

impl PathMtus {
    /// The estimate for a destination, if there is one that still holds.
    pub(crate) fn get(&self, destination: IpAddr, now: Instant) -> Option<u32> {
        let known = |entry: &&Entry| entry.destination == destination && now < entry.expires;
        self.entries.iter().find(known).map(|entry| entry.mtu)
    }

    /// Remembers an estimate.
    pub(crate) fn set(&mut self, destination: IpAddr, mtu: u32, now: Instant) {
        self.entries.retain(|entry| entry.destination != destination && now < entry.expires);
        if self.entries.len() == MAX_PATHS {
            self.entries.remove(0);
        }
        self.entries.push(Entry { destination, mtu, expires: now + LIFETIME });
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::smaller(1_400, 1_500, false, Some(1_400))]
    #[case::the_same(1_500, 1_500, false, None)]
    #[case::larger(9_000, 1_500, false, None)]
    #[case::forged(68, 1_500, false, None)]
    #[case::least(576, 1_500, false, Some(576))]
    #[case::unsaid(0, 1_500, false, Some(1_492))]
    #[case::unsaid_again(0, 1_492, false, Some(1_006))]
    #[case::unsaid_at_last(0, 1_006, false, Some(576))]
    #[case::ipv6(1_280, 1_500, true, Some(1_280))]
    #[case::ipv6_forged(1_279, 1_500, true, None)]
    #[case::ipv6_unsaid(0, 1_500, true, None)]
    fn reports_are_judged(
        #[case] reported: u32,
        #[case] present: u32,
        #[case] ipv6: bool,
        #[case] estimate: Option<u32>,
    ) {
        assert_eq!(judge(reported, present, ipv6), estimate);
    }

    #[test]
    fn estimates_age_and_are_bounded() {
        let mut known = PathMtus::default();
        let ip = |last: u8| IpAddr::from([11, 0, 0, last]);
        known.set(ip(0), 1_400, Instant::ZERO);
        let almost = LIFETIME - Duration::from_nanos(1);
        assert_eq!(known.get(ip(0), Instant::ZERO + almost), Some(1_400));
        assert_eq!(known.get(ip(0), Instant::ZERO + LIFETIME), None);
        for last in 0..=64 {
            known.set(ip(last), 1_300, Instant::ZERO);
        }
        assert_eq!(known.get(ip(0), Instant::ZERO), None);
        assert_eq!(known.get(ip(64), Instant::ZERO), Some(1_300));
        assert_eq!(known.entries.len(), MAX_PATHS);
    }
}
