//! Flights cut, packed, lost, repeated and acknowledged, on virtual time.

use base::Reader;
use rstest::rstest;

use super::*;
use crate::{
    flight::{Inbox, Inserted},
    wire::HandshakeHeader,
};

/// Records in clear: epoch, type, number and length in front, 13 bytes without keys and 22 with.
#[derive(Default)]
struct Clear {
    sequences: Vec<u64>,
    broken_epoch: Option<u64>,
}

struct Record {
    number: RecordNumber,
    kind: ContentType,
    payload: Vec<u8>,
}

impl Seal for Clear {
    type Error = ();

    fn overhead(&self, epoch: u64) -> usize {
        if epoch == 0 { 13 } else { 22 }
    }

    fn max_payload(&self, _epoch: u64) -> usize {
        1 << 14
    }

    fn seal(
        &mut self,
        epoch: u64,
        kind: ContentType,
        payload: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<RecordNumber, ()> {
        if self.broken_epoch == Some(epoch) {
            return Err(());
        }
        let at = usize::try_from(epoch).unwrap();
        self.sequences.resize(self.sequences.len().max(at + 1), 0);
        let number = RecordNumber::new(epoch, self.sequences[at]);
        self.sequences[at] += 1;
        let start = out.len();
        out.push(u8::try_from(epoch).unwrap());
        out.push(kind.number());
        out.extend_from_slice(&u32::try_from(number.sequence).unwrap().to_be_bytes());
        out.extend_from_slice(&u16::try_from(payload.len()).unwrap().to_be_bytes());
        out.resize(start + self.overhead(epoch), 0);
        out.extend_from_slice(payload);
        Ok(number)
    }
}

fn records(datagram: &[u8]) -> Vec<Record> {
    let mut reader = Reader::new(datagram);
    let mut records = Vec::new();
    while !reader.is_empty() {
        let epoch = u64::from(reader.u8().unwrap());
        let kind = ContentType::new(reader.u8().unwrap());
        let sequence = u64::from(reader.u32().unwrap());
        let length = usize::from(reader.u16().unwrap());
        reader.bytes(Clear::default().overhead(epoch) - 8).unwrap();
        let payload = reader.bytes(length).unwrap().to_vec();
        records.push(Record { number: RecordNumber::new(epoch, sequence), kind, payload });
    }
    records
}

/// An outbox, what it sends through, and the time.
struct Sender {
    outbox: Outbox,
    seal: Clear,
    now: Instant,
}

const FIRST: Duration = Duration::from_millis(400);
const MTU: usize = 600;

impl Sender {
    fn new() -> Self {
        Self { outbox: Outbox::new(FIRST), seal: Clear::default(), now: Instant::ZERO }
    }

    /// A flight of messages of these lengths, each under the keys of its epoch.
    fn sends(lengths: &[(u64, usize)], expect: Expect) -> Self {
        let mut sender = Self::new();
        sender.flight(lengths, expect);
        sender
    }

    fn flight(&mut self, lengths: &[(u64, usize)], expect: Expect) {
        self.outbox.begin_flight();
        for &(epoch, length) in lengths {
            self.outbox.push(epoch, HandshakeType::CERTIFICATE, &vec![7; length]);
        }
        self.outbox.end_flight(self.now, expect);
    }

    fn datagrams(&mut self) -> Vec<Vec<u8>> {
        self.datagrams_of(MTU)
    }

    fn datagrams_of(&mut self, mtu: usize) -> Vec<Vec<u8>> {
        let mut all = Vec::new();
        loop {
            let mut datagram = Vec::new();
            if !self.outbox.poll(&mut self.seal, mtu, &mut datagram).unwrap() {
                assert!(datagram.is_empty());
                assert!(!self.outbox.has_more());
                return all;
            }
            all.push(datagram);
        }
    }

    fn records(&mut self) -> Vec<Record> {
        self.datagrams().iter().flat_map(|datagram| records(datagram)).collect()
    }

    fn waits(&mut self, millis: u64) -> Result<bool, GaveUp> {
        self.now += Duration::from_millis(millis);
        let before = self.outbox.deadline();
        let result = self.outbox.handle_timeout(self.now);
        if let (Ok(_), Some(deadline)) = (result, before) {
            let after = self.outbox.deadline();
            assert!(after.is_none_or(|after| after > self.now || after == deadline));
        }
        result
    }

