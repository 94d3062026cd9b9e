//! The allocation's life: RFC 8656 §7, §8.

use std::{
    net::{SocketAddr, SocketAddrV4, SocketAddrV6},
    time::Duration,
};

use base::{Instant, StreamEnd};
use stun::{
    FailReason, Message, Request, RequestError, Response,
    wire::{
        AdditionalAddressFamily, AddressErrorCode, AlternateDomain, AlternateServer, AttributeType,
        Code, DontFragment, EvenPort, Family, Lifetime, Method, RequestedAddressFamily,
        RequestedTransport, ReservationToken, UnknownAttributes, XorRelayedAddress,
    },
};

use super::{
    Allocate, AllocateError, AllocateFailure, Allocation, Client, ClientEvent, Families,
    LostReason, PortWish, Relay, State, Transport,
    channels::Channels,
    connections::Connections,
    may_pass,
    permissions::Permissions,
    requests::{Answer, Purpose},
    retry_after,
};

/// The time an allocation holds when the server does not say: RFC 8656 §6.
const DEFAULT_LIFETIME: Duration = Duration::from_secs(600);
/// How long before its end an allocation is refreshed at the latest, unless it is short: three
/// transactions that get no answer fit. RFC 8656 §8 suggests one minute, which is one and a half.
const REFRESH_MARGIN: Duration = Duration::from_secs(120);
/// Least time between two refreshes, however short the lifetime.
const MIN_REFRESH: Duration = Duration::from_secs(1);
/// When a refresh is tried again for which there was no room among the requests in progress.
const BUSY_WAIT: Duration = Duration::from_secs(1);
/// Least time between two questions whether the allocation is still there, after the network said that
/// the server is not.
const DOUBT_INTERVAL: Duration = Duration::from_secs(5);
/// Within this time a server that was asked for an allocation is not asked again because another one
/// said so: RFC 8489 §10.
const REDIRECT_MEMORY: Duration = Duration::from_secs(300);
/// Most servers that are asked one after the other because each pointed at the next.
const MAX_REDIRECTS: usize = 8;
/// Most connections to one server for one allocation: RFC 8656 §7.4 asks for three attempts from
/// different addresses when the 5-tuple is taken.
const MAX_CONNECTIONS_TRIED: u8 = 3;
/// Protocol number of UDP in REQUESTED-TRANSPORT: RFC 8656 §18.8.
const UDP: u8 = 17;
/// Protocol number of TCP in REQUESTED-TRANSPORT: RFC 6062 §4.1.
const TCP: u8 = 6;

/// An allocation, and what hangs on it.
#[derive(Debug)]
pub(super) struct Live {
    pub(super) allocation: Allocation,
    pub(super) wish: Allocate,
    pub(super) expires_at: Instant,
    /// When to refresh; never while that is being done, or was refused for good.
    pub(super) refresh_at: Option<Instant>,
    /// When it was last asked for, or refreshed.
    pub(super) refreshed_at: Instant,
    /// When the connection is taken for dead, unless the server answers before.
    pub(super) answer_by: Option<Instant>,
    pub(super) permissions: Permissions,
    pub(super) channels: Channels,
    pub(super) connections: Connections,
}

/// What is told once the allocation is deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    Released,
    Lost(LostReason),
    Failed(AllocateFailure),
}

impl Client {
    pub(super) fn begin_allocating(
        &mut self,
        now: Instant,
        wish: Allocate,
    ) -> Result<(), AllocateError> {
        self.server = self.config.server;
        self.transport = self.config.transport.clone();
        self.visited.clear();
        if self.transport.is_stream() {
            self.connect(now, wish, 1);
            return Ok(());
        }
        if self.ask_allocate(now, wish, 0) { Ok(()) } else { Err(AllocateError::NotMade) }
    }

    /// Opens the connection to the server, the `nth` for this allocation.
    fn connect(&mut self, now: Instant, wish: Allocate, nth: u8) {
        self.open_control();
        let deadline = now + self.config.connect_patience;
        self.state = State::Connecting { wish, deadline, connections: nth };
    }

