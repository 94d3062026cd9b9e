//! Sending checks: when, which, and what happens when none is answered (RFC 8445 §6.1.4, §7.2).

use std::time::Duration;

use base::{Instant, Machine as _, SocketError};
use stun::wire::TransactionId;

use super::{
    Agent,
    message::{self, CheckFields},
    pair::Pair,
    streams::Connected,
    transaction::{
        CHECK_TIMEOUT, MAX_TRANSACTIONS, NewTransaction, PROBE_TIMEOUT, Pace, Purpose, Transaction,
        TransactionDue, check_rto,
    },
};
use crate::{
    FailReason, Nomination, Options, PairId, Role, State, Transport,
    stats::{DropReason, PairState},
};

/// How long a pair is left alone that did not answer, while its component has no path. The gaps between
/// retransmissions grow to 16 s; with this, a network that heals is noticed within 8 s.
pub(crate) const PROBE_INTERVAL: Duration = Duration::from_secs(8);

impl Agent {
    /// Begins the next transaction if the pace allows. Checks and questions to STUN servers share it
    /// (RFC 8445 §14.2), and take turns.
    pub(super) fn take_turns(&mut self, now: Instant) {
        let goes_first = self.is_gatherers_turn;
        // An answer of a server lets the gatherer ask the next one at once, before this is reached.
        self.next_check_at = self.next_check_at.max(self.gatherer.next_slot());
        if goes_first {
            self.run_gatherer(now);
        }
        let before = self.next_check_at;
        self.perform_checks(now);
        if self.next_check_at > before {
            self.is_gatherers_turn = true;
        }
        if !goes_first {
            self.run_gatherer(now);
        }
        self.gatherer.postpone(self.next_check_at);
    }

    fn run_gatherer(&mut self, now: Instant) {
        self.gatherer.postpone(self.next_check_at);
        let before = self.gatherer.next_slot();
        self.gatherer.handle_timeout(now);
        let after = self.gatherer.next_slot();
        if after > before {
            self.is_gatherers_turn = false;
        }
        self.next_check_at = self.next_check_at.max(after);
    }

    /// Sends the next check if the pace allows: RFC 8445 §6.1.4.2.
    fn perform_checks(&mut self, now: Instant) {
        if self.generation.patience_ends_at.is_some_and(|end| end <= now) {
            // RFC 8445 §6.1.4.2 (departure): who tells many candidates of one foundation would have an
            // agent check them one after the other for hours.
            self.checklist.thaw_all(self.generation.number);
        }
        if !self.may_check() || now < self.next_check_at {
            return;
        }
        let number = self.generation.number;
        while let Some(id) = self.take_next() {
            let Some(pair) = self.checklist.get(id).filter(|pair| pair.generation == number) else {
                continue;
            };
            // A check that was triggered and has been answered meanwhile is done with.
            let is_done = pair.state == PairState::Succeeded && !self.is_to_be_nominated(pair);
            if !is_done && self.start_check(now, id, Purpose::Check) {
                self.next_check_at = now + self.config.pacing;
                return;
            }
        }
        if let Some(id) = self.pair_to_probe(now)
            && self.start_check(now, id, Purpose::Probe)
        {
            self.next_check_at = now + self.config.pacing;
        }
    }

    fn take_next(&mut self) -> Option<PairId> {
        // Who failed checks nothing but what the peer asks for.
        match self.has_given_up {
            true => self.checklist.take_triggered(),
            false => self.checklist.take_next(self.generation.number),
        }
    }

    /// When the next check is to be sent.
    pub(super) fn check_deadline(&self, now: Instant) -> Option<Instant> {
        if !self.may_check() {
            return None;
        }
        let has_more = match self.has_given_up {
            true => self.checklist.has_triggered(),
            false => self.checklist.has_more(self.generation.number),
        };
        if has_more {
            return Some(self.next_check_at);
        }
        let probes = self.checklist.pairs().iter().filter_map(|pair| self.probe_at(pair, now));
        Some(probes.min()?.max(self.next_check_at))
    }

    /// Whether checks can be sent at all: both sides' credentials are known.
    fn may_check(&self) -> bool {
        self.is_full() && self.generation.remote.is_some() && self.state != State::Closed
    }

    /// The pair that has been silent for longest, if one has been for long enough.
    fn pair_to_probe(&self, now: Instant) -> Option<PairId> {
        let due = self.checklist.pairs().iter().filter_map(|pair| {
            let at = self.probe_at(pair, now).filter(|&at| at <= now)?;
            Some((at, pair.id))
        });
        due.min().map(|(_, id)| id)
    }

