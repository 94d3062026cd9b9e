//! The network of a case, with the subjects that live in it.

use std::{net::SocketAddr, time::Duration};

use base::{Datagram, Instant, SocketCommand, SocketInput};
use simnet::{BindError, Network, NodeId, Received, SocketId};

use self::streams::Streams;
use crate::subjects::datachannel::DataChannelEvent;
use crate::subjects::dtls::DtlsEvent;
use crate::subjects::ice::IceEvent;
use crate::subjects::sctp::SctpEvent;
use crate::subjects::stun::{ClientEvent, DiscoveryEvent};
use crate::subjects::turn::TurnClientEvent;

mod player;
mod recorder;
mod streams;

pub(crate) use player::Player;
pub use recorder::Recorder;

/// How often everyone at one moment may be heard before the case is taken to be stuck: far more than any
/// honest exchange without delay needs.
const ROUNDS: u32 = 10_000;

/// The network of a case as it is recorded.
pub type Net = Network<Recorder>;

/// A subject that lives on a host of the network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seat(usize);

/// A machine, its host and its sockets.
struct Seated {
    host: NodeId,
    sockets: Vec<(SocketAddr, SocketId)>,
    streams: Streams,
    player: Player,
}

/// The network and everyone in it.
///
/// The network carries packets by itself; the world takes what arrived for a subject to the subject, what
/// the subject wants sent to the network, and wakes it when its time has come.
pub(crate) struct World {
    pub(crate) net: Net,
    seats: Vec<Seated>,
    /// How often something happened at the present moment.
    rounds: u32,
}

impl World {
    pub(crate) const fn new(net: Net) -> Self {
        Self { net, seats: Vec::new(), rounds: 0 }
    }

    /// Puts a machine on `host` with a socket at each of `addresses`.
    pub(crate) fn seat(
        &mut self,
        host: &str,
        addresses: &[SocketAddr],
        player: Player,
    ) -> Result<Seat, String> {
        let host = self.net.find(host).ok_or_else(|| format!("no host is called {host}"))?;
        let streams = Streams::default();
        let mut seated = Seated { host, sockets: Vec::new(), streams, player };
        for &address in addresses {
            let socket = self.net.bind(host, address).map_err(|error| error.to_string())?;
            seated.sockets.push((address, socket));
        }
        self.seats.push(seated);
        Ok(Seat(self.seats.len() - 1))
    }

    pub(crate) fn player(&mut self, seat: Seat) -> Option<&mut Player> {
        self.seats.get_mut(seat.0).map(|seated| &mut seated.player)
    }

    /// Lets time pass up to `limit`.
    pub(crate) fn run_until(&mut self, limit: Instant) {
        while self.hop(limit) {}
    }

    /// Lets time pass until a datagram waits in `socket`, at most up to `limit`.
    pub(crate) fn receive_until(&mut self, socket: SocketId, limit: Instant) -> Option<Received> {
        loop {
            if let Some(received) = self.net.receive(socket) {
                return Some(received);
            }
            if !self.hop(limit) {
                return self.net.receive(socket);
            }
        }
    }

    /// Lets time pass until a datagram waits in one of `sockets`, at most up to `limit`; says in which.
    pub(crate) fn receive_any_until(
        &mut self,
        sockets: &[SocketId],
        limit: Instant,
    ) -> Option<(usize, Received)> {
        let mut is_over = false;
        loop {
            for (index, socket) in sockets.iter().enumerate() {
                if let Some(received) = self.net.receive(*socket) {
                    return Some((index, received));
                }
            }
            if is_over {
                return None;
            }
            is_over = !self.hop(limit);
        }
    }

    /// Lets time pass until `seat` reports something that `wanted` accepts, at most up to `limit`.
    pub(crate) fn run_until_event(
        &mut self,
        limit: Instant,
        mut wanted: impl FnMut(&mut Self) -> bool,
    ) -> bool {
        loop {
            if wanted(self) {
                return true;
            }
            if !self.hop(limit) {
                return wanted(self);
            }
        }
    }

    /// Goes to the next moment at which anything happens; without one up to `limit`, goes to `limit` and
    /// says no.
    fn hop(&mut self, limit: Instant) -> bool {
        let before = self.net.now();
        self.settle();
        let deadline = self.seats.iter().filter_map(|seated| seated.player.poll_timeout()).min();
        let next = match (self.net.next_event(), deadline) {
            (Some(event), Some(deadline)) => Some(event.min(deadline)),
            (event, deadline) => event.or(deadline),
        };
        let next = next.map(|at| at.max(self.net.now())).filter(|at| *at <= limit);
        self.net.run_until(next.unwrap_or(limit));
        self.settle();
        self.rounds = if self.net.now() == before { self.rounds + 1 } else { 0 };
        assert!(
            self.rounds < ROUNDS,
            "time stands still at {before}: packets go round without delay"
        );
        next.is_some()
    }