    /// The connection to the server is open.
    pub(super) fn connected(&mut self, now: Instant) {
        if let State::Connecting { wish, connections, .. } = self.state
            && !self.ask_allocate(now, wish, connections)
        {
            self.fail(now, AllocateFailure::Request(FailReason::TooLong));
        }
    }

    /// Sends the Allocate request. False if it could not be made.
    fn ask_allocate(&mut self, now: Instant, wish: Allocate, connections: u8) -> bool {
        self.visited.retain(|(server, _)| *server != self.server);
        self.visited.push((self.server, now));
        let request = put_wish(self.request(Method::ALLOCATE), &wish);
        let is_made = self.ask(now, request, Purpose::Allocate);
        if is_made {
            self.state = State::Allocating { wish, is_unwanted: false, connections };
        }
        is_made
    }

    pub(super) fn answered_allocate(&mut self, now: Instant, at: Instant, answer: Answer) {
        let State::Allocating { wish, is_unwanted, connections } = self.state else {
            return;
        };
        match answer {
            Ok(response) => self.allocated(now, at, (wish, is_unwanted), &response),
            Err(_) if is_unwanted => self.end(now, Ending::Released),
            Err((FailReason::Rejected(code), Some(response))) => {
                self.rejected(now, (wish, connections), code, &response);
            }
            Err((reason, _)) => self.fail(now, AllocateFailure::Request(reason)),
        }
    }

    /// RFC 8656 §7.4: what an error of the server leaves to be tried.
    fn rejected(
        &mut self,
        now: Instant,
        (wish, connections): (Allocate, u8),
        code: Code,
        response: &Response,
    ) {
        let message = response.message();
        let dislikes_flag =
            wish.dont_fragment && message.is_some_and(|it| names_dont_fragment(&it));
        let failure = AllocateFailure::Request(FailReason::Rejected(code));
        match code {
            Code::UNKNOWN_ATTRIBUTE if dislikes_flag => {
                let wish = Allocate { dont_fragment: false, ..wish };
                if !self.ask_allocate(now, wish, connections) {
                    self.fail(now, failure);
                }
            }
            Code::ALLOCATION_MISMATCH
                if self.transport.is_stream() && connections < MAX_CONNECTIONS_TRIED =>
            {
                self.close_control();
                self.connect(now, wish, connections + 1);
            }
            // RFC 8489 §14.8: whoever follows a 300 that nobody vouches for is led anywhere.
            Code::TRY_ALTERNATE
                if self.config.follows_redirects
                    && (response.is_authenticated
                        || base::mutant::active("turn-client-follows-forged-300")) =>
            {
                match message.and_then(|message| self.redirection(now, &message)) {
                    Some((server, domain)) => self.redirect(now, wish, server, domain),
                    None => self.fail(now, AllocateFailure::RedirectLoop),
                }
            }
            _ => self.fail(now, failure),
        }
    }

    /// Where a 300 points, if the client goes there: RFC 8489 §10.
    fn redirection(
        &self,
        now: Instant,
        message: &Message<'_>,
    ) -> Option<(SocketAddr, Option<String>)> {
        let is_ipv4 = self.server.is_ipv4();
        let offers = || message.get_all::<AlternateServer>().map(|offer| offer.0);
        let same_family = offers().find(|server| server.is_ipv4() == is_ipv4);
        let server = same_family.or_else(|| offers().next())?;
        let mut visited = self.visited.iter();
        let was_asked = visited.any(|(asked, at)| *asked == server && now < *at + REDIRECT_MEMORY);
        if was_asked || self.visited.len() > MAX_REDIRECTS {
            return None;
        }
        let domain = message.get::<AlternateDomain<'_>>();
        Some((server, domain.map(|domain| domain.as_str().to_owned())))
    }

