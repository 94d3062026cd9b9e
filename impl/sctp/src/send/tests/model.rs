//! Arbitrary conversations: with an honest peer everything arrives, whatever the network does; with any
//! peer every sum stays right.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use base::{Reader, Rng};
use bytes::Bytes;
use rstest::rstest;

use super::*;
use crate::{
    Misdeed, Ppid, Reliability, Scheduler, SendOptions, StreamId, Tsn,
    send::{Detection, tests::talk::config},
    wire::{Chunk, GapBlock, List, Sack},
};

/// A piece of a message as it arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Piece {
    begins: bool,
    ends: bool,
    stream: u16,
    unordered: bool,
    number: u32,
    fragment: u32,
    payload: Vec<u8>,
}

/// A peer that remembers everything.
#[derive(Default)]
struct Peer {
    /// By number counted from 1.
    pieces: BTreeMap<u32, Piece>,
    arrived: BTreeSet<u32>,
    cumulative: u32,
    twice: Vec<u32>,
}

impl Peer {
    fn take(&mut self, initial: u32, packet: &[u8]) {
        let mut reader = Reader::new(packet);
        let count = |tsn: Tsn| tsn.get().wrapping_sub(initial).wrapping_add(1);
        while !reader.is_empty() {
            let (at, piece) = match Chunk::read(&mut reader).unwrap() {
                Chunk::Data(data) => {
                    let piece = Piece {
                        begins: data.flags.beginning,
                        ends: data.flags.ending,
                        stream: data.stream.get(),
                        unordered: data.flags.unordered,
                        number: u32::from(data.ssn.get()),
                        fragment: 0,
                        payload: data.payload.to_vec(),
                    };
                    (count(data.tsn), piece)
                }
                Chunk::IData(data) => {
                    let piece = Piece {
                        begins: data.flags.beginning,
                        ends: data.flags.ending,
                        stream: data.stream.get(),
                        unordered: data.flags.unordered,
                        number: data.mid.get(),
                        fragment: data.fsn().get(),
                        payload: data.payload.to_vec(),
                    };
                    (count(data.tsn), piece)
                }
                Chunk::ForwardTsn(forward) => {
                    self.cumulative = self.cumulative.max(count(forward.new_cumulative));
                    continue;
                }
                Chunk::IForwardTsn(forward) => {
                    self.cumulative = self.cumulative.max(count(forward.new_cumulative));
                    continue;
                }
                other => panic!("{other}"),
            };
            assert!(!piece.payload.is_empty(), "RFC 9260 §6.2");
            if at <= self.cumulative || !self.arrived.insert(at) {
                self.twice.push(at);
                if let Some(known) = self.pieces.get(&at) {
                    assert_eq!(known, &piece, "what goes again is the same");
                }
                continue;
            }
            self.pieces.insert(at, piece);
        }
        while self.arrived.remove(&(self.cumulative + 1)) {
            self.cumulative += 1;
        }
        self.arrived = self.arrived.split_off(&(self.cumulative + 1));
        while self.arrived.remove(&(self.cumulative + 1)) {
            self.cumulative += 1;
        }
    }

    fn acknowledge(&mut self) -> Ack {
        let mut blocks: Vec<(u32, u32)> = Vec::new();
        for &at in &self.arrived {
            match blocks.last_mut() {
                Some(last) if last.1 + 1 == at => last.1 = at,
                _ => blocks.push((at, at)),
            }
        }
        blocks.truncate(200);
        Ack { cumulative: self.cumulative, blocks, twice: std::mem::take(&mut self.twice) }
    }

    /// Messages that came whole, by stream; whether their pieces fit together is looked at.
    fn messages(&self, interleaved: bool) -> BTreeMap<(u16, bool), Vec<Vec<u8>>> {
        let mut out: BTreeMap<_, Vec<Vec<u8>>> = BTreeMap::new();
        if interleaved {
            let mut by_message: BTreeMap<_, Vec<&Piece>> = BTreeMap::new();
            for piece in self.pieces.values() {
                let key = (piece.stream, piece.unordered, piece.number);
                by_message.entry(key).or_default().push(piece);
            }
            for ((stream, unordered, _), mut pieces) in by_message {
                pieces.sort_by_key(|piece| piece.fragment);
                let is_run = pieces.iter().zip(0..).all(|(piece, at)| piece.fragment == at);
                let whole = is_run && pieces[0].begins && pieces[pieces.len() - 1].ends;
                if whole {
                    let bytes = pieces.iter().flat_map(|piece| piece.payload.clone()).collect();
                    out.entry((stream, unordered)).or_default().push(bytes);
                }
            }
            return out;
        }
        let mut building: Option<(u32, Vec<u8>)> = None;
        for (&at, piece) in &self.pieces {
            if piece.begins {
                building = Some((at, Vec::new()));
            }
            let Some((next, bytes)) = &mut building else { continue };
            if *next != at {
                building = None;
                continue;
            }
            *next += 1;
            bytes.extend_from_slice(&piece.payload);
            if piece.ends
                && let Some((_, bytes)) = building.take()
            {
                out.entry((piece.stream, piece.unordered)).or_default().push(bytes);
            }
        }
        out
    }
}

