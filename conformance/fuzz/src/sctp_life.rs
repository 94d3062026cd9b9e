//! Two associations, a network between them that does as it is told, and a memory of what was sent: what
//! the targets about lives of SCTP share.

use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

use base::{Ecn, Instant, Rng};
use bytes::Bytes;
use sctp::{
    Algorithm, Association, AssociationState, Config, Event, Features, Message, Ppid, Reliability,
    Scheduler, SendOptions, StreamId, Tsn,
};

/// Packets under way in one direction at most; later ones are lost.
const MAX_WIRE: usize = 256;
/// Streams that are used.
pub(crate) const STREAMS: u16 = 6;
/// Bytes that tell a message: its stream, its kind and its number.
const LABEL: usize = 8;
/// Longest packets.
const MAX_PACKET: usize = 1_200;

/// What is remembered of one direction.
#[derive(Debug, Default)]
pub(crate) struct Sent {
    /// By stream and whether unordered: messages in the order they were sent, and whether each must arrive.
    messages: BTreeMap<(u16, bool), Vec<(Bytes, bool)>>,
    /// Of each, the numbers that arrived.
    arrived: BTreeMap<(u16, bool), Vec<usize>>,
    /// Whether what must arrive may be missing after all: the association ended or began anew.
    pub(crate) is_excused: bool,
    /// Whether the association ended or began anew, so that what arrived may arrive again.
    is_over: bool,
}

/// Two ends and what is between them.
pub(crate) struct World {
    pub(crate) now: Instant,
    pub(crate) ends: [Association; 2],
    pub(crate) wires: [VecDeque<Vec<u8>>; 2],
    pub(crate) sent: [Sent; 2],
    pub(crate) closed: [bool; 2],
    /// Whether some packet was changed on its way, or came from nowhere.
    pub(crate) is_spoiled: bool,
    /// Whether packets carry no checksum, so that nothing tells what was changed.
    pub(crate) is_unprotected: bool,
}

/// A configuration drawn from `bits`, with small buffers so that their limits are met.
pub(crate) fn config(bits: u16) -> Config {
    let bit = |nth: u16| bits >> nth & 1 == 1;
    let algorithms = [Algorithm::Rfc9260, Algorithm::Cubic, Algorithm::ModelBased];
    let schedulers = [
        Scheduler::FirstComeFirstServed,
        Scheduler::RoundRobin,
        Scheduler::RoundRobinPerPacket,
        Scheduler::WeightedFair,
        Scheduler::Priority,
        Scheduler::FairCapacity,
    ];
    let mut config = Config::default();
    config.features = Features {
        forward_tsn: !bit(0),
        interleaving: !bit(1),
        reconfig: !bit(2),
        zero_checksum: bit(3),
        ecn: bit(4),
    };
    config.outgoing_streams = STREAMS;
    config.incoming_streams = STREAMS + u16::from(bit(5)) * 3;
    // Room for the longest message, or for one of each kind on each stream where they come in turns.
    let is_small = bit(6) && bit(1);
    config.max_receive_window = if is_small { 128 << 10 } else { 2 << 20 };
    config.send_buffer = 256 << 10;
    config.max_message = 64 << 10;
    config.max_packet = if bit(7) { 300 } else { MAX_PACKET };
    config.max_probe = 0;
    // Near the end of the numbers, and near half of them.
    let starts = [0xffff_fff0, 0x7fff_fff0, 0, 0xffff_ffff];
    config.initial_tsn = starts.get(usize::from(bits >> 8 & 7)).copied().map(Tsn::new);
    let nth = |place: u16, count: usize| usize::from(bits >> place) % count;
    if let Some(&algorithm) = algorithms.get(nth(11, algorithms.len())) {
        config.algorithm = algorithm;
    }
    if let Some(&scheduler) = schedulers.get(nth(13, schedulers.len())) {
        config.scheduler = scheduler;
    }
    config
}

