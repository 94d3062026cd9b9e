//! How an agent learns under which addresses others see it: RFC 8445 §5.1.1.
//!
//! To plug it into an agent: hold a [`Gatherer`]; tell it each UDP base with [`Gatherer::add_base`]
//! and each server with [`Gatherer::add_server`]; hand it every STUN response that is none of the
//! agent's own with [`Gatherer::handle_message`] (`false`: not its own either), socket errors and
//! timeouts as they come; poll it like any machine. Each [`GatherEvent::Found`] becomes a candidate
//! with that base. The rate of transactions is shared (RFC 8445 §14.2): [`Gatherer::postpone`] it
//! when a check goes out, and postpone checks to [`Gatherer::next_slot`]. [`Gatherer::conclude`]
//! when ICE has chosen its pairs, and [`Gatherer::begin_again`] for a restart.

mod event;
mod hosts;
mod pool;
mod probe;

use std::{collections::VecDeque, net::SocketAddr, time::Duration};

use base::{Datagram, Instant, Machine, Rng, SocketError, Transmit};
use stun::{
    Builder, Message, Timing,
    wire::{Class, Method},
};

pub use event::{GatherEvent, GatherFailure, GatherStats};
pub use hosts::host_addresses;
pub use pool::{MAX_POOL, Pool};

use probe::{Outcome, Probe, State};

/// Asks STUN servers about each base of an agent, at the agent's pace, and keeps the answers true.
///
/// ```
/// use base::{Datagram, Ecn, Instant, Machine, Rng};
/// use ice::{GatherConfig, GatherEvent, Gatherer};
/// use stun::{Server, ServerConfig};
///
/// let (now, rng) = (Instant::ZERO, Rng::from_seed([1; 32]));
/// let config = ServerConfig::new(crypto::Provider::default());
/// let mut server = Server::new(config, rng.fork("stun"), now);
/// let mut gatherer = Gatherer::new(GatherConfig::default(), rng.fork("gather"), now);
/// let (base, stun) = ("10.0.0.2:5000".parse()?, "198.51.100.1:3478".parse()?);
/// let seen = "192.0.2.1:40000".parse()?;
/// gatherer.add_base(now, base);
/// gatherer.add_server(now, stun);
///
/// let mut request = Vec::new();
/// gatherer.poll_transmit(now, &mut request);
/// let asked = Datagram { source: seen, destination: stun, ecn: Ecn::NotEct, payload: &request };
/// server.handle_datagram(now, asked);
/// let mut response = Vec::new();
/// server.poll_transmit(now, &mut response);
/// let answer = Datagram { source: stun, destination: base, ecn: Ecn::NotEct, payload: &response };
/// gatherer.handle_datagram(now, answer);
///
/// let found = GatherEvent::Found { base, server: stun, mapped: seen };
/// assert_eq!(gatherer.poll_event(), Some(found));
/// assert!(gatherer.is_finished());
/// # Ok::<(), std::net::AddrParseError>(())
/// ```
#[derive(Debug)]
pub struct Gatherer {
    config: GatherConfig,
    rng: Rng,
    now: Instant,
    bases: Vec<SocketAddr>,
    servers: Vec<Server>,
    /// In the order in which they are asked.
    probes: Vec<Probe>,
    /// Before it no transaction may begin.
    next_slot: Instant,
    is_concluded: bool,
    events: VecDeque<GatherEvent>,
    stats: GatherStats,
}

/// How a [`Gatherer`] works.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GatherConfig {
    /// Time between the beginnings of two transactions (Ta): 50 ms, never less than 5 ms (RFC 8445
    /// §14.2).
    pub pacing: Duration,
    /// Retransmission. The RTO is this one, at least 500 ms, or more if there is much to ask
    /// (RFC 8445 §14.3).
    pub timing: Timing,
    /// When a server that does not answer is given up, even if retransmissions are left: 9.5 s. An
    /// agent that may not trickle waits for the slowest server, and 39.5 s of RFC 8489 §6.2.1 are
    /// too long to wait for a call to begin.
    pub patience: Duration,
    /// How often the servers are asked again, so that the NATs on the way keep their bindings until
    /// the pairs are chosen (RFC 8445 §5.1.1.4): 15 s.
    pub keepalive: Duration,
    /// Whether an address that a server sees just as the host does is reported. It is redundant
    /// (RFC 8445 §5.1.3), but not where the host candidate shows a name instead.
    pub reports_unmapped: bool,
}

