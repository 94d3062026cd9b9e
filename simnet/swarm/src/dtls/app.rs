//! An application at one end: it sends numbered messages once it may, and keeps a diary.

use std::{
    collections::{BTreeMap, VecDeque},
    net::SocketAddr,
    sync::Arc,
    time::Duration,
};

use base::{Datagram, Instant, Machine, Rng, Transmit};
use dtls::{CloseReason, Config, Event, Fingerprint};

use super::end::End;
use crate::memory::Meter;

/// What an application is set up with.
#[derive(Clone, Debug)]
pub(crate) struct Habits {
    /// 0 for the client, 1 for the server.
    pub(crate) side: usize,
    /// From which the messages grow.
    pub(crate) seed: u64,
    /// Where it lives, and where it moves to.
    pub(crate) ports: [SocketAddr; 2],
    pub(crate) peer: SocketAddr,
    pub(crate) pace: Duration,
    /// Longest message.
    pub(crate) longest: u64,
    /// What it knows of the path.
    pub(crate) mtu: Option<usize>,
    pub(crate) round_trip: Option<Duration>,
    /// The fingerprint it is told of late, and when.
    pub(crate) late: Option<(Instant, Fingerprint)>,
}

/// The application of one side.
pub(crate) struct App {
    habits: Habits,
    end: End,
    late: Option<(Instant, Fingerprint)>,
    /// When it sends its next message.
    next: Option<Instant>,
    /// Messages that are sealed and not sent yet.
    outgoing: VecDeque<(Transmit, Vec<u8>)>,
    /// Which of its ports it sends from.
    port: usize,
    pub(crate) diary: Diary,
    meter: Meter,
}

/// What happened to an application.
#[derive(Clone, Debug, Default)]
pub(crate) struct Diary {
    pub(crate) connected: Option<Instant>,
    pub(crate) closed: Option<(Instant, CloseReason)>,
    /// Events in words.
    pub(crate) notes: Vec<(Instant, String)>,
    /// What it sent and when, by number.
    pub(crate) sent: BTreeMap<u64, Instant>,
    /// How often each message of the other side came.
    pub(crate) received: BTreeMap<u64, u32>,
    /// Messages that are not what the other sent.
    pub(crate) garbled: u64,
    /// Datagrams and bytes of the handshake and after it, but for messages.
    pub(crate) datagrams: u64,
    pub(crate) bytes: u64,
    pub(crate) refused_updates: u64,
}

impl App {
    /// A client or a server; `config` says what it speaks.
    pub(crate) fn new(habits: Habits, config: Arc<Config>, rng: Rng, now: Instant) -> Self {
        let mut meter = Meter::default();
        let end = meter.count(|| End::new(&habits, config, rng, now));
        let late = habits.late.clone();
        let diary = Diary::default();
        Self { habits, end, late, next: None, outgoing: VecDeque::new(), port: 0, diary, meter }
    }

    /// The end, to be asked.
    pub(crate) const fn end(&self) -> &End {
        &self.end
    }

    /// The most bytes that the end ever held.
    pub(crate) const fn most_bytes(&self) -> u64 {
        self.meter.most()
    }

    /// Most wakes in a row, and within a second, that led to nothing.
    pub(crate) const fn idle_wakes(&self) -> (u32, u32) {
        (self.meter.most_idle(), self.meter.most_empty())
    }

    /// Sends from another port from now on.
    pub(crate) fn rebind(&mut self, now: Instant) {
        self.port = 1;
        self.diary.notes.push((now, "moves to another port".to_owned()));
    }

    /// Updates the keys of its direction, and perhaps of the other.
    pub(crate) fn update_keys(&mut self, now: Instant, asks: bool) {
        let end = &mut self.end;
        let done = self.meter.count(|| end.update_keys(now, asks));
        // The one before may still be under way.
        self.diary.refused_updates += u64::from(!done);
        self.react(now);
    }

