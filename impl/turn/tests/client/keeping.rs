//! What keeps an allocation, its permissions and its channels, over hours.

use std::{net::SocketAddr, time::Duration};

use base::Instant;
use rstest::rstest;
use stun::wire::Method;
use turn::{ClientEvent, LostReason};

use crate::support::{World, at, peer, secs};

/// The gaps between the requests that `is_meant` picks.
fn gaps(world: &World, is_meant: impl Fn(&str) -> bool) -> Vec<Duration> {
    let asked = world.relay.asked.iter().filter(|(_, line)| is_meant(line));
    let times: Vec<Instant> = asked.map(|(at, _)| *at).collect();
    times.windows(2).map(|pair| pair[1] - pair[0]).collect()
}

#[rstest]
#[case::a_minute(60)]
#[case::ten_minutes(600)]
#[case::an_hour(3_600)]
fn refreshes_well_before_the_end_for_a_day(#[case] lifetime: u64) {
    let mut world = World::allocated(|_, relay| relay.lifetime = secs(lifetime));
    for _ in 0..24 * 60 {
        world.run(secs(60));
        assert!(world.relay.expires_at.unwrap() > world.now, "expired at {}", world.now);
    }
    assert_eq!(world.take_events(), []);
    let gaps = gaps(&world, |line| line.starts_with("Refresh"));
    let margin = secs(120).min(secs(lifetime) / 2);
    assert!(gaps.iter().all(|gap| *gap <= secs(lifetime) - margin + secs(1)), "{gaps:?}");
    let most = 24 * 3_600 / (lifetime - margin.as_secs()) + 1;
    assert!(u64::try_from(gaps.len()).unwrap() <= most, "{} refreshes", gaps.len());
}

#[test]
fn keeps_permissions_and_channels_for_hours() {
    let mut world = World::allocated(|_, relay| relay.nonce_lifetime = secs(1_800));
    let other: SocketAddr = at("203.0.113.10:7000");
    world.permit(peer().ip());
    let channel = world.bind(other);
    for _ in 0..6 * 3_600 {
        world.run(secs(1));
        assert!(world.relay.permissions[&peer().ip()] > world.now);
        assert!(world.relay.permissions[&other.ip()] > world.now);
        assert!(world.relay.channels[&channel.number()].1 > world.now);
    }
    assert_eq!(world.take_events(), []);
    assert_eq!(world.relay.misdeeds, Vec::<String>::new());
    let binds = gaps(&world, |line| line.starts_with("ChannelBind"));
    assert!(binds.iter().all(|gap| *gap < secs(600)), "{binds:?}");
    let permits = gaps(&world, |line| line.starts_with("CreatePermission"));
    assert!(permits.iter().all(|gap| *gap < secs(300)), "{permits:?}");
}

#[test]
fn keeps_everything_through_loss_of_a_third() {
    let mut world = World::allocated(|_, relay| relay.nonce_lifetime = secs(600));
    let channel = world.bind(peer());
    world.loss = 0.33;
    let mut lapses = 0;
    for _ in 0..24 * 360 {
        world.run(secs(10));
        assert!(world.relay.expires_at.unwrap() > world.now);
        lapses += u32::from(world.relay.permissions[&peer().ip()] <= world.now);
        lapses += u32::from(world.relay.channels[&channel.number()].1 <= world.now);
    }
    assert_eq!(lapses, 0);
    assert_eq!(world.relay.misdeeds, Vec::<String>::new());
    let events = world.take_events();
    assert!(!events.iter().any(|event| matches!(event, ClientEvent::Lost(_))), "{events:?}");
}

#[test]
fn lets_lapse_what_nobody_wants_any_more() {
    let mut world = World::allocated(|config, _| config.auto_channels = true);
    world.bind(peer());
    world.command(|client, now| client.unbind_channel(now, peer()));
    world.command(|client, now| client.forbid(now, peer().ip()));
    world.run(secs(1_000));
    assert!(world.relay.permissions[&peer().ip()] <= world.now);
    assert_eq!(world.client.channel(world.now, peer()), None);
    assert!(!world.client.is_permitted(world.now, peer().ip()));
    let binds = world.relay.asked.iter().filter(|(_, line)| line.starts_with("ChannelBind"));
    assert_eq!(binds.count(), 1);
}

