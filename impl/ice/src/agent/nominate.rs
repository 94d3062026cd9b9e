//! Nomination: RFC 8445 §8.1.

use std::time::Duration;

use base::Instant;

use super::{
    Agent,
    message::MAX_NOMINATION,
    pair::{Nominated, Pair, Pending},
    pairing::is_relayed,
};
use crate::{Kind, Options, PairId, Role, stats::PairState};

/// The least a controlling agent waits for a better pair that is still being checked.
pub const MIN_NOMINATION_WAIT: Duration = Duration::from_millis(100);
/// The most it waits for a better pair that is still being checked.
pub const MAX_NOMINATION_WAIT: Duration = Duration::from_secs(1);
/// How long it waits for a better pair than one through a relay, while one may still come.
pub const RELAY_NOMINATION_WAIT: Duration = Duration::from_secs(2);
/// After this, a peer that nominates again means it: before, the nominations may be those of an agent that
/// nominates every pair (RFC 8445 §8.3.1).
pub(crate) const SETTLING_TIME: Duration = Duration::from_secs(3);

impl Agent {
    /// Nominates what is to be nominated now: RFC 8445 §8.1.1.
    pub(super) fn nominate(&mut self, now: Instant) {
        if self.role != Role::Controlling || !self.is_full() || self.generation.remote.is_none() {
            return;
        }
        for component in 1..=self.config.components {
            if let Some(id) = self.pair_to_nominate(component, now) {
                let value = self.next_nomination_value();
                if let Some(pair) = self.checklist.get_mut(id) {
                    pair.pending = Some(Pending { value });
                }
                self.checklist.trigger(id);
            }
        }
    }

    /// The pair to nominate now, if there is one.
    fn pair_to_nominate(&self, component: u8, now: Instant) -> Option<PairId> {
        if self.has_pending(component) || self.has_given_up {
            return None;
        }
        let one = self.component(component);
        let best = self.best_valid(component, now)?;
        if let Some(selected) = one.selected {
            let is_better = self.checklist.get(selected).is_none_or(|pair| {
                best.id != selected && best.effective_priority() > pair.effective_priority()
            });
            let path_is_better = one.path == Some(best.id) && best.id != selected;
            let may = self.generation.renominates() && (is_better || path_is_better);
            return may.then_some(best.id);
        }
        let wait = self.nomination_wait(best)?;
        let is_due = one.first_valid_at.is_some_and(|first| first + wait <= now);
        is_due.then_some(best.id)
    }

    /// The best valid pair of a component in this generation.
    pub(super) fn best_valid(&self, component: u8, now: Instant) -> Option<&Pair> {
        let expiry = self.consent_expiry();
        let valid = self.checklist.pairs().iter().filter(|pair| {
            pair.component == component
                && self.is_current(pair)
                && pair.has_consent(now, expiry)
                && !pair.watch.is_doubtful
                // What is being checked anew may be as dead as the path that made it doubtful.
                && pair.state == PairState::Succeeded
        });
        valid.max_by_key(|pair| (pair.effective_priority(), std::cmp::Reverse(pair.id)))
    }

    fn has_pending(&self, component: u8) -> bool {
        self.checklist.pairs().iter().any(|pair| {
            pair.component == component && self.is_current(pair) && pair.pending.is_some()
        })
    }

    /// How long to wait after the first valid pair before this one is nominated: not at all when nothing
    /// better can be expected.
    fn nomination_wait(&self, best: &Pair) -> Option<Duration> {
        let path = best.path();
        let through_relay = is_relayed(path.local_kind) || is_relayed(path.remote_kind);
        let is_better = |pair: &Pair| {
            pair.component == best.component
                && self.is_current(pair)
                && !pair.is_retired
                && !pair.is_revoked
                && pair.priority > best.effective_priority()
                && !leads_there_too(pair, best)
                && matches!(
                    pair.state,
                    PairState::Frozen | PairState::Waiting | PairState::InProgress
                )
        };
        let has_better = self.checklist.pairs().iter().any(is_better);
        let wait = match (through_relay, has_better) {
            (true, true) => RELAY_NOMINATION_WAIT,
            (true, false) if self.expects_candidates() => RELAY_NOMINATION_WAIT,
            (false, true) => {
                let round_trips = best.counters.current_rtt.unwrap_or_default() * 4;
                round_trips.clamp(MIN_NOMINATION_WAIT, MAX_NOMINATION_WAIT)
            }
            (_, false) => Duration::ZERO,
        };
        Some(wait)
    }

