//! The subject's server, and sockets of the suite that ask it.

use std::{net::SocketAddr, time::Duration};

use base::Instant;
use simnet::{Host, Link, SocketId};
use wire::stun::{Attribute, Message, Parsed};

use super::{Family, fresh, short_term, short_term_key};
use crate::{
    Ctl, Outcome, Stop,
    registry::Req,
    subjects::stun::{Authentication, StunServerConfig},
};

/// Sockets of the suite on a stage.
pub(in crate::cases) const PEERS: usize = 4;
/// One way between the suite and a server.
const DELAY: Duration = Duration::from_millis(5);
/// How long a server has for its response: both ways, and time to think.
const PATIENCE: Duration = Duration::from_millis(100);

/// A server of the subject's, and what is needed to ask it.
pub(in crate::cases) struct ServerStage {
    config: StunServerConfig,
    peers: Vec<(SocketId, SocketAddr)>,
}

/// A datagram that reached the suite.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::cases) struct Arrival {
    /// When it arrived.
    pub(in crate::cases) at: Instant,
    /// How long it was on its way.
    pub(in crate::cases) delay: Duration,
    /// Where it came from.
    pub(in crate::cases) source: SocketAddr,
    /// Where it arrived.
    pub(in crate::cases) destination: SocketAddr,
    /// Its bytes.
    pub(in crate::cases) payload: Vec<u8>,
}

impl Arrival {
    /// When it was sent.
    pub(in crate::cases) fn sent_at(&self) -> Instant {
        Instant::ZERO + (self.at - Instant::ZERO).saturating_sub(self.delay)
    }
}

impl ServerStage {
    /// A plain server over IPv4.
    pub(in crate::cases) fn plain(t: &mut Ctl<'_>) -> Result<Self, Stop> {
        Self::open(t, StunServerConfig::default())
    }

    /// A server over IPv4.
    pub(in crate::cases) fn open(t: &mut Ctl<'_>, config: StunServerConfig) -> Result<Self, Stop> {
        Self::on(t, Family::V4, config)
    }

    /// A server over either family. Without addresses in `config`, it listens on one.
    pub(in crate::cases) fn on(
        t: &mut Ctl<'_>,
        family: Family,
        mut config: StunServerConfig,
    ) -> Result<Self, Stop> {
        let (server, peers) = match family {
            Family::V4 => ("192.0.2.10:3478", ["192.0.2.77", "192.0.2.78"]),
            Family::V6 => ("[2001:db8::10]:3478", ["[2001:db8::77]", "[2001:db8::78]"]),
        };
        if config.addresses.is_empty() {
            config.addresses.extend(server.parse::<SocketAddr>().ok());
        }
        let mut host = Host::on("net");
        let mut ips: Vec<_> = config.addresses.iter().map(SocketAddr::ip).collect();
        ips.sort_unstable();
        ips.dedup();
        for ip in ips {
            host = host.address(&ip.to_string());
        }
        let [one, other] = peers.map(|ip| ip.trim_matches(['[', ']']).to_owned());
        let network = t
            .network()
            .wan("net", "192.0.2.0/24 2001:db8::/64")
            .host("server", host)
            .host("peer", Host::on("net").address(&one).address(&other))
            .link("server", "net", Link::delayed(DELAY));
        t.build(network)?;
        t.start_server("server", &config)?;
        let [one, other] = peers;
        let locals = [(one, 50_000), (one, 50_001), (other, 50_000), (other, 50_002)];
        let mut stage = Self { config, peers: Vec::new() };
        for local in locals.map(|(ip, port)| format!("{ip}:{port}").parse()) {
            let local = local.map_err(|_| Stop::Harness("a peer has no address".to_owned()))?;
            stage.peers.push((t.bind("peer", local)?, local));
        }
        Ok(stage)
    }

    /// Where the server listens.
    pub(in crate::cases) fn server(&self) -> SocketAddr {
        let unset = SocketAddr::from(([0, 0, 0, 0], 0));
        self.config.addresses.first().copied().unwrap_or(unset)
    }

    /// The first address of the suite.
    pub(in crate::cases) fn peer(&self) -> SocketAddr {
        self.peer_at(0)
    }

    /// An address of the suite.
    pub(in crate::cases) fn peer_at(&self, index: usize) -> SocketAddr {
        let unset = SocketAddr::from(([0, 0, 0, 0], 0));
        self.peers.get(index).map_or(unset, |(_, address)| *address)
    }

    /// A bare Binding request.
    pub(in crate::cases) fn request(&self, t: &mut Ctl<'_>) -> Message {
        Message::request(fresh(t))
    }

    /// Sends a request and reads the response.
    pub(in crate::cases) fn exchange(&self, t: &mut Ctl<'_>, request: &Message) -> Option<Parsed> {
        self.exchange_from(t, 0, request)
    }

