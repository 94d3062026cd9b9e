//! A client, the server made by hand, and a network between them.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use base::{Datagram, Ecn, Instant, Machine, Rng};
use simnet::Stream;
use stun::{Credential, Message};
use turn::{
    Allocate, Channel, ChannelMessage, Client, ClientConfig, ClientEvent, Outgoing, SendError,
    Transport,
};

use crate::relay::Relay;

pub(crate) fn at(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

pub(crate) fn local() -> SocketAddr {
    at("198.51.100.7:40000")
}

pub(crate) fn server() -> SocketAddr {
    at("192.0.2.1:3478")
}

pub(crate) fn relayed() -> SocketAddr {
    at("192.0.2.2:50000")
}

pub(crate) fn peer() -> SocketAddr {
    at("203.0.113.9:7000")
}

pub(crate) fn provider() -> crypto::Provider {
    crypto::rust_crypto()
}

pub(crate) fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

pub(crate) fn user() -> Credential {
    Credential::long_term("user", "password").unwrap()
}

pub(crate) fn config(transport: Transport) -> ClientConfig {
    ClientConfig::new(provider(), server(), transport).with_credential(user())
}

pub(crate) fn client(config: ClientConfig) -> Client {
    Client::new(config, Rng::from_seed([1; 32]), Instant::ZERO)
}

/// A client over UDP and its server, one way of 25 ms between them.
pub(crate) struct World {
    pub(crate) client: Client,
    pub(crate) relay: Relay,
    pub(crate) now: Instant,
    pub(crate) events: Vec<ClientEvent>,
    /// How likely a datagram is lost, either way.
    pub(crate) loss: f64,
    /// Requests of this kind reach the server, whose answers are lost.
    pub(crate) deaf_to: Option<stun::wire::Method>,
    pub(crate) ladder: String,
    /// What the client sent last, and whereto.
    sent: Option<(SocketAddr, Vec<u8>)>,
    chance: Stream,
    flying: BTreeMap<(Instant, u64), (bool, Vec<u8>)>,
    number: u64,
}

const WAY: Duration = Duration::from_millis(25);

impl World {
    pub(crate) fn new(change: impl FnOnce(&mut ClientConfig, &mut Relay)) -> Self {
        let mut config = config(Transport::Udp).from_local(local());
        let mut relay = Relay::default();
        change(&mut config, &mut relay);
        Self {
            client: client(config),
            relay,
            now: Instant::ZERO,
            events: Vec::new(),
            loss: 0.0,
            deaf_to: None,
            ladder: String::new(),
            sent: None,
            chance: Stream::new(1, "loss"),
            flying: BTreeMap::new(),
            number: 0,
        }
    }

    /// One with an allocation.
    pub(crate) fn allocated(change: impl FnOnce(&mut ClientConfig, &mut Relay)) -> Self {
        let mut world = Self::new(change);
        world.client.allocate(world.now, Allocate::default()).unwrap();
        world.run(secs(1));
        assert!(matches!(world.take_events()[..], [ClientEvent::Allocated(_)]));
        world.ladder.clear();
        world
    }

    /// Gives the client a command.
    pub(crate) fn command<R>(&mut self, act: impl FnOnce(&mut Client, Instant) -> R) -> R {
        let result = act(&mut self.client, self.now);
        self.drain();
        result
    }

    pub(crate) fn take_events(&mut self) -> Vec<ClientEvent> {
        std::mem::take(&mut self.events)
    }

    /// What the client sent last since this was asked, and whereto.
    pub(crate) fn take_sent(&mut self) -> Option<(SocketAddr, Vec<u8>)> {
        self.sent.take()
    }

    /// Lets time pass.
    pub(crate) fn run(&mut self, time: Duration) {
        let until = self.now + time;
        self.drain();
        loop {
            let flying = self.flying.keys().next().map(|(at, _)| *at);
            let next = [flying, self.client.poll_timeout()].into_iter().flatten().min();
            let Some(next) = next.filter(|next| *next <= until) else {
                self.now = until;
                return;
            };
            self.now = self.now.max(next);
            if flying.is_some_and(|at| at <= self.now) {
                let (_, (is_request, bytes)) = self.flying.pop_first().unwrap();
                self.land(is_request, &bytes);
            } else {
                self.client.handle_timeout(self.now);
            }
            self.drain();
        }
    }

    /// What arrives at the client right now.
    pub(crate) fn hear(&mut self, bytes: &[u8]) {
        self.hear_from(server(), bytes);
    }

    pub(crate) fn hear_from(&mut self, source: SocketAddr, payload: &[u8]) {
        let (destination, ecn) = (local(), Ecn::NotEct);
        let datagram = Datagram { source, destination, ecn, payload };
        self.client.handle_datagram(self.now, datagram);
        self.drain();
    }

    pub(crate) fn permit(&mut self, peer: IpAddr) {
        self.command(|client, now| client.permit(now, peer)).unwrap();
        self.run(secs(1));
        assert_eq!(self.take_events(), [ClientEvent::Permitted { peer }]);
    }

    pub(crate) fn bind(&mut self, peer: SocketAddr) -> Channel {
        self.command(|client, now| client.bind_channel(now, peer)).unwrap();
        self.run(secs(1));
        let events = self.take_events();
        let bound = events.iter().find_map(|event| match event {
            ClientEvent::ChannelBound { channel, .. } => Some(*channel),
            _ => None,
        });
        bound.unwrap_or_else(|| panic!("not bound: {events:?}"))
    }

    /// What the client makes of a datagram for `peer`.
    pub(crate) fn send(&mut self, peer: SocketAddr, payload: &[u8]) -> Result<Vec<u8>, SendError> {
        let mut buffer = b"before".to_vec();
        let sent = self.client.send(self.now, peer, payload, &mut buffer);
        let after = buffer.split_off(6);
        assert_eq!(buffer, b"before");
        let result = match sent {
            Ok(Outgoing::Datagram(transmit)) => {
                assert_eq!((transmit.source, transmit.destination), (Some(local()), server()));
                assert_eq!(transmit.size, after.len());
                Ok(after)
            }
            Ok(other) => panic!("over UDP: {other:?}"),
            Err(error) => {
                assert_eq!(after, b"");
                Err(error)
            }
        };
        self.drain();
        result
    }

    fn drain(&mut self) {
        loop {
            let mut bytes = Vec::new();
            let Some(transmit) = self.client.poll_transmit(self.now, &mut bytes) else {
                break;
            };
            assert_eq!(transmit.size, bytes.len());
            self.note('>', &bytes);
            self.sent = Some((transmit.destination, bytes.clone()));
            self.fly(true, bytes);
        }
        self.events.extend(std::iter::from_fn(|| self.client.poll_event()));
    }

    fn fly(&mut self, is_request: bool, bytes: Vec<u8>) {
        if self.loss > 0.0 && self.chance.chance(self.loss) {
            return;
        }
        self.flying.insert((self.now + WAY, self.number), (is_request, bytes));
        self.number += 1;
    }

    fn land(&mut self, is_request: bool, bytes: &[u8]) {
        if !is_request {
            self.note('<', bytes);
            self.hear(bytes);
        } else if let Some(answer) = self.relay.answer(self.now, bytes) {
            let method = Message::parse(bytes).unwrap().method();
            if self.deaf_to != Some(method) {
                self.fly(false, answer);
            }
        }
    }

    fn note(&mut self, arrow: char, bytes: &[u8]) {
        let millis = self.now.elapsed().as_millis();
        let line = match Message::parse(bytes) {
            Ok(message) => message.to_string(),
            Err(_) => ChannelMessage::parse(bytes).unwrap().to_string(),
        };
        writeln!(self.ladder, "{:>4}.{:03} {arrow} {line}", millis / 1_000, millis % 1_000)
            .unwrap();
    }
}
