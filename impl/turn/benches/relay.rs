//! What relaying one packet costs the server's machine, without any socket.
//!
//! `cargo bench -p peerlab-turn --bench relay`

use std::{hint::black_box, net::SocketAddr, time::Duration};

use base::{Datagram, Ecn, Instant, Machine as _, Rng, SocketCommand, SocketInput, WallTime};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use crypto::Provider;
use stun::{
    Builder, Key, Message,
    wire::{
        Algorithm, ChannelNumber, Class, Data, Method, Nonce, Realm, RequestedTransport,
        TransactionId, Username, XorPeerAddress, XorRelayedAddress,
    },
};
use turn::{
    Server, ServerConfig,
    server::{Accounts, Policy},
};

/// Allocations on the server, of which one relays.
const ALLOCATIONS: u16 = 1_000;

fn at(text: &str) -> SocketAddr {
    text.parse().expect("an address written here")
}

/// A server with many allocations, the last of which has channel 0x4000 to a peer.
struct World {
    server: Server,
    now: Instant,
    here: SocketAddr,
    client: SocketAddr,
    peer: SocketAddr,
    relayed: SocketAddr,
}

impl World {
    fn new(max_segments: usize) -> Self {
        let provider = Provider::default();
        let accounts = Accounts::new("example.org").expect("a realm");
        let accounts = accounts.with_user(provider, "alice", "hunter2").expect("a user");
        let here = at("192.0.2.1:3478");
        let mut config = ServerConfig::new(provider, accounts, WallTime::UNIX_EPOCH).at(here);
        config.policy = Policy::for_laboratories();
        config.quotas.allocations_per_user = usize::from(ALLOCATIONS);
        config.challenge_limit.per_second = 0;
        config.max_segments = max_segments;
        let now = Instant::ZERO;
        let server =
            Server::new(config, Rng::from_seed([1; 32]), now).expect("a good configuration");
        let (client, peer) = (at("198.51.100.7:1"), at("203.0.113.9:5000"));
        let mut world = Self { server, now, here, client, peer, relayed: here };
        for port in 1..=ALLOCATIONS {
            world.client.set_port(port);
            world.relayed = world.allocate();
        }
        world
    }

    fn allocate(&mut self) -> SocketAddr {
        let challenge = self.ask(Method::ALLOCATE, None, |_| {});
        let message = Message::parse(&challenge).expect("a challenge");
        let nonce = message.get::<Nonce<'_>>().expect("a nonce").as_str().to_owned();
        let response = self.ask(Method::ALLOCATE, Some(&nonce), |builder| {
            builder.put(&RequestedTransport(17));
        });
        let message = Message::parse(&response).expect("a response");
        let relayed = message.get::<XorRelayedAddress>().expect("an allocation").0;
        let peer = self.peer;
        self.ask(Method::CHANNEL_BIND, Some(&nonce), |builder| {
            builder.put(&ChannelNumber(0x4000)).put(&XorPeerAddress(peer));
        });
        relayed
    }

    fn ask(
        &mut self,
        method: Method,
        nonce: Option<&str>,
        put: impl Fn(&mut Builder<'_>),
    ) -> Vec<u8> {
        let mut bytes = Vec::new();
        let id = TransactionId::new([1; 12]);
        let mut builder = Builder::new(&mut bytes, method, Class::Request, id);
        put(&mut builder);
        if let Some(nonce) = nonce {
            let key = Key::long_term(
                Provider::default(),
                Algorithm::MD5,
                "alice",
                "example.org",
                "hunter2",
            );
            builder.put(&Username::new("alice").expect("short"));
            builder.put(&Realm::new("example.org").expect("short"));
            builder.put(&Nonce::new(nonce).expect("short"));
            builder.integrity(&key.expect("a password"));
        }
        self.hear(self.client, self.here, &bytes);
        while let Some(command) = self.server.poll_socket() {
            if let SocketCommand::Open { local } = command {
                self.server.handle_socket(self.now, SocketInput::Opened { asked: local, local });
            }
        }
        while self.server.poll_event().is_some() {}
        let mut answer = Vec::new();
        self.server.poll_transmit(self.now, &mut answer);
        answer
    }

    fn hear(&mut self, source: SocketAddr, destination: SocketAddr, payload: &[u8]) {
        let datagram = Datagram { source, destination, ecn: Ecn::NotEct, payload };
        self.server.handle_datagram(self.now, datagram);
    }

    /// Relays one datagram, or a batch of them.
    fn relay(&mut self, source: SocketAddr, destination: SocketAddr, payload: &[u8], times: usize) {
        self.now += Duration::from_micros(1);
        (0..times).for_each(|_| self.hear(source, destination, payload));
        let mut size = 0;
        while let Some((_, bytes)) = self.server.take_transmit() {
            size += black_box(bytes).len();
        }
        assert!(size >= 1_200 * times);
    }
}

fn relay(criterion: &mut Criterion) {
    let mut world = World::new(64);
    let channel = [&[0x40, 0x00, 0x04, 0xb0][..], &[7; 1_200]].concat();
    let mut indication = Vec::new();
    let id = TransactionId::new([2; 12]);
    let mut builder = Builder::new(&mut indication, Method::SEND, Class::Indication, id);
    builder.put(&XorPeerAddress(world.peer)).put(&Data(&[7; 1_200]));
    let (client, here, peer, relayed) = (world.client, world.here, world.peer, world.relayed);
    let other_port = SocketAddr::new(peer.ip(), 6_000);
    let mut group = criterion.benchmark_group("relay of 1,200 bytes among 1,000 allocations");
    group.throughput(Throughput::Elements(1));
    group.bench_function("channel to peer", |b| b.iter(|| world.relay(client, here, &channel, 1)));
    group.bench_function("peer to channel", |b| {
        b.iter(|| world.relay(peer, relayed, &[7; 1_200], 1))
    });
    group.bench_function("send indication", |b| {
        b.iter(|| world.relay(client, here, &indication, 1))
    });
    group.bench_function("data indication", |b| {
        b.iter(|| world.relay(other_port, relayed, &[7; 1_200], 1));
    });
    group.throughput(Throughput::Elements(32));
    group.bench_function("channel to peer, batches of 32", |b| {
        b.iter(|| world.relay(client, here, &channel, 32));
    });
    group.finish();
}

criterion_group!(benches, relay);
criterion_main!(benches);
