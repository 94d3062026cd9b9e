//! As many channels as there may be, and what no peer can make grow.

use datachannel::{
    ChannelConfig, CloseReason, Data, Event, Fault, OpenError, Role, SendError, ppid,
};

use crate::cable::{beside, config, id, pair_of, quiet};

#[test]
fn no_more_channels_live_than_may() {
    let mut even = config(Role::Even);
    even.max_channels = 3;
    let mut cable = pair_of(even, config(Role::Odd));
    let channels = [(); 3].map(|()| cable.open(&ChannelConfig::new("a")));
    let more = ChannelConfig::new("b");
    assert_eq!(cable.a.channels.open(cable.now, &more), Err(OpenError::TooManyChannels));
    cable.settle();
    cable.close(channels[1]);
    cable.settle();
    assert_eq!(cable.open(&more), channels[1]);
}

#[test]
fn what_the_peer_opens_beyond_the_limit_is_refused() {
    let mut odd = config(Role::Odd);
    odd.max_channels = 2;
    let mut cable = pair_of(config(Role::Even), odd);
    let [.., third] = [(); 3].map(|()| cable.open(&ChannelConfig::new("a")));
    cable.settle();
    let heard = cable.a.heard();
    let reason = CloseReason::Refused;
    assert_eq!(heard.last(), Some(&Event::Closed { id: third, reason }));
    assert_eq!(cable.b.channels.stats().faults.count(Fault::TooManyChannels), 1);
    assert_eq!(cable.b.channels.iter().count(), 2);
    // The limit is on those that live at one time.
    cable.close(id(0));
    cable.settle();
    cable.open(&ChannelConfig::new("b"));
    cable.settle();
    assert_eq!(cable.b.channels.iter().count(), 2);
}

// Row S21: every number there is.
#[test]
fn a_peer_that_opens_every_channel_there_is_gets_the_limit_and_the_rest_closed() {
    let mut cable = beside(config(Role::Even), quiet());
    for stream in (1..=4_001).step_by(2) {
        cable.say_open(stream);
        if stream % 200 == 1 {
            cable.settle();
        }
    }
    cable.settle();
    assert_eq!(cable.a.channels.iter().count(), 1_024);
    assert_eq!(cable.a.channels.stats().faults.count(Fault::TooManyChannels), 2_001 - 1_024);
    assert_eq!(cable.b.resets().len(), 2_001 - 1_024);
}

#[test]
fn data_on_a_refused_channel_is_lost_and_harms_nothing() {
    let mut odd = config(Role::Odd);
    odd.max_channels = 0;
    let mut cable = pair_of(config(Role::Even), odd);
    let channel = cable.open(&ChannelConfig::new("a"));
    cable.send(channel, Data::text("into the void"));
    cable.settle();
    assert_eq!(cable.b.heard(), []);
    assert_eq!(cable.b.channels.stats().messages_ignored, 1);
    let sent = cable.a.channels.send(cable.now, channel, Data::text("x"));
    assert_eq!(sent, Err(SendError::NoSuchChannel));
    assert_eq!(ppid::DCEP.get(), 50);
}
