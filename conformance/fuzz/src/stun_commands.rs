//! A life of a client and a server on one wire that loses, repeats, turns round and changes what it
//! carries.

use std::{net::SocketAddr, time::Duration};

use arbitrary::{Arbitrary, Unstructured};
use base::{Datagram, Ecn, Instant, Machine, Rng, SocketError, SocketErrorKind, Transmit};
use stun::{
    Access, Behavior, Client, ClientConfig, ClientEvent, Credential, Integrity, LongTermAccess,
    MAX_REQUESTS, Request, RequestId, Server, ServerConfig, ShortTermAccess,
};

/// Most commands of one life.
const MAX_COMMANDS: usize = 200;

#[derive(Arbitrary, Debug)]
enum Command {
    /// The client makes a request.
    Request { is_reliable: bool, change: Option<(bool, bool)>, to_other: bool },
    /// The client sends an indication.
    Indicate,
    /// The client forgets one of its last requests.
    Cancel(u8),
    /// Time passes.
    Wait { millis: u16 },
    /// Time goes on to the next deadline.
    WaitForDeadline,
    /// What is on the wire arrives.
    Deliver,
    /// The oldest thing on the wire is lost.
    Lose,
    /// The oldest thing on the wire arrives twice.
    Repeat,
    /// A bit of the oldest thing on the wire changes.
    Flip { at: u8, bit: u8 },
    /// Anything comes to either.
    Inject { to_client: bool, bytes: Vec<u8> },
    /// The network reports an error.
    Unreachable,
    /// The connection breaks.
    LoseConnection,
}

#[derive(Arbitrary, Clone, Copy, Debug)]
enum Mechanism {
    Open,
    ShortTerm,
    LongTerm,
    Behavior,
}

struct World {
    client: Client,
    server: Server,
    now: Instant,
    wire: Vec<(Transmit, SocketAddr, Vec<u8>)>,
    made: Vec<RequestId>,
    ended: usize,
    cancelled: usize,
}

fn local() -> SocketAddr {
    SocketAddr::from(([198, 51, 100, 7], 40_000))
}

fn remote() -> SocketAddr {
    SocketAddr::from(([192, 0, 2, 1], 3_478))
}

fn other() -> SocketAddr {
    SocketAddr::from(([192, 0, 2, 2], 3_479))
}

/// Lives through a sequence of commands. Every request ends once, nothing grows without bound, every
/// deadline moves, and what is sent can be read.
pub fn stun_commands(data: &[u8]) {
    let mut input = Unstructured::new(data);
    let Ok((mechanism, seed)) = <(Mechanism, u8)>::arbitrary(&mut input) else {
        return;
    };
    let mut world = World::new(mechanism, seed);
    for _ in 0..MAX_COMMANDS {
        if input.is_empty() {
            break;
        }
        let Ok(command) = Command::arbitrary(&mut input) else {
            break;
        };
        world.obey(command);
        world.collect();
    }
    world.end();
}

impl World {
    fn new(mechanism: Mechanism, seed: u8) -> Self {
        let provider = crypto::rust_crypto();
        let mut client = ClientConfig::new(provider);
        let mut server = ServerConfig::new(provider);
        client.follows_alternate_server = true;
        let ascii = "the texts are ASCII";
        match mechanism {
            Mechanism::Open => {}
            Mechanism::Behavior => server.behavior = Some(Behavior::new(remote(), other())),
            Mechanism::ShortTerm => {
                let credential = Credential::short_term(provider, "user", "pass", Integrity::Both);
                client.credential = Some(credential.expect(ascii));
                let access = ShortTermAccess::new().with_user(provider, "user", "pass");
                server.access = Access::ShortTerm(access.expect(ascii));
            }
            Mechanism::LongTerm => {
                client.credential = Some(Credential::long_term("user", "pass").expect(ascii));
                let access = LongTermAccess::new("example.org").expect(ascii);
                let access = access.with_user(provider, "user", "pass").expect(ascii);
                server.access = Access::LongTerm(access);
            }
        }
        let rng = Rng::from_seed([seed; 32]);
        Self {
            client: Client::new(client, rng.fork("client"), Instant::ZERO),
            server: Server::new(server, rng.fork("server"), Instant::ZERO),
            now: Instant::ZERO,
            wire: Vec::new(),
            made: Vec::new(),
            ended: 0,
            cancelled: 0,
        }
    }

