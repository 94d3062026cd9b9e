//! A listener, clients at addresses of their own, and a path without delay between them.

use std::{collections::BTreeMap, net::SocketAddr, sync::Arc};

use base::{Datagram, Ecn, Instant, Machine as _, Rng};
use dtls::{Association, Config, Event, Listener, PeerId, Version};

use crate::support::configs;

pub(crate) fn address(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

pub(crate) fn with_cookies(version: Version) -> [Config; 2] {
    let [client, mut server] = configs(version);
    server.cookies = true;
    [client, server]
}

/// Puts packets that are sent at once in another order.
pub(crate) type Order = Box<dyn Fn(&mut Vec<Vec<u8>>)>;

/// A listener and clients at addresses of their own, on a path without delay.
pub(crate) struct World {
    pub(crate) now: Instant,
    pub(crate) listener: Listener,
    pub(crate) clients: BTreeMap<SocketAddr, Association>,
    pub(crate) events: Vec<(PeerId, Event)>,
    pub(crate) to_clients: usize,
    pub(crate) to_listener: usize,
    /// In which order the packets arrive that a client sends at once.
    pub(crate) order: Order,
}

/// Where the listener is.
const LISTENER: &str = "192.0.2.1:443";

impl World {
    pub(crate) fn new(config: Config) -> Self {
        Self {
            now: Instant::ZERO,
            listener: Listener::new(Arc::new(config), &Rng::from_seed([5; 32])),
            clients: BTreeMap::new(),
            events: Vec::new(),
            to_clients: 0,
            to_listener: 0,
            order: Box::new(|_| ()),
        }
    }

    pub(crate) fn join(&mut self, at: SocketAddr, config: &Config, seed: u8) {
        let rng = Rng::from_seed([seed; 32]);
        let client = Association::client(Arc::new(config.clone()), rng, self.now);
        self.clients.insert(at, client);
    }

    pub(crate) fn deliver(&mut self, source: SocketAddr, payload: &[u8]) {
        self.to_listener += payload.len();
        let destination = address(LISTENER);
        let datagram = Datagram { source, destination, ecn: Ecn::NotEct, payload };
        self.listener.handle_datagram(self.now, datagram);
    }

    /// What the client at `at` has to send.
    pub(crate) fn fetch(&mut self, at: SocketAddr) -> Vec<Vec<u8>> {
        let (mut packets, mut bytes) = (Vec::new(), Vec::new());
        let client = self.clients.get_mut(&at).unwrap();
        while client.poll_packet(self.now, &mut bytes).is_some() {
            packets.push(std::mem::take(&mut bytes));
        }
        packets
    }

    /// What the listener has to send, which goes nowhere.
    pub(crate) fn answers(&mut self) -> Vec<Vec<u8>> {
        let (mut answers, mut buffer) = (Vec::new(), Vec::new());
        while self.listener.poll_transmit(self.now, &mut buffer).is_some() {
            answers.push(std::mem::take(&mut buffer));
        }
        answers
    }

    /// Goes on to the next deadline, whoever has it. `false` if nobody has one.
    pub(crate) fn step(&mut self) -> bool {
        let clients = self.clients.values().filter_map(Association::poll_timeout);
        let Some(next) = clients.chain(self.listener.poll_timeout()).min() else { return false };
        self.now = self.now.max(next);
        let now = self.now;
        self.clients.values_mut().for_each(|client| client.handle_timeout(now));
        self.listener.handle_timeout(now);
        self.flush();
        true
    }

    /// Goes on until the client at `at` is connected.
    pub(crate) fn connect(&mut self, at: SocketAddr) {
        self.flush();
        while !self.clients.get(&at).unwrap().is_connected() {
            assert!(self.step(), "stuck at {}: {:?}", self.now, self.events);
            assert!(!self.clients.get(&at).unwrap().is_closed(), "closed at {}", self.now);
        }
    }

    /// Carries packets to and fro until nobody has any.
    pub(crate) fn flush(&mut self) {
        loop {
            let mut quiet = true;
            for at in self.clients.keys().copied().collect::<Vec<_>>() {
                let mut packets = self.fetch(at);
                (self.order)(&mut packets);
                quiet &= packets.is_empty();
                packets.iter().for_each(|packet| self.deliver(at, packet));
            }
            let mut buffer = Vec::new();
            while let Some(transmit) = self.listener.poll_transmit(self.now, &mut buffer) {
                let bytes = std::mem::take(&mut buffer);
                assert_eq!(transmit.size, bytes.len());
                self.to_clients += bytes.len();
                if let Some(client) = self.clients.get_mut(&transmit.destination) {
                    client.receive(self.now, &bytes);
                }
                quiet = false;
            }
            while let Some(event) = self.listener.poll_event() {
                self.events.push(event);
            }
            if quiet {
                return;
            }
        }
    }

    pub(crate) fn data(&self) -> Vec<Vec<u8>> {
        let data = |(_, event): &(PeerId, Event)| match event {
            Event::Data(data) => Some(data.clone()),
            _ => None,
        };
        self.events.iter().filter_map(data).collect()
    }
}