    fn acks(&mut self, numbers: &[RecordNumber]) -> Acknowledged {
        self.outbox.handle_ack(self.now, 9, numbers)
    }

    fn due_in(&self) -> Option<u128> {
        let deadline = self.outbox.deadline()?;
        Some(deadline.saturating_duration_since(self.now).as_millis())
    }
}

/// What the records say: message, first byte, last byte, of each fragment.
fn fragments(records: &[Record]) -> Vec<(u16, u32, u32)> {
    let mut all = Vec::new();
    for record in records.iter().filter(|record| record.kind == ContentType::HANDSHAKE) {
        let mut reader = Reader::new(&record.payload);
        while !reader.is_empty() {
            let header = HandshakeHeader::read(&mut reader).unwrap();
            reader.bytes(usize::try_from(header.fragment_length).unwrap()).unwrap();
            let end = header.fragment_offset + header.fragment_length;
            all.push((header.message_seq, header.fragment_offset, end));
        }
    }
    all
}

#[test]
fn messages_of_one_epoch_share_a_record_and_epochs_a_datagram() {
    let mut sender = Sender::sends(&[(0, 50), (0, 0), (2, 60), (2, 70)], Expect::Answer);
    let datagrams = sender.datagrams();
    assert_eq!(datagrams.len(), 1);
    let records = records(&datagrams[0]);
    assert_eq!(records.iter().map(|record| record.number.epoch).collect::<Vec<_>>(), [0, 2]);
    assert_eq!(fragments(&records), [(0, 0, 50), (1, 0, 0), (2, 0, 60), (3, 0, 70)]);
}

#[rstest]
#[case(252)]
#[case(300)]
#[case(301)]
#[case(548)]
#[case(1_200)]
#[case(1_500)]
fn fragments_fill_datagrams_to_the_byte(#[case] mtu: usize) {
    let lengths = [(0, 800), (2, 90), (2, 1_700), (2, 0), (2, 150), (2, 36)];
    let mut sender = Sender::sends(&lengths, Expect::Answer);
    let datagrams = sender.datagrams_of(mtu);
    let mut inbox = Inbox::default();
    for (place, datagram) in datagrams.iter().enumerate() {
        assert!(datagram.len() <= mtu);
        // No room is left for a byte of a fragment in a record of its own, unless it is the last.
        assert!(place + 1 == datagrams.len() || mtu - datagram.len() < 22 + 13);
        for record in records(datagram) {
            inbox.insert(record.number, &record.payload).unwrap();
        }
    }
    let got: Vec<_> = std::iter::from_fn(|| inbox.next()).map(|got| got.body.len()).collect();
    assert_eq!(got, lengths.map(|(_, length)| length));
}

#[test]
fn the_whole_flight_is_repeated_under_its_own_epochs_and_new_numbers() {
    let mut sender = Sender::new();
    sender.outbox.push(0, HandshakeType::CLIENT_KEY_EXCHANGE, &[1; 33]);
    sender.outbox.push_change_cipher_spec(0);
    sender.outbox.push(1, HandshakeType::FINISHED, &[2; 12]);
    sender.outbox.end_flight(sender.now, Expect::Answer);
    let first = sender.records();
    let shape = |records: &[Record]| -> Vec<_> {
        records
            .iter()
            .map(|record| (record.number.epoch, record.kind, record.payload.clone()))
            .collect()
    };
    assert_eq!(
        first.iter().map(|record| record.kind).collect::<Vec<_>>(),
        [ContentType::HANDSHAKE, ContentType::CHANGE_CIPHER_SPEC, ContentType::HANDSHAKE]
    );
    assert_eq!(sender.waits(399), Ok(false));
    assert!(sender.records().is_empty(), "an early call does nothing");
    assert_eq!(sender.waits(1), Ok(true));
    let second = sender.records();
    assert_eq!(shape(&second), shape(&first));
    let numbers =
        |records: &[Record]| -> Vec<_> { records.iter().map(|record| record.number).collect() };
    assert!(numbers(&second).iter().all(|number| !numbers(&first).contains(number)));
}

/// D28: deadlines alone drive it, and the timeouts double up to the cap.
#[test]
fn the_budget_of_retransmissions_is_the_rfc_s() {
    let mut sender = Sender::sends(&[(0, 100)], Expect::Answer);
    let mut waits = Vec::new();
    assert_eq!(sender.records().len(), 1);
    loop {
        let due = u64::try_from(sender.due_in().unwrap()).unwrap();
        waits.push(due);
        match sender.waits(due) {
            Ok(_) => assert_eq!(sender.records().len(), 1, "at most one flight for each timeout"),
            Err(GaveUp) => break,
        }
    }
    let doubling = [400, 800, 1_600, 3_200, 6_400, 12_800, 25_600, 51_200];
    assert_eq!(waits, [&doubling[..], &[60_000; 5]].concat());
}

#[test]
fn the_next_flight_begins_with_the_first_timeout_again() {
    let mut sender = Sender::sends(&[(0, 100)], Expect::Answer);
    sender.waits(400).unwrap();
    sender.waits(800).unwrap();
    assert_eq!(sender.due_in(), Some(1_600));
    sender.outbox.answered(sender.now);
    assert_eq!(sender.due_in(), None);
    assert!(sender.records().is_empty());
    sender.flight(&[(0, 100)], Expect::Answer);
    assert_eq!(sender.due_in(), Some(400));
}

#[rstest]
#[case::lan(3, 50)]
#[case::usual(200, 300)]
#[case::satellite(1_000, 1_500)]
fn a_known_round_trip_sets_the_timeout(#[case] rtt: u64, #[case] timeout: u128) {
    let mut sender = Sender::new();
    sender.outbox.set_rtt(Duration::from_millis(rtt));
    sender.flight(&[(0, 100)], Expect::Answer);
    assert_eq!(sender.due_in(), Some(timeout));
}

#[test]
fn a_measured_round_trip_only_ever_lengthens_the_timeout() {
    let mut sender = Sender::sends(&[(0, 100)], Expect::Answer);
    sender.waits(390).unwrap();
    sender.outbox.answered(sender.now);
    assert_eq!(sender.outbox.timeout().as_millis(), 585);
    sender.flight(&[(0, 100)], Expect::Answer);
    sender.outbox.answered(sender.now);
    assert_eq!(sender.outbox.timeout().as_millis(), 585);
}

#[test]
fn a_new_first_timeout_stretches_timers_that_run() {
    let mut sender = Sender::sends(&[(0, 100)], Expect::Answer);
    sender.waits(400).unwrap();
    sender.outbox.set_first_timeout(Duration::from_millis(200));
    assert_eq!(sender.due_in(), Some(400));
}

#[test]
fn a_flight_that_expects_nothing_has_no_timer() {
    let mut sender = Sender::sends(&[(1, 12)], Expect::Nothing);
    assert_eq!(sender.records().len(), 1);
    assert_eq!((sender.due_in(), sender.outbox.is_waiting()), (None, false));
}

/// RFC 6347 §4.2.4: the last flight is sent again for each repeat of what it answers.
#[test]
fn a_lost_last_flight_is_sent_again_once_for_each_repeat() {
    let mut sender = Sender::sends(&[(1, 12)], Expect::Nothing);
    assert_eq!(sender.records().len(), 1);
    let key_exchange = Place { message_seq: 2, offset: 0 };
    let finished = Place { message_seq: 3, offset: 0 };
    for round in 0..MAX_REPEATS {
        assert!(sender.outbox.repeat(sender.now, key_exchange), "round {round}");
        assert!(!sender.outbox.repeat(sender.now, finished), "it is on its way already");
        assert_eq!(sender.records().len(), 1);
        assert!(!sender.outbox.repeat(sender.now, finished), "of the same repeat");
    }
    assert!(!sender.outbox.repeat(sender.now, key_exchange), "a flood is not answered for ever");
}

#[test]
fn a_repeat_right_after_a_transmission_is_not_answered() {
    let mut sender = Sender::sends(&[(0, 100)], Expect::Answer);
    sender.records();
    let place = Place { message_seq: 0, offset: 0 };
    assert!(!sender.outbox.repeat(sender.now, place));
    sender.waits(100).unwrap();
    assert!(sender.outbox.repeat(sender.now, place));
    assert_eq!(sender.records().len(), 1);
    assert_eq!(sender.due_in(), Some(400), "and the timer begins anew");
}

#[test]
fn what_was_acknowledged_is_not_sent_again() {
    let lengths = [(0, 90), (2, 1_000), (2, 200)];
    let mut sender = Sender::sends(&lengths, Expect::Answer);
    let first = sender.records();
    assert_eq!(first.len(), 4, "{:?}", fragments(&first));
    let acknowledged = sender.acks(&[first[1].number]);
    assert!(acknowledged.messages.is_empty() && !acknowledged.is_improper);
    assert_eq!(sender.due_in(), Some(50), "the rest follows soon");
    assert_eq!(sender.waits(50), Ok(false), "which is no timeout");
    let rest = sender.records();
    let (_, start, end) = fragments(&first)[1];
    let again = fragments(&rest);
    assert!(again.iter().all(|&(seq, from, to)| seq != 1 || to <= start || from >= end));
    let bytes = |all: &[(u16, u32, u32)]| all.iter().map(|(_, from, to)| to - from).sum::<u32>();
    assert_eq!(bytes(&again) + (end - start), bytes(&fragments(&first)));
    assert_eq!(sender.due_in(), Some(400), "the timer was set anew");
}

#[test]
fn a_flight_is_over_when_all_of_it_was_acknowledged_in_any_transmission() {
    let mut sender = Sender::sends(&[(2, 700), (2, 300)], Expect::Acknowledgement);
    let first = sender.records();
    sender.waits(400).unwrap();
    let second = sender.records();
    assert_eq!((first.len(), second.len()), (2, 2));
    assert!(sender.acks(&[first[0].number]).messages.is_empty());
    let done = sender.acks(&[second[1].number, second[1].number]);
    assert_eq!(done.messages.len(), 2, "both became whole");
    assert_eq!((sender.due_in(), sender.outbox.is_waiting()), (None, false));
    assert!(sender.records().is_empty());
    assert_eq!(sender.acks(&[first[1].number]), Acknowledged::default(), "nothing is new");
}

#[test]
fn an_acknowledgement_of_an_unknown_record_does_nothing() {
    let mut sender = Sender::sends(&[(0, 100)], Expect::Answer);
    sender.records();
    assert_eq!(sender.acks(&[RecordNumber::new(2, 77)]), Acknowledged::default());
    assert_eq!(sender.due_in(), Some(400));
}

/// RFC 9147 §7: an acknowledgement comes under the keys of what it names, or later ones.
#[test]
fn an_acknowledgement_under_weaker_keys_does_not_count() {
    let mut sender = Sender::sends(&[(2, 100)], Expect::Acknowledgement);
    let sent = sender.records();
    let forged = sender.outbox.handle_ack(sender.now, 0, &[sent[0].number]);
    assert!(forged.is_improper && forged.messages.is_empty());
    assert!(sender.outbox.is_waiting_for(HandshakeType::CERTIFICATE));
    assert_eq!(sender.acks(&[sent[0].number]).messages.len(), 1);
    assert!(!sender.outbox.is_waiting_for(HandshakeType::CERTIFICATE));
}

/// RFC 9147 §5.8.4: messages after the handshake are repeated each on its own.
#[test]
fn flights_that_wait_for_an_acknowledgement_wait_apart() {
    let mut sender = Sender::sends(&[(2, 100)], Expect::Acknowledgement);
    let last = sender.records();
    sender.waits(300).unwrap();
    sender.flight(&[(3, 1)], Expect::Acknowledgement);
    let update = sender.records();
    assert_eq!(fragments(&update), [(1, 0, 1)]);
    sender.waits(100).unwrap();
    assert_eq!(fragments(&sender.records()), [(0, 0, 100)]);
    assert_eq!(sender.due_in(), Some(300));
    sender.acks(&[last[0].number]);
    sender.waits(300).unwrap();
    assert_eq!(fragments(&sender.records()), [(1, 0, 1)]);
    sender.acks(&[update[0].number]);
    assert_eq!(sender.due_in(), None);
}

/// RFC 9147 §4.4: nobody knows what the path carries, and nothing arrives.
#[test]
fn datagrams_shrink_when_flights_stay_unanswered() {
    let mut sender = Sender::sends(&[(0, 2_000)], Expect::Answer);
    let mut largest = Vec::new();
    for timeouts in 0..6_u32 {
        let sizes = sender.datagrams_of(1_200).iter().map(Vec::len).max().unwrap();
        largest.push(sizes);
        sender.waits(400 << timeouts).unwrap();
    }
    assert_eq!(largest, [1_200, 1_200, 548, 548, 252, 252]);
}

#[test]
fn a_hello_goes_round_through_the_sizes() {
    let mut sender = Sender::new();
    sender.outbox.push(0, HandshakeType::CLIENT_HELLO, &[7; 1_000]);
    sender.outbox.end_flight(sender.now, Expect::Answer);
    let mut counts = Vec::new();
    for timeouts in 0..8_u32 {
        counts.push(sender.datagrams_of(1_200).len());
        sender.waits(400 << timeouts).unwrap();
    }
    assert_eq!(counts, [1, 1, 2, 2, 5, 5, 1, 1], "whole again for a server that keeps nothing");
}

#[test]
fn datagrams_keep_the_size_that_is_known_to_pass() {
    let mut sender = Sender::sends(&[(0, 2_000)], Expect::Answer);
    sender.outbox.set_knows_mtu(true);
    for timeouts in 0..6_u32 {
        let sizes = sender.datagrams_of(1_200).iter().map(Vec::len).max();
        assert_eq!(sizes, Some(1_200));
        sender.waits(400 << timeouts).unwrap();
    }
}

#[test]
fn fragments_follow_the_mtu_from_transmission_to_transmission() {
    let mut sender = Sender::sends(&[(0, 900)], Expect::Answer);
    let mut inbox = Inbox::default();
    let mut take = |datagram: &[u8]| {
        for record in records(datagram) {
            let _: Inserted = inbox.insert(record.number, &record.payload).unwrap();
        }
    };
    take(&sender.datagrams_of(700)[0]);
    sender.waits(400).unwrap();
    let second = sender.datagrams_of(301);
    assert_eq!(second.len(), 4);
    second[1..].iter().for_each(|datagram| take(datagram));
    assert_eq!(inbox.next().map(|got| got.body), Some(vec![7; 900]));
}

#[test]
fn a_room_too_small_for_anything_still_makes_progress() {
    let mut sender = Sender::sends(&[(0, 5)], Expect::Answer);
    assert_eq!(sender.datagrams_of(1).len(), 5);
}

#[test]
fn what_the_caller_put_in_front_counts() {
    let mut sender = Sender::sends(&[(0, 500)], Expect::Answer);
    let mut datagram = vec![0; 100];
    assert!(sender.outbox.poll(&mut sender.seal, 200, &mut datagram).unwrap());
    assert_eq!(datagram.len(), 300);
}

#[test]
fn a_flight_that_cannot_be_sealed_is_not_sent_for_ever() {
    let mut sender = Sender::sends(&[(0, 10), (2, 10)], Expect::Answer);
    sender.seal.broken_epoch = Some(2);
    let mut datagram = Vec::new();
    assert_eq!(sender.outbox.poll(&mut sender.seal, MTU, &mut datagram), Err(()));
    assert!(!sender.outbox.has_more());
}

#[test]
fn the_next_flight_takes_the_place_of_the_one_before() {
    let mut sender = Sender::sends(&[(0, 100)], Expect::Answer);
    sender.flight(&[(0, 50)], Expect::Answer);
    assert_eq!(fragments(&sender.records()), [(1, 0, 50)]);
    assert_eq!(sender.outbox.next_message_seq(), Some(2));
}

#[test]
fn a_flight_that_answers_without_a_cookie_s_state_goes_on_counting() {
    let mut outbox = Outbox::starting_at(1, FIRST);
    assert_eq!(outbox.push(0, HandshakeType::SERVER_HELLO, b"x"), 1);
}