#[derive(Clone, Debug)]
struct Ack {
    cumulative: u32,
    blocks: Vec<(u32, u32)>,
    twice: Vec<u32>,
}

/// Dice with handy faces.
struct Dice(Rng);

impl Dice {
    fn below(&mut self, most: u32) -> u32 {
        self.0.public_u32() % most
    }

    fn pick(&mut self, length: usize) -> usize {
        usize::try_from(self.0.public_u32()).unwrap() % length
    }
}

/// One conversation through a bad network.
struct World {
    talk: Talk,
    peer: Peer,
    dice: Dice,
    there: Vec<Vec<u8>>,
    back: Vec<Ack>,
    sent: BTreeMap<(u16, bool), Vec<Vec<u8>>>,
    partial: BTreeSet<Vec<u8>>,
    count: u32,
    interleaved: bool,
}

impl World {
    fn new(seed: u64, interleaved: bool, detection: Detection) -> Self {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&seed.to_be_bytes());
        let mut dice = Dice(Rng::from_seed(bytes));
        let initial = [0xffff_ffe0, 0x7fff_fff0, 1, dice.0.public_u32()][dice.pick(4)];
        let config = crate::send::SenderConfig { detection, ..config() };
        let mut talk = Talk::with(config, initial);
        if interleaved {
            talk.sender.interleave();
        }
        Self {
            talk,
            peer: Peer::default(),
            dice,
            there: Vec::new(),
            back: Vec::new(),
            sent: BTreeMap::new(),
            partial: BTreeSet::new(),
            count: 0,
            interleaved,
        }
    }

    fn send(&mut self) {
        let stream = u16::try_from(self.dice.below(4)).unwrap();
        let reliability = match self.dice.below(6) {
            0 => Reliability::Retransmits(u16::try_from(self.dice.below(2)).unwrap()),
            1 => Reliability::Lifetime(Duration::from_millis(u64::from(self.dice.below(400)))),
            2 => Reliability::Priority(self.dice.below(3)),
            _ => Reliability::Reliable,
        };
        let unordered = self.dice.below(4) == 0;
        let length = match self.dice.below(3) {
            0 => 8 + self.dice.below(100),
            1 => 8 + self.dice.below(3_000),
            _ => 8 + self.dice.below(20_000),
        };
        self.count += 1;
        let mut payload = vec![0; usize::try_from(length).unwrap()];
        payload[..4].copy_from_slice(&self.count.to_be_bytes());
        let options = SendOptions { unordered, reliability, immediate: false };
        let bytes = Bytes::from(payload.clone());
        let id = StreamId::new(stream);
        if self.talk.sender.enqueue(self.talk.now, id, Ppid::new(51), bytes, &options).is_ok() {
            if reliability == Reliability::Reliable {
                self.sent.entry((stream, unordered)).or_default().push(payload);
            } else {
                self.partial.insert(payload);
            }
        }
    }

    fn deliver(&mut self, at: usize) {
        let packet = self.there.remove(at);
        self.peer.take(self.talk.initial, &packet);
        let ack = self.peer.acknowledge();
        self.back.push(ack);
    }

    fn acknowledge(&mut self, at: usize) {
        let ack = self.back.remove(at);
        self.talk.try_sack(ack.cumulative, &ack.blocks, &ack.twice).unwrap();
    }

    fn step(&mut self) {
        match self.dice.below(14) {
            0 => self.send(),
            1..=4 => {
                let packet = self.talk.packet();
                if !packet.is_empty() {
                    self.there.push(packet);
                }
            }
            5..=8 if !self.there.is_empty() => {
                let at = if self.dice.below(4) == 0 { self.dice.pick(self.there.len()) } else { 0 };
                match self.dice.below(12) {
                    0 => drop(self.there.remove(at)),
                    1 => self.there.push(self.there[at].clone()),
                    _ => self.deliver(at),
                }
            }
            9..=10 if !self.back.is_empty() => {
                let at = if self.dice.below(6) == 0 { self.dice.pick(self.back.len()) } else { 0 };
                match self.dice.below(8) {
                    0 => drop(self.back.remove(at)),
                    1 => self.back.push(self.back[at].clone()),
                    _ => self.acknowledge(at),
                }
            }
            11 => self.talk.wait(u64::from(self.dice.below(30))),
            12 if self.dice.below(8) == 0 => {
                let scheduler = [
                    Scheduler::FirstComeFirstServed,
                    Scheduler::RoundRobin,
                    Scheduler::RoundRobinPerPacket,
                    Scheduler::Priority,
                    Scheduler::FairCapacity,
                    Scheduler::WeightedFair,
                ][self.dice.pick(6)];
                self.talk.sender.set_scheduler(scheduler);
                let stream = StreamId::new(u16::try_from(self.dice.below(4)).unwrap());
                match self.dice.below(3) {
                    0 => self.talk.sender.pause(stream),
                    1 => self.talk.sender.resume(stream),
                    _ => self.talk.sender.set_priority(stream, 1 << self.dice.below(11)),
                }
                self.talk.window = [1 << 20, 1 << 20, 3_000, 0][self.dice.pick(4)];
            }
            _ => self.timeout(),
        }
        while self.talk.sender.poll_event().is_some() {}
    }

    fn timeout(&mut self) {
        let now = self.talk.now;
        self.talk.sender.handle_timeout(now, &mut self.talk.control, &mut self.talk.rtt);
    }

    /// The network is well again, and the peer honest: everything has to arrive.
    fn heal(&mut self) {
        for stream in 0..4 {
            self.talk.sender.resume(StreamId::new(stream));
        }
        self.talk.window = 1 << 20;
        self.there.clear();
        self.back.clear();
        for _ in 0..200_000 {
            if self.talk.sender.is_idle() {
                return;
            }
            loop {
                let packet = self.talk.packet();
                if packet.is_empty() {
                    break;
                }
                self.there.push(packet);
            }
            self.talk.wait(10);
            while !self.there.is_empty() {
                self.deliver(0);
            }
            while !self.back.is_empty() {
                self.acknowledge(0);
            }
            self.talk.check();
            if self.talk.sender.is_idle() {
                return;
            }
            if !self.talk.sender.has_data_ready(self.talk.now, &self.talk.control)
                && let Some(deadline) = self.talk.sender.deadline()
            {
                self.talk.now = self.talk.now.max(deadline);
            }
            self.timeout();
        }
        panic!("stalled: {:?}", self.talk.sender);
    }

    fn judge(&self) {
        let found = self.peer.messages(self.interleaved);
        for (key, messages) in &self.sent {
            let reliable: Vec<_> = found
                .get(key)
                .into_iter()
                .flatten()
                .filter(|message| !self.partial.contains(*message))
                .collect();
            let expected: Vec<_> = messages.iter().collect();
            assert_eq!(reliable.len(), expected.len(), "on {key:?}");
            assert!(reliable == expected, "order and bytes on {key:?}");
        }
        let all = found.values().flatten();
        assert!(all.clone().count() <= usize::try_from(self.count).unwrap());
        let distinct: BTreeSet<_> = all.clone().collect();
        assert_eq!(distinct.len(), all.count(), "at most once");
    }
}

