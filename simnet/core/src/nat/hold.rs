//! Ports that stay unused for a while after their mapping: RFC 6888 §3, REQ-8.

use std::{collections::VecDeque, net::SocketAddr};

use base::Instant;

use super::{
    hash::Map,
    table::{Flow, Mapping},
    translate::Translator,
};
use crate::packet::Protocol;

type Key = (Protocol, SocketAddr);

/// Ports that stay unused for a while.
#[derive(Default)]
pub(super) struct HeldDown {
    /// Until when, and who may have it all the same.
    held: Map<Key, (Instant, SocketAddr)>,
    /// The same in the order of time; those held again since have a later entry too.
    order: VecDeque<(Instant, Key)>,
}

impl Translator {
    /// A mapping ended: its port rests.
    pub(super) fn hold_down(&mut self, mapping: &Mapping) {
        let time = self.config.ports.hold_down;
        if time.is_zero() || mapping.external.is_ipv6() {
            return;
        }
        let (end, key) = (self.now + time, (mapping.protocol, mapping.external));
        self.held_down.held.insert(key, (end, mapping.internal));
        self.held_down.order.push_back((end, key));
        while self.held_down.order.len() > self.config.limits.held_down {
            let Some((_, key)) = self.held_down.order.pop_front() else { break };
            self.held_down.held.remove(&key);
        }
    }

    /// Whether `external` rests, and `flow` is not of the endpoint that had it.
    pub(super) fn is_held_down(&self, external: SocketAddr, flow: &Flow) -> bool {
        if self.held_down.held.is_empty() {
            return false;
        }
        let held = self.held_down.held.get(&(flow.protocol, external));
        held.is_some_and(|(end, former)| *end > self.now && *former != flow.near)
    }

    /// Forgets those that have rested.
    pub(super) fn wake_ports(&mut self) {
        while let Some((end, key)) = self.held_down.order.front().copied()
            && end <= self.now
        {
            self.held_down.order.pop_front();
            if self.held_down.held.get(&key).is_some_and(|(end, _)| *end <= self.now) {
                self.held_down.held.remove(&key);
            }
        }
    }
}
