//! The client of behaviour discovery: what the NAT on the way does to UDP, found out by asking a
//! server with two addresses: RFC 5780.

mod behavior;
mod config;
mod hairpin;
mod lifetime;
mod steps;

use std::{collections::VecDeque, net::SocketAddr, time::Duration};

use base::{Datagram, Instant, Machine, Rng, SocketError, Transmit};

pub use behavior::{Dependence, Hairpinning, Lifetime, NatBehavior, PortAssignment};
pub use config::{DiscoveryConfig, LifetimeSearch, MAX_LOCAL_ADDRESSES};

use self::{
    hairpin::{Hairpin, Shot},
    lifetime::Search,
};
use crate::{
    Builder, Client, ClientConfig, ClientEvent, FailReason, Message, RequestId, Response,
    wire::{Class, Method},
};

/// Least time between two new transactions: RFC 5780 §5 allows ten a second.
const PACE: Duration = Duration::from_millis(100);

/// What discovery reports.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DiscoveryEvent {
    /// Everything that could be seen was seen. The last event.
    Finished(Box<NatBehavior>),
    /// The server could not be reached at all. The last event.
    Failed(DiscoveryFailure),
}

/// Why nothing was found out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DiscoveryFailure {
    /// There is no local address to send from.
    NoLocalAddress,
    /// The server did not answer: there is no way for UDP (RFC 5780 §4.2), or no server.
    NoConnectivity(FailReason),
}

/// Finds out what a NAT does, one test after the other.
///
/// The order is chosen so that no test is spoilt by the state an earlier one left in the NAT: ports
/// before anything that makes mappings besides, filtering before the requests to the second address
/// that would open the filter for it.
///
/// The caller sends each [`Transmit`] from the local address it names, and hands in what arrives at
/// any of them.
#[derive(Debug)]
pub struct Discovery {
    config: DiscoveryConfig,
    client: Client,
    rng: Rng,
    now: Instant,
    stage: Stage,
    found: NatBehavior,
    /// Local and mapped addresses, in the order the mappings were made.
    mapped: Vec<(SocketAddr, SocketAddr)>,
    /// The server's second address and port.
    other: Option<SocketAddr>,
    /// Requests of the hairpin test that wait to be sent; a round at most.
    shots: VecDeque<Shot>,
    events: VecDeque<DiscoveryEvent>,
}

/// The test under way. A request that is not made yet waits for its time.
#[derive(Debug)]
enum Stage {
    /// A Binding request from each local address.
    Ports(Probe),
    /// Requests to the mapped addresses.
    Hairpin(Hairpin),
    /// A response from the other address and port.
    FilteringBoth(Probe),
    /// A response from the other port.
    FilteringPort(Probe),
    /// A request to the other address.
    MappingAddress(Probe),
    /// A request to the other address and port.
    MappingBoth(Probe),
    /// A request and a response in fragments.
    Fragments(Probe),
    /// A request that makes or refreshes the mapping whose lifetime is looked for.
    LifetimeRefresh(Probe, Search),
    /// A response to that mapping, asked for from elsewhere.
    LifetimeProbe(Probe, Search, Trial),
    /// Nothing more.
    Over,
}

/// One request.
#[derive(Clone, Copy, Debug)]
enum Probe {
    /// To be made at this time.
    At(Instant),
    /// Under way.
    Sent(RequestId),
}

/// A mapping left alone.
#[derive(Clone, Copy, Debug)]
struct Trial {
    /// When it was last used for certain at the latest.
    idle_from: Instant,
    /// When it was last used at the earliest.
    used_at: Instant,
    /// The address under which the server knows it.
    mapped: SocketAddr,
}

/// How a probe ended.
#[derive(Clone, Debug)]
enum Outcome {
    Answered(Response),
    Failed(FailReason),
}

impl Discovery {
    /// Begins at `now`.
    #[must_use]
    pub fn new(mut config: DiscoveryConfig, rng: Rng, now: Instant) -> Self {
        config.locals.truncate(MAX_LOCAL_ADDRESSES);
        let client_config = ClientConfig {
            timing: config.timing,
            credential: config.credential.clone(),
            uses_fingerprint: config.uses_fingerprint,
            ..ClientConfig::new(config.provider)
        };
        let mut discovery = Self {
            client: Client::new(client_config, rng.fork("client"), now),
            rng: rng.fork("hairpin"),
            config,
            now,
            stage: Stage::Ports(Probe::At(now)),
            found: NatBehavior::default(),
            mapped: Vec::new(),
            other: None,
            shots: VecDeque::new(),
            events: VecDeque::new(),
        };
        if discovery.config.locals.is_empty() {
            discovery.end(DiscoveryEvent::Failed(DiscoveryFailure::NoLocalAddress));
        } else {
            discovery.proceed(now);
        }
        discovery
    }

