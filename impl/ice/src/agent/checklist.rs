//! The check list: which pairs there are, and which is checked next (RFC 8445 §6.1.2, §6.1.4).

use std::{collections::VecDeque, net::SocketAddr};

use super::{
    local::{Base, BaseId},
    pair::Pair,
    remote::Remote,
};
use crate::{PairId, Transport, state::Role, stats::PairState};

/// The pairs of all components, in the order in which they were formed, and the triggered checks.
#[derive(Debug, Default)]
pub(crate) struct Checklist {
    pairs: Vec<Pair>,
    triggered: VecDeque<PairId>,
    next_id: u32,
}

impl Checklist {
    pub(crate) fn pairs(&self) -> &[Pair] {
        &self.pairs
    }

    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Pair> {
        self.pairs.iter_mut()
    }

    pub(crate) fn get(&self, id: PairId) -> Option<&Pair> {
        self.pairs.iter().find(|pair| pair.id == id)
    }

    pub(crate) fn get_mut(&mut self, id: PairId) -> Option<&mut Pair> {
        self.pairs.iter_mut().find(|pair| pair.id == id)
    }

    /// The pair of a generation between a base and a remote address.
    pub(crate) fn find(&self, generation: u32, base: BaseId, remote: SocketAddr) -> Option<PairId> {
        let found = self.pairs.iter().find(|pair| {
            pair.generation == generation && pair.base == base && pair.remote == remote
        });
        found.map(|pair| pair.id)
    }

    /// Forms the pair of a base and a remote candidate at `address`, unless it is there, and says its
    /// id. When the list is full, failed pairs make room, and then those of lower priority that
    /// were not checked (RFC 8838 §10); `None` if there is no room.
    pub(crate) fn form(
        &mut self,
        generation: u32,
        base: &Base,
        remote: &Remote,
        address: SocketAddr,
        role: Role,
        max_pairs: usize,
    ) -> Option<PairId> {
        if let Some(known) = self.find(generation, base.id, address) {
            return Some(known);
        }
        let mut pair = Pair::new(PairId(self.next_id), generation, base, remote, address, role);
        let is_full =
            self.pairs.len() >= max_pairs && !base::mutant::active("ice-pair-limit-ignored");
        if is_full && !self.make_room(pair.priority) {
            return None;
        }
        pair.state = self.first_state(&pair);
        self.next_id += 1;
        let id = pair.id;
        self.pairs.push(pair);
        Some(id)
    }

    /// RFC 8838 §12: the first pair of a foundation waits, and so does one whose foundation has succeeded;
    /// any other is frozen.
    fn first_state(&self, new: &Pair) -> PairState {
        let same =
            |pair: &&Pair| pair.generation == new.generation && pair.foundation == new.foundation;
        let is_topmost = self
            .pairs
            .iter()
            .filter(same)
            .all(|pair| (new.component, pair.priority) < (pair.component, new.priority));
        let has_succeeded =
            self.pairs.iter().filter(same).any(|pair| pair.state == PairState::Succeeded);
        let never_frozen = base::mutant::active("ice-nothing-frozen");
        if is_topmost || has_succeeded || never_frozen {
            PairState::Waiting
        } else {
            PairState::Frozen
        }
    }

    fn make_room(&mut self, priority: u64) -> bool {
        let failed = self.pairs.iter().filter(|pair| {
            pair.state == PairState::Failed && pair.valid.is_none() && !pair.is_revoked
        });
        let unchecked = |pair: &&Pair| {
            matches!(pair.state, PairState::Frozen | PairState::Waiting)
                && pair.valid.is_none()
                && pair.priority < priority
        };
        let worst_failed = failed.min_by_key(|pair| pair.priority);
        let worst = || self.pairs.iter().filter(unchecked).min_by_key(|pair| pair.priority);
        let Some(victim) = worst_failed.or_else(worst).map(|pair| pair.id) else {
            return false;
        };
        self.remove(victim);
        true
    }

    /// Takes a pair away.
    pub(crate) fn remove(&mut self, id: PairId) {
        self.pairs.retain(|pair| pair.id != id);
        self.cancel_triggered(id);
    }

    /// Takes away all pairs but those for which `keep` holds.
    pub(crate) fn retain(&mut self, keep: impl FnMut(&Pair) -> bool) {
        self.pairs.retain(keep);
        let pairs = &self.pairs;
        self.triggered.retain(|id| pairs.iter().any(|pair| pair.id == *id));
    }

    /// Puts a pair at the end of the queue of triggered checks, unless it is there, and has it wait:
    /// RFC 8445 §7.3.1.4.
    pub(crate) fn trigger(&mut self, id: PairId) {
        let Some(pair) = self.get_mut(id) else { return };
        if pair.is_revoked {
            return;
        }
        pair.is_retired = false;
        if pair.state != PairState::Succeeded {
            pair.state = PairState::Waiting;
        }
        if !self.triggered.contains(&id) {
            self.triggered.push_back(id);
        }
    }

    /// Takes a pair out of the queue of triggered checks.
    pub(crate) fn cancel_triggered(&mut self, id: PairId) {
        self.triggered.retain(|other| *other != id);
    }

