//! What a sheet comes to, in figures.

use std::time::Duration;

use serde::Serialize;

use super::{Cell, ROUND_TRIP, Sheet};

/// Counts and spreads of a sheet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Figures {
    /// Pairs of NATs.
    pub pairs: usize,
    /// Pairs that connect without a relay.
    pub direct: usize,
    /// Pairs that connect by a relay.
    pub relayed: usize,
    /// Pairs for which the rules know a way that was not found, or found by a relay alone.
    pub fall_short: usize,
    /// Pairs for which run and rules do not say the same, down to the types of candidates.
    pub disagree: usize,
    /// Times to connect, in microseconds.
    pub micros: Option<Spread>,
    /// Checks of connected pairs.
    pub checks: Option<Spread>,
    /// Packets of connected pairs.
    pub packets: Option<Spread>,
}

/// How figures are spread.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Spread {
    /// Half are no larger.
    pub median: u64,
    /// Nineteen in twenty are no larger.
    pub p95: u64,
    /// The largest.
    pub most: u64,
}

impl Figures {
    pub(super) fn of(sheet: &Sheet) -> Self {
        let count = |which: &dyn Fn(&&Cell) -> bool| sheet.cells.iter().filter(which).count();
        let relayed = count(&|cell| cell.connected.as_ref().is_some_and(|it| it.is_relayed()));
        let connected = || sheet.cells.iter().filter(|cell| cell.connected.is_some());
        let micros = |cell: &Cell| {
            let after = cell.connected.as_ref().map(|seen| seen.after.as_micros());
            u64::try_from(after.unwrap_or(0)).unwrap_or(u64::MAX)
        };
        Self {
            pairs: sheet.cells.len(),
            direct: connected().count() - relayed,
            relayed,
            fall_short: count(&|cell| cell.falls_short()),
            disagree: count(&|cell| !cell.agrees()),
            micros: Spread::of(connected().map(micros)),
            checks: Spread::of(connected().map(|cell| cell.checks)),
            packets: Spread::of(connected().map(|cell| cell.packets)),
        }
    }
}

impl Spread {
    /// The spread of some figures; `None` if there are none.
    pub fn of(figures: impl Iterator<Item = u64>) -> Option<Self> {
        let mut all: Vec<u64> = figures.collect();
        all.sort_unstable();
        let at = |share: usize| all.get((all.len() * share).div_ceil(100).saturating_sub(1));
        Some(Self { median: *at(50)?, p95: *at(95)?, most: *all.last()? })
    }

    /// A time in microseconds in round trips between the peers.
    #[must_use]
    pub fn round_trips(micros: u64) -> f64 {
        Duration::from_micros(micros).as_secs_f64() / ROUND_TRIP.as_secs_f64()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spread_takes_the_figure_that_the_share_reaches() {
        let spread = Spread::of(1..=100).unwrap();
        assert_eq!((spread.median, spread.p95, spread.most), (50, 95, 100));
        let few = Spread::of([7, 3].into_iter()).unwrap();
        assert_eq!((few.median, few.p95, few.most), (3, 7, 7));
        assert_eq!(Spread::of(std::iter::empty()), None);
    }
}
