//! Dialogues of two associations on a network that does what a test says.

mod blue;
mod bulk;
mod ecn;
mod endings;
mod laws;
mod loss;
mod path;
mod restart;
mod setup;
mod snap;
mod states;
mod tampering;

use std::{fmt::Write as _, time::Duration};

use base::{Ecn, Instant, Rng, Writer};
use bytes::Bytes;

use crate::{
    Association, Config, Event, Features, Message, Ppid, SendOptions, StreamId,
    wire::{self, Chunk, HEADER_LENGTH, Header, Packet},
};

/// One way through the network.
const DELAY: Duration = Duration::from_millis(50);

/// What the network does to a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    Arrive,
    Lose,
    Twice,
    Late(Duration),
    Mark,
}

/// Decides about the packet with this number, counted from 0 over both ends.
type Network = Box<dyn FnMut(usize, usize, &[u8]) -> Fate>;

/// Two ends, called A and B.
pub(super) struct Pair {
    pub(super) now: Instant,
    pub(super) ends: [Association; 2],
    pub(super) network: Network,
    /// Longest packets that pass.
    pub(super) mtu: usize,
    flying: Vec<(Instant, usize, Vec<u8>, Ecn)>,
    pub(super) sent: usize,
    pub(super) ladder: String,
    pub(super) events: [Vec<Event>; 2],
    pub(super) messages: [Vec<Message>; 2],
    /// Every packet that left.
    pub(super) packets: Vec<(usize, Vec<u8>)>,
}

pub(super) const A: usize = 0;
pub(super) const B: usize = 1;

/// What the tests are set up with: no searches of the path and no idle heartbeats in the ladders.
pub(super) fn quiet() -> Config {
    Config {
        max_probe: 0,
        heartbeat_interval: None,
        features: Features { zero_checksum: false, ..Features::default() },
        ..Config::default()
    }
}

pub(super) fn end(config: Config, seed: u8) -> Association {
    Association::new(config, Rng::from_seed([seed; 32]), Instant::ZERO)
}

impl Pair {
    pub(super) fn new(config: &Config) -> Self {
        Self::of(end(config.clone(), 1), end(config.clone(), 2))
    }

    pub(super) fn of(a: Association, b: Association) -> Self {
        Self {
            now: Instant::ZERO,
            ends: [a, b],
            network: Box::new(|_, _, _| Fate::Arrive),
            mtu: usize::MAX,
            flying: Vec::new(),
            sent: 0,
            ladder: String::new(),
            events: Default::default(),
            messages: Default::default(),
            packets: Vec::new(),
        }
    }

    /// Two ends between which an association stands.
    pub(super) fn standing(config: &Config) -> Self {
        let mut pair = Self::new(config);
        pair.ends[A].connect(pair.now).unwrap();
        pair.run_for(Duration::from_secs(1));
        assert_eq!(pair.events, [vec![Event::Connected], vec![Event::Connected]]);
        pair.ladder.clear();
        pair.events = Default::default();
        pair.sent = 0;
        pair.packets.clear();
        pair
    }

    pub(super) fn send(&mut self, from: usize, stream: u16, payload: &[u8]) {
        let payload = Bytes::copy_from_slice(payload);
        let (stream, ppid) = (StreamId::new(stream), Ppid::new(53));
        let options = SendOptions::default();
        self.ends[from].send(self.now, stream, ppid, payload, &options).unwrap();
    }

    /// Lets time pass.
    pub(super) fn run_for(&mut self, time: Duration) {
        let end = self.now + time;
        loop {
            self.drain();
            let arrival = self.flying.iter().map(|packet| packet.0).min();
            let timers = self.ends.iter().filter_map(|end| end.poll_timeout());
            let next = arrival.into_iter().chain(timers).min().filter(|next| *next <= end);
            let Some(next) = next else { break };
            self.now = self.now.max(next);
            self.deliver();
            for association in &mut self.ends {
                if association.poll_timeout().is_some_and(|at| at <= self.now) {
                    association.handle_timeout(self.now);
                    let later = association.poll_timeout();
                    assert!(later.is_none_or(|at| at > self.now), "{later:?} is not later");
                }
            }
        }
        self.now = end;
    }

