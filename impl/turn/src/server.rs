//! The server: RFC 8656, RFC 6062.
//!
//! What it promises, and where the promise is kept:
//!
//! | promise | kept in |
//! |---|---|
//! | nothing is kept of who has no credential; a 401 has at most 128 bytes, a source gets ten a second | `respond.rs`, `auth.rs` |
//! | peers are ordinary hosts of the Internet, in every reading of their addresses, for every packet | [`Policy`], `relay.rs` |
//! | permissions hold for 300 s, channels for 600 s and rest for 300 s | `allocation.rs` |
//! | nobody has more than [`Quotas`] say | `allocate.rs`, `quota.rs` |
//! | ports are drawn at random and given back on every path; none left is said at once | `ports.rs`, `sockets.rs` |
//! | what is not permitted is dropped in silence and counted | [`DropReason`] |
//! | a relayed packet costs no allocation of memory | `relay.rs`, `outbox.rs` |

mod accounts;
mod allocate;
mod allocation;
mod auth;
mod config;
mod connections;
mod event;
mod manage;
mod outbox;
mod policy;
mod ports;
mod quota;
mod relay;
mod respond;
mod sockets;
mod stats;
mod streams;
mod table;

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    net::{IpAddr, SocketAddr},
};

use base::{
    Datagram, Ecn, Instant, Interface, Machine, Rng, SocketCommand, SocketError, SocketInput,
    StreamCommand, StreamId, StreamInput, Transmit,
};
use stun::{
    Arrival, Limiter, Message, NonceMint,
    wire::{AttributeType, Check, Class, Code, Method, RequestedTransport, XorMappedAddress},
};

pub use accounts::{Accounts, MAX_SECRETS, TokenKey, Tokens};
pub use allocation::{CHANNEL_LIFETIME, CHANNEL_REST, PERMISSION_LIFETIME};
pub use config::{Bandwidth, ConfigError, MAX_CHALLENGE, Quotas, RelayAddress, ServerConfig};
pub use event::{Client, ClientTransport, PrintableName, ReleaseReason, ServerEvent};
pub use outbox::{MAX_OUTBOX, MAX_STREAM_OUTBOX};
pub use policy::{Cidr, CidrError, Policy};
pub use quota::MAX_IDLE_OWNERS;
pub use stats::{DropReason, Drops, ServerStats, Traffic};

use self::{
    accounts::Kind,
    allocate::Pending,
    allocation::{Allocation, AllocationId, Path, Side},
    auth::{Authentic, NotAuthentic},
    connections::Connection,
    outbox::{Outbox, StreamOutbox},
    ports::Ports,
    quota::{Bucket, Owners},
    respond::Reply,
    sockets::{Listener, Opening, Reservation},
    streams::Stream,
    table::Table,
};

/// Most events that wait to be taken; later ones are lost, and counted.
pub const MAX_EVENTS: usize = 4_096;

/// A TURN server.
///
/// It opens its sockets itself, with [`Machine::poll_socket`] and [`Machine::poll_stream`], those for
/// clients at birth and those to relay from when a client asks for one. A driver that sends batches
/// takes datagrams where they lie, with [`Server::take_transmit`].
#[derive(Debug)]
pub struct Server {
    config: ServerConfig,
    began: Instant,
    now: Instant,
    rng: Rng,
    mint: NonceMint,
    challenges: Limiter,
    bindings: Limiter,
    /// Where clients are served.
    served: Vec<SocketAddr>,
    /// Addresses of the host's interfaces.
    own: BTreeSet<IpAddr>,
    ports_v4: Option<Ports>,
    ports_v6: Option<Ports>,
    table: Table,
    owners: Owners,
    /// The bandwidth of all.
    total: Bucket,
    /// Allocations whose sockets are being opened.
    pending: BTreeMap<AllocationId, Pending>,
    opening: BTreeMap<SocketAddr, Opening>,
    reservations: BTreeMap<u64, Reservation>,
    listeners: BTreeMap<StreamId, Listener>,
    streams: BTreeMap<StreamId, Stream>,
    next_stream: u64,
    connections: BTreeMap<u32, Connection>,
    timers: BTreeSet<(Instant, Due)>,
    draining: Option<Draining>,
    outbox: Outbox,
    stream_outbox: StreamOutbox,
    sockets: VecDeque<SocketCommand>,
    events: VecDeque<ServerEvent>,
    scratch: Vec<u8>,
    stats: ServerStats,
}

