//! All allocations, found by name, by client and by relayed address.

use std::{collections::BTreeMap, net::SocketAddr};

use super::allocation::{Allocation, AllocationId, Path, Relay, Side};

/// All allocations.
#[derive(Debug, Default)]
pub(super) struct Table {
    slots: Vec<Option<(u64, Allocation)>>,
    vacant: Vec<usize>,
    by_path: BTreeMap<Path, AllocationId>,
    by_relay: BTreeMap<SocketAddr, AllocationId>,
    next_number: u64,
}

impl Table {
    pub(super) const fn len(&self) -> usize {
        self.slots.len() - self.vacant.len()
    }

    pub(super) fn insert(&mut self, allocation: Allocation) -> AllocationId {
        let slot = self.vacant.pop().unwrap_or(self.slots.len());
        let id = AllocationId { slot, number: self.next_number };
        self.next_number += 1;
        self.by_path.insert(allocation.path, id);
        match self.slots.get_mut(slot) {
            Some(place) => *place = Some((id.number, allocation)),
            None => self.slots.push(Some((id.number, allocation))),
        }
        id
    }

    pub(super) fn get(&self, id: AllocationId) -> Option<&Allocation> {
        match self.slots.get(id.slot) {
            Some(Some((number, allocation))) if *number == id.number => Some(allocation),
            _ => None,
        }
    }

    pub(super) fn get_mut(&mut self, id: AllocationId) -> Option<&mut Allocation> {
        match self.slots.get_mut(id.slot) {
            Some(Some((number, allocation))) if *number == id.number => Some(allocation),
            _ => None,
        }
    }

    pub(super) fn of_path(&self, path: &Path) -> Option<AllocationId> {
        self.by_path.get(path).copied()
    }

    pub(super) fn of_relay(&self, bound: &SocketAddr) -> Option<AllocationId> {
        self.by_relay.get(bound).copied()
    }

    /// Gives an allocation an address.
    pub(super) fn add_relay(&mut self, id: AllocationId, side: Side, relay: Relay) {
        if let Some(allocation) = self.get_mut(id) {
            *allocation.relay_mut(side) = Some(relay);
            self.by_relay.insert(relay.bound, id);
        }
    }

    /// Takes an address from an allocation.
    pub(super) fn remove_side(&mut self, id: AllocationId, side: Side) -> Option<Relay> {
        let relay = self.get_mut(id)?.remove_side(side)?;
        self.by_relay.remove(&relay.bound);
        Some(relay)
    }

    pub(super) fn remove(&mut self, id: AllocationId) -> Option<Allocation> {
        self.get(id)?;
        let (_, allocation) = self.slots.get_mut(id.slot)?.take()?;
        self.vacant.push(id.slot);
        self.by_path.remove(&allocation.path);
        for relay in allocation.relays() {
            self.by_relay.remove(&relay.bound);
        }
        Some(allocation)
    }

    /// The names of all, in the order of their places.
    pub(super) fn ids(&self) -> Vec<AllocationId> {
        let id = |(slot, place): (usize, &Option<(u64, Allocation)>)| {
            place.as_ref().map(|(number, _)| AllocationId { slot, number: *number })
        };
        self.slots.iter().enumerate().filter_map(id).collect()
    }
}
