//! The subject's client, and a server of the suite that it uses.

use std::{net::SocketAddr, time::Duration};

use base::Instant;
use simnet::{Host, Link, ListenerId, SocketId, TcpId};
use wire::{
    stun::{Attribute, Check, Class, Key, Message, Parsed, attribute},
    turn::{ChannelData, Piece, Stream, UDP, method},
};

use super::{relay_stage::piece, user};
use crate::{
    Ctl, Outcome, Stop,
    cases::stun::script::{MILLISECOND, REALM, SECOND, fresh},
    subjects::{
        stun::{Refusal, Transport},
        turn::{Relayed, TurnClientConfig, TurnClientEvent},
    },
    world::Seat,
};

/// One way between client and server.
const DELAY: Duration = Duration::from_millis(10);
/// How closely the server looks where it cannot wait for one socket alone.
const STEP: Duration = Duration::from_millis(50);
/// How many messages a server answers in one go before the case is taken to be stuck.
const MOST: usize = 2_000;

/// What the server of the suite does about a request.
#[derive(Clone, Debug)]
pub(in crate::cases) enum Deed {
    /// What a good server does.
    Good,
    /// The same, twice.
    Twice,
    /// Nothing.
    Silence,
    /// Refuse it with this code, protected.
    Refuse(u16),
    /// Say 438 with a new nonce.
    Stale,
    /// Answer with this.
    Reply(Box<Message>),
}

/// A message of the client's.
#[derive(Clone, Debug)]
pub(in crate::cases) struct Sent {
    /// When it arrived.
    pub(in crate::cases) at: Instant,
    /// Where it came from.
    pub(in crate::cases) from: SocketAddr,
    /// Where it went.
    pub(in crate::cases) to: SocketAddr,
    /// What it is.
    pub(in crate::cases) piece: Piece,
}

impl Sent {
    /// The STUN message, if it is one.
    pub(in crate::cases) fn stun(&self) -> Option<&Parsed> {
        match &self.piece {
            Piece::Stun(parsed) => Some(parsed),
            _ => None,
        }
    }

    /// The method of a request that carries credentials.
    pub(in crate::cases) fn is_request(&self, kind: u16) -> bool {
        self.stun().is_some_and(|message| {
            message.class() == Class::Request
                && message.method() == kind
                && (message.has(attribute::MESSAGE_INTEGRITY)
                    || message.has(attribute::MESSAGE_INTEGRITY_SHA256))
        })
    }
}

/// A connection of the client's.
struct Connection {
    id: TcpId,
    remote: SocketAddr,
    stream: Stream,
    /// Whether it has become the way of a peer's data.
    raw: bool,
}

/// A client of the subject's, and a server that answers it.
pub(in crate::cases) struct HostStage {
    config: TurnClientConfig,
    seat: Seat,
    sockets: Vec<(SocketId, SocketAddr)>,
    listener: Option<ListenerId>,
    connections: Vec<Connection>,
    /// The nonce that is good.
    pub(in crate::cases) nonce: Vec<u8>,
    /// The password algorithms that are offered.
    pub(in crate::cases) algorithms: Vec<u16>,
    /// The lifetime that is granted, in seconds.
    pub(in crate::cases) lifetime: u32,
    /// The relayed addresses that are granted.
    pub(in crate::cases) relayed: Vec<SocketAddr>,
    /// What the client has sent.
    pub(in crate::cases) log: Vec<Sent>,
    /// The next CONNECTION-ID.
    pub(in crate::cases) connection: u32,
}

/// The nonce with the bits for both security features of RFC 8489 §18.1.
fn nonce(number: usize) -> Vec<u8> {
    format!("obMatJos2wAAA{number:020}").into_bytes()
}

/// A peer's address.
pub(in crate::cases) fn peer(index: u8) -> SocketAddr {
    SocketAddr::from(([11, 0, 2, index], 7000))
}

/// A peer's address in IPv6.
pub(in crate::cases) fn peer_v6(index: u16) -> SocketAddr {
    SocketAddr::from(([0x2a00, 2, 0, 0, 0, 0, 0, index], 7000))
}

