//! TCP connections to peers through the relay: RFC 6062.

use base::{Machine, StreamCommand, StreamEnd, StreamId, StreamInput};
use stun::{
    Message,
    wire::{
        Class, Code, ConnectionId as ConnectionNumber, ErrorCode, Method, RequestedTransport,
        TransactionId, XorPeerAddress,
    },
};
use turn::{
    Allocate, ClientEvent, ConnectionId, DisconnectReason, MAX_CONNECTING, MAX_CONNECTIONS,
    Outgoing, PeerError, Relay, SendError,
};

use crate::{
    relay::message,
    streams::{Streams, end_of},
    support::{at, peer, secs, server},
};

fn allocated() -> Streams {
    Streams::allocated(Allocate { relay: Relay::Tcp, ..Allocate::default() })
}

/// The one request the client sends now, and over which stream.
fn request(streams: &mut Streams) -> (StreamId, Vec<u8>) {
    let commands = streams.commands();
    let [(StreamCommand::Send { id, .. }, bytes)] = &commands[..] else {
        panic!("{commands:?}");
    };
    (*id, bytes.clone())
}

/// Answers a request with success and a connection number, if any.
fn grant(streams: &mut Streams, (stream, request): &(StreamId, Vec<u8>), number: Option<u32>) {
    let request = Message::parse(request).unwrap();
    let answer = streams.relay.signed(&request, Class::Success, |builder| {
        builder.put_some(number.map(ConnectionNumber).as_ref());
    });
    streams.tell(StreamInput::Received { id: *stream, bytes: &answer });
}

fn attempt(number: u32) -> Vec<u8> {
    let id = TransactionId::new([9; 12]);
    message(Method::CONNECTION_ATTEMPT, Class::Indication, id, |builder| {
        builder.put(&ConnectionNumber(number)).put(&XorPeerAddress(peer()));
    })
}

/// A connection to the peer over stream 1.
fn connected(streams: &mut Streams) -> ConnectionId {
    let connection = streams.client.connect_peer(streams.now, peer()).unwrap();
    let asked = request(streams);
    grant(streams, &asked, Some(77));
    streams.connect(1);
    let bind = request(streams);
    grant(streams, &bind, None);
    assert_eq!(streams.events(), [ClientEvent::Connected { connection, peer: peer() }]);
    connection
}

#[test]
fn asks_for_tcp_and_nothing_that_belongs_to_datagrams() {
    let mut streams = Streams::new(turn::Transport::Tcp, |_| {});
    let wish = Allocate { relay: Relay::Tcp, lifetime: Some(secs(900)), ..Allocate::default() };
    streams.client.allocate(streams.now, wish).unwrap();
    streams.connect(0);
    let (_, request) = request(&mut streams);
    let request = Message::parse(&request).unwrap();
    assert_eq!(request.get(), Some(RequestedTransport(6)));
    assert_eq!(request.attributes().count(), 2);
}

#[test]
fn connects_over_a_second_stream_and_then_is_transparent() {
    let mut streams = allocated();
    let connection = streams.client.connect_peer(streams.now, peer()).unwrap();
    let asked = request(&mut streams);
    let connect = Message::parse(&asked.1).unwrap();
    assert_eq!((asked.0, connect.method()), (StreamId::own(0), Method::CONNECT));
    assert_eq!(connect.get(), Some(XorPeerAddress(peer())));
    assert!(connect.has_integrity());
    grant(&mut streams, &asked, Some(77));
    streams.connect(1);
    let bind = request(&mut streams);
    let message = Message::parse(&bind.1).unwrap();
    assert_eq!((bind.0, message.method()), (StreamId::own(1), Method::CONNECTION_BIND));
    assert_eq!(message.get(), Some(ConnectionNumber(77)));
    assert!(message.has_integrity(), "with the credentials of the control connection");

    // The peer's first bytes come right behind the answer.
    let mut answer = streams.relay.signed(&message, Class::Success, |_| {});
    answer.extend_from_slice(b"\x00\x01 of the peer");
    streams.hear(1, &answer);
    let received = |bytes: &[u8]| ClientEvent::Received { connection, bytes: bytes.to_vec() };
    let opened = ClientEvent::Connected { connection, peer: peer() };
    assert_eq!(streams.events(), [opened, received(b"\x00\x01 of the peer")]);
    streams.hear(1, b"\x40\x00 more");
    assert_eq!(streams.events(), [received(b"\x40\x00 more")]);
    let mut buffer = Vec::new();
    let sent = streams.client.write(streams.now, connection, b"back", &mut buffer);
    assert_eq!(sent, Ok(Outgoing::Stream { id: StreamId::own(1), size: 4 }));
    assert_eq!(buffer, b"back");
}

