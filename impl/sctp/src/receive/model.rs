//! The receiver beside an oracle that keeps every chunk and works everything out from the beginning.

use std::collections::{BTreeMap, BTreeSet};

use base::{Instant, Reader, Rng};
use rstest::rstest;

use super::{tests::CONFIG, *};
use crate::{
    Mid, Ssn,
    wire::{Chunk, SkippedMessage, SkippedStream},
};

/// A message that the sender cut into fragments.
struct Sent {
    stream: u16,
    unordered: bool,
    number: u32,
    parts: Vec<Vec<u8>>,
    /// The steps of its fragments.
    steps: Vec<u32>,
    abandoned: bool,
}

impl Sent {
    fn text(&self) -> Vec<u8> {
        self.parts.concat()
    }
}

/// Sender, network and oracle.
struct World {
    rng: Rng,
    interleaving: bool,
    initial: u32,
    messages: Vec<Sent>,
    /// Message and part of each step.
    chunks: Vec<(usize, usize)>,
    arrived: BTreeSet<u32>,
    /// Steps below this one arrived or were given up.
    cumulative: u32,
    /// The highest number given up, for each stream and kind.
    skipped: BTreeMap<(u16, bool), u32>,
    receiver: Receiver,
    delivered: Vec<Message>,
}

impl World {
    fn new(seed: u64, interleaving: bool) -> Self {
        let mut rng = Rng::from_seed([7; 32]).fork_numbered("world", seed);
        let initial = if seed.is_multiple_of(2) { 0xffff_ffc0 } else { rng.public_u32() };
        let receiver = Receiver::new(&CONFIG, Tsn::new(initial), interleaving);
        let mut world = Self {
            rng,
            interleaving,
            initial,
            messages: Vec::new(),
            chunks: Vec::new(),
            arrived: BTreeSet::new(),
            cumulative: 0,
            skipped: BTreeMap::new(),
            receiver,
            delivered: Vec::new(),
        };
        world.make_messages();
        world.number_chunks();
        world
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.rng.public_below(u64::try_from(bound).unwrap())).unwrap()
    }

    fn make_messages(&mut self) {
        let mut numbers = BTreeMap::<(u16, bool), u32>::new();
        for _ in 0..60 {
            let stream = u16::try_from(self.below(3)).unwrap();
            let unordered = self.below(3) == 0;
            let number = numbers.entry((stream, unordered)).or_default();
            let (sent_number, count) = (*number, 1);
            *number += 1;
            let count = count + self.below(3) * self.below(3);
            let parts = (0..count)
                .map(|_| {
                    let length = 1 + self.below(6);
                    (0..length).map(|_| self.rng.public_array::<1>()[0]).collect()
                })
                .collect();
            let steps = Vec::new();
            let number = sent_number;
            self.messages.push(Sent { stream, unordered, number, parts, steps, abandoned: false });
        }
    }

    /// Numbers the fragments: one message after the other, or in turns among streams.
    fn number_chunks(&mut self) {
        let mut queues: Vec<Vec<(usize, usize)>> = vec![Vec::new(); 3];
        for (index, message) in self.messages.iter().enumerate() {
            let queue = if self.interleaving { usize::from(message.stream) } else { 0 };
            queues[queue].extend((0..message.parts.len()).map(|part| (index, part)));
        }
        queues.iter_mut().for_each(|queue| queue.reverse());
        while queues.iter().any(|queue| !queue.is_empty()) {
            let choice = self.below(3);
            if let Some((message, part)) = queues[choice].pop() {
                let step = u32::try_from(self.chunks.len()).unwrap();
                self.messages[message].steps.push(step);
                self.chunks.push((message, part));
            }
        }
    }

    fn tsn(&self, step: u32) -> Tsn {
        Tsn::new(self.initial.wrapping_add(step))
    }

    /// One thing happens: a chunk arrives, again or early or late, or a message is given up.
    fn step(&mut self) {
        let end = u32::try_from(self.chunks.len()).unwrap();
        match self.below(10) {
            0 => {
                let step = self.rng.public_below(u64::from(end));
                let step = u32::try_from(step).unwrap();
                if step < self.cumulative || self.arrived.contains(&step) {
                    self.arrive(step);
                }
            }
            1 if self.below(3) == 0 => self.give_up(),
            _ => {
                let missing = (self.cumulative..end).filter(|step| !self.arrived.contains(step));
                let near: Vec<u32> = missing.take(12).collect();
                if !near.is_empty() {
                    let choice = self.below(near.len());
                    self.arrive(near[choice]);
                }
            }
        }
        self.receiver.end_of_packet(Instant::ZERO);
    }

    fn arrive(&mut self, step: u32) {
        let (index, part) = self.chunks[usize::try_from(step).unwrap()];
        let message = &self.messages[index];
        let flags = DataFlags {
            beginning: part == 0,
            ending: part + 1 == message.parts.len(),
            unordered: message.unordered,
            immediate: false,
        };
        let (tsn, stream) = (self.tsn(step), StreamId::new(message.stream));
        let payload = &message.parts[part][..];
        let ppid = u32::try_from(index).unwrap();
        if self.interleaving {
            let mid = Mid::new(message.number);
            let ppid_or_fsn = if part == 0 { ppid } else { u32::try_from(part).unwrap() };
            let data = IData { flags, tsn, stream, mid, ppid_or_fsn, payload };
            self.receiver.handle_i_data(Instant::ZERO, &data).unwrap();
        } else {
            let ssn = Ssn::new(u16::try_from(message.number).unwrap());
            let data = Data { flags, tsn, stream, ssn, ppid: Ppid::new(ppid), payload };
            self.receiver.handle_data(Instant::ZERO, &data).unwrap();
        }
        if step >= self.cumulative {
            self.arrived.insert(step);
        }
        self.advance();
    }

    fn advance(&mut self) {
        while self.arrived.contains(&self.cumulative) {
            self.cumulative += 1;
        }
    }

    /// The sender gives up the message that everything waits for.
    fn give_up(&mut self) {
        let Some(&(index, _)) = self.chunks.get(usize::try_from(self.cumulative).unwrap()) else {
            return;
        };
        self.messages[index].abandoned = true;
        let (old, mut new) = (self.cumulative, self.cumulative);
        let end = u32::try_from(self.chunks.len()).unwrap();
        let owner = |step: u32| self.chunks[usize::try_from(step).unwrap()].0;
        while new < end && (self.arrived.contains(&new) || self.messages[owner(new)].abandoned) {
            new += 1;
        }
        let mut told = BTreeMap::<(u16, bool), u32>::new();
        for message in (old..new).map(|step| &self.messages[owner(step)]).filter(|m| m.abandoned) {
            let highest = told.entry((message.stream, message.unordered)).or_default();
            *highest = message.number.max(*highest);
        }
        let new_cumulative = self.tsn(new.wrapping_sub(1));
        if self.interleaving {
            let entry = |(&(stream, unordered), &mid): (&(u16, bool), &u32)| SkippedMessage {
                stream: StreamId::new(stream),
                unordered,
                mid: Mid::new(mid),
            };
            let list: Vec<_> = told.iter().map(entry).collect();
            let skip = IForwardTsn { new_cumulative, skipped: List::from(&list[..]) };
            self.receiver.handle_i_forward_tsn(Instant::ZERO, &skip).unwrap();
        } else {
            let ordered = told.iter().filter(|((_, unordered), _)| !unordered);
            let entry = |(&(stream, _), &ssn): (&(u16, bool), &u32)| SkippedStream {
                stream: StreamId::new(stream),
                ssn: Ssn::new(u16::try_from(ssn).unwrap()),
            };
            let list: Vec<_> = ordered.map(entry).collect();
            let skip = ForwardTsn { new_cumulative, skipped: List::from(&list[..]) };
            self.receiver.handle_forward_tsn(Instant::ZERO, &skip).unwrap();
        }
        for (kind, number) in told {
            let highest = self.skipped.entry(kind).or_default();
            *highest = number.max(*highest);
        }
        self.cumulative = new;
        self.advance();
    }

    fn is_whole(&self, message: &Sent) -> bool {
        message.steps.iter().all(|step| self.arrived.contains(step))
    }

    /// What must have been delivered by now on `stream`, in order.
    fn ordered(&self, stream: u16) -> Vec<Vec<u8>> {
        let skipped = self.skipped.get(&(stream, false));
        let is_skipped = |message: &Sent| skipped.is_some_and(|&last| message.number <= last);
        self.messages
            .iter()
            .filter(|message| message.stream == stream && !message.unordered)
            .take_while(|message| self.is_whole(message) || is_skipped(message))
            .filter(|message| self.is_whole(message))
            .map(Sent::text)
            .collect()
    }

    fn check(&mut self) {
        self.delivered.extend(std::iter::from_fn(|| self.receiver.poll_message()));
        for stream in 0..3 {
            let of_stream = |message: &&Message| message.stream.get() == stream;
            let got = self.delivered.iter().filter(of_stream).filter(|message| !message.unordered);
            let got: Vec<_> = got.map(|message| message.payload.to_vec()).collect();
            assert_eq!(got, self.ordered(stream), "stream {stream}");
        }
        let unordered = self.messages.iter().filter(|message| message.unordered);
        let mut wanted: Vec<_> =
            unordered.filter(|message| self.is_whole(message)).map(Sent::text).collect();
        let got = self.delivered.iter().filter(|message| message.unordered);
        let mut got: Vec<_> = got.map(|message| message.payload.to_vec()).collect();
        wanted.sort();
        got.sort();
        assert_eq!(got, wanted);
        for message in &self.delivered {
            let index = usize::try_from(message.ppid.get()).unwrap();
            assert_eq!(message.payload, self.messages[index].text(), "the first part names it");
        }
        self.check_sack();
    }

    fn check_sack(&mut self) {
        let mut bytes = Vec::new();
        assert!(self.receiver.write_sack(2_000, &mut Writer::new(&mut bytes)));
        let Ok(Chunk::Sack(sack)) = Chunk::read(&mut Reader::new(&bytes)) else { panic!() };
        assert_eq!(sack.cumulative, self.tsn(self.cumulative.wrapping_sub(1)));
        let told: BTreeSet<u32> = sack
            .gaps
            .iter()
            .flat_map(|block| block.start..=block.end)
            .map(|offset| self.cumulative + u32::from(offset) - 1)
            .collect();
        let beyond = self.arrived.iter().copied().filter(|step| *step >= self.cumulative);
        assert_eq!(told, beyond.collect());
    }
}

#[rstest]
#[case::one_after_the_other(false)]
#[case::interleaved(true)]
fn agrees_with_an_oracle_that_keeps_everything(#[case] interleaving: bool) {
    for seed in 0..60 {
        let mut world = World::new(seed, interleaving);
        let end = u32::try_from(world.chunks.len()).unwrap();
        let mut steps = 0;
        while world.cumulative < end {
            world.step();
            world.check();
            steps += 1;
            assert!(steps < 10_000, "seed {seed} does not end");
        }
        world.receiver.end_of_packet(Instant::ZERO);
        assert_eq!(world.receiver.held().0, 0, "seed {seed}");
        let missed = world.messages.iter().filter(|message| !world.is_whole(message));
        assert!(missed.into_iter().all(|message| message.abandoned));
    }
}
