//! Fragments in every order, doubled, contradicting, too many: what comes out, and what is held.

use base::Writer;
use rstest::rstest;

use super::*;

/// A fragment of `body` as the `seq`-th message.
fn cut(kind: HandshakeType, seq: u16, body: &[u8], range: std::ops::Range<usize>) -> Vec<u8> {
    let header = HandshakeHeader {
        kind,
        length: u32::try_from(body.len()).unwrap(),
        message_seq: seq,
        fragment_offset: u32::try_from(range.start).unwrap(),
        fragment_length: u32::try_from(range.len()).unwrap(),
    };
    let mut bytes = Vec::new();
    header.write(&mut Writer::new(&mut bytes));
    bytes.extend_from_slice(&body[range]);
    bytes
}

fn whole(kind: HandshakeType, seq: u16, body: &[u8]) -> Vec<u8> {
    cut(kind, seq, body, 0..body.len())
}

/// A header that claims what it likes.
fn claim(seq: u16, length: u32, offset: u32, bytes: &[u8]) -> Vec<u8> {
    let header = HandshakeHeader {
        kind: HandshakeType::CERTIFICATE,
        length,
        message_seq: seq,
        fragment_offset: offset,
        fragment_length: u32::try_from(bytes.len()).unwrap(),
    };
    let mut out = Vec::new();
    header.write(&mut Writer::new(&mut out));
    out.extend_from_slice(bytes);
    out
}

const HELLO: HandshakeType = HandshakeType::CLIENT_HELLO;
const AT: RecordNumber = RecordNumber::new(0, 0);

fn body(length: usize) -> Vec<u8> {
    (0..length).map(|at| u8::try_from(at % 251).unwrap()).collect()
}

#[test]
fn messages_come_out_in_order_whatever_order_they_came_in() {
    let mut inbox = Inbox::default();
    for seq in [2, 0, 1] {
        inbox.insert(AT, &whole(HELLO, seq, &[u8::try_from(seq).unwrap()])).unwrap();
    }
    let order: Vec<_> = std::iter::from_fn(|| inbox.next()).map(|got| got.body).collect();
    assert_eq!(order, [[0], [1], [2]]);
    assert!(!inbox.is_waiting());
}

/// D27: hellos in fragments of every size.
#[test]
fn a_hello_cut_at_every_byte_arrives() {
    let hello = body(90);
    for at in 0..=hello.len() {
        let mut inbox = Inbox::default();
        inbox.insert(AT, &cut(HELLO, 0, &hello, at..hello.len())).unwrap();
        inbox.insert(AT, &cut(HELLO, 0, &hello, 0..at)).unwrap();
        assert_eq!(inbox.next().map(|got| got.body).as_ref(), Some(&hello), "cut at {at}");
    }
}

/// D27, dtls.refragment: single bytes, in a scrambled order.
#[rstest]
#[case::forwards(1)]
#[case::backwards(89)]
#[case::scrambled(37)]
fn a_hello_in_single_bytes_arrives(#[case] step: usize) {
    let hello = body(90);
    let mut inbox = Inbox::default();
    for place in 0..hello.len() {
        let at = (place * step + step) % hello.len();
        assert!(inbox.next().is_none());
        let inserted = inbox.insert(AT, &cut(HELLO, 0, &hello, at..at + 1)).unwrap();
        assert!(inserted.is_new && inserted.may_be_acknowledged);
    }
    assert_eq!(inbox.next().map(|got| got.body), Some(hello));
}

/// dtls.refragment: a retransmission that is cut elsewhere.
#[test]
fn a_retransmission_in_other_pieces_completes_the_first() {
    let hello = body(300);
    let mut inbox = Inbox::default();
    inbox.insert(AT, &cut(HELLO, 0, &hello, 0..120)).unwrap();
    for (start, end) in [(0, 50), (50, 100), (250, 300), (100, 150), (150, 200)] {
        inbox.insert(AT, &cut(HELLO, 0, &hello, start..end)).unwrap();
    }
    assert!(inbox.next().is_none());
    inbox.insert(AT, &cut(HELLO, 0, &hello, 190..260)).unwrap();
    assert_eq!(inbox.next().map(|got| got.body), Some(hello));
}

