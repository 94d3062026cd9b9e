//! An application at one end: it opens, sends, reads, closes, and keeps a diary.

mod hear;
mod speak;

use std::{
    collections::{BTreeMap, VecDeque},
    net::SocketAddr,
    sync::Arc,
};

use base::{Datagram, Instant, Machine, Rng, SocketError, SocketErrorKind, Transmit};
use simnet::Stream;

use super::{
    diary::Diary,
    end::End,
    lane::Lane,
    message::Key,
    plan::{AROUND, Plan, Reading},
};
use crate::memory::Meter;

/// The application of one side.
pub(crate) struct App {
    plan: Arc<Plan>,
    side: usize,
    local: SocketAddr,
    peer: SocketAddr,
    end: End,
    lanes: Vec<Lane>,
    connected: bool,
    /// Nothing more is sent: the association is being shut down.
    stopped: bool,
    /// Whose messages arrive on a channel.
    known: BTreeMap<u16, Key>,
    /// How often the peer began a stream anew.
    heard_rounds: BTreeMap<u16, u32>,
    /// Messages that were taken from the association and not read.
    inbox: VecDeque<(Key, sctp::Message)>,
    next_read: Option<Instant>,
    /// Cuts packets off.
    dice: Stream,
    pub(crate) diary: Diary,
    meter: Meter,
}

impl App {
    /// The application of a side.
    pub(crate) fn new(
        plan: &Arc<Plan>,
        side: usize,
        addresses: [SocketAddr; 2],
        (rng, dice): (Rng, Stream),
        now: Instant,
    ) -> Self {
        let [local, peer] = addresses;
        let mut meter = Meter::default();
        let habits = plan.sides.get(side).expect("there are two sides");
        let end = meter.count(|| End::new(plan, side, habits, rng, now));
        let mut app = Self {
            plan: Arc::clone(plan),
            side,
            local,
            peer,
            end,
            lanes: Vec::new(),
            connected: false,
            stopped: false,
            known: BTreeMap::new(),
            heard_rounds: BTreeMap::new(),
            inbox: VecDeque::new(),
            next_read: None,
            dice,
            diary: Diary::default(),
            meter,
        };
        app.lay_lanes(now);
        app
    }

    /// Forgets everything but its diary, and begins anew.
    pub(crate) fn restart(&mut self, now: Instant, rng: Rng) {
        self.diary.epoch += 1;
        self.diary.note(now, "forgets everything".to_owned());
        self.meter.count(|| self.inbox.clear());
        self.known.clear();
        self.heard_rounds.clear();
        self.lanes.clear();
        (self.connected, self.next_read) = (false, None);
        let plan = Arc::clone(&self.plan);
        let habits = plan.sides.get(self.side).expect("there are two sides");
        let (side, end) = (self.side, &mut self.end);
        self.meter.count(|| *end = End::new(&plan, side, habits, rng, now));
        self.lay_lanes(now);
        self.connect(now);
    }

    /// The end, to be asked.
    pub(crate) const fn end(&self) -> &End {
        &self.end
    }

    /// What it sends.
    pub(crate) fn lanes(&self) -> &[Lane] {
        &self.lanes
    }

    /// The most bytes that the end ever held.
    pub(crate) const fn most_bytes(&self) -> u64 {
        self.meter.most()
    }

    /// Most wakes in a row, and within a second, that led to nothing.
    pub(crate) const fn idle_wakes(&self) -> (u32, u32) {
        (self.meter.most_idle(), self.meter.most_empty())
    }

    pub(crate) fn connect(&mut self, now: Instant) {
        let end = &mut self.end;
        self.meter.count(|| end.connect(now));
        self.act(now);
    }

    pub(crate) fn init_chunk(&mut self) -> Vec<u8> {
        let end = &mut self.end;
        self.meter.count(|| end.init_chunk())
    }

    pub(crate) fn connect_with(&mut self, now: Instant, init: &[u8]) {
        let end = &mut self.end;
        if !self.meter.count(|| end.connect_with(now, init)) {
            self.diary.strange(now, "the INIT of the other was refused".to_owned());
        }
        self.act(now);
    }

