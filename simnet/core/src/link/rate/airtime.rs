//! A medium that several links use in turn.

use std::{collections::VecDeque, time::Duration};

use serde::{Deserialize, Serialize};

use crate::{id::HopId, units};

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

/// All media of a world.
#[derive(Debug, Default)]
pub(crate) struct Media {
    media: Vec<Medium>,
}

#[derive(Debug)]
struct Medium {
    name: String,
    user: Option<HopId>,
    /// Who waits for a turn, each once.
    waiting: VecDeque<HopId>,
}

impl Media {
    /// Whether no link shares a medium.
    pub(crate) const fn is_empty(&self) -> bool {
        self.media.is_empty()
    }

    /// `hop` wants to send a packet on `medium`: true if it may at once, false if it has to wait.
    pub(crate) fn seize(&mut self, medium: &str, hop: HopId) -> bool {
        let Some(known) = self.media.iter_mut().find(|known| known.name == medium) else {
            let name = medium.to_owned();
            self.media.push(Medium { name, user: Some(hop), waiting: VecDeque::new() });
            return true;
        };
        if known.user.is_none() {
            known.user = Some(hop);
            return true;
        }
        known.waiting.push_back(hop);
        false
    }

    /// The packet of `hop` has been sent: who is next on its medium, if it had one?
    pub(crate) fn release(&mut self, hop: HopId) -> Option<HopId> {
        let medium = self.media.iter_mut().find(|medium| medium.user == Some(hop))?;
        medium.user = medium.waiting.pop_front();
        medium.user
    }
}
