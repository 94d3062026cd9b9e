//! Whether two hosts behind one NAT reach each other by their mapped addresses: RFC 4787 §6.
//!
//! RFC 5780 leaves this test out. Two local addresses send Binding requests to each other's mapped
//! address, in turns: the first opens the filter for the answer of the other. Whichever arrives
//! settles it, and nobody answers.

use std::{net::SocketAddr, time::Duration};

use base::{Instant, Rng};

use super::Hairpinning;
use crate::{
    Message,
    wire::{Class, TransactionId},
};

/// Time between two rounds.
const INTERVAL: Duration = Duration::from_millis(500);
/// Rounds, each of one request both ways.
const ROUNDS: u8 = 3;

/// The test under way.
#[derive(Debug)]
pub(super) struct Hairpin {
    /// Local and mapped address of both sides.
    sides: [(SocketAddr, SocketAddr); 2],
    ids: [TransactionId; 2],
    rounds_left: u8,
    pub(super) deadline: Instant,
}

/// One request of the test.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shot {
    pub(super) from: SocketAddr,
    pub(super) to: SocketAddr,
    pub(super) id: TransactionId,
}

impl Hairpin {
    /// Begins at `now`; the first round is due at once.
    pub(super) fn new(sides: [(SocketAddr, SocketAddr); 2], rng: &mut Rng, now: Instant) -> Self {
        let ids = [TransactionId::random(rng), TransactionId::random(rng)];
        Self { sides, ids, rounds_left: ROUNDS, deadline: now }
    }

    /// The requests of the next round, or `None` if all rounds are over.
    pub(super) fn next_round(&mut self, now: Instant) -> Option<[Shot; 2]> {
        self.rounds_left = self.rounds_left.checked_sub(1)?;
        // The last round is given twice the time.
        self.deadline = now + if self.rounds_left == 0 { INTERVAL * 2 } else { INTERVAL };
        let [(local, mapped), (other_local, other_mapped)] = self.sides;
        let [id, other_id] = self.ids;
        Some([
            Shot { from: local, to: other_mapped, id },
            Shot { from: other_local, to: mapped, id: other_id },
        ])
    }

    /// What a message from `remote` to `local` shows, if it is one of the test's requests.
    pub(super) fn hit(
        &self,
        remote: SocketAddr,
        local: SocketAddr,
        message: &Message<'_>,
    ) -> Option<Hairpinning> {
        let [(first, _), (second, _)] = self.sides;
        let [from_first, from_second] = self.ids;
        let sender = match message.transaction_id() {
            id if id == from_first && local == second => first,
            id if id == from_second && local == first => second,
            _ => return None,
        };
        if message.class() != Class::Request {
            return None;
        }
        Some(match remote == sender {
            true => Hairpinning::InternalSource,
            false => Hairpinning::ExternalSource,
        })
    }
}
