//! Clients on TCP, and connections to peers: RFC 8656 §12.5, RFC 6062.

use base::{StreamCommand, StreamEnd, StreamId, StreamInput};
use crypto::Provider;
use rstest::rstest;
use stun::{
    Builder, Message,
    wire::{Class, ConnectionId, Data, Method, RequestedTransport, XorPeerAddress},
};
use turn::{
    ServerEvent,
    server::{Accounts, DropReason, ReleaseReason},
};

use crate::rig::{REALM, Rig, User, at, channel_data, config, listening, peer, udp};

fn tcp(builder: &mut Builder<'_>) {
    builder.put(&RequestedTransport(6));
}

fn commands(rig: &mut Rig) -> Vec<StreamCommand> {
    rig.streams.drain(..).map(|(command, _)| command).collect()
}

#[test]
fn a_client_on_tcp_has_its_data_framed_and_padded() {
    let mut rig = Rig::new(config());
    let mut alice = User::new("alice");
    rig.connect(&mut alice, 1);
    let relayed = rig.allocate(&mut alice);
    assert_eq!(rig.bind(&mut alice, 0x4000, peer()), 0);
    // Two frames cut at odd places.
    let frame = [&channel_data(0x4000, b"hello")[..], &[0; 3]].concat();
    let twice = [&frame[..], &frame].concat();
    rig.send(&alice, &twice[..7]);
    rig.send(&alice, &twice[7..]);
    let sent: Vec<_> = rig.sent.drain(..).map(|(_, bytes)| bytes).collect();
    assert_eq!(sent, [b"hello", b"hello"]);
    rig.hear(peer(), relayed, b"pong!");
    let expected = [&channel_data(0x4000, b"pong!")[..], &[0; 3]].concat();
    assert_eq!(rig.next_to(&alice).unwrap(), expected);
    rig.hear(at("203.0.113.9:1"), relayed, b"other");
    let bytes = rig.next_to(&alice).unwrap();
    assert_eq!(Message::parse(&bytes).unwrap().get(), Some(Data(b"other")));
}

#[test]
fn the_end_of_a_connection_ends_its_allocation() {
    let mut rig = Rig::new(config());
    let mut alice = User::new("alice");
    rig.connect(&mut alice, 1);
    rig.allocate(&mut alice);
    let id = alice.stream.unwrap();
    rig.stream(StreamInput::Closed { id, reason: StreamEnd::Reset });
    assert!(matches!(
        rig.events.last(),
        Some(ServerEvent::Released { reason: ReleaseReason::Disconnected, .. })
    ));
    let stats = rig.server.stats();
    assert_eq!((stats.allocations, stats.relays, stats.streams), (0, 0, 0));
}

#[test]
fn a_connection_without_an_allocation_is_closed_after_thirty_seconds() {
    let mut rig = Rig::new(config());
    let (mut alice, mut bob) = (User::new("alice"), User::new("bob").on_port(2));
    rig.connect(&mut alice, 1);
    rig.connect(&mut bob, 2);
    rig.allocate(&mut bob);
    rig.wait(29.9);
    assert_eq!(rig.server.stats().streams, 2);
    rig.wait(0.1);
    assert_eq!(commands(&mut rig), [StreamCommand::Close { id: StreamId::accepted(1) }]);
    rig.refresh(&mut bob, 0);
    rig.streams.clear();
    rig.wait(30.0);
    assert_eq!(commands(&mut rig), [StreamCommand::Close { id: StreamId::accepted(2) }]);
}

#[test]
fn a_stream_of_anything_else_is_reset() {
    let mut rig = Rig::new(config());
    let mut alice = User::new("alice");
    rig.connect(&mut alice, 1);
    rig.send(&alice, b"\x16\x03");
    assert_eq!(commands(&mut rig), []);
    rig.send(&alice, b"\x01 no TLS here");
    assert_eq!(rig.dropped(DropReason::BrokenStream), 1);
    assert_eq!(commands(&mut rig), [StreamCommand::Abort { id: StreamId::accepted(1) }]);
    rig.send(&alice, &[0xff; 64]);
    assert_eq!(commands(&mut rig), []);
}

#[test]
fn there_are_only_so_many_connections() {
    let mut few = config();
    few.quotas.streams = 2;
    let mut rig = Rig::new(few);
    for number in 1..=3 {
        let port = u16::try_from(number).unwrap();
        rig.connect(&mut User::new("alice").on_port(port), number);
    }
    assert_eq!(commands(&mut rig), [StreamCommand::Abort { id: StreamId::accepted(3) }]);
}