    pub(crate) fn shutdown(&mut self, now: Instant) {
        self.diary.note(now, "shuts down".to_owned());
        self.stopped = true;
        let end = &mut self.end;
        self.meter.count(|| end.shutdown(now));
        self.act(now);
    }

    pub(crate) fn abort(&mut self, now: Instant) {
        self.diary.note(now, "aborts".to_owned());
        self.stopped = true;
        let end = &mut self.end;
        self.meter.count(|| end.abort(now));
        self.act(now);
    }

    /// Reads, then sends, as far as it is time.
    fn act(&mut self, now: Instant) {
        self.read(now);
        self.speak(now);
        // What was sent may have come of a command that told something.
        self.read(now);
    }

    /// How many messages it reads now.
    fn appetite(&mut self, now: Instant) -> usize {
        match self.plan.sides.get(self.side).map(|side| side.reading) {
            Some(Reading::Slowly(every, count)) => match self.next_read {
                None => {
                    self.next_read = Some(now + every);
                    0
                }
                Some(at) if at > now => 0,
                Some(_) => {
                    self.next_read = None;
                    count
                }
            },
            Some(Reading::Pausing(from, to)) => {
                let (from, to) = (Instant::ZERO + from, Instant::ZERO + to);
                if from <= now && now < to {
                    self.next_read = Some(to);
                    return 0;
                }
                self.next_read = None;
                usize::MAX
            }
            _ => usize::MAX,
        }
    }
}

impl Machine for App {
    type Event = ();

    fn handle_datagram(&mut self, now: Instant, datagram: Datagram<'_>) {
        let Self { plan, side, dice, .. } = self;
        let way = plan.ways.get(1 - *side).copied().unwrap_or_default();
        let storm = now < Instant::ZERO + plan.storm;
        let cut = storm && way.truncate > 0 && dice.chance(f64::from(way.truncate) / 100.0);
        let whole = datagram.payload;
        let length = if cut { dice.below(whole.len() as u64) } else { whole.len() as u64 };
        let packet = usize::try_from(length).ok().and_then(|length| whole.get(..length));
        let end = &mut self.end;
        self.meter.count(|| end.handle_packet(now, packet.unwrap_or_default(), datagram.ecn));
        self.act(now);
    }

    fn handle_socket_error(&mut self, now: Instant, error: SocketError) {
        if let SocketErrorKind::TooBig { mtu } = error.kind {
            let bytes = usize::try_from(mtu.saturating_sub(AROUND)).unwrap_or(0);
            let end = &mut self.end;
            self.meter.count(|| end.set_max_packet(now, bytes));
        }
    }

    fn handle_timeout(&mut self, now: Instant) {
        let due = self.end.poll_timeout().is_some_and(|at| at <= now);
        if due {
            self.meter.due(now);
        }
        let end = &mut self.end;
        self.meter.count(|| end.handle_timeout(now));
        let still = self.end.poll_timeout().is_some_and(|at| at <= now);
        self.meter.woken(due && still);
        self.act(now);
    }

    fn poll_transmit(&mut self, now: Instant, buffer: &mut Vec<u8>) -> Option<Transmit> {
        let end = &mut self.end;
        let polled = self.meter.budgeted(buffer, |buffer| end.poll_packet(now, buffer));
        self.meter.moved(polled.is_some());
        let packet = polled?;
        let mut transmit = Transmit::new(self.peer, packet.size).from(self.local);
        transmit.ecn = packet.ecn;
        Some(transmit)
    }

    fn poll_event(&mut self) -> Option<()> {
        None
    }

    fn poll_timeout(&self) -> Option<Instant> {
        let lanes = self.lanes.iter().filter_map(|lane| lane.due).min();
        let lanes = lanes.filter(|_| !self.stopped);
        [self.end.poll_timeout(), self.next_read, lanes].into_iter().flatten().min()
    }
}
