//! Acknowledgements, and what follows from them: RFC 9260 §6.2.1.

use std::time::Duration;

use base::Instant;

use super::{Detection, Sender, ring::State};
use crate::{
    Misdeed, Tsn,
    congestion::{Control, Snapshot, Summary},
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
pub(super) struct Tally {
    /// When the newest chunk left that it is the first to acknowledge, of those sent only once.
    pub(super) newest: Option<Instant>,
    /// The highest place that it is the first to acknowledge; 0 if there is none.
    pub(super) highest: u64,
    /// Whether it acknowledged everything up to a later place than before.
    pub(super) advanced: bool,
    /// Whether it shows that what had been sent again need not have been.
    pub(super) needless: bool,
}

impl Sender {
    /// An acknowledgement arrived.
    ///
    /// # Errors
    ///
    /// It acknowledges what was never sent, or contradicts itself. Then nothing has changed.
    pub(crate) fn handle_sack(
        &mut self,
        now: Instant,
        sack: &Sack<'_>,
        control: &mut Control,
        rtt: &mut Rtt,
    ) -> Result<Acknowledged, Misdeed> {
        let Some(cumulative) = self.judge(sack.cumulative)? else { return Ok(Acknowledged::Old) };
        self.read_blocks(cumulative, sack)?;
        self.set_peer_window(sack.a_rwnd);
        let duplicates = self.count_needless(sack);
        Ok(self.acknowledge(now, cumulative, duplicates, control, rtt))
    }

    /// Everything up to `cumulative` arrived, as a SHUTDOWN chunk says (RFC 9260 §9.2).
    ///
    /// # Errors
    ///
    /// It was never sent.
    pub(crate) fn handle_cumulative(
        &mut self,
        now: Instant,
        cumulative: Tsn,
        control: &mut Control,
        rtt: &mut Rtt,
    ) -> Result<Acknowledged, Misdeed> {
        let Some(cumulative) = self.judge(cumulative)? else { return Ok(Acknowledged::Old) };
        self.scoreboard.begin();
        self.scoreboard.forget(cumulative);
        Ok(self.acknowledge(now, cumulative, false, control, rtt))
    }

    fn acknowledge(
        &mut self,
        now: Instant,
        cumulative: u64,
        duplicates: bool,
        control: &mut Control,
        rtt: &mut Rtt,
    ) -> Acknowledged {
        let prior_in_flight = self.in_flight;
        let mut tally = Tally { needless: duplicates, ..Tally::default() };
        tally.advanced = cumulative >= self.ring.base();
        let min_rtt = rtt.min();
        self.pass(now, cumulative, min_rtt, control, &mut tally);
        self.mark(now, min_rtt, control, &mut tally);
        let sample = tally.newest.map(|sent_at| now.saturating_duration_since(sent_at));
        if let Some(sample) = sample {
            rtt.on_measured(now, sample);
        }
        self.revoke();
        self.after_deliveries(now, &tally, control, rtt);
        let summary = Summary {
            now,
            prior_in_flight,
            in_flight: self.in_flight,
            rtt: sample,
            cumulative_advanced: tally.advanced,
        };
        control.on_sack_done(&summary, rtt);
        if tally.advanced {
            self.window_probes = 0;
            self.arm_after_progress(now, rtt);
        }
        self.heard_since_timeout = true;
        if tally.highest > 0 || tally.advanced {
            self.arm_probe(now, rtt);
            return Acknowledged::Progress;
        }
        Acknowledged::Nothing
    }

    /// The place that `cumulative` acknowledges up to; `None` if it came too late.
    fn judge(&self, cumulative: Tsn) -> Result<Option<u64>, Misdeed> {
        match self.ring.place(cumulative) {
            Some(place) if place >= self.ring.next() => Err(Misdeed::AckOfUnsent),
            place => Ok(place),
        }
    }

    /// Compares gap blocks with what was acknowledged before.
    fn read_blocks(&mut self, cumulative: u64, sack: &Sack<'_>) -> Result<(), Misdeed> {
        self.scoreboard.begin();
        for gap in sack.gaps.iter() {
            let (first, last) =
                (cumulative + u64::from(gap.start), cumulative + u64::from(gap.end));
            // RFC 9260 §3.3.4: a block begins beyond the cumulative number and ends no earlier.
            if gap.start == 0 || gap.start > gap.end {
                return Err(Misdeed::BadGapBlocks);
            }
            if last >= self.ring.next() {
                return Err(Misdeed::AckOfUnsent);
            }
            self.scoreboard.add_block(first, last);
        }
        self.scoreboard.finish(cumulative);
        Ok(())
    }

    /// Whether something arrived twice that was sent twice: once was needless (RFC 8985 §6.2 step 4, with
    /// duplicate numbers for what a DSACK says).
    fn count_needless(&self, sack: &Sack<'_>) -> bool {
        sack.duplicates.iter().any(|tsn| {
            let place = self.ring.place(tsn);
            let slot = place.and_then(|place| self.ring.get(place));
            slot.is_some_and(|slot| slot.transmissions > 1)
        })
    }

    /// Everything up to `cumulative` arrived or was given up.
    fn pass(
        &mut self,
        now: Instant,
        cumulative: u64,
        min_rtt: Duration,
        control: &mut Control,
        tally: &mut Tally,
    ) {
        while self.ring.base() <= cumulative {
            let base = self.ring.base();
            let was_acked = self.ring.get(base).is_some_and(|slot| slot.state == State::Acked);
            self.deliver(now, base, min_rtt, control, tally);
            let Some(slot) = self.ring.pop() else { return };
            let payload = slot.payload.len();
            if was_acked {
                self.gap_bytes -= self.chunk_size(payload) as u64;
            }
            self.release(payload);
            self.done_with_chunk(slot.message);
        }
    }

    /// What gap blocks are the first to acknowledge arrived.
    fn mark(&mut self, now: Instant, min_rtt: Duration, control: &mut Control, tally: &mut Tally) {
        let fresh = std::mem::take(&mut self.scoreboard.fresh);
        for place in fresh.iter().flat_map(|&(first, last)| first..=last) {
            let before = self.ring.get(place).map(|slot| slot.state);
            self.deliver(now, place, min_rtt, control, tally);
            let slot = self.ring.get(place).filter(|slot| Some(slot.state) != before);
            self.gap_bytes += slot.map_or(0, |slot| self.chunk_size(slot.payload.len()) as u64);
        }
        self.scoreboard.fresh = fresh;
    }

    /// The chunk at `place` arrived.
    fn deliver(
        &mut self,
        now: Instant,
        place: u64,
        min_rtt: Duration,
        control: &mut Control,
        tally: &mut Tally,
    ) {
        let Some(slot) = self.ring.get_mut(place) else { return };
        let state = slot.state;
        if matches!(state, State::Acked | State::Gone) {
            return;
        }
        slot.state = State::Acked;
        let (sent_at, snapshot, payload) = (slot.sent_at, slot.snapshot, slot.payload.len());
        let (transmissions, abandoned) = (slot.transmissions, slot.abandoned);
        self.leave_list(place, state, payload);
        tally.highest = tally.highest.max(place);
        let elapsed = now.saturating_duration_since(sent_at);
        // A copy that returns sooner than half the shortest round trip cannot be what arrived. A little
        // sooner it can: packets of another size, or a path that has become shorter.
        if state == State::Lost || transmissions > 1 && elapsed < min_rtt / 2 {
            // What arrived is what was sent before: it was late, not lost.
            self.recovery.on_refuted(place, place == self.ring.base());
            tally.needless |= transmissions > 1;
        } else {
            self.was_repaired |= self.probe.is_some_and(|probe| probe.repeated == place);
            let repeated = transmissions > 1;
            let elapsed = if repeated { elapsed.max(min_rtt) } else { elapsed };
            self.recovery.on_arrived(place, sent_at, elapsed, repeated);
        }
        // RFC 9260 §6.3.1 C5: what was sent twice measures nothing.
        if transmissions == 1 {
            tally.newest = tally.newest.max(Some(sent_at));
        }
        // RFC 3758 §3.5 A2: what was given up earns no credit.
        if !abandoned {
            self.credit(now, &snapshot, sent_at, payload, control);
        }
    }

    fn credit(
        &self,
        now: Instant,
        snapshot: &Snapshot,
        sent_at: Instant,
        payload: usize,
        control: &mut Control,
    ) {
        control.on_delivered(now, snapshot, sent_at, self.chunk_size(payload) as u64);
    }

    /// Takes the chunk at `place`, which was in `state`, out of its list.
    pub(super) fn leave_list(&mut self, place: u64, state: State, payload: usize) {
        match state {
            State::Flying => {
                self.ring.unlink(&mut self.flight, place);
                self.in_flight -= self.chunk_size(payload) as u64;
                self.flight_payload -= payload as u64;
            }
            State::Lost => self.ring.unlink(&mut self.lost, place),
            State::Acked | State::Gone => {}
        }
    }

    /// What the peer took back goes again (RFC 9260 §6.2.1 D iii).
    fn revoke(&mut self) {
        let revoked = std::mem::take(&mut self.scoreboard.revoked);
        for place in revoked.iter().flat_map(|&(first, last)| first..=last) {
            self.take_back(place);
        }
        self.scoreboard.revoked = revoked;
    }

    /// The chunk at `place` had been acknowledged by a gap block and is not any more.
    pub(super) fn take_back(&mut self, place: u64) {
        let Some(slot) = self.ring.get_mut(place) else { return };
        if slot.state != State::Acked {
            return;
        }
        slot.state = State::Lost;
        let (payload, abandoned) = (slot.payload.len(), slot.abandoned);
        self.gap_bytes -= self.chunk_size(payload) as u64;
        self.ring.append(&mut self.lost, place);
        if abandoned {
            self.give_up_chunk(place);
        }
    }

    fn after_deliveries(&mut self, now: Instant, tally: &Tally, control: &mut Control, rtt: &Rtt) {
        let ends = (self.ring.base(), self.ring.next());
        self.recovery.on_acknowledgement(now, ends, tally.needless, control);
        self.refute_timeout(now, control);
        let was_repaired = std::mem::take(&mut self.was_repaired);
        self.judge_probe(now, was_repaired, control);
        self.advance_after_sack(now, rtt);
        match self.config.detection {
            Detection::Rack => self.detect_by_time(now, control, rtt),
            Detection::Misses => self.detect_by_misses(now, tally, control),
        }
    }
}
