//! The laws of machines, and arbitrary lives.

use std::net::SocketAddr;

use base::{
    Datagram, Instant, Machine, Rng, SocketCommand, SocketError, SocketErrorKind, SocketInput,
    StreamCommand, StreamEnd, StreamId, StreamInput, Transmit,
};
use simnet::laws::{self, Step};
use stun::{
    Builder,
    wire::{ChannelNumber, Class, Data, EvenPort, Lifetime, Method, TransactionId, XorPeerAddress},
};
use turn::{Server, ServerEvent};

use crate::rig::{Rig, User, at, channel_data, client, config, listening, peer, udp};

/// A server whose system opens every socket at once.
struct Hosted(Server);

impl Hosted {
    fn new() -> Self {
        let mut server = config();
        server.max_segments = 4;
        server.tcp_relay = true;
        let mut hosted = Self(Server::new(server, Rng::from_seed([2; 32]), Instant::ZERO).unwrap());
        hosted.serve(Instant::ZERO);
        hosted
    }

    fn serve(&mut self, now: Instant) {
        while let Some(command) = self.0.poll_socket() {
            if let SocketCommand::Open { local } = command {
                self.0.handle_socket(now, SocketInput::Opened { asked: local, local });
            }
        }
    }
}

impl Machine for Hosted {
    type Event = ServerEvent;

    fn handle_datagram(&mut self, now: Instant, datagram: Datagram<'_>) {
        self.0.handle_datagram(now, datagram);
        self.serve(now);
    }

    fn handle_socket_error(&mut self, now: Instant, error: SocketError) {
        self.0.handle_socket_error(now, error);
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.0.handle_timeout(now);
        self.serve(now);
    }

    fn poll_transmit(&mut self, now: Instant, buffer: &mut Vec<u8>) -> Option<Transmit> {
        self.0.poll_transmit(now, buffer)
    }

    fn poll_event(&mut self) -> Option<ServerEvent> {
        self.0.poll_event()
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.0.poll_timeout()
    }
}

/// Requests of Alice that are good, as she would send them to a server with this seed.
fn dialogue() -> Vec<Vec<u8>> {
    let mut rig = Rig::new(config());
    rig.server = Hosted::new().0;
    let mut alice = User::new("alice");
    alice.stream = None;
    let mut bytes = Vec::new();
    let id = TransactionId::new([1; 12]);
    udp(&mut Builder::new(&mut bytes, Method::ALLOCATE, Class::Request, id));
    rig.sockets.insert(listening());
    rig.ask(&mut alice, Method::REFRESH, &|_| {});
    let request = |number: u8, method, put: &dyn Fn(&mut Builder<'_>)| {
        alice.request(TransactionId::new([number; 12]), method, put)
    };
    let mut send = Vec::new();
    let mut builder = Builder::new(&mut send, Method::SEND, Class::Indication, id);
    builder.put(&XorPeerAddress(peer())).put(&Data(b"hello"));
    vec![
        bytes,
        request(2, Method::ALLOCATE, &udp),
        request(3, Method::ALLOCATE, &|builder| {
            udp(builder);
            builder.put(&EvenPort(true));
        }),
        request(4, Method::CREATE_PERMISSION, &|builder| {
            builder.put(&XorPeerAddress(peer()));
        }),
        request(5, Method::CHANNEL_BIND, &|builder| {
            builder.put(&ChannelNumber(0x4000)).put(&XorPeerAddress(peer()));
        }),
        request(6, Method::REFRESH, &|builder| {
            builder.put(&Lifetime(0));
        }),
        request(7, Method::REFRESH, &|builder| {
            builder.put(&Lifetime(1_200));
        }),
        send,
        channel_data(0x4000, b"hello"),
    ]
}