    fn obey(&mut self, command: Command) {
        match command {
            Command::Request { is_reliable, change, to_other } => {
                self.request(is_reliable, change, to_other);
            }
            Command::Indicate => {
                let _ = self.client.indicate(self.now, &Request::binding(remote()));
            }
            Command::Cancel(nth) => self.cancel(usize::from(nth % 4)),
            Command::Wait { millis } => self.wait(Duration::from_millis(millis.into())),
            Command::WaitForDeadline => {
                if let Some(deadline) = self.client.poll_timeout() {
                    self.wait(deadline - self.now);
                }
            }
            Command::Deliver => {
                for (transmit, source, bytes) in std::mem::take(&mut self.wire) {
                    self.deliver(&transmit, source, &bytes);
                }
            }
            Command::Lose => {
                self.take_oldest();
            }
            Command::Repeat => {
                if let Some((transmit, source, bytes)) = self.take_oldest() {
                    self.deliver(&transmit, source, &bytes);
                    self.deliver(&transmit, source, &bytes);
                }
            }
            Command::Flip { at, bit } => {
                if let Some((_, _, bytes)) = self.wire.first_mut()
                    && let Some(byte) = bytes.get_mut(usize::from(at))
                {
                    *byte ^= 1 << (bit % 8);
                }
            }
            Command::Inject { to_client, bytes } => self.inject(to_client, &bytes),
            Command::Unreachable => {
                let kind = SocketErrorKind::PortUnreachable;
                let error = SocketError { local: local(), remote: remote(), kind };
                self.client.handle_socket_error(self.now, error);
            }
            Command::LoseConnection => self.client.handle_connection_lost(self.now, remote()),
        }
    }

    fn request(&mut self, is_reliable: bool, change: Option<(bool, bool)>, to_other: bool) {
        let to = if to_other { other() } else { remote() };
        let mut request = Request::binding(to);
        if is_reliable {
            request = request.over_reliable_transport();
        }
        if let Some((ip, port)) = change {
            let change = stun::wire::ChangeRequest { ip, port };
            request = request.with(&change).answered_on_any_path();
        }
        self.made.extend(self.client.request(self.now, request));
    }

    fn cancel(&mut self, nth: usize) {
        let before = self.client.requests_in_progress();
        if let Some(id) = self.made.iter().rev().nth(nth) {
            self.client.cancel(self.now, *id);
        }
        self.cancelled += before - self.client.requests_in_progress();
    }

    fn wait(&mut self, time: Duration) {
        let until = self.now + time;
        while let Some(deadline) = self.client.poll_timeout().filter(|it| *it <= until) {
            self.now = self.now.max(deadline);
            self.client.handle_timeout(self.now);
            let next = self.client.poll_timeout();
            assert!(next.is_none_or(|next| next > self.now), "every deadline moves on");
            self.collect();
        }
        self.now = until;
        self.client.handle_timeout(until);
        self.server.handle_timeout(until);
    }

    fn take_oldest(&mut self) -> Option<(Transmit, SocketAddr, Vec<u8>)> {
        (!self.wire.is_empty()).then(|| self.wire.remove(0))
    }

    fn deliver(&mut self, transmit: &Transmit, source: SocketAddr, payload: &[u8]) {
        let destination = transmit.destination;
        let datagram = Datagram { source, destination, ecn: Ecn::NotEct, payload };
        if destination == local() {
            self.client.handle_datagram(self.now, datagram);
        } else {
            self.server.handle_datagram(self.now, datagram);
        }
    }

    fn inject(&mut self, to_client: bool, bytes: &[u8]) {
        let (source, destination) =
            if to_client { (remote(), local()) } else { (local(), remote()) };
        self.deliver(&Transmit::new(destination, bytes.len()), source, bytes);
    }

    /// Takes everything out that either has to say.
    fn collect(&mut self) {
        drain(&mut self.client, self.now, local(), &mut self.wire);
        drain(&mut self.server, self.now, remote(), &mut self.wire);
        while let Some(event) = self.client.poll_event() {
            match event {
                ClientEvent::Succeeded { response, .. } => {
                    assert!(response.mapped_address().is_some(), "a success has an address");
                    self.ended += 1;
                }
                ClientEvent::Failed { .. } => self.ended += 1,
                _ => {}
            }
        }
        assert!(self.client.requests_in_progress() <= MAX_REQUESTS);
        let stats = self.server.stats();
        let told = stats.successes + stats.errors + stats.indications + stats.dropped.total();
        assert_eq!(stats.received, told, "every message is accounted for");
    }

    /// In the end every request has ended.
    fn end(mut self) {
        self.wait(Duration::from_secs(3_600));
        self.collect();
        assert_eq!(self.client.poll_timeout(), None, "nothing waits for ever");
        assert_eq!(self.made.len(), self.ended + self.cancelled, "every request ends once");
    }
}

fn drain(
    machine: &mut impl Machine,
    now: Instant,
    home: SocketAddr,
    wire: &mut Vec<(Transmit, SocketAddr, Vec<u8>)>,
) {
    let mut buffer = Vec::new();
    while let Some(transmit) = machine.poll_transmit(now, &mut buffer) {
        assert_eq!(transmit.size, buffer.len(), "the size is that of the bytes");
        assert!(stun::Message::parse_any_cookie(&buffer).is_ok(), "what is sent can be read");
        // More than this on the way is lost, as it would be.
        if wire.len() < 1_000 {
            wire.push((transmit, transmit.source.unwrap_or(home), std::mem::take(&mut buffer)));
        }
        buffer.clear();
    }
}