impl Default for GatherConfig {
    fn default() -> Self {
        Self {
            pacing: Duration::from_millis(50),
            timing: Timing::default(),
            patience: Duration::from_millis(9_500),
            keepalive: Duration::from_secs(15),
            reports_unmapped: false,
        }
    }
}

#[derive(Debug)]
struct Server {
    address: SocketAddr,
    /// Whether it answered anything since gathering began, or was reported as one that does not.
    is_judged: bool,
}

/// STUN servers in use; two or three are usual, and each costs a transaction for each base.
pub const MAX_STUN_SERVERS: usize = 8;
/// Bases asked about: two components on each of 32 addresses.
pub const MAX_BASES: usize = 64;
/// Pairs of base and server; the rest is left out and counted. At 50 ms each they take 13 s to
/// begin.
pub const MAX_PROBES: usize = 256;
/// Events that wait for the agent. Each of the probes has an answer or two outstanding at most.
const MAX_EVENTS: usize = 2 * MAX_PROBES;
/// RFC 8445 §14.2: all agents of an implementation together do not begin more than this.
const MIN_PACING: Duration = Duration::from_millis(5);
/// RFC 8445 §14.3.
const MIN_RTO: Duration = Duration::from_millis(500);

impl Gatherer {
    /// Without bases and servers.
    #[must_use]
    pub const fn new(config: GatherConfig, rng: Rng, now: Instant) -> Self {
        Self {
            config,
            rng,
            now,
            bases: Vec::new(),
            servers: Vec::new(),
            probes: Vec::new(),
            next_slot: now,
            is_concluded: false,
            events: VecDeque::new(),
            stats: GatherStats::NONE,
        }
    }

    /// Asks every server of the family about this base too. Bases beyond [`MAX_BASES`] are left
    /// out.
    pub fn add_base(&mut self, now: Instant, base: SocketAddr) {
        let now = self.advance(now);
        if self.bases.contains(&base) {
            return;
        }
        if self.bases.len() == MAX_BASES {
            self.stats.left_out += 1;
            return;
        }
        self.bases.push(base);
        for index in 0..self.servers.len() {
            if let Some(server) = self.servers.get(index).map(|server| server.address) {
                self.add_probe(base, server);
            }
        }
        self.start_next(now);
    }

    /// Asks this server too about every base of its family. Servers beyond [`MAX_STUN_SERVERS`] are
    /// left out.
    pub fn add_server(&mut self, now: Instant, server: SocketAddr) {
        let now = self.advance(now);
        if self.servers.iter().any(|known| known.address == server) {
            return;
        }
        if self.servers.len() == MAX_STUN_SERVERS {
            self.stats.left_out += 1;
            return;
        }
        self.servers.push(Server { address: server, is_judged: false });
        for index in 0..self.bases.len() {
            if let Some(&base) = self.bases.get(index) {
                self.add_probe(base, server);
            }
        }
        self.start_next(now);
    }

    /// The base is no more; nothing is asked or said about it any longer.
    pub fn remove_base(&mut self, now: Instant, base: SocketAddr) {
        let now = self.advance(now);
        self.bases.retain(|&one| one != base);
        self.probes.retain(|probe| probe.base != base);
        self.events.retain(|event| event.base() != Some(base));
        self.judge_servers();
        self.start_next(now);
    }