/// What is due at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Due {
    /// When a relayed address is taken away.
    Relay(AllocationId, Side),
    /// When the driver has taken too long to open the sockets of an allocation.
    Opening(AllocationId),
    /// When a port is no longer held in reserve.
    Reservation(u64),
    /// When a connection has waited long enough for its peer or its client.
    Connection(u32),
    /// When a client's connection has been without an allocation for long enough.
    Stream(StreamId),
    /// When draining ends.
    Drain,
}

/// How far the end of the server's work is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Draining {
    Waiting,
    Done,
}

impl Server {
    /// A server that has served nobody yet.
    ///
    /// # Errors
    ///
    /// `ConfigError` if the parts of the configuration do not fit together.
    pub fn new(config: ServerConfig, mut rng: Rng, now: Instant) -> Result<Self, ConfigError> {
        config.check()?;
        let ports = |relay: Option<RelayAddress>| {
            relay.map(|relay| Ports::new(relay, config.relay_ports.clone()))
        };
        let mut server = Self {
            began: now,
            now,
            mint: NonceMint::new(config.provider, &mut rng),
            rng,
            challenges: Limiter::default(),
            bindings: Limiter::default(),
            served: config.udp.iter().copied().filter(|it| it.port() != 0).collect(),
            own: BTreeSet::new(),
            ports_v4: ports(config.relay_v4),
            ports_v6: ports(config.relay_v6),
            table: Table::default(),
            owners: Owners::new(config.quotas.user_bandwidth),
            total: Bucket::new(now, config.quotas.total_bandwidth),
            pending: BTreeMap::new(),
            opening: BTreeMap::new(),
            reservations: BTreeMap::new(),
            listeners: BTreeMap::new(),
            streams: BTreeMap::new(),
            next_stream: 0,
            connections: BTreeMap::new(),
            timers: BTreeSet::new(),
            draining: None,
            outbox: Outbox::new(config.max_segments),
            stream_outbox: StreamOutbox::default(),
            sockets: VecDeque::new(),
            events: VecDeque::new(),
            scratch: Vec::new(),
            stats: ServerStats::default(),
            config,
        };
        server.open_listeners();
        Ok(server)
    }

    fn open_listeners(&mut self) {
        let udp = self.config.udp.iter().map(|local| SocketCommand::Open { local: *local });
        self.sockets.extend(udp);
        for local in self.config.tcp.clone() {
            let id = self.next_stream();
            self.listeners.insert(id, Listener::Clients(local));
            self.stream_outbox.push(StreamCommand::Listen { id, local });
        }
    }

    /// Makes no more allocations. Those there are live on to their end, or to `deadline`; then
    /// [`ServerEvent::Drained`] is told.
    pub fn drain(&mut self, now: Instant, deadline: Option<Instant>) {
        let now = self.advance(now);
        if self.draining.is_none() {
            self.draining = Some(Draining::Waiting);
        }
        if let Some(deadline) = deadline.filter(|_| self.draining == Some(Draining::Waiting)) {
            self.timers.insert((deadline.max(now), Due::Drain));
        }
        self.check_drained();
    }

    /// Serves other accounts from now on. Allocations stay, with the credentials that made them, but
    /// for those of users who are gone.
    ///
    /// # Errors
    ///
    /// `ConfigError` if a challenge would be too long; nothing is changed then.
    pub fn set_accounts(&mut self, now: Instant, accounts: Accounts) -> Result<(), ConfigError> {
        let now = self.advance(now);
        let length = accounts.challenge_length();
        if length > MAX_CHALLENGE {
            return Err(ConfigError::LongChallenge { length });
        }
        self.config.accounts = accounts;
        for id in self.table.ids() {
            let Some(credential) = self.table.get(id).map(|it| &it.credential) else { continue };
            let is_gone = credential.kind == Kind::User
                && !self.config.accounts.has_user(&credential.username);
            if is_gone {
                self.release(now, id, ReleaseReason::Revoked);
            }
        }
        Ok(())
    }

    /// Relays by another policy from now on. Connections to peers it refuses are closed.
    pub fn set_policy(&mut self, now: Instant, policy: Policy) {
        self.advance(now);
        self.config.policy = policy;
        self.close_forbidden_connections();
    }

    /// What the server has done so far.
    #[must_use]
    pub fn stats(&self) -> ServerStats {
        let relays = self.ports_v4.iter().chain(&self.ports_v6).map(Ports::taken).sum();
        ServerStats {
            allocations: self.table.len(),
            relays,
            streams: self.streams.len(),
            ..self.stats
        }
    }

