//! Keepalives of agents that ask for no consent: RFC 8445 §11.

use std::time::Duration;

use base::Instant;
use stun::wire::TransactionId;

use super::{Agent, message};
use crate::PairId;

/// Tr, the time without data after which a binding is kept alive: RFC 8445 §11.
pub(crate) const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(15);

impl Agent {
    /// Sends an indication on the path, unless data kept it alive.
    pub(super) fn keep_alive(&mut self, now: Instant, id: PairId) {
        let Some(pair) = self.checklist.get_mut(id) else { return };
        let sent_at = pair.counters.last_sent_at.filter(|&at| at + KEEPALIVE_INTERVAL > now);
        pair.watch.next_at = Some(sent_at.unwrap_or(now) + KEEPALIVE_INTERVAL);
        if sent_at.is_none() {
            let target = pair.target();
            let transaction = TransactionId::random(&mut self.rng);
            self.outbox.push(target, |bytes| message::keepalive(bytes, transaction));
        }
    }
}