    /// The pairs are chosen (RFC 8445 §8.3): bindings are no longer kept, and what was not asked
    /// yet is not asked.
    pub fn conclude(&mut self, now: Instant) {
        self.advance(now);
        self.is_concluded = true;
        for probe in &mut self.probes {
            probe.settle();
        }
    }

    /// Asks everything again for a new generation of candidates.
    pub fn begin_again(&mut self, now: Instant) {
        let now = self.advance(now);
        self.is_concluded = false;
        self.events.clear();
        self.servers.iter_mut().for_each(|server| server.is_judged = false);
        self.probes.iter_mut().for_each(Probe::reset);
        self.start_next(now);
    }

    /// Begins no transaction before `until`: something else of the agent took the slot.
    pub fn postpone(&mut self, until: Instant) {
        self.next_slot = self.next_slot.max(until);
    }

    /// A response came. `true` if it answers a request of this gatherer, whatever it says.
    pub fn handle_message(
        &mut self,
        now: Instant,
        source: SocketAddr,
        destination: SocketAddr,
        message: &Message<'_>,
    ) -> bool {
        let now = self.advance(now);
        let is_response = matches!(message.class(), Class::Success | Class::Error);
        let id = message.transaction_id();
        let answered = self.probes.iter_mut().find(|probe| probe.asked_with(id));
        let Some(probe) = answered.filter(|_| is_response && message.method() == Method::BINDING)
        else {
            return false;
        };
        // A response from anywhere else is not the server's, whoever made it.
        if (probe.server, probe.base) != (source, destination) {
            self.stats.forged += 1;
            return true;
        }
        let Some(outcome) = probe::outcome(message) else {
            self.stats.forged += 1;
            return true;
        };
        self.stats.responses += 1;
        let (base, server) = (probe.base, probe.server);
        match outcome {
            Outcome::Mapped(mapped) => {
                let is_news = probe.answered(now, mapped, self.config.keepalive);
                if self.is_concluded {
                    probe.settle();
                }
                self.report_found(base, server, mapped, is_news);
            }
            Outcome::Failed { code, text } => {
                let is_first = probe.failed(now, self.config.keepalive);
                if is_first {
                    self.report(GatherEvent::Failed(GatherFailure {
                        base: Some(base),
                        server,
                        code,
                        text,
                    }));
                }
            }
        }
        self.mark_judged(server);
        self.judge_servers();
        self.start_next(now);
        true
    }