/// The relayed addresses of the suite's server.
pub(in crate::cases) const RELAY: &str = "11.0.0.10:55000";
/// The one in IPv6.
pub(in crate::cases) const RELAY_V6: &str = "[2a00:1::10]:55002";

impl HostStage {
    /// A client set up as `change` says.
    pub(in crate::cases) fn open(
        t: &mut Ctl<'_>,
        change: impl FnOnce(&mut TurnClientConfig),
    ) -> Result<Self, Stop> {
        let client = SocketAddr::from(([11, 0, 1, 77], 40_000));
        let server = SocketAddr::from(([11, 0, 0, 10], 3478));
        let second = SocketAddr::from(([11, 0, 0, 11], 3478));
        let network = t
            .network()
            .wan("net", "11.0.0.0/8 2a00::/16")
            .host("client", Host::on("net").address("11.0.1.77"))
            .host("server", Host::on("net").address("11.0.0.10").address("11.0.0.11"))
            .link("client", "net", Link::delayed(DELAY));
        t.build(network)?;
        let mut config = TurnClientConfig::new(client, server, user("alice"));
        change(&mut config);
        let mut sockets = Vec::new();
        for local in [server, second] {
            sockets.push((t.bind("server", local)?, local));
        }
        let listener = match config.transport {
            Transport::Tcp => Some(t.listen("server", server)?),
            Transport::Udp => None,
        };
        let relayed = |text: &str| text.parse::<SocketAddr>().ok();
        let relayed = match config.wish.relayed {
            Relayed::Default | Relayed::V4 => vec![relayed(RELAY)],
            Relayed::V6 => vec![relayed(RELAY_V6)],
            Relayed::Both => vec![relayed(RELAY), relayed(RELAY_V6)],
        };
        let seat = t.start_turn_client("client", &config)?;
        Ok(Self {
            config,
            seat,
            sockets,
            listener,
            connections: Vec::new(),
            nonce: nonce(0),
            algorithms: vec![2, 1],
            lifetime: 600,
            relayed: relayed.into_iter().flatten().collect(),
            log: Vec::new(),
            connection: 77,
        })
    }

    /// A client that has its allocation.
    pub(in crate::cases) fn allocated(
        t: &mut Ctl<'_>,
        change: impl FnOnce(&mut TurnClientConfig),
    ) -> Result<Self, Stop> {
        let mut stage = Self::open(t, change)?;
        stage.allocate(t)?;
        Ok(stage)
    }

    /// Has the client allocate, without which the case cannot go on.
    pub(in crate::cases) fn allocate(&mut self, t: &mut Ctl<'_>) -> Outcome {
        self.start(t)?;
        self.serve(t, 2 * SECOND)?;
        let events = t.turn_events(self.seat);
        let wanted = self.relayed.clone();
        let made = events.iter().any(|event| {
            matches!(event, TurnClientEvent::Allocated { relayed } if relayed.len() == wanted.len())
        });
        t.precondition(made, format_args!("the client has its allocation: {events:?}"))
    }

    /// Tells the client to allocate.
    pub(in crate::cases) fn start(&self, t: &mut Ctl<'_>) -> Outcome {
        let asked = t.turn_client(self.seat, |client, now| client.allocate(now));
        t.stimulus("the command to allocate");
        required(t, asked)
    }

    /// Gives the client a command that the case needs.
    pub(in crate::cases) fn command(
        &self,
        t: &mut Ctl<'_>,
        what: &str,
        command: impl FnOnce(&mut dyn crate::subjects::turn::TurnClient, Instant) -> Result<(), Refusal>,
    ) -> Outcome {
        let asked = t.turn_client(self.seat, command);
        t.stimulus(what);
        required(t, asked)
    }