    /// Sends a request from an address of the suite and reads the response.
    pub(in crate::cases) fn exchange_from(
        &self,
        t: &mut Ctl<'_>,
        index: usize,
        request: &Message,
    ) -> Option<Parsed> {
        let replies = self.exchange_raw_from(t, index, &request.encode());
        let first = replies.first()?;
        match Parsed::read(&first.payload) {
            Ok(parsed) => Some(parsed),
            Err(malformed) => {
                t.note(format_args!("unreadable response: {malformed}"));
                None
            }
        }
    }

    /// Sends bytes and takes everything that comes back.
    pub(in crate::cases) fn exchange_raw(&self, t: &mut Ctl<'_>, bytes: &[u8]) -> Vec<Arrival> {
        self.exchange_raw_from(t, 0, bytes)
    }

    /// Sends bytes from an address of the suite and takes everything that comes back.
    pub(in crate::cases) fn exchange_raw_from(
        &self,
        t: &mut Ctl<'_>,
        index: usize,
        bytes: &[u8],
    ) -> Vec<Arrival> {
        self.exchange_raw_between(t, index, self.server(), bytes)
    }

    /// Sends bytes from an address of the suite to one of the server's, and takes everything that comes
    /// back, wherever it comes back to.
    pub(in crate::cases) fn exchange_raw_between(
        &self,
        t: &mut Ctl<'_>,
        index: usize,
        to: SocketAddr,
        bytes: &[u8],
    ) -> Vec<Arrival> {
        let _ = self.take_replies(t);
        if let Some((socket, _)) = self.peers.get(index) {
            t.send_stimulus(*socket, to, bytes, describe(bytes));
        }
        t.run_for(PATIENCE);
        self.take_replies(t)
    }

    /// Sends bytes that are not what the case is about.
    pub(in crate::cases) fn send(&self, t: &mut Ctl<'_>, bytes: &[u8]) {
        if let Some((socket, _)) = self.peers.first() {
            t.send(*socket, self.server(), bytes);
            t.run_for(2 * DELAY);
        }
    }

    /// Takes everything that has come back.
    pub(in crate::cases) fn take_replies(&self, t: &mut Ctl<'_>) -> Vec<Arrival> {
        let mut replies = Vec::new();
        for (socket, _) in &self.peers {
            while let Some(received) = t.receive(*socket) {
                replies.push(Arrival {
                    at: received.at,
                    delay: DELAY,
                    source: received.source,
                    destination: received.destination,
                    payload: received.payload.to_vec(),
                });
            }
        }
        replies
    }

    /// Lets time pass.
    pub(in crate::cases) fn wait(&self, t: &mut Ctl<'_>, duration: Duration) {
        t.run_for(duration);
    }

    /// Asserts that the server passes over `bytes` in silence, and is alive afterwards.
    #[track_caller]
    pub(in crate::cases) fn ignores(&self, t: &mut Ctl<'_>, req: Req, bytes: &[u8]) -> Outcome {
        let replies = self.exchange_raw(t, bytes);
        t.must(req, replies.is_empty(), "silence", show(&replies))?;
        self.alive(t, req)
    }

    /// Asserts that the server answers a request that it has every reason to answer.
    #[track_caller]
    pub(in crate::cases) fn alive(&self, t: &mut Ctl<'_>, req: Req) -> Outcome {
        let request = self.good_request(t);
        let replies = self.exchange_raw(t, &request.encode());
        let answered = replies.len() == 1
            && replies.first().is_some_and(|reply| {
                Parsed::read(&reply.payload)
                    .is_ok_and(|read| read.transaction == request.transaction)
            });
        t.must(req, answered, "one response to a good request", show(&replies))
    }

    fn good_request(&self, t: &mut Ctl<'_>) -> Message {
        let mut request = self.request(t);
        if let Authentication::ShortTerm(_) = self.config.authentication {
            request = request
                .with(Attribute::username(&short_term().username))
                .with(Attribute::integrity(&short_term_key()));
        }
        if self.config.fingerprint {
            request = request.with(Attribute::fingerprint());
        }
        request
    }
}

/// A line about what is sent.
pub(super) fn describe(bytes: &[u8]) -> String {
    match Parsed::read(bytes) {
        Ok(parsed) => parsed.to_string(),
        Err(_) => format!("{} bytes", bytes.len()),
    }
}

/// What arrived, in a line.
pub(in crate::cases) fn show(arrivals: &[Arrival]) -> String {
    let lines: Vec<String> = arrivals.iter().map(|arrival| describe(&arrival.payload)).collect();
    if lines.is_empty() { "silence".to_owned() } else { lines.join("; ") }
}
