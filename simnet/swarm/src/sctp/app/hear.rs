//! Events and messages.

use base::Instant;

use super::App;
use crate::sctp::{
    end::End,
    lane::Phase,
    message::{Key, Mark},
    plan::Style,
};

impl App {
    /// Reads as much as it has appetite for.
    pub(super) fn read(&mut self, now: Instant) {
        let mut appetite = self.appetite(now);
        match self.plan.style {
            Style::Channels => {
                while appetite > 0 && self.read_channels(now) {
                    appetite -= 1;
                }
            }
            Style::Bare => {
                self.read_association(now);
                while appetite > 0 && self.read_inbox(now) {
                    appetite -= 1;
                }
            }
        }
    }

    fn read_channels(&mut self, now: Instant) -> bool {
        let End::Channels(channels) = &mut self.end else { return false };
        let Some(event) = self.meter.count(|| channels.poll_event()) else { return false };
        self.meter.moved(true);
        if let datachannel::Event::Message { id, data } = event {
            let mark = Mark::of(data.bytes(), matches!(data, datachannel::Data::Text(_)));
            match self.known.get(&id.get()) {
                Some(key) => self.diary.hear(now, *key, mark),
                None => {
                    self.diary.strange(now, format!("a message on channel {id}, which is none"))
                }
            }
            // What the end allocated is given back.
            self.meter.count(|| drop(data));
            return true;
        }
        self.diary.note(now, format!("{event:?}"));
        self.hear_channels(now, event);
        true
    }

    fn hear_channels(&mut self, now: Instant, event: datachannel::Event) {
        use datachannel::{CloseReason, Event};
        match event {
            Event::Connected => self.hear_connected(now),
            Event::Opened { id, config } => self.hear_opened(now, id.get(), &config.label),
            Event::Writable => self.unblock(now),
            Event::Closing(id) => self.hear_closing(now, id.get()),
            Event::Closed { id, reason } => {
                self.known.remove(&id.get());
                match reason {
                    CloseReason::Local => self.hear_finished(now, id.get()),
                    CloseReason::Peer | CloseReason::Restarted | CloseReason::Ended(_) => {}
                    reason => self.diary.strange(now, format!("channel {id}: {reason}")),
                }
            }
            Event::Ended(reason) => self.hear_end(now, reason),
            _ => {}
        }
    }

    /// The peer opened a channel: what goes back on it begins.
    fn hear_opened(&mut self, now: Instant, id: u16, label: &str) {
        let mut numbers = label.split(' ').map(|number| number.parse().unwrap_or(u32::MAX));
        let mut next = || numbers.next().unwrap_or(u32::MAX);
        let (flow, epoch, round) = (next(), next(), next());
        let flow = usize::try_from(flow).unwrap_or(usize::MAX);
        let key = Key { flow, direction: 0, epoch, round };
        let lane = self.lanes.iter_mut().find(|lane| lane.key.flow == flow);
        // Who reads slowly may open it before it has read that the association began anew.
        let Some(lane) = lane.filter(|it| it.key.direction == 1 && epoch <= self.diary.epoch)
        else {
            return self.diary.strange(now, format!("a channel called {label:?} in epoch {epoch}"));
        };
        lane.key = Key { direction: 1, ..key };
        (lane.phase, lane.next, lane.due) = (Phase::Sending(id), 0, Some(now));
        self.known.insert(id, key);
    }

    /// Only who opened a channel closes it here.
    fn hear_closing(&mut self, now: Instant, id: u16) {
        let Some(lane) = self.lanes.iter_mut().find(|lane| lane.id() == Some(id)) else { return };
        if lane.key.direction == 0 {
            return self.diary.strange(now, format!("channel {id} is closed by the peer"));
        }
        (lane.phase, lane.due) = (Phase::Done, None);
    }

    fn read_association(&mut self, now: Instant) {
        let End::Bare(association) = &mut self.end else { return };
        let mut later = Vec::new();
        let mut again = 0;
        while let Some(event) = self.meter.count(|| association.poll_event()) {
            self.meter.moved(true);
            match event {
                sctp::Event::Connected => again += 1,
                sctp::Event::Restarted => again += 1,
                event => later.push(event),
            }
        }
        for _ in 0..again {
            self.hear_connected(now);
        }
        while let Some(message) = self.take_message() {
            self.meter.moved(true);
            match self.key_of(message.stream.get()) {
                Some(key) => self.inbox.push_back((key, message)),
                None => self.diary.strange(now, format!("a message on stream {}", message.stream)),
            }
        }
        for event in later {
            self.diary.note(now, format!("{event:?}"));
            self.hear_association(now, event);
        }
    }

