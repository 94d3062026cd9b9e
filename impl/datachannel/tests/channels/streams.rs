//! Channels whose number is beyond the streams that were negotiated: RFC 8831 §6.2.

use datachannel::{ChannelConfig, CloseReason, Data, Event, Role, SendError, State, ppid};
use rstest::rstest;

use crate::cable::{beside, config, id, pair_of, quiet};

#[test]
fn streams_are_added_for_a_channel_that_needs_them() {
    let mut even = config(Role::Even);
    even.association.outgoing_streams = 8;
    let mut cable = pair_of(even, config(Role::Odd));
    let channels: Vec<_> = (0..10).map(|_| cable.open(&ChannelConfig::new("a"))).collect();
    assert_eq!(channels.last(), Some(&id(18)));
    cable.settle();
    for channel in channels {
        assert_eq!(cable.a.channels.state(channel), Some(State::Open), "{channel}");
        cable.send(channel, Data::text("hello"));
    }
    cable.settle();
    assert_eq!(cable.b.channels.stats().messages_received, 10);
}

/// The peer opens a channel on which this end cannot answer yet.
#[test]
fn streams_are_added_to_agree_to_a_channel() {
    let mut odd = config(Role::Odd);
    odd.association.outgoing_streams = 2;
    let mut cable = beside(config(Role::Even), odd.association);
    cable.say(1, ppid::DCEP, &[3, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    cable.settle();
    assert_eq!(cable.a.channels.state(id(1)), Some(State::Open));

    let mut even = config(Role::Even);
    even.association.outgoing_streams = 2;
    let mut cable = beside(even, quiet());
    cable.say_open(101);
    cable.settle();
    assert_eq!(cable.b.heard(101), [(50, false, vec![2])]);
    assert!(cable.a.channels.association().outgoing_streams() > 101);
}

/// The peer has as many streams as it ever will.
#[rstest]
#[case::nothing_to_send_on(8, 65_535)]
#[case::nothing_to_answer_on(65_535, 8)]
fn a_channel_for_which_there_are_no_streams_is_closed(
    #[case] incoming: u16,
    #[case] outgoing: u16,
) {
    let mut odd = config(Role::Odd);
    odd.association.incoming_streams = incoming;
    odd.association.outgoing_streams = outgoing;
    let mut cable = pair_of(config(Role::Even), odd);
    let near = cable.open(&ChannelConfig::new("near"));
    let far = cable.open(&ChannelConfig::new("far").negotiated(id(100)));
    cable.settle();
    let reason = CloseReason::NoStream;
    assert_eq!(cable.a.heard(), [Event::Open(near), Event::Closed { id: far, reason }]);
}

#[test]
fn a_channel_that_waits_for_streams_takes_no_message() {
    let mut even = config(Role::Even);
    even.association.outgoing_streams = 2;
    let mut cable = pair_of(even, config(Role::Odd));
    let channel = cable.open(&ChannelConfig::new("far").negotiated(id(100)));
    assert_eq!(cable.a.channels.state(channel), Some(State::Waiting));
    let refused = cable.a.channels.send(cable.now, channel, Data::text("x"));
    assert_eq!(refused, Err(SendError::NotOpen));
    cable.settle();
    assert_eq!(cable.a.heard(), [Event::Open(channel)]);
}

#[test]
fn a_channel_for_which_the_peer_adds_no_stream_is_closed() {
    let mut odd = config(Role::Odd);
    odd.association.incoming_streams = 4;
    odd.association.features.reconfig = false;
    let mut cable = pair_of(config(Role::Even), odd);
    let channel = cable.open(&ChannelConfig::new("far").negotiated(id(100)));
    cable.settle();
    let reason = CloseReason::NoStream;
    assert_eq!(cable.a.heard(), [Event::Closed { id: channel, reason }]);
}

#[test]
fn without_resets_a_channel_is_closed_here_alone_and_its_number_is_burnt() {
    let mut odd = config(Role::Odd);
    odd.association.features.reconfig = false;
    let mut cable = pair_of(config(Role::Even), odd);
    let channel = cable.open(&ChannelConfig::new("a"));
    cable.settle();
    cable.a.heard();
    cable.close(channel);
    cable.settle();
    let reason = CloseReason::Local;
    assert_eq!(cable.a.heard(), [Event::Closed { id: channel, reason }]);
    assert_eq!(cable.open(&ChannelConfig::new("b")), id(2));
}
