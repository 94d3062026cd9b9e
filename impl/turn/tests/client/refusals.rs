//! What servers refuse.

use base::{Machine, SocketError, SocketErrorKind};
use rstest::rstest;
use stun::{
    FailReason,
    wire::{Code, Method},
};
use turn::{Advice, Allocate, AllocateFailure, ClientEvent, LostReason};

use crate::support::{World, at, local, peer, secs, server};

fn code(number: u16) -> Code {
    Code::new(number).unwrap()
}

#[rstest]
#[case::bad_request(400)]
#[case::forbidden(403)]
#[case::mismatch(437)]
#[case::family(440)]
#[case::wrong_credentials(441)]
#[case::transport(442)]
#[case::quota(486)]
#[case::server_error(500)]
#[case::capacity(508)]
fn reports_why_there_is_no_allocation_and_asks_no_more(#[case] number: u16) {
    let mut world = World::new(|_, relay| relay.refuse.push((Method::ALLOCATE, code(number))));
    world.client.allocate(world.now, Allocate::default()).unwrap();
    world.run(secs(300));
    let failure = AllocateFailure::Request(FailReason::Rejected(code(number)));
    assert_eq!(world.take_events(), [ClientEvent::Failed(failure)]);
    assert_eq!(world.relay.asked.len(), 1);
    assert_eq!(world.client.poll_timeout(), None);
}

#[test]
fn advises_another_address_when_the_path_is_taken() {
    let mut world = World::allocated(|_, _| {});
    let mut other = World::new(|_, _| {});
    other.relay = std::mem::take(&mut world.relay);
    other.now = world.now;
    other.command(|client, now| client.allocate(now, Allocate::default())).unwrap();
    other.run(secs(1));
    let [ClientEvent::Failed(failure)] = other.take_events()[..] else { panic!() };
    assert_eq!(failure.advice(false), Advice::OtherLocalAddress);
}

#[rstest]
#[case::permission(|world: &mut World| {
    world.command(|client, now| client.permit(now, peer().ip())).unwrap();
})]
#[case::channel(|world: &mut World| {
    world.command(|client, now| client.bind_channel(now, peer())).unwrap();
})]
#[case::refresh(|world: &mut World| {
    world.command(|client, now| client.set_credential(now, crate::support::user()));
})]
#[case::doubt(|world: &mut World| {
    world.run(secs(10));
    world.command(|client, now| client.verify(now));
})]
fn takes_437_for_the_end_on_every_method(#[case] ask: fn(&mut World)) {
    let mut world = World::allocated(|_, _| {});
    world.relay.expires_at = None;
    ask(&mut world);
    world.run(secs(1));
    assert_eq!(world.take_events(), [ClientEvent::Lost(LostReason::Unknown)]);
    assert_eq!(world.client.allocation(), None);
    assert_eq!(world.client.poll_timeout(), None);
}

#[test]
fn takes_441_on_a_refresh_for_the_end() {
    let mut world = World::allocated(|_, _| {});
    world.relay.refuse.push((Method::REFRESH, code(441)));
    world.run(secs(600));
    let events = world.take_events();
    assert_eq!(events, [ClientEvent::Lost(LostReason::WrongCredentials)]);
}

#[rstest]
#[case::permission(Method::CREATE_PERMISSION)]
#[case::channel(Method::CHANNEL_BIND)]
#[case::refresh(Method::REFRESH)]
fn repeats_any_request_whose_nonce_is_stale(#[case] method: Method) {
    let mut world = World::allocated(|_, relay| relay.nonce_lifetime = secs(10));
    world.run(secs(20));
    match method {
        Method::CREATE_PERMISSION => {
            world.command(|client, now| client.permit(now, peer().ip())).unwrap();
        }
        Method::CHANNEL_BIND => {
            world.command(|client, now| client.bind_channel(now, peer())).unwrap();
        }
        _ => world.run(secs(459)),
    }
    world.ladder.clear();
    let asked = world.relay.asked.len();
    world.run(secs(1));
    assert!(world.ladder.contains("error=438 Stale Nonce"), "{}", world.ladder);
    assert!(world.relay.asked[asked..].iter().any(|(_, line)| line.contains(&method.to_string())));
    assert!(!matches!(world.take_events()[..], [ClientEvent::Lost(_), ..]));
}