    /// Gives the client a command that it may refuse; says whether it took it.
    pub(in crate::cases) fn try_command(
        &self,
        t: &mut Ctl<'_>,
        what: &str,
        command: impl FnOnce(&mut dyn crate::subjects::turn::TurnClient, Instant) -> Result<(), Refusal>,
    ) -> Result<bool, Stop> {
        let asked = t.turn_client(self.seat, command);
        t.stimulus(what);
        match asked {
            Ok(()) => Ok(true),
            Err(Refusal::Refused(_)) => Ok(false),
            Err(Refusal::Unsupported) => Err(Stop::Unsupported("no such command".to_owned())),
        }
    }

    /// Asks for a permission and has it granted.
    pub(in crate::cases) fn permit(&mut self, t: &mut Ctl<'_>, to: SocketAddr) -> Outcome {
        self.command(t, "the command to permit", |client, now| client.permit(now, to.ip()))?;
        self.serve(t, SECOND)
    }

    /// Asks for a channel and has it granted; says its number.
    pub(in crate::cases) fn bind(&mut self, t: &mut Ctl<'_>, to: SocketAddr) -> Result<u16, Stop> {
        self.command(t, "the command to bind", |client, now| client.bind_channel(now, to))?;
        self.serve(t, SECOND)?;
        let number = self.requests(method::CHANNEL_BIND).into_iter().rev().find_map(|sent| {
            let message = sent.stun()?;
            message.channel_number().filter(|_| message.peer_address() == Some(to))
        });
        t.expect(number, "a ChannelBind request for the peer")
    }

    /// Lets time pass and answers as a good server.
    pub(in crate::cases) fn serve(&mut self, t: &mut Ctl<'_>, duration: Duration) -> Outcome {
        self.serve_with(t, duration, |_| Deed::Good)
    }

    /// Lets time pass and answers as `decide` says.
    pub(in crate::cases) fn serve_with(
        &mut self,
        t: &mut Ctl<'_>,
        duration: Duration,
        mut decide: impl FnMut(&Sent) -> Deed,
    ) -> Outcome {
        let until = t.now() + duration;
        let begun = self.log.len();
        while self.log.len() - begun < MOST {
            let arrived = self.arrive(t, until);
            if arrived.is_empty() && t.now() >= until {
                return Ok(());
            }
            for sent in arrived {
                self.log.push(sent.clone());
                let deed = decide(&sent);
                self.act(t, &sent, deed)?;
            }
        }
        Err(Stop::Inconclusive("the client sends without end".to_owned()))
    }

    /// The next messages of the client's.
    fn arrive(&mut self, t: &mut Ctl<'_>, until: Instant) -> Vec<Sent> {
        let mut arrived = Vec::new();
        if self.listener.is_none()
            && !self.config.alternate_server
            && let Some(&(socket, _)) = self.sockets.first()
        {
            let received = t.receive_within(socket, until - t.now());
            arrived.extend(received.map(|received| Sent {
                at: received.at,
                from: received.source,
                to: received.destination,
                piece: piece(&received.payload),
            }));
            return arrived;
        }
        t.run_for(STEP.min(until - t.now()).max(MILLISECOND.min(until - t.now())));
        for &(socket, _) in &self.sockets {
            while let Some(received) = t.receive(socket) {
                let (from, to) = (received.source, received.destination);
                let piece = piece(&received.payload);
                arrived.push(Sent { at: received.at, from, to, piece });
            }
        }
        while let Some(id) = self.listener.and_then(|listener| t.accept(listener)) {
            let (_, remote) = t.net().tcp_addresses(id);
            self.connections.push(Connection { id, remote, stream: Stream::new(), raw: false });
        }
        let at = t.now();
        for connection in &mut self.connections {
            let bytes = t.read(connection.id);
            let (from, to) = (connection.remote, self.config.server);
            if connection.raw {
                if !bytes.is_empty() {
                    arrived.push(Sent { at, from, to, piece: Piece::Junk(bytes) });
                }
                continue;
            }
            connection.stream.push(&bytes);
            for piece in connection.stream.by_ref() {
                arrived.push(Sent { at, from, to, piece });
            }
        }
        arrived
    }

