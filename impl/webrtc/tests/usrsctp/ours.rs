//! Our end: an endpoint on a socket of loopback, with a network that loses what it is told to.

use std::{collections::VecDeque, future::Future, net::SocketAddr, sync::Arc};

use base::{Datagram, Instant, Machine, Rng, Transmit};
use bytes::Bytes;
use libtest_mimic::Failed;
use peerlab::{Driver, System};
use runtime::Runtime as _;
use sctp::{
    CloseReason, Config, Endpoint, Event, Message, Ppid, Reliability, SendOptions, StreamId,
    wire::{Chunk, Packet},
};

use super::tools::LIMIT;

/// What messages are to the application.
pub(crate) const PPID: u32 = 53;

/// An endpoint behind a network that loses every so many-th datagram of each direction; none if 0.
struct Lossy {
    endpoint: Endpoint,
    every: usize,
    came: usize,
    left: usize,
    /// How many packets with DATA, and with I-DATA, were seen in either direction.
    seen: [usize; 2],
}

impl Lossy {
    fn look(&mut self, packet: &[u8]) {
        let Ok(packet) = Packet::parse(packet) else { return };
        for chunk in packet.chunks().flatten() {
            let [data, i_data] = &mut self.seen;
            match chunk {
                Chunk::Data(_) => *data += 1,
                Chunk::IData(_) => *i_data += 1,
                _ => {}
            }
        }
    }
}

impl Machine for Lossy {
    type Event = Event;

    fn handle_datagram(&mut self, now: Instant, datagram: Datagram<'_>) {
        self.came += 1;
        self.look(datagram.payload);
        if self.every == 0 || !self.came.is_multiple_of(self.every) {
            self.endpoint.handle_datagram(now, datagram);
        }
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.endpoint.handle_timeout(now);
    }

    fn poll_transmit(&mut self, now: Instant, buffer: &mut Vec<u8>) -> Option<Transmit> {
        loop {
            let before = buffer.len();
            let transmit = self.endpoint.poll_transmit(now, buffer)?;
            self.left += 1;
            self.look(buffer.get(before..).unwrap_or_default());
            if self.every == 0 || !self.left.is_multiple_of(self.every) {
                return Some(transmit);
            }
            buffer.truncate(before);
        }
    }

    fn poll_event(&mut self) -> Option<Event> {
        self.endpoint.poll_event()
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.endpoint.poll_timeout()
    }
}

/// Our end on a socket.
pub(crate) struct Ours {
    driver: Driver<Lossy>,
    /// What happened and was not asked for yet.
    unheard: VecDeque<Event>,
}

impl Ours {
    /// An end of `there` that loses every `every`-th datagram, and where it is.
    pub(crate) fn new(
        config: Config,
        there: SocketAddr,
        every: usize,
    ) -> Result<(Self, SocketAddr), Failed> {
        let system = Arc::new(System::new(Vec::new()));
        let rng = Rng::from_seed(system.seed()?);
        let endpoint = Endpoint::new(config, there, rng, system.now());
        let mut driver =
            Driver::new(system, Lossy { endpoint, every, came: 0, left: 0, seen: [0; 2] });
        let here = driver.bind("127.0.0.1:0".parse()?)?;
        Ok((Self { driver, unheard: VecDeque::new() }, here))
    }

    /// Whether all data travelled in chunks of the kind that was agreed on.
    pub(crate) fn spoke(&self, interleaving: bool) -> Result<(), Failed> {
        let seen = self.driver.machine().seen;
        let [data, i_data] = seen;
        let is_right = (data > 0) != interleaving && (i_data > 0) == interleaving;
        if is_right { Ok(()) } else { Err(format!("{seen:?} chunks were DATA and I-DATA").into()) }
    }

    /// Begins the association.
    pub(crate) fn connect(&mut self) -> Result<(), Failed> {
        self.command(|endpoint, now| endpoint.association().connect(now))?;
        Ok(())
    }

    /// Gives the endpoint a command.
    pub(crate) fn command<T>(&mut self, act: impl FnOnce(&mut Endpoint, Instant) -> T) -> T {
        self.driver.command(|lossy, now| act(&mut lossy.endpoint, now))
    }

    /// Sends a message with its number and size in its bytes.
    pub(crate) fn send(
        &mut self,
        stream: u16,
        size: usize,
        number: usize,
        unordered: bool,
        reliability: Reliability,
    ) -> Result<(), Failed> {
        let options = SendOptions { unordered, reliability, ..SendOptions::default() };
        let payload = Bytes::from(pattern(size, number));
        let (stream, ppid) = (StreamId::new(stream), Ppid::new(PPID));
        self.command(|endpoint, now| {
            endpoint.association().send(now, stream, ppid, payload, &options)
        })?;
        Ok(())
    }

    /// Waits for an event that `is_it`; others are kept.
    pub(crate) async fn hears(
        &mut self,
        what: &str,
        is_it: impl Fn(&Event) -> bool,
    ) -> Result<Event, Failed> {
        if let Some(at) = self.unheard.iter().position(&is_it)
            && let Some(event) = self.unheard.remove(at)
        {
            return Ok(event);
        }
        loop {
            let next = tokio::time::timeout(LIMIT, self.driver.next_event()).await;
            let Ok(event) = next else {
                let state = self.driver.machine().endpoint.state();
                return Err(format!(
                    "{what} did not come: {:?} {:?}",
                    state.state(),
                    state.stats()
                )
                .into());
            };
            let event = event?;
            if is_it(&event) {
                return Ok(event);
            }
            if let Event::Closed(reason) = &event {
                return Err(format!("closed while {what} was waited for: {reason}").into());
            }
            self.unheard.push_back(event);
        }
    }

    /// The next message.
    pub(crate) async fn message(&mut self) -> Result<Message, Failed> {
        match self.hears("a message", |event| matches!(event, Event::Message(_))).await? {
            Event::Message(message) => Ok(message),
            other => Err(format!("{other:?}").into()),
        }
    }

    /// Waits for the end, and says why it came.
    pub(crate) async fn end(&mut self) -> Result<CloseReason, Failed> {
        match self.hears("the end", |event| matches!(event, Event::Closed(_))).await? {
            Event::Closed(reason) => Ok(reason),
            other => Err(format!("{other:?}").into()),
        }
    }

    /// Works on while something else is waited for.
    pub(crate) async fn while_waiting<T>(
        &mut self,
        other: impl Future<Output = Result<T, Failed>>,
    ) -> Result<T, Failed> {
        let mut other = std::pin::pin!(other);
        loop {
            tokio::select! {
                done = &mut other => return done,
                event = self.driver.next_event() => self.unheard.push_back(event?),
            }
        }
    }
}

/// The bytes of message `number` of `size` bytes, as the other program makes them.
pub(crate) fn pattern(size: usize, number: usize) -> Vec<u8> {
    let byte = |at: usize| (31 * at + number + size) & 0xff;
    (0..size).map(|at| u8::try_from(byte(at)).unwrap_or(0)).collect()
}

/// The sum that the other program prints.
pub(crate) fn hash(bytes: &[u8]) -> u32 {
    bytes
        .iter()
        .fold(2_166_136_261, |sum: u32, &byte| (sum ^ u32::from(byte)).wrapping_mul(16_777_619))
}