#[test]
fn one_forbidden_peer_does_not_take_the_others_with_it() {
    let bad = at("203.0.113.66:1").ip();
    let mut world = World::allocated(|_, relay| relay.forbidden.push(bad));
    let good: Vec<_> = (1..=3).map(|last| [203, 0, 113, last].into()).collect();
    for peer in good.iter().copied().chain([bad]) {
        world.client.permit(world.now, peer).unwrap();
    }
    world.run(secs(1));
    let mut events = world.take_events();
    let forbidden = FailReason::Rejected(Code::FORBIDDEN);
    events.retain(|event| !matches!(event, ClientEvent::Permitted { .. }));
    assert_eq!(events, [ClientEvent::PermissionFailed { peer: bad, reason: forbidden }]);
    assert!(good.iter().all(|peer| world.client.is_permitted(world.now, *peer)));

    // What was forbidden is not asked for again on its own, nor sent to.
    let asked = world.relay.asked.len();
    assert_eq!(world.send((bad, 9).into(), b"x"), Err(turn::SendError::Forbidden));
    world.run(secs(3_600));
    let later = &world.relay.asked[asked..];
    let alone = |line: &str| line.matches("XOR-PEER-ADDRESS").count() == 1;
    assert!(later.iter().all(|(_, line)| !line.starts_with("Create") || !alone(line)), "{later:?}");
    assert_eq!(world.take_events(), []);
}

#[test]
fn batches_that_were_refused_are_asked_for_one_by_one() {
    let bad = at("203.0.113.66:1").ip();
    let mut world = World::allocated(|_, relay| relay.forbidden.push(bad));
    // The first one fills the line, so that the others go together.
    for last in [1, 2, 3, 66] {
        let peer = [203, 0, 113, last].into();
        world.client.permit(world.now, peer).unwrap();
    }
    world.run(secs(1));
    assert_eq!(world.relay.permissions.len(), 3);
}

#[test]
fn a_refused_channel_leaves_indications() {
    let mut world = World::allocated(|_, relay| {
        relay.refuse.push((Method::CHANNEL_BIND, Code::BAD_REQUEST));
    });
    world.command(|client, now| client.bind_channel(now, peer())).unwrap();
    world.run(secs(1));
    let events = world.take_events();
    let reason = FailReason::Rejected(Code::BAD_REQUEST);
    assert!(events.contains(&ClientEvent::ChannelFailed { peer: peer(), reason }), "{events:?}");
    assert!(events.contains(&ClientEvent::Permitted { peer: peer().ip() }), "{events:?}");
    assert!(world.send(peer(), b"x").unwrap().starts_with(&[0, 0x16]));
}

#[test]
fn starts_afresh_when_channels_are_out_of_step() {
    let mut world = World::allocated(|_, _| {});
    world.bind(peer());
    world.relay.refuse.push((Method::CHANNEL_BIND, Code::BAD_REQUEST));
    world.command(|client, now| client.bind_channel(now, at("203.0.113.9:7001"))).unwrap();
    world.run(secs(1));
    assert_eq!(world.take_events(), [ClientEvent::Lost(LostReason::ChannelsOutOfStep)]);
    assert_eq!(world.relay.expires_at, None, "it was deleted first");
}

#[test]
fn asks_a_server_that_is_said_to_be_gone_whether_it_is() {
    let mut world = World::allocated(|_, _| {});
    world.relay.expires_at = None;
    let kind = SocketErrorKind::PortUnreachable;
    let error = SocketError { local: local(), remote: server(), kind };
    world.run(secs(10));
    world.client.handle_socket_error(world.now, error);
    world.run(secs(1));
    assert_eq!(world.take_events(), [ClientEvent::Lost(LostReason::Unknown)]);
}

#[test]
fn one_report_of_the_network_ends_nothing() {
    let mut world = World::allocated(|_, _| {});
    let kind = SocketErrorKind::PortUnreachable;
    let error = SocketError { local: local(), remote: server(), kind };
    for _ in 0..1_000 {
        world.client.handle_socket_error(world.now, error);
    }
    world.run(secs(60));
    assert!(!world.take_events().iter().any(|event| matches!(event, ClientEvent::Lost(_))));
    let refreshes = world.relay.asked.iter().filter(|(_, line)| line.starts_with("Refresh"));
    assert!((1..=3).contains(&refreshes.count()));
    assert!(world.client.allocation().is_some());
}
