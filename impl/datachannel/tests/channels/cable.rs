//! A cable between two ends, on virtual time.

use std::{collections::BTreeMap, time::Duration};

use base::{Ecn, Instant, Rng};
use bytes::Bytes;
use datachannel::{ChannelConfig, ChannelId, Channels, Config, Data, Event, Role, ppid};
use sctp::{Association, Message, Ppid, SendOptions, StreamId};

/// Whether a packet of an end (0 or 1), the so-many-th it sent, gets lost.
type Lose = Box<dyn FnMut(usize, u64, &[u8]) -> bool>;

/// What can be at an end of the cable.
pub(crate) trait End {
    fn packet(&mut self, now: Instant, packet: &[u8]);
    fn timeout(&mut self, now: Instant);
    fn poll(&mut self, now: Instant, buffer: &mut Vec<u8>) -> bool;
    fn deadline(&self) -> Option<Instant>;
    /// Takes what there is to hear.
    fn listen(&mut self);
}

/// Channels, and what they told.
pub(crate) struct Talker {
    pub(crate) channels: Channels,
    pub(crate) events: Vec<Event>,
    /// Whether events are fetched.
    pub(crate) reads: bool,
}

/// An association that says what a test has it say, and what it heard.
pub(crate) struct Script {
    pub(crate) association: Association,
    pub(crate) messages: Vec<Message>,
    pub(crate) events: Vec<sctp::Event>,
}

pub(crate) struct Cable<A, B> {
    pub(crate) now: Instant,
    pub(crate) a: A,
    pub(crate) b: B,
    /// Packets on their way: when they arrive, which they are, at which end.
    wire: BTreeMap<(Instant, u64), (usize, Vec<u8>)>,
    count: u64,
    sent: [u64; 2],
    lose: Lose,
}

const DELAY: Duration = Duration::from_millis(10);

impl<A: End, B: End> Cable<A, B> {
    pub(crate) fn new(a: A, b: B) -> Self {
        let (now, wire, lose) = (Instant::ZERO, BTreeMap::new(), Box::new(|_, _, _: &[u8]| false));
        Self { now, a, b, wire, count: 0, sent: [0; 2], lose }
    }

    /// From now on, packets get lost as `lose` says; each end's are counted from 1.
    pub(crate) fn losing(&mut self, lose: impl FnMut(usize, u64, &[u8]) -> bool + 'static) {
        self.sent = [0; 2];
        self.lose = Box::new(lose);
    }

    /// Lets so much time pass.
    pub(crate) fn run(&mut self, time: Duration) {
        let end = self.now + time;
        for step in 0.. {
            assert!(
                step < 200_000,
                "no end at {}: {} packets on the way",
                self.now,
                self.wire.len()
            );
            self.drain();
            let arrival = self.wire.keys().next().map(|(at, _)| *at);
            let next = [arrival, self.a.deadline(), self.b.deadline()].into_iter().flatten().min();
            let Some(at) = next.filter(|at| *at <= end) else { break };
            self.now = at.max(self.now);
            self.step();
        }
        self.now = end;
    }

    /// Runs long enough for anything that is not lost again and again.
    pub(crate) fn settle(&mut self) {
        self.run(Duration::from_secs(20));
    }

    fn step(&mut self) {
        let due = self.wire.first_entry().filter(|entry| entry.key().0 <= self.now);
        if let Some(entry) = due {
            let (to, packet) = entry.remove();
            match to {
                0 => self.a.packet(self.now, &packet),
                _ => self.b.packet(self.now, &packet),
            }
            return;
        }
        self.a.timeout(self.now);
        self.b.timeout(self.now);
    }

    fn drain(&mut self) {
        let mut packet = Vec::new();
        while self.a.poll(self.now, &mut packet) {
            self.carry(0, &mut packet);
        }
        while self.b.poll(self.now, &mut packet) {
            self.carry(1, &mut packet);
        }
        self.a.listen();
        self.b.listen();
    }

    fn carry(&mut self, from: usize, packet: &mut Vec<u8>) {
        self.count += 1;
        self.sent[from] += 1;
        let packet = std::mem::take(packet);
        if !(self.lose)(from, self.sent[from], &packet) {
            self.wire.insert((self.now + DELAY, self.count), (1 - from, packet));
        }
    }
}

impl End for Talker {
    fn packet(&mut self, now: Instant, packet: &[u8]) {
        self.channels.handle_packet(now, packet, Ecn::NotEct);
    }

    fn timeout(&mut self, now: Instant) {
        self.channels.handle_timeout(now);
    }

    fn poll(&mut self, now: Instant, buffer: &mut Vec<u8>) -> bool {
        self.channels.poll_packet(now, buffer).is_some()
    }

    fn deadline(&self) -> Option<Instant> {
        self.channels.poll_timeout()
    }

    fn listen(&mut self) {
        while self.reads
            && let Some(event) = self.channels.poll_event()
        {
            self.events.push(event);
        }
    }
}

impl End for Script {
    fn packet(&mut self, now: Instant, packet: &[u8]) {
        self.association.handle_packet(now, packet, Ecn::NotEct);
    }

    fn timeout(&mut self, now: Instant) {
        self.association.handle_timeout(now);
    }

    fn poll(&mut self, now: Instant, buffer: &mut Vec<u8>) -> bool {
        self.association.poll_packet(now, buffer).is_some()
    }

