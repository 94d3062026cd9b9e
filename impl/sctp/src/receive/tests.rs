//! What the receiver does with chunks, said as claims.

mod misdeeds;
mod window;

use base::Reader;
use rstest::rstest;

use super::*;
use crate::{
    DropReason, Mid, Ssn,
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

#[test]
fn stream_sequence_numbers_wrap() {
    let mut told = Told::new(NEAR_WRAP);
    let mut numbers = Vec::new();
    for number in 0..70_000_u32 {
        // Every other pair comes the wrong way round.
        let step = if number & 2 == 0 { number } else { number ^ 1 };
        let ssn = u16::try_from(step & 0xffff).unwrap();
        told.data("BE", step, 1, ssn, &step.to_be_bytes()).unwrap();
        let read = std::iter::from_fn(|| told.receiver.poll_message());
        numbers.extend(read.map(|m| u32::from_be_bytes(m.payload[..].try_into().unwrap())));
    }
    assert!(numbers.iter().copied().eq(0..70_000));
    assert_eq!(told.receiver.order.streams(), 1);
}

#[test]
fn every_second_packet_is_acknowledged_and_a_lone_one_waits() {
    let mut told = Told::new(NEAR_WRAP);
    told.sack_within(100);
    told.data("BE", 0, 1, 0, b"a").unwrap();
    assert_eq!(told.sack(), None);
    assert!(told.receiver.sack_pending());
    told.pass(DELAY - Duration::from_nanos(1));
    assert_eq!(told.sack(), None);
    told.pass(Duration::from_nanos(1));
    assert_eq!(told.sack().unwrap().0, 1);
    assert!(!told.receiver.sack_pending());
    told.data("BE", 1, 1, 1, b"b").unwrap();
    told.data("BE", 2, 1, 2, b"c").unwrap();
    assert_eq!(told.sack().unwrap().0, 3);
    assert_eq!(told.receiver.deadline(), None);
}

#[test]
fn the_first_user_data_of_all_is_acknowledged_at_once() {
    let mut told = Told::new(NEAR_WRAP);
    told.data("BE", 0, 1, 0, b"a").unwrap();
    assert_eq!(told.sack().unwrap().0, 1);
    told.data("BE", 1, 1, 1, b"b").unwrap();
    assert_eq!(told.sack(), None);
}

#[test]
fn chunks_of_one_packet_count_once() {
    let mut told = Told::new(1);
    told.sack_within(100);
    for step in 0..5 {
        let flags = DataFlags::WHOLE;
        let (stream, ppid) = (StreamId::new(1), Ppid::new(51));
        let ssn = Ssn::new(u16::try_from(step).unwrap());
        let data = Data { flags, tsn: told.tsn(step), stream, ssn, ppid, payload: b"x" };
        told.receiver.handle_data(told.now, &data).unwrap();
    }
    told.receiver.end_of_packet(told.now);
    assert_eq!(told.sack(), None);
}

#[test]
fn a_gap_a_duplicate_and_a_wish_are_acknowledged_at_once() {
    let mut told = Told::new(NEAR_WRAP);
    told.data("BEI", 0, 1, 0, b"a").unwrap();
    assert_eq!(told.sack().unwrap().0, 1, "the sender wishes it");
    told.data("BE", 0, 1, 0, b"a").unwrap();
    let (steps, _, gaps, duplicates) = told.sack().unwrap();
    assert_eq!((steps, gaps.as_str(), duplicates), (1, "", 1));
    told.data("BE", 2, 1, 2, b"c").unwrap();
    assert_eq!(told.sack().unwrap().2, "2-2");
    told.data("BE", 3, 1, 3, b"d").unwrap();
    assert_eq!(told.sack().unwrap().2, "2-3", "as long as the gap stays");
    told.data("BE", 1, 1, 1, b"b").unwrap();
    assert_eq!(told.sack().unwrap().0, 4, "what fills it too");
    told.data("BE", 4, 1, 4, b"e").unwrap();
    assert_eq!(told.sack(), None);
}

#[test]
fn an_acknowledgement_keeps_to_its_room_lowest_blocks_first() {
    let mut told = Told::new(NEAR_WRAP);
    for step in (1..1_001).step_by(2) {
        told.data("BE", step, 1, u16::try_from(step).unwrap(), b"x").unwrap();
        told.data("BE", step, 1, u16::try_from(step).unwrap(), b"x").unwrap();
    }
    assert!(!told.receiver.write_sack(15, &mut Writer::new(&mut Vec::new())));
    let (_, _, gaps, duplicates) = told.sack_within(16 + 4 * 3 + 3);
    assert_eq!((gaps.as_str(), duplicates), ("2-2,4-4,6-6", 0));
    told.data("BE", 1, 1, 1, b"x").unwrap();
    let (_, _, gaps, duplicates) = told.sack_within(1_172);
    assert_eq!((gaps.split(',').count(), duplicates), (289, 0));
    told.data("BE", 1, 1, 1, b"x").unwrap();
    let (_, _, gaps, duplicates) = told.sack_within(4_000);
    assert_eq!((gaps.split(',').count(), duplicates), (500, 1));
}

#[test]
fn what_was_given_up_is_not_waited_for() {
    let mut told = Told::new(NEAR_WRAP);
    told.data("BE", 3, 1, 2, b"third").unwrap();
    told.data("", 1, 1, 0, b"left over").unwrap();
    told.forward(2, &[(1, 1)]).unwrap();
    assert_eq!(told.read(), ["third"]);
    assert_eq!(told.sack().unwrap().0, 4);
    assert_eq!(told.receiver.held().0, 0);
    told.data("E", 2, 1, 1, b"late").unwrap();
    assert_eq!(told.receiver.drops().count(DropReason::Duplicate), 1);
    told.data("BE", 4, 1, 3, b"fourth").unwrap();
    assert_eq!(told.read(), ["fourth"]);
}

#[test]
fn a_message_that_misses_nothing_of_what_was_given_up_stays() {
    let mut told = Told::new(NEAR_WRAP);
    told.data("B", 1, 1, 1, b"half ").unwrap();
    told.forward(1, &[(1, 0)]).unwrap();
    told.data("E", 2, 1, 1, b"whole").unwrap();
    assert_eq!(told.read(), ["half whole"]);
}

#[test]
fn what_follows_a_fragment_given_up_is_dropped_until_its_message_ends() {
    let mut told = Told::new(NEAR_WRAP);
    told.forward(0, &[(1, 0)]).unwrap();
    told.data("", 1, 1, 0, b"x").unwrap();
    told.data("E", 3, 1, 0, b"z").unwrap();
    told.data("", 2, 1, 0, b"y").unwrap();
    told.data("BE", 4, 1, 1, b"next").unwrap();
    assert_eq!(told.read(), ["next"]);
    assert_eq!(told.receiver.held().0, 0);
    assert_eq!(told.data("E", 5, 1, 2, b"!"), Err(Misdeed::FragmentAfterLast(StreamId::new(1))));
}

#[test]
fn old_news_of_what_was_given_up_changes_nothing_and_is_answered() {
    let mut told = Told::new(NEAR_WRAP);
    told.data("BE", 0, 1, 0, b"a").unwrap();
    told.forward(0, &[(1, 7)]).unwrap();
    assert!(told.sack().is_some());
    told.data("BE", 1, 1, 1, b"b").unwrap();
    assert_eq!(told.read(), ["a", "b"]);
}

#[test]
fn a_jump_of_half_the_numbers_costs_no_more_than_what_is_held() {
    let mut told = Told::new(NEAR_WRAP);
    // A scan of what is skipped would take hours.
    for _ in 0..10_000 {
        let tsn = told.receiver.cumulative_tsn();
        told.initial = tsn.add(1 << 30).get();
        told.data("B", 1, 1, 0, b"beyond").unwrap();
        told.forward(0x4000_0000, &[]).unwrap();
        told.read();
    }
    assert_eq!(told.receiver.held().0, 0);
}

#[test]
fn an_interleaved_message_that_was_given_up_leaves_nothing() {
    let mut told = Told::with(CONFIG, NEAR_WRAP, true);
    told.i_data("BU", 1, (1, 4, 0), b"gone").unwrap();
    told.i_data("U", 4, (1, 5, 1), b"gone").unwrap();
    told.i_data("B", 2, (1, 0, 0), b"stays ").unwrap();
    told.i_forward(1, &[(1, true, 5)]).unwrap();
    told.i_data("U", 5, (1, 5, 2), b"left over").unwrap();
    told.i_data("UE", 6, (1, 6, 1), b"new").unwrap();
    told.i_data("UB", 7, (1, 6, 0), b"quite ").unwrap();
    told.i_data("E", 3, (1, 0, 1), b"here").unwrap();
    assert_eq!(told.read(), ["quite new", "stays here"]);
    assert_eq!(told.receiver.held().0, 0);
    assert_eq!(told.sack_within(100).0, 8);
}

#[test]
fn interleaved_messages_of_many_streams_come_whole() {
    let mut told = Told::with(CONFIG, NEAR_WRAP, true);
    let mut step = 0;
    for (fsn, flags) in [(0, "B"), (1, ""), (2, "E")] {
        for stream in 0..40 {
            told.i_data(flags, step, (stream, 0, fsn), format!("{stream}.{fsn} ").as_bytes())
                .unwrap();
            step += 1;
        }
    }
    let wanted: Vec<_> = (0..40).map(|s| format!("{s}.0 {s}.1 {s}.2 ")).collect();
    assert_eq!(told.read(), wanted);
    assert_eq!(told.receiver.held().0, 0);
}

#[test]
fn a_stream_that_does_not_exist_is_acknowledged_and_named() {
    let mut told = Told::with(ReceiverConfig { streams: 4, ..CONFIG }, NEAR_WRAP, false);
    told.data("BE", 0, 4, 0, b"x").unwrap();
    assert_eq!(told.receiver.take_invalid_stream(), Some(StreamId::new(4)));
    assert_eq!(told.receiver.take_invalid_stream(), None);
    assert_eq!((told.read().len(), told.sack_within(100).0), (0, 1));
    told.receiver.set_streams(5);
    told.data("BE", 1, 4, 0, b"x").unwrap();
    assert_eq!(told.read().len(), 1);
}

#[test]
fn what_comes_ahead_of_a_reset_waits_for_it() {
    for interleaving in [false, true] {
        let mut told = Told::with(CONFIG, NEAR_WRAP, interleaving);
        let data = |told: &mut Told, flags, step, number: u16, text: &[u8]| {
            let result = if interleaving {
                told.i_data(flags, step, (1, u32::from(number), 1), text)
            } else {
                told.data(flags, step, 1, number, text)
            };
            result.unwrap();
        };
        data(&mut told, "BE", 0, 0, b"old 0");
        let last = told.tsn(1);
        told.receiver.defer_reset(&[StreamId::new(1)], last);
        data(&mut told, "BE", 2, 0, b"new 0");
        data(&mut told, "B", 3, 1, b"new ");
        assert_eq!(told.read(), ["old 0"]);
        assert!(!told.receiver.has_all_up_to(last));
        data(&mut told, "BE", 1, 1, b"old 1");
        assert!(told.receiver.has_all_up_to(last));
        told.receiver.reset_streams(&[StreamId::new(1)]).unwrap();
        assert_eq!(told.read(), ["old 1", "new 0"]);
        data(&mut told, "E", 4, 1, b"1");
        assert_eq!(told.read(), ["new 1"]);
        told.receiver.end_of_packet(told.now);
        assert_eq!(told.receiver.held().0, 0);
    }
}

#[test]
fn all_begins_again_where_the_peer_says() {
    let mut told = Told::new(NEAR_WRAP);
    told.data("BE", 2, 1, 1, b"whole").unwrap();
    told.data("B", 3, 1, 2, b"half").unwrap();
    told.receiver.restart_at(Tsn::new(77));
    assert_eq!(told.read(), ["whole"]);
    told.initial = 77;
    told.data("BE", 0, 1, 0, b"first").unwrap();
    assert_eq!(told.read(), ["first"]);
    assert_eq!(told.receiver.cumulative_tsn(), Tsn::new(77));
    assert_eq!(told.receiver.held().0, 0);
}

#[test]
fn streams_cost_nothing_before_they_are_used_and_nothing_after_their_reset() {
    let mut told = Told::new(NEAR_WRAP);
    assert_eq!(told.receiver.order.streams(), 0);
    for step in 0..65_535 {
        told.data("BE", step, u16::try_from(step).unwrap(), 0, b"x").unwrap();
        told.read();
    }
    told.receiver.reset_streams(&[StreamId::new(7)]).unwrap();
    assert_eq!(told.receiver.order.streams(), 65_534);
    told.receiver.reset_streams(&[]).unwrap();
    assert_eq!(told.receiver.order.streams(), 0);
}