#[test]
fn a_client_that_reads_nothing_loses_data_and_then_its_connection() {
    let mut rig = Rig::new(config());
    let mut alice = User::new("alice");
    rig.connect(&mut alice, 1);
    let relayed = rig.allocate(&mut alice);
    assert_eq!(rig.permit(&mut alice, &[peer()]), 0);
    let id = alice.stream.unwrap();
    rig.stream(StreamInput::Unsent { id, bytes: 300_000 });
    rig.hear(peer(), relayed, b"x");
    assert_eq!((rig.dropped(DropReason::StreamFull), rig.next_to(&alice)), (1, None));
    rig.stream(StreamInput::Unsent { id, bytes: 0 });
    rig.hear(peer(), relayed, b"x");
    assert!(rig.next_to(&alice).is_some());
    rig.stream(StreamInput::Unsent { id, bytes: 2_000_000 });
    assert!(rig.ask_once(&alice, Method::REFRESH, &|_| {}).is_none());
    assert_eq!(commands(&mut rig), [StreamCommand::Abort { id }]);
    assert_eq!(rig.server.stats().allocations, 0);
}

#[test]
fn connections_to_peers_are_off_unless_turned_on() {
    // T25.
    let mut rig = Rig::new(config());
    let mut alice = User::new("alice");
    rig.connect(&mut alice, 1);
    assert_eq!(rig.ask(&mut alice, Method::ALLOCATE, &tcp).code(), 442);
}

/// A server that relays TCP, and Alice with an allocation for it.
fn relaying() -> (Rig, User, std::net::SocketAddr) {
    let mut relaying = config();
    relaying.tcp_relay = true;
    let mut rig = Rig::new(relaying);
    let mut alice = User::new("alice");
    rig.connect(&mut alice, 1);
    let answer = rig.ask(&mut alice, Method::ALLOCATE, &tcp);
    assert_eq!(answer.code(), 0);
    (rig, alice, answer.relayed())
}

#[rstest]
#[case::even_port(&|builder: &mut Builder<'_>| { tcp(builder); builder.put(&stun::wire::EvenPort(false)); })]
#[case::token(
    &|builder: &mut Builder<'_>| { tcp(builder); builder.put(&stun::wire::ReservationToken(1)); })]
fn what_is_for_udp_alone_is_a_400(#[case] put: &dyn Fn(&mut Builder<'_>)) {
    let mut relaying = config();
    relaying.tcp_relay = true;
    let mut rig = Rig::new(relaying);
    assert_eq!(rig.ask(&mut User::new("alice").on_port(4), Method::ALLOCATE, &tcp).code(), 400);
    let mut alice = User::new("alice");
    rig.connect(&mut alice, 1);
    assert_eq!(rig.ask(&mut alice, Method::ALLOCATE, put).code(), 400);
}

/// Asks for a connection to `peer`; returns the number of the stream that is to be opened.
fn connect(rig: &mut Rig, alice: &User, peer: std::net::SocketAddr) -> StreamId {
    let id = rig.next_id();
    let request = alice.request(id, Method::CONNECT, &|builder| {
        builder.put(&XorPeerAddress(peer));
    });
    rig.send(alice, &request);
    match rig.streams.pop_front() {
        Some((StreamCommand::Connect { id, remote, .. }, _)) if remote == peer => id,
        other => panic!("{other:?}"),
    }
}

fn connection_of(rig: &mut Rig, user: &User) -> ConnectionId {
    let bytes = rig.next_to(user).unwrap();
    Message::parse(&bytes).unwrap().get().unwrap()
}

#[test]
fn the_number_of_a_connection_makes_no_old_password_good() {
    let (mut rig, mut alice, relayed) = relaying();
    let stream = connect(&mut rig, &alice, peer());
    rig.stream(StreamInput::Connected { id: stream, local: relayed, remote: peer() });
    let connection = connection_of(&mut rig, &alice);
    let accounts = Accounts::new(REALM).unwrap();
    let accounts = accounts.with_user(Provider::default(), "alice", "changed").unwrap();
    rig.server.set_accounts(rig.now, accounts).unwrap();
    let mut again = User::new("alice").on_port(9);
    let answer = rig.ask(&mut again, Method::ALLOCATE, &|builder| {
        udp(builder);
        builder.put(&connection);
    });
    assert_eq!(answer.code(), 401, "another allocation is not what the number is for");
    let mut data = User::new("alice").on_port(10);
    rig.connect(&mut data, 2);
    assert_eq!(bind(&mut rig, &mut data, connection), 0);
    assert_eq!(rig.refresh(&mut alice, 600).code(), 0);
}

