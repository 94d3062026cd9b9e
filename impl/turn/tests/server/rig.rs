//! A server, an operating system for it, and users who speak to it in bytes.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    net::SocketAddr,
    time::Duration,
};

use base::{
    Datagram, Ecn, Instant, Machine, Rng, SocketCommand, SocketInput, StreamCommand, StreamEnd,
    StreamId, StreamInput, Transmit, WallTime,
};
use crypto::Provider;
use stun::{
    Builder, Key, Message,
    wire::{
        Algorithm, Class, Code, ErrorCode, Method, Nonce, PasswordAlgorithm, PasswordAlgorithms,
        Realm, RequestedTransport, TransactionId, Username, XorRelayedAddress,
    },
};
use turn::{
    Server, ServerConfig, ServerEvent,
    server::{Accounts, DropReason, Policy, RelayAddress},
};

pub(crate) const REALM: &str = "example.org";
pub(crate) const PASSWORD: &str = "hunter2";
/// Seconds since 1970 at the beginning of every test.
pub(crate) const DATE: u64 = 1_700_000_000;

pub(crate) fn at(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

pub(crate) fn listening() -> SocketAddr {
    at("192.0.2.1:3478")
}

pub(crate) fn listening_v6() -> SocketAddr {
    at("[2001:db8::1]:3478")
}

pub(crate) fn client() -> SocketAddr {
    at("198.51.100.7:40000")
}

pub(crate) fn peer() -> SocketAddr {
    at("203.0.113.9:5000")
}

pub(crate) fn accounts() -> Accounts {
    let provider = Provider::default();
    let accounts = Accounts::new(REALM).unwrap();
    let accounts = accounts.with_user(provider, "alice", PASSWORD).unwrap();
    accounts.with_user(provider, "bob", PASSWORD).unwrap()
}

/// A server of both families with TCP, for a laboratory whose addresses are for documentation.
pub(crate) fn config() -> ServerConfig {
    let date = WallTime::from_unix(Duration::from_secs(DATE));
    let mut config = ServerConfig::new(Provider::default(), accounts(), date).at(listening());
    config = config.at(listening_v6());
    config.tcp = vec![listening()];
    config.policy = Policy::for_laboratories();
    config.challenge_limit.per_second = 0;
    config
}

/// What came back for a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) bytes: Vec<u8>,
}

impl Answer {
    pub(crate) fn message(&self) -> Message<'_> {
        Message::parse(&self.bytes).unwrap()
    }

    /// The number of the error, 0 for a success.
    pub(crate) fn code(&self) -> u16 {
        match self.message().class() {
            Class::Success => 0,
            _ => self.message().get::<ErrorCode<'_>>().unwrap().code.number(),
        }
    }

    pub(crate) fn relayed(&self) -> SocketAddr {
        self.message().get::<XorRelayedAddress>().unwrap().0
    }

    pub(crate) fn lifetime(&self) -> u32 {
        self.message().get::<stun::wire::Lifetime>().unwrap().0
    }
}

/// Someone with a credential, at an address.
#[derive(Clone, Debug)]
pub(crate) struct User {
    pub(crate) from: SocketAddr,
    pub(crate) to: SocketAddr,
    pub(crate) stream: Option<StreamId>,
    pub(crate) username: String,
    pub(crate) password: String,
    pub(crate) algorithm: Option<Algorithm>,
    /// A token and its session key, instead of a password.
    pub(crate) token: Option<(Vec<u8>, Vec<u8>)>,
    pub(crate) sends_token: bool,
    pub(crate) challenge: Option<Challenge>,
}

#[derive(Clone, Debug)]
pub(crate) struct Challenge {
    pub(crate) nonce: String,
    offer: Option<Vec<u8>>,
}

impl User {
    pub(crate) fn new(username: &str) -> Self {
        Self {
            from: client(),
            to: listening(),
            stream: None,
            username: username.to_owned(),
            password: PASSWORD.to_owned(),
            algorithm: Some(Algorithm::SHA256),
            token: None,
            sends_token: true,
            challenge: None,
        }
    }

    pub(crate) fn at(mut self, from: &str) -> Self {
        self.from = at(from);
        if self.from.is_ipv6() {
            self.to = listening_v6();
        }
        self
    }

    pub(crate) fn on_port(mut self, port: u16) -> Self {
        self.from.set_port(port);
        self
    }