    /// Exchanges everything between the subjects and the network that is due at this moment.
    pub(crate) fn settle(&mut self) {
        for _ in 0..ROUNDS {
            let mut busy = false;
            for index in 0..self.seats.len() {
                busy |= self.serve(index);
            }
            if !busy {
                return;
            }
        }
        panic!("after {ROUNDS} rounds at {} a subject still has something to do", self.net.now());
    }

    /// Serves one subject; says whether anything moved.
    fn serve(&mut self, index: usize) -> bool {
        let Self { net, seats, .. } = self;
        let Some(seated) = seats.get_mut(index) else { return false };
        let now = net.now();
        let mut busy = false;
        for &(_, socket) in &seated.sockets {
            while let Some(received) = net.receive(socket) {
                let Received { source, destination, ecn, payload, .. } = received;
                let datagram = Datagram { source, destination, ecn, payload: &payload };
                seated.player.handle_datagram(now, datagram);
                busy = true;
            }
            while let Some(error) = net.socket_error(socket) {
                seated.player.handle_socket_error(now, error);
                busy = true;
            }
        }
        busy |= seated.streams.tell(net, &mut seated.player);
        if seated.player.poll_timeout().is_some_and(|deadline| deadline <= now) {
            seated.player.handle_timeout(now);
            busy = true;
        }
        seated.player.drain_events(now);
        busy |= seated.open_sockets(net);
        busy |= seated.send(net);
        seated.streams.obey(net, seated.host, &mut seated.player) || busy
    }
}

impl Seated {
    /// Opens and closes the sockets the machine asks for.
    fn open_sockets(&mut self, net: &mut Net) -> bool {
        let mut busy = false;
        while let Some(command) = self.player.poll_socket() {
            busy = true;
            match command {
                SocketCommand::Open { local: asked } => {
                    let input = match net.bind(self.host, asked) {
                        Ok(socket) => {
                            let local = net.local_address(socket);
                            self.sockets.push((local, socket));
                            SocketInput::Opened { asked, local }
                        }
                        Err(error) => {
                            let in_use = matches!(error, BindError::InUse(_));
                            SocketInput::Refused { asked, in_use }
                        }
                    };
                    self.player.handle_socket(net.now(), input);
                }
                SocketCommand::Close { local } => {
                    if let Some(place) = self.sockets.iter().position(|(at, _)| *at == local) {
                        net.close(self.sockets.remove(place).1);
                    }
                }
            }
        }
        busy
    }

    /// Hands everything the machine wants sent to the network.
    fn send(&mut self, net: &mut Net) -> bool {
        let mut buffer = Vec::new();
        let mut busy = false;
        loop {
            buffer.clear();
            let Some(transmit) = self.player.poll_transmit(net.now(), &mut buffer) else {
                return busy;
            };
            busy = true;
            let payload = buffer.get(..transmit.size).unwrap_or(&buffer);
            if let Some(socket) = self.socket(net, transmit.source) {
                net.transmit_from(socket, &transmit, payload);
            }
        }
    }

    /// The socket bound at `source`, bound now if the machine opens a new port; without a source the
    /// first one.
    fn socket(&mut self, net: &mut Net, source: Option<SocketAddr>) -> Option<SocketId> {
        let Some(source) = source else { return self.sockets.first().map(|(_, socket)| *socket) };
        if let Some((_, socket)) = self.sockets.iter().find(|(address, _)| *address == source) {
            return Some(*socket);
        }
        if !self.player.binds_by_sending() {
            return None;
        }
        let socket = net.bind(self.host, source).ok()?;
        self.sockets.push((source, socket));
        Some(socket)
    }
}

/// What a client reported, and when.
pub type ClientReport = (Instant, ClientEvent);

/// What a discovery client reported, and when.
pub type DiscoveryReport = (Instant, DiscoveryEvent);

/// What a TURN client reported, and when.
pub type TurnReport = (Instant, TurnClientEvent);

/// What an ICE agent reported, and when.
pub type IceReport = (Instant, IceEvent);

/// What a DTLS endpoint reported, and when.
pub type DtlsReport = (Instant, DtlsEvent);

/// What an SCTP endpoint reported, and when.
pub type SctpReport = (Instant, SctpEvent);

/// What data channels reported, and when.
pub type DataChannelReport = (Instant, DataChannelEvent);

/// `duration` from now.
pub(crate) fn later(net: &Net, duration: Duration) -> Instant {
    net.now() + duration
}