    fn deadline(&self) -> Option<Instant> {
        self.association.poll_timeout()
    }

    fn listen(&mut self) {
        while let Some(message) = self.association.poll_message() {
            self.messages.push(message);
        }
        while let Some(event) = self.association.poll_event() {
            self.events.push(event);
        }
    }
}

impl Talker {
    pub(crate) fn new(config: Config) -> Self {
        let seed = [u8::from(config.role == Role::Odd) + 1; 32];
        let channels = Channels::new(config, Rng::from_seed(seed), Instant::ZERO);
        Self { channels, events: Vec::new(), reads: true }
    }

    /// What was told since this was last asked, but for what most tests are not about.
    pub(crate) fn heard(&mut self) -> Vec<Event> {
        let mut events = self.heard_all();
        events.retain(|it| !matches!(it, Event::Connected | Event::BufferedLow(_)));
        events
    }

    /// What was told since this was last asked.
    pub(crate) fn heard_all(&mut self) -> Vec<Event> {
        self.listen();
        std::mem::take(&mut self.events)
    }
}

impl Script {
    pub(crate) fn new(config: sctp::Config) -> Self {
        let association = Association::new(config, Rng::from_seed([9; 32]), Instant::ZERO);
        Self { association, messages: Vec::new(), events: Vec::new() }
    }

    /// Streams that the other end has begun anew.
    pub(crate) fn resets(&self) -> Vec<u16> {
        let streams = self.events.iter().filter_map(|event| match event {
            sctp::Event::StreamsReset { incoming } => Some(incoming),
            _ => None,
        });
        streams.flatten().map(|stream| stream.get()).collect()
    }

    /// What came on a stream: identifier, order, bytes.
    pub(crate) fn heard(&self, stream: u16) -> Vec<(u32, bool, Vec<u8>)> {
        let on = self.messages.iter().filter(|message| message.stream.get() == stream);
        on.map(|it| (it.ppid.get(), it.unordered, it.payload.to_vec())).collect()
    }
}

impl<A: End> Cable<A, Script> {
    /// The script says something, in order and reliably.
    pub(crate) fn say(&mut self, stream: u16, ppid: Ppid, bytes: &[u8]) {
        self.say_with(stream, ppid, bytes, &SendOptions::default());
    }

    pub(crate) fn say_with(&mut self, stream: u16, ppid: Ppid, bytes: &[u8], how: &SendOptions) {
        let payload = Bytes::copy_from_slice(bytes);
        let association = &mut self.b.association;
        association.send(self.now, StreamId::new(stream), ppid, payload, how).unwrap();
    }

    /// The script opens a reliable, ordered channel called "x".
    pub(crate) fn say_open(&mut self, stream: u16) {
        self.say(stream, ppid::DCEP, &[3, 0, 1, 0, 0, 0, 0, 0, 0, 1, 0, 0, b'x']);
    }

    pub(crate) fn say_reset(&mut self, stream: u16) {
        self.b.association.reset_streams(self.now, &[StreamId::new(stream)]).unwrap();
    }
}

impl<B: End> Cable<Talker, B> {
    pub(crate) fn open(&mut self, config: &ChannelConfig) -> ChannelId {
        self.a.channels.open(self.now, config).unwrap()
    }

    pub(crate) fn send(&mut self, id: ChannelId, data: Data) {
        self.a.channels.send(self.now, id, data).unwrap();
    }

    pub(crate) fn close(&mut self, id: ChannelId) {
        self.a.channels.close(self.now, id).unwrap();
    }
}

/// Associations that say nothing when there is nothing to say, so that a test sees its own packets alone.
pub(crate) fn quiet() -> sctp::Config {
    let mut config = sctp::Config::default();
    config.heartbeat_interval = None;
    config.max_probe = config.max_packet;
    config.initial_tsn = Some(sctp::Tsn::new(0xffff_fff0));
    config
}

pub(crate) fn config(role: Role) -> Config {
    let mut config = Config::new(role);
    config.association = quiet();
    config.peer_max_message = 0;
    config
}

/// Two ends with channels whose association stands.
pub(crate) fn pair() -> Cable<Talker, Talker> {
    pair_of(config(Role::Even), config(Role::Odd))
}

pub(crate) fn pair_of(even: Config, odd: Config) -> Cable<Talker, Talker> {
    let mut cable = Cable::new(Talker::new(even), Talker::new(odd));
    cable.a.channels.connect(cable.now).unwrap();
    cable.run(Duration::from_secs(1));
    assert_eq!(cable.a.events, [Event::Connected]);
    assert_eq!(cable.b.events, [Event::Connected]);
    cable.a.events.clear();
    cable.b.events.clear();
    cable
}

/// An end with channels, in the even role, and an association that a test speaks for.
pub(crate) fn beside_script() -> Cable<Talker, Script> {
    beside(config(Role::Even), quiet())
}

pub(crate) fn beside(even: Config, script: sctp::Config) -> Cable<Talker, Script> {
    let mut cable = Cable::new(Talker::new(even), Script::new(script));
    cable.a.channels.connect(cable.now).unwrap();
    cable.run(Duration::from_secs(1));
    assert!(cable.a.heard().is_empty());
    cable
}

pub(crate) fn id(number: u16) -> ChannelId {
    ChannelId::new(number).unwrap()
}
