//! Media that several links use in turn, and who goes next.

use std::{collections::VecDeque, time::Duration};

use base::Instant;

use crate::id::HopId;

/// How long a cell remembers what a bearer has had, in seconds.
const MEMORY: f64 = 1.0;

/// All media of a world.
#[derive(Debug, Default)]
pub(crate) struct Media {
    media: Vec<Medium>,
}

#[derive(Debug)]
struct Medium {
    name: String,
    user: Option<HopId>,
    /// Who waits for a turn, each once, in the order of coming.
    waiting: VecDeque<HopId>,
    /// What each has had lately, if that matters.
    shares: Vec<Share>,
}

/// Bits per second that somebody has had, each bit counting the less the longer ago it was.
#[derive(Clone, Copy, Debug)]
struct Share {
    hop: HopId,
    rate: f64,
    since: Instant,
}

impl Media {
    /// Whether no link shares a medium.
    pub(crate) const fn is_empty(&self) -> bool {
        self.media.is_empty()
    }

    /// `hop` wants to send a packet on `medium`: true if it may at once, false if it has to wait.
    pub(crate) fn seize(&mut self, medium: &str, hop: HopId) -> bool {
        let Some(known) = self.media.iter_mut().find(|known| known.name == medium) else {
            let (name, waiting) = (medium.to_owned(), VecDeque::new());
            self.media.push(Medium { name, user: Some(hop), waiting, shares: Vec::new() });
            return true;
        };
        if known.user.is_none() {
            known.user = Some(hop);
            return true;
        }
        known.waiting.push_back(hop);
        false
    }

    /// The packet of `hop` has been sent: who is next on its medium, if it had one? `rate` says how fast
    /// somebody could send now if that matters, and nothing if turns are taken in the order of coming.
    pub(crate) fn release(
        &mut self,
        hop: HopId,
        now: Instant,
        rate: impl Fn(HopId) -> Option<f64>,
    ) -> Option<HopId> {
        let medium = self.media.iter_mut().find(|medium| medium.user == Some(hop))?;
        let mut best = (0, f64::NEG_INFINITY);
        for (at, &waiting) in medium.waiting.iter().enumerate() {
            let worth = rate(waiting).map_or(0.0, |rate| rate / medium.had(waiting, now));
            if worth > best.1 {
                best = (at, worth);
            }
        }
        medium.user = medium.waiting.remove(best.0);
        medium.user
    }

    /// `hop` is about to send `bits` on its medium, of which it keeps account.
    pub(crate) fn account(&mut self, hop: HopId, now: Instant, bits: f64) {
        let Some(medium) = self.media.iter_mut().find(|medium| medium.user == Some(hop)) else {
            return;
        };
        let rate = medium.had(hop, now) + bits / MEMORY;
        let share = Share { hop, rate, since: now };
        match medium.shares.iter_mut().find(|share| share.hop == hop) {
            Some(known) => *known = share,
            None => medium.shares.push(share),
        }
    }
}

impl Medium {
    /// Bits per second that somebody has had lately; a little even for those who had nothing.
    fn had(&self, hop: HopId, now: Instant) -> f64 {
        let share = self.shares.iter().find(|share| share.hop == hop);
        let faded = share.map_or(0.0, |share| {
            let since: Duration = now - share.since;
            share.rate * libm::exp(-since.as_secs_f64() / MEMORY)
        });
        libm::fmax(faded, 1.0)
    }
}
