//! Checks on their way: RFC 8445 §7.2, §14.3.

use std::time::Duration;

use base::Instant;
use stun::{Due, Retransmission, Timing, wire::TransactionId};

use super::outbox::Target;
use crate::{PairId, state::Role};

/// Most checks on their way, cancelled ones included. The pairs of a full check list have two each, and
/// half of them are triggered anew.
pub(crate) const MAX_TRANSACTIONS: usize = 256;
/// The least RTO there is: RFC 8445 §14.3.
pub(crate) const MIN_RTO: Duration = Duration::from_millis(500);
/// The longest a check is waited for: what the least RTO takes with seven requests (RFC 8489 §6.2.1). A
/// long check list makes the RTO longer and may not make failure come later.
pub(crate) const CHECK_TIMEOUT: Duration = Duration::from_millis(39_500);
/// How long one request that is not repeated is waited for.
pub(crate) const PROBE_TIMEOUT: Duration = Duration::from_secs(8);

/// What a request is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// To find out whether the pair works, or to nominate it.
    Check,
    /// To try a pair once more that did not answer; it says nothing if this is not answered either.
    Probe,
    /// To keep consent fresh. Sent once (RFC 7675 §5.1).
    Consent,
    /// To look again at once when an answer is missing on a path whose stream of data has ended. A check
    /// like others, but sent once and missed as soon as a request for consent.
    Doubt,
}

/// A request that may still be answered.
#[derive(Debug)]
pub(crate) struct Transaction {
    pub(crate) id: TransactionId,
    pub(crate) pair: PairId,
    pub(crate) generation: u32,
    pub(crate) purpose: Purpose,
    /// The role it claimed.
    pub(crate) role: Role,
    /// Its PRIORITY.
    pub(crate) priority: u32,
    pub(crate) use_candidate: bool,
    /// The value of renomination it carried.
    pub(crate) nomination: Option<u32>,
    pub(crate) to: Target,
    pub(crate) began_at: Instant,
    pub(crate) was_resent: bool,
    /// Whether its failure means nothing any more: RFC 8445 §7.3.1.4.
    pub(crate) is_cancelled: bool,
    /// The message, for as long as it may be sent again.
    pub(crate) bytes: Vec<u8>,
    timer: Option<Retransmission>,
    /// When an answer is overdue that is still welcome.
    pub(crate) overdue_at: Option<Instant>,
    pub(crate) ends_at: Instant,
}

/// What is due for a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TransactionDue {
    Nothing,
    Resend,
    Overdue,
    Over,
}

/// What a transaction is begun with.
#[derive(Debug)]
pub(crate) struct NewTransaction {
    pub(crate) id: TransactionId,
    pub(crate) pair: PairId,
    pub(crate) generation: u32,
    pub(crate) purpose: Purpose,
    pub(crate) role: Role,
    pub(crate) priority: u32,
    pub(crate) use_candidate: bool,
    pub(crate) nomination: Option<u32>,
    pub(crate) to: Target,
    pub(crate) bytes: Vec<u8>,
}

/// How a transaction is timed.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Pace {
    /// Repeated with this RTO.
    Repeated(Duration),
    /// Sent once, and waited for this long.
    Once(Duration),
    /// Sent once; overdue after the first time, welcome until the second.
    Consent(Duration, Duration),
}

impl Transaction {
    pub(crate) fn begin(now: Instant, new: NewTransaction, pace: Pace) -> Self {
        let (timer, overdue_at, ends_at) = match pace {
            Pace::Repeated(rto) => {
                let timer = Retransmission::start(now, rto, &Timing::default());
                (Some(timer), None, now + CHECK_TIMEOUT)
            }
            Pace::Once(wait) => (None, None, now + wait),
            Pace::Consent(wait, welcome) => (None, Some(now + wait), now + welcome),
        };
        let NewTransaction {
            id,
            pair,
            generation,
            purpose,
            role,
            priority,
            use_candidate,
            nomination,
            to,
            bytes,
        } = new;
        Self {
            id,
            pair,
            generation,
            purpose,
            role,
            priority,
            use_candidate,
            nomination,
            to,
            began_at: now,
            was_resent: false,
            is_cancelled: false,
            bytes,
            timer,
            overdue_at,
            ends_at,
        }
    }

    pub(crate) fn deadline(&self) -> Instant {
        let resend = self.timer.map(|timer| timer.deadline());
        [resend, self.overdue_at].into_iter().flatten().fold(self.ends_at, Instant::min)
    }

    /// What is due at `now`; moves on if something is.
    pub(crate) fn expire(&mut self, now: Instant) -> TransactionDue {
        if now >= self.ends_at {
            return TransactionDue::Over;
        }
        if self.overdue_at.is_some_and(|at| now >= at) {
            self.overdue_at = None;
            return TransactionDue::Overdue;
        }
        match self.timer.as_mut().map(|timer| timer.expire(now)) {
            None | Some(Due::Nothing) => TransactionDue::Nothing,
            Some(Due::Send) => {
                self.was_resent = true;
                TransactionDue::Resend
            }
            Some(Due::GiveUp) => TransactionDue::Over,
        }
    }

    /// Stops repeating it; an answer is still welcome, and nobody minds if none comes.
    pub(crate) fn cancel(&mut self) {
        self.is_cancelled = true;
        self.timer = None;
        self.bytes = Vec::new();
    }

    /// Time from the request to its answer, if it was sent only once.
    pub(crate) fn rtt(&self, now: Instant) -> Option<Duration> {
        (!self.was_resent).then(|| now.saturating_duration_since(self.began_at))
    }
}

/// The RTO of the next check: RFC 8445 §14.3 lets agents compute it in another way than its formula, which
/// takes the number of checks twice. Here every check that is due goes out once before any is repeated.
pub(crate) fn check_rto(pacing: Duration, unfinished: usize) -> Duration {
    let count = u32::try_from(unfinished).unwrap_or(u32::MAX);
    if base::mutant::active("ice-rto-too-short") {
        return MIN_RTO / 2;
    }
    pacing.saturating_mul(count).clamp(MIN_RTO, CHECK_TIMEOUT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rto_is_never_below_half_a_second_and_grows_with_the_list() {
        let ta = Duration::from_millis(50);
        assert_eq!(check_rto(ta, 0), MIN_RTO);
        assert_eq!(check_rto(ta, 10), MIN_RTO);
        assert_eq!(check_rto(ta, 100), Duration::from_secs(5));
    }
}
