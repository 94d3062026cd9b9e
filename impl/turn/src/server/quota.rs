//! How much each owner of allocations has.

use std::{collections::BTreeMap, sync::Arc};

use base::Instant;

use super::config::Bandwidth;

/// Owners without an allocation that are remembered because they have used up bandwidth: so that
/// making an allocation anew does not fill the bucket. When there are more, all of them are forgotten.
pub const MAX_IDLE_OWNERS: usize = 4_096;

/// Names an owner while it has an allocation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct OwnerId(usize);

/// Everybody who has an allocation or had one lately.
#[derive(Debug)]
pub(super) struct Owners {
    owners: Vec<Option<Owner>>,
    by_name: BTreeMap<Arc<str>, usize>,
    vacant: Vec<usize>,
    idle: usize,
    bandwidth: Option<Bandwidth>,
}

#[derive(Debug)]
struct Owner {
    name: Arc<str>,
    /// Allocations and reservations.
    count: usize,
    bucket: Bucket,
}

impl Owners {
    pub(super) const fn new(bandwidth: Option<Bandwidth>) -> Self {
        Self {
            owners: Vec::new(),
            by_name: BTreeMap::new(),
            vacant: Vec::new(),
            idle: 0,
            bandwidth,
        }
    }

    /// Allocations and reservations of `name`.
    pub(super) fn count(&self, name: &str) -> usize {
        let slot = self.by_name.get(name).and_then(|slot| self.owners.get(*slot));
        slot.and_then(Option::as_ref).map_or(0, |owner| owner.count)
    }

    /// One more for `name`.
    pub(super) fn add(&mut self, now: Instant, name: &Arc<str>) -> OwnerId {
        if let Some(slot) = self.by_name.get(name) {
            let id = OwnerId(*slot);
            if let Some(owner) = self.get_mut(id) {
                owner.count += 1;
                self.idle -= usize::from(owner_was_idle(owner));
            }
            return id;
        }
        self.forget_idle();
        let bucket = Bucket::new(now, self.bandwidth);
        let owner = Owner { name: Arc::clone(name), count: 1, bucket };
        let slot = self.vacant.pop().unwrap_or(self.owners.len());
        match self.owners.get_mut(slot) {
            Some(place) => *place = Some(owner),
            None => self.owners.push(Some(owner)),
        }
        self.by_name.insert(Arc::clone(name), slot);
        OwnerId(slot)
    }

    /// One less.
    pub(super) fn remove(&mut self, now: Instant, id: OwnerId) {
        let bandwidth = self.bandwidth;
        let Some(owner) = self.get_mut(id) else { return };
        owner.count = owner.count.saturating_sub(1);
        if owner.count > 0 {
            return;
        }
        if owner.bucket.is_full(now, bandwidth) {
            self.forget(id.0);
        } else {
            self.idle += 1;
        }
    }

    /// Whether the owner may have `bytes` relayed; takes them from its bucket.
    pub(super) fn admits(&mut self, now: Instant, id: OwnerId, bytes: usize) -> bool {
        let Some(bandwidth) = self.bandwidth else { return true };
        self.get_mut(id).is_some_and(|owner| owner.bucket.admits(now, bandwidth, bytes))
    }

    fn get_mut(&mut self, id: OwnerId) -> Option<&mut Owner> {
        self.owners.get_mut(id.0).and_then(Option::as_mut)
    }

    fn forget(&mut self, slot: usize) {
        if let Some(owner) = self.owners.get_mut(slot).and_then(Option::take) {
            self.by_name.remove(&owner.name);
            self.vacant.push(slot);
        }
    }

    fn forget_idle(&mut self) {
        if self.idle <= MAX_IDLE_OWNERS {
            return;
        }
        let is_idle = |owner: &Option<Owner>| owner.as_ref().is_some_and(|owner| owner.count == 0);
        let idle: Vec<_> =
            (0..).zip(&self.owners).filter(|(_, it)| is_idle(it)).map(|(slot, _)| slot).collect();
        idle.into_iter().for_each(|slot| self.forget(slot));
        self.idle = 0;
    }
}

/// Whether the owner had nothing before the count was raised.
const fn owner_was_idle(owner: &Owner) -> bool {
    owner.count == 1
}

/// A bucket of tokens, each a byte, kept as nanobytes so that nothing is lost to rounding.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bucket {
    tokens: u128,
    at: Instant,
}

/// Parts of a byte.
const BYTE: u128 = 1_000_000_000;

impl Bucket {
    pub(super) fn new(now: Instant, bandwidth: Option<Bandwidth>) -> Self {
        Self { tokens: bandwidth.map_or(0, |it| u128::from(it.burst) * BYTE), at: now }
    }

    /// Whether `bytes` may pass; takes them.
    pub(super) fn admits(&mut self, now: Instant, bandwidth: Bandwidth, bytes: usize) -> bool {
        self.fill(now, bandwidth);
        let wanted = u128::try_from(bytes).unwrap_or(u128::MAX).saturating_mul(BYTE);
        let left = self.tokens.checked_sub(wanted);
        self.tokens = left.unwrap_or(self.tokens);
        left.is_some()
    }

    fn is_full(&mut self, now: Instant, bandwidth: Option<Bandwidth>) -> bool {
        let Some(bandwidth) = bandwidth else { return true };
        self.fill(now, bandwidth);
        self.tokens >= u128::from(bandwidth.burst) * BYTE
    }

    fn fill(&mut self, now: Instant, bandwidth: Bandwidth) {
        let nanos = (now - self.at).as_nanos();
        self.at = self.at.max(now);
        let gained = nanos.saturating_mul(u128::from(bandwidth.bytes_per_second));
        let full = u128::from(bandwidth.burst) * BYTE;
        self.tokens = self.tokens.saturating_add(gained).min(full);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const BANDWIDTH: Bandwidth = Bandwidth { bytes_per_second: 1_000, burst: 500 };

    fn at(millis: u64) -> Instant {
        Instant::ZERO + Duration::from_millis(millis)
    }

    #[test]
    fn a_bucket_gives_its_burst_and_then_its_rate() {
        let mut bucket = Bucket::new(at(0), Some(BANDWIDTH));
        assert!(bucket.admits(at(0), BANDWIDTH, 500) && !bucket.admits(at(0), BANDWIDTH, 1));
        assert!(bucket.admits(at(100), BANDWIDTH, 100) && !bucket.admits(at(100), BANDWIDTH, 1));
        assert!(
            bucket.admits(at(60_000), BANDWIDTH, 500) && !bucket.admits(at(60_000), BANDWIDTH, 1)
        );
    }

    #[test]
    fn a_new_allocation_does_not_fill_the_bucket() {
        let name: Arc<str> = "alice".into();
        let mut owners = Owners::new(Some(BANDWIDTH));
        let id = owners.add(at(0), &name);
        assert!(owners.admits(at(0), id, 500));
        owners.remove(at(0), id);
        let id = owners.add(at(1), &name);
        assert!(!owners.admits(at(1), id, 500));
        owners.remove(at(10_000), id);
        assert_eq!((owners.by_name.len(), owners.idle), (0, 0));
    }

    #[test]
    fn idle_owners_are_forgotten_when_there_are_many() {
        let mut owners = Owners::new(Some(BANDWIDTH));
        for number in 0..20_000 {
            let id = owners.add(at(0), &format!("user {number}").into());
            assert!(owners.admits(at(0), id, 1));
            owners.remove(at(0), id);
        }
        assert!(owners.owners.len() <= MAX_IDLE_OWNERS + 1, "{}", owners.owners.len());
        assert_eq!(owners.count("user 1"), 0);
    }
}