    /// The bytes of a request, with credential if there was a challenge.
    pub(crate) fn request(
        &self,
        id: TransactionId,
        method: Method,
        put: &dyn Fn(&mut Builder<'_>),
    ) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut builder = Builder::new(&mut bytes, method, Class::Request, id);
        put(&mut builder);
        let Some(challenge) = &self.challenge else { return bytes };
        builder.put(&Username::new(&self.username).unwrap());
        builder.put(&Realm::new(REALM).unwrap());
        builder.put(&Nonce::new(&challenge.nonce).unwrap());
        if let Some((token, mac_key)) = &self.token {
            if self.sends_token {
                builder.put(&stun::wire::AccessToken(token));
            }
            builder.integrity(&Key::from_bytes(Provider::default(), mac_key));
            return bytes;
        }
        let algorithm = self.algorithm.filter(|_| challenge.offer.is_some());
        let made_with = algorithm.unwrap_or(Algorithm::MD5);
        let provider = Provider::default();
        let key = Key::long_term(provider, made_with, &self.username, REALM, &self.password);
        let key = key.unwrap();
        match (algorithm, &challenge.offer) {
            (Some(algorithm), Some(offer)) => {
                builder.put_raw(stun::wire::AttributeType::PASSWORD_ALGORITHMS, offer);
                builder.put(&PasswordAlgorithm::plain(algorithm));
                builder.integrity_sha256(&key);
            }
            _ => {
                builder.integrity(&key);
            }
        }
        bytes
    }

    fn learn(&mut self, answer: &Answer) {
        let message = answer.message();
        let nonce: Nonce<'_> = message.get().unwrap();
        let offer: Option<PasswordAlgorithms<'_>> = message.get();
        let offer = offer.map(|offer| offer.as_bytes().to_vec());
        self.challenge = Some(Challenge { nonce: nonce.as_str().to_owned(), offer });
    }
}

/// A server and the system it runs on.
#[derive(Debug)]
pub(crate) struct Rig {
    pub(crate) server: Server,
    pub(crate) now: Instant,
    /// UDP sockets that are open.
    pub(crate) sockets: BTreeSet<SocketAddr>,
    /// Listeners that are open.
    pub(crate) listeners: BTreeMap<StreamId, SocketAddr>,
    /// Ports that somebody else on the host has.
    pub(crate) taken: BTreeSet<u16>,
    /// Whether the system answers wishes for sockets.
    pub(crate) is_slow: bool,
    pub(crate) wishes: VecDeque<SocketAddr>,
    /// Datagrams that went out, batches taken apart.
    pub(crate) sent: VecDeque<(Transmit, Vec<u8>)>,
    pub(crate) streams: VecDeque<(StreamCommand, Vec<u8>)>,
    pub(crate) events: Vec<ServerEvent>,
    pub(crate) next_id: u64,
    /// Sockets that were ever opened.
    pub(crate) opened: usize,
}

impl Rig {
    pub(crate) fn new(config: ServerConfig) -> Self {
        let now = Instant::ZERO;
        let server = Server::new(config, Rng::from_seed([1; 32]), now).unwrap();
        let mut rig = Self {
            server,
            now,
            sockets: BTreeSet::new(),
            listeners: BTreeMap::new(),
            taken: BTreeSet::new(),
            is_slow: false,
            wishes: VecDeque::new(),
            sent: VecDeque::new(),
            streams: VecDeque::new(),
            events: Vec::new(),
            next_id: 0,
            opened: 0,
        };
        rig.settle();
        rig
    }

    pub(crate) fn wait(&mut self, seconds: f64) {
        let until = self.now + Duration::from_secs_f64(seconds);
        while let Some(due) = self.server.poll_timeout().filter(|due| *due <= until) {
            self.now = self.now.max(due);
            self.server.handle_timeout(self.now);
            self.settle();
        }
        self.now = until;
        self.server.handle_timeout(until);
        self.settle();
    }