#[rstest]
#[case::data(false, Detection::Rack)]
#[case::interleaved(true, Detection::Rack)]
#[case::data_by_misses(false, Detection::Misses)]
#[case::interleaved_by_misses(true, Detection::Misses)]
fn everything_arrives_whatever_the_network_does(
    #[case] interleaved: bool,
    #[case] detection: Detection,
) {
    for seed in 0..60 {
        let mut world = World::new(seed, interleaved, detection);
        for step in 0..1_500 {
            world.step();
            if step % 8 == 0 {
                world.talk.check();
            }
        }
        world.heal();
        world.talk.check();
        world.judge();
        assert_eq!(world.talk.sender.in_flight(), 0);
        assert_eq!(world.talk.sender.deadline(), None, "no timer outlives its reason");
    }
}

#[rstest]
#[case(false)]
#[case(true)]
fn no_acknowledgement_spoils_the_accounts(#[case] interleaved: bool) {
    let mut refused = 0;
    for seed in 0..60 {
        let mut world = World::new(seed, interleaved, Detection::Rack);
        for step in 0..1_000 {
            world.step();
            if step % 5 == 0 {
                refused += u32::from(crafted(&mut world).is_err());
            }
            world.talk.check();
            world.back.clear();
        }
    }
    assert!(refused > 100, "{refused}");
}

/// An acknowledgement that no honest peer sends.
fn crafted(world: &mut World) -> Result<(), Misdeed> {
    let span = u32::try_from(world.talk.sender.outstanding()).unwrap();
    let dice = &mut world.dice;
    let cumulative = world.talk.sender.cumulative_tsn().get();
    let cumulative = match dice.below(6) {
        0 => cumulative.wrapping_add(dice.below(span + 2)),
        1 => cumulative.wrapping_sub(dice.below(20)),
        2 => dice.0.public_u32(),
        _ => cumulative,
    };
    let blocks: Vec<_> = (0..dice.below(6))
        .map(|_| {
            let start = dice.below(span + 3);
            let end = start.wrapping_add(dice.below(6)).wrapping_sub(dice.below(8) / 7);
            let short = |value: u32| u16::try_from(value & 0xffff).unwrap();
            GapBlock { start: short(start), end: short(end) }
        })
        .collect();
    let twice: Vec<_> = (0..dice.below(4))
        .map(|_| Tsn::new(cumulative.wrapping_add(dice.below(span + 4)).wrapping_sub(2)))
        .collect();
    let sack = Sack {
        cumulative: Tsn::new(cumulative),
        a_rwnd: [0, 1, 1 << 20, u32::MAX][dice.pick(4)],
        gaps: List::from(&blocks[..]),
        duplicates: List::from(&twice[..]),
    };
    let talk = &mut world.talk;
    talk.sender.handle_sack(talk.now, &sack, &mut talk.control, &mut talk.rtt).map(drop)
}
