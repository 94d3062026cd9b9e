//! A peer that misuses channels: the channel is closed, and the association lives on.

use bytes::Bytes;
use datachannel::{ChannelConfig, CloseReason, Data, Event, Fault, Role, ppid};
use rstest::rstest;
use sctp::{Ppid, SendOptions};

use crate::cable::{Cable, Script, Talker, beside, beside_script, config, id, quiet};

const OPEN: &[u8] = &[3, 0, 1, 0, 0, 0, 0, 0, 0, 1, 0, 0, b'x'];
const UNORDERED: SendOptions =
    SendOptions { unordered: true, reliability: sctp::Reliability::Reliable, immediate: false };

/// Whatever was wrong on a stream, all else still works.
fn lives_on(cable: &mut Cable<Talker, Script>) {
    cable.say_open(101);
    cable.settle();
    let config = ChannelConfig::new("x");
    assert_eq!(cable.a.heard().last(), Some(&Event::Opened { id: id(101), config }));
}

// Rows S26 and S27 of the reliability study, dcep.parity and dc.ppid of the check list: RFC 8832 §6.
#[rstest]
#[case::wrong_parity(4, ppid::DCEP, OPEN, Fault::WrongParity)]
#[case::unknown_type(5, ppid::DCEP, &[3, 3, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0], Fault::UnknownChannelType)]
#[case::reserved_type(5, ppid::DCEP, &[3, 0x7f, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0], Fault::UnknownChannelType)]
#[case::label_beyond_the_end(5, ppid::DCEP, &[3, 0, 1, 0, 0, 0, 0, 0, 255, 255, 0, 0], Fault::MalformedDcep)]
#[case::bytes_left_over(5, ppid::DCEP, &[3, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1], Fault::MalformedDcep)]
#[case::label_not_text(5, ppid::DCEP, &[3, 0, 1, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0xff], Fault::MalformedDcep)]
#[case::one_byte(5, ppid::DCEP, &[3], Fault::MalformedDcep)]
#[case::unknown_message(5, ppid::DCEP, &[4], Fault::UnknownDcep)]
#[case::text_without_channel(5, ppid::STRING, b"x", Fault::NoChannel)]
#[case::empty_without_channel(5, ppid::BINARY_EMPTY, &[0], Fault::NoChannel)]
#[case::unknown_ppid_without_channel(5, Ppid::new(55), b"x", Fault::NoChannel)]
fn a_channel_that_should_not_be_is_closed_without_consent(
    #[case] stream: u16,
    #[case] ppid: Ppid,
    #[case] bytes: &[u8],
    #[case] fault: Fault,
) {
    let mut cable = beside_script();
    cable.say(stream, ppid, bytes);
    // What follows is not looked at.
    cable.say(stream, ppid::STRING, b"and more");
    cable.settle();
    assert_eq!(cable.a.channels.stats().faults.count(fault), 1);
    assert_eq!(cable.a.channels.stats().faults.total(), 1);
    assert_eq!(cable.a.heard(), [], "the application never knew");
    assert_eq!((cable.b.heard(stream), cable.b.resets()), (vec![], vec![stream]));
    // RFC 8832 §6: once both are reset, the stream is as good as new.
    cable.say_reset(stream);
    cable.settle();
    if stream % 2 == 1 {
        cable.say_open(stream);
        cable.settle();
        assert_eq!(cable.b.heard(stream), [(50, false, vec![2])]);
    }
    lives_on(&mut cable);
}

#[test]
fn an_open_without_order_is_refused() {
    let mut cable = beside_script();
    cable.say_with(5, ppid::DCEP, OPEN, &UNORDERED);
    cable.settle();
    assert_eq!(cable.a.channels.stats().faults.count(Fault::UnorderedOpen), 1);
    assert_eq!(cable.b.resets(), [5]);
    lives_on(&mut cable);
}

#[rstest]
#[case::open_again(ppid::DCEP, OPEN, SendOptions::default(), Fault::StreamInUse)]
#[case::malformed(ppid::DCEP, &[2, 2], SendOptions::default(), Fault::MalformedDcep)]
#[case::unknown_message(ppid::DCEP, &[0xff], SendOptions::default(), Fault::UnknownDcep)]
#[case::unknown_kind(Ppid::new(55), b"x", SendOptions::default(), Fault::UnknownPpid)]
#[case::no_kind(Ppid::new(0), b"x", SendOptions::default(), Fault::UnknownPpid)]
#[case::no_text(ppid::STRING, &[0xc3], SendOptions::default(), Fault::NotUtf8)]
#[case::no_order(ppid::STRING, b"x", UNORDERED, Fault::IllegalOrder)]
fn a_channel_that_is_misused_is_closed(
    #[case] ppid: Ppid,
    #[case] bytes: &[u8],
    #[case] how: SendOptions,
    #[case] fault: Fault,
) {
    let mut cable = beside_script();
    cable.say_open(5);
    cable.settle();
    cable.a.heard();
    cable.say_with(5, ppid, bytes, &how);
    cable.say(5, ppid::STRING, b"too late for some");
    cable.settle();
    assert_eq!(cable.b.resets(), [5]);
    assert_eq!(cable.a.channels.stats().faults.count(fault), 1);
    cable.say_reset(5);
    cable.settle();
    let reason = CloseReason::Fault(fault);
    assert_eq!(cable.a.heard().last(), Some(&Event::Closed { id: id(5), reason }));
    lives_on(&mut cable);
}

