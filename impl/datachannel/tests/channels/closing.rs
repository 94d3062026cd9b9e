//! Channels are closed, and their numbers used again.

use std::time::Duration;

use datachannel::{
    ChannelConfig, CloseError, CloseReason, Data, Event, OpenError, Role, SendError, State, ppid,
};
use rstest::rstest;

use crate::cable::{Cable, End as _, Talker, beside_script, config, id, pair};

fn closed(number: u16, reason: CloseReason) -> Event {
    Event::Closed { id: id(number), reason }
}

/// Two ends with one channel, whose number is 0.
fn with_channel() -> Cable<Talker, Talker> {
    let mut cable = pair();
    cable.open(&ChannelConfig::new("a"));
    cable.settle();
    cable.a.heard();
    cable.b.heard();
    cable
}

#[test]
fn what_waits_is_delivered_before_the_streams_are_reset() {
    let mut cable = with_channel();
    for number in 0..100 {
        cable.send(id(0), Data::binary(&[number; 3_000]));
    }
    cable.close(id(0));
    assert_eq!(cable.a.channels.state(id(0)), Some(State::Closing));
    assert_eq!(
        cable.a.channels.send(cable.now, id(0), Data::text("late")),
        Err(SendError::Closing),
    );
    cable.settle();
    let heard = cable.b.heard();
    let (end, messages) = heard.split_at(100);
    assert!(end.iter().all(|event| matches!(event, Event::Message { .. })));
    assert_eq!(messages, [Event::Closing(id(0)), closed(0, CloseReason::Peer)]);
    assert_eq!(cable.a.heard(), [closed(0, CloseReason::Local)]);
    assert_eq!(cable.a.channels.state(id(0)), None);
}

#[test]
fn what_the_peer_had_sent_arrives_before_a_channel_is_closed() {
    let mut cable = with_channel();
    cable.b.channels.send(cable.now, id(0), Data::binary(&[0; 20_000])).unwrap();
    cable.close(id(0));
    cable.settle();
    let heard = cable.a.heard();
    assert!(matches!(heard[0], Event::Message { .. }), "{heard:?}");
    assert_eq!(heard[1..], [closed(0, CloseReason::Local)]);
}

#[rstest]
#[case::nothing_lost(0, 0)]
#[case::first_of_one(0, 1)]
#[case::second_of_one(0, 2)]
#[case::third_of_one(0, 3)]
#[case::first_of_other(1, 1)]
#[case::second_of_other(1, 2)]
#[case::third_of_other(1, 3)]
fn both_close_at_once_whatever_is_lost(#[case] loser: usize, #[case] lost: u64) {
    let mut cable = with_channel();
    cable.losing(move |from, number, _| from == loser && number == lost);
    cable.close(id(0));
    cable.b.channels.close(cable.now, id(0)).unwrap();
    cable.settle();
    assert_eq!(cable.a.heard(), [closed(0, CloseReason::Local)]);
    assert_eq!(cable.b.heard(), [closed(0, CloseReason::Local)]);
}

#[test]
fn closing_twice_is_closing_once_and_no_channel_is_no_channel() {
    let mut cable = with_channel();
    cable.close(id(0));
    cable.close(id(0));
    cable.settle();
    assert_eq!(cable.a.heard(), [closed(0, CloseReason::Local)]);
    assert_eq!(cable.a.channels.close(cable.now, id(0)), Err(CloseError::NoSuchChannel));
    assert_eq!(
        cable.a.channels.send(cable.now, id(0), Data::text("")),
        Err(SendError::NoSuchChannel),
    );
}

#[test]
fn a_channel_that_the_peer_never_knew_is_closed_at_once() {
    let mut cable = Cable::new(Talker::new(config(Role::Even)), Talker::new(config(Role::Odd)));
    let channel = cable.open(&ChannelConfig::new("a"));
    cable.close(channel);
    assert_eq!(cable.a.heard(), [closed(0, CloseReason::Local)]);
    assert_eq!(cable.open(&ChannelConfig::new("b")), channel);
}

