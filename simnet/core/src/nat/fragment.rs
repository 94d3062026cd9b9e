//! Fragments on their way through: RFC 4787 §11.
//!
//! Only the first fragment holds the ports. What was decided for it is kept for the others; those that
//! overtake it wait. Both stores are bounded, and separate: whoever fills the waiting room with
//! fragments that have no first one does not hinder packets whose fragments come in order, nor whole
//! ones.

use std::{collections::VecDeque, net::IpAddr, time::Duration};

use base::Instant;

use super::hash::Map;
use crate::{middlebox::Side, packet::Packet};

/// How long a decision is kept, and a fragment waits, after the last fragment of the packet: the
/// shortest time that RFC 6146 §4 allows.
const LIFETIME: Duration = Duration::from_secs(2);

/// What the fragments of one packet have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    from: u8,
    source: IpAddr,
    destination: IpAddr,
    identification: u32,
}

/// Packets that are on their way through in pieces, and what was decided for each.
pub(crate) struct Pieces<D> {
    decided: Map<Key, (Instant, D)>,
    /// When the decisions end; those refreshed since have a later entry too.
    ends: VecDeque<(Instant, Key)>,
    waiting: VecDeque<(Instant, Key, Packet)>,
}

impl<D> Default for Pieces<D> {
    fn default() -> Self {
        Self { decided: Map::default(), ends: VecDeque::new(), waiting: VecDeque::new() }
    }
}

impl Key {
    /// The key of `packet`, which arrived on `from`; none if it is whole.
    pub(crate) fn of(from: Side, packet: &Packet) -> Option<Self> {
        let identification = packet.fragment?.identification;
        let (source, destination) = (packet.source_ip, packet.destination_ip);
        Some(Self { from: from.0, source, destination, identification })
    }
}

impl<D: Copy> Pieces<D> {
    /// Keeps what was decided for the first fragment; the oldest decision gives way when `limit` are
    /// kept already.
    pub(crate) fn decide(&mut self, key: Key, decision: D, now: Instant, limit: usize) {
        self.decided.insert(key, (now + LIFETIME, decision));
        self.ends.push_back((now + LIFETIME, key));
        while self.decided.len() > limit || self.ends.len() > limit.saturating_mul(2) {
            let Some((_, oldest)) = self.ends.pop_front() else { break };
            if !self.ends.iter().any(|(_, later)| *later == oldest) {
                self.decided.remove(&oldest);
            }
        }
    }

    /// What was decided for the first fragment.
    pub(crate) fn decision(&self, key: &Key) -> Option<D> {
        self.decided.get(key).map(|(_, decision)| *decision)
    }

    /// Lets a fragment wait for its first one; gives it back when `limit` wait already.
    pub(crate) fn hold(
        &mut self,
        key: Key,
        packet: Packet,
        now: Instant,
        limit: usize,
    ) -> Option<Packet> {
        if self.waiting.len() >= limit {
            return Some(packet);
        }
        self.waiting.push_back((now + LIFETIME, key, packet));
        None
    }

    /// The first of the fragments that waited for `key`.
    pub(crate) fn release(&mut self, key: &Key) -> Option<Packet> {
        let position = self.waiting.iter().position(|(_, waiting, _)| waiting == key)?;
        self.waiting.remove(position).map(|(_, _, packet)| packet)
    }

    /// A fragment that waited too long.
    pub(crate) fn expire(&mut self, now: Instant) -> Option<Packet> {
        while let Some((end, key)) = self.ends.front().copied()
            && end <= now
        {
            self.ends.pop_front();
            if self.decided.get(&key).is_some_and(|(end, _)| *end <= now) {
                self.decided.remove(&key);
            }
        }
        let due = self.waiting.front().is_some_and(|(deadline, ..)| *deadline <= now);
        if due { self.waiting.pop_front().map(|(_, _, packet)| packet) } else { None }
    }

    /// Forgets all decisions, and takes out the fragments that wait.
    pub(crate) fn drain(&mut self) -> impl Iterator<Item = Packet> {
        self.decided.clear();
        self.ends.clear();
        self.waiting.drain(..).map(|(_, _, packet)| packet)
    }

    /// When [`Pieces::expire`] has something to do.
    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        let decision = self.ends.front().map(|(end, _)| *end);
        let waiting = self.waiting.front().map(|(deadline, ..)| *deadline);
        super::earlier(decision, waiting)
    }
}
