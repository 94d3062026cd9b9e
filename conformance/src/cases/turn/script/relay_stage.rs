//! The subject's server, and sockets of the suite that play its clients and their peers.

use std::{
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use simnet::{Host, Link, Received, SocketId, TcpId};
use wire::{
    stun::{Message, Parsed},
    turn::{ChannelData, Piece, Stream, method},
};

use super::{Session, user};
use crate::{
    Ctl, Outcome, Stop,
    cases::stun::script::{REALM, fresh},
    registry::Req,
    subjects::turn::TurnServerConfig,
};

/// One way between a client or a peer and the server.
const DELAY: Duration = Duration::from_millis(5);
/// How long a server has for what it does at once: both ways to the client, both to the peer.
const PATIENCE: Duration = Duration::from_millis(50);

/// Clients of the suite, by the order of their addresses: two ports of one host, another host, IPv6,
/// Teredo, and 6to4.
const CLIENTS: [&str; 6] = [
    "11.0.1.77:50000",
    "11.0.1.77:50001",
    "11.0.1.78:50000",
    "[2a00:1::77]:50000",
    "[2001:0:b00:14d::77]:50000",
    "[2002:b00:14d::77]:50000",
];
/// Peers of the suite: two ports of one host, another host, and two in IPv6.
const PEERS: [&str; 5] =
    ["11.0.2.1:7000", "11.0.2.1:7001", "11.0.2.2:7000", "[2a00:2::1]:7000", "[2a00:2::2]:7000"];

/// A way of a client to the server.
enum Line {
    Udp(SocketId, SocketAddr),
    Tcp(TcpId, SocketAddr, Stream),
}

/// A server of the subject's, and what is needed to use it.
pub(in crate::cases) struct RelayStage {
    /// How the server is set up.
    pub(in crate::cases) config: TurnServerConfig,
    lines: Vec<Line>,
    peers: Vec<(SocketId, SocketAddr)>,
}

impl RelayStage {
    /// A server with one user over IPv4 that relays both families, changed as `change` says.
    pub(in crate::cases) fn open(
        t: &mut Ctl<'_>,
        change: impl FnOnce(&mut TurnServerConfig),
    ) -> Result<Self, Stop> {
        let mut config = TurnServerConfig::new(address("11.0.0.10:3478")?);
        config.realm = REALM;
        config.addresses.push(address("[2a00:1::10]:3478")?);
        config.relays.push(address("[2a00:1::10]:3478")?.ip());
        config.users = vec![user("alice"), user("bob")];
        change(&mut config);
        let [client, other, v6] = ["11.0.1.77", "11.0.1.78", "2a00:1::77"];
        let network = t
            .network()
            .wan("net", "0.0.0.0/0 2000::/3")
            .host("server", Host::on("net").address("11.0.0.10").address("2a00:1::10"))
            .host("client", teredo(Host::on("net").address(client).address(other).address(v6)))
            .host("peer", Host::on("net").address("11.0.2.1").address("2a00:2::1"))
            .host("peer2", Host::on("net").address("11.0.2.2").address("2a00:2::2"))
            .link("server", "net", Link::delayed(DELAY));
        t.build(network)?;
        t.start_turn_server("server", &config)?;
        let mut stage = Self { config, lines: Vec::new(), peers: Vec::new() };
        for local in CLIENTS {
            let local = address(local)?;
            stage.lines.push(Line::Udp(t.bind("client", local)?, local));
        }
        for (index, local) in PEERS.into_iter().enumerate() {
            let host = if matches!(index, 2 | 4) { "peer2" } else { "peer" };
            let local = address(local)?;
            stage.peers.push((t.bind(host, local)?, local));
        }
        Ok(stage)
    }

    /// A server without changes.
    pub(in crate::cases) fn plain(t: &mut Ctl<'_>) -> Result<Self, Stop> {
        Self::open(t, |_| {})
    }

    /// One more client, over TCP; says its number.
    pub(in crate::cases) fn connect(&mut self, t: &mut Ctl<'_>) -> Result<usize, Stop> {
        let server = self.server_of(0);
        let id = t.connect("client", None, server)?;
        t.run_for(4 * DELAY);
        let open = t.is_open(id);
        t.precondition(open, "a connection to the server")?;
        let (local, _) = t.net().tcp_addresses(id);
        self.lines.push(Line::Tcp(id, local, Stream::new()));
        Ok(self.lines.len() - 1)
    }

    /// The connection of a client over TCP.
    pub(in crate::cases) fn connection(&self, line: usize) -> Option<TcpId> {
        match self.lines.get(line) {
            Some(Line::Tcp(id, ..)) => Some(*id),
            _ => None,
        }
    }

    /// One more client over UDP, at a port of its own; says its number.
    pub(in crate::cases) fn join(&mut self, t: &mut Ctl<'_>) -> Result<usize, Stop> {
        let local = SocketAddr::new(self.client(0).ip(), 0);
        let socket = t.bind("client", local)?;
        let local = t.net().local_address(socket);
        self.lines.push(Line::Udp(socket, local));
        Ok(self.lines.len() - 1)
    }

    /// A client's address.
    pub(in crate::cases) fn client(&self, line: usize) -> SocketAddr {
        match self.lines.get(line) {
            Some(Line::Udp(_, local) | Line::Tcp(_, local, _)) => *local,
            None => SocketAddr::from(([0, 0, 0, 0], 0)),
        }
    }

    /// A peer's address.
    pub(in crate::cases) fn peer(&self, index: usize) -> SocketAddr {
        let unset = SocketAddr::from(([0, 0, 0, 0], 0));
        self.peers.get(index).map_or(unset, |(_, address)| *address)
    }

    /// Where the server serves a client.
    fn server_of(&self, line: usize) -> SocketAddr {
        let v4 = self.client(line).is_ipv4();
        let unset = SocketAddr::from(([0, 0, 0, 0], 0));
        let found = self.config.addresses.iter().find(|address| address.is_ipv4() == v4);
        found.copied().unwrap_or(unset)
    }

    /// Gives the server bytes of a client. Nothing comes of it until time passes.
    pub(in crate::cases) fn give(&self, t: &mut Ctl<'_>, line: usize, bytes: &[u8]) -> Outcome {
        let server = self.server_of(line);
        match self.lines.get(line) {
            Some(Line::Udp(socket, _)) => {
                t.send_stimulus(*socket, server, bytes, describe(bytes));
                Ok(())
            }
            Some(Line::Tcp(id, ..)) => {
                t.stimulus(describe(bytes));
                t.write(*id, bytes)
            }
            None => Err(Stop::Harness(format!("there is no client {line}"))),
        }
    }

    /// The same with bytes that may not arrive.
    pub(in crate::cases) fn throw(&self, t: &mut Ctl<'_>, line: usize, bytes: &[u8]) {
        let server = self.server_of(line);
        if let Some(Line::Udp(socket, _)) = self.lines.get(line) {
            t.send(*socket, server, bytes);
        }
    }

    /// Takes everything that has come back to a client.
    pub(in crate::cases) fn take(&mut self, t: &mut Ctl<'_>, line: usize) -> Vec<Piece> {
        match self.lines.get_mut(line) {
            Some(Line::Udp(socket, _)) => {
                let arrived: Vec<Received> = std::iter::from_fn(|| t.receive(*socket)).collect();
                arrived.iter().map(|received| piece(&received.payload)).collect()
            }
            Some(Line::Tcp(id, _, stream)) => {
                let bytes = t.read(*id);
                stream.push(&bytes);
                stream.collect()
            }
            None => Vec::new(),
        }
    }

    /// Gives the server bytes of a client and takes everything that comes back.
    pub(in crate::cases) fn exchange(
        &mut self,
        t: &mut Ctl<'_>,
        line: usize,
        bytes: &[u8],
    ) -> Result<Vec<Piece>, Stop> {
        let _ = self.take(t, line);
        self.give(t, line, bytes)?;
        t.run_for(PATIENCE);
        Ok(self.take(t, line))
    }

    /// Sends a message as it is and reads the response to it, if there is one.
    pub(in crate::cases) fn ask(
        &mut self,
        t: &mut Ctl<'_>,
        line: usize,
        message: &Message,
    ) -> Result<Option<Parsed>, Stop> {
        let pieces = self.exchange(t, line, &message.encode())?;
        Ok(pieces.into_iter().find_map(|piece| match piece {
            Piece::Stun(parsed) if parsed.transaction == message.transaction => Some(*parsed),
            _ => None,
        }))
    }

    /// A peer sends to a relayed address.
    pub(in crate::cases) fn peer_sends(
        &self,
        t: &mut Ctl<'_>,
        peer: usize,
        to: SocketAddr,
        bytes: &[u8],
    ) {
        if let Some((socket, _)) = self.peers.get(peer) {
            t.send(*socket, to, bytes);
            t.run_for(PATIENCE);
        }
    }

    /// Takes everything that has come to a peer: where from, and what.
    pub(in crate::cases) fn peer_takes(
        &self,
        t: &mut Ctl<'_>,
        peer: usize,
    ) -> Vec<(SocketAddr, Vec<u8>)> {
        let Some((socket, _)) = self.peers.get(peer) else { return Vec::new() };
        std::iter::from_fn(|| t.receive(*socket))
            .map(|received| (received.source, received.payload.to_vec()))
            .collect()
    }

    /// Lets time pass.
    pub(in crate::cases) fn wait(&self, t: &mut Ctl<'_>, duration: Duration) {
        t.run_for(duration);
    }

    /// Lets just enough time pass for what is under way.
    pub(in crate::cases) fn settle(&self, t: &mut Ctl<'_>) {
        t.run_for(PATIENCE);
    }

    /// Asserts that the server passes over `bytes` of a client in silence, and is alive afterwards.
    #[track_caller]
    pub(in crate::cases) fn ignores(
        &mut self,
        t: &mut Ctl<'_>,
        req: Req,
        line: usize,
        bytes: &[u8],
    ) -> Outcome {
        let back = self.exchange(t, line, bytes)?;
        t.must(req, back.is_empty(), "silence", shown_all(&back))?;
        self.alive(t, req)
    }

    /// Asserts that the server answers a request that it has every reason to answer.
    #[track_caller]
    pub(in crate::cases) fn alive(&mut self, t: &mut Ctl<'_>, req: Req) -> Outcome {
        let line = self.join(t)?;
        let request = Message::asking(method::ALLOCATE, fresh(t));
        let reply = self.ask(t, line, &request)?;
        t.must(req, reply.is_some(), "a response to another client", shown(reply.as_ref()))
    }

    /// Logs a user in: asks for a challenge over the given line.
    pub(in crate::cases) fn login(
        &mut self,
        t: &mut Ctl<'_>,
        line: usize,
        name: &str,
    ) -> Result<Session, Stop> {
        Session::begin(t, self, line, name)
    }
}

/// What a datagram holds.
pub(super) fn piece(bytes: &[u8]) -> Piece {
    if let Ok(parsed) = Parsed::read(bytes)
        && bytes.first().is_some_and(|first| first >> 6 == 0)
    {
        return Piece::Stun(Box::new(parsed));
    }
    ChannelData::read(bytes).map_or_else(|| Piece::Junk(bytes.to_vec()), Piece::Channel)
}

/// The host with the addresses of its tunnels.
fn teredo(host: Host) -> Host {
    host.address("2001:0:b00:14d::77").address("2002:b00:14d::77")
}

/// A line about what is sent.
fn describe(bytes: &[u8]) -> String {
    shown_piece(&piece(bytes))
}

fn shown_piece(piece: &Piece) -> String {
    match piece {
        Piece::Stun(parsed) => parsed.to_string(),
        Piece::Channel(data) => data.to_string(),
        Piece::Junk(bytes) => format!("{} bytes", bytes.len()),
    }
}

/// A message, or the word for none.
pub(in crate::cases) fn shown(reply: Option<&Parsed>) -> String {
    reply.map_or_else(|| "silence".to_owned(), ToString::to_string)
}

/// What arrived, in a line.
pub(in crate::cases) fn shown_all(pieces: &[Piece]) -> String {
    let lines: Vec<String> = pieces.iter().map(shown_piece).collect();
    if lines.is_empty() { "silence".to_owned() } else { lines.join("; ") }
}

fn address(text: &str) -> Result<SocketAddr, Stop> {
    text.parse().map_err(|_| Stop::Harness(format!("{text} is no address")))
}

/// The family number of an address in TURN's attributes.
pub(in crate::cases) const fn family(ip: IpAddr) -> u8 {
    if ip.is_ipv4() { 1 } else { 2 }
}