    /// Whether everything was asked, and answered or given up.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        !self.probes.iter().any(Probe::is_open)
    }

    /// When the next transaction of anybody may begin.
    #[must_use]
    pub const fn next_slot(&self) -> Instant {
        self.next_slot
    }

    /// What it did so far.
    #[must_use]
    pub const fn stats(&self) -> &GatherStats {
        &self.stats
    }

    fn advance(&mut self, now: Instant) -> Instant {
        self.now = self.now.max(now);
        self.now
    }

    fn add_probe(&mut self, base: SocketAddr, server: SocketAddr) {
        if base.is_ipv4() != server.is_ipv4() {
            return;
        }
        if self.probes.len() == MAX_PROBES {
            self.stats.left_out += 1;
            return;
        }
        let mut probe = Probe::new(base, server);
        if self.is_concluded {
            probe.settle();
        }
        self.probes.push(probe);
    }

    /// Begins the next transaction, if one waits and the pace allows it.
    fn start_next(&mut self, now: Instant) {
        if now < self.next_slot {
            return;
        }
        let rto = self.rto();
        let Some(probe) = self.probes.iter_mut().find(|probe| probe.is_waiting(now)) else {
            return;
        };
        let id = stun::wire::TransactionId::random(&mut self.rng);
        probe.start(now, id, rto, &self.config);
        self.stats.transactions += 1;
        self.next_slot = now + self.config.pacing.max(MIN_PACING);
    }

    /// RFC 8445 §14.3.
    fn rto(&self) -> Duration {
        let open = self.probes.iter().filter(|probe| probe.is_open()).count();
        let all = self.config.pacing.saturating_mul(u32::try_from(open).unwrap_or(u32::MAX));
        self.config.timing.rto.max(MIN_RTO).max(all)
    }

    /// RFC 8445 §5.1.3: an address that is the base itself, or that the base has from another
    /// server already, is redundant.
    fn report_found(
        &mut self,
        base: SocketAddr,
        server: SocketAddr,
        mapped: SocketAddr,
        is_news: bool,
    ) {
        let others = self.probes.iter().filter(|probe| probe.base == base);
        let is_known = others.filter(|probe| probe.mapped() == Some(mapped)).count() > 1;
        let is_unmapped = mapped == base && !self.config.reports_unmapped;
        if is_news && (is_known || is_unmapped) {
            self.stats.redundant += 1;
        } else if is_news {
            self.report(GatherEvent::Found { base, server, mapped });
        }
    }

    fn report(&mut self, event: GatherEvent) {
        if self.events.len() < MAX_EVENTS {
            self.events.push_back(event);
        } else {
            self.stats.left_out += 1;
        }
    }

    fn mark_judged(&mut self, server: SocketAddr) {
        let known = self.servers.iter_mut().find(|known| known.address == server);
        if let Some(server) = known {
            server.is_judged = true;
        }
    }

    /// Reports each server that nobody could reach: once, and when the last base has given it up.
    fn judge_servers(&mut self) {
        for index in 0..self.servers.len() {
            let Some(server) = self.servers.get(index).filter(|server| !server.is_judged) else {
                continue;
            };
            let address = server.address;
            let mut probes = self.probes.iter().filter(|probe| probe.server == address).peekable();
            let is_unreachable = probes.peek().is_some() && probes.all(Probe::is_failed);
            if is_unreachable {
                self.mark_judged(address);
                self.report(GatherEvent::Failed(GatherFailure::unreachable(address)));
            }
        }
    }
}

impl Machine for Gatherer {
    type Event = GatherEvent;

    fn handle_datagram(&mut self, now: Instant, datagram: Datagram<'_>) {
        let known = Message::parse(datagram.payload).ok().filter(|message| {
            self.handle_message(now, datagram.source, datagram.destination, message)
        });
        if known.is_none() {
            self.stats.ignored += 1;
        }
    }

    fn handle_socket_error(&mut self, now: Instant, error: SocketError) {
        let now = self.advance(now);
        let hit = |probe: &&mut Probe| (probe.base, probe.server) == (error.local, error.remote);
        if error.kind.is_hard()
            && let Some(probe) = self.probes.iter_mut().find(hit)
        {
            probe.failed(now, self.config.keepalive);
            self.judge_servers();
            self.start_next(now);
        }
    }

    fn handle_timeout(&mut self, now: Instant) {
        let now = self.advance(now);
        for probe in &mut self.probes {
            if probe.expire(now, self.config.keepalive) {
                self.stats.timeouts += 1;
            }
        }
        self.judge_servers();
        self.start_next(now);
    }

    fn poll_transmit(&mut self, _now: Instant, buffer: &mut Vec<u8>) -> Option<Transmit> {
        let probe = self.probes.iter_mut().find(|probe| probe.is_due)?;
        probe.is_due = false;
        let State::InFlight { id, .. } = probe.state else {
            return None;
        };
        let begin = buffer.len();
        // A bare header: nothing in it helps a server, or anybody who would use one against others.
        let built = Builder::new(buffer, Method::BINDING, Class::Request, id).finish();
        debug_assert!(built.is_ok(), "a header always fits");
        self.stats.requests += 1;
        let size = buffer.len() - begin;
        Some(Transmit::new(probe.server, size).from(probe.base))
    }

    fn poll_event(&mut self) -> Option<GatherEvent> {
        self.events.pop_front()
    }

    fn poll_timeout(&self) -> Option<Instant> {
        let timers = self.probes.iter().filter_map(|probe| probe.deadline(self.next_slot));
        timers.min()
    }
}

#[cfg(test)]
mod tests;