impl World {
    /// Two ends set up by `bits`, which do not know each other yet.
    pub(crate) fn new(bits: u16) -> Self {
        let end = |who: usize| {
            let rng = Rng::from_seed([u8::try_from(who).unwrap_or(0) + 1; 32]);
            Association::new(config(bits), rng, Instant::ZERO)
        };
        Self {
            now: Instant::ZERO,
            ends: [end(0), end(1)],
            wires: Default::default(),
            sent: Default::default(),
            closed: [false; 2],
            is_spoiled: false,
            is_unprotected: config(bits).features.zero_checksum,
        }
    }

    /// The same, and an association stands between them.
    pub(crate) fn standing(bits: u16) -> Self {
        let mut world = Self::new(bits);
        let now = world.now;
        world.end(0).connect(now).expect("nothing is under way");
        for _ in 0..4 {
            world.settle();
            world.deliver(0, usize::MAX);
            world.deliver(1, usize::MAX);
        }
        world.settle();
        for who in [0, 1] {
            assert_eq!(world.end(who).state(), AssociationState::Established);
        }
        world
    }

    #[expect(clippy::indexing_slicing, reason = "there are two ends")]
    pub(crate) fn end(&mut self, who: usize) -> &mut Association {
        &mut self.ends[who % 2]
    }

    #[expect(clippy::indexing_slicing, reason = "there are two ends")]
    pub(crate) fn wire(&mut self, from: usize) -> &mut VecDeque<Vec<u8>> {
        &mut self.wires[from % 2]
    }

    #[expect(clippy::indexing_slicing, reason = "there are two ends")]
    pub(crate) fn sent(&mut self, from: usize) -> &mut Sent {
        &mut self.sent[from % 2]
    }

    /// Gives an end a message that tells who it is, and remembers it if it was taken.
    pub(crate) fn send(&mut self, from: usize, stream: u16, size: usize, options: &SendOptions) {
        let key = (stream, options.unordered);
        let number = self.sent(from).messages.get(&key).map_or(0, Vec::len);
        let mut payload = vec![0; size.max(LABEL)];
        let label = (u64::from(stream) << 48)
            | (u64::from(options.unordered) << 40)
            | (number as u64 & 0xff_ffff_ffff);
        for (at, byte) in payload.iter_mut().enumerate() {
            let rotated = label.rotate_left(u32::try_from(at % 64).unwrap_or(0));
            *byte = rotated.to_be_bytes().get(at % 8).copied().unwrap_or(0);
        }
        for (to, byte) in payload.iter_mut().zip(label.to_be_bytes()) {
            *to = byte;
        }
        let payload = Bytes::from(payload);
        let (now, id) = (self.now, StreamId::new(stream));
        let result = self.end(from).send(now, id, Ppid::new(53), payload.clone(), options);
        if result.is_ok() {
            let must_arrive = options.reliability == Reliability::Reliable;
            self.sent(from).messages.entry(key).or_default().push((payload, must_arrive));
        }
    }

    /// Takes everything that the ends have to say.
    pub(crate) fn settle(&mut self) {
        for who in [0, 1] {
            let now = self.now;
            let mut buffer = Vec::new();
            let mut count = 0;
            while let Some(out) = self.end(who).poll_packet(now, &mut buffer) {
                let at = buffer.len().saturating_sub(out.size);
                let packet = buffer.split_off(at);
                assert!(packet.len() <= MAX_PACKET, "{} bytes", packet.len());
                count += 1;
                assert!(count < 4_000, "it says more and more");
                let wire = self.wire(who);
                if wire.len() < MAX_WIRE {
                    wire.push_back(packet);
                }
            }
            let nothing = self.end(who).poll_packet(now, &mut buffer);
            assert_eq!(nothing, None, "drained is drained");
            while let Some(event) = self.end(who).poll_event() {
                self.hear(who, &event);
            }
            while let Some(message) = self.end(who).poll_message() {
                self.take(who, &message);
            }
        }
    }

    fn hear(&mut self, who: usize, event: &Event) {
        match event {
            // What comes after is another association, which a cookie that was brought back late may have
            // set up as well: it may say again what was said in this one.
            Event::Closed(_) => {
                if let Some(closed) = self.closed.get_mut(who) {
                    *closed = true;
                }
                self.forget();
            }
            Event::Restarted => self.forget(),
            Event::AssociationReset => self.excuse(),
            Event::Connected => {
                if let Some(closed) = self.closed.get_mut(who) {
                    *closed = false;
                }
            }
            _ => {}
        }
    }