    /// How the server is set up.
    #[must_use]
    pub const fn config(&self) -> &ServerConfig {
        &self.config
    }

    /// The same as [`Machine::poll_transmit`], without a copy: the bytes are where the machine has them.
    pub fn take_transmit(&mut self) -> Option<(Transmit, &[u8])> {
        self.outbox.take()
    }

    fn advance(&mut self, now: Instant) -> Instant {
        self.now = self.now.max(now);
        self.now
    }

    fn tell(&mut self, event: ServerEvent) {
        if self.events.len() < MAX_EVENTS {
            self.events.push_back(event);
        } else {
            self.drop_for(DropReason::EventLost);
        }
    }

    /// A STUN message of a client.
    fn message(&mut self, now: Instant, path: &Path, ecn: Ecn, bytes: &[u8]) {
        self.stats.messages += 1;
        let Ok(message) = Message::parse(bytes) else {
            return self.drop_for(DropReason::Malformed);
        };
        if message.check_fingerprint() == Check::Failed {
            return self.drop_for(DropReason::Malformed);
        }
        match (message.class(), message.method()) {
            (Class::Request, Method::BINDING) => self.binding(now, path, &message),
            (
                Class::Request,
                Method::ALLOCATE
                | Method::REFRESH
                | Method::CREATE_PERMISSION
                | Method::CHANNEL_BIND
                | Method::CONNECT
                | Method::CONNECTION_BIND,
            ) => self.request(now, path, &message),
            (Class::Indication, Method::SEND) => self.send_indication(now, path, ecn, &message),
            // Keeps NAT bindings alive, and needs nothing: RFC 8489 §2.
            (Class::Indication, Method::BINDING) => {}
            _ => self.drop_for(DropReason::Unexpected),
        }
    }

    /// RFC 8489 §6.3.1: to anybody, within limits.
    fn binding(&mut self, now: Instant, path: &Path, request: &Message<'_>) {
        if !self.bindings.admits(now, path.client.ip(), self.config.binding_limit) {
            return self.drop_for(DropReason::RateLimited);
        }
        let reply = Reply::new(*path, request);
        let unknown = request.not_understood(|kind| self.understands(kind));
        if !unknown.is_empty() {
            let arrival = Arrival { now, client: path.client };
            return self.refuse_stranger(arrival, &reply, &unknown);
        }
        self.succeed(&reply, |builder| {
            builder.put(&XorMappedAddress(path.client));
        });
    }

    /// A request that needs a credential: RFC 8656 §5.
    fn request(&mut self, now: Instant, path: &Path, request: &Message<'_>) {
        let reply = Reply::new(*path, request);
        let arrival = Arrival { now, client: path.client };
        let from = match self.authenticate(now, path, request) {
            Ok(from) => from,
            Err(NotAuthentic::Refused(refusal)) => return self.challenge(arrival, &reply, refusal),
            Err(NotAuthentic::UnknownToken) => {
                return self.refuse_stranger(arrival, &reply, &[AttributeType::ACCESS_TOKEN]);
            }
        };
        let reply = reply.protected(&from);
        // RFC 6062 §5.1: a wish for TCP with DONT-FRAGMENT gets its own error, whether or not the server
        // knows what to do with the attribute elsewhere.
        let wants_tcp = self.config.tcp_relay
            && request.get::<RequestedTransport>() == Some(RequestedTransport(allocate::TCP));
        let unknown = request.not_understood(|kind| {
            self.understands(kind) || (wants_tcp && kind == AttributeType::DONT_FRAGMENT)
        });
        if !unknown.is_empty() {
            return self.refuse_unknown(&reply, &from, &unknown);
        }
        match request.method() {
            Method::ALLOCATE => self.allocate(now, reply, from, request),
            Method::CONNECTION_BIND => self.connection_bind(&reply, &from, request),
            _ => self.request_of_allocation(now, reply, from, request),
        }
    }

    /// A request about an allocation, which must be there and be the client's own.
    fn request_of_allocation(
        &mut self,
        now: Instant,
        reply: Reply,
        from: Authentic,
        request: &Message<'_>,
    ) {
        let id = self.table.of_path(&reply.path);
        let open = id.and_then(|id| Some((id, self.table.get(id)?)));
        let Some((id, allocation)) = open.filter(|(_, it)| it.outcome.is_open) else {
            return self.refuse(&reply, &from, Code::ALLOCATION_MISMATCH);
        };
        if !from.is_owner(&allocation.credential) {
            return self.refuse(&reply, &from, Code::WRONG_CREDENTIALS);
        }
        match request.method() {
            Method::REFRESH => self.refresh(now, id, (&reply, &from), request),
            Method::CREATE_PERMISSION => self.create_permission(now, id, (&reply, &from), request),
            Method::CHANNEL_BIND => self.channel_bind(now, id, (&reply, &from), request),
            _ => self.connect(now, id, (reply, from), request),
        }
    }