#[test]
fn a_channel_can_be_closed_before_the_peer_agrees() {
    let mut cable = pair();
    let channel = cable.open(&ChannelConfig::new("a"));
    cable.send(channel, Data::text("bye"));
    cable.close(channel);
    cable.settle();
    assert_eq!(cable.a.heard(), [closed(0, CloseReason::Local)]);
    let heard = cable.b.heard();
    assert_eq!(heard.len(), 4, "{heard:?}");
    assert_eq!(heard[3], closed(0, CloseReason::Peer));
}

// Rows S22 to S24 of the reliability study.
#[test]
fn a_number_is_free_only_when_both_streams_are_reset() {
    let mut cable = beside_script();
    let channel = cable.open(&ChannelConfig::new("a"));
    cable.say(0, ppid::DCEP, &[2]);
    cable.settle();
    cable.close(channel);
    cable.settle();
    assert_eq!(cable.a.channels.state(channel), Some(State::HalfClosed));
    let again = ChannelConfig::new("b").negotiated(channel);
    assert_eq!(cable.a.channels.open(cable.now, &again), Err(OpenError::Taken));
    assert_eq!(cable.open(&ChannelConfig::new("c")), id(2));
    cable.say_reset(0);
    cable.settle();
    assert_eq!(cable.open(&ChannelConfig::new("d")), id(0));
}

/// A pair whose first end has closed channel 0 while the second has not heard yet that its own stream is
/// reset: what the network brings next is for the next channel of that number.
fn ahead() -> Cable<Talker, Talker> {
    let mut cable = with_channel();
    let mut told = false;
    // The answer to the reset of the second end's stream gets lost; what follows does not.
    cable.losing(move |from, _, packet| {
        let answers = from == 0 && packet.windows(4).any(|bytes| bytes == [0, 16, 0, 12]);
        let loses = answers && !told;
        told |= loses;
        loses
    });
    cable.close(id(0));
    for _ in 0..1_000 {
        if cable.a.channels.state(id(0)).is_none() {
            break;
        }
        cable.run(Duration::from_millis(1));
    }
    assert_eq!(cable.b.channels.state(id(0)), Some(State::Answering));
    cable.b.heard();
    cable
}

// Row S24: the peer sees both streams reset before this end hears that its own is, and opens at once.
#[rstest]
#[case::stays_open(false)]
#[case::closes_again(true)]
fn a_channel_that_the_peer_opens_before_the_last_one_is_closed_here_is_a_new_one(
    #[case] closes: bool,
) {
    let mut cable = ahead();
    assert_eq!(cable.open(&ChannelConfig::new("new")), id(0));
    cable.send(id(0), Data::text("first"));
    if closes {
        cable.close(id(0));
    }
    cable.settle();
    let config = ChannelConfig::new("new");
    let data = Data::text("first");
    let mut wanted = vec![
        closed(0, CloseReason::Peer),
        Event::Opened { id: id(0), config },
        Event::Message { id: id(0), data },
    ];
    if closes {
        wanted.extend([Event::Closing(id(0)), closed(0, CloseReason::Peer)]);
    }
    assert_eq!(cable.b.heard(), wanted);
    assert_eq!(cable.a.channels.state(id(0)).is_none(), closes);
}

#[test]
fn channels_come_and_go_without_end_and_leave_nothing() {
    let mut cable = pair();
    cable.losing(|_, number, _| number % 5 == 0);
    for _ in 0..300 {
        let channel = cable.open(&ChannelConfig::new("again"));
        assert!(channel.get() < 8, "numbers are used again");
        cable.send(channel, Data::text("hello"));
        cable.close(channel);
        cable.run(Duration::from_secs(3));
        for _ in 0..60 {
            if cable.a.channels.iter().count() <= 2 {
                break;
            }
            cable.run(Duration::from_secs(1));
        }
    }
    cable.losing(|_, _, _| false);
    cable.settle();
    for talker in [&cable.a, &cable.b] {
        assert_eq!(talker.channels.iter().count(), 0);
        assert_eq!(talker.channels.stats().channels_closed, 300);
        assert_eq!(talker.channels.stats().faults.total(), 0);
    }
    assert_eq!(cable.b.channels.stats().messages_received, 300);
}