    fn excuse(&mut self) {
        self.sent.iter_mut().for_each(|sent| sent.is_excused = true);
    }

    fn forget(&mut self) {
        self.excuse();
        self.sent.iter_mut().for_each(|sent| sent.is_over = true);
    }

    /// A message arrived at `who`: it is one that was sent, whole, not seen before, and in its turn.
    fn take(&mut self, who: usize, message: &Message) {
        let is_spoiled = self.is_spoiled;
        let sent = self.sent(1 - who % 2);
        let key = (message.stream.get(), message.unordered);
        let label = message.payload.first_chunk().copied().map_or(0, u64::from_be_bytes);
        let number = usize::try_from(label & 0xff_ffff_ffff).unwrap_or(usize::MAX);
        let known = sent.messages.get(&key).and_then(|messages| messages.get(number));
        let Some((payload, _)) = known else {
            assert!(is_spoiled, "{message:?} was never sent");
            return;
        };
        assert!(is_spoiled || *payload == message.payload, "message {number} of {key:?} changed");
        let arrived = sent.arrived.entry(key).or_default();
        let is_free = is_spoiled || sent.is_over;
        assert!(is_free || !arrived.contains(&number), "message {number} of {key:?} again");
        let is_in_turn = arrived.last().is_none_or(|&last| last < number);
        assert!(is_free || message.unordered || is_in_turn, "{number} of {key:?} out of turn");
        arrived.push(number);
    }

    /// Up to `count` packets of `from` arrive, in order.
    pub(crate) fn deliver(&mut self, from: usize, count: usize) {
        for _ in 0..count {
            let Some(packet) = self.wire(from).pop_front() else { return };
            self.hand(from + 1, &packet);
        }
    }

    /// A packet arrives at `to` at once.
    pub(crate) fn hand(&mut self, to: usize, packet: &[u8]) {
        let now = self.now;
        self.end(to).handle_packet(now, packet, Ecn::NotEct);
    }

    /// Lets time pass, each deadline in its turn.
    pub(crate) fn wait(&mut self, time: Duration) {
        let end = self.now + time;
        for _ in 0..10_000 {
            let deadlines = self.ends.iter().filter_map(Association::poll_timeout);
            let Some(next) = deadlines.min().filter(|next| *next <= end) else { break };
            self.now = self.now.max(next);
            self.tick();
            self.settle();
        }
        self.now = self.now.max(end);
    }

    fn tick(&mut self) {
        let now = self.now;
        for end in &mut self.ends {
            if end.poll_timeout().is_some_and(|at| at <= now) {
                end.handle_timeout(now);
                let later = end.poll_timeout();
                assert!(later.is_none_or(|at| at > now), "{later:?} at {now}");
            }
        }
    }

    /// The network heals: everything arrives, and time passes until nothing more happens.
    pub(crate) fn heal(&mut self) {
        let most = self.now + Duration::from_secs(1_200);
        for _ in 0..200_000 {
            self.settle();
            if self.wires.iter().any(|wire| !wire.is_empty()) {
                self.now += Duration::from_millis(10);
                for from in [0, 1] {
                    self.deliver(from, usize::MAX);
                }
                self.tick();
                continue;
            }
            let is_idle = self.ends.iter().all(Association::is_idle);
            let deadlines = self.ends.iter().filter_map(Association::poll_timeout);
            let Some(next) = deadlines.min().filter(|next| *next <= most && !is_idle) else {
                return;
            };
            self.now = self.now.max(next);
            self.tick();
        }
        panic!("it never comes to rest");
    }

    /// What must have arrived has, if both ends still know each other.
    pub(crate) fn check(&self) {
        for sent in self.sent.iter().filter(|sent| !sent.is_excused && !self.is_spoiled) {
            for (key, messages) in &sent.messages {
                let arrived = sent.arrived.get(key);
                for (number, (_, must_arrive)) in messages.iter().enumerate() {
                    let is_there = arrived.is_some_and(|arrived| arrived.contains(&number));
                    assert!(is_there || !must_arrive, "message {number} of {key:?} never came");
                }
            }
        }
    }
}