#[test]
fn answers_a_challenge_on_the_stream_it_came_on() {
    let mut streams = allocated();
    let connection = streams.client.connect_peer(streams.now, peer()).unwrap();
    let asked = request(&mut streams);
    grant(&mut streams, &asked, Some(77));
    streams.connect(1);
    let (_, bind) = request(&mut streams);
    streams.now += secs(3_600);
    let stale = streams.relay.answer(streams.now, &bind).unwrap();
    for piece in stale.chunks(7) {
        streams.hear(1, piece);
    }
    let again = request(&mut streams);
    assert_eq!(again.0, StreamId::own(1));
    grant(&mut streams, &again, None);
    assert_eq!(streams.events(), [ClientEvent::Connected { connection, peer: peer() }]);
}

#[test]
fn takes_the_peer_s_hanging_up_for_the_end() {
    let mut streams = allocated();
    let connection = connected(&mut streams);
    let (id, reason) = (StreamId::own(1), StreamEnd::Finished);
    streams.tell(StreamInput::Closed { id, reason });
    let reason = DisconnectReason::Stream(StreamEnd::Finished);
    let over = ClientEvent::Disconnected { connection, peer: peer(), reason };
    assert_eq!(streams.events(), [over]);
    assert!(streams.client.allocation().is_some());
    // The peer may be connected to again.
    assert!(streams.client.connect_peer(streams.now, peer()).is_ok());
}

#[test]
fn hangs_up_by_closing_the_stream() {
    let mut streams = allocated();
    let connection = connected(&mut streams);
    streams.client.disconnect(streams.now, connection);
    assert_eq!(streams.commands(), [(StreamCommand::Close { id: StreamId::own(1) }, Vec::new())]);
    let (id, reason) = (StreamId::own(1), StreamEnd::Finished);
    streams.tell(StreamInput::Closed { id, reason });
    assert_eq!(streams.events(), []);
    let sent = streams.client.write(streams.now, connection, b"x", &mut Vec::new());
    assert_eq!(sent, Err(SendError::NoAllocation));
}

#[test]
fn leaves_a_peer_alone_for_ten_seconds_after_447() {
    let mut streams = allocated();
    let connection = streams.client.connect_peer(streams.now, peer()).unwrap();
    let busy = streams.client.connect_peer(streams.now, peer());
    assert_eq!(busy, Err(PeerError::Connected));
    let (stream, asked) = request(&mut streams);
    let asked = Message::parse(&asked).unwrap();
    let answer = streams.relay.signed(&asked, Class::Error, |builder| {
        builder.put(&ErrorCode::new(Code::CONNECTION_TIMEOUT_OR_FAILURE));
    });
    streams.tell(StreamInput::Received { id: stream, bytes: &answer });
    let code = Code::CONNECTION_TIMEOUT_OR_FAILURE;
    let reason = DisconnectReason::Request(stun::FailReason::Rejected(code));
    let over = ClientEvent::Disconnected { connection, peer: peer(), reason };
    assert_eq!(streams.events(), [over]);
    let soon = streams.client.connect_peer(streams.now + secs(9), peer());
    assert_eq!(soon, Err(PeerError::TooSoon));
    assert!(streams.client.connect_peer(streams.now + secs(10), peer()).is_ok());
}

