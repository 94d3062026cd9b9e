//! A share of a radio cell.

use std::time::Duration;

use base::Instant;
use serde::{Deserialize, Serialize};

use crate::{link::timeline::nanos, units};

/// A share of a cell whose scheduler is proportionally fair: of the bearers that name the same cell and
/// have something to send, the one goes next whose present rate is highest in proportion to what it has
/// had lately.
///
/// This is an approximation of a cellular network, packet by packet: RFC 8869 §2.1 asks for a simulation of
/// the radio network with this scheduler. A cell has one name for each direction.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Bearer {
    /// Name of the cell and direction, such as `cell-1-down`.
    pub cell: String,
    /// Bits per second while the cell serves this bearer.
    #[serde(with = "units::rate")]
    pub rate: u64,
    /// How the rate comes and goes as the terminal moves; constant if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fading: Option<Fading>,
}

/// A rate that swings like a sine around its mean.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Fading {
    /// How far it swings, as a share of the mean; less than 1.
    #[serde(with = "units::fraction")]
    pub depth: f64,
    /// How long a swing lasts.
    #[serde(with = "units::duration")]
    pub period: Duration,
    /// Where in its swing it begins, as a share of the period.
    #[serde(default, with = "units::fraction")]
    pub phase: f64,
}

impl Bearer {
    /// A share of `cell` at `rate` bits per second.
    #[must_use]
    pub fn new(cell: &str, rate: u64) -> Self {
        Self { cell: cell.to_owned(), rate, fading: None }
    }

    /// The rate at `now`.
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a rate below 2^53 times a factor between 0 and 2"
    )]
    pub(super) fn at(&self, now: Instant) -> u64 {
        let Some(Fading { depth, period, phase }) = self.fading else { return self.rate };
        let period = nanos(period).max(1);
        let share = (now.as_nanos() % period) as f64 / period as f64 + phase;
        let swing = libm::sin(core::f64::consts::TAU * share);
        (self.rate as f64 * (1.0 + depth * swing)).max(1.0) as u64
    }

    pub(super) fn complaint(&self) -> Option<&'static str> {
        if self.cell.is_empty() {
            return Some("a cell has a name");
        }
        if self.fading.is_some_and(|fading| fading.depth >= 1.0 || fading.period.is_zero()) {
            return Some("a rate fades by less than all of it, in some time");
        }
        (self.rate == 0).then_some("the rate of a bearer is more than 0")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_swings_around_its_mean() {
        let fading = Fading { depth: 0.5, period: Duration::from_millis(100), phase: 0.25 };
        let bearer = Bearer { fading: Some(fading), ..Bearer::new("cell", 1_000_000) };
        let at = |millis: u64| bearer.at(Instant::from_nanos(millis * 1_000_000));
        assert_eq!([0, 50, 100].map(at), [1_500_000, 500_000, 1_500_000]);
        assert!(at(25).abs_diff(1_000_000) <= 1);
    }
}
