//! The agent.

mod check;
mod checklist;
mod consent;
mod data;
mod early;
mod generation;
mod indicate;
mod local;
mod message;
mod nominate;
mod outbox;
mod pair;
mod pairing;
mod remote;
mod request;
mod response;
mod restart;
mod role;
mod select;
mod state;
mod stream;
mod streams;
mod transaction;

use std::{collections::VecDeque, net::IpAddr, time::Duration};

use base::{
    Datagram, Instant, Interface, Machine, Rng, SocketError, StreamCommand, StreamInput, Transmit,
};

pub use early::MAX_EARLY_CHECKS;
pub use local::{LocalSocket, MAX_LOCAL_ADDRESSES, MAX_REFLEXIVE, RelayTransport, Relayed};
pub use nominate::{MAX_NOMINATION_WAIT, MIN_NOMINATION_WAIT, RELAY_NOMINATION_WAIT};
pub use remote::MAX_PEER_REFLEXIVE;

use self::{
    checklist::Checklist,
    early::EarlyChecks,
    generation::{Former, Generation},
    local::Locals,
    outbox::Outbox,
    pair::Pair,
    remote::Remotes,
    stream::Component,
    transaction::Transaction,
};
use crate::{
    Candidate, Config, Connections, Event, GatherConfig, Gatherer, Mode, PairId, Parameters, Path,
    Received, Role, State, Stats,
    stats::{DropReason, Drops},
};

/// Events that wait to be asked for. Nobody who runs the agent comes near; beyond it they are lost, and
/// counted.
pub const MAX_EVENTS: usize = 4_096;
/// For how long after its path was lost the agent looks for another before it fails.
pub const LOSS_PATIENCE: Duration = Duration::from_secs(30);