#[test]
fn keeps_the_laws_of_machines() {
    let good = dialogue();
    let mut lives = simnet::Stream::new(8, "laws");
    let mut count = 0;
    for _ in 0..20 {
        let script = laws::script::<u64>(
            &mut lives,
            60,
            |stream| {
                let from = if stream.below(4) == 0 { peer() } else { client() };
                let to = listening();
                let pick = usize::try_from(stream.below(12)).unwrap();
                let payload = good.get(pick).cloned().unwrap_or_else(|| {
                    (0..stream.below(40))
                        .map(|_| u8::try_from(stream.below(256)).unwrap())
                        .collect()
                });
                (from, to, payload)
            },
            |stream| Some(stream.below(3)),
        );
        count += script.iter().filter(|step| matches!(step, Step::Datagram { .. })).count();
        let command = |server: &mut Hosted, now: Instant, command: &u64| {
            let relayed = SocketAddr::new(listening().ip(), 50_000);
            match command {
                0 => server.0.handle_socket_error(
                    now,
                    SocketError {
                        local: relayed,
                        remote: peer(),
                        kind: SocketErrorKind::PortUnreachable,
                    },
                ),
                1 => server.0.set_policy(now, turn::server::Policy::for_laboratories()),
                _ => server.0.drain(now, Some(Instant::from_nanos(20_000_000_000_000))),
            }
            server.serve(now);
        };
        laws::check(Hosted::new, command, &script).unwrap();
    }
    assert!(count > 100);
}

/// Lives arbitrary lives: nothing panics, nothing grows, and in the end nothing is left.
#[test]
fn arbitrary_lives_end_with_nothing_left() {
    let good = dialogue();
    let mut rng = Rng::from_seed([6; 32]);
    for _ in 0..40 {
        let mut rig = Rig::new(config());
        rig.server = Server::new(
            {
                let mut it = config();
                it.max_segments = 4;
                it.tcp_relay = true;
                it
            },
            Rng::from_seed([2; 32]),
            Instant::ZERO,
        )
        .unwrap();
        rig.sockets.clear();
        rig.listeners.clear();
        rig.settle();
        for _ in 0..150 {
            let pick = usize::try_from(rng.public_below(14)).unwrap();
            let mut payload = good.get(pick).cloned().unwrap_or_default();
            if pick >= good.len() {
                payload.resize(usize::try_from(rng.public_below(64)).unwrap(), 0);
                rng.fill_public(&mut payload);
            }
            if rng.public_below(10) == 0 && !payload.is_empty() {
                let place = usize::try_from(rng.public_below(payload.len() as u64)).unwrap();
                payload[place] ^= 1 << rng.public_below(8);
            }
            let relayed = rig.sockets.iter().find(|it| it.port() > 49_151).copied();
            let stream = StreamId::accepted(rng.public_below(3));
            match rng.public_below(12) {
                0 => rig.wait(f64::from(rng.public_u32() % 400)),
                1 => rig.hear(peer(), relayed.unwrap_or_else(listening), &payload),
                2 => rig.is_slow = !rig.is_slow,
                3 => drop(
                    rig.taken.insert(u16::try_from(49_152 + rng.public_below(16_384)).unwrap()),
                ),
                4 => {
                    let listener = StreamId::own(rng.public_below(3));
                    let (local, remote) = (listening(), at("198.51.100.8:1"));
                    rig.stream(StreamInput::Accepted { listener, id: stream, local, remote });
                }
                5 => rig.stream(StreamInput::Received { id: stream, bytes: &payload }),
                6 => rig.stream(StreamInput::Closed { id: stream, reason: StreamEnd::Reset }),
                _ => rig.hear(client(), listening(), &payload),
            }
        }
        rig.is_slow = false;
        rig.settle();
        rig.wait(8_000.0);
        let stats = rig.server.stats();
        assert_eq!((stats.allocations, stats.relays, stats.streams), (0, 0, 0));
        assert_eq!(rig.sockets.len(), 2, "{:?}", rig.sockets);
        assert_eq!(rig.server.poll_timeout(), None);
        let is_open = |it: &(StreamCommand, Vec<u8>)| matches!(it.0, StreamCommand::Connect { .. });
        assert!(!rig.streams.iter().any(is_open));
    }
}
