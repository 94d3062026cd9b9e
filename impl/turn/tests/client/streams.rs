//! A client over TCP and TLS.

use std::net::SocketAddr;

use base::{Instant, Machine, StreamCommand, StreamEnd, StreamId, StreamInput, StreamSecurity};
use stun::{
    Message,
    wire::{AlternateDomain, AlternateServer, Class, Code, ErrorCode, Method, TransactionId},
};
use turn::{
    Allocate, AllocateFailure, ChannelMessage, Client, ClientConfig, ClientEvent, LostReason,
    MAX_UNSENT, Outgoing, SendError, Transport,
};

use crate::{
    relay::{Relay, message},
    support::{at, client, config, peer, relayed, secs, server},
};

/// A client whose streams a test opens by hand, and its server.
pub(crate) struct Streams {
    pub(crate) client: Client,
    pub(crate) relay: Relay,
    pub(crate) now: Instant,
}

pub(crate) fn end_of(number: u16) -> SocketAddr {
    SocketAddr::from(([198, 51, 100, 7], 40_000 + number))
}

impl Streams {
    pub(crate) fn new(transport: Transport, change: impl FnOnce(&mut ClientConfig)) -> Self {
        let mut config = config(transport);
        change(&mut config);
        Self { client: client(config), relay: Relay::default(), now: Instant::ZERO }
    }

    /// One with an allocation on stream 0.
    pub(crate) fn allocated(wish: Allocate) -> Self {
        let mut streams = Self::new(Transport::Tcp, |config| config.auto_channels = false);
        streams.client.allocate(streams.now, wish).unwrap();
        streams.connect(0);
        streams.serve();
        assert!(matches!(streams.events()[..], [ClientEvent::Allocated(_)]));
        streams
    }

    /// What the client wants done with streams, and the bytes that go with it.
    pub(crate) fn commands(&mut self) -> Vec<(StreamCommand, Vec<u8>)> {
        std::iter::from_fn(|| {
            let mut bytes = Vec::new();
            let command = self.client.poll_stream(self.now, &mut bytes)?;
            Some((command, bytes))
        })
        .collect()
    }

    pub(crate) fn events(&mut self) -> Vec<ClientEvent> {
        std::iter::from_fn(|| self.client.poll_event()).collect()
    }

    pub(crate) fn tell(&mut self, input: StreamInput<'_>) {
        self.client.handle_stream(self.now, input);
    }

    pub(crate) fn hear(&mut self, number: u64, bytes: &[u8]) {
        self.tell(StreamInput::Received { id: StreamId::own(number), bytes });
    }

    /// The client asks for stream `number`, and gets it.
    pub(crate) fn connect(&mut self, number: u16) {
        let id = StreamId::own(u64::from(number));
        let commands = self.commands();
        let asked = commands.iter().any(|(command, _)| {
            matches!(command, StreamCommand::Connect { id: it, remote, .. }
                if *it == id && *remote == server())
        });
        assert!(asked, "{commands:?}");
        self.tell(StreamInput::Connected { id, local: end_of(number), remote: server() });
    }

    /// Answers everything, until the client has nothing more to say. Says which streams were used.
    pub(crate) fn serve(&mut self) -> Vec<StreamId> {
        let mut used = Vec::new();
        loop {
            let commands = self.commands();
            if commands.is_empty() {
                return used;
            }
            for (command, bytes) in commands {
                let StreamCommand::Send { id, size } = command else {
                    panic!("{command:?}");
                };
                assert_eq!(size, bytes.len());
                used.push(id);
                if let Some(answer) = self.relay.answer(self.now, &bytes) {
                    self.tell(StreamInput::Received { id, bytes: &answer });
                }
            }
        }
    }
}

#[test]
fn connects_and_then_allocates() {
    let mut streams = Streams::new(Transport::Tcp, |_| {});
    streams.client.allocate(streams.now, Allocate::default()).unwrap();
    let connect = StreamCommand::Connect {
        id: StreamId::own(0),
        local: None,
        remote: server(),
        security: StreamSecurity::Plain,
    };
    assert_eq!(streams.commands(), [(connect, Vec::new())]);
    let id = StreamId::own(0);
    streams.tell(StreamInput::Connected { id, local: end_of(0), remote: server() });
    assert_eq!(streams.serve(), [id, id]);
    assert!(matches!(streams.events()[..], [ClientEvent::Allocated(_)]));
    assert_eq!(streams.client.poll_transmit(streams.now, &mut Vec::new()), None);
}