/// An ICE agent for one data stream with one or two components.
///
/// It is told its addresses ([`add_socket`](Self::add_socket), [`add_relayed`](Self::add_relayed)), what
/// the peer signals, and what arrives. It reports candidates and the state, and carries data.
///
/// ```
/// use base::{Datagram, Ecn, Instant, Machine, Rng};
/// use ice::{Agent, Config, Event, LocalSocket, Role, State};
///
/// let now = Instant::ZERO;
/// let (mut config, rng) = (Config::new(crypto::Provider::default()), Rng::from_seed([1; 32]));
/// let mut answerer = Agent::new(config.clone(), rng.fork("answerer"), now);
/// config.role = Role::Controlling;
/// let mut offerer = Agent::new(config, rng.fork("offerer"), now);
/// offerer.add_socket(now, LocalSocket::udp(1, "192.0.2.1:1000".parse()?))?;
/// answerer.add_socket(now, LocalSocket::udp(1, "192.0.2.2:2000".parse()?))?;
///
/// offerer.set_remote_parameters(now, answerer.local_parameters().clone())?;
/// answerer.set_remote_parameters(now, offerer.local_parameters().clone())?;
/// while let Some(event) = offerer.poll_event() {
///     let Event::LocalCandidate(candidate) = event else { continue };
///     answerer.add_remote_candidate(now, candidate)?;
/// }
///
/// // Packets go to and fro.
/// for _ in 0..8 {
///     for (from, to) in [(&mut offerer, &mut answerer)] {
///         carry(now, from, to);
///         carry(now, to, from);
///     }
/// }
/// fn carry(now: Instant, from: &mut Agent, to: &mut Agent) {
///     let mut bytes = Vec::new();
///     while let Some(sent) = from.poll_transmit(now, &mut bytes) {
///         let (source, destination) = (sent.source.unwrap(), sent.destination);
///         to.handle_datagram(now, Datagram { source, destination, ecn: Ecn::NotEct, payload: &bytes });
///         bytes.clear();
///     }
/// }
/// assert!(answerer.path(1).is_some());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # When a path is chosen
///
/// Data goes on the first pair that is valid, at once (RFC 8445 §12.1), and [`State::Connected`] is
/// reported. A controlling agent nominates as soon as no better pair can be expected, and otherwise
/// four round trips after the first pair became valid, at least [`MIN_NOMINATION_WAIT`] and at most
/// [`MAX_NOMINATION_WAIT`]; while the best pair goes through a relay, [`RELAY_NOMINATION_WAIT`].
///
/// [`MIN_NOMINATION_WAIT`]: crate::MIN_NOMINATION_WAIT
/// [`MAX_NOMINATION_WAIT`]: crate::MAX_NOMINATION_WAIT
/// [`RELAY_NOMINATION_WAIT`]: crate::RELAY_NOMINATION_WAIT
///
/// # When a path is lost
///
/// On the path in use, the peer is asked for consent every 4 to 6 s. One answer that is lost changes
/// nothing, unless the peer was sending data all the time and has fallen silent too: ten datagrams or more
/// without a break of 1 s, and then nothing for 2 s. When two in a row are missing and nothing else came
/// from the peer since the first was asked for, or four in a row whatever else came, the agent is
/// [`State::Disconnected`]: at the earliest 5 s after the path died (2 s where data ended with it), at the
/// latest 13 s. It checks all its pairs anew, and takes another that answers; the next answer on the
/// path itself ends the trouble too. 30 s after the last answer sending
/// stops (RFC 7675 §5.1), and unless another pair took over, the agent is [`State::Failed`]. When the
/// local address of a path is removed, the agent looks for another for [`LOSS_PATIENCE`].
#[derive(Debug)]
pub struct Agent {
    config: Config,
    /// Transaction ids, tie-breakers, the jitter of consent; and the secrets of new generations.
    rng: Rng,
    now: Instant,
    state: State,
    role: Role,
    tie_breaker: u64,
    generation: Generation,
    former: Option<Former>,
    /// The peer's parameters of the last generations, which are no news if they come again.
    past: Vec<Parameters>,
    locals: Locals,
    gatherer: Gatherer,
    /// Whether the layer above has no more addresses, whether that was reported, and whether the STUN
    /// servers are asked no more.
    is_gathered: bool,
    is_gathering_reported: bool,
    is_gathering_concluded: bool,
    remotes: Remotes,
    /// Candidates of a generation of the peer whose parameters are still to come.
    ahead: Vec<Candidate>,
    checklist: Checklist,
    components: Vec<Component>,
    transactions: Vec<Transaction>,
    early: EarlyChecks,
    /// Before it no new check goes out: RFC 8445 §6.1.4.2.
    next_check_at: Instant,
    /// Whether the next transaction is one with a STUN server, if there is one to begin.
    is_gatherers_turn: bool,
    /// Checks begun in this generation, or since its pairs are checked anew.
    checks_begun: usize,
    /// The last value of renomination given.
    nomination_value: u32,
    tcp: Connections,
    /// TCP sockets that do not listen yet.
    listening: Vec<LocalSocket>,
    /// Where frames are put together.
    scratch: Vec<u8>,
    outbox: Outbox,
    events: VecDeque<Event>,
    /// Whether the agent failed, and has not been revived since.
    has_given_up: bool,
    /// When something is due next.
    deadline: Option<Instant>,
    path_changes: u64,
    restarts: u64,
    dropped: Drops,
}

impl Agent {
    /// An agent without addresses.
    #[must_use]
    pub fn new(config: Config, mut rng: Rng, now: Instant) -> Self {
        let config = config.in_range();
        let generation = Generation::first(&config, &mut rng);
        let gathering = GatherConfig {
            pacing: config.pacing,
            reports_unmapped: config.hides_host_addresses,
            ..GatherConfig::default()
        };
        let mut gatherer = Gatherer::new(gathering, rng.fork("gather"), now);
        for server in &config.stun_servers {
            gatherer.add_server(now, *server);
        }
        Self {
            tcp: Connections::new(config.tcp, now),
            role: config.role,
            tie_breaker: config.tie_breaker.unwrap_or_else(|| rng.public_u64()),
            components: vec![Component::default(); usize::from(config.components)],
            config,
            rng,
            now,
            state: State::New,
            generation,
            former: None,
            past: Vec::new(),
            locals: Locals::default(),
            gatherer,
            is_gathered: false,
            is_gathering_reported: false,
            is_gathering_concluded: false,
            remotes: Remotes::default(),
            ahead: Vec::new(),
            checklist: Checklist::default(),
            transactions: Vec::new(),
            early: EarlyChecks::default(),
            next_check_at: now,
            is_gatherers_turn: false,
            checks_begun: 0,
            nomination_value: 0,
            listening: Vec::new(),
            scratch: Vec::new(),
            outbox: Outbox::default(),
            events: VecDeque::new(),
            has_given_up: false,
            deadline: None,
            path_changes: 0,
            restarts: 0,
            dropped: Drops::default(),
        }
    }

