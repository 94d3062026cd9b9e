//! Consent: RFC 7675.

use std::time::Duration;

use base::Instant;

use super::{Agent, pair::Pair, transaction::Purpose};
use crate::{FailReason, PairId, stats::PairState};

/// The least an answer is waited for before it counts as missing. A late one is as good.
const MIN_ANSWER_WAIT: Duration = Duration::from_secs(1);
/// The most: so that it is known to be missing before the next but one is asked for.
const MAX_ANSWER_WAIT: Duration = Duration::from_secs(3);
/// The least time to the next request, so that the deadline is ahead.
const MOMENT: Duration = Duration::from_millis(1);
/// Missing answers in a row that make a path doubtful on which nothing else came either.
const DOUBTFUL_IN_SILENCE: u8 = 2;
/// Missing answers in a row that make a path doubtful, whatever else came.
const DOUBTFUL_ANYWAY: u8 = 4;

/// How long an answer is waited for: RFC 7675 §5.1.
pub(super) fn answer_wait(rtt: Duration) -> Duration {
    (rtt * 3).clamp(MIN_ANSWER_WAIT, MAX_ANSWER_WAIT)
}

impl Agent {
    /// Asks for consent where it is due, and stops where it has expired.
    pub(super) fn keep_consent(&mut self, now: Instant) {
        for component in 1..=self.config.components {
            let Some(id) = self.component(component).path else { continue };
            if !self.is_alive(id, now) {
                self.revoke(now, id, FailReason::ConsentExpired);
                continue;
            }
            let is_due = |pair: &Pair| pair.watch.next_at.is_some_and(|at| at <= now);
            if !self.checklist.get(id).is_some_and(is_due) {
                continue;
            }
            if self.keeps_consent() {
                self.start_check(now, id, Purpose::Consent);
                let next_at = now + self.consent_interval();
                if let Some(pair) = self.checklist.get_mut(id) {
                    pair.watch.next_at = Some(next_at);
                }
            } else {
                self.keep_alive(now, id);
            }
        }
    }

    /// When consent is to be asked for next, or expires.
    pub(super) fn consent_deadline(&self) -> Option<Instant> {
        let expiry = self.consent_expiry();
        let paths = (1..=self.config.components).filter_map(|component| self.path_pair(component));
        let deadlines = paths.flat_map(|pair| [pair.watch.next_at, pair.consent_ends_at(expiry)]);
        deadlines.flatten().min().filter(|&at| at < Instant::MAX)
    }

    /// From 0.8 to 1.2 times the mean, so that agents do not fall into step: RFC 7675 §5.1.
    fn consent_interval(&mut self) -> Duration {
        let mean = self.config.consent.interval;
        if base::mutant::active("ice-consent-in-step") {
            return mean;
        }
        let spread = u64::try_from((mean * 2 / 5).as_nanos()).unwrap_or(u64::MAX);
        let least = match base::mutant::active("ice-consent-too-often") {
            true => mean * 2 / 5,
            false => mean * 4 / 5,
        };
        least + Duration::from_nanos(self.rng.public_below(spread.saturating_add(1)))
    }

    /// Begins to keep consent on a pair that data goes on from now on, and no longer on others.
    pub(super) fn watch_paths(&mut self, now: Instant) {
        let paths: Vec<PairId> = self.components.iter().filter_map(|one| one.path).collect();
        for pair in self.checklist.iter_mut().filter(|pair| !paths.contains(&pair.id)) {
            pair.watch.next_at = None;
        }
        for id in paths {
            let is_new = |pair: &Pair| pair.watch.next_at.is_none();
            if !self.checklist.get(id).is_some_and(is_new) {
                continue;
            }
            let wait = match self.keeps_consent() {
                true => self.consent_interval(),
                false => super::indicate::KEEPALIVE_INTERVAL,
            };
            if let Some(pair) = self.checklist.get_mut(id) {
                let answered_at = pair.valid.map_or(now, |valid| valid.answered_at);
                // On a pair answered long ago it is due at once, which is a moment from now: what is
                // due now was done before the path was chosen.
                pair.watch.next_at = Some((answered_at + wait).max(now + MOMENT));
            }
        }
    }

    /// An answer is missing that was asked for at `asked_at`.
    pub(super) fn miss_consent(&mut self, id: PairId, asked_at: Instant) {
        let now = self.now;
        let Some(pair) = self.checklist.get_mut(id) else { return };
        if pair.valid.is_some_and(|valid| valid.answered_at >= asked_at) {
            return;
        }
        let watch = &mut pair.watch;
        watch.unanswered = watch.unanswered.saturating_add(1);
        let first = *watch.silent_since.get_or_insert(asked_at);
        let since = watch.last_missed_at.replace(asked_at).unwrap_or(first);
        let missing = watch.unanswered;
        let is_silent = !pair.was_heard_since(since);
        if (is_silent && missing >= DOUBTFUL_IN_SILENCE) || missing >= DOUBTFUL_ANYWAY {
            pair.watch.is_doubtful = true;
        } else if is_silent && pair.fell_silent(now) {
            // Who hears a stream of data end need not wait for the next request to be missed as well.
            self.start_check(now, id, Purpose::Doubt);
        }
    }

    /// Consent on a pair is gone, and does not come back in this generation: RFC 7675 §5.1, §5.2.
    pub(super) fn revoke(&mut self, now: Instant, id: PairId, why: FailReason) {
        self.lose_pair(now, id, why);
        // RFC 7675 §5.1: requests on their way are discarded with it.
        self.transactions.retain(|transaction| transaction.pair != id);
        self.checklist.cancel_triggered(id);
        if let Some(pair) = self.checklist.get_mut(id) {
            pair.is_revoked = !base::mutant::active("ice-consent-comes-back");
            pair.valid = None;
            pair.pending = None;
            pair.state = PairState::Failed;
        }
    }
}
