//! A life of two clients and a TURN server, with a system that opens sockets when it likes and a network
//! that loses, repeats and changes what it carries.

use std::{
    collections::{BTreeSet, VecDeque},
    net::SocketAddr,
    time::Duration,
};

use arbitrary::{Arbitrary, Unstructured};
use base::{
    Datagram, Ecn, Instant, Machine, Rng, SocketCommand, SocketInput, StreamEnd, StreamId,
    StreamInput, Transmit, WallTime,
};
use stun::Credential;
use turn::{
    Allocate, Client, ClientConfig, Families, PortWish, Server, ServerConfig, Transport,
    server::{Accounts, Policy},
};

/// Most commands of one life.
const MAX_COMMANDS: usize = 200;
/// Most datagrams on the wire; later ones are lost.
const MAX_WIRE: usize = 256;

#[derive(Arbitrary, Debug)]
enum Command {
    /// A client asks for an allocation.
    Allocate { who: bool, dual: bool, even: bool },
    /// A client lets a peer through.
    Permit { who: bool, peer: u8 },
    /// A client binds a channel.
    Bind { who: bool, peer: u8 },
    /// A client sends to a peer, or to the other client's relayed address.
    Send { who: bool, peer: u8, size: u16 },
    /// A peer sends to a relayed address.
    Answer { peer: u8, relay: u8, size: u16 },
    /// A client gives its allocation back.
    Release { who: bool },
    /// Time passes.
    Wait { seconds: u16 },
    /// What is on the wire arrives.
    Deliver,
    /// The oldest thing on the wire is lost.
    Lose,
    /// The oldest thing on the wire arrives twice.
    Repeat,
    /// A bit of the oldest thing on the wire changes.
    Flip { at: u16, bit: u8 },
    /// Anything comes to the server or to a relayed address.
    Inject { relay: Option<u8>, bytes: Vec<u8> },
    /// A connection is opened, bytes come on it, or it ends.
    Stream { number: u8, bytes: Option<Vec<u8>>, ends: bool },
    /// The system answers wishes for sockets, or keeps them waiting, or says that ports are taken.
    System { is_slow: bool, refuses: bool },
    /// The policy changes.
    Policy { is_strict: bool },
    /// The server ends its work in so many seconds.
    Drain(u16),
}

struct World {
    now: Instant,
    server: Server,
    clients: [Client; 2],
    sockets: BTreeSet<SocketAddr>,
    wishes: VecDeque<SocketAddr>,
    is_slow: bool,
    refuses: bool,
    wire: VecDeque<(SocketAddr, SocketAddr, Vec<u8>)>,
}

fn server_at() -> SocketAddr {
    SocketAddr::from(([192, 0, 2, 1], 3_478))
}

fn client_at(who: bool) -> SocketAddr {
    SocketAddr::from(([198, 51, 100, 7], if who { 40_000 } else { 40_001 }))
}

fn peer_at(number: u8) -> SocketAddr {
    SocketAddr::from(([203, 0, 113, number % 4], 5_000 + u16::from(number % 3)))
}

/// Lives through a sequence of commands. Nothing panics, nothing is sent from a socket that is not open,
/// and in the end nothing is left.
pub fn turn_commands(data: &[u8]) {
    let mut input = Unstructured::new(data);
    let Ok(seed) = u8::arbitrary(&mut input) else { return };
    let mut world = World::new(seed);
    world.settle();
    for _ in 0..MAX_COMMANDS {
        let Ok(command) = Command::arbitrary(&mut input) else { break };
        world.obey(command);
        world.settle();
        if input.is_empty() {
            break;
        }
    }
    world.end();
}