    /// What has been found out so far.
    #[must_use]
    pub const fn found(&self) -> &NatBehavior {
        &self.found
    }

    fn advance(&mut self, now: Instant) -> Instant {
        self.now = self.now.max(now);
        self.now
    }

    fn end(&mut self, event: DiscoveryEvent) {
        self.stage = Stage::Over;
        self.events.push_back(event);
    }

    /// Makes the request that is due, if one is. One that cannot be made has failed.
    fn proceed(&mut self, now: Instant) {
        while let Some(Probe::At(at)) = self.probe()
            && at <= now
        {
            let request = self.next_request().map(|request| self.client.request(now, request));
            match (request, self.probe_mut()) {
                (Some(Ok(id)), Some(probe)) => *probe = Probe::Sent(id),
                _ => self.step(now, Outcome::Failed(FailReason::TooLong)),
            }
        }
    }

    fn probe(&self) -> Option<Probe> {
        match &self.stage {
            Stage::Ports(probe)
            | Stage::FilteringBoth(probe)
            | Stage::FilteringPort(probe)
            | Stage::MappingAddress(probe)
            | Stage::MappingBoth(probe)
            | Stage::Fragments(probe)
            | Stage::LifetimeRefresh(probe, _)
            | Stage::LifetimeProbe(probe, ..) => Some(*probe),
            Stage::Hairpin(_) | Stage::Over => None,
        }
    }

    const fn probe_mut(&mut self) -> Option<&mut Probe> {
        match &mut self.stage {
            Stage::Ports(probe)
            | Stage::FilteringBoth(probe)
            | Stage::FilteringPort(probe)
            | Stage::MappingAddress(probe)
            | Stage::MappingBoth(probe)
            | Stage::Fragments(probe)
            | Stage::LifetimeRefresh(probe, _)
            | Stage::LifetimeProbe(probe, ..) => Some(probe),
            Stage::Hairpin(_) | Stage::Over => None,
        }
    }

    /// Takes the end of the present request in.
    fn collect(&mut self, now: Instant) {
        while let Some(event) = self.client.poll_event() {
            let (request, outcome) = match event {
                ClientEvent::Succeeded { request, response } => {
                    (request, Outcome::Answered(response))
                }
                ClientEvent::Failed { request, reason, .. } => (request, Outcome::Failed(reason)),
                ClientEvent::Redirected { .. } => continue,
            };
            if matches!(self.probe(), Some(Probe::Sent(id)) if id == request) {
                self.step(now, outcome);
                self.proceed(now);
            }
        }
    }

    /// Sends the next round of the hairpin test, or ends it.
    fn continue_hairpin(&mut self, now: Instant) {
        let Stage::Hairpin(hairpin) = &mut self.stage else {
            return;
        };
        if hairpin.deadline > now {
            return;
        }
        match hairpin.next_round(now) {
            Some(shots) => self.shots.extend(shots),
            None => self.end_hairpin(now, Hairpinning::Absent),
        }
    }
}

impl Machine for Discovery {
    type Event = DiscoveryEvent;

    fn handle_datagram(&mut self, now: Instant, datagram: Datagram<'_>) {
        let now = self.advance(now);
        if let (Stage::Hairpin(hairpin), Ok(message)) =
            (&self.stage, Message::parse(datagram.payload))
            && let Some(seen) = hairpin.hit(datagram.source, datagram.destination, &message)
        {
            self.end_hairpin(now, seen);
            self.proceed(now);
            return;
        }
        self.client.handle_datagram(now, datagram);
        self.collect(now);
    }

    fn handle_socket_error(&mut self, now: Instant, error: SocketError) {
        let now = self.advance(now);
        self.client.handle_socket_error(now, error);
        self.collect(now);
    }

    fn handle_timeout(&mut self, now: Instant) {
        let now = self.advance(now);
        self.client.handle_timeout(now);
        self.collect(now);
        self.continue_hairpin(now);
        self.proceed(now);
    }

    fn poll_transmit(&mut self, now: Instant, buffer: &mut Vec<u8>) -> Option<Transmit> {
        if let Some(Shot { from, to, id }) = self.shots.pop_front() {
            let length = Builder::new(buffer, Method::BINDING, Class::Request, id).len();
            return Some(Transmit::new(to, length).from(from));
        }
        self.client.poll_transmit(now, buffer)
    }

    fn poll_event(&mut self) -> Option<Self::Event> {
        self.events.pop_front()
    }

    fn poll_timeout(&self) -> Option<Instant> {
        let own = match (&self.stage, self.probe()) {
            (Stage::Hairpin(hairpin), _) => Some(hairpin.deadline),
            (_, Some(Probe::At(at))) => Some(at),
            _ => None,
        };
        [own, self.client.poll_timeout()].into_iter().flatten().min()
    }
}