    pub(crate) fn settle(&mut self) {
        loop {
            let mut is_quiet = true;
            while let Some(command) = self.server.poll_socket() {
                is_quiet = false;
                match command {
                    SocketCommand::Open { local } => self.wishes.push_back(local),
                    SocketCommand::Close { local } => {
                        assert!(self.sockets.remove(&local), "{local} was not open");
                    }
                }
            }
            while let Some(local) = self.wishes.front().copied().filter(|_| !self.is_slow) {
                self.wishes.pop_front();
                is_quiet = false;
                self.open(local);
            }
            let mut bytes = Vec::new();
            while let Some(command) = self.server.poll_stream(self.now, &mut bytes) {
                is_quiet = false;
                self.obey(command, std::mem::take(&mut bytes));
            }
            if is_quiet {
                break;
            }
        }
        let mut bytes = Vec::new();
        while let Some(transmit) = self.server.poll_transmit(self.now, &mut bytes) {
            let whole = std::mem::take(&mut bytes);
            assert_eq!(whole.len(), transmit.size);
            let source = transmit.source.unwrap();
            assert!(self.sockets.contains(&source), "{source} is not open");
            let segment = transmit.segment_size.unwrap_or(whole.len()).max(1);
            if whole.is_empty() {
                self.sent.push_back((transmit, Vec::new()));
            }
            for part in whole.chunks(segment) {
                self.sent.push_back((transmit, part.to_vec()));
            }
        }
        self.events.extend(std::iter::from_fn(|| self.server.poll_event()));
    }

    fn open(&mut self, local: SocketAddr) {
        let is_taken = self.taken.contains(&local.port()) || self.sockets.contains(&local);
        let input = match is_taken {
            true => SocketInput::Refused { asked: local, in_use: true },
            false => SocketInput::Opened { asked: local, local },
        };
        if !is_taken {
            self.sockets.insert(local);
            self.opened += 1;
        }
        self.server.handle_socket(self.now, input);
    }

    fn obey(&mut self, command: StreamCommand, bytes: Vec<u8>) {
        match &command {
            StreamCommand::Listen { id, local } => {
                if self.taken.contains(&local.port()) {
                    let (id, reason) = (*id, StreamEnd::Refused);
                    return self.server.handle_stream(self.now, StreamInput::Closed { id, reason });
                }
                self.listeners.insert(*id, *local);
                let input = StreamInput::Listening { id: *id, local: *local };
                return self.server.handle_stream(self.now, input);
            }
            StreamCommand::Close { id } if self.listeners.remove(id).is_some() => return,
            _ => {}
        }
        self.streams.push_back((command, bytes));
    }

    /// A datagram arrives.
    pub(crate) fn hear(&mut self, source: SocketAddr, destination: SocketAddr, payload: &[u8]) {
        let datagram = Datagram { source, destination, ecn: Ecn::NotEct, payload };
        self.server.handle_datagram(self.now, datagram);
        self.settle();
    }

    pub(crate) fn stream(&mut self, input: StreamInput<'_>) {
        self.server.handle_stream(self.now, input);
        self.settle();
    }

    /// What a user sends, on whatever it has.
    pub(crate) fn send(&mut self, user: &User, bytes: &[u8]) {
        match user.stream {
            Some(id) => self.stream(StreamInput::Received { id, bytes }),
            None => self.hear(user.from, user.to, bytes),
        }
    }

    /// Opens a connection for a user, on a stream with this number.
    pub(crate) fn connect(&mut self, user: &mut User, number: u64) {
        let id = StreamId::accepted(number);
        let listener = self.listeners.iter().find(|(_, local)| **local == user.to).unwrap();
        let input =
            StreamInput::Accepted { listener: *listener.0, id, local: user.to, remote: user.from };
        self.stream(input);
        user.stream = Some(id);
    }

    pub(crate) fn next_id(&mut self) -> TransactionId {
        self.next_id += 1;
        let mut bytes = [0; 12];
        bytes[4..].copy_from_slice(&self.next_id.to_be_bytes());
        TransactionId::new(bytes)
    }

    /// The next message to a user, if there is one.
    pub(crate) fn next_to(&mut self, user: &User) -> Option<Vec<u8>> {
        if let Some(id) = user.stream {
            let is_his = |(command, _): &(StreamCommand, Vec<u8>)| matches!(command, StreamCommand::Send { id: to, .. } if *to == id);
            let place = self.streams.iter().position(is_his)?;
            return self.streams.remove(place).map(|(_, bytes)| bytes);
        }
        let is_his = |(transmit, _): &(Transmit, Vec<u8>)| {
            transmit.destination == user.from && transmit.source == Some(user.to)
        };
        let place = self.sent.iter().position(is_his)?;
        self.sent.remove(place).map(|(_, bytes)| bytes)
    }

