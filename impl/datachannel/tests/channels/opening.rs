//! Channels are opened.

use std::time::Duration;

use datachannel::{
    ChannelConfig, CloseReason, Data, Event, OpenError, Priority, Reliability, Role, SendError,
    State, ppid,
};
use rstest::rstest;
use sctp::SendOptions;

use crate::cable::{Cable, Talker, beside_script, config, id, pair, pair_of};

#[rstest]
#[case::reliable(ChannelConfig::new("chat").protocol("v1"))]
#[case::unordered(ChannelConfig::new("é").unordered().priority(Priority::HIGH))]
#[case::retransmits(ChannelConfig::new("").reliability(Reliability::Retransmits(0)).unordered())]
#[case::many_retransmits(ChannelConfig::new("a").reliability(Reliability::Retransmits(70_000)))]
#[case::lifetime(ChannelConfig::new("b").reliability(Reliability::Lifetime(500)))]
#[case::lifetime_unordered(ChannelConfig::new("c").reliability(Reliability::Lifetime(0)).unordered())]
#[case::longest_texts(ChannelConfig::new("l".repeat(65_535)).protocol("p".repeat(65_535)))]
fn a_channel_arrives_as_it_was_asked_for(#[case] wanted: ChannelConfig) {
    let mut cable = pair();
    let channel = cable.open(&wanted);
    assert_eq!(cable.a.channels.state(channel), Some(State::Opening));
    cable.settle();
    assert_eq!(cable.a.heard(), [Event::Open(channel)]);
    assert_eq!(cable.b.heard(), [Event::Opened { id: channel, config: wanted }]);
    assert_eq!(cable.b.channels.state(channel), Some(State::Open));
}

#[test]
fn each_role_has_its_own_numbers_even_when_both_open_at_once() {
    let mut cable = pair();
    let chat = ChannelConfig::new("same");
    let even = [cable.open(&chat), cable.open(&chat)];
    let odd = [(); 2].map(|()| cable.b.channels.open(cable.now, &chat).unwrap());
    assert_eq!((even, odd), ([id(0), id(2)], [id(1), id(3)]));
    cable.settle();
    assert_eq!(cable.a.channels.iter().count(), 4);
    assert!(cable.b.channels.iter().all(|(_, state)| state == State::Open));
}

#[test]
fn what_is_opened_before_the_association_stands_is_told_when_it_does() {
    let mut cable = Cable::new(Talker::new(config(Role::Even)), Talker::new(config(Role::Odd)));
    let channel = cable.open(&ChannelConfig::new("early"));
    assert_eq!(cable.a.channels.state(channel), Some(State::Waiting));
    let refused = cable.a.channels.send(cable.now, channel, Data::text("x"));
    assert_eq!(refused, Err(SendError::NotOpen));
    cable.b.channels.connect(cable.now).unwrap();
    cable.settle();
    assert_eq!(cable.a.heard(), [Event::Open(channel)]);
    assert_eq!(cable.b.channels.state(channel), Some(State::Open));
}

#[test]
fn data_may_be_sent_before_the_peer_agrees() {
    let mut cable = pair();
    let channel = cable.open(&ChannelConfig::new("a"));
    cable.send(channel, Data::text("at once"));
    cable.run(Duration::from_millis(15));
    let config = ChannelConfig::new("a");
    let data = Data::text("at once");
    assert_eq!(
        cable.b.heard(),
        [Event::Opened { id: channel, config }, Event::Message { id: channel, data }],
    );
    assert_eq!(cable.a.heard(), []);
}

// Row dcep.ordered-until-ack of the check list: RFC 8832 §6.
#[rstest]
#[case::consent(ppid::DCEP, &[2])]
#[case::any_message(ppid::STRING, b"hi")]
fn an_unordered_channel_keeps_order_until_the_peer_was_heard(
    #[case] ppid: sctp::Ppid,
    #[case] answer: &[u8],
) {
    let mut cable = beside_script();
    let channel = cable.open(&ChannelConfig::new("a").unordered());
    cable.send(channel, Data::text("before"));
    cable.settle();
    assert_eq!(cable.a.channels.state(channel), Some(State::Opening));
    cable.say(0, ppid, answer);
    cable.settle();
    assert_eq!(cable.a.heard().first(), Some(&Event::Open(channel)));
    cable.send(channel, Data::text("after"));
    cable.settle();
    let heard = cable.b.heard(0);
    let order: Vec<_> = heard.iter().map(|(ppid, unordered, _)| (*ppid, *unordered)).collect();
    assert_eq!(order, [(50, false), (51, false), (51, true)]);
}

#[test]
fn consent_that_came_without_order_is_consent() {
    let mut cable = beside_script();
    let channel = cable.open(&ChannelConfig::new("a").unordered());
    cable.settle();
    let unordered = SendOptions { unordered: true, ..SendOptions::default() };
    cable.say_with(0, ppid::DCEP, &[2], &unordered);
    cable.settle();
    assert_eq!(cable.a.heard(), [Event::Open(channel)]);
}

