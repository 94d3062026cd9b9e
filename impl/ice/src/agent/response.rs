//! What the peer answers: RFC 8445 §7.2.5.

use base::Instant;
use stun::{
    Message,
    wire::{Check, Code, ErrorCode, XorMappedAddress},
};

use super::{
    Agent, message,
    pair::{Nominated, Pending, Valid, pair_priority},
    request::Via,
    transaction::{Purpose, Transaction},
};
use crate::{
    FailReason, PairId, Received, Role,
    stats::{DropReason, PairState},
};

impl Agent {
    pub(super) fn handle_response(
        &mut self,
        now: Instant,
        via: &Via,
        message: &Message<'_>,
    ) -> Received {
        let id = message.transaction_id();
        let Some(place) = self.transactions.iter().position(|one| one.id == id) else {
            let (source, destination) = (via.remote, via.local);
            if via.stream.is_none()
                && self.gatherer.handle_message(now, source, destination, message)
            {
                self.settle(now);
                return Received::Handled;
            }
            return self.drop_for(DropReason::UnknownTransaction);
        };
        if message.check_fingerprint() != Check::Passed {
            return self.drop_for(DropReason::BadFingerprint);
        }
        if !self.is_authentic(place, message) {
            return self.drop_for(DropReason::BadIntegrity);
        }
        let transaction = self.transactions.remove(place);
        let is_symmetric =
            transaction.to == via.back() || base::mutant::active("ice-asymmetric-accepted");
        let outcome = match is_symmetric {
            true => self.take_response(now, transaction, message),
            false => {
                // RFC 8445 §7.2.5.2.1: a check fails with it; consent does not take note, and its
                // answer may still come, or be missed.
                if transaction.purpose == Purpose::Check {
                    self.fail_check(now, &transaction);
                } else {
                    self.transactions.push(transaction);
                }
                self.drop_for(DropReason::NotSymmetric)
            }
        };
        self.settle(now);
        outcome
    }

    /// Whether a response is protected with the password of the request: RFC 8489 §9.1.4.
    fn is_authentic(&self, place: usize, message: &Message<'_>) -> bool {
        let Some(transaction) = self.transactions.get(place) else { return false };
        let former = self.former.as_ref().map(|former| &former.generation);
        let former = former.filter(|former| former.number == transaction.generation);
        let Some(remote) = &former.unwrap_or(&self.generation).remote else { return false };
        message.check_integrity(&remote.key) == Check::Passed
            || base::mutant::active("ice-unsigned-response-accepted")
    }

    fn take_response(
        &mut self,
        now: Instant,
        transaction: Transaction,
        message: &Message<'_>,
    ) -> Received {
        let is_revoked = self.checklist.get(transaction.pair).is_none_or(|pair| pair.is_revoked);
        if is_revoked {
            // RFC 7675 §5.1: an answer that comes after consent was lost does not bring it back.
            return self.drop_for(DropReason::UnknownTransaction);
        }
        if message.has_not_understood(|kind| message::understands(kind, true)) {
            self.fail_check(now, &transaction);
            return self.drop_for(DropReason::UnknownAttribute);
        }
        if message.class() == stun::wire::Class::Success {
            let Some(XorMappedAddress(mapped)) = message.get() else {
                self.fail_check(now, &transaction);
                return self.drop_for(DropReason::BadResponse);
            };
            self.succeed(now, &transaction, mapped);
            return Received::Handled;
        }
        let Some(ErrorCode { code, .. }) = message.get() else {
            self.fail_check(now, &transaction);
            return self.drop_for(DropReason::BadResponse);
        };
        self.take_error(now, &transaction, code);
        Received::Handled
    }

    fn take_error(&mut self, now: Instant, transaction: &Transaction, code: Code) {
        match code {
            Code::ROLE_CONFLICT => self.yield_role(transaction),
            Code::FORBIDDEN => self.revoke(now, transaction.pair, FailReason::ConsentRevoked),
            // A request for consent that is refused otherwise was not answered (RFC 7675 §5.1).
            _ if matches!(transaction.purpose, Purpose::Consent | Purpose::Doubt) => {
                self.miss_consent(transaction.pair, transaction.began_at);
            }
            _ if transaction.purpose != Purpose::Check || transaction.is_cancelled => {}
            // RFC 8445 §7.2.5.3.4: a nomination that was refused is not made again.
            _ if transaction.use_candidate => {
                self.revoke(now, transaction.pair, FailReason::ChecksFailed);
            }
            _ => self.fail_check(now, transaction),
        }
    }