    fn act(&mut self, t: &mut Ctl<'_>, sent: &Sent, deed: Deed) -> Outcome {
        let Some(message) = sent.stun().filter(|message| message.class() == Class::Request) else {
            return Ok(());
        };
        let twice = matches!(deed, Deed::Twice);
        let reply = match deed {
            Deed::Silence => return Ok(()),
            Deed::Good | Deed::Twice => self.good(sent, message),
            Deed::Refuse(code) => self.refusal(message, code),
            Deed::Stale => {
                self.nonce = nonce(self.log.len());
                self.challenge(message, 438)
            }
            Deed::Reply(reply) => *reply,
        };
        let bytes = reply.encode();
        self.give_from(t, sent.to, sent.from, &bytes)?;
        if twice {
            self.give_from(t, sent.to, sent.from, &bytes)?;
        }
        let bound = message.method() == method::CONNECTION_BIND && reply.class == Class::Success;
        let connection = self.connections.iter_mut().find(|known| known.remote == sent.from);
        if let (true, Some(connection)) = (bound, connection) {
            connection.raw = true;
        }
        Ok(())
    }

    /// Sends the client bytes from where it sends its own.
    pub(in crate::cases) fn give(&self, t: &mut Ctl<'_>, bytes: &[u8]) -> Outcome {
        let (server, client) = (self.config.server, self.config.local);
        let client = self.connections.first().map_or(client, |first| first.remote);
        self.give_from(t, server, client, bytes)?;
        t.run_for(2 * DELAY + STEP);
        Ok(())
    }

    /// Sends bytes to one of the client's addresses.
    pub(in crate::cases) fn give_from(
        &self,
        t: &mut Ctl<'_>,
        server: SocketAddr,
        client: SocketAddr,
        bytes: &[u8],
    ) -> Outcome {
        if let Some(connection) = self.connections.iter().find(|known| known.remote == client) {
            t.stimulus("bytes on a connection");
            return t.write(connection.id, bytes);
        }
        let socket = self.sockets.iter().find(|(_, address)| *address == server);
        let socket = socket.map(|(socket, _)| *socket);
        let socket = socket.ok_or_else(|| Stop::Harness("no such server".to_owned()))?;
        t.send_stimulus(socket, client, bytes, "a message of the server");
        Ok(())
    }

    /// A Data indication.
    pub(in crate::cases) fn data(t: &mut Ctl<'_>, from: SocketAddr, bytes: &[u8]) -> Message {
        Message::of(Class::Indication, method::DATA, fresh(t))
            .with(Attribute::xor_peer_address(from))
            .with(Attribute::data(bytes))
    }

    /// The key that a request was protected with, if it is one of the user's.
    pub(in crate::cases) fn key_of(&self, message: &Parsed) -> Key {
        let known = &self.config.credential;
        let algorithm = message.algorithms(attribute::PASSWORD_ALGORITHM).unwrap_or_default();
        match algorithm.first() {
            Some(2) => Key::long_term_sha256(&known.username, REALM, &known.password),
            _ => Key::long_term_md5(&known.username, REALM, &known.password),
        }
    }

    /// The verdict on the protection of a request.
    pub(in crate::cases) fn check(&self, message: &Parsed) -> Check {
        crate::cases::stun::script::protection(message, &self.key_of(message))
    }

    /// A challenge with the present nonce.
    pub(in crate::cases) fn challenge(&self, message: &Parsed, code: u16) -> Message {
        let mut reply = Message::error(message.transaction, code, "");
        reply.method = message.method();
        let list =
            (!self.algorithms.is_empty()).then(|| Attribute::password_algorithms(&self.algorithms));
        reply.with(Attribute::realm(REALM)).with(Attribute::nonce(&self.nonce)).with_all(list)
    }

    /// A refusal that belongs to an authenticated request.
    pub(in crate::cases) fn refusal(&self, message: &Parsed, code: u16) -> Message {
        let mut reply = Message::error(message.transaction, code, "");
        reply.method = message.method();
        self.protect(message, reply)
    }