/// D14: empty fragments of every message at any offset say nothing and loop nowhere.
#[test]
fn empty_fragments_are_harmless() {
    let mut inbox = Inbox::default();
    for kind in 0..=u8::MAX {
        for offset in [0, 1, 40] {
            let kind = HandshakeType::new(kind);
            let inserted = inbox.insert(AT, &cut(kind, 0, &body(40), offset..offset)).unwrap();
            assert!(!inserted.is_new);
        }
    }
    assert_eq!((inbox.held(), inbox.next()), (0, None));
    inbox.insert(AT, &whole(HELLO, 0, &body(40))).unwrap();
    assert!(inbox.next().is_some(), "and they settle nothing about the message");
}

/// D15: repeats do not add up.
#[test]
fn a_hundred_thousand_repeats_hold_no_more_than_one() {
    let mut inbox = Inbox::default();
    let piece = cut(HELLO, 0, &body(900), 100..200);
    let empty = cut(HELLO, 0, &body(900), 0..0);
    inbox.insert(AT, &piece).unwrap();
    let held = inbox.held();
    for _ in 0..100_000 {
        inbox.insert(AT, &piece).unwrap();
        inbox.insert(AT, &empty).unwrap();
    }
    assert_eq!(inbox.held(), held);
}

/// D16: a flood of fragments of messages that never end.
#[test]
fn fragments_never_take_more_than_the_limit() {
    let mut inbox = Inbox::default();
    let mut refused = 0_u32;
    let chunk = [7; 1_000];
    for round in 0..4_000_u32 {
        let seq = u16::try_from(round % 12).unwrap();
        let offset = round * 1_009 % 31_000;
        let length = u32::try_from(MAX_MESSAGE).unwrap();
        refused += u32::from(inbox.insert(AT, &claim(seq, length, offset, &chunk)).is_err());
        assert!(inbox.held() <= MAX_HELD, "{} bytes", inbox.held());
    }
    assert!(refused > 1_000);
}

/// The flood takes no room from the one message that helps the handshake on.
#[test]
fn there_is_always_room_for_the_next_message() {
    let mut inbox = Inbox::default();
    for round in 0..400_u32 {
        let seq = u16::try_from(1 + round % 8).unwrap();
        let _ = inbox.insert(AT, &claim(seq, 30_000, round * 61, &[7; 60]));
    }
    let long = body(MAX_MESSAGE);
    for start in (0..MAX_MESSAGE).step_by(1_024) {
        inbox.insert(AT, &cut(HELLO, 0, &long, start..start + 1_024)).unwrap();
    }
    assert_eq!(inbox.next().map(|got| got.body), Some(long));
}

/// D17: memory is for bytes that came, not for lengths that were claimed.
#[test]
fn a_claimed_length_takes_no_memory() {
    let mut inbox = Inbox::default();
    let huge = inbox.insert(AT, &claim(0, 0xff_ffff, 0, b"x"));
    assert_eq!(huge, Err(DropReason::MessageTooLong));
    assert_eq!(inbox.held(), 0);
    inbox.insert(AT, &claim(0, 32_000, 31_000, b"x")).unwrap();
    assert!(inbox.held() < 200, "{} bytes", inbox.held());
}