/// Who has not fetched the event that a channel is closed means that channel, not the next of its number.
#[test]
fn a_number_is_not_used_again_before_the_application_knows_that_it_is_free() {
    let mut cable = with_channel();
    cable.a.reads = false;
    cable.close(id(0));
    cable.settle();
    assert_eq!(cable.a.channels.state(id(0)), None);
    assert_eq!(cable.open(&ChannelConfig::new("other")), id(2));
    let again = ChannelConfig::new("same").negotiated(id(0));
    assert_eq!(cable.a.channels.open(cable.now, &again), Err(OpenError::Taken));
    cable.a.heard();
    cable.a.listen();
    cable.a.reads = true;
    cable.settle();
    assert_eq!(cable.open(&ChannelConfig::new("next")), id(0));
}

#[test]
fn a_channel_that_the_application_has_not_heard_of_takes_no_message_of_the_one_before() {
    let mut cable = with_channel();
    cable.b.reads = false;
    cable.close(id(0));
    cable.settle();
    cable.a.heard();
    assert_eq!(cable.open(&ChannelConfig::new("new")), id(0));
    cable.settle();
    let late = cable.b.channels.send(cable.now, id(0), Data::text("for the old one"));
    assert_eq!(late, Err(SendError::NoSuchChannel));
    cable.b.reads = true;
    cable.b.heard();
    cable.b.channels.send(cable.now, id(0), Data::text("for the new one")).unwrap();
    cable.settle();
    let data = Data::text("for the new one");
    assert_eq!(cable.a.heard().last(), Some(&Event::Message { id: id(0), data }));
}

// What came for the next channel of a number came, though the association ends before the last is closed.
#[test]
fn what_came_early_is_not_lost_with_the_association() {
    let mut cable = ahead();
    cable.losing(|from, _, packet| from == 0 && packet.windows(4).any(|it| it == [0, 16, 0, 12]));
    cable.open(&ChannelConfig::new("new"));
    cable.send(id(0), Data::text("last words"));
    cable.run(Duration::from_millis(40));
    cable.b.channels.abort(cable.now, b"");
    let data = Data::text("last words");
    let heard = cable.b.heard();
    assert_eq!(heard[0], closed(0, CloseReason::Peer));
    assert_eq!(heard[2], Event::Message { id: id(0), data });
    assert_eq!(heard.len(), 5, "{heard:?}");
}

#[rstest]
#[case::shutdown(true)]
#[case::abort(false)]
fn the_end_of_the_association_is_the_end_of_every_channel(#[case] gracefully: bool) {
    let mut cable = with_channel();
    cable.send(id(0), Data::text("last"));
    if gracefully {
        cable.a.channels.shutdown(cable.now);
    } else {
        cable.a.channels.abort(cable.now, b"enough");
    }
    cable.settle();
    let heard = cable.b.heard();
    let ends = &heard[usize::from(gracefully)..];
    let [Event::Closed { id: channel, reason: CloseReason::Ended(why) }, Event::Ended(end)] = ends
    else {
        panic!("{heard:?}")
    };
    assert_eq!((*channel, why), (id(0), end));
    assert_eq!(gracefully, *end == sctp::CloseReason::Shutdown);
    assert_eq!(cable.a.heard().len(), 2);
    assert_eq!(cable.a.channels.poll_timeout(), None, "no timer is left (row S28)");
}

#[test]
fn a_peer_that_begins_anew_has_no_channels() {
    let mut cable = with_channel();
    cable.b = Talker::new(config(Role::Odd));
    cable.b.channels.connect(cable.now).unwrap();
    cable.settle();
    let heard = cable.a.heard();
    assert_eq!(heard, [closed(0, CloseReason::Restarted)]);
    cable.open(&ChannelConfig::new("again"));
    cable.settle();
    assert_eq!(cable.a.channels.state(id(0)), Some(State::Open));
}