#[test]
fn a_connection_that_exists_is_446() {
    let mut streams = allocated();
    let connection = streams.client.connect_peer(streams.now, peer()).unwrap();
    let (stream, asked) = request(&mut streams);
    let asked = Message::parse(&asked).unwrap();
    let answer = streams.relay.signed(&asked, Class::Error, |builder| {
        builder.put(&ErrorCode::new(Code::CONNECTION_ALREADY_EXISTS));
    });
    streams.tell(StreamInput::Received { id: stream, bytes: &answer });
    let code = Code::CONNECTION_ALREADY_EXISTS;
    let reason = DisconnectReason::Request(stun::FailReason::Rejected(code));
    let over = ClientEvent::Disconnected { connection, peer: peer(), reason };
    assert_eq!(streams.events(), [over]);
}

#[test]
fn accepts_attempts_of_permitted_peers() {
    let mut streams = allocated();
    streams.hear(0, &attempt(5));
    assert_eq!(streams.events(), [], "nobody permitted it");
    streams.client.permit(streams.now, peer().ip()).unwrap();
    streams.serve();
    streams.events();
    streams.hear(0, &attempt(6));
    let events = streams.events();
    let [ClientEvent::ConnectionAttempt { connection, peer: from }] = events[..] else {
        panic!("{events:?}")
    };
    assert_eq!(from, peer());
    streams.client.accept(streams.now, connection).unwrap();
    streams.connect(1);
    let bind = request(&mut streams);
    assert_eq!(Message::parse(&bind.1).unwrap().get(), Some(ConnectionNumber(6)));
    grant(&mut streams, &bind, None);
    assert_eq!(streams.events(), [ClientEvent::Connected { connection, peer: peer() }]);
}

#[test]
fn forgets_attempts_that_nobody_accepts() {
    let mut streams = allocated();
    streams.client.permit(streams.now, peer().ip()).unwrap();
    streams.serve();
    streams.events();
    for number in 0..1_000 {
        streams.hear(0, &attempt(number));
    }
    let events = streams.events();
    assert_eq!(events.len(), MAX_CONNECTIONS);
    streams.now += secs(30);
    streams.client.handle_timeout(streams.now);
    let over = streams.events();
    assert_eq!(over.len(), MAX_CONNECTIONS);
    let ClientEvent::ConnectionAttempt { connection, .. } = events[0] else { panic!() };
    let reason = DisconnectReason::NotAccepted;
    assert_eq!(over[0], ClientEvent::Disconnected { connection, peer: peer(), reason });
    let late = streams.client.accept(streams.now, connection);
    assert_eq!(late, Err(PeerError::Unknown));
}

#[test]
fn connections_go_with_the_allocation() {
    let mut streams = allocated();
    let connection = connected(&mut streams);
    let (id, reason) = (StreamId::own(0), StreamEnd::Reset);
    streams.tell(StreamInput::Closed { id, reason });
    let reason = DisconnectReason::Lost;
    let over = ClientEvent::Disconnected { connection, peer: peer(), reason };
    assert_eq!(streams.events().first(), Some(&over));
    assert_eq!(streams.commands(), [(StreamCommand::Abort { id: StreamId::own(1) }, Vec::new())]);
}

#[test]
fn a_peer_that_nobody_reads_is_cut_off_in_time() {
    let mut streams = allocated();
    let connection = connected(&mut streams);
    let bytes = vec![0; 65_536];
    for _ in 0..100 {
        streams.hear(1, &bytes);
    }
    let events = streams.events();
    let reason = DisconnectReason::Overrun;
    let over = ClientEvent::Disconnected { connection, peer: peer(), reason };
    assert_eq!(events.last(), Some(&over));
    assert_eq!(events.len(), 64 + 1);
    assert_eq!(streams.commands(), [(StreamCommand::Abort { id: StreamId::own(1) }, Vec::new())]);
}

