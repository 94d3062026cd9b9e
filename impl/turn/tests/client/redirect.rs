//! Servers that send the client to others: RFC 8656 §7.4, RFC 8489 §10.

use std::net::SocketAddr;

use base::Machine;
use stun::{
    Message,
    wire::{AlternateServer, Class, Code, ErrorCode},
};
use turn::{Allocate, AllocateFailure, ClientEvent};

use crate::{
    relay::response,
    support::{World, at, secs, server},
};

/// A client that answered the challenge of `from`; its request.
fn challenged(world: &mut World, from: SocketAddr) -> Option<Vec<u8>> {
    let (to, request) = world.take_sent()?;
    assert_eq!(to, from);
    let challenge = world.relay.answer(world.now, &request).unwrap();
    world.hear_from(from, &challenge);
    let (to, request) = world.take_sent().unwrap();
    assert_eq!(to, from);
    Some(request)
}

fn allocating() -> World {
    let mut world = World::new(|_, _| {});
    world.command(|client, now| client.allocate(now, Allocate::default())).unwrap();
    world
}

fn redirection(world: &World, request: &[u8], to: SocketAddr) -> Vec<u8> {
    world.relay.signed(&Message::parse(request).unwrap(), Class::Error, |builder| {
        builder.put(&ErrorCode::new(Code::TRY_ALTERNATE)).put(&AlternateServer(to));
    })
}

#[test]
fn follows_a_server_that_signs_for_it() {
    let other = at("192.0.2.77:3478");
    let mut world = allocating();
    let request = challenged(&mut world, server()).unwrap();
    let answer = redirection(&world, &request, other);
    world.hear_from(server(), &answer);
    let redirected = ClientEvent::Redirected { server: other, domain: None };
    assert_eq!(world.take_events(), [redirected]);
    let request = challenged(&mut world, other).unwrap();
    let answer = world.relay.answer(world.now, &request).unwrap();
    world.hear_from(other, &answer);
    assert!(matches!(world.take_events()[..], [ClientEvent::Allocated(_)]));
    assert_eq!(world.client.server(), other);
}

#[test]
fn a_redirection_that_nobody_signed_is_not_followed() {
    let mut world = allocating();
    let (_, request) = world.take_sent().unwrap();
    let answer = response(&Message::parse(&request).unwrap(), Class::Error, |builder| {
        builder.put(&ErrorCode::new(Code::TRY_ALTERNATE));
        builder.put(&AlternateServer(at("192.0.2.66:3478")));
    });
    world.hear(&answer);
    world.run(secs(60));
    assert!(!world.ladder.contains("192.0.2.66"), "{}", world.ladder);
    assert_eq!(world.client.server(), server());
    let redirected = |event: &ClientEvent| matches!(event, ClientEvent::Redirected { .. });
    assert!(!world.take_events().iter().any(redirected));
}

#[test]
fn a_client_may_be_told_not_to_follow() {
    let mut world = World::new(|config, _| config.follows_redirects = false);
    world.command(|client, now| client.allocate(now, Allocate::default())).unwrap();
    let request = challenged(&mut world, server()).unwrap();
    let answer = redirection(&world, &request, at("192.0.2.77:3478"));
    world.hear(&answer);
    let rejected = stun::FailReason::Rejected(Code::TRY_ALTERNATE);
    let failure = AllocateFailure::Request(rejected);
    assert_eq!(world.take_events(), [ClientEvent::Failed(failure)]);
}

#[test]
fn servers_that_point_at_each_other_end_it() {
    let other = at("192.0.2.77:3478");
    let mut world = allocating();
    for (from, to) in [(server(), other), (other, server())] {
        let request = challenged(&mut world, from).unwrap();
        let answer = redirection(&world, &request, to);
        world.hear_from(from, &answer);
    }
    let [.., ClientEvent::Failed(failure)] = world.take_events()[..] else { panic!() };
    assert_eq!(failure, AllocateFailure::RedirectLoop);
    assert_eq!(world.client.poll_timeout(), None);
}

#[test]
fn a_chain_of_servers_ends_somewhere() {
    let mut world = allocating();
    let mut from = server();
    for last in 10..30 {
        let Some(request) = challenged(&mut world, from) else {
            break;
        };
        let to = SocketAddr::from(([192, 0, 2, last], 3478));
        let answer = redirection(&world, &request, to);
        world.hear_from(from, &answer);
        from = to;
    }
    let events = world.take_events();
    assert_eq!(events.last(), Some(&ClientEvent::Failed(AllocateFailure::RedirectLoop)));
    assert!(events.len() < 12, "{events:?}");
}