#[rstest]
#[case::open_lost(0)]
#[case::consent_lost(1)]
fn what_is_lost_on_the_way_is_sent_again(#[case] loser: usize) {
    let mut cable = pair();
    cable.losing(move |from, number, _| from == loser && number == 1);
    let channel = cable.open(&ChannelConfig::new("a"));
    cable.settle();
    assert_eq!(cable.a.heard(), [Event::Open(channel)]);
    assert_eq!(cable.b.channels.state(channel), Some(State::Open));
}

#[rstest]
#[case::even(0)]
#[case::odd(1)]
#[case::far(40_000)]
#[case::last(65_534)]
fn a_negotiated_channel_needs_no_message_and_no_role(#[case] number: u16) {
    let mut cable = pair();
    let wanted = ChannelConfig::new("quiet").unordered().negotiated(id(number));
    assert_eq!(cable.open(&wanted), id(number));
    cable.b.channels.open(cable.now, &wanted).unwrap();
    assert_eq!(cable.a.heard(), [Event::Open(id(number))]);
    assert_eq!(cable.b.heard(), [Event::Open(id(number))]);
    cable.send(id(number), Data::binary(&[1]));
    cable.settle();
    let data = Data::binary(&[1]);
    assert_eq!(cable.b.heard(), [Event::Message { id: id(number), data }]);
    assert_eq!(cable.b.channels.stats().faults.total(), 0);
}

#[test]
fn sides_of_a_negotiated_channel_may_think_otherwise_about_order() {
    let mut cable = pair();
    cable.open(&ChannelConfig::new("").unordered().negotiated(id(8)));
    cable.b.channels.open(cable.now, &ChannelConfig::new("").negotiated(id(8))).unwrap();
    cable.send(id(8), Data::text("a"));
    cable.settle();
    assert_eq!(cable.b.heard().len(), 2);
}

#[test]
fn a_number_that_is_taken_is_refused() {
    let mut cable = pair();
    let first = cable.open(&ChannelConfig::new("a"));
    let again = ChannelConfig::new("b").negotiated(first);
    assert_eq!(cable.a.channels.open(cable.now, &again), Err(OpenError::Taken));
    cable.open(&ChannelConfig::new("c").negotiated(id(2)));
    assert_eq!(cable.open(&ChannelConfig::new("d")), id(4), "2 is taken otherwise");
}

#[test]
fn texts_that_no_message_can_carry_are_refused() {
    let mut cable = pair();
    let long = "x".repeat(65_536);
    let texts = [ChannelConfig::new(long.clone()), ChannelConfig::new("").protocol(long)];
    for config in texts {
        assert_eq!(cable.a.channels.open(cable.now, &config), Err(OpenError::TextTooLong));
    }
    cable.a.channels.set_peer_max_message(1_000);
    let config = ChannelConfig::new("x".repeat(1_000));
    assert_eq!(cable.a.channels.open(cable.now, &config), Err(OpenError::TooLong));
}

#[test]
fn nothing_is_opened_on_an_association_that_has_ended() {
    let mut cable = pair();
    cable.a.channels.abort(cable.now, b"enough");
    assert_eq!(cable.a.channels.open(cable.now, &ChannelConfig::new("a")), Err(OpenError::Closed),);
}

#[test]
fn a_peer_that_resets_instead_of_agreeing_has_refused() {
    let mut cable = beside_script();
    let channel = cable.open(&ChannelConfig::new("a"));
    cable.settle();
    cable.say_reset(0);
    cable.settle();
    let reason = CloseReason::Refused;
    assert_eq!(cable.a.heard(), [Event::Closing(channel), Event::Closed { id: channel, reason }]);
    assert_eq!(cable.b.resets(), [0]);
}

#[test]
fn priorities_share_the_path() {
    let mut even = config(Role::Even);
    even.association.features.interleaving = true;
    let mut cable = pair_of(even, config(Role::Odd));
    let open = |cable: &mut Cable<Talker, Talker>, priority| {
        cable.open(&ChannelConfig::new("").priority(priority))
    };
    let low = open(&mut cable, Priority::BELOW_NORMAL);
    let high = open(&mut cable, Priority::EXTRA_HIGH);
    for _ in 0..60 {
        for channel in [low, high] {
            cable.send(channel, Data::binary(&[0; 4_000]));
        }
    }
    cable.run(Duration::from_millis(60));
    let got = cable.b.heard();
    let count = |channel| {
        let is_on = |event: &&Event| matches!(event, Event::Message { id, .. } if *id == channel);
        got.iter().filter(is_on).count()
    };
    assert!(count(high) >= 3 * count(low).max(1), "{} of high, {} of low", count(high), count(low));
}
