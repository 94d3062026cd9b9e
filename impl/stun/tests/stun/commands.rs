//! The laws of machines, through lives drawn at random.

use std::{net::SocketAddr, time::Duration};

use base::{Instant, Rng, SocketError, SocketErrorKind};
use simnet::{
    Stream,
    laws::{self, Step},
};
use stun::{
    Access, Behavior, Builder, Client, Credential, Discovery, DiscoveryConfig, Integrity, Key,
    LifetimeSearch, LongTermAccess, Request, RequestId, Server, ShortTermAccess,
    wire::{
        AttributeType, Class, Code, ErrorCode, Method, Nonce, OfferedAlgorithms, Realm,
        TransactionId, Username, XorMappedAddress,
    },
};

use crate::support::{at, client, local, provider, remote, server};

/// A message that is nearly right.
fn datagram(stream: &mut Stream) -> (SocketAddr, SocketAddr, Vec<u8>) {
    let mut bytes = Vec::new();
    let class = Class::ALL[usize::try_from(stream.below(4)).unwrap()];
    let mut id = [7; 12];
    id[11] = u8::try_from(stream.below(3)).unwrap();
    let mut builder = Builder::new(&mut bytes, Method::BINDING, class, TransactionId::new(id));
    for _ in 0..stream.below(5) {
        put_something(stream, &mut builder);
    }
    if stream.chance(0.3) {
        builder.integrity(&Key::short_term(provider(), "pass").unwrap());
    }
    if stream.chance(0.3) {
        builder.fingerprint();
    }
    if stream.chance(0.2) {
        let at = usize::try_from(stream.below(bytes.len() as u64)).unwrap();
        bytes[at] ^= 1 << stream.below(8);
    }
    let (client, server) = (local(), remote());
    let (source, destination) =
        if stream.chance(0.5) { (client, server) } else { (server, client) };
    (source, destination, bytes)
}

fn put_something(stream: &mut Stream, builder: &mut Builder<'_>) {
    match stream.below(8) {
        0 => builder.put(&Username::new("user").unwrap()),
        1 => builder.put(&Realm::new("example.org").unwrap()),
        2 => builder.put(&Nonce::new("obMatJos2gAAAx").unwrap()),
        3 => builder.put(&OfferedAlgorithms(&[stun::wire::Algorithm::SHA256])),
        4 => builder.put(&XorMappedAddress(local())),
        5 => {
            let code = 300 + u16::try_from(stream.below(300)).unwrap();
            builder.put(&ErrorCode::new(Code::new(code).unwrap()))
        }
        _ => {
            let kind = AttributeType::new(u16::try_from(stream.below(0x30)).unwrap());
            let mut value = vec![0; usize::try_from(stream.below(24)).unwrap()];
            stream.fill(&mut value);
            builder.put_raw(kind, &value)
        }
    };
}

#[derive(Clone, Debug)]
enum Command {
    Request { is_reliable: bool },
    Indicate,
    Cancel(u64),
    LoseConnection,
}

fn command(stream: &mut Stream) -> Option<Command> {
    Some(match stream.below(8) {
        0..=3 => Command::Request { is_reliable: stream.chance(0.2) },
        4 => Command::Indicate,
        5 => Command::Cancel(stream.below(4)),
        6 => Command::LoseConnection,
        _ => return None,
    })
}

/// The client and the requests it was given, for commands that need one.
fn obey(client: &mut Client, now: Instant, command: &Command, made: &mut Vec<RequestId>) {
    let request = Request::binding(remote()).from_source(local());
    match command {
        Command::Request { is_reliable } => {
            let request = if *is_reliable { request.over_reliable_transport() } else { request };
            made.extend(client.request(now, request));
        }
        Command::Indicate => {
            let _ = client.indicate(now, &request);
        }
        Command::Cancel(nth) => {
            if let Some(id) = made.iter().rev().nth(usize::try_from(*nth).unwrap()) {
                client.cancel(now, *id);
            }
        }
        Command::LoseConnection => client.handle_connection_lost(now, remote()),
    }
}

/// A client that remembers its requests.
struct Remembering {
    client: Client,
    made: Vec<RequestId>,
}

impl base::Machine for Remembering {
    type Event = stun::ClientEvent;

    fn handle_datagram(&mut self, now: Instant, datagram: base::Datagram<'_>) {
        self.client.handle_datagram(now, datagram);
    }

    fn handle_socket_error(&mut self, now: Instant, error: SocketError) {
        self.client.handle_socket_error(now, error);
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.client.handle_timeout(now);
    }

    fn poll_transmit(&mut self, now: Instant, buffer: &mut Vec<u8>) -> Option<base::Transmit> {
        self.client.poll_transmit(now, buffer)
    }

    fn poll_event(&mut self) -> Option<Self::Event> {
        self.client.poll_event()
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.client.poll_timeout()
    }
}

#[test]
fn the_client_keeps_the_laws() {
    let short = || Credential::short_term(provider(), "user", "pass", Integrity::Both).unwrap();
    let long = || Credential::long_term("user", "pass").unwrap();
    for seed in 0..60 {
        let mut stream = Stream::new(seed, "client");
        let mut script = laws::script(&mut stream, 60, datagram, command);
        let kind = SocketErrorKind::PortUnreachable;
        let error = SocketError { local: local(), remote: remote(), kind };
        script.push(Step::SocketError(error));
        let make = || Remembering {
            client: client(|config| {
                config.credential = match seed % 3 {
                    0 => None,
                    1 => Some(short()),
                    _ => Some(long()),
                };
                config.follows_alternate_server = true;
            }),
            made: Vec::new(),
        };
        let command = |machine: &mut Remembering, now, command: &Command| {
            obey(&mut machine.client, now, command, &mut machine.made);
        };
        laws::check(make, command, &script).unwrap_or_else(|broken| panic!("{seed}: {broken}"));
    }
}

fn server_of_kind(kind: u64) -> Server {
    let long = LongTermAccess::new("example.org").unwrap();
    let long = long.with_user(provider(), "user", "pass").unwrap();
    let short = ShortTermAccess::new().with_user(provider(), "user", "pass").unwrap();
    server(|config| match kind {
        0 => config.behavior = Some(Behavior::new(remote(), at("192.0.2.2:3479"))),
        1 => config.access = Access::ShortTerm(short),
        2 => config.access = Access::LongTerm(long),
        _ => {}
    })
}

#[test]
fn the_server_keeps_the_laws() {
    for seed in 0..60 {
        let mut stream = Stream::new(seed, "server");
        let script = laws::script(&mut stream, 60, datagram, |_| None::<()>);
        laws::check(|| server_of_kind(seed % 4), |_, _, ()| {}, &script)
            .unwrap_or_else(|broken| panic!("{seed}: {broken}"));
    }
}

#[test]
fn discovery_keeps_the_laws() {
    for seed in 0..40 {
        let mut stream = Stream::new(seed, "discovery");
        let script = laws::script(&mut stream, 60, datagram, |_| None::<()>);
        let make = || {
            let locals = vec![local(), at("198.51.100.7:40001"), at("198.51.100.7:40002")];
            let mut config = DiscoveryConfig::new(provider(), remote(), locals);
            let longest = Duration::from_secs(60);
            let precision = Duration::from_secs(1);
            config.lifetime = Some(LifetimeSearch { longest, precision });
            config.padding = Some(1_500);
            Discovery::new(config, Rng::from_seed([3; 32]), Instant::ZERO)
        };
        laws::check(make, |_, _, ()| {}, &script)
            .unwrap_or_else(|broken| panic!("{seed}: {broken}"));
    }
}
