//! A candidate pair, and the valid pair its check constructed.

use std::{net::SocketAddr, time::Duration};

use base::{Instant, StreamId};

use super::{
    local::{Base, BaseId},
    outbox::Target,
};
use crate::{
    Foundation, Kind, PairId, Transport,
    event::Path,
    state::Role,
    stats::{PairCounters, PairState, PairStats},
};

/// A pair of a base and a remote candidate. It carries what it needs of both, so that it outlives the
/// generation it is of while it still carries data.
#[derive(Clone, Debug)]
pub(crate) struct Pair {
    pub(crate) id: PairId,
    /// Which generation it belongs to.
    pub(crate) generation: u32,
    pub(crate) component: u8,
    pub(crate) base: BaseId,
    pub(crate) local: SocketAddr,
    pub(crate) transport: Transport,
    pub(crate) base_kind: Kind,
    pub(crate) local_priority: u32,
    pub(crate) remote: SocketAddr,
    pub(crate) remote_kind: Kind,
    pub(crate) remote_priority: u32,
    /// Of the local and of the remote candidate.
    pub(crate) foundation: (Foundation, Foundation),
    pub(crate) priority: u64,
    pub(crate) state: PairState,
    /// The valid pair, while there is one.
    pub(crate) valid: Option<Valid>,
    pub(crate) nomination: Nominated,
    pub(crate) pending: Option<Pending>,
    /// Whether it is out of the check list because its component has a nominated pair
    /// (RFC 8445 §8.1.2). It is kept in case that one dies.
    pub(crate) is_retired: bool,
    /// Whether consent was lost on it, so that nothing of this generation is sent there any more
    /// (RFC 7675 §5.1).
    pub(crate) is_revoked: bool,
    /// When a check was last sent, or sent again.
    pub(crate) last_check_at: Option<Instant>,
    pub(crate) watch: Watch,
    pub(crate) heard: Heard,
    pub(crate) counters: PairCounters,
    /// The TCP connection, if there is one.
    pub(crate) stream: Option<StreamId>,
}

/// What a check that succeeded constructed: RFC 8445 §7.2.5.3.2.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Valid {
    /// The local candidate: our address as the peer sees it, what it is, and its priority.
    pub(crate) mapped: SocketAddr,
    pub(crate) local_kind: Kind,
    pub(crate) local_priority: u32,
    /// With that local candidate.
    pub(crate) priority: u64,
    pub(crate) since: Instant,
    /// When the peer last answered: the beginning of consent.
    pub(crate) answered_at: Instant,
}

/// Whether a pair is nominated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Nominated {
    /// Not, or not yet.
    #[default]
    No,
    /// Both agree.
    Done {
        /// The value of renomination.
        value: Option<u32>,
    },
}

/// A nomination that waits for the answer to a check: one of ours that nominates, if we control; or else
/// the one that the peer's triggered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Pending {
    /// The value of renomination.
    pub(crate) value: Option<u32>,
}

/// How consent on a pair is kept: RFC 7675 §5.1.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Watch {
    /// When to ask next; `None` unless the pair carries data.
    pub(crate) next_at: Option<Instant>,
    /// Requests in a row that were not answered in time.
    pub(crate) unanswered: u8,
    /// When the first of them was sent.
    pub(crate) silent_since: Option<Instant>,
    /// When the last of them was sent.
    pub(crate) last_missed_at: Option<Instant>,
    /// Whether so much is missing that the path is taken for dead.
    pub(crate) is_doubtful: bool,
}

impl Watch {
    /// An answer came.
    pub(crate) const fn answered(&mut self) {
        *self = Self { next_at: self.next_at, ..Self::NONE };
    }

    const NONE: Self = Self {
        next_at: None,
        unanswered: 0,
        silent_since: None,
        last_missed_at: None,
        is_doubtful: false,
    };
}

/// When something authentic was last received on a pair.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Heard {
    /// A check of the peer.
    pub(crate) request_at: Option<Instant>,
    /// Application data or an indication, which prove nothing but are a sign of life.
    pub(crate) other_at: Option<Instant>,
    /// How many datagrams of data came in a row without a break.
    pub(crate) row: u8,
}

impl Heard {
    /// A break in a row of data.
    const BREAK: Duration = Duration::from_secs(1);
    /// So many in a row are a stream, which is missed when it ends.
    const STREAM: u8 = 10;
    /// A stream that pauses for so long has ended. Of ten datagrams, thirty per cent of loss take all six
    /// times in a million.
    const SILENCE: Duration = Duration::from_secs(2);

    fn data(&mut self, now: Instant) {
        let follows = self.other_at.is_some_and(|at| now < at + Self::BREAK);
        self.row = if follows { self.row.saturating_add(1) } else { 1 };
        self.other_at = Some(now);
    }

    /// Whether a stream of data has ended without a reason that could be seen from here.
    fn fell_silent(&self, now: Instant) -> bool {
        let ended = |at: Instant| at + Self::SILENCE <= now;
        self.row >= Self::STREAM && self.other_at.is_some_and(ended)
    }
}

impl Nominated {
    pub(crate) const fn is_done(self) -> bool {
        matches!(self, Self::Done { .. })
    }
}