/// Both open a channel with one number, since one of them does not keep to its role.
#[test]
fn an_open_is_no_consent() {
    let mut cable = beside_script();
    let channel = cable.open(&ChannelConfig::new("mine"));
    cable.say_open(channel.get());
    cable.settle();
    cable.say_reset(channel.get());
    cable.settle();
    let reason = CloseReason::Fault(Fault::StreamInUse);
    assert_eq!(cable.a.heard(), [Event::Closed { id: channel, reason }]);
    assert_eq!(cable.b.resets(), [channel.get()]);
    lives_on(&mut cable);
}

#[test]
fn parts_of_different_kinds_do_not_mix() {
    let mut cable = beside_script();
    cable.say_open(5);
    cable.say(5, ppid::BINARY_PARTIAL, &[1]);
    cable.say(5, ppid::STRING, b"x");
    cable.settle();
    assert_eq!(cable.a.channels.stats().faults.count(Fault::MixedParts), 1);
    assert_eq!(cable.b.resets(), [5]);
}

#[rstest]
#[case::unordered(0x80)]
#[case::rexmit(0x01)]
#[case::timed_unordered(0x82)]
fn parts_need_a_channel_that_loses_none(#[case] kind: u8) {
    let mut cable = beside_script();
    cable.say(5, ppid::DCEP, &[3, kind, 1, 0, 0, 0, 0, 5, 0, 0, 0, 0]);
    cable.say(5, ppid::BINARY_PARTIAL, &[1]);
    cable.settle();
    assert_eq!(cable.a.channels.stats().faults.count(Fault::PartOnUnreliable), 1);
    assert_eq!(cable.b.resets(), [5]);
}

#[test]
fn parts_that_make_too_long_a_message_are_not_kept() {
    let mut even = config(Role::Even);
    even.association.max_message = 10_000;
    let mut cable = beside(even, quiet());
    cable.say_open(5);
    for _ in 0..3 {
        cable.say(5, ppid::BINARY_PARTIAL, &[0; 4_000]);
    }
    cable.settle();
    assert_eq!(cable.a.channels.stats().faults.count(Fault::PartsTooLong), 1);
    assert_eq!(cable.b.resets(), [5]);
}

#[test]
fn parts_on_many_channels_are_bounded_together() {
    let mut cable = beside_script();
    for stream in (1..40).step_by(2) {
        cable.say_open(stream);
        cable.say(stream, ppid::BINARY_PARTIAL, &[0; 200_000]);
        cable.settle();
    }
    assert_eq!(cable.a.channels.stats().faults.count(Fault::PartsTooLong), 15);
    assert_eq!(cable.a.channels.iter().filter(|(_, state)| !state.is_closing()).count(), 5);
}

#[rstest]
#[case::on_nothing(false)]
#[case::after_close(true)]
fn consent_that_nobody_awaits_is_ignored(#[case] after_close: bool) {
    let mut cable = beside_script();
    let stream = if after_close {
        let channel = cable.open(&ChannelConfig::new("a"));
        cable.close(channel);
        cable.settle();
        channel.get()
    } else {
        7
    };
    cable.say(stream, ppid::DCEP, &[2]);
    cable.settle();
    assert_eq!(cable.a.heard(), []);
    assert_eq!(cable.a.channels.stats().faults.total(), 0);
    lives_on(&mut cable);
}

#[test]
fn a_number_that_the_peer_should_not_have_used_is_not_given_out_before_it_is_free() {
    let mut cable = beside_script();
    cable.say_open(0);
    cable.settle();
    assert_eq!(cable.open(&ChannelConfig::new("a")), id(2));
    cable.say_reset(0);
    cable.settle();
    assert_eq!(cable.open(&ChannelConfig::new("b")), id(0));
}

#[test]
fn a_channel_that_waits_for_the_peer_is_gone_if_the_peer_uses_its_number() {
    let mut script = quiet();
    script.incoming_streams = 4;
    let mut cable = beside(config(Role::Even), script);
    // Beyond the streams of the peer: the channel waits for more of them.
    let channel = cable.open(&ChannelConfig::new("far").negotiated(id(6)));
    let data = Bytes::from_static(b"x");
    let stream = channel.stream();
    let options = SendOptions::default();
    let sent = cable.b.association.send(cable.now, stream, ppid::STRING, data, &options);
    assert!(sent.is_ok());
    cable.settle();
    assert!(cable.a.heard().contains(&Event::Message { id: channel, data: Data::text("x") }));
}