#[test]
fn makes_a_peer_wait() {
    let mut streams = allocated();
    let connection = connected(&mut streams);
    streams.client.pause(streams.now, connection);
    streams.client.resume(streams.now, connection);
    let id = StreamId::own(1);
    let commands: Vec<_> = streams.commands().into_iter().map(|(command, _)| command).collect();
    assert_eq!(commands, [StreamCommand::Pause { id }, StreamCommand::Resume { id }]);
}

#[test]
fn connections_in_the_making_keep_no_allocation_from_its_refresh() {
    let mut streams = allocated();
    for number in 0..MAX_CONNECTING {
        let peer = at(&format!("203.0.113.{}:80", number + 1));
        streams.client.connect_peer(streams.now, peer).unwrap();
    }
    let more = streams.client.connect_peer(streams.now, at("203.0.113.99:80"));
    assert_eq!(more, Err(PeerError::TooMany));
    streams.now += secs(6);
    streams.client.handle_timeout(streams.now);
    streams.commands();
    streams.client.verify(streams.now);
    let (_, refresh) = request(&mut streams);
    assert_eq!(Message::parse(&refresh).unwrap().method(), Method::REFRESH);
}

#[test]
fn a_refresh_for_which_there_was_no_room_is_made_later() {
    let mut streams = allocated();
    streams.client.permit(streams.now, peer().ip()).unwrap();
    streams.serve();
    streams.events();
    streams.now += secs(6);
    let mut binds = Vec::new();
    for number in 1..=10 {
        streams.hear(0, &attempt(u32::from(number)));
        let events = streams.events();
        let [ClientEvent::ConnectionAttempt { connection, .. }] = events[..] else {
            panic!("{events:?}")
        };
        streams.client.accept(streams.now, connection).unwrap();
        streams.connect(number);
        binds.push(request(&mut streams));
    }
    streams.client.verify(streams.now);
    assert!(streams.commands().is_empty(), "as many requests as may be are in progress");
    grant(&mut streams, &binds[0], None);
    streams.commands();
    streams.now += secs(1);
    streams.client.handle_timeout(streams.now);
    let (stream, refresh) = request(&mut streams);
    assert_eq!(stream, StreamId::own(0));
    assert_eq!(Message::parse(&refresh).unwrap().method(), Method::REFRESH);
}

#[test]
fn has_no_datagrams() {
    let mut streams = allocated();
    let sent = streams.client.send(streams.now, peer(), b"x", &mut Vec::new());
    assert_eq!(sent, Err(SendError::NoAllocation));
    let bound = streams.client.bind_channel(streams.now, peer());
    assert_eq!(bound, Err(PeerError::NoAllocation));
    let v6 = streams.client.connect_peer(streams.now, at("[2001:db8::9]:1"));
    assert_eq!(v6, Err(PeerError::Family));
}

#[test]
fn a_stream_that_does_not_open_ends_the_attempt() {
    let mut streams = allocated();
    let connection = streams.client.connect_peer(streams.now, peer()).unwrap();
    let asked = request(&mut streams);
    grant(&mut streams, &asked, Some(77));
    let commands = streams.commands();
    assert!(matches!(commands[..], [(StreamCommand::Connect { .. }, _)]));
    streams.now += secs(15);
    streams.client.handle_timeout(streams.now);
    let reason = DisconnectReason::Stream(StreamEnd::TimedOut);
    let over = ClientEvent::Disconnected { connection, peer: peer(), reason };
    assert!(streams.events().contains(&over));
    // What comes late is nobody's.
    let id = StreamId::own(1);
    streams.tell(StreamInput::Connected { id, local: end_of(1), remote: server() });
    assert_eq!(streams.events(), []);
}