    /// When a pair is to be tried once more, if it is.
    fn probe_at(&self, pair: &Pair, now: Instant) -> Option<Instant> {
        let is_silent = matches!(pair.state, PairState::InProgress | PairState::Failed);
        let is_wanted = self.is_current(pair) && !pair.is_revoked && !pair.is_retired;
        let component = self.component(pair.component);
        let has_path = component.path.is_some() && !component.is_rechecking;
        let is_patient = self.generation.patience_ends_at.is_some_and(|end| now < end)
            || component.is_rechecking
            || component.lost.is_some();
        // RFC 8445 §19.5.1: as many checks as there may be pairs are enough for who does not answer.
        let lasts = !self.has_given_up && is_patient && self.checks_begun < self.config.max_pairs;
        (is_silent && is_wanted && !has_path && lasts)
            .then(|| pair.last_check_at.map(|at| at + PROBE_INTERVAL))
            .flatten()
    }

    /// Whether the next check of a pair is to nominate it.
    fn is_to_be_nominated(&self, pair: &Pair) -> bool {
        self.role == Role::Controlling && pair.pending.is_some()
    }

    /// Whether every check nominates: RFC 8445 §8.1.1 rules it out among agents that follow it.
    pub(super) fn is_aggressive(&self) -> bool {
        let is_asked_for = self.config.nomination == Nomination::Aggressive
            && !self.generation.peer_has(Options::ICE2);
        // RFC 6544 §8 rules it out where there are candidates of TCP.
        let is_asked_for = is_asked_for
            && self.checklist.pairs().iter().all(|pair| pair.transport == Transport::Udp);
        self.role == Role::Controlling
            && (is_asked_for || base::mutant::active("ice-nominates-every-pair"))
    }

    /// Sends a check. `false` if there is nothing to send it with, and the pair failed.
    pub(super) fn start_check(&mut self, now: Instant, id: PairId, purpose: Purpose) -> bool {
        match self.ensure_stream(now, id) {
            Connected::Yes => {}
            is_opening => return self.wait_for_stream(now, id, is_opening == Connected::Opening),
        }
        let Some(pair) = self.checklist.get(id) else { return false };
        let (use_candidate, nomination) = match pair.pending {
            _ if self.role == Role::Controlled
                || matches!(purpose, Purpose::Consent | Purpose::Doubt) =>
            {
                (base::mutant::active("ice-controlled-nominates"), None)
            }
            Some(pending) => (true, pending.value),
            None => (self.is_aggressive(), None),
        };
        let pace = match purpose {
            // RFC 6544 §7.1: TCP repeats by itself.
            Purpose::Check if pair.stream.is_some() => Pace::Once(CHECK_TIMEOUT),
            Purpose::Check => {
                let unfinished = self.checklist.unfinished(self.generation.number);
                Pace::Repeated(check_rto(self.config.pacing, unfinished))
            }
            Purpose::Probe => Pace::Once(PROBE_TIMEOUT),
            Purpose::Consent | Purpose::Doubt => {
                let rtt = pair.counters.current_rtt.unwrap_or_default();
                let wait = super::consent::answer_wait(rtt);
                Pace::Consent(wait, self.config.consent.expiry)
            }
        };
        if purpose == Purpose::Check {
            self.cancel_checks(id);
        }
        if purpose != Purpose::Consent {
            self.checks_begun += 1;
        }
        let sent = self.send_check(now, id, purpose, (use_candidate, nomination), pace);
        let Some(pair) = self.checklist.get_mut(id) else { return false };
        pair.last_check_at = Some(now);
        match (purpose, sent) {
            (Purpose::Check, true) if pair.state != PairState::Succeeded => {
                pair.state = PairState::InProgress;
            }
            (Purpose::Check, false) => pair.state = PairState::Failed,
            _ => {}
        }
        sent
    }

    /// The check waits for its connection, or cannot have one.
    fn wait_for_stream(&mut self, now: Instant, id: PairId, is_opening: bool) -> bool {
        if let Some(pair) = self.checklist.get_mut(id) {
            pair.last_check_at = Some(now);
            pair.state = if is_opening { PairState::InProgress } else { PairState::Failed };
        }
        is_opening
    }

    /// Builds and queues one request.
    fn send_check(
        &mut self,
        now: Instant,
        id: PairId,
        purpose: Purpose,
        (use_candidate, nomination): (bool, Option<u32>),
        pace: Pace,
    ) -> bool {
        let transaction = TransactionId::random(&mut self.rng);
        let Some(pair) = self.checklist.get(id) else { return false };
        let Some(base) = self.locals.get(pair.base) else { return false };
        let former = self.former.as_ref().map(|former| &former.generation);
        let generation = match former {
            Some(former) if former.number == pair.generation => former,
            _ => &self.generation,
        };
        let Some(remote) = &generation.remote else { return false };
        let fields = CheckFields {
            id: transaction,
            role: self.role,
            tie_breaker: self.tie_breaker,
            priority: match base::mutant::active("ice-request-priority-of-host") {
                true => base.candidate.priority,
                false => base.peer_reflexive_priority(),
            },
            use_candidate,
            nomination,
        };
        let Some(bytes) = message::check(&generation.local, remote, &fields) else { return false };
        let new = NewTransaction {
            id: transaction,
            pair: id,
            generation: pair.generation,
            purpose,
            role: self.role,
            priority: fields.priority,
            use_candidate,
            nomination,
            to: pair.target(),
            bytes,
        };
        let transaction = Transaction::begin(now, new, pace);
        self.queue(&transaction);
        self.make_room_for_transaction();
        self.transactions.push(transaction);
        if let Some(pair) = self.checklist.get_mut(id) {
            match purpose {
                Purpose::Consent => pair.counters.consent_requests_sent += 1,
                Purpose::Check | Purpose::Probe | Purpose::Doubt => {
                    pair.counters.requests_sent += 1
                }
            }
        }
        true
    }

