//! A sender, its path, and a peer that does what the test says.

use std::time::Duration;

use base::{Instant, Reader, Rng, Writer};
use bytes::Bytes;

use crate::{
    Event, Misdeed, Ppid, SendError, SendOptions, StreamId, Tsn,
    congestion::{Algorithm, Control},
    path::{Rtt, RttConfig},
    send::{Acknowledged, Detection, Sender, SenderConfig, timeout::Expired},
    wire::{Chunk, GapBlock, List, Sack},
};

/// What a packet of 1,200 bytes holds.
pub(super) const ROOM: usize = 1_188;

/// The first number of most tests: the wrap is near.
pub(super) const INITIAL: u32 = 0xffff_fffc;

/// One conversation.
pub(super) struct Talk {
    pub(super) now: Instant,
    pub(super) sender: Sender,
    pub(super) control: Control,
    pub(super) rtt: Rtt,
    pub(super) initial: u32,
    pub(super) window: u32,
    pub(super) room: usize,
}

pub(super) fn config() -> SenderConfig {
    SenderConfig {
        buffer: 1 << 20,
        max_message: 256 << 10,
        detection: Detection::Rack,
        packet_room: ROOM,
    }
}

impl Talk {
    /// With a round trip that is not yet measured and a peer that has a megabyte of room.
    pub(super) fn new() -> Self {
        Self::with(config(), INITIAL)
    }

    pub(super) fn with(config: SenderConfig, initial: u32) -> Self {
        let mut sender = Sender::new(&config, Tsn::new(initial), u16::MAX);
        sender.set_peer_window(1 << 20);
        sender.allow_abandoning();
        let room = u64::try_from(config.packet_room).unwrap();
        Self {
            now: Instant::from_nanos(1_000_000_000),
            sender,
            control: Control::new(Algorithm::Rfc9260, room, &Rng::from_seed([7; 32])),
            rtt: Rtt::new(RttConfig {
                initial: Duration::from_secs(1),
                min: Duration::from_millis(200),
                max: Duration::from_secs(10),
            }),
            initial,
            window: 1 << 20,
            room: config.packet_room,
        }
    }

    pub(super) fn interleaved() -> Self {
        let mut talk = Self::new();
        talk.sender.interleave();
        talk
    }

    pub(super) fn try_send(
        &mut self,
        stream: u16,
        length: usize,
        options: SendOptions,
    ) -> Result<(), SendError> {
        let payload = Bytes::from(vec![u8::try_from(stream % 251).unwrap(); length]);
        let stream = StreamId::new(stream);
        self.sender.enqueue(self.now, stream, Ppid::new(51), payload, &options)
    }

    pub(super) fn send_with(&mut self, stream: u16, length: usize, options: SendOptions) {
        self.try_send(stream, length, options).unwrap();
    }

    pub(super) fn send(&mut self, stream: u16, length: usize) {
        self.send_with(stream, length, SendOptions::default());
    }

    /// The next packet, FORWARD TSN first; empty if there is none.
    pub(super) fn packet(&mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut writer = Writer::new(&mut bytes);
        let mut room = self.room;
        if self.sender.forward_tsn_due() {
            room -= self.sender.write_forward_tsn(self.now, room, &mut writer, &self.rtt);
        }
        self.sender.fill(self.now, room, &mut writer, &mut self.control, &self.rtt);
        bytes
    }

    /// The next packet; what the pacer holds back is waited for.
    pub(super) fn paced(&mut self) -> Vec<u8> {
        loop {
            let packet = self.packet();
            let release = self.control.release(self.now, self.sender.in_flight());
            match release.filter(|_| packet.is_empty() && self.sender.total_buffered() > 0) {
                Some(release) => self.now = release,
                None => return packet,
            }
        }
    }