    /// Sends a request once and returns what comes back.
    pub(crate) fn ask_once(
        &mut self,
        user: &User,
        method: Method,
        put: &dyn Fn(&mut Builder<'_>),
    ) -> Option<Answer> {
        let id = self.next_id();
        let bytes = user.request(id, method, put);
        self.send(user, &bytes);
        let answer = Answer { bytes: self.next_to(user)? };
        assert_eq!(answer.message().transaction_id(), id);
        Some(answer)
    }

    /// Sends a request, with a credential for the challenge that comes of it.
    pub(crate) fn ask(
        &mut self,
        user: &mut User,
        method: Method,
        put: &dyn Fn(&mut Builder<'_>),
    ) -> Answer {
        for _ in 0..2 {
            let answer = self.ask_once(user, method, put).unwrap();
            let is_challenge = matches!(answer.code(), 401 | 438);
            if !is_challenge || answer.message().get::<Nonce<'_>>().is_none() {
                return answer;
            }
            let is_final = answer.code() == 401 && user.challenge.is_some();
            user.learn(&answer);
            if is_final {
                return answer;
            }
        }
        self.ask_once(user, method, put).unwrap()
    }

    pub(crate) fn allocate(&mut self, user: &mut User) -> SocketAddr {
        let answer = self.ask(user, Method::ALLOCATE, &|builder| udp(builder));
        assert_eq!(answer.code(), 0, "{:?}", answer.message());
        answer.relayed()
    }

    pub(crate) fn permit(&mut self, user: &mut User, peers: &[SocketAddr]) -> u16 {
        let answer = self.ask(user, Method::CREATE_PERMISSION, &|builder| {
            for peer in peers {
                builder.put(&stun::wire::XorPeerAddress(*peer));
            }
        });
        answer.code()
    }

    pub(crate) fn bind(&mut self, user: &mut User, number: u16, peer: SocketAddr) -> u16 {
        let answer = self.ask(user, Method::CHANNEL_BIND, &|builder| {
            builder.put(&stun::wire::ChannelNumber(number));
            builder.put(&stun::wire::XorPeerAddress(peer));
        });
        answer.code()
    }

    pub(crate) fn refresh(&mut self, user: &mut User, lifetime: u32) -> Answer {
        self.ask(user, Method::REFRESH, &|builder| {
            builder.put(&stun::wire::Lifetime(lifetime));
        })
    }

    /// Sends data to a peer by indication; says whether it went on.
    pub(crate) fn indicate(&mut self, user: &User, peer: SocketAddr, data: &[u8]) -> bool {
        let id = self.next_id();
        let mut bytes = Vec::new();
        let mut builder = Builder::new(&mut bytes, Method::SEND, Class::Indication, id);
        builder.put(&stun::wire::XorPeerAddress(peer));
        builder.put(&stun::wire::Data(data));
        self.send(user, &bytes);
        self.arrived(peer, data)
    }

    /// Sends data to a peer by channel; says whether it went on.
    pub(crate) fn channel(&mut self, user: &User, number: u16, peer: SocketAddr) -> bool {
        let bytes = channel_data(number, b"ping");
        self.send(user, &bytes);
        self.arrived(peer, b"ping")
    }

    /// Whether just this datagram went to a peer.
    fn arrived(&mut self, peer: SocketAddr, data: &[u8]) -> bool {
        let place = self
            .sent
            .iter()
            .position(|(transmit, bytes)| transmit.destination == peer && bytes == data);
        place.is_some_and(|place| self.sent.remove(place).is_some())
    }

    pub(crate) fn dropped(&self, reason: DropReason) -> u64 {
        self.server.stats().dropped.get(reason)
    }
}

/// REQUESTED-TRANSPORT for UDP.
pub(crate) fn udp(builder: &mut Builder<'_>) {
    builder.put(&RequestedTransport(17));
}

pub(crate) fn channel_data(number: u16, data: &[u8]) -> Vec<u8> {
    let length = u16::try_from(data.len()).unwrap();
    [&number.to_be_bytes()[..], &length.to_be_bytes(), data].concat()
}

pub(crate) fn relay_at(ip: &str) -> Option<RelayAddress> {
    Some(RelayAddress::new(ip.parse().unwrap()))
}

pub(crate) fn code(code: Code) -> u16 {
    code.number()
}