    fn queue(&mut self, transaction: &Transaction) {
        let queued =
            self.outbox.push(transaction.to, |bytes| bytes.extend_from_slice(&transaction.bytes));
        if !queued {
            self.dropped.count(DropReason::QueueFull);
        }
    }

    /// Forgets the oldest request that nobody minds losing, if there are too many.
    fn make_room_for_transaction(&mut self) {
        if self.transactions.len() < MAX_TRANSACTIONS {
            return;
        }
        let place = self.transactions.iter().position(|transaction| transaction.is_cancelled);
        self.transactions.remove(place.unwrap_or(0));
    }

    /// Cancels the checks of a pair: RFC 8445 §7.3.1.4. Consent goes on.
    pub(super) fn cancel_checks(&mut self, id: PairId) {
        if base::mutant::active("ice-check-in-progress-goes-on") {
            return;
        }
        let checks = self.transactions.iter_mut();
        for check in checks.filter(|one| one.pair == id && one.purpose != Purpose::Consent) {
            check.cancel();
        }
    }

    /// Sends again what is due, and gives up what was waited for long enough.
    pub(super) fn expire_transactions(&mut self, now: Instant) {
        let mut over = Vec::new();
        let mut overdue = Vec::new();
        for transaction in &mut self.transactions {
            match transaction.expire(now) {
                TransactionDue::Nothing => {}
                TransactionDue::Overdue => overdue.push((transaction.pair, transaction.began_at)),
                TransactionDue::Over => over.push(transaction.id),
                TransactionDue::Resend => {
                    let Transaction { to, pair, .. } = *transaction;
                    let bytes = &transaction.bytes;
                    let queued = self.outbox.push(to, |out| out.extend_from_slice(bytes));
                    if !queued {
                        self.dropped.count(DropReason::QueueFull);
                    }
                    if let Some(pair) = self.checklist.get_mut(pair) {
                        pair.counters.retransmissions_sent += 1;
                        pair.last_check_at = Some(now);
                    }
                }
            }
        }
        for (pair, asked_at) in overdue {
            self.miss_consent(pair, asked_at);
        }
        for id in over {
            let place = self.transactions.iter().position(|transaction| transaction.id == id);
            if let Some(place) = place {
                let transaction = self.transactions.remove(place);
                self.fail_check(now, &transaction);
            }
        }
    }

    /// A check failed: RFC 8445 §7.2.5.2, §7.2.5.3.4.
    pub(super) fn fail_check(&mut self, now: Instant, transaction: &Transaction) {
        if transaction.purpose != Purpose::Check || transaction.is_cancelled {
            return;
        }
        let Some(pair) = self.checklist.get_mut(transaction.pair) else { return };
        let was_nominating = pair.pending.take().is_some() || transaction.use_candidate;
        if pair.nomination.is_done() || (pair.state == PairState::Succeeded && !was_nominating) {
            return;
        }
        let answered_at = pair.valid.map(|valid| valid.answered_at);
        if transaction.use_candidate && answered_at.is_some_and(|at| at > transaction.began_at) {
            // The peer lives and does not take the nomination: it is not asked the same again and again.
            return self.revoke(now, transaction.pair, FailReason::ChecksFailed);
        }
        // RFC 8445 §7.2.5.3.4 (departure): the check list goes on, as another pair may do.
        pair.state = PairState::Failed;
        pair.valid = None;
        self.lose_pair(now, transaction.pair, FailReason::ChecksFailed);
    }

    /// RFC 8445 §7.2.5.2.2: the network says that a check cannot arrive. What was heard before counts
    /// for more, because anybody can forge such an error.
    pub(super) fn fail_unreachable(&mut self, error: SocketError) {
        if !error.kind.is_hard() {
            return;
        }
        let hit = self.transactions.iter_mut().filter(|transaction| {
            transaction.purpose == Purpose::Check
                && !transaction.is_cancelled
                && transaction.to.stream.is_none()
                && transaction.to.local == error.local
                && transaction.to.remote == error.remote
        });
        for transaction in hit {
            let pair = self.checklist.get_mut(transaction.pair);
            if let Some(pair) = pair.filter(|pair| pair.state == PairState::InProgress) {
                pair.state = PairState::Failed;
                (pair.pending, pair.valid) = (None, None);
                transaction.cancel();
            }
        }
    }
}
