//! A share of a WLAN.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::units;

/// A share of a half-duplex medium: of all links that name the same medium, one sends at a time, and those
/// that want to take turns packet by packet.
///
/// This is an approximation of a WLAN. RFC 8869 §3 asks for a model of the radio itself; here collisions
/// and back-off are part of the fixed time per packet, and every station hears all others.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Airtime {
    /// Name of the medium, such as `wlan`.
    pub medium: String,
    /// Bits per second while this station sends.
    #[serde(with = "units::rate")]
    pub rate: u64,
    /// What every packet takes besides: waiting for its turn, preamble, acknowledgement.
    #[serde(default, with = "units::duration")]
    pub per_packet: Duration,
}

impl Airtime {
    /// A share of `medium` at `rate` bits per second and `per_packet` of overhead.
    #[must_use]
    pub fn new(medium: &str, rate: u64, per_packet: Duration) -> Self {
        Self { medium: medium.to_owned(), rate, per_packet }
    }

    pub(super) fn complaint(&self) -> Option<&'static str> {
        if self.medium.is_empty() {
            return Some("a shared medium has a name");
        }
        (self.rate == 0).then_some("the rate of a station is more than 0")
    }
}