impl World {
    fn new(seed: u8) -> Self {
        let provider = crypto::rust_crypto();
        let ascii = "the texts are ASCII";
        let accounts = Accounts::new("example.org").expect(ascii);
        let accounts = accounts.with_user(provider, "user", "pass").expect(ascii);
        let mut config =
            ServerConfig::new(provider, accounts, WallTime::UNIX_EPOCH).at(server_at());
        config.tcp = vec![server_at()];
        config.relay_v6 =
            Some(turn::server::RelayAddress::new([0x2001, 0xdb8, 0, 0, 0, 0, 0, 1].into()));
        config.relay_ports = 50_000..=50_007;
        config.policy = Policy::for_laboratories();
        config.max_segments = 4;
        let rng = Rng::from_seed([seed; 32]);
        let server = Server::new(config, rng.fork("server"), Instant::ZERO);
        let client = |who| {
            let config = ClientConfig::new(provider, server_at(), Transport::Udp)
                .with_credential(Credential::long_term("user", "pass").expect(ascii))
                .from_local(client_at(who));
            Client::new(config, rng.fork_numbered("client", u64::from(who)), Instant::ZERO)
        };
        Self {
            now: Instant::ZERO,
            server: server.expect("the parts fit together"),
            clients: [client(false), client(true)],
            sockets: BTreeSet::new(),
            wishes: VecDeque::new(),
            is_slow: false,
            refuses: false,
            wire: VecDeque::new(),
        }
    }

    fn client(&mut self, who: bool) -> &mut Client {
        let [first, second] = &mut self.clients;
        if who { second } else { first }
    }

    fn relayed(&self, number: u8) -> Option<SocketAddr> {
        let mut relayed = self.sockets.iter().filter(|it| it.port() >= 50_000).cycle();
        relayed.nth(usize::from(number % 8)).copied()
    }

    fn obey(&mut self, command: Command) {
        let now = self.now;
        match command {
            Command::Allocate { who, dual, even } => {
                let families = if dual { Families::Dual } else { Families::V4 };
                let port = if even { PortWish::Even } else { PortWish::Any };
                let wish = Allocate { families, port, ..Allocate::default() };
                let _ = self.client(who).allocate(now, wish);
            }
            Command::Permit { who, peer } => {
                let _ = self.client(who).permit(now, peer_at(peer).ip());
            }
            Command::Bind { who, peer } => {
                let _ = self.client(who).bind_channel(now, peer_at(peer));
            }
            Command::Send { who, peer, size } => {
                let to = if peer > 250 { self.relayed(peer) } else { Some(peer_at(peer)) };
                let (payload, mut bytes) = (vec![7; usize::from(size % 2_000)], Vec::new());
                if let Some(to) = to
                    && let Ok(turn::Outgoing::Datagram(_)) =
                        self.client(who).send(now, to, &payload, &mut bytes)
                {
                    self.carry(client_at(who), server_at(), bytes);
                }
            }
            Command::Answer { peer, relay, size } => {
                if let Some(relay) = self.relayed(relay) {
                    self.carry(peer_at(peer), relay, vec![8; usize::from(size)]);
                }
            }
            Command::Release { who } => self.client(who).release(now),
            Command::Wait { seconds } => self.wait(Duration::from_secs((seconds % 900).into())),
            Command::Deliver => self.deliver(),
            Command::Lose => drop(self.wire.pop_front()),
            Command::Repeat => self.wire.extend(self.wire.front().cloned()),
            Command::Flip { at, bit } => self.flip(at, bit),
            Command::Inject { relay, bytes } => {
                let to = relay.and_then(|relay| self.relayed(relay)).unwrap_or_else(server_at);
                self.carry(client_at(true), to, bytes);
            }
            Command::Stream { number, bytes, ends } => self.stream(number, bytes.as_deref(), ends),
            Command::System { is_slow, refuses } => {
                (self.is_slow, self.refuses) = (is_slow, refuses);
            }
            Command::Policy { is_strict } => {
                let policy = if is_strict { Policy::new() } else { Policy::for_laboratories() };
                self.server.set_policy(now, policy);
            }
            Command::Drain(seconds) => {
                let deadline = now + Duration::from_secs(seconds.into());
                self.server.drain(now, Some(deadline));
            }
        }
    }

    fn stream(&mut self, number: u8, bytes: Option<&[u8]>, ends: bool) {
        let id = StreamId::accepted(u64::from(number % 3));
        let (local, remote) = (server_at(), client_at(true));
        let accepted = StreamInput::Accepted { listener: StreamId::own(0), id, local, remote };
        match bytes {
            _ if ends => {
                let reason = StreamEnd::Reset;
                self.server.handle_stream(self.now, StreamInput::Closed { id, reason });
            }
            Some(bytes) if !bytes.is_empty() => {
                self.server.handle_stream(self.now, StreamInput::Received { id, bytes });
            }
            _ => self.server.handle_stream(self.now, accepted),
        }
    }