    /// What the peer is to be told besides candidates.
    #[must_use]
    pub const fn local_parameters(&self) -> &Parameters {
        &self.generation.local.parameters
    }

    /// What the peer told besides candidates, in this generation.
    #[must_use]
    pub fn remote_parameters(&self) -> Option<&Parameters> {
        self.generation.remote.as_ref().map(|remote| &remote.parameters)
    }

    /// What became of an [`Event::Resolve`].
    pub fn handle_resolved(&mut self, now: Instant, name: &str, ip: Option<IpAddr>) {
        let now = self.begin(now);
        self.resolve_remote(name, ip);
        self.settle(now);
    }

    /// Begins a new generation: RFC 8445 §9. The path in use carries data until another is there. The peer
    /// is to be told the new [parameters](Self::local_parameters) and all candidates, which are reported
    /// again.
    pub fn restart(&mut self, now: Instant) {
        let now = self.begin(now);
        if self.state != State::Closed {
            self.begin_generation(now);
            self.settle(now);
        }
    }

    /// Ends the session. Nothing is sent from now on, nothing that arrives is heeded.
    pub fn close(&mut self, now: Instant) {
        self.begin(now);
        self.transactions.clear();
        self.tcp.close_all(self.now);
        self.outbox.clear();
        self.checklist.retain(|_| false);
        self.former = None;
        self.components.iter_mut().for_each(|component| *component = Component::default());
        self.deadline = None;
        self.enter(State::Closed);
    }

    /// What a component sends on.
    #[must_use]
    pub fn path(&self, component: u8) -> Option<Path> {
        self.path_pair(component).map(Pair::path)
    }

    /// Where the agent stands.
    #[must_use]
    pub const fn state(&self) -> State {
        self.state
    }

    /// The role it has.
    #[must_use]
    pub const fn role(&self) -> Role {
        self.role
    }

    /// Everything else there is to say.
    #[must_use]
    pub fn stats(&self) -> Stats {
        let is_path = |pair: &Pair| self.component(pair.component).path == Some(pair.id);
        Stats {
            state: self.state,
            role: self.role,
            path_changes: self.path_changes,
            restarts: self.restarts,
            pairs: self.checklist.pairs().iter().map(|pair| pair.stats(is_path(pair))).collect(),
            local_candidates: self.locals.candidates().cloned().collect(),
            remote_candidates: self
                .remotes
                .list()
                .iter()
                .map(|one| one.candidate.clone())
                .collect(),
            dropped: self.dropped,
        }
    }

    /// Begins every input: takes `now` for the present, unless it is past, and does what is overdue, so
    /// that an answer that comes too late does not undo it.
    fn begin(&mut self, now: Instant) -> Instant {
        self.now = self.now.max(now);
        if self.deadline.is_some_and(|deadline| deadline <= self.now) {
            self.expire(self.now);
        }
        self.now
    }

    /// Ends every input: decides what follows from it, and when to wake.
    fn settle(&mut self, now: Instant) {
        if self.state == State::Closed {
            return;
        }
        self.conclude_among_lite(now);
        self.choose_paths(now);
        self.let_former_go(now);
        self.nominate(now);
        self.take_turns(now);
        self.gather(now);
        self.update_state(now);
        self.deadline = self.next_deadline(now);
    }

    /// Does everything that is due.
    fn expire(&mut self, now: Instant) {
        if self.state == State::Closed {
            return;
        }
        self.expire_transactions(now);
        self.keep_consent(now);
        self.tcp.handle_timeout(now);
        self.take_tcp_events(now);
        self.forget_former(now);
        self.settle(now);
    }

