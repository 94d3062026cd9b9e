//! Messages go both ways.

use std::time::Duration;

use datachannel::{ChannelConfig, Data, Event, Reliability, Role, SendError, ppid};
use rstest::rstest;

use crate::cable::{Cable, Script, Talker, beside_script, config, id, pair, pair_of};

/// The data of the messages among events.
fn messages(events: Vec<Event>) -> Vec<Data> {
    let data = |event| if let Event::Message { data, .. } = event { Some(data) } else { None };
    events.into_iter().filter_map(data).collect()
}

/// Channels beside a script that has agreed to channel 0.
fn open_beside_script() -> Cable<Talker, Script> {
    let mut cable = beside_script();
    cable.open(&ChannelConfig::new("a"));
    cable.say(0, ppid::DCEP, &[2]);
    cable.settle();
    cable.a.heard();
    cable
}

#[rstest]
#[case::nothing(0)]
#[case::a_byte(1)]
#[case::a_packet(1_200)]
#[case::usual(16_384)]
#[case::limit_without_signalling(65_536)]
#[case::limit(262_144)]
fn messages_of_every_length_go_both_ways(#[case] length: usize) {
    let mut cable = pair();
    let channel = cable.open(&ChannelConfig::new("a"));
    let text = Data::Text("x".repeat(length).into());
    let bytes = Data::Binary((0..length).map(|at| u8::try_from(at % 251).unwrap()).collect());
    cable.send(channel, text.clone());
    cable.send(channel, bytes.clone());
    cable.settle();
    for data in [&text, &bytes] {
        cable.b.channels.send(cable.now, channel, data.clone()).unwrap();
    }
    cable.settle();
    assert_eq!(messages(cable.a.heard()), [text.clone(), bytes.clone()]);
    assert_eq!(messages(cable.b.heard()), [text, bytes]);
    let (sent, received) =
        (cable.a.channels.stats().bytes_sent, cable.b.channels.stats().bytes_received);
    assert_eq!((sent, received), (2 * length as u64, 2 * length as u64));
}

// Row S31: more than the peer takes is refused where it is given, and 0 is any.
#[rstest]
#[case::told(1_000, 262_144, 1_000)]
#[case::own_limit(0, 5_000, 5_000)]
#[case::buffer(0, 0, 16 << 20)]
fn a_message_longer_than_the_limit_is_refused(
    #[case] peer: usize,
    #[case] own: usize,
    #[case] limit: usize,
) {
    let mut even = config(Role::Even);
    even.peer_max_message = peer;
    even.association.max_message = own;
    let mut cable = pair_of(even, config(Role::Odd));
    assert_eq!(cable.a.channels.longest_message(), limit);
    let channel = cable.open(&ChannelConfig::new("a"));
    let send = |cable: &mut Cable<Talker, Talker>, length| {
        cable.a.channels.send(cable.now, channel, Data::Binary(vec![0; length].into()))
    };
    assert_eq!(send(&mut cable, limit + 1), Err(SendError::TooLong { limit }));
    if limit < 1 << 20 {
        assert_eq!(send(&mut cable, limit), Ok(()));
        cable.settle();
        assert_eq!(messages(cable.b.heard()).len(), 1);
    }
}

#[test]
fn signalling_may_change_the_limit() {
    let mut cable = pair();
    let channel = cable.open(&ChannelConfig::new("a"));
    cable.a.channels.set_peer_max_message(9);
    let long = Data::text("0123456789");
    let refused = cable.a.channels.send(cable.now, channel, long.clone());
    assert_eq!(refused, Err(SendError::TooLong { limit: 9 }));
    cable.a.channels.set_peer_max_message(10);
    cable.send(channel, long);
}

// Row dc.ppid of the check list: RFC 8831 §6.6.
#[test]
fn the_wire_says_what_a_message_is() {
    let mut cable = open_beside_script();
    let all = [Data::text("é"), Data::text(""), Data::binary(&[7]), Data::binary(&[])];
    for data in all {
        cable.send(id(0), data);
    }
    cable.settle();
    let heard = cable.b.heard(0);
    let said: Vec<_> =
        heard.iter().skip(1).map(|(ppid, _, bytes)| (*ppid, bytes.as_slice())).collect();
    let wanted: [(u32, &[u8]); 4] = [(51, "é".as_bytes()), (56, &[0]), (53, &[7]), (57, &[0])];
    assert_eq!(said, wanted);
}

#[test]
fn what_an_empty_message_holds_is_ignored() {
    let mut cable = open_beside_script();
    cable.say(0, ppid::STRING_EMPTY, b"ignored");
    cable.say(0, ppid::BINARY_EMPTY, &[0]);
    cable.settle();
    assert_eq!(messages(cable.a.heard()), [Data::text(""), Data::binary(&[])]);
}