/// D18: a second opinion about a message is dropped.
#[rstest]
#[case::length(claim(0, 31, 10, b"x"), DropReason::ContradictoryFragment)]
#[case::kind(cut(HELLO, 0, &body(30), 10..20), DropReason::ContradictoryFragment)]
#[case::bytes(claim(0, 30, 3, b"x"), DropReason::ContradictoryFragment)]
#[case::beyond_the_end(claim(0, 30, 29, b"xx"), DropReason::MalformedFragment)]
#[case::far_beyond_the_end(claim(0, 30, 0xff_ffff, b"xx"), DropReason::MalformedFragment)]
fn a_fragment_that_contradicts_is_dropped(#[case] lie: Vec<u8>, #[case] reason: DropReason) {
    let mut inbox = Inbox::default();
    let truth = body(30);
    inbox.insert(AT, &cut(HandshakeType::CERTIFICATE, 0, &truth, 0..10)).unwrap();
    assert_eq!(inbox.insert(AT, &lie), Err(reason));
    inbox.insert(AT, &cut(HandshakeType::CERTIFICATE, 0, &truth, 10..30)).unwrap();
    assert_eq!(inbox.next().map(|got| got.body), Some(truth));
}

/// D19: messages of one type and different numbers stay apart.
#[test]
fn two_messages_of_one_type_are_not_mixed() {
    let (first, second) = (body(40), vec![9; 40]);
    let mut inbox = Inbox::default();
    for range in [0..20, 20..40] {
        inbox.insert(AT, &cut(HELLO, 1, &second, range.clone())).unwrap();
        inbox.insert(AT, &cut(HELLO, 0, &first, range)).unwrap();
    }
    assert_eq!(inbox.next().map(|got| got.body), Some(first));
    assert_eq!(inbox.next().map(|got| got.body), Some(second));
}

/// D20: storms of messages out of order.
#[test]
fn messages_too_far_ahead_are_dropped() {
    let mut inbox = Inbox::default();
    for seq in 1..=u16::MAX {
        let kind = if seq % 2 == 0 {
            HandshakeType::HELLO_REQUEST
        } else {
            HandshakeType::SERVER_HELLO_DONE
        };
        let result = inbox.insert(AT, &whole(kind, seq, &[]));
        let fits = u32::from(seq) <= MAX_AHEAD;
        assert_eq!(result.is_ok(), fits, "message {seq}: {result:?}");
    }
    assert_eq!(inbox.next(), None);
}

/// D21: what was kept is given or gone, never left behind.
#[test]
fn nothing_is_left_when_all_was_given() {
    let mut inbox = Inbox::default();
    for seq in (0..MAX_AHEAD + 1).rev() {
        inbox.insert(AT, &whole(HELLO, u16::try_from(seq).unwrap(), &body(100))).unwrap();
    }
    assert_eq!(std::iter::from_fn(|| inbox.next()).count(), 9);
    assert_eq!((inbox.held(), inbox.is_waiting()), (0, false));
}

#[rstest]
#[case::nothing(Vec::new())]
#[case::half_a_header(vec![1, 0, 0, 3, 0, 0])]
#[case::half_a_body(whole(HELLO, 0, b"abc")[..14].to_vec())]
#[case::more_after_a_whole_one([whole(HELLO, 0, b"abc"), vec![1, 2]].concat())]
fn a_record_that_cannot_be_read_changes_nothing(#[case] payload: Vec<u8>) {
    let mut inbox = Inbox::default();
    assert_eq!(inbox.insert(AT, &payload), Err(DropReason::MalformedFragment));
    assert!(!inbox.is_waiting());
}

#[test]
fn a_record_may_hold_several_messages() {
    let mut inbox = Inbox::default();
    let record = [whole(HELLO, 0, b"a"), cut(HELLO, 1, b"bcd", 0..1)].concat();
    let inserted = inbox.insert(AT, &record).unwrap();
    assert!(inserted.is_new && !inserted.is_ahead);
    assert!(inbox.next().is_some() && inbox.next().is_none());
    inbox.insert(AT, &cut(HELLO, 1, b"bcd", 1..3)).unwrap();
    assert_eq!(inbox.next().map(|got| got.body), Some(b"bcd".to_vec()));
}

/// RFC 9147 §7: a record of which a part was dropped must not be acknowledged.
#[test]
fn a_record_taken_in_part_is_not_acknowledged() {
    let mut inbox = Inbox::default();
    let record = [whole(HELLO, 1_000, b"far"), whole(HELLO, 0, b"a")].concat();
    let inserted = inbox.insert(AT, &record).unwrap();
    assert_eq!(inserted.dropped, Some(DropReason::MessageTooFarAhead));
    assert!(inserted.is_new && !inserted.may_be_acknowledged);
    assert!(inbox.next().is_some());
}