    fn redirect(
        &mut self,
        now: Instant,
        wish: Allocate,
        server: SocketAddr,
        domain: Option<String>,
    ) {
        self.close_control();
        self.server = server;
        if let (Transport::Tls { name }, Some(domain)) = (&mut self.transport, &domain) {
            name.clone_from(domain);
        }
        self.report(ClientEvent::Redirected { server, domain });
        if self.transport.is_stream() {
            self.connect(now, wish, 1);
        } else if !self.ask_allocate(now, wish, 0) {
            self.fail(now, AllocateFailure::Request(FailReason::TooLong));
        }
    }

    fn allocated(
        &mut self,
        now: Instant,
        at: Instant,
        (wish, is_unwanted): (Allocate, bool),
        response: &Response,
    ) {
        let granted = response.message().and_then(|message| read_answer(&message, &wish));
        let Some(allocation) = granted.filter(|_| !is_unwanted) else {
            // RFC 8656 §7.3: what the client cannot use it deletes.
            let failed = Ending::Failed(AllocateFailure::BadAnswer);
            self.delete(now, if is_unwanted { Ending::Released } else { failed });
            return;
        };
        let expires_at = at + allocation.lifetime;
        self.state = State::Live(Box::new(Live {
            allocation,
            wish,
            expires_at,
            refresh_at: Some(refresh_time(now, at, allocation.lifetime)),
            refreshed_at: now,
            answer_by: None,
            permissions: Permissions::default(),
            channels: Channels::default(),
            connections: Connections::default(),
        }));
        self.report(ClientEvent::Allocated(allocation));
    }

    /// When the allocation, or the way to it, asks for something.
    pub(super) fn deadline(&self) -> Option<Instant> {
        match &self.state {
            State::Connecting { deadline, .. } => Some(*deadline),
            State::Live(live) => {
                let keepalive = self.config.keepalive().map(|interval| self.sent_at + interval);
                let routine = [live.permissions.deadline(), live.channels.deadline()];
                let routine = routine.into_iter().flatten().filter(|_| self.has_room());
                let own = [
                    live.refresh_at,
                    live.answer_by,
                    Some(live.expires_at),
                    live.connections.deadline(),
                ];
                own.into_iter().flatten().chain(keepalive).chain(routine).min()
            }
            State::Idle | State::Allocating { .. } | State::Releasing { .. } => None,
        }
    }

    /// Does what is due.
    pub(super) fn tick(&mut self, now: Instant) {
        match &mut self.state {
            State::Connecting { deadline, .. } if *deadline <= now => {
                self.abort_control();
                self.fail(now, AllocateFailure::Connection(StreamEnd::TimedOut));
            }
            State::Live(live) if live.expires_at <= now => self.lose(now, LostReason::Expired),
            State::Live(live) if live.answer_by.is_some_and(|at| at <= now) => {
                self.abort_control();
                self.lose(now, LostReason::Connection(StreamEnd::TimedOut));
            }
            State::Live(live) => {
                let refresh = live.refresh_at.is_some_and(|at| at <= now);
                if refresh {
                    live.refresh_at = None;
                    self.ask_refresh(now);
                }
                self.expire_connections(now);
                self.pump(now);
                self.keep_alive(now);
            }
            _ => {}
        }
    }

    fn ask_refresh(&mut self, now: Instant) {
        let State::Live(live) = &mut self.state else {
            return;
        };
        live.refreshed_at = now;
        let lifetime = live.wish.lifetime.map(seconds);
        let mut request = self.request(Method::REFRESH);
        if let Some(lifetime) = lifetime {
            request = request.with(&lifetime);
        }
        match (self.try_ask(now, request, Purpose::Refresh), &mut self.state) {
            (Ok(()), _) => {}
            // It passes as soon as another request is answered, so nobody needs to hear of it.
            (Err(RequestError::Busy), State::Live(live)) => {
                live.refresh_at = Some(now + BUSY_WAIT);
            }
            (Err(_), _) => self.refresh_failed(now, FailReason::TooLong),
        }
    }

