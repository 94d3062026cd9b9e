//! What the receiver does with chunks, said as claims.

use base::Reader;
use rstest::rstest;

use super::*;
use crate::{
    Mid, Ssn,
    wire::{Chunk, SkippedMessage, SkippedStream},
};

/// Where numbers begin in half of the tests: they wrap soon.
const NEAR_WRAP: u32 = 0xffff_fffe;
const DELAY: Duration = Duration::from_millis(25);

pub(super) const CONFIG: ReceiverConfig = ReceiverConfig {
    max_window: 16 << 20,
    max_message: 256 << 10,
    streams: u16::MAX,
    acknowledgement_delay: DELAY,
};

/// A receiver that is told chunks in short words.
struct Told {
    receiver: Receiver,
    initial: u32,
    now: Instant,
}

impl Told {
    fn new(initial: u32) -> Self {
        Self::with(CONFIG, initial, false)
    }

    fn with(config: ReceiverConfig, initial: u32, interleaving: bool) -> Self {
        let receiver = Receiver::new(&config, Tsn::new(initial), interleaving);
        Self { receiver, initial, now: Instant::from_nanos(1_000_000_000) }
    }

    fn tsn(&self, step: u32) -> Tsn {
        Tsn::new(self.initial.wrapping_add(step))
    }

    /// One chunk in a packet of its own: flags of "BEUI", step from the initial number, stream, number.
    fn data(
        &mut self,
        flags: &str,
        step: u32,
        stream: u16,
        ssn: u16,
        payload: &[u8],
    ) -> Result<(), Misdeed> {
        let data = Data {
            flags: self::flags(flags),
            tsn: self.tsn(step),
            stream: StreamId::new(stream),
            ssn: Ssn::new(ssn),
            ppid: Ppid::new(51),
            payload,
        };
        self.receiver.handle_data(self.now, &data)?;
        self.receiver.end_of_packet(self.now);
        Ok(())
    }

    /// The same with I-DATA; `fsn` is ignored with the first fragment.
    fn i_data(
        &mut self,
        flags: &str,
        step: u32,
        (stream, mid, fsn): (u16, u32, u32),
        payload: &[u8],
    ) -> Result<(), Misdeed> {
        let flags = self::flags(flags);
        let data = IData {
            flags,
            tsn: self.tsn(step),
            stream: StreamId::new(stream),
            mid: Mid::new(mid),
            ppid_or_fsn: if flags.beginning { 51 } else { fsn },
            payload,
        };
        self.receiver.handle_i_data(self.now, &data)?;
        self.receiver.end_of_packet(self.now);
        Ok(())
    }

    fn forward(&mut self, step: u32, skipped: &[(u16, u16)]) -> Result<(), Misdeed> {
        let skipped: Vec<_> = skipped
            .iter()
            .map(|&(id, ssn)| SkippedStream { stream: StreamId::new(id), ssn: Ssn::new(ssn) })
            .collect();
        let (new_cumulative, skipped) = (self.tsn(step), List::from(&skipped[..]));
        self.receiver.handle_forward_tsn(self.now, &ForwardTsn { new_cumulative, skipped })?;
        self.receiver.end_of_packet(self.now);
        Ok(())
    }

    fn i_forward(&mut self, step: u32, skipped: &[(u16, bool, u32)]) -> Result<(), Misdeed> {
        let skipped: Vec<_> = skipped
            .iter()
            .map(|&(id, unordered, mid)| {
                let (stream, mid) = (StreamId::new(id), Mid::new(mid));
                SkippedMessage { stream, unordered, mid }
            })
            .collect();
        let (new_cumulative, skipped) = (self.tsn(step), List::from(&skipped[..]));
        self.receiver.handle_i_forward_tsn(self.now, &IForwardTsn { new_cumulative, skipped })?;
        self.receiver.end_of_packet(self.now);
        Ok(())
    }

    /// The payloads of all messages that are ready, as text.
    fn read(&mut self) -> Vec<String> {
        std::iter::from_fn(|| self.receiver.poll_message())
            .map(|message| String::from_utf8(message.payload.to_vec()).unwrap())
            .collect()
    }

    /// The acknowledgement if one is due: steps up to the cumulative number, window, blocks, duplicates.
    fn sack(&mut self) -> Option<(u32, u32, String, usize)> {
        self.receiver.sack_due().then(|| self.sack_within(1_000))
    }

    fn sack_within(&mut self, room: usize) -> (u32, u32, String, usize) {
        let mut bytes = Vec::new();
        assert!(self.receiver.write_sack(room, &mut Writer::new(&mut bytes)));
        assert!(bytes.len() <= room);
        let Ok(Chunk::Sack(sack)) = Chunk::read(&mut Reader::new(&bytes)) else { panic!() };
        let steps = sack.cumulative.get().wrapping_sub(self.initial).wrapping_add(1);
        (steps, sack.a_rwnd, sack.gaps.to_string(), sack.duplicates.len())
    }

    fn pass(&mut self, time: Duration) {
        self.now += time;
        if self.receiver.deadline().is_some_and(|deadline| deadline <= self.now) {
            self.receiver.handle_timeout(self.now);
        }
    }
}

fn flags(text: &str) -> DataFlags {
    let has = |flag| text.contains(flag);
    let (beginning, ending) = (has('B'), has('E'));
    DataFlags { beginning, ending, unordered: has('U'), immediate: has('I') }
}

#[rstest]
#[case::far_from_the_wrap(1)]
#[case::near_the_wrap(NEAR_WRAP)]
fn fragments_in_any_order_become_their_message(#[case] initial: u32) {
    let parts = [("B", "one "), ("", "two "), ("", "three "), ("E", "four")];
    for order in ["0123", "3210", "0213", "1032", "2031", "3021", "1302"] {
        let mut told = Told::new(initial);
        for step in order.bytes().map(|digit| usize::from(digit - b'0')) {
            assert!(told.read().is_empty(), "{order}");
            let (flags, text) = parts[step];
            told.data(flags, u32::try_from(step).unwrap(), 1, 0, text.as_bytes()).unwrap();
        }
        assert_eq!(told.read(), ["one two three four"], "{order}");
        assert_eq!(told.receiver.held().0, 0, "{order}");
        assert_eq!(told.sack_within(100).0, 4);
    }
}

#[test]
fn ordered_messages_wait_for_their_turn_and_unordered_ones_do_not() {
    let mut told = Told::new(NEAR_WRAP);
    told.data("BE", 1, 1, 1, b"second").unwrap();
    told.data("BEU", 2, 1, 9, b"free").unwrap();
    told.data("BE", 3, 2, 0, b"other stream").unwrap();
    assert_eq!(told.read(), ["free", "other stream"]);
    told.data("BE", 0, 1, 0, b"first").unwrap();
    assert_eq!(told.read(), ["first", "second"]);
}