#[test]
fn asks_for_tls_with_the_name_of_the_server() {
    let transport = Transport::Tls { name: "relay.example".into() };
    let mut streams = Streams::new(transport, |_| {});
    streams.client.allocate(streams.now, Allocate::default()).unwrap();
    let [(StreamCommand::Connect { security, .. }, _)] = &streams.commands()[..] else { panic!() };
    assert_eq!(*security, StreamSecurity::Tls { name: "relay.example".into() });
    let (id, reason) = (StreamId::own(0), StreamEnd::Insecure);
    streams.tell(StreamInput::Closed { id, reason });
    let failure = AllocateFailure::Connection(StreamEnd::Insecure);
    assert_eq!(streams.events(), [ClientEvent::Failed(failure)]);
}

#[test]
fn waits_fifteen_seconds_for_a_connection() {
    let mut streams = Streams::new(Transport::Tcp, |_| {});
    streams.client.allocate(streams.now, Allocate::default()).unwrap();
    streams.commands();
    let deadline = streams.client.poll_timeout().unwrap();
    assert_eq!(deadline, Instant::ZERO + secs(15));
    streams.now = deadline;
    streams.client.handle_timeout(deadline);
    let failure = AllocateFailure::Connection(StreamEnd::TimedOut);
    assert_eq!(streams.events(), [ClientEvent::Failed(failure)]);
    assert_eq!(streams.commands(), [(StreamCommand::Abort { id: StreamId::own(0) }, Vec::new())]);
    assert_eq!(streams.client.poll_timeout(), None);
}

#[test]
fn an_allocation_goes_with_its_connection() {
    let mut streams = Streams::allocated(Allocate::default());
    let (id, reason) = (StreamId::own(0), StreamEnd::Reset);
    streams.tell(StreamInput::Closed { id, reason });
    let lost = LostReason::Connection(StreamEnd::Reset);
    assert_eq!(streams.events(), [ClientEvent::Lost(lost)]);
    assert_eq!(streams.client.poll_timeout(), None);
}

#[test]
fn understands_frames_however_they_are_cut() {
    for step in [1, 2, 3, 5, 64, 1_000] {
        let mut streams = Streams::allocated(Allocate::default());
        streams.client.bind_channel(streams.now, peer()).unwrap();
        streams.serve();
        streams.events();
        let channel = streams.client.channel(streams.now, peer()).unwrap();
        let mut stream = Vec::new();
        for data in [&b"a"[..], b"bcd", b"", b"efghi"] {
            ChannelMessage { channel, data }.write(true, &mut stream).unwrap();
        }
        for piece in stream.chunks(step) {
            streams.hear(0, piece);
        }
        let heard = streams.events().into_iter().map(|event| match event {
            ClientEvent::Data { relayed: to, peer: from, payload } => {
                assert_eq!((to, from), (relayed(), peer()));
                payload
            }
            other => panic!("{other:?}"),
        });
        let heard: Vec<_> = heard.collect();
        assert_eq!(heard, [&b"a"[..], b"bcd", b"", b"efghi"], "{step}");
    }
}

#[test]
fn a_stream_that_cannot_be_followed_is_given_up() {
    let mut streams = Streams::allocated(Allocate::default());
    streams.hear(0, b"\x16\x03\x01 not TURN");
    assert_eq!(streams.events(), [ClientEvent::Lost(LostReason::BrokenStream)]);
    assert_eq!(streams.commands(), [(StreamCommand::Abort { id: StreamId::own(0) }, Vec::new())]);
}

#[test]
fn pads_what_it_sends_and_stops_when_the_stream_is_full() {
    let mut streams = Streams::allocated(Allocate::default());
    streams.client.bind_channel(streams.now, peer()).unwrap();
    streams.serve();
    let mut buffer = Vec::new();
    let sent = streams.client.send(streams.now, peer(), b"hello", &mut buffer);
    assert_eq!(sent, Ok(Outgoing::Stream { id: StreamId::own(0), size: 12 }));
    assert_eq!(buffer.len(), 12);
    let id = StreamId::own(0);
    streams.tell(StreamInput::Unsent { id, bytes: MAX_UNSENT + 1 });
    let sent = streams.client.send(streams.now, peer(), b"hello", &mut buffer);
    assert_eq!((sent, buffer.len()), (Err(SendError::Congested), 12));
    streams.tell(StreamInput::Unsent { id, bytes: 0 });
    assert!(streams.client.send(streams.now, peer(), b"hello", &mut buffer).is_ok());
}

