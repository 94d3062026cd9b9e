//! Connectivity checks: which pairs of addresses work.

use std::{net::SocketAddr, time::Duration};

use base::Instant;
use simnet::{Cx, RecvMeta};
use stun::{
    Builder, Message, Request, Timing,
    wire::{Class, Method, Priority, UseCandidate, Username, XorMappedAddress},
};

use super::{
    Candidate, Kind,
    agent::{Agent, Purpose, Selected},
    candidate::pair_priority,
};

/// A base and an address of the other peer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pair {
    pub(super) base: usize,
    pub(super) remote: usize,
    pub(super) priority: u64,
    pub(super) state: State,
    /// Whether the deciding peer asked to use it.
    pub(super) nominated: bool,
}

/// How far a pair is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// It was not checked yet.
    Waiting,
    /// A check is under way.
    InProgress,
    /// It works; the other sees this candidate.
    Succeeded(Candidate),
    /// No answer came.
    Failed,
}

/// Transmissions of a check, and the part of RTO after the last one: RFC 8489 §6.2.1.
const CHECK: Timing = Timing { rc: 7, rm: 16, rto: Duration::ZERO, ti: Duration::ZERO };

impl Agent {
    /// The other peer may be reached there.
    pub(super) fn learn(&mut self, now: Instant, candidate: Candidate) {
        match self.remotes.iter_mut().find(|known| known.address == candidate.address) {
            Some(known) => {
                // What was first met as peer-reflexive turns out to be one of the others.
                *known = candidate;
                if let Some(selected) = &mut self.selected
                    && selected.remote.address == candidate.address
                {
                    selected.remote = candidate;
                }
            }
            None => {
                self.remotes.push(candidate);
                self.pair_up(now);
            }
        }
    }

    /// Makes pairs of what is new.
    fn pair_up(&mut self, now: Instant) {
        for (remote, candidate) in self.remotes.iter().enumerate() {
            for (base, local) in self.bases.iter().enumerate() {
                let fits = local.local.is_ipv4() == candidate.address.is_ipv4();
                if !fits || self.pairs.iter().any(|pair| pair.base == base && pair.remote == remote)
                {
                    continue;
                }
                let own = Candidate::new(Kind::Host, local.local, base).priority;
                let priority = if self.known.controlling {
                    pair_priority(own, candidate.priority)
                } else {
                    pair_priority(candidate.priority, own)
                };
                let state = State::Waiting;
                self.pairs.push(Pair { base, remote, priority, state, nominated: false });
            }
        }
        if self.next_check.is_none() && self.selected.is_none() {
            self.next_check = Some(now);
        }
    }

    /// Checks the next pair: one that the other has just checked, else the best that waits.
    pub(super) fn check_next(&mut self, now: Instant) {
        self.next_check = None;
        if self.selected.is_some() {
            return;
        }
        let next = if self.triggered.is_empty() {
            let waiting = self.pairs.iter().enumerate();
            let waiting = waiting.filter(|(_, pair)| pair.state == State::Waiting);
            waiting.max_by_key(|(_, pair)| pair.priority).map(|(index, _)| index)
        } else {
            Some(self.triggered.remove(0))
        };
        if let Some(index) = next {
            self.check(now, index, false);
            self.next_check = Some(now + self.role.pace);
        }
    }

    fn check(&mut self, now: Instant, index: usize, nominates: bool) {
        let Some(pair) = self.pairs.get_mut(index) else { return };
        if !nominates {
            pair.state = State::InProgress;
        }
        let (base, remote) = (pair.base, pair.remote);
        let remote = self.remotes.get(remote).map(|remote| remote.address);
        if let Some(remote) = remote {
            let timing = Timing { rto: self.role.rto, ..CHECK };
            let purpose = Purpose::Check { pair: index, nominates };
            self.ask(now, base, remote, timing, purpose);
        }
    }

    /// Sends a Binding request that names both peers.
    fn ask(&mut self, now: Instant, base: usize, to: SocketAddr, timing: Timing, why: Purpose) {
        let (Some(base), Some(client)) = (self.bases.get(base), &mut self.client) else { return };
        let other = self.known.other.as_deref().unwrap_or_default();
        let username = format!("{other}:{}", self.name);
        let candidate = Candidate::new(Kind::PeerReflexive, base.local, 0);
        // A name is as long as a host's name may be; one that is too long is not understood by anybody.
        let Ok(username) = Username::new(&username) else { return };
        let mut request = Request::binding(to)
            .from_source(base.local)
            .timed(timing)
            .with(&username)
            .with(&Priority(candidate.priority));
        if let Purpose::Check { nominates: true, .. } = why {
            request = request.with(&UseCandidate);
        }
        if let Ok(request) = client.request(now, request) {
            self.requests.insert(request, why);
            self.history.checks += 1;
        }
    }

    pub(super) fn ask_consent(&mut self, now: Instant, base: usize, to: SocketAddr) {
        // RFC 7675 §5.1: each request is sent once.
        let timing = Timing { rc: 1, rto: self.role.rto, ..CHECK };
        self.ask(now, base, to, timing, Purpose::Consent);
    }

