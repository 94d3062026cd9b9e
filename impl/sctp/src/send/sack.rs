//! Acknowledgements, and what follows from them: RFC 9260 §6.2.1.

use std::time::Duration;

use base::Instant;

use super::{Sender, ring::State};
use crate::{
    Misdeed, Tsn,
    congestion::{Control, Summary},
    path::Rtt,
    wire::Sack,
};

/// What came of an acknowledgement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Acknowledged {
    /// It was older than one that came before, and told nothing (RFC 9260 §6.2.1).
    Old,
    /// It was taken, and told nothing new of what arrived.
    Nothing,
    /// Something arrived that was not known to: the peer is there, and errors count from zero.
    Progress,
}

/// What one acknowledgement adds up to.
#[derive(Debug, Default)]
struct Tally {
    /// When the newest chunk left that it is the first to acknowledge, if that was sent only once.
    newest: Option<Instant>,
    progress: bool,
}

impl Sender {
    /// An acknowledgement arrived.
    ///
    /// # Errors
    ///
    /// It acknowledges what was never sent.
    pub(crate) fn handle_sack(
        &mut self,
        now: Instant,
        sack: &Sack<'_>,
        control: &mut Control,
        rtt: &mut Rtt,
    ) -> Result<Acknowledged, Misdeed> {
        let Some(cumulative) = self.judge(sack.cumulative)? else { return Ok(Acknowledged::Old) };
        let prior_in_flight = self.in_flight;
        let mut tally = Tally::default();
        let advanced = cumulative >= self.ring.base();
        while self.ring.base() <= cumulative {
            let base = self.ring.base();
            self.deliver(now, base, control, &mut tally);
            if let Some(slot) = self.ring.pop() {
                self.release(slot.payload.len());
            }
        }
        self.peer_window = u64::from(sack.a_rwnd);
        let sample = tally.newest.map(|sent_at| now.saturating_duration_since(sent_at));
        if let Some(sample) = sample {
            rtt.on_measured(now, sample);
        }
        let in_flight = self.in_flight;
        let summary = Summary {
            now,
            prior_in_flight,
            in_flight,
            rtt: sample,
            cumulative_advanced: advanced,
        };
        control.on_sack_done(&summary, rtt);
        if advanced {
            self.arm_after_progress(now, rtt);
        }
        Ok(if tally.progress { Acknowledged::Progress } else { Acknowledged::Nothing })
    }

    /// The place that `cumulative` acknowledges up to; `None` if it came too late.
    fn judge(&self, cumulative: Tsn) -> Result<Option<u64>, Misdeed> {
        match self.ring.place(cumulative) {
            Some(place) if place >= self.ring.next() => Err(Misdeed::AckOfUnsent),
            place => Ok(place),
        }
    }

    /// The chunk at `place` arrived.
    fn deliver(&mut self, now: Instant, place: u64, control: &mut Control, tally: &mut Tally) {
        let Some(slot) = self.ring.get_mut(place) else { return };
        let state = std::mem::replace(&mut slot.state, State::Acked);
        let (sent_at, snapshot, payload) = (slot.sent_at, slot.snapshot, slot.payload.len());
        let once = slot.transmissions == 1;
        let size = self.chunk_size(payload) as u64;
        match state {
            State::Flying => {
                self.ring.unlink(&mut self.flight, place);
                self.in_flight -= size;
                self.flight_payload -= payload as u64;
            }
            State::Lost => self.ring.unlink(&mut self.lost, place),
            State::Acked | State::Gone => return,
        }
        tally.progress = true;
        // RFC 9260 §6.3.1 C5: what was sent twice measures nothing.
        if once {
            tally.newest = tally.newest.max(Some(sent_at));
        }
        control.on_delivered(now, &snapshot, sent_at, size);
    }
}

/// Never shorter than this: what RFC 8985 calls the granularity of the clock.
pub(super) const GRANULARITY: Duration = Duration::from_millis(1);