#[test]
fn tries_three_connections_when_the_path_is_taken() {
    let mut streams = Streams::new(Transport::Tcp, |_| {});
    for _ in 0..3 {
        streams.relay.refuse.push((Method::ALLOCATE, Code::ALLOCATION_MISMATCH));
    }
    streams.client.allocate(streams.now, Allocate::default()).unwrap();
    for number in 0..3 {
        streams.connect(number);
        for _ in 0..2 {
            let [(StreamCommand::Send { id, .. }, bytes)] = &streams.commands()[..] else {
                panic!()
            };
            let answer = streams.relay.answer(streams.now, bytes).unwrap();
            streams
                .client
                .handle_stream(streams.now, StreamInput::Received { id: *id, bytes: &answer });
            if streams.relay.asked.len() > usize::from(number) {
                break;
            }
        }
    }
    let events = streams.events();
    let [ClientEvent::Failed(AllocateFailure::Request(reason))] = events[..] else {
        panic!("{events:?}")
    };
    assert_eq!(reason, stun::FailReason::Rejected(Code::ALLOCATION_MISMATCH));
    assert_eq!(streams.relay.asked.len(), 3);
}

#[test]
fn goes_to_another_server_over_a_connection_and_under_a_name_of_its_own() {
    let other = at("192.0.2.77:5349");
    let transport = Transport::Tls { name: "relay.example".into() };
    let mut streams = Streams::new(transport, |_| {});
    streams.client.allocate(streams.now, Allocate::default()).unwrap();
    streams.connect(0);
    let request = |streams: &mut Streams| {
        let commands = streams.commands();
        let [(StreamCommand::Send { .. }, bytes)] = &commands[..] else { panic!("{commands:?}") };
        bytes.clone()
    };
    let first = request(&mut streams);
    let challenge = streams.relay.answer(streams.now, &first).unwrap();
    streams.hear(0, &challenge);
    let second = request(&mut streams);
    let second = Message::parse(&second).unwrap();
    let redirection = streams.relay.signed(&second, Class::Error, |builder| {
        builder.put(&ErrorCode::new(Code::TRY_ALTERNATE)).put(&AlternateServer(other));
        builder.put(&AlternateDomain::new("other.example").unwrap());
    });
    streams.hear(0, &redirection);
    let commands: Vec<_> = streams.commands().into_iter().map(|(command, _)| command).collect();
    let connect = StreamCommand::Connect {
        id: StreamId::own(1),
        local: None,
        remote: other,
        security: StreamSecurity::Tls { name: "other.example".into() },
    };
    assert_eq!(commands, [StreamCommand::Close { id: StreamId::own(0) }, connect]);
    let domain = Some("other.example".to_owned());
    assert_eq!(streams.events(), [ClientEvent::Redirected { server: other, domain }]);
}

#[test]
fn passes_over_messages_that_are_not_for_it() {
    let mut streams = Streams::allocated(Allocate::default());
    let id = TransactionId::new([3; 12]);
    for class in Class::ALL {
        streams.hear(0, &message(Method::BINDING, class, id, |_| {}));
    }
    assert_eq!(streams.events(), []);
    assert!(streams.client.allocation().is_some());
}

#[test]
fn releases_and_closes() {
    let mut streams = Streams::allocated(Allocate::default());
    streams.client.release(streams.now);
    let [(StreamCommand::Send { id, .. }, request)] = &streams.commands()[..] else { panic!() };
    let answer = streams.relay.answer(streams.now, request).unwrap();
    streams.client.handle_stream(streams.now, StreamInput::Received { id: *id, bytes: &answer });
    assert_eq!(streams.events(), [ClientEvent::Released]);
    assert_eq!(streams.commands(), [(StreamCommand::Close { id: StreamId::own(0) }, Vec::new())]);
}

/// A NAT that forgot a connection lets TCP try for minutes.
#[test]
fn a_doubted_connection_on_which_nothing_comes_is_given_up_for_dead() {
    let mut streams = Streams::allocated(Allocate::default());
    streams.now += secs(10);
    streams.client.verify(streams.now);
    assert_eq!(streams.commands().len(), 1, "it asks");
    streams.now += secs(10);
    streams.client.verify(streams.now);
    streams.client.handle_timeout(streams.now);
    assert_eq!(streams.events(), [], "to ask again wins no time, and loses none");
    streams.now += secs(5);
    streams.client.handle_timeout(streams.now);
    let lost = LostReason::Connection(StreamEnd::TimedOut);
    assert_eq!(streams.events(), [ClientEvent::Lost(lost)]);
    let abort = StreamCommand::Abort { id: StreamId::own(0) };
    assert_eq!(streams.commands(), [(abort, Vec::new())]);
}

#[test]
fn a_doubted_connection_that_answers_stays() {
    let mut streams = Streams::allocated(Allocate::default());
    streams.now += secs(10);
    streams.client.verify(streams.now);
    streams.serve();
    streams.now += secs(60);
    streams.client.handle_timeout(streams.now);
    assert!(streams.client.allocation().is_some());
}
