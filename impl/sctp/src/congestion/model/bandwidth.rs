//! The most that the path has delivered of late.

use super::Acked;

/// Rounds that a maximum lasts.
const ROUNDS: u64 = 10;
/// Rounds without a quarter more that say that the path is full.
const FLAT_ROUNDS: u32 = 3;

/// A maximum over the last rounds, and whether it still grows.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Bandwidth {
    /// The best of this half of the rounds, and of the half before.
    current: u64,
    former: u64,
    rounds: u64,
    /// What growth is measured against.
    mark: u64,
    flat: u32,
}

impl Bandwidth {
    pub(super) fn on_ack(&mut self, acked: &Acked) {
        if let Some(rate) = acked.rate
            && (!rate.app_limited || rate.bytes_per_second() > self.max())
        {
            self.current = self.current.max(rate.bytes_per_second());
        }
        if !acked.round_start {
            return;
        }
        self.rounds += 1;
        if self.rounds.is_multiple_of(ROUNDS / 2) {
            self.former = std::mem::take(&mut self.current);
        }
        if acked.app_limited || acked.rate.is_some_and(|rate| rate.app_limited) {
            return;
        }
        if self.max() >= self.mark.saturating_add(self.mark / 4) {
            self.mark = self.max();
            self.flat = 0;
        } else {
            self.flat += 1;
        }
    }

    /// Bytes a second.
    pub(super) fn max(&self) -> u64 {
        self.current.max(self.former)
    }

    /// Whether more in flight no longer brings more.
    pub(super) fn is_full(&self) -> bool {
        self.flat >= FLAT_ROUNDS
    }
}