    /// Sends no more messages.
    pub(crate) const fn quiet(&mut self) {
        self.next = None;
    }

    fn react(&mut self, now: Instant) {
        while let Some(event) = self.meter.count(|| self.end.poll_event()) {
            self.meter.moved(true);
            if let Event::Data(data) = event {
                self.hear(data);
                continue;
            }
            self.diary.notes.push((now, format!("{event:?}")));
            match event {
                Event::Connected => {
                    self.diary.connected = Some(now);
                    self.next = Some(now);
                }
                Event::Closed(reason) => {
                    self.diary.closed = Some((now, reason));
                    self.next = None;
                }
                _ => {}
            }
        }
    }

    fn hear(&mut self, data: Vec<u8>) {
        let peer = 1 - self.habits.side;
        let number = number_of(&data)
            .filter(|number| message(self.habits.seed, peer, *number, data.len()) == data);
        match number {
            Some(number) => *self.diary.received.entry(number).or_default() += 1,
            None => self.diary.garbled += 1,
        }
        // What the end allocated is given back.
        self.meter.count(|| drop(data));
    }

    fn act(&mut self, now: Instant) {
        if let Some((_, fingerprint)) = self.late.take_if(|(at, _)| *at <= now) {
            let end = &mut self.end;
            self.meter.count(|| end.set_remote_fingerprint(now, fingerprint));
        }
        if self.next.is_some_and(|at| at <= now) {
            self.next = Some(now + self.habits.pace);
            self.speak(now);
        }
        self.react(now);
    }

    fn speak(&mut self, now: Instant) {
        let number = self.diary.sent.len() as u64;
        let spread = self.habits.longest.saturating_sub(HEAD as u64).max(1);
        let length = HEAD + usize::try_from(number * 7_919 % spread).unwrap_or(0);
        let data = message(self.habits.seed, self.habits.side, number, length);
        let mut sealed = Vec::new();
        let end = &mut self.end;
        let sent = self.meter.budgeted(&mut sealed, |sealed| end.send(now, &data, sealed));
        if let Some(transmit) = sent {
            self.diary.sent.insert(number, now);
            self.outgoing.push_back((transmit, sealed));
        }
    }
}

/// Bytes of the number of a message.
pub(crate) const HEAD: usize = 8;

fn number_of(data: &[u8]) -> Option<u64> {
    data.first_chunk::<HEAD>().map(|head| u64::from_be_bytes(*head))
}

/// A message of a side: its number, and bytes that follow from it.
fn message(seed: u64, side: usize, number: u64, length: usize) -> Vec<u8> {
    let mut data = number.to_be_bytes().to_vec();
    let mut state = seed ^ (number << 1 | side as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    while data.len() < length {
        state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
        data.extend_from_slice(&state.to_be_bytes());
    }
    data.truncate(length);
    data
}

impl Machine for App {
    type Event = ();

    fn handle_datagram(&mut self, now: Instant, datagram: Datagram<'_>) {
        let end = &mut self.end;
        self.meter.count(|| end.receive(now, datagram));
        self.react(now);
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
        let source = self.habits.ports.get(self.port).copied()?;
        if let Some((transmit, bytes)) = self.outgoing.pop_front() {
            buffer.extend_from_slice(&bytes);
            return Some(transmit.from(source));
        }
        let end = &mut self.end;
        let polled = self.meter.budgeted(buffer, |buffer| end.poll_transmit(now, buffer));
        self.meter.moved(polled.is_some());
        let transmit = polled?;
        self.diary.datagrams += 1;
        self.diary.bytes += transmit.size as u64;
        Some(transmit.from(source))
    }

    fn poll_event(&mut self) -> Option<()> {
        None
    }

    fn poll_timeout(&self) -> Option<Instant> {
        let late = self.late.as_ref().map(|(at, _)| *at);
        [self.end.poll_timeout(), self.next, late].into_iter().flatten().min()
    }
}
