//! What was dropped, and why.

use std::fmt;

/// Why a message that came was not acted upon.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum DropReason {
    /// Not a message: RFC 8489 §6.3.
    Malformed,
    /// FINGERPRINT is wrong, or missing where it is used: RFC 8489 §7.
    BadFingerprint,
    /// A class that is not for this machine: a request at a client, a response at a server.
    UnexpectedClass,
    /// A method that is not supported: RFC 8489 §6.3.
    UnsupportedMethod,
    /// A response to no transaction in progress: RFC 8489 §6.3.
    UnknownTransaction,
    /// A response from an address the request was not sent to, or to one it was not sent from.
    WrongPath,
    /// No integrity where there should be one: RFC 8489 §9.1.4, §9.2.5.
    IntegrityMissing,
    /// The integrity is wrong: RFC 8489 §9.1.4, §9.2.5.
    IntegrityInvalid,
    /// The integrity is of an algorithm the request did not use: RFC 8489 §9.1.4.
    IntegrityOfOtherAlgorithm,
    /// Somebody took PASSWORD-ALGORITHMS out: RFC 8489 §9.2.5.
    BidDown,
    /// A 400 without integrity, which anybody could have sent: RFC 8489 §9.2.5.
    UnprotectedBadRequest,
    /// An indication with attributes that must be understood and were not: RFC 8489 §6.3.2.
    UnknownAttribute,
    /// An indication without the credentials it needs: RFC 8489 §9.1.3.
    Unauthenticated,
    /// A message of RFC 3489 where those are not served, or an indication of that kind over DTLS:
    /// RFC 8489 §11.
    Classic,
    /// More from one source than the rate limit allows.
    RateLimited,
    /// More responses wait to be sent than there is room for.
    QueueFull,
}

impl DropReason {
    /// All reasons, in order.
    pub const ALL: [Self; 16] = [
        Self::Malformed,
        Self::BadFingerprint,
        Self::UnexpectedClass,
        Self::UnsupportedMethod,
        Self::UnknownTransaction,
        Self::WrongPath,
        Self::IntegrityMissing,
        Self::IntegrityInvalid,
        Self::IntegrityOfOtherAlgorithm,
        Self::BidDown,
        Self::UnprotectedBadRequest,
        Self::UnknownAttribute,
        Self::Unauthenticated,
        Self::Classic,
        Self::RateLimited,
        Self::QueueFull,
    ];
}

/// How many messages were dropped for each reason.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct Drops {
    counts: [u64; DropReason::ALL.len()],
}

impl Drops {
    /// Messages dropped for `reason`.
    #[must_use]
    pub fn get(&self, reason: DropReason) -> u64 {
        let mut all = DropReason::ALL.iter().zip(self.counts);
        all.find(|(other, _)| **other == reason).map_or(0, |(_, count)| count)
    }

    /// Messages dropped in all.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// The reasons there were, with their counts.
    pub fn iter(&self) -> impl Iterator<Item = (DropReason, u64)> {
        DropReason::ALL.into_iter().zip(self.counts).filter(|(_, count)| *count > 0)
    }

    pub(crate) fn count(&mut self, reason: DropReason) {
        tracing::debug!(?reason, "dropped a message");
        for (other, count) in DropReason::ALL.iter().zip(&mut self.counts) {
            *count += u64::from(*other == reason);
        }
    }
}

impl fmt::Debug for Drops {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_each_reason_apart() {
        let mut drops = Drops::default();
        for reason in DropReason::ALL {
            drops.count(reason);
            assert_eq!(drops.get(reason), 1);
        }
        drops.count(DropReason::BidDown);
        assert_eq!((drops.get(DropReason::BidDown), drops.total()), (2, 17));
        assert_eq!(format!("{:?}", Drops::default()), "{}");
    }
}