    /// The reply with the tag that belongs to the request.
    pub(in crate::cases) fn protect(&self, message: &Parsed, reply: Message) -> Message {
        let key = self.key_of(message);
        match message.has(attribute::MESSAGE_INTEGRITY_SHA256) {
            true => reply.with(Attribute::integrity_sha256(&key)),
            false => reply.with(Attribute::integrity(&key)),
        }
    }

    /// What a good server says.
    pub(in crate::cases) fn good(&mut self, sent: &Sent, message: &Parsed) -> Message {
        match self.check(message) {
            Check::Absent | Check::Bad => return self.challenge(message, 401),
            Check::Good => {}
        }
        if message.value(attribute::NONCE) != Some(self.nonce.as_slice()) {
            return self.challenge(message, 438);
        }
        let reply = self.success(sent, message);
        self.protect(message, reply)
    }

    /// What a good server grants, without protection.
    pub(in crate::cases) fn success(&mut self, sent: &Sent, message: &Parsed) -> Message {
        let reply = Message::of(Class::Success, message.method(), message.transaction);
        match message.method() {
            method::ALLOCATE => {
                let reserves = message.value(attribute::EVEN_PORT) == Some(&[0x80]);
                reply
                    .with_all(
                        self.relayed.iter().map(|relay| Attribute::xor_relayed_address(*relay)),
                    )
                    .with(Attribute::lifetime(self.lifetime))
                    .with(Attribute::xor_mapped_address(sent.from))
                    .with_all(reserves.then(|| Attribute::reservation_token(b"reserved")))
            }
            method::REFRESH => {
                let asked = message.lifetime().unwrap_or(self.lifetime);
                reply.with(Attribute::lifetime(asked.min(self.lifetime)))
            }
            method::CONNECT => {
                self.connection += 1;
                reply.with(Attribute::connection_id(self.connection))
            }
            _ => reply,
        }
    }

    /// The authenticated requests of a method, in order.
    pub(in crate::cases) fn requests(&self, kind: u16) -> Vec<&Sent> {
        self.log.iter().filter(|sent| sent.is_request(kind)).collect()
    }

    /// Forgets what the client has sent.
    pub(in crate::cases) fn forget(&mut self) {
        self.log.clear();
    }

    /// Takes everything the client has reported.
    pub(in crate::cases) fn events(&self, t: &mut Ctl<'_>) -> Vec<TurnClientEvent> {
        t.turn_events(self.seat)
    }

    /// Takes the data the client has delivered.
    pub(in crate::cases) fn delivered(&self, t: &mut Ctl<'_>) -> Vec<(SocketAddr, Vec<u8>)> {
        let events = self.events(t);
        events
            .into_iter()
            .filter_map(|event| match event {
                TurnClientEvent::Data { peer, payload } => Some((peer, payload)),
                _ => None,
            })
            .collect()
    }

    /// Where the client sends from.
    pub(in crate::cases) const fn client(&self) -> SocketAddr {
        self.config.local
    }

    /// The server that the client does not use by itself.
    pub(in crate::cases) fn second_server(&self) -> SocketAddr {
        self.sockets.last().map_or(self.config.server, |(_, address)| *address)
    }

    /// The server.
    pub(in crate::cases) const fn server(&self) -> SocketAddr {
        self.config.server
    }

    /// Where the connections of the client come from.
    pub(in crate::cases) fn connections(&self) -> Vec<SocketAddr> {
        self.connections.iter().map(|connection| connection.remote).collect()
    }
}

/// Ends the case if the client does not do what the case builds on.
fn required(t: &Ctl<'_>, asked: Result<(), Refusal>) -> Outcome {
    match asked {
        Ok(()) => Ok(()),
        Err(Refusal::Unsupported) => Err(Stop::Unsupported("no such command".to_owned())),
        Err(refusal) => t.precondition(false, refusal),
    }
}

/// All the transports that an Allocate request may name, for the cases to compare with.
pub(in crate::cases) const UDP_VALUE: [u8; 4] = [UDP, 0, 0, 0];

/// A message on a channel.
pub(in crate::cases) fn on_channel(number: u16, bytes: &[u8]) -> Vec<u8> {
    ChannelData::new(number, bytes).padded().encode()
}