    /// Answers a check of the other peer, and learns from it; says whether it was one.
    pub(super) fn answer(
        &mut self,
        cx: &mut Cx<'_>,
        base: usize,
        meta: &RecvMeta,
        payload: &[u8],
    ) -> bool {
        let Ok(message) = Message::parse(payload) else { return false };
        if message.class() != Class::Request || message.method() != Method::BINDING {
            return false;
        }
        let other = self.known.other.as_deref().unwrap_or_default();
        let expected = format!("{}:{other}", self.name);
        // Private addresses repeat, so a check may reach a stranger: RFC 8445 §7.3 keeps them apart.
        if message.get::<Username<'_>>().is_none_or(|username| username.as_str() != expected) {
            return true;
        }
        let mut response = Vec::new();
        let id = message.transaction_id();
        let built = Builder::new(&mut response, Method::BINDING, Class::Success, id)
            .put(&XorMappedAddress(meta.source))
            .finish();
        if let (Ok(_), Some(base)) = (built, self.bases.get(base)) {
            cx.send(base.socket, meta.source, &response);
        }
        self.history.answered += 1;
        let priority = message.get::<Priority>().map_or(0, |priority| priority.0);
        self.checked(
            cx.now(),
            base,
            meta.source,
            priority,
            message.get::<UseCandidate>().is_some(),
        );
        true
    }

    /// The other peer checked this pair.
    fn checked(
        &mut self,
        now: Instant,
        base: usize,
        from: SocketAddr,
        priority: u32,
        nominates: bool,
    ) {
        if self.remotes.iter().all(|known| known.address != from) {
            // RFC 8445 §7.3.1.3.
            self.learn(now, Candidate { kind: Kind::PeerReflexive, address: from, priority });
        }
        let of_remote = |pair: &Pair| {
            let remote = self.remotes.get(pair.remote);
            pair.base == base && remote.is_some_and(|remote| remote.address == from)
        };
        let Some(index) = self.pairs.iter().position(of_remote) else { return };
        let Some(pair) = self.pairs.get_mut(index) else { return };
        pair.nominated |= nominates && !self.known.controlling;
        match pair.state {
            State::Succeeded(local) => {
                if pair.nominated {
                    self.select(now, index, local);
                }
            }
            // RFC 8445 §7.3.1.4: a check in answer, at once and again if one is under way.
            State::Waiting | State::InProgress | State::Failed => {
                if !self.triggered.contains(&index) {
                    self.triggered.push(index);
                }
                if self.next_check.is_none() {
                    self.next_check = Some(now);
                }
            }
        }
    }

    pub(super) fn check_succeeded(
        &mut self,
        now: Instant,
        index: usize,
        mapped: SocketAddr,
        nominates: bool,
    ) {
        let Some(base) = self.pairs.get(index).map(|pair| pair.base) else { return };
        let known = self.locals.iter().find(|candidate| candidate.address == mapped);
        let own = self.bases.get(base).is_some_and(|base| base.local == mapped);
        // RFC 8445 §7.2.5.3.1: an address that nobody knew is a new candidate.
        let kind = if own { Kind::Host } else { Kind::PeerReflexive };
        let local = known.copied().unwrap_or_else(|| Candidate::new(kind, mapped, base));
        let Some(pair) = self.pairs.get_mut(index) else { return };
        pair.state = State::Succeeded(local);
        self.heard(now);
        if self.pairs.get(index).is_some_and(|pair| pair.nominated) || nominates {
            self.select(now, index, local);
        } else if self.known.controlling && self.selected.is_none() && self.nominate_at.is_none() {
            self.nominate_at = Some(now + self.role.settle);
        }
    }

    pub(super) fn check_failed(&mut self, now: Instant, index: usize, nominates: bool) {
        if let Some(pair) = self.pairs.get_mut(index)
            && (nominates || pair.state == State::InProgress)
        {
            pair.state = State::Failed;
        }
        if nominates && self.selected.is_none() {
            self.nominate(now);
        }
    }

    /// Asks the other peer to use the best pair that works.
    pub(super) fn nominate(&mut self, now: Instant) {
        self.nominate_at = None;
        let working = self.pairs.iter().enumerate();
        let working = working.filter(|(_, pair)| matches!(pair.state, State::Succeeded(_)));
        let best = working.max_by_key(|(_, pair)| pair.priority).map(|(index, _)| index);
        if let Some(index) = best.filter(|_| self.selected.is_none()) {
            self.check(now, index, true);
        }
    }

    fn select(&mut self, now: Instant, index: usize, local: Candidate) {
        let Some(pair) = self.pairs.get(index) else { return };
        let Some(&remote) = self.remotes.get(pair.remote) else { return };
        let same = |selected: &Selected| {
            selected.remote.address == remote.address && selected.base == pair.base
        };
        if self.selected.as_ref().is_some_and(same) {
            return;
        }
        self.history.connections.push((now, local, remote));
        self.triggered.clear();
        self.next_check = None;
        self.nominate_at = None;
        self.selected = Some(Selected {
            base: pair.base,
            remote,
            heard: now,
            next_consent: now + self.role.keepalive,
            next_data: (!self.role.data.is_zero()).then_some(now),
        });
    }
}