    pub(super) fn answered_refresh(&mut self, now: Instant, at: Instant, answer: Answer) {
        let State::Live(live) = &mut self.state else {
            return;
        };
        live.answer_by = None;
        match answer {
            Ok(response) => {
                let lifetime = response.message().and_then(|message| message.get::<Lifetime>());
                let lifetime = lifetime.map_or(DEFAULT_LIFETIME, duration);
                live.allocation.lifetime = lifetime;
                live.expires_at = at + lifetime;
                live.refresh_at = Some(refresh_time(now, at, lifetime));
                self.stats.refreshes += 1;
                self.tick(now);
            }
            Err((FailReason::Rejected(Code::WRONG_CREDENTIALS), _)) => {
                self.lose(now, LostReason::WrongCredentials);
            }
            Err((reason, _)) => self.refresh_failed(now, reason),
        }
    }

    fn refresh_failed(&mut self, now: Instant, reason: FailReason) {
        let State::Live(live) = &mut self.state else {
            return;
        };
        if may_pass(reason) {
            live.refresh_at = Some(now + retry_after(reason));
        }
        let left = live.expires_at - now;
        self.report_if_room(ClientEvent::RefreshFailed { reason, left });
    }

    /// Takes the connection for dead if it does not answer in time: a NAT may have forgotten it, and TCP
    /// takes minutes to notice.
    pub(super) fn expect_answer(&mut self, now: Instant) {
        let (is_stream, patience) = (self.transport.is_stream(), self.config.connect_patience);
        if let State::Live(live) = &mut self.state
            && is_stream
        {
            let asked_at = now.max(live.refreshed_at + DOUBT_INTERVAL);
            live.answer_by.get_or_insert(asked_at + patience);
        }
    }

    /// The network says that nobody serves there: asks whether the allocation is still there.
    pub(super) fn doubt(&mut self, now: Instant) {
        if let State::Live(live) = &mut self.state
            && let Some(at) = live.refresh_at
        {
            live.refresh_at = Some(at.min(now.max(live.refreshed_at + DOUBT_INTERVAL)));
            self.tick(now);
        }
    }

    pub(super) fn begin_releasing(&mut self, now: Instant) {
        match &mut self.state {
            State::Idle => {}
            State::Connecting { .. } => self.end(now, Ending::Released),
            // With the connection the allocation goes as well.
            State::Allocating { .. } if self.transport.is_stream() => {
                self.end(now, Ending::Released);
            }
            State::Allocating { is_unwanted, .. } => *is_unwanted = true,
            State::Live(_) => self.delete(now, Ending::Released),
            State::Releasing { ending } => *ending = Ending::Released,
        }
    }

    /// RFC 8656 §12.3: client and server disagree about channels, so it is best to start afresh.
    pub(super) fn lose_step(&mut self, now: Instant) {
        self.delete(now, Ending::Lost(LostReason::ChannelsOutOfStep));
    }

    /// Deletes the allocation at the server: RFC 8656 §8.1.
    fn delete(&mut self, now: Instant, ending: Ending) {
        self.cancel(now, |_| true);
        self.drop_connections(now);
        self.state = State::Releasing { ending };
        let request = self.request(Method::REFRESH).with(&Lifetime(0));
        if !self.ask(now, request, Purpose::Release) {
            self.end(now, ending);
        }
    }

    /// RFC 8656 §8.3: an error says as well that it is gone, or will be.
    pub(super) fn answered_release(&mut self, now: Instant) {
        if let State::Releasing { ending } = self.state {
            self.end(now, ending);
        }
    }

    /// The allocation is gone without the client's doing.
    pub(super) fn lose(&mut self, now: Instant, reason: LostReason) {
        if matches!(self.state, State::Live(_)) {
            self.end(now, Ending::Lost(reason));
        }
    }

    pub(super) fn fail(&mut self, now: Instant, failure: AllocateFailure) {
        self.end(now, Ending::Failed(failure));
    }