    fn flip(&mut self, at: u16, bit: u8) {
        if let Some((_, _, bytes)) = self.wire.front_mut() {
            let length = bytes.len().max(1);
            if let Some(byte) = bytes.get_mut(usize::from(at) % length) {
                *byte ^= 1 << (bit % 8);
            }
        }
    }

    fn carry(&mut self, from: SocketAddr, to: SocketAddr, bytes: Vec<u8>) {
        if self.wire.len() < MAX_WIRE {
            self.wire.push_back((from, to, bytes));
        }
    }

    fn deliver(&mut self) {
        let now = self.now;
        for (source, destination, payload) in std::mem::take(&mut self.wire) {
            let datagram = Datagram { source, destination, ecn: Ecn::NotEct, payload: &payload };
            match [false, true].into_iter().find(|who| client_at(*who) == destination) {
                Some(who) => self.client(who).handle_datagram(now, datagram),
                None if self.sockets.contains(&destination) => {
                    self.server.handle_datagram(now, datagram);
                }
                None => {}
            }
            self.settle();
        }
    }

    fn wait(&mut self, time: Duration) {
        let end = self.now + time;
        for _ in 0..10_000 {
            let clients = self.clients.iter().filter_map(Machine::poll_timeout);
            let next = clients.chain(self.server.poll_timeout()).min();
            let Some(next) = next.filter(|next| *next <= end) else {
                self.now = end;
                return;
            };
            self.now = self.now.max(next);
            self.server.handle_timeout(self.now);
            for client in &mut self.clients {
                client.handle_timeout(self.now);
            }
            self.settle();
        }
        panic!("deadlines do not move");
    }

    fn settle(&mut self) {
        while let Some(command) = self.server.poll_socket() {
            match command {
                SocketCommand::Open { local } => self.wishes.push_back(local),
                SocketCommand::Close { local } => {
                    assert!(self.sockets.remove(&local), "{local} is closed and was not open");
                }
            }
        }
        let opens = if self.is_slow { 0 } else { self.wishes.len() };
        for asked in self.wishes.drain(..opens) {
            let input = if self.refuses && asked != server_at() {
                SocketInput::Refused { asked, in_use: true }
            } else {
                assert!(self.sockets.insert(asked), "{asked} is opened twice");
                SocketInput::Opened { asked, local: asked }
            };
            self.server.handle_socket(self.now, input);
        }
        self.send();
        while self.server.poll_event().is_some() {}
        let mut bytes = Vec::new();
        while self.server.poll_stream(self.now, &mut bytes).is_some() {}
        for client in &mut self.clients {
            while client.poll_event().is_some() {}
        }
        if opens > 0 {
            self.settle();
        }
    }

    fn send(&mut self) {
        let mut sent: Vec<(Transmit, Vec<u8>)> = Vec::new();
        while let Some((transmit, bytes)) = self.server.take_transmit() {
            let source = transmit.source.expect("the server names its sockets");
            // What was decided before a socket closed may come after.
            let segment = transmit.segment_size.unwrap_or(bytes.len()).max(1);
            assert_eq!(transmit.size, bytes.len());
            assert_ne!(source.port(), 0);
            sent.extend(bytes.chunks(segment).map(|piece| (transmit, piece.to_vec())));
        }
        for (who, client) in [false, true].into_iter().zip(&mut self.clients) {
            let mut bytes = Vec::new();
            while let Some(transmit) = client.poll_transmit(self.now, &mut bytes) {
                let transmit = transmit.from(client_at(who));
                sent.push((transmit, std::mem::take(&mut bytes)));
            }
        }
        for (transmit, bytes) in sent {
            if let Some(source) = transmit.source {
                self.carry(source, transmit.destination, bytes);
            }
        }
    }

    /// Everything is given back: sockets, ports, connections, timers.
    fn end(&mut self) {
        (self.is_slow, self.refuses) = (false, false);
        self.settle();
        self.server.drain(self.now, Some(self.now + Duration::from_secs(60)));
        self.settle();
        for _ in 0..10 {
            self.wire.clear();
            self.wait(Duration::from_secs(60));
        }
        self.settle();
        let stats = self.server.stats();
        assert_eq!((stats.allocations, stats.relays, stats.streams), (0, 0, 0));
        assert!(self.sockets.is_empty(), "{:?}", self.sockets);
        assert_eq!(self.server.poll_timeout(), None);
    }
}