    /// When something is due next. Conditions that time alone changes count as long as they are ahead.
    fn next_deadline(&self, now: Instant) -> Option<Instant> {
        let ahead = |at: Option<Instant>| at.filter(|&at| at > now);
        let transactions = self.transactions.iter().map(Transaction::deadline).min();
        let former = self.former.as_ref().and_then(|former| former.ends_at);
        let all = [
            transactions,
            self.consent_deadline(),
            self.gatherer.poll_timeout(),
            self.tcp.poll_timeout(),
            self.check_deadline(now),
            ahead(self.nomination_deadline()),
            ahead(self.state_deadline()),
            former,
        ];
        all.into_iter().flatten().min()
    }

    fn component(&self, component: u8) -> Component {
        let index = usize::from(component.wrapping_sub(1));
        self.components.get(index).copied().unwrap_or_default()
    }

    /// Changes what is kept for a component.
    fn with_component(&mut self, component: u8, change: impl FnOnce(&mut Component)) {
        if let Some(one) = self.components.get_mut(usize::from(component.wrapping_sub(1))) {
            change(one);
        }
    }

    fn path_pair(&self, component: u8) -> Option<&Pair> {
        self.component(component).path.and_then(|id| self.checklist.get(id))
    }

    /// Whether a pair belongs to the present generation.
    const fn is_current(&self, pair: &Pair) -> bool {
        pair.generation == self.generation.number
    }

    /// Whether this agent sends checks.
    fn is_full(&self) -> bool {
        self.config.mode == Mode::Full
    }

    /// Whether consent is asked for: a lite agent does not.
    fn keeps_consent(&self) -> bool {
        self.is_full() && self.config.consent.enabled && !self.peer_is_lite_too()
    }

    fn peer_is_lite_too(&self) -> bool {
        !self.is_full() && self.remote_parameters().is_some_and(|remote| remote.lite)
    }

    /// For how long an answer on a pair allows data to be sent.
    fn consent_expiry(&self) -> Duration {
        if self.keeps_consent() { self.config.consent.expiry } else { Duration::MAX }
    }

    /// Whether data may be sent on a pair.
    fn is_alive(&self, id: PairId, now: Instant) -> bool {
        let expiry = self.consent_expiry();
        self.checklist.get(id).is_some_and(|pair| pair.has_consent(now, expiry))
    }

    fn report(&mut self, event: Event) {
        if self.events.len() < MAX_EVENTS {
            self.events.push_back(event);
        } else {
            self.dropped.count(DropReason::DataQueueFull);
        }
    }

    fn drop_for(&mut self, reason: DropReason) -> Received {
        self.dropped.count(reason);
        Received::Dropped(reason)
    }
}

impl Machine for Agent {
    type Event = Event;

    fn handle_datagram(&mut self, now: Instant, datagram: Datagram<'_>) {
        if let Received::Application { component } = self.receive(now, datagram) {
            let payload = datagram.payload.to_vec();
            self.report(Event::Data { component, payload });
        }
    }

    fn handle_socket_error(&mut self, now: Instant, error: SocketError) {
        let now = self.begin(now);
        if self.state != State::Closed {
            self.gatherer.handle_socket_error(now, error);
            self.fail_unreachable(error);
            self.settle(now);
        }
    }

    fn handle_stream(&mut self, now: Instant, input: StreamInput<'_>) {
        let now = self.begin(now);
        if self.state != State::Closed {
            self.take_stream_input(now, input);
            self.settle(now);
        }
    }

    /// The order of IPv4 and IPv6 candidates: RFC 8421 §4. To be told before the sockets.
    fn handle_interfaces(&mut self, now: Instant, interfaces: &[Interface]) {
        self.begin(now);
        self.rank_interfaces(interfaces);
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.begin(now);
    }

    fn poll_transmit(&mut self, now: Instant, buffer: &mut Vec<u8>) -> Option<Transmit> {
        let dscp = self.config.dscp;
        if let Some(transmit) = self.outbox.pop(dscp, buffer) {
            return Some(transmit);
        }
        if self.state == State::Closed {
            return None;
        }
        self.gatherer.poll_transmit(now, buffer)
    }

    fn poll_stream(&mut self, _: Instant, buffer: &mut Vec<u8>) -> Option<StreamCommand> {
        self.next_stream_command(buffer)
    }

    fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.deadline
    }
}

#[cfg(test)]
mod tests;