    fn handle_due(&mut self, now: Instant, due: Due) {
        match due {
            Due::Relay(id, side) => self.remove_side(now, id, side, ReleaseReason::Expired),
            Due::Opening(id) => self.finish_allocation(now, id),
            Due::Reservation(token) => self.end_reservation(now, token),
            Due::Connection(number) => self.connection_timed_out(number),
            Due::Stream(id) => self.stream_idle(id),
            Due::Drain => {
                for id in self.table.ids() {
                    self.release(now, id, ReleaseReason::Drained);
                }
            }
        }
    }

    /// Ends the work of a server that makes no more allocations, once it has none.
    fn check_drained(&mut self) {
        if self.draining != Some(Draining::Waiting) || self.table.len() > 0 {
            return;
        }
        self.draining = Some(Draining::Done);
        for token in self.reservations.keys().copied().collect::<Vec<_>>() {
            self.end_reservation(self.now, token);
        }
        let streams = self.listeners.keys().chain(self.streams.keys());
        streams.for_each(|id| self.stream_outbox.push(StreamCommand::Close { id: *id }));
        self.listeners.clear();
        self.streams.clear();
        self.timers.clear();
        let udp = std::mem::take(&mut self.config.udp);
        self.sockets.extend(udp.into_iter().map(|local| SocketCommand::Close { local }));
        self.served.clear();
        self.tell(ServerEvent::Drained);
    }
}

impl Machine for Server {
    type Event = ServerEvent;

    fn handle_datagram(&mut self, now: Instant, datagram: Datagram<'_>) {
        let now = self.advance(now);
        let Datagram { source, destination, ecn, payload } = datagram;
        if !self.serves(destination) {
            return match self.table.of_relay(&destination) {
                Some(id) => self.relay_to_client(now, id, datagram),
                None => self.drop_for(DropReason::NoRelay),
            };
        }
        let path = Path { client: source, local: destination, stream: None };
        match payload.first() {
            Some(0x50..=0x7f) if !self.config.channels_of_old => {
                self.drop_for(DropReason::Malformed);
            }
            Some(0x40..=0x7f) => self.channel_data(now, &path, ecn, payload),
            Some(0x00..=0x3f) => self.message(now, &path, ecn, payload),
            _ => self.drop_for(DropReason::Malformed),
        }
    }

    fn handle_socket_error(&mut self, now: Instant, error: SocketError) {
        let now = self.advance(now);
        self.peer_error(now, error);
    }

    fn handle_stream(&mut self, now: Instant, input: StreamInput<'_>) {
        let now = self.advance(now);
        self.stream_input(now, input);
    }

    fn handle_socket(&mut self, now: Instant, input: SocketInput) {
        let now = self.advance(now);
        self.socket_input(now, input);
    }

    fn handle_interfaces(&mut self, now: Instant, interfaces: &[Interface]) {
        self.advance(now);
        let addresses = interfaces.iter().flat_map(|interface| &interface.addresses);
        self.own = addresses.map(|address| address.ip).collect();
    }

    fn handle_timeout(&mut self, now: Instant) {
        let now = self.advance(now);
        while let Some((_, due)) = self.timers.first().copied().filter(|(at, _)| *at <= now) {
            self.timers.pop_first();
            self.handle_due(now, due);
        }
    }

    fn poll_transmit(&mut self, _: Instant, buffer: &mut Vec<u8>) -> Option<Transmit> {
        let (transmit, bytes) = self.outbox.take()?;
        buffer.extend_from_slice(bytes);
        Some(transmit)
    }

    fn poll_stream(&mut self, _: Instant, buffer: &mut Vec<u8>) -> Option<StreamCommand> {
        self.stream_outbox.take(buffer)
    }

    fn poll_socket(&mut self) -> Option<SocketCommand> {
        self.sockets.pop_front()
    }

    fn poll_event(&mut self) -> Option<Self::Event> {
        self.events.pop_front()
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.timers.first().map(|(at, _)| *at)
    }
}