#[test]
fn a_gap_is_noticed_and_order_is_not() {
    let mut inbox = Inbox::default();
    let hello = body(30);
    let mut ahead =
        |record: Vec<u8>| inbox.insert(AT, &record).map(|inserted| inserted.is_ahead).unwrap();
    assert!(!ahead(cut(HELLO, 0, &hello, 0..10)));
    assert!(ahead(cut(HELLO, 0, &hello, 20..30)), "10..20 is missing");
    assert!(ahead(whole(HELLO, 1, b"x")), "and so it is for the next message");
    assert!(!ahead(cut(HELLO, 0, &hello, 10..20)));
    assert!(!ahead(whole(HELLO, 2, b"x")), "all before it is there");
    assert!(ahead(whole(HELLO, 4, b"x")));
}

#[test]
fn repeats_say_which_flight_they_are_of() {
    let mut inbox = Inbox::default();
    let (hello, finished) = (whole(HELLO, 0, b"h"), whole(HandshakeType::FINISHED, 1, b"f"));
    inbox.insert(AT, &hello).unwrap();
    assert!(inbox.next().is_some());
    let again = inbox.insert(AT, &hello).unwrap();
    assert!(again.repeats_this_flight && again.may_be_acknowledged);

    inbox.end_flight();
    let again = inbox.insert(AT, &hello).unwrap();
    let place = Place { message_seq: 0, offset: 0 };
    assert_eq!(again.repeats_earlier_flight, Some(place));
    assert!(!again.may_be_acknowledged, "acknowledgements cover the present flight");
    assert!(!inbox.insert(AT, &finished).unwrap().repeats_this_flight);
}

#[test]
fn records_under_keys_overrule_those_without() {
    let mut inbox = Inbox::default();
    let protected = RecordNumber::new(2, 0);
    inbox.insert(AT, &cut(HELLO, 0, &[1; 9], 0..5)).unwrap();
    inbox.insert(protected, &cut(HELLO, 0, &[2; 8], 0..5)).unwrap();
    let forged = inbox.insert(AT, &cut(HELLO, 0, &[2; 8], 5..8));
    assert_eq!(forged, Err(DropReason::ContradictoryFragment));
    inbox.insert(protected, &cut(HELLO, 0, &[2; 8], 5..8)).unwrap();
    let message = inbox.next().unwrap();
    assert_eq!((message.epoch, message.body), (2, vec![2; 8]));
}

#[test]
fn what_came_before_new_keys_does_not_count_after_them() {
    let mut inbox = Inbox::default();
    inbox.insert(AT, &whole(HELLO, 0, b"a")).unwrap();
    inbox.insert(AT, &cut(HELLO, 1, b"bc", 0..1)).unwrap();
    assert!(inbox.next().is_some());
    assert!(inbox.holds(0));
    assert!(inbox.raise_floor(2), "the start of a message was under way");
    assert_eq!(inbox.insert(AT, &whole(HELLO, 1, b"x")), Err(DropReason::Unprotected));
    assert!(inbox.insert(AT, &whole(HELLO, 0, b"a")).unwrap().repeats_this_flight);
    inbox.insert(RecordNumber::new(2, 0), &whole(HELLO, 1, b"x")).unwrap();
    assert!(inbox.next().is_some());
    assert!(!inbox.raise_floor(3));
}

#[test]
fn the_numbers_of_messages_run_out_quietly() {
    let mut inbox = Inbox::starting_at(u16::MAX);
    inbox.insert(AT, &whole(HELLO, u16::MAX, b"x")).unwrap();
    assert!(inbox.next().is_some());
    assert!(inbox.insert(AT, &whole(HELLO, u16::MAX, b"x")).unwrap().repeats_this_flight);
    assert!(inbox.next().is_none());
}