    fn take_message(&mut self) -> Option<sctp::Message> {
        let End::Bare(association) = &mut self.end else { return None };
        self.meter.count(|| association.take_message())
    }

    /// Whose messages come on a stream.
    fn key_of(&self, stream: u16) -> Option<Key> {
        let flow = self.plan.flows.iter().position(|flow| flow.stream == stream)?;
        let opener = self.plan.flows.get(flow)?.side;
        let direction = usize::from(opener == self.side);
        let round = self.heard_rounds.get(&stream).copied().unwrap_or(0);
        Some(Key { flow, direction, epoch: self.diary.epoch, round })
    }

    fn read_inbox(&mut self, now: Instant) -> bool {
        let Some((key, message)) = self.inbox.pop_front() else { return false };
        let mark = Mark::of(&message.payload, message.ppid.get() == 1);
        self.diary.hear(now, key, mark);
        let End::Bare(association) = &mut self.end else { return false };
        self.meter.count(|| {
            association.release(message.payload.len());
            drop(message);
        });
        true
    }

    fn hear_association(&mut self, now: Instant, event: sctp::Event) {
        use sctp::Event;
        match event {
            Event::StreamsReset { incoming } => {
                for stream in incoming {
                    *self.heard_rounds.entry(stream.get()).or_default() += 1;
                }
            }
            Event::ResetDone { outgoing } => {
                for stream in outgoing {
                    self.hear_finished(now, stream.get());
                }
            }
            Event::ResetDenied { outgoing } => {
                self.diary.strange(now, format!("no reset of {outgoing:?}"));
            }
            Event::Abandoned { .. } => self.diary.abandoned += 1,
            Event::Writable => self.unblock(now),
            Event::Closed(reason) => self.hear_end(now, reason),
            _ => {}
        }
    }

    /// The association stands, perhaps again.
    fn hear_connected(&mut self, now: Instant) {
        self.diary.connected.get_or_insert(now);
        if std::mem::replace(&mut self.connected, true) {
            self.diary.epoch += 1;
            self.diary.note(now, format!("the peer began anew: epoch {}", self.diary.epoch));
            self.heard_rounds.clear();
            let plan = std::sync::Arc::clone(&self.plan);
            for index in 0..self.lanes.len() {
                let Some(key) = self.lanes.get(index).map(|lane| lane.key) else { continue };
                let Some(flow) = plan.flows.get(key.flow) else { continue };
                let due = self.first_due(flow, key.direction, now);
                let epoch = self.diary.epoch;
                if let Some(lane) = self.lanes.get_mut(index) {
                    lane.restart(epoch, due);
                }
            }
            return;
        }
        for lane in &mut self.lanes {
            let waits = matches!(lane.phase, Phase::Sending(_));
            let flow = self.plan.flows.get(lane.key.flow);
            let start = flow.map_or(now, |flow| (Instant::ZERO + flow.start).max(now));
            if lane.due.is_none() && (waits || self.plan.style == Style::Bare) {
                lane.due = Some(start);
            }
        }
    }

    /// A channel that this side closed is closed, or a stream begun anew.
    fn hear_finished(&mut self, now: Instant, id: u16) {
        self.diary.rounds += 1;
        let Some(lane) = self.lanes.iter_mut().find(|lane| lane.id() == Some(id)) else { return };
        let rounds = self.plan.flows.get(lane.key.flow).map_or(1, |flow| flow.rounds);
        if lane.key.round + 1 < rounds {
            lane.advance(now);
        } else {
            (lane.phase, lane.due) = (Phase::Done, None);
        }
    }

    fn unblock(&mut self, now: Instant) {
        for lane in &mut self.lanes {
            if let Phase::Blocked(id) = lane.phase {
                (lane.phase, lane.due) = (Phase::Sending(id), Some(now));
            }
        }
    }

    fn hear_end(&mut self, now: Instant, reason: sctp::CloseReason) {
        self.stopped = true;
        self.diary.closed = Some((now, reason));
    }
}