#[test]
fn a_port_relayed_from_over_one_protocol_is_no_peer_over_the_other() {
    let (mut rig, mut alice, over_tcp) = relaying();
    let mut bob = User::new("bob").on_port(8);
    let over_udp = rig.allocate(&mut bob);
    assert_eq!(rig.bind(&mut bob, 0x4000, over_tcp), 403);
    assert_eq!(rig.permit(&mut bob, &[over_tcp]), 0);
    assert!(!rig.indicate(&bob, over_tcp, b"x"));
    let answer = rig.ask(&mut alice, Method::CONNECT, &|builder| {
        builder.put(&XorPeerAddress(over_udp));
    });
    assert_eq!(answer.code(), 403);
    assert_eq!(rig.bind(&mut bob, 0x4000, over_udp), 0);
}

fn bind(rig: &mut Rig, user: &mut User, connection: ConnectionId) -> u16 {
    let answer = rig.ask(user, Method::CONNECTION_BIND, &|builder| {
        builder.put(&connection);
    });
    answer.code()
}

#[test]
fn bytes_go_both_ways_over_a_connection_that_the_client_asked_for() {
    let (mut rig, alice, relayed) = relaying();
    assert!(rig.listeners.values().any(|local| *local == relayed));
    let stream = connect(&mut rig, &alice, peer());
    rig.stream(StreamInput::Connected { id: stream, local: relayed, remote: peer() });
    assert_eq!(rig.streams.pop_front().unwrap().0, StreamCommand::Pause { id: stream });
    let connection = connection_of(&mut rig, &alice);
    // What the peer said before it was no longer read is kept.
    rig.stream(StreamInput::Received { id: stream, bytes: b"early " });
    let mut data = User::new("alice").on_port(40_001);
    rig.connect(&mut data, 2);
    assert_eq!(rig.refresh(&mut data, 600).code(), 437);
    let id = rig.next_id();
    let request = data.request(id, Method::CONNECTION_BIND, &|builder| {
        builder.put(&connection);
    });
    rig.send(&data, &request);
    let bytes = rig.next_to(&data).unwrap();
    let response = Message::parse(bytes.strip_suffix(b"early ").unwrap()).unwrap();
    assert_eq!((response.class(), response.get()), (Class::Success, Some(connection)));
    assert_eq!(commands(&mut rig), [StreamCommand::Resume { id: stream }]);
    rig.stream(StreamInput::Received { id: stream, bytes: b"pong" });
    assert_eq!(rig.next_to(&data).unwrap(), b"pong");
    rig.send(&data, b"\0\x01 not a message");
    let (command, bytes) = rig.streams.pop_front().unwrap();
    assert_eq!(command, StreamCommand::Send { id: stream, size: 16 });
    assert_eq!(bytes, b"\0\x01 not a message");
    // A slow peer holds back its client, and the other way round.
    let client = data.stream.unwrap();
    for (slow, other) in [(stream, client), (client, stream)] {
        rig.stream(StreamInput::Unsent { id: slow, bytes: 300_000 });
        rig.stream(StreamInput::Unsent { id: slow, bytes: 400_000 });
        rig.stream(StreamInput::Unsent { id: slow, bytes: 100_000 });
        assert_eq!(commands(&mut rig), [StreamCommand::Pause { id: other }]);
        rig.stream(StreamInput::Unsent { id: slow, bytes: 1_000 });
        assert_eq!(commands(&mut rig), [StreamCommand::Resume { id: other }]);
    }
    // The end of one is the end of the other.
    rig.stream(StreamInput::Closed { id: stream, reason: StreamEnd::Finished });
    assert_eq!(commands(&mut rig), [StreamCommand::Close { id: client }]);
    assert_eq!(rig.server.stats().streams, 1);
}

#[test]
fn what_follows_the_binding_request_in_one_piece_goes_to_the_peer() {
    let (mut rig, alice, relayed) = relaying();
    let stream = connect(&mut rig, &alice, peer());
    rig.stream(StreamInput::Connected { id: stream, local: relayed, remote: peer() });
    let connection = connection_of(&mut rig, &alice);
    let mut data = User::new("alice").on_port(40_001);
    rig.connect(&mut data, 2);
    assert_eq!(rig.refresh(&mut data, 600).code(), 437);
    rig.streams.clear();
    let id = rig.next_id();
    let mut bytes = data.request(id, Method::CONNECTION_BIND, &|builder| {
        builder.put(&connection);
    });
    bytes.extend_from_slice(b"GET / HTTP/1.0\r\n");
    rig.send(&data, &bytes);
    let to_peer = rig
        .streams
        .iter()
        .find(|(command, _)| matches!(command, StreamCommand::Send { id, .. } if *id == stream));
    assert_eq!(to_peer.unwrap().1, b"GET / HTTP/1.0\r\n");
}