    /// RFC 8445 §7.2.5.1. Of several refusals of one role only the first changes it.
    fn yield_role(&mut self, transaction: &Transaction) {
        if transaction.role == self.role && !base::mutant::active("ice-487-keeps-role") {
            self.change_role(self.role.other());
            if !base::mutant::active("ice-487-keeps-tie-breaker") {
                self.tie_breaker = self.rng.public_u64();
            }
        }
        if let Some(pair) = self.checklist.get_mut(transaction.pair) {
            if pair.state != PairState::Succeeded {
                pair.state = PairState::Waiting;
            }
            self.checklist.trigger(transaction.pair);
        }
    }

    /// RFC 8445 §7.2.5.3.
    fn succeed(&mut self, now: Instant, transaction: &Transaction, mapped: std::net::SocketAddr) {
        let id = transaction.pair;
        let role = self.role;
        let Some(pair) = self.checklist.get_mut(id) else { return };
        let Some(base) = self.locals.get(pair.base).cloned() else { return };
        let (local_kind, local_priority) =
            self.locals.discover(&base, mapped, transaction.priority);
        let moved = pair.valid.is_some_and(|valid| valid.mapped != mapped);
        let since = pair.valid.map_or(now, |valid| valid.since);
        pair.valid = Some(Valid {
            mapped,
            local_kind,
            local_priority,
            priority: pair_priority(role, local_priority, pair.remote_priority),
            since,
            answered_at: now,
        });
        pair.state = PairState::Succeeded;
        if let Some(stream) = pair.stream {
            self.tcp.validate(stream);
        }
        pair.measure(transaction.rtt(now));
        pair.watch.answered();
        let (component, generation) = (pair.component, pair.generation);
        self.cancel_other_checks(transaction);
        if !base::mutant::active("ice-foundation-stays-frozen") {
            self.checklist.unfreeze(id);
        }
        if generation != self.generation.number {
            return;
        }
        self.with_component(component, |one| {
            one.first_valid_at.get_or_insert(now);
        });
        self.update_nomination(now, transaction, moved);
    }

    /// What else is on its way for the pair is of no more interest, except a check that nominates.
    fn cancel_other_checks(&mut self, answered: &Transaction) {
        for other in &mut self.transactions {
            let nominates = other.use_candidate && !answered.use_candidate;
            if other.pair == answered.pair && other.purpose == Purpose::Check && !nominates {
                other.cancel();
            }
        }
    }

    /// RFC 8445 §7.2.5.3.4.
    fn update_nomination(&mut self, now: Instant, transaction: &Transaction, moved: bool) {
        let id = transaction.pair;
        let Some(pair) = self.checklist.get_mut(id) else { return };
        let asked = transaction.use_candidate;
        match (self.role, pair.pending) {
            // An answer to an earlier value says nothing about this one.
            (Role::Controlling, Some(pending))
                if asked && transaction.nomination == pending.value =>
            {
                self.confirm_nomination(now, id, pending.value);
            }
            (Role::Controlling, None) if asked && !pair.nomination.is_done() => {
                self.confirm_nomination(now, id, transaction.nomination);
            }
            (Role::Controlled, Some(pending)) => self.confirm_nomination(now, id, pending.value),
            (Role::Controlling, None) if moved => {
                // To the peer, the pair is another one now: a NAT on our side maps anew.
                if let Nominated::Done { value } = pair.nomination {
                    pair.pending = Some(Pending { value });
                    self.checklist.trigger(id);
                }
            }
            _ => {}
        }
        self.keep_to_nominate(id);
    }

    /// A pair whose check was answered needs no other, unless it is to be nominated.
    fn keep_to_nominate(&mut self, id: PairId) {
        let is_done = self.role == Role::Controlled;
        if self.checklist.get(id).is_some_and(|pair| is_done || pair.pending.is_none()) {
            self.checklist.cancel_triggered(id);
        }
    }
}