    /// There is nothing left.
    pub(super) fn end(&mut self, now: Instant, ending: Ending) {
        self.cancel(now, |_| true);
        self.drop_connections(now);
        self.close_control();
        self.state = State::Idle;
        self.report(match ending {
            Ending::Released => ClientEvent::Released,
            Ending::Lost(reason) => ClientEvent::Lost(reason),
            Ending::Failed(failure) => ClientEvent::Failed(failure),
        });
    }
}

/// Puts a wish into attributes: RFC 8656 §7.1.
fn put_wish(request: Request, wish: &Allocate) -> Request {
    let protocol = match wish.relay {
        Relay::Udp => UDP,
        Relay::Tcp => TCP,
    };
    let mut request = request.with(&RequestedTransport(protocol));
    match wish.families {
        // An IPv4 address is what there is without an attribute, also from servers that know none.
        Families::V4 => {}
        Families::V6 => request = request.with(&RequestedAddressFamily(Family::IPV6)),
        Families::Dual => request = request.with(&AdditionalAddressFamily(Family::IPV6)),
    }
    match wish.port {
        PortWish::Any => {}
        PortWish::Even => request = request.with(&EvenPort(false)),
        PortWish::EvenAndReserve => request = request.with(&EvenPort(true)),
        PortWish::Reserved(token) => request = request.with(&ReservationToken(token)),
    }
    if let Some(lifetime) = wish.lifetime {
        request = request.with(&seconds(lifetime));
    }
    if wish.dont_fragment {
        request = request.with(&DontFragment);
    }
    request
}

/// What the server granted; `None` if the client cannot use it: RFC 8656 §7.3.
fn read_answer(message: &Message<'_>, wish: &Allocate) -> Option<Allocation> {
    let (mut relayed_v4, mut relayed_v6): (Option<SocketAddrV4>, Option<SocketAddrV6>) =
        (None, None);
    for XorRelayedAddress(address) in message.get_all() {
        // What was held in reserve is of the family it is.
        let is_wanted = wish.families.has(Family::of(address.ip()))
            || matches!(wish.port, PortWish::Reserved(_));
        if !is_wanted || address.port() == 0 || address.ip().is_unspecified() {
            return None;
        }
        match address {
            SocketAddr::V4(address) => relayed_v4.get_or_insert(address).port(),
            SocketAddr::V6(address) => relayed_v6.get_or_insert(address).port(),
        };
    }
    if relayed_v4.is_none() && relayed_v6.is_none() {
        return None;
    }
    let refused = message.get::<AddressErrorCode<'_>>();
    let mapped = message.get::<stun::wire::XorMappedAddress>();
    Some(Allocation {
        relayed_v4,
        relayed_v6,
        mapped: mapped.map(|mapped| mapped.0),
        lifetime: message.get::<Lifetime>().map_or(DEFAULT_LIFETIME, duration),
        reservation: message.get::<ReservationToken>().map(|token| token.0),
        refused: refused.map(|error| (error.family, error.code)),
        dont_fragment: wish.dont_fragment,
    })
}

/// Whether a 420 is about the DF bit.
fn names_dont_fragment(message: &Message<'_>) -> bool {
    let unknown = message.get::<UnknownAttributes<'_>>();
    unknown.is_some_and(|unknown| unknown.types().any(|kind| kind == AttributeType::DONT_FRAGMENT))
}

/// When to refresh what was granted `lifetime` in answer to a request sent at `asked_at`.
fn refresh_time(now: Instant, asked_at: Instant, lifetime: Duration) -> Instant {
    if base::mutant::active("turn-client-refreshes-late") {
        return asked_at + lifetime + MIN_REFRESH;
    }
    let margin = REFRESH_MARGIN.min(lifetime / 2);
    (asked_at + (lifetime - margin)).max(now + MIN_REFRESH)
}

fn duration(lifetime: Lifetime) -> Duration {
    Duration::from_secs(u64::from(lifetime.0))
}

fn seconds(lifetime: Duration) -> Lifetime {
    Lifetime(u32::try_from(lifetime.as_secs()).unwrap_or(u32::MAX))
}