#[test]
fn parts_of_messages_are_put_together_though_nobody_should_send_them() {
    let mut cable = open_beside_script();
    let say = [
        (ppid::STRING_PARTIAL, "a\u{e9}".as_bytes().split_at(2).0),
        (ppid::STRING, "a\u{e9}".as_bytes().split_at(2).1),
        (ppid::BINARY_PARTIAL, &[1, 2]),
        (ppid::BINARY_PARTIAL, &[3]),
        (ppid::BINARY, &[4]),
        (ppid::BINARY_PARTIAL, &[5]),
        (ppid::BINARY_EMPTY, &[0]),
    ];
    for (ppid, bytes) in say {
        cable.say(0, ppid, bytes);
    }
    cable.settle();
    assert_eq!(
        messages(cable.a.heard()),
        [Data::text("aé"), Data::binary(&[1, 2, 3, 4]), Data::binary(&[5])],
    );
}

#[test]
fn text_is_checked_before_it_leaves() {
    let mut cable = pair();
    let channel = cable.open(&ChannelConfig::new("a"));
    let bad = Data::Text(vec![0xff].into());
    assert_eq!(cable.a.channels.send(cable.now, channel, bad), Err(SendError::NotUtf8));
}

#[test]
fn unordered_messages_pass_one_that_is_late() {
    let mut cable = pair();
    let channel = cable.open(&ChannelConfig::new("a").unordered());
    cable.settle();
    cable.b.heard();
    cable.losing(|from, number, _| from == 0 && number == 1);
    for number in 0..5 {
        cable.send(channel, Data::binary(&[number; 1_100]));
    }
    cable.settle();
    let heard = messages(cable.b.heard());
    assert_eq!(heard.len(), 5);
    assert_eq!(heard.iter().map(|data| data.bytes()[0]).max(), Some(4));
    assert_eq!(heard[4].bytes()[0], 0, "the one that was lost comes last");
}

#[rstest]
#[case::no_retransmission(Reliability::Retransmits(0))]
#[case::short_life(Reliability::Lifetime(5))]
fn what_is_lost_for_good_holds_nothing_up(#[case] reliability: Reliability) {
    let mut cable = pair();
    let channel = cable.open(&ChannelConfig::new("a").reliability(reliability));
    cable.settle();
    cable.b.heard();
    cable.losing(|from, number, _| from == 0 && number == 2);
    for number in 0..4 {
        cable.send(channel, Data::binary(&[number; 1_100]));
        cable.run(Duration::from_millis(1));
    }
    cable.settle();
    let heard: Vec<_> = messages(cable.b.heard()).iter().map(|data| data.bytes()[0]).collect();
    assert_eq!(heard, [0, 2, 3]);
}

#[test]
fn the_application_is_told_when_little_waits() {
    let mut cable = pair();
    let channel = cable.open(&ChannelConfig::new("a"));
    cable.settle();
    assert!(!cable.a.heard_all().contains(&Event::BufferedLow(channel)), "nothing was sent");
    cable.a.channels.set_buffered_low(channel, 10_000).unwrap();
    cable.send(channel, Data::binary(&[0; 200_000]));
    assert!(cable.a.channels.buffered_amount(channel) > 10_000);
    cable.settle();
    assert_eq!(cable.a.heard_all(), [Event::BufferedLow(channel)]);
    assert_eq!(cable.a.channels.buffered_amount(channel), 0);
}

#[test]
fn a_full_buffer_refuses_and_tells_when_there_is_room() {
    let mut even = config(Role::Even);
    even.association.send_buffer = 100_000;
    let mut cable = pair_of(even, config(Role::Odd));
    let channel = cable.open(&ChannelConfig::new("a"));
    cable.settle();
    cable.a.heard();
    let mut taken = 0;
    let data = Data::binary(&[0; 10_000]);
    let refused = loop {
        match cable.a.channels.send(cable.now, channel, data.clone()) {
            Ok(()) => taken += 1,
            Err(error) => break error,
        }
        assert!(taken < 20, "the buffer has a limit");
    };
    assert_eq!(refused, SendError::Full);
    cable.settle();
    assert_eq!(cable.a.heard(), [Event::Writable]);
    assert_eq!(messages(cable.b.heard()).len(), taken);
    cable.send(channel, data);
}

#[test]
fn a_reader_that_does_not_read_stops_the_sender() {
    let mut odd = config(Role::Odd);
    odd.association.max_receive_window = 50_000;
    let mut cable = pair_of(config(Role::Even), odd);
    let channel = cable.open(&ChannelConfig::new("a"));
    cable.settle();
    cable.b.heard();
    cable.b.reads = false;
    for _ in 0..100 {
        cable.send(channel, Data::binary(&[0; 5_000]));
    }
    cable.settle();
    let before = cable.b.channels.stats().messages_received;
    assert!((5..=12).contains(&before), "{before} messages in a window of 50,000 bytes");
    cable.b.reads = true;
    cable.settle();
    assert_eq!(messages(cable.b.heard()).len(), 100);
}