    /// Lets everything that was sent leave, and everything that happened be told.
    pub(super) fn drain(&mut self) {
        for from in [A, B] {
            let mut buffer = Vec::new();
            while let Some(out) = self.ends[from].poll_packet(self.now, &mut buffer) {
                let packet = buffer.split_off(buffer.len() - out.size);
                assert!(buffer.is_empty());
                self.launch(from, packet, out.ecn);
            }
            let events = std::iter::from_fn(|| self.ends[from].poll_event());
            // How full the buffer is has tests of its own.
            self.events[from].extend(events.filter(|e| !matches!(e, Event::BufferedLow(_))));
            let messages = std::iter::from_fn(|| self.ends[from].poll_message());
            self.messages[from].extend(messages);
        }
    }

    fn launch(&mut self, from: usize, packet: Vec<u8>, ecn: Ecn) {
        let mut fate = (self.network)(self.sent, from, &packet);
        if packet.len() > self.mtu {
            fate = Fate::Lose;
        }
        self.sent += 1;
        self.note(from, &packet, fate);
        self.packets.push((from, packet.clone()));
        let at = self.now + DELAY;
        let to = 1 - from;
        match fate {
            Fate::Arrive => self.flying.push((at, to, packet, ecn)),
            Fate::Lose => {}
            Fate::Twice => {
                self.flying.push((at, to, packet.clone(), ecn));
                self.flying.push((at, to, packet, ecn));
            }
            Fate::Late(more) => self.flying.push((at + more, to, packet, ecn)),
            Fate::Mark => self.flying.push((at, to, packet, Ecn::Ce)),
        }
    }

    fn note(&mut self, from: usize, packet: &[u8], fate: Fate) {
        let way = if from == A { "A > B" } else { "A < B" };
        let millis = self.now.as_nanos() / 1_000_000;
        let text = show(packet);
        let fate = match fate {
            Fate::Arrive => String::new(),
            other => format!("  ({other:?})").to_lowercase(),
        };
        let (seconds, millis) = (millis / 1_000, millis % 1_000);
        writeln!(self.ladder, "{seconds:>4}.{millis:03} {way}  {text}{fate}").unwrap();
    }

    fn deliver(&mut self) {
        let now = self.now;
        let (due, later) = std::mem::take(&mut self.flying).into_iter().partition(|p| p.0 <= now);
        self.flying = later;
        let due: Vec<(Instant, usize, Vec<u8>, Ecn)> = due;
        for (_, to, packet, ecn) in due {
            self.ends[to].handle_packet(now, &packet, ecn);
        }
    }

    /// Hands `packet` to one end at once.
    pub(super) fn hand(&mut self, to: usize, packet: &[u8]) {
        self.ends[to].handle_packet(self.now, packet, Ecn::NotEct);
    }

    /// What an end says at once, as text.
    pub(super) fn says(&mut self, from: usize) -> Vec<String> {
        self.poll_all(from).iter().map(|packet| show(packet)).collect()
    }

    /// What an end says at once.
    pub(super) fn poll_all(&mut self, from: usize) -> Vec<Vec<u8>> {
        let mut packets = Vec::new();
        let mut buffer = Vec::new();
        while let Some(out) = self.ends[from].poll_packet(self.now, &mut buffer) {
            packets.push(buffer.split_off(buffer.len() - out.size));
        }
        packets
    }

    /// The tag that packets to `end` carry.
    pub(super) fn tag_of(&self, end: usize) -> u32 {
        self.ends[end].state.local_tag().unwrap()
    }

    /// A packet to `to` with its tag and these chunks.
    pub(super) fn packet_to(&self, to: usize, chunks: &[Chunk<'_>]) -> Vec<u8> {
        packet(self.tag_of(to), chunks)
    }
}

/// A sealed packet.
pub(super) fn packet(tag: u32, chunks: &[Chunk<'_>]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut writer = Writer::new(&mut bytes);
    let header = Header { source_port: 5_000, destination_port: 5_000, verification_tag: tag };
    header.write(&mut writer);
    chunks.iter().for_each(|chunk| chunk.write(&mut writer));
    wire::seal(&mut bytes);
    bytes
}

/// The chunks of a packet as text.
pub(super) fn show(bytes: &[u8]) -> String {
    let chunks = Packet::parse(bytes).unwrap().chunks();
    let chunks: Vec<_> = chunks.map(|chunk| chunk.unwrap().to_string()).collect();
    chunks.join(" | ")
}

/// The type of a packet's first chunk.
pub(super) fn kind(bytes: &[u8]) -> wire::ChunkType {
    wire::ChunkType::new(bytes[HEADER_LENGTH])
}
