//! Delay that varies at random.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::timeline::nanos;
use crate::{random::Stream, units};

/// Variation of the delay, packet by packet.
///
/// In files: `"none"`, or a table such as `{ nr-bpdv = { std = "5ms" } }`, `{ rbpdv = { std = "5ms" } }`,
/// `{ uniform = { spread = "2ms" } }`, `{ normal = { std = "2ms", correlation = 0.3 } }`,
/// `{ pareto = { scale = "2ms", shape = 2.5 } }`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Jitter {
    /// All packets take equally long.
    #[default]
    None,
    /// Each packet takes |z| longer, on its own, so that they may overtake each other; z is Gaussian, cut
    /// off at a number of standard deviations (RBPDV, RFC 8868 §4.5.1).
    #[serde(rename = "rbpdv")]
    Reordering {
        /// Standard deviation of z.
        #[serde(rename = "std", with = "units::duration")]
        deviation: Duration,
        /// Standard deviations after which z is cut off.
        #[serde(rename = "n-std", default = "three")]
        cut: f64,
    },
    /// As the one before, but a late packet holds up those behind it (NR-BPDV, RFC 8868 §4.5.2): none
    /// arrives before its predecessor has arrived and its own bits have been sent.
    #[serde(rename = "nr-bpdv")]
    Ordered {
        /// Standard deviation of z.
        #[serde(rename = "std", with = "units::duration")]
        deviation: Duration,
        /// Standard deviations after which z is cut off.
        #[serde(rename = "n-std", default = "three")]
        cut: f64,
    },
    /// Equally likely from `spread` less to `spread` more, but never less than nothing.
    Uniform {
        /// Half the width.
        #[serde(with = "units::duration")]
        spread: Duration,
        /// How much of one packet's variation the next one keeps (AR(1)), from 0 to 1.
        #[serde(default)]
        correlation: f64,
        /// Whether packets may overtake each other.
        #[serde(default)]
        reordering: bool,
    },
    /// Gaussian around the delay, but never less than nothing.
    Normal {
        /// Standard deviation.
        #[serde(rename = "std", with = "units::duration")]
        deviation: Duration,
        /// How much of one packet's variation the next one keeps (AR(1)), from 0 to 1.
        #[serde(default)]
        correlation: f64,
        /// Whether packets may overtake each other.
        #[serde(default)]
        reordering: bool,
    },
    /// Longer by a Pareto distributed time that begins at nothing: `scale · (u^(−1/shape) − 1)`, with mean
    /// `scale / (shape − 1)`.
    Pareto {
        /// The larger, the longer.
        #[serde(with = "units::duration")]
        scale: Duration,
        /// The smaller, the heavier the tail; more than 0.
        shape: f64,
        /// Nothing takes longer than this; no limit if zero.
        #[serde(default, with = "units::duration")]
        max: Duration,
        /// How much of one packet's variation the next one keeps (AR(1)), from 0 to 1.
        #[serde(default)]
        correlation: f64,
        /// Whether packets may overtake each other.
        #[serde(default)]
        reordering: bool,
    },
}

const fn three() -> f64 {
    3.0
}

impl Jitter {
    /// Jitter that reorders, cut off at 3 standard deviations (RFC 8868 §4.5.3).
    #[must_use]
    pub const fn reordering(deviation: Duration) -> Self {
        Self::Reordering { deviation, cut: 3.0 }
    }

    /// Jitter that keeps the order, cut off at 3 standard deviations (RFC 8868 §4.5.3).
    #[must_use]
    pub const fn ordered(deviation: Duration) -> Self {
        Self::Ordered { deviation, cut: 3.0 }
    }

    /// Whether packets may overtake each other.
    pub(super) const fn overtakes(self) -> bool {
        match self {
            Self::None | Self::Ordered { .. } => false,
            Self::Reordering { .. } => true,
            Self::Uniform { reordering, .. }
            | Self::Normal { reordering, .. }
            | Self::Pareto { reordering, .. } => reordering,
        }
    }

    pub(super) fn complaint(self) -> Option<&'static str> {
        let (correlation, positive) = match self {
            Self::None => (0.0, 1.0),
            Self::Reordering { cut, .. } | Self::Ordered { cut, .. } => (0.0, cut),
            Self::Uniform { correlation, .. } | Self::Normal { correlation, .. } => {
                (correlation, 1.0)
            }
            Self::Pareto { correlation, shape, .. } => (correlation, shape),
        };
        if !(0.0..=1.0).contains(&correlation) {
            return Some("a correlation lies between 0 and 1");
        }
        let fits = positive.is_finite() && positive > 0.0;
        (!fits).then_some("the shape or the cut of a jitter is more than 0")
    }
}

/// Jitter at work: what a packet's successor keeps of its variation.
#[derive(Debug)]
pub(super) struct Shaker {
    dice: Stream,
    last: f64,
}

impl Shaker {
    pub(super) const fn new(dice: Stream) -> Self {
        Self { dice, last: 0.0 }
    }

    /// How long the next packet takes, if it would take `delay` without jitter.
    pub(super) fn vary(&mut self, jitter: Jitter, delay: Duration) -> Duration {
        match jitter {
            Jitter::None => delay,
            // RFC 8868 §4.5.3: the absolute value of a truncated Gaussian.
            Jitter::Reordering { deviation, cut } | Jitter::Ordered { deviation, cut } => {
                let z = libm::fmin(libm::fabs(self.dice.gaussian()), cut);
                shift(delay, deviation, z)
            }
            Jitter::Uniform { spread, correlation, .. } => {
                let share = self.share(correlation);
                shift(delay, spread, 2.0 * share - 1.0)
            }
            Jitter::Normal { deviation, correlation, .. } => {
                let z = self.correlated(correlation);
                shift(delay, deviation, z)
            }
            Jitter::Pareto { scale, shape, max, correlation, .. } => {
                let share = 1.0 - self.share(correlation);
                let late = shift(Duration::ZERO, scale, libm::pow(share, -1.0 / shape) - 1.0);
                delay + if max.is_zero() { late } else { late.min(max) }
            }
        }
    }

    /// A number from 0 to 1, each equally likely. With correlation it is the rank of a Gaussian that
    /// remembers, so that the shape of the distribution stays what it is.
    fn share(&mut self, correlation: f64) -> f64 {
        if correlation <= 0.0 {
            return self.dice.unit();
        }
        let z = self.correlated(correlation);
        0.5 * libm::erfc(-z * core::f64::consts::FRAC_1_SQRT_2)
    }

    /// A standard Gaussian that keeps `correlation` of the one before.
    fn correlated(&mut self, correlation: f64) -> f64 {
        let fresh = self.dice.gaussian();
        self.last = correlation * self.last + libm::sqrt(1.0 - correlation * correlation) * fresh;
        self.last
    }
}

/// `delay` plus `factor` times `unit`, at least nothing.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "whole nanoseconds that are not negative; the cast saturates"
)]
fn shift(delay: Duration, unit: Duration, factor: f64) -> Duration {
    let amount = libm::round(libm::fabs(factor) * nanos(unit) as f64) as u64;
    let amount = Duration::from_nanos(amount);
    if factor < 0.0 { delay.saturating_sub(amount) } else { delay.saturating_add(amount) }
}