    /// Everything that leaves before an acknowledgement: a line for a packet, numbers counted from 1.
    pub(super) fn packets(&mut self) -> Vec<String> {
        let mut lines = Vec::new();
        loop {
            let packet = self.paced();
            if packet.is_empty() {
                return lines;
            }
            assert!(lines.len() < 100_000, "the sender never stops");
            lines.push(self.tell(&packet));
        }
    }

    pub(super) fn tell(&self, packet: &[u8]) -> String {
        let mut reader = Reader::new(packet);
        let mut parts = Vec::new();
        while !reader.is_empty() {
            let chunk = Chunk::read(&mut reader).unwrap();
            let number = |tsn: Tsn| tsn.get().wrapping_sub(self.initial).wrapping_add(1);
            parts.push(match chunk {
                Chunk::Data(data) => {
                    let (stream, ssn, length) = (data.stream, data.ssn, data.payload.len());
                    format!("{} {}:{stream}.{ssn} {length}", data.flags, number(data.tsn))
                }
                Chunk::IData(data) => {
                    let (stream, mid, length) = (data.stream, data.mid, data.payload.len());
                    let (flags, fsn) = (data.flags, data.fsn());
                    format!("{flags} {}:{stream}.{mid}.{fsn} {length}", number(data.tsn))
                }
                Chunk::ForwardTsn(forward) => {
                    format!("forward {} [{}]", number(forward.new_cumulative), forward.skipped)
                }
                Chunk::IForwardTsn(forward) => {
                    format!("i-forward {} [{}]", number(forward.new_cumulative), forward.skipped)
                }
                other => panic!("{other}"),
            });
        }
        parts.join(" | ")
    }

    /// The peer acknowledges everything up to chunk `cumulative`, counted from 1, and blocks of chunks.
    pub(super) fn try_sack(
        &mut self,
        cumulative: u32,
        blocks: &[(u32, u32)],
        twice: &[u32],
    ) -> Result<Acknowledged, Misdeed> {
        let offset = |chunk: u32| u16::try_from(chunk.wrapping_sub(cumulative)).unwrap();
        let blocks: Vec<_> = blocks
            .iter()
            .map(|&(start, end)| GapBlock { start: offset(start), end: offset(end) })
            .collect();
        let number = |chunk: u32| Tsn::new(self.initial.wrapping_add(chunk).wrapping_sub(1));
        let twice: Vec<_> = twice.iter().map(|&chunk| number(chunk)).collect();
        let sack = Sack {
            cumulative: number(cumulative),
            a_rwnd: self.window,
            gaps: List::from(&blocks[..]),
            duplicates: List::from(&twice[..]),
        };
        self.sender.handle_sack(self.now, &sack, &mut self.control, &mut self.rtt)
    }

    pub(super) fn sack(&mut self, cumulative: u32, blocks: &[(u32, u32)]) -> Acknowledged {
        self.try_sack(cumulative, blocks, &[]).unwrap()
    }

    pub(super) fn wait(&mut self, millis: u64) {
        self.now += Duration::from_millis(millis);
    }

    /// Waits for the deadline, and says how many milliseconds that took.
    pub(super) fn expire(&mut self) -> (u64, Expired) {
        let deadline = self.sender.deadline().expect("a timer runs");
        let waited = deadline.saturating_duration_since(self.now);
        self.now = self.now.max(deadline);
        let expired = self.sender.handle_timeout(self.now, &mut self.control, &mut self.rtt);
        (u64::try_from(waited.as_millis()).unwrap(), expired)
    }

    /// Sends `count` full chunks on stream 0 and measures a round trip of 100 ms with the first of a
    /// warm-up, so that numbers from then on count on.
    pub(super) fn warm_up(&mut self) {
        self.send(0, 10);
        assert_eq!(self.packets().len(), 1);
        self.wait(100);
        self.sack(1, &[]);
    }

    pub(super) fn events(&mut self) -> Vec<Event> {
        std::iter::from_fn(|| self.sender.poll_event()).collect()
    }
}