    /// Has every frozen pair of the same foundation wait: RFC 8445 §7.2.5.3.3.
    pub(crate) fn unfreeze(&mut self, like: PairId) {
        let Some((generation, foundation)) =
            self.get(like).map(|pair| (pair.generation, pair.foundation))
        else {
            return;
        };
        for pair in &mut self.pairs {
            let same = pair.generation == generation && pair.foundation == foundation;
            if same && pair.state == PairState::Frozen {
                pair.state = PairState::Waiting;
            }
        }
    }

    /// Whether there is something to check now.
    pub(crate) fn has_more(&self, generation: u32) -> bool {
        !self.triggered.is_empty()
            || self.pairs.iter().any(|pair| {
                pair.generation == generation
                    && !pair.is_retired
                    && !pair.is_revoked
                    && (pair.state == PairState::Waiting
                        || (pair.state == PairState::Frozen && self.may_thaw(pair)))
            })
    }

    /// Takes the next triggered check.
    pub(crate) fn take_triggered(&mut self) -> Option<PairId> {
        self.triggered.pop_front()
    }

    /// Forgets all triggered checks.
    pub(crate) fn forget_triggered(&mut self) {
        self.triggered.clear();
    }

    /// Whether a triggered check waits.
    pub(crate) fn has_triggered(&self) -> bool {
        !self.triggered.is_empty()
    }

    /// Takes the pair to be checked next: RFC 8445 §6.1.4.2.
    pub(crate) fn take_next(&mut self, generation: u32) -> Option<PairId> {
        if !base::mutant::active("ice-triggered-checks-last")
            && let Some(triggered) = self.triggered.pop_front()
        {
            return Some(triggered);
        }
        let waits = |pair: &&Pair| {
            pair.generation == generation
                && pair.state == PairState::Waiting
                && !pair.is_retired
                && !pair.is_revoked
        };
        if !self.pairs.iter().any(|pair| waits(&pair)) {
            self.thaw(generation);
        }
        let best = self.pairs.iter().filter(waits).max_by_key(|pair| {
            (pair.priority, std::cmp::Reverse(pair.component), std::cmp::Reverse(pair.id))
        });
        best.map(|pair| pair.id).or_else(|| self.triggered.pop_front())
    }

    /// Whether no pair of its foundation is being checked, nor about to be.
    fn may_thaw(&self, frozen: &Pair) -> bool {
        !self.pairs.iter().any(|pair| {
            pair.generation == frozen.generation
                && pair.foundation == frozen.foundation
                && !pair.is_retired
                && matches!(pair.state, PairState::Waiting | PairState::InProgress)
        })
    }

    /// The second step of RFC 8445 §6.1.4.2: one pair of each foundation that has none in progress.
    fn thaw(&mut self, generation: u32) {
        loop {
            let frozen = self.pairs.iter().filter(|pair| {
                pair.generation == generation
                    && pair.state == PairState::Frozen
                    && !pair.is_retired
                    && !pair.is_revoked
                    && self.may_thaw(pair)
            });
            let first = frozen
                .min_by_key(|pair| (pair.component, std::cmp::Reverse(pair.priority), pair.id));
            let Some(id) = first.map(|pair| pair.id) else { return };
            if let Some(pair) = self.get_mut(id) {
                pair.state = PairState::Waiting;
            }
        }
    }

    /// Has every frozen pair wait.
    pub(crate) fn thaw_all(&mut self, generation: u32) {
        let frozen = self.pairs.iter_mut().filter(|pair| pair.state == PairState::Frozen);
        for pair in frozen.filter(|pair| pair.generation == generation) {
            pair.state = PairState::Waiting;
        }
    }

    /// Computes all priorities anew: RFC 8445 §7.2.5.1.
    pub(crate) fn compute_priorities(&mut self, role: Role) {
        for pair in &mut self.pairs {
            pair.compute_priority(role);
        }
    }

    /// Pairs of this generation that are waiting or in progress.
    pub(crate) fn unfinished(&self, generation: u32) -> usize {
        let unfinished = self.pairs.iter().filter(|pair| {
            pair.generation == generation
                && !pair.is_retired
                && matches!(pair.state, PairState::Waiting | PairState::InProgress)
        });
        unfinished.count()
    }
}

/// Whether a base and a remote candidate can be paired: component, transport, family, and link-local
/// addresses with their like (RFC 8445 §6.1.2.2). A passive TCP candidate is not checked from
/// (RFC 6544 §6.2), so no pair is formed for it until the peer connects.
pub(crate) fn can_pair(base: &Base, remote: &Remote, address: SocketAddr) -> bool {
    let is_passive = base.transport == Transport::Tcp(crate::TcpType::Passive);
    base.component == remote.component
        && base.transport.pairs_with(remote.transport)
        && !is_passive
        && base.address.is_ipv4() == address.is_ipv4()
        && is_link_local(base.address) == is_link_local(address)
}

/// Whether it is an IPv6 link-local address.
fn is_link_local(address: SocketAddr) -> bool {
    match address {
        SocketAddr::V4(_) => false,
        SocketAddr::V6(address) => address.ip().is_unicast_link_local(),
    }
}