#[test]
fn keeps_what_it_asked_for_itself_as_long_as_it_is_used() {
    let mut world = World::allocated(|_, _| {});
    assert_eq!(world.send(peer(), b"first"), Err(turn::SendError::PermissionPending));
    world.run(secs(1));
    for _ in 0..60 {
        assert!(world.send(peer(), b"data").is_ok());
        world.run(secs(60));
    }
    assert!(world.client.channel(world.now, peer()).is_some());
    world.run(secs(1_100));
    assert!(!world.client.is_permitted(world.now, peer().ip()));
    assert_eq!(world.client.channel(world.now, peer()), None);
}

#[test]
fn a_channel_whose_answer_is_lost_is_bound_again_under_its_number() {
    let mut world = World::allocated(|_, _| {});
    world.deaf_to = Some(Method::CHANNEL_BIND);
    world.command(|client, now| client.bind_channel(now, peer())).unwrap();
    world.run(secs(60));
    let number = *world.relay.channels.keys().next().unwrap();
    world.deaf_to = None;
    world.run(secs(60));
    assert_eq!(world.client.channel(world.now, peer()).map(turn::Channel::number), Some(number));
    assert_eq!(world.relay.misdeeds, Vec::<String>::new());
}

#[test]
fn numbers_and_peers_are_not_joined_anew_within_five_minutes() {
    let mut world = World::allocated(|_, _| {});
    let first = world.bind(peer());
    world.command(|client, now| client.unbind_channel(now, peer()));
    world.run(secs(610));
    assert_eq!(world.client.channel(world.now, peer()), None);
    // Within the rest another peer gets another number, and the same peer the same.
    let other = world.bind(at("203.0.113.10:7000"));
    assert_ne!(other, first);
    assert_eq!(world.bind(peer()), first);
    // Bound again and again, they belong together for good.
    world.command(|client, now| client.unbind_channel(now, peer()));
    world.run(secs(1_200));
    assert_eq!(world.bind(peer()), first);
    assert_eq!(world.relay.misdeeds, Vec::<String>::new());
}

#[test]
fn an_allocation_that_cannot_be_refreshed_is_lost_at_its_end() {
    let mut world = World::allocated(|_, _| {});
    let granted = world.now;
    world.loss = 1.0;
    world.run(secs(700));
    let events = world.take_events();
    let failures = events.iter().filter(|it| matches!(it, ClientEvent::RefreshFailed { .. }));
    assert!(failures.count() >= 2, "{events:?}");
    assert_eq!(events.last(), Some(&ClientEvent::Lost(LostReason::Expired)));
    assert!(world.relay.expires_at.unwrap() <= granted + secs(600));
}

#[test]
fn an_outage_before_the_end_is_survived() {
    let mut world = World::allocated(|_, _| {});
    world.run(secs(470));
    world.loss = 1.0;
    world.run(secs(90));
    world.loss = 0.0;
    world.run(secs(60));
    assert!(world.relay.expires_at.unwrap() > world.now + secs(400));
    assert!(!world.take_events().iter().any(|event| matches!(event, ClientEvent::Lost(_))));
}

#[test]
fn breaks_the_silence_every_fifteen_seconds() {
    let mut world = World::allocated(|_, _| {});
    world.ladder.clear();
    world.run(secs(61));
    let keepalives = world.ladder.lines().filter(|line| line.ends_with("Binding indication"));
    assert_eq!(keepalives.count(), 4);
    assert_eq!(world.client.stats().keepalives, 4);
}

#[test]
fn data_is_as_good_as_a_keepalive() {
    let mut world = World::allocated(|_, _| {});
    world.permit(peer().ip());
    for _ in 0..30 {
        world.send(peer(), &[0; 4]).unwrap();
        world.run(secs(10));
    }
    assert_eq!(world.client.stats().keepalives, 0);
}