impl Pair {
    pub(crate) fn new(
        id: PairId,
        generation: u32,
        base: &Base,
        remote: &super::remote::Remote,
        address: SocketAddr,
        role: Role,
    ) -> Self {
        let mut pair = Self {
            id,
            generation,
            component: base.component,
            base: base.id,
            local: base.address,
            transport: base.transport,
            base_kind: base.kind,
            local_priority: base.priority,
            remote: address,
            remote_kind: remote.kind,
            remote_priority: remote.priority,
            foundation: (base.foundation, remote.foundation),
            priority: 0,
            state: PairState::Frozen,
            valid: None,
            nomination: Nominated::No,
            pending: None,
            is_retired: false,
            is_revoked: false,
            last_check_at: None,
            watch: Watch::default(),
            heard: Heard::default(),
            counters: PairCounters::default(),
            stream: None,
        };
        pair.compute_priority(role);
        pair
    }

    /// Computes the priorities anew: the role or the remote candidate changed.
    pub(crate) fn compute_priority(&mut self, role: Role) {
        let remote = self.remote_priority;
        self.priority = pair_priority(role, self.local_priority, remote);
        if let Some(valid) = &mut self.valid {
            valid.priority = pair_priority(role, valid.local_priority, remote);
        }
    }

    /// The priority as a valid pair, or as an ordinary one.
    pub(crate) fn effective_priority(&self) -> u64 {
        self.valid.map_or(self.priority, |valid| valid.priority)
    }

    /// Whether datagrams between these addresses belong to it.
    pub(crate) fn is_between(&self, local: SocketAddr, remote: SocketAddr) -> bool {
        self.remote == remote && self.local == local && !self.transport.is_tcp()
    }

    /// Whether the peer has proved to be at the remote address: RFC 8445 §7.3, §7.2.5.3.
    pub(crate) const fn is_validated(&self) -> bool {
        self.valid.is_some() || self.heard.request_at.is_some()
    }

    /// Until when data may be sent: RFC 7675 §5.1.
    pub(crate) fn consent_ends_at(&self, expiry: Duration) -> Option<Instant> {
        let valid = self.valid.filter(|_| !self.is_revoked)?;
        let heard =
            self.heard.request_at.filter(|_| base::mutant::active("ice-requests-renew-consent"));
        Some(heard.map_or(valid.answered_at, |at| at.max(valid.answered_at)) + expiry)
    }

    /// Whether data may be sent on it at `now`.
    pub(crate) fn has_consent(&self, now: Instant, expiry: Duration) -> bool {
        self.consent_ends_at(expiry).is_some_and(|end| now < end)
    }

    /// Whether anything at all was received since `since`.
    pub(crate) fn was_heard_since(&self, since: Instant) -> bool {
        let Heard { request_at, other_at, .. } = self.heard;
        let answered = self.valid.map(|valid| valid.answered_at);
        [request_at, other_at, answered].into_iter().flatten().any(|at| at > since)
    }

    /// Whether the peer sent data all the time, and then nothing at all any more.
    pub(crate) fn fell_silent(&self, now: Instant) -> bool {
        let Heard { request_at, .. } = self.heard;
        let asked = request_at.is_some_and(|at| now < at + Heard::SILENCE);
        self.heard.fell_silent(now) && !asked
    }

    /// Where its packets go.
    pub(crate) const fn target(&self) -> Target {
        Target { local: self.local, remote: self.remote, stream: self.stream }
    }

    /// Counts application data that was received.
    pub(crate) fn took_data(&mut self, now: Instant, length: usize) {
        self.heard.data(now);
        self.counters.packets_received += 1;
        self.counters.bytes_received += u64::try_from(length).unwrap_or(0);
        self.counters.last_received_at = Some(now);
    }

    /// The agent gave up: nothing of it is checked any more, unless the peer asks for it.
    pub(crate) fn give_up(&mut self) {
        self.state = PairState::Failed;
        self.valid = None;
        self.pending = None;
    }

    /// Takes the outcome of a request whose answer came after `rtt`.
    pub(crate) fn measure(&mut self, rtt: Option<Duration>) {
        self.counters.responses_received += 1;
        if let Some(rtt) = rtt {
            self.counters.current_rtt = Some(rtt);
            self.counters.total_rtt += rtt;
        }
    }

    pub(crate) fn path(&self) -> Path {
        Path {
            pair: self.id,
            local: self.local,
            remote: self.remote,
            transport: self.transport,
            local_kind: self.valid.map_or(self.base_kind, |valid| valid.local_kind),
            remote_kind: self.remote_kind,
            priority: self.effective_priority(),
            nominated: self.nomination.is_done(),
            rtt: self.counters.current_rtt,
        }
    }

    pub(crate) fn stats(&self, selected: bool) -> PairStats {
        PairStats {
            pair: self.id,
            component: self.component,
            local: self.local,
            remote: self.remote,
            mapped: self.valid.map(|valid| valid.mapped),
            priority: self.effective_priority(),
            state: self.state,
            nominated: self.nomination.is_done(),
            selected,
            counters: self.counters,
        }
    }
}

/// RFC 8445 §6.1.2.3.
pub(crate) fn pair_priority(role: Role, local: u32, remote: u32) -> u64 {
    let (controlling, controlled) = match role {
        Role::Controlling => (u64::from(local), u64::from(remote)),
        Role::Controlled => (u64::from(remote), u64::from(local)),
    };
    let tie = u64::from(controlling > controlled);
    (controlling.min(controlled) << 32) + 2 * controlling.max(controlled) + tie
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_sides_compute_the_same_priority() {
        for (one, other) in [(2_130_706_431, 1_694_498_815), (1, 1), (7, u32::MAX)] {
            let here = pair_priority(Role::Controlling, one, other);
            let there = pair_priority(Role::Controlled, other, one);
            assert_eq!(here, there);
        }
        assert_eq!(pair_priority(Role::Controlling, 5, 3), (3 << 32) + 10 + 1);
        assert_eq!(pair_priority(Role::Controlled, 5, 3), (3 << 32) + 10);
    }
}
