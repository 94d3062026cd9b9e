//! Checks of the peer: RFC 8445 §7.3.

use std::net::SocketAddr;

use base::{Instant, StreamId};
use stun::{
    Key, Message,
    wire::{AttributeType, Check, Class, Code, Method, Username},
};

use super::{
    Agent,
    local::Base,
    message::{self, Protection, ReceivedCheck},
    outbox::Target,
    pair::{Pair, Pending, Valid},
};
use crate::{
    PairId, Received,
    stats::{DropReason, PairState},
};

/// Where a message came from and to.
#[derive(Clone, Debug)]
pub(crate) struct Via {
    pub(crate) base: Base,
    /// Our address, with the real port of an active TCP connection.
    pub(crate) local: SocketAddr,
    pub(crate) remote: SocketAddr,
    /// The TCP connection.
    pub(crate) stream: Option<StreamId>,
}

impl Via {
    pub(crate) const fn back(&self) -> Target {
        Target { local: self.local, remote: self.remote, stream: self.stream }
    }
}

/// Whose credentials a request has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Of {
    Present,
    Former,
}

impl Agent {
    /// Deals with something that looks like STUN.
    pub(super) fn handle_message(&mut self, now: Instant, via: &Via, bytes: &[u8]) -> Received {
        let Ok(message) = Message::parse(bytes) else {
            return self.drop_for(DropReason::Malformed);
        };
        match message.class() {
            Class::Success | Class::Error => self.handle_response(now, via, &message),
            _ if message.check_fingerprint() != Check::Passed => {
                self.drop_for(DropReason::BadFingerprint)
            }
            _ if message.method() != Method::BINDING => {
                self.drop_for(DropReason::UnsupportedMethod)
            }
            Class::Request => self.handle_request(now, via, &message),
            Class::Indication => {
                self.note_other(now, via);
                Received::Handled
            }
        }
    }

    /// A keepalive, which proves nothing.
    fn note_other(&mut self, now: Instant, via: &Via) {
        let (base, remote) = (via.base.id, via.remote);
        for pair in self.checklist.iter_mut() {
            if pair.base == base && pair.remote == remote {
                pair.heard.other_at = Some(now);
            }
        }
    }