    /// When the wait for a better pair ends.
    pub(super) fn nomination_deadline(&self) -> Option<Instant> {
        if self.role != Role::Controlling || !self.is_full() {
            return None;
        }
        let waits = (1..=self.config.components).filter_map(|component| {
            let one = self.component(component);
            if one.selected.is_some() || self.has_pending(component) {
                return None;
            }
            let best = self.best_valid(component, self.now)?;
            Some(one.first_valid_at? + self.nomination_wait(best)?)
        });
        waits.min()
    }

    /// The next value of renomination, if the peer knows it.
    fn next_nomination_value(&mut self) -> Option<u32> {
        if !self.generation.renominates() {
            return None;
        }
        self.nomination_value = self.nomination_value.saturating_add(1).min(MAX_NOMINATION);
        Some(self.nomination_value)
    }

    /// Both sides agree on a pair: RFC 8445 §7.2.5.3.4, §7.3.1.5.
    pub(super) fn confirm_nomination(&mut self, now: Instant, id: PairId, value: Option<u32>) {
        let Some(pair) = self.checklist.get_mut(id) else { return };
        pair.pending = None;
        pair.nomination = Nominated::Done { value };
        let component = pair.component;
        self.checklist.cancel_triggered(id);
        if self.prevails(now, component, id, value) {
            self.with_component(component, |one| {
                one.selected = Some(id);
                one.first_nominated_at.get_or_insert(now);
            });
        }
        self.retire_others(component);
    }

    /// Whether a nominated pair takes the place of the one that was nominated before.
    fn prevails(&self, now: Instant, component: u8, id: PairId, value: Option<u32>) -> bool {
        let one = self.component(component);
        let selected = one.selected.and_then(|selected| self.checklist.get(selected));
        let (Some(selected), Some(new)) = (selected, self.checklist.get(id)) else { return true };
        if selected.id == id || selected.watch.is_doubtful || !self.is_alive(selected.id, now) {
            return true;
        }
        if let (Some(value), Nominated::Done { value: Some(before) }) = (value, selected.nomination)
        {
            return value > before;
        }
        let has_settled = one.first_nominated_at.is_some_and(|first| first + SETTLING_TIME <= now);
        // RFC 8445 §8.1.1: of several, the one of the highest priority; but who follows that text nominates
        // one alone, and a second only because the first is lost.
        let means_it = self.role == Role::Controlled && self.generation.peer_has(Options::ICE2);
        (has_settled && means_it) || new.effective_priority() > selected.effective_priority()
    }

    /// Takes what need not be checked any more out of the check list: RFC 8445 §8.1.2. Where nominations
    /// go on, better pairs stay.
    fn retire_others(&mut self, component: u8) {
        if base::mutant::active("ice-checks-after-nomination") {
            return;
        }
        let Some(selected) = self.component(component).selected else { return };
        let Some(best) = self.checklist.get(selected).map(Pair::effective_priority) else { return };
        let number = self.generation.number;
        let goes_on = self.is_aggressive()
            || self.generation.renominates()
            || (self.role == Role::Controlled && !self.generation.peer_has(Options::ICE2));
        let mut retired = Vec::new();
        for pair in self.checklist.iter_mut() {
            let is_other = pair.id != selected && pair.component == component;
            let may_win = goes_on && pair.priority > best;
            if is_other && pair.generation == number && !may_win {
                pair.is_retired = true;
                retired.push(pair.id);
            }
        }
        for id in retired {
            self.checklist.cancel_triggered(id);
            self.cancel_checks(id);
            if !goes_on {
                self.close_stream(id);
            }
            if let Some(pair) = self.checklist.get_mut(id) {
                pair.pending = None;
                if pair.state == PairState::InProgress {
                    pair.state = PairState::Waiting;
                }
            }
        }
    }
}

/// Whether both pairs lead to the same NAT by the same way, through one of its ports or another: waiting
/// for the one gains nothing over the other.
fn leads_there_too(pair: &Pair, best: &Pair) -> bool {
    let is_reflexive = |kind| matches!(kind, Kind::ServerReflexive | Kind::PeerReflexive);
    pair.base == best.base
        && pair.remote.ip() == best.remote.ip()
        && is_reflexive(pair.remote_kind)
        && is_reflexive(best.remote_kind)
}
