//! Opening, sending, closing.

use base::Instant;
use bytes::Bytes;

use super::App;
use crate::sctp::{
    end::Sent,
    lane::{Lane, Phase},
    message::{Mark, content, is_text, length},
    plan::{Flow, Style},
};

/// How long to wait before a stream is asked again to begin anew.
const AGAIN: std::time::Duration = std::time::Duration::from_millis(20);

impl App {
    /// One lane for each flow: forth for who opens it, back for the other.
    pub(super) fn lay_lanes(&mut self, now: Instant) {
        let plan = std::sync::Arc::clone(&self.plan);
        for (index, flow) in plan.flows.iter().enumerate() {
            let direction = usize::from(flow.side != self.side);
            let mut lane = Lane::new(index, direction, self.diary.epoch);
            lane.due = self.first_due(flow, direction, now);
            self.lanes.push(lane);
        }
    }

    /// When a lane begins by itself; a channel that the peer opens begins with that.
    pub(super) fn first_due(&self, flow: &Flow, direction: usize, now: Instant) -> Option<Instant> {
        let start = (Instant::ZERO + flow.start).max(now);
        match self.plan.style {
            Style::Bare => Some(start),
            // Both sides know of it before either can send.
            Style::Channels if flow.negotiated => Some(now),
            Style::Channels => (direction == 0).then_some(start),
        }
    }

    /// Does what is due on every lane.
    pub(super) fn speak(&mut self, now: Instant) {
        for index in 0..self.lanes.len() {
            while !self.stopped && self.step(now, index) {}
        }
    }

    /// Whether there may be more to do at once.
    fn step(&mut self, now: Instant, index: usize) -> bool {
        let Some(lane) = self.lanes.get(index) else { return false };
        if lane.due.is_none_or(|at| at > now) {
            return false;
        }
        match lane.phase {
            Phase::Idle => self.begin(now, index),
            Phase::Sending(id) => self.send(now, index, id),
            Phase::Finishing(id) => {
                let end = &mut self.end;
                let asked = self.meter.count(|| end.finish(now, id));
                self.set(index, Phase::Finishing(id), (!asked).then(|| now + AGAIN));
                false
            }
            Phase::Blocked(_) | Phase::Done => {
                self.set(index, lane.phase, None);
                false
            }
        }
    }

    fn set(&mut self, index: usize, phase: Phase, due: Option<Instant>) {
        if let Some(lane) = self.lanes.get_mut(index) {
            (lane.phase, lane.due) = (phase, due);
        }
    }

    fn begin(&mut self, now: Instant, index: usize) -> bool {
        let plan = std::sync::Arc::clone(&self.plan);
        let Some(lane) = self.lanes.get(index) else { return false };
        let key = lane.key;
        let Some(flow) = plan.flows.get(key.flow) else { return false };
        if plan.style == Style::Bare && !self.connected {
            // The event that says so wakes it.
            self.set(index, Phase::Idle, None);
            return false;
        }
        let label = format!("{} {} {}", key.flow, key.epoch, key.round);
        let end = &mut self.end;
        let Some(id) = self.meter.count(|| end.open(now, flow, label)) else {
            // One that reads slowly may not know yet that the association has ended.
            if self.end.association().state() != sctp::AssociationState::Closed {
                self.diary.strange(now, format!("flow {} cannot be opened", key.flow));
            }
            self.set(index, Phase::Done, None);
            return false;
        };
        let mut other = key;
        other.direction = 1 - key.direction;
        if plan.style == Style::Channels {
            self.known.insert(id, other);
        }
        let start = (Instant::ZERO + flow.start).max(now);
        self.set(index, Phase::Sending(id), Some(start));
        start <= now
    }

    fn send(&mut self, now: Instant, index: usize, id: u16) -> bool {
        if !self.connected {
            self.set(index, Phase::Sending(id), None);
            return false;
        }
        let plan = std::sync::Arc::clone(&self.plan);
        let Some(lane) = self.lanes.get(index) else { return false };
        let (key, number) = (lane.key, lane.next);
        let Some(flow) = plan.flows.get(key.flow) else { return false };
        let count = flow.counts.get(key.direction).copied().unwrap_or(0);
        if number >= count {
            return self.finish(index, id, flow);
        }
        let length = length(plan.seed, flow, key, number);
        let length = if plan.style == Style::Bare { length.max(1) } else { length };
        let text = is_text(number);
        let end = &mut self.end;
        let (sent, mark) = self.meter.count(|| {
            let bytes = content(plan.seed, key, number, length);
            let mark = Mark::of(&bytes, text);
            (end.send(now, id, flow, Bytes::from(bytes), text), mark)
        });
        match sent {
            Sent::Taken => {
                self.diary.sent.entry(key).or_default().push(mark);
                let due = now + flow.pace;
                if let Some(lane) = self.lanes.get_mut(index) {
                    lane.next += 1;
                    lane.due = Some(due);
                }
                return due <= now;
            }
            Sent::Full => self.set(index, Phase::Blocked(id), None),
            Sent::Later => self.set(index, Phase::Sending(id), Some(now + AGAIN)),
            Sent::Over => self.set(index, Phase::Done, None),
        }
        false
    }

    /// All messages of a round were taken.
    fn finish(&mut self, index: usize, id: u16, flow: &Flow) -> bool {
        let Some(lane) = self.lanes.get_mut(index) else { return false };
        let closes = match self.plan.style {
            Style::Channels => lane.key.direction == 0 && flow.rounds > 1,
            Style::Bare => lane.key.round + 1 < flow.rounds,
        };
        lane.phase = if closes { Phase::Finishing(id) } else { Phase::Done };
        closes
    }
}