#[test]
fn a_second_connection_to_one_peer_is_a_446() {
    let (mut rig, mut alice, relayed) = relaying();
    let stream = connect(&mut rig, &alice, peer());
    let again = |rig: &mut Rig, alice: &mut User| {
        let put = |builder: &mut Builder<'_>| {
            builder.put(&XorPeerAddress(peer()));
        };
        rig.ask(alice, Method::CONNECT, &put).code()
    };
    assert_eq!(again(&mut rig, &mut alice), 446);
    rig.stream(StreamInput::Connected { id: stream, local: relayed, remote: peer() });
    rig.next_to(&alice);
    assert_eq!(again(&mut rig, &mut alice), 446);
}

#[rstest]
#[case::refused(true)]
#[case::no_answer(false)]
fn a_peer_that_does_not_answer_is_a_447(#[case] refuses: bool) {
    let (mut rig, alice, _) = relaying();
    let stream = connect(&mut rig, &alice, peer());
    if refuses {
        rig.stream(StreamInput::Closed { id: stream, reason: StreamEnd::Refused });
    } else {
        rig.wait(29.9);
        assert_eq!(rig.next_to(&alice), None);
        rig.wait(0.2);
        assert_eq!(rig.streams.pop_front().unwrap().0, StreamCommand::Abort { id: stream });
    }
    let answer = crate::rig::Answer { bytes: rig.next_to(&alice).unwrap() };
    assert_eq!(answer.code(), 447);
}

#[test]
fn a_peer_with_permission_may_connect() {
    let (mut rig, mut alice, relayed) = relaying();
    let listener = *rig.listeners.iter().find(|(_, local)| **local == relayed).unwrap().0;
    let accept = |rig: &mut Rig, number: u64| {
        let id = StreamId::accepted(number);
        rig.stream(StreamInput::Accepted { listener, id, local: relayed, remote: peer() });
        id
    };
    let refused = accept(&mut rig, 5);
    assert_eq!(commands(&mut rig), [StreamCommand::Abort { id: refused }]);
    assert_eq!(rig.permit(&mut alice, &[peer()]), 0);
    let stream = accept(&mut rig, 6);
    assert_eq!(rig.streams.pop_front().unwrap().0, StreamCommand::Pause { id: stream });
    let bytes = rig.next_to(&alice).unwrap();
    let message = Message::parse(&bytes).unwrap();
    assert_eq!(
        (message.class(), message.method()),
        (Class::Indication, Method::CONNECTION_ATTEMPT)
    );
    assert_eq!(message.get(), Some(XorPeerAddress(peer())));
    let connection: ConnectionId = message.get().unwrap();
    // Another user cannot take it, and nobody can over UDP.
    let mut bob = User::new("bob").on_port(7);
    rig.connect(&mut bob, 7);
    assert_eq!(bind(&mut rig, &mut bob, connection), 441);
    assert_eq!(bind(&mut rig, &mut User::new("alice").on_port(9), connection), 400);
    assert_eq!(bind(&mut rig, &mut alice, connection), 400);
    // Nobody comes for thirty seconds.
    rig.streams.clear();
    rig.wait(29.0);
    assert!(!commands(&mut rig).contains(&StreamCommand::Abort { id: stream }));
    rig.wait(1.1);
    assert!(commands(&mut rig).contains(&StreamCommand::Abort { id: stream }));
    let mut late = User::new("alice").on_port(8);
    rig.connect(&mut late, 8);
    assert_eq!(bind(&mut rig, &mut late, connection), 400);
}

#[test]
fn the_end_of_an_allocation_closes_its_connections() {
    let (mut rig, mut alice, relayed) = relaying();
    let stream = connect(&mut rig, &alice, peer());
    rig.stream(StreamInput::Connected { id: stream, local: relayed, remote: peer() });
    rig.streams.clear();
    assert_eq!(rig.refresh(&mut alice, 0).code(), 0);
    assert!(commands(&mut rig).contains(&StreamCommand::Close { id: stream }));
    assert!(!rig.listeners.values().any(|local| *local == relayed));
    assert_eq!(rig.server.stats().relays, 0);
}

#[test]
fn indications_and_channels_are_not_for_connections() {
    let (mut rig, mut alice, _) = relaying();
    assert_eq!(rig.permit(&mut alice, &[peer()]), 0);
    assert!(!rig.indicate(&alice, peer(), b"x"));
    assert_eq!(rig.bind(&mut alice, 0x4000, peer()), 400);
    let mut carol = User::new("bob").on_port(3);
    rig.connect(&mut carol, 3);
    let answer = rig.ask(&mut carol, Method::ALLOCATE, &udp);
    assert_eq!(answer.code(), 0);
    let connect = rig.ask(&mut carol, Method::CONNECT, &|builder| {
        builder.put(&XorPeerAddress(peer()));
    });
    assert_eq!(connect.code(), 400);
    assert!(rig.listeners.values().any(|local| *local == listening()));
}
