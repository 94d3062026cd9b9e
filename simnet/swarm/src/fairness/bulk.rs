//! An association that sends all it can, or reads what comes.

use std::net::SocketAddr;

use base::{Datagram, Instant, Machine, Rng, Transmit};
use bytes::Bytes;
use sctp::{Algorithm, Config, Endpoint, Event, Ppid, SendOptions, StreamId};

/// Bytes of a message.
const MESSAGE: usize = 16 * 1_024;
/// Messages are given while fewer bytes than this wait to be sent.
const FULL: usize = 1 << 20;

/// An endpoint and its application.
#[derive(Debug)]
pub(super) struct Bulk {
    endpoint: Endpoint,
    message: Bytes,
    /// When to begin, for the one that sends.
    start: Option<Instant>,
    sends: bool,
    connected: bool,
    delivered: u64,
}

impl Bulk {
    /// One that connects to `remote` at `start` and sends from then on, or one that waits and reads.
    pub(super) fn new(
        algorithm: Algorithm,
        remote: SocketAddr,
        start: Option<Instant>,
        rng: Rng,
    ) -> Self {
        let mut config = Config::default();
        config.algorithm = algorithm;
        config.max_probe = config.max_packet;
        Self {
            endpoint: Endpoint::new(config, remote, rng, Instant::ZERO),
            message: Bytes::from_static(&[0xa5; MESSAGE]),
            start,
            sends: start.is_some(),
            connected: false,
            delivered: 0,
        }
    }

    /// Bytes of messages that came whole.
    pub(super) const fn delivered(&self) -> u64 {
        self.delivered
    }

    fn act(&mut self, now: Instant) {
        while let Some(event) = self.endpoint.poll_event() {
            match event {
                Event::Connected => self.connected = true,
                Event::Message(message) => {
                    self.delivered += u64::try_from(message.payload.len()).unwrap_or(0);
                }
                _ => {}
            }
        }
        if !self.sends || !self.connected {
            return;
        }
        let association = self.endpoint.association();
        let (stream, ppid, options) = (StreamId::new(1), Ppid::new(53), SendOptions::default());
        while association.buffered_amount(stream) < FULL
            && association.send(now, stream, ppid, self.message.clone(), &options).is_ok()
        {}
    }
}

impl Machine for Bulk {
    type Event = ();

    fn handle_datagram(&mut self, now: Instant, datagram: Datagram<'_>) {
        self.endpoint.handle_datagram(now, datagram);
        self.act(now);
    }

    fn handle_timeout(&mut self, now: Instant) {
        if self.start.is_some_and(|at| at <= now) {
            self.start = None;
            // What stands already need not be begun.
            let _ = self.endpoint.association().connect(now);
        }
        self.endpoint.handle_timeout(now);
        self.act(now);
    }

    fn poll_transmit(&mut self, now: Instant, buffer: &mut Vec<u8>) -> Option<Transmit> {
        self.endpoint.poll_transmit(now, buffer)
    }

    fn poll_event(&mut self) -> Option<()> {
        None
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.start.into_iter().chain(self.endpoint.poll_timeout()).min()
    }
}