    fn handle_request(&mut self, now: Instant, via: &Via, message: &Message<'_>) -> Received {
        let Some(username) = message.get::<Username<'_>>() else {
            return self.refuse(via, message, Code::BAD_REQUEST, DropReason::Unauthenticated);
        };
        if !message.has_integrity() && !message.has_integrity_sha256() {
            return self.refuse(via, message, Code::BAD_REQUEST, DropReason::Unauthenticated);
        }
        // RFC 8445 §7.3: two values, the first of which is ours.
        let Some((ours, theirs)) = username.as_str().split_once(':') else {
            return self.refuse(via, message, Code::UNAUTHENTICATED, DropReason::BadCredentials);
        };
        let Some((of, key)) = self.key_of(ours) else {
            return self.refuse(via, message, Code::UNAUTHENTICATED, DropReason::BadCredentials);
        };
        let Some(protection) = authenticate(message, &key) else {
            return self.refuse(via, message, Code::UNAUTHENTICATED, DropReason::BadCredentials);
        };
        let renominates = self.config.renomination;
        let not_understood = message.not_understood(|kind| message::understands(kind, renominates));
        if !not_understood.is_empty() {
            self.answer_error(via, message, Code::UNKNOWN_ATTRIBUTE, &not_understood, protection);
            return self.drop_for(DropReason::UnknownAttribute);
        }
        let Some(check) = ReceivedCheck::read(message) else {
            self.answer_error(via, message, Code::BAD_REQUEST, &[], protection);
            return self.drop_for(DropReason::BadCheck);
        };
        if of == Of::Present && !self.settle_roles(&check) {
            let protection = match base::mutant::active("ice-487-unsigned") {
                true => Protection::None,
                false => protection,
            };
            self.answer_error(via, message, Code::ROLE_CONFLICT, &[], protection);
            return Received::Handled;
        }
        if let Some(stream) = via.stream {
            self.tcp.validate(stream);
        }
        let (remote, id) = (via.remote, message.transaction_id());
        let answered =
            self.outbox.push(via.back(), |bytes| message::success(bytes, id, remote, protection));
        if !answered {
            self.dropped.count(DropReason::QueueFull);
        }
        match of {
            Of::Former => self.note_former(now, via),
            Of::Present => self.act_upon(now, via, theirs, &check),
        }
        self.settle(now);
        Received::Handled
    }

    /// The credentials that go with our username fragment.
    fn key_of(&self, ufrag: &str) -> Option<(Of, Key)> {
        let present = &self.generation.local;
        if present.ufrag() == ufrag || base::mutant::active("ice-any-user-accepted") {
            return Some((Of::Present, present.key.clone()));
        }
        let former = &self.former.as_ref()?.generation.local;
        (former.ufrag() == ufrag).then(|| (Of::Former, former.key.clone()))
    }

    /// Refuses a request without proof of who sent it, and forgets it: RFC 8489 §9.1.3.
    fn refuse(
        &mut self,
        via: &Via,
        message: &Message<'_>,
        code: Code,
        reason: DropReason,
    ) -> Received {
        self.answer_error(via, message, code, &[], Protection::None);
        self.drop_for(reason)
    }

    fn answer_error(
        &mut self,
        via: &Via,
        message: &Message<'_>,
        code: Code,
        not_understood: &[AttributeType],
        protection: Protection<'_>,
    ) {
        let id = message.transaction_id();
        let queued = self.outbox.push(via.back(), |bytes| {
            message::refusal(bytes, id, code, not_understood, protection);
        });
        if !queued {
            self.dropped.count(DropReason::QueueFull);
        }
    }

    /// The peer still asks for consent on a pair of the generation before.
    fn note_former(&mut self, now: Instant, via: &Via) {
        let present = self.generation.number;
        for pair in self.checklist.iter_mut() {
            let same = pair.base == via.base.id && pair.remote == via.remote;
            if same && pair.generation != present {
                pair.heard.request_at = Some(now);
                pair.counters.requests_received += 1;
                pair.counters.responses_sent += 1;
            }
        }
    }

    /// Acts upon a check of the present generation that was answered.
    fn act_upon(&mut self, now: Instant, via: &Via, theirs: &str, check: &ReceivedCheck) {
        let peer = self.generation.remote.as_ref().map(|remote| remote.ufrag() == theirs);
        match peer {
            // RFC 8445 §7.3: answered at once, and acted upon when the peer's password is known.
            None if base::mutant::active("ice-early-check-forgotten") => {}
            None if self.is_full() => {
                if !self.early.keep(via.base.id, via.remote, theirs, check) {
                    self.dropped.count(DropReason::TooManyEarlyChecks);
                }
            }
            Some(true) => self.learn_from(now, via, check),
            // Of another fork of the same offer (RFC 8445 §7.3.1.4); or a lite agent that waits.
            Some(false) | None => {}
        }
    }

    /// Acts upon the checks that came before the peer's parameters.
    pub(super) fn act_upon_early(&mut self, now: Instant) {
        let Some(remote) = &self.generation.remote else { return };
        for early in self.early.take(remote.ufrag()) {
            let Some(base) = self.locals.get(early.base).cloned() else { continue };
            let (local, remote) = (base.address, early.source);
            let stream = self.checklist_stream(&base, remote);
            let via = Via { base, local, remote, stream };
            self.learn_from(now, &via, &early.as_check());
        }
    }

    /// RFC 8445 §7.3.1.3, §7.3.1.4, §7.3.1.5.
    fn learn_from(&mut self, now: Instant, via: &Via, check: &ReceivedCheck) {
        let base = &via.base;
        let remote =
            self.remotes.discover(base.component, base.transport, via.remote, check.priority);
        let Some(remote) = remote else {
            self.dropped.count(DropReason::TooManyPairs);
            return;
        };
        let Some(id) = self.form(base, &remote, via.remote) else { return };
        if let Some(pair) = self.checklist.get_mut(id) {
            pair.heard.request_at = Some(now);
            pair.counters.requests_received += 1;
            pair.counters.responses_sent += 1;
            if via.stream.is_some() {
                (pair.local, pair.stream) = (via.local, via.stream);
            }
        }
        if self.is_full() {
            self.trigger(id);
            self.take_nomination(now, id, check);
        } else if check.use_candidate {
            self.take_nomination_as_lite(now, id);
        }
    }

    /// RFC 8445 §7.3.1.4.
    fn trigger(&mut self, id: PairId) {
        let Some(pair) = self.checklist.get(id) else { return };
        if base::mutant::active("ice-no-triggered-checks") {
            return;
        }
        if pair.state != PairState::Succeeded || pair.valid.is_none() {
            self.cancel_checks(id);
            if let Some(pair) = self.checklist.get_mut(id) {
                pair.state = PairState::Waiting;
            }
            self.checklist.trigger(id);
        }
    }

    /// RFC 8445 §7.3.1.5: at once if our own check was answered, and otherwise when it is.
    fn take_nomination(&mut self, now: Instant, id: PairId, check: &ReceivedCheck) {
        if !check.use_candidate || self.role == crate::Role::Controlling {
            return;
        }
        let Some(pair) = self.checklist.get_mut(id) else { return };
        if pair.state == PairState::Succeeded && pair.valid.is_some() {
            self.confirm_nomination(now, id, check.nomination);
        } else if !pair.nomination.is_done() && !base::mutant::active("ice-early-nomination-lost") {
            pair.pending = Some(Pending { value: check.nomination });
        }
    }

    /// RFC 8445 §7.3.2: what is nominated is valid.
    fn take_nomination_as_lite(&mut self, now: Instant, id: PairId) {
        let Some(pair) = self.checklist.get_mut(id) else { return };
        make_valid(pair, now);
        self.confirm_nomination(now, id, None);
    }

    /// Two lite agents send no checks, and use the best pair there is: RFC 8445 §8.2.
    pub(super) fn conclude_among_lite(&mut self, now: Instant) {
        if !self.peer_is_lite_too() {
            return;
        }
        for component in 1..=self.config.components {
            if self.component(component).selected.is_some() {
                continue;
            }
            for base in self.locals.bases().to_vec() {
                for remote in self.remotes.list().to_vec() {
                    let fits =
                        |address: &SocketAddr| super::checklist::can_pair(&base, &remote, *address);
                    if base.component == component
                        && let Some(address) = remote.address.filter(fits)
                    {
                        self.form(&base, &remote, address);
                    }
                }
            }
            let pairs = self.checklist.pairs().iter();
            let best = pairs.filter(|pair| pair.component == component);
            let best = best.max_by_key(|pair| pair.priority).map(|pair| pair.id);
            if let Some(pair) = best.and_then(|id| self.checklist.get_mut(id)) {
                let id = pair.id;
                make_valid(pair, now);
                self.confirm_nomination(now, id, None);
            }
        }
    }
}

/// Makes a pair valid without a check.
fn make_valid(pair: &mut Pair, now: Instant) {
    pair.state = PairState::Succeeded;
    pair.valid.get_or_insert(Valid {
        mapped: pair.local,
        local_kind: pair.base_kind,
        local_priority: pair.local_priority,
        priority: pair.priority,
        since: now,
        answered_at: now,
    });
}

/// Checks the integrity of a request, and says how the answer is to be protected: RFC 8489 §9.1.3.
fn authenticate<'a>(message: &Message<'_>, key: &'a Key) -> Option<Protection<'a>> {
    if message.has_integrity_sha256() {
        let passed = message.check_integrity_sha256(key, 32) == Check::Passed;
        return passed.then_some(Protection::Sha256(key));
    }
    let passed = message.check_integrity(key) == Check::Passed
        || base::mutant::active("ice-request-tag-not-checked");
    passed.then_some(Protection::Sha1(key))
}
